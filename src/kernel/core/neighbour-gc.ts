/** Collecting old neighbour entries, once a table has many. */
import { NTF_EXT_LEARNED, NUD_FAILED, NUD_PERMANENT } from '../../uapi/rtnetlink.ts';
import { NUD_IN_TIMER } from './neighbour-states.ts';
import type { NeighTable } from './neighbour-table.ts';

/**
 * Every half base_reachable_time, entries that failed or were not used for gc_stale_time go, if the table has more than
 * gc_thresh1. The timer runs only while it has.
 * @kernel net/core/neighbour.c neigh_periodic_work
 */
export function neighSchedulePeriodicWork<K>(table: NeighTable<K>): void {
  if (table.entries < table.gcThresh1 || table.gcTimer?.pending === true) return;
  const { queue } = table.kernel;
  const period = Math.max(table.parms.baseReachableTime / 2, 1e7);
  // The kernel's work runs at fixed times from boot.
  const delay = period - (queue.now % period);
  table.gcTimer = queue.after(delay, 'neighbour garbage collection', () => {
    neighPeriodicWork(table);
    neighSchedulePeriodicWork(table);
  });
}

function neighPeriodicWork<K>(table: NeighTable<K>): void {
  if (table.entries < table.gcThresh1) return;
  const { now } = table.kernel.queue;
  for (const neigh of [...table.gcList]) {
    if ((neigh.state & (NUD_PERMANENT | NUD_IN_TIMER)) !== 0 || (neigh.flags & NTF_EXT_LEARNED) !== 0) continue;
    if (neigh.used < neigh.confirmed && neigh.confirmed <= now) neigh.used = neigh.confirmed;
    if (neigh.state === NUD_FAILED || now - neigh.used >= neigh.parms.gcStaletime) table.remove(neigh);
  }
}
