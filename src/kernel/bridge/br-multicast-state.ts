/** What multicast snooping keeps (struct net_bridge_mcast and its parts). Intervals are in jiffies. */
import type { Ipv4, Mac } from '../../wire/addr.ts';
import type { BrTimer, NetBridgePort } from './br-private.ts';

/** multicast_router (include/uapi/linux/if_bridge.h). */
export const MDB_RTR_TYPE_DISABLED = 0;
export const MDB_RTR_TYPE_TEMP_QUERY = 1;
export const MDB_RTR_TYPE_PERM = 2;
export const MDB_RTR_TYPE_TEMP = 3;

/** struct bridge_mcast_own_query. */
export interface OwnQuery {
  timer: BrTimer;
  startupSent: number;
}

/** struct net_bridge_mcast_port. */
export interface PortMulticast {
  router: number;
  ownQuery: OwnQuery;
  routerTimer: BrTimer;
  ehtHostsLimit: number;
}

/** struct net_bridge_port_group: a port behind which somebody has joined. */
export interface PortGroup {
  readonly port: NetBridgePort;
  /** Who joined; it matters only where the port turns multicast into unicast. */
  readonly ethAddr: Mac;
  readonly timer: BrTimer;
}

/** struct net_bridge_mdb_entry. */
export interface MdbEntry {
  readonly group: Ipv4;
  /** 0 where VLANs are not filtered. */
  readonly vid: number;
  hostJoined: boolean;
  readonly timer: BrTimer;
  ports: PortGroup[];
}

/** struct net_bridge_mcast. */
export interface BridgeMulticast {
  lastMemberCount: number;
  startupQueryCount: number;
  querier: number;
  igmpVersion: number;
  mldVersion: number;
  router: number;
  lastMemberInterval: number;
  membershipInterval: number;
  querierInterval: number;
  queryInterval: number;
  queryResponseInterval: number;
  startupQueryInterval: number;
  hashMax: number;
  /** Ports behind which a multicast router is. */
  routerPorts: NetBridgePort[];
  routerTimer: BrTimer;
  /** Runs while another querier is heard, and for a while after it was first heard. */
  otherQueryTimer: BrTimer;
  otherQueryDelay: BrTimer;
  /** The other querier. */
  querierAddress: Ipv4;
  ownQuery: OwnQuery;
  /** By group and VLAN. */
  readonly mdb: Map<number, MdbEntry>;
}
