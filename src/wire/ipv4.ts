/** The IPv4 header (RFC 791): fields at fixed offsets, options from 20 to IHL * 4. */
import { type Ipv4, ipv4At, putIpv4, putU16, u16At } from './addr.ts';
import { ipFastCsum } from './checksum.ts';
import { malformed, truncated, VALID, type Validity } from './validity.ts';

export const IPV4_HEADER_LENGTH = 20;
export const IPV4_MAX_HEADER_LENGTH = 60;
/** Reserved, "don't fragment" and "more fragments" in the word at offset 6. */
export const IP_CE = 0x8000;
export const IP_DF = 0x4000;
export const IP_MF = 0x2000;
/** The fragment offset in that word, in units of eight octets. */
export const IP_OFFSET = 0x1fff;

export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_GRE = 47;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_PIM = 103;
export const IPPROTO_SCTP = 132;
export const IPPROTO_RAW = 255;

export const IPOPT_END = 0;
export const IPOPT_NOOP = 1;
export const IPOPT_RR = 7;
export const IPOPT_TIMESTAMP = 68;
export const IPOPT_SEC = 130;
export const IPOPT_LSRR = 131;
export const IPOPT_SSRR = 137;
export const IPOPT_RA = 148;

export function ipv4Version(bytes: Uint8Array, at: number): number {
  return bytes[at]! >>> 4;
}

/** Octets of the header with its options. */
export function ipv4HeaderLength(bytes: Uint8Array, at: number): number {
  return (bytes[at]! & 15) << 2;
}

export function ipv4Tos(bytes: Uint8Array, at: number): number {
  return bytes[at + 1]!;
}

export function ipv4TotalLength(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 2);
}

export function ipv4Id(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 4);
}

/** The word with the flags and the fragment offset. */
export function ipv4FragOff(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 6);
}

/** @kernel include/net/ip.h ip_is_fragment */
export function ipv4IsFragment(bytes: Uint8Array, at: number): boolean {
  return (u16At(bytes, at + 6) & (IP_MF | IP_OFFSET)) !== 0;
}

export function ipv4Ttl(bytes: Uint8Array, at: number): number {
  return bytes[at + 8]!;
}

export function ipv4Protocol(bytes: Uint8Array, at: number): number {
  return bytes[at + 9]!;
}

export function ipv4Checksum(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 10);
}

export function ipv4Source(bytes: Uint8Array, at: number): Ipv4 {
  return ipv4At(bytes, at + 12);
}

export function ipv4Destination(bytes: Uint8Array, at: number): Ipv4 {
  return ipv4At(bytes, at + 16);
}

/** Whether the header's checksum is right; the header must be whole. */
export function ipv4ChecksumOk(bytes: Uint8Array, at: number): boolean {
  return ipFastCsum(bytes, at, ipv4HeaderLength(bytes, at)) === 0;
}

/** Version, lengths and checksum, as ip_rcv_core() asks for. */
export function validateIpv4(bytes: Uint8Array, at: number, end: number): Validity {
  if (end - at < IPV4_HEADER_LENGTH) return truncated(end);
  if (ipv4Version(bytes, at) !== 4) return malformed(at, 'version');
  const headerLength = ipv4HeaderLength(bytes, at);
  if (headerLength < IPV4_HEADER_LENGTH) return malformed(at, 'header length');
  if (end - at < headerLength) return truncated(end);
  if (!ipv4ChecksumOk(bytes, at)) return malformed(at + 10, 'checksum');
  const total = ipv4TotalLength(bytes, at);
  if (total < headerLength) return malformed(at + 2, 'total length');
  return end - at < total ? truncated(end) : VALID;
}

/**
 * Write a header of 20 octets, or of 20 and `optionsLength` whose options the caller has already
 * put at `at + 20`, with its checksum.
 */
export function putIpv4Header(
  bytes: Uint8Array,
  at: number,
  source: Ipv4,
  destination: Ipv4,
  protocol: number,
  totalLength: number,
  ttl: number,
  id: number,
  fragOff: number,
  tos: number,
  optionsLength = 0,
): void {
  const headerLength = IPV4_HEADER_LENGTH + optionsLength;
  bytes[at] = 0x40 | (headerLength >>> 2);
  bytes[at + 1] = tos;
  putU16(bytes, at + 2, totalLength);
  putU16(bytes, at + 4, id);
  putU16(bytes, at + 6, fragOff);
  bytes[at + 8] = ttl;
  bytes[at + 9] = protocol;
  putIpv4(bytes, at + 12, source);
  putIpv4(bytes, at + 16, destination);
  putIpv4Checksum(bytes, at);
}

/**
 * Work out the header's checksum anew.
 * @kernel include/net/ip.h ip_send_check
 */
export function putIpv4Checksum(bytes: Uint8Array, at: number): void {
  putU16(bytes, at + 10, 0);
  putU16(bytes, at + 10, ipFastCsum(bytes, at, ipv4HeaderLength(bytes, at)));
}

/**
 * One hop less, with the checksum updated in place. Returns the new TTL.
 * @kernel include/net/ip.h ip_decrease_ttl
 */
export function ipv4DecreaseTtl(bytes: Uint8Array, at: number): number {
  const check = u16At(bytes, at + 10) + 0x100;
  putU16(bytes, at + 10, check + (check >= 0xffff ? 1 : 0));
  const ttl = (bytes[at + 8]! - 1) & 255;
  bytes[at + 8] = ttl;
  return ttl;
}
