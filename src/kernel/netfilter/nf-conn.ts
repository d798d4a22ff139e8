/**
 * A tracked connection (struct nf_conn): its two tuples, what has been seen of it, and when it is
 * forgotten. Tuples are numbers; what a protocol has for ports is packed into one 32-bit number.
 */
import { HZ, JIFFY } from '../../uapi/jiffies.ts';
import type { Ipv4 } from '../../wire/addr.ts';
import {
  ICMP_ADDRESS,
  ICMP_ADDRESSREPLY,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_INFO_REPLY,
  ICMP_INFO_REQUEST,
  ICMP_TIMESTAMP,
  ICMP_TIMESTAMPREPLY,
} from '../../wire/icmp.ts';
import { IPPROTO_ICMP } from '../../wire/ipv4.ts';
import type { NetNamespace } from '../core/net-namespace.ts';

/** enum ip_conntrack_info: what a packet is to its connection. */
export const IP_CT_ESTABLISHED = 0;
export const IP_CT_RELATED = 1;
export const IP_CT_NEW = 2;
export const IP_CT_IS_REPLY = 3;
export const IP_CT_ESTABLISHED_REPLY = 3;
export const IP_CT_RELATED_REPLY = 4;
/** The packet is not to be tracked (-j NOTRACK, ICMP of neighbour discovery ...). */
export const IP_CT_UNTRACKED = 7;

export const IP_CT_DIR_ORIGINAL = 0;
export const IP_CT_DIR_REPLY = 1;

/** CTINFO2DIR() */
export function ctinfo2dir(ctinfo: number): 0 | 1 {
  return ctinfo >= IP_CT_IS_REPLY ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
}

/** enum ip_conntrack_status */
export const IPS_EXPECTED = 1 << 0;
export const IPS_SEEN_REPLY = 1 << 1;
export const IPS_ASSURED = 1 << 2;
export const IPS_CONFIRMED = 1 << 3;
export const IPS_SRC_NAT = 1 << 4;
export const IPS_DST_NAT = 1 << 5;
export const IPS_NAT_MASK: number = IPS_SRC_NAT | IPS_DST_NAT;
export const IPS_SRC_NAT_DONE = 1 << 7;
export const IPS_DST_NAT_DONE = 1 << 8;
export const IPS_NAT_DONE_MASK: number = IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE;
export const IPS_DYING = 1 << 9;

/** One direction: addresses, protocol, and source and destination "ports" in the high and low half. */
export interface Tuple {
  src: Ipv4;
  dst: Ipv4;
  /** sport << 16 | dport; for ICMP the identifier << 16 | type << 8 | code. Unsigned. */
  ports: number;
  proto: number;
}

export const portsOf = (source: number, destination: number): number => ((source << 16) | destination) >>> 0;
export const sourceOf = (ports: number): number => ports >>> 16;
export const destinationOf = (ports: number): number => ports & 0xffff;

/** Protocols whose headers begin with two ports: TCP, UDP, DCCP, SCTP, UDPLITE. */
export function hasPorts(proto: number): boolean {
  return proto === 6 || proto === 17 || proto === 33 || proto === 132 || proto === 136;
}

/** The answer's ICMP type, by the question's; absent for types that have none. */
const ICMP_INVERSE: Readonly<Record<number, number>> = {
  [ICMP_ECHO]: ICMP_ECHOREPLY,
  [ICMP_ECHOREPLY]: ICMP_ECHO,
  [ICMP_TIMESTAMP]: ICMP_TIMESTAMPREPLY,
  [ICMP_TIMESTAMPREPLY]: ICMP_TIMESTAMP,
  [ICMP_INFO_REQUEST]: ICMP_INFO_REPLY,
  [ICMP_INFO_REPLY]: ICMP_INFO_REQUEST,
  [ICMP_ADDRESS]: ICMP_ADDRESSREPLY,
  [ICMP_ADDRESSREPLY]: ICMP_ADDRESS,
};

/**
 * The tuple of the answer; undefined for an ICMP type that has none.
 * @kernel net/netfilter/nf_conntrack_core.c nf_ct_invert_tuple
 */
export function nfCtInvertTuple({ src, dst, ports, proto }: Tuple): Tuple | undefined {
  if (proto !== IPPROTO_ICMP) return { src: dst, dst: src, ports: ((ports << 16) | (ports >>> 16)) >>> 0, proto };
  const type = ICMP_INVERSE[(ports >>> 8) & 0xff];
  if (type === undefined) return undefined;
  return { src: dst, dst: src, ports: ((ports & 0xffff_00ff) | (type << 8)) >>> 0, proto };
}

export function sameTuple(a: Tuple, b: Tuple): boolean {
  return a.src === b.src && a.dst === b.dst && a.ports === b.ports && a.proto === b.proto;
}

/** One direction of a connection in the hash table. */
export class TupleHash implements Tuple {
  declare src: Ipv4;
  declare dst: Ipv4;
  declare ports: number;
  declare proto: number;
  declare readonly ct: NfConn;
  declare readonly dir: 0 | 1;
  next: TupleHash | undefined;

  constructor(ct: NfConn, dir: 0 | 1, tuple: Tuple) {
    this.ct = ct;
    this.dir = dir;
    this.src = tuple.src;
    this.dst = tuple.dst;
    this.ports = tuple.ports;
    this.proto = tuple.proto;
  }
}

/** What the TCP tracker keeps (struct ip_ct_tcp). */
export interface TcpTrack {
  state: number;
  lastDir: number;
  lastIndex: number;
  lastEnd: number;
  retrans: number;
  lastSeq: number;
  lastAck: number;
  lastWin: number;
  /** Per direction: a FIN was sent; data waits for its ACK; highest sequence number plus length; highest ACK. */
  closeInit: [boolean, boolean];
  unacknowledged: [boolean, boolean];
  end: [number, number];
}

export class NfConn {
  declare readonly net: NetNamespace;
  declare readonly original: TupleHash;
  declare readonly reply: TupleHash;
  /** IPS_* bits. */
  status = 0;
  /** Until confirmed how long it will live, afterwards when it dies: nanoseconds. */
  timeout = 0;
  mark = 0;
  /** A number of its own in its namespace. */
  id = 0;
  /** Somebody listened when it began (it has an nf_conntrack_ecache), and what has happened since they were told. */
  watched = false;
  events = 0;
  /** UDP: from when on traffic both ways makes it a stream. */
  streamTs = 0;
  tcp: TcpTrack | undefined;
  /** Packets and octets by direction (net.netfilter.nf_conntrack_acct). */
  acct: { packets: [number, number]; bytes: [number, number] } | undefined;
  /** When it was confirmed, nanoseconds; -1 where that is not kept (net.netfilter.nf_conntrack_timestamp). */
  start = -1;
  /** The device whose address MASQUERADE took, 0 for none. */
  masqIndex = 0;

  constructor(net: NetNamespace, original: Tuple, reply: Tuple) {
    this.net = net;
    this.original = new TupleHash(this, IP_CT_DIR_ORIGINAL, original);
    this.reply = new TupleHash(this, IP_CT_DIR_REPLY, reply);
  }

  get proto(): number {
    return this.original.proto;
  }

  /** The tuple of a direction. */
  tuple(dir: number): TupleHash {
    return dir === IP_CT_DIR_ORIGINAL ? this.original : this.reply;
  }

  /** Seconds left, counted in ticks. @kernel include/net/netfilter/nf_conntrack.h nf_ct_expires */
  expires(now: number): number {
    const ticks = Math.floor(this.timeout / JIFFY) - Math.floor(now / JIFFY);
    return Math.max(0, Math.floor(ticks / HZ));
  }

  get confirmed(): boolean {
    return (this.status & IPS_CONFIRMED) !== 0;
  }
}
