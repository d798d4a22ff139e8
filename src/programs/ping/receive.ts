/** What comes back: answers (ping4_parse_reply, gather_statistics) and errors (ping4_receive_error_msg). */
import { EMSGSIZE } from '../../uapi/errno.ts';
import type { SocketMessage } from '../../uapi/socket.ts';
import { formatIpv4 } from '../../wire/addr.ts';
import { checksum } from '../../wire/checksum.ts';
import {
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  icmpCode,
  icmpId,
  icmpRest,
  icmpSequence,
  icmpType,
} from '../../wire/icmp.ts';
import { IPV4_HEADER_LENGTH, ipv4Destination, ipv4HeaderLength, ipv4Ttl } from '../../wire/ipv4.ts';
import { error } from '../iputils.ts';
import { describeIcmp, OptionPrinter, quotedHeader } from './print-icmp.ts';
import { type PingSession, TIMEVAL_LENGTH } from './session.ts';

const ICMP_HEADER = 8;
const SO_EE_ORIGIN_LOCAL = 1;

/** Messages that quote the packet they are about. */
const ABOUT_A_PACKET = new Set([
  ICMP_SOURCE_QUENCH,
  ICMP_REDIRECT,
  ICMP_DEST_UNREACH,
  ICMP_TIME_EXCEEDED,
  ICMP_PARAMETERPROB,
]);

/** The answer to "was it an ICMP error of ours": how many, or minus the local ones. */
export interface ErrorOutcome {
  errors: number;
  /** The message was about somebody else's packet: forget the error number that announced it. */
  notOurs: boolean;
}

export class Receiver {
  readonly #session: PingSession;
  readonly #options: OptionPrinter;
  readonly #address: (address: number) => string;

  constructor(session: PingSession) {
    this.#session = session;
    this.#address = (address) => session.address(address);
    this.#options = new OptionPrinter(this.#address, session.options.flood);
  }

  /** ping4_receive_error_msg(): take one message off the error queue and report it. */
  async receiveError(): Promise<ErrorOutcome> {
    const session = this.#session;
    const { options, process } = session;
    const failure = session.socket.recvError();
    if (failure === undefined) return { errors: -1, notOurs: false };

    if (failure.origin === SO_EE_ORIGIN_LOCAL) {
      if (options.quiet) return { errors: -1, notOurs: false };
      if (options.flood) session.print('E');
      else if (failure.errno !== EMSGSIZE) await error(process, 'local error', failure.errno);
      else await error(process, `local error: message too long, mtu=${failure.info}`);
      session.errors++;
      return { errors: -1, notOurs: false };
    }

    const { data } = failure;
    const ours =
      data.length >= ICMP_HEADER &&
      failure.destination === session.whereto &&
      icmpType(data, 0) === ICMP_ECHO &&
      session.isOurs(icmpId(data, 0));
    if (!ours) return { errors: 0, notOurs: true };

    session.acknowledge(icmpSequence(data, 0));
    if (session.socket.type === 'raw') {
      session.socket.setOption('icmpFilter', blockAllBut(ICMP_SOURCE_QUENCH, ICMP_REDIRECT, ICMP_ECHOREPLY));
    }
    session.errors++;
    if (options.quiet) return { errors: 1, notOurs: false };
    if (options.flood) {
      session.print('\bE');
      return { errors: 1, notOurs: false };
    }
    session.printTimestamp();
    session.print(`From ${session.address(failure.offender)} icmp_seq=${icmpSequence(data, 0)} `);
    session.print(describeIcmp(failure.icmpType, failure.icmpCode, failure.info, this.#address));
    await process.stdout.flush();
    return { errors: 1, notOurs: false };
  }

  /** ping4_parse_reply(): report one message. True if it was not for this run. */
  async parseReply(message: SocketMessage): Promise<boolean> {
    const session = this.#session;
    const { options } = session;
    const bytes = message.data;
    const from = message.from.family === 'inet' ? message.from.address : 0;
    let at = 0;
    let ttl = message.ttl;
    if (session.socket.type === 'raw') {
      at = ipv4HeaderLength(bytes, 0);
      if (bytes.length < at + ICMP_HEADER || at < IPV4_HEADER_LENGTH) {
        if (options.verbose) {
          await error(session.process, `packet too short (${bytes.length} bytes) from ${session.address(from)}`);
        }
        return true;
      }
      ttl = ipv4Ttl(bytes, 0);
    }
    const wrongChecksum = checksum(bytes, at, bytes.length) !== 0;

    if (icmpType(bytes, at) !== ICMP_ECHOREPLY) return this.#otherMessage(bytes, at, from, wrongChecksum);
    if (!session.isOurs(icmpId(bytes, at))) return true;
    const finished = this.#gatherStatistics(message, at, ttl, from, wrongChecksum);
    if (!finished) {
      if (options.audible) session.print('\x07');
      if (!options.flood) {
        session.print(this.#options.describe(bytes, Math.min(IPV4_HEADER_LENGTH, at), at));
        session.print('\n');
      }
    }
    await session.process.stdout.flush();
    return false;
  }

  /** gather_statistics(): count the answer and print its line without the end. True if the line is complete. */
  #gatherStatistics(message: SocketMessage, at: number, ttl: number, from: number, wrongChecksum: boolean): boolean {
    const session = this.#session;
    const { options } = session;
    const bytes = message.data;
    const length = bytes.length - at;
    const sequence = icmpSequence(bytes, at);
    let triptime = 0;

    session.received++;
    if (!wrongChecksum) session.acknowledge(sequence);
    if (session.timing && length >= ICMP_HEADER + TIMEVAL_LENGTH) {
      triptime = this.#tripTime(message, at + ICMP_HEADER);
      if (!wrongChecksum) session.addTrip(triptime);
    }
    let duplicate = false;
    if (wrongChecksum) {
      session.corrupted++;
      session.received--;
    } else if (session.wasReceived(sequence)) {
      session.repeats++;
      session.received--;
      duplicate = true;
    } else {
      session.setReceived(sequence);
    }

    if (options.quiet) return true;
    if (options.flood) {
      session.print(wrongChecksum ? '\bC' : '\b \b');
      return false;
    }
    session.printTimestamp();
    let text = `${length} bytes from ${session.address(from)}: icmp_seq=${sequence}`;
    if (options.verbose) text += ` ident=${icmpId(bytes, at)}`;
    text += ` ttl=${ttl}`;
    if (length < options.size + ICMP_HEADER) {
      session.print(`${text} (truncated)\n`);
      return true;
    }
    if (session.timing) text += ` time=${formatTripTime(triptime)} ms`;
    if (duplicate && (!session.multicast || options.verbose)) text += ' (DUP!)';
    if (wrongChecksum) text += ' (BAD CHECKSUM!)';
    if (!options.broadcast && !session.multicast && from !== session.whereto) text += ' (DIFFERENT ADDRESS!)';
    session.print(text + this.#wrongData(bytes, at + ICMP_HEADER));
    return false;
  }

  /** Microseconds since the time in the data, sent at `at`. */
  #tripTime(message: SocketMessage, at: number): number {
    const session = this.#session;
    const { process } = session;
    const boot = process.realtime() - process.now();
    const arrived = session.latency ? process.realtime() : boot + message.timestamp;
    const sent = readTimeval(message.data, at);
    return Math.max(0, Math.floor(arrived / 1000) - sent);
  }

  /** The complaint about data that came back changed, from the first octet that differs. */
  #wrongData(bytes: Uint8Array, at: number): string {
    const { outpack, options } = this.#session;
    for (let i = TIMEVAL_LENGTH; i < options.size; i++) {
      const expected = outpack[ICMP_HEADER + i]!;
      if (bytes[at + i] === expected) continue;
      let text = `\nwrong data byte #${i} should be 0x${expected.toString(16)} but was 0x${bytes[at + i]!.toString(16)}`;
      for (let j = TIMEVAL_LENGTH; j < options.size; j++) {
        if (j % 32 === TIMEVAL_LENGTH) text += `\n#${j}\t`;
        text += `${bytes[at + j]!.toString(16)} `;
      }
      return text;
    }
    return '';
  }

  /** Anything but an answer. The text of errors comes through the error queue, here they are only counted. */
  async #otherMessage(bytes: Uint8Array, at: number, from: number, wrongChecksum: boolean): Promise<boolean> {
    const session = this.#session;
    const { options } = session;
    const type = icmpType(bytes, at);
    if (type === ICMP_ECHO) return true;
    const quoted = options.verbose ? quotedHeader(bytes, at, this.#options) : '';
    const description = describeIcmp(type, icmpCode(bytes, at), icmpRest(bytes, at), this.#address, quoted);
    if (ABOUT_A_PACKET.has(type)) {
      const sequence = this.#quotedSequence(bytes, at + ICMP_HEADER);
      if (sequence === undefined) return true;
      if (type !== ICMP_REDIRECT && type !== ICMP_SOURCE_QUENCH) {
        session.acknowledge(sequence);
        return false;
      }
      if (options.quiet || options.flood) return true;
      session.printTimestamp();
      const mark = wrongChecksum ? '(BAD CHECKSUM)' : '';
      session.print(`From ${session.address(from)}: icmp_seq=${sequence} ${mark}${description}`);
      return true;
    }
    if (options.flood && !(options.verbose || options.quiet)) {
      session.print(wrongChecksum ? '!EC' : '!E');
      return false;
    }
    if (!options.verbose) return false;
    session.print(`From ${formatIpv4(from)}: ${wrongChecksum ? '(BAD CHECKSUM)\n' : description}`);
    return false;
  }

  /** The sequence number of the request of ours whose IP header is at `at`; undefined for anything else. */
  #quotedSequence(bytes: Uint8Array, at: number): number | undefined {
    if (bytes.length < at + IPV4_HEADER_LENGTH + ICMP_HEADER) return undefined;
    const icmp = at + ipv4HeaderLength(bytes, at);
    if (bytes.length < icmp + ICMP_HEADER || icmpType(bytes, icmp) !== ICMP_ECHO) return undefined;
    const ours = ipv4Destination(bytes, at) === this.#session.whereto && this.#session.isOurs(icmpId(bytes, icmp));
    return ours ? icmpSequence(bytes, icmp) : undefined;
  }
}

/** An ICMP_FILTER that lets only these types through. */
export function blockAllBut(...types: number[]): number {
  return ~types.reduce((mask, type) => mask | (1 << type), 0) >>> 0;
}

/** struct timeval on a 64-bit little-endian machine, as microseconds since the epoch. */
function readTimeval(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Number(view.getBigInt64(at, true)) * 1_000_000 + Number(view.getBigInt64(at + 8, true));
}

/** Write the time, in microseconds since the epoch, as a struct timeval. */
export function putTimeval(bytes: Uint8Array, at: number, microseconds: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setBigInt64(at, BigInt(Math.floor(microseconds / 1_000_000)), true);
  view.setBigInt64(at + 8, BigInt(microseconds % 1_000_000), true);
}

/** Microseconds as milliseconds: the longer, the fewer decimals. */
export function formatTripTime(microseconds: number): string {
  const [step, decimals] =
    microseconds >= 100_000 - 50
      ? [1000, 0]
      : microseconds >= 10_000 - 5
        ? [100, 1]
        : microseconds >= 1000
          ? [10, 2]
          : [1, 3];
  const rounded = Math.floor((microseconds + Math.floor(step / 2)) / step);
  const perMillisecond = 1000 / step;
  if (decimals === 0) return String(rounded);
  return `${Math.floor(rounded / perMillisecond)}.${String(rounded % perMillisecond).padStart(decimals, '0')}`;
}
