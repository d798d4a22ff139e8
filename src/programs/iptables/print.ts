/** How rules and chains look: -L, -S, iptables-save, and the lines of -v. */
import type { AddrMatch, IfaceMatch, XtCounters, XtRule, XtTarget } from '../../uapi/xtables.ts';
import { formatIpv4 } from '../../wire/addr.ts';
import type { Listing } from './command.ts';
import type { XtablesContext } from './context.ts';
import { findMatch, findTarget } from './extensions.ts';
import { formatMask, hostName, nameOfProtocol, prefixLength } from './names.ts';

/** xtables_print_num(): padded, with K, M, G, T unless `exact`. */
function number(value: number, exact: boolean, table = true): string {
  let text = String(value);
  let width = 8;
  if (!exact) {
    width = 5;
    let rest = value;
    for (const suffix of value <= 99_999 ? '' : 'KMGT') {
      rest = Math.floor((rest + 500) / 1000);
      text = `${rest}${suffix}`;
      if (rest <= 9999) break;
    }
  }
  return `${table ? text.padStart(width) : text} `;
}

/** print_header(): the two lines above a chain's rules. */
export function formatHeader(
  name: string,
  chain: { policy: string; counters: XtCounters } | { references: number },
  { verbose, exact, lineNumbers }: Listing,
): string {
  let text = `Chain ${name}`;
  if ('policy' in chain) {
    const { packets, bytes } = chain.counters;
    const counts = `${number(packets, exact, false)}packets, ${number(bytes, exact, false)}bytes`;
    text += ` (policy ${chain.policy}${verbose ? ` ${counts}` : ''})\n`;
  } else text += ` (${chain.references} references)\n`;
  if (lineNumbers) text += `${'num'.padEnd(4)} `;
  if (verbose) text += exact ? `${'pkts'.padStart(8)} ${'bytes'.padStart(10)} ` : ' pkts bytes ';
  text += `${'target'.padEnd(9)}  prot opt`;
  if (verbose) text += ` ${'in'.padEnd(6)} ${'out'.padEnd(6)} `;
  return `${text} ${'source'.padEnd(19)}  ${'destination'.padEnd(19)} \n`;
}

/** What -L shows of a rule: a line of a table, or (`table` false) the line that -v shows of a change. */
export interface RuleStyle {
  numeric: boolean;
  counters: boolean;
  interfaces: boolean;
  exact: boolean;
  /** The rule's number, 0 for none. */
  line: number;
  table: boolean;
}

/** The style in which -v shows the rule that is added or deleted (FMT_PRINT_RULE). */
export const CHANGED_RULE: RuleStyle = {
  numeric: true,
  counters: false,
  interfaces: true,
  exact: false,
  line: 0,
  table: false,
};

function address(ctx: XtablesContext, value: AddrMatch | undefined, numeric: boolean): string {
  const { address: ip, mask } = value ?? { address: 0, mask: 0 };
  if (mask === 0 && !numeric) return 'anywhere';
  return `${numeric ? formatIpv4(ip) : hostName(ctx, ip)}${formatMask(mask)}`;
}

const targetName = (target: XtTarget) => ('chain' in target ? target.chain : target.name);

/** print_firewall(), nft_ipv4_print_rule() */
export function formatRule(ctx: XtablesContext, rule: XtRule, style: RuleStyle): string {
  const { numeric, table } = style;
  const pad = (text: string, width: number) => (table ? text.padEnd(width) : text);
  let text = style.line > 0 ? `${pad(String(style.line), 4)} ` : '';
  if (style.counters) text += number(rule.counters.packets, style.exact) + number(rule.counters.bytes, style.exact);
  text += `${pad(targetName(rule.target), 9)} `;

  const protocol = nameOfProtocol(rule.proto, numeric);
  const asNumber = (numeric && table) || protocol === undefined;
  text += `${rule.protoInvert ? '!' : ' '}${pad(asNumber ? String(rule.proto) : protocol, 4)} `;

  const { fragment } = rule;
  text += `${table ? '' : 'opt '}${fragment?.invert ? '!' : '-'}${fragment === undefined ? '-' : 'f'} `;

  if (style.interfaces) {
    const any = numeric ? '*' : 'any';
    const iface = (value: IfaceMatch | undefined) =>
      value === undefined ? any : `${value.invert ? '!' : ''}${value.name}`;
    const [inDev, outDev] = [iface(rule.inIface), iface(rule.outIface)];
    text += table ? ` ${inDev.padEnd(6)} ${outDev.padEnd(6)} ` : `in ${inDev} out ${outDev} `;
  }

  text += `${rule.src?.invert ? '!' : ' '}${pad(address(ctx, rule.src, numeric), 19)} `;
  text += `${rule.dst?.invert ? '!' : ' '}`;
  text += table ? `${address(ctx, rule.dst, numeric).padEnd(19)} ` : `-> ${address(ctx, rule.dst, numeric)}  `;
  if (rule.target.name === 'goto') text += '[goto] ';

  const names = { ctx, numeric, proto: rule.proto };
  for (const match of rule.matches) text += findMatch(match.name)!.print(match, names);
  text += findTarget(rule.target.name)?.print(rule.target, names) ?? '';
  return `${text}\n`;
}

/** save_ipv4_addr() */
function saveAddress(letter: string, value: AddrMatch | undefined): string {
  if (value === undefined) return '';
  const mask = prefixLength(value.mask) ?? formatIpv4(value.mask);
  return `${value.invert ? ' !' : ''} -${letter} ${formatIpv4(value.address)}/${mask}`;
}

function saveInterface(letter: string, value: IfaceMatch | undefined): string {
  // A lone `+` matches everything and is not shown.
  if (value === undefined || value.name === '+') return '';
  return `${value.invert ? ' !' : ''} -${letter} ${value.name}`;
}

/** print_rule4(), nft_rule_print_save(): `-A CHAIN ...`; `counters` as -c (-S -v), or in brackets (iptables-save -c). */
export function saveRule(chain: string, rule: XtRule, counters: 'none' | 'option' | 'brackets'): string {
  const { packets, bytes } = rule.counters;
  let text = counters === 'brackets' ? `[${packets}:${bytes}] -A ${chain}` : `-A ${chain}`;
  text += saveAddress('s', rule.src) + saveAddress('d', rule.dst);
  text += saveInterface('i', rule.inIface) + saveInterface('o', rule.outIface);
  if (rule.proto > 0) text += `${rule.protoInvert ? ' !' : ''} -p ${nameOfProtocol(rule.proto, false) ?? rule.proto}`;
  if (rule.fragment !== undefined) text += `${rule.fragment.invert ? ' !' : ''} -f`;
  for (const match of rule.matches) text += ` -m ${match.name}${findMatch(match.name)!.save(match)}`;
  if (counters === 'option') text += ` -c ${packets} ${bytes}`;
  const { target } = rule;
  if ('chain' in target) text += ` -${target.name === 'goto' ? 'g' : 'j'} ${target.chain}`;
  else if (target.name !== '') {
    const name = target.name === 'CT' && target.alias ? 'NOTRACK' : target.name;
    text += ` -j ${name}${findTarget(target.name)?.save(target) ?? ''}`;
  }
  return `${text}\n`;
}

/** ctime(): `Mon Nov 23 12:44:12 2026`, local time, with the newline. */
export function ctime({ process }: XtablesContext): string {
  const seconds = Math.floor(process.realtime() / 1e9) + process.utcOffset;
  const date = new Date(seconds * 1000);
  const day = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][date.getUTCDay()];
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const time = date.toISOString().slice(11, 19);
  return `${day} ${months[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)} ${time} ${date.getUTCFullYear()}\n`;
}
