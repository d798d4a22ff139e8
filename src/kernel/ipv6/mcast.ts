/**
 * The one trace that IPv6 leaves on a device even where it is disabled: membership in the group of all
 * nodes, from the device's registration on (net/ipv6/mcast.c).
 */
import { EINVAL } from '../../uapi/errno.ts';
import { ARPHRD_ETHER } from '../../uapi/if.ts';
import type { Mac } from '../../wire/addr.ts';
import { devMcAdd, devMcDel } from '../core/dev-rx-mode.ts';
import type { Kernel } from '../core/kernel.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { NetDevice } from '../core/netdevice.ts';
import type { NetdevEvent } from '../core/notifier.ts';
import { sysctlDevNameIsAllowed } from '../core/sysctl.ts';

/** ff02::1 and, with the same address, ff01::1. */
const ALL_NODES: Mac = 0x3333_0000_0001;
/** ff02::6a, which bridges join (br_multicast_join_snoopers). */
const ALL_SNOOPERS: Mac = 0x3333_0000_006a;
/** Below this MTU a device has no IPv6 (RFC 8200 section 5). */
const IPV6_MIN_MTU = 1280;

const joined = new WeakSet<NetDevice>();

/** @kernel net/ipv6/addrconf.c addrconf_notify #P[everything but the membership of all nodes] */
function addrconfNotify(event: NetdevEvent, dev: NetDevice): number {
  if (event === 'UNREGISTER') {
    // The device's lists are emptied with it.
    joined.delete(dev);
    return 0;
  }
  if (event === 'CHANGENAME' && joined.has(dev) && !sysctlDevNameIsAllowed(dev.name)) return EINVAL;
  if (event !== 'REGISTER' && event !== 'CHANGEMTU') return 0;
  // The loopback device keeps IPv6 whatever its MTU.
  const wanted = dev.mtu >= IPV6_MIN_MTU || dev === dev.net.loopback;
  if (wanted === joined.has(dev)) return 0;
  if (wanted) {
    joined.add(dev);
    if (dev.type === ARPHRD_ETHER) devMcAdd(dev, ALL_NODES);
  } else {
    joined.delete(dev);
    if (dev.type === ARPHRD_ETHER) devMcDel(dev, ALL_NODES);
  }
  return 0;
}

/** /proc/net/igmp6. @kernel net/ipv6/mcast.c igmp6_mc_seq_show #P[groups of sockets and of addresses] */
export function procNetIgmp6(net: NetNamespace): string {
  let text = '';
  for (const dev of net.devices.values()) {
    if (!joined.has(dev)) continue;
    const head = `${String(dev.ifindex).padEnd(4)} ${dev.name.padEnd(15)}`;
    if (dev.mc.has(ALL_SNOOPERS)) text += `${head} ff02000000000000000000000000006a     1 00000004 0\n`;
    text += `${head} ff020000000000000000000000000001     1 0000000C 0\n`;
    text += `${head} ff010000000000000000000000000001     1 00000008 0\n`;
  }
  return text;
}

/** Follow the devices of all namespaces. */
export function registerIpv6Mcast(kernel: Kernel): void {
  kernel.registerNotifier({
    name: 'ipv6',
    priority: 0,
    call: addrconfNotify,
  });
}
