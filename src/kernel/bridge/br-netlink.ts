/** Bridges and their ports over rtnetlink: `ip link`, `bridge link` (net/bridge/br_netlink.c). */
import { EADDRNOTAVAIL, EBUSY, EINVAL, ENETDOWN, ENODEV, ENOENT, EOPNOTSUPP } from '../../uapi/errno.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { BridgeData, BridgeLinkMessage, BridgePortData, LinkRequest } from '../../uapi/rtnetlink.ts';
import { isValidMac, type Mac } from '../../wire/addr.ts';
import { registerNetdevice } from '../core/dev-config.ts';
import { devGetFlags, devGetIflink, netifOperUp, reportedOperstate } from '../core/link-watch.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { NetDevice, RtnlLinkOps } from '../core/netdevice.ts';
import { brDevSetup } from './br-device.ts';
import { brFdbDeleteByPort, brFdbFlush, brFdbGcTimer } from './br-fdb.ts';
import { BR_FDB_STATIC } from './br-fdb-table.ts';
import { brDeleteNow, brDevDelete, brPortFlagsChange, nbpBackupChange } from './br-if.ts';
import {
  brMulticastSetIgmpVersion,
  brMulticastSetMldVersion,
  brMulticastSetPortRouter,
  brMulticastSetQuerier,
  brMulticastSetRouter,
  brMulticastToggle,
  queryIntervalOf,
} from './br-multicast.ts';
import {
  BR_BCAST_FLOOD,
  BR_BPDU_GUARD,
  BR_FLOOD,
  BR_GROUPFWD_MACPAUSE,
  BR_GROUPFWD_RESTRICTED,
  BR_HAIRPIN_MODE,
  BR_ISOLATED,
  BR_KERNEL_STP,
  BR_LEARNING,
  BR_MCAST_FLOOD,
  BR_MULTICAST_FAST_LEAVE,
  BR_MULTICAST_TO_UNICAST,
  BR_NEIGH_SUPPRESS,
  BR_NEIGH_VLAN_SUPPRESS,
  BR_PORT_LOCKED,
  BR_PORT_MAB,
  BR_PROXYARP,
  BR_PROXYARP_WIFI,
  BR_ROOT_BLOCK,
  BR_STATE_BLOCKING,
  BR_STATE_DISABLED,
  BR_VLAN_TUNNEL,
  BROPT_GROUP_ADDR_SET,
  BROPT_MULTICAST_ENABLED,
  BROPT_MULTICAST_QUERY_USE_IFADDR,
  BROPT_MULTICAST_STATS_ENABLED,
  BROPT_NF_CALL_ARPTABLES,
  BROPT_NF_CALL_IP6TABLES,
  BROPT_NF_CALL_IPTABLES,
  BROPT_NO_LL_LEARN,
  BROPT_VLAN_ENABLED,
  BROPT_VLAN_STATS_ENABLED,
  BROPT_VLAN_STATS_PER_PORT,
  bridgeOf,
  brOptGet,
  brOptToggle,
  brPortGet,
  clockToJiffies,
  isBridgeMaster,
  jiffiesToClock,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';
import { brJoinSnoopers, brLeaveSnoopers } from './br-snoopers.ts';
import {
  brPortStateSelection,
  brSetAgeingTime,
  brSetForwardDelay,
  brSetHelloTime,
  brSetMaxAge,
  brSetState,
} from './br-stp.ts';
import {
  brStpChangeBridgeId,
  brStpSetBridgePriority,
  brStpSetEnabled,
  brStpSetPathCost,
  brStpSetPortPriority,
} from './br-stp-if.ts';

import { wantVlanFiltering } from './br-vlan.ts';
import { brVlanFilterToggle, brVlanSetDefaultPvid, brVlanSetProto } from './br-vlan-settings.ts';

/** RHT_ELASTICITY. */
export const MCAST_HASH_ELASTICITY = 16;

/** Switches of a port and their bits. */
const PORT_FLAGS = [
  ['mode', BR_HAIRPIN_MODE],
  ['guard', BR_BPDU_GUARD],
  ['fastLeave', BR_MULTICAST_FAST_LEAVE],
  ['protect', BR_ROOT_BLOCK],
  ['learning', BR_LEARNING],
  ['unicastFlood', BR_FLOOD],
  ['mcastFlood', BR_MCAST_FLOOD],
  ['mcastToUcast', BR_MULTICAST_TO_UNICAST],
  ['bcastFlood', BR_BCAST_FLOOD],
  ['proxyarp', BR_PROXYARP],
  ['proxyarpWifi', BR_PROXYARP_WIFI],
  ['vlanTunnel', BR_VLAN_TUNNEL],
  ['neighSuppress', BR_NEIGH_SUPPRESS],
  ['isolated', BR_ISOLATED],
  ['locked', BR_PORT_LOCKED],
  ['mab', BR_PORT_MAB],
  ['neighVlanSuppress', BR_NEIGH_VLAN_SUPPRESS],
] as const;

/** @kernel net/bridge/br_netlink.c br_set_port_state */
function setPortState(p: NetBridgePort, state: number): Ack {
  if (state > BR_STATE_BLOCKING) return refuse(EINVAL);
  if (p.br.stpEnabled === BR_KERNEL_STP) return refuse(EBUSY);
  if (!p.dev.running || (!netifOperUp(p.dev) && state !== BR_STATE_DISABLED)) return refuse(ENETDOWN);
  brSetState(p, state);
  brPortStateSelection(p.br);
  return undefined;
}

/** @kernel net/bridge/br_netlink.c br_setport */
export function brSetport(p: NetBridgePort, data: BridgePortData): Ack {
  let flags = p.flags;
  for (const [name, bit] of PORT_FLAGS) {
    const value = data[name];
    if (value !== undefined) flags = value !== 0 ? flags | bit : flags & ~bit;
  }
  if ((flags & BR_PORT_MAB) !== 0 && ((flags & BR_PORT_LOCKED) === 0 || (flags & BR_LEARNING) === 0)) {
    return refuse(EINVAL, 'Bridge port must be locked and have learning enabled when MAB is enabled');
  }
  if ((flags & BR_PORT_MAB) === 0 && (p.flags & BR_PORT_MAB) !== 0) brFdbDeleteByPort(p.br, p, 0, false);
  const changed = p.flags ^ flags;
  p.flags = flags;
  brPortFlagsChange(p, changed);
  return (
    (data.cost === undefined ? undefined : brStpSetPathCost(p, data.cost)) ??
    (data.priority === undefined ? undefined : brStpSetPortPriority(p, data.priority)) ??
    (data.state === undefined ? undefined : setPortState(p, data.state)) ??
    setportRest(p, data)
  );
}

function setportRest(p: NetBridgePort, data: BridgePortData): Ack {
  if (data.flush !== undefined) brFdbDeleteByPort(p.br, p, 0, false);
  if (data.multicastRouter !== undefined) {
    const refused = brMulticastSetPortRouter(p, data.multicastRouter);
    if (refused !== undefined) return refused;
  }
  if (data.mcastEhtHostsLimit !== undefined) {
    if (data.mcastEhtHostsLimit === 0) return refuse(EINVAL);
    p.multicast.ehtHostsLimit = data.mcastEhtHostsLimit;
  }
  if (data.groupFwdMask !== undefined) {
    if ((data.groupFwdMask & BR_GROUPFWD_MACPAUSE) !== 0) return refuse(EINVAL);
    p.groupFwdMask = data.groupFwdMask;
  }
  if (data.backupPort === undefined) return undefined;
  const backup = data.backupPort === 0 ? undefined : p.dev.net.devByIndex(data.backupPort);
  if (data.backupPort !== 0 && backup === undefined) return refuse(ENOENT);
  return nbpBackupChange(p, backup);
}

/** @kernel net/bridge/br_netlink.c br_port_fill_attrs */
export function brPortFillAttrs(p: NetBridgePort): BridgePortData {
  const data: BridgePortData = {
    state: p.state,
    priority: p.priority,
    cost: p.pathCost,
    rootId: p.designatedRoot,
    bridgeId: p.designatedBridge,
    designatedPort: p.designatedPort,
    designatedCost: p.designatedCost & 0xffff,
    id: p.portId,
    no: p.portNo,
    topologyChangeAck: p.topologyChangeAck,
    configPending: p.configPending,
    groupFwdMask: p.groupFwdMask,
    messageAgeTimer: p.messageAgeTimer.value,
    forwardDelayTimer: p.forwardDelayTimer.value,
    holdTimer: p.holdTimer.value,
    multicastRouter: p.multicast.router,
    mcastEhtHostsLimit: p.multicast.ehtHostsLimit,
    mcastEhtHostsCnt: 0,
  };
  for (const [name, bit] of PORT_FLAGS) data[name] = (p.flags & bit) !== 0 ? 1 : 0;
  if (p.backupPort !== undefined) data.backupPort = p.backupPort.dev.ifindex;
  return data;
}

/**
 * RTM_SETLINK of family AF_BRIDGE.
 * @kernel net/core/rtnetlink.c rtnl_bridge_setlink
 */
export function brSetlink(
  net: NetNamespace,
  ifindex: number,
  port: BridgePortData,
  flags: { self?: boolean; master?: boolean },
): Ack {
  const dev = net.devByIndex(ifindex);
  if (dev === undefined) return refuse(ENODEV, 'unknown ifindex');
  if (flags.self !== true || flags.master === true) {
    const p = brPortGet(dev);
    if (p === undefined) return refuse(EOPNOTSUPP);
    const refused = brSetport(p, port);
    if (refused !== undefined || flags.self !== true) return refused;
  }
  // A bridge takes settings of a port for itself and does nothing with them; other devices have no bridge inside.
  return isBridgeMaster(dev) ? undefined : refuse(EOPNOTSUPP);
}

/** @kernel net/bridge/br_netlink.c br_fill_ifinfo */
function fillIfinfo(p: NetBridgePort): BridgeLinkMessage {
  const { dev, br } = p;
  const message: BridgeLinkMessage = {
    ifindex: dev.ifindex,
    ifname: dev.name,
    flags: devGetFlags(dev),
    mtu: dev.mtu,
    master: br.dev.ifindex,
    operstate: reportedOperstate(dev),
    address: dev.addr,
    port: brPortFillAttrs(p),
  };
  const iflink = devGetIflink(dev);
  if (iflink !== dev.ifindex) message.link = iflink;
  return message;
}

/** RTM_GETLINK of family AF_BRIDGE: in the order in which the devices came. @kernel net/core/rtnetlink.c rtnl_bridge_getlink */
export function brDumpLinks(net: NetNamespace): BridgeLinkMessage[] {
  return [...net.devices.values()]
    .map(brPortGet)
    .filter((p) => p !== undefined)
    .map(fillIfinfo);
}

function dataOf(request: LinkRequest): BridgeData | undefined {
  return request.linkinfo?.data as BridgeData | undefined;
}

/** @kernel net/bridge/br_netlink.c br_validate */
function brValidate(request: LinkRequest): Ack {
  if (request.address !== undefined && !isValidMac(request.address)) return refuse(EADDRNOTAVAIL);
  return undefined;
}

/** The group address that BPDUs go to. */
export function brSetGroupAddr(br: NetBridge, address: Mac): Ack {
  const last = address % 0x100;
  if (Math.floor(address / 16) !== 0x0180_c200_000 || last === 1 || last === 2 || last === 3) return refuse(EINVAL);
  br.groupAddr = address;
  brOptToggle(br, BROPT_GROUP_ADDR_SET, true);
  return undefined;
}

/** Snooping on or off, and with it the membership of all snoopers. */
export function brSetMcastSnooping(br: NetBridge, on: boolean): void {
  const was = brOptGet(br, BROPT_MULTICAST_ENABLED);
  brMulticastToggle(br, on);
  if (was === on || !br.dev.running) return;
  if (on) brJoinSnoopers(br);
  else brLeaveSnoopers(br);
}

/** One setting of a bridge: how it is changed. */
type Setter<T> = (br: NetBridge, value: T) => unknown;

/** A setting of VLANs, which a kernel without them does not look at. */
function vlanSetter(set: (br: NetBridge, value: number) => Ack): Setter<number> {
  return (br, value) => (wantVlanFiltering(br.dev.net.kernel) ? set(br, value) : undefined);
}

/** A switch that knows 0 and 1. @kernel net/bridge/br_vlan.c br_vlan_set_stats */
function setBit(br: NetBridge, option: number, value: number): Ack {
  if (value > 1) return refuse(EINVAL);
  brOptToggle(br, option, value === 1);
  return undefined;
}

/** In the order in which the kernel takes them. */
const SETTERS: { [K in keyof BridgeData]?: Setter<Exclude<BridgeData[K], undefined>> } = {
  forwardDelay: brSetForwardDelay,
  helloTime: brSetHelloTime,
  maxAge: brSetMaxAge,
  ageingTime: brSetAgeingTime,
  stpState: (br, value) => brStpSetEnabled(br, value !== 0),
  priority: brStpSetBridgePriority,
  vlanFiltering: (br, value) =>
    wantVlanFiltering(br.dev.net.kernel) ? brVlanFilterToggle(br, value !== 0) : refuse(EOPNOTSUPP),
  vlanProtocol: vlanSetter(brVlanSetProto),
  vlanDefaultPvid: vlanSetter(brVlanSetDefaultPvid),
  vlanStatsEnabled: vlanSetter((br, value) => setBit(br, BROPT_VLAN_STATS_ENABLED, value)),
  vlanStatsPerPort: vlanSetter((br, value) =>
    br.ports.some((p) => p.vlgrp!.count > 0) ? refuse(EBUSY) : setBit(br, BROPT_VLAN_STATS_PER_PORT, value),
  ),
  groupFwdMask: (br, value) => {
    if ((value & BR_GROUPFWD_RESTRICTED) !== 0) return refuse(EINVAL);
    br.groupFwdMask = value;
    return undefined;
  },
  groupAddr: brSetGroupAddr,
  fdbFlush: (br) => brFdbFlush(br, { flags: 0, flagsMask: BR_FDB_STATIC, portIfindex: 0, vid: 0 }),
  mcastRouter: brMulticastSetRouter,
  mcastSnooping: (br, value) => brSetMcastSnooping(br, value !== 0),
  mcastQueryUseIfaddr: (br, value) => brOptToggle(br, BROPT_MULTICAST_QUERY_USE_IFADDR, value !== 0),
  mcastQuerier: (br, value) => brMulticastSetQuerier(br, value !== 0),
  mcastHashMax: (br, value) => {
    br.multicast.hashMax = value;
  },
  mcastLastMemberCount: (br, value) => {
    br.multicast.lastMemberCount = value;
  },
  mcastStartupQueryCount: (br, value) => {
    br.multicast.startupQueryCount = value;
  },
  mcastLastMemberInterval: (br, value) => {
    br.multicast.lastMemberInterval = clockToJiffies(value);
  },
  mcastMembershipInterval: (br, value) => {
    br.multicast.membershipInterval = clockToJiffies(value);
  },
  mcastQuerierInterval: (br, value) => {
    br.multicast.querierInterval = clockToJiffies(value);
  },
  mcastQueryInterval: (br, value) => {
    br.multicast.queryInterval = queryIntervalOf(value);
  },
  mcastQueryResponseInterval: (br, value) => {
    br.multicast.queryResponseInterval = clockToJiffies(value);
  },
  mcastStartupQueryInterval: (br, value) => {
    br.multicast.startupQueryInterval = queryIntervalOf(value);
  },
  mcastStatsEnabled: (br, value) => brOptToggle(br, BROPT_MULTICAST_STATS_ENABLED, value !== 0),
  mcastIgmpVersion: brMulticastSetIgmpVersion,
  mcastMldVersion: brMulticastSetMldVersion,
  nfCallIptables: (br, value) => brOptToggle(br, BROPT_NF_CALL_IPTABLES, value !== 0),
  nfCallIp6tables: (br, value) => brOptToggle(br, BROPT_NF_CALL_IP6TABLES, value !== 0),
  nfCallArptables: (br, value) => brOptToggle(br, BROPT_NF_CALL_ARPTABLES, value !== 0),
  noLinklocalLearn: (br, value) => brOptToggle(br, BROPT_NO_LL_LEARN, value !== 0),
  mcastVlanSnooping: (br, value) => {
    if (value === 0) return undefined;
    return brOptGet(br, BROPT_VLAN_ENABLED)
      ? refuse(EOPNOTSUPP, 'bridge: Multicast vlan snooping is not modelled')
      : refuse(EINVAL, 'bridge: Cannot enable multicast vlan snooping with vlan filtering disabled');
  },
  fdbMaxLearned: (br, value) => {
    br.fdbMaxLearned = value;
  },
};

/** @kernel net/bridge/br_netlink.c br_changelink */
function brChangelink(dev: NetDevice, request: LinkRequest): Ack {
  const data = dataOf(request);
  if (data === undefined) return undefined;
  const br = bridgeOf(dev);
  for (const name of Object.keys(SETTERS) as (keyof BridgeData)[]) {
    const value = data[name];
    if (value === undefined) continue;
    const refused = (SETTERS[name] as Setter<unknown>)(br, value);
    if (refused !== undefined) return refused as Ack;
  }
  return undefined;
}

/** @kernel net/bridge/br_netlink.c br_dev_newlink */
function brDevNewlink(_src: NetNamespace, dev: NetDevice, request: LinkRequest): Ack {
  const refused = registerNetdevice(dev);
  if (refused !== undefined) return refused;
  const br = bridgeOf(dev);
  if (request.address !== undefined) brStpChangeBridgeId(br, request.address);
  const unchanged = brChangelink(dev, request);
  if (unchanged !== undefined) brDeleteNow(br);
  return unchanged;
}

function vlanInfo(br: NetBridge): BridgeData {
  return {
    vlanProtocol: br.vlanProto,
    vlanDefaultPvid: br.defaultPvid,
    vlanStatsEnabled: brOptGet(br, BROPT_VLAN_STATS_ENABLED) ? 1 : 0,
    vlanStatsPerPort: brOptGet(br, BROPT_VLAN_STATS_PER_PORT) ? 1 : 0,
  };
}

/** @kernel net/bridge/br_netlink.c br_fill_info */
function brFillInfo(dev: NetDevice): BridgeData {
  const br = bridgeOf(dev);
  const { multicast } = br;
  const opt = (option: number) => (brOptGet(br, option) ? 1 : 0);
  return {
    helloTimer: br.helloTimer.value,
    tcnTimer: br.tcnTimer.value,
    topologyChangeTimer: br.topologyChangeTimer.value,
    gcTimer: brFdbGcTimer(br),
    forwardDelay: jiffiesToClock(br.forwardDelay),
    helloTime: jiffiesToClock(br.helloTime),
    maxAge: jiffiesToClock(br.maxAge),
    ageingTime: jiffiesToClock(br.ageingTime),
    stpState: br.stpEnabled,
    priority: br.bridgeId.priority,
    vlanFiltering: opt(BROPT_VLAN_ENABLED),
    ...(br.vlgrp === undefined ? {} : vlanInfo(br)),
    groupFwdMask: br.groupFwdMask,
    bridgeId: br.bridgeId,
    rootId: br.designatedRoot,
    rootPort: br.rootPort,
    rootPathCost: br.rootPathCost,
    topologyChange: br.topologyChange,
    topologyChangeDetected: br.topologyChangeDetected,
    groupAddr: br.groupAddr,
    noLinklocalLearn: opt(BROPT_NO_LL_LEARN),
    mcastVlanSnooping: 0,
    fdbNLearned: br.fdb.learned,
    fdbMaxLearned: br.fdbMaxLearned,
    mcastRouter: multicast.router,
    mcastSnooping: opt(BROPT_MULTICAST_ENABLED),
    mcastQueryUseIfaddr: opt(BROPT_MULTICAST_QUERY_USE_IFADDR),
    mcastQuerier: multicast.querier,
    mcastStatsEnabled: opt(BROPT_MULTICAST_STATS_ENABLED),
    mcastHashElasticity: MCAST_HASH_ELASTICITY,
    mcastHashMax: multicast.hashMax,
    mcastLastMemberCount: multicast.lastMemberCount,
    mcastStartupQueryCount: multicast.startupQueryCount,
    mcastIgmpVersion: multicast.igmpVersion,
    mcastMldVersion: multicast.mldVersion,
    mcastLastMemberInterval: jiffiesToClock(multicast.lastMemberInterval),
    mcastMembershipInterval: jiffiesToClock(multicast.membershipInterval),
    mcastQuerierInterval: jiffiesToClock(multicast.querierInterval),
    mcastQueryInterval: jiffiesToClock(multicast.queryInterval),
    mcastQueryResponseInterval: jiffiesToClock(multicast.queryResponseInterval),
    mcastStartupQueryInterval: jiffiesToClock(multicast.startupQueryInterval),
    nfCallIptables: opt(BROPT_NF_CALL_IPTABLES),
    nfCallIp6tables: opt(BROPT_NF_CALL_IP6TABLES),
    nfCallArptables: opt(BROPT_NF_CALL_ARPTABLES),
  };
}

export const brLinkOps: RtnlLinkOps = {
  kind: 'bridge',
  setup: brDevSetup,
  validate: brValidate,
  newLink: brDevNewlink,
  changeLink: brChangelink,
  delLink: (dev, unlist) => brDevDelete(bridgeOf(dev), unlist),
  fillInfo: brFillInfo,
  changeSlave: (_master, slave, data) => brSetport(brPortGet(slave)!, data),
  fillSlaveInfo: (_master, slave) => brPortFillAttrs(brPortGet(slave)!),
};
