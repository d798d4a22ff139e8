/**
 * What macvlan keeps for a parent device (the port) and for each child on it, and the tables by which a
 * frame finds its child (drivers/net/macvlan.c).
 */
import { IFF_ALLMULTI, IFF_PROMISC, MACVLAN_MODE_PASSTHRU } from '../../uapi/if.ts';
import { type Mac, putMac } from '../../wire/addr.ts';
import { MacTable, macHigh, macLow } from '../core/mac-table.ts';
import { IFF_MACVLAN_PORT, type NetDevice } from '../core/netdevice.ts';
import type { SkBuff } from '../core/skbuff.ts';

/** MACVLAN_DEFAULT_BC_QUEUE_LEN: frames that may wait for the broadcast work. */
export const MACVLAN_DEFAULT_BC_QUEUE_LEN = 1000;

/** struct macvlan_dev: the child. */
export interface MacvlanDev {
  readonly dev: NetDevice;
  readonly lowerdev: NetDevice;
  readonly port: MacvlanPort;
  mode: number;
  flags: number;
  bcQueueLenReq: number;
  readonly mcFilter: McFilter;
  /** Keeps the filters of two children from having the same collisions (macvlan_hash_mix). */
  readonly mix: number;
  /** The chain of the kernel's table that it is in, while it is up; -1 otherwise. */
  bucket: number;
  /** Place in the port's `byIndex`, while it is up. */
  index: number;
  macaddrCount: number;
  rxErrors: number;
}

/** struct macvlan_source_entry: a MAC address whose frames a child in source mode gets. */
export interface SourceEntry {
  readonly address: Mac;
  readonly vlan: MacvlanDev;
  readonly bucket: number;
}

/** struct macvlan_port: the parent. */
export interface MacvlanPort {
  readonly dev: NetDevice;
  /** All children, in order of creation. */
  readonly vlans: MacvlanDev[];
  /** Children that are up, by chain of the kernel's table, newest first. */
  readonly chains: (MacvlanDev[] | undefined)[];
  /** All of them, chain after chain; undefined after a change, until somebody walks the table. */
  walk: readonly MacvlanDev[] | undefined;
  /** Positions of those children in `byIndex`, by their address. */
  readonly hash: MacTable;
  readonly byIndex: (MacvlanDev | undefined)[];
  /** Places in `byIndex` that nobody has. */
  readonly freeIndexes: number[];
  /** Entries by chain, newest first, and which of them have an address: positions in `sourceLists`. */
  readonly sources: SourceEntry[];
  readonly sourceHash: MacTable;
  readonly sourceLists: SourceEntry[][];
  passthru: boolean;
  addrChange: boolean;
  /** Children made and not yet gone. */
  count: number;
  permAddr: Mac;
  /** Group addresses that some child or the parent itself wants. */
  readonly mcFilter: McFilter;
  /** Those that so many children want that copying is left to the broadcast work. */
  readonly bcFilter: McFilter;
  bcCutoff: number;
  bcQueueLenUsed: number;
  /** Frames for the broadcast work, and the children that sent them. */
  bcSkbs: SkBuff[];
  bcSrcs: (MacvlanDev | undefined)[];
  bcScheduled: boolean;
  destroyed: boolean;
}

export function isMacvlanPort(dev: NetDevice): boolean {
  return (dev.privFlags & IFF_MACVLAN_PORT) !== 0;
}

export function macvlanPortOf(dev: NetDevice): MacvlanPort {
  return dev.rxHandlerData as MacvlanPort;
}

export function macvlanOf(dev: NetDevice): MacvlanDev {
  return dev.priv as MacvlanDev;
}

export function newMacvlanPort(dev: NetDevice): MacvlanPort {
  return {
    dev,
    vlans: [],
    chains: [],
    walk: undefined,
    hash: new MacTable(),
    byIndex: [],
    freeIndexes: [],
    sources: [],
    sourceHash: new MacTable(),
    sourceLists: [],
    passthru: false,
    addrChange: false,
    count: 0,
    permAddr: dev.addr,
    mcFilter: newMcFilter(),
    bcFilter: newMcFilter(),
    bcCutoff: 1,
    bcQueueLenUsed: 0,
    bcSkbs: [],
    bcSrcs: [],
    bcScheduled: false,
    destroyed: false,
  };
}

/** GOLDEN_RATIO_64 of include/linux/hash.h below 2^48, in parts of 16 bits, the lowest first. */
const GOLDEN_RATIO: readonly [number, number, number] = [0x83eb, 0x80b5, 0x8646];

/**
 * The chain of an address: it decides the order of copies and of dumps, so it is the kernel's.
 * @kernel drivers/net/macvlan.c macvlan_eth_hash
 */
export function macvlanEthHash(address: Mac): number {
  // Bits 40 to 47 of a product of two numbers of 48 bits, of which the first octet is the lowest.
  putMac(scratch, 0, address);
  const a0 = scratch[0]! | (scratch[1]! << 8);
  const a1 = scratch[2]! | (scratch[3]! << 8);
  const a2 = scratch[4]! | (scratch[5]! << 8);
  const [g0, g1, g2] = GOLDEN_RATIO;
  const middle = a0 * g1 + a1 * g0 + Math.floor((a0 * g0) / 0x1_0000);
  const top = a0 * g2 + a1 * g1 + a2 * g0 + Math.floor(middle / 0x1_0000);
  return Math.floor(top / 0x100) % 0x100;
}

/** The up child with the address in two halves (see {@link MacTable}). @kernel drivers/net/macvlan.c macvlan_hash_lookup */
export function macvlanHashLookup(port: MacvlanPort, high: number, low: number): MacvlanDev | undefined {
  const at = port.hash.find(high, low);
  return at < 0 ? undefined : port.byIndex[at];
}

/** The children that are up, in the order in which the kernel walks its table. */
export function macvlanWalk(port: MacvlanPort): readonly MacvlanDev[] {
  port.walk ??= port.chains.flatMap((chain) => chain ?? []);
  return port.walk;
}

/** @kernel drivers/net/macvlan.c macvlan_hash_add */
export function macvlanHashAdd(vlan: MacvlanDev): void {
  const { port } = vlan;
  vlan.bucket = macvlanEthHash(vlan.dev.addr);
  port.chains[vlan.bucket] = [vlan, ...(port.chains[vlan.bucket] ?? [])];
  port.walk = undefined;
  vlan.index = port.freeIndexes.pop() ?? port.byIndex.length;
  port.byIndex[vlan.index] = vlan;
  port.hash.set(macHigh(vlan.dev.addr), macLow(vlan.dev.addr), vlan.index);
}

/** @kernel drivers/net/macvlan.c macvlan_hash_del */
export function macvlanHashDel(vlan: MacvlanDev): void {
  const { port } = vlan;
  if (vlan.bucket < 0) return;
  port.chains[vlan.bucket] = port.chains[vlan.bucket]?.filter((other) => other !== vlan);
  port.walk = undefined;
  vlan.bucket = -1;
  port.byIndex[vlan.index] = undefined;
  port.freeIndexes.push(vlan.index);
  port.hash.delete(macHigh(vlan.dev.addr), macLow(vlan.dev.addr));
}

/** Whether the parent or an up child has the address. @kernel drivers/net/macvlan.c macvlan_addr_busy */
export function macvlanAddrBusy(port: MacvlanPort, address: Mac): boolean {
  if (!port.passthru && !port.addrChange && port.dev.addr === address) return true;
  return port.hash.find(macHigh(address), macLow(address)) >= 0;
}

/** @kernel drivers/net/macvlan.c macvlan_hash_add_source */
export function macvlanHashAddSource(vlan: MacvlanDev, address: Mac): void {
  const { port } = vlan;
  if (port.sources.some((entry) => entry.vlan === vlan && entry.address === address)) return;
  const bucket = macvlanEthHash(address);
  const at = port.sources.findIndex((other) => other.bucket >= bucket);
  port.sources.splice(at < 0 ? port.sources.length : at, 0, { address, vlan, bucket });
  vlan.macaddrCount++;
  indexSources(port, address);
}

/** @kernel drivers/net/macvlan.c macvlan_hash_del_source */
export function macvlanHashDelSource(vlan: MacvlanDev, address: Mac): void {
  const { port } = vlan;
  const at = port.sources.findIndex((entry) => entry.vlan === vlan && entry.address === address);
  if (at < 0) return;
  port.sources.splice(at, 1);
  vlan.macaddrCount--;
  indexSources(port, address);
}

/** @kernel drivers/net/macvlan.c macvlan_flush_sources */
export function macvlanFlushSources(vlan: MacvlanDev): void {
  for (const { address } of sourceEntries(vlan)) macvlanHashDelSource(vlan, address);
  vlan.macaddrCount = 0;
}

function sourceEntries(vlan: MacvlanDev): SourceEntry[] {
  return vlan.port.sources.filter((entry) => entry.vlan === vlan);
}

/** The addresses of a child in the order of a dump. @kernel drivers/net/macvlan.c macvlan_fill_info_macaddr */
export function macvlanSourcesOf(vlan: MacvlanDev): Mac[] {
  return sourceEntries(vlan).map((entry) => entry.address);
}

/** Bring what the packet path looks up for one address in line with `port.sources`. */
function indexSources(port: MacvlanPort, address: Mac): void {
  const list = port.sources.filter((entry) => entry.address === address);
  const high = macHigh(address);
  const low = macLow(address);
  const at = port.sourceHash.find(high, low);
  if (list.length === 0) {
    port.sourceHash.delete(high, low);
    if (at >= 0) port.sourceLists[at] = [];
  } else if (at >= 0) port.sourceLists[at] = list;
  else {
    port.sourceHash.set(high, low, port.sourceLists.length);
    port.sourceLists.push(list);
  }
}

/** 256 bits, one for each hash of a group address that somebody wants. */
export type McFilter = number[];

export function newMcFilter(): McFilter {
  return [0, 0, 0, 0, 0, 0, 0, 0];
}

/** Bit of a group address, whose octets begin at `at`, in a filter. @kernel drivers/net/macvlan.c mc_hash */
export function mcHashAt(mix: number, bytes: Uint8Array, at: number): number {
  const value = bytes[at + 2]! | (bytes[at + 3]! << 8) | (bytes[at + 4]! << 16) | (bytes[at + 5]! << 24);
  return Math.imul(value ^ mix, 0x61c8_8647) >>> 24;
}

export function mcFilterTest(filter: McFilter, bit: number): boolean {
  return (filter[bit >> 5]! & (1 << (bit & 31))) !== 0;
}

const scratch = new Uint8Array(6);

function setBit(filter: McFilter, mix: number, address: Mac): void {
  putMac(scratch, 0, address);
  const bit = mcHashAt(mix, scratch, 0);
  filter[bit >> 5]! |= 1 << (bit & 31);
}

/**
 * Which group addresses `dev` wants: all when it is promiscuous or wants all groups, otherwise those in its
 * list and broadcast. Of the parent's list only those count that more than `cutoff` children put there.
 * @kernel drivers/net/macvlan.c macvlan_compute_filter
 */
function computeFilter(filter: McFilter, dev: NetDevice, vlan: MacvlanDev | undefined, cutoff: number): void {
  if ((dev.flags & (IFF_PROMISC | IFF_ALLMULTI)) !== 0) {
    filter.fill(-1);
    return;
  }
  filter.fill(0);
  const mix = vlan === undefined ? 0 : vlan.mix;
  for (const entry of dev.mc) {
    if (vlan === undefined && entry.synced <= cutoff) continue;
    setBit(filter, mix, entry.address);
  }
  setBit(filter, mix, dev.broadcast);
}

/** @kernel drivers/net/macvlan.c macvlan_recompute_bc_filter */
export function macvlanRecomputeBcFilter(port: MacvlanPort): void {
  if (port.bcCutoff < 0) port.bcFilter.fill(0);
  else computeFilter(port.bcFilter, port.dev, undefined, port.bcCutoff);
}

/** The filter of the child. */
export function macvlanComputeFilter(vlan: MacvlanDev): void {
  computeFilter(vlan.mcFilter, vlan.dev, vlan, 0);
}

/** The filters of the parent, when the lists are in line. */
export function macvlanComputePortFilters(port: MacvlanPort): void {
  computeFilter(port.mcFilter, port.dev, undefined, 0);
  macvlanRecomputeBcFilter(port);
}

/** The longest queue that a child asks for. @kernel drivers/net/macvlan.c update_port_bc_queue_len */
export function updatePortBcQueueLen(port: MacvlanPort): void {
  const was = port.bcQueueLenUsed;
  let longest = 0;
  for (const { bcQueueLenReq } of port.vlans) {
    if (bcQueueLenReq > longest) longest = bcQueueLenReq;
    // With many children the first one found to ask for what is in force will do.
    if (longest === was) break;
  }
  port.bcQueueLenUsed = longest;
}

export function isPassthru(vlan: MacvlanDev): boolean {
  return vlan.mode === MACVLAN_MODE_PASSTHRU;
}
