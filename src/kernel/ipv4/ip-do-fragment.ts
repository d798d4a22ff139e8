/** Cutting datagrams that are too long for their way. */
import { EMSGSIZE } from '../../uapi/errno.ts';
import { putU16 } from '../../wire/addr.ts';
import { checksum, pseudoHeaderSum } from '../../wire/checksum.ts';
import { ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED } from '../../wire/icmp.ts';
import {
  IP_DF,
  IP_MF,
  IP_OFFSET,
  IPOPT_END,
  IPOPT_NOOP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  ipv4Destination,
  ipv4FragOff,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  putIpv4Checksum,
} from '../../wire/ipv4.ts';
import { REASON } from '../core/drop-reason.ts';
import {
  allocSkb,
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  consumeSkb,
  kfreeSkbReason,
  type SkBuff,
  skbEnsureWritable,
  skbPut,
} from '../core/skbuff.ts';
import { icmpSend } from './icmp.ts';
import { IP_PMTUDISC_PROBE, skbInetSock } from './inet-sock.ts';
import { IPSKB_FORWARDED, IPSKB_FRAG_PMTU, ipDstMtu, SKB_IGNORE_DF, skbRtable } from './rtable.ts';
import { sendStatus } from './send-status.ts';

/** @kernel include/net/ip.h ip_skb_dst_mtu */
export function ipSkbDstMtu(skb: SkBuff): number {
  const rt = skbRtable(skb)!;
  const sk = skbInetSock(skb.sk);
  if (sk === undefined || sk.pmtudisc < IP_PMTUDISC_PROBE) {
    return ipDstMtu(rt, (skb.ipFlags & IPSKB_FORWARDED) !== 0);
  }
  return Math.min(rt.dev.mtu, 0xffff);
}

/**
 * Fill in the transport checksum that a device would have filled in.
 * @kernel net/core/dev.c skb_checksum_help
 */
export function skbChecksumHelp(skb: SkBuff): void {
  if (skb.ipSummed !== CHECKSUM_PARTIAL) return;
  skbEnsureWritable(skb);
  const { bytes, networkHeader: at } = skb;
  const transport = at + ipv4HeaderLength(bytes, at);
  const protocol = ipv4Protocol(bytes, at);
  const field = protocol === IPPROTO_UDP ? transport + 6 : protocol === IPPROTO_TCP ? transport + 16 : -1;
  skb.ipSummed = CHECKSUM_NONE;
  if (field < 0) return;
  putU16(bytes, field, 0);
  const sum = pseudoHeaderSum(ipv4Source(bytes, at), ipv4Destination(bytes, at), protocol, skb.tail - transport);
  const check = checksum(bytes, transport, skb.tail, sum);
  putU16(bytes, field, check === 0 && protocol === IPPROTO_UDP ? 0xffff : check);
}

type Output = (skb: SkBuff) => void;

/**
 * Cut the datagram, unless it forbids that.
 * @kernel net/ipv4/ip_output.c ip_fragment
 */
export function ipFragment(skb: SkBuff, mtu: number, output: Output): void {
  const rt = skbRtable(skb)!;
  const fragOff = ipv4FragOff(skb.bytes, skb.networkHeader);
  const forbidden = (fragOff & IP_DF) !== 0 && ((skb.ipFlags & SKB_IGNORE_DF) === 0 || skb.cb > mtu);
  if (!forbidden) {
    ipDoFragment(skb, output);
    return;
  }
  rt.ipv4.mib.ip.FragFails++;
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
  sendStatus.errno = EMSGSIZE;
  kfreeSkbReason(skb, REASON.PKT_TOO_BIG, 'ip_fragment', 'longer than the MTU, and not to be fragmented');
}

/** Payload lengths of the fragments that a datagram was put together from, kept for its way out (skb_shinfo()->frag_list). */
export const fragLists: WeakMap<SkBuff, readonly number[]> = new WeakMap();

/** The fragments as they came, when none is longer than `room` and they still make the `length` octets of payload. */
function fragList(skb: SkBuff, length: number, room: number): readonly number[] | undefined {
  const lengths = fragLists.get(skb);
  if (lengths === undefined) return undefined;
  const fit = lengths.every((one, i) => one <= room && (i === lengths.length - 1 || (one & 7) === 0));
  return fit && lengths.reduce((sum, one) => sum + one, 0) === length ? lengths : undefined;
}

/**
 * Cut into fragments as long as the way allows, or as the datagram came.
 * @kernel net/ipv4/ip_output.c ip_do_fragment #P[fragments are always copied]
 */
export function ipDoFragment(skb: SkBuff, output: Output): void {
  const { mib } = skbRtable(skb)!.ipv4;
  if (skb.ipSummed === CHECKSUM_PARTIAL) skbChecksumHelp(skb);
  let mtu = ipSkbDstMtu(skb);
  if (skb.cb !== 0 && skb.cb < mtu) mtu = skb.cb;
  const at = skb.networkHeader;
  const hlen = ipv4HeaderLength(skb.bytes, at);
  if (mtu < hlen + 8) {
    kfreeSkbReason(skb, REASON.PKT_TOO_BIG, 'ip_do_fragment', 'the MTU has no room for eight bytes');
    mib.ip.FragFails++;
    return;
  }
  const room = mtu - hlen;
  const word = ipv4FragOff(skb.bytes, at);
  const df = (skb.ipFlags & IPSKB_FRAG_PMTU) !== 0 ? IP_DF : 0;
  let offset = (word & IP_OFFSET) << 3;
  let from = at + hlen;
  let left = skb.tail - from;
  const lengths = (word & (IP_MF | IP_OFFSET)) === 0 ? fragList(skb, left, room) : undefined;
  for (let i = 0; left > 0; i++) {
    let length = lengths?.[i] ?? Math.min(left, room);
    if (length < left) length &= ~7;
    const first = offset === 0;
    const piece = allocSkb(skb.kernel, hlen + length, 'ip_do_fragment');
    const start = skbPut(piece, hlen + length);
    piece.bytes.set(skb.bytes.subarray(at, at + hlen), start);
    piece.bytes.set(skb.bytes.subarray(from, from + length), start + hlen);
    copyMetadata(piece, skb);
    piece.networkHeader = start;
    piece.transportHeader = start + hlen;
    left -= length;
    const more = left > 0 || (word & IP_MF) !== 0 ? IP_MF : 0;
    putU16(piece.bytes, start + 6, (offset >>> 3) | more | df);
    putU16(piece.bytes, start + 2, hlen + length);
    putIpv4Checksum(piece.bytes, start);
    // The options of the first fragment that are not to be copied are blanked for the rest.
    if (first) optionsFragment(skb, at, hlen);
    offset += length;
    from += length;
    sendStatus.errno = 0;
    sendStatus.congested = false;
    output(piece);
    if (sendStatus.errno !== 0 || sendStatus.congested) {
      mib.ip.FragFails++;
      kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'ip_do_fragment', 'a fragment could not be sent');
      return;
    }
    mib.ip.FragCreates++;
  }
  consumeSkb(skb, 'ip_do_fragment');
  mib.ip.FragOKs++;
}

/** @kernel net/ipv4/ip_output.c ip_copy_metadata */
function copyMetadata(to: SkBuff, from: SkBuff): void {
  to.pktType = from.pktType;
  to.priority = from.priority;
  to.protocol = from.protocol;
  to.skbIif = from.skbIif;
  to.dst = from.dst;
  to.dev = from.dev;
  to.mark = from.mark;
  to.sk = from.sk;
  to.nfct = from.nfct;
  to.nfctInfo = from.nfctInfo;
  to.nfBridge = from.nfBridge;
  to.ipFlags = from.ipFlags;
}

/** @kernel net/ipv4/ip_options.c ip_options_fragment */
function optionsFragment(skb: SkBuff, at: number, hlen: number): void {
  if (hlen <= 20) return;
  skbEnsureWritable(skb);
  const { bytes } = skb;
  for (let i = at + 20; i < at + hlen; ) {
    const kind = bytes[i]!;
    if (kind === IPOPT_END) return;
    if (kind === IPOPT_NOOP) {
      i++;
      continue;
    }
    const length = bytes[i + 1]!;
    if (length < 2 || i + length > at + hlen) return;
    if ((kind & 0x80) === 0) bytes.fill(IPOPT_NOOP, i, i + length);
    i += length;
  }
}
