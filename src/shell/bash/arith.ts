/**
 * Arithmetic: 64-bit integers with C's operators. An expression is text (expansions are done before) and a variable's value may be an expression in turn.
 */

export class ArithmeticError extends Error {}

/** What an expression may read and change. */
export interface ArithmeticScope {
  /** Value of a variable or element as text; undefined when unset. `-u` errors are the scope's to throw. */
  read(name: string, subscript: string | undefined): string | undefined;
  write(name: string, subscript: string | undefined, value: string): void;
}

type Node =
  | { op: 'num'; value: bigint }
  | { op: 'var'; name: string; subscript: string | undefined }
  | { op: 'unary'; operator: string; operand: Node }
  | { op: 'binary'; operator: string; left: Node; right: Node; at: number }
  | { op: 'logical'; operator: '&&' | '||'; left: Node; right: Node }
  | { op: 'cond'; test: Node; yes: Node; no: Node }
  | { op: 'assign'; operator: string; target: Node & { op: 'var' }; value: Node; at: number }
  | { op: 'step'; delta: bigint; prefix: boolean; target: Node & { op: 'var' } }
  | { op: 'comma'; left: Node; right: Node };

const MAX_DEPTH = 1024;
const cache = new Map<string, Node | undefined>();

/** The value of `text`; an empty expression is 0. */
export function evaluate(text: string, scope: ArithmeticScope, depth = 0): bigint {
  if (/^\d{1,15}$/.test(text) && (text[0] !== '0' || text === '0')) return BigInt(text);
  if (depth > MAX_DEPTH)
    throw new ArithmeticError(`${text}: expression recursion level exceeded (error token is "${text}")`);
  let node = cache.get(text);
  if (node === undefined && !cache.has(text)) {
    node = new Parser(text).parse();
    if (cache.size > 5000) cache.clear();
    cache.set(text, node);
  }
  return node === undefined ? 0n : new Evaluator(text, scope, depth).value(node);
}

const OPERATORS = [
  '<<=',
  '>>=',
  '**',
  '++',
  '--',
  '<<',
  '>>',
  '<=',
  '>=',
  '==',
  '!=',
  '&&',
  '||',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '&=',
  '^=',
  '|=',
  '+',
  '-',
  '*',
  '/',
  '%',
  '<',
  '>',
  '=',
  '!',
  '~',
  '&',
  '|',
  '^',
  '?',
  ':',
  ',',
  '(',
  ')',
]; // prettier-ignore

const PRECEDENCE: Readonly<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '|': 3,
  '^': 4,
  '&': 5,
  '==': 6,
  '!=': 6,
  '<': 7,
  '>': 7,
  '<=': 7,
  '>=': 7,
  '<<': 8,
  '>>': 8,
  '+': 9,
  '-': 9,
  '*': 10,
  '/': 10,
  '%': 10,
}; // prettier-ignore

interface Token {
  kind: 'num' | 'name' | 'op' | 'end' | 'bad';
  text: string;
  subscript: string | undefined;
  at: number;
}

class Parser {
  private readonly text: string;
  private position = 0;
  private token: Token;
  private lastAt = 0;

  constructor(text: string) {
    this.text = text;
    this.token = this.scan();
  }

  parse(): Node | undefined {
    if (this.token.kind === 'end') return undefined;
    const node = this.comma();
    if (!this.ended) this.syntaxError();
    return node;
  }

  private fail(message: string, at: number): never {
    const token = this.text.slice(at);
    throw new ArithmeticError(`${this.text.trimStart()}: ${message} (error token is "${token}")`);
  }

  private syntaxError(): never {
    if (this.token.kind === 'bad') this.fail('syntax error: invalid arithmetic operator', this.token.at);
    if (this.token.kind === 'end') this.fail('syntax error: operand expected', this.lastAt);
    this.fail('syntax error in expression', this.token.at);
  }

  private scan(): Token {
    const text = this.text;
    let i = this.position;
    while (i < text.length && /[\s"]/.test(text[i]!)) i++;
    if (i >= text.length) {
      this.position = i;
      return { kind: 'end', text: '', subscript: undefined, at: i };
    }
    const rest = text.slice(i);
    const word = /^(?:[0-9][0-9a-zA-Z_@#]*|[a-zA-Z_][a-zA-Z0-9_]*)/.exec(rest);
    if (word !== null) {
      let end = i + word[0].length;
      const numeric = /^[0-9]/.test(word[0]);
      let subscript: string | undefined;
      if (!numeric && text[end] === '[') {
        const close = matchBracket(text, end);
        if (close < 0) this.fail('bad array subscript', i);
        subscript = text.slice(end + 1, close);
        end = close + 1;
      }
      this.position = end;
      return { kind: numeric ? 'num' : 'name', text: word[0], subscript, at: i };
    }
    const operator = OPERATORS.find((each) => rest.startsWith(each));
    if (operator === undefined) {
      this.position = i + 1;
      return { kind: 'bad', text: rest[0]!, subscript: undefined, at: i };
    }
    this.position = i + operator.length;
    return { kind: 'op', text: operator, subscript: undefined, at: i };
  }

  /** Asked anew each time: `next` changes the token. */
  private get ended(): boolean {
    return this.token.kind === 'end';
  }

  private get atName(): boolean {
    return this.token.kind === 'name';
  }

  private next(): void {
    this.lastAt = this.token.at;
    this.token = this.scan();
  }

  private isOp(text: string): boolean {
    return this.token.kind === 'op' && this.token.text === text;
  }

  private comma(): Node {
    let left = this.assignment();
    while (this.isOp(',')) {
      this.next();
      left = { op: 'comma', left, right: this.assignment() };
    }
    return left;
  }

  private assignment(): Node {
    const left = this.conditional();
    if (this.token.kind !== 'op') return left;
    const operator = this.token.text;
    if (!/^(?:=|[-+*/%&^|]=|<<=|>>=)$/.test(operator)) return left;
    if (left.op !== 'var') this.fail('attempted assignment to non-variable', this.token.at);
    this.next();
    const at = this.token.at;
    return { op: 'assign', operator: operator.slice(0, -1), target: left, value: this.assignment(), at };
  }

  private conditional(): Node {
    const test = this.binary(1);
    if (!this.isOp('?')) return test;
    this.next();
    if (this.isOp(':') || this.ended) this.fail('expression expected', this.ended ? this.lastAt : this.token.at);
    const yes = this.comma();
    if (!this.isOp(':')) this.fail("`:' expected for conditional expression", this.ended ? this.lastAt : this.token.at);
    this.next();
    if (this.ended) this.fail('expression expected', this.lastAt);
    return { op: 'cond', test, yes, no: this.assignmentOrConditional() };
  }

  private assignmentOrConditional(): Node {
    return this.conditional();
  }

  private binary(level: number): Node {
    let left = this.power();
    for (;;) {
      const operator = this.token.kind === 'op' ? this.token.text : '';
      const precedence = PRECEDENCE[operator];
      if (precedence === undefined || precedence < level) return left;
      this.next();
      const at = this.token.at;
      const right = this.binary(precedence + 1);
      if (operator === '&&' || operator === '||') left = { op: 'logical', operator, left, right };
      else left = { op: 'binary', operator, left, right, at };
    }
  }

  private power(): Node {
    const left = this.unary();
    if (!this.isOp('**')) return left;
    this.next();
    const at = this.token.at;
    return { op: 'binary', operator: '**', left, right: this.power(), at };
  }

  private unary(): Node {
    if (this.token.kind === 'op') {
      const operator = this.token.text;
      if (operator === '!' || operator === '~' || operator === '-' || operator === '+') {
        this.next();
        return { op: 'unary', operator, operand: this.unary() };
      }
      if (operator === '++' || operator === '--') {
        this.next();
        if (this.atName) {
          const target = this.name();
          return { op: 'step', delta: operator === '++' ? 1n : -1n, prefix: true, target };
        }
        const sign = operator[0]!;
        return { op: 'unary', operator: sign, operand: { op: 'unary', operator: sign, operand: this.unary() } };
      }
    }
    return this.postfix();
  }

  private name(): Node & { op: 'var' } {
    const node = { op: 'var', name: this.token.text, subscript: this.token.subscript } as const;
    this.next();
    return node;
  }

  private postfix(): Node {
    const token = this.token;
    if (token.kind === 'name') {
      const target = this.name();
      if (this.isOp('++') || this.isOp('--')) {
        const delta = this.token.text === '++' ? 1n : -1n;
        this.next();
        return { op: 'step', delta, prefix: false, target };
      }
      return target;
    }
    if (token.kind === 'num') {
      const value = parseNumber(token.text, (message) => this.fail(message, token.at));
      this.next();
      return { op: 'num', value };
    }
    if (this.isOp('(')) {
      this.next();
      const inner = this.comma();
      if (!this.isOp(')')) this.fail("missing `)'", this.ended ? this.lastAt : this.token.at);
      this.next();
      return inner;
    }
    if (token.kind === 'end') this.fail('syntax error: operand expected', this.lastAt);
    this.fail('syntax error: operand expected', token.at);
  }
}

function matchBracket(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '[') depth++;
    else if (text[i] === ']' && --depth === 0) return i;
  }
  return -1;
}

/** A constant: decimal, 0octal, 0xhex, base#digits. */
function parseNumber(text: string, fail: (message: string) => never): bigint {
  const hash = text.indexOf('#');
  if (hash < 0) {
    if (/^0[xX]/.test(text)) {
      if (!/^0[xX][0-9a-fA-F]+$/.test(text)) fail('value too great for base');
      return BigInt.asIntN(64, BigInt(text));
    }
    if (text.length > 1 && text[0] === '0') {
      if (!/^[0-7]+$/.test(text)) fail('value too great for base');
      return BigInt.asIntN(64, BigInt(`0o${text.slice(1)}`));
    }
    if (!/^\d+$/.test(text)) fail('value too great for base');
    return BigInt.asIntN(64, BigInt(text));
  }
  const base = Number(text.slice(0, hash));
  if (!Number.isInteger(base) || base < 2 || base > 64) fail('invalid arithmetic base');
  const digits = text.slice(hash + 1);
  if (digits === '') fail('invalid integer constant');
  let value = 0n;
  for (const char of digits) {
    const digit = digitValue(char, base);
    if (digit < 0 || digit >= base) fail('value too great for base');
    value = value * BigInt(base) + BigInt(digit);
  }
  return BigInt.asIntN(64, value);
}

function digitValue(char: string, base: number): number {
  if (char >= '0' && char <= '9') return Number(char);
  if (char >= 'a' && char <= 'z') return char.charCodeAt(0) - 87;
  if (char >= 'A' && char <= 'Z') return base <= 36 ? char.charCodeAt(0) - 55 : char.charCodeAt(0) - 29;
  return char === '@' ? 62 : char === '_' ? 63 : -1;
}

class Evaluator {
  private readonly text: string;
  private readonly scope: ArithmeticScope;
  private readonly depth: number;

  constructor(text: string, scope: ArithmeticScope, depth: number) {
    this.text = text;
    this.scope = scope;
    this.depth = depth;
  }

  value(node: Node): bigint {
    switch (node.op) {
      case 'num':
        return node.value;
      case 'var':
        return this.read(node);
      case 'unary': {
        const operand = this.value(node.operand);
        if (node.operator === '-') return wrap(-operand);
        if (node.operator === '!') return operand === 0n ? 1n : 0n;
        return node.operator === '~' ? ~operand : operand;
      }
      case 'binary':
        return this.binary(node.operator, this.value(node.left), this.value(node.right), node.at);
      case 'logical': {
        const left = this.value(node.left) !== 0n;
        if (node.operator === '&&' ? !left : left) return left ? 1n : 0n;
        return this.value(node.right) === 0n ? 0n : 1n;
      }
      case 'cond':
        return this.value(this.value(node.test) === 0n ? node.no : node.yes);
      case 'assign': {
        let value = this.value(node.value);
        if (node.operator !== '') value = this.binary(node.operator, this.read(node.target), value, node.at);
        this.scope.write(node.target.name, node.target.subscript, value.toString());
        return value;
      }
      case 'step': {
        const before = this.read(node.target);
        const after = wrap(before + node.delta);
        this.scope.write(node.target.name, node.target.subscript, after.toString());
        return node.prefix ? after : before;
      }
      case 'comma':
        this.value(node.left);
        return this.value(node.right);
    }
  }

  private read(node: Node & { op: 'var' }): bigint {
    const text = this.scope.read(node.name, node.subscript);
    if (text === undefined || text === '') return 0n;
    return evaluate(text, this.scope, this.depth + 1);
  }

  private binary(operator: string, a: bigint, b: bigint, at: number): bigint {
    switch (operator) {
      case '+':
        return wrap(a + b);
      case '-':
        return wrap(a - b);
      case '*':
        return wrap(a * b);
      case '/':
      case '%':
        if (b === 0n)
          throw new ArithmeticError(
            `${this.text.trimStart()}: division by 0 (error token is "${this.text.slice(at)}")`,
          );
        return wrap(operator === '/' ? a / b : a % b);
      case '**':
        if (b < 0n)
          throw new ArithmeticError(
            `${this.text.trimStart()}: exponent less than 0 (error token is "${this.text.slice(at)}")`,
          );
        return power(a, b);
      case '<<':
        return wrap(a << (b & 63n));
      case '>>':
        return a >> (b & 63n);
      case '&':
        return a & b;
      case '|':
        return a | b;
      case '^':
        return a ^ b;
      case '==':
        return a === b ? 1n : 0n;
      case '!=':
        return a !== b ? 1n : 0n;
      case '<':
        return a < b ? 1n : 0n;
      case '>':
        return a > b ? 1n : 0n;
      case '<=':
        return a <= b ? 1n : 0n;
      default:
        return a >= b ? 1n : 0n;
    }
  }
}

const MIN = -(1n << 63n);
const MAX = (1n << 63n) - 1n;

function wrap(value: bigint): bigint {
  return value >= MIN && value <= MAX ? value : BigInt.asIntN(64, value);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let factor = base;
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = wrap(result * factor);
    factor = wrap(factor * factor);
  }
  return result;
}
