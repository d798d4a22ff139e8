/** What a route means: next hops that are checked, shared between routes, and marked when links go. */
import { EINVAL, ENETDOWN, ENODEV } from '../../uapi/errno.ts';
import { IFF_LOWER_UP, IFF_RUNNING, IFF_UP } from '../../uapi/if.ts';
import { type Refusal, refuse } from '../../uapi/result.ts';
import {
  type RouteMetrics,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTNH_F_DEAD,
  RTNH_F_LINKDOWN,
  RTNH_F_ONLINK,
  RTNH_F_PERVASIVE,
} from '../../uapi/rtnetlink.ts';
import type { Ipv4 } from '../../wire/addr.ts';
import { devGetFlags } from '../core/link-watch.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { FIB_PROPS, type FibConfig, FibInfo, FibNh, FibResult, Flowi4 } from './fib.ts';
import { fibLookup, inetAddrType } from './fib-lookup.ts';
import { FIB_LOOKUP_IGNORE_LINKSTATE, fibTableLookup } from './fib-table-lookup.ts';
import { inDevGet, ipIgnoreLinkdown } from './in-device.ts';
import { inetSelectAddr } from './inet-addr.ts';
import type { Ipv4Net } from './ipv4-net.ts';

const RTN_MAX = 11;
/** Flags that two equal next hops may differ in (RTNH_COMPARE_MASK: dead, linkdown, offload, trap). */
const COMPARE_MASK = RTNH_F_DEAD | RTNH_F_LINKDOWN | 8 | 64;

function hashOf(fi: FibInfo): number {
  let hash = fi.nhs.length ^ (fi.protocol << 8) ^ fi.scope ^ fi.prefsrc ^ fi.priority;
  for (const nh of fi.nhs) hash ^= Math.imul(nh.oif, 0x9e37) ^ nh.gw;
  return hash | 0;
}

/**
 * The next hops for a new route: checked, and shared with routes that have the same ones.
 * @kernel net/ipv4/fib_semantics.c fib_create_info #P[nexthop objects, encapsulation, IPv6 gateways]
 */
export function fibCreateInfo(ipv4: Ipv4Net, config: FibConfig): FibInfo | Refusal {
  if (config.type > RTN_MAX) return refuse(EINVAL);
  const props = FIB_PROPS[config.type]!;
  if (props.scope > config.scope) return refuse(EINVAL, 'Invalid scope');
  if ((config.flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) !== 0) {
    return refuse(EINVAL, 'Invalid rtm_flags - can not contain DEAD or LINKDOWN');
  }
  if (config.multipath?.length === 0) return refuse(EINVAL);
  const fi = new FibInfo(ipv4, config);
  const made = makeNexthops(fi, config);
  if (made !== undefined) return made;
  if (props.error !== 0) {
    if (config.gw !== 0 || config.oif !== 0 || config.multipath !== undefined) {
      return refuse(EINVAL, 'Gateway, device and multipath can not be specified for this route type');
    }
    return share(fi);
  }
  if (config.type < RTN_UNICAST || config.type > RTN_MULTICAST) return refuse(EINVAL, 'Invalid route type');
  if (config.scope > RT_SCOPE_HOST) return refuse(EINVAL, 'Invalid scope');
  const checked = config.scope === RT_SCOPE_HOST ? checkHostNexthop(fi) : checkNexthops(fi, config);
  if (checked !== undefined) return checked;
  if (fi.prefsrc !== 0 && !validPrefsrc(ipv4, config)) return refuse(EINVAL, 'Invalid prefsrc address');
  for (const nh of fi.nhs) fibInfoUpdateNhSaddr(nh);
  fibRebalance(fi);
  return share(fi);
}

/** @kernel net/ipv4/fib_semantics.c fib_get_nhs */
function makeNexthops(fi: FibInfo, config: FibConfig): Refusal | undefined {
  const { multipath } = config;
  if (multipath === undefined) {
    fi.nhs = [new FibNh(fi, config.oif, config.gw, config.flags, 1)];
    return undefined;
  }
  for (const hop of multipath) {
    if ((hop.flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) !== 0) {
      return refuse(EINVAL, 'Invalid flags for nexthop - can not contain DEAD or LINKDOWN');
    }
    fi.nhs = [...fi.nhs, new FibNh(fi, hop.oif, hop.gw, (config.flags & ~0xff) | hop.flags, hop.weight)];
  }
  const first = fi.nhs[0]!;
  if (config.oif !== 0 && first.oif !== config.oif) {
    return refuse(EINVAL, 'Nexthop device index does not match RTA_OIF');
  }
  if (config.gw !== 0 && first.gw !== config.gw) {
    return refuse(EINVAL, 'Nexthop gateway does not match RTA_GATEWAY or RTA_VIA');
  }
  return undefined;
}

/** A local address: the next hop is the device itself. */
function checkHostNexthop(fi: FibInfo): Refusal | undefined {
  if (fi.nhs.length !== 1) return refuse(EINVAL, 'Route with host scope can not have multiple nexthops');
  const nh = fi.nhs[0]!;
  if (nh.gw !== 0) return refuse(EINVAL, 'Route with host scope can not have a gateway');
  nh.scope = RT_SCOPE_NOWHERE;
  nh.dev = fi.ipv4.net.devByIndex(nh.oif);
  return nh.dev === undefined ? refuse(ENODEV) : undefined;
}

function checkNexthops(fi: FibInfo, config: FibConfig): Refusal | undefined {
  let linkdown = 0;
  for (const nh of fi.nhs) {
    const refused = fibCheckNh(fi.ipv4, nh, config.table, config.scope);
    if (refused !== undefined) return refused;
    if ((nh.flags & RTNH_F_LINKDOWN) !== 0) linkdown++;
  }
  if (linkdown === fi.nhs.length) fi.flags |= RTNH_F_LINKDOWN;
  return undefined;
}

/** @kernel net/ipv4/fib_semantics.c fib_check_nh */
function fibCheckNh(ipv4: Ipv4Net, nh: FibNh, table: number, scope: number): Refusal | undefined {
  return nh.gw === 0 ? fibCheckNhNongw(ipv4, nh) : fibCheckNhV4Gw(ipv4, nh, table, scope);
}

/** @kernel net/ipv4/fib_semantics.c fib_check_nh_v4_gw */
function fibCheckNhV4Gw(ipv4: Ipv4Net, nh: FibNh, table: number, scope: number): Refusal | undefined {
  if ((nh.flags & RTNH_F_ONLINK) !== 0) {
    if (scope >= RT_SCOPE_LINK) return refuse(EINVAL, 'Nexthop has invalid scope');
    const dev = ipv4.net.devByIndex(nh.oif);
    if (dev === undefined) return refuse(ENODEV, 'Nexthop device required for onlink');
    if ((dev.flags & IFF_UP) === 0) return refuse(ENETDOWN, 'Nexthop device is not up');
    if (inetAddrType(ipv4, nh.gw) !== RTN_UNICAST) return refuse(EINVAL, 'Nexthop has invalid gateway');
    if (!dev.carrier) nh.flags |= RTNH_F_LINKDOWN;
    nh.dev = dev;
    nh.scope = RT_SCOPE_LINK;
    return undefined;
  }
  const flow = new Flowi4();
  flow.daddr = nh.gw;
  flow.scope = Math.max(scope + 1, RT_SCOPE_LINK);
  flow.oif = nh.oif;
  const res = new FibResult();
  const tb = table !== 0 && table !== RT_TABLE_MAIN ? ipv4.fibGetTable(table) : undefined;
  let error = tb === undefined ? 1 : fibTableLookup(tb, flow, res, FIB_LOOKUP_IGNORE_LINKSTATE);
  if (error !== 0) error = fibLookup(ipv4, flow, res, FIB_LOOKUP_IGNORE_LINKSTATE);
  if (error !== 0) return refuse(error, 'Nexthop has invalid gateway');
  if (res.type !== RTN_UNICAST && res.type !== RTN_LOCAL) return refuse(EINVAL, 'Nexthop has invalid gateway');
  nh.scope = res.scope;
  nh.oif = res.nh!.oif;
  nh.dev = res.nh!.dev;
  if (nh.dev === undefined) return refuse(EINVAL, 'No egress device for nexthop gateway');
  if (!nh.dev.carrier) nh.flags |= RTNH_F_LINKDOWN;
  return (nh.dev.flags & IFF_UP) !== 0 ? undefined : refuse(ENETDOWN);
}

/** @kernel net/ipv4/fib_semantics.c fib_check_nh_nongw */
function fibCheckNhNongw(ipv4: Ipv4Net, nh: FibNh): Refusal | undefined {
  if ((nh.flags & (RTNH_F_PERVASIVE | RTNH_F_ONLINK)) !== 0) {
    return refuse(EINVAL, 'Invalid flags for nexthop - PERVASIVE and ONLINK can not be set');
  }
  const dev = ipv4.net.devByIndex(nh.oif);
  if (dev === undefined || inDevGet(dev) === undefined) return refuse(ENODEV);
  if ((dev.flags & IFF_UP) === 0) return refuse(ENETDOWN, 'Device for nexthop is not up');
  nh.dev = dev;
  nh.scope = RT_SCOPE_HOST;
  if (!dev.carrier) nh.flags |= RTNH_F_LINKDOWN;
  return undefined;
}

/** @kernel net/ipv4/fib_semantics.c fib_valid_prefsrc */
function validPrefsrc(ipv4: Ipv4Net, config: FibConfig): boolean {
  if (config.type === RTN_LOCAL && config.dst !== 0 && config.prefsrc === config.dst) return true;
  const table = config.table === RT_TABLE_MAIN ? RT_TABLE_LOCAL : config.table;
  if (inetAddrType(ipv4, config.prefsrc, table) === RTN_LOCAL) return true;
  return table !== RT_TABLE_LOCAL && inetAddrType(ipv4, config.prefsrc) === RTN_LOCAL;
}

/** The same next hops as an older route's, or these, which are now known. */
function share(fi: FibInfo): FibInfo {
  const hash = hashOf(fi);
  const { fibInfos } = fi.ipv4;
  let last: FibInfo | undefined;
  for (let other = fibInfos.get(hash); other !== undefined; other = other.hashNext) {
    if (sameInfo(other, fi)) {
      other.treeref++;
      return other;
    }
    last = other;
  }
  fi.treeref = 1;
  if (last === undefined) fibInfos.set(hash, fi);
  else last.hashNext = fi;
  for (const nh of fi.nhs) hashByDevice(nh);
  return fi;
}

/** @kernel net/ipv4/fib_semantics.c fib_find_info */
function sameInfo(a: FibInfo, b: FibInfo): boolean {
  return (
    a.nhs.length === b.nhs.length &&
    a.protocol === b.protocol &&
    a.scope === b.scope &&
    a.prefsrc === b.prefsrc &&
    a.priority === b.priority &&
    a.type === b.type &&
    a.tableId === b.tableId &&
    ((a.flags ^ b.flags) & ~COMPARE_MASK) === 0 &&
    sameMetrics(a.metrics, b.metrics) &&
    a.nhs.every((nh, i) => sameNh(nh, b.nhs[i]!))
  );
}

function sameNh(a: FibNh, b: FibNh): boolean {
  return (
    a.oif === b.oif &&
    a.gw === b.gw &&
    a.scope === b.scope &&
    a.weight === b.weight &&
    ((a.flags ^ b.flags) & ~COMPARE_MASK) === 0
  );
}

const METRICS = [
  'mtu',
  'advmss',
  'window',
  'rtt',
  'rttvar',
  'ssthresh',
  'cwnd',
  'reordering',
  'initcwnd',
  'initrwnd',
  'hoplimit',
  'features',
  'rtoMin',
  'quickack',
  'fastopenNoCookie',
  'lock',
] as const;

function sameMetrics(a: RouteMetrics | undefined, b: RouteMetrics | undefined): boolean {
  return METRICS.every((name) => (a?.[name] ?? 0) === (b?.[name] ?? 0));
}

/** One route less has them. @kernel net/ipv4/fib_semantics.c fib_release_info */
export function fibReleaseInfo(fi: FibInfo): void {
  if (--fi.treeref > 0) return;
  // The hash of a next hop without gateway is made of what fibCheckNh left there.
  const hash = hashOf(fi);
  const { fibInfos } = fi.ipv4;
  let before: FibInfo | undefined;
  let at = fibInfos.get(hash);
  while (at !== undefined && at !== fi) {
    before = at;
    at = at.hashNext;
  }
  if (at === undefined) return;
  if (before !== undefined) before.hashNext = fi.hashNext;
  else if (fi.hashNext !== undefined) fibInfos.set(hash, fi.hashNext);
  else fibInfos.delete(hash);
  for (const nh of fi.nhs) unhashByDevice(nh);
}

/** Put a next hop at the head of its device's list, as fib_create_info() does. */
function hashByDevice(nh: FibNh): void {
  if (nh.dev === undefined) return;
  const head = nh.dev.fibNhHead as FibNh | undefined;
  nh.next = head;
  if (head !== undefined) head.prev = nh;
  nh.dev.fibNhHead = nh;
}

function unhashByDevice(nh: FibNh): void {
  if (nh.dev === undefined) return;
  if (nh.prev !== undefined) nh.prev.next = nh.next;
  else nh.dev.fibNhHead = nh.next;
  if (nh.next !== undefined) nh.next.prev = nh.prev;
}

/** Those in use that have a next hop over the device. */
function* fibInfosOver(dev: NetDevice): IterableIterator<FibInfo> {
  for (let nh = dev.fibNhHead as FibNh | undefined; nh !== undefined; nh = nh.next) {
    const fi = nh.parent;
    // Once for each, though it may have several next hops there.
    if (fi.nhs.length === 1 || fi.nhs.find((other) => other.dev === dev) === nh) yield fi;
  }
}

/** All that are in use. */
export function* fibInfosOf(ipv4: Ipv4Net): IterableIterator<FibInfo> {
  for (const first of ipv4.fibInfos.values()) {
    for (let fi: FibInfo | undefined = first; fi !== undefined; fi = fi.hashNext) yield fi;
  }
}

/** @kernel net/ipv4/fib_semantics.c fib_info_update_nhc_saddr */
export function fibInfoUpdateNhSaddr(nh: FibNh): Ipv4 {
  const { ipv4, scope } = nh.parent;
  nh.saddr = nh.dev === undefined ? 0 : inetSelectAddr(nh.dev, nh.gw, scope);
  nh.saddrGenid = ipv4.devAddrGenid;
  return nh.saddr;
}

/** The source address that a route found gives. @kernel net/ipv4/fib_semantics.c fib_result_prefsrc */
export function fibResultPrefsrc(res: FibResult): Ipv4 {
  const { prefsrc } = res.fi!;
  if (prefsrc !== 0) return prefsrc;
  const nh = res.nh!;
  return nh.saddrGenid === nh.parent.ipv4.devAddrGenid ? nh.saddr : fibInfoUpdateNhSaddr(nh);
}

/** The shares of the next hops that may be used. @kernel net/ipv4/fib_semantics.c fib_rebalance */
export function fibRebalance(fi: FibInfo): void {
  if (fi.nhs.length < 2) return;
  const usable = (nh: FibNh): boolean =>
    (nh.flags & RTNH_F_DEAD) === 0 && !((nh.flags & RTNH_F_LINKDOWN) !== 0 && ipIgnoreLinkdown(nh.dev));
  let total = 0;
  for (const nh of fi.nhs) if (usable(nh)) total += nh.weight;
  let sum = 0;
  for (const nh of fi.nhs) {
    if (total === 0 || !usable(nh)) {
      nh.upperBound = -1;
      continue;
    }
    sum += nh.weight;
    nh.upperBound = Math.round((sum * 2 ** 31) / total) - 1;
  }
}

/**
 * An address has gone: routes with it as their source are dead. How many were.
 * @kernel net/ipv4/fib_semantics.c fib_sync_down_addr
 */
export function fibSyncDownAddr(ipv4: Ipv4Net, local: Ipv4): number {
  if (local === 0) return 0;
  let dead = 0;
  for (const fi of fibInfosOf(ipv4)) {
    if (fi.prefsrc !== local || fi.tableId !== RT_TABLE_MAIN) continue;
    fi.flags |= RTNH_F_DEAD;
    fi.prefsrcRemoved = true;
    dead++;
  }
  return dead;
}

export type FibDownEvent = 'CHANGE' | 'DOWN' | 'UNREGISTER';

/**
 * The carrier, the device, or IPv4 on it has gone. How many routes lost their last next hop.
 * @kernel net/ipv4/fib_semantics.c fib_sync_down_dev
 * @param force the routes of local addresses too
 */
export function fibSyncDownDev(dev: NetDevice, event: FibDownEvent, force: boolean): number {
  const spared = force ? -1 : RT_SCOPE_NOWHERE;
  let count = 0;
  for (const fi of fibInfosOver(dev)) {
    let dead = 0;
    for (const nh of fi.nhs) {
      if ((nh.flags & RTNH_F_DEAD) !== 0) dead++;
      else if (nh.dev === dev && nh.scope !== spared) {
        if (event !== 'CHANGE') nh.flags |= RTNH_F_DEAD;
        nh.flags |= RTNH_F_LINKDOWN;
        dead++;
      }
      if (event === 'UNREGISTER' && nh.dev === dev) {
        dead = fi.nhs.length;
        break;
      }
    }
    if (dead === fi.nhs.length) {
      if (event !== 'CHANGE') fi.flags |= RTNH_F_DEAD;
      fi.flags |= RTNH_F_LINKDOWN;
      count++;
    }
    fibRebalance(fi);
  }
  return count;
}

/**
 * A device, or its carrier, came up: next hops by it live again.
 * @kernel net/ipv4/fib_semantics.c fib_sync_up
 */
export function fibSyncUp(dev: NetDevice, flags: number): void {
  if ((dev.flags & IFF_UP) === 0) return;
  const linkUp = (devGetFlags(dev) & (IFF_RUNNING | IFF_LOWER_UP)) !== 0;
  const clear = (flags & RTNH_F_DEAD) !== 0 && linkUp ? flags | RTNH_F_LINKDOWN : flags;
  for (const fi of fibInfosOver(dev)) {
    let alive = 0;
    for (const nh of fi.nhs) {
      if ((nh.flags & clear) === 0) {
        alive++;
        continue;
      }
      if (nh.dev !== dev || inDevGet(dev) === undefined) continue;
      alive++;
      nh.flags &= ~clear;
    }
    if (alive > 0) fi.flags &= ~clear;
    fibRebalance(fi);
  }
}

/** The MTU of a device changed: so do the path MTUs learned behind it. @kernel net/ipv4/fib_semantics.c fib_sync_mtu */
export function fibSyncMtu(dev: NetDevice, oldMtu: number): void {
  for (const fi of fibInfosOver(dev)) {
    for (const nh of fi.nhs) {
      if (nh.dev !== dev || nh.exceptions === undefined) continue;
      for (const exception of nh.exceptions.values()) {
        if (exception.mtuLocked) {
          if (dev.mtu > exception.pmtu) continue;
          exception.pmtu = dev.mtu;
          exception.mtuLocked = false;
        } else if (dev.mtu < exception.pmtu || oldMtu === exception.pmtu) exception.pmtu = dev.mtu;
      }
    }
  }
}

/** Whether `gw` is already the gateway of a route by `dev`. @kernel net/ipv4/fib_semantics.c ip_fib_check_default */
export function ipFibCheckDefault(gw: Ipv4, dev: NetDevice): boolean {
  for (const fi of fibInfosOver(dev)) {
    if (fi.nhs.some((nh) => nh.dev === dev && nh.gw === gw && (nh.flags & RTNH_F_DEAD) === 0)) return true;
  }
  return false;
}

/** Whether a refusal to delete: the request does not fit the route. @kernel net/ipv4/fib_semantics.c fib_nh_match */
export function fibNhMatch(config: FibConfig, fi: FibInfo): boolean {
  if (config.priority !== 0 && config.priority !== fi.priority) return false;
  if (config.oif !== 0 || config.gw !== 0) {
    const nh = fi.nhs[0]!;
    return (config.oif === 0 || config.oif === nh.oif) && (config.gw === 0 || config.gw === nh.gw);
  }
  const { multipath } = config;
  if (multipath === undefined) return true;
  return fi.nhs.every((nh, i) => {
    const hop = multipath[i];
    return hop !== undefined && (hop.oif === 0 || hop.oif === nh.oif) && (hop.gw === 0 || hop.gw === nh.gw);
  });
}

/** @kernel net/ipv4/fib_semantics.c fib_metrics_match */
export function fibMetricsMatch(config: FibConfig, fi: FibInfo): boolean {
  if (config.metrics === undefined) return true;
  const wanted = config.metrics;
  return METRICS.every((name) => wanted[name] === undefined || wanted[name] === (fi.metrics?.[name] ?? 0));
}
