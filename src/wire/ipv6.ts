/** IPv6 addresses and header (RFC 8200): addresses are 16 octets, text exists only at the edges. */
import { u16At, u32At } from './addr.ts';
import { malformed, truncated, VALID, type Validity } from './validity.ts';

export const IPV6_HEADER_LENGTH = 40;

export const IPPROTO_HOPOPTS = 0;
export const IPPROTO_ROUTING = 43;
export const IPPROTO_FRAGMENT = 44;
export const IPPROTO_NONE = 59;
export const IPPROTO_DSTOPTS = 60;

export function ipv6Version(bytes: Uint8Array, at: number): number {
  return bytes[at]! >>> 4;
}

export function ipv6TrafficClass(bytes: Uint8Array, at: number): number {
  return (u16At(bytes, at) >>> 4) & 0xff;
}

export function ipv6FlowLabel(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at) & 0xf_ffff;
}

export function ipv6PayloadLength(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 4);
}

export function ipv6NextHeader(bytes: Uint8Array, at: number): number {
  return bytes[at + 6]!;
}

export function ipv6HopLimit(bytes: Uint8Array, at: number): number {
  return bytes[at + 7]!;
}

/** Offset of the source address; the destination is 16 octets further. */
export const IPV6_SOURCE = 8;
export const IPV6_DESTINATION = 24;

/** Whether the header at `at` and the payload it promises are there. */
export function validateIpv6(bytes: Uint8Array, at: number, end: number): Validity {
  if (end - at < IPV6_HEADER_LENGTH) return truncated(end);
  if (ipv6Version(bytes, at) !== 6) return malformed(at, 'version');
  return end - at - IPV6_HEADER_LENGTH < ipv6PayloadLength(bytes, at) ? truncated(end) : VALID;
}

/**
 * The address in the 16 octets at `at`, as inet_ntop() writes it: the first longest run of at least
 * two zero groups is left out; an IPv4-mapped or IPv4-compatible address ends in a dotted quad.
 */
export function formatIpv6(bytes: Uint8Array, at: number): string {
  const groups: number[] = [];
  for (let index = 0; index < 8; index++) groups.push(u16At(bytes, at + 2 * index));
  let best = -1;
  let bestLength = 1;
  for (let index = 0; index < 8; index++) {
    let length = 0;
    while (index + length < 8 && groups[index + length] === 0) length++;
    if (length > bestLength) {
      best = index;
      bestLength = length;
    }
  }
  const dotted = best === 0 && (bestLength === 6 || (bestLength === 5 && groups[5] === 0xffff));
  const parts = groups.map((group) => group.toString(16));
  if (dotted) parts.splice(6, 2, Array.from(bytes.subarray(at + 12, at + 16)).join('.'));
  if (best < 0) return parts.join(':');
  return `${parts.slice(0, best).join(':')}::${parts.slice(best + bestLength).join(':')}`;
}

/** Parse an address as inet_pton() does; undefined if it is none. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const bytes = new Uint8Array(16);
  [...head, ...new Array<number>(missing).fill(0), ...tail].forEach((group, index) => {
    bytes[2 * index] = group >>> 8;
    bytes[2 * index + 1] = group;
  });
  return bytes;
}

function groupsOf(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (last && index === parts.length - 1 && part.includes('.')) {
      const octets = part.split('.');
      if (octets.length !== 4 || !octets.every((octet) => /^(0|[1-9][0-9]{0,2})$/.test(octet) && Number(octet) < 256)) {
        return undefined;
      }
      groups.push(Number(octets[0]) * 256 + Number(octets[1]), Number(octets[2]) * 256 + Number(octets[3]));
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}
