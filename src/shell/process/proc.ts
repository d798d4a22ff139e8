/** One process: descriptors, signals, children, waiting. Programs see it as the uapi `Process`. */
import { ENOENT, ESRCH } from '../../uapi/errno.ts';
import type { NetnsRef } from '../../uapi/netns.ts';
import type {
  ChildProcess,
  Files,
  InputStream,
  OutputStream,
  Pollable,
  Process,
  SignalName,
  SpawnOptions,
} from '../../uapi/process.ts';
import type { Ack, Refusal } from '../../uapi/result.ts';
import { isRefusal, refuse } from '../../uapi/result.ts';
import type { Task } from '../../uapi/task.ts';
import { ProcFiles } from '../fs/files.ts';
import type { Mounts, OpenFlags } from '../fs/vfs.ts';
import { concat, decode } from './bytes.ts';
import type { OpenFile } from './open-file.ts';
import { NullFile } from './open-file.ts';
import { openPipe } from './pipe.ts';
import { Thread, WaitQueue } from './scheduler.ts';
import { defaultAction, SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, signalNumber } from './signals.ts';
import { Input, Output } from './stdio.ts';
import type { System } from './system.ts';

export type Disposition = 'ignore' | (() => void);

/** fork+exec of an external program on the reference machine, nanoseconds. */
export const EXEC_TIME = 1_000_000;

/** Calls of poll() that need not wait, and together take a tick of the scheduler. */
const READY_POLLS_PER_TICK = 100;

export class Proc extends Thread implements Process {
  private readyPolls = 0;
  readonly system: System;
  readonly pid: number;
  parent: Proc | undefined;
  pgid: number;
  sid: number;
  argv: readonly string[] = [];
  env: ReadonlyMap<string, string> = new Map();
  cwd = '/';
  umask = 0o022;
  /** What stdbuf asked for. */
  buffering: 'full' | 'line' | 'none' | undefined = undefined;
  /** What `ps` shows: at most 15 characters. */
  comm = '';
  /** Descriptors, by number. */
  fds: (OpenFile | undefined)[] = [];
  task: Task;
  mounts: Mounts;
  children: Set<Proc> | undefined = undefined;
  /** Time of the fork. */
  readonly startTime: number;

  /** Ended and not yet waited for, or gone. */
  ended = false;
  exitCode = 0;
  /** The signal that ended it, or 0. */
  exitSignal = 0;
  /** Waits of the parent for any child. */
  readonly childEnd: WaitQueue = new WaitQueue();
  /** Called when it has ended, before the parent is woken. */
  onEnd: (() => void) | undefined = undefined;

  private dispositions: Map<number, Disposition> | undefined = undefined;
  /** A handler ran since the last wait began. */
  interrupted = false;
  private filesOf: Files | undefined = undefined;
  private input: Input | undefined = undefined;
  private output: Output | undefined = undefined;
  private errors: Output | undefined = undefined;
  private outputs: Output[] | undefined = undefined;
  private held: Set<OpenFile> | undefined = undefined;
  private exitHooks: (() => void)[] | undefined = undefined;

  constructor(system: System, pid: number, parent: Proc | undefined, task: Task, mounts: Mounts) {
    super();
    this.system = system;
    this.pid = pid;
    this.parent = parent;
    this.task = task;
    this.mounts = mounts;
    this.pgid = parent?.pgid ?? pid;
    this.sid = parent?.sid ?? pid;
    this.startTime = system.queue.now;
  }

  // ------------------------------------------------------------ what programs see

  get files(): Files {
    this.filesOf ??= new ProcFiles(this);
    return this.filesOf;
  }

  get stdin(): InputStream {
    this.input ??= new Input(this, this.fds[0] ?? new NullFile());
    return this.input;
  }

  get stdout(): OutputStream {
    this.output ??= this.tracked(new Output(this, this.fds[1] ?? new NullFile(), this.buffering));
    return this.output;
  }

  get stderr(): OutputStream {
    this.errors ??= this.tracked(new Output(this, this.fds[2] ?? new NullFile(), 'none'));
    return this.errors;
  }

  get columns(): number | undefined {
    return this.fds[1]?.isTty === true ? this.system.columns : undefined;
  }

  get utcOffset(): number {
    return 0;
  }

  now(): number {
    return this.system.queue.now;
  }

  realtime(): number {
    return this.system.queue.now + this.system.machine.bootTime;
  }

  random(): number {
    return this.system.machine.random();
  }

  async sleep(ns: number): Promise<boolean> {
    await this.drain();
    if (this.fatal !== undefined) throw this.fatal;
    const { scheduler, queue } = this.system;
    const until = queue.now + ns;
    this.interrupted = false;
    if (scheduler.elapse(until)) return true;
    const timer = queue.after(until - queue.now, 'sleep', () => scheduler.wake(this));
    try {
      while (queue.now < until && !this.interrupted) await this.block();
    } finally {
      timer.cancel();
    }
    return queue.now >= until;
  }

  async poll(sources: readonly Pollable[], timeout?: number): Promise<'ready' | 'timeout' | 'signal'> {
    await this.drain();
    if (this.fatal !== undefined) throw this.fatal;
    const { scheduler, queue } = this.system;
    this.interrupted = false;
    const wake = () => scheduler.wake(this);
    let expired = timeout !== undefined && timeout <= 0;
    const timer =
      timeout === undefined || expired
        ? undefined
        : queue.after(timeout, 'poll', () => {
            expired = true;
            scheduler.wake(this);
          });
    try {
      for (;;) {
        if (sources.some((source) => source.readable)) {
          // What is sent to this machine itself is answered at once: who never waits must not keep the world from going on.
          if (++this.readyPolls % READY_POLLS_PER_TICK === 0) await this.sleep(scheduler.spinTick);
          return 'ready';
        }
        if (this.interrupted) return 'signal';
        if (expired) return 'timeout';
        for (const source of sources) {
          if (source instanceof Input) source.watch();
          source.onReadable = wake;
        }
        await this.block();
      }
    } finally {
      timer?.cancel();
      for (const source of sources) source.onReadable = undefined;
    }
  }

  yield(): Promise<void> {
    return this.system.scheduler.yield(this);
  }

  onSignal(signal: SignalName, handler: (() => void) | undefined): void {
    this.setDisposition(signalNumber(signal)!, handler);
  }

  kill(pid: number, signal: SignalName): Ack {
    return this.system.kill(this, pid, signalNumber(signal)!);
  }

  spawn(options: SpawnOptions): ChildProcess | Refusal {
    const { system } = this;
    const name = options.argv[0] ?? '';
    const found = system.findProgram(this, name, options.env ?? this.env);
    if (isRefusal(found)) return found;
    const child = system.fork(this);
    if (options.netns !== undefined) {
      const refused = child.task.setns(options.netns);
      if (refused !== undefined) {
        child.abandon();
        return refused;
      }
    }
    if (options.stdin === 'null') child.setFd(0, new NullFile());
    let capture: OpenFile | undefined;
    if (options.capture === true) {
      const pipe = openPipe(system.scheduler, system.nextPipe());
      child.setFd(1, pipe.writer);
      capture = pipe.reader;
    }
    system.runProgram(child, found, options.argv, options.env ?? this.env);
    return {
      pid: child.pid,
      wait: async () => {
        const chunks: Uint8Array[] = [];
        if (capture !== undefined) {
          for (let data = await this.readFile(capture); data.length > 0; data = await this.readFile(capture))
            chunks.push(data);
          capture.close();
        }
        await this.waitFor(child);
        return { status: child.status, stdout: decode(concat(chunks)) };
      },
      kill: (signal) => system.signal(child, signalNumber(signal)!),
    };
  }

  async exec(argv: readonly string[], options: { netns?: NetnsRef } = {}): Promise<number | Refusal> {
    if (options.netns !== undefined) {
      const refused = this.task.setns(options.netns);
      if (refused !== undefined) return refused;
    }
    const found = this.system.findProgram(this, argv[0] ?? '', this.env);
    if (isRefusal(found)) return found.errno === ENOENT ? refuse(ENOENT) : found;
    this.becomes(argv);
    await this.spend(EXEC_TIME);
    return found.main(this);
  }

  // ------------------------------------------------------------ waiting

  /** Give the baton away until something wakes this process. */
  block(): Promise<void> {
    return this.system.scheduler.block(this);
  }

  /** Let time pass that no signal handler cuts short: the cost of an exec. */
  async spend(ns: number): Promise<void> {
    if (this.fatal !== undefined) throw this.fatal;
    const { scheduler, queue } = this.system;
    const until = queue.now + ns;
    if (scheduler.elapse(until)) return;
    const timer = queue.after(until - queue.now, 'exec', () => scheduler.wake(this));
    try {
      while (queue.now < until) await this.block();
    } finally {
      timer.cancel();
    }
  }

  /** Read from a file, waiting for something to be there. Empty at its end and after an error. */
  async readFile(file: OpenFile, max = 65536): Promise<Uint8Array> {
    if (this.outputs !== undefined) await this.drain();
    for (;;) {
      const data = file.read(max);
      if (data === undefined) {
        file.readers.add(this);
        await this.block();
      } else return isRefusal(data) ? new Uint8Array(0) : data;
    }
  }

  /** Wait for a child to end, and reap it. */
  async waitFor(child: Proc): Promise<void> {
    while (!child.ended) {
      this.childEnd.add(this);
      await this.block();
    }
    this.reap(child);
  }

  reap(child: Proc): void {
    this.children?.delete(child);
    this.system.forget(child);
  }

  /** `$?` of the ended process: 128+n after signal n. */
  get status(): number {
    return this.exitSignal === 0 ? this.exitCode : 128 + this.exitSignal;
  }

  private async drain(): Promise<void> {
    if (this.outputs === undefined) return;
    for (const output of this.outputs) if (output.backlog) await output.flush();
  }

  // ------------------------------------------------------------ signals

  setDisposition(signal: number, disposition: Disposition | undefined): void {
    if (signal === SIGKILL || signal === SIGSTOP) return;
    this.dispositions ??= new Map();
    if (disposition === undefined) this.dispositions.delete(signal);
    else this.dispositions.set(signal, disposition);
  }

  disposition(signal: number): Disposition | undefined {
    return this.dispositions?.get(signal);
  }

  /** A signal arrives. */
  raise(signal: number): void {
    if (this.ended) return;
    if (signal === SIGCONT && this.stopped) {
      this.stopped = false;
      this.system.scheduler.wake(this);
    }
    const disposition = this.dispositions?.get(signal);
    if (disposition === 'ignore') return;
    if (disposition !== undefined) {
      disposition();
      this.interrupted = true;
      this.system.scheduler.wake(this);
      return;
    }
    switch (defaultAction(signal)) {
      case 'terminate':
        this.system.scheduler.kill(this, signal);
        break;
      case 'stop':
        this.stopped = true;
        this.parent?.childEnd.wake(this.system.scheduler);
        break;
    }
  }

  // ------------------------------------------------------------ descriptors, exec, exit

  /** Put an open file on a descriptor; whatever was there is closed. The reference is taken over. */
  setFd(fd: number, file: OpenFile | undefined): void {
    const old = this.fds[fd];
    this.fds[fd] = file;
    old?.close();
    if (fd === 0) this.input = undefined;
    else if (fd === 1) this.output = undefined;
    else if (fd === 2) this.errors = undefined;
  }

  /** The part of exec that changes the process: names, handlers, buffers. */
  becomes(argv: readonly string[], env?: ReadonlyMap<string, string>): void {
    this.argv = argv;
    if (env !== undefined) this.env = env;
    const name = argv[0] ?? '';
    this.comm = name.slice(name.lastIndexOf('/') + 1).slice(0, 15);
    if (this.dispositions !== undefined) {
      for (const [signal, disposition] of this.dispositions)
        if (disposition !== 'ignore') this.dispositions.delete(signal);
    }
    this.input = undefined;
    this.output = undefined;
    this.errors = undefined;
    this.outputs = undefined;
  }

  /** fork(): what a child has of its parent. */
  inherit(from: Proc): void {
    const fds = from.fds;
    for (let fd = 0; fd < fds.length; fd++) this.fds[fd] = fds[fd]?.dup();
    this.argv = from.argv;
    this.env = from.env;
    this.cwd = from.cwd;
    this.umask = from.umask;
    this.buffering = from.buffering;
    this.comm = from.comm;
    if (from.dispositions !== undefined) this.dispositions = new Map(from.dispositions);
  }

  /** Open a file that is closed at the latest when the process ends. */
  async open(path: string, flags: OpenFlags): Promise<OpenFile | Refusal> {
    const file = await this.system.vfs.open(this, path, flags);
    if (isRefusal(file)) return file;
    this.held ??= new Set();
    this.held.add(file);
    return file;
  }

  /** Everything in a file of any kind, a pipe included. */
  async readWhole(path: string): Promise<Uint8Array | Refusal> {
    const file = await this.open(path, { read: true });
    if (isRefusal(file)) return file;
    const chunks: Uint8Array[] = [];
    for (;;) {
      const data = file.read(65536);
      if (data === undefined) {
        file.readers.add(this);
        await this.block();
      } else if (isRefusal(data)) {
        this.close(file);
        return data;
      } else if (data.length === 0) break;
      else chunks.push(data);
    }
    this.close(file);
    return concat(chunks);
  }

  /** Close a file that {@link open} gave. */
  close(file: OpenFile): void {
    if (this.held?.delete(file) === true) file.close();
  }

  tracked(output: Output): Output {
    if (this.outputs === undefined) this.outputs = [output];
    else this.outputs.push(output);
    return output;
  }

  atExit(hook: () => void): void {
    if (this.exitHooks === undefined) this.exitHooks = [hook];
    else this.exitHooks.push(hook);
  }

  /** exit(3) flushes what the C library holds; undefined when that is nothing. */
  flushAll(): Promise<void> | undefined {
    return this.outputs === undefined ? undefined : this.flush(this.outputs);
  }

  private async flush(outputs: readonly Output[]): Promise<void> {
    for (const output of outputs) await output.flush();
  }

  /** The end: status for the parent, everything let go. */
  end(code: number, signal: number): void {
    this.exitCode = code & 0xff;
    this.exitSignal = signal;
    this.release();
    this.ended = true;
    const { system } = this;
    this.onEnd?.();
    if (this.children !== undefined) this.orphan(this.children);
    const parent = this.parent;
    if (parent === undefined) return;
    if (parent === system.init) system.initChildEnded(this);
    parent.childEnd.wake(system.scheduler);
    parent.raise(SIGCHLD);
  }

  /** Init takes the children over. */
  private orphan(children: ReadonlySet<Proc>): void {
    const { system } = this;
    for (const child of children) {
      child.parent = system.init;
      if (child.ended) system.forget(child);
      else system.init.adopt(child);
    }
    this.children = undefined;
  }

  adopt(child: Proc): void {
    this.children ??= new Set();
    this.children.add(child);
  }

  /** Undo a fork that came to nothing. */
  abandon(): void {
    this.release();
    this.ended = true;
    this.parent?.reap(this);
  }

  private release(): void {
    if (this.exitHooks !== undefined) for (const hook of this.exitHooks) hook();
    if (this.held !== undefined) for (const file of this.held) file.close();
    this.held = undefined;
    for (let fd = 0; fd < this.fds.length; fd++) this.fds[fd]?.close();
    this.fds = [];
    this.task.exit();
  }
}

/** ESRCH as an answer of kill(2). */
export const NO_SUCH_PROCESS: Refusal = refuse(ESRCH);
