/** `port` and `portrange`: tests for TCP, UDP and SCTP ports in IPv4 and IPv6. */
import { portOfService } from '../../wire/services.ts';
import { and, type Block, not, or, test } from './block.ts';
import { JEQ_K, JGE_K, JGT_K, JSET_K } from './bpf.ts';
import { FilterError } from './error.ts';
import type { Generator } from './generator.ts';
import { wirelessDirection } from './hosts.ts';
import { ETHERTYPE_IP, ETHERTYPE_IPV6, linkProtocol } from './linktypes.ts';
import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from './protocols.ts';
import type { Direction, Protocol } from './qualifier.ts';

/** A range of ports; of one protocol, or of any of the three. */
export interface Ports {
  from: number;
  to: number;
  protocol: number | undefined;
}

const NUMBERS: ReadonlyMap<Protocol, number> = new Map<Protocol, number>([
  ['sctp', IPPROTO_SCTP],
  ['tcp', IPPROTO_TCP],
  ['udp', IPPROTO_UDP],
]);

/** The protocol that a port's qualifier means. `what` is `port` or `portrange`. */
export function portProtocol(protocol: Protocol, what: string): number | undefined {
  if (protocol === 'default') return undefined;
  const number = NUMBERS.get(protocol);
  if (number === undefined) throw new FilterError(`illegal qualifier of '${what}'`);
  return number;
}

/** A fragment that is not the first has no ports. */
export function notLaterFragment(g: Generator): Block {
  return not(test(g.load('linkpl', 6, 2), JSET_K, 0x1fff));
}

/** `single`: a comparison with one port, which libpcap makes differently from a range of one. */
export function portsBlock(g: Generator, ports: Ports, direction: Direction, single: boolean): Block {
  const ip4 = internetPorts(g, ports, direction, single, 'transport4');
  return or(internetPorts(g, ports, direction, single, 'transport6'), ip4);
}

function internetPorts(
  g: Generator,
  ports: Ports,
  direction: Direction,
  single: boolean,
  base: 'transport4' | 'transport6',
): Block {
  const internet = linkProtocol(g, base === 'transport4' ? ETHERTYPE_IP : ETHERTYPE_IPV6);
  const of = (protocol: number) => protocolPorts(g, protocol, ports, direction, single, base);
  if (ports.protocol !== undefined) return and(internet, of(ports.protocol));
  const tcpOrUdp = or(of(IPPROTO_TCP), of(IPPROTO_UDP));
  return and(internet, or(of(IPPROTO_SCTP), tcpOrUdp));
}

function protocolPorts(
  g: Generator,
  protocol: number,
  ports: Ports,
  direction: Direction,
  single: boolean,
  base: 'transport4' | 'transport6',
): Block {
  const is =
    base === 'transport4'
      ? and(g.equal('linkpl', 9, 1, protocol), notLaterFragment(g))
      : g.equal('linkpl', 6, 1, protocol);
  const what = single ? 'ports' : 'port ranges';
  const wrong = wirelessDirection(direction, `not valid qualifiers for ${what}`);
  if (wrong !== undefined) throw new FilterError(wrong);
  const [low, high] = ports.from <= ports.to ? [ports.from, ports.to] : [ports.to, ports.from];
  const one = (offset: number): Block => {
    if (single) return g.compare(base, offset, 2, 0xffff_ffff, JEQ_K, low);
    return and(
      g.compare(base, offset, 2, 0xffff_ffff, JGE_K, low),
      g.compare(base, offset, 2, 0xffff_ffff, JGT_K, high, true),
    );
  };
  if (direction === 'src') return and(is, one(0));
  if (direction === 'dst') return and(is, one(2));
  const source = one(0);
  return and(is, direction === 'and' ? and(source, one(2)) : or(source, one(2)));
}

/** The number and protocol of a named port: undefined protocol when it is of TCP and UDP alike. */
function lookup(name: string): { port: number; protocol: number | undefined } | undefined {
  if (/^[0-9]+$/.test(name)) return { port: Number(name), protocol: undefined };
  const tcp = portOfService(name, 'tcp');
  const udp = portOfService(name, 'udp');
  if (tcp !== undefined) return { port: tcp, protocol: tcp === udp ? undefined : IPPROTO_TCP };
  return udp === undefined ? undefined : { port: udp, protocol: IPPROTO_UDP };
}

/** `port NAME`. */
export function namedPort(name: string, protocol: Protocol): Ports {
  const wanted = portProtocol(protocol, 'port');
  const found = lookup(name);
  if (found === undefined) throw new FilterError(`unknown port '${name}'`);
  const only = agreed(wanted, found.protocol, `port '${name}'`);
  checkPort(found.port);
  return { from: found.port, to: found.port, protocol: only };
}

/** `portrange NAME`: two numbers or two names with a dash between. */
export function namedPortRange(name: string, protocol: Protocol): Ports {
  const wanted = portProtocol(protocol, 'portrange');
  const numbers = /^([0-9]+)-([0-9]+)/.exec(name);
  let from: number;
  let to: number;
  let real: number | undefined;
  if (numbers !== null) {
    from = Number(numbers[1]) | 0;
    to = Number(numbers[2]) | 0;
  } else {
    const dash = name.indexOf('-');
    const first = dash < 0 ? undefined : lookup(name.slice(0, dash));
    const second = first === undefined ? undefined : lookup(name.slice(dash + 1));
    if (first === undefined || second === undefined) throw new FilterError(`unknown port in range '${name}'`);
    from = first.port;
    to = second.port;
    real = first.protocol === second.protocol ? second.protocol : undefined;
  }
  const only = agreed(wanted, real, `port in range '${name}'`);
  checkPort(from);
  checkPort(to);
  return { from, to, protocol: only };
}

/** The protocol that a qualifier and a service's entry agree on. */
function agreed(wanted: number | undefined, real: number | undefined, what: string): number | undefined {
  if (wanted === undefined || real === wanted) return real;
  if (real === undefined) return wanted;
  const name = [...NUMBERS].find(([, number]) => number === real)?.[0];
  throw new FilterError(`${what} is ${name}`);
}

function checkPort(port: number): void {
  if (port < 0) throw new FilterError(`illegal port number ${port} < 0`);
  if (port > 65535) throw new FilterError(`illegal port number ${port} > 65535`);
}
