/** `bridge fdb add`, `append`, `replace`, `del` and `flush`. */
import {
  type FdbRequest,
  NTF_EXT_LEARNED,
  NTF_MASTER,
  NTF_OFFLOADED,
  NTF_ROUTER,
  NTF_SELF,
  NTF_STICKY,
  NTF_USE,
  NUD_NOARP,
  NUD_PERMANENT,
  NUD_REACHABLE,
} from '../../uapi/rtnetlink.ts';
import type { Args } from '../ip/args.ts';
import type { Ip } from '../ip/context.ts';
import { EXIT_USAGE } from '../ip/exit.ts';
import { getAddr } from '../ip/inet-prefix.ts';
import { talk } from '../ip/libnetlink.ts';
import { atoi } from '../ip/numbers.ts';
import { scanMac } from './fdb-print.ts';

/** A VLAN as the program keeps it: a short. */
function readVlan(word: string): number {
  return (atoi(word) << 16) >> 16;
}

/** fdb_modify(); `nlFlags` are undefined for a deletion. */
export function modifyFdb(ip: Ip, args: Args, nlFlags: number | undefined, usage: () => never): number {
  let state = NUD_NOARP;
  let flags = 0;
  let vlan = -1;
  let device: string | undefined;
  let address: string | undefined;
  let dst: number | undefined;
  for (; args.left > 0; args.shift()) {
    const word = args.word;
    if (word === 'dev') device = args.next();
    else if (word === 'dst') {
      args.next();
      if (dst !== undefined) args.duparg2('dst', args.word);
      dst = getAddr(args, args.word, ip.options.family).address;
    } else if (word === 'nhid' || word === 'port' || word === 'vni' || word === 'src_vni' || word === 'via') {
      args.notModelled(`fdb ${word}`);
    } else if (word === 'self') flags |= NTF_SELF;
    else if (args.matches('master')) flags |= NTF_MASTER;
    else if (args.matches('router')) flags |= NTF_ROUTER;
    else if (args.matches('local') || args.matches('permanent')) state |= NUD_PERMANENT;
    else if (args.matches('temp') || args.matches('static')) state |= NUD_REACHABLE;
    else if (args.matches('dynamic')) state = (state | NUD_REACHABLE) & ~NUD_NOARP;
    else if (args.matches('vlan')) {
      if (vlan >= 0) args.duparg2('vlan', word);
      vlan = readVlan(args.next());
    } else if (args.matches('use')) flags |= NTF_USE;
    else if (args.matches('extern_learn')) flags |= NTF_EXT_LEARNED;
    else if (args.matches('sticky')) flags |= NTF_STICKY;
    else {
      if (word === 'to') args.next();
      if (args.matches('help')) usage();
      if (address !== undefined) args.duparg2('to', args.word);
      address = args.word;
    }
  }
  if (device === undefined || address === undefined) {
    args.complain('Device and address are required arguments.');
    return EXIT_USAGE;
  }
  if ((flags & (NTF_SELF | NTF_MASTER)) === 0) flags |= NTF_SELF;
  if ((state & (NUD_PERMANENT | NUD_REACHABLE)) === 0) state |= NUD_PERMANENT;
  const lladdr = scanMac(address);
  if (lladdr === undefined) {
    args.complain(`Invalid mac address ${address}`);
    return EXIT_USAGE;
  }
  const ifindex = ip.links.index(device);
  if (ifindex === 0) {
    args.nodev(device);
    return EXIT_USAGE;
  }
  const request: FdbRequest = { ifindex, lladdr, state, flags };
  if (vlan >= 0) request.vlan = vlan;
  if (dst !== undefined) request.dst = dst;
  const answer = nlFlags === undefined ? ip.rtnl.delFdb(request) : ip.rtnl.newFdb(request, nlFlags);
  return talk(ip.process, answer) === 0 ? 0 : EXIT_USAGE;
}

/** The words of a flush that name a flag, each with a `no` form. */
const FLUSH_FLAGS: readonly (readonly [string, number])[] = [
  ['added_by_user', NTF_USE],
  ['extern_learn', NTF_EXT_LEARNED],
  ['sticky', NTF_STICKY],
  ['offloaded', NTF_OFFLOADED],
];

/** fdb_flush(). */
export function flushFdb(ip: Ip, args: Args): number {
  let state = 0;
  let stateMask = 0;
  let flags = 0;
  let flagsMask = 0;
  let vlan = -1;
  let device: string | undefined;
  let port: string | undefined;
  for (; args.left > 0; args.shift()) {
    const word = args.word;
    const named = FLUSH_FLAGS.find(([name]) => word === name || word === `no${name}`);
    if (named !== undefined) {
      flags = word.startsWith('no') ? flags & ~named[1] : flags | named[1];
      flagsMask |= named[1];
    } else if (word === 'dev') device = args.next();
    else if (word === 'master') flags |= NTF_MASTER;
    else if (word === 'self') flags |= NTF_SELF;
    else if (word === 'permanent' || word === 'nopermanent') {
      state = word === 'permanent' ? state | NUD_PERMANENT : state & ~NUD_PERMANENT;
      stateMask |= NUD_PERMANENT;
    } else if (word === 'static') {
      state |= NUD_NOARP;
      stateMask |= NUD_NOARP | NUD_PERMANENT;
    } else if (word === 'nostatic') {
      state &= ~NUD_NOARP;
      stateMask |= NUD_NOARP;
    } else if (word === 'dynamic') {
      state &= ~NUD_NOARP;
      stateMask |= NUD_NOARP | NUD_PERMANENT;
    } else if (word === 'nodynamic') {
      state |= NUD_NOARP;
      stateMask |= NUD_NOARP;
    } else if (word === 'brport') {
      if (port !== undefined) args.duparg2('brport', word);
      port = args.next();
    } else if (word === 'vlan') {
      if (vlan >= 0) args.duparg2('vlan', word);
      vlan = readVlan(args.next());
    } else if (word === 'help') args.next();
  }
  const fail = (text: string) => {
    args.complain(text);
    return EXIT_USAGE;
  };
  if (device === undefined) return fail('Device is a required argument.');
  const ifindex = ip.links.index(device);
  if (ifindex === 0) return fail(`Cannot find bridge device "${device}"`);
  const brport = port === undefined ? 0 : ip.links.index(port);
  if (port !== undefined && brport === 0) return fail(`Cannot find bridge port device "${port}"`);
  if (vlan >= 4096) return fail(`Invalid VLAN ID "${vlan}"`);
  if ((flags & (NTF_SELF | NTF_MASTER)) === 0) flags |= NTF_SELF;
  const answer = ip.rtnl.flushFdb(ifindex, {
    flags,
    state,
    ...(brport > 0 ? { brport } : {}),
    ...(vlan >= 0 ? { vlan } : {}),
    ...(flagsMask !== 0 ? { flagsMask } : {}),
    ...(stateMask !== 0 ? { stateMask } : {}),
  });
  return talk(ip.process, answer) === 0 ? 0 : EXIT_USAGE;
}
