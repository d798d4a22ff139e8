/** sed of GNU sed 4.9, line by line as the input comes. */

import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { concat, decode, encode } from '../process/bytes.ts';
import type { Proc } from '../process/proc.ts';
import { readOptions } from '../programs/options.ts';
import { LineSource, openInput } from './line-source.ts';
import { type Address, type Command, type Pattern, type Piece, parseSed, SedError } from './sed-parse.ts';

export async function sed(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'ne:f:Eri::szul:', [
    { name: 'quiet', value: 'n' },
    { name: 'silent', value: 'n' },
    { name: 'expression', argument: 'required', value: 'e' },
    { name: 'file', argument: 'required', value: 'f' },
    { name: 'regexp-extended', value: 'E' },
    { name: 'in-place', argument: 'optional', value: 'i' },
    { name: 'separate', value: 's' },
    { name: 'null-data', value: 'z' },
    { name: 'unbuffered', value: 'u' },
    { name: 'line-length', argument: 'required', value: 'l' },
    { name: 'posix', value: 'posix' },
  ]);
  if (given === undefined) return 1;
  const { flags, all } = given;
  const files = [...given.operands];
  const expressions: string[] = [];
  for (const { option, argument } of all) {
    if (option === 'e') expressions.push(argument);
    else if (option === 'f') {
      const data = argument === '-' ? await proc.stdin.readAll() : await proc.readWhole(argument);
      if (isRefusal(data)) {
        proc.stderr.write(`sed: couldn't open file ${argument}: ${strerror(data.errno)}\n`);
        return 1;
      }
      expressions.push(decode(data).replace(/\n$/, ''));
    }
  }
  if (expressions.length === 0) {
    const script = files.shift();
    if (script === undefined) {
      proc.stderr.write('Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n');
      return 1;
    }
    expressions.push(script);
  }
  let commands: Command[];
  let quiet = flags.has('n');
  if (expressions[0]!.startsWith('#n\n')) quiet = true;
  try {
    commands = parseSed(joinContinued(expressions), { extended: flags.has('E') || flags.has('r') });
  } catch (error) {
    if (!(error instanceof SedError)) throw error;
    proc.stderr.write(`sed: ${error.message}\n`);
    return 1;
  }
  if (flags.has('u')) proc.stdout.setBuffering('line');
  const editor = new Editor(proc, commands, {
    quiet,
    separate: flags.has('s') || flags.has('i'),
    inPlace: flags.has('i') ? flags.get('i')! : undefined,
    end: flags.has('z') ? '\0' : '\n',
  });
  return editor.run(files.length === 0 ? ['-'] : files);
}

/** `-e 'a\' -e text`: an expression that ends in a backslash goes on in the next. */
function joinContinued(expressions: readonly string[]): string[] {
  const out: string[] = [];
  for (const text of expressions) {
    const last = out.at(-1);
    if (last?.endsWith('\\')) out[out.length - 1] = `${last}\n${text}`;
    else out.push(text);
  }
  return out;
}

interface Settings {
  quiet: boolean;
  separate: boolean;
  inPlace: string | undefined;
  end: string;
}

/** How a cycle ends. */
type Outcome = 'next' | 'delete' | 'restart' | 'quit' | 'silent-quit';

class Editor {
  private readonly proc: Proc;
  private readonly commands: readonly Command[];
  private readonly settings: Settings;
  private names: string[] = [];
  private source: LineSource | undefined;
  private peeked: string | undefined;
  private peekedComplete = true;
  private name = '-';
  private status = 0;
  private line = 0;
  private space = '';
  private hold = '';
  private complete = true;
  private appended: { text: string; raw: boolean }[] = [];
  private lastRegExp: RegExp | undefined;
  private replaced = false;
  private readonly written: Map<string, string[]> = new Map();
  private inPlaceOutput: Uint8Array[] | undefined;
  private exitCode = 0;
  private readonly readers: Map<string, string[]> = new Map();

  constructor(proc: Proc, commands: readonly Command[], settings: Settings) {
    this.proc = proc;
    this.commands = commands;
    this.settings = settings;
  }

  async run(names: readonly string[]): Promise<number> {
    this.names = [...names];
    for (const command of this.commands)
      if (command.file !== undefined && 'wWs'.includes(command.letter)) this.openWritten(command.file);
    let outcome: Outcome = 'next';
    while (outcome !== 'quit' && outcome !== 'silent-quit') {
      if (outcome !== 'restart' && !(await this.readSpace())) break;
      outcome = await this.cycle();
      if (outcome !== 'delete' && outcome !== 'restart' && outcome !== 'silent-quit' && !this.settings.quiet)
        this.print(this.space);
      this.flushAppended();
    }
    this.closeInput();
    for (const [path, chunks] of this.written)
      if (!path.startsWith('/dev/std')) this.proc.files.write(path, chunks.join(''));
    return this.exitCode !== 0 ? this.exitCode : this.status;
  }

  // ------------------------------------------------------------ input

  private async fetch(): Promise<string | undefined> {
    for (;;) {
      if (this.source === undefined) {
        const name = this.names.shift();
        if (name === undefined) return undefined;
        const file = await openInput(this.proc, name, (each, reason) => `can't read ${each}: ${reason}`);
        if (file === undefined) {
          this.status = 2;
          continue;
        }
        this.source = new LineSource(this.proc, file, this.settings.end === '\n' ? 10 : 0);
        this.name = name;
        if (this.settings.inPlace !== undefined) this.inPlaceOutput = [];
        if (this.settings.separate) this.line = 0;
      }
      const line = await this.source.next();
      if (line !== undefined) {
        this.peekedComplete = this.source.complete;
        return line;
      }
      if (this.settings.separate && this.pendingEnd) return undefined;
      this.closeInput();
    }
  }

  /** While looking for the last line of a separate file, do not go on to the next file. */
  private pendingEnd = false;

  private closeInput(): void {
    const { source } = this;
    if (source === undefined) return;
    source.giveBack();
    this.proc.close(source.file);
    this.source = undefined;
    if (this.inPlaceOutput !== undefined) {
      const { files } = this.proc;
      const suffix = this.settings.inPlace!;
      if (suffix !== '') {
        const before = files.read(this.name);
        const backup = suffix.includes('*') ? suffix.replaceAll('*', this.name) : this.name + suffix;
        if (!isRefusal(before)) files.write(backup, before.slice());
      }
      files.write(this.name, concat(this.inPlaceOutput).slice());
      this.inPlaceOutput = undefined;
    }
  }

  private async readSpace(): Promise<boolean> {
    const line = await this.nextLine();
    if (line === undefined) return false;
    this.space = line;
    return true;
  }

  private async nextLine(): Promise<string | undefined> {
    let line = this.peeked;
    this.peeked = undefined;
    if (line === undefined) line = await this.fetch();
    if (line === undefined) return undefined;
    this.complete = this.peekedComplete;
    this.line++;
    this.replaced = false;
    return line;
  }

  private async isLast(): Promise<boolean> {
    if (this.peeked !== undefined) return false;
    this.pendingEnd = true;
    this.peeked = await this.fetch();
    this.pendingEnd = false;
    return this.peeked === undefined;
  }

  // ------------------------------------------------------------ output

  private write(text: string): void {
    if (this.inPlaceOutput !== undefined) this.inPlaceOutput.push(encode(text));
    else this.proc.stdout.write(text);
  }

  private print(text: string): void {
    this.write(this.complete || this.peeked !== undefined ? text + this.settings.end : text);
  }

  private flushAppended(): void {
    for (const { text, raw } of this.appended) this.write(raw ? text : text + this.settings.end);
    this.appended = [];
  }

  private openWritten(path: string): void {
    if (!this.written.has(path)) this.written.set(path, []);
  }

  private writeTo(path: string, text: string): void {
    if (path === '/dev/stdout') this.write(text);
    else if (path === '/dev/stderr') this.proc.stderr.write(text);
    else this.written.get(path)!.push(text);
  }

  // ------------------------------------------------------------ addresses

  private async selects(command: Command): Promise<boolean> {
    const { from, to } = command;
    if (from === undefined) return true;
    if (to === undefined) return this.matches(from);
    if (command.active) {
      if (to.kind === 'line' || command.endLine > 0) {
        const end = command.endLine > 0 ? command.endLine : (to as { line: number }).line;
        if (this.line >= end) command.active = false;
        return this.line <= end || to.kind !== 'line';
      }
      if (await this.matches(to)) command.active = false;
      return true;
    }
    const zero = from.kind === 'line' && from.line === 0;
    if (zero ? this.line !== 1 || command.endLine < 0 : !(await this.matches(from))) return false;
    if (zero) {
      command.endLine = -1;
      command.active = !(await this.matches(to));
      return true;
    }
    command.endLine =
      to.kind === 'plus' ? this.line + to.count : to.kind === 'multiple' ? Math.ceil(this.line / to.of) * to.of : 0;
    if (to.kind === 'plus' || to.kind === 'multiple') command.active = command.endLine > this.line;
    else command.active = to.kind === 'line' ? to.line > this.line : to.kind === 'last' ? !(await this.isLast()) : true;
    return true;
  }

  private async matches(address: Address): Promise<boolean> {
    switch (address.kind) {
      case 'line':
        return this.line === address.line;
      case 'last':
        return this.isLast();
      case 'regex':
        return this.find(address.regex, 0) !== null;
      case 'step':
        return address.step === 0
          ? this.line === address.first
          : this.line >= address.first && (this.line - address.first) % address.step === 0;
      default:
        return false;
    }
  }

  private find(pattern: Pattern, from: number): RegExpExecArray | null {
    const regexp = pattern.regexp ?? this.lastRegExp;
    if (regexp === undefined) throw new Error('no previous regular expression');
    this.lastRegExp = regexp;
    regexp.lastIndex = from;
    return regexp.exec(this.space);
  }

  // ------------------------------------------------------------ commands

  private async cycle(): Promise<Outcome> {
    const { commands } = this;
    for (let i = 0; i < commands.length; ) {
      const command = commands[i]!;
      i++;
      if ((await this.selects(command)) === command.negate) {
        if (command.letter === '{') i = command.target;
        continue;
      }
      switch (command.letter) {
        case '{':
          break;
        case 'b':
          i = command.target;
          break;
        case 't':
          if (this.replaced) {
            this.replaced = false;
            i = command.target;
          }
          break;
        case 'T':
          if (!this.replaced) i = command.target;
          this.replaced = false;
          break;
        default: {
          const outcome = await this.execute(command);
          if (outcome !== undefined) return outcome;
        }
      }
    }
    return 'next';
  }

  private async execute(command: Command): Promise<Outcome | undefined> {
    const { end } = this.settings;
    switch (command.letter) {
      case '=':
        this.write(`${this.line}\n`);
        break;
      case 'a':
        this.appended.push({ text: command.text, raw: false });
        break;
      case 'i':
        this.write(command.text + end);
        break;
      case 'c':
        if (command.to === undefined || !command.active || command.negate) this.write(command.text + end);
        return 'delete';
      case 'd':
        return 'delete';
      case 'D': {
        const newline = this.space.indexOf('\n');
        if (newline < 0) return 'delete';
        this.space = this.space.slice(newline + 1);
        return 'restart';
      }
      case 'F':
        this.write(`${this.name}\n`);
        break;
      case 'g':
        this.space = this.hold;
        break;
      case 'G':
        this.space += `\n${this.hold}`;
        break;
      case 'h':
        this.hold = this.space;
        break;
      case 'H':
        this.hold += `\n${this.space}`;
        break;
      case 'l':
        this.write(`${visible(this.space, command.number ?? 70)}\n`);
        break;
      case 'n': {
        if (await this.isLast()) return this.names.length === 0 || !this.settings.separate ? 'quit' : 'next';
        if (!this.settings.quiet) this.print(this.space);
        this.flushAppended();
        this.space = (await this.nextLine())!;
        break;
      }
      case 'N': {
        if (await this.isLast()) return 'quit';
        this.flushAppended();
        this.space += `\n${await this.nextLine()}`;
        break;
      }
      case 'p':
        this.print(this.space);
        break;
      case 'P':
        this.write(this.space.split('\n', 1)[0]! + end);
        break;
      case 'q':
        this.exitCode = command.number ?? 0;
        return 'quit';
      case 'Q':
        this.exitCode = command.number ?? 0;
        return 'silent-quit';
      case 'r': {
        const data =
          command.file === '/dev/stdin' ? await this.proc.stdin.readAll() : this.proc.files.read(command.file!);
        if (!isRefusal(data)) this.appended.push({ text: decode(data), raw: true });
        break;
      }
      case 'R':
        this.readOne(command.file!);
        break;
      case 's':
        this.substitute(command);
        break;
      case 'w':
        this.writeTo(command.file!, this.space + end);
        break;
      case 'W':
        this.writeTo(command.file!, this.space.split('\n', 1)[0]! + end);
        break;
      case 'x':
        [this.space, this.hold] = [this.hold, this.space];
        break;
      case 'y':
        this.space = [...this.space].map((char) => command.map!.get(char) ?? char).join('');
        break;
      case 'z':
        this.space = '';
        break;
    }
    return undefined;
  }

  private readOne(path: string): void {
    let lines = this.readers.get(path);
    if (lines === undefined) {
      const data = this.proc.files.read(path);
      lines = isRefusal(data) ? [] : decode(data).replace(/\n$/, '').split('\n');
      this.readers.set(path, lines);
    }
    const line = lines.shift();
    if (line !== undefined) this.appended.push({ text: line, raw: false });
  }

  private substitute(command: Command): void {
    let out = '';
    let at = 0;
    let count = 0;
    let done = false;
    let from = 0;
    let emptyAfter = -1;
    while (from <= this.space.length) {
      const match = this.find(command.pattern!, from);
      if (match === null) break;
      const { index } = match;
      if (match[0] === '' && index === emptyAfter) {
        from = index + 1;
        continue;
      }
      count++;
      if (count >= command.occurrence) {
        out += this.space.slice(at, index) + replacement(command.pieces, match);
        at = index + match[0].length;
        done = true;
        if (!command.global) break;
      }
      emptyAfter = index + match[0].length;
      from = match[0] === '' ? index + 1 : emptyAfter;
    }
    if (!done) return;
    this.space = out + this.space.slice(at);
    this.replaced = true;
    for (let i = 0; i < command.print; i++) this.print(this.space);
    if (command.file !== undefined) this.writeTo(command.file, this.space + this.settings.end);
  }
}

/** The right side of `s` for one match, with its changes of case. */
function replacement(pieces: readonly Piece[], match: RegExpExecArray): string {
  let out = '';
  let lasting: 'U' | 'L' | undefined;
  let once: 'u' | 'l' | undefined;
  for (const piece of pieces) {
    if ('change' in piece) {
      if (piece.change === 'E') lasting = undefined;
      else if (piece.change === 'U' || piece.change === 'L') lasting = piece.change;
      else once = piece.change;
      continue;
    }
    let text = 'text' in piece ? piece.text : (match[piece.group] ?? '');
    if (lasting !== undefined) text = lasting === 'U' ? text.toUpperCase() : text.toLowerCase();
    if (once !== undefined && text !== '') {
      const first = once === 'u' ? text[0]!.toUpperCase() : text[0]!.toLowerCase();
      text = first + text.slice(1);
      once = undefined;
    }
    out += text;
  }
  return out;
}

/** The `l` command: escapes, and lines folded at `width`. */
function visible(text: string, width: number): string {
  const units: string[] = [];
  for (const byte of encode(text)) {
    const named = { 92: '\\\\', 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r' }[byte];
    if (named !== undefined) units.push(named);
    else if (byte < 32 || byte > 126) units.push(`\\${byte.toString(8).padStart(3, '0')}`);
    else units.push(String.fromCharCode(byte));
  }
  let out = '';
  let column = 0;
  for (const unit of units) {
    if (width > 1 && column + unit.length > width - 1) {
      out += '\\\n';
      column = 0;
    }
    out += unit;
    column += unit.length;
  }
  return `${out}$`;
}
