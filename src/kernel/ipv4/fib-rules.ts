/**
 * Policy routing: rules in the order of their priorities, each of which sends the packets that it
 * matches to a routing table. As long as a namespace has the three rules that it began with, nobody
 * walks them: fibLookup() knows the outcome.
 */
import { EACCES, EAGAIN, EEXIST, EINVAL, ENETUNREACH, ENOENT } from '../../uapi/errno.ts';
import {
  FIB_RULE_IIF_DETACHED,
  FIB_RULE_INVERT,
  FIB_RULE_OIF_DETACHED,
  FIB_RULE_UNRESOLVED,
  FR_ACT_GOTO,
  FR_ACT_NOP,
  FR_ACT_PROHIBIT,
  FR_ACT_TO_TBL,
  FR_ACT_UNREACHABLE,
  type NumberRange,
  type RuleMessage,
} from '../../uapi/fib-rules.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import { RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN, RTPROT_KERNEL } from '../../uapi/rtnetlink.ts';
import { type Ipv4, maskOf } from '../../wire/addr.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { NetDevice } from '../core/netdevice.ts';
import type { NetdevEvent } from '../core/notifier.ts';
import type { FibResult, Flowi4 } from './fib.ts';
import { fibTableLookup } from './fib-table-lookup.ts';
import { type Ipv4Net, ipv4Of } from './ipv4-net.ts';

/** The index of a device that is not there. */
const DETACHED = -1;
/** Tables up to here are taken by a rule that names none. */
const FIB_MAX_AUTO_TABLE_ID = 4096;
const IPTOS_TOS_MASK = 0x1e;

/** One rule (struct fib4_rule). */
export class Fib4Rule {
  readonly message: RuleMessage;
  readonly pref: number;
  readonly src: Ipv4;
  readonly srcmask: Ipv4;
  readonly dst: Ipv4;
  readonly dstmask: Ipv4;
  readonly mark: number;
  readonly markMask: number;
  readonly suppressPrefixlen: number;
  readonly suppressIfgroup: number;
  table: number;
  /** 0: any device; {@link DETACHED}. */
  iifindex = 0;
  oifindex = 0;
  /** Where a goto leads. */
  target: Fib4Rule | undefined;

  constructor(message: RuleMessage, pref: number) {
    this.message = message;
    this.pref = pref;
    this.table = message.table;
    this.srcmask = maskOf(message.srcLen);
    this.dstmask = maskOf(message.dstLen);
    this.src = message.src ?? 0;
    this.dst = message.dst ?? 0;
    this.mark = message.fwmark ?? 0;
    this.markMask = message.fwmask ?? (this.mark === 0 ? 0 : 0xffff_ffff);
    this.suppressPrefixlen = message.suppressPrefixlen ?? -1;
    this.suppressIfgroup = message.suppressIfgroup ?? -1;
  }
}

function defaultRule(pref: number, table: number): Fib4Rule {
  const message = { srcLen: 0, dstLen: 0, tos: 0, table, action: FR_ACT_TO_TBL, flags: 0, protocol: RTPROT_KERNEL };
  return new Fib4Rule(message, pref);
}

/** @kernel net/ipv4/fib_rules.c fib_default_rules_init */
function rulesOf(ipv4: Ipv4Net): Fib4Rule[] {
  ipv4.fibRules ??= [
    defaultRule(0, RT_TABLE_LOCAL),
    defaultRule(0x7ffe, RT_TABLE_MAIN),
    defaultRule(0x7fff, RT_TABLE_DEFAULT),
  ];
  return ipv4.fibRules;
}

/** @kernel net/core/fib_rules.c fib_default_rule_pref */
function defaultPref(rules: readonly Fib4Rule[]): number {
  const second = rules[1];
  return second === undefined || second.pref === 0 ? 0 : second.pref - 1;
}

function inRange(range: NumberRange | undefined, value: number): boolean {
  return range === undefined || (value >= range.start && value <= range.end);
}

/** A rule about VRFs matches nothing: no device belongs to one. @kernel net/core/fib_rules.c fib_rule_match #P[tunnel ids, VRF] */
function ruleMatches(rule: Fib4Rule, flow: Flowi4): boolean {
  const matched =
    rule.message.l3mdev === undefined &&
    (rule.iifindex === 0 || rule.iifindex === flow.iif) &&
    (rule.oifindex === 0 || rule.oifindex === flow.oif) &&
    ((rule.mark ^ flow.mark) & rule.markMask) === 0 &&
    inRange(rule.message.uidRange, flow.uid) &&
    fib4RuleMatch(rule, flow);
  return (rule.message.flags & FIB_RULE_INVERT) !== 0 ? !matched : matched;
}

/** @kernel net/ipv4/fib_rules.c fib4_rule_match */
function fib4RuleMatch(rule: Fib4Rule, flow: Flowi4): boolean {
  const { tos, ipproto, sport, dport } = rule.message;
  if (((flow.saddr ^ rule.src) & rule.srcmask) !== 0 || ((flow.daddr ^ rule.dst) & rule.dstmask) !== 0) return false;
  if (tos !== 0 && tos !== (flow.tos & 0xfc)) return false;
  if (ipproto !== undefined && ipproto !== flow.proto) return false;
  return inRange(sport, flow.sport) && inRange(dport, flow.dport);
}

/** @kernel net/ipv4/fib_rules.c fib4_rule_action */
function ruleAction(ipv4: Ipv4Net, rule: Fib4Rule, flow: Flowi4, res: FibResult, flags: number): number {
  switch (rule.message.action) {
    case FR_ACT_TO_TBL: {
      const table = ipv4.fibGetTable(rule.table);
      return table === undefined ? EAGAIN : fibTableLookup(table, flow, res, flags);
    }
    case FR_ACT_UNREACHABLE:
      return ENETUNREACH;
    case FR_ACT_PROHIBIT:
      return EACCES;
    default:
      return EINVAL;
  }
}

/** Whether the route found is too wide, or leads out of a group it should not. @kernel net/ipv4/fib_rules.c fib4_rule_suppress */
function ruleSuppresses(rule: Fib4Rule, res: FibResult): boolean {
  if (res.prefixlen <= rule.suppressPrefixlen) return true;
  const dev = res.fi?.nhs[0]?.dev;
  return rule.suppressIfgroup !== -1 && dev !== undefined && dev.group === rule.suppressIfgroup;
}

/**
 * The route for a flow by the rules, into `res`: 0 or an error number.
 * @kernel net/core/fib_rules.c fib_rules_lookup
 */
export function fibRulesLookup(ipv4: Ipv4Net, flow: Flowi4, res: FibResult, flags: number): number {
  const rules = rulesOf(ipv4);
  let i = 0;
  while (i < rules.length) {
    const rule = rules[i]!;
    i++;
    if (!ruleMatches(rule, flow) || rule.message.action === FR_ACT_NOP) continue;
    if (rule.message.action === FR_ACT_GOTO) {
      if (rule.target !== undefined) i = rules.indexOf(rule.target);
      continue;
    }
    const error = ruleAction(ipv4, rule, flow, res, flags);
    if (error === 0 && ruleSuppresses(rule, res)) continue;
    if (error !== EAGAIN) return error;
  }
  return ENETUNREACH;
}

/** Whether protocol and ports of a received packet matter. @kernel include/net/ip_fib.h fib4_rules_early_flow_dissect */
function requiresDissect({ message }: Fib4Rule): boolean {
  return message.ipproto !== undefined || message.sport !== undefined || message.dport !== undefined;
}

/** What is wrong with a rule. @kernel net/core/fib_rules.c fib_nl2rule #P[tunnel ids] */
function checkRule(request: RuleMessage, pref: number): Ack {
  if (request.srcLen !== 0 && request.src === undefined) return refuse(EINVAL, 'Invalid source address');
  if (request.dstLen !== 0 && request.dst === undefined) return refuse(EINVAL, 'Invalid dst address');
  if (request.goto !== undefined) {
    if (request.action !== FR_ACT_GOTO) return refuse(EINVAL, 'Unexpected goto');
    if (request.goto <= pref) return refuse(EINVAL, 'Backward goto not supported');
  } else if (request.action === FR_ACT_GOTO) return refuse(EINVAL, 'Missing goto target for action goto');
  if (request.l3mdev !== undefined && request.table !== 0) {
    return refuse(EINVAL, 'l3mdev and table are mutually exclusive');
  }
  const { uidRange, sport, dport } = request;
  if (uidRange !== undefined && uidRange.start > uidRange.end) return refuse(EINVAL, 'Invalid uid range');
  if (sport !== undefined && !validPorts(sport)) return refuse(EINVAL, 'Invalid sport range');
  if (dport !== undefined && !validPorts(dport)) return refuse(EINVAL, 'Invalid dport range');
  return undefined;
}

function validPorts({ start, end }: NumberRange): boolean {
  return start !== 0 && end >= start && end < 0xffff;
}

function sameRange(a: NumberRange | undefined, b: NumberRange | undefined): boolean {
  return a?.start === b?.start && a?.end === b?.end;
}

/** @kernel net/ipv4/fib_rules.c fib4_rule_compare */
function fib4RuleCompare({ message }: Fib4Rule, request: RuleMessage): boolean {
  if (request.srcLen !== 0 && (message.srcLen !== request.srcLen || message.src !== request.src)) return false;
  if (request.dstLen !== 0 && (message.dstLen !== request.dstLen || message.dst !== request.dst)) return false;
  return request.tos === 0 || request.tos === message.tos;
}

/** @kernel net/core/fib_rules.c rule_exists */
function ruleExists(rules: readonly Fib4Rule[], rule: Fib4Rule): boolean {
  const { message } = rule;
  return rules.some(
    (other) =>
      other.message.action === message.action &&
      other.table === rule.table &&
      other.pref === rule.pref &&
      other.message.iifname === message.iifname &&
      other.message.oifname === message.oifname &&
      other.mark === rule.mark &&
      other.markMask === rule.markMask &&
      other.suppressIfgroup === rule.suppressIfgroup &&
      other.suppressPrefixlen === rule.suppressPrefixlen &&
      other.message.l3mdev === message.l3mdev &&
      sameRange(other.message.uidRange, message.uidRange) &&
      (other.message.ipproto ?? 0) === (message.ipproto ?? 0) &&
      (other.message.protocol ?? 0) === (message.protocol ?? 0) &&
      sameRange(other.message.sport, message.sport) &&
      sameRange(other.message.dport, message.dport) &&
      fib4RuleCompare(other, message),
  );
}

/** The first rule that is as the request says; what it does not say is not compared. @kernel net/core/fib_rules.c rule_find */
function ruleFind(rules: readonly Fib4Rule[], wanted: Fib4Rule): Fib4Rule | undefined {
  const { message } = wanted;
  return rules.find(
    (rule) =>
      (message.action === 0 || rule.message.action === message.action) &&
      (wanted.table === 0 || rule.table === wanted.table) &&
      (message.priority === undefined || rule.pref === wanted.pref) &&
      (message.iifname === undefined || rule.message.iifname === message.iifname) &&
      (message.oifname === undefined || rule.message.oifname === message.oifname) &&
      (wanted.mark === 0 || rule.mark === wanted.mark) &&
      (wanted.suppressIfgroup === -1 || rule.suppressIfgroup === wanted.suppressIfgroup) &&
      (wanted.suppressPrefixlen === -1 || rule.suppressPrefixlen === wanted.suppressPrefixlen) &&
      (wanted.markMask === 0 || rule.markMask === wanted.markMask) &&
      (message.l3mdev === undefined || rule.message.l3mdev === message.l3mdev) &&
      (message.uidRange === undefined || sameRange(rule.message.uidRange, message.uidRange)) &&
      (message.ipproto === undefined || rule.message.ipproto === message.ipproto) &&
      ((message.protocol ?? 0) === 0 || (rule.message.protocol ?? 0) === message.protocol) &&
      (message.sport === undefined || sameRange(rule.message.sport, message.sport)) &&
      (message.dport === undefined || sameRange(rule.message.dport, message.dport)) &&
      fib4RuleCompare(rule, message),
  );
}

/** A table that no one has yet. @kernel net/ipv4/fib_rules.c fib_empty_table */
function fibEmptyTable(ipv4: Ipv4Net): number {
  for (let id = 1; id <= FIB_MAX_AUTO_TABLE_ID; id++) {
    if (ipv4.fibGetTable(id) === undefined) return ipv4.fibNewTable(id).id;
  }
  return 0;
}

function indexOfName(net: NetNamespace, name: string | undefined): number {
  return name === undefined ? 0 : (net.devByName(name)?.ifindex ?? DETACHED);
}

/** RTM_NEWRULE. @kernel net/core/fib_rules.c fib_nl_newrule */
export function fibNlNewrule(net: NetNamespace, request: RuleMessage, exclusive: boolean): Ack {
  const ipv4 = ipv4Of(net);
  const rules = rulesOf(ipv4);
  const rule = new Fib4Rule(request, request.priority ?? defaultPref(rules));
  const wrong = checkRule(request, rule.pref);
  if (wrong !== undefined) return wrong;
  if (exclusive && ruleExists(rules, rule)) return refuse(EEXIST);
  const refused = fib4RuleConfigure(ipv4, rule);
  if (refused !== undefined) return refused;
  rule.iifindex = indexOfName(net, request.iifname);
  rule.oifindex = indexOfName(net, request.oifname);
  if (request.goto !== undefined) rule.target = rules.find((other) => other.pref === request.goto);
  const behind = rules.findIndex((other) => other.pref > rule.pref);
  rules.splice(behind < 0 ? rules.length : behind, 0, rule);
  for (const other of rules) {
    if (other.message.action === FR_ACT_GOTO && other.message.goto === rule.pref) other.target ??= rule;
  }
  changed(ipv4);
  return undefined;
}

/** @kernel net/ipv4/fib_rules.c fib4_rule_configure #P[realms] */
function fib4RuleConfigure(ipv4: Ipv4Net, rule: Fib4Rule): Ack {
  const { tos, action } = rule.message;
  if ((tos & 3) !== 0) return refuse(EINVAL, 'Invalid dsfield (tos): ECN bits must be 0');
  if ((tos & ~IPTOS_TOS_MASK) !== 0) return refuse(EINVAL, 'Invalid tos');
  ipv4.fibUnmerge();
  if (rule.table === 0 && action === FR_ACT_TO_TBL && rule.message.l3mdev === undefined)
    rule.table = fibEmptyTable(ipv4);
  return undefined;
}

function changed(ipv4: Ipv4Net): void {
  ipv4.fibHasCustomRules = true;
  ipv4.fibRulesRequireFldissect = rulesOf(ipv4).some(requiresDissect);
  ipv4.rtCacheFlush();
}

/** RTM_DELRULE. @kernel net/core/fib_rules.c fib_nl_delrule */
export function fibNlDelrule(net: NetNamespace, request: RuleMessage): Ack {
  const ipv4 = ipv4Of(net);
  const rules = rulesOf(ipv4);
  const wanted = new Fib4Rule(request, request.priority ?? defaultPref(rules));
  const wrong = checkRule(request, wanted.pref);
  if (wrong !== undefined) return wrong;
  const rule = ruleFind(rules, wanted);
  if (rule === undefined) return refuse(ENOENT);
  ipv4.fibUnmerge();
  const at = rules.indexOf(rule);
  rules.splice(at, 1);
  // Who went there goes on with the next rule of the same priority, if there is one.
  const next = rules[at]?.pref === rule.pref ? rules[at] : undefined;
  for (const other of rules) if (other.target === rule) other.target = next;
  changed(ipv4);
  return undefined;
}

/** @kernel net/core/fib_rules.c fib_nl_fill_rule */
function fillRule(rule: Fib4Rule): RuleMessage {
  const { message, pref, iifindex, oifindex } = rule;
  let flags = message.flags & FIB_RULE_INVERT;
  if (message.action === FR_ACT_GOTO && rule.target === undefined) flags |= FIB_RULE_UNRESOLVED;
  if (iifindex === DETACHED) flags |= FIB_RULE_IIF_DETACHED;
  if (oifindex === DETACHED) flags |= FIB_RULE_OIF_DETACHED;
  const { priority: _given, fwmark: _mark, fwmask: _mask, ...rest } = message;
  return {
    ...rest,
    table: rule.table,
    flags,
    ...(pref === 0 ? {} : { priority: pref }),
    ...(rule.mark === 0 ? {} : { fwmark: rule.mark }),
    ...(rule.mark === 0 && rule.markMask === 0 ? {} : { fwmask: rule.markMask }),
    suppressPrefixlen: rule.suppressPrefixlen,
    suppressIfgroup: rule.suppressIfgroup,
    protocol: message.protocol ?? 0,
  };
}

/** RTM_GETRULE. @kernel net/core/fib_rules.c fib_nl_dumprule */
export function fibNlDumprule(net: NetNamespace): RuleMessage[] {
  return rulesOf(ipv4Of(net)).map(fillRule);
}

/** Rules name devices, and hold for whichever has the name. @kernel net/core/fib_rules.c fib_rules_event */
export function fibRulesEvent(event: NetdevEvent, dev: NetDevice): void {
  const rules = ipv4Of(dev.net).fibRules;
  if (rules === undefined) return;
  if (event === 'UNREGISTER' || event === 'CHANGENAME') {
    for (const rule of rules) {
      if (rule.iifindex === dev.ifindex) rule.iifindex = DETACHED;
      if (rule.oifindex === dev.ifindex) rule.oifindex = DETACHED;
    }
  }
  if (event === 'REGISTER' || event === 'CHANGENAME') {
    for (const rule of rules) {
      if (rule.iifindex === DETACHED && rule.message.iifname === dev.name) rule.iifindex = dev.ifindex;
      if (rule.oifindex === DETACHED && rule.message.oifname === dev.name) rule.oifindex = dev.ifindex;
    }
  }
}
