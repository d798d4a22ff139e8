/**
 * Labs on this machine's kernel: they cannot touch the machine, and nothing of them stays, however the
 * runner ends. Where namespaces cannot be made, this is said aloud.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyUnavailable } from '../../src/linux/kernel-backend.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const why = whyUnavailable();
if (why !== undefined) console.warn(`labs on this machine's kernel were not tested: ${why}`);

/** How the runner is called: as we are and, when that is root, as an ordinary user too. */
const USERS: readonly (readonly [name: string, prefix: readonly string[]])[] =
  process.getuid?.() === 0
    ? [
        ['root', []],
        ['an ordinary user', ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']],
      ]
    : [['an ordinary user', []]];

const folder = mkdtempSync(join(tmpdir(), 'hairpin-linux-'));
/** A program that takes a script as its argument and runs it on the kernel. */
const runner = join(folder, 'runner.mjs');

beforeAll(async () => {
  spawnSync('chmod', ['755', folder]);
  const text = `
import { readFileSync } from 'node:fs';
import { kernel } from './src/linux/kernel-backend.ts';
const [path, lab, mode] = process.argv.slice(2);
const sink = (stream, data) => process[stream].write(data);
const machine = await kernel.start({ seed: 1, terminal: mode === 'commands', sink, folder: { path: lab } });
const text = readFileSync(path, 'utf8');
const status = mode === 'commands' ? await machine.command(text) : await machine.script(path, text, []);
await machine.stop();
process.exitCode = status;
`;
  await build({
    stdin: { contents: text, resolveDir: ROOT, loader: 'ts' },
    outfile: runner,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function lab(text: string): string {
  const path = join(folder, 'lab.sh');
  writeFileSync(path, text, { mode: 0o644 });
  return path;
}

const command = (prefix: readonly string[], path: string, mode: string) => [
  ...prefix,
  process.execPath,
  runner,
  path,
  folder,
  mode,
];

function runLab(prefix: readonly string[], text: string, mode = 'script', env: NodeJS.ProcessEnv = {}) {
  const [program, ...args] = command(prefix, lab(text), mode);
  return spawnSync(program!, args, { encoding: 'utf8', timeout: 50_000, env: { ...process.env, ...env } });
}

/** What a lab could leave on the machine. */
function traces() {
  const out = (program: string, ...args: string[]) => spawnSync(program, args, { encoding: 'utf8' }).stdout;
  return {
    namespaces: out('ip', 'netns', 'list'),
    links: out('ip', '-o', '-br', 'link'),
    addresses: out('ip', '-4', '-o', 'addr').replace(/\b\d+sec\b/g, ''),
    mounts: readFileSync('/proc/self/mounts', 'utf8'),
  };
}

/** Processes with a word on their command line. */
function processesWith(word: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(word) ? [name] : [];
      } catch {
        return [];
      }
    });
}

async function until(holds: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 1000 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 20));
  return holds();
}

describe.skipIf(why !== undefined).each(USERS)("a lab on this machine's kernel, as %s", (_, prefix) => {
  it('has a network of its own and changes nothing of the machine', () => {
    const before = traces();
    const { stdout, stderr, status } = runLab(
      prefix,
      `ip -o link | wc -l
ip netns add ns1 && ip link add va type veth peer name vb netns ns1 && ip link set lo down
echo written > here.txt; cat here.txt
for dir in /etc /usr /var/tmp /root /tmp; do touch $dir/hairpin-was-here; done 2>/dev/null
ip netns list; pwd; echo "$0"; exit 7
`,
    );
    expect(stderr).toBe('');
    expect(stdout).toBe(`1\nwritten\nns1 (id: 0)\n${folder}\n${join(folder, 'lab.sh')}\n`);
    expect(status).toBe(7);
    expect(traces()).toEqual(before);
    const strays = ['/etc', '/usr', '/var/tmp', '/root', '/tmp'].map((dir) => `${dir}/hairpin-was-here`);
    expect([...strays, join(folder, 'here.txt')].filter((path) => existsSync(path))).toEqual([]);
  });

  it("does not run the user's start-up file, also where nothing has counted shells", () => {
    const home = join(folder, 'home');
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, '.bashrc'), 'echo from .bashrc >&2; export FROM_BASHRC=1\n');
    const { stdout, stderr } = runLab(prefix, 'echo "<$FROM_BASHRC>"\n', 'commands', { HOME: home, SHLVL: '0' });
    expect({ stdout, stderr }).toEqual({ stdout: '<>\n', stderr: '' });
  });

  it('opens its standard streams by name, as under a shell', () => {
    const { stdout, stderr, status } = runLab(
      prefix,
      'echo out > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin; echo in | tee /dev/stderr; exit 3\n',
    );
    expect({ stdout, stderr, status }).toEqual({ stdout: 'out\nin\n', stderr: 'err\nin\n', status: 3 });
  });

  it('may lie in /tmp itself', () => {
    const [program, ...args] = [...prefix, process.execPath, runner, lab('echo found > result; cat result\n'), '/tmp'];
    const { stdout, stderr } = spawnSync(program!, [...args, 'script'], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'found\n', stderr: '' });
    expect(existsSync('/tmp/result')).toBe(false);
  });

  it('leaves nothing when the runner is killed', async () => {
    const before = traces();
    const marker = `4${process.pid}.25`;
    const path = lab(`ip netns add left
ip link add va type veth peer name vb netns left
(trap '' HUP INT TERM; setsid sleep ${marker}) &
ip netns exec left sleep ${marker} &
wait
`);
    const [program, ...args] = command(prefix, path, 'script');
    const runnerProcess = spawn(program!, args, { stdio: 'ignore' });
    expect(await until(() => processesWith(marker).length >= 2)).toBe(true);
    const ended = new Promise((resolve) => runnerProcess.once('exit', (_code, signal) => resolve(signal)));
    runnerProcess.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    expect(await until(() => processesWith(marker).length === 0)).toBe(true);
    expect(traces()).toEqual(before);
  });

  it('runs out of space alone when it writes without end', () => {
    const { stdout } = runLab(
      prefix,
      'head -c 2G /dev/zero > big 2>/dev/null || echo full; df -m . | tail -1 | wc -l\n',
    );
    expect(stdout).toBe('full\n1\n');
  });

  it('prints both streams of a command in order, as a terminal does', () => {
    const { stdout } = runLab(
      prefix,
      'for i in 1 2; do echo out $i; echo err $i >&2; done; ping -c 1 -q nowhere.invalid; nosuch',
      'commands',
    );
    expect(stdout).toBe(
      'out 1\nerr 1\nout 2\nerr 2\nping: nowhere.invalid: Temporary failure in name resolution\nbash: line 1: nosuch: command not found\n',
    );
  });

  it.skipIf(spawnSync('tcpdump', ['--version']).status !== 0)('captures with the machine’s tcpdump', () => {
    const { stdout } = runLab(
      prefix,
      `sysctl -qw net.ipv6.conf.all.disable_ipv6=1
ip link set lo up
tcpdump -lni lo -c 2 -t icmp > heard 2> said &
until grep -q '^listening' said; do sleep 0.1; done
ping -q -c 1 127.0.0.1 > /dev/null; wait; sed 's/id [0-9]*/id N/' heard
`,
    );
    expect(stdout).toBe(
      'IP 127.0.0.1 > 127.0.0.1: ICMP echo request, id N, seq 1, length 64\nIP 127.0.0.1 > 127.0.0.1: ICMP echo reply, id N, seq 1, length 64\n',
    );
  });
});
