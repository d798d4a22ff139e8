/** Multicast groups that a device listens to (struct ip_mc_list): the data, without the reports. */
import type { Timer } from '../../sim/queue.ts';
import type { Ipv4 } from '../../wire/addr.ts';

/** 224.0.0.1: every host listens to it, and nobody reports it. */
export const IGMP_ALL_HOSTS = 0xe000_0001;

export class IpMcList {
  readonly address: Ipv4;
  users = 1;
  /** The group's address is on the device's list. */
  loaded = false;
  /** We sent the last report: we send the leave (IGMPv2). */
  reporter = false;
  /** A report is due. */
  timer: Timer | undefined;
  timerRunning = false;
  /** Reports still to be sent unasked. */
  unsolicitCount = 0;
  /** IGMPv3: state-change records of the group still to be repeated. */
  crcount = 0;

  constructor(address: Ipv4) {
    this.address = address;
  }
}

const NO_GROUPS: readonly IpMcList[] = [];
const NO_LEAVES: IpMcState['tomb'] = [];

/** What IGMP keeps for a device. */
export class IpMcState {
  /** Groups, last joined first, as /proc/net/igmp lists them. */
  list: readonly IpMcList[] = NO_GROUPS;
  /** Groups left, whose leave is still to be repeated (IGMPv3): the group and how often. */
  tomb: readonly { readonly address: Ipv4; crcount: number }[] = NO_LEAVES;
  /** Until when queriers of version 1 and 2 are taken to be there; 0 for never seen. */
  v1Seen = 0;
  v2Seen = 0;
  /** Robustness, query interval and response interval as the last query gave them; times in seconds. */
  qrv = 2;
  qi = 125;
  qri = 10;
  /** IGMPv3: answer to a general query, and the sending of changes. */
  gqTimer: Timer | undefined;
  crTimer: Timer | undefined;
  /** How often changes are still to be sent. */
  ifcCount = 0;
}

/**
 * Whether a datagram to a group is for us.
 * @kernel net/ipv4/igmp.c ip_check_mc_rcu #P[source filters]
 */
export function ipCheckMc(mc: IpMcState, group: Ipv4): boolean {
  for (const entry of mc.list) if (entry.address === group) return true;
  return false;
}
