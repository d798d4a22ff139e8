/** Putting routes into tables, and taking them out. */
import { EEXIST, ENOENT, ESRCH } from '../../uapi/errno.ts';
import { type Ack, isRefusal, refuse } from '../../uapi/result.ts';
import {
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RT_SCOPE_NOWHERE,
  RTNH_F_DEAD,
} from '../../uapi/rtnetlink.ts';
import { FIB_PROPS, type FibAlias, type FibConfig, type FibTable } from './fib.ts';
import { fibCreateInfo, fibMetricsMatch, fibNhMatch, fibReleaseInfo } from './fib-semantics.ts';
import type { Ipv4Net } from './ipv4-net.ts';

/**
 * Where an alias belongs in its list: the first of the same table with a TOS and priority not before it, or -1.
 * @kernel net/ipv4/fib_trie.c fib_find_alias
 */
function findAlias(list: readonly FibAlias[], tos: number, priority: number, tableId: number): number {
  for (let i = 0; i < list.length; i++) {
    const alias = list[i]!;
    if (alias.tableId > tableId) continue;
    if (alias.tableId !== tableId) break;
    if (alias.tos > tos) continue;
    if (alias.info.priority >= priority || alias.tos < tos) return i;
  }
  return -1;
}

/** The end of a table's part of a list. */
function endOf(list: readonly FibAlias[], tableId: number): number {
  const at = list.findIndex((alias) => alias.tableId < tableId);
  return at < 0 ? list.length : at;
}

/** @kernel net/ipv4/fib_trie.c fib_table_insert */
export function fibTableInsert(ipv4: Ipv4Net, table: FibTable, config: FibConfig): Ack {
  const { dst, dstLen, tos, type, nlflags } = config;
  const info = fibCreateInfo(ipv4, config);
  if (isRefusal(info)) return info;
  const list = table.trie.aliases(dst, dstLen) ?? [];
  const alias: FibAlias = { key: dst, plen: dstLen, tableId: table.id, tos, type, info, default: -1 };
  let at = findAlias(list, tos, info.priority, table.id);
  const found = list[at];
  if (found !== undefined && found.tos === tos && found.info.priority === info.priority) {
    if ((nlflags & NLM_F_EXCL) !== 0) return giveUp(alias, EEXIST);
    // All that are alike but for their next hops and type: `match` is the very same route.
    let end = at;
    let match = -1;
    for (; end < list.length; end++) {
      const other = list[end]!;
      if (other.tableId !== table.id || other.tos !== tos || other.info.priority !== info.priority) break;
      if (other.type === type && other.info === info) {
        match = end;
        break;
      }
    }
    if ((nlflags & NLM_F_REPLACE) !== 0) {
      if (match >= 0) {
        fibReleaseInfo(info);
        return match === at ? undefined : refuse(EEXIST);
      }
      list[at] = alias;
      fibReleaseInfo(found.info);
      ipv4.rtCacheFlush();
      return undefined;
    }
    if (match >= 0) return giveUp(alias, EEXIST);
    if ((nlflags & NLM_F_APPEND) !== 0) at = end;
  }
  if ((nlflags & NLM_F_CREATE) === 0) return giveUp(alias, ENOENT);
  table.trie.insert(alias, at < 0 ? endOf(list, table.id) : at);
  if (dstLen === 0) table.numDefault++;
  ipv4.rtCacheFlush();
  return undefined;
}

function giveUp(alias: FibAlias, errno: number): Ack {
  fibReleaseInfo(alias.info);
  return refuse(errno);
}

/** @kernel net/ipv4/fib_trie.c fib_table_delete */
export function fibTableDelete(ipv4: Ipv4Net, table: FibTable, config: FibConfig): Ack {
  const list = table.trie.aliases(config.dst, config.dstLen) ?? [];
  for (let i = findAlias(list, config.tos, 0, table.id); i >= 0 && i < list.length; i++) {
    const alias = list[i]!;
    if (alias.tableId !== table.id || alias.tos !== config.tos) break;
    const { info } = alias;
    const fits =
      (config.type === 0 || alias.type === config.type) &&
      (config.scope === RT_SCOPE_NOWHERE || info.scope === config.scope) &&
      (config.prefsrc === 0 || info.prefsrc === config.prefsrc) &&
      (config.protocol === 0 || info.protocol === config.protocol) &&
      fibNhMatch(config, info) &&
      fibMetricsMatch(config, info);
    if (!fits) continue;
    list.splice(i, 1);
    removed(table, alias);
    ipv4.rtCacheFlush();
    return undefined;
  }
  return refuse(ESRCH);
}

function removed(table: FibTable, alias: FibAlias): void {
  if (alias.plen === 0) table.numDefault--;
  table.trie.prune(alias.key, alias.plen);
  fibReleaseInfo(alias.info);
}

/**
 * Take out what is dead: how many routes went.
 * @kernel net/ipv4/fib_trie.c fib_table_flush
 */
export function fibTableFlush(table: FibTable, all = false): number {
  let flushed = 0;
  for (const alias of table.trie.all()) {
    if (alias.tableId !== table.id) continue;
    if (!all) {
      if ((alias.info.flags & RTNH_F_DEAD) === 0) continue;
      if (FIB_PROPS[alias.type]!.error !== 0 && !alias.info.prefsrcRemoved) continue;
    }
    const list = table.trie.aliases(alias.key, alias.plen)!;
    list.splice(list.indexOf(alias), 1);
    removed(table, alias);
    flushed++;
  }
  return flushed;
}

/** @kernel net/ipv4/fib_frontend.c fib_flush */
export function fibFlush(ipv4: Ipv4Net): void {
  let flushed = 0;
  for (const table of ipv4.fibTables) flushed += fibTableFlush(table);
  if (flushed > 0) ipv4.rtCacheFlush();
}
