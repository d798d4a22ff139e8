/** Ageing of a bridge's entries: Linux 6.18. */
import { expect, it } from 'vitest';
import { Twin } from '../../src/lab/twin.ts';

it('a new ageing time is applied to the entries at once; with zero nothing is learned', async () => {
  const twin = new Twin();
  const { stdout } = await twin.run(`ip link add br0 type bridge; ip link set br0 up
for n in a b; do ip netns add $n; ip link add e0 netns $n type veth peer name p$n; ip link set p$n master br0 up; ip -n $n link set e0 up; done
ip -n a addr add 10.0.0.1/24 dev e0; ip -n b addr add 10.0.0.2/24 dev e0
try() { ip netns exec a ping -c 1 -q 10.0.0.2 >/dev/null && bridge fdb show br br0 dynamic | wc -l; }
try; sleep 4; ip link set br0 type bridge ageing_time 300; bridge fdb show br br0 dynamic | wc -l
try; ip link set br0 type bridge ageing_time 0; bridge fdb show br br0 dynamic | wc -l; try`);
  await twin.close();
  expect(stdout).toBe('2\n0\n2\n0\n0\n');
});
