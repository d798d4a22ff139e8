/**
 * A part of the conformance cases, live: on a kernel of this machine and on the twin, side by side. The
 * recordings stand in for it where there is no such kernel, and this is said aloud.
 */
import { release } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/lab/backend.ts';
import { maskLines } from '../../src/lab/mask.ts';
import { twin } from '../../src/lab/twin-backend.ts';
import { kernel, whyUnavailable } from '../../src/linux/kernel-backend.ts';
import { uml, whyUmlUnavailable } from '../../src/linux/uml-backend.ts';
import { readCases, recordingOf } from './cases.ts';
import { KERNELS } from './kernels.ts';
import { KNOWN_DEVIATIONS } from './known-deviations.ts';

interface Live {
  name: keyof typeof KERNELS;
  backend: Backend;
  /** Why it cannot be had here. */
  why: string | undefined;
  /** One case in so many is run, so many at once. */
  sample: number;
  atOnce: number;
}

function whyNotThisKernel(): string | undefined {
  if (!`linux-${release()}.`.startsWith('linux-6.18.')) return `the twin is Linux 6.18, this machine has ${release()}`;
  return whyUnavailable();
}

const LIVE: readonly Live[] = [
  { name: 'linux-6.18', backend: kernel, why: whyNotThisKernel(), sample: 14, atOnce: 6 },
  { name: 'uml-6.1', backend: uml, why: whyUmlUnavailable() ?? whyUnavailable(), sample: 27, atOnce: 3 },
];

/** Cases that a moment decides on a kernel: whether link-watch, which waits up to a second, has told of a carrier yet. */
const UNSETTLED: ReadonlySet<string> = new Set(['uml-6.1 macvlan-rules: parent down and up, same namespace']);

/** How long a kernel may take for all of its cases; what it has not answered by then is not compared. */
const PATIENCE_MS = 180_000;

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

for (const { name: kernelName, backend, why, sample, atOnce } of LIVE) {
  if (why !== undefined) console.warn(`the twin was compared with recordings of ${kernelName} only, not live: ${why}`);

  /** Cases that this kernel can run at all, none of them known to deviate. */
  const cases = readCases()
    .filter(({ area, name }) => recordingOf(kernelName, area)?.cases[name] !== undefined)
    .filter(({ area, name }) => KNOWN_DEVIATIONS[`${kernelName} ${area}: ${name}`] === undefined)
    .filter((_, index) => index % sample === 0)
    .filter(({ area, name }) => !UNSETTLED.has(`${kernelName} ${area}: ${name}`));

  describe.skipIf(why !== undefined)(`the twin and ${kernelName}, live`, () => {
    const answers = new Map<(typeof cases)[number], Promise<string[]>>();
    const slots = Array.from({ length: atOnce }, () => Promise.resolve());
    cases.forEach((one, index) => {
      const slot = index % atOnce;
      if (why !== undefined) return;
      const answer = slots[slot]!.then(() => linesOn(backend, one.script));
      answers.set(one, answer);
      slots[slot] = answer.then(
        () => undefined,
        () => undefined,
      );
    });
    const all = Promise.all(slots);
    const outOfTime = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), PATIENCE_MS).unref());
    for (const one of cases) {
      it(`${one.area}: ${one.name}`, { timeout: 2 * PATIENCE_MS }, async (context) => {
        const expected = (await linesOn(twin, one.script, { config: KERNELS[kernelName] })).join('\n');
        let lines = await Promise.race([answers.get(one)!, outOfTime]);
        // Labs of one kernel make each other late, and share its link-watch: a difference counts when it
        // comes again with nothing else running.
        for (let again = 0; again < 2 && lines !== undefined && lines.join('\n') !== expected; again++) {
          await Promise.race([all, outOfTime]);
          // Link-watch rests for a second after it has told of changes, those of the lab before as well.
          lines = await Promise.race([linesOn(backend, `sleep 1.5\n${one.script}`), outOfTime]);
        }
        if (lines === undefined) {
          console.warn(`${one.area}: ${one.name}: not compared live, ${kernelName} is too slow on this machine`);
          context.skip();
          return;
        }
        expect(expected).toEqual(lines.join('\n'));
      });
    }
  });
}
