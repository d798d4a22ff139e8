/** The state machine of neighbours, its timers and its queue; ARP's rules on whom to answer and believe. */
import { afterEach, describe, expect, it } from 'vitest';
import { arpTable } from '../../../src/kernel/ipv4/arp-table.ts';
import { EHOSTUNREACH, ENOBUFS } from '../../../src/uapi/errno.ts';
import { NLM_F_CREATE, NLM_F_REPLACE, NUD_PERMANENT, NUD_STALE } from '../../../src/uapi/rtnetlink.ts';
import { addr, type Host, type L3Lab, ok, pair } from './l3-lab.ts';

let lab: L3Lab;
let a: Host;
let b: Host;

function begin(): void {
  ({ lab, a, b } = pair());
}

afterEach(() => lab.expectNothingLost());

/** What the host knows of 10.0.0.2 (or another). */
function state(host: Host, of = '10.0.0.2'): string | undefined {
  return host
    .neighbours()
    .find((line) => line.startsWith(`${of} `))
    ?.split(' ')[1];
}

describe('a neighbour', () => {
  it('is asked for once, and the frame that waited goes out', () => {
    begin();
    lab.tap(a, 'a0');
    expect(a.ping('10.0.0.2')).toBe('10.0.0.2');
    expect(lab.heard()).toEqual([
      '> arp who-has 10.0.0.2 tell 10.0.0.1',
      '< arp 10.0.0.2 is-at',
      '> 10.0.0.1 > 10.0.0.2 icmp 8/0 len 84 ttl 64 DF',
      '< 10.0.0.2 > 10.0.0.1 icmp 0/0 len 84 ttl 64',
    ]);
    expect([state(a), state(b, '10.0.0.1')]).toEqual(['REACHABLE', 'DELAY']);
  });

  it('is doubted after its reachable time, and probed with unicast requests when it is used then', () => {
    begin();
    a.ping('10.0.0.2');
    lab.run(50);
    expect(state(a)).toBe('STALE');
    lab.tap(a, 'a0');
    a.ping('10.0.0.2');
    expect(state(a)).toBe('DELAY');
    lab.run(6);
    expect(state(a)).toBe('REACHABLE');
    expect(lab.heard().filter((line) => line.startsWith('> arp who-has'))).toEqual([
      '> arp who-has 10.0.0.2 tell 10.0.0.1 unicast',
    ]);
  });

  it('is not probed when the sender says that the peer has answered', () => {
    begin();
    a.ping('10.0.0.2');
    lab.run(50);
    ok(b.socket('udp').bind({ family: 'inet', address: 0, port: 9 }));
    lab.tap(a, 'a0');
    const socket = a.socket('udp');
    socket.connect({ family: 'inet', address: addr('10.0.0.2'), port: 9 });
    socket.send(new Uint8Array(4));
    lab.run(3);
    socket.send(new Uint8Array(4), undefined, true);
    lab.run(3);
    expect(state(a)).toBe('REACHABLE');
    expect(lab.heard().filter((line) => line.includes('arp who-has 10.0.0.2'))).toEqual([]);
  });

  it('fails after three unicast probes without an answer', () => {
    begin();
    a.ping('10.0.0.2');
    lab.run(50);
    b.sysctl('net/ipv4/conf/b0/arp_ignore', 8);
    lab.tap(a, 'a0');
    a.ping('10.0.0.2');
    lab.run(5.5);
    expect(state(a)).toBe('PROBE');
    lab.run(4);
    expect(state(a)).toBe('FAILED');
    expect(lab.heard().filter((line) => line.includes('arp who-has 10.0.0.2'))).toEqual(
      Array(3).fill('> arp who-has 10.0.0.2 tell 10.0.0.1 unicast'),
    );
  });

  it('cannot be made when the table is full of young ones: the sender is told, if it asked to be', () => {
    begin();
    a.ping('10.0.0.2');
    arpTable(a.net.kernel).gcThresh3 = 2;
    const socket = a.socket('udp');
    const to = { family: 'inet', address: addr('10.0.0.3'), port: 9 } as const;
    expect(socket.send(new Uint8Array(4), to)).toBe(4);
    socket.setOption('recverr', true);
    expect(socket.send(new Uint8Array(4), to)).toBe(-ENOBUFS);
    lab.run(60);
    expect(socket.send(new Uint8Array(4), to)).toBe(4);
  });

  it('that never answers fails after three broadcasts, and each waiting frame is reported to its sender', () => {
    begin();
    lab.tap(a, 'a0');
    const socket = a.socket('raw', 1);
    socket.setOption('recverr', true);
    expect(a.echo(socket, '10.0.0.7')).toBe(64);
    expect(a.echo(socket, '10.0.0.7')).toBe(64);
    lab.run(2.9);
    expect(state(a, '10.0.0.7')).toBe('INCOMPLETE');
    expect(socket.recvError()).toBeUndefined();
    lab.run(0.5);
    expect(state(a, '10.0.0.7')).toBe('FAILED');
    expect(socket.recvError()).toMatchObject({
      errno: EHOSTUNREACH,
      icmpType: 3,
      icmpCode: 1,
      offender: addr('10.0.0.1'),
    });
    expect(socket.recvError()).toMatchObject({ errno: EHOSTUNREACH });
    expect(lab.heard()).toEqual(Array(3).fill('> arp who-has 10.0.0.7 tell 10.0.0.1'));
  });

  it('lets as many frames wait as unres_qlen_bytes allows, and drops the oldest', () => {
    begin();
    b.sysctl('net/ipv4/conf/b0/arp_ignore', 8);
    a.sysctl('net/ipv4/neigh/a0/unres_qlen_bytes', 3000);
    const socket = a.socket('udp');
    socket.connect({ family: 'inet', address: addr('10.0.0.2'), port: 9 });
    for (let i = 1; i <= 5; i++) socket.send(new Uint8Array(i));
    expect(lab.kernel.skbs.resting[2]).toBe(3);
    b.sysctl('net/ipv4/conf/b0/arp_ignore', 0);
    lab.tap(b, 'b0');
    lab.run(1.1);
    expect(lab.heard().filter((line) => line.includes('< 10.0.0.1 > 10.0.0.2 udp'))).toHaveLength(3);
  });

  it('keeps its address for the lock time, unless the announcement is gratuitous', () => {
    begin();
    a.ping('10.0.0.2');
    const first = a.task.rtnl.dumpNeighs()[0]!.lladdr;
    const announce = (mac: number, reply: boolean): number | undefined => {
      sendArp(b, mac, reply ? 2 : 1, '10.0.0.2', reply ? '10.0.0.1' : '10.0.0.2');
      lab.run(0.01);
      return a.task.rtnl.dumpNeighs()[0]!.lladdr;
    };
    expect(announce(0x0200_0000_00aa, true)).toBe(first);
    expect(announce(0x0200_0000_00bb, false)).toBe(0x0200_0000_00bb);
    lab.run(1.1);
    expect(announce(0x0200_0000_00cc, true)).toBe(0x0200_0000_00cc);
  });

  it('that is permanent stays when the carrier goes, and goes with the device', () => {
    begin();
    const lladdr = 0x0200_0000_00aa;
    const { ifindex } = a.dev('a0');
    ok(a.task.rtnl.newNeigh({ ifindex, dst: addr('10.0.0.8'), lladdr, state: NUD_PERMANENT }, NLM_F_CREATE));
    ok(
      a.task.rtnl.newNeigh({ ifindex, dst: addr('10.0.0.9'), lladdr, state: NUD_STALE }, NLM_F_CREATE | NLM_F_REPLACE),
    );
    b.down('b0');
    lab.run(2);
    expect(a.neighbours()).toEqual(['10.0.0.8 PERMANENT']);
    a.down('a0');
    expect(a.neighbours()).toEqual([]);
  });

  it('table is collected once it has more than gc_thresh1 entries', () => {
    begin();
    const { ifindex } = a.dev('a0');
    for (let i = 0; i < 140; i++) {
      const dst = addr('10.0.0.0') + 10 + i;
      ok(a.task.rtnl.newNeigh({ ifindex, dst, lladdr: 0x0200_0000_1000 + i, state: NUD_STALE }, NLM_F_CREATE));
    }
    lab.run(40);
    expect(a.neighbours()).toHaveLength(140);
    lab.run(60);
    expect(a.neighbours().length).toBeLessThan(140);
  });
});

/** An ARP message from another address than the device's. */
function sendArp(host: Host, mac: number, operation: number, sender: string, target: string): void {
  const socket = host.socket('packet-raw', 0x0806);
  const frame = new Uint8Array(42);
  const put = (at: number, value: number, bytes: number): void => {
    for (let i = bytes - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) frame[at + i] = rest & 255;
  };
  const broadcast = operation === 1;
  put(0, broadcast ? 0xffff_ffff_ffff : a.dev('a0').addr, 6);
  put(6, mac, 6);
  put(12, 0x0806, 2);
  put(14, 1, 2);
  put(16, 0x0800, 2);
  put(18, 0x0604, 2);
  put(20, operation, 2);
  put(22, mac, 6);
  put(28, addr(sender), 4);
  put(38, addr(target), 4);
  socket.send(frame, { family: 'packet', ifindex: host.dev('b0').ifindex });
  socket.close();
}

describe('an ARP request', () => {
  it.each([
    [0, '10.9.0.1', true],
    [1, '10.9.0.1', false],
    [1, '10.0.0.2', true],
    [3, '10.8.0.1', false],
    [8, '10.0.0.2', false],
  ])('with arp_ignore %i for %s is answered: %s', (value, target, answered) => {
    begin();
    ok(b.address('lo', '10.9.0.1/32'));
    ok(b.address('lo', '10.8.0.1/32', { scope: 254 }));
    b.sysctl('net/ipv4/conf/all/arp_ignore', value);
    lab.tap(a, 'a0');
    sendProbe(target);
    expect(lab.heard().some((line) => line === `< arp ${target} is-at`)).toBe(answered);
  });

  it('names a source as arp_announce says', () => {
    begin();
    ok(a.address('lo', '10.9.0.1/32'));
    ok(a.address('a0', '10.0.0.3/24'));
    const asked = (value: number, source: string): string => {
      a.sysctl('net/ipv4/conf/all/arp_announce', value);
      lab.tap(a, 'a0');
      const socket = a.socket('udp');
      ok(socket.bind({ family: 'inet', address: addr(source), port: 0 }));
      const target = 10 + lab.kernel.skbs.made;
      socket.send(new Uint8Array(4), { family: 'inet', address: addr(`10.0.0.${target % 200}`), port: 9 });
      const line = lab.heard().find((text) => text.includes('who-has'))!;
      lab.run(5);
      lab.heard();
      a.dev('a0').ptypeAll = a.dev('a0').ptypeAll.slice(0, -1);
      return line.split(' tell ')[1]!;
    };
    expect([asked(0, '10.9.0.1'), asked(0, '10.0.0.3')]).toEqual(['10.9.0.1', '10.0.0.3']);
    expect([asked(1, '10.9.0.1'), asked(1, '10.0.0.3')]).toEqual(['10.0.0.1', '10.0.0.3']);
    expect([asked(2, '10.9.0.1'), asked(2, '10.0.0.3')]).toEqual(['10.0.0.1', '10.0.0.1']);
  });

  it('for an address behind a router is answered by proxy, after a while', () => {
    begin();
    ok(b.address('lo', '10.7.0.1/32'));
    ok(b.route('10.6.0.0/24', undefined, { oif: b.dev('lo').ifindex }));
    b.sysctl('net/ipv4/ip_forward', 1);
    lab.tap(a, 'a0');
    sendProbe('10.6.0.9');
    expect(answers()).toEqual([]);
    b.sysctl('net/ipv4/conf/b0/proxy_arp', 1);
    sendProbe('10.6.0.9');
    lab.run(2);
    expect(answers()).toEqual(['< arp 10.6.0.9 is-at']);
  });

  function sendProbe(target: string): void {
    const socket = a.socket('udp');
    ok(a.route(`${target}/32`, undefined, { oif: a.dev('a0').ifindex }));
    a.dev('a0').ptypeAll = a.dev('a0').ptypeAll.slice(0, 1);
    socket.send(new Uint8Array(4), { family: 'inet', address: addr(target), port: 9 });
    lab.run(0.01);
    ok(a.task.rtnl.delRoute({ dst: addr(target), dstLen: 32, scope: 255 }));
  }

  function answers(): string[] {
    return lab.heard().filter((line) => line.startsWith('< arp'));
  }
});
