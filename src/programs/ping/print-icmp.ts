/** ICMP messages, IP headers and IP options as ping shows them: pr_icmph(), pr_iph(), pr_options(). */
import { formatIpv4, type Ipv4, ipv4At, u16At, u32At } from '../../wire/addr.ts';
import {
  ICMP_ADDRESS,
  ICMP_ADDRESSREPLY,
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_INFO_REPLY,
  ICMP_INFO_REQUEST,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_TIMESTAMP,
  ICMP_TIMESTAMPREPLY,
} from '../../wire/icmp.ts';
import {
  IPOPT_END,
  IPOPT_LSRR,
  IPOPT_NOOP,
  IPOPT_RR,
  IPOPT_SSRR,
  IPOPT_TIMESTAMP,
  IPV4_HEADER_LENGTH,
  ipv4Checksum,
  ipv4Destination,
  ipv4FragOff,
  ipv4HeaderLength,
  ipv4Id,
  ipv4Protocol,
  ipv4Source,
  ipv4Tos,
  ipv4TotalLength,
  ipv4Ttl,
  ipv4Version,
} from '../../wire/ipv4.ts';

/** How addresses are shown: with their names, unless -n. */
export type AddressText = (address: Ipv4) => string;

const ICMP_FRAG_NEEDED = 4;

const UNREACHABLE = [
  'Destination Net Unreachable',
  'Destination Host Unreachable',
  'Destination Protocol Unreachable',
  'Destination Port Unreachable',
  '',
  'Source Route Failed',
  'Destination Net Unknown',
  'Destination Host Unknown',
  'Source Host Isolated',
  'Destination Net Prohibited',
  'Destination Host Prohibited',
  'Destination Net Unreachable for Type of Service',
  'Destination Host Unreachable for Type of Service',
  'Packet filtered',
  'Precedence Violation',
  'Precedence Cutoff',
];
const REDIRECTS = [
  'Redirect Network',
  'Redirect Host',
  'Redirect Type of Service and Network',
  'Redirect Type of Service and Host',
];
const EXCEEDED = ['Time to live exceeded', 'Frag reassembly time exceeded'];
const QUERIES: Readonly<Record<number, string>> = {
  [ICMP_ECHOREPLY]: 'Echo Reply',
  [ICMP_ECHO]: 'Echo Request',
  [ICMP_TIMESTAMP]: 'Timestamp',
  [ICMP_TIMESTAMPREPLY]: 'Timestamp Reply',
  [ICMP_INFO_REQUEST]: 'Information Request',
  [ICMP_INFO_REPLY]: 'Information Reply',
  [ICMP_ADDRESS]: 'Address Mask Request',
  [ICMP_ADDRESSREPLY]: 'Address Mask Reply',
};

/**
 * pr_icmph(): what an ICMP message says, with its newline. `info` is the MTU, gateway or pointer
 * that goes with it. `quoted` is the IP header of the packet it is about, shown with -v.
 */
export function describeIcmp(type: number, code: number, info: number, address: AddressText, quoted = ''): string {
  switch (type) {
    case ICMP_DEST_UNREACH:
      if (code === ICMP_FRAG_NEEDED) return `Frag needed and DF set (mtu = ${info})\n${quoted}`;
      return `${UNREACHABLE[code] ?? `Dest Unreachable, Bad Code: ${code}`}\n${quoted}`;
    case ICMP_SOURCE_QUENCH:
      return `Source Quench\n${quoted}`;
    case ICMP_REDIRECT:
      return `${REDIRECTS[code] ?? `Redirect, Bad Code: ${code}`}(New nexthop: ${address(info)})\n${quoted}`;
    case ICMP_TIME_EXCEEDED:
      return `${EXCEEDED[code] ?? `Time exceeded, Bad Code: ${code}`}\n${quoted}`;
    case ICMP_PARAMETERPROB:
      return `Parameter problem: pointer = ${info}\n${quoted}`;
    default:
      return `${QUERIES[type] ?? `Bad ICMP type: ${type}`}\n`;
  }
}

const hex = (value: number, width: number) => value.toString(16).padStart(width, '0');

/**
 * The 16-bit fields of the header are printed as a little-endian machine reads them, except that
 * the kernel has turned nothing around in a quoted packet.
 */
const swapped = (value: number) => ((value & 0xff) << 8) | (value >>> 8);

/** pr_iph(): the header at `at`, options included, in two lines. */
export function describeIpHeader(bytes: Uint8Array, at: number, options: OptionPrinter): string {
  const fragOff = swapped(ipv4FragOff(bytes, at));
  const fields = [
    ` ${hex(ipv4Version(bytes, at), 1)}  ${hex(ipv4HeaderLength(bytes, at) >>> 2, 1)}  ${hex(ipv4Tos(bytes, at), 2)}`,
    ` ${hex(swapped(ipv4TotalLength(bytes, at)), 4)} ${hex(swapped(ipv4Id(bytes, at)), 4)}`,
    `   ${hex(fragOff >>> 13, 1)} ${hex(fragOff & 0x1fff, 4)}`,
    `  ${hex(ipv4Ttl(bytes, at), 2)}  ${hex(ipv4Protocol(bytes, at), 2)} ${hex(swapped(ipv4Checksum(bytes, at)), 4)}`,
    ` ${formatIpv4(ipv4Source(bytes, at))}  ${formatIpv4(ipv4Destination(bytes, at))} \n`,
  ];
  const end = at + ipv4HeaderLength(bytes, at);
  return `Vr HL TOS  Len   ID Flg  off TTL Pro  cks      Src      Dst Data\n${fields.join('')}${options.describe(
    bytes,
    at + IPV4_HEADER_LENGTH,
    end,
  )}`;
}

/** pr_options(), which remembers the last recorded route to say "(same route)". */
export class OptionPrinter {
  readonly #address: AddressText;
  readonly #flood: boolean;
  #lastRoute = '';

  constructor(address: AddressText, flood: boolean) {
    this.#address = address;
    this.#flood = flood;
  }

  /** The options in `[at, end)`. */
  describe(bytes: Uint8Array, start: number, end: number): string {
    let text = '';
    for (let at = start; at < end && bytes[at] !== IPOPT_END; ) {
      const type = bytes[at]!;
      if (type === IPOPT_NOOP) {
        text += '\nNOP';
        at++;
        continue;
      }
      const length = bytes[at + 1] ?? 0;
      if (length < 2 || at + length > end) break;
      text += this.#option(bytes, at, type, length);
      at += length;
    }
    return text;
  }

  #option(bytes: Uint8Array, at: number, type: number, length: number): string {
    switch (type) {
      case IPOPT_SSRR:
      case IPOPT_LSRR:
        return `\n${type === IPOPT_SSRR ? 'S' : 'L'}SRR: ${this.#addresses(bytes, at + 3, length - 4)}`;
      case IPOPT_RR:
        return this.#recordedRoute(bytes, at, length);
      case IPOPT_TIMESTAMP:
        return this.#timestamps(bytes, at, length);
      default:
        return `\nunknown option ${type.toString(16)}`;
    }
  }

  #addresses(bytes: Uint8Array, at: number, length: number): string {
    let text = '';
    for (let i = 0; i < length; i += 4) text += `\t${this.#hop(ipv4At(bytes, at + i))}\n`;
    return text;
  }

  #hop(address: Ipv4): string {
    return address === 0 ? '0.0.0.0' : this.#address(address);
  }

  #recordedRoute(bytes: Uint8Array, at: number, length: number): string {
    const used = Math.min(bytes[at + 2]!, length) - 4;
    if (used <= 0) return '';
    const route = bytes.subarray(at + 2, at + 2 + used).join('.');
    if (route === this.#lastRoute && !this.#flood) return '\t(same route)';
    this.#lastRoute = route;
    return `\nRR: ${this.#addresses(bytes, at + 3, used)}`;
  }

  #timestamps(bytes: Uint8Array, at: number, length: number): string {
    let left = Math.min(bytes[at + 2]!, length) - 5;
    if (left <= 0) return '';
    const flags = bytes[at + 3]!;
    const withAddresses = (flags & 15) !== 0;
    let text = '\nTS: ';
    let last = { standard: 0, other: 0 };
    for (let i = at + 4; left > 0; i += 4) {
      if (withAddresses) {
        text += `\t${this.#hop(ipv4At(bytes, i))}`;
        i += 4;
        left -= 4;
        if (left <= 0) break;
      }
      const stamp = u32At(bytes, i);
      const time = stamp & 0x7fff_ffff;
      if (stamp >= 0x8000_0000) {
        text += last.other === 0 ? `\t${time} absolute not-standard` : `\t${time - last.other} not-standard`;
        last = { ...last, other: time };
      } else {
        text += last.standard === 0 ? `\t${time} absolute` : `\t${time - last.standard}`;
        last = { ...last, standard: time };
      }
      text += '\n';
      left -= 4;
    }
    return flags >>> 4 === 0 ? text : `${text}Unrecorded hops: ${flags >>> 4}\n`;
  }
}

/** The IP header quoted by the ICMP error at `at`, if it is whole: what -v shows. */
export function quotedHeader(bytes: Uint8Array, at: number, options: OptionPrinter): string {
  return bytes.length - at >= 8 + IPV4_HEADER_LENGTH && u16At(bytes, at + 8) >>> 12 === 4
    ? describeIpHeader(bytes, at + 8, options)
    : '';
}
