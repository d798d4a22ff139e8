/** What the end of a namespace takes along (net/core/net_namespace.c cleanup_net). */
import { devChangeNetNamespace, unregisterNetdeviceMany } from './dev-config.ts';
import type { NetNamespace } from './net-namespace.ts';
import { NETIF_F_NETNS_LOCAL, type NetDevice } from './netdevice.ts';

/**
 * How long after the last reference is gone the namespace's devices go, nanoseconds: on 6.18 the next command most
 * often finds them gone, and always after one that waits for the kernel, as `ip link del` does.
 */
const CLEANUP_DELAY = 0.9e6;

/** Another user of the namespace: a process, a mount. */
export function getNet(net: NetNamespace): void {
  net.users++;
}

/** One user fewer; the last one's going starts the clean-up. @kernel include/net/net_namespace.h put_net */
export function putNet(net: NetNamespace): void {
  if (--net.users > 0 || net.dead) return;
  net.dead = true;
  net.kernel.queue.after(CLEANUP_DELAY, 'netns cleanup', () => cleanupNet(net));
}

/** @kernel net/core/net_namespace.c cleanup_net */
function cleanupNet(net: NetNamespace): void {
  const { kernel } = net;
  defaultDeviceExit(net);
  for (const operations of [...kernel.pernet].reverse()) operations.exit?.(net);
  unregisterNetdeviceMany([...net.devices.values()].reverse());
  kernel.namespaces.splice(kernel.namespaces.indexOf(net), 1);
  for (const [other, id] of net.idsElsewhere ?? []) other.nsids?.delete(id);
  for (const [, peer] of net.nsids?.entries() ?? []) peer.idsElsewhere?.delete(net);
}

/**
 * Devices that were made here are deleted; a physical one goes back to the first namespace.
 * @kernel net/core/dev.c default_device_exit_batch
 */
function defaultDeviceExit(net: NetNamespace): void {
  const first = net.kernel.namespaces[0]!;
  for (const dev of [...net.devices.values()].reverse()) {
    if (dev.net !== net || !net.devices.has(dev.ifindex)) continue;
    if ((dev.features & NETIF_F_NETNS_LOCAL) !== 0 && dev.rtnlLinkOps === undefined) continue;
    if (dev.rtnlLinkOps === undefined || dev.rtnlLinkOps.netnsRefund === true) {
      devChangeNetNamespace(dev, first, 'dev%d');
      continue;
    }
    const unlist: NetDevice[] = [];
    dev.rtnlLinkOps.delLink?.(dev, unlist);
    unregisterNetdeviceMany(unlist.length > 0 ? unlist : [dev]);
  }
}
