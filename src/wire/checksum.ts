/**
 * The Internet checksum (RFC 1071) over ranges of bytes and its incremental update (RFC 1624).
 *
 * A "sum" is a ones' complement sum that is not yet complemented: a number of at most 16 bits after
 * {@link checksumPartial}, which may be added up with others as long as they stay below 2^31. A
 * "checksum" is what stands in a header.
 */
import type { Ipv4 } from './addr.ts';

/** Bytes summed before the carries must be folded, so that a sum stays a 32-bit integer. */
const CHUNK = 32768;

/**
 * The ones' complement sum of the 16-bit words in `[start, end)`, added to `sum` and folded to 16
 * bits. An odd last byte counts as the high half of a word, so only the last range of several may be odd.
 */
export function checksumPartial(bytes: Uint8Array, start: number, end: number, sum = 0): number {
  let total = foldSum(sum);
  let at = start;
  while (end - at > 1) {
    const stop = Math.min(at + CHUNK, end - ((end - at) & 1));
    const unrolled = stop - 7;
    for (; at < unrolled; at += 8) {
      total +=
        ((bytes[at]! + bytes[at + 2]! + bytes[at + 4]! + bytes[at + 6]!) << 8) +
        bytes[at + 1]! +
        bytes[at + 3]! +
        bytes[at + 5]! +
        bytes[at + 7]!;
    }
    for (; at < stop; at += 2) total += (bytes[at]! << 8) + bytes[at + 1]!;
    total = foldSum(total);
  }
  if (at < end) total = foldSum(total + (bytes[at]! << 8));
  return total;
}

/** Fold the carries of a sum below 2^32 into 16 bits. */
export function foldSum(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/**
 * The checksum of a sum.
 * @kernel include/asm-generic/checksum.h csum_fold
 */
export function checksumOf(sum: number): number {
  return ~foldSum(sum) & 0xffff;
}

/**
 * The checksum of `[start, end)`: zero over a range whose checksum field is right.
 * @kernel lib/checksum.c ip_compute_csum
 */
export function checksum(bytes: Uint8Array, start: number, end: number, sum = 0): number {
  return ~checksumPartial(bytes, start, end, sum) & 0xffff;
}

/**
 * The checksum of an IPv4 header of `length` octets, which a packet meets at each hop: zero if its field is right.
 * @kernel include/asm-generic/checksum.h ip_fast_csum
 */
export function ipFastCsum(bytes: Uint8Array, at: number, length: number): number {
  let high = 0;
  let low = 0;
  for (let i = at; i < at + length; i += 4) {
    high += bytes[i]! + bytes[i + 2]!;
    low += bytes[i + 1]! + bytes[i + 3]!;
  }
  return ~foldSum((high << 8) + low) & 0xffff;
}

/** The sum of the IPv4 pseudo header (RFC 768, RFC 793): `length` is that of the transport header and its data. */
export function pseudoHeaderSum(source: Ipv4, destination: Ipv4, protocol: number, length: number): number {
  return foldSum(
    (source >>> 16) +
      (source & 0xffff) +
      (destination >>> 16) +
      (destination & 0xffff) +
      protocol +
      (length >>> 16) +
      (length & 0xffff),
  );
}

/** The sum of the IPv6 pseudo header (RFC 8200 section 8.1) with the addresses at `source` and `destination`. */
export function pseudoHeaderSum6(
  bytes: Uint8Array,
  source: number,
  destination: number,
  nextHeader: number,
  length: number,
): number {
  const addresses = checksumPartial(bytes, destination, destination + 16, checksumPartial(bytes, source, source + 16));
  return foldSum(addresses + nextHeader + (length >>> 16) + (length & 0xffff));
}

/**
 * The checksum after one 16-bit word under it changed (RFC 1624, equation 3).
 * @kernel include/net/checksum.h csum_replace2
 */
export function checksumReplace16(check: number, from: number, to: number): number {
  return ~foldSum((~check & 0xffff) + (~from & 0xffff) + (to & 0xffff)) & 0xffff;
}

/**
 * The checksum after one 32-bit word under it changed.
 * @kernel include/net/checksum.h csum_replace4
 */
export function checksumReplace32(check: number, from: number, to: number): number {
  return (
    ~foldSum(
      (~check & 0xffff) + (~(from >>> 16) & 0xffff) + (~from & 0xffff) + ((to >>> 16) & 0xffff) + (to & 0xffff),
    ) & 0xffff
  );
}
