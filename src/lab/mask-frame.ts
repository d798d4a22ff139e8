/**
 * What is masked in a frame before the frames of two machines are compared, each with its reason. A
 * checksum is masked only where it is right: a wrong one stays, and so does one that is left to the
 * device (its field holds the sum over the pseudo-header, which depends on nothing random).
 */
import { putU16, u16At, u32At } from '../wire/addr.ts';
import { checksum, pseudoHeaderSum, pseudoHeaderSum6 } from '../wire/checksum.ts';
import { IP_MF, IP_OFFSET, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from '../wire/ipv4.ts';
import type { RandomAddresses } from './random-address.ts';

/** Reasons, for people: docs/agreement.md lists them. */
export const FRAME_MASKS: readonly string[] = [
  'identifiers of IPv4 datagrams and flow labels of IPv6 are random; only whether they are zero is compared',
  'identifiers of echo requests are process numbers; the first 16 octets of what ping sends are the time of day',
  'ports from 32768 on are chosen at random, and so are sequence numbers and time stamps of TCP',
  'transaction identifiers of DHCP and DNS are random, and DHCP counts real seconds; so is the nonce in a neighbour solicitation',
  'checksums that cover such a field follow from it: compared is whether they are right',
  'a hardware address that no lab has set is random: it is named after the device that has it at the end, and so are the IPv6 addresses and groups made of it',
];

const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const VLAN_TYPES: readonly number[] = [0x8100, 0x88a8];
const ETHERNET_HEADER = 14;
/** First port of net.ipv4.ip_local_port_range. */
const FIRST_EPHEMERAL = 32768;
const EPHEMERAL = 0xffff;
const PRESENT = 0xffff;
const TIME_OF_DAY = 16;
const BOOTP_PORTS: readonly number[] = [67, 68];
const DNS_PORTS: readonly number[] = [53, 5353];
const ICMP_ERRORS: readonly number[] = [3, 4, 5, 11, 12];
const ICMP6_ERROR_END = 128;
const EXTENSION_HEADERS: readonly number[] = [0, 43, 60];
const IPPROTO_FRAGMENT = 44;
const NEIGHBOUR_SOLICITATION = 135;
const ND_OPT_NONCE = 14;

/** The frame without what is random in it. */
export function maskFrame(frame: Uint8Array): Uint8Array {
  const bytes = frame.slice();
  if (bytes.length < ETHERNET_HEADER) return bytes;
  let at = 12;
  while (at + 6 <= bytes.length && VLAN_TYPES.includes(u16At(bytes, at))) at += 4;
  maskNetwork(bytes, at + 2, u16At(bytes, at));
  return bytes;
}

/** A text of the masked frame that two machines have in common: hexadecimal digits and names of devices. */
export function frameKey(masked: Uint8Array, addresses: RandomAddresses): string {
  let key = '';
  let text = '';
  for (const byte of masked) text += byte.toString(16).padStart(2, '0');
  for (let at = 0; at < text.length; at += 2) {
    const found = addresses.all.find(({ hex }) => text.startsWith(hex, at));
    if (found === undefined) key += text.slice(at, at + 2);
    else {
      key += found.label;
      at += found.hex.length - 2;
    }
  }
  return key;
}

function maskNetwork(bytes: Uint8Array, at: number, protocol: number): void {
  if (protocol === ETH_P_IP) maskIpv4(bytes, at);
  else if (protocol === ETH_P_IPV6) maskIpv6(bytes, at);
}

function maskIpv4(bytes: Uint8Array, at: number): void {
  if (at + 20 > bytes.length) return;
  const header = (bytes[at]! & 15) << 2;
  if (bytes[at]! >>> 4 !== 4 || header < 20 || at + header > bytes.length) return;
  if (checksum(bytes, at, at + header) === 0) putU16(bytes, at + 10, PRESENT);
  if (u16At(bytes, at + 4) !== 0) putU16(bytes, at + 4, PRESENT);
  const fragment = u16At(bytes, at + 6);
  if ((fragment & IP_OFFSET) !== 0) return;
  const total = u16At(bytes, at + 2);
  const length = total - header;
  const protocol = bytes[at + 9]!;
  const pseudo = pseudoHeaderSum(u32At(bytes, at + 12), u32At(bytes, at + 16), protocol, length);
  const whole = (fragment & IP_MF) === 0 && length >= 0 && at + total <= bytes.length;
  maskTransport(bytes, at + header, whole ? at + total : undefined, protocol, pseudo);
}

function maskIpv6(bytes: Uint8Array, at: number): void {
  if (at + 40 > bytes.length || bytes[at]! >>> 4 !== 6) return;
  if ((u32At(bytes, at) & 0xfffff) !== 0) {
    bytes[at + 1] = bytes[at + 1]! & 0xf0;
    putU16(bytes, at + 2, PRESENT);
  }
  const end = at + 40 + u16At(bytes, at + 4);
  let next = bytes[at + 6]!;
  let start = at + 40;
  while (EXTENSION_HEADERS.includes(next) && start + 8 <= bytes.length) {
    next = bytes[start]!;
    start += (bytes[start + 1]! + 1) * 8;
  }
  if (next === IPPROTO_FRAGMENT) return;
  const pseudo = pseudoHeaderSum6(bytes, at + 8, at + 24, next, end - start);
  maskTransport(bytes, start, end <= bytes.length ? end : undefined, next, pseudo);
}

/** `end` is known when the whole segment is there: then its checksum can be judged. */
function maskTransport(bytes: Uint8Array, at: number, end: number | undefined, protocol: number, pseudo: number): void {
  const stop = end ?? bytes.length;
  const field = { [IPPROTO_ICMP]: 2, [IPPROTO_ICMPV6]: 2, [IPPROTO_UDP]: 6, [IPPROTO_TCP]: 16 }[protocol];
  if (field === undefined || at + 8 > bytes.length || (protocol === IPPROTO_TCP && at + 20 > bytes.length)) return;
  const sum = protocol === IPPROTO_ICMP ? 0 : pseudo;
  // A part of a segment tells nothing: its checksum is left out.
  const right = end === undefined || checksum(bytes, at, stop, sum) === 0;
  if (right) putU16(bytes, at + field, PRESENT);
  if (protocol === IPPROTO_ICMP) maskIcmp(bytes, at, stop);
  else if (protocol === IPPROTO_ICMPV6) maskIcmp6(bytes, at, stop);
  else maskPorts(bytes, at, stop, protocol);
}

function maskIcmp(bytes: Uint8Array, at: number, end: number): void {
  const type = bytes[at]!;
  if (type === 0 || type === 8) maskEcho(bytes, at, end);
  else if (ICMP_ERRORS.includes(type)) maskNetwork(bytes, at + 8, ETH_P_IP);
}

function maskIcmp6(bytes: Uint8Array, at: number, end: number): void {
  const type = bytes[at]!;
  if (type === 128 || type === 129) maskEcho(bytes, at, end);
  else if (type < ICMP6_ERROR_END) maskNetwork(bytes, at + 8, ETH_P_IPV6);
  else if (type === NEIGHBOUR_SOLICITATION) {
    for (let option = at + 24; option + 8 <= end && bytes[option + 1] !== 0; option += bytes[option + 1]! * 8) {
      if (bytes[option] === ND_OPT_NONCE) bytes.fill(0, option + 2, option + 8);
    }
  }
}

function maskEcho(bytes: Uint8Array, at: number, end: number): void {
  putU16(bytes, at + 4, 0);
  const payload = at + 8;
  if (end - payload >= TIME_OF_DAY) bytes.fill(0, payload, payload + TIME_OF_DAY);
}

function maskPorts(bytes: Uint8Array, at: number, end: number, protocol: number): void {
  const ports = [u16At(bytes, at), u16At(bytes, at + 2)];
  ports.forEach((port, i) => {
    if (port >= FIRST_EPHEMERAL) putU16(bytes, at + 2 * i, EPHEMERAL);
  });
  if (protocol === IPPROTO_TCP) maskTcp(bytes, at, end);
  else if (ports.some((port) => BOOTP_PORTS.includes(port)) && at + 18 <= end) bytes.fill(0, at + 12, at + 18);
  else if (ports.some((port) => DNS_PORTS.includes(port)) && at + 10 <= end) putU16(bytes, at + 8, 0);
}

function maskTcp(bytes: Uint8Array, at: number, end: number): void {
  bytes.fill(0, at + 4, at + 12);
  const options = Math.min(at + (bytes[at + 12]! >>> 4) * 4, end);
  for (let option = at + 20; option < options; ) {
    const kind = bytes[option]!;
    if (kind === 0) break;
    const length = kind === 1 ? 1 : bytes[option + 1]!;
    if (length === 0) break;
    if (kind === 8 && option + 10 <= options) bytes.fill(0, option + 2, option + 10);
    option += length;
  }
}
