/** Connection tracking looks at whole datagrams: fragments are gathered before it. */
import { ipv4IsFragment } from '../../wire/ipv4.ts';
import { NF_ACCEPT, NF_INET_PRE_ROUTING, NF_STOLEN, type NfHookState } from '../core/netfilter.ts';
import type { SkBuff } from '../core/skbuff.ts';
import {
  IP_DEFRAG_CONNTRACK_BRIDGE_IN,
  IP_DEFRAG_CONNTRACK_IN,
  IP_DEFRAG_CONNTRACK_OUT,
  ipDefrag,
} from '../ipv4/ip-fragment.ts';
import { SKB_IGNORE_DF } from '../ipv4/rtable.ts';
import { IP_CT_UNTRACKED } from './nf-conn.ts';

/** @kernel net/ipv4/netfilter/nf_defrag_ipv4.c ipv4_conntrack_defrag */
export function ipv4ConntrackDefrag(skb: SkBuff, { net, hook }: NfHookState): number {
  if (!ipv4IsFragment(skb.bytes, skb.networkHeader)) return NF_ACCEPT;
  if (skb.nfct !== undefined || skb.nfctInfo === IP_CT_UNTRACKED) return NF_ACCEPT;
  let user = hook === NF_INET_PRE_ROUTING ? IP_DEFRAG_CONNTRACK_IN : IP_DEFRAG_CONNTRACK_OUT;
  if (hook === NF_INET_PRE_ROUTING && skb.nfBridge !== undefined) user = IP_DEFRAG_CONNTRACK_BRIDGE_IN;
  if (ipDefrag(net, skb, user) === undefined) return NF_STOLEN;
  // It may be cut up again on its way out, whatever its sender said.
  skb.ipFlags |= SKB_IGNORE_DF;
  return NF_ACCEPT;
}
