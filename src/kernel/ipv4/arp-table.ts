/** The ARP table of a machine, for those who only look into it or clear it. */
import { AF_INET, NUD_FAILED, NUD_NOARP } from '../../uapi/rtnetlink.ts';
import type { Ipv4 } from '../../wire/addr.ts';
import type { Kernel } from '../core/kernel.ts';
import { neighFindTable } from '../core/neighbour.ts';
import { neighUpdate } from '../core/neighbour-nud.ts';
import { neighIfdown } from '../core/neighbour-proxy.ts';
import { NEIGH_UPDATE_F_ADMIN, NEIGH_UPDATE_F_OVERRIDE, NUD_VALID } from '../core/neighbour-states.ts';
import type { NeighTable } from '../core/neighbour-table.ts';
import type { NetDevice } from '../core/netdevice.ts';

/** arp_tbl */
export function arpTable(kernel: Kernel): NeighTable<Ipv4> {
  const table = neighFindTable(kernel, AF_INET);
  if (table === undefined) throw new Error('the IPv4 stack is not registered');
  return table;
}

/** @kernel net/ipv4/arp.c arp_ifdown */
export function arpIfdown(dev: NetDevice): void {
  neighIfdown(arpTable(dev.net.kernel), dev, false);
}

/**
 * Forget an entry; one with a known address only if `force` is set. False when there is none, or one that
 * needs no ARP: that goes all the same.
 * @kernel net/ipv4/arp.c arp_invalidate
 */
export function arpInvalidate(dev: NetDevice, address: Ipv4, force: boolean): boolean {
  const table = arpTable(dev.net.kernel);
  const neigh = table.lookup(address, dev);
  if (neigh === undefined) return false;
  if ((neigh.state & NUD_VALID) !== 0 && !force) return true;
  const usesArp = (neigh.state & ~NUD_NOARP) !== 0;
  if (usesArp) {
    neighUpdate(neigh, undefined, NUD_FAILED, NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_ADMIN);
  }
  if (!neigh.dead) table.remove(neigh);
  return usesArp;
}
