// The sections of the bench, one after the other; what must be kept of them, and what is wrong.
import { faults, measureCurves } from './curves.mjs';
import { measurePaths } from './frames/paths.mjs';
import { measureLatency } from './labs/latency.mjs';
import { measureSetup } from './labs/setup.mjs';
import { machine, version } from './machine.mjs';
import { LONG, QUICK } from './plans.mjs';
import * as tables from './tables.mjs';

/** The least that a path must reach, as a multiple of the peer. */
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
export function anchorsOf({ date, machine, versions, frames, setup }) {
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

export async function measure(options, peers, anchors) {
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

/** What is wrong with the figures: sentences, none when all is well. */
export function faultsOf({ frames, curves }) {
  return [...slowPaths(frames), ...(curves === undefined ? [] : faults(curves))];
}
