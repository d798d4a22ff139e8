/** `ip neigh`: the neighbour tables (ip/ipneigh.c). */
import { EINVAL, ENOENT, strerror } from '../../uapi/errno.ts';
import { isRefusal, refuse } from '../../uapi/result.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  type NeighDump,
  type NeighMessage,
  type NeighRequest,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NTF_EXT_LEARNED,
  NTF_PROXY,
  NTF_ROUTER,
  NTF_USE,
  NUD_FAILED,
  NUD_NOARP,
  NUD_PERMANENT,
} from '../../uapi/rtnetlink.ts';
import { type Args, matches } from './args.ts';
import type { Ip, IpObject } from './context.ts';
import { EXIT_FAILURE, EXIT_REFUSED, EXIT_USAGE, Exit } from './exit.ts';
import { getAddr, getPrefix, type InetPrefix } from './inet-prefix.ts';
import { talk, talkError } from './libnetlink.ts';
import { llAddrA2n, macOf } from './ll-addr.ts';
import { filterNeigh, type NeighFilter, nudState, printNeigh, STATE_NONE } from './neigh-print.ts';

const USAGE = `Usage: ip neigh { add | del | change | replace }
                { ADDR [ lladdr LLADDR ] [ nud STATE ] proxy ADDR }
                [ dev DEV ] [ router ] [ use ] [ managed ] [ extern_learn ]
                [ protocol PROTO ]

	ip neigh { show | flush } [ proxy ] [ to PREFIX ] [ dev DEV ] [ nud STATE ]
				  [ vrf NAME ] [ nomaster ]
	ip neigh get { ADDR | proxy ADDR } dev DEV

STATE := { delay | failed | incomplete | noarp | none |
           permanent | probe | reachable | stale }
`;

const MAX_ROUNDS = 10;

function usage(ip: Ip): never {
  ip.process.stderr.write(USAGE);
  throw new Exit(EXIT_USAGE);
}

/** ipneigh_modify(); `flags` are undefined for a deletion. */
function modify(ip: Ip, args: Args, flags: number | undefined): number {
  let state = NUD_PERMANENT;
  let ntf = 0;
  let protocol: number | undefined;
  let device: string | undefined;
  let deviceSettled = false;
  let lladdr: string | undefined;
  let dst: InetPrefix | undefined;
  for (; args.left > 0; args.shift()) {
    const word = args.word;
    if (args.matches('lladdr')) {
      args.next();
      if (lladdr !== undefined) args.duparg('lladdr', args.word);
      lladdr = args.word;
    } else if (word === 'nud') {
      state = nudState(args.next()) ?? args.invarg('nud state is bad', args.word);
    } else if (args.matches('proxy')) {
      args.next();
      if (args.matches('help')) usage(ip);
      if (dst !== undefined) args.duparg('address', args.word);
      dst = getAddr(args, args.word, ip.options.family);
      deviceSettled = true;
      ntf |= NTF_PROXY;
    } else if (word === 'router') ntf |= NTF_ROUTER;
    else if (word === 'use') ntf |= NTF_USE;
    else if (word === 'managed') args.notModelled('neigh managed');
    else if (args.matches('extern_learn')) ntf |= NTF_EXT_LEARNED;
    else if (word === 'dev') {
      device = args.next();
      deviceSettled = true;
    } else if (args.matches('protocol')) {
      protocol = ip.names.protocolId(args.next()) ?? args.invarg('"protocol" value is invalid\n', args.word);
    } else {
      if (word === 'to') args.next();
      if (args.matches('help')) args.next();
      if (dst !== undefined) args.duparg2('to', args.word);
      dst = getAddr(args, args.word, ip.options.family);
    }
  }
  if (!deviceSettled || dst === undefined || dst.family === AF_UNSPEC) {
    args.fail('Device and destination are required arguments.');
  }
  if (dst.family === AF_INET6) args.notModelled('IPv6 neighbour');
  const octets = lladdr === undefined || lladdr === 'null' ? [] : llAddrA2n(args, lladdr, 20);
  if (octets === undefined) return EXIT_FAILURE;
  ip.links.init();
  const ifindex = device === undefined ? 0 : ip.links.index(device);
  if (device !== undefined && ifindex === 0) return args.nodev(device);
  if (octets.length > 0 && octets.length < 6) return talk(ip.process, refuse(EINVAL, 'Invalid link address'));
  const request: NeighRequest = { ifindex, dst: dst.address, state, flags: ntf };
  const mac = macOf(octets.slice(0, 6));
  if (mac !== undefined) request.lladdr = mac;
  if (protocol !== undefined) request.protocol = protocol;
  return talk(ip.process, flags === undefined ? ip.rtnl.delNeigh(request) : ip.rtnl.newNeigh(request, flags));
}

interface Selection {
  filter: NeighFilter;
  dump: NeighDump;
}

/** The selector of `show` and `flush`; undefined after a complaint about a device that is not there. */
function readSelection(ip: Ip, args: Args, flushing: boolean): Selection | undefined {
  const filter: NeighFilter = {
    family: ip.options.family,
    index: 0,
    state: flushing ? 0x1ff & ~(NUD_PERMANENT | NUD_NOARP) : 0xff & ~NUD_NOARP,
    unusedOnly: false,
    protocol: 0,
    prefix: undefined,
  };
  const dump: NeighDump = {};
  let device: string | undefined;
  let stateGiven = false;
  for (; args.left > 0; args.shift()) {
    const word = args.word;
    if (word === 'dev') {
      args.next();
      if (device !== undefined) args.duparg('dev', args.word);
      device = args.word;
    } else if (word === 'master') {
      dump.master = ip.links.index(args.next());
      if (dump.master === 0) args.invarg('Device does not exist\n', args.word);
    } else if (word === 'vrf') args.invarg('Not a valid VRF name\n', args.next());
    else if (word === 'nomaster') dump.master = -1;
    else if (word === 'unused') filter.unusedOnly = true;
    else if (word === 'nud') {
      args.next();
      if (!stateGiven) filter.state = 0;
      stateGiven = true;
      const state = nudState(args.word);
      if (state !== undefined) filter.state |= state === 0 ? STATE_NONE : state;
      else if (args.word === 'all') filter.state |= flushing ? 0x1ff & ~NUD_NOARP : 0x1ff;
      else args.invarg('nud state is bad', args.word);
    } else if (word === 'proxy') dump.proxy = true;
    else if (args.matches('protocol')) {
      const protocol = ip.names.protocolId(args.next());
      if (protocol === undefined && args.word !== 'all') args.invarg('invalid "protocol"\n', args.word);
      filter.protocol = protocol ?? 0;
    } else {
      if (word === 'to') args.next();
      if (args.matches('help')) usage(ip);
      filter.prefix = getPrefix(args, args.word, filter.family);
      if (filter.family === AF_UNSPEC) filter.family = filter.prefix.family;
    }
  }
  ip.links.init();
  if (device !== undefined) {
    filter.index = ip.links.index(device);
    if (filter.index === 0) {
      args.nodev(device);
      return undefined;
    }
    dump.ifindex = filter.index;
  }
  return { filter, dump };
}

function select(ip: Ip, { filter, dump }: Selection): NeighMessage[] {
  if (filter.family !== AF_UNSPEC && filter.family !== AF_INET) return [];
  return ip.rtnl.dumpNeighs(dump).filter((neigh) => filterNeigh(filter, neigh));
}

function show(ip: Ip, args: Args): number {
  const selection = readSelection(ip, args, false);
  if (selection === undefined) return EXIT_FAILURE;
  ip.out.newJson();
  for (const neigh of select(ip, selection)) printNeigh(ip, neigh, selection.filter.index);
  ip.out.deleteJson();
  return 0;
}

async function flush(ip: Ip, args: Args): Promise<number> {
  if (args.left === 0) {
    args.complain('Flush requires arguments.');
    return EXIT_FAILURE;
  }
  const selection = readSelection(ip, args, true);
  if (selection === undefined) return EXIT_FAILURE;
  const { stats } = ip.options;
  const say = (text: string) => {
    if (stats > 0) ip.process.stdout.write(text);
  };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const entries = select(ip, selection);
    if (entries.length === 0) {
      say(
        round === 0 ? 'Nothing to flush.\n' : `*** Flush is complete after ${round} round${round > 1 ? 's' : ''} ***\n`,
      );
      return 0;
    }
    for (const neigh of entries) {
      if (stats > 1) printNeigh(ip, neigh, selection.filter.index);
      const { ifindex, dst, state, flags } = neigh;
      const answer = ip.rtnl.delNeigh({ ifindex, dst, state, flags });
      if (answer === undefined) continue;
      args.fail(`Failed to send flush request: ${strerror(answer.errno)}`, EXIT_FAILURE);
    }
    say(`\n*** Round ${round + 1}, deleting ${entries.length} entries ***\n`);
    await ip.out.flush();
    // What could not be removed is FAILED now and goes by itself.
    selection.filter.state &= ~NUD_FAILED;
  }
  ip.process.stdout.write(`*** Flush not complete bailing out after ${MAX_ROUNDS} rounds\n`);
  return EXIT_FAILURE;
}

/** ipneigh_get(). */
function get(ip: Ip, args: Args): number {
  let device: string | undefined;
  let deviceSettled = false;
  let proxy = false;
  let dst: InetPrefix | undefined;
  for (; args.left > 0; args.shift()) {
    if (args.word === 'dev') {
      device = args.next();
      deviceSettled = true;
    } else if (args.matches('proxy')) {
      args.next();
      if (args.matches('help')) usage(ip);
      if (dst !== undefined) args.duparg('address', args.word);
      dst = getAddr(args, args.word, ip.options.family);
      deviceSettled = true;
      proxy = true;
    } else {
      if (args.word === 'to') args.next();
      if (args.matches('help')) usage(ip);
      if (dst !== undefined) args.duparg2('to', args.word);
      dst = getAddr(args, args.word, ip.options.family);
    }
  }
  if (!deviceSettled || dst === undefined || dst.family === AF_UNSPEC) {
    args.complain('Device and address are required arguments.');
    return EXIT_FAILURE;
  }
  if (dst.family === AF_INET6) args.notModelled('IPv6 neighbour');
  const ifindex = device === undefined ? 0 : ip.links.index(device);
  if (device !== undefined && ifindex === 0) return args.nodev(device);
  const address = dst.address;
  const answer = proxy
    ? (ip.rtnl.dumpNeighs({ proxy: true }).find((neigh) => neigh.dst === address && neigh.ifindex === ifindex) ??
      refuse(ENOENT, 'Proxy neighbour entry not found'))
    : ip.rtnl.getNeigh(ifindex, address);
  if (isRefusal(answer)) {
    talkError(ip.process, answer);
    return EXIT_REFUSED;
  }
  printNeigh(ip, answer, 0);
  return 0;
}

/** do_ipneigh(). */
export const doIpneigh: IpObject = async (ip, args) => {
  if (args.left === 0) return show(ip, args);
  const command = args.word;
  args.shift();
  if (matches(command, 'add')) return modify(ip, args, NLM_F_CREATE | NLM_F_EXCL);
  if (matches(command, 'change') || command === 'chg') return modify(ip, args, NLM_F_REPLACE);
  if (matches(command, 'replace')) return modify(ip, args, NLM_F_CREATE | NLM_F_REPLACE);
  if (matches(command, 'delete')) return modify(ip, args, undefined);
  if (matches(command, 'get')) return get(ip, args);
  if (['show', 'lst', 'list'].some((name) => matches(command, name))) return show(ip, args);
  if (matches(command, 'flush')) return flush(ip, args);
  if (matches(command, 'help')) usage(ip);
  return args.fail(`Command "${command}" is unknown, try "ip neigh help".`);
};
