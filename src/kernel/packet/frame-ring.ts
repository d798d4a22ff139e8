/**
 * Where a packet socket keeps the frames it heard until they are read. A slot holds the bytes of the frame
 * itself, which whoever changes the frame later copies first; so a frame that many sockets hear is not copied.
 * The slots are used again and again, like those of a ring that the kernel shares with libpcap.
 */
import type { SocketMessage } from '../../uapi/socket.ts';
import { copyToHead, dropHead, holdHead, type SkBuff, type SkbHead } from '../core/skbuff.ts';

/** What a frame takes in the ring beside its bytes (struct tpacket3_hdr and the address). */
const FRAME_OVERHEAD = 80;
/** Slots kept for frames to come; a longer queue leaves its slots to the collector. */
const SPARE_SLOTS = 256;

class FrameSlot implements SocketMessage {
  readonly from = { family: 'packet' as const, ifindex: 0, protocol: 0, pkttype: 0, hatype: 0, address: 0 };
  readonly aux = { len: 0, snaplen: 0, vlanTci: 0, vlanTpid: 0, vlanValid: false };
  timestamp = 0;
  next: FrameSlot | undefined = undefined;
  readonly ttl = 0;
  readonly tos = 0;
  private head: SkbHead | undefined = undefined;
  private start = 0;
  private view: Uint8Array | undefined = undefined;

  get data(): Uint8Array {
    this.view ??= this.head!.bytes.subarray(this.start, this.start + this.aux.snaplen);
    return this.view;
  }

  hold(head: SkbHead, start: number, length: number): void {
    this.head = head;
    this.start = start;
    this.aux.snaplen = length;
  }

  release(): void {
    dropHead(this.head!);
    this.head = undefined;
    this.view = undefined;
  }
}

export class FrameRing {
  private first: FrameSlot | undefined = undefined;
  private last: FrameSlot | undefined = undefined;
  /** The slot that is being read. */
  private taken: FrameSlot | undefined = undefined;
  private readonly spare: FrameSlot[] = [];
  /** Bytes of the frames that wait, with their overhead. */
  private used = 0;

  get readable(): boolean {
    return this.first !== undefined;
  }

  /**
   * Keep `length` bytes of the frame from `start` on. The caller says the rest about it in the slot; undefined when
   * the ring would hold more than `size` bytes.
   */
  put(skb: SkBuff, start: number, length: number, size: number): FrameSlot | undefined {
    const room = length + FRAME_OVERHEAD;
    if (this.used + room > size) return undefined;
    this.used += room;
    const slot = this.spare.pop() ?? new FrameSlot();
    // A little of a large buffer is copied, so that what waits takes at most about twice of what is counted.
    if (skb.bytes.length > 2 * room) slot.hold(copyToHead(skb.bytes, start, length), 0, length);
    else slot.hold(holdHead(skb), start, length);
    if (this.last === undefined) this.first = slot;
    else this.last.next = slot;
    this.last = slot;
    return slot;
  }

  /** The next frame. It stays what it is until this is called again. */
  take(): SocketMessage | undefined {
    if (this.taken !== undefined) this.giveBack(this.taken);
    const slot = this.first;
    this.taken = slot;
    if (slot === undefined) return undefined;
    this.first = slot.next;
    if (this.first === undefined) this.last = undefined;
    slot.next = undefined;
    this.used -= slot.aux.snaplen + FRAME_OVERHEAD;
    return slot;
  }

  clear(): void {
    while (this.take() !== undefined);
  }

  private giveBack(slot: FrameSlot): void {
    slot.release();
    if (this.spare.length < SPARE_SLOTS) this.spare.push(slot);
  }
}
