/** The functions of awk. */
import { strftime } from '../programs/strftime.ts';
import type { Eval, Interpreter } from './awk-run.ts';
import type { Expression, Target } from './awk-tree.ts';
import { AwkArray, awkRegExp, fromInput, toNumber, toText, type Value } from './awk-value.ts';

/** The source of a regular expression argument: written as one, or a string that is one. */
function* pattern(run: Interpreter, arg: Expression): Eval<string> {
  return arg.op === 'regex' ? arg.source : toText(yield* run.value(arg), run.convfmt);
}

export function* callBuiltin(run: Interpreter, name: string, args: readonly Expression[]): Eval<Value> {
  const text = function* (i: number): Eval<string> {
    return args[i] === undefined ? '' : toText(yield* run.value(args[i]!), run.convfmt);
  };
  const number = function* (i: number): Eval<number> {
    return args[i] === undefined ? 0 : toNumber(yield* run.value(args[i]!));
  };
  switch (name) {
    case 'length': {
      const arg = args[0];
      if (arg === undefined) return toText(run.field(0), run.convfmt).length;
      if (arg.op === 'variable' && run.isArray(arg.name)) return run.array(arg.name).size;
      return byteAware(yield* text(0)).length;
    }
    case 'substr':
      return substr(yield* text(0), yield* number(1), args[2] === undefined ? undefined : yield* number(2));
    case 'index':
      return (yield* text(0)).indexOf(yield* text(1)) + 1;
    case 'split':
      return yield* split(run, args);
    case 'sub':
    case 'gsub':
      return yield* substitute(run, args, name === 'gsub');
    case 'match': {
      const subject = yield* text(0);
      const found = awkRegExp(yield* pattern(run, args[1]!)).exec(subject);
      run.set('RSTART', found === null ? 0 : found.index + 1);
      run.set('RLENGTH', found === null ? -1 : found[0].length);
      return found === null ? 0 : found.index + 1;
    }
    case 'sprintf': {
      const values: Value[] = [];
      for (const arg of args) values.push(yield* run.value(arg));
      return run.format(values, 'sprintf');
    }
    case 'tolower':
      return (yield* text(0)).replace(/[A-Z]+/g, (found) => found.toLowerCase());
    case 'toupper':
      return (yield* text(0)).replace(/[a-z]+/g, (found) => found.toUpperCase());
    case 'int':
      return Math.trunc(yield* number(0));
    case 'sqrt':
      return Math.sqrt(yield* number(0));
    case 'exp':
      return Math.exp(yield* number(0));
    case 'log':
      return Math.log(yield* number(0));
    case 'sin':
      return Math.sin(yield* number(0));
    case 'cos':
      return Math.cos(yield* number(0));
    case 'atan2':
      return Math.atan2(yield* number(0), yield* number(1));
    case 'rand': {
      run.random.seed = (Math.imul(run.random.seed, 1103515245) + 12345) >>> 0;
      return run.random.seed / 0x1_0000_0000;
    }
    case 'srand': {
      const before = run.random.previous;
      run.random.previous = args[0] === undefined ? Math.floor(run.proc.realtime() / 1e9) : yield* number(0);
      run.random.seed = run.random.previous >>> 0;
      return before;
    }
    case 'system':
      return (yield run.files.system(yield* text(0))) as number;
    case 'close':
      return (yield run.files.close(yield* text(0))) as number;
    case 'fflush':
      yield run.files.flush();
      return 0;
    case 'systime':
      return Math.floor(run.proc.realtime() / 1e9);
    case 'strftime': {
      const format = args[0] === undefined ? '%c' : yield* text(0);
      const seconds = args[1] === undefined ? Math.floor(run.proc.realtime() / 1e9) : yield* number(1);
      return strftime(format, seconds * 1e9, run.proc.utcOffset);
    }
    default: {
      const parts = (yield* text(0)).trim().split(/\s+/).map(Number);
      return Date.UTC(parts[0]!, parts[1]! - 1, parts[2], parts[3], parts[4], parts[5]) / 1000;
    }
  }
}

/** mawk counts bytes. */
function byteAware(text: string): { length: number } {
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  let length = 0;
  for (const char of text) {
    const code = char.codePointAt(0)!;
    length += code < 0x80 || (code >= 0xdc80 && code <= 0xdcff) ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return { length };
}

/** A start before the text lengthens what is taken: a quirk of mawk of that version. */
function substr(text: string, start: number, length: number | undefined): string {
  const from = Math.trunc(start);
  if (Number.isNaN(from)) return '';
  const begin = Math.max(from, 1);
  if (length === undefined) return text.slice(begin - 1);
  const count = from < 1 ? Math.trunc(length) - from : Math.trunc(length);
  return count > 0 ? text.slice(begin - 1, begin - 1 + count) : '';
}

function* split(run: Interpreter, args: readonly Expression[]): Eval<number> {
  const text = toText(yield* run.value(args[0]!), run.convfmt);
  const separator = args[2] === undefined ? run.text('FS') : yield* pattern(run, args[2]);
  const isRegex = args[2]?.op === 'regex';
  const parts =
    isRegex && separator === ' '
      ? text.split(' ')
      : run.splitText(text, isRegex && separator.length === 1 ? `[${separator}]` : separator);
  const target = args[1];
  const array = target?.op === 'variable' ? run.array(target.name) : new AwkArray();
  array.clear();
  for (const [i, part] of parts.entries()) array.set(String(i + 1), fromInput(part));
  return parts.length;
}

function* substitute(run: Interpreter, args: readonly Expression[], global: boolean): Eval<number> {
  const source = yield* pattern(run, args[0]!);
  const replacement = toText(yield* run.value(args[1]!), run.convfmt);
  const target: Expression = args[2] ?? { op: 'field', index: { op: 'number', value: 0 } };
  const text = toText(yield* run.value(target), run.convfmt);
  const regexp = awkRegExp(source);
  let out = '';
  let at = 0;
  let count = 0;
  let lastEnd = -1;
  while (at <= text.length) {
    regexp.lastIndex = at;
    const match = regexp.exec(text);
    if (match === null) break;
    const { index } = match;
    const end = index + match[0].length;
    if (match[0] === '' && index === lastEnd) {
      out += text.slice(at, index + 1);
      at = index + 1;
      lastEnd = -1;
      continue;
    }
    out += text.slice(at, index) + expand(replacement, match[0]);
    count++;
    at = end;
    lastEnd = end;
    if (!global) break;
    if (match[0] === '') {
      out += text.slice(at, at + 1);
      at++;
      if (at > text.length) break;
    }
  }
  if (count === 0) return 0;
  out += text.slice(at);
  if (target.op === 'variable' || target.op === 'field' || target.op === 'element')
    yield* run.assign(target as Target, out);
  return count;
}

/** `&` is what matched, `\\&` an ampersand. */
function expand(replacement: string, match: string): string {
  return replacement.replace(/\\\\&|\\&|\\\\|&/g, (found) => {
    if (found === '&') return match;
    if (found === '\\&') return '&';
    return found === '\\\\&' ? `\\${match}` : '\\';
  });
}
