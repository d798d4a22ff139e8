/** What a builtin command is. */
import type { ArrayAssignment } from './assign.ts';
import type { Shell } from './shell.ts';

/**
 * A builtin: `argv[0]` is its name. For `declare` and its like, `arrays[i]` is the assignment that
 * argument i spells, when it is one of an array.
 */
export type Builtin = (
  sh: Shell,
  argv: readonly string[],
  arrays?: readonly (ArrayAssignment | undefined)[],
) => number | Promise<number>;
