/** ICMP (RFC 792): type 0, code 1, checksum 2, the rest of the header 4, data 8. */
import { putU16, putU32, u16At, u32At } from './addr.ts';
import { checksum } from './checksum.ts';
import { malformed, truncated, VALID, type Validity } from './validity.ts';

export const ICMP_HEADER_LENGTH = 8;

export const ICMP_ECHOREPLY = 0;
export const ICMP_DEST_UNREACH = 3;
export const ICMP_SOURCE_QUENCH = 4;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO = 8;
export const ICMP_ROUTERADVERT = 9;
export const ICMP_ROUTERSOLICIT = 10;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETERPROB = 12;
export const ICMP_TIMESTAMP = 13;
export const ICMP_TIMESTAMPREPLY = 14;
export const ICMP_INFO_REQUEST = 15;
export const ICMP_INFO_REPLY = 16;
export const ICMP_ADDRESS = 17;
export const ICMP_ADDRESSREPLY = 18;

export const ICMP_NET_UNREACH = 0;
export const ICMP_HOST_UNREACH = 1;
export const ICMP_PROT_UNREACH = 2;
export const ICMP_PORT_UNREACH = 3;
export const ICMP_FRAG_NEEDED = 4;
export const ICMP_SR_FAILED = 5;
export const ICMP_NET_UNKNOWN = 6;
export const ICMP_HOST_UNKNOWN = 7;
export const ICMP_HOST_ISOLATED = 8;
export const ICMP_NET_ANO = 9;
export const ICMP_HOST_ANO = 10;
export const ICMP_NET_UNR_TOS = 11;
export const ICMP_HOST_UNR_TOS = 12;
export const ICMP_PKT_FILTERED = 13;
export const ICMP_PREC_VIOLATION = 14;
export const ICMP_PREC_CUTOFF = 15;

export const ICMP_REDIR_NET = 0;
export const ICMP_REDIR_HOST = 1;
export const ICMP_REDIR_NETTOS = 2;
export const ICMP_REDIR_HOSTTOS = 3;

export const ICMP_EXC_TTL = 0;
export const ICMP_EXC_FRAGTIME = 1;

export function icmpType(bytes: Uint8Array, at: number): number {
  return bytes[at]!;
}

export function icmpCode(bytes: Uint8Array, at: number): number {
  return bytes[at + 1]!;
}

export function icmpChecksum(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 2);
}

/** The identifier of echo, timestamp, information and address mask messages. */
export function icmpId(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 4);
}

/** The sequence number of those messages. */
export function icmpSequence(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 6);
}

/** The next-hop MTU of "fragmentation needed" (RFC 1191). */
export function icmpMtu(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 6);
}

/** The octets 4 to 7: a redirect's gateway, the pointer of a parameter problem in the highest octet. */
export function icmpRest(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at + 4);
}

/** Whether the message in `[at, end)` is whole and its checksum right. */
export function validateIcmp(bytes: Uint8Array, at: number, end: number): Validity {
  if (end - at < ICMP_HEADER_LENGTH) return truncated(end);
  return checksum(bytes, at, end) === 0 ? VALID : malformed(at + 2, 'checksum');
}

/**
 * Write the header of the message in `[at, end)`, whose data the caller has already put at `at + 8`,
 * with its checksum. `rest` is the octets 4 to 7.
 */
export function putIcmpHeader(
  bytes: Uint8Array,
  at: number,
  end: number,
  type: number,
  code: number,
  rest: number,
): void {
  bytes[at] = type;
  bytes[at + 1] = code;
  putU16(bytes, at + 2, 0);
  putU32(bytes, at + 4, rest);
  putU16(bytes, at + 2, checksum(bytes, at, end));
}

/** An echo request or reply: {@link putIcmpHeader} with an identifier and a sequence number. */
export function putIcmpEcho(
  bytes: Uint8Array,
  at: number,
  end: number,
  type: number,
  id: number,
  sequence: number,
): void {
  putIcmpHeader(bytes, at, end, type, 0, ((id & 0xffff) << 16) | (sequence & 0xffff));
}
