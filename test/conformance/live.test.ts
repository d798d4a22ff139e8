/**
 * A part of the conformance cases, live: on this machine's kernel and on the twin, side by side. The
 * recordings stand in for it where there is no such kernel, and this is said aloud.
 */
import { release } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/lab/backend.ts';
import { maskLines } from '../../src/lab/mask.ts';
import { twin } from '../../src/lab/twin-backend.ts';
import { kernel, whyUnavailable } from '../../src/linux/kernel-backend.ts';
import { readCases, recordingOf } from './cases.ts';
import { KERNELS } from './kernels.ts';
import { KNOWN_DEVIATIONS } from './known-deviations.ts';

const REFERENCE = 'linux-6.18';
/** One case in so many is run. */
const SAMPLE = 11;
const AT_ONCE = 6;

function whyNot(): string | undefined {
  if (!`linux-${release()}.`.startsWith(`${REFERENCE}.`))
    return `the twin is Linux 6.18, this machine has ${release()}`;
  return whyUnavailable();
}
const why = whyNot();
if (why !== undefined) console.warn(`the twin was compared with recordings only, not with a live kernel: ${why}`);

async function linesOn(backend: Backend, script: string, config = {}): Promise<string[]> {
  let text = '';
  const decoder = new TextDecoder();
  const machine = await backend.start({
    seed: 1,
    terminal: false,
    ...config,
    sink: (_, data) => {
      text += decoder.decode(data, { stream: true });
    },
  });
  await machine.script('bash', script, []);
  await machine.stop();
  return maskLines(text);
}

/** Cases that this kernel can run at all, none of them known to deviate. */
const cases = readCases()
  .filter(({ area, name }) => recordingOf(REFERENCE, area)?.cases[name] !== undefined)
  .filter(({ area, name }) => KNOWN_DEVIATIONS[`${REFERENCE} ${area}: ${name}`] === undefined)
  .filter((_, index) => index % SAMPLE === 0);

describe.skipIf(why !== undefined)("the twin and this machine's kernel, live", () => {
  const queue = [...cases];
  const answers = new Map<(typeof cases)[number], Promise<string[]>>();
  const slots = Array.from({ length: AT_ONCE }, () => Promise.resolve());
  queue.forEach((one, index) => {
    const slot = index % AT_ONCE;
    if (why !== undefined) return;
    const answer = slots[slot]!.then(() => linesOn(kernel, one.script));
    answers.set(one, answer);
    slots[slot] = answer.then(
      () => undefined,
      () => undefined,
    );
  });
  for (const one of cases) {
    it(`${one.area}: ${one.name}`, { timeout: 60_000, retry: 1 }, async () => {
      const expected = await linesOn(twin, one.script, { config: KERNELS[REFERENCE] });
      const first = await answers.get(one)!;
      // A machine under load is late now and then: a difference counts when it comes twice.
      const again = first.join('\n') === expected.join('\n') ? first : await linesOn(kernel, one.script);
      expect(expected).toEqual(again);
    });
  }
});
