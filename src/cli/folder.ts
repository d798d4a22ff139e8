/** Folders of the host as labs see them, and files written back to the host. */
import { mkdirSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import type { Folder } from '../lab/backend.ts';
import type { Artifact } from '../lab/interface-recorder.ts';
import { UsageError } from './options.ts';

/** A folder of the host, read when looked at. The lab sees it under its own path. */
export function hostFolder(path: string): Folder {
  const root = realpathSync(path);
  const at = (relative: string) => join(root, ...relative.split('/'));
  return {
    path: sep === '/' ? root : `/${root.replaceAll(sep, '/').replace(':', '')}`,
    list: (relative) =>
      readdirSync(at(relative)).flatMap((name) => {
        const stat = statSync(join(at(relative), name), { throwIfNoEntry: false });
        if (stat === undefined || !(stat.isDirectory() || stat.isFile())) return [];
        return [{ name, directory: stat.isDirectory(), mode: stat.mode & 0o777, size: stat.size }];
      }),
    read: (relative) => readFileSync(at(relative)),
  };
}

/** The text of a file that was named on the command line. */
export function readText(path: string, command: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path}: ${reason(error)}`, command);
  }
}

/** Write files below a folder, which is made if need be. */
export function writeFiles(folder: string, files: readonly Artifact[]): void {
  const root = resolve(folder);
  for (const file of files) {
    const path = resolve(root, file.name);
    if (path !== root && !path.startsWith(root + sep)) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.data);
  }
}

/** Make a folder, or say why it cannot be. */
export function ensureFolder(path: string, command: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new UsageError(`${path}: ${reason(error)}`, command);
  }
}

/** Why the file system refused, in words. */
export function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = {
    ENOENT: 'no such file',
    EISDIR: 'is a directory',
    ENOTDIR: 'is not a directory',
    EACCES: 'permission denied',
    EEXIST: 'is a file',
    EROFS: 'the file system is read-only',
  };
  return words[code ?? ''] ?? message;
}
