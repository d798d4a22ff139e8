/**
 * TCP sockets that connect. Nobody listens in the twin, so a connection ends in SYN-SENT: refused by a
 * reset or an ICMP error, or given up when nothing comes back.
 */
import type { Timer } from '../../sim/queue.ts';
import {
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  ECONNREFUSED,
  EHOSTUNREACH,
  EINVAL,
  ENETUNREACH,
  ENOTCONN,
  ETIMEDOUT,
} from '../../uapi/errno.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { SockaddrIn, SockaddrLl } from '../../uapi/socket.ts';
import { type Ipv4, putU16, putU32, u16At } from '../../wire/addr.ts';
import { pseudoHeaderSum } from '../../wire/checksum.ts';
import { ICMP_DEST_UNREACH, ICMP_TIME_EXCEEDED } from '../../wire/icmp.ts';
import { IPPROTO_TCP, ipv4Destination, ipv4HeaderLength, ipv4Source } from '../../wire/ipv4.ts';
import {
  putTcpHeader,
  TCP_ACK,
  TCP_HEADER_LENGTH,
  TCP_RST,
  TCP_SYN,
  TCPOPT_MSS,
  TCPOPT_NOP,
  TCPOPT_SACK_PERM,
  TCPOPT_TIMESTAMP,
  TCPOPT_WINDOW,
  tcpAcknowledgment,
  tcpFlags,
  tcpSequence,
} from '../../wire/tcp.ts';
import { NETIF_F_HW_CSUM } from '../core/netdevice.ts';
import { CHECKSUM_PARTIAL, consumeSkb, type SkBuff } from '../core/skbuff.ts';
import { Flowi4 } from './fib.ts';
import { icmpErrConvert, isFragNeeded } from './icmp-errors.ts';
import { IP_PMTUDISC_DO } from './inet-sock.ts';
import { InetSocket } from './inet-socket.ts';
import { ipSendSkb } from './ip-local-out.ts';
import { ipMakeSkb } from './ip-make-skb.ts';
import { RTCF_BROADCAST, RTCF_MULTICAST, type Rtable, skbRtable } from './rtable.ts';
import { hashSocket, socketTables, unhashSocket } from './socket-tables.ts';

const SECOND = 1e9;
const MILLISECOND = 1e6;
/** net.ipv4.tcp_syn_retries, and the first of them at the same distance: net.ipv4.tcp_syn_linear_timeouts. */
const SYN_RETRIES = 6;
const SYN_LINEAR_TIMEOUTS = 4;
/** Half of the receive buffer that a socket begins with: net.ipv4.tcp_rmem. */
const INITIAL_SPACE = 65536;
/** log2 of the largest receive buffer, less the 15 bits of a window that is not scaled. */
const WINDOW_SCALE = 10;
const OPTIONS_LENGTH = 20;

export class TcpSocket extends InetSocket {
  readonly type = 'tcp';
  private initialSequence = 0;
  private timestampOffset = 0;
  private retransmits = 0;
  private timeout = SECOND;
  private timer: Timer | undefined;
  /** Whether connect() holds it (sock_owned_by_user): errors that come meanwhile are soft. */
  private owned = false;
  private state: 'closed' | 'syn-sent' = 'closed';

  bind(address: SockaddrIn | Pick<SockaddrLl, 'family' | 'ifindex' | 'protocol'>): Ack {
    if (address.family !== 'inet') return refuse(EAFNOSUPPORT);
    if (!this.bindable(address.address)) return refuse(EADDRNOTAVAIL);
    if (this.num !== 0) return refuse(EINVAL);
    this.bindAddress(address.address);
    this.num = address.port;
    if (!this.autobind()) return refuse(EADDRNOTAVAIL);
    return undefined;
  }

  /** @kernel net/ipv4/inet_hashtables.c __inet_hash_connect #P[ports by a keyed hash] */
  protected autobind(): boolean {
    const table = socketTables.of(this.ipv4.net).tcp;
    if (this.num === 0) {
      const [low, high] = this.ipv4.localPortRange;
      const count = high - low + 1;
      const first = this.ipv4.kernel.random.below(count);
      for (let i = 0; i < count && this.num === 0; i++) {
        const port = low + ((first + i) % count);
        if (!table.has(port)) this.num = port;
      }
      if (this.num === 0) return false;
    }
    hashSocket(table, this.num, this);
    return true;
  }

  /** Connections say of their own that a broadcast address cannot be reached. */
  protected override maySendBroadcast(): boolean {
    return true;
  }

  protected unhash(): void {
    this.timer?.cancel();
    this.state = 'closed';
    if (this.num !== 0) unhashSocket(socketTables.of(this.ipv4.net).tcp, this.num, this);
  }

  /** Begins the connection; how it ended is told by `readable` and takeError(). @kernel net/ipv4/tcp_ipv4.c tcp_v4_connect */
  override connect(address: SockaddrIn): Ack {
    if (address.family !== 'inet') return refuse(EAFNOSUPPORT);
    const flow = new Flowi4();
    const rt = this.routeConnect(address.address, flow, address.port);
    if (typeof rt === 'number') return refuse(-rt);
    if ((rt.flags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0) return refuse(ENETUNREACH);
    if (!this.autobind()) return refuse(EADDRNOTAVAIL);
    if (this.saddr === 0) this.saddr = flow.saddr;
    this.rcvSaddr = this.saddr;
    this.daddr = flow.daddr;
    this.dport = address.port;
    this.connected = true;
    this.pmtudisc = IP_PMTUDISC_DO;
    const { random } = this.ipv4.kernel;
    this.initialSequence = random.u32();
    this.timestampOffset = random.u32();
    this.inetId = random.u32() & 0xffff;
    this.state = 'syn-sent';
    const { tcp } = this.ipv4.mib;
    tcp.ActiveOpens++;
    tcp.OutSegs++;
    this.owned = true;
    this.sendSyn(rt, flow);
    this.owned = false;
    this.resetTimer();
    return undefined;
  }

  send(): number {
    return -ENOTCONN;
  }

  private resetTimer(): void {
    // Timers run on the tick after their time: later than those of neighbours that the segment started.
    this.timer = this.ipv4.kernel.queue.after(this.timeout + MILLISECOND, 'tcp retransmit', () => this.retransmit());
  }

  /** @kernel net/ipv4/tcp_timer.c tcp_retransmit_timer #P[states after SYN-SENT] */
  private retransmit(): void {
    if (this.state !== 'syn-sent') return;
    if (this.retransmits >= SYN_RETRIES + SYN_LINEAR_TIMEOUTS) {
      this.done(ETIMEDOUT);
      return;
    }
    this.retransmits++;
    const flow = new Flowi4();
    const rt = this.countedRouteTo(this.daddr, flow, this.num, this.dport);
    if (typeof rt !== 'number') {
      this.ipv4.mib.tcp.RetransSegs++;
      this.sendSyn(rt, flow);
    }
    if (this.retransmits > SYN_LINEAR_TIMEOUTS) this.timeout *= 2;
    this.resetTimer();
  }

  /** @kernel net/ipv4/tcp_output.c tcp_connect */
  private sendSyn(rt: Rtable, flow: Flowi4): void {
    const length = TCP_HEADER_LENGTH + OPTIONS_LENGTH;
    const skb = ipMakeSkb(this, flow, rt, length, this.cookie(false), 'tcp_connect');
    const { bytes, transportHeader: at } = skb;
    const mss = advertisedMss(rt);
    this.putOptions(bytes, at + TCP_HEADER_LENGTH, mss);
    const space = mss < INITIAL_SPACE ? INITIAL_SPACE - (INITIAL_SPACE % mss) : INITIAL_SPACE;
    const window = Math.min(space, 0xffff);
    const { saddr, daddr } = this;
    const seq = this.initialSequence;
    putTcpHeader(bytes, at, skb.tail, this.num, this.dport, seq, 0, TCP_SYN, window, saddr, daddr, OPTIONS_LENGTH);
    if ((rt.dev.features & NETIF_F_HW_CSUM) !== 0) {
      skb.ipSummed = CHECKSUM_PARTIAL;
      putU16(bytes, at + 16, pseudoHeaderSum(saddr, daddr, IPPROTO_TCP, length));
    }
    ipSendSkb(skb);
  }

  /** @kernel net/ipv4/tcp_output.c tcp_options_write */
  private putOptions(bytes: Uint8Array, at: number, mss: number): void {
    bytes.set([TCPOPT_MSS, 4, mss >>> 8, mss & 0xff, TCPOPT_SACK_PERM, 2, TCPOPT_TIMESTAMP, 10], at);
    const clock = Math.floor(this.ipv4.kernel.queue.now / MILLISECOND) + this.timestampOffset;
    putU32(bytes, at + 8, clock >>> 0);
    putU32(bytes, at + 12, 0);
    bytes.set([TCPOPT_NOP, TCPOPT_WINDOW, 3, WINDOW_SCALE], at + 16);
  }

  /** Whether it was a segment for a connection being opened. @kernel net/ipv4/tcp_input.c tcp_rcv_synsent_state_process #P[answers but resets] */
  receive(skb: SkBuff, at: number): boolean {
    const { bytes } = skb;
    if (this.state !== 'syn-sent') return false;
    const flags = tcpFlags(bytes, at);
    const acceptable = (flags & TCP_ACK) !== 0 && tcpAcknowledgment(bytes, at) === (this.initialSequence + 1) >>> 0;
    if (!acceptable || (flags & TCP_RST) === 0) return false;
    this.done(ECONNREFUSED);
    consumeSkb(skb, 'tcp_rcv_synsent_state_process');
    return true;
  }

  /** @kernel net/ipv4/tcp_ipv4.c tcp_v4_err #P[states after SYN-SENT] */
  icmpError(skb: SkBuff, segment: number): void {
    const { bytes, transportHeader: icmp } = skb;
    const [type, code] = [bytes[icmp]!, bytes[icmp + 1]!];
    if (this.state !== 'syn-sent' || tcpSequence(bytes, segment) !== this.initialSequence) return;
    if (isFragNeeded(type, code)) return;
    if (type !== ICMP_DEST_UNREACH && type !== ICMP_TIME_EXCEEDED) return;
    if (this.owned) return;
    this.done(type === ICMP_TIME_EXCEEDED ? EHOSTUNREACH : icmpErrConvert(type, code).errno);
  }

  /** @kernel net/ipv4/tcp.c tcp_done */
  private done(errno: number): void {
    this.ipv4.mib.tcp.AttemptFails++;
    this.unhash();
    this.num = 0;
    this.reportError(errno);
  }
}

/** What the route's MTU leaves for data. @kernel net/ipv4/route.c ipv4_default_advmss */
function advertisedMss(rt: Rtable): number {
  const metric = rt.metrics?.advmss ?? 0;
  if (metric !== 0) return metric;
  return Math.min(Math.max(rt.dev.mtu - 40, 256), 0xffff - 40);
}

/** The connection of a segment. @kernel net/ipv4/inet_hashtables.c __inet_lookup_established */
export function tcpLookup(
  skb: SkBuff,
  remote: Ipv4,
  remotePort: number,
  local: Ipv4,
  localPort: number,
): TcpSocket | undefined {
  const list = socketTables.of(skbRtable(skb)!.ipv4.net).tcp.get(localPort) ?? [];
  return list.find(({ daddr, dport, saddr }) => daddr === remote && dport === remotePort && saddr === local) as
    | TcpSocket
    | undefined;
}

/** An error about a segment of ours, whose IP header stands at `data`. @kernel net/ipv4/tcp_ipv4.c tcp_v4_err */
export function tcpV4Err(skb: SkBuff): void {
  const { bytes, data: at } = skb;
  const segment = at + ipv4HeaderLength(bytes, at);
  const [sport, dport] = [u16At(bytes, segment), u16At(bytes, segment + 2)];
  const socket = tcpLookup(skb, ipv4Destination(bytes, at), dport, ipv4Source(bytes, at), sport);
  if (socket === undefined) skbRtable(skb)!.ipv4.mib.icmp.InErrors++;
  else socket.icmpError(skb, segment);
}
