// What labs cost before the first frame: whole commands (`hairpin run FILE` in a process of its own), and
// the memory of a namespace.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const hairpin = fileURLToPath(new URL('../bin/hairpin.js', import.meta.url));
/** Loaded into the child: tells its CPU time, microseconds, by file descriptor 3. */
const TELL = `import { writeSync } from 'node:fs';
process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  writeSync(3, String(user + system));
});`;

const parent = 'ip link add p0 type veth peer name p1\nip link set p0 up\nip link set p1 up\n';
const subnet = (i) => `10.${i >> 8}.${i & 255}`;
const range = (count) => Array.from({ length: count }, (_, i) => i + 1);

/** `count` namespaces, each with a macvlan, an address, up, and a route: from batches. */
function batchText(count) {
  const make = (i) => `netns add ns${i}\nlink add link p0 name eth0 netns ns${i} type macvlan mode bridge\n`;
  const fill = (i) =>
    `ip -n ns${i} -batch - <<EOF\naddress add ${subnet(i)}.2/24 dev eth0\nlink set eth0 up\nroute add default via ${subnet(i)}.1\nEOF\n`;
  return `${parent}ip -batch - <<EOF\n${range(count).map(make).join('')}EOF\n${range(count).map(fill).join('')}`;
}

/** The same, with one `ip` for each command, in a loop of the shell. */
function loopText(count) {
  return `${parent}for i in $(seq 1 ${count}); do
  net=10.$((i >> 8)).$((i & 255))
  ip netns add ns$i
  ip link add link p0 name eth0 netns ns$i type macvlan mode bridge
  ip -n ns$i address add $net.2/24 dev eth0
  ip -n ns$i link set eth0 up
  ip -n ns$i route add default via $net.1
done
`;
}

/** `count` hosts on a bridge, and a ping from each to each other. */
function matrixText(count) {
  return `ip link add br0 type bridge
ip link set br0 up
for i in $(seq 1 ${count}); do
  ip netns add h$i
  ip link add eth0 netns h$i type veth peer name p$i
  ip link set p$i master br0 up
  ip -n h$i address add 10.0.0.$i/24 dev eth0
  ip -n h$i link set eth0 up
done
sleep 1
for i in $(seq 1 ${count}); do
  for j in $(seq 1 ${count}); do
    if [ $i != $j ]; then ip netns exec h$i ping -c 1 -W 1 10.0.0.$j > /dev/null 2>&1; fi
  done
done
`;
}

/** CPU seconds of `hairpin run` on a script, user and system, the start of the process included. */
function commandCpu(text) {
  const dir = mkdtempSync(join(tmpdir(), 'hairpin-bench-'));
  try {
    const file = join(dir, 'lab.sh');
    writeFileSync(file, text);
    const tell = `data:text/javascript,${encodeURIComponent(TELL)}`;
    const args = ['--import', tell, hairpin, 'run', '--max-events', '100000000', file];
    const child = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const cpu = Number(String(child.output[3]));
    if (!(cpu > 0) || String(child.stderr) !== '') throw new Error(`the lab failed: ${child.stderr}`);
    return cpu / 1e6;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Bytes of memory that each of `count` namespaces holds, in a process of its own. */
function namespaceBytes(count) {
  const script = `import { Twin } from ${JSON.stringify(new URL('../dist/lab/twin.js', import.meta.url).href)};
const twin = new Twin();
const used = () => { gc(); gc(); const { heapUsed, arrayBuffers } = process.memoryUsage(); return heapUsed + arrayBuffers; };
await twin.script(${JSON.stringify(loopText(10))}.replaceAll('ns$', 'warm$').replaceAll('p0', 'w0').replaceAll('p1', 'w1'));
const before = used();
await twin.script(${JSON.stringify(loopText(count))});
console.log((used() - before) / ${count});`;
  const args = ['--expose-gc', '--input-type=module', '-e', script];
  return Number(String(spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout));
}

/** The least of some runs: what others do on the machine only adds. */
const least = (runs, text) => Math.min(...Array.from({ length: runs }, () => commandCpu(text)));

/** Seconds of CPU by name, and bytes a namespace. */
export function measureSetup() {
  const sizes = [
    [100, 3],
    [1000, 3],
    [10_000, 1],
  ];
  return {
    cold: least(5, 'ip link show lo > /dev/null\n'),
    coldText: least(5, 'ip link show lo | grep lo > /dev/null\n'),
    sizes: sizes.map(([count, runs]) => ({
      count,
      batch: least(runs, batchText(count)),
      loop: least(runs, loopText(count)),
    })),
    matrix: least(1, matrixText(100)),
    bytes: namespaceBytes(1000),
  };
}
