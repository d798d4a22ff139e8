/** A twin: a booted kernel, user space on it, and what watches both. */
import type { Kernel, KernelConfig } from '../kernel/core/kernel.ts';
import type { NetNamespace } from '../kernel/core/net-namespace.ts';
import { bootKernel } from '../kernel/init.ts';
import { KernelMachine } from '../kernel/machine.ts';
import { XtablesSocket } from '../kernel/netfilter/xtables-uapi.ts';
import { LEGACY_PROGRAMS, PROGRAMS } from '../programs/registry.ts';
import { Session } from '../shell/session.ts';
import { isRefusal } from '../uapi/result.ts';
import type { Folder, Limits, Remains, Sink, StartOptions, Stopped, TerminalMachine } from './backend.ts';
import { diagnose } from './diagnose.ts';
import { type Artifact, InterfaceRecorder } from './interface-recorder.ts';
import { isComplete } from './is-complete.ts';
import { NamespaceView } from './namespace-view.ts';
import { type MachineTables, parseTables, TABLES_SCRIPT } from './observation.ts';
import { TraceCollector, type TraceStep } from './trace-lines.ts';

const NETNS_RUN_DIR = '/run/netns';
const DEFAULT_COLUMNS = 80;

export type { KernelConfig } from '../kernel/core/kernel.ts';

export interface TwinStartOptions extends StartOptions {
  /** How the kernel is built, to be compared with one that is built that way. */
  config?: KernelConfig;
}

export class TwinMachine implements TerminalMachine {
  readonly kernel: Kernel;
  readonly #machine: KernelMachine;
  readonly #session: Session;
  readonly #folder: Folder | undefined;
  /** Last known names of namespaces: what was seen is told of by name after it is gone, too. */
  readonly #names = new Map<number, string>();
  readonly #recorder: InterfaceRecorder | undefined;
  readonly #wantsTables: boolean;
  #sink: Sink;
  #collector: TraceCollector | undefined;
  #stopped: Stopped | undefined;

  constructor(options: TwinStartOptions) {
    const { folder, limits, clock } = options;
    this.#sink = options.sink;
    this.#wantsTables = options.tables === true;
    this.#folder = folder;
    this.kernel = bootKernel({
      seed: options.seed,
      ...(options.config === undefined ? {} : { config: options.config }),
    });
    this.#machine = new KernelMachine(this.kernel);
    this.#session = new Session(this.#machine, this.kernel.queue, {
      programs: options.config?.nfTables === false ? LEGACY_PROGRAMS : PROGRAMS,
      onStdout: (data) => this.#sink('stdout', data),
      onStderr: (data) => this.#sink('stderr', data),
      diagnose: () => diagnose(this.kernel, (net) => this.#nameOf(net)),
      ...(options.terminal ? { terminal: { columns: options.columns ?? DEFAULT_COLUMNS } } : {}),
      ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
      ...(options.interactive === true ? { interactive: true } : {}),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(limits === undefined ? {} : { limits: budgetOf(limits) }),
      ...(clock === undefined ? {} : { pace: clock }),
      ...(options.breathe === undefined ? {} : { breathe: options.breathe }),
      ...(folder === undefined ? {} : { folder: { path: folder.path, source: sourceOf(folder) } }),
    });
    if (options.captures === true) {
      this.#recorder = new InterfaceRecorder(this.kernel, this.bootTime, (net) => this.#nameOf(net));
    }
    if (options.trace === true) this.startTrace();
  }

  get now(): number {
    return this.kernel.queue.now;
  }

  /** Nanoseconds since the epoch at boot. */
  get bootTime(): number {
    return this.#machine.bootTime;
  }

  get stopped(): Stopped | undefined {
    return this.#stopped;
  }

  get exited(): boolean {
    return this.#session.exited;
  }

  script(path: string, text: string, args: readonly string[]): Promise<number> {
    return this.#settle(this.#session.run(text, { name: path, args }));
  }

  command(text: string): Promise<number> {
    return this.#settle(this.#session.command(text));
  }

  /** Let `ns` nanoseconds pass. */
  async advance(ns: number): Promise<void> {
    await this.#settle(this.#session.advance(ns));
  }

  /** Let time pass until `done` resolves, at real pace. */
  async until(done: Promise<unknown>): Promise<void> {
    await this.#settle(this.#session.until(done));
  }

  isComplete(text: string): boolean {
    return isComplete(text);
  }

  interrupt(): void {
    this.#session.signal('INT');
  }

  type(text: string | Uint8Array): void {
    this.#session.type(text);
  }

  endInput(): void {
    this.#session.endInput();
  }

  names(): { commands: readonly string[]; interfaces: readonly string[]; namespaces: readonly string[] } {
    const interfaces = this.kernel.namespaces.flatMap((net) => [...net.names.keys()]);
    return { commands: this.#session.commandNames(), interfaces, namespaces: this.namespaceNames() };
  }

  files(folder: string): readonly { name: string; directory: boolean }[] {
    return this.#session
      .fileNames(folder)
      .map((name) => (name.endsWith('/') ? { name: name.slice(0, -1), directory: true } : { name, directory: false }));
  }

  async stop(): Promise<Remains> {
    this.#learnNames();
    const tables = await this.#listTables();
    await this.#session.close();
    this.stopTrace();
    return {
      captures: this.captureFiles(),
      frames: this.#recorder?.interfaces() ?? [],
      trace: this.trace(),
      files: this.#writtenFiles(),
      ...(tables === undefined ? {} : { tables }),
    };
  }

  async #listTables(): Promise<MachineTables | undefined> {
    if (!this.#wantsTables || this.#stopped !== undefined) return undefined;
    let text = '';
    const decoder = new TextDecoder();
    this.#sink = (_stream, data) => {
      text += decoder.decode(data, { stream: true });
    };
    await this.#settle(this.#session.run(TABLES_SCRIPT, { name: 'bash' }));
    return this.#stopped === undefined ? parseTables(text) : undefined;
  }

  // ------------------------------------------------------------ looking into it

  /** Names in /run/netns, in order. */
  namespaceNames(): string[] {
    const names = this.#files.list(NETNS_RUN_DIR);
    return isRefusal(names) ? [] : [...names].sort();
  }

  /** A namespace by name; without one the first. */
  namespace(name?: string): NetNamespace | undefined {
    if (name === undefined) return this.kernel.namespaces[0];
    const ref = this.#files.openNetns(`${NETNS_RUN_DIR}/${name}`);
    if (isRefusal(ref)) return undefined;
    return this.kernel.namespaces.find((net) => net.inode === ref.inode);
  }

  view(name?: string): NamespaceView | undefined {
    const net = this.namespace(name);
    return net === undefined ? undefined : new NamespaceView(net, name, new XtablesSocket(net));
  }

  readFile(path: string): Uint8Array | undefined {
    const data = this.#files.read(path);
    return isRefusal(data) ? undefined : data.slice();
  }

  /** Write a file and the folders it needs. */
  writeFile(path: string, data: Uint8Array): void {
    const folder = path.slice(0, path.lastIndexOf('/'));
    if (folder !== '') this.#session.system.vfs.mkdirs(this.#session.system.init, folder);
    const refused = this.#files.write(path, data);
    if (refused !== undefined) throw new Error(`${path} cannot be written`);
  }

  startTrace(): void {
    this.#collector ??= new TraceCollector(this.kernel, (net) => this.#nameOf(net));
    this.#collector.start();
  }

  stopTrace(): void {
    this.#collector?.stop();
  }

  trace(): readonly TraceStep[] {
    return this.#collector?.steps ?? [];
  }

  captureFiles(): readonly Artifact[] {
    return this.#recorder?.files() ?? [];
  }

  get #files() {
    return this.#session.system.init.files;
  }

  async #settle(run: Promise<{ status: number; stopped: Stopped | undefined }>): Promise<number> {
    const { status, stopped } = await run;
    this.#stopped ??= stopped;
    return status;
  }

  #learnNames(): void {
    for (const name of this.namespaceNames()) {
      const ref = this.#files.openNetns(`${NETNS_RUN_DIR}/${name}`);
      if (!isRefusal(ref)) this.#names.set(ref.inode, name);
    }
  }

  /** The namespace's name, the last it had, or its inode number; undefined for the first one. */
  #nameOf(net: NetNamespace): string | undefined {
    if (net === this.kernel.namespaces[0]) return undefined;
    const known = this.#names.get(net.inode);
    if (known !== undefined) return known;
    this.#learnNames();
    return this.#names.get(net.inode) ?? `netns-${net.inode}`;
  }

  /** Files that were written, the lab's folder as their root where they lie below it. */
  #writtenFiles(): Artifact[] {
    const root = this.#folder === undefined ? undefined : `${this.#folder.path.replace(/\/$/, '')}/`;
    return this.#session.writtenFiles().map(({ path, data }) => ({
      name: root !== undefined && path.startsWith(root) ? path.slice(root.length) : path.slice(1),
      data,
    }));
  }
}

function budgetOf({ commands, ...limits }: Limits) {
  return commands === undefined ? limits : { ...limits, spins: commands };
}

function sourceOf(folder: Folder) {
  return {
    list: (path: string) =>
      folder.list(path).map(({ name, directory, mode, size }) => ({
        name,
        kind: directory ? ('directory' as const) : ('file' as const),
        mode,
        size,
      })),
    read: (path: string) => folder.read(path),
  };
}
