/** A device that swallows what it is given (drivers/net/dummy.c). */
import { EADDRNOTAVAIL } from '../../uapi/errno.ts';
import { IFF_BROADCAST, IFF_NOARP } from '../../uapi/if.ts';
import { refuse } from '../../uapi/result.ts';
import { isValidMac } from '../../wire/addr.ts';
import { ethMacAddr, ethRandomAddr, ethValidateAddr, registerNetdevice } from '../core/dev-config.ts';
import type { Kernel } from '../core/kernel.ts';
import { netifCarrierOff, netifCarrierOn } from '../core/link-watch.ts';
import {
  IFF_LIVE_ADDR_CHANGE,
  IFF_NO_QUEUE,
  NET_ADDR_RANDOM,
  NETDEV_TX_OK,
  NETIF_F_HW_CSUM,
  type NetDevice,
  type NetDeviceOps,
} from '../core/netdevice.ts';
import { consumeSkb, type SkBuff } from '../core/skbuff.ts';

/** @kernel drivers/net/dummy.c dummy_xmit */
function dummyXmit(skb: SkBuff, dev: NetDevice): number {
  dev.stats.txPackets++;
  dev.stats.txBytes += skb.len;
  consumeSkb(skb, 'dummy_xmit');
  return NETDEV_TX_OK;
}

const dummyOps: NetDeviceOps = {
  startXmit: dummyXmit,
  setMacAddress: ethMacAddr,
  validateAddr: ethValidateAddr,
  setRxMode() {},
  changeCarrier(dev, on) {
    if (on) netifCarrierOn(dev);
    else netifCarrierOff(dev);
    return undefined;
  },
};

/** @kernel drivers/net/dummy.c dummy_setup */
function dummySetup(dev: NetDevice): void {
  dev.ops = dummyOps;
  dev.flags = IFF_BROADCAST | IFF_NOARP;
  dev.privFlags = IFF_LIVE_ADDR_CHANGE | IFF_NO_QUEUE;
  dev.features = NETIF_F_HW_CSUM;
  dev.minMtu = 0;
  dev.maxMtu = 0;
}

export function registerDummy(kernel: Kernel): void {
  kernel.linkKinds.set('dummy', {
    kind: 'dummy',
    setup: dummySetup,
    validate: ({ address }) => (address !== undefined && !isValidMac(address) ? refuse(EADDRNOTAVAIL) : undefined),
    newLink(_src, dev, request) {
      if (request.address === undefined) {
        dev.addr = ethRandomAddr(dev.net);
        dev.addrAssignType = NET_ADDR_RANDOM;
      }
      return registerNetdevice(dev);
    },
    delLink: (dev, unlist) => void unlist.push(dev),
    fillInfo: () => ({}),
  });
}
