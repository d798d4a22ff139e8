/**
 * The trace: what happened to each frame, recorded at the choke points of the stack as numbers in a
 * typed ring. With nobody listening (`on` false) a choke point costs one test of a flag.
 *
 * A frame's journey is a tree: clones know their parent, each leaf ends with a reason. A decision not
 * to make a copy (TRACE_NO_COPY) is a step too: it is what no tool on Linux can show.
 */
import type { EventQueue } from '../../sim/queue.ts';

/** A frame was made. arg: the origin, an interned text. */
export const TRACE_ALLOC = 0;
/** A clone was made. arg: the parent's id. */
export const TRACE_CLONE = 1;
/** A device was given the frame to send (dev_hard_start_xmit). */
export const TRACE_XMIT = 2;
/** A device received the frame (each round of __netif_receive_skb_core). */
export const TRACE_RECEIVE = 3;
/** An rx handler returned. arg: its result; note: the handler. */
export const TRACE_HANDLER = 4;
/** A netfilter hook gave its verdict. arg: pf << 16 | hook << 8 | verdict. */
export const TRACE_HOOK = 5;
/** A route was looked up. arg: the error number or 0; note: the result in words. */
export const TRACE_FIB = 6;
/** The neighbour layer decided. arg: NUD state; note: what was done with the frame. */
export const TRACE_NEIGH = 7;
/** No copy was made for a device. arg: unused; note: why. */
export const TRACE_NO_COPY = 8;
/** The frame ended. arg: the reason; note: location and words. */
export const TRACE_END = 9;
/** The frame was given to a protocol or a socket. note: which. */
export const TRACE_DELIVER = 10;

export const TRACE_KIND_NAMES = [
  'alloc',
  'clone',
  'xmit',
  'receive',
  'handler',
  'hook',
  'fib',
  'neigh',
  'no-copy',
  'end',
  'deliver',
] as const;

/** Numbers per record: the frame; the device above HAS_NOTE and the kind; the argument. */
const WIDTH = 3;
const KIND_BITS = 4;
/** Most steps have no note: what the slot has of an older one then stays, and means nothing. */
const HAS_NOTE = 1 << KIND_BITS;
const DEV_SHIFT = KIND_BITS + 1;

/** One record, made on demand. */
export interface TraceRecord {
  /** Nanoseconds since boot. */
  time: number;
  kind: number;
  /** The frame's id. */
  skb: number;
  /** The device's number in the whole machine, 0 for none. */
  dev: number;
  arg: number;
  note: string;
}

export class Trace {
  private readonly clock: EventQueue;
  private listening = false;
  private readonly capacity: number;
  private ring = new Int32Array(0);
  private times = new Float64Array(0);
  /** The texts are constants of the stack: a slot refers to them, nothing is put together or looked up. */
  private notes: string[] = [];
  private locations: string[] = [];
  private next = 0;
  /** Records not drained yet, at most as many as the ring holds. */
  private waiting = 0;
  /** Called when the ring is full, before the oldest record is overwritten; it should drain. */
  onFull: (() => void) | undefined;

  /** @param capacity how many records are kept */
  constructor(clock: EventQueue, capacity = 1 << 13) {
    this.clock = clock;
    this.capacity = capacity;
  }

  /** Whether anybody listens; the stack tests it before it calls `record`. */
  get on(): boolean {
    return this.listening;
  }

  set on(listening: boolean) {
    if (listening && this.ring.length === 0) this.allocate();
    this.listening = listening;
  }

  /** Add a step, at the time that it is. `note`: words for people, a constant or a name that exists anyway. */
  record(kind: number, skb: number, dev: number, arg: number, note: string): void {
    if (this.waiting < this.capacity) this.waiting++;
    else if (this.onFull !== undefined) this.full(this.onFull);
    const { ring, next: slot } = this;
    this.next = slot + 1 === this.capacity ? 0 : slot + 1;
    const at = slot * WIDTH;
    let what = (dev << DEV_SHIFT) | kind;
    if (note !== '') {
      what |= HAS_NOTE;
      this.notes[slot] = note;
    }
    ring[at] = skb;
    ring[at + 1] = what;
    ring[at + 2] = arg;
    this.times[slot] = this.clock.now;
  }

  /** Add a frame's end, which has a place too: the kernel function. */
  recordEnd(skb: number, dev: number, reason: number, note: string, location: string): void {
    const slot = this.next;
    this.record(TRACE_END, skb, dev, reason, note);
    this.locations[slot] = location;
  }

  /** Who listens drains; otherwise the oldest record makes room for one more. */
  private full(listener: () => void): void {
    listener();
    if (this.waiting < this.capacity) this.waiting++;
  }

  /** The records added since the last drain, oldest first; those overwritten meanwhile are lost. */
  drain(): TraceRecord[] {
    const records: TraceRecord[] = [];
    const { ring, times, capacity } = this;
    for (let left = this.waiting; left > 0; left--) {
      const slot = (this.next + capacity - left) % capacity;
      const at = slot * WIDTH;
      const what = ring[at + 1]!;
      const kind = what & (HAS_NOTE - 1);
      const note = (what & HAS_NOTE) === 0 ? '' : this.notes[slot]!;
      records.push({
        time: times[slot]!,
        kind,
        skb: ring[at]!,
        dev: what >>> DEV_SHIFT,
        arg: ring[at + 2]!,
        note: kind === TRACE_END ? words(this.locations[slot]!, note) : note,
      });
    }
    this.waiting = 0;
    return records;
  }

  private allocate(): void {
    const { capacity } = this;
    this.ring = new Int32Array(capacity * WIDTH);
    this.times = new Float64Array(capacity);
    this.notes = new Array<string>(capacity).fill('');
    this.locations = new Array<string>(capacity).fill('');
  }
}

function words(location: string, note: string): string {
  return note === '' ? location : `${location}: ${note}`;
}
