/** Pathname expansion. */
import { isRefusal } from '../../uapi/result.ts';
import { DirectoryInode } from '../fs/inode.ts';
import type { Proc } from '../process/proc.ts';
import { hasPattern, patternRegExp, unescapePattern } from './pattern.ts';

export interface GlobOptions {
  extglob: boolean;
  dotglob: boolean;
  globstar: boolean;
  nocaseglob: boolean;
  /** `.*` does not match `.` and `..`. */
  skipDots: boolean;
}

/** Paths that match, sorted as in the C locale; empty when none does. */
export function globPaths(proc: Proc, pattern: string, options: GlobOptions): string[] {
  const rooted = pattern.startsWith('/');
  const parts = pattern.split('/');
  let bases: string[] = [rooted ? '/' : ''];
  for (let i = rooted ? 1 : 0; i < parts.length; i++) {
    const part = parts[i]!;
    const last = i === parts.length - 1;
    if (part === '') {
      if (last)
        bases = bases.filter((base) => isDirectory(proc, base)).map((base) => (base.endsWith('/') ? base : `${base}/`));
      continue;
    }
    const next: string[] = [];
    if (options.globstar && part === '**') {
      for (const base of bases) {
        if (!last) next.push(base);
        else if (base !== '') next.push(base.endsWith('/') ? base : `${base}/`);
        descend(proc, base, options, last, next);
      }
    } else if (hasPattern(part, options.extglob)) {
      const regexp = patternRegExp(part, { extglob: options.extglob, ignoreCase: options.nocaseglob });
      const dots = part.startsWith('.') || part.startsWith('\\.') || options.dotglob;
      for (const base of bases) {
        for (const name of entries(proc, base)) {
          if (name.startsWith('.') && !dots) continue;
          if (regexp.test(name)) next.push(join(base, name));
        }
        if (!options.skipDots && (part.startsWith('.') || part.startsWith('\\.'))) {
          for (const name of ['.', '..']) if (regexp.test(name)) next.push(join(base, name));
        }
      }
      if (!last) keepDirectories(proc, next);
    } else {
      const name = unescapePattern(part);
      for (const base of bases) {
        const path = join(base, name);
        if (!isRefusal(proc.system.vfs.resolve(proc, path, false))) next.push(path);
      }
    }
    bases = next;
    if (bases.length === 0) return [];
  }
  return bases.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function join(base: string, name: string): string {
  return base === '' || base.endsWith('/') ? base + name : `${base}/${name}`;
}

function entries(proc: Proc, path: string): string[] {
  const found = proc.system.vfs.resolve(proc, path === '' ? '.' : path);
  return !isRefusal(found) && found.inode instanceof DirectoryInode ? found.inode.list(proc) : [];
}

function isDirectory(proc: Proc, path: string, follow = true): boolean {
  const found = proc.system.vfs.resolve(proc, path === '' ? '.' : path, follow);
  return !isRefusal(found) && found.inode.kind === 'd';
}

function keepDirectories(proc: Proc, paths: string[]): void {
  const kept = paths.filter((path) => isDirectory(proc, path));
  paths.length = 0;
  paths.push(...kept);
}

function descend(proc: Proc, base: string, options: GlobOptions, files: boolean, out: string[]): void {
  for (const name of entries(proc, base)) {
    if (name.startsWith('.') && !options.dotglob) continue;
    const path = join(base, name);
    const directory = isDirectory(proc, path, false);
    if (directory || files) out.push(path);
    if (directory) descend(proc, path, options, files, out);
  }
}
