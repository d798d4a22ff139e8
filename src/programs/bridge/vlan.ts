/**
 * `bridge vlan` (bridge/vlan.c) on a kernel that is built without VLAN filtering
 * (CONFIG_BRIDGE_VLAN_FILTERING), as the reference kernel is: lists are empty, changes are refused.
 */
import { EINVAL, EOPNOTSUPP } from '../../uapi/errno.ts';
import { isRefusal, refuse } from '../../uapi/result.ts';
import { type Args, matches } from '../ip/args.ts';
import type { Ip, IpObject } from '../ip/context.ts';
import { EXIT_FAILURE, EXIT_USAGE, Exit } from '../ip/exit.ts';
import { talk, talkError } from '../ip/libnetlink.ts';
import { atoi } from '../ip/numbers.ts';

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
const VLAN_VID_MASK = 4095;

/** The head of the list: with -s the columns behind it are not padded. */
function header(ip: Ip, tunnel: boolean): string {
  if (tunnel) return 'port              vlan-id    tunnel-id\n';
  return ip.options.stats > 0 ? 'port              vlan-id\n' : 'port              vlan-id  \n';
}

/** vlan_show() and vlan_global_show(); `rtm` when the kernel would be asked with RTM_GETVLAN, which it does not have. */
function show(ip: Ip, args: Args, tunnel: boolean, rtm: boolean): number {
  let device: string | undefined;
  let vid = false;
  for (; args.left > 0; args.shift()) {
    if (args.word === 'dev') {
      args.next();
      if (device !== undefined) args.duparg('dev', args.word);
      device = args.word;
    } else if (args.word === 'vid') {
      args.next();
      if (vid) args.duparg('vid', args.word);
      vid = true;
    }
  }
  if (device !== undefined && ip.links.index(device) === 0) {
    args.nodev(device);
    return EXIT_USAGE;
  }
  ip.out.newJson();
  ip.out.text(header(ip, tunnel));
  if (rtm) {
    talkError(ip.process, refuse(EOPNOTSUPP));
    args.complain('Dump terminated');
    throw new Exit(EXIT_FAILURE);
  }
  ip.out.deleteJson();
  return 0;
}

/** The kind of device that a change is for, which decides who refuses it. */
function isBridgeOrPort(ip: Ip, ifindex: number, self: boolean): boolean {
  const link = ip.rtnl.getLink({ ifindex });
  if (isRefusal(link)) return false;
  return self ? link.kind === 'bridge' : link.slaveKind === 'bridge';
}

/** vlan_modify(). */
function modify(ip: Ip, args: Args, adding: boolean): number {
  let device: string | undefined;
  let vid = -1;
  let vidEnd = -1;
  let self = false;
  let master = false;
  let pvid = false;
  let tunnel = false;
  const fail = (text: string) => {
    args.complain(text);
    return EXIT_USAGE;
  };
  for (; args.left > 0; args.shift()) {
    const word = args.word;
    if (word === 'dev') device = args.next();
    else if (word === 'vid') {
      const range = args.next();
      const dash = range.indexOf('-');
      vid = atoi(dash < 0 ? range : range.slice(0, dash));
      vidEnd = dash < 0 ? -1 : atoi(range.slice(dash + 1));
      if (dash >= 0 && (vid >= vidEnd || vidEnd >= VLAN_N_VID)) return fail(`Invalid VLAN range "${range}"`);
    } else if (word === 'self') self = true;
    else if (word === 'master') master = true;
    else if (word === 'pvid') pvid = true;
    else if (word === 'tunnel_info') {
      if (args.next() !== 'id') args.invarg('tunnel id expected', args.word);
      args.next();
      tunnel = true;
    } else if (args.matches('help')) args.next();
  }
  if (device === undefined || vid === -1) return fail('Device and VLAN ID are required arguments.');
  const ifindex = ip.links.index(device);
  if (ifindex === 0) return fail(`Cannot find bridge device "${device}"`);
  if (vid >= VLAN_N_VID) return fail(`Invalid VLAN ID "${vid}"`);
  if (vidEnd >= 0 && pvid) return fail('pvid cannot be configured for a vlan range');
  return talk(ip.process, answer(ip, ifindex, { adding, vid, self, tunnel, master })) === 0 ? 0 : EXIT_USAGE;
}

interface Change {
  adding: boolean;
  vid: number;
  self: boolean;
  master: boolean;
  tunnel: boolean;
}

/** What the kernel's br_setlink() and br_dellink() say: the numbers are checked, then nobody keeps them. */
function answer(ip: Ip, ifindex: number, { adding, vid, self, master, tunnel }: Change) {
  if (!isBridgeOrPort(ip, ifindex, self && !master)) return refuse(EOPNOTSUPP);
  const invalid = vid <= 0 || vid >= VLAN_VID_MASK;
  if (!adding) return invalid ? refuse(EINVAL) : undefined;
  if (invalid) return refuse(EINVAL, 'bridge: Vlan id is invalid');
  return tunnel ? refuse(EINVAL) : refuse(EOPNOTSUPP);
}

/** vlan_option_set() and vlan_global_option_set(). */
function set(ip: Ip, args: Args): number {
  let device: string | undefined;
  let vid = false;
  for (; args.left > 0; args.shift()) {
    if (args.word === 'dev') device = args.next();
    else if (args.word === 'vid') {
      args.next();
      vid = true;
    } else args.next();
  }
  if (device === undefined || !vid) {
    args.complain('Device and VLAN ID are required arguments.');
    return EXIT_USAGE;
  }
  if (ip.links.index(device) === 0) {
    args.complain(`Cannot find network device "${device}"`);
    return EXIT_USAGE;
  }
  talkError(ip.process, refuse(EOPNOTSUPP));
  return EXIT_USAGE;
}

function usage(ip: Ip): never {
  ip.process.stderr.write(USAGE);
  throw new Exit(EXIT_USAGE);
}

function global(ip: Ip, args: Args): number {
  if (args.left === 0) return show(ip, args, false, true);
  const command = args.word;
  args.shift();
  if (['show', 'lst', 'list'].some((name) => matches(command, name))) return show(ip, args, false, true);
  if (matches(command, 'set')) return set(ip, args);
  return usage(ip);
}

/** do_vlan(). */
export const doVlan: IpObject = async (ip, args) => {
  ip.links.init();
  const detailed = ip.options.details > 0;
  if (args.left === 0) return show(ip, args, false, detailed);
  const command = args.word;
  args.shift();
  if (matches(command, 'add')) return modify(ip, args, true);
  if (matches(command, 'delete')) return modify(ip, args, false);
  if (['show', 'lst', 'list'].some((name) => matches(command, name))) return show(ip, args, false, detailed);
  if (matches(command, 'tunnelshow')) return show(ip, args, true, false);
  if (matches(command, 'set')) return set(ip, args);
  if (matches(command, 'global')) return global(ip, args);
  if (matches(command, 'help')) usage(ip);
  return args.fail(`Command "${command}" is unknown, try "bridge vlan help".`);
};
