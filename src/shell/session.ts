/**
 * A shell session: what the lab layer drives.
 *
 * A session is one machine's user space: its process table, its files, and one main shell that lives
 * as long as the session. Nothing happens, and virtual time stands still, except inside the promise of
 * one of `run`, `command`, `advance` and `until`; only one of them may be in progress at a time.
 *
 * ```ts
 * const session = new Session(machine, queue, { programs, onStdout: (bytes) => out.push(bytes) });
 * const { status } = await session.run('ip link show\n', { name: 'x.sh' });   // as `bash x.sh`
 * await session.command('sleep 10 &');      // as typed at a prompt; keeps variables, directory, jobs
 * await session.advance(2e9);               // let two virtual seconds pass, jobs go on
 * await session.close();                    // everything that is left is killed
 * ```
 *
 * Output comes through `onStdout` and `onStderr` as it is written, in the order in which it is written.
 * When a budget of `limits` is used up, or every process waits for ever, the run ends: all processes
 * are killed, the result has `stopped` with a sentence for people, and the session is over.
 */
import type { EventQueue } from '../sim/queue.ts';
import type { Program, SignalName } from '../uapi/process.ts';
import { isRefusal } from '../uapi/result.ts';
import type { Machine } from '../uapi/task.ts';
import { builtins } from './bash/builtins/table.ts';
import { Abort } from './bash/error.ts';
import { runText } from './bash/interpreter.ts';
import { notifyJobs, shellMain } from './bash/job-control.ts';
import { newShell } from './bash/main.ts';
import type { Shell } from './bash/shell.ts';
import { installTrapHandlers, runPendingTraps } from './bash/traps.ts';
import { SnapshotFile } from './fs/regular-file.ts';
import { type FolderSource, SourceDirectory } from './fs/source.ts';
import { plantTree } from './fs/tree.ts';
import { type WrittenFile, writtenFiles } from './fs/written.ts';
import { encode } from './process/bytes.ts';
import { HostInput, HostOutput, NullFile, type OpenFile } from './process/open-file.ts';
import type { Proc } from './process/proc.ts';
import { type Limits, type Pace, Scheduler, type Stop } from './process/scheduler.ts';
import { signalNumber } from './process/signals.ts';
import { System } from './process/system.ts';
import { ownPrograms } from './programs/table.ts';

export type { FolderSource, Limits, Pace, Stop, WrittenFile };

export interface SessionOptions {
  /** The network programs by name. Programs of this layer of the same name give way to them. */
  programs?: ReadonlyMap<string, Program>;
  /** Environment of the main shell, added to PATH, HOME and the like. */
  env?: Readonly<Record<string, string>>;
  /** Working directory; made if it does not exist. */
  cwd?: string;
  /** The lab's own folder: seen at `path`, written to in memory only. */
  folder?: { path: string; source: FolderSource };
  onStdout?: (data: Uint8Array) => void;
  onStderr?: (data: Uint8Array) => void;
  /** Standard input is text, or `'host'`: fed by `type` while the session goes on. Default: /dev/null. */
  stdin?: string | Uint8Array | 'host';
  /** Programs see terminals of this width: line buffering, `isTty`. */
  terminal?: { columns: number };
  /** `command` behaves as an interactive shell: `[1] 123` after `&`, `[1]+  Done` before the next command. */
  interactive?: boolean;
  limits?: Limits;
  /** Real pace: virtual time follows this clock. Without it time jumps from event to event. */
  pace?: Pace;
  /** Called now and then in a long run, so that the host can do something else. */
  breathe?: () => Promise<void>;
  /** What keeps the machine busy (`frames circulate between br0 and br1`), for the message of a stopped run. */
  diagnose?: () => string | undefined;
}

export interface RunResult {
  /** Exit status: 128+n after signal n. */
  status: number;
  /** Set when the run was stopped rather than ended. */
  stopped: Stop | undefined;
}

/** Status of a run that a budget ended. */
const STOPPED_STATUS = 125;

export class Session {
  readonly system: System;
  private readonly scheduler: Scheduler;
  private readonly shell: Shell;
  private readonly hostInput: HostInput | undefined;
  private closed = false;
  private foreground: Proc | undefined = undefined;

  constructor(machine: Machine, queue: EventQueue, options: SessionOptions = {}) {
    this.scheduler = new Scheduler(queue, options);
    this.system = new System(machine, this.scheduler, options.programs ?? new Map(), ownPrograms);
    this.system.columns = options.terminal?.columns;
    plantTree(this.system);
    const { init, vfs } = this.system;
    if (options.folder !== undefined) {
      const { path, source } = options.folder;
      vfs.mkdirs(init, path);
      vfs.mount(init, path, new SourceDirectory(vfs.usage, source, ''), { source: 'lab', type: 'overlay' });
    }
    const cwd = options.cwd ?? options.folder?.path ?? '/root';
    if (isRefusal(vfs.resolve(init, cwd))) vfs.mkdirs(init, cwd);
    init.cwd = cwd;
    const tty = options.terminal !== undefined;
    const out = (sink: ((data: Uint8Array) => void) | undefined, name: string) =>
      new HostOutput(tty ? '/dev/pts/0' : name, tty, sink ?? (() => {}));
    init.fds = [new NullFile(), out(options.onStdout, '/dev/stdout'), out(options.onStderr, '/dev/stderr')];
    this.hostInput = options.stdin === 'host' ? new HostInput(this.scheduler, tty) : undefined;
    init.setFd(0, this.hostInput ?? inputOf(options.stdin));
    init.env = new Map(
      Object.entries({
        HOME: '/root',
        LANG: 'C.UTF-8',
        LOGNAME: 'root',
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        PWD: cwd,
        SHELL: '/bin/bash',
        TERM: tty ? 'xterm-256color' : 'dumb',
        USER: 'root',
        ...options.env,
      }),
    );
    const proc = this.system.fork(init);
    proc.becomes(['bash'], init.env);
    this.shell = newShell(proc, 'bash');
    this.shell.interactive = options.interactive === true;
    this.shell.typed = true;
    this.shell.shopts.set('expand_aliases', true);
    installTrapHandlers(this.shell);
    this.system.onInitChild = (child) => {
      init.reap(child);
    };
  }

  /** Nanoseconds of virtual time since boot. */
  get now(): number {
    return this.scheduler.queue.now;
  }

  /** Working directory of the main shell. */
  get cwd(): string {
    return this.shell.proc.cwd;
  }

  /** Run a script as `bash NAME ARGS` would, in a process of its own. */
  async run(script: string, options: { name?: string; args?: readonly string[] } = {}): Promise<RunResult> {
    const { system } = this;
    const name = options.name ?? 'bash';
    const proc = system.fork(this.shell.proc);
    proc.pgid = proc.pid;
    const env = new Map(this.shell.environment);
    env.delete('SHLVL');
    proc.becomes(['bash', name, ...(options.args ?? [])], env);
    const sh = newShell(proc, name);
    sh.args = [...(options.args ?? [])];
    installTrapHandlers(sh);
    this.foreground = proc;
    return this.host(async () => {
      system.start(proc, () => shellMain(sh, () => runText(sh, script)));
      await this.ended(proc);
      this.shell.proc.children?.delete(proc);
      system.forget(proc);
      return proc.status;
    });
  }

  /** Run a text in the main shell, which keeps its state: what is typed at a prompt. */
  async command(text: string): Promise<RunResult> {
    const sh = this.shell;
    this.foreground = undefined;
    return this.host(async () => {
      const { init } = this.system;
      let done = false;
      sh.proc.state = 0;
      this.scheduler.start(sh.proc, () => {
        void this.typed(sh, text)
          .catch((error: unknown) => {
            if (sh.proc.fatal === undefined) {
              this.system.crash ??= error;
              this.scheduler.halt('closed', 'internal error');
            }
          })
          .finally(() => {
            done = true;
            this.scheduler.wake(init);
            if (sh.proc.fatal !== undefined) {
              if (!sh.proc.ended) sh.proc.end(0, sh.proc.fatalSignal);
              this.scheduler.exit(sh.proc);
            } else this.scheduler.park(sh.proc);
          });
      });
      while (!done && this.scheduler.stop === undefined) await init.block();
      return sh.proc.fatal === undefined ? sh.status : 128 + sh.proc.fatalSignal;
    });
  }

  private async typed(sh: Shell, text: string): Promise<void> {
    sh.interruptPending = false;
    try {
      await runText(sh, text);
    } catch (error) {
      if (!(error instanceof Abort)) throw error;
      sh.status = error.status;
    }
    if (sh.jump === 'exit') await shellMain(sh, () => sh.status);
    else sh.jump = 'none';
    if (sh.pendingTraps.length > 0) await runPendingTraps(sh);
    if (sh.interactive) notifyJobs(sh);
  }

  /** Whether `exit` was typed, or the main shell was killed. */
  get exited(): boolean {
    return this.shell.jump === 'exit' || this.shell.proc.ended || this.closed;
  }

  /** Let virtual time pass, while what runs in the background goes on. */
  async advance(ns: number): Promise<RunResult> {
    return this.host(async () => {
      await this.system.init.spend(ns);
      return this.shell.status;
    });
  }

  /** Let what runs in the background go on until `done` resolves: an interactive prompt that waits for a line. */
  async until(done: Promise<unknown>): Promise<RunResult> {
    return this.host(async () => {
      const { init } = this.system;
      let over = false;
      this.scheduler.external++;
      void done.finally(() => {
        over = true;
        this.scheduler.external--;
        this.scheduler.wake(init);
        this.scheduler.kick();
      });
      while (!over && this.scheduler.stop === undefined) await init.block();
      return this.shell.status;
    });
  }

  /** A signal from the keyboard (`INT` for Ctrl-C) to what runs in the foreground, or to the process `pid`. */
  signal(name: SignalName, pid?: number): void {
    const signal = signalNumber(name)!;
    const { system } = this;
    if (pid !== undefined) system.kill(system.init, pid, signal);
    else {
      const group = (this.foreground ?? this.shell.proc).pgid;
      for (const proc of [...system.table.values()]) if (proc.pgid === group) system.signal(proc, signal);
    }
    this.scheduler.kick();
  }

  /** Standard input, for a session with `stdin: 'host'`. */
  type(text: string | Uint8Array): void {
    this.hostInput?.push(typeof text === 'string' ? encode(text) : text);
  }

  /** End of standard input, for a session with `stdin: 'host'`. */
  endInput(): void {
    this.hostInput?.end();
  }

  /** Names for completion: programs, builtins, functions, aliases. */
  commandNames(): string[] {
    const { shell } = this;
    const names = new Set([
      ...this.system.programNames,
      ...builtins.keys(),
      ...shell.functions.keys(),
      ...shell.aliases.keys(),
    ]);
    return [...names].sort();
  }

  /** Names of the main shell's variables, for completion. */
  variableNames(): string[] {
    return this.shell.vars.names();
  }

  /** The main shell's value of a variable. */
  variable(name: string): string | undefined {
    return this.shell.parameter(name);
  }

  /** Names in a directory, for completion of paths; those of directories end with `/`. */
  fileNames(path: string): string[] {
    const { proc } = this.shell;
    const names = proc.files.list(path === '' ? '.' : path);
    if (isRefusal(names)) return [];
    return names.sort().map((name) => {
      const found = this.system.vfs.resolve(proc, `${path === '' ? '.' : path}/${name}`);
      return !isRefusal(found) && found.inode.kind === 'd' ? `${name}/` : name;
    });
  }

  /** Every file that the lab wrote, for `--out DIR`. */
  writtenFiles(): WrittenFile[] {
    return writtenFiles(this.system);
  }

  /** Kill what is left. What those processes had not written yet is lost. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.scheduler.halt('closed', 'the session was closed');
    await this.host(async () => 0);
  }

  /** Run with the baton in the host's hands until the work is done. */
  private async host(work: () => Promise<number>): Promise<RunResult> {
    const { system, scheduler } = this;
    const stoppedBefore = scheduler.stop;
    if (stoppedBefore !== undefined && stoppedBefore.reason !== 'closed') {
      return { status: STOPPED_STATUS, stopped: stoppedBefore };
    }
    scheduler.resetPace();
    let status = 0;
    try {
      if (stoppedBefore === undefined) status = await work();
    } finally {
      if (scheduler.stop !== undefined) await this.burial();
    }
    if (system.crash !== undefined) throw system.crash;
    const { stop } = scheduler;
    return stop === undefined ? { status, stopped: undefined } : { status: STOPPED_STATUS, stopped: stop };
  }

  /** Let the killed processes run their `finally` blocks. */
  private async burial(): Promise<void> {
    this.system.killAll();
    while (!this.scheduler.idle) await this.scheduler.yield(this.system.init);
  }

  private async ended(proc: Proc): Promise<void> {
    const { init } = this.system;
    proc.onEnd = () => this.scheduler.wake(init);
    while (!proc.ended && this.scheduler.stop === undefined) await init.block();
  }
}

function inputOf(stdin: SessionOptions['stdin']): OpenFile {
  if (stdin === undefined || stdin === 'host') return new NullFile();
  return new SnapshotFile('/dev/stdin', typeof stdin === 'string' ? encode(stdin) : stdin);
}
