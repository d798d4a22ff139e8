/**
 * Reading capture files as libpcap does: pcap and pcapng, either byte order, any length of input.
 * Bytes are pushed as they arrive (a pipe may be slow) and packets pulled; bad input is a text, the
 * one that libpcap gives, never an exception.
 */
import {
  ByteQueue,
  type CaptureHeader,
  type HeaderResult,
  type Packet,
  type Precision,
  type ReadResult,
} from './packet.ts';
import { readPcapHeader } from './pcap.ts';
import { readPcapngHeader } from './pcapng.ts';

/**
 * A file being read. `header` is known once enough bytes were pushed; `next` gives packets.
 */
export class CaptureReader {
  private readonly input = new ByteQueue();
  private readonly precision: Precision;
  private found: CaptureHeader | undefined;

  constructor(precision: Precision = 'micro') {
    this.precision = precision;
  }

  /** Give more of the file. */
  push(chunk: Uint8Array): void {
    this.input.push(chunk);
  }

  /** There is no more. */
  end(): void {
    this.input.end();
  }

  /** The file's header, once it is there. */
  header(): HeaderResult {
    if (this.found !== undefined) return this.found;
    if (!this.input.settled(4)) return 'more';
    if (this.input.available < 4) {
      return {
        error: `truncated dump file; tried to read 4 file header bytes, only got ${this.input.available}`,
      };
    }
    const result = readPcapHeader(this.input, this.precision) ??
      readPcapngHeader(this.input, this.precision) ?? { error: 'unknown file format' };
    if (result !== 'more' && !('error' in result)) this.found = result;
    return result;
  }

  next(): ReadResult {
    const header = this.header();
    if (header === 'more' || 'error' in header) return header;
    return header.read(this.input);
  }
}

/** A whole file at once. */
export function readCapture(
  bytes: Uint8Array,
  precision: Precision = 'micro',
): { dlt: number; snaplen: number; packets: Packet[]; error?: string } | { error: string } {
  const reader = new CaptureReader(precision);
  reader.push(bytes);
  reader.end();
  const header = reader.header();
  if (header === 'more') return { error: 'unknown file format' };
  if ('error' in header) return header;
  const packets: Packet[] = [];
  for (;;) {
    const result = reader.next();
    if (result === 'end' || result === 'more') return { dlt: header.dlt, snaplen: header.snaplen, packets };
    if ('error' in result) return { dlt: header.dlt, snaplen: header.snaplen, packets, error: result.error };
    packets.push(result.packet);
  }
}
