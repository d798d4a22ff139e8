/** paste, column, comm, rev, tac, nl and fold. */
import { encode } from '../process/bytes.ts';
import type { Proc } from '../process/proc.ts';
import { complain, readOptions, tryHelp } from '../programs/options.ts';
import { allLines, LineSource, openInput } from './line-source.ts';
import { compareBytes } from './sort.ts';

export async function paste(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'd:sz', [
    { name: 'delimiters', argument: 'required', value: 'd' },
    { name: 'serial', value: 's' },
    { name: 'zero-terminated', value: 'z' },
  ]);
  if (given === undefined) return 1;
  const delimiters = [
    ...(given.flags.get('d') ?? '\t').replace(/\\([nt\\0])/g, (_found, code: string) =>
      code === 'n' ? '\n' : code === 't' ? '\t' : code === '0' ? '\uffff' : '\\',
    ),
  ].map((each) => (each === '\uffff' ? '' : each));
  const between = (i: number) => (delimiters.length === 0 ? '' : delimiters[i % delimiters.length]!);
  const names = given.operands.length === 0 ? ['-'] : given.operands;
  const sources: LineSource[] = [];
  const shared = new Map<unknown, LineSource>();
  for (const name of names) {
    const file = await openInput(proc, name);
    if (file === undefined) return 1;
    const source = (name === '-' ? shared.get(file) : undefined) ?? new LineSource(proc, file);
    shared.set(file, source);
    sources.push(source);
  }
  if (given.flags.has('s')) {
    for (const source of sources) {
      let text = '';
      let n = 0;
      for (let line = await source.next(); line !== undefined; line = await source.next())
        text += n++ === 0 ? line : between(n - 2) + line;
      proc.stdout.write(`${text}\n`);
    }
    return 0;
  }
  for (;;) {
    const cells: (string | undefined)[] = [];
    for (const source of sources) cells.push(await source.next());
    if (cells.every((cell) => cell === undefined)) return 0;
    proc.stdout.write(`${cells.map((cell, i) => (i === 0 ? '' : between(i - 1)) + (cell ?? '')).join('')}\n`);
  }
}

function width(text: string): number {
  return [...text].length;
}

export async function column(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'tc:s:o:N:xeR:', [
    { name: 'table', value: 't' },
    { name: 'output-width', argument: 'required', value: 'c' },
    { name: 'separator', argument: 'required', value: 's' },
    { name: 'output-separator', argument: 'required', value: 'o' },
    { name: 'table-columns', argument: 'required', value: 'N' },
    { name: 'table-right', argument: 'required', value: 'R' },
    { name: 'fillrows', value: 'x' },
  ]);
  if (given === undefined) return 1;
  const { flags } = given;
  const { lines, failed } = await allLines(proc, given.operands);
  const kept = lines.filter((line) => line.trim() !== '');
  if (!flags.has('t')) {
    proc.stdout.write(fill(kept, Number(flags.get('c') ?? 80), flags.has('x')));
    return failed ? 1 : 0;
  }
  const separators = flags.get('s');
  const rows = kept.map((line) => {
    if (separators === undefined) return line.trim().split(/[ \t]+/);
    const set = [...separators];
    const cells: string[] = [''];
    for (const char of line) {
      if (set.includes(char)) cells.push('');
      else cells[cells.length - 1] += char;
    }
    return cells;
  });
  if (flags.has('N')) rows.unshift(flags.get('N')!.split(','));
  const right = new Set((flags.get('R') ?? '').split(',').map((each) => Number(each) - 1));
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(0, ...rows.map((row) => width(row[i] ?? ''))));
  const joiner = flags.get('o') ?? '  ';
  for (const row of rows) {
    let text = '';
    for (let i = 0; i < count; i++) {
      const cell = row[i] ?? '';
      const padding = ' '.repeat(widths[i]! - width(cell));
      if (right.has(i)) text += padding + cell;
      else text += i === count - 1 ? cell : cell + padding;
      if (i < count - 1) text += joiner;
    }
    proc.stdout.write(`${text}\n`);
  }
  return failed ? 1 : 0;
}

/** Entries in columns of equal width, tabs between them. */
function fill(entries: readonly string[], total: number, byRows: boolean): string {
  const longest = Math.max(0, ...entries.map(width));
  const cell = (longest & ~7) + 8;
  const columns = Math.max(1, Math.floor(total / cell));
  const rows = Math.ceil(entries.length / columns);
  let out = '';
  for (let row = 0; row < rows; row++) {
    const line: string[] = [];
    for (let i = 0; i < columns; i++) {
      const entry = entries[byRows ? row * columns + i : i * rows + row];
      if (entry !== undefined) line.push(entry);
    }
    line.forEach((entry, i) => {
      out += entry;
      if (i < line.length - 1) for (let at = width(entry); at < cell; at = (at & ~7) + 8) out += '\t';
    });
    out += '\n';
  }
  return out;
}

export async function comm(proc: Proc): Promise<number> {
  const given = readOptions(proc, '123z', [
    { name: 'output-delimiter', argument: 'required', value: 'd' },
    { name: 'check-order', value: 'check' },
    { name: 'nocheck-order', value: 'nocheck' },
    { name: 'total', value: 'total' },
  ]);
  if (given === undefined) return 1;
  const { flags, operands } = given;
  if (operands.length !== 2) {
    complain(
      proc,
      operands.length === 0
        ? 'missing operand'
        : operands.length === 1
          ? `missing operand after ‘${operands[0]}’`
          : `extra operand ‘${operands[2]}’`,
    );
    tryHelp(proc);
    return 1;
  }
  const tab = flags.get('d') ?? '\t';
  const sides: string[][] = [];
  for (const name of operands) {
    const { lines, failed } = await allLines(proc, [name]);
    if (failed) return 1;
    sides.push(lines);
  }
  const [a, b] = sides as [string[], string[]];
  const prefix = [flags.has('1') ? undefined : '', flags.has('2') ? undefined : flags.has('1') ? '' : tab];
  const both = flags.has('3') ? undefined : tab.repeat((flags.has('1') ? 0 : 1) + (flags.has('2') ? 0 : 1));
  let i = 0;
  let j = 0;
  let out = '';
  const emit = (head: string | undefined, line: string) => {
    if (head !== undefined) out += `${head}${line}\n`;
  };
  while (i < a.length || j < b.length) {
    const order = i >= a.length ? 1 : j >= b.length ? -1 : compareBytes(a[i]!, b[j]!);
    if (order === 0) {
      emit(both, a[i++]!);
      j++;
    } else if (order < 0) emit(prefix[0], a[i++]!);
    else emit(prefix[1], b[j++]!);
  }
  proc.stdout.write(out);
  let status = 0;
  if (!flags.has('nocheck')) {
    sides.forEach((lines, side) => {
      if (lines.every((line, at) => at === 0 || compareBytes(lines[at - 1]!, line) <= 0)) return;
      complain(proc, `file ${side + 1} is not in sorted order`);
      status = 1;
    });
  }
  if (status !== 0) complain(proc, 'input is not in sorted order');
  return status;
}

/** rev: characters of each line turned round. */
export async function rev(proc: Proc): Promise<number> {
  return eachLine(
    proc,
    (line) => [...line].reverse().join(''),
    (name, reason) => `cannot open ${name}: ${reason}`,
  );
}

export async function tac(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'brs:', []);
  if (given === undefined) return 1;
  let status = 0;
  for (const name of given.operands.length === 0 ? ['-'] : given.operands) {
    const { lines, failed } = await allLines(
      proc,
      [name],
      10,
      (each, reason) => `failed to open '${each}' for reading: ${reason}`,
    );
    if (failed) status = 1;
    proc.stdout.write(
      lines
        .reverse()
        .map((line) => `${line}\n`)
        .join(''),
    );
  }
  return status;
}

async function eachLine(
  proc: Proc,
  change: (line: string) => string,
  words?: (name: string, reason: string) => string,
): Promise<number> {
  let status = 0;
  const names = proc.argv.slice(1);
  for (const name of names.length === 0 ? ['-'] : names) {
    const file = await openInput(proc, name, words);
    if (file === undefined) {
      status = 1;
      continue;
    }
    const source = new LineSource(proc, file);
    for (let line = await source.next(); line !== undefined; line = await source.next()) {
      proc.stdout.write(`${change(line)}${source.complete ? '\n' : ''}`);
    }
    proc.close(file);
  }
  return status;
}

export async function nl(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'b:w:s:v:i:n:', [
    { name: 'body-numbering', argument: 'required', value: 'b' },
    { name: 'number-width', argument: 'required', value: 'w' },
    { name: 'number-separator', argument: 'required', value: 's' },
    { name: 'starting-line-number', argument: 'required', value: 'v' },
    { name: 'line-increment', argument: 'required', value: 'i' },
    { name: 'number-format', argument: 'required', value: 'n' },
  ]);
  if (given === undefined) return 1;
  const { flags } = given;
  const style = flags.get('b') ?? 't';
  const size = Number(flags.get('w') ?? 6);
  const separator = flags.get('s') ?? '\t';
  const format = flags.get('n') ?? 'rn';
  let number = Number(flags.get('v') ?? 1);
  const { lines, failed } = await allLines(proc, given.operands);
  for (const line of lines) {
    const counts =
      style === 'a' ||
      (style === 't' && line !== '') ||
      (style.startsWith('p') && new RegExp(style.slice(1)).test(line));
    if (!counts) {
      proc.stdout.write(`${' '.repeat(size + encode(separator).length)}${line}\n`);
      continue;
    }
    const digits = String(number);
    const shown = format === 'ln' ? digits.padEnd(size) : digits.padStart(size, format === 'rz' ? '0' : ' ');
    proc.stdout.write(`${shown}${separator}${line}\n`);
    number += Number(flags.get('i') ?? 1);
  }
  return failed ? 1 : 0;
}

export async function fold(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'bsw:', [
    { name: 'spaces', value: 's' },
    { name: 'width', argument: 'required', value: 'w' },
    { name: 'bytes', value: 'b' },
  ]);
  if (given === undefined) return 1;
  const limit = Number(given.flags.get('w') ?? 80);
  if (!Number.isInteger(limit) || limit < 1) {
    complain(proc, `invalid number of columns: ‘${given.flags.get('w')}’`);
    return 1;
  }
  const { lines, failed } = await allLines(proc, given.operands);
  for (const line of lines) {
    let rest = line;
    while (rest.length > limit) {
      const space = given.flags.has('s') ? rest.slice(0, limit).search(/[ \t][^ \t]*$/) : -1;
      const cut = space >= 0 ? space + 1 : limit;
      proc.stdout.write(`${rest.slice(0, cut)}\n`);
      rest = rest.slice(cut);
    }
    proc.stdout.write(`${rest}\n`);
  }
  return failed ? 1 : 0;
}
