/** What was learned about single destinations: path MTUs and better gateways (struct fib_nh_exception). */
import { AF_INET, type RouteMessage, type RouteMetrics, RTM_F_CLONED, RTNH_F_DEAD } from '../../uapi/rtnetlink.ts';
import type { Ipv4 } from '../../wire/addr.ts';
import { type FibAlias, type FibNh, FibNhException, FibResult, type Flowi4 } from './fib.ts';
import { fibLookup } from './fib-lookup.ts';
import { fibSelectPath } from './fib-select.ts';
import type { Ipv4Net } from './ipv4-net.ts';
import { ipDstMtu, ipMtuLocked, RTAX_MTU, RTCF_REDIRECTED, type Rtable } from './rtable.ts';

/** FNHE_RECLAIM_DEPTH times the size of the kernel's hash: more than that are not kept. */
const MAX_EXCEPTIONS = 5 * 2048;

/** The exception for a destination, if it still holds. @kernel net/ipv4/route.c find_exception */
export function findException(ipv4: Ipv4Net, nh: FibNh, daddr: Ipv4): FibNhException | undefined {
  const exception = nh.exceptions?.get(daddr);
  if (exception === undefined) return undefined;
  if (exception.expires !== 0 && ipv4.kernel.queue.now > exception.expires) {
    for (const rt of [exception.rthInput, exception.rthOutput]) if (rt !== undefined) rt.obsolete = true;
    nh.exceptions!.delete(daddr);
    return undefined;
  }
  return exception;
}

/** @kernel net/ipv4/route.c fill_route_from_fnhe */
export function fillRouteFromFnhe(rt: Rtable, exception: FibNhException): void {
  rt.pmtu = exception.pmtu;
  rt.mtuLocked = exception.mtuLocked;
  rt.expires = exception.expires;
  if (exception.gw === 0) return;
  rt.flags |= RTCF_REDIRECTED;
  rt.usesGateway = true;
  rt.gw = exception.gw;
}

/** @kernel net/ipv4/route.c update_or_create_fnhe */
export function updateOrCreateFnhe(
  ipv4: Ipv4Net,
  nh: FibNh,
  daddr: Ipv4,
  gw: Ipv4,
  pmtu: number,
  lock: boolean,
  expires: number,
): void {
  nh.exceptions ??= new Map();
  let exception = nh.exceptions.get(daddr);
  if (exception === undefined) {
    if (nh.exceptions.size >= MAX_EXCEPTIONS) nh.exceptions.delete(nh.exceptions.keys().next().value!);
    exception = new FibNhException(daddr, ipv4.fnheGenid);
    nh.exceptions.set(daddr, exception);
    // Who has the shared route must look again, whether the exception is theirs.
    for (const rt of [nh.rthInput, nh.rthOutput]) if (rt !== undefined) rt.obsolete = true;
  }
  exception.genid = ipv4.fnheGenid;
  if (gw !== 0) exception.gw = gw;
  if (pmtu !== 0) {
    exception.pmtu = pmtu;
    exception.mtuLocked = lock;
  }
  exception.expires = Math.max(1, expires);
  exception.stamp = ipv4.kernel.queue.now;
  for (const rt of [exception.rthInput, exception.rthOutput]) if (rt !== undefined) fillRouteFromFnhe(rt, exception);
}

/**
 * Make `rt` the route of an exception; true when it was stored there.
 * @kernel net/ipv4/route.c rt_bind_exception
 */
export function rtBindException(ipv4: Ipv4Net, rt: Rtable, exception: FibNhException, doCache: boolean): boolean {
  if (exception.genid !== ipv4.fnheGenid) {
    exception.genid = ipv4.fnheGenid;
    exception.gw = 0;
    exception.pmtu = 0;
    exception.expires = 0;
    exception.mtuLocked = false;
    exception.rthInput = undefined;
    exception.rthOutput = undefined;
  }
  fillRouteFromFnhe(rt, exception);
  exception.stamp = ipv4.kernel.queue.now;
  if (!doCache) return false;
  if (rt.isInput) exception.rthInput = rt;
  else exception.rthOutput = rt;
  return true;
}

/**
 * A router said how long packets on the path may be.
 * @kernel net/ipv4/route.c __ip_rt_update_pmtu
 */
export function ipRtUpdatePmtu(rt: Rtable, flow: Flowi4, given: number): void {
  const { ipv4 } = rt;
  if (ipMtuLocked(rt)) return;
  const old = ipDstMtu(rt);
  if (old < given) return;
  const { now } = ipv4.kernel.queue;
  let mtu = given;
  let lock = false;
  if (mtu < ipv4.routeMinPmtu) {
    lock = true;
    mtu = Math.min(old, ipv4.routeMinPmtu);
  }
  if (rt.pmtu === mtu && !lock && now < rt.expires - ipv4.routeMtuExpires / 2) return;
  const res = new FibResult();
  if (fibLookup(ipv4, flow, res) !== 0) return;
  fibSelectPath(ipv4, res, flow, undefined);
  const nhs = res.fi!.nhs.length > 1 ? res.fi!.nhs : [res.nh!];
  for (const nh of nhs) updateOrCreateFnhe(ipv4, nh, flow.daddr, 0, mtu, lock, now + ipv4.routeMtuExpires);
}

/** What an exception or a found route adds to the metrics of its route, and for how many seconds. */
export function cacheInfo(rt: Rtable): { metrics: RouteMetrics | undefined; expires: number } {
  const { now } = rt.ipv4.kernel.queue;
  const left = rt.expires === 0 ? 0 : Math.max(0, rt.expires - now);
  const metrics = { ...rt.metrics };
  if (rt.pmtu !== 0 && left > 0) metrics.mtu = rt.pmtu;
  if (rt.mtuLocked && left > 0) metrics.lock = (metrics.lock ?? 0) | (1 << RTAX_MTU);
  const expires = Math.floor(left / 1e9);
  return { metrics: Object.keys(metrics).length > 0 ? metrics : undefined, expires };
}

/**
 * What was learned of single destinations behind a route.
 * @kernel net/ipv4/route.c fib_dump_info_fnhe
 */
export function fibDumpInfoFnhe(alias: FibAlias, ipv4: Ipv4Net): RouteMessage[] {
  const messages: RouteMessage[] = [];
  for (const nh of alias.info.nhs) {
    if ((nh.flags & RTNH_F_DEAD) !== 0) continue;
    for (const exception of nh.exceptions?.values() ?? []) {
      if (exception.genid !== ipv4.fnheGenid || ipv4.kernel.queue.now > exception.expires) continue;
      const rt = exception.rthInput ?? exception.rthOutput;
      if (rt === undefined) continue;
      const { metrics, expires } = cacheInfo(rt);
      const message: RouteMessage = {
        family: AF_INET,
        dst: exception.daddr,
        dstLen: 32,
        tos: 0,
        table: alias.tableId,
        type: rt.type,
        scope: 0,
        protocol: 0,
        flags: ((rt.flags & ~0xffff) | RTM_F_CLONED) >>> 0,
        oif: rt.dev.ifindex,
      };
      if (rt.usesGateway) message.gateway = rt.gw;
      if (metrics !== undefined) message.metrics = metrics;
      if (expires > 0) message.expires = expires;
      messages.push(message);
    }
  }
  return messages;
}
