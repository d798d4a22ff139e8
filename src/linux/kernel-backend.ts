/**
 * The real kernel of this machine as a backend: the lab runs in throwaway user, network, mount and PID
 * namespaces, with the machine's own programs. When the runner dies, however it dies, the kernel kills
 * the first process of the PID namespace, and with it everything of the lab goes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Backend, LabMachine, Remains, Sink, StartOptions, Stopped } from '../lab/backend.ts';
import { isComplete } from '../lab/is-complete.ts';
import { parseTables, TABLES_SCRIPT } from '../lab/observation.ts';
import {
  commandLoop,
  DEFAULT_BYTES,
  driverScript,
  observed,
  quote,
  scriptRunner,
  TABLES_DESCRIPTOR,
} from './driver.ts';
import { MarkSplitter } from './marks.ts';
import { nanoseconds, OBSERVER, OBSERVER_REPLIES, OBSERVER_REQUESTS, ObserverReplies } from './observer.ts';
import { BackendUnavailable } from './unavailable.ts';

const DEFAULT_COLUMNS = 80;
/** Longest text of a script that may stand in an argument (MAX_ARG_STRLEN, with room to spare). */
const LONGEST_ARGUMENT = 100_000;
/** What the driver exits with when it cannot prepare the machine. */
const DRIVER_FAILED = 125;

/** Programs that make the namespaces, with the Debian package that has them. */
const NEEDED: readonly (readonly [program: string, pkg: string])[] = [
  ['bash', 'bash'],
  ['unshare', 'util-linux'],
  ['setpriv', 'util-linux'],
  ['mount', 'mount'],
  ['ip', 'iproute2'],
];

export function onPath(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
}

/** The command that enters fresh namespaces; as an ordinary user through a user namespace of its own. */
export function enterNamespaces(): string[] {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    'unshare',
    ...user,
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child=KILL',
    '--mount-proc',
  ];
}

/**
 * A command in front of {@link enterNamespaces} that puts pipes where Node has sockets: a lab that opens
 * `/dev/stdout` or `/dev/stderr` finds what it finds under a shell.
 */
function throughPipes(): string[] {
  return ['bash', '--norc', '-c', 'exec > >(cat) 2> >(cat >&2); exec "$@"', 'bash'];
}

/** Why there can be no captures on a real kernel; undefined when there can. */
export function whyNoCaptures(): string | undefined {
  return onPath('tcpdump') ? undefined : 'the program tcpdump is missing; get it by: apt-get install tcpdump';
}

export function labEnvironment(options: Pick<StartOptions, 'env'>): NodeJS.ProcessEnv {
  return { ...process.env, ...options.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
}

let known = false;

/** Why labs cannot run on this machine's kernel, and what would help; undefined when they can. */
export function whyUnavailable(): string | undefined {
  if (known) return undefined;
  const why = tryOnce();
  known = why === undefined;
  return why;
}

function tryOnce(): string | undefined {
  if (process.platform !== 'linux') return `this is ${process.platform}, not Linux`;
  for (const [program, pkg] of NEEDED) {
    if (!onPath(program)) return `the program ${program} is missing; get it by: apt-get install ${pkg}`;
  }
  const [command, ...args] = [...enterNamespaces(), 'bash', '--norc', '-c', driverScript({ folder: '/' })];
  const { status, stderr } = spawnSync(command!, args, {
    encoding: 'utf8',
    timeout: 20_000,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: labEnvironment({}),
  });
  if (status === 0) return undefined;
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return `namespaces cannot be made here${said === '' ? '' : ` (${said})`}; ${permission()}`;
}

function permission(): string {
  if (existsSync('/proc/sys/kernel/apparmor_restrict_unprivileged_userns')) {
    return 'allow them by: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0';
  }
  if (existsSync('/proc/sys/kernel/unprivileged_userns_clone')) {
    return 'allow them by: sudo sysctl -w kernel.unprivileged_userns_clone=1';
  }
  return 'allow them by: sudo sysctl -w user.max_user_namespaces=15000; in a container: run it with --privileged';
}

class KernelLab implements LabMachine {
  readonly #options: StartOptions;
  #startedAt = process.hrtime.bigint();
  readonly #marks: MarkSplitter;
  readonly #replies: ObserverReplies | undefined;
  #sink: Sink;
  #child: ChildProcess | undefined;
  #tables = '';
  #listedAt: number | undefined;
  #inputEnded = false;
  #stopped: Stopped | undefined;

  constructor(options: StartOptions) {
    this.#options = options;
    this.#sink = options.sink;
    this.#marks = new MarkSplitter((data) => this.#sink('stdout', data));
    if (options.captures === true) this.#replies = new ObserverReplies(() => this.now);
  }

  get now(): number {
    return Number(process.hrtime.bigint() - this.#startedAt);
  }

  get stopped(): Stopped | undefined {
    return this.#stopped;
  }

  async script(path: string, text: string, args: readonly string[]): Promise<number> {
    const { words, stdin } = invocation(path, text);
    const given = this.#options.stdin ?? '';
    const noInput = stdin === undefined && given === '';
    const tables = this.#options.tables === true ? TABLES_SCRIPT : '';
    const child = this.#spawn(scriptRunner([...words, ...args], tables), noInput ? 'ignore' : 'pipe', throughPipes());
    const decoder = new TextDecoder();
    child.stdio[TABLES_DESCRIPTOR]?.on('data', (data: Uint8Array) => {
      this.#tables += decoder.decode(data, { stream: true });
    });
    // What is captured is told by the time since the script began, which is when the observer does.
    this.#replies?.onReady(() => {
      this.#startedAt = process.hrtime.bigint();
    });
    this.#request(child, 'watch');
    child.stdout!.on('data', (data: Uint8Array) => this.#options.sink('stdout', data));
    child.stderr!.on('data', (data: Uint8Array) => this.#options.sink('stderr', data));
    child.stdin?.on('error', () => undefined);
    this.#child = child;
    if (stdin !== undefined) child.stdin!.end(stdin);
    else if (given !== 'host') child.stdin?.end(given);
    else if (this.#inputEnded) child.stdin!.end();
    const status = await this.#ended(child);
    const times = /^([\d.]+)\n([\d.]+)\n/.exec(this.#tables);
    if (times !== null) this.#listedAt = Number(nanoseconds(times[2]!) - nanoseconds(times[1]!));
    return status;
  }

  async command(text: string): Promise<number> {
    const child = this.#child ?? (await this.#startShell());
    const status = this.#nextMark(child);
    (child.stdio[3] as NodeJS.WritableStream).write(`${text}\0`);
    const answer = await status;
    await this.#look(child);
    return answer === undefined ? 255 : Number(answer);
  }

  isComplete(text: string): boolean {
    return isComplete(text);
  }

  /** Standard input of a script. */
  type(text: string | Uint8Array): void {
    this.#child?.stdin?.write(text);
  }

  endInput(): void {
    this.#inputEnded = true;
    this.#child?.stdin?.end();
  }

  async stop(): Promise<Remains> {
    const child = this.#child;
    if (child !== undefined) {
      await this.#listTables(child);
      await this.#endCaptures(child);
    }
    this.#child = undefined;
    if (child !== undefined && isAlive(child)) {
      const ended = this.#ended(child);
      child.kill('SIGKILL');
      await ended;
    }
    return {
      captures: this.#replies?.files() ?? [],
      frames: this.#replies?.interfaces() ?? [],
      ...(this.#replies?.heardUntil === undefined ? {} : { heardUntil: this.#replies.heardUntil }),
      trace: [],
      files: [],
      ...(this.#tables === '' ? {} : { tables: parseTables(this.#tables), listedAt: this.#listedAt ?? this.now }),
    };
  }

  /** The tables as the lasting shell can list them; a script's were listed at its end. */
  async #listTables(child: ChildProcess): Promise<void> {
    if (this.#options.tables !== true || this.#stopped !== undefined || !isAlive(child)) return;
    const decoder = new TextDecoder();
    this.#sink = (_stream, data) => {
      this.#listedAt ??= this.now;
      this.#tables += decoder.decode(data, { stream: true });
    };
    await this.command(`bash -c ${quote(TABLES_SCRIPT)}`);
    this.#sink = this.#options.sink;
  }

  #request(child: ChildProcess, request: string): void {
    if (this.#replies === undefined) return;
    (child.stdio[OBSERVER_REQUESTS as 4] as NodeJS.WritableStream).write(`${request}\n`);
  }

  /** Let the captures follow what has changed. */
  async #look(child: ChildProcess): Promise<void> {
    const replies = this.#replies;
    if (replies === undefined || !isAlive(child)) return;
    const looked = orClosed(child, (done) => replies.onLooked(done));
    this.#request(child, 'look');
    await looked;
  }

  async #endCaptures(child: ChildProcess): Promise<void> {
    const replies = this.#replies;
    if (replies === undefined || !isAlive(child)) return;
    this.#request(child, 'end');
    await orClosed(child, (done) => replies.onDone(done));
  }

  async #startShell(): Promise<ChildProcess> {
    // Its terminal's input stays open: the end of it would be typed as Ctrl-D.
    const columns = this.#options.columns ?? DEFAULT_COLUMNS;
    const child = this.#spawn(commandLoop(columns));
    this.#child = child;
    const replies = this.#replies;
    const observing = replies === undefined ? undefined : orClosed(child, (done) => replies.onReady(done));
    child.stdin!.on('error', () => undefined);
    child.stdout!.on('data', (data: Uint8Array) => this.#marks.take(data));
    child.stderr!.on('data', (data: Uint8Array) => this.#sink('stderr', data));
    if ((await this.#nextMark(child)) === undefined) {
      throw new BackendUnavailable('the throwaway machine did not start');
    }
    await observing;
    await this.#look(child);
    return child;
  }

  /** Descriptors: 3 takes commands, the others are named where they are used. */
  #spawn(body: string, stdin: 'pipe' | 'ignore' = 'pipe', before: readonly string[] = []): ChildProcess {
    const folder = this.#options.folder?.path ?? process.cwd();
    const replies = this.#replies;
    const driver = driverScript({ folder, bytes: this.#options.limits?.bytes ?? DEFAULT_BYTES });
    const script = driver + (replies === undefined ? body : observed(body, OBSERVER_COMMAND));
    const [command, ...args] = [...before, ...enterNamespaces(), 'bash', '--norc', '-c', script, 'bash'];
    const pipes = Array.from({ length: replies === undefined ? 4 : 6 }, () => 'pipe' as const);
    const child = spawn(command!, args, { stdio: [stdin, ...pipes], env: labEnvironment(this.#options) });
    (child.stdio[3] as NodeJS.WritableStream).on('error', () => undefined);
    if (replies !== undefined) {
      (child.stdio[OBSERVER_REQUESTS as 4] as NodeJS.WritableStream).on('error', () => undefined);
      (child.stdio[OBSERVER_REPLIES as 4] as NodeJS.ReadableStream).on('data', (data: Uint8Array) =>
        replies.push(data),
      );
    }
    return child;
  }

  #ended(child: ChildProcess): Promise<number> {
    return new Promise((done) => {
      child.once('close', (code, signal) => {
        if (code === DRIVER_FAILED) this.#stopped ??= { reason: 'start', message: 'the lab could not be prepared' };
        done(code ?? (signal === null ? 255 : 137));
      });
    });
  }

  #nextMark(child: ChildProcess): Promise<string | undefined> {
    return new Promise((done) => {
      const gone = () => {
        this.#stopped ??= { reason: 'exit', message: 'the shell of the lab has ended' };
        done(undefined);
      };
      child.once('close', gone);
      this.#marks.next((text) => {
        child.off('close', gone);
        done(text);
      });
    });
  }
}

const OBSERVER_COMMAND = `bash -c ${quote(OBSERVER)} bash 62<&${OBSERVER_REQUESTS} 63>&${OBSERVER_REPLIES} 3<&- 4>&- 5<&- 6>&-`;

export const isAlive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

/** Resolves when `wait` says so, or the child is gone. */
export function orClosed(child: ChildProcess, wait: (done: () => void) => void): Promise<void> {
  return new Promise((done) => {
    child.once('close', done);
    wait(() => {
      child.off('close', done);
      done();
    });
  });
}

/** The arguments for bash so that `$0` is `path` and the lab's folder the current one. */
function invocation(path: string, text: string): { words: string[]; stdin?: string } {
  if (isAbsolute(path) && existsSync(path)) return { words: [path] };
  if (existsSync(path) && text.length < LONGEST_ARGUMENT) return { words: ['-c', text, path] };
  return { words: ['-s', '--'], stdin: text };
}

/** Labs on this machine's kernel. */
export const kernel: Backend = {
  name: 'kernel',
  async start(options) {
    const why = whyUnavailable();
    if (why !== undefined) throw new BackendUnavailable(`labs cannot run on this machine's kernel: ${why}`);
    const noCaptures = options.captures === true ? whyNoCaptures() : undefined;
    if (noCaptures !== undefined) throw new BackendUnavailable(`interfaces cannot be captured on: ${noCaptures}`);
    return new KernelLab(options);
  },
};
