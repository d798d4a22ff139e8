/** Putting datagrams together again from their fragments. */

import type { Timer } from '../../sim/queue.ts';
import { timerExpiry } from '../../uapi/jiffies.ts';
import { RTN_LOCAL } from '../../uapi/rtnetlink.ts';
import { type Ipv4, putU16 } from '../../wire/addr.ts';
import { ICMP_EXC_FRAGTIME, ICMP_TIME_EXCEEDED } from '../../wire/icmp.ts';
import {
  IP_DF,
  IP_MF,
  IP_OFFSET,
  ipv4Destination,
  ipv4FragOff,
  ipv4HeaderLength,
  ipv4Id,
  ipv4Protocol,
  ipv4Source,
  ipv4Tos,
  putIpv4Checksum,
} from '../../wire/ipv4.ts';
import { type DropReason, REASON } from '../core/drop-reason.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import { truesizeOf } from '../core/skb-truesize.ts';
import {
  CHECKSUM_NONE,
  consumeSkb,
  kfreeSkbReason,
  QUEUE_REASSEMBLY,
  type SkBuff,
  skbLeaves,
  skbPut,
  skbRests,
} from '../core/skbuff.ts';
import { icmpSend } from './icmp.ts';
import { fragLists } from './ip-do-fragment.ts';
import { ipOptionsInherit } from './ip-options.ts';
import { type Ipv4Net, ipv4Of } from './ipv4-net.ts';
import { ipRouteInput } from './route-input.ts';
import { IPSKB_FRAG_PMTU, skbRtable } from './rtable.ts';

/** Who wants the datagram: fragments for one are not mixed with those for another. */
export const IP_DEFRAG_LOCAL_DELIVER = 0;
export const IP_DEFRAG_CONNTRACK_IN = 2;
export const IP_DEFRAG_CONNTRACK_OUT = 65538;
export const IP_DEFRAG_CONNTRACK_BRIDGE_IN = 131075;

interface Piece {
  readonly skb: SkBuff;
  readonly offset: number;
  readonly end: number;
}

class Ipq {
  readonly key: string;
  readonly user: number;
  readonly saddr: Ipv4;
  /** In order of offset, without overlap. */
  pieces: Piece[] = [];
  firstIn = false;
  lastIn = false;
  len = 0;
  meat = 0;
  maxSize = 0;
  maxDfSize = 0;
  /** Bit n is set when a fragment had that ECN field. */
  ecn = 0;
  /** How many fragments of the source had come when the last of this one did. */
  rid = 0;
  memory = 0;
  timer: Timer | undefined;

  constructor(key: string, user: number, saddr: Ipv4) {
    this.key = key;
    this.user = user;
    this.saddr = saddr;
  }
}

/** Datagrams in pieces, for one namespace. */
class Fragments {
  readonly queues = new Map<string, Ipq>();
  memory = 0;
  /** Fragments that came from each source. */
  readonly rids = new Map<Ipv4, number>();
}

const perNet = new WeakMap<Ipv4Net, Fragments>();

function fragmentsOf(ipv4: Ipv4Net): Fragments {
  let fragments = perNet.get(ipv4);
  if (fragments === undefined) {
    fragments = new Fragments();
    perNet.set(ipv4, fragments);
  }
  return fragments;
}

/** How many datagrams are in pieces, and the memory they take: /proc/net/sockstat. */
export function fragStatistics(ipv4: Ipv4Net): { inuse: number; memory: number } {
  const fragments = perNet.get(ipv4);
  return { inuse: fragments?.queues.size ?? 0, memory: fragments?.memory ?? 0 };
}

/**
 * The whole datagram, in `skb`, once this fragment completes it; otherwise undefined, with the fragment kept
 * or ended. `data` stands at the IP header.
 * @kernel net/ipv4/ip_fragment.c ip_defrag
 */
export function ipDefrag(net: NetNamespace, skb: SkBuff, user: number): SkBuff | undefined {
  const ipv4 = ipv4Of(net);
  const fragments = fragmentsOf(ipv4);
  ipv4.mib.ip.ReasmReqds++;
  const { bytes, networkHeader: at } = skb;
  const saddr = ipv4Source(bytes, at);
  const key = `${saddr} ${ipv4Destination(bytes, at)} ${ipv4Id(bytes, at)} ${ipv4Protocol(bytes, at)} ${user}`;
  let queue = fragments.queues.get(key);
  if (queue === undefined) {
    if (ipv4.ipfragHighThresh === 0 || fragments.memory > ipv4.ipfragHighThresh) {
      return fail(ipv4, skb, REASON.NOMEM, 'fragments take more memory than ipfrag_high_thresh');
    }
    queue = new Ipq(key, user, saddr);
    fragments.queues.set(key, queue);
    const made = queue;
    queue.timer = ipv4.kernel.queue.after(lifetime(ipv4), 'reassembly', () => ipExpire(ipv4, made));
  }
  return ipFragQueue(ipv4, fragments, queue, skb);
}

/** Nanoseconds until a datagram in pieces is given up. */
function lifetime(ipv4: Ipv4Net): number {
  const { now } = ipv4.kernel.queue;
  return timerExpiry(now, ipv4.ipfragTime) - now;
}

function fail(ipv4: Ipv4Net, skb: SkBuff, reason: DropReason, note: string): undefined {
  ipv4.mib.ip.ReasmFails++;
  kfreeSkbReason(skb, reason, 'ip_defrag', note);
  return undefined;
}

/** The datagram is given up. */
function discard(ipv4: Ipv4Net, fragments: Fragments, queue: Ipq, reason: DropReason, note: string): void {
  queue.timer?.cancel();
  fragments.queues.delete(queue.key);
  fragments.memory -= queue.memory;
  for (const piece of queue.pieces) {
    skbLeaves(piece.skb, QUEUE_REASSEMBLY);
    kfreeSkbReason(piece.skb, reason, 'inet_frag_destroy', note);
  }
  queue.pieces = [];
  ipv4.mib.ip.ReasmFails++;
}

/** @kernel net/ipv4/ip_fragment.c ip_frag_too_far */
function tooFar(ipv4: Ipv4Net, fragments: Fragments, queue: Ipq): boolean {
  const start = queue.rid;
  const end = (fragments.rids.get(queue.saddr) ?? 0) + 1;
  fragments.rids.set(queue.saddr, end);
  queue.rid = end;
  return ipv4.ipfragMaxDist !== 0 && queue.pieces.length > 0 && end - start > ipv4.ipfragMaxDist;
}

/** Forget what has come; the fragment at hand begins anew. @kernel net/ipv4/ip_fragment.c ip_frag_reinit */
function reinit(ipv4: Ipv4Net, fragments: Fragments, queue: Ipq): void {
  for (const piece of queue.pieces) {
    skbLeaves(piece.skb, QUEUE_REASSEMBLY);
    kfreeSkbReason(piece.skb, REASON.FRAG_TOO_FAR, 'ip_frag_reinit', 'too many other fragments came in between');
  }
  fragments.memory -= queue.memory;
  Object.assign(queue, { pieces: [], firstIn: false, lastIn: false, len: 0, meat: 0, maxSize: 0, maxDfSize: 0 });
  queue.ecn = 0;
  queue.memory = 0;
  ipv4.kernel.queue.rearm(queue.timer!, lifetime(ipv4));
}

/** @kernel net/ipv4/ip_fragment.c ip_frag_queue */
function ipFragQueue(ipv4: Ipv4Net, fragments: Fragments, queue: Ipq, skb: SkBuff): SkBuff | undefined {
  if (tooFar(ipv4, fragments, queue)) reinit(ipv4, fragments, queue);
  const { bytes, networkHeader: at } = skb;
  const word = ipv4FragOff(bytes, at);
  const hlen = ipv4HeaderLength(bytes, at);
  const offset = (word & IP_OFFSET) << 3;
  let end = offset + skb.tail - at - hlen;
  const wrong = (note: string): undefined => {
    discard(ipv4, fragments, queue, REASON.NOT_SPECIFIED, note);
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'ip_frag_queue', note);
    return undefined;
  };
  if ((word & IP_MF) === 0) {
    if (end < queue.len || (queue.lastIn && end !== queue.len)) return wrong('fragments contradict each other');
    queue.lastIn = true;
    queue.len = end;
  } else {
    if ((end & 7) !== 0) {
      skb.tail -= end & 7;
      end &= ~7;
    }
    if (end > queue.len) {
      if (queue.lastIn) return wrong('fragments contradict each other');
      queue.len = end;
    }
  }
  if (end === offset) return wrong('an empty fragment');
  const place = queue.pieces.findIndex((piece) => piece.end > offset);
  const next = place < 0 ? undefined : queue.pieces[place]!;
  if (next !== undefined && next.offset < end) {
    if (offset >= next.offset && end <= next.end) {
      kfreeSkbReason(skb, REASON.DUP_FRAG, 'ip_frag_queue', 'the fragment has come before');
      return undefined;
    }
    ipv4.mib.ipExt.ReasmOverlaps++;
    return wrong('fragments overlap');
  }
  queue.pieces.splice(place < 0 ? queue.pieces.length : place, 0, { skb, offset, end });
  const memory = truesizeOf(skb.len);
  queue.memory += memory;
  fragments.memory += memory;
  queue.meat += end - offset;
  queue.ecn |= 1 << (ipv4Tos(bytes, at) & 3);
  if (offset === 0) queue.firstIn = true;
  const size = end - offset + hlen;
  queue.maxSize = Math.max(queue.maxSize, size);
  if ((word & IP_DF) !== 0) queue.maxDfSize = Math.max(queue.maxDfSize, size);
  if (queue.firstIn && queue.lastIn && queue.meat === queue.len) return ipFragReasm(ipv4, fragments, queue, skb);
  skb.dst = undefined;
  skbRests(skb, QUEUE_REASSEMBLY);
  return undefined;
}

/** What the ECN fields of the fragments make together; -1: they do not go together (RFC 3168 section 5.3). */
function ipFragEcn(seen: number): number {
  const [notEct, ect1, ect0, ce] = [1, 2, 4, 8];
  if ((seen & ce) !== 0 && (seen & notEct) !== 0) return -1;
  if ((seen & notEct) !== 0 && (seen & (ect0 | ect1)) !== 0) return 0;
  return (seen & ce) !== 0 && (seen & (ect0 | ect1)) !== 0 ? 3 : 0;
}

/** @kernel net/ipv4/ip_fragment.c ip_frag_reasm */
function ipFragReasm(ipv4: Ipv4Net, fragments: Fragments, queue: Ipq, skb: SkBuff): SkBuff | undefined {
  const leave = (): void => {
    queue.timer?.cancel();
    fragments.queues.delete(queue.key);
    fragments.memory -= queue.memory;
  };
  const head = queue.pieces[0]!.skb;
  const from = head.networkHeader;
  const hlen = ipv4HeaderLength(head.bytes, from);
  const total = hlen + queue.len;
  const ecn = ipFragEcn(queue.ecn);
  if (total > 0xffff || ecn < 0) {
    queue.pieces = queue.pieces.filter((piece) => piece.skb !== skb);
    discard(ipv4, fragments, queue, REASON.NOT_SPECIFIED, 'the datagram would be too long, or its ECN fields disagree');
    kfreeSkbReason(
      skb,
      REASON.NOT_SPECIFIED,
      'ip_frag_reasm',
      'the datagram would be too long, or its ECN fields disagree',
    );
    return undefined;
  }
  const whole = new Uint8Array(total);
  whole.set(head.bytes.subarray(from, from + hlen), 0);
  for (const piece of queue.pieces) {
    const start = piece.skb.networkHeader + ipv4HeaderLength(piece.skb.bytes, piece.skb.networkHeader);
    const data = piece.skb.bytes.subarray(start, start + piece.end - piece.offset);
    whole.set(data, hlen + piece.offset);
  }
  const df = queue.maxDfSize === queue.maxSize;
  putU16(whole, 2, total);
  putU16(whole, 6, df ? IP_DF : 0);
  whole[1]! |= ecn;
  putIpv4Checksum(whole, 0);
  leave();
  ipOptionsInherit(skb, head);
  for (const piece of queue.pieces) {
    if (piece.skb === skb) continue;
    skbLeaves(piece.skb, QUEUE_REASSEMBLY);
    consumeSkb(piece.skb, 'ip_frag_reasm');
  }
  // The fragment that came last becomes the datagram, as in the kernel.
  skb.data = skb.networkHeader;
  skb.tail = skb.data;
  const start = skbPut(skb, total);
  skb.bytes.set(whole, start);
  skb.transportHeader = skb.networkHeader + hlen;
  skb.ipSummed = CHECKSUM_NONE;
  skb.cb = Math.max(queue.maxDfSize, queue.maxSize);
  if (df) skb.ipFlags |= IPSKB_FRAG_PMTU;
  // ip_frag_coalesce_ok(): only what is delivered here becomes one piece.
  if (queue.user !== IP_DEFRAG_LOCAL_DELIVER) {
    fragLists.set(
      skb,
      queue.pieces.map((piece) => piece.end - piece.offset),
    );
  }
  ipv4.mib.ip.ReasmOKs++;
  return skb;
}

/** The rest did not come in time. @kernel net/ipv4/ip_fragment.c ip_expire */
function ipExpire(ipv4: Ipv4Net, queue: Ipq): void {
  const fragments = fragmentsOf(ipv4);
  ipv4.mib.ip.ReasmTimeout++;
  const head = queue.pieces[0];
  if (queue.firstIn && head?.offset === 0) {
    const { skb } = head;
    const { bytes, networkHeader: at } = skb;
    const dev = skb.dev!;
    const routed = ipRouteInput(skb, ipv4Destination(bytes, at), ipv4Source(bytes, at), ipv4Tos(bytes, at), dev) === 0;
    // On behalf of connection tracking, only the host that the datagram was for says so.
    const ours = queue.user === IP_DEFRAG_LOCAL_DELIVER || skbRtable(skb)?.type === RTN_LOCAL;
    if (routed && ours) icmpSend(skb, ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME);
  }
  discard(ipv4, fragments, queue, REASON.FRAG_REASM_TIMEOUT, 'the other fragments did not come in time');
}

/** The namespace goes: nothing may be left. */
export function ipFragExitNet(ipv4: Ipv4Net): void {
  const fragments = perNet.get(ipv4);
  if (fragments === undefined) return;
  for (const queue of [...fragments.queues.values()]) {
    discard(ipv4, fragments, queue, REASON.NOT_SPECIFIED, 'the namespace was deleted');
  }
}
