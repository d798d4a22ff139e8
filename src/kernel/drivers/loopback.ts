/** The loopback device: what it sends it receives (drivers/net/loopback.c). */
import { ARPHRD_LOOPBACK, IFF_LOOPBACK } from '../../uapi/if.ts';
import { allocNetdev, ethMacAddr, registerNetdevice } from '../core/dev-config.ts';
import { ethTypeTrans, netifRx } from '../core/dev-receive.ts';
import type { Kernel } from '../core/kernel.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import {
  IFF_LIVE_ADDR_CHANGE,
  IFF_NO_QUEUE,
  NETDEV_TX_OK,
  NETIF_F_HW_CSUM,
  NETIF_F_LOOPBACK,
  NETIF_F_NETNS_LOCAL,
  NETIF_F_VLAN_CHALLENGED,
  type NetDevice,
  type NetDeviceOps,
} from '../core/netdevice.ts';
import type { SkBuff } from '../core/skbuff.ts';

/** @kernel drivers/net/loopback.c loopback_xmit */
function loopbackXmit(skb: SkBuff, dev: NetDevice): number {
  // The route stays on the frame: input need not be looked up again.
  ethTypeTrans(skb, dev);
  // Counted is what is left without the Ethernet header.
  const length = skb.len;
  if (netifRx(skb)) {
    dev.stats.txPackets++;
    dev.stats.txBytes += length;
    dev.stats.rxPackets++;
    dev.stats.rxBytes += length;
  }
  return NETDEV_TX_OK;
}

const loopbackOps: NetDeviceOps = { startXmit: loopbackXmit, setMacAddress: ethMacAddr };

/** @kernel drivers/net/loopback.c loopback_net_init */
function loopbackNetInit(net: NetNamespace): void {
  const dev = allocNetdev(net, 'lo', loopbackOps);
  dev.type = ARPHRD_LOOPBACK;
  dev.mtu = 65536;
  dev.minMtu = 0;
  dev.maxMtu = 0;
  dev.broadcast = 0;
  dev.flags = IFF_LOOPBACK;
  dev.privFlags = IFF_LIVE_ADDR_CHANGE | IFF_NO_QUEUE;
  dev.features = NETIF_F_HW_CSUM | NETIF_F_NETNS_LOCAL | NETIF_F_VLAN_CHALLENGED | NETIF_F_LOOPBACK;
  dev.tsoMaxSize = 524280;
  net.loopback = dev;
  const refused = registerNetdevice(dev);
  if (refused !== undefined) throw new Error(`lo cannot be registered: error ${refused.errno}`);
}

export function registerLoopback(kernel: Kernel): void {
  kernel.pernet.push({ name: 'loopback', init: loopbackNetInit });
}
