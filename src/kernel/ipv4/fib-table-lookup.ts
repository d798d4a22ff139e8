/** Looking a destination up in one table. */
import { EAGAIN } from '../../uapi/errno.ts';
import { RTNH_F_DEAD, RTNH_F_LINKDOWN } from '../../uapi/rtnetlink.ts';
import { FIB_PROPS, type FibAlias, type FibNh, type FibResult, type FibTable, type Flowi4 } from './fib.ts';
import { ipIgnoreLinkdown } from './in-device.ts';

/** Next hops without carrier count even where ignore_routes_with_linkdown is set (include/net/ip_fib.h). */
export const FIB_LOOKUP_IGNORE_LINKSTATE = 2;

/**
 * The route of one table for a flow, into `res`: 0, EAGAIN when there is none, or the error of an
 * unreachable (blackhole, prohibit, throw) route.
 * @kernel net/ipv4/fib_trie.c fib_table_lookup
 */
export function fibTableLookup(table: FibTable, flow: Flowi4, res: FibResult, flags: number): number {
  for (let node = table.trie.longest(flow.daddr); node !== undefined; node = node.parent) {
    const { aliases } = node;
    for (let i = 0; i < aliases.length; i++) {
      const alias = aliases[i]!;
      const fi = alias.info;
      if (alias.tos !== 0 && alias.tos !== flow.tos) continue;
      if (fi.scope < flow.scope) continue;
      const { error } = FIB_PROPS[alias.type]!;
      if (error !== 0) return error;
      if ((fi.flags & RTNH_F_DEAD) !== 0) continue;
      const { nhs } = fi;
      for (let sel = 0; sel < nhs.length; sel++) {
        const nh = nhs[sel]!;
        if (!goodNh(nh, flow, flags)) continue;
        assign(res, table, alias, nh, sel);
        return 0;
      }
    }
  }
  return EAGAIN;
}

/** @kernel net/ipv4/fib_trie.c fib_lookup_good_nhc */
function goodNh(nh: FibNh, flow: Flowi4, flags: number): boolean {
  if ((nh.flags & RTNH_F_DEAD) !== 0) return false;
  if ((nh.flags & RTNH_F_LINKDOWN) !== 0 && (flags & FIB_LOOKUP_IGNORE_LINKSTATE) === 0 && ipIgnoreLinkdown(nh.dev)) {
    return false;
  }
  return flow.oif === 0 || flow.oif === nh.oif;
}

function assign(res: FibResult, table: FibTable, alias: FibAlias, nh: FibNh, sel: number): void {
  res.prefixlen = alias.plen;
  res.nhSel = sel;
  res.nh = nh;
  res.type = alias.type;
  res.scope = alias.info.scope;
  res.fi = alias.info;
  res.alias = alias;
  res.table = table;
}
