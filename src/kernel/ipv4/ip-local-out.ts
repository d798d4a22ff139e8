import { ETH_P_IP } from '../../uapi/if.ts';
import { putU16 } from '../../wire/addr.ts';
import { putIpv4Checksum } from '../../wire/ipv4.ts';
import { dropStatus, NF_INET_LOCAL_OUT, NFPROTO_IPV4, nfHook } from '../core/netfilter.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { type InetSock, IP_PMTUDISC_DO, IP_PMTUDISC_WANT } from './inet-sock.ts';
import { ipMtuLocked, RTCF_MULTICAST, type Rtable, skbRtable } from './rtable.ts';
import { sendStatus } from './send-status.ts';

/** @kernel include/net/dst.h dst_output */
export function dstOutput(skb: SkBuff): void {
  skb.dst!.output!(skb);
}

/**
 * Send a packet through the LOCAL_OUT hooks: the error number of what became of it, 0 for none.
 */
export function nfLocalOut(skb: SkBuff, rt: Rtable): number {
  const { errno } = sendStatus;
  sendStatus.errno = 0;
  const passed = nfHook(NFPROTO_IPV4, NF_INET_LOCAL_OUT, rt.ipv4.net, skb, undefined, rt.dev, dstOutput);
  // A packet that a hook has sent, to reject this one, has its own fate.
  sendStatus.errno = 0;
  if (passed) dstOutput(skb);
  // A hook that drops a packet of ours says so to the sender.
  else if (skb.ended) sendStatus.errno = dropStatus.errno;
  const result = sendStatus.errno;
  sendStatus.errno = errno;
  return result;
}

/**
 * Length and checksum are filled in, then the packet goes out by its route. `data` stands at its IP
 * header. Takes the packet over. An error number, 0 for none.
 * @kernel net/ipv4/ip_output.c ip_local_out
 */
export function ipLocalOut(skb: SkBuff): number {
  const rt = skbRtable(skb)!;
  const at = skb.data;
  skb.networkHeader = at;
  rt.ipv4.mib.ip.OutRequests++;
  putU16(skb.bytes, at + 2, skb.len);
  putIpv4Checksum(skb.bytes, at);
  skb.protocol = ETH_P_IP;
  return nfLocalOut(skb, rt);
}

/**
 * A socket's packet goes out: the error number that its sender gets, 0 for none.
 * @kernel net/ipv4/ip_output.c ip_send_skb
 */
export function ipSendSkb(skb: SkBuff): number {
  const { mib } = skbRtable(skb)!.ipv4;
  const errno = ipLocalOut(skb);
  if (errno !== 0) mib.ip.OutDiscards++;
  return errno;
}

/** @kernel include/net/route.h ip4_dst_hoplimit */
export function ip4DstHoplimit(rt: Rtable): number {
  const metric = rt.metrics?.hoplimit ?? 0;
  return metric === 0 ? rt.ipv4.ipDefaultTtl : metric;
}

/** @kernel net/ipv4/ip_output.c ip_select_ttl */
export function ipSelectTtl(sk: InetSock, rt: Rtable): number {
  if ((rt.flags & RTCF_MULTICAST) !== 0) return sk.mcTtl;
  return sk.ucTtl >= 0 ? sk.ucTtl : ip4DstHoplimit(rt);
}

/** @kernel include/net/ip.h ip_dont_fragment */
export function ipDontFragment(sk: InetSock, rt: Rtable): boolean {
  return sk.pmtudisc === IP_PMTUDISC_DO || (sk.pmtudisc === IP_PMTUDISC_WANT && !ipMtuLocked(rt));
}
