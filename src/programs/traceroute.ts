/** traceroute 2.1.2: the routers on the way, by UDP datagrams or (-I) echo requests whose TTL grows. */
import { EHOSTUNREACH, EMSGSIZE, strerror } from '../uapi/errno.ts';
import { complain, type Process } from '../uapi/process.ts';
import { isRefusal } from '../uapi/result.ts';
import type { Socket, SocketError } from '../uapi/socket.ts';
import { formatIpv4, type Ipv4, u16At } from '../wire/addr.ts';
import { ICMP_ECHO, ICMP_ECHOREPLY, ICMP_TIME_EXCEEDED, putIcmpEcho } from '../wire/icmp.ts';
import { IPPROTO_ICMP, ipv4HeaderLength } from '../wire/ipv4.ts';
import { Getopt } from './getopt.ts';
import { hostName } from './hosts.ts';
import { Exit, lookup, runProgram } from './iputils.ts';

const MILLISECOND = 1e6;
const SECOND = 1e9;
/** Nanoseconds added to a time that others took before it is multiplied. */
const WAIT_PRECISION = MILLISECOND;
const FIRST_UDP_PORT = 33_434;
const IP_HEADER = 20;
const TRANSPORT_HEADER = 8;
const DEFAULT_LENGTH = 60;
const MAX_LENGTH = 65_000;
const SHORTS = '46dFITnreAUDVf:g:i:m:N:p:t:w:q:s:z:M:O:P:';
/** Nanoseconds from one probe to the next: what sending one takes. */
const SEND_TIME = 15_000;

interface Options {
  icmp: boolean;
  numeric: boolean;
  dontFragment: boolean;
  firstHop: number;
  maxHops: number;
  device: string | undefined;
  simultaneous: number;
  port: number | undefined;
  tos: number;
  /** Nanoseconds. */
  wait: number;
  here: number;
  near: number;
  perHop: number;
  source: string | undefined;
  /** Nanoseconds between probes. */
  sendWait: number;
  length: number;
  host: string;
}

interface Probe {
  socket: Socket | undefined;
  /** Nanoseconds since boot; 0 for not yet. */
  sent: number;
  received: number;
  done: boolean;
  final: boolean;
  from: Ipv4 | undefined;
  text: string;
  sequence: number;
}

function fail(process: Process, text: string, status = 2): never {
  complain(process, `${text}\n`);
  throw new Exit(status);
}

function wrongValue(process: Process, option: string, value: string, at: number): never {
  return fail(process, `Cannot handle \`-${option}' option with arg \`${value}' (argc ${at})`);
}

function parse(process: Process): Options {
  const options: Options = {
    icmp: false,
    numeric: false,
    dontFragment: false,
    firstHop: 1,
    maxHops: 30,
    device: undefined,
    simultaneous: 16,
    port: undefined,
    tos: 0,
    wait: 5 * SECOND,
    here: 3,
    near: 10,
    perHop: 3,
    source: undefined,
    sendWait: 0,
    length: DEFAULT_LENGTH,
    host: '',
  };
  const getopt = new Getopt(process, SHORTS);
  let argc = 0;
  for (let parsed = getopt.next(); parsed !== undefined; parsed = getopt.next()) {
    argc++;
    const { option, argument = '' } = parsed;
    const whole = (): number =>
      /^\d+$/.test(argument) ? Number(argument) : wrongValue(process, option, argument, argc);
    switch (option) {
      case '4':
        break;
      case 'I':
        options.icmp = true;
        break;
      case 'n':
        options.numeric = true;
        break;
      case 'F':
        options.dontFragment = true;
        break;
      case 'f':
        options.firstHop = whole();
        break;
      case 'i':
        options.device = argument;
        break;
      case 'm':
        options.maxHops = whole();
        break;
      case 'N':
        options.simultaneous = whole();
        break;
      case 'p':
        options.port = whole();
        break;
      case 'q':
        options.perHop = whole();
        break;
      case 's':
        options.source = argument;
        break;
      case 't':
        options.tos = whole();
        break;
      case 'w': {
        const [wait, here, near] = argument.split(',').map(Number);
        if (wait === undefined || Number.isNaN(wait)) return wrongValue(process, option, argument, argc);
        options.wait = wait * SECOND;
        if (here !== undefined) options.here = here;
        if (near !== undefined) options.near = near;
        break;
      }
      case 'z': {
        const pause = Number(argument);
        if (!(pause >= 0)) return wrongValue(process, option, argument, argc);
        options.sendWait = pause >= 10 ? pause * MILLISECOND : pause * SECOND;
        break;
      }
      case '?':
        throw new Exit(2);
      default:
        return fail(process, `traceroute: option -${option} is not modelled`);
    }
  }
  const [host, length] = getopt.operands;
  if (host === undefined) return fail(process, 'Specify "host" missing argument.');
  options.host = host;
  if (length !== undefined) options.length = Number.parseInt(length, 10);
  if (options.firstHop === 0 || options.firstHop > options.maxHops) fail(process, 'first hop out of range');
  if (options.maxHops > 255) fail(process, 'max hops cannot be more than 255');
  if (options.perHop === 0 || options.perHop > 10) fail(process, 'no more than 10 probes per hop');
  if (!(options.length >= 0 && options.length <= MAX_LENGTH)) {
    fail(process, `too big packetlen ${options.length} specified`);
  }
  return options;
}

export async function traceroute(process: Process): Promise<number> {
  return runProgram(async () => {
    const options = parse(process);
    const destination = lookup(process, options.host, 'any');
    if (typeof destination === 'string') {
      complain(process, `${options.host}: ${destination}\n`);
      const { argv } = process;
      const where = `on position 1 (argc ${argv.indexOf(options.host)})`;
      return fail(process, `Cannot handle "host" cmdline arg \`${options.host}' ${where}`);
    }
    return new Trace(process, options, destination).run();
  });
}

class Trace {
  readonly #process: Process;
  readonly #options: Options;
  readonly #destination: Ipv4;
  readonly #probes: Probe[];
  readonly #icmpId: number;
  #port: number;
  #echoSocket: Socket | undefined;

  constructor(process: Process, options: Options, destination: Ipv4) {
    this.#process = process;
    this.#options = options;
    this.#destination = destination;
    this.#icmpId = process.pid & 0xffff;
    this.#port = options.port ?? (options.icmp ? 1 : FIRST_UDP_PORT);
    this.#probes = Array.from({ length: options.maxHops * options.perHop }, () => ({
      socket: undefined,
      sent: 0,
      received: 0,
      done: false,
      final: false,
      from: undefined,
      text: '',
      sequence: 0,
    }));
  }

  async run(): Promise<number> {
    const { host, maxHops, length } = this.#options;
    if (this.#options.icmp) this.#openEcho();
    const shown = Math.max(length, IP_HEADER + TRANSPORT_HEADER);
    const header = `traceroute to ${host} (${formatIpv4(this.#destination)}), ${maxHops} hops max, ${shown} byte packets`;
    this.#process.stdout.write(header);
    await this.#process.stdout.flush();
    await this.#loop();
    this.#process.stdout.write('\n');
    return 0;
  }

  /** do_it(): as many probes on the way as are allowed, printed in their order. */
  async #loop(): Promise<void> {
    const { perHop, simultaneous, firstHop, sendWait } = this.#options;
    const process = this.#process;
    const probes = this.#probes;
    let start = (firstHop - 1) * perHop;
    let end = probes.length;
    let lastSend = Number.NEGATIVE_INFINITY;
    while (start < end) {
      let waiting = 0;
      let nextTime = 0;
      for (let n = start; n < end; n++) {
        const probe = probes[n]!;
        if (n === start && !probe.done && probe.sent !== 0) {
          const expires = probe.sent + this.#timeout(n);
          if (expires > process.now()) nextTime = expires;
          else this.#expire(n);
        }
        if (probe.done) {
          if (n === start) {
            await this.#print(n);
            start++;
          }
          if (probe.final) end = (Math.floor(n / perHop) + 1) * perHop;
          continue;
        }
        if (probe.sent === 0) {
          if (sendWait > 0 && lastSend + sendWait > process.now()) {
            nextTime = lastSend + sendWait;
            break;
          }
          await this.#send(probe, Math.floor(n / perHop) + 1);
          lastSend = probe.sent;
        }
        if (nextTime === 0) nextTime = probe.sent + this.#timeout(n);
        if (++waiting >= simultaneous) break;
      }
      if (nextTime !== 0) await this.#poll(Math.max(0, nextTime - process.now()));
    }
    for (const probe of probes) this.#close(probe);
    this.#echoSocket?.close();
  }

  /** get_timeout(): by the answers from the same hop, or from further ones, at most what -w says. */
  #timeout(n: number): number {
    const { perHop, here, near, wait } = this.#options;
    const probes = this.#probes;
    const took = (probe: Probe): number => (probe.done ? probe.received - probe.sent : 0);
    const first = n - (n % perHop);
    if (here !== 0) {
      for (const probe of probes.slice(first, first + perHop)) {
        if (took(probe) > 0) return Math.min(wait, (took(probe) + WAIT_PRECISION) * here);
      }
    }
    if (near !== 0) {
      for (let i = n + 1; i < probes.length && probes[i]!.sent !== 0; i++) {
        if (took(probes[i]!) > 0) return Math.min(wait, (took(probes[i]!) + WAIT_PRECISION) * near);
      }
    }
    return wait;
  }

  /**
   * check_expired(): no answer to this probe. If the host answered only later ones, with an error of its
   * router, the answer is moved here. The TTL of the error is not considered.
   */
  #expire(n: number): void {
    const { perHop } = this.#options;
    const probes = this.#probes;
    const probe = probes[n]!;
    probe.done = true;
    this.#close(probe);
    const before = probes.slice(n - (n % perHop), n);
    if (before.some((each) => !each.done || !each.final)) return;
    let at = -1;
    for (let i = n + 1; i < probes.length && probes[i]!.sent !== 0; i++) {
      if (!probes[i]!.done) continue;
      if (!probes[i]!.final) return;
      at = i;
      break;
    }
    const found = probes[at];
    if (found === undefined || found.text === '') return;
    const hopIsFinal = before.length > 0 || (n % perHop) + (at - n) < perHop;
    // The router that says so may have let time exceed for the probes before: then it is in its place.
    const sameRouter = probes.slice(0, n).some((each) => each.from === found.from);
    if (!hopIsFinal && !sameRouter) return;
    Object.assign(probe, found, { socket: undefined });
    // Its place is empty now, and expires as soon as its turn comes.
    Object.assign(found, { sent: 1, received: 0, from: undefined, text: '', final: false, done: false });
  }

  async #send(probe: Probe, ttl: number): Promise<void> {
    const { icmp, length } = this.#options;
    const payload = Math.max(0, length - IP_HEADER - TRANSPORT_HEADER);
    const first = icmp ? TRANSPORT_HEADER : 0;
    const data = Uint8Array.from({ length: payload }, (_, i) => 0x40 + ((first + i) & 0x3f));
    const socket = this.#echoSocket ?? this.#open('udp');
    socket.setOption('ttl', ttl);
    let sent: number;
    if (icmp) {
      probe.sequence = this.#port & 0xffff;
      const packet = new Uint8Array(TRANSPORT_HEADER + payload);
      packet.set(data, TRANSPORT_HEADER);
      putIcmpEcho(packet, 0, packet.length, ICMP_ECHO, this.#icmpId, probe.sequence);
      probe.sent = this.#process.now();
      sent = socket.send(packet);
    } else {
      const refused = socket.connect({ family: 'inet', address: this.#destination, port: this.#port });
      if (refused !== undefined) this.#error('connect', refused.errno);
      probe.socket = socket;
      probe.sent = this.#process.now();
      sent = socket.send(data);
    }
    // What the queue of errors tells more of is no reason to stop.
    if (sent < 0 && sent !== -EMSGSIZE && sent !== -EHOSTUNREACH) this.#error('send', -sent);
    this.#port++;
    await this.#process.sleep(SEND_TIME);
  }

  #openEcho(): void {
    const socket = this.#open('raw');
    const refused = socket.connect({ family: 'inet', address: this.#destination, port: 0 });
    if (refused !== undefined) this.#error('connect', refused.errno);
    this.#echoSocket = socket;
  }

  #open(type: 'udp' | 'raw'): Socket {
    const { source, device, tos, dontFragment } = this.#options;
    const socket = this.#process.task.socket(type, type === 'raw' ? IPPROTO_ICMP : 0);
    if (isRefusal(socket)) return this.#error('socket', socket.errno);
    socket.setOption('mtuDiscover', dontFragment ? 3 : 0);
    if (device !== undefined) {
      const refused = socket.setOption('bindToIfindex', this.#process.task.ioctl.ifNameToIndex(device) || -1);
      if (refused !== undefined) this.#error('setsockopt SO_BINDTODEVICE', refused.errno);
    }
    if (source !== undefined) {
      const address = lookup(this.#process, source, 'inet');
      if (typeof address === 'string') return fail(this.#process, `${source}: ${address}`);
      const refused = socket.bind({ family: 'inet', address, port: 0 });
      if (refused !== undefined) this.#error('bind', refused.errno);
    }
    socket.setOption('recverr', true);
    if (tos !== 0) socket.setOption('tos', tos);
    return socket;
  }

  /** error(): the line begun on standard output is ended on standard error. */
  #error(what: string, errno: number): never {
    return fail(this.#process, `\n${what}: ${strerror(errno)}`, 1);
  }

  async #poll(timeout: number): Promise<void> {
    const open = this.#probes.filter((probe) => probe.socket !== undefined && !probe.done);
    const sockets = open.map((probe) => probe.socket!);
    if (this.#echoSocket !== undefined) sockets.push(this.#echoSocket);
    // poll(2) counts milliseconds: by then the probes sent at nearly the same time have expired too.
    const milliseconds = Math.ceil(timeout / MILLISECOND) * MILLISECOND;
    if (!sockets.some((socket) => socket.readable)) await this.#process.poll(sockets, milliseconds);
    for (const probe of open) {
      const error = probe.socket!.recvError();
      if (error !== undefined) this.#answer(probe, error);
    }
    if (this.#echoSocket !== undefined) this.#echoes(this.#echoSocket);
  }

  /** One answer of those that wait: between two a further probe may be sent. */
  #echoes(socket: Socket): void {
    const probeOf = (bytes: Uint8Array, at: number): Probe | undefined => {
      if (bytes.length < at + TRANSPORT_HEADER || u16At(bytes, at + 4) !== this.#icmpId) return undefined;
      return this.#probes.find((probe) => !probe.done && probe.sent !== 0 && probe.sequence === u16At(bytes, at + 6));
    };
    const error = socket.recvError();
    if (error !== undefined) {
      const probe = probeOf(error.data, 0);
      if (probe !== undefined) this.#answer(probe, error);
      return;
    }
    const message = socket.recv();
    if (message?.from.family !== 'inet') return;
    const { data, from, timestamp } = message;
    const at = ipv4HeaderLength(data, 0);
    if (data[at] !== ICMP_ECHOREPLY) return;
    const probe = probeOf(data, at);
    if (probe === undefined) return;
    Object.assign(probe, { done: true, final: true, received: timestamp, from: from.address });
  }

  /** parse_icmp_res() */
  #answer(probe: Probe, error: SocketError): void {
    probe.done = true;
    probe.received = error.timestamp;
    probe.from = error.offender;
    this.#close(probe);
    if (error.icmpType === ICMP_TIME_EXCEEDED && error.icmpCode === 0) return;
    probe.final = true;
    probe.text = unreachableText(error);
  }

  #close(probe: Probe): void {
    probe.socket?.close();
    probe.socket = undefined;
  }

  async #print(n: number): Promise<void> {
    const { perHop } = this.#options;
    const probe = this.#probes[n]!;
    const { stdout } = this.#process;
    const inHop = n % perHop;
    if (inHop === 0) stdout.write(`\n${String(n / perHop + 1).padStart(2)} `);
    if (probe.from === undefined) stdout.write(' *');
    else {
      const previous = this.#probes.slice(n - inHop, n).findLast((each) => each.from !== undefined);
      if (previous?.from !== probe.from) stdout.write(this.#address(probe.from));
    }
    if (probe.received !== 0) stdout.write(`  ${((probe.received - probe.sent) / MILLISECOND).toFixed(3)} ms`);
    if (probe.text !== '') stdout.write(` ${probe.text}`);
    await stdout.flush();
  }

  #address(address: Ipv4): string {
    const numeric = formatIpv4(address);
    return this.#options.numeric ? ` ${numeric}` : ` ${hostName(this.#process, address) ?? numeric} (${numeric})`;
  }
}

const UNREACHABLE = ['!N', '!H', '!P', '', '!F', '!S', '!N', '!H', '!H', '!X', '!X', '!N', '!H', '!X', '!V', '!C'];

function unreachableText({ icmpType, icmpCode, info }: SocketError): string {
  if (icmpType !== 3) return `!<${icmpType}-${icmpCode}>`;
  if (icmpCode === 4) return `!F-${info}`;
  return UNREACHABLE[icmpCode] ?? `!<${icmpCode}>`;
}
