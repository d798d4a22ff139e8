/** Identifications of IPv4 datagrams. */

import type { Random } from '../../sim/random.ts';
import type { Ipv4 } from '../../wire/addr.ts';
import { IP_DF } from '../../wire/ipv4.ts';
import type { Kernel } from '../core/kernel.ts';

const BUCKETS = 2048;
/** CONFIG_HZ=250. */
const JIFFY = 4e6;

interface Idents {
  readonly random: Random;
  readonly secret: number;
  readonly ids: Uint32Array;
  readonly stamps: Float64Array;
}

const tables = new WeakMap<Kernel, Idents>();

function identsOf(kernel: Kernel): Idents {
  let idents = tables.get(kernel);
  if (idents === undefined) {
    const random = kernel.random.stream('ip idents');
    const ids = new Uint32Array(BUCKETS);
    for (let i = 0; i < BUCKETS; i++) ids[i] = random.u32();
    idents = { random, secret: random.u32(), ids, stamps: new Float64Array(BUCKETS) };
    tables.set(kernel, idents);
  }
  return idents;
}

/**
 * The next of a counter that packets between two hosts share with those of others, and that jumps by a
 * random amount for the time gone by.
 * @kernel net/ipv4/route.c __ip_select_ident
 */
export function ipSelectIdent(
  kernel: Kernel,
  netNumber: number,
  daddr: Ipv4,
  saddr: Ipv4,
  protocol: number,
  segs = 1,
): number {
  const idents = identsOf(kernel);
  let hash = Math.imul(daddr ^ idents.secret, 0x9e37_79b1) ^ Math.imul(saddr, 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ protocol ^ Math.imul(netNumber, 0xc2b2_ae35), 0x27d4_eb2f);
  const bucket = (hash ^ (hash >>> 16)) & (BUCKETS - 1);
  const now = Math.floor(kernel.queue.now / JIFFY);
  const old = idents.stamps[bucket]!;
  idents.stamps[bucket] = now;
  const delta = now > old ? idents.random.below(now - old) : 0;
  const id = (idents.ids[bucket]! + segs + delta) >>> 0;
  idents.ids[bucket] = id;
  return (id - segs) & 0xffff;
}

/** What a connected socket counts for itself (inet->inet_id). */
export interface IdentCounter {
  daddr: Ipv4;
  inetId: number;
}

/**
 * @kernel include/net/ip.h ip_select_ident_segs
 * @param fragOff the word with the flags; a packet that is never to be fragmented needs no identification
 * @param ignoreDf it may be fragmented here after all
 */
export function ipSelectIdentFor(
  kernel: Kernel,
  netNumber: number,
  sk: IdentCounter | undefined,
  daddr: Ipv4,
  saddr: Ipv4,
  protocol: number,
  fragOff: number,
  ignoreDf: boolean,
): number {
  if (sk !== undefined && sk.daddr !== 0) {
    sk.inetId = (sk.inetId + 1) & 0xffff;
    return sk.inetId;
  }
  if ((fragOff & IP_DF) !== 0 && !ignoreDf) return 0;
  return ipSelectIdent(kernel, netNumber, daddr, saddr, protocol);
}
