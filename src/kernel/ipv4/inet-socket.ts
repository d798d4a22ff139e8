/** What UDP, ping and raw sockets have in common: options, queues, memberships. */
import {
  EACCES,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENETUNREACH,
  ENOBUFS,
  ENODEV,
  ENOPROTOOPT,
  EOPNOTSUPP,
} from '../../uapi/errno.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import { RT_SCOPE_LINK, RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST } from '../../uapi/rtnetlink.ts';
import type {
  SockaddrIn,
  SockaddrLl,
  Socket,
  SocketError,
  SocketMessage,
  SocketOptions,
  SocketType,
} from '../../uapi/socket.ts';
import { type Ipv4, isMulticastIpv4 } from '../../wire/addr.ts';
import { ipv4Destination, ipv4Source, ipv4Tos, ipv4Ttl } from '../../wire/ipv4.ts';
import { skbTruesize } from '../core/skb-truesize.ts';
import { type SkBuff, traceStep } from '../core/skbuff.ts';
import { TRACE_DELIVER } from '../core/trace.ts';
import { Flowi4 } from './fib.ts';
import { inetAddrType } from './fib-lookup.ts';
import { fibComputeSpecDst } from './fib-validate.ts';
import { ipMcJoinGroup, ipMcLeaveGroup } from './igmp.ts';
import { InetSock } from './inet-sock.ts';
import { type IpcmCookie, ipFragmentsFit, ipMaxPayload } from './ip-make-skb.ts';
import { ipOptionsGet, type SendOptions } from './ip-options.ts';
import type { Ipv4Net } from './ipv4-net.ts';
import { payloadCopy } from './payload-copy.ts';
import { ipRouteOutputKey } from './route-output.ts';
import { ipDstMtu, RTCF_BROADCAST, type Rtable, skbRtable } from './rtable.ts';
import { rtTos2priority } from './tos-priority.ts';

const SK_MEM_DEFAULT = 212992;
const SK_RMEM_MAX = 4194304;
const SOCK_MIN_RCVBUF = 2304;
const SO_EE_ORIGIN_LOCAL = 1;
const SO_EE_ORIGIN_ICMP = 2;
const NO_OPTIONS = new Uint8Array(0);

/** @kernel net/core/sock.c inet_iif */
export function inetIif(skb: SkBuff): number {
  const iif = skbRtable(skb)?.iif ?? 0;
  return iif !== 0 ? iif : skb.skbIif;
}

export abstract class InetSocket extends InetSock implements Socket {
  abstract readonly type: SocketType;
  onReadable: (() => void) | undefined;
  connected = false;
  protected closed = false;
  private readonly receiveQueue: { message: SocketMessage; truesize: number }[] = [];
  private readonly errorQueue: SocketError[] = [];
  private rmem = 0;
  private softError = 0;
  private packets = 0;
  drops = 0;
  private rcvbuf = SK_MEM_DEFAULT;
  private sndbuf = SK_MEM_DEFAULT;
  recverr = false;
  reuseaddr = false;
  icmpFilter = 0;
  private dontroute = false;
  private optionBytes: Uint8Array = NO_OPTIONS;
  private sendOptions: SendOptions | undefined;
  private readonly memberships: { group: Ipv4; ifindex: number }[] = [];
  /** Inode number, for /proc/net/udp. */
  declare readonly inode: number;

  constructor(ipv4: Ipv4Net, protocol: number, inode: number) {
    super(ipv4, protocol);
    this.inode = inode;
  }

  abstract bind(address: SockaddrIn | Pick<SockaddrLl, 'family' | 'ifindex' | 'protocol'>): Ack;
  abstract send(data: Uint8Array, to?: SockaddrIn | Partial<SockaddrLl>, confirm?: boolean): number;
  /** Take the socket out of the protocol's tables. */
  protected abstract unhash(): void;
  /** Give it a local port if it has none. False: there is none left. */
  protected abstract autobind(): boolean;

  getsockname(): SockaddrIn {
    return { family: 'inet', address: this.saddr, port: this.num };
  }

  get readable(): boolean {
    return this.receiveQueue.length > 0 || this.errorQueue.length > 0 || this.softError !== 0;
  }

  /** Bytes that wait, for /proc/net/udp. */
  get rmemAlloc(): number {
    return this.rmem;
  }

  recv(): SocketMessage | undefined {
    const entry = this.receiveQueue.shift();
    if (entry === undefined) return undefined;
    this.rmem -= entry.truesize;
    return entry.message;
  }

  recvError(): SocketError | undefined {
    const error = this.errorQueue.shift();
    // The next queued error becomes the pending one, as sock_dequeue_err_skb() has it.
    this.softError = this.errorQueue[0]?.errno ?? 0;
    return error;
  }

  takeError(): number {
    const errno = this.softError;
    this.softError = 0;
    return errno;
  }

  statistics(): { packets: number; drops: number } {
    const seen = { packets: this.packets, drops: this.drops };
    this.packets = 0;
    this.drops = 0;
    return seen;
  }

  setPromiscuous(): Ack {
    return refuse(ENOPROTOOPT);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const { group, ifindex } of this.memberships.splice(0)) {
      const dev = this.ipv4.net.devByIndex(ifindex);
      if (dev !== undefined) ipMcLeaveGroup(dev, group);
    }
    this.unhash();
    this.onReadable = undefined;
  }

  /**
   * Put a message into the queue, if it fits. The packet stays the caller's.
   * @kernel net/core/sock.c sock_queue_rcv_skb
   * @param from offset of the first byte that the socket sees
   */
  protected queueReceive(skb: SkBuff, from: number, port: number): boolean {
    const truesize = skbTruesize(skb);
    if (this.rmem >= this.rcvbuf) {
      this.drops++;
      return false;
    }
    const { bytes, networkHeader: at } = skb;
    const message: SocketMessage = {
      data: payloadCopy(bytes, from, skb.tail),
      from: { family: 'inet', address: ipv4Source(bytes, at), port },
      timestamp: skb.tstamp === 0 ? this.ipv4.kernel.queue.now : skb.tstamp,
      ttl: ipv4Ttl(bytes, at),
      tos: ipv4Tos(bytes, at),
      pktinfo: { ifindex: inetIif(skb), specDst: fibComputeSpecDst(skb), address: ipv4Destination(bytes, at) },
    };
    this.receiveQueue.push({ message, truesize });
    this.rmem += truesize;
    this.packets++;
    if (skb.kernel.trace.on) traceStep(skb, TRACE_DELIVER, skb.dev, port, `${this.type} socket`);
    this.onReadable?.();
    return true;
  }

  /** @kernel net/ipv4/ip_sockglue.c ip_icmp_error */
  protected queueIcmpError(skb: SkBuff, errno: number, info: number, from: number): void {
    const { bytes, transportHeader: icmp } = skb;
    this.errorQueue.push({
      errno,
      origin: SO_EE_ORIGIN_ICMP,
      icmpType: bytes[icmp]!,
      icmpCode: bytes[icmp + 1]!,
      info,
      offender: ipv4Source(bytes, skb.networkHeader),
      destination: ipv4Destination(bytes, skb.data),
      data: bytes.slice(from, skb.tail),
      timestamp: this.ipv4.kernel.queue.now,
    });
  }

  /** @kernel net/ipv4/ip_sockglue.c ip_local_error */
  protected localError(errno: number, daddr: Ipv4, info: number): void {
    if (!this.recverr) return;
    this.errorQueue.push({
      errno,
      origin: SO_EE_ORIGIN_LOCAL,
      icmpType: 0,
      icmpCode: 0,
      info,
      offender: 0,
      destination: daddr,
      data: new Uint8Array(0),
      timestamp: this.ipv4.kernel.queue.now,
    });
    this.onReadable?.();
  }

  protected reportError(errno: number): void {
    this.softError = errno;
    this.onReadable?.();
  }

  /**
   * As {@link routeTo}, and a peer that no route leads to is counted. Raw sockets do not when they send.
   * @kernel net/ipv4/udp.c udp_sendmsg
   */
  protected countedRouteTo(daddr: Ipv4, flow: Flowi4, sport: number, dport: number): Rtable | number {
    const rt = this.routeTo(daddr, flow, sport, dport);
    if (rt === -ENETUNREACH) this.ipv4.mib.ip.OutNoRoutes++;
    return rt;
  }

  /** The route to a peer, by the socket's settings; a negative error number otherwise. */
  protected routeTo(daddr: Ipv4, flow: Flowi4, sport: number, dport: number): Rtable | number {
    const rt = this.lookUp(daddr, flow, sport, dport);
    return typeof rt === 'number' ? rt : this.unlessBroadcast(rt);
  }

  private unlessBroadcast(rt: Rtable): Rtable | number {
    return (rt.flags & RTCF_BROADCAST) !== 0 && !this.maySendBroadcast() ? -EACCES : rt;
  }

  private lookUp(daddr: Ipv4, flow: Flowi4, sport: number, dport: number): Rtable | number {
    flow.daddr = daddr;
    flow.saddr = this.saddr;
    flow.oif = this.boundDevIf;
    flow.tos = this.tos & 0xfc;
    flow.scope = this.dontroute ? RT_SCOPE_LINK : 0;
    flow.mark = this.mark;
    flow.proto = this.hdrincl ? 255 : this.protocol;
    flow.anysrc = this.hdrincl;
    flow.sport = sport;
    flow.dport = dport;
    if (isMulticastIpv4(daddr)) {
      if (flow.oif === 0) flow.oif = this.mcIndex;
      if (flow.saddr === 0) flow.saddr = this.mcAddr;
    }
    const rt = ipRouteOutputKey(this.ipv4, flow);
    return typeof rt === 'number' ? -rt : rt;
  }

  /** Whether broadcast addresses are allowed: SO_BROADCAST. */
  protected maySendBroadcast(): boolean {
    return this.broadcast;
  }

  /**
   * The route of a connection: asked for once more with the source address that the first answer gave.
   * @kernel include/net/route.h ip_route_connect
   */
  protected routeConnect(daddr: Ipv4, flow: Flowi4, dport: number): Rtable | number {
    let rt = this.lookUp(daddr, flow, this.num, dport);
    if (typeof rt !== 'number' && (this.saddr === 0 || daddr === 0)) {
      flow.oif = this.boundDevIf === 0 && isMulticastIpv4(daddr) ? this.mcIndex : this.boundDevIf;
      const second = ipRouteOutputKey(this.ipv4, flow);
      rt = typeof second === 'number' ? -second : second;
    }
    if (rt === -ENETUNREACH) this.ipv4.mib.ip.OutNoRoutes++;
    return typeof rt === 'number' ? rt : this.unlessBroadcast(rt);
  }

  /** The peer to send to: the one given, or the one connected to. */
  protected peer(to: SockaddrIn | Partial<SockaddrLl> | undefined): { address: Ipv4; port: number } | number {
    if (to === undefined) return this.connected ? { address: this.daddr, port: this.dport } : -EDESTADDRREQ;
    if (to.family !== 'inet') return -EAFNOSUPPORT;
    return { address: to.address, port: to.port };
  }

  protected cookie(confirm: boolean): IpcmCookie {
    return { tos: -1, mark: this.mark, options: this.sendOptions, confirm };
  }

  /** A pending error, or a payload longer than may be sent: the negative error number, 0 when it may be sent. */
  protected checkSend(length: number, rt: Rtable, daddr: Ipv4): number {
    const pending = this.takeError();
    return pending !== 0 ? -pending : this.checkLength(length, rt, daddr);
  }

  /** -EMSGSIZE for a payload longer than may be sent, else 0. */
  protected checkLength(length: number, rt: Rtable, daddr: Ipv4): number {
    const optlen = this.sendOptions?.bytes.length ?? 0;
    if (length > ipMaxPayload(this, rt, optlen)) {
      this.localError(EMSGSIZE, daddr, ipDstMtu(rt) - optlen);
      return -EMSGSIZE;
    }
    return ipFragmentsFit(this, rt, length, optlen, this.sndbuf) ? 0 : -ENOBUFS;
  }

  /** Whether the address may be bound to. @kernel net/ipv4/af_inet.c inet_addr_valid_or_nonlocal */
  protected bindable(address: Ipv4): boolean {
    if (address === 0 || this.ipv4.ipNonlocalBind !== 0) return true;
    const type = inetAddrType(this.ipv4, address);
    return type === RTN_LOCAL || type === RTN_MULTICAST || type === RTN_BROADCAST;
  }

  protected bindAddress(address: Ipv4): void {
    this.rcvSaddr = address;
    this.saddr = isMulticastIpv4(address) || inetAddrType(this.ipv4, address) === RTN_BROADCAST ? 0 : address;
  }

  /** @kernel net/ipv4/datagram.c __ip4_datagram_connect */
  connect(address: SockaddrIn): Ack {
    if (address.family !== 'inet') return refuse(EAFNOSUPPORT);
    if (!this.autobind()) return refuse(EADDRNOTAVAIL);
    const flow = new Flowi4();
    const rt = this.routeConnect(address.address, flow, address.port);
    if (typeof rt === 'number') return refuse(-rt);
    if (this.saddr === 0) this.saddr = flow.saddr;
    if (this.rcvSaddr === 0) this.rcvSaddr = flow.saddr;
    this.daddr = flow.daddr;
    this.dport = address.port;
    this.connected = true;
    this.inetId = this.ipv4.kernel.random.u32() & 0xffff;
    return undefined;
  }

  /** @kernel net/ipv4/igmp.c ip_mc_join_group */
  addMembership(group: Ipv4, ifindex: number): Ack {
    if (!isMulticastIpv4(group)) return refuse(EINVAL);
    const dev = ifindex !== 0 ? this.ipv4.net.devByIndex(ifindex) : this.deviceFor(group);
    if (dev === undefined) return refuse(ENODEV);
    if (this.memberships.some((other) => other.group === group && other.ifindex === dev.ifindex)) {
      return refuse(98);
    }
    if (this.memberships.length >= this.ipv4.igmpMaxMemberships) return refuse(ENOBUFS);
    this.memberships.push({ group, ifindex: dev.ifindex });
    ipMcJoinGroup(dev, group);
    return undefined;
  }

  dropMembership(group: Ipv4, ifindex: number): Ack {
    const at = this.memberships.findIndex(
      (other) => other.group === group && (ifindex === 0 || other.ifindex === ifindex),
    );
    if (at < 0) return refuse(EADDRNOTAVAIL);
    const [membership] = this.memberships.splice(at, 1);
    const dev = this.ipv4.net.devByIndex(membership!.ifindex);
    if (dev !== undefined) ipMcLeaveGroup(dev, group);
    return undefined;
  }

  private deviceFor(group: Ipv4) {
    const flow = new Flowi4();
    flow.daddr = group;
    const rt = ipRouteOutputKey(this.ipv4, flow);
    return typeof rt === 'number' ? undefined : rt.dev;
  }

  setOption<K extends keyof SocketOptions>(name: K, value: SocketOptions[K]): Ack {
    const number = typeof value === 'number' ? value : 0;
    switch (name) {
      case 'broadcast':
        this.broadcast = value === true;
        return undefined;
      case 'bindToIfindex':
        if (number !== 0 && this.ipv4.net.devByIndex(number) === undefined) return refuse(ENODEV);
        this.boundDevIf = number;
        return undefined;
      case 'rcvbuf':
        this.rcvbuf = Math.max(Math.min(number, SK_RMEM_MAX) * 2, SOCK_MIN_RCVBUF);
        return undefined;
      case 'sndbuf':
        this.sndbuf = Math.max(Math.min(number, SK_RMEM_MAX) * 2, 4608);
        return undefined;
      case 'mark':
        this.mark = number;
        return undefined;
      case 'ttl':
        if (number !== -1 && (number < 1 || number > 255)) return refuse(EINVAL);
        this.ucTtl = number;
        return undefined;
      case 'tos':
        this.tos = number & 0xff;
        this.priority = rtTos2priority(this.tos);
        return undefined;
      case 'multicastTtl':
        if (number < -1 || number > 255) return refuse(EINVAL);
        this.mcTtl = number === -1 ? 1 : number;
        return undefined;
      case 'multicastLoop':
        this.mcLoop = value === true;
        return undefined;
      case 'multicastIf':
        if (number !== 0 && this.ipv4.net.devByIndex(number) === undefined) return refuse(EADDRNOTAVAIL);
        this.mcIndex = number;
        return undefined;
      case 'recverr':
        this.recverr = value === true;
        if (!this.recverr) this.errorQueue.length = 0;
        return undefined;
      case 'hdrincl':
        if (this.type !== 'raw') return refuse(ENOPROTOOPT);
        this.hdrincl = value === true;
        return undefined;
      case 'mtuDiscover':
        if (number < 0 || number > 5) return refuse(EINVAL);
        this.pmtudisc = number;
        return undefined;
      case 'icmpFilter':
        if (this.type !== 'raw' || this.protocol !== 1) return refuse(EOPNOTSUPP);
        this.icmpFilter = number;
        return undefined;
      case 'reuseaddr':
        this.reuseaddr = value === true;
        return undefined;
      case 'dontroute':
        this.dontroute = value === true;
        return undefined;
      case 'ipOptions': {
        const bytes = value as Uint8Array;
        const options = bytes.length === 0 ? undefined : ipOptionsGet(this.ipv4, bytes);
        if (bytes.length > 0 && options === undefined) return refuse(EINVAL);
        this.optionBytes = bytes;
        this.sendOptions = options;
        return undefined;
      }
      default:
        return refuse(ENOPROTOOPT);
    }
  }

  getOption<K extends keyof SocketOptions>(name: K): SocketOptions[K] {
    const values: Required<SocketOptions> = {
      broadcast: this.broadcast,
      bindToIfindex: this.boundDevIf,
      rcvbuf: this.rcvbuf,
      sndbuf: this.sndbuf,
      mark: this.mark,
      ttl: this.ucTtl,
      tos: this.tos,
      multicastTtl: this.mcTtl,
      multicastLoop: this.mcLoop,
      multicastIf: this.mcIndex,
      recverr: this.recverr,
      hdrincl: this.hdrincl,
      mtuDiscover: this.pmtudisc,
      icmpFilter: this.icmpFilter,
      reuseaddr: this.reuseaddr,
      ipOptions: this.optionBytes,
      dontroute: this.dontroute,
      ignoreOutgoing: false,
      filter: undefined,
    };
    return values[name];
  }
}
