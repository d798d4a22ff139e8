/** test and [. */
import type { Builtin } from '../builtin.ts';
import { compareFiles, fileTest, isFileBinary, isFileUnary, variableIsSet } from '../file-test.ts';
import type { Shell } from '../shell.ts';

class TestError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export const test: Builtin = (sh, argv) => {
  let args = argv.slice(1);
  if (argv[0] === '[') {
    if (args.at(-1) !== ']') {
      void sh.complainAs('[', "missing `]'");
      return 2;
    }
    args = args.slice(0, -1);
  }
  try {
    return evaluate(sh, args) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof TestError)) throw error;
    void sh.complainAs(argv[0]!, error.message);
    return 2;
  }
};

const BINARY = new Set([
  '=',
  '==',
  '!=',
  '<',
  '>',
  '-eq',
  '-ne',
  '-lt',
  '-le',
  '-gt',
  '-ge',
  '-nt',
  '-ot',
  '-ef',
  '-a',
  '-o',
]);

function isUnary(op: string): boolean {
  return /^-[znovR]$/.test(op) || isFileUnary(op);
}

function evaluate(sh: Shell, args: readonly string[]): boolean {
  switch (args.length) {
    case 0:
      return false;
    case 1:
      return args[0] !== '';
    case 2:
      return two(sh, args[0]!, args[1]!);
    case 3:
      return three(sh, args[0]!, args[1]!, args[2]!);
    case 4:
      if (args[0] === '!') return !three(sh, args[1]!, args[2]!, args[3]!);
      if (args[0] === '(' && args[3] === ')') return two(sh, args[1]!, args[2]!);
  }
  const parser = new Parser(sh, args);
  const value = parser.or();
  if (parser.at < args.length) throw new TestError('too many arguments');
  return value;
}

function two(sh: Shell, op: string, arg: string): boolean {
  if (op === '!') return arg === '';
  if (isUnary(op)) return unary(sh, op, arg);
  throw new TestError(`${op}: unary operator expected`);
}

function three(sh: Shell, left: string, op: string, right: string): boolean {
  if (op === '-a') return left !== '' && right !== '';
  if (op === '-o') return left !== '' || right !== '';
  if (BINARY.has(op)) return binary(sh, left, op, right);
  if (left === '!') return !two(sh, op, right);
  if (left === '(' && right === ')') return op !== '';
  throw new TestError(`${op}: binary operator expected`);
}

function unary(sh: Shell, op: string, arg: string): boolean {
  switch (op) {
    case '-z':
      return arg === '';
    case '-n':
      return arg !== '';
    case '-o':
      return (sh.options as Set<string>).has(arg);
    case '-v':
      return variableIsSet(sh, arg);
    case '-R':
      return sh.vars.get(arg)?.nameref === true;
  }
  if (op === '-t' && !/^\s*-?\d+\s*$/.test(arg)) throw new TestError(`${arg}: integer expression expected`);
  return fileTest(sh, op, arg);
}

function integer(text: string): bigint {
  const trimmed = text.trim();
  if (!/^[-+]?\d+$/.test(trimmed)) throw new TestError(`${text}: integer expression expected`);
  return BigInt(trimmed.replace(/^\+/, ''));
}

function binary(sh: Shell, left: string, op: string, right: string): boolean {
  switch (op) {
    case '=':
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '>':
      return left > right;
  }
  if (isFileBinary(op)) return compareFiles(sh, op, left, right);
  const a = integer(left);
  const b = integer(right);
  switch (op) {
    case '-eq':
      return a === b;
    case '-ne':
      return a !== b;
    case '-lt':
      return a < b;
    case '-le':
      return a <= b;
    case '-gt':
      return a > b;
    default:
      return a >= b;
  }
}

/** Five arguments and more: -o, -a, !, parentheses. */
class Parser {
  at = 0;
  private readonly sh: Shell;
  private readonly args: readonly string[];

  constructor(sh: Shell, args: readonly string[]) {
    this.sh = sh;
    this.args = args;
  }

  or(): boolean {
    let value = this.and();
    while (this.args[this.at] === '-o') {
      this.at++;
      const right = this.and();
      value = value || right;
    }
    return value;
  }

  private and(): boolean {
    let value = this.term();
    while (this.args[this.at] === '-a') {
      this.at++;
      const right = this.term();
      value = value && right;
    }
    return value;
  }

  private term(): boolean {
    const { args, at } = this;
    const first = args[at];
    if (first === undefined) throw new TestError('argument expected');
    if (first === '!') {
      this.at++;
      return !this.term();
    }
    const op = args[at + 1];
    if (op !== undefined && BINARY.has(op) && op !== '-a' && op !== '-o' && args[at + 2] !== undefined) {
      this.at += 3;
      return binary(this.sh, first, op, args[at + 2]!);
    }
    if (first === '(') {
      this.at++;
      const value = this.or();
      if (args[this.at] !== ')') throw new TestError("`)' expected");
      this.at++;
      return value;
    }
    if (isUnary(first) && op !== undefined) {
      this.at += 2;
      return unary(this.sh, first, op);
    }
    this.at++;
    return first !== '';
  }
}
