/** DNS (RFC 1035) and multicast DNS (RFC 6762). */
import { formatIpv4, ipv4At } from '../wire/addr.ts';
import { formatIpv6 } from '../wire/ipv6.ts';
import { type Dissection, hex2 } from './dissection.ts';
import { relativeTime } from './print-time.ts';
import { type Names, named } from './tokens.ts';

const HEADER = 12;
const MAXIMUM_NAME = 255;
const C_IN = 1;
/** In multicast DNS the class's highest bit asks for a unicast answer, or tells caches to forget. */
const HIGHEST_BIT = 0x8000;
const T_A = 1;
const T_NS = 2;
const T_CNAME = 5;
const T_SOA = 6;
const T_PTR = 12;
const T_MX = 15;
const T_TXT = 16;
const T_AAAA = 28;
const T_SRV = 33;
const T_A6 = 38;
const T_DNAME = 39;
const T_OPT = 41;
const T_UNSPECA = 104;
const T_TSIG = 250;
const T_URI = 256;
const OPCODE_INVERSE = 1;

const OPCODES = ' inv_q stat op3 notify update op6 op7 op8 updateA updateD updateDA updateM updateMA zoneInit zoneRef'
  .split(' ')
  .map((name) => (name === '' ? '' : ` ${name}`));
const RESPONSES = [
  ...['', ' FormErr', ' ServFail', ' NXDomain', ' NotImp', ' Refused', ' YXDomain', ' YXRRSet', ' NXRRSet'],
  ...[' NotAuth', ' NotZone', ' Resp11', ' Resp12', ' Resp13', ' Resp14', ' NoChange', ' BadVers', 'Resp17'],
  ...[' Resp18', ' Resp19', ' Resp20', 'Resp21', ' Resp22', ' BadCookie'],
];
const CLASSES: Names = new Map([
  [C_IN, 'IN'],
  [3, 'CHAOS'],
  [4, 'HS'],
  [255, 'ANY'],
]);

const TYPES: Names = new Map([
  ...'A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP NSAP_PTR SIG KEY PX'
    .concat(' GPOS AAAA LOC NXT EID NIMLOC SRV ATMA NAPTR KX CERT A6 DNAME SINK OPT APL DS SSHFP IPSECKEY RRSIG')
    .concat(' NSEC DNSKEY')
    .split(' ')
    .map((name, index): [number, string] => [index + 1, name]),
  ...'SPF UINFO UID GID UNSPEC UNSPECA'.split(' ').map((name, index): [number, string] => [index + 99, name]),
  ...'TKEY TSIG IXFR AXFR MAILB MAILA ANY URI'.split(' ').map((name, index): [number, string] => [index + 249, name]),
]);

const E_DAU = 5;
const E_DHU = 6;
const E_N3U = 7;
const E_ECS = 8;
const E_EXPIRE = 9;
const E_COOKIE = 10;
const E_KEEPALIVE = 11;
const E_PADDING = 12;
const E_CHAIN = 13;
const E_KEYTAG = 14;
const OPTIONS: Names = new Map([
  [1, 'LLQ'],
  [2, 'UL'],
  [3, 'NSID'],
  [E_DAU, 'DAU'],
  [E_DHU, 'DHU'],
  [E_N3U, 'N3U'],
  [E_ECS, 'ECS'],
  [E_EXPIRE, 'EXPIRE'],
  [E_COOKIE, 'COOKIE'],
  [E_KEEPALIVE, 'KEEPALIVE'],
  [E_PADDING, 'PADDING'],
  [E_CHAIN, 'CHAIN'],
  [E_KEYTAG, 'KEY-TAG'],
  [16, 'CLIENT-TAG'],
  [18, 'SERVER-TAG'],
]);
const SIGNATURES: Names = new Map([
  [0, 'DELETE'],
  [1, 'RSAMD5'],
  [2, 'DH'],
  [3, 'DS'],
  [5, 'RSASHA1'],
  [6, 'DSA-NSEC3-SHA1'],
  [7, 'RSASHA1-NSEC3-SHA1'],
  [8, 'RSASHA256'],
  [10, 'RSASHA512'],
  [12, 'ECC-GOST'],
  [13, 'ECDSAP256SHA256'],
  [14, 'ECDSAP384SHA384'],
  [15, 'ED25519'],
  [16, 'ED448'],
  [252, 'INDIRECT'],
  [253, 'PRIVATEDNS'],
  [254, 'PRIVATEOID'],
]);
const DIGESTS: Names = new Map([
  [1, 'SHA-1'],
  [2, 'SHA-256'],
  [3, 'GOST_R_34.11-94'],
  [4, 'SHA-384'],
]);
const HASHES: Names = new Map([[1, 'SHA-1']]);

/** Where to go on; undefined when the message cannot be followed any further. */
type Next = number | undefined;

/** Print the message of `length` octets at `at`. */
export function domainPrint(d: Dissection, at: number, length: number, multicast: boolean): void {
  d.protocol = 'domain';
  if (length < HEADER) {
    d.print(`domain [length ${length} < ${HEADER}]`);
    d.printInvalid();
    return;
  }
  if (!d.has(at, HEADER)) {
    d.printTruncated();
    return;
  }
  if (new DomainMessage(d, at, multicast).print()) d.print(` (${length})`);
  else d.printTruncated();
}

class DomainMessage {
  private readonly d: Dissection;
  private readonly start: number;
  private readonly multicast: boolean;

  constructor(d: Dissection, start: number, multicast: boolean) {
    this.d = d;
    this.start = start;
    this.multicast = multicast;
  }

  /** The text without the length at its end; false when it stops before. */
  print(): boolean {
    const { d, start } = this;
    const flags = d.u16(start + 2);
    const [questions, answers, authorities, additional] = [4, 6, 8, 10].map((offset) => d.u16(start + offset)) as [
      number,
      number,
      number,
      number,
    ];
    const detailed = d.options.v > 1;
    const opcode = (flags >> 11) & 15;
    const counted = (count: number, unit: string) => d.print(` [${count}${unit}]`);
    d.print(`${d.u16(start)}${OPCODES[opcode]}`);
    if ((flags & 0x8000) !== 0) {
      const code = this.responseCode(flags & 15, questions, answers + authorities, additional);
      d.print(RESPONSES[code] ?? ` Resp${code & 0xfff}`);
      d.print(
        `${flags & 0x400 ? '*' : ''}${flags & 0x80 ? '' : '-'}${flags & 0x200 ? '|' : ''}${flags & 0x20 ? '$' : ''}`,
      );
      if (questions !== 1) counted(questions, 'q');
      const at = this.answeredQuestions(questions, detailed);
      if (at === undefined) return false;
      d.print(` ${answers}/${authorities}/${additional}`);
      const behind = this.records(at, answers, '');
      if (behind === undefined) return false;
      return !detailed || this.lastSections(behind, authorities, additional);
    }
    d.print(`${flags & 0x100 ? '+' : ''}${flags & 0x10 ? '%' : ''}`);
    if ((flags & 0x6cf) !== 0) d.print(` [b2&3=0x${flags.toString(16)}]`);
    if (opcode === OPCODE_INVERSE) {
      if (questions !== 0) counted(questions, 'q');
      if (answers !== 1) counted(answers, 'a');
    } else {
      if (answers !== 0) counted(answers, 'a');
      if (questions !== 1) counted(questions, 'q');
    }
    if (authorities !== 0) counted(authorities, 'n');
    if (additional !== 0) counted(additional, 'au');
    let at: Next = start + HEADER;
    for (let left = questions; left > 0; left--) {
      if (left !== questions && at >= d.snapEnd) return false;
      at = this.question(at);
      if (at === undefined) return false;
    }
    if (!detailed) return true;
    at = this.records(at, answers, '');
    return at !== undefined && this.lastSections(at, authorities, additional);
  }

  private lastSections(at: number, authorities: number, additional: number): boolean {
    const { snapEnd } = this.d;
    let next: Next = at;
    for (const [count, title] of [
      [authorities, ' ns:'],
      [additional, ' ar:'],
    ] as const) {
      if (count === 0) continue;
      if (next >= snapEnd) return false;
      next = this.records(next, count, title);
      if (next === undefined) return false;
    }
    return true;
  }

  /** The code of the flags with what an OPT record adds to it. */
  private responseCode(code: number, questions: number, records: number, additional: number): number {
    const { d } = this;
    let at: Next = this.start + HEADER;
    for (let index = 0; index < questions; index++) {
      at = this.skipName(at);
      if (at === undefined || at + 4 >= d.snapEnd) return code;
      at += 4;
    }
    for (let index = 0; index < records + additional; index++) {
      at = this.skipName(at);
      if (at === undefined) return code;
      if (index >= records) {
        if (at + 2 > d.snapEnd) return code;
        if (d.u16(at) === T_OPT) return at + 5 > d.snapEnd ? code : code | (d.u8(at + 4) << 4);
      }
      if (at + 10 > d.snapEnd) return code;
      at += 10 + d.u16(at + 8);
      if (at >= d.snapEnd) return code;
    }
    return code;
  }

  private answeredQuestions(count: number, detailed: boolean): Next {
    const { d } = this;
    let at: Next = this.start + HEADER;
    for (let index = 0; index < count; index++) {
      if (index !== 0) d.print(',');
      if (detailed) {
        d.print(' q:');
        at = this.question(at);
      } else {
        at = this.skipName(at);
        if (at !== undefined) at += 4;
      }
      if (at === undefined) return undefined;
    }
    return at;
  }

  private records(at: number, count: number, title: string): Next {
    const { d } = this;
    if (count > 0) d.print(title);
    let next: Next = at;
    for (let left = count; left > 0; left--) {
      if (left !== count) {
        if (next >= d.snapEnd) return undefined;
        d.print(',');
      }
      next = this.record(next);
      if (next === undefined) return undefined;
    }
    return next;
  }

  private question(at: number): Next {
    const { d } = this;
    const behind = this.skipName(at);
    if (behind === undefined || !d.has(behind, 4)) return undefined;
    const type = d.u16(behind);
    d.print(` ${named(TYPES, type, `Type${type}`)}`);
    const given = d.u16(behind + 2);
    this.printClass(this.multicast ? given & ~HIGHEST_BIT : given);
    if (this.multicast) d.print(given & HIGHEST_BIT ? ' (QU)' : ' (QM)');
    d.print('? ');
    const next = this.name(at);
    return next === undefined ? undefined : next + 4;
  }

  private printClass(number: number): void {
    if (number !== C_IN) this.d.print(` ${named(CLASSES, number, `(Class ${number})`)}`);
  }

  private record(start: number): Next {
    const { d } = this;
    let at: Next;
    if (d.options.v > 0) {
      d.print(' ');
      at = this.name(start);
      if (at === undefined) return undefined;
    } else at = this.skipName(start);
    if (at === undefined || !d.has(at, 10)) return d.snapEnd;
    const type = d.u16(at);
    const given = d.u16(at + 2);
    const recordClass = this.multicast ? given & ~HIGHEST_BIT : given;
    if (type !== T_OPT) this.printClass(recordClass);
    if (this.multicast && given & HIGHEST_BIT) d.print(' (Cache flush)');
    if (type !== T_OPT && d.options.v > 2) d.print(` [${relativeTime(d.u32(at + 4))}]`);
    const optionFlags = d.u16(at + 6);
    const length = d.u16(at + 8);
    const data = at + 10;
    const end = data + length;
    d.print(` ${named(TYPES, type, `Type${type}`)}`);
    if (end > d.snapEnd) return undefined;
    const whole =
      type === T_OPT ? this.options(data, end, recordClass, optionFlags) : this.recordData(type, data, length);
    return whole ? end : undefined;
  }

  private recordData(type: number, data: number, length: number): boolean {
    const { d } = this;
    switch (type) {
      case T_A:
        if (!d.has(data, 4)) return false;
        d.print(` ${formatIpv4(ipv4At(d.bytes, data))}`);
        return true;
      case T_AAAA:
        if (!d.has(data, 16)) return false;
        d.print(` ${formatIpv6(d.bytes, data)}`);
        return true;
      case T_NS:
      case T_CNAME:
      case T_PTR:
      case T_DNAME:
        d.print(' ');
        return this.name(data) !== undefined;
      case T_SOA:
        return d.options.v === 0 || this.startOfAuthority(data);
      case T_MX:
        d.print(' ');
        if (!d.has(data, 2) || this.name(data + 2) === undefined) return false;
        d.print(` ${d.u16(data)}`);
        return true;
      case T_TXT:
        return this.texts(data, data + length);
      case T_SRV:
        d.print(' ');
        if (!d.has(data, 6) || this.name(data + 6) === undefined) return false;
        d.print(`:${d.u16(data + 4)} ${d.u16(data)} ${d.u16(data + 2)}`);
        return true;
      case T_A6:
        return this.prefixedAddress(data);
      case T_URI:
        d.print(` ${d.u16(data)} ${d.u16(data + 2)} `);
        // A length below four wraps, and so is longer than any packet.
        return d.printCharacters(data + 4, length < 4 ? 0xffff_ffff : length - 4);
      case T_UNSPECA:
        return d.printCharacters(data, length);
      case T_TSIG:
        return d.options.v === 0 || this.transactionSignature(data);
      default:
        return true;
    }
  }

  private startOfAuthority(data: number): boolean {
    const { d } = this;
    d.print(' ');
    const mailbox = this.name(data);
    if (mailbox === undefined) return false;
    d.print(' ');
    const numbers = this.name(mailbox);
    if (numbers === undefined || !d.has(numbers, 20)) return false;
    for (let index = 0; index < 5; index++) d.print(` ${d.u32(numbers + 4 * index)}`);
    return true;
  }

  private texts(data: number, end: number): boolean {
    const { d } = this;
    for (let at = data; at < end; ) {
      d.print(' "');
      if (!d.has(at, 1)) return false;
      const length = d.u8(at);
      if (!d.printCharacters(at + 1, length)) return false;
      d.print('"');
      at += 1 + length;
    }
    return true;
  }

  private prefixedAddress(data: number): boolean {
    const { d } = this;
    if (!d.has(data, 1)) return false;
    const bits = d.u8(data);
    const octets = bits >> 3;
    if (bits > 128) {
      d.print(` ${bits}(bad plen)`);
      return true;
    }
    if (bits < 128) {
      d.need(data + 1, 16 - octets);
      const address = new Uint8Array(16);
      address.set(d.bytes.subarray(data + 1, data + 17 - octets), octets);
      d.print(` ${bits} ${formatIpv6(address, 0)}`);
    }
    if (bits === 0) return true;
    d.print(' ');
    return this.name(data + 17 - octets) !== undefined;
  }

  private transactionSignature(data: number): boolean {
    const { d } = this;
    d.print(' ');
    const name = this.name(data);
    if (name === undefined) return false;
    let at = name + 6;
    for (const field of ['fudge', 'maclen', 'origid', 'error', 'otherlen']) {
      if (!d.has(at, 2)) return false;
      const value = d.u16(at);
      d.print(` ${field}=${value}`);
      at += 2 + (field === 'maclen' ? value : 0);
    }
    return true;
  }

  private options(data: number, end: number, size: number, flags: number): boolean {
    const { d } = this;
    d.print(` UDPsize=${size}`);
    if (flags & 0x8000) d.print(' DO');
    if (data >= end) return true;
    d.print(' [');
    for (let at = data; at < end; ) {
      if (!d.has(at, 2)) return false;
      const option = d.u16(at);
      d.print(named(OPTIONS, option, `Opt${option}`));
      if (!d.has(at + 2, 2)) return false;
      const length = d.u16(at + 2);
      at += 4;
      if (!d.has(at, length)) return false;
      if (length > 0) {
        d.print(' ');
        this.optionData(option, at, length);
      }
      at += length;
      if (at < end) d.print(',');
    }
    d.print(']');
    return true;
  }

  private optionData(option: number, at: number, length: number): void {
    const { d } = this;
    const octets = Array.from(d.bytes.subarray(at, at + length));
    const algorithms = (names: Names) => d.print(octets.map((one) => named(names, one, `Alg_${one}`)).join(' '));
    switch (option) {
      case E_ECS:
        this.clientSubnet(at, length);
        return;
      case E_COOKIE:
        if (length < 8 || (length > 8 && length < 16) || length > 40) d.printInvalid();
        else d.print(octets.map((one, index) => (index === 8 ? ' ' : '') + hex2(one)).join(''));
        return;
      case E_KEEPALIVE:
        if (length !== 2) d.printInvalid();
        else d.print(`${(d.u16(at) / 10).toFixed(1)} sec`);
        return;
      case E_EXPIRE:
        if (length !== 4) d.printInvalid();
        else d.print(`${d.u32(at)} sec`);
        return;
      case E_PADDING:
        d.print(`(${length})`);
        return;
      case E_KEYTAG:
        if (length % 2 !== 0) d.printInvalid();
        else for (let index = 0; index < length; index += 2) d.print(`${index > 0 ? ' ' : ''}${d.u16(at + index)}`);
        return;
      case E_DAU:
        algorithms(SIGNATURES);
        return;
      case E_DHU:
        algorithms(DIGESTS);
        return;
      case E_N3U:
        algorithms(HASHES);
        return;
      case E_CHAIN:
        this.name(at, at + length);
        return;
      default:
        d.print(octets.map(hex2).join(''));
    }
  }

  private clientSubnet(at: number, length: number): void {
    const { d } = this;
    const family = length < 4 ? 0 : d.u16(at);
    const bits = family === 1 ? 32 : family === 2 ? 128 : -1;
    const source = length < 4 ? 0 : d.u8(at + 2);
    const scope = length < 4 ? 0 : d.u8(at + 3);
    const octets = length - 4;
    if (octets > bits / 8 || source > bits || scope > bits || (source + 7) >> 3 !== octets) {
      d.printInvalid();
      return;
    }
    const address = new Uint8Array(16);
    address.set(d.bytes.subarray(at + 4, at + length));
    const text = family === 1 ? formatIpv4(ipv4At(address, 0)) : formatIpv6(address, 0);
    d.print(`${text}/${source}/${scope}`);
  }

  /** Behind the name at `at`, without printing it. */
  private skipName(start: number): Next {
    const { d } = this;
    let at = start;
    for (;;) {
      if (!d.has(at, 1)) return undefined;
      const octet = d.u8(at++);
      if (octet === 0) return at;
      switch (octet & 0xc0) {
        case 0xc0:
          return at + 1;
        case 0x40:
          if (octet !== 0x41 || !d.has(at, 1)) return undefined;
          at += 1 + (((d.u8(at) || 256) + 7) >> 3);
          break;
        case 0x80:
          return undefined;
        default:
          at += octet;
      }
    }
  }

  /** How long a label is behind its first octet; undefined when that cannot be. */
  private labelLength(at: number): Next {
    const { d } = this;
    if (!d.has(at, 1)) return undefined;
    const octet = d.u8(at);
    if ((octet & 0xc0) === 0x80) {
      d.print('<BAD LABEL TYPE>');
      return undefined;
    }
    if ((octet & 0xc0) !== 0x40) return octet;
    if (octet !== 0x41) {
      d.print(`<ELT ${octet & 0x3f}>`);
      return undefined;
    }
    if (!d.has(at + 1, 1)) return undefined;
    return (((d.u8(at + 1) || 256) + 7) >> 3) + 1;
  }

  /** Print the name at `at`; pointers count from `base`. Returns where the name ends. */
  private name(start: number, base = this.start): Next {
    const { d } = this;
    let at = start;
    let behind: number | undefined;
    // As an unsigned number: before the base everything is allowed.
    let furthest = (start - base) >>> 0;
    let characters = 0;
    let first = true;
    for (;;) {
      const length = this.labelLength(at);
      if (length === undefined) return undefined;
      const octet = d.u8(at++);
      if (octet === 0 || at >= d.snapEnd) {
        if (first && octet >= 0xc0) return undefined;
        if (first && octet === 0) d.print('.');
        if (characters > MAXIMUM_NAME) d.print('<DOMAIN NAME TOO LONG>');
        return behind ?? (octet === 0 ? at : at + length);
      }
      first = false;
      switch (octet & 0xc0) {
        case 0xc0: {
          behind ??= at + 1;
          const offset = ((octet << 8) | d.u8(at)) & 0x3fff;
          if (offset >= furthest) {
            d.print('<BAD PTR>');
            return undefined;
          }
          furthest = offset;
          at = base + offset;
          continue;
        }
        case 0x40:
          this.bitLabel(at);
          break;
        default: {
          const room = characters + length <= MAXIMUM_NAME ? length : Math.max(0, MAXIMUM_NAME - characters);
          if (room > 0 && !d.printCharacters(at, room)) return undefined;
          characters += length;
        }
      }
      at += length;
      if (characters <= MAXIMUM_NAME) d.print('.');
      characters++;
      if (!d.has(at, 1)) return undefined;
    }
  }

  private bitLabel(at: number): void {
    const { d } = this;
    const bits = d.u8(at) || 256;
    d.print('\\[x');
    let octet = at + 1;
    let left = bits;
    for (const limit = at + 1 + ((bits + 3) >> 2); octet < limit && left > 7; left -= 8) d.print(hex2(d.u8(octet++)));
    if (left > 4) d.print(hex2(d.u8(octet) & (0xff << (8 - left)) & 0xff));
    else if (left > 0) d.print(((d.u8(octet) >> 4) & 15 & (15 << (4 - left))).toString(16));
    d.print(`/${bits}]`);
  }
}
