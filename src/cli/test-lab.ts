/** One lab as a test, with a report that can be sent between threads. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { agrees } from '../lab/agreement.ts';
import type { LabMachine } from '../lab/backend.ts';
import type { Aligned } from '../lab/compare.ts';
import { align, isAsExpected, outputLines } from '../lab/compare.ts';
import { parseDocument, stepsOf } from '../lab/document.ts';
import { OutputCollector, runDocument, runScript } from '../lab/run.ts';
import { updateDocument } from '../lab/update.ts';
import { agree, observedDifferences, summaryOf } from './agree.ts';
import { reason } from './folder.ts';
import { isDocument, limitsOf, startMachine } from './lab.ts';
import { type BackendName, type Budget, UsageError } from './options.ts';

export interface LabTask {
  path: string;
  on: BackendName;
  against: readonly BackendName[];
  seed: number;
  budget: Budget;
  update: boolean;
}

/** A command whose output was not as expected. */
export interface LabFailure {
  /** 0 for what no command printed: frames, tables and counters. */
  line: number;
  command: string;
  comparison: readonly Aligned[];
}

export interface LabReport {
  path: string;
  passed: boolean;
  /** Commands that ran, and those whose output was not as expected. */
  commands: number;
  failures: readonly LabFailure[];
  /** Why the lab could not be run, or was stopped. */
  error?: string;
  updated: boolean;
  /** On several backends: the numbers, in one line for each pair. */
  agreements?: readonly string[];
  /** Real milliseconds. */
  milliseconds: number;
}

/** Where a script's expected output lies: beside it, with this extension. */
export function expectedOutputOf(script: string): string {
  return script.replace(/\.[^./]*$/, '.out');
}

export async function testLab(task: LabTask): Promise<LabReport> {
  const startedAt = performance.now();
  const outcome = await attempt(task);
  return { updated: false, ...outcome, path: task.path, milliseconds: performance.now() - startedAt };
}

type Outcome = Omit<LabReport, 'path' | 'milliseconds' | 'updated'> & { updated?: boolean };

const unable = (error: string): Outcome => ({ passed: false, commands: 0, failures: [], error });

async function attempt(task: LabTask): Promise<Outcome> {
  let text: string;
  try {
    text = readFileSync(task.path, 'utf8');
  } catch (error) {
    return unable(reason(error));
  }
  if (task.against.length > 0) return compareBackends(task, text);
  const collector = new OutputCollector();
  const document = isDocument(task.path, text);
  let machine: LabMachine;
  try {
    machine = await startMachine(task.on, dirname(task.path), collector.sink, {
      seed: task.seed,
      terminal: document,
      limits: limitsOf(task.budget),
    });
  } catch (error) {
    if (error instanceof UsageError) return unable(error.message);
    throw error;
  }
  try {
    return document ? await tryDocument() : await tryScript();
  } finally {
    await machine.stop();
  }

  async function tryDocument(): Promise<Outcome> {
    const parsed = parseDocument(text, (command) => machine.isComplete(command));
    const fault = parsed.errors[0];
    if (fault !== undefined) return unable(`line ${fault.line}: ${fault.message}`);
    if (stepsOf(parsed).length === 0) return unable('no command in a ```console block');
    const result = await runDocument(machine, collector, parsed);
    const failures = result.steps
      .filter((step) => !step.asExpected)
      .map(({ step, comparison }) => ({ line: step.line, command: step.command, comparison }));
    const error = result.stopped === undefined ? {} : { error: `stopped: ${result.stopped.message}` };
    const outcome = { commands: result.steps.length, failures, ...error };
    if (!task.update || result.stopped !== undefined) return { ...outcome, passed: result.asExpected };
    const fresh = updateDocument(
      parsed,
      result.steps.map((step) => step.output),
    );
    if (fresh !== text) writeFileSync(task.path, fresh);
    return { ...outcome, failures: [], passed: true, updated: fresh !== text };
  }

  async function tryScript(): Promise<Outcome> {
    const result = await runScript(machine, collector, { path: task.path, text, args: [] });
    if (result.stopped !== undefined) return { ...unable(`stopped: ${result.stopped.message}`), commands: 1 };
    const golden = expectedOutputOf(task.path);
    if (!existsSync(golden)) {
      const failed = result.status === 0 ? {} : { error: `exit status ${result.status}` };
      return { passed: result.status === 0, commands: 1, failures: [], ...failed };
    }
    const output = result.chunks.map((chunk) => chunk.text).join('');
    const comparison = align(outputLines(readFileSync(golden, 'utf8')), outputLines(output));
    const passed = isAsExpected(comparison);
    if (!passed && task.update) {
      writeFileSync(golden, output);
      return { passed: true, commands: 1, failures: [], updated: true };
    }
    return { passed, commands: 1, failures: passed ? [] : [{ line: 1, command: `bash ${task.path}`, comparison }] };
  }
}

/** A lab on several backends passes when they agree: differences are shown as the first one's lines missing. */
async function compareBackends(task: LabTask, text: string): Promise<Outcome> {
  let agreements: Awaited<ReturnType<typeof agree>>;
  try {
    agreements = await agree({ ...task, file: task.path, text, args: [] });
  } catch (error) {
    if (error instanceof UsageError) return unable(error.message);
    throw error;
  }
  const failures = agreements.flatMap(({ backends, disagreements }) =>
    disagreements.map(({ line, command, diff, statuses }) => ({
      line,
      command,
      comparison: [
        ...diff.map(
          ({ kind, text: shown }): Aligned =>
            kind === 'same'
              ? { kind: 'kept', expected: shown, actual: [shown] }
              : kind === 'first'
                ? { kind: 'missing', expected: `${backends[0]}: ${shown}` }
                : { kind: 'extra', actual: `${backends[1]}: ${shown}` },
        ),
        ...(statuses === undefined
          ? []
          : [
              { kind: 'missing' as const, expected: `${backends[0]}: exit status ${statuses[0]}` },
              { kind: 'extra' as const, actual: `${backends[1]}: exit status ${statuses[1]}` },
            ]),
      ],
    })),
  );
  const seen = agreements.flatMap((agreement) =>
    observedDifferences(agreement).map(({ title, place, lines }) => ({
      line: 0,
      command: `${title} ${place}`,
      comparison: lines.map(({ kind, text: shown, count = 1 }): Aligned => {
        const what = count === 1 ? shown : `${shown} (${count} times)`;
        if (kind === 'first') return { kind: 'missing', expected: `${agreement.backends[0]}: ${what}` };
        return { kind: 'extra', actual: `${kind === 'second' ? agreement.backends[1] : 'another order'}: ${what}` };
      }),
    })),
  );
  const commands = agreements[0]?.commands ?? 0;
  return {
    passed: agreements.every(agrees),
    commands,
    failures: [...failures, ...seen],
    agreements: agreements.map(summaryOf),
  };
}
