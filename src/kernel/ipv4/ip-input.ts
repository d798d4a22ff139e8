/** The way in: checks of the header, PRE_ROUTING, the route, delivery to protocols. */
import { EACCES, EHOSTUNREACH, ENETUNREACH } from '../../uapi/errno.ts';
import { PACKET_BROADCAST, PACKET_MULTICAST, PACKET_OTHERHOST } from '../../uapi/if.ts';
import { RTN_BROADCAST, RTN_MULTICAST } from '../../uapi/rtnetlink.ts';
import { u16At } from '../../wire/addr.ts';
import { ipFastCsum } from '../../wire/checksum.ts';
import {
  ICMP_DEST_UNREACH,
  ICMP_HOST_UNREACH,
  ICMP_NET_UNREACH,
  ICMP_PARAMETERPROB,
  ICMP_PKT_FILTERED,
  ICMP_PROT_UNREACH,
} from '../../wire/icmp.ts';
import {
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4IsFragment,
  ipv4Protocol,
  ipv4Source,
  ipv4Tos,
} from '../../wire/ipv4.ts';
import { type DropReason, REASON } from '../core/drop-reason.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { NF_INET_LOCAL_IN, NF_INET_PRE_ROUTING, NFPROTO_IPV4, nfHook } from '../core/netfilter.ts';
import { consumeSkb, kfreeSkbReason, type SkBuff, traceStep } from '../core/skbuff.ts';
import { TRACE_DELIVER } from '../core/trace.ts';
import { DROP_UNICAST_IN_L2_MULTICAST } from './devconf.ts';
import { icmpSend } from './icmp.ts';
import { inDevGet } from './in-device.ts';
import { inetProtos, rawHooks } from './inet-protos.ts';
import { inetPeerTake } from './inetpeer.ts';
import { IP_DEFRAG_LOCAL_DELIVER, ipDefrag } from './ip-fragment.ts';
import { ipOptionsReceive } from './ip-options.ts';
import { ipv4Of } from './ipv4-net.ts';
import { ipRouteInput } from './route-input.ts';
import { rtHandlers, skbRtable } from './rtable.ts';

const ACCEPT_SOURCE_ROUTE = 8;
/** One error costs a second, five are saved up at most (ip_rt_error_cost, ip_rt_error_burst). */
const ERROR_COST = 1e9;
const ERROR_BURST = 5e9;

/**
 * Deliver to raw sockets and to the protocol. `data` stands at the transport header.
 * @kernel net/ipv4/ip_input.c ip_protocol_deliver_rcu
 */
function ipProtocolDeliver(skb: SkBuff): void {
  const { mib } = skbRtable(skb)!.ipv4;
  const protocol = ipv4Protocol(skb.bytes, skb.networkHeader);
  const raw = rawHooks.localDeliver(skb, protocol);
  const proto = inetProtos[protocol];
  if (skb.kernel.trace.on) traceStep(skb, TRACE_DELIVER, skb.dev, protocol, proto === undefined ? 'raw' : 'transport');
  if (proto !== undefined) {
    // nf_reset_ct(): what a protocol makes of the packet is no longer part of the connection.
    skb.nfct = undefined;
    skb.nfctInfo = 0;
    mib.ip.InDelivers++;
    proto.handler(skb);
  } else if (raw) {
    mib.ip.InDelivers++;
    consumeSkb(skb, 'ip_protocol_deliver_rcu');
  } else {
    mib.ip.InUnknownProtos++;
    icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH);
    kfreeSkbReason(skb, REASON.IP_NOPROTO, 'ip_protocol_deliver_rcu', 'nobody takes this protocol');
  }
}

/** @kernel net/ipv4/ip_input.c ip_local_deliver_finish */
function ipLocalDeliverFinish(skb: SkBuff): void {
  skb.pull((skb.bytes[skb.data]! & 15) << 2);
  skb.transportHeader = skb.data;
  ipProtocolDeliver(skb);
}

/** @kernel net/ipv4/ip_input.c ip_local_deliver */
export function ipLocalDeliver(skb: SkBuff): void {
  const { net } = skb.dev!;
  let whole: SkBuff | undefined = skb;
  if (ipv4IsFragment(skb.bytes, skb.networkHeader)) whole = ipDefrag(net, skb, IP_DEFRAG_LOCAL_DELIVER);
  if (whole === undefined) return;
  if (nfHook(NFPROTO_IPV4, NF_INET_LOCAL_IN, net, whole, whole.dev, undefined, ipLocalDeliverFinish))
    ipLocalDeliverFinish(whole);
}

/** True when the packet was dropped for its options. @kernel net/ipv4/ip_input.c ip_rcv_options #P[source routes] */
function ipRcvOptions(skb: SkBuff, dev: NetDevice): boolean {
  const ipv4 = ipv4Of(dev.net);
  const opt = ipOptionsReceive(ipv4, skb);
  if (typeof opt === 'number') {
    ipv4.mib.ip.InHdrErrors++;
    icmpSend(skb, ICMP_PARAMETERPROB, 0, (opt << 24) >>> 0);
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'ip_rcv_options', 'bad options');
    return true;
  }
  if (opt.srr === 0) return false;
  const inDev = inDevGet(dev);
  if (inDev?.andConf(ACCEPT_SOURCE_ROUTE) === true) return false;
  kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'ip_rcv_options', 'source routes are not accepted');
  return true;
}

/** @kernel net/ipv4/ip_input.c ip_rcv_finish_core #P[early demultiplexing] */
function ipRcvFinish(skb: SkBuff): void {
  const dev = skb.dev!;
  const { bytes, networkHeader: at } = skb;
  if (skbRtable(skb) === undefined) {
    const reason = ipRouteInput(skb, ipv4Destination(bytes, at), ipv4Source(bytes, at), ipv4Tos(bytes, at), dev);
    if (reason !== 0) {
      if (reason === REASON.IP_RPFILTER) ipv4Of(dev.net).mib.tcpExt.IPReversePathFilter++;
      kfreeSkbReason(skb, reason, 'ip_rcv_finish_core', ROUTE_NOTES.get(reason) ?? '');
      return;
    }
  }
  if ((bytes[at]! & 15) > 5 && ipRcvOptions(skb, dev)) return;
  const rt = skbRtable(skb)!;
  if (rt.type === RTN_MULTICAST) {
    rt.ipv4.mib.ipExt.InMcastPkts++;
    rt.ipv4.mib.ipExt.InMcastOctets += skb.len;
  } else if (rt.type === RTN_BROADCAST) {
    rt.ipv4.mib.ipExt.InBcastPkts++;
    rt.ipv4.mib.ipExt.InBcastOctets += skb.len;
  } else if (skb.pktType === PACKET_BROADCAST || skb.pktType === PACKET_MULTICAST) {
    if (inDevGet(dev)?.orConf(DROP_UNICAST_IN_L2_MULTICAST) === true) {
      const reason = REASON.UNICAST_IN_L2_MULTICAST;
      kfreeSkbReason(skb, reason, 'ip_rcv_finish_core', 'drop_unicast_in_l2_multicast');
      return;
    }
  }
  rt.input(skb);
}

const ROUTE_NOTES = new Map<DropReason, string>([
  [REASON.NOT_SPECIFIED, 'not a member of the group, or IPv4 is off'],
  [REASON.IP_RPFILTER, 'the way back to the source is not this device (rp_filter)'],
  [REASON.IP_LOCAL_SOURCE, 'the source address is one of ours (accept_local)'],
  [REASON.IP_INVALID_SOURCE, 'no packet can come from this source'],
  [REASON.IP_INVALID_DEST, 'no packet can go to this destination'],
  [REASON.IP_LOCALNET, 'a loopback address on the wire (route_localnet)'],
]);

/** @kernel net/ipv4/ip_input.c ip_rcv_core */
function headerError(skb: SkBuff, reason: DropReason, note: string): false {
  ipv4Of(skb.dev!.net).mib.ip.InHdrErrors++;
  kfreeSkbReason(skb, reason, 'ip_rcv_core', note);
  return false;
}

/** By the ECN field. */
const ECN_COUNTERS = ['InNoECTPkts', 'InECT1Pkts', 'InECT0Pkts', 'InCEPkts'] as const;

/** Length, version, checksum. @kernel net/ipv4/ip_input.c ip_rcv_core */
function ipRcvCore(skb: SkBuff, dev: NetDevice): boolean {
  if (skb.pktType === PACKET_OTHERHOST) {
    dev.stats.rxOtherhostDropped++;
    kfreeSkbReason(skb, REASON.OTHERHOST, 'ip_rcv_core', 'for another host on the link');
    return false;
  }
  const { mib } = inDevGet(dev)?.ipv4 ?? ipv4Of(dev.net);
  const { bytes, data: at, len } = skb;
  mib.ip.InReceives++;
  mib.ipExt.InOctets += len;
  if (len < IPV4_HEADER_LENGTH) return headerError(skb, REASON.IP_INHDR, 'cut short');
  const first = bytes[at]!;
  const hlen = (first & 15) << 2;
  if (first >>> 4 !== 4 || hlen < IPV4_HEADER_LENGTH) {
    return headerError(skb, REASON.IP_INHDR, 'version or header length');
  }
  const ecn = bytes[at + 1]! & 3;
  if (ecn === 0) mib.ipExt.InNoECTPkts++;
  else mib.ipExt[ECN_COUNTERS[ecn]!]++;
  if (len < hlen) return headerError(skb, REASON.IP_INHDR, 'cut short in the header');
  if (ipFastCsum(bytes, at, hlen) !== 0) {
    mib.ipExt.InCsumErrors++;
    return headerError(skb, REASON.IP_CSUM, 'header checksum');
  }
  const length = u16At(bytes, at + 2);
  if (len < length) {
    mib.ipExt.InTruncatedPkts++;
    kfreeSkbReason(skb, REASON.PKT_TOO_SMALL, 'ip_rcv_core', 'shorter than its header says');
    return false;
  }
  if (length < hlen) return headerError(skb, REASON.IP_INHDR, 'total length');
  skb.tail = at + length;
  skb.networkHeader = at;
  skb.transportHeader = at + hlen;
  skb.cb = 0;
  skb.ipFlags = 0;
  skb.sk = undefined;
  return true;
}

/** The receive function of ETH_P_IP. @kernel net/ipv4/ip_input.c ip_rcv */
export function ipRcv(skb: SkBuff, dev: NetDevice): void {
  if (!ipRcvCore(skb, dev)) return;
  if (nfHook(NFPROTO_IPV4, NF_INET_PRE_ROUTING, dev.net, skb, dev, undefined, ipRcvFinish)) ipRcvFinish(skb);
}

/** Where routes without a way lead. @kernel net/ipv4/route.c ip_error */
function ipError(skb: SkBuff): void {
  const rt = skbRtable(skb)!;
  const { ipv4 } = rt;
  const inDev = inDevGet(skb.dev!);
  let reason: DropReason = REASON.NOT_SPECIFIED;
  if (inDev === undefined) {
    kfreeSkbReason(skb, reason, 'ip_error', 'IPv4 is off on the device');
    return;
  }
  if (!inDev.forward) {
    if (rt.error === EHOSTUNREACH) {
      reason = REASON.IP_INADDRERRORS;
      ipv4.mib.ip.InAddrErrors++;
    } else if (rt.error === ENETUNREACH) {
      reason = REASON.IP_INNOROUTES;
      ipv4.mib.ipExt.InNoRoutes++;
    }
    kfreeSkbReason(skb, reason, 'ip_error', 'not for us, and forwarding is off');
    return;
  }
  let code: number;
  if (rt.error === EHOSTUNREACH) code = ICMP_HOST_UNREACH;
  else if (rt.error === EACCES) code = ICMP_PKT_FILTERED;
  else if (rt.error === ENETUNREACH) {
    code = ICMP_NET_UNREACH;
    reason = REASON.IP_INNOROUTES;
    ipv4.mib.ipExt.InNoRoutes++;
  } else {
    kfreeSkbReason(skb, reason, 'ip_error', 'blackhole route');
    return;
  }
  const { now } = ipv4.kernel.queue;
  const peer = ipv4.peers.get(ipv4Source(skb.bytes, skb.networkHeader), now);
  if (inetPeerTake(peer, ERROR_COST, ERROR_BURST, now)) icmpSend(skb, ICMP_DEST_UNREACH, code);
  kfreeSkbReason(skb, reason, 'ip_error', 'no route to the destination');
}

rtHandlers.localDeliver = ipLocalDeliver;
rtHandlers.error = ipError;
