/**
 * The trace: what happened to each frame, recorded at the choke points of the stack as numbers in a
 * typed ring. With nobody listening (`on` false) a choke point costs one test of a flag.
 *
 * A frame's journey is a tree: clones know their parent, each leaf ends with a reason. A decision not
 * to make a copy (TRACE_NO_COPY) is a step too: it is what no tool on Linux can show.
 */

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

/** Numbers per record: kind, frame, device, arg, note. */
const WIDTH = 5;

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
  /** Whether anybody listens; the stack tests it before it calls `record`. */
  on = false;
  private readonly capacity: number;
  private ring: Int32Array | undefined;
  private times: Float64Array | undefined;
  private count = 0;
  private drained = 0;
  private readonly texts: string[] = [''];
  private readonly textIds = new Map<string, number>([['', 0]]);
  /** Called when the ring is full, before the oldest record is overwritten; it should drain. */
  onFull: (() => void) | undefined;

  /** @param capacity how many records are kept */
  constructor(capacity = 1 << 16) {
    this.capacity = capacity;
  }

  /** Add a step. `note` must be one of a bounded set of texts: it is interned. */
  record(time: number, kind: number, skb: number, dev: number, arg: number, note: string): void {
    if (this.ring === undefined || this.times === undefined) {
      this.ring = new Int32Array(this.capacity * WIDTH);
      this.times = new Float64Array(this.capacity);
    }
    if (this.count - this.drained >= this.capacity && this.onFull !== undefined) this.onFull();
    const slot = this.count++ % this.capacity;
    let at = slot * WIDTH;
    this.times[slot] = time;
    this.ring[at++] = kind;
    this.ring[at++] = skb;
    this.ring[at++] = dev;
    this.ring[at++] = arg;
    this.ring[at] = note === '' ? 0 : this.intern(note);
  }

  /** The records added since the last drain, oldest first; those overwritten meanwhile are lost. */
  drain(): TraceRecord[] {
    const records: TraceRecord[] = [];
    const ring = this.ring;
    const times = this.times;
    if (ring === undefined || times === undefined) return records;
    for (let i = Math.max(this.drained, this.count - this.capacity); i < this.count; i++) {
      const slot = i % this.capacity;
      const at = slot * WIDTH;
      records.push({
        time: times[slot]!,
        kind: ring[at]!,
        skb: ring[at + 1]!,
        dev: ring[at + 2]!,
        arg: ring[at + 3]!,
        note: this.texts[ring[at + 4]!]!,
      });
    }
    this.drained = this.count;
    return records;
  }

  private intern(text: string): number {
    let id = this.textIds.get(text);
    if (id === undefined) {
      id = this.texts.length;
      this.texts.push(text);
      this.textIds.set(text, id);
    }
    return id;
  }
}
