/** ip_tables: tables that are read and replaced whole (what iptables-legacy speaks to). */
import { EINVAL, ELOOP, ENOENT } from '../../uapi/errno.ts';
import { type Ack, type Refusal, refuse } from '../../uapi/result.ts';
import type { XtChain, XtTable } from '../../uapi/xtables.ts';
import { type NetNamespace, PerNet } from '../core/net-namespace.ts';
import { countConntrackUsers } from './conntrack-users.ts';
import { Chain, Rule } from './ip-tables.ts';
import { hookChain } from './table-hooks.ts';
import { BUILTIN_CHAINS } from './tables.ts';
import { countRecentUsers } from './xt-recent.ts';

interface IptTable {
  chains: Map<string, Chain>;
  unhook: (() => void)[];
}

/** Tables by name, the newest first. */
const tables: PerNet<Map<string, IptTable>> = new PerNet(() => new Map());

/**
 * A table comes into being when it is first asked for, and so do its hooks.
 * @kernel net/netfilter/x_tables.c xt_find_table_lock
 */
function findTable(net: NetNamespace, name: string): IptTable | undefined {
  const builtin = BUILTIN_CHAINS[name];
  if (builtin === undefined) return undefined;
  const known = tables.of(net).get(name);
  if (known !== undefined) return known;
  const chains = new Map(
    builtin.map((chain) => [chain.name, new Chain(chain.name, 'ACCEPT', { packets: 0, bytes: 0 })]),
  );
  const table: IptTable = { chains, unhook: [] };
  tables.of(net).set(name, table);
  for (const chain of builtin) {
    table.unhook.push(hookChain(net, name, chain, chain.priority, () => table.chains.get(chain.name)!));
  }
  return table;
}

/** A rule as user space sees it: with its counters as they are now. */
export function ruleOf(rule: Rule): Rule['rule'] {
  const { rule: spec, packets, bytes, chain } = rule;
  const { target } = spec;
  const named = chain !== undefined && 'chain' in target ? { ...target, chain: chain.name } : target;
  return { ...spec, target: named, counters: { packets, bytes } };
}

/** @kernel net/ipv4/netfilter/ip_tables.c get_entries */
export function iptGetTable(net: NetNamespace, name: string): XtTable | Refusal {
  const table = findTable(net, name);
  if (table === undefined) return refuse(ENOENT);
  const chains = [...table.chains.values()].map((chain): XtChain => {
    const counters = { ...(chain.counters ?? { packets: 0, bytes: 0 }) };
    const policy = chain.policy === undefined ? {} : { policy: chain.policy };
    return { name: chain.name, ...policy, counters, rules: chain.rules.map(ruleOf) };
  });
  return { name, chains };
}

/**
 * From which hooks each chain can be reached; ELOOP when a way leads back to itself.
 * @kernel net/ipv4/netfilter/ip_tables.c mark_source_chains
 */
function markSourceChains(name: string, chains: ReadonlyMap<string, Chain>): Map<Chain, number> | number {
  const hooks = new Map<Chain, number>();
  const path = new Set<Chain>();
  const visit = (chain: Chain, bit: number): boolean => {
    if (path.has(chain)) return false;
    const seen = hooks.get(chain) ?? 0;
    if ((seen & bit) !== 0) return true;
    hooks.set(chain, seen | bit);
    path.add(chain);
    for (const rule of chain.rules) {
      if (rule.chain !== undefined && !visit(rule.chain, bit)) return false;
      if (rule.endsChain) break;
    }
    path.delete(chain);
    return true;
  };
  for (const { name: chain, hook } of BUILTIN_CHAINS[name]!) if (!visit(chains.get(chain)!, 1 << hook)) return ELOOP;
  return hooks;
}

/**
 * All or nothing: the new table is checked and compiled before it takes the old one's place.
 * @kernel net/ipv4/netfilter/ip_tables.c do_replace
 */
export function iptReplaceTable(net: NetNamespace, request: XtTable): Ack {
  const table = findTable(net, request.name);
  if (table === undefined) return refuse(ENOENT);
  const chains = new Map<string, Chain>();
  for (const { name, policy, counters, rules } of request.chains) {
    const chain = new Chain(name, policy, policy === undefined ? undefined : { ...counters });
    chain.rules = rules.map((rule) => new Rule(rule));
    chains.set(name, chain);
  }
  if (BUILTIN_CHAINS[request.name]!.some(({ name }) => chains.get(name)?.policy === undefined)) return refuse(EINVAL);
  for (const { rules } of chains.values()) {
    for (const rule of rules) {
      if (rule.jumpsTo === undefined) continue;
      rule.chain = chains.get(rule.jumpsTo);
      if (rule.chain === undefined || rule.chain.policy !== undefined) return refuse(EINVAL);
    }
  }
  const hooks = markSourceChains(request.name, chains);
  if (typeof hooks === 'number') return refuse(hooks);
  for (const chain of chains.values()) {
    for (const rule of chain.rules) {
      const { proto, protoInvert } = rule.rule;
      const place = { net, table: request.name, hooks: hooks.get(chain) ?? 0, proto, protoInvert, nft: false };
      const errno = rule.check(place);
      if (errno !== 0) return refuse(errno);
      rule.compile(place);
    }
  }
  table.chains = chains;
  countConntrackUsers(net, `ip_tables ${request.name}`, chains.values());
  countRecentUsers(net, `ip_tables ${request.name}`, chains.values());
  return undefined;
}

/** /proc/net/ip_tables_names */
export function iptTableNames(net: NetNamespace): string[] {
  return [...(tables.peek(net)?.keys() ?? [])].reverse();
}

/** The namespace goes. */
export function iptExit(net: NetNamespace): void {
  for (const { unhook } of tables.peek(net)?.values() ?? []) for (const undo of unhook) undo();
  tables.peek(net)?.clear();
}
