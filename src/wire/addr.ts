/**
 * Link-layer and IPv4 addresses.
 *
 * A MAC address is a whole number below 2^48 (it compares with `===` and hashes without a string); an
 * IPv4 address is an unsigned 32-bit number in host order. Text exists only at the edges.
 */

/** An EUI-48 address as a whole number below 2^48; the first octet on the wire is the most significant. */
export type Mac = number;
/** An IPv4 address as an unsigned 32-bit number in host order: 192.0.2.1 is 0xc0000201. */
export type Ipv4 = number;

export const MAC_BROADCAST: Mac = 0xffff_ffff_ffff;
export const MAC_ZERO: Mac = 0;
export const ETH_ALEN = 6;

/** The address in the six octets at `at`. */
export function macAt(bytes: Uint8Array, at: number): Mac {
  return (
    (bytes[at]! * 256 + bytes[at + 1]!) * 0x1_0000_0000 +
    (((bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!) >>> 0)
  );
}

/** Write `mac` into the six octets at `at`. */
export function putMac(bytes: Uint8Array, at: number, mac: Mac): void {
  const high = Math.floor(mac / 0x1_0000_0000);
  bytes[at] = high >>> 8;
  bytes[at + 1] = high;
  bytes[at + 2] = mac >>> 24;
  bytes[at + 3] = mac >>> 16;
  bytes[at + 4] = mac >>> 8;
  bytes[at + 5] = mac;
}

/** Group bit set: multicast or broadcast (is_multicast_ether_addr). */
export function isMulticastMac(mac: Mac): boolean {
  return (Math.floor(mac / 0x100_0000_0000) & 1) !== 0;
}

/** Neither a group address nor zero (is_valid_ether_addr). */
export function isValidMac(mac: Mac): boolean {
  return mac !== 0 && !isMulticastMac(mac);
}

const HEX = '0123456789abcdef';

/** `aa:bb:cc:dd:ee:ff`, lower case. */
export function formatMac(mac: Mac): string {
  let text = '';
  for (let shift = 40; shift >= 0; shift -= 8) {
    const octet = Math.floor(mac / 2 ** shift) & 0xff;
    text += HEX[octet >> 4]! + HEX[octet & 15]!;
    if (shift > 0) text += ':';
  }
  return text;
}

/** Parse six hex groups of one or two digits, separated by `:`; undefined if it is anything else. */
export function parseMac(text: string): Mac | undefined {
  const groups = text.split(':');
  if (groups.length !== 6) return undefined;
  let mac = 0;
  for (const group of groups) {
    if (!/^[0-9a-fA-F]{1,2}$/.test(group)) return undefined;
    mac = mac * 256 + Number.parseInt(group, 16);
  }
  return mac;
}

/** The IPv4 address in the four octets at `at`. */
export function ipv4At(bytes: Uint8Array, at: number): Ipv4 {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function putIpv4(bytes: Uint8Array, at: number, address: Ipv4): void {
  bytes[at] = address >>> 24;
  bytes[at + 1] = address >>> 16;
  bytes[at + 2] = address >>> 8;
  bytes[at + 3] = address;
}

/** Dotted quad. */
export function formatIpv4(address: Ipv4): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Parse a full dotted quad, decimal; undefined if it is anything else (inet_pton, not inet_aton). */
export function parseIpv4(text: string): Ipv4 | undefined {
  let address = 0;
  let octet = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit >= 0 && digit <= 9) {
      // No octet has a leading zero.
      if (octet === 0) return undefined;
      octet = octet < 0 ? digit : octet * 10 + digit;
      if (octet > 255) return undefined;
    } else if (digit === -2 && octet >= 0 && dots < 3) {
      address = address * 256 + octet;
      octet = -1;
      dots++;
    } else return undefined;
  }
  return dots === 3 && octet >= 0 ? address * 256 + octet : undefined;
}

/** The netmask of a prefix length: 24 is 255.255.255.0. */
export function maskOf(prefixLength: number): Ipv4 {
  return prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0;
}

/** 224.0.0.0/4. */
export function isMulticastIpv4(address: Ipv4): boolean {
  return address >>> 28 === 0xe;
}

/** 0.0.0.0/8. */
export function isZeronetIpv4(address: Ipv4): boolean {
  return address >>> 24 === 0;
}

/** 127.0.0.0/8. */
export function isLoopbackIpv4(address: Ipv4): boolean {
  return address >>> 24 === 127;
}

/** The group MAC address of an IPv4 multicast address (RFC 1112 section 6.4). */
export function multicastMacOf(address: Ipv4): Mac {
  return 0x0100_5e00_0000 + (address & 0x7f_ffff);
}

export function u16At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function u32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
