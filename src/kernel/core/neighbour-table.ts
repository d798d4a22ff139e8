/**
 * Neighbour tables: which link-layer address belongs to which protocol address on a device. One table
 * for each protocol and machine; the entries hang on the settings of their device.
 *
 * Generic over the protocol's address `K`, which must work as a key of a Map.
 */

import type { Timer } from '../../sim/queue.ts';
import { NTF_EXT_LEARNED, NUD_FAILED, NUD_NOARP, NUD_NONE, NUD_PERMANENT } from '../../uapi/rtnetlink.ts';
import type { HhCache } from '../../wire/ethernet.ts';
import { REASON } from './drop-reason.ts';
import type { Kernel } from './kernel.ts';
import { neighSchedulePeriodicWork } from './neighbour-gc.ts';
import { NeighParms } from './neighbour-parms.ts';
import { NUD_VALID } from './neighbour-states.ts';
import type { NetNamespace } from './net-namespace.ts';
import type { NetDevice } from './netdevice.ts';
import { kfreeSkbReason, QUEUE_NEIGHBOUR, type SkBuff, skbLeaves } from './skbuff.ts';

const SECOND = 1e9;

/** What a protocol does for its neighbours (struct neigh_table and neigh_ops). */
export interface NeighProtocol<K> {
  readonly family: number;
  /** EtherType of the frames that the entries send. */
  readonly protocol: number;
  readonly id: string;
  /** Set up a new entry: its type, perhaps its address and a state without resolution. False refuses it. */
  construct(neigh: Neighbour<K>): boolean;
  /** Send a request for the entry's address; `skb` is the last frame that waits for it. */
  solicit(neigh: Neighbour<K>, skb: SkBuff | undefined): void;
  /** No answer: tell the sender of a waiting frame, and end the frame. */
  errorReport(neigh: Neighbour<K>, skb: SkBuff): void;
  isMulticast(key: K): boolean;
  /** An answer for another host was put off, and is due now. Takes the frame over. */
  proxyRedo(skb: SkBuff): void;
}

/** How an entry sends (neigh->output). */
export const NEIGH_OUTPUT_RESOLVE = 0;
/** The device has no link-layer header. */
export const NEIGH_OUTPUT_DIRECT = 1;
/** The entry is dead. */
export const NEIGH_OUTPUT_BLACKHOLE = 2;

export class Neighbour<K> {
  declare readonly table: NeighTable<K>;
  declare key: K;
  declare readonly dev: NetDevice;
  declare parms: NeighParms;
  state = NUD_NONE;
  declare flags: number;
  ha = 0;
  /** RTN_*: what kind of address the key is. */
  type = 0;
  output = NEIGH_OUTPUT_RESOLVE;
  /** The Ethernet header to put before frames, made when first needed; empty until then. */
  hh: HhCache | undefined;
  probes = 0;
  declare used: number;
  declare updated: number;
  confirmed = 0;
  /** Pending: the entry is held by one more (its reference count). */
  timer: Timer | undefined;
  dead = true;
  readonly arpQueue: SkBuff[] = [];
  arpQueueLenBytes = 0;
  protocol = 0;

  constructor(table: NeighTable<K>, key: K, dev: NetDevice, parms: NeighParms, flags: number) {
    this.table = table;
    this.key = key;
    this.dev = dev;
    this.parms = parms;
    this.flags = flags;
    const { now } = table.kernel.queue;
    this.used = now;
    this.updated = now;
  }
}

/** An address for which this machine answers (`ip neigh add proxy`). */
export interface PneighEntry<K> {
  readonly net: NetNamespace;
  readonly key: K;
  /** Absent: on every device. */
  readonly dev: NetDevice | undefined;
  flags: number;
  permanent: boolean;
  protocol: number;
}

/** What a table keeps for one device: its settings, and its entries by address. */
export class DeviceEntries<K> {
  readonly parms: NeighParms;
  /** Made with the first entry. */
  private map: Map<K, Neighbour<K>> | undefined;

  constructor(parms: NeighParms) {
    this.parms = parms;
  }

  get(key: K): Neighbour<K> | undefined {
    return this.map === undefined ? undefined : this.map.get(key);
  }

  set(key: K, neigh: Neighbour<K>): void {
    this.map ??= new Map();
    this.map.set(key, neigh);
  }

  delete(key: K): void {
    this.map?.delete(key);
  }

  values(): Iterable<Neighbour<K>> {
    return this.map?.values() ?? [];
  }
}

export class NeighTable<K> {
  declare readonly kernel: Kernel;
  declare readonly ops: NeighProtocol<K>;
  /** Defaults for devices to come. */
  declare readonly parms: NeighParms;
  private readonly devices = new Map<NetDevice, DeviceEntries<K>>();
  readonly proxies: PneighEntry<K>[] = [];
  /** Requests whose proxied answer is put off, with the time it is due. */
  readonly proxyQueue: { skb: SkBuff; at: number; parms: NeighParms }[] = [];
  proxyTimer: Timer | undefined;
  gcTimer: Timer | undefined;
  entries = 0;
  /** Entries that may be collected, oldest first. */
  readonly gcList = new Set<Neighbour<K>>();
  gcInterval = 30 * SECOND;
  gcThresh1 = 128;
  gcThresh2 = 512;
  gcThresh3 = 1024;
  private lastFlush = 0;
  private readonly reachRandom;
  /** For delays of probes and proxied answers. */
  readonly delayRandom;

  constructor(kernel: Kernel, ops: NeighProtocol<K>, defaults: readonly number[]) {
    this.kernel = kernel;
    this.ops = ops;
    this.reachRandom = kernel.random.stream(`neigh reach ${ops.id}`);
    this.delayRandom = kernel.random.stream(`neigh delay ${ops.id}`);
    this.parms = new NeighParms(undefined, defaults, this.reachRandom);
  }

  /** @kernel net/core/neighbour.c neigh_parms_alloc */
  parmsAlloc(dev: NetDevice): NeighParms {
    const parms = this.parms.copyFor(dev);
    this.devices.set(dev, new DeviceEntries(parms));
    return parms;
  }

  /** The device no longer speaks the protocol; its entries are flushed before. */
  parmsRelease(dev: NetDevice): void {
    this.devices.delete(dev);
  }

  parmsOf(dev: NetDevice): NeighParms | undefined {
    return this.devices.get(dev)?.parms;
  }

  /** Settings of all devices, for defaults that spread to them. */
  *allParms(): IterableIterator<NeighParms> {
    for (const { parms } of this.devices.values()) yield parms;
  }

  /** The entries of a device, by address; a route may keep this. */
  entriesOf(dev: NetDevice): DeviceEntries<K> | undefined {
    return this.devices.get(dev);
  }

  /** @kernel net/core/neighbour.c neigh_lookup */
  lookup(key: K, dev: NetDevice): Neighbour<K> | undefined {
    return this.devices.get(dev)?.get(key);
  }

  /**
   * A new entry, or the one that is there already; undefined when it is refused.
   * @kernel net/core/neighbour.c ___neigh_create
   */
  create(key: K, dev: NetDevice, flags = 0, exemptFromGc = false): Neighbour<K> | undefined {
    const device = this.devices.get(dev);
    if (device === undefined) return undefined;
    if (!exemptFromGc && !this.roomForOne()) return undefined;
    const neigh = new Neighbour(this, key, dev, device.parms, flags);
    if (!this.ops.construct(neigh)) return undefined;
    neigh.confirmed = this.kernel.queue.now - 2 * neigh.parms.baseReachableTime;
    // The protocol may have put another key in: all of a point-to-point device is one neighbour.
    const existing = device.get(neigh.key);
    if (existing !== undefined) return existing;
    neigh.dead = false;
    device.set(neigh.key, neigh);
    this.entries++;
    if (!exemptFromGc) this.gcList.add(neigh);
    neighSchedulePeriodicWork(this);
    return neigh;
  }

  /** @kernel net/core/neighbour.c neigh_alloc */
  private roomForOne(): boolean {
    const entries = this.gcList.size;
    const { now } = this.kernel.queue;
    if (entries < this.gcThresh3 && (entries < this.gcThresh2 || now <= this.lastFlush + 5 * SECOND)) return true;
    if (this.forcedGc() === 0 && entries >= this.gcThresh3) {
      this.kernel.printk(`${this.ops.id}: neighbor table overflow!`);
      return false;
    }
    return true;
  }

  /** @kernel net/core/neighbour.c neigh_forced_gc */
  private forcedGc(): number {
    const { now } = this.kernel.queue;
    const maxClean = this.gcList.size - this.gcThresh2;
    let shrunk = 0;
    for (const neigh of this.gcList) {
      if (neigh.timer?.pending === true) continue;
      const removable =
        neigh.state === NUD_FAILED ||
        neigh.state === NUD_NOARP ||
        this.ops.isMulticast(neigh.key) ||
        neigh.updated < now - 5 * SECOND;
      if (!removable) continue;
      this.remove(neigh);
      if (++shrunk >= maxClean) break;
    }
    this.lastFlush = now;
    return shrunk;
  }

  /** An entry became permanent, or ceased to be: collected or not. @kernel net/core/neighbour.c neigh_update_gc_list */
  updateGcList(neigh: Neighbour<K>): void {
    if (neigh.dead) return;
    if ((neigh.state & NUD_PERMANENT) !== 0 || (neigh.flags & NTF_EXT_LEARNED) !== 0) this.gcList.delete(neigh);
    else this.gcList.add(neigh);
  }

  /**
   * Take an entry out; what waits for it is dropped.
   * @kernel net/core/neighbour.c neigh_remove_one
   */
  remove(neigh: Neighbour<K>): void {
    this.devices.get(neigh.dev)?.delete(neigh.key);
    this.gcList.delete(neigh);
    neigh.timer?.cancel();
    neigh.dead = true;
    neigh.output = NEIGH_OUTPUT_BLACKHOLE;
    neigh.state = (neigh.state & NUD_VALID) !== 0 ? NUD_NOARP : NUD_NONE;
    neigh.hh = undefined;
    this.entries--;
    purgeArpQueue(neigh, 'the neighbour entry was removed');
  }

  /** @kernel net/core/neighbour.c neigh_flush_dev */
  flushDev(dev: NetDevice, skipPermanent: boolean): void {
    const device = this.devices.get(dev);
    if (device === undefined) return;
    for (const neigh of [...device.values()]) {
      if (skipPermanent && (neigh.state & NUD_PERMANENT) !== 0) continue;
      this.remove(neigh);
    }
  }

  /** @kernel net/core/neighbour.c __pneigh_lookup */
  proxyLookup(net: NetNamespace, key: K, dev: NetDevice): PneighEntry<K> | undefined {
    return this.proxies.find(
      (entry) => entry.key === key && entry.net === net && (entry.dev === dev || entry.dev === undefined),
    );
  }
}

/** End the frames that wait for an entry. */
export function purgeArpQueue<K>(neigh: Neighbour<K>, note: string): void {
  neigh.arpQueueLenBytes = 0;
  for (;;) {
    const skb = neigh.arpQueue.shift();
    if (skb === undefined) return;
    skbLeaves(skb, QUEUE_NEIGHBOUR);
    kfreeSkbReason(skb, REASON.QUEUE_PURGE, '__skb_queue_purge', note);
  }
}
