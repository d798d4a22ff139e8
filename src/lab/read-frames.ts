/** Frames from a capture file, and into one. */
import { DLT_EN10MB } from '../capture/linktype.ts';
import { pcapngInterface, pcapngPacket, pcapngSection } from '../capture/pcapng.ts';
import { readCapture } from '../capture/reader.ts';
import { concat } from './bytes.ts';
import type { Artifact } from './interface-recorder.ts';

/** A frame of a file: nanoseconds since the epoch, and its octets. */
export interface FileFrame {
  time: bigint;
  data: Uint8Array;
}

const SECOND = 1_000_000_000n;

/** The frames of a pcap or pcapng file as far as it can be read; none when it is no such file. */
export function readFrames(file: Uint8Array): FileFrame[] {
  const capture = readCapture(file, 'nano');
  if (!('packets' in capture)) return [];
  return capture.packets.map(({ seconds, fraction, data }) => ({
    time: BigInt(seconds) * SECOND + BigInt(fraction),
    data,
  }));
}

const SNAPLEN = 262_144;

/** A pcapng file of what one interface saw, called as the twin calls it. */
export function captureFile(namespace: string, device: string, frames: readonly FileFrame[]): Artifact {
  const stem = namespace === '' ? device : `${namespace}-${device}`;
  const packets = frames.map(({ time, data }) => pcapngPacket(0, time, data.length, data));
  return {
    name: `${stem.replaceAll('/', '_')}.pcapng`,
    data: concat([pcapngSection('hairpin'), pcapngInterface(DLT_EN10MB, SNAPLEN, device), ...packets]),
  };
}
