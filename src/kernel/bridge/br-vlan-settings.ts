/** Settings of VLAN filtering (net/bridge/br_vlan.c). */
import { EINVAL, EPROTONOSUPPORT } from '../../uapi/errno.ts';
import { ETH_P_8021AD, ETH_P_8021Q } from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import { VLAN_VID_MASK } from '../../wire/vlan.ts';
import { brManagePromisc } from './br-if.ts';
import {
  BR_GROUPFWD_8021AD,
  BROPT_GROUP_ADDR_SET,
  BROPT_VLAN_ENABLED,
  brOptGet,
  brOptToggle,
  type NetBridge,
} from './br-private.ts';
import { brVlanAdd, brVlanDelete, DEFAULT_FLAGS, nbpVlanAdd, nbpVlanDelete } from './br-vlan.ts';
import { BRIDGE_VLAN_INFO_UNTAGGED, type VlanGroup } from './br-vlan-group.ts';

/** The group address of provider bridges is another one. @kernel net/bridge/br_vlan.c recalculate_group_addr */
function recalculateGroupAddr(br: NetBridge): void {
  if (brOptGet(br, BROPT_GROUP_ADDR_SET)) return;
  const provider = brOptGet(br, BROPT_VLAN_ENABLED) && br.vlanProto === ETH_P_8021AD;
  br.groupAddr = 0x0180_c200_0000 + (provider ? 8 : 0);
}

/** @kernel net/bridge/br_vlan.c br_recalculate_fwd_mask */
function recalculateFwdMask(br: NetBridge): void {
  const provider = brOptGet(br, BROPT_VLAN_ENABLED) && br.vlanProto === ETH_P_8021AD;
  br.groupFwdMaskRequired = provider ? BR_GROUPFWD_8021AD & ~(1 << (br.groupAddr & 0xf)) : 0;
}

/** @kernel net/bridge/br_vlan.c br_vlan_filter_toggle */
export function brVlanFilterToggle(br: NetBridge, on: boolean): Ack {
  if (brOptGet(br, BROPT_VLAN_ENABLED) === on) return undefined;
  brOptToggle(br, BROPT_VLAN_ENABLED, on);
  brManagePromisc(br);
  recalculateGroupAddr(br);
  recalculateFwdMask(br);
  return undefined;
}

/** @kernel net/bridge/br_vlan.c br_vlan_set_proto */
export function brVlanSetProto(br: NetBridge, proto: number): Ack {
  if (proto !== ETH_P_8021Q && proto !== ETH_P_8021AD) return refuse(EPROTONOSUPPORT);
  br.vlanProto = proto;
  recalculateGroupAddr(br);
  recalculateFwdMask(br);
  return undefined;
}

/** Whether a VLAN is what the default made it: untagged, and that of frames without a tag. @kernel net/bridge/br_vlan.c vlan_default_pvid */
function isDefaultPvid(group: VlanGroup, vid: number): boolean {
  const vlan = vid === group.pvid ? group.member(vid) : undefined;
  return vlan !== undefined && (vlan.flags & BRIDGE_VLAN_INFO_UNTAGGED) !== 0;
}

/** What users have set stays. @kernel net/bridge/br_vlan.c __br_vlan_set_default_pvid */
export function brVlanSetDefaultPvid(br: NetBridge, pvid: number): Ack {
  if (pvid >= VLAN_VID_MASK) return refuse(EINVAL);
  const old = br.defaultPvid;
  if (pvid === old) return undefined;
  const group = br.vlgrp!;
  if ((old === 0 || isDefaultPvid(group, old)) && (pvid === 0 || group.member(pvid) === undefined)) {
    const refused = pvid === 0 ? undefined : brVlanAdd(br, pvid, DEFAULT_FLAGS);
    if (refused !== undefined) return refused;
    if (old !== 0) brVlanDelete(br, old);
  }
  for (const p of br.ports) {
    if (old !== 0 && !isDefaultPvid(p.vlgrp!, old)) continue;
    if (pvid !== 0 && p.vlgrp!.find(pvid) !== undefined) continue;
    const refused = pvid === 0 ? undefined : nbpVlanAdd(p, pvid, DEFAULT_FLAGS);
    if (refused !== undefined) return refused;
    if (old !== 0) nbpVlanDelete(p, old);
  }
  br.defaultPvid = pvid;
  return undefined;
}
