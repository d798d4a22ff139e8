/** Primitives whose operand is a name, a number or an address: `host x`, `10.0.0.0/8`, `port http`. */
import { parseIpv6 } from '../../wire/ipv6.ts';
import { DLT_EN10MB } from '../linktype.ts';
import type { Block } from './block.ts';
import { FilterError } from './error.ts';
import type { Generator } from './generator.ts';
import { etherHostBlock, host6Block, hostBlock } from './hosts.ts';
import { namedPort, namedPortRange, portProtocol, portsBlock } from './ports.ts';
import { namedProtocol, protocolNumberBlock } from './protocols.ts';
import type { Qualifier } from './qualifier.ts';

/** Debian's /etc/networks: no name but these three is known. */
const NETWORKS: ReadonlyMap<string, number> = new Map([
  ['loopback', 127],
  ['link-local', 0xa9fe],
]);

function syntaxError(): never {
  throw new FilterError('syntax error in filter expression');
}

/** libpcap's protochain walks header chains with loops that kernels refuse; it is left out. */
function protochain(): never {
  throw new FilterError("'protochain' is not supported");
}

/** A name. */
export function nameBlock(g: Generator, name: string, q: Qualifier): Block {
  switch (q.type) {
    case 'net': {
      const network = NETWORKS.get(name);
      if (network === undefined) throw new FilterError(`unknown network '${name}'`);
      const [address, mask] = leftJustified(network);
      return hostBlock(g, address, mask, q.protocol, q.direction, 'net');
    }
    case 'default':
    case 'host':
      return hostNameBlock(g, name, q);
    case 'port':
      return portsBlock(g, namedPort(name, q.protocol), q.direction, true);
    case 'portrange':
      return portsBlock(g, namedPortRange(name, q.protocol), q.direction, false);
    case 'gateway':
      throw new FilterError("'gateway' not supported in this configuration");
    case 'proto':
      return protocolNumberBlock(g, namedProtocol(name, q.protocol), q.protocol, q.direction);
    case 'protochain':
      return protochain();
    case 'undef':
      return syntaxError();
  }
}

function hostNameBlock(g: Generator, name: string, q: Qualifier): Block {
  if (q.protocol === 'link') {
    if (g.dlt !== DLT_EN10MB) {
      throw new FilterError(
        'only ethernet/FDDI/token ring/802.11/ATM LANE/Fibre Channel supports link-level host name',
      );
    }
    throw new FilterError(`unknown ether host '${name}'`);
  }
  if (q.protocol === 'decnet') {
    throw new FilterError(`decnet name support not included, '${name}' cannot be translated\n`);
  }
  if (name !== 'localhost') throw new FilterError(`unknown host '${name}'`);
  if (q.protocol === 'ip6') throw new FilterError(`unknown host '${name}' for specified address family`);
  const protocol = g.linktype === undefined && q.protocol === 'default' ? 'ip' : q.protocol;
  return hostBlock(g, 0x7f000001, 0xffff_ffff, protocol, q.direction, q.type);
}

function leftJustified(value: number): [address: number, mask: number] {
  let address = value;
  let mask = 0xffff_ffff;
  while (address !== 0 && address >>> 24 === 0) {
    address = (address << 8) >>> 0;
    mask = (mask << 8) >>> 0;
  }
  return [address, mask];
}

/** __pcap_atoin(): one to four decimal parts, and how many bits they are. */
function atoin(text: string): { value: number; bits: number } | undefined {
  let value = 0;
  let bits = 0;
  for (const part of text.split('.')) {
    let number = 0;
    for (let at = 0; at < part.length; at++) {
      if (number > 25) return undefined;
      number = number * 10 + part.charCodeAt(at) - 48;
    }
    if (number > 255) return undefined;
    value = ((value << 8) | number) >>> 0;
    bits += 8;
  }
  return { value, bits };
}

function dotted(text: string): { value: number; bits: number } {
  const parsed = atoin(text);
  if (parsed === undefined) throw new FilterError(`invalid IPv4 address '${text}'`);
  return parsed;
}

function promoted({ value, bits }: { value: number; bits: number }): number {
  return bits >= 32 ? value : (value << (32 - bits)) >>> 0;
}

/** A dotted address. */
export function addressBlock(g: Generator, text: string, q: Qualifier): Block {
  if (q.type === 'port' || q.type === 'portrange' || q.type === 'proto' || q.type === 'protochain') {
    throw new FilterError(`'${q.type}' modifier applied to ip host`);
  }
  const parsed = dotted(text);
  switch (q.type) {
    case 'gateway':
      throw new FilterError("'gateway' requires a name");
    case 'undef':
      return syntaxError();
    default: {
      if (q.protocol === 'link') throw new FilterError('illegal link layer address');
      const mask = promoted({ value: 0xffff_ffff, bits: parsed.bits });
      return hostBlock(g, promoted(parsed), mask, q.protocol, q.direction, q.type);
    }
  }
}

/** A dotted address with a prefix length or a mask. */
export function networkBlock(g: Generator, text: string, mask: number | string, q: Qualifier): Block {
  const network = promoted(dotted(text));
  let bits: number;
  if (typeof mask === 'string') {
    bits = promoted(dotted(mask));
    if ((network & ~bits) !== 0) throw new FilterError(`non-network bits set in "${text} mask ${mask}"`);
  } else {
    if (mask > 32) throw new FilterError('mask length must be <= 32');
    bits = mask === 0 ? 0 : (0xffff_ffff << (32 - mask)) >>> 0;
    if ((network & ~bits) !== 0) throw new FilterError(`non-network bits set in "${text}/${mask}"`);
  }
  if (q.type !== 'net') throw new FilterError('Mask syntax for networks only');
  return hostBlock(g, network, bits, q.protocol, q.direction, q.type);
}

/** A number. */
export function numberBlock(g: Generator, value: number, q: Qualifier): Block {
  switch (q.type) {
    case 'default':
    case 'host':
    case 'net': {
      if (q.protocol === 'link') throw new FilterError('illegal link layer address');
      const [address, mask] = q.type === 'net' ? leftJustified(value) : [value, 0xffff_ffff];
      return hostBlock(g, address, mask, q.protocol, q.direction, q.type);
    }
    case 'port':
    case 'portrange': {
      const protocol = portProtocol(q.protocol, q.type);
      if (value > 65535) throw new FilterError(`illegal port number ${value} > 65535`);
      return portsBlock(g, { from: value, to: value, protocol }, q.direction, q.type === 'port');
    }
    case 'gateway':
      throw new FilterError("'gateway' requires a name");
    case 'proto':
      return protocolNumberBlock(g, value, q.protocol, q.direction);
    case 'protochain':
      return protochain();
    case 'undef':
      return syntaxError();
  }
}

/** An IPv6 address with a prefix length. */
export function network6Block(g: Generator, text: string, length: number, q: Qualifier): Block {
  const address = parseIpv6(text)!;
  if (length > 128) throw new FilterError('mask length must be <= 128');
  const mask = new Uint8Array(16).map((_, index) => {
    const bits = Math.min(8, Math.max(0, length - 8 * index));
    return (0xff << (8 - bits)) & 0xff;
  });
  if (address.some((octet, index) => (octet & ~mask[index]!) !== 0)) {
    throw new FilterError(`non-network bits set in "${text}/${length}"`);
  }
  if (q.type === 'default' || q.type === 'host') {
    if (length !== 128) throw new FilterError('Mask syntax for networks only');
  } else if (q.type !== 'net') {
    throw new FilterError('invalid qualifier against IPv6 address');
  }
  return host6Block(g, address, mask, q.protocol, q.direction, q.type);
}

/** An Ethernet address in any of the ways to write it. */
export function etherBlock(g: Generator, text: string, q: Qualifier): Block {
  if ((q.type !== 'host' && q.type !== 'default') || q.protocol !== 'link') {
    throw new FilterError('ethernet address used in non-ether expression');
  }
  const groups = /[:.-]/.test(text) ? text.split(/[:.-]/) : [text];
  const width = groups.length === 6 ? 2 : groups.length === 3 ? 4 : 12;
  const mac = Number.parseInt(groups.map((group) => group.padStart(width, '0')).join(''), 16);
  return etherHostBlock(g, mac, q.direction);
}

/** `$XX`: an ARCnet address. */
export function arcnetBlock(): Block {
  throw new FilterError('aid supported only on ARCnet');
}
