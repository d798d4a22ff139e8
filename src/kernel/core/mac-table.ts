/**
 * A table of whole numbers by MAC address (and VLAN id): open addressing with linear probing on typed
 * arrays, so that a lookup on the packet path reads six octets and touches no string and no object.
 *
 * A key is two 32-bit halves: `high` holds the first two octets and, above them, the VLAN id; `low` holds
 * the last four octets. Arrays are made with the first entry: an empty table costs nothing.
 */
import type { Mac } from '../../wire/addr.ts';

const FIRST_SIZE = 8;
const NONE = new Int32Array(0);

/** The first two octets of `mac`. */
export function macHigh(mac: Mac): number {
  return Math.floor(mac / 0x1_0000_0000);
}

/** The last four octets of `mac`, as a signed 32-bit number. */
export function macLow(mac: Mac): number {
  return mac | 0;
}

/** {@link macHigh} of the address in the octets at `at`. */
export function macHighAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** {@link macLow} of the address in the octets at `at`. */
export function macLowAt(bytes: Uint8Array, at: number): number {
  return (bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!;
}

function hash(high: number, low: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x9e37_79b1), 0x85eb_ca6b);
  return mixed ^ (mixed >>> 15);
}

export class MacTable {
  private mask = -1;
  private highs = NONE;
  private lows = NONE;
  /** The number stored plus one; 0 marks a free place. */
  private values = NONE;
  private used = 0;

  get count(): number {
    return this.used;
  }

  /** The number stored for the key, -1 when there is none. */
  find(high: number, low: number): number {
    const { mask, values } = this;
    if (mask < 0) return -1;
    let i = hash(high, low) & mask;
    for (;;) {
      const value = values[i]!;
      if (value === 0) return -1;
      if (this.lows[i] === low && this.highs[i] === high) return value - 1;
      i = (i + 1) & mask;
    }
  }

  /** Store `value` (0 or more) for the key. */
  set(high: number, low: number, value: number): void {
    if (this.used * 2 > this.mask) this.grow();
    const { mask } = this;
    let i = hash(high, low) & mask;
    while (this.values[i] !== 0) {
      if (this.lows[i] === low && this.highs[i] === high) {
        this.values[i] = value + 1;
        return;
      }
      i = (i + 1) & mask;
    }
    this.highs[i] = high;
    this.lows[i] = low;
    this.values[i] = value + 1;
    this.used++;
  }

  delete(high: number, low: number): void {
    const { mask, highs, lows, values } = this;
    if (mask < 0) return;
    let hole = hash(high, low) & mask;
    while (values[hole] !== 0 && (lows[hole] !== low || highs[hole] !== high)) hole = (hole + 1) & mask;
    if (values[hole] === 0) return;
    this.used--;
    // Close the gap: entries behind it that were pushed on by the one that goes move up.
    let i = hole;
    for (;;) {
      i = (i + 1) & mask;
      if (values[i] === 0) break;
      const home = hash(highs[i]!, lows[i]!) & mask;
      if (((i - home) & mask) < ((i - hole) & mask)) continue;
      highs[hole] = highs[i]!;
      lows[hole] = lows[i]!;
      values[hole] = values[i]!;
      hole = i;
    }
    values[hole] = 0;
  }

  private grow(): void {
    const { highs, lows, values } = this;
    const size = this.mask < 0 ? FIRST_SIZE : (this.mask + 1) * 2;
    this.mask = size - 1;
    this.highs = new Int32Array(size);
    this.lows = new Int32Array(size);
    this.values = new Int32Array(size);
    this.used = 0;
    for (let i = 0; i < values.length; i++) {
      if (values[i] !== 0) this.set(highs[i]!, lows[i]!, values[i]! - 1);
    }
  }
}
