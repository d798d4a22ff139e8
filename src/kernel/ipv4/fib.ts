/** Routing tables: the objects (include/net/ip_fib.h, net/ipv4/fib_lookup.h). */
import { EACCES, EAGAIN, EHOSTUNREACH, EINVAL } from '../../uapi/errno.ts';
import type { RouteMetrics } from '../../uapi/rtnetlink.ts';
import type { Ipv4 } from '../../wire/addr.ts';
import type { NetDevice } from '../core/netdevice.ts';
import type { FibTrie } from './fib-trie.ts';
import type { Ipv4Net } from './ipv4-net.ts';
import type { Rtable } from './rtable.ts';

/** By RTN_*: the error of a lookup that ends there, and the widest scope allowed. */
export const FIB_PROPS: readonly { readonly error: number; readonly scope: number }[] = [
  { error: 0, scope: 255 },
  { error: 0, scope: 0 },
  { error: 0, scope: 254 },
  { error: 0, scope: 253 },
  { error: 0, scope: 253 },
  { error: 0, scope: 0 },
  { error: EINVAL, scope: 0 },
  { error: EHOSTUNREACH, scope: 0 },
  { error: EACCES, scope: 0 },
  { error: EAGAIN, scope: 0 },
  { error: EINVAL, scope: 255 },
  { error: EINVAL, scope: 255 },
];

/** A path MTU or gateway learned for one destination (struct fib_nh_exception). */
export class FibNhException {
  declare readonly daddr: Ipv4;
  declare genid: number;
  gw: Ipv4 = 0;
  pmtu = 0;
  mtuLocked = false;
  /** Nanoseconds since boot. */
  expires = 0;
  stamp = 0;
  rthInput: Rtable | undefined;
  rthOutput: Rtable | undefined;

  constructor(daddr: Ipv4, genid: number) {
    this.daddr = daddr;
    this.genid = genid;
  }
}

/** One next hop of a route (struct fib_nh). */
export class FibNh {
  declare readonly parent: FibInfo;
  declare oif: number;
  dev: NetDevice | undefined;
  /** 0: the destination is on the link. */
  declare gw: Ipv4;
  /** RTNH_F_* */
  declare flags: number;
  /** How far the gateway is. */
  scope = 0;
  declare readonly weight: number;
  /** The share of hash values up to which this one is taken; -1 for none. */
  upperBound = 0;
  saddr: Ipv4 = 0;
  saddrGenid = -1;
  rthOutput: Rtable | undefined;
  rthInput: Rtable | undefined;
  /** By destination. */
  exceptions: Map<Ipv4, FibNhException> | undefined;
  /** Neighbours in the list of its device's next hops (fib_nh.nh_hash). */
  next: FibNh | undefined;
  prev: FibNh | undefined;

  constructor(parent: FibInfo, oif: number, gw: Ipv4, flags: number, weight: number) {
    this.parent = parent;
    this.oif = oif;
    this.gw = gw;
    this.flags = flags;
    this.weight = weight;
  }
}

const NO_NEXT_HOPS: readonly FibNh[] = [];

/** What routes that lead the same way share (struct fib_info). */
export class FibInfo {
  declare readonly ipv4: Ipv4Net;
  nhs: readonly FibNh[] = NO_NEXT_HOPS;
  declare readonly protocol: number;
  declare readonly scope: number;
  declare readonly type: number;
  declare readonly tableId: number;
  declare readonly prefsrc: Ipv4;
  declare readonly priority: number;
  declare readonly metrics: RouteMetrics | undefined;
  /** RTNH_F_DEAD, RTNH_F_LINKDOWN and what the request gave. */
  declare flags: number;
  /** Aliases that point here. */
  treeref = 0;
  prefsrcRemoved = false;
  /** The next with the same hash. */
  hashNext: FibInfo | undefined;

  constructor(ipv4: Ipv4Net, config: FibConfig) {
    this.ipv4 = ipv4;
    this.protocol = config.protocol;
    this.scope = config.scope;
    this.type = config.type;
    this.tableId = config.table;
    this.prefsrc = config.prefsrc;
    this.priority = config.priority;
    this.metrics = config.metrics;
    this.flags = config.flags;
  }
}

/** One route: a prefix, with its TOS and type (struct fib_alias). */
export interface FibAlias {
  readonly key: Ipv4;
  readonly plen: number;
  readonly tableId: number;
  readonly tos: number;
  readonly type: number;
  readonly info: FibInfo;
  /** Which of several default routes was taken last; -1 for none. */
  default: number;
}

/** A request, checked and complete (struct fib_config). */
export interface FibConfig {
  dst: Ipv4;
  dstLen: number;
  tos: number;
  table: number;
  protocol: number;
  scope: number;
  type: number;
  oif: number;
  gw: Ipv4;
  prefsrc: Ipv4;
  priority: number;
  flags: number;
  nlflags: number;
  metrics: RouteMetrics | undefined;
  multipath: readonly { oif: number; gw: Ipv4; weight: number; flags: number }[] | undefined;
}

/** What is looked up (struct flowi4). */
export class Flowi4 {
  daddr: Ipv4 = 0;
  saddr: Ipv4 = 0;
  oif = 0;
  iif = 0;
  tos = 0;
  scope = 0;
  mark = 0;
  proto = 0;
  /** Who sends: root, unless `ip route get` asks for another. */
  uid = 0;
  /** FLOWI_FLAG_ANYSRC: the source need not be ours. */
  anysrc = false;
  sport = 0;
  dport = 0;
}

/** What was found (struct fib_result). */
export class FibResult {
  prefixlen = 0;
  nhSel = 0;
  type = 0;
  scope = 0;
  nh: FibNh | undefined;
  fi: FibInfo | undefined;
  alias: FibAlias | undefined;
  table: FibTable | undefined;
}

export class FibTable {
  declare readonly id: number;
  declare trie: FibTrie;
  /** Routes to 0.0.0.0/0. */
  numDefault = 0;

  constructor(id: number, trie: FibTrie) {
    this.id = id;
    this.trie = trie;
  }
}
