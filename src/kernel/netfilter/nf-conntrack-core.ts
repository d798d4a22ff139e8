/**
 * Connection tracking: the packet is found its connection when it enters the stack (or leaves the
 * host), and a new connection enters the table when its first packet has made it through.
 */
import { ipv4At, u16At } from '../../wire/addr.ts';
import {
  ICMP_DEST_UNREACH,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
} from '../../wire/icmp.ts';
import { IP_MF, IP_OFFSET, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../../wire/ipv4.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import {
  NF_ACCEPT,
  NF_DROP,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
  NF_IP_PRI_CONNTRACK,
  NF_IP_PRI_CONNTRACK_DEFRAG,
  NF_IP_PRI_LAST,
  NF_REPEAT,
  NFPROTO_IPV4,
  type NfHookOps,
  type NfHookState,
} from '../core/netfilter.ts';
import type { SkBuff } from '../core/skbuff.ts';
import {
  ctinfo2dir,
  IP_CT_ESTABLISHED,
  IP_CT_ESTABLISHED_REPLY,
  IP_CT_IS_REPLY,
  IP_CT_NEW,
  IP_CT_RELATED,
  IP_CT_UNTRACKED,
  IPS_CONFIRMED,
  IPS_DYING,
  IPS_SEEN_REPLY,
  NfConn,
  nfCtInvertTuple,
  portsOf,
  type Tuple,
} from './nf-conn.ts';
import {
  IPCT_NEW,
  IPCT_REPLY,
  nfConntrackEventCache,
  nfConntrackEventReport,
  nfCtDeliverCachedEvents,
} from './nf-conntrack-ecache.ts';
import {
  genericPacket,
  nfConntrackIcmpPacket,
  nfConntrackUdpPacket,
  nfCtAcctAdd,
  nfIpChecksumBad,
} from './nf-conntrack-proto.ts';
import { type ConntrackNet, conntrackNet, NF_CONNTRACK_MAX } from './nf-conntrack-state.ts';
import { nfConntrackTcpPacket } from './nf-conntrack-tcp.ts';
import { ipv4ConntrackDefrag } from './nf-defrag-ipv4.ts';

const IPPROTO_DCCP = 33;
const IPPROTO_UDPLITE = 136;
const NR_ICMP_TYPES = 18;

/** The packet's connection, if it has one. @kernel include/net/netfilter/nf_conntrack.h nf_ct_get */
export function nfCtGet(skb: SkBuff): NfConn | undefined {
  return skb.nfct as NfConn | undefined;
}

/** A packet of ours that answers another one belongs to that one's connection. @kernel net/netfilter/nf_conntrack_core.c nf_conntrack_attach */
export function nfCtAttach(skb: SkBuff, of: SkBuff): void {
  const ct = nfCtGet(of);
  if (ct === undefined) return;
  skb.nfct = ct;
  skb.nfctInfo = ctinfo2dir(of.nfctInfo) === 0 ? IP_CT_RELATED + IP_CT_IS_REPLY : IP_CT_RELATED;
}

/**
 * The ports (or what stands for them) of the transport header at `at`; -1 when it is cut short.
 * @kernel net/netfilter/nf_conntrack_core.c nf_ct_get_tuple
 */
function transportPorts(bytes: Uint8Array, at: number, end: number, proto: number): number {
  switch (proto) {
    case IPPROTO_ICMP:
      if (end - at < 8) return -1;
      return portsOf(u16At(bytes, at + 4), u16At(bytes, at));
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
    case IPPROTO_UDPLITE:
      if (end - at < 4) return -1;
      return portsOf(u16At(bytes, at), u16At(bytes, at + 2));
    default:
      return 0;
  }
}

/** Where the transport header begins; -1 for what has none here (a further fragment). @kernel net/netfilter/nf_conntrack_core.c ipv4_get_l4proto */
function transportOffset(bytes: Uint8Array, ip: number, end: number): number {
  if (end - ip < 20 || (u16At(bytes, ip + 6) & IP_OFFSET) !== 0) return -1;
  const at = ip + (bytes[ip]! & 15) * 4;
  return at > end ? -1 : at;
}

function icmpIsError(type: number): boolean {
  switch (type) {
    case ICMP_DEST_UNREACH:
    case ICMP_SOURCE_QUENCH:
    case ICMP_REDIRECT:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETERPROB:
      return true;
    default:
      return false;
  }
}

/**
 * An ICMP error is related to the connection whose packet it quotes. Above zero: go on; otherwise the
 * negative of a verdict for a packet without a connection.
 * @kernel net/netfilter/nf_conntrack_proto_icmp.c nf_conntrack_icmpv4_error
 */
function nfConntrackIcmpv4Error(skb: SkBuff, at: number, cnet: ConntrackNet, state: NfHookState): number {
  const { bytes, tail } = skb;
  if (tail - at < 8) return -NF_ACCEPT;
  if (cnet.checksum !== 0 && state.hook === NF_INET_PRE_ROUTING && nfIpChecksumBad(skb, at, IPPROTO_ICMP)) {
    return -NF_ACCEPT;
  }
  const type = bytes[at]!;
  if (type > NR_ICMP_TYPES) return -NF_ACCEPT;
  return icmpIsError(type) ? nfConntrackInetError(skb, at + 8, cnet) : NF_ACCEPT;
}

/** @kernel net/netfilter/nf_conntrack_proto_icmp.c nf_conntrack_inet_error */
function nfConntrackInetError(skb: SkBuff, inner: number, cnet: ConntrackNet): number {
  const { bytes, tail } = skb;
  const at = transportOffset(bytes, inner, tail);
  if (at < 0) return -NF_ACCEPT;
  const proto = bytes[inner + 9]!;
  const ports = transportPorts(bytes, at, tail, proto);
  if (ports < 0) return -NF_ACCEPT;
  const quoted = { src: ipv4At(bytes, inner + 12), dst: ipv4At(bytes, inner + 16), ports, proto };
  const tuple = nfCtInvertTuple(quoted);
  if (tuple === undefined) return -NF_ACCEPT;
  const h = cnet.table.findTuple(tuple, cnet.net.kernel.queue.now);
  if (h === undefined || h.dst !== ipv4At(bytes, skb.networkHeader + 16)) return -NF_ACCEPT;
  skb.nfct = h.ct;
  skb.nfctInfo = h.dir === 1 ? IP_CT_RELATED + IP_CT_IS_REPLY : IP_CT_RELATED;
  return NF_ACCEPT;
}

/** @kernel net/netfilter/nf_conntrack_core.c init_conntrack #P[no expectations, helpers, zones] */
function initConntrack(cnet: ConntrackNet, tuple: Tuple): NfConn | undefined {
  const reply = nfCtInvertTuple(tuple);
  if (reply === undefined) return undefined;
  const ct = new NfConn(cnet.net, tuple, reply);
  if (cnet.acct !== 0) ct.acct = { packets: [0, 0], bytes: [0, 0] };
  if (cnet.timestamp !== 0) ct.start = 0;
  if (cnet.listeners.size > 0 && cnet.events !== 0) {
    ct.watched = true;
    cnet.table.onDestroy ??= (gone, pid) => nfConntrackEventReport(gone, 'destroy', pid);
  }
  return ct;
}

/** False: the table is full. @kernel net/netfilter/nf_conntrack_core.c resolve_normal_ct */
function resolveNormalCt(skb: SkBuff, at: number, proto: number, cnet: ConntrackNet): boolean {
  const { bytes } = skb;
  const ip = skb.networkHeader;
  const ports = transportPorts(bytes, at, skb.tail, proto);
  if (ports < 0) return true;
  const { now } = cnet.net.kernel.queue;
  const src = ipv4At(bytes, ip + 12);
  const dst = ipv4At(bytes, ip + 16);
  const h = cnet.table.find(src, dst, ports, proto, now);
  if (h === undefined) {
    if (cnet.table.size >= NF_CONNTRACK_MAX && cnet.count >= NF_CONNTRACK_MAX) {
      cnet.net.kernel.printk('nf_conntrack: nf_conntrack: table full, dropping packet');
      return false;
    }
    skb.nfct = initConntrack(cnet, { src, dst, ports, proto });
    skb.nfctInfo = IP_CT_NEW;
    return true;
  }
  skb.nfct = h.ct;
  if (h.dir === 1) skb.nfctInfo = IP_CT_ESTABLISHED_REPLY;
  else skb.nfctInfo = (h.ct.status & IPS_SEEN_REPLY) !== 0 ? IP_CT_ESTABLISHED : IP_CT_NEW;
  return true;
}

/** @kernel net/netfilter/nf_conntrack_core.c nf_conntrack_handle_packet */
function handlePacket(ct: NfConn, skb: SkBuff, at: number, cnet: ConntrackNet, state: NfHookState): number {
  switch (ct.proto) {
    case IPPROTO_TCP:
      if (skb.tail - at < 20) return -NF_ACCEPT;
      return nfConntrackTcpPacket(ct, skb, at, skb.nfctInfo, cnet, state);
    case IPPROTO_UDP:
      if (skb.tail - at < 8) return -NF_ACCEPT;
      return nfConntrackUdpPacket(ct, skb, at, cnet, state);
    case IPPROTO_ICMP:
      return nfConntrackIcmpPacket(ct, cnet);
    default:
      return genericPacket(ct, cnet);
  }
}

/**
 * Find (or make) the packet's connection.
 * @kernel net/netfilter/nf_conntrack_core.c nf_conntrack_in
 */
export function nfConntrackIn(skb: SkBuff, state: NfHookState): number {
  // Seen before, as frames that came over the loopback device are, or not to be tracked.
  if (skb.nfct !== undefined || skb.nfctInfo === IP_CT_UNTRACKED) return NF_ACCEPT;
  const cnet = conntrackNet.of(state.net);
  const ip = skb.networkHeader;
  const at = transportOffset(skb.bytes, ip, skb.tail);
  if (at < 0) return NF_ACCEPT;
  const proto = skb.bytes[ip + 9]!;
  if (proto === IPPROTO_ICMP) {
    const verdict = nfConntrackIcmpv4Error(skb, at, cnet, state);
    if (verdict <= 0) return -verdict;
    if (skb.nfct !== undefined) return NF_ACCEPT;
  }
  for (;;) {
    if (!resolveNormalCt(skb, at, proto, cnet)) return NF_DROP;
    const ct = nfCtGet(skb);
    if (ct === undefined) return NF_ACCEPT;
    const verdict = handlePacket(ct, skb, at, cnet, state);
    if (verdict > 0) {
      if (ct.acct !== undefined) nfCtAcctAdd(ct.acct, skb);
      if (skb.nfctInfo === IP_CT_ESTABLISHED_REPLY && (ct.status & IPS_SEEN_REPLY) === 0) {
        ct.status |= IPS_SEEN_REPLY;
        nfConntrackEventCache(ct, IPCT_REPLY);
      }
      return verdict;
    }
    skb.nfct = undefined;
    skb.nfctInfo = 0;
    if (verdict === -NF_REPEAT) continue;
    if (verdict === -NF_DROP) cnet.stats.drop++;
    else cnet.stats.invalid++;
    return -verdict;
  }
}

/**
 * The connection's first packet has made it: the connection enters the table.
 * @kernel net/netfilter/nf_conntrack_core.c __nf_conntrack_confirm #P[a clash drops the packet]
 */
export function nfConfirm(skb: SkBuff, state: NfHookState): number {
  const ct = nfCtGet(skb);
  if (ct === undefined) return NF_ACCEPT;
  if ((ct.status & IPS_CONFIRMED) !== 0) {
    if (ct.events !== 0) nfCtDeliverCachedEvents(ct);
    return NF_ACCEPT;
  }
  if (ctinfo2dir(skb.nfctInfo) !== 0) return NF_ACCEPT;
  if ((ct.status & IPS_DYING) !== 0) return NF_DROP;
  const { table, stats } = conntrackNet.of(state.net);
  const { now } = state.net.kernel.queue;
  if (table.findTuple(ct.original, now) !== undefined || table.findTuple(ct.reply, now) !== undefined) {
    stats.insertFailed++;
    stats.drop++;
    return NF_DROP;
  }
  ct.timeout += now;
  if (ct.start >= 0) ct.start = now;
  ct.status |= IPS_CONFIRMED;
  table.insert(ct, now);
  nfConntrackEventCache(ct, IPCT_NEW);
  if (ct.events !== 0) nfCtDeliverCachedEvents(ct);
  return NF_ACCEPT;
}

/** @kernel net/netfilter/nf_conntrack_proto.c ipv4_conntrack_local */
function ipv4ConntrackLocal(skb: SkBuff, state: NfHookState): number {
  // A fragment of our own is only here when a raw socket made it so.
  if ((u16At(skb.bytes, skb.networkHeader + 6) & (IP_MF | IP_OFFSET)) !== 0) return NF_ACCEPT;
  return nfConntrackIn(skb, state);
}

const HOOKS: readonly NfHookOps[] = [
  ['nf_defrag', NF_INET_PRE_ROUTING, NF_IP_PRI_CONNTRACK_DEFRAG, ipv4ConntrackDefrag] as const,
  ['nf_defrag', NF_INET_LOCAL_OUT, NF_IP_PRI_CONNTRACK_DEFRAG, ipv4ConntrackDefrag] as const,
  ['nf_conntrack_in', NF_INET_PRE_ROUTING, NF_IP_PRI_CONNTRACK, nfConntrackIn] as const,
  ['nf_conntrack_in', NF_INET_LOCAL_OUT, NF_IP_PRI_CONNTRACK, ipv4ConntrackLocal] as const,
  ['nf_confirm', NF_INET_POST_ROUTING, NF_IP_PRI_LAST, nfConfirm] as const,
  ['nf_confirm', NF_INET_LOCAL_IN, NF_IP_PRI_LAST, nfConfirm] as const,
].map(([name, hook, priority, fn]) => ({ name, pf: NFPROTO_IPV4, hook, priority, fn }));

/**
 * Track the namespace's connections, or no longer: what nf_ct_netns_get() and _put() come to when the
 * first rule that needs it is there, and when the last is gone. Entries stay until their time is over.
 * @kernel net/netfilter/nf_conntrack_proto.c nf_ct_netns_do_get
 */
export function setConntrackActive(net: NetNamespace, active: boolean): void {
  const cnet = conntrackNet.of(net);
  if (cnet.active === active) return;
  cnet.active = active;
  for (const ops of HOOKS) {
    if (active) net.nfHooks.register(ops);
    else net.nfHooks.unregister(ops);
  }
}
