/** Programs that pass bytes on as they come: tee, head, tail, yes. */
import { EBADF, strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { DirectoryFile, RegularFile } from '../fs/regular-file.ts';
import { concat, encode } from '../process/bytes.ts';
import type { OpenFile } from '../process/open-file.ts';
import type { Proc } from '../process/proc.ts';
import { SIGINT } from '../process/signals.ts';
import { complain, readOptions } from './options.ts';

const NEWLINE = 10;

export async function tee(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'aip', [
    { name: 'append', value: 'a' },
    { name: 'ignore-interrupts', value: 'i' },
  ]);
  if (given === undefined) return 1;
  if (given.flags.has('i')) proc.setDisposition(SIGINT, 'ignore');
  let status = 0;
  const append = given.flags.has('a');
  const outputs: OpenFile[] = [];
  for (const name of given.operands) {
    const file = await proc.open(name, { write: true, create: true, append, truncate: !append });
    if (isRefusal(file)) {
      complain(proc, `${name}: ${strerror(file.errno)}`);
      status = 1;
    } else outputs.push(file);
  }
  proc.stdout.setBuffering('none');
  const input = proc.fds[0];
  for (let data = await next(proc, input); data.length > 0; data = await next(proc, input)) {
    proc.stdout.write(data);
    await proc.stdout.flush();
    for (const file of outputs) {
      const refused = file.write(data);
      if (isRefusal(refused)) status = 1;
    }
  }
  for (const file of outputs) proc.close(file);
  return status;
}

async function next(proc: Proc, file: OpenFile | undefined): Promise<Uint8Array> {
  return file === undefined ? new Uint8Array(0) : proc.readFile(file);
}

export async function yes(proc: Proc): Promise<number> {
  const line = encode(`${proc.argv.length > 1 ? proc.argv.slice(1).join(' ') : 'y'}\n`);
  const block = concat(new Array<Uint8Array>(Math.max(1, Math.floor(4096 / line.length))).fill(line));
  for (;;) {
    proc.stdout.write(block);
    await proc.stdout.flush();
    await proc.spend(100_000);
  }
}

interface Count {
  bytes: boolean;
  count: number;
  /** head: all but the last; tail: from the n-th on. */
  special: boolean;
}

const MULTIPLIERS: Readonly<Record<string, number>> = {
  '': 1,
  b: 512,
  k: 1024,
  K: 1024,
  kB: 1000,
  M: 1048576,
  MB: 1e6,
  G: 1073741824,
};

function parseCount(text: string, specialSign: string): { count: number; special: boolean } | undefined {
  const match = /^([-+]?)(\d+)(b|kB|[kKMG]B?)?$/.exec(text);
  if (match === null) return undefined;
  return { count: Number(match[2]) * MULTIPLIERS[match[3] ?? '']!, special: match[1] === specialSign };
}

/** Options of head and tail; undefined after an error. */
function readCount(proc: Proc, program: 'head' | 'tail') {
  const args = [...proc.argv];
  const old =
    /^-(\d+)([cl]?)(f?)$/.exec(args[1] ?? '') ??
    (program === 'tail' ? /^(\+\d+)([cl]?)(f?)$/.exec(args[1] ?? '') : null);
  if (old !== null) {
    const letter = old[2] === 'c' ? '-c' : '-n';
    args.splice(1, 1, letter, old[1]!, ...(old[3] === 'f' ? ['-f'] : []));
    proc.argv = args;
  }
  const given = readOptions(proc, program === 'head' ? 'c:n:qvz' : 'c:n:fFqvs:z', [
    { name: 'bytes', argument: 'required', value: 'c' },
    { name: 'lines', argument: 'required', value: 'n' },
    { name: 'quiet', value: 'q' },
    { name: 'silent', value: 'q' },
    { name: 'verbose', value: 'v' },
    { name: 'zero-terminated', value: 'z' },
    ...(program === 'tail'
      ? ([
          { name: 'follow', argument: 'optional', value: 'f' },
          { name: 'pid', argument: 'required', value: 'pid' },
          { name: 'retry', value: 'retry' },
          { name: 'sleep-interval', argument: 'required', value: 's' },
        ] as const)
      : []),
  ]);
  if (given === undefined) return undefined;
  const how: Count = { bytes: given.flags.has('c'), count: 10, special: false };
  const text = given.flags.get('c') ?? given.flags.get('n');
  if (text !== undefined) {
    const parsed = parseCount(text, program === 'head' ? '-' : '+');
    if (parsed === undefined) {
      complain(proc, `invalid number of ${how.bytes ? 'bytes' : 'lines'}: ‘${text}’`);
      return undefined;
    }
    Object.assign(how, parsed);
  }
  return { given, how };
}

async function openInput(proc: Proc, name: string): Promise<OpenFile | undefined> {
  const file = name === '-' ? proc.fds[0] : await proc.open(name, { read: true });
  if (file === undefined || isRefusal(file)) {
    complain(proc, `cannot open '${name}' for reading: ${strerror(file?.errno ?? EBADF)}`);
    return undefined;
  }
  if (file instanceof DirectoryFile) {
    complain(proc, `error reading '${name}': Is a directory`);
    return undefined;
  }
  return file;
}

export async function head(proc: Proc): Promise<number> {
  const read = readCount(proc, 'head');
  if (read === undefined) return 1;
  const { given, how } = read;
  const names = given.operands.length === 0 ? ['-'] : given.operands;
  const titles = (names.length > 1 || given.flags.has('v')) && !given.flags.has('q');
  let status = 0;
  let first = true;
  for (const name of names) {
    const file = await openInput(proc, name);
    if (file === undefined) {
      status = 1;
      continue;
    }
    if (titles) proc.stdout.write(`${first ? '' : '\n'}==> ${name === '-' ? 'standard input' : name} <==\n`);
    first = false;
    await headOf(proc, file, how, given.flags.has('z') ? 0 : NEWLINE);
    proc.close(file);
  }
  return status;
}

async function headOf(proc: Proc, file: OpenFile, how: Count, newline: number): Promise<void> {
  if (how.special) {
    const all = await wholeFile(proc, file);
    const end = how.bytes ? Math.max(0, all.length - how.count) : lineFromEnd(all, how.count, newline);
    proc.stdout.write(all.subarray(0, end));
    return;
  }
  let left = how.count;
  while (left > 0) {
    const data = await proc.readFile(file, how.bytes ? Math.min(left, 65536) : 65536);
    if (data.length === 0) return;
    let end = data.length;
    if (how.bytes) left -= data.length;
    else {
      for (let at = data.indexOf(newline); at >= 0; at = data.indexOf(newline, at + 1)) {
        if (--left === 0) {
          end = at + 1;
          break;
        }
      }
    }
    proc.stdout.write(data.subarray(0, end));
    if (end < data.length && file.seekable) file.unread(data.subarray(end));
  }
}

async function wholeFile(proc: Proc, file: OpenFile): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let data = await proc.readFile(file); data.length > 0; data = await proc.readFile(file)) chunks.push(data);
  return concat(chunks);
}

/** Offset at which the last `count` lines begin. */
function lineFromEnd(data: Uint8Array, count: number, newline: number): number {
  if (count === 0) return data.length;
  let left = count;
  let at = data.length;
  if (data[at - 1] === newline) at--;
  while (at > 0) {
    const found = data.lastIndexOf(newline, at - 1);
    if (found < 0) return 0;
    if (--left === 0) return found + 1;
    at = found;
  }
  return 0;
}

function lineFromStart(data: Uint8Array, line: number, newline: number): number {
  let at = 0;
  for (let n = 1; n < line; n++) {
    const found = data.indexOf(newline, at);
    if (found < 0) return data.length;
    at = found + 1;
  }
  return at;
}

export async function tail(proc: Proc): Promise<number> {
  const read = readCount(proc, 'tail');
  if (read === undefined) return 1;
  const { given, how } = read;
  const newline = given.flags.has('z') ? 0 : NEWLINE;
  const names = given.operands.length === 0 ? ['-'] : given.operands;
  const titles = (names.length > 1 || given.flags.has('v')) && !given.flags.has('q');
  const follow = given.flags.has('f') || given.flags.has('F');
  let status = 0;
  let first = true;
  const open: { name: string; file: OpenFile }[] = [];
  for (const name of names) {
    const file = await openInput(proc, name);
    if (file === undefined) {
      status = 1;
      continue;
    }
    if (titles) proc.stdout.write(`${first ? '' : '\n'}==> ${name === '-' ? 'standard input' : name} <==\n`);
    first = false;
    const all = await wholeFile(proc, file);
    const start = how.special
      ? how.bytes
        ? Math.max(0, how.count - 1)
        : lineFromStart(all, how.count, newline)
      : how.bytes
        ? Math.max(0, all.length - how.count)
        : lineFromEnd(all, how.count, newline);
    proc.stdout.write(all.subarray(start));
    open.push({ name, file });
  }
  if (follow) await followFiles(proc, open, titles, given.flags.get('pid'));
  for (const { file } of open) proc.close(file);
  return status;
}

/** tail -f: look for more every second, as without inotify. */
async function followFiles(
  proc: Proc,
  open: readonly { name: string; file: OpenFile }[],
  titles: boolean,
  pid: string | undefined,
): Promise<void> {
  proc.stdout.setBuffering('line');
  await proc.stdout.flush();
  let current = open.at(-1);
  while (open.some(({ file }) => file instanceof RegularFile)) {
    await proc.sleep(100_000_000);
    for (const each of open) {
      const data = await wholeFile(proc, each.file);
      if (data.length === 0) continue;
      if (titles && current !== each) proc.stdout.write(`\n==> ${each.name} <==\n`);
      current = each;
      proc.stdout.write(data);
      await proc.stdout.flush();
    }
    if (pid !== undefined && !proc.system.table.has(Number(pid))) return;
  }
}
