import { AF_INET, AF_INET6, AF_PACKET, AF_UNSPEC } from '../../uapi/rtnetlink.ts';
import { formatIpv4, type Ipv4, isMulticastIpv4, maskOf, parseIpv4 } from '../../wire/addr.ts';
import type { Args } from './args.ts';
import { EXIT_FAILURE } from './exit.ts';
import { getUnsigned, strtol } from './numbers.ts';

/** An address with its prefix length, as iproute2 reads it (inet_prefix). */
export interface InetPrefix {
  family: number;
  /** 4 or 16; 0 for `any` and `all`, which are no address. */
  bytelen: number;
  /** Prefix length; -1 for an address read without one, 0 for `default`, `any` and `all` read as a prefix. */
  bitlen: number;
  /** The IPv4 address; 0 for other families. */
  address: Ipv4;
  /** The sixteen octets of an IPv6 address. */
  address6?: Uint8Array;
  /** PREFIXLEN_SPECIFIED: the text had a length. */
  prefixlenSpecified: boolean;
}

const FAMILY_NAMES: Readonly<Record<number, string>> = {
  [AF_INET]: 'inet',
  [AF_INET6]: 'inet6',
  [AF_PACKET]: 'link',
  28: 'mpls',
  7: 'bridge',
};

const FAMILIES: ReadonlyMap<string, number> = new Map(
  Object.entries(FAMILY_NAMES).map(([family, name]) => [name, Number(family)]),
);

/** family_name(). */
export function familyName(family: number): string {
  return FAMILY_NAMES[family] ?? '???';
}

/** read_family(): AF_UNSPEC for an unknown name. */
export function readFamily(name: string): number {
  return FAMILIES.get(name) ?? AF_UNSPEC;
}

function familyNameVerbose(family: number): string {
  return family === AF_UNSPEC ? 'any valid' : familyName(family);
}

/** One to four parts, each decimal, 0x or octal; missing ones are zero at the end: 10.8 is 10.8.0.0. */
function getAddrIpv4(text: string): Ipv4 | undefined {
  const plain = parseIpv4(text);
  if (plain !== undefined) return plain;
  let address = 0;
  let rest = text;
  for (let i = 0; i < 4; i++) {
    const { value, end } = strtol(rest);
    if (end === 0 || value < 0 || value > 255) return undefined;
    address |= value << (24 - 8 * i);
    if (end === rest.length) return address >>> 0;
    if (i === 3 || rest[end] !== '.') return undefined;
    rest = rest.slice(end + 1);
  }
  return undefined;
}

/** inet_pton(AF_INET6): the sixteen octets, undefined if the text is no IPv6 address. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const parse = (half: string): number[] | undefined => {
    if (half === '') return [];
    const octets: number[] = [];
    const groups = half.split(':');
    for (const [i, group] of groups.entries()) {
      if (i === groups.length - 1 && group.includes('.')) {
        const quad = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(group)?.slice(1).map(Number);
        if (!quad || quad.some((octet) => octet > 255)) return undefined;
        octets.push(...quad);
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
        const value = Number.parseInt(group, 16);
        octets.push(value >> 8, value & 255);
      }
    }
    return octets;
  };
  const head = parse(halves[0]!);
  const tail = halves.length === 2 ? parse(halves[1]!) : [];
  if (!head || !tail) return undefined;
  const gap = 16 - head.length - tail.length;
  if (halves.length === 2 ? gap < 2 : gap !== 0) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(gap).fill(0), ...tail]);
}

/** get_addr_1(): undefined if `text` is no address of the family (any, for AF_UNSPEC). */
export function readAddr(text: string, family: number): InetPrefix | undefined {
  if (text === 'default' || text === 'all' || text === 'any') {
    const specified = text === 'default';
    const bytelen = !specified ? 0 : family === AF_INET ? 4 : family === AF_INET6 ? 16 : 0;
    return { family, bytelen, bitlen: -2, address: 0, prefixlenSpecified: specified };
  }
  if (text.includes(':')) {
    if (family !== AF_UNSPEC && family !== AF_INET6) return undefined;
    const address6 = parseIpv6(text);
    if (!address6) return undefined;
    return { family: AF_INET6, bytelen: 16, bitlen: -1, address: 0, address6, prefixlenSpecified: false };
  }
  if (family !== AF_UNSPEC && family !== AF_INET) return undefined;
  const address = getAddrIpv4(text);
  if (address === undefined) return undefined;
  return { family: AF_INET, bytelen: 4, bitlen: -1, address, prefixlenSpecified: false };
}

/** mask2bits(): the length of a netmask, -1 if it has holes. */
function maskToBits(mask: Ipv4): number {
  for (let bits = 0; bits <= 32; bits++) if (maskOf(bits) === mask) return bits;
  return -1;
}

/** The length after the slash: a number or a netmask as a dotted quad. */
function getNetmask(text: string): number | undefined {
  const bits = getUnsigned(text);
  if (bits !== undefined) return bits;
  const mask = readAddr(text, AF_INET);
  if (mask?.bytelen !== 4) return undefined;
  const length = maskToBits(mask.address);
  return length >= 0 ? length : undefined;
}

/** get_prefix_1(): address and length; without one, all bits (0 for default, any, all). */
export function readPrefix(text: string, family: number): InetPrefix | undefined {
  const slash = text.indexOf('/');
  const prefix = readAddr(slash < 0 ? text : text.slice(0, slash), family);
  if (!prefix) return undefined;
  const bits = prefix.family === AF_INET6 ? 128 : prefix.family === AF_INET ? 32 : 0;
  if (slash >= 0) {
    if (prefix.bitlen === -2) return undefined;
    const length = getNetmask(text.slice(slash + 1));
    if (length === undefined || length > bits) return undefined;
    prefix.bitlen = length;
    prefix.prefixlenSpecified = true;
    return prefix;
  }
  prefix.bitlen = prefix.bitlen === -2 ? 0 : bits;
  return prefix;
}

/** get_addr(): complains and ends the program if the text is no address. */
export function getAddr(args: Args, text: string, family: number): InetPrefix {
  const address = readAddr(text, family);
  if (address) return address;
  return args.fail(`Error: ${familyNameVerbose(family)} address is expected rather than "${text}".`, EXIT_FAILURE);
}

/** get_prefix(). */
export function getPrefix(args: Args, text: string, family: number): InetPrefix {
  if (family === AF_PACKET) {
    args.fail(`Error: "${text}" may be inet prefix, but it is not allowed in this context.`, EXIT_FAILURE);
  }
  const prefix = readPrefix(text, family);
  if (prefix) return prefix;
  return args.fail(`Error: ${familyNameVerbose(family)} prefix is expected rather than "${text}".`, EXIT_FAILURE);
}

/** inet_addr_match() over `bits` bits, for IPv4. */
export function addrMatch(a: Ipv4, b: Ipv4, bits: number): boolean {
  return ((a ^ b) & maskOf(bits)) === 0;
}

export function isMulticast(prefix: InetPrefix): boolean {
  return prefix.address6 ? prefix.address6[0] === 0xff : isMulticastIpv4(prefix.address);
}

/** inet_ntop(AF_INET6): the longest run of two or more zero groups becomes `::`. */
export function formatIpv6(octets: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((octets[i]! << 8) | octets[i + 1]!);
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > bestLength) {
      best = i;
      bestLength = length;
    }
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  const embedded = best === 0 && (bestLength === 6 || (bestLength === 5 && groups[5] === 0xffff));
  if (embedded) {
    const quad = formatIpv4(((groups[6]! << 16) | groups[7]!) >>> 0);
    return bestLength === 6 ? `::${quad}` : `::ffff:${quad}`;
  }
  if (best < 0) return hex(groups);
  return `${hex(groups.slice(0, best))}::${hex(groups.slice(best + bestLength))}`;
}
