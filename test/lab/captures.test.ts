/** What a lab's captures say to the real tcpdump and to ours: the same, with each way of printing. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseDocument, stepsOf } from '../../src/lab/document.ts';
import { Twin } from '../../src/lab/twin.ts';
import { TwinMachine } from '../../src/lab/twin-machine.ts';

const TCPDUMP = '/usr/bin/tcpdump';
const OPTIONS = [['-n'], ['-ne'], ['-nvv'], ['-tnX'], ['-tnq'], ['-tttnxx', 'arp'], ['-tnA', 'icmp or vlan']];
const labs = join(dirname(fileURLToPath(import.meta.url)), '../../labs');

async function capturesOf(name: string) {
  const machine = new TwinMachine({ seed: 3, terminal: true, captures: true, sink: () => undefined });
  const document = parseDocument(readFileSync(join(labs, name), 'utf8'), (text) => machine.isComplete(text));
  for (const step of stepsOf(document)) await machine.command(step.command);
  return (await machine.stop()).captures.filter(({ data }) => data.length > 200);
}

describe.skipIf(!existsSync(TCPDUMP))('the real tcpdump reads what the twin writes', () => {
  it.each(readdirSync(labs).filter((name) => name.endsWith('.md')))('%s', async (name) => {
    const captures = await capturesOf(name);
    expect(captures.length).toBeGreaterThan(1);
    const folder = mkdtempSync(join(tmpdir(), 'hairpin-captures-'));
    try {
      for (const { data } of captures) {
        const path = join(folder, 'x.pcapng');
        writeFileSync(path, data);
        const twin = new Twin({ files: { [path]: data } });
        for (const options of OPTIONS) {
          const env = { ...process.env, TZ: 'UTC' };
          const real = spawnSync(TCPDUMP, ['-r', path, ...options], { encoding: 'utf8', env });
          const ours = await twin.run(
            `tcpdump -r ${path} ${options.slice(0, 1)} ${options.slice(1).map((word) => `'${word}'`)}`,
          );
          expect(ours.stdout).toBe(real.stdout);
          expect([ours.stderr, ours.status]).toEqual([real.stderr, real.status]);
        }
        await twin.close();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
