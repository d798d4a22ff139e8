/** What IPv4 keeps for a network namespace (struct netns_ipv4). */
import { RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN } from '../../uapi/rtnetlink.ts';
import type { Ipv4 } from '../../wire/addr.ts';
import type { Kernel } from '../core/kernel.ts';
import { type NetNamespace, PerNet } from '../core/net-namespace.ts';
import { devconfAll, devconfDefault } from './devconf.ts';
import { type FibInfo, FibTable } from './fib.ts';
import type { Fib4Rule } from './fib-rules.ts';
import { FibTrie } from './fib-trie.ts';
import type { InIfaddr } from './in-device.ts';
import { InetPeers } from './inetpeer.ts';
import { SharedSysctls } from './ipv4-sysctls.ts';
import type { InputRouteCache } from './route-input-cache.ts';
import type { Rtable } from './rtable.ts';
import { Snmp } from './snmp.ts';

const SECOND = 1e9;
/** As many routing tables are found as fast by looking at each. */
const FEW_TABLES = 8;

export class Ipv4Net extends SharedSysctls {
  declare readonly net: NetNamespace;
  declare readonly kernel: Kernel;
  readonly devconfAll = devconfAll();
  readonly devconfDflt = devconfDefault();
  /** All addresses of the namespace, by local address. */
  readonly addresses = new Map<Ipv4, InIfaddr[]>();
  /** Counts changes of routing: cached routes of another count are void. */
  rtGenid = 1;
  /** Counts changes of addresses. */
  devAddrGenid = 1;
  /** Counts flushes of learned path MTUs and gateways. */
  fnheGenid = 1;
  /** In order of creation. */
  fibTables: readonly FibTable[] = [];
  /** The same by number, once there are many. */
  private fibTablesById: Map<number, FibTable> | undefined;
  fibMain: FibTable | undefined;
  fibDefault: FibTable | undefined;
  /** Undefined: the three rules that every namespace begins with. */
  fibRules: Fib4Rule[] | undefined;
  /** There were other rules than those at some time. */
  fibHasCustomRules = false;
  /** A rule looks at protocol or ports. */
  fibRulesRequireFldissect = false;
  /** Routes of type local were added by hand. */
  fibHasCustomLocalRoutes = false;
  /** By a hash of their contents: the first of a chain. */
  readonly fibInfos = new Map<number, FibInfo>();
  private knownPeers: InetPeers | undefined;
  /** Recently found input routes; see route-input-cache.ts. */
  inputCache: InputRouteCache | undefined;
  /** See noRoute() of route-input.ts. */
  unreachable: Rtable | undefined;
  private counters: Snmp | undefined;

  /** Credit of the namespace's limit on ICMP errors, and when it was last filled up. */
  icmpGlobalCredit = 0;
  icmpGlobalStamp = -SECOND;

  constructor(net: NetNamespace) {
    super();
    this.net = net;
    this.kernel = net.kernel;
  }

  get peers(): InetPeers {
    this.knownPeers ??= new InetPeers();
    return this.knownPeers;
  }

  get mib(): Snmp {
    this.counters ??= new Snmp();
    return this.counters;
  }

  /**
   * Cached routes are void.
   * @kernel net/ipv4/route.c rt_cache_flush
   */
  rtCacheFlush(): void {
    this.rtGenid++;
  }

  /** @kernel net/ipv4/fib_frontend.c fib_get_table */
  fibGetTable(id: number): FibTable | undefined {
    const wanted = id === 0 ? RT_TABLE_MAIN : id;
    if (this.fibTablesById !== undefined) return this.fibTablesById.get(wanted);
    for (const table of this.fibTables) if (table.id === wanted) return table;
    return undefined;
  }

  /** @kernel net/ipv4/fib_frontend.c fib_new_table */
  fibNewTable(id: number): FibTable {
    const existing = this.fibGetTable(id);
    if (existing !== undefined) return existing;
    // The local table comes with the main one, and shares its prefixes until there are rules.
    const shared = id === RT_TABLE_LOCAL && !this.fibHasCustomRules;
    const table = new FibTable(id, shared ? this.fibNewTable(RT_TABLE_MAIN).trie : new FibTrie());
    this.fibTables = this.fibTables.concat(table);
    if (this.fibTables.length > FEW_TABLES) {
      this.fibTablesById ??= new Map(this.fibTables.map((each) => [each.id, each]));
      this.fibTablesById.set(id, table);
    }
    if (id === RT_TABLE_MAIN) this.fibMain = table;
    else if (id === RT_TABLE_DEFAULT) this.fibDefault = table;
    return table;
  }

  /**
   * The local table becomes a table of its own, as rules may part it from the main one.
   * @kernel net/ipv4/fib_frontend.c fib_unmerge
   */
  fibUnmerge(): void {
    const local = this.fibGetTable(RT_TABLE_LOCAL);
    const main = this.fibGetTable(RT_TABLE_MAIN);
    if (local === undefined || main === undefined || local.trie !== main.trie) return;
    const shared = main.trie;
    main.trie = new FibTrie();
    local.trie = new FibTrie();
    for (const alias of shared.all()) {
      const { trie } = alias.tableId === RT_TABLE_LOCAL ? local : main;
      trie.insert(alias, trie.aliases(alias.key, alias.plen)?.length ?? 0);
    }
  }
}

const perNet = new PerNet((net) => new Ipv4Net(net));

/** The IPv4 state of a namespace. */
export function ipv4Of(net: NetNamespace): Ipv4Net {
  return perNet.of(net);
}
