/** Which ports a frame leaves by (net/bridge/br_forward.c). */
import { ETH_HLEN, IFF_UP } from '../../uapi/if.ts';
import { macAt, putMac } from '../../wire/addr.ts';
import { isSkbForwardable } from '../core/dev-receive.ts';
import { devQueueXmit } from '../core/dev-xmit.ts';
import { REASON } from '../core/drop-reason.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { NF_INET_FORWARD, NF_INET_LOCAL_OUT, NF_INET_POST_ROUTING, NFPROTO_BRIDGE, nfHook } from '../core/netfilter.ts';
import { brNetfilter } from '../core/netfilter-bridge.ts';
import { kfreeSkbReason, type SkBuff, skbClone, skbCowHead, traceNoCopy } from '../core/skbuff.ts';
import type { MdbEntry } from './br-multicast-state.ts';
import {
  BR_BCAST_FLOOD,
  BR_FLOOD,
  BR_HAIRPIN_MODE,
  BR_ISOLATED,
  BR_MCAST_FLOOD,
  BR_MULTICAST_TO_UNICAST,
  BR_NEIGH_SUPPRESS,
  BR_PROXYARP,
  BR_PROXYARP_WIFI,
  BR_STATE_FORWARDING,
  brPortGet,
  CB_PROXYARP_REPLIED,
  CB_SRC_PORT_ISOLATED,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';
import { brAllowedEgress, brHandleVlan, brSkbVid } from './br-vlan-filter.ts';

/** enum br_pkt_type. */
export const BR_PKT_UNICAST = 0;
export const BR_PKT_MULTICAST = 1;
export const BR_PKT_BROADCAST = 2;

/** Not back to where it came from, not to a port that does not forward, not between isolated ports. @kernel net/bridge/br_forward.c should_deliver */
function shouldDeliver(p: NetBridgePort, skb: SkBuff): boolean {
  return (
    ((p.flags & BR_HAIRPIN_MODE) !== 0 || skb.dev !== p.dev) &&
    p.state === BR_STATE_FORWARDING &&
    brAllowedEgress(p.br, p.vlgrp, skb) &&
    ((p.flags & BR_ISOLATED) === 0 || (skb.cb & CB_SRC_PORT_ISOLATED) === 0)
  );
}

/** Why shouldDeliver() says no, for the trace. */
function whyNot(p: NetBridgePort, skb: SkBuff): string {
  if (p.state !== BR_STATE_FORWARDING) return 'should_deliver: the port is not forwarding';
  if (skb.dev === p.dev && (p.flags & BR_HAIRPIN_MODE) === 0) {
    return 'should_deliver: the frame came in by this port and hairpin is off';
  }
  if (!brAllowedEgress(p.br, p.vlgrp, skb))
    return `should_deliver: the port is no member of VLAN ${brSkbVid(p.br, skb)}`;
  return 'should_deliver: both ports are isolated';
}

function noCopy(p: NetBridgePort, skb: SkBuff, why: string): void {
  if (skb.kernel.trace.on) traceNoCopy(skb, p.dev, why === '' ? whyNot(p, skb) : why);
}

/** Out of a port; `data` stands behind the link-layer header. @kernel net/bridge/br_forward.c br_dev_queue_push_xmit */
export function brDevQueuePushXmit(skb: SkBuff): void {
  skb.push(ETH_HLEN);
  const dev = skb.dev!;
  if (!isSkbForwardable(dev, skb.len)) {
    const down = (dev.flags & IFF_UP) === 0;
    kfreeSkbReason(
      skb,
      REASON.NOT_SPECIFIED,
      'br_dev_queue_push_xmit',
      down ? 'the port is down' : 'longer than the MTU of the port allows',
    );
    return;
  }
  if (skb.dst !== undefined && skb.dst === brPortGet(dev)?.br.fakeRtable) skb.dst = undefined;
  devQueueXmit(skb);
}

/** @kernel net/bridge/br_forward.c br_forward_finish */
export function brForwardFinish(skb: SkBuff): void {
  skb.tstamp = 0;
  const dev = skb.dev!;
  if (nfHook(NFPROTO_BRIDGE, NF_INET_POST_ROUTING, dev.net, skb, undefined, dev, brDevQueuePushXmit))
    brDevQueuePushXmit(skb);
}

/** @kernel net/bridge/br_forward.c __br_forward */
function forwardTo(to: NetBridgePort, skb: SkBuff, localOrig: boolean): void {
  if (!brHandleVlan(to.br, to.vlgrp, skb)) return;
  const indev: NetDevice = skb.dev!;
  const { dev } = to;
  skb.dev = dev;
  if (localOrig) {
    if (nfHook(NFPROTO_BRIDGE, NF_INET_LOCAL_OUT, dev.net, skb, undefined, dev, brForwardFinish)) brForwardFinish(skb);
  } else {
    if (skb.len > dev.mtu && brNetfilter.oversized(skb)) return;
    if (nfHook(NFPROTO_BRIDGE, NF_INET_FORWARD, indev.net, skb, indev, dev, brForwardFinish)) brForwardFinish(skb);
  }
}

/**
 * To one port; `localRcv`: the bridge's own host gets the frame afterwards, so a copy goes out.
 * @kernel net/bridge/br_forward.c br_forward
 */
export function brForward(to: NetBridgePort | undefined, skb: SkBuff, localRcv: boolean, localOrig: boolean): void {
  let port = to;
  const backup = port?.backupPort;
  if (port !== undefined && backup !== undefined && (!port.dev.carrier || !port.dev.running)) port = backup;
  if (port !== undefined && shouldDeliver(port, skb)) {
    forwardTo(port, localRcv ? skbClone(skb) : skb, localOrig);
    return;
  }
  if (port !== undefined) noCopy(port, skb, '');
  if (!localRcv) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'br_forward', port === undefined ? 'no port' : whyNot(port, skb));
  }
}

/** '' when a port is flooded with this type of frame, otherwise why it is not. */
function floodRefusal(p: NetBridgePort, skb: SkBuff, br: NetBridge, type: number): string {
  if (type === BR_PKT_UNICAST) {
    if ((p.flags & BR_FLOOD) === 0) return 'br_flood: unknown unicast is not flooded here (flood off)';
  } else if (type === BR_PKT_MULTICAST) {
    if ((p.flags & BR_MCAST_FLOOD) === 0 && skb.dev !== br.dev) {
      return 'br_flood: multicast is not flooded here (mcast_flood off)';
    }
  } else if ((p.flags & BR_BCAST_FLOOD) === 0 && skb.dev !== br.dev) {
    return 'br_flood: broadcast is not flooded here (bcast_flood off)';
  }
  if ((p.flags & BR_PROXYARP) !== 0) return 'br_flood: the port is not flooded (proxy_arp on)';
  if ((skb.cb & CB_PROXYARP_REPLIED) !== 0 && (p.flags & (BR_PROXYARP_WIFI | BR_NEIGH_SUPPRESS)) !== 0) {
    return 'br_flood: the ARP request was answered by the bridge';
  }
  return '';
}

/** To every port that wants it: the last gets the frame itself. @kernel net/bridge/br_forward.c br_flood */
export function brFlood(br: NetBridge, skb: SkBuff, type: number, localRcv: boolean, localOrig: boolean): void {
  const { ports } = br;
  let prev: NetBridgePort | undefined;
  for (let i = 0; i < ports.length; i++) {
    const p = ports[i]!;
    const refusal = floodRefusal(p, skb, br, type);
    if (refusal !== '') noCopy(p, skb, refusal);
    else prev = maybeDeliver(prev, p, skb, localOrig);
  }
  finishFlood(prev, skb, localRcv, localOrig);
}

/** @kernel net/bridge/br_forward.c maybe_deliver */
function maybeDeliver(
  prev: NetBridgePort | undefined,
  p: NetBridgePort,
  skb: SkBuff,
  localOrig: boolean,
): NetBridgePort | undefined {
  if (!shouldDeliver(p, skb)) {
    noCopy(p, skb, '');
    return prev;
  }
  if (prev !== undefined) forwardTo(prev, skbClone(skb), localOrig);
  return p;
}

function finishFlood(prev: NetBridgePort | undefined, skb: SkBuff, localRcv: boolean, localOrig: boolean): void {
  if (prev !== undefined) forwardTo(prev, localRcv ? skbClone(skb) : skb, localOrig);
  else if (!localRcv) kfreeSkbReason(skb, REASON.NO_TX_TARGET, 'br_flood', 'no port takes it');
}

/** A copy for one host behind a port that turns multicast into unicast. @kernel net/bridge/br_forward.c maybe_deliver_addr */
function maybeDeliverAddr(p: NetBridgePort, skb: SkBuff, address: number, localOrig: boolean): void {
  if (!shouldDeliver(p, skb)) {
    noCopy(p, skb, '');
    return;
  }
  if (skb.dev === p.dev && macAt(skb.bytes, skb.macHeader + 6) === address) {
    noCopy(p, skb, 'maybe_deliver_addr: it sent the frame itself');
    return;
  }
  const copy = skbClone(skb);
  skbCowHead(copy, ETH_HLEN);
  putMac(copy.bytes, copy.macHeader, address);
  forwardTo(p, copy, localOrig);
}

/**
 * To the ports behind which the group was joined, and to the routers.
 * @kernel net/bridge/br_forward.c br_multicast_flood
 */
export function brMulticastFlood(
  br: NetBridge,
  mdst: MdbEntry | undefined,
  skb: SkBuff,
  localRcv: boolean,
  localOrig: boolean,
): void {
  const members = mdst === undefined ? [] : [...mdst.ports];
  const { routerPorts } = br.multicast;
  let prev: NetBridgePort | undefined;
  for (const p of [...br.ports].sort((a, b) => b.portNo - a.portNo)) {
    const joined = members.filter((member) => member.port === p);
    if (joined.length === 0 && !routerPorts.includes(p)) {
      noCopy(p, skb, 'br_multicast_flood: nobody behind the port has joined the group');
    } else if (joined.length > 0 && (p.flags & BR_MULTICAST_TO_UNICAST) !== 0) {
      for (const member of joined) maybeDeliverAddr(p, skb, member.ethAddr, localOrig);
    } else prev = maybeDeliver(prev, p, skb, localOrig);
  }
  finishFlood(prev, skb, localRcv, localOrig);
}
