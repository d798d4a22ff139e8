/** What connection tracking does for packets that the stack makes about others; set by netfilter. */
import type { SkBuff } from '../core/skbuff.ts';
import type { InIfaddr } from './in-device.ts';

export const nfCtHook: {
  /** @kernel include/linux/netfilter.h nf_ct_attach */
  attach(skb: SkBuff, of: SkBuff): void;
  /** An address went away. @kernel net/netfilter/nf_nat_masquerade.c masq_inet_event */
  addressDown(ifa: InIfaddr): void;
} = {
  attach: () => {},
  addressDown: () => {},
};
