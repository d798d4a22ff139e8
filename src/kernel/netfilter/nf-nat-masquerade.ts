/** MASQUERADE and REDIRECT: NAT to an address of our own, as it is when the connection begins. */
import { RT_SCOPE_UNIVERSE } from '../../uapi/rtnetlink.ts';
import { type Ipv4, ipv4At } from '../../wire/addr.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { NF_ACCEPT, NF_DROP, NF_INET_LOCAL_OUT, NF_INET_PRE_ROUTING, type NfHookState } from '../core/netfilter.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { inDevGet } from '../ipv4/in-device.ts';
import { inetSelectAddr } from '../ipv4/inet-addr.ts';
import { skbRtable } from '../ipv4/rtable.ts';
import { nfCtGet } from './nf-conntrack-core.ts';
import { conntrackNet } from './nf-conntrack-state.ts';
import { type NatRange2, nfNatSetupInfo } from './nf-nat-core.ts';
import { NF_NAT_MANIP_DST, NF_NAT_MANIP_SRC } from './nf-nat-proto.ts';

/** @kernel net/netfilter/nf_nat_masquerade.c nf_nat_masquerade_ipv4 */
export function nfNatMasqueradeIpv4(skb: SkBuff, range: NatRange2, out: NetDevice): number {
  const ct = nfCtGet(skb);
  if (ct === undefined || ct.original.src === 0) return NF_ACCEPT;
  const rt = skbRtable(skb);
  const destination = ipv4At(skb.bytes, skb.networkHeader + 16);
  const nextHop = rt !== undefined && rt.gw !== 0 ? rt.gw : destination;
  const address = inetSelectAddr(out, nextHop, RT_SCOPE_UNIVERSE);
  if (address === 0) {
    out.net.kernel.printk(`nf_nat: ${out.name} ate my IP address`);
    return NF_DROP;
  }
  ct.masqIndex = out.ifindex;
  return nfNatSetupInfo(ct, { ...range, addr: { min: address, max: address } }, NF_NAT_MANIP_SRC);
}

/**
 * Connections masqueraded by a device that went down are forgotten; with `address`, only those that
 * had that address.
 * @kernel net/netfilter/nf_nat_masquerade.c nf_nat_masq_schedule
 */
export function masqueradeForget(net: NetNamespace, ifindex: number, address?: Ipv4): void {
  const { table } = conntrackNet.of(net);
  for (const ct of table.all()) {
    if (ct.masqIndex === ifindex && (address === undefined || ct.reply.dst === address)) table.remove(ct);
  }
}

/** Addresses of one network become those of another; hosts keep their numbers. @kernel net/netfilter/xt_NETMAP.c netmap_tg4 */
export function netmapTarget(skb: SkBuff, from: Ipv4, to: Ipv4, { hook }: NfHookState): number {
  const ct = nfCtGet(skb);
  if (ct === undefined) return NF_ACCEPT;
  const destination = hook === NF_INET_PRE_ROUTING || hook === NF_INET_LOCAL_OUT;
  const old = ipv4At(skb.bytes, skb.networkHeader + (destination ? 16 : 12));
  const netmask = ~(from ^ to);
  const address = ((old & ~netmask) | (from & netmask)) >>> 0;
  const range = { addr: { min: address, max: address } };
  return nfNatSetupInfo(ct, range, destination ? NF_NAT_MANIP_DST : NF_NAT_MANIP_SRC);
}

/** @kernel net/netfilter/nf_nat_redirect.c nf_nat_redirect_ipv4 */
export function nfNatRedirectIpv4(skb: SkBuff, range: NatRange2, { hook, in: inDev }: NfHookState): number {
  const ct = nfCtGet(skb);
  if (ct === undefined) return NF_ACCEPT;
  let address: Ipv4 = 0x7f00_0001;
  if (hook !== NF_INET_LOCAL_OUT) {
    const ifa = inDev === undefined ? undefined : inDevGet(inDev)?.ifaList[0];
    if (ifa === undefined) return NF_DROP;
    address = ifa.local;
  }
  return nfNatSetupInfo(ct, { ...range, addr: { min: address, max: address } }, NF_NAT_MANIP_DST);
}
