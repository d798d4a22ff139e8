/**
 * A live capture as libpcap makes it on Linux: a packet socket with a filter in the kernel and a ring
 * of blocks that is handed over when its timer fires. So packets reach tcpdump in batches, a second
 * or a tenth of a second apart, unless immediate mode is on; a batch that was not handed over when
 * the capture is stopped is lost.
 */

import { type CompiledFilter, matchesPacket, socketFilter } from '../capture/filter/compile.ts';
import { mapToSocket } from '../capture/filter/cooked.ts';
import { DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2 } from '../capture/linktype.ts';
import type { Packet, Precision } from '../capture/packet.ts';
import { ENETDOWN } from '../uapi/errno.ts';
import { ARPHRD_ETHER, ARPHRD_LOOPBACK, ETH_P_8021Q, ETH_P_ALL, IFF_LOOPBACK, PACKET_OUTGOING } from '../uapi/if.ts';
import type { Process } from '../uapi/process.ts';
import { isRefusal } from '../uapi/result.ts';
import type { Socket, SocketMessage } from '../uapi/socket.ts';
import { putMac, putU16, putU32 } from '../wire/addr.ts';
import { VLAN_TAG_LENGTH } from '../wire/vlan.ts';

const SLL_HEADER = 16;
const SLL2_HEADER = 20;
/** Where a tag goes in an Ethernet header: behind the two addresses. */
const TAG_AT = 12;

export interface LiveSettings {
  device: string;
  dlt: number;
  snaplen: number;
  promiscuous: boolean;
  immediate: boolean;
  /** How long a block of the ring waits for more packets, nanoseconds. */
  blockTime: number;
  bufferSize: number;
  direction: 'in' | 'out' | 'inout' | undefined;
  precision: Precision;
}

/** Why a device cannot be captured on. */
export interface OpenError {
  error: string;
  /** Perhaps the name is the number of a device in the list. */
  noSuchDevice: boolean;
}

/** What waiting for packets ended with. */
export type Wait = 'packets' | 'signal' | 'disappeared' | 'timeout';

export class LiveCapture {
  readonly dlt: number;
  readonly snaplen: number;
  private readonly process: Process;
  private readonly socket: Socket;
  private readonly settings: LiveSettings;
  private readonly ifindex: number;
  private readonly loopbackIndex: number;
  /** Nanoseconds since boot when the ring was made: blocks are handed over at multiples of its time from there. */
  private readonly start: number;
  /** When the machine was booted: whole seconds since the epoch and nanoseconds. */
  private readonly bootSeconds: number;
  private readonly bootNanoseconds: number;
  private filter: CompiledFilter | undefined = undefined;
  /**
   * Packets pass the filter here as well: all of them, or those of the first block, which might have
   * come before the filter was set. What the kernel alone knows is not known here: of the first block
   * `inbound` takes nothing, nor does what lies behind the snapshot length.
   */
  private filteredHere: 'all' | 'first block' | 'none' = 'none';
  /** Packets of the block that is being read. */
  private taken = 0;
  private received = 0;
  private dropped = 0;

  private constructor(process: Process, socket: Socket, settings: LiveSettings, ifindex: number) {
    this.process = process;
    this.socket = socket;
    this.settings = settings;
    this.ifindex = ifindex;
    this.dlt = settings.dlt;
    this.snaplen = settings.snaplen;
    this.start = process.now();
    const loopback = process.task.rtnl.dumpLinks().find((link) => (link.flags & IFF_LOOPBACK) !== 0);
    this.loopbackIndex = loopback?.ifindex ?? -1;
    // A double holds nanoseconds since the epoch only to 256 of them; boot times are whole microseconds.
    const bootMicroseconds = Math.round((process.realtime() - process.now()) / 1000);
    this.bootSeconds = Math.floor(bootMicroseconds / 1_000_000);
    this.bootNanoseconds = (bootMicroseconds % 1_000_000) * 1000;
  }

  /** Whether the link type of the device is one of those that can be captured. */
  static open(process: Process, settings: LiveSettings): LiveCapture | OpenError {
    const { device } = settings;
    const missing = (): OpenError => ({
      error: `${device}: No such device exists\n(No such device exists)`,
      noSuchDevice: true,
    });
    const any = device === 'any';
    const ifindex = any ? 0 : device.length >= 16 ? 0 : process.task.ioctl.ifNameToIndex(device);
    if (!any && ifindex === 0) return missing();
    const socket = process.task.socket(any ? 'packet-dgram' : 'packet-raw', 0);
    if (isRefusal(socket))
      return { error: `${device}: You don't have permission to capture on that device`, noSuchDevice: false };
    socket.bind({ family: 'packet', ifindex, protocol: ETH_P_ALL });
    const name = socket.getsockname();
    const hatype = name.family === 'packet' ? name.hatype : 0;
    if (socket.takeError() === ENETDOWN) {
      socket.close();
      return { error: `${device}: That device is not up`, noSuchDevice: false };
    }
    if (!any && hatype !== ARPHRD_ETHER && hatype !== ARPHRD_LOOPBACK) {
      socket.close();
      return { error: `${device}: hardware type ${hatype} is not supported`, noSuchDevice: false };
    }
    if (settings.bufferSize > 0) socket.setOption('rcvbuf', settings.bufferSize);
    if (!any && settings.promiscuous) socket.setPromiscuous(ifindex, true);
    return new LiveCapture(process, socket, settings, ifindex);
  }

  /** Put the filter into the kernel, or run it here when it asks for what the kernel cannot see of a cooked frame. */
  setFilter(filter: CompiledFilter): void {
    const inKernel = this.dlt === DLT_EN10MB ? filter : mapToSocket(filter, this.dlt);
    this.filter = filter;
    this.filteredHere = inKernel === undefined ? 'all' : 'first block';
    if (inKernel !== undefined) this.socket.setOption('filter', socketFilter(inKernel));
  }

  /** Wait until packets are handed over; `until` in nanoseconds since boot ends the wait early. */
  async wait(until: number | undefined): Promise<Wait> {
    const { process, socket } = this;
    for (;;) {
      if (socket.takeError() !== 0 && this.gone()) return 'disappeared';
      const pending = socket.readable;
      if (pending && this.settings.immediate) return 'packets';
      const due = pending ? this.nextBlock() : undefined;
      const end = earlier(due, until);
      if (pending && due !== undefined && process.now() >= due) return 'packets';
      if (until !== undefined && process.now() >= until) return 'timeout';
      const timeout = end === undefined ? undefined : Math.max(0, end - process.now());
      const woken = await process.poll(pending ? [] : [socket], timeout);
      if (woken === 'signal') return 'signal';
      if (pending && woken === 'timeout' && process.now() >= due!) return 'packets';
    }
  }

  /** When the block that is being filled will be handed over. */
  private nextBlock(): number {
    const { blockTime } = this.settings;
    const blocks = Math.floor((this.process.now() - this.start) / blockTime);
    return this.start + (blocks + 1) * blockTime;
  }

  private gone(): boolean {
    const name = this.socket.getsockname();
    return this.ifindex !== 0 && name.family === 'packet' && name.ifindex === 0;
  }

  /** The next packet that was handed over, if it is wanted. `end` when there is none left. */
  next(): Packet | 'unwanted' | 'end' {
    const message = this.socket.recv();
    const blockEnds = message === undefined || this.settings.immediate;
    const passes = message !== undefined && (this.filteredHere === 'none' || this.passes(message));
    if (message !== undefined) this.taken++;
    if (blockEnds) {
      if (this.taken > 0 && this.filteredHere === 'first block') this.filteredHere = 'none';
      this.taken = 0;
    }
    if (message === undefined) return 'end';
    return passes && this.wanted(message) ? this.packetOf(message) : 'unwanted';
  }

  /** The filter over what the kernel gave of the frame, before a tag is put back. */
  private passes(message: SocketMessage): boolean {
    const { aux, data, from } = message;
    const header = this.dlt === DLT_EN10MB ? undefined : cookedHeader({ from }, this.dlt);
    const kept = data.subarray(0, this.snaplen);
    const captured = header === undefined ? kept : concatenate(header, kept);
    const tag = aux?.vlanValid ? aux.vlanTci : -1;
    return matchesPacket(this.filter!, captured, aux?.len ?? data.length, tag);
  }

  /** What goes out on loopback comes in again and is shown only once. */
  private wanted({ from }: SocketMessage): boolean {
    if (from.family !== 'packet') return false;
    const { direction } = this.settings;
    if (from.pkttype === PACKET_OUTGOING) return from.ifindex !== this.loopbackIndex && direction !== 'in';
    return direction !== 'out';
  }

  private packetOf(message: SocketMessage): Packet {
    const nanoseconds = this.bootNanoseconds + message.timestamp;
    const carried = Math.floor(nanoseconds / 1_000_000_000);
    const rest = Math.floor(nanoseconds - carried * 1_000_000_000);
    let { data } = message;
    let length = message.aux?.len ?? data.length;
    const header = this.dlt === DLT_EN10MB ? taggedHeader(message) : cookedHeader(message, this.dlt);
    if (header !== undefined) {
      const behind = this.dlt === DLT_EN10MB ? data.subarray(TAG_AT) : data;
      length += this.dlt === DLT_EN10MB ? VLAN_TAG_LENGTH : header.length;
      data = concatenate(header, behind);
    }
    return {
      seconds: this.bootSeconds + carried,
      fraction: this.settings.precision === 'nano' ? rest : Math.floor(rest / 1000),
      length,
      data: data.length > this.snaplen ? data.subarray(0, this.snaplen) : data,
    };
  }

  /** pcap_stats(). */
  statistics(): { received: number; dropped: number } {
    const { packets, drops } = this.socket.statistics();
    this.received += packets;
    this.dropped += drops;
    return { received: this.received, dropped: this.dropped };
  }

  close(): void {
    this.socket.close();
  }
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

/** The addresses of a frame with the tag that the kernel kept beside it; undefined without one. */
function taggedHeader({ data, aux }: SocketMessage): Uint8Array | undefined {
  if (aux === undefined || (!aux.vlanValid && aux.vlanTci === 0) || data.length < TAG_AT) return undefined;
  const header = new Uint8Array(TAG_AT + VLAN_TAG_LENGTH);
  header.set(data.subarray(0, TAG_AT));
  putU16(header, TAG_AT, aux.vlanTpid === 0 ? ETH_P_8021Q : aux.vlanTpid);
  putU16(header, TAG_AT + 2, aux.vlanTci);
  return header;
}

/** The header that stands for the link-layer header of a cooked capture. */
function cookedHeader({ from, aux }: Pick<SocketMessage, 'from' | 'aux'>, dlt: number): Uint8Array | undefined {
  if (from.family !== 'packet') return undefined;
  const addressLength = from.hatype === ARPHRD_ETHER || from.hatype === ARPHRD_LOOPBACK ? 6 : 0;
  if (dlt === DLT_LINUX_SLL2) {
    const header = new Uint8Array(SLL2_HEADER);
    putU16(header, 0, from.protocol);
    putU32(header, 4, from.ifindex);
    putU16(header, 8, from.hatype);
    header[10] = from.pkttype;
    header[11] = addressLength;
    putMac(header, 12, from.address);
    return header;
  }
  if (dlt !== DLT_LINUX_SLL) return undefined;
  const tagged = aux !== undefined && (aux.vlanValid || aux.vlanTci !== 0);
  const header = new Uint8Array(SLL_HEADER + (tagged ? VLAN_TAG_LENGTH : 0));
  putU16(header, 0, from.pkttype);
  putU16(header, 2, from.hatype);
  putU16(header, 4, addressLength);
  putMac(header, 6, from.address);
  if (tagged) {
    putU16(header, 14, aux.vlanTpid === 0 ? ETH_P_8021Q : aux.vlanTpid);
    putU16(header, 16, aux.vlanTci);
  }
  putU16(header, header.length - 2, from.protocol);
  return header;
}
