/** The operations of a VLAN device (net/8021q/vlan_dev.c). */
import { EADDRNOTAVAIL, EINVAL, ENETDOWN, ERANGE } from '../../uapi/errno.ts';
import { IFF_ALLMULTI, IFF_MASTER, IFF_PROMISC, IFF_SLAVE, IFF_UP, VLAN_HLEN } from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import { isValidMac, MAC_ZERO, type Mac, putU16, u16At } from '../../wire/addr.ts';
import { ethValidateAddr } from '../core/dev-config.ts';
import {
  devMcSync,
  devMcUnsync,
  devSetAllmulti,
  devSetPromiscuity,
  devUcAdd,
  devUcDel,
  devUcSync,
  devUcUnsync,
} from '../core/dev-rx-mode.ts';
import { devQueueXmit, vlanHwOffloadCapable } from '../core/dev-xmit.ts';
import { devHardHeader } from '../core/hard-header.ts';
import { netifCarrierOff, netifCarrierOn } from '../core/link-watch.ts';
import {
  type HeaderOps,
  IFF_802_1Q_VLAN,
  IFF_NO_QUEUE,
  IFF_UNICAST_FLT,
  NET_ADDR_STOLEN,
  NET_XMIT_CN,
  NETDEV_TX_OK,
  NETIF_F_HW_CSUM,
  type NetDevice,
  type NetDeviceOps,
} from '../core/netdevice.ts';
import { type SkBuff, skbCowHead } from '../core/skbuff.ts';
import {
  VLAN_FLAG_BRIDGE_BINDING,
  VLAN_FLAG_LOOSE_BINDING,
  VLAN_FLAG_REORDER_HDR,
  VLAN_PRIO_SHIFT,
  type VlanDevPriv,
  vlanOf,
} from './vlan-core.ts';

/** Every flag there is. */
const VLAN_FLAGS = 0x1f;

/** @kernel net/8021q/vlan_dev.c vlan_dev_get_egress_qos_mask */
function egressQosMask({ egress }: VlanDevPriv, priority: number): number {
  for (let i = 0; i < egress.length; i++) if (egress[i]!.priority === priority) return egress[i]!.qos;
  return 0;
}

/**
 * With reorder_hdr off the tag is in the header from the beginning, and shows on the device, if the device
 * below does not write tags itself.
 * @kernel net/8021q/vlan_dev.c vlan_dev_hard_header #P[lengths of IEEE 802.3]
 */
function vlanDevHardHeader(skb: SkBuff, dev: NetDevice, type: number, daddr: Mac, saddr: Mac | undefined): void {
  const vlan = vlanOf(dev);
  const { proto } = vlan;
  let outerType = type;
  if ((vlan.flags & VLAN_FLAG_REORDER_HDR) === 0) {
    skbCowHead(skb, VLAN_HLEN);
    const at = skb.push(VLAN_HLEN);
    putU16(skb.bytes, at, vlan.id | egressQosMask(vlan, skb.priority));
    putU16(skb.bytes, at + 2, type);
    skb.protocol = proto;
    outerType = proto;
  }
  devHardHeader(skb, vlan.realDev, outerType, daddr, saddr ?? dev.addr);
}

export const vlanHeaderOps: HeaderOps = { create: vlanDevHardHeader, cached: false };

/** @kernel net/8021q/vlan_dev.c vlan_passthru_hard_header */
function vlanPassthruHardHeader(skb: SkBuff, dev: NetDevice, type: number, daddr: Mac, saddr: Mac | undefined): void {
  devHardHeader(skb, vlanOf(dev).realDev, type, daddr, saddr ?? dev.addr);
}

const vlanPassthruHeaderOps: HeaderOps = { create: vlanPassthruHardHeader, cached: false };

/**
 * Put the tag beside the frame, unless one is in it, and pass it on.
 * @kernel net/8021q/vlan_dev.c vlan_dev_hard_start_xmit
 */
function vlanDevHardStartXmit(skb: SkBuff, dev: NetDevice): number {
  const vlan = dev.priv as VlanDevPriv;
  const length = skb.len;
  if ((vlan.flags & VLAN_FLAG_REORDER_HDR) !== 0 || u16At(skb.bytes, skb.data + 12) !== vlan.proto) {
    skb.vlanProto = vlan.proto;
    skb.vlanTci = vlan.id | egressQosMask(vlan, skb.priority);
  }
  skb.dev = vlan.realDev;
  const result = devQueueXmit(skb);
  const { stats } = dev;
  if (result === NETDEV_TX_OK || result === NET_XMIT_CN) {
    stats.txPackets++;
    stats.txBytes += length;
  } else stats.txDropped++;
  return result;
}

/** @kernel net/8021q/vlan_dev.c vlan_dev_change_mtu */
function vlanDevChangeMtu(dev: NetDevice, mtu: number): Ack {
  if (vlanOf(dev).realDev.mtu < mtu) return refuse(ERANGE);
  dev.mtu = mtu;
  return undefined;
}

/** @kernel net/8021q/vlan_dev.c vlan_dev_set_ingress_priority */
export function vlanDevSetIngressPriority(dev: NetDevice, skbPriority: number, vlanPriority: number): void {
  vlanOf(dev).ingress[vlanPriority & 7] = skbPriority;
}

/** @kernel net/8021q/vlan_dev.c vlan_dev_set_egress_priority */
export function vlanDevSetEgressPriority(dev: NetDevice, skbPriority: number, vlanPriority: number): void {
  const { egress } = vlanOf(dev);
  const qos = (vlanPriority << VLAN_PRIO_SHIFT) & 0xe000;
  const known = egress.find((mapping) => mapping.priority === skbPriority);
  if (known !== undefined) {
    known.qos = qos;
    return;
  }
  // Chains by the low four bits, newest first: the order of a dump.
  const at = egress.findIndex((mapping) => (mapping.priority & 0xf) >= (skbPriority & 0xf));
  egress.splice(at < 0 ? egress.length : at, 0, { priority: skbPriority, qos });
}

/** @kernel net/8021q/vlan_dev.c vlan_dev_change_flags #P[GVRP, MVRP] */
export function vlanDevChangeFlags(dev: NetDevice, flags: number, mask: number): Ack {
  const vlan = vlanOf(dev);
  if ((mask & ~VLAN_FLAGS) !== 0) return refuse(EINVAL);
  vlan.flags = (vlan.flags & ~mask) | (flags & mask);
  return undefined;
}

/** @kernel net/8021q/vlan_dev.c vlan_dev_inherit_address */
export function vlanDevInheritAddress(dev: NetDevice, realDev: NetDevice): boolean {
  if (dev.addrAssignType !== NET_ADDR_STOLEN) return false;
  dev.addr = realDev.addr;
  dev.net.kernel.notify('CHANGEADDR', dev);
  return true;
}

/** @kernel net/8021q/vlan_dev.c vlan_dev_open */
function vlanDevOpen(dev: NetDevice): Ack {
  const vlan = vlanOf(dev);
  const { realDev } = vlan;
  if ((realDev.flags & IFF_UP) === 0 && (vlan.flags & VLAN_FLAG_LOOSE_BINDING) === 0) return refuse(ENETDOWN);
  if (dev.addr !== realDev.addr && !vlanDevInheritAddress(dev, realDev)) devUcAdd(realDev, dev.addr);
  vlan.realDevAddr = realDev.addr;
  if (realDev.carrier && (vlan.flags & VLAN_FLAG_BRIDGE_BINDING) === 0) netifCarrierOn(dev);
  return undefined;
}

/** @kernel net/8021q/vlan_dev.c vlan_dev_stop */
function vlanDevStop(dev: NetDevice): void {
  const { realDev, flags } = vlanOf(dev);
  devMcUnsync(realDev, dev);
  devUcUnsync(realDev, dev);
  if (dev.addr !== realDev.addr) devUcDel(realDev, dev.addr);
  if ((flags & VLAN_FLAG_BRIDGE_BINDING) === 0) netifCarrierOff(dev);
}

/** @kernel net/8021q/vlan_dev.c vlan_dev_set_mac_address */
function vlanDevSetMacAddress(dev: NetDevice, address: Mac): Ack {
  const { realDev } = vlanOf(dev);
  if (!isValidMac(address)) return refuse(EADDRNOTAVAIL);
  if ((dev.flags & IFF_UP) !== 0) {
    if (address !== realDev.addr) devUcAdd(realDev, address);
    if (dev.addr !== realDev.addr) devUcDel(realDev, dev.addr);
  }
  dev.addr = address;
  return undefined;
}

/** @kernel net/8021q/vlan_dev.c vlan_dev_change_rx_flags */
function vlanDevChangeRxFlags(dev: NetDevice, changed: number): void {
  const { realDev } = vlanOf(dev);
  if ((changed & IFF_ALLMULTI) !== 0) devSetAllmulti(realDev, (dev.flags & IFF_ALLMULTI) !== 0 ? 1 : -1);
  if ((changed & IFF_PROMISC) !== 0) devSetPromiscuity(realDev, (dev.flags & IFF_PROMISC) !== 0 ? 1 : -1);
}

/** @kernel net/8021q/vlan_dev.c vlan_dev_set_rx_mode */
function vlanDevSetRxMode(dev: NetDevice): void {
  const { realDev } = vlanOf(dev);
  devMcSync(realDev, dev);
  devUcSync(realDev, dev);
}

/** @kernel net/8021q/vlan_dev.c vlan_dev_init */
function vlanDevInit(dev: NetDevice): Ack {
  const { realDev, proto, flags } = vlanOf(dev);
  dev.flags = realDev.flags & ~(IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_MASTER | IFF_SLAVE);
  dev.carrier = realDev.carrier && (flags & VLAN_FLAG_BRIDGE_BINDING) === 0;
  dev.dormant = realDev.dormant;
  dev.features = NETIF_F_HW_CSUM;
  dev.vlanFeatures = realDev.vlanFeatures;
  dev.tsoMaxSize = realDev.tsoMaxSize;
  dev.tsoMaxSegs = realDev.tsoMaxSegs;
  const offload = vlanHwOffloadCapable(realDev, proto);
  dev.headerOps = offload ? vlanPassthruHeaderOps : vlanHeaderOps;
  dev.hardHeaderLen = realDev.hardHeaderLen + (offload ? 0 : VLAN_HLEN);
  if (dev.addr === MAC_ZERO) {
    dev.addr = realDev.addr;
    dev.addrAssignType = NET_ADDR_STOLEN;
  }
  if (dev.broadcast === MAC_ZERO) dev.broadcast = realDev.broadcast;
  return undefined;
}

const vlanOps: NetDeviceOps = {
  init: vlanDevInit,
  validateAddr: ethValidateAddr,
  open: vlanDevOpen,
  stop: vlanDevStop,
  startXmit: vlanDevHardStartXmit,
  setRxMode: vlanDevSetRxMode,
  changeRxFlags: vlanDevChangeRxFlags,
  setMacAddress: vlanDevSetMacAddress,
  changeMtu: vlanDevChangeMtu,
  getIflink: (dev) => vlanOf(dev).realDev.ifindex,
  getLinkSettings: (dev) => {
    const { realDev } = vlanOf(dev);
    return realDev.ops.getLinkSettings?.(realDev);
  },
};

/** @kernel net/8021q/vlan_dev.c vlan_setup */
export function vlanSetup(dev: NetDevice): void {
  dev.privFlags = IFF_802_1Q_VLAN | IFF_NO_QUEUE | IFF_UNICAST_FLT;
  dev.ops = vlanOps;
  dev.minMtu = 0;
  dev.broadcast = MAC_ZERO;
}
