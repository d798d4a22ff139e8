/** TCP's input: to the socket that is connecting; what comes for a port where nobody listens is answered by a reset. */
import { PACKET_HOST } from '../../uapi/if.ts';
import { u16At } from '../../wire/addr.ts';
import { checksum, pseudoHeaderSum } from '../../wire/checksum.ts';
import { IPPROTO_TCP, ipv4Destination, ipv4Source, ipv4Tos } from '../../wire/ipv4.ts';
import {
  putTcpHeader,
  TCP_ACK,
  TCP_FIN,
  TCP_HEADER_LENGTH,
  TCP_RST,
  TCP_SYN,
  tcpAcknowledgment,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
} from '../../wire/tcp.ts';
import { type DropReason, REASON } from '../core/drop-reason.ts';
import { CHECKSUM_PARTIAL, CHECKSUM_UNNECESSARY, kfreeSkbReason, type SkBuff } from '../core/skbuff.ts';
import { Flowi4 } from './fib.ts';
import { InetSock, IP_PMTUDISC_DO } from './inet-sock.ts';
import { ipSendSkb } from './ip-local-out.ts';
import { ipMakeSkb } from './ip-make-skb.ts';
import type { Ipv4Net } from './ipv4-net.ts';
import { ipRouteOutputKey } from './route-output.ts';
import { RTCF_LOCAL, skbRtable } from './rtable.ts';
import { tcpLookup } from './tcp-socket.ts';

const sockets = new WeakMap<Ipv4Net, InetSock>();

/** The kernel's own socket for resets. */
function tcpSk(ipv4: Ipv4Net): InetSock {
  let sk = sockets.get(ipv4);
  if (sk === undefined) {
    sk = new InetSock(ipv4, IPPROTO_TCP);
    sk.pmtudisc = IP_PMTUDISC_DO;
    sockets.set(ipv4, sk);
  }
  return sk;
}

/** The protocol's receive function. @kernel net/ipv4/tcp_ipv4.c tcp_v4_rcv #P[listeners, established connections] */
export function tcpV4Rcv(skb: SkBuff): void {
  const { mib } = skbRtable(skb)!.ipv4;
  const { bytes, networkHeader: ip } = skb;
  const at = skb.data;
  const drop = (reason: DropReason, note: string): void => kfreeSkbReason(skb, reason, 'tcp_v4_rcv', note);
  if (skb.pktType !== PACKET_HOST) {
    drop(REASON.NOT_SPECIFIED, 'not addressed to us on the link');
    return;
  }
  mib.tcp.InSegs++;
  const hlen = skb.len < TCP_HEADER_LENGTH ? 0 : tcpHeaderLength(bytes, at);
  if (hlen < TCP_HEADER_LENGTH || hlen > skb.len) {
    mib.tcp.InErrs++;
    drop(REASON.PKT_TOO_SMALL, 'cut short');
    return;
  }
  const sum = pseudoHeaderSum(ipv4Source(bytes, ip), ipv4Destination(bytes, ip), IPPROTO_TCP, skb.len);
  const summed = skb.ipSummed === CHECKSUM_UNNECESSARY || skb.ipSummed === CHECKSUM_PARTIAL;
  if (!summed && checksum(bytes, at, skb.tail, sum) !== 0) {
    mib.tcp.InCsumErrors++;
    mib.tcp.InErrs++;
    drop(REASON.TCP_CSUM, 'checksum');
    return;
  }
  const socket = tcpLookup(
    skb,
    ipv4Source(bytes, ip),
    u16At(bytes, at),
    ipv4Destination(bytes, ip),
    u16At(bytes, at + 2),
  );
  if (socket?.receive(skb, at) === true) return;
  sendReset(skb, hlen);
  drop(REASON.NO_SOCKET, 'nobody listens at this port');
}

/** @kernel net/ipv4/tcp_ipv4.c tcp_v4_send_reset */
function sendReset(skb: SkBuff, hlen: number): void {
  const rt = skbRtable(skb)!;
  const { ipv4 } = rt;
  const { bytes, networkHeader: ip, data: at } = skb;
  const flags = tcpFlags(bytes, at);
  if ((flags & TCP_RST) !== 0 || (rt.flags & RTCF_LOCAL) === 0) return;
  const flow = new Flowi4();
  flow.daddr = ipv4Source(bytes, ip);
  flow.saddr = ipv4Destination(bytes, ip);
  flow.tos = ipv4Tos(bytes, ip) & 0xfc;
  flow.proto = IPPROTO_TCP;
  flow.mark = ipv4.fwmarkReflect !== 0 ? skb.mark : 0;
  const out = ipRouteOutputKey(ipv4, flow);
  if (typeof out === 'number') return;
  let sequence = 0;
  let acknowledgment = 0;
  let answer = TCP_RST;
  if ((flags & TCP_ACK) !== 0) sequence = tcpAcknowledgment(bytes, at);
  else {
    answer |= TCP_ACK;
    const extra = ((flags & TCP_SYN) !== 0 ? 1 : 0) + ((flags & TCP_FIN) !== 0 ? 1 : 0);
    acknowledgment = (tcpSequence(bytes, at) + extra + skb.len - hlen) >>> 0;
  }
  const cookie = { tos: ipv4Tos(bytes, ip) & 0xfc, mark: flow.mark, options: undefined, confirm: false };
  const reset = ipMakeSkb(tcpSk(ipv4), flow, out, TCP_HEADER_LENGTH, cookie, 'tcp_v4_send_reset');
  const to = reset.transportHeader;
  const [sport, dport] = [u16At(bytes, at + 2), u16At(bytes, at)];
  const { saddr, daddr } = flow;
  putTcpHeader(reset.bytes, to, reset.tail, sport, dport, sequence, acknowledgment, answer, 0, saddr, daddr);
  ipv4.mib.tcp.OutSegs++;
  ipv4.mib.tcp.OutRsts++;
  ipSendSkb(reset);
}
