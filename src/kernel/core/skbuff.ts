/**
 * The socket buffer: one frame on its way.
 *
 * The bytes are shared by clones and copied only when a holder of a shared buffer wants to write
 * ({@link skbEnsureWritable}). Headers are read in place, at offsets. A frame ends exactly once, by
 * {@link kfreeSkbReason} or {@link consumeSkb}; the {@link SkbLedger} counts, so that tests can check
 * that each frame made has ended or sits in a named queue.
 */
import { PACKET_HOST } from '../../uapi/if.ts';
import { putU16, u16At } from '../../wire/addr.ts';
import { type DropReason, REASON } from './drop-reason.ts';
import type { Kernel } from './kernel.ts';
import type { NetDevice } from './netdevice.ts';
import { TRACE_ALLOC, TRACE_CLONE, TRACE_NO_COPY } from './trace.ts';

/** Room in front of a new frame for the headers and tags of the devices below (NET_SKB_PAD + LL_MAX_HEADER). */
export const SKB_HEADROOM = 64;

/** Checksum states (include/linux/skbuff.h). */
export const CHECKSUM_NONE = 0;
export const CHECKSUM_UNNECESSARY = 1;
/** The transport checksum field holds the pseudo-header sum only, as for a device that fills in the rest. */
export const CHECKSUM_PARTIAL = 3;

/** Queues in which a frame may rest. */
export const QUEUE_BACKLOG = 0;
export const QUEUE_MACVLAN_BROADCAST = 1;
export const QUEUE_NEIGHBOUR = 2;
export const QUEUE_REASSEMBLY = 3;
export const QUEUE_OTHER = 4;
const QUEUE_NAMES = ['backlog', 'macvlan broadcast', 'neighbour', 'reassembly', 'other'] as const;

/** Counts of frames made, ended, and resting, for one machine. */
export class SkbLedger {
  made = 0;
  ended = 0;
  readonly resting: Int32Array = new Int32Array(QUEUE_NAMES.length);

  /** Frames that have neither ended nor rest in a queue: 0 whenever the stack is idle. */
  get lost(): number {
    let resting = 0;
    for (const count of this.resting) resting += count;
    return this.made - this.ended - resting;
  }

  /** Frames by queue, for messages. */
  restingByName(): Record<string, number> {
    return Object.fromEntries(QUEUE_NAMES.map((name, i) => [name, this.resting[i]!]));
  }
}

/** The bytes that clones, and captures of a frame, share. */
export interface SkbHead {
  readonly bytes: Uint8Array;
  /** Frames and captures that point at the bytes. */
  users: number;
}

const SMALL = 256;
const LARGE = 2048;
const POOL_LIMIT = 4096;

/** Buffers whose last frame has ended, for reuse: making one costs more than all else on a short path. */
const smallPool: SkbHead[] = [];
const largePool: SkbHead[] = [];

function takeHead(size: number): SkbHead {
  if (size <= SMALL) return smallPool.pop() ?? { bytes: new Uint8Array(SMALL), users: 0 };
  if (size <= LARGE) return largePool.pop() ?? { bytes: new Uint8Array(LARGE), users: 0 };
  return { bytes: new Uint8Array(size), users: 0 };
}

/** One user less; the last gives the bytes back. */
export function dropHead(head: SkbHead): void {
  if (--head.users > 0) return;
  const size = head.bytes.length;
  if (size === SMALL) {
    if (smallPool.length < POOL_LIMIT) smallPool.push(head);
  } else if (size === LARGE && largePool.length < POOL_LIMIT) largePool.push(head);
}

/**
 * The bytes of a frame as they are now, for somebody who looks at them later: until {@link dropHead} nobody writes
 * to them, since a frame that shares its bytes copies them first.
 */
export function holdHead(skb: SkBuff): SkbHead {
  const head = skb.sharedHead;
  head.users++;
  return head;
}

/** The same of a copy of the `count` bytes at `start`, which stand at offset 0 of it. */
export function copyToHead(bytes: Uint8Array, start: number, count: number): SkbHead {
  const head = takeHead(count);
  head.users = 1;
  head.bytes.set(bytes.subarray(start, start + count));
  return head;
}

/** What a route lookup left on a frame; the ipv4 layer defines more. */
export interface DstEntry {
  readonly input: ((skb: SkBuff) => void) | undefined;
  readonly output: ((skb: SkBuff) => void) | undefined;
}

/**
 * Its fields are declared without being defined, as in other classes that each packet meets: a field that is
 * defined first and set by the constructor later is written twice, and V8 no longer knows what it holds.
 */
export class SkBuff {
  declare readonly kernel: Kernel;
  /** Number of the frame in the trace, from 1. */
  declare readonly id: number;
  declare private head: SkbHead;
  /** The shared bytes. Write only after {@link skbEnsureWritable}. */
  declare bytes: Uint8Array;
  /** Offset of the first byte of the current layer (skb->data). */
  declare data: number;
  /** Offset after the last byte (skb->tail). */
  declare tail: number;
  declare macHeader: number;
  declare networkHeader: number;
  declare transportHeader: number;
  /** ETH_P_*, host order: the type of what follows the link-layer header. */
  declare protocol: number;
  /** PACKET_*: who the frame is for, as seen by `dev`. */
  declare pktType: number;
  /** The device the frame is on: received by, or to be sent by. */
  declare dev: NetDevice | undefined;
  /** Index of the device it came in by (skb_iif), 0 for frames of our own. */
  declare skbIif: number;
  /** The VLAN tag kept beside the frame, -1 for none; and its protocol. */
  declare vlanTci: number;
  declare vlanProto: number;
  declare mark: number;
  declare priority: number;
  declare ipSummed: number;
  /** Nanoseconds since boot, set when a tap or socket first sees it; 0 until then. */
  declare tstamp: number;
  declare dst: DstEntry | undefined;
  /** The socket that sent it. */
  declare sk: object | undefined;
  /** Connection tracking: the entry (or a template), and IP_CT_* of this packet. */
  declare nfct: object | undefined;
  declare nfctInfo: number;
  /** struct nf_bridge_info, while br_netfilter has the frame. */
  declare nfBridge: object | undefined;
  /** IPCB()->flags, IPSKB_*. */
  declare ipFlags: number;
  /** Private to the layer that has the frame now (skb->cb). */
  declare cb: number;
  /** The frame has ended; nothing may touch it any more. */
  declare ended: boolean;

  /** Use {@link allocSkb} or {@link skbClone}. */
  constructor(kernel: Kernel, id: number, head: SkbHead, data: number, tail: number) {
    head.users++;
    this.kernel = kernel;
    this.id = id;
    this.head = head;
    this.bytes = head.bytes;
    this.data = data;
    this.tail = tail;
    this.macHeader = -1;
    this.networkHeader = -1;
    this.transportHeader = -1;
    this.protocol = 0;
    this.pktType = PACKET_HOST;
    this.dev = undefined;
    this.skbIif = 0;
    this.vlanTci = -1;
    this.vlanProto = 0;
    this.mark = 0;
    this.priority = 0;
    this.ipSummed = CHECKSUM_NONE;
    this.tstamp = 0;
    this.dst = undefined;
    this.sk = undefined;
    this.nfct = undefined;
    this.nfctInfo = 0;
    this.nfBridge = undefined;
    this.ipFlags = 0;
    this.cb = 0;
    this.ended = false;
  }

  /** Bytes from `data` on. */
  get len(): number {
    return this.tail - this.data;
  }

  get shared(): boolean {
    return this.head.users > 1;
  }

  /** @internal the head, for skbClone and the frees */
  get sharedHead(): SkbHead {
    return this.head;
  }

  /** @internal */
  replaceHead(head: SkbHead): void {
    dropHead(this.head);
    this.head = head;
    head.users++;
    this.bytes = head.bytes;
  }

  /**
   * Step back over `count` bytes (skb_push): the new start. What lies there is what was pulled before;
   * to write something new there, call {@link skbCowHead} first.
   */
  push(count: number): number {
    if (this.data < count) skbCowHead(this, count);
    this.data -= count;
    return this.data;
  }

  /** Step over `count` bytes (skb_pull). */
  pull(count: number): void {
    this.data += count;
  }
}

/**
 * A new frame with `size` bytes of room after the headroom; `data` and `tail` stand at its start.
 * @kernel net/core/skbuff.c __alloc_skb
 * @param origin what makes it, for the trace
 */
export function allocSkb(kernel: Kernel, size: number, origin: string): SkBuff {
  const ledger = kernel.skbs;
  const skb = new SkBuff(kernel, ++ledger.made, takeHead(SKB_HEADROOM + size), SKB_HEADROOM, SKB_HEADROOM);
  if (kernel.trace.on) kernel.trace.record(TRACE_ALLOC, skb.id, 0, 0, origin);
  return skb;
}

/** A new frame holding a copy of `frame`, which begins with a link-layer header when `mac` is true. */
export function skbFromBytes(kernel: Kernel, frame: Uint8Array, origin: string, mac = true): SkBuff {
  const skb = allocSkb(kernel, frame.length, origin);
  skb.bytes.set(frame, skb.data);
  skb.tail = skb.data + frame.length;
  if (mac) skb.macHeader = skb.data;
  return skb;
}

/**
 * Another frame over the same bytes: the only way to make a copy of a frame.
 * @kernel net/core/skbuff.c skb_clone
 */
export function skbClone(parent: SkBuff): SkBuff {
  const kernel = parent.kernel;
  const skb = new SkBuff(kernel, ++kernel.skbs.made, parent.sharedHead, parent.data, parent.tail);
  skb.macHeader = parent.macHeader;
  skb.networkHeader = parent.networkHeader;
  skb.transportHeader = parent.transportHeader;
  skb.protocol = parent.protocol;
  skb.pktType = parent.pktType;
  skb.dev = parent.dev;
  skb.skbIif = parent.skbIif;
  skb.vlanTci = parent.vlanTci;
  skb.vlanProto = parent.vlanProto;
  skb.mark = parent.mark;
  skb.priority = parent.priority;
  skb.ipSummed = parent.ipSummed;
  skb.tstamp = parent.tstamp;
  skb.dst = parent.dst;
  skb.nfct = parent.nfct;
  skb.nfctInfo = parent.nfctInfo;
  skb.nfBridge = parent.nfBridge;
  skb.ipFlags = parent.ipFlags;
  skb.cb = parent.cb;
  if (kernel.trace.on) {
    kernel.trace.record(TRACE_CLONE, skb.id, parent.dev?.uid ?? 0, parent.id, '');
  }
  return skb;
}

/**
 * After this the frame's bytes are its own and may be written, at the offsets where they were.
 * @kernel include/linux/skbuff.h skb_ensure_writable
 */
export function skbEnsureWritable(skb: SkBuff): void {
  if (skb.shared) reallocate(skb, startOf(skb));
}

/**
 * After this the frame's bytes are its own, with at least `headroom` bytes in front of `data`.
 * @kernel include/linux/skbuff.h skb_cow_head
 */
export function skbCowHead(skb: SkBuff, headroom: number): void {
  if (skb.shared || skb.data < headroom) reallocate(skb, Math.max(headroom, SKB_HEADROOM));
}

/** The link-layer header may lie in front of `data`: it belongs to the frame too. */
function startOf({ macHeader, data }: SkBuff): number {
  return macHeader >= 0 && macHeader < data ? macHeader : data;
}

/** The frame gets a copy of its bytes, with `headroom` bytes in front of the first of them. */
function reallocate(skb: SkBuff, headroom: number): void {
  const old = skb.bytes;
  const from = startOf(skb);
  const room = headroom + (skb.data - from);
  const head = takeHead(room + (skb.tail - from));
  head.bytes.set(old.subarray(from, skb.tail), room - (skb.data - from));
  const shift = room - skb.data;
  skb.replaceHead(head);
  skb.data += shift;
  skb.tail += shift;
  if (skb.macHeader >= 0) skb.macHeader += shift;
  if (skb.networkHeader >= 0) skb.networkHeader += shift;
  if (skb.transportHeader >= 0) skb.transportHeader += shift;
}

/** Room for `count` more bytes at the end (skb_put): offset of the first of them. */
export function skbPut(skb: SkBuff, count: number): number {
  const at = skb.tail;
  if (skb.shared || at + count > skb.bytes.length) {
    const old = skb.bytes;
    const head = takeHead(at + count);
    head.bytes.set(old.subarray(0, at), 0);
    skb.replaceHead(head);
  }
  skb.tail = at + count;
  return at;
}

/**
 * The frame ends because it was dropped.
 * @kernel net/core/skbuff.c kfree_skb_reason
 * @param location the kernel function that drops it
 * @param note what a person should know; one of a bounded set of texts
 */
export function kfreeSkbReason(skb: SkBuff, reason: DropReason, location: string, note = ''): void {
  end(skb, reason, location, note);
}

/**
 * The frame ends because it arrived.
 * @kernel net/core/skbuff.c consume_skb
 * @param location who took it
 */
export function consumeSkb(skb: SkBuff, location: string): void {
  end(skb, REASON.CONSUMED, location, '');
}

function end(skb: SkBuff, reason: DropReason, location: string, note: string): void {
  if (skb.ended) throw new Error(`frame ${skb.id} ended twice (${location} ${note})`);
  skb.ended = true;
  const kernel = skb.kernel;
  kernel.skbs.ended++;
  dropHead(skb.sharedHead);
  if (kernel.trace.on) {
    kernel.trace.recordEnd(skb.id, skb.dev?.uid ?? 0, reason, note, location);
  }
}

/** A decision not to give `dev` a copy of the frame, and why. Costs a flag test when nobody listens. */
export function traceNoCopy(skb: SkBuff, dev: NetDevice, why: string): void {
  const { trace } = skb.kernel;
  if (trace.on) trace.record(TRACE_NO_COPY, skb.id, dev.uid, 0, why);
}

/** Any other step of a frame; see the TRACE_ constants for `kind` and `arg`. */
export function traceStep(skb: SkBuff, kind: number, dev: NetDevice | undefined, arg: number, note: string): void {
  const { trace } = skb.kernel;
  if (trace.on) trace.record(kind, skb.id, dev?.uid ?? 0, arg, note);
}

/** The frame now rests in a queue (or has left it): kept for the leak check. */
export function skbRests(skb: SkBuff, queue: number): void {
  skb.kernel.skbs.resting[queue]!++;
}
export function skbLeaves(skb: SkBuff, queue: number): void {
  skb.kernel.skbs.resting[queue]!--;
}

/**
 * Move the tag kept beside the frame into it, right after the addresses. `data` must stand at the
 * link-layer header.
 * @kernel include/linux/if_vlan.h __vlan_hwaccel_push_inside
 */
export function vlanHwaccelPushInside(skb: SkBuff): void {
  const tci = skb.vlanTci;
  const proto = skb.vlanProto;
  vlanInsertTag(skb, proto, tci);
  skb.protocol = proto;
  skb.vlanTci = -1;
}

/** Write a tag into the frame after the addresses; `data` stands at the link-layer header. */
export function vlanInsertTag(skb: SkBuff, proto: number, tci: number): void {
  skbCowHead(skb, 4);
  const start = skb.push(4);
  const bytes = skb.bytes;
  bytes.copyWithin(start, start + 4, start + 16);
  putU16(bytes, start + 12, proto);
  putU16(bytes, start + 14, tci);
  skb.macHeader = start;
}

/**
 * Take a tag out of a received frame and keep it beside: `data` stands behind the Ethernet header,
 * at the tag. False, with the frame freed, when it is cut short.
 * @kernel net/core/skbuff.c skb_vlan_untag
 */
export function skbVlanUntag(skb: SkBuff): boolean {
  if (skb.vlanTci >= 0) return true;
  if (skb.len < 4) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'skb_vlan_untag', 'frame cut short in its VLAN tag');
    return false;
  }
  skbEnsureWritable(skb);
  const bytes = skb.bytes;
  const at = skb.data;
  skb.vlanTci = u16At(bytes, at);
  skb.vlanProto = skb.protocol;
  skb.protocol = u16At(bytes, at + 2);
  // What is before the tag moves up by its four bytes: the addresses, and tags that a VLAN device has put back. The
  // type field of the inner frame stays where it is.
  bytes.copyWithin(skb.macHeader + 4, skb.macHeader, at - 2);
  skb.macHeader += 4;
  skb.data = at + 4;
  skb.networkHeader = skb.data;
  if (skb.protocol < 0x600) skb.protocol = 0x0004;
  return true;
}
