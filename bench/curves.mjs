// How costs grow with the size of a lab. No curve may grow faster than the work does.
import { byTurns } from './frames/paths.mjs';
import { kernelRunner, twinRunner } from './frames/runner.mjs';
import { measureLabSizes } from './labs/setup.mjs';
import { exponent } from './statistics.mjs';
import { twice } from './twice.mjs';

/**
 * What is measured: `work` is how many pieces of work one frame is, for a size. In `copies` the frame goes to
 * all, and the work is the copies of it.
 */
const FRAME_CURVES = {
  ports: { what: 'unicast among the ports of a bridge', unit: 'frame', work: () => 1 },
  flood: { what: 'flood to the ports of a bridge', unit: 'copy', work: (count) => count - 1 },
  macvlans: { what: 'unicast to macvlans on a parent', unit: 'frame', work: () => 1 },
  siblings: { what: 'broadcast among macvlans on a parent', unit: 'copy', work: (count) => count },
  arp: { what: 'ARP request to hosts on a bridge', unit: 'copy', work: (count) => count - 1 },
};

/**
 * The greatest exponents of cost against work that still count as growth in proportion: over all sizes, and over
 * the upper ones, where what small labs pay once no longer hides anything. Frames have more, the upper most: a
 * thousand ports or hosts that take turns do not fit the caches. Over all sizes n log n would make more than 1.3
 * of frames, a loop over all makes 2.
 */
const LIMITS = { frames: { exponent: 1.2, upper: 1.6 }, labs: { exponent: 1.1, upper: 1.3 } };
/** How many of the greatest sizes are the upper ones. */
const UPPER = 3;

/**
 * A curve of points `{ size, work, cost }`: cost in CPU seconds for `work` pieces of work. The exponent is that of
 * cost against work, corrected for work that does not grow with the size: it is 1 plus the exponent of the
 * cost of one piece against the size. `upper` is that of the upper sizes.
 */
export function curve(name, what, unit, points) {
  const each = points.map(({ size, work, cost }) => [size, cost / work]);
  return { name, what, unit, points, exponent: 1 + exponent(each), upper: 1 + exponent(each.slice(-UPPER)) };
}

/** The least CPU seconds for a frame (what else the machine does only adds), with the kernel's where `peers` has it and `kernelSizes` this size. */
async function frameCosts(topology, count, peers, plan) {
  const at = { topology, count };
  const rates = await twice(() => {
    const runners = { twin: twinRunner(at) };
    if (peers.kernel.program !== undefined && plan.kernelSizes.includes(count))
      runners.kernel = kernelRunner(peers.kernel.program, at);
    return byTurns(runners, plan);
  });
  return Object.fromEntries(Object.entries(rates).map(([name, values]) => [name, 1 / Math.max(...values)]));
}

async function frameCurves(peers, plan, say) {
  const curves = [];
  for (const [topology, { what, unit, work }] of Object.entries(FRAME_CURVES)) {
    const points = [];
    for (const size of plan.frameSizes[topology]) {
      const { twin, kernel } = await frameCosts(topology, size, peers, plan);
      points.push({ size, work: work(size), cost: twin, kernel });
    }
    curves.push(curve(topology, what, unit, points));
    say(curves.at(-1));
  }
  return curves;
}

function labCurves(plan, say) {
  const rows = measureLabSizes(plan.labs);
  const of = (name, what, kind, part) => {
    const points = rows
      .filter((row) => row.kind === kind)
      .map((row) => ({ size: row.count, work: part === 'up' ? row.commands : row.count, cost: row[part].median }));
    const made = curve(name, what, part === 'up' ? 'command' : 'namespace', points);
    say(made);
    return made;
  };
  const curves = [
    of('batch', 'set-up by ip -batch', 'batch', 'up'),
    of('loop', 'set-up by one ip for each command', 'loop', 'up'),
    of('teardown', 'tear-down by ip -batch', 'batch', 'down'),
  ];
  const memory = rows.filter(({ kind }) => kind === 'batch').map(({ count, bytes }) => ({ count, bytes }));
  return { curves, memory };
}

export async function measureCurves(peers, plan, say) {
  const frames = await frameCurves(peers, plan, say);
  const labs = labCurves(plan, say);
  return { frames, labs: labs.curves, memory: labs.memory };
}

/** What is wrong with the curves: sentences, none when all is well. */
export function faults(curves) {
  const growing = (made, key, points, limit) =>
    made[key] <= limit
      ? []
      : [
          `${made.what}: the cost grows as the work to the power of ${made[key].toFixed(2)} from ${points[0].size} to ` +
            `${points.at(-1).size}; at most ${limit} may be`,
        ];
  return Object.entries(LIMITS).flatMap(([group, limits]) =>
    curves[group].flatMap((made) => [
      ...growing(made, 'exponent', made.points, limits.exponent),
      ...growing(made, 'upper', made.points.slice(-UPPER), limits.upper),
    ]),
  );
}
