/**
 * How far two runs of a lab agree: line by line and status by status, after what depends on chance or
 * on the speed of the machine is masked (mask.ts) and what a document leaves open is taken as it stands.
 */
import { align } from './compare.ts';
import { compareFrames, type FrameAgreement } from './compare-frames.ts';
import { compareCounters, compareTables, type TableAgreement } from './compare-tables.ts';
import { Masker } from './mask.ts';
import type { InterfaceFrames, MachineTables } from './observation.ts';
import { RandomAddresses } from './random-address.ts';

/** One command of a run; a script is one command. */
export interface RanCommand {
  command: string;
  /** Its line in the document, from 1. */
  line: number;
  output: string;
  status: number;
  /** The document's expected output: a line with wildcards in it is not compared further. */
  expected: readonly string[];
}

/** A run of a lab on one backend. */
export interface Run {
  backend: string;
  commands: readonly RanCommand[];
  /** Why it ended early. */
  stopped?: string;
  /** At the end. */
  tables?: MachineTables;
  capture?: CaptureRun;
}

/**
 * Another run of the same lab, with captures: they change what a kernel counts (a frame that nobody
 * takes is not dropped while a capture sees it), so that output and counters are those of a run without.
 */
export interface CaptureRun {
  interfaces: readonly InterfaceFrames[];
  /** When each command began, nanoseconds since the machine started. */
  commands: readonly number[];
  tables: MachineTables;
}

export type DiffLine = { kind: 'same' | 'first' | 'second'; text: string };

/** A command that came out differently. */
export interface Disagreement {
  command: string;
  line: number;
  diff: readonly DiffLine[];
  /** Exit statuses, where they differ. */
  statuses?: readonly [first: string, second: string];
}

export interface Agreement {
  backends: readonly [first: string, second: string];
  commands: number;
  /** Commands whose lines and status all agree. */
  agreeingCommands: number;
  lines: number;
  agreeingLines: number;
  disagreements: readonly Disagreement[];
  /** Absent where one of the two was not observed, or stopped early. */
  frames?: FrameAgreement;
  tables?: TableAgreement;
  counters?: TableAgreement;
}

/** Whether nothing differs. */
export function agrees({ disagreements, frames, tables, counters }: Agreement): boolean {
  const observed = [frames, tables, counters].every((one) => one === undefined || one.differences.length === 0);
  return disagreements.length === 0 && observed;
}

/** Lines that a wildcard of the document stands for become that wildcard. */
function leaveOpen(expected: readonly string[], lines: readonly string[]): string[] {
  if (!expected.some((line) => line.trimEnd() === '...' || line.includes('[..]'))) return [...lines];
  return align(expected, lines).flatMap((line) => {
    if (line.kind === 'missing') return [];
    if (line.kind === 'extra') return [line.actual];
    return line.expected.trimEnd() === '...' || line.expected.includes('[..]') ? [line.expected] : line.actual;
  });
}

function maskedLines(masker: Masker, { command, output, expected }: RanCommand): string[] {
  if (output === '') return [];
  const lines = leaveOpen(expected, output.replace(/\n$/, '').split('\n'));
  return masker.lines(lines.join('\n'), command).map((line) => line.trimEnd());
}

/** Compare two runs of the same lab. */
export function compareRuns(first: Run, second: Run): Agreement {
  const maskers = [new Masker(), new Masker()] as const;
  const disagreements: Disagreement[] = [];
  const total = Math.max(first.commands.length, second.commands.length);
  let lines = 0;
  let agreeingLines = 0;
  for (let at = 0; at < total; at++) {
    const one = first.commands[at];
    const other = second.commands[at];
    const oneLines = one === undefined ? [] : maskedLines(maskers[0], one);
    const otherLines = other === undefined ? [] : maskedLines(maskers[1], other);
    const diff = diffOf(oneLines, otherLines);
    const same = diff.filter((line) => line.kind === 'same').length;
    agreeingLines += same;
    lines += Math.max(oneLines.length, otherLines.length);
    const statuses = [statusOf(one), statusOf(other)] as const;
    if (same === diff.length && statuses[0] === statuses[1]) continue;
    const { command, line } = (one ?? other)!;
    disagreements.push({ command, line, diff, ...(statuses[0] === statuses[1] ? {} : { statuses }) });
  }
  return {
    backends: [first.backend, second.backend],
    commands: total,
    agreeingCommands: total - disagreements.length,
    lines,
    agreeingLines,
    disagreements,
    ...observed(first, second),
  };
}

function observed(first: Run, second: Run): Pick<Agreement, 'frames' | 'tables' | 'counters'> {
  const captures = [first.capture, second.capture].flatMap((run) =>
    run === undefined ? [] : [{ ...run, addresses: new RandomAddresses(run.tables) }],
  );
  return {
    ...(captures.length < 2 ? {} : { frames: compareFrames(captures[0]!, captures[1]!) }),
    ...(first.tables === undefined || second.tables === undefined
      ? {}
      : {
          tables: compareTables(first.tables, second.tables),
          counters: compareCounters(first.tables, second.tables),
        }),
  };
}

const statusOf = (ran: RanCommand | undefined): string => (ran === undefined ? 'did not run' : String(ran.status));

/** The lines of both; what is a wildcard for a document is an ordinary line here. */
function diffOf(first: readonly string[], second: readonly string[]): DiffLine[] {
  return align(first, second).flatMap((line): DiffLine[] => {
    if (line.kind === 'missing') return [{ kind: 'first', text: line.expected }];
    if (line.kind === 'extra') return [{ kind: 'second', text: line.actual }];
    if (line.actual.length === 1 && line.actual[0] === line.expected) return [{ kind: 'same', text: line.expected }];
    return [{ kind: 'first', text: line.expected }, ...line.actual.map((text): DiffLine => ({ kind: 'second', text }))];
  });
}

/** Agreement as a percentage, never rounded up to 100. */
export function percentOf(part: number, whole: number): string {
  if (whole === 0 || part === whole) return '100';
  return (Math.floor((part / whole) * 1000) / 10).toFixed(1);
}
