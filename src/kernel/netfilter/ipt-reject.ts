/** REJECT: the packet is dropped, and its sender is told, by an ICMP error or a TCP reset. */
import { ETH_HLEN, ETH_P_IP } from '../../uapi/if.ts';
import { ipv4At, putU16, putU32, u16At, u32At } from '../../wire/addr.ts';
import { pseudoHeaderSum } from '../../wire/checksum.ts';
import { ethDestination, ethSource, putEthernetHeader } from '../../wire/ethernet.ts';
import {
  ICMP_DEST_UNREACH,
  ICMP_HOST_ANO,
  ICMP_HOST_UNREACH,
  ICMP_NET_ANO,
  ICMP_NET_UNREACH,
  ICMP_PKT_FILTERED,
  ICMP_PORT_UNREACH,
  ICMP_PROT_UNREACH,
} from '../../wire/icmp.ts';
import { IP_DF, IP_OFFSET, IPPROTO_TCP, IPPROTO_UDP, putIpv4Checksum, putIpv4Header } from '../../wire/ipv4.ts';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../wire/tcp.ts';
import { devQueueXmit } from '../core/dev-xmit.ts';
import { REASON } from '../core/drop-reason.ts';
import { NF_DROP, type NfHookState } from '../core/netfilter.ts';
import { nfBridgeInfoOf } from '../core/netfilter-bridge.ts';
import { allocSkb, CHECKSUM_PARTIAL, kfreeSkbReason, type SkBuff, skbPut } from '../core/skbuff.ts';
import { icmpSend } from '../ipv4/icmp.ts';
import { ip4DstHoplimit, ipLocalOut } from '../ipv4/ip-local-out.ts';
import { RTCF_BROADCAST, RTCF_MULTICAST, skbRtable } from '../ipv4/rtable.ts';
import { ipRouteMeHarder } from './ip-route-me-harder.ts';
import { nfCtAttach, nfCtGet } from './nf-conntrack-core.ts';
import { nfIpChecksumBad } from './nf-conntrack-proto.ts';
import { nfConntrackTcpSetClosing } from './nf-conntrack-tcp.ts';
import type { XtTargetFn } from './xt-action.ts';

const CODES: Readonly<Record<string, number>> = {
  'icmp-net-unreachable': ICMP_NET_UNREACH,
  'icmp-host-unreachable': ICMP_HOST_UNREACH,
  'icmp-proto-unreachable': ICMP_PROT_UNREACH,
  'icmp-port-unreachable': ICMP_PORT_UNREACH,
  'icmp-net-prohibited': ICMP_NET_ANO,
  'icmp-host-prohibited': ICMP_HOST_ANO,
  'icmp-admin-prohibited': ICMP_PKT_FILTERED,
};

/** GRE, AH, ESP, SCTP, UDP-Lite and DCCP: the one's complement of their whole payload need not be right. */
const NOT_SUMMED: ReadonlySet<number> = new Set([47, 51, 50, 132, 136, 33]);

/** Whether the checksum is looked at before the packet is answered. @kernel include/net/netfilter/nf_reject.h nf_reject_verify_csum */
function verifies(bytes: Uint8Array, at: number, proto: number): boolean {
  return proto === IPPROTO_UDP ? u16At(bytes, at + 6) !== 0 : !NOT_SUMMED.has(proto);
}

/** @kernel net/ipv4/netfilter/nf_reject_ipv4.c nf_send_unreach */
function nfSendUnreach(skb: SkBuff, code: number): void {
  const { bytes, networkHeader: ip } = skb;
  if ((u16At(bytes, ip + 6) & IP_OFFSET) !== 0) return;
  const at = ip + (bytes[ip]! & 15) * 4;
  const proto = bytes[ip + 9]!;
  if (verifies(bytes, at, proto) && nfIpChecksumBad(skb, at, proto)) return;
  icmpSend(skb, ICMP_DEST_UNREACH, code, 0);
}

/** @kernel net/ipv4/netfilter/nf_reject_ipv4.c nf_send_reset */
function nfSendReset(old: SkBuff, { net }: NfHookState): void {
  const { bytes, networkHeader: ip } = old;
  const at = ip + (bytes[ip]! & 15) * 4;
  if ((u16At(bytes, ip + 6) & IP_OFFSET) !== 0 || bytes[ip + 9] !== IPPROTO_TCP || old.tail - at < 20) return;
  const flags = bytes[at + 13]!;
  // A reset is never answered by a reset.
  if ((flags & TCP_RST) !== 0 || nfIpChecksumBad(old, at, IPPROTO_TCP)) return;
  const rt = skbRtable(old);
  if (rt === undefined || (rt.flags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0) return;

  const skb = allocSkb(old.kernel, 40, 'nf_send_reset');
  const start = skbPut(skb, 40);
  const out = skb.bytes;
  const [source, destination] = [ipv4At(bytes, ip + 16), ipv4At(bytes, ip + 12)];
  putIpv4Header(out, start, source, destination, IPPROTO_TCP, 40, ip4DstHoplimit(rt), 0, IP_DF, 0);
  const tcp = start + 20;
  out.fill(0, tcp, tcp + 20);
  putU16(out, tcp, u16At(bytes, at + 2));
  putU16(out, tcp + 2, u16At(bytes, at));
  out[tcp + 12] = 5 << 4;
  out[tcp + 13] = TCP_RST;
  if ((flags & TCP_ACK) !== 0) putU32(out, tcp + 4, u32At(bytes, at + 8));
  else {
    const length = old.tail - at - (bytes[at + 12]! >>> 4) * 4;
    const counted = length + ((flags & TCP_SYN) !== 0 ? 1 : 0) + ((flags & TCP_FIN) !== 0 ? 1 : 0);
    putU32(out, tcp + 8, (u32At(bytes, at + 4) + counted) >>> 0);
    out[tcp + 13] = TCP_RST | TCP_ACK;
  }
  putU16(out, tcp + 16, pseudoHeaderSum(source, destination, IPPROTO_TCP, 20));
  skb.ipSummed = CHECKSUM_PARTIAL;
  skb.networkHeader = start;
  skb.transportHeader = tcp;
  skb.dst = old.dst;
  if (ipRouteMeHarder(net, skb) !== 0) {
    kfreeSkbReason(skb, REASON.IP_OUTNOROUTES, 'nf_send_reset');
    return;
  }
  nfCtAttach(skb, old);
  const ct = nfCtGet(old);
  if (ct !== undefined) nfConntrackTcpSetClosing(ct);
  const bridged = nfBridgeInfoOf(old);
  if (bridged === undefined) {
    ipLocalOut(skb);
    return;
  }
  // A bridged packet is answered in the name of the host it was for, by the port it came from.
  putIpv4Checksum(out, start);
  const header = skb.push(ETH_HLEN);
  const mac = old.macHeader;
  putEthernetHeader(out, header, ethSource(bytes, mac), ethDestination(bytes, mac), ETH_P_IP);
  skb.protocol = ETH_P_IP;
  skb.dev = bridged.physindev;
  devQueueXmit(skb);
}

/** @kernel net/ipv4/netfilter/ipt_REJECT.c reject_tg */
export function rejectTarget(kind: string): XtTargetFn {
  const code = CODES[kind];
  return ({ skb, state }) => {
    if (code === undefined) nfSendReset(skb, state);
    else nfSendUnreach(skb, code);
    return NF_DROP;
  };
}
