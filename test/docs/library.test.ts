/** The examples of docs/library.md: each is run, and prints what the comments behind `// =>` say. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Twin } from '../../src/lab/twin.ts';

const page = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../../docs/library.md'), 'utf8');
const examples = [...page.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]!);

type Run = (twin: typeof Twin, console: { log(...values: unknown[]): void }) => Promise<void>;
const AsyncFunction = (async () => undefined).constructor as new (...parts: string[]) => Run;

describe('the examples of the library', () => {
  it('are there', () => expect(examples.length).toBeGreaterThan(4));

  for (const [i, example] of examples.entries()) {
    it(`print what they say: ${i + 1}`, async () => {
      const expected = [...example.matchAll(/^\/\/ => (.*)$/gm)].map((match) => match[1]);
      const printed: string[] = [];
      const code = example.replace("import { Twin } from 'hairpin';", '');
      expect(code).not.toBe(example);
      const run = new AsyncFunction('Twin', 'console', code);
      await run(Twin, { log: (...values) => printed.push(values.map(String).join(' ')) });
      expect(expected.length).toBeGreaterThan(0);
      expect(printed).toEqual(expected);
    });
  }
});
