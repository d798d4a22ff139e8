/** Text utilities as labs use them. Expected text: GNU coreutils 9.1, findutils 4.9.0, mawk 1.3.4 (Debian 12). */
import { describe, expect, it } from 'vitest';
import { Twin } from '../../../src/lab/twin.ts';

const FILES = {
  '/f': 'eth0 10.0.0.1 UP\nlo 127.0.0.1 UNKNOWN\nveth1 192.168.9.2 DOWN\n',
  '/n': '3\n1\n2\n10\n',
};

const CASES: readonly (readonly [command: string, output: string])[] = [
  ['sort -n /n | uniq -c', '      1 1\n      1 2\n      1 3\n      1 10\n'],
  ['echo 1 2 3 4 | xargs -n2', '1 2\n3 4\n'],
  ['printf "a\\nb\\n" | xargs -I{} echo "<{}>"', '<a>\n<b>\n'],
  ['awk -F. \'{print $1"-"$NF}\' /f', 'eth0 10-1 UP\nlo 127-1 UNKNOWN\nveth1 192-2 DOWN\n'],
  ['cat /f | wc -lw', '      3       9\n'],
  ['wc -c /f /n', '61 /f\n 9 /n\n70 total\n'],
  ['wc -l < /f', '3\n'],
  ['ls nosuch', "ls: cannot access 'nosuch': No such file or directory\n"],
  ["printf 'rtt\\nWARN\\n_\\nPING\\n' | sort", 'PING\nWARN\n_\nrtt\n'],
];

describe('the text utilities', () => {
  it.each(CASES)('print what GNU prints: %s', async (command, output) => {
    const twin = new Twin({ files: FILES });
    expect((await twin.run(command)).output).toBe(output);
    await twin.close();
  });
});
