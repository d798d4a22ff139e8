/** Which VLAN devices a device carries, and the way of a tagged frame up to them (net/8021q/vlan_core.c). */
import {
  ETH_P_8021AD,
  ETH_P_8021Q,
  IFF_UP,
  PACKET_HOST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  VLAN_HLEN,
} from '../../uapi/if.ts';
import type { Ack } from '../../uapi/result.ts';
import { macAt, putU16 } from '../../wire/addr.ts';
import { REASON } from '../core/drop-reason.ts';
import { MacTable } from '../core/mac-table.ts';
import { IFF_BRIDGE_PORT, IFF_MACVLAN_PORT, NETIF_F_HW_VLAN_CTAG_FILTER, type NetDevice } from '../core/netdevice.ts';
import { kfreeSkbReason, type SkBuff, skbCowHead } from '../core/skbuff.ts';

/** enum vlan_flags. */
export const VLAN_FLAG_REORDER_HDR = 0x1;
export const VLAN_FLAG_GVRP = 0x2;
export const VLAN_FLAG_LOOSE_BINDING = 0x4;
export const VLAN_FLAG_MVRP = 0x8;
export const VLAN_FLAG_BRIDGE_BINDING = 0x10;

export const VLAN_VID_MASK = 0x0fff;
export const VLAN_PRIO_SHIFT = 13;

/** struct vlan_dev_priv. */
export interface VlanDevPriv {
  proto: number;
  id: number;
  realDev: NetDevice;
  /** The parent's address when this device last looked at it. */
  realDevAddr: number;
  flags: number;
  /** skb->priority by the priority of a received tag. */
  readonly ingress: Uint32Array;
  /** Priority of the tag, already in place, by skb->priority; in the order in which a dump shows them. */
  egress: { priority: number; qos: number }[];
}

/** struct vlan_info: hangs on the parent as dev->vlan_info. */
export interface VlanInfo {
  /** Positions in `devices` by protocol and id. */
  readonly table: MacTable;
  readonly devices: (NetDevice | undefined)[];
  /** References to each id, by {@link groupIndex}. */
  readonly vids: Map<number, number>;
}

export function vlanOf(dev: NetDevice): VlanDevPriv {
  return dev.priv as VlanDevPriv;
}

/** @kernel net/8021q/vlan.h vlan_proto_idx */
function groupIndex(proto: number, id: number): number {
  return (proto === ETH_P_8021AD ? 0x1000 : 0) | id;
}

/** The VLAN device for a tag on `realDev`. @kernel net/8021q/vlan.h vlan_find_dev */
export function vlanFindDev(realDev: NetDevice, proto: number, id: number): NetDevice | undefined {
  const info = realDev.vlanInfo as VlanInfo | undefined;
  if (info === undefined) return undefined;
  const at = info.table.find(groupIndex(proto, id), 0);
  return at < 0 ? undefined : info.devices[at];
}

/** @kernel net/8021q/vlan.h vlan_group_set_device */
export function vlanGroupSetDevice(realDev: NetDevice, proto: number, id: number, dev: NetDevice | undefined): void {
  const info = realDev.vlanInfo as VlanInfo;
  const index = groupIndex(proto, id);
  const at = info.table.find(index, 0);
  if (dev === undefined) {
    info.table.delete(index, 0);
    if (at >= 0) info.devices[at] = undefined;
    return;
  }
  const free = info.devices.indexOf(undefined);
  const place = free < 0 ? info.devices.length : free;
  info.devices[place] = dev;
  info.table.set(index, 0, place);
}

/** The VLAN devices on `realDev`: 802.1Q before 802.1ad, by id. @kernel net/8021q/vlan.h vlan_group_for_each_dev */
export function vlanDevices(realDev: NetDevice): NetDevice[] {
  const info = realDev.vlanInfo as VlanInfo | undefined;
  const devices = (info?.devices ?? []).filter((dev) => dev !== undefined);
  const order = (dev: NetDevice) => groupIndex(vlanOf(dev).proto, vlanOf(dev).id);
  return devices.sort((a, b) => order(a) - order(b));
}

function filtersVlans(dev: NetDevice, proto: number): boolean {
  return proto === ETH_P_8021Q && (dev.features & NETIF_F_HW_VLAN_CTAG_FILTER) !== 0;
}

/** @kernel net/8021q/vlan_core.c vlan_vid_add */
export function vlanVidAdd(dev: NetDevice, proto: number, id: number): Ack {
  const info = (dev.vlanInfo as VlanInfo | undefined) ?? { table: new MacTable(), devices: [], vids: new Map() };
  const index = groupIndex(proto, id);
  const references = info.vids.get(index) ?? 0;
  if (references === 0 && filtersVlans(dev, proto)) {
    const refused = dev.ops.vlanRxAddVid?.(dev, proto, id);
    if (refused !== undefined) return refused;
  }
  info.vids.set(index, references + 1);
  dev.vlanInfo = info;
  return undefined;
}

/** @kernel net/8021q/vlan_core.c vlan_vid_del */
export function vlanVidDel(dev: NetDevice, proto: number, id: number): void {
  const info = dev.vlanInfo as VlanInfo | undefined;
  const index = groupIndex(proto, id);
  const references = info?.vids.get(index);
  if (info === undefined || references === undefined) return;
  if (references > 1) {
    info.vids.set(index, references - 1);
    return;
  }
  info.vids.delete(index);
  if (filtersVlans(dev, proto)) dev.ops.vlanRxKillVid?.(dev, proto, id);
  if (info.vids.size === 0) dev.vlanInfo = undefined;
}

/**
 * Put the tag back into a received frame, before its type, for a device that wants to see it (reorder_hdr off).
 * @kernel net/8021q/vlan_core.c vlan_do_receive
 */
function insertInnerTag(skb: SkBuff): void {
  skbCowHead(skb, skb.data - skb.macHeader + VLAN_HLEN);
  const { bytes, macHeader } = skb;
  const type = skb.data - 2;
  bytes.copyWithin(macHeader - 4, macHeader, type);
  putU16(bytes, type - 4, skb.vlanProto);
  putU16(bytes, type - 2, skb.vlanTci);
  skb.macHeader = macHeader - 4;
}

/**
 * Give a tagged frame to its VLAN device. True: `skb.dev` is that device now. False: there is none, or it is
 * down and the frame has ended.
 * @kernel net/8021q/vlan_core.c vlan_do_receive
 */
export function vlanDoReceive(skb: SkBuff): boolean {
  const dev = vlanFindDev(skb.dev!, skb.vlanProto, skb.vlanTci & VLAN_VID_MASK);
  if (dev === undefined) return false;
  if ((dev.flags & IFF_UP) === 0) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'vlan_do_receive', 'the VLAN device is down');
    return false;
  }
  const vlan = dev.priv as VlanDevPriv;
  skb.dev = dev;
  // The VLAN device may have an address of its own.
  if (skb.pktType === PACKET_OTHERHOST && macAt(skb.bytes, skb.macHeader) === dev.addr) skb.pktType = PACKET_HOST;
  if ((vlan.flags & VLAN_FLAG_REORDER_HDR) === 0 && (dev.privFlags & (IFF_MACVLAN_PORT | IFF_BRIDGE_PORT)) === 0) {
    insertInnerTag(skb);
  }
  skb.priority = vlan.ingress[(skb.vlanTci >> VLAN_PRIO_SHIFT) & 7]!;
  skb.vlanTci = -1;
  const { stats } = dev;
  stats.rxPackets++;
  stats.rxBytes += skb.len;
  if (skb.pktType === PACKET_MULTICAST) stats.multicast++;
  return true;
}
