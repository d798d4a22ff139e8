/** Frames and VLANs: what a port lets in and out, and with which tag (net/bridge/br_vlan.c). */
import { IFF_PROMISC } from '../../uapi/if.ts';
import { REASON } from '../core/drop-reason.ts';
import { kfreeSkbReason, type SkBuff, skbVlanUntag, vlanInsertTag } from '../core/skbuff.ts';
import {
  BR_STATE_FORWARDING,
  BR_STATE_LEARNING,
  BROPT_VLAN_ENABLED,
  BROPT_VLAN_STATS_ENABLED,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';
import { BRIDGE_VLAN_INFO_UNTAGGED, type BridgeVlan, brVlanGetTag, type VlanGroup } from './br-vlan-group.ts';

/** The frame was not let in and has ended. */
export const NOT_ALLOWED = -1;
/** Set in what brAllowedIngress() returns when the VLAN only learns yet. */
export const VLAN_LEARNING: number = 1 << 12;

/** The VLAN in which a bridge handles a frame: 0 where VLANs are not filtered. */
export function brSkbVid(br: NetBridge, skb: SkBuff): number {
  return (br.options & BROPT_VLAN_ENABLED) === 0 ? 0 : brVlanGetTag(skb);
}

function drop(skb: SkBuff, why: string): number {
  kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'br_allowed_ingress', why);
  return NOT_ALLOWED;
}

/**
 * Gives a frame the tag of its VLAN, when a member sent it. Returns the id, 0 without filtering, or
 * {@link NOT_ALLOWED}. `portState`: that of the port, BR_STATE_FORWARDING for the bridge itself.
 * @kernel net/bridge/br_vlan.c br_allowed_ingress
 */
export function brAllowedIngress(br: NetBridge, group: VlanGroup | undefined, skb: SkBuff, portState: number): number {
  if ((br.options & BROPT_VLAN_ENABLED) === 0) return 0;
  return allowedIngress(br, group!, skb, portState);
}

/** @kernel net/bridge/br_vlan.c __allowed_ingress */
function allowedIngress(br: NetBridge, group: VlanGroup, skb: SkBuff, portState: number): number {
  if (skb.vlanTci < 0 && skb.protocol === br.vlanProto && !skbVlanUntag(skb)) return NOT_ALLOWED;
  let vid = brVlanGetTag(skb);
  if (skb.vlanTci >= 0 && skb.vlanProto !== br.vlanProto) {
    // A tag of another protocol is part of what the frame carries.
    const macLength = skb.data - skb.macHeader;
    skb.push(macLength);
    vlanInsertTag(skb, skb.vlanProto, skb.vlanTci);
    skb.protocol = skb.vlanProto;
    skb.macHeader = skb.data;
    skb.pull(macLength);
    skb.vlanTci = -1;
    vid = 0;
  }
  let vlan: BridgeVlan | undefined;
  if (vid === 0) {
    vid = group.pvid;
    if (vid === 0) return drop(skb, 'the frame has no VLAN tag and the port no PVID');
    if (skb.vlanTci < 0) {
      skb.vlanTci = vid;
      skb.vlanProto = br.vlanProto;
    } else skb.vlanTci |= vid;
    vlan = group.find(vid);
  } else {
    vlan = group.member(vid);
    if (vlan === undefined) return drop(skb, `the port is no member of VLAN ${vid}`);
  }
  // A port that only learns yet does not ask the VLAN.
  const state = portState === BR_STATE_FORWARDING ? vlan!.state : BR_STATE_FORWARDING;
  if (state !== BR_STATE_FORWARDING && state !== BR_STATE_LEARNING) {
    return drop(skb, `VLAN ${vid} neither forwards nor learns at the port`);
  }
  if ((br.options & BROPT_VLAN_STATS_ENABLED) !== 0) {
    vlan!.stats.rxBytes += skb.len;
    vlan!.stats.rxPackets++;
  }
  return state === BR_STATE_LEARNING ? vid | VLAN_LEARNING : vid;
}

/** @kernel net/bridge/br_vlan.c br_allowed_egress */
export function brAllowedEgress(br: NetBridge, group: VlanGroup | undefined, skb: SkBuff): boolean {
  if ((br.options & BROPT_VLAN_ENABLED) === 0) return true;
  return group?.member(brVlanGetTag(skb))?.state === BR_STATE_FORWARDING;
}

/**
 * The tag goes where the VLAN is untagged; false when the frame has ended.
 * @kernel net/bridge/br_vlan.c br_handle_vlan
 */
export function brHandleVlan(br: NetBridge, group: VlanGroup | undefined, skb: SkBuff): boolean {
  if ((br.options & BROPT_VLAN_ENABLED) === 0) return true;
  const vlan = group?.member(brVlanGetTag(skb));
  if (vlan === undefined) {
    // Whoever listens on a promiscuous bridge gets the frame as it is.
    if ((br.dev.flags & IFF_PROMISC) !== 0 && skb.dev === br.dev) return true;
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'br_handle_vlan', 'no member of the VLAN of the frame');
    return false;
  }
  if ((br.options & BROPT_VLAN_STATS_ENABLED) !== 0) {
    vlan.stats.txBytes += skb.len;
    vlan.stats.txPackets++;
  }
  if ((vlan.flags & BRIDGE_VLAN_INFO_UNTAGGED) !== 0) skb.vlanTci = -1;
  return true;
}

/** The VLAN in which the sender of a frame may be learned, which is not forwarded; -1: it may not. @kernel net/bridge/br_vlan.c br_should_learn */
export function brShouldLearn(p: NetBridgePort, skb: SkBuff): number {
  const { br, vlgrp } = p;
  if ((br.options & BROPT_VLAN_ENABLED) === 0) return 0;
  if (vlgrp === undefined || vlgrp.count === 0) return -1;
  let vid = brVlanGetTag(skb);
  if (skb.vlanTci >= 0 && skb.vlanProto !== br.vlanProto) vid = 0;
  if (vid === 0) vid = vlgrp.pvid;
  const state = vlgrp.find(vid)?.state;
  return state === BR_STATE_FORWARDING || state === BR_STATE_LEARNING ? vid : -1;
}
