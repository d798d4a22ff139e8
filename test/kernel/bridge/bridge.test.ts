import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { brDumpLinks } from '../../../src/kernel/bridge/br-netlink.ts';
import { NF_ACCEPT, NF_DROP, NFPROTO_IPV4 } from '../../../src/kernel/core/netfilter.ts';
import { rtnlFdbAdd, rtnlFdbDel } from '../../../src/kernel/core/rtnl-fdb.ts';
import { TRACE_NO_COPY } from '../../../src/kernel/core/trace.ts';
import {
  EBUSY,
  EEXIST,
  EINVAL,
  ELOOP,
  ENETDOWN,
  ENOENT,
  EOPNOTSUPP,
  EPROTONOSUPPORT,
  ERANGE,
} from '../../../src/uapi/errno.ts';
import {
  type BridgeData,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NTF_MASTER,
  NTF_STICKY,
  NUD_NOARP,
  NUD_PERMANENT,
  NUD_REACHABLE,
} from '../../../src/uapi/rtnetlink.ts';
import { checksum } from '../../../src/wire/checksum.ts';
import { L2Lab, mac } from '../l2-lab.ts';

let lab: L2Lab;

/** Three hosts a, b, c on ports pa, pb, pc of br. */
beforeEach(() => {
  lab = new L2Lab();
  lab.link('br', 'bridge');
  for (const [host, octet] of [
    ['a', '0a'],
    ['b', '0b'],
    ['c', '0c'],
  ] as const) {
    lab.veth(host, `p${host}`, octet, `1${octet[1]}`);
    expect(lab.enslave(`p${host}`, 'br')).toBeUndefined();
    lab.up(host, `p${host}`);
  }
  lab.up('br');
  lab.tap('a', 'b', 'c', 'br');
});
afterEach(() => lab.expectNothingLost());

const BR = 'br';
function configure(data: BridgeData): unknown {
  return lab.set(BR, { linkinfo: { kind: 'bridge', data } });
}

describe('forwarding', () => {
  test('an unknown address is flooded, a learned one goes to its port only', () => {
    lab.say('a', '0b', '0a');
    expect(lab.receivers()).toBe('b c');
    lab.say('b', '0a', '0b');
    expect(lab.receivers()).toBe('a');
    lab.say('a', '0b', '0a');
    expect(lab.receivers()).toBe('b');
  });

  test('the newest port is flooded first, and gets a copy', () => {
    lab.kernel.trace.on = true;
    lab.say('a', 'ff', '0a');
    const devices = lab.kernel.trace
      .drain()
      .filter((record) => record.kind === 2)
      .map((record) => record.dev);
    expect(devices.slice(1)).toEqual([lab.dev('pc').uid, lab.dev('pb').uid]);
  });

  test('a frame does not go back by its port unless hairpin is on', () => {
    lab.say('a', 'ff', '0a');
    expect(lab.receivers()).toBe('b c br');
    lab.port('pa', { mode: 1 });
    lab.say('a', 'ff', '0a');
    expect(lab.receivers()).toBe('a b c br');
  });

  test('addresses age out, and with ageing 0 are never learned', () => {
    lab.say('b', 'ff', '0b');
    lab.run(299);
    expect(lab.fdb()).toContain('0b pb learned');
    lab.run(2);
    expect(lab.fdb()).not.toContain('0b pb learned');
    expect(configure({ ageingTime: 0 })).toBeUndefined();
    lab.say('b', 'ff', '0b');
    expect(lab.fdb()).not.toContain('0b pb learned');
  });

  test('a port that goes down forgets what it learned and keeps what it was told', () => {
    lab.say('b', 'ff', '0b');
    const request = { ifindex: lab.dev('pb').ifindex, lladdr: mac('77'), flags: NTF_MASTER, state: NUD_NOARP };
    expect(rtnlFdbAdd(lab.net, request, NLM_F_CREATE | NLM_F_EXCL)).toBeUndefined();
    lab.down('b');
    expect(lab.fdb()).toEqual(expect.arrayContaining(['77 pb static', '1b pb local']));
    expect(lab.fdb()).not.toContain('0b pb learned');
  });

  test('the address of a host that moved follows it, but not a sticky one', () => {
    lab.say('b', 'ff', '55');
    lab.say('c', 'ff', '55');
    expect(lab.fdb()).toContain('55 pc learned');
    const request = { ifindex: lab.dev('pb').ifindex, lladdr: mac('66'), state: NUD_NOARP };
    rtnlFdbAdd(lab.net, { ...request, flags: NTF_MASTER | NTF_STICKY }, NLM_F_CREATE);
    lab.say('c', 'ff', '66');
    expect(lab.fdb()).toContain('66 pb static');
  });

  test('frames with a group or no address as their source are dropped', () => {
    lab.send('a', lab.frame('ff', '01:00:5e:00:00:01'));
    lab.send('a', lab.frame('ff', '00:00:00:00:00:00'));
    expect(lab.receivers()).toBe('');
  });

  test('a frame for a port or the bridge itself is passed up and goes nowhere else', () => {
    lab.say('a', '1b', '0a');
    expect(lab.receivers()).toBe('br');
    expect(lab.dev('br').stats).toMatchObject({ rxPackets: 1, rxBytes: 46 });
  });

  test('what the bridge sends goes where the address is, or everywhere', () => {
    lab.say('b', 'ff', '0b');
    lab.heard();
    lab.say('br', '0b', '1a');
    expect(lab.receivers()).toBe('b');
    lab.say('br', '0c', '1a');
    expect(lab.receivers()).toBe('a b c');
    expect(lab.dev('br').stats).toMatchObject({ txPackets: 2, txBytes: 120 });
  });

  test('a promiscuous bridge sees frames between other hosts', () => {
    lab.say('a', 'ff', '0a');
    lab.say('b', 'ff', '0b');
    lab.heard();
    lab.set('br', { flags: 0x100, change: 0x100 });
    lab.say('a', '0b', '0a');
    expect(lab.receivers()).toBe('b br');
  });

  test('a tagged frame keeps its tag', () => {
    lab.say('a', 'ff', '0a', 11);
    expect(lab.heard()['b']).toEqual(['< ff:ff:ff:ff:ff:ff 0a vlan 11']);
  });

  test('frames longer than the MTU of a port end there', () => {
    lab.set('b', { mtu: 1000 });
    lab.set('pb', { mtu: 1000 });
    expect(lab.dev('br').mtu).toBe(1000);
    const long = new Uint8Array(1400);
    long.set(lab.frame('ff', '0a'));
    lab.send('a', long);
    expect(lab.receivers()).toBe('c br');
  });
});

describe('switches of a port', () => {
  const receiversOf = (destination: string): string => {
    lab.say('a', destination, '0a');
    return lab.receivers();
  };

  test.each([
    ['flood', { unicastFlood: 0 }, '99', 'c'],
    ['mcast_flood', { mcastFlood: 0 }, '01:00:5e:01:02:03', 'c br'],
    ['bcast_flood', { bcastFlood: 0 }, 'ff', 'c br'],
    ['proxy_arp', { proxyarp: 1 }, 'ff', 'c br'],
  ])('%s decides whether the port is flooded', (_name, off, destination, expected) => {
    expect(lab.port('pb', off)).toBeUndefined();
    expect(receiversOf(destination)).toBe(expected);
  });

  test('isolated ports reach all but each other', () => {
    lab.port('pa', { isolated: 1 });
    lab.port('pb', { isolated: 1 });
    expect(receiversOf('ff')).toBe('c br');
    lab.say('c', 'ff', '0c');
    expect(lab.receivers()).toBe('a b br');
  });

  test('learning off leaves the table as it is', () => {
    lab.port('pa', { learning: 0 });
    lab.say('a', 'ff', '0a');
    expect(lab.fdb()).not.toContain('0a pa learned');
  });

  test('a locked port admits only whom the table names', () => {
    lab.port('pa', { locked: 1 });
    expect(receiversOf('ff')).toBe('');
    const entry = { ifindex: lab.dev('pa').ifindex, lladdr: mac('0a'), flags: NTF_MASTER, state: NUD_NOARP };
    expect(rtnlFdbAdd(lab.net, entry, NLM_F_CREATE)).toBeUndefined();
    expect(receiversOf('ff')).toBe('b c br');
  });

  test('a backup port takes over when the port has no carrier', () => {
    lab.say('b', 'ff', '0b');
    lab.port('pb', { backupPort: lab.dev('pc').ifindex });
    lab.down('b');
    lab.heard();
    lab.say('a', '0b', '0a');
    expect(lab.receivers()).toBe('c');
  });

  test('settings out of range are refused', () => {
    expect(lab.port('pa', { cost: 0 })).toEqual({ errno: ERANGE });
    expect(lab.port('pa', { priority: 64 })).toEqual({ errno: ERANGE });
    expect(lab.port('pa', { state: 5 })).toEqual({ errno: EINVAL });
    expect(lab.port('pa', { groupFwdMask: 2 })).toEqual({ errno: EINVAL });
    lab.down('c');
    expect(lab.port('pc', { state: 3 })).toEqual({ errno: ENETDOWN });
    expect(configure({ vlanProtocol: 0x0800 })).toEqual({ errno: EPROTONOSUPPORT });
    expect(configure({ helloTime: 50 })).toEqual({ errno: ERANGE });
  });

  test('the reason for each copy not made is recorded', () => {
    lab.kernel.trace.on = true;
    lab.port('pb', { bcastFlood: 0 });
    lab.say('a', 'ff', '0a');
    const reasons = lab.kernel.trace.drain().filter((record) => record.kind === TRACE_NO_COPY);
    expect(reasons.map((record) => [record.dev, record.note])).toEqual([
      [lab.dev('pb').uid, 'br_flood: broadcast is not flooded here (bcast_flood off)'],
      [lab.dev('pa').uid, 'should_deliver: the frame came in by this port and hairpin is off'],
    ]);
  });
});

describe('reserved addresses', () => {
  test.each([
    // STP is off: BPDUs go on. Others stay, for whoever listens on the port; pause frames end.
    ['00', 'b c br'],
    ['01', ''],
    ['02', ''],
    ['0e', ''],
    ['10', 'b c br'],
  ])('01:80:c2:00:00:%s is received by %s', (last, expected) => {
    lab.say('a', `01:80:c2:00:00:${last}`, '0a');
    expect(lab.receivers()).toBe(expected);
  });

  test('group_fwd_mask lets them through, of the bridge and of the port', () => {
    expect(configure({ groupFwdMask: 0x4000 })).toBeUndefined();
    lab.say('a', '01:80:c2:00:00:0e', '0a');
    expect(lab.receivers()).toBe('b c br');
    lab.port('pa', { groupFwdMask: 4 });
    lab.say('a', '01:80:c2:00:00:02', '0a');
    expect(lab.receivers()).toBe('b c br');
  });
});

describe('ports and the bridge', () => {
  test('the bridge takes the lowest address of its ports until one is set', () => {
    expect(lab.dev('br').addr).toBe(mac('1a'));
    lab.set('pc', { address: mac('01') });
    expect(lab.dev('br').addr).toBe(mac('01'));
    lab.set('br', { address: mac('b0') });
    lab.set('pc', { master: 0 });
    expect(lab.dev('br').addr).toBe(mac('b0'));
    expect(lab.fdb()).toEqual(['b0 br local', '1a pa local', '1b pb local']);
  });

  test('a bridge has a carrier as long as a port forwards', () => {
    for (const host of ['a', 'b']) lab.down(host);
    expect(lab.dev('br').carrier).toBe(true);
    lab.down('c');
    expect(lab.dev('br').carrier).toBe(false);
    expect(brDumpLinks(lab.net).map((link) => link.port.state)).toEqual([0, 0, 0]);
    lab.up('b');
    expect(lab.dev('br').carrier).toBe(true);
  });

  test('ports are promiscuous and want all groups; that ends with the port', () => {
    expect([lab.dev('pa').promiscuity, lab.dev('pa').allmulti]).toEqual([1, 1]);
    lab.set('pa', { master: 0 });
    expect([lab.dev('pa').promiscuity, lab.dev('pa').allmulti, lab.dev('pa').rxHandler]).toEqual([0, 0, undefined]);
    lab.del('br');
    expect([lab.dev('pb').promiscuity, lab.dev('pb').master]).toEqual([0, undefined]);
  });

  test('what cannot be a port', () => {
    lab.link('br2', 'bridge');
    expect(lab.enslave('br2', 'br')).toEqual({ errno: ELOOP, extack: 'Can not enslave a bridge to a bridge' });
    expect(lab.enslave('lo', 'br')).toEqual({ errno: EINVAL });
    lab.link('m', 'macvlan', {}, { over: 'a' });
    expect(lab.enslave('a', 'br')).toEqual({ errno: EBUSY });
  });

  test('the MTU is the least of the ports unless it was set', () => {
    lab.set('pb', { mtu: 1300 });
    expect(lab.dev('br').mtu).toBe(1300);
    lab.set('br', { mtu: 1400 });
    lab.set('pb', { mtu: 1200 });
    expect(lab.dev('br').mtu).toBe(1400);
  });
});

describe('the database over rtnetlink', () => {
  const request = (name: string, octet: string, state: number, flags = NTF_MASTER) => ({
    ifindex: lab.dev(name).ifindex,
    lladdr: mac(octet),
    state,
    flags,
  });

  test('entries are added once, replaced, and deleted on the port they are on', () => {
    const add = NLM_F_CREATE | NLM_F_EXCL;
    expect(rtnlFdbAdd(lab.net, request('pa', '55', NUD_REACHABLE), add)).toBeUndefined();
    expect(rtnlFdbAdd(lab.net, request('pa', '55', NUD_NOARP), add)).toEqual({ errno: EEXIST });
    expect(rtnlFdbAdd(lab.net, request('pb', '55', NUD_PERMANENT), NLM_F_CREATE)).toBeUndefined();
    expect(lab.fdb()).toContain('55 pb local');
    expect(rtnlFdbDel(lab.net, request('pa', '55', 0))).toEqual({ errno: ENOENT });
    expect(rtnlFdbDel(lab.net, request('pb', '55', 0))).toBeUndefined();
    expect(rtnlFdbAdd(lab.net, request('a', '55', NUD_PERMANENT), add)).toEqual({ errno: EOPNOTSUPP });
  });
});

describe('the spanning tree protocol', () => {
  /** A second bridge with two more cables to the first. */
  function loop(): void {
    lab.link('br2', 'bridge', { stpState: 1, forwardDelay: 400 });
    configure({ stpState: 1, forwardDelay: 400 });
    for (const i of ['1', '2']) {
      lab.veth(`x${i}`, `y${i}`, `2${i}`, `3${i}`);
      expect(lab.enslave(`x${i}`, 'br')).toBeUndefined();
      expect(lab.enslave(`y${i}`, 'br2')).toBeUndefined();
    }
    lab.up('br2', 'x1', 'y1', 'x2', 'y2');
  }
  const states = (): Record<string, number | undefined> =>
    Object.fromEntries(brDumpLinks(lab.net).map((link) => [link.ifname, link.port.state]));

  test('blocks the port that closes a loop, after listening and learning', () => {
    loop();
    lab.run(1.5);
    expect(states()).toMatchObject({ x1: 1, x2: 1, y1: 1, y2: 4 });
    lab.run(4);
    expect(states()).toMatchObject({ x1: 2, x2: 2, y1: 2, y2: 4 });
    lab.run(4);
    expect(states()).toMatchObject({ x1: 3, x2: 3, y1: 3, y2: 4 });
    lab.heard();
    lab.say('a', 'ff', '0a');
    expect(lab.receivers()).toBe('b c br');
  });

  test('opens it when the other cable fails', () => {
    loop();
    lab.run(20);
    lab.down('y1');
    expect(states()).toMatchObject({ y1: 0, y2: 1 });
    lab.run(9);
    expect(states()).toMatchObject({ y2: 3 });
  });

  test('sends a BPDU every two seconds from the designated ports', () => {
    configure({ stpState: 1 });
    lab.run(0.1);
    lab.heard();
    lab.run(10);
    expect(lab.heard()['a']).toEqual(Array(5).fill('< 01:80:c2:00:00:00 1a type 26'));
  });
});

/** The bytes with an Internet checksum over all of them at `at`. */
function withChecksum(bytes: number[], at: number): number[] {
  const sum = checksum(new Uint8Array(bytes), 0, bytes.length);
  return bytes.map((byte, i) => (i === at ? sum >> 8 : i === at + 1 ? sum & 255 : byte));
}

/** An IPv4 packet in a frame. */
function ipv4(
  destination: string,
  source: string,
  to = [192, 0, 2, 2],
  body: number[] = [],
  protocol = 17,
): Uint8Array {
  const bytes = lab.frame(destination, source);
  const header = [0x45, 0, 0, 20 + body.length, 0, 0, 0, 0, 1, protocol, 0, 0, 192, 0, 2, 1, ...to];
  bytes.set([8, 0, ...withChecksum(header, 10), ...body], 12);
  return bytes;
}

describe('multicast snooping', () => {
  const GROUP = '01:00:5e:01:02:03';
  /** IPv4 to 239.1.2.3, with the given protocol and body. */
  function packet(source: string, body: number[], protocol = 17): Uint8Array {
    return ipv4(GROUP, source, [239, 1, 2, 3], body, protocol);
  }
  const report = () => withChecksum([0x16, 0, 0, 0, 239, 1, 2, 3], 2);

  test('without a querier a group is flooded even when somebody has joined', () => {
    lab.send('b', packet('0b', report(), 2));
    lab.heard();
    lab.send('a', packet('0a', [1, 2, 3, 4]));
    expect(lab.receivers()).toBe('b c br');
  });

  test('with one it goes to those who joined, until their membership ends', () => {
    configure({ mcastQuerier: 1 });
    lab.run(11);
    lab.send('b', packet('0b', report(), 2));
    lab.heard();
    lab.send('a', packet('0a', [1, 2, 3, 4]));
    expect(lab.receivers()).toBe('b');
    lab.run(261);
    lab.heard();
    lab.send('a', packet('0a', [1, 2, 3, 4]));
    expect(lab.receivers()).toBe('');
  });

  test('a malformed packet to a group is dropped', () => {
    const bad = packet('0a', [1, 2, 3, 4]);
    bad[24]! ^= 1;
    lab.send('a', bad);
    expect(lab.receivers()).toBe('');
  });
});

describe('br_netfilter', () => {
  test('takes bridged IPv4 through FORWARD with the bridge as both devices, and the ports noted', () => {
    const calls: string[] = [];
    for (const hook of [0, 2, 4]) {
      lab.net.nfHooks.register({
        name: 'test',
        pf: NFPROTO_IPV4,
        hook,
        priority: 0,
        fn: (skb, state) => {
          const info = skb.nfBridge as { physindev: { name: string }; physoutdev: { name: string } | undefined };
          calls.push(
            `${hook} ${state.in?.name} ${state.out?.name} ${info.physindev.name} ${info.physoutdev?.name} ${skb.pktType}`,
          );
          return NF_ACCEPT;
        },
      });
    }
    lab.say('b', 'ff', '0b');
    lab.heard();
    lab.send('a', ipv4('0b', '0a'));
    expect(calls).toEqual(['0 br undefined pa undefined 0', '2 br br pa pb 0', '4 undefined br pa pb 0']);
    expect(lab.receivers()).toBe('b');
  });

  test('a drop in FORWARD ends one copy, others go on; the sysctl switches it off', () => {
    lab.net.nfHooks.register({
      name: 'test',
      pf: NFPROTO_IPV4,
      hook: 2,
      priority: 0,
      fn: (skb) => ((skb.nfBridge as { physoutdev: { name: string } }).physoutdev.name === 'pb' ? NF_DROP : NF_ACCEPT),
    });
    lab.send('a', ipv4('ff', '0a'));
    expect(lab.receivers()).toBe('c br');
    expect(lab.kernel.sysctl.get(lab.net, 'net/bridge/bridge-nf-call-iptables')?.write?.('0\n')).toBeUndefined();
    lab.send('a', ipv4('ff', '0a'));
    expect(lab.receivers()).toBe('b c br');
  });

  test('with no IPv4 hook a bridged frame meets no hook at all', () => {
    expect(lab.net.nfHooks.list(7, 0)).toBeUndefined();
  });
});
