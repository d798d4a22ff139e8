/** UDP (RFC 768): ports 0 and 2, length 4, checksum 6. */
import { type Ipv4, putU16, u16At } from './addr.ts';
import { checksum, pseudoHeaderSum } from './checksum.ts';
import { IPPROTO_UDP } from './ipv4.ts';
import { malformed, truncated, VALID, type Validity } from './validity.ts';

export const UDP_HEADER_LENGTH = 8;

export function udpSourcePort(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at);
}

export function udpDestinationPort(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 2);
}

/** Header and data. */
export function udpLength(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 4);
}

/** Zero: the sender made none. */
export function udpChecksum(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 6);
}

/** Whether the datagram is whole and its checksum, if any, right. */
export function validateUdp(bytes: Uint8Array, at: number, end: number, source: Ipv4, destination: Ipv4): Validity {
  if (end - at < UDP_HEADER_LENGTH) return truncated(end);
  const length = udpLength(bytes, at);
  if (length < UDP_HEADER_LENGTH) return malformed(at + 4, 'length');
  if (length > end - at) return truncated(end);
  if (udpChecksum(bytes, at) === 0) return VALID;
  const sum = pseudoHeaderSum(source, destination, IPPROTO_UDP, length);
  return checksum(bytes, at, at + length, sum) === 0 ? VALID : malformed(at + 6, 'checksum');
}

/**
 * Write the header of a datagram of `length` octets whose data the caller has already put at
 * `at + 8`, with its checksum over the IPv4 pseudo header (0xffff where the sum is zero).
 */
export function putUdpHeader(
  bytes: Uint8Array,
  at: number,
  length: number,
  sourcePort: number,
  destinationPort: number,
  source: Ipv4,
  destination: Ipv4,
): void {
  putU16(bytes, at, sourcePort);
  putU16(bytes, at + 2, destinationPort);
  putU16(bytes, at + 4, length);
  putU16(bytes, at + 6, 0);
  const check = checksum(bytes, at, at + length, pseudoHeaderSum(source, destination, IPPROTO_UDP, length));
  putU16(bytes, at + 6, check === 0 ? 0xffff : check);
}
