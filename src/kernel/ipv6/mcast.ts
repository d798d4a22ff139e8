/**
 * The one trace that IPv6 leaves on a device even where it is disabled: membership in the group of all
 * nodes, from the device's registration on (net/ipv6/mcast.c).
 */
import { ARPHRD_ETHER } from '../../uapi/if.ts';
import type { Mac } from '../../wire/addr.ts';
import { devMcAdd, devMcDel } from '../core/dev-rx-mode.ts';
import type { Kernel } from '../core/kernel.ts';
import type { NetDevice } from '../core/netdevice.ts';
import type { NetdevEvent } from '../core/notifier.ts';

/** ff02::1 and, with the same address, ff01::1. */
const ALL_NODES: Mac = 0x3333_0000_0001;
/** Below this MTU a device has no IPv6 (RFC 8200 section 5). */
const IPV6_MIN_MTU = 1280;

const joined = new WeakSet<NetDevice>();

/** @kernel net/ipv6/addrconf.c addrconf_notify #P[everything but the membership of all nodes] */
function addrconfNotify(event: NetdevEvent, dev: NetDevice): void {
  if (dev.type !== ARPHRD_ETHER) return;
  if (event === 'UNREGISTER') {
    // The device's lists are emptied with it.
    joined.delete(dev);
    return;
  }
  if (event !== 'REGISTER' && event !== 'CHANGEMTU') return;
  const wanted = dev.mtu >= IPV6_MIN_MTU;
  if (wanted === joined.has(dev)) return;
  if (wanted) {
    joined.add(dev);
    devMcAdd(dev, ALL_NODES);
  } else {
    joined.delete(dev);
    devMcDel(dev, ALL_NODES);
  }
}

/** Follow the devices of all namespaces. */
export function registerIpv6Mcast(kernel: Kernel): void {
  kernel.registerNotifier({
    name: 'ipv6',
    priority: 0,
    call(event, dev) {
      addrconfNotify(event, dev);
      return 0;
    },
  });
}
