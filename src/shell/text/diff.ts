/** diff of GNU diffutils 3.8: normal, unified and context output, -q. */
import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { DirectoryInode } from '../fs/inode.ts';
import { basename } from '../fs/path.ts';
import { concat, decode } from '../process/bytes.ts';
import type { Proc } from '../process/proc.ts';
import { readOptions } from '../programs/options.ts';
import { strftime } from '../programs/strftime.ts';
import { type Change, changes } from './longest-common.ts';

interface Side {
  name: string;
  lines: string[];
  /** The last line has a newline. */
  complete: boolean;
  mtime: number;
}

export async function diff(proc: Proc): Promise<number> {
  proc.argv = proc.argv.flatMap((arg) => {
    const old = /^-([a-z]*)([uc])(\d+)$/.exec(arg);
    return old === null ? [arg] : [`-${old[1]}${old[2]!.toUpperCase()}`, old[3]!];
  });
  const given = readOptions(proc, 'uU:cC:qsibwBEZarNeyL:t', [
    { name: 'unified', argument: 'optional', value: 'U' },
    { name: 'context', argument: 'optional', value: 'C' },
    { name: 'brief', value: 'q' },
    { name: 'report-identical-files', value: 's' },
    { name: 'ignore-case', value: 'i' },
    { name: 'ignore-space-change', value: 'b' },
    { name: 'ignore-all-space', value: 'w' },
    { name: 'ignore-blank-lines', value: 'B' },
    { name: 'ignore-trailing-space', value: 'Z' },
    { name: 'text', value: 'a' },
    { name: 'recursive', value: 'r' },
    { name: 'new-file', value: 'N' },
    { name: 'label', argument: 'required', value: 'L' },
    { name: 'color', argument: 'optional', value: 'color' },
    { name: 'normal', value: 'normal' },
  ]);
  if (given === undefined) return 2;
  const { flags, operands } = given;
  for (const letter of ['e', 'y', 'B']) {
    if (!flags.has(letter)) continue;
    proc.stderr.write(`diff: option -${letter} is not supported\n`);
    return 2;
  }
  if (operands.length !== 2) {
    const text =
      operands.length < 2 ? `missing operand after '${operands.at(-1) ?? 'diff'}'` : `extra operand '${operands[2]}'`;
    proc.stderr.write(`diff: ${text}\ndiff: Try 'diff --help' for more information.\n`);
    return 2;
  }
  const labels = given.all.filter(({ option }) => option === 'L').map(({ argument }) => argument);
  return new Comparison(proc, flags, labels).compare(operands[0]!, operands[1]!, true);
}

class Comparison {
  private readonly proc: Proc;
  private readonly flags: ReadonlyMap<string, string>;
  private readonly labels: readonly string[];

  constructor(proc: Proc, flags: ReadonlyMap<string, string>, labels: readonly string[]) {
    this.proc = proc;
    this.flags = flags;
    this.labels = labels;
  }

  async compare(left: string, right: string, top: boolean): Promise<number> {
    const a = this.directory(left);
    const b = this.directory(right);
    if (a !== undefined && b !== undefined) return this.directories(left, a, right, b);
    if (top && a !== undefined) return this.compare(`${left}/${basename(right)}`, right, false);
    if (top && b !== undefined) return this.compare(left, `${right}/${basename(left)}`, false);
    const first = await this.load(left);
    const second = await this.load(right);
    return first === undefined || second === undefined ? 2 : this.files(first, second, top);
  }

  private directory(path: string): string[] | undefined {
    const found = this.proc.system.vfs.resolve(this.proc, path);
    return !isRefusal(found) && found.inode instanceof DirectoryInode ? found.inode.list(this.proc).sort() : undefined;
  }

  private async directories(left: string, a: readonly string[], right: string, b: readonly string[]): Promise<number> {
    let status = 0;
    for (const name of [...new Set([...a, ...b])].sort()) {
      if (!a.includes(name) || !b.includes(name)) {
        this.proc.stdout.write(`Only in ${a.includes(name) ? left : right}: ${name}\n`);
        status = Math.max(status, 1);
      } else if (this.directory(`${left}/${name}`) === undefined || this.flags.has('r')) {
        status = Math.max(status, await this.compare(`${left}/${name}`, `${right}/${name}`, false));
      } else this.proc.stdout.write(`Common subdirectories: ${left}/${name} and ${right}/${name}\n`);
    }
    return status;
  }

  private async load(path: string): Promise<Side | undefined> {
    const { proc } = this;
    const file = path === '-' ? proc.fds[0] : await proc.open(path, { read: true });
    if (file === undefined || isRefusal(file)) {
      proc.stderr.write(`diff: ${path}: ${strerror(file?.errno ?? 9)}\n`);
      return undefined;
    }
    const chunks: Uint8Array[] = [];
    for (let data = await proc.readFile(file); data.length > 0; data = await proc.readFile(file)) chunks.push(data);
    proc.close(file);
    const text = decode(concat(chunks));
    const complete = text === '' || text.endsWith('\n');
    const lines = text === '' ? [] : (complete ? text.slice(0, -1) : text).split('\n');
    const found = proc.system.vfs.resolve(proc, path);
    return { name: path, lines, complete, mtime: isRefusal(found) ? proc.realtime() : found.inode.mtime };
  }

  private key(line: string): string {
    const { flags } = this;
    let out = line;
    if (flags.has('w')) out = out.replace(/\s+/g, '');
    else if (flags.has('b')) out = out.replace(/\s+/g, ' ').trimEnd();
    else if (flags.has('Z')) out = out.trimEnd();
    return flags.has('i') ? out.toLowerCase() : out;
  }

  private keys(side: Side): string[] {
    const keys = side.lines.map((line) => this.key(line));
    if (!side.complete && !this.flags.has('w') && !this.flags.has('b') && !this.flags.has('Z'))
      keys[keys.length - 1] += '\0';
    return keys;
  }

  private files(a: Side, b: Side, top: boolean): number {
    const { flags, proc } = this;
    const found = changes(this.keys(a), this.keys(b));
    if (found.length === 0) {
      if (flags.has('s')) proc.stdout.write(`Files ${a.name} and ${b.name} are identical\n`);
      return 0;
    }
    if (flags.has('q')) {
      proc.stdout.write(`Files ${a.name} and ${b.name} differ\n`);
      return 1;
    }
    if (!top)
      proc.stdout.write(
        `diff${[...flags.keys()]
          .filter((key) => key.length === 1)
          .map((key) => ` -${key}`)
          .join('')} ${a.name} ${b.name}\n`,
      );
    if (flags.has('u') || flags.has('U')) this.unified(a, b, found, Number(flags.get('U') || 3));
    else if (flags.has('c') || flags.has('C')) this.context(a, b, found, Number(flags.get('C') || 3));
    else this.normal(a, b, found);
    return 1;
  }

  private line(prefix: string, side: Side, index: number): string {
    const last = index === side.lines.length - 1 && !side.complete;
    return `${prefix}${side.lines[index]}\n${last ? '\\ No newline at end of file\n' : ''}`;
  }

  private normal(a: Side, b: Side, found: readonly Change[]): void {
    let out = '';
    for (const { from, to, newFrom, newTo } of found) {
      const left = range(from, to);
      const right = range(newFrom, newTo);
      const letter = from === to ? 'a' : newFrom === newTo ? 'd' : 'c';
      out += `${left}${letter}${right}\n`;
      for (let i = from; i < to; i++) out += this.line('< ', a, i);
      if (letter === 'c') out += '---\n';
      for (let i = newFrom; i < newTo; i++) out += this.line('> ', b, i);
    }
    this.proc.stdout.write(out);
  }

  private header(side: Side, index: number): string {
    const label = this.labels[index];
    if (label !== undefined) return label;
    return `${side.name}\t${strftime('%Y-%m-%d %H:%M:%S.%N %z', side.mtime, this.proc.utcOffset)}`;
  }

  private unified(a: Side, b: Side, found: readonly Change[], context: number): void {
    let out = `--- ${this.header(a, 0)}\n+++ ${this.header(b, 1)}\n`;
    for (const hunk of hunks(found, context)) {
      const start = Math.max(0, hunk[0]!.from - context);
      const newStart = Math.max(0, hunk[0]!.newFrom - context);
      const end = Math.min(a.lines.length, hunk.at(-1)!.to + context);
      const newEnd = Math.min(b.lines.length, hunk.at(-1)!.newTo + context);
      out += `@@ -${unifiedRange(start, end)} +${unifiedRange(newStart, newEnd)} @@\n`;
      let at = start;
      for (const { from, to, newFrom, newTo } of hunk) {
        for (; at < from; at++) out += this.line(' ', a, at);
        for (; at < to; at++) out += this.line('-', a, at);
        for (let i = newFrom; i < newTo; i++) out += this.line('+', b, i);
      }
      for (; at < end; at++) out += this.line(' ', a, at);
    }
    this.proc.stdout.write(out);
  }

  private context(a: Side, b: Side, found: readonly Change[], context: number): void {
    let out = `*** ${this.header(a, 0)}\n--- ${this.header(b, 1)}\n`;
    for (const hunk of hunks(found, context)) {
      const start = Math.max(0, hunk[0]!.from - context);
      const newStart = Math.max(0, hunk[0]!.newFrom - context);
      const end = Math.min(a.lines.length, hunk.at(-1)!.to + context);
      const newEnd = Math.min(b.lines.length, hunk.at(-1)!.newTo + context);
      out += `***************\n*** ${contextRange(start, end)} ****\n`;
      if (hunk.some(({ from, to }) => from < to))
        out += this.half(
          a,
          start,
          end,
          hunk.map(({ from, to, newFrom, newTo }) => ({ from, to, mark: newFrom < newTo ? '! ' : '- ' })),
        );
      out += `--- ${contextRange(newStart, newEnd)} ----\n`;
      if (hunk.some(({ newFrom, newTo }) => newFrom < newTo))
        out += this.half(
          b,
          newStart,
          newEnd,
          hunk.map(({ from, to, newFrom, newTo }) => ({ from: newFrom, to: newTo, mark: from < to ? '! ' : '+ ' })),
        );
    }
    this.proc.stdout.write(out);
  }

  private half(
    side: Side,
    start: number,
    end: number,
    marked: readonly { from: number; to: number; mark: string }[],
  ): string {
    let out = '';
    for (let i = start; i < end; i++) {
      const change = marked.find(({ from, to }) => i >= from && i < to);
      out += this.line(change?.mark ?? '  ', side, i);
    }
    return out;
  }
}

/** `3`, `3,5`; an empty range is the line before it. */
function range(from: number, to: number): string {
  return to - from <= 1 ? String(from === to ? from : from + 1) : `${from + 1},${to}`;
}

function unifiedRange(from: number, to: number): string {
  const count = to - from;
  if (count === 0) return `${from},0`;
  return count === 1 ? String(from + 1) : `${from + 1},${count}`;
}

function contextRange(from: number, to: number): string {
  return to - from <= 1 ? String(Math.max(from + (from < to ? 1 : 0), 0)) : `${from + 1},${to}`;
}

/** Changes that are close enough to be shown together. */
function hunks(found: readonly Change[], context: number): Change[][] {
  const out: Change[][] = [];
  for (const change of found) {
    const last = out.at(-1)?.at(-1);
    if (last !== undefined && change.from - last.to <= 2 * context) out.at(-1)!.push(change);
    else out.push([change]);
  }
  return out;
}
