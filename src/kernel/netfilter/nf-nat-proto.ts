/** Rewriting of packets: addresses, ports or ICMP identifiers, and the checksums over them. */
import { ipv4At, putIpv4, putU16, u16At } from '../../wire/addr.ts';
import { checksum, checksumReplace16, checksumReplace32, foldSum } from '../../wire/checksum.ts';
import { ICMP_ECHO, ICMP_ECHOREPLY, ICMP_REDIRECT, ICMP_TIMESTAMP } from '../../wire/icmp.ts';
import { IP_OFFSET, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../../wire/ipv4.ts';
import { CHECKSUM_PARTIAL, type SkBuff, skbEnsureWritable } from '../core/skbuff.ts';
import {
  ctinfo2dir,
  destinationOf,
  IPS_DST_NAT,
  IPS_NAT_DONE_MASK,
  IPS_NAT_MASK,
  IPS_SRC_NAT,
  type NfConn,
  sourceOf,
  type Tuple,
} from './nf-conn.ts';
import { nfIpChecksumBad } from './nf-conntrack-proto.ts';

export const NF_NAT_MANIP_SRC = 0;
export const NF_NAT_MANIP_DST = 1;

/** UDP writes a checksum that comes out as zero like this, for zero says that there is none. */
const CSUM_MANGLED_0 = 0xffff;

/**
 * The transport checksum after an address under its pseudo header changed. A partial one is the
 * pseudo header's sum, not complemented.
 */
function replaceAddress(check: number, partial: boolean, from: number, to: number): number {
  if (!partial) return checksumReplace32(check, from, to);
  return foldSum(check + (~(from >>> 16) & 0xffff) + (~from & 0xffff) + (to >>> 16) + (to & 0xffff));
}

/** @kernel net/netfilter/nf_nat_proto.c l4proto_manip_pkt #P[not SCTP's CRC32c, GRE] */
function l4protoManipPkt(
  skb: SkBuff,
  at: number,
  proto: number,
  manip: number,
  port: number,
  from: number,
  to: number,
): void {
  const { bytes } = skb;
  // What lies inside of an ICMP error may be cut short behind the ports.
  const room = skb.tail - at;
  switch (proto) {
    case IPPROTO_ICMP: {
      if (room < 8) return;
      const type = bytes[at]!;
      const hasId = type === ICMP_ECHO || type === ICMP_ECHOREPLY || (type >= ICMP_TIMESTAMP && type <= 18);
      if (!hasId) return;
      putU16(bytes, at + 2, checksumReplace16(u16At(bytes, at + 2), u16At(bytes, at + 4), port));
      putU16(bytes, at + 4, port);
      return;
    }
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP: {
      if (room < 8) return;
      const field = manip === NF_NAT_MANIP_SRC ? at : at + 2;
      const old = u16At(bytes, field);
      putU16(bytes, field, port);
      if (proto === IPPROTO_SCTP) return;
      const checkAt = proto === IPPROTO_TCP ? at + 16 : at + 6;
      if (proto === IPPROTO_TCP && room < 20) return;
      const partial = skb.ipSummed === CHECKSUM_PARTIAL;
      const check = u16At(bytes, checkAt);
      if (proto === IPPROTO_UDP && check === 0 && !partial) return;
      let next = replaceAddress(check, partial, from, to);
      // The ports are not under the pseudo header: a device sums them up later.
      if (!partial) next = checksumReplace16(next, old, port);
      if (proto === IPPROTO_UDP && next === 0) next = CSUM_MANGLED_0;
      putU16(bytes, checkAt, next);
      return;
    }
    default:
      return;
  }
}

/**
 * Rewrite the source or the destination of the IPv4 packet at `ip` to those of `target`.
 * @kernel net/netfilter/nf_nat_proto.c nf_nat_ipv4_manip_pkt
 */
function ipv4ManipPkt(skb: SkBuff, ip: number, target: Tuple, manip: number): void {
  const { bytes } = skb;
  const at = ip + (bytes[ip]! & 15) * 4;
  const field = manip === NF_NAT_MANIP_SRC ? ip + 12 : ip + 16;
  const from = ipv4At(bytes, field);
  const to = manip === NF_NAT_MANIP_SRC ? target.src : target.dst;
  const proto = bytes[ip + 9]!;
  const source = manip === NF_NAT_MANIP_SRC || proto === IPPROTO_ICMP;
  const port = source ? sourceOf(target.ports) : destinationOf(target.ports);
  if ((u16At(bytes, ip + 6) & IP_OFFSET) === 0) l4protoManipPkt(skb, at, proto, manip, port, from, to);
  putU16(bytes, ip + 10, checksumReplace32(u16At(bytes, ip + 10), from, to));
  putIpv4(bytes, field, to);
}

/** The tuple that packets of direction `dir` are to have: the inverse of the other direction's. ICMP types stay as they are. */
function targetOf(ct: NfConn, dir: 0 | 1): Tuple {
  const { src, dst, ports, proto } = dir === 0 ? ct.reply : ct.original;
  const swapped = proto === IPPROTO_ICMP ? ports : ((ports << 16) | (ports >>> 16)) >>> 0;
  return { src: dst, dst: src, ports: swapped, proto };
}

/** Whether a packet of direction `dir` is to be changed at a hook that changes `manip`. */
export function natApplies(ct: NfConn, manip: number, dir: number): boolean {
  let bit = manip === NF_NAT_MANIP_SRC ? IPS_SRC_NAT : IPS_DST_NAT;
  if (dir === 1) bit ^= IPS_NAT_MASK;
  return (ct.status & bit) !== 0;
}

/** @kernel net/netfilter/nf_nat_proto.c nf_nat_manip_pkt */
export function nfNatManipPkt(skb: SkBuff, ct: NfConn, manip: number, dir: 0 | 1): void {
  skbEnsureWritable(skb);
  ipv4ManipPkt(skb, skb.networkHeader, targetOf(ct, dir), manip);
}

/**
 * An ICMP error about a packet of the connection: what it quotes is translated back, and so is the
 * error itself. False: it must not pass.
 * @kernel net/netfilter/nf_nat_proto.c nf_nat_icmp_reply_translation
 */
export function nfNatIcmpReplyTranslation(skb: SkBuff, ct: NfConn, manip: number): boolean {
  const ip = skb.networkHeader;
  const headerLength = (skb.bytes[ip]! & 15) * 4;
  if (skb.tail - ip < headerLength + 8 + 20) return false;
  if (nfIpChecksumBad(skb, ip + headerLength, IPPROTO_ICMP)) return false;
  if (skb.bytes[ip + headerLength] === ICMP_REDIRECT) {
    // The quoted address could not be translated: only a connection that is not changed may be redirected.
    if ((ct.status & IPS_NAT_DONE_MASK) !== IPS_NAT_DONE_MASK || (ct.status & IPS_NAT_MASK) !== 0) return false;
  }
  const dir = ctinfo2dir(skb.nfctInfo);
  if (!natApplies(ct, manip, dir)) return true;

  skbEnsureWritable(skb);
  const { bytes, networkHeader } = skb;
  const icmp = networkHeader + headerLength;
  // The quoted packet went the other way; its other end is the one to change.
  const other = ct.tuple(dir === 0 ? 1 : 0);
  ipv4ManipPkt(skb, icmp + 8, other, manip === NF_NAT_MANIP_SRC ? NF_NAT_MANIP_DST : NF_NAT_MANIP_SRC);
  if (skb.ipSummed !== CHECKSUM_PARTIAL) {
    putU16(bytes, icmp + 2, 0);
    putU16(bytes, icmp + 2, checksum(bytes, icmp, skb.tail));
  }
  ipv4ManipPkt(skb, networkHeader, { ...targetOf(ct, dir), proto: IPPROTO_ICMP }, manip);
  return true;
}
