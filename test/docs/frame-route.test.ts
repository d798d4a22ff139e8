/** docs/frame-route.md says which function calls which: the lab runs, and every step is looked for. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TwinMachine } from '../../src/lab/twin-machine.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

const SCRIPT = `
for i in 1 2; do ip netns add ns$i; ip netns exec ns$i sysctl -qw net.ipv6.conf.all.disable_ipv6=1; done
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip link add test_br type bridge mcast_snooping 0
ip link add veth1 type veth peer name veth1_br
ip link set veth1_br master test_br
bridge link set dev veth1_br hairpin on
for dev in test_br veth1_br veth1; do ip link set $dev up; done
ip link add link veth1 name veth1.11 type vlan id 11
ip link set veth1.11 up
for i in 1 2; do
  ip link add link veth1.11 name macvl$i type macvlan mode vepa
  ip link set macvl$i netns ns$i
  ip -n ns$i addr add 192.168.9.$((i+1))/24 dev macvl$i
  ip -n ns$i link set macvl$i up
done
ip netns exec ns1 ping -c 2 192.168.9.3
`;

interface Call {
  file: string;
  name: string;
}

/** The sections of the page: heading, and the calls in order. */
function sections(): { heading: string; calls: Call[] }[] {
  const text = readFileSync(join(root, 'docs/frame-route.md'), 'utf8');
  return text
    .split(/^## /m)
    .slice(1)
    .map((part) => ({
      heading: part.split('\n', 1)[0]!,
      calls: [...part.matchAll(/^\d+\. `(\S+)` `(\w+)`/gm)].map(([, file, name]) => ({ file: file!, name: name! })),
    }));
}

/** Every call stack at a choke point of the trace while the lab runs, innermost first, without nfHook. */
async function stacks(): Promise<Call[][]> {
  let output = '';
  const decoder = new TextDecoder();
  const machine = new TwinMachine({
    seed: 1,
    terminal: false,
    trace: true,
    sink: (_, data) => {
      output += decoder.decode(data);
    },
  });
  const seen: Call[][] = [];
  const { trace } = machine.kernel;
  const record = trace.record.bind(trace);
  Error.stackTraceLimit = 80;
  trace.record = (...step) => {
    const lines = (new Error().stack ?? '').split('\n');
    const calls = lines.flatMap((line) => {
      const match = /at (?:async )?(?:[\w#$]+\.)?#?([\w$]+) .*\/(src\/[^:)?]+)/.exec(line);
      return match === null ? [] : [{ name: match[1]!, file: match[2]! }];
    });
    seen.push(calls.filter(({ name }) => name !== 'nfHook' && name !== 'nfHookSlow'));
    record(...step);
  };
  await machine.script('bash', SCRIPT, []);
  await machine.stop();
  Error.stackTraceLimit = 10;
  expect(output).toContain('2 received');
  return seen;
}

describe('the route of a frame', async () => {
  const seen = await stacks();
  const calls = (caller: Call, callee: Call) =>
    seen.some((stack) =>
      stack.some((frame, i) => {
        const outer = stack[i + 1];
        return (
          outer !== undefined &&
          frame.name === callee.name &&
          frame.file === callee.file &&
          outer.name === caller.name &&
          outer.file === caller.file
        );
      }),
    );

  it('has four sections', () => {
    expect(sections().map(({ heading }) => heading)).toEqual([
      'ping sends',
      'The bridge sends it back',
      'The other macvlan answers',
      'ping hears',
    ]);
  });

  for (const { heading, calls: list } of sections()) {
    it(`is what happens: ${heading}`, () => {
      expect(list.length).toBeGreaterThan(8);
      const wrong: string[] = [];
      for (let i = 1; i < list.length; i++) {
        if (!calls(list[i - 1]!, list[i]!))
          wrong.push(`${list[i - 1]!.name} does not call ${list[i]!.name} in ${list[i]!.file}`);
      }
      expect(wrong).toEqual([]);
    });
  }
});
