// The four paths: frames per CPU-second on the twin, the kernel and ns-3, by turns.
import { spread } from '../statistics.mjs';
import { twice } from '../twice.mjs';
import { kernelRunner, ns3Runner, twinRunner } from './runner.mjs';

const PATHS = ['A', 'B', 'C', 'D'];
const SIZES = [64, 1514];
/** ns-3 has no macvlan. */
const NS3_PATHS = ['C', 'D'];

const startTwins = (at) => ({
  twin: twinRunner(at),
  'twin trace': twinRunner({ ...at, mode: 'trace' }),
  'twin capture': twinRunner({ ...at, mode: 'capture' }),
});

function startPeers(at, { kernel, ns3 }) {
  const runners = {};
  if (kernel.program !== undefined) {
    runners.kernel = kernelRunner(kernel.program, at);
    runners['kernel capture'] = kernelRunner(kernel.program, { ...at, mode: 'capture' });
  }
  if (ns3.program !== undefined && NS3_PATHS.includes(at.topology)) runners.ns3 = ns3Runner(ns3.program, at);
  return runners;
}

function close(runners) {
  for (const runner of Object.values(runners)) runner.close();
}

/** Every runner once, then every runner again, for some rounds, after a short run of each: name to rates. */
export async function byTurns(runners, { rounds, seconds }) {
  const rates = Object.fromEntries(Object.keys(runners).map((name) => [name, []]));
  try {
    for (const runner of Object.values(runners)) await runner.rate(seconds / 10);
    for (let round = 0; round < rounds; round++)
      for (const [name, runner] of Object.entries(runners)) rates[name].push(await runner.rate(seconds));
  } finally {
    close(runners);
  }
  return rates;
}

/** How many times the rates of `a` those of `b` are, round by round. */
export function ratio(a, b) {
  return a === undefined || b === undefined ? undefined : spread(a.map((rate, i) => rate / b[i]));
}

/** The rates of one path by name, and the ratios; see {@link measurePaths}. */
function pathRow(path, size, rates, recorded) {
  const row = { path, size };
  for (const [name, values] of Object.entries(rates)) row[name] = spread(values);
  const against = (name, twin, key) => {
    if (rates[name] !== undefined) return { ...ratio(rates[twin], rates[name]), recorded: false };
    const anchor = recorded[key]?.[`${path} ${size}`];
    return anchor === undefined ? undefined : { median: row[twin].median / anchor, recorded: true };
  };
  row.ofKernel = against('kernel', 'twin', 'kernel');
  row.ofKernelCapture = against('kernel capture', 'twin capture', 'kernelCapture');
  row.ofNs3 = against('ns3', 'twin', 'ns3');
  row.traceShare = ratio(rates['twin trace'], rates.twin);
  return row;
}

/**
 * The rates of every path and size, and the ratios between runs of the same round.
 * @param recorded the rates of bench/anchors.json, taken where a peer is not here: `{ kernel: { 'A 64': rate } }`
 */
export async function measurePaths(peers, plan, recorded, say) {
  // The devices of the kernel take seconds to come up, and nothing of the processor: all at once.
  const started = PATHS.flatMap((topology) =>
    SIZES.map((size) => ({ at: { topology, size }, runners: startPeers({ topology, size }, peers) })),
  );
  const rows = [];
  try {
    for (const { at, runners } of started) {
      let ready = runners;
      const rates = await twice(() => {
        const others = ready ?? startPeers(at, peers);
        ready = undefined;
        return byTurns({ ...startTwins(at), ...others }, plan);
      });
      rows.push(pathRow(at.topology, at.size, rates, recorded));
      say(rows.at(-1));
    }
  } finally {
    for (const { runners } of started) close(runners);
  }
  return rows;
}
