/** Numbers on the command line, read as strtoul(3) and strtol(3) do: base 0 takes 0x and leading-zero octal. */
import { protocolNumber } from '../../wire/protocols.ts';

/** What strtol reads at the start of `text`: the value and where it stopped; `end` 0 means no digits. */
export function strtol(text: string, base = 0): { value: number; end: number } {
  const match =
    base === 16
      ? /^(\s*)([+-]?)(?:0[xX](?=[0-9a-fA-F]))?([0-9a-fA-F]+)/.exec(text)
      : base === 10
        ? /^(\s*)([+-]?)([0-9]+)/.exec(text)
        : /^(\s*)([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)/.exec(text);
  if (!match) return { value: 0, end: 0 };
  const digits = match[3]!;
  let radix = base;
  let body = digits;
  if (base === 0) {
    if (/^0[xX]/.test(digits)) {
      radix = 16;
      body = digits.slice(2);
    } else radix = digits.startsWith('0') ? 8 : 10;
  }
  const magnitude = Number.parseInt(body, radix);
  return { value: match[2] === '-' ? -magnitude : magnitude, end: match[0].length };
}

/** A whole number in [min, max]; undefined for anything else, an empty word and trailing characters included. */
function whole(text: string | undefined, base: number, min: number, max: number): number | undefined {
  if (text === undefined || text === '') return undefined;
  const { value, end } = strtol(text, base);
  if (end !== text.length || value < min || value > max) return undefined;
  return value;
}

/** get_unsigned(), get_u32(). */
export function getUnsigned(text: string | undefined, base = 0): number | undefined {
  return whole(text, base, 0, 0xffff_ffff);
}

/** get_integer(), get_s32(). */
export function getInteger(text: string | undefined, base = 0): number | undefined {
  return whole(text, base, -0x8000_0000, 0x7fff_ffff);
}

export function getU16(text: string | undefined, base = 0): number | undefined {
  return whole(text, base, 0, 0xffff);
}

export function getU8(text: string | undefined, base = 0): number | undefined {
  return whole(text, base, 0, 0xff);
}

/** get_u64(), up to the largest whole number that is exact here, 2^53 - 1. */
export function getU64(text: string | undefined, base = 0): number | undefined {
  return whole(text, base, 0, Number.MAX_SAFE_INTEGER);
}

/** atoi(3): whatever digits lead the word, else 0. */
export function atoi(text: string): number {
  return strtol(text, 10).value | 0;
}

/** inet_proto_a2n(): a protocol by number or name. */
export function inetProtoA2n(text: string): number | undefined {
  return getU8(text, 10) ?? protocolNumber(text);
}
