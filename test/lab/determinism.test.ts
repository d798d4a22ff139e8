/** The same lab and the same seed give the same bytes: text, captures, trace. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Remains } from '../../src/lab/backend.ts';
import { parseDocument, stepsOf } from '../../src/lab/document.ts';
import { TwinMachine } from '../../src/lab/twin-machine.ts';

const labs = join(dirname(fileURLToPath(import.meta.url)), '../../labs');
const names = readdirSync(labs).filter((name) => name.endsWith('.md'));

async function runLab(name: string, seed: number): Promise<{ output: string; remains: Remains }> {
  let output = '';
  const decoder = new TextDecoder();
  const machine = new TwinMachine({
    seed,
    terminal: true,
    captures: true,
    trace: true,
    sink: (_, data) => {
      output += decoder.decode(data, { stream: true });
    },
  });
  const document = parseDocument(readFileSync(join(labs, name), 'utf8'), (text) => machine.isComplete(text));
  for (const step of stepsOf(document)) await machine.command(step.command);
  expect(machine.kernel.skbs.lost).toBe(0);
  return { output, remains: await machine.stop() };
}

describe('two runs of a lab', () => {
  it.each(names)('%s: are the same for the same seed, to the byte', async (name) => {
    const first = await runLab(name, 7);
    const second = await runLab(name, 7);
    expect(second.output).toBe(first.output);
    expect(second.remains.captures.length).toBeGreaterThan(2);
    expect(second.remains.captures).toEqual(first.remains.captures);
    expect(second.remains.trace.length).toBeGreaterThan(50);
    expect(second.remains.trace).toEqual(first.remains.trace);
  });

  it('differ for another seed in what is random on Linux, and in nothing else', async () => {
    const first = await runLab('vepa.md', 1);
    const second = await runLab('vepa.md', 2);
    expect(second.remains.captures).not.toEqual(first.remains.captures);
    const withoutTimes = (text: string) =>
      text
        .replace(/time[= ][\d.]+ ?ms/g, 'time')
        .replace(/^rtt .*$/gm, 'rtt')
        .replace(/id \d+/g, 'id');
    expect(withoutTimes(second.output)).toBe(withoutTimes(first.output));
  });
});
