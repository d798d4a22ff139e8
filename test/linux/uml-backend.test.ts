/**
 * Labs on User-Mode Linux: many in one boot, none of which sees another, and nothing of them stays.
 * Where it is not installed, this is said aloud.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartOptions } from '../../src/lab/backend.ts';
import { whyUnavailable } from '../../src/linux/kernel-backend.ts';
import { uml, whyUmlUnavailable } from '../../src/linux/uml-backend.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const why = whyUmlUnavailable() ?? whyUnavailable();
if (why !== undefined) console.warn(`labs on User-Mode Linux were not tested: ${why}`);

const folder = mkdtempSync(join(tmpdir(), 'hairpin-uml-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A lab, and what it has printed so far. */
async function startLab(options: Partial<StartOptions> = {}) {
  const output = { stdout: '', stderr: '' };
  const machine = await uml.start({
    seed: 1,
    terminal: false,
    folder: { path: folder, list: () => [], read: () => new Uint8Array() },
    sink: (stream, data) => {
      output[stream] += Buffer.from(data).toString();
    },
    ...options,
  });
  return { machine, output };
}

async function runLab(text: string, options?: Partial<StartOptions>) {
  const { machine, output } = await startLab(options);
  const status = await machine.script('lab.sh', text, ['one', 'two words']);
  await machine.stop();
  return { ...output, status };
}

const bootOf = async () => (await runLab('cat /proc/sys/kernel/random/boot_id')).stdout;

describe.skipIf(why !== undefined)('a lab on User-Mode Linux', { timeout: 60_000 }, () => {
  beforeAll(bootOf, 60_000);

  it('keeps both streams apart, and has its arguments, its folder and a status', async () => {
    const { stdout, stderr, status } = await runLab(
      'echo "$0 $2"; pwd; ls -d /etc /usr; echo fault >&2; echo written > here.txt; cat here.txt; echo $COLOUR; exit 7',
      { env: { COLOUR: 'dark blue' } },
    );
    expect(stdout).toBe(`bash two words\n${folder}\n/etc\n/usr\nwritten\ndark blue\n`);
    expect(stderr).toBe('fault\n');
    expect(status).toBe(7);
    expect(existsSync(join(folder, 'here.txt'))).toBe(false);
  });

  it('may be long, and others follow it', async () => {
    const { stdout } = await runLab(`echo first\n${'# much to say\n'.repeat(2000)}echo "last $LINENO"\n`);
    expect(stdout).toBe('first\nlast 2002\n');
    expect((await runLab('echo next')).stdout).toBe('next\n');
  });

  it('may lie in /tmp itself', async () => {
    const list = `ls -d ${folder}; echo written > here.txt; cat here.txt`;
    const { stdout } = await runLab(list, { folder: { path: '/tmp', list: () => [], read: () => new Uint8Array() } });
    expect(stdout).toBe(`${folder}\nwritten\n`);
    expect(existsSync('/tmp/here.txt')).toBe(false);
  });

  it('has VLANs', async () => {
    const { stdout, stderr } = await runLab(
      'ip link add va type veth peer name vb\nip link add link va name va.5 type vlan id 5\nip -br link | cut -d" " -f1',
    );
    expect(stderr).toBe('');
    expect(stdout).toBe('lo\nvb@va\nva@vb\nva.5@va\n');
  });

  it('shares its boot with others and sees nothing of those before it', async () => {
    const look = `ip -o link | wc -l; ip netns list; iptables-save | grep -c CHAIN; ls /tmp /dev/shm | wc -l; hostname
sysctl -n net.ipv4.ip_forward net.ipv4.neigh.default.gc_stale_time kernel.printk vm.swappiness
ls here.txt /dev/mine /etc/mine; cut -d' ' -f1 /proc/modules | sort; ps -e | wc -l`;
    const change = `ip link add br0 type bridge; ip netns add left; ip link add vlan9 link lo type vlan id 9
iptables -N CHAIN; iptables -t nat -A POSTROUTING -j MASQUERADE; hostname mine; modprobe geneve; modprobe -r ifb
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.neigh.default.gc_stale_time=7 kernel.printk="1 1 1 1" vm.swappiness=3
echo mine | tee here.txt /dev/mine /etc/mine /tmp/mine /dev/shm/mine; (setsid sleep 1000 &)`;
    const before = await runLab(look);
    const boot = await bootOf();
    const changed = await runLab(`(${change}) > /dev/null; ${look}`);
    expect(changed.stdout).not.toBe(before.stdout);
    expect(await runLab(look)).toEqual(before);
    expect(await bootOf()).toBe(boot);
  });

  it('runs beside others in the same boot', async () => {
    const labs = await Promise.all([startLab(), startLab(), startLab()]);
    const boots = new Set<string>();
    await Promise.all(
      labs.map(async ({ machine, output }, index) => {
        const text = `ip link add name own${index} type dummy; sleep 1; ip -br link | grep -o 'own.'; cat /proc/sys/kernel/random/boot_id`;
        expect(await machine.script('lab.sh', text, [])).toBe(0);
        await machine.stop();
        expect(output.stdout.split('\n')[0]).toBe(`own${index}`);
        boots.add(output.stdout.split('\n')[1]!);
      }),
    );
    expect(boots.size).toBe(1);
  });

  it('is stopped when it hangs, and its kernel goes on', async () => {
    const boot = await bootOf();
    const { machine, output } = await startLab();
    const ended = machine.script(
      'lab.sh',
      "trap '' HUP INT TERM; echo begun; (trap '' TERM; while :; do :; done) & wait",
      [],
    );
    while (output.stdout !== 'begun\n') await new Promise((resolve) => setTimeout(resolve, 20));
    await machine.stop();
    expect(await ended).toBe(255);
    expect(await bootOf()).toBe(boot);
    expect((await runLab('ps -eo args | grep -c "trap [^|]*TERM"')).stdout).toBe('0\n');
  });

  it('is over when its shell ends, and its kernel goes on', async () => {
    const boot = await bootOf();
    const { machine } = await startLab({ terminal: true });
    expect(await machine.command('exit 3')).toBe(255);
    expect(machine.stopped?.message).toBe('the shell of the lab has ended');
    expect(await machine.command('echo more')).toBe(255);
    await machine.stop();
    expect(await bootOf()).toBe(boot);
  });

  it('prints both streams of a command in order at a terminal', async () => {
    const { machine, output } = await startLab({ terminal: true, columns: 30 });
    await machine.command('for i in 1 2; do echo out $i; echo err $i >&2; done; nosuch; stty size < /dev/fd/1; a=5');
    await machine.command('echo $a $?');
    await machine.stop();
    expect(output.stdout).toBe('out 1\nerr 1\nout 2\nerr 2\nbash: line 1: nosuch: command not found\n24 30\n5 0\n');
  });

  it('gets a new boot when its kernel dies', async () => {
    const boot = await bootOf();
    const { machine } = await startLab();
    await machine.script('lab.sh', 'echo c > /proc/sysrq-trigger; sleep 5', []);
    await machine.stop();
    expect(machine.stopped?.message).toBe('the lab’s kernel has ended');
    expect(await bootOf()).not.toBe(boot);
  });

  it('leaves nothing when its program is killed', async () => {
    const runner = join(folder, 'runner.mjs');
    await build({
      stdin: {
        contents: `
import { uml } from './src/linux/uml-backend.ts';
const machine = await uml.start({ seed: 1, terminal: false, sink: (_, data) => process.stdout.write(data) });
await machine.script('lab.sh', 'ip netns add left; echo begun; (trap "" HUP INT TERM; setsid sleep 1000) & wait', []);
`,
        resolveDir: ROOT,
        loader: 'ts',
      },
      outfile: runner,
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'silent',
    });
    // Its own folders, as other programs on User-Mode Linux may write to the usual ones meanwhile.
    const home = mkdtempSync(join(folder, 'home-'));
    const mounts = mountsOfLabs();
    const program = spawn(process.execPath, [runner], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, HOME: home, TMPDIR: home },
    });
    await new Promise((resolve) => program.stdout.once('data', resolve));
    const started = descendantsOf(program.pid!);
    expect(started.map(({ name }) => name)).toContain('linux.uml');
    program.kill('SIGKILL');
    const alive = () => started.filter(({ pid, start }) => startOf(pid) === start);
    for (let tries = 0; tries < 500 && alive().length > 0; tries++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(alive()).toEqual([]);
    expect(mountsOfLabs()).toEqual(mounts);
    expect(readdirSync(home)).toEqual([]);
  });
});

/** Mounts of labs that can be seen outside of them. */
function mountsOfLabs(): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => /hairpin|uml/.test(line));
}

/** A file of /proc; empty when its process is gone. */
function ofProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** When a process began, which tells it from a later one with its number; empty when it has ended. */
function startOf(pid: number): string {
  const [state, ...fields] = ofProcess(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ');
  return state === 'Z' ? '' : (fields[18] ?? '');
}

function descendantsOf(pid: number): { pid: number; name: string; start: string }[] {
  const children = ofProcess(pid, `task/${pid}/children`).split(' ').map(Number);
  return children
    .filter((child) => child > 0)
    .flatMap((child) => [
      { pid: child, name: ofProcess(child, 'comm').trim(), start: startOf(child) },
      ...descendantsOf(child),
    ])
    .filter(({ start }) => start !== '');
}
