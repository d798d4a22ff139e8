/** What connection tracking does for packets that the stack makes about others; set by netfilter. */
import type { SkBuff } from '../core/skbuff.ts';

/** @kernel include/linux/netfilter.h nf_ct_attach */
export const nfCtHook: { attach(skb: SkBuff, of: SkBuff): void } = {
  attach: () => {},
};
