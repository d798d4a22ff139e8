import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { StartOptions } from '../../src/lab/backend.ts';
import { parseDocument, stepsOf } from '../../src/lab/document.ts';
import { isComplete } from '../../src/lab/is-complete.ts';
import { recordDocument, recordScript } from '../../src/lab/recording.ts';
import { OutputCollector, runDocument, runScript } from '../../src/lab/run.ts';
import { twin } from '../../src/lab/twin-backend.ts';
import { updateDocument } from '../../src/lab/update.ts';

const TWO_HOSTS = readFileSync(new URL('two-hosts.md', import.meta.url), 'utf8');

async function start(options: Partial<StartOptions> = {}) {
  const collector = new OutputCollector();
  const machine = await twin.start({ seed: 1, terminal: true, sink: collector.sink, ...options });
  return { collector, machine };
}

async function runText(text: string, options: Partial<StartOptions> = {}) {
  const { collector, machine } = await start(options);
  const document = parseDocument(text, isComplete);
  const result = await runDocument(machine, collector, document);
  await machine.stop();
  return { document, result, outputs: result.steps.map((step) => step.output) };
}

const fence = (text: string) => `\`\`\`console\n${text}\n\`\`\`\n`;

test('a document is run command by command in one shell, and what it expects is compared', async () => {
  const { result, document, outputs } = await runText(TWO_HOSTS);
  const failed = result.steps.filter((step) => !step.asExpected).map((step) => [step.step.command, step.output]);
  expect(failed.map(([command]) => command)).toEqual(['wait']);
  expect(failed[0]![1]).toContain('ethertype ARP (0x0806), length 42: Request who-has 192.0.2.2');
  const fresh = updateDocument(document, outputs);
  expect((await runText(fresh)).result.asExpected).toBe(true);
  expect(updateDocument(parseDocument(fresh, isComplete), outputs)).toBe(fresh);
});

test.each([
  ['ip link', true],
  ['ip link \\', false],
  ["echo 'a", false],
  ['if true; then', false],
  ['if true; then x; fi', true],
  ['f() {', false],
  ['f() {\nx\n}', true],
  ['cat <<EOF', false],
  ['cat <<EOF\nline', false],
  ['cat <<EOF\nline\nEOF', true],
  ['for i in 1 2', false],
  ['a |', false],
  ['x=(1 2', false],
  ['echo $(ls', false],
  ['case $x in', false],
  ['# a comment', true],
  // Wrong, and no further line will mend it: it is run, and the shell says what is wrong.
  ['fi', true],
  ['echo ) x', true],
  ['a | | b', true],
])('%j: complete is %s', (text, complete) => {
  expect(isComplete(text)).toBe(complete);
});

test('a run as data: commands with their times, output by stream, and where it was stopped', async () => {
  const { result } = await runText(fence('# sleep 2; echo out; echo err >&2\nout\nerr\n# exit 3\n# echo $?'));
  const recording = recordDocument({ lab: 'x.md', backend: 'twin', seed: 1 }, result, 0);
  const [first] = recording.commands!;
  expect(first!.output.map(({ stream, text }) => [stream, text])).toEqual([
    ['stdout', 'out\n'],
    ['stderr', 'err\n'],
  ]);
  expect(first!.endedAt - first!.startedAt).toBeGreaterThanOrEqual(2e9);
  expect(first!.asExpected).toBe(true);
  expect(JSON.parse(JSON.stringify(recording)).commands.length).toBe(3);
});

test('a script has its name, its arguments and its status, as under bash', async () => {
  const { collector, machine } = await start({ terminal: false });
  const script = { path: 'labs/x.sh', text: 'echo "$0 $# $2"\nnosuch\nexit 7\n', args: ['a', 'b c'] };
  const result = await runScript(machine, collector, script);
  const text = result.chunks.map((chunk) => chunk.text).join('');
  expect(text).toBe('labs/x.sh 2 b c\nlabs/x.sh: line 2: nosuch: command not found\n');
  expect(recordScript({ lab: 'x.sh', backend: 'twin', seed: 1 }, result, 7, machine.now)).toMatchObject({
    kind: 'script',
    status: 7,
  });
});

const LOOP = `ip link add br0 type bridge; ip link set br0 up
ip link add x0 type veth peer name x1
ip link set x0 master br0 up; ip link set x1 master br0 up
echo built
ip addr add 192.0.2.1/24 dev br0; ping -c 1 -W 1 192.0.2.9
sleep 1000`;

test.each([
  [
    'a bridge loop',
    LOOP,
    { events: 100_000 },
    /^100000 events passed without an end: frames keep passing through .*x0/,
  ],
  ['a flood', 'ip link set lo up; ping -f 127.0.0.1', { events: 50_000 }, /frames went out of lo$/],
  ['a shell loop', 'while :; do :; done', { commands: 10_000 }, /10000 shell commands were run; the script loops/],
  ['a long sleep', 'sleep 100', { time: 10e9 }, /^10 s of virtual time passed without an end$/],
  ['a fork bomb', 'f() { f | f & }; f; sleep 1', { processes: 100 }, /^100 processes are alive at once/],
  ['a growing file', 'yes > /tmp/y', { bytes: 100_000 }, /^files hold more than 100000 bytes/],
  ['waiting for ever', 'mkfifo /tmp/p; cat /tmp/p', {}, /^every process waits and nothing will ever wake one$/],
])('%s is stopped with a message that says why, its output so far is kept', async (_, script, limits, message) => {
  const { collector, machine } = await start({ limits });
  const text = `echo begun\n${script}\necho not reached\n`;
  const result = await runScript(machine, collector, { path: 'x.sh', text, args: [] });
  expect(result.stopped?.message).toMatch(message);
  const output = result.chunks.map((chunk) => chunk.text).join('');
  expect(output).toContain('begun\n');
  expect(output).not.toContain('not reached');
  await machine.stop();
});

test('a document that was stopped runs no further command', async () => {
  const { result } = await runText(fence('# sleep 100\n# echo more'), { limits: { time: 1e9 } });
  expect(result.steps.length).toBe(1);
  expect(result.asExpected).toBe(false);
  expect(stepsOf(parseDocument(fence('# a'), isComplete))[0]!.expected).toEqual([]);
});
