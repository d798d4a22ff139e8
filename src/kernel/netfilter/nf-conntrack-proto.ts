/** What each protocol's tracker does with a packet of a connection: ICMP, UDP, and all without a tracker. */

import { u16At } from '../../wire/addr.ts';
import { checksum, pseudoHeaderSum } from '../../wire/checksum.ts';
import { ICMP_ADDRESS, ICMP_ECHO, ICMP_INFO_REQUEST, ICMP_TIMESTAMP } from '../../wire/icmp.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../wire/ipv4.ts';
import { NF_ACCEPT, NF_INET_PRE_ROUTING, type NfHookState } from '../core/netfilter.ts';
import { CHECKSUM_NONE, CHECKSUM_UNNECESSARY, type SkBuff } from '../core/skbuff.ts';
import { ctinfo2dir, IPS_ASSURED, IPS_SEEN_REPLY, type NfConn } from './nf-conn.ts';
import { IPCT_ASSURED, nfConntrackEventCache } from './nf-conntrack-ecache.ts';
import type { ConntrackNet } from './nf-conntrack-state.ts';

const SECOND = 1e9;
/** A UDP exchange older than this is a stream. */
const STREAM_AGE = 2 * SECOND;

/**
 * A live connection's time begins anew; one that is not confirmed yet only remembers for how long.
 * @kernel net/netfilter/nf_conntrack_core.c __nf_ct_refresh_acct
 */
export function nfCtRefresh(ct: NfConn, seconds: number): void {
  ct.timeout = (ct.confirmed ? ct.net.kernel.queue.now : 0) + seconds * SECOND;
}

/** @kernel net/netfilter/nf_conntrack_core.c nf_ct_acct_add */
export function nfCtAcctAdd({ packets, bytes }: NonNullable<NfConn['acct']>, skb: SkBuff): void {
  const dir = ctinfo2dir(skb.nfctInfo);
  packets[dir]++;
  bytes[dir] += skb.tail - skb.networkHeader;
}

/**
 * Whether the transport checksum is wrong. Frames of our own are taken to be right, as are those
 * whose checksum a device will fill in. The IP header is summed up too, which adds nothing while it is right:
 * options that were filled in on arrival have made it wrong until it is sent on.
 * @kernel net/netfilter/utils.c nf_ip_checksum
 */
export function nfIpChecksumBad(skb: SkBuff, at: number, proto: number): boolean {
  if (skb.ipSummed !== CHECKSUM_NONE) return false;
  const ip = skb.networkHeader;
  const { bytes, tail } = skb;
  let sum = 0;
  if (proto === IPPROTO_TCP || proto === IPPROTO_UDP) {
    const src = ((bytes[ip + 12]! << 24) | (bytes[ip + 13]! << 16) | (bytes[ip + 14]! << 8) | bytes[ip + 15]!) >>> 0;
    const dst = ((bytes[ip + 16]! << 24) | (bytes[ip + 17]! << 16) | (bytes[ip + 18]! << 8) | bytes[ip + 19]!) >>> 0;
    sum = pseudoHeaderSum(src, dst, proto, tail - at);
  }
  if (checksum(bytes, ip, tail, sum) !== 0) return true;
  // It is not summed up again, whatever becomes of the options.
  skb.ipSummed = CHECKSUM_UNNECESSARY;
  return false;
}

const ICMP_MAY_BEGIN = new Set([ICMP_ECHO, ICMP_TIMESTAMP, ICMP_INFO_REQUEST, ICMP_ADDRESS]);

/** @kernel net/netfilter/nf_conntrack_proto_icmp.c nf_conntrack_icmp_packet */
export function nfConntrackIcmpPacket(ct: NfConn, cnet: ConntrackNet): number {
  if (!ICMP_MAY_BEGIN.has((ct.original.ports >>> 8) & 0xff)) return -NF_ACCEPT;
  nfCtRefresh(ct, cnet.timeouts.icmp);
  return NF_ACCEPT;
}

/** @kernel net/netfilter/nf_conntrack_proto_udp.c udp_error */
function udpError(skb: SkBuff, at: number, cnet: ConntrackNet, state: NfHookState): boolean {
  const { bytes, tail } = skb;
  const length = u16At(bytes, at + 4);
  if (length > tail - at || length < 8) return true;
  if (u16At(bytes, at + 6) === 0) return false;
  return state.hook === NF_INET_PRE_ROUTING && cnet.checksum !== 0 && nfIpChecksumBad(skb, at, IPPROTO_UDP);
}

/** @kernel net/netfilter/nf_conntrack_proto_udp.c nf_conntrack_udp_packet */
export function nfConntrackUdpPacket(
  ct: NfConn,
  skb: SkBuff,
  at: number,
  cnet: ConntrackNet,
  state: NfHookState,
): number {
  if (udpError(skb, at, cnet, state)) return -NF_ACCEPT;
  const { now } = cnet.net.kernel.queue;
  if (!ct.confirmed) ct.streamTs = now + STREAM_AGE;
  if ((ct.status & IPS_SEEN_REPLY) === 0) {
    nfCtRefresh(ct, cnet.timeouts.udp);
    return NF_ACCEPT;
  }
  const stream = now > ct.streamTs;
  nfCtRefresh(ct, stream ? cnet.timeouts.udpStream : cnet.timeouts.udp);
  if (stream && (ct.status & IPS_ASSURED) === 0) {
    ct.status |= IPS_ASSURED;
    nfConntrackEventCache(ct, IPCT_ASSURED);
  }
  return NF_ACCEPT;
}

/** @kernel net/netfilter/nf_conntrack_core.c generic_packet */
export function genericPacket(ct: NfConn, cnet: ConntrackNet): number {
  nfCtRefresh(ct, cnet.timeouts.generic);
  return NF_ACCEPT;
}
