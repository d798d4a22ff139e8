/** `bridge mdb`: multicast groups that bridges have learned (bridge/mdb.c). Groups cannot be added by hand. */
import type { MdbEntryMessage, MdbMessage } from '../../uapi/bridge-mdb.ts';
import { formatIpv4 } from '../../wire/addr.ts';
import { type Args, matches } from '../ip/args.ts';
import type { Ip, IpObject } from '../ip/context.ts';
import { EXIT_USAGE, Exit } from '../ip/exit.ts';
import { atoi } from '../ip/numbers.ts';

const USAGE = `Usage: bridge mdb { add | del } dev DEV port PORT grp GROUP [src SOURCE] [permanent | temp] [vid VID]
       bridge mdb {show} [ dev DEV ] [ vid VID ]
`;

const MDB_RTR_TYPE_TEMP_QUERY = 1;
const MDB_RTR_TYPE_TEMP = 3;

/** format_timer(): hundredths as `%4lu.%.2lu`. */
function formatTimer(ticks: number): string {
  return `${String(Math.floor(ticks / 100)).padStart(4)}.${String(ticks % 100).padStart(2, '0')}`;
}

function printEntry(ip: Ip, bridge: number, entry: MdbEntryMessage): void {
  const { out, links, options } = ip;
  const dev = links.name(bridge);
  const port = links.name(entry.ifindex);
  const group = formatIpv4(entry.group);
  const state = entry.permanent ? 'permanent' : 'temp';
  out.openObject();
  out.field('index', bridge);
  out.color('ifname', 'dev', `dev ${dev}`, dev);
  out.print('port', ` port ${port}`, port);
  out.color('inet', 'grp', ` grp ${group}`, group);
  out.print('state', ` ${state}`, state);
  if (options.details > 0 && entry.protocol !== undefined) {
    const protocol = ip.names.protocol(entry.protocol);
    out.print('protocol', ` proto ${protocol} `, protocol);
  }
  out.openArray('flags');
  out.closeArray();
  if (entry.vid !== 0) out.print('vid', ` vid ${entry.vid}`, entry.vid);
  if (options.stats > 0) {
    const timer = formatTimer(entry.timer);
    out.print('timer', ` ${timer}`, timer);
  }
  out.nl();
  out.closeObject();
}

/** br_print_router_ports(). */
function printRouters(ip: Ip, { bridge, routers }: MdbMessage): void {
  const { out, links } = ip;
  const name = links.name(bridge);
  const stats = ip.options.stats > 0;
  if (out.isJson) out.openArray(name);
  else if (!stats) out.text(`router ports on ${name}: `);
  for (const router of routers) {
    const port = links.name(router.ifindex);
    const temporary = router.type === MDB_RTR_TYPE_TEMP_QUERY || router.type === MDB_RTR_TYPE_TEMP;
    const type = temporary ? 'temp' : 'permanent';
    const timer = formatTimer(router.timer);
    out.openObject();
    out.field('port', port);
    if (stats) {
      out.text(`router ports on ${name}: ${port}`);
      out.print('timer', ` ${timer}`, timer);
      out.print('type', ` ${type}`, type);
      out.text('\n');
    } else out.text(`${port} `);
    out.closeObject();
  }
  if (!stats) out.nl();
  out.closeArray();
}

/** mdb_show(). */
function show(ip: Ip, args: Args): number {
  let device: string | undefined;
  let vid = 0;
  for (; args.left > 0; args.shift()) {
    if (args.word === 'dev') {
      args.next();
      if (device !== undefined) args.duparg('dev', args.word);
      device = args.word;
    } else if (args.word === 'vid') {
      args.next();
      if (vid !== 0) args.duparg('vid', args.word);
      vid = atoi(args.word);
    }
  }
  const index = device === undefined ? 0 : ip.links.index(device);
  if (device !== undefined && index === 0) {
    args.nodev(device);
    return EXIT_USAGE;
  }
  const { out } = ip;
  const bridges = ip.rtnl.dumpMdb().filter(({ bridge }) => index === 0 || bridge === index);
  out.newJson();
  out.openObject();
  out.openArray('mdb');
  for (const { bridge, entries } of bridges) {
    for (const entry of entries) if (vid === 0 || entry.vid === vid) printEntry(ip, bridge, entry);
  }
  out.closeArray();
  out.openObject('router');
  if (ip.options.details > 0) {
    for (const message of bridges) if (message.routers.length > 0) printRouters(ip, message);
  }
  out.closeObject();
  out.closeObject();
  out.deleteJson();
  return 0;
}

/** do_mdb(). */
export const doMdb: IpObject = async (ip, args) => {
  ip.links.init();
  if (args.left === 0) return show(ip, args);
  const command = args.word;
  args.shift();
  if (matches(command, 'add') || matches(command, 'delete')) args.notModelled(`mdb ${command}`);
  if (['show', 'lst', 'list'].some((name) => matches(command, name))) return show(ip, args);
  if (matches(command, 'help')) {
    ip.process.stderr.write(USAGE);
    throw new Exit(EXIT_USAGE);
  }
  return args.fail(`Command "${command}" is unknown, try "bridge mdb help".`);
};
