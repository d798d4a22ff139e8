/**
 * The program `ip` of iproute2 6.1: global options, the choice of an object, batch files.
 */
import type { Process } from '../../uapi/process.ts';
import { AF_BRIDGE, AF_INET, AF_INET6, AF_PACKET, AF_UNSPEC } from '../../uapi/rtnetlink.ts';
import { doIpaddr } from './address.ts';
import { Args, matches, matching } from './args.ts';
import { doBatch } from './batch.ts';
import type { Ip, IpObject, IpOptions } from './context.ts';
import { EXIT_FAILURE, EXIT_USAGE, Exit } from './exit.ts';
import { readFamily } from './inet-prefix.ts';
import { defaultOptions, matchColor, newIp } from './invocation.ts';
import { doIplink } from './link.ts';
import { doMultiaddr } from './maddress.ts';
import { doIpneigh } from './neigh.ts';
import { doNetns } from './netns.ts';
import { netnsSwitch } from './netns-switch.ts';
import { atoi, getUnsigned } from './numbers.ts';
import { doIproute } from './route.ts';
import { doIprule } from './rule.ts';

const AF_MPLS = 28;

const VERSION = 'ip utility, iproute2-6.1.0, libbpf 1.1.2\n';

const USAGE = `Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
       ip [ -force ] -batch filename
where  OBJECT := { address | addrlabel | amt | fou | help | ila | ioam | l2tp |
                   link | macsec | maddress | monitor | mptcp | mroute | mrule |
                   neighbor | neighbour | netconf | netns | nexthop | ntable |
                   ntbl | route | rule | sr | tap | tcpmetrics |
                   token | tunnel | tuntap | vrf | xfrm }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -r[esolve] |
                    -h[uman-readable] | -iec | -j[son] | -p[retty] |
                    -f[amily] { inet | inet6 | mpls | bridge | link } |
                    -4 | -6 | -M | -B | -0 |
                    -l[oops] { maximum-addr-flush-attempts } | -br[ief] |
                    -o[neline] | -t[imestamp] | -ts[hort] | -b[atch] [filename] |
                    -rc[vbuf] [size] | -n[etns] name | -N[umeric] | -a[ll] |
                    -c[olor]}
`;

function usage(process: Process): never {
  process.stderr.write(USAGE);
  throw new Exit(EXIT_USAGE);
}

const doHelp: IpObject = async (ip) => usage(ip.process);

/** The objects in the order in which an abbreviation is tried; undefined: Linux has it, Hairpin has not. */
const OBJECTS: readonly (readonly [string, IpObject | undefined])[] = [
  ['address', doIpaddr],
  ['addrlabel', undefined],
  ['maddress', doMultiaddr],
  ['route', doIproute],
  ['rule', doIprule],
  ['neighbor', doIpneigh],
  ['neighbour', doIpneigh],
  ['ntable', undefined],
  ['ntbl', undefined],
  ['link', doIplink],
  ['l2tp', undefined],
  ['fou', undefined],
  ['ila', undefined],
  ['macsec', undefined],
  ['tunnel', undefined],
  ['tunl', undefined],
  ['tuntap', undefined],
  ['tap', undefined],
  ['token', undefined],
  ['tcpmetrics', undefined],
  ['tcp_metrics', undefined],
  ['monitor', undefined],
  ['xfrm', undefined],
  ['mroute', undefined],
  ['mrule', undefined],
  ['netns', doNetns],
  ['netconf', undefined],
  ['vrf', undefined],
  ['sr', undefined],
  ['nexthop', undefined],
  ['mptcp', undefined],
  ['ioam', undefined],
  ['help', doHelp],
  ['stats', undefined],
];

/** Names written out which no name before them begins with. */
const FULL_NAMES = new Map(
  OBJECTS.filter((entry) => OBJECTS.find(([name]) => matches(entry[0], name)) === entry).map((entry) => [
    entry[0],
    entry,
  ]),
);

/** do_cmd(): the object that the first word abbreviates does the rest. */
async function doCmd(ip: Ip, argv: readonly string[]): Promise<number> {
  const word = argv[0]!;
  const found = FULL_NAMES.get(word) ?? OBJECTS.find(([name]) => matches(word, name));
  if (found === undefined) {
    ip.process.stderr.write(`Object "${word}" is unknown, try "ip help".\n`);
    return EXIT_FAILURE;
  }
  const [name, object] = found;
  const args = new Args(ip.process, argv, 1);
  return object ? object(ip, args) : args.notModelled(name);
}

/** Read the global options; gives the name of the batch file, if there is one. */
function readOptions(process: Process, args: Args, options: IpOptions): string | undefined {
  let batchFile: string | undefined;
  const value = (): string => {
    args.shift();
    if (args.left <= 0) usage(process);
    return args.word;
  };
  while (args.left > 0) {
    let word = args.word;
    if (word === '--') {
      args.shift();
      break;
    }
    if (!word.startsWith('-')) break;
    if (word.startsWith('--')) word = word.slice(1);
    const is = matching(word);
    if (is('-loops')) options.maxFlushLoops = atoi(value());
    else if (is('-family')) {
      const name = value();
      if (name === 'help') usage(process);
      options.family = readFamily(name);
      if (options.family === AF_UNSPEC) args.invarg('invalid protocol family', name);
    } else if (word === '-4') options.family = AF_INET;
    else if (word === '-6') options.family = AF_INET6;
    else if (word === '-0') options.family = AF_PACKET;
    else if (word === '-M') options.family = AF_MPLS;
    else if (word === '-B') options.family = AF_BRIDGE;
    else if (is('-human') || is('-human-readable')) options.human = true;
    else if (is('-iec')) options.iec = true;
    else if (is('-stats') || is('-statistics')) options.stats++;
    else if (is('-details')) options.details++;
    else if (is('-resolve')) options.resolve = true;
    else if (is('-oneline')) options.oneline = true;
    else if (is('-timestamp')) options.timestamp = true;
    else if (is('-tshort')) {
      options.timestamp = true;
      options.timestampShort = true;
    } else if (is('-Version')) {
      process.stdout.write(VERSION);
      throw new Exit(0);
    } else if (is('-force')) options.force = true;
    else if (is('-batch')) batchFile = value();
    else if (is('-brief')) options.brief = true;
    else if (is('-json')) options.json = true;
    else if (is('-pretty')) options.pretty = true;
    else if (is('-rcvbuf')) {
      const size = value();
      if (getUnsigned(size) === undefined) args.fail(`Invalid rcvbuf size '${size}'`);
    } else if (matchColor(word)) options.color = matchColor(word)!;
    else if (is('-help')) usage(process);
    else if (is('-netns')) {
      if (!netnsSwitch(process, args.next())) throw new Exit(EXIT_USAGE);
    } else if (is('-Numeric')) options.numeric = true;
    else if (is('-all')) options.all = true;
    else if (word === '-echo') options.echo = true;
    else args.fail(`Option "${word}" is unknown, try "ip -help".`);
    args.shift();
  }
  return batchFile;
}

async function main(process: Process): Promise<number> {
  const options = defaultOptions(10);
  const args = new Args(process, process.argv, 1);
  const batchFile = readOptions(process, args, options);
  const ip = newIp(process, options);
  if (batchFile !== undefined) {
    const family = options.family;
    options.batch = true;
    return doBatch(process, batchFile, options.force, (argv) => {
      options.family = family;
      return doCmd(ip, argv);
    });
  }
  return args.left > 0 ? doCmd(ip, args.rest) : usage(process);
}

/** The program `ip`. */
export async function ip(process: Process): Promise<number> {
  try {
    return await main(process);
  } catch (end) {
    if (end instanceof Exit) return end.status;
    throw end;
  }
}
