/** ping's command line (iputils 20221126): ping.c main(). */
import { complain, type Process } from '../../uapi/process.ts';
import { type Ipv4, parseIpv4 } from '../../wire/addr.ts';
import { Getopt } from '../getopt.ts';
import { die, Exit, error, IPUTILS_FEATURES, IPUTILS_VERSION, isIpv6Literal, strtolOrErr } from '../iputils.ts';

const SHORT_OPTIONS = 'h?4bRT:6F:N:aABc:CdDe:fi:I:l:Lm:M:nOp:qQ:rs:S:t:UvVw:W:';
const INT_MAX = 0x7fff_ffff;
const LONG_MAX = 0x7fff_ffff_ffff_ffffn;
const MAX_DUP_CHK = 0x10000;
const DEFAULT_DATA_LENGTH = 56;
/** MAXWAIT: how long the last answer is waited for, milliseconds. */
const MAX_WAIT = 10_000;
const IPOPT_TS_TSONLY = 0;
const IPOPT_TS_TSANDADDR = 1;

export interface PingOptions {
  /** -4 or -6. */
  family: 4 | 6 | undefined;
  adaptive: boolean;
  audible: boolean;
  broadcast: boolean;
  /** -c; 0 is no limit. */
  packets: number;
  connect: boolean;
  dontRoute: boolean;
  timestamps: boolean;
  /** -e. */
  ident: number | undefined;
  flood: boolean;
  /** -i, milliseconds; `intervalGiven` tells it from the default. */
  interval: number;
  intervalGiven: boolean;
  device: string | undefined;
  source: Ipv4;
  /** -B, or -I with an address: bind to the source. */
  strictSource: boolean;
  preload: number;
  noLoop: boolean;
  mark: number | undefined;
  /** -M: 0 dont, 1 want, 2 do. */
  pmtuDiscover: number | undefined;
  numeric: boolean;
  outstanding: boolean;
  /** -p, as bytes. */
  pattern: Uint8Array | undefined;
  quiet: boolean;
  recordRoute: boolean;
  /** -T: the option's flag field. */
  timestampOption: number | undefined;
  tos: number;
  size: number;
  sndbuf: number;
  ttl: number | undefined;
  /** -U: time from user space to user space. */
  latency: boolean;
  verbose: boolean;
  /** -w, seconds; 0 is none. */
  deadline: number;
  /** -W, milliseconds. */
  linger: number;
  /** The destination, behind the hops of a source route. */
  targets: readonly string[];
}

const USAGE = `
Usage
  ping [options] <destination>

Options:
  <destination>      dns name or ip address
  -a                 use audible ping
  -A                 use adaptive ping
  -B                 sticky source address
  -c <count>         stop after <count> replies
  -C                 call connect() syscall on socket creation
  -D                 print timestamps
  -d                 use SO_DEBUG socket option
  -e <identifier>    define identifier for ping session, default is random for
                     SOCK_RAW and kernel defined for SOCK_DGRAM
                     Imply using SOCK_RAW (for IPv4 only for identifier 0)
  -f                 flood ping
  -h                 print help and exit
  -I <interface>     either interface name or address
  -i <interval>      seconds between sending each packet
  -L                 suppress loopback of multicast packets
  -l <preload>       send <preload> number of packages while waiting replies
  -m <mark>          tag the packets going out
  -M <pmtud opt>     define mtu discovery, can be one of <do|dont|want>
  -n                 no dns name resolution
  -O                 report outstanding replies
  -p <pattern>       contents of padding byte
  -q                 quiet output
  -Q <tclass>        use quality of service <tclass> bits
  -s <size>          use <size> as number of data bytes to be sent
  -S <size>          use <size> as SO_SNDBUF socket option value
  -t <ttl>           define time to live
  -U                 print user-to-user latency
  -v                 verbose output
  -V                 print version and exit
  -w <deadline>      reply wait <deadline> in seconds
  -W <timeout>       time to wait for response

IPv4 options:
  -4                 use IPv4
  -b                 allow pinging broadcast
  -R                 record route
  -T <timestamp>     define timestamp, can be one of <tsonly|tsandaddr|tsprespec>

IPv6 options:
  -6                 use IPv6
  -F <flowlabel>     define flow label, default is random
  -N <nodeinfo opt>  use icmp6 node info query, try <help> as argument

For more details see ping(8).
`;

/** Print the options and end with status 2. */
export function usage(process: Process): never {
  complain(process, USAGE);
  throw new Exit(2);
}

/** Read the command line; ends the program after a complaint, -h and -V. */
export async function parseOptions(process: Process): Promise<PingOptions> {
  const options: PingOptions = {
    family: process.argv[0]!.endsWith('4') ? 4 : process.argv[0]!.endsWith('6') ? 6 : undefined,
    adaptive: false,
    audible: false,
    broadcast: false,
    packets: 0,
    connect: false,
    dontRoute: false,
    timestamps: false,
    ident: undefined,
    flood: false,
    interval: 1000,
    intervalGiven: false,
    device: undefined,
    source: 0,
    strictSource: false,
    preload: 1,
    noLoop: false,
    mark: undefined,
    pmtuDiscover: undefined,
    numeric: false,
    outstanding: false,
    pattern: undefined,
    quiet: false,
    recordRoute: false,
    timestampOption: undefined,
    tos: 0,
    size: DEFAULT_DATA_LENGTH,
    sndbuf: 0,
    ttl: undefined,
    latency: false,
    verbose: false,
    deadline: 0,
    linger: MAX_WAIT,
    targets: [],
  };
  const getopt = new Getopt(process, SHORT_OPTIONS);
  let pattern: string | undefined;
  for (let parsed = getopt.next(); parsed !== undefined; parsed = getopt.next()) {
    if (parsed.option === 'p') pattern = parsed.argument!;
    else await applyOption(process, options, parsed.option, parsed.argument ?? '');
  }
  options.targets = getopt.operands;
  if (options.targets.length === 0) {
    return die(process, 1, 'usage error: Destination address required');
  }
  if (pattern !== undefined) options.pattern = await readPattern(process, pattern, options.quiet);
  return options;
}

async function applyOption(process: Process, options: PingOptions, letter: string, argument: string): Promise<void> {
  const number = (min: number, max: number | bigint) => strtolOrErr(process, argument, min, max);
  switch (letter) {
    case '4':
    case '6': {
      const family = letter === '4' ? 4 : 6;
      if (options.family === 10 - family) await die(process, 2, 'only one -4 or -6 option may be specified');
      options.family = family;
      return;
    }
    case 'b':
      options.broadcast = true;
      return;
    case 'R':
      if (options.timestampOption !== undefined) await die(process, 2, 'only one of -T or -R may be used');
      options.recordRoute = true;
      return;
    case 'T':
      if (options.recordRoute) await die(process, 2, 'only one of -T or -R may be used');
      options.timestampOption = await timestampType(process, argument);
      return;
    case 'a':
      options.audible = true;
      return;
    case 'A':
      options.adaptive = true;
      return;
    case 'B':
      options.strictSource = true;
      return;
    case 'c':
      options.packets = await number(1, LONG_MAX);
      return;
    case 'C':
      options.connect = true;
      return;
    case 'd':
      return;
    case 'D':
      options.timestamps = true;
      return;
    case 'e':
      options.ident = await number(0, 0xffff);
      return;
    case 'f':
      options.flood = true;
      options.numeric = true;
      process.stdout.setBuffering('none');
      return;
    case 'i': {
      const seconds = await readSeconds(process, argument, 'bad timing interval');
      if (seconds > Math.trunc(INT_MAX / 1000)) await die(process, 2, `bad timing interval: ${argument}`);
      options.interval = Math.trunc(seconds * 1000);
      options.intervalGiven = true;
      return;
    }
    case 'I':
      return sourceOption(process, options, argument);
    case 'l':
      options.preload = await number(1, MAX_DUP_CHK);
      return;
    case 'L':
      options.noLoop = true;
      return;
    case 'm':
      options.mark = await number(0, 0xffff_ffff);
      return;
    case 'M':
      options.pmtuDiscover = ['dont', 'want', 'do'].indexOf(argument);
      if (options.pmtuDiscover < 0) await die(process, 2, `invalid -M argument: ${argument}`);
      return;
    case 'n':
      options.numeric = true;
      return;
    case 'O':
      options.outstanding = true;
      return;
    case 'q':
      options.quiet = true;
      return;
    case 'Q':
      options.tos = await readTos(process, argument);
      return;
    case 'r':
      options.dontRoute = true;
      return;
    case 's':
      options.size = await number(0, INT_MAX);
      return;
    case 'S':
      options.sndbuf = await number(1, INT_MAX);
      return;
    case 't':
      options.ttl = await number(0, 255);
      return;
    case 'U':
      options.latency = true;
      return;
    case 'v':
      options.verbose = true;
      return;
    case 'V':
      process.stdout.write(`ping from iputils ${IPUTILS_VERSION}\n${IPUTILS_FEATURES}\n`);
      throw new Exit(0);
    case 'w':
      options.deadline = await number(0, INT_MAX);
      return;
    case 'W': {
      const seconds = await readSeconds(process, argument, 'bad linger time');
      if (seconds < 0 || seconds > Math.trunc(INT_MAX / 1000)) await die(process, 2, `bad linger time: ${argument}`);
      options.linger = Math.trunc(seconds * 1000);
      return;
    }
    case 'F':
    case 'N':
      await die(process, 2, `option -${letter} is not supported: there is no IPv6`);
      return;
    default:
      usage(process);
  }
}

async function timestampType(process: Process, argument: string): Promise<number> {
  if (argument === 'tsonly') return IPOPT_TS_TSONLY;
  if (argument === 'tsandaddr') return IPOPT_TS_TSANDADDR;
  if (argument === 'tsprespec') return die(process, 2, 'option -T tsprespec is not supported');
  return die(process, 2, `invalid timestamp type: ${argument}`);
}

async function sourceOption(process: Process, options: PingOptions, argument: string): Promise<void> {
  if (argument.includes(':')) {
    if (!isIpv6Literal(argument)) await die(process, 2, `invalid source address: ${argument}`);
    await die(process, 2, `${argument}: IPv6 is not supported`);
  }
  const address = parseIpv4(argument);
  if (address === undefined) {
    options.device = argument;
    return;
  }
  options.source = address;
  options.strictSource = true;
}

/** ping_strtod(): what does not belong to the number is complained of and ignored. */
async function readSeconds(process: Process, text: string, complaint: string): Promise<number> {
  if (text === '') await die(process, 2, `${complaint}: `);
  const match = /^\s*[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|0[xX][\da-fA-F]+)/.exec(text);
  const used = match?.[0] ?? '';
  if (used.length < text.length) {
    await error(process, `option argument contains garbage: ${text.slice(used.length)}`);
    await error(process, 'this will become fatal error in the future');
  }
  return used === '' ? 0 : Number(used);
}

/** parsetos(): decimal or 0x hexadecimal. */
async function readTos(process: Process, text: string): Promise<number> {
  if (!/^(\s*[+-]?\d+|0[xX][\da-fA-F]+)$/.test(text)) await die(process, 2, `bad TOS value: ${text}`);
  const tos = Number(text);
  if (tos > 255) await die(process, 2, `the decimal value of TOS bits must be in range 0-255: ${tos}`);
  return tos;
}

/** fill(): pairs of hexadecimal digits, at most sixteen of them. */
async function readPattern(process: Process, text: string, quiet: boolean): Promise<Uint8Array> {
  const wrong = /[^0-9a-fA-F]/.exec(text);
  if (wrong !== null) await die(process, 2, `patterns must be specified as hex digits: ${text.slice(wrong.index)}`);
  const pairs = (text.match(/..?/g) ?? []).slice(0, 16);
  if (!quiet) process.stdout.write(`PATTERN: 0x${pairs.map((pair) => pair.toLowerCase().padStart(2, '0')).join('')}\n`);
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}
