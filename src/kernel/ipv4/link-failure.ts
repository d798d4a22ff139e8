/** A packet cannot be delivered on its link. */

import { ICMP_DEST_UNREACH, ICMP_HOST_UNREACH } from '../../wire/icmp.ts';
import { IPV4_HEADER_LENGTH, ipv4HeaderLength, ipv4Version } from '../../wire/ipv4.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { icmpSend } from './icmp.ts';
import { ipOptionsReceive } from './ip-options.ts';
import { skbRtable } from './rtable.ts';

/**
 * Tell the sender; a learned path MTU of the route is forgotten. The packet stays the caller's.
 * @kernel net/ipv4/route.c ipv4_link_failure
 */
export function ipv4LinkFailure(skb: SkBuff): void {
  const rt = skbRtable(skb);
  if (rt === undefined) return;
  const { bytes, networkHeader: at } = skb;
  if (at < 0 || at + IPV4_HEADER_LENGTH > skb.tail || ipv4Version(bytes, at) !== 4) return;
  const hlen = ipv4HeaderLength(bytes, at);
  if (hlen < IPV4_HEADER_LENGTH) return;
  if (hlen > IPV4_HEADER_LENGTH && typeof ipOptionsReceive(rt.ipv4, skb) === 'number') return;
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH);
  if (rt.pmtu !== 0) rt.expires = rt.ipv4.kernel.queue.now;
}
