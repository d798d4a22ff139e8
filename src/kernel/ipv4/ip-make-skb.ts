/** Building a datagram around what a transport protocol sends. */
import { putIpv4, putU16 } from '../../wire/addr.ts';
import { IP_DF, IPV4_HEADER_LENGTH } from '../../wire/ipv4.ts';
import { truesizeOf } from '../core/skb-truesize.ts';
import { allocSkb, type SkBuff, skbPut } from '../core/skbuff.ts';
import type { Flowi4 } from './fib.ts';
import { type InetSock, IP_PMTUDISC_DO, IP_PMTUDISC_OMIT, IP_PMTUDISC_PROBE } from './inet-sock.ts';
import { ipSelectIdentFor } from './ip-ident.ts';
import { ipDontFragment, ipSelectTtl } from './ip-local-out.ts';
import { ipOptionsBuild, type SendOptions } from './ip-options.ts';
import { ipDstMtu, type Rtable, SKB_DST_PENDING_CONFIRM, SKB_IGNORE_DF } from './rtable.ts';

/** What one call to send says beyond the socket's settings (struct ipcm_cookie). */
export interface IpcmCookie {
  /** -1: the socket's. */
  tos: number;
  options: SendOptions | undefined;
  mark: number;
  /** MSG_CONFIRM: the peer is known to hear us. */
  confirm: boolean;
}

/** @kernel include/net/ip.h ip_sk_ignore_df */
function ipSkIgnoreDf(sk: InetSock): boolean {
  return sk.pmtudisc < IP_PMTUDISC_DO || sk.pmtudisc === IP_PMTUDISC_OMIT;
}

/** The MTU that a socket sends by: the path's, or the device's when it probes. */
export function ipSkMtu(sk: InetSock, rt: Rtable): number {
  return sk.pmtudisc < IP_PMTUDISC_PROBE ? ipDstMtu(rt) : rt.dev.mtu;
}

/** The longest IP payload that may be sent; more is EMSGSIZE, with the MTU as the error's information. */
export function ipMaxPayload(sk: InetSock, rt: Rtable, optlen: number): number {
  return (ipSkIgnoreDf(sk) ? 0xffff : ipSkMtu(sk, rt)) - IPV4_HEADER_LENGTH - optlen;
}

/**
 * Whether the fragments of a payload of `length` bytes may wait in the socket's send buffer; the first one always may.
 * @kernel net/ipv4/ip_output.c __ip_append_data #P[what earlier packets still occupy does not count]
 */
export function ipFragmentsFit(sk: InetSock, rt: Rtable, length: number, optlen: number, sndbuf: number): boolean {
  const mtu = ipSkMtu(sk, rt);
  const header = IPV4_HEADER_LENGTH + optlen;
  if (header + length <= mtu) return true;
  const payload = (mtu - header) & ~7;
  const fragments = Math.ceil((length - (mtu - header)) / payload) + 1;
  return (fragments - 1) * truesizeOf(header + payload) <= 2 * sndbuf;
}

/**
 * A datagram with its IP header, and room for `length` bytes of payload from `transportHeader` on, which the
 * caller fills in before ipLocalOut().
 * @kernel net/ipv4/ip_output.c __ip_make_skb
 */
export function ipMakeSkb(
  sk: InetSock,
  flow: Flowi4,
  rt: Rtable,
  length: number,
  ipc: IpcmCookie,
  origin: string,
): SkBuff {
  const { ipv4 } = rt;
  const optlen = ipc.options?.bytes.length ?? 0;
  const hlen = IPV4_HEADER_LENGTH + optlen;
  const skb = allocSkb(ipv4.kernel, hlen + length, origin);
  const at = skbPut(skb, hlen + length);
  skb.networkHeader = at;
  skb.transportHeader = at + hlen;
  skb.dst = rt;
  skb.sk = sk;
  skb.mark = ipc.mark;
  skb.priority = sk.priority;
  const { bytes } = skb;
  const ignoreDf = ipSkIgnoreDf(sk);
  let df = 0;
  if (sk.pmtudisc === IP_PMTUDISC_DO || sk.pmtudisc === IP_PMTUDISC_PROBE) df = IP_DF;
  else if (hlen + length <= ipDstMtu(rt) && ipDontFragment(sk, rt)) df = IP_DF;
  bytes[at] = 0x40 | (hlen >>> 2);
  bytes[at + 1] = ipc.tos >= 0 ? ipc.tos : sk.tos;
  putU16(bytes, at + 2, hlen + length);
  const { daddr, saddr } = flow;
  const id = ipSelectIdentFor(ipv4.kernel, ipv4.net.number, sk, daddr, saddr, sk.protocol, df, ignoreDf);
  putU16(bytes, at + 4, id);
  putU16(bytes, at + 6, df);
  bytes[at + 8] = ipSelectTtl(sk, rt);
  bytes[at + 9] = sk.protocol;
  putU16(bytes, at + 10, 0);
  putIpv4(bytes, at + 12, saddr);
  const srr = ipc.options?.opt.srr ?? 0;
  putIpv4(bytes, at + 16, srr !== 0 ? ipc.options!.opt.faddr : daddr);
  if (ipc.options !== undefined) ipOptionsBuild(skb, ipc.options, at, daddr, rt);
  if (ignoreDf) skb.ipFlags |= SKB_IGNORE_DF;
  if (ipc.confirm) skb.ipFlags |= SKB_DST_PENDING_CONFIRM;
  return skb;
}
