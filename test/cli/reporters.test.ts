import { expect, test } from 'vitest';
import { jsonReporter, junitReporter, tapReporter, textReporter } from '../../src/cli/reporters.ts';
import { makeStyle, styleFor } from '../../src/cli/style.ts';
import type { LabReport } from '../../src/cli/test-lab.ts';

const plain = makeStyle(false);
const good: LabReport = { path: 'a.md', passed: true, commands: 2, failures: [], updated: false, milliseconds: 120 };
const bad: LabReport = {
  path: 'b.md',
  passed: false,
  commands: 3,
  failures: [
    {
      line: 7,
      command: 'echo "<a>" \\\n&& true',
      comparison: [
        { kind: 'kept', expected: '...', actual: ['same'] },
        { kind: 'missing', expected: 'old' },
        { kind: 'extra', actual: 'new\x01' },
      ],
    },
  ],
  updated: false,
  milliseconds: 2000,
};
const stopped: LabReport = { ...good, path: 'c.sh', passed: false, error: 'stopped: too long', commands: 1 };
const reports = [good, bad, stopped];

test('for people: a line for each lab, what differs, and the sum', () => {
  const reporter = textReporter(plain);
  expect(reporter.lab(good)).toBe('pass  a.md  2 commands, 0.12 s\n');
  expect(reporter.lab(bad)).toBe(
    'FAIL  b.md  3 commands, 2.00 s\n      b.md:7\n      # echo "<a>" \\\n      > && true\n' +
      '        same\n      - old\n      + new\x01\n',
  );
  expect(reporter.lab(stopped)).toBe('FAIL  c.sh  1 command, 0.12 s\n      stopped: too long\n');
  expect(reporter.end(reports, 2340)).toBe('\n2.34 s\n1 passed, 2 failed\n');
});

test('TAP: a plan, numbered lines, a YAML block for what failed', () => {
  const reporter = tapReporter(plain);
  const text = reporter.begin(2) + reporter.lab(good) + reporter.lab(bad);
  expect(text.startsWith('TAP version 14\n1..2\nok 1 - a.md\nnot ok 2 - b.md\n  ---\n  message: |\n    line 7\n')).toBe(
    true,
  );
  expect(text.endsWith('    - old\n    + new\x01\n  ...\n')).toBe(true);
});

test('JUnit: counts, escaped text, no character that XML forbids', () => {
  const xml = junitReporter(plain).end(reports, 2340);
  expect(xml).toContain('<testsuite name="hairpin" tests="3" failures="2" errors="0" time="2.34">');
  expect(xml).toContain('<failure message="1 of 3 commands printed something else">');
  expect(xml).toContain('echo &quot;&lt;a&gt;&quot; \\\n&gt; &amp;&amp; true');
  expect(xml).toContain('+ new\ufffd');
  expect(xml).toContain('<failure message="stopped: too long"></failure>');
});

test('JSON: everything, in the order of the paths', () => {
  const whole = JSON.parse(jsonReporter().end(reports, 2340));
  expect(whole).toMatchObject({ passed: 1, failed: 2 });
  expect(whole.labs.map((lab: LabReport) => lab.path)).toEqual(['a.md', 'b.md', 'c.sh']);
});

test('colours are for terminals, and NO_COLOR forbids them', () => {
  expect(styleFor({ isTTY: true }, {}).red('x')).toBe('\x1b[31mx\x1b[0m');
  expect(styleFor({ isTTY: true }, { NO_COLOR: '1' }).red('x')).toBe('x');
  expect(styleFor({ isTTY: false }, {}).red('x')).toBe('x');
  expect(styleFor({ isTTY: false }, { FORCE_COLOR: '1' }).red('x')).toBe('\x1b[31mx\x1b[0m');
});
