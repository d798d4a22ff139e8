/**
 * The lists of secondary unicast and of multicast addresses of a device (struct netdev_hw_addr_list):
 * reference counted, kept in the order of addition.
 */
import type { Mac } from '../../wire/addr.ts';

export interface HwAddr {
  readonly address: Mac;
  refcount: number;
  /** How many upper devices hand it down (ha->synced). */
  synced: number;
  /** How many lower devices it was handed down to (ha->sync_cnt): each holds a reference. */
  syncCount: number;
  /** Put there by user space (dev_uc_add_excl through `bridge fdb add ... self`). */
  global: boolean;
}

const NO_ENTRIES: ReadonlyMap<Mac, HwAddr> = new Map();

/** @kernel net/core/dev_addr_lists.c __hw_addr_add */
export class HwAddrList {
  /** Made with the first address: most lists stay empty. */
  private entries: Map<Mac, HwAddr> | undefined;

  get count(): number {
    return this.entries === undefined ? 0 : this.entries.size;
  }

  has(address: Mac): boolean {
    return this.entries?.has(address) === true;
  }

  get(address: Mac): HwAddr | undefined {
    return this.entries?.get(address);
  }

  [Symbol.iterator](): IterableIterator<HwAddr> {
    return (this.entries ?? NO_ENTRIES).values();
  }

  /** Add a reference; true when the address is new. */
  add(address: Mac): boolean {
    this.entries ??= new Map();
    const entry = this.entries.get(address);
    if (entry !== undefined) {
      entry.refcount++;
      return false;
    }
    this.entries.set(address, { address, refcount: 1, synced: 0, syncCount: 0, global: false });
    return true;
  }

  /** Drop a reference; undefined when it was not there, true when it is gone now. */
  del(address: Mac): boolean | undefined {
    const entry = this.get(address);
    if (entry === undefined) return undefined;
    if (--entry.refcount > 0) return false;
    this.entries?.delete(address);
    return true;
  }

  /** Add a reference on behalf of an upper device. */
  addSynced(address: Mac): void {
    this.add(address);
    this.get(address)!.synced++;
  }

  /** Drop the reference of an upper device; false when there is none. */
  delSynced(address: Mac): boolean {
    const entry = this.get(address);
    if (entry === undefined || entry.synced === 0) return false;
    entry.synced--;
    this.del(address);
    return true;
  }

  /**
   * Hand the addresses that `from` has not handed down yet to this list, and take back those that
   * nobody but the hand-down holds any longer.
   * @kernel net/core/dev_addr_lists.c __hw_addr_sync
   */
  sync(from: HwAddrList): void {
    for (const entry of from) {
      if (entry.syncCount === 0) {
        this.addSynced(entry.address);
        entry.syncCount++;
        entry.refcount++;
      } else if (entry.refcount === 1) this.takeBack(from, entry);
    }
  }

  /** @kernel net/core/dev_addr_lists.c __hw_addr_unsync */
  unsync(from: HwAddrList): void {
    for (const entry of from) if (entry.syncCount > 0) this.takeBack(from, entry);
  }

  /** What is not in this list any more, since its device moved, stays handed down. @kernel net/core/dev_addr_lists.c __hw_addr_unsync_one */
  private takeBack(from: HwAddrList, entry: HwAddr): void {
    if (!this.delSynced(entry.address)) return;
    entry.syncCount--;
    from.del(entry.address);
  }

  clear(): void {
    this.entries?.clear();
  }
}
