/** TCP: flags, sequence numbers relative to the conversation's first, options. */
import { checksumShouldBe, type Dissection, hex2, hex4, type IpHeader, unsigned } from './dissection.ts';
import { transportChecksum4 } from './print-ip.ts';
import { transportChecksum6 } from './print-ip6.ts';
import { bitNames, type Names, named } from './tokens.ts';

const TH_FIN = 0x01;
const TH_SYN = 0x02;
const TH_RST = 0x04;
const TH_ACK = 0x10;
const TH_URG = 0x20;
/** Octets of a reset's data that are shown. */
const MAX_RST_DATA = 30;

const FLAGS: Names = new Map([
  [TH_FIN, 'F'],
  [TH_SYN, 'S'],
  [TH_RST, 'R'],
  [0x08, 'P'],
  [TH_ACK, '.'],
  [TH_URG, 'U'],
  [0x40, 'E'],
  [0x80, 'W'],
]);

const OPTIONS: Names = new Map([
  [0, 'eol'],
  [1, 'nop'],
  [2, 'mss'],
  [3, 'wscale'],
  [4, 'sackOK'],
  [5, 'sack'],
  [6, 'echo'],
  [7, 'echoreply'],
  [8, 'TS'],
  [11, 'cc'],
  [12, 'ccnew'],
  [13, ''],
  [19, 'md5'],
  [20, 'scps'],
  [28, 'uto'],
  [29, 'tcp-ao'],
  [30, 'mptcp'],
  [34, 'tfo'],
  [254, 'exp'],
]);

/** First sequence numbers of the two directions, and which direction this segment goes. */
interface Bases {
  seq: number;
  ack: number;
  reverse: boolean;
}

export function tcpPrint(d: Dissection, at: number, length: number, ip: IpHeader): void {
  d.protocol = 'tcp';
  const { header } = ip;
  const source = () => (ip.version === 6 ? d.ip6(header + 8) : d.ip(header + 12));
  const destination = () => (ip.version === 6 ? d.ip6(header + 24) : d.ip(header + 16));
  if (!d.has(at + 2, 2)) {
    d.print(`${source()} > ${destination()}:`);
    d.printTruncated();
    return;
  }
  const sourcePort = d.u16(at);
  const destinationPort = d.u16(at + 2);
  const [from, to] = [d.tcpPort(sourcePort), d.tcpPort(destinationPort)];
  if (d.u8(header + (ip.version === 6 ? 6 : 9)) === 6) d.print(`${source()}.${from} > ${destination()}.${to}: `);
  else d.print(`${from} > ${to}: `);
  if (!d.has(at, 20)) {
    d.printTruncated();
    return;
  }
  const headerLength = (d.u8(at + 12) >>> 4) * 4;
  if (headerLength < 20) {
    d.print(` tcp ${unsigned(length - headerLength)} [bad hdr length ${headerLength} - too short, < 20]`);
    return;
  }
  if (d.options.q > 0) {
    d.print(`tcp ${unsigned(length - headerLength)}`);
    if (headerLength > length) d.print(` [bad hdr length ${headerLength} - too long, > ${length}]`);
    return;
  }
  const flags = d.u8(at + 13);
  d.print(`Flags [${bitNames(FLAGS, flags, 'none', '')}]`);
  let seq = d.u32(at + 4);
  let ack = d.u32(at + 8);
  let bases: Bases = { seq: 0, ack: 0, reverse: false };
  if (d.options.S === 0 && (flags & TH_ACK) !== 0) {
    const relative = relativeNumbers(d, ip, sourcePort, destinationPort, seq, ack, (flags & TH_SYN) !== 0);
    ({ seq, ack, bases } = relative);
  }
  if (headerLength > length) {
    d.print(` [bad hdr length ${headerLength} - too long, > ${length}]`);
    return;
  }
  checksumPrint(d, at, length, ip);
  const dataLength = length - headerLength;
  if (d.options.v > 1 || dataLength > 0 || (flags & (TH_SYN | TH_FIN | TH_RST)) !== 0) {
    d.print(`, seq ${seq}`);
    if (dataLength > 0) d.print(`:${unsigned(seq + dataLength)}`);
  }
  if ((flags & TH_ACK) !== 0) d.print(`, ack ${ack}`);
  d.print(`, win ${d.u16(at + 14)}`);
  if ((flags & TH_URG) !== 0) d.print(`, urg ${d.u16(at + 18)}`);
  if (headerLength > 20 && !optionsPrint(d, at, headerLength - 20, bases, at + length)) return;
  d.print(`, length ${dataLength}`);
  if (dataLength === 0) return;
  if (!d.has(at, headerLength)) {
    d.print(` [remaining caplen(${d.available(at)}) < header length(${headerLength})]`);
    d.truncate();
  }
  const data = at + headerLength;
  if ((flags & TH_RST) !== 0 && d.options.v > 0) resetDataPrint(d, data, dataLength);
}

/** Numbers relative to the first ones of the conversation, which a SYN or the first segment seen sets. */
function relativeNumbers(
  d: Dissection,
  ip: IpHeader,
  sourcePort: number,
  destinationPort: number,
  seq: number,
  ack: number,
  syn: boolean,
): { seq: number; ack: number; bases: Bases } {
  const size = ip.version === 6 ? 16 : 4;
  const sourceAt = ip.header + (ip.version === 6 ? 8 : 12);
  const source = Array.from(d.bytes.subarray(sourceAt, sourceAt + size), hex2).join('');
  const destination = Array.from(d.bytes.subarray(sourceAt + size, sourceAt + 2 * size), hex2).join('');
  const reverse = sourcePort > destinationPort || (sourcePort === destinationPort && source > destination);
  const key = reverse
    ? `${destination} ${source} ${destinationPort} ${sourcePort}`
    : `${source} ${destination} ${sourcePort} ${destinationPort}`;
  const { conversations } = d.context;
  const known = conversations.get(key);
  if (known === undefined || syn) {
    const first = reverse ? { ack: seq, seq: unsigned(ack - 1) } : { seq, ack: unsigned(ack - 1) };
    conversations.set(key, first);
    return { seq, ack, bases: { ...first, reverse } };
  }
  const [own, other] = reverse ? [known.ack, known.seq] : [known.seq, known.ack];
  return { seq: unsigned(seq - own), ack: unsigned(ack - other), bases: { ...known, reverse } };
}

function checksumPrint(d: Dissection, at: number, length: number, ip: IpHeader): void {
  if (d.options.v === 0 || d.options.K > 0 || ip.fragmented || !d.has(at, length)) return;
  const sum = (ip.version === 4 ? transportChecksum4 : transportChecksum6)(d, ip.header, at, length, 6);
  const field = d.u16(at + 16);
  d.print(`, cksum 0x${hex4(field)}`);
  d.print(sum !== 0 ? ` (incorrect -> 0x${hex4(checksumShouldBe(field, sum))})` : ' (correct)');
}

/** Why the list of options ends early: it contradicts itself, or was not captured. */
type OptionEnd = 'bad' | 'truncated' | undefined;

/** False when the segment's text ends with the options. */
function optionsPrint(d: Dissection, tcp: number, length: number, bases: Bases, dataEnd: number): boolean {
  let at = tcp + 20;
  let left = length;
  let separator = '';
  d.print(', options [');
  while (left > 0) {
    d.print(separator);
    const kind = d.u8(at);
    at++;
    let optionLength = 1;
    if (kind > 1) {
      optionLength = d.u8(at);
      at++;
      if (optionLength < 2 || optionLength > left) return optionEnd(d, 'bad', separator);
      left--;
    }
    left--;
    d.print(named(OPTIONS, kind, `unknown-${kind}`));
    const result = optionPrint(d, kind, at, optionLength, left, bases, dataEnd);
    if (typeof result !== 'number') return optionEnd(d, result, separator);
    at += result;
    left -= result;
    if (result + (kind > 1 ? 2 : 1) !== optionLength) d.print(`[len ${optionLength}]`);
    separator = ',';
    if (kind === 0) break;
  }
  d.print(']');
  return true;
}

function optionEnd(d: Dissection, end: OptionEnd, separator: string): false {
  if (end === 'bad') {
    d.print('[bad opt]');
    if (separator !== '') d.print(']');
  } else {
    d.printTruncated();
    if (separator !== '') d.print('>');
  }
  return false;
}

/** Print an option's value; returns how many octets it took. */
function optionPrint(
  d: Dissection,
  kind: number,
  at: number,
  optionLength: number,
  left: number,
  bases: Bases,
  dataEnd: number,
): number | 'bad' | 'truncated' {
  const size = optionLength - 2;
  const lacks = (octets: number): 'bad' | 'truncated' | undefined => {
    if (octets > left) return 'bad';
    return d.has(at, octets) ? undefined : 'truncated';
  };
  const fixed = (octets: number, text: () => string): number | 'bad' | 'truncated' => {
    const end = lacks(octets);
    if (end !== undefined) return end;
    d.print(text());
    return octets;
  };
  switch (kind) {
    case 0:
    case 1:
    case 4:
      return 0;
    case 2:
      return fixed(2, () => ` ${d.u16(at)}`);
    case 3:
      return fixed(1, () => ` ${d.u8(at)}`);
    case 5:
      return sackPrint(d, at, size, lacks, bases);
    case 6:
    case 7:
    case 11:
    case 12:
    case 13:
      return fixed(4, () => ` ${d.u32(at)}`);
    case 8:
      return fixed(8, () => ` val ${d.u32(at)} ecr ${d.u32(at + 4)}`);
    case 19:
      return fixed(16, () => {
        const why = dataEnd > d.snapEnd ? 'snaplen too short' : 'shared secret not supplied with -M';
        return ` ${why}, can't check - ${octetsText(d, at, 16)}`;
      });
    case 20:
      return fixed(2, () => ` cap ${hex2(d.u8(at))} id ${d.u8(at + 1)}`);
    case 28:
      return fixed(2, () => {
        const value = d.u16(at);
        return ` 0x${value.toString(16)} ${(value & 1) !== 0 ? (value >>> 1) * 60 : value >>> 1}`;
      });
    case 29:
      return authenticationPrint(d, at, size, lacks);
    case 34: {
      const end = lacks(size);
      if (end !== undefined) return end;
      d.print(' ');
      fastOpenPrint(d, at, size);
      return size;
    }
    case 254:
      return experimentPrint(d, at, size, lacks);
    default:
      if (size > 0) d.print(' 0x');
      for (let index = 0; index < size; index++) {
        const end = lacks(index + 1);
        if (end !== undefined) return end;
        d.print(hex2(d.u8(at + index)));
      }
      return size;
  }
}

type Lacks = (octets: number) => 'bad' | 'truncated' | undefined;

function octetsText(d: Dissection, at: number, length: number): string {
  d.need(at, length);
  return Array.from(d.bytes.subarray(at, at + length), hex2).join('');
}

function sackPrint(d: Dissection, at: number, size: number, lacks: Lacks, bases: Bases): number | 'bad' | 'truncated' {
  if (size % 8 !== 0) {
    d.print(' invalid sack');
    return size;
  }
  d.print(` ${size / 8} `);
  const base = bases.reverse ? bases.seq : bases.ack;
  for (let index = 0; index < size; index += 8) {
    const end = lacks(index + 4) ?? lacks(index + 8);
    if (end !== undefined) return end;
    d.print(`{${unsigned(d.u32(at + index) - base)}:${unsigned(d.u32(at + index + 4) - base)}}`);
  }
  return size;
}

function authenticationPrint(d: Dissection, at: number, size: number, lacks: Lacks): number | 'bad' | 'truncated' {
  if (size < 2) {
    d.printInvalid();
    return size;
  }
  const first = lacks(1);
  if (first !== undefined) return first;
  d.print(` keyid ${d.u8(at)}`);
  const second = lacks(2);
  if (second !== undefined) return second;
  d.print(` rnextkeyid ${d.u8(at + 1)}`);
  if (size > 2) d.print(' mac 0x');
  for (let index = 2; index < size; index++) {
    const end = lacks(index + 1);
    if (end !== undefined) return end;
    d.print(hex2(d.u8(at + index)));
  }
  return size;
}

/** RFC 6994: an option shared by experiments. */
function experimentPrint(d: Dissection, at: number, size: number, lacks: Lacks): number | 'bad' | 'truncated' {
  const end = lacks(size);
  if (end !== undefined) return end;
  if (size < 2) return 'bad';
  const magic = d.u16(at);
  d.print('-');
  if (magic === 0xf989) {
    d.print('tfo');
    fastOpenPrint(d, at + 2, size - 2);
  } else {
    d.print(hex4(magic));
  }
  return size;
}

function fastOpenPrint(d: Dissection, at: number, size: number): void {
  if (size === 0) d.print(' cookiereq');
  else if (size % 2 !== 0 || size < 4 || size > 16) d.printInvalid();
  else d.print(` cookie ${octetsText(d, at, size)}`);
}

function resetDataPrint(d: Dissection, at: number, length: number): void {
  d.print(d.has(at, length) ? ' [RST' : ' [!RST');
  if (length > MAX_RST_DATA) d.print('+');
  d.print(' ');
  const end = Math.min(at + Math.min(length, MAX_RST_DATA), d.snapEnd);
  for (let index = at; index < end; index++) d.printCharacter(d.u8(index));
  d.print(']');
}
