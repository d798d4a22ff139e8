/** TCP (RFC 9293): fields at fixed offsets, options from 20 to data offset * 4. */
import { type Ipv4, putU16, putU32, u16At, u32At } from './addr.ts';
import { checksum, pseudoHeaderSum } from './checksum.ts';
import { IPPROTO_TCP } from './ipv4.ts';
import { malformed, truncated, VALID, type Validity } from './validity.ts';

export const TCP_HEADER_LENGTH = 20;

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;
export const TCP_ECE = 0x40;
export const TCP_CWR = 0x80;

export const TCPOPT_EOL = 0;
export const TCPOPT_NOP = 1;
export const TCPOPT_MSS = 2;
export const TCPOPT_WINDOW = 3;
export const TCPOPT_SACK_PERM = 4;
export const TCPOPT_SACK = 5;
export const TCPOPT_TIMESTAMP = 8;

export function tcpSourcePort(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at);
}

export function tcpDestinationPort(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 2);
}

export function tcpSequence(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at + 4);
}

export function tcpAcknowledgment(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at + 8);
}

/** Octets of the header with its options. */
export function tcpHeaderLength(bytes: Uint8Array, at: number): number {
  return (bytes[at + 12]! & 0xf0) >>> 2;
}

/** TCP_FIN, TCP_SYN ... */
export function tcpFlags(bytes: Uint8Array, at: number): number {
  return bytes[at + 13]!;
}

export function tcpWindow(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 14);
}

export function tcpChecksum(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 16);
}

export function tcpUrgent(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 18);
}

/** Whether the segment in `[at, end)` has a whole header and a right checksum. */
export function validateTcp(bytes: Uint8Array, at: number, end: number, source: Ipv4, destination: Ipv4): Validity {
  if (end - at < TCP_HEADER_LENGTH) return truncated(end);
  const headerLength = tcpHeaderLength(bytes, at);
  if (headerLength < TCP_HEADER_LENGTH) return malformed(at + 12, 'data offset');
  if (headerLength > end - at) return truncated(end);
  const sum = pseudoHeaderSum(source, destination, IPPROTO_TCP, end - at);
  return checksum(bytes, at, end, sum) === 0 ? VALID : malformed(at + 16, 'checksum');
}

/**
 * Write the header of the segment in `[at, end)`, whose options (`optionsLength` octets, padded to a
 * multiple of four) and data the caller has already put in place, with its checksum.
 */
export function putTcpHeader(
  bytes: Uint8Array,
  at: number,
  end: number,
  sourcePort: number,
  destinationPort: number,
  sequence: number,
  acknowledgment: number,
  flags: number,
  window: number,
  source: Ipv4,
  destination: Ipv4,
  optionsLength = 0,
): void {
  putU16(bytes, at, sourcePort);
  putU16(bytes, at + 2, destinationPort);
  putU32(bytes, at + 4, sequence);
  putU32(bytes, at + 8, acknowledgment);
  bytes[at + 12] = (TCP_HEADER_LENGTH + optionsLength) << 2;
  bytes[at + 13] = flags;
  putU16(bytes, at + 14, window);
  putU32(bytes, at + 16, 0);
  putU16(bytes, at + 16, checksum(bytes, at, end, pseudoHeaderSum(source, destination, IPPROTO_TCP, end - at)));
}
