/** Connection tracking as user space sees it (NFNL_SUBSYS_CTNETLINK). */
import type { Ipv4 } from '../wire/addr.ts';

/** One direction of a connection; ports for the protocols that have some, else the fields of ICMP or nothing. */
export interface ConntrackTuple {
  src: Ipv4;
  dst: Ipv4;
  sport?: number;
  dport?: number;
  icmpId?: number;
  icmpType?: number;
  icmpCode?: number;
}

export interface ConntrackCounters {
  packets: number;
  bytes: number;
}

/** One connection (CTA_*). */
export interface ConntrackEntry {
  /** A name for it in later requests; not what a kernel would give. */
  id: number;
  protocol: number;
  original: ConntrackTuple;
  reply: ConntrackTuple;
  /** IPS_* bits. */
  status: number;
  /** Seconds left. */
  timeout: number;
  mark: number;
  /** SYN_SENT, ESTABLISHED ... */
  tcpState?: string;
  /** With net.netfilter.nf_conntrack_acct: original, reply. */
  counters?: readonly [ConntrackCounters, ConntrackCounters];
  /** With net.netfilter.nf_conntrack_timestamp: when it began, nanoseconds since boot, and how many seconds ago. */
  start?: number;
  age?: number;
}

export type ConntrackEventType = 'new' | 'update' | 'destroy';

export interface ConntrackEvent {
  type: ConntrackEventType;
  entry: ConntrackEntry;
  /** Nanoseconds since boot. */
  time: number;
  /** The process that asked for it, 0 for none. */
  pid: number;
}

/** Counters of IPCTNL_MSG_CT_GET_STATS_CPU that ever count here. */
export interface ConntrackStats {
  invalid: number;
  insertFailed: number;
  drop: number;
}

/** A ctnetlink socket in one namespace. */
export interface Ctnetlink {
  /** All connections; `zero` sets their counters back (IPCTNL_MSG_CT_GET_CTRZERO). */
  dump(zero?: boolean): ConntrackEntry[];
  /** False: there is no such connection any more. */
  delete(id: number, pid: number): boolean;
  flush(pid: number): void;
  count(): number;
  stats(): ConntrackStats;
  /** Events of connections that begin from now on; the answer ends it. */
  listen(listener: (event: ConntrackEvent) => void): () => void;
}
