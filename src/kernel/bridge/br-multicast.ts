/**
 * IGMP snooping (net/bridge/br_multicast.c).
 *
 * Who joined which group is learned from reports, but it decides nothing as long as the bridge neither is
 * a querier nor hears one: until then groups are flooded.
 */
import { EINVAL } from '../../uapi/errno.ts';
import { ETH_P_IP } from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import { type Ipv4, ipv4At, isMulticastIpv4, type Mac, macAt, u16At } from '../../wire/addr.ts';
import { checksum } from '../../wire/checksum.ts';
import {
  IGMP_HOST_LEAVE_MESSAGE,
  IGMP_HOST_MEMBERSHIP_QUERY,
  IGMP_HOST_MEMBERSHIP_REPORT,
  IGMPV2_HOST_MEMBERSHIP_REPORT,
  IGMPV3_BLOCK_OLD_SOURCES,
  IGMPV3_CHANGE_TO_INCLUDE,
  IGMPV3_HOST_MEMBERSHIP_REPORT,
  IGMPV3_MODE_IS_INCLUDE,
} from '../../wire/igmp.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { brMulticastDeliverQuery } from './br-multicast-query.ts';
import {
  MDB_RTR_TYPE_DISABLED,
  MDB_RTR_TYPE_PERM,
  MDB_RTR_TYPE_TEMP,
  MDB_RTR_TYPE_TEMP_QUERY,
  type MdbEntry,
  type OwnQuery,
  type PortGroup,
} from './br-multicast-state.ts';
import {
  BR_MULTICAST_FAST_LEAVE,
  BR_MULTICAST_TO_UNICAST,
  BR_STATE_BLOCKING,
  BR_STATE_DISABLED,
  BROPT_MULTICAST_ENABLED,
  BrTimer,
  brOptGet,
  brOptToggle,
  CB_IGMP_SHIFT,
  CB_MROUTERS_ONLY,
  clockToJiffies,
  HZ,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';
import { brSkbVid } from './br-vlan-filter.ts';

const IPPROTO_IGMP = 2;

/** 224.0.0.0/24 is never pruned. @kernel include/linux/in.h ipv4_is_local_multicast */
function isLocalMulticast(group: Ipv4): boolean {
  return group >>> 8 === 0xe00000;
}

/** A group, in a VLAN where they are filtered. */
function mdbKey(group: Ipv4, vid: number): number {
  return vid * 2 ** 32 + group;
}

/** @kernel net/bridge/br_multicast.c br_multicast_ctx_should_use */
function shouldUse(br: NetBridge, p: NetBridgePort | undefined): boolean {
  if (!br.dev.running) return false;
  return p === undefined || (p.state !== BR_STATE_DISABLED && p.state !== BR_STATE_BLOCKING);
}

/**
 * Look at a group frame that a port received, or the bridge sends (`p` undefined). False: it is malformed
 * and must be dropped.
 * @kernel net/bridge/br_multicast.c br_multicast_rcv #P[MLD, PIM, multicast router discovery, statistics]
 */
export function brMulticastRcv(br: NetBridge, p: NetBridgePort | undefined, skb: SkBuff): boolean {
  if ((br.options & BROPT_MULTICAST_ENABLED) === 0) return true;
  skb.cb &= ~CB_MROUTERS_ONLY & ((1 << CB_IGMP_SHIFT) - 1);
  return skb.protocol === ETH_P_IP ? ipv4Rcv(br, p, skb) : true;
}

/** @kernel net/bridge/br_multicast.c br_multicast_ipv4_rcv */
function ipv4Rcv(br: NetBridge, p: NetBridgePort | undefined, skb: SkBuff): boolean {
  const { bytes, data } = skb;
  // ip_mc_check_iphdr()
  if (skb.len < 20) return false;
  const headerLength = (bytes[data]! & 0xf) * 4;
  const total = u16At(bytes, data + 2);
  if (bytes[data]! >> 4 !== 4 || headerLength < 20 || skb.len < total || total < headerLength) return false;
  if (checksum(bytes, data, data + headerLength) !== 0) return false;
  if (bytes[data + 9] !== IPPROTO_IGMP) {
    if (!isLocalMulticast(ipv4At(bytes, data + 16))) skb.cb |= CB_MROUTERS_ONLY;
    return true;
  }
  const at = data + headerLength;
  const length = total - headerLength;
  if (length < 8 || checksum(bytes, at, at + length) !== 0) return false;
  const type = bytes[at]!;
  const group = ipv4At(bytes, at + 4);
  const source = macAt(bytes, skb.macHeader + 6);
  const vid = brSkbVid(br, skb);
  skb.cb |= type << CB_IGMP_SHIFT;
  switch (type) {
    case IGMP_HOST_MEMBERSHIP_REPORT:
    case IGMPV2_HOST_MEMBERSHIP_REPORT:
      skb.cb |= CB_MROUTERS_ONLY;
      addGroup(br, p, group, vid, source);
      return true;
    case IGMPV3_HOST_MEMBERSHIP_REPORT:
      return igmp3Report(br, p, vid, bytes, at, length, source);
    case IGMP_HOST_MEMBERSHIP_QUERY:
      query(br, p, vid, bytes, data, at, length);
      return true;
    case IGMP_HOST_LEAVE_MESSAGE:
      leaveGroup(br, p, group, vid, source);
      return true;
    default:
      return true;
  }
}

/** @kernel net/bridge/br_multicast.c br_ip4_multicast_igmp3_report #P[source lists: as with IGMPv2] */
function igmp3Report(
  br: NetBridge,
  p: NetBridgePort | undefined,
  vid: number,
  bytes: Uint8Array,
  at: number,
  length: number,
  source: Mac,
): boolean {
  const records = u16At(bytes, at + 6);
  let offset = 8;
  for (let i = 0; i < records; i++) {
    if (offset + 8 > length) return false;
    const type = bytes[at + offset]!;
    const sources = u16At(bytes, at + offset + 2);
    const group = ipv4At(bytes, at + offset + 4);
    offset += 8 + sources * 4;
    if (offset > length) return false;
    if (type < IGMPV3_MODE_IS_INCLUDE || type > IGMPV3_BLOCK_OLD_SOURCES) continue;
    if (sources === 0 && (type === IGMPV3_CHANGE_TO_INCLUDE || type === IGMPV3_MODE_IS_INCLUDE)) {
      leaveGroup(br, p, group, vid, source);
    } else addGroup(br, p, group, vid, source);
  }
  return true;
}

/** @kernel net/bridge/br_multicast.c __br_multicast_add_group */
function addGroup(br: NetBridge, p: NetBridgePort | undefined, group: Ipv4, vid: number, source: Mac): void {
  if (isLocalMulticast(group) || !isMulticastIpv4(group) || !shouldUse(br, p)) return;
  const { multicast } = br;
  let entry = multicast.mdb.get(mdbKey(group, vid));
  if (entry === undefined) {
    if (multicast.mdb.size >= multicast.hashMax) {
      // The table is full: as in the kernel, snooping ends.
      brOptToggle(br, BROPT_MULTICAST_ENABLED, false);
      return;
    }
    entry = newEntry(br, group, vid);
    multicast.mdb.set(mdbKey(group, vid), entry);
  }
  if (p === undefined) {
    entry.hostJoined = true;
    entry.timer.mod(multicast.membershipInterval);
    return;
  }
  let member = entry.ports.find((other) => samePortGroup(other, p, source));
  if (member === undefined) {
    member = newPortGroup(br, entry, p, source);
    const at = entry.ports.findIndex((other) => other.port.portNo < p.portNo);
    entry.ports.splice(at < 0 ? entry.ports.length : at, 0, member);
  }
  member.timer.mod(multicast.membershipInterval);
}

function newEntry(br: NetBridge, group: Ipv4, vid: number): MdbEntry {
  const entry: MdbEntry = {
    group,
    vid,
    hostJoined: false,
    ports: [],
    timer: new BrTimer(br.dev.net.kernel.queue, 'bridge group', () => {
      if (!br.dev.running) return;
      entry.hostJoined = false;
      removeEmpty(br, entry);
    }),
  };
  return entry;
}

function newPortGroup(br: NetBridge, entry: MdbEntry, port: NetBridgePort, ethAddr: Mac): PortGroup {
  const member: PortGroup = {
    port,
    ethAddr,
    timer: new BrTimer(br.dev.net.kernel.queue, 'bridge port group', () => {
      if (br.dev.running) deletePortGroup(br, entry, member);
    }),
  };
  return member;
}

function samePortGroup(member: PortGroup, p: NetBridgePort, source: Mac): boolean {
  return member.port === p && ((p.flags & BR_MULTICAST_TO_UNICAST) === 0 || member.ethAddr === source);
}

function deletePortGroup(br: NetBridge, entry: MdbEntry, member: PortGroup): void {
  const at = entry.ports.indexOf(member);
  if (at < 0) return;
  entry.ports.splice(at, 1);
  member.timer.del();
  removeEmpty(br, entry);
}

function removeEmpty(br: NetBridge, entry: MdbEntry): void {
  if (entry.ports.length > 0 || entry.hostJoined) return;
  entry.timer.del();
  const key = mdbKey(entry.group, entry.vid);
  if (br.multicast.mdb.get(key) === entry) br.multicast.mdb.delete(key);
}

/** @kernel net/bridge/br_multicast.c br_multicast_leave_group */
function leaveGroup(br: NetBridge, p: NetBridgePort | undefined, group: Ipv4, vid: number, source: Mac): void {
  if (isLocalMulticast(group) || !shouldUse(br, p)) return;
  const { multicast } = br;
  const entry = multicast.mdb.get(mdbKey(group, vid));
  if (entry === undefined) return;
  if (p !== undefined && (p.flags & BR_MULTICAST_FAST_LEAVE) !== 0) {
    for (const member of entry.ports.filter((other) => samePortGroup(other, p, source))) {
      deletePortGroup(br, entry, member);
    }
    return;
  }
  if (multicast.otherQueryTimer.pending) return;
  const delay = multicast.lastMemberCount * multicast.lastMemberInterval;
  if (multicast.querier !== 0) {
    brMulticastDeliverQuery(br, p, group);
    (p === undefined ? multicast.ownQuery : p.multicast.ownQuery).timer.mod(delay);
  }
  if (p === undefined) {
    if (entry.hostJoined) shorten(entry.timer, delay);
    return;
  }
  const member = entry.ports.find((other) => samePortGroup(other, p, source));
  if (member !== undefined) shorten(member.timer, delay);
}

/** Let a timer run out in `delay` jiffies if it would run longer. */
function shorten(timer: BrTimer, delay: number): void {
  if (!timer.pending || timer.value > (delay * 100) / HZ) timer.mod(delay);
}

/** A query that was received. @kernel net/bridge/br_multicast.c br_ip4_multicast_query */
function query(
  br: NetBridge,
  p: NetBridgePort | undefined,
  vid: number,
  bytes: Uint8Array,
  ip: number,
  at: number,
  length: number,
): void {
  if (!shouldUse(br, p)) return;
  const { multicast } = br;
  let group = ipv4At(bytes, at + 4);
  let maxDelay: number;
  const code = bytes[at + 1]!;
  if (length === 8) {
    maxDelay = code * (HZ / 10);
    if (maxDelay === 0) {
      maxDelay = 10 * HZ;
      group = 0;
    }
  } else if (length >= 12) {
    if (u16At(bytes, at + 10) !== 0) return;
    maxDelay = code === 0 ? 1 : maxResponseTime(code) * (HZ / 10);
  } else return;
  if (group === 0) {
    queryReceived(br, p, ipv4At(bytes, ip + 12), maxDelay);
    return;
  }
  const entry = multicast.mdb.get(mdbKey(group, vid));
  if (entry === undefined) return;
  const delay = maxDelay * multicast.lastMemberCount;
  if (entry.hostJoined) shorten(entry.timer, delay);
  for (const member of entry.ports) shorten(member.timer, delay);
}

/** IGMPV3_MRC: the floating-point code of RFC 3376 section 4.1.1, in tenths of a second. */
function maxResponseTime(code: number): number {
  return code < 0x80 ? code : ((code & 0xf) | 0x10) << (((code >> 4) & 7) + 3);
}

/** @kernel net/bridge/br_multicast.c br_ip4_multicast_query_received */
function queryReceived(br: NetBridge, p: NetBridgePort | undefined, source: Ipv4, maxDelay: number): void {
  const { multicast } = br;
  // The querier with the lowest address wins, and one without an address only where there is no other.
  const known = multicast.ownQuery.timer.pending || multicast.otherQueryTimer.pending;
  if (known && multicast.querierAddress !== 0 && (source > multicast.querierAddress || source === 0)) return;
  multicast.querierAddress = source;
  if (!multicast.otherQueryTimer.pending) multicast.otherQueryDelay.mod(maxDelay);
  multicast.otherQueryTimer.mod(multicast.querierInterval);
  markRouter(br, p);
}

/** @kernel net/bridge/br_multicast.c br_multicast_mark_router */
function markRouter(br: NetBridge, p: NetBridgePort | undefined): void {
  const { multicast } = br;
  if (p === undefined) {
    if (multicast.router === MDB_RTR_TYPE_TEMP_QUERY) multicast.routerTimer.mod(multicast.querierInterval);
    return;
  }
  const { router } = p.multicast;
  if (router === MDB_RTR_TYPE_DISABLED || router === MDB_RTR_TYPE_PERM) return;
  addRouter(br, p);
  p.multicast.routerTimer.mod(multicast.querierInterval);
}

function addRouter(br: NetBridge, p: NetBridgePort): void {
  const { routerPorts } = br.multicast;
  if (routerPorts.includes(p)) return;
  const at = routerPorts.findIndex((other) => other.portNo < p.portNo);
  routerPorts.splice(at < 0 ? routerPorts.length : at, 0, p);
}

function deleteRouter(br: NetBridge, p: NetBridgePort): void {
  const at = br.multicast.routerPorts.indexOf(p);
  if (at >= 0) br.multicast.routerPorts.splice(at, 1);
}

/** Whether groups are sent only where they were asked for. @kernel net/bridge/br_private.h br_multicast_querier_exists */
export function brMulticastQuerierExists(br: NetBridge, skb: SkBuff): boolean {
  if (skb.protocol !== ETH_P_IP) return false;
  const { multicast } = br;
  return !multicast.otherQueryDelay.pending && (multicast.querier !== 0 || multicast.otherQueryTimer.pending);
}

/** @kernel net/bridge/br_private.h br_multicast_is_router */
export function brMulticastIsRouter(br: NetBridge): boolean {
  const { multicast } = br;
  if (multicast.router === MDB_RTR_TYPE_TEMP_QUERY) return multicast.routerTimer.pending;
  return multicast.router === MDB_RTR_TYPE_PERM;
}

/** @kernel net/bridge/br_multicast.c br_mdb_get */
export function brMdbGet(br: NetBridge, skb: SkBuff): MdbEntry | undefined {
  if ((br.options & BROPT_MULTICAST_ENABLED) === 0 || skb.cb >> CB_IGMP_SHIFT !== 0) return undefined;
  const { mdb } = br.multicast;
  if (mdb.size === 0 || skb.protocol !== ETH_P_IP) return undefined;
  return mdb.get(mdbKey(ipv4At(skb.bytes, skb.data + 16), brSkbVid(br, skb)));
}

/** @kernel net/bridge/br_multicast.c br_multicast_add_port */
export function brMulticastInitPort(p: NetBridgePort): void {
  const { queue } = p.dev.net.kernel;
  p.multicast.routerTimer = new BrTimer(queue, 'bridge router port', () => {
    const { router } = p.multicast;
    if (router !== MDB_RTR_TYPE_DISABLED && router !== MDB_RTR_TYPE_PERM) deleteRouter(p.br, p);
  });
  p.multicast.ownQuery.timer = new BrTimer(queue, 'bridge port query', () => {
    if (p.state === BR_STATE_DISABLED || p.state === BR_STATE_BLOCKING) return;
    countStartup(p.br, p.multicast.ownQuery);
    sendQuery(p.br, p, p.multicast.ownQuery);
  });
}

/** @kernel net/bridge/br_multicast.c br_multicast_ctx_init */
export function brMulticastInit(br: NetBridge): void {
  const { multicast } = br;
  const { queue } = br.dev.net.kernel;
  multicast.routerTimer = new BrTimer(queue, 'bridge local router', () => {});
  multicast.otherQueryDelay = new BrTimer(queue, 'bridge query delay', () => {});
  multicast.otherQueryTimer = new BrTimer(queue, 'bridge other querier', () => {
    if (br.dev.running && brOptGet(br, BROPT_MULTICAST_ENABLED)) startQuerier(br);
  });
  multicast.ownQuery.timer = new BrTimer(queue, 'bridge query', () => {
    countStartup(br, multicast.ownQuery);
    sendQuery(br, undefined, multicast.ownQuery);
  });
}

function countStartup(br: NetBridge, own: OwnQuery): void {
  if (own.startupSent < br.multicast.startupQueryCount) own.startupSent++;
}

/** @kernel net/bridge/br_multicast.c br_multicast_send_query */
function sendQuery(br: NetBridge, p: NetBridgePort | undefined, own: OwnQuery): void {
  const { multicast } = br;
  if (!shouldUse(br, p) || !brOptGet(br, BROPT_MULTICAST_ENABLED) || multicast.querier === 0) return;
  if (multicast.otherQueryTimer.pending) return;
  if (p === undefined) multicast.querierAddress = 0;
  brMulticastDeliverQuery(br, p, 0);
  own.timer.mod(
    own.startupSent < multicast.startupQueryCount ? multicast.startupQueryInterval : multicast.queryInterval,
  );
}

/** @kernel net/bridge/br_multicast.c br_multicast_start_querier */
function startQuerier(br: NetBridge): void {
  brMulticastOpen(br);
  for (const p of br.ports) {
    if (p.state !== BR_STATE_DISABLED && p.state !== BR_STATE_BLOCKING) brMulticastEnablePort(p);
  }
}

/** @kernel net/bridge/br_multicast.c br_multicast_enable_port */
export function brMulticastEnablePort(p: NetBridgePort): void {
  const { br } = p;
  if (!brOptGet(br, BROPT_MULTICAST_ENABLED) || !br.dev.running) return;
  const { ownQuery } = p.multicast;
  ownQuery.startupSent = 0;
  // Without a querier the timer's first run would find nothing to do.
  if (br.multicast.querier !== 0) ownQuery.timer.mod(0);
  if (p.multicast.router === MDB_RTR_TYPE_PERM) addRouter(br, p);
}

/** @kernel net/bridge/br_multicast.c br_multicast_disable_port */
export function brMulticastDisablePort(p: NetBridgePort): void {
  const { br } = p;
  for (const entry of [...br.multicast.mdb.values()]) {
    for (const member of entry.ports.filter((other) => other.port === p)) deletePortGroup(br, entry, member);
  }
  deleteRouter(br, p);
  p.multicast.routerTimer.del();
  p.multicast.ownQuery.timer.del();
}

/** @kernel net/bridge/br_multicast.c br_multicast_open */
export function brMulticastOpen(br: NetBridge): void {
  const { ownQuery, querier } = br.multicast;
  ownQuery.startupSent = 0;
  if (brOptGet(br, BROPT_MULTICAST_ENABLED) && querier !== 0) ownQuery.timer.mod(0);
}

/** @kernel net/bridge/br_multicast.c br_multicast_stop */
export function brMulticastStop(br: NetBridge): void {
  const { multicast } = br;
  multicast.routerTimer.del();
  multicast.otherQueryTimer.del();
  multicast.otherQueryDelay.del();
  multicast.ownQuery.timer.del();
}

/** @kernel net/bridge/br_multicast.c br_multicast_dev_del */
export function brMulticastDevDel(br: NetBridge): void {
  brMulticastStop(br);
  for (const entry of br.multicast.mdb.values()) {
    entry.timer.del();
    for (const member of entry.ports) member.timer.del();
  }
  br.multicast.mdb.clear();
}

/** Snooping on or off; the caller joins or leaves the snoopers' group. @kernel net/bridge/br_multicast.c br_multicast_toggle */
export function brMulticastToggle(br: NetBridge, on: boolean): void {
  if (brOptGet(br, BROPT_MULTICAST_ENABLED) === on) return;
  brOptToggle(br, BROPT_MULTICAST_ENABLED, on);
  if (!on) {
    for (const p of br.ports) brMulticastDisablePort(p);
    return;
  }
  if (br.dev.running) startQuerier(br);
}

/** @kernel net/bridge/br_multicast.c br_multicast_set_querier */
export function brMulticastSetQuerier(br: NetBridge, on: boolean): void {
  const { multicast } = br;
  if ((multicast.querier !== 0) === on) return;
  multicast.querier = on ? 1 : 0;
  if (!on) return;
  if (!multicast.otherQueryTimer.pending) multicast.otherQueryDelay.mod(multicast.queryResponseInterval);
  startQuerier(br);
}

/** @kernel net/bridge/br_multicast.c br_multicast_set_router */
export function brMulticastSetRouter(br: NetBridge, value: number): Ack {
  if (value > MDB_RTR_TYPE_PERM) return refuse(EINVAL);
  if (value !== MDB_RTR_TYPE_TEMP_QUERY) br.multicast.routerTimer.del();
  br.multicast.router = value;
  return undefined;
}

/** @kernel net/bridge/br_multicast.c br_multicast_set_port_router */
export function brMulticastSetPortRouter(p: NetBridgePort, value: number): Ack {
  const { br } = p;
  if (value > MDB_RTR_TYPE_TEMP) return refuse(EINVAL);
  if (p.multicast.router === value) {
    if (value === MDB_RTR_TYPE_TEMP) p.multicast.routerTimer.mod(br.multicast.querierInterval);
    return undefined;
  }
  p.multicast.router = value;
  if (value === MDB_RTR_TYPE_PERM) {
    p.multicast.routerTimer.del();
    addRouter(br, p);
  } else if (value === MDB_RTR_TYPE_TEMP) markRouter(br, p);
  else {
    deleteRouter(br, p);
    if (value === MDB_RTR_TYPE_DISABLED) p.multicast.routerTimer.del();
  }
  return undefined;
}

/** @kernel net/bridge/br_multicast.c br_multicast_set_igmp_version */
export function brMulticastSetIgmpVersion(br: NetBridge, version: number): Ack {
  if (version !== 2 && version !== 3) return refuse(EINVAL);
  br.multicast.igmpVersion = version;
  return undefined;
}

/** @kernel net/bridge/br_multicast.c br_multicast_set_mld_version */
export function brMulticastSetMldVersion(br: NetBridge, version: number): Ack {
  if (version !== 1 && version !== 2) return refuse(EINVAL);
  br.multicast.mldVersion = version;
  return undefined;
}

/** Query intervals are kept between a second and a day. @kernel net/bridge/br_multicast.c br_multicast_set_query_intvl */
export function queryIntervalOf(ticks: number): number {
  return Math.min(Math.max(clockToJiffies(ticks), HZ), 86400 * HZ);
}
