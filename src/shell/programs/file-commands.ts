/** rm, rmdir, mkdir, touch, ln, mv, cp, chmod, basename, dirname, readlink: the everyday file commands of coreutils. */
import { EEXIST, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { DirectoryInode, FileInode, LinkInode } from '../fs/inode.ts';
import { basename as baseOf, dirname as dirOf } from '../fs/path.ts';
import type { Proc } from '../process/proc.ts';
import { parseDate } from './date.ts';
import { parseMode } from './file-mode.ts';
import { complain, type Given, readOptions, tryHelp } from './options.ts';

/** False, with the usual words, when no operand was given. */
function hasOperand(proc: Proc, given: Given, least = 1): boolean {
  if (given.operands.length >= least) return true;
  if (given.operands.length === 0) complain(proc, 'missing operand');
  else complain(proc, `missing destination file operand after '${given.operands[0]}'`);
  tryHelp(proc);
  return false;
}

export async function rm(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'fiIrRdv', [
    { name: 'force', value: 'f' },
    { name: 'recursive', value: 'r' },
    { name: 'dir', value: 'd' },
    { name: 'verbose', value: 'v' },
    { name: 'one-file-system', value: 'x' },
  ]);
  if (given === undefined) return 1;
  const { flags } = given;
  const force = flags.has('f');
  if (given.operands.length === 0 && force) return 0;
  if (!hasOperand(proc, given)) return 1;
  const recursive = flags.has('r') || flags.has('R');
  let status = 0;
  const fail = (path: string, errno: number) => {
    complain(proc, `cannot remove '${path}': ${strerror(errno)}`);
    status = 1;
  };
  const remove = (path: string) => {
    const found = proc.system.vfs.resolve(proc, path, false);
    if (isRefusal(found)) {
      if (!force || (found.errno !== ENOENT && found.errno !== ENOTDIR)) fail(path, found.errno);
      return;
    }
    if (!(found.inode instanceof DirectoryInode)) {
      const refused = proc.system.vfs.unlink(proc, path);
      if (refused !== undefined) fail(path, refused.errno);
      else if (flags.has('v')) proc.stdout.write(`removed '${path}'\n`);
      return;
    }
    if (!recursive && !flags.has('d')) {
      fail(path, EISDIR);
      return;
    }
    if (found.mount !== undefined) {
      fail(path, 16);
      return;
    }
    const names = found.inode.list(proc);
    if (!recursive && names.length > 0) {
      fail(path, ENOTEMPTY);
      return;
    }
    const before = status;
    for (const name of names) remove(`${path.replace(/\/$/, '')}/${name}`);
    if (status !== before) return;
    const refused = found.parent.remove(found.name);
    if (refused !== undefined) fail(path, refused.errno);
    else if (flags.has('v')) proc.stdout.write(`removed directory '${path}'\n`);
  };
  for (const path of given.operands) {
    if (/(?:^|\/)\.\.?\/*$/.test(path)) {
      complain(proc, `refusing to remove '.' or '..' directory: skipping '${path}'`);
      status = 1;
    } else remove(path);
  }
  return status;
}

export async function rmdir(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'pv', [
    { name: 'parents', value: 'p' },
    { name: 'ignore-fail-on-non-empty', value: 'i' },
  ]);
  if (given === undefined) return 1;
  if (!hasOperand(proc, given)) return 1;
  let status = 0;
  for (const operand of given.operands) {
    for (let path = operand; ; path = dirOf(path)) {
      const found = proc.system.vfs.resolve(proc, path, false);
      let errno = 0;
      if (isRefusal(found)) errno = found.errno;
      else if (!(found.inode instanceof DirectoryInode)) errno = ENOTDIR;
      else if (found.inode.list(proc).length > 0) errno = ENOTEMPTY;
      else errno = found.parent.remove(found.name)?.errno ?? 0;
      if (errno !== 0) {
        if (errno !== ENOTEMPTY || !given.flags.has('i')) {
          complain(proc, `failed to remove '${path}': ${strerror(errno)}`);
          status = 1;
        }
        break;
      }
      if (!given.flags.has('p') || !path.includes('/')) break;
    }
  }
  return status;
}

export async function mkdir(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'pvm:Z', [
    { name: 'parents', value: 'p' },
    { name: 'mode', argument: 'required', value: 'm' },
    { name: 'verbose', value: 'v' },
  ]);
  if (given === undefined) return 1;
  if (!hasOperand(proc, given)) return 1;
  const { vfs } = proc.system;
  const modeText = given.flags.get('m');
  const mode = modeText === undefined ? undefined : parseMode(modeText, 0o777, true, 0);
  if (modeText !== undefined && mode === undefined) {
    complain(proc, `invalid mode ‘${modeText}’`);
    return 1;
  }
  let status = 0;
  for (const operand of given.operands) {
    const paths = [operand];
    if (given.flags.has('p')) {
      paths.length = 0;
      let at = operand.startsWith('/') ? '' : '.';
      for (const part of operand.split('/')) {
        if (part === '') continue;
        at = at === '.' ? part : `${at}/${part}`;
        paths.push(at);
      }
    }
    for (const path of paths) {
      const refused = vfs.mkdir(proc, path);
      if (refused === undefined) {
        if (given.flags.has('v')) proc.stdout.write(`mkdir: created directory '${path}'\n`);
        const found = vfs.resolve(proc, path);
        if (mode !== undefined && path === paths.at(-1) && !isRefusal(found)) found.inode.mode = mode;
        continue;
      }
      const found = vfs.resolve(proc, path);
      if (given.flags.has('p') && refused.errno === EEXIST && !isRefusal(found) && found.inode.kind === 'd') continue;
      complain(proc, `cannot create directory ‘${path}’: ${strerror(refused.errno)}`);
      status = 1;
      break;
    }
  }
  return status;
}

export async function touch(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'acd:fhmr:t:', [
    { name: 'no-create', value: 'c' },
    { name: 'date', argument: 'required', value: 'd' },
    { name: 'reference', argument: 'required', value: 'r' },
  ]);
  if (given === undefined) return 1;
  if (given.operands.length === 0) {
    complain(proc, 'missing file operand');
    tryHelp(proc);
    return 1;
  }
  let when = proc.realtime();
  const text = given.flags.get('d');
  if (text !== undefined) {
    const parsed = parseDate(text, when);
    if (parsed === undefined) {
      complain(proc, `invalid date format ‘${text}’`);
      return 1;
    }
    when = parsed;
  }
  const reference = given.flags.get('r');
  if (reference !== undefined) {
    const found = proc.system.vfs.resolve(proc, reference);
    if (isRefusal(found)) {
      complain(proc, `failed to get attributes of '${reference}': ${strerror(found.errno)}`);
      return 1;
    }
    when = found.inode.mtime;
  }
  let status = 0;
  for (const path of given.operands) {
    const place = proc.system.vfs.walk(proc, path);
    if (!isRefusal(place) && place.inode !== undefined) {
      place.inode.mtime = when;
      continue;
    }
    if (given.flags.has('c')) continue;
    const refused = isRefusal(place) ? place : proc.system.vfs.writeFile(proc, path, new Uint8Array(0));
    if (refused !== undefined) {
      complain(proc, `cannot touch '${path}': ${strerror(refused.errno)}`);
      status = 1;
    } else {
      const made = proc.system.vfs.resolve(proc, path);
      if (!isRefusal(made)) made.inode.mtime = when;
    }
  }
  return status;
}

/** The place that `path` means as a target of ln, cp and mv: in a directory, under the source's name. */
function targetPath(source: string, target: string, isDirectory: boolean): string {
  return isDirectory ? `${target.replace(/\/$/, '')}/${baseOf(source)}` : target;
}

function isDirectory(proc: Proc, path: string): boolean {
  const found = proc.system.vfs.resolve(proc, path);
  return !isRefusal(found) && found.inode.kind === 'd';
}

/** Sources and target of ln, cp and mv; undefined after an error. */
function sourcesAndTarget(
  proc: Proc,
  given: Given,
): { sources: readonly string[]; target: string; inside: boolean } | undefined {
  if (given.flags.has('t')) return { sources: given.operands, target: given.flags.get('t')!, inside: true };
  if (given.operands.length === 0) {
    complain(proc, 'missing file operand');
    tryHelp(proc);
    return undefined;
  }
  if (!hasOperand(proc, given, 2)) return undefined;
  const target = given.operands.at(-1)!;
  const sources = given.operands.slice(0, -1);
  const inside = !given.flags.has('T') && isDirectory(proc, target);
  if (sources.length > 1 && !inside) {
    complain(
      proc,
      `target '${target}': ${isRefusal(proc.system.vfs.resolve(proc, target)) ? strerror(ENOENT) : strerror(ENOTDIR)}`,
    );
    return undefined;
  }
  return { sources, target, inside };
}

export async function ln(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'fsnvirTt:LP', [
    { name: 'symbolic', value: 's' },
    { name: 'force', value: 'f' },
    { name: 'no-dereference', value: 'n' },
    { name: 'relative', value: 'r' },
    { name: 'verbose', value: 'v' },
  ]);
  if (given === undefined) return 1;
  if (given.operands.length === 1) given.operands = [given.operands[0]!, '.'];
  if (given.flags.has('n')) {
    const found = proc.system.vfs.resolve(proc, given.operands.at(-1) ?? '', false);
    if (!isRefusal(found) && found.inode instanceof LinkInode) given.flags.set('T', '');
  }
  const job = sourcesAndTarget(proc, given);
  if (job === undefined) return 1;
  let status = 0;
  for (const source of job.sources) {
    const path = targetPath(source, job.target, job.inside);
    const kind = given.flags.has('s') ? 'symbolic' : 'hard';
    const { vfs } = proc.system;
    if (given.flags.has('f')) vfs.unlink(proc, path);
    const place = vfs.walk(proc, path, false);
    if (isRefusal(place) || place.inode !== undefined) {
      complain(proc, `failed to create ${kind} link '${path}': ${strerror(isRefusal(place) ? place.errno : EEXIST)}`);
      status = 1;
      continue;
    }
    if (kind === 'symbolic') {
      place.parent.insert(place.name, new LinkInode(source));
      continue;
    }
    const from = vfs.resolve(proc, source, false);
    if (isRefusal(from) || from.inode.kind === 'd') {
      complain(
        proc,
        isRefusal(from)
          ? `failed to access '${source}': ${strerror(from.errno)}`
          : `${source}: hard link not allowed for directory`,
      );
      status = 1;
      continue;
    }
    from.inode.nlink++;
    place.parent.insert(place.name, from.inode);
  }
  return status;
}

export async function mv(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'finuvTt:', [
    { name: 'force', value: 'f' },
    { name: 'no-clobber', value: 'n' },
    { name: 'verbose', value: 'v' },
    { name: 'target-directory', argument: 'required', value: 't' },
  ]);
  if (given === undefined) return 1;
  const job = sourcesAndTarget(proc, given);
  if (job === undefined) return 1;
  const { vfs } = proc.system;
  let status = 0;
  for (const source of job.sources) {
    const path = targetPath(source, job.target, job.inside);
    const from = vfs.resolve(proc, source, false);
    if (isRefusal(from)) {
      complain(proc, `cannot stat '${source}': ${strerror(from.errno)}`);
      status = 1;
      continue;
    }
    const to = vfs.walk(proc, path, false);
    let errno = isRefusal(to) ? to.errno : 0;
    if (!isRefusal(to)) {
      if (to.inode !== undefined && given.flags.has('n')) continue;
      if (to.inode === from.inode) {
        complain(proc, `'${source}' and '${path}' are the same file`);
        status = 1;
        continue;
      }
      if (to.inode?.kind === 'd' && from.inode.kind !== 'd') errno = EISDIR;
      else if (from.mount !== undefined) errno = 16;
      else {
        if (to.inode instanceof FileInode && --to.inode.nlink === 0) to.inode.forget();
        if (from.inode instanceof FileInode) from.inode.dirty = true;
        errno = (from.parent.remove(from.name) ?? to.parent.insert(to.name, from.inode))?.errno ?? 0;
        if (errno === 0 && given.flags.has('v')) proc.stdout.write(`renamed '${source}' -> '${path}'\n`);
      }
    }
    if (errno !== 0) {
      complain(proc, `cannot move '${source}' to '${path}': ${strerror(errno)}`);
      status = 1;
    }
  }
  return status;
}

export async function cp(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'adfilLnPpRrsTt:uvx', [
    { name: 'archive', value: 'a' },
    { name: 'recursive', value: 'r' },
    { name: 'force', value: 'f' },
    { name: 'no-clobber', value: 'n' },
    { name: 'verbose', value: 'v' },
    { name: 'preserve', argument: 'optional', value: 'p' },
    { name: 'target-directory', argument: 'required', value: 't' },
  ]);
  if (given === undefined) return 1;
  const job = sourcesAndTarget(proc, given);
  if (job === undefined) return 1;
  const { flags } = given;
  const recursive = flags.has('a') || flags.has('r') || flags.has('R');
  const keep = flags.has('a') || flags.has('p');
  let status = 0;
  const fail = (text: string) => {
    complain(proc, text);
    status = 1;
  };
  const { vfs } = proc.system;
  const copy = (source: string, path: string) => {
    const from = vfs.resolve(proc, source, !flags.has('a') && !flags.has('P') && !flags.has('d'));
    if (isRefusal(from)) return fail(`cannot stat '${source}': ${strerror(from.errno)}`);
    if (from.inode instanceof DirectoryInode) {
      if (!recursive) return fail(`-r not specified; omitting directory '${source}'`);
      if (!isDirectory(proc, path)) {
        const refused = vfs.mkdir(proc, path, from.inode.mode);
        if (refused !== undefined) return fail(`cannot create directory '${path}': ${strerror(refused.errno)}`);
      }
      for (const name of from.inode.list(proc)) copy(`${source.replace(/\/$/, '')}/${name}`, `${path}/${name}`);
      return undefined;
    }
    const to = vfs.walk(proc, path);
    if (!isRefusal(to) && to.inode !== undefined && flags.has('n')) return undefined;
    if (!isRefusal(to) && to.inode === from.inode) return fail(`'${source}' and '${path}' are the same file`);
    if (from.inode instanceof LinkInode) {
      if (!isRefusal(to) && to.inode === undefined) to.parent.insert(to.name, new LinkInode(from.inode.target(proc)));
      return undefined;
    }
    const data = vfs.readFile(proc, source);
    if (isRefusal(data)) return fail(`cannot open '${source}' for reading: ${strerror(data.errno)}`);
    const fresh = !isRefusal(to) && to.inode === undefined;
    const refused = vfs.writeFile(proc, path, data.slice());
    if (refused !== undefined) return fail(`cannot create regular file '${path}': ${strerror(refused.errno)}`);
    const made = vfs.resolve(proc, path);
    if (!isRefusal(made) && (fresh || keep)) made.inode.mode = keep ? from.inode.mode : from.inode.mode & ~proc.umask;
    if (!isRefusal(made) && keep) made.inode.mtime = from.inode.mtime;
    if (flags.has('v')) proc.stdout.write(`'${source}' -> '${path}'\n`);
    return undefined;
  };
  for (const source of job.sources) copy(source, targetPath(source, job.target, job.inside));
  return status;
}

export async function chmod(proc: Proc): Promise<number> {
  const modeFirst = /^-[rwxXst]/.test(proc.argv[1] ?? '');
  const given = modeFirst
    ? { flags: new Map<string, string>(), operands: proc.argv.slice(1) }
    : readOptions(proc, 'Rvcf', [{ name: 'recursive', value: 'R' }]);
  if (given === undefined) return 1;
  const [modeText, ...paths] = given.operands;
  if (modeText === undefined || paths.length === 0) {
    complain(proc, modeText === undefined ? 'missing operand' : `missing operand after ‘${modeText}’`);
    tryHelp(proc);
    return 1;
  }
  let status = 0;
  const change = (path: string) => {
    const found = proc.system.vfs.resolve(proc, path);
    if (isRefusal(found)) {
      complain(proc, `cannot access '${path}': ${strerror(found.errno)}`);
      status = 1;
      return;
    }
    const mode = parseMode(modeText, found.inode.mode & 0o7777, found.inode.kind === 'd', proc.umask);
    if (mode === undefined) {
      complain(proc, `invalid mode: ‘${modeText}’`);
      tryHelp(proc);
      status = 1;
      return;
    }
    found.inode.mode = mode;
    if (given.flags.has('R') && found.inode instanceof DirectoryInode) {
      for (const name of found.inode.list(proc)) change(`${path}/${name}`);
    }
  };
  for (const path of paths) {
    change(path);
    if (status !== 0 && parseMode(modeText, 0, false, 0) === undefined) break;
  }
  return status;
}

export async function basename(proc: Proc): Promise<number> {
  const given = readOptions(proc, '+as:z', [
    { name: 'multiple', value: 'a' },
    { name: 'suffix', argument: 'required', value: 's' },
    { name: 'zero', value: 'z' },
  ]);
  if (given === undefined) return 1;
  if (!hasOperand(proc, given)) return 1;
  const multiple = given.flags.has('a') || given.flags.has('s');
  if (!multiple && given.operands.length > 2) {
    complain(proc, `extra operand ‘${given.operands[2]}’`);
    tryHelp(proc);
    return 1;
  }
  const suffix = given.flags.get('s') ?? (multiple ? '' : (given.operands[1] ?? ''));
  for (const path of multiple ? given.operands : given.operands.slice(0, 1)) {
    const name = baseOf(path);
    proc.stdout.write(
      `${suffix !== '' && name.endsWith(suffix) && name !== suffix ? name.slice(0, -suffix.length) : name}${given.flags.has('z') ? '\0' : '\n'}`,
    );
  }
  return 0;
}

export async function dirname(proc: Proc): Promise<number> {
  const given = readOptions(proc, '+z', [{ name: 'zero', value: 'z' }]);
  if (given === undefined) return 1;
  if (!hasOperand(proc, given)) return 1;
  for (const path of given.operands) proc.stdout.write(`${dirOf(path)}${given.flags.has('z') ? '\0' : '\n'}`);
  return 0;
}

export async function readlink(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'femnqsvz', [
    { name: 'canonicalize', value: 'f' },
    { name: 'canonicalize-existing', value: 'e' },
    { name: 'canonicalize-missing', value: 'm' },
    { name: 'no-newline', value: 'n' },
  ]);
  if (given === undefined) return 1;
  if (!hasOperand(proc, given)) return 1;
  let status = 0;
  const { vfs } = proc.system;
  for (const path of given.operands) {
    const { flags } = given;
    let text: string | undefined;
    if (flags.has('f') || flags.has('e') || flags.has('m')) {
      const found = vfs.walk(proc, path);
      if (!isRefusal(found) && (found.inode !== undefined || !flags.has('e'))) text = found.path;
    } else {
      const found = vfs.resolve(proc, path, false);
      if (!isRefusal(found) && found.inode instanceof LinkInode) text = found.inode.target(proc);
    }
    if (text === undefined) status = 1;
    else proc.stdout.write(flags.has('n') ? text : `${text}\n`);
  }
  return status;
}
