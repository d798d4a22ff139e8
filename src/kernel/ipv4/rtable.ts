/**
 * A route as a packet carries it (struct rtable): by which device it goes, to which next hop, and what
 * happens to it next. One is shared by all packets of a next hop until routing changes.
 */
import type { RouteMetrics } from '../../uapi/rtnetlink.ts';
import type { Ipv4 } from '../../wire/addr.ts';
import { REASON } from '../core/drop-reason.ts';
import type { Neighbour } from '../core/neighbour-table.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { type DstEntry, kfreeSkbReason, type SkBuff } from '../core/skbuff.ts';
import type { Ipv4Net } from './ipv4-net.ts';

/** rt_flags (include/uapi/linux/in_route.h). */
export const RTCF_NOTIFY = 0x0001_0000;
export const RTCF_REDIRECTED = 0x0004_0000;
export const RTCF_DOREDIRECT = 0x0100_0000;
export const RTCF_BROADCAST = 0x1000_0000;
export const RTCF_MULTICAST = 0x2000_0000;
export const RTCF_LOCAL = 1 << 31;

/** skb.ipFlags (IPCB()->flags, include/net/ip.h). */
export const IPSKB_FORWARDED = 1 << 0;
export const IPSKB_REROUTED = 1 << 4;
export const IPSKB_DOREDIRECT = 1 << 5;
export const IPSKB_FRAG_PMTU = 1 << 6;
export const IPSKB_MULTIPATH = 1 << 9;
/** Not of the kernel's IPCB: skb->dst_pending_confirm, which struct sk_buff has a bit for. */
export const SKB_DST_PENDING_CONFIRM = 1 << 16;
/** Not of IPCB either: skb->ignore_df, the sender leaves fragmentation to us. */
export const SKB_IGNORE_DF = 1 << 17;

type DstFn = (skb: SkBuff) => void;

export class Rtable implements DstEntry {
  declare readonly ipv4: Ipv4Net;
  /** The device it leaves by; the loopback device for what is delivered here. */
  declare readonly dev: NetDevice;
  declare flags: number;
  declare readonly type: number;
  isInput = false;
  /** Device that an output route was asked for; 0 for any. */
  iif = 0;
  usesGateway = false;
  /** 0: the destination itself is the next hop. */
  gw: Ipv4 = 0;
  /** Learned path MTU, 0 for none, until `expires` (nanoseconds since boot; 0 is never). */
  pmtu = 0;
  mtuLocked = false;
  expires = 0;
  /** Error number of an unreachable destination. */
  error = 0;
  /** An exception overtook it (DST_OBSOLETE_KILL). */
  obsolete = false;
  declare readonly genid: number;
  metrics: RouteMetrics | undefined;
  /** The neighbour that a packet last went to by this route. */
  neigh: Neighbour<Ipv4> | undefined;
  input: DstFn = dstDiscard;
  output: DstFn | undefined;

  constructor(ipv4: Ipv4Net, dev: NetDevice, flags: number, type: number) {
    this.ipv4 = ipv4;
    this.dev = dev;
    this.flags = flags;
    this.type = type;
    this.genid = ipv4.rtGenid;
  }

  /** @kernel net/ipv4/route.c rt_cache_valid */
  get valid(): boolean {
    return !this.obsolete && this.genid === this.ipv4.rtGenid;
  }
}

/** A packet that was only to go out came in with its route. @kernel net/core/dst.c dst_discard */
function dstDiscard(skb: SkBuff): void {
  kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'dst_discard', 'its route leads only outwards');
}

/** Every route that a packet carries is one of IPv4. @kernel include/net/route.h skb_rtable */
export function skbRtable(skb: SkBuff): Rtable | undefined {
  return skb.dst as Rtable | undefined;
}

/**
 * The next steps that routes lead to. The modules that receive, forward and send put themselves in
 * here, since they themselves look up routes.
 */
export const rtHandlers: Record<'localDeliver' | 'forward' | 'output' | 'mcOutput' | 'error', DstFn> = {
  localDeliver: unset,
  forward: unset,
  output: unset,
  mcOutput: unset,
  error: unset,
};

function unset(): void {
  throw new Error('the IPv4 stack is not registered');
}

const IPV4_MAX_PMTU = 65535;

/**
 * How long a packet on the route may be.
 * @kernel include/net/ip.h ip_dst_mtu_maybe_forward
 * @param forwarding a learned path MTU does not count, unless ip_forward_use_pmtu says so
 */
export function ipDstMtu(rt: Rtable, forwarding = false): number {
  if (rt.pmtu === 0 && rt.metrics === undefined && !rt.mtuLocked) return Math.min(rt.dev.mtu, IPV4_MAX_PMTU);
  return learnedMtu(rt, forwarding);
}

function learnedMtu(rt: Rtable, forwarding: boolean): number {
  const { ipv4 } = rt;
  const locked = rt.mtuLocked || ((rt.metrics?.lock ?? 0) & (1 << RTAX_MTU)) !== 0;
  if (ipv4.ipForwardUsePmtu !== 0 || locked || !forwarding) {
    if (rt.pmtu !== 0 && ipv4.kernel.queue.now < rt.expires) return Math.min(rt.pmtu, IPV4_MAX_PMTU);
  }
  const metric = rt.metrics?.mtu;
  if (metric !== undefined && metric !== 0) return Math.min(metric, IPV4_MAX_PMTU);
  const { mtu } = rt.dev;
  if (locked && rt.usesGateway && mtu > 576) return 576;
  return Math.min(mtu, IPV4_MAX_PMTU);
}

export const RTAX_LOCK = 1;
export const RTAX_MTU = 2;
export const RTAX_WINDOW = 3;
export const RTAX_RTT = 4;
export const RTAX_ADVMSS = 8;
export const RTAX_HOPLIMIT = 10;
export const RTAX_INITCWND = 11;
export const RTAX_INITRWND = 14;

/** @kernel include/net/ip.h ip_mtu_locked */
export function ipMtuLocked(rt: Rtable): boolean {
  return rt.mtuLocked || ((rt.metrics?.lock ?? 0) & (1 << RTAX_MTU)) !== 0;
}
