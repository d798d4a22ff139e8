/** cut and tr of coreutils. */
import { decode, encode } from '../process/bytes.ts';
import type { Proc } from '../process/proc.ts';
import { complain, readOptions, tryHelp } from '../programs/options.ts';
import { LineSource, openInput } from './line-source.ts';

type Range = [from: number, to: number];

/** `1,3-5,7-`: undefined when it is none. */
function parseList(text: string): Range[] | undefined {
  const out: Range[] = [];
  for (const part of text.split(/[, ]/)) {
    const match = /^(\d*)(-?)(\d*)$/.exec(part);
    if (match === null || part === '' || part === '-') return undefined;
    const from = match[1] === '' ? 1 : Number(match[1]);
    const to = match[2] === '' ? from : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (from < 1 || to < from) return undefined;
    out.push([from, to]);
  }
  return out;
}

export async function cut(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'b:c:d:f:nsz', [
    { name: 'bytes', argument: 'required', value: 'b' },
    { name: 'characters', argument: 'required', value: 'c' },
    { name: 'delimiter', argument: 'required', value: 'd' },
    { name: 'fields', argument: 'required', value: 'f' },
    { name: 'complement', value: 'complement' },
    { name: 'only-delimited', value: 's' },
    { name: 'output-delimiter', argument: 'required', value: 'o' },
    { name: 'zero-terminated', value: 'z' },
  ]);
  if (given === undefined) return 1;
  const { flags, operands } = given;
  const fail = (text: string) => {
    complain(proc, text);
    tryHelp(proc);
    return 1;
  };
  const kinds = ['b', 'c', 'f'].filter((letter) => flags.has(letter));
  if (kinds.length === 0) return fail('you must specify a list of bytes, characters, or fields');
  if (kinds.length > 1) return fail('only one type of list may be specified');
  const kind = kinds[0]!;
  const delimiter = flags.get('d') ?? '\t';
  if ([...delimiter].length > 1) return fail('the delimiter must be a single character');
  if (flags.has('d') && kind !== 'f') return fail('an input delimiter may be specified only when operating on fields');
  const listText = flags.get(kind)!;
  const list = parseList(listText);
  if (list === undefined) {
    if (/(?:^|,)0/.test(listText))
      return fail(kind === 'f' ? 'fields are numbered from 1' : 'byte/character positions are numbered from 1');
    return fail(kind === 'f' ? `invalid field value '${listText}'` : `invalid byte or character range`);
  }
  const wanted = (n: number) => list.some(([from, to]) => n >= from && n <= to) !== flags.has('complement');
  const joiner = flags.get('o') ?? (kind === 'f' ? delimiter : '');
  const select = (line: string): string | undefined => {
    if (kind === 'f') {
      const fields = line.split(delimiter === '' ? '\0' : delimiter);
      if (fields.length === 1) return flags.has('s') ? undefined : line;
      return fields.filter((_, i) => wanted(i + 1)).join(joiner);
    }
    const units = kind === 'b' || kind === 'c' ? encode(line) : new Uint8Array(0);
    const kept: number[] = [];
    let out = '';
    let inRun = false;
    units.forEach((byte, i) => {
      if (!wanted(i + 1)) {
        inRun = false;
        return;
      }
      if (!inRun && kept.length + out.length > 0 && joiner !== '') {
        out += decode(Uint8Array.from(kept)) + joiner;
        kept.length = 0;
      }
      inRun = true;
      kept.push(byte);
    });
    return out + decode(Uint8Array.from(kept));
  };
  const end = flags.has('z') ? '\0' : '\n';
  let status = 0;
  for (const name of operands.length === 0 ? ['-'] : operands) {
    const file = await openInput(proc, name);
    if (file === undefined) {
      status = 1;
      continue;
    }
    const source = new LineSource(proc, file, flags.has('z') ? 0 : 10);
    for (let line = await source.next(); line !== undefined; line = await source.next()) {
      const text = select(line);
      if (text !== undefined) proc.stdout.write(`${text}${end}`);
    }
    proc.close(file);
  }
  return status;
}

// ---------------------------------------------------------------- tr

const CLASS_TEST: Readonly<Record<string, (byte: number) => boolean>> = {
  alpha: (c) => (c >= 65 && c <= 90) || (c >= 97 && c <= 122),
  digit: (c) => c >= 48 && c <= 57,
  alnum: (c) => (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || (c >= 48 && c <= 57),
  upper: (c) => c >= 65 && c <= 90,
  lower: (c) => c >= 97 && c <= 122,
  space: (c) => c === 32 || (c >= 9 && c <= 13),
  blank: (c) => c === 32 || c === 9,
  punct: (c) => (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126),
  print: (c) => c >= 32 && c <= 126,
  graph: (c) => c >= 33 && c <= 126,
  cntrl: (c) => c < 32 || c === 127,
  xdigit: (c) => (c >= 48 && c <= 57) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102),
};

interface Set1 {
  bytes: number[];
  /** Where `[x*]` fills up to the length of the other set. */
  fill: { at: number; byte: number } | undefined;
  classes: string[];
}

function parseSet(text: string): Set1 | string {
  const set: Set1 = { bytes: [], fill: undefined, classes: [] };
  const units: { byte: number; escaped: boolean }[] = [];
  const raw = encode(text);
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] !== 92 || i + 1 >= raw.length) {
      units.push({ byte: raw[i]!, escaped: false });
      continue;
    }
    const octal = /^[0-7]{1,3}/.exec(decode(raw.subarray(i + 1, i + 4)));
    if (octal !== null) {
      units.push({ byte: Number.parseInt(octal[0], 8) & 255, escaped: true });
      i += octal[0].length;
      continue;
    }
    i++;
    const letter = String.fromCharCode(raw[i]!);
    const named = 'abfnrtv'.indexOf(letter);
    units.push({ byte: named < 0 ? raw[i]! : [7, 8, 12, 10, 13, 9, 11][named]!, escaped: true });
  }
  const plain = (i: number, char: string) =>
    units[i] !== undefined && !units[i]!.escaped && units[i]!.byte === char.charCodeAt(0);
  for (let i = 0; i < units.length; i++) {
    if (plain(i, '[') && (plain(i + 1, ':') || plain(i + 1, '='))) {
      const mark = plain(i + 1, ':') ? ':' : '=';
      let end = i + 2;
      while (end < units.length && !(plain(end, mark) && plain(end + 1, ']'))) end++;
      if (end < units.length) {
        const name = String.fromCharCode(...units.slice(i + 2, end).map(({ byte }) => byte));
        if (mark === ':') {
          const test = CLASS_TEST[name];
          if (test === undefined) return `invalid character class '${name}'`;
          for (let byte = 0; byte < 256; byte++) if (test(byte)) set.bytes.push(byte);
          set.classes.push(name);
        } else set.bytes.push(units[i + 2]!.byte);
        i = end + 1;
        continue;
      }
    }
    if (plain(i, '[') && units[i + 1] !== undefined && plain(i + 2, '*')) {
      let end = i + 3;
      while (end < units.length && !plain(end, ']')) end++;
      const digits = String.fromCharCode(...units.slice(i + 3, end).map(({ byte }) => byte));
      if (end < units.length && /^\d*$/.test(digits)) {
        const count = digits === '' ? 0 : Number.parseInt(digits, digits.startsWith('0') ? 8 : 10);
        if (count === 0) set.fill = { at: set.bytes.length, byte: units[i + 1]!.byte };
        for (let n = 0; n < count; n++) set.bytes.push(units[i + 1]!.byte);
        i = end;
        continue;
      }
    }
    if (plain(i + 1, '-') && units[i + 2] !== undefined) {
      const from = units[i]!.byte;
      const to = units[i + 2]!.byte;
      if (to < from)
        return `range-endpoints of '${String.fromCharCode(from)}-${String.fromCharCode(to)}' are in reverse collating sequence order`;
      for (let byte = from; byte <= to; byte++) set.bytes.push(byte);
      i += 2;
      continue;
    }
    set.bytes.push(units[i]!.byte);
  }
  return set;
}

function complement(bytes: readonly number[]): number[] {
  const has = new Set(bytes);
  return Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !has.has(byte));
}

export async function tr(proc: Proc): Promise<number> {
  const given = readOptions(proc, '+cCdst', [
    { name: 'complement', value: 'c' },
    { name: 'delete', value: 'd' },
    { name: 'squeeze-repeats', value: 's' },
    { name: 'truncate-set1', value: 't' },
  ]);
  if (given === undefined) return 1;
  const { flags, operands } = given;
  const fail = (text: string) => {
    complain(proc, text);
    tryHelp(proc);
    return 1;
  };
  const deletes = flags.has('d');
  const squeezes = flags.has('s');
  const needed = deletes === squeezes ? 2 : 1;
  if (operands.length === 0) return fail('missing operand');
  if (operands.length < needed) {
    complain(proc, `missing operand after ‘${operands[0]}’`);
    proc.stderr.write(
      deletes
        ? 'Two strings must be given when both deleting and squeezing repeats.\n'
        : 'Two strings must be given when translating.\n',
    );
    tryHelp(proc);
    return 1;
  }
  if (operands.length > 2 || (deletes && !squeezes && operands.length > 1))
    return fail(`extra operand ‘${operands[deletes && !squeezes ? 1 : 2]}’`);
  const first = parseSet(operands[0]!);
  const second = operands[1] === undefined ? undefined : parseSet(operands[1]);
  if (typeof first === 'string' || typeof second === 'string') {
    complain(proc, typeof first === 'string' ? first : (second as string));
    return 1;
  }
  let from = first.bytes;
  if (flags.has('c') || flags.has('C')) from = complement(from);
  const translate = !deletes && second !== undefined;
  const map = new Uint8Array(256).map((_, byte) => byte);
  if (translate) {
    const to = second.bytes.slice();
    if (second.fill !== undefined) {
      const missing = Math.max(0, from.length - to.length);
      to.splice(second.fill.at, 0, ...new Array<number>(missing).fill(second.fill.byte));
    }
    if (to.length === 0) {
      complain(proc, 'when not truncating set1, string2 must be non-empty');
      return 1;
    }
    const count = flags.has('t') ? Math.min(from.length, to.length) : from.length;
    for (let i = 0; i < count; i++) map[from[i]!] = to[Math.min(i, to.length - 1)]!;
  }
  const deleted = new Set(deletes ? from : []);
  const squeezed = new Set(!squeezes ? [] : second === undefined ? from : second.bytes);
  const file = proc.fds[0];
  if (file === undefined) return 1;
  let last = -1;
  for (let data = await proc.readFile(file); data.length > 0; data = await proc.readFile(file)) {
    const out = new Uint8Array(data.length);
    let size = 0;
    for (const byte of data) {
      if (deleted.has(byte)) continue;
      const mapped = map[byte]!;
      if (mapped === last && squeezed.has(mapped)) continue;
      last = mapped;
      out[size++] = mapped;
    }
    proc.stdout.write(out.subarray(0, size));
  }
  return 0;
}
