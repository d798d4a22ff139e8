/** User-Mode Linux as a backend: many labs, several at once, in kernels that are booted when needed. */
import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Backend, LabMachine, Remains, Sink, StartOptions, Stopped } from '../lab/backend.ts';
import { isComplete } from '../lab/is-complete.ts';
import { type MachineTables, parseTables, TABLES_SCRIPT } from '../lab/observation.ts';
import { quote } from './driver.ts';
import { onPath, whyNoCaptures, whyUnavailable } from './kernel-backend.ts';
import { ObserverReplies } from './observer.ts';
import { GONE, MODULES } from './uml-guest.ts';
import { type Place, UmlMachine } from './uml-machine.ts';
import { BackendUnavailable } from './unavailable.ts';

const DEFAULT_COLUMNS = 80;
const DEFAULT_BYTES = 96 * 1024 * 1024;

/** Why labs cannot run on User-Mode Linux; undefined when they can. */
export function whyUmlUnavailable(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `User-Mode Linux runs on x86-64 Linux, this is ${process.platform} on ${process.arch}`;
  }
  if (!onPath('linux.uml') || !existsSync(MODULES)) {
    return 'User-Mode Linux is missing; get it by: apt-get install user-mode-linux';
  }
  if (!onPath('modprobe')) return 'the program modprobe is missing; get it by: apt-get install kmod';
  return undefined;
}

class UmlLab implements LabMachine {
  readonly #startedAt = process.hrtime.bigint();
  readonly #place: Place;
  #stopped: Stopped | undefined;
  #ending: Promise<void> | undefined;
  #answered: (mark: string | undefined) => void = () => undefined;
  #isOver: () => void = () => undefined;
  /** Resolves when the lab has ended by itself. */
  readonly #over = new Promise<void>((resolve) => {
    this.#isOver = resolve;
  });
  /** When output last came: it and the marks go separate ways. */
  #lastOutput = 0;
  #sink: Sink;
  readonly #wantsTables: boolean;
  readonly #replies: ObserverReplies | undefined;
  #observed = false;
  #tables: MachineTables | undefined;
  #listedAt: number | undefined;

  constructor(place: Place, { sink, captures, tables }: StartOptions) {
    this.#place = place;
    this.#sink = sink;
    this.#wantsTables = tables === true;
    if (captures === true) this.#replies = new ObserverReplies(() => this.now);
    place.marks.next((mark) => {
      if (mark === GONE) this.#gone('the shell of the lab has ended');
      else this.#answered(mark);
    });
    void place.machine.gone.then(() => this.#gone('the lab’s kernel has ended'));
  }

  get now(): number {
    return Number(process.hrtime.bigint() - this.#startedAt);
  }

  get stopped(): Stopped | undefined {
    return this.#stopped;
  }

  async start({ folder, limits, columns, terminal, env }: StartOptions): Promise<void> {
    const ready = this.#nextMark();
    const replies = this.#replies;
    const observing = replies && this.#orGone((done) => replies.onReady(done));
    this.#place.begin({
      folder: folder?.path ?? process.cwd(),
      bytes: limits?.bytes ?? DEFAULT_BYTES,
      columns: terminal ? (columns ?? DEFAULT_COLUMNS) : undefined,
      env: env ?? {},
      onOutput: (stream, data) => {
        this.#lastOutput = performance.now();
        this.#sink(stream, data);
      },
      onObserved: replies && ((data) => replies.push(data)),
    });
    if ((await ready) !== 'ready') throw new BackendUnavailable('a lab could not be prepared in User-Mode Linux');
    await observing;
    await this.#look('look');
  }

  async script(path: string, text: string, args: readonly string[]): Promise<number> {
    // A text that is no file is what bash would read from its standard input.
    const words = isAbsolute(path) && existsSync(path) ? [path] : ['-c', text, existsSync(path) ? path : 'bash'];
    await this.#look('watch');
    const status = await this.#run(`bash ${[...words, ...args].map(quote).join(' ')}`);
    await this.#observe();
    // What it left running has its output open: with the lab's end, all of it has come.
    await this.#end();
    return status;
  }

  async command(text: string): Promise<number> {
    const status = await this.#run(text);
    await this.#drained();
    await this.#look('look');
    return status;
  }

  isComplete(text: string): boolean {
    return isComplete(text);
  }

  async stop(): Promise<Remains> {
    await this.#observe();
    await this.#end();
    const tables = this.#tables === undefined ? {} : { tables: this.#tables, listedAt: this.#listedAt ?? this.now };
    return {
      captures: this.#replies?.files() ?? [],
      frames: this.#replies?.interfaces() ?? [],
      ...(this.#replies?.heardUntil === undefined ? {} : { heardUntil: this.#replies.heardUntil }),
      trace: [],
      files: [],
      ...tables,
    };
  }

  /** What can be seen at the end: once, while the lab is still there. */
  async #observe(): Promise<void> {
    if (this.#observed || this.#ending !== undefined) return;
    this.#observed = true;
    if (this.#wantsTables && this.#stopped === undefined) {
      await this.#drained();
      const sink = this.#sink;
      let text = '';
      const decoder = new TextDecoder();
      this.#sink = (stream, data) => {
        this.#listedAt ??= this.now;
        if (stream === 'stdout') text += decoder.decode(data, { stream: true });
      };
      await this.command(`bash -c ${quote(TABLES_SCRIPT)}`);
      this.#sink = sink;
      this.#tables = parseTables(text);
    }
    const replies = this.#replies;
    if (replies === undefined || this.#stopped !== undefined) return;
    this.#place.ask('end');
    await this.#orGone((done) => replies.onDone(done));
  }

  /** Let the captures follow what has changed. */
  async #look(request: 'look' | 'watch'): Promise<void> {
    const replies = this.#replies;
    if (replies === undefined || this.#stopped !== undefined) return;
    const looked = this.#orGone((done) => replies.onLooked(done));
    this.#place.ask(request);
    await looked;
  }

  #orGone(wait: (done: () => void) => void): Promise<void> {
    return Promise.race([new Promise<void>(wait), this.#over]);
  }

  async #run(text: string): Promise<number> {
    if (this.#ending !== undefined || this.#stopped !== undefined) return 255;
    const status = this.#nextMark();
    this.#place.write(text);
    const answer = await status;
    return answer === undefined ? 255 : Number(answer);
  }

  #end(): Promise<void> {
    this.#ending ??= this.#place.end().then(() => this.#answered(undefined));
    return this.#ending;
  }

  /** The next mark of the command loop; undefined when there will be none. */
  #nextMark(): Promise<string | undefined> {
    if (this.#stopped !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#answered = resolve;
    });
  }

  #gone(message: string): void {
    if (this.#ending !== undefined) return;
    this.#stopped ??= { reason: 'exit', message };
    this.#isOver();
    this.#answered(undefined);
  }

  /** Resolves when the lines have been quiet for a moment. */
  async #drained(): Promise<void> {
    do await new Promise((resolve) => setTimeout(resolve, 5));
    while (performance.now() - this.#lastOutput < 5);
  }
}

/** Kernels that this program has booted and that still run. */
const machines: UmlMachine[] = [];
let usable = false;

async function freePlace(): Promise<Place> {
  for (const machine of machines) {
    const place = machine.take();
    if (place === undefined) continue;
    await machine.booted();
    return place;
  }
  const machine = new UmlMachine();
  machines.push(machine);
  void machine.gone.then(() => machines.splice(machines.indexOf(machine), 1));
  const place = machine.take()!;
  await machine.booted();
  return place;
}

/** Labs on User-Mode Linux. The first one boots a kernel; those after it take a tenth of that time to start. */
export const uml: Backend = {
  name: 'uml',
  async start(options) {
    const why = usable ? undefined : (whyUmlUnavailable() ?? whyUnavailable());
    if (why !== undefined) throw new BackendUnavailable(`labs cannot run on User-Mode Linux: ${why}`);
    usable = true;
    const noCaptures = options.captures === true ? whyNoCaptures() : undefined;
    if (noCaptures !== undefined) throw new BackendUnavailable(`interfaces cannot be captured on: ${noCaptures}`);
    const lab = new UmlLab(await freePlace(), options);
    try {
      await lab.start(options);
    } catch (error) {
      await lab.stop();
      throw error;
    }
    return lab;
  },
};
