/** `bridge vlan`: the VLANs that bridges and ports are members of (bridge/vlan.c). */
import type { BridgeVlanEntry, BridgeVlanMessage } from '../../uapi/bridge-vlan.ts';
import { isRefusal } from '../../uapi/result.ts';
import { type Args, matches } from '../ip/args.ts';
import type { Ip, IpObject } from '../ip/context.ts';
import { EXIT_FAILURE, EXIT_USAGE, Exit } from '../ip/exit.ts';
import { talk, talkError } from '../ip/libnetlink.ts';
import { atoi, getInteger } from '../ip/numbers.ts';

const USAGE = `Usage: bridge vlan { add | del } vid VLAN_ID dev DEV [ tunnel_info id TUNNEL_ID ]
                                                     [ pvid ] [ untagged ]
                                                     [ self ] [ master ]
       bridge vlan { set } vid VLAN_ID dev DEV [ state STP_STATE ]
                                               [ mcast_router MULTICAST_ROUTER ]
       bridge vlan { show } [ dev DEV ] [ vid VLAN_ID ]
       bridge vlan { tunnelshow } [ dev DEV ] [ vid VLAN_ID ]
       bridge vlan global { set } vid VLAN_ID dev DEV
                      [ mcast_snooping MULTICAST_SNOOPING ]
                      [ mcast_querier MULTICAST_QUERIER ]
                      [ mcast_igmp_version IGMP_VERSION ]
                      [ mcast_mld_version MLD_VERSION ]
                      [ mcast_last_member_count LAST_MEMBER_COUNT ]
                      [ mcast_last_member_interval LAST_MEMBER_INTERVAL ]
                      [ mcast_startup_query_count STARTUP_QUERY_COUNT ]
                      [ mcast_startup_query_interval STARTUP_QUERY_INTERVAL ]
                      [ mcast_membership_interval MEMBERSHIP_INTERVAL ]
                      [ mcast_querier_interval QUERIER_INTERVAL ]
                      [ mcast_query_interval QUERY_INTERVAL ]
                      [ mcast_query_response_interval QUERY_RESPONSE_INTERVAL ]
       bridge vlan global { show } [ dev DEV ] [ vid VLAN_ID ]
`;

const VLAN_N_VID = 4096;
/** Columns of the names of ports, and of what stands below a VLAN. */
const NAME = 18;
const BELOW = ' '.repeat(20);
const STP_STATES = ['disabled', 'listening', 'learning', 'forwarding', 'blocking'];

/** The head of the list: with -s the columns behind it are not padded. */
function header(tunnel: boolean, stats: boolean): string {
  if (tunnel) return 'port              vlan-id    tunnel-id\n';
  return stats ? 'port              vlan-id\n' : 'port              vlan-id  \n';
}

/** A VLAN, or several in a row that are alike. */
interface Range {
  first: BridgeVlanEntry;
  last: BridgeVlanEntry;
}

/** What a list shows. */
interface Shown {
  /** Options of each VLAN (-d). */
  details: boolean;
  /** Counters of each VLAN (-s). */
  stats: boolean;
  /** Ranges stand for VLANs that are alike. */
  compress: boolean;
  device: number;
  vid: number;
}

/** br_vlan_can_enter_range(), br_fill_ifvlaninfo_compressed(). */
function joins(range: Range, vlan: BridgeVlanEntry): boolean {
  const { last } = range;
  return (
    vlan.vid === last.vid + 1 &&
    !vlan.pvid &&
    !last.pvid &&
    vlan.untagged === last.untagged &&
    vlan.state === last.state &&
    vlan.mcastRouter === last.mcastRouter
  );
}

function rangesOf(vlans: readonly BridgeVlanEntry[], { compress, vid }: Shown): Range[] {
  const ranges: Range[] = [];
  for (const vlan of vlans) {
    const range = ranges.at(-1);
    if (compress && range !== undefined && joins(range, vlan)) range.last = vlan;
    else ranges.push({ first: vlan, last: vlan });
  }
  return ranges.filter(({ first, last }) => vid === 0 || (first.vid <= vid && vid <= last.vid));
}

function printFlags(ip: Ip, { pvid, untagged }: BridgeVlanEntry, endsRange: boolean): void {
  const { out } = ip;
  // That a VLAN ends a range is a flag too, which is not shown.
  if (!pvid && !untagged && !endsRange) return;
  out.openArray('flags');
  if (pvid) out.print(undefined, ' PVID', 'PVID');
  if (untagged) out.print(undefined, ' Egress Untagged', 'Egress Untagged');
  out.closeArray();
}

function printRange(ip: Ip, { first, last }: Range, { details, stats }: Shown): void {
  const { out } = ip;
  out.openObject();
  // The counters come by another way, where the id has another name.
  out.print(stats && !details ? 'vid' : 'vlan', String(first.vid), first.vid);
  if (last !== first) out.print('vlanEnd', `-${last.vid}`, last.vid);
  printFlags(ip, first, last !== first && !details);
  out.text('\n');
  if (details) {
    const state = STP_STATES[first.state]!;
    out.text(BELOW);
    out.print('state', `state ${state} `, state);
    out.print('mcast_router', `mcast_router ${first.mcastRouter} `, first.mcastRouter);
    out.text('\n');
  }
  if (stats) {
    const { rxBytes, rxPackets, txBytes, txPackets } = first;
    out.text(BELOW);
    out.print('rx_bytes', `RX: ${rxBytes} bytes`, rxBytes);
    out.print('rx_packets', ` ${rxPackets} packets\n`, rxPackets);
    out.text(BELOW);
    out.print('tx_bytes', `TX: ${txBytes} bytes`, txBytes);
    out.print('tx_packets', ` ${txPackets} packets\n`, txPackets);
  }
  out.closeObject();
}

function printDevice(ip: Ip, message: BridgeVlanMessage, shown: Shown): void {
  if (shown.device !== 0 && message.ifindex !== shown.device) return;
  const ranges = rangesOf(message.vlans, shown);
  if (ranges.length === 0) return;
  const { out } = ip;
  const name = ip.links.name(message.ifindex);
  out.openObject();
  out.color('ifname', 'ifname', name.padEnd(NAME), name);
  out.openArray('vlans');
  ranges.forEach((range, index) => {
    if (index > 0) out.text(' '.repeat(NAME));
    printRange(ip, range, shown);
  });
  out.closeArray();
  out.closeObject();
}

/** vlan_show(). */
function show(ip: Ip, args: Args, tunnel: boolean): number {
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
  const details = ip.options.details > 0 && !tunnel;
  const stats = ip.options.stats > 0;
  const shown = { details, stats, compress: !stats && (details || ip.options.compressVlans), device: index, vid };
  ip.out.newJson();
  ip.out.text(header(tunnel, stats && !details));
  const messages = details ? ip.rtnl.dumpVlandb() : ip.rtnl.dumpBridgeVlans();
  if (isRefusal(messages)) {
    talkError(ip.process, messages);
    args.complain('Dump terminated');
    throw new Exit(EXIT_FAILURE);
  }
  // Counters of bridges and of ports are asked for one after the other.
  const ordered =
    shown.stats && !details ? [...messages].sort((a, b) => Number(b.isBridge) - Number(a.isBridge)) : messages;
  // No VLAN has a tunnel: that cannot be configured.
  if (!tunnel) for (const message of ordered) printDevice(ip, message, shown);
  ip.out.deleteJson();
  return 0;
}

/** `vid` with one id or a range: undefined when there is nothing like it. */
function readVids(word: string): { vid: number; vidEnd: number } {
  const dash = word.indexOf('-');
  if (dash < 0) return { vid: atoi(word), vidEnd: -1 };
  return { vid: atoi(word.slice(0, dash)), vidEnd: atoi(word.slice(dash + 1)) };
}

/** vlan_modify(). */
function modify(ip: Ip, args: Args, adding: boolean): number {
  let device: string | undefined;
  let vids = { vid: -1, vidEnd: -1 };
  const flags = { self: false, master: false };
  const request = { pvid: false, untagged: false, tunnel: false };
  const fail = (text: string) => {
    args.complain(text);
    return EXIT_USAGE;
  };
  for (; args.left > 0; args.shift()) {
    const word = args.word;
    if (word === 'dev') device = args.next();
    else if (word === 'vid') {
      const range = args.next();
      vids = readVids(range);
      if (range.includes('-') && (vids.vid >= vids.vidEnd || vids.vidEnd >= VLAN_N_VID)) {
        return fail(`Invalid VLAN range "${range}"`);
      }
    } else if (word === 'self' || word === 'master') flags[word] = true;
    else if (word === 'pvid' || word === 'untagged') request[word] = true;
    else if (word === 'tunnel_info') {
      if (args.next() !== 'id') args.invarg('tunnel id expected', args.word);
      args.next();
      request.tunnel = true;
    } else if (args.matches('help')) args.next();
  }
  const { vid, vidEnd } = vids;
  if (device === undefined || vid === -1) return fail('Device and VLAN ID are required arguments.');
  const ifindex = ip.links.index(device);
  if (ifindex === 0) return fail(`Cannot find bridge device "${device}"`);
  if (vid >= VLAN_N_VID) return fail(`Invalid VLAN ID "${vid}"`);
  if (vidEnd >= 0 && request.pvid) return fail('pvid cannot be configured for a vlan range');
  const change = { ...request, vid, ...(vidEnd >= 0 ? { vidEnd } : {}) };
  const answer = adding ? ip.rtnl.setBridgeVlan(ifindex, change, flags) : ip.rtnl.delBridgeVlan(ifindex, change, flags);
  return talk(ip.process, answer) === 0 ? 0 : EXIT_USAGE;
}

/** vlan_option_set(). */
function set(ip: Ip, args: Args): number {
  let device: string | undefined;
  let vids = { vid: -1, vidEnd: -1 };
  const options: { state?: number; mcastRouter?: number } = {};
  for (; args.left > 0; args.shift()) {
    if (args.word === 'dev') device = args.next();
    else if (args.word === 'vid') vids = readVids(args.next());
    else if (args.word === 'state') {
      const word = args.next();
      const state = getInteger(word, 10) ?? STP_STATES.indexOf(word);
      if (state < 0) {
        args.complain('Error: invalid STP state');
        return EXIT_USAGE;
      }
      options.state = state & 0xff;
    } else if (args.word === 'mcast_router') options.mcastRouter = atoi(args.next()) & 0xff;
    else if (args.matches('help')) args.next();
  }
  if (device === undefined || vids.vid === -1) {
    args.complain('Device and VLAN ID are required arguments.');
    return EXIT_USAGE;
  }
  const ifindex = ip.links.index(device);
  if (ifindex === 0) {
    args.complain(`Cannot find network device "${device}"`);
    return EXIT_USAGE;
  }
  const { vid, vidEnd } = vids;
  const answer = ip.rtnl.setVlanOptions(ifindex, { ...options, vid, ...(vidEnd >= 0 ? { vidEnd } : {}) });
  return talk(ip.process, answer) === 0 ? 0 : EXIT_USAGE;
}

function usage(ip: Ip): never {
  ip.process.stderr.write(USAGE);
  throw new Exit(EXIT_USAGE);
}

/** `bridge vlan global`: multicast snooping for each VLAN, which is not modelled. */
function global(ip: Ip, args: Args): number {
  const answer = ip.rtnl.dumpVlandb();
  if (!isRefusal(answer)) args.notModelled('vlan global');
  const word = args.left > 0 ? args.word : 'show';
  if (matches(word, 'set')) {
    talkError(ip.process, answer);
    return EXIT_USAGE;
  }
  if (!['show', 'lst', 'list'].some((name) => matches(word, name))) return usage(ip);
  ip.out.newJson();
  ip.out.text(header(false, false));
  talkError(ip.process, answer);
  args.complain('Dump terminated');
  throw new Exit(EXIT_FAILURE);
}

/** do_vlan(). */
export const doVlan: IpObject = async (ip, args) => {
  ip.links.init();
  if (args.left === 0) return show(ip, args, false);
  const command = args.word;
  args.shift();
  if (matches(command, 'add')) return modify(ip, args, true);
  if (matches(command, 'delete')) return modify(ip, args, false);
  if (['show', 'lst', 'list'].some((name) => matches(command, name))) return show(ip, args, false);
  if (matches(command, 'tunnelshow')) return show(ip, args, true);
  if (matches(command, 'set')) return set(ip, args);
  if (matches(command, 'global')) return global(ip, args);
  if (matches(command, 'help')) usage(ip);
  return args.fail(`Command "${command}" is unknown, try "bridge vlan help".`);
};
