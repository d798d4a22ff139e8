// Runs one lab again and again by the library, each time on a new twin, and tells what it costs in a process
// that knows it: without the start of the process, and with the collection of what earlier runs left behind.
//
//   node again-worker.mjs     reads { text, warmUp, rounds } as JSON
//
// The answer is JSON: for each of `rounds` runs, after `warmUp` others, CPU seconds, user and system, and wall
// seconds.
import { text as readAll } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { V8_FLAGS } from '../../bin/v8-flags.js';

for (const flag of V8_FLAGS) setFlagsFromString(flag);
const { Twin } = await import('../../dist/lab/twin.js');

async function run(text) {
  const start = performance.now();
  const cpu = process.cpuUsage();
  const { status, stderr } = await new Twin().script(text);
  const { user, system } = process.cpuUsage(cpu);
  const wall = (performance.now() - start) / 1000;
  if (status > 1 || stderr !== '') throw new Error(`the lab failed: ${stderr}`);
  return { cpu: (user + system) / 1e6, wall };
}

const { text, warmUp, rounds } = JSON.parse(await readAll(process.stdin));
for (let i = 0; i < warmUp; i++) await run(text);
const results = [];
for (let i = 0; i < rounds; i++) results.push(await run(text));
console.log(JSON.stringify(results));
