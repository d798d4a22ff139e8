/**
 * What a frame and a command cost, held against ceilings that no machine changes: counts of what runs, and the
 * ratio of two measurements in one process. The ceilings are in bench/cost/ceilings.json, a little above what was
 * measured. Who makes a path faster lowers them; who must raise them says why in the commit.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Counts {
  calls: number;
  /** Characters of JavaScript that ran. */
  code: number;
}
type Sized = Counts & { count: number };
interface Report {
  paths: Record<string, Counts & { bytes: number }>;
  sizes: Record<string, Sized[]>;
  labs: Record<string, Sized[]>;
}
interface Ceiling extends Counts {
  bytes: number;
  /** Of the time of a frame to that of a turn of the reference loop in bench/cost/ratio.mjs. */
  ratio: number;
}

const cost = (name: string) => fileURLToPath(new URL(`../../bench/cost/${name}`, import.meta.url));

/** Runs a program of bench/cost and reads what it prints. */
function ask(program: string, ...flags: string[]): unknown {
  return JSON.parse(execFileSync(process.execPath, [...flags, cost(program)], { encoding: 'utf8', stdio: 'pipe' }));
}

const ceilings = JSON.parse(readFileSync(cost('ceilings.json'), 'utf8')) as Record<string, Ceiling>;
const paths = Object.keys(ceilings);
const counted = ask('count.mjs', '--jitless', '--no-flush-bytecode', '--max-semi-space-size=256') as Report;

/** The code that one more (port, copy, namespace) makes, between neighbours in a list of sizes. */
const slopes = (sized: readonly Sized[]) =>
  sized.slice(1).map((at, i) => (at.code - sized[i]!.code) / (at.count - sized[i]!.count));

describe('a frame', () => {
  it.each(paths)(
    'makes no more calls, runs no more code and takes no more bytes on path %s than its ceiling',
    (path) => {
      const { calls, code, bytes } = counted.paths[path]!;
      const { ratio: _, ...ceiling } = ceilings[path]!;
      const over = Object.entries({ calls, code, bytes }).filter(([what, n]) => n > ceiling[what as keyof Counts]);
      expect(over, `above the ceiling ${JSON.stringify(ceiling)}`).toEqual([]);
    },
  );

  it.each(paths)('has on path %s a ceiling that is not far above it', (path) => {
    expect(ceilings[path]!.calls, 'lower the ceiling of calls').toBeLessThan(1.5 * counted.paths[path]!.calls);
    expect(ceilings[path]!.code, 'lower the ceiling of code').toBeLessThan(1.5 * counted.paths[path]!.code);
    expect(ceilings[path]!.bytes, 'lower the ceiling of bytes').toBeLessThan(1.5 * counted.paths[path]!.bytes);
  });

  it.each(['ports', 'macvlans'])('costs the same among 100 %s as among 10', (name) => {
    const [few, many] = counted.sizes[name]!;
    expect(many!.code).toBeLessThan(1.05 * few!.code);
  });

  it.each(['flood', 'siblings', 'arp'])('costs the same for each copy, however many (%s)', (name) => {
    const [first, second] = slopes(counted.sizes[name]!);
    expect(second).toBeLessThan(1.05 * first!);
  });

  it('takes no more time than its ceiling, in turns of a loop of like work', () => {
    const ratios = ask('ratio.mjs') as Record<string, number>;
    const over = paths.filter((path) => !(ratios[path]! <= ceilings[path]!.ratio));
    expect(over, JSON.stringify(ratios)).toEqual([]);
  });
});

describe('the set-up of a lab', () => {
  it.each(['batch', 'loop'])('costs the same for each namespace, however many there are (%s)', (kind) => {
    const [first, second] = slopes(counted.labs[kind]!);
    expect(first).toBeGreaterThan(0);
    // Longer numbers in the text make less than half of one in a hundred.
    expect(second).toBeLessThan(1.008 * first!);
  });
});
