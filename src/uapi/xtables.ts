/**
 * The iptables interface of the kernel (struct ipt_replace and its relatives), as typed objects.
 * iptables reads a whole table, changes it and replaces it whole; the kernel checks it first.
 */
import type { Ipv4, Mac } from '../wire/addr.ts';
import type { Ack, Refusal } from './result.ts';

/** An address and mask with the `!` of a rule. */
export interface AddrMatch {
  address: Ipv4;
  mask: Ipv4;
  invert: boolean;
}

/** An interface name; a trailing `+` matches any that begin so. */
export interface IfaceMatch {
  name: string;
  invert: boolean;
}

export interface PortRange {
  from: number;
  to: number;
}

/** A match extension: `-m name ...`. */
export type XtMatch =
  | { name: 'icmp'; type: number; codeFrom: number; codeTo: number; invert: boolean }
  | { name: 'udp' | 'tcp'; sport?: PortRange & { invert: boolean }; dport?: PortRange & { invert: boolean }; flags?: { mask: number; set: number; invert: boolean } }
  | { name: 'multiport'; which: 'source' | 'destination' | 'either'; ports: readonly PortRange[]; invert: boolean }
  | { name: 'conntrack'; states?: number; statesInvert: boolean; status?: number; statusInvert: boolean; direction?: 'ORIGINAL' | 'REPLY' }
  | { name: 'state'; states: number; invert: boolean }
  | { name: 'mac'; address: Mac; invert: boolean }
  | { name: 'comment'; text: string }
  | { name: 'physdev'; physin?: IfaceMatch; physout?: IfaceMatch; isIn?: boolean; isOut?: boolean; isBridged?: boolean; bridgedInvert?: boolean }
  | { name: 'limit'; /** Packets per second times 10000. */ avg: number; burst: number }
  | { name: 'mark'; mark: number; mask: number; invert: boolean }
  | { name: 'addrtype'; source?: number; dest?: number; sourceInvert: boolean; destInvert: boolean; limitIn: boolean; limitOut: boolean };

/** Bits of conntrack's --ctstate and state's --state. */
export const XT_STATE_INVALID = 1 << 0;
export const XT_STATE_ESTABLISHED = 1 << 1;
export const XT_STATE_RELATED = 1 << 2;
export const XT_STATE_NEW = 1 << 3;
export const XT_STATE_SNAT = 1 << 6;
export const XT_STATE_DNAT = 1 << 7;
export const XT_STATE_UNTRACKED = 1 << 8;

export interface NatRange {
  addrFrom?: Ipv4;
  addrTo?: Ipv4;
  portFrom?: number;
  portTo?: number;
  random?: boolean;
  persistent?: boolean;
}

/** A target: a verdict, a jump, or an extension. */
export type XtTarget =
  | { name: 'ACCEPT' | 'DROP' | 'RETURN' | 'QUEUE' }
  | { name: 'jump' | 'goto'; chain: string }
  /** No target: the rule only counts. */
  | { name: '' }
  | { name: 'REJECT'; with: string }
  | { name: 'MASQUERADE'; range: NatRange }
  | { name: 'SNAT'; range: NatRange }
  | { name: 'DNAT'; range: NatRange }
  | { name: 'REDIRECT'; range: NatRange }
  | { name: 'LOG'; level: number; prefix: string; flags: number }
  | { name: 'MARK'; mark: number; mask: number };

export interface XtCounters {
  packets: number;
  bytes: number;
}

export interface XtRule {
  src?: AddrMatch;
  dst?: AddrMatch;
  inIface?: IfaceMatch;
  outIface?: IfaceMatch;
  /** IPPROTO number; 0 for all. */
  proto: number;
  protoInvert: boolean;
  /** -f: second and further fragments only. */
  fragment?: { invert: boolean };
  matches: readonly XtMatch[];
  target: XtTarget;
  counters: XtCounters;
}

export interface XtChain {
  name: string;
  /** Built-in chains have a policy, user chains do not. */
  policy?: 'ACCEPT' | 'DROP';
  counters: XtCounters;
  rules: XtRule[];
}

export interface XtTable {
  /** filter, nat, mangle, raw. */
  name: string;
  /** Built-in chains in hook order, then user chains in the order of the table. */
  chains: XtChain[];
}

export interface Xtables {
  /** IPT_SO_GET_ENTRIES, with the counters; ENOENT-like refusal when there is no such table. */
  getTable(name: string): XtTable | Refusal;
  /** IPT_SO_SET_REPLACE: all or nothing. */
  replaceTable(table: XtTable): Ack;
  /** /proc/net/ip_tables_names: the tables in use. */
  tableNames(): string[];
}
