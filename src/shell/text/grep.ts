/** grep of GNU grep 3.8: own, since long-lived pipes need one that works line by line. */
import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { patternRegExp } from '../bash/pattern.ts';
import { DirectoryInode } from '../fs/inode.ts';
import { basename } from '../fs/path.ts';
import { DirectoryFile } from '../fs/regular-file.ts';
import { concat, decode } from '../process/bytes.ts';
import type { OpenFile } from '../process/open-file.ts';
import type { Proc } from '../process/proc.ts';
import { readOptions } from '../programs/options.ts';
import { grepPattern, type Syntax } from './grep-pattern.ts';

const LONG = [
  { name: 'after-context', argument: 'required', value: 'A' },
  { name: 'before-context', argument: 'required', value: 'B' },
  { name: 'context', argument: 'required', value: 'C' },
  { name: 'basic-regexp', value: 'G' },
  { name: 'extended-regexp', value: 'E' },
  { name: 'fixed-strings', value: 'F' },
  { name: 'perl-regexp', value: 'P' },
  { name: 'regexp', argument: 'required', value: 'e' },
  { name: 'file', argument: 'required', value: 'f' },
  { name: 'ignore-case', value: 'i' },
  { name: 'no-ignore-case', value: 'noi' },
  { name: 'invert-match', value: 'v' },
  { name: 'word-regexp', value: 'w' },
  { name: 'line-regexp', value: 'x' },
  { name: 'count', value: 'c' },
  { name: 'color', argument: 'optional', value: 'color' },
  { name: 'colour', argument: 'optional', value: 'color' },
  { name: 'files-without-match', value: 'L' },
  { name: 'files-with-matches', value: 'l' },
  { name: 'max-count', argument: 'required', value: 'm' },
  { name: 'only-matching', value: 'o' },
  { name: 'quiet', value: 'q' },
  { name: 'silent', value: 'q' },
  { name: 'no-messages', value: 's' },
  { name: 'byte-offset', value: 'b' },
  { name: 'with-filename', value: 'H' },
  { name: 'no-filename', value: 'h' },
  { name: 'label', argument: 'required', value: 'label' },
  { name: 'line-number', value: 'n' },
  { name: 'initial-tab', value: 'T' },
  { name: 'null', value: 'Z' },
  { name: 'text', value: 'a' },
  { name: 'binary', value: 'U' },
  { name: 'recursive', value: 'r' },
  { name: 'dereference-recursive', value: 'R' },
  { name: 'include', argument: 'required', value: 'include' },
  { name: 'exclude', argument: 'required', value: 'exclude' },
  { name: 'exclude-dir', argument: 'required', value: 'excludedir' },
  { name: 'line-buffered', value: 'lb' },
  { name: 'null-data', value: 'z' },
] as const;

interface Settings {
  regexp: RegExp;
  invert: boolean;
  count: boolean;
  list: '' | 'l' | 'L';
  max: number;
  only: boolean;
  quiet: boolean;
  silent: boolean;
  offset: boolean;
  numbers: boolean;
  names: boolean;
  after: number;
  before: number;
  /** Separator of lines: newline, or NUL with -z. */
  end: number;
  label: string;
  flush: boolean;
}

export async function grep(proc: Proc): Promise<number> {
  const program = basename(proc.argv[0] ?? 'grep');
  proc.argv = [program, ...expandNumbers(proc.argv.slice(1))];
  const given = readOptions(proc, 'A:B:C:EFGPe:f:ivwxcLlm:oqsbHhnTZaUrRzyI', LONG);
  if (given === undefined) {
    return 2;
  }
  const { flags, all } = given;
  let operands = [...given.operands];
  const patterns: string[] = [];
  for (const { option, argument } of all) {
    if (option === 'e') patterns.push(...argument.split('\n'));
    else if (option === 'f') {
      const data = argument === '-' ? await proc.stdin.readAll() : await proc.readWhole(argument);
      if (isRefusal(data)) {
        proc.stderr.write(`${program}: ${argument}: ${strerror(data.errno)}\n`);
        return 2;
      }
      const text = decode(data);
      if (text !== '') patterns.push(...text.replace(/\n$/, '').split('\n'));
    }
  }
  if (!flags.has('e') && !flags.has('f')) {
    const first = operands.shift();
    if (first === undefined) {
      proc.stderr.write(
        `Usage: ${program} [OPTION]... PATTERNS [FILE]...\nTry '${program} --help' for more information.\n`,
      );
      return 2;
    }
    patterns.push(...first.split('\n'));
  }
  const numeric = (key: string): number | undefined => {
    const text = flags.get(key);
    if (text === undefined) return undefined;
    return /^\d+$/.test(text) ? Number(text) : Number.NaN;
  };
  const context = numeric('C') ?? 0;
  const after = numeric('A') ?? context;
  const before = numeric('B') ?? context;
  const max = numeric('m') ?? Number.POSITIVE_INFINITY;
  if (Number.isNaN(after + before + context)) {
    proc.stderr.write(
      `${program}: ${flags.get('A') ?? flags.get('B') ?? flags.get('C')}: invalid context length argument\n`,
    );
    return 2;
  }
  if (Number.isNaN(max)) {
    proc.stderr.write(`${program}: invalid max count\n`);
    return 2;
  }
  let syntax: Syntax = program === 'egrep' ? 'E' : program === 'fgrep' ? 'F' : 'G';
  for (const { option } of all) if ('EFGP'.includes(option) && option.length === 1) syntax = option as Syntax;
  const caseless = all.findLast(({ option }) => option === 'i' || option === 'y' || option === 'noi')?.option ?? 'noi';
  let regexp: RegExp;
  try {
    regexp = grepPattern(patterns, syntax, {
      ignoreCase: caseless !== 'noi',
      word: flags.has('w'),
      line: flags.has('x'),
    });
  } catch (error) {
    proc.stderr.write(`${program}: ${(error as Error).message}\n`);
    return 2;
  }
  const recursive = flags.has('r') || flags.has('R');
  if (recursive && operands.length === 0) operands = ['.'];
  const settings: Settings = {
    regexp,
    invert: flags.has('v'),
    count: flags.has('c'),
    list: flags.has('l') ? 'l' : flags.has('L') ? 'L' : '',
    max,
    only: flags.has('o'),
    quiet: flags.has('q'),
    silent: flags.has('s'),
    offset: flags.has('b'),
    numbers: flags.has('n'),
    names: flags.has('H') || (!flags.has('h') && (operands.length > 1 || recursive)),
    after,
    before,
    end: flags.has('z') ? 0 : 10,
    label: flags.get('label') ?? '(standard input)',
    flush: flags.has('lb'),
  };
  return new Search(proc, program, settings, recursive, given).run(operands);
}

/** `-3` is `-C 3`. */
function expandNumbers(args: readonly string[]): string[] {
  const out: string[] = [];
  let ended = false;
  for (const arg of args) {
    if (arg === '--') ended = true;
    if (!ended && /^-\d+$/.test(arg)) out.push('-C', arg.slice(1));
    else out.push(arg);
  }
  return out;
}

class Search {
  private readonly proc: Proc;
  private readonly program: string;
  private readonly settings: Settings;
  private readonly recursive: boolean;
  private readonly include: readonly string[];
  private readonly exclude: readonly string[];
  private readonly excludeDir: readonly string[];
  private matched = false;
  private failed = false;

  constructor(
    proc: Proc,
    program: string,
    settings: Settings,
    recursive: boolean,
    given: { all: readonly { option: string; argument: string }[] },
  ) {
    this.proc = proc;
    this.program = program;
    this.settings = settings;
    this.recursive = recursive;
    const values = (option: string) => given.all.filter((each) => each.option === option).map((each) => each.argument);
    this.include = values('include');
    this.exclude = values('exclude');
    this.excludeDir = values('excludedir');
  }

  async run(operands: readonly string[]): Promise<number> {
    if (this.settings.flush) this.proc.stdout.setBuffering('line');
    for (const name of operands.length === 0 ? ['-'] : operands) {
      const stop = await this.operand(name, true);
      if (stop) return 0;
    }
    if (this.failed && !(this.settings.quiet && this.matched)) return 2;
    return this.matched ? 0 : 1;
  }

  private complain(name: string, errno: number): void {
    this.failed = true;
    if (!this.settings.silent) this.proc.stderr.write(`${this.program}: ${name}: ${strerror(errno)}\n`);
  }

  /** True when the answer is known and no more need be read. */
  private async operand(name: string, named: boolean): Promise<boolean> {
    const { proc } = this;
    if (name === '-') {
      const file = proc.fds[0];
      return file === undefined ? false : this.file(file, this.settings.label);
    }
    const found = proc.system.vfs.resolve(proc, name, named);
    if (isRefusal(found)) {
      this.complain(name, found.errno);
      return false;
    }
    if (found.inode instanceof DirectoryInode) {
      if (!this.recursive) {
        this.complain(name, 21);
        return false;
      }
      return this.directory(found.inode, name);
    }
    if (!named && found.inode.kind !== '-') return false;
    if (!this.wanted(basename(name))) return false;
    const file = await proc.open(name, { read: true });
    if (isRefusal(file)) {
      this.complain(name, file.errno);
      return false;
    }
    const stop = file instanceof DirectoryFile ? false : await this.file(file, name);
    proc.close(file);
    return stop;
  }

  private wanted(name: string): boolean {
    if (this.exclude.some((pattern) => patternRegExp(pattern).test(name))) return false;
    return this.include.length === 0 || this.include.some((pattern) => patternRegExp(pattern).test(name));
  }

  private async directory(inode: DirectoryInode, name: string): Promise<boolean> {
    if (this.excludeDir.some((pattern) => patternRegExp(pattern).test(basename(name)))) return false;
    for (const child of inode.list(this.proc).sort()) {
      if (await this.operand(name === '.' ? child : `${name.replace(/\/$/, '')}/${child}`, false)) return true;
    }
    return false;
  }

  private async file(file: OpenFile, name: string): Promise<boolean> {
    const { settings, proc } = this;
    const printer = new Printer(proc, settings, name);
    let rest: Uint8Array[] = [];
    let done = false;
    while (!done) {
      const data = await proc.readFile(file);
      if (data.length === 0) break;
      let from = 0;
      for (let at = data.indexOf(settings.end); at >= 0; at = data.indexOf(settings.end, from)) {
        const part = data.subarray(from, at);
        const line = rest.length === 0 ? part : concat([...rest, part]);
        rest = [];
        from = at + 1;
        if (printer.line(line)) {
          done = true;
          if (file.seekable) file.unread(data.subarray(from));
          break;
        }
      }
      if (!done && from < data.length) rest.push(data.subarray(from));
      if (printer.count > 0 && settings.quiet) break;
    }
    if (!done && rest.length > 0) printer.line(concat(rest));
    if (settings.list === 'L' ? printer.count === 0 : printer.count > 0) this.matched = true;
    if (settings.quiet) return printer.count > 0;
    printer.finish();
    return false;
  }
}

/** What is printed of one file. */
class Printer {
  count = 0;
  private readonly proc: Proc;
  private readonly settings: Settings;
  private readonly name: string;
  private number = 0;
  private position = 0;
  private held: { text: string; number: number; position: number }[] = [];
  private trailing = 0;
  private printed = 0;

  constructor(proc: Proc, settings: Settings, name: string) {
    this.proc = proc;
    this.settings = settings;
    this.name = name;
  }

  /** Take the next line; true when no more are wanted. */
  line(bytes: Uint8Array): boolean {
    const { settings } = this;
    this.number++;
    const { position } = this;
    this.position += bytes.length + 1;
    const text = decode(bytes);
    settings.regexp.lastIndex = 0;
    const quiet = settings.quiet || settings.count || settings.list !== '';
    if (this.count >= settings.max) {
      if (this.trailing <= 0 || quiet) return true;
      this.trailing--;
      this.print(text, this.number, position, '-');
      return this.trailing <= 0;
    }
    if (settings.regexp.test(text) !== settings.invert) {
      this.count++;
      if (!quiet) this.printMatch(text, position);
      this.trailing = settings.after;
      if (quiet && (settings.quiet || settings.list !== '')) return true;
      return this.count >= settings.max && (quiet || settings.after === 0);
    }
    if (quiet) return false;
    if (this.trailing > 0) {
      this.trailing--;
      this.print(text, this.number, position, '-');
    } else if (settings.before > 0) {
      this.held.push({ text, number: this.number, position });
      if (this.held.length > settings.before) this.held.shift();
    }
    return false;
  }

  private printMatch(text: string, position: number): void {
    const { settings } = this;
    const first = this.held[0]?.number ?? this.number;
    if (settings.before + settings.after > 0 && this.printed > 0 && first > this.printed + 1)
      this.proc.stdout.write('--\n');
    for (const each of this.held) this.print(each.text, each.number, each.position, '-');
    this.held = [];
    if (!settings.only) {
      this.print(text, this.number, position, ':');
      return;
    }
    this.printed = this.number;
    if (settings.invert) return;
    settings.regexp.lastIndex = 0;
    for (const match of text.matchAll(settings.regexp)) {
      if (match[0] !== '') this.print(match[0], this.number, position + match.index, ':');
    }
  }

  private print(text: string, number: number, position: number, separator: string): void {
    const { settings } = this;
    if (settings.only && separator === '-') return;
    let head = settings.names ? `${this.name}${separator}` : '';
    if (settings.numbers) head += `${number}${separator}`;
    if (settings.offset) head += `${position}${separator}`;
    this.printed = number;
    this.proc.stdout.write(`${head}${text}${settings.end === 0 ? '\0' : '\n'}`);
  }

  finish(): void {
    const { settings } = this;
    if (settings.list !== '') {
      if (settings.list === 'l' ? this.count > 0 : this.count === 0) this.proc.stdout.write(`${this.name}\n`);
    } else if (settings.count) {
      this.proc.stdout.write(`${settings.names ? `${this.name}:` : ''}${this.count}\n`);
    }
  }
}
