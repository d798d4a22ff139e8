/** The conformance cases on the twin, compared with what real kernels printed. */
import { describe, expect, it } from 'vitest';
import type { KernelConfig } from '../../src/kernel/core/kernel.ts';
import { maskLines } from '../../src/lab/mask.ts';
import { TwinMachine } from '../../src/lab/twin-machine.ts';
import { type Case, readCases, recordingOf } from './cases.ts';
import { KERNELS } from './kernels.ts';
import { KNOWN_DEVIATIONS } from './known-deviations.ts';

async function onTwin({ script }: Case, config: KernelConfig): Promise<string[]> {
  let text = '';
  const decoder = new TextDecoder();
  const machine = new TwinMachine({
    seed: 1,
    config,
    terminal: false,
    sink: (_, data) => {
      text += decoder.decode(data, { stream: true });
    },
    limits: { time: 600e9, events: 5_000_000 },
  });
  await machine.script('bash', script, []);
  await machine.stop();
  return maskLines(text);
}

const cases = readCases();

for (const area of new Set(cases.map((one) => one.area))) {
  for (const [kernel, config] of Object.entries(KERNELS)) {
    const recording = recordingOf(kernel, area);
    if (recording === undefined) continue;
    describe(`${area}, as on ${kernel}`, () => {
      for (const one of cases.filter((other) => other.area === area)) {
        const expected = recording.cases[one.name];
        if (expected === undefined) continue;
        const deviation =
          KNOWN_DEVIATIONS[`${kernel} ${area}: ${one.name}`] ?? KNOWN_DEVIATIONS[`${area}: ${one.name}`];
        it(deviation === undefined ? one.name : `${one.name} (deviates: ${deviation})`, async () => {
          const lines = await onTwin(one, config);
          if (deviation === undefined) expect(lines).toEqual(expected);
          else expect(lines).not.toEqual(expected);
        });
      }
    });
  }
}
