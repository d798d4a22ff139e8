/** The parts of the bench that decide: what is wrong usage, and which curve grows faster than the work. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Curve {
  what: string;
  exponent: number;
}
interface Curves {
  curve(
    name: string,
    what: string,
    unit: string,
    points: readonly { size: number; work: number; cost: number }[],
  ): Curve;
  faults(curves: { frames: Curve[]; labs: Curve[] }): string[];
}

const bench = (name: string) => new URL(`../../bench/${name}`, import.meta.url);
const { curve, faults } = (await import(bench('curves.mjs').href)) as Curves;

/** A curve of floods to `size` ports, each of which costs `each(size)`. */
const flood = (each: (size: number) => number) =>
  curve(
    'flood',
    'flood',
    'copy',
    [2, 10, 100, 1000].map((size) => ({ size, work: size - 1, cost: (size - 1) * each(size) })),
  );

describe('a curve', () => {
  it('has the exponent 1 when each piece of work costs the same', () => {
    expect(flood(() => 3e-7).exponent).toBeCloseTo(1);
  });

  it('has the exponent 2 when each piece of work looks at all the others', () => {
    expect(flood((size) => size * 1e-8).exponent).toBeCloseTo(2);
  });

  it('is at fault when it grows as n log n, and not when it is flat or its beginning costs more', () => {
    const sizes = {
      flat: () => 1e-7,
      start: (size: number) => 1e-7 + 1e-6 / size,
      nLogN: (size: number) => 1e-8 * Math.log2(size),
    };
    const at = (each: (size: number) => number) => faults({ frames: [flood(each)], labs: [] });
    expect(at(sizes.flat)).toEqual([]);
    expect(at(sizes.start)).toEqual([]);
    expect(at(sizes.nLogN)).toEqual([expect.stringMatching(/^flood: the cost grows as the work to the power of 1\.3/)]);
  });

  it('is at fault when only its upper part grows, behind a costly beginning', () => {
    const late = flood((size) => ({ 2: 2e-6, 10: 2e-7, 100: 5e-7, 1000: 4e-6 })[size]!);
    expect(faults({ frames: [late], labs: [] })).toEqual([
      expect.stringMatching(
        /^flood: the cost grows as the work to the power of 1\.\d\d from 10 to 1000; at most 1\.6 may be/,
      ),
    ]);
  });
});

describe('npm run bench', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [fileURLToPath(bench('main.mjs')), ...args], { encoding: 'utf8' });

  it.each([
    [['--only', 'frame'], 'bench: no section frame: there are frames, curves, setup, latency'],
    [['--write', '--only', 'frames'], 'bench: --write needs all sections: leave out --only'],
    [['--record', '--twin-only'], 'bench: --record needs the kernel and ns-3: leave out --twin-only'],
    [['--sections'], "bench: Unknown option '--sections'"],
  ])('refuses %j', (args, message) => {
    const { status, stdout, stderr } = run(...args);
    expect(stderr).toBe(`${message}\nnpm run bench -- --help tells the options\n`);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it('tells its options', () => {
    const { status, stdout } = run('--help');
    expect(stdout).toMatch(/^Usage: npm run bench/);
    expect(status).toBe(0);
  });
});
