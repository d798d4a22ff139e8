// How many times as long a frame takes on each path as one turn of a loop that does work of the same kind: both in
// this process, by turns, by CPU time. The speed of the machine cancels out. Prints JSON.
import { TOPOLOGIES } from '../frames/twin-topologies.mjs';

const PATHS = ['A', 'B', 'C', 'D'];
const ROUNDS = 7;
/** Microseconds of CPU for one measurement. */
const SPAN = 20_000;
const WARM_UP = 200_000;

const SLOTS = 1024;
const FRAME = 64;
const frame = Uint8Array.from({ length: FRAME }, (_, i) => i * 7);
const ring = new Uint8Array(SLOTS * FRAME);
const keys = new Float64Array(SLOTS);
let turn = 0;
let found = 0;

/** A frame copied into a ring, an address looked up in an open table, a header summed, an object made. */
function reference() {
  const at = (turn++ & (SLOTS - 1)) * FRAME;
  ring.set(frame, at);
  let sum = 0;
  for (let i = at; i < at + 20; i += 2) sum += (ring[i] << 8) | ring[i + 1];
  const key = 0x020000000000 + (sum & 0xff);
  let slot = (key ^ (key / 0x100000000)) & (SLOTS - 1);
  while (keys[slot] !== key && keys[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
  keys[slot] = key;
  const skb = { bytes: ring, data: at, tail: at + FRAME, sum, dev: undefined };
  found += skb.tail - skb.data;
}

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** Microseconds for one call, from about SPAN of them; `batch` calls go between two looks at the clock. */
function cost(work, batch) {
  const start = cpu();
  let calls = 0;
  let used = 0;
  while (used < SPAN) {
    for (let i = 0; i < batch; i++) work();
    calls += batch;
    used = cpu() - start;
  }
  return used / calls;
}

const works = { reference, ...Object.fromEntries(PATHS.map((name) => [name, TOPOLOGIES[name]({ size: 64 }).send])) };
const batches = {};
for (const [name, work] of Object.entries(works)) {
  const start = cpu();
  let calls = 0;
  while (cpu() - start < WARM_UP) for (let i = 0; i < 20; i++, calls++) work();
  batches[name] = Math.max(20, Math.round((calls / WARM_UP) * 1000));
}
const least = Object.fromEntries(Object.keys(works).map((name) => [name, Number.POSITIVE_INFINITY]));
for (let round = 0; round < ROUNDS; round++)
  for (const [name, work] of Object.entries(works)) least[name] = Math.min(least[name], cost(work, batches[name]));
if (found === 0) throw new Error('the reference did nothing');
console.log(JSON.stringify(Object.fromEntries(PATHS.map((name) => [name, least[name] / least.reference]))));
