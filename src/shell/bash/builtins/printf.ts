/** printf. */

import { decode, encode } from '../../process/bytes.ts';
import { formatFloat } from '../../programs/float.ts';
import { strftime } from '../../programs/strftime.ts';
import { decodeEcho, decodePrintf } from '../ansi-c.ts';
import { assignElement } from '../assign.ts';
import type { Builtin } from '../builtin.ts';
import { quoteBackslash, quoteTransform } from '../quote.ts';
import type { Shell } from '../shell.ts';
import { print } from './echo.ts';
import { invalidIdentifier, isIdentifier, readOptions, usage } from './options.ts';

export const printf: Builtin = (sh, argv) => {
  let first = 1;
  let name: string | undefined;
  if (argv[1]?.startsWith('-') === true && argv[1] !== '-') {
    const options = readOptions(sh, argv, 'v:');
    if (options === undefined) return 2;
    first = options.next;
    name = options.flags.get('v');
  }
  const format = argv[first];
  if (format === undefined) return usage(sh, 'printf');
  if (name !== undefined && !isIdentifier(name.replace(/\[.*\]$/s, ''))) return invalidIdentifier(sh, 'printf', name);
  const formatter = new Formatter(sh, argv.slice(first + 1), name === undefined);
  const text = formatter.run(format);
  if (name === undefined) {
    const status = print(sh, 'printf', text);
    return formatter.status === 0 ? status : formatter.status;
  }
  const element = /^(\w+)\[(.*)\]$/s.exec(name);
  if (element === null) sh.assign(name, text);
  else assignElement(sh, element[1]!, element[2]!, text, false);
  return formatter.status;
};

const SPEC = /%(?:%|([-+ #0]*)(\*|\d+)?(?:\.(\*|-?\d+)?)?(\((?:[^)]*)\)T|[hlLjzt]*[^hlLjzt])?)/sy;

class Formatter {
  status = 0;
  private readonly sh: Shell;
  private readonly args: readonly string[];
  private at = 0;
  private stopped = false;

  private readonly direct: boolean;

  constructor(sh: Shell, args: readonly string[], direct: boolean) {
    this.sh = sh;
    this.args = args;
    this.direct = direct;
  }

  /** What has been made and not yet written. */
  private out = '';

  run(format: string): string {
    do {
      const before = this.at;
      this.once(format);
      if (this.at === before) break;
    } while (this.at < this.args.length && !this.stopped);
    return this.out;
  }

  /** An error: standard output is line buffered, so complete lines come before it. */
  private complain(text: string): void {
    const lines = this.out.lastIndexOf('\n') + 1;
    if (lines > 0 && this.direct) {
      void this.sh.write(1, this.out.slice(0, lines));
      this.out = this.out.slice(lines);
    }
    void this.sh.complainAs('printf', text);
    this.status = 1;
  }

  private next(): string | undefined {
    return this.args[this.at++];
  }

  private once(format: string): void {
    let i = 0;
    while (i < format.length && !this.stopped) {
      const percent = format.indexOf('%', i);
      const literal = format.slice(i, percent < 0 ? undefined : percent);
      if (literal !== '') this.out += decodePrintf(literal).text;
      if (percent < 0) break;
      SPEC.lastIndex = percent;
      const match = SPEC.exec(format)!;
      i = percent + match[0].length;
      if (match[0] === '%%') this.out += '%';
      else if (match[4] === undefined) {
        this.complain(`\`${match[0]}': missing format character`);
        this.stopped = true;
      } else {
        const text = this.convert(match);
        this.out += text;
      }
    }
  }

  private convert(match: RegExpExecArray): string {
    let flags = match[1] ?? '';
    let width = match[2] === '*' ? this.number(this.next()) : match[2] === undefined ? 0 : Number(match[2]);
    const dot = /\.[^(]*/.test(match[0].replace(/\(.*\)T$/s, ''));
    let precision =
      match[3] === '*' ? this.number(this.next()) : match[3] === undefined ? (dot ? 0 : undefined) : Number(match[3]);
    if (width < 0) {
      flags += '-';
      width = -width;
    }
    if (precision !== undefined && precision < 0) precision = undefined;
    const kind = match[4]!;
    if (kind.startsWith('(')) return pad(this.time(kind.slice(1, -2), this.next()), width, flags);
    const letter = kind.at(-1)!;
    switch (letter) {
      case 's':
        return pad(cut(this.next() ?? '', precision), width, flags);
      case 'b': {
        const decoded = decodeEcho((this.next() ?? '').replace(/\\([1-7][0-7]{0,2})/g, '\\0$1'));
        if (decoded.stop) this.stopped = true;
        return pad(cut(decoded.text, precision), width, flags);
      }
      case 'c':
        return pad([...(this.next() ?? '')][0] ?? '\0', width, flags);
      case 'q':
        return pad(cut(quoteBackslash(this.next() ?? ''), precision), width, flags);
      case 'Q':
        return pad(quoteTransform(cut(this.next() ?? '', precision)), width, flags);
      case 'd':
      case 'i':
        return integer(this.integer(this.next()), width, precision, flags);
      case 'u':
      case 'o':
      case 'x':
      case 'X':
        return unsigned(letter, this.integer(this.next()), width, precision, flags);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
      case 'a':
      case 'A':
        return formatFloat(letter, this.float(this.next()), width, precision, flags);
      case 'n':
        this.sh.assign(this.next() ?? '', '0');
        return '';
      default:
        this.complain(`\`${letter}': invalid format character`);
        this.stopped = true;
        return '';
    }
  }

  private number(text: string | undefined): number {
    return Number(this.integer(text));
  }

  private integer(text: string | undefined): bigint {
    if (text === undefined || text === '') {
      return 0n;
    }
    if (text[0] === "'" || text[0] === '"') return BigInt(text.codePointAt(1) ?? 0);
    const match = /^\s*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)/.exec(text);
    if (match === null) {
      this.complain(`${text}: invalid number`);
      return 0n;
    }
    if (match[0].length < text.length) {
      this.complain(`${text}: invalid ${/^0[0-9]/.test(match[2]!) ? 'octal ' : ''}number`);
    }
    const digits = match[2]!;
    const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
    return match[1] === '-' ? -value : value;
  }

  private float(text: string | undefined): number {
    if (text === undefined || text === '') return 0;
    if (text[0] === "'" || text[0] === '"') return text.codePointAt(1) ?? 0;
    const match =
      /^\s*[-+]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf(?:inity)?|nan)/i.exec(text);
    if (match === null || match[0].length < text.length) {
      this.complain(`${text}: invalid number`);
      if (match === null) return 0;
    }
    const found = match[0].trim().toLowerCase();
    if (found.includes('inf')) return found.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    return Number(found);
  }

  private time(format: string, arg: string | undefined): string {
    const { proc } = this.sh;
    const now = Math.floor(proc.realtime() / 1e9);
    let seconds = now;
    if (arg !== undefined && arg !== '-1' && arg !== '') {
      seconds = arg === '-2' ? this.sh.secondsBase : this.number(arg);
    }
    return strftime(format === '' ? '%H:%M:%S' : format, seconds * 1e9, proc.utcOffset);
  }
}

function cut(text: string, precision: number | undefined): string {
  return precision === undefined ? text : decode(encode(text).subarray(0, precision));
}

function pad(text: string, width: number, flags: string): string {
  const missing = width - encode(text).length;
  if (missing <= 0) return text;
  return flags.includes('-') ? text + ' '.repeat(missing) : ' '.repeat(missing) + text;
}

function integer(value: bigint, width: number, precision: number | undefined, flags: string): string {
  const digits = (value < 0n ? -value : value).toString().padStart(precision ?? 1, '0');
  const sign = value < 0n ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  return zeroPad(sign, precision === 0 && value === 0n ? '' : digits, width, precision, flags);
}

function unsigned(letter: string, value: bigint, width: number, precision: number | undefined, flags: string): string {
  const whole = value < 0n ? BigInt.asUintN(64, value) : value;
  const base = letter === 'o' ? 8 : letter === 'u' ? 10 : 16;
  let digits = whole.toString(base).padStart(precision ?? 1, '0');
  if (letter === 'X') digits = digits.toUpperCase();
  let prefix = '';
  if (flags.includes('#') && whole !== 0n) {
    if (letter === 'x' || letter === 'X') prefix = `0${letter}`;
    else if (letter === 'o' && !digits.startsWith('0')) prefix = '0';
  }
  return zeroPad(prefix, precision === 0 && whole === 0n ? '' : digits, width, precision, flags);
}

function zeroPad(sign: string, digits: string, width: number, precision: number | undefined, flags: string): string {
  if (flags.includes('0') && !flags.includes('-') && precision === undefined) {
    return sign + digits.padStart(width - sign.length, '0');
  }
  return pad(sign + digits, width, flags);
}
