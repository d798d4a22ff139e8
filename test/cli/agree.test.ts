/** A lab on two backends: what is said about how far they agree, and that they do. */
import { release } from 'node:os';
import { describe, expect, it } from 'vitest';
import { agree, agreementText } from '../../src/cli/agree.ts';
import { DEFAULT_BUDGET } from '../../src/cli/options.ts';
import { junitReporter, tapReporter, textReporter } from '../../src/cli/reporters.ts';
import { makeStyle } from '../../src/cli/style.ts';
import type { LabReport } from '../../src/cli/test-lab.ts';
import { type Agreement, agrees } from '../../src/lab/agreement.ts';
import { onPath, whyUnavailable } from '../../src/linux/kernel-backend.ts';

const plain = makeStyle(false);

const same: Agreement = {
  backends: ['twin', 'kernel'],
  commands: 2,
  agreeingCommands: 2,
  lines: 3,
  agreeingLines: 3,
  disagreements: [],
  frames: { interfaces: 1, frames: 4, agreeing: 4, inOrder: 4, unseen: 0, differences: [] },
  tables: { entries: 9, agreeing: 9, differences: [] },
  counters: { entries: 12, agreeing: 12, differences: [] },
};

const differing: Agreement = {
  ...same,
  frames: {
    ...same.frames!,
    agreeing: 3,
    inOrder: 2,
    unseen: 5,
    differences: [
      {
        place: 'v0 in ns1',
        lines: [
          { kind: 'first', text: 'one', count: 2 },
          { kind: 'second', text: 'other', count: 1 },
          { kind: 'order', text: 'late', count: 1 },
        ],
      },
    ],
  },
  counters: {
    entries: 12,
    agreeing: 11,
    differences: [
      {
        place: 'v0',
        lines: [
          { kind: 'first', text: 'rx packets 1' },
          { kind: 'second', text: 'rx packets 2' },
        ],
      },
    ],
  },
};

describe('what is said of two backends', () => {
  it('is one line with every number when they agree', () => {
    expect(agreementText('a.md', same, plain)).toBe(
      'a.md: twin and kernel agree on 3 of 3 lines (100 %), 2 of 2 commands, 4 of 4 frames (1 interfaces), ' +
        '9 of 9 table entries, 12 of 12 counters\n',
    );
    expect([agrees(same), agrees(differing)]).toEqual([true, false]);
  });

  it('shows frames and counters that differ by their places', () => {
    expect(agreementText('a.md', differing, plain)).toBe(
      'a.md: frames on v0 in ns1\n- twin    one (2 times)\n+ kernel  other\n~ order   late\n' +
        'a.md: counters of v0\n- twin    rx packets 1\n+ kernel  rx packets 2\n' +
        'a.md: twin and kernel agree on 3 of 3 lines (100 %), 2 of 2 commands, 3 of 4 frames (1 interfaces, 2 of them in ' +
        'order, 5 more passed before a capture listened), 9 of 9 table entries, 11 of 12 counters\n',
    );
  });

  it('stands in every report', () => {
    const report: LabReport = {
      path: 'a.md',
      passed: false,
      commands: 2,
      failures: [
        { line: 0, command: 'frames on v0', comparison: [{ kind: 'missing', expected: 'twin: one (2 times)' }] },
      ],
      agreements: ['twin and kernel agree on 3 of 4 frames'],
      updated: false,
      milliseconds: 10,
    };
    expect(textReporter(plain).lab(report)).toBe(
      'FAIL  a.md  2 commands, 0.01 s\n      a.md\n      frames on v0\n      - twin: one (2 times)\n' +
        '      twin and kernel agree on 3 of 4 frames\n',
    );
    const xml = junitReporter(plain).end([report, { ...report, passed: true, failures: [] }], 10);
    expect(xml).toContain('<failure message="1 differences in frames, tables and counters">');
    expect(xml.match(/<system-out>twin and kernel agree on 3 of 4 frames<\/system-out>/g)).toHaveLength(2);
    expect(tapReporter(plain).lab(report)).toContain('\n# twin and kernel agree on 3 of 4 frames\n');
  });
});

const why =
  whyUnavailable() ??
  (onPath('tcpdump') ? undefined : 'there is no tcpdump') ??
  (release().startsWith('6.18.') ? undefined : `the twin is Linux 6.18, this machine has ${release()}`);
if (why !== undefined) console.warn(`frames, tables and counters were not compared with a live kernel: ${why}`);

/** At its end every retry has been made, and every neighbour that was to be probed. */
const SETUP = `sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
for n in a b; do ip netns add $n; ip netns exec $n sysctl -qw net.ipv6.conf.all.disable_ipv6=1; done
ip link add br0 type bridge mcast_snooping 0
ip link set br0 up
for n in a b; do ip link add p$n type veth peer name eth0 netns $n; ip link set p$n master br0 up; done
ip -n a addr add 10.0.0.1/24 dev eth0
ip -n b addr add 10.0.0.2/24 dev eth0
for n in a b; do ip -n $n link set eth0 up; done
for n in a b; do until ip -n $n link show dev eth0 | grep -q 'state UP'; do sleep 0.1; done; done
for dev in pa pb br0; do until ip link show dev $dev | grep -q 'state UP'; do sleep 0.1; done; done
ip netns exec a ping -q -c 2 -i 0.3 10.0.0.2 > /dev/null
ip netns exec a ping -q -c 1 -W 0.5 10.0.0.9 > /dev/null
sleep 7
`;

describe.skipIf(why !== undefined)("the twin and this machine's kernel", () => {
  const document = `\`\`\`console\n# ${SETUP.trim().replaceAll('\n', '\n# ')}\n\`\`\`\n`;
  // A machine under load is late now and then.
  it.each([
    ['document', '/tmp/lab.md', document],
    ['script', '-', SETUP],
  ])('agree on a %s in everything that can be seen', { retry: 3, timeout: 60_000 }, async (_, file, text) => {
    const [result] = await agree({
      ...{ file, text, args: [], on: 'twin', against: ['kernel'] },
      ...{ seed: 1, budget: DEFAULT_BUDGET },
    });
    const { frames, tables, counters } = result!;
    expect([result!.disagreements, frames!.differences, tables!.differences, counters!.differences]).toEqual([
      [],
      [],
      [],
      [],
    ]);
    expect(frames!.interfaces).toBe(5);
    expect(frames!.agreeing).toBeGreaterThanOrEqual(20);
    expect(tables!.entries).toBeGreaterThan(20);
    expect(counters!.entries).toBeGreaterThanOrEqual(8 * 12);
  });
});
