/** Raw sockets: datagrams of one protocol, copies of what comes in. */
import { EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, EMSGSIZE, ENOBUFS } from '../../uapi/errno.ts';
import { ETH_P_IP } from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { SockaddrIn, SockaddrLl } from '../../uapi/socket.ts';
import { type Ipv4, ipv4At, putIpv4, putU16, u16At } from '../../wire/addr.ts';
import { ICMP_REDIRECT, ICMP_SOURCE_QUENCH } from '../../wire/icmp.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_RAW,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Source,
  putIpv4Checksum,
} from '../../wire/ipv4.ts';
import { REASON } from '../core/drop-reason.ts';
import { allocSkb, consumeSkb, kfreeSkbReason, type SkBuff, skbClone, skbPut } from '../core/skbuff.ts';
import { Flowi4 } from './fib.ts';
import { icmpOutCount } from './icmp.ts';
import { icmpErrConvert, ipv4Redirect, ipv4UpdatePmtu, isFragNeeded } from './icmp-errors.ts';
import { rawHooks } from './inet-protos.ts';
import { IP_PMTUDISC_DONT } from './inet-sock.ts';
import { InetSocket, inetIif } from './inet-socket.ts';
import { ipSelectIdentFor } from './ip-ident.ts';
import { ipSendSkb, nfLocalOut } from './ip-local-out.ts';
import { ipMakeSkb } from './ip-make-skb.ts';
import type { Ipv4Net } from './ipv4-net.ts';
import { type Rtable, skbRtable } from './rtable.ts';
import { socketTables } from './socket-tables.ts';

export class RawSocket extends InetSocket {
  readonly type = 'raw';

  constructor(ipv4: Ipv4Net, protocol: number, inode: number) {
    super(ipv4, protocol, inode);
    this.num = protocol;
    if (protocol === IPPROTO_RAW) this.hdrincl = true;
    socketTables.of(ipv4.net).raw.unshift(this);
  }

  /** @kernel net/ipv4/raw.c raw_bind */
  bind(address: SockaddrIn | Pick<SockaddrLl, 'family' | 'ifindex' | 'protocol'>): Ack {
    if (address.family !== 'inet') return refuse(EAFNOSUPPORT);
    if (!this.bindable(address.address)) return refuse(EADDRNOTAVAIL);
    this.bindAddress(address.address);
    return undefined;
  }

  protected autobind(): boolean {
    return true;
  }

  protected unhash(): void {
    const { raw } = socketTables.of(this.ipv4.net);
    const at = raw.indexOf(this);
    if (at >= 0) raw.splice(at, 1);
  }

  /** @kernel net/ipv4/raw.c raw_sendmsg */
  send(data: Uint8Array, to?: SockaddrIn | Partial<SockaddrLl>, confirm = false): number {
    if (data.length > 0xffff) return -EMSGSIZE;
    const peer = this.peer(to);
    if (typeof peer === 'number') return peer;
    const flow = new Flowi4();
    const rt = this.routeTo(peer.address, flow, 0, 0);
    if (typeof rt === 'number') return rt;
    if (this.hdrincl) return this.sendHdrinc(data, flow, rt);
    // Without a transport header to make, a pending error is not looked at.
    const refused = this.checkLength(data.length, rt, flow.daddr);
    if (refused !== 0) return refused;
    const skb = ipMakeSkb(this, flow, rt, data.length, this.cookie(confirm), 'raw_sendmsg');
    skb.bytes.set(data, skb.transportHeader);
    if (this.protocol === IPPROTO_ICMP && data.length > 0) icmpOutCount(this.ipv4, data[0]!);
    return this.sent(ipSendSkb(skb), data.length);
  }

  /** The caller made the IP header. @kernel net/ipv4/raw.c raw_send_hdrinc */
  private sendHdrinc(data: Uint8Array, flow: Flowi4, rt: Rtable): number {
    if (data.length > rt.dev.mtu) {
      this.localError(EMSGSIZE, flow.daddr, rt.dev.mtu);
      return -EMSGSIZE;
    }
    if (data.length < 20 || ipv4HeaderLength(data, 0) > data.length) return -EINVAL;
    const pending = this.takeError();
    if (pending !== 0) return -pending;
    const skb = allocSkb(this.ipv4.kernel, data.length, 'raw_send_hdrinc');
    const at = skbPut(skb, data.length);
    const { bytes } = skb;
    bytes.set(data, at);
    skb.networkHeader = at;
    skb.protocol = ETH_P_IP;
    skb.priority = this.priority;
    skb.mark = this.mark;
    skb.dst = rt;
    skb.sk = this;
    const hlen = ipv4HeaderLength(bytes, at);
    skb.transportHeader = at + hlen;
    if (hlen >= 20) {
      if (ipv4At(bytes, at + 12) === 0) putIpv4(bytes, at + 12, flow.saddr);
      putU16(bytes, at + 2, data.length);
      if (u16At(bytes, at + 4) === 0) {
        const { kernel, net } = this.ipv4;
        const fragOff = u16At(bytes, at + 6);
        const protocol = bytes[at + 9]!;
        const saddr = ipv4At(bytes, at + 12);
        const id = ipSelectIdentFor(kernel, net.number, undefined, flow.daddr, saddr, protocol, fragOff, false);
        putU16(bytes, at + 4, id);
      }
      putIpv4Checksum(bytes, at);
      if (bytes[at + 9] === IPPROTO_ICMP && data.length > hlen) icmpOutCount(this.ipv4, bytes[at + hlen]!);
    }
    return this.sent(nfLocalOut(skb, rt), data.length);
  }

  /** A full queue is an error only to those who asked for errors. */
  private sent(errno: number, length: number): number {
    return errno === 0 || (errno === ENOBUFS && !this.recverr) ? length : -errno;
  }

  /** Whether the socket's filter passes an ICMP message. @kernel net/ipv4/raw.c icmp_filter */
  passes(type: number): boolean {
    return type >= 32 || (this.icmpFilter & (1 << type)) === 0;
  }

  /** A copy, which ends here; `data` stands at the transport header. @kernel net/ipv4/raw.c raw_rcv */
  receive(skb: SkBuff): void {
    if (this.queueReceive(skb, skb.networkHeader, 0)) consumeSkb(skb, 'raw_rcv');
    else kfreeSkbReason(skb, REASON.SOCKET_RCVBUFF, 'raw_rcv_skb', 'the receive buffer is full');
  }

  /** @kernel net/ipv4/raw.c raw_err */
  error(skb: SkBuff, info: number): void {
    const { bytes, transportHeader: icmp } = skb;
    const type = bytes[icmp]!;
    const code = bytes[icmp + 1]!;
    if (isFragNeeded(type, code)) ipv4UpdatePmtu(skb, this.ipv4, info, this);
    else if (type === ICMP_REDIRECT) {
      ipv4Redirect(skb, this.ipv4, this);
      return;
    }
    if ((!this.recverr && !this.connected) || type === ICMP_SOURCE_QUENCH) return;
    const { errno, fatal } = icmpErrConvert(type, code);
    const hard = isFragNeeded(type, code) ? this.pmtudisc !== IP_PMTUDISC_DONT : fatal;
    if (this.recverr) {
      const from = this.hdrincl ? skb.data : skb.data + ipv4HeaderLength(bytes, skb.data);
      this.queueIcmpError(skb, errno, info, from);
    }
    if (this.recverr || hard) this.reportError(errno);
  }

  /** @kernel net/ipv4/raw.c raw_v4_match */
  matches(protocol: number, remote: Ipv4, local: Ipv4, iif: number): boolean {
    return (
      this.num === protocol &&
      (this.daddr === 0 || this.daddr === remote) &&
      (this.rcvSaddr === 0 || this.rcvSaddr === local) &&
      (this.boundDevIf === 0 || this.boundDevIf === iif)
    );
  }
}

/** @kernel net/ipv4/raw.c raw_local_deliver */
function rawLocalDeliver(skb: SkBuff, protocol: number): boolean {
  const { raw } = socketTables.of(skbRtable(skb)!.ipv4.net);
  if (raw.length === 0) return false;
  const { bytes, networkHeader: at } = skb;
  const iif = inetIif(skb);
  let delivered = false;
  for (const socket of [...raw] as RawSocket[]) {
    if (!socket.matches(protocol, ipv4Source(bytes, at), ipv4Destination(bytes, at), iif)) continue;
    delivered = true;
    if (protocol === IPPROTO_ICMP && skb.len > 0 && !socket.passes(bytes[skb.data]!)) continue;
    socket.receive(skbClone(skb));
  }
  return delivered;
}

/** @kernel net/ipv4/raw.c raw_icmp_error */
function rawIcmpError(skb: SkBuff, protocol: number, info: number): void {
  const { raw } = socketTables.of(skbRtable(skb)!.ipv4.net);
  const { bytes, data: at } = skb;
  // Not the route's device: of an error from our own address it is lo.
  const iif = skb.dev!.ifindex;
  for (const socket of [...raw] as RawSocket[]) {
    if (socket.matches(protocol, ipv4Destination(bytes, at), ipv4Source(bytes, at), iif)) socket.error(skb, info);
  }
}

rawHooks.localDeliver = rawLocalDeliver;
rawHooks.icmpError = rawIcmpError;
