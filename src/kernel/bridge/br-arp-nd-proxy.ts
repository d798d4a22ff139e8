/** Answering ARP in place of others: proxy_arp and neigh_suppress (net/bridge/br_arp_nd_proxy.c). */
import type { SkBuff } from '../core/skbuff.ts';
import {
  BR_NEIGH_SUPPRESS,
  BROPT_NEIGH_SUPPRESS_ENABLED,
  brOptToggle,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';

/** @kernel net/bridge/br_arp_nd_proxy.c br_recalculate_neigh_suppress_enabled */
export function brRecalculateNeighSuppressEnabled(br: NetBridge): void {
  const on = br.ports.some((p) => (p.flags & BR_NEIGH_SUPPRESS) !== 0);
  brOptToggle(br, BROPT_NEIGH_SUPPRESS_ENABLED, on);
}

/** @kernel net/bridge/br_arp_nd_proxy.c br_do_proxy_suppress_arp */
export function brDoProxySuppressArp(_skb: SkBuff, _br: NetBridge, _vid: number, _p: NetBridgePort | undefined): void {}
