/** The VLANs of a bridge or of one of its ports (struct net_bridge_vlan_group). */
import { VLAN_VID_MASK } from '../../wire/vlan.ts';
import type { SkBuff } from '../core/skbuff.ts';

/** BRIDGE_VLAN_INFO_* (include/uapi/linux/if_bridge.h). */
export const BRIDGE_VLAN_INFO_MASTER = 1 << 0;
export const BRIDGE_VLAN_INFO_PVID = 1 << 1;
export const BRIDGE_VLAN_INFO_UNTAGGED = 1 << 2;
export const BRIDGE_VLAN_INFO_BRENTRY = 1 << 5;

/** struct net_bridge_vlan. */
export interface BridgeVlan {
  readonly vid: number;
  /** MASTER: an entry of the bridge; BRENTRY with it: the bridge is a member itself. */
  flags: number;
  /** BR_STATE_*. */
  state: number;
  mcastRouter: number;
  /** For an entry of the bridge: how many ports, and the bridge itself, are members. */
  references: number;
  /** For an entry of a port: the bridge's. */
  readonly master: BridgeVlan | undefined;
  /** A port counts for itself, or on the bridge's entry. */
  readonly stats: BridgeVlanStats;
}

export interface BridgeVlanStats {
  rxBytes: number;
  rxPackets: number;
  txBytes: number;
  txPackets: number;
}

export class VlanGroup {
  readonly #byVid = new Map<number, BridgeVlan>();
  /** In order of their ids. */
  list: BridgeVlan[] = [];
  /** The VLAN of frames without a tag, 0 for none. */
  pvid = 0;
  /** Entries that are members, not just kept for ports. */
  count = 0;

  /** @kernel net/bridge/br_vlan.c br_vlan_find */
  find(vid: number): BridgeVlan | undefined {
    return this.#byVid.get(vid);
  }

  /** The entry, when it is a member. */
  member(vid: number): BridgeVlan | undefined {
    const vlan = this.#byVid.get(vid);
    return vlan !== undefined && brVlanShouldUse(vlan) ? vlan : undefined;
  }

  get members(): BridgeVlan[] {
    return this.list.filter(brVlanShouldUse);
  }

  add(vlan: BridgeVlan): void {
    this.#byVid.set(vlan.vid, vlan);
    this.list = [...this.list, vlan].sort((a, b) => a.vid - b.vid);
  }

  remove(vlan: BridgeVlan): void {
    this.#byVid.delete(vlan.vid);
    this.list = this.list.filter((other) => other !== vlan);
  }
}

/** @kernel net/bridge/br_private.h br_vlan_should_use */
export function brVlanShouldUse({ flags }: BridgeVlan): boolean {
  return (flags & BRIDGE_VLAN_INFO_MASTER) === 0 || (flags & BRIDGE_VLAN_INFO_BRENTRY) !== 0;
}

/** The VLAN id in a frame's tag, 0 without one. @kernel net/bridge/br_private.h br_vlan_get_tag */
export function brVlanGetTag(skb: SkBuff): number {
  return skb.vlanTci < 0 ? 0 : skb.vlanTci & VLAN_VID_MASK;
}
