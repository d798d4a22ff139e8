/** `hairpin replay` and `hairpin inject`, as people call them. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCapture } from '../../src/capture/reader.ts';
import { captureOf } from '../../src/lab/replay.ts';
import { onPath, whyUnavailable } from '../../src/linux/kernel-backend.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = mkdtempSync(join(tmpdir(), 'hairpin-replay-'));
const why = whyUnavailable() ?? (onPath('tcpreplay') ? undefined : 'there is no tcpreplay');
if (why !== undefined) console.warn(`replay on this machine's kernel was not tested: ${why}`);

function hairpin(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin/hairpin.js'), ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: '', NO_COLOR: '1' },
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

const bytes = (hex: string) => Uint8Array.from(hex.match(/../g)!, (two) => Number.parseInt(two, 16));
/** An ARP request of 10.0.0.9 for 10.0.0.2. */
const ARP = 'ffffffffffff020000000009080600010800060400010200000000090a0000090000000000000a000002';

/** The lab waits until both ends are seen to be up: before that, what a real interface sends is dropped. */
const LAB = `sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip netns add ns1
ip netns exec ns1 sysctl -qw net.ipv6.conf.all.disable_ipv6=1
ip link add v0 type veth peer name v1 netns ns1
ip addr add 10.0.0.1/24 dev v0
ip -n ns1 addr add 10.0.0.2/24 dev v1
ip link set v0 up
ip -n ns1 link set v1 up
until ip link show dev v0 | grep -q 'state UP'; do sleep 0.1; done
until ip -n ns1 link show dev v1 | grep -q 'state UP'; do sleep 0.1; done
`;

beforeAll(() => {
  writeFileSync(join(folder, 'lab.sh'), LAB);
  writeFileSync(join(folder, 'lab.md'), `\`\`\`console\n# ${LAB.trim().replaceAll('\n', '\n# ')}\n\`\`\`\n`);
  writeFileSync(join(folder, 'two.pcap'), captureOf([bytes(ARP), bytes(ARP)], 0.5));
  writeFileSync(join(folder, 'cut.pcap'), captureOf([bytes(ARP), bytes(ARP)], 0.5).subarray(0, -10));
  writeFileSync(join(folder, 'long.pcap'), captureOf([bytes(ARP + '00'.repeat(1600)), bytes(ARP)], 0));
  writeFileSync(join(folder, 'text.pcap'), 'no capture at all\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Seconds between frames of an interface, in a file that --pcap wrote, and the frames. */
function captured(file: string) {
  const capture = readCapture(readFileSync(join(folder, file)));
  if (!('packets' in capture)) throw new Error(capture.error);
  const times = capture.packets.map(({ seconds, fraction }) => seconds + fraction / 1e6);
  return {
    gaps: times.slice(1).map((time, i) => time - times[i]!),
    frames: capture.packets.map(({ data }) => Buffer.from(data).toString('hex')),
  };
}

const BACKENDS: readonly (readonly [name: string, skip: boolean])[] = [
  ['twin', false],
  ['kernel', why !== undefined],
];

for (const [on, skip] of BACKENDS) {
  describe.skipIf(skip)(`on the ${on}`, () => {
    it('a file’s frames go out of an interface at their times, and are answered', () => {
      const { status, stdout } = hairpin(
        'replay',
        'two.pcap',
        'lab.md',
        '--dev',
        'v0',
        '--on',
        on,
        '--pcap',
        `out-${on}`,
      );
      expect(stdout).toMatch(/^Actual: 2 packets \(84 bytes\) sent in 0\.5\d+ seconds\n/);
      expect(stdout).toMatch(/Frames that passed each interface from then on:\n {2}4 {2}v0\n {2}4 {2}v1 in ns1\n$/);
      expect(status).toBe(0);
      expect(readdirSync(join(folder, `out-${on}`)).sort()).toEqual(['ns1-v1.pcapng', 'v0.pcapng']);
      const { gaps, frames } = captured(`out-${on}/v0.pcapng`);
      expect(frames.filter((frame) => frame === ARP)).toHaveLength(2);
      expect(Math.abs(gaps[0]! + gaps[1]! - 0.5)).toBeLessThan(0.2);
    });

    it('they come into an interface from its other end', () => {
      const { status, stdout } = hairpin(
        'replay',
        '-t',
        'two.pcap',
        'lab.sh',
        '--dev',
        'v0',
        '--direction',
        'in',
        '--on',
        on,
      );
      expect(stdout).toContain('Statistics for network device: v1\n');
      expect(status).toBe(0);
    });

    it('what could not be sent is told', () => {
      const long = hairpin('replay', 'long.pcap', 'lab.sh', '--dev', 'ns1/v1', '--on', on);
      expect(long.stdout).toContain('Message too long (errno = 90)');
      expect(long).toMatchObject({ status: 1, stderr: 'hairpin: 1 frames were not sent; the reasons stand above\n' });
      const nowhere = hairpin('replay', 'two.pcap', 'lab.sh', '--dev', 'ns1/v7', '--on', on);
      expect(nowhere.stdout).toContain('Invalid interface name/alias: v7\n');
      expect(nowhere).toMatchObject({ status: 1, stderr: 'hairpin: no frame was sent; the reason stands above\n' });
      const noEnd = hairpin('replay', 'two.pcap', 'lab.sh', '--dev', 'lo', '--direction', 'in', '--on', on);
      expect(noEnd.stdout).toBe('lo is no end of a veth pair: frames can only go out of it\n');
      expect(noEnd.status).toBe(1);
    });
  });
}

describe.skipIf(why !== undefined)('on both', () => {
  it('frames are sent on each, and the results compared', () => {
    const { status, stdout } = hairpin('replay', 'two.pcap', 'lab.md', '--dev', 'ns1/v1', '--on', 'both');
    expect(stdout).toMatch(
      /lab\.md: twin and kernel agree on 8 of 8 lines \(100 %\), 13 of 13 commands, 4 of 4 frames/,
    );
    expect(status).toBe(0);
  });
});

describe('on the twin', () => {
  it('single frames are sent again and again', () => {
    const spaced = ARP.replace(/(..)/g, '$1:').slice(0, -1);
    const { stdout } = hairpin('inject', 'lab.sh', spaced, ARP, '--dev', 'v0', '--count', '2', '--interval', '0.1');
    expect(stdout).toMatch(/^Actual: 4 packets \(168 bytes\) sent in 0\.300004 seconds\n/);
  });

  it('steps of the frames can be written', () => {
    hairpin('replay', 'two.pcap', 'lab.sh', '--dev', 'v0', '--trace', 'steps.jsonl');
    expect(existsSync(join(folder, 'steps.jsonl'))).toBe(true);
  });

  it('a file that is cut is sent as far as it goes', () => {
    const { status, stderr, stdout } = hairpin('replay', 'cut.pcap', 'lab.sh', '--dev', 'v0');
    expect(stderr).toBe(
      'hairpin: cut.pcap: only the first 1 frames can be read: truncated dump file; tried to read 42 captured bytes, only got 32\n',
    );
    expect(stdout).toMatch(/^Actual: 1 packets/);
    expect(status).toBe(0);
  });

  it.each([
    [['replay', 'text.pcap', 'lab.sh', '--dev', 'v0'], 'text.pcap: not a capture file: unknown file format'],
    [['replay', 'nosuch.pcap', 'lab.sh', '--dev', 'v0'], 'nosuch.pcap: no such file'],
    [['replay', 'two.pcap', 'nosuch.sh', '--dev', 'v0'], 'nosuch.sh: no such file'],
    [['replay', 'two.pcap'], 'what is to be sent, and where? Give a capture FILE and a LAB'],
    [['replay', 'two.pcap', 'lab.sh'], '--dev [NETNS/]INTERFACE is needed: where frames are sent'],
    [['replay', 'two.pcap', 'lab.sh', '--dev', 'ns1/'], '--dev ns1/: give INTERFACE or NETNS/INTERFACE'],
    [['replay', '-t', '-p', '3', 'two.pcap', 'lab.sh', '--dev', 'v0'], '--pps and --topspeed: one of them'],
    [['replay', '-x', '0', 'two.pcap', 'lab.sh', '--dev', 'v0'], '--multiplier 0: a number above 0 is needed'],
    [['inject', 'lab.sh', '--dev', 'v0'], 'what is to be sent, and where? Give a LAB and frames in hexadecimal digits'],
    [['inject', 'lab.sh', 'zz', '--dev', 'v0'], 'zz: a frame is pairs of hexadecimal digits'],
    [['inject', 'lab.sh', '0102', '--dev', 'v0'], '0102: a frame has an Ethernet header of 14 octets at least'],
  ])('%j is refused: %s', (args, message) => {
    expect(hairpin(...args)).toEqual({
      status: 2,
      stdout: '',
      stderr: `hairpin: ${message}\nTry 'hairpin help ${args[0]}'.\n`,
    });
  });
});
