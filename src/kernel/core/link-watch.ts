/**
 * Carrier and operational state (RFC 2863), and the work that follows a change of carrier: devices
 * with a lower device or a peer at once, others at most once a second.
 */

import type { Timer } from '../../sim/queue.ts';
import {
  IF_OPER_DORMANT,
  IF_OPER_DOWN,
  IF_OPER_LOWERLAYERDOWN,
  IF_OPER_NOTPRESENT,
  IF_OPER_TESTING,
  IF_OPER_UNKNOWN,
  IF_OPER_UP,
  IFF_DORMANT,
  IFF_LOWER_UP,
  IFF_RUNNING,
  IFF_UP,
} from '../../uapi/if.ts';
import type { Kernel } from './kernel.ts';
import {
  IFF_NO_QUEUE,
  NETREG_RELEASED,
  NETREG_UNINITIALIZED,
  NETREG_UNREGISTERING,
  type NetDevice,
} from './netdevice.ts';

const SECOND = 1e9;

/** IFLA_LINK as the driver gives it; the device's own index when it has no lower device. */
export function devGetIflink(dev: NetDevice): number {
  return dev.ops.getIflink?.(dev) ?? dev.ifindex;
}

/** @kernel net/core/link_watch.c default_operstate */
function defaultOperstate(dev: NetDevice): number {
  if (dev.testing) return IF_OPER_TESTING;
  if (!dev.carrier) {
    const iflink = devGetIflink(dev);
    if (iflink === dev.ifindex || iflink === 0) return IF_OPER_DOWN;
    // The peer is looked up by its index in this namespace, as the kernel does.
    const peer = dev.net.devByIndex(iflink);
    if (peer === undefined || peer.carrier) return IF_OPER_DOWN;
    return IF_OPER_LOWERLAYERDOWN;
  }
  return dev.dormant ? IF_OPER_DORMANT : IF_OPER_UP;
}

/** @kernel net/core/link_watch.c rfc2863_policy */
export function rfc2863Policy(dev: NetDevice): void {
  let operstate = defaultOperstate(dev);
  if (dev.linkMode === 2 && operstate === IF_OPER_UP) operstate = IF_OPER_TESTING;
  if (dev.linkMode === 1 && operstate === IF_OPER_UP) operstate = IF_OPER_DORMANT;
  dev.operstate = operstate;
}

/** @kernel net/core/link_watch.c linkwatch_init_dev */
export function linkwatchInitDev(dev: NetDevice): void {
  if (!dev.carrier || dev.dormant || dev.testing) rfc2863Policy(dev);
}

/** @kernel include/linux/netdevice.h netif_oper_up */
export function netifOperUp(dev: NetDevice): boolean {
  return dev.operstate === IF_OPER_UP || dev.operstate === IF_OPER_UNKNOWN;
}

/**
 * Flags as user space sees them.
 * @kernel net/core/dev.c dev_get_flags
 */
export function devGetFlags(dev: NetDevice): number {
  // PROMISC and ALLMULTI show what user space asked for, not the reference counts.
  let flags =
    (dev.flags & ~(0x100 | 0x200 | IFF_RUNNING | IFF_LOWER_UP | IFF_DORMANT)) | (dev.gflags & (0x100 | 0x200));
  if (dev.running) {
    if (netifOperUp(dev)) flags |= IFF_RUNNING;
    if (dev.carrier) flags |= IFF_LOWER_UP;
    if (dev.dormant) flags |= IFF_DORMANT;
  }
  return flags;
}

/**
 * How long it takes until a work queue runs, nanoseconds: frames that are sent by the same request, as those that
 * announce an address, arrive before it.
 */
const WORKQUEUE_DELAY = 10_000;

class LinkWatch {
  /** In order of their events. */
  readonly pending = new Set<NetDevice>();
  nextEvent = 0;
  urgent = false;
  timer: Timer | undefined;
}

const watches = new WeakMap<Kernel, LinkWatch>();

function watchOf(kernel: Kernel): LinkWatch {
  let watch = watches.get(kernel);
  if (watch === undefined) {
    watch = new LinkWatch();
    watches.set(kernel, watch);
  }
  return watch;
}

function urgentEvent(dev: NetDevice): boolean {
  if (!dev.running) return false;
  if (dev.ifindex !== devGetIflink(dev)) return true;
  return dev.carrier && !dev.active;
}

/** @kernel net/core/link_watch.c linkwatch_fire_event */
export function linkwatchFireEvent(dev: NetDevice): void {
  const urgent = urgentEvent(dev);
  if (!dev.linkwatchPending) {
    dev.linkwatchPending = true;
    watchOf(dev.net.kernel).pending.add(dev);
  } else if (!urgent) return;
  schedule(dev.net.kernel, urgent);
}

function schedule(kernel: Kernel, urgent: boolean): void {
  const watch = watchOf(kernel);
  if (watch.urgent) return;
  const run = () => {
    watch.timer = undefined;
    runQueue(kernel, watch.nextEvent > kernel.queue.now);
  };
  if (urgent) {
    watch.urgent = true;
    watch.timer?.cancel();
    watch.timer = kernel.queue.after(WORKQUEUE_DELAY, 'linkwatch', run);
    return;
  }
  const delay = Math.min(Math.max(0, watch.nextEvent - kernel.queue.now), SECOND);
  if (watch.timer === undefined || !watch.timer.pending) watch.timer = kernel.queue.after(delay, 'linkwatch', run);
}

/** @kernel net/core/link_watch.c __linkwatch_run_queue */
function runQueue(kernel: Kernel, urgentOnly: boolean): void {
  const watch = watchOf(kernel);
  if (!urgentOnly) watch.nextEvent = kernel.queue.now + SECOND;
  watch.urgent = false;
  const devices = [...watch.pending];
  watch.pending.clear();
  for (const dev of devices) {
    if (urgentOnly && !urgentEvent(dev)) watch.pending.add(dev);
    else linkwatchDoDev(dev);
  }
  if (watch.pending.size > 0) schedule(kernel, false);
}

/** @kernel net/core/link_watch.c linkwatch_do_dev */
function linkwatchDoDev(dev: NetDevice): void {
  dev.linkwatchPending = false;
  if (dev.regState === NETREG_RELEASED) return;
  rfc2863Policy(dev);
  if ((dev.flags & IFF_UP) !== 0) {
    if (dev.carrier) devActivate(dev);
    else devDeactivate(dev);
    dev.net.kernel.notify('CHANGE', dev, { flagsChanged: 0 });
  }
}

/**
 * Handle the device's pending event now.
 * @kernel net/core/link_watch.c linkwatch_sync_dev
 */
export function linkwatchSyncDev(dev: NetDevice): void {
  if (!dev.linkwatchPending) return;
  watchOf(dev.net.kernel).pending.delete(dev);
  linkwatchDoDev(dev);
}

/** @kernel net/sched/sch_generic.c dev_activate */
export function devActivate(dev: NetDevice): void {
  if (dev.qdisc === 'noop')
    dev.qdisc = (dev.privFlags & IFF_NO_QUEUE) !== 0 || dev.txQueueLen === 0 ? 'noqueue' : 'pfifo_fast';
  // Activation is put off until there is a carrier.
  if (dev.carrier) dev.active = true;
}

/** @kernel net/sched/sch_generic.c dev_deactivate */
export function devDeactivate(dev: NetDevice): void {
  dev.active = false;
}

/** @kernel net/sched/sch_generic.c netif_carrier_on */
export function netifCarrierOn(dev: NetDevice): void {
  if (dev.carrier) return;
  dev.carrier = true;
  if (dev.regState === NETREG_UNINITIALIZED) return;
  dev.carrierUpCount++;
  linkwatchFireEvent(dev);
}

/** @kernel net/sched/sch_generic.c netif_carrier_off */
export function netifCarrierOff(dev: NetDevice): void {
  if (!dev.carrier) return;
  dev.carrier = false;
  if (dev.regState === NETREG_UNINITIALIZED || dev.regState === NETREG_UNREGISTERING) return;
  dev.carrierDownCount++;
  linkwatchFireEvent(dev);
}

/**
 * Carrier and dormancy of a stacked device follow those of the device below.
 * @kernel net/core/dev.c netif_stacked_transfer_operstate
 */
export function netifStackedTransferOperstate(root: NetDevice, dev: NetDevice): void {
  const dormant = root.operstate === IF_OPER_DORMANT;
  const testing = root.operstate === IF_OPER_TESTING;
  if (dev.dormant !== dormant || dev.testing !== testing) {
    dev.dormant = dormant;
    dev.testing = testing;
    linkwatchFireEvent(dev);
  }
  if (root.carrier) netifCarrierOn(dev);
  else netifCarrierOff(dev);
}

/** IFLA_OPERSTATE of a dump: a device that is not up is down, whatever was last seen. */
export function reportedOperstate(dev: NetDevice): number {
  return dev.running || dev.operstate === IF_OPER_NOTPRESENT ? dev.operstate : IF_OPER_DOWN;
}
