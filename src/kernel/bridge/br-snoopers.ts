/** The bridge's membership in the group of all snoopers (RFC 4286), through which routers make themselves known. */
import { devMcAdd, devMcDel } from '../core/dev-rx-mode.ts';
import type { NetBridge } from './br-private.ts';

/** 224.0.0.106 and ff02::6a. */
const ALL_SNOOPERS = [0x0100_5e00_006a, 0x3333_0000_006a];

/** @kernel net/bridge/br_multicast.c br_multicast_join_snoopers #P[the IGMP and MLD reports] */
export function brJoinSnoopers(br: NetBridge): void {
  for (const group of ALL_SNOOPERS) devMcAdd(br.dev, group);
}

/** @kernel net/bridge/br_multicast.c br_multicast_leave_snoopers */
export function brLeaveSnoopers(br: NetBridge): void {
  for (const group of ALL_SNOOPERS) devMcDel(br.dev, group);
}
