/** Where two backends first part in a lab, and what of it is the same in another run. */
import { compareRuns, type Disagreement, type Run } from '../lab/agreement.ts';
import { FIRST_LINE, type FuzzLab, ranCommands } from './fuzz-lab.ts';

/** What one backend printed for a lab. */
export interface LabOutput {
  backend: string;
  output: string;
  /** Why it ended early. */
  stopped?: string;
  /** On the twin: it ended because frames passed without end. */
  storm?: boolean;
}

export interface Divergence {
  /** Index of the first command that came out differently. */
  at: number;
  disagreement: Disagreement;
}

/** What Linux 6.1 does otherwise than the kernel that the twin models, and what stands for either. */
const SINCE_6_1: readonly { why: string; of: RegExp; as: string }[] = [
  {
    why: 'later kernels explain more refusals of rtnetlink than by an error number',
    of: /^(?:Error: .*|RTNETLINK answers: .*)$/gm,
    as: 'refused',
  },
  {
    why: 'Linux 6.1 counts what is forwarded among OutRequests, and has no OutTransmits',
    of: /^Ip: .*$/gm,
    as: 'Ip:',
  },
  {
    why: 'default_operstate() of Linux 6.1 does not look for the lower device in its namespace',
    of: /\b(?:LOWERLAYER)?DOWN\b( ?) */gi,
    as: 'DOWN$1',
  },
  {
    why: 'before Linux 6.3 a frame for a device without carrier is not counted as dropped',
    of: /(TX:[^\\\n]*[\\\n]\s*\d+\s+\d+\s+\d+\s+|"tx": ?\{[^}]*?"dropped": ?|tx_dropped:|TX errors \d+ +dropped )\d+/g,
    as: '$1N',
  },
  {
    why: 'before Linux 6.9 asking for a device does not bring it up to date, and a bridge forwards over a port that has no carrier yet',
    of: /("carrier_changes": ?|heartbt transns[\\\n]\s*\d+\s+\d+\s+\d+\s+\d+\s+)\d+/g,
    as: '$1N',
  },
  {
    why: 'before Linux 6.5 what waits for ksoftirqd can come after the socket was closed, and no socket is an error',
    of: /^(Icmp: \d+ )\d+/gm,
    as: '$1N',
  },
  {
    why: 'the same in /proc/net/dev',
    of: /^( *\S+:(?: +\d+){11} +)\d+/gm,
    as: '$1N',
  },
];

/** The output of a kernel, or of the twin, as far as Linux 6.1 and the twin's kernel agree about it. */
export function sinceLinux61(output: string): string {
  return SINCE_6_1.reduce((text, { of, as }) => text.replace(of, as), output).replace(/ +$/gm, '');
}

function runOf(lab: FuzzLab, { backend, output, stopped }: LabOutput): Run {
  return { backend, commands: ranCommands(lab, output), ...(stopped === undefined ? {} : { stopped }) };
}

/** The first command that came out differently; undefined if all agree. */
export function divergenceOf(lab: FuzzLab, first: LabOutput, second: LabOutput): Divergence | undefined {
  const runs = [runOf(lab, first), runOf(lab, second)] as const;
  const disagreement = compareRuns(...runs).disagreements[0];
  if (disagreement !== undefined) {
    return { at: disagreement.line - FIRST_LINE, disagreement };
  }
  if (first.stopped === second.stopped) return undefined;
  const at = Math.max(0, Math.min(runs[0].commands.length, lab.commands.length) - 1);
  const lines = [
    { kind: 'first', text: `stopped: ${first.stopped ?? 'no'}` },
    { kind: 'second', text: `stopped: ${second.stopped ?? 'no'}` },
  ] as const;
  return { at, disagreement: { command: lab.commands[at] ?? '', line: 0, diff: lines } };
}

/**
 * What a divergence is known by: the lines that differ, without their numbers, so that a smaller lab
 * with the same fault is told from one with another.
 */
export function signature({ disagreement }: Divergence): ReadonlySet<string> {
  const out = new Set<string>();
  for (const { kind, text } of disagreement.diff) {
    if (kind !== 'same') out.add(`${kind} ${text.replace(/[0-9]+/g, '0')}`);
  }
  const [first, second] = disagreement.statuses ?? [];
  if (first !== second) out.add(`status ${first} ${second}`);
  return out;
}

/** Whether two divergences have a line in common. */
export function isAlike(one: Divergence, other: Divergence): boolean {
  const known = signature(one);
  return [...signature(other)].some((line) => known.has(line));
}
