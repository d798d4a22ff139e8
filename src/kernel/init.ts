/** A kernel with all that it models: drivers and protocols register themselves here, and nowhere else. */
import { registerVlan } from './8021q/vlan.ts';
import { registerBridge } from './bridge/bridge.ts';
import { registerDevSysctls } from './core/dev-sysctl.ts';
import { Kernel, type KernelOptions } from './core/kernel.ts';
import { allocateEventNsids } from './core/rtnl-link.ts';
import { registerDummy } from './drivers/dummy.ts';
import { registerLoopback } from './drivers/loopback.ts';
import { registerMacvlan } from './drivers/macvlan.ts';
import { registerVeth } from './drivers/veth.ts';
import { registerInet } from './ipv4/af-inet.ts';
import { registerAddrconfSysctls } from './ipv6/addrconf-sysctl.ts';
import { registerIpv6Input } from './ipv6/ip6-input.ts';
import { registerIpv6Mcast } from './ipv6/mcast.ts';
import { registerNetfilter } from './netfilter/netfilter.ts';
import { registerPacket } from './packet/af-packet.ts';

/** Boot: the first namespace exists when this returns, with `lo` in it. */
export function bootKernel(options: KernelOptions): Kernel {
  const kernel = new Kernel(options);
  // In the order of Linux's initcalls, which is the order in which they hear of changes to devices.
  registerDevSysctls(kernel);
  registerInet(kernel);
  registerIpv6Input(kernel);
  registerIpv6Mcast(kernel);
  registerAddrconfSysctls(kernel);
  registerLoopback(kernel);
  registerVeth(kernel);
  registerDummy(kernel);
  registerMacvlan(kernel);
  registerVlan(kernel);
  registerBridge(kernel);
  registerPacket(kernel);
  registerNetfilter(kernel);
  kernel.registerNotifier({
    name: 'rtnetlink',
    priority: -1,
    call(event, dev) {
      if (event !== 'UNREGISTER' && event !== 'GOING_DOWN' && !event.startsWith('PRE')) allocateEventNsids(dev);
      return 0;
    },
  });
  kernel.createNamespace().users++;
  return kernel;
}
