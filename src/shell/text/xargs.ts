/** xargs of findutils. */
import { ENOENT, strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { decode } from '../process/bytes.ts';
import { NullFile } from '../process/open-file.ts';
import type { Proc } from '../process/proc.ts';
import { complain, readOptions, tryHelp } from '../programs/options.ts';

export async function xargs(proc: Proc): Promise<number> {
  const given = readOptions(proc, '+0a:d:E:e::I:i::L:l::n:P:prs:tx', [
    { name: 'null', value: '0' },
    { name: 'arg-file', argument: 'required', value: 'a' },
    { name: 'delimiter', argument: 'required', value: 'd' },
    { name: 'replace', argument: 'optional', value: 'i' },
    { name: 'max-lines', argument: 'optional', value: 'l' },
    { name: 'max-args', argument: 'required', value: 'n' },
    { name: 'max-procs', argument: 'required', value: 'P' },
    { name: 'no-run-if-empty', value: 'r' },
    { name: 'max-chars', argument: 'required', value: 's' },
    { name: 'verbose', value: 't' },
    { name: 'exit', value: 'x' },
  ]);
  if (given === undefined) return 1;
  const { flags, operands } = given;
  const command = operands.length === 0 ? ['echo'] : [...operands];
  const count = (letter: string) => {
    const text = flags.get(letter);
    if (text === undefined) return undefined;
    const n = Number(text);
    if (/^\d+$/.test(text) && (n > 0 || letter === 'P')) return n;
    complain(
      proc,
      /^\d+$/.test(text)
        ? `value ${text} for -${letter} option should be >= 1`
        : `invalid number "${text}" for -${letter} option`,
    );
    tryHelp(proc);
    return Number.NaN;
  };
  const perCommand = count('n');
  const perLines = count('L') ?? (flags.has('l') ? Number(flags.get('l') || 1) : undefined);
  const parallel = count('P') ?? 1;
  if (Number.isNaN(perCommand) || Number.isNaN(perLines) || Number.isNaN(parallel)) return 1;
  const replace = flags.has('I') ? flags.get('I')! : flags.has('i') ? flags.get('i') || '{}' : undefined;
  const fromFile = flags.get('a');
  const data = fromFile === undefined ? await proc.stdin.readAll() : proc.files.read(fromFile);
  if (isRefusal(data)) {
    complain(proc, `Cannot open input file '${fromFile}': ${strerror(data.errno)}`);
    return 1;
  }
  const text = decode(data);
  const delimiter = flags.has('0') ? '\0' : flags.has('d') ? delimiterOf(flags.get('d')!) : undefined;
  const groups = makeGroups(text, delimiter, replace !== undefined, perCommand, perLines);
  if (groups === undefined) {
    complain(
      proc,
      `unmatched ${/'/.test(text) ? 'single' : 'double'} quote; by default quotes are special to xargs unless you use the -0 option`,
    );
    return 1;
  }
  if (groups.length === 0 && !flags.has('r') && replace === undefined) groups.push([]);
  const runner = new Runner(proc, flags.has('t'), parallel === 0 ? Number.POSITIVE_INFINITY : parallel);
  for (const group of groups) {
    const argv =
      replace === undefined ? [...command, ...group] : command.map((arg) => arg.replaceAll(replace, group[0]!));
    if (!(await runner.run(argv))) break;
  }
  return runner.finish();
}

function delimiterOf(text: string): string {
  const named: Record<string, string> = { '\\n': '\n', '\\t': '\t', '\\0': '\0', '\\\\': '\\' };
  return named[text] ?? text.slice(0, 1);
}

/** Arguments of each command; undefined when a quote is not closed. */
function makeGroups(
  text: string,
  delimiter: string | undefined,
  wholeLines: boolean,
  perCommand: number | undefined,
  perLines: number | undefined,
): string[][] | undefined {
  if (delimiter !== undefined) {
    const items = text.split(delimiter);
    if (items.at(-1) === '') items.pop();
    return chunk(items, wholeLines ? 1 : perCommand);
  }
  if (wholeLines) {
    const out: string[][] = [];
    for (const line of text.split('\n')) {
      const words = splitWords(line.trimStart(), true);
      if (words === undefined) return undefined;
      if (line.trim() !== '') out.push([words.join('')]);
    }
    return out;
  }
  if (perLines !== undefined) {
    const out: string[][] = [];
    let held: string[] = [];
    let lines = 0;
    for (const line of text.split('\n')) {
      const words = splitWords(line, false);
      if (words === undefined) return undefined;
      if (words.length === 0) continue;
      held.push(...words);
      if (/[ \t]$/.test(line)) continue;
      if (++lines === perLines) {
        out.push(held);
        held = [];
        lines = 0;
      }
    }
    if (held.length > 0) out.push(held);
    return out;
  }
  const words = splitWords(text, false);
  return words === undefined ? undefined : chunk(words, perCommand);
}

function chunk(items: readonly string[], size: number | undefined): string[][] {
  if (size === undefined) return items.length === 0 ? [] : [[...items]];
  const out: string[][] = [];
  for (let i = 0; i < items.length; i += size) out.push(items.slice(i, i + size));
  return out;
}

/** Words at blanks, with quotes and backslashes taken off. */
function splitWords(text: string, keepBlanks: boolean): string[] | undefined {
  const out: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === "'" || char === '"') {
      const end = text.indexOf(char, i + 1);
      if (end < 0 || text.slice(i, end).includes('\n')) return undefined;
      word = (word ?? '') + text.slice(i + 1, end);
      i = end;
    } else if (char === '\\' && i + 1 < text.length) word = (word ?? '') + text[++i];
    else if (/[ \t\n]/.test(char) && !keepBlanks) {
      if (word !== undefined) out.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (word !== undefined) out.push(word);
  return out;
}

class Runner {
  private readonly proc: Proc;
  private readonly verbose: boolean;
  private readonly parallel: number;
  private running: Proc[] = [];
  private status = 0;

  constructor(proc: Proc, verbose: boolean, parallel: number) {
    this.proc = proc;
    this.verbose = verbose;
    this.parallel = parallel;
  }

  /** Start a command, once there is room for it. False when no more are to be run. */
  async run(argv: readonly string[]): Promise<boolean> {
    const { proc } = this;
    if (this.verbose) proc.stderr.write(`${argv.join(' ')}\n`);
    const found = proc.system.findProgram(proc, argv[0]!, proc.env);
    if (isRefusal(found)) {
      complain(proc, `${argv[0]}: ${strerror(found.errno)}`);
      this.status = found.errno === ENOENT ? 127 : 126;
      return false;
    }
    const child = proc.system.fork(proc);
    child.setFd(0, new NullFile());
    proc.system.runProgram(child, found, argv, proc.env);
    this.running.push(child);
    while (this.running.length >= this.parallel) if (!(await this.reap())) return false;
    return true;
  }

  async finish(): Promise<number> {
    while (this.running.length > 0) await this.reap();
    return this.status;
  }

  /** Wait for one command. False after a status of 255 or a death by signal. */
  private async reap(): Promise<boolean> {
    const { proc } = this;
    let ended = this.running.find((child) => child.ended);
    while (ended === undefined) {
      proc.childEnd.add(proc);
      await proc.block();
      ended = this.running.find((child) => child.ended);
    }
    this.running = this.running.filter((child) => child !== ended);
    proc.reap(ended);
    if (ended.exitSignal !== 0) {
      complain(proc, `${ended.argv[0]}: terminated by signal ${ended.exitSignal}`);
      this.status = 125;
      return false;
    }
    if (ended.exitCode === 255) {
      complain(proc, `${ended.argv[0]}: exited with status 255; aborting`);
      this.status = 124;
      return false;
    }
    if (ended.exitCode !== 0 && this.status === 0) this.status = 123;
    return true;
  }
}
