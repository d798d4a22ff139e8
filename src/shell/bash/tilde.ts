/** Tilde expansion. */
import type { Shell } from './shell.ts';

/** The directory that `~user` stands for, or the text itself. */
export function tildeDirectory(sh: Shell, user: string): string {
  switch (user) {
    case '':
      return sh.parameter('HOME') ?? '/root';
    case '+':
      return sh.parameter('PWD') ?? sh.proc.cwd;
    case '-':
      return sh.parameter('OLDPWD') ?? '~-';
    case 'root':
      return '/root';
    case 'nobody':
      return '/nonexistent';
  }
  if (/^[+-]?\d+$/.test(user)) {
    const stack = [sh.proc.cwd, ...sh.dirStack];
    const n = Number(user.replace(/^[+-]/, ''));
    const entry = user.startsWith('-') ? stack[stack.length - 1 - n] : stack[n];
    if (entry !== undefined) return entry;
  }
  return `~${user}`;
}
