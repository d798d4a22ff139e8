/** IPv6: the header, the extension headers, and the way to what it carries. */
import { foldSum } from '../wire/checksum.ts';
import { type Dissection, hex2, hex8, unsigned } from './dissection.ts';
import { IP_PROTOCOLS, named } from './tokens.ts';

const HOPOPTS = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DSTOPTS = 60;
const MOBILITY_OLD = 62;
const MOBILITY = 135;
const HEADER = 40;

const PAD1 = 0;
const PADN = 1;
const ROUTER_ALERT = 0x05;
const JUMBO = 0xc2;
const HOME_ADDRESS = 0xc9;

/** The payload's length, which a jumbo payload option may replace. */
interface Jumbo {
  found: boolean;
  payloadLength: number;
}

export function ip6Print(d: Dissection, at: number, length: number): void {
  d.protocol = 'ip6';
  if (!d.has(at, HEADER)) {
    d.printTruncated();
    return;
  }
  if (length < HEADER) {
    d.print(`truncated-ip6 ${length}`);
    return;
  }
  if (d.options.e === 0) d.print('IP6 ');
  const version = d.u8(at) >>> 4;
  if (version !== 6) {
    d.print(`version error: ${version} != 6`);
    return;
  }
  const payloadLength = d.u16(at + 4);
  let total = length + HEADER;
  if (payloadLength !== 0) {
    total = payloadLength + HEADER;
    if (length < total) d.print(`truncated-ip6 - ${total - length} bytes missing!`);
  }
  const next = d.u8(at + 6);
  if (d.options.v > 0) {
    const flow = d.u32(at);
    d.print('(');
    if ((flow & 0x0ff0_0000) !== 0) d.print(`class 0x${hex2((flow & 0x0ff0_0000) >>> 20)}, `);
    if ((flow & 0x000f_ffff) !== 0) d.print(`flowlabel 0x${(flow & 0xf_ffff).toString(16).padStart(5, '0')}, `);
    d.print(
      `hlim ${d.u8(at + 7)}, next-header ${named(IP_PROTOCOLS, next, 'unknown')} (${next}) payload length: ${payloadLength}) `,
    );
  }
  const outerEnd = d.snapEnd;
  d.snapEnd = Math.min(outerEnd, at + total);
  const restored = chainPrint(d, at, length, total, next, payloadLength, outerEnd);
  if (restored) d.snapEnd = outerEnd;
}

/**
 * The chain of extension headers. Returns whether the outer end of the bytes is in force again: some
 * errors leave the inner one, as tcpdump does.
 */
function chainPrint(
  d: Dissection,
  at: number,
  length: number,
  total: number,
  first: number,
  payloadLength: number,
  outerEnd: number,
): boolean {
  const jumbo: Jumbo = { found: false, payloadLength };
  let cp = at;
  let advance = HEADER;
  let left = total;
  let advanced = 0;
  let next = first;
  let previous = -1;
  let sawHopByHop = false;
  let sawExtension = false;
  let fragmented = false;
  while (cp < d.snapEnd && advance > 0) {
    if (left < advance) {
      d.printTruncated();
      return false;
    }
    cp += advance;
    left -= advance;
    advanced += advance;
    if (cp === at + HEADER && next !== 6 && next !== 17 && next !== 33 && next !== 132) {
      d.print(`${d.ip6(at + 8)} > ${d.ip6(at + 24)}: `);
    }
    switch (next) {
      case HOPOPTS: {
        const misplaced = sawHopByHop
          ? '[The Hop-by-Hop Options header was already found]'
          : previous !== -1
            ? "[The Hop-by-Hop Options header don't follow the IPv6 header]"
            : undefined;
        if (misplaced !== undefined) {
          d.print(misplaced);
          d.printInvalid();
          return false;
        }
        const size = hopByHopPrint(d, cp, jumbo);
        if (jumbo.payloadLength === 0 && !jumbo.found) {
          d.print('[No valid Jumbo Payload Hop-by-Hop option found]');
          d.printInvalid();
          return false;
        }
        if (size === undefined) return true;
        advance = size;
        sawHopByHop = true;
        break;
      }
      case DSTOPTS: {
        const size = destinationPrint(d, cp);
        if (size === undefined) return true;
        advance = size;
        break;
      }
      case FRAGMENT: {
        const more = fragmentPrint(d, cp, at);
        if (!more || d.snapEnd <= cp + 8) return true;
        advance = 8;
        fragmented = true;
        break;
      }
      case MOBILITY_OLD:
      case MOBILITY:
        d.print('mobility header');
        return true;
      case ROUTING: {
        if (!d.has(cp, 1)) {
          d.printTruncated();
          return false;
        }
        const size = routingPrint(d, cp);
        if (size === undefined) return true;
        advance = size;
        break;
      }
      default: {
        if (jumbo.found) {
          left = jumbo.payloadLength + HEADER;
          if (left < advanced) {
            d.printTruncated();
            return false;
          }
          if (length < left) d.print(`truncated-ip6 - ${left - length} bytes missing!`);
          d.snapEnd = Math.min(outerEnd, at + left);
          left -= advanced;
        } else if (payloadLength === 0) {
          if (sawExtension) {
            d.printTruncated();
            return false;
          }
          left = 0;
          d.snapEnd = Math.min(outerEnd, at + HEADER);
        }
        d.inner.ipPayload(d, cp, left, { version: 6, fragmented, protocol: next, header: at });
        return true;
      }
    }
    sawExtension = true;
    previous = next;
    next = d.u8(cp);
    d.protocol = 'ip6';
  }
  return true;
}

function fragmentPrint(d: Dissection, at: number, header: number): boolean {
  d.protocol = 'frag6';
  const offset = () => d.u16(at + 2) & 0xfff8;
  const size = () => HEADER + d.u16(header + 4) - (at - header) - 8;
  if (d.options.v > 0) d.print(`frag (0x${hex8(d.u32(at + 4))}:${offset()}|${sizeText(size())})`);
  else d.print(`frag (${offset()}|${sizeText(size())})`);
  if (offset() !== 0) return false;
  d.print(' ');
  return true;
}

/** A length below zero as C's size_t prints it. */
function sizeText(size: number): string {
  return String(BigInt.asUintN(64, BigInt(size)));
}

function routingPrint(d: Dissection, at: number): number | undefined {
  d.protocol = 'rt6';
  d.print('RT6');
  const length = d.u8(at + 1);
  d.print(` (len=${length}`);
  const type = d.u8(at + 2);
  d.print(`, type=${type}`);
  if (type === 0) d.print(' [Deprecated]');
  d.print(`, segleft=${d.u8(at + 3)}`);
  if (type === 0 || type === 2) {
    const reserved = d.u32(at + 4);
    if (reserved !== 0 || d.options.v > 0) d.print(`, rsv=0x${reserved.toString(16)}`);
  } else if (type === 4) {
    d.print(`, last-entry=${d.u8(at + 4)}`);
    const flags = d.u8(at + 5);
    if (flags !== 0 || d.options.v > 0) d.print(`, flags=0x${flags.toString(16)}`);
    d.print(`, tag=${d.u16(at + 6).toString(16)}`);
  } else {
    d.print(' (unknown type)');
    d.printInvalid();
    return undefined;
  }
  if (length % 2 === 1) {
    d.print(` (invalid length ${length})`);
    d.printInvalid();
    return undefined;
  }
  for (let index = 0; index < length / 2; index++) d.print(`, [${index}]${d.ip6(at + 8 + 16 * index)}`);
  d.print(') ');
  return (length + 1) * 8;
}

function hopByHopPrint(d: Dissection, at: number, jumbo: Jumbo): number | undefined {
  d.protocol = 'hbhopt';
  const size = (d.u8(at + 1) + 1) * 8;
  if (!d.has(at, size)) {
    d.printTruncated();
    return undefined;
  }
  d.print('HBH ');
  if (optionsPrint(d, at + 2, size - 2, jumbo)) return size;
  d.printTruncated();
  return undefined;
}

function destinationPrint(d: Dissection, at: number): number | undefined {
  d.protocol = 'dstopt';
  const size = (d.u8(at + 1) + 1) * 8;
  if (!d.has(at, size)) {
    d.printTruncated();
    return undefined;
  }
  d.print('DSTOPT ');
  if (d.options.v === 0 || optionsPrint(d, at + 2, size - 2, undefined)) return size;
  d.printTruncated();
  return undefined;
}

/** False when an option is longer than its header. `jumbo` is undefined in a destination header. */
function optionsPrint(d: Dissection, at: number, length: number, jumbo: Jumbo | undefined): boolean {
  const { v } = d.options;
  let sawJumbo = false;
  let size: number;
  for (let offset = 0; offset < length; offset += size) {
    const type = d.u8(at + offset);
    if (type === PAD1) {
      size = 1;
    } else {
      if (offset + 1 >= length) return false;
      size = d.u8(at + offset + 1) + 2;
    }
    if (offset + size > length) return false;
    const left = length - offset;
    switch (type) {
      case PAD1:
        if (v > 0) d.print('(pad1)');
        break;
      case PADN:
        if (v > 0) d.print('(padn)');
        break;
      case ROUTER_ALERT:
        if (left < 4) {
          d.print('(rtalert: trunc)');
          return false;
        }
        if (size !== 4) {
          d.print(`(rtalert: invalid len ${size - 2})`);
          return false;
        }
        if (v > 0)
          d.print(
            `(rtalert: 0x${d
              .u16(at + offset + 2)
              .toString(16)
              .padStart(4, '0')}) `,
          );
        break;
      case JUMBO: {
        if (left < 6) {
          d.print('(jumbo: trunc)');
          return false;
        }
        if (size !== 6) {
          d.print(`(jumbo: invalid len ${size - 2})`);
          return false;
        }
        const value = d.u32(at + offset + 2);
        const remark = jumboRemark(value, sawJumbo, jumbo);
        if (!sawJumbo && jumbo !== undefined && remark === '') {
          jumbo.found = true;
          jumbo.payloadLength = value;
        }
        sawJumbo = true;
        if (v > 0) d.print(`(jumbo: ${value}${remark}) `);
        break;
      }
      case HOME_ADDRESS:
        if (left < 18) {
          d.print('(homeaddr: trunc)');
          return false;
        }
        if (size < 18) {
          d.print(`(homeaddr: invalid len ${size - 2})`);
          return false;
        }
        if (v > 0) {
          d.print(`(homeaddr: ${d.ip6(at + offset + 2)}`);
          if (size > 18 && !subOptionsPrint(d, at + offset + 18, size - 18)) return false;
          d.print(')');
        }
        break;
      default:
        if (v > 0) d.print(`(opt_type 0x${hex2(type)}: len=${size - 2})`);
    }
  }
  if (v > 0) d.print(' ');
  return true;
}

function jumboRemark(value: number, sawJumbo: boolean, jumbo: Jumbo | undefined): string {
  if (sawJumbo) return ' - already seen';
  if (jumbo === undefined) return ' - not a hop-by-hop option';
  if (jumbo.payloadLength !== 0) return ' - payload len != 0';
  return value < 65536 ? ' - < 65536' : '';
}

function subOptionsPrint(d: Dissection, at: number, length: number): boolean {
  let size: number;
  for (let offset = 0; offset < length; offset += size) {
    const type = d.u8(at + offset);
    if (type === PAD1) {
      size = 1;
      d.print(', pad1');
      continue;
    }
    if (offset + 1 >= length) return false;
    size = d.u8(at + offset + 1) + 2;
    if (offset + size > length) return false;
    d.print(type === PADN ? ', padn' : `, sopt_type 0x${hex2(type)}: len=${size - 2}`);
  }
  return true;
}

/** The destination of a pseudo header: the last address of a routing header, if there is one (ip6_finddst). */
function finalDestination(d: Dissection, header: number): number {
  let cp = header;
  let advance = HEADER;
  let next = d.u8(header + 6);
  const plain = header + 24;
  while (cp < d.snapEnd) {
    cp += advance;
    switch (next) {
      case HOPOPTS:
      case DSTOPTS:
      case MOBILITY_OLD:
      case MOBILITY:
        advance = (d.u8(cp + 1) + 1) * 8;
        next = d.u8(cp);
        break;
      case FRAGMENT:
        advance = 8;
        next = d.u8(cp);
        break;
      case ROUTING: {
        if (!d.has(cp, 4)) return plain;
        const length = d.u8(cp + 1);
        const type = d.u8(cp + 2);
        if (length % 2 === 1) return plain;
        if (type === 4) return d.has(cp + 8, 16) ? cp + 8 : plain;
        if (type !== 0 && type !== 2) return plain;
        let destination = plain;
        for (let index = 0; index < length / 2 && d.has(cp + 8 + 16 * index, 16); index++) {
          destination = cp + 8 + 16 * index;
        }
        return destination;
      }
      default:
        return plain;
    }
  }
  return plain;
}

/** The checksum of a transport header under the IPv6 header at `header`: zero when it is right (nextproto6_cksum). */
export function transportChecksum6(
  d: Dissection,
  header: number,
  at: number,
  length: number,
  protocol: number,
): number {
  const destination = finalDestination(d, header);
  const addresses = (~d.checksum(header + 8, 16) & 0xffff) + (~d.checksum(destination, 16) & 0xffff);
  const sum = foldSum(unsigned(addresses + protocol + (length >>> 16) + (length & 0xffff)));
  return d.checksum(at, length, sum);
}
