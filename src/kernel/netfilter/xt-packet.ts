/** Matches and targets on the packet as a whole and its IPv4 header. */
import { PACKET_BROADCAST, PACKET_LOOPBACK, PACKET_MULTICAST } from '../../uapi/if.ts';
import type { AddrRange, XtMatch, XtStatisticMatch, XtTarget } from '../../uapi/xtables.ts';
import { type Ipv4, ipv4At, isMulticastIpv4, putU16, u16At } from '../../wire/addr.ts';
import { checksumReplace16 } from '../../wire/checksum.ts';
import { type SkBuff, skbEnsureWritable } from '../core/skbuff.ts';
import { XT_CONTINUE, type XtMatchFn, type XtTargetFn } from './xt-action.ts';
import type { XtPlace } from './xt-matches.ts';

/** @kernel net/netfilter/xt_length.c length_mt */
export function lengthMatch({ from, to, invert }: Extract<XtMatch, { name: 'length' }>): XtMatchFn {
  return ({ skb, ip }) => {
    const length = u16At(skb.bytes, ip + 2);
    return (length >= from && length <= to) !== invert;
  };
}

/** @kernel net/netfilter/xt_hl.c ttl_mt */
export function ttlMatch({ mode, ttl }: Extract<XtMatch, { name: 'ttl' }>): XtMatchFn {
  return ({ skb, ip }) => {
    const own = skb.bytes[ip + 8]!;
    if (mode === 'eq') return own === ttl;
    if (mode === 'ne') return own !== ttl;
    return mode === 'lt' ? own < ttl : own > ttl;
  };
}

/** @kernel net/netfilter/xt_dscp.c dscp_mt */
export function dscpMatch({ dscp, invert }: Extract<XtMatch, { name: 'dscp' }>): XtMatchFn {
  return ({ skb, ip }) => (skb.bytes[ip + 1]! >>> 2 === dscp) !== invert;
}

/** @kernel net/netfilter/xt_pkttype.c pkttype_mt */
export function pkttypeMatch({ type, invert }: Extract<XtMatch, { name: 'pkttype' }>): XtMatchFn {
  return ({ skb, ip }) => {
    let own = skb.pktType;
    // What comes back to the host that sent it has a type of its own; its destination says which it is.
    if (own === PACKET_LOOPBACK) {
      own = isMulticastIpv4(ipv4At(skb.bytes, ip + 16)) ? PACKET_MULTICAST : PACKET_BROADCAST;
    }
    return (own === type) !== invert;
  };
}

/** @kernel net/netfilter/xt_iprange.c iprange_mt4 */
export function iprangeMatch({ source, dest }: Extract<XtMatch, { name: 'iprange' }>): XtMatchFn {
  const holds = (range: AddrRange | undefined, address: Ipv4) =>
    range === undefined || (address >= range.from && address <= range.to) !== range.invert;
  return ({ skb, ip }) => holds(source, ipv4At(skb.bytes, ip + 12)) && holds(dest, ipv4At(skb.bytes, ip + 16));
}

/** @kernel net/netfilter/xt_statistic.c statistic_mt */
export function statisticMatch(match: XtStatisticMatch, { net }: XtPlace): XtMatchFn {
  const { mode, probability, every, packet, invert } = match;
  if (mode === 'nth') {
    let count = every - packet;
    return () => {
      count = count === every ? 0 : count + 1;
      return (count === 0) !== invert;
    };
  }
  const random = net.kernel.random.stream('xt_statistic');
  return () => random.u32() >>> 1 < probability !== invert;
}

/** Write an octet of the IPv4 header, of our own copy of the packet; the checksum follows. */
function putOctet(skb: SkBuff, offset: number, value: number): void {
  if (skb.bytes[skb.networkHeader + offset] === value) return;
  skbEnsureWritable(skb);
  const { bytes, networkHeader: at } = skb;
  const word = at + (offset & ~1);
  const old = u16At(bytes, word);
  bytes[at + offset] = value;
  putU16(bytes, at + 10, checksumReplace16(u16At(bytes, at + 10), old, u16At(bytes, word)));
}

/** @kernel net/netfilter/xt_HL.c ttl_tg */
export function ttlTarget({ mode, ttl }: Extract<XtTarget, { name: 'TTL' }>): XtTargetFn {
  return ({ skb, ip }) => {
    const old = skb.bytes[ip + 8]!;
    putOctet(skb, 8, mode === 'set' ? ttl : mode === 'inc' ? Math.min(255, old + ttl) : Math.max(0, old - ttl));
    return XT_CONTINUE;
  };
}

/** @kernel net/netfilter/xt_DSCP.c dscp_tg */
export function dscpTarget({ dscp }: Extract<XtTarget, { name: 'DSCP' }>): XtTargetFn {
  return ({ skb, ip }) => {
    putOctet(skb, 1, (skb.bytes[ip + 1]! & 3) | (dscp << 2));
    return XT_CONTINUE;
  };
}
