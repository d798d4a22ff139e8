/** The forwarding database's storage: entries found by address and VLAN id, and walked newest first. */
import type { Mac } from '../../wire/addr.ts';
import { MacTable, macHigh, macLow } from '../core/mac-table.ts';
import type { NetBridgePort } from './br-private.ts';

/** Bits of struct net_bridge_fdb_entry flags. */
export const BR_FDB_LOCAL = 1 << 0;
export const BR_FDB_STATIC = 1 << 1;
export const BR_FDB_STICKY = 1 << 2;
export const BR_FDB_ADDED_BY_USER = 1 << 3;
export const BR_FDB_ADDED_BY_EXT_LEARN = 1 << 4;
export const BR_FDB_OFFLOADED = 1 << 5;
export const BR_FDB_LOCKED = 1 << 8;
export const BR_FDB_DYNAMIC_LEARNED = 1 << 9;

/** struct net_bridge_fdb_entry. */
export interface FdbEntry {
  readonly address: Mac;
  readonly vid: number;
  /** The port; undefined: the bridge itself. */
  dst: NetBridgePort | undefined;
  flags: number;
  /** Nanoseconds since boot: when the address was last a source, and last a destination. */
  updated: number;
  used: number;
  /** The list of all entries, newest first. */
  next: FdbEntry | undefined;
  prev: FdbEntry | undefined;
  /** Its place in the table; -1 when it has been taken out. */
  slot: number;
}

export class FdbTable {
  private readonly table = new MacTable();
  private readonly slots: (FdbEntry | undefined)[] = [];
  private readonly free: number[] = [];
  /** The newest entry. */
  head: FdbEntry | undefined;
  /** Entries that age: neither static nor learned elsewhere. */
  ageing = 0;
  /** Entries that were learned from frames (fdb_n_learned). */
  learned = 0;

  /** The entry of an address in two halves (see {@link MacTable}). */
  find(high: number, low: number, vid: number): FdbEntry | undefined {
    const slot = this.table.find((vid << 16) | high, low);
    return slot < 0 ? undefined : this.slots[slot];
  }

  findMac(address: Mac, vid: number): FdbEntry | undefined {
    return this.find(macHigh(address), macLow(address), vid);
  }

  insert(address: Mac, vid: number, dst: NetBridgePort | undefined, flags: number, now: number): FdbEntry {
    const slot = this.free.pop() ?? this.slots.length;
    const next = this.head;
    const entry: FdbEntry = { address, vid, dst, flags, updated: now, used: now, next, prev: undefined, slot };
    if (next !== undefined) next.prev = entry;
    this.head = entry;
    this.slots[slot] = entry;
    this.table.set((vid << 16) | macHigh(address), macLow(address), slot);
    if (ages(flags)) this.ageing++;
    if ((flags & BR_FDB_DYNAMIC_LEARNED) !== 0) this.learned++;
    return entry;
  }

  remove(entry: FdbEntry): void {
    if (entry.slot < 0) return;
    this.setFlags(entry, entry.flags & ~BR_FDB_DYNAMIC_LEARNED);
    if (ages(entry.flags)) this.ageing--;
    this.table.delete((entry.vid << 16) | macHigh(entry.address), macLow(entry.address));
    this.slots[entry.slot] = undefined;
    this.free.push(entry.slot);
    entry.slot = -1;
    // `next` stays: whoever stands on the entry goes on from it.
    if (entry.prev === undefined) this.head = entry.next;
    else entry.prev.next = entry.next;
    if (entry.next !== undefined) entry.next.prev = entry.prev;
  }

  /** Change an entry's flags: the counts follow. */
  setFlags(entry: FdbEntry, flags: number): void {
    if (ages(flags) !== ages(entry.flags)) this.ageing += ages(flags) ? 1 : -1;
    const learned = (flags & BR_FDB_DYNAMIC_LEARNED) - (entry.flags & BR_FDB_DYNAMIC_LEARNED);
    if (learned !== 0) this.learned += learned > 0 ? 1 : -1;
    entry.flags = flags;
  }
}

function ages(flags: number): boolean {
  return (flags & (BR_FDB_STATIC | BR_FDB_ADDED_BY_EXT_LEARN)) === 0;
}
