/** A lab on several backends, and how far they agree. */
import { dirname } from 'node:path';
import { type Agreement, compareRuns, type Disagreement, percentOf, type Run } from '../lab/agreement.ts';
import { parseDocument, stepsOf } from '../lab/document.ts';
import { OutputCollector, runDocument, runScript } from '../lab/run.ts';
import { isDocument, limitsOf, startMachine } from './lab.ts';
import { type BackendName, type Budget, UsageError } from './options.ts';
import type { Style } from './style.ts';
import { commandLines } from './transcript.ts';

export interface AgreeTask {
  file: string;
  text: string;
  args: readonly string[];
  on: BackendName;
  against: readonly BackendName[];
  seed: number;
  budget: Budget;
}

/** Run the lab on the first backend and on each of the others, and compare. */
export async function agree(task: AgreeTask): Promise<Agreement[]> {
  const first = await runOn(task.on, task);
  const agreements: Agreement[] = [];
  for (const name of task.against) agreements.push(compareRuns(first, await runOn(name, task)));
  return agreements;
}

async function runOn(backend: BackendName, task: AgreeTask): Promise<Run> {
  const { file, text } = task;
  const document = isDocument(file, text);
  const collector = new OutputCollector();
  const folder = file === '-' ? process.cwd() : dirname(file);
  const machine = await startMachine(backend, folder, collector.sink, {
    seed: task.seed,
    terminal: document,
    limits: limitsOf(task.budget),
  });
  try {
    if (!document) {
      const path = file === '-' ? 'bash' : file;
      const { status, chunks, stopped } = await runScript(machine, collector, { path, text, args: task.args });
      // Two pipes: only within each of them is the order certain.
      const output = (['stdout', 'stderr'] as const).map((stream) =>
        chunks
          .filter((chunk) => chunk.stream === stream)
          .map((chunk) => chunk.text)
          .join(''),
      );
      const commands = [{ command: `bash ${path}`, line: 1, output: output.join(''), status, expected: [] }];
      return { backend, commands, ...(stopped === undefined ? {} : { stopped: stopped.message }) };
    }
    const parsed = parseDocument(text, (command) => machine.isComplete(command));
    const fault = parsed.errors[0];
    if (fault !== undefined) throw new UsageError(`${file}:${fault.line}: ${fault.message}`);
    if (stepsOf(parsed).length === 0) throw new UsageError(`${file}: no command in a \`\`\`console block`);
    const { steps, stopped } = await runDocument(machine, collector, parsed);
    const commands = steps.map(({ step, output, status }) => ({
      command: step.command,
      line: step.line,
      output,
      status,
      expected: step.expected,
    }));
    return { backend, commands, ...(stopped === undefined ? {} : { stopped: stopped.message }) };
  } finally {
    await machine.stop();
  }
}

export const agrees = ({ disagreements }: Agreement): boolean => disagreements.length === 0;

/** What differs, command by command, and the number. */
export function agreementText(file: string, agreement: Agreement, style: Style): string {
  const [first, second] = agreement.backends;
  const { lines, agreeingLines, commands, agreeingCommands } = agreement;
  const parts = agreement.disagreements.map(
    (one) => `${style.bold(`${file}:${one.line}`)}\n${disagreementText(one, agreement.backends, style)}`,
  );
  const summary =
    `${file}: ${first} and ${second} agree on ${agreeingLines} of ${lines} lines ` +
    `(${percentOf(agreeingLines, lines)} %), ${agreeingCommands} of ${commands} commands`;
  parts.push(`${agrees(agreement) ? style.green(summary) : style.red(summary)}\n`);
  return parts.join('');
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
