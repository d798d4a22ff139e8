/** Routes for packets of our own. */
import { EINVAL, ENETUNREACH, ENODEV } from '../../uapi/errno.ts';
import { IFF_LOOPBACK, IFF_UP } from '../../uapi/if.ts';
import {
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
} from '../../uapi/rtnetlink.ts';
import { isLoopbackIpv4, isMulticastIpv4, isZeronetIpv4 } from '../../wire/addr.ts';
import { IPPROTO_IGMP } from '../../wire/ipv4.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { type FibInfo, type FibNhException, FibResult, type Flowi4 } from './fib.ts';
import { fibLookup, INADDR_BROADCAST, isLocalMulticast } from './fib-lookup.ts';
import { fibSelectPath } from './fib-select.ts';
import { inDevGet } from './in-device.ts';
import { inetSelectAddr, ipDevFind } from './inet-addr.ts';
import { ipCheckMc } from './ip-mc-list.ts';
import type { Ipv4Net } from './ipv4-net.ts';
import { findException, rtBindException } from './route-exceptions.ts';
import { RTCF_BROADCAST, RTCF_LOCAL, RTCF_MULTICAST, Rtable, rtHandlers } from './rtable.ts';

const INADDR_LOOPBACK = 0x7f00_0001;
const LOOPBACK_IFINDEX = 1;

/**
 * A fresh route. @kernel net/ipv4/route.c rt_dst_alloc
 */
export function rtDstAlloc(ipv4: Ipv4Net, dev: NetDevice, flags: number, type: number): Rtable {
  const rt = new Rtable(ipv4, dev, flags, type);
  rt.output = rtHandlers.output;
  if ((flags & RTCF_LOCAL) !== 0) rt.input = rtHandlers.localDeliver;
  return rt;
}

/** Next hop, metrics and place in the cache. @kernel net/ipv4/route.c rt_set_nexthop */
export function rtSetNexthop(
  rt: Rtable,
  res: FibResult,
  exception: FibNhException | undefined,
  fi: FibInfo | undefined,
  doCache: boolean,
): void {
  if (fi === undefined) return;
  const nh = res.nh!;
  if (nh.gw !== 0 && nh.scope === RT_SCOPE_LINK) {
    rt.usesGateway = true;
    rt.gw = nh.gw;
  }
  rt.metrics = fi.metrics;
  if (exception !== undefined) rtBindException(rt.ipv4, rt, exception, doCache);
  else if (doCache) {
    if (rt.isInput) nh.rthInput = rt;
    else nh.rthOutput = rt;
  }
}

/** @kernel net/ipv4/route.c __mkroute_output */
function mkrouteOutput(
  ipv4: Ipv4Net,
  res: FibResult,
  flow: Flowi4,
  origOif: number,
  devOut: NetDevice,
  given: number,
): Rtable | number {
  const inDev = inDevGet(devOut);
  if (inDev === undefined) return EINVAL;
  const loopback = (devOut.flags & IFF_LOOPBACK) !== 0;
  if (isLoopbackIpv4(flow.saddr) && !loopback && !inDev.routeLocalnet) return EINVAL;
  let { type, fi } = res;
  let flags = given;
  if (flow.daddr === INADDR_BROADCAST) {
    type = RTN_BROADCAST;
    fi = undefined;
  } else if (isMulticastIpv4(flow.daddr)) type = RTN_MULTICAST;
  else if (isZeronetIpv4(flow.daddr)) return EINVAL;
  if (loopback) flags |= RTCF_LOCAL;
  let doCache = true;
  if (type === RTN_BROADCAST) flags |= RTCF_BROADCAST | RTCF_LOCAL;
  else if (type === RTN_MULTICAST) {
    flags |= RTCF_MULTICAST | RTCF_LOCAL;
    if (!ipCheckMc(inDev.mc, flow.daddr)) flags &= ~RTCF_LOCAL;
    else doCache = false;
    // The default route stands for multicast routes, but its gateway is not used.
    if (fi !== undefined && res.prefixlen < 4) fi = undefined;
  } else if (type === RTN_LOCAL && origOif !== 0 && origOif !== devOut.ifindex) doCache = false;
  let exception: FibNhException | undefined;
  doCache &&= fi !== undefined;
  if (fi !== undefined) {
    const nh = res.nh!;
    exception = nh.exceptions === undefined ? undefined : findException(ipv4, nh, flow.daddr);
    if (doCache) {
      const cached = exception === undefined ? nh.rthOutput : exception.rthOutput;
      if (cached?.valid === true) return cached;
    }
  }
  const rt = rtDstAlloc(ipv4, devOut, flags, type);
  rt.iif = origOif;
  if ((flags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0 && (flags & RTCF_LOCAL) !== 0 && !loopback) {
    rt.output = rtHandlers.mcOutput;
  }
  rtSetNexthop(rt, res, exception, fi, doCache);
  return rt;
}

/**
 * The route for a packet of our own; fills in the flow's source, and the destination if it had none. An
 * error number when there is none.
 * @kernel net/ipv4/route.c ip_route_output_key_hash_rcu
 */
export function ipRouteOutputKey(ipv4: Ipv4Net, flow: Flowi4, res: FibResult = new FibResult()): Rtable | number {
  const { net } = ipv4;
  const origOif = flow.oif;
  flow.iif = LOOPBACK_IFINDEX;
  flow.tos &= 0xfc;
  if (flow.saddr !== 0) {
    if (isMulticastIpv4(flow.saddr) || flow.saddr === INADDR_BROADCAST || isZeronetIpv4(flow.saddr)) return EINVAL;
    if (flow.oif === 0 && (isMulticastIpv4(flow.daddr) || flow.daddr === INADDR_BROADCAST)) {
      const dev = ipDevFind(ipv4, flow.saddr);
      if (dev === undefined) return ENETUNREACH;
      flow.oif = dev.ifindex;
      return mkrouteOutput(ipv4, res, flow, origOif, dev, 0);
    }
    if (!flow.anysrc && ipDevFind(ipv4, flow.saddr) === undefined) return ENETUNREACH;
  }
  let devOut: NetDevice | undefined;
  if (flow.oif !== 0) {
    devOut = net.devByIndex(flow.oif);
    if (devOut === undefined) return ENODEV;
    if ((devOut.flags & IFF_UP) === 0 || inDevGet(devOut) === undefined) return ENETUNREACH;
    if (isLocalMulticast(flow.daddr) || flow.daddr === INADDR_BROADCAST || flow.proto === IPPROTO_IGMP) {
      if (flow.saddr === 0) flow.saddr = inetSelectAddr(devOut, 0, RT_SCOPE_LINK);
      return mkrouteOutput(ipv4, res, flow, origOif, devOut, 0);
    }
    if (flow.saddr === 0) {
      if (isMulticastIpv4(flow.daddr)) flow.saddr = inetSelectAddr(devOut, 0, flow.scope);
      else if (flow.daddr === 0) flow.saddr = inetSelectAddr(devOut, 0, RT_SCOPE_HOST);
    }
  }
  if (flow.daddr === 0) {
    flow.daddr = flow.saddr;
    if (flow.daddr === 0) {
      flow.daddr = INADDR_LOOPBACK;
      flow.saddr = INADDR_LOOPBACK;
    }
    flow.oif = LOOPBACK_IFINDEX;
    res.type = RTN_LOCAL;
    return mkrouteOutput(ipv4, res, flow, origOif, net.loopback, RTCF_LOCAL);
  }
  const error = fibLookup(ipv4, flow, res);
  if (error !== 0) {
    res.fi = undefined;
    res.table = undefined;
    // A device was named: the destination is taken to be on its link.
    if (devOut === undefined) return error;
    if (flow.saddr === 0) flow.saddr = inetSelectAddr(devOut, 0, RT_SCOPE_LINK);
    res.type = RTN_UNICAST;
    return mkrouteOutput(ipv4, res, flow, origOif, devOut, 0);
  }
  if (res.type === RTN_LOCAL) {
    if (flow.saddr === 0) flow.saddr = res.fi!.prefsrc !== 0 ? res.fi!.prefsrc : flow.daddr;
    const { loopback } = net;
    flow.oif = loopback.ifindex;
    return mkrouteOutput(ipv4, res, flow, res.nh!.oif, loopback, RTCF_LOCAL);
  }
  fibSelectPath(ipv4, res, flow, undefined);
  return mkrouteOutput(ipv4, res, flow, origOif, res.nh!.dev!, 0);
}
