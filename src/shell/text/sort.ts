/** sort of coreutils, in the C locale's order. */
import { isRefusal } from '../../uapi/result.ts';
import type { Proc } from '../process/proc.ts';
import { complain, readOptions, tryHelp } from '../programs/options.ts';
import { allLines } from './line-source.ts';

interface Order {
  letters: string;
}

interface Key extends Order {
  fromField: number;
  fromChar: number;
  toField: number;
  /** 0 is the end of the field. */
  toChar: number;
}

const ORDER = 'bdfghiMnRrV';

function parseKey(text: string): Key | undefined {
  const match = /^(\d+)(?:\.(\d+))?([a-zA-Z]*)(?:,(\d+)(?:\.(\d+))?([a-zA-Z]*))?$/.exec(text);
  if (match === null || Number(match[1]) === 0) return undefined;
  return {
    fromField: Number(match[1]),
    fromChar: Number(match[2] ?? 1),
    toField: match[4] === undefined ? 0 : Number(match[4]),
    toChar: Number(match[5] ?? 0),
    letters: match[3]! + (match[6] ?? ''),
  };
}

export async function sort(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'bcCdfghik:mMno:rRsS:t:T:uVz', [
    { name: 'ignore-leading-blanks', value: 'b' },
    { name: 'check', argument: 'optional', value: 'c' },
    { name: 'dictionary-order', value: 'd' },
    { name: 'ignore-case', value: 'f' },
    { name: 'general-numeric-sort', value: 'g' },
    { name: 'human-numeric-sort', value: 'h' },
    { name: 'ignore-nonprinting', value: 'i' },
    { name: 'key', argument: 'required', value: 'k' },
    { name: 'merge', value: 'm' },
    { name: 'month-sort', value: 'M' },
    { name: 'numeric-sort', value: 'n' },
    { name: 'output', argument: 'required', value: 'o' },
    { name: 'reverse', value: 'r' },
    { name: 'random-sort', value: 'R' },
    { name: 'stable', value: 's' },
    { name: 'field-separator', argument: 'required', value: 't' },
    { name: 'unique', value: 'u' },
    { name: 'version-sort', value: 'V' },
    { name: 'zero-terminated', value: 'z' },
    { name: 'parallel', argument: 'required', value: 'parallel' },
  ]);
  if (given === undefined) return 2;
  const { flags, operands } = given;
  const keys: Key[] = [];
  for (const { option, argument } of given.all) {
    if (option !== 'k') continue;
    const key = parseKey(argument);
    if (key === undefined) {
      complain(proc, `invalid field specification ‘${argument}’`);
      tryHelp(proc);
      return 2;
    }
    keys.push(key);
  }
  const global = [...flags.keys()].filter((letter) => letter.length === 1 && ORDER.includes(letter)).join('');
  for (const key of keys) if (key.letters === '') key.letters = global;
  let separator = flags.get('t');
  if (separator === '\\0') separator = '\0';
  if (separator !== undefined && [...separator].length !== 1) {
    complain(proc, separator === '' ? 'empty tab' : `multi-character tab ‘${separator}’`);
    return 2;
  }
  const end = flags.has('z') ? '\0' : '\n';
  const { lines, failed } = await allLines(
    proc,
    operands,
    flags.has('z') ? 0 : 10,
    (name, reason) => `cannot read: ${name}: ${reason}`,
  );
  if (failed) return 2;
  const random = new Map<string, number>();
  const context: Context = {
    separator,
    random: (text) => {
      let value = random.get(text);
      if (value === undefined) {
        value = proc.random();
        random.set(text, value);
      }
      return value;
    },
  };
  const byKeys = (a: string, b: string): number => {
    if (keys.length === 0) return signed(compareText(a, b, global, context), global);
    for (const key of keys) {
      const result = signed(
        compareText(extract(a, key, separator), extract(b, key, separator), key.letters, context),
        key.letters,
      );
      if (result !== 0) return result;
    }
    return 0;
  };
  const compare = (a: string, b: string): number => {
    const result = byKeys(a, b);
    if (result !== 0 || flags.has('s') || flags.has('u')) return result;
    const bytes = compareBytes(a, b);
    return global.includes('r') ? -bytes : bytes;
  };
  if (flags.has('c') || flags.has('C')) {
    for (let i = 1; i < lines.length; i++) {
      const order = compare(lines[i - 1]!, lines[i]!);
      if (order > 0 || (flags.has('u') && order === 0)) {
        if (!flags.has('C') && flags.get('c') !== 'quiet' && flags.get('c') !== 'silent')
          complain(proc, `${operands[0] ?? '-'}:${i + 1}: disorder: ${lines[i]}`);
        return 1;
      }
    }
    return 0;
  }
  lines.sort(compare);
  const kept = flags.has('u') ? lines.filter((line, i) => i === 0 || byKeys(lines[i - 1]!, line) !== 0) : lines;
  const text = kept.map((line) => line + end).join('');
  const output = flags.get('o');
  if (output === undefined) proc.stdout.write(text);
  else {
    const refused = proc.files.write(output, text);
    if (isRefusal(refused)) {
      complain(proc, `open failed: ${output}: No such file or directory`);
      return 2;
    }
  }
  return 0;
}

interface Context {
  separator: string | undefined;
  random: (text: string) => number;
}

function signed(order: number, letters: string): number {
  return letters.includes('r') ? -order : order;
}

/** The part of a line that a key means. */
function extract(line: string, key: Key, separator: string | undefined): string {
  const start = position(line, key.fromField, key.fromChar, separator, key.letters.includes('b'), false);
  const stop =
    key.toField === 0
      ? line.length
      : position(line, key.toField, key.toChar, separator, key.letters.includes('b'), true);
  return line.slice(start, Math.max(start, stop));
}

/** Offset of a character of a field; for an end, one past it. */
function position(
  line: string,
  field: number,
  char: number,
  separator: string | undefined,
  skipBlanks: boolean,
  isEnd: boolean,
): number {
  let at = 0;
  for (let n = 1; n < field; n++) {
    if (separator !== undefined) {
      const found = line.indexOf(separator, at);
      if (found < 0) return line.length;
      at = found + 1;
    } else {
      while (at < line.length && /[ \t]/.test(line[at]!)) at++;
      while (at < line.length && !/[ \t]/.test(line[at]!)) at++;
    }
  }
  if (isEnd && char === 0) {
    if (separator !== undefined) {
      const found = line.indexOf(separator, at);
      return found < 0 ? line.length : found;
    }
    while (at < line.length && /[ \t]/.test(line[at]!)) at++;
    while (at < line.length && !/[ \t]/.test(line[at]!)) at++;
    return at;
  }
  if (skipBlanks) while (at < line.length && /[ \t]/.test(line[at]!)) at++;
  return Math.min(line.length, at + (isEnd ? char : char - 1));
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

function compareText(a: string, b: string, letters: string, context: Context): number {
  if (letters.includes('n')) return numeric(a) - numeric(b);
  if (letters.includes('g')) return general(a) - general(b);
  if (letters.includes('h')) return human(a) - human(b);
  if (letters.includes('M'))
    return MONTHS.indexOf(a.trim().slice(0, 3).toUpperCase()) - MONTHS.indexOf(b.trim().slice(0, 3).toUpperCase());
  if (letters.includes('V')) return compareVersions(a, b);
  if (letters.includes('R')) return context.random(a) - context.random(b);
  return compareBytes(prepare(a, letters), prepare(b, letters));
}

function prepare(text: string, letters: string): string {
  let out = text;
  if (letters.includes('b')) out = out.replace(/^[ \t]+/, '');
  if (letters.includes('d')) out = out.replace(/[^A-Za-z0-9 \t]/g, '');
  if (letters.includes('i')) out = out.replace(/[^ -~]/g, '');
  return letters.includes('f') ? out.toUpperCase() : out;
}

/** By bytes: UTF-8 keeps the order of code points. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  if (!/[\ud800-\udfff]/.test(a + b)) return a < b ? -1 : 1;
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const order = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function numeric(text: string): number {
  return Number(/^[ \t]*(-?\d*\.?\d*)/.exec(text)?.[1] || 0) || 0;
}

function general(text: string): number {
  const value = Number.parseFloat(text);
  return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
}

function human(text: string): number {
  const match = /^[ \t]*(-?\d*\.?\d*)([KkMGTPEZY]?)/.exec(text);
  const power = match === null || match[2] === '' ? 0 : 'KMGTPEZY'.indexOf(match[2]!.toUpperCase()) + 1;
  return (Number(match?.[1] || 0) || 0) * 1024 ** power;
}

/** GNU filevercmp, without its rules for suffixes: runs of digits compare as numbers. */
function compareVersions(a: string, b: string): number {
  const split = (text: string) => text.match(/\d+|\D+/g) ?? [];
  const left = split(a);
  const right = split(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const x = left[i];
    const y = right[i];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    if (/^\d/.test(x) && /^\d/.test(y)) {
      const order = BigInt(x) - BigInt(y);
      if (order !== 0n) return order < 0n ? -1 : 1;
    } else if (x !== y) return rank(x) < rank(y) ? -1 : 1;
  }
  return compareBytes(a, b);
}

/** Letters before other characters, `~` before everything. */
function rank(text: string): string {
  return [...text]
    .map((char) => (char === '~' ? '\0' : /[A-Za-z]/.test(char) ? char : String.fromCharCode(char.charCodeAt(0) + 256)))
    .join('');
}
