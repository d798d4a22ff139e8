/** Lists of addresses that packets came from lately: `-m recent` and /proc/net/xt_recent. */
import { EINVAL } from '../../uapi/errno.ts';
import { JIFFY } from '../../uapi/jiffies.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { XtRecentMatch } from '../../uapi/xtables.ts';
import { formatIpv4, type Ipv4, ipv4At, parseIpv4 } from '../../wire/addr.ts';
import { type NetNamespace, PerNet } from '../core/net-namespace.ts';
import type { SysctlEntry } from '../core/sysctl.ts';
import type { Chain } from './ip-tables.ts';
import type { XtMatchFn } from './xt-action.ts';

/** ip_list_tot */
const LARGEST_LIST = 100;
const XT_RECENT_MAX_NSTAMPS = 65_536;
const DEFAULT_NSTAMPS = 32;
/** What the tick counter of a 64-bit machine starts with at 250 ticks a second: five minutes before 32 bits are full. */
const INITIAL_JIFFIES = 2 ** 32 - 300 * 250;

interface RecentEntry {
  readonly address: Ipv4;
  ttl: number;
  /** Where the next time goes. */
  index: number;
  readonly stamps: number[];
}

/** struct recent_table. The entries are in the order in which they were last seen. */
class RecentTable {
  readonly mask: Ipv4;
  readonly entries: RecentEntry[] = [];
  nstampsMaxMask: number;

  constructor(mask: Ipv4, nstampsMaxMask: number) {
    this.mask = mask;
    this.nstampsMaxMask = nstampsMaxMask;
  }

  /** @kernel net/netfilter/xt_recent.c recent_entry_lookup */
  lookup(address: Ipv4, ttl: number): RecentEntry | undefined {
    return this.entries.find(
      (entry) => entry.address === address && (ttl === 0 || entry.ttl === 0 || entry.ttl === ttl),
    );
  }

  /** @kernel net/netfilter/xt_recent.c recent_entry_init */
  init(address: Ipv4, ttl: number, now: number): void {
    if (this.entries.length >= LARGEST_LIST) this.entries.shift();
    this.entries.push({ address, ttl, index: 1, stamps: [now] });
  }

  /** @kernel net/netfilter/xt_recent.c recent_entry_update */
  update(entry: RecentEntry, now: number): void {
    entry.index &= this.nstampsMaxMask;
    entry.stamps[entry.index++] = now;
    this.remove(entry);
    this.entries.push(entry);
  }

  remove(entry: RecentEntry): void {
    const at = this.entries.indexOf(entry);
    if (at >= 0) this.entries.splice(at, 1);
  }

  /** Drop the entry that was not seen for longest, if that is long ago. @kernel net/netfilter/xt_recent.c recent_entry_reap */
  reap(time: number, working: RecentEntry, update: boolean): void {
    const oldest = this.entries[0]!;
    if (oldest === working && update) return;
    if (time > oldest.stamps[oldest.index - 1]!) this.remove(oldest);
  }
}

class RecentNet {
  readonly net: NetNamespace;
  readonly tables = new Map<string, RecentTable>();
  /** Names of lists that rules use, by what the rules belong to. */
  readonly users = new Map<string, ReadonlySet<string>>();

  constructor(net: NetNamespace) {
    this.net = net;
  }

  used(name: string): boolean {
    return [...this.users.values()].some((names) => names.has(name));
  }
}

const recentNet: PerNet<RecentNet> = new PerNet((net) => new RecentNet(net));

function jiffies(net: NetNamespace): number {
  return INITIAL_JIFFIES + Math.floor(net.kernel.queue.now / JIFFY);
}

function roundUpToPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}

/** Error number for a match that asks for what cannot be. @kernel net/netfilter/xt_recent.c recent_mt_check */
export function recentCheck({ mode, seconds, hitCount, reap, rttl, list }: XtRecentMatch): number {
  const unconditional = mode === 'set' || mode === 'remove';
  if (unconditional && (seconds !== 0 || hitCount !== 0 || reap || rttl)) return EINVAL;
  if ((reap && seconds === 0) || hitCount >= XT_RECENT_MAX_NSTAMPS) return EINVAL;
  return list === '' || list === '.' || list === '..' || list.includes('/') ? EINVAL : 0;
}

/** The list of a rule, made if it is the first. */
function tableFor(state: RecentNet, { list, mask, hitCount }: XtRecentMatch): RecentTable {
  const nstampsMask = hitCount === 0 ? DEFAULT_NSTAMPS - 1 : roundUpToPowerOfTwo(hitCount) - 1;
  const known = state.used(list) ? state.tables.get(list) : undefined;
  if (known === undefined) {
    const made = state.tables.get(list) ?? new RecentTable(mask, nstampsMask);
    state.tables.set(list, made);
    return made;
  }
  if (nstampsMask > known.nstampsMaxMask) {
    known.entries.length = 0;
    known.nstampsMaxMask = nstampsMask;
  }
  return known;
}

/** @kernel net/netfilter/xt_recent.c recent_mt */
export function recentMatch(match: XtRecentMatch, net: NetNamespace): XtMatchFn {
  const { mode, invert, seconds, hitCount, reap, rttl, destination } = match;
  const table = tableFor(recentNet.of(net), match);
  return ({ skb, state, ip }) => {
    const now = jiffies(net);
    const address = (ipv4At(skb.bytes, ip + (destination ? 16 : 12)) & table.mask) >>> 0;
    // The TTL as it was before forwarding.
    const ttl = skb.bytes[ip + 8]! + (state.out !== undefined && state.in !== undefined ? 1 : 0);
    const entry = table.lookup(address, rttl ? ttl : 0);
    if (entry === undefined) {
      if (mode !== 'set') return invert;
      table.init(address, ttl, now);
      return !invert;
    }
    let result = invert;
    if (mode === 'set') result = !invert;
    else if (mode === 'remove') {
      table.remove(entry);
      return !invert;
    } else {
      const time = now - seconds * (1e9 / JIFFY);
      const hits = entry.stamps.filter((stamp) => seconds === 0 || time <= stamp).length;
      if (hits >= Math.max(1, hitCount)) result = !invert;
      if (reap) table.reap(time, entry, mode === 'update' && result);
    }
    if (mode === 'set' || (mode === 'update' && result)) {
      table.update(entry, now);
      entry.ttl = ttl;
    }
    return result;
  };
}

/**
 * The rules of one owner have changed: lists that no rule uses any more are gone.
 * @kernel net/netfilter/xt_recent.c recent_mt_destroy
 */
export function countRecentUsers(net: NetNamespace, owner: string, chains: Iterable<Chain>): void {
  const names = new Set<string>();
  for (const { rules } of chains) {
    for (const { rule } of rules) for (const match of rule.matches) if (match.name === 'recent') names.add(match.list);
  }
  if (names.size === 0 && recentNet.peek(net) === undefined) return;
  const state = recentNet.of(net);
  state.users.set(owner, names);
  for (const name of [...state.tables.keys()]) if (!state.used(name)) state.tables.delete(name);
}

/** @kernel net/netfilter/xt_recent.c recent_seq_show */
function show({ entries, nstampsMaxMask }: RecentTable): string {
  return entries
    .map(({ address, ttl, index, stamps }) => {
      const last = stamps[(index - 1) & nstampsMaxMask]!;
      const seen = `last_seen: ${last} oldest_pkt: ${index} ${stamps.join(', ')}`;
      return `src=${formatIpv4(address)} ttl: ${ttl} ${seen}\n`;
    })
    .join('');
}

/** `+ADDRESS`, `-ADDRESS`, or `/` for all. @kernel net/netfilter/xt_recent.c recent_mt_proc_write */
function write(net: NetNamespace, table: RecentTable, text: string): Ack {
  if (text.startsWith('/')) {
    table.entries.length = 0;
    return undefined;
  }
  const address = parseIpv4(text.slice(1).split('\n', 1)[0]!);
  if (!/^[+-]/.test(text) || address === undefined) return refuse(EINVAL);
  const entry = table.lookup(address, 0);
  if (text.startsWith('-')) {
    if (entry !== undefined) table.remove(entry);
  } else if (entry === undefined) table.init(address, 0, jiffies(net));
  else table.update(entry, jiffies(net));
  return undefined;
}

/** Files of /proc/net/xt_recent. */
export function procRecent(net: NetNamespace): Record<string, SysctlEntry> {
  const files: Record<string, SysctlEntry> = {};
  const state = recentNet.peek(net);
  for (const [name, table] of state?.tables ?? []) {
    if (!state!.used(name)) continue;
    files[name] = { mode: 0o644, read: () => show(table), write: (text) => write(net, table, text) };
  }
  return files;
}
