/** The qualifiers of a primitive: `ip src host`. */

/** What stands before: a protocol keyword; `default` when there is none. */
export type Protocol =
  | 'default'
  | 'link'
  | 'ip'
  | 'arp'
  | 'rarp'
  | 'sctp'
  | 'tcp'
  | 'udp'
  | 'icmp'
  | 'igmp'
  | 'igrp'
  | 'pim'
  | 'vrrp'
  | 'carp'
  | 'atalk'
  | 'aarp'
  | 'decnet'
  | 'lat'
  | 'sca'
  | 'mopdl'
  | 'moprc'
  | 'ip6'
  | 'icmp6'
  | 'ah'
  | 'esp'
  | 'iso'
  | 'esis'
  | 'isis'
  | 'l1'
  | 'l2'
  | 'iih'
  | 'lsp'
  | 'snp'
  | 'psnp'
  | 'csnp'
  | 'clnp'
  | 'stp'
  | 'ipx'
  | 'netbeui'
  | 'radio';

export type Direction = 'default' | 'src' | 'dst' | 'or' | 'and' | 'addr1' | 'addr2' | 'addr3' | 'addr4' | 'ra' | 'ta';

/** `undef`: nothing before gave a meaning to a bare name or number. */
export type AddressType =
  | 'default'
  | 'host'
  | 'net'
  | 'port'
  | 'portrange'
  | 'gateway'
  | 'proto'
  | 'protochain'
  | 'undef';

export interface Qualifier {
  protocol: Protocol;
  direction: Direction;
  type: AddressType;
}

export const UNDEFINED_QUALIFIER: Qualifier = { protocol: 'default', direction: 'default', type: 'undef' };

export const PROTOCOL_WORDS: ReadonlySet<string> = new Set<Protocol>([
  'link',
  'ip',
  'arp',
  'rarp',
  'sctp',
  'tcp',
  'udp',
  'icmp',
  'igmp',
  'igrp',
  'pim',
  'vrrp',
  'carp',
  'atalk',
  'aarp',
  'decnet',
  'lat',
  'sca',
  'mopdl',
  'moprc',
  'ip6',
  'icmp6',
  'ah',
  'esp',
  'iso',
  'esis',
  'isis',
  'l1',
  'l2',
  'iih',
  'lsp',
  'snp',
  'psnp',
  'csnp',
  'clnp',
  'stp',
  'ipx',
  'netbeui',
  'radio',
]);
