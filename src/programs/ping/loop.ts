/** ping's main loop: when to send, how to wait (pinger(), schedule_exit(), main_loop() of ping_common.c). */
import { EAGAIN, EINVAL, ENOBUFS, ENOMEM } from '../../uapi/errno.ts';
import { timerExpiry } from '../../uapi/jiffies.ts';
import { ICMP_ECHO, putIcmpEcho } from '../../wire/icmp.ts';
import { error } from '../iputils.ts';
import { putTimeval, Receiver } from './receive.ts';
import type { PingSession } from './session.ts';

const MILLISECOND = 1_000_000;
/** The smallest gap between packets, milliseconds: shorter ones are made by spinning. */
const MIN_INTERVAL = 10;
const ICMP_HEADER = 8;

/** SCHINT(): an interval that the scheduler can keep. */
const schedulable = (interval: number) => Math.max(interval, MIN_INTERVAL);

export class PingLoop {
  readonly #session: PingSession;
  readonly #receiver: Receiver;
  /** Milliseconds saved up towards the next packet. */
  #tokens = 0;
  #outOfMemory = 0;
  /** Whether the wait for the last answer has begun. */
  #lingering = false;

  constructor(session: PingSession) {
    this.#session = session;
    this.#receiver = new Receiver(session);
  }

  /** main_loop(): until enough came back, the alarm or SIGINT. Returns the exit status. */
  async run(): Promise<number> {
    const session = this.#session;
    const { packets, deadline } = session.options;
    for (;;) {
      if (session.exiting) break;
      if (packets > 0 && session.received + session.errors >= packets) break;
      if (deadline > 0 && session.errors > 0) break;
      if (session.statusWanted) session.printStatus();
      let next: number;
      do {
        next = this.#scheduleExit(await this.#pinger());
      } while (next <= 0);
      await this.#receive(next);
    }
    return session.finish();
  }

  /** schedule_exit(): once the last packet is sent, wait a while for its answer and no longer. */
  #scheduleExit(next: number): number {
    const session = this.#session;
    const { packets, deadline, linger } = session.options;
    if (packets === 0 || session.transmitted < packets || deadline > 0 || this.#lingering) return next;
    this.#lingering = true;
    const wait = session.received > 0 ? Math.max(2 * session.tmax, session.interval * 1000) : linger * 1000;
    if (wait > 0) session.alarmAt = session.process.now() + wait * 1000;
    return Math.max(next, Math.trunc(wait / 1000));
  }

  /** pinger(): send a packet if it is time. Returns the milliseconds until the next one is due. */
  async #pinger(): Promise<number> {
    const session = this.#session;
    const { options, process } = session;
    if (session.exiting || (options.packets > 0 && session.transmitted >= options.packets && options.deadline === 0)) {
      return 1000;
    }
    const now = process.now();
    if (session.lastSentAt === undefined) {
      session.lastSentAt = now;
      this.#tokens = session.interval * (options.preload - 1);
    } else {
      let tokens = Math.trunc((now - session.lastSentAt) / MILLISECOND);
      if (session.interval === 0 && tokens < MIN_INTERVAL && session.inFlight >= options.preload) {
        return MIN_INTERVAL - tokens;
      }
      tokens = Math.min(tokens + this.#tokens, session.interval * options.preload);
      if (tokens < session.interval) return session.interval - tokens;
      session.lastSentAt = now;
      this.#tokens = tokens - session.interval;
    }
    if (options.outstanding && session.transmitted > 0 && !session.wasReceived(session.transmitted)) {
      session.printTimestamp();
      session.print(`no answer yet for icmp_seq=${session.transmitted % 0x10000}\n`);
      await process.stdout.flush();
    }
    return this.#send();
  }

  async #send(): Promise<number> {
    const session = this.#session;
    const { options } = session;
    const sent = this.#sendProbe();
    if (sent >= 0) {
      this.#outOfMemory = 0;
      session.advanceTransmitted();
      const room = session.screenWidth;
      const shown = (options.preload < room && session.pipesize < room) || session.inFlight < room;
      if (!options.quiet && options.flood && shown) session.print('.');
      return session.interval - this.#tokens;
    }
    let errno = -sent;
    let outcome = 0;
    if (errno === ENOBUFS || errno === ENOMEM) {
      const pause = this.#backOff();
      if (pause !== undefined) return pause;
    } else if (errno === EAGAIN) {
      this.#tokens += session.interval;
      return MIN_INTERVAL;
    } else {
      const { errors, notOurs } = await this.#receiver.receiveError();
      if (notOurs || (errors === 0 && errno === EINVAL)) errno = 0;
      if (errors <= 0 && errno === 0) return this.#send();
      outcome = Math.min(errors, 0);
    }
    return this.#pretendSent(errno, outcome);
  }

  /** The device's queue is full: slow down, for as long as the last answer would be waited for. */
  #backOff(): number | undefined {
    const session = this.#session;
    this.#tokens = 0;
    session.rttAddend += session.rtt < 8 * 50_000 ? Math.trunc(session.rtt / 8) : 50_000;
    if (session.options.adaptive) session.updateInterval();
    const pause = Math.min(500, schedulable(Math.trunc(session.interval / 2)));
    this.#outOfMemory++;
    return this.#outOfMemory * pause < session.options.linger ? pause : undefined;
  }

  /** A hard local error: count the packet as sent. */
  async #pretendSent(errno: number, outcome: number): Promise<number> {
    const session = this.#session;
    const { options } = session;
    session.advanceTransmitted();
    if (outcome === 0 && !options.quiet) {
      if (options.flood) session.print('E');
      else await error(session.process, 'sendmsg', errno);
    }
    this.#tokens = 0;
    return schedulable(session.interval);
  }

  /** ping4_send_probe(): bytes sent, or a negative error number. */
  #sendProbe(): number {
    const session = this.#session;
    const { outpack } = session;
    const sequence = (session.transmitted + 1) & 0xffff;
    session.clearReceived(session.transmitted + 1);
    if (session.timing) {
      putTimeval(outpack, ICMP_HEADER, Math.floor(session.process.realtime() / 1000));
    }
    putIcmpEcho(outpack, 0, outpack.length, ICMP_ECHO, session.ident, sequence);
    return session.socket.send(outpack.slice(), { family: 'inet', address: session.whereto, port: 0 });
  }

  /** Wait up to `next` milliseconds for answers and take all that are there. */
  async #receive(next: number): Promise<void> {
    const session = this.#session;
    const { process, socket, options } = session;
    let blocking = true;
    let errorExpected = false;
    if (options.adaptive || next < schedulable(session.interval)) {
      let wait = next;
      if (next <= MIN_INTERVAL) {
        wait = session.inFlight > 0 ? MIN_INTERVAL : next;
        blocking = session.inFlight > 0;
      }
      if (!blocking) {
        await this.#waitUntil(process.now() + wait * MILLISECOND, false);
      } else if (options.adaptive || session.interval > 0) {
        if (!(await this.#waitUntil(process.now() + wait * MILLISECOND, true))) return;
        blocking = false;
        errorExpected = true;
      }
    }
    for (;;) {
      if (blocking) {
        blocking = false;
        const timeout = schedulable(session.interval) * MILLISECOND;
        if (socket.readable) await process.poll([socket], 0);
        else if (!(await this.#waitUntil(timerExpiry(process.now(), timeout), true))) return;
      }
      const errno = socket.takeError();
      const message = errno === 0 ? socket.recv() : undefined;
      if (message !== undefined) {
        await this.#receiver.parseReply(message);
      } else {
        if (errno === 0 && !errorExpected) return;
        errorExpected = false;
        const { errors, notOurs } = await this.#receiver.receiveError();
        if (errors === 0 && !notOurs) {
          await error(process, 'recvmsg', errno);
          return;
        }
      }
      if (session.inFlight === 0) return;
    }
  }

  /**
   * Wait until the socket is readable; false if the time came first, or a signal. As on Linux, a
   * timeout that is due wins over what arrives at the same moment. `listen` off: only let time pass.
   */
  async #waitUntil(until: number, listen: boolean): Promise<boolean> {
    const session = this.#session;
    const { process, socket } = session;
    const sources = listen ? [socket] : [];
    for (;;) {
      if (session.exiting || session.statusWanted) return false;
      const now = process.now();
      if (now >= session.alarmAt) {
        session.exiting = true;
        return false;
      }
      if (now >= until) return false;
      const result = await process.poll(sources, Math.min(until, session.alarmAt) - now);
      if (result === 'signal') return false;
      if (result === 'ready' && process.now() < Math.min(until, session.alarmAt)) return true;
    }
  }
}
