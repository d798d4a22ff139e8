/** Whether a packet may have come in the way it did: local sources, reverse path filter. */
import { RT_SCOPE_HOST, RTN_LOCAL, RTN_UNICAST } from '../../uapi/rtnetlink.ts';
import { type Ipv4, isZeronetIpv4 } from '../../wire/addr.ts';
import { ipv4Destination, ipv4Source, ipv4Tos } from '../../wire/ipv4.ts';
import { REASON } from '../core/drop-reason.ts';
import type { NetDevice } from '../core/netdevice.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { ACCEPT_LOCAL, RP_FILTER, SEND_REDIRECTS, SRC_VMARK } from './devconf.ts';
import { FibResult, Flowi4 } from './fib.ts';
import { fibLookup } from './fib-lookup.ts';
import { fibResultPrefsrc } from './fib-semantics.ts';
import { FIB_LOOKUP_IGNORE_LINKSTATE } from './fib-table-lookup.ts';
import { flowPorts } from './flow-ports.ts';
import { type InDevice, inDevGet } from './in-device.ts';
import { inetSelectAddr } from './inet-addr.ts';
import { RTCF_BROADCAST, RTCF_LOCAL, RTCF_MULTICAST, skbRtable } from './rtable.ts';

/** The source is fine and its host is on the link the packet came by. */
export const FIB_VALIDATE_ONLINK = -1;

const res = new FibResult();
const flow = new Flowi4();

/**
 * 0 or {@link FIB_VALIDATE_ONLINK} when the packet is fine, otherwise why it is not.
 * @kernel net/ipv4/fib_frontend.c fib_validate_source
 * @param oif the device that it will leave by, 0 for none
 */
export function fibValidateSource(
  skb: SkBuff,
  src: Ipv4,
  dst: Ipv4,
  tos: number,
  oif: number,
  dev: NetDevice,
  inDev: InDevice,
): number {
  const { ipv4 } = inDev;
  const rpf = inDev.maxConf(RP_FILTER);
  if (rpf === 0 && (dev.ifindex !== oif || !inDev.orConf(SEND_REDIRECTS))) {
    if (inDev.orConf(ACCEPT_LOCAL)) return 0;
    if (!ipv4.fibHasCustomLocalRoutes && !ipv4.fibHasCustomRules)
      return ipv4.addresses.has(src) ? REASON.IP_LOCAL_SOURCE : 0;
  }
  return validateByRoute(skb, src, dst, tos, oif, dev, inDev, rpf);
}

/** @kernel net/ipv4/fib_frontend.c __fib_validate_source */
function validateByRoute(
  skb: SkBuff,
  src: Ipv4,
  dst: Ipv4,
  tos: number,
  oif: number,
  dev: NetDevice,
  inDev: InDevice,
  rpf: number,
): number {
  const { ipv4 } = inDev;
  flow.oif = 0;
  flow.iif = oif === 0 ? 1 : oif;
  flow.daddr = src;
  flow.saddr = dst;
  flow.tos = tos;
  flow.scope = 0;
  flow.mark = inDev.orConf(SRC_VMARK) ? skb.mark : 0;
  flowPorts(ipv4, skb, flow, true);
  const lastResort = rpf !== 0 ? REASON.IP_RPFILTER : 0;
  if (fibLookup(ipv4, flow, res) !== 0) return lastResort;
  if (res.type !== RTN_UNICAST && (res.type !== RTN_LOCAL || !inDev.orConf(ACCEPT_LOCAL))) {
    return REASON.IP_LOCAL_SOURCE;
  }
  const matches = res.fi!.nhs.some((nh) => nh.dev === dev) || (res.type === RTN_LOCAL && dev === dev.net.loopback);
  if (matches) return res.nh!.scope >= RT_SCOPE_HOST ? FIB_VALIDATE_ONLINK : 0;
  if (inDev.ifaList.length === 0) return lastResort;
  if (rpf === 1) return REASON.IP_RPFILTER;
  flow.oif = dev.ifindex;
  if (fibLookup(ipv4, flow, res, FIB_LOOKUP_IGNORE_LINKSTATE) !== 0) return 0;
  return res.type === RTN_UNICAST && res.nh!.scope >= RT_SCOPE_HOST ? FIB_VALIDATE_ONLINK : 0;
}

/**
 * The local address that a received packet was meant for; for a broadcast, the one that an answer comes from.
 * @kernel net/ipv4/fib_frontend.c fib_compute_spec_dst
 */
export function fibComputeSpecDst(skb: SkBuff): Ipv4 {
  const rt = skbRtable(skb);
  const { bytes, networkHeader: at } = skb;
  if (rt !== undefined && (rt.flags & (RTCF_BROADCAST | RTCF_MULTICAST | RTCF_LOCAL)) === RTCF_LOCAL) {
    return ipv4Destination(bytes, at);
  }
  const dev = skb.dev!;
  const inDev = inDevGet(dev);
  const src = ipv4Source(bytes, at);
  if (isZeronetIpv4(src)) return inetSelectAddr(dev, src, 253);
  if (inDev !== undefined) {
    const back = new Flowi4();
    back.iif = 1;
    back.daddr = src;
    back.tos = ipv4Tos(bytes, at) & 0xfc;
    back.mark = inDev.orConf(SRC_VMARK) ? skb.mark : 0;
    const found = new FibResult();
    if (fibLookup(inDev.ipv4, back, found) === 0) return fibResultPrefsrc(found);
  }
  return inetSelectAddr(dev, src, 0);
}
