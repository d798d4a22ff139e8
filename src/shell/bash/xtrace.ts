/** `set -x`. */
import type { ArrayAssignment } from './assign.ts';
import { drive, expandText } from './expand.ts';
import type { Node } from './ir.ts';
import { lowerHereText } from './lower.ts';
import { quoteSingle, quoteTrace } from './quote.ts';
import type { Shell } from './shell.ts';
import { promptString } from './transform.ts';

/** PS4 expanded, its first character repeated for each level of substitution. */
async function prefix(sh: Shell): Promise<string> {
  const ps4 = sh.parameter('PS4') ?? '';
  let text = promptString(sh, ps4);
  if (/[$`\\]/.test(text)) {
    const { status } = sh;
    sh.options.delete('xtrace');
    try {
      text = await drive(expandText(sh, lowerHereText(text)));
    } finally {
      sh.options.add('xtrace');
      sh.status = status;
    }
  }
  const first = text === '' ? '' : String.fromCodePoint(text.codePointAt(0)!);
  return first.repeat(sh.traceLevel) + text;
}

async function emit(sh: Shell, text: string): Promise<void> {
  const fd = Number(sh.parameter('BASH_XTRACEFD') ?? 2);
  await sh.write(fd, `${await prefix(sh)}${text}\n`);
}

export async function traceCommand(
  sh: Shell,
  argv: readonly string[],
  arrays: readonly (ArrayAssignment | undefined)[] = [],
): Promise<void> {
  for (const array of arrays) if (array !== undefined) await emit(sh, arrayText(array));
  const words = argv.map((arg, i) => (typeof arrays[i]?.value === 'object' ? arrays[i]!.name : quoteTrace(arg)));
  await emit(sh, words.join(' '));
}

/** An array that `declare` and its like are given: assigned first, each element in quotes. */
function arrayText(array: ArrayAssignment): string {
  if (typeof array.value === 'string') return array.text;
  const items = array.value.map(
    ({ key, value }) => `${key === undefined ? '' : `[${quoteSingle(key)}]=`}${quoteSingle(value)}`,
  );
  return `${array.name}${array.append ? '+=' : '='}(${items.join(' ')})`;
}

export async function traceAssignment(sh: Shell, assign: ArrayAssignment): Promise<void> {
  if (typeof assign.value !== 'string') {
    await emit(sh, assign.text);
    return;
  }
  const index = assign.index === undefined ? '' : `[${assign.index}]`;
  const sign = assign.append ? '+=' : '=';
  const value = assign.value === '' ? '' : quoteTrace(assign.value);
  await emit(sh, `${assign.name}${index}${sign}${value}`);
}

export async function traceArithmetic(sh: Shell, text: string): Promise<void> {
  await emit(sh, `(( ${text} ))`);
}

export async function traceTest(sh: Shell, text: string): Promise<void> {
  await emit(sh, `[[ ${text} ]]`);
}

export async function traceFor(sh: Shell, node: Node & { kind: 'for' | 'select' }): Promise<void> {
  const words = node.words === undefined ? '"$@"' : node.words.map((word) => word.text).join(' ');
  await emit(sh, `${node.kind} ${node.name} in ${words}`);
}

export async function traceCase(sh: Shell, node: Node & { kind: 'case' }): Promise<void> {
  await emit(sh, `case ${node.word.text} in`);
}
