/** VLANs of bridges and their ports over rtnetlink: `bridge vlan` (include/uapi/linux/if_bridge.h). */
import type { Ack, Refusal } from './result.ts';

/** IFLA_BRIDGE_VLAN_INFO: one VLAN, or all from `vid` to `vidEnd`. */
export interface BridgeVlanRequest {
  vid: number;
  vidEnd?: number;
  pvid?: boolean;
  untagged?: boolean;
  /** IFLA_BRIDGE_VLAN_TUNNEL_INFO instead of it. */
  tunnel?: boolean;
}

/** Options of VLANs that are there (RTM_NEWVLAN). */
export interface BridgeVlanOptions {
  vid: number;
  vidEnd?: number;
  /** BR_STATE_*. */
  state?: number;
  mcastRouter?: number;
}

export interface BridgeVlanEntry {
  vid: number;
  pvid: boolean;
  untagged: boolean;
  state: number;
  mcastRouter: number;
  rxBytes: number;
  rxPackets: number;
  txBytes: number;
  txPackets: number;
}

/** What a bridge or a port is a member of. */
export interface BridgeVlanMessage {
  ifindex: number;
  /** The device is the bridge, not a port. */
  isBridge: boolean;
  vlans: BridgeVlanEntry[];
}

/** The requests about them. */
export interface BridgeVlanRtnetlink {
  /** RTM_SETLINK and RTM_DELLINK of family AF_BRIDGE with VLANs: `bridge vlan add`, `del`. */
  setBridgeVlan(ifindex: number, request: BridgeVlanRequest, flags: { self?: boolean; master?: boolean }): Ack;
  delBridgeVlan(ifindex: number, request: BridgeVlanRequest, flags: { self?: boolean; master?: boolean }): Ack;
  dumpBridgeVlans(): BridgeVlanMessage[];
  /** RTM_GETVLAN, RTM_NEWVLAN. */
  dumpVlandb(): BridgeVlanMessage[] | Refusal;
  setVlanOptions(ifindex: number, options: BridgeVlanOptions): Ack;
}
