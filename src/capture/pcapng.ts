/**
 * pcapng (draft-ietf-opsawg-pcapng): blocks of type, length, body, length. Read as libpcap does:
 * every interface of a file must have the link type and snapshot length of the first. Written in
 * little-endian order with any number of interfaces and nanosecond times.
 */

import { dltToLinktype, linktypeToDlt } from './linktype.ts';
import {
  adjustSnaplen,
  type ByteQueue,
  type HeaderResult,
  type Packet,
  type Precision,
  type ReadResult,
} from './packet.ts';

const BT_SHB = 0x0a0d0d0a;
const BT_IDB = 1;
const BT_PB = 2;
const BT_SPB = 3;
const BT_EPB = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const SHB_INSANE_MAX = 1024 * 1024;
const MAX_BLOCK = 16 * 1024 * 1024;
const OPT_ENDOFOPT = 0;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const IF_TSOFFSET = 14;
const EPB_FLAGS = 2;

interface Block {
  type: number;
  body: DataView;
}

/** One interface of a section: units per second and offset in seconds of its time stamps. */
interface Interface {
  resolution: bigint;
  offset: bigint;
}

/** Why a block cannot be used; thrown and caught within this file only. */
class Malformed extends Error {}

/** The header of a pcapng file, or undefined when it is not one. */
export function readPcapngHeader(input: ByteQueue, precision: Precision): HeaderResult | undefined {
  if (input.peek(4).getUint32(0, true) !== BT_SHB) return undefined;
  if (!input.settled(12)) return 'more';
  if (input.available < 12) return undefined;
  const view = input.peek(12);
  const little = view.getUint32(8, true) === BYTE_ORDER_MAGIC;
  if (!little && view.getUint32(8, false) !== BYTE_ORDER_MAGIC) return undefined;
  const total = view.getUint32(4, little);
  if (total < 28 || total > SHB_INSANE_MAX) {
    return {
      error: `Section Header Block in pcapng dump file has invalid length 28 < _${total}_ < ${SHB_INSANE_MAX} (BT_SHB_INSANE_MAX)`,
    };
  }
  const file = new PcapngFile(little, precision);
  try {
    return file.readHeader(input, total);
  } catch (error) {
    if (error instanceof Malformed) return { error: error.message };
    throw error;
  }
}

class PcapngFile {
  private readonly little: boolean;
  private readonly units: bigint;
  private interfaces: Interface[] = [];
  private dlt = 0;
  private snaplen = 0;

  constructor(little: boolean, precision: Precision) {
    this.little = little;
    this.units = precision === 'nano' ? 1_000_000_000n : 1_000_000n;
  }

  /** The section header and everything up to the first interface; nothing is taken until all is there. */
  readHeader(input: ByteQueue, total: number): HeaderResult {
    if (!input.settled(total)) return 'more';
    if (input.available < total) {
      throw new Malformed(truncated(total - 12, Math.max(0, input.available - 12)));
    }
    const section = input.peek(total);
    const major = section.getUint16(12, this.little);
    const minor = section.getUint16(14, this.little);
    if (!(major === 1 && (minor === 0 || minor === 2))) {
      throw new Malformed(`unsupported pcapng savefile version ${major}.${minor}`);
    }
    let at = total;
    for (;;) {
      const block = this.blockAt(input, at);
      if (block === 'more') return 'more';
      if (block === 'end') throw new Malformed('the capture file has no Interface Description Blocks');
      at += block.body.byteLength + 12;
      if (block.type === BT_EPB || block.type === BT_SPB || block.type === BT_PB) {
        throw new Malformed('the capture file has a packet block before any Interface Description Blocks');
      }
      if (block.type !== BT_IDB) continue;
      need(block, 8);
      this.dlt = linktypeToDlt(block.body.getUint16(0, this.little));
      this.snaplen = adjustSnaplen(block.body.getUint32(4, this.little));
      this.addInterface(block);
      input.skip(at);
      return { dlt: this.dlt, snaplen: this.snaplen, read: (queue) => this.read(queue) };
    }
  }

  read(input: ByteQueue): ReadResult {
    try {
      for (;;) {
        const block = this.blockAt(input, 0);
        if (block === 'more' || block === 'end') return block;
        const packet = this.use(block);
        input.skip(block.body.byteLength + 12);
        if (packet !== undefined) return { packet };
      }
    } catch (error) {
      if (error instanceof Malformed) return { error: error.message };
      throw error;
    }
  }

  private use(block: Block): Packet | undefined {
    const { body } = block;
    const { little } = this;
    switch (block.type) {
      case BT_EPB:
      case BT_PB: {
        need(block, 20);
        const iface = block.type === BT_EPB ? body.getUint32(0, little) : body.getUint16(0, little);
        const ticks = (BigInt(body.getUint32(4, little)) << 32n) | BigInt(body.getUint32(8, little));
        return this.packet(block, iface, ticks, body.getUint32(12, little), body.getUint32(16, little), 20);
      }
      case BT_SPB: {
        need(block, 4);
        const length = body.getUint32(0, little);
        return this.packet(block, 0, 0n, Math.min(length, this.snaplen), length, 4);
      }
      case BT_IDB: {
        need(block, 8);
        const type = body.getUint16(0, little);
        const snaplen = body.getUint32(4, little);
        if (type !== this.dlt) {
          throw new Malformed(`an interface has a type ${type} different from the type of the first interface`);
        }
        if (adjustSnaplen(snaplen) !== this.snaplen) {
          throw new Malformed(
            `an interface has a snapshot length ${snaplen} different from the snapshot length of the first interface`,
          );
        }
        this.addInterface(block);
        return undefined;
      }
      case BT_SHB: {
        need(block, 16);
        const magic = body.getUint32(0, little);
        if (magic !== BYTE_ORDER_MAGIC) {
          throw new Malformed(
            body.getUint32(0, !little) === BYTE_ORDER_MAGIC
              ? 'the file has sections with different byte orders'
              : 'the file has a section with a bad byte order magic field',
          );
        }
        const major = body.getUint16(4, little);
        if (major !== 1) throw new Malformed(`unknown pcapng savefile major version number ${major}`);
        this.interfaces = [];
        return undefined;
      }
      default:
        return undefined;
    }
  }

  private packet(
    block: Block,
    ifaceId: number,
    ticks: bigint,
    captured: number,
    length: number,
    dataAt: number,
  ): Packet {
    const iface = this.interfaces[ifaceId];
    if (iface === undefined) {
      throw new Malformed(
        `a packet arrived on interface ${ifaceId}, but there's no Interface Description Block for that interface`,
      );
    }
    if (captured > this.snaplen) {
      throw new Malformed(`invalid packet capture length ${captured}, bigger than snaplen of ${this.snaplen}`);
    }
    need(block, dataAt + captured);
    const seconds = BigInt.asIntN(64, ticks / iface.resolution + iface.offset);
    const fraction = ((ticks % iface.resolution) * this.units) / iface.resolution;
    const { body } = block;
    return {
      seconds: Number(seconds),
      fraction: Number(fraction),
      length,
      data: new Uint8Array(body.buffer, body.byteOffset + dataAt, captured).slice(),
    };
  }

  private addInterface(block: Block): void {
    const iface: Interface = { resolution: 1_000_000n, offset: 0n };
    const { body } = block;
    let at = 8;
    let sawResolution = false;
    let sawOffset = false;
    while (at !== body.byteLength) {
      need(block, at + 4);
      const code = body.getUint16(at, this.little);
      const length = body.getUint16(at + 2, this.little);
      const value = at + 4;
      at = value + ((length + 3) & ~3);
      need(block, at);
      if (code === OPT_ENDOFOPT) {
        if (length !== 0) throw new Malformed(badOption('opt_endofopt option with', length, 0));
        break;
      }
      if (code === IF_TSRESOL) {
        if (length !== 1) throw new Malformed(badOption('if_tsresol option with', length, 1));
        if (sawResolution) throw new Malformed(`${IDB_HAS} more than one if_tsresol option`);
        sawResolution = true;
        iface.resolution = resolutionOf(body.getUint8(value));
      } else if (code === IF_TSOFFSET) {
        if (length !== 8) throw new Malformed(badOption('if_tsoffset option with', length, 8));
        if (sawOffset) throw new Malformed(`${IDB_HAS} more than one if_tsoffset option`);
        sawOffset = true;
        iface.offset = body.getBigInt64(value, this.little);
      }
    }
    this.interfaces.push(iface);
  }

  /** The block that begins `at` bytes ahead. */
  private blockAt(input: ByteQueue, at: number): Block | 'more' | 'end' {
    if (!input.settled(at + 8)) return 'more';
    const present = input.available - at;
    if (present <= 0) return 'end';
    if (present < 8) throw new Malformed(truncated(8, present));
    const view = input.peek(at + 8);
    const type = view.getUint32(at, this.little);
    const total = view.getUint32(at + 4, this.little);
    if (total < 12) throw new Malformed(`block in pcapng dump file has a length of ${total} < 12`);
    if (total % 4 !== 0) {
      throw new Malformed(`block in pcapng dump file has a length of ${total} that is not a multiple of 4`);
    }
    if (total > MAX_BLOCK) throw new Malformed(`pcapng block size ${total} > maximum ${MAX_BLOCK}`);
    if (!input.settled(at + total)) return 'more';
    if (present < total) throw new Malformed(truncated(total - 8, present - 8));
    const whole = input.peek(at + total);
    if (whole.getUint32(at + total - 4, this.little) !== total) {
      throw new Malformed("block total length in header and trailer don't match");
    }
    return { type, body: new DataView(whole.buffer, whole.byteOffset + at + 8, total - 12) };
  }
}

const IDB_HAS = 'Interface Description Block has';

function badOption(option: string, length: number, wanted: number): string {
  return `${IDB_HAS} ${option} length ${length} != ${wanted}`;
}

function truncated(wanted: number, got: number): string {
  return `truncated pcapng dump file; tried to read ${wanted} bytes, only got ${got}`;
}

function need(block: Block, length: number): void {
  if (block.body.byteLength < length) {
    throw new Malformed(`block of type ${block.type} in pcapng dump file is too short`);
  }
}

/** if_tsresol: units per second. */
function resolutionOf(option: number): bigint {
  const exponent = option & 0x7f;
  if (option & 0x80) {
    if (exponent > 63) {
      throw new Malformed(`Interface Description Block if_tsresol option resolution 2^-${exponent} is too high`);
    }
    return 1n << BigInt(exponent);
  }
  if (exponent > 19) {
    throw new Malformed(`Interface Description Block if_tsresol option resolution 10^-${exponent} is too high`);
  }
  return 10n ** BigInt(exponent);
}

/** The section header block that begins a file. `application` is kept as shb_userappl. */
export function pcapngSection(application?: string): Uint8Array {
  const options = application === undefined ? [] : [textOption(4, application)];
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setUint32(0, BYTE_ORDER_MAGIC, true);
  view.setUint16(4, 1, true);
  view.setBigInt64(8, -1n, true);
  return block(BT_SHB, [body, ...withEnd(options)]);
}

/** An interface description: nanosecond times. Interfaces are numbered from 0 in the order written. */
export function pcapngInterface(dlt: number, snaplen: number, name?: string): Uint8Array {
  const body = new Uint8Array(8);
  const view = new DataView(body.buffer);
  view.setUint16(0, dltToLinktype(dlt), true);
  view.setUint32(4, snaplen, true);
  const options = [option(IF_TSRESOL, Uint8Array.of(9))];
  if (name !== undefined) options.unshift(textOption(IF_NAME, name));
  return block(BT_IDB, [body, ...withEnd(options)]);
}

/** An enhanced packet block: `nanoseconds` since the epoch, `direction` as epb_flags has it. */
export function pcapngPacket(
  iface: number,
  nanoseconds: bigint,
  length: number,
  data: Uint8Array,
  direction?: 'in' | 'out',
): Uint8Array {
  const body = new Uint8Array(20 + ((data.length + 3) & ~3));
  const view = new DataView(body.buffer);
  view.setUint32(0, iface, true);
  view.setUint32(4, Number(nanoseconds >> 32n), true);
  view.setUint32(8, Number(nanoseconds & 0xffff_ffffn), true);
  view.setUint32(12, data.length, true);
  view.setUint32(16, length, true);
  body.set(data, 20);
  const options =
    direction === undefined ? [] : [option(EPB_FLAGS, Uint8Array.of(direction === 'in' ? 1 : 2, 0, 0, 0))];
  return block(BT_EPB, [body, ...withEnd(options)]);
}

function option(code: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + ((value.length + 3) & ~3));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, code, true);
  view.setUint16(2, value.length, true);
  bytes.set(value, 4);
  return bytes;
}

function textOption(code: number, text: string): Uint8Array {
  return option(code, new TextEncoder().encode(text));
}

function withEnd(options: Uint8Array[]): Uint8Array[] {
  return options.length === 0 ? [] : [...options, new Uint8Array(4)];
}

function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 12);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  let at = 8;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  view.setUint32(length - 4, length, true);
  return bytes;
}
