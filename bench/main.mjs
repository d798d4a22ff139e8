// `npm run bench`: measures the twin, this machine's kernel and ns-3; see README.md in this folder.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { faults, measureCurves } from './curves.mjs';
import { measurePaths } from './frames/paths.mjs';
import { measureLatency } from './labs/latency.mjs';
import { measureSetup } from './labs/setup.mjs';
import { machine, version } from './machine.mjs';
import { HELP, parseOptions, UsageError } from './options.mjs';
import { findPeers } from './peers.mjs';
import { LONG, QUICK } from './plans.mjs';
import * as tables from './tables.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const anchorsFile = join(root, 'bench/anchors.json');

/** The least that a path must reach, as a multiple of the peer: half of it or less is a fault of ours. */
const FLOORS = { ofKernel: { B: 1, D: 1 }, ofNs3: { C: 1 } };

function slowPaths(rows = []) {
  return rows.flatMap((row) =>
    Object.entries(FLOORS)
      .filter(([of, floors]) => row.size === 64 && row[of]?.median < floors[row.path])
      .map(
        ([of, floors]) => `path ${row.path}: ${of} ${row[of].median.toFixed(2)}, at least ${floors[row.path]} must be`,
      ),
  );
}

/** What bench/anchors.json keeps of a run. */
function anchorsOf({ date, machine, versions, frames, setup }) {
  const rates = (name) =>
    Object.fromEntries(
      frames.filter((row) => row[name]).map((row) => [`${row.path} ${row.size}`, Math.round(row[name].median)]),
    );
  const seconds = setup.rows.filter((row) => row.kernel).map((row) => [row.kind, row.kernel.median]);
  return {
    date,
    machine,
    versions,
    kernel: rates('kernel'),
    kernelCapture: rates('kernel capture'),
    ns3: rates('ns3'),
    setup: Object.fromEntries(seconds),
  };
}

async function measure(options, peers, anchors) {
  const plan = options.quick ? QUICK : LONG;
  const wanted = (name) => options.sections.includes(name);
  const results = {
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    versions: Object.fromEntries(Object.entries(version).map(([name, ask]) => [name, ask()])),
    missing: Object.fromEntries(
      Object.entries(peers).flatMap(([name, { missing }]) => (missing ? [[name, missing]] : [])),
    ),
  };
  if (wanted('frames')) {
    console.log(tables.PATHS_HEADING);
    results.frames = await measurePaths(peers, plan.frames, anchors, (row) => console.log(tables.pathLine(row)));
  }
  if (wanted('curves')) {
    console.log(tables.CURVES_HEADING);
    results.curves = await measureCurves(peers, plan.curves, (curve) => console.log(tables.curveLine(curve)));
  }
  if (wanted('setup')) {
    console.log(tables.SETUP_HEADING);
    results.setup = await measureSetup(peers, plan.setup, anchors.setup, (row) => console.log(tables.setupLine(row)));
  }
  if (wanted('latency')) {
    results.latency = await measureLatency(plan.latency);
    console.log(tables.latencyLines(results.latency));
  }
  return results;
}

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (!existsSync(join(root, 'dist/lab/twin.js'))) throw new UsageError('dist is not there: run npm run build first');
  const peers = findPeers(options);
  const anchors = JSON.parse(readFileSync(anchorsFile, 'utf8'));
  for (const [name, { missing }] of Object.entries(peers))
    if (missing !== undefined)
      console.log(
        `${name} is not measured: ${missing}. Ratios to it, marked *, are to figures of ${anchors.date} from ${anchors.machine.cpu}.`,
      );
  if (options.record && Object.values(peers).some(({ missing }) => missing !== undefined))
    throw new UsageError('--record needs the kernel and ns-3');
  const results = await measure(options, peers, anchors);
  const file = options.json ?? join(root, '.hairpin/bench.json');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
  console.log(`\nwritten: ${file}`);
  if (options.record) writeFileSync(anchorsFile, `${JSON.stringify(anchorsOf(results), undefined, 2)}\n`);
  if (options.write) {
    const { report } = await import('./report.mjs');
    const { pictures } = await import('./charts.mjs');
    writeFileSync(join(root, 'docs/performance.md'), report(results, anchors));
    for (const [name, svg] of Object.entries(pictures(results.curves))) writeFileSync(join(root, 'docs', name), svg);
  }
  const wrong = [...slowPaths(results.frames), ...(results.curves === undefined ? [] : faults(results.curves))];
  for (const sentence of wrong) console.log(`FAILED: ${sentence}`);
  return wrong.length > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${error.message}`);
  if (error instanceof UsageError) console.error('npm run bench -- --help tells the options');
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
