/**
 * The words of a filter expression. As in libpcap's scanner the longest match wins, and of equally
 * long ones the earlier rule: keyword, address, number, name.
 */
import { FilterError } from './error.ts';

export type Token =
  | { kind: 'number'; value: number }
  /** A name; an Ethernet, IPv4 or IPv6 address as it was written; `$` and hex digits. */
  | { kind: 'id' | 'eid' | 'hid' | 'hid6' | 'aid'; text: string }
  /** A keyword or an operator under its own name. */
  | { kind: 'word'; word: string }
  | { kind: 'bad' }
  | { kind: 'end' };

/** Keywords that mean the same as another. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ...['ether', 'ppp', 'slip', 'fddi', 'tr', 'wlan'].map((word): [string, string] => [word, 'link']),
  ['es-is', 'esis'],
  ['is-is', 'isis'],
  ['direction', 'dir'],
  ['address1', 'addr1'],
  ['address2', 'addr2'],
  ['address3', 'addr3'],
  ['address4', 'addr4'],
  ['length', 'len'],
  ['ifname', 'on'],
  ['ruleset', 'rset'],
  ['rulenum', 'rnr'],
  ['subrulenum', 'srnr'],
  ['lsu', 'lssu'],
  ['not', '!'],
  ['&&', 'and'],
  ['||', 'or'],
  ['==', '='],
]);

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'dst src link arp rarp ip sctp tcp udp icmp igmp igrp pim vrrp carp radio ip6 icmp6 ah esp atalk aarp decnet lat ' +
    'sca moprc mopdl iso esis isis l1 l2 iih lsp snp csnp psnp clnp stp ipx netbeui host net mask port portrange ' +
    'proto protochain gateway type subtype dir addr1 addr2 addr3 addr4 ra ta less greater byte broadcast multicast ' +
    '! and or len inbound outbound ifindex vlan mpls pppoed pppoes geneve lane llc metac bcc oam oamf4 oamf4ec ' +
    'oamf4sc sc ilmic vpi vci connectmsg metaconnect on rset rnr srnr reason action fisu lssu msu hfisu hlssu hmsu ' +
    'sio opc dpc sls hsio hopc hdpc hsls'
  ).split(' '),
);

const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ['icmptype', 0],
  ['icmpcode', 1],
  ['icmp-echoreply', 0],
  ['icmp-unreach', 3],
  ['icmp-sourcequench', 4],
  ['icmp-redirect', 5],
  ['icmp-echo', 8],
  ['icmp-routeradvert', 9],
  ['icmp-routersolicit', 10],
  ['icmp-timxceed', 11],
  ['icmp-paramprob', 12],
  ['icmp-tstamp', 13],
  ['icmp-tstampreply', 14],
  ['icmp-ireq', 15],
  ['icmp-ireqreply', 16],
  ['icmp-maskreq', 17],
  ['icmp-maskreply', 18],
  ['icmp6type', 0],
  ['icmp6code', 1],
  ['icmp6-destinationunreach', 1],
  ['icmp6-packettoobig', 2],
  ['icmp6-timeexceeded', 3],
  ['icmp6-parameterproblem', 4],
  ['icmp6-echo', 128],
  ['icmp6-echoreply', 129],
  ['icmp6-multicastlistenerquery', 130],
  ['icmp6-multicastlistenerreportv1', 131],
  ['icmp6-multicastlistenerdone', 132],
  ['icmp6-routersolicit', 133],
  ['icmp6-routeradvert', 134],
  ['icmp6-neighborsolicit', 135],
  ['icmp6-neighboradvert', 136],
  ['icmp6-redirect', 137],
  ['icmp6-routerrenum', 138],
  ['icmp6-nodeinformationquery', 139],
  ['icmp6-nodeinformationresponse', 140],
  ['icmp6-ineighbordiscoverysolicit', 141],
  ['icmp6-ineighbordiscoveryadvert', 142],
  ['icmp6-multicastlistenerreportv2', 143],
  ['icmp6-homeagentdiscoveryrequest', 144],
  ['icmp6-homeagentdiscoveryreply', 145],
  ['icmp6-mobileprefixsolicit', 146],
  ['icmp6-mobileprefixadvert', 147],
  ['icmp6-certpathsolicit', 148],
  ['icmp6-certpathadvert', 149],
  ['icmp6-multicastrouteradvert', 151],
  ['icmp6-multicastroutersolicit', 152],
  ['icmp6-multicastrouterterm', 153],
  ['tcpflags', 13],
  ['tcp-fin', 0x01],
  ['tcp-syn', 0x02],
  ['tcp-rst', 0x04],
  ['tcp-push', 0x08],
  ['tcp-ack', 0x10],
  ['tcp-urg', 0x20],
  ['tcp-ece', 0x40],
  ['tcp-cwr', 0x80],
]);

const N = '(?:[0-9]+|0[xX][0-9A-Fa-f]+)';
const B = '[0-9A-Fa-f][0-9A-Fa-f]?';
const B2 = '[0-9A-Fa-f]{4}';
const W = '[0-9A-Fa-f]{1,4}';

const ID = sticky('[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?');
const ESCAPED = sticky('\\\\[^ !()\\n\\t]+');
const AID = sticky(`\\$${B}`);
const MACS = [
  `${B}(?::${B}){5}`,
  `${B}(?:-${B}){5}`,
  `${B}(?:\\.${B}){5}`,
  `${B2}\\.${B2}\\.${B2}`,
  `${B2}${B2}${B2}`,
].map(sticky);
const NUMBER = [sticky('0[xX][0-9A-Fa-f]+'), sticky('[0-9]+')];
const HID = [`${N}\\.${N}\\.${N}\\.${N}`, `${N}\\.${N}\\.${N}`, `${N}\\.${N}`].map(sticky);
const BOGUS_MAC = sticky(`${B}:+(?:${B}:+)+`);
const OPERATOR = sticky('>=|<=|!=|==|<<|>>|&&|\\|\\||[-+*/%:\\[\\]!<>()&|^=]');
const BLANK = sticky('[ \\r\\n\\t]+');
const V6 = v6Patterns().map(sticky);

function sticky(source: string): RegExp {
  return new RegExp(source, 'y');
}

/** Every way to write an IPv6 address that the scanner knows. */
function v6Patterns(): string[] {
  const dotted = `${N}\\.${N}\\.${N}\\.${N}`;
  const groups = (count: number) => new Array(count).fill(W).join(':');
  const patterns = [groups(8), `${groups(6)}:${dotted}`];
  for (let total = 0; total <= 7; total++) {
    for (let before = 0; before <= total; before++) {
      patterns.push(`${groups(before)}::${groups(total - before)}`);
    }
  }
  for (let total = 0; total <= 5; total++) {
    for (let before = 0; before <= total; before++) {
      const after = total - before;
      patterns.push(`${groups(before)}::${after > 0 ? `${groups(after)}:` : ''}${dotted}`);
    }
  }
  return patterns;
}

/** The scanner: one token at a time. */
export class Lexer {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  private longest(patterns: readonly RegExp[]): string {
    let found = '';
    for (const pattern of patterns) {
      const match = this.match(pattern);
      if (match.length > found.length) found = match;
    }
    return found;
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0] ?? '';
  }

  /** The next token. A word that can be no token throws {@link FilterError} with libpcap's reason. */
  next(): Token {
    this.at += this.match(BLANK).length;
    if (this.at >= this.text.length) return { kind: 'end' };
    const name = this.match(ID);
    const candidates: [kind: string, text: string][] = [
      ['keyword', KEYWORDS.has(SYNONYMS.get(name) ?? name) ? name : ''],
      ['operator', this.match(OPERATOR)],
      ['aid', this.match(AID)],
      ['eid', this.longest(MACS)],
      ['number', this.longest(NUMBER)],
      ['hid', this.longest(HID)],
      ['hid6', this.longest(V6)],
      ['bogus', this.match(BOGUS_MAC)],
      ['constant', CONSTANTS.has(name) ? name : ''],
      ['id', name],
      ['escaped', this.match(ESCAPED)],
    ];
    let [kind, text] = ['bad', ''];
    for (const [candidate, matched] of candidates) {
      if (matched.length > text.length) [kind, text] = [candidate, matched];
    }
    this.at += Math.max(1, text.length);
    return this.token(kind, text);
  }

  private token(kind: string, text: string): Token {
    switch (kind) {
      case 'keyword':
      case 'operator':
        return { kind: 'word', word: SYNONYMS.get(text) ?? text };
      case 'constant':
        return { kind: 'number', value: CONSTANTS.get(text)! };
      case 'number':
        return { kind: 'number', value: numberOf(text) };
      case 'bogus':
        throw new FilterError(`bogus ethernet address ${text}`);
      case 'escaped':
        return { kind: 'id', text: text.slice(1) };
      case 'aid':
      case 'eid':
      case 'hid':
      case 'hid6':
      case 'id':
        return { kind, text };
      default:
        return { kind: 'bad' };
    }
  }
}

function numberOf(text: string): number {
  let digits = text;
  let base = 10;
  if (/^0[xX]/.test(text)) {
    digits = text.slice(2);
    base = 16;
  } else if (text.startsWith('0') && text.length > 1) {
    digits = text.slice(1);
    base = 8;
  }
  let value = 0;
  for (const digit of digits) {
    const number = Number.parseInt(digit, 16);
    if (number >= base) throw new FilterError(`number ${text} contains non-octal digit`);
    value = value * base + number;
    if (value > 0xffff_ffff) throw new FilterError(`number ${text} overflows 32 bits`);
  }
  return value;
}
