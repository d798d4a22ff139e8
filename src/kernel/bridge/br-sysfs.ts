/** /sys/class/net/BRIDGE/bridge/ and /sys/class/net/PORT/brport/ (net/bridge/br_sysfs_br.c, br_sysfs_if.c). */
import { EINVAL, ENOENT, EPERM } from '../../uapi/errno.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { BridgeData, BridgeId, BridgePortData } from '../../uapi/rtnetlink.ts';
import { formatMac, parseMac } from '../../wire/addr.ts';
import { netdevStateChange } from '../core/dev-config.ts';
import type { NetDevice } from '../core/netdevice.ts';
import type { SysctlEntries, SysctlEntry } from '../core/sysctl.ts';
import { brLinkOps, brPortFillAttrs, brSetGroupAddr, brSetport } from './br-netlink.ts';
import {
  BROPT_VLAN_ENABLED,
  BROPT_VLAN_STATS_ENABLED,
  BROPT_VLAN_STATS_PER_PORT,
  bridgeOf,
  brOptGet,
  brPortGet,
  isBridgeMaster,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';

/** simple_strtoul() with base 0: undefined when the text does not begin with a number. */
function parseNumber(text: string): number | undefined {
  const match = /^\s*(0x[0-9a-f]+|\d+)/i.exec(text);
  if (match === null) return undefined;
  const digits = match[1]!;
  if (/^0x/i.test(digits)) return Number.parseInt(digits, 16);
  return Number.parseInt(digits, digits.length > 1 && digits.startsWith('0') ? 8 : 10);
}

/** A file whose value is written as a number. */
function numeric(read: () => string, write: ((value: number) => Ack) | undefined): SysctlEntry {
  const entry: SysctlEntry = { mode: write === undefined ? 0o444 : 0o644, read };
  if (write !== undefined) {
    entry.write = (text) => {
      const value = parseNumber(text);
      return value === undefined ? refuse(EINVAL) : write(value);
    };
  }
  return entry;
}

/** @kernel net/bridge/br_stp_if.c br_show_bridge_id */
function showId(id: BridgeId): string {
  return `${id.priority.toString(16).padStart(4, '0')}.${formatMac(id.address).replaceAll(':', '')}`;
}

function hex(value: number): string {
  return value === 0 ? '0x0' : `0x${value.toString(16)}`;
}

/** Of VLAN filtering, where the kernel may have it. */
const VLAN_FILES: readonly [file: string, attribute: keyof BridgeData, read: (br: NetBridge) => number | boolean][] = [
  ['default_pvid', 'vlanDefaultPvid', (br) => br.defaultPvid],
  ['vlan_filtering', 'vlanFiltering', (br) => brOptGet(br, BROPT_VLAN_ENABLED)],
  ['vlan_stats_enabled', 'vlanStatsEnabled', (br) => brOptGet(br, BROPT_VLAN_STATS_ENABLED)],
  ['vlan_stats_per_port', 'vlanStatsPerPort', (br) => brOptGet(br, BROPT_VLAN_STATS_PER_PORT)],
];

type BridgeFile = [file: string, attribute: keyof BridgeData, writable: boolean];

/** Files that are an attribute of netlink under another name. */
const BRIDGE_FILES: readonly BridgeFile[] = [
  ['ageing_time', 'ageingTime', true],
  ['forward_delay', 'forwardDelay', true],
  ['gc_timer', 'gcTimer', false],
  ['hash_elasticity', 'mcastHashElasticity', true],
  ['hash_max', 'mcastHashMax', true],
  ['hello_time', 'helloTime', true],
  ['hello_timer', 'helloTimer', false],
  ['max_age', 'maxAge', true],
  ['multicast_igmp_version', 'mcastIgmpVersion', true],
  ['multicast_last_member_count', 'mcastLastMemberCount', true],
  ['multicast_last_member_interval', 'mcastLastMemberInterval', true],
  ['multicast_membership_interval', 'mcastMembershipInterval', true],
  ['multicast_mld_version', 'mcastMldVersion', true],
  ['multicast_querier', 'mcastQuerier', true],
  ['multicast_querier_interval', 'mcastQuerierInterval', true],
  ['multicast_query_interval', 'mcastQueryInterval', true],
  ['multicast_query_response_interval', 'mcastQueryResponseInterval', true],
  ['multicast_query_use_ifaddr', 'mcastQueryUseIfaddr', true],
  ['multicast_router', 'mcastRouter', true],
  ['multicast_snooping', 'mcastSnooping', true],
  ['multicast_startup_query_count', 'mcastStartupQueryCount', true],
  ['multicast_startup_query_interval', 'mcastStartupQueryInterval', true],
  ['multicast_stats_enabled', 'mcastStatsEnabled', true],
  ['nf_call_arptables', 'nfCallArptables', true],
  ['nf_call_ip6tables', 'nfCallIp6tables', true],
  ['nf_call_iptables', 'nfCallIptables', true],
  ['no_linklocal_learn', 'noLinklocalLearn', true],
  ['priority', 'priority', true],
  ['root_path_cost', 'rootPathCost', false],
  ['root_port', 'rootPort', false],
  ['stp_state', 'stpState', true],
  ['tcn_timer', 'tcnTimer', false],
  ['topology_change', 'topologyChange', false],
  ['topology_change_detected', 'topologyChangeDetected', false],
  ['topology_change_timer', 'topologyChangeTimer', false],
];

function infoOf(br: NetBridge): BridgeData {
  return brLinkOps.fillInfo!(br.dev) as BridgeData;
}

/** @kernel net/bridge/br_sysfs_br.c store_bridge_parm */
function change(br: NetBridge, data: BridgeData): Ack {
  const refused = brLinkOps.changeLink!(br.dev, { linkinfo: { kind: 'bridge', data } });
  if (refused === undefined) netdevStateChange(br.dev);
  return refused;
}

function addVlanFiles(br: NetBridge, files: SysctlEntries): void {
  for (const [file, attribute, read] of VLAN_FILES) {
    files[file] = numeric(
      () => String(Number(read(br))),
      (value) => {
        // Only over this file the VLAN is kept while frames are filtered.
        if (attribute === 'vlanDefaultPvid' && brOptGet(br, BROPT_VLAN_ENABLED)) return refuse(EPERM);
        return change(br, { [attribute]: value });
      },
    );
  }
  files['vlan_protocol'] = numeric(
    () => `0x${br.vlanProto.toString(16)}`,
    (value) => change(br, { vlanProtocol: value }),
  );
}

/** The files of bridge/, undefined when `dev` is no bridge. */
export function brSysfsFiles(dev: NetDevice): SysctlEntries | undefined {
  if (!isBridgeMaster(dev)) return undefined;
  const br = bridgeOf(dev);
  const files: SysctlEntries = {
    bridge_id: { mode: 0o444, read: () => showId(br.bridgeId) },
    root_id: { mode: 0o444, read: () => showId(br.designatedRoot) },
    flush: {
      mode: 0o200,
      read: () => '',
      write: (text) => (parseNumber(text) === undefined ? refuse(EINVAL) : change(br, { fdbFlush: true })),
    },
    group_addr: {
      mode: 0o644,
      read: () => formatMac(br.groupAddr),
      write: (text) => {
        const address = parseMac(text.trim());
        const refused = address === undefined ? refuse(EINVAL) : brSetGroupAddr(br, address);
        if (refused === undefined) netdevStateChange(dev);
        return refused;
      },
    },
    group_fwd_mask: numeric(
      () => hex(br.groupFwdMask),
      (value) => change(br, { groupFwdMask: value & 0xffff }),
    ),
  };
  if (dev.net.kernel.config.bridgeVlanFiltering !== false) addVlanFiles(br, files);
  for (const [file, attribute, writable] of BRIDGE_FILES) {
    const write = writable ? (value: number) => change(br, { [attribute]: value }) : undefined;
    files[file] = numeric(() => String(infoOf(br)[attribute] ?? 0), write);
  }
  return files;
}

type PortFile = [file: string, attribute: keyof BridgePortData, writable: boolean];

const PORT_FILES: readonly PortFile[] = [
  ['bpdu_guard', 'guard', true],
  ['broadcast_flood', 'bcastFlood', true],
  ['change_ack', 'topologyChangeAck', false],
  ['config_pending', 'configPending', false],
  ['designated_cost', 'designatedCost', false],
  ['designated_port', 'designatedPort', false],
  ['forward_delay_timer', 'forwardDelayTimer', false],
  ['hairpin_mode', 'mode', true],
  ['hold_timer', 'holdTimer', false],
  ['isolated', 'isolated', true],
  ['learning', 'learning', true],
  ['message_age_timer', 'messageAgeTimer', false],
  ['multicast_fast_leave', 'fastLeave', true],
  ['multicast_flood', 'mcastFlood', true],
  ['multicast_router', 'multicastRouter', true],
  ['multicast_to_unicast', 'mcastToUcast', true],
  ['neigh_suppress', 'neighSuppress', true],
  ['path_cost', 'cost', true],
  ['priority', 'priority', true],
  ['proxyarp', 'proxyarp', true],
  ['proxyarp_wifi', 'proxyarpWifi', true],
  ['root_block', 'protect', true],
  ['state', 'state', false],
  ['unicast_flood', 'unicastFlood', true],
];

function backupPortFile(p: NetBridgePort): SysctlEntry {
  return {
    mode: 0o644,
    read: () => p.backupPort?.dev.name ?? '',
    write: (text) => {
      const name = text.split('\n', 1)[0]!;
      const backup = name === '' ? undefined : p.dev.net.devByName(name);
      if (name !== '' && backup === undefined) return refuse(ENOENT);
      return brSetport(p, { backupPort: backup?.ifindex ?? 0 });
    },
  };
}

/** The files of brport/, undefined when `dev` is no port. */
export function brportSysfsFiles(dev: NetDevice): SysctlEntries | undefined {
  const p = brPortGet(dev);
  if (p === undefined) return undefined;
  const files: SysctlEntries = {
    backup_port: backupPortFile(p),
    designated_bridge: { mode: 0o444, read: () => showId(p.designatedBridge) },
    designated_root: { mode: 0o444, read: () => showId(p.designatedRoot) },
    flush: {
      mode: 0o200,
      read: () => '',
      write: (text) => (parseNumber(text) === undefined ? refuse(EINVAL) : brSetport(p, { flush: true })),
    },
    group_fwd_mask: numeric(
      () => hex(p.groupFwdMask),
      (value) => brSetport(p, { groupFwdMask: value & 0xffff }),
    ),
    port_id: { mode: 0o444, read: () => hex(p.portId) },
    port_no: { mode: 0o444, read: () => hex(p.portNo) },
  };
  for (const [file, attribute, writable] of PORT_FILES) {
    const write = writable ? (value: number) => brSetport(p, { [attribute]: value }) : undefined;
    files[file] = numeric(() => String(brPortFillAttrs(p)[attribute] ?? 0), write);
  }
  return files;
}

/** Names in brif/: the ports. */
export function brifNames(dev: NetDevice): string[] {
  if (!isBridgeMaster(dev)) return [];
  return bridgeOf(dev)
    .ports.map((p) => p.dev.name)
    .sort();
}
