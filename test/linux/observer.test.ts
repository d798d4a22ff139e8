/**
 * Captures on a lab's interfaces on this machine's kernel: what they see, that the lab does not see them,
 * and that they do not keep from ending what the lab ends.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyUnavailable } from '../../src/linux/kernel-backend.ts';
import { ObserverReplies } from '../../src/linux/observer.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const why = whyUnavailable() ?? (spawnSync('tcpdump', ['--version']).status === 0 ? undefined : 'there is no tcpdump');
if (why !== undefined) console.warn(`captures on this machine's kernel were not tested: ${why}`);

const folder = mkdtempSync(join(tmpdir(), 'hairpin-observer-'));
const runner = join(folder, 'runner.mjs');
const USERS: readonly (readonly [name: string, prefix: readonly string[]])[] =
  process.getuid?.() === 0
    ? [
        ['root', []],
        ['an ordinary user', ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']],
      ]
    : [['an ordinary user', []]];

beforeAll(async () => {
  spawnSync('chmod', ['755', folder]);
  const text = `
import { kernel } from './src/linux/kernel-backend.ts';
const [lab, mode, ...texts] = process.argv.slice(2);
let output = '';
const sink = (stream, data) => { output += Buffer.from(data).toString(); };
const machine = await kernel.start({ seed: 1, terminal: true, captures: true, tables: true, sink, folder: { path: lab } });
for (const text of texts) {
  if (mode === 'script') await machine.script(texts[0], '', []);
  else await machine.command(text);
}
const { frames, tables } = await machine.stop();
const seen = frames.map(({ namespace = '', device, since, frames }) =>
  ({ place: namespace + '/' + device, since, frames: frames.map(({ data }) => Buffer.from(data).toString('hex')) }));
console.log(JSON.stringify({ output, seen, tables }));
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

interface Seen {
  output: string;
  seen: { place: string; since: number[]; frames: string[] }[];
  tables: { namespaces: { namespace?: string }[] };
}

function observe(prefix: readonly string[], mode: 'script' | 'commands', ...texts: string[]): Seen {
  const words = [...prefix, process.execPath, runner, folder, mode, ...texts];
  const { stdout, stderr } = spawnSync(words[0]!, words.slice(1), { encoding: 'utf8', timeout: 50_000 });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Seen;
}

const QUIET = 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1';
/** An ARP request of 10.0.0.1 for 10.0.0.2. */
const REQUEST = 'ffffffffffff02000000000108060001080006040001020000000001' + '0a000001' + '000000000000' + '0a000002';

describe.skipIf(why !== undefined).each(USERS)("frames on this machine's kernel, as %s", (_, prefix) => {
  it('are seen on every interface, once it is up', () => {
    const { seen, tables } = observe(
      prefix,
      'commands',
      `${QUIET}; ip netns add ns1; ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 netns ns1`,
      `ip netns exec ns1 ${QUIET}; ip link set v0 up; ip -n ns1 link set v1 up; ip addr add 10.0.0.1/24 dev v0`,
      'ping -c 1 -W 0.2 10.0.0.2; ip link set v0 down; ip link set v0 name w0; ip link set w0 up',
      'ip -n ns1 link set v1 down',
    );
    const frames = Object.fromEntries(seen.map((one) => [one.place, one.frames]));
    expect(new Set(frames['/w0'])).toEqual(new Set([REQUEST]));
    expect(new Set(frames['ns1/v1'])).toEqual(new Set([REQUEST]));
    expect(tables.namespaces.map(({ namespace }) => namespace)).toEqual([undefined, 'ns1']);
  });

  it('of a script are seen from the moment when the capture listens', () => {
    const script = join(folder, 'lab.sh');
    writeFileSync(
      script,
      `${QUIET}
ip link add v0 address 02:00:00:00:00:01 type veth peer name v1
ip addr add 10.0.0.1/24 dev v0; ip link set v0 up; ip link set v1 up
sleep 1
ping -c 1 -W 0.2 10.0.0.2
exit 3
`,
      { mode: 0o644 },
    );
    const { seen } = observe(prefix, 'script', script);
    const v1 = seen.find(({ place }) => place === '/v1')!;
    expect(new Set(v1.frames)).toEqual(new Set([REQUEST]));
    expect(v1.since[0]).toBeLessThan(1e9);
  });

  it('come from captures that the lab neither sees nor ends', () => {
    const { output, seen } = observe(
      prefix,
      'commands',
      `${QUIET}; ip link add v0 address 02:00:00:00:00:01 type veth peer name v1; ip link set v0 up; ip link set v1 up`,
      'ip addr add 10.0.0.1/24 dev v0; jobs; pgrep -c tcpdump; pkill tcpdump; killall -q tcpdump; ps -e -o comm= | sort | uniq -c; ip -o -d link show v0 | grep -o "promiscuity [0-9]*"',
      'ping -c 1 -W 0.2 10.0.0.2 | tail -n 1',
    );
    expect(output.split('\n').filter((line) => /tcpdump|nsenter/.test(line))).toEqual([]);
    expect(output).toMatch(/^0$/m);
    expect(output).toContain('promiscuity 0');
    expect(new Set(seen.find(({ place }) => place === '/v1')?.frames)).toEqual(new Set([REQUEST]));
  });

  it('do not keep a namespace that the lab has deleted', () => {
    const { output, seen } = observe(
      prefix,
      'commands',
      `${QUIET}; ip netns add ns1; ip link add v0 type veth peer name v1 netns ns1; ip -n ns1 link set v1 up; ip link set v0 up`,
      'ip netns del ns1',
      'for i in {1..100}; do ip link show v0 >/dev/null 2>&1 || break; sleep 0.05; done; ip link show v0',
    );
    expect(output).toContain('Device "v0" does not exist.');
    expect(seen.map(({ place }) => place)).toContain('ns1/v1');
  });
});

describe('what the observer says', () => {
  const pcap = (frame: string) => {
    const header = 'd4c3b2a1020004000000000000000000ffff000001000000';
    const length = (frame.length / 2).toString(16).padStart(2, '0');
    return Buffer.from(`${header}0a00000005000000${length}000000${length}000000${frame}`, 'hex');
  };

  it('is put together from pieces of any size', () => {
    const file = pcap('0a0a0a0a');
    const said = Buffer.concat([
      Buffer.from('ready\t10.000000\nlistening\t0\nlooked\n'),
      Buffer.from(`frames\t0\tns 1\tv0\t${file.length}\n`),
      file,
      Buffer.from('done\n'),
    ]);
    for (const size of [1, 7, said.length]) {
      let now = 1000;
      const heard: string[] = [];
      const replies = new ObserverReplies(() => now++);
      replies.onReady(() => heard.push('ready'));
      replies.onLooked(() => heard.push('looked'));
      replies.onDone(() => heard.push('done'));
      for (let at = 0; at < said.length; at += size) replies.push(said.subarray(at, at + size));
      expect(heard).toEqual(['ready', 'looked', 'done']);
      expect(replies.interfaces()).toEqual([
        {
          namespace: 'ns 1',
          device: 'v0',
          since: [1001],
          frames: [{ time: 6000, data: new Uint8Array([10, 10, 10, 10]) }],
        },
      ]);
    }
  });
});
