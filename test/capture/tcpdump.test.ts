/**
 * Filters and text compared with the tcpdump that is installed: frames of every kind, whole and
 * damaged, from a seed. Written against tcpdump 4.99.3 with libpcap 1.10.3; without that version
 * nothing is compared.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULT_PRINT_OPTIONS, type PrintOptions } from '../../src/capture/dissection.ts';
import { compileFilter, matchesPacket } from '../../src/capture/filter/compile.ts';
import { DLT_EN10MB } from '../../src/capture/linktype.ts';
import { MAXIMUM_SNAPLEN, type Packet } from '../../src/capture/packet.ts';
import { pcapHeader, pcapRecord } from '../../src/capture/pcap.ts';
import { PacketPrinter } from '../../src/capture/print.ts';
import { readCapture } from '../../src/capture/reader.ts';
import { TcpConversations } from '../../src/capture/tcp-conversations.ts';
import { datagramFrame } from './datagrams.ts';
import { FrameMaker } from './frames.ts';

const version = spawnSync('tcpdump', ['--version'], { encoding: 'utf8' });
const installed = `${version.stdout ?? ''}${version.stderr ?? ''}`;
const comparable = installed.includes('tcpdump version 4.99.3') && installed.includes('libpcap version 1.10.3');

const folder = mkdtempSync(join(tmpdir(), 'hairpin-tcpdump-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A namespace without a network, so that no name server answers. */
const apart = spawnSync('unshare', ['--net', 'true']).status === 0;

function tcpdump(args: readonly string[]): { stdout: Uint8Array; stderr: string } {
  const command = [...(apart ? ['unshare', '--net'] : []), 'tcpdump', ...args];
  const { stdout, stderr } = spawnSync(command[0]!, command.slice(1), {
    maxBuffer: 1 << 28,
    env: { PATH: process.env['PATH'], TZ: 'UTC' },
  });
  return { stdout, stderr: stderr.toString() };
}

const KINDS = {
  whole: (maker: FrameMaker) => maker.wholeFrame(),
  damaged: (maker: FrameMaker) => maker.frame(),
  datagram: datagramFrame,
};
type Kind = keyof typeof KINDS;

/** A capture file of seeded frames, and the packets that reading it gives. */
function capture(seed: number, kind: Kind, count: number): { file: string; packets: Packet[] } {
  const maker = new FrameMaker(seed, true);
  const parts = [pcapHeader(DLT_EN10MB, MAXIMUM_SNAPLEN)];
  for (let index = 0; index < count; index++) {
    const frame = KINDS[kind](maker);
    const cut = kind !== 'whole' && maker.chance(6) ? frame.subarray(0, 1 + maker.random(frame.length)) : frame;
    const length = maker.chance(3) ? cut.length : frame.length;
    parts.push(pcapRecord(1_700_000_000 + index, maker.random(1_000_000), length, cut));
  }
  const bytes = Buffer.concat(parts);
  const file = join(folder, `${kind}-${seed}.pcap`);
  writeFileSync(file, bytes);
  const read = readCapture(bytes);
  if ('error' in read && !('packets' in read)) throw new Error(read.error);
  return { file, packets: (read as { packets: Packet[] }).packets };
}

describe.runIf(comparable)('filters select what the real ones select', () => {
  const { file, packets } = capture(31, 'whole', 2000);
  const expressions = readFileSync(new URL('./filters.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter(Boolean);

  it.each(expressions)('%s', (expression) => {
    const real = tcpdump(['-r', file, '-w', '-', '--', expression]);
    const compiled = compileFilter(expression, { dlt: DLT_EN10MB, snaplen: MAXIMUM_SNAPLEN, live: false });
    const message = real.stderr
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('reading from'))
      .join('\n');
    expect('error' in compiled ? `tcpdump: ${compiled.error}` : '').toBe(message);
    if ('error' in compiled) return;
    const selected = readCapture(real.stdout) as { packets: Packet[] };
    const numbers = (of: readonly Packet[]) => of.map(({ seconds }) => seconds - 1_700_000_000);
    expect(numbers(packets.filter(({ data, length }) => matchesPacket(compiled.program, data, length)))).toEqual(
      numbers(selected.packets),
    );
  });
});

const NUMERIC = '-n -ne -nv -nvv -nvvv -nevv -nq -nqe -nqv -nqq -nx -nxx -nX -nXX -nA -nS -nvK -nN'
  .concat(' -nt -ntt -nttt -ntttt -nttttt -n# -neX -nvvA')
  .split(' ');
const WITH_NAMES = ['', '-e', '-v', '-vve', '-exx', '-N'];

describe.runIf(comparable).each([
  ['whole', 41],
  ['damaged', 42],
  ['datagram', 43],
] as const)('the text of %s frames is the real one', (kind, seed) => {
  const { file, packets } = capture(seed, kind, 1500);

  it.each([...NUMERIC, ...(apart ? WITH_NAMES : [])])('tcpdump %s', (flags) => {
    const real = Buffer.from(tcpdump(['-r', file, ...(flags === '' ? [] : [flags])]).stdout).toString('latin1');
    const options: PrintOptions = { ...DEFAULT_PRINT_OPTIONS };
    for (const letter of flags.slice(1)) {
      if (letter === '#') options.number = true;
      else options[letter as 'n']++;
    }
    const printer = new PacketPrinter(
      {
        options,
        hostName: (address) => (address === '127.0.0.1' ? 'localhost' : undefined),
        interfaceName: () => undefined,
        conversations: new TcpConversations(),
      },
      DLT_EN10MB,
    );
    let at = 0;
    for (const [index, packet] of packets.entries()) {
      const mine = printer.print(packet, index + 1);
      if (!real.startsWith(mine, at)) expect(mine).toBe(real.slice(at, at + mine.length));
      at += mine.length;
    }
    expect(at).toBe(real.length);
  });
});

if (!comparable) {
  it.skip('nothing compared: tcpdump 4.99.3 with libpcap 1.10.3 is not installed', () => {});
}
