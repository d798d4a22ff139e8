/** A lab on several backends, and how far they agree. */
import { basename, dirname } from 'node:path';
import { type Agreement, agrees, compareRuns, type Disagreement, percentOf, type Run } from '../lab/agreement.ts';
import type { LabMachine, Stopped } from '../lab/backend.ts';
import { documentOf, type IsComplete, type LabDocument, parseDocument, stepsOf } from '../lab/document.ts';
import type { InterfaceFrames, MachineTables } from '../lab/observation.ts';
import { OutputCollector, runDocument, runScript } from '../lab/run.ts';
import type { KernelConfig } from '../lab/twin-machine.ts';
import { whyNoCaptures } from '../linux/kernel-backend.ts';
import { configOfKernel, isDocument, limitsOf, startMachine } from './lab.ts';
import { type BackendName, type Budget, UsageError } from './options.ts';
import type { Style } from './style.ts';
import { commandLines } from './transcript.ts';

export interface AgreeTask {
  file: string;
  text: string;
  args: readonly string[];
  /** Commands after the lab, in the same shell. */
  then?: readonly string[];
  on: BackendName;
  against: readonly BackendName[];
  seed: number;
  budget: Budget;
  /** How the twin's kernel is built; default: as the one that it is compared with. */
  config?: KernelConfig;
}

/** Run the lab on the first backend and on each of the others, and compare. */
export async function agree(task: AgreeTask): Promise<Agreement[]> {
  const outcomes = new Map<BackendName, Pair>();
  const names = [task.on, ...task.against];
  // The twin is last: it keeps the pace of those that it is compared with.
  for (const name of names.filter((one) => one !== 'twin')) outcomes.set(name, await runPair(name, task));
  const agreements: Agreement[] = [];
  for (const name of task.against) {
    const [first, second] = await Promise.all(
      [task.on, name].map(async (one, i, pair) => {
        if (one !== 'twin') return runOf(outcomes.get(one)!);
        // Its kernel is built as theirs.
        const other = pair[1 - i]!;
        const config = task.config ?? (other === 'twin' ? {} : await configOfKernel(other));
        const { run } = await runOnce('twin', { ...task, config }, {});
        return { ...runOf(await runPair('twin', { ...task, config }, outcomes.get(other))), commands: run.commands };
      }),
    );
    agreements.push(compareRuns(first!, second!));
  }
  return agreements;
}

/** What came of one run. */
interface Outcome {
  run: Run;
  /** When each command began, and the lab ended: nanoseconds since the machine started. */
  begun: readonly number[];
  ended: number;
  /** How much longer captures listened than the lab ran, nanoseconds. */
  after: number;
  interfaces: readonly InterfaceFrames[];
  tables?: MachineTables;
}

/** Two runs of one lab at the same time: see {@link CaptureRun}. */
interface Pair {
  plain: Outcome;
  /** Absent where nothing can capture. */
  captured: Outcome | undefined;
}

async function runPair(backend: BackendName, task: AgreeTask, pace?: Pair): Promise<Pair> {
  const plain = runOnce(backend, task, { tables: true }, pace?.plain);
  // Two kernels as processes would be in each other's way.
  if (backend === 'uml') await plain;
  const captures = backend === 'twin' ? pace?.captured !== undefined : await canCapture();
  const captured = captures ? runOnce(backend, task, { tables: true, captures: true }, pace?.captured) : undefined;
  const [one, other] = await Promise.all([plain, captured]);
  return { plain: one, captured: other };
}

async function canCapture(): Promise<boolean> {
  return whyNoCaptures() === undefined;
}

function runOf({ plain, captured }: Pair): Run {
  const { run, tables } = plain;
  const { interfaces = [], begun = [], tables: addresses } = captured ?? {};
  return {
    ...run,
    ...(tables === undefined ? {} : { tables }),
    ...(captured !== undefined && captured.run.stopped === undefined && addresses !== undefined
      ? { capture: { interfaces, commands: begun, tables: addresses } }
      : {}),
  };
}

/**
 * One run. With a `pace`, each command begins no earlier than it did there: commands take time on a kernel
 * and none on the twin, and retries and ageing go by the clock.
 */
async function runOnce(
  backend: BackendName,
  task: AgreeTask,
  observe: { tables?: true; captures?: true },
  pace?: Outcome,
): Promise<Outcome> {
  const { file, text } = task;
  const document = isDocument(file, text) || task.then !== undefined;
  const collector = new OutputCollector();
  const folder = file === '-' ? process.cwd() : dirname(file);
  const { seed, config } = task;
  const options = {
    seed,
    terminal: document,
    limits: limitsOf(task.budget),
    ...observe,
    ...(config === undefined ? {} : { config }),
  };
  const machine = await startMachine(backend, folder, collector.sink, options);
  const from = pace?.begun[0] ?? 0;
  const keepUp = async (time: number | undefined) => {
    if (time === undefined || machine.advance === undefined || machine.stopped !== undefined) return;
    await machine.advance(Math.max(0, time - from - machine.now));
  };
  let ran: Pick<Outcome, 'run' | 'begun'> | undefined;
  try {
    const at = (command: number) => keepUp(pace?.begun[command]);
    ran = document ? await runLabDocument(machine, collector, task, at) : await runLabScript(machine, collector, task);
    // Where within a script time went is not known: it is not made up for.
    if (document) await keepUp(pace?.ended);
    else if (pace !== undefined && machine.stopped === undefined) await machine.advance?.(pace.after);
  } finally {
    if (ran === undefined) await machine.stop();
  }
  const atEnd = machine.now;
  const { frames, tables, listedAt = atEnd, heardUntil = listedAt } = await machine.stop();
  const ended = observe.captures === true ? heardUntil : listedAt;
  const run = { ...ran.run, backend };
  const after = Math.max(0, ended - listedAt);
  return { run, begun: ran.begun, ended, after, interfaces: frames, ...(tables === undefined ? {} : { tables }) };
}

async function runLabScript(machine: LabMachine, collector: OutputCollector, { file, text, args }: AgreeTask) {
  const path = file === '-' ? 'bash' : file;
  const begun = [machine.now];
  const { status, chunks, stopped } = await runScript(machine, collector, { path, text, args });
  // Two pipes: only within each of them is the order certain.
  const output = (['stdout', 'stderr'] as const).map((stream) =>
    chunks
      .filter((chunk) => chunk.stream === stream)
      .map((chunk) => chunk.text)
      .join(''),
  );
  const commands = [{ command: `bash ${path}`, line: 1, output: output.join(''), status, expected: [] }];
  return { run: { backend: '', commands, ...stopOf(stopped) }, begun };
}

async function runLabDocument(
  machine: LabMachine,
  collector: OutputCollector,
  task: AgreeTask,
  at: (command: number) => Promise<void>,
) {
  const parsed = labDocument(task, (command) => machine.isComplete(command));
  let next = 0;
  const { steps, stopped } = await runDocument(machine, collector, parsed, { before: () => at(next++) });
  const commands = steps.map(({ step, output, status }) => ({
    command: step.command,
    line: step.line,
    output,
    status,
    expected: step.expected,
  }));
  return { run: { backend: '', commands, ...stopOf(stopped) }, begun: steps.map(({ startedAt }) => startedAt) };
}

/** The lab's commands, and those after it. A script is one command then. */
export function labDocument({ file, text, args, then = [] }: AgreeTask, isComplete: IsComplete): LabDocument {
  const after = documentOf(then).parts;
  if (!isDocument(file, text)) {
    const words = [`./${basename(file)}`, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    return documentOf([`bash ${words.join(' ')}`, ...then]);
  }
  const parsed = parseDocument(text, isComplete);
  const fault = parsed.errors[0];
  if (fault !== undefined) throw new UsageError(`${file}:${fault.line}: ${fault.message}`);
  if (stepsOf(parsed).length === 0) throw new UsageError(`${file}: no command in a \`\`\`console block`);
  return { ...parsed, parts: [...parsed.parts, ...after] };
}

const stopOf = (stopped: Stopped | undefined) => (stopped === undefined ? {} : { stopped: stopped.message });

/** What differs, command by command, interface by interface and table by table, and the numbers. */
export function agreementText(file: string, agreement: Agreement, style: Style): string {
  const parts = agreement.disagreements.map(
    (one) => `${style.bold(`${file}:${one.line}`)}\n${disagreementText(one, agreement.backends, style)}`,
  );
  for (const { title, place, lines } of observedDifferences(agreement)) {
    parts.push(`${style.bold(`${file}: ${title} ${place}`)}\n`);
    for (const line of lines) parts.push(differenceText(line, agreement.backends, style));
  }
  const summary = `${file}: ${summaryOf(agreement)}`;
  parts.push(`${agrees(agreement) ? style.green(summary) : style.red(summary)}\n`);
  return parts.join('');
}

/** Who agrees on what, in one line. */
export function summaryOf(agreement: Agreement): string {
  const [first, second] = agreement.backends;
  return `${first} and ${second} agree on ${figuresOf(agreement).join(', ')}`;
}

/** The numbers, as people read them. */
function figuresOf({ lines, agreeingLines, commands, agreeingCommands, ...seen }: Agreement): string[] {
  const { frames, tables, counters } = seen;
  const figures = [
    `${agreeingLines} of ${lines} lines (${percentOf(agreeingLines, lines)} %)`,
    `${agreeingCommands} of ${commands} commands`,
  ];
  if (frames !== undefined) {
    const order = frames.inOrder === frames.agreeing ? '' : `, ${frames.inOrder} of them in order`;
    const unseen = frames.unseen === 0 ? '' : `, ${frames.unseen} more passed before a capture listened`;
    figures.push(`${frames.agreeing} of ${frames.frames} frames (${frames.interfaces} interfaces${order}${unseen})`);
  }
  if (frames === undefined && tables !== undefined) figures.push('frames not compared');
  if (tables !== undefined) figures.push(`${tables.agreeing} of ${tables.entries} table entries`);
  if (counters !== undefined) figures.push(`${counters.agreeing} of ${counters.entries} counters`);
  return figures;
}

type DifferenceLine = { kind: 'first' | 'second' | 'order'; text: string; count?: number };

/** What differs beside the output, with a word for what it is. */
export function observedDifferences({ frames, tables, counters }: Agreement) {
  const list = (title: string, all: readonly { place: string; lines: readonly DifferenceLine[] }[] = []) =>
    all.map(({ place, lines }) => ({ title, place, lines }));
  return [
    ...list('frames on', frames?.differences),
    ...list('table', tables?.differences),
    ...list('counters of', counters?.differences),
  ];
}

function differenceText({ kind, text, count = 1 }: DifferenceLine, backends: Agreement['backends'], style: Style) {
  const [first, second] = backends;
  const width = Math.max(first.length, second.length);
  const times = count === 1 ? '' : ` (${count} times)`;
  if (kind === 'order') return style.yellow(`~ ${'order'.padEnd(width)}  ${text}${times}`).concat('\n');
  const name = (kind === 'first' ? first : second).padEnd(width);
  const line = `${kind === 'first' ? '-' : '+'} ${name}  ${text}${times}`;
  return `${kind === 'first' ? style.red(line) : style.green(line)}\n`;
}

export function disagreementText(one: Disagreement, [first, second]: Agreement['backends'], style: Style): string {
  const width = Math.max(first.length, second.length);
  const label = (name: string) => name.padEnd(width);
  let text = commandLines(one.command, '#', style);
  for (const { kind, text: line } of one.diff) {
    if (kind === 'same') text += `  ${label('')}  ${line}\n`;
    else if (kind === 'first') text += `${style.red(`- ${label(first)}  ${line}`)}\n`;
    else text += `${style.green(`+ ${label(second)}  ${line}`)}\n`;
  }
  if (one.statuses !== undefined) {
    text += `${style.red(`- ${label(first)}  exit status ${one.statuses[0]}`)}\n`;
    text += `${style.green(`+ ${label(second)}  exit status ${one.statuses[1]}`)}\n`;
  }
  return text;
}
