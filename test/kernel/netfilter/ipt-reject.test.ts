/** REJECT --reject-with tcp-reset, as a sender sees it. Compared with Linux 6.18. */
import { describe, expect, it } from 'vitest';
import { devQueueXmit } from '../../../src/kernel/core/dev-xmit.ts';
import { skbFromBytes } from '../../../src/kernel/core/skbuff.ts';
import { TwinMachine } from '../../../src/lab/twin-machine.ts';
import { putEthernetHeader } from '../../../src/wire/ethernet.ts';
import { packet } from './router.ts';

const HOSTS = `
  for n in h1 h2; do ip netns add $n; ip -n $n link set lo up; done
  ip link add br0 address 02:00:00:00:01:00 type bridge; ip link set br0 up
  for i in 1 2; do
    ip link add p$i type veth peer name e$i address 02:00:00:00:00:0$i
    ip link set e$i netns h$i; ip link set p$i master br0 up
    ip -n h$i addr add 10.0.0.$i/24 dev e$i; ip -n h$i link set e$i up
  done
  iptables -A FORWARD -p tcp -j REJECT --reject-with tcp-reset`;

const ETH_P_IP = 0x0800;

/** What tcpdump shows of TCP in h1 when h1 sends a segment to h2. */
async function answer(setUp: string, segment: string): Promise<string[]> {
  let text = '';
  const decoder = new TextDecoder();
  const machine = new TwinMachine({
    seed: 1,
    terminal: false,
    sink: (stream, data) => {
      if (stream === 'stdout') text += decoder.decode(data, { stream: true });
    },
  });
  await machine.command(`${HOSTS}\n${setUp}\nsleep 1`);
  await machine.command('ip netns exec h1 tcpdump -lnnet -i e1 tcp & sleep 0.1');
  const e1 = machine.namespace('h1')!.devByName('e1')!;
  const bytes = packet(segment);
  const frame = new Uint8Array(14 + bytes.length);
  putEthernetHeader(frame, 0, 0x02_00_00_00_00_02, 0x02_00_00_00_00_01, ETH_P_IP);
  frame.set(bytes, 14);
  const skb = skbFromBytes(machine.kernel, frame, 'test');
  skb.dev = e1;
  skb.protocol = ETH_P_IP;
  devQueueXmit(skb);
  await machine.command('sleep 0.1; kill $!; wait');
  await machine.stop();
  return text.split('\n').filter((line) => line.includes('Flags'));
}

describe('a TCP segment that a bridge rejects', () => {
  it('is answered in the name, and with the address, of the host it was for', async () => {
    const lines = await answer('ip addr add 10.0.0.254/24 dev br0', 'tcp 10.0.0.1:5000 > 10.0.0.2:80 S seq=77');
    expect(lines.slice(1)).toEqual([
      '02:00:00:00:00:02 > 02:00:00:00:00:01, ethertype IPv4 (0x0800), length 54: ' +
        '10.0.0.2.80 > 10.0.0.1.5000: Flags [R.], seq 0, ack 90, win 0, length 0',
    ]);
  });

  it('is not answered when the bridging host has no route back', async () => {
    expect(await answer('', 'tcp 10.0.0.1:5000 > 10.0.0.2:80 S')).toHaveLength(1);
  });

  it('is not answered when it is a reset itself', async () => {
    expect(await answer('ip addr add 10.0.0.254/24 dev br0', 'tcp 10.0.0.1:5000 > 10.0.0.2:80 RA')).toHaveLength(1);
  });
});
