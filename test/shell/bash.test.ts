/**
 * Bash by comparison: each script of cases/ was run by the real one (bash 5.2.15, coreutils 9.1, grep 3.8,
 * sed 4.9, mawk 1.3.4; `record.sh` does it again), and the twin's prints the same.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { folderOf, openSession } from '../support/machine.ts';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'cases');
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.sh'))
  .map((name) => name.slice(0, -3));

/** Process numbers differ from run to run; our syntax errors have a line more, which names the column. */
function comparable(text: string): string {
  return text.replace(/ +\d+ (Killed|Terminated|Hangup|Done|Running)/g, ' PID $1').replace(/^\S+:\d+:\d+: .*\n/gm, '');
}

describe('bash', () => {
  it.each(names)('runs %s.sh as the real one does', async (name) => {
    const script = readFileSync(join(folder, `${name}.sh`), 'utf8');
    const expected = readFileSync(join(folder, `${name}.out`), 'utf8');
    const { session, output } = openSession({
      folder: { path: '/lab', source: folderOf({ 'x.sh': script }) },
      env: { LANG: 'C.UTF-8', TERM: 'dumb' },
      limits: { events: 1_000_000, time: 1e13, spins: 1_000_000 },
    });
    const { status, stopped } = await session.run(script, { name: 'x.sh' });
    await session.close();
    expect(stopped).toBeUndefined();
    expect(comparable(`${output.both}status ${status}\n`)).toBe(comparable(expected));
  });
});
