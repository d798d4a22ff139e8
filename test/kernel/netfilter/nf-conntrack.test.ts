/** States of connections, as the conntrack match sees them and /proc/net/nf_conntrack shows them (Linux 6.18). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { procConntrack } from '../../../src/kernel/netfilter/nf-conntrack-standalone.ts';
import { Router } from './router.ts';

let router: Router;
const STATES = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED'];

beforeEach(async () => {
  router = new Router();
  for (const state of STATES) await router.iptables(`-A FORWARD -m conntrack --ctstate ${state} -j MARK --set-mark 1`);
});

afterEach(() => {
  expect(router.lost).toBe(0);
});

/** Which rule counted the packet. */
async function stateOf(line: string, from: 'lan' | 'wan'): Promise<string> {
  await router.iptables('-Z FORWARD');
  router.forward(line, from);
  const rules = (await router.iptables('-S FORWARD -v')).split('\n');
  return STATES.filter((state) => rules.some((rule) => rule.includes(state) && rule.includes('-c 1 '))).join();
}

/** A script: direction, packet, state it must have. */
async function play(script: string): Promise<void> {
  const said: string[] = [];
  const lines = script
    .trim()
    .split('\n')
    .map((line) => line.trim());
  for (const line of lines) {
    const [, direction, text] = /^([<>]) (.*?) *:: \S+$/.exec(line)!;
    said.push(`${direction} ${text} :: ${await stateOf(text!, direction === '>' ? 'lan' : 'wan')}`);
  }
  expect(said).toEqual(lines.map((line) => line.replace(/ +::/, ' ::')));
}

const table = () =>
  procConntrack(router.net)
    .replace(/^ipv4 +2 /gm, '')
    .replace(/ mark=0 zone=0 use=2$/gm, '');

describe('ICMP', () => {
  it('is a connection per identifier; an answer to nothing is invalid', async () => {
    await play(`
      > icmp 10.0.0.2 > 192.0.2.9 echo 5    :: NEW
      > icmp 10.0.0.2 > 192.0.2.9 echo 5    :: NEW
      < icmp 192.0.2.9 > 10.0.0.2 reply 5   :: ESTABLISHED
      > icmp 10.0.0.2 > 192.0.2.9 echo 5    :: ESTABLISHED
      < icmp 192.0.2.9 > 10.0.0.2 reply 6   :: INVALID
    `);
    expect(table()).toBe(
      'icmp     1 30 src=10.0.0.2 dst=192.0.2.9 type=8 code=0 id=5 src=192.0.2.9 dst=10.0.0.2 type=0 code=0 id=5\n',
    );
    router.wait(30);
    expect(table()).toBe('');
  });

  it('errors are related to what they quote, if it is known and they are for its sender', async () => {
    await play(`
      > udp 10.0.0.2:5000 > 192.0.2.9:53                                                    :: NEW
      < icmp 192.0.2.1 > 10.0.0.2 unreachable [udp 10.0.0.2:5000 > 192.0.2.9:53]            :: RELATED
      < icmp 192.0.2.1 > 10.0.0.3 unreachable [udp 10.0.0.2:5000 > 192.0.2.9:53]            :: INVALID
      < icmp 192.0.2.1 > 10.0.0.2 unreachable [udp 10.0.0.2:5001 > 192.0.2.9:53]            :: INVALID
    `);
  });
});

describe('UDP', () => {
  it('is established by an answer, and a stream when it goes on for more than two seconds', async () => {
    await play(`
      > udp 10.0.0.2:5000 > 192.0.2.9:53  :: NEW
      > udp 10.0.0.2:5000 > 192.0.2.9:53  :: NEW
    `);
    expect(table()).toBe(
      'udp      17 30 src=10.0.0.2 dst=192.0.2.9 sport=5000 dport=53 [UNREPLIED] src=192.0.2.9 dst=10.0.0.2 sport=53 dport=5000\n',
    );
    await play(`
      < udp 192.0.2.9:53 > 10.0.0.2:5000  :: ESTABLISHED
      > udp 10.0.0.2:5000 > 192.0.2.9:53  :: ESTABLISHED
    `);
    const pair = 'src=10.0.0.2 dst=192.0.2.9 sport=5000 dport=53 src=192.0.2.9 dst=10.0.0.2 sport=53 dport=5000';
    expect(table()).toBe(`udp      17 30 ${pair}\n`);
    router.wait(3);
    await play('< udp 192.0.2.9:53 > 10.0.0.2:5000  :: ESTABLISHED');
    expect(table()).toBe(`udp      17 120 ${pair} [ASSURED]\n`);
  });
});

describe('TCP', () => {
  it('goes through its states', async () => {
    const state = () => /tcp +6 (\d+ \w+)/.exec(table())?.[1];
    await play('> tcp 10.0.0.2:5000 > 192.0.2.9:80 S :: NEW');
    expect(state()).toBe('120 SYN_SENT');
    await play('< tcp 192.0.2.9:80 > 10.0.0.2:5000 SA :: ESTABLISHED');
    expect(state()).toBe('60 SYN_RECV');
    await play('> tcp 10.0.0.2:5000 > 192.0.2.9:80 A seq=14 ack=14 :: ESTABLISHED');
    expect(table()).toMatch(/ESTABLISHED .*\[ASSURED\]/);
    await play('> tcp 10.0.0.2:5000 > 192.0.2.9:80 FA seq=26 ack=14 :: ESTABLISHED');
    expect(state()).toMatch(/FIN_WAIT$/);
    await play('< tcp 192.0.2.9:80 > 10.0.0.2:5000 A seq=14 ack=39 :: ESTABLISHED');
    expect(state()).toMatch(/CLOSE_WAIT$/);
    await play('< tcp 192.0.2.9:80 > 10.0.0.2:5000 FA seq=26 ack=39 :: ESTABLISHED');
    expect(state()).toMatch(/LAST_ACK$/);
    await play('> tcp 10.0.0.2:5000 > 192.0.2.9:80 A seq=39 ack=39 :: ESTABLISHED');
    expect(state()).toBe('120 TIME_WAIT');
  });

  it('is picked up in the middle, unless tcp_loose is off; nonsense is invalid', async () => {
    await play(`
      > tcp 10.0.0.2:5000 > 192.0.2.9:80 A   :: NEW
      > tcp 10.0.0.2:5001 > 192.0.2.9:80 SF  :: INVALID
      > tcp 10.0.0.2:5001 > 192.0.2.9:80 SA  :: INVALID
      > tcp 10.0.0.2:5001 > 192.0.2.9:80 R   :: INVALID
    `);
  });

  it('ends at once when a reset is the only answer', async () => {
    await play(`
      > tcp 10.0.0.2:5000 > 192.0.2.9:80 S   :: NEW
      < tcp 192.0.2.9:80 > 10.0.0.2:5000 RA  :: ESTABLISHED
    `);
    expect(table()).toBe('');
  });
});
