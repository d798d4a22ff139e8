/** BASH_COMMAND. */
import { commandText } from './print.ts';
import type { Shell } from './shell.ts';

/** Text of the command that runs or, in a trap, of the one before it. */
export function currentCommand(sh: Shell): string {
  const node = sh.trappedNode ?? sh.currentNode;
  return node === undefined ? '' : commandText(node);
}
