/** Pairs of devices: what one sends the other receives (drivers/net/veth.c). */
import { EADDRNOTAVAIL, EINVAL, ENOTCONN } from '../../uapi/errno.ts';
import { ETH_HLEN, IFF_UP } from '../../uapi/if.ts';
import { type Ack, isRefusal, refuse } from '../../uapi/result.ts';
import type { LinkRequest, VethData } from '../../uapi/rtnetlink.ts';
import { isValidMac } from '../../wire/addr.ts';
import {
  ethMacAddr,
  ethRandomAddr,
  registerNetdevice,
  rtnlCreateLink,
  unregisterNetdeviceMany,
} from '../core/dev-config.ts';
import { skbScrubPacket } from '../core/dev-forward.ts';
import { ethTypeTrans, isSkbForwardable, netifRx } from '../core/dev-receive.ts';
import { REASON } from '../core/drop-reason.ts';
import type { Kernel } from '../core/kernel.ts';
import { netifCarrierOff, netifCarrierOn } from '../core/link-watch.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import {
  IFF_LIVE_ADDR_CHANGE,
  IFF_NO_QUEUE,
  NET_ADDR_RANDOM,
  NET_XMIT_DROP,
  NETDEV_TX_OK,
  NETIF_F_HW_CSUM,
  NETIF_F_HW_VLAN_CTAG_RX,
  NETIF_F_HW_VLAN_CTAG_TX,
  NETIF_F_HW_VLAN_STAG_TX,
  type NetDevice,
  type NetDeviceOps,
  type RtnlLinkOps,
} from '../core/netdevice.ts';
import { applyLinkAttributes, configureLink, linkDestination } from '../core/rtnl-link.ts';
import { kfreeSkbReason, type SkBuff } from '../core/skbuff.ts';

interface VethPriv {
  peer: NetDevice | undefined;
}

function peerOf(dev: NetDevice): NetDevice | undefined {
  return (dev.priv as VethPriv).peer;
}

/** @kernel drivers/net/veth.c veth_xmit */
function vethXmit(skb: SkBuff, dev: NetDevice): number {
  const peer = peerOf(dev);
  const length = skb.len;
  if (peer === undefined || length < ETH_HLEN || !isSkbForwardable(peer, length)) return vethDrop(skb, dev, peer);
  // __dev_forward_skb()
  skbScrubPacket(skb, peer.net !== dev.net);
  skb.tstamp = 0;
  ethTypeTrans(skb, peer);
  if (netifRx(skb)) {
    dev.stats.txPackets++;
    dev.stats.txBytes += length;
    peer.stats.rxPackets++;
    peer.stats.rxBytes += length;
    return NETDEV_TX_OK;
  }
  dev.stats.txDropped++;
  return NET_XMIT_DROP;
}

/** The other end is gone, down, or does not take frames of this length. */
function vethDrop(skb: SkBuff, dev: NetDevice, peer: NetDevice | undefined): number {
  dev.stats.txDropped++;
  if (peer === undefined || skb.len < ETH_HLEN) {
    kfreeSkbReason(skb, REASON.DEV_READY, 'veth_xmit', 'the other end is gone');
    return NET_XMIT_DROP;
  }
  peer.stats.rxDropped++;
  if ((peer.flags & IFF_UP) === 0) {
    kfreeSkbReason(skb, REASON.DEV_READY, '__dev_forward_skb', 'the other end is down');
  } else {
    kfreeSkbReason(skb, REASON.PKT_TOO_BIG, '__dev_forward_skb', 'longer than the MTU of the other end allows');
  }
  return NET_XMIT_DROP;
}

/** @kernel drivers/net/veth.c veth_open */
function vethOpen(dev: NetDevice): Ack {
  const peer = peerOf(dev);
  if (peer === undefined) return refuse(ENOTCONN);
  if ((peer.flags & IFF_UP) !== 0) {
    netifCarrierOn(dev);
    netifCarrierOn(peer);
  }
  return undefined;
}

/** @kernel drivers/net/veth.c veth_close */
function vethClose(dev: NetDevice): void {
  netifCarrierOff(dev);
  const peer = peerOf(dev);
  if (peer !== undefined) netifCarrierOff(peer);
}

const vethOps: NetDeviceOps = {
  open: vethOpen,
  stop: vethClose,
  startXmit: vethXmit,
  setMacAddress: ethMacAddr,
  setRxMode() {},
  getIflink: (dev) => peerOf(dev)?.ifindex ?? 0,
  getLinkSettings: () => ({ speed: 10_000, duplex: 'full' }),
};

/** @kernel drivers/net/veth.c veth_setup */
function vethSetup(dev: NetDevice): void {
  dev.flags = 0x2 | 0x1000;
  dev.privFlags = IFF_LIVE_ADDR_CHANGE | IFF_NO_QUEUE;
  dev.ops = vethOps;
  dev.features = NETIF_F_HW_CSUM | NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_STAG_TX | NETIF_F_HW_VLAN_CTAG_RX;
  dev.vlanFeatures = NETIF_F_HW_CSUM;
  dev.maxMtu = 65535;
  dev.tsoMaxSize = 524280;
  dev.priv = { peer: undefined } satisfies VethPriv;
}

/** @kernel drivers/net/veth.c veth_validate */
function vethValidate(request: LinkRequest): Ack {
  if (request.address !== undefined && !isValidMac(request.address)) return refuse(EADDRNOTAVAIL);
  if (request.mtu !== undefined && (request.mtu < 68 || request.mtu > 65535)) return refuse(EINVAL);
  return undefined;
}

/** @kernel drivers/net/veth.c veth_newlink */
function vethNewlink(kind: RtnlLinkOps, src: NetNamespace, dev: NetDevice, request: LinkRequest): Ack {
  const peerRequest = (request.linkinfo?.data as VethData | undefined)?.peer;
  const invalid = peerRequest === undefined ? undefined : vethValidate(peerRequest);
  if (invalid !== undefined) return invalid;
  const name = peerRequest?.ifname ?? 'veth%d';
  const net = peerRequest === undefined ? src : linkDestination(src, peerRequest);
  if (isRefusal(net)) return net;

  const peer = rtnlCreateLink(net, name, kind);
  const refusedAttributes = applyLinkAttributes(peer, peerRequest ?? request);
  if (refusedAttributes !== undefined) return refusedAttributes;
  if (peerRequest?.ifindex !== undefined && dev.ifindex !== 0) peer.ifindex = peerRequest.ifindex;
  if (peerRequest?.address === undefined) randomAddress(peer);
  const refusedPeer = registerNetdevice(peer);
  if (refusedPeer !== undefined) return refusedPeer;
  netifCarrierOff(peer);
  if (peerRequest !== undefined) {
    const refused = configureLink(peer, peerRequest);
    if (refused !== undefined) {
      unregisterNetdeviceMany([peer]);
      return refused;
    }
  }

  if (request.address === undefined) randomAddress(dev);
  if (request.ifname === undefined) dev.name = 'veth%d';
  const refused = registerNetdevice(dev);
  if (refused !== undefined) {
    unregisterNetdeviceMany([peer]);
    return refused;
  }
  netifCarrierOff(dev);
  (dev.priv as VethPriv).peer = peer;
  (peer.priv as VethPriv).peer = dev;
  return undefined;
}

function randomAddress(dev: NetDevice): void {
  dev.addr = ethRandomAddr(dev.net);
  dev.addrAssignType = NET_ADDR_RANDOM;
}

/** @kernel drivers/net/veth.c veth_dellink */
function vethDellink(dev: NetDevice, unlist: NetDevice[]): void {
  const peer = peerOf(dev);
  (dev.priv as VethPriv).peer = undefined;
  unlist.push(dev);
  if (peer !== undefined) {
    (peer.priv as VethPriv).peer = undefined;
    unlist.push(peer);
  }
}

export function registerVeth(kernel: Kernel): void {
  const kind: RtnlLinkOps = {
    kind: 'veth',
    setup: vethSetup,
    numTxQueues: kernel.cpus,
    validate: vethValidate,
    newLink: (src, dev, request) => vethNewlink(kind, src, dev, request),
    delLink: vethDellink,
    fillInfo: () => ({}),
    getLinkNet: (dev) => peerOf(dev)?.net,
  };
  kernel.linkKinds.set('veth', kind);
}
