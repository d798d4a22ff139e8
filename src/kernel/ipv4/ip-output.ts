/** The way out: POST_ROUTING, fragmentation, the neighbour. */
import { EINVAL, ENOBUFS, EPERM } from '../../uapi/errno.ts';
import { ETH_P_IP, IFF_LOOPBACK, IFF_POINTOPOINT, PACKET_LOOPBACK } from '../../uapi/if.ts';
import { RTN_BROADCAST, RTN_MULTICAST } from '../../uapi/rtnetlink.ts';
import { ipv4Destination, ipv4Ttl } from '../../wire/ipv4.ts';
import { netifRx } from '../core/dev-receive.ts';
import { REASON } from '../core/drop-reason.ts';
import { neighConfirm, neighOutput } from '../core/neighbour-nud.ts';
import { NET_XMIT_CN, NETDEV_TX_OK, type NetDevice } from '../core/netdevice.ts';
import { NF_INET_POST_ROUTING, NFPROTO_IPV4, nfHook } from '../core/netfilter.ts';
import { CHECKSUM_NONE, CHECKSUM_UNNECESSARY, kfreeSkbReason, type SkBuff, skbClone } from '../core/skbuff.ts';
import { inDevGet } from './in-device.ts';
import { skbInetSock } from './inet-sock.ts';
import { ipFragment, ipSkbDstMtu } from './ip-do-fragment.ts';
import {
  IPSKB_FORWARDED,
  IPSKB_REROUTED,
  RTCF_BROADCAST,
  RTCF_LOCAL,
  RTCF_MULTICAST,
  Rtable,
  rtHandlers,
  SKB_DST_PENDING_CONFIRM,
  skbRtable,
} from './rtable.ts';
import { sendStatus } from './send-status.ts';

/**
 * Hand the packet to the neighbour that its route, or its destination, names.
 * @kernel net/ipv4/ip_output.c ip_finish_output2
 */
export function ipFinishOutput2(skb: SkBuff): void {
  const rt = skbRtable(skb)!;
  const { dev } = rt;
  const { mib } = rt.ipv4;
  mib.ip.OutTransmits++;
  mib.ipExt.OutOctets += skb.len;
  if (rt.type === RTN_MULTICAST) {
    mib.ipExt.OutMcastPkts++;
    mib.ipExt.OutMcastOctets += skb.len;
  } else if (rt.type === RTN_BROADCAST) {
    mib.ipExt.OutBcastPkts++;
    mib.ipExt.OutBcastOctets += skb.len;
  }
  let key = rt.gw;
  if ((dev.flags & (IFF_LOOPBACK | IFF_POINTOPOINT)) !== 0) key = 0;
  else if (key === 0) key = ipv4Destination(skb.bytes, skb.networkHeader);
  let { neigh } = rt;
  if (neigh === undefined || neigh.key !== key || neigh.dead) {
    const inDev = inDevGet(dev);
    neigh = inDev?.neighbours.get(key) ?? inDev?.arp.create(key, dev);
    if (neigh === undefined) {
      kfreeSkbReason(skb, REASON.NEIGH_CREATEFAIL, 'ip_finish_output2', 'no neighbour entry could be made');
      sendStatus.errno = inDev === undefined ? EINVAL : ENOBUFS;
      return;
    }
    rt.neigh = neigh;
  }
  if ((skb.ipFlags & SKB_DST_PENDING_CONFIRM) !== 0) {
    skb.ipFlags &= ~SKB_DST_PENDING_CONFIRM;
    neighConfirm(neigh);
  }
  // A device that refuses the packet is told of; one without a carrier swallows it (net_xmit_errno()).
  const { errno, congested } = sendStatus;
  const result = neighOutput(neigh, skb);
  // What became of other packets meanwhile is not this sender's business.
  sendStatus.errno = errno;
  sendStatus.congested = congested;
  if (result === NET_XMIT_CN) sendStatus.congested = true;
  else if (result !== NETDEV_TX_OK) sendStatus.errno = ENOBUFS;
}

/** @kernel net/ipv4/ip_output.c __ip_finish_output #P[GSO] */
function ipFinishOutput(skb: SkBuff): void {
  const mtu = ipSkbDstMtu(skb);
  // skb.cb: the longest fragment of a datagram that was put together here (IPCB()->frag_max_size).
  if (skb.len > mtu || skb.cb !== 0) ipFragment(skb, mtu, ipFinishOutput2);
  else ipFinishOutput2(skb);
}

/** @kernel net/ipv4/ip_output.c ip_output */
export function ipOutput(skb: SkBuff): void {
  const rt = skbRtable(skb)!;
  const { dev } = rt;
  const inDev = skb.dev;
  skb.dev = dev;
  skb.protocol = ETH_P_IP;
  if ((skb.ipFlags & IPSKB_REROUTED) !== 0) {
    ipFinishOutput(skb);
    return;
  }
  postRouting(skb, rt, inDev);
}

/** The POST_ROUTING hooks; a packet that they drop is an error to its sender. */
function postRouting(skb: SkBuff, rt: Rtable, inDev: NetDevice | undefined): void {
  if (nfHook(NFPROTO_IPV4, NF_INET_POST_ROUTING, rt.ipv4.net, skb, inDev, rt.dev, ipFinishOutput)) ipFinishOutput(skb);
  else if (skb.ended) sendStatus.errno = EPERM;
}

/** A copy comes back as if it had been received. @kernel net/ipv4/ip_output.c ip_mc_finish_output */
function ipMcFinishOutput(skb: SkBuff): void {
  const old = skbRtable(skb)!;
  const rt = new Rtable(old.ipv4, old.dev.net.loopback, old.flags, old.type);
  rt.gw = old.gw;
  rt.input = old.input;
  rt.output = old.output;
  skb.dst = rt;
  devLoopbackXmit(skb);
}

/** @kernel net/core/dev.c dev_loopback_xmit */
function devLoopbackXmit(skb: SkBuff): void {
  skb.data = skb.networkHeader;
  skb.macHeader = skb.data;
  skb.pktType = PACKET_LOOPBACK;
  if (skb.ipSummed === CHECKSUM_NONE) skb.ipSummed = CHECKSUM_UNNECESSARY;
  netifRx(skb);
}

/** Multicast and broadcast: copies for ourselves. @kernel net/ipv4/ip_output.c ip_mc_output */
export function ipMcOutput(skb: SkBuff): void {
  const rt = skbRtable(skb)!;
  const { ipv4, dev } = rt;
  skb.dev = dev;
  skb.protocol = ETH_P_IP;
  const loop = (): void => {
    const copy = skbClone(skb);
    copy.sk = skb.sk;
    if (nfHook(NFPROTO_IPV4, NF_INET_POST_ROUTING, ipv4.net, copy, undefined, dev, ipMcFinishOutput))
      ipMcFinishOutput(copy);
  };
  if ((rt.flags & RTCF_MULTICAST) !== 0) {
    const wanted = skbInetSock(skb.sk)?.mcLoop ?? true;
    if (wanted && ((rt.flags & RTCF_LOCAL) !== 0 || (skb.ipFlags & IPSKB_FORWARDED) === 0)) loop();
    if (ipv4Ttl(skb.bytes, skb.networkHeader) === 0) {
      kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'ip_mc_output', 'multicast with TTL 0 stays on the host');
      return;
    }
  }
  if ((rt.flags & RTCF_BROADCAST) !== 0) loop();
  if ((skb.ipFlags & IPSKB_REROUTED) !== 0) ipFinishOutput(skb);
  else postRouting(skb, rt, undefined);
}

rtHandlers.output = ipOutput;
rtHandlers.mcOutput = ipMcOutput;
