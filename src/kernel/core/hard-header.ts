/** The link-layer header of what a device sends. */
import { ETH_HLEN } from '../../uapi/if.ts';
import type { Mac } from '../../wire/addr.ts';
import { putEthernetHeader } from '../../wire/ethernet.ts';
import type { NetDevice } from './netdevice.ts';
import { type SkBuff, skbCowHead } from './skbuff.ts';

/**
 * Put the device's header before `data`, which stands behind it. `saddr` absent: the device's own address.
 * @kernel include/linux/netdevice.h dev_hard_header
 */
export function devHardHeader(skb: SkBuff, dev: NetDevice, type: number, daddr: Mac, saddr?: Mac): void {
  const { headerOps } = dev;
  if (headerOps === undefined) ethHeader(skb, dev, type, daddr, saddr);
  else headerOps.create(skb, dev, type, daddr, saddr);
}

/** @kernel net/ethernet/eth.c eth_header */
function ethHeader(skb: SkBuff, dev: NetDevice, type: number, daddr: Mac, saddr: Mac | undefined): void {
  skbCowHead(skb, ETH_HLEN);
  putEthernetHeader(skb.bytes, skb.push(ETH_HLEN), daddr, saddr ?? dev.addr, type);
}
