/** RTM_GETROUTE: `ip route get`. */
import { EHOSTUNREACH, EINVAL, ENODEV, EOPNOTSUPP } from '../../uapi/errno.ts';
import { ETH_P_IP } from '../../uapi/if.ts';
import { type Refusal, refuse } from '../../uapi/result.ts';
import type { RouteGetRequest } from '../../uapi/route-get.ts';
import {
  AF_INET,
  type RouteMessage,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTM_F_CLONED,
  RTPROT_UNSPEC,
} from '../../uapi/rtnetlink.ts';
import { putIpv4, putU16 } from '../../wire/addr.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../wire/ipv4.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import { allocSkb, consumeSkb, type SkBuff, skbPut } from '../core/skbuff.ts';
import { FIB_PROPS, FibResult, Flowi4 } from './fib.ts';
import { fibDumpInfo } from './fib-frontend.ts';
import { ipv4Of } from './ipv4-net.ts';
import { cacheInfo } from './route-exceptions.ts';
import { ipRouteInput } from './route-input.ts';
import { ipRouteOutputKey } from './route-output.ts';
import { IPSKB_DOREDIRECT, RTCF_DOREDIRECT, type Rtable, skbRtable } from './rtable.ts';

/** Protocols that a route may be asked for. @kernel net/core/rtnetlink.c rtm_getroute_parse_ip_proto */
const ROUTED_PROTOCOLS: readonly number[] = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP];

/** A packet to ask with: an IP and a UDP header. @kernel net/ipv4/route.c inet_rtm_getroute_build_skb */
function buildSkb(net: NetNamespace, request: RouteGetRequest): SkBuff {
  const skb = allocSkb(net.kernel, 28, 'inet_rtm_getroute');
  const at = skbPut(skb, 28);
  skb.bytes.fill(0, at, at + 28);
  skb.bytes[at] = 0x45;
  skb.bytes[at + 9] = request.ipproto ?? IPPROTO_UDP;
  putIpv4(skb.bytes, at + 12, request.src ?? 0);
  putIpv4(skb.bytes, at + 16, request.dst);
  putU16(skb.bytes, at + 20, request.sport ?? 0);
  putU16(skb.bytes, at + 22, request.dport ?? 0);
  skb.networkHeader = at;
  skb.protocol = ETH_P_IP;
  skb.mark = request.mark ?? 0;
  return skb;
}

/** The route for a packet as the request describes it. @kernel net/ipv4/route.c inet_rtm_getroute */
export function inetRtmGetroute(net: NetNamespace, request: RouteGetRequest): RouteMessage | Refusal {
  const { ipproto } = request;
  if (ipproto !== undefined && !ROUTED_PROTOCOLS.includes(ipproto)) return refuse(EOPNOTSUPP, 'Unsupported ip proto');
  const skb = buildSkb(net, request);
  const answer = lookup(net, request, skb);
  consumeSkb(skb, 'inet_rtm_getroute');
  return answer;
}

function lookup(net: NetNamespace, request: RouteGetRequest, skb: SkBuff): RouteMessage | Refusal {
  const ipv4 = ipv4Of(net);
  const iif = request.iif ?? 0;
  const src = request.src ?? 0;
  const res = new FibResult();
  const flow = new Flowi4();
  flow.daddr = request.dst;
  flow.saddr = src;
  flow.tos = (request.tos ?? 0) & 0xfc;
  flow.oif = request.oif ?? 0;
  flow.mark = request.mark ?? 0;
  flow.proto = request.ipproto ?? IPPROTO_UDP;
  flow.uid = request.uid ?? 0;
  flow.sport = request.sport ?? 0;
  flow.dport = request.dport ?? 0;
  let rt: Rtable | undefined;
  if (iif !== 0) {
    const dev = net.devByIndex(iif);
    if (dev === undefined) return refuse(ENODEV);
    skb.dev = dev;
    if (ipRouteInput(skb, request.dst, src, flow.tos, dev, res) !== 0) return refuse(EINVAL);
    rt = skbRtable(skb)!;
    if (rt.error !== 0) return refuse(rt.error);
  } else {
    skb.dev = net.loopback;
    const found = ipRouteOutputKey(ipv4, flow, res);
    if (typeof found === 'number') return refuse(found);
    rt = found;
  }
  if (request.fibMatch === true) {
    if (res.alias === undefined || res.fi === undefined) {
      const error = FIB_PROPS[res.type]?.error ?? 0;
      return refuse(error === 0 ? EHOSTUNREACH : error);
    }
    return { ...fibDumpInfo(res.alias), type: rt.type, table: res.table?.id ?? RT_TABLE_MAIN };
  }
  return fillInfo(request, rt, flow, skb, res);
}

/** @kernel net/ipv4/route.c rt_fill_info */
function fillInfo(request: RouteGetRequest, rt: Rtable, flow: Flowi4, skb: SkBuff, res: FibResult): RouteMessage {
  const src = request.src ?? 0;
  let flags = (rt.flags & ~0xffff) | RTM_F_CLONED;
  if ((skb.ipFlags & IPSKB_DOREDIRECT) !== 0) flags |= RTCF_DOREDIRECT;
  const message: RouteMessage = {
    family: AF_INET,
    dst: request.dst,
    dstLen: 32,
    tos: res.alias?.tos ?? 0,
    table: res.table?.id ?? 0,
    type: rt.type,
    scope: RT_SCOPE_UNIVERSE,
    protocol: RTPROT_UNSPEC,
    flags: flags >>> 0,
    oif: rt.dev.ifindex,
  };
  if (src !== 0) {
    message.srcLen = 32;
    message.src = src;
  }
  if (!rt.isInput && flow.saddr !== src) message.prefsrc = flow.saddr;
  if (rt.usesGateway) message.gateway = rt.gw;
  const { metrics, expires } = cacheInfo(rt);
  if (metrics !== undefined) message.metrics = metrics;
  if (flow.mark !== 0) message.mark = flow.mark;
  if (request.uid !== undefined) message.uid = request.uid;
  else if ((request.iif ?? 0) === 0) message.uid = 0;
  if (rt.isInput) message.iif = request.iif ?? 0;
  if (expires > 0) message.expires = expires;
  return message;
}
