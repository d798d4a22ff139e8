/** Frames from a capture file. */
import { readCapture } from '../capture/reader.ts';

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
