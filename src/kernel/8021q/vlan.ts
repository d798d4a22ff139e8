/** 802.1Q and 802.1ad VLAN devices: how they follow their parent (net/8021q/vlan.c). */
import { ETH_P_8021Q, IFF_UP, VLAN_HLEN } from '../../uapi/if.ts';
import { devChangeFlags, devClose, devSetMtu, unregisterNetdeviceMany } from '../core/dev-config.ts';
import { devUcAdd, devUcDel } from '../core/dev-rx-mode.ts';
import type { Kernel } from '../core/kernel.ts';
import { devGetFlags } from '../core/link-watch.ts';
import { NETIF_F_HW_VLAN_CTAG_FILTER, NETREG_UNREGISTERING, type NetDevice } from '../core/netdevice.ts';
import type { NetdevEvent } from '../core/notifier.ts';
import { VLAN_FLAG_LOOSE_BINDING, vlanDevices, vlanDoReceive, vlanOf, vlanVidAdd, vlanVidDel } from './vlan-core.ts';
import { vlanDevInheritAddress, vlanHeaderOps } from './vlan-dev.ts';
import { unregisterVlanDev, vlanLinkOps, vlanStackedTransferOperstate } from './vlan-netlink.ts';

/** The parent's address changed. @kernel net/8021q/vlan.c vlan_sync_address */
function vlanSyncAddress(realDev: NetDevice, dev: NetDevice): void {
  const vlan = vlanOf(dev);
  const old = vlan.realDevAddr;
  if (old === realDev.addr) return;
  if (!vlanDevInheritAddress(dev, realDev)) {
    if (dev.addr !== old && dev.addr === realDev.addr) devUcDel(realDev, dev.addr);
    if (dev.addr === old && dev.addr !== realDev.addr) devUcAdd(realDev, dev.addr);
  }
  vlan.realDevAddr = realDev.addr;
}

/** @kernel net/8021q/vlan.c vlan_device_event */
function vlanDeviceEvent(event: NetdevEvent, dev: NetDevice): number {
  if ((dev.features & NETIF_F_HW_VLAN_CTAG_FILTER) !== 0) {
    if (event === 'UP') vlanVidAdd(dev, ETH_P_8021Q, 0);
    else if (event === 'DOWN') vlanVidDel(dev, ETH_P_8021Q, 0);
  }
  if (dev.vlanInfo === undefined) return 0;
  switch (event) {
    case 'CHANGE':
      for (const vlandev of vlanDevices(dev)) vlanStackedTransferOperstate(dev, vlandev);
      break;
    case 'CHANGEADDR':
      for (const vlandev of vlanDevices(dev)) if ((vlandev.flags & IFF_UP) !== 0) vlanSyncAddress(dev, vlandev);
      break;
    case 'CHANGEMTU':
      for (const vlandev of vlanDevices(dev)) if (vlandev.mtu > dev.mtu) devSetMtu(vlandev, dev.mtu);
      break;
    case 'FEAT_CHANGE':
      for (const vlandev of vlanDevices(dev)) {
        vlandev.tsoMaxSize = dev.tsoMaxSize;
        vlandev.tsoMaxSegs = dev.tsoMaxSegs;
        vlandev.hardHeaderLen = dev.hardHeaderLen + (vlandev.headerOps === vlanHeaderOps ? VLAN_HLEN : 0);
      }
      break;
    case 'DOWN':
      parentDown(dev);
      break;
    case 'UP':
      parentUp(dev);
      break;
    case 'UNREGISTER': {
      // A move to another namespace leaves the VLAN devices where they are.
      if (dev.regState !== NETREG_UNREGISTERING) break;
      const unlist: NetDevice[] = [];
      for (const vlandev of vlanDevices(dev)) unregisterVlanDev(vlandev, unlist);
      unregisterNetdeviceMany(unlist);
      break;
    }
    case 'NOTIFY_PEERS':
      for (const vlandev of vlanDevices(dev)) dev.net.kernel.notify(event, vlandev);
      break;
  }
  return 0;
}

/** All VLAN devices go down with their parent, except those with loose binding. */
function parentDown(dev: NetDevice): void {
  const closing = vlanDevices(dev)
    .filter((vlandev) => (vlandev.flags & IFF_UP) !== 0 && (vlanOf(vlandev).flags & VLAN_FLAG_LOOSE_BINDING) === 0)
    .reverse();
  for (const vlandev of closing) devClose(vlandev);
  for (const vlandev of closing) vlanStackedTransferOperstate(dev, vlandev);
}

/** And up with it, also those that were down before. */
function parentUp(dev: NetDevice): void {
  for (const vlandev of vlanDevices(dev)) {
    const flags = devGetFlags(vlandev);
    if ((flags & IFF_UP) !== 0) continue;
    if ((vlanOf(vlandev).flags & VLAN_FLAG_LOOSE_BINDING) === 0) devChangeFlags(vlandev, flags | IFF_UP);
    vlanStackedTransferOperstate(dev, vlandev);
  }
}

/** Make the link kind `vlan` known, and the way of tagged frames. */
export function registerVlan(kernel: Kernel): void {
  kernel.vlanDoReceive = vlanDoReceive;
  kernel.linkKinds.set('vlan', vlanLinkOps);
  kernel.registerNotifier({ name: '8021q', priority: 0, call: vlanDeviceEvent });
}
