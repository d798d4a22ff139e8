/** One run of ping: what it has sent and received, and its statistics (struct ping_rts of ping.h). */
import { complain, type Process } from '../../uapi/process.ts';
import type { Socket } from '../../uapi/socket.ts';
import { formatIpv4, type Ipv4 } from '../../wire/addr.ts';
import { hostName } from '../hosts.ts';
import type { PingOptions } from './options.ts';

const MAX_DUP_CHK = 0x10000;
const MILLISECOND = 1_000_000;
const MICROSECOND = 1000;
const SECOND = 1_000_000_000;
/** sizeof(struct timeval), at the head of the data. */
export const TIMEVAL_LENGTH = 16;
const INT_MAX = 0x7fff_ffff;

/** The most that one 16-bit sequence number can be ahead of another. */
const HALF_RANGE = 0x7fff;

export class PingSession {
  readonly process: Process;
  readonly socket: Socket;
  readonly options: PingOptions;
  /** The name as given or as /etc/hosts spells it. */
  readonly hostname: string;
  readonly whereto: Ipv4;
  /** Identifier of the requests. */
  readonly ident: number;
  /** Whether many hosts may answer. */
  readonly multicast: boolean;
  readonly screenWidth: number;
  /** The request: ICMP header and data. */
  readonly outpack: Uint8Array;
  /** Whether the data have room for the time of sending. */
  readonly timing: boolean;

  /** Milliseconds between requests; -A changes it. */
  interval: number;
  latency: boolean;
  transmitted = 0;
  received = 0;
  repeats = 0;
  corrupted = 0;
  errors = 0;
  acked = 0;
  pipesize = -1;
  /** Trip times in microseconds; `rtt` is eight times their moving average. */
  tmin = Number.MAX_SAFE_INTEGER;
  tmax = 0;
  tsum = 0;
  tsum2 = 0;
  rtt = 0;
  rttAddend = 0;
  /** Set by SIGINT and by the alarm. */
  exiting = false;
  /** Set by SIGQUIT. */
  statusWanted = false;
  /** When SIGALRM comes, nanoseconds since boot: the deadline, or the wait for the last answer. */
  alarmAt = Number.POSITIVE_INFINITY;
  readonly startedAt: number;
  /** When the last request went out; undefined before the first. */
  lastSentAt: number | undefined;

  /** A bit for each sequence number up to the highest that was sent or came. */
  #received = new Uint8Array(16);

  constructor(
    process: Process,
    socket: Socket,
    options: PingOptions,
    target: { hostname: string; whereto: Ipv4; multicast: boolean; ident: number },
  ) {
    this.process = process;
    this.socket = socket;
    this.options = options;
    this.hostname = target.hostname;
    this.whereto = target.whereto;
    this.multicast = target.multicast;
    this.ident = target.ident;
    this.screenWidth = process.stdout.isTty ? (process.columns ?? INT_MAX) : INT_MAX;
    this.timing = options.size >= TIMEVAL_LENGTH;
    this.outpack = fill(options);
    this.interval = options.flood && !options.intervalGiven ? 0 : options.interval;
    this.latency = options.latency;
    this.startedAt = process.now();
    if (options.deadline > 0) this.alarmAt = this.startedAt + options.deadline * SECOND;
  }

  print(text: string): void {
    this.process.stdout.write(text);
  }

  /** Whether the identifier in an ICMP header is this run's. */
  isOurs(id: number): boolean {
    return this.socket.type === 'ping' || id === this.ident;
  }

  /** pr_addr(): the address, with its name in front unless -n. */
  address(address: Ipv4): string {
    const text = formatIpv4(address);
    const name = this.options.numeric ? undefined : hostName(this.process, address);
    return name === undefined ? text : `${name} (${text})`;
  }

  /** in_flight(): requests neither answered nor given up. */
  get inFlight(): number {
    const diff = (this.transmitted - this.acked) & 0xffff;
    return diff <= HALF_RANGE ? diff : this.transmitted - this.received - this.errors;
  }

  /** acknowledge(): an answer or an error came for `sequence`. */
  acknowledge(sequence: number): void {
    const diff = (this.transmitted - sequence) & 0xffff;
    if (diff > HALF_RANGE) return;
    if (diff + 1 > this.pipesize) this.pipesize = diff + 1;
    const ahead = ((sequence - this.acked) << 16) >> 16;
    if (ahead > 0) this.acked = sequence;
  }

  advanceTransmitted(): void {
    this.transmitted++;
    if ((this.transmitted & 0xffff) - this.acked > HALF_RANGE) this.acked = (this.transmitted + 1) & 0xffff;
  }

  #bit(sequence: number): [number, number] {
    const at = sequence % MAX_DUP_CHK;
    const index = at >> 3;
    if (index >= this.#received.length) {
      const larger = new Uint8Array(Math.max(index + 1, this.#received.length * 2));
      larger.set(this.#received);
      this.#received = larger;
    }
    return [index, 1 << (at & 7)];
  }

  setReceived(sequence: number): void {
    const [index, mask] = this.#bit(sequence);
    this.#received[index]! |= mask;
  }

  clearReceived(sequence: number): void {
    const [index, mask] = this.#bit(sequence);
    this.#received[index]! &= ~mask;
  }

  wasReceived(sequence: number): boolean {
    const [index, mask] = this.#bit(sequence);
    return (this.#received[index]! & mask) !== 0;
  }

  /** Take a trip time, in microseconds, into the statistics. */
  addTrip(triptime: number): void {
    this.tsum += triptime;
    this.tsum2 += triptime * triptime;
    this.tmin = Math.min(this.tmin, triptime);
    this.tmax = Math.max(this.tmax, triptime);
    this.rtt = this.rtt === 0 ? triptime * 8 : this.rtt + triptime - Math.trunc(this.rtt / 8);
    if (this.options.adaptive) this.updateInterval();
  }

  /** update_interval(): -A sends as fast as answers come. */
  updateInterval(): void {
    const estimate = this.rtt > 0 ? Math.trunc(this.rtt / 8) : this.interval * 1000;
    this.interval = Math.trunc((estimate + this.rttAddend + 500) / 1000);
  }

  /** -D: the time of day in front of a line. */
  printTimestamp(): void {
    if (!this.options.timestamps) return;
    const microseconds = Math.floor(this.process.realtime() / MICROSECOND);
    const fraction = String(microseconds % 1_000_000).padStart(6, '0');
    this.print(`[${Math.floor(microseconds / 1_000_000)}.${fraction}] `);
  }

  /** status(): the line that SIGQUIT asks for. */
  printStatus(): void {
    this.statusWanted = false;
    const loss = this.transmitted > 0 ? Math.trunc(((this.transmitted - this.received) * 100) / this.transmitted) : 0;
    let text = `\r${this.received}/${this.transmitted} packets, ${loss}% loss`;
    if (this.received > 0 && this.timing) {
      const average = Math.trunc(this.tsum / (this.received + this.repeats));
      const times = [this.tmin, average, Math.trunc(this.rtt / 8), this.tmax];
      text += `, min/avg/ewma/max = ${times.map(milliseconds).join('/')} ms`;
    }
    complain(this.process, `${text}\n`);
  }

  /** finish(): the statistics. Returns the exit status. */
  async finish(): Promise<number> {
    this.print('\n');
    await this.process.stdout.flush();
    const { transmitted, received, repeats } = this;
    const elapsed = (this.lastSentAt ?? this.startedAt) - this.startedAt;
    let text = `--- ${this.hostname} ping statistics ---\n${transmitted} packets transmitted, ${received} received`;
    if (repeats > 0) text += `, +${repeats} duplicates`;
    if (this.corrupted > 0) text += `, +${this.corrupted} corrupted`;
    if (this.errors > 0) text += `, +${this.errors} errors`;
    if (transmitted > 0) {
      const loss = Math.fround(((transmitted - received) * 100) / transmitted);
      text += `, ${Number(loss.toPrecision(6))}% packet loss`;
      text += `, time ${Math.floor((elapsed + MILLISECOND / 2) / MILLISECOND)}ms`;
    }
    text += '\n';

    const parts: string[] = [];
    if (received > 0 && this.timing) {
      const total = received + repeats;
      const average = Math.trunc(this.tsum / total);
      const variance =
        this.tsum < INT_MAX
          ? Math.trunc((this.tsum2 - Math.trunc((this.tsum * this.tsum) / total)) / total)
          : Math.trunc(this.tsum2 / total - average * average);
      const times = [this.tmin, average, this.tmax, Math.floor(Math.sqrt(Math.max(0, variance)))];
      parts.push(`rtt min/avg/max/mdev = ${times.map(milliseconds).join('/')} ms`);
    }
    if (this.pipesize > 1) parts.push(`pipe ${this.pipesize}`);
    const paced = this.interval === 0 || this.options.flood || this.options.adaptive;
    if (received > 0 && paced && transmitted > 1) {
      const gap = Math.trunc(Math.floor(elapsed / MICROSECOND) / (transmitted - 1));
      parts.push(`ipg/ewma ${milliseconds(gap)}/${milliseconds(Math.trunc(this.rtt / 8))} ms`);
    }
    this.print(`${text}${parts.join(', ')}\n`);
    return received === 0 || (this.options.deadline > 0 && received < this.options.packets) ? 1 : 0;
  }
}

/** Microseconds as milliseconds with three decimals. */
function milliseconds(microseconds: number): string {
  return `${Math.trunc(microseconds / 1000)}.${String(microseconds % 1000).padStart(3, '0')}`;
}

/** The data: -p's pattern over and over, or the bytes 0, 1, 2 ... */
function fill({ size, pattern }: PingOptions): Uint8Array {
  const packet = new Uint8Array(8 + size);
  for (let i = 0; i < size; i++) {
    packet[8 + i] = pattern === undefined || pattern.length === 0 ? i : pattern[i % pattern.length]!;
  }
  return packet;
}
