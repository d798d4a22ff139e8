/** `tcp`, `arp`, `ip proto 6`, `ether proto 0x88cc`: tests for a protocol at any layer. */
import { protocolNumber } from '../../wire/protocols.ts';
import { and, type Block, or } from './block.ts';
import { FilterError } from './error.ts';
import type { Generator } from './generator.ts';
import {
  ETHERTYPE_AARP,
  ETHERTYPE_ARP,
  ETHERTYPE_ATALK,
  ETHERTYPE_IP,
  ETHERTYPE_IPV6,
  ETHERTYPE_REVARP,
  LLCSAP_8021D,
  LLCSAP_IPX,
  LLCSAP_ISONS,
  LLCSAP_NETBEUI,
  linkProtocol,
} from './linktypes.ts';
import type { Direction, Protocol } from './qualifier.ts';

export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_SCTP = 132;
const IPPROTO_FRAGMENT = 44;
const ISO8473_CLNP = 0x81;
const ISO9542_ESIS = 0x82;
const ISO10589_ISIS = 0x83;

/** Protocols of the link-layer header, by keyword. */
const LINK: ReadonlyMap<Protocol, number> = new Map<Protocol, number>([
  ['ip', ETHERTYPE_IP],
  ['arp', ETHERTYPE_ARP],
  ['rarp', ETHERTYPE_REVARP],
  ['atalk', ETHERTYPE_ATALK],
  ['aarp', ETHERTYPE_AARP],
  ['decnet', 0x6003],
  ['sca', 0x6007],
  ['lat', 0x6004],
  ['mopdl', 0x6001],
  ['moprc', 0x6002],
  ['ip6', ETHERTYPE_IPV6],
  ['iso', LLCSAP_ISONS],
  ['stp', LLCSAP_8021D],
  ['ipx', LLCSAP_IPX],
  ['netbeui', LLCSAP_NETBEUI],
]);

/** Protocols in IP, by keyword: number, and in which IP. */
const INTERNET: ReadonlyMap<Protocol, readonly [number, 'default' | 'ip' | 'ip6']> = new Map<
  Protocol,
  readonly [number, 'default' | 'ip' | 'ip6']
>([
  ['sctp', [IPPROTO_SCTP, 'default']],
  ['tcp', [IPPROTO_TCP, 'default']],
  ['udp', [IPPROTO_UDP, 'default']],
  ['icmp', [1, 'ip']],
  ['igmp', [2, 'ip']],
  ['igrp', [9, 'ip']],
  ['pim', [103, 'default']],
  ['vrrp', [112, 'ip']],
  ['carp', [112, 'ip']],
  ['icmp6', [58, 'ip6']],
  ['ah', [51, 'default']],
  ['esp', [50, 'default']],
]);

/** IS-IS PDU types, by keyword, in libpcap's order. */
const ISIS: ReadonlyMap<Protocol, readonly number[]> = new Map<Protocol, readonly number[]>([
  ['l1', [26, 24, 18, 15, 17]],
  ['l2', [27, 25, 20, 16, 17]],
  ['iih', [17, 15, 16]],
  ['lsp', [18, 20]],
  ['snp', [27, 26, 24, 25]],
  ['csnp', [24, 25]],
  ['psnp', [26, 27]],
]);

const ISO: ReadonlyMap<Protocol, number> = new Map<Protocol, number>([
  ['esis', ISO9542_ESIS],
  ['isis', ISO10589_ISIS],
  ['clnp', ISO8473_CLNP],
]);

/** A protocol keyword on its own. */
export function protocolBlock(g: Generator, protocol: Protocol): Block {
  const link = LINK.get(protocol);
  if (link !== undefined) return linkProtocol(g, link);
  const internet = INTERNET.get(protocol);
  if (internet !== undefined) return protocolNumberBlock(g, internet[0], internet[1], 'default');
  const iso = ISO.get(protocol);
  if (iso !== undefined) return protocolNumberBlock(g, iso, 'iso', 'default');
  const isis = ISIS.get(protocol);
  if (isis !== undefined) {
    return isis.map((type) => protocolNumberBlock(g, type, 'isis', 'default')).reduce((left, right) => or(left, right));
  }
  if (protocol === 'radio') throw new FilterError("'radio' is not a valid protocol type");
  throw new FilterError('link layer applied in wrong context');
}

const NO_PAYLOAD: ReadonlyMap<Protocol, string> = new Map<Protocol, string>([
  ['arp', 'arp does not encapsulate another protocol'],
  ['rarp', 'rarp does not encapsulate another protocol'],
  ['atalk', 'AppleTalk encapsulation is not specifiable'],
  ['decnet', 'DECNET encapsulation is not specifiable'],
  ['lat', 'LAT does not encapsulate another protocol'],
  ['sca', 'SCA does not encapsulate another protocol'],
  ['moprc', 'MOPRC does not encapsulate another protocol'],
  ['mopdl', 'MOPDL does not encapsulate another protocol'],
  ['clnp', "'clnp proto' is not supported"],
]);

/** `PROTOCOL proto NUMBER`. */
export function protocolNumberBlock(g: Generator, value: number, protocol: Protocol, direction: Direction): Block {
  if (direction !== 'default') throw new FilterError("direction applied to 'proto'");
  switch (protocol) {
    case 'default':
      return or(protocolNumberBlock(g, value, 'ip', 'default'), protocolNumberBlock(g, value, 'ip6', 'default'));
    case 'link':
      return linkProtocol(g, value);
    case 'ip':
      return and(linkProtocol(g, ETHERTYPE_IP), g.equal('linkpl', 9, 1, value));
    case 'ip6': {
      const ip6 = linkProtocol(g, ETHERTYPE_IPV6);
      const fragment = and(g.equal('linkpl', 6, 1, IPPROTO_FRAGMENT), g.equal('linkpl', 40, 1, value));
      return and(ip6, or(g.equal('linkpl', 6, 1, value), fragment));
    }
    case 'iso':
      return and(linkProtocol(g, LLCSAP_ISONS), g.equal('linkpl-nosnap', 0, 1, value));
    case 'isis': {
      const isis = protocolNumberBlock(g, ISO10589_ISIS, 'iso', 'default');
      return and(isis, g.equal('linkpl-nosnap', 4, 1, value));
    }
    default:
      throw new FilterError(NO_PAYLOAD.get(protocol) ?? `'${protocol} proto' is bogus`);
  }
}

const ETHER_NAMES: ReadonlyMap<string, number> = new Map([
  ['aarp', ETHERTYPE_AARP],
  ['arp', ETHERTYPE_ARP],
  ['atalk', ETHERTYPE_ATALK],
  ['decnet', 0x6003],
  ['ip', ETHERTYPE_IP],
  ['ip6', ETHERTYPE_IPV6],
  ['lat', 0x6004],
  ['loopback', 0x9000],
  ['mopdl', 0x6001],
  ['moprc', 0x6002],
  ['rarp', ETHERTYPE_REVARP],
  ['sca', 0x6007],
  ['iso', LLCSAP_ISONS],
  ['stp', LLCSAP_8021D],
  ['ipx', LLCSAP_IPX],
  ['netbeui', LLCSAP_NETBEUI],
]);

/** The number behind `proto NAME`. */
export function namedProtocol(name: string, protocol: Protocol): number {
  switch (protocol) {
    case 'default':
    case 'ip':
    case 'ip6': {
      const number = protocolNumber(name);
      if (number === undefined) throw new FilterError(`unknown ip proto '${name}'`);
      return number;
    }
    case 'link': {
      const type = ETHER_NAMES.get(name);
      if (type === undefined) throw new FilterError(`unknown ether proto '${name}'`);
      return type;
    }
    case 'iso': {
      const type = ISO.get(name as Protocol);
      if (type === undefined) throw new FilterError(`unknown osi proto '${name}'`);
      return type;
    }
    default:
      throw new FilterError(`unknown protocol: ${name}`);
  }
}
