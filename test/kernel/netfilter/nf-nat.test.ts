/** NAT as Linux does it: the same rules with the same packets give the same packets on Linux 6.18. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { conntrackNet } from '../../../src/kernel/netfilter/nf-conntrack-state.ts';
import { Router } from './router.ts';

let router: Router;

beforeEach(() => {
  router = new Router();
});

afterEach(() => {
  expect(router.lost).toBe(0);
});

describe('SNAT', () => {
  beforeEach(() => router.iptables('-t nat -A POSTROUTING -o wan -j SNAT --to-source 192.0.2.1'));

  it('changes the source of a connection and gives answers back, with right checksums', () => {
    expect(router.forward('udp 10.0.0.2:5000 > 198.51.100.1:53')).toBe('udp 192.0.2.1:5000 > 198.51.100.1:53');
    expect(router.forward('udp 198.51.100.1:53 > 192.0.2.1:5000', 'wan')).toBe('udp 198.51.100.1:53 > 10.0.0.2:5000');
    expect(router.forward('tcp 10.0.0.2:5000 > 198.51.100.1:80 S')).toBe('tcp 192.0.2.1:5000 > 198.51.100.1:80 S');
    expect(router.forward('tcp 198.51.100.1:80 > 192.0.2.1:5000 SA', 'wan')).toBe(
      'tcp 198.51.100.1:80 > 10.0.0.2:5000 SA',
    );
    expect(router.forward('icmp 10.0.0.2 > 198.51.100.1 echo 9')).toBe('icmp 192.0.2.1 > 198.51.100.1 echo 9');
    expect(router.forward('icmp 198.51.100.1 > 192.0.2.1 reply 9', 'wan')).toBe('icmp 198.51.100.1 > 10.0.0.2 reply 9');
    expect(router.forward('47 10.0.0.2 > 198.51.100.1')).toBe('47 192.0.2.1 > 198.51.100.1');
  });

  it('keeps the source port if it is free, otherwise takes one of the same class', () => {
    expect(router.forward('udp 10.0.0.2:5000 > 198.51.100.1:53')).toBe('udp 192.0.2.1:5000 > 198.51.100.1:53');
    const port = (line: string) => Number(/192\.0\.2\.1:(\d+)/.exec(router.forward(line))?.[1]);
    expect(port('udp 10.0.0.3:5000 > 198.51.100.1:53')).toBeGreaterThan(1023);
    expect(port('udp 10.0.0.2:600 > 198.51.100.1:53')).toBe(600);
    const second = port('udp 10.0.0.3:600 > 198.51.100.1:53');
    expect(second).toBeGreaterThanOrEqual(600);
    expect(second).toBeLessThan(1024);
    expect(port('udp 10.0.0.2:500 > 198.51.100.1:53')).toBe(500);
    expect(port('udp 10.0.0.3:500 > 198.51.100.1:53')).toBeLessThan(512);
    // To another destination the port is free.
    expect(port('udp 10.0.0.3:5000 > 198.51.100.2:53')).not.toBe(0);
  });

  it('gives a second ping with the same identifier another one', () => {
    expect(router.forward('icmp 10.0.0.2 > 198.51.100.1 echo 9')).toBe('icmp 192.0.2.1 > 198.51.100.1 echo 9');
    const other = router.forward('icmp 10.0.0.3 > 198.51.100.1 echo 9');
    const id = Number(other.split(' ').at(-1));
    expect(id).not.toBe(9);
    expect(router.forward(`icmp 198.51.100.1 > 192.0.2.1 reply ${id}`, 'wan')).toBe(
      'icmp 198.51.100.1 > 10.0.0.3 reply 9',
    );
  });

  it('translates errors and what they quote', () => {
    router.forward('udp 10.0.0.2:5000 > 198.51.100.1:53');
    const quoted = '[udp 192.0.2.1:5000 > 198.51.100.1:53]';
    expect(router.forward(`icmp 203.0.113.9 > 192.0.2.1 unreachable ${quoted}`, 'wan')).toBe(
      'icmp 203.0.113.9 > 10.0.0.2 unreachable [udp 10.0.0.2:5000 > 198.51.100.1:53]',
    );
    router.forward('icmp 10.0.0.2 > 198.51.100.1 echo 9');
    expect(router.forward('icmp 203.0.113.9 > 192.0.2.1 exceeded [icmp 192.0.2.1 > 198.51.100.1 echo 9]', 'wan')).toBe(
      'icmp 203.0.113.9 > 10.0.0.2 exceeded [icmp 10.0.0.2 > 198.51.100.1 echo 9]',
    );
    expect(router.forward(`icmp 203.0.113.9 > 192.0.2.1 redirect ${quoted}`, 'wan')).toBe('dropped');
  });
});

describe('ranges', () => {
  it('of ports are used up to the last, then the packet is dropped as a clash', async () => {
    await router.iptables('-t nat -A POSTROUTING -p udp -j SNAT --to-source 192.0.2.1:7000-7001');
    const sources = [2, 3, 4].map((host) => router.forward(`udp 10.0.0.${host}:5000 > 198.51.100.1:53`));
    expect(sources.slice(0, 2).sort()).toEqual([
      'udp 192.0.2.1:7000 > 198.51.100.1:53',
      'udp 192.0.2.1:7001 > 198.51.100.1:53',
    ]);
    expect(sources[2]).toBe('dropped');
  });

  it.each([
    // For clients 10.0.0.2 to .9: the last octet of the address each got, measured.
    ['', '198.51.100.1', '11 12 10 12 12 13 10 12'],
    ['', '198.51.100.2', '11 12 13 12 12 13 12 11'],
    [' --persistent', '198.51.100.1', '13 13 10 13 10 10 11 12'],
    [' --persistent', '198.51.100.2', '13 13 10 13 10 10 11 12'],
  ])('of addresses%s are shared out among clients of %s as on Linux', async (option, server, octets) => {
    await router.iptables(`-t nat -A POSTROUTING -j SNAT --to-source 192.0.2.10-192.0.2.13${option}`);
    const clients = [2, 3, 4, 5, 6, 7, 8, 9];
    const said = clients.map((host) => router.forward(`icmp 10.0.0.${host} > ${server} echo ${host}`).split(' ')[1]);
    expect(said.map((address) => address!.split('.')[3]).join(' ')).toBe(octets);
  });

  it('of shifted ports keep the distance', async () => {
    await router.iptables(
      '-t nat -A PREROUTING -p tcp --dport 1000:1010 -j DNAT --to-destination 10.0.0.9:2000-2010/1000',
    );
    expect(router.forward('tcp 198.51.100.1:4000 > 192.0.2.1:1004 S', 'wan')).toBe(
      'tcp 198.51.100.1:4000 > 10.0.0.9:2004 S',
    );
  });
});

describe('DNAT', () => {
  it('changes the destination, and the source of answers', async () => {
    await router.iptables('-t nat -A PREROUTING -i wan -p tcp --dport 80 -j DNAT --to-destination 10.0.0.9:8080');
    expect(router.forward('tcp 198.51.100.1:4000 > 192.0.2.1:80 S', 'wan')).toBe(
      'tcp 198.51.100.1:4000 > 10.0.0.9:8080 S',
    );
    expect(router.forward('tcp 10.0.0.9:8080 > 198.51.100.1:4000 SA')).toBe('tcp 192.0.2.1:80 > 198.51.100.1:4000 SA');
    expect(router.forward('tcp 198.51.100.1:4000 > 192.0.2.1:81 S', 'wan')).toBe(
      'tcp 198.51.100.1:4000 > 192.0.2.1:81 S',
    );
  });

  it('and SNAT on one connection both hold, errors included', async () => {
    await router.iptables('-t nat -A PREROUTING -d 192.0.2.1 -j DNAT --to-destination 10.0.0.9');
    await router.iptables('-t nat -A POSTROUTING -d 10.0.0.9 -j SNAT --to-source 10.0.0.1');
    expect(router.forward('udp 198.51.100.1:4000 > 192.0.2.1:53', 'wan')).toBe('udp 10.0.0.1:4000 > 10.0.0.9:53');
    expect(router.forward('udp 10.0.0.9:53 > 10.0.0.1:4000')).toBe('udp 192.0.2.1:53 > 198.51.100.1:4000');
    expect(router.forward('icmp 10.0.0.9 > 10.0.0.1 unreachable [udp 10.0.0.1:4000 > 10.0.0.9:53]')).toBe(
      'icmp 192.0.2.1 > 198.51.100.1 unreachable [udp 198.51.100.1:4000 > 192.0.2.1:53]',
    );
  });
});

it('the first packet of a connection decides: rules that come later do not change it', async () => {
  await router.iptables('-t nat -A POSTROUTING -p tcp -j SNAT --to-source 192.0.2.1');
  expect(router.forward('udp 10.0.0.2:5000 > 198.51.100.1:53')).toBe('udp 10.0.0.2:5000 > 198.51.100.1:53');
  await router.iptables('-t nat -A POSTROUTING -p udp -j SNAT --to-source 192.0.2.1');
  expect(router.forward('udp 10.0.0.2:5000 > 198.51.100.1:53')).toBe('udp 10.0.0.2:5000 > 198.51.100.1:53');
  router.wait(31);
  expect(router.forward('udp 10.0.0.2:5000 > 198.51.100.1:53')).toBe('udp 192.0.2.1:5000 > 198.51.100.1:53');
  expect(await router.iptables('-t nat -S POSTROUTING -v')).toContain('-p udp -c 1 40 -j SNAT');
});

it('a namespace without rules that need it tracks nothing, and stops when the last such rule goes', async () => {
  await router.iptables('-A FORWARD -j ACCEPT');
  router.forward('udp 10.0.0.2:5000 > 198.51.100.1:53');
  expect(conntrackNet.of(router.net).count).toBe(0);
  await router.iptables('-A FORWARD -m conntrack --ctstate NEW');
  router.forward('udp 10.0.0.2:5000 > 198.51.100.1:53');
  expect(conntrackNet.of(router.net).count).toBe(1);
  await router.iptables('-D FORWARD 2');
  router.forward('udp 10.0.0.3:5000 > 198.51.100.1:53');
  expect(conntrackNet.of(router.net).count).toBe(1);
});
