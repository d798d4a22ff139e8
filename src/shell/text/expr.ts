/** expr of coreutils. */

import { regexSource } from '../bash/regex.ts';
import type { Proc } from '../process/proc.ts';
import { basicToExtended } from './grep-pattern.ts';

class ExprError extends Error {}

export async function expr(proc: Proc): Promise<number> {
  const args = proc.argv.slice(proc.argv[1] === '--' ? 2 : 1);
  if (args.length === 0) {
    proc.stderr.write("expr: missing operand\nTry 'expr --help' for more information.\n");
    return 2;
  }
  try {
    const parser = new Parser(args);
    const value = parser.or();
    parser.end();
    proc.stdout.write(`${value}\n`);
    return value === '' || /^-?0+$/.test(value) ? 1 : 0;
  } catch (error) {
    if (!(error instanceof ExprError)) throw error;
    proc.stderr.write(`expr: ${error.message}\n`);
    return 2;
  }
}

function whole(text: string): bigint {
  if (!/^-?\d+$/.test(text)) throw new ExprError('non-integer argument');
  return BigInt(text);
}

function isFalse(text: string): boolean {
  return text === '' || /^-?0+$/.test(text);
}

class Parser {
  private at = 0;
  private readonly args: readonly string[];

  constructor(args: readonly string[]) {
    this.args = args;
  }

  end(): void {
    const extra = this.args[this.at];
    if (extra !== undefined) throw new ExprError(`syntax error: unexpected argument ‘${extra}’`);
  }

  private take(...operators: readonly string[]): string | undefined {
    const arg = this.args[this.at];
    if (arg === undefined || !operators.includes(arg)) return undefined;
    this.at++;
    return arg;
  }

  private next(): string {
    const arg = this.args[this.at++];
    if (arg === undefined) throw new ExprError(`syntax error: missing argument after ‘${this.args.at(-1)}’`);
    return arg;
  }

  or(): string {
    let left = this.and();
    while (this.take('|') !== undefined) {
      const right = this.and();
      left = isFalse(left) ? (isFalse(right) ? '0' : right) : left;
    }
    return left;
  }

  private and(): string {
    let left = this.compare();
    while (this.take('&') !== undefined) {
      const right = this.compare();
      left = isFalse(left) || isFalse(right) ? '0' : left;
    }
    return left;
  }

  private compare(): string {
    let left = this.sum();
    for (
      let op = this.take('<', '<=', '=', '==', '!=', '>=', '>');
      op !== undefined;
      op = this.take('<', '<=', '=', '==', '!=', '>=', '>')
    ) {
      const right = this.sum();
      const numeric = /^-?\d+$/.test(left) && /^-?\d+$/.test(right);
      const order = numeric ? Number(BigInt(left) - BigInt(right)) : left < right ? -1 : left > right ? 1 : 0;
      const holds = {
        '<': order < 0,
        '<=': order <= 0,
        '=': order === 0,
        '==': order === 0,
        '!=': order !== 0,
        '>=': order >= 0,
        '>': order > 0,
      }[op];
      left = holds === true ? '1' : '0';
    }
    return left;
  }

  private sum(): string {
    let left = this.product();
    for (let op = this.take('+', '-'); op !== undefined; op = this.take('+', '-')) {
      const right = whole(this.product());
      left = String(op === '+' ? whole(left) + right : whole(left) - right);
    }
    return left;
  }

  private product(): string {
    let left = this.match();
    for (let op = this.take('*', '/', '%'); op !== undefined; op = this.take('*', '/', '%')) {
      const right = whole(this.match());
      if (op !== '*' && right === 0n) throw new ExprError('division by zero');
      const value = whole(left);
      left = String(op === '*' ? value * right : op === '/' ? value / right : value % right);
    }
    return left;
  }

  private match(): string {
    let left = this.primary();
    while (this.take(':') !== undefined) left = matched(left, this.primary());
    return left;
  }

  private primary(): string {
    if (this.take('(') !== undefined) {
      const value = this.or();
      if (this.take(')') === undefined) {
        throw new ExprError(`syntax error: expecting ')' after ‘${this.args[this.at - 1]}’`);
      }
      return value;
    }
    const more = this.at + 1 < this.args.length;
    if (more && this.take('+') !== undefined) return this.next();
    if (more && this.take('length') !== undefined) return String([...this.primary()].length);
    if (more && this.take('match') !== undefined) return matched(this.primary(), this.primary());
    if (more && this.take('index') !== undefined) {
      const text = this.primary();
      const set = this.primary();
      return String([...text].findIndex((char) => set.includes(char)) + 1);
    }
    if (more && this.take('substr') !== undefined) {
      const text = this.primary();
      const from = Number(this.primary());
      const count = Number(this.primary());
      return from >= 1 && count > 0 ? text.slice(from - 1, from - 1 + count) : '';
    }
    return this.next();
  }
}

/** The first group, or how many characters matched. */
function matched(text: string, pattern: string): string {
  const match = new RegExp(`^(?:${regexSource(basicToExtended(pattern))})`, 'su').exec(text);
  if (/\\\(/.test(pattern)) return match?.[1] ?? '';
  return String(match?.[0].length ?? 0);
}
