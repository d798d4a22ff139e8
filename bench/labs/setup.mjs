// What labs cost before the first frame: set-up and tear-down from the text of commands, and memory.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median, spread } from '../statistics.mjs';
import { twice } from '../twice.mjs';
import { againRuns, kernelRun, twinRun } from './command.mjs';
import { batchText, COMMANDS_EACH, INTERFACES, loopText, PARENT, tearDownText } from './texts.mjs';

const worker = fileURLToPath(new URL('twin-worker.mjs', import.meta.url));
const TEXTS = { batch: batchText, loop: loopText };
/** The size at which the kernel is measured. */
const COMPARED = 1000;
const WARM_UP = 100;
/** A process that knows a lab has run it so often; the median of so many further runs counts. */
const AGAIN = { warmUp: 20, rounds: 10 };
const INTERFACE_COUNT = 1000;

/** CPU seconds and bytes of labs that run one after the other on one twin. */
function inProcess(warmUp, texts) {
  const options = { input: JSON.stringify({ warmUp, texts }), encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'] };
  const { status, stdout } = spawnSync(process.execPath, ['--expose-gc', worker], options);
  if (status !== 0) throw new Error('the lab failed');
  return JSON.parse(stdout);
}

/** CPU seconds of the kernel's worker threads so far, undefined where /proc does not show them. */
function workerCpu() {
  let sum;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('kworker/')) continue;
      sum = (sum ?? 0) + Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
    } catch {
      // The process has ended meanwhile.
    }
  }
  return sum;
}

/**
 * Waits until the kernel has cleaned up the namespaces of a lab that has ended, which it does in worker
 * threads: until they use less than a twentieth of a processor, at most a minute.
 * @returns the CPU seconds that they used
 */
async function kernelCleanUp() {
  const start = workerCpu();
  for (let last = start, tries = 0; last !== undefined && tries < 120; tries++) {
    await setTimeout(500);
    const now = workerCpu();
    if (now - last < 0.025) return now - start;
    last = now;
  }
  return undefined;
}

/** CPU seconds of a lab in a process that knows it. */
function again(text) {
  return median(againRuns(text, AGAIN.warmUp, AGAIN.rounds).map(({ cpu }) => cpu));
}

/**
 * Whole commands: `hairpin run` on the text, by turns with bash on the kernel where that is compared, and the
 * same text in a process that knows it.
 */
async function measureText(kind, count, rounds, kernel) {
  const text = PARENT + TEXTS[kind](count);
  const seconds = { twin: [], again: [], kernel: [], kernelCleanUp: [] };
  for (let round = 0; round < rounds; round++) {
    seconds.twin.push((await twice(() => twinRun(text))).cpu);
    if (count !== COMPARED) continue;
    seconds.again.push(again(text));
    if (kernel.program === undefined) continue;
    seconds.kernel.push((await twice(() => kernelRun(text))).cpu);
    const cleanUp = await kernelCleanUp();
    if (cleanUp !== undefined) seconds.kernelCleanUp.push(cleanUp);
  }
  const row = { kind, count, twin: spread(seconds.twin) };
  if (seconds.again.length > 0) row.again = spread(seconds.again);
  if (seconds.kernel.length > 0) {
    const ratios = (own) => ({ ...spread(seconds.kernel.map((value, i) => value / own[i])), recorded: false });
    row.kernel = spread(seconds.kernel);
    row.ofKernel = ratios(seconds.twin);
    row.againOfKernel = ratios(seconds.again);
  }
  if (seconds.kernelCleanUp.length > 0) row.kernelCleanUp = spread(seconds.kernelCleanUp);
  return row;
}

/**
 * @param peers see peers.mjs
 * @param recorded CPU seconds of the kernel by kind, for where it is not here: `{ batch, loop }`
 */
export async function measureSetup(peers, { sizes, rounds }, recorded, say) {
  const rows = [];
  for (const kind of Object.keys(TEXTS)) {
    for (const count of sizes) {
      const row = await measureText(kind, count, rounds, peers.kernel);
      if (row.ofKernel === undefined && count === COMPARED && recorded?.[kind] !== undefined) {
        row.ofKernel = { median: recorded[kind] / row.twin.median, recorded: true };
        row.againOfKernel = { median: recorded[kind] / row.again.median, recorded: true };
      }
      rows.push(row);
      say(row);
    }
  }
  return { rows, interfaces: measureInterfaces() };
}

/** Bytes of memory for an interface of each kind, many of them in one namespace, all up. */
function measureInterfaces() {
  return Object.entries(INTERFACES).map(([kind, textOf]) => {
    const [{ bytes }] = inProcess([textOf(10)], [textOf(INTERFACE_COUNT)]);
    return { kind, bytes: bytes / INTERFACE_COUNT };
  });
}

/** Set-up and tear-down of labs of many sizes without the start of a process: CPU seconds and memory. */
export function measureLabSizes({ sizes, rounds }) {
  const rows = [];
  for (const [kind, textOf] of Object.entries(TEXTS)) {
    const warmUp = PARENT + textOf(WARM_UP) + tearDownText(WARM_UP);
    for (const count of sizes) {
      const runs = Array.from({ length: rounds }, () =>
        inProcess([warmUp], [PARENT, textOf(count), tearDownText(count)]).slice(1),
      );
      const [up, down] = [0, 1].map((at) => spread(runs.map((run) => run[at].cpu)));
      const bytes = spread(runs.map(([{ bytes }]) => bytes / count)).median;
      rows.push({ kind, count, up, down, commands: count * COMMANDS_EACH, bytes });
    }
  }
  return rows;
}
