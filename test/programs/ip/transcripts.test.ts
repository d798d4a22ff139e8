/**
 * Transcripts of iproute2 6.1.0 on Linux 6.18 (IPv6 switched off): `$ command`, its output, `= status`.
 * The twin must print the same. MAC addresses that the kernel chose and running timers are masked.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Twin } from '../../../src/lab/twin.ts';

const FOLDER = new URL('transcripts/', import.meta.url);

function mask(text: string): string {
  return text
    .replace(/\b(?!02:00:|02:aa:|ff:|00:|01:)([0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, '(mac)')
    .replace(/(_timer"?:? *)\d+\.\d\d/g, '$1(t)');
}

describe('the twin answers ip as the kernel did', () => {
  it.each(readdirSync(FOLDER))('%s', async (file) => {
    const expected = readFileSync(new URL(file, FOLDER), 'utf8');
    // As the kernel was built on which they were recorded.
    const twin = new Twin({ config: { bridgeVlanFiltering: false } });
    let actual = '';
    for (const [, command = ''] of expected.matchAll(/^\$ (.*)$/gm)) {
      const { output, status } = await twin.run(command);
      actual += `$ ${command}\n${mask(output)}= ${status}\n`;
    }
    await twin.close();
    expect(actual).toBe(expected);
  });
});
