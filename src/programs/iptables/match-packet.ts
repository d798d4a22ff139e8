/** Matches on the packet as a whole and its IPv4 header: length, ttl, dscp, pkttype, iprange, statistic. */
import { PACKET_BROADCAST, PACKET_HOST, PACKET_MULTICAST, PACKET_OTHERHOST } from '../../uapi/if.ts';
import type { AddrRange, XtMatch, XtStatisticMatch } from '../../uapi/xtables.ts';
import { formatIpv4, parseIpv4 } from '../../wire/addr.ts';
import type { XtablesContext } from './context.ts';
import { type Extension, not } from './extension.ts';

type Match<Name extends XtMatch['name']> = Extract<XtMatch, { name: Name }>;

const range = (from: number, to: number) => (from === to ? `${from}` : `${from}:${to}`);

export const lengthMatch: Extension<Match<'length'>> = {
  name: 'length',
  options: [{ name: 'length', id: 'length', type: 'uint32rc', max: 0xffff, mandatory: true, invert: true }],
  help:
    'length match options:\n[!] --length length[:length]    Match packet length against value or range\n' +
    '                                of values (inclusive)\n',
  init: () => ({ name: 'length', from: 0, to: 0, invert: false }),
  parse({ value, invert }, data) {
    data.from = value.from;
    data.to = value.count > 1 ? value.to : value.from;
    data.invert = invert;
  },
  print: ({ from, to, invert }) => ` length ${invert ? '!' : ''}${range(from, to)}`,
  save: ({ from, to, invert }) => `${not(invert)} --length ${range(from, to)}`,
};

const TTL_SIGNS = { eq: '==', ne: '!=', lt: '<', gt: '>' } as const;
const TTL_OPTIONS = { eq: ' --ttl-eq', ne: ' ! --ttl-eq', lt: ' --ttl-lt', gt: ' --ttl-gt' } as const;

export const ttlMatch: Extension<Match<'ttl'>> = {
  name: 'ttl',
  options: [
    { name: 'ttl-lt', id: 'lt', type: 'uint32', max: 255, exclusive: ['eq', 'gt'] },
    { name: 'ttl-gt', id: 'gt', type: 'uint32', max: 255, exclusive: ['eq', 'lt'] },
    { name: 'ttl-eq', id: 'eq', type: 'uint32', max: 255, exclusive: ['lt', 'gt'], invert: true },
    { name: 'ttl', id: 'eq', type: 'uint32', max: 255, exclusive: ['lt', 'gt'], invert: true },
  ],
  help:
    'ttl match options:\n[!] --ttl-eq value\tMatch time to live value\n  --ttl-lt value\tMatch TTL < value\n' +
    '  --ttl-gt value\tMatch TTL > value\n',
  init: () => ({ name: 'ttl', mode: 'eq', ttl: 0 }),
  parse({ option, value, invert }, data) {
    data.ttl = value.number;
    data.mode = invert ? 'ne' : (option.id as 'eq' | 'lt' | 'gt');
  },
  check(ctx, used) {
    if (used.size === 0) ctx.bad("TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt");
  },
  print: ({ mode, ttl }) => ` TTL match TTL ${TTL_SIGNS[mode]} ${ttl}`,
  save: ({ mode, ttl }) => `${TTL_OPTIONS[mode]} ${ttl}`,
};

/** The names of the code points of differentiated services (RFC 2474, 2597, 3246). */
export function dscpOfClass(ctx: XtablesContext, text: string): number {
  const name = text.toUpperCase();
  const selector = /^CS([0-7])/.exec(name);
  if (selector !== null) return Number(selector[1]) * 8;
  if (name.startsWith('BE')) return 0;
  if (name.startsWith('EF')) return 46;
  const assured = /^AF([1-4])([1-3])/.exec(name);
  if (assured !== null) return Number(assured[1]) * 8 + Number(assured[2]) * 2;
  return ctx.bad(`Invalid DSCP value \`${text}'`);
}

export const hexOctet = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`;

export const dscpMatch: Extension<Match<'dscp'>> = {
  name: 'dscp',
  options: [
    { name: 'dscp', id: 'dscp', type: 'uint32', max: 63, exclusive: ['class'], invert: true },
    { name: 'dscp-class', id: 'class', type: 'string', exclusive: ['dscp'], invert: true },
  ],
  help:
    'dscp match options\n[!] --dscp value\t\tMatch DSCP codepoint with numerical value\n' +
    '  \t\t                This value can be in decimal (ex: 32)\n               \t\tor in hex (ex: 0x20)\n' +
    '[!] --dscp-class name\t\tMatch the DiffServ class. This value may\n' +
    '\t\t\t\tbe any of the BE,EF, AFxx or CSx classes\n\n' +
    '\t\t\t\tThese two options are mutually exclusive !\n',
  init: () => ({ name: 'dscp', dscp: 0, invert: false }),
  parse({ ctx, option, argument, value, invert }, data) {
    data.dscp = option.id === 'class' ? dscpOfClass(ctx, argument) : value.number;
    data.invert = invert;
  },
  check(ctx, used) {
    if (used.size === 0) ctx.bad('DSCP match: Parameter --dscp is required');
  },
  print: ({ dscp, invert }) => ` DSCP match ${invert ? '!' : ''}${hexOctet(dscp)}`,
  save: ({ dscp, invert }) => `${not(invert)} --dscp ${hexOctet(dscp)}`,
};

/** The first name of a type is the one that is shown. */
const PACKET_TYPES: readonly (readonly [string, number])[] = [
  ['unicast', PACKET_HOST],
  ['broadcast', PACKET_BROADCAST],
  ['multicast', PACKET_MULTICAST],
  ['otherhost', PACKET_OTHERHOST],
  ['bcast', PACKET_BROADCAST],
  ['mcast', PACKET_MULTICAST],
  ['host', PACKET_HOST],
];
const packetType = (type: number) => PACKET_TYPES.find(([, number]) => number === type)?.[0] ?? String(type);

export const pkttypeMatch: Extension<Match<'pkttype'>> = {
  name: 'pkttype',
  options: [{ name: 'pkt-type', id: 'type', type: 'string', mandatory: true, invert: true }],
  help:
    'pkttype match options:\n[!] --pkt-type packettype    match packet type\nValid packet types:\n' +
    '\tunicast       \t\tto us\n\tbroadcast     \t\tto all\n\tmulticast     \t\tto group\n' +
    '\totherhost     \t\tto someone else\n\n',
  init: () => ({ name: 'pkttype', type: PACKET_HOST, invert: false }),
  parse({ ctx, argument, invert }, data) {
    const known = PACKET_TYPES.find(([name]) => name === argument.toLowerCase());
    data.type = known?.[1] ?? ctx.bad(`Bad packet type '${argument}'`);
    data.invert = invert;
  },
  print: ({ type, invert }) => ` PKTTYPE ${invert ? '!' : ''}= ${packetType(type)}`,
  save: ({ type, invert }) => `${not(invert)} --pkt-type ${packetType(type)}`,
};

function parseRange(ctx: XtablesContext, option: string, text: string, invert: boolean): AddrRange {
  const dash = text.indexOf('-');
  const words = dash < 0 ? [text, text] : [text.slice(0, dash), text.slice(dash + 1)];
  const [from, to] = words.map((word) => {
    return parseIpv4(word) ?? ctx.bad(`iprange: Bad value for "--${option}" option: "${word}"`);
  }) as [number, number];
  if (from > to) ctx.complain(`xt_iprange: range ${words[0]}-${words[1]} is reversed and will never match\n`);
  return { from, to, invert };
}

const formatRange = ({ from, to }: AddrRange) => `${formatIpv4(from)}-${formatIpv4(to)}`;

export const iprangeMatch: Extension<Match<'iprange'>> = {
  name: 'iprange',
  options: [
    { name: 'src-range', id: 'source', type: 'string', invert: true },
    { name: 'dst-range', id: 'dest', type: 'string', invert: true },
  ],
  help:
    'iprange match options:\n[!] --src-range ip[-ip]    Match source IP in the specified range\n' +
    '[!] --dst-range ip[-ip]    Match destination IP in the specified range\n',
  init: () => ({ name: 'iprange' }),
  parse({ ctx, option, argument, invert }, data) {
    data[option.id as 'source' | 'dest'] = parseRange(ctx, option.name, argument, invert);
  },
  check(ctx, used) {
    if (used.size === 0) ctx.bad("iprange match: You must specify `--src-range' or `--dst-range'");
  },
  print({ source, dest }) {
    const text = (name: string, value: AddrRange | undefined) =>
      value === undefined ? '' : ` ${name} IP range${not(value.invert)} ${formatRange(value)}`;
    return text('source', source) + text('destination', dest);
  },
  save({ source, dest }) {
    const text = (name: string, value: AddrRange | undefined) =>
      value === undefined ? '' : `${not(value.invert)} --${name}-range ${formatRange(value)}`;
    return text('src', source) + text('dst', dest);
  },
};

const CERTAIN = 0x8000_0000;

function statisticText({ mode, probability, every, packet, invert }: XtStatisticMatch, prefix: string): string {
  if (mode === 'nth') {
    const text = ` ${prefix}mode nth${not(invert)} ${prefix}every ${every + 1}`;
    return packet !== 0 || prefix !== '' ? `${text} ${prefix}packet ${packet}` : text;
  }
  return ` ${prefix}mode random${not(invert)} ${prefix}probability ${(probability / CERTAIN).toFixed(11)}`;
}

export const statisticMatch: Extension<XtStatisticMatch> = {
  name: 'statistic',
  options: [
    { name: 'mode', id: 'mode', type: 'string', mandatory: true },
    {
      name: 'probability',
      id: 'probability',
      type: 'double',
      min: 0,
      max: 1,
      exclusive: ['every', 'packet'],
      invert: true,
    },
    { name: 'every', id: 'every', type: 'uint32', min: 1, exclusive: ['probability'], also: ['packet'], invert: true },
    { name: 'packet', id: 'packet', type: 'uint32', exclusive: ['probability'], also: ['every'] },
  ],
  help:
    'statistic match options:\n --mode mode                    Match mode (random, nth)\n random mode:\n' +
    '[!] --probability p\t\t Probability\n nth mode:\n[!] --every n\t\t\t Match every nth packet\n' +
    ' --packet p\t\t\t Initial counter value (0 <= p <= n-1, default 0)\n',
  init: () => ({ name: 'statistic', probability: 0, every: 0, packet: 0, invert: false }),
  parse({ ctx, option, argument, value, invert }, data) {
    if (invert) data.invert = true;
    switch (option.id) {
      case 'mode':
        if (argument !== 'random' && argument !== 'nth') return ctx.bad(`Bad mode "${argument}"`);
        data.mode = argument;
        break;
      case 'probability':
        data.probability = Math.round(CERTAIN * value.number);
        break;
      case 'every':
        data.every = value.number - 1;
        break;
      default:
        data.packet = value.number;
    }
  },
  check(ctx, used, { mode, every, packet }) {
    // Without --mode it is as if random had been said; only then is the option found to be missing.
    if (mode !== 'nth' && !used.has('probability')) {
      ctx.bad('--probability must be specified when using random mode');
    }
    if (mode === 'nth' && !used.has('every') && !used.has('packet')) {
      ctx.bad('--every and --packet must be specified when using nth mode');
    }
    if (packet > every) ctx.bad('the --packet p must be 0 <= p <= n-1');
  },
  print: (data) => ` statistic${statisticText(data, '')}`,
  save: (data) => statisticText(data, '--'),
};
