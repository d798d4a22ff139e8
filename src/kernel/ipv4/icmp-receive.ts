/** Receiving ICMP: answering echo and timestamp requests, telling sockets of errors. */

import { RTN_BROADCAST } from '../../uapi/rtnetlink.ts';
import { formatIpv4, putU32, u16At, u32At } from '../../wire/addr.ts';
import { checksum } from '../../wire/checksum.ts';
import {
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_EXC_FRAGTIME,
  ICMP_FRAG_NEEDED,
  ICMP_HEADER_LENGTH,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_TIMESTAMP,
  ICMP_TIMESTAMPREPLY,
} from '../../wire/icmp.ts';
import { IPPROTO_RAW, ipv4Destination, ipv4HeaderLength, ipv4Protocol } from '../../wire/ipv4.ts';
import { type DropReason, REASON } from '../core/drop-reason.ts';
import { CHECKSUM_PARTIAL, CHECKSUM_UNNECESSARY, consumeSkb, kfreeSkbReason, type SkBuff } from '../core/skbuff.ts';
import { inetAddrType } from './fib-lookup.ts';
import { fibComputeSpecDst } from './fib-validate.ts';
import { icmpReply, NR_ICMP_TYPES } from './icmp.ts';
import { inetProtos, rawHooks } from './inet-protos.ts';
import { inetCurrentTimestamp } from './ip-options.ts';
import type { Ipv4Net } from './ipv4-net.ts';
import { pingRcv } from './ping.ts';
import { RTCF_BROADCAST, RTCF_MULTICAST, skbRtable } from './rtable.ts';
import type { Snmp } from './snmp.ts';

const NR_ICMP_UNREACH = 15;
const ICMP_EXT_ECHOREPLY = 43;
const ICMP_EXT_ECHO = 42;

const IN_NAMES = new Map<number, keyof Snmp['icmp']>([
  [0, 'InEchoReps'],
  [3, 'InDestUnreachs'],
  [4, 'InSrcQuenchs'],
  [5, 'InRedirects'],
  [8, 'InEchos'],
  [11, 'InTimeExcds'],
  [12, 'InParmProbs'],
  [13, 'InTimestamps'],
  [14, 'InTimestampReps'],
  [17, 'InAddrMasks'],
  [18, 'InAddrMaskReps'],
]);

/** The protocol's receive function. @kernel net/ipv4/icmp.c icmp_rcv */
export function icmpRcv(skb: SkBuff): void {
  const rt = skbRtable(skb)!;
  const { ipv4 } = rt;
  const { mib } = ipv4;
  mib.icmp.InMsgs++;
  const at = skb.data;
  const { bytes } = skb;
  const fail = (reason: DropReason, note: string): void => {
    mib.icmp.InErrors++;
    kfreeSkbReason(skb, reason, 'icmp_rcv', note);
  };
  const summed = skb.ipSummed === CHECKSUM_UNNECESSARY || skb.ipSummed === CHECKSUM_PARTIAL;
  if (!summed && checksum(bytes, at, skb.tail) !== 0) {
    mib.icmp.InCsumErrors++;
    fail(REASON.ICMP_CSUM, 'checksum');
    return;
  }
  if (skb.len < ICMP_HEADER_LENGTH) {
    fail(REASON.PKT_TOO_SMALL, 'cut short');
    return;
  }
  skb.transportHeader = at;
  const type = bytes[at]!;
  const name = IN_NAMES.get(type);
  mib.icmpIn.set(type, (mib.icmpIn.get(type) ?? 0) + 1);
  // InTimeExcds is counted where the error is handled.
  if (name !== undefined) mib.icmp[name]++;
  skb.pull(ICMP_HEADER_LENGTH);
  if (type === ICMP_EXT_ECHO || type === ICMP_EXT_ECHOREPLY) {
    consumeSkb(skb, 'icmp_rcv');
    return;
  }
  if (type > NR_ICMP_TYPES) {
    fail(REASON.UNHANDLED_PROTO, 'unknown type');
    return;
  }
  if ((rt.flags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0) {
    if ((type === ICMP_ECHO || type === ICMP_TIMESTAMP) && ipv4.icmpEchoIgnoreBroadcasts !== 0) {
      fail(REASON.INVALID_PROTO, 'icmp_echo_ignore_broadcasts');
      return;
    }
    if (!ALLOWED_IN_BROADCAST.has(type)) {
      fail(REASON.INVALID_PROTO, 'type not allowed in a broadcast');
      return;
    }
  }
  const reason = handle(skb, ipv4, type);
  if (reason !== 0) fail(reason, 'cut short');
  else if (!skb.ended) consumeSkb(skb, 'icmp_rcv');
}

const ALLOWED_IN_BROADCAST: ReadonlySet<number> = new Set([ICMP_ECHO, ICMP_TIMESTAMP, 17, 18]);

/** `data` stands behind the ICMP header. */
function handle(skb: SkBuff, ipv4: Ipv4Net, type: number): DropReason {
  switch (type) {
    case ICMP_ECHOREPLY:
      if (!pingRcv(skb)) kfreeSkbReason(skb, REASON.NO_SOCKET, 'ping_rcv', 'no ping socket has this identifier');
      return 0;
    case ICMP_ECHO:
      if (ipv4.icmpEchoIgnoreAll === 0) echo(skb);
      return 0;
    case ICMP_TIMESTAMP:
      return timestamp(skb, ipv4);
    case ICMP_REDIRECT:
      if (skb.len < 20) return REASON.PKT_TOO_SMALL;
      socketDeliver(skb, ipv4, u32At(skb.bytes, skb.transportHeader + 4));
      return 0;
    case ICMP_DEST_UNREACH:
    case ICMP_SOURCE_QUENCH:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETERPROB:
      return unreach(skb, ipv4, type);
    default:
      return 0;
  }
}

/** @kernel net/ipv4/icmp.c icmp_echo */
function echo(skb: SkBuff): void {
  const payload = { bytes: skb.bytes, from: skb.data, length: skb.len };
  const rest = u32At(skb.bytes, skb.transportHeader + 4);
  icmpReply(skb, ICMP_ECHOREPLY, 0, rest, payload, fibComputeSpecDst(skb), 'icmp_echo');
}

/** @kernel net/ipv4/icmp.c icmp_timestamp */
function timestamp(skb: SkBuff, ipv4: Ipv4Net): DropReason {
  if (skb.len < 4) return REASON.PKT_TOO_SMALL;
  const times = new Uint8Array(12);
  times.set(skb.bytes.subarray(skb.data, skb.data + 4), 0);
  putU32(times, 4, inetCurrentTimestamp(ipv4));
  putU32(times, 8, inetCurrentTimestamp(ipv4));
  const rest = u32At(skb.bytes, skb.transportHeader + 4);
  const payload = { bytes: times, from: 0, length: 12 };
  icmpReply(skb, ICMP_TIMESTAMPREPLY, 0, rest, payload, fibComputeSpecDst(skb), 'icmp_timestamp');
  return 0;
}

/** @kernel net/ipv4/icmp.c icmp_unreach */
function unreach(skb: SkBuff, ipv4: Ipv4Net, type: number): DropReason {
  const { bytes, transportHeader: icmp } = skb;
  if (skb.len < 20) return REASON.NOT_SPECIFIED;
  if (ipv4HeaderLength(bytes, skb.data) < 20) return REASON.IP_INHDR;
  const code = bytes[icmp + 1]!;
  let info = 0;
  if (type === ICMP_DEST_UNREACH) {
    if ((code & 15) === ICMP_FRAG_NEEDED) {
      if (ipv4.ipNoPmtuDisc === 2 || ipv4.ipNoPmtuDisc === 3) return 0;
      if (ipv4.ipNoPmtuDisc === 0) info = u16At(bytes, icmp + 6);
    }
    if (code > NR_ICMP_UNREACH) return 0;
  } else if (type === ICMP_PARAMETERPROB) info = bytes[icmp + 4]!;
  else if (type === ICMP_TIME_EXCEEDED && code === ICMP_EXC_FRAGTIME) return 0;
  const about = ipv4Destination(bytes, skb.data);
  if (ipv4.icmpIgnoreBogusErrorResponses === 0 && inetAddrType(ipv4, about) === RTN_BROADCAST) {
    ipv4.kernel.printk(
      `icmp: ${formatIpv4(u32At(bytes, skb.networkHeader + 12))} sent an invalid ICMP type ${type}, code ${code} error to a broadcast: ${formatIpv4(about)} on ${skb.dev!.name}`,
    );
    return 0;
  }
  socketDeliver(skb, ipv4, info);
  return 0;
}

/**
 * Tell those whose packet failed: its header is at `data`.
 * @kernel net/ipv4/icmp.c icmp_socket_deliver
 */
function socketDeliver(skb: SkBuff, ipv4: Ipv4Net, info: number): void {
  const protocol = ipv4Protocol(skb.bytes, skb.data);
  if (skb.len < ipv4HeaderLength(skb.bytes, skb.data) + 8 || protocol === IPPROTO_RAW) {
    ipv4.mib.icmp.InErrors++;
    return;
  }
  rawHooks.icmpError(skb, protocol, info);
  inetProtos[protocol]?.errHandler?.(skb, info);
}
