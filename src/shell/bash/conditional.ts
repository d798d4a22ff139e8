/** `[[ ... ]]`. */
import { arithmetic } from './assign.ts';
import { Abort } from './error.ts';
import { drive, type Eval, expandPattern, expandRegex, expandText } from './expand.ts';
import { compareFiles, fileTest, isFileBinary, isFileUnary, variableIsSet } from './file-test.ts';
import type { Test } from './ir.ts';
import { patternRegExp } from './pattern.ts';
import { quoteTrace } from './quote.ts';
import { regexSource } from './regex.ts';
import type { Shell } from './shell.ts';
import { traceTest } from './xtrace.ts';

export async function conditional(sh: Shell, test: Test, line: number): Promise<number> {
  sh.line = line;
  try {
    const result = drive(evaluateTest(sh, test));
    return (result instanceof Promise ? await result : result) ? 0 : 1;
  } catch (error) {
    if (error instanceof BadRegex) return 2;
    if (error instanceof Abort && error.kind === 'discard') return 1;
    throw error;
  }
}

class BadRegex {}

/** @param negation what a trace shows before a single test */
function* evaluateTest(sh: Shell, test: Test, negation = ''): Eval<boolean> {
  switch (test.kind) {
    case 'logical':
      for (const operand of test.operands) {
        const value = yield* evaluateTest(sh, operand);
        if (value === (test.op === '||')) return value;
      }
      return test.op === '&&';
    case 'not':
      return !(yield* evaluateTest(sh, test.operand, '! '));
    case 'unary': {
      const operand = yield* expandText(sh, test.operand);
      if (sh.options.has('xtrace')) yield traceTest(sh, `${negation}${test.op} ${quoteTrace(operand)}`);
      return unary(sh, test.op, operand);
    }
    case 'binary':
      return yield* binary(sh, test, negation);
  }
}

function unary(sh: Shell, op: string, operand: string): boolean {
  switch (op) {
    case '-z':
      return operand === '';
    case '-n':
      return operand !== '';
    case '-o':
      return (sh.options as Set<string>).has(operand);
    case '-v':
      return variableIsSet(sh, operand);
    case '-R':
      return sh.vars.get(operand)?.nameref === true;
  }
  return isFileUnary(op) && fileTest(sh, op, operand);
}

const NUMERIC: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  '-eq': (a, b) => a === b,
  '-ne': (a, b) => a !== b,
  '-lt': (a, b) => a < b,
  '-le': (a, b) => a <= b,
  '-gt': (a, b) => a > b,
  '-ge': (a, b) => a >= b,
};

function* binary(sh: Shell, test: Test & { kind: 'binary' }, negation: string): Eval<boolean> {
  const { op } = test;
  const left = yield* expandText(sh, test.left);
  const trace = sh.options.has('xtrace');
  if (op === '=~') {
    const pattern = yield* expandRegex(sh, test.right);
    if (trace) yield traceTest(sh, `${negation}${quoteTrace(left)} =~ ${pattern}`);
    return matchRegex(sh, left, pattern);
  }
  if (op === '==' || op === '=' || op === '!=') {
    const pattern = yield* expandPattern(sh, test.right);
    if (trace) yield traceTest(sh, `${negation}${quoteTrace(left)} ${op} ${pattern}`);
    const options = { extglob: true, ignoreCase: sh.shopts.get('nocasematch') === true };
    return patternRegExp(pattern, options).test(left) === (op !== '!=');
  }
  const right = yield* expandText(sh, test.right);
  if (trace) yield traceTest(sh, `${negation}${quoteTrace(left)} ${op} ${quoteTrace(right)}`);
  if (op === '<') return left < right;
  if (op === '>') return left > right;
  const compare = NUMERIC[op];
  if (compare !== undefined) return compare(arithmetic(sh, left, '[[: '), arithmetic(sh, right, '[[: '));
  return isFileBinary(op) && compareFiles(sh, op, left, right);
}

function matchRegex(sh: Shell, text: string, pattern: string): boolean {
  let match: RegExpExecArray | null;
  try {
    const flags = sh.shopts.get('nocasematch') === true ? 'sui' : 'su';
    match = new RegExp(regexSource(pattern), flags).exec(text);
  } catch {
    throw new BadRegex();
  }
  const variable = sh.vars.ensure('BASH_REMATCH');
  variable.array = match === null ? [] : match.map((group) => group ?? '');
  return match !== null;
}
