/** What namespaces and devices share until they change it, and the numbers they are given. */
import { expect, test } from 'vitest';
import { Twin } from '../../src/lab/twin.ts';

async function lines(script: string): Promise<string[]> {
  const { stdout, stderr } = await new Twin().script(script);
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

test('a setting that is written stays with its device, its namespace, or the devices to come', async () => {
  const conf = 'net.ipv4.conf';
  const read = `for ns in a b; do ip netns exec $ns sysctl -n ${conf}.all.arp_ignore ${conf}.default.arp_ignore ${conf}.lo.arp_ignore ${conf}.lo.disable_policy | paste -sd' '; done\n`;
  expect(
    await lines(`ip netns add a; ip netns add b
ip netns exec a sysctl -qw ${conf}.lo.arp_ignore=1\n${read}
ip netns exec a sysctl -qw ${conf}.default.arp_ignore=2\n${read}
ip netns exec b sysctl -qw ${conf}.all.arp_ignore=3\n${read}
ip -n a link add t0 type dummy; ip netns exec a sysctl -n ${conf}.t0.arp_ignore ${conf}.t0.disable_policy`),
  ).toEqual([...['0 0 1 1', '0 0 0 1', '0 2 1 1', '0 0 0 1', '0 2 1 1', '3 0 0 1', '2', '0']]);
});

test('a setting of the neighbours of one device is not that of another', async () => {
  const gc = (dev: string) => `net.ipv4.neigh.${dev}.gc_stale_time`;
  expect(
    await lines(`ip link add t0 type dummy; ip link add t1 type dummy
sysctl -qw ${gc('t0')}=7; ip link add t2 type dummy
sysctl -n ${gc('t0')} ${gc('t1')} ${gc('t2')}`),
  ).toEqual(['7', '60', '60']);
});

test('a name with a number takes the lowest that is free, also after one has gone or was renamed', async () => {
  expect(
    await lines(`for i in 1 2 3; do ip link add type dummy; done
ip link del dummy1; ip link add type dummy; ip link add type dummy
ip link set dummy0 name x; ip link add type dummy
ip -br link | grep -o '^[dx][^ ]*' | sort | tr '\\n' ' '`),
  ).toEqual(['dummy0 dummy1 dummy2 dummy3 x']);
});

test('the id of a namespace is the lowest that is free, and goes with the namespace', async () => {
  const list = `ip netns list | sort | tr '\\n' ' '; echo\n`;
  const join = (ns: string) =>
    `ip netns add ${ns}; ip link add q${ns} type veth peer name e netns ${ns}; ip -br link > /dev/null\n`;
  expect(
    await lines(
      `${join('a')}${join('b')}${join('c')}${list}ip netns del a; sleep 1\n${list}${join('d')}${join('f')}${list}`,
    ),
  ).toEqual(['a (id: 0) b (id: 1) c (id: 2) ', 'b (id: 1) c (id: 2) ', 'b (id: 1) c (id: 2) d (id: 0) f (id: 3)']);
});

test('a long output to a reader that starts late comes whole', async () => {
  expect(
    await lines(`for i in $(seq 1 900); do ip link add d$i type dummy; done
ip link show | { sleep 1; grep -c '^[0-9]*: d[0-9]*:'; }`),
  ).toEqual(['900']);
});
