/** glob(7) over the files of a process: `*`, `?` and `[...]` within the parts of a path. */
import type { Files } from '../uapi/process.ts';
import { isRefusal } from '../uapi/result.ts';

/** Whether `path` has a character that makes it a pattern. */
export function hasGlobCharacters(path: string): boolean {
  return /[*?[]/.test(path);
}

/** The existing paths that match, sorted; none when nothing does. */
export function glob(files: Files, pattern: string): string[] {
  let found: string[] = [pattern.startsWith('/') ? '/' : ''];
  for (const part of pattern.split('/').filter((each) => each !== '')) {
    found = found.flatMap((base) => {
      if (!hasGlobCharacters(part)) return [join(base, part)];
      const names = files.list(base === '' ? '.' : base);
      if (isRefusal(names)) return [];
      const regex = partRegex(part);
      const visible = names.filter((name) => regex.test(name) && (part.startsWith('.') || !name.startsWith('.')));
      return visible.map((name) => join(base, name));
    });
  }
  return found.filter((path) => !isRefusal(files.stat(path))).sort();
}

function join(base: string, name: string): string {
  return base === '' || base.endsWith('/') ? base + name : `${base}/${name}`;
}

function partRegex(part: string): RegExp {
  const source = part.replace(/\[[!^]?\]?[^\]]*\]|[\s\S]/g, (piece) => {
    if (piece === '*') return '[^]*';
    if (piece === '?') return '[^]';
    if (piece.length > 1) return piece.replace(/^\[!/, '[^').replace(/\\/g, '\\\\');
    return piece.replace(/[\\^$.*+?()[\]{}|]/, '\\$&');
  });
  return new RegExp(`^${source}$`, 'u');
}
