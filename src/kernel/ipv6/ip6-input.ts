/** IPv6 takes the frames of its type, and ends them: there is nobody above it yet. */
import { ETH_P_IPV6, PACKET_OTHERHOST } from '../../uapi/if.ts';
import { REASON } from '../core/drop-reason.ts';
import type { Kernel } from '../core/kernel.ts';
import { kfreeSkbReason, type SkBuff } from '../core/skbuff.ts';

/** @kernel net/ipv6/af_inet6.c ipv6_packet_init */
export function registerIpv6Input(kernel: Kernel): void {
  kernel.packetHandlers.set(ETH_P_IPV6, ipv6Rcv);
}

/** @kernel net/ipv6/ip6_input.c ipv6_rcv #P[everything behind the first test] */
function ipv6Rcv(skb: SkBuff): void {
  if (skb.pktType === PACKET_OTHERHOST) kfreeSkbReason(skb, REASON.OTHERHOST, 'ip6_rcv_core');
  else kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'ip6_rcv_core', 'IPv6 is not modelled');
}
