/** `ip rule`: rules that choose a routing table (ip/iprule.c). */

import { EINVAL } from '../../uapi/errno.ts';
import type { NumberRange, RuleMessage } from '../../uapi/fib-rules.ts';
import { FIB_RULE_INVERT, FR_ACT_GOTO, FR_ACT_NOP, FR_ACT_TO_TBL, FR_ACT_UNSPEC } from '../../uapi/fib-rules.ts';
import { isRefusal } from '../../uapi/result.ts';
import { AF_INET, AF_INET6, AF_UNSPEC, RT_TABLE_MAIN } from '../../uapi/rtnetlink.ts';
import { type Args, checkIfname, matches } from './args.ts';
import type { Ip, IpObject } from './context.ts';
import { EXIT_FAILURE, EXIT_REFUSED, EXIT_USAGE, Exit } from './exit.ts';
import { addrMatch, getPrefix, type InetPrefix } from './inet-prefix.ts';
import { talk, talkError } from './libnetlink.ts';
import { getInteger, getUnsigned, inetProtoA2n } from './numbers.ts';
import { routeTypeNumber } from './route-types.ts';
import { printRule } from './rule-print.ts';

const USAGE = `Usage: ip rule { add | del } SELECTOR ACTION
       ip rule { flush | save | restore }
       ip rule [ list [ SELECTOR ]]
SELECTOR := [ not ] [ from PREFIX ] [ to PREFIX ] [ tos TOS ]
            [ fwmark FWMARK[/MASK] ]
            [ iif STRING ] [ oif STRING ] [ pref NUMBER ] [ l3mdev ]
            [ uidrange NUMBER-NUMBER ]
            [ ipproto PROTOCOL ]
            [ sport [ NUMBER | NUMBER-NUMBER ]
            [ dport [ NUMBER | NUMBER-NUMBER ] ]
ACTION := [ table TABLE_ID ]
          [ protocol PROTO ]
          [ nat ADDRESS ]
          [ realms [SRCREALM/]DSTREALM ]
          [ goto NUMBER ]
          SUPPRESSOR
SUPPRESSOR := [ suppress_prefixlength NUMBER ]
              [ suppress_ifgroup DEVGROUP ]
TABLE_ID := [ local | main | default | NUMBER ]
`;

function usage(ip: Ip): never {
  ip.process.stderr.write(USAGE);
  throw new Exit(EXIT_USAGE);
}

/** What both a selector of `list` and a rule may have; undefined where it was not given. */
interface RuleFilter {
  pref?: number;
  not: boolean;
  tos?: number;
  fwmark?: number;
  fwmask?: number;
  iif?: string;
  oif?: string;
  l3mdev: boolean;
  uidRange?: NumberRange;
  table?: number;
  src?: InetPrefix;
  dst?: InetPrefix;
  protocol?: number;
  ipproto?: number;
  sport?: NumberRange;
  dport?: NumberRange;
}

function sameRange(a: NumberRange, b: NumberRange | undefined): boolean {
  return a.start === b?.start && a.end === b?.end;
}

function inPrefix(wanted: InetPrefix | undefined, address: number | undefined, length: number): boolean {
  if (wanted === undefined || wanted.family === AF_UNSPEC) return true;
  if (wanted.family !== AF_INET || wanted.bitlen > length) return false;
  return address !== undefined ? addrMatch(address, wanted.address, wanted.bitlen) : wanted.bitlen <= 0;
}

/** filter_nlmsg() */
function passes(filter: RuleFilter, rule: RuleMessage): boolean {
  if (filter.pref !== undefined && filter.pref !== (rule.priority ?? 0)) return false;
  if (filter.not && (rule.flags & FIB_RULE_INVERT) === 0) return false;
  if (!inPrefix(filter.src, rule.src, rule.srcLen) || !inPrefix(filter.dst, rule.dst, rule.dstLen)) return false;
  if (filter.tos !== undefined && filter.tos !== rule.tos) return false;
  if ((filter.fwmark ?? 0) !== 0 && filter.fwmark !== (rule.fwmark ?? 0)) return false;
  if ((filter.fwmask ?? 0) !== 0 && filter.fwmask !== (rule.fwmask ?? 0)) return false;
  if (filter.iif !== undefined && filter.iif !== rule.iifname) return false;
  if (filter.oif !== undefined && filter.oif !== rule.oifname) return false;
  if (filter.l3mdev && rule.l3mdev === undefined) return false;
  if (filter.uidRange !== undefined && !sameRange(filter.uidRange, rule.uidRange)) return false;
  if ((filter.ipproto ?? 0) !== 0 && filter.ipproto !== rule.ipproto) return false;
  if ((filter.sport?.start ?? 0) !== 0 && !sameRange(filter.sport!, rule.sport)) return false;
  if ((filter.dport?.start ?? 0) !== 0 && !sameRange(filter.dport!, rule.dport)) return false;
  return (filter.table ?? 0) === 0 || filter.table === rule.table;
}

/** sscanf "%hu-%hu" or "%u-%u": one number or two, cut to so many bits; undefined for anything else. */
function readRange(text: string, bits: 16 | 32): { range: NumberRange; both: boolean } | undefined {
  const match = /^\s*(\d+)(?:-(\d+))?/.exec(text);
  if (match === null) return undefined;
  const [start, end] = match.slice(1).map((digits) => Number(digits ?? match[1]) % 2 ** bits);
  return { range: { start: start!, end: end! }, both: match[2] !== undefined };
}

function portRange(args: Args, message: string): NumberRange {
  return readRange(args.next(), 16)?.range ?? args.invarg(message, args.word);
}

function uidRange(args: Args): NumberRange {
  const read = readRange(args.next(), 32);
  return read?.both === true ? read.range : args.invarg('invalid UID range\n', args.word);
}

/** FWMARK[/MASK] */
function readMark(args: Args): { fwmark: number; fwmask?: number } {
  const [mark = '', mask] = args.next().split('/', 2);
  const fwmark = getUnsigned(mark) ?? args.invarg('fwmark value is invalid\n', mark);
  if (mask === undefined) return { fwmark };
  return { fwmark, fwmask: getUnsigned(mask) ?? args.invarg('fwmask value is invalid\n', mask) };
}

/**
 * A word that means the same in a selector and in a rule: reads its value and says that it did.
 * @param exact `dsfield` may not be abbreviated
 */
function readCommon(ip: Ip, args: Args, into: RuleFilter, exact: boolean): boolean {
  const { word } = args;
  if (word === 'not') into.not = true;
  else if (args.matches('preference') || args.matches('order') || args.matches('priority')) {
    into.pref = getUnsigned(args.next()) ?? args.invarg('preference value is invalid\n', args.word);
  } else if (word === 'tos' || (exact ? word === 'dsfield' : args.matches('dsfield'))) {
    into.tos = ip.names.dsfieldId(args.next()) ?? args.invarg('TOS value is invalid\n', args.word);
  } else if (word === 'fwmark') Object.assign(into, readMark(args));
  else if (word === 'dev' || word === 'iif') {
    into.iif = checkIfname(args.next()) ? args.word : args.invarg('"iif"/"dev" not a valid ifname', args.word);
  } else if (word === 'oif') {
    into.oif = checkIfname(args.next()) ? args.word : args.invarg('"oif" not a valid ifname', args.word);
  } else if (word === 'l3mdev') into.l3mdev = true;
  else if (word === 'uidrange') into.uidRange = uidRange(args);
  else if (args.matches('tun_id')) args.notModelled('rule tun_id');
  else if (word === 'ipproto') {
    into.ipproto = inetProtoA2n(args.next()) ?? args.invarg('Invalid "ipproto" value\n', args.word);
  } else if (word === 'sport') into.sport = portRange(args, 'invalid port range\n');
  else if (word === 'dport') into.dport = portRange(args, 'invalid dport range\n');
  else return false;
  return true;
}

function rulePrefix(args: Args, family: number): InetPrefix {
  const prefix = getPrefix(args, args.word, family);
  if (prefix.family === AF_INET6) args.notModelled('IPv6 rule');
  return prefix;
}

function readFilter(ip: Ip, args: Args, family: number): RuleFilter {
  const filter: RuleFilter = { not: false, l3mdev: false };
  for (; args.left > 0; args.shift()) {
    if (readCommon(ip, args, filter, true)) continue;
    if (args.matches('lookup') || args.matches('table')) {
      filter.table = ip.names.tableId(args.next()) ?? args.invarg('table id value is invalid\n', args.word);
    } else if (args.matches('from') || args.matches('src')) {
      args.next();
      filter.src = rulePrefix(args, family);
    } else if (args.matches('protocol')) {
      const named = ip.names.protocolId(args.next());
      if (named !== undefined) filter.protocol = named;
      else if (args.word !== 'all') args.invarg('invalid "protocol"\n', args.word);
    } else {
      if (args.matches('dst') || args.matches('to')) args.next();
      filter.dst = rulePrefix(args, family);
    }
  }
  return filter;
}

function list(ip: Ip, args: Args): number {
  const family = ip.options.family === AF_UNSPEC ? AF_INET : ip.options.family;
  const filter = readFilter(ip, args, family);
  ip.out.newJson();
  if (family === AF_INET) {
    for (const rule of ip.rtnl.dumpRules()) if (passes(filter, rule)) printRule(ip, rule);
  }
  ip.out.deleteJson();
  return 0;
}

/** Every rule that passes goes, but those of priority 0. */
function flush(ip: Ip, args: Args): number {
  const family = ip.options.family === AF_UNSPEC ? AF_INET : ip.options.family;
  const filter = readFilter(ip, args, family);
  if (family !== AF_INET) return 0;
  for (const rule of ip.rtnl.dumpRules()) {
    if (!passes(filter, rule) || rule.priority === undefined) continue;
    if (filter.protocol !== undefined && filter.protocol !== (rule.protocol ?? 0)) continue;
    const refused = ip.rtnl.delRule(rule);
    if (isRefusal(refused)) {
      talkError(ip.process, refused);
      args.complain('Dump terminated');
      return EXIT_FAILURE;
    }
  }
  return 0;
}

/** iprule_modify() */
function modify(ip: Ip, args: Args, add: boolean): number {
  if (args.left === 0) {
    args.complain(`"ip rule ${add ? 'add' : 'del'}" requires arguments.`);
    return EXIT_FAILURE;
  }
  const { family } = ip.options;
  if (family === AF_INET6) args.notModelled('IPv6 rule');
  const said: RuleFilter = { not: false, l3mdev: false };
  const request: RuleMessage = {
    srcLen: 0,
    dstLen: 0,
    tos: 0,
    table: 0,
    action: add ? FR_ACT_TO_TBL : FR_ACT_UNSPEC,
    flags: 0,
  };
  let tableOk = false;
  for (; args.left > 0; args.shift()) {
    const { word } = args;
    if (word === 'from' || word === 'to') {
      args.next();
      const prefix = getPrefix(args, args.word, family);
      const given = prefix.family === AF_INET && prefix.bytelen > 0 ? prefix.address : undefined;
      if (word === 'from') Object.assign(request, { srcLen: prefix.bitlen, src: given });
      else Object.assign(request, { dstLen: prefix.bitlen, dst: given });
    } else if (readCommon(ip, args, said, false)) tableOk ||= word === 'l3mdev';
    else if (args.matches('realms')) args.notModelled('rule realms');
    else if (args.matches('protocol')) {
      request.protocol = ip.names.protocolId(args.next()) ?? args.invarg('"protocol" value is invalid\n', args.word);
    } else if (args.matches('table') || word === 'lookup') {
      request.table = ip.names.tableId(args.next()) ?? args.invarg('invalid table ID\n', args.word);
      tableOk = true;
    } else if (args.matches('suppress_prefixlength') || word === 'sup_pl') {
      const length = getInteger(args.next());
      if (length === undefined || length < 0) args.invarg('suppress_prefixlength value is invalid\n', args.word);
      request.suppressPrefixlen = length;
    } else if (args.matches('suppress_ifgroup') || word === 'sup_group') {
      request.suppressIfgroup =
        ip.names.groupId(args.next()) ?? args.invarg('Invalid "suppress_ifgroup" value\n', args.word);
    } else if (word === 'nat' || args.matches('map-to')) args.notModelled('rule nat');
    else {
      if (word === 'type') args.next();
      if (args.matches('help')) usage(ip);
      if (args.matches('goto')) {
        request.goto = getUnsigned(args.next()) ?? args.invarg('invalid target\n', args.word);
        request.action = FR_ACT_GOTO;
      } else if (args.matches('nop')) request.action = FR_ACT_NOP;
      else request.action = routeTypeNumber(args.word) ?? args.invarg('Failed to parse rule type', args.word);
      tableOk = true;
    }
  }
  if (said.l3mdev && request.table !== 0) {
    args.complain('table can not be specified for l3mdev rules');
    return EINVAL;
  }
  if (!tableOk && add) request.table = RT_TABLE_MAIN;
  Object.assign(request, attributes(said));
  const answer = add ? ip.rtnl.newRule(request, true) : ip.rtnl.delRule(request);
  return talk(ip.process, answer) === 0 ? 0 : EXIT_REFUSED;
}

/** The attributes of a request that {@link readCommon} has read. */
function attributes(said: RuleFilter): Partial<RuleMessage> {
  const all = {
    flags: said.not ? FIB_RULE_INVERT : 0,
    tos: said.tos ?? 0,
    priority: said.pref,
    iifname: said.iif,
    oifname: said.oif,
    fwmark: said.fwmark,
    fwmask: said.fwmask,
    l3mdev: said.l3mdev ? 1 : undefined,
    uidRange: said.uidRange,
    ipproto: said.ipproto,
    sport: said.sport,
    dport: said.dport,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

export const doIprule: IpObject = async (ip, args) => {
  const command = args.left > 0 ? args.word : 'list';
  args.shift();
  if (matches(command, 'list') || matches(command, 'lst') || matches(command, 'show')) return list(ip, args);
  if (matches(command, 'save')) args.notModelled('rule save');
  if (matches(command, 'restore')) args.notModelled('rule restore');
  if (matches(command, 'add')) return modify(ip, args, true);
  if (matches(command, 'delete')) return modify(ip, args, false);
  if (matches(command, 'flush')) return flush(ip, args);
  if (matches(command, 'help')) usage(ip);
  return args.fail(`Command "${command}" is unknown, try "ip rule help".`);
};
