/** Bridged IPv4 and ARP through the hooks of IPv4 and ARP (net/bridge/br_netfilter_hooks.c). */
import type { SkBuff } from '../core/skbuff.ts';

/**
 * A bridged frame whose new destination's address the neighbour layer has just found comes back to the
 * bridge. True: taken.
 * @kernel net/bridge/br_netfilter_hooks.c br_nf_dev_xmit
 */
export function brNfDevXmit(_skb: SkBuff): boolean {
  return false;
}
