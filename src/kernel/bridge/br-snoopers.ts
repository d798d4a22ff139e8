/** The bridge's membership in the group of all snoopers (RFC 4286), through which routers make themselves known. */
import type { Ipv4, Mac } from '../../wire/addr.ts';
import { devMcAdd, devMcDel } from '../core/dev-rx-mode.ts';
import { ipMcJoinGroup, ipMcLeaveGroup } from '../ipv4/igmp.ts';
import type { NetBridge } from './br-private.ts';

const INADDR_ALLSNOOPERS_GROUP: Ipv4 = 0xe000_006a;
/** ff02::6a */
const IPV6_ALL_SNOOPERS: Mac = 0x3333_0000_006a;

/** @kernel net/bridge/br_multicast.c br_multicast_join_snoopers #P[the MLD report] */
export function brJoinSnoopers(br: NetBridge): void {
  ipMcJoinGroup(br.dev, INADDR_ALLSNOOPERS_GROUP);
  devMcAdd(br.dev, IPV6_ALL_SNOOPERS);
}

/** @kernel net/bridge/br_multicast.c br_multicast_leave_snoopers */
export function brLeaveSnoopers(br: NetBridge): void {
  ipMcLeaveGroup(br.dev, INADDR_ALLSNOOPERS_GROUP);
  devMcDel(br.dev, IPV6_ALL_SNOOPERS);
}
