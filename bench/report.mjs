// The text of docs/performance.md.
import { readFileSync } from 'node:fs';
import { KINDS } from './tables.mjs';

/** What profiles say, written by hand. */
const limits = readFileSync(new URL('limits.md', import.meta.url), 'utf8');

const millions = ({ median }) => `${(median / 1e6).toFixed(median < 1e6 ? 3 : 2)} M`;
const rate = (value) => (value === undefined ? '' : millions(value));
const range = ({ min, max }, write) => `${write({ median: min })} to ${write({ median: max })}`;
const times = (value) => (value === undefined ? '' : `${value.median.toFixed(1)}x${value.recorded ? ' \\*' : ''}`);
const spreadOf = (value) => (value?.min === undefined ? '' : ` (${value.min.toFixed(1)} to ${value.max.toFixed(1)})`);
const seconds = (value) => (value === undefined ? '' : `${value.median.toFixed(2)} s`);
const micro = (value) => `${value.toFixed(value < 10 ? 2 : 0)} µs`;
const kibibytes = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
const line = (cells) => `| ${cells.join(' | ')} |`;

const WHAT = {
  A: 'macvlan in bridge mode to its sibling',
  B: 'macvlan in vepa mode, veth, bridge with a hairpin port, back to the sibling',
  C: 'veth, bridge, veth',
  D: 'UDP from a socket to a socket: bridge, three routers, the first of which masquerades (ns-3: no NAT)',
};

function ratioRow(row) {
  const { path, size, ofKernel, ofKernelCapture, ofNs3, traceShare } = row;
  const against = [ofKernel, ofKernelCapture, ofNs3].map((value) => `${times(value)}${spreadOf(value)}`);
  return line([path, size, ...against, traceShare.median.toFixed(2)]);
}

function rateRow(row) {
  const rates = ['twin trace', 'twin capture', 'kernel', 'kernel capture', 'ns3'].map((name) => rate(row[name]));
  return line([row.path, row.size, rate(row.twin), range(row.twin, millions), ...rates]);
}

function setupRow({ kind, count, twin, kernel, ofKernel, again, againOfKernel }) {
  const ratios = [ofKernel, againOfKernel].map((value) => `${times(value)}${spreadOf(value)}`);
  return line([count, KINDS[kind], seconds(twin), seconds(kernel), ratios[0], seconds(again), ratios[1]]);
}

function exponentRow({ what, unit, points, exponent, upper }) {
  const cost = ({ work, cost: total }) => micro((total / work) * 1e6);
  const [first, last] = [points[0], points.at(-1)];
  return line([
    what,
    unit,
    `${first.size}: ${cost(first)}`,
    `${last.size}: ${cost(last)}`,
    exponent.toFixed(2),
    upper.toFixed(2),
  ]);
}

function peersText({ versions, missing }, anchors) {
  const names = { kernel: 'the kernel', ns3: 'ns-3' };
  const absent = Object.entries(missing).map(
    ([name, why]) =>
      `For want of ${names[name]} (${why}) ratios marked \\* are to figures of ${anchors.date} from ${anchors.machine.cpu}, ` +
      `${anchors.machine.os}.`,
  );
  const present = [
    ...(missing.kernel === undefined ? [`${versions.ip}, ${versions.gcc}`] : []),
    ...(missing.ns3 === undefined ? [`ns-3 (${versions.ns3 ?? 'version unknown'})`] : []),
  ];
  return [...(present.length > 0 ? [`Measured against: ${present.join('; ')}.`] : []), ...absent].join('\n');
}

function latencyRows({ small, npx, textUtility, shell, matrix, matrixAgain }) {
  const row = (what, { cpu, wall }) => line([what, seconds(cpu), seconds(wall)]);
  return [
    row('`hairpin run` on a lab of two namespaces and a ping', small),
    row('the same by `npx hairpin run`, npm included', npx),
    row('`hairpin run` with a text utility', textUtility),
    line(['`hairpin shell`, to the first output', '', seconds(shell)]),
    row(`100 namespaces on a bridge, ${matrix.pings} pings, ${matrix.answered} answered`, matrix),
    row('the same in a process that has run it before', matrixAgain),
  ].join('\n');
}

/** @returns the document, from what main.mjs measured with all sections */
export function report(results, anchors) {
  const { date, machine, frames, curves, setup, latency } = results;
  const { memory } = curves;
  return `# Performance

Written by \`npm run bench -- --write\` on ${date}: ${machine.cores} cores of ${machine.cpu}, ${machine.memory}, ${machine.os},
Node ${machine.node}. ${peersText(results, anchors)}
Everything is CPU time, user and system, unless it says otherwise: medians, and the least and the greatest in brackets.
The twin and its peers ran by turns; a ratio is between runs of the same turn. How each is measured and what is left out:
[bench/README.md](../bench/README.md).

## Frames

How many times as many frames per CPU-second the twin carries. Ageing, taps, netfilter hooks and counters are on.

| path | bytes | kernel | kernel, captures on | ns-3 | tracing on / off |
|---|---|---|---|---|---|
${frames.map(ratioRow).join('\n')}

${Object.entries(WHAT)
  .map(([path, what]) => `- ${path}: ${what}`)
  .join('\n')}

Frames per CPU-second, tracing and captures off where the column does not say otherwise:

| path | bytes | twin | spread | tracing on | captures on | kernel | kernel, captures | ns-3 |
|---|---|---|---|---|---|---|---|---|
${frames.map(rateRow).join('\n')}

## Size

![CPU time for a frame against the size of the lab](performance-frames.svg)

![CPU time for a command against the size of the lab](performance-labs.svg)

The exponent is that of cost against work: 1 is growth in proportion to the work, 2 would be quadratic. The second is that
of the three greatest sizes: where the code that runs is the same for each piece of work, as \`npm test\` counts, what is
left above 1 are the processor's caches. The bench fails when a frame's are above 1.2 and 1.6, or a command's above 1.1 and 1.3.

| what | cost of a | at the least size | at the greatest | exponent | upper sizes |
|---|---|---|---|---|---|
${[...curves.frames, ...curves.labs].map(exponentRow).join('\n')}

## Labs

The same text under \`hairpin run\`, the start of the process included, and under bash on the kernel. Each namespace has a
macvlan on a parent, an address, is up, and has a default route: five commands. "Again" is the same text on a new twin in a
process that has run it before, such as a search among many labs: V8 has compiled what it needs.

| namespaces | text | twin | kernel | kernel / twin | again | kernel / again |
|---|---|---|---|---|---|---|
${setup.rows.map(setupRow).join('\n')}

| memory of | |
|---|---|
${memory.map(({ count, bytes }) => line([`a namespace, of ${count}`, kibibytes(bytes)])).join('\n')}
${setup.interfaces.map(({ kind, bytes }) => line([`a ${kind}, up`, kibibytes(bytes)])).join('\n')}

## What a person waits for

| | CPU | time |
|---|---|---|
${latencyRows(latency)}

## What limits

${limits}`;
}
