/** `hairpin fuzz`: random labs on the twin and on a real kernel, and the smallest labs on which they differ. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Divergence, type LabOutput, sinceLinux61 } from '../fuzz/divergence.ts';
import { commandsOf, type FuzzLab, fuzzScript } from '../fuzz/fuzz-lab.ts';
import { generateLab } from '../fuzz/generate.ts';
import { examine, type Finding, type SearchOptions } from '../fuzz/search.ts';
import { PROFILES } from '../fuzz/world.ts';
import type { KernelConfig } from '../lab/twin-machine.ts';
import { neighbourTableOverflows } from '../linux/neighbour-table.ts';
import { disagreementText } from './agree.ts';
import { ensureFolder, readText } from './folder.ts';
import { FuzzState } from './fuzz-state.ts';
import { configOfKernel, startMachine } from './lab.ts';
import { type BackendName, type FuzzOptions, HELP, parseFuzz, UsageError } from './options.ts';
import { makeStyle, styleFor } from './style.ts';
import { usageText } from './usage.ts';

/** Seconds after which a lab is ended: it should take a few, and User-Mode Linux is slow. */
const LAB_SECONDS = { twin: 40, kernel: 40, uml: 300 } as const;
/** Times between two lines of progress where there is no terminal, in milliseconds. */
const PROGRESS_EVERY = 10_000;
/** A lab that others disturb is run again after a pause, so many times. */
const DISTURBED_TRIES = 10;
const DISTURBED_PAUSE = 3000;
const VIRTUAL_LIMITS = { time: 600e9, events: 5_000_000, commands: 1_000_000 };

export async function fuzz(argv: readonly string[]): Promise<number> {
  const options = parseFuzz(argv);
  if (options === HELP) {
    process.stdout.write(usageText('fuzz')!);
    return 0;
  }
  const profile = PROFILES[options.against];
  if (options.show) {
    for (let index = 0; index < options.labs; index++) {
      process.stdout.write(fuzzScript(generateLab(options.seed + index, profile)));
    }
    return 0;
  }
  return options.again === undefined ? search(options) : again(options, options.again);
}

/** A saved lab, whether it still differs; made smaller unless it is to stay whole. */
async function again(options: FuzzOptions, path: string): Promise<number> {
  const commands = commandsOf(readText(path, 'fuzz'));
  if (commands.length === 0) throw new UsageError(`${path}: not a lab that a search has saved`, 'fuzz');
  const finding = await examine({ seed: options.seed, commands }, await runsOf(options));
  if (finding.kind === 'same') {
    process.stdout.write(`${path}: twin and ${options.against} agree\n`);
    return 0;
  }
  if (finding.kind === 'storm') {
    process.stdout.write(`${path}: frames pass without end; what comes of that depends on the machine\n`);
    return 0;
  }
  if (finding.kind === 'differs') writeFileSync(path, caseText(finding, options.against));
  const what = finding.kind === 'differs' ? 'differs' : `${options.against} does not agree with itself`;
  process.stdout.write(`${path}: ${what}\n${finding.lab.commands.map((one) => `  ${one}\n`).join('')}`);
  process.stdout.write(text(finding, styleFor(process.stdout, process.env), options.against));
  return 1;
}

/** The twin's kernel is built as the one that it is compared with. */
async function runsOf({ against, workers, whole }: FuzzOptions): Promise<SearchOptions> {
  const slots = new Slots(workers);
  const config = await configOfKernel(against);
  const comparable = (result: LabOutput): LabOutput =>
    PROFILES[against].current ? result : { ...result, output: sinceLinux61(result.output) };
  return {
    twin: async (lab) => comparable(await runLab('twin', lab, config)),
    against: async (lab) => comparable(await slots.use(() => runUndisturbed(against, lab))),
    width: workers,
    whole,
  };
}

/** At most so many at a time. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

async function search(options: FuzzOptions): Promise<number> {
  const { against, seed, labs, workers, out } = options;
  ensureFolder(out, 'fuzz');
  const path = join('.hairpin', `fuzz-${against}-${seed}.json`);
  if (options.restart) FuzzState.load(path).clear();
  const counts = FuzzState.load(path);
  const progress = new Progress(counts.done, labs);
  const runs = await runsOf(options);
  const until = performance.now() + options.seconds * 1000;
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < labs && performance.now() < until) {
      const index = next++;
      if (counts.isDone(index)) continue;
      const finding = await examine(generateLab(seed + index, PROFILES[against]), runs);
      report(index, finding);
      progress.show(counts);
    }
  };
  const save = (index: number, suffix: string, script: string): string => {
    const file = join(out, `${against}-${seed + index}${suffix}.sh`);
    mkdirSync(out, { recursive: true });
    writeFileSync(file, script);
    return file;
  };
  const report = (index: number, finding: Finding): void => {
    if (finding.kind === 'same') {
      counts.finish(index, 'same');
      return;
    }
    if (finding.kind === 'storm') {
      counts.finish(index, 'storms', save(index, '-storm', fuzzScript(finding.lab)));
      return;
    }
    if (finding.kind === 'unstable') {
      counts.finish(index, 'unstable', save(index, '-unstable', caseText(finding, against)));
      return;
    }
    const file = save(index, '', caseText(finding, against));
    counts.finish(index, 'differing', file);
    progress.clear();
    process.stdout.write(`${file}\n${text(finding, styleFor(process.stdout, process.env), against)}\n`);
  };
  await Promise.all(Array.from({ length: Math.min(workers, labs) }, worker));
  progress.clear();
  const { same, differing, unstable, storms, done } = counts;
  const rest = done < labs ? `; ${labs - done} are left, the same command goes on with them` : '';
  process.stdout.write(
    `${done} labs (seeds ${seed} to ${seed + labs - 1}): twin and ${against} agree on ${same}, differ on ${differing}; ` +
      `on ${unstable} ${against} does not agree with itself; in ${storms} frames pass without end${rest}\n`,
  );
  if (done >= labs) counts.clear();
  return differing > 0 ? 1 : 0;
}

type Differs = Extract<Finding, { divergence: Divergence }>;

function text({ divergence }: Differs, style: ReturnType<typeof makeStyle>, against: BackendName): string {
  return disagreementText(divergence.disagreement, ['twin', against], style);
}

/** The lab as a script that shows what differs, and what did when it was found. */
function caseText(finding: Differs, against: BackendName): string {
  const seen = text(finding, makeStyle(false), against).replace(/^/gm, '# ').trimEnd();
  const head = `# Seed ${finding.lab.seed}. To see it: hairpin run THIS --on twin,${against}\n${seen}\n`;
  return `${head}${fuzzScript(finding.lab)}`;
}

/** Run a lab on a kernel; again if meanwhile its table of neighbours, which all namespaces share, was full. */
async function runUndisturbed(backend: BackendName, lab: FuzzLab): Promise<LabOutput> {
  for (let tries = 1; ; tries++) {
    const before = neighbourTableOverflows();
    const result = await runLab(backend, lab);
    if (backend !== 'kernel' || neighbourTableOverflows() === before || tries === DISTURBED_TRIES) return result;
    await new Promise((resolve) => setTimeout(resolve, DISTURBED_PAUSE));
  }
}

/** Run a lab to its end, or until it has taken far too long. */
async function runLab(backend: BackendName, lab: FuzzLab, config?: KernelConfig): Promise<LabOutput> {
  let output = '';
  const decoder = new TextDecoder();
  const machine = await startMachine(
    backend,
    '/',
    (_, data) => {
      output += decoder.decode(data, { stream: true });
    },
    {
      seed: 1,
      terminal: false,
      ...(config === undefined ? {} : { config }),
      ...(backend === 'twin' ? { limits: VIRTUAL_LIMITS } : {}),
    },
  );
  let stopped: string | undefined;
  let storm = false;
  const late = setTimeout(() => {
    stopped = `took more than ${LAB_SECONDS[backend]} s`;
    void machine.stop();
  }, LAB_SECONDS[backend] * 1000);
  try {
    await machine.script('bash', fuzzScript(lab), []);
    stopped ??= machine.stopped?.message;
    storm = machine.stopped?.reason === 'events';
  } catch (error) {
    if (backend !== 'twin') throw error;
    stopped = `the twin failed: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    clearTimeout(late);
    await machine.stop().catch(() => undefined);
  }
  return { backend, output, ...(stopped === undefined ? {} : { stopped }), ...(storm ? { storm } : {}) };
}

/** One line that tells how far the search is. */
class Progress {
  readonly #before: number;
  readonly #total: number;
  readonly #startedAt = performance.now();
  readonly #live = process.stderr.isTTY === true;
  #shownAt = 0;

  constructor(before: number, total: number) {
    this.#before = before;
    this.#total = total;
  }

  show({ done, differing, unstable }: FuzzState): void {
    const now = performance.now();
    if (now - this.#shownAt < (this.#live ? 200 : PROGRESS_EVERY)) return;
    this.#shownAt = now;
    const rate = (done - this.#before) / ((now - this.#startedAt) / 1000);
    const line = `${done} of ${this.#total} labs, ${differing} differ, ${unstable} unstable, ${rate.toFixed(1)} labs/s`;
    process.stderr.write(this.#live ? `\r\x1b[K${line}` : `${line}\n`);
  }

  clear(): void {
    if (this.#live) process.stderr.write('\r\x1b[K');
  }
}
