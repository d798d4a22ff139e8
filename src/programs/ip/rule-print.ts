/** How a rule looks (print_rule()). */
import {
  FIB_RULE_IIF_DETACHED,
  FIB_RULE_INVERT,
  FIB_RULE_OIF_DETACHED,
  FIB_RULE_UNRESOLVED,
  FR_ACT_GOTO,
  FR_ACT_NOP,
  FR_ACT_TO_TBL,
  type NumberRange,
  type RuleMessage,
} from '../../uapi/fib-rules.ts';
import { RTPROT_KERNEL } from '../../uapi/rtnetlink.ts';
import { formatIpv4, type Ipv4 } from '../../wire/addr.ts';
import { protocolName } from '../../wire/protocols.ts';
import type { Ip } from './context.ts';
import type { Printer } from './json-print.ts';
import { routeTypeName } from './route-types.ts';

const ADDRESS_BITS = 32;

function printPrefix(out: Printer, key: 'src' | 'dst', lead: string, address: Ipv4 | undefined, length: number): void {
  if (address !== undefined) {
    out.text(lead);
    out.color('inet', key, formatIpv4(address), formatIpv4(address));
    if (length !== ADDRESS_BITS) out.print(`${key}len`, `/${length}`, length);
  } else if (length > 0) {
    out.print(key, `${lead}0`, '0');
    out.print(`${key}len`, `/${length}`, length);
  } else if (key === 'src') out.print(key, `${lead}all`, 'all');
}

function hex(value: number): string {
  return value === 0 ? '0' : `0x${value.toString(16)}`;
}

function printMark(out: Printer, { fwmark, fwmask }: RuleMessage): void {
  if (fwmark === undefined && fwmask === undefined) return;
  const mark = hex(fwmark ?? 0);
  out.print('fwmark', ` fwmark ${mark}`, mark);
  if (fwmask !== undefined && fwmask !== 0xffff_ffff) out.print('fwmask', `/${hex(fwmask)}`, hex(fwmask));
}

function printDevice(out: Printer, key: 'iif' | 'oif', name: string | undefined, detached: boolean): void {
  if (name === undefined) return;
  out.text(` ${key} `);
  out.color('ifname', key, name, name);
  if (detached) out.print(`${key}_detached`, ' [detached]', null);
}

function printPorts(out: Printer, key: 'sport' | 'dport', range: NumberRange | undefined): void {
  if (range === undefined) return;
  const { start, end } = range;
  if (start === end) out.print(key, ` ${key} ${start}`, start);
  else {
    out.print(`${key}_start`, ` ${key} ${start}`, start);
    out.print(`${key}_end`, `-${end}`, end);
  }
}

function printAction(ip: Ip, rule: RuleMessage): void {
  const { out } = ip;
  if (rule.action === FR_ACT_GOTO) {
    if (rule.goto !== undefined) out.print('goto', ` goto ${rule.goto}`, rule.goto);
    else out.print('goto', ' goto none', 'none');
    if ((rule.flags & FIB_RULE_UNRESOLVED) !== 0) out.print('unresolved', ' [unresolved]', null);
  } else if (rule.action === FR_ACT_NOP) out.print('nop', ' nop', null);
  else if (rule.action !== FR_ACT_TO_TBL) {
    const name = routeTypeName(rule.action, ip.options.numeric);
    out.print('action', ` ${name}`, name);
  }
}

export function printRule(ip: Ip, rule: RuleMessage): void {
  const { out, names } = ip;
  const priority = rule.priority ?? 0;
  out.openObject();
  out.print('priority', `${priority}:\t`, priority);
  if ((rule.flags & FIB_RULE_INVERT) !== 0) out.print('not', 'not ', null);
  printPrefix(out, 'src', 'from ', rule.src, rule.srcLen);
  printPrefix(out, 'dst', ' to ', rule.dst, rule.dstLen);
  if (rule.tos !== 0) out.print('tos', ` tos ${names.dsfield(rule.tos)}`, names.dsfield(rule.tos));
  printMark(out, rule);
  printDevice(out, 'iif', rule.iifname, (rule.flags & FIB_RULE_IIF_DETACHED) !== 0);
  printDevice(out, 'oif', rule.oifname, (rule.flags & FIB_RULE_OIF_DETACHED) !== 0);
  if (rule.l3mdev !== undefined) out.print('l3mdev', ' lookup [l3mdev-table]', null);
  if (rule.uidRange !== undefined) {
    out.print('uid_start', ` uidrange ${rule.uidRange.start}`, rule.uidRange.start);
    out.print('uid_end', `-${rule.uidRange.end}`, rule.uidRange.end);
  }
  if (rule.ipproto !== undefined) {
    const name = (ip.options.numeric ? undefined : protocolName(rule.ipproto)) ?? `ipproto-${rule.ipproto}`;
    out.print('ipproto', ` ipproto ${name}`, name);
  }
  printPorts(out, 'sport', rule.sport);
  printPorts(out, 'dport', rule.dport);
  if (rule.table !== 0) {
    const name = names.table(rule.table);
    out.print('table', ` lookup ${name}`, name);
    const { suppressPrefixlen = -1, suppressIfgroup = -1 } = rule;
    if (suppressPrefixlen !== -1) {
      out.print('suppress_prefixlen', ` suppress_prefixlength ${suppressPrefixlen}`, suppressPrefixlen);
    }
    if (suppressIfgroup !== -1) {
      const group = names.group(suppressIfgroup);
      out.print('suppress_ifgroup', ` suppress_ifgroup ${group}`, group);
    }
  }
  printAction(ip, rule);
  const protocol = rule.protocol ?? 0;
  if ((protocol !== 0 && protocol !== RTPROT_KERNEL) || ip.options.details > 0) {
    out.print('protocol', ` proto ${names.protocol(protocol)}`, names.protocol(protocol));
  }
  out.text('\n');
  out.closeObject();
}
