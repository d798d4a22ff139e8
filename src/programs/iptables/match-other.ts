/** Matches on what is not the transport header: comment, mac, physdev, limit, mark, addrtype. */
import type { IfaceMatch, XtMatch, XtPhysdevMatch } from '../../uapi/xtables.ts';
import { formatMac } from '../../wire/addr.ts';
import type { XtablesContext } from './context.ts';
import { type Extension, not, quote } from './extension.ts';
import { formatMarkMask } from './numbers.ts';

type Match<Name extends XtMatch['name']> = Extract<XtMatch, { name: Name }>;

/** xtables_parse_interface() */
export function parseInterface(ctx: XtablesContext, name: string): string {
  if (name.length >= 16) ctx.bad(`interface name \`${name}' must be shorter than IFNAMSIZ (15)`);
  if (/[/ ]/.test(name)) {
    const warning = `weird character in interface \`${name}' ('/' and ' ' are not allowed by the kernel)`;
    ctx.complain(`Warning: ${warning}.\n`);
  }
  return name;
}

const MAX_COMMENT = 255;

export const commentMatch: Extension<Match<'comment'>> = {
  name: 'comment',
  options: [{ name: 'comment', id: 'comment', type: 'string', mandatory: true }],
  help: 'comment match options:\n--comment COMMENT             Attach a comment to a rule\n',
  init: () => ({ name: 'comment', text: '' }),
  parse({ argument }, data) {
    data.text = argument.slice(0, MAX_COMMENT);
  },
  print: ({ text }) => ` /* ${text} */`,
  save: ({ text }) => ` --comment${quote(text)}`,
};

export const macMatch: Extension<Match<'mac'>> = {
  name: 'mac',
  options: [{ name: 'mac-source', id: 'mac', type: 'ethermac', mandatory: true, invert: true }],
  help: 'mac match options:\n[!] --mac-source XX:XX:XX:XX:XX:XX\n\t\t\t\tMatch source MAC address\n',
  init: () => ({ name: 'mac', address: 0, invert: false }),
  parse({ value, invert }, data) {
    data.address = value.mac;
    data.invert = invert;
  },
  print: ({ address, invert }) => ` MAC ${invert ? '! ' : ''}${formatMac(address)}`,
  save: ({ address, invert }) => `${not(invert)} --mac-source ${formatMac(address)}`,
};

function physdevText({ isIn, in: inDev, isOut, out, isBridged }: XtPhysdevMatch): string {
  const device = (option: string, iface: IfaceMatch | undefined) =>
    iface === undefined ? '' : `${not(iface.invert)} --physdev-${option} ${iface.name}`;
  const flag = (option: string, value: { invert: boolean } | undefined) =>
    value === undefined ? '' : `${not(value.invert)} --physdev-is-${option}`;
  return `${flag('in', isIn)}${device('in', inDev)}${flag('out', isOut)}${device('out', out)}${flag('bridged', isBridged)}`;
}

export const physdevMatch: Extension<XtPhysdevMatch> = {
  name: 'physdev',
  options: [
    { name: 'physdev-in', id: 'in', type: 'string', invert: true },
    { name: 'physdev-out', id: 'out', type: 'string', invert: true },
    { name: 'physdev-is-in', id: 'isIn', invert: true },
    { name: 'physdev-is-out', id: 'isOut', invert: true },
    { name: 'physdev-is-bridged', id: 'isBridged', invert: true },
  ],
  help:
    'physdev match options:\n' +
    ' [!] --physdev-in inputname[+]\t\tbridge port name ([+] for wildcard)\n' +
    ' [!] --physdev-out outputname[+]\tbridge port name ([+] for wildcard)\n' +
    ' [!] --physdev-is-in\t\t\tarrived on a bridge device\n' +
    ' [!] --physdev-is-out\t\t\twill leave on a bridge device\n' +
    " [!] --physdev-is-bridged\t\tit's a bridged packet\n",
  init: () => ({ name: 'physdev' }),
  parse({ ctx, option, argument, invert }, data) {
    const id = option.id as Exclude<keyof XtPhysdevMatch, 'name'>;
    if (id === 'in' || id === 'out') data[id] = { name: parseInterface(ctx, argument), invert };
    else data[id] = { invert };
  },
  check(ctx, used) {
    if (used.size === 0) ctx.bad('PHYSDEV: no physdev option specified');
  },
  print: (data) => ` PHYSDEV match${physdevText(data)}`,
  save: physdevText,
};

const LIMIT_SCALE = 10_000;
const LIMIT_BURST = 5;
const PERIODS: readonly (readonly [string, number])[] = [
  ['second', 1],
  ['minute', 60],
  ['hour', 3600],
  ['day', 86_400],
];
/** Longest first, with the names for printing. */
const RATES: readonly (readonly [string, number])[] = [
  ['day', LIMIT_SCALE * 86_400],
  ['hour', LIMIT_SCALE * 3600],
  ['min', LIMIT_SCALE * 60],
  ['sec', LIMIT_SCALE],
];

/** The rate in the longest unit that says it exactly enough. */
export function limitRate(avg: number): { rate: number; unit: string; perUnit: number } {
  let i = 1;
  for (; i < RATES.length; i++) {
    const per = RATES[i]![1];
    if (avg > per || Math.floor(per / avg) < per % avg) break;
  }
  const [unit, perUnit] = RATES[i - 1]!;
  return { rate: Math.floor(perUnit / avg), unit, perUnit };
}

function limitText(avg: number): string {
  const { rate, unit } = limitRate(avg);
  return ` ${rate}/${unit}`;
}

export const limitMatch: Extension<Match<'limit'>> = {
  name: 'limit',
  options: [
    { name: 'limit', id: 'limit', type: 'string', invert: true },
    { name: 'limit-burst', id: 'burst', type: 'uint32', min: 0, max: 10_000 },
  ],
  help:
    'limit match options:\n--limit avg\t\t\tmax average match rate: default 3/hour\n' +
    '                                [Packets per second unless followed by \n' +
    '                                /sec /minute /hour /day postfixes]\n' +
    '--limit-burst number\t\tnumber to match in a burst, default 5\n',
  init: () => ({ name: 'limit', avg: (LIMIT_SCALE * 3600) / 3, burst: LIMIT_BURST }),
  parse({ ctx, option, argument, value, invert }, data) {
    if (option.id === 'burst') {
      data.burst = value.number;
      return;
    }
    if (invert) ctx.bad('limit: option "--limit" cannot be inverted.\n');
    const slash = argument.indexOf('/');
    const unit = slash < 0 ? 'second' : argument.slice(slash + 1).toLowerCase();
    const period = unit === '' ? undefined : PERIODS.find(([name]) => name.startsWith(unit));
    const rate = Number.parseInt(argument, 10);
    if (period === undefined || Number.isNaN(rate) || rate === 0) return ctx.bad(`bad rate "${argument}"'`);
    data.avg = Math.floor((LIMIT_SCALE * period[1]) / rate);
    if (data.avg === 0) ctx.bad(`Rate too fast "${argument}"`);
  },
  print: ({ avg, burst }) => ` limit: avg${limitText(avg)} burst ${burst}`,
  save: ({ avg, burst }) => ` --limit${limitText(avg)}${burst === LIMIT_BURST ? '' : ` --limit-burst ${burst}`}`,
};

export const markMatch: Extension<Match<'mark'>> = {
  name: 'mark',
  options: [{ name: 'mark', id: 'mark', type: 'markmask32', mandatory: true, invert: true }],
  help: 'mark match options:\n[!] --mark value[/mask]    Match nfmark value with optional mask\n',
  init: () => ({ name: 'mark', mark: 0, mask: 0, invert: false }),
  parse({ value, invert }, data) {
    data.mark = value.number;
    data.mask = value.mask;
    data.invert = invert;
  },
  print: ({ mark, mask, invert }) => ` mark match${not(invert)}${formatMarkMask(mark, mask)}`,
  save: ({ mark, mask, invert }) => `${not(invert)} --mark${formatMarkMask(mark, mask)}`,
};

/** RTN_*, in order. */
const ADDRESS_TYPES = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
];

function parseAddressTypes(ctx: XtablesContext, text: string): number {
  let mask = 0;
  for (let rest = text; ; ) {
    const comma = rest.indexOf(',');
    const word = (comma < 0 ? rest : rest.slice(0, comma)).toUpperCase();
    const index = word === '' ? -1 : ADDRESS_TYPES.findIndex((name) => name.startsWith(word));
    if (index < 0) ctx.bad(comma < 0 ? `addrtype: bad type "${rest}"` : `addrtype: bad type \`${rest}'`);
    mask |= 1 << index;
    if (comma < 0) return mask;
    rest = rest.slice(comma + 1);
  }
}

const addressTypes = (mask: number) => ADDRESS_TYPES.filter((_, bit) => mask & (1 << bit)).join(',');

export const addrtypeMatch: Extension<Match<'addrtype'>> = {
  name: 'addrtype',
  options: [
    { name: 'src-type', id: 'src', type: 'string', invert: true },
    { name: 'dst-type', id: 'dst', type: 'string', invert: true },
    { name: 'limit-iface-in', id: 'in', exclusive: ['out'] },
    { name: 'limit-iface-out', id: 'out', exclusive: ['in'] },
  ],
  help:
    'Address type match options:\n' +
    ' [!] --src-type type[,...]      Match source address type\n' +
    ' [!] --dst-type type[,...]      Match destination address type\n' +
    "     --limit-iface-in           Match only on the packet's incoming device\n" +
    "     --limit-iface-out          Match only on the packet's outgoing device\n\n" +
    `Valid types:           \n${ADDRESS_TYPES.map((name) => `                                ${name}\n`).join('')}`,
  init: () => ({
    name: 'addrtype',
    source: 0,
    dest: 0,
    sourceInvert: false,
    destInvert: false,
    limitIn: false,
    limitOut: false,
  }),
  parse({ ctx, option, argument, invert }, data) {
    if (option.id === 'src') {
      data.source = parseAddressTypes(ctx, argument);
      data.sourceInvert = invert;
    } else if (option.id === 'dst') {
      data.dest = parseAddressTypes(ctx, argument);
      data.destInvert = invert;
    } else if (option.id === 'in') data.limitIn = true;
    else data.limitOut = true;
  },
  check(ctx, used) {
    if (!used.has('src') && !used.has('dst')) ctx.bad('addrtype: you must specify --src-type or --dst-type');
  },
  print({ source, dest, sourceInvert, destInvert, limitIn, limitOut }) {
    let text = ' ADDRTYPE match';
    if (source !== 0) text += ` src-type ${sourceInvert ? '!' : ''}${addressTypes(source)}`;
    if (dest !== 0) text += ` dst-type ${destInvert ? '!' : ''}${addressTypes(dest)}`;
    return `${text}${limitIn ? ' limit-in' : ''}${limitOut ? ' limit-out' : ''}`;
  },
  save({ source, dest, sourceInvert, destInvert, limitIn, limitOut }) {
    let text = '';
    if (source !== 0) text += `${not(sourceInvert)} --src-type ${addressTypes(source)}`;
    if (dest !== 0) text += `${not(destInvert)} --dst-type ${addressTypes(dest)}`;
    return `${text}${limitIn ? ' --limit-iface-in' : ''}${limitOut ? ' --limit-iface-out' : ''}`;
  },
};
