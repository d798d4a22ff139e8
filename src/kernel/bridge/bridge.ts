/** The Ethernet bridge: how it follows its ports, and what it registers (net/bridge/br.c). */
import { ETH_P_802_2 } from '../../uapi/if.ts';
import type { Kernel } from '../core/kernel.ts';
import { netifOperUp } from '../core/link-watch.ts';
import { NET_ADDR_SET, type NetDevice } from '../core/netdevice.ts';
import type { NetdevEvent, NotifierInfo } from '../core/notifier.ts';
import { registerBridgeFdb } from '../core/rtnl-fdb.ts';
import { brFdbChangeaddr, brFdbChangeMacAddress } from './br-fdb.ts';
import { bridgeFdbOps } from './br-fdb-netlink.ts';
import { brDelPort, brMtuAutoAdjust, brPortCarrierCheck } from './br-if.ts';
import { registerBrNetfilter } from './br-netfilter.ts';
import { brLinkOps } from './br-netlink.ts';
import { bridgeOf, brPortGet, isBridgeMaster } from './br-private.ts';
import { brStpDisablePort, brStpEnablePort, brStpRecalculateBridgeId } from './br-stp-if.ts';
import { llcRcv } from './br-stp-rcv.ts';
import { brVlanInit, hasVlanFiltering } from './br-vlan.ts';

/** @kernel net/bridge/br.c br_device_event */
function brDeviceEvent(event: NetdevEvent, dev: NetDevice, info: NotifierInfo): number {
  const { kernel } = dev.net;
  if (event === 'REGISTER' && isBridgeMaster(dev)) {
    brFdbChangeMacAddress(bridgeOf(dev), dev.addr);
    if (hasVlanFiltering(kernel)) brVlanInit(bridgeOf(dev));
    return 0;
  }
  const p = brPortGet(dev);
  if (p === undefined) return 0;
  const { br } = p;
  switch (event) {
    case 'CHANGEMTU':
      brMtuAutoAdjust(br);
      break;
    case 'PRE_CHANGEADDR':
      if (br.dev.addrAssignType === NET_ADDR_SET) break;
      return kernel.notify('PRE_CHANGEADDR', br.dev, info);
    case 'CHANGEADDR':
      brFdbChangeaddr(p, dev.addr);
      if (brStpRecalculateBridgeId(br)) kernel.notify('CHANGEADDR', br.dev);
      break;
    case 'CHANGE':
      brPortCarrierCheck(p);
      break;
    case 'DOWN':
      if (br.dev.running) brStpDisablePort(p);
      break;
    case 'UP':
      if (br.dev.running && netifOperUp(dev)) brStpEnablePort(p);
      break;
    case 'UNREGISTER':
      brDelPort(br, dev);
      break;
  }
  return 0;
}

/** Make the link kind `bridge` known, its forwarding database, and the spanning tree protocol. */
export function registerBridge(kernel: Kernel): void {
  kernel.linkKinds.set('bridge', brLinkOps);
  kernel.registerNotifier({ name: 'bridge', priority: 0, call: brDeviceEvent });
  kernel.packetHandlers.set(ETH_P_802_2, llcRcv);
  registerBridgeFdb(kernel, bridgeFdbOps);
  registerBrNetfilter(kernel);
}
