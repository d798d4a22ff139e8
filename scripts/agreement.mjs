// Writes docs/agreement.md: how far the twin agrees with the kernels of this machine on the labs, and
// with the recordings on the conformance cases. What cannot be run here is said in the page.
// Usage: node scripts/agreement.mjs [--every]
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { agree, agreementText } from '../dist/cli/agree.js';
import { DEFAULT_BUDGET } from '../dist/cli/options.js';
import { makeStyle } from '../dist/cli/style.js';
import { agrees, percentOf } from '../dist/lab/agreement.js';
import { KERNEL_DIFFERENCES, TABLE_MASKS, TABLE_ORDER } from '../dist/lab/compare-tables.js';
import { MASK_RULES, maskLines, SORT_RULES } from '../dist/lab/mask.js';
import { FRAME_MASKS } from '../dist/lab/mask-frame.js';
import { twin } from '../dist/lab/twin-backend.js';
import { casesOf, kernelConfigs, knownDeviations } from './conformance-cases.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const labs = readdirSync(join(root, 'labs')).filter((file) => file.endsWith('.md'));

/** User-Mode Linux takes minutes for a lab: without `--every` it runs those that this machine's kernel cannot. */
const { values } = parseArgs({ options: { every: { type: 'boolean', default: false } } });

/** A kernel under load is late now and then; captures then miss their first frames. */
const TRIES = 3;

/** The twin beside a kernel: again if anything differs, and the best run counts. */
async function compare(file, backend) {
  const path = join(root, 'labs', file);
  const task = { file: path, text: readFileSync(path, 'utf8'), args: [], on: 'twin', against: [backend] };
  let best;
  for (let tries = 0; tries < TRIES; tries++) {
    const [agreement] = await agree({ ...task, seed: 1, budget: DEFAULT_BUDGET });
    if (best === undefined || agreeingParts(agreement) > agreeingParts(best)) best = agreement;
    if (agrees(best) || lacking(best) !== undefined) break;
  }
  return best;
}

const agreeingParts = ({ agreeingLines, frames, tables, counters }) =>
  agreeingLines + (frames?.inOrder ?? 0) + (tables?.agreeing ?? 0) + (counters?.agreeing ?? 0);

/** Why a lab cannot run on a kernel at all: a kind of device that it does not have. */
const lacking = ({ disagreements }) =>
  disagreements
    .filter(({ diff }) => diff.some(({ kind, text }) => kind === 'second' && text.includes('Unknown device type')))
    .map(({ command }) => /\btype (\w+)/.exec(command)?.[1])[0];

async function onTwin(script, config) {
  let text = '';
  const decoder = new TextDecoder();
  const machine = await twin.start({
    seed: 1,
    terminal: false,
    config,
    sink: (_, data) => {
      text += decoder.decode(data, { stream: true });
    },
  });
  await machine.script('bash', script, []);
  await machine.stop();
  return maskLines(text);
}

const rows = [];
const COLUMNS = ['lines', 'commands', 'frames', 'tables', 'counters'];
const total = Object.fromEntries(COLUMNS.map((name) => [name, { agreeing: 0, all: 0 }]));
const notes = new Set();
for (const file of labs) {
  let ranOnKernel = false;
  for (const backend of ['kernel', 'uml']) {
    if (backend === 'uml' && ranOnKernel && !values.every) continue;
    let agreement;
    try {
      agreement = await compare(file, backend);
    } catch (error) {
      notes.add(error.message);
      continue;
    }
    const where = backend === 'kernel' ? `Linux ${release().match(/^\d+\.\d+/)[0]}` : 'User-Mode Linux 6.1';
    const device = lacking(agreement);
    if (device !== undefined) {
      rows.push(`| ${file} | ${where} | this kernel has no ${device} device | - | - | - | - |`);
      continue;
    }
    ranOnKernel ||= backend === 'kernel';
    const { frames, tables, counters } = agreement;
    const parts = {
      lines: [agreement.agreeingLines, agreement.lines],
      commands: [agreement.agreeingCommands, agreement.commands],
      frames: [frames.inOrder, frames.frames],
      tables: [tables.agreeing, tables.entries],
      counters: [counters.agreeing, counters.entries],
    };
    for (const name of COLUMNS) {
      total[name].agreeing += parts[name][0];
      total[name].all += parts[name][1];
    }
    rows.push(`| ${file} | ${where} | ${COLUMNS.map((name) => parts[name].join(' of ')).join(' | ')} |`);
    console.log(rows.at(-1));
    process.stdout.write(agrees(agreement) ? '' : agreementText(file, agreement, makeStyle(false)));
  }
}
const figure = (name) => `${total[name].agreeing} of ${total[name].all}`;
const percent = (name) => percentOf(total[name].agreeing, total[name].all);

const deviations = await knownDeviations();
const configs = await kernelConfigs();
const recordings = join(root, 'test/conformance/recordings');
const areas = [];
const whole = { cases: 0, agreeing: 0 };
for (const name of readdirSync(recordings).sort()) {
  for (const file of readdirSync(join(recordings, name)).sort()) {
    const area = file.slice(0, -5);
    const recording = JSON.parse(readFileSync(join(recordings, name, file), 'utf8'));
    let cases = 0;
    let agreeing = 0;
    for (const one of casesOf(area)) {
      const expected = recording.cases[one.name];
      if (expected === undefined) continue;
      cases++;
      if (expected.join('\n') === (await onTwin(one.script, configs[name])).join('\n')) agreeing++;
      else console.log(`differs: ${name} ${area}: ${one.name}`);
    }
    whole.cases += cases;
    whole.agreeing += agreeing;
    areas.push(
      `| ${area} | ${recording.kernel.match(/^[\d.]+/)[0]}${name.startsWith('uml') ? ' (UML)' : ''} | ${recording.date} | ${agreeing} of ${cases} |`,
    );
  }
}

const page = `# How far the twin agrees with Linux

Generated by \`node scripts/agreement.mjs\` on ${new Date().toISOString().slice(0, 10)}.

- Labs: ${figure('lines')} lines of output (${percent('lines')} %) and ${figure('commands')} commands agree, and so do
  ${figure('frames')} frames (${percent('frames')} %), ${figure('tables')} table entries (${percent('tables')} %) and ${figure('counters')} counters (${percent('counters')} %).
- Conformance cases: ${whole.agreeing} of ${whole.cases} agree in every line (${percentOf(whole.agreeing, whole.cases)} %).

## Labs, run on the twin and on the kernel

The command is \`hairpin run labs/NAME.md --on twin,kernel\` (or \`twin,uml\`). ${values.every ? '' : 'User-Mode Linux has run\nthe labs that this machine’s kernel cannot. '}Lines that a document leaves open with
\`[..]\` or \`...\` are not compared. A lab that differs is run again, three times at most, and the best
run counts: a machine under load starts a capture late now and then.

Frames are those of every interface in every namespace with a name, as \`tcpdump -p\` on it sees them: the same ones
on each, and in the same order within a conversation (between two addresses). Captures change what a kernel counts, so
they are taken in a second run of the lab beside the first. A capture begins when its interface is up, after the command
that brought it up: frames of that command are compared only if they were seen. Tables are what \`ip -j\` (link, addr,
route, neigh) and \`bridge -j\` (fdb, link, vlan) list in each namespace at the end, entry by entry; counters are those of
\`ip -j -s link\`: octets, packets, errors, drops and multicast, each a number. For these three the twin's commands begin
when the kernel's did, as retries and ageing go by the clock. Namespaces without a name are not looked into.

| lab | kernel | lines | commands | frames | table entries | counters |
|---|---|---|---|---|---|---|
${rows.join('\n')}
${[...notes].map((note) => `\nNot run here: ${note}.\n`).join('')}
## Conformance cases

Cases of \`test/conformance/cases\`, compared with what each kernel printed. \`npm test\` runs all of them
against the recordings and a part of them live where a kernel can be had.

| area | kernel | recorded | cases that agree |
|---|---|---|---|
${areas.join('\n')}

## Known deviations

${
  Object.keys(deviations).length === 0
    ? 'None.'
    : Object.entries(deviations)
        .map(([name, why]) => `- **${name}**: ${why}`)
        .join('\n')
}

## What is masked or sorted before comparing

${[...new Set([...MASK_RULES, ...SORT_RULES].map(({ reason }) => reason))].map((reason) => `- ${reason}`).join('\n')}
- addresses that no lab has set are random: in output they are named in the order in which they appear

In frames:

${FRAME_MASKS.map((reason) => `- ${reason}`).join('\n')}

In tables and counters:

${[...TABLE_MASKS, TABLE_ORDER, ...KERNEL_DIFFERENCES].map(({ reason }) => `- ${reason}`).join('\n')}
`;
writeFileSync(join(root, 'docs/agreement.md'), page);
console.log(
  `labs ${COLUMNS.map((name) => `${figure(name)} ${name}`).join(', ')}; conformance ${whole.agreeing}/${whole.cases} cases`,
);
