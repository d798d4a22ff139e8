/** A packet of our own whose addresses, mark or TOS were changed behind its route's back. */
import { RTN_LOCAL, RTN_UNICAST } from '../../uapi/rtnetlink.ts';
import { ipv4At } from '../../wire/addr.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { Flowi4 } from '../ipv4/fib.ts';
import { inetAddrType } from '../ipv4/fib-lookup.ts';
import { ipv4Of } from '../ipv4/ipv4-net.ts';
import { ipRouteOutputKey } from '../ipv4/route-output.ts';

/**
 * Route it once more. An error number, 0 for success.
 * @kernel net/ipv4/netfilter.c ip_route_me_harder #P[a socket's device is not kept]
 */
export function ipRouteMeHarder(net: NetNamespace, skb: SkBuff): number {
  const ipv4 = ipv4Of(net);
  const ip = skb.networkHeader;
  const source = ipv4At(skb.bytes, ip + 12);
  const type = inetAddrType(ipv4, source);
  const flow = new Flowi4();
  // A foreign source (of a RST on somebody's behalf) is no reason to refuse, but nothing to route by either.
  flow.anysrc = type === RTN_LOCAL || type === RTN_UNICAST;
  flow.saddr = flow.anysrc ? source : 0;
  flow.daddr = ipv4At(skb.bytes, ip + 16);
  flow.tos = skb.bytes[ip + 1]! & 0x1c;
  flow.mark = skb.mark;
  const rt = ipRouteOutputKey(ipv4, flow);
  if (typeof rt === 'number') return rt;
  skb.dst = rt;
  return rt.error;
}
