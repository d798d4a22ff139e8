/** mktemp, mkfifo, sync, truncate, realpath. */
import { EEXIST, strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { FifoInode, FileInode } from '../fs/inode.ts';
import { absolute } from '../fs/path.ts';
import { Pipe, PipeReader, PipeWriter } from '../process/pipe.ts';
import type { Proc } from '../process/proc.ts';
import { complain, readOptions, tryHelp } from './options.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

export async function mktemp(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'dqutp:', [
    { name: 'directory', value: 'd' },
    { name: 'quiet', value: 'q' },
    { name: 'dry-run', value: 'u' },
    { name: 'tmpdir', argument: 'optional', value: 'p' },
    { name: 'suffix', argument: 'required', value: 's' },
  ]);
  if (given === undefined) return 1;
  const { flags, operands } = given;
  let template = operands[0] ?? 'tmp.XXXXXXXXXX';
  if (operands.length > 1) {
    complain(proc, 'too many templates');
    tryHelp(proc);
    return 1;
  }
  const suffix = flags.get('s') ?? '';
  const tmp = proc.env.get('TMPDIR') || '/tmp';
  if (operands.length === 0 || flags.has('p') || flags.has('t')) template = `${flags.get('p') || tmp}/${template}`;
  const match = /X+(?=[^X/]*$)/.exec(template);
  if (match === null || match[0].length < 3) {
    complain(proc, `too few X's in template ‘${template}’`);
    return 1;
  }
  for (let attempt = 0; attempt < 100; attempt++) {
    let random = '';
    while (random.length < match[0].length) random += LETTERS[proc.random() % LETTERS.length];
    const path = template.slice(0, match.index) + random + template.slice(match.index + match[0].length) + suffix;
    const { vfs } = proc.system;
    let refused = flags.has('u') ? undefined : flags.has('d') ? vfs.mkdir(proc, path, 0o700) : undefined;
    if (!flags.has('d') && !flags.has('u')) {
      const file = await vfs.open(proc, path, { write: true, create: true, exclusive: true, mode: 0o600 });
      if (isRefusal(file)) refused = file;
      else file.close();
    }
    if (refused === undefined) {
      proc.stdout.write(`${path}\n`);
      return 0;
    }
    if (refused.errno !== EEXIST) {
      if (!flags.has('q'))
        complain(
          proc,
          `failed to create ${flags.has('d') ? 'directory' : 'file'} via template ‘${template}’: ${strerror(refused.errno)}`,
        );
      return 1;
    }
  }
  return 1;
}

export async function mkfifo(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'm:', [{ name: 'mode', argument: 'required', value: 'm' }]);
  if (given === undefined) return 1;
  if (given.operands.length === 0) {
    complain(proc, 'missing operand');
    tryHelp(proc);
    return 1;
  }
  let status = 0;
  for (const path of given.operands) {
    const place = proc.system.vfs.walk(proc, path, false);
    if (isRefusal(place) || place.inode !== undefined) {
      complain(proc, `cannot create fifo '${path}': ${strerror(isRefusal(place) ? place.errno : EEXIST)}`);
      status = 1;
      continue;
    }
    place.parent.insert(place.name, fifo(proc, place.path));
  }
  return status;
}

/** A fifo: opening one end waits for the other. */
function fifo(maker: Proc, path: string): FifoInode {
  const { scheduler } = maker.system;
  let pipe = new Pipe(scheduler);
  return new FifoInode(async (proc, forWriting) => {
    if (pipe.readEnds === 0 && pipe.writeEnds === 0 && pipe.size > 0) pipe = new Pipe(scheduler);
    const shared = pipe;
    const end = forWriting ? new PipeWriter(shared, path) : new PipeReader(shared, path);
    shared.openers.wake(scheduler);
    const { opened } = shared;
    if (forWriting) opened.writers++;
    else opened.readers++;
    const others = forWriting ? opened.readers : opened.writers;
    const alone = () =>
      forWriting
        ? shared.readEnds === 0 && opened.readers === others
        : shared.writeEnds === 0 && opened.writers === others;
    while (alone()) {
      shared.openers.add(proc);
      await proc.block();
    }
    return end;
  });
}

export async function truncate(proc: Proc): Promise<number> {
  const given = readOptions(proc, 's:c', [{ name: 'size', argument: 'required', value: 's' }]);
  if (given === undefined) return 1;
  const size = Number(given.flags.get('s') ?? Number.NaN);
  if (!Number.isInteger(size)) {
    complain(proc, "you must specify either '--size' or '--reference'");
    return 1;
  }
  for (const path of given.operands) {
    const file = await proc.system.vfs.open(proc, path, { write: true, create: true });
    if (!isRefusal(file)) file.close();
    const found = proc.system.vfs.resolve(proc, path);
    if (!isRefusal(found) && found.inode instanceof FileInode) found.inode.truncate(size);
  }
  return 0;
}

export async function realpath(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'emsLPqz', [
    { name: 'canonicalize-existing', value: 'e' },
    { name: 'canonicalize-missing', value: 'm' },
    { name: 'no-symlinks', value: 's' },
    { name: 'quiet', value: 'q' },
  ]);
  if (given === undefined) return 1;
  if (given.operands.length === 0) {
    complain(proc, 'missing operand');
    tryHelp(proc);
    return 1;
  }
  let status = 0;
  for (const path of given.operands) {
    if (given.flags.has('s')) {
      proc.stdout.write(`${absolute(proc.cwd, path)}\n`);
      continue;
    }
    const found = proc.system.vfs.walk(proc, path);
    if (!isRefusal(found) && (found.inode !== undefined || !given.flags.has('e'))) proc.stdout.write(`${found.path}\n`);
    else if (given.flags.has('m')) proc.stdout.write(`${absolute(proc.cwd, path)}\n`);
    else {
      if (!given.flags.has('q')) complain(proc, `${path}: ${strerror(isRefusal(found) ? found.errno : 2)}`);
      status = 1;
    }
  }
  return status;
}
