// Measures how many frames per CPU-second each path carries, tracing off and on, and compares with
// the figures of bench/anchors.json. Writes .hairpin/bench.json. Exits 1 when a path is slower than
// its floor.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { pathA, pathB, pathC, pathD } = await import('../bench/paths.mjs');
const anchors = JSON.parse(readFileSync(join(root, 'bench/anchors.json'), 'utf8'));

const RUNS = 5;
const SECONDS = 0.4;
/** The least that B must reach, as a multiple of the kernel's figure. */
const FLOOR = { B: 1 };

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Frames per CPU-second of one run of about `SECONDS`, after a warm-up of the same code. */
function measure({ kernel, send, sink, received }, trace) {
  kernel.trace.on = trace;
  const arrived = () => (sink === undefined ? received() : sink.stats.rxPackets);
  for (let i = 0; i < 20_000; i++) send();
  const rates = [];
  for (let run = 0; run < RUNS; run++) {
    const before = arrived();
    const start = process.cpuUsage();
    let frames = 0;
    let used = 0;
    while (used < SECONDS * 1e6) {
      for (let i = 0; i < 5_000; i++) send();
      frames += 5_000;
      const { user, system } = process.cpuUsage(start);
      used = user + system;
    }
    if (arrived() - before !== frames) throw new Error(`${arrived() - before} of ${frames} frames arrived`);
    rates.push(frames / (used / 1e6));
  }
  return { median: median(rates), min: Math.min(...rates), max: Math.max(...rates) };
}

const results = [];
console.log('path  bytes  trace      frames per CPU-second   (min .. max)               of the kernel  of ns-3');
for (const [name, make] of Object.entries({ A: pathA, B: pathB, C: pathC, D: pathD })) {
  for (const size of [64, 1514]) {
    for (const trace of [false, true]) {
      const rate = measure(make(size), trace);
      const kernel = size === 64 ? rate.median / anchors.kernel[name] : undefined;
      const ns3 = size === 64 && anchors.ns3[name] ? rate.median / anchors.ns3[name] : undefined;
      results.push({ path: name, size, trace, ...rate, kernel, ns3 });
      const k = (value) => `${Math.round(value / 1000)} k`.padStart(9);
      const ratio = (value) => (value === undefined ? '-' : `${value.toFixed(2)}x`).padStart(8);
      console.log(
        `${name.padEnd(5)} ${String(size).padStart(5)}  ${(trace ? 'on' : 'off').padEnd(5)} ${k(rate.median).padStart(20)}   ${k(rate.min)} .. ${k(rate.max)}  ${ratio(kernel).padStart(16)} ${ratio(ns3)}`,
      );
    }
  }
}
mkdirSync(join(root, '.hairpin'), { recursive: true });
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
writeFileSync(join(root, '.hairpin/bench.json'), `${JSON.stringify({ machine, results }, undefined, 2)}\n`);

const slow = results.filter(({ path, trace, kernel }) => !trace && kernel !== undefined && kernel < (FLOOR[path] ?? 0));
for (const { path, kernel } of slow)
  console.log(`path ${path} is below its floor: ${kernel.toFixed(2)}x of the kernel, ${FLOOR[path]}x must be`);
process.exit(slow.length > 0 ? 1 : 0);
