/**
 * One packet being printed: its captured bytes, how far they may be read, and the text so far.
 *
 * A read past the end of what was captured throws {@link Truncated}; {@link printPacket} catches it
 * and ends the line with the protocol's truncation mark, so printers read fields without asking.
 */
import { formatIpv4, formatMac, ipv4At, macAt, u16At, u32At } from '../wire/addr.ts';
import { checksum } from '../wire/checksum.ts';
import { formatIpv6 } from '../wire/ipv6.ts';
import { serviceOfPort } from '../wire/services.ts';
import type { Precision } from './packet.ts';
import type { TcpConversations } from './tcp-conversations.ts';
import { named, OUI } from './tokens.ts';

/** tcpdump's flags: how often each was given. */
export interface PrintOptions {
  /** -e: the link-layer header. */
  e: number;
  /** -n: no names. */
  n: number;
  /** -v: details. */
  v: number;
  /** -q: less. */
  q: number;
  /** -t: how to print the time. */
  t: number;
  x: number;
  X: number;
  A: number;
  /** -S: absolute TCP sequence numbers. */
  S: number;
  /** -K: checksums are not checked. */
  K: number;
  /** -N: host names without their domain. */
  N: number;
  /** -#: number the packets. */
  number: boolean;
  precision: Precision;
  /** Seconds east of UTC. */
  utcOffset: number;
}

export const DEFAULT_PRINT_OPTIONS: PrintOptions = {
  e: 0,
  n: 0,
  v: 0,
  q: 0,
  t: 0,
  x: 0,
  X: 0,
  A: 0,
  S: 0,
  K: 0,
  N: 0,
  number: false,
  precision: 'micro',
  utcOffset: 0,
};

/** What the printers may ask of the machine they run on, and what they remember from packet to packet. */
export interface PrintContext {
  readonly options: PrintOptions;
  /** The name of an address (in its text form), as /etc/hosts has it. */
  hostName(address: string): string | undefined;
  /** The name of an interface, for frames that carry its index. */
  interfaceName(ifindex: number): string | undefined;
  readonly conversations: TcpConversations;
}

/** The IP header over a payload. */
export interface IpHeader {
  readonly version: 4 | 6;
  /** More fragments follow, or (version 6) it is a fragment. */
  readonly fragmented: boolean;
  /** The protocol of the payload. */
  readonly protocol: number;
  /** Where the header begins. */
  readonly header: number;
}

/**
 * Printers that others call for what they carry inside. They are handed in, as they would otherwise
 * import each other in circles.
 */
export interface InnerPrinters {
  ip(d: Dissection, at: number, length: number): void;
  ip6(d: Dissection, at: number, length: number): void;
  ethernet(d: Dissection, at: number, length: number, captured: number): void;
  ipPayload(d: Dissection, at: number, length: number, ip: IpHeader): void;
}

/** A read behind the end of the captured bytes. */
export class Truncated extends Error {}
const TRUNCATED = new Truncated();

export class Dissection {
  readonly context: PrintContext;
  readonly options: PrintOptions;
  readonly inner: InnerPrinters;
  readonly bytes: Uint8Array;
  /** The end of the bytes that may be read. */
  snapEnd: number;
  /** The name that a truncation mark gives. */
  protocol = '';
  /** Length of the link-layer header, which -x and -A leave out. */
  linkHeaderLength = 0;
  text = '';

  constructor(context: PrintContext, bytes: Uint8Array, inner: InnerPrinters) {
    this.context = context;
    this.inner = inner;
    this.options = context.options;
    this.bytes = bytes;
    this.snapEnd = bytes.length;
  }

  print(text: string): void {
    this.text += text;
  }

  /** End the packet here. */
  truncate(): never {
    throw TRUNCATED;
  }

  /** Whether `length` bytes at `at` were captured. */
  has(at: number, length: number): boolean {
    return at >= 0 && at + length <= this.snapEnd;
  }

  need(at: number, length: number): void {
    if (!this.has(at, length)) throw TRUNCATED;
  }

  /** Captured bytes from `at` on. */
  available(at: number): number {
    return Math.max(0, this.snapEnd - at);
  }

  u8(at: number): number {
    if (at < 0 || at >= this.snapEnd) throw TRUNCATED;
    return this.bytes[at]!;
  }

  u16(at: number): number {
    this.need(at, 2);
    return u16At(this.bytes, at);
  }

  u24(at: number): number {
    this.need(at, 3);
    return u16At(this.bytes, at) * 256 + this.bytes[at + 2]!;
  }

  u32(at: number): number {
    this.need(at, 4);
    return u32At(this.bytes, at);
  }

  /** Signed. */
  s8(at: number): number {
    return (this.u8(at) << 24) >> 24;
  }

  /** Little-endian. */
  u16le(at: number): number {
    this.need(at, 2);
    return this.bytes[at]! | (this.bytes[at + 1]! << 8);
  }

  /** Run `body` with the readable bytes cut off at `at + length`. */
  within(at: number, length: number, body: () => void): void {
    const saved = this.snapEnd;
    this.snapEnd = Math.min(saved, at + length);
    body();
    this.snapEnd = saved;
  }

  printTruncated(): void {
    this.print(` [|${this.protocol}]`);
  }

  printInvalid(): void {
    this.print(' (invalid)');
  }

  // ---- names

  /** GET_IPADDR_STRING. */
  ip(at: number): string {
    this.need(at, 4);
    return this.host(formatIpv4(ipv4At(this.bytes, at)));
  }

  /** GET_IP6ADDR_STRING. */
  ip6(at: number): string {
    this.need(at, 16);
    return this.host(formatIpv6(this.bytes, at));
  }

  host(address: string): string {
    if (this.options.n > 0) return address;
    const name = this.context.hostName(address);
    if (name === undefined) return address;
    return this.options.N > 0 ? name.replace(/\..*$/s, '') : name;
  }

  /** GET_ETHERADDR_STRING. */
  mac(at: number): string {
    this.need(at, 6);
    const text = formatMac(macAt(this.bytes, at));
    if (this.options.n > 0) return text;
    if (text === 'ff:ff:ff:ff:ff:ff') return 'Broadcast';
    return `${text} (oui ${named(OUI, this.u24(at), 'Unknown')})`;
  }

  /** A hardware address of any length. */
  linkAddress(at: number, length: number): string {
    if (length === 0) return '<empty>';
    this.need(at, length);
    if (length === 6) return this.mac(at);
    return Array.from(this.bytes.subarray(at, at + length), hex2).join(':');
  }

  tcpPort(port: number): string {
    return this.service(port, 'tcp');
  }

  udpPort(port: number): string {
    return this.service(port, 'udp');
  }

  private service(port: number, protocol: string): string {
    return (this.options.n > 0 ? undefined : serviceOfPort(port, protocol)) ?? String(port);
  }

  // ---- text

  /** fn_print_char: what is not printable becomes ^X or M-X. */
  printCharacter(code: number): void {
    let c = code;
    if (c > 127) {
      c &= 127;
      this.print('M-');
    }
    if (c < 32 || c > 126) {
      c ^= 0x40;
      this.print('^');
    }
    this.print(String.fromCharCode(c));
  }

  /** nd_printn: characters as far as they were captured; false when that was not all. */
  printCharacters(at: number, length: number): boolean {
    const captured = Math.min(length, this.available(at));
    for (let index = 0; index < captured; index++) this.printCharacter(this.bytes[at + index]!);
    return captured === length;
  }

  /** nd_printztn: characters up to a zero. The octets that this took with the zero; none when there was no zero. */
  printToZero(at: number, length: number): number {
    const captured = Math.min(length, this.available(at));
    for (let index = 0; index < captured; index++) {
      const octet = this.bytes[at + index]!;
      if (octet === 0) return index + 1;
      this.printCharacter(octet);
    }
    return 0;
  }

  /** Sum over captured bytes: zero where the checksum is right. */
  checksum(at: number, length: number, sum = 0): number {
    return checksum(this.bytes, at, at + length, sum);
  }

  /** Unknown data in hex, as far as it was captured. */
  printUnknown(at: number, indent: string, length: number): void {
    if (at > this.snapEnd) {
      this.print(`${indent}Dissector error: print_unknown_data called with pointer past end of packet`);
      return;
    }
    this.hex(indent, at, Math.min(length, this.available(at)));
  }

  /** Data without a printer of its own: hex and ASCII, unless -x and the like will show it anyway. */
  printDefault(at: number, length: number): void {
    this.hexAndAscii('\n\t', at, length);
  }

  /** hex_print. */
  hex(indent: string, at: number, length: number): void {
    const captured = Math.min(length, this.available(at));
    let text = '';
    for (let index = 0; index < captured; index++) {
      if (index % 16 === 0) text += `${indent}0x${hex4(index)}: `;
      text += (index % 2 === 0 ? ' ' : '') + hex2(this.bytes[at + index]!);
    }
    this.print(text);
    if (captured < length) this.truncate();
  }

  /** hex_and_ascii_print. */
  hexAndAscii(indent: string, at: number, length: number): void {
    const captured = Math.min(length, this.available(at));
    for (let line = 0; line < captured; line += 16) {
      let hex = '';
      let ascii = '';
      for (let index = line; index < Math.min(line + 16, captured); index++) {
        const octet = this.bytes[at + index]!;
        hex += (index % 2 === 0 ? ' ' : '') + hex2(octet);
        ascii += octet > 32 && octet < 127 ? String.fromCharCode(octet) : '.';
      }
      this.print(`${indent}0x${hex4(line)}: ${hex.padEnd(40)}  ${ascii}`);
    }
    if (captured < length) this.truncate();
  }

  /** ascii_print. */
  ascii(at: number, length: number): void {
    this.protocol = 'ascii';
    const captured = Math.min(length, this.available(at));
    let text = '\n';
    for (let index = 0; index < captured; index++) {
      const octet = this.bytes[at + index]!;
      const left = captured - index - 1;
      if (octet === 13) {
        if (left > 1 && this.bytes[at + index + 1] !== 10) text += '.';
      } else if ((octet > 32 && octet < 127) || octet === 9 || octet === 32 || octet === 10) {
        text += String.fromCharCode(octet);
      } else {
        text += '.';
      }
    }
    this.print(text);
    if (captured < length) this.truncate();
  }
}

export function hex2(octet: number): string {
  return octet.toString(16).padStart(2, '0');
}

export function hex4(value: number): string {
  return value.toString(16).padStart(4, '0');
}

export function hex8(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** What a checksum field should have been, from what it is and the sum over everything (in_cksum_shouldbe). */
export function checksumShouldBe(field: number, computed: number): number {
  let sum = field + computed;
  sum = (sum & 0xffff) + (sum >>> 16);
  return ((sum & 0xffff) + (sum >>> 16)) & 0xffff;
}

/** A number below zero as C's unsigned int prints it. */
export function unsigned(value: number): number {
  return value >>> 0;
}
