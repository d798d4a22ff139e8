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

/** An inclusive port range with the `!` of an option. */
export interface PortMatch extends PortRange {
  invert: boolean;
}

/** An inclusive range of addresses with the `!` of an option. */
export interface AddrRange {
  from: Ipv4;
  to: Ipv4;
  invert: boolean;
}

/** xt_conntrack: each part that is present must hold. */
export interface XtConntrackMatch {
  name: 'conntrack';
  /** XT_STATE_* bits. */
  state?: { mask: number; invert: boolean };
  proto?: { number: number; invert: boolean };
  origSrc?: AddrMatch;
  origDst?: AddrMatch;
  replSrc?: AddrMatch;
  replDst?: AddrMatch;
  origSrcPort?: PortMatch;
  origDstPort?: PortMatch;
  replSrcPort?: PortMatch;
  replDstPort?: PortMatch;
  /** IPS_* bits; a mask of 0 is `NONE`. */
  status?: { mask: number; invert: boolean };
  /** Remaining lifetime, seconds. */
  expire?: PortMatch;
  direction?: 'ORIGINAL' | 'REPLY';
}

/** xt_recent: a list of addresses by its name. */
export interface XtRecentMatch {
  name: 'recent';
  mode: 'set' | 'rcheck' | 'update' | 'remove';
  invert: boolean;
  /** 0: whenever. */
  seconds: number;
  hitCount: number;
  reap: boolean;
  rttl: boolean;
  list: string;
  destination: boolean;
  mask: Ipv4;
}

export interface XtPhysdevMatch {
  name: 'physdev';
  in?: IfaceMatch;
  out?: IfaceMatch;
  isIn?: { invert: boolean };
  isOut?: { invert: boolean };
  isBridged?: { invert: boolean };
}

export interface XtStatisticMatch {
  name: 'statistic';
  mode?: 'random' | 'nth';
  /** Of 2^31. */
  probability: number;
  /** Every so many packets one, less 1. */
  every: number;
  /** Which of them, from 0. */
  packet: number;
  invert: boolean;
}

/** A match extension: `-m name ...`. */
export type XtMatch =
  /** `type` 255 is any. */
  | { name: 'icmp'; type: number; codeFrom: number; codeTo: number; invert: boolean }
  | { name: 'udp'; sport: PortMatch; dport: PortMatch }
  | {
      name: 'tcp';
      sport: PortMatch;
      dport: PortMatch;
      flags?: { mask: number; set: number; invert: boolean };
      option?: { kind: number; invert: boolean };
    }
  | { name: 'multiport'; which: 'source' | 'destination' | 'either'; ports: PortRange[]; invert: boolean }
  | XtConntrackMatch
  /** conntrack under its old name: `--state`. */
  | { name: 'state'; mask: number; invert: boolean }
  | { name: 'mac'; address: Mac; invert: boolean }
  | { name: 'comment'; text: string }
  | XtPhysdevMatch
  | XtRecentMatch
  | { name: 'limit' /** Time per packet in 1/10000 s (XT_LIMIT_SCALE). */; avg: number; burst: number }
  | { name: 'mark'; mark: number; mask: number; invert: boolean }
  /** The connection's mark. */
  | { name: 'connmark'; mark: number; mask: number; invert: boolean }
  /** Total length of the IPv4 packet. */
  | { name: 'length'; from: number; to: number; invert: boolean }
  | { name: 'ttl'; mode: 'eq' | 'ne' | 'lt' | 'gt'; ttl: number }
  /** PACKET_*: the link-layer destination. */
  | { name: 'pkttype'; type: number; invert: boolean }
  | { name: 'iprange'; source?: AddrRange; dest?: AddrRange }
  | { name: 'dscp'; dscp: number; invert: boolean }
  | XtStatisticMatch
  | {
      name: 'addrtype';
      /** Bits 1 << RTN_*; 0 when absent. */
      source: number;
      dest: number;
      sourceInvert: boolean;
      destInvert: boolean;
      limitIn: boolean;
      limitOut: boolean;
    };

/** Bits of conntrack's --ctstate and state's --state. */
export const XT_STATE_INVALID = 1 << 0;
export const XT_STATE_ESTABLISHED = 1 << 1;
export const XT_STATE_RELATED = 1 << 2;
export const XT_STATE_NEW = 1 << 3;
export const XT_STATE_SNAT = 1 << 6;
export const XT_STATE_DNAT = 1 << 7;
export const XT_STATE_UNTRACKED = 1 << 8;

/** struct nf_nat_range2. */
export interface NatRange {
  addrFrom?: Ipv4;
  addrTo?: Ipv4;
  portFrom?: number;
  portTo?: number;
  /** First port of a shifted range: `:1000-1010/2000`. */
  portBase?: number;
  random?: boolean;
  randomFully?: boolean;
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
  | { name: 'MARK'; mark: number; mask: number }
  | XtConnmarkTarget
  /** `alias`: called by its old name, NOTRACK. */
  | { name: 'CT'; notrack: boolean; alias: boolean }
  | { name: 'DSCP'; dscp: number }
  | { name: 'NETMAP'; from: Ipv4; to: Ipv4 }
  | { name: 'TTL'; mode: 'set' | 'inc' | 'dec'; ttl: number };

/** struct xt_connmark_tginfo2. */
export interface XtConnmarkTarget {
  name: 'CONNMARK';
  mode: 'set' | 'save' | 'restore';
  ctmark: number;
  ctmask: number;
  nfmask: number;
  /** Bits that the mark is shifted by: to the left, or, below 0, to the right. */
  shift: number;
}

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
  /** Of the policy; what a user chain has here means nothing. */
  counters: XtCounters;
  rules: XtRule[];
}

export interface XtTable {
  /** filter, nat, mangle, raw. */
  name: string;
  /** Built-in chains in hook order, then user chains in the order of the table. */
  chains: XtChain[];
}

/** A rule of nf_tables, known by its handle. */
export interface NftRule extends XtRule {
  handle: number;
}

/** A chain of nf_tables' table. Built-in chains exist only once a rule or policy was put there. */
export interface NftChain {
  name: string;
  /** A base chain: its policy. */
  policy?: 'ACCEPT' | 'DROP';
  /** A base chain counts what its policy decides only if it has counters. */
  counters?: XtCounters;
  rules: NftRule[];
}

/** One message of an nf_tables batch, as iptables-nft makes them. */
export type NftMessage =
  /** NEWTABLE: an existing table is left alone. */
  | { type: 'TABLE_ADD'; table: string }
  /** DELTABLE, with all that is in it. */
  | { type: 'TABLE_FLUSH'; table: string }
  /** NEWCHAIN of a base chain, its hook and priority by its name. */
  | {
      type: 'CHAIN_ADD' | 'CHAIN_UPDATE' | 'CHAIN_ZERO';
      table: string;
      chain: string;
      policy?: 'ACCEPT' | 'DROP';
      counters?: XtCounters;
    }
  | { type: 'CHAIN_USER_ADD' | 'CHAIN_DEL'; table: string; chain: string }
  | { type: 'CHAIN_RENAME'; table: string; chain: string; newname: string }
  /** `id` is negative and stands for the handle, which the rule does not have yet, in later messages of the batch. */
  | { type: 'RULE_APPEND'; table: string; chain: string; rule: XtRule; id: number }
  /** Before the rule with the handle `position`, or as the first. */
  | { type: 'RULE_INSERT'; table: string; chain: string; rule: XtRule; id: number; position?: number }
  | { type: 'RULE_REPLACE'; table: string; chain: string; rule: XtRule; id: number; handle: number }
  | { type: 'RULE_DELETE'; table: string; chain: string; handle: number }
  /** All rules of the chain, or of all chains. */
  | { type: 'RULE_FLUSH'; table: string; chain?: string };

/** The part of nf_tables (family ip) that iptables-nft speaks. */
export interface Nftables {
  /** The chains of a table, base chains by hook, user chains in the order of their making; undefined when there is no such table. */
  getTable(name: string): NftChain[] | undefined;
  /** A batch, all or nothing: the index and error of each message that failed. */
  commit(batch: readonly NftMessage[]): { index: number; errno: number }[];
}

/** The two packet filters behind the name iptables: ip_tables (iptables-legacy) and nf_tables. */
export interface Xtables {
  /** IPT_SO_GET_ENTRIES, with the counters; the table comes into being. ENOENT when the kernel has none of that name. */
  getTable(name: string): XtTable | Refusal;
  /** IPT_SO_SET_REPLACE and IPT_SO_SET_ADD_COUNTERS: all or nothing. */
  replaceTable(table: XtTable): Ack;
  /** /proc/net/ip_tables_names: the tables in use. */
  tableNames(): string[];
  readonly nft: Nftables;
}
