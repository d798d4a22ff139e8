/** Answering for others: requests whose answer is put off for a random time. */
import { timerExpiry } from '../../uapi/jiffies.ts';
import { REASON } from './drop-reason.ts';
import type { NeighParms } from './neighbour-parms.ts';
import type { NeighTable } from './neighbour-table.ts';
import type { NetDevice } from './netdevice.ts';
import { kfreeSkbReason, QUEUE_OTHER, type SkBuff, skbLeaves, skbRests } from './skbuff.ts';

/** skb.cb of a request that comes back from the queue (NEIGH_CB LOCALLY_ENQUEUED). */
export const LOCALLY_ENQUEUED = 1;

/** @kernel net/core/neighbour.c pneigh_enqueue */
export function pneighEnqueue<K>(table: NeighTable<K>, parms: NeighParms, skb: SkBuff): void {
  const { queue } = table.kernel;
  if (parms.qlen > parms.proxyQlen) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'pneigh_enqueue', 'more requests wait than proxy_qlen allows');
    return;
  }
  const at = queue.now + (table.delayRandom.u32() / 0x1_0000_0000) * parms.proxyDelay;
  skb.cb = LOCALLY_ENQUEUED;
  skb.dst = undefined;
  parms.qlen++;
  skbRests(skb, QUEUE_OTHER);
  table.proxyQueue.push({ skb, at, parms });
  if (table.proxyTimer?.pending === true && table.proxyTimer.expires <= at) return;
  arm(table, at - queue.now);
}

function arm<K>(table: NeighTable<K>, delay: number): void {
  const { queue } = table.kernel;
  const late = timerExpiry(queue.now, delay) - queue.now;
  if (table.proxyTimer === undefined) {
    table.proxyTimer = queue.after(late, 'proxy ARP', () => neighProxyProcess(table));
  } else queue.rearm(table.proxyTimer, late);
}

/** @kernel net/core/neighbour.c neigh_proxy_process */
function neighProxyProcess<K>(table: NeighTable<K>): void {
  const { now } = table.kernel.queue;
  let next = Number.POSITIVE_INFINITY;
  for (const entry of table.proxyQueue.splice(0)) {
    if (entry.at > now) {
      table.proxyQueue.push(entry);
      next = Math.min(next, entry.at);
      continue;
    }
    leave(entry);
    if (entry.skb.dev!.running) table.ops.proxyRedo(entry.skb);
    else kfreeSkbReason(entry.skb, REASON.NOT_SPECIFIED, 'neigh_proxy_process', 'the device went down');
  }
  if (next < Number.POSITIVE_INFINITY) arm(table, next - now);
}

/** @kernel net/core/neighbour.c pneigh_queue_purge */
export function pneighQueuePurge<K>(table: NeighTable<K>, dev: NetDevice): void {
  for (const entry of table.proxyQueue.splice(0)) {
    if (entry.skb.dev!.net !== dev.net) {
      table.proxyQueue.push(entry);
      continue;
    }
    leave(entry);
    kfreeSkbReason(entry.skb, REASON.NOT_SPECIFIED, 'pneigh_queue_purge', 'a device went down');
  }
}

function leave(entry: { skb: SkBuff; parms: NeighParms }): void {
  entry.parms.qlen--;
  skbLeaves(entry.skb, QUEUE_OTHER);
}

/** @kernel net/core/neighbour.c pneigh_ifdown */
export function pneighIfdown<K>(table: NeighTable<K>, dev: NetDevice, skipPermanent: boolean): void {
  for (let i = table.proxies.length - 1; i >= 0; i--) {
    const entry = table.proxies[i]!;
    if (entry.dev === dev && !(skipPermanent && entry.permanent)) table.proxies.splice(i, 1);
  }
}

/**
 * The device went down, or lost its carrier (then what is permanent stays).
 * @kernel net/core/neighbour.c __neigh_ifdown
 */
export function neighIfdown<K>(table: NeighTable<K>, dev: NetDevice, skipPermanent: boolean): void {
  table.flushDev(dev, skipPermanent);
  pneighIfdown(table, dev, skipPermanent);
  pneighQueuePurge(table, dev);
}
