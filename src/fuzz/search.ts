/** One lab on the twin and on another backend: whether they differ, whether they always do, and where exactly. */
import { type Divergence, divergenceOf, isAlike, type LabOutput } from './divergence.ts';
import type { FuzzLab } from './fuzz-lab.ts';
import { shrinkCommands } from './shrink.ts';

/** Runs a lab to its end. */
export type RunLab = (lab: FuzzLab) => Promise<LabOutput>;

export interface SearchOptions {
  twin: RunLab;
  against: RunLab;
  /** Candidates that are tried at a time when a lab is made smaller. */
  width: number;
  /** Leave a lab that differs as large as it is. */
  whole: boolean;
}

export type Finding =
  | { kind: 'same' }
  /** Frames multiplied or went round without end: what comes of that depends on how fast the machine is. */
  | { kind: 'storm'; lab: FuzzLab }
  /** The kernel did not do the same each time. */
  | { kind: 'unstable'; lab: FuzzLab; divergence: Divergence }
  | { kind: 'differs'; lab: FuzzLab; divergence: Divergence };

/** Times that a kernel must repeat itself for a difference to count. */
const REPEATS = 2;

/** Run the lab; when it differs reliably, find the smallest lab that does. */
export async function examine(lab: FuzzLab, options: SearchOptions): Promise<Finding> {
  const output = await options.twin(lab);
  if (output.storm === true) return { kind: 'storm', lab };
  const found = divergenceOf(lab, output, await options.against(lab));
  if (found === undefined) return { kind: 'same' };
  if (!(await isReliable(lab, found, options))) return { kind: 'unstable', lab, divergence: found };
  const cut = { ...lab, commands: lab.commands.slice(0, found.at + 1) };
  if (options.whole) return { kind: 'differs', lab: cut, divergence: found };
  const commands = await shrinkCommands(cut.commands, async (candidates) => {
    for (let from = 0; from < candidates.length; from += options.width) {
      const batch = candidates.slice(from, from + options.width);
      const results = await Promise.all(batch.map((one) => stillDiffers({ ...lab, commands: one }, found, options)));
      const index = results.indexOf(true);
      if (index >= 0) return from + index;
    }
    return undefined;
  });
  const small = { ...lab, commands };
  const last = await divergence(small, options);
  if (last !== undefined && isAlike(found, last) && (await isReliable(small, last, options))) {
    return { kind: 'differs', lab: small, divergence: last };
  }
  return { kind: 'differs', lab: cut, divergence: found };
}

async function divergence(lab: FuzzLab, { twin, against }: SearchOptions): Promise<Divergence | undefined> {
  return divergenceOf(lab, await twin(lab), await against(lab));
}

async function isReliable(lab: FuzzLab, found: Divergence, options: SearchOptions): Promise<boolean> {
  for (let i = 0; i < REPEATS; i++) {
    const again = await divergence(lab, options);
    if (again === undefined || again.at !== found.at || !sameDiff(again, found)) return false;
  }
  return true;
}

const sameDiff = (one: Divergence, other: Divergence): boolean =>
  JSON.stringify([one.disagreement.diff, one.disagreement.statuses]) ===
  JSON.stringify([other.disagreement.diff, other.disagreement.statuses]);

/** The last command differs in the way that was found, and no command before it does. */
async function stillDiffers(lab: FuzzLab, found: Divergence, options: SearchOptions): Promise<boolean> {
  const now = await divergence(lab, options);
  return now !== undefined && now.at === lab.commands.length - 1 && isAlike(found, now);
}
