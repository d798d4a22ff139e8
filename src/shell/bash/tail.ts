/** Which command of a -c text may run in the shell's own process. */
import type { Node } from './ir.ts';
import { tailOf } from './job-control.ts';
import { parseScript } from './lower.ts';

export function bodyTail(text: string): Node | undefined {
  const parsed = parseScript(text);
  if (parsed.error !== undefined) return undefined;
  const tail = tailOf(parsed.list);
  return tail?.kind === 'simple' && tail.redirs.length === 0 ? tail : undefined;
}
