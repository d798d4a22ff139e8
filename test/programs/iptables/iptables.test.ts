/** Recorded with iptables 1.8.9-2 (Debian 12), both variants, on Linux 6.18 in fresh namespaces. */
import { describe, expect, it } from 'vitest';
import { freshXtables, run } from './process.ts';
import { loadTranscript, withoutDates } from './transcript.ts';

describe.each(['iptables', 'iptables-legacy'])('%s prints what the real one printed', (name) => {
  it.each(loadTranscript(name))('$name', async ({ commands }) => {
    const xtables = freshXtables();
    const said: string[] = [];
    const expected: string[] = [];
    for (const command of commands) {
      const { output, status } = await run(xtables, command);
      const shown = `$ ${command.argv.join(' ')}\n`;
      said.push(`${shown}${withoutDates(output)}=> ${status}\n`);
      expected.push(`${shown}${withoutDates(command.output)}=> ${command.status}\n`);
    }
    expect(said.join('')).toBe(expected.join(''));
  });
});
