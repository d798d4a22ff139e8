/** Receiving: from a driver to the handler of a device and to the protocols (net/core/dev.c). */
import {
  ETH_HLEN,
  ETH_P_802_2,
  ETH_P_802_3,
  ETH_P_8021AD,
  ETH_P_8021Q,
  IFF_UP,
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
} from '../../uapi/if.ts';
import { macAt, u16At } from '../../wire/addr.ts';
import { REASON } from './drop-reason.ts';
import { type NetDevice, RX_HANDLER_ANOTHER, RX_HANDLER_CONSUMED, RX_HANDLER_EXACT } from './netdevice.ts';
import type { PacketTap } from './packet-type.ts';
import {
  consumeSkb,
  kfreeSkbReason,
  QUEUE_BACKLOG,
  type SkBuff,
  skbLeaves,
  skbRests,
  skbVlanUntag,
  traceStep,
} from './skbuff.ts';
import { TRACE_DELIVER, TRACE_HANDLER, TRACE_RECEIVE } from './trace.ts';

const HANDLER_NAMES = ['consumed', 'another', 'exact', 'pass'] as const;

/**
 * Read the Ethernet header: sets `protocol`, `pktType` as `dev` sees it, and `data` behind the header.
 * @kernel net/ethernet/eth.c eth_type_trans
 */
export function ethTypeTrans(skb: SkBuff, dev: NetDevice): void {
  skb.dev = dev;
  const at = skb.data;
  const { bytes } = skb;
  skb.macHeader = at;
  if ((bytes[at]! & 1) !== 0) {
    skb.pktType = macAt(bytes, at) === dev.broadcast ? PACKET_BROADCAST : PACKET_MULTICAST;
  } else {
    skb.pktType = macAt(bytes, at) === dev.addr ? PACKET_HOST : PACKET_OTHERHOST;
  }
  const type = u16At(bytes, at + 12);
  skb.data = at + ETH_HLEN;
  if (type >= 0x600) skb.protocol = type;
  else skb.protocol = skb.len >= 2 && u16At(bytes, skb.data) === 0xffff ? ETH_P_802_3 : ETH_P_802_2;
}

/**
 * Hand a received frame to the CPU's backlog; it is processed in a softirq. `skb.dev`, `protocol` and
 * `pktType` are set and `data` stands behind the link-layer header.
 * @kernel net/core/dev.c netif_rx
 */
export function netifRx(skb: SkBuff): boolean {
  const { kernel } = skb;
  if (kernel.backlog >= kernel.maxBacklog) {
    kernel.backlogDrops++;
    skb.dev!.stats.rxDropped++;
    kfreeSkbReason(skb, REASON.CPU_BACKLOG, 'enqueue_to_backlog', 'more than net.core.netdev_max_backlog frames wait');
    return false;
  }
  const { queue } = kernel;
  kernel.backlog++;
  skbRests(skb, QUEUE_BACKLOG);
  queue.defer(processBacklog, skb, undefined);
  if (queue.held === 0) queue.drain();
  return true;
}

/** @kernel net/core/dev.c process_backlog */
function processBacklog(skb: SkBuff): void {
  skb.kernel.backlog--;
  skbLeaves(skb, QUEUE_BACKLOG);
  netifReceiveSkb(skb);
}

/**
 * The receive path: taps, VLAN, rx handler, protocols. Takes the frame over.
 * @kernel net/core/dev.c __netif_receive_skb_core #P[generic XDP, tc ingress]
 */
export function netifReceiveSkb(skb: SkBuff): void {
  const { kernel } = skb;
  const origDev = skb.dev!;
  if ((origDev.flags & IFF_UP) === 0) {
    // flush_backlog() at the device's going down; it frees what still waits for it.
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'flush_backlog', 'the device went down');
    return;
  }
  if (skb.tstamp === 0) skb.tstamp = kernel.queue.now;
  skb.networkHeader = skb.data;
  skb.transportHeader = skb.data;
  let exact: NetDevice | undefined;
  for (;;) {
    const dev = skb.dev!;
    skb.skbIif = dev.ifindex;
    if (kernel.trace.on) traceStep(skb, TRACE_RECEIVE, dev, skb.pktType, '');
    if ((skb.protocol === ETH_P_8021Q || skb.protocol === ETH_P_8021AD) && !skbVlanUntag(skb)) return;
    if (dev.net.ptypeAll.length > 0) showIncoming(skb, dev, dev.net.ptypeAll);
    if (dev.ptypeAll.length > 0) showIncoming(skb, dev, dev.ptypeAll);
    if (skb.vlanTci >= 0 && kernel.vlanDoReceive !== undefined) {
      if (kernel.vlanDoReceive(skb)) continue;
      if (skb.ended) return;
    }
    if (dev.rxHandler !== undefined) {
      const { uid } = dev;
      const result = dev.rxHandler(skb);
      if (kernel.trace.on && result !== RX_HANDLER_CONSUMED) {
        kernel.trace.record(TRACE_HANDLER, skb.id, uid, result, HANDLER_NAMES[result] ?? '');
      }
      if (result === RX_HANDLER_CONSUMED) return;
      if (result === RX_HANDLER_ANOTHER) continue;
      if (result === RX_HANDLER_EXACT) exact = dev;
    }
    break;
  }
  const tagged = skb.vlanTci >= 0;
  if (tagged) {
    // A tag that no VLAN device took: with a VLAN id the frame is for somebody else.
    if ((skb.vlanTci & 0xfff) !== 0) skb.pktType = PACKET_OTHERHOST;
    skb.vlanTci = -1;
  }
  deliver(skb, origDev, exact, tagged);
}

/**
 * Whether a packet socket is the last to get the frame, so that it counts as taken. Those that hear all
 * types are out of the question where VLAN or an rx handler came between them and the protocols.
 */
function isHeard(skb: SkBuff, origDev: NetDevice, exact: NetDevice | undefined, tagged: boolean): boolean {
  const dev = skb.dev!;
  const { net } = dev;
  const type = skb.protocol;
  if (!tagged && dev.rxHandler === undefined && (hasSocket(net.ptypeAll) || hasSocket(dev.ptypeAll))) return true;
  if (hasBound(origDev.ptypeSpecific, type) || hasBound(dev.ptypeSpecific, type)) return true;
  return exact === undefined && hasBound(net.ptypeSpecific, type);
}

function hasSocket(taps: readonly PacketTap[]): boolean {
  for (let i = 0; i < taps.length; i++) if (taps[i]!.isObserver !== true) return true;
  return false;
}

function hasBound(taps: readonly PacketTap[], type: number): boolean {
  for (let i = 0; i < taps.length; i++) if (taps[i]!.protocol === type) return true;
  return false;
}

function deliver(skb: SkBuff, origDev: NetDevice, exact: NetDevice | undefined, tagged: boolean): void {
  const dev = skb.dev!;
  const { net } = dev;
  const type = skb.protocol;
  if (net.ptypeSpecific.length > 0 && exact === undefined) showSpecific(skb, dev, net.ptypeSpecific, type);
  if (origDev.ptypeSpecific.length > 0) showSpecific(skb, dev, origDev.ptypeSpecific, type);
  if (dev !== origDev && dev.ptypeSpecific.length > 0) showSpecific(skb, dev, dev.ptypeSpecific, type);
  const handler = exact === undefined ? skb.kernel.packetHandlers.get(type) : undefined;
  if (handler !== undefined) {
    if (skb.kernel.trace.on) traceStep(skb, TRACE_DELIVER, dev, type, 'protocol');
    handler(skb, dev, origDev);
    return;
  }
  if (isHeard(skb, origDev, exact, tagged)) {
    consumeSkb(skb, 'packet_rcv');
    return;
  }
  if (exact === undefined) dev.stats.rxDropped++;
  else dev.stats.rxNohandler++;
  kfreeSkbReason(skb, REASON.UNHANDLED_PROTO, '__netif_receive_skb_core', 'no protocol takes this type');
}

function showIncoming(skb: SkBuff, dev: NetDevice, taps: readonly PacketTap[]): void {
  for (let i = 0; i < taps.length; i++) taps[i]!.receive(skb, dev, false);
}

function showSpecific(skb: SkBuff, dev: NetDevice, taps: readonly PacketTap[], type: number): void {
  for (let i = 0; i < taps.length; i++) if (taps[i]!.protocol === type) taps[i]!.receive(skb, dev, false);
}

/**
 * Whether a frame may be handed to a device: it is up and the frame is no longer than its MTU allows.
 * @kernel net/core/dev.c is_skb_forwardable
 * @param frameLength from the link-layer header on
 */
export function isSkbForwardable(dev: NetDevice, frameLength: number): boolean {
  if ((dev.flags & IFF_UP) === 0) return false;
  return frameLength <= dev.mtu + dev.hardHeaderLen + 4;
}
