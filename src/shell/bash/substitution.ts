/** Command and process substitution. */
import { concat, decode } from '../process/bytes.ts';
import { openPipe } from '../process/pipe.ts';
import type { Body } from './ir.ts';
import { forkShell, freeFd, runSubshell, tailOf } from './job-control.ts';
import { bodyList } from './lower.ts';
import type { Shell } from './shell.ts';
import { decodeFile } from './substitute-file.ts';

/** The output of `$(...)`, without the newlines at its end. */
export async function substitute(sh: Shell, body: Body): Promise<string> {
  const list = bodyList(body);
  const whole = await decodeFile(sh, list);
  if (whole !== undefined) return trim(sh, whole);
  const pipe = openPipe(sh.system.scheduler, sh.system.nextPipe());
  const child = forkShell(sh);
  child.proc.setFd(1, pipe.writer);
  child.jobs.inherit(sh.jobs);
  child.inSubstitution = true;
  child.subshellLevel++;
  child.traceLevel++;
  if (sh.shopts.get('inherit_errexit') !== true) child.options.delete('errexit');
  child.tailNode = tailOf(list);
  runSubshell(child, () => child.exec.list(child, list));
  const chunks: Uint8Array[] = [];
  for (let data = await sh.proc.readFile(pipe.reader); data.length > 0; data = await sh.proc.readFile(pipe.reader)) {
    chunks.push(data);
  }
  pipe.reader.close();
  while (!child.proc.ended) {
    sh.proc.childEnd.add(sh.proc);
    await sh.proc.block();
  }
  sh.substitutionStatus = child.proc.status;
  sh.status = child.proc.status;
  return trim(sh, decode(concat(chunks)));
}

function trim(sh: Shell, text: string): string {
  let out = text;
  if (out.includes('\0')) {
    void sh.complain('warning: command substitution: ignored null byte in input');
    out = out.replaceAll('\0', '');
  }
  let end = out.length;
  while (end > 0 && out[end - 1] === '\n') end--;
  return end === out.length ? out : out.slice(0, end);
}

/** `<(...)` and `>(...)`: a pipe under /dev/fd, closed when the command has run. */
export function processSubstitution(sh: Shell, body: Body, direction: '<' | '>'): string {
  const list = bodyList(body);
  const pipe = openPipe(sh.system.scheduler, sh.system.nextPipe());
  const child = forkShell(sh);
  const [own, theirs] = direction === '<' ? [pipe.reader, pipe.writer] : [pipe.writer, pipe.reader];
  child.proc.setFd(direction === '<' ? 1 : 0, theirs);
  child.tailNode = tailOf(list);
  child.jobs.inherit(sh.jobs);
  child.inSubstitution = true;
  child.subshellLevel++;
  runSubshell(child, () => child.exec.list(child, list));
  sh.lastBackground = child.proc.pid;
  const { proc } = child;
  proc.onEnd = () => {
    sh.jobs.ended.set(proc.pid, proc.status);
    sh.proc.reap(proc);
  };
  sh.jobs.substitutions.set(proc.pid, proc);
  const fd = freeFd(sh.proc, 63);
  sh.proc.fds[fd] = own;
  sh.procSubs.push(() => sh.proc.setFd(fd, undefined));
  return `/dev/fd/${fd}`;
}
