import { expect, test } from 'vitest';
import { align, isAsExpected, lineMatches, outputLines, updated } from '../../src/lab/compare.ts';
import { parseDocument, stepsOf } from '../../src/lab/document.ts';
import { updateDocument } from '../../src/lab/update.ts';

/** Complete unless the last line ends in a backslash, a quote is open, or `if` waits for `fi`. */
const isComplete = (text: string) =>
  !text.endsWith('\\') && (text.match(/'/g) ?? []).length % 2 === 0 && (!/^if /.test(text) || /\bfi$/.test(text));

const parse = (text: string) => parseDocument(text, isComplete);

const LAB = `# A lab

Prose about \`# not a command\`.

\`\`\`console
# ip link add a0 type veth \\
>   peer name b0
$ echo 'one
> two'
one
two

# if true
then echo yes
fi
yes
\`\`\`

\`\`\`sh
# not run
\`\`\`

1. In a list:

   ~~~console
   # cat file
   a

   b
   ~~~
`;

test('commands, continuation lines and expected output are told apart', () => {
  const steps = stepsOf(parse(LAB));
  expect(steps.map(({ command, line, prompt, expected }) => ({ command, line, prompt, expected }))).toEqual([
    { command: 'ip link add a0 type veth \\\n  peer name b0', line: 6, prompt: '#', expected: [] },
    { command: "echo 'one\ntwo'", line: 8, prompt: '$', expected: ['one', 'two'] },
    { command: 'if true\nthen echo yes\nfi', line: 13, prompt: '#', expected: ['yes'] },
    { command: 'cat file', line: 26, prompt: '#', expected: ['a', '', 'b'] },
  ]);
  expect(parse(LAB).errors).toEqual([]);
});

test('prose keeps its lines and their numbers, other blocks are prose', () => {
  const prose = parse(LAB).parts.flatMap((part) => (part.kind === 'prose' ? [part] : []));
  expect(prose[0]).toEqual({ kind: 'prose', line: 1, lines: ['# A lab', '', 'Prose about `# not a command`.', ''] });
  expect(prose[1]!.line).toBe(18);
  expect(prose[1]!.lines).toContain('# not run');
});

test('a block without an end, output without a command and an unfinished command are named with their lines', () => {
  const { errors } = parse("```console\nstray\n# echo 'open\n```\n\n```console\n# true");
  expect(errors).toEqual([
    { line: 2, message: 'output without a command: a prompt is missing' },
    { line: 3, message: 'the command has no end in its block' },
    { line: 6, message: 'this block has no end' },
  ]);
});

test.each([
  ['time=[..] ms', 'time=0.04 ms', true],
  ['[..]', '', true],
  ['a[..]b[..]c', 'a1b2c', true],
  ['a[..]b[..]c', 'a1c', false],
  ['ab[..]bc', 'abc', false],
  ['same  ', 'same', true],
  ['[..]x', 'xy', false],
])('the line %j against %j: %s', (expected, actual, matches) => {
  expect(lineMatches(expected, actual)).toBe(matches);
});

const verdict = (expected: string, actual: string) =>
  align(outputLines(expected), outputLines(actual)).map((line) =>
    line.kind === 'kept' ? `=${line.expected}` : line.kind === 'missing' ? `-${line.expected}` : `+${line.actual}`,
  );

test('three dots stand for any lines, none included', () => {
  expect(verdict('a\n...\nd', 'a\nb\nc\nd')).toEqual(['=a', '=...', '=d']);
  expect(verdict('...', '')).toEqual(['=...']);
  expect(verdict('a\n...\nd', 'a\nd')).toEqual(['=a', '=...', '=d']);
  expect(verdict('...\nb\n...', 'a\nc')).toEqual(['=...', '-b', '=...']);
});

test('a difference is shown where it is', () => {
  expect(verdict('a\nb\nc\nd', 'a\nx\nc\nd\ne')).toEqual(['=a', '-b', '+x', '=c', '=d', '+e']);
  expect(isAsExpected(align(['a'], ['a']))).toBe(true);
  expect(isAsExpected(align([], ['a']))).toBe(false);
});

test('an update keeps the wildcards that still match and replaces the rest', () => {
  const expected = ['PING [..]', 'old', '...', 'tail'];
  const actual = ['PING 10.0.0.1', 'new', 'x', 'y', 'tail', 'more'];
  expect(updated(align(expected, actual))).toEqual(['PING [..]', '...', 'tail', 'more']);
});

test('a document is rewritten in place, prose and indentation kept', () => {
  const document = parse(LAB);
  const outputs = ['noise\n', 'one\ntwo\n', 'no\n', 'a\n\nc\n'];
  const fresh = updateDocument(document, outputs);
  expect(fresh).toContain('>   peer name b0\nnoise\n$ echo');
  expect(fresh).toContain('fi\nno\n```');
  expect(fresh).toContain('   # cat file\n   a\n\n   c\n   ~~~\n');
  expect(updateDocument(parse(fresh), outputs)).toBe(fresh);
});
