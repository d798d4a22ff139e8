/** IGMP for hosts (RFC 3376, 2236, 1112): membership of devices in groups, and telling routers of it. */
import { ARPHRD_LOOPBACK, IFF_UP } from '../../uapi/if.ts';
import { type Ipv4, multicastMacOf } from '../../wire/addr.ts';
import { devMcAdd, devMcDel } from '../core/dev-rx-mode.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { igmpGroupAdded, igmpGroupDropped, igmpStopTimers } from './igmp-report.ts';
import { type InDevice, inDevGet } from './in-device.ts';
import { IGMP_ALL_HOSTS, IpMcList } from './ip-mc-list.ts';

/** The group's address goes onto the device's list. @kernel net/ipv4/igmp.c igmp_group_added */
function groupAdded(inDev: InDevice, group: IpMcList): void {
  if (!group.loaded) {
    group.loaded = true;
    // arp_mc_map() knows no group address for loopback.
    if (inDev.dev.type !== ARPHRD_LOOPBACK) devMcAdd(inDev.dev, multicastMacOf(group.address));
  }
  igmpGroupAdded(inDev, group);
}

/** @kernel net/ipv4/igmp.c igmp_group_dropped */
function groupDropped(inDev: InDevice, group: IpMcList): void {
  if (group.loaded) {
    group.loaded = false;
    if (inDev.dev.type !== ARPHRD_LOOPBACK) devMcDel(inDev.dev, multicastMacOf(group.address));
  }
  igmpGroupDropped(inDev, group);
}

/** @kernel net/ipv4/igmp.c ip_mc_inc_group */
function ipMcIncGroup(inDev: InDevice, address: Ipv4): void {
  const existing = inDev.mc.list.find((group) => group.address === address);
  if (existing !== undefined) {
    existing.users++;
    return;
  }
  const group = new IpMcList(address);
  inDev.mc.list = [group, ...inDev.mc.list];
  groupAdded(inDev, group);
  inDev.ipv4.rtCacheFlush();
}

/** @kernel net/ipv4/igmp.c ip_mc_dec_group */
function ipMcDecGroup(inDev: InDevice, address: Ipv4): void {
  const { list } = inDev.mc;
  const group = list.find((entry) => entry.address === address);
  if (group === undefined || --group.users > 0) return;
  inDev.mc.list = list.filter((entry) => entry !== group);
  groupDropped(inDev, group);
  inDev.ipv4.rtCacheFlush();
}

/** A socket joins. @kernel net/ipv4/igmp.c ip_mc_join_group */
export function ipMcJoinGroup(dev: NetDevice, address: Ipv4): void {
  const inDev = inDevGet(dev);
  if (inDev !== undefined) ipMcIncGroup(inDev, address);
}

/** A socket leaves. @kernel net/ipv4/igmp.c ip_mc_leave_group */
export function ipMcLeaveGroup(dev: NetDevice, address: Ipv4): void {
  const inDev = inDevGet(dev);
  if (inDev !== undefined) ipMcDecGroup(inDev, address);
}

/** @kernel net/ipv4/igmp.c ip_mc_init_dev */
export function ipMcInitDev(inDev: InDevice): void {
  inDev.mc.qrv = inDev.ipv4.igmpQrv;
}

/** The device came up. @kernel net/ipv4/igmp.c ip_mc_up */
export function ipMcUp(inDev: InDevice): void {
  ipMcIncGroup(inDev, IGMP_ALL_HOSTS);
  for (const group of [...inDev.mc.list]) {
    if (group.address !== IGMP_ALL_HOSTS) groupAdded(inDev, group);
  }
}

/** The device went down. @kernel net/ipv4/igmp.c ip_mc_down */
export function ipMcDown(inDev: InDevice): void {
  for (const group of [...inDev.mc.list]) if (group.address !== IGMP_ALL_HOSTS) groupDropped(inDev, group);
  igmpStopTimers(inDev);
  ipMcDecGroup(inDev, IGMP_ALL_HOSTS);
}

/** @kernel net/ipv4/igmp.c ip_mc_destroy_dev */
export function ipMcDestroyDev(inDev: InDevice): void {
  if ((inDev.dev.flags & IFF_UP) !== 0 || inDev.mc.list.some((group) => group.address === IGMP_ALL_HOSTS)) {
    ipMcDown(inDev);
  }
  const groups = inDev.mc.list;
  inDev.mc.list = [];
  for (const group of groups) groupDropped(inDev, group);
  igmpStopTimers(inDev);
}
