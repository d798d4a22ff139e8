/** BASH_COMMAND. */
import { commandText } from './print.ts';
import type { Shell } from './shell.ts';

/** Text of the command that runs or, in a trap, of the one before it. */
export function currentCommand(sh: Shell): string {
  const node = sh.trappedNode ?? sh.currentNode;
  if (node === undefined) return '';
  switch (node.kind) {
    case 'for':
    case 'select':
    case 'case':
      return commandText(node).split('\n', 1)[0]!.replace(/;$/, '');
    default:
      return commandText(node);
  }
}
