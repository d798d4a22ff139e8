/** Frames that come in by a port (net/bridge/br_input.c). */
import { ETH_P_ARP, IFF_PROMISC, PACKET_HOST, PACKET_LOOPBACK } from '../../uapi/if.ts';
import { macAt } from '../../wire/addr.ts';
import { netifReceiveSkb } from '../core/dev-receive.ts';
import { REASON } from '../core/drop-reason.ts';
import { RX_HANDLER_CONSUMED, RX_HANDLER_PASS } from '../core/netdevice.ts';
import { NF_INET_LOCAL_IN, NF_INET_PRE_ROUTING, NFPROTO_BRIDGE, nfHook } from '../core/netfilter.ts';
import { kfreeSkbReason, type SkBuff } from '../core/skbuff.ts';
import { brDoProxySuppressArp } from './br-arp-nd-proxy.ts';
import { brFdbFindAt, brFdbUpdateAt } from './br-fdb.ts';
import { BR_FDB_LOCAL, BR_FDB_LOCKED } from './br-fdb-table.ts';
import {
  BR_PKT_BROADCAST,
  BR_PKT_MULTICAST,
  BR_PKT_UNICAST,
  brFlood,
  brForward,
  brMulticastFlood,
} from './br-forward.ts';
import { brMdbGet, brMulticastIsRouter, brMulticastQuerierExists, brMulticastRcv } from './br-multicast.ts';
import {
  BR_ISOLATED,
  BR_LEARNING,
  BR_NO_STP,
  BR_PORT_LOCKED,
  BR_PORT_MAB,
  BR_STATE_DISABLED,
  BR_STATE_FORWARDING,
  BR_STATE_LEARNING,
  BROPT_NO_LL_LEARN,
  CB_MROUTERS_ONLY,
  CB_PROMISC,
  CB_SRC_PORT_ISOLATED,
  type NetBridge,
  type NetBridgePort,
  nbpStateShouldLearn,
} from './br-private.ts';

import {
  brAllowedEgress,
  brAllowedIngress,
  brHandleVlan,
  brShouldLearn,
  brSkbVid,
  NOT_ALLOWED,
  VLAN_LEARNING,
} from './br-vlan-filter.ts';

/** @kernel net/bridge/br_input.c br_netif_receive_skb */
function brNetifReceiveSkb(skb: SkBuff): void {
  if (skb.dst !== undefined && skb.dst === (skb.dev!.priv as NetBridge).fakeRtable) skb.dst = undefined;
  netifReceiveSkb(skb);
}

/** To the bridge's own host. @kernel net/bridge/br_input.c br_pass_frame_up */
function brPassFrameUp(br: NetBridge, skb: SkBuff, promisc: boolean): void {
  const { dev } = br;
  dev.stats.rxPackets++;
  dev.stats.rxBytes += skb.len;
  const indev = skb.dev!;
  skb.dev = dev;
  if (promisc) skb.cb |= CB_PROMISC;
  else skb.cb &= ~CB_PROMISC;
  // The bridge is a port like others, unless somebody listens to all that passes.
  if ((dev.flags & IFF_PROMISC) === 0 && !brAllowedEgress(br, br.vlgrp, skb)) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'br_pass_frame_up', 'the bridge itself is no member of the VLAN');
    return;
  }
  if (!brHandleVlan(br, br.vlgrp, skb)) return;
  if (nfHook(NFPROTO_BRIDGE, NF_INET_LOCAL_IN, indev.net, skb, indev, undefined, brNetifReceiveSkb))
    brNetifReceiveSkb(skb);
}

/** Whether a locked port may be used by the sender; if not, the frame has ended. */
function lockedPortAdmits(br: NetBridge, p: NetBridgePort, skb: SkBuff): boolean {
  const { bytes, macHeader } = skb;
  const vid = brSkbVid(br, skb);
  const source = brFdbFindAt(br, bytes, macHeader + 6, vid);
  let why: string;
  if (source === undefined) {
    if ((p.flags & BR_PORT_MAB) !== 0) brFdbUpdateAt(br, p, bytes, macHeader + 6, vid, BR_FDB_LOCKED);
    why = 'the port is locked and the sender is unknown';
  } else if (source.dst !== p || (source.flags & BR_FDB_LOCAL) !== 0) {
    why = 'the port is locked and the sender belongs elsewhere';
  } else if ((source.flags & BR_FDB_LOCKED) !== 0) {
    brFdbUpdateAt(br, p, bytes, macHeader + 6, vid, BR_FDB_LOCKED);
    why = 'the port is locked and so is the entry of the sender';
  } else return true;
  kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'br_handle_frame_finish', why);
  return false;
}

/**
 * Learn, then forward, flood, or pass up.
 * @kernel net/bridge/br_input.c br_handle_frame_finish #P[MST, IPv6 neighbour suppression]
 */
export function brHandleFrameFinish(skb: SkBuff): void {
  const p = skb.dev!.rxHandlerData as NetBridgePort;
  const { br } = p;
  if (p.state === BR_STATE_DISABLED) {
    kfreeSkbReason(skb, REASON.BRIDGE_INGRESS_STP_STATE, 'br_handle_frame_finish', 'the port is disabled');
    return;
  }
  const allowed = brAllowedIngress(br, p.vlgrp, skb, p.state);
  if (allowed === NOT_ALLOWED) return;
  const vid = allowed & ~VLAN_LEARNING;
  const { bytes, macHeader } = skb;
  if ((p.flags & BR_PORT_LOCKED) !== 0 && !lockedPortAdmits(br, p, skb)) return;
  if ((p.flags & BR_LEARNING) !== 0) brFdbUpdateAt(br, p, bytes, macHeader + 6, vid, 0);
  const promisc = (br.dev.flags & IFF_PROMISC) !== 0;
  let localRcv = promisc;
  let type = BR_PKT_UNICAST;
  if ((bytes[macHeader]! & 1) !== 0) {
    if (isBroadcastAt(bytes, macHeader)) {
      type = BR_PKT_BROADCAST;
      localRcv = true;
    } else {
      type = BR_PKT_MULTICAST;
      if (!brMulticastRcv(br, p, skb)) {
        kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'br_multicast_rcv', 'malformed IPv4 or IGMP');
        return;
      }
    }
  }
  if (p.state === BR_STATE_LEARNING || allowed !== vid) {
    kfreeSkbReason(skb, REASON.BRIDGE_INGRESS_STP_STATE, 'br_handle_frame_finish', 'the port is only learning yet');
    return;
  }
  if ((p.flags & BR_ISOLATED) !== 0) skb.cb |= CB_SRC_PORT_ISOLATED;
  if (skb.protocol === ETH_P_ARP) brDoProxySuppressArp(skb, br, vid, p);
  if (type === BR_PKT_UNICAST) {
    const dst = brFdbFindAt(br, bytes, macHeader, vid);
    if (dst === undefined) brFlood(br, skb, BR_PKT_UNICAST, localRcv, false);
    else {
      if ((dst.flags & BR_FDB_LOCAL) !== 0) {
        brPassFrameUp(br, skb, false);
        return;
      }
      dst.used = skb.kernel.queue.now;
      brForward(dst.dst, skb, localRcv, false);
    }
  } else if (type === BR_PKT_BROADCAST) brFlood(br, skb, BR_PKT_BROADCAST, localRcv, false);
  else localRcv = forwardMulticast(br, skb, localRcv);
  if (localRcv) brPassFrameUp(br, skb, promisc);
}

function isBroadcastAt(bytes: Uint8Array, at: number): boolean {
  return (bytes[at]! & bytes[at + 1]! & bytes[at + 2]! & bytes[at + 3]! & bytes[at + 4]! & bytes[at + 5]!) === 0xff;
}

/** Whether the bridge's own host gets it too. */
function forwardMulticast(br: NetBridge, skb: SkBuff, promisc: boolean): boolean {
  const mdst = brMdbGet(br, skb);
  if ((mdst === undefined && (skb.cb & CB_MROUTERS_ONLY) === 0) || !brMulticastQuerierExists(br, skb)) {
    br.dev.stats.multicast++;
    brFlood(br, skb, BR_PKT_MULTICAST, true, false);
    return true;
  }
  let localRcv = promisc;
  if (mdst?.hostJoined === true || brMulticastIsRouter(br)) {
    localRcv = true;
    br.dev.stats.multicast++;
  }
  brMulticastFlood(br, mdst, skb, localRcv, false);
  return localRcv;
}

/** Learn from a frame that is for the port itself. @kernel net/bridge/br_input.c __br_handle_local_finish */
function brHandleLocalFinish(skb: SkBuff): void {
  const p = skb.dev!.rxHandlerData as NetBridgePort;
  if ((p.flags & BR_LEARNING) === 0 || !nbpStateShouldLearn(p) || (p.br.options & BROPT_NO_LL_LEARN) !== 0) return;
  const vid = brShouldLearn(p, skb);
  if (vid >= 0) brFdbUpdateAt(p.br, p, skb.bytes, skb.macHeader + 6, vid, 0);
}

/** 01-80-C2-00-00-0X. */
function isLinkLocalAt(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at] === 0x01 &&
    bytes[at + 1] === 0x80 &&
    bytes[at + 2] === 0xc2 &&
    bytes[at + 3] === 0 &&
    bytes[at + 4] === 0 &&
    (bytes[at + 5]! & 0xf0) === 0
  );
}

/** What becomes of a frame to a reserved address (IEEE 802.1D table 7-10). */
const FORWARD = -1;

function handleLinkLocal(skb: SkBuff, p: NetBridgePort): number {
  const { br } = p;
  const last = skb.bytes[skb.macHeader + 5]! & 0xf;
  const bit = 1 << last;
  const required = br.groupFwdMaskRequired | p.groupFwdMask;
  if (last === 1) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'br_handle_frame', 'a MAC control (pause) frame goes no further');
    return RX_HANDLER_CONSUMED;
  }
  if (last === 0) {
    // Without STP they must go on, for other bridges to find loops.
    if (br.stpEnabled === BR_NO_STP || (required & bit) !== 0) return FORWARD;
    brHandleLocalFinish(skb);
    return RX_HANDLER_PASS;
  }
  if (((required | br.groupFwdMask) & bit) !== 0) return FORWARD;
  if (last === 0xe) {
    brHandleLocalFinish(skb);
    return RX_HANDLER_PASS;
  }
  const dev = skb.dev!;
  if (nfHook(NFPROTO_BRIDGE, NF_INET_LOCAL_IN, dev.net, skb, dev, undefined, brHandleLocalFinish))
    brHandleLocalFinish(skb);
  return skb.ended ? RX_HANDLER_CONSUMED : RX_HANDLER_PASS;
}

/**
 * The rx handler of a port.
 * @kernel net/bridge/br_input.c br_handle_frame
 */
export function brHandleFrame(skb: SkBuff): number {
  if (skb.pktType === PACKET_LOOPBACK) return RX_HANDLER_PASS;
  const dev = skb.dev!;
  const p = dev.rxHandlerData as NetBridgePort;
  const { bytes, macHeader } = skb;
  if ((bytes[macHeader + 6]! & 1) !== 0 || macAt(bytes, macHeader + 6) === 0) {
    kfreeSkbReason(skb, REASON.MAC_INVALID_SOURCE, 'br_handle_frame', 'the source address is a group or zero');
    return RX_HANDLER_CONSUMED;
  }
  skb.cb = 0;
  if (isLinkLocalAt(bytes, macHeader)) {
    const result = handleLinkLocal(skb, p);
    if (result !== FORWARD) return result;
  }
  if (p.state !== BR_STATE_FORWARDING && p.state !== BR_STATE_LEARNING) {
    kfreeSkbReason(skb, REASON.BRIDGE_INGRESS_STP_STATE, 'br_handle_frame', 'the port neither forwards nor learns');
    return RX_HANDLER_CONSUMED;
  }
  if (macAt(bytes, macHeader) === p.br.dev.addr) skb.pktType = PACKET_HOST;
  if (nfHook(NFPROTO_BRIDGE, NF_INET_PRE_ROUTING, dev.net, skb, dev, undefined, brHandleFrameFinish))
    brHandleFrameFinish(skb);
  return RX_HANDLER_CONSUMED;
}
