/** Forwarding, fragments, ICMP errors and their limits, path MTU, the checks of received packets. */
import { afterEach, describe, expect, it } from 'vitest';
import { dropReasonText } from '../../../src/kernel/core/drop-reason.ts';
import { EACCES, EHOSTUNREACH, EMSGSIZE, ENETUNREACH } from '../../../src/uapi/errno.ts';
import { isRefusal } from '../../../src/uapi/result.ts';
import { RTN_BLACKHOLE, RTN_PROHIBIT, RTN_UNREACHABLE } from '../../../src/uapi/rtnetlink.ts';
import { putIpv4, putU16, u16At } from '../../../src/wire/addr.ts';
import { putIpv4Header } from '../../../src/wire/ipv4.ts';
import { addr, type Host, type L3Lab, ok, pair, routed } from './l3-lab.ts';

let lab: L3Lab;

afterEach(() => {
  lab.run(40);
  lab.expectNothingLost();
});

/** Send a datagram of our own making, fragments too. */
function inject(
  host: Host,
  to: string,
  payload: Uint8Array,
  more: { protocol?: number; id?: number; fragOff?: number; ttl?: number; source?: string; options?: number[] } = {},
): void {
  const options = more.options ?? [];
  const datagram = new Uint8Array(20 + options.length + payload.length);
  datagram.set(options, 20);
  datagram.set(payload, 20 + options.length);
  const source = addr(more.source ?? '0.0.0.0');
  const { protocol = 17, id = 7, fragOff = 0, ttl = 64 } = more;
  putIpv4Header(datagram, 0, source, addr(to), protocol, datagram.length, ttl, id, fragOff, 0, options.length);
  const socket = host.socket('raw', 255);
  socket.send(datagram, { family: 'inet', address: addr(to), port: 0 });
  socket.close();
  lab.run(0.01);
}

/** A UDP datagram without a checksum. */
function udp(port: number, data: number): Uint8Array {
  const bytes = new Uint8Array(8 + data);
  putU16(bytes, 2, port);
  putU16(bytes, 4, 8 + data);
  for (let i = 0; i < data; i++) bytes[8 + i] = i & 255;
  return bytes;
}

describe('a router', () => {
  it('passes packets on with one hop less, and says when the hops have run out', () => {
    const { a, r, b, ...rest } = routed();
    lab = rest.lab;
    lab.tap(b, 'b0');
    expect(a.ping('10.2.0.2')).toBe('10.2.0.2');
    expect(lab.heard()).toContain('< 10.1.0.2 > 10.2.0.2 icmp 8/0 len 84 ttl 63 DF');
    lab.tap(a, 'a0');
    expect(a.ping('10.2.0.2', 64, (socket) => socket.setOption('ttl', 1))).toBeUndefined();
    expect(lab.heard()).toContain('< 10.1.0.1 > 10.1.0.2 icmp 11/0 len 112 ttl 64');
    expect([r.counter('Ip', 'ForwDatagrams'), r.counter('Ip', 'InHdrErrors')]).toEqual([2, 1]);
  });

  it('is none before ip_forward is set', () => {
    const { a, r, ...rest } = routed();
    lab = rest.lab;
    r.sysctl('net/ipv4/ip_forward', 0);
    expect(a.ping('10.2.0.2')).toBeUndefined();
    expect(r.counter('Ip', 'InAddrErrors')).toBe(1);
  });

  it.each([
    [RTN_UNREACHABLE, '3/1', EHOSTUNREACH],
    [RTN_PROHIBIT, '3/13', EACCES],
    [RTN_BLACKHOLE, undefined, 22],
    [undefined, '3/0', ENETUNREACH],
  ])('with a route of type %s answers %s, and its own senders get error %i', (type, code, errno) => {
    const { a, r, ...rest } = routed();
    lab = rest.lab;
    if (type !== undefined) ok(r.route('10.9.0.0/16', undefined, { type, scope: 0 }));
    lab.tap(a, 'a0');
    a.ping('10.9.9.9');
    const errors = lab.heard().filter((line) => line.startsWith('< 10.1.0.1 > 10.1.0.2 icmp'));
    expect(errors).toEqual(code === undefined ? [] : [`< 10.1.0.1 > 10.1.0.2 icmp ${code} len 112 ttl 64`]);
    expect(r.ping('10.9.9.9')).toBe(`error ${errno}`);
  });

  it('says the MTU of the next link, and the sender keeps to it until it expires', () => {
    const { a, r, b, ...rest } = routed();
    lab = rest.lab;
    r.mtu('rb', 1000);
    lab.tap(b, 'b0');
    expect(a.ping('10.2.0.2', 1200)).toBeUndefined();
    expect(lab.heard()).not.toContain('< 10.1.0.2 > 10.2.0.2 icmp 8/0 len 1220 ttl 63 DF');
    a.ping('10.2.0.2', 1200);
    expect(lab.heard().filter((line) => line.startsWith('< 10.1'))).toEqual([
      '< 10.1.0.2 > 10.2.0.2 icmp 8/0 len 996 ttl 63 frag 0+',
      '< 10.1.0.2 > 10.2.0.2 proto 1 len 244 ttl 63 frag 976',
    ]);
    expect(a.ping('10.2.0.2', 1200, (socket) => socket.setOption('mtuDiscover', 2))).toBe(`error ${EMSGSIZE}`);
    expect(a.task.rtnl.getRoute({ dst: addr('10.2.0.2') })).toMatchObject({ metrics: { mtu: 1000 }, expires: 599 });
    lab.run(601);
    expect(a.task.rtnl.getRoute({ dst: addr('10.2.0.2') })).not.toHaveProperty('metrics');
  });

  it('fragments what may be fragmented', () => {
    const { a, r, b, ...rest } = routed();
    lab = rest.lab;
    r.mtu('rb', 600);
    b.mtu('b0', 600);
    lab.tap(b, 'b0');
    expect(a.ping('10.2.0.2', 1000, (socket) => socket.setOption('mtuDiscover', 0))).toBe('10.2.0.2');
    expect(lab.heard().filter((line) => line.startsWith('< 10.1'))).toEqual([
      '< 10.1.0.2 > 10.2.0.2 icmp 8/0 len 596 ttl 63 frag 0+',
      '< 10.1.0.2 > 10.2.0.2 proto 1 len 444 ttl 63 frag 576',
    ]);
    expect([r.counter('Ip', 'FragOKs'), r.counter('Ip', 'FragCreates')]).toEqual([1, 2]);
  });

  it('leaves what connection tracking put together in the fragments that it came in', () => {
    const { a, r, b, ...rest } = routed();
    lab = rest.lab;
    // Connections are tracked as soon as a rule asks for it, whatever it matches.
    const table = r.task.xtables.getTable('nat');
    if (isRefusal(table)) throw new Error('no nat table');
    table.chains[0]!.rules.push({
      inIface: { name: 'none', invert: false },
      proto: 0,
      protoInvert: false,
      matches: [],
      target: { name: 'DNAT', range: { addrFrom: 1, addrTo: 1 } },
      counters: { packets: 0, bytes: 0 },
    });
    ok(r.task.xtables.replaceTable(table));
    lab.tap(b, 'b0');
    const whole = udp(9, 1392);
    for (const [from, to] of [
      [600, 1400],
      [0, 400],
      [400, 600],
    ] as const) {
      inject(a, '10.2.0.2', whole.subarray(from, to), { fragOff: (from >>> 3) | (to === 1400 ? 0 : 0x2000) });
    }
    expect(lab.heard().filter((line) => line.startsWith('< 10.1'))).toEqual([
      '< 10.1.0.2 > 10.2.0.2 udp 0 > 9 len 420 ttl 63 frag 0+',
      '< 10.1.0.2 > 10.2.0.2 proto 17 len 220 ttl 63 frag 400+',
      '< 10.1.0.2 > 10.2.0.2 proto 17 len 820 ttl 63 frag 600',
    ]);
    expect(r.counter('Ip', 'ReasmOKs')).toBe(1);
  });

  it('tells a host of the better gateway, which the host then uses', () => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    // The gateway of `a` sends everything for 10.5.0.0/16 back to the link.
    ok(b.route('10.5.0.0/16', '10.0.0.77'));
    b.sysctl('net/ipv4/ip_forward', 1);
    ok(a.route('default', '10.0.0.2'));
    lab.tap(a, 'a0');
    a.ping('10.5.0.1');
    expect(lab.heard()).toContain('< 10.0.0.2 > 10.0.0.1 icmp 5/1 len 112 ttl 64');
  });

  it('fills in record route', () => {
    const { a, b, ...rest } = routed();
    lab = rest.lab;
    const socket = b.socket('raw', 200);
    const room = [7, 19, 4, ...Array<number>(16).fill(0), 0];
    inject(a, '10.2.0.2', new Uint8Array(4), { protocol: 200, options: room });
    const { data } = socket.recv()!;
    expect([...data.subarray(20, 40)]).toEqual([7, 19, 12, 10, 2, 0, 1, 10, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('limits on ICMP errors', () => {
  it('let six through to one host, then one a second', () => {
    const { a, r, ...rest } = routed();
    lab = rest.lab;
    for (let i = 0; i < 10; i++) inject(a, '10.1.0.1', udp(9, 4), { source: '10.1.0.2' });
    expect(r.counter('Icmp', 'OutDestUnreachs')).toBe(6);
    expect(r.counter('Icmp', 'OutRateLimitHost')).toBe(4);
    lab.run(1);
    inject(a, '10.1.0.1', udp(9, 4), { source: '10.1.0.2' });
    expect(r.counter('Icmp', 'OutDestUnreachs')).toBe(7);
  });

  it('keep quiet about fragments, broadcasts and ICMP errors', () => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    lab.tap(a, 'a0');
    inject(a, '10.0.0.2', new Uint8Array(16), { protocol: 99, fragOff: 5 });
    inject(a, '10.0.0.2', new Uint8Array([11, 0, 0xf4, 0xff, 0, 0, 0, 0]), { protocol: 1 });
    const socket = a.socket('udp');
    socket.setOption('broadcast', true);
    socket.send(new Uint8Array(4), { family: 'inet', address: addr('10.0.0.255'), port: 9 });
    lab.run(0.01);
    expect(lab.heard().filter((line) => line.startsWith('< 10.0.0.2'))).toEqual([]);
    expect(b.counter('Icmp', 'OutMsgs')).toBe(0);
  });
});

describe('reassembly', () => {
  function begin(): { a: Host; b: Host; received: () => number[] } {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    const socket = b.socket('udp');
    ok(socket.bind({ family: 'inet', address: 0, port: 9 }));
    const received = (): number[] => {
      const sizes: number[] = [];
      for (let m = socket.recv(); m !== undefined; m = socket.recv()) {
        expect(m.data.every((byte, i) => byte === (i & 255))).toBe(true);
        sizes.push(m.data.length);
      }
      return sizes;
    };
    return { a, b, received };
  }

  /** Pieces of a datagram of 8 + 40 octets: offsets in units of eight. */
  function piece(host: Host, from: number, to: number, id = 7): void {
    const whole = udp(9, 40);
    const more = to < whole.length ? 0x2000 : 0;
    inject(host, '10.0.0.2', whole.subarray(from, to), { fragOff: (from >>> 3) | more, id });
  }

  it.each([
    ['in order', [0, 1, 2]],
    ['backwards', [2, 1, 0]],
    ['mixed', [1, 2, 0]],
    ['with one twice', [0, 0, 2, 1]],
  ])('puts pieces that come %s together', (_name, order) => {
    const { a, b, received } = begin();
    for (const i of order) piece(a, i * 16, (i + 1) * 16);
    expect(received()).toEqual([40]);
    expect(b.counter('Ip', 'ReasmOKs')).toBe(1);
  });

  it('gives a datagram up whose pieces overlap', () => {
    const { a, b, received } = begin();
    piece(a, 0, 24);
    piece(a, 16, 48);
    expect(received()).toEqual([]);
    expect(b.counter('IpExt', 'ReasmOverlaps')).toBe(1);
    piece(a, 0, 24, 8);
    piece(a, 24, 48, 8);
    expect(received()).toEqual([40]);
  });

  it('waits thirty seconds, then tells the sender', () => {
    const { a, b, received } = begin();
    lab.tap(a, 'a0');
    piece(a, 0, 16);
    expect(lab.kernel.skbs.resting[3]).toBe(1);
    lab.run(33);
    expect(lab.kernel.skbs.resting[3]).toBe(0);
    expect(lab.heard().filter((line) => line.includes('icmp'))).toEqual([
      '< 10.0.0.2 > 10.0.0.1 icmp 11/1 len 64 ttl 64',
    ]);
    expect([received(), b.counter('Ip', 'ReasmTimeout')]).toEqual([[], 1]);
  });
});

describe('a received packet', () => {
  it.each([
    ['0.1.2.3', 'SKB_DROP_REASON_IP_INVALID_SOURCE', {}],
    ['224.0.0.5', 'SKB_DROP_REASON_IP_INVALID_SOURCE', {}],
    ['127.0.0.9', 'SKB_DROP_REASON_IP_LOCALNET', {}],
    ['10.0.0.2', 'SKB_DROP_REASON_IP_LOCAL_SOURCE', {}],
    ['10.99.0.1', 'SKB_DROP_REASON_IP_RPFILTER', { rp_filter: 1 }],
    ['10.99.0.1', undefined, { rp_filter: 0 }],
    ['10.0.0.2', undefined, { accept_local: 1 }],
    ['127.0.0.9', undefined, { route_localnet: 1 }],
  ])('from %s ends with %s given %o', (source, reason, settings) => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    for (const [name, value] of Object.entries(settings)) b.sysctl(`net/ipv4/conf/b0/${name}`, value);
    a.ping('10.0.0.2');
    lab.kernel.trace.on = true;
    const raw = b.socket('raw', 99);
    frame(a, b, source);
    const ends = endings(lab);
    lab.kernel.trace.on = false;
    if (reason === undefined) expect(raw.recv()).toBeDefined();
    else expect(ends).toContain(reason);
  });

  /** A datagram of protocol 99 from any source, past the sender's own checks. */
  function frame(a: Host, b: Host, source: string): void {
    const bytes = new Uint8Array(60);
    const [to, from] = [b.dev('b0').addr, a.dev('a0').addr];
    for (let i = 0; i < 6; i++) {
      bytes[i] = Math.floor(to / 256 ** (5 - i)) & 255;
      bytes[6 + i] = Math.floor(from / 256 ** (5 - i)) & 255;
    }
    putU16(bytes, 12, 0x0800);
    putIpv4Header(bytes, 14, addr(source), addr('10.0.0.2'), 99, 46, 64, 1, 0, 0);
    const socket = a.socket('packet-raw', 0x0800);
    socket.send(bytes, { family: 'packet', ifindex: a.dev('a0').ifindex });
    socket.close();
    lab.run(0.01);
  }

  it.each([
    ['a wrong version', (h: Uint8Array) => (h[0] = 0x55), 'SKB_DROP_REASON_IP_INHDR'],
    ['a short header', (h: Uint8Array) => (h[0] = 0x44), 'SKB_DROP_REASON_IP_INHDR'],
    ['a wrong checksum', (h: Uint8Array) => (h[10]! ^= 1), 'SKB_DROP_REASON_IP_CSUM'],
    ['a length beyond its end', (h: Uint8Array) => length(h, 999), 'SKB_DROP_REASON_PKT_TOO_SMALL'],
    ['a length below its header', (h: Uint8Array) => length(h, 10), 'SKB_DROP_REASON_IP_INHDR'],
  ])('with %s is dropped', (_name, spoil, reason) => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    const header = new Uint8Array(20);
    putIpv4Header(header, 0, addr('10.0.0.1'), addr('10.0.0.2'), 99, 20, 64, 1, 0, 0);
    spoil(header);
    const bytes = new Uint8Array(34);
    putU16(bytes, 12, 0x0800);
    const to = b.dev('b0').addr;
    for (let i = 0; i < 6; i++) bytes[i] = Math.floor(to / 256 ** (5 - i)) & 255;
    bytes.set(header, 14);
    lab.kernel.trace.on = true;
    const socket = a.socket('packet-raw', 0x0800);
    socket.send(bytes, { family: 'packet', ifindex: a.dev('a0').ifindex });
    lab.run(0.01);
    expect(endings(lab)).toContain(reason);
    lab.kernel.trace.on = false;
  });

  function length(header: Uint8Array, value: number): number {
    putIpv4(header, 0, (0x4500_0000 + value) >>> 0);
    putU16(header, 10, 0);
    let sum = 0;
    for (let i = 0; i < 20; i += 2) sum += u16At(header, i);
    putU16(header, 10, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
    return value;
  }
});

/** The reasons of all frames that ended since the last time. */
function endings(of: L3Lab): string[] {
  return of.kernel.trace
    .drain()
    .filter(({ kind }) => kind === 9)
    .map(({ arg }) => dropReasonText(arg));
}
