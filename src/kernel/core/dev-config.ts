/** The life of a device: allocation, registration, up and down, MTU, address, name (net/core/dev.c). */
import { EADDRNOTAVAIL, EBUSY, EEXIST, EINVAL, EOPNOTSUPP } from '../../uapi/errno.ts';
import {
  IFF_ALLMULTI,
  IFF_AUTOMEDIA,
  IFF_DEBUG,
  IFF_DYNAMIC,
  IFF_MULTICAST,
  IFF_NOARP,
  IFF_NOTRAILERS,
  IFF_PORTSEL,
  IFF_PROMISC,
  IFF_UP,
  IFNAMSIZ,
} from '../../uapi/if.ts';
import { type Ack, isRefusal, type Refusal, refuse } from '../../uapi/result.ts';
import { isValidMac, type Mac } from '../../wire/addr.ts';
import { HwAddrList } from './dev-addr-lists.ts';
import { devSetAllmulti, devSetPromiscuity, devSetRxMode } from './dev-rx-mode.ts';
import { devActivate, devDeactivate, linkwatchInitDev } from './link-watch.ts';
import type { NetNamespace } from './net-namespace.ts';
import {
  IFF_LIVE_ADDR_CHANGE,
  NET_ADDR_SET,
  NETREG_REGISTERED,
  NETREG_RELEASED,
  NETREG_UNREGISTERING,
  NetDevice,
  type NetDeviceOps,
  type RtnlLinkOps,
  type RxHandler,
} from './netdevice.ts';

/** @kernel net/core/dev.c dev_valid_name */
export function devValidName(name: string): boolean {
  return name !== '' && name.length < IFNAMSIZ && name !== '.' && name !== '..' && !/[/:\s]/.test(name);
}

/**
 * The name itself, or the first free one for a name with `%d`.
 * @kernel net/core/dev.c __dev_alloc_name
 */
export function devAllocName(net: NetNamespace, pattern: string): string | Refusal {
  if (!devValidName(pattern)) return refuse(EINVAL);
  const cut = pattern.indexOf('%');
  if (cut < 0) return net.names.has(pattern) ? refuse(EEXIST) : pattern;
  if (pattern[cut + 1] !== 'd' || pattern.includes('%', cut + 2)) return refuse(EINVAL);
  net.takenNumbers ??= new Map();
  for (let i = net.takenNumbers.get(pattern) ?? 0; ; i++) {
    const name = pattern.slice(0, cut) + i + pattern.slice(cut + 2);
    if (net.names.has(name)) continue;
    net.takenNumbers.set(pattern, i);
    return name;
  }
}

/** A device without a kind yet: ops that refuse frames do not exist, so give them at once. */
export function allocNetdev(net: NetNamespace, name: string, ops: NetDeviceOps): NetDevice {
  return new NetDevice(net, net.kernel.nextUid(), name, ops, new HwAddrList(), new HwAddrList());
}

/** The device that `kind` sets up, named `name`; not registered. */
export function rtnlCreateLink(net: NetNamespace, name: string, kind: RtnlLinkOps): NetDevice {
  const dev = allocNetdev(net, name, NO_OPS);
  dev.rtnlLinkOps = kind;
  dev.numTxQueues = kind.numTxQueues ?? 1;
  dev.numRxQueues = kind.numTxQueues ?? 1;
  kind.setup(dev);
  return dev;
}

const NO_OPS: NetDeviceOps = {
  startXmit() {
    throw new Error('a device without a kind was given a frame');
  },
};

/** Random, locally administered, unicast. @kernel include/linux/etherdevice.h eth_random_addr */
export function ethRandomAddr(net: NetNamespace): Mac {
  const random = net.kernel.random;
  const first = ((random.u32() >>> 24) & 0xfe) | 0x02;
  return (first * 256 + (random.u32() >>> 24)) * 0x1_0000_0000 + random.u32();
}

/**
 * Put a device into its namespace. Its name may hold `%d`.
 * @kernel net/core/dev.c register_netdevice
 */
export function registerNetdevice(dev: NetDevice): Ack {
  const { net } = dev;
  const name = devAllocName(net, dev.name);
  if (isRefusal(name)) return name;
  dev.name = name;
  if (dev.ifindex !== 0 && net.devices.has(dev.ifindex)) return refuse(EBUSY);
  const refused = dev.ops.init?.(dev);
  if (refused !== undefined) return refused;
  if (dev.ifindex === 0) dev.ifindex = newIndex(net);
  dev.regState = NETREG_REGISTERED;
  linkwatchInitDev(dev);
  listNetdevice(dev);
  const errno = net.kernel.notify('REGISTER', dev);
  if (errno === 0) return undefined;
  unregisterNetdeviceMany([dev]);
  return refuse(errno);
}

/** @kernel net/core/dev.c dev_new_index */
function newIndex(net: NetNamespace): number {
  do net.lastIfindex++;
  while (net.devices.has(net.lastIfindex));
  return net.lastIfindex;
}

function listNetdevice(dev: NetDevice): void {
  dev.net.devices.set(dev.ifindex, dev);
  dev.net.names.set(dev.name, dev);
  for (const altname of dev.altnames) dev.net.names.set(altname, dev);
}

function unlistNetdevice(dev: NetDevice): void {
  dev.net.devices.delete(dev.ifindex);
  dev.net.forgetName(dev.name);
  for (const altname of dev.altnames) dev.net.forgetName(altname);
}

/**
 * Take devices out of their namespaces; all are closed first.
 * @kernel net/core/dev.c unregister_netdevice_many
 */
export function unregisterNetdeviceMany(devs: readonly NetDevice[]): void {
  const going = devs.filter((dev) => dev.regState === NETREG_REGISTERED);
  for (const dev of going) devClose(dev);
  for (const dev of going) {
    if (dev.regState !== NETREG_REGISTERED) continue;
    unlistNetdevice(dev);
    dev.regState = NETREG_UNREGISTERING;
  }
  for (const dev of going) {
    if (dev.regState !== NETREG_UNREGISTERING) continue;
    dev.net.kernel.notify('UNREGISTER', dev);
    dev.uc.clear();
    dev.mc.clear();
    dev.ops.uninit?.(dev);
    dev.regState = NETREG_RELEASED;
  }
}

/** What the kind would have deleted with the device: itself, its peer, its children. */
export function deleteLink(dev: NetDevice): Ack {
  const kind = dev.rtnlLinkOps;
  if (kind?.delLink === undefined) return refuse(EOPNOTSUPP);
  const unlist: NetDevice[] = [];
  kind.delLink(dev, unlist);
  unregisterNetdeviceMany(unlist);
  return undefined;
}

/** @kernel net/core/dev.c __dev_open */
function openDevice(dev: NetDevice): Ack {
  const { kernel } = dev.net;
  const errno = kernel.notify('PRE_UP', dev);
  if (errno !== 0) return refuse(errno);
  dev.running = true;
  const refused = dev.ops.validateAddr?.(dev) ?? dev.ops.open?.(dev);
  if (refused !== undefined) {
    dev.running = false;
    return refused;
  }
  dev.flags |= IFF_UP;
  devSetRxMode(dev);
  devActivate(dev);
  return undefined;
}

/** @kernel net/core/dev.c __dev_close_many */
function closeDevice(dev: NetDevice): void {
  dev.net.kernel.notify('GOING_DOWN', dev);
  dev.running = false;
  devDeactivate(dev);
  dev.ops.stop?.(dev);
  dev.flags &= ~IFF_UP;
}

/** @kernel net/core/dev.c dev_close */
export function devClose(dev: NetDevice): void {
  if ((dev.flags & IFF_UP) === 0) return;
  closeDevice(dev);
  dev.net.kernel.notify('DOWN', dev);
}

const SETTABLE = IFF_DEBUG | IFF_NOTRAILERS | IFF_NOARP | IFF_DYNAMIC | IFF_MULTICAST | IFF_PORTSEL | IFF_AUTOMEDIA;
/** Flags that a driver or the kernel keeps: include/uapi/linux/if.h IFF_VOLATILE. */
const VOLATILE = 0x8 | 0x10 | 0x2 | 0x40000 | 0x400 | 0x800 | 0x40 | 0x10000 | 0x20000;

/**
 * Set the flags of a device, up and down included.
 * @kernel net/core/dev.c dev_change_flags
 */
export function devChangeFlags(dev: NetDevice, flags: number): Ack {
  const { kernel } = dev.net;
  const old = dev.flags;
  dev.flags = (flags & SETTABLE) | (dev.flags & (IFF_UP | VOLATILE | IFF_PROMISC | IFF_ALLMULTI));
  if (((old ^ flags) & IFF_MULTICAST) !== 0) dev.ops.changeRxFlags?.(dev, IFF_MULTICAST);
  devSetRxMode(dev);
  let refused: Ack;
  if (((old ^ flags) & IFF_UP) !== 0) {
    if ((old & IFF_UP) !== 0) closeDevice(dev);
    else refused = openDevice(dev);
  }
  if (((flags ^ dev.gflags) & IFF_PROMISC) !== 0) {
    dev.gflags ^= IFF_PROMISC;
    devSetPromiscuity(dev, (flags & IFF_PROMISC) !== 0 ? 1 : -1);
  }
  if (((flags ^ dev.gflags) & IFF_ALLMULTI) !== 0) {
    dev.gflags ^= IFF_ALLMULTI;
    devSetAllmulti(dev, (flags & IFF_ALLMULTI) !== 0 ? 1 : -1);
  }
  if (refused !== undefined) return refused;
  const changes = dev.flags ^ old;
  if ((changes & IFF_UP) !== 0) kernel.notify((dev.flags & IFF_UP) !== 0 ? 'UP' : 'DOWN', dev);
  else if ((dev.flags & IFF_UP) !== 0 && (changes & ~(IFF_PROMISC | IFF_ALLMULTI)) !== 0) {
    kernel.notify('CHANGE', dev, { flagsChanged: changes });
  }
  return undefined;
}

/** @kernel net/core/dev.c dev_validate_mtu */
export function devValidateMtu(dev: NetDevice, mtu: number): Ack {
  if (mtu < 0 || mtu < dev.minMtu) return refuse(EINVAL, 'mtu less than device minimum');
  if (dev.maxMtu > 0 && mtu > dev.maxMtu) return refuse(EINVAL, 'mtu greater than device maximum');
  return undefined;
}

/** @kernel net/core/dev.c dev_set_mtu_ext */
export function devSetMtu(dev: NetDevice, mtu: number): Ack {
  if (mtu === dev.mtu) return undefined;
  const invalid = devValidateMtu(dev, mtu);
  if (invalid !== undefined) return invalid;
  const { kernel } = dev.net;
  const errno = kernel.notify('PRECHANGEMTU', dev, { mtu });
  if (errno !== 0) return refuse(errno);
  const old = dev.mtu;
  const refused = setMtu(dev, mtu);
  if (refused !== undefined) return refused;
  const late = kernel.notify('CHANGEMTU', dev, { mtu: old });
  if (late !== 0) {
    setMtu(dev, old);
    kernel.notify('CHANGEMTU', dev, { mtu });
    return refuse(late);
  }
  return undefined;
}

function setMtu(dev: NetDevice, mtu: number): Ack {
  if (dev.ops.changeMtu !== undefined) return dev.ops.changeMtu(dev, mtu);
  dev.mtu = mtu;
  return undefined;
}

/** A device may not go up with a group address or none. @kernel net/ethernet/eth.c eth_validate_addr */
export function ethValidateAddr(dev: NetDevice): Ack {
  return isValidMac(dev.addr) ? undefined : refuse(EADDRNOTAVAIL);
}

/** The plain way for an Ethernet device to take an address. @kernel net/ethernet/eth.c eth_mac_addr */
export function ethMacAddr(dev: NetDevice, address: Mac): Ack {
  if ((dev.privFlags & IFF_LIVE_ADDR_CHANGE) === 0 && dev.running) return refuse(EBUSY);
  if (!isValidMac(address)) return refuse(EADDRNOTAVAIL);
  dev.addr = address;
  return undefined;
}

/** @kernel net/core/dev.c dev_set_mac_address */
export function devSetMacAddress(dev: NetDevice, address: Mac): Ack {
  const { kernel } = dev.net;
  if (dev.ops.setMacAddress === undefined) return refuse(EOPNOTSUPP);
  const errno = kernel.notify('PRE_CHANGEADDR', dev, { address });
  if (errno !== 0) return refuse(errno);
  if (address !== dev.addr) {
    const refused = dev.ops.setMacAddress(dev, address);
    if (refused !== undefined) return refused;
  }
  dev.addrAssignType = NET_ADDR_SET;
  kernel.notify('CHANGEADDR', dev);
  return undefined;
}

/** @kernel net/core/dev.c dev_change_name */
export function devChangeName(dev: NetDevice, pattern: string): Ack {
  const { net } = dev;
  if (pattern === dev.name) return undefined;
  const name = devAllocName(net, pattern);
  if (isRefusal(name)) return name;
  const old = dev.name;
  const rename = (to: string): number => {
    net.forgetName(dev.name);
    dev.name = to;
    net.names.set(to, dev);
    return net.kernel.notify('CHANGENAME', dev);
  };
  const errno = rename(name);
  if (errno === 0) return undefined;
  rename(old);
  return refuse(errno);
}

/** @kernel net/core/dev.c dev_change_tx_queue_len */
export function devChangeTxQueueLen(dev: NetDevice, length: number): Ack {
  dev.txQueueLen = length;
  dev.net.kernel.notify('CHANGE_TX_QUEUE_LEN', dev);
  return undefined;
}

/**
 * Move a device to another namespace: it goes down, leaves, and is registered there under the same
 * index if that is free.
 * @kernel net/core/dev.c __dev_change_net_namespace
 */
export function devChangeNetNamespace(
  dev: NetDevice,
  net: NetNamespace,
  pattern: string | undefined,
  ifindex = 0,
): Ack {
  if (dev.net === net) return undefined;
  let name = dev.name;
  if (net.names.has(name)) {
    if (pattern === undefined) {
      return refuse(EEXIST, 'An interface with the same name exists in the target netns');
    }
    const allocated = devAllocName(net, pattern);
    if (isRefusal(allocated)) {
      return refuse(allocated.errno, `Unable to use '${pattern}' for the new interface name in the target netns`);
    }
    name = allocated;
  }
  if (ifindex !== 0 && net.devices.has(ifindex)) {
    return refuse(EBUSY, `The ifindex ${ifindex} is not available in the target netns`);
  }
  devClose(dev);
  unlistNetdevice(dev);
  const { kernel } = dev.net;
  kernel.notify('UNREGISTER', dev, { moving: true });
  // The message that tells of the move names the new namespace, which gets its id here.
  dev.net.peernet2idAlloc(net);
  dev.uc.clear();
  dev.mc.clear();
  dev.qdisc = 'noop';
  dev.net = net;
  if (ifindex !== 0) dev.ifindex = ifindex;
  else if (net.devices.has(dev.ifindex)) dev.ifindex = newIndex(net);
  dev.name = name;
  listNetdevice(dev);
  kernel.notify('REGISTER', dev, { moving: true });
  return undefined;
}

/** @kernel net/core/dev.c netdev_rx_handler_register */
export function netdevRxHandlerRegister(dev: NetDevice, handler: RxHandler, data: unknown): Ack {
  if (dev.rxHandler !== undefined) return refuse(EBUSY);
  dev.rxHandler = handler;
  dev.rxHandlerData = data;
  return undefined;
}

/** @kernel net/core/dev.c netdev_rx_handler_unregister */
export function netdevRxHandlerUnregister(dev: NetDevice): void {
  dev.rxHandler = undefined;
  dev.rxHandlerData = undefined;
}

/**
 * Stack `upper` on `dev`; as its master when `master` is set.
 * @kernel net/core/dev.c netdev_upper_dev_link
 */
export function netdevUpperDevLink(dev: NetDevice, upper: NetDevice, master = false): Ack {
  // A loop of devices: `dev` is already above `upper`.
  if (dev === upper || isAbove(dev, upper)) return refuse(EBUSY);
  if (isLinked(dev, upper)) return refuse(master && dev.master !== undefined ? EBUSY : EEXIST);
  if (master && dev.master !== undefined) return refuse(EBUSY);
  const { kernel } = dev.net;
  const errno = kernel.notify('PRECHANGEUPPER', dev, { upper, linking: true, master });
  if (errno !== 0) return refuse(errno);
  addUpper(dev, upper);
  // Most devices have one below them: concat makes a list without room to grow.
  upper.lower = upper.lower.concat(dev);
  if (master) dev.master = upper;
  kernel.notify('CHANGEUPPER', dev, { upper, linking: true, master });
  return undefined;
}

/** The empty list is shared by all devices; one that has entries is the device's own. */
function addUpper(dev: NetDevice, upper: NetDevice): void {
  if (dev.upper.length === 0) dev.upper = [upper];
  else (dev.upper as NetDevice[]).push(upper);
}

/** Whether `upper` is stacked on `dev` directly; either may have thousands at its other side. */
function isLinked(dev: NetDevice, upper: NetDevice): boolean {
  return dev.upper.length < upper.lower.length ? dev.upper.includes(upper) : upper.lower.includes(dev);
}

/** Whether `to` is stacked on `from`, at any depth. */
function isAbove(to: NetDevice, from: NetDevice): boolean {
  return from.upper.some((next) => next === to || isAbove(to, next));
}

/** @kernel net/core/dev.c netdev_upper_dev_unlink */
export function netdevUpperDevUnlink(dev: NetDevice, upper: NetDevice): void {
  const at = dev.upper.indexOf(upper);
  if (at < 0) return;
  const master = dev.master === upper;
  (dev.upper as NetDevice[]).splice(at, 1);
  upper.lower = upper.lower.filter((lower) => lower !== dev);
  if (master) dev.master = undefined;
  dev.net.kernel.notify('CHANGEUPPER', dev, { upper, linking: false, master });
}

/** @kernel net/core/dev.c netdev_state_change */
export function netdevStateChange(dev: NetDevice): void {
  if ((dev.flags & IFF_UP) !== 0) dev.net.kernel.notify('CHANGE', dev, { flagsChanged: 0 });
}
