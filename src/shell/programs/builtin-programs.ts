/** Builtins that are programs too: /usr/bin/echo, printf, test, pwd, as `xargs` and `ip netns exec` run them. */
import { builtins } from '../bash/builtins/table.ts';
import { CommandFailure } from '../bash/error.ts';
import { newShell } from '../bash/main.ts';
import { basename } from '../fs/path.ts';
import type { SystemProgram } from '../process/system.ts';

export function builtinProgram(name: string): SystemProgram {
  return async (proc) => {
    const sh = newShell(proc, name);
    sh.bare = true;
    try {
      return await builtins.get(name)!(sh, [basename(proc.argv[0] ?? name), ...proc.argv.slice(1)]);
    } catch (error) {
      if (error instanceof CommandFailure) return error.status;
      throw error;
    }
  };
}
