/**
 * nc: netcat-openbsd 1.219 as Debian has it, for UDP, and for TCP as far as a connection is opened: nobody
 * listens for TCP in the twin.
 */
import { ECONNREFUSED, strerror } from '../uapi/errno.ts';
import { complain, type Process } from '../uapi/process.ts';
import { isRefusal, type Refusal } from '../uapi/result.ts';
import type { SockaddrIn, Socket, SocketMessage } from '../uapi/socket.ts';
import { formatIpv4, type Ipv4 } from '../wire/addr.ts';
import { portOfService, serviceOfPort } from '../wire/services.ts';
import { Getopt } from './getopt.ts';
import { hostName } from './hosts.ts';
import { Exit, lookup, runProgram } from './iputils.ts';

const SECOND = 1e9;
/** Nanoseconds. */
const WRITE_TIME = 20_000;
const BUFFER = 16_384;
const SHORTS = '46bCDdFhI:i:klM:m:NnO:P:p:q:rSs:T:tUuV:vW:w:X:x:Zz';
const MAX_PORT = 65_535;

const USAGE = `usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]
\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]
\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]
\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]
\t  [destination] [port]
`;

interface Options {
  udp: boolean;
  listen: boolean;
  keep: boolean;
  scan: boolean;
  verbose: boolean;
  numeric: boolean;
  detached: boolean;
  broadcast: boolean;
  ipv6: boolean;
  shutdown: boolean;
  /** -q: nanoseconds to go on after the end of standard input; negative for ever. */
  quitAfter: number;
  /** -w: nanoseconds of silence, undefined for ever. */
  timeout: number | undefined;
  sourcePort: string | undefined;
  source: string | undefined;
  ttl: number;
  receiveLimit: number;
  host: string | undefined;
  port: string | undefined;
}

/** errx(1, ...) */
function errx(process: Process, text: string): never {
  complain(process, `nc: ${text}\n`);
  throw new Exit(1);
}

function usage(process: Process): never {
  complain(process, USAGE);
  throw new Exit(1);
}

/** strtonum(): a whole number between the two; undefined otherwise. */
function strtonum(text: string, min: number, max: number): number | undefined {
  const value = /^\s*[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

function strtonumError(text: string, min: number): string {
  if (!/^\s*[+-]?\d+$/.test(text)) return 'invalid';
  return Number(text) < min ? 'too small' : 'too large';
}

function parseOptions(process: Process): Options {
  const options: Options = {
    udp: false,
    listen: false,
    keep: false,
    scan: false,
    verbose: false,
    numeric: false,
    detached: false,
    broadcast: false,
    ipv6: false,
    shutdown: false,
    quitAfter: -1,
    timeout: undefined,
    sourcePort: undefined,
    source: undefined,
    ttl: -1,
    receiveLimit: 0,
    host: undefined,
    port: undefined,
  };
  const number = (what: string, text: string, min: number, max: number): number =>
    strtonum(text, min, max) ?? errx(process, `${what} ${strtonumError(text, min)}: ${text}`);
  const getopt = new Getopt(process, SHORTS);
  for (let parsed = getopt.next(); parsed !== undefined; parsed = getopt.next()) {
    const argument = parsed.argument ?? '';
    switch (parsed.option) {
      case '4':
        options.ipv6 = false;
        break;
      case '6':
        options.ipv6 = true;
        break;
      case 'b':
        options.broadcast = true;
        break;
      case 'd':
        options.detached = true;
        break;
      case 'k':
        options.keep = true;
        break;
      case 'l':
        options.listen = true;
        break;
      case 'M':
        options.ttl = number('ttl is', argument, 0, 255);
        break;
      case 'N':
        options.shutdown = true;
        break;
      case 'n':
        options.numeric = true;
        break;
      case 'p':
        options.sourcePort = argument;
        break;
      case 'q':
        options.quitAfter = number('quit timer', argument, -0x8000_0000, 0x7fff_ffff) * SECOND;
        if (options.quitAfter >= 0) options.shutdown = true;
        break;
      case 's':
        options.source = argument;
        break;
      case 'u':
        options.udp = true;
        break;
      case 'v':
        options.verbose = true;
        break;
      case 'W':
        options.receiveLimit = number('receive limit', argument, 1, 0x7fff_ffff);
        break;
      case 'w':
        options.timeout = number('timeout', argument, 0, 0x7fff_ffff / 1000) * SECOND;
        break;
      case 'z':
        options.scan = true;
        break;
      case '?':
        return usage(process);
      default:
        return errx(process, `option -${parsed.option} is not modelled`);
    }
  }
  readOperands(process, options, getopt.operands);
  return options;
}

/** Which of host and port the operands are. */
function readOperands(process: Process, options: Options, operands: readonly string[]): void {
  const [first, second, ...more] = operands;
  if (more.length > 0) usage(process);
  if (first === undefined) {
    if (!options.listen) usage(process);
    options.port = options.sourcePort;
  } else if (second === undefined) {
    if (options.listen && options.sourcePort === undefined) options.port = first;
    else {
      options.host = first;
      options.port = options.listen ? options.sourcePort : undefined;
    }
  } else {
    options.host = first;
    options.port = second;
  }
  if (options.listen && options.scan) errx(process, 'cannot use -z and -l');
  if (!options.listen && options.keep) errx(process, 'must use -l with -k');
  if (options.port === undefined) errx(process, 'missing port number');
}

/** build_ports(): a port by number or name, or all of a range. */
function portsOf(process: Process, options: Options): number[] {
  const text = options.port!;
  const named = options.numeric ? undefined : portOfService(text, options.udp ? 'udp' : 'tcp');
  if (named !== undefined) return [named];
  const one = (part: string): number =>
    strtonum(part, 1, MAX_PORT) ?? errx(process, `port number ${strtonumError(part, 1)}: ${part}`);
  const dash = text.indexOf('-');
  if (dash < 0) return [one(text)];
  const [a, b] = [one(text.slice(0, dash)), one(text.slice(dash + 1))];
  const [low, high] = a <= b ? [a, b] : [b, a];
  return Array.from({ length: high - low + 1 }, (_, i) => low + i);
}

function resolve(process: Process, options: Options, host: string, port: string): Ipv4 {
  const address = options.ipv6 ? 'Address family for hostname not supported' : lookup(process, host, 'any');
  if (typeof address === 'number') return address;
  return errx(process, `getaddrinfo for host "${host}" port ${port}: ${address}`);
}

export async function nc(process: Process): Promise<number> {
  return runProgram(async () => {
    const options = parseOptions(process);
    return options.listen ? listen(process, options) : scan(process, options);
  });
}

function openSocket(process: Process, options: Options): Socket {
  const socket = process.task.socket(options.udp ? 'udp' : 'tcp', 0);
  if (isRefusal(socket)) return errx(process, strerror(socket.errno));
  socket.setOption('reuseaddr', true);
  if (options.broadcast) socket.setOption('broadcast', true);
  if (options.ttl >= 0) socket.setOption('ttl', options.ttl);
  return socket;
}

/** report_sock(): who is at the other end, unless its name cannot be found. */
function report(process: Process, options: Options, what: string, address: Ipv4, port: number): void {
  const name = options.numeric ? formatIpv4(address) : hostName(process, address);
  if (name === undefined) complain(process, 'nc: getnameinfo: Temporary failure in name resolution\n');
  else complain(process, `${what} on ${name} ${port}\n`);
}

async function listen(process: Process, options: Options): Promise<number> {
  if (!options.udp) return errx(process, 'listening for TCP is not modelled');
  const [port = 0] = portsOf(process, options);
  const address = options.host === undefined ? 0 : resolve(process, options, options.host, options.port!);
  const socket = openSocket(process, options);
  const refused = socket.bind({ family: 'inet', address, port });
  if (refused !== undefined) return errx(process, strerror(refused.errno));
  try {
    if (options.verbose) report(process, options, 'Bound', address, port);
    if (options.keep) {
      await readwrite(process, options, socket, undefined);
      return 0;
    }
    while (!socket.readable) await process.poll([socket]);
    const first = socket.recv();
    if (first?.from.family !== 'inet') return 1;
    socket.connect(first.from);
    if (options.verbose) report(process, options, 'Connection received', first.from.address, first.from.port);
    await readwrite(process, options, socket, first);
    return 0;
  } finally {
    socket.close();
  }
}

/** Connect to each port in turn; talk unless that was all. */
async function scan(process: Process, options: Options): Promise<number> {
  const host = options.host!;
  let status = 0;
  for (const port of portsOf(process, options)) {
    const address = resolve(process, options, host, String(port));
    const socket = openSocket(process, options);
    try {
      bindSource(process, options, socket);
      const errno = await connect(process, options, socket, { family: 'inet', address, port });
      if (errno !== 0) {
        if (options.verbose) complainConnect(process, options, { host, address, port }, errno);
        status = 1;
        continue;
      }
      status = 0;
      if (options.verbose) {
        if (options.udp && !(await udpTest(process, options, socket))) {
          status = 1;
          continue;
        }
        complainSuccess(process, options, host, address, port);
      }
      if (!options.scan) await readwrite(process, options, socket, undefined);
    } finally {
      socket.close();
    }
  }
  return status;
}

function bindSource(process: Process, options: Options, socket: Socket): void {
  const { source, sourcePort } = options;
  if (source === undefined && sourcePort === undefined) return;
  const port = sourcePort === undefined ? 0 : (strtonum(sourcePort, 0, MAX_PORT) ?? 0);
  const address = source === undefined ? 0 : resolve(process, options, source, sourcePort ?? '(null)');
  const refused = socket.bind({ family: 'inet', address, port });
  if (refused !== undefined) errx(process, `bind failed: ${strerror(refused.errno)}`);
}

const EINPROGRESS = 115;

/** The error number of the connection, 0 for none; EINPROGRESS when it took too long. */
async function connect(process: Process, options: Options, socket: Socket, to: SockaddrIn): Promise<number> {
  const refused: Refusal | undefined = socket.connect(to);
  if (refused !== undefined) return refused.errno;
  if (options.udp) return 0;
  if ((await process.poll([socket], options.timeout)) === 'timeout') return EINPROGRESS;
  return socket.takeError() || ECONNREFUSED;
}

function complainConnect(
  process: Process,
  options: Options,
  to: { host: string; address: Ipv4; port: number },
  errno: number,
): void {
  const numeric = formatIpv4(to.address);
  const where = numeric === to.host || options.numeric ? to.host : `${to.host} (${numeric})`;
  const what = errno === EINPROGRESS ? 'timed out: Operation now in progress' : `failed: ${strerror(errno)}`;
  complain(process, `nc: connect to ${where} port ${to.port} (${options.udp ? 'udp' : 'tcp'}) ${what}\n`);
}

function complainSuccess(process: Process, options: Options, host: string, address: Ipv4, port: number): void {
  const protocol = options.udp ? 'udp' : 'tcp';
  const service = options.numeric ? '*' : (serviceOfPort(port, protocol) ?? '*');
  const numeric = formatIpv4(address);
  const where = numeric === host || options.numeric ? host : `${host} (${numeric})`;
  complain(process, `Connection to ${where} ${port} port [${protocol}/${service}] succeeded!\n`);
}

/** udptest(): datagrams with an X in them; an ICMP error that comes back in the meantime makes the next one fail. */
async function udpTest(process: Process, options: Options, socket: Socket): Promise<boolean> {
  const cross = new Uint8Array([0x58]);
  if (socket.send(cross) < 0) return false;
  // A write takes its time: over loopback the error is there before the next one.
  await process.sleep(WRITE_TIME);
  const rounds = options.timeout === undefined ? 3 : Math.max(1, options.timeout / SECOND);
  if (socket.send(cross) < 0) return false;
  for (let i = 0; i < rounds; i++) {
    await process.sleep(SECOND);
    if (socket.send(cross) < 0) return false;
  }
  return true;
}

/** readwrite(): standard input to the network, the network to standard output, until nothing is left to wait for. */
async function readwrite(
  process: Process,
  options: Options,
  socket: Socket,
  first: SocketMessage | undefined,
): Promise<void> {
  let input = !options.detached;
  let received = 0;
  let quitAt = Number.POSITIVE_INFINITY;
  const write = async (data: Uint8Array): Promise<boolean> => {
    process.stdout.write(data);
    await process.stdout.flush();
    received++;
    return options.receiveLimit === 0 || received < options.receiveLimit;
  };
  if (first !== undefined && !(await write(first.data))) return;
  for (;;) {
    const silence = Math.min(options.timeout ?? Number.POSITIVE_INFINITY, quitAt - process.now());
    const sources = input ? [process.stdin, socket] : [socket];
    const woke = await process.poll(sources, silence === Number.POSITIVE_INFINITY ? undefined : Math.max(0, silence));
    if (woke === 'timeout') return;
    if (socket.readable) {
      const message = socket.recv();
      if (message !== undefined) {
        if (!(await write(message.data))) return;
      } else if (socket.takeError() !== 0 && !options.keep) return;
    }
    if (input && process.stdin.readable) {
      const data = await process.stdin.read(BUFFER);
      if (data.length > 0) socket.send(data);
      else {
        input = false;
        if (options.shutdown && options.quitAfter <= 0) return;
        if (options.quitAfter > 0) quitAt = process.now() + options.quitAfter;
      }
    }
  }
}
