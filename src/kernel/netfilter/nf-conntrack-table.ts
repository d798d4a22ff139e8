/**
 * The table of tracked connections of one namespace: a hash over both directions of each, without
 * strings. An entry whose time is over is removed when somebody meets it, or by a sweep.
 */
import { IPS_CONFIRMED, IPS_DYING, type NfConn, type Tuple, type TupleHash } from './nf-conn.ts';

const FIRST_SIZE = 64;
/** Insertions after which all entries are looked at, at least: what the gc worker does on Linux. */
const SWEEP_EVERY = 512;

function hashOf(src: number, dst: number, ports: number, proto: number): number {
  let h = Math.imul(src ^ proto, 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 15) ^ dst, 0xc2b2_ae35);
  h = Math.imul(h ^ (h >>> 13) ^ ports, 0x27d4_eb2f);
  return h ^ (h >>> 16);
}

export class ConntrackTable {
  #buckets: (TupleHash | undefined)[] = [];
  #mask = -1;
  /** Connections in the table. */
  #entries = 0;
  #inserted = 0;
  /** Called for each entry that leaves. */
  onRemove: ((ct: NfConn) => void) | undefined;
  /** Called for those that somebody watches, with the process that removes it, 0 for none. */
  onDestroy: ((ct: NfConn, pid: number) => void) | undefined;

  get size(): number {
    return this.#entries;
  }

  /** @kernel net/netfilter/nf_conntrack_core.c __nf_conntrack_find_get */
  find(src: number, dst: number, ports: number, proto: number, now: number): TupleHash | undefined {
    if (this.#mask < 0) return undefined;
    let h = this.#buckets[hashOf(src, dst, ports, proto) & this.#mask];
    for (; h !== undefined; h = h.next) {
      if (h.src !== src || h.dst !== dst || h.ports !== ports || h.proto !== proto) continue;
      if (h.ct.timeout > now) return h;
      this.remove(h.ct);
      return undefined;
    }
    return undefined;
  }

  findTuple({ src, dst, ports, proto }: Tuple, now: number): TupleHash | undefined {
    return this.find(src, dst, ports, proto, now);
  }

  /** Put a connection in, both ways. Neither tuple may be there. */
  insert(ct: NfConn, now: number): void {
    if (++this.#inserted % SWEEP_EVERY === 0 && this.#inserted >= 2 * SWEEP_EVERY) this.sweep(now);
    if (this.#entries * 2 >= this.#buckets.length) this.#grow();
    this.#link(ct.original);
    this.#link(ct.reply);
    this.#entries++;
    ct.id = this.#inserted;
  }

  /** @kernel net/netfilter/nf_conntrack_core.c nf_ct_delete */
  remove(ct: NfConn, pid = 0): void {
    if ((ct.status & (IPS_CONFIRMED | IPS_DYING)) !== IPS_CONFIRMED) return;
    ct.status |= IPS_DYING;
    this.#unlink(ct.original);
    this.#unlink(ct.reply);
    this.#entries--;
    this.onRemove?.(ct);
    if (ct.watched) this.onDestroy?.(ct, pid);
  }

  /** Remove what is over. */
  sweep(now: number): void {
    for (const ct of this.all()) if (ct.timeout <= now) this.remove(ct);
  }

  /** All connections, in no order that means anything. */
  all(): NfConn[] {
    const list: NfConn[] = [];
    for (const bucket of this.#buckets) {
      for (let h = bucket; h !== undefined; h = h.next) if (h.dir === 0) list.push(h.ct);
    }
    return list;
  }

  #slot(h: TupleHash): number {
    return hashOf(h.src, h.dst, h.ports, h.proto) & this.#mask;
  }

  #link(h: TupleHash): void {
    const slot = this.#slot(h);
    h.next = this.#buckets[slot];
    this.#buckets[slot] = h;
  }

  #unlink(h: TupleHash): void {
    const slot = this.#slot(h);
    let at = this.#buckets[slot];
    if (at === h) this.#buckets[slot] = h.next;
    else {
      while (at !== undefined && at.next !== h) at = at.next;
      if (at !== undefined) at.next = h.next;
    }
    h.next = undefined;
  }

  #grow(): void {
    const old = this.#buckets;
    const size = Math.max(FIRST_SIZE, old.length * 2);
    this.#buckets = new Array<TupleHash | undefined>(size).fill(undefined);
    this.#mask = size - 1;
    for (const bucket of old) {
      for (let h = bucket; h !== undefined; ) {
        const next: TupleHash | undefined = h.next;
        this.#link(h);
        h = next;
      }
    }
  }
}
