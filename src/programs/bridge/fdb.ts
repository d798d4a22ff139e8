/** `bridge fdb`: forwarding databases (bridge/fdb.c). */
import { isRefusal } from '../../uapi/result.ts';
import {
  type FdbDump,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NTF_MASTER,
  NTF_SELF,
} from '../../uapi/rtnetlink.ts';
import { type Args, matches } from '../ip/args.ts';
import type { Ip, IpObject } from '../ip/context.ts';
import { EXIT_USAGE, Exit } from '../ip/exit.ts';
import { talkError } from '../ip/libnetlink.ts';
import { atoi } from '../ip/numbers.ts';
import { flushFdb, modifyFdb } from './fdb-modify.ts';
import { type FdbFilter, fdbState, filterFdb, printFdb, scanMac } from './fdb-print.ts';

const USAGE = `Usage: bridge fdb { add | append | del | replace } ADDR dev DEV
              [ self ] [ master ] [ use ] [ router ] [ extern_learn ]
              [ sticky ] [ local | static | dynamic ] [ vlan VID ]
              { [ dst IPADDR ] [ port PORT] [ vni VNI ] | [ nhid NHID ] }
	       [ via DEV ] [ src_vni VNI ]
       bridge fdb [ show [ br BRDEV ] [ brport DEV ] [ vlan VID ]
              [ state STATE ] [ dynamic ] ]
       bridge fdb get [ to ] LLADDR [ br BRDEV ] { brport | dev } DEV
              [ vlan VID ] [ vni VNI ] [ self ] [ master ] [ dynamic ]
       bridge fdb flush dev DEV [ brport DEV ] [ vlan VID ]
              [ self ] [ master ] [ [no]permanent | [no]static | [no]dynamic ]
              [ [no]added_by_user ] [ [no]extern_learn ] [ [no]sticky ]
              [ [no]offloaded ]
`;

/** The program returns -2 for a refused question. */
const EXIT_GET_REFUSED = 254;

function usage(ip: Ip): never {
  ip.process.stderr.write(USAGE);
  throw new Exit(EXIT_USAGE);
}

/** fdb_show(). */
function show(ip: Ip, args: Args): number {
  const filter: FdbFilter = { index: 0, state: 0, vlan: 0, dynamic: false };
  const dump: FdbDump = {};
  let device: string | undefined;
  let bridge: string | undefined;
  for (; args.left > 0; args.shift()) {
    const word = args.word;
    if (word === 'brport' || word === 'dev') device = args.next();
    else if (word === 'br') bridge = args.next();
    else if (word === 'vlan') {
      args.next();
      if (filter.vlan !== 0) args.duparg('vlan', args.word);
      filter.vlan = atoi(args.word);
    } else if (word === 'state') {
      filter.state |= fdbState(args.next()) ?? args.invarg('invalid state', args.word);
    } else if (word === 'dynamic') filter.dynamic = true;
    else if (args.matches('help')) usage(ip);
  }
  if (bridge !== undefined) {
    dump.bridge = ip.links.index(bridge);
    if (dump.bridge === 0) {
      args.complain(`Cannot find bridge device "${bridge}"`);
      return EXIT_USAGE;
    }
  }
  if (device !== undefined) {
    filter.index = ip.links.index(device);
    if (filter.index === 0) {
      args.nodev(device);
      return EXIT_USAGE;
    }
    dump.brport = filter.index;
  }
  ip.out.newJson();
  for (const entry of ip.rtnl.dumpFdb(dump)) if (filterFdb(filter, entry)) printFdb(ip, entry, filter.index);
  ip.out.deleteJson();
  return 0;
}

/** fdb_get(). */
function get(ip: Ip, args: Args): number {
  const filter: FdbFilter = { index: 0, state: 0, vlan: 0, dynamic: false };
  let flags = 0;
  let vlan = -1;
  let device: string | undefined;
  let bridge: string | undefined;
  let address: string | undefined;
  for (; args.left > 0; args.shift()) {
    const word = args.word;
    if (word === 'brport' || word === 'dev') device = args.next();
    else if (word === 'br') bridge = args.next();
    else if (word === 'vni') args.notModelled('fdb vni');
    else if (word === 'self') flags |= NTF_SELF;
    else if (args.matches('master')) flags |= NTF_MASTER;
    else if (args.matches('vlan')) {
      if (vlan >= 0) args.duparg2('vlan', word);
      vlan = (atoi(args.next()) << 16) >> 16;
    } else if (args.matches('dynamic')) filter.dynamic = true;
    else {
      if (word === 'to') args.next();
      if (args.matches('help')) usage(ip);
      if (address !== undefined) args.duparg2('to', args.word);
      address = args.word;
    }
  }
  const fail = (text: string) => {
    args.complain(text);
    return EXIT_USAGE;
  };
  if ((device === undefined && bridge === undefined) || address === undefined) {
    return fail('Device or master and address are required arguments.');
  }
  const lladdr = scanMac(address);
  if (lladdr === undefined) return fail(`Invalid mac address ${address}`);
  const brport = device === undefined ? 0 : ip.links.index(device);
  if (device !== undefined && brport === 0) return fail(`Cannot find device "${device}"`);
  const master = bridge === undefined ? 0 : ip.links.index(bridge);
  if (bridge !== undefined && master === 0) return fail(`Cannot find bridge device "${bridge}"`);
  const answer = ip.rtnl.getFdb({
    lladdr,
    flags,
    ...(brport > 0 ? { brport } : {}),
    ...(master > 0 ? { bridge: master } : {}),
    ...(vlan >= 0 ? { vlan } : {}),
  });
  if (isRefusal(answer)) {
    talkError(ip.process, answer);
    return EXIT_GET_REFUSED;
  }
  ip.out.newJson();
  if (filterFdb(filter, answer)) printFdb(ip, answer, 0);
  ip.out.deleteJson();
  return 0;
}

/** do_fdb(). */
export const doFdb: IpObject = async (ip, args) => {
  ip.links.init();
  if (args.left === 0) return show(ip, args);
  const command = args.word;
  args.shift();
  const help = () => usage(ip);
  if (matches(command, 'add')) return modifyFdb(ip, args, NLM_F_CREATE | NLM_F_EXCL, help);
  if (matches(command, 'append')) return modifyFdb(ip, args, NLM_F_CREATE | NLM_F_APPEND, help);
  if (matches(command, 'replace')) return modifyFdb(ip, args, NLM_F_CREATE | NLM_F_REPLACE, help);
  if (matches(command, 'delete')) return modifyFdb(ip, args, undefined, help);
  if (matches(command, 'get')) return get(ip, args);
  if (['show', 'lst', 'list'].some((name) => matches(command, name))) return show(ip, args);
  if (command === 'flush') return flushFdb(ip, args);
  if (matches(command, 'help')) usage(ip);
  return args.fail(`Command "${command}" is unknown, try "bridge fdb help".`);
};
