/** Whether a shell would run a text now, or wait for another line. */
import { parseScript } from '../shell/bash/lower.ts';

/** Text that ends nothing and begins nothing. */
const NEUTRAL = '\n:';
/** Text that is wrong wherever the shell would read it as a command. */
const WRONG = '\n)';

/**
 * The parser says where a text is wrong, not whether more text would mend it. So it is asked again
 * with a line added: a text is incomplete if then the trouble moves to the end, or goes away.
 */
export function isComplete(text: string): boolean {
  const { error } = parseScript(text);
  if (error === undefined) return !endsInBackslash(text) && parseScript(text + WRONG).error !== undefined;
  if (error.message.startsWith('unterminated')) return false;
  const further = parseScript(text + NEUTRAL).error;
  return further !== undefined && further.pos < text.trimEnd().length;
}

function endsInBackslash(text: string): boolean {
  return (/\\+$/.exec(text)?.[0].length ?? 0) % 2 === 1 && !/(^|\s)#[^\n]*$/.test(text);
}
