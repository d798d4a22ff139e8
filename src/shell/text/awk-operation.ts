/** Operators of awk, and what cannot be computed. */
import { awkRegExp } from './awk-value.ts';

/** A run-time error of the program. */
export class AwkError extends Error {}

export const COMPARE: Readonly<Record<string, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

export function arithmetic(operator: string, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      if (b === 0) throw new AwkError('division by zero');
      return a / b;
    case '%':
      if (b === 0) throw new AwkError('division by zero in %');
      return a % b;
    default:
      return a ** b;
  }
}

/** An expression of the program; what cannot be compiled ends it. */
export function regExp(source: string): RegExp {
  try {
    return awkRegExp(source);
  } catch {
    throw new AwkError(`regular expression compile failed (missing operand)\n${source}`);
  }
}

export function splitRegExp(text: string, regexp: RegExp): string[] {
  const out: string[] = [];
  let at = 0;
  for (const match of text.matchAll(regexp)) {
    if (match[0] === '') continue;
    out.push(text.slice(at, match.index));
    at = match.index + match[0].length;
  }
  out.push(text.slice(at));
  return out;
}

/** Escapes in `-v name=value` and operands. */
export function unescapeAssigned(text: string): string {
  return text.replace(/\\([ntr\\"/abfv]|[0-7]{1,3})/g, (_found, code: string) => {
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    return (
      { n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"', '/': '/', a: '\x07', b: '\b', f: '\f', v: '\v' } as Record<
        string,
        string
      >
    )[code]!;
  });
}
