/** Match extensions: a rule's `-m` compiled to a function, and what the kernel checks of it first. */
import { EINVAL, ERANGE } from '../../uapi/errno.ts';
import { ARPHRD_ETHER } from '../../uapi/if.ts';
import type { IfaceMatch, PortMatch, XtMatch } from '../../uapi/xtables.ts';
import { macAt, u16At } from '../../wire/addr.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../wire/ipv4.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { NetDevice } from '../core/netdevice.ts';
import {
  NF_INET_FORWARD,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
} from '../core/netfilter.ts';
import { nfBridgeInfoOf } from '../core/netfilter-bridge.ts';
import { inetAddrType } from '../ipv4/fib-lookup.ts';
import { ipv4Of } from '../ipv4/ipv4-net.ts';
import type { XtMatchFn, XtPacket } from './xt-action.ts';
import { connmarkMatch, conntrackMatch, stateMatch } from './xt-conntrack.ts';
import { dscpMatch, iprangeMatch, lengthMatch, pkttypeMatch, statisticMatch, ttlMatch } from './xt-packet.ts';
import { recentCheck, recentMatch } from './xt-recent.ts';

/** Where a rule stands: what check functions look at. */
export interface XtPlace {
  net: NetNamespace;
  table: string;
  /** Bits 1 << NF_INET_*: from which hooks the rule can be reached. */
  hooks: number;
  proto: number;
  protoInvert: boolean;
  /** The rule is nf_tables': its limit counts a little differently. */
  nft: boolean;
}

const bit = (hook: number) => 1 << hook;

/** An interface's name against `eth0` or `eth+`. @kernel net/ipv4/netfilter/ip_tables.c ip_packet_match */
export function ifaceMatches(dev: NetDevice | undefined, { name, invert }: IfaceMatch): boolean {
  const own = dev?.name ?? '';
  const same = name.endsWith('+') ? own.startsWith(name.slice(0, -1)) : own === name;
  return same !== invert;
}

/** Error number for a match that cannot stand there, 0 if it can. @kernel net/netfilter/x_tables.c xt_check_match */
export function checkMatch(match: XtMatch, place: XtPlace): number {
  const { hooks, proto, protoInvert } = place;
  const only = (wanted: number) => (proto === wanted && !protoInvert ? 0 : EINVAL);
  switch (match.name) {
    case 'tcp':
      return only(IPPROTO_TCP);
    case 'udp':
      return only(IPPROTO_UDP);
    case 'icmp':
      return only(IPPROTO_ICMP);
    case 'mac': {
      const allowed = bit(NF_INET_PRE_ROUTING) | bit(NF_INET_LOCAL_IN) | bit(NF_INET_FORWARD);
      return (hooks & ~allowed) === 0 ? 0 : EINVAL;
    }
    case 'physdev': {
      const out = match.out !== undefined || match.isOut !== undefined;
      const bridged = match.isBridged !== undefined && !match.isBridged.invert;
      return out && !bridged && (hooks & bit(NF_INET_LOCAL_OUT)) !== 0 ? EINVAL : 0;
    }
    case 'recent':
      return recentCheck(match);
    case 'limit':
      return match.burst === 0 && !place.nft ? ERANGE : 0;
    case 'addrtype':
      if (match.limitOut && (hooks & (bit(NF_INET_PRE_ROUTING) | bit(NF_INET_LOCAL_IN))) !== 0) return EINVAL;
      if (match.limitIn && (hooks & (bit(NF_INET_POST_ROUTING) | bit(NF_INET_LOCAL_OUT))) !== 0) return EINVAL;
      return 0;
    default:
      return 0;
  }
}

/** Whether the match needs connection tracking. */
export function matchTracks(match: XtMatch): boolean {
  return match.name === 'conntrack' || match.name === 'state' || match.name === 'connmark';
}

function inRange(port: number, { from, to, invert }: PortMatch): boolean {
  return (port >= from && port <= to) !== invert;
}

/** The packet's ports; undefined for a further fragment, and for a packet too short, which is dropped. */
function ports(packet: XtPacket, length: number): number | undefined {
  if (packet.fragment !== 0) {
    // A fragment that would overwrite the TCP flags is an attack.
    if (packet.fragment === 1 && length === 20) packet.hotdrop = true;
    return undefined;
  }
  const at = packet.transport;
  if (packet.skb.tail - at < length) {
    packet.hotdrop = true;
    return undefined;
  }
  return at;
}

/** @kernel net/netfilter/xt_tcpudp.c tcp_mt */
function tcpMatch({ sport, dport, flags, option }: Extract<XtMatch, { name: 'tcp' }>): XtMatchFn {
  return (packet) => {
    const at = ports(packet, 20);
    if (at === undefined) return false;
    const { bytes, tail } = packet.skb;
    if (!inRange(u16At(bytes, at), sport) || !inRange(u16At(bytes, at + 2), dport)) return false;
    if (flags !== undefined && ((bytes[at + 13]! & flags.mask) === flags.set) === flags.invert) return false;
    if (option === undefined) return true;
    const end = Math.min(tail, at + (bytes[at + 12]! >>> 4) * 4);
    return tcpHasOption(bytes, at + 20, end, option.kind) !== option.invert;
  };
}

function tcpHasOption(bytes: Uint8Array, from: number, end: number, kind: number): boolean {
  for (let at = from; at < end; ) {
    if (bytes[at] === kind) return true;
    at += bytes[at]! < 2 ? 1 : Math.max(1, bytes[at + 1] ?? 1);
  }
  return false;
}

/** @kernel net/netfilter/xt_tcpudp.c udp_mt */
function udpMatch({ sport, dport }: Extract<XtMatch, { name: 'udp' }>): XtMatchFn {
  return (packet) => {
    const at = ports(packet, 8);
    if (at === undefined) return false;
    const { bytes } = packet.skb;
    return inRange(u16At(bytes, at), sport) && inRange(u16At(bytes, at + 2), dport);
  };
}

/** @kernel net/netfilter/xt_tcpudp.c icmp_match */
function icmpMatch({ type, codeFrom, codeTo, invert }: Extract<XtMatch, { name: 'icmp' }>): XtMatchFn {
  return (packet) => {
    if (packet.fragment !== 0) return false;
    const at = packet.transport;
    const { bytes, tail } = packet.skb;
    if (tail - at < 8) {
      packet.hotdrop = true;
      return false;
    }
    const code = bytes[at + 1]!;
    return (type === 0xff || (bytes[at] === type && code >= codeFrom && code <= codeTo)) !== invert;
  };
}

/** @kernel net/netfilter/xt_multiport.c multiport_mt */
function multiportMatch({ which, ports: list, invert }: Extract<XtMatch, { name: 'multiport' }>): XtMatchFn {
  const has = (port: number) => list.some(({ from, to }) => port >= from && port <= to);
  return (packet) => {
    if (packet.fragment !== 0) return false;
    const at = packet.transport;
    const { bytes, tail } = packet.skb;
    if (tail - at < 4) {
      packet.hotdrop = true;
      return false;
    }
    const source = which !== 'destination' && has(u16At(bytes, at));
    return (source || (which !== 'source' && has(u16At(bytes, at + 2)))) !== invert;
  };
}

/** @kernel net/netfilter/xt_mac.c mac_mt */
function macMatch({ address, invert }: Extract<XtMatch, { name: 'mac' }>): XtMatchFn {
  return ({ skb }) => {
    if (skb.dev === undefined || skb.dev.type !== ARPHRD_ETHER || skb.macHeader < 0) return false;
    if (skb.macHeader + 14 > skb.data) return false;
    return (macAt(skb.bytes, skb.macHeader + 6) === address) !== invert;
  };
}

/** @kernel net/netfilter/xt_physdev.c physdev_mt */
function physdevMatch(match: Extract<XtMatch, { name: 'physdev' }>): XtMatchFn {
  const { in: inDev, out, isIn, isOut, isBridged } = match;
  return ({ skb }) => {
    const info = nfBridgeInfoOf(skb);
    if (info === undefined) {
      // Not a bridged packet: only what is negated can hold.
      if (isOut !== undefined && !isOut.invert) return false;
      if (isIn !== undefined && !isIn.invert) return false;
      if (isBridged !== undefined && !isBridged.invert) return false;
      if (inDev !== undefined && !inDev.invert) return false;
      return out === undefined || out.invert;
    }
    const { physindev, physoutdev } = info;
    if (isBridged !== undefined && (physoutdev !== undefined) === isBridged.invert) return false;
    if (isIn !== undefined && (physindev !== undefined) === isIn.invert) return false;
    if (isOut !== undefined && (physoutdev !== undefined) === isOut.invert) return false;
    if (inDev !== undefined && physindev !== undefined && !ifaceMatches(physindev, inDev)) return false;
    return out === undefined || (physoutdev !== undefined && ifaceMatches(physoutdev, out));
  };
}

/**
 * A bucket of tokens: `avg` is the time per packet in 1/10000 s.
 * @kernel net/netfilter/xt_limit.c limit_mt
 */
function limitMatch({ avg, burst }: Extract<XtMatch, { name: 'limit' }>, { net }: XtPlace): XtMatchFn {
  const cost = avg * 100_000;
  const capacity = cost * (burst === 0 ? 5 : burst);
  let credit = capacity;
  let last = net.kernel.queue.now;
  return () => {
    const { now } = net.kernel.queue;
    credit = Math.min(capacity, credit + now - last);
    last = now;
    if (credit < cost) return false;
    credit -= cost;
    return true;
  };
}

/** @kernel net/netfilter/xt_addrtype.c addrtype_mt_v1 */
function addrtypeMatch(match: Extract<XtMatch, { name: 'addrtype' }>, { net }: XtPlace): XtMatchFn {
  const { source, dest, sourceInvert, destInvert, limitIn, limitOut } = match;
  const ipv4 = ipv4Of(net);
  return ({ skb, state, ip }) => {
    const dev = limitIn ? state.in : limitOut ? state.out : undefined;
    const { bytes } = skb;
    const address = (at: number) =>
      ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
    const fits = (mask: number, at: number) => (mask & (1 << inetAddrType(ipv4, address(at), undefined, dev))) !== 0;
    if (source !== 0 && fits(source, ip + 12) === sourceInvert) return false;
    return dest === 0 || fits(dest, ip + 16) !== destInvert;
  };
}

/** The function of a match that passed {@link checkMatch}. */
export function compileMatch(match: XtMatch, place: XtPlace): XtMatchFn {
  switch (match.name) {
    case 'tcp':
      return tcpMatch(match);
    case 'udp':
      return udpMatch(match);
    case 'icmp':
      return icmpMatch(match);
    case 'multiport':
      return multiportMatch(match);
    case 'conntrack':
      return conntrackMatch(match);
    case 'state':
      return stateMatch(match);
    case 'mac':
      return macMatch(match);
    case 'comment':
      return () => true;
    case 'physdev':
      return physdevMatch(match);
    case 'recent':
      return recentMatch(match, place.net);
    case 'limit':
      return limitMatch(match, place);
    case 'mark':
      return ({ skb }) => ((skb.mark & match.mask) >>> 0 === match.mark) !== match.invert;
    case 'addrtype':
      return addrtypeMatch(match, place);
    case 'connmark':
      return connmarkMatch(match);
    case 'length':
      return lengthMatch(match);
    case 'ttl':
      return ttlMatch(match);
    case 'dscp':
      return dscpMatch(match);
    case 'pkttype':
      return pkttypeMatch(match);
    case 'iprange':
      return iprangeMatch(match);
    case 'statistic':
      return statisticMatch(match, place);
  }
}
