/**
 * The classic pcap format: a header of 24 octets, then records of 16 octets and the packet. Read in
 * both byte orders, with microseconds or nanoseconds; written in little-endian order.
 */

import { dltToLinktype, linktypeToDlt } from './linktype.ts';
import {
  adjustSnaplen,
  type ByteQueue,
  type HeaderResult,
  MAXIMUM_SNAPLEN,
  type Precision,
  type ReadResult,
} from './packet.ts';

const MAGIC_MICRO = 0xa1b2c3d4;
const MAGIC_NANO = 0xa1b23c4d;
/** Alexey Kuznetsov's format: the records have eight octets more. */
const MAGIC_KUZNETSOV = 0xa1b2cd34;
const HEADER = 24;
const RECORD = 16;
const RECORD_KUZNETSOV = 24;

/** The header of a pcap file, or undefined when the magic number is not pcap's. */
export function readPcapHeader(input: ByteQueue, precision: Precision): HeaderResult | undefined {
  const magicView = input.peek(4);
  let little = true;
  let magic = magicView.getUint32(0, true);
  if (!isMagic(magic)) {
    magic = magicView.getUint32(0, false);
    little = false;
  }
  if (!isMagic(magic)) return undefined;
  if (!input.settled(HEADER)) return 'more';
  if (input.available < HEADER) {
    return { error: `truncated dump file; tried to read ${HEADER} file header bytes, only got ${input.available - 4}` };
  }
  const view = input.peek(HEADER);
  const major = view.getUint16(4, little);
  const minor = view.getUint16(6, little);
  if (major < 2) return { error: 'archaic pcap savefile format' };
  if (!((major === 2 && minor <= 4) || (major === 543 && minor === 0))) {
    return { error: `unsupported pcap savefile version ${major}.${minor}` };
  }
  const dlt = linktypeToDlt(view.getUint32(20, little) & 0x03ff_ffff);
  let snaplen = adjustSnaplen(view.getUint32(16, little));
  const kuznetsov = magic === MAGIC_KUZNETSOV;
  if (kuznetsov && dlt === 1) snaplen = Math.min(snaplen + 14, 0x7fff_ffff);
  input.skip(HEADER);
  const format: RecordFormat = {
    little,
    snaplen,
    recordLength: kuznetsov ? RECORD_KUZNETSOV : RECORD,
    scale: precision === 'micro' ? (magic === MAGIC_NANO ? 1 / 1000 : 1) : magic === MAGIC_NANO ? 1 : 1000,
    lengthsSwapped: major === 543 || minor < 3 ? 'yes' : minor === 3 ? 'maybe' : 'no',
  };
  return { dlt, snaplen, read: (queue) => readRecord(queue, format) };
}

function isMagic(magic: number): boolean {
  return magic === MAGIC_MICRO || magic === MAGIC_NANO || magic === MAGIC_KUZNETSOV;
}

interface RecordFormat {
  little: boolean;
  snaplen: number;
  recordLength: number;
  scale: number;
  /** Before version 2.3 the two lengths stood the other way round; some 2.3 files still have it so. */
  lengthsSwapped: 'yes' | 'maybe' | 'no';
}

function readRecord(input: ByteQueue, format: RecordFormat): ReadResult {
  const { little, snaplen, recordLength } = format;
  if (!input.settled(recordLength)) return 'more';
  if (input.available < recordLength) {
    if (input.available === 0) return 'end';
    return { error: `truncated dump file; tried to read ${recordLength} header bytes, only got ${input.available}` };
  }
  const view = input.peek(recordLength);
  const seconds = little ? view.getInt32(0, true) : view.getUint32(0, false);
  const fraction = Math.trunc(view.getUint32(4, little) * format.scale);
  let captured = view.getUint32(8, little);
  let length = view.getUint32(12, little);
  if (format.lengthsSwapped === 'yes' || (format.lengthsSwapped === 'maybe' && captured > length)) {
    [captured, length] = [length, captured];
  }
  if (captured > MAXIMUM_SNAPLEN) {
    const bound = captured > snaplen ? `snaplen of ${snaplen}` : `maximum of ${MAXIMUM_SNAPLEN}`;
    return { error: `invalid packet capture length ${captured}, bigger than ${bound}` };
  }
  if (!input.settled(recordLength + captured)) return 'more';
  const present = input.available - recordLength;
  if (present < captured) {
    const wanted = captured > snaplen && present < snaplen ? snaplen : captured;
    return { error: `truncated dump file; tried to read ${wanted} captured bytes, only got ${present}` };
  }
  input.skip(recordLength);
  const data = input.take(Math.min(captured, snaplen));
  if (captured > snaplen) input.skip(captured - snaplen);
  return { packet: { seconds, fraction, length, data } };
}

/** The header of a file to write. */
export function pcapHeader(dlt: number, snaplen: number, precision: Precision = 'micro'): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, precision === 'nano' ? MAGIC_NANO : MAGIC_MICRO, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snaplen, true);
  view.setUint32(20, dltToLinktype(dlt), true);
  return bytes;
}

/** One record: `fraction` in the unit of the header's precision. */
export function pcapRecord(seconds: number, fraction: number, length: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(RECORD + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, seconds, true);
  view.setUint32(4, fraction, true);
  view.setUint32(8, data.length, true);
  view.setUint32(12, length, true);
  bytes.set(data, RECORD);
  return bytes;
}
