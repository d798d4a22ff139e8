import { describe, expect, it } from 'vitest';
import { fuzzScript, ranCommands } from '../../src/fuzz/fuzz-lab.ts';
import { generateLab } from '../../src/fuzz/generate.ts';
import { PROFILES } from '../../src/fuzz/world.ts';

const seeds = Array.from({ length: 200 }, (_, seed) => seed);

describe('random labs', () => {
  it('are the same for the same seed', () => {
    for (const seed of seeds.slice(0, 50)) {
      expect(generateLab(seed, PROFILES.uml)).toEqual(generateLab(seed, PROFILES.uml));
    }
  });

  it('differ from seed to seed', () => {
    const texts = new Set(seeds.map((seed) => fuzzScript(generateLab(seed, PROFILES.kernel))));
    expect(texts.size).toBe(seeds.length);
  });

  it('use only devices that the kernel has', () => {
    const commands = seeds.flatMap((seed) => generateLab(seed, PROFILES.kernel).commands);
    expect(commands.filter((command) => /type (vlan|dummy)/.test(command))).toEqual([]);
    const tagged = seeds.flatMap((seed) => generateLab(seed, PROFILES.uml).commands);
    expect(tagged.filter((command) => command.includes('type vlan')).length).toBeGreaterThan(100);
  });

  it('begin with a network and end with a look at it', () => {
    for (const seed of seeds) {
      const { commands } = generateLab(seed, PROFILES.kernel);
      expect(commands[0]).toMatch(/^(ip link add|ns )/);
      expect(commands.length).toBeGreaterThan(15);
    }
  });
});

describe('the output of a lab', () => {
  const lab = { seed: 0, commands: ['echo one', 'false', 'printf two', 'echo one'] };

  it('is taken apart by command, with exit statuses', () => {
    const output = '\n$ echo one\none\n\n$ false\n\n[1]\n\n$ printf two\ntwo\n$ echo one\none\n\n$ :\n';
    expect(ranCommands(lab, output).map((ran) => [ran.output, ran.status])).toEqual([
      ['one\n', 0],
      ['', 1],
      ['two', 0],
      ['one\n', 0],
    ]);
  });

  it('of a lab that was stopped has the commands that ran', () => {
    expect(ranCommands(lab, '\n$ echo one\none\n\n$ false\n')).toHaveLength(2);
  });
});
