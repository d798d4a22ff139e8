/** The way of a frame through macvlan: sending, demultiplexing, copies of groups (drivers/net/macvlan.c). */
import {
  ETH_HLEN,
  ETH_P_PAUSE,
  IFF_UP,
  MACVLAN_FLAG_NODST,
  MACVLAN_MODE_BRIDGE,
  MACVLAN_MODE_PASSTHRU,
  MACVLAN_MODE_PRIVATE,
  MACVLAN_MODE_SOURCE,
  MACVLAN_MODE_VEPA,
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_LOOPBACK,
  PACKET_MULTICAST,
} from '../../uapi/if.ts';
import { macAt } from '../../wire/addr.ts';
import { devForwardPrepare, devForwardSkb } from '../core/dev-forward.ts';
import { netifRx } from '../core/dev-receive.ts';
import { devQueueXmit } from '../core/dev-xmit.ts';
import { REASON } from '../core/drop-reason.ts';
import { macHighAt, macLowAt } from '../core/mac-table.ts';
import {
  NET_XMIT_CN,
  NETDEV_TX_OK,
  type NetDevice,
  RX_HANDLER_ANOTHER,
  RX_HANDLER_CONSUMED,
  RX_HANDLER_PASS,
} from '../core/netdevice.ts';
import {
  consumeSkb,
  kfreeSkbReason,
  QUEUE_MACVLAN_BROADCAST,
  type SkBuff,
  skbClone,
  skbLeaves,
  skbRests,
  traceNoCopy,
} from '../core/skbuff.ts';
import {
  type MacvlanDev,
  type MacvlanPort,
  macvlanHashLookup,
  macvlanWalk,
  mcFilterTest,
  mcHashAt,
} from './macvlan-port.ts';

const EVERY_MODE = MACVLAN_MODE_PRIVATE | MACVLAN_MODE_VEPA | MACVLAN_MODE_PASSTHRU | MACVLAN_MODE_BRIDGE;

/** @kernel include/linux/if_macvlan.h macvlan_count_rx */
function macvlanCountRx(vlan: MacvlanDev, length: number, success: boolean, multicast: boolean): void {
  if (!success) {
    vlan.rxErrors++;
    return;
  }
  const { stats } = vlan.dev;
  stats.rxPackets++;
  stats.rxBytes += length;
  if (multicast) stats.multicast++;
}

/** Why a child is passed over, for the trace. */
function whyNot(vlan: MacvlanDev, src: MacvlanDev | undefined, mode: number): string {
  if (vlan === src) return 'macvlan_broadcast: it sent the frame itself';
  if (vlan.mode === MACVLAN_MODE_SOURCE) return 'macvlan_broadcast: in source mode it gets only what its list names';
  if (vlan.mode === MACVLAN_MODE_PRIVATE) return 'macvlan_broadcast: a private child hears no sibling';
  if (mode === MACVLAN_MODE_BRIDGE) return 'macvlan_broadcast: only siblings in bridge mode get a copy on transmit';
  return 'macvlan_broadcast: siblings in bridge mode got their copy on transmit';
}

/**
 * Copy a group frame to the children whose mode is in `mode` and that want the group. `local`: the frame is
 * being sent, its `data` stands at the link-layer header.
 * @kernel drivers/net/macvlan.c macvlan_broadcast
 */
function macvlanBroadcast(
  skb: SkBuff,
  port: MacvlanPort,
  src: MacvlanDev | undefined,
  mode: number,
  local: boolean,
): void {
  if (skb.protocol === ETH_P_PAUSE) return;
  const children = macvlanWalk(port);
  for (let i = 0; i < children.length; i++) {
    const vlan = children[i]!;
    if (vlan === src || (vlan.mode & mode) === 0) {
      if (skb.kernel.trace.on) traceNoCopy(skb, vlan.dev, whyNot(vlan, src, mode));
      continue;
    }
    if (!mcFilterTest(vlan.mcFilter, mcHashAt(vlan.mix, skb.bytes, skb.macHeader))) {
      traceNoCopy(skb, vlan.dev, 'macvlan_broadcast: it has not joined the group');
      continue;
    }
    const copy = skbClone(skb);
    const length = skb.len + ETH_HLEN;
    const taken = macvlanBroadcastOne(copy, vlan, local) && netifRx(copy);
    macvlanCountRx(vlan, length, taken, true);
  }
}

/** @kernel drivers/net/macvlan.c macvlan_broadcast_one */
function macvlanBroadcastOne(skb: SkBuff, vlan: MacvlanDev, local: boolean): boolean {
  const { dev } = vlan;
  if (local) return devForwardPrepare(dev, skb);
  skb.dev = dev;
  skb.pktType = macAt(skb.bytes, skb.macHeader) === dev.broadcast ? PACKET_BROADCAST : PACKET_MULTICAST;
  return true;
}

/** Who gets a group frame that came in, by who sent it. @kernel drivers/net/macvlan.c macvlan_multicast_rx */
function macvlanMulticastRx(port: MacvlanPort, src: MacvlanDev | undefined, skb: SkBuff): void {
  if (src === undefined) macvlanBroadcast(skb, port, undefined, EVERY_MODE, false);
  else if (src.mode === MACVLAN_MODE_VEPA) {
    macvlanBroadcast(skb, port, src, MACVLAN_MODE_VEPA | MACVLAN_MODE_BRIDGE, false);
  } else macvlanBroadcast(skb, port, src, MACVLAN_MODE_VEPA, false);
}

/** Nanoseconds until a worker runs: when the softirqs that a frame sets off are through, on the reference machine. */
const WORKER_LATENCY = 30_000;

/** @kernel drivers/net/macvlan.c macvlan_process_broadcast */
function macvlanProcessBroadcast(port: MacvlanPort): void {
  port.bcScheduled = false;
  if (port.destroyed) return;
  const { bcSkbs, bcSrcs } = port;
  port.bcSkbs = [];
  port.bcSrcs = [];
  for (let i = 0; i < bcSkbs.length; i++) {
    const skb = bcSkbs[i]!;
    skbLeaves(skb, QUEUE_MACVLAN_BROADCAST);
    macvlanMulticastRx(port, bcSrcs[i], skb);
    consumeSkb(skb, 'macvlan_process_broadcast');
  }
}

/**
 * Leave the copying to the broadcast work; what overflows its queue counts as dropped by the parent.
 * @kernel drivers/net/macvlan.c macvlan_broadcast_enqueue
 */
function macvlanBroadcastEnqueue(port: MacvlanPort, src: MacvlanDev | undefined, skb: SkBuff): void {
  const copy = skbClone(skb);
  const room = port.bcSkbs.length < port.bcQueueLenUsed;
  if (room) {
    port.bcSkbs.push(copy);
    port.bcSrcs.push(src);
    skbRests(copy, QUEUE_MACVLAN_BROADCAST);
  }
  if (!port.bcScheduled) {
    port.bcScheduled = true;
    const { queue } = skb.kernel;
    queue.after(WORKER_LATENCY, 'macvlan broadcast', () => queue.asProcess(() => macvlanProcessBroadcast(port)));
  }
  if (room) return;
  skb.dev!.stats.rxDropped++;
  kfreeSkbReason(copy, REASON.NOT_SPECIFIED, 'macvlan_broadcast_enqueue', 'more than bcqueuelen frames wait');
}

/** The frames that still wait when the last child goes. */
export function macvlanPurgeBroadcasts(port: MacvlanPort): void {
  port.destroyed = true;
  for (const skb of port.bcSkbs) {
    skbLeaves(skb, QUEUE_MACVLAN_BROADCAST);
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'macvlan_port_destroy', 'the last macvlan of the device is gone');
  }
  port.bcSkbs = [];
  port.bcSrcs = [];
}

/** @kernel drivers/net/macvlan.c macvlan_forward_source_one */
function macvlanForwardSourceOne(skb: SkBuff, vlan: MacvlanDev): void {
  const { dev } = vlan;
  if ((dev.flags & IFF_UP) === 0) {
    traceNoCopy(skb, dev, 'macvlan_forward_source_one: the device is down');
    return;
  }
  const copy = skbClone(skb);
  const length = copy.len + ETH_HLEN;
  copy.dev = dev;
  if (macAt(skb.bytes, skb.macHeader) === dev.addr) copy.pktType = PACKET_HOST;
  macvlanCountRx(vlan, length, netifRx(copy), false);
}

/**
 * Copies for the children in source mode that list the sender. True: one of them wants nobody else to have
 * the frame (nodst).
 * @kernel drivers/net/macvlan.c macvlan_forward_source
 */
function macvlanForwardSource(skb: SkBuff, port: MacvlanPort): boolean {
  if (port.sources.length === 0) return false;
  const { bytes } = skb;
  const at = skb.macHeader + 6;
  const index = port.sourceHash.find(macHighAt(bytes, at), macLowAt(bytes, at));
  if (index < 0) return false;
  const list = port.sourceLists[index]!;
  let consume = false;
  for (let i = 0; i < list.length; i++) {
    const { vlan } = list[i]!;
    if ((vlan.flags & MACVLAN_FLAG_NODST) !== 0) consume = true;
    macvlanForwardSourceOne(skb, vlan);
  }
  return consume;
}

/**
 * The parent's rx handler: a frame for a child goes there, one for nobody goes up the parent's own stack,
 * a group frame does both.
 * @kernel drivers/net/macvlan.c macvlan_handle_frame #P[IP defragmentation of group frames]
 */
export function macvlanHandleFrame(skb: SkBuff): number {
  if (skb.pktType === PACKET_LOOPBACK) return RX_HANDLER_PASS;
  const port = skb.dev!.rxHandlerData as MacvlanPort;
  const { bytes, macHeader } = skb;
  if (macvlanForwardSource(skb, port)) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'macvlan_handle_frame', 'a source-mode child with nodst took the frame');
    return RX_HANDLER_CONSUMED;
  }
  if ((bytes[macHeader]! & 1) !== 0) return handleGroupFrame(skb, port);
  const vlan = port.passthru
    ? port.vlans[0]
    : macvlanHashLookup(port, macHighAt(bytes, macHeader), macLowAt(bytes, macHeader));
  if (vlan === undefined || vlan.mode === MACVLAN_MODE_SOURCE) return RX_HANDLER_PASS;
  const { dev } = vlan;
  if ((dev.flags & IFF_UP) === 0) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'macvlan_handle_frame', 'the macvlan with this address is down');
    return RX_HANDLER_CONSUMED;
  }
  const length = skb.len + ETH_HLEN;
  skb.dev = dev;
  skb.pktType = PACKET_HOST;
  macvlanCountRx(vlan, length, true, false);
  return RX_HANDLER_ANOTHER;
}

function handleGroupFrame(skb: SkBuff, port: MacvlanPort): number {
  const { bytes, macHeader } = skb;
  const src = macvlanHashLookup(port, macHighAt(bytes, macHeader + 6), macLowAt(bytes, macHeader + 6));
  if (src !== undefined && src.mode !== MACVLAN_MODE_VEPA && src.mode !== MACVLAN_MODE_BRIDGE) {
    // A reflected frame of a private, source or passthru child comes back to that child alone. The kernel
    // counts no bytes here.
    macvlanBroadcastOne(skb, src, false);
    macvlanCountRx(src, 0, netifRx(skb), false);
    return RX_HANDLER_CONSUMED;
  }
  const hash = mcHashAt(0, bytes, macHeader);
  if (mcFilterTest(port.bcFilter, hash)) macvlanBroadcastEnqueue(port, src, skb);
  else if (mcFilterTest(port.mcFilter, hash)) macvlanMulticastRx(port, src, skb);
  return RX_HANDLER_PASS;
}

/** @kernel drivers/net/macvlan.c macvlan_queue_xmit */
function macvlanQueueXmit(skb: SkBuff, vlan: MacvlanDev): number {
  if (vlan.mode === MACVLAN_MODE_BRIDGE) {
    const { bytes, data } = skb;
    if ((bytes[data]! & 1) !== 0) {
      skb.macHeader = data;
      macvlanBroadcast(skb, vlan.port, vlan, MACVLAN_MODE_BRIDGE, true);
    } else {
      const dest = macvlanHashLookup(vlan.port, macHighAt(bytes, data), macLowAt(bytes, data));
      if (dest !== undefined && dest.mode === MACVLAN_MODE_BRIDGE) {
        // By way of the parent, for its taps.
        devForwardSkb(vlan.lowerdev, skb);
        return NETDEV_TX_OK;
      }
    }
  }
  skb.dev = vlan.lowerdev;
  return devQueueXmit(skb);
}

/** @kernel drivers/net/macvlan.c macvlan_start_xmit */
export function macvlanStartXmit(skb: SkBuff, dev: NetDevice): number {
  const length = skb.len;
  const result = macvlanQueueXmit(skb, dev.priv as MacvlanDev);
  const { stats } = dev;
  if (result === NETDEV_TX_OK || result === NET_XMIT_CN) {
    stats.txPackets++;
    stats.txBytes += length;
  } else stats.txDropped++;
  return result;
}
