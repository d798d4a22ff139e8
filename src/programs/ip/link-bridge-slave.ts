import type { BridgePortData } from '../../uapi/rtnetlink.ts';
import type { Args } from './args.ts';
import type { Ip } from './context.ts';
import { EXIT_FAILURE, Exit } from './exit.ts';
import { formatBridgeId, hex, printTimer } from './link-bridge.ts';
import type { LinkKind } from './link-kind.ts';
import { getU8, getU16, getUnsigned } from './numbers.ts';

const USAGE = `Usage: ... bridge_slave [ fdb_flush ]
			[ state STATE ]
			[ priority PRIO ]
			[ cost COST ]
			[ guard {on | off} ]
			[ hairpin {on | off} ]
			[ fastleave {on | off} ]
			[ root_block {on | off} ]
			[ learning {on | off} ]
			[ flood {on | off} ]
			[ proxy_arp {on | off} ]
			[ proxy_arp_wifi {on | off} ]
			[ mcast_router MULTICAST_ROUTER ]
			[ mcast_fast_leave {on | off} ]
			[ mcast_flood {on | off} ]
			[ bcast_flood {on | off} ]
			[ mcast_to_unicast {on | off} ]
			[ group_fwd_mask MASK ]
			[ neigh_suppress {on | off} ]
			[ vlan_tunnel {on | off} ]
			[ isolated {on | off} ]
			[ locked {on | off} ]
			[ backup_port DEVICE ] [ nobackup_port ]
`;

interface Option {
  word: string;
  key: keyof BridgePortData;
  /** Reads the value, `message` is the complaint; absent: `on` or `off`. */
  read?: (text: string) => number | undefined;
  message?: string;
}

/** The options with a value, in the order in which an abbreviation is tried. */
const OPTIONS: readonly Option[] = [
  { word: 'fdb_flush', key: 'flush' },
  { word: 'state', key: 'state', read: getU8, message: 'state is invalid' },
  { word: 'priority', key: 'priority', read: getU16, message: 'priority is invalid' },
  { word: 'cost', key: 'cost', read: getUnsigned, message: 'cost is invalid' },
  { word: 'hairpin', key: 'mode' },
  { word: 'guard', key: 'guard' },
  { word: 'root_block', key: 'protect' },
  { word: 'fastleave', key: 'fastLeave' },
  { word: 'learning', key: 'learning' },
  { word: 'flood', key: 'unicastFlood' },
  { word: 'mcast_flood', key: 'mcastFlood' },
  { word: 'bcast_flood', key: 'bcastFlood' },
  { word: 'mcast_to_unicast', key: 'mcastToUcast' },
  { word: 'proxy_arp', key: 'proxyarp' },
  { word: 'proxy_arp_wifi', key: 'proxyarpWifi' },
  { word: 'mcast_router', key: 'multicastRouter', read: getU8, message: 'invalid mcast_router' },
  { word: 'mcast_fast_leave', key: 'fastLeave' },
  { word: 'neigh_suppress', key: 'neighSuppress' },
  { word: 'group_fwd_mask', key: 'groupFwdMask', read: getU16, message: 'invalid group_fwd_mask' },
  { word: 'vlan_tunnel', key: 'vlanTunnel' },
  { word: 'isolated', key: 'isolated' },
  { word: 'locked', key: 'locked' },
];

function parse(ip: Ip, args: Args): BridgePortData | number {
  const data: BridgePortData = {};
  while (args.left > 0) {
    const option = OPTIONS.find(({ word }) => args.matches(word));
    if (option?.key === 'flush') data.flush = true;
    else if (option) {
      const word = args.next();
      const value = option.read ? option.read(word) : args.onOff(option.word, word);
      if (value === undefined) {
        if (!option.message) throw new Exit(EXIT_FAILURE);
        args.invarg(option.message, word);
      }
      Object.assign(data, { [option.key]: value });
    } else if (args.matches('backup_port')) {
      const word = args.next();
      data.backupPort = ip.links.index(word) || args.invarg('Device does not exist\n', word);
    } else if (args.matches('nobackup_port')) data.backupPort = 0;
    else {
      if (!args.matches('help')) args.complain(`bridge_slave: unknown option "${args.word}"?`);
      args.process.stderr.write(USAGE);
      return EXIT_FAILURE;
    }
    args.shift();
  }
  return data;
}

const STATES = ['disabled', 'listening', 'learning', 'forwarding', 'blocking'];
const FWD_MASK: Readonly<Record<number, string>> = { 0: 'stp', 2: 'lacp', 14: 'lldp' };

function groupFwdMaskText(mask: number): string {
  const names: string[] = [];
  for (let bit = 0; bit < 16; bit++) if (mask & (1 << bit)) names.push(FWD_MASK[bit] ?? hex(1 << bit));
  return names.join(',') || '0x0';
}

function print(ip: Ip, data: BridgePortData): void {
  const { out } = ip;
  const number = (value: number | undefined, name: string, word = name): void => {
    if (value !== undefined) out.print(name, `${word} ${value} `, value);
  };
  const onOff = (value: number | undefined, name: string): void => {
    if (value !== undefined) out.print(name, `${name} ${value ? 'on' : 'off'} `, value !== 0);
  };
  const text = (value: string | undefined, name: string, word = name): void => {
    if (value !== undefined) out.print(name, `${word} ${value} `, value);
  };
  if (data.state !== undefined) {
    const state = STATES[data.state];
    if (state) text(state, 'state');
    else out.print('state_index', `state (${data.state}) `, data.state);
  }
  number(data.priority, 'priority');
  number(data.cost, 'cost');
  onOff(data.mode, 'hairpin');
  onOff(data.guard, 'guard');
  onOff(data.protect, 'root_block');
  onOff(data.fastLeave, 'fastleave');
  onOff(data.learning, 'learning');
  onOff(data.unicastFlood, 'flood');
  text(data.id === undefined ? undefined : hex(data.id), 'id', 'port_id');
  text(data.no === undefined ? undefined : hex(data.no), 'no', 'port_no');
  number(data.designatedPort, 'designated_port');
  number(data.designatedCost, 'designated_cost');
  text(data.bridgeId && formatBridgeId(data.bridgeId), 'bridge_id', 'designated_bridge');
  text(data.rootId && formatBridgeId(data.rootId), 'root_id', 'designated_root');
  printTimer(ip, 'hold_timer', data.holdTimer);
  printTimer(ip, 'message_age_timer', data.messageAgeTimer);
  printTimer(ip, 'forward_delay_timer', data.forwardDelayTimer);
  number(data.topologyChangeAck, 'topology_change_ack');
  number(data.configPending, 'config_pending');
  onOff(data.proxyarp, 'proxy_arp');
  onOff(data.proxyarpWifi, 'proxy_arp_wifi');
  number(data.multicastRouter, 'multicast_router', 'mcast_router');
  if (data.fastLeave !== undefined) out.text(`mcast_fast_leave ${data.fastLeave ? 'on' : 'off'} `);
  onOff(data.mcastFlood, 'mcast_flood');
  onOff(data.bcastFlood, 'bcast_flood');
  onOff(data.mcastToUcast, 'mcast_to_unicast');
  onOff(data.neighSuppress, 'neigh_suppress');
  if (data.groupFwdMask !== undefined) {
    text(hex(data.groupFwdMask), 'group_fwd_mask');
    text(groupFwdMaskText(data.groupFwdMask), 'group_fwd_mask_str');
  }
  onOff(data.vlanTunnel, 'vlan_tunnel');
  onOff(data.isolated, 'isolated');
  onOff(data.locked, 'locked');
  if (data.backupPort) text(ip.links.name(data.backupPort), 'backup_port');
}

/** `type bridge_slave`: a port of a bridge. */
export const bridgeSlaveKind: LinkKind = {
  id: 'bridge_slave',
  parse,
  print,
  help: (out) => out.write(USAGE),
};
