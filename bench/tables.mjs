// The figures as lines of text on the terminal.
const times = (ratio) => (ratio === undefined ? '-' : `${ratio.median.toFixed(1)}x${ratio.recorded ? '*' : ''}`);
const thousands = (rate) => (rate === undefined ? '-' : `${Math.round(rate.median / 1000)} k`);
const seconds = (value) => (value === undefined ? '-' : `${value.median.toFixed(2)} s`);

/** Cells in columns, the first to the left and the others to the right. */
function row(widths, cells) {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : String(cell).padStart(widths[i]))).join(' ');
}

const PATH_WIDTHS = [9, 9, 9, 9, 9, 9, 9, 11, 9, 9];
export const PATHS_HEADING = `\nFrames per CPU-second\n${row(PATH_WIDTHS, [
  'path',
  'twin',
  'tracing',
  'captures',
  'kernel',
  'captures',
  'ns-3',
  'twin/kernel',
  'captures',
  'twin/ns-3',
])}`;

export function pathLine(at) {
  const rates = ['twin', 'twin trace', 'twin capture', 'kernel', 'kernel capture', 'ns3'].map((name) =>
    thousands(at[name]),
  );
  const ratios = [at.ofKernel, at.ofKernelCapture, at.ofNs3].map(times);
  return row(PATH_WIDTHS, [`${at.path} ${at.size}`, ...rates, ...ratios]);
}

export const CURVES_HEADING = '\nCost of one piece of work by size, and the exponent of cost against work';

const duration = (value) => (value < 1e-5 ? `${Math.round(value * 1e9)} ns` : `${(value * 1e6).toFixed(1)} us`);

export function curveLine({ what, unit, points, exponent, upper }) {
  const costs = points.map(({ size, work, cost }) => `${size}: ${duration(cost / work)}`);
  return `${what}, per ${unit}: ${costs.join(', ')}; exponent ${exponent.toFixed(2)}, of the upper sizes ${upper.toFixed(2)}`;
}

const SETUP_WIDTHS = [22, 10, 10, 12, 12, 12, 12];
export const SETUP_HEADING = `\nLabs, CPU seconds\n${row(SETUP_WIDTHS, ['', 'twin', 'kernel', 'kernel/twin', 'twin again', 'kernel/again', 'its workers'])}`;

export const KINDS = { batch: 'ip -batch', loop: 'one ip each' };

export function setupLine({ kind, count, twin, kernel, ofKernel, again, againOfKernel, kernelCleanUp }) {
  const cells = [seconds(twin), seconds(kernel), times(ofKernel), seconds(again), times(againOfKernel)];
  return row(SETUP_WIDTHS, [`${count} by ${KINDS[kind]}`, ...cells, seconds(kernelCleanUp)]);
}

export function latencyLines({ small, npx, textUtility, shell, matrix, matrixAgain }) {
  const both = ({ cpu, wall }) => `${seconds(cpu)} of CPU, ${seconds(wall)} of time`;
  return [
    '\nLatency',
    `hairpin run on a small lab: ${both(small)}`,
    `npx hairpin run on a small lab: ${both(npx)}`,
    `hairpin run with a text utility: ${both(textUtility)}`,
    `hairpin shell, first output: ${seconds(shell)} of time`,
    `${matrix.pings} pings among 100 namespaces, ${matrix.answered} answered: ${both(matrix)}`,
    `the same in a process that knows it: ${both(matrixAgain)}`,
  ].join('\n');
}
