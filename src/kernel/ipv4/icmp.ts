/** Sending ICMP: errors about packets, and answers. */
import { IFF_LOOPBACK, PACKET_HOST } from '../../uapi/if.ts';
import { RT_SCOPE_LINK } from '../../uapi/rtnetlink.ts';
import { type Ipv4, putU16, putU32 } from '../../wire/addr.ts';
import { checksum } from '../../wire/checksum.ts';
import {
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  ICMP_HEADER_LENGTH,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
} from '../../wire/icmp.ts';
import {
  IP_OFFSET,
  IPPROTO_ICMP,
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4FragOff,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4Tos,
} from '../../wire/ipv4.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { Flowi4 } from './fib.ts';
import { inetSelectAddr } from './inet-addr.ts';
import { InetSock, IP_PMTUDISC_DONT } from './inet-sock.ts';
import { inetPeerXrlimAllow } from './inetpeer.ts';
import { ipSendSkb } from './ip-local-out.ts';
import { type IpcmCookie, ipMakeSkb } from './ip-make-skb.ts';
import { ipOptionsEcho, type SendOptions } from './ip-options.ts';
import type { Ipv4Net } from './ipv4-net.ts';
import { nfCtHook } from './nf-ct-hook.ts';
import { ipRouteOutputKey } from './route-output.ts';
import { ipDstMtu, RTCF_BROADCAST, RTCF_LOCAL, RTCF_MULTICAST, type Rtable, skbRtable } from './rtable.ts';
import type { Snmp } from './snmp.ts';

/** The highest type known. */
export const NR_ICMP_TYPES = 18;
const SECOND = 1e9;
/** Bits of the type-of-service field that say whence a packet is: internetwork control. */
const IPTOS_PREC_INTERNETCONTROL = 0xc0;
/** 192.0.0.8: the source of errors from a host without an address (RFC 7600). */
const INADDR_DUMMY = 0xc000_0008;

/** @kernel include/linux/icmp.h icmp_is_err */
export function icmpIsErr(type: number): boolean {
  return (
    type === ICMP_DEST_UNREACH ||
    type === ICMP_SOURCE_QUENCH ||
    type === ICMP_REDIRECT ||
    type === ICMP_TIME_EXCEEDED ||
    type === ICMP_PARAMETERPROB
  );
}

const sockets = new WeakMap<Ipv4Net, InetSock>();

/** The kernel's own socket for ICMP. */
function icmpSk(ipv4: Ipv4Net): InetSock {
  let sk = sockets.get(ipv4);
  if (sk === undefined) {
    sk = new InetSock(ipv4, IPPROTO_ICMP);
    sk.pmtudisc = IP_PMTUDISC_DONT;
    sk.mcLoop = false;
    sockets.set(ipv4, sk);
  }
  return sk;
}

/** Types and codes that are never held back. @kernel net/ipv4/icmp.c icmpv4_mask_allow */
function icmpv4MaskAllow(ipv4: Ipv4Net, type: number, code: number): boolean {
  if (type > NR_ICMP_TYPES) return true;
  if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) return true;
  return ((1 << type) & ipv4.icmpRatemask) === 0;
}

/** @kernel net/ipv4/icmp.c icmp_global_allow */
function icmpGlobalAllow(ipv4: Ipv4Net): boolean {
  if (ipv4.icmpGlobalCredit > 0) return true;
  const { now } = ipv4.kernel.queue;
  const delta = Math.min(now - ipv4.icmpGlobalStamp, SECOND);
  if (delta < SECOND / 50) return false;
  const incr = Math.floor((ipv4.icmpMsgsPerSec * delta) / SECOND);
  if (incr === 0) return false;
  ipv4.icmpGlobalStamp = now;
  ipv4.icmpGlobalCredit = Math.min(ipv4.icmpGlobalCredit + incr, ipv4.icmpMsgsBurst);
  return true;
}

/** Whether the host, which is not on this machine, may be sent another one now. @kernel net/ipv4/icmp.c icmpv4_xrlim_allow */
function icmpv4XrlimAllow(ipv4: Ipv4Net, rt: Rtable, daddr: Ipv4, applyRatelimit: boolean): boolean {
  if (!applyRatelimit) return true;
  const { now } = ipv4.kernel.queue;
  let allowed = true;
  if ((rt.dev.flags & IFF_LOOPBACK) === 0) {
    allowed = inetPeerXrlimAllow(ipv4.peers.get(daddr, now), ipv4.icmpRatelimit * 1e6, now);
  }
  if (!allowed) ipv4.mib.icmp.OutRateLimitHost++;
  else ipv4.icmpGlobalCredit -= ipv4.kernel.random.below(3);
  return allowed;
}

/** @kernel net/ipv4/icmp.c icmp_out_count */
export function icmpOutCount(ipv4: Ipv4Net, type: number): void {
  const { mib } = ipv4;
  mib.icmpOut.set(type, (mib.icmpOut.get(type) ?? 0) + 1);
  mib.icmp.OutMsgs++;
  const name = OUT_NAMES.get(type);
  if (name !== undefined) mib.icmp[name]++;
}

/** Counters of messages sent, by type. */
const OUT_NAMES = new Map<number, keyof Snmp['icmp']>([
  [0, 'OutEchoReps'],
  [3, 'OutDestUnreachs'],
  [4, 'OutSrcQuenchs'],
  [5, 'OutRedirects'],
  [8, 'OutEchos'],
  [11, 'OutTimeExcds'],
  [12, 'OutParmProbs'],
  [13, 'OutTimestamps'],
  [14, 'OutTimestampReps'],
  [17, 'OutAddrMasks'],
  [18, 'OutAddrMaskReps'],
]);

/** IP4_REPLY_MARK */
function replyMark(ipv4: Ipv4Net, mark: number): number {
  return ipv4.fwmarkReflect !== 0 ? mark : 0;
}

/** What goes behind the ICMP header. */
interface Payload {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly length: number;
}

/**
 * An ICMP message is on its way out: what drops it causes no further one, because the socket that would send
 * it is locked (icmp_xmit_lock()). Sending returns before anything else runs.
 */
let xmitLocked = false;

/** @kernel net/ipv4/icmp.c icmp_push_reply */
function icmpPushReply(
  sk: InetSock,
  flow: Flowi4,
  rt: Rtable,
  ipc: IpcmCookie,
  type: number,
  code: number,
  rest: number,
  payload: Payload,
  origin: string,
  about: SkBuff | undefined,
): void {
  const length = ICMP_HEADER_LENGTH + payload.length;
  const skb = ipMakeSkb(sk, flow, rt, length, ipc, origin);
  const { bytes, transportHeader: at } = skb;
  bytes[at] = type;
  bytes[at + 1] = code;
  putU16(bytes, at + 2, 0);
  putU32(bytes, at + 4, rest);
  bytes.set(payload.bytes.subarray(payload.from, payload.from + payload.length), at + ICMP_HEADER_LENGTH);
  putU16(bytes, at + 2, checksum(bytes, at, at + length));
  icmpOutCount(rt.ipv4, type);
  if (about?.nfct !== undefined) nfCtHook.attach(skb, about);
  xmitLocked = true;
  try {
    ipSendSkb(skb);
  } finally {
    xmitLocked = false;
  }
}

function cookie(tos: number, mark: number, options: SendOptions | undefined): IpcmCookie {
  return { tos, mark, options, confirm: false };
}

/**
 * Answer a packet that asked: `rest` is octets 4 to 7 of the answer, `payload` follows them.
 * @kernel net/ipv4/icmp.c icmp_reply
 * @param saddr the source of the answer
 */
export function icmpReply(
  skb: SkBuff,
  type: number,
  code: number,
  rest: number,
  payload: Payload,
  saddr: Ipv4,
  origin: string,
): void {
  const { ipv4 } = skbRtable(skb)!;
  const { bytes, networkHeader: at } = skb;
  const options = ipOptionsEcho(ipv4, skb);
  let applyRatelimit = false;
  if (!icmpv4MaskAllow(ipv4, type, code)) {
    if (!icmpGlobalAllow(ipv4)) {
      ipv4.mib.icmp.OutRateLimitGlobal++;
      return;
    }
    applyRatelimit = true;
  }
  if (xmitLocked) return;
  const tos = ipv4Tos(bytes, at);
  const mark = replyMark(ipv4, skb.mark);
  const flow = new Flowi4();
  flow.daddr = ipv4Source(bytes, at);
  flow.saddr = saddr;
  flow.mark = mark;
  flow.tos = tos;
  flow.proto = IPPROTO_ICMP;
  const rt = ipRouteOutputKey(ipv4, flow);
  if (typeof rt === 'number') return;
  if (!icmpv4XrlimAllow(ipv4, rt, flow.daddr, applyRatelimit)) return;
  icmpPushReply(icmpSk(ipv4), flow, rt, cookie(tos, mark, options), type, code, rest, payload, origin, undefined);
}

/**
 * Tell the sender of a packet that something is wrong with it; does nothing for packets about which nobody is
 * to be told. The packet stays the caller's.
 * @kernel net/ipv4/icmp.c __icmp_send
 * @param info octets 4 to 7: a gateway, an MTU, a pointer in the highest octet
 */
export function icmpSend(skb: SkBuff, type: number, code: number, info = 0): void {
  const inRt = skbRtable(skb);
  if (inRt === undefined) return;
  const { ipv4 } = inRt;
  const { bytes, networkHeader: at } = skb;
  if (at < 0 || at + IPV4_HEADER_LENGTH > skb.tail) return;
  if (skb.pktType !== PACKET_HOST) return;
  if ((inRt.flags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0) return;
  if ((ipv4FragOff(bytes, at) & IP_OFFSET) !== 0) return;
  const isError = icmpIsErr(type);
  if (isError && ipv4Protocol(bytes, at) === IPPROTO_ICMP) {
    const inner = at + ipv4HeaderLength(bytes, at);
    if (inner >= skb.tail) return;
    const innerType = bytes[inner]!;
    if (innerType > NR_ICMP_TYPES || icmpIsErr(innerType)) return;
  }
  let applyRatelimit = false;
  const fromLoopback = skb.dev !== undefined && (skb.dev.flags & IFF_LOOPBACK) !== 0;
  if (!fromLoopback && !icmpv4MaskAllow(ipv4, type, code)) {
    if (!icmpGlobalAllow(ipv4)) {
      ipv4.mib.icmp.OutRateLimitGlobal++;
      return;
    }
    applyRatelimit = true;
  }
  if (xmitLocked) return;
  const source = ipv4Source(bytes, at);
  let saddr = ipv4Destination(bytes, at);
  if ((inRt.flags & RTCF_LOCAL) === 0) {
    saddr = 0;
    if (inRt.isInput && ipv4.icmpErrorsUseInboundIfaddr !== 0) {
      const dev = ipv4.net.devByIndex(skb.skbIif);
      if (dev !== undefined) saddr = inetSelectAddr(dev, source, RT_SCOPE_LINK);
    }
  }
  const inTos = ipv4Tos(bytes, at);
  const tos = isError ? (inTos & 0x1e) | IPTOS_PREC_INTERNETCONTROL : inTos;
  const mark = replyMark(ipv4, skb.mark);
  const options = ipOptionsEcho(ipv4, skb);
  const flow = new Flowi4();
  flow.daddr = source;
  flow.saddr = saddr;
  flow.mark = mark;
  flow.tos = tos;
  flow.proto = IPPROTO_ICMP;
  const rt = ipRouteOutputKey(ipv4, flow);
  if (typeof rt === 'number') return;
  if (!icmpv4XrlimAllow(ipv4, rt, flow.daddr, applyRatelimit)) return;
  const optlen = options?.bytes.length ?? 0;
  const room = Math.min(ipDstMtu(rt), 576) - IPV4_HEADER_LENGTH - optlen - ICMP_HEADER_LENGTH;
  if (room <= IPV4_HEADER_LENGTH) return;
  if (flow.saddr === 0) flow.saddr = INADDR_DUMMY;
  const payload = { bytes, from: at, length: Math.min(skb.tail - at, room) };
  icmpPushReply(icmpSk(ipv4), flow, rt, cookie(tos, mark, options), type, code, info, payload, 'icmp_send', skb);
}
