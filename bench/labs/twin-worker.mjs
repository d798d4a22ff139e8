// Runs labs by the library, in a process of its own, and tells what they cost without the start of the process.
//
//   node --expose-gc twin-worker.mjs     reads { warmUp: [text, ...], texts: [text, ...] } as JSON
//
// The answer is JSON: for each of `texts`, run one after the other on one twin, its CPU seconds, user and system, and the bytes of memory that it added,
// after collection of garbage. Each of `warmUp` runs before, on a twin of its own, so that the code is known.
import { text as readAll } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { Twin } from '../../dist/lab/twin.js';

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

function memory() {
  gc();
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function run(twin, text) {
  const before = memory();
  const start = cpu();
  const { status, stderr } = await twin.script(text);
  const seconds = cpu() - start;
  if (status !== 0 || stderr !== '') throw new Error(`the lab failed: ${stderr}`);
  return { cpu: seconds, bytes: memory() - before };
}

const { warmUp, texts } = JSON.parse(await readAll(process.stdin));
for (const text of warmUp) await run(new Twin(), text);
// What the warm-up left behind goes when its last promise has ended.
await setImmediate();
const twin = new Twin();
const results = [];
for (const text of texts) results.push(await run(twin, text));
console.log(JSON.stringify(results));
