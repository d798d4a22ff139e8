/**
 * IGMP: version 1 and 2 messages (RFC 2236) are eight octets, type 0, response time 1, checksum 2,
 * group 4. A version 3 query (RFC 3376) goes on with flags 8, interval 9 and sources; a version 3
 * report has its count of group records at 6 and the records from 8.
 */
import { type Ipv4, ipv4At, putIpv4, putU16, u16At } from './addr.ts';
import { checksum } from './checksum.ts';
import { malformed, truncated, VALID, type Validity } from './validity.ts';

export const IGMP_HEADER_LENGTH = 8;
export const IGMPV3_QUERY_LENGTH = 12;
/** A group record without its sources. */
export const IGMPV3_RECORD_LENGTH = 8;

export const IGMP_HOST_MEMBERSHIP_QUERY = 0x11;
export const IGMP_HOST_MEMBERSHIP_REPORT = 0x12;
export const IGMPV2_HOST_MEMBERSHIP_REPORT = 0x16;
export const IGMP_HOST_LEAVE_MESSAGE = 0x17;
export const IGMPV3_HOST_MEMBERSHIP_REPORT = 0x22;

export const IGMPV3_MODE_IS_INCLUDE = 1;
export const IGMPV3_MODE_IS_EXCLUDE = 2;
export const IGMPV3_CHANGE_TO_INCLUDE = 3;
export const IGMPV3_CHANGE_TO_EXCLUDE = 4;
export const IGMPV3_ALLOW_NEW_SOURCES = 5;
export const IGMPV3_BLOCK_OLD_SOURCES = 6;

export function igmpType(bytes: Uint8Array, at: number): number {
  return bytes[at]!;
}

/** Maximum response time: tenths of a second; from 128 on a version 3 floating code. */
export function igmpCode(bytes: Uint8Array, at: number): number {
  return bytes[at + 1]!;
}

export function igmpGroup(bytes: Uint8Array, at: number): Ipv4 {
  return ipv4At(bytes, at + 4);
}

/** How many group records a version 3 report has. */
export function igmpv3RecordCount(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 6);
}

/** How many sources the group record at `at` has. */
export function igmpv3RecordSources(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 2);
}

export function igmpv3RecordGroup(bytes: Uint8Array, at: number): Ipv4 {
  return ipv4At(bytes, at + 4);
}

/** Octets of the group record at `at`: its sources and auxiliary data included. */
export function igmpv3RecordLength(bytes: Uint8Array, at: number): number {
  return IGMPV3_RECORD_LENGTH + 4 * (igmpv3RecordSources(bytes, at) + bytes[at + 1]!);
}

/** A version 3 floating point code (RFC 3376 section 4.1.1) as a whole number. */
export function igmpv3Time(code: number): number {
  return code < 128 ? code : ((code & 15) | 16) << (((code >>> 4) & 7) + 3);
}

/** Whether the message in `[at, end)` is whole, records included, and its checksum right. */
export function validateIgmp(bytes: Uint8Array, at: number, end: number): Validity {
  if (end - at < IGMP_HEADER_LENGTH) return truncated(end);
  if (checksum(bytes, at, end) !== 0) return malformed(at + 2, 'checksum');
  if (igmpType(bytes, at) !== IGMPV3_HOST_MEMBERSHIP_REPORT) return VALID;
  let record = at + IGMP_HEADER_LENGTH;
  for (let left = igmpv3RecordCount(bytes, at); left > 0; left--) {
    if (end - record < IGMPV3_RECORD_LENGTH) return truncated(end);
    record += igmpv3RecordLength(bytes, record);
    if (record > end) return truncated(end);
  }
  return VALID;
}

/** Write the eight octets of a version 1 or 2 message (or query) with their checksum. */
export function putIgmp(bytes: Uint8Array, at: number, type: number, code: number, group: Ipv4): void {
  bytes[at] = type;
  bytes[at + 1] = code;
  putIpv4(bytes, at + 4, group);
  putIgmpChecksum(bytes, at, at + IGMP_HEADER_LENGTH);
}

/** Write the eight octets before the group records of a version 3 report; the checksum comes last, with {@link putIgmpChecksum}. */
export function putIgmpv3ReportHeader(bytes: Uint8Array, at: number, records: number): void {
  bytes[at] = IGMPV3_HOST_MEMBERSHIP_REPORT;
  bytes[at + 1] = 0;
  putU16(bytes, at + 2, 0);
  putU16(bytes, at + 4, 0);
  putU16(bytes, at + 6, records);
}

/** Write a group record without auxiliary data; `sources` octets of addresses follow it at `at + 8`. */
export function putIgmpv3Record(bytes: Uint8Array, at: number, type: number, sources: number, group: Ipv4): void {
  bytes[at] = type;
  bytes[at + 1] = 0;
  putU16(bytes, at + 2, sources);
  putIpv4(bytes, at + 4, group);
}

/** Work out the checksum of the message in `[at, end)`. */
export function putIgmpChecksum(bytes: Uint8Array, at: number, end: number): void {
  putU16(bytes, at + 2, 0);
  putU16(bytes, at + 2, checksum(bytes, at, end));
}
