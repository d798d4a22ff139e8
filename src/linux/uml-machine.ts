/**
 * A booted User-Mode Linux: a whole kernel as a process of this machine, with the devices that the
 * machine's own kernel may lack, on the machine's own programs and files (hostfs, read-only). Needs
 * neither root nor KVM. Its terminal lines are descriptors of the process: one takes requests, one
 * carries answers, and each place for a lab has its own (uml-guest.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { quote } from './driver.ts';
import { enterNamespaces, labEnvironment } from './kernel-backend.ts';
import { MarkSplitter } from './marks.ts';
import { INIT_SCRIPT, INPUT_LINES, LAB_SCRIPT, LINES_PER_PLACE, PLACES, PREPARE } from './uml-guest.ts';
import { BackendUnavailable } from './unavailable.ts';

const MEMORY_MEGABYTES = 512;
const REQUESTS = 3;
const ANSWERS = 4;
const FIRST_LINE = 5;
/** Bytes that are sure to fit a terminal's buffer together with what may wait there. */
const LONGEST_LINE = 2048;
/** How long a lab may take to die before its kernel is given up. */
const PATIENCE_MS = 15_000;

/** Output of a lab on one line, up to the mark that ends it. */
class OutputLine {
  #onData: (data: Uint8Array) => void = () => undefined;
  #mark: Buffer | undefined;
  #held: Buffer = Buffer.alloc(0);
  #ended: () => void = () => undefined;

  open(onData: (data: Uint8Array) => void): void {
    this.#onData = onData;
  }

  /** Resolves when `mark` has come; what comes before it is still output. */
  end(mark: string): Promise<void> {
    this.#mark = Buffer.from(mark);
    return new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  take(data: Uint8Array): void {
    if (this.#mark === undefined) {
      this.#onData(data);
      return;
    }
    const all = Buffer.concat([this.#held, data]);
    const at = all.indexOf(this.#mark);
    if (at < 0) {
      const safe = Math.max(0, all.length - this.#mark.length + 1);
      if (safe > 0) this.#onData(all.subarray(0, safe));
      this.#held = all.subarray(safe);
      return;
    }
    if (at > 0) this.#onData(all.subarray(0, at));
    this.#onData = () => undefined;
    this.#held = Buffer.alloc(0);
    this.#mark = undefined;
    this.#ended();
  }
}

export interface LabRequest {
  folder: string;
  bytes: number;
  /** Columns of its terminal; without one its output goes to pipes. */
  columns: number | undefined;
  env: Readonly<Record<string, string>>;
  onOutput: (stream: 'stdout' | 'stderr', data: Uint8Array) => void;
  /** Takes what the observer of its frames says; without it there is none. */
  onObserved: ((data: Uint8Array) => void) | undefined;
}

/** Where one lab runs. */
export class Place {
  readonly #machine: UmlMachine;
  readonly #index: number;
  readonly #lines = { stdout: new OutputLine(), stderr: new OutputLine() };
  readonly marks: MarkSplitter = new MarkSplitter(() => undefined);
  #onObserved: ((data: Uint8Array) => void) | undefined;
  taken = false;

  constructor(machine: UmlMachine, index: number, stdio: readonly unknown[]) {
    this.#machine = machine;
    this.#index = index;
    const first = FIRST_LINE + index * LINES_PER_PLACE;
    const read = (line: number, take: (data: Uint8Array) => void) => (stdio[first + line] as Socket).on('data', take);
    read(0, (data) => this.#lines.stdout.take(data));
    read(2, (data) => this.marks.take(data));
    read(3, (data) => this.#lines.stderr.take(data));
    read(5, (data) => this.#onObserved?.(data));
  }

  get machine(): UmlMachine {
    return this.#machine;
  }

  /** Begin a lab; the first mark says that it is ready. */
  begin({ folder, bytes, columns, env, onOutput, onObserved }: LabRequest): void {
    this.#onObserved = onObserved;
    this.#lines.stdout.open((data) => onOutput('stdout', data));
    this.#lines.stderr.open((data) => onOutput('stderr', data));
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const observed = onObserved === undefined ? '' : '1';
    const words = [String(this.#index), String(bytes), String(columns ?? ''), folder, observed, ...variables];
    this.#machine.request(`lab ${words.map(quote).join(' ')}`);
  }

  /** Text for the lab's command loop. */
  write(text: string): void {
    this.#machine.command(FIRST_LINE + this.#index * LINES_PER_PLACE + 1, text);
  }

  /** A line for the observer of its frames. */
  ask(request: string): void {
    this.#machine.write(FIRST_LINE + this.#index * LINES_PER_PLACE + 4, `${request}\n`);
  }

  /** End the lab with all its processes; its output has come when this resolves. */
  async end(): Promise<void> {
    const mark = randomUUID();
    const out = Promise.all([this.#lines.stdout.end(mark), this.#lines.stderr.end(mark)]);
    const done = Promise.all([out, this.#machine.answer(`stopped ${this.#index} `)]);
    this.#machine.request(`stop ${this.#index} ${mark}`);
    const late = setTimeout(() => this.#machine.kill(), PATIENCE_MS);
    await Promise.race([done, this.#machine.gone]);
    clearTimeout(late);
    this.#onObserved = undefined;
    this.#machine.free(this);
  }
}

/** One boot. */
export class UmlMachine {
  readonly #child: ChildProcess;
  readonly #places: Place[];
  readonly #answers = new MarkSplitter(() => undefined);
  readonly #awaited = new Map<string, (text: string) => void>();
  /** Resolves when the kernel has ended. */
  readonly gone: Promise<void>;
  readonly #ready: Promise<string>;
  /** A lab changed what could not be put back: no more labs here. */
  #spoilt = false;
  /** Commands that were left in files. */
  #files = 0;
  #ended = false;

  constructor() {
    this.#child = boot();
    const { stdio } = this.#child;
    this.gone = new Promise((resolve) => {
      this.#child.once('close', () => {
        this.#ended = true;
        resolve();
      });
    });
    for (const stream of stdio) (stream as Socket | null)?.on('error', () => undefined);
    (stdio[ANSWERS] as Socket).on('data', (data: Uint8Array) => this.#answers.take(data));
    this.#ready = this.answer('ready');
    this.#listen();
    this.#places = Array.from({ length: PLACES }, (_, index) => new Place(this, index, stdio));
  }

  /** Resolves when it has booted. */
  async booted(): Promise<void> {
    const ready = await Promise.race([this.#ready, this.gone]);
    if (ready === undefined) {
      throw new BackendUnavailable('User-Mode Linux did not start; try it by: linux.uml --showconfig');
    }
  }

  /** A place that no lab has, if any. */
  take(): Place | undefined {
    if (this.#ended || this.#spoilt) return undefined;
    const place = this.#places.find((one) => !one.taken);
    if (place === undefined) return undefined;
    place.taken = true;
    this.#hold(true);
    return place;
  }

  free(place: Place): void {
    place.taken = false;
    if (this.#places.some((one) => one.taken)) return;
    if (this.#spoilt) this.kill();
    else this.#hold(false);
  }

  request(text: string): void {
    this.command(REQUESTS, text);
  }

  /**
   * A command for whoever reads the line. A terminal that was throttled, because 4 KiB waited to be read, hears
   * nothing more from the host (line_throttle() in arch/um/drivers/line.c): a long one goes by way of a file.
   */
  command(line: number, text: string): void {
    if (Buffer.byteLength(text) < LONGEST_LINE) {
      this.write(line, `${text}\0`);
      return;
    }
    const file = `/run/hairpin/command-${this.#files++}`;
    writeFileSync(`/proc/${this.#child.pid}/root${file}`, text);
    this.write(line, `eval "$(<${file})"\0`);
  }

  write(line: number, text: string): void {
    (this.#child.stdio[line as 3] as Socket).write(text);
  }

  /** The next answer that begins with `start`. */
  answer(start: string): Promise<string> {
    return new Promise((resolve) => this.#awaited.set(start, resolve));
  }

  kill(): void {
    this.#spoilt = true;
    this.#child.kill('SIGKILL');
  }

  #listen(): void {
    this.#answers.next((text) => {
      if (text.startsWith('stopped') && !text.endsWith(' 0')) this.#spoilt = true;
      for (const [start, resolve] of this.#awaited) {
        if (!text.startsWith(start)) continue;
        this.#awaited.delete(start);
        resolve(text);
      }
      this.#listen();
    });
  }

  /** Without a lab, the machine does not keep the program from ending; then it ends too. */
  #hold(held: boolean): void {
    const handles = [this.#child, ...this.#child.stdio.slice(REQUESTS)] as { ref(): void; unref(): void }[];
    for (const handle of handles)
      if (held) handle.ref();
      else handle.unref();
  }
}

let boots = process.pid;

/**
 * The processor of this machine for the next boot. User-Mode Linux and the processes in it take turns, with
 * two changes between them for every system call: on one processor these cost a third of what they do across two.
 */
function processor(): number {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const allowed = list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  return allowed[boots++ % allowed.length]!;
}

function boot(): ChildProcess {
  const lines = Array.from({ length: PLACES * LINES_PER_PLACE }, (_, index) => {
    const fd = FIRST_LINE + index;
    return `ssl${index}=${INPUT_LINES.includes(index % LINES_PER_PLACE) ? `fd:${fd},null` : `null,fd:${fd}`}`;
  });
  const uml = [
    'linux.uml',
    `mem=${MEMORY_MEGABYTES}M`,
    'rootfstype=hostfs',
    'rootflags=/',
    'ro',
    'init=/run/uml/init',
    'uml_dir=/run/uml/',
    'quiet',
    'con=null',
    'con0=null,null',
    `con1=fd:${REQUESTS},null`,
    `con2=null,fd:${ANSWERS}`,
    'ssl=null',
    ...lines,
  ].join(' ');
  // What it writes of its own goes to a private memory file system, so that nothing stays behind.
  const script = `
mount -t tmpfs hairpin /run || exit 125
${PREPARE}
export TMPDIR=/run/uml
unset HAIRPIN_INIT HAIRPIN_LAB
if command -v taskset >/dev/null; then pinned='taskset -c ${processor()}'; fi
$pinned ${uml} </dev/null >/dev/null 2>&1
exit $?
`;
  const [command, ...args] = [...enterNamespaces().filter((word) => word !== '--net'), 'bash', '--norc', '-c', script];
  const env = { ...labEnvironment({}), HAIRPIN_INIT: INIT_SCRIPT, HAIRPIN_LAB: LAB_SCRIPT };
  const pipes = Array.from({ length: FIRST_LINE - REQUESTS + PLACES * LINES_PER_PLACE }, () => 'pipe' as const);
  return spawn(command!, args, { stdio: ['ignore', 'ignore', 'ignore', ...pipes], env });
}
