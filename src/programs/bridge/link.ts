/** `bridge link`: the ports of bridges and their switches (bridge/link.c). */
import { EOPNOTSUPP } from '../../uapi/errno.ts';
import { refuse } from '../../uapi/result.ts';
import type { BridgeLinkMessage, BridgePortData } from '../../uapi/rtnetlink.ts';
import { type Args, matches } from '../ip/args.ts';
import type { Ip, IpObject } from '../ip/context.ts';
import { EXIT_USAGE, Exit } from '../ip/exit.ts';
import { talk } from '../ip/libnetlink.ts';
import { printFlags, printNameAndLink } from '../ip/link-print.ts';
import { atoi, getInteger } from '../ip/numbers.ts';

const USAGE = `Usage: bridge link set dev DEV [ cost COST ] [ priority PRIO ] [ state STATE ]
                               [ guard {on | off} ]
                               [ hairpin {on | off} ]
                               [ fastleave {on | off} ]
                               [ root_block {on | off} ]
                               [ learning {on | off} ]
                               [ learning_sync {on | off} ]
                               [ flood {on | off} ]
                               [ mcast_router MULTICAST_ROUTER ]
                               [ mcast_flood {on | off} ]
                               [ bcast_flood {on | off} ]
                               [ mcast_to_unicast {on | off} ]
                               [ neigh_suppress {on | off} ]
                               [ vlan_tunnel {on | off} ]
                               [ isolated {on | off} ]
                               [ locked {on | off} ]
                               [ hwmode {vepa | veb} ]
                               [ backup_port DEVICE ] [ nobackup_port ]
                               [ self ] [ master ]
       bridge link show [dev DEV]
`;

const STP_STATES = ['disabled', 'listening', 'learning', 'forwarding', 'blocking'];

/** parse_on_off() gives -EINVAL, which is returned as it is: exit status -22. */
const EXIT_ON_OFF = 234;

type Switch = Exclude<keyof BridgePortData, 'flush' | 'rootId' | 'bridgeId'>;

/** The words that take `on` or `off`. */
const SWITCHES: Readonly<Record<string, Switch>> = {
  guard: 'guard',
  hairpin: 'mode',
  fastleave: 'fastLeave',
  root_block: 'protect',
  learning: 'learning',
  flood: 'unicastFlood',
  mcast_flood: 'mcastFlood',
  bcast_flood: 'bcastFlood',
  mcast_to_unicast: 'mcastToUcast',
  neigh_suppress: 'neighSuppress',
  vlan_tunnel: 'vlanTunnel',
  isolated: 'isolated',
  locked: 'locked',
};

/** The second line of `-d`, in its order; numbers are printed as they are. */
const DETAILS: readonly (readonly [string, Switch])[] = [
  ['hairpin', 'mode'],
  ['guard', 'guard'],
  ['root_block', 'protect'],
  ['fastleave', 'fastLeave'],
  ['learning', 'learning'],
  ['flood', 'unicastFlood'],
  ['mcast_flood', 'mcastFlood'],
  ['bcast_flood', 'bcastFlood'],
  ['mcast_router', 'multicastRouter'],
  ['mcast_to_unicast', 'mcastToUcast'],
  ['neigh_suppress', 'neighSuppress'],
  ['vlan_tunnel', 'vlanTunnel'],
  ['backup_port', 'backupPort'],
  ['isolated', 'isolated'],
  ['locked', 'locked'],
];

function usage(ip: Ip): never {
  ip.process.stderr.write(USAGE);
  throw new Exit(EXIT_USAGE);
}

/** print_protinfo(). */
function printPort(ip: Ip, port: BridgePortData): void {
  const { out } = ip;
  if (port.state !== undefined) {
    const state = STP_STATES[port.state];
    if (state === undefined) out.print('state', `state (${port.state}) `, port.state);
    else out.print('state', `state ${state} `, state);
  }
  if (port.priority !== undefined) out.print('priority', `priority ${port.priority} `, port.priority);
  if (port.cost !== undefined) out.print('cost', `cost ${port.cost} `, port.cost);
  if (ip.options.details === 0) return;
  out.text(`${out.sl}    `);
  for (const [name, key] of DETAILS) {
    const value = port[key];
    if (value === undefined) continue;
    if (key === 'multicastRouter') out.print(name, `${name} ${value} `, value);
    else if (key === 'backupPort') {
      const device = ip.links.name(value);
      out.print(name, `${name} ${device} `, device);
    } else out.print(name, `${name} ${value !== 0 ? 'on' : 'off'} `, value !== 0);
  }
}

function printLink(ip: Ip, link: BridgeLinkMessage): void {
  const { out } = ip;
  out.openObject();
  out.print('ifindex', `${link.ifindex}: `, link.ifindex);
  // The message has IFLA_LINK but no IFLA_LINK_NETNSID: an index of another namespace is looked up in this one.
  const named = link.link === undefined ? { ifname: link.ifname } : { ifname: link.ifname, link: link.link };
  const mdown = printNameAndLink(ip, named, (name) => `${name}: `);
  printFlags(ip, link.flags, mdown);
  out.print('mtu', `mtu ${link.mtu} `, link.mtu);
  if (link.master !== 0) {
    const master = ip.links.name(link.master);
    out.print('master', `master ${master} `, master);
  }
  printPort(ip, link.port);
  out.text('\n');
  out.closeObject();
}

/** brlink_show(). */
function show(ip: Ip, args: Args): number {
  let device: string | undefined;
  for (; args.left > 0; args.shift()) {
    if (args.word !== 'dev') continue;
    args.next();
    if (device !== undefined) args.duparg('dev', args.word);
    device = args.word;
  }
  const index = device === undefined ? 0 : ip.links.index(device);
  if (device !== undefined && index === 0) {
    args.nodev(device);
    return EXIT_USAGE;
  }
  ip.out.newJson();
  for (const link of ip.rtnl.dumpBridgeLinks()) if (index === 0 || link.ifindex === index) printLink(ip, link);
  ip.out.deleteJson();
  return 0;
}

/** The value of `state`: a number or a name; undefined after the complaint. */
function readState(args: Args, word: string): number | undefined {
  const number = getInteger(word, 10);
  if (number !== undefined) return number & 0xff;
  const state = STP_STATES.indexOf(word);
  if (state >= 0) return state;
  args.complain('Error: invalid STP port state');
  return undefined;
}

/** brlink_modify(). */
function modify(ip: Ip, args: Args): number {
  const port: BridgePortData = {};
  let device: string | undefined;
  let self = false;
  let master = false;
  let hwmode = false;
  for (; args.left > 0; args.shift()) {
    const word = args.word;
    const key = SWITCHES[word];
    if (key !== undefined || word === 'learning_sync') {
      const value = args.onOff(word, args.next());
      if (value === undefined) return EXIT_ON_OFF;
      // IFLA_BRPORT_LEARNING_SYNC is for switch hardware; a software bridge does not look at it.
      if (key !== undefined) port[key] = value;
    } else if (word === 'dev') device = args.next();
    else if (word === 'mcast_router') port.multicastRouter = atoi(args.next()) & 0xff;
    else if (word === 'cost') {
      const cost = atoi(args.next()) >>> 0;
      if (cost > 0) port.cost = cost;
    } else if (word === 'priority') {
      const priority = (atoi(args.next()) << 16) >> 16;
      if (priority >= 0) port.priority = priority;
    } else if (word === 'state') {
      const state = readState(args, args.next());
      if (state === undefined) return EXIT_USAGE;
      if (state < 0x80) port.state = state;
    } else if (word === 'hwmode') {
      if (args.next() !== 'vepa' && args.word !== 'veb') {
        args.complain('Mode argument must be "vepa" or "veb".');
        return EXIT_USAGE;
      }
      self = true;
      master = false;
      hwmode = true;
    } else if (word === 'self') self = true;
    else if (word === 'master') master = true;
    else if (word === 'backup_port') {
      port.backupPort = ip.links.index(args.next());
      if (port.backupPort === 0) {
        args.complain(`Error: device ${args.word} does not exist`);
        return EXIT_USAGE;
      }
    } else if (word === 'nobackup_port') port.backupPort = 0;
    else usage(ip);
  }
  if (device === undefined) {
    args.complain('Device is a required argument.');
    return EXIT_USAGE;
  }
  const index = ip.links.index(device);
  if (index === 0) {
    args.complain(`Cannot find bridge device "${device}"`);
    return EXIT_USAGE;
  }
  // Only switch hardware has a mode.
  const answer = hwmode ? refuse(EOPNOTSUPP) : ip.rtnl.setBridgeLink(index, port, { self, master });
  return talk(ip.process, answer) === 0 ? 0 : EXIT_USAGE;
}

/** do_link(). */
export const doLink: IpObject = async (ip, args) => {
  ip.links.init();
  if (args.left === 0) return show(ip, args);
  const command = args.word;
  args.shift();
  if (matches(command, 'set') || matches(command, 'change')) return modify(ip, args);
  if (['show', 'lst', 'list'].some((name) => matches(command, name))) return show(ip, args);
  if (matches(command, 'help')) usage(ip);
  return args.fail(`Command "${command}" is unknown, try "bridge link help".`);
};
