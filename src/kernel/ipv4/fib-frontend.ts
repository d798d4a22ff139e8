/** The routing tables' outside: requests of user space, and the routes that follow from addresses. */
import { EINVAL, ENOENT, ESRCH } from '../../uapi/errno.ts';
import { IFF_LOOPBACK, IFF_LOWER_UP, IFF_RUNNING, IFF_UP } from '../../uapi/if.ts';
import { type Ack, isRefusal, type Refusal, refuse } from '../../uapi/result.ts';
import {
  AF_INET,
  IFA_F_NOPREFIXROUTE,
  IFA_F_SECONDARY,
  NLM_F_APPEND,
  NLM_F_CREATE,
  type RouteMessage,
  type RouteMetrics,
  type RouteNexthop,
  type RouteRequest,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_UNICAST,
  RTNH_F_DEAD,
  RTNH_F_LINKDOWN,
  RTNH_F_OFFLOAD,
  RTNH_F_ONLINK,
  RTPROT_KERNEL,
} from '../../uapi/rtnetlink.ts';
import { type Ipv4, isZeronetIpv4 } from '../../wire/addr.ts';
import { devGetFlags } from '../core/link-watch.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { NetDevice } from '../core/netdevice.ts';
import type { NetdevEvent, NotifierInfo } from '../core/notifier.ts';
import { arpIfdown, arpInvalidate } from './arp-table.ts';
import type { FibAlias, FibConfig, FibNh } from './fib.ts';
import { inetAddrType } from './fib-lookup.ts';
import { type FibDownEvent, fibSyncDownAddr, fibSyncDownDev, fibSyncMtu, fibSyncUp } from './fib-semantics.ts';
import { fibFlush, fibTableDelete, fibTableInsert } from './fib-table.ts';
import { type InIfaddr, inDevGet, inetIfaMatch, ipIgnoreLinkdown } from './in-device.ts';
import { inetIfaByprefix } from './inet-addr.ts';
import { type Ipv4Net, ipv4Of } from './ipv4-net.ts';
import { fibDumpInfoFnhe } from './route-exceptions.ts';

const RTN_MAX = 11;

/** @kernel net/ipv4/fib_frontend.c rtm_to_fib_config */
function rtmToFibConfig(request: RouteRequest, nlflags: number): FibConfig | Refusal {
  const tos = request.tos ?? 0;
  if ((tos & 3) !== 0) return refuse(EINVAL, 'Invalid dsfield (tos): ECN bits must be 0');
  const type = request.type ?? 0;
  if (type > RTN_MAX) return refuse(EINVAL, 'Invalid route type');
  const { dst, dstLen } = request;
  if (dstLen > 32) return refuse(EINVAL, 'Invalid prefix length');
  if (dstLen < 32 && (dst << dstLen) >>> 0 !== 0) return refuse(EINVAL, 'Invalid prefix for given prefix length');
  return {
    dst,
    dstLen,
    tos,
    table: request.table === undefined || request.table === 0 ? RT_TABLE_MAIN : request.table,
    protocol: request.protocol ?? 0,
    scope: request.scope ?? 0,
    type,
    oif: request.oif ?? 0,
    gw: request.gateway ?? 0,
    prefsrc: request.prefsrc ?? 0,
    priority: request.priority ?? 0,
    flags: request.flags ?? 0,
    nlflags,
    metrics: ipMetricsConvert(request.metrics),
    multipath: request.multipath?.map((hop) => ({
      oif: hop.oif ?? 0,
      gw: hop.gateway ?? 0,
      weight: hop.weight,
      flags: hop.flags,
    })),
  };
}

/** Sizes above what a packet can have are cut. @kernel net/ipv4/metrics.c ip_metrics_convert #P[congestion control] */
function ipMetricsConvert(metrics: RouteMetrics | undefined): RouteMetrics | undefined {
  if (metrics === undefined) return undefined;
  const converted = { ...metrics };
  if (converted.mtu !== undefined) converted.mtu = Math.min(converted.mtu, 65535 - 15);
  if (converted.advmss !== undefined) converted.advmss = Math.min(converted.advmss, 65535 - 40);
  if (converted.hoplimit !== undefined) converted.hoplimit = Math.min(converted.hoplimit, 255);
  return converted;
}

/** RTM_NEWROUTE. @kernel net/ipv4/fib_frontend.c inet_rtm_newroute */
export function inetRtmNewroute(net: NetNamespace, request: RouteRequest, flags: number): Ack {
  const config = rtmToFibConfig(request, flags);
  if (isRefusal(config)) return config;
  const ipv4 = ipv4Of(net);
  const refused = fibTableInsert(ipv4, ipv4.fibNewTable(config.table), config);
  if (refused === undefined && config.type === RTN_LOCAL) ipv4.fibHasCustomLocalRoutes = true;
  return refused;
}

/** RTM_DELROUTE. @kernel net/ipv4/fib_frontend.c inet_rtm_delroute */
export function inetRtmDelroute(net: NetNamespace, request: RouteRequest): Ack {
  const config = rtmToFibConfig(request, 0);
  if (isRefusal(config)) return config;
  const ipv4 = ipv4Of(net);
  const table = ipv4.fibGetTable(config.table);
  if (table === undefined) return refuse(ESRCH, 'FIB table does not exist');
  return fibTableDelete(ipv4, table, config);
}

/** Flags and attributes of a next hop in a message. @kernel net/ipv4/fib_semantics.c fib_nexthop_info */
function nexthopFlags(nh: FibNh): number {
  let flags = nh.flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN | RTNH_F_ONLINK | RTNH_F_OFFLOAD);
  if ((nh.flags & RTNH_F_LINKDOWN) !== 0 && ipIgnoreLinkdown(nh.dev)) flags |= RTNH_F_DEAD;
  return flags;
}

/** @kernel net/ipv4/fib_semantics.c fib_dump_info */
export function fibDumpInfo(alias: FibAlias): RouteMessage {
  const { info } = alias;
  const message: RouteMessage = {
    family: AF_INET,
    dst: alias.key,
    dstLen: alias.plen,
    tos: alias.tos,
    table: alias.tableId,
    type: alias.type,
    scope: info.scope,
    protocol: info.protocol,
    flags: info.flags,
  };
  if (info.priority !== 0) message.priority = info.priority;
  if (info.metrics !== undefined) message.metrics = info.metrics;
  if (info.prefsrc !== 0) message.prefsrc = info.prefsrc;
  const only = info.nhs[0]!;
  if (info.nhs.length === 1) {
    message.flags = nexthopFlags(only);
    if (only.gw !== 0) message.gateway = only.gw;
    if (only.dev !== undefined) message.oif = only.dev.ifindex;
  } else {
    message.multipath = info.nhs.map((nh) => {
      const hop: RouteNexthop = { weight: nh.weight, flags: nexthopFlags(nh), oif: nh.dev?.ifindex ?? 0 };
      if (nh.gw !== 0) hop.gateway = nh.gw;
      return hop;
    });
  }
  return message;
}

/**
 * The routes of one table, or of all: tables by the low byte of their number, prefixes upwards.
 * @kernel net/ipv4/fib_frontend.c inet_dump_fib
 */
export function inetDumpFib(
  net: NetNamespace,
  filter: { table?: number; cloned?: boolean } = {},
): RouteMessage[] | Refusal {
  const ipv4 = ipv4Of(net);
  const all = filter.table === undefined || filter.table === 0;
  const tables = all
    ? [...ipv4.fibTables].reverse().sort((a, b) => (a.id & 255) - (b.id & 255))
    : ipv4.fibTables.filter((table) => table.id === filter.table);
  if (!all && tables.length === 0) return refuse(ENOENT, 'ipv4: FIB table does not exist');
  const messages: RouteMessage[] = [];
  for (const table of tables) {
    for (const alias of table.trie.all()) {
      if (alias.tableId !== table.id) continue;
      if (filter.cloned === true) messages.push(...fibDumpInfoFnhe(alias, ipv4));
      else messages.push(fibDumpInfo(alias));
    }
  }
  return messages;
}

/** A route that follows from an address. @kernel net/ipv4/fib_frontend.c fib_magic */
function fibMagic(add: boolean, type: number, dst: Ipv4, dstLen: number, ifa: InIfaddr, priority: number): void {
  const { ipv4, dev } = ifa.dev;
  const table = ipv4.fibNewTable(type === RTN_UNICAST ? RT_TABLE_MAIN : RT_TABLE_LOCAL);
  const config: FibConfig = {
    dst,
    dstLen,
    tos: 0,
    table: table.id,
    protocol: RTPROT_KERNEL,
    scope: type === RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_LINK,
    type,
    oif: dev.ifindex,
    gw: 0,
    prefsrc: ifa.local,
    priority,
    flags: 0,
    nlflags: NLM_F_CREATE | NLM_F_APPEND,
    metrics: undefined,
    multipath: undefined,
  };
  if (add) fibTableInsert(ipv4, table, config);
  else fibTableDelete(ipv4, table, config);
}

function prefixType(dev: NetDevice): number {
  return (dev.flags & IFF_LOOPBACK) !== 0 ? RTN_LOCAL : RTN_UNICAST;
}

/** @kernel net/ipv4/fib_frontend.c fib_add_ifaddr */
export function fibAddIfaddr(ifa: InIfaddr): void {
  const { dev } = ifa.dev;
  const { mask } = ifa;
  const prefix = (ifa.address & mask) >>> 0;
  const secondary = (ifa.flags & IFA_F_SECONDARY) !== 0;
  const prim = secondary ? inetIfaByprefix(ifa.dev, prefix, mask) : ifa;
  if (prim === undefined) return;
  fibMagic(true, RTN_LOCAL, ifa.local, 32, prim, 0);
  if ((dev.flags & IFF_UP) === 0) return;
  if (ifa.broadcast !== 0 && ifa.broadcast !== 0xffff_ffff) {
    fibMagic(true, RTN_BROADCAST, ifa.broadcast, 32, prim, 0);
    arpInvalidate(dev, ifa.broadcast, false);
  }
  if (isZeronetIpv4(prefix) || secondary || (prefix === ifa.local && ifa.prefixlen === 32)) return;
  if ((ifa.flags & IFA_F_NOPREFIXROUTE) === 0) {
    fibMagic(true, prefixType(dev), prefix, ifa.prefixlen, prim, ifa.rtPriority);
  }
  if (ifa.prefixlen < 31) {
    const brd = (prefix | ~mask) >>> 0;
    fibMagic(true, RTN_BROADCAST, brd, 32, prim, 0);
    arpInvalidate(dev, brd, false);
  }
}

/** @kernel net/ipv4/fib_frontend.c fib_modify_prefix_metric */
export function fibModifyPrefixMetric(ifa: InIfaddr, metric: number): void {
  const { dev } = ifa.dev;
  const prefix = (ifa.address & ifa.mask) >>> 0;
  if (
    (dev.flags & IFF_UP) === 0 ||
    (ifa.flags & (IFA_F_SECONDARY | IFA_F_NOPREFIXROUTE)) !== 0 ||
    isZeronetIpv4(prefix) ||
    (prefix === ifa.local && ifa.prefixlen === 32)
  ) {
    return;
  }
  fibMagic(true, prefixType(dev), prefix, ifa.prefixlen, ifa, metric);
  fibMagic(false, prefixType(dev), prefix, ifa.prefixlen, ifa, ifa.rtPriority);
}

const LOCAL_OK = 1;
const BRD_OK = 2;
const BRD0_OK = 4;
const BRD1_OK = 8;

/**
 * Take the routes of an address out, but for those that another address still needs.
 * @kernel net/ipv4/fib_frontend.c fib_del_ifaddr
 * @param iprim a primary address whose subnet is taken for gone (promotion)
 */
export function fibDelIfaddr(ifa: InIfaddr, iprim?: InIfaddr): void {
  const { dev, ipv4 } = ifa.dev;
  const brd = (ifa.address | ~ifa.mask) >>> 0;
  const any = (ifa.address & ifa.mask) >>> 0;
  let prim = ifa;
  let subnet = false;
  if ((ifa.flags & IFA_F_SECONDARY) !== 0) {
    const found = inetIfaByprefix(ifa.dev, any, ifa.mask);
    if (found === undefined || (iprim !== undefined && iprim !== found)) return;
    prim = found;
  } else if (!isZeronetIpv4(any) && (any !== ifa.local || ifa.prefixlen < 32)) {
    if ((ifa.flags & IFA_F_NOPREFIXROUTE) === 0) fibMagic(false, prefixType(dev), any, ifa.prefixlen, prim, 0);
    subnet = true;
  }
  const { ok, gone } = ifa.dev.dead ? { ok: 0, gone: true } : stillNeeded(ifa, prim, iprim, brd, any);
  if ((ok & BRD_OK) === 0) fibMagic(false, RTN_BROADCAST, ifa.broadcast, 32, prim, 0);
  if (subnet && ifa.prefixlen < 31) {
    if ((ok & BRD1_OK) === 0) fibMagic(false, RTN_BROADCAST, brd, 32, prim, 0);
    if ((ok & BRD0_OK) === 0) fibMagic(false, RTN_BROADCAST, any, 32, prim, 0);
  }
  if ((ok & LOCAL_OK) !== 0) return;
  fibMagic(false, RTN_LOCAL, ifa.local, 32, prim, 0);
  // The address has gone for good: so have the routes with it as their source.
  if (gone && inetAddrType(ipv4, ifa.local) !== RTN_LOCAL && fibSyncDownAddr(ipv4, ifa.local) > 0) fibFlush(ipv4);
}

/** Which of an address's routes another address of the device needs too. */
function stillNeeded(
  ifa: InIfaddr,
  prim: InIfaddr,
  iprim: InIfaddr | undefined,
  brd: Ipv4,
  any: Ipv4,
): { ok: number; gone: boolean } {
  let ok = 0;
  let gone = true;
  let prim1: InIfaddr | undefined;
  let samePrefsrc = false;
  for (const other of ifa.dev.ifaList) {
    if (other === ifa) {
      gone = false;
      continue;
    }
    if (iprim !== undefined && other.mask === iprim.mask && inetIfaMatch(other.address, iprim)) continue;
    if ((other.flags & IFA_F_SECONDARY) !== 0) {
      if (other.mask === prim.mask && inetIfaMatch(other.address, prim)) prim1 = prim;
      else {
        // From here on come secondary addresses: whether a primary one has the same address is known.
        if (!samePrefsrc) continue;
        if (prim1 === undefined || other.mask !== prim1.mask || !inetIfaMatch(other.address, prim1)) {
          prim1 = inetIfaByprefix(ifa.dev, other.address, other.mask);
        }
        if (prim1 === undefined || prim1.local !== prim.local) continue;
      }
    } else {
      if (prim.local !== other.local) continue;
      prim1 = other;
      if (prim !== prim1) samePrefsrc = true;
    }
    if (ifa.local === other.local) ok |= LOCAL_OK;
    if (ifa.broadcast === other.broadcast) ok |= BRD_OK;
    if (brd === other.broadcast) ok |= BRD1_OK;
    if (any === other.broadcast) ok |= BRD0_OK;
    if (prim1 !== other || other.prefixlen >= 31) continue;
    const brd1 = (other.address | ~other.mask) >>> 0;
    const any1 = (other.address & other.mask) >>> 0;
    if (isZeronetIpv4(any1)) continue;
    if (ifa.broadcast === brd1 || ifa.broadcast === any1) ok |= BRD_OK;
    if (brd === brd1 || brd === any1) ok |= BRD1_OK;
    if (any === brd1 || any === any1) ok |= BRD0_OK;
  }
  return { ok, gone };
}

/** @kernel net/ipv4/fib_frontend.c fib_disable_ip */
function fibDisableIp(dev: NetDevice, ipv4: Ipv4Net, event: FibDownEvent, force: boolean): void {
  if (fibSyncDownDev(dev, event, force) > 0) fibFlush(ipv4);
  ipv4.rtCacheFlush();
  arpIfdown(dev);
}

/** An address came or went. @kernel net/ipv4/fib_frontend.c fib_inetaddr_event */
export function fibInetaddrEvent(ifa: InIfaddr, up: boolean): void {
  const { dev, ipv4 } = ifa.dev;
  if (up) {
    fibAddIfaddr(ifa);
    fibSyncUp(dev, RTNH_F_DEAD);
    ipv4.devAddrGenid++;
    ipv4.rtCacheFlush();
    return;
  }
  fibDelIfaddr(ifa);
  ipv4.devAddrGenid++;
  if (ifa.dev.ifaList.length === 0) fibDisableIp(dev, ipv4, 'DOWN', true);
  else ipv4.rtCacheFlush();
}

/** @kernel net/ipv4/fib_frontend.c fib_netdev_event */
export function fibNetdevEvent(event: NetdevEvent, dev: NetDevice, info: NotifierInfo): void {
  const ipv4 = ipv4Of(dev.net);
  if (event === 'UNREGISTER') {
    fibDisableIp(dev, ipv4, 'UNREGISTER', true);
    return;
  }
  const inDev = inDevGet(dev);
  if (inDev === undefined) return;
  switch (event) {
    case 'UP':
      for (const ifa of inDev.ifaList) fibAddIfaddr(ifa);
      fibSyncUp(dev, RTNH_F_DEAD);
      ipv4.devAddrGenid++;
      ipv4.rtCacheFlush();
      break;
    case 'DOWN':
      fibDisableIp(dev, ipv4, 'DOWN', false);
      break;
    case 'CHANGE':
      if ((devGetFlags(dev) & (IFF_RUNNING | IFF_LOWER_UP)) !== 0) fibSyncUp(dev, RTNH_F_LINKDOWN);
      else fibSyncDownDev(dev, 'CHANGE', false);
      ipv4.rtCacheFlush();
      break;
    case 'CHANGEMTU':
      fibSyncMtu(dev, info.mtu ?? dev.mtu);
      ipv4.rtCacheFlush();
      break;
    default:
      break;
  }
}
