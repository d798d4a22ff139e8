/** Finding the file of a command. */
import { EACCES, EISDIR, ENOENT, ENOEXEC, ENOTDIR, strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import type { Executable } from '../process/system.ts';
import type { Shell } from './shell.ts';

/** Where a command name leads; the error has been printed when it is a status. */
export function locate(sh: Shell, name: string): Executable | 'script' | { status: number; message: string } {
  const { system, proc } = sh;
  let path = name;
  if (!name.includes('/')) {
    const searched = searchPath(sh, name);
    if (searched === undefined) return { status: 127, message: `${name}: command not found` };
    path = searched;
  }
  const found = system.loadProgram(proc, path);
  if (!isRefusal(found)) return found;
  if (found.errno === ENOEXEC) return 'script';
  if (found.errno === EISDIR) return { status: 126, message: `${path}: Is a directory` };
  if (found.errno === ENOENT && !isRefusal(system.vfs.resolve(proc, path))) {
    return { status: 127, message: `${path}: cannot execute: required file not found` };
  }
  const missing = found.errno === ENOENT || found.errno === ENOTDIR;
  return { status: missing && found.errno === ENOENT ? 127 : 126, message: `${path}: ${strerror(found.errno)}` };
}

/** The first executable file of that name along PATH, remembered. */
export function searchPath(sh: Shell, name: string, remember = true): string | undefined {
  const path = sh.parameter('PATH');
  if (path !== sh.hashPath) {
    sh.commandHash.clear();
    sh.hashPath = path;
  }
  const known = sh.commandHash.get(name);
  if (known !== undefined) {
    known.hits++;
    return known.path;
  }
  if (name === '') return undefined;
  let second: string | undefined;
  for (const dir of (path ?? '').split(':')) {
    const candidate = dir === '' ? `./${name}` : `${dir}/${name}`;
    const found = sh.system.loadProgram(sh.proc, candidate);
    if (isRefusal(found) && found.errno !== ENOEXEC) {
      if (found.errno === EACCES && second === undefined) second = candidate;
      continue;
    }
    if (remember && sh.options.has('hashall')) sh.commandHash.set(name, { path: candidate, hits: 1 });
    return candidate;
  }
  return second;
}
