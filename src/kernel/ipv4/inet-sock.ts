/** What the IP layer must know of the socket a packet comes from (struct inet_sock). */
import type { Ipv4 } from '../../wire/addr.ts';
import type { Ipv4Net } from './ipv4-net.ts';

export const IP_PMTUDISC_DONT = 0;
export const IP_PMTUDISC_WANT = 1;
export const IP_PMTUDISC_DO = 2;
export const IP_PMTUDISC_PROBE = 3;
export const IP_PMTUDISC_INTERFACE = 4;
export const IP_PMTUDISC_OMIT = 5;

export class InetSock {
  declare readonly ipv4: Ipv4Net;
  declare readonly protocol: number;
  /** Local address bound to, and the source of what is sent; 0 for any. */
  rcvSaddr: Ipv4 = 0;
  saddr: Ipv4 = 0;
  /** Local port (or identifier of a ping socket); for raw sockets the protocol. */
  num = 0;
  /** The peer, once connected; 0 before. */
  daddr: Ipv4 = 0;
  dport = 0;
  boundDevIf = 0;
  mark = 0;
  priority = 0;
  /** -1: the route's or the default. */
  ucTtl = -1;
  tos = 0;
  mcTtl = 1;
  mcLoop = true;
  mcIndex = 0;
  mcAddr: Ipv4 = 0;
  pmtudisc: number = IP_PMTUDISC_WANT;
  hdrincl = false;
  broadcast = false;
  /** The last identification given to a packet of a connected socket. */
  inetId = 0;

  constructor(ipv4: Ipv4Net, protocol: number) {
    this.ipv4 = ipv4;
    this.protocol = protocol;
    if (ipv4.ipNoPmtuDisc !== 0) this.pmtudisc = IP_PMTUDISC_DONT;
  }
}

/** The socket of a packet, if IPv4 knows it. */
export function skbInetSock(sk: object | undefined): InetSock | undefined {
  return sk instanceof InetSock ? sk : undefined;
}
