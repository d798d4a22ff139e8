/** Array literals that come as text: `declare -a "x=(1 2)"`. */
import type { ElementValue } from './assign.ts';
import { drive, expandText, expandWord } from './expand.ts';
import type { ArrayElement } from './ir.ts';
import { parseScript } from './lower.ts';
import type { Shell } from './shell.ts';

/** The elements of `(...)`. Command substitutions in such a text are not run. */
export function parseLiteral(sh: Shell, text: string): ElementValue[] {
  const node = parseScript(`a=${text}`).list.statements[0]?.node;
  const value = node?.kind === 'simple' ? node.assigns[0]?.value : undefined;
  if (value === undefined || 'parts' in value) return [{ key: undefined, append: false, value: text }];
  return value.flatMap((element) => expandElement(sh, element));
}

function expandElement(sh: Shell, element: ArrayElement): ElementValue[] {
  if (element.key !== undefined) {
    return [
      {
        key: now(drive(expandText(sh, element.key))),
        append: element.append,
        value: now(drive(expandText(sh, element.value))),
      },
    ];
  }
  const values: string[] = [];
  const done = drive(expandWord(sh, element.value, values));
  if (done instanceof Promise) return [];
  return values.map((value) => ({ key: undefined, append: false, value }));
}

function now(value: string | Promise<string>): string {
  return typeof value === 'string' ? value : '';
}
