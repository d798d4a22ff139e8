/**
 * The real kernel of this machine as a backend: the lab runs in throwaway user, network, mount and PID
 * namespaces, with the machine's own programs. When the runner dies, however it dies, the kernel kills
 * the first process of the PID namespace, and with it everything of the lab goes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { Backend, LabMachine, Remains, Sink, StartOptions, Stopped } from '../lab/backend.ts';
import { COMMAND_LOOP, driverScript, scriptRunner } from './driver.ts';

const ZERO = 0;

/** A backend cannot run here: one sentence that says why, and what would help. */
export class BackendUnavailable extends Error {}

/** Programs that make the namespaces, with the Debian package that has them. */
const NEEDED: readonly (readonly [program: string, pkg: string])[] = [
  ['unshare', 'util-linux'],
  ['setpriv', 'util-linux'],
  ['ip', 'iproute2'],
];

function onPath(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
}

/** The command that enters fresh namespaces; as an ordinary user through a user namespace of its own. */
function enterNamespaces(): string[] {
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

/** Why labs cannot run on this machine's kernel; undefined when they can. */
export function whyUnavailable(): string | undefined {
  if (process.platform !== 'linux') return `this is ${process.platform}, not Linux`;
  for (const [program, pkg] of NEEDED) {
    if (!onPath(program)) return `the program ${program} is missing (Debian package ${pkg})`;
  }
  const [command, ...args] = [...enterNamespaces(), 'true'];
  const { status, stderr } = spawnSync(command!, args, { encoding: 'utf8', timeout: 10_000 });
  if (status === 0) return undefined;
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return `namespaces cannot be made here${said === '' ? '' : ` (${said})`}`;
}

class KernelLab implements LabMachine {
  readonly #options: StartOptions;
  readonly #startedAt = process.hrtime.bigint();
  #child: ChildProcess | undefined;
  /** Resolves with the text between the next two marks. */
  #onMark: ((text: string) => void) | undefined;
  #markText = '';
  #inMark = false;
  #stopped: Stopped | undefined;

  constructor(options: StartOptions) {
    this.#options = options;
  }

  get now(): number {
    return Number(process.hrtime.bigint() - this.#startedAt);
  }

  get stopped(): Stopped | undefined {
    return this.#stopped;
  }

  async script(path: string, text: string, args: readonly string[]): Promise<number> {
    const fromFile = path !== '-' && (isAbsolute(path) || existsSync(resolve(path)));
    const child = this.#spawn(fromFile ? scriptRunner(path, args) : scriptRunner('-s', args), ['pipe', 'pipe', 'pipe']);
    child.stdout!.on('data', (data: Uint8Array) => this.#options.sink('stdout', data));
    child.stderr!.on('data', (data: Uint8Array) => this.#options.sink('stderr', data));
    child.stdin!.on('error', () => undefined);
    child.stdin!.end(fromFile ? '' : text);
    this.#child = child;
    return this.#ended(child);
  }

  async command(text: string): Promise<number> {
    const child = this.#child ?? (await this.#startShell());
    const status = this.#nextMark(child);
    (child.stdio[3] as NodeJS.WritableStream).write(`${text}\0`);
    const answer = await status;
    return answer === undefined ? 255 : Number(answer);
  }

  isComplete(text: string): boolean {
    const { stderr } = spawnSync('bash', ['-n', '-c', text], { encoding: 'utf8' });
    return !/unexpected end of file|unexpected EOF|here-document at line/.test(stderr);
  }

  async stop(): Promise<Remains> {
    const child = this.#child;
    this.#child = undefined;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = this.#ended(child);
      child.kill('SIGKILL');
      await ended;
    }
    return { captures: [], trace: [], files: [] };
  }

  async #startShell(): Promise<ChildProcess> {
    const child = this.#spawn(COMMAND_LOOP, ['ignore', 'pipe', 'pipe', 'pipe'], true);
    this.#child = child;
    const sink: Sink = this.#options.sink;
    child.stdout!.on('data', (data: Uint8Array) => this.#split(data, sink));
    child.stderr!.on('data', (data: Uint8Array) => sink('stderr', data));
    (child.stdio[3] as NodeJS.WritableStream).on('error', () => undefined);
    if ((await this.#nextMark(child)) === undefined) {
      throw new BackendUnavailable('the throwaway machine did not start');
    }
    return child;
  }

  #spawn(body: string, stdio: ('ignore' | 'pipe')[], merged = false): ChildProcess {
    const folder = this.#options.folder === undefined ? undefined : resolve(this.#options.folder.path);
    const script = driverScript(folder) + (merged ? 'exec 2>&1\n' : '') + body;
    const [command, ...args] = [...enterNamespaces(), 'bash', '-c', script, 'bash'];
    const env = {
      ...process.env,
      ...this.#options.env,
      LC_ALL: 'C.UTF-8',
      PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
    };
    return spawn(command!, args, { stdio, env });
  }

  #ended(child: ChildProcess): Promise<number> {
    return new Promise((done) => {
      child.once('close', (code, signal) => done(code ?? (signal === null ? 255 : 137)));
    });
  }

  #nextMark(child: ChildProcess): Promise<string | undefined> {
    return new Promise((done) => {
      const gone = () => {
        this.#stopped ??= { reason: 'exit', message: 'the shell of the lab has ended' };
        done(undefined);
      };
      child.once('close', gone);
      this.#onMark = (text) => {
        child.off('close', gone);
        done(text);
      };
    });
  }

  /** Pass output on, and take out what stands between marks. */
  #split(data: Uint8Array, sink: Sink): void {
    let from = 0;
    for (let at = 0; at <= data.length; at++) {
      if (at < data.length && data[at] !== ZERO) continue;
      const part = data.subarray(from, at);
      if (this.#inMark) this.#markText += new TextDecoder().decode(part);
      else if (part.length > 0) sink('stdout', part);
      if (at === data.length) break;
      from = at + 1;
      if (this.#inMark) {
        const text = this.#markText;
        this.#markText = '';
        this.#onMark?.(text);
      }
      this.#inMark = !this.#inMark;
    }
  }
}

/** Labs on this machine's kernel. */
export const kernel: Backend = {
  name: 'kernel',
  async start(options) {
    const why = whyUnavailable();
    if (why !== undefined) throw new BackendUnavailable(`labs cannot run on this machine's kernel: ${why}`);
    return new KernelLab(options);
  },
};
