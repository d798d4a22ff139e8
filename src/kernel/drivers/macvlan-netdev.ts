/** The operations of a macvlan device on itself and on its parent (drivers/net/macvlan.c). */
import { EADDRINUSE, EADDRNOTAVAIL, EBUSY, EINVAL, EOPNOTSUPP } from '../../uapi/errno.ts';
import {
  ARPHRD_ETHER,
  IFF_ALLMULTI,
  IFF_LOOPBACK,
  IFF_PROMISC,
  IFF_UP,
  MACVLAN_FLAG_NOPROMISC,
} from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import { type LinkStats, NLM_F_REPLACE } from '../../uapi/rtnetlink.ts';
import { isMulticastMac, isValidMac, type Mac } from '../../wire/addr.ts';
import {
  devSetMacAddress,
  ethValidateAddr,
  netdevRxHandlerRegister,
  netdevRxHandlerUnregister,
} from '../core/dev-config.ts';
import {
  devMcAddExcl,
  devMcDel,
  devMcSync,
  devMcUnsync,
  devSetAllmulti,
  devSetPromiscuity,
  devUcAdd,
  devUcAddExcl,
  devUcDel,
  devUcSync,
  devUcUnsync,
} from '../core/dev-rx-mode.ts';
import { devHardHeader } from '../core/hard-header.ts';
import {
  type HeaderOps,
  IFF_MACVLAN_PORT,
  NETIF_F_HW_CSUM,
  NETIF_F_HW_VLAN_CTAG_FILTER,
  type NetDevice,
  type NetDeviceOps,
} from '../core/netdevice.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { macvlanHandleFrame, macvlanPurgeBroadcasts, macvlanStartXmit } from './macvlan-frames.ts';
import {
  isPassthru,
  macvlanAddrBusy,
  macvlanComputeFilter,
  macvlanComputePortFilters,
  macvlanFlushSources,
  macvlanHashAdd,
  macvlanHashDel,
  macvlanOf,
  macvlanPortOf,
  newMacvlanPort,
} from './macvlan-port.ts';

/** Features that a child takes over from its parent. */
const MACVLAN_FEATURES = NETIF_F_HW_CSUM | NETIF_F_HW_VLAN_CTAG_FILTER;

/** @kernel drivers/net/macvlan.c macvlan_port_create */
export function macvlanPortCreate(dev: NetDevice): Ack {
  if (dev.type !== ARPHRD_ETHER || (dev.flags & IFF_LOOPBACK) !== 0) return refuse(EINVAL);
  if (dev.rxHandler !== undefined) return refuse(EBUSY);
  const refused = netdevRxHandlerRegister(dev, macvlanHandleFrame, newMacvlanPort(dev));
  if (refused === undefined) dev.privFlags |= IFF_MACVLAN_PORT;
  return refused;
}

/** @kernel drivers/net/macvlan.c macvlan_port_destroy */
export function macvlanPortDestroy(dev: NetDevice): void {
  const port = macvlanPortOf(dev);
  dev.privFlags &= ~IFF_MACVLAN_PORT;
  netdevRxHandlerUnregister(dev);
  macvlanPurgeBroadcasts(port);
  if (port.passthru && dev.addr !== port.permAddr) devSetMacAddress(dev, port.permAddr);
}

/** @kernel drivers/net/macvlan.c macvlan_init */
function macvlanInit(dev: NetDevice): Ack {
  const { lowerdev, port } = macvlanOf(dev);
  dev.carrier = lowerdev.carrier;
  dev.dormant = lowerdev.dormant;
  dev.features = (lowerdev.features & MACVLAN_FEATURES) | NETIF_F_HW_CSUM;
  dev.vlanFeatures = (lowerdev.vlanFeatures & MACVLAN_FEATURES) | NETIF_F_HW_CSUM;
  dev.tsoMaxSize = lowerdev.tsoMaxSize;
  dev.tsoMaxSegs = lowerdev.tsoMaxSegs;
  dev.hardHeaderLen = lowerdev.hardHeaderLen;
  port.count++;
  return undefined;
}

/** @kernel drivers/net/macvlan.c macvlan_uninit */
function macvlanUninit(dev: NetDevice): void {
  const vlan = macvlanOf(dev);
  macvlanFlushSources(vlan);
  if (--vlan.port.count === 0) macvlanPortDestroy(vlan.lowerdev);
}

/** @kernel drivers/net/macvlan.c macvlan_open */
function macvlanOpen(dev: NetDevice): Ack {
  const vlan = macvlanOf(dev);
  const { lowerdev, port } = vlan;
  if (port.passthru) {
    const refused = (vlan.flags & MACVLAN_FLAG_NOPROMISC) === 0 ? devSetPromiscuity(lowerdev, 1) : undefined;
    if (refused !== undefined) return refused;
  } else {
    if (macvlanAddrBusy(port, dev.addr)) return refuse(EADDRINUSE);
    devUcAdd(lowerdev, dev.addr);
    let refused = (dev.flags & IFF_ALLMULTI) !== 0 ? devSetAllmulti(lowerdev, 1) : undefined;
    if (refused === undefined && (dev.flags & IFF_PROMISC) !== 0) {
      refused = devSetPromiscuity(lowerdev, 1);
      if (refused !== undefined && (dev.flags & IFF_ALLMULTI) !== 0) devSetAllmulti(lowerdev, -1);
    }
    if (refused !== undefined) {
      devUcDel(lowerdev, dev.addr);
      return refused;
    }
  }
  macvlanHashAdd(vlan);
  return undefined;
}

/** @kernel drivers/net/macvlan.c macvlan_stop */
function macvlanStop(dev: NetDevice): void {
  const vlan = macvlanOf(dev);
  const { lowerdev, port } = vlan;
  devUcUnsync(lowerdev, dev);
  devMcUnsync(lowerdev, dev);
  if (port.passthru) {
    if ((vlan.flags & MACVLAN_FLAG_NOPROMISC) === 0) devSetPromiscuity(lowerdev, -1);
  } else {
    if ((dev.flags & IFF_ALLMULTI) !== 0) devSetAllmulti(lowerdev, -1);
    if ((dev.flags & IFF_PROMISC) !== 0) devSetPromiscuity(lowerdev, -1);
    devUcDel(lowerdev, dev.addr);
  }
  macvlanHashDel(vlan);
}

/** @kernel drivers/net/macvlan.c macvlan_sync_address */
export function macvlanSyncAddress(dev: NetDevice, address: Mac): Ack {
  const vlan = macvlanOf(dev);
  const { lowerdev, port } = vlan;
  if ((dev.flags & IFF_UP) === 0) dev.addr = address;
  else {
    if (macvlanAddrBusy(port, address)) return refuse(EADDRINUSE);
    if (!port.passthru) {
      devUcAdd(lowerdev, address);
      devUcDel(lowerdev, dev.addr);
    }
    macvlanHashDel(vlan);
    dev.addr = address;
    macvlanHashAdd(vlan);
  }
  if (port.passthru && !port.addrChange) port.permAddr = lowerdev.addr;
  port.addrChange = false;
  return undefined;
}

/** @kernel drivers/net/macvlan.c macvlan_set_mac_address */
function macvlanSetMacAddress(dev: NetDevice, address: Mac): Ack {
  const vlan = macvlanOf(dev);
  if (!isValidMac(address)) return refuse(EADDRNOTAVAIL);
  if (dev.addr === address) return undefined;
  if (isPassthru(vlan)) {
    vlan.port.addrChange = true;
    return devSetMacAddress(vlan.lowerdev, address);
  }
  if (macvlanAddrBusy(vlan.port, address)) return refuse(EADDRINUSE);
  return macvlanSyncAddress(dev, address);
}

/** @kernel drivers/net/macvlan.c macvlan_change_rx_flags */
function macvlanChangeRxFlags(dev: NetDevice, changed: number): void {
  if ((dev.flags & IFF_UP) === 0) return;
  const { lowerdev, port } = macvlanOf(dev);
  if ((changed & IFF_ALLMULTI) !== 0) devSetAllmulti(lowerdev, (dev.flags & IFF_ALLMULTI) !== 0 ? 1 : -1);
  if (!port.passthru && (changed & IFF_PROMISC) !== 0) {
    devSetPromiscuity(lowerdev, (dev.flags & IFF_PROMISC) !== 0 ? 1 : -1);
  }
}

/** @kernel drivers/net/macvlan.c macvlan_set_mac_lists */
function macvlanSetMacLists(dev: NetDevice): void {
  const vlan = macvlanOf(dev);
  macvlanComputeFilter(vlan);
  devUcSync(vlan.lowerdev, dev);
  devMcSync(vlan.lowerdev, dev);
  macvlanComputePortFilters(vlan.port);
}

/** @kernel drivers/net/macvlan.c macvlan_change_mtu */
function macvlanChangeMtu(dev: NetDevice, mtu: number): Ack {
  if (macvlanOf(dev).lowerdev.mtu < mtu) return refuse(EINVAL);
  dev.mtu = mtu;
  return undefined;
}

/** @kernel drivers/net/macvlan.c macvlan_dev_get_stats64 */
function macvlanGetStats(dev: NetDevice): LinkStats {
  const { rxErrors } = macvlanOf(dev);
  return { ...dev.stats, rxErrors, rxDropped: dev.stats.rxDropped + rxErrors };
}

/** @kernel drivers/net/macvlan.c macvlan_fdb_add */
function macvlanFdbAdd(
  dev: NetDevice,
  address: Mac,
  _vlan: number,
  _state: number,
  _flags: number,
  nlmFlags: number,
): Ack {
  const unicast = !isMulticastMac(address);
  if (!macvlanOf(dev).port.passthru && unicast) return refuse(EOPNOTSUPP);
  if ((nlmFlags & NLM_F_REPLACE) !== 0) return refuse(EOPNOTSUPP);
  return unicast ? devUcAddExcl(dev, address) : devMcAddExcl(dev, address);
}

/** @kernel drivers/net/macvlan.c macvlan_fdb_del */
function macvlanFdbDel(dev: NetDevice, address: Mac): Ack {
  const unicast = !isMulticastMac(address);
  if (!macvlanOf(dev).port.passthru && unicast) return refuse(EOPNOTSUPP);
  return unicast ? devUcDel(dev, address) : devMcDel(dev, address);
}

/** @kernel drivers/net/macvlan.c macvlan_hard_header */
function macvlanHardHeader(skb: SkBuff, dev: NetDevice, type: number, daddr: Mac, saddr: Mac | undefined): void {
  devHardHeader(skb, macvlanOf(dev).lowerdev, type, daddr, saddr ?? dev.addr);
}

export const macvlanHardHeaderOps: HeaderOps = { create: macvlanHardHeader, cached: true };

export const macvlanOps: NetDeviceOps = {
  init: macvlanInit,
  uninit: macvlanUninit,
  validateAddr: ethValidateAddr,
  open: macvlanOpen,
  stop: macvlanStop,
  startXmit: macvlanStartXmit,
  setRxMode: macvlanSetMacLists,
  changeRxFlags: macvlanChangeRxFlags,
  setMacAddress: macvlanSetMacAddress,
  changeMtu: macvlanChangeMtu,
  getStats: macvlanGetStats,
  getIflink: (dev) => macvlanOf(dev).lowerdev.ifindex,
  getLinkSettings: (dev) => {
    const { lowerdev } = macvlanOf(dev);
    return lowerdev.ops.getLinkSettings?.(lowerdev);
  },
  fdbAdd: macvlanFdbAdd,
  fdbDel: macvlanFdbDel,
  vlanRxAddVid: (dev, proto, vid) => {
    const { lowerdev } = macvlanOf(dev);
    return lowerdev.ops.vlanRxAddVid?.(lowerdev, proto, vid);
  },
  vlanRxKillVid: (dev, proto, vid) => {
    const { lowerdev } = macvlanOf(dev);
    lowerdev.ops.vlanRxKillVid?.(lowerdev, proto, vid);
  },
};
