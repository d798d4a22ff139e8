/** The queries of a bridge that is a querier (net/bridge/br_multicast.c). */
import { ETH_P_IP, PACKET_HOST } from '../../uapi/if.ts';
import { type Ipv4, multicastMacOf, putIpv4, putU16 } from '../../wire/addr.ts';
import { checksum } from '../../wire/checksum.ts';
import { putEthernetHeader } from '../../wire/ethernet.ts';
import { IGMP_HOST_MEMBERSHIP_QUERY } from '../../wire/igmp.ts';
import { netifRx } from '../core/dev-receive.ts';
import { NF_INET_LOCAL_OUT, NFPROTO_BRIDGE, nfHook } from '../core/netfilter.ts';
import { type SkBuff, skbFromBytes } from '../core/skbuff.ts';
import { brDevQueuePushXmit } from './br-forward.ts';
import { HZ, type NetBridge, type NetBridgePort } from './br-private.ts';

const ALL_HOSTS: Ipv4 = 0xe000_0001;
/** Ethernet, IPv4 with the router alert option, IGMPv2. */
const QUERY_LENGTH = 14 + 24 + 8;
const QUERYV3_LENGTH = QUERY_LENGTH + 4;

/** @kernel net/bridge/br_multicast.c br_ip4_multicast_alloc_query */
function allocQuery(br: NetBridge, group: Ipv4): SkBuff {
  const { multicast, dev } = br;
  const v3 = multicast.igmpVersion === 3;
  const frame = new Uint8Array(v3 ? QUERYV3_LENGTH : QUERY_LENGTH);
  const destination = group === 0 ? ALL_HOSTS : group;
  putEthernetHeader(frame, 0, multicastMacOf(destination), dev.addr, ETH_P_IP);
  frame[14] = 0x46;
  frame[15] = 0xc0;
  putU16(frame, 16, frame.length - 14);
  putU16(frame, 20, 0x4000);
  frame[22] = 1;
  frame[23] = 2;
  putIpv4(frame, 30, destination);
  frame[34] = 0x94;
  frame[35] = 4;
  putU16(frame, 24, checksum(frame, 14, 38));
  const interval = group === 0 ? multicast.queryResponseInterval : multicast.lastMemberInterval;
  frame[38] = IGMP_HOST_MEMBERSHIP_QUERY;
  frame[39] = Math.min(255, interval / (HZ / 10));
  putIpv4(frame, 42, group);
  if (v3) {
    frame[46] = 2;
    frame[47] = Math.min(255, multicast.queryInterval / HZ);
  }
  putU16(frame, 40, checksum(frame, 38, frame.length));
  const skb = skbFromBytes(dev.net.kernel, frame, 'br_multicast_send_query');
  skb.protocol = ETH_P_IP;
  skb.pull(14);
  skb.networkHeader = skb.data;
  return skb;
}

/**
 * Send a query out of a port, or give one to the bridge's own host.
 * @kernel net/bridge/br_multicast.c __br_multicast_send_query
 */
export function brMulticastDeliverQuery(br: NetBridge, p: NetBridgePort | undefined, group: Ipv4): void {
  const skb = allocQuery(br, group);
  if (p === undefined) {
    skb.dev = br.dev;
    skb.pktType = PACKET_HOST;
    netifRx(skb);
    return;
  }
  skb.dev = p.dev;
  if (nfHook(NFPROTO_BRIDGE, NF_INET_LOCAL_OUT, p.dev.net, skb, undefined, p.dev, brDevQueuePushXmit))
    brDevQueuePushXmit(skb);
}
