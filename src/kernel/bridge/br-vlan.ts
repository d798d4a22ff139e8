/** VLAN filtering: which VLANs a bridge and its ports are members of (net/bridge/br_vlan.c). */
import { ENOENT } from '../../uapi/errno.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { Kernel } from '../core/kernel.ts';
import { brFdbAddLocal, brFdbDeleteByPort, brFdbFindDeleteLocal } from './br-fdb.ts';
import { MDB_RTR_TYPE_TEMP_QUERY } from './br-multicast-state.ts';
import {
  BR_STATE_FORWARDING,
  BROPT_VLAN_STATS_PER_PORT,
  bridgeOf,
  brOptGet,
  isBridgeMaster,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';
import {
  BRIDGE_VLAN_INFO_BRENTRY,
  BRIDGE_VLAN_INFO_MASTER,
  BRIDGE_VLAN_INFO_PVID,
  BRIDGE_VLAN_INFO_UNTAGGED,
  type BridgeVlan,
  type BridgeVlanStats,
  brVlanShouldUse,
  VlanGroup,
} from './br-vlan-group.ts';

/** What the default VLAN is to its members. */
export const DEFAULT_FLAGS: number = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;

/** Whether the kernel has CONFIG_BRIDGE_VLAN_FILTERING. */
export function hasVlanFiltering(kernel: Kernel): boolean {
  return kernel.config.bridgeVlanFiltering === true;
}

/**
 * Somebody asks for VLANs of bridges: false when the kernel is built without. Where that is left open,
 * it is from now on a kernel with them, and bridges are as they would have been made there.
 */
export function wantVlanFiltering(kernel: Kernel): boolean {
  if (kernel.config.bridgeVlanFiltering !== undefined) return kernel.config.bridgeVlanFiltering;
  kernel.config.bridgeVlanFiltering = true;
  for (const net of kernel.namespaces) {
    for (const dev of net.devices.values()) {
      if (!isBridgeMaster(dev)) continue;
      const br = bridgeOf(dev);
      brVlanInit(br);
      for (const p of br.ports) nbpVlanInit(p);
    }
  }
  return true;
}

const noStats = (): BridgeVlanStats => ({ rxBytes: 0, rxPackets: 0, txBytes: 0, txPackets: 0 });

function newVlan(vid: number, flags: number, master: BridgeVlan | undefined, stats: BridgeVlanStats): BridgeVlan {
  const state = BR_STATE_FORWARDING;
  return { vid, flags, state, mcastRouter: MDB_RTR_TYPE_TEMP_QUERY, references: 0, master, stats };
}

/** @kernel net/bridge/br_vlan.c __vlan_flags_update */
function flagsCommit(group: VlanGroup, vlan: BridgeVlan, flags: number): void {
  if ((flags & BRIDGE_VLAN_INFO_PVID) !== 0) group.pvid = vlan.vid;
  else if (group.pvid === vlan.vid) group.pvid = 0;
  vlan.flags = (vlan.flags & ~BRIDGE_VLAN_INFO_UNTAGGED) | (flags & BRIDGE_VLAN_INFO_UNTAGGED);
}

/** The bridge's entry, made when there is none: ports keep it. @kernel net/bridge/br_vlan.c br_vlan_get_master */
function getMaster(br: NetBridge, vid: number): BridgeVlan {
  let master = br.vlgrp!.find(vid);
  if (master === undefined) {
    master = newVlan(vid, BRIDGE_VLAN_INFO_MASTER, undefined, noStats());
    br.vlgrp!.add(master);
  }
  master.references++;
  return master;
}

/** @kernel net/bridge/br_vlan.c br_vlan_put_master */
function putMaster(br: NetBridge, master: BridgeVlan): void {
  if (--master.references === 0) br.vlgrp!.remove(master);
}

/** The bridge itself becomes a member, or its membership changes. @kernel net/bridge/br_vlan.c br_vlan_add */
export function brVlanAdd(br: NetBridge, vid: number, flags: number): Ack {
  const group = br.vlgrp!;
  let vlan = group.find(vid);
  if (vlan === undefined) {
    vlan = newVlan(vid, BRIDGE_VLAN_INFO_MASTER, undefined, noStats());
    group.add(vlan);
  }
  if (!brVlanShouldUse(vlan)) {
    const errno = brFdbAddLocal(br, undefined, br.dev.addr, vid);
    if (errno !== 0) return refuse(errno);
    vlan.flags |= BRIDGE_VLAN_INFO_BRENTRY;
    vlan.references++;
    group.count++;
  }
  flagsCommit(group, vlan, flags);
  return undefined;
}

/** @kernel net/bridge/br_vlan.c br_vlan_delete */
export function brVlanDelete(br: NetBridge, vid: number): Ack {
  const group = br.vlgrp!;
  const vlan = group.member(vid);
  if (vlan === undefined) return refuse(ENOENT);
  brFdbFindDeleteLocal(br, undefined, br.dev.addr, vid);
  brFdbDeleteByPort(br, undefined, vid, false);
  if (group.pvid === vid) group.pvid = 0;
  vlan.flags &= ~BRIDGE_VLAN_INFO_BRENTRY;
  group.count--;
  putMaster(br, vlan);
  return undefined;
}

/** @kernel net/bridge/br_vlan.c nbp_vlan_add */
export function nbpVlanAdd(p: NetBridgePort, vid: number, flags: number): Ack {
  const { br } = p;
  const group = p.vlgrp!;
  let vlan = group.find(vid);
  if (vlan === undefined) {
    const master = getMaster(br, vid);
    const errno = brFdbAddLocal(br, p, p.dev.addr, vid);
    if (errno !== 0) {
      putMaster(br, master);
      return refuse(errno);
    }
    vlan = newVlan(vid, 0, master, brOptGet(br, BROPT_VLAN_STATS_PER_PORT) ? noStats() : master.stats);
    group.add(vlan);
    group.count++;
  }
  flagsCommit(group, vlan, flags);
  return undefined;
}

/** @kernel net/bridge/br_vlan.c nbp_vlan_delete */
export function nbpVlanDelete(p: NetBridgePort, vid: number): Ack {
  const vlan = p.vlgrp!.find(vid);
  if (vlan === undefined) return refuse(ENOENT);
  brFdbFindDeleteLocal(p.br, p, p.dev.addr, vid);
  brFdbDeleteByPort(p.br, p, vid, false);
  removeFromPort(p, vlan);
  return undefined;
}

function removeFromPort(p: NetBridgePort, vlan: BridgeVlan): void {
  const group = p.vlgrp!;
  if (group.pvid === vlan.vid) group.pvid = 0;
  group.remove(vlan);
  group.count--;
  putMaster(p.br, vlan.master!);
}

/** A port leaves its bridge. @kernel net/bridge/br_vlan.c nbp_vlan_flush */
export function nbpVlanFlush(p: NetBridgePort): void {
  for (const vlan of p.vlgrp?.list ?? []) removeFromPort(p, vlan);
}

/** A new bridge is a member of the default VLAN. @kernel net/bridge/br_vlan.c br_vlan_bridge_event */
export function brVlanInit(br: NetBridge): void {
  br.vlgrp = new VlanGroup();
  if (br.defaultPvid !== 0) brVlanAdd(br, br.defaultPvid, DEFAULT_FLAGS);
}

/** So is a new port. @kernel net/bridge/br_vlan.c nbp_vlan_init */
export function nbpVlanInit(p: NetBridgePort): Ack {
  p.vlgrp = new VlanGroup();
  return p.br.defaultPvid === 0 ? undefined : nbpVlanAdd(p, p.br.defaultPvid, DEFAULT_FLAGS);
}
