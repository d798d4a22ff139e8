/**
 * The event queue: what happens next, in virtual time.
 *
 * Two sources feed it. Timers go on a binary heap ordered by (time, sequence). Work that the kernel
 * defers by a constant short latency (a device's backlog, macvlan's broadcast work) goes on a ring:
 * since the latency is constant the ring is in time order by construction, and pushing to it and
 * taking from it cost a few nanoseconds. `step` takes whichever of the two is due first.
 *
 * Time is a plain number of nanoseconds since boot: exact up to 104 days.
 */

/** A timer's callback. `now` has already moved to the timer's time when it runs. */
export type TimerFunction = () => void;
/** Deferred work. It gets the two arguments given to {@link EventQueue.defer}. */
export type WorkFunction<A, B> = (a: A, b: B) => void;

/** A timer that has been armed. Cancelling twice, or after it ran, does nothing. */
export class Timer {
  declare readonly queue: EventQueue;
  /** What the timer is for, as shown when a run is stopped by its budget. */
  declare readonly label: string;
  declare readonly fn: TimerFunction;
  declare expires: number;
  declare seq: number;
  /** Position in the heap, or -1 when not pending. */
  index = -1;

  constructor(queue: EventQueue, label: string, fn: TimerFunction, expires: number, seq: number) {
    this.queue = queue;
    this.label = label;
    this.fn = fn;
    this.expires = expires;
    this.seq = seq;
  }

  get pending(): boolean {
    return this.index >= 0;
  }

  cancel(): void {
    this.queue.cancelTimer(this);
  }
}

/** The latency of deferred work, nanoseconds: what one softirq round costs on the reference machine. */
export const WORK_LATENCY = 1_500;
/** As many pieces of deferred work at a time before whoever caused them goes on: 10 rounds of 300 (kernel/softirq.c, netdev_budget). */
const DRAIN_LIMIT = 3_000;

const RING_START = 64;

export class EventQueue {
  /** Virtual time: nanoseconds since boot. */
  now = 0;
  /** Events run so far: the budget of a run counts these. */
  executed = 0;
  /** How many sections that deferred work must wait for are entered; an event that runs is one. */
  held = 0;
  /** More work was deferred than is done at a time: it runs as events, like ksoftirqd, until there is none left. */
  private overrun = false;
  private heap: Timer[] = [];
  private seq = 0;

  // The ring of deferred work, as parallel arrays.
  private ringFn: (WorkFunction<unknown, unknown> | undefined)[] = new Array(RING_START);
  private ringA: unknown[] = new Array(RING_START);
  private ringB: unknown[] = new Array(RING_START);
  private ringAt: Float64Array = new Float64Array(RING_START);
  private ringMask = RING_START - 1;
  private ringHead = 0;
  private ringCount = 0;

  /** Run `fn` in `delay` nanoseconds. */
  after(delay: number, label: string, fn: TimerFunction): Timer {
    const timer = new Timer(this, label, fn, this.now + Math.max(0, delay), this.seq++);
    this.push(timer);
    return timer;
  }

  /** Move a pending timer, or arm again one that ran: like mod_timer(). */
  rearm(timer: Timer, delay: number): void {
    this.cancelTimer(timer);
    timer.expires = this.now + Math.max(0, delay);
    timer.seq = this.seq++;
    this.push(timer);
  }

  /** Run `fn(a, b)` after {@link WORK_LATENCY}: the kernel's softirq and workqueue hand-overs. */
  defer<A, B>(fn: WorkFunction<A, B>, a: A, b: B): void {
    if (this.ringCount > this.ringMask) this.growRing();
    const slot = (this.ringHead + this.ringCount++) & this.ringMask;
    this.ringFn[slot] = fn as WorkFunction<unknown, unknown>;
    this.ringA[slot] = a;
    this.ringB[slot] = b;
    this.ringAt[slot] = this.now + WORK_LATENCY;
  }

  /**
   * The end of a section that was entered by `held++`. At the end of the outermost one the deferred work runs,
   * with all that it causes in turn: what a process sends has arrived when its system call returns.
   * @kernel kernel/softirq.c __local_bh_enable_ip
   */
  release(): void {
    this.held--;
    if (this.ringCount > 0 && this.held === 0) this.drain();
  }

  /** Run `fn` as a process would, though an event has called it: sections that it leaves are outermost ones. */
  asProcess(fn: () => void): void {
    const { held } = this;
    this.held = 0;
    fn();
    this.held = held;
  }

  /** Deferred pieces of work not yet run. */
  get deferred(): number {
    return this.ringCount;
  }

  /** Time of the next event, or Infinity. */
  get nextAt(): number {
    const work = this.ringCount > 0 ? this.ringAt[this.ringHead]! : Number.POSITIVE_INFINITY;
    const timer = this.heap.length > 0 ? this.heap[0]!.expires : Number.POSITIVE_INFINITY;
    return Math.min(work, timer);
  }

  /** Label of the next timer, for messages about runs that never end. */
  get nextLabel(): string | undefined {
    return this.ringCount > 0 ? 'softirq' : this.heap[0]?.label;
  }

  /** Run the next event. False when there is none. */
  step(): boolean {
    if (this.ringCount > 0) {
      const at = this.ringAt[this.ringHead]!;
      if (this.heap.length === 0 || at <= this.heap[0]!.expires) {
        this.runWork(at);
        if (this.ringCount === 0) this.overrun = false;
        return true;
      }
    }
    const timer = this.pop();
    if (timer === undefined) return false;
    if (timer.expires > this.now) this.now = timer.expires;
    this.executed++;
    this.held++;
    timer.fn();
    this.held--;
    return true;
  }

  /** Run everything due up to and including `time`, then set the clock to `time`. */
  runUntil(time: number): void {
    while (this.nextAt <= time) this.step();
    if (time > this.now) this.now = time;
  }

  cancelTimer(timer: Timer): void {
    const index = timer.index;
    if (index < 0) return;
    timer.index = -1;
    const last = this.heap.pop()!;
    if (last === timer) return;
    this.heap[index] = last;
    last.index = index;
    this.siftUp(index);
    this.siftDown(last.index);
  }

  private runWork(at: number): void {
    const slot = this.ringHead;
    const fn = this.ringFn[slot]!;
    const a = this.ringA[slot];
    const b = this.ringB[slot];
    this.ringFn[slot] = undefined;
    this.ringA[slot] = undefined;
    this.ringB[slot] = undefined;
    this.ringHead = (slot + 1) & this.ringMask;
    this.ringCount--;
    if (at > this.now) this.now = at;
    this.executed++;
    this.held++;
    fn(a, b);
    this.held--;
  }

  /** Run the deferred work, with all that it causes in turn. Timers, and the workers among them, wait. @kernel kernel/softirq.c do_softirq */
  drain(): void {
    if (this.overrun) return;
    for (let i = 0; this.ringCount > 0; i++) {
      if (i === DRAIN_LIMIT) {
        this.overrun = true;
        return;
      }
      this.runWork(this.ringAt[this.ringHead]!);
    }
  }

  private growRing(): void {
    const size = this.ringMask + 1;
    const order = (i: number) => (this.ringHead + i) & this.ringMask;
    const fn = new Array<WorkFunction<unknown, unknown> | undefined>(size * 2);
    const a = new Array<unknown>(size * 2);
    const b = new Array<unknown>(size * 2);
    const at = new Float64Array(size * 2);
    for (let i = 0; i < size; i++) {
      fn[i] = this.ringFn[order(i)];
      a[i] = this.ringA[order(i)];
      b[i] = this.ringB[order(i)];
      at[i] = this.ringAt[order(i)]!;
    }
    this.ringFn = fn;
    this.ringA = a;
    this.ringB = b;
    this.ringAt = at;
    this.ringHead = 0;
    this.ringMask = size * 2 - 1;
  }

  private push(timer: Timer): void {
    timer.index = this.heap.length;
    this.heap.push(timer);
    this.siftUp(timer.index);
  }

  private pop(): Timer | undefined {
    const top = this.heap[0];
    if (top === undefined) return undefined;
    top.index = -1;
    const last = this.heap.pop()!;
    if (last !== top) {
      this.heap[0] = last;
      last.index = 0;
      this.siftDown(0);
    }
    return top;
  }

  private siftUp(from: number): void {
    let i = from;
    const timer = this.heap[i]!;
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = this.heap[up]!;
      if (!before(timer, parent)) break;
      this.heap[i] = parent;
      parent.index = i;
      i = up;
    }
    this.heap[i] = timer;
    timer.index = i;
  }

  private siftDown(from: number): void {
    const heap = this.heap;
    const count = heap.length;
    const timer = heap[from];
    if (timer === undefined) return;
    let i = from;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= count) break;
      if (child + 1 < count && before(heap[child + 1]!, heap[child]!)) child++;
      const next = heap[child]!;
      if (!before(next, timer)) break;
      heap[i] = next;
      next.index = i;
      i = child;
    }
    heap[i] = timer;
    timer.index = i;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.expires < b.expires || (a.expires === b.expires && a.seq < b.seq);
}
