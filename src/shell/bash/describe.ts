/** What a name means as a command: `type`, `command -v`. */

import { searchPath } from './lookup.ts';
import { functionText } from './print.ts';
import { quoteSingle } from './quote.ts';
import type { Shell } from './shell.ts';

const KEYWORDS = new Set(
  'if then else elif fi case esac for select while until do done in function time { } ! [[ ]] coproc'.split(' '),
);

export type Meaning =
  | { kind: 'alias'; text: string }
  | { kind: 'keyword' }
  | { kind: 'function' }
  | { kind: 'builtin' }
  | { kind: 'file'; path: string; hashed: boolean };

/** The meanings of a name, the one that would be used first. */
export function meanings(sh: Shell, name: string, all: boolean, skipFunctions = false): Meaning[] {
  const out: Meaning[] = [];
  const alias = sh.aliases.get(name);
  if (alias !== undefined && sh.shopts.get('expand_aliases') === true) out.push({ kind: 'alias', text: alias });
  if (KEYWORDS.has(name)) out.push({ kind: 'keyword' });
  if (!skipFunctions && sh.functions.has(name)) out.push({ kind: 'function' });
  if (sh.exec.isBuiltin(name) && !sh.disabledBuiltins.has(name)) out.push({ kind: 'builtin' });
  if (out.length > 0 && !all) return out;
  out.push(...files(sh, name, all));
  return out;
}

/** The files that a name leads to. */
export function files(sh: Shell, name: string, all: boolean): Meaning[] {
  if (name.includes('/')) {
    return sh.exec.isExecutable(sh, name) ? [{ kind: 'file', path: name, hashed: false }] : [];
  }
  if (!all) {
    const hashed = sh.commandHash.has(name) && sh.hashPath === sh.parameter('PATH');
    const path = searchPath(sh, name, false);
    return path === undefined ? [] : [{ kind: 'file', path, hashed }];
  }
  const out: Meaning[] = [];
  for (const dir of (sh.parameter('PATH') ?? '').split(':')) {
    const path = `${dir === '' ? '.' : dir}/${name}`;
    if (sh.exec.isExecutable(sh, path)) out.push({ kind: 'file', path, hashed: false });
  }
  return out;
}

/** `command -v` (short) and `type`, `command -V` (long). */
export function describeCommand(sh: Shell, name: string, style: 'short' | 'long'): string | undefined {
  const first = meanings(sh, name, false)[0];
  return first === undefined ? undefined : describe(sh, name, first, style);
}

export function describe(sh: Shell, name: string, meaning: Meaning, style: 'short' | 'long'): string {
  switch (meaning.kind) {
    case 'alias':
      return style === 'short'
        ? `alias ${name}=${quoteSingle(meaning.text)}`
        : `${name} is aliased to \`${meaning.text}'`;
    case 'keyword':
      return style === 'short' ? name : `${name} is a shell keyword`;
    case 'function':
      return style === 'short'
        ? name
        : `${name} is a function\n${functionText(name, sh.functions.get(name)!.body).replace(/\n$/, '')}`;
    case 'builtin':
      return style === 'short' ? name : `${name} is a shell builtin`;
    case 'file':
      if (style === 'short') return meaning.path;
      return meaning.hashed ? `${name} is hashed (${meaning.path})` : `${name} is ${meaning.path}`;
  }
}
