/** NAT at the IPv4 hooks: new connections ask the tables, all packets are rewritten as was decided. */
import { ipv4At } from '../../wire/addr.ts';
import { IPPROTO_ICMP } from '../../wire/ipv4.ts';
import { type NetNamespace, PerNet } from '../core/net-namespace.ts';
import {
  NF_ACCEPT,
  NF_DROP,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
  NF_IP_PRI_NAT_DST,
  NF_IP_PRI_NAT_SRC,
  NFPROTO_IPV4,
  type NfHookFn,
  type NfHookOps,
  type NfHookState,
  nfDropErr,
} from '../core/netfilter.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { ipRouteMeHarder } from './ip-route-me-harder.ts';
import { ctinfo2dir, IP_CT_NEW, IP_CT_RELATED, IP_CT_RELATED_REPLY, IPS_NAT_MASK, type NfConn } from './nf-conn.ts';
import { nfCtGet } from './nf-conntrack-core.ts';
import { conntrackNet } from './nf-conntrack-state.ts';
import { hook2manip, nfNatAllocNullBinding, nfNatInitialized } from './nf-nat-core.ts';
import { natApplies, nfNatIcmpReplyTranslation, nfNatManipPkt } from './nf-nat-proto.ts';

/** A table's nat chain at one hook. */
export interface NatLookup {
  priority: number;
  lookup: NfHookFn;
}

/** Lookups by hook, and whether the hooks themselves are registered. */
class NatHooks {
  readonly lookups: NatLookup[][] = [[], [], [], [], []];
  users = 0;
}

const natHooks: PerNet<NatHooks> = new PerNet(() => new NatHooks());

/** MASQUERADE took the address of another device than the one the packet now leaves by. @kernel net/netfilter/nf_nat_core.c nf_nat_oif_changed */
function oifChanged(ct: NfConn, ctinfo: number, { hook, out }: NfHookState): boolean {
  if (ct.masqIndex === 0 || hook !== NF_INET_POST_ROUTING) return false;
  return ctinfo2dir(ctinfo) === 0 && ct.masqIndex !== out?.ifindex;
}

/** @kernel net/netfilter/nf_nat_core.c nf_nat_inet_fn */
function nfNatInetFn(skb: SkBuff, state: NfHookState, ct: NfConn): number {
  const ctinfo = skb.nfctInfo;
  const manip = hook2manip(state.hook);
  const begins = ctinfo === IP_CT_NEW || ctinfo === IP_CT_RELATED || ctinfo === IP_CT_RELATED_REPLY;
  if (begins && !nfNatInitialized(ct, manip)) {
    for (const { lookup } of natHooks.of(state.net).lookups[state.hook]!) {
      const verdict = lookup(skb, state);
      if (verdict !== NF_ACCEPT) return verdict;
      if (nfNatInitialized(ct, manip)) break;
    }
    if (!nfNatInitialized(ct, manip)) nfNatAllocNullBinding(ct, state.hook);
  } else if (oifChanged(ct, ctinfo, state)) {
    conntrackNet.of(state.net).table.remove(ct);
    return NF_DROP;
  }
  const dir = ctinfo2dir(ctinfo);
  if (natApplies(ct, manip, dir)) nfNatManipPkt(skb, ct, manip, dir);
  return NF_ACCEPT;
}

/** @kernel net/netfilter/nf_nat_proto.c nf_nat_ipv4_fn */
function nfNatIpv4Fn(skb: SkBuff, state: NfHookState): number {
  const ct = nfCtGet(skb);
  if (ct === undefined) return NF_ACCEPT;
  const ctinfo = skb.nfctInfo;
  const related = ctinfo === IP_CT_RELATED || ctinfo === IP_CT_RELATED_REPLY;
  if (related && skb.bytes[skb.networkHeader + 9] === IPPROTO_ICMP) {
    return nfNatIcmpReplyTranslation(skb, ct, hook2manip(state.hook)) ? NF_ACCEPT : NF_DROP;
  }
  return nfNatInetFn(skb, state, ct);
}

/** @kernel net/netfilter/nf_nat_proto.c nf_nat_ipv4_pre_routing */
function nfNatIpv4PreRouting(skb: SkBuff, state: NfHookState): number {
  const before = ipv4At(skb.bytes, skb.networkHeader + 16);
  const verdict = nfNatIpv4Fn(skb, state);
  // Another destination: the route found so far is not the packet's.
  if (verdict === NF_ACCEPT && ipv4At(skb.bytes, skb.networkHeader + 16) !== before) skb.dst = undefined;
  return verdict;
}

/** @kernel net/netfilter/nf_nat_proto.c nf_nat_ipv4_local_fn */
function nfNatIpv4LocalFn(skb: SkBuff, state: NfHookState): number {
  const verdict = nfNatIpv4Fn(skb, state);
  const ct = nfCtGet(skb);
  if (verdict !== NF_ACCEPT || ct === undefined || (ct.status & IPS_NAT_MASK) === 0) return verdict;
  const dir = ctinfo2dir(skb.nfctInfo);
  if (ct.tuple(dir).dst === ct.tuple(dir === 0 ? 1 : 0).src) return verdict;
  const errno = ipRouteMeHarder(state.net, skb);
  return errno === 0 ? verdict : nfDropErr(errno);
}

const HOOKS: readonly NfHookOps[] = [
  { name: 'nat', pf: NFPROTO_IPV4, hook: NF_INET_PRE_ROUTING, priority: NF_IP_PRI_NAT_DST, fn: nfNatIpv4PreRouting },
  { name: 'nat', pf: NFPROTO_IPV4, hook: NF_INET_POST_ROUTING, priority: NF_IP_PRI_NAT_SRC, fn: nfNatIpv4Fn },
  { name: 'nat', pf: NFPROTO_IPV4, hook: NF_INET_LOCAL_OUT, priority: NF_IP_PRI_NAT_DST, fn: nfNatIpv4LocalFn },
  { name: 'nat', pf: NFPROTO_IPV4, hook: NF_INET_LOCAL_IN, priority: NF_IP_PRI_NAT_SRC, fn: nfNatIpv4Fn },
];

/**
 * A nat chain is there: with the first, NAT itself starts in the namespace.
 * @kernel net/netfilter/nf_nat_core.c nf_nat_register_fn
 */
export function registerNatLookup(net: NetNamespace, hook: number, lookup: NatLookup): void {
  const nat = natHooks.of(net);
  if (nat.users++ === 0) for (const ops of HOOKS) net.nfHooks.register(ops);
  // Replaced, not changed: a packet on its way keeps the list it began with.
  const list = nat.lookups[hook]!;
  const at = list.findIndex((other) => lookup.priority < other.priority);
  nat.lookups[hook] = list.toSpliced(at < 0 ? list.length : at, 0, lookup);
}

/** @kernel net/netfilter/nf_nat_core.c nf_nat_unregister_fn */
export function unregisterNatLookup(net: NetNamespace, hook: number, lookup: NatLookup): void {
  const nat = natHooks.of(net);
  nat.lookups[hook] = nat.lookups[hook]!.filter((other) => other !== lookup);
  if (--nat.users === 0) for (const ops of HOOKS) net.nfHooks.unregister(ops);
}
