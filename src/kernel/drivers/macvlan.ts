/** macvlan and macvtap: several MAC addresses, each a device, on one parent (drivers/net/macvlan.c). */
import { EADDRNOTAVAIL, EINVAL, ENODEV } from '../../uapi/errno.ts';
import {
  IFF_BROADCAST,
  IFF_MULTICAST,
  MACVLAN_FLAG_NODST,
  MACVLAN_FLAG_NOPROMISC,
  MACVLAN_MACADDR_ADD,
  MACVLAN_MACADDR_DEL,
  MACVLAN_MACADDR_FLUSH,
  MACVLAN_MACADDR_SET,
  MACVLAN_MODE_BRIDGE,
  MACVLAN_MODE_PASSTHRU,
  MACVLAN_MODE_PRIVATE,
  MACVLAN_MODE_SOURCE,
  MACVLAN_MODE_VEPA,
} from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { LinkRequest, MacvlanData } from '../../uapi/rtnetlink.ts';
import { isValidMac } from '../../wire/addr.ts';
import {
  devSetMtu,
  ethRandomAddr,
  netdevRxHandlerRegister,
  netdevUpperDevLink,
  netdevUpperDevUnlink,
  registerNetdevice,
  unregisterNetdeviceMany,
} from '../core/dev-config.ts';
import { devSetPromiscuity } from '../core/dev-rx-mode.ts';
import type { Kernel } from '../core/kernel.ts';
import { linkwatchFireEvent, netifStackedTransferOperstate } from '../core/link-watch.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import {
  IFF_MACVLAN,
  IFF_NO_QUEUE,
  IFF_UNICAST_FLT,
  NET_ADDR_RANDOM,
  NETREG_UNREGISTERING,
  type NetDevice,
  type RtnlLinkOps,
  RX_HANDLER_PASS,
} from '../core/netdevice.ts';
import type { NetdevEvent } from '../core/notifier.ts';
import {
  macvlanHardHeaderOps,
  macvlanOps,
  macvlanPortCreate,
  macvlanPortDestroy,
  macvlanSyncAddress,
} from './macvlan-netdev.ts';
import {
  isMacvlanPort,
  MACVLAN_DEFAULT_BC_QUEUE_LEN,
  type MacvlanDev,
  macvlanFlushSources,
  macvlanHashAddSource,
  macvlanHashDelSource,
  macvlanOf,
  macvlanPortOf,
  macvlanRecomputeBcFilter,
  macvlanSourcesOf,
  newMcFilter,
  updatePortBcQueueLen,
} from './macvlan-port.ts';

/** TUN_READQ_SIZE: length of the queue of a macvtap device. */
const TUN_READQ_SIZE = 500;

const MODES = [
  MACVLAN_MODE_PRIVATE,
  MACVLAN_MODE_VEPA,
  MACVLAN_MODE_BRIDGE,
  MACVLAN_MODE_PASSTHRU,
  MACVLAN_MODE_SOURCE,
];
const MACADDR_MODES = [MACVLAN_MACADDR_ADD, MACVLAN_MACADDR_DEL, MACVLAN_MACADDR_FLUSH, MACVLAN_MACADDR_SET];

function dataOf(request: LinkRequest): MacvlanData | undefined {
  return request.linkinfo?.data as MacvlanData | undefined;
}

/** @kernel drivers/net/macvlan.c macvlan_common_setup */
function macvlanCommonSetup(dev: NetDevice): void {
  dev.flags = IFF_BROADCAST | IFF_MULTICAST;
  dev.privFlags = IFF_UNICAST_FLT;
  dev.ops = macvlanOps;
  dev.headerOps = macvlanHardHeaderOps;
}

/** @kernel drivers/net/macvlan.c macvlan_setup */
function macvlanSetup(dev: NetDevice): void {
  macvlanCommonSetup(dev);
  dev.privFlags |= IFF_NO_QUEUE;
}

/** @kernel drivers/net/macvtap.c macvtap_setup */
function macvtapSetup(dev: NetDevice): void {
  macvlanCommonSetup(dev);
  dev.txQueueLen = TUN_READQ_SIZE;
}

/** @kernel drivers/net/macvlan.c macvlan_validate */
function macvlanValidate(request: LinkRequest): Ack {
  if (request.address !== undefined && !isValidMac(request.address)) return refuse(EADDRNOTAVAIL);
  const data = dataOf(request);
  if (data === undefined) return undefined;
  if (data.flags !== undefined && (data.flags & ~(MACVLAN_FLAG_NOPROMISC | MACVLAN_FLAG_NODST)) !== 0) {
    return refuse(EINVAL);
  }
  if (data.mode !== undefined && !MODES.includes(data.mode)) return refuse(EINVAL);
  if (data.macaddrMode !== undefined && !MACADDR_MODES.includes(data.macaddrMode)) return refuse(EINVAL);
  if (data.macaddr !== undefined && !isValidMac(data.macaddr)) return refuse(EADDRNOTAVAIL);
  if (data.macaddrData?.some((address) => !isValidMac(address))) return refuse(EADDRNOTAVAIL);
  return data.macaddrCount !== undefined ? refuse(EINVAL) : undefined;
}

/** @kernel drivers/net/macvlan.c macvlan_changelink_sources */
function changeSources(vlan: MacvlanDev, mode: number, data: MacvlanData): Ack {
  const { macaddr } = data;
  if (mode === MACVLAN_MACADDR_ADD || mode === MACVLAN_MACADDR_DEL) {
    if (macaddr === undefined) return refuse(EINVAL);
    if (mode === MACVLAN_MACADDR_ADD) macvlanHashAddSource(vlan, macaddr);
    else macvlanHashDelSource(vlan, macaddr);
    return undefined;
  }
  macvlanFlushSources(vlan);
  if (mode === MACVLAN_MACADDR_SET) {
    if (macaddr !== undefined) macvlanHashAddSource(vlan, macaddr);
    for (const address of data.macaddrData ?? []) macvlanHashAddSource(vlan, address);
  }
  return undefined;
}

/** @kernel drivers/net/macvlan.c macvlan_common_newlink */
function macvlanCommonNewlink(src: NetNamespace, dev: NetDevice, request: LinkRequest): Ack {
  if (request.link === undefined) return refuse(EINVAL);
  let lowerdev = src.devByIndex(request.link);
  if (lowerdev === undefined) return refuse(ENODEV);
  // On another macvlan: the device below that one is meant.
  if ((lowerdev.privFlags & IFF_MACVLAN) !== 0) lowerdev = macvlanOf(lowerdev).lowerdev;
  if (request.mtu === undefined) dev.mtu = lowerdev.mtu;
  else if (dev.mtu > lowerdev.mtu) return refuse(EINVAL);
  dev.maxMtu = lowerdev.maxMtu;
  if (request.address === undefined) {
    dev.addr = ethRandomAddr(dev.net);
    dev.addrAssignType = NET_ADDR_RANDOM;
  }
  const create = !isMacvlanPort(lowerdev);
  if (create) {
    const refused = macvlanPortCreate(lowerdev);
    if (refused !== undefined) return refused;
  }
  const refused = attachToPort(dev, lowerdev, dataOf(request) ?? {});
  if (refused !== undefined && isMacvlanPort(lowerdev)) {
    if (dev.priv !== undefined) macvlanFlushSources(macvlanOf(dev));
    if (create) macvlanPortDestroy(lowerdev);
  }
  return refused;
}

function attachToPort(dev: NetDevice, lowerdev: NetDevice, data: MacvlanData): Ack {
  const port = macvlanPortOf(lowerdev);
  if (port.passthru) return refuse(EINVAL);
  const vlan: MacvlanDev = {
    dev,
    lowerdev,
    port,
    mode: data.mode ?? MACVLAN_MODE_VEPA,
    flags: data.flags ?? 0,
    bcQueueLenReq: data.bcQueueLen ?? MACVLAN_DEFAULT_BC_QUEUE_LEN,
    mcFilter: newMcFilter(),
    mix: Math.imul(dev.uid, 0x9e37_79b1),
    bucket: -1,
    index: -1,
    macaddrCount: 0,
    rxErrors: 0,
  };
  dev.priv = vlan;
  if (vlan.mode === MACVLAN_MODE_PASSTHRU) {
    if (port.count > 0) return refuse(EINVAL);
    port.passthru = true;
    dev.addrAssignType = lowerdev.addrAssignType;
    dev.addr = lowerdev.addr;
  }
  if (data.macaddrMode !== undefined) {
    if (vlan.mode !== MACVLAN_MODE_SOURCE) return refuse(EINVAL);
    const refused = changeSources(vlan, data.macaddrMode, data);
    if (refused !== undefined) return refused;
  }
  if (data.bcCutoff !== undefined) updatePortBcCutoff(vlan, data.bcCutoff);
  const refused = registerNetdevice(dev);
  if (refused !== undefined) return refused;
  dev.privFlags |= IFF_MACVLAN;
  const unlinked = netdevUpperDevLink(lowerdev, dev);
  if (unlinked !== undefined) {
    unregisterNetdeviceMany([dev]);
    return unlinked;
  }
  port.vlans.push(vlan);
  port.bcQueueLenUsed = Math.max(port.bcQueueLenUsed, vlan.bcQueueLenReq);
  netifStackedTransferOperstate(lowerdev, dev);
  linkwatchFireEvent(dev);
  return undefined;
}

/** @kernel drivers/net/macvlan.c update_port_bc_cutoff */
function updatePortBcCutoff(vlan: MacvlanDev, cutoff: number): void {
  if (vlan.port.bcCutoff === cutoff) return;
  vlan.port.bcCutoff = cutoff;
  macvlanRecomputeBcFilter(vlan.port);
}

/** @kernel drivers/net/macvlan.c macvlan_dellink */
function macvlanDellink(dev: NetDevice, unlist: NetDevice[]): void {
  const vlan = macvlanOf(dev);
  const { vlans } = vlan.port;
  if (vlan.mode === MACVLAN_MODE_SOURCE) macvlanFlushSources(vlan);
  const at = vlans.indexOf(vlan);
  if (at >= 0) vlans.splice(at, 1);
  updatePortBcQueueLen(vlan.port);
  unlist.push(dev);
  netdevUpperDevUnlink(vlan.lowerdev, dev);
}

/** @kernel drivers/net/macvlan.c macvlan_changelink */
function macvlanChangelink(dev: NetDevice, request: LinkRequest): Ack {
  const vlan = macvlanOf(dev);
  const data = dataOf(request);
  if (data === undefined) return undefined;
  const { mode, flags, macaddrMode } = data;
  if (mode !== undefined) {
    if ((mode === MACVLAN_MODE_PASSTHRU) !== (vlan.mode === MACVLAN_MODE_PASSTHRU)) return refuse(EINVAL);
    if (vlan.mode === MACVLAN_MODE_SOURCE && vlan.mode !== mode) macvlanFlushSources(vlan);
  }
  if (flags !== undefined) {
    if (vlan.port.passthru && ((flags ^ vlan.flags) & MACVLAN_FLAG_NOPROMISC) !== 0) {
      const refused = devSetPromiscuity(vlan.lowerdev, (flags & MACVLAN_FLAG_NOPROMISC) !== 0 ? -1 : 1);
      if (refused !== undefined) return refused;
    }
    vlan.flags = flags;
  }
  if (data.bcQueueLen !== undefined) {
    vlan.bcQueueLenReq = data.bcQueueLen;
    vlan.port.bcQueueLenUsed = Math.max(vlan.port.bcQueueLenUsed, data.bcQueueLen);
    updatePortBcQueueLen(vlan.port);
  }
  if (data.bcCutoff !== undefined) updatePortBcCutoff(vlan, data.bcCutoff);
  if (mode !== undefined) vlan.mode = mode;
  if (macaddrMode === undefined) return undefined;
  if (vlan.mode !== MACVLAN_MODE_SOURCE) return refuse(EINVAL);
  return changeSources(vlan, macaddrMode, data);
}

/** @kernel drivers/net/macvlan.c macvlan_fill_info */
function macvlanFillInfo(dev: NetDevice): MacvlanData {
  const vlan = macvlanOf(dev);
  const data: MacvlanData = { mode: vlan.mode, flags: vlan.flags, macaddrCount: vlan.macaddrCount };
  if (vlan.macaddrCount > 0) data.macaddrData = macvlanSourcesOf(vlan);
  data.bcQueueLen = vlan.bcQueueLenReq;
  data.bcQueueLenUsed = vlan.port.bcQueueLenUsed;
  if (vlan.port.bcCutoff !== 1) data.bcCutoff = vlan.port.bcCutoff;
  return data;
}

/** @kernel drivers/net/macvlan.c macvlan_device_event */
function macvlanDeviceEvent(event: NetdevEvent, dev: NetDevice): number {
  if (!isMacvlanPort(dev)) return 0;
  const port = macvlanPortOf(dev);
  switch (event) {
    case 'UP':
    case 'DOWN':
    case 'CHANGE':
      for (const vlan of port.vlans) netifStackedTransferOperstate(vlan.lowerdev, vlan.dev);
      break;
    case 'FEAT_CHANGE':
      for (const vlan of port.vlans) {
        vlan.dev.tsoMaxSize = dev.tsoMaxSize;
        vlan.dev.tsoMaxSegs = dev.tsoMaxSegs;
      }
      break;
    case 'CHANGEMTU':
      for (const vlan of port.vlans) if (vlan.dev.mtu > dev.mtu) devSetMtu(vlan.dev, dev.mtu);
      break;
    case 'CHANGEADDR': {
      const vlan = port.passthru ? port.vlans[0] : undefined;
      const refused = vlan === undefined ? undefined : macvlanSyncAddress(vlan.dev, dev.addr);
      return refused?.errno ?? 0;
    }
    case 'UNREGISTER': {
      // A move to another namespace leaves the children where they are.
      if (dev.regState !== NETREG_UNREGISTERING) break;
      const unlist: NetDevice[] = [];
      for (const vlan of [...port.vlans]) vlan.dev.rtnlLinkOps?.delLink?.(vlan.dev, unlist);
      unregisterNetdeviceMany(unlist);
      break;
    }
    case 'NOTIFY_PEERS':
      for (const vlan of port.vlans) dev.net.kernel.notify(event, vlan.dev);
      break;
  }
  return 0;
}

const macvlanLinkOps: RtnlLinkOps = {
  kind: 'macvlan',
  setup: macvlanSetup,
  validate: macvlanValidate,
  newLink: macvlanCommonNewlink,
  changeLink: macvlanChangelink,
  delLink: macvlanDellink,
  fillInfo: macvlanFillInfo,
  getLinkNet: (dev) => macvlanOf(dev).lowerdev.net,
};

/** @kernel drivers/net/macvtap.c macvtap_newlink #P[the character device and its queues] */
function macvtapNewlink(src: NetNamespace, dev: NetDevice, request: LinkRequest): Ack {
  const busy = netdevRxHandlerRegister(dev, () => RX_HANDLER_PASS, undefined);
  return busy ?? macvlanCommonNewlink(src, dev, request);
}

const macvtapLinkOps: RtnlLinkOps = {
  ...macvlanLinkOps,
  kind: 'macvtap',
  setup: macvtapSetup,
  newLink: macvtapNewlink,
};

/** Make the link kinds `macvlan` and `macvtap` known. */
export function registerMacvlan(kernel: Kernel): void {
  kernel.linkKinds.set('macvlan', macvlanLinkOps);
  kernel.linkKinds.set('macvtap', macvtapLinkOps);
  kernel.registerNotifier({ name: 'macvlan', priority: 0, call: macvlanDeviceEvent });
}
