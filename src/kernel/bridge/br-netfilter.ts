/**
 * Bridged IPv4 and ARP through the hooks of IPv4 and ARP (net/bridge/br_netfilter_hooks.c).
 *
 * Its own hooks stand in the bridge's points only while somebody has a hook that they would call: a frame
 * that is merely bridged then meets no hook at all.
 */
import { ETH_HLEN, ETH_P_ARP, ETH_P_IP, PACKET_HOST, PACKET_OTHERHOST } from '../../uapi/if.ts';
import { macAt, putMac, putU16, u16At } from '../../wire/addr.ts';
import { ipFastCsum } from '../../wire/checksum.ts';
import { ipv4Destination, ipv4Source } from '../../wire/ipv4.ts';
import { vlanFindDev } from '../8021q/vlan-core.ts';
import { REASON } from '../core/drop-reason.ts';
import type { Kernel } from '../core/kernel.ts';
import { neighOutput } from '../core/neighbour-nud.ts';
import { NUD_CONNECTED } from '../core/neighbour-states.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { NetDevice } from '../core/netdevice.ts';
import {
  NF_ACCEPT,
  NF_DROP,
  NF_INET_FORWARD,
  NF_INET_LOCAL_IN,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
  NF_IP_PRI_FIRST,
  NF_IP_PRI_LAST,
  NF_STOLEN,
  NFPROTO_ARP,
  NFPROTO_BRIDGE,
  NFPROTO_IPV4,
  type NfHookFn,
  type NfHookOps,
  type NfHookState,
  nfHook,
} from '../core/netfilter.ts';
import { brNetfilter, type NfBridgeInfo, nfBridgeInfoOf } from '../core/netfilter-bridge.ts';
import { kfreeSkbReason, type SkBuff, skbCowHead, skbEnsureWritable } from '../core/skbuff.ts';
import { arpTable } from '../ipv4/arp-table.ts';
import { Flowi4 } from '../ipv4/fib.ts';
import { inDevGet } from '../ipv4/in-device.ts';
import { ipDoFragment } from '../ipv4/ip-do-fragment.ts';
import { ipv4Of } from '../ipv4/ipv4-net.ts';
import { ipRouteInput } from '../ipv4/route-input.ts';
import { ipRouteOutputKey } from '../ipv4/route-output.ts';
import { Rtable, skbRtable } from '../ipv4/rtable.ts';
import { brDevQueuePushXmit, brForwardFinish } from './br-forward.ts';
import { brHandleFrameFinish } from './br-input.ts';
import { type BrnfNet, brnfOf, registerBrnfSysctls } from './br-netfilter-sysctl.ts';
import {
  BROPT_NF_CALL_ARPTABLES,
  BROPT_NF_CALL_IPTABLES,
  brOptGet,
  brPortGet,
  CB_PROMISC,
  isBridgeMaster,
  type NetBridge,
} from './br-private.ts';

/** NF_BR_PRI_BRNF. */
const NF_BR_PRI_BRNF = 0;
const IP_DF = 0x4000;

/** An IPv4 (ARP) frame: without a tag, or with one that may be looked into. */
function isProtocol(skb: SkBuff, brnf: BrnfNet, protocol: number): boolean {
  return skb.protocol === protocol && (skb.vlanTci < 0 || brnf.filterVlanTagged !== 0);
}

/** The frame's IPv4 header is sound, and padding behind the datagram is cut off. @kernel net/bridge/br_netfilter_hooks.c br_validate_ipv4 */
function validateIpv4(net: NetNamespace, skb: SkBuff): boolean {
  const { bytes, data } = skb;
  const { ip } = ipv4Of(net).mib;
  const headerLength = skb.len < 20 ? 0 : (bytes[data]! & 0xf) * 4;
  if (headerLength < 20 || bytes[data]! >> 4 !== 4 || skb.len < headerLength) {
    ip.InHdrErrors++;
    return false;
  }
  if (ipFastCsum(bytes, data, headerLength) !== 0) {
    ip.InHdrErrors++;
    return false;
  }
  const total = u16At(bytes, data + 2);
  if (skb.len < total || total < headerLength) {
    ip.InHdrErrors++;
    return false;
  }
  skb.tail = data + total;
  skb.cb = 0;
  skb.ipFlags = 0;
  return true;
}

/** The route that netfilter finds on a bridged frame. @kernel net/bridge/br_nf_core.c br_netfilter_rtable_init */
function fakeRtable(br: NetBridge): Rtable {
  const known = br.fakeRtable;
  if (known instanceof Rtable) return known;
  const rt = new Rtable(ipv4Of(br.dev.net), br.dev, 0, 0);
  br.fakeRtable = rt;
  return rt;
}

/** The device that IP is told: the bridge, or a VLAN device on it. @kernel net/bridge/br_netfilter_hooks.c brnf_get_logical_dev */
function logicalDev(skb: SkBuff, port: NetDevice, brnf: BrnfNet): NetDevice | undefined {
  const br = brPortGet(port)?.br.dev;
  if (br === undefined || brnf.passVlanIndev === 0 || skb.vlanTci < 0) return br;
  return vlanFindDev(br, skb.vlanProto, skb.vlanTci & 0xfff) ?? br;
}

/** @kernel net/bridge/br_netfilter_hooks.c br_nf_pre_routing #P[IPv6, PPPoE] */
function brNfPreRouting(skb: SkBuff, state: NfHookState): number {
  const port = state.in!;
  const p = brPortGet(port);
  if (p === undefined) return NF_DROP;
  const brnf = brnfOf(state.net);
  if (brnf.callIptables === 0 && !brOptGet(p.br, BROPT_NF_CALL_IPTABLES)) return NF_ACCEPT;
  if (!isProtocol(skb, brnf, ETH_P_IP)) return NF_ACCEPT;
  if (!validateIpv4(state.net, skb)) return NF_DROP;
  const info: NfBridgeInfo = {
    physindev: port,
    physoutdev: undefined,
    pktOtherhost: skb.pktType === PACKET_OTHERHOST,
    inPrerouting: true,
    bridgedDnat: false,
    sabotageInDone: false,
    ipv4Daddr: ipv4Destination(skb.bytes, skb.data),
    neighSource: 0,
    neighProtocol: 0,
  };
  if (info.pktOtherhost) skb.pktType = PACKET_HOST;
  skb.nfBridge = info;
  skb.sk = undefined;
  const dev = logicalDev(skb, port, brnf)!;
  skb.dev = dev;
  skb.networkHeader = skb.data;
  skb.transportHeader = skb.data + (skb.bytes[skb.data]! & 0xf) * 4;
  if (nfHook(NFPROTO_IPV4, NF_INET_PRE_ROUTING, state.net, skb, dev, undefined, brNfPreRoutingFinish))
    brNfPreRoutingFinish(skb);
  return NF_STOLEN;
}

/**
 * Back to the bridge; a frame with a new destination is bridged there, or passed up to be routed.
 * @kernel net/bridge/br_netfilter_hooks.c br_nf_pre_routing_finish
 */
function brNfPreRoutingFinish(skb: SkBuff): void {
  const info = nfBridgeInfoOf(skb)!;
  const dev = skb.dev!;
  const port = info.physindev;
  const p = brPortGet(port);
  if (p === undefined) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'br_nf_pre_routing_finish', 'the port is gone');
    return;
  }
  if (info.pktOtherhost) {
    skb.pktType = PACKET_OTHERHOST;
    info.pktOtherhost = false;
  }
  info.inPrerouting = false;
  if (ipv4Destination(skb.bytes, skb.data) === info.ipv4Daddr) {
    skb.dst = fakeRtable(p.br);
    skb.dev = port;
    brHandleFrameFinish(skb);
    return;
  }
  if (!routeChangedDestination(skb, dev)) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'br_nf_pre_routing_finish', 'no route to the new destination');
    return;
  }
  skb.dev = port;
  if (skbRtable(skb)!.dev === dev) {
    finishBridge(skb);
    return;
  }
  skbEnsureWritable(skb);
  putMac(skb.bytes, skb.macHeader, dev.addr);
  skb.pktType = PACKET_HOST;
  brHandleFrameFinish(skb);
}

/**
 * Puts a route on the frame. Where forwarding is off that is the route of an error, with which the host will
 * drop the frame; only a source that is refused gets a second try.
 */
function routeChangedDestination(skb: SkBuff, dev: NetDevice): boolean {
  const { bytes, data } = skb;
  const daddr = ipv4Destination(bytes, data);
  const reason = ipRouteInput(skb, daddr, ipv4Source(bytes, data), bytes[data + 1]!, dev);
  if (reason === 0) return true;
  const inDev = inDevGet(dev);
  if (reason !== REASON.IP_INADDRERRORS || inDev === undefined || inDev.forward) return false;
  const flow = new Flowi4();
  flow.daddr = daddr;
  flow.tos = bytes[data + 1]!;
  const rt = ipRouteOutputKey(ipv4Of(dev.net), flow);
  if (typeof rt === 'number' || rt.dev !== dev) return false;
  skb.dst = rt;
  return true;
}

/**
 * The new destination is behind the same bridge: find its address, keep the sender's.
 * @kernel net/bridge/br_netfilter_hooks.c br_nf_pre_routing_finish_bridge
 */
function finishBridge(skb: SkBuff): void {
  const info = nfBridgeInfoOf(skb)!;
  const port = skb.dev!;
  const rt = skbRtable(skb)!;
  const table = arpTable(skb.kernel);
  const key = rt.gw === 0 ? ipv4Destination(skb.bytes, skb.data) : rt.gw;
  const neigh = table.lookup(key, rt.dev) ?? table.create(key, rt.dev);
  if (neigh === undefined) {
    kfreeSkbReason(skb, REASON.NEIGH_CREATEFAIL, 'br_nf_pre_routing_finish_bridge', 'no neighbour entry could be made');
    return;
  }
  if ((neigh.state & NUD_CONNECTED) !== 0) {
    skbEnsureWritable(skb);
    putMac(skb.bytes, skb.macHeader, neigh.ha);
    skb.dev = port;
    brHandleFrameFinish(skb);
    return;
  }
  info.neighSource = macAt(skb.bytes, skb.macHeader + 6);
  info.neighProtocol = u16At(skb.bytes, skb.macHeader + 12);
  info.bridgedDnat = true;
  skb.dev = rt.dev;
  neighOutput(neigh, skb);
}

/**
 * A bridged frame whose new destination's address the neighbour layer has just found comes back to the
 * bridge. True: taken.
 * @kernel net/bridge/br_netfilter_hooks.c br_nf_dev_xmit
 */
export function brNfDevXmit(skb: SkBuff): boolean {
  const info = nfBridgeInfoOf(skb);
  if (info === undefined || !info.bridgedDnat) return false;
  skb.macHeader = skb.data;
  skb.pull(ETH_HLEN);
  info.bridgedDnat = false;
  info.physoutdev = undefined;
  skbEnsureWritable(skb);
  putMac(skb.bytes, skb.macHeader + 6, info.neighSource);
  putU16(skb.bytes, skb.macHeader + 12, info.neighProtocol);
  skb.dev = info.physindev;
  brHandleFrameFinish(skb);
  return true;
}

/** @kernel net/bridge/br_netfilter_hooks.c br_nf_local_in #P[confirmation of a connection before the frame is cloned] */
function brNfLocalIn(skb: SkBuff): number {
  if ((skb.cb & CB_PROMISC) !== 0) {
    skb.nfct = undefined;
    skb.nfctInfo = 0;
  }
  return NF_ACCEPT;
}

/** @kernel net/bridge/br_netfilter_hooks.c br_nf_forward_ip */
function brNfForwardIp(skb: SkBuff, state: NfHookState): number {
  const shared = nfBridgeInfoOf(skb);
  if (shared === undefined) return NF_ACCEPT;
  // Clones share what is noted, but each has a port of its own to go out by.
  const info: NfBridgeInfo = { ...shared };
  skb.nfBridge = info;
  const parent = brPortGet(state.out!)?.br.dev;
  if (parent === undefined) return NF_DROP;
  const brnf = brnfOf(state.net);
  if (!isProtocol(skb, brnf, ETH_P_IP)) return NF_ACCEPT;
  if (skb.pktType === PACKET_OTHERHOST) {
    skb.pktType = PACKET_HOST;
    info.pktOtherhost = true;
  }
  if (!validateIpv4(state.net, skb)) return NF_DROP;
  info.physoutdev = skb.dev;
  skb.networkHeader = skb.data;
  const indev = logicalDev(skb, state.in!, brnf);
  if (nfHook(NFPROTO_IPV4, NF_INET_FORWARD, state.net, skb, indev, parent, brNfForwardFinish)) brNfForwardFinish(skb);
  return NF_STOLEN;
}

/** @kernel net/bridge/br_netfilter_hooks.c br_nf_forward_finish */
function brNfForwardFinish(skb: SkBuff): void {
  const info = nfBridgeInfoOf(skb);
  if (info?.pktOtherhost === true) {
    skb.pktType = PACKET_OTHERHOST;
    info.pktOtherhost = false;
  }
  brForwardFinish(skb);
}

/** For ARP the hooks see the ports themselves. @kernel net/bridge/br_netfilter_hooks.c br_nf_forward_arp */
function brNfForwardArp(skb: SkBuff, state: NfHookState): number {
  const p = brPortGet(state.out!);
  if (p === undefined) return NF_ACCEPT;
  const brnf = brnfOf(state.net);
  if (brnf.callArptables === 0 && !brOptGet(p.br, BROPT_NF_CALL_ARPTABLES)) return NF_ACCEPT;
  if (!isProtocol(skb, brnf, ETH_P_ARP)) return NF_ACCEPT;
  if (skb.len < 8) return NF_DROP;
  if (skb.bytes[skb.data + 5] !== 4) return NF_ACCEPT;
  if (nfHook(NFPROTO_ARP, NF_INET_FORWARD, state.net, skb, state.in, state.out, brForwardFinish)) brForwardFinish(skb);
  return NF_STOLEN;
}

/** @kernel net/bridge/br_netfilter_hooks.c br_nf_post_routing */
function brNfPostRouting(skb: SkBuff, state: NfHookState): number {
  const info = nfBridgeInfoOf(skb);
  // Delivered here by a bridge and routed since: IP has called these hooks already.
  if (info === undefined || info.physoutdev === undefined) return NF_ACCEPT;
  const realoutdev = brPortGet(skb.dev!)?.br.dev;
  if (realoutdev === undefined) return NF_DROP;
  if (!isProtocol(skb, brnfOf(state.net), ETH_P_IP)) return NF_ACCEPT;
  if (skb.pktType === PACKET_OTHERHOST) {
    skb.pktType = PACKET_HOST;
    info.pktOtherhost = true;
  }
  if (nfHook(NFPROTO_IPV4, NF_INET_POST_ROUTING, state.net, skb, undefined, realoutdev, brNfDevQueueXmit))
    brNfDevQueueXmit(skb);
  return NF_STOLEN;
}

/** Out of the port; what connection tracking put together is cut again. @kernel net/bridge/br_netfilter_hooks.c br_nf_dev_queue_xmit */
function brNfDevQueueXmit(skb: SkBuff): void {
  const info = nfBridgeInfoOf(skb)!;
  const dev = skb.dev!;
  if (info.pktOtherhost) {
    skb.pktType = PACKET_OTHERHOST;
    info.pktOtherhost = false;
  }
  if (skb.len <= dev.mtu || skb.protocol !== ETH_P_IP || skbRtable(skb) === undefined) {
    skb.nfBridge = undefined;
    brDevQueuePushXmit(skb);
    return;
  }
  brNfIpFragment(skb, dev);
}

/** @kernel net/bridge/br_netfilter_hooks.c br_nf_ip_fragment */
function brNfIpFragment(skb: SkBuff, dev: NetDevice): void {
  if ((u16At(skb.bytes, skb.data + 6) & IP_DF) !== 0) {
    ipv4Of(dev.net).mib.ip.FragFails++;
    kfreeSkbReason(
      skb,
      REASON.PKT_TOO_BIG,
      'br_nf_ip_fragment',
      'longer than the MTU of the port, and not to be fragmented',
    );
    return;
  }
  const header = skb.bytes.slice(skb.macHeader, skb.macHeader + ETH_HLEN);
  skb.networkHeader = skb.data;
  ipDoFragment(skb, (fragment) => {
    skbCowHead(fragment, ETH_HLEN);
    fragment.bytes.set(header, fragment.data - ETH_HLEN);
    fragment.macHeader = fragment.data - ETH_HLEN;
    fragment.dev = dev;
    fragment.nfBridge = undefined;
    brDevQueuePushXmit(fragment);
  });
}

/**
 * Of all that br_netfilter does to packets that no hook waits for, one thing shows: what is longer than
 * the MTU of its port is cut, or dropped.
 */
function oversized(skb: SkBuff): boolean {
  const dev = skb.dev!;
  const { net } = dev;
  const br = brPortGet(dev)?.br;
  const brnf = brnfOf(net);
  if (br === undefined || brnf.enabled || net.nfHooks.onChange === undefined) return false;
  if (brnf.callIptables === 0 && !brOptGet(br, BROPT_NF_CALL_IPTABLES)) return false;
  if (skb.protocol !== ETH_P_IP || !isProtocol(skb, brnf, ETH_P_IP)) return false;
  if (!validateIpv4(net, skb)) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'br_nf_pre_routing', 'not a valid IPv4 header');
    return true;
  }
  if (skb.len <= dev.mtu) return false;
  skb.dst = fakeRtable(br);
  brNfIpFragment(skb, dev);
  return true;
}

/** A frame that a bridge passes up has been through PRE_ROUTING. @kernel net/bridge/br_netfilter_hooks.c ip_sabotage_in */
function ipSabotageIn(skb: SkBuff, state: NfHookState): number {
  const info = nfBridgeInfoOf(skb);
  if (info === undefined || info.sabotageInDone || info.inPrerouting) return NF_ACCEPT;
  info.sabotageInDone = true;
  state.okfn(skb);
  return NF_STOLEN;
}

function hook(name: string, pf: number, point: number, priority: number, fn: NfHookFn): NfHookOps {
  return { name, pf, hook: point, priority, fn };
}

const BR_NF_OPS: readonly NfHookOps[] = [
  hook('br_nf_pre_routing', NFPROTO_BRIDGE, NF_INET_PRE_ROUTING, NF_BR_PRI_BRNF, brNfPreRouting),
  hook('br_nf_local_in', NFPROTO_BRIDGE, NF_INET_LOCAL_IN, NF_IP_PRI_LAST, brNfLocalIn),
  hook('br_nf_forward_ip', NFPROTO_BRIDGE, NF_INET_FORWARD, NF_BR_PRI_BRNF - 1, brNfForwardIp),
  hook('br_nf_forward_arp', NFPROTO_BRIDGE, NF_INET_FORWARD, NF_BR_PRI_BRNF, brNfForwardArp),
  hook('br_nf_post_routing', NFPROTO_BRIDGE, NF_INET_POST_ROUTING, NF_IP_PRI_LAST, brNfPostRouting),
  hook('ip_sabotage_in', NFPROTO_IPV4, NF_INET_PRE_ROUTING, NF_IP_PRI_FIRST, ipSabotageIn),
];

/** Points whose hooks bridged frames are taken through. */
const POINTS: readonly (readonly [pf: number, point: number])[] = [
  [NFPROTO_IPV4, NF_INET_PRE_ROUTING],
  [NFPROTO_IPV4, NF_INET_FORWARD],
  [NFPROTO_IPV4, NF_INET_POST_ROUTING],
  [NFPROTO_ARP, NF_INET_FORWARD],
];

/** Stand in the bridge's points as long as there is a hook to call there, and a bridge. */
function update(net: NetNamespace): void {
  const brnf = brnfOf(net);
  const { nfHooks } = net;
  const wanted = POINTS.some(
    ([pf, point]) => nfHooks.list(pf, point)?.some((ops) => !BR_NF_OPS.includes(ops)) === true,
  );
  if (wanted === brnf.enabled) return;
  brnf.enabled = wanted;
  for (const ops of BR_NF_OPS) {
    if (wanted) nfHooks.register(ops);
    else nfHooks.unregister(ops);
  }
}

/** The namespace's first bridge. @kernel net/bridge/br_netfilter_hooks.c brnf_device_event */
function brnfDeviceEvent(dev: NetDevice): void {
  const { net } = dev;
  if (!isBridgeMaster(dev) || net.nfHooks.onChange !== undefined) return;
  net.nfHooks.onChange = () => update(net);
  update(net);
}

/** @kernel net/bridge/br_netfilter_hooks.c br_netfilter_init */
export function registerBrNetfilter(kernel: Kernel): void {
  brNetfilter.oversized = oversized;
  registerBrnfSysctls(kernel);
  kernel.registerNotifier({
    name: 'br_netfilter',
    priority: 0,
    call(event, dev) {
      if (event === 'REGISTER') brnfDeviceEvent(dev);
      return 0;
    },
  });
}
