import {
  IFF_ALLMULTI,
  IFF_DYNAMIC,
  IFF_MULTICAST,
  IFF_NOARP,
  IFF_NOTRAILERS,
  IFF_PROMISC,
  IFF_UP,
} from '../../uapi/if.ts';
import { isRefusal } from '../../uapi/result.ts';
import type { LinkRequest } from '../../uapi/rtnetlink.ts';
import { type Args, checkAltIfname, checkIfname, matching } from './args.ts';
import type { Ip } from './context.ts';
import { EXIT_FAILURE, EXIT_REFUSED } from './exit.ts';
import { linkUsage } from './link-usage.ts';
import { llAddrA2n, macOf } from './ll-addr.ts';
import { openNetns } from './netns-switch.ts';
import { atoi, getInteger, getUnsigned } from './numbers.ts';
import { operstateId } from './operstate.ts';

/** What the words up to `type KIND` ask for. */
export interface ParsedLink {
  request: LinkRequest;
  /** The word behind `type`; the words behind it are still to read. */
  type?: string;
  /** An address has not the length of an Ethernet address: see {@link refuseAddress}. */
  badAddress: boolean;
}

/** Flags set by NAME { on | off }: the bit, and whether `off` sets it. */
const SWITCHES: Readonly<Record<string, readonly [bit: number, inverted?: true]>> = {
  multicast: [IFF_MULTICAST],
  allmulticast: [IFF_ALLMULTI],
  promisc: [IFF_PROMISC],
  trailers: [IFF_NOTRAILERS, true],
  arp: [IFF_NOARP, true],
};

const ADDR_GEN_MODES = ['eui64', 'none', 'stable_secret', 'random'];
const LINK_MODES = ['default', 'dormant'];
const IFALIASZ = 256;

/**
 * iplink_parse(): the words of `ip link add`, `set`, `del` and of `peer`, up to and including `type KIND`.
 * Gives an exit status after a complaint. An abbreviation counts before a name: `ip link add m type veth`
 * reads `m` as `master`.
 */
export function parseLink(ip: Ip, args: Args, create: boolean): ParsedLink | number {
  const request: LinkRequest = {};
  let type: string | undefined;
  let name: string | undefined;
  let dev: string | undefined;
  let link: string | undefined;
  let addressLength: number | undefined;
  let badAddress = false;
  let index = 0;
  let moveNetns = false;

  const setFlag = (bit: number, on: boolean): void => {
    request.change = (request.change ?? 0) | bit;
    request.flags = on ? (request.flags ?? 0) | bit : (request.flags ?? 0) & ~bit;
  };
  const integer = (key: 'txqlen' | 'mtu' | 'numTxQueues' | 'numRxQueues', option: string): void => {
    const word = args.next();
    if (request[key] !== undefined && request[key] !== -1) args.duparg(option, word);
    request[key] = getInteger(word) ?? args.invarg(`Invalid "${option}" value\n`, word);
  };

  while (args.left > 0) {
    const word = args.word;
    const is = matching(word);
    const flag = SWITCHES[word];
    if (word === 'up') setFlag(IFF_UP, true);
    else if (word === 'down') setFlag(IFF_UP, false);
    else if (word === 'name') {
      const value = args.next();
      if (name !== undefined) args.duparg('name', value);
      if (!checkIfname(value)) args.invarg('"name" not a valid ifname', value);
      name = value;
      dev ??= name;
    } else if (word === 'index') {
      const value = args.next();
      if (index) args.duparg('index', value);
      index = atoi(value);
      if (index <= 0) args.invarg('Invalid "index" value', value);
    } else if (is('link')) link = args.next();
    else if (is('address')) {
      const octets = llAddrA2n(args, args.next());
      if (!octets) return EXIT_FAILURE;
      addressLength = octets.length;
      const mac = macOf(octets);
      if (mac === undefined) badAddress = true;
      else request.address = mac;
    } else if (is('broadcast') || word === 'brd') {
      const octets = llAddrA2n(args, args.next());
      if (!octets) return EXIT_FAILURE;
      // The kernel asks for enough octets, and takes as many as an address has.
      const mac = macOf(octets.slice(0, 6));
      if (mac === undefined) badAddress = true;
      else request.broadcast = mac;
    } else if (is('txqueuelen') || word === 'qlen' || is('txqlen')) integer('txqlen', 'txqueuelen');
    else if (word === 'mtu') integer('mtu', 'mtu');
    else if (['xdp', 'xdpgeneric', 'xdpdrv', 'xdpoffload', 'vf', 'vrf', 'protodown_reason'].includes(word)) {
      args.notModelled(word);
    } else if (word === 'netns') {
      const value = args.next();
      if (moveNetns) args.duparg('netns', value);
      const ref = openNetns(ip.process, value);
      if (!isRefusal(ref)) request.netns = ref;
      else request.netnsPid = getInteger(value) ?? args.invarg('Invalid "netns" value\n', value);
      moveNetns = true;
    } else if (flag) {
      const value = args.next();
      if (value !== 'on' && value !== 'off') return onOff(args, word, value);
      setFlag(flag[0], (value === 'on') !== (flag[1] ?? false));
    } else if (word === 'carrier') {
      const value = args.onOff('carrier', args.next());
      if (value === undefined) return EXIT_EINVAL;
      request.carrier = value;
    } else if (is('master')) {
      const value = args.next();
      request.master = ip.links.index(value) || args.invarg('Device does not exist\n', value);
    } else if (is('nomaster')) request.master = 0;
    else if (is('dynamic')) {
      const value = args.next();
      if (value !== 'on' && value !== 'off') return onOff(args, 'dynamic', value);
      setFlag(IFF_DYNAMIC, value === 'on');
    } else if (is('type')) {
      type = args.next();
      args.shift();
      break;
    } else if (is('alias')) {
      const value = args.next();
      if (value.length >= IFALIASZ) args.invarg('alias too long\n', value);
      request.alias = value;
    } else if (word === 'group') {
      const value = args.next();
      if (request.group !== undefined) args.duparg('group', value);
      request.group = ip.names.groupId(value) ?? args.invarg('Invalid "group" value\n', value);
    } else if (word === 'mode') {
      const value = args.next();
      const mode = LINK_MODES.indexOf(value.toLowerCase());
      if (mode < 0) args.invarg('Invalid link mode\n', value);
      request.linkmode = mode;
    } else if (word === 'state') {
      const value = args.next();
      const state = operstateId(value);
      if (state < 0) args.invarg('Invalid operstate\n', value);
      request.operstate = state;
    } else if (is('numtxqueues')) integer('numTxQueues', 'numtxqueues');
    else if (is('numrxqueues')) integer('numRxQueues', 'numrxqueues');
    else if (is('addrgenmode')) {
      const value = args.next();
      const mode = ADDR_GEN_MODES.indexOf(value.toLowerCase());
      if (mode < 0) args.invarg('Invalid address generation mode\n', value);
      request.addrGenMode = mode;
    } else if (is('link-netns')) {
      const value = args.next();
      if (request.linkNetnsid !== undefined) args.duparg('link-netns/link-netnsid', value);
      request.linkNetnsid = assignNsid(ip, value) ?? args.invarg('Invalid "link-netns" value\n', value);
    } else if (is('link-netnsid')) {
      const value = args.next();
      if (request.linkNetnsid !== undefined) args.duparg('link-netns/link-netnsid', value);
      request.linkNetnsid = getInteger(value) ?? args.invarg('Invalid "link-netnsid" value\n', value);
    } else if (word === 'protodown') {
      const value = args.onOff('protodown', args.next());
      if (value === undefined) return EXIT_EINVAL;
      request.protoDown = value;
    } else if (word === 'gso_max_size') {
      const value = args.next();
      request.gsoMaxSize = getUnsigned(value) ?? args.invarg('Invalid "gso_max_size" value\n', value);
    } else if (word === 'gso_max_segs') {
      const value = args.next();
      const segs = getUnsigned(value);
      if (segs === undefined || segs > 65535) return args.invarg('Invalid "gso_max_segs" value\n', value);
      request.gsoMaxSegs = segs;
    } else if (word === 'gro_max_size' || word === 'parentdev') args.notModelled(word);
    else {
      if (args.matches('help')) linkUsage(ip.process);
      const value = word === 'dev' ? args.next() : word;
      if (dev !== name) args.duparg2('dev', value);
      if (!checkAltIfname(value)) args.invarg('"dev" not a valid ifname', value);
      dev = value;
    }
    args.shift();
  }

  name ??= dev;
  dev ??= name;

  if (dev !== undefined && addressLength !== undefined && !create) {
    const known = ip.rtnl.getLink({ ifindex: ip.links.index(dev) });
    if (!isRefusal(known) && known.address !== undefined && addressLength !== 6) {
      args.complain(`Invalid address length ${addressLength} - must be 6 bytes`);
      return EXIT_FAILURE;
    }
  }
  if (index && !create && !moveNetns) {
    args.fail('index can be used only when creating devices or when moving device to another netns.');
  }
  if (request.group !== undefined && dev === undefined) {
    if (args.left > 0) garbage(args);
    if (create) args.fail('group cannot be used when creating devices.');
    return { request, badAddress };
  }
  if (!create) {
    if (dev === undefined) return args.fail('Not enough information: "dev" argument is required.');
    request.ifindex = ip.links.index(dev);
    if (!request.ifindex) return args.nodev(dev);
    if (name !== dev && name !== undefined) request.ifname = name;
    if (index) request.newIfindex = index;
  } else {
    if (name !== dev) args.fail('both "name" and "dev" cannot be used when creating devices.');
    if (link !== undefined) {
      request.link = ip.links.index(link);
      if (!request.link) return args.nodev(link);
    }
    if (index) request.ifindex = index;
    if (name !== undefined) request.ifname = name;
  }
  const parsed: ParsedLink = { request, badAddress };
  if (type !== undefined) parsed.type = type;
  return parsed;
}

/** What the kernel answers to an address of a length that the device's have not: once all words are read. */
export function refuseAddress(args: Args): number {
  args.complain('RTNETLINK answers: Invalid argument');
  return EXIT_REFUSED;
}

/** What is left over: the program ends. */
function garbage(args: Args): never {
  args.fail(`Garbage instead of arguments "${args.word} ...". Try "ip link help".`);
}

/** -EINVAL of parse_one_of() as an exit status: do_cmd() negates it. */
const EXIT_EINVAL = 22;

function onOff(args: Args, option: string, value: string): number {
  args.complain(`Error: argument of "${option}" must be "on" or "off", not "${value}"`);
  return EXIT_FAILURE;
}

/** The id here of a named namespace; one is assigned if it has none. */
function assignNsid(ip: Ip, name: string): number | undefined {
  const ref = openNetns(ip.process, name);
  if (isRefusal(ref)) return undefined;
  if (ip.rtnl.getNsid(ref) < 0) ip.rtnl.setNsid(ref, -1);
  const nsid = ip.rtnl.getNsid(ref);
  return nsid < 0 ? undefined : nsid;
}
