/** The process table of one machine: forking, running programs, signals by pid. */
import type { EventQueue } from '../../sim/queue.ts';
import { EACCES, EAGAIN, EISDIR, ENOENT, ENOEXEC } from '../../uapi/errno.ts';
import type { Program } from '../../uapi/process.ts';
import { ProcessKilled } from '../../uapi/process.ts';
import type { Ack, Refusal } from '../../uapi/result.ts';
import { isRefusal, refuse } from '../../uapi/result.ts';
import type { Machine } from '../../uapi/task.ts';
import { DirectoryInode, FileInode, ProgramInode } from '../fs/inode.ts';
import { Mounts, Vfs } from '../fs/vfs.ts';
import { decode } from './bytes.ts';
import { EXEC_TIME, NO_SUCH_PROCESS, Proc } from './proc.ts';
import type { Scheduler } from './scheduler.ts';
import { RUNNING, STOP_SIGNAL } from './scheduler.ts';
import { SIGCONT, signalNumber } from './signals.ts';

/** A program of this layer, which may look at the process table. Those of src/programs need only `Process`. */
export type SystemProgram = (proc: Proc) => Promise<number>;

/** What a name or path leads to. */
export interface Executable {
  path: string;
  main: SystemProgram;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export class System {
  readonly machine: Machine;
  readonly queue: EventQueue;
  readonly scheduler: Scheduler;
  readonly vfs: Vfs;
  readonly table: Map<number, Proc> = new Map();
  readonly init: Proc;
  /** Columns of the terminal. */
  columns: number | undefined = undefined;
  private readonly programs: ReadonlyMap<string, SystemProgram>;
  private lastPid = 1;
  private lastPipe = 10_000;
  /** A bug of ours, or of a program, that ended a process: it ends the run too. */
  crash: unknown = undefined;

  constructor(
    machine: Machine,
    scheduler: Scheduler,
    programs: ReadonlyMap<string, Program>,
    ownPrograms: ReadonlyMap<string, SystemProgram>,
  ) {
    this.machine = machine;
    this.scheduler = scheduler;
    this.queue = scheduler.queue;
    this.vfs = new Vfs();
    this.programs = new Map<string, SystemProgram>([...ownPrograms, ...programs]);
    this.init = new Proc(this, 1, undefined, machine.init(1), new Mounts());
    this.init.comm = 'init';
    this.table.set(1, this.init);
    scheduler.onStop = () => this.killAll();
  }

  get programNames(): string[] {
    return [...this.programs.keys()];
  }

  nextPipe(): number {
    return ++this.lastPipe;
  }

  /** fork(2): a child that does nothing yet. */
  fork(parent: Proc): Proc {
    const limit = this.scheduler.limits.processes;
    if (limit !== undefined && this.table.size >= limit) {
      this.scheduler.halt('processes', `${limit} processes are alive at once; something forks without end`);
    }
    const pid = ++this.lastPid;
    const child = new Proc(this, pid, parent, parent.task.fork(pid), parent.mounts);
    child.inherit(parent);
    parent.adopt(child);
    this.table.set(pid, child);
    return child;
  }

  /** Put a process on the run queue with this to do. */
  start(proc: Proc, main: () => Promise<number>): void {
    this.scheduler.start(proc, () => void this.live(proc, main));
  }

  /** exec(2) in a fresh child, and put it on the run queue. */
  runProgram(proc: Proc, found: Executable, argv: readonly string[], env: ReadonlyMap<string, string>): void {
    proc.becomes(argv, env);
    this.start(proc, async () => {
      await proc.spend(EXEC_TIME);
      return found.main(proc);
    });
  }

  private async live(proc: Proc, main: () => Promise<number>): Promise<void> {
    let code = 0;
    let signal = 0;
    try {
      if (proc.fatal !== undefined) throw proc.fatal;
      code = await main();
      const flushing = proc.flushAll();
      if (flushing !== undefined) await flushing;
      if (proc.fatal !== undefined) throw proc.fatal;
    } catch (error) {
      if (error instanceof ProcessKilled) signal = proc.fatalSignal || signalNumber(error.signal)!;
      else {
        this.crash ??= error;
        signal = STOP_SIGNAL;
        this.scheduler.halt('closed', 'internal error');
      }
    }
    proc.end(code, signal);
    this.scheduler.exit(proc);
  }

  /** The program that execvp would run for `name`. */
  findProgram(proc: Proc, name: string, env: ReadonlyMap<string, string>): Executable | Refusal {
    if (name.includes('/')) return this.loadProgram(proc, name);
    if (name === '') return refuse(ENOENT);
    let failure = refuse(ENOENT);
    for (const dir of (env.get('PATH') ?? DEFAULT_PATH).split(':')) {
      const found = this.loadProgram(proc, `${dir === '' ? '.' : dir}/${name}`);
      if (!isRefusal(found)) return found;
      if (found.errno === EACCES) failure = found;
    }
    return failure;
  }

  /** The program in a file: an installed one, or a script with its interpreter. */
  loadProgram(proc: Proc, path: string): Executable | Refusal {
    const found = this.vfs.resolve(proc, path);
    if (isRefusal(found)) return found;
    const { inode } = found;
    if (inode instanceof ProgramInode) {
      const main = this.programs.get(inode.program);
      return main === undefined ? refuse(ENOENT) : { path, main };
    }
    if (inode instanceof DirectoryInode) return refuse(EISDIR);
    if ((inode.mode & 0o111) === 0) return refuse(EACCES);
    if (!(inode instanceof FileInode)) return refuse(EACCES);
    const text = decode(inode.data.subarray(0, 256));
    if (!text.startsWith('#!')) return refuse(ENOEXEC);
    const line = text.slice(2, text.includes('\n') ? text.indexOf('\n') : undefined).trim();
    const [interpreter, argument] = /^(\S+)\s*(.*)$/s.exec(line)?.slice(1) ?? ['', ''];
    const program = this.loadProgram(proc, interpreter!);
    if (isRefusal(program)) return program;
    return {
      path,
      main: (self) => {
        self.argv = [interpreter!, ...(argument === '' ? [] : [argument!]), path, ...self.argv.slice(1)];
        return program.main(self);
      },
    };
  }

  // ------------------------------------------------------------ signals

  /** kill(2). Signal 0 only asks. */
  kill(sender: Proc, pid: number, signal: number): Ack {
    if (pid > 0) {
      const target = this.table.get(pid);
      if (target === undefined) return NO_SUCH_PROCESS;
      this.signal(target, signal);
      return undefined;
    }
    const group = pid === 0 ? sender.pgid : -pid;
    const targets = [...this.table.values()].filter((proc) =>
      proc === this.init ? false : pid === -1 ? proc !== sender : proc.pgid === group,
    );
    if (targets.length === 0) return NO_SUCH_PROCESS;
    for (const target of targets) this.signal(target, signal);
    return undefined;
  }

  signal(target: Proc, signal: number): void {
    if (signal === 0 || target === this.init || target.ended) return;
    target.raise(signal);
  }

  /** A process whose parent is init has ended: nobody else will ask for its status. */
  initChildEnded(_child: Proc): void {
    this.onInitChild?.(_child);
  }

  onInitChild: ((child: Proc) => void) | undefined = undefined;

  /** The process was waited for: its pid is free. */
  forget(proc: Proc): void {
    this.table.delete(proc.pid);
  }

  /** SIGKILL for all but init. */
  killAll(): void {
    for (const proc of [...this.table.values()]) {
      if (proc === this.init || proc.ended) continue;
      proc.raise(SIGCONT);
      this.scheduler.kill(proc, STOP_SIGNAL);
      if (proc.resume === undefined && proc.state !== RUNNING) proc.end(0, STOP_SIGNAL);
    }
    this.scheduler.wake(this.init);
  }

  checkBytes(): void {
    const limit = this.scheduler.limits.bytes;
    if (limit !== undefined && this.vfs.usage.bytes > limit) {
      this.scheduler.halt('bytes', `files hold more than ${limit} bytes; something writes without end`);
    }
  }

  /** EAGAIN of fork, for callers that check. */
  static readonly forkFailure: Refusal = refuse(EAGAIN);
}
