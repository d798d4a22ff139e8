/** Matches on connection tracking: conntrack, and state, its old name. */
import {
  type AddrMatch,
  type PortMatch,
  XT_STATE_DNAT,
  XT_STATE_ESTABLISHED,
  XT_STATE_INVALID,
  XT_STATE_NEW,
  XT_STATE_RELATED,
  XT_STATE_SNAT,
  XT_STATE_UNTRACKED,
  type XtConntrackMatch,
  type XtMatch,
} from '../../uapi/xtables.ts';
import { formatIpv4 } from '../../wire/addr.ts';
import { addressOf, type Extension, type ExtensionOption, not, type PrintStyle } from './extension.ts';
import { formatMask, hostName } from './names.ts';

/** The order in which abbreviations are tried: `E` is ESTABLISHED, `N` is NEW, `` is the first. */
const STATES: readonly (readonly [string, number])[] = [
  ['INVALID', XT_STATE_INVALID],
  ['NEW', XT_STATE_NEW],
  ['ESTABLISHED', XT_STATE_ESTABLISHED],
  ['RELATED', XT_STATE_RELATED],
  ['UNTRACKED', XT_STATE_UNTRACKED],
  ['SNAT', XT_STATE_SNAT],
  ['DNAT', XT_STATE_DNAT],
];
/** The order in which they are printed. */
const STATE_ORDER = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED', 'SNAT', 'DNAT'];

/** IPS_* bits by name. */
const STATUSES: readonly (readonly [string, number])[] = [
  ['NONE', 0],
  ['EXPECTED', 1 << 0],
  ['SEEN_REPLY', 1 << 1],
  ['ASSURED', 1 << 2],
  ['CONFIRMED', 1 << 3],
];

/** A list of abbreviated words; undefined, with the rest of the list, when one is unknown. */
function parseList(text: string, words: readonly (readonly [string, number])[]): { mask: number } | { bad: string } {
  let mask = 0;
  for (let rest = text; ; ) {
    const comma = rest.indexOf(',');
    const word = (comma < 0 ? rest : rest.slice(0, comma)).toUpperCase();
    const known = word === '' ? undefined : words.find(([name]) => name.startsWith(word));
    if (known === undefined) return { bad: rest };
    mask |= known[1];
    if (comma < 0) return { mask };
    rest = rest.slice(comma + 1);
  }
}

function stateText(mask: number): string {
  return STATE_ORDER.filter((name) => mask & STATES.find(([state]) => state === name)![1]).join(',');
}

function statusText(mask: number): string {
  return mask === 0
    ? 'NONE'
    : STATUSES.slice(1)
        .flatMap(([name, bit]) => (mask & bit ? [name] : []))
        .join(',');
}

const ADDRESSES = ['origSrc', 'origDst', 'replSrc', 'replDst'] as const;
const PORTS = ['origSrcPort', 'origDstPort', 'replSrcPort', 'replDstPort'] as const;
const optionName = (field: string) => `ct${field.toLowerCase()}`;

const options: ExtensionOption[] = [
  { name: 'ctstate', id: 'state', type: 'string', invert: true },
  { name: 'ctproto', id: 'proto', type: 'protocol', invert: true },
  ...ADDRESSES.map((id): ExtensionOption => ({ name: optionName(id), id, type: 'hostmask', invert: true })),
  { name: 'ctstatus', id: 'status', type: 'string', invert: true },
  { name: 'ctexpire', id: 'expire', type: 'uint32rc', invert: true },
  ...PORTS.map((id): ExtensionOption => ({ name: optionName(id), id, type: 'portrc', invert: true })),
  { name: 'ctdir', id: 'direction', type: 'string' },
];

/** What -L and -S have in common: `prefix` is `--` for -S. */
function dump(data: XtConntrackMatch, prefix: string, address: (value: AddrMatch) => string): string {
  const { state, proto, status, expire, direction } = data;
  const range = ({ from, to }: PortMatch, apart: boolean) => (apart && from !== to ? `${from}:${to}` : `${from}`);
  let text = '';
  if (state !== undefined) text += `${not(state.invert)} ${prefix}ctstate ${stateText(state.mask)}`;
  if (proto !== undefined) text += `${not(proto.invert)} ${prefix}ctproto ${proto.number}`;
  for (const field of ADDRESSES) {
    const value = data[field];
    if (value !== undefined) text += `${not(value.invert)} ${prefix}${optionName(field)} ${address(value)}`;
  }
  for (const field of PORTS) {
    const value = data[field];
    if (value === undefined) continue;
    text += `${not(value.invert)} ${prefix}${optionName(field)} ${range(value, value.to !== 0)}`;
  }
  if (status !== undefined) text += `${not(status.invert)} ${prefix}ctstatus ${statusText(status.mask)}`;
  if (expire !== undefined) text += `${not(expire.invert)} ${prefix}ctexpire ${range(expire, true)}`;
  if (direction !== undefined) text += ` ${prefix}ctdir ${direction}`;
  return text;
}

const numericAddress = ({ address, mask }: AddrMatch) => `${formatIpv4(address)}${formatMask(mask)}`;

function namedAddress({ ctx, numeric }: PrintStyle) {
  return (value: AddrMatch): string => {
    if (numeric) return numericAddress(value);
    return value.address === 0 ? 'anywhere' : `${hostName(ctx, value.address)}${formatMask(value.mask)}`;
  };
}

export const conntrackMatch: Extension<XtConntrackMatch> = {
  name: 'conntrack',
  options,
  help:
    'conntrack match options:\n' +
    '[!] --ctstate {INVALID|ESTABLISHED|NEW|RELATED|UNTRACKED|SNAT|DNAT}[,...]\n' +
    '                               State(s) to match\n' +
    '[!] --ctproto proto            Protocol to match; by number or name, e.g. "tcp"\n' +
    '[!] --ctorigsrc address[/mask]\n[!] --ctorigdst address[/mask]\n' +
    '[!] --ctreplsrc address[/mask]\n[!] --ctrepldst address[/mask]\n' +
    '                               Original/Reply source/destination address\n' +
    '[!] --ctorigsrcport port\n[!] --ctorigdstport port\n[!] --ctreplsrcport port\n[!] --ctrepldstport port\n' +
    '                               TCP/UDP/SCTP orig./reply source/destination port\n' +
    '[!] --ctstatus {NONE|EXPECTED|SEEN_REPLY|ASSURED|CONFIRMED}[,...]\n' +
    '                               Status(es) to match\n' +
    '[!] --ctexpire time[:time]     Match remaining lifetime in seconds against\n' +
    '                               value or range of values (inclusive)\n' +
    '    --ctdir {ORIGINAL|REPLY}   Flow direction of packet\n',
  init: () => ({ name: 'conntrack' }),
  parse(call, data) {
    const { ctx, option, argument, invert, value } = call;
    const id = option.id as Exclude<keyof XtConntrackMatch, 'name'>;
    switch (id) {
      case 'state':
      case 'status': {
        const list = parseList(argument, id === 'state' ? STATES : STATUSES);
        if ('bad' in list) return ctx.bad(`Bad ct${id} "${list.bad}"`);
        data[id] = { mask: list.mask, invert };
        break;
      }
      case 'proto':
        if (value.number === 0 && invert) ctx.bad('conntrack: rule would never match protocol');
        data.proto = { number: value.number, invert };
        break;
      case 'origSrc':
      case 'origDst':
      case 'replSrc':
      case 'replDst':
        data[id] = addressOf(call);
        break;
      case 'expire':
        data.expire = { from: value.from, to: value.count >= 2 ? value.to : value.from, invert };
        break;
      case 'direction': {
        const direction = argument.toUpperCase();
        if (direction !== 'ORIGINAL' && direction !== 'REPLY') {
          return ctx.bad(`conntrack: Bad value for "--ctdir" option: "${argument}"`);
        }
        data.direction = direction;
        break;
      }
      default:
        data[id] = { from: value.from, to: value.to, invert };
    }
  },
  check(ctx, used) {
    if (used.size === 0) ctx.bad('conntrack: At least one option is required');
  },
  print: (data, style) => dump(data, '', namedAddress(style)),
  save: (data) => dump(data, '--', numericAddress),
};

export const stateMatch: Extension<Extract<XtMatch, { name: 'state' }>> = {
  name: 'state',
  options: [{ name: 'state', id: 'state', type: 'string', mandatory: true, invert: true }],
  help:
    'state match options:\n [!] --state [INVALID|ESTABLISHED|NEW|RELATED|UNTRACKED][,...]\n' +
    '\t\t\t\tState(s) to match\n',
  init: () => ({ name: 'state', mask: 0, invert: false }),
  parse({ ctx, argument, invert }, data) {
    const list = parseList(argument, STATES.slice(0, 5));
    if ('bad' in list) {
      const wants = '"--state" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED';
      return ctx.bad(list.bad === '' ? wants : `Bad state "${list.bad}"`);
    }
    data.mask = list.mask;
    data.invert = invert;
  },
  print: ({ mask, invert }) => `${not(invert)} state ${stateText(mask)}`,
  save: ({ mask, invert }) => `${not(invert)} --state ${stateText(mask)}`,
};
