import type { BridgeData, BridgeId } from '../../uapi/rtnetlink.ts';
import { formatMac } from '../../wire/addr.ts';
import type { Args } from './args.ts';
import type { Ip } from './context.ts';
import { EXIT_FAILURE } from './exit.ts';
import type { LinkKind } from './link-kind.ts';
import { llAddrA2n, macOf } from './ll-addr.ts';
import { llProtoA2n, llProtoN2a } from './ll-proto.ts';
import { getU8, getU16, getU64, getUnsigned } from './numbers.ts';

const USAGE = `Usage: ... bridge [ fdb_flush ]
		  [ forward_delay FORWARD_DELAY ]
		  [ hello_time HELLO_TIME ]
		  [ max_age MAX_AGE ]
		  [ ageing_time AGEING_TIME ]
		  [ stp_state STP_STATE ]
		  [ priority PRIORITY ]
		  [ group_fwd_mask MASK ]
		  [ group_address ADDRESS ]
		  [ no_linklocal_learn NO_LINKLOCAL_LEARN ]
		  [ vlan_filtering VLAN_FILTERING ]
		  [ vlan_protocol VLAN_PROTOCOL ]
		  [ vlan_default_pvid VLAN_DEFAULT_PVID ]
		  [ vlan_stats_enabled VLAN_STATS_ENABLED ]
		  [ vlan_stats_per_port VLAN_STATS_PER_PORT ]
		  [ mcast_snooping MULTICAST_SNOOPING ]
		  [ mcast_vlan_snooping MULTICAST_VLAN_SNOOPING ]
		  [ mcast_router MULTICAST_ROUTER ]
		  [ mcast_query_use_ifaddr MCAST_QUERY_USE_IFADDR ]
		  [ mcast_querier MULTICAST_QUERIER ]
		  [ mcast_hash_elasticity HASH_ELASTICITY ]
		  [ mcast_hash_max HASH_MAX ]
		  [ mcast_last_member_count LAST_MEMBER_COUNT ]
		  [ mcast_startup_query_count STARTUP_QUERY_COUNT ]
		  [ mcast_last_member_interval LAST_MEMBER_INTERVAL ]
		  [ mcast_membership_interval MEMBERSHIP_INTERVAL ]
		  [ mcast_querier_interval QUERIER_INTERVAL ]
		  [ mcast_query_interval QUERY_INTERVAL ]
		  [ mcast_query_response_interval QUERY_RESPONSE_INTERVAL ]
		  [ mcast_startup_query_interval STARTUP_QUERY_INTERVAL ]
		  [ mcast_stats_enabled MCAST_STATS_ENABLED ]
		  [ mcast_igmp_version IGMP_VERSION ]
		  [ mcast_mld_version MLD_VERSION ]
		  [ nf_call_iptables NF_CALL_IPTABLES ]
		  [ nf_call_ip6tables NF_CALL_IP6TABLES ]
		  [ nf_call_arptables NF_CALL_ARPTABLES ]

Where: VLAN_PROTOCOL := { 802.1Q | 802.1ad }
`;

/** A number of the given width on the command line, sent as it is. */
interface Option {
  word: string;
  /** The word must be given whole. */
  exact?: true;
  key: keyof BridgeData;
  read: (text: string) => number | undefined;
}

const u8 = (word: string, key: keyof BridgeData): Option => ({ word, key, read: getU8 });
const u16 = (word: string, key: keyof BridgeData): Option => ({ word, key, read: getU16 });
const u32 = (word: string, key: keyof BridgeData): Option => ({ word, key, read: getUnsigned });
const u64 = (word: string, key: keyof BridgeData): Option => ({ word, key, read: getU64 });
const bool = (word: string, key: keyof BridgeData): Option => ({
  word,
  exact: true,
  key,
  read: (text) => {
    const value = getU8(text);
    return value === undefined ? undefined : Number(value !== 0);
  },
});

/** The options with a value, in the order in which an abbreviation is tried. */
const OPTIONS: readonly Option[] = [
  u32('forward_delay', 'forwardDelay'),
  u32('hello_time', 'helloTime'),
  u32('max_age', 'maxAge'),
  u32('ageing_time', 'ageingTime'),
  u32('stp_state', 'stpState'),
  u16('priority', 'priority'),
  u8('vlan_filtering', 'vlanFiltering'),
  { word: 'vlan_protocol', key: 'vlanProtocol', read: llProtoA2n },
  u16('group_fwd_mask', 'groupFwdMask'),
  { word: 'group_address', key: 'groupAddr', read: () => undefined },
  bool('no_linklocal_learn', 'noLinklocalLearn'),
  { word: 'fdb_flush', key: 'fdbFlush', read: () => undefined },
  u16('vlan_default_pvid', 'vlanDefaultPvid'),
  u8('vlan_stats_enabled', 'vlanStatsEnabled'),
  u8('vlan_stats_per_port', 'vlanStatsPerPort'),
  u8('mcast_router', 'mcastRouter'),
  u8('mcast_snooping', 'mcastSnooping'),
  bool('mcast_vlan_snooping', 'mcastVlanSnooping'),
  u8('mcast_query_use_ifaddr', 'mcastQueryUseIfaddr'),
  u8('mcast_querier', 'mcastQuerier'),
  u32('mcast_hash_elasticity', 'mcastHashElasticity'),
  u32('mcast_hash_max', 'mcastHashMax'),
  u32('mcast_last_member_count', 'mcastLastMemberCount'),
  u32('mcast_startup_query_count', 'mcastStartupQueryCount'),
  u64('mcast_last_member_interval', 'mcastLastMemberInterval'),
  u64('mcast_membership_interval', 'mcastMembershipInterval'),
  u64('mcast_querier_interval', 'mcastQuerierInterval'),
  u64('mcast_query_interval', 'mcastQueryInterval'),
  u64('mcast_query_response_interval', 'mcastQueryResponseInterval'),
  u64('mcast_startup_query_interval', 'mcastStartupQueryInterval'),
  u8('mcast_stats_enabled', 'mcastStatsEnabled'),
  u8('mcast_igmp_version', 'mcastIgmpVersion'),
  u8('mcast_mld_version', 'mcastMldVersion'),
  u8('nf_call_iptables', 'nfCallIptables'),
  u8('nf_call_ip6tables', 'nfCallIp6tables'),
  u8('nf_call_arptables', 'nfCallArptables'),
];

function parse(_ip: Ip, args: Args): BridgeData | number {
  const data: BridgeData = {};
  while (args.left > 0) {
    const option = OPTIONS.find(({ word, exact }) => (exact ? args.word === word : args.matches(word)));
    if (!option) {
      if (!args.matches('help')) args.complain(`bridge: unknown command "${args.word}"?`);
      args.process.stderr.write(USAGE);
      return EXIT_FAILURE;
    }
    if (option.key === 'fdbFlush') data.fdbFlush = true;
    else if (option.key === 'groupAddr') {
      const octets = llAddrA2n(args, args.next());
      if (!octets) return EXIT_FAILURE;
      data.groupAddr = macOf(octets) ?? 0;
    } else {
      const word = args.next();
      const value = option.read(word);
      if (value === undefined) args.invarg(`invalid ${option.word}`, word);
      Object.assign(data, { [option.key]: value });
    }
    args.shift();
  }
  return data;
}

/** br_dump_bridge_id(): priority in hexadecimal, and the address without leading zeros (ether_ntoa). */
export function formatBridgeId(id: BridgeId): string {
  const address = formatMac(id.address).replace(/0([0-9a-f])/g, '$1');
  return `${id.priority.toString(16).padStart(4, '0')}.${address}`;
}

/** A timer in hundredths of a second: `name    1.50 `. */
export function printTimer(ip: Ip, name: string, ticks: number | undefined): void {
  if (ticks === undefined) return;
  const seconds = Math.floor(ticks / 100);
  const rest = String(ticks % 100).padStart(2, '0');
  ip.out.raw(name, `${name} ${String(seconds).padStart(4)}.${rest} `, `${seconds}.${rest}`);
}

/** `%#llx`: no prefix for zero. */
export function hex(value: number): string {
  return value === 0 ? '0' : `0x${value.toString(16)}`;
}

/** The switches that follow `group_address`, in the order of print: attribute, JSON key, plain word if it differs. */
const MCAST: readonly (readonly [keyof BridgeData, string, string?])[] = [
  ['mcastRouter', 'mcast_router'],
  ['mcastQueryUseIfaddr', 'mcast_query_use_ifaddr'],
  ['mcastQuerier', 'mcast_querier'],
  ['mcastHashElasticity', 'mcast_hash_elasticity'],
  ['mcastHashMax', 'mcast_hash_max'],
  ['mcastLastMemberCount', 'mcast_last_member_cnt', 'mcast_last_member_count'],
  ['mcastStartupQueryCount', 'mcast_startup_query_cnt', 'mcast_startup_query_count'],
  ['mcastLastMemberInterval', 'mcast_last_member_intvl', 'mcast_last_member_interval'],
  ['mcastMembershipInterval', 'mcast_membership_intvl', 'mcast_membership_interval'],
  ['mcastQuerierInterval', 'mcast_querier_intvl', 'mcast_querier_interval'],
  ['mcastQueryInterval', 'mcast_query_intvl', 'mcast_query_interval'],
  ['mcastQueryResponseInterval', 'mcast_query_response_intvl', 'mcast_query_response_interval'],
  ['mcastStartupQueryInterval', 'mcast_startup_query_intvl', 'mcast_startup_query_interval'],
  ['mcastStatsEnabled', 'mcast_stats_enabled'],
  ['mcastIgmpVersion', 'mcast_igmp_version'],
  ['mcastMldVersion', 'mcast_mld_version'],
  ['nfCallIptables', 'nf_call_iptables'],
  ['nfCallIp6tables', 'nf_call_ip6tables'],
  ['nfCallArptables', 'nf_call_arptables'],
];

function print(ip: Ip, data: BridgeData): void {
  const { out, options } = ip;
  const number = (key: keyof BridgeData, name: string, word = name): void => {
    const value = data[key];
    if (typeof value === 'number') out.print(name, `${word} ${value} `, value);
  };
  const text = (name: string, word: string, value: string | undefined): void => {
    if (value !== undefined) out.print(name, `${word} ${value} `, value);
  };
  number('forwardDelay', 'forward_delay');
  number('helloTime', 'hello_time');
  number('maxAge', 'max_age');
  number('ageingTime', 'ageing_time');
  number('stpState', 'stp_state');
  number('priority', 'priority');
  number('vlanFiltering', 'vlan_filtering');
  text(
    'vlan_protocol',
    'vlan_protocol',
    data.vlanProtocol === undefined ? undefined : llProtoN2a(data.vlanProtocol, options.numeric),
  );
  const bridgeId = data.bridgeId && formatBridgeId(data.bridgeId);
  text('bridge_id', 'bridge_id', bridgeId);
  // iproute2 6.1 prints the bridge's own id here, not the root's.
  text('root_id', 'designated_root', data.rootId && bridgeId);
  number('rootPort', 'root_port');
  number('rootPathCost', 'root_path_cost');
  number('topologyChange', 'topology_change');
  number('topologyChangeDetected', 'topology_change_detected');
  printTimer(ip, 'hello_timer', data.helloTimer);
  printTimer(ip, 'tcn_timer', data.tcnTimer);
  printTimer(ip, 'topology_change_timer', data.topologyChangeTimer);
  printTimer(ip, 'gc_timer', data.gcTimer);
  number('vlanDefaultPvid', 'vlan_default_pvid');
  number('vlanStatsEnabled', 'vlan_stats_enabled');
  number('vlanStatsPerPort', 'vlan_stats_per_port');
  text('group_fwd_mask', 'group_fwd_mask', data.groupFwdMask === undefined ? undefined : hex(data.groupFwdMask));
  text('group_addr', 'group_address', data.groupAddr === undefined ? undefined : formatMac(data.groupAddr));
  number('mcastSnooping', 'mcast_snooping');
  number('noLinklocalLearn', 'no_linklocal_learn');
  number('mcastVlanSnooping', 'mcast_vlan_snooping');
  for (const [key, name, word] of MCAST) number(key, name, word);
}

/** `type bridge`. */
export const bridgeKind: LinkKind = { id: 'bridge', parse, print, help: (out) => out.write(USAGE) };
