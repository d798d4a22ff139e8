/** What br_netfilter notes on a bridged frame (include/linux/netfilter_bridge.h): `skb.nfBridge`. */
import type { Ipv4, Mac } from '../../wire/addr.ts';
import type { NetDevice } from './netdevice.ts';
import type { SkBuff } from './skbuff.ts';

/** struct nf_bridge_info. */
export interface NfBridgeInfo {
  /** The port it came in by, and the one it goes out by. */
  physindev: NetDevice;
  physoutdev: NetDevice | undefined;
  /** It was for another host before IP was made to look at it. */
  pktOtherhost: boolean;
  inPrerouting: boolean;
  bridgedDnat: boolean;
  sabotageInDone: boolean;
  /** The destination before any DNAT. */
  ipv4Daddr: Ipv4;
  /** Source address and type of the frame, while the neighbour layer overwrites them. */
  neighSource: Mac;
  neighProtocol: number;
}

/**
 * What br_netfilter does on its own, also where no hook waits for bridged packets. It puts itself in; true: it took the frame.
 */
export const brNetfilter: { oversized: (skb: SkBuff) => boolean } = { oversized: () => false };

export function nfBridgeInfoOf(skb: SkBuff): NfBridgeInfo | undefined {
  return skb.nfBridge as NfBridgeInfo | undefined;
}
