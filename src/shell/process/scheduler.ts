/**
 * The baton. One thread runs at a time, from the moment it is resumed until it blocks: so what a run
 * prints depends on nothing but the run itself. Runnable threads wait in a FIFO; when there is none,
 * the next event happens, and only then does virtual time move.
 *
 * A thread that blocks hands the baton to the next one itself ({@link Scheduler.block}); there is no
 * central loop. A thread that awaits anything else (a library loading, say) simply keeps the baton.
 * Waiting is always a loop around `block`: being woken means only that it is worth looking again.
 */
import type { EventQueue } from '../../sim/queue.ts';
import type { SignalName } from '../../uapi/process.ts';
import { ProcessKilled } from '../../uapi/process.ts';
import { SIGKILL, signalName } from './signals.ts';

const BLOCKED = 0;
const READY = 1;
export const RUNNING = 2;
const DONE = 3;

/** Something that the scheduler runs: a process, or the host that waits for one. */
export class Thread {
  state: 0 | 1 | 2 | 3 = BLOCKED;
  resume: (() => void) | undefined = undefined;
  reject: ((reason: ProcessKilled) => void) | undefined = undefined;
  /** Set once, by a fatal signal: every wait from now on is rejected with it. */
  fatal: ProcessKilled | undefined = undefined;
  /** Number of the fatal signal. */
  fatalSignal = 0;
  /** SIGSTOP: runnable, but not run. */
  stopped = false;
  /** Short builtin commands since the thread last waited: see {@link Scheduler.spin}. */
  spins = 0;
}

/** Threads waiting for one thing. */
export class WaitQueue {
  private first: Thread | undefined = undefined;
  private more: Thread[] | undefined = undefined;

  add(thread: Thread): void {
    if (this.first === undefined || this.first === thread) this.first = thread;
    else if (this.more === undefined) this.more = [thread];
    else if (!this.more.includes(thread)) this.more.push(thread);
  }

  wake(scheduler: Scheduler): void {
    const { first, more } = this;
    if (first === undefined) return;
    this.first = undefined;
    this.more = undefined;
    scheduler.wake(first);
    if (more !== undefined) for (const thread of more) scheduler.wake(thread);
  }
}

/** What a run may use before it is stopped. Undefined means no limit. */
export interface Limits {
  /** Events of the kernel and timers. */
  events?: number;
  /** Nanoseconds of virtual time. */
  time?: number;
  /** Processes alive at once. */
  processes?: number;
  /** Bytes held in files. */
  bytes?: number;
  /** Builtin commands run without virtual time moving on for another reason. */
  spins?: number;
}

/** Why a run was stopped. */
export interface Stop {
  reason: 'events' | 'time' | 'processes' | 'bytes' | 'spins' | 'deadlock' | 'closed';
  /** One sentence for people, without a newline. */
  message: string;
}

/** Real time, for a run at real pace. */
export interface Pace {
  /** Real nanoseconds on a monotonic clock. */
  now(): number;
  /** Resolves after about `ns` real nanoseconds. */
  wait(ns: number): Promise<void>;
}

/** Builtin commands that take a millisecond together: what bash needs for them on the reference machine, roughly. */
const SPINS_PER_TICK = 1000;
const SPIN_TICK = 1_000_000;
/** Longest single real wait, so that no host timer outlives its use for long. */
const PACE_SLICE = 100_000_000;
/** At full speed, let the host breathe after so many turns of the loop. */
const BREATHE_EVERY = 50_000;

export class Scheduler {
  readonly queue: EventQueue;
  readonly limits: Limits;
  readonly pace: Pace | undefined;
  private readonly breathe: (() => Promise<void>) | undefined;
  /** Says what keeps the machine busy, for the message of a stopped run. */
  private readonly diagnose: (() => string | undefined) | undefined;
  private ready: Thread[] = [];
  private readyHead = 0;
  /** Set once; {@link onStop} has then made every thread end. */
  stop: Stop | undefined = undefined;
  onStop: (() => void) | undefined = undefined;
  /** Threads that wait for the world outside: with some, silence is not a deadlock. */
  external = 0;
  private turns = 0;
  private totalSpins = 0;
  private kickHost: (() => void) | undefined = undefined;
  private paceStart: { real: number; virtual: number } | undefined = undefined;

  constructor(
    queue: EventQueue,
    options: { limits?: Limits; pace?: Pace; breathe?: () => Promise<void>; diagnose?: () => string | undefined },
  ) {
    this.queue = queue;
    this.limits = options.limits ?? {};
    this.pace = options.pace;
    this.breathe = options.breathe;
    this.diagnose = options.diagnose;
  }

  /** Give the baton away until woken. Rejects with ProcessKilled when a fatal signal comes or came. */
  block(thread: Thread): Promise<void> {
    if (thread.fatal !== undefined) return Promise.reject(thread.fatal);
    thread.state = BLOCKED;
    thread.spins = 0;
    return this.suspend(thread);
  }

  /** Go to the end of the run queue. */
  yield(thread: Thread): Promise<void> {
    if (thread.fatal !== undefined) return Promise.reject(thread.fatal);
    if (this.idle) return Promise.resolve();
    if (thread.state !== READY) this.enqueue(thread);
    return this.suspend(thread);
  }

  private suspend(thread: Thread): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      thread.resume = resolve;
      thread.reject = reject;
    });
    this.dispatch();
    return promise;
  }

  /** Make a blocked thread runnable; nothing for one that is not blocked. */
  wake(thread: Thread): void {
    if (thread.state === BLOCKED) this.enqueue(thread);
  }

  /** Put a new thread at the end of the run queue. */
  start(thread: Thread, main: () => void): void {
    thread.resume = () => void Promise.resolve().then(main);
    thread.reject = thread.resume;
    this.enqueue(thread);
  }

  /** The thread ends: the baton goes to the next one. */
  exit(thread: Thread): void {
    thread.state = DONE;
    this.dispatch();
  }

  /** The thread has nothing to do until it is started again: the baton goes to the next one. */
  park(thread: Thread): void {
    thread.state = BLOCKED;
    thread.resume = undefined;
    thread.reject = undefined;
    this.dispatch();
  }

  /** Real time begins to count anew: the host has been busy with something else. */
  resetPace(): void {
    this.paceStart = undefined;
  }

  /** End a thread by a signal: whatever it waits for is rejected when its turn comes. */
  kill(thread: Thread, signal: number): void {
    if (thread.fatal !== undefined || thread.state === DONE) return;
    thread.fatal = new ProcessKilled((signalName(signal) ?? 'KILL') as SignalName);
    thread.fatalSignal = signal;
    thread.stopped = false;
    this.wake(thread);
  }

  /** Whether nobody waits for the baton. */
  get idle(): boolean {
    return this.readyHead === this.ready.length;
  }

  /**
   * Let `ns` pass for the running thread without giving up the baton, which is right as long as
   * nobody else can use it. False, with the time partly spent, when somebody became runnable or time is real.
   */
  elapse(until: number): boolean {
    if (this.pace !== undefined) return false;
    const queue = this.queue;
    while (queue.nextAt <= until) {
      if (this.readyHead !== this.ready.length || this.stop !== undefined) return false;
      this.step();
    }
    if (this.readyHead !== this.ready.length) return false;
    if (until > queue.now) queue.now = until;
    // The timer that was not needed counts as an event: a program that sleeps for ever must not escape the budget.
    queue.executed++;
    this.checkBudget();
    return this.stop === undefined;
  }

  /**
   * Count a builtin command. One is too short to cost time, but a loop of them must not keep the
   * world from going on: after a thousand, true says that the thread must sleep {@link SPIN_TICK}.
   */
  spin(thread: Thread): boolean {
    if (++thread.spins < SPINS_PER_TICK) return false;
    this.totalSpins += thread.spins;
    thread.spins = 0;
    const limit = this.limits.spins;
    if (limit !== undefined && this.totalSpins > limit) {
      this.halt('spins', `${limit} shell commands were run; the script loops without end`);
    }
    return true;
  }

  get spinTick(): number {
    return SPIN_TICK;
  }

  /** Stop the run: every thread ends. */
  halt(reason: Stop['reason'], message: string): void {
    if (this.stop !== undefined) return;
    this.stop = { reason, message };
    this.onStop?.();
    this.kick();
  }

  /** Something happened outside (input, a signal): look again at who can run. */
  kick(): void {
    const kick = this.kickHost;
    this.kickHost = undefined;
    kick?.();
  }

  private enqueue(thread: Thread): void {
    thread.state = READY;
    this.ready.push(thread);
  }

  private take(): Thread | undefined {
    const ready = this.ready;
    while (this.readyHead < ready.length) {
      const thread = ready[this.readyHead++]!;
      if (this.readyHead === ready.length) {
        ready.length = 0;
        this.readyHead = 0;
      } else if (this.readyHead > 1024) {
        ready.splice(0, this.readyHead);
        this.readyHead = 0;
      }
      if (thread.state === DONE) continue;
      if (!thread.stopped && thread.resume !== undefined) return thread;
      thread.state = BLOCKED;
    }
    return undefined;
  }

  private dispatch(): void {
    for (;;) {
      const next = this.take();
      if (next !== undefined) {
        if (this.breathe !== undefined && ++this.turns >= BREATHE_EVERY) {
          this.turns = 0;
          void this.breathe().then(() => this.run(next));
          return;
        }
        this.run(next);
        return;
      }
      if (this.pace !== undefined) {
        void this.keepPace(this.pace);
        return;
      }
      if (this.external > 0) {
        this.kickHost = () => this.dispatch();
        return;
      }
      if (this.breathe !== undefined && ++this.turns >= BREATHE_EVERY) {
        this.turns = 0;
        void this.breathe().then(() => this.dispatch());
        return;
      }
      if (!this.step() && this.idle) {
        this.halt('deadlock', 'every process waits and nothing will ever wake one');
        if (this.idle) return;
      }
    }
  }

  private run(thread: Thread): void {
    thread.state = RUNNING;
    const { resume, reject } = thread;
    thread.resume = undefined;
    thread.reject = undefined;
    if (thread.fatal !== undefined) reject?.(thread.fatal);
    else resume?.();
  }

  /** One event, within the budget. */
  private step(): boolean {
    const queue = this.queue;
    const limits = this.limits;
    if (this.stop !== undefined) return false;
    if (limits.events !== undefined && queue.executed >= limits.events) {
      this.haltForEvents(limits.events);
      return false;
    }
    if (limits.time !== undefined && queue.nextAt > limits.time && queue.nextAt !== Number.POSITIVE_INFINITY) {
      this.haltForTime();
      return false;
    }
    return queue.step();
  }

  private checkBudget(): void {
    const { time, events } = this.limits;
    if (time !== undefined && this.queue.now > time) this.haltForTime();
    if (events !== undefined && this.queue.executed >= events) this.haltForEvents(events);
  }

  private haltForEvents(limit: number): void {
    this.halt('events', `${limit} events passed without an end${this.because()}`);
  }

  private haltForTime(): void {
    this.halt('time', `${this.limits.time! / 1e9} s of virtual time passed without an end${this.because()}`);
  }

  private because(): string {
    const cause = this.diagnose?.();
    return cause === undefined ? '' : `: ${cause}`;
  }

  /** With nobody to run: wait, in real time, for the next event or for the world outside. */
  private async keepPace(pace: Pace): Promise<void> {
    this.paceStart ??= { real: pace.now(), virtual: this.queue.now };
    const start = this.paceStart;
    while (this.idle) {
      const target = start.virtual + pace.now() - start.real;
      const due = this.queue.nextAt;
      if (due <= target) {
        if (!this.step()) break;
        continue;
      }
      if (due === Number.POSITIVE_INFINITY && this.external === 0) {
        this.halt('deadlock', 'every process waits and nothing will ever wake one');
        break;
      }
      const kicked = new Promise<void>((resolve) => {
        this.kickHost = resolve;
      });
      await Promise.race([pace.wait(Math.min(due - target, PACE_SLICE)), kicked]);
      this.kickHost = undefined;
      const now = start.virtual + pace.now() - start.real;
      if (now < this.queue.nextAt && now > this.queue.now) this.queue.now = now;
    }
    if (!this.idle) this.dispatch();
  }
}

/** Every thread of a stopped run ends as if by this signal. */
export const STOP_SIGNAL = SIGKILL;
