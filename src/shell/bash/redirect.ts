/** Redirections: their words are expanded first, then they are made on the descriptors of a process. */
import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { FileInode } from '../fs/inode.ts';
import { SnapshotFile } from '../fs/regular-file.ts';
import { encode } from '../process/bytes.ts';
import type { OpenFile } from '../process/open-file.ts';
import type { Proc } from '../process/proc.ts';
import { assignElement, assignScalar, readElement } from './assign.ts';
import { CommandFailure } from './error.ts';
import { drive, type Eval, expandText, expandWord, quickText } from './expand.ts';
import type { Redir, Word } from './ir.ts';
import { isNetworkPath, netOpen } from './net-open.ts';
import type { Shell } from './shell.ts';

/** A redirection with its words expanded. */
export interface Prepared {
  redir: Redir;
  target: string;
}

/** Descriptors as they were before. */
export type Saved = { fd: number; file: OpenFile | undefined }[];

/** Descriptors from here on are for `{name}>`. */
const FIRST_NAMED = 10;

/** Redirections whose words are as written, or text of parameters; undefined when there is more to them. */
export function quickPrepare(sh: Shell, redirs: readonly Redir[]): Prepared[] | undefined {
  const out: Prepared[] = [];
  for (const redir of redirs) {
    const target = redir.kind !== 'here' ? redir.target.literal : redir.string ? undefined : quickText(sh, redir.body);
    if (target === undefined) return undefined;
    out.push({ redir, target });
  }
  return out;
}

export function* prepare(sh: Shell, redirs: readonly Redir[]): Eval<Prepared[]> {
  const out: Prepared[] = [];
  for (const redir of redirs) {
    if (redir.kind === 'here') {
      const text = yield* expandText(sh, redir.body);
      out.push({ redir, target: redir.string ? `${text}\n` : text });
    } else out.push({ redir, target: yield* oneWord(sh, redir.target) });
  }
  return out;
}

function* oneWord(sh: Shell, word: Word): Eval<string> {
  if (word.literal !== undefined) return word.literal;
  const fields: string[] = [];
  yield* expandWord(sh, word, fields);
  if (fields.length === 1) return fields[0]!;
  void sh.complain(`${word.text}: ambiguous redirect`);
  throw new CommandFailure();
}

/** Expand and make redirections in the shell's own process; what they replaced goes to `saved`. */
export async function redirect(sh: Shell, redirs: readonly Redir[], saved: Saved): Promise<void> {
  const prepared = quickPrepare(sh, redirs) ?? drive(prepare(sh, redirs));
  for (const one of prepared instanceof Promise ? await prepared : prepared) {
    const made = apply(sh, sh.proc, one, saved);
    if (made !== undefined) await made;
  }
}

/** Make redirections in a child. */
export async function redirectChild(sh: Shell, child: Proc, prepared: readonly Prepared[]): Promise<void> {
  for (const one of prepared) {
    const made = apply(sh, child, one, undefined);
    if (made !== undefined) await made;
  }
}

/** Put the descriptors back. */
export function restore(proc: Proc, saved: Saved): void {
  for (let i = saved.length - 1; i >= 0; i--) proc.setFd(saved[i]!.fd, saved[i]!.file);
}

function put(proc: Proc, fd: number, file: OpenFile | undefined, saved: Saved | undefined): void {
  if (saved !== undefined && !saved.some((entry) => entry.fd === fd)) {
    saved.push({ fd, file: proc.fds[fd]?.dup() });
  }
  proc.setFd(fd, file);
}

function fail(sh: Shell, proc: Proc, text: string): never {
  const message = encode(`${sh.errorPrefix}${text}\n`);
  proc.fds[2]?.write(message);
  throw new CommandFailure();
}

function apply(
  sh: Shell,
  proc: Proc,
  { redir, target }: Prepared,
  saved: Saved | undefined,
): Promise<void> | undefined {
  const fdVar = redir.fdVar;
  if (redir.kind === 'dup') {
    applyDup(sh, proc, redir, target, saved);
    return undefined;
  }
  if (redir.kind === 'here') {
    const file = new SnapshotFile('pipe:[here]', encode(target));
    place(sh, proc, redir.fd ?? 0, fdVar, file, saved);
    return undefined;
  }
  const both = redir.op === '&>' || redir.op === '&>>';
  const reading = redir.op === '<' || redir.op === '<>';
  const fd = redir.fd ?? (reading ? 0 : 1);
  const finish = (opened: OpenFile) => {
    place(sh, proc, fd, fdVar, opened, saved);
    if (both) put(proc, 2, opened.dup(), saved);
  };
  const file = openTarget(sh, proc, redir.op, target);
  if (file instanceof Promise) return file.then(finish);
  finish(file);
  return undefined;
}

function openTarget(sh: Shell, proc: Proc, op: string, target: string): OpenFile | Promise<OpenFile> {
  const { vfs } = sh.system;
  const append = op === '>>' || op === '&>>';
  const noclobber = (op === '>' || op === '&>') && sh.options.has('noclobber');
  if (isNetworkPath(target)) {
    return netOpen(sh, proc, target).then((opened) =>
      isRefusal(opened) ? fail(sh, proc, `${target}: ${strerror(opened.errno)}`) : opened,
    );
  }
  if (noclobber) {
    const found = vfs.resolve(proc, target);
    if (!isRefusal(found) && found.inode instanceof FileInode)
      fail(sh, proc, `${target}: cannot overwrite existing file`);
  }
  const file =
    op === '<'
      ? vfs.open(proc, target, { read: true })
      : op === '<>'
        ? vfs.open(proc, target, { read: true, write: true, create: true })
        : vfs.open(proc, target, { write: true, create: true, append, truncate: !append });
  if (isRefusal(file)) fail(sh, proc, `${target}: ${strerror(file.errno)}`);
  return file;
}

function place(
  sh: Shell,
  proc: Proc,
  fd: number,
  fdVar: string | undefined,
  file: OpenFile,
  saved: Saved | undefined,
): void {
  if (fdVar === undefined) {
    put(proc, fd, file, saved);
    return;
  }
  let free = FIRST_NAMED;
  while (proc.fds[free] !== undefined) free++;
  proc.setFd(free, file);
  setNamed(sh, fdVar, String(free));
}

/** `{name}` and `{name[index]}` of a redirection. */
function splitNamed(text: string): { name: string; index: string | undefined } {
  const match = /^(\w+)\[(.*)\]$/s.exec(text);
  return match === null ? { name: text, index: undefined } : { name: match[1]!, index: match[2]! };
}

function setNamed(sh: Shell, text: string, value: string): void {
  const { name, index } = splitNamed(text);
  if (index === undefined) assignScalar(sh, name, value, false);
  else assignElement(sh, name, index, value, false);
}

function closeNamed(sh: Shell, proc: Proc, text: string): void {
  const { name, index } = splitNamed(text);
  const variable = sh.lookup(name);
  const value = index === undefined || variable === undefined ? variable?.scalar : readElement(sh, variable, index);
  if (value !== undefined && /^\d+$/.test(value)) proc.setFd(Number(value), undefined);
}

function applyDup(
  sh: Shell,
  proc: Proc,
  redir: Redir & { kind: 'dup' },
  target: string,
  saved: Saved | undefined,
): void {
  const fd = redir.fd ?? (redir.op === '<&' ? 0 : 1);
  if (target === '-') {
    if (redir.fdVar === undefined) put(proc, fd, undefined, saved);
    else closeNamed(sh, proc, redir.fdVar);
    return;
  }
  const match = /^(\d+)(-?)$/.exec(target);
  if (match === null) {
    if (redir.op === '>&' && redir.fd === undefined) {
      const file = openTarget(sh, proc, '&>', target);
      if (file instanceof Promise) fail(sh, proc, `${target}: ${strerror(6)}`);
      put(proc, 1, file, saved);
      put(proc, 2, file.dup(), saved);
      return;
    }
    fail(sh, proc, `${redir.target.text}: ambiguous redirect`);
  }
  const from = Number(match[1]);
  const file = proc.fds[from];
  if (file === undefined) fail(sh, proc, `${target}: Bad file descriptor`);
  const copy = file.dup();
  if (redir.fdVar !== undefined) place(sh, proc, fd, redir.fdVar, copy, saved);
  else if (from !== fd) put(proc, fd, copy, saved);
  else copy.close();
  if (match[2] === '-' && from !== fd) put(proc, from, undefined, saved);
}
