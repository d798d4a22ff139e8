import { expect, test } from 'vitest';
import { checkCommand, HELP, parseRun, parseShell, parseTest, UsageError } from '../../src/cli/options.ts';
import { COMMANDS, usageText } from '../../src/cli/usage.ts';

const complaintOf = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'accepted';
};

test('a run takes its options, its file and what goes to the script', () => {
  const options = parseRun(['--seed', '7', 'lab.sh', '--pcap=captures', '--', '-x', 'eno1']);
  expect(options).toMatchObject({ file: 'lab.sh', args: ['-x', 'eno1'], seed: 7, pcap: 'captures', speed: 'max' });
  expect(parseShell([])).toMatchObject({ file: undefined, speed: 'real', seed: 1 });
  expect(parseRun(['--on', 'both', 'x'])).toMatchObject({ on: 'twin', against: ['kernel'], both: true });
  expect(parseRun(['--on', 'uml,twin,kernel', 'x'])).toMatchObject({ on: 'uml', against: ['twin', 'kernel'] });
  expect(parseTest(['labs', '-j', '3'])).toMatchObject({ paths: ['labs'], jobs: 3, reporter: 'text' });
});

test.each([
  [['--sed', '1', 'x'], 'unknown option --sed; did you mean --seed?'],
  [['-Z', 'x'], 'unknown option -Z'],
  [['--seed'], 'option --seed needs a value'],
  [['--json=yes', 'x'], 'option --json takes no value'],
  [['--seed', 'ten', 'x'], '--seed ten: a whole number from 0 to 4294967295 is needed'],
  [['--max-events', '0', 'x'], '--max-events 0: a whole number from 1 to 9007199254740991 is needed'],
  [['--speed', 'slow', 'x'], '--speed slow: choose one of max, real'],
  [['--on', 'twin,moon', 'x'], '--on moon: there is no such backend; choose among twin, kernel, uml, both'],
  [['--on', 'uml,uml', 'x'], '--on uml,uml: each backend once'],
  [['--on', 'both', '--update', 'x.md'], '--update needs one backend, not several'],
  [['--on', 'both', '--pcap', 'd', 'x'], '--pcap works on the twin only'],
  [['--on', 'kernel', '--out', 'd', 'x'], '--out works on the twin only'],
  [[], 'what is to be run? Give a FILE, or - for standard input'],
  [['--update', '-'], '--update needs a file to write to'],
])('hairpin run %j is refused: %s', (argv, message) => {
  expect(complaintOf(() => parseRun(argv))).toBe(message);
});

test('an unknown command is named, with one that is near', () => {
  expect(complaintOf(() => checkCommand('rnu'))).toBe('unknown command rnu; did you mean run?');
  expect(complaintOf(() => checkCommand('--frob'))).toBe('unknown option --frob');
  expect(checkCommand('shell')).toBe('shell');
});

test('every option that is parsed is explained, and help is asked for by --help', () => {
  expect(parseRun(['--help'])).toBe(HELP);
  for (const command of COMMANDS) {
    const text = usageText(command)!;
    expect(text.startsWith('Usage: hairpin')).toBe(true);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(88);
  }
  const run = usageText('run')!;
  for (const option of ['seed', 'speed', 'pcap', 'trace', 'out', 'json', 'update', 'on', 'quiet', 'max-time']) {
    expect(run).toContain(`--${option}`);
  }
});
