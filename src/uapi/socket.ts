/**
 * Sockets as user space sees them. Every call returns at once: a call that would block says EAGAIN,
 * and the process waits with `poll` until {@link Socket.readable}. A negative return value is an
 * error number, as from the system call.
 */
import type { Ipv4, Mac } from '../wire/addr.ts';
import type { Ack, Refusal } from './result.ts';

export type SocketType =
  /** socket(AF_PACKET, SOCK_RAW, protocol): frames with their link-layer header. */
  | 'packet-raw'
  /** socket(AF_PACKET, SOCK_DGRAM, protocol): frames without it. */
  | 'packet-dgram'
  /** socket(AF_INET, SOCK_DGRAM, 0). */
  | 'udp'
  /** socket(AF_INET, SOCK_STREAM, 0). It connects, without blocking: `readable` tells of the end, `takeError` how it ended. */
  | 'tcp'
  /** socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP). */
  | 'ping'
  /** socket(AF_INET, SOCK_RAW, protocol). */
  | 'raw';

export interface SockaddrIn {
  family: 'inet';
  address: Ipv4;
  port: number;
}

export interface SockaddrLl {
  family: 'packet';
  ifindex: number;
  /** ETH_P_*, host order. */
  protocol: number;
  /** PACKET_HOST ... */
  pkttype: number;
  hatype: number;
  address: Mac;
}

/** IP_PKTINFO. */
export interface PktInfo {
  ifindex: number;
  specDst: Ipv4;
  address: Ipv4;
}

/** What recvmsg() gives: the data, who sent it, and the ancillary data the kernel always has at hand. */
export interface SocketMessage {
  data: Uint8Array;
  from: SockaddrIn | SockaddrLl;
  /** Virtual time of arrival at the tap or socket, nanoseconds since boot (SO_TIMESTAMP). */
  timestamp: number;
  /** IP_TTL and IP_TOS of the datagram; 0 for packet sockets. */
  ttl: number;
  tos: number;
  pktinfo?: PktInfo;
  /** Packet sockets: PACKET_AUXDATA. */
  aux?: { len: number; snaplen: number; vlanTci: number; vlanTpid: number; vlanValid: boolean };
}

/** IP_RECVERR: struct sock_extended_err, with the offending packet. */
export interface SocketError {
  errno: number;
  /** SO_EE_ORIGIN_LOCAL 1, SO_EE_ORIGIN_ICMP 2. */
  origin: number;
  icmpType: number;
  icmpCode: number;
  info: number;
  /** SO_EE_OFFENDER: who sent the ICMP error. */
  offender: Ipv4;
  /** The destination of the packet that failed. */
  destination: Ipv4;
  data: Uint8Array;
  timestamp: number;
}

/** A packet socket's filter: the number of bytes to keep of a frame, 0 to pass it over. */
export type PacketFilter = (frame: FrameView) => number;

/** What a packet filter may look at: the frame and what the kernel knows of it (SKF_AD_*). */
export interface FrameView {
  /** The buffer; the frame is `bytes[start..end)`, with its link-layer header for packet-raw sockets. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** The VLAN tag kept beside the frame; -1 when there is none. */
  readonly vlanTci: number;
  readonly vlanProtocol: number;
  readonly pktType: number;
  readonly ifindex: number;
  readonly protocol: number;
}

export interface SocketOptions {
  broadcast: boolean;
  /** SO_BINDTODEVICE: index, 0 for none. */
  bindToIfindex: number;
  rcvbuf: number;
  sndbuf: number;
  mark: number;
  /** IP_TTL: -1 for the default. */
  ttl: number;
  tos: number;
  multicastTtl: number;
  multicastLoop: boolean;
  multicastIf: number;
  recverr: boolean;
  hdrincl: boolean;
  /** IP_MTU_DISCOVER: 0 don't, 1 want, 2 do, 3 probe. */
  mtuDiscover: number;
  /** ICMP_FILTER of a raw socket: bit n set blocks type n. */
  icmpFilter: number;
  reuseaddr: boolean;
  /** Received-record-route and timestamp options, raw bytes (IP_OPTIONS). */
  ipOptions: Uint8Array;
  /** SO_DONTROUTE: neighbours only. Absent is false. */
  dontroute?: boolean;
  /** PACKET_IGNORE_OUTGOING. */
  ignoreOutgoing: boolean;
  filter: PacketFilter | undefined;
}

export interface Socket {
  readonly type: SocketType;
  bind(address: SockaddrIn | Pick<SockaddrLl, 'family' | 'ifindex' | 'protocol'>): Ack;
  connect(address: SockaddrIn): Ack;
  getsockname(): SockaddrIn | SockaddrLl;
  /**
   * Bytes sent, or a negative error number. Packet sockets take the frame (raw) or payload (dgram).
   * `confirm` is MSG_CONFIRM: the peer has answered, so its neighbour entry is right.
   */
  send(data: Uint8Array, to?: SockaddrIn | Partial<SockaddrLl>, confirm?: boolean): number;
  /**
   * The next message, or undefined when there is none (EAGAIN). That of a packet socket lies in a ring, as for
   * libpcap: it and its bytes are to be read, not written, and not after the next call or `close`.
   */
  recv(): SocketMessage | undefined;
  /** The next queued error (MSG_ERRQUEUE). */
  recvError(): SocketError | undefined;
  /** SO_ERROR: the pending error number, cleared by reading. 0 is none. */
  takeError(): number;
  setOption<K extends keyof SocketOptions>(name: K, value: SocketOptions[K]): Ack;
  getOption<K extends keyof SocketOptions>(name: K): SocketOptions[K];
  /** IP_ADD_MEMBERSHIP / IP_DROP_MEMBERSHIP. */
  addMembership(group: Ipv4, ifindex: number): Ack;
  dropMembership(group: Ipv4, ifindex: number): Ack;
  /** PACKET_ADD_MEMBERSHIP of type PACKET_MR_PROMISC, and its removal. */
  setPromiscuous(ifindex: number, on: boolean): Ack;
  /** PACKET_STATISTICS: frames that passed the filter, frames lost; reading clears it. */
  statistics(): { packets: number; drops: number };
  /** A message or an error waits. */
  readonly readable: boolean;
  /** Called whenever `readable` may have become true. One listener: the poll of the owning process. */
  onReadable: (() => void) | undefined;
  close(): void;
}

export type SocketOrRefusal = Socket | Refusal;
