/** Running a lab on a machine, and what came of it as data. */
import type { LabMachine, Sink, Stopped, StreamName } from './backend.ts';
import { type Aligned, align, isAsExpected, outputLines } from './compare.ts';
import { type LabDocument, type Step, stepsOf } from './document.ts';

/** A piece of output: which stream, when (nanoseconds since the start), and the text. */
export interface OutputChunk {
  time: number;
  stream: StreamName;
  text: string;
}

/** A command of a document after it ran. */
export interface StepResult {
  step: Step;
  /** Standard output and error, interleaved as on a terminal. */
  output: string;
  chunks: readonly OutputChunk[];
  status: number;
  startedAt: number;
  endedAt: number;
  comparison: readonly Aligned[];
  asExpected: boolean;
}

export interface DocumentResult {
  steps: readonly StepResult[];
  /** All commands ran, and printed what was expected. */
  asExpected: boolean;
  stopped: Stopped | undefined;
}

export interface ScriptResult {
  status: number;
  chunks: readonly OutputChunk[];
  stopped: Stopped | undefined;
}

/** Collects output as text, piece by piece. Give its {@link OutputCollector.sink} to the machine. */
export class OutputCollector {
  #chunks: OutputChunk[] = [];
  #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  #now: () => number = () => 0;

  readonly sink: Sink = (stream, data) => {
    const text = this.#decoders[stream].decode(data, { stream: true });
    if (text === '') return;
    const last = this.#chunks.at(-1);
    const time = this.#now();
    if (last?.stream === stream && last.time === time) last.text += text;
    else this.#chunks.push({ time, stream, text });
  };

  /** Take the times of output from this clock. */
  useClock(now: () => number): void {
    this.#now = now;
  }

  /** What came since the last call. */
  take(): OutputChunk[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
    return chunks;
  }
}

/** Called as a document runs. */
export interface DocumentObserver {
  before?(step: Step): void | Promise<void>;
  after?(result: StepResult): void;
}

/** Run the commands of a document in order, each when the one before it is done. A stopped machine runs no more. */
export async function runDocument(
  machine: LabMachine,
  output: OutputCollector,
  document: LabDocument,
  observer: DocumentObserver = {},
): Promise<DocumentResult> {
  output.useClock(() => machine.now);
  const steps: StepResult[] = [];
  const wanted = stepsOf(document);
  for (const step of wanted) {
    if (machine.stopped !== undefined) break;
    await observer.before?.(step);
    const startedAt = machine.now;
    const status = await machine.command(step.command);
    const chunks = output.take();
    const text = chunks.map((chunk) => chunk.text).join('');
    const comparison = align(step.expected, outputLines(text));
    const asExpected = isAsExpected(comparison);
    const result = { step, output: text, chunks, status, startedAt, endedAt: machine.now, comparison, asExpected };
    steps.push(result);
    observer.after?.(result);
  }
  const asExpected = steps.length === wanted.length && steps.every((step) => step.asExpected);
  return { steps, asExpected: asExpected && machine.stopped === undefined, stopped: machine.stopped };
}

/** Run a script to its end. */
export async function runScript(
  machine: LabMachine,
  output: OutputCollector,
  script: { path: string; text: string; args: readonly string[] },
): Promise<ScriptResult> {
  output.useClock(() => machine.now);
  const status = await machine.script(script.path, script.text, script.args);
  return { status, chunks: output.take(), stopped: machine.stopped };
}
