/** How much memory a frame counts for, against the limits of queues. */
import type { SkBuff } from './skbuff.ts';

/** sizeof(struct sk_buff), rounded to a cache line. */
const SKB_STRUCT = 256;
/** What is allocated for a short frame (SKB_SMALL_HEAD_CACHE_SIZE), with IPv6 and without tunnels and wireless devices. */
const SMALL_HEAD = 576;
/** struct skb_shared_info at the end of a buffer. */
const SHARED_INFO = 320;
/** Room for the link-layer header in front of what a protocol sends, and for its alignment. */
const HEADROOM = 31;
const CACHE_LINE = 64;

/** @kernel include/linux/skbuff.h SKB_TRUESIZE #P[a linear frame as a socket of this machine would have made it] */
export function skbTruesize(skb: SkBuff): number {
  return truesizeOf(skb.len);
}

/** For a frame of `length` bytes. */
export function truesizeOf(length: number): number {
  const need = Math.ceil((length + HEADROOM) / CACHE_LINE) * CACHE_LINE + SHARED_INFO;
  if (need <= SMALL_HEAD) return SKB_STRUCT + SMALL_HEAD;
  let bucket = 1024;
  while (bucket < need) bucket *= 2;
  return SKB_STRUCT + bucket;
}
