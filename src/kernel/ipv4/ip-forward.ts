/** Packets for others. */

import { PACKET_HOST } from '../../uapi/if.ts';
import { ICMP_DEST_UNREACH, ICMP_EXC_TTL, ICMP_FRAG_NEEDED, ICMP_TIME_EXCEEDED } from '../../wire/icmp.ts';
import { IP_DF, ipv4DecreaseTtl, ipv4FragOff, ipv4Tos, ipv4Ttl } from '../../wire/ipv4.ts';
import { REASON } from '../core/drop-reason.ts';
import { NF_INET_FORWARD, NFPROTO_IPV4, nfHook } from '../core/netfilter.ts';
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, kfreeSkbReason, type SkBuff, skbCowHead } from '../core/skbuff.ts';
import { icmpSend } from './icmp.ts';
import { dstOutput } from './ip-local-out.ts';
import { ipcbOptions, ipForwardOptions } from './ip-options.ts';
import { ipRtSendRedirect } from './ip-redirect.ts';
import { IPSKB_DOREDIRECT, IPSKB_FORWARDED, ipDstMtu, rtHandlers, SKB_IGNORE_DF, skbRtable } from './rtable.ts';
import { rtTos2priority } from './tos-priority.ts';

/** @kernel net/ipv4/ip_forward.c ip_exceeds_mtu */
function ipExceedsMtu(skb: SkBuff, mtu: number): boolean {
  if (skb.len <= mtu || (ipv4FragOff(skb.bytes, skb.networkHeader) & IP_DF) === 0) return false;
  return skb.cb > mtu || (skb.ipFlags & SKB_IGNORE_DF) === 0;
}

/** @kernel net/ipv4/ip_forward.c ip_forward #P[strict source routes, IPsec] */
export function ipForward(skb: SkBuff): void {
  const rt = skbRtable(skb)!;
  const { ipv4 } = rt;
  if (skb.pktType !== PACKET_HOST) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'ip_forward', 'not addressed to us on the link');
    return;
  }
  // skb_forward_csum(): the sum of the whole packet no longer holds.
  if (skb.ipSummed !== CHECKSUM_PARTIAL) skb.ipSummed = CHECKSUM_NONE;
  if (ipv4Ttl(skb.bytes, skb.networkHeader) <= 1) {
    ipv4.mib.ip.InHdrErrors++;
    icmpSend(skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL);
    kfreeSkbReason(skb, REASON.IP_INHDR, 'ip_forward', 'the TTL has run out');
    return;
  }
  ipv4.mib.ip.ForwDatagrams++;
  skb.ipFlags |= IPSKB_FORWARDED;
  const mtu = ipDstMtu(rt, true);
  if (skb.len > mtu && ipExceedsMtu(skb, mtu)) {
    ipv4.mib.ip.FragFails++;
    icmpSend(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
    kfreeSkbReason(skb, REASON.PKT_TOO_BIG, 'ip_forward', 'longer than the MTU, and not to be fragmented');
    return;
  }
  skbCowHead(skb, rt.dev.hardHeaderLen + 4);
  ipv4DecreaseTtl(skb.bytes, skb.networkHeader);
  if ((skb.ipFlags & IPSKB_DOREDIRECT) !== 0 && (ipcbOptions(skb)?.srr ?? 0) === 0) ipRtSendRedirect(skb);
  skb.priority = rtTos2priority(ipv4Tos(skb.bytes, skb.networkHeader));
  if (nfHook(NFPROTO_IPV4, NF_INET_FORWARD, ipv4.net, skb, skb.dev, rt.dev, ipForwardFinish)) ipForwardFinish(skb);
}

/** @kernel net/ipv4/ip_forward.c ip_forward_finish */
function ipForwardFinish(skb: SkBuff): void {
  if ((skb.bytes[skb.networkHeader]! & 15) > 5) ipForwardOptions(skb);
  skb.tstamp = 0;
  dstOutput(skb);
}

rtHandlers.forward = ipForward;
