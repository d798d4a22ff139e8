/** A whole run as data: what `--json` prints. */
import type { Stopped } from './backend.ts';
import type { DocumentResult, OutputChunk, ScriptResult } from './run.ts';

interface Circumstances {
  /** Path of the lab as given. */
  lab: string;
  /** Name of the backend. */
  backend: string;
  seed: number;
}

/** One command of a document, or a script as a whole. Times are nanoseconds since the start. */
export interface RecordedCommand {
  command: string;
  line: number;
  status: number;
  startedAt: number;
  endedAt: number;
  output: readonly OutputChunk[];
  expected: readonly string[];
  asExpected: boolean;
}

export interface Recording extends Circumstances {
  kind: 'document' | 'script';
  /** Exit status of `hairpin run`. */
  status: number;
  /** Nanoseconds of virtual time. */
  duration: number;
  stopped?: Stopped;
  /** Of a script. */
  output?: readonly OutputChunk[];
  /** Of a document. */
  commands?: readonly RecordedCommand[];
}

export function recordDocument(about: Circumstances, result: DocumentResult, status: number): Recording {
  return {
    ...about,
    kind: 'document',
    status,
    duration: result.steps.at(-1)?.endedAt ?? 0,
    ...(result.stopped === undefined ? {} : { stopped: result.stopped }),
    commands: result.steps.map(({ step, status, startedAt, endedAt, chunks, asExpected }) => ({
      command: step.command,
      line: step.line,
      status,
      startedAt,
      endedAt,
      output: chunks,
      expected: step.expected,
      asExpected,
    })),
  };
}

export function recordScript(about: Circumstances, result: ScriptResult, status: number, duration: number): Recording {
  return {
    ...about,
    kind: 'script',
    status,
    duration,
    ...(result.stopped === undefined ? {} : { stopped: result.stopped }),
    output: result.chunks,
  };
}
