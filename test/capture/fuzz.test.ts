/** Garbage from a seed: nothing of what reads foreign bytes or text may throw, hang or read beyond the bytes. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DEFAULT_PRINT_OPTIONS } from '../../src/capture/dissection.ts';
import { compileFilter, matchesPacket } from '../../src/capture/filter/compile.ts';
import { DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW } from '../../src/capture/linktype.ts';
import type { Packet } from '../../src/capture/packet.ts';
import { pcapHeader, pcapRecord } from '../../src/capture/pcap.ts';
import { pcapngInterface, pcapngPacket, pcapngSection } from '../../src/capture/pcapng.ts';
import { PacketPrinter } from '../../src/capture/print.ts';
import { readCapture } from '../../src/capture/reader.ts';
import { TcpConversations } from '../../src/capture/tcp-conversations.ts';
import { validateArp } from '../../src/wire/arp.ts';
import { validateEthernet } from '../../src/wire/ethernet.ts';
import { validateIcmp } from '../../src/wire/icmp.ts';
import { validateIgmp } from '../../src/wire/igmp.ts';
import { validateIpv4 } from '../../src/wire/ipv4.ts';
import { validateIpv6 } from '../../src/wire/ipv6.ts';
import { validateTcp } from '../../src/wire/tcp.ts';
import { validateUdp } from '../../src/wire/udp.ts';
import { validateVlan } from '../../src/wire/vlan.ts';
import { datagramFrame } from './datagrams.ts';
import { FrameMaker, join } from './frames.ts';

const LINK_TYPES = [DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW, 228, 229, 240];
const expressions = readFileSync(new URL('./filters.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter(Boolean);

it('a filter made of pieces of filters compiles or is refused with a text, and ends on any frame', () => {
  const maker = new FrameMaker(51);
  const words = [...new Set(expressions.flatMap((text) => text.split(/\s+/)))];
  const frames = Array.from({ length: 30 }, () => maker.frame());
  let compiled = 0;
  for (let round = 0; round < 6000; round++) {
    const pieces = Array.from({ length: 1 + maker.random(7) }, () => maker.pick(words));
    let text = maker.chance(2)
      ? pieces.join(' ')
      : `${maker.pick(expressions)} ${maker.pick(['and', 'or', ''])} ${pieces[0]}`;
    if (maker.chance(4)) {
      const at = maker.random(text.length + 1);
      text = text.slice(0, at) + String.fromCharCode(maker.random(300)) + text.slice(at + maker.random(3));
    }
    const target = {
      dlt: maker.chance(2) ? DLT_EN10MB : maker.pick(LINK_TYPES),
      snaplen: 262144,
      live: maker.chance(2),
    };
    const result = compileFilter(text, target, maker.chance(2));
    if ('error' in result) {
      expect(result.error).not.toBe('');
      continue;
    }
    compiled++;
    for (const frame of frames) matchesPacket(result.program, frame, frame.length);
  }
  expect(compiled).toBeGreaterThan(100);
});

it('deep nesting and long filters end with a program or a text', () => {
  const target = { dlt: DLT_EN10MB, snaplen: 262144, live: false };
  for (const text of [
    `${'('.repeat(20000)}icmp${')'.repeat(20000)}`,
    `${'not '.repeat(20000)}icmp`,
    `len = ${'('.repeat(20000)}1${')'.repeat(20000)}`,
    `len = ${'-'.repeat(20000)}1`,
    Array.from({ length: 3000 }, (_, index) => `port ${index}`).join(' or '),
    Array.from({ length: 200 }, () => 'vlan').join(' and '),
    '0'.repeat(100000),
  ]) {
    const result = compileFilter(text, target);
    expect('error' in result ? typeof result.error : 'program').toMatch(/string|program/);
  }
});

it('a damaged capture file gives packets and perhaps a text', () => {
  const maker = new FrameMaker(52);
  const files = [
    join(pcapHeader(1, 262144), ...Array.from({ length: 4 }, () => record(maker))),
    join(
      pcapngSection('x'),
      pcapngInterface(1, 262144, 'a0'),
      pcapngInterface(1, 262144),
      ...Array.from({ length: 4 }, () => {
        const frame = maker.frame();
        return pcapngPacket(maker.random(2), BigInt(maker.random(1e9)), frame.length, frame, 'in');
      }),
    ),
  ];
  let whole = 0;
  for (let round = 0; round < 6000; round++) {
    const bytes = maker.pick(files).slice(0, maker.chance(3) ? maker.random(300) : undefined);
    for (let change = maker.random(4); change > 0; change--) {
      if (bytes.length > 0) bytes[maker.random(Math.min(bytes.length, maker.pick([24, 80, 1000])))] = maker.random(256);
    }
    const read = readCapture(bytes, maker.pick(['micro', 'nano']));
    if ('packets' in read && read.error === undefined) whole++;
    if ('packets' in read) for (const { data } of read.packets) expect(data.length).toBeLessThanOrEqual(bytes.length);
  }
  expect(whole).toBeGreaterThan(500);
});

function record(maker: FrameMaker): Uint8Array {
  const frame = maker.frame();
  return pcapRecord(maker.random(2 ** 31), maker.random(1_000_000), frame.length, frame);
}

it('every packet prints as text, with every link type', () => {
  const maker = new FrameMaker(53);
  const printers = LINK_TYPES.flatMap((dlt) =>
    [{ n: 1 }, { n: 1, e: 1, v: 2, X: 1 }, { n: 1, q: 1, A: 1, t: 4 }].map(
      (options) =>
        new PacketPrinter(
          {
            options: { ...DEFAULT_PRINT_OPTIONS, ...options },
            hostName: () => undefined,
            interfaceName: () => undefined,
            conversations: new TcpConversations(),
          },
          dlt,
        ),
    ),
  );
  for (let round = 0; round < 3000; round++) {
    const frame = maker.pick([() => maker.bytes(maker.random(200)), () => maker.frame(), () => datagramFrame(maker)])();
    const data = frame.slice(maker.chance(4) ? maker.random(frame.length + 1) : 0);
    const packet: Packet = { seconds: round, fraction: 0, length: data.length + maker.random(20), data };
    for (const printer of printers) expect(printer.print(packet, 1).endsWith('\n')).toBe(true);
  }
});

it('every codec gives a verdict on any bytes, and places it within them', () => {
  const maker = new FrameMaker(54);
  const codecs = [
    validateArp,
    validateEthernet,
    validateIcmp,
    validateIgmp,
    validateIpv4,
    validateIpv6,
    validateVlan,
    (bytes: Uint8Array, at: number, end: number) => validateTcp(bytes, at, end, 0x0a000001, 0x0a000002),
    (bytes: Uint8Array, at: number, end: number) => validateUdp(bytes, at, end, 0x0a000001, 0x0a000002),
  ];
  const verdicts = new Set<string>();
  for (let round = 0; round < 4000; round++) {
    const bytes = maker.chance(2) ? maker.bytes(maker.random(80)) : maker.frame();
    const start = maker.pick([0, 14, 34].filter((at) => at <= bytes.length));
    for (const validate of codecs) {
      const validity = validate(bytes, start, bytes.length);
      verdicts.add(validity.verdict);
      if (validity.verdict !== 'ok') {
        expect(validity.at).toBeGreaterThanOrEqual(start);
        expect(validity.at).toBeLessThanOrEqual(bytes.length);
      }
    }
  }
  expect([...verdicts].sort()).toEqual(['malformed', 'ok', 'truncated']);
});
