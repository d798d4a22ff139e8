/**
 * A namespace as a router without the rest of the stack: packets are put through the hook points in the
 * order in which a router, or a host, passes them. A packet is a line of text:
 *
 *     udp 10.0.0.2:5000 > 192.0.2.1:53
 *     tcp 10.0.0.2:5000 > 192.0.2.1:80 SA seq=5 ack=6
 *     icmp 10.0.0.2 > 192.0.2.1 echo 7
 *     icmp 192.0.2.9 > 10.0.0.2 unreachable [udp 10.0.0.2:5000 > 192.0.2.1:53]
 */
import { allocNetdev } from '../../../src/kernel/core/dev-config.ts';
import { Kernel } from '../../../src/kernel/core/kernel.ts';
import type { NetNamespace } from '../../../src/kernel/core/net-namespace.ts';
import type { NetDevice } from '../../../src/kernel/core/netdevice.ts';
import {
  NF_INET_FORWARD,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
  NFPROTO_IPV4,
  nfHook,
} from '../../../src/kernel/core/netfilter.ts';
import { consumeSkb, type SkBuff, skbFromBytes } from '../../../src/kernel/core/skbuff.ts';
import { XtablesSocket } from '../../../src/kernel/netfilter/xtables-uapi.ts';
import type { Xtables } from '../../../src/uapi/xtables.ts';
import { formatIpv4, parseIpv4, u16At } from '../../../src/wire/addr.ts';
import { icmpId, putIcmpEcho, putIcmpHeader, validateIcmp } from '../../../src/wire/icmp.ts';
import { ipv4ChecksumOk, ipv4Destination, ipv4Protocol, ipv4Source, putIpv4Header } from '../../../src/wire/ipv4.ts';
import { putTcpHeader, tcpFlags, validateTcp } from '../../../src/wire/tcp.ts';
import { putUdpHeader, validateUdp } from '../../../src/wire/udp.ts';
import { VALID, type Validity } from '../../../src/wire/validity.ts';
import { run } from '../../programs/iptables/process.ts';

const ICMP_TYPES: Readonly<Record<string, number>> = { echo: 8, reply: 0, unreachable: 3, exceeded: 11, redirect: 5 };
const FLAGS = 'FSRPA';
const DATA = 12;

const endpoint = (text: string) => {
  const [address, port] = text.split(':');
  return { address: parseIpv4(address!)!, port: Number(port ?? 0) };
};

/** The IPv4 packet that a line describes. */
export function packet(line: string): Uint8Array {
  const match = /^(\w+) (\S+) > (\S+)(?: (.*))?$/.exec(line)!;
  const [, kind, from, to, rest = ''] = match;
  const [source, destination] = [endpoint(from!), endpoint(to!)];
  const inner = /\[(.*)\]/.exec(rest);
  const quoted = inner === null ? new Uint8Array(DATA) : packet(inner[1]!).subarray(0, 28);
  const header = kind === 'tcp' ? 20 : 8;
  const length = 20 + header + (kind === 'icmp' ? quoted.length : DATA);
  const bytes = new Uint8Array(length);
  const proto = { icmp: 1, tcp: 6, udp: 17 }[kind!] ?? Number(kind);
  putIpv4Header(bytes, 0, source.address, destination.address, proto, length, 64, 1, 0x4000, 0);
  if (kind === 'udp')
    putUdpHeader(bytes, 20, length - 20, source.port, destination.port, source.address, destination.address);
  if (kind === 'tcp') {
    const [flags = '', ...numbers] = rest.split(' ');
    const value = (name: string) => Number(numbers.find((word) => word.startsWith(`${name}=`))?.slice(4) ?? 1);
    const bits = [...flags].reduce((sum, flag) => sum | (1 << FLAGS.indexOf(flag)), 0);
    const ends = [source.address, destination.address] as const;
    putTcpHeader(bytes, 20, length, source.port, destination.port, value('seq'), value('ack'), bits, 1000, ...ends);
  }
  if (kind === 'icmp') {
    const [type = '', id] = rest.split(' ');
    bytes.set(quoted, 28);
    if (inner === null) putIcmpEcho(bytes, 20, length, ICMP_TYPES[type]!, Number(id), 1);
    else putIcmpHeader(bytes, 20, length, ICMP_TYPES[type]!, 1, 0);
  }
  return bytes;
}

/** The line for a packet; says so when a checksum is wrong. */
export function describe(bytes: Uint8Array, at = 0, quoted = false): string {
  const proto = ipv4Protocol(bytes, at);
  const [source, destination] = [ipv4Source(bytes, at), ipv4Destination(bytes, at)];
  const end = bytes.length;
  const l4 = at + 20;
  let validity: Validity = VALID;
  let text: string;
  if (proto === 1) {
    const type = Object.keys(ICMP_TYPES).find((name) => ICMP_TYPES[name] === bytes[l4]);
    const inner = bytes[l4] === 8 || bytes[l4] === 0 ? `${icmpId(bytes, l4)}` : `[${describe(bytes, l4 + 8, true)}]`;
    text = `icmp ${formatIpv4(source)} > ${formatIpv4(destination)} ${type} ${inner}`;
    validity = validateIcmp(bytes, l4, end);
  } else {
    const name = proto === 6 ? 'tcp' : proto === 17 ? 'udp' : String(proto);
    const port = (offset: number) => (proto === 6 || proto === 17 ? `:${u16At(bytes, l4 + offset)}` : '');
    text = `${name} ${formatIpv4(source)}${port(0)} > ${formatIpv4(destination)}${port(2)}`;
    if (proto === 17) validity = validateUdp(bytes, l4, end, source, destination);
    if (proto === 6 && !quoted) {
      text += ` ${[...FLAGS].filter((_, bit) => (tcpFlags(bytes, l4) & (1 << bit)) !== 0).join('')}`;
      validity = validateTcp(bytes, l4, end, source, destination);
    }
  }
  if (!ipv4ChecksumOk(bytes, at)) text += ' (bad IP checksum)';
  if (!quoted && validity.verdict !== 'ok') text += ' (bad checksum)';
  return text;
}

export class Router {
  readonly kernel = new Kernel({ seed: 7 });
  readonly net: NetNamespace = this.kernel.createNamespace();
  readonly xtables: Xtables = new XtablesSocket(this.net);
  readonly lan: NetDevice = this.device('lan', 2);
  readonly wan: NetDevice = this.device('wan', 3);

  private device(name: string, ifindex: number): NetDevice {
    const dev = allocNetdev(this.net, name, {
      startXmit() {
        throw new Error('nothing is sent here');
      },
    });
    dev.ifindex = ifindex;
    return dev;
  }

  /** Run a command of iptables, without the program's name; its output, or an error. */
  async iptables(line: string): Promise<string> {
    const command = { argv: ['iptables', ...line.split(' ')], input: '' };
    const { output, status } = await run(this.xtables, command);
    if (status !== 0) throw new Error(`${line}: ${output}`);
    return output;
  }

  /** The frames that are neither on their way nor ended: none, ever. */
  get lost(): number {
    return this.kernel.skbs.lost;
  }

  private pass(
    line: string,
    points: readonly [hook: number, inDev: NetDevice | undefined, out: NetDevice | undefined][],
  ) {
    const skb = skbFromBytes(this.kernel, packet(line), 'test', false);
    skb.networkHeader = skb.data;
    skb.dev = points[0]![1];
    let result = 'dropped';
    const step = (at: number) => (frame: SkBuff) => {
      const point = points[at];
      if (point === undefined) {
        result = describe(frame.bytes.slice(frame.networkHeader, frame.tail));
        consumeSkb(frame, 'test');
        return;
      }
      const next = step(at + 1);
      if (nfHook(NFPROTO_IPV4, point[0], this.net, frame, point[1], point[2], next)) next(frame);
    };
    step(0)(skb);
    return result;
  }

  /** Through the router, from one side to the other. */
  forward(line: string, from: 'lan' | 'wan' = 'lan'): string {
    const [inDev, out] = from === 'lan' ? [this.lan, this.wan] : [this.wan, this.lan];
    return this.pass(line, [
      [NF_INET_PRE_ROUTING, inDev, undefined],
      [NF_INET_FORWARD, inDev, out],
      [NF_INET_POST_ROUTING, undefined, out],
    ]);
  }

  /** To the router itself. */
  receive(line: string, from: 'lan' | 'wan' = 'lan'): string {
    const inDev = from === 'lan' ? this.lan : this.wan;
    return this.pass(line, [
      [NF_INET_PRE_ROUTING, inDev, undefined],
      [NF_INET_LOCAL_IN, inDev, undefined],
    ]);
  }

  /** From the router itself. */
  send(line: string, by: 'lan' | 'wan' = 'wan'): string {
    const out = by === 'lan' ? this.lan : this.wan;
    return this.pass(line, [
      [NF_INET_LOCAL_OUT, undefined, out],
      [NF_INET_POST_ROUTING, undefined, out],
    ]);
  }

  /** Seconds go by. */
  wait(seconds: number): void {
    this.kernel.queue.runUntil(this.kernel.queue.now + seconds * 1e9);
  }
}
