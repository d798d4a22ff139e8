/** What happened to a connection, told to those who listen, once the packet that did it has made it. */
import type { ConntrackEventType } from '../../uapi/conntrack.ts';
import { IPS_CONFIRMED, IPS_DYING, type NfConn } from './nf-conn.ts';
import { conntrackNet } from './nf-conntrack-state.ts';

/** enum ip_conntrack_events */
export const IPCT_NEW = 1 << 0;
export const IPCT_REPLY = 1 << 3;
export const IPCT_ASSURED = 1 << 4;
export const IPCT_PROTOINFO = 1 << 5;
export const IPCT_MARK = 1 << 7;

/** @kernel include/net/netfilter/nf_conntrack_ecache.h nf_conntrack_event_cache */
export function nfConntrackEventCache(ct: NfConn, event: number): void {
  if (ct.watched) ct.events |= event;
}

/** @kernel net/netfilter/nf_conntrack_ecache.c nf_ct_deliver_cached_events */
export function nfCtDeliverCachedEvents(ct: NfConn): void {
  const { events } = ct;
  if ((ct.status & (IPS_CONFIRMED | IPS_DYING)) !== IPS_CONFIRMED) return;
  ct.events = 0;
  nfConntrackEventReport(ct, (events & IPCT_NEW) !== 0 ? 'new' : 'update', 0);
}

/** @kernel net/netfilter/nf_conntrack_ecache.c nf_conntrack_eventmask_report */
export function nfConntrackEventReport(ct: NfConn, type: ConntrackEventType, pid: number): void {
  if (!ct.watched) return;
  for (const listener of [...conntrackNet.of(ct.net).listeners]) listener(ct, type, pid);
}
