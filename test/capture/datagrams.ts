/** Data for UDP ports with protocols of their own: DNS, DHCP, TFTP, NTP, syslog, from a seed. */
import { putU16, putU32 } from '../../src/wire/addr.ts';
import { putUdpHeader, UDP_HEADER_LENGTH } from '../../src/wire/udp.ts';
import type { FrameMaker } from './frames.ts';

const SOURCE = 0x0a000001;
const DESTINATION = 0x0a000002;
/** Ports with printers. */
const DATAGRAM_PORTS: readonly number[] = [53, 5353, 67, 68, 69, 123, 514];

/** A frame with such data, in IPv4. */
export function datagramFrame(maker: FrameMaker): Uint8Array {
  const port = maker.pick(DATAGRAM_PORTS);
  const data = datagram(maker, port);
  const bytes = new Uint8Array(UDP_HEADER_LENGTH + data.length);
  bytes.set(data, UDP_HEADER_LENGTH);
  const [from, to] = maker.chance(2) ? [port, 40000] : [40000, port];
  putUdpHeader(bytes, 0, bytes.length, from, to, SOURCE, DESTINATION);
  return maker.ethernet(0x0800, maker.ipv4(17, bytes, SOURCE, DESTINATION));
}

/** What a datagram to `port` may carry. */
function datagram(maker: FrameMaker, port: number): Uint8Array {
  if (maker.chance(10)) return maker.bytes(maker.random(60));
  const data = typical(maker, port);
  if (maker.chance(6)) data[maker.random(data.length)] = maker.random(256);
  return maker.chance(8) ? data.subarray(0, maker.random(data.length)) : data;
}

function typical(maker: FrameMaker, port: number): Uint8Array {
  switch (port) {
    case 53:
    case 5353:
      return dns(maker);
    case 67:
    case 68:
      return dhcp(maker);
    case 69:
      return tftp(maker);
    case 123:
      return ntp(maker);
    default:
      return text(`<${maker.pick([0, 13, 38, 191, 200, 1000])}>Oct 11 22:14:15 host su: failed ${maker.random(99)}\n`);
  }
}

const text = (string: string) => new TextEncoder().encode(string);
const u16 = (value: number) => [(value >> 8) & 255, value & 255];

const LABELS = [
  ['www', 'example', 'com'],
  ['a'],
  [],
  ['x'.repeat(63), 'y'.repeat(63), 'z'.repeat(63), 'w'.repeat(63), 'v'.repeat(20)],
  ['_dns', '\u0007b'],
];
const NAME_ENDS = [
  [0],
  [0],
  [0],
  [0xc0, 12],
  [0xc0, 20],
  [0xff, 0xff],
  [0x41, 11, 0xab, 0xcd, 0],
  [0x41, 0, 0],
  [0x42],
  [0x80],
];

function name(maker: FrameMaker): number[] {
  const octets = maker.pick(LABELS).flatMap((label) => [label.length, ...text(label)]);
  return [...octets, ...maker.pick(NAME_ENDS)];
}

function record(maker: FrameMaker): number[] {
  const type = maker.pick([1, 2, 5, 6, 12, 15, 16, 28, 33, 38, 39, 41, 99, 104, 250, 256, 1000]);
  const data = recordData(maker, type);
  const recordClass = maker.pick([1, 1, 1, 0x8001, 3, 255, 4096]);
  const length = maker.chance(10) ? maker.random(40) : data.length;
  return [...name(maker), ...u16(type), ...u16(recordClass), ...maker.bytes(4), ...u16(length), ...data];
}

function recordData(maker: FrameMaker, type: number): number[] {
  const some = (length: number) => [...maker.bytes(length)];
  switch (type) {
    case 1:
      return some(4);
    case 2:
    case 5:
    case 12:
    case 39:
      return name(maker);
    case 6:
      return [...name(maker), ...name(maker), ...some(20)];
    case 15:
      return [...some(2), ...name(maker)];
    case 16:
      return [5, ...text('hello'), 3, ...some(3)];
    case 28:
      return some(16);
    case 33:
      return [...some(6), ...name(maker)];
    case 38:
      return [maker.pick([0, 64, 128, 129]), ...some(16), ...name(maker)];
    case 41:
      return Array.from({ length: maker.random(3) }, () => option(maker)).flat();
    case 250:
      return [...name(maker), ...some(6), ...u16(300), ...u16(4), ...some(10)];
    default:
      return some(maker.random(12));
  }
}

function option(maker: FrameMaker): number[] {
  const code = maker.pick([1, 3, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13, 14, 99]);
  const length = maker.pick([0, 2, 4, 7, 8, 16, 20]);
  const data = code === 8 && maker.chance(2) ? [0, 1, 24, maker.pick([0, 40]), 10, 1, 2] : [...maker.bytes(length)];
  return [...u16(code), ...u16(data.length), ...data];
}

function dns(maker: FrameMaker): Uint8Array {
  const count = () => maker.pick([0, 0, 0, 1, 1, 2]);
  const counts = [maker.pick([1, 1, 1, 0, 2]), count(), count(), count()];
  const flags = maker.chance(3) ? maker.random(65536) : maker.pick([0x0100, 0x8180, 0x8583, 0x0120, 0x8400, 0]);
  const octets = [...maker.bytes(2), ...u16(flags), ...counts.flatMap(u16)];
  for (let left = counts[0]!; left > 0; left--)
    octets.push(...name(maker), ...u16(maker.pick([1, 28, 255, 12, 777])), ...u16(maker.pick([1, 1, 0x8001, 3])));
  for (let left = counts[1]! + counts[2]! + counts[3]!; left > 0; left--) octets.push(...record(maker));
  return Uint8Array.from(octets);
}

const COOKIES = [
  [99, 130, 83, 99],
  [99, 130, 83, 99],
  [99, 130, 83, 99],
  [0x43, 0x4d, 0x55, 0],
  [0, 0, 0, 0],
  [1, 2, 3, 4],
];

function dhcp(maker: FrameMaker): Uint8Array {
  const head = new Uint8Array(240);
  head.set([
    maker.pick([1, 2, 3]),
    maker.chance(8) ? 6 : 1,
    maker.chance(8) ? 8 : 6,
    maker.chance(4) ? 1 : 0,
    ...maker.bytes(4),
  ]);
  putU16(head, 8, maker.pick([0, 3]));
  putU16(head, 10, maker.pick([0, 0x8000]));
  for (const at of [12, 16, 20, 24]) if (maker.chance(2)) putU32(head, at, 0x0a000001 + at);
  head.set([2, 0, 0, 0, 0, 1], 28);
  if (maker.chance(3)) head.set(text('server'), 44);
  if (maker.chance(6)) head.fill(0x41, 108, 236);
  head.set(maker.pick(COOKIES), 236);
  const options = Array.from({ length: maker.random(8) }, () => dhcpOption(maker)).flat();
  return Uint8Array.from([...head, ...options, ...(maker.chance(5) ? [] : [255]), ...new Uint8Array(maker.random(20))]);
}

/** Options as tag and data. */
const DHCP_OPTIONS: readonly (readonly [tag: number, data: readonly number[]])[] = [
  [53, [1]],
  [53, [9]],
  [53, [13, 1]],
  [55, [1, 3, 6, 121, 12, 200, 15]],
  [61, [1, 2, 0, 0, 0, 0, 1]],
  [61, [0, ...text('client')]],
  [121, [24, 10, 1, 2, 10, 0, 0, 1, 0, 10, 0, 0, 2]],
  [121, [33, 1, 2, 3, 4]],
  [249, [24, 10, 0, 0, 1]],
  [121, [1]],
  [81, [0x0f, 1, 2, ...text('host')]],
  [81, [0xf0, 0, 0]],
  [81, [1]],
  [82, [1, 2, 65, 66, 2, 1, 67, 9, 2, 1, 2, 7]],
  [82, [1, 9, 65]],
  [77, [3, 65, 66, 67, 1, 68]],
  [77, [0, 1]],
  [77, [9, 1]],
  [77, [1]],
  [46, [1]],
  [46, []],
  [52, [3]],
  [52, [9, 9]],
  [12, [...text('host')]],
  [56, [...text('no\nlease')]],
];

function dhcpOption(maker: FrameMaker): number[] {
  const octets = (tag: number, data: readonly number[] | Uint8Array) => [tag, data.length, ...data];
  switch (maker.random(6)) {
    case 0:
      return octets(maker.pick([1, 2, 3, 6, 33, 51, 54]), maker.bytes(maker.pick([4, 8, 9])));
    case 1:
      return octets(maker.pick([19, 26, 57, 43, 23, 200]), maker.bytes(maker.pick([1, 2, 3, 4])));
    case 2:
      return octets(1 + maker.random(254), maker.bytes(maker.random(10)));
    case 3:
      return new Array<number>(1 + maker.random(3)).fill(0);
    default:
      return octets(...maker.pick(DHCP_OPTIONS));
  }
}

function tftp(maker: FrameMaker): Uint8Array {
  const zero = '\u0000';
  switch (maker.random(6)) {
    case 0: {
      const operation = maker.pick(['\u0001', '\u0002']);
      const options = maker.pick(['', `blksize${zero}1428${zero}`, 'tsize']);
      return text(`${zero}${operation}boot.img${zero}octet${zero}${options}`);
    }
    case 1:
      return Uint8Array.from([0, maker.pick([3, 4]), 0, 7, ...maker.bytes(10)]);
    case 2:
      return text(`${zero}\u0005${zero}${maker.pick(['\u0001', '\u0009'])}not here${maker.pick([zero, ''])}`);
    case 3:
      return text(`${zero}\u0006tsize${zero}12${zero}`);
    case 4:
      return Uint8Array.from([0, maker.random(20)]);
    default:
      return text('hello\n');
  }
}

function ntp(maker: FrameMaker): Uint8Array {
  const data = maker.bytes(maker.pick([48, 48, 48, 52, 68, 72, 60, 12, 40]));
  if (maker.chance(2)) data[0] = maker.pick([0x23, 0x24, 0x1b, 0xe3, 0x16, 0x0e, 0x17]);
  if (maker.chance(2)) data[1] = maker.pick([0, 1, 2, 62, 63]);
  if (data.length > 32 && maker.chance(3)) data.fill(0, 24, 32);
  if (data.length === 12) putU16(data, 10, maker.random(4));
  return data;
}
