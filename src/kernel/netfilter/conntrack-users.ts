/** Whether anything in a namespace needs connection tracking: what the rules of both packet filters say. */
import { type NetNamespace, PerNet } from '../core/net-namespace.ts';
import type { Chain } from './ip-tables.ts';
import { setConntrackActive } from './nf-conntrack-core.ts';
import { matchTracks } from './xt-matches.ts';
import { targetTracks } from './xt-targets.ts';

/** Rules that need tracking, by the table they are in. */
const users: PerNet<Map<string, number>> = new PerNet(() => new Map());

/** A table has these chains now. @kernel net/netfilter/nf_conntrack_proto.c nf_ct_netns_get */
export function countConntrackUsers(net: NetNamespace, table: string, chains: Iterable<Chain>): void {
  let count = 0;
  for (const { rules } of chains) {
    for (const { rule } of rules) if (targetTracks(rule.target) || rule.matches.some(matchTracks)) count++;
  }
  const counts = users.of(net);
  counts.set(table, count);
  setConntrackActive(
    net,
    [...counts.values()].some((n) => n > 0),
  );
}
