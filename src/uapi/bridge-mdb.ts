/** RTM_GETMDB of family AF_BRIDGE: the groups that bridges know (include/uapi/linux/if_bridge.h MDBA_*). */
import type { Ipv4 } from '../wire/addr.ts';

/** struct br_mdb_entry and its attributes: one port, or the bridge itself, in one group. */
export interface MdbEntryMessage {
  ifindex: number;
  group: Ipv4;
  /** 0 outside of VLANs. */
  vid: number;
  permanent: boolean;
  /** MDBA_MDB_EATTR_TIMER: hundredths of a second until it goes. */
  timer: number;
  /** MDBA_MDB_EATTR_RTPROT; absent for the bridge itself. */
  protocol?: number;
}

/** MDBA_ROUTER_PORT: a port behind which multicast routers are. */
export interface MdbRouterMessage {
  ifindex: number;
  /** MDB_RTR_TYPE_*. */
  type: number;
  timer: number;
}

/** What one bridge tells. */
export interface MdbMessage {
  /** Index of the bridge. */
  bridge: number;
  entries: MdbEntryMessage[];
  routers: MdbRouterMessage[];
}
