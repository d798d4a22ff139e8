/** `host`, `net`, `ether host`: tests for addresses. */
import type { Ipv4, Mac } from '../../wire/addr.ts';
import { u32At } from '../../wire/addr.ts';
import { DLT_EN10MB, datalinkDescription } from '../linktype.ts';
import { and, type Block, or } from './block.ts';
import { FilterError } from './error.ts';
import type { Generator } from './generator.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IP, ETHERTYPE_IPV6, ETHERTYPE_REVARP, linkProtocol } from './linktypes.ts';
import type { AddressType, Direction, Protocol } from './qualifier.ts';

/** Why an 802.11 direction does not fit; undefined for src, dst and their combinations. */
export function wirelessDirection(direction: Direction, instead: string): string | undefined {
  switch (direction) {
    case 'addr1':
    case 'addr2':
    case 'addr3':
    case 'addr4':
      return `'${direction}' and 'address${direction.slice(4)}' are ${instead}`;
    case 'ra':
    case 'ta':
      return `'${direction}' is ${instead.replace('valid qualifiers', 'a valid qualifier')}`;
    default:
      return undefined;
  }
}

/** The test for each direction, combined as `direction` asks. */
function byDirection(direction: Direction, one: (direction: 'src' | 'dst') => Block): Block {
  if (direction === 'src' || direction === 'dst') return one(direction);
  const source = one('src');
  const destination = one('dst');
  return direction === 'and' ? and(source, destination) : or(source, destination);
}

const NOT_FOR_ADDRESSES = 'not valid qualifiers for addresses other than 802.11 MAC addresses';

function typeName(type: AddressType): string {
  return type === 'net' ? 'net' : 'host';
}

const NOT_IMPLEMENTED: ReadonlyMap<Protocol, string> = new Map<Protocol, string>([
  ['atalk', 'AppleTalk'],
  ['decnet', 'DECNET'],
  ['lat', 'LAT'],
  ['sca', 'SCA'],
  ['moprc', 'MOPRC'],
  ['mopdl', 'MOPDL'],
  ['aarp', 'AARP'],
  ['iso', 'ISO'],
  ['ipx', 'IPX'],
]);

/** An IPv4 address under a mask, in IPv4, ARP and RARP or one of them. */
export function hostBlock(
  g: Generator,
  address: Ipv4,
  mask: number,
  protocol: Protocol,
  direction: Direction,
  type: AddressType,
): Block {
  switch (protocol) {
    case 'default': {
      const ip = hostBlock(g, address, mask, 'ip', direction, type);
      if (g.mplsDepth > 0) return ip;
      const arp = hostBlock(g, address, mask, 'arp', direction, type);
      return or(or(ip, arp), hostBlock(g, address, mask, 'rarp', direction, type));
    }
    case 'ip':
      return addressBlock(g, address, mask, direction, ETHERTYPE_IP, 12, 16);
    case 'arp':
      return addressBlock(g, address, mask, direction, ETHERTYPE_ARP, 14, 24);
    case 'rarp':
      return addressBlock(g, address, mask, direction, ETHERTYPE_REVARP, 14, 24);
    case 'link':
      throw new FilterError(`link-layer modifier applied to ${typeName(type)}`);
    case 'ip6':
      throw new FilterError("'ip6' modifier applied to ip host");
    default: {
      const name = NOT_IMPLEMENTED.get(protocol);
      if (name !== undefined) throw new FilterError(`${name} host filtering not implemented`);
      throw new FilterError(`'${protocol}' modifier applied to ${typeName(type)}`);
    }
  }
}

function addressBlock(
  g: Generator,
  address: Ipv4,
  mask: number,
  direction: Direction,
  protocol: number,
  source: number,
  destination: number,
): Block {
  const wrong = wirelessDirection(direction, NOT_FOR_ADDRESSES);
  if (wrong !== undefined) throw new FilterError(wrong);
  return byDirection(direction, (one) =>
    and(linkProtocol(g, protocol), g.equalMasked('linkpl', one === 'src' ? source : destination, 4, address, mask)),
  );
}

/** An IPv6 address under a mask, both 16 octets. */
export function host6Block(
  g: Generator,
  address: Uint8Array,
  mask: Uint8Array,
  protocol: Protocol,
  direction: Direction,
  type: AddressType,
): Block {
  if (protocol !== 'default' && protocol !== 'ip6') {
    const what = protocol === 'link' ? 'link-layer' : protocol === 'atalk' ? 'AppleTalk' : `'${protocol}'`;
    throw new FilterError(`${what} modifier applied to ip6 ${typeName(type)}`);
  }
  const wrong = wirelessDirection(direction, NOT_FOR_ADDRESSES);
  if (wrong !== undefined) throw new FilterError(wrong);
  return byDirection(direction, (one) => {
    const offset = one === 'src' ? 8 : 24;
    const word = (at: number) => g.equalMasked('linkpl', offset + at, 4, u32At(address, at), u32At(mask, at));
    return and(linkProtocol(g, ETHERTYPE_IPV6), and(word(0), and(word(4), and(word(8), word(12)))));
  });
}

/** A MAC address in the Ethernet header. */
export function etherHostBlock(g: Generator, mac: Mac, direction: Direction): Block {
  if (g.dlt !== DLT_EN10MB) {
    throw new FilterError(
      'ethernet addresses supported only on ethernet/FDDI/token ring/802.11/ATM LANE/Fibre Channel',
    );
  }
  const wrong = wirelessDirection(direction, 'only supported on 802.11 with 802.11 headers');
  if (wrong !== undefined) throw new FilterError(wrong);
  return byDirection(direction, (one) => macBlock(g, mac, one === 'src' ? 6 : 0));
}

function macBlock(g: Generator, mac: Mac, offset: number): Block {
  const low = g.equal('linkhdr', offset + 2, 4, mac % 0x1_0000_0000);
  return and(low, g.equal('linkhdr', offset, 2, Math.floor(mac / 0x1_0000_0000)));
}

/** `broadcast`, `ether broadcast`, `ip broadcast`; the netmask of a capture is not known to tcpdump, so it counts as 0. */
export function broadcastBlock(g: Generator, protocol: Protocol): Block {
  if (protocol === 'default' || protocol === 'link') {
    if (g.dlt !== DLT_EN10MB) throw new FilterError('not a broadcast link');
    return macBlock(g, 0xffff_ffff_ffff, 0);
  }
  if (protocol !== 'ip') throw new FilterError('only link-layer/IP broadcast filters supported');
  const zeros = () => g.equal('linkpl', 16, 4, 0);
  const ip = linkProtocol(g, ETHERTYPE_IP);
  return and(ip, or(zeros(), g.equal('linkpl', 16, 4, 0xffff_ffff)));
}

/** The link type's description, for messages. */
export function describe(g: Generator): string {
  return g.dlt === 'ppp' ? 'PPP' : datalinkDescription(g.dlt);
}
