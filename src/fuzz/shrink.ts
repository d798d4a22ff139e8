/**
 * Making a lab that differs smaller, until nothing can be left out: delta debugging over its commands
 * (Zeller and Hildebrandt, 2002), then over the words of those that remain. The last command is the
 * one that differs; it stays.
 */

/**
 * Tries several candidates, best first, and returns the index of the first that still differs;
 * undefined when none does.
 */
export type Try<T> = (candidates: readonly T[]) => Promise<number | undefined>;

/** The smallest list found that still differs; `last` entries at its end are never left out. */
export async function shrinkList<T>(
  list: readonly T[],
  kept: number,
  attempt: Try<readonly T[]>,
): Promise<readonly T[]> {
  let current = list;
  let parts = 2;
  while (current.length > kept) {
    const free = current.length - kept;
    parts = Math.min(parts, free);
    const candidates = Array.from({ length: parts }, (_, part) => {
      const from = Math.floor((free * part) / parts);
      const to = Math.floor((free * (part + 1)) / parts);
      return [...current.slice(0, from), ...current.slice(to)];
    });
    const found = await attempt(candidates);
    if (found !== undefined) {
      current = candidates[found]!;
      parts = Math.max(2, parts - 1);
    } else if (parts === free) break;
    else parts *= 2;
  }
  return current;
}

/** Words that may be left out together: an option and its value, or one word. */
const SPANS = [2, 1, 3];

/** Options without which ping and arping go on for ever. */
const LASTING = /^-[cwW]$/;

/** The command with words left out, the largest omissions first; the first word stays. */
function shorter(command: string): string[] {
  const words = command.split(' ');
  const out: string[] = [];
  for (const span of SPANS) {
    for (let at = 1; at + span <= words.length; at++) {
      if (words.slice(at - 1, at + span).some((word) => LASTING.test(word))) continue;
      out.push([...words.slice(0, at), ...words.slice(at + span)].join(' '));
    }
  }
  return out;
}

/** Fewer commands, and then fewer words in them. */
export async function shrinkCommands(
  commands: readonly string[],
  attempt: Try<readonly string[]>,
): Promise<readonly string[]> {
  let current = await shrinkList(commands, 1, attempt);
  for (let index = current.length - 1; index >= 0; index--) {
    for (;;) {
      const candidates = shorter(current[index]!).map((command) => current.with(index, command));
      const found = await attempt(candidates);
      if (found === undefined) break;
      current = candidates[found]!;
    }
  }
  return shrinkList(current, 1, attempt);
}
