/** Sending: from a protocol to the driver of a device (net/core/dev.c). */
import { ETH_P_8021AD, IFF_UP, PACKET_OUTGOING } from '../../uapi/if.ts';
import { REASON } from './drop-reason.ts';
import {
  NET_XMIT_CN,
  NET_XMIT_DROP,
  NETIF_F_HW_VLAN_CTAG_TX,
  NETIF_F_HW_VLAN_STAG_TX,
  type NetDevice,
} from './netdevice.ts';
import type { PacketTap } from './packet-type.ts';
import { kfreeSkbReason, type SkBuff, traceStep, vlanHwaccelPushInside } from './skbuff.ts';
import { TRACE_XMIT } from './trace.ts';

/** Nested transmissions through devices without a queue before the kernel takes it for a loop. */
const XMIT_RECURSION_LIMIT = 8;

/**
 * Send a frame by its device: `skb.dev` is set and `data` stands at the link-layer header. Takes the
 * frame over.
 * @kernel net/core/dev.c __dev_queue_xmit #P[queueing disciplines other than noqueue and an unbounded fifo]
 */
export function devQueueXmit(skb: SkBuff): number {
  const dev = skb.dev!;
  const { kernel } = skb;
  skb.macHeader = skb.data;
  if (!dev.active) return noopEnqueue(skb, dev);
  if (kernel.xmitRecursion > XMIT_RECURSION_LIMIT) return deadLoop(skb, dev);
  const { queue } = kernel;
  kernel.xmitRecursion++;
  queue.held++;
  const result = devHardStartXmit(skb, dev);
  kernel.xmitRecursion--;
  queue.release();
  return result;
}

/**
 * Without a carrier, while it is down, and before it first came up, the queue's qdisc is noop.
 * @kernel net/sched/sch_generic.c noop_enqueue
 */
function noopEnqueue(skb: SkBuff, dev: NetDevice): number {
  dev.stats.txDropped++;
  const why = (dev.flags & IFF_UP) === 0 ? 'the device is down' : 'the device has no carrier';
  kfreeSkbReason(skb, REASON.QDISC_DROP, 'noop_enqueue', why);
  return NET_XMIT_CN;
}

function deadLoop(skb: SkBuff, dev: NetDevice): number {
  skb.kernel.printk(`Dead loop on virtual device ${dev.name}, fix it urgently!`);
  dev.stats.txDropped++;
  kfreeSkbReason(skb, REASON.RECURSION_LIMIT, '__dev_queue_xmit', 'too many nested transmissions');
  return NET_XMIT_DROP;
}

/** @kernel net/core/dev.c dev_hard_start_xmit */
function devHardStartXmit(skb: SkBuff, dev: NetDevice): number {
  if (skb.vlanTci >= 0) validateXmitVlan(skb, dev);
  const { net } = dev;
  if (net.ptypeAll.length > 0 || dev.ptypeAll.length > 0) devQueueXmitNit(skb, dev);
  if (skb.kernel.trace.on) traceStep(skb, TRACE_XMIT, dev, 0, '');
  return dev.ops.startXmit(skb, dev);
}

/** The tag goes into the frame where the device does not take it beside. @kernel net/core/dev.c validate_xmit_vlan */
function validateXmitVlan(skb: SkBuff, dev: NetDevice): void {
  if (!vlanHwOffloadCapable(dev, skb.vlanProto)) vlanHwaccelPushInside(skb);
}

/** Whether the device writes tags of this protocol itself. @kernel include/linux/if_vlan.h vlan_hw_offload_capable */
export function vlanHwOffloadCapable(dev: NetDevice, proto: number): boolean {
  return (dev.features & (proto === ETH_P_8021AD ? NETIF_F_HW_VLAN_STAG_TX : NETIF_F_HW_VLAN_CTAG_TX)) !== 0;
}

/**
 * Show an outgoing frame to the taps that listen to all protocols.
 * @kernel net/core/dev.c dev_queue_xmit_nit
 */
export function devQueueXmitNit(skb: SkBuff, dev: NetDevice): void {
  if (skb.tstamp === 0) skb.tstamp = skb.kernel.queue.now;
  const { pktType } = skb;
  skb.pktType = PACKET_OUTGOING;
  showOutgoing(skb, dev, dev.net.ptypeAll);
  showOutgoing(skb, dev, dev.ptypeAll);
  skb.pktType = pktType;
}

function showOutgoing(skb: SkBuff, dev: NetDevice, taps: readonly PacketTap[]): void {
  for (let i = 0; i < taps.length; i++) {
    const tap = taps[i]!;
    if (tap.ignoreOutgoing || tap.sk === skb.sk) continue;
    tap.receive(skb, dev, true);
  }
}
