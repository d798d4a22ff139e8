// Counts what the twin does for each frame and for each command, exactly: the same code gives the same counts on
// every machine. Prints JSON.
//
//   node --jitless --no-flush-bytecode --max-semi-space-size=256 count.mjs
//
// Counted are calls of functions, and the code that runs: characters of JavaScript, each as often as the branch or
// the body of a loop that it is in, by V8's precise coverage. Functions of the language itself (a sort, a copy of
// bytes) count nothing, whatever they do. Bytes are those of the heap and of array buffers. Without the compiler no
// call is inlined and no allocation optimized away; with so large a young generation hardly anything is collected meanwhile.
import { Session } from 'node:inspector/promises';
import { batchText, loopText, PARENT } from '../labs/texts.mjs';
import { median } from '../statistics.mjs';

/** Where the benchmarks themselves are: they are not counted. */
const BENCH = new URL('..', import.meta.url).href;
const WARM_UP = 100;
const FRAMES = 200;

const session = new Session();
session.connect();
await session.post('Profiler.enable');
// Before the modules are loaded: code are counted in functions compiled from now on.
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
const { TOPOLOGIES } = await import('../frames/twin-topologies.mjs');
const { Twin } = await import('../../dist/lab/twin.js');

/** The characters that ran in a function: each counts with the innermost of the nested ranges that it is in. */
function codeRun(ranges) {
  let sum = 0;
  const around = [];
  for (const range of ranges) {
    while (around.length > 0 && around.at(-1).endOffset <= range.startOffset) around.pop();
    const outer = around.at(-1)?.count ?? 0;
    sum += (range.endOffset - range.startOffset) * (range.count - outer);
    around.push(range);
  }
  return sum;
}

/** Calls and code since the last time, in the files of the project and its packages. */
async function taken() {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const functions = result
    .filter(({ url }) => url.startsWith('file:') && !url.startsWith(BENCH))
    .flatMap((file) => file.functions);
  const total = (of) => functions.reduce((sum, { ranges }) => sum + of(ranges), 0);
  return { calls: total(([whole]) => whole.count), code: total(codeRun) };
}

const memory = () => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

function sendAll(send, frames) {
  for (let i = 0; i < frames; i++) send();
}

/** What one frame costs on average; a frame takes its turn among all of `count` receivers. */
async function perFrame(name, count) {
  const { send } = TOPOLOGIES[name]({ size: 64, count });
  const frames = FRAMES * Math.ceil(count / FRAMES);
  sendAll(send, Math.max(WARM_UP, count));
  await taken();
  sendAll(send, frames);
  const { calls, code } = await taken();
  return { send, calls: calls / frames, code: code / frames };
}

/** The median of some measurements: the collector of garbage may come once. */
function bytesPerFrame(send) {
  const each = Array.from({ length: 5 }, () => {
    const before = memory();
    sendAll(send, FRAMES);
    return (memory() - before) / FRAMES;
  });
  return median(each);
}

/** What the set-up of a lab costs in all. */
async function lab(text) {
  const twin = new Twin();
  await taken();
  const { status, stderr } = await twin.script(text);
  if (status !== 0 || stderr !== '') throw new Error(`the lab failed: ${stderr}`);
  return taken();
}

const paths = {};
for (const name of ['A', 'B', 'C', 'D']) {
  const { send, calls, code } = await perFrame(name, 2);
  paths[name] = { calls, code, bytes: bytesPerFrame(send) };
}

const SIZES = {
  ports: [10, 100],
  macvlans: [10, 100],
  flood: [11, 56, 101],
  siblings: [11, 56, 101],
  arp: [11, 56, 101],
};
const sizes = {};
for (const [name, counts] of Object.entries(SIZES)) {
  sizes[name] = [];
  for (const count of counts) {
    const { calls, code } = await perFrame(name, count);
    sizes[name].push({ count, calls, code });
  }
}

const labs = {};
for (const [name, textOf] of Object.entries({ batch: batchText, loop: loopText })) {
  labs[name] = [];
  // The first lab of all runs code that later ones find ready.
  for (const count of [10, 10, 100, 190]) labs[name].push({ count, ...(await lab(PARENT + textOf(count))) });
  labs[name].shift();
}
console.log(JSON.stringify({ paths, sizes, labs }));
