/** The forwarding database: learning, ageing, local and static entries (net/bridge/br_fdb.c). */
import type { Timer } from '../../sim/queue.ts';
import { EINVAL } from '../../uapi/errno.ts';
import { NUD_NOARP, NUD_PERMANENT, NUD_REACHABLE, NUD_STALE } from '../../uapi/rtnetlink.ts';
import { formatMac, isValidMac, type Mac, macAt } from '../../wire/addr.ts';
import { devUcAdd, devUcDel } from '../core/dev-rx-mode.ts';
import { macHighAt, macLowAt } from '../core/mac-table.ts';
import type { NetDevice } from '../core/netdevice.ts';
import {
  BR_FDB_ADDED_BY_EXT_LEARN,
  BR_FDB_ADDED_BY_USER,
  BR_FDB_DYNAMIC_LEARNED,
  BR_FDB_LOCAL,
  BR_FDB_LOCKED,
  BR_FDB_OFFLOADED,
  BR_FDB_STATIC,
  BR_FDB_STICKY,
  type FdbEntry,
} from './br-fdb-table.ts';
import { BR_PROMISC, brInfo, jiffiesToNs, type NetBridge, type NetBridgePort } from './br-private.ts';

/** The work that removes old entries is put off to the time when the first of them is due. */
interface GcWork {
  /** When the kernel's work would run next, nanoseconds; 0 while the bridge is down. */
  due: number;
  timer: Timer | undefined;
}

const gcWorks = new WeakMap<NetBridge, GcWork>();
const GC_MIN_DELAY = 10e6;

function gcOf(br: NetBridge): GcWork {
  let gc = gcWorks.get(br);
  if (gc === undefined) {
    gc = { due: 0, timer: undefined };
    gcWorks.set(br, gc);
  }
  return gc;
}

function nowOf(br: NetBridge): number {
  return br.dev.net.kernel.queue.now;
}

/** Nanoseconds for which a learned entry is good. @kernel net/bridge/br_fdb.c hold_time */
function holdTime(br: NetBridge): number {
  return jiffiesToNs(br.topologyChange !== 0 ? br.forwardDelay : br.ageingTime);
}

/** @kernel net/bridge/br_fdb.c has_expired */
function hasExpired(br: NetBridge, entry: FdbEntry): boolean {
  return (entry.flags & (BR_FDB_STATIC | BR_FDB_ADDED_BY_EXT_LEARN)) === 0 && entry.updated + holdTime(br) <= nowOf(br);
}

export { hasExpired as fdbHasExpired };

/** @kernel net/bridge/br_fdb.c fdb_to_nud */
export function fdbToNud(br: NetBridge, entry: FdbEntry): number {
  if ((entry.flags & BR_FDB_LOCAL) !== 0) return NUD_PERMANENT;
  if ((entry.flags & BR_FDB_STATIC) !== 0) return NUD_NOARP;
  return hasExpired(br, entry) ? NUD_STALE : NUD_REACHABLE;
}

/** The entry of the address in the octets at `at`. @kernel net/bridge/br_fdb.c br_fdb_find_rcu */
export function brFdbFindAt(br: NetBridge, bytes: Uint8Array, at: number, vid: number): FdbEntry | undefined {
  return br.fdb.find(macHighAt(bytes, at), macLowAt(bytes, at), vid);
}

/** Ports that are not promiscuous are told of static addresses. @kernel net/bridge/br_fdb.c fdb_add_hw_addr */
function fdbAddHwAddr(br: NetBridge, address: Mac): void {
  for (const p of br.ports) if ((p.flags & BR_PROMISC) === 0) devUcAdd(p.dev, address);
}

/** @kernel net/bridge/br_fdb.c fdb_del_hw_addr */
function fdbDelHwAddr(br: NetBridge, address: Mac): void {
  for (const p of br.ports) if ((p.flags & BR_PROMISC) === 0) devUcDel(p.dev, address);
}

/** @kernel net/bridge/br_fdb.c fdb_delete */
export function fdbDelete(br: NetBridge, entry: FdbEntry): void {
  if ((entry.flags & BR_FDB_STATIC) !== 0) fdbDelHwAddr(br, entry.address);
  br.fdb.remove(entry);
}

/** A local entry goes to another port, or the bridge, with the same address. @kernel net/bridge/br_fdb.c fdb_delete_local */
function fdbDeleteLocal(br: NetBridge, p: NetBridgePort | undefined, entry: FdbEntry): void {
  const { address, vid } = entry;
  const other = br.ports.find(
    (op) => op !== p && op.dev.addr === address && (vid === 0 || op.vlgrp?.find(vid) !== undefined),
  );
  const ours = br.dev.addr === address && (vid === 0 || br.vlgrp?.member(vid) !== undefined);
  if (other !== undefined || (p !== undefined && ours)) {
    entry.dst = other;
    br.fdb.setFlags(entry, entry.flags & ~BR_FDB_ADDED_BY_USER);
    return;
  }
  fdbDelete(br, entry);
}

/** The entry that a device has for its own address in a VLAN goes. @kernel net/bridge/br_fdb.c br_fdb_find_delete_local */
export function brFdbFindDeleteLocal(br: NetBridge, p: NetBridgePort | undefined, address: Mac, vid: number): void {
  const entry = br.fdb.findMac(address, vid);
  if (entry !== undefined && isOwn(entry) && entry.dst === p) fdbDeleteLocal(br, p, entry);
}

/** Whether the entry is there because the address is that of a device of the bridge. */
function isOwn({ flags }: FdbEntry): boolean {
  return (flags & (BR_FDB_LOCAL | BR_FDB_ADDED_BY_USER)) === BR_FDB_LOCAL;
}

/** @kernel net/bridge/br_fdb.c fdb_create */
export function fdbCreate(
  br: NetBridge,
  source: NetBridgePort | undefined,
  address: Mac,
  vid: number,
  flags: number,
): FdbEntry | undefined {
  const learned = (flags & (BR_FDB_ADDED_BY_USER | BR_FDB_LOCAL)) === 0;
  if (learned && br.fdbMaxLearned > 0 && br.fdb.learned >= br.fdbMaxLearned) return undefined;
  const all = learned ? flags | BR_FDB_DYNAMIC_LEARNED : flags;
  const entry = br.fdb.insert(address, vid, source, all, nowOf(br));
  brFdbScheduleGc(br);
  return entry;
}

/** @kernel net/bridge/br_fdb.c fdb_add_local */
export function brFdbAddLocal(br: NetBridge, source: NetBridgePort | undefined, address: Mac, vid: number): number {
  if (!isValidMac(address)) return EINVAL;
  const entry = br.fdb.findMac(address, vid);
  if (entry !== undefined) {
    if ((entry.flags & BR_FDB_LOCAL) !== 0) return 0;
    const name = (source?.dev ?? br.dev).name;
    brInfo(
      br,
      `adding interface ${name} with same address as a received packet (addr:${formatMac(address)}, vlan:${vid})`,
    );
    fdbDelete(br, entry);
  }
  fdbCreate(br, source, address, vid, BR_FDB_LOCAL | BR_FDB_STATIC);
  fdbAddHwAddr(br, address);
  return 0;
}

/** A port has a new address. @kernel net/bridge/br_fdb.c br_fdb_changeaddr */
export function brFdbChangeaddr(p: NetBridgePort, address: Mac): void {
  const { br } = p;
  const vlans = p.vlgrp?.list ?? [];
  for (let entry = br.fdb.head; entry !== undefined; entry = entry.next) {
    if (entry.dst !== p || !isOwn(entry)) continue;
    fdbDeleteLocal(br, p, entry);
    if (vlans.length === 0) break;
  }
  brFdbAddLocal(br, p, address, 0);
  for (const { vid } of vlans) brFdbAddLocal(br, p, address, vid);
}

/** The bridge has a new address; `br.dev.addr` is still the old one. @kernel net/bridge/br_fdb.c br_fdb_change_mac_address */
export function brFdbChangeMacAddress(br: NetBridge, address: Mac): void {
  for (const vid of [0, ...(br.vlgrp?.members ?? []).map((vlan) => vlan.vid)]) {
    brFdbFindDeleteLocal(br, undefined, br.dev.addr, vid);
    brFdbAddLocal(br, undefined, address, vid);
  }
}

/** The bridge went up (`delay` nanoseconds from now its first work is due) or down (undefined). */
export function brFdbGcStart(br: NetBridge, delay: number | undefined): void {
  const gc = gcOf(br);
  gc.timer?.cancel();
  gc.due = delay === undefined ? 0 : nowOf(br) + delay;
  if (delay !== undefined && br.fdb.ageing !== 0) armGc(br, delay);
}

/** When the work runs next: while nothing ages it comes and goes without effect, so it is only reckoned. */
function gcDue(br: NetBridge): number {
  const gc = gcOf(br);
  if (gc.timer?.pending === true) return gc.timer.expires;
  const now = nowOf(br);
  const period = Math.max(holdTime(br), GC_MIN_DELAY);
  if (gc.due > 0 && gc.due <= now) gc.due += Math.floor((now - gc.due) / period + 1) * period;
  return gc.due;
}

/** How long entries are good is about to change: the work is due when it would have been so far. */
export function brFdbGcSettle(br: NetBridge): void {
  gcDue(br);
}

/** IFLA_BR_GC_TIMER: clock ticks until the next run. */
export function brFdbGcTimer(br: NetBridge): number {
  const due = gcDue(br);
  return due === 0 ? 0 : Math.max(0, Math.floor((due - nowOf(br)) / 1e7));
}

function brFdbScheduleGc(br: NetBridge): void {
  const gc = gcOf(br);
  if (gc.due === 0 || br.fdb.ageing === 0 || gc.timer?.pending === true) return;
  armGc(br, gcDue(br) - nowOf(br));
}

function armGc(br: NetBridge, delay: number): void {
  const gc = gcOf(br);
  const { queue } = br.dev.net.kernel;
  if (gc.timer === undefined) gc.timer = queue.after(delay, 'bridge fdb ageing', () => brFdbCleanup(br));
  else queue.rearm(gc.timer, delay);
}

/** @kernel net/bridge/br_fdb.c br_fdb_cleanup */
function brFdbCleanup(br: NetBridge): void {
  const delay = holdTime(br);
  const now = nowOf(br);
  let workDelay = delay;
  for (let entry = br.fdb.head; entry !== undefined; entry = entry.next) {
    if ((entry.flags & (BR_FDB_STATIC | BR_FDB_ADDED_BY_EXT_LEARN)) !== 0) continue;
    const due = entry.updated + delay;
    if (due > now) workDelay = Math.min(workDelay, due - now);
    else fdbDelete(br, entry);
  }
  gcOf(br).due = now + Math.max(workDelay, GC_MIN_DELAY);
  brFdbScheduleGc(br);
}

export interface FdbFlushDesc {
  flags: number;
  flagsMask: number;
  portIfindex: number;
  vid: number;
}

/** @kernel net/bridge/br_fdb.c br_fdb_flush */
export function brFdbFlush(br: NetBridge, desc: FdbFlushDesc): void {
  for (let entry = br.fdb.head; entry !== undefined; entry = entry.next) {
    if (desc.vid !== 0 && desc.vid !== entry.vid) continue;
    if (desc.portIfindex !== 0 && desc.portIfindex !== (entry.dst?.dev ?? br.dev).ifindex) continue;
    if (desc.flagsMask !== 0 && (entry.flags & desc.flagsMask) !== desc.flags) continue;
    fdbDelete(br, entry);
  }
}

/** Entries of a port: the learned ones, or all of them. @kernel net/bridge/br_fdb.c br_fdb_delete_by_port */
export function brFdbDeleteByPort(br: NetBridge, p: NetBridgePort | undefined, vid: number, all: boolean): void {
  for (let entry = br.fdb.head; entry !== undefined; entry = entry.next) {
    if (entry.dst !== p) continue;
    if (!all) {
      const { flags } = entry;
      const external = (flags & (BR_FDB_ADDED_BY_EXT_LEARN | BR_FDB_OFFLOADED)) === BR_FDB_ADDED_BY_EXT_LEARN;
      if ((flags & BR_FDB_STATIC) !== 0 || external || (vid !== 0 && entry.vid !== vid)) continue;
    }
    if ((entry.flags & BR_FDB_LOCAL) !== 0) fdbDeleteLocal(br, p, entry);
    else fdbDelete(br, entry);
  }
}

/**
 * Learn that the source address, in the octets at `at`, is behind a port.
 * @kernel net/bridge/br_fdb.c br_fdb_update
 */
export function brFdbUpdateAt(
  br: NetBridge,
  source: NetBridgePort,
  bytes: Uint8Array,
  at: number,
  vid: number,
  flags: number,
): void {
  const entry = br.fdb.find(macHighAt(bytes, at), macLowAt(bytes, at), vid);
  if (entry === undefined) {
    if (br.ageingTime !== 0) brFdbUpdate(br, source, macAt(bytes, at), vid, flags);
  } else updateEntry(br, source, entry, flags);
}

/** {@link brFdbUpdateAt} for an address that is a number. */
export function brFdbUpdate(br: NetBridge, source: NetBridgePort, address: Mac, vid: number, flags: number): void {
  const entry = br.fdb.findMac(address, vid);
  if (entry !== undefined) updateEntry(br, source, entry, flags);
  else if (holdTime(br) !== 0) fdbCreate(br, source, address, vid, flags);
}

function updateEntry(br: NetBridge, source: NetBridgePort, entry: FdbEntry, flags: number): void {
  if (holdTime(br) === 0) return;
  if ((entry.flags & BR_FDB_LOCAL) !== 0) {
    if (netRatelimit(br)) {
      brInfo(
        br,
        `received packet on ${source.dev.name} with own address as source address (addr:${formatMac(entry.address)}, vlan:${entry.vid})`,
      );
    }
    return;
  }
  entry.updated = nowOf(br);
  if (entry.dst !== source && (entry.flags & BR_FDB_STICKY) === 0) {
    entry.dst = source;
    br.fdb.setFlags(entry, entry.flags & ~(BR_FDB_ADDED_BY_EXT_LEARN | BR_FDB_LOCKED));
  }
  if ((flags & BR_FDB_ADDED_BY_USER) !== 0) {
    br.fdb.setFlags(entry, (entry.flags | BR_FDB_ADDED_BY_USER) & ~BR_FDB_DYNAMIC_LEARNED);
  }
}

/** Messages that may go to the log: ten in five seconds for each bridge. @kernel net/core/utils.c net_ratelimit */
function netRatelimit(br: NetBridge): boolean {
  const now = nowOf(br);
  let limit = ratelimits.get(br);
  if (limit === undefined || now - limit.begin > 5e9) {
    limit = { begin: now, printed: 0 };
    ratelimits.set(br, limit);
  }
  return limit.printed++ < 10;
}

const ratelimits = new WeakMap<NetBridge, { begin: number; printed: number }>();

/** A port that is no longer promiscuous is told of all static addresses. @kernel net/bridge/br_fdb.c br_fdb_sync_static */
export function brFdbSyncStatic(br: NetBridge, dev: NetDevice): void {
  for (let entry = br.fdb.head; entry !== undefined; entry = entry.next) {
    if ((entry.flags & BR_FDB_STATIC) !== 0) devUcAdd(dev, entry.address);
  }
}

/** @kernel net/bridge/br_fdb.c br_fdb_unsync_static */
export function brFdbUnsyncStatic(br: NetBridge, dev: NetDevice): void {
  for (let entry = br.fdb.head; entry !== undefined; entry = entry.next) {
    if ((entry.flags & BR_FDB_STATIC) !== 0) devUcDel(dev, entry.address);
  }
}

/**
 * The table as the ioctl gives it: without what has expired and what is the bridge's own.
 * @kernel net/bridge/br_fdb.c br_fdb_fillbuf
 */
export function brFdbFillbuf(br: NetBridge): { lladdr: Mac; portNo: number; isLocal: boolean; ageing: number }[] {
  const rows: { lladdr: Mac; portNo: number; isLocal: boolean; ageing: number }[] = [];
  for (let entry = br.fdb.head; entry !== undefined; entry = entry.next) {
    if (entry.dst === undefined || hasExpired(br, entry)) continue;
    const isStatic = (entry.flags & BR_FDB_STATIC) !== 0;
    rows.push({
      lladdr: entry.address,
      portNo: entry.dst.portNo,
      isLocal: (entry.flags & BR_FDB_LOCAL) !== 0,
      ageing: isStatic ? 0 : Math.floor((nowOf(br) - entry.updated) / 1e7),
    });
  }
  return rows;
}
