/** ICMP: messages, the packets inside errors, and multi-part extensions (RFC 4884). */
import { checksumShouldBe, type Dissection } from './dissection.ts';
import { type Names, named } from './tokens.ts';

const ECHOREPLY = 0;
const UNREACH = 3;
const SOURCEQUENCH = 4;
const REDIRECT = 5;
const ECHO = 8;
const ROUTERADVERT = 9;
const TIMXCEED = 11;
const PARAMPROB = 12;
const TSTAMP = 13;
const TSTAMPREPLY = 14;
const MASKREPLY = 18;

const TYPES: Names = new Map([
  [SOURCEQUENCH, 'source quench'],
  [10, 'router solicitation'],
  [15, 'information request'],
  [16, 'information reply'],
  [17, 'address mask request'],
]);

/** Octets of an ICMP message before its extensions. */
const EXTENSIONS_AT = 136;

/** Types that carry the packet they are about. */
function isError(type: number): boolean {
  return type === UNREACH || type === SOURCEQUENCH || type === REDIRECT || type === TIMXCEED || type === PARAMPROB;
}

export function icmpPrint(d: Dissection, at: number, length: number, fragmented: boolean): void {
  d.protocol = 'icmp';
  const type = d.u8(at);
  const code = d.u8(at + 1);
  const text = messageText(d, at, type, code);
  if (text === undefined) {
    d.printTruncated();
    return;
  }
  const { v } = d.options;
  d.print(`ICMP ${text}, length ${length}`);
  if (v > 0 && !fragmented && d.has(at, length)) {
    const sum = d.checksum(at, length);
    if (sum !== 0) {
      const field = d.u16(at + 2);
      d.print(` (wrong icmp cksum ${field.toString(16)} (->${checksumShouldBe(field, sum).toString(16)})!)`);
    }
  }
  if (v > 0 && isError(type)) {
    d.print('\n\t');
    const inner = at + 8;
    const innerLength = d.u16(inner + 2);
    d.within(inner, innerLength, () => d.inner.ip(d, inner, innerLength));
  }
  d.protocol = 'icmp';
  if (v > 0 && length > EXTENSIONS_AT && (type === UNREACH || type === TIMXCEED || type === PARAMPROB)) {
    extensionsPrint(d, at, length);
  }
}

/** The text between `ICMP` and the length; undefined when too little was captured. */
function messageText(d: Dissection, at: number, type: number, code: number): string | undefined {
  switch (type) {
    case ECHO:
    case ECHOREPLY:
      return `echo ${type === ECHO ? 'request' : 'reply'}, id ${d.u16(at + 4)}, seq ${d.u16(at + 6)}`;
    case UNREACH:
      return unreachableText(d, at, code);
    case REDIRECT:
      return redirectText(d, at, code);
    case ROUTERADVERT:
      return advertisementText(d, at);
    case TIMXCEED:
      if (!d.has(at + 24, 4)) return undefined;
      if (code === 0) return 'time exceeded in-transit';
      return code === 1 ? 'ip reassembly time exceeded' : `time exceeded-#${code}`;
    case PARAMPROB:
      return code !== 0 ? `parameter problem - code ${code}` : `parameter problem - octet ${d.u8(at + 4)}`;
    case MASKREPLY:
      return `address mask is 0x${d
        .u32(at + 8)
        .toString(16)
        .padStart(8, '0')}`;
    case TSTAMP:
      return `time stamp query id ${d.u16(at + 4)} seq ${d.u16(at + 6)}`;
    case TSTAMPREPLY: {
      if (!d.has(at + 16, 4)) return undefined;
      const times = [8, 12, 16].map((offset) => timeOfDay(d.u32(at + offset)));
      return `time stamp reply id ${d.u16(at + 4)} seq ${d.u16(at + 6)}: org ${times[0]}, recv ${times[1]}, xmit ${times[2]}`;
    }
    default:
      return named(TYPES, type, `type-#${type}`);
  }
}

/** Codes whose text is only about the host or net that cannot be reached. */
const UNREACHABLE: ReadonlyMap<number, (address: string) => string> = new Map([
  [0, (address: string) => `net ${address} unreachable`],
  [1, (address: string) => `host ${address} unreachable`],
  [5, (address: string) => `${address} unreachable - source route failed`],
  [6, (address: string) => `net ${address} unreachable - unknown`],
  [7, (address: string) => `host ${address} unreachable - unknown`],
  [8, (address: string) => `${address} unreachable - source host isolated`],
  [9, (address: string) => `net ${address} unreachable - admin prohibited`],
  [10, (address: string) => `host ${address} unreachable - admin prohibited`],
  [11, (address: string) => `net ${address} unreachable - tos prohibited`],
  [12, (address: string) => `host ${address} unreachable - tos prohibited`],
  [13, (address: string) => `host ${address} unreachable - admin prohibited filter`],
  [14, (address: string) => `host ${address} unreachable - host precedence violation`],
  [15, (address: string) => `host ${address} unreachable - precedence cutoff`],
]);

function unreachableText(d: Dissection, at: number, code: number): string | undefined {
  const inner = at + 8;
  const destination = inner + 16;
  const simple = UNREACHABLE.get(code);
  if (simple !== undefined) return simple(d.ip(destination));
  switch (code) {
    case 2:
      return `${d.ip(destination)} protocol ${d.u8(inner + 9)} unreachable`;
    case 3: {
      if (!d.has(inner + 9, 1)) return undefined;
      const port = d.u16(inner + (d.u8(inner) & 15) * 4 + 2);
      const protocol = d.u8(inner + 9);
      const address = d.ip(destination);
      if (protocol === 6) return `${address} tcp port ${d.tcpPort(port)} unreachable`;
      if (protocol === 17) return `${address} udp port ${d.udpPort(port)} unreachable`;
      return `${address} protocol ${protocol} port ${port} unreachable`;
    }
    case 4: {
      const mtu = d.u16(at + 6);
      return `${d.ip(destination)} unreachable - need to frag${mtu !== 0 ? ` (mtu ${mtu})` : ''}`;
    }
    default:
      return `${d.ip(destination)} unreachable - #${code}`;
  }
}

function redirectText(d: Dissection, at: number, code: number): string {
  const destination = d.ip(at + 24);
  const gateway = d.ip(at + 4);
  switch (code) {
    case 0:
      return `redirect ${destination} to net ${gateway}`;
    case 1:
      return `redirect ${destination} to host ${gateway}`;
    case 2:
      return `redirect-tos ${destination} to net ${gateway}`;
    case 3:
      return `redirect-tos ${destination} to host ${gateway}`;
    default:
      return `redirect-#${code} ${destination} to ${gateway}`;
  }
}

function advertisementText(d: Dissection, at: number): string | undefined {
  if (!d.has(at + 4, 4)) return undefined;
  const lifetime = d.u16(at + 6);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes, seconds] = [Math.floor(lifetime / 3600), Math.floor(lifetime / 60) % 60, lifetime % 60];
  let text = 'router advertisement lifetime ';
  if (lifetime < 60) text += String(lifetime);
  else if (lifetime < 3600) text += `${minutes}:${two(seconds)}`;
  else text += `${hours}:${two(minutes)}:${two(seconds)}`;
  const count = d.u8(at + 4);
  text += ` ${count}:`;
  const size = d.u8(at + 5);
  if (size !== 2) return `${text} [size ${size}]`;
  for (let index = 0; index < count; index++) {
    const entry = at + 8 + 8 * index;
    if (!d.has(entry, 8)) return undefined;
    text += ` {${d.ip(entry)} ${d.u32(entry + 4)}}`;
  }
  return text;
}

/** Milliseconds since midnight. */
function timeOfDay(stamp: number): string {
  const seconds = Math.floor(stamp / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${parts.map((part) => String(part).padStart(2, '0')).join(':')}.${String(stamp % 1000).padStart(3, '0')}`;
}

const OBJECTS: Names = new Map([
  [1, 'MPLS Stack Entry'],
  [2, 'Interface Identification'],
]);

function extensionsPrint(d: Dissection, at: number, length: number): void {
  const extensions = at + EXTENSIONS_AT;
  if (!d.has(at, EXTENSIONS_AT + 5)) {
    d.printTruncated();
    return;
  }
  let left = length - EXTENSIONS_AT;
  const covered = d.has(extensions, left);
  // Without a length field only a right checksum tells that there are extensions.
  if (d.u8(at + 5) === 0 && covered && d.checksum(extensions, left) !== 0) return;
  const version = d.u8(extensions) >>> 4;
  d.print(`\n\tICMP Multi-Part extension v${version}`);
  if (version !== 2) {
    d.print(' packet not supported');
    return;
  }
  if (covered) {
    const wrong = d.checksum(extensions, left) !== 0 ? 'in' : '';
    const field = d
      .u16(extensions + 2)
      .toString(16)
      .padStart(4, '0');
    d.print(`, checksum 0x${field} (${wrong}correct), length ${left}`);
  }
  left = (left - 4) >>> 0;
  let object = extensions + 4;
  while (left > 4) {
    if (!d.has(object, 4)) {
      d.printTruncated();
      return;
    }
    const objectLength = d.u16(object);
    const type = d.u8(object + 2);
    const subtype = d.u8(object + 3);
    object += 4;
    d.print(
      `\n\t  ${named(OBJECTS, type, 'unknown')} Object (${type}), Class-Type: ${subtype}, length ${objectLength}`,
    );
    left -= 4;
    if (type === 0 || objectLength < 4) return;
    const size = objectLength - 4;
    if (type === 1 && subtype === 1) {
      const label = d.u32(object);
      d.print(`\n\t    label ${label >>> 12}, tc ${(label >>> 9) & 7}`);
      if ((label & 0x100) !== 0) d.print(', [S]');
      d.print(`, ttl ${label & 255}`);
    } else {
      d.printUnknown(object, '\n\t    ', size);
    }
    if (left < size) break;
    left -= size;
    object += size;
  }
}
