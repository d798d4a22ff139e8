/** Routes for received packets: to ourselves, onwards, or nowhere. */
import { EHOSTUNREACH } from '../../uapi/errno.ts';
import { ETH_P_IP } from '../../uapi/if.ts';
import { RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST, RTN_UNICAST, RTN_UNREACHABLE } from '../../uapi/rtnetlink.ts';
import { formatIpv4, type Ipv4, isLoopbackIpv4, isMulticastIpv4, isZeronetIpv4 } from '../../wire/addr.ts';
import { IPPROTO_IGMP, ipv4Protocol } from '../../wire/ipv4.ts';
import { type DropReason, dropReasonText, REASON } from '../core/drop-reason.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { type SkBuff, traceStep } from '../core/skbuff.ts';
import { TRACE_FIB } from '../core/trace.ts';
import { BC_FORWARDING, LOG_MARTIANS, PROXY_ARP_PVLAN, SEND_REDIRECTS } from './devconf.ts';
import { FibResult, Flowi4 } from './fib.ts';
import { fibLookup, INADDR_BROADCAST, isLocalMulticast } from './fib-lookup.ts';
import { fibSelectMultipath } from './fib-select.ts';
import { FIB_VALIDATE_ONLINK, fibValidateSource } from './fib-validate.ts';
import { flowPorts } from './flow-ports.ts';
import { type InDevice, inDevGet } from './in-device.ts';
import { inetAddrOnlink } from './inet-addr.ts';
import { ipCheckMc } from './ip-mc-list.ts';
import { findException } from './route-exceptions.ts';
import { routeCacheFind, routeCacheStore } from './route-input-cache.ts';
import { rtDstAlloc, rtSetNexthop } from './route-output.ts';
import {
  IPSKB_DOREDIRECT,
  IPSKB_MULTIPATH,
  RTCF_BROADCAST,
  RTCF_LOCAL,
  RTCF_MULTICAST,
  type Rtable,
  rtHandlers,
  skbRtable,
} from './rtable.ts';

const flow = new Flowi4();

/**
 * Find what happens to a received packet: puts the route on it. 0, or why it is dropped.
 * @kernel net/ipv4/route.c ip_route_input_noref
 */
export function ipRouteInput(
  skb: SkBuff,
  daddr: Ipv4,
  saddr: Ipv4,
  tos: number,
  dev: NetDevice,
  res?: FibResult,
): DropReason {
  const inDev = inDevGet(dev);
  if (inDev === undefined) return traced(skb, dev, REASON.NOT_SPECIFIED, 'IPv4 is off on the device');
  const dsfield = tos & 0xfc;
  if (isMulticastIpv4(daddr)) return traced(skb, dev, ipRouteInputMc(skb, daddr, saddr, dsfield, dev, inDev), '');
  // Who wants to see the result wants a fresh one.
  const cacheable =
    res === undefined && skb.mark === 0 && skb.protocol === ETH_P_IP && !inDev.ipv4.fibRulesRequireFldissect;
  if (cacheable && routeCacheFind(inDev, skb, daddr, saddr, dsfield)) return traced(skb, dev, 0, '');
  skb.dst = undefined;
  const reason = ipRouteInputSlow(skb, daddr, saddr, dsfield, dev, inDev, res ?? new FibResult());
  if (reason === 0 && cacheable) routeCacheStore(inDev, skb, daddr, saddr, dsfield);
  return traced(skb, dev, reason, '');
}

/** Notes by the name of the device, so that the trace is given a text that exists. */
const forwardNotes = new Map<string, string>();

function forwardNote(name: string): string {
  let note = forwardNotes.get(name);
  if (note === undefined) {
    note = `forward by ${name}`;
    forwardNotes.set(name, note);
  }
  return note;
}

function traced(skb: SkBuff, dev: NetDevice, reason: DropReason, note: string): DropReason {
  if (!skb.kernel.trace.on) return reason;
  const rt = skbRtable(skb);
  let words = note;
  if (words === '' && reason !== 0) words = dropReasonText(reason);
  if (words === '' && rt !== undefined) {
    if (rt.error !== 0) words = 'no route';
    else if ((rt.flags & RTCF_LOCAL) !== 0) words = 'local';
    else words = forwardNote(rt.dev.name);
  }
  traceStep(skb, TRACE_FIB, dev, rt?.error ?? reason, words);
  return reason;
}

/** @kernel net/ipv4/route.c ip_mc_validate_source */
function ipMcValidateSource(
  skb: SkBuff,
  daddr: Ipv4,
  saddr: Ipv4,
  tos: number,
  dev: NetDevice,
  inDev: InDevice,
): DropReason {
  if (isMulticastIpv4(saddr) || saddr === INADDR_BROADCAST) return REASON.IP_INVALID_SOURCE;
  if (skb.protocol !== ETH_P_IP) return REASON.INVALID_PROTO;
  if (isLoopbackIpv4(saddr) && !inDev.routeLocalnet) return REASON.IP_LOCALNET;
  if (isZeronetIpv4(saddr)) {
    const igmp = ipv4Protocol(skb.bytes, skb.networkHeader) === IPPROTO_IGMP;
    return !isLocalMulticast(daddr) && !igmp ? REASON.IP_INVALID_SOURCE : 0;
  }
  return Math.max(0, fibValidateSource(skb, saddr, 0, tos, 0, dev, inDev));
}

/** @kernel net/ipv4/route.c ip_route_input_mc #P[multicast routing] */
function ipRouteInputMc(
  skb: SkBuff,
  daddr: Ipv4,
  saddr: Ipv4,
  tos: number,
  dev: NetDevice,
  inDev: InDevice,
): DropReason {
  if (!ipCheckMc(inDev.mc, daddr)) return REASON.NOT_SPECIFIED;
  const reason = ipMcValidateSource(skb, daddr, saddr, tos, dev, inDev);
  if (reason !== 0) return reason;
  const rt = rtDstAlloc(inDev.ipv4, dev.net.loopback, RTCF_MULTICAST | RTCF_LOCAL, RTN_MULTICAST);
  rt.isInput = true;
  skb.dst = rt;
  return 0;
}

/** @kernel net/ipv4/route.c ip_handle_martian_source */
function martianSource(skb: SkBuff, inDev: InDevice, daddr: Ipv4, saddr: Ipv4, reason: DropReason): DropReason {
  if (!inDev.orConf(LOG_MARTIANS)) return reason;
  const { dev } = inDev;
  const { kernel } = dev.net;
  kernel.printk(`IPv4: martian source ${formatIpv4(daddr)} from ${formatIpv4(saddr)}, on dev ${dev.name}`);
  if (dev.hardHeaderLen > 0 && skb.macHeader >= 0) {
    const header = skb.bytes.subarray(skb.macHeader, skb.macHeader + dev.hardHeaderLen);
    const hex = Array.from(header, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    kernel.printk(`ll header: 00000000: ${hex}`);
  }
  return reason;
}

/** @kernel net/ipv4/route.c ip_route_input_slow #P[classes, tunnels] */
function ipRouteInputSlow(
  skb: SkBuff,
  daddr: Ipv4,
  saddr: Ipv4,
  tos: number,
  dev: NetDevice,
  inDev: InDevice,
  res: FibResult,
): DropReason {
  const { ipv4 } = inDev;
  if (isMulticastIpv4(saddr) || saddr === INADDR_BROADCAST) {
    return martianSource(skb, inDev, daddr, saddr, REASON.IP_INVALID_SOURCE);
  }
  res.fi = undefined;
  res.table = undefined;
  if (daddr === INADDR_BROADCAST || (saddr === 0 && daddr === 0)) {
    return broadcastInput(skb, daddr, saddr, tos, dev, inDev, res, true);
  }
  if (isZeronetIpv4(saddr)) return martianSource(skb, inDev, daddr, saddr, REASON.IP_INVALID_SOURCE);
  if (isZeronetIpv4(daddr)) return martianDestination(inDev, daddr, saddr, REASON.IP_INVALID_DEST);
  if (isLoopbackIpv4(daddr)) {
    if (!inDev.routeLocalnet) return martianDestination(inDev, daddr, saddr, REASON.IP_LOCALNET);
  } else if (isLoopbackIpv4(saddr) && !inDev.routeLocalnet) {
    return martianSource(skb, inDev, daddr, saddr, REASON.IP_LOCALNET);
  }
  flow.oif = 0;
  flow.iif = dev.ifindex;
  flow.mark = skb.mark;
  flow.tos = tos;
  flow.scope = 0;
  flow.daddr = daddr;
  flow.saddr = saddr;
  flowPorts(ipv4, skb, flow, false);
  const error = fibLookup(ipv4, flow, res);
  if (error !== 0) return noRoute(skb, inDev, inDev.forward ? error : EHOSTUNREACH, res);
  if (res.type === RTN_BROADCAST) {
    if (inDev.andConf(BC_FORWARDING)) return mkrouteInput(skb, daddr, saddr, tos, inDev, res);
    const doCache = ipv4.devconfAll.data[BC_FORWARDING] === 0;
    return broadcastInput(skb, daddr, saddr, tos, dev, inDev, res, doCache);
  }
  if (res.type === RTN_LOCAL) {
    const reason = fibValidateSource(skb, saddr, daddr, tos, 0, dev, inDev);
    if (reason > 0) return martianSource(skb, inDev, daddr, saddr, reason);
    return localInput(skb, inDev, res, 0, true);
  }
  if (!inDev.forward) return noRoute(skb, inDev, EHOSTUNREACH, res);
  if (res.type !== RTN_UNICAST) return martianDestination(inDev, daddr, saddr, REASON.IP_INVALID_DEST);
  return mkrouteInput(skb, daddr, saddr, tos, inDev, res);
}

function martianDestination(inDev: InDevice, daddr: Ipv4, saddr: Ipv4, reason: DropReason): DropReason {
  if (inDev.orConf(LOG_MARTIANS)) {
    const text = `IPv4: martian destination ${formatIpv4(daddr)} from ${formatIpv4(saddr)}, dev ${inDev.dev.name}`;
    inDev.ipv4.kernel.printk(text);
  }
  return reason;
}

/** The route of packets that lead nowhere: all of a namespace can share one, as nothing is kept in it. */
function noRoute(skb: SkBuff, inDev: InDevice, error: number, res: FibResult): DropReason {
  res.type = RTN_UNREACHABLE;
  res.fi = undefined;
  res.table = undefined;
  const { ipv4 } = inDev;
  let rt = ipv4.unreachable;
  if (rt?.error !== error || !rt.valid) {
    rt = rtDstAlloc(ipv4, inDev.dev.net.loopback, 0, RTN_UNREACHABLE);
    rt.isInput = true;
    rt.input = rtHandlers.error;
    rt.error = error;
    ipv4.unreachable = rt;
  }
  skb.dst = rt;
  return 0;
}

function broadcastInput(
  skb: SkBuff,
  daddr: Ipv4,
  saddr: Ipv4,
  tos: number,
  dev: NetDevice,
  inDev: InDevice,
  res: FibResult,
  doCache: boolean,
): DropReason {
  if (skb.protocol !== ETH_P_IP) return REASON.INVALID_PROTO;
  if (!isZeronetIpv4(saddr)) {
    const reason = fibValidateSource(skb, saddr, 0, tos, 0, dev, inDev);
    if (reason > 0) return martianSource(skb, inDev, daddr, saddr, reason);
  }
  res.type = RTN_BROADCAST;
  return localInput(skb, inDev, res, RTCF_BROADCAST, doCache);
}

function localInput(skb: SkBuff, inDev: InDevice, res: FibResult, flags: number, doCache: boolean): DropReason {
  const nh = doCache && res.fi !== undefined ? res.nh : undefined;
  if (nh?.rthInput?.valid === true) {
    skb.dst = nh.rthInput;
    return 0;
  }
  const rt = rtDstAlloc(inDev.ipv4, inDev.dev.net.loopback, flags | RTCF_LOCAL, res.type);
  rt.isInput = true;
  if (nh !== undefined) nh.rthInput = rt;
  skb.dst = rt;
  return 0;
}

/** @kernel net/ipv4/route.c __mkroute_input */
function mkrouteInput(skb: SkBuff, daddr: Ipv4, saddr: Ipv4, tos: number, inDev: InDevice, res: FibResult): DropReason {
  const { ipv4 } = inDev;
  if (res.fi!.nhs.length > 1) {
    fibSelectMultipath(ipv4, res, flow, skb);
    skb.ipFlags |= IPSKB_MULTIPATH;
  }
  const nh = res.nh!;
  const outDev = nh.dev === undefined ? undefined : inDevGet(nh.dev);
  if (outDev === undefined) return REASON.NOT_SPECIFIED;
  const valid = fibValidateSource(skb, saddr, daddr, tos, nh.oif, inDev.dev, inDev);
  if (valid > 0) return martianSource(skb, inDev, daddr, saddr, valid);
  if (outDev === inDev && valid === FIB_VALIDATE_ONLINK && outDev.orConf(SEND_REDIRECTS) && skb.protocol === ETH_P_IP) {
    if (outDev.sharedMedia || inetAddrOnlink(outDev, saddr, nh.gw)) skb.ipFlags |= IPSKB_DOREDIRECT;
  }
  // A route for proxy ARP leads to another device, but for private VLANs.
  if (skb.protocol !== ETH_P_IP && outDev === inDev && !inDev.orConf(PROXY_ARP_PVLAN)) {
    return REASON.ARP_PVLAN_DISABLE;
  }
  const exception = nh.exceptions === undefined ? undefined : findException(ipv4, nh, daddr);
  const cached = exception === undefined ? nh.rthInput : exception.rthInput;
  if (cached?.valid === true) {
    skb.dst = cached;
    return 0;
  }
  const rt: Rtable = rtDstAlloc(ipv4, outDev.dev, 0, res.type);
  rt.isInput = true;
  rt.input = rtHandlers.forward;
  rtSetNexthop(rt, res, exception, res.fi, true);
  skb.dst = rt;
  return 0;
}
