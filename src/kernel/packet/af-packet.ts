/**
 * Packet sockets: ears on devices, and frames sent as they are (net/packet/af_packet.c).
 */
import { EINVAL, EMSGSIZE, ENETDOWN, ENOBUFS, ENODEV, ENOPROTOOPT, ENXIO, EOPNOTSUPP } from '../../uapi/errno.ts';
import {
  ARPHRD_NONE,
  ETH_HLEN,
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_ALL,
  IFF_UP,
  PACKET_HOST,
  PACKET_LOOPBACK,
} from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type {
  FrameView,
  SockaddrIn,
  SockaddrLl,
  Socket,
  SocketError,
  SocketMessage,
  SocketOptions,
  SocketType,
} from '../../uapi/socket.ts';
import { macAt, u16At } from '../../wire/addr.ts';
import { VLAN_TAG_LENGTH, vlanTci } from '../../wire/vlan.ts';
import { devSetPromiscuity } from '../core/dev-rx-mode.ts';
import { devQueueXmit } from '../core/dev-xmit.ts';
import { devHardHeader } from '../core/hard-header.ts';
import type { Kernel } from '../core/kernel.ts';
import { type NetNamespace, PerNet } from '../core/net-namespace.ts';
import { NET_XMIT_DROP, type NetDevice } from '../core/netdevice.ts';
import { devAddPack, devRemovePack, type PacketTap } from '../core/packet-type.ts';
import { allocSkb, type SkBuff, skbPut } from '../core/skbuff.ts';
import { FrameRing } from './frame-ring.ts';

/** Bytes of frames a socket holds before it loses some: libpcap's ring, 2 MiB. */
const RING_SIZE = 2 * 1024 * 1024;

const sockets = new PerNet(() => new Set<PacketSocket>());

function isVlanType(protocol: number): boolean {
  return protocol === ETH_P_8021Q || protocol === ETH_P_8021AD;
}

/** Where the network header of an outgoing frame is: behind tags that are in the frame. */
function networkStart(skb: SkBuff, frame: number): number {
  const { networkHeader } = skb;
  return networkHeader > frame && networkHeader <= skb.tail ? networkHeader : frame + ETH_HLEN;
}

/**
 * What a frame with tags in it carries, for a socket that does not see them.
 * @kernel net/packet/af_packet.c vlan_get_protocol_dgram
 */
function vlanGetProtocolDgram(skb: SkBuff, frame: number): number {
  let at = frame + ETH_HLEN - 2;
  while (at + 2 <= skb.tail && isVlanType(u16At(skb.bytes, at))) at += VLAN_TAG_LENGTH;
  return at + 2 <= skb.tail ? u16At(skb.bytes, at) : 0;
}

class PacketSocket implements Socket, PacketTap {
  readonly type: SocketType;
  protocol: number;
  dev: NetDevice | undefined;
  onReadable: (() => void) | undefined;
  private readonly net: NetNamespace;
  private readonly ring = new FrameRing();
  private error = 0;
  private packets = 0;
  private drops = 0;
  /** Whose frames it hears. */
  private hooked: NetDevice | NetNamespace | undefined;
  private readonly memberships: NetDevice[] = [];
  private readonly options: SocketOptions = {
    broadcast: true,
    bindToIfindex: 0,
    rcvbuf: RING_SIZE,
    sndbuf: 212992,
    mark: 0,
    ttl: -1,
    tos: 0,
    multicastTtl: 1,
    multicastLoop: true,
    multicastIf: 0,
    recverr: false,
    hdrincl: false,
    mtuDiscover: 0,
    icmpFilter: 0,
    reuseaddr: false,
    ipOptions: new Uint8Array(0),
    ignoreOutgoing: false,
    filter: undefined,
  };
  private readonly view: { -readonly [K in keyof FrameView]: FrameView[K] } = {
    bytes: new Uint8Array(0),
    start: 0,
    end: 0,
    vlanTci: -1,
    vlanProtocol: 0,
    pktType: 0,
    ifindex: 0,
    protocol: 0,
  };

  constructor(net: NetNamespace, type: SocketType, protocol: number) {
    this.net = net;
    this.type = type;
    this.protocol = protocol;
    sockets.of(net).add(this);
    if (protocol !== 0) this.hook();
  }

  get sk(): object {
    return this;
  }

  get ignoreOutgoing(): boolean {
    return this.options.ignoreOutgoing;
  }

  get readable(): boolean {
    return this.ring.readable || this.error !== 0;
  }

  /** @kernel net/packet/af_packet.c packet_rcv */
  receive(skb: SkBuff, dev: NetDevice, outgoing: boolean): void {
    // A copy of a broadcast of our own: it has no link-layer header, and was seen as it went out.
    if (skb.pktType === PACKET_LOOPBACK) return;
    // A frame that an rx handler has given to a device of another namespace.
    if (skb.dev?.net !== this.net) return;
    const raw = this.type === 'packet-raw';
    const frame = outgoing ? skb.data : skb.macHeader;
    const inlineTag = !raw && isVlanType(skb.protocol);
    const start = raw ? frame : outgoing ? networkStart(skb, frame) : skb.data;
    const { view } = this;
    view.bytes = skb.bytes;
    view.start = start;
    view.end = skb.tail;
    view.vlanTci = skb.vlanTci;
    view.vlanProtocol = skb.vlanProto;
    view.pktType = skb.pktType;
    view.ifindex = dev.ifindex;
    view.protocol = skb.protocol;
    const length = skb.tail - start;
    const { filter } = this.options;
    const snaplen = filter === undefined ? length : Math.min(filter(view), length);
    if (filter !== undefined && snaplen <= 0) return;
    this.packets++;
    const slot = this.ring.put(skb, start, snaplen, this.options.rcvbuf);
    if (slot === undefined) {
      this.drops++;
      return;
    }
    slot.from.ifindex = dev.ifindex;
    slot.from.protocol = inlineTag ? vlanGetProtocolDgram(skb, frame) : skb.protocol;
    slot.from.pkttype = skb.pktType;
    slot.from.hatype = dev.type;
    slot.from.address = dev.addrLen === 6 ? macAt(skb.bytes, frame + 6) : 0;
    slot.timestamp = skb.tstamp === 0 ? skb.kernel.queue.now : skb.tstamp;
    slot.aux.len = length;
    slot.aux.vlanValid = skb.vlanTci >= 0 || inlineTag;
    slot.aux.vlanTci = skb.vlanTci >= 0 ? skb.vlanTci : inlineTag ? vlanTci(skb.bytes, frame) : 0;
    slot.aux.vlanTpid = skb.vlanTci >= 0 ? skb.vlanProto : inlineTag ? skb.protocol : 0;
    this.onReadable?.();
  }

  /** @kernel net/packet/af_packet.c packet_do_bind */
  bind(address: SockaddrIn | Pick<SockaddrLl, 'family' | 'ifindex' | 'protocol'>): Ack {
    if (address.family !== 'packet') return refuse(EINVAL);
    let dev: NetDevice | undefined;
    if (address.ifindex !== 0) {
      dev = this.net.devByIndex(address.ifindex);
      if (dev === undefined) return refuse(ENODEV);
    }
    this.unhook();
    if (address.protocol !== 0) this.protocol = address.protocol;
    this.dev = dev;
    if (this.protocol === 0) return undefined;
    if (dev === undefined || (dev.flags & IFF_UP) !== 0) this.hook();
    else {
      this.error = ENETDOWN;
      this.onReadable?.();
    }
    return undefined;
  }

  connect(): Ack {
    return refuse(EOPNOTSUPP);
  }

  getsockname(): SockaddrLl {
    const { dev } = this;
    return {
      family: 'packet',
      ifindex: dev?.ifindex ?? 0,
      protocol: this.protocol,
      pkttype: PACKET_HOST,
      hatype: dev?.type ?? ARPHRD_NONE,
      address: dev?.addr ?? 0,
    };
  }

  /** @kernel net/packet/af_packet.c packet_snd */
  send(data: Uint8Array, to?: SockaddrIn | Partial<SockaddrLl>): number {
    const address = to === undefined || to.family === 'inet' ? undefined : to;
    const dev = address?.ifindex === undefined ? this.dev : this.net.devByIndex(address.ifindex);
    if (dev === undefined) return -ENXIO;
    if ((dev.flags & IFF_UP) === 0) return -ENETDOWN;
    const raw = this.type === 'packet-raw';
    if (raw && data.length < ETH_HLEN) return -EINVAL;
    const length = raw ? data.length : data.length + ETH_HLEN;
    // A tagged frame may be longer by the tag.
    const tagged = raw && u16At(data, 12) === 0x8100;
    if (length > dev.mtu + dev.hardHeaderLen + (tagged ? 4 : 0)) return -EMSGSIZE;
    const protocol = address?.protocol ?? this.protocol;
    const skb = allocSkb(this.net.kernel, data.length, 'packet_snd');
    const at = skbPut(skb, data.length);
    skb.bytes.set(data, at);
    skb.dev = dev;
    skb.sk = this;
    skb.mark = this.options.mark;
    skb.networkHeader = raw ? at + ETH_HLEN : at;
    skb.transportHeader = skb.networkHeader;
    skb.protocol = protocol;
    if (!raw) devHardHeader(skb, dev, protocol, address?.address ?? 0);
    else if (protocol === 0 || protocol === ETH_P_ALL) skb.protocol = u16At(data, 12);
    return devQueueXmit(skb) === NET_XMIT_DROP ? -ENOBUFS : data.length;
  }

  /** The frame lies in the ring, and goes back to it at the next call. */
  recv(): SocketMessage | undefined {
    return this.ring.take();
  }

  recvError(): SocketError | undefined {
    return undefined;
  }

  takeError(): number {
    const { error } = this;
    this.error = 0;
    return error;
  }

  setOption<K extends keyof SocketOptions>(name: K, value: SocketOptions[K]): Ack {
    if (name === 'rcvbuf' && (value as number) < 256) return refuse(EINVAL);
    this.options[name] = value;
    return undefined;
  }

  getOption<K extends keyof SocketOptions>(name: K): SocketOptions[K] {
    return this.options[name];
  }

  addMembership(): Ack {
    return refuse(ENOPROTOOPT);
  }

  dropMembership(): Ack {
    return refuse(ENOPROTOOPT);
  }

  setPromiscuous(ifindex: number, on: boolean): Ack {
    const dev = this.net.devByIndex(ifindex);
    if (dev === undefined) return refuse(ENODEV);
    const at = this.memberships.indexOf(dev);
    if (on) {
      this.memberships.push(dev);
      devSetPromiscuity(dev, 1);
    } else if (at >= 0) {
      this.memberships.splice(at, 1);
      devSetPromiscuity(dev, -1);
    }
    return undefined;
  }

  statistics(): { packets: number; drops: number } {
    const counts = { packets: this.packets, drops: this.drops };
    this.packets = 0;
    this.drops = 0;
    return counts;
  }

  close(): void {
    this.unhook();
    for (const dev of this.memberships.splice(0)) devSetPromiscuity(dev, -1);
    sockets.of(this.net).delete(this);
    this.ring.clear();
    this.onReadable = undefined;
  }

  /** @kernel net/packet/af_packet.c packet_notifier */
  deviceEvent(event: string, dev: NetDevice): void {
    if (event === 'UNREGISTER') {
      for (let at = this.memberships.indexOf(dev); at >= 0; at = this.memberships.indexOf(dev)) {
        this.memberships.splice(at, 1);
        devSetPromiscuity(dev, -1);
      }
    }
    if (dev !== this.dev) return;
    if (event === 'UP') {
      if (this.protocol !== 0 && this.hooked === undefined) this.hook();
      return;
    }
    if (this.hooked !== undefined || event === 'UNREGISTER') {
      this.unhook();
      this.error = ENETDOWN;
      this.onReadable?.();
    }
    if (event === 'UNREGISTER') {
      this.dev = undefined;
      this.protocol = 0;
    }
  }

  private hook(): void {
    this.hooked = this.dev ?? this.net;
    devAddPack(this.hooked, this);
  }

  private unhook(): void {
    if (this.hooked !== undefined) devRemovePack(this.hooked, this);
    this.hooked = undefined;
  }
}

/** socket(AF_PACKET, ...). @kernel net/packet/af_packet.c packet_create */
export function packetCreate(net: NetNamespace, type: SocketType, protocol: number): Socket {
  return new PacketSocket(net, type, protocol);
}

export function registerPacket(kernel: Kernel): void {
  kernel.registerNotifier({
    name: 'packet',
    priority: 0,
    call(event, dev) {
      if (event === 'UP' || event === 'DOWN' || event === 'UNREGISTER') {
        for (const socket of [...(sockets.peek(dev.net) ?? [])]) socket.deviceEvent(event, dev);
      }
      return 0;
    },
  });
}
