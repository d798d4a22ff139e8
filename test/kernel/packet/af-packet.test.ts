/** Packet sockets: what they keep of the frames that pass, and for how long. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRefusal } from '../../../src/uapi/result.ts';
import { NLM_F_CREATE, NLM_F_EXCL } from '../../../src/uapi/rtnetlink.ts';
import type { Socket, SocketMessage } from '../../../src/uapi/socket.ts';
import { formatIpv4, formatMac, macAt, u16At } from '../../../src/wire/addr.ts';
import { checksum } from '../../../src/wire/checksum.ts';
import { ipv4Destination, ipv4Source } from '../../../src/wire/ipv4.ts';
import { type Host, type L3Lab, ok, routed } from '../ipv4/l3-lab.ts';

const ETH_P_IP = 0x0800;
const ETH_P_ALL = 3;

let lab: L3Lab;
let a: Host;
let r: Host;
let b: Host;

/** Listens on a device as tcpdump does. */
function capture(host: Host, name: string): Socket {
  const socket = host.socket('packet-raw', ETH_P_ALL);
  ok(socket.bind({ family: 'packet', ifindex: host.dev(name).ifindex, protocol: ETH_P_ALL }));
  return socket;
}

/** `10.1.0.2 > 10.2.0.2 ttl 64`, with what is wrong with the header's checksum and the tag beside the frame. */
function describeMessage({ data, aux }: SocketMessage): string {
  const tag = aux?.vlanValid === true ? `vlan ${aux.vlanTci} ` : '';
  if (u16At(data, 12) !== ETH_P_IP) return `${tag}type ${u16At(data, 12).toString(16)}`;
  const sum = checksum(data, 14, 34) === 0 ? '' : ' bad checksum';
  return `${tag}${formatIpv4(ipv4Source(data, 14))} > ${formatIpv4(ipv4Destination(data, 14))} ttl ${data[22]}${sum}`;
}

function readAll(socket: Socket): string[] {
  const lines: string[] = [];
  for (let message = socket.recv(); message !== undefined; message = socket.recv())
    lines.push(describeMessage(message));
  return lines;
}

/** From `a` to the address that b has behind a VLAN; r hides a's address. */
function putVlanAndMasqueradeBetween(): void {
  for (const [host, name] of [
    [r, 'rb'],
    [b, 'b0'],
  ] as const) {
    const link = host.dev(name).ifindex;
    const request = { ifname: `${name}.7`, link, linkinfo: { kind: 'vlan', data: { id: 7 } } };
    ok(host.task.rtnl.newLink(request, NLM_F_CREATE | NLM_F_EXCL));
    host.up(`${name}.7`);
  }
  ok(r.address('rb.7', '10.7.0.1/24'));
  ok(b.address('b0.7', '10.7.0.2/24'));
  const table = r.task.xtables.getTable('nat');
  if (isRefusal(table)) throw new Error('no nat table');
  table.chains
    .find(({ name }) => name === 'POSTROUTING')!
    .rules.push({
      outIface: { name: 'rb.7', invert: false },
      proto: 0,
      protoInvert: false,
      matches: [],
      target: { name: 'MASQUERADE', range: {} },
      counters: { packets: 0, bytes: 0 },
    });
  ok(r.task.xtables.replaceTable(table));
}

beforeEach(() => {
  ({ lab, a, r, b } = routed());
  expect(a.ping('10.2.0.2')).toBe('10.2.0.2');
});

afterEach(() => {
  lab.run(40);
  lab.expectNothingLost();
});

describe('a captured frame', () => {
  it('is what it was when it passed, whatever a router, NAT and VLANs did to it later', () => {
    putVlanAndMasqueradeBetween();
    expect(a.ping('10.7.0.2')).toBe('10.7.0.2');
    const sockets = {
      a0: capture(a, 'a0'),
      ra: capture(r, 'ra'),
      'rb.7': capture(r, 'rb.7'),
      rb: capture(r, 'rb'),
      b0: capture(b, 'b0'),
      'b0.7': capture(b, 'b0.7'),
    };
    expect(a.ping('10.7.0.2')).toBe('10.7.0.2');
    const inside = ['10.1.0.2 > 10.7.0.2 ttl 64', '10.7.0.2 > 10.1.0.2 ttl 63'];
    const outside = ['10.7.0.1 > 10.7.0.2 ttl 63', '10.7.0.2 > 10.7.0.1 ttl 64'];
    const tagged = outside.map((line) => `vlan 7 ${line}`);
    expect(Object.fromEntries(Object.entries(sockets).map(([name, socket]) => [name, readAll(socket)]))).toEqual({
      a0: inside,
      ra: inside,
      'rb.7': outside,
      rb: tagged,
      b0: tagged,
      'b0.7': outside,
    });
  });

  it('has the addresses of the link it was captured on', () => {
    const [before, after] = [capture(r, 'ra'), capture(r, 'rb')];
    a.ping('10.2.0.2');
    const source = (socket: Socket) => {
      const { data, from } = socket.recv()!;
      if (from.family !== 'packet') throw new Error('not a packet socket');
      expect(from.address).toBe(macAt(data, 6));
      return formatMac(from.address);
    };
    expect([source(before), source(after)]).toEqual([a.dev('a0').addr, r.dev('rb').addr].map(formatMac));
  });

  it('is as long as the filter wants it', () => {
    const socket = capture(b, 'b0');
    socket.setOption('filter', ({ bytes, start }) => (bytes[start + 12] === 0x08 ? 40 : 0));
    a.ping('10.2.0.2', 1000);
    const { data, aux } = socket.recv()!;
    expect([data.length, aux?.snaplen, aux?.len]).toEqual([40, 40, 1034]);
    expect(formatIpv4(ipv4Source(data, 14))).toBe('10.1.0.2');
  });

  it('stays while others pass, until the next one is read', () => {
    const socket = capture(b, 'b0');
    a.ping('10.2.0.2', 64);
    const message = socket.recv()!;
    const then = message.data.slice();
    for (let i = 0; i < 20; i++) a.ping('10.2.0.2', 64 + i);
    expect(message.data).toEqual(then);
    expect(socket.recv()?.data).not.toEqual(then);
  });
});

describe('a packet socket', () => {
  it('loses frames when nobody reads them, and has room again when they are read', () => {
    const socket = capture(b, 'b0');
    // Two frames of 98 bytes and what the ring adds to each.
    socket.setOption('rcvbuf', 2 * (98 + 80));
    for (let i = 0; i < 3; i++) a.ping('10.2.0.2');
    expect(socket.statistics()).toEqual({ packets: 6, drops: 4 });
    expect(readAll(socket)).toEqual(['10.1.0.2 > 10.2.0.2 ttl 63', '10.2.0.2 > 10.1.0.2 ttl 64']);
    a.ping('10.2.0.2');
    expect(socket.statistics()).toEqual({ packets: 2, drops: 0 });
    expect(readAll(socket)).toHaveLength(2);
    expect(socket.readable).toBe(false);
  });

  it('has nothing to read once it is closed', () => {
    const socket = capture(b, 'b0');
    a.ping('10.2.0.2');
    socket.close();
    expect([socket.readable, socket.recv()]).toEqual([false, undefined]);
  });
});
