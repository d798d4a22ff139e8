/** Hosts joined by veth pairs, with sockets and ears: what the tests of IPv4 stand on. */

import { expect } from 'vitest';
import type { Kernel } from '../../../src/kernel/core/kernel.ts';
import type { NetNamespace } from '../../../src/kernel/core/net-namespace.ts';
import type { NetDevice } from '../../../src/kernel/core/netdevice.ts';
import { devAddPack } from '../../../src/kernel/core/packet-type.ts';
import { bootKernel } from '../../../src/kernel/init.ts';
import { KernelMachine } from '../../../src/kernel/machine.ts';
import { type Ack, isRefusal } from '../../../src/uapi/result.ts';
import {
  type AddrRequest,
  NLM_F_CREATE,
  NLM_F_EXCL,
  type RouteRequest,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RTN_UNICAST,
  RTPROT_BOOT,
} from '../../../src/uapi/rtnetlink.ts';
import type { Socket, SocketType } from '../../../src/uapi/socket.ts';
import type { Task } from '../../../src/uapi/task.ts';
import { formatIpv4, type Ipv4, ipv4At, parseIpv4, parseMac, u16At } from '../../../src/wire/addr.ts';
import { putIcmpEcho } from '../../../src/wire/icmp.ts';

export function addr(text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

/** `10.0.0.0/8` */
function prefix(text: string): { dst: Ipv4; dstLen: number } {
  const [address, length] = text === 'default' ? ['0.0.0.0', '0'] : text.split('/');
  return { dst: addr(address!), dstLen: Number(length ?? 32) };
}

/** One line for a frame, from its Ethernet header at `at`. */
function describe(bytes: Uint8Array, at: number, end: number): string {
  const type = u16At(bytes, at + 12);
  const p = at + 14;
  if (type === 0x0806) {
    const [from, to] = [formatIpv4(ipv4At(bytes, p + 14)), formatIpv4(ipv4At(bytes, p + 24))];
    const cast = (bytes[at]! & 1) !== 0 ? '' : ' unicast';
    return u16At(bytes, p + 6) === 1 ? `arp who-has ${to} tell ${from}${cast}` : `arp ${from} is-at`;
  }
  if (type !== 0x0800) return `type ${type.toString(16)}`;
  const hlen = (bytes[p]! & 15) * 4;
  const word = u16At(bytes, p + 6);
  const frag = (word & 0x3fff) !== 0 ? ` frag ${(word & 0x1fff) * 8}${(word & 0x2000) !== 0 ? '+' : ''}` : '';
  const df = (word & 0x4000) !== 0 ? ' DF' : '';
  const head = `${formatIpv4(ipv4At(bytes, p + 12))} > ${formatIpv4(ipv4At(bytes, p + 16))}`;
  const size = `len ${u16At(bytes, p + 2)} ttl ${bytes[p + 8]}${df}${frag}`;
  const t = p + hlen;
  const protocol = bytes[p + 9]!;
  if ((word & 0x1fff) !== 0 || t + 8 > end) return `${head} proto ${protocol} ${size}`;
  if (protocol === 1) return `${head} icmp ${bytes[t]}/${bytes[t + 1]} ${size}`;
  if (protocol === 17) return `${head} udp ${u16At(bytes, t)} > ${u16At(bytes, t + 2)} ${size}`;
  if (protocol === 6) return `${head} tcp flags ${bytes[t + 13]!.toString(16)} ${size}`;
  if (protocol === 2) return `${head} igmp ${bytes[t]!.toString(16)} ${size}`;
  return `${head} proto ${protocol} ${size}`;
}

export class Host {
  readonly lab: L3Lab;
  readonly task: Task;
  readonly net: NetNamespace;

  constructor(lab: L3Lab, task: Task) {
    this.lab = lab;
    this.task = task;
    this.net = task.netns as NetNamespace;
  }

  dev(name: string): NetDevice {
    const dev = this.net.devByName(name);
    if (dev === undefined) throw new Error(`no device ${name}`);
    return dev;
  }

  up(...names: string[]): void {
    for (const name of names) {
      ok(this.task.rtnl.newLink({ ifindex: this.dev(name).ifindex, flags: 1, change: 1 }, 0));
    }
    this.lab.run(0.01);
  }

  down(name: string): void {
    ok(this.task.rtnl.newLink({ ifindex: this.dev(name).ifindex, flags: 0, change: 1 }, 0));
    this.lab.run(0.01);
  }

  mtu(name: string, mtu: number): void {
    ok(this.task.rtnl.newLink({ ifindex: this.dev(name).ifindex, mtu }, 0));
  }

  /** `10.0.0.1/24` */
  address(name: string, text: string, more: Partial<AddrRequest> = {}): Ack {
    const { dst, dstLen } = prefix(text);
    const request = { ifindex: this.dev(name).ifindex, local: dst, prefixlen: dstLen, ...more };
    return this.task.rtnl.newAddr(request, NLM_F_CREATE | NLM_F_EXCL);
  }

  delAddress(name: string, text: string): void {
    const { dst, dstLen } = prefix(text);
    ok(this.task.rtnl.delAddr({ ifindex: this.dev(name).ifindex, local: dst, address: dst, prefixlen: dstLen }));
  }

  route(to: string, via: string | undefined, more: Partial<RouteRequest> = {}): Ack {
    const request: RouteRequest = {
      ...prefix(to),
      type: RTN_UNICAST,
      protocol: RTPROT_BOOT,
      scope: via === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
      ...more,
    };
    if (via !== undefined) request.gateway = addr(via);
    return this.task.rtnl.newRoute(request, NLM_F_CREATE | NLM_F_EXCL);
  }

  /** `net/ipv4/ip_forward` */
  sysctl(path: string, value: number | string): void {
    ok(this.task.files.write(`/proc/sys/${path}`, `${value}\n`));
  }

  /** A number of /proc/net/snmp or netstat: `Ip`, `InDelivers`. */
  counter(group: string, name: string): number {
    const text = `${this.task.files.read('/proc/net/snmp')}${this.task.files.read('/proc/net/netstat')}`;
    const [names, values] = text.split('\n').filter((line) => line.startsWith(`${group}: `));
    return Number(values!.split(' ')[names!.split(' ').indexOf(name)]);
  }

  socket(type: SocketType, protocol = 0): Socket {
    const socket = this.task.socket(type, protocol);
    if (isRefusal(socket)) throw new Error(`socket: error ${socket.errno}`);
    return socket;
  }

  /** Send an echo request of `size` bytes by a raw socket; the answer's source, or nothing. */
  ping(to: string, size = 64, set: (socket: Socket) => void = () => {}): string | undefined {
    const socket = this.socket('raw', 1);
    socket.setOption('icmpFilter', ~1);
    set(socket);
    const sent = this.echo(socket, to, size);
    this.lab.run(0.1);
    const answer = socket.recv();
    socket.close();
    if (sent < 0) return `error ${-sent}`;
    return answer?.from.family === 'inet' ? formatIpv4(answer.from.address) : undefined;
  }

  /** The result of send(). */
  echo(socket: Socket, to: string, size = 64): number {
    const message = new Uint8Array(size);
    putIcmpEcho(message, 0, size, 8, 0x1234, 1);
    return socket.send(message, { family: 'inet', address: addr(to), port: 0 });
  }

  /** `10.0.0.2 STALE` for each neighbour. */
  neighbours(): string[] {
    return this.task.rtnl.dumpNeighs().map(({ dst, state }) => `${formatIpv4(dst)} ${STATES[state] ?? state}`);
  }
}

const STATES: Record<number, string> = {
  0: 'NONE',
  1: 'INCOMPLETE',
  2: 'REACHABLE',
  4: 'STALE',
  8: 'DELAY',
  16: 'PROBE',
  32: 'FAILED',
  64: 'NOARP',
  128: 'PERMANENT',
};

export function ok(answer: Ack): void {
  expect(answer).toBeUndefined();
}

export class L3Lab {
  readonly kernel: Kernel;
  readonly machine: KernelMachine;
  /** What tapped devices sent and received. */
  readonly lines: string[] = [];
  private lastPid = 0;
  private lastMac = 0;

  constructor(seed = 1) {
    this.kernel = bootKernel({ seed });
    this.machine = new KernelMachine(this.kernel);
  }

  /** A namespace with its loopback device up, without IPv6. */
  host(): Host {
    const task = this.machine.init(++this.lastPid);
    ok(task.unshareNet());
    const host = new Host(this, task);
    for (const name of ['all', 'default']) host.sysctl(`net/ipv6/conf/${name}/disable_ipv6`, 1);
    host.up('lo');
    return host;
  }

  /** Join two hosts by a veth pair, both ends up, with addresses. */
  link(a: Host, aName: string, aAddress: string, b: Host, bName: string, bAddress: string): void {
    const mac = () => parseMac(`02:00:00:00:00:${(++this.lastMac).toString(16)}`)!;
    const peer = { ifname: bName, netns: b.task.netns, address: mac() };
    const request = { ifname: aName, address: mac(), linkinfo: { kind: 'veth', data: { peer } } };
    ok(a.task.rtnl.newLink(request, NLM_F_CREATE | NLM_F_EXCL));
    a.up(aName);
    b.up(bName);
    if (aAddress !== '') ok(a.address(aName, aAddress));
    if (bAddress !== '') ok(b.address(bName, bAddress));
  }

  /** Let virtual seconds pass. */
  run(seconds: number): void {
    this.kernel.queue.runUntil(this.kernel.queue.now + seconds * 1e9);
  }

  /** Listen on a device from now on; received frames begin with `<`, sent ones with `>`. */
  tap(host: Host, name: string): void {
    const dev = host.dev(name);
    devAddPack(dev, {
      protocol: 3,
      dev,
      sk: this,
      ignoreOutgoing: false,
      receive: (skb, _dev, outgoing) => {
        this.lines.push(`${outgoing ? '>' : '<'} ${describe(skb.bytes, skb.macHeader, skb.tail)}`);
      },
    });
  }

  /** What was heard since the last time. */
  heard(): string[] {
    return this.lines.splice(0);
  }

  /** Every frame made has ended or rests in a queue. */
  expectNothingLost(): void {
    expect(this.kernel.skbs.lost).toBe(0);
  }
}

/** Two hosts on a link: 10.0.0.1 and 10.0.0.2. */
export function pair(): { lab: L3Lab; a: Host; b: Host } {
  const lab = new L3Lab();
  const [a, b] = [lab.host(), lab.host()];
  lab.link(a, 'a0', '10.0.0.1/24', b, 'b0', '10.0.0.2/24');
  return { lab, a, b };
}

/** 10.1.0.2 - router - 10.2.0.2, forwarding on. */
export function routed(): { lab: L3Lab; a: Host; r: Host; b: Host } {
  const lab = new L3Lab();
  const [a, r, b] = [lab.host(), lab.host(), lab.host()];
  lab.link(a, 'a0', '10.1.0.2/24', r, 'ra', '10.1.0.1/24');
  lab.link(r, 'rb', '10.2.0.1/24', b, 'b0', '10.2.0.2/24');
  ok(a.route('default', '10.1.0.1'));
  ok(b.route('default', '10.2.0.1'));
  r.sysctl('net/ipv4/ip_forward', 1);
  return { lab, a, r, b };
}
