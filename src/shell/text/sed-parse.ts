/** The language of sed: scripts to commands. */
import { regexSource } from '../bash/regex.ts';
import { basicToExtended } from './grep-pattern.ts';

export class SedError extends Error {}

export type Address =
  | { kind: 'line'; line: number }
  | { kind: 'last' }
  | { kind: 'regex'; regex: Pattern }
  | { kind: 'step'; first: number; step: number }
  | { kind: 'plus'; count: number }
  | { kind: 'multiple'; of: number };

/** An empty pattern is the last one used. */
export interface Pattern {
  regexp: RegExp | undefined;
}

/** A piece of the right side of `s`. */
export type Piece = { text: string } | { group: number } | { change: 'U' | 'L' | 'u' | 'l' | 'E' };

export interface Command {
  letter: string;
  from: Address | undefined;
  to: Address | undefined;
  negate: boolean;
  /** State of a range. */
  active: boolean;
  endLine: number;
  /** Where a block ends, or a jump leads: an index in the list of commands. */
  target: number;
  text: string;
  pattern: Pattern | undefined;
  pieces: Piece[];
  global: boolean;
  occurrence: number;
  print: number;
  file: string | undefined;
  map: Map<string, string> | undefined;
  number: number | undefined;
}

interface Options {
  extended: boolean;
}

/** Parse the expressions given with -e, -f or alone; they are one script, line by line. */
export function parseSed(expressions: readonly string[], options: Options): Command[] {
  const commands: Command[] = [];
  const open: number[] = [];
  const labels = new Map<string, number>();
  for (const [i, text] of expressions.entries()) new Parser(text, i + 1, options, commands, open, labels).run();
  if (open.length > 0) throw new SedError("-e expression #1, char 0: unmatched `{'");
  for (const command of commands) {
    if (!'btT'.includes(command.letter) || command.letter === '') continue;
    if (command.text === '') command.target = commands.length;
    else {
      const target = labels.get(command.text);
      if (target === undefined)
        throw new SedError(
          `-e expression #1, char ${expressions[0]!.length}: can't find label for jump to \`${command.text}'`,
        );
      command.target = target;
    }
  }
  return commands;
}

class Parser {
  private readonly text: string;
  private readonly number: number;
  private readonly options: Options;
  private readonly commands: Command[];
  private readonly open: number[];
  private readonly labels: Map<string, number>;
  private at = 0;

  constructor(
    text: string,
    number: number,
    options: Options,
    commands: Command[],
    open: number[],
    labels: Map<string, number>,
  ) {
    this.text = text;
    this.number = number;
    this.options = options;
    this.commands = commands;
    this.open = open;
    this.labels = labels;
  }

  private fail(message: string, at = this.at): never {
    throw new SedError(`-e expression #${this.number}, char ${at}: ${message}`);
  }

  run(): void {
    while (this.at < this.text.length) {
      this.skip(/[ \t\n;]*/y);
      if (this.at >= this.text.length) return;
      if (this.text[this.at] === '#') {
        this.skip(/[^\n]*/y);
        continue;
      }
      this.command();
    }
  }

  private skip(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private address(): Address | undefined {
    const char = this.text[this.at];
    if (char === '$') {
      this.at++;
      return { kind: 'last' };
    }
    if (char !== undefined && /\d/.test(char)) {
      const line = Number(this.skip(/\d+/y));
      this.skip(/[ \t]*/y);
      if (this.text[this.at] !== '~') return { kind: 'line', line };
      this.at++;
      this.skip(/[ \t]*/y);
      return { kind: 'step', first: line, step: Number(this.skip(/\d*/y) || 0) };
    }
    if (char === '/' || (char === '\\' && this.at + 1 < this.text.length)) {
      if (char === '\\') this.at++;
      const delimiter = this.text[this.at++]!;
      const source = this.delimited(delimiter, true);
      if (source === undefined) this.fail('unterminated address regex');
      const flags = this.skip(/[IM]*/y);
      return { kind: 'regex', regex: this.pattern(source, flags) };
    }
    return undefined;
  }

  private secondAddress(): Address {
    this.skip(/[ \t]*/y);
    const char = this.text[this.at];
    if (char === '+' || char === '~') {
      this.at++;
      const count = this.skip(/\d+/y);
      if (count === '') this.fail('expected number');
      return char === '+' ? { kind: 'plus', count: Number(count) } : { kind: 'multiple', of: Number(count) };
    }
    const address = this.address();
    if (address === undefined) this.fail("unexpected `,'", this.at);
    return address;
  }

  private pattern(source: string, flags: string): Pattern {
    if (source === '') return { regexp: undefined };
    try {
      const translated = regexSource(this.options.extended ? newlines(source) : basicToExtended(newlines(source)));
      return { regexp: new RegExp(translated, `gu${/[Ii]/.test(flags) ? 'i' : ''}${/[Mm]/.test(flags) ? 'm' : ''}s`) };
    } catch (error) {
      return this.fail(
        (error as Error).message.replace(/^Invalid regular expression:.*$/s, 'Invalid preceding regular expression'),
      );
    }
  }

  /** Text up to an unescaped delimiter, which is taken too; undefined when there is none. */
  private delimited(delimiter: string, isRegex: boolean): string | undefined {
    let out = '';
    let inBracket = false;
    while (this.at < this.text.length) {
      const char = this.text[this.at]!;
      if (char === '\\' && this.at + 1 < this.text.length) {
        const next = this.text[this.at + 1]!;
        this.at += 2;
        if (next === delimiter && !(isRegex && inBracket))
          out +=
            /[\\^$.*+?()[\]{}|/&n]/.test(delimiter) && delimiter !== '/'
              ? isRegex
                ? `\\${next}`
                : next === '&'
                  ? '\\&'
                  : next
              : next;
        else if (next === '\n' && isRegex) out += '\n';
        else out += `\\${next}`;
        continue;
      }
      if (isRegex) {
        if (!inBracket && char === '[') {
          inBracket = true;
          out += char;
          this.at++;
          if (this.text[this.at] === '^') out += this.text[this.at++];
          if (this.text[this.at] === ']') out += this.text[this.at++];
          continue;
        }
        if (inBracket && char === '[' && /[:.=]/.test(this.text[this.at + 1] ?? '')) {
          const end = this.text.indexOf(`${this.text[this.at + 1]}]`, this.at + 2);
          if (end > 0) {
            out += this.text.slice(this.at, end + 2);
            this.at = end + 2;
            continue;
          }
        }
        if (inBracket && char === ']') inBracket = false;
        else if (!inBracket && char === delimiter) {
          this.at++;
          return out;
        }
      } else if (char === delimiter) {
        this.at++;
        return out;
      }
      if (inBracket && char === delimiter && !this.text.slice(this.at).includes(']')) {
        this.at++;
        return out;
      }
      out += char;
      this.at++;
    }
    return undefined;
  }

  private command(): void {
    const from = this.address();
    let to: Address | undefined;
    if (from !== undefined) {
      this.skip(/[ \t]*/y);
      if (this.text[this.at] === ',') {
        this.at++;
        to = this.secondAddress();
      }
    }
    if (from?.kind === 'line' && from.line === 0 && to?.kind !== 'regex')
      this.fail('invalid usage of line address 0', this.at + 1);
    this.skip(/[ \t]*/y);
    let negate = false;
    while (this.text[this.at] === '!') {
      negate = true;
      this.at++;
      this.skip(/[ \t]*/y);
    }
    const letter = this.text[this.at];
    if (letter === undefined || letter === '\n') this.fail('missing command');
    this.at++;
    const command: Command = {
      letter,
      from,
      to,
      negate,
      active: false,
      endLine: 0,
      target: 0,
      text: '',
      pattern: undefined,
      pieces: [],
      global: false,
      occurrence: 1,
      print: 0,
      file: undefined,
      map: undefined,
      number: undefined,
    };
    this.arguments(command);
  }

  private arguments(command: Command): void {
    const { commands } = this;
    switch (command.letter) {
      case '{':
        this.open.push(commands.length);
        commands.push(command);
        return;
      case '}': {
        const start = this.open.pop();
        if (start === undefined) this.fail("unexpected `}'");
        if (command.from !== undefined) this.fail("} doesn't want any addresses");
        commands[start]!.target = commands.length;
        this.ending();
        return;
      }
      case ':':
        if (command.from !== undefined) this.fail(": doesn't want any addresses");
        this.skip(/[ \t]*/y);
        command.text = this.skip(/[^\n;]*/y).trim();
        if (command.text === '') this.fail('":" lacks a label');
        this.labels.set(command.text, commands.length);
        return;
      case 'b':
      case 't':
      case 'T':
        this.skip(/[ \t]*/y);
        command.text = this.skip(/[^\n;}]*/y).trim();
        break;
      case 'a':
      case 'i':
      case 'c':
        command.text = this.textArgument();
        commands.push(command);
        return;
      case 's':
        this.substitution(command);
        break;
      case 'y':
        this.transliteration(command);
        break;
      case 'q':
      case 'Q':
      case 'l':
      case 'L': {
        this.skip(/[ \t]*/y);
        const digits = this.skip(/\d*/y);
        command.number = digits === '' ? undefined : Number(digits);
        this.ending();
        break;
      }
      case 'r':
      case 'R':
      case 'w':
      case 'W':
        this.skip(/[ \t]*/y);
        command.file = this.skip(/[^\n]*/y);
        if (command.file === '') this.fail('missing filename in r/R/w/W commands');
        break;
      case '=':
      case 'd':
      case 'D':
      case 'g':
      case 'G':
      case 'h':
      case 'H':
      case 'n':
      case 'N':
      case 'p':
      case 'P':
      case 'x':
      case 'z':
        this.ending();
        break;
      case 'F':
        this.ending();
        break;
      default:
        this.fail(`unknown command: \`${command.letter}'`);
    }
    commands.push(command);
  }

  private ending(): void {
    this.skip(/[ \t]*/y);
    const char = this.text[this.at];
    if (char === undefined || char === '\n' || char === ';' || char === '#') return;
    if (char === '}') return;
    this.fail('extra characters after command', this.at + 1);
  }

  /** The text of a, i and c: on the next lines after a backslash, or on the same line. */
  private textArgument(): string {
    this.skip(/[ \t]*/y);
    if (this.text[this.at] === '\\') {
      this.at++;
      this.skip(/[ \t]*/y);
      if (this.text[this.at] === '\n') this.at++;
    } else if (this.at >= this.text.length || this.text[this.at] === '\n')
      this.fail("expected \\ after `a', `c' or `i'");
    let out = '';
    while (this.at < this.text.length) {
      const char = this.text[this.at++]!;
      if (char === '\n') break;
      if (char === '\\' && this.at < this.text.length) {
        const next = this.text[this.at++]!;
        out += next === 't' ? '\t' : next;
      } else out += char;
    }
    return out;
  }

  private substitution(command: Command): void {
    const delimiter = this.text[this.at++];
    if (delimiter === undefined || delimiter === '\n' || delimiter === '\\') this.fail("unterminated `s' command");
    const source = this.delimited(delimiter, true);
    const right = source === undefined ? undefined : this.delimited(delimiter, false);
    if (source === undefined || right === undefined) this.fail("unterminated `s' command", this.text.length);
    let flags = '';
    for (;;) {
      const char = this.text[this.at];
      if (char === undefined || char === '\n' || char === ';' || char === '}' || char === '#') break;
      if (char === ' ' || char === '\t') {
        this.at++;
        continue;
      }
      if (/\d/.test(char)) {
        command.occurrence = Number(this.skip(/\d+/y));
        if (command.occurrence === 0) this.fail("number option to `s' command may not be zero");
        continue;
      }
      this.at++;
      if (char === 'g') command.global = true;
      else if (char === 'p') command.print++;
      else if (char === 'i' || char === 'I' || char === 'm' || char === 'M') flags += char;
      else if (char === 'w') {
        this.skip(/[ \t]*/y);
        command.file = this.skip(/[^\n]*/y);
        break;
      } else this.fail("unknown option to `s'");
    }
    command.pattern = this.pattern(source, flags);
    command.pieces = parseReplacement(right);
    const groups =
      command.pattern.regexp === undefined
        ? 9
        : new RegExp(`${command.pattern.regexp.source}|`, 'u').exec('')!.length - 1;
    const highest = Math.max(0, ...command.pieces.map((piece) => ('group' in piece ? piece.group : 0)));
    if (highest > groups) this.fail(`invalid reference \\${highest} on \`s' command's RHS`);
  }

  private transliteration(command: Command): void {
    const delimiter = this.text[this.at++];
    const from = delimiter === undefined ? undefined : this.delimited(delimiter, false);
    const to = from === undefined ? undefined : this.delimited(delimiter!, false);
    if (from === undefined || to === undefined) this.fail("unterminated `y' command");
    const left = [...unescapeText(from)];
    const right = [...unescapeText(to)];
    if (left.length !== right.length) this.fail("strings for `y' command are different lengths");
    command.map = new Map(left.map((char, i) => [char, right[i]!]));
    this.ending();
  }
}

/** Escapes that mean a character in regular expressions. */
function newlines(source: string): string {
  return source.replace(
    /\\([\s\S])/g,
    (found, char: string) => ({ n: '\n', t: '\t', f: '\f', v: '\v', a: '\x07', r: '\r' })[char] ?? found,
  );
}

function unescapeText(text: string): string {
  return text.replace(/\\([\s\S])/g, (_found, char: string) => ({ n: '\n', t: '\t', '\\': '\\' })[char] ?? char);
}

function parseReplacement(text: string): Piece[] {
  const out: Piece[] = [];
  let plain = '';
  const push = (piece: Piece) => {
    if (plain !== '') out.push({ text: plain });
    plain = '';
    out.push(piece);
  };
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '&') push({ group: 0 });
    else if (char !== '\\' || i + 1 >= text.length) plain += char;
    else {
      const next = text[++i]!;
      if (/\d/.test(next)) push({ group: Number(next) });
      else if (/[ULulE]/.test(next)) push({ change: next as 'U' });
      else if (next === 'x' && /^[0-9a-fA-F]{2}/.test(text.slice(i + 1))) {
        plain += String.fromCharCode(Number.parseInt(text.slice(i + 1, i + 3), 16));
        i += 2;
      } else
        plain += ({ n: '\n', t: '\t', f: '\f', v: '\v', a: '\x07', r: '\r' } as Record<string, string>)[next] ?? next;
    }
  }
  if (plain !== '') out.push({ text: plain });
  return out;
}
