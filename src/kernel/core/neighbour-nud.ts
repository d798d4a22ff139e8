/**
 * The state machine of neighbours (RFC 4861 section 7.3, for ARP too): what a use, a timer and an
 * update do to an entry, and how an entry sends a frame.
 */

import { EINVAL, EPERM } from '../../uapi/errno.ts';
import { ETH_HLEN } from '../../uapi/if.ts';
import { JIFFY, timerExpiry } from '../../uapi/jiffies.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import {
  NTF_EXT_LEARNED,
  NUD_DELAY,
  NUD_FAILED,
  NUD_INCOMPLETE,
  NUD_NOARP,
  NUD_PERMANENT,
  NUD_PROBE,
  NUD_REACHABLE,
  NUD_STALE,
} from '../../uapi/rtnetlink.ts';
import type { Mac } from '../../wire/addr.ts';
import { HhCache } from '../../wire/ethernet.ts';
import { devQueueXmit } from './dev-xmit.ts';
import { REASON } from './drop-reason.ts';
import { devHardHeader } from './hard-header.ts';
import {
  NEIGH_UPDATE_F_ADMIN,
  NEIGH_UPDATE_F_EXT_LEARNED,
  NEIGH_UPDATE_F_OVERRIDE,
  NEIGH_UPDATE_F_USE,
  NEIGH_UPDATE_F_WEAK_OVERRIDE,
  NUD_CONNECTED,
  NUD_IN_TIMER,
  NUD_VALID,
} from './neighbour-states.ts';
import { NEIGH_OUTPUT_BLACKHOLE, NEIGH_OUTPUT_DIRECT, type Neighbour, purgeArpQueue } from './neighbour-table.ts';
import { NET_XMIT_DROP, NETDEV_TX_OK } from './netdevice.ts';
import { skbTruesize } from './skb-truesize.ts';
import { kfreeSkbReason, QUEUE_NEIGHBOUR, type SkBuff, skbCowHead, skbLeaves, skbRests, traceStep } from './skbuff.ts';
import { TRACE_NEIGH } from './trace.ts';

/** HZ/100: no timer of an entry is shorter. */
const MIN_TIMER = 1e7;

/** @kernel net/core/neighbour.c neigh_add_timer */
function neighAddTimer<K>(neigh: Neighbour<K>, delay: number): void {
  const { queue } = neigh.table.kernel;
  if (neigh.used < neigh.confirmed) neigh.used = neigh.confirmed;
  // Timers of entries wait on the timer wheel: a probe a second takes 1.024 s on Linux at 250 Hz.
  const wait = timerExpiry(queue.now, delay) - queue.now;
  if (neigh.timer === undefined) neigh.timer = queue.after(wait, 'neighbour', () => neighTimerHandler(neigh));
  else queue.rearm(neigh.timer, wait);
}

/** @kernel net/core/neighbour.c neigh_max_probes */
function neighMaxProbes<K>(neigh: Neighbour<K>): number {
  const { parms } = neigh;
  const multicast = (neigh.state & NUD_PROBE) !== 0 ? parms.mcastReprobes : parms.mcastProbes;
  return parms.ucastProbes + parms.appProbes + multicast;
}

/** @kernel net/core/neighbour.c neigh_timer_handler */
function neighTimerHandler<K>(neigh: Neighbour<K>): void {
  const { now } = neigh.table.kernel.queue;
  const { parms } = neigh;
  const state = neigh.state;
  if ((state & NUD_IN_TIMER) === 0) return;
  let next: number;
  if ((state & NUD_REACHABLE) !== 0) {
    next = now + parms.retransTime;
    if (now <= neigh.confirmed + parms.reachableTime(now)) {
      next = neigh.confirmed + parms.reachableTime(now);
    } else if (now <= neigh.used + parms.delayProbeTime) {
      neigh.state = NUD_DELAY;
      neigh.updated = now;
      next = now + parms.delayProbeTime;
    } else {
      neigh.state = NUD_STALE;
      neigh.updated = now;
    }
  } else if ((state & NUD_DELAY) !== 0) {
    if (now <= neigh.confirmed + parms.delayProbeTime) {
      neigh.state = NUD_REACHABLE;
      neigh.updated = now;
      next = neigh.confirmed + parms.reachableTime(now);
    } else {
      neigh.state = NUD_PROBE;
      neigh.updated = now;
      neigh.probes = 0;
      next = now + parms.retransTime;
    }
  } else {
    next = now + parms.retransTime;
  }
  if ((neigh.state & (NUD_INCOMPLETE | NUD_PROBE)) !== 0 && neigh.probes >= neighMaxProbes(neigh)) {
    neigh.state = NUD_FAILED;
    neighInvalidate(neigh);
    return;
  }
  if ((neigh.state & NUD_IN_TIMER) !== 0) neighAddTimer(neigh, Math.max(next - now, MIN_TIMER));
  if ((neigh.state & (NUD_INCOMPLETE | NUD_PROBE)) !== 0) neighProbe(neigh);
}

/** @kernel net/core/neighbour.c neigh_probe */
function neighProbe<K>(neigh: Neighbour<K>): void {
  neigh.table.ops.solicit(neigh, neigh.arpQueue.at(-1));
  neigh.probes++;
}

/**
 * No answer came: the senders of what waits are told.
 * @kernel net/core/neighbour.c neigh_invalidate
 */
function neighInvalidate<K>(neigh: Neighbour<K>): void {
  neigh.updated = neigh.table.kernel.queue.now;
  while (neigh.state === NUD_FAILED) {
    const skb = neigh.arpQueue.shift();
    if (skb === undefined) break;
    skbLeaves(skb, QUEUE_NEIGHBOUR);
    if (skb.kernel.trace.on) traceStep(skb, TRACE_NEIGH, neigh.dev, NUD_FAILED, 'no answer');
    neigh.table.ops.errorReport(neigh, skb);
  }
  purgeArpQueue(neigh, 'resolution failed');
}

/**
 * The entry is used: true when the frame may be sent now; otherwise the frame waits, or has ended.
 * @kernel net/core/neighbour.c neigh_event_send
 */
export function neighEventSend<K>(neigh: Neighbour<K>, skb: SkBuff | undefined, immediateOk = true): boolean {
  const { now } = neigh.table.kernel.queue;
  neigh.used = now;
  if ((neigh.state & (NUD_CONNECTED | NUD_DELAY | NUD_PROBE)) !== 0) return true;
  return neighEventSendSlow(neigh, skb, immediateOk, now);
}

/** @kernel net/core/neighbour.c __neigh_event_send */
function neighEventSendSlow<K>(
  neigh: Neighbour<K>,
  skb: SkBuff | undefined,
  immediateOk: boolean,
  now: number,
): boolean {
  const { parms } = neigh;
  if (neigh.dead) {
    if ((neigh.state & NUD_STALE) !== 0) return true;
    if (skb !== undefined) kfreeSkbReason(skb, REASON.NEIGH_DEAD, '__neigh_event_send', 'the entry was removed');
    return false;
  }
  let probe = false;
  if ((neigh.state & (NUD_STALE | NUD_INCOMPLETE)) === 0) {
    if (parms.mcastProbes + parms.appProbes === 0) {
      neigh.state = NUD_FAILED;
      neigh.updated = now;
      if (skb !== undefined) kfreeSkbReason(skb, REASON.NEIGH_FAILED, '__neigh_event_send', 'no probes are allowed');
      return false;
    }
    neigh.probes = parms.ucastProbes;
    neigh.state = NUD_INCOMPLETE;
    neigh.updated = now;
    probe = immediateOk;
    neighAddTimer(neigh, immediateOk ? parms.retransTime : JIFFY);
  } else if ((neigh.state & NUD_STALE) !== 0) {
    neigh.state = NUD_DELAY;
    neigh.updated = now;
    neighAddTimer(neigh, parms.delayProbeTime);
  }
  if (neigh.state !== NUD_INCOMPLETE) return true;
  if (skb !== undefined) enqueue(neigh, skb);
  if (!probe) return false;
  const { queue } = neigh.table.kernel;
  queue.held++;
  neighProbe(neigh);
  queue.release();
  return false;
}

function enqueue<K>(neigh: Neighbour<K>, skb: SkBuff): void {
  const size = skbTruesize(skb);
  while (neigh.arpQueueLenBytes + size > neigh.parms.queueLenBytes) {
    const oldest = neigh.arpQueue.shift();
    if (oldest === undefined) break;
    neigh.arpQueueLenBytes -= skbTruesize(oldest);
    skbLeaves(oldest, QUEUE_NEIGHBOUR);
    kfreeSkbReason(
      oldest,
      REASON.NEIGH_QUEUEFULL,
      '__neigh_event_send',
      'more frames wait than unres_qlen_bytes allows',
    );
  }
  neigh.arpQueue.push(skb);
  neigh.arpQueueLenBytes += size;
  skbRests(skb, QUEUE_NEIGHBOUR);
  if (skb.kernel.trace.on) traceStep(skb, TRACE_NEIGH, neigh.dev, neigh.state, 'waits for an answer');
}

/**
 * A proof that the neighbour got what was sent to it.
 * @kernel include/net/neighbour.h neigh_confirm
 */
export function neighConfirm<K>(neigh: Neighbour<K>): void {
  neigh.confirmed = neigh.table.kernel.queue.now;
}

/**
 * The generic update. `lladdr` undefined: none was given.
 * @kernel net/core/neighbour.c __neigh_update #P[NTF_MANAGED, NTF_ROUTER]
 */
export function neighUpdate<K>(neigh: Neighbour<K>, given: Mac | undefined, state: number, flags: number): Ack {
  const { now } = neigh.table.kernel.queue;
  const { dev } = neigh;
  const old = neigh.state;
  let next = state;
  if (neigh.dead) return refuse(EPERM, 'Neighbor entry is now dead');
  if ((flags & NEIGH_UPDATE_F_ADMIN) === 0 && (old & (NUD_NOARP | NUD_PERMANENT)) !== 0) return refuse(EPERM);
  const gcUpdate = updateFlags(neigh, flags);
  if ((flags & NEIGH_UPDATE_F_USE) !== 0) {
    neigh.state = old & ~NUD_PERMANENT;
    if (((old ^ neigh.state) & NUD_PERMANENT) !== 0 || gcUpdate) neigh.table.updateGcList(neigh);
    return undefined;
  }
  if ((next & NUD_VALID) === 0) {
    neigh.timer?.cancel();
    neigh.state = next;
    if ((old & (NUD_INCOMPLETE | NUD_PROBE)) !== 0 && (next & NUD_FAILED) !== 0) neighInvalidate(neigh);
    if (((next ^ old) & NUD_PERMANENT) !== 0 || gcUpdate) neigh.table.updateGcList(neigh);
    return undefined;
  }
  let lladdr = given ?? neigh.ha;
  if (dev.addrLen === 0) lladdr = neigh.ha;
  else if (given === undefined && (old & NUD_VALID) === 0) return refuse(EINVAL, 'No link layer address given');
  // A new address for an entry that has none yet counts as a change, even when it is the same number.
  let changed = lladdr !== neigh.ha || ((old & NUD_VALID) === 0 && dev.addrLen !== 0);
  if ((next & NUD_CONNECTED) !== 0) neigh.confirmed = now;
  if ((old & NUD_VALID) !== 0) {
    if (changed && (flags & NEIGH_UPDATE_F_OVERRIDE) === 0) {
      if ((flags & NEIGH_UPDATE_F_WEAK_OVERRIDE) === 0 || (old & NUD_CONNECTED) === 0) return undefined;
      lladdr = neigh.ha;
      changed = false;
      next = NUD_STALE;
    } else if (!changed && next === NUD_STALE && (flags & NEIGH_UPDATE_F_ADMIN) === 0) next = old;
  }
  if (next !== old || changed) neigh.updated = now;
  if (next !== old) {
    neigh.timer?.cancel();
    if ((next & NUD_PROBE) !== 0) neigh.probes = 0;
    if ((next & NUD_IN_TIMER) !== 0) {
      neighAddTimer(neigh, (next & NUD_REACHABLE) !== 0 ? neigh.parms.reachableTime(now) : 0);
    }
    neigh.state = next;
  }
  if (changed) {
    neigh.ha = lladdr;
    neigh.hh = undefined;
    if ((next & NUD_CONNECTED) === 0) neigh.confirmed = now - 2 * neigh.parms.baseReachableTime;
  }
  if (next !== old && (old & NUD_VALID) === 0) sendWaiting(neigh);
  if (((next ^ old) & NUD_PERMANENT) !== 0 || gcUpdate) neigh.table.updateGcList(neigh);
  return undefined;
}

/** @kernel net/core/neighbour.c neigh_update_flags */
function updateFlags<K>(neigh: Neighbour<K>, flags: number): boolean {
  if ((flags & NEIGH_UPDATE_F_ADMIN) === 0) return false;
  const wanted = (flags & NEIGH_UPDATE_F_EXT_LEARNED) !== 0 ? NTF_EXT_LEARNED : 0;
  if (((neigh.flags ^ wanted) & NTF_EXT_LEARNED) === 0) return false;
  neigh.flags = (neigh.flags & ~NTF_EXT_LEARNED) | wanted;
  return true;
}

/** The address has become known: send what waits. */
function sendWaiting<K>(neigh: Neighbour<K>): void {
  while ((neigh.state & NUD_VALID) !== 0) {
    const skb = neigh.arpQueue.shift();
    if (skb === undefined) break;
    skbLeaves(skb, QUEUE_NEIGHBOUR);
    neighOutput(neigh, skb);
  }
  purgeArpQueue(neigh, 'resolution was undone');
}

/**
 * Send a frame to a neighbour: `data` stands at the network header and `skb.dev` is set. Takes the
 * frame over. NETDEV_TX_OK, also for a frame that waits, or NET_XMIT_DROP.
 * @kernel include/net/neighbour.h neigh_output
 */
export function neighOutput<K>(neigh: Neighbour<K>, skb: SkBuff): number {
  if ((neigh.state & NUD_CONNECTED) === 0 || neigh.hh === undefined) {
    if (neigh.output === NEIGH_OUTPUT_DIRECT) return devQueueXmit(skb);
    if (neigh.output === NEIGH_OUTPUT_BLACKHOLE) return neighBlackhole(skb);
    return neighResolveOutput(neigh, skb);
  }
  if (skb.kernel.trace.on) traceStep(skb, TRACE_NEIGH, neigh.dev, neigh.state, 'address known');
  // neigh_hh_output()
  skbCowHead(skb, ETH_HLEN);
  neigh.hh.put(skb.bytes, skb.push(ETH_HLEN));
  return devQueueXmit(skb);
}

/** @kernel net/core/neighbour.c neigh_resolve_output */
function neighResolveOutput<K>(neigh: Neighbour<K>, skb: SkBuff): number {
  if (!neighEventSend(neigh, skb)) return NETDEV_TX_OK;
  const { dev, table } = neigh;
  const { protocol } = table.ops;
  if (skb.kernel.trace.on) traceStep(skb, TRACE_NEIGH, dev, neigh.state, 'address known');
  if (dev.headerOps?.cached !== false) neigh.hh ??= new HhCache(neigh.ha, dev.addr, protocol);
  devHardHeader(skb, dev, protocol, neigh.ha);
  return devQueueXmit(skb);
}

/** @kernel net/core/neighbour.c neigh_blackhole */
function neighBlackhole(skb: SkBuff): number {
  kfreeSkbReason(skb, REASON.NEIGH_DEAD, 'neigh_blackhole', 'the entry was removed');
  return NET_XMIT_DROP;
}
