// Measures how many frames per CPU-second each path carries, tracing off and on, and what the set-up of
// labs costs; compares with the figures of bench/anchors.json. Writes .hairpin/bench.json, and with
// --write docs/performance.md. Exits 1 when a path is slower than its floor.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { pathA, pathB, pathC, pathD } = await import('../bench/paths.mjs');
const { report } = await import('../bench/report.mjs');
const { measureSetup } = await import('../bench/setup.mjs');
const anchors = JSON.parse(readFileSync(join(root, 'bench/anchors.json'), 'utf8'));

const RUNS = 5;
const SECONDS = 0.4;
/** The least that a path must reach, as a multiple of the kernel's figure. */
const FLOOR = { B: 1, D: 1 };

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Frames per CPU-second of one run of about `SECONDS`. */
function run({ send, sink, received }) {
  const arrived = () => (sink === undefined ? received() : sink.stats.rxPackets);
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
  return frames / (used / 1e6);
}

/** Runs with tracing off and on by turns, after a warm-up of both: the rates of each. */
function measure(path) {
  const { trace } = path.kernel;
  for (trace.on of [true, false]) for (let i = 0; i < 20_000; i++) path.send();
  const rates = { off: [], on: [] };
  for (let i = 0; i < RUNS; i++) {
    for (trace.on of [false, true]) rates[trace.on ? 'on' : 'off'].push(run(path));
  }
  return rates;
}

const results = [];
console.log('path  bytes  trace      frames per CPU-second   (min .. max)               of the kernel  of ns-3');
for (const [name, make] of Object.entries({ A: pathA, B: pathB, C: pathC, D: pathD })) {
  for (const size of [64, 1514]) {
    const measured = measure(make(size));
    for (const trace of ['off', 'on']) {
      const rates = measured[trace];
      const rate = { median: median(rates), min: Math.min(...rates), max: Math.max(...rates) };
      const kernel = size === 64 ? rate.median / anchors.kernel[name] : undefined;
      const ns3 = size === 64 && anchors.ns3[name] ? rate.median / anchors.ns3[name] : undefined;
      results.push({ path: name, size, trace: trace === 'on', ...rate, kernel, ns3 });
      const k = (value) => `${Math.round(value / 1000)} k`.padStart(9);
      const ratio = (value) => (value === undefined ? '-' : `${value.toFixed(2)}x`).padStart(8);
      console.log(
        `${name.padEnd(5)} ${String(size).padStart(5)}  ${trace.padEnd(5)} ${k(rate.median).padStart(20)}   ${k(rate.min)} .. ${k(rate.max)}  ${ratio(kernel).padStart(16)} ${ratio(ns3)}`,
      );
    }
  }
}

const setup = measureSetup();
console.log(
  `start of hairpin run, CPU seconds: ${setup.cold.toFixed(2)}, with a text utility ${setup.coldText.toFixed(2)}`,
);
for (const { count, batch, loop } of setup.sizes) {
  console.log(`${count} namespaces, CPU seconds: ip -batch ${batch.toFixed(2)}, one ip each ${loop.toFixed(2)}`);
}
console.log(`9900 pings among 100 namespaces, CPU seconds: ${setup.matrix.toFixed(2)}`);
console.log(`a namespace: ${(setup.bytes / 1024).toFixed(1)} KiB`);

mkdirSync(join(root, '.hairpin'), { recursive: true });
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, os: release() };
const date = new Date().toISOString().slice(0, 10);
const measured = { date, machine, results, setup };
writeFileSync(join(root, '.hairpin/bench.json'), `${JSON.stringify(measured, undefined, 2)}\n`);
if (process.argv.includes('--write')) writeFileSync(join(root, 'docs/performance.md'), report(measured, anchors));

const slow = results.filter(({ path, trace, kernel }) => !trace && kernel !== undefined && kernel < (FLOOR[path] ?? 0));
for (const { path, kernel } of slow)
  console.log(`path ${path} is below its floor: ${kernel.toFixed(2)}x of the kernel, ${FLOOR[path]}x must be`);
process.exit(slow.length > 0 ? 1 : 0);
