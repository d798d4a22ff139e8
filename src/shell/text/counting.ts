/** wc, uniq and seq of coreutils. */

import type { Proc } from '../process/proc.ts';
import { formatFloat } from '../programs/float.ts';
import { complain, readOptions, tryHelp } from '../programs/options.ts';
import { LineSource, openInput } from './line-source.ts';

interface Counts {
  lines: number;
  words: number;
  chars: number;
  bytes: number;
  longest: number;
}

export async function wc(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'clmwL', [
    { name: 'bytes', value: 'c' },
    { name: 'lines', value: 'l' },
    { name: 'chars', value: 'm' },
    { name: 'words', value: 'w' },
    { name: 'max-line-length', value: 'L' },
  ]);
  if (given === undefined) return 1;
  const { flags, operands } = given;
  const columns = (['l', 'w', 'm', 'c', 'L'] as const).filter((letter) =>
    flags.size === 0 ? 'lwc'.includes(letter) : flags.has(letter),
  );
  const rows: { counts: Counts; name: string }[] = [];
  const total: Counts = { lines: 0, words: 0, chars: 0, bytes: 0, longest: 0 };
  let status = 0;
  let regular = operands.length > 0;
  for (const name of operands.length === 0 ? ['-'] : operands) {
    const file = await openInput(proc, name);
    if (file === undefined) {
      status = 1;
      continue;
    }
    if (!file.seekable) regular = false;
    const counts: Counts = { lines: 0, words: 0, chars: 0, bytes: 0, longest: 0 };
    let inWord = false;
    let width = 0;
    for (let data = await proc.readFile(file); data.length > 0; data = await proc.readFile(file)) {
      counts.bytes += data.length;
      for (const byte of data) {
        if ((byte & 0xc0) !== 0x80) {
          counts.chars++;
          width++;
        }
        if (byte === 10) {
          counts.lines++;
          counts.longest = Math.max(counts.longest, width - 1);
          width = 0;
        }
        const space = byte === 32 || (byte >= 9 && byte <= 13);
        if (!space && !inWord) counts.words++;
        inWord = !space;
      }
    }
    counts.longest = Math.max(counts.longest, width);
    proc.close(file);
    rows.push({ counts, name: operands.length === 0 ? '' : name });
    for (const key of ['lines', 'words', 'chars', 'bytes'] as const) total[key] += counts[key];
    total.longest = Math.max(total.longest, counts.longest);
  }
  if (operands.length > 1) rows.push({ counts: total, name: 'total' });
  const width =
    columns.length === 1 && rows.length === 1
      ? 1
      : regular
        ? String(total.bytes).length
        : operands.length > 0 && status === 0 && rows.every(({ counts }) => counts.bytes === 0)
          ? 7
          : 7;
  for (const { counts, name } of rows) {
    const values = { l: counts.lines, w: counts.words, m: counts.chars, c: counts.bytes, L: counts.longest };
    const cells = columns.map((letter) => String(values[letter]).padStart(width));
    proc.stdout.write(`${cells.join(' ')}${name === '' ? '' : ` ${name}`}\n`);
  }
  return status;
}

export async function uniq(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'cdDuif:s:w:z', [
    { name: 'count', value: 'c' },
    { name: 'repeated', value: 'd' },
    { name: 'all-repeated', argument: 'optional', value: 'D' },
    { name: 'unique', value: 'u' },
    { name: 'ignore-case', value: 'i' },
    { name: 'skip-fields', argument: 'required', value: 'f' },
    { name: 'skip-chars', argument: 'required', value: 's' },
    { name: 'check-chars', argument: 'required', value: 'w' },
    { name: 'zero-terminated', value: 'z' },
  ]);
  if (given === undefined) return 1;
  const { flags, operands } = given;
  if (operands.length > 2) {
    complain(proc, `extra operand ‘${operands[2]}’`);
    tryHelp(proc);
    return 1;
  }
  const file = await openInput(proc, operands[0] ?? '-');
  if (file === undefined) return 1;
  const skipFields = Number(flags.get('f') ?? 0);
  const skipChars = Number(flags.get('s') ?? 0);
  const check = flags.has('w') ? Number(flags.get('w')) : undefined;
  const key = (line: string): string => {
    let text = line;
    for (let i = 0; i < skipFields; i++) text = text.replace(/^[ \t]*[^ \t]*/, '');
    text = text.slice(skipChars);
    if (check !== undefined) text = text.slice(0, check);
    return flags.has('i') ? text.toLowerCase() : text;
  };
  const end = flags.has('z') ? '\0' : '\n';
  let out = '';
  const emit = (line: string, count: number) => {
    if (flags.has('d') && count < 2) return;
    if (flags.has('u') && count > 1) return;
    out += `${flags.has('c') ? `${String(count).padStart(7)} ` : ''}${line}${end}`;
    if (operands[1] === undefined) {
      proc.stdout.write(out);
      out = '';
    }
  };
  const source = new LineSource(proc, file, flags.has('z') ? 0 : 10);
  let previous: string | undefined;
  let group: string[] = [];
  let count = 0;
  const finish = () => {
    if (previous === undefined) return;
    if (!flags.has('D')) emit(previous, count);
    else if (group.length > 1) for (const line of group) out += `${line}${end}`;
  };
  for (let line = await source.next(); line !== undefined; line = await source.next()) {
    if (previous !== undefined && key(line) === key(previous)) {
      count++;
      if (flags.has('D')) group.push(line);
      continue;
    }
    finish();
    previous = line;
    group = [line];
    count = 1;
  }
  finish();
  if (operands[1] === undefined) proc.stdout.write(out);
  else proc.files.write(operands[1], out);
  return 0;
}

export async function seq(proc: Proc): Promise<number> {
  // Negative numbers are operands, not options.
  const words = proc.argv.slice(1);
  let separator = '\n';
  let format: string | undefined;
  let equal = false;
  const numbers: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const long = /^--(separator|format|equal-width)(?:=(.*))?$/s.exec(word);
    if (/^-(?:\d|\.\d|inf)/.test(word) || !word.startsWith('-') || numbers.length > 0) numbers.push(word);
    else if (word.startsWith('-s') || long?.[1] === 'separator')
      separator = long !== null ? (long[2] ?? words[++i] ?? '') : word.slice(2) || (words[++i] ?? '');
    else if (word.startsWith('-f') || long?.[1] === 'format')
      format = long !== null ? (long[2] ?? words[++i] ?? '') : word.slice(2) || (words[++i] ?? '');
    else if (word === '-w' || long?.[1] === 'equal-width') equal = true;
    else if (word !== '--') {
      complain(proc, word.startsWith('--') ? `unrecognized option '${word}'` : `invalid option -- '${word[1]}'`);
      tryHelp(proc);
      return 1;
    }
  }
  if (numbers.length === 0 || numbers.length > 3) {
    complain(proc, numbers.length === 0 ? 'missing operand' : `extra operand ‘${numbers[3]}’`);
    tryHelp(proc);
    return 1;
  }
  const bad = numbers.find((text) => !/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text));
  if (bad !== undefined) {
    complain(proc, `invalid floating point argument: ‘${bad}’`);
    tryHelp(proc);
    return 1;
  }
  const first = numbers.length > 1 ? numbers[0]! : '1';
  const step = numbers.length > 2 ? numbers[1]! : '1';
  const last = numbers.at(-1)!;
  if (Number(step) === 0) {
    complain(proc, `invalid Zero increment value: ‘${step}’`);
    tryHelp(proc);
    return 1;
  }
  const places = Math.max(decimals(first), decimals(step));
  const scale = 10 ** places;
  const from = Math.round(Number(first) * scale);
  const by = Math.round(Number(step) * scale);
  const to = Math.floor(Number(last) * scale + 1e-9);
  const text = (n: number) => (format === undefined ? (n / scale).toFixed(places) : applyFormat(format, n / scale));
  const width = equal ? Math.max(text(from).length, text(by > 0 ? to : to).length) : 0;
  let out = '';
  for (let n = from; by > 0 ? n <= to : n >= Math.ceil(Number(last) * scale - 1e-9); n += by) {
    const digits = text(n);
    const padded = digits.startsWith('-')
      ? `-${digits.slice(1).padStart(width - 1, '0')}`
      : digits.padStart(width, '0');
    out += out === '' ? padded : separator + padded;
    if (out.length > 60_000) {
      proc.stdout.write(out);
      await proc.stdout.flush();
      out = separator === '' ? '' : '';
      if (by > 0 ? n + by <= to : n + by >= Number(last) * scale) proc.stdout.write(separator);
    }
  }
  if (out !== '' || from === to || (by > 0 ? from <= to : from >= to)) proc.stdout.write(`${out}\n`);
  return 0;
}

function decimals(text: string): number {
  return /\.(\d+)/.exec(text)?.[1]?.length ?? 0;
}

function applyFormat(format: string, value: number): string {
  return format.replace(
    /%([-+ #0]*)(\d*)(?:\.(\d+))?([efgEG])|%%/g,
    (found, flags: string, width: string, precision: string | undefined, letter: string) =>
      found === '%%'
        ? '%'
        : formatFloat(
            letter,
            value,
            Number(width || 0),
            precision === undefined ? undefined : Number(precision),
            flags,
          ),
  );
}
