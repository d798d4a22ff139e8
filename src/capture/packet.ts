/**
 * What reading a capture file is made of: packets, the bytes that arrived so far, and the results
 * that the readers of the two formats share.
 */

/** The largest snapshot length, and what a bogus one becomes. */
export const MAXIMUM_SNAPLEN = 262144;

/** One packet of a file or of a capture. */
export interface Packet {
  /** Seconds since the epoch. */
  seconds: number;
  /** Microseconds or nanoseconds, as the reader was asked for. */
  fraction: number;
  /** Length on the wire. */
  length: number;
  /** What was captured of it. */
  data: Uint8Array;
}

export type Precision = 'micro' | 'nano';

/** What reading gives: a packet, `more` for "push more bytes", `end`, or libpcap's text of an error. */
export type ReadResult = { packet: Packet } | 'more' | 'end' | { error: string };

/** What a file's header says. */
export interface CaptureHeader {
  dlt: number;
  /** Snapshot length as libpcap adjusts it. */
  snaplen: number;
  read(input: ByteQueue): ReadResult;
}

export type HeaderResult = CaptureHeader | 'more' | { error: string };

/** Bytes that arrived and are not read yet. */
export class ByteQueue {
  private bytes = new Uint8Array(0);
  private at = 0;
  private ended = false;

  push(chunk: Uint8Array): void {
    const rest = this.bytes.length - this.at;
    if (rest === 0) {
      this.bytes = chunk.slice();
    } else {
      const joined = new Uint8Array(rest + chunk.length);
      joined.set(this.bytes.subarray(this.at));
      joined.set(chunk, rest);
      this.bytes = joined;
    }
    this.at = 0;
  }

  end(): void {
    this.ended = true;
  }

  get available(): number {
    return this.bytes.length - this.at;
  }

  /** Whether `length` bytes can be read, or never will be. */
  settled(length: number): boolean {
    return this.available >= length || this.ended;
  }

  /** A view over the next bytes, without taking them. */
  peek(length: number): DataView {
    const take = Math.min(length, this.available);
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, take);
  }

  /** Take bytes; the array is the caller's. */
  take(length: number): Uint8Array {
    const end = Math.min(this.at + length, this.bytes.length);
    const taken = this.bytes.slice(this.at, end);
    this.at = end;
    return taken;
  }

  skip(length: number): void {
    this.at = Math.min(this.at + length, this.bytes.length);
  }
}

/** pcap_adjust_snapshot(). */
export function adjustSnaplen(snaplen: number): number {
  return snaplen === 0 || snaplen > 0x7fff_ffff ? MAXIMUM_SNAPLEN : snaplen;
}
