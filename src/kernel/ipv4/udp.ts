/** UDP (RFC 768): sockets, their ports, delivery and errors. */
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENOBUFS,
} from '../../uapi/errno.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { SockaddrIn, SockaddrLl } from '../../uapi/socket.ts';
import { type Ipv4, putU16, u16At } from '../../wire/addr.ts';
import { checksum, pseudoHeaderSum } from '../../wire/checksum.ts';
import { ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, ICMP_REDIRECT, ICMP_SOURCE_QUENCH } from '../../wire/icmp.ts';
import { IPPROTO_UDP, ipv4Destination, ipv4HeaderLength, ipv4Source } from '../../wire/ipv4.ts';
import { UDP_HEADER_LENGTH } from '../../wire/udp.ts';
import { type DropReason, REASON } from '../core/drop-reason.ts';
import { NETIF_F_HW_CSUM } from '../core/netdevice.ts';
import {
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  consumeSkb,
  kfreeSkbReason,
  type SkBuff,
  skbClone,
} from '../core/skbuff.ts';
import { Flowi4 } from './fib.ts';
import { icmpSend } from './icmp.ts';
import { icmpErrConvert, ipv4Redirect, ipv4UpdatePmtu, isFragNeeded } from './icmp-errors.ts';
import { IP_PMTUDISC_DONT } from './inet-sock.ts';
import { InetSocket, inetIif } from './inet-socket.ts';
import { ipSendSkb } from './ip-local-out.ts';
import { ipMakeSkb, ipSkMtu } from './ip-make-skb.ts';
import { RTCF_BROADCAST, RTCF_MULTICAST, type Rtable, skbRtable } from './rtable.ts';
import { hashSocket, socketTables, unhashSocket } from './socket-tables.ts';

/** The packet being sent: one at a time. */
const flow = new Flowi4();

export class UdpSocket extends InetSocket {
  readonly type = 'udp';
  /** The route to the peer that was connected to, while it holds (sk->sk_dst_cache). */
  private cachedRoute: Rtable | undefined;

  /** @kernel net/ipv4/af_inet.c __inet_bind */
  bind(address: SockaddrIn | Pick<SockaddrLl, 'family' | 'ifindex' | 'protocol'>): Ack {
    if (address.family !== 'inet') return refuse(EAFNOSUPPORT);
    if (!this.bindable(address.address)) return refuse(EADDRNOTAVAIL);
    if (this.num !== 0) return refuse(EINVAL);
    this.bindAddress(address.address);
    if (this.getPort(address.port)) return undefined;
    this.saddr = 0;
    this.rcvSaddr = 0;
    return refuse(EADDRINUSE);
  }

  /** @kernel net/ipv4/udp.c udp_lib_get_port */
  private getPort(wanted: number): boolean {
    const port = wanted === 0 ? this.ephemeralPort() : wanted;
    if (port === 0 || this.inUse(port)) return false;
    this.num = port;
    hashSocket(socketTables.of(this.ipv4.net).udp, port, this);
    return true;
  }

  /** A free port from a random start on; 0 when there is none. */
  private ephemeralPort(): number {
    const [low, high] = this.ipv4.localPortRange;
    const count = high - low + 1;
    const { random } = this.ipv4.kernel;
    const first = random.below(count);
    for (let i = 0; i < count; i++) {
      const port = low + ((first + i) % count);
      const reserved = this.ipv4.localReservedPorts.some(([from, to]) => port >= from && port <= to);
      if (!reserved && !this.inUse(port)) return port;
    }
    return 0;
  }

  /** @kernel net/ipv4/udp.c udp_lib_lport_inuse */
  private inUse(port: number): boolean {
    const others = socketTables.of(this.ipv4.net).udp.get(port) ?? [];
    return others.some(
      (other) =>
        !(other.reuseaddr && this.reuseaddr) &&
        (other.boundDevIf === 0 || this.boundDevIf === 0 || other.boundDevIf === this.boundDevIf) &&
        (other.rcvSaddr === 0 || this.rcvSaddr === 0 || other.rcvSaddr === this.rcvSaddr),
    );
  }

  protected autobind(): boolean {
    return this.num !== 0 || this.getPort(0);
  }

  protected unhash(): void {
    if (this.num !== 0) unhashSocket(socketTables.of(this.ipv4.net).udp, this.num, this);
  }

  override connect(address: SockaddrIn): Ack {
    this.cachedRoute = undefined;
    return super.connect(address);
  }

  /** @kernel net/ipv4/udp.c udp_sendmsg */
  send(data: Uint8Array, to?: SockaddrIn | Partial<SockaddrLl>, confirm = false): number {
    if (data.length > 0xffff) return -EMSGSIZE;
    if (to !== undefined && to.family !== 'inet') return -EAFNOSUPPORT;
    if (to === undefined && !this.connected) return -EDESTADDRREQ;
    if (to?.port === 0) return -EINVAL;
    if (!this.autobind()) return -EAGAIN;
    const daddr = to === undefined ? this.daddr : to.address;
    const dport = to === undefined ? this.dport : to.port;
    let rt: Rtable | number;
    if (to === undefined && this.cachedRoute?.valid === true) {
      rt = this.cachedRoute;
      flow.daddr = daddr;
      flow.saddr = this.saddr;
    } else rt = this.countedRouteTo(daddr, flow, this.num, dport);
    if (typeof rt === 'number') return rt;
    if (to === undefined && rt !== this.cachedRoute) this.cachedRoute = rt;
    const length = UDP_HEADER_LENGTH + data.length;
    const refused = this.checkSend(length, rt, flow.daddr);
    if (refused !== 0) return refused;
    const skb = ipMakeSkb(this, flow, rt, length, this.cookie(confirm), 'udp_sendmsg');
    const { bytes, transportHeader: at } = skb;
    bytes.set(data, at + UDP_HEADER_LENGTH);
    putU16(bytes, at, this.num);
    putU16(bytes, at + 2, dport);
    putU16(bytes, at + 4, length);
    putU16(bytes, at + 6, 0);
    udpChecksum(this, skb, rt, length);
    const errno = ipSendSkb(skb);
    if (errno === ENOBUFS && !this.recverr) this.ipv4.mib.udp.SndbufErrors++;
    else if (errno !== 0) return -errno;
    this.ipv4.mib.udp.OutDatagrams++;
    return data.length;
  }

  /** @kernel net/ipv4/udp.c udp_queue_rcv_one_skb */
  receive(skb: SkBuff): void {
    const { mib } = this.ipv4;
    const from = skb.transportHeader + UDP_HEADER_LENGTH;
    if (this.queueReceive(skb, from, u16At(skb.bytes, skb.transportHeader))) {
      mib.udp.InDatagrams++;
      consumeSkb(skb, 'udp_queue_rcv_skb');
      return;
    }
    mib.udp.RcvbufErrors++;
    mib.udp.InErrors++;
    kfreeSkbReason(skb, REASON.SOCKET_RCVBUFF, '__udp_enqueue_schedule_skb', 'the receive buffer is full');
  }

  /** @kernel net/ipv4/udp.c __udp4_lib_err */
  error(skb: SkBuff, info: number): void {
    const { bytes, transportHeader: icmp } = skb;
    const type = bytes[icmp]!;
    const code = bytes[icmp + 1]!;
    let { errno, fatal } = icmpErrConvert(type, code);
    if (type === ICMP_SOURCE_QUENCH) return;
    if (type === ICMP_REDIRECT) {
      ipv4Redirect(skb, this.ipv4, this);
      return;
    }
    if (isFragNeeded(type, code)) {
      ipv4UpdatePmtu(skb, this.ipv4, info, this);
      if (this.pmtudisc === IP_PMTUDISC_DONT) return;
      errno = EMSGSIZE;
      fatal = true;
    }
    if (this.recverr) {
      this.queueIcmpError(skb, errno, info, skb.data + ipv4HeaderLength(bytes, skb.data) + UDP_HEADER_LENGTH);
    } else if (!fatal || !this.connected) return;
    this.reportError(errno);
  }
}

/**
 * The sum of the whole datagram, or of the pseudo header only when the device does the rest.
 * @kernel net/ipv4/udp.c udp_send_skb
 */
function udpChecksum(sk: UdpSocket, skb: SkBuff, rt: Rtable, length: number): void {
  const { bytes, transportHeader: at } = skb;
  const sum = pseudoHeaderSum(flow.saddr, flow.daddr, IPPROTO_UDP, length);
  const fits = length + (at - skb.data) <= ipSkMtu(sk, rt);
  if (fits && (rt.dev.features & NETIF_F_HW_CSUM) !== 0) {
    skb.ipSummed = CHECKSUM_PARTIAL;
    putU16(bytes, at + 6, sum);
    return;
  }
  const check = checksum(bytes, at, at + length, sum);
  putU16(bytes, at + 6, check === 0 ? 0xffff : check);
}

/** How well a socket fits; -1 for not at all. @kernel net/ipv4/udp.c compute_score */
function computeScore(socket: InetSocket, saddr: Ipv4, sport: number, daddr: Ipv4, dif: number): number {
  if (socket.rcvSaddr !== 0 && socket.rcvSaddr !== daddr) return -1;
  let score = 2;
  if (socket.rcvSaddr !== 0) score += 4;
  if (socket.daddr !== 0) {
    if (socket.daddr !== saddr) return -1;
    score += 4;
  }
  if (socket.dport !== 0) {
    if (socket.dport !== sport) return -1;
    score += 4;
  }
  if (socket.boundDevIf !== 0) {
    if (socket.boundDevIf !== dif) return -1;
    score += 4;
  }
  return score;
}

/** @kernel net/ipv4/udp.c __udp4_lib_lookup */
function udpLookup(skb: SkBuff, saddr: Ipv4, sport: number, daddr: Ipv4, dport: number): UdpSocket | undefined {
  const list = socketTables.of(skbRtable(skb)!.ipv4.net).udp.get(dport);
  if (list === undefined) return undefined;
  const dif = inetIif(skb);
  let best: InetSocket | undefined;
  let badness = -1;
  for (let i = 0; i < list.length; i++) {
    const socket = list[i]!;
    const score = computeScore(socket, saddr, sport, daddr, dif);
    if (score <= badness) continue;
    best = socket;
    badness = score;
  }
  return best as UdpSocket | undefined;
}

function udpDrop(skb: SkBuff, reason: DropReason, note: string): void {
  skbRtable(skb)!.ipv4.mib.udp.InErrors++;
  kfreeSkbReason(skb, reason, '__udp4_lib_rcv', note);
}

/** The protocol's receive function. @kernel net/ipv4/udp.c udp_rcv #P[encapsulation, early demultiplexing] */
export function udpRcv(skb: SkBuff): void {
  const rt = skbRtable(skb)!;
  const { mib } = rt.ipv4;
  const { bytes, networkHeader: ip } = skb;
  const at = skb.data;
  if (skb.len < UDP_HEADER_LENGTH) {
    udpDrop(skb, REASON.NOT_SPECIFIED, 'cut short');
    return;
  }
  const length = u16At(bytes, at + 4);
  if (length > skb.len || length < UDP_HEADER_LENGTH) {
    udpDrop(skb, REASON.PKT_TOO_SMALL, 'length');
    return;
  }
  skb.tail = at + length;
  skb.transportHeader = at;
  const saddr = ipv4Source(bytes, ip);
  const daddr = ipv4Destination(bytes, ip);
  const summed = skb.ipSummed === CHECKSUM_UNNECESSARY || skb.ipSummed === CHECKSUM_PARTIAL;
  if (!summed && u16At(bytes, at + 6) !== 0) {
    if (checksum(bytes, at, skb.tail, pseudoHeaderSum(saddr, daddr, IPPROTO_UDP, length)) !== 0) {
      mib.udp.InCsumErrors++;
      udpDrop(skb, REASON.UDP_CSUM, 'checksum');
      return;
    }
  }
  const sport = u16At(bytes, at);
  const dport = u16At(bytes, at + 2);
  if ((rt.flags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0) {
    mcastDeliver(skb, saddr, sport, daddr, dport);
    return;
  }
  const socket = udpLookup(skb, saddr, sport, daddr, dport);
  if (socket !== undefined) {
    socket.receive(skb);
    return;
  }
  mib.udp.NoPorts++;
  // The ICMP error quotes the packet from its IP header on.
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH);
  kfreeSkbReason(skb, REASON.NO_SOCKET, '__udp4_lib_rcv', 'no socket at this port');
}

/** To all who listen. @kernel net/ipv4/udp.c __udp4_lib_mcast_deliver */
function mcastDeliver(skb: SkBuff, saddr: Ipv4, sport: number, daddr: Ipv4, dport: number): void {
  const { ipv4 } = skbRtable(skb)!;
  const dif = inetIif(skb);
  let first: UdpSocket | undefined;
  for (const socket of [...(socketTables.of(ipv4.net).udp.get(dport) ?? [])]) {
    if (computeScore(socket, saddr, sport, daddr, dif) < 0) continue;
    if (first === undefined) first = socket as UdpSocket;
    else (socket as UdpSocket).receive(skbClone(skb));
  }
  if (first !== undefined) first.receive(skb);
  else {
    ipv4.mib.udp.IgnoredMulti++;
    consumeSkb(skb, '__udp4_lib_mcast_deliver');
  }
}

/** An error about a datagram of ours, whose header stands at `data`. @kernel net/ipv4/udp.c udp_err */
export function udpErr(skb: SkBuff, info: number): void {
  const { bytes, data: at } = skb;
  const udp = at + ipv4HeaderLength(bytes, at);
  const remote = ipv4Destination(bytes, at);
  const socket = udpLookup(skb, remote, u16At(bytes, udp + 2), ipv4Source(bytes, at), u16At(bytes, udp));
  if (socket === undefined) skbRtable(skb)!.ipv4.mib.icmp.InErrors++;
  else socket.error(skb, info);
}
