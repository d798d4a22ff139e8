import { describe, expect, it } from 'vitest';
import { putU16, putU32, u16At } from '../../src/wire/addr.ts';
import {
  checksum,
  checksumPartial,
  checksumReplace16,
  checksumReplace32,
  pseudoHeaderSum,
} from '../../src/wire/checksum.ts';
import { ipv4ChecksumOk, ipv4DecreaseTtl, putIpv4Checksum, putIpv4Header } from '../../src/wire/ipv4.ts';

/** RFC 1071 taken literally: add words, add the carries back, complement. */
function plainChecksum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at += 2) {
    sum += bytes[at]! * 256 + (at + 1 < end ? bytes[at + 1]! : 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return 0xffff - sum;
}

let state = 7;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state >>> 8;
}

describe('the Internet checksum', () => {
  it('is that of the example in RFC 1071', () => {
    const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(checksumPartial(bytes, 0, 8)).toBe(0xddf2);
    expect(checksum(bytes, 0, 8)).toBe(0x220d);
  });

  it('agrees with the plain definition for every length and start, and for long ranges of ones', () => {
    const bytes = Uint8Array.from({ length: 300 }, () => random());
    for (let start = 0; start < 9; start++) {
      for (let end = start; end <= 300; end++)
        expect(checksum(bytes, start, end)).toBe(plainChecksum(bytes, start, end));
    }
    const ones = new Uint8Array(200_001).fill(0xff);
    expect(checksum(ones, 0, ones.length)).toBe(plainChecksum(ones, 0, ones.length));
  });

  it('adds up over ranges, with a pseudo header in front', () => {
    const bytes = Uint8Array.from({ length: 64 }, () => random());
    const whole = Uint8Array.from([10, 0, 0, 1, 255, 255, 255, 254, 0, 17, 0, 64, ...bytes]);
    const sum = pseudoHeaderSum(0x0a000001, 0xfffffffe, 17, 64);
    expect(checksum(bytes, 20, 64, checksumPartial(bytes, 0, 20, sum))).toBe(checksum(whole, 0, whole.length));
  });

  it('follows changed words as if it were made anew', () => {
    const bytes = Uint8Array.from({ length: 40 }, () => random());
    for (let round = 0; round < 2000; round++) {
      const before = checksum(bytes, 0, 40);
      const wide = random() % 2 === 0;
      const at = 2 * (random() % 18);
      const old = wide ? u16At(bytes, at) * 65536 + u16At(bytes, at + 2) : u16At(bytes, at);
      const value = wide ? (random() * 65536 + random()) >>> 0 : random() & 0xffff;
      if (wide) putU32(bytes, at, value);
      else putU16(bytes, at, value);
      expect(wide ? checksumReplace32(before, old, value) : checksumReplace16(before, old, value)).toBe(
        checksum(bytes, 0, 40),
      );
    }
  });
});

describe('the TTL', () => {
  it('goes down with the header checksum still right, for every identification', () => {
    const bytes = new Uint8Array(20);
    for (let id = 0; id < 65536; id += 7) {
      putIpv4Header(bytes, 0, 0xc0a80902, 0xc0a80903, 1, 84, 64, id, 0x4000, 0);
      expect(ipv4DecreaseTtl(bytes, 0)).toBe(63);
      const updated = u16At(bytes, 10);
      expect(ipv4ChecksumOk(bytes, 0)).toBe(true);
      putIpv4Checksum(bytes, 0);
      expect([updated, updated === 0xffff ? 0 : updated]).toContain(u16At(bytes, 10));
    }
  });
});
