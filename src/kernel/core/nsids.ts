/** The ids that a namespace has given to others: what IFLA_LINK_NETNSID and `ip netns list-id` show. */
import type { NetNamespace } from './net-namespace.ts';

export class Nsids {
  private readonly owner: NetNamespace;
  private readonly byId = new Map<number, NetNamespace>();
  /** No id below is free. */
  private lowest = 0;

  constructor(owner: NetNamespace) {
    this.owner = owner;
  }

  peerOf(id: number): NetNamespace | undefined {
    return this.byId.get(id);
  }

  set(peer: NetNamespace, id: number): void {
    this.byId.set(id, peer);
    peer.idsElsewhere ??= new Map();
    peer.idsElsewhere.set(this.owner, id);
  }

  /** The lowest id that is free, for a namespace that has none. */
  allocate(peer: NetNamespace): number {
    while (this.byId.has(this.lowest)) this.lowest++;
    this.set(peer, this.lowest);
    return this.lowest;
  }

  delete(id: number): void {
    this.byId.delete(id);
    if (id < this.lowest) this.lowest = id;
  }

  /** The namespaces that have one, with their ids. */
  entries(): IterableIterator<[number, NetNamespace]> {
    return this.byId.entries();
  }
}
