/** route (net-tools 2.10): shows /proc/net/route, adds and deletes routes as SIOCADDRT and SIOCDELRT do. */
import { EINVAL, ENODEV, strerror } from '../uapi/errno.ts';
import { complain, type Process } from '../uapi/process.ts';
import { type Ack, isRefusal, refuse } from '../uapi/result.ts';
import {
  NLM_F_CREATE,
  type RouteMessage,
  type RouteMetrics,
  type RouteRequest,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_BROADCAST,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTPROT_BOOT,
  RTPROT_UNSPEC,
} from '../uapi/rtnetlink.ts';
import { formatIpv4, type Ipv4 } from '../wire/addr.ts';
import { Getopt, type LongOption } from './getopt.ts';
import { hostName, resolveError, resolveHost } from './hosts.ts';
import { atoi, strtol } from './ip/numbers.ts';

const PROC_NET_ROUTE = '/proc/net/route';
const RTF_UP = 0x1;
const RTF_HOST = 0x4;
const RTF_REJECT = 0x200;

const E_USAGE = 0;
const E_OPTERR = 3;
const E_LOOKUP = 6;
const E_SOCK = 7;

const USAGE = `Usage: route [-nNvee] [-FC] [<AF>]           List kernel routing tables
       route [-v] [-FC] {add|del|flush} ...  Modify routing table for AF.

       route {-h|--help} [<AF>]              Detailed usage syntax for specified AF.
       route {-V|--version}                  Display version/author and exit.

        -v, --verbose            be verbose
        -n, --numeric            don't resolve names
        -e, --extend             display other/more information
        -F, --fib                display Forwarding Information Base (default)
        -C, --cache              display routing cache instead of FIB

  <AF>=Use -4, -6, '-A <af>' or '--<af>'; default: inet
  List of possible address families (which support routing):
`;
const FAMILY_LIST = `    inet (DARPA Internet) inet6 (IPv6) ax25 (AMPR AX.25) 
    netrom (AMPR NET/ROM) rose (AMPR ROSE) ipx (Novell IPX) 
    ddp (Appletalk DDP) x25 (CCITT X.25) 
`;
const INET_USAGE = `Usage: inet_route [-vF] del {-host|-net} Target[/prefix] [gw Gw] [metric M] [[dev] If]
       inet_route [-vF] add {-host|-net} Target[/prefix] [gw Gw] [metric M]
                              [netmask N] [mss Mss] [window W] [irtt I]
                              [mod] [dyn] [reinstate] [[dev] If]
       inet_route [-vF] add {-host|-net} Target[/prefix] [metric M] reject
       inet_route [-FC] flush      NOT supported
`;
const VERSION = `net-tools 2.10
+NEW_ADDRT +RTF_IRTT +RTF_REJECT +I18N +SELINUX
AF: (inet) +UNIX +INET +INET6 +IPX +AX25 +NETROM +X25 +ATALK +ECONET +ROSE -BLUETOOTH
HW:  +ETHER +ARC +SLIP +PPP +TUNNEL -TR +AX25 +NETROM +X25 +FR +ROSE +ASH +SIT +FDDI +HIPPI +HDLC/LAPB +EUI64 
`;

const FAMILIES = ['inet', 'inet6', 'ax25', 'netrom', 'rose', 'ipx', 'ddp', 'x25'];
const LONG_OPTIONS: readonly LongOption[] = [
  ...FAMILIES.map((name): LongOption => ({ name, value: name })),
  { name: 'extend', value: 'e' },
  { name: 'verbose', value: 'v' },
  { name: 'version', value: 'V' },
  { name: 'numeric', value: 'n' },
  { name: 'symbolic', value: 'N' },
  { name: 'protocol', argument: 'required', value: 'A' },
  { name: 'cache', value: 'C' },
  { name: 'fib', value: 'F' },
  { name: 'help', value: 'h' },
];

/** Letters of RTF_* behind U, G and !, in the order in which they are printed. */
const FLAG_LETTERS: readonly (readonly [number, string])[] = [
  [RTF_HOST, 'H'],
  [0x8, 'R'],
  [0x10, 'D'],
  [0x20, 'M'],
  [0x1_0000, 'd'],
  [0x2_0000, 'a'],
  [0x4_0000, 'c'],
  [0x20_0000, 'o'],
  [0x40_0000, 'e'],
  [0x100_0000, 'c'],
  [0x200_0000, 'f'],
  [0x400_0000, 'p'],
  [0x8000_0000, 'l'],
  [0x40, 'u'],
  [0x80, 'w'],
  [0x100, 'i'],
  [0x400, 'n'],
];

/** What ends the reading of arguments with a status. */
class Ended extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`exit ${status}`);
    this.status = status;
  }
}

/** struct rtentry. */
interface RtEntry {
  dst: Ipv4;
  /** undefined: not given. */
  genmask: Ipv4 | undefined;
  gateway: Ipv4 | undefined;
  host: boolean;
  reject: boolean;
  /** The metric plus one; 0: none. */
  metric: number;
  device: string | undefined;
  metrics: RouteMetrics;
}

function usage(process: Process, status: number): number {
  (status === E_USAGE ? process.stdout : process.stderr).write(USAGE);
  process.stderr.write(FAMILY_LIST);
  return status;
}

function inetUsage(process: Process, status: number): number {
  (status === E_USAGE ? process.stdout : process.stderr).write(INET_USAGE);
  return status;
}

/** An address of /proc/net/route: eight hexadecimal digits, the last octet first. */
function procAddress(word: string): Ipv4 {
  const [a = '0', b = '0', c = '0', d = '0'] = word.match(/../g) ?? [];
  return Number.parseInt(d + c + b + a, 16);
}

function flagLetters(flags: number): string {
  let letters = (flags & 0x2) !== 0 ? 'UG' : 'U';
  if ((flags & RTF_REJECT) !== 0) letters = '!';
  for (const [bit, letter] of FLAG_LETTERS) if ((flags & bit) !== 0) letters += letter;
  return letters;
}

const HEADERS = [
  'Destination     Gateway         Genmask         Flags Metric Ref    Use Iface\n',
  'Destination     Gateway         Genmask         Flags   MSS Window  irtt Iface\n',
  'Destination     Gateway         Genmask         Flags Metric Ref    Use Iface    MSS   Window irtt\n',
];

function show(process: Process, extend: number, numeric: boolean): number {
  const text = process.files.readText(PROC_NET_ROUTE);
  if (isRefusal(text)) {
    complain(process, `${PROC_NET_ROUTE}: ${strerror(text.errno)}\n`);
    process.stdout.write('INET (IPv4) not configured in this system.\n');
    return 1;
  }
  const name = (address: Ipv4, host: boolean): string =>
    (!numeric && host ? hostName(process, address) : undefined) ?? formatIpv4(address);
  process.stdout.write(`Kernel IP routing table\n${HEADERS[extend - 1]}`);
  // Without a main table the file is empty, and the program finds not even its first line.
  if (text === '') return 1;
  for (const line of text.split('\n').slice(1)) {
    const words = line.trim().split(/\s+/);
    if (words.length < 11) continue;
    const [iface = '', dst = '', gateway = '', hex = '', ref = '', use = '', , mask = ''] = words;
    const [metric = '', mss = '', window = '', irtt = ''] = [6, 8, 9, 10].map((at) => scanInt(words[at]!));
    const flags = Number.parseInt(hex, 16);
    if ((flags & RTF_UP) === 0) continue;
    const target = procAddress(dst);
    const netmask = procAddress(mask);
    const isHost = (flags & RTF_HOST) !== 0 || (target & ~netmask) !== 0;
    const net = !numeric && target === 0 && netmask === 0 ? 'default' : name(target, isHost);
    const via = procAddress(gateway);
    const rejected = (flags & RTF_REJECT) !== 0;
    const start = `${net.slice(0, 15).padEnd(15)} ${(rejected ? '-' : name(via, via !== 0)).slice(0, 15).padEnd(15)} ${formatIpv4(netmask).padEnd(15)} ${flagLetters(flags).padEnd(5)} `;
    process.stdout.write(start + columns({ iface, ref, use, metric, mss, window, irtt }, extend, rejected));
  }
  return 0;
}

/** A number as sscanf() reads it with %d: the kernel writes the metric unsigned. */
function scanInt(word: string): string {
  return String(Number(word) | 0);
}

interface Columns {
  iface: string;
  ref: string;
  use: string;
  metric: string;
  mss: string;
  window: string;
  irtt: string;
}

function columns({ iface, ref, use, metric, mss, window, irtt }: Columns, extend: number, rejected: boolean): string {
  if (extend === 2) {
    if (rejected) return '    - -          - -\n';
    return `${mss.padStart(5)} ${window.padEnd(5)} ${irtt.padStart(6)} ${iface}\n`;
  }
  const usage1 = `${metric.padEnd(6)} ${rejected ? '- ' : ref.padEnd(2)} ${use.padStart(7)}`;
  if (extend === 1) return `${usage1} ${rejected ? '-' : iface}\n`;
  if (rejected) return `${usage1} -        -     -      -\n`;
  const usage3 = `${metric.padEnd(6)} ${ref.padEnd(3)} ${use.padStart(6)}`;
  return `${usage3} ${iface.slice(0, 6).padEnd(6)}   ${mss.padEnd(5)} ${window.padEnd(6)} ${irtt}\n`;
}

/** Reads the words of `add` and `del` into a struct rtentry. */
class EntryReader {
  readonly #process: Process;
  #netmask = 'default';

  constructor(process: Process) {
    this.#process = process;
  }

  #fail(text?: string): never {
    if (text !== undefined) complain(this.#process, `route: ${text}\n`);
    throw new Ended(inetUsage(this.#process, E_OPTERR));
  }

  #resolve(name: string, gateway: boolean): { address: Ipv4; net: boolean } {
    if (name === 'default') return { address: 0, net: true };
    const address = resolveHost(this.#process, name);
    if (address !== undefined) return { address, net: false };
    complain(this.#process, `${name}: ${gateway ? 'Unknown host' : resolveError(name)}\n`);
    throw new Ended(E_LOOKUP);
  }

  read(words: readonly string[], adding: boolean): RtEntry {
    const args = [...words];
    const kind = args[0] === '-net' || args[0] === '-host' ? args.shift() : undefined;
    const first = args.shift();
    if (first === undefined) this.#fail();
    const slash = first.indexOf('/');
    const target = slash < 0 ? first : first.slice(0, slash);
    let genmask: Ipv4 | undefined;
    if (slash >= 0) {
      const { value, end } = strtol(first.slice(slash + 1));
      if (end !== first.length - slash - 1) this.#fail();
      // The shift count is taken modulo 32, as the processor does: /32 is no mask at all.
      genmask = ~(0xffff_ffff >>> (value & 31)) >>> 0;
      this.#netmask = `/${value}`;
    }
    const { address, net } = this.#resolve(target, false);
    const host = kind === undefined ? !net : kind === '-host';
    const entry: RtEntry = {
      dst: address,
      genmask,
      gateway: undefined,
      host,
      reject: false,
      metric: 0,
      device: undefined,
      metrics: {},
    };
    while (args.length > 0) this.#word(entry, args);
    if (entry.reject && entry.device === undefined) entry.device = 'lo';
    this.#check(entry);
    if (adding && host) entry.genmask = 0xffff_ffff;
    return entry;
  }

  #word(entry: RtEntry, args: string[]): void {
    const word = args.shift()!;
    const value = (): string => args.shift() ?? this.#fail();
    switch (word) {
      case 'metric': {
        const metric = value();
        if (!/^\d/.test(metric)) this.#fail();
        entry.metric = atoi(metric) + 1;
        break;
      }
      case 'netmask':
        if (args.length === 0 || (entry.genmask ?? 0) !== 0) this.#fail();
        this.#netmask = value();
        entry.genmask = this.#resolve(this.#netmask, false).address;
        break;
      case 'gw':
      case 'gateway': {
        if (args.length === 0 || entry.gateway !== undefined) this.#fail();
        const name = value();
        const gateway = this.#resolve(name, true);
        if (gateway.net) this.#fail(`${name}: cannot use a NETWORK as gateway!`);
        entry.gateway = gateway.address;
        break;
      }
      case 'mss':
      case 'mtu': {
        const mss = atoi(value());
        if (mss < 64 || mss > 65536) this.#fail('Invalid MSS/MTU.');
        // The kernel takes what this program calls the MSS for an MTU.
        entry.metrics.advmss = mss - 40;
        break;
      }
      case 'window': {
        const window = atoi(value());
        if (window < 128) this.#fail('Invalid window.');
        entry.metrics.window = window;
        break;
      }
      case 'irtt':
        entry.metrics.rtt = atoi(value()) << 3;
        break;
      case 'reject':
        entry.reject = true;
        break;
      case 'mod':
      case 'dyn':
      case 'reinstate':
        break;
      case 'dev':
      case 'device':
        if (entry.device !== undefined || args.length === 0) this.#fail();
        entry.device = value();
        break;
      default:
        if (entry.device !== undefined || args.length > 0) this.#fail();
        entry.device = word;
    }
  }

  #check({ dst, genmask = 0, host }: RtEntry): void {
    if (genmask === 0) return;
    const inverse = ~genmask >>> 0;
    if (host && inverse !== 0xffff_ffff) {
      this.#fail(`netmask ${inverse.toString(16).padStart(8, '0')} doesn't make sense with host route`);
    }
    if ((inverse & (inverse + 1)) !== 0) this.#fail(`bogus netmask ${this.#netmask}`);
    if ((dst & inverse) !== 0) this.#fail("netmask doesn't match route address");
  }
}

/** inet_addr_type_table() of the main table, which holds the local one's routes as well. */
function addressType({ task: { rtnl } }: Process, address: Ipv4): number {
  if (address === 0 || address === 0xffff_ffff) return RTN_BROADCAST;
  if (address >>> 28 === 0xe) return RTN_MULTICAST;
  const [main, local] = [RT_TABLE_MAIN, RT_TABLE_LOCAL].map((table) => rtnl.dumpRoutes({ table }));
  if (main === undefined || isRefusal(main)) return RTN_BROADCAST;
  const covers = ({ dst, dstLen }: RouteMessage): boolean => dstLen === 0 || (dst ^ address) >>> (32 - dstLen) === 0;
  const routes = [...main, ...(local === undefined || isRefusal(local) ? [] : local)].filter(covers);
  const best = routes.reduce<RouteMessage | undefined>(
    (found, route) => (found === undefined || route.dstLen > found.dstLen ? route : found),
    undefined,
  );
  return best?.type ?? RTN_UNICAST;
}

/** rtentry_to_fib_config() and the change that follows it. */
function change(process: Process, entry: RtEntry, adding: boolean): Ack {
  const { rtnl } = process.task;
  const mask = entry.host ? 0xffff_ffff : (entry.genmask ?? 0);
  if ((entry.dst & ~mask) !== 0) return refuse(EINVAL);
  const request: RouteRequest = {
    dst: entry.dst,
    dstLen: mask.toString(2).replaceAll('0', '').length,
    table: RT_TABLE_MAIN,
    protocol: adding ? RTPROT_BOOT : RTPROT_UNSPEC,
    type: RTN_UNICAST,
    scope: RT_SCOPE_NOWHERE,
  };
  if (entry.metric > 0) request.priority = entry.metric - 1;
  if (entry.reject) {
    request.scope = RT_SCOPE_HOST;
    request.type = RTN_UNREACHABLE;
  } else {
    if (entry.device !== undefined) {
      request.oif = process.task.ioctl.ifNameToIndex(entry.device);
      if (request.oif === 0) return refuse(ENODEV);
    }
    if (entry.gateway !== undefined && entry.gateway !== 0) {
      request.gateway = entry.gateway;
      if (addressType(process, entry.gateway) === RTN_UNICAST) request.scope = RT_SCOPE_UNIVERSE;
    }
    if (adding) {
      if (entry.gateway === 0) return refuse(EINVAL);
      if (request.scope === RT_SCOPE_NOWHERE) request.scope = RT_SCOPE_LINK;
      if (Object.keys(entry.metrics).length > 0) request.metrics = entry.metrics;
    }
  }
  return adding ? rtnl.newRoute(request, NLM_F_CREATE) : rtnl.delRoute(request);
}

function edit(process: Process, action: string, words: readonly string[]): number {
  if (words.length === 0) return inetUsage(process, E_USAGE);
  const adding = action === 'add';
  const answer = change(process, new EntryReader(process).read(words, adding), adding);
  if (answer === undefined) return 0;
  complain(process, `${adding ? 'SIOCADDRT' : 'SIOCDELRT'}: ${strerror(answer.errno)}\n`);
  return E_SOCK;
}

async function main(process: Process): Promise<number> {
  let extend = 1;
  let numeric = false;
  let help = false;
  let cache = false;
  let family = '';
  const notModelled = (what: string) => {
    complain(process, `route: "${what}" is not modelled\n`);
    return E_OPTERR;
  };
  // `-net` and `-host` are no options; the real program hides them from getopt in the same way.
  const hidden = process.argv.map((word) => (word === '-net' || word === '-host' ? `#${word}` : word));
  const getopt = new Getopt(process, 'A:eCFhnN64Vv?', LONG_OPTIONS, hidden);
  for (let parsed = getopt.next(); parsed !== undefined; parsed = getopt.next()) {
    const option = parsed.option === 'A' ? parsed.argument! : parsed.option;
    switch (option) {
      case 'n':
        numeric = true;
        break;
      case 'e':
        extend++;
        break;
      case 'C':
        cache = true;
        break;
      case '4':
        family = 'inet';
        break;
      case '6':
        family = 'inet6';
        break;
      case 'N':
      case 'F':
      case 'v':
        break;
      case 'V':
        process.stdout.write(VERSION);
        return 0;
      case 'h':
      case '?':
        help = true;
        break;
      default:
        if (!FAMILIES.includes(option)) {
          complain(process, `Unknown address family \`${option}'.\n`);
          return 1;
        }
        family = option;
    }
  }
  const [action, ...rest] = getopt.operands;
  const words = rest.map((word) => (word.startsWith('#-') ? word.slice(1) : word));
  if (help) return family === 'inet' ? inetUsage(process, E_USAGE) : usage(process, E_USAGE);
  if (family !== '' && family !== 'inet') return notModelled(`-A ${family}`);
  if (cache) return notModelled('-C');
  if (action === undefined) return show(process, Math.min(extend & 3 || 3, 3), numeric);
  if (action === 'add' || action === 'del' || action === 'delete') return edit(process, action, words);
  if (action !== 'flush') return usage(process, E_OPTERR);
  complain(process, "Flushing `inet' routing table not supported\n");
  return inetUsage(process, E_OPTERR);
}

/** The program `route`. */
export async function route(process: Process): Promise<number> {
  try {
    return await main(process);
  } catch (end) {
    if (end instanceof Ended) return end.status;
    throw end;
  }
}
