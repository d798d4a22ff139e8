/**
 * The library: a twin of a Linux machine, to run commands on and to look into.
 *
 * ```ts
 * import { Twin } from 'hairpin';
 *
 * const twin = new Twin({ seed: 1 });
 * await twin.run('ip link add a0 type veth peer name b0');
 * const { stdout, status } = await twin.run('ip -br link show a0');
 * ```
 *
 * Nothing happens on the twin but while a call waits: its clock is virtual and stands still between
 * calls. The same calls with the same seed give the same bytes. It runs in Node and in browsers.
 */
import type { Folder, Limits, Sink, Stopped, StreamName } from './backend.ts';
import { FrameCapture } from './frame-capture.ts';
import type { Artifact } from './interface-recorder.ts';
import type { NamespaceView } from './namespace-view.ts';
import type { TraceStep } from './trace-lines.ts';
import { type KernelConfig, TwinMachine } from './twin-machine.ts';

export type { Folder, Limits, Sink, Stopped, StreamName } from './backend.ts';
export { type CapturedFrame, FilterSyntaxError, FrameCapture } from './frame-capture.ts';
export type { Artifact } from './interface-recorder.ts';
export { NamespaceView } from './namespace-view.ts';
export type { TraceStep } from './trace-lines.ts';
export type { KernelConfig } from './twin-machine.ts';

export interface TwinOptions {
  /** What is random follows from it: MAC addresses, ports, `$RANDOM`. Default 1. */
  seed?: number;
  /** Files that are there from the beginning, by absolute path. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** A folder that the twin sees; it is also where commands begin. */
  folder?: Folder;
  /** What the twin may use before it is stopped. Default: none. */
  limits?: Limits;
  /** Output as it comes, also between the beginning and the end of a command. */
  onOutput?: Sink;
  /** Whether programs see a terminal, and write line by line. Default false. */
  terminal?: boolean;
  /** Further environment variables. */
  env?: Readonly<Record<string, string>>;
  /** Record what every interface sees, from the beginning: see {@link Twin.captures}. */
  captures?: boolean;
  /** How the kernel is built, where kernels differ. */
  config?: KernelConfig;
  /** Let the host do something else now and then in a long computation. */
  breathe?: () => Promise<void>;
}

/** What a command or script did. */
export interface CommandResult {
  /** Its exit status; of a command the shell's `$?`. */
  status: number;
  stdout: string;
  stderr: string;
  /** Both, in the order in which they were written. */
  output: string;
}

/** There is no such interface or namespace. */
export class NotFoundError extends Error {}

/** The twin was stopped: by its limits, or because every process waits for ever. */
export class StoppedError extends Error {
  readonly stopped: Stopped;
  constructor(stopped: Stopped) {
    super(stopped.message);
    this.stopped = stopped;
  }
}

export class Twin {
  readonly #machine: TwinMachine;
  #chunks: { stream: StreamName; data: Uint8Array }[] = [];

  constructor(options: TwinOptions = {}) {
    const { seed = 1, terminal = false, onOutput, files, ...rest } = options;
    const sink: Sink = (stream, data) => {
      this.#chunks.push({ stream, data: data.slice() });
      onOutput?.(stream, data);
    };
    this.#machine = new TwinMachine({ ...rest, seed, terminal, sink });
    for (const [path, data] of Object.entries(files ?? {})) this.writeFile(path, data);
  }

  /** Nanoseconds since boot. */
  get now(): number {
    return this.#machine.now;
  }

  /** Set when the twin was stopped; then nothing runs on it any more. */
  get stopped(): Stopped | undefined {
    return this.#machine.stopped;
  }

  /**
   * Run a command, or several, in the twin's lasting shell: variables, functions, the folder and
   * background jobs stay for the next call.
   *
   * ```ts
   * await twin.run('ping -c 1 10.0.0.9 & job=$!');
   * await twin.run('wait $job; echo $?');
   * ```
   */
  run(command: string): Promise<CommandResult> {
    return this.#collect(() => this.#machine.command(command));
  }

  /** Run a script in a bash of its own, with `$0` and `$1` ... */
  script(text: string, options: { name?: string; args?: readonly string[] } = {}): Promise<CommandResult> {
    const { name = 'bash', args = [] } = options;
    return this.#collect(() => this.#machine.script(name, text, args));
  }

  /** Let time pass: timers run, frames travel, background jobs go on. */
  async advance(seconds: number): Promise<CommandResult> {
    return this.#collect(async () => {
      await this.#machine.advance(seconds * 1e9);
      return 0;
    });
  }

  /**
   * Listen on an interface from now on. `filter` is what tcpdump would be given.
   *
   * ```ts
   * const capture = twin.capture('b0', { filter: 'arp' });
   * await twin.run('ping -c 1 10.0.0.2');
   * capture.lines();
   * ```
   */
  capture(device: string, options: { netns?: string; filter?: string } = {}): FrameCapture {
    const net = this.#machine.namespace(options.netns);
    const dev = net?.devByName(device);
    if (dev === undefined) throw new NotFoundError(notFound(device, options.netns, net === undefined));
    return new FrameCapture(dev, this.#machine.bootTime, options.filter ?? '');
  }

  /** Names of the namespaces in /run/netns, in order. */
  namespaces(): string[] {
    return this.#machine.namespaceNames();
  }

  /** A namespace by name; without a name the first one, where commands begin. */
  namespace(name?: string): NamespaceView {
    const view = this.#machine.view(name);
    if (view === undefined) throw new NotFoundError(`Cannot open network namespace "${name}"`);
    return view;
  }

  /** A file's bytes; undefined when there is none. */
  readFile(path: string): Uint8Array | undefined {
    return this.#machine.readFile(path);
  }

  /** Write a file, and the folders it needs. */
  writeFile(path: string, data: string | Uint8Array): void {
    this.#machine.writeFile(path, typeof data === 'string' ? new TextEncoder().encode(data) : data);
  }

  /** Record every step of every frame from now on; `off` stops that. Read them with {@link Twin.trace}. */
  setTrace(state: 'on' | 'off'): void {
    if (state === 'on') this.#machine.startTrace();
    else this.#machine.stopTrace();
  }

  /** The steps recorded so far. */
  trace(): readonly TraceStep[] {
    return this.#machine.trace();
  }

  /** With the option `captures`: pcapng files of all interfaces so far. */
  captures(): readonly Artifact[] {
    return this.#machine.captureFiles();
  }

  /** Ctrl-C for the command in the foreground. */
  interrupt(): void {
    this.#machine.interrupt();
  }

  /** End everything on the twin. */
  async close(): Promise<void> {
    await this.#machine.stop();
  }

  async #collect(work: () => Promise<number>): Promise<CommandResult> {
    const { stopped } = this;
    if (stopped !== undefined) throw new StoppedError(stopped);
    this.#chunks = [];
    const status = await work();
    const chunks = this.#chunks;
    this.#chunks = [];
    const text = (stream?: StreamName) => {
      const decoder = new TextDecoder();
      const wanted = chunks.filter((chunk) => stream === undefined || chunk.stream === stream);
      return wanted.map((chunk) => decoder.decode(chunk.data, { stream: true })).join('') + decoder.decode();
    };
    return { status, stdout: text('stdout'), stderr: text('stderr'), output: text() };
  }
}

function notFound(device: string, netns: string | undefined, noNamespace: boolean): string {
  if (noNamespace) return `Cannot open network namespace "${netns}"`;
  return `Device "${device}" does not exist${netns === undefined ? '' : ` in ${netns}`}`;
}
