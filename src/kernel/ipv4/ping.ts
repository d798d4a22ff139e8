/** Ping sockets: ICMP echo for those who may not have raw sockets. */
import { EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EINVAL, EMSGSIZE, ENODEV } from '../../uapi/errno.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { SockaddrIn, SockaddrLl } from '../../uapi/socket.ts';
import { putU16, u16At } from '../../wire/addr.ts';
import { checksum } from '../../wire/checksum.ts';
import { ICMP_ECHO, ICMP_ECHOREPLY, ICMP_REDIRECT, ICMP_SOURCE_QUENCH } from '../../wire/icmp.ts';
import { ipv4Destination, ipv4HeaderLength, ipv4Source } from '../../wire/ipv4.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { Flowi4 } from './fib.ts';
import { icmpOutCount } from './icmp.ts';
import { icmpErrConvert, ipv4Redirect, ipv4UpdatePmtu, isFragNeeded } from './icmp-errors.ts';
import { IP_PMTUDISC_DONT } from './inet-sock.ts';
import { InetSocket, inetIif } from './inet-socket.ts';
import { ipSendSkb } from './ip-local-out.ts';
import { ipMakeSkb } from './ip-make-skb.ts';
import { skbRtable } from './rtable.ts';
import { hashSocket, socketTables, unhashSocket } from './socket-tables.ts';

const EREMOTEIO = 121;

export class PingSocket extends InetSocket {
  readonly type = 'ping';

  /** @kernel net/ipv4/ping.c ping_bind */
  bind(address: SockaddrIn | Pick<SockaddrLl, 'family' | 'ifindex' | 'protocol'>): Ack {
    if (address.family !== 'inet') return refuse(EAFNOSUPPORT);
    if (this.num !== 0) return refuse(EINVAL);
    if (!this.bindable(address.address)) return refuse(EADDRNOTAVAIL);
    if (!this.getPort(address.port)) return refuse(EADDRINUSE);
    this.bindAddress(address.address);
    return undefined;
  }

  /** @kernel net/ipv4/ping.c ping_get_port */
  private getPort(ident: number): boolean {
    const table = socketTables.of(this.ipv4.net).ping;
    let port = ident;
    if (port === 0) {
      const { kernel } = this.ipv4;
      for (let i = 0; i < 65536; i++) {
        const next = ((rovers.get(kernel) ?? 0) + 1) & 0xffff;
        rovers.set(kernel, next);
        if (next !== 0 && !table.has(next)) {
          port = next;
          break;
        }
      }
      if (port === 0) return false;
    } else if (table.get(port)?.some((other) => !other.reuseaddr || !this.reuseaddr) === true) return false;
    this.num = port;
    hashSocket(table, port, this);
    return true;
  }

  protected autobind(): boolean {
    return this.num !== 0 || this.getPort(0);
  }

  protected unhash(): void {
    if (this.num !== 0) unhashSocket(socketTables.of(this.ipv4.net).ping, this.num, this);
  }

  /** @kernel net/ipv4/ping.c ping_v4_sendmsg */
  send(data: Uint8Array, to?: SockaddrIn | Partial<SockaddrLl>, confirm = false): number {
    if (!this.autobind()) return -EAGAIN;
    if (data.length > 0xffff) return -EMSGSIZE;
    if (data.length < 8) return -EINVAL;
    if (data[0] !== ICMP_ECHO || data[1] !== 0) return -EINVAL;
    const peer = this.peer(to);
    if (typeof peer === 'number') return peer;
    if (this.boundDevIf !== 0 && this.ipv4.net.devByIndex(this.boundDevIf) === undefined) return -ENODEV;
    const flow = new Flowi4();
    const rt = this.countedRouteTo(peer.address, flow, 0, 0);
    if (typeof rt === 'number') return rt;
    const refused = this.checkSend(data.length, rt, flow.daddr);
    if (refused !== 0) return refused;
    const skb = ipMakeSkb(this, flow, rt, data.length, this.cookie(confirm), 'ping_v4_sendmsg');
    const { bytes, transportHeader: at } = skb;
    bytes.set(data, at);
    putU16(bytes, at + 2, 0);
    putU16(bytes, at + 4, this.num);
    putU16(bytes, at + 2, checksum(bytes, at, at + data.length));
    icmpOutCount(this.ipv4, ICMP_ECHO);
    const sent = ipSendSkb(skb);
    return sent === 0 ? data.length : -sent;
  }

  /** An answer has come. */
  receive(skb: SkBuff): boolean {
    return this.queueReceive(skb, skb.transportHeader, 0);
  }

  /** @kernel net/ipv4/ping.c ping_err */
  error(skb: SkBuff, info: number): void {
    const { bytes, transportHeader: icmp } = skb;
    const type = bytes[icmp]!;
    const code = bytes[icmp + 1]!;
    let { errno, fatal } = icmpErrConvert(type, code);
    if (type === ICMP_SOURCE_QUENCH || type === ICMP_REDIRECT) {
      if (type === ICMP_REDIRECT) ipv4Redirect(skb, this.ipv4, this);
      errno = EREMOTEIO;
    } else if (isFragNeeded(type, code)) {
      ipv4UpdatePmtu(skb, this.ipv4, info, this);
      if (this.pmtudisc === IP_PMTUDISC_DONT) return;
      errno = EMSGSIZE;
      fatal = true;
    }
    if (this.recverr) this.queueIcmpError(skb, errno, info, skb.data + ipv4HeaderLength(bytes, skb.data));
    else if (!fatal || !this.connected) return;
    this.reportError(errno);
  }
}

/** The identifier given last, for each machine. */
const rovers = new WeakMap<object, number>();

/** @kernel net/ipv4/ping.c ping_lookup */
function pingLookup(skb: SkBuff, ident: number, saddr: number, daddr: number): PingSocket | undefined {
  const { net } = skbRtable(skb)!.ipv4;
  const iif = inetIif(skb);
  return socketTables
    .of(net)
    .ping.get(ident)
    ?.find(
      (socket) =>
        (socket.rcvSaddr === 0 || socket.rcvSaddr === daddr) &&
        (socket.daddr === 0 || socket.daddr === saddr) &&
        (socket.boundDevIf === 0 || socket.boundDevIf === iif),
    ) as PingSocket | undefined;
}

/** An echo reply: whether a socket waited for it. @kernel net/ipv4/ping.c ping_rcv */
export function pingRcv(skb: SkBuff): boolean {
  const { bytes, networkHeader: at } = skb;
  const ident = u16At(bytes, skb.transportHeader + 4);
  const socket = pingLookup(skb, ident, ipv4Source(bytes, at), ipv4Destination(bytes, at));
  return socket?.receive(skb) === true;
}

/** An error about an ICMP message of ours. @kernel net/ipv4/icmp.c icmp_err */
export function icmpErr(skb: SkBuff, info: number): void {
  const { bytes, transportHeader: icmp } = skb;
  const inner = skb.data + ipv4HeaderLength(bytes, skb.data);
  const { ipv4 } = skbRtable(skb)!;
  if (bytes[inner] === ICMP_ECHOREPLY) {
    if (isFragNeeded(bytes[icmp]!, bytes[icmp + 1]!)) ipv4UpdatePmtu(skb, ipv4, info);
    else if (bytes[icmp] === ICMP_REDIRECT) ipv4Redirect(skb, ipv4);
    return;
  }
  if (bytes[inner] !== ICMP_ECHO) return;
  const ident = u16At(bytes, inner + 4);
  pingLookup(skb, ident, ipv4Destination(bytes, skb.data), ipv4Source(bytes, skb.data))?.error(skb, info);
}
