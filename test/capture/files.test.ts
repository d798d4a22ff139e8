import { describe, expect, it } from 'vitest';
import type { Packet, Precision } from '../../src/capture/packet.ts';
import { pcapHeader, pcapRecord } from '../../src/capture/pcap.ts';
import { pcapngInterface, pcapngPacket, pcapngSection } from '../../src/capture/pcapng.ts';
import { CaptureReader, readCapture } from '../../src/capture/reader.ts';
import { FrameMaker, join } from './frames.ts';

const FRAME = Uint8Array.from({ length: 61 }, (_, index) => index);

function packetsOf(bytes: Uint8Array, precision?: Precision): Packet[] {
  const read = readCapture(bytes, precision);
  if ('error' in read) throw new Error(read.error);
  return read.packets;
}

function errorOf(bytes: Uint8Array): string | undefined {
  return (readCapture(bytes) as { error?: string }).error;
}

/** A pcap file of one packet in either byte order. */
function pcapFile(magic: number, little: boolean): Uint8Array {
  const bytes = new Uint8Array(24 + 16 + FRAME.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, 65535, little);
  view.setUint32(20, 1, little);
  for (const [index, value] of [1_700_000_000, 123_456, FRAME.length, 1500].entries())
    view.setUint32(24 + 4 * index, value, little);
  bytes.set(FRAME, 40);
  return bytes;
}

describe('pcap', () => {
  it.each([
    ['little-endian microseconds', 0xa1b2c3d4, true, 'micro', 123_456],
    ['big-endian microseconds', 0xa1b2c3d4, false, 'micro', 123_456],
    ['little-endian nanoseconds', 0xa1b23c4d, true, 'nano', 123_456],
    ['big-endian nanoseconds', 0xa1b23c4d, false, 'nano', 123_456],
    ['nanoseconds read as microseconds', 0xa1b23c4d, false, 'micro', 123],
    ['microseconds read as nanoseconds', 0xa1b2c3d4, true, 'nano', 123_456_000],
  ] as const)('%s', (_name, magic, little, precision, fraction) => {
    expect(packetsOf(pcapFile(magic, little), precision)).toEqual([
      { seconds: 1_700_000_000, fraction, length: 1500, data: FRAME },
    ]);
  });

  it.each(['micro', 'nano'] as const)('what was written in %s is read again', (precision) => {
    const written = join(
      pcapHeader(12, 96, precision),
      pcapRecord(7, 999_999, 1514, FRAME),
      pcapRecord(8, 1, 61, FRAME),
    );
    expect(readCapture(written, precision)).toEqual({
      dlt: 12,
      snaplen: 96,
      packets: [
        { seconds: 7, fraction: 999_999, length: 1514, data: FRAME },
        { seconds: 8, fraction: 1, length: 61, data: FRAME },
      ],
    });
  });

  it('gives the same packets however the file is cut into chunks', () => {
    const maker = new FrameMaker(3);
    const parts = [pcapHeader(1, 262144)];
    for (let index = 0; index < 40; index++) parts.push(pcapRecord(index, 0, 100, maker.bytes(maker.random(90))));
    const file = join(...parts);
    const reader = new CaptureReader();
    const packets: Packet[] = [];
    let at = 0;
    for (;;) {
      const result = reader.next();
      if (result === 'end') break;
      if (result === 'more') {
        const end = Math.min(file.length, at + 1 + maker.random(50));
        if (at === end) reader.end();
        reader.push(file.subarray(at, end));
        at = end;
      } else {
        if ('error' in result) throw new Error(result.error);
        packets.push(result.packet);
      }
    }
    expect(packets).toEqual(packetsOf(file));
    expect(packets).toHaveLength(40);
  });
});

describe('pcapng', () => {
  const time = 1_700_000_000_123_456_789n;

  it('what was written on several interfaces is read again, with nanoseconds', () => {
    const file = join(
      pcapngSection('hairpin'),
      pcapngInterface(1, 262144, 'veth0'),
      pcapngInterface(1, 262144, 'br0'),
      pcapngPacket(0, time, 1514, FRAME, 'out'),
      pcapngPacket(1, time + 1n, 61, FRAME, 'in'),
    );
    expect(readCapture(file, 'nano')).toEqual({
      dlt: 1,
      snaplen: 262144,
      packets: [
        { seconds: 1_700_000_000, fraction: 123_456_789, length: 1514, data: FRAME },
        { seconds: 1_700_000_000, fraction: 123_456_790, length: 61, data: FRAME },
      ],
    });
    expect(packetsOf(file)[0]?.fraction).toBe(123_456);
  });

  it('names the interface and its resolution where Wireshark looks for them', () => {
    const block = pcapngInterface(1, 262144, 'veth0');
    expect(Array.from(block.subarray(16, 36))).toEqual([
      ...[2, 0, 5, 0, ...new TextEncoder().encode('veth0'), 0, 0, 0],
      ...[9, 0, 1, 0, 9, 0, 0, 0],
    ]);
  });

  it('interfaces may appear between packets', () => {
    const file = join(
      pcapngSection(),
      pcapngInterface(1, 262144),
      pcapngPacket(0, time, 61, FRAME),
      pcapngInterface(1, 262144),
      pcapngPacket(1, time, 61, FRAME),
    );
    expect(packetsOf(file)).toHaveLength(2);
  });
});

// The texts of libpcap 1.10.3.
describe('a file that is not one is told as libpcap tells it', () => {
  const pcap = join(pcapHeader(1, 262144), pcapRecord(1, 2, 61, FRAME));
  const pcapng = join(pcapngSection(), pcapngInterface(1, 262144), pcapngPacket(0, 0n, 61, FRAME));
  const changed = (bytes: Uint8Array, at: number, ...values: number[]) => {
    const copy = bytes.slice();
    copy.set(values, at);
    return copy;
  };

  it.each([
    ['truncated dump file; tried to read 4 file header bytes, only got 0', new Uint8Array(0)],
    ['unknown file format', FRAME],
    ['truncated dump file; tried to read 24 file header bytes, only got 6', pcap.subarray(0, 10)],
    ['truncated dump file; tried to read 16 header bytes, only got 6', pcap.subarray(0, 30)],
    ['truncated dump file; tried to read 61 captured bytes, only got 10', pcap.subarray(0, 50)],
    ['archaic pcap savefile format', changed(pcap, 4, 1)],
    ['unsupported pcap savefile version 3.4', changed(pcap, 4, 3)],
    ['invalid packet capture length 16777277, bigger than snaplen of 262144', changed(pcap, 35, 1)],
    ['the capture file has no Interface Description Blocks', pcapngSection()],
    [
      'the capture file has a packet block before any Interface Description Blocks',
      join(pcapngSection(), pcapngPacket(0, 0n, 61, FRAME)),
    ],
    ['unsupported pcapng savefile version 2.0', changed(pcapng, 12, 2)],
    ['block in pcapng dump file has a length of 2 < 12', changed(pcapng, 32, 2)],
    ['block in pcapng dump file has a length of 33 that is not a multiple of 4', changed(pcapng, 32, 33)],
    ["block total length in header and trailer don't match", changed(pcapng, 32, 36)],
    ['truncated pcapng dump file; tried to read 88 bytes, only got 12', pcapng.subarray(0, 80)],
    [
      "a packet arrived on interface 7, but there's no Interface Description Block for that interface",
      join(pcapng, pcapngPacket(7, 0n, 61, FRAME)),
    ],
    [
      'an interface has a type 113 different from the type of the first interface',
      join(pcapng, pcapngInterface(113, 262144)),
    ],
  ] as const)('%s', (text, bytes) => {
    expect(errorOf(bytes)).toBe(text);
  });
});
