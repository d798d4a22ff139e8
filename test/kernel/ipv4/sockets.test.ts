/** UDP, raw and ping sockets: ports, errors, checksums, delivery; TCP's answer when nobody listens. */

import { afterEach, describe, expect, it } from 'vitest';
import { devAddPack } from '../../../src/kernel/core/packet-type.ts';
import { CHECKSUM_NONE, CHECKSUM_PARTIAL } from '../../../src/kernel/core/skbuff.ts';
import {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  ECONNREFUSED,
  EDESTADDRREQ,
  EMSGSIZE,
  ENETUNREACH,
} from '../../../src/uapi/errno.ts';
import { isRefusal } from '../../../src/uapi/result.ts';
import type { SockaddrIn, Socket } from '../../../src/uapi/socket.ts';
import { u16At } from '../../../src/wire/addr.ts';
import { checksum, pseudoHeaderSum } from '../../../src/wire/checksum.ts';
import { putTcpHeader, tcpAcknowledgment, tcpFlags, tcpSequence } from '../../../src/wire/tcp.ts';
import { addr, type L3Lab, ok, pair, routed } from './l3-lab.ts';

let lab: L3Lab;

afterEach(() => {
  lab.run(5);
  lab.expectNothingLost();
});

function at(address: string, port: number): SockaddrIn {
  return { family: 'inet', address: addr(address), port };
}

/** Texts of all messages that wait. */
function texts(socket: Socket): string[] {
  const all: string[] = [];
  for (let m = socket.recv(); m !== undefined; m = socket.recv()) all.push(new TextDecoder().decode(m.data));
  return all;
}

const hello = new TextEncoder().encode('hello');

describe('a UDP socket', () => {
  it('gets what is sent to its port, with who sent it', () => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    const server = b.socket('udp');
    ok(server.bind(at('0.0.0.0', 9)));
    const client = a.socket('udp');
    client.setOption('ttl', 7);
    expect(client.send(hello, at('10.0.0.2', 9))).toBe(5);
    lab.run(0.1);
    const { port } = client.getsockname() as SockaddrIn;
    expect(port).toBeGreaterThanOrEqual(32768);
    expect(port).toBeLessThanOrEqual(60999);
    expect(server.recv()).toMatchObject({
      data: hello,
      from: at('10.0.0.1', port),
      ttl: 7,
      pktinfo: { ifindex: b.dev('b0').ifindex, specDst: addr('10.0.0.2'), address: addr('10.0.0.2') },
    });
  });

  it('gets the datagrams of its peer only, once it is connected', () => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    const [any, connected] = [b.socket('udp'), b.socket('udp')];
    any.setOption('reuseaddr', true);
    connected.setOption('reuseaddr', true);
    ok(any.bind(at('0.0.0.0', 9)));
    ok(connected.bind(at('0.0.0.0', 9)));
    ok(connected.connect(at('10.0.0.1', 1000)));
    const [one, other] = [a.socket('udp'), a.socket('udp')];
    ok(one.bind(at('0.0.0.0', 1000)));
    one.send(new TextEncoder().encode('one'), at('10.0.0.2', 9));
    other.send(new TextEncoder().encode('other'), at('10.0.0.2', 9));
    lab.run(0.1);
    expect([texts(any), texts(connected)]).toEqual([['other'], ['one']]);
  });

  it('refuses ports that are taken, addresses that are not ours, and peers that cannot be reached', () => {
    const { a, ...rest } = pair();
    lab = rest.lab;
    const [one, two] = [a.socket('udp'), a.socket('udp')];
    ok(one.bind(at('10.0.0.1', 9)));
    expect(two.bind(at('0.0.0.0', 9))).toMatchObject({ errno: EADDRINUSE });
    expect(two.bind(at('10.0.0.77', 9))).toMatchObject({ errno: EADDRNOTAVAIL });
    expect(two.send(hello)).toBe(-EDESTADDRREQ);
    expect(two.send(hello, at('10.8.0.1', 9))).toBe(-ENETUNREACH);
    expect(two.send(hello, at('10.0.0.255', 9))).toBe(-EACCES);
    expect(two.connect(at('10.8.0.1', 9))).toMatchObject({ errno: ENETUNREACH });
    expect(two.send(new Uint8Array(65508), at('10.0.0.2', 9))).toBe(-EMSGSIZE);
    two.setOption('broadcast', true);
    expect(two.send(hello, at('10.0.0.255', 9))).toBe(5);
  });

  it('hears of a refusal only when it is connected, or asks for errors', () => {
    const { a, ...rest } = pair();
    lab = rest.lab;
    const [plain, connected, asking] = [a.socket('udp'), a.socket('udp'), a.socket('udp')];
    ok(connected.connect(at('10.0.0.2', 9)));
    asking.setOption('recverr', true);
    plain.send(hello, at('10.0.0.2', 9));
    connected.send(hello);
    asking.send(hello, at('10.0.0.2', 9));
    lab.run(0.1);
    expect([plain.readable, connected.readable, asking.readable]).toEqual([false, true, true]);
    expect(connected.send(hello)).toBe(-ECONNREFUSED);
    expect(connected.send(hello)).toBe(5);
    const error = asking.recvError()!;
    expect(error).toMatchObject({
      errno: ECONNREFUSED,
      origin: 2,
      icmpType: 3,
      icmpCode: 3,
      offender: addr('10.0.0.2'),
    });
    expect(new TextDecoder().decode(error.data)).toBe('hello');
  });

  it('shares broadcasts and multicasts with all who listen, itself included', () => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    const listeners = [a, b, b].map((host) => {
      const socket = host.socket('udp');
      socket.setOption('reuseaddr', true);
      ok(socket.bind(at('0.0.0.0', 9)));
      return socket;
    });
    const sender = a.socket('udp');
    sender.setOption('broadcast', true);
    sender.send(new TextEncoder().encode('all'), at('10.0.0.255', 9));
    sender.setOption('multicastIf', a.dev('a0').ifindex);
    sender.send(new TextEncoder().encode('nobody yet'), at('239.1.1.1', 9));
    lab.run(0.1);
    for (const socket of listeners)
      ok(socket.addMembership(addr('239.1.1.1'), socket === listeners[0] ? a.dev('a0').ifindex : b.dev('b0').ifindex));
    sender.send(new TextEncoder().encode('group'), at('239.1.1.1', 9));
    sender.setOption('multicastLoop', false);
    sender.send(new TextEncoder().encode('others'), at('239.1.1.1', 9));
    lab.run(0.1);
    expect(listeners.map(texts)).toEqual([
      ['all', 'group'],
      ['all', 'group', 'others'],
      ['all', 'group', 'others'],
    ]);
  });

  it('leaves the checksum to the device, unless the datagram is cut', () => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    const sums: [summed: number, good: boolean][] = [];
    devAddPack(b.dev('b0'), {
      protocol: 3,
      dev: b.dev('b0'),
      sk: {},
      ignoreOutgoing: false,
      receive(skb) {
        const udp = skb.data + 20;
        if (skb.bytes[skb.data + 9] !== 17 || (u16At(skb.bytes, skb.data + 6) & 0x3fff) !== 0) return;
        const sum = pseudoHeaderSum(addr('10.0.0.1'), addr('10.0.0.2'), 17, skb.tail - udp);
        sums.push([skb.ipSummed, checksum(skb.bytes, udp, skb.tail, sum) === 0]);
        if (skb.ipSummed === CHECKSUM_PARTIAL) expect(u16At(skb.bytes, udp + 6)).toBe(sum);
      },
    });
    const server = b.socket('udp');
    ok(server.bind(at('0.0.0.0', 9)));
    const client = a.socket('udp');
    client.send(hello, at('10.0.0.2', 9));
    client.send(new Uint8Array(3000).fill(65), at('10.0.0.2', 9));
    a.dev('a0').features = 0;
    client.send(hello, at('10.0.0.2', 9));
    lab.run(0.1);
    expect(texts(server).map((text) => text.length)).toEqual([5, 3000, 5]);
    expect(sums).toEqual([
      [CHECKSUM_PARTIAL, false],
      [CHECKSUM_NONE, true],
    ]);
  });

  it('drops what does not fit into its receive buffer', () => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    const server = b.socket('udp');
    server.setOption('rcvbuf', 1);
    expect(server.getOption('rcvbuf')).toBe(2304);
    ok(server.bind(at('0.0.0.0', 9)));
    const client = a.socket('udp');
    for (let i = 0; i < 6; i++) client.send(hello, at('10.0.0.2', 9));
    lab.run(0.1);
    expect([texts(server).length, b.counter('Udp', 'RcvbufErrors'), b.counter('Udp', 'InErrors')]).toEqual([3, 3, 3]);
  });

  it('bound to a device sends by it without a route', () => {
    const { a, ...rest } = pair();
    lab = rest.lab;
    lab.tap(a, 'a0');
    const socket = a.socket('udp');
    ok(socket.setOption('bindToIfindex', a.dev('a0').ifindex));
    expect(socket.send(hello, at('10.8.0.1', 9))).toBe(5);
    expect(lab.heard()).toEqual(['> arp who-has 10.8.0.1 tell 10.0.0.1']);
  });
});

describe('a raw socket', () => {
  it('gets copies of its protocol with their IP header, but for what its filter blocks', () => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    const [all, replies] = [a.socket('raw', 1), a.socket('raw', 1)];
    replies.setOption('icmpFilter', ~(1 << 0));
    a.ping('10.0.0.2');
    b.ping('10.0.0.1');
    const types = (socket: Socket): number[] => {
      const seen: number[] = [];
      for (let m = socket.recv(); m !== undefined; m = socket.recv()) seen.push(m.data[20]!);
      return seen;
    };
    expect([types(all), types(replies)]).toEqual([[0, 8], [0]]);
  });

  it('makes its own header when it says so, and the kernel fills the gaps', () => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    const server = b.socket('raw', 200);
    const client = a.socket('raw', 255);
    const datagram = new Uint8Array(24);
    datagram.set([0x45, 0, 0, 0, 0, 0, 0, 0, 9, 200, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2]);
    client.send(datagram, at('10.0.0.2', 0));
    lab.run(0.1);
    const { data } = server.recv()!;
    expect([u16At(data, 2), data[8], [...data.subarray(12, 16)], checksum(data, 0, 20)]).toEqual([
      24,
      9,
      [10, 0, 0, 1],
      0,
    ]);
    expect(u16At(data, 4)).not.toBe(0);
  });

  it('without a taker is answered by "protocol unreachable"', () => {
    const { a, ...rest } = pair();
    lab = rest.lab;
    const socket = a.socket('raw', 200);
    socket.setOption('recverr', true);
    // An error that quotes less than eight bytes of what was sent is not taken.
    socket.send(hello, at('10.0.0.2', 0));
    lab.run(0.1);
    expect(socket.recvError()).toBeUndefined();
    socket.send(new Uint8Array(8), at('10.0.0.2', 0));
    lab.run(0.1);
    expect(socket.recvError()).toMatchObject({ icmpType: 3, icmpCode: 2 });
  });
});

describe('a ping socket', () => {
  it('is for groups in ping_group_range, and gets the answers with its identifier', () => {
    const { a, ...rest } = pair();
    lab = rest.lab;
    const refused = a.task.socket('ping', 0);
    expect(isRefusal(refused) && refused.errno).toBe(EACCES);
    a.sysctl('net/ipv4/ping_group_range', '0 100');
    const [one, two] = [a.socket('ping'), a.socket('ping')];
    expect([a.echo(one, '10.0.0.2'), a.echo(two, '10.0.0.2')]).toEqual([64, 64]);
    lab.run(0.1);
    for (const socket of [one, two]) {
      const { data } = socket.recv()!;
      expect([data[0], u16At(data, 4)]).toEqual([0, (socket.getsockname() as SockaddrIn).port]);
      expect(socket.recv()).toBeUndefined();
    }
  });

  it('learns why its message did not arrive', () => {
    const { a, ...rest } = routed();
    lab = rest.lab;
    a.sysctl('net/ipv4/ping_group_range', '0 100');
    const socket = a.socket('ping');
    socket.setOption('recverr', true);
    socket.setOption('ttl', 1);
    a.echo(socket, '10.2.0.2');
    lab.run(0.1);
    expect(socket.recvError()).toMatchObject({ icmpType: 11, icmpCode: 0, offender: addr('10.1.0.1') });
  });
});

describe('a TCP segment for nobody', () => {
  it.each([
    ['a SYN', 0x02, 1000, 0, 0, 0x14, 0, 1001],
    ['an ACK', 0x10, 1000, 77, 0, 0x04, 77, 0],
    ['data', 0x08, 1000, 0, 5, 0x14, 0, 1005],
    ['a RST', 0x04, 1000, 0, 0, undefined, 0, 0],
  ])('that is %s gets its reset', (_name, flags, sequence, ack, data, answer, answerSeq, answerAck) => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    const socket = a.socket('raw', 6);
    const segment = new Uint8Array(20 + data);
    putTcpHeader(segment, 0, segment.length, 5, 80, sequence, ack, flags, 100, addr('10.0.0.1'), addr('10.0.0.2'));
    socket.send(segment, at('10.0.0.2', 0));
    lab.run(0.1);
    const reply = socket.recv()?.data;
    if (answer === undefined) {
      expect(reply).toBeUndefined();
      return;
    }
    const got = reply!;
    expect([tcpFlags(got, 20), tcpSequence(got, 20), tcpAcknowledgment(got, 20)]).toEqual([
      answer,
      answerSeq,
      answerAck,
    ]);
    expect([u16At(got, 6), u16At(got, 4), got[8], u16At(got, 34)]).toEqual([0x4000, 0, 64, 0]);
    expect(checksum(got, 20, 40, pseudoHeaderSum(addr('10.0.0.2'), addr('10.0.0.1'), 6, 20))).toBe(0);
    expect(b.counter('Tcp', 'OutRsts')).toBe(1);
  });
});
