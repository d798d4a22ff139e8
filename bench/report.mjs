// The text of docs/performance.md.
const millions = (value) => `${(value / 1e6).toFixed(2)} M`;
const times = (value) => (value === undefined ? '' : `${value.toFixed(1)}x`);
const seconds = (value) => `${value.toFixed(2)} s`;

const WHAT = {
  A: 'macvlan in bridge mode to its sibling',
  B: 'macvlan in vepa mode, veth, bridge with a hairpin port, back to the sibling',
  C: 'veth, bridge, veth',
  D: 'UDP from a socket to a socket: bridge, three routers, masquerade',
};

function pathRow(results, path, size) {
  const of = (trace) => results.find((row) => row.path === path && row.size === size && row.trace === trace);
  const off = of(false);
  const on = of(true);
  const spread = `${millions(off.min)} to ${millions(off.max)}`;
  const share = (on.median / off.median).toFixed(2);
  return `| ${path} | ${size} | ${millions(off.median)} | ${spread} | ${times(off.kernel)} | ${times(off.ns3)} | ${millions(on.median)} | ${share} |`;
}

function setupRow({ count, batch, loop }, anchors) {
  const ratio = (kernel, twin) => (count === 1000 ? times(kernel / twin) : '');
  const compared = `${ratio(anchors.setup.batch, batch)} | ${seconds(loop)} | ${ratio(anchors.setup.loop, loop)}`;
  return `| ${count} | ${seconds(batch)} | ${compared} |`;
}

/** @returns the document, from what scripts/bench.mjs measured */
export function report({ date, machine, results, setup }, anchors) {
  const paths = Object.keys(WHAT);
  return `# Performance

Written by \`npm run bench -- --write\` on ${date}: ${machine.cores} cores of ${machine.cpu}, Linux ${machine.os},
Node ${machine.node}. Everything is CPU time, user and system, since the machine does other work too.

## Frames

Frames per CPU-second, the median of five runs, tracing off and on by turns. Ageing, taps, netfilter hooks and counters
are on. "Kernel" is Linux 6.18 with raw Ethernet frames (D: into a UDP socket), "ns-3" is 3.37's CSMA bridge, both
measured before on a machine of the same kind (bench/anchors.json), with frames of 64 bytes.

| path | bytes | tracing off | spread | of the kernel | of ns-3 | tracing on | on / off |
|---|---|---|---|---|---|---|---|
${paths.flatMap((path) => [64, 1514].map((size) => pathRow(results, path, size))).join('\n')}

${paths.map((path) => `- ${path}: ${WHAT[path]}`).join('\n')}

Frames are handed to the first device (D: to a socket) by a loop in the same process; no program of the lab runs, and
nothing captures. With tracing on the steps are recorded in the ring and overwritten: writing them to a file is not
counted.

What limits D is no single place: each router costs about 400 ns, spread over some 25 functions; sending and receiving
by sockets about 800 ns; connection tracking, NAT and the bridge's netfilter about 500 ns.

## Labs

The whole command \`hairpin run\`, the start of the process included; the least of three runs (10,000: one). Each
namespace has a macvlan on a parent, an address, is up, and has a default route. On the kernel the same without the
route took ${anchors.setup.batch} s from \`ip -batch\` and ${anchors.setup.loop} s with one \`ip\` for each command.

| namespaces | ip -batch | kernel / twin | one ip each | kernel / twin |
|---|---|---|---|---|
${setup.sizes.map((row) => setupRow(row, anchors)).join('\n')}

| | |
|---|---|
| memory of such a namespace | ${(setup.bytes / 1024).toFixed(1)} KiB |
| start, a script of one command | ${seconds(setup.cold)} |
| start, with a text utility | ${seconds(setup.coldText)} |
| 100 namespaces on a bridge, 9,900 pings in a loop of the shell | ${seconds(setup.matrix)} |

Of the pings about half is the flood of each ARP request to all hundred hosts.
`;
}
