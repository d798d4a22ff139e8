/** The built program, as people call it. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = mkdtempSync(join(tmpdir(), 'hairpin-cli-'));

interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

function hairpin(args: readonly string[], input = '', env: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'bin/hairpin.js'), ...args], {
      cwd: folder,
      env: { ...process.env, FORCE_COLOR: '', NO_COLOR: '', ...env },
    });
    const ran: Ran = { status: null, stdout: '', stderr: '' };
    child.stdout.on('data', (data) => {
      ran.stdout += data;
    });
    child.stderr.on('data', (data) => {
      ran.stderr += data;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ ...ran, status }));
    child.stdin.end(input);
  });
}

const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
const fence = (text: string) => `Some *prose*.\n\n\`\`\`console\n${text}\n\`\`\`\n`;

beforeAll(() => {
  if (!existsSync(join(root, 'dist/hairpin.js'))) throw new Error('not built: npm run build');
  cpSync(join(root, 'test/lab/two-hosts.md'), join(folder, 'two-hosts.md'));
  file('lib.sh', 'greet() { echo "hello from $0"; }\n');
  file('good.md', fence('# echo one; echo two >&2\none\ntwo\n# ip -br link | wc -l\n1'));
  file('bad.md', fence('# echo one\nuno\n# true'));
  file('script.sh', '. ./lib.sh\ngreet\necho "$# $1"\nnosuch\nread line && echo "got $line"\nexit 7\n');
  file('script.out', 'old\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a script behaves as under bash: output, errors with its path, arguments, input, status', async () => {
  expect(await hairpin(['run', './script.sh', '--', '-a', 'b'], 'typed\n')).toEqual({
    status: 7,
    stdout: 'hello from ./script.sh\n2 -a\ngot typed\n',
    stderr: './script.sh: line 4: nosuch: command not found\n',
  });
  expect(await hairpin(['run', '-'], 'echo "$0"; exit 3\n')).toMatchObject({ status: 3, stdout: 'bash\n' });
});

test('a document is printed as a transcript, and what differs is marked', async () => {
  expect(await hairpin(['run', 'good.md'])).toEqual({
    status: 0,
    stdout:
      'Some *prose*.\n\n# echo one; echo two >&2\none\ntwo\n# ip -br link | wc -l\n1\n\ngood.md: all 2 commands printed what was expected\n',
    stderr: '',
  });
  const bad = await hairpin(['run', 'bad.md']);
  expect(bad.status).toBe(1);
  expect(bad.stdout).toContain('# echo one\n- uno\n+ one\n# true\n');
  expect(bad.stdout).toContain('bad.md: 1 of 2 commands printed something else\n');
  expect((await hairpin(['run', '--quiet', 'bad.md'])).stdout).toContain('bad.md:4\n# echo one\n- uno\n+ one\n');
  expect((await hairpin(['run', 'good.md'], '', { FORCE_COLOR: '1' })).stdout).toContain('\x1b[32m#\x1b[0m ');
});

test('--json gives the run as data, --update rewrites the expectations', async () => {
  const { stdout, status } = await hairpin(['run', '--json', 'bad.md']);
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    lab: 'bad.md',
    kind: 'document',
    commands: [{ command: 'echo one', asExpected: false, output: [{ stream: 'stdout', text: 'one\n' }] }, {}],
  });
  file('update.md', fence('# echo one\nuno\n# echo a; echo b\n...'));
  expect((await hairpin(['run', '--update', 'update.md'])).stdout).toBe('update.md: 1 of 2 outputs rewritten\n');
  expect(readFileSync(join(folder, 'update.md'), 'utf8')).toBe(fence('# echo one\none\n# echo a; echo b\n...'));
});

test('captures, trace and files are written, the same ones each time', async () => {
  file('ping.sh', 'ip link set lo up\nping -c 1 127.0.0.1 > out.txt\necho x > /tmp/y\n');
  for (const run of ['1', '2']) {
    const { status } = await hairpin(['run', 'ping.sh', '--pcap', `p${run}`, '--trace', `t${run}`, '--out', `o${run}`]);
    expect(status).toBe(0);
  }
  const bytes = (name: string) => readFileSync(join(folder, name));
  expect(readdirSync(join(folder, 'p1'))).toEqual(['lo.pcapng']);
  expect(bytes('p1/lo.pcapng').equals(bytes('p2/lo.pcapng'))).toBe(true);
  expect(bytes('t1').equals(bytes('t2'))).toBe(true);
  expect(JSON.parse(bytes('t1').toString().split('\n')[0]!)).toMatchObject({ step: 'alloc' });
  expect(bytes('o1/out.txt').toString()).toContain('1 packets transmitted, 1 received');
  expect(bytes('o1/tmp/y').toString()).toBe('x\n');
  expect(existsSync(join(folder, 'out.txt'))).toBe(false);
});

test('labs are run as tests, in threads, with a report in the order of their paths', async () => {
  const { status, stdout } = await hairpin(['test', '.', '--reporter', 'json', '--jobs', '2']);
  expect(status).toBe(1);
  const report = JSON.parse(stdout);
  expect(report.labs.map((lab: { path: string; passed: boolean }) => [lab.path, lab.passed])).toEqual([
    ['bad.md', false],
    ['good.md', true],
    ['script.sh', false],
    ['two-hosts.md', false],
    ['update.md', true],
  ]);
  const text = await hairpin(['test', 'good.md', 'update.md', '-j', '1']);
  expect(text.status).toBe(0);
  expect(text.stdout).toMatch(/^pass {2}good.md {2}2 commands, [\d.]+ s\n/);
  expect(text.stdout).toMatch(/\n2 passed, 0 failed\n$/);
});

test('the shell takes commands from a pipe, constructs of several lines included', async () => {
  const commands = 'x=1\nfor i in a b\ndo\n  echo $i$x\ndone\ncat <<E\nhere\nE\nexit 5\necho no\n';
  expect(await hairpin(['shell', '--speed', 'max'], commands)).toEqual({
    status: 5,
    stdout: 'a1\nb1\nhere\n',
    stderr: '',
  });
  expect(await hairpin(['shell', '--speed', 'max', 'lib.sh'], 'greet\n')).toMatchObject({
    stdout: 'hello from bash\n',
  });
});

test.each([
  [['run', 'nothing.sh'], 'hairpin: nothing.sh: no such file\n'],
  [['run', '.'], 'hairpin: .: is a directory\n'],
  [['run', '--frob', 'x'], 'hairpin: unknown option --frob\n'],
  [
    ['run', '--on', 'moon', 'good.md'],
    'hairpin: --on moon: there is no such backend; choose among twin, kernel, uml, both\n',
  ],
  [['run', '--update', 'script.sh'], 'hairpin: --update: script.sh is not a lab document (.md)\n'],
  [['test', 'nowhere'], 'hairpin: nowhere: no such file or folder\n'],
  [['walk'], 'hairpin: unknown command walk\n'],
])('hairpin %j ends with status 2 and says why', async (args, complaint) => {
  const { status, stdout, stderr } = await hairpin(args);
  expect(stderr.startsWith(complaint)).toBe(true);
  expect(stderr).toMatch(/Try 'hairpin help( \w+)?'\.\n$/);
  expect([status, stdout]).toEqual([2, '']);
});

test('wrong scripts and documents are told with their places', async () => {
  file('syntax.sh', 'echo a\nif true; then\n');
  const script = await hairpin(['run', 'syntax.sh']);
  expect([script.status, script.stdout]).toEqual([2, 'a\n']);
  expect(script.stderr).toContain('syntax.sh: line 3: syntax error: unexpected end of file\n');
  file('stray.md', fence('stray\n# true'));
  expect((await hairpin(['run', 'stray.md'])).stderr).toContain('stray.md:4: output without a command');
  file('long.sh', 'echo begun\nsleep 100\n');
  expect(await hairpin(['run', 'long.sh', '--max-time', '10'])).toEqual({
    status: 3,
    stdout: 'begun\n',
    stderr: 'hairpin: stopped: 10 s of virtual time passed without an end\n',
  });
});

test('help and version', async () => {
  expect((await hairpin(['--version'])).stdout).toMatch(/^hairpin \d+\.\d+\.\d+\n$/);
  expect((await hairpin(['help', 'run'])).stdout).toMatch(/^Usage: hairpin run /);
  expect(await hairpin([])).toMatchObject({ status: 2, stdout: '' });
  expect((await hairpin(['test', '--help'])).stdout).toMatch(/^Usage: hairpin test /);
});
