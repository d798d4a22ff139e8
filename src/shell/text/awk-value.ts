/** Values of awk, as mawk 1.3.4 has them: numbers, strings, and strings that look like numbers. */

import { regexSource } from '../bash/regex.ts';
import { encode } from '../process/bytes.ts';
import { formatFloat } from '../programs/float.ts';

/** A string from input that looks like a number: compared as one. */
export class NumericString {
  readonly text: string;
  readonly number: number;

  constructor(text: string, number: number) {
    this.text = text;
    this.number = number;
  }
}

/** Undefined is an uninitialized variable: both 0 and "". */
export type Value = number | string | NumericString | undefined;

const NUMBER = /^[ \t\n]*([-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|inf(?:inity)?|nan))[ \t\n]*$/i;
const PREFIX = /^[ \t\n]*[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|inf(?:inity)?|nan)/i;

function parse(text: string): number {
  const trimmed = text.trim().toLowerCase();
  if (trimmed.includes('inf')) return trimmed.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (trimmed.includes('nan')) return Number.NaN;
  const negative = trimmed.startsWith('-');
  const value = Number(trimmed.replace(/^[-+]/, ''));
  return negative ? -value : value;
}

/** Text from input: a field, a line, an element of split(). */
export function fromInput(text: string): Value {
  const first = text.charCodeAt(0);
  if (first > 0x39 && first !== 0x49 && first !== 0x69 && first !== 0x4e && first !== 0x6e) return text;
  return NUMBER.test(text) ? new NumericString(text, parse(text)) : text;
}

export function toNumber(value: Value): number {
  if (typeof value === 'number') return value;
  if (value === undefined) return 0;
  if (typeof value !== 'string') return value.number;
  const match = PREFIX.exec(value);
  return match === null ? 0 : parse(match[0]);
}

/** Whole numbers of 32 bits print as such, others by `format` (CONVFMT, OFMT). */
export function numberText(value: number, format: string): string {
  if (Number.isInteger(value) && Math.abs(value) <= 0x7fffffff) return String(value === 0 ? 0 : value);
  if (Number.isNaN(value)) return 'nan';
  return formatAwk(format, [value], format);
}

export function toText(value: Value, format: string): string {
  if (typeof value === 'string') return value;
  if (value === undefined) return '';
  return typeof value === 'number' ? numberText(value, format) : value.text;
}

export function isTrue(value: Value): boolean {
  if (typeof value === 'string') return value !== '';
  if (value === undefined) return false;
  return (typeof value === 'number' ? value : value.number) !== 0;
}

/** Less than, equal or greater: as numbers when both sides are, or look like, numbers. */
export function compareValues(a: Value, b: Value, format: string): number {
  if (typeof a !== 'string' && typeof b !== 'string') {
    const x = toNumber(a);
    const y = toNumber(b);
    return x < y ? -1 : x > y ? 1 : x === y ? 0 : Number.NaN;
  }
  const x = toText(a, format);
  const y = toText(b, format);
  return x < y ? -1 : x > y ? 1 : 0;
}

const regexps = new Map<string, RegExp>();

/** An extended regular expression; braces are ordinary characters, as in mawk of that version. */
export function awkRegExp(source: string): RegExp {
  let regexp = regexps.get(source);
  if (regexp === undefined) {
    const escaped = source
      .replace(/\\([\s\S])/g, (found, char: string) => {
        const known = (
          { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', a: '\x07', b: '\b', '"': '"', '/': '/' } as Record<
            string,
            string
          >
        )[char];
        return known ?? (/[A-Za-z0-9<>]/.test(char) ? (/[<>yB]/.test(char) ? char : found) : found);
      })
      .replace(/\\[\s\S]|\[\^?\]?(?:\[:\w+:\]|[^\]])*\]|[{}]/g, (found) =>
        found === '{' || found === '}' ? `\\${found}` : found,
      );
    regexp = new RegExp(regexSource(escaped), 'gsu');
    if (regexps.size > 500) regexps.clear();
    regexps.set(source, regexp);
  }
  regexp.lastIndex = 0;
  return regexp;
}

export class FormatError extends Error {}

/** sprintf(). */
export function formatAwk(format: string, args: readonly Value[], convfmt: string): string {
  let next = 0;
  const take = (): Value => {
    if (next >= args.length) throw new FormatError('not enough arguments passed to ');
    return args[next++];
  };
  return format.replace(
    /%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([hlLqjzt]*)([a-zA-Z%])|%/g,
    (found, flagText?: string, widthText?: string, precisionText?: string, _size?: string, letter?: string) => {
      if (letter === '%') return '%';
      if (letter === undefined) throw new FormatError('bad conversion: ');
      let flags = flagText ?? '';
      let width = widthText === '*' ? Math.trunc(toNumber(take())) : Number(widthText ?? 0);
      if (width < 0) {
        flags += '-';
        width = -width;
      }
      const dot = found.includes('.');
      const precision =
        precisionText === '*'
          ? Math.trunc(toNumber(take()))
          : precisionText === undefined
            ? dot
              ? 0
              : undefined
            : Number(precisionText);
      switch (letter) {
        case 'd':
        case 'i':
          return integer(toNumber(take()), 10, flags, width, precision);
        case 'o':
          return integer(toNumber(take()), 8, flags, width, precision);
        case 'x':
          return integer(toNumber(take()), 16, flags, width, precision);
        case 'X':
          return integer(toNumber(take()), 16, flags, width, precision).toUpperCase();
        case 'u':
          return integer(toNumber(take()), 10, flags, width, precision);
        case 'c': {
          const value = take();
          const char = typeof value === 'number' ? byteText(value) : (toText(value, convfmt)[0] ?? '\0');
          return padded(char, width, flags);
        }
        case 's': {
          const text = toText(take(), convfmt);
          return padded(precision === undefined ? text : text.slice(0, precision), width, flags);
        }
        default:
          if (!/[eEfFgG]/.test(letter)) throw new FormatError('bad conversion: ');
          return formatFloat(letter, toNumber(take()), width, precision, flags);
      }
    },
  );
}

function byteText(code: number): string {
  const byte = Math.trunc(code) & 0xff;
  return byte < 0x80 ? String.fromCharCode(byte) : String.fromCharCode(0xdc00 + byte);
}

function padded(text: string, width: number, flags: string): string {
  const missing = width - encode(text).length;
  if (missing <= 0) return text;
  return flags.includes('-') ? text + ' '.repeat(missing) : ' '.repeat(missing) + text;
}

function integer(value: number, base: number, flags: string, width: number, precision: number | undefined): string {
  if (!Number.isFinite(value)) return padded(Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf', width, flags);
  let whole = BigInt(Math.trunc(value));
  if (base !== 10 && whole < 0n) whole = BigInt.asUintN(64, whole);
  const negative = whole < 0n;
  let digits = (negative ? -whole : whole).toString(base).padStart(precision ?? 1, '0');
  if (flags.includes('#') && base !== 10 && whole !== 0n) digits = (base === 16 ? '0x' : '0') + digits;
  const sign = negative
    ? '-'
    : flags.includes('+') && base === 10
      ? '+'
      : flags.includes(' ') && base === 10
        ? ' '
        : '';
  if (flags.includes('0') && !flags.includes('-') && precision === undefined)
    return sign + digits.padStart(width - sign.length, '0');
  return padded(sign + digits, width, flags);
}

/**
 * An array. Programs see the order of `for (k in a)`: mawk walks 64 buckets (more when it grows) by the
 * FNV-1a hash of the key, in a bucket the key used last first.
 */
export class AwkArray {
  private readonly map: Map<string, Value> = new Map();

  get size(): number {
    return this.map.size;
  }

  has(key: string): boolean {
    return this.map.has(key);
  }

  /** The element, made if there is none. */
  get(key: string): Value {
    const value = this.map.get(key);
    if (value === undefined) this.map.set(key, undefined);
    return value;
  }

  set(key: string, value: Value): void {
    if (this.map.size > 1 && this.map.has(key)) this.map.delete(key);
    this.map.set(key, value);
  }

  delete(key: string): void {
    this.map.delete(key);
  }

  clear(): void {
    this.map.clear();
  }

  keys(): string[] {
    let buckets = 64;
    while (this.map.size > buckets * 12) buckets *= 2;
    const table: string[][] = Array.from({ length: buckets }, () => []);
    for (const key of this.map.keys()) table[hash(key) & (buckets - 1)]!.unshift(key);
    return table.flat();
  }
}

function hash(key: string): number {
  let value = 2166136261;
  for (const byte of encode(key)) {
    value ^= byte;
    value = Math.imul(value, 16777619);
  }
  return value >>> 0;
}
