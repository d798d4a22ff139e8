/** RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH of family AF_BRIDGE: `bridge fdb` (net/core/rtnetlink.c). */
import { EINVAL, ENODEV, EOPNOTSUPP } from '../../uapi/errno.ts';
import { ARPHRD_ETHER } from '../../uapi/if.ts';
import { type Ack, isRefusal, type Refusal, refuse } from '../../uapi/result.ts';
import {
  type FdbDump,
  type FdbMessage,
  type FdbRequest,
  NLM_F_EXCL,
  NTF_MASTER,
  NTF_SELF,
  NUD_PERMANENT,
} from '../../uapi/rtnetlink.ts';
import { isMulticastMac, type Mac } from '../../wire/addr.ts';
import { devMcAddExcl, devMcDel, devUcAddExcl, devUcDel } from './dev-rx-mode.ts';
import type { Kernel } from './kernel.ts';
import type { NetNamespace } from './net-namespace.ts';
import { IFF_BRIDGE_PORT, IFF_EBRIDGE, type NetDevice } from './netdevice.ts';

export interface FdbFlushFilter {
  vlan?: number;
  brport?: number;
  state?: number;
  stateMask?: number;
  flags?: number;
  flagsMask?: number;
}

/** The forwarding database of bridges; `dev` is a bridge or a port of one. */
export interface BridgeFdbOps {
  add(dev: NetDevice, request: FdbRequest, nlmFlags: number): Ack;
  del(dev: NetDevice, address: Mac, vid: number): Ack;
  flush(dev: NetDevice, filter: FdbFlushFilter): Ack;
  /** Entries of a port, or those of the bridge itself. `dev` is the bridge. */
  dump(dev: NetDevice, port: NetDevice | undefined): FdbMessage[];
  get(dev: NetDevice, address: Mac, vid: number): FdbMessage | Refusal;
}

const registered = new WeakMap<Kernel, BridgeFdbOps>();

/** The bridge makes its database known. */
export function registerBridgeFdb(kernel: Kernel, ops: BridgeFdbOps): void {
  registered.set(kernel, ops);
}

function bridgeOps(dev: NetDevice): BridgeFdbOps | undefined {
  return registered.get(dev.net.kernel);
}

function isBridgePort(dev: NetDevice): boolean {
  return (dev.privFlags & IFF_BRIDGE_PORT) !== 0;
}

function isBridge(dev: NetDevice): boolean {
  return (dev.privFlags & IFF_EBRIDGE) !== 0;
}

/** 01-80-C2-00-00-0X. @kernel include/linux/etherdevice.h is_link_local_ether_addr */
function isLinkLocal(address: Mac): boolean {
  return Math.floor(address / 16) === 0x0180_c200_000;
}

/** The device of a request, checked. */
function deviceOf(net: NetNamespace, ifindex: number, what: string): NetDevice | Refusal {
  if (ifindex === 0) return refuse(EINVAL, 'invalid ifindex');
  const dev = net.devByIndex(ifindex);
  if (dev === undefined) return refuse(ENODEV, 'unknown ifindex');
  if (dev.type !== ARPHRD_ETHER) return refuse(EINVAL, `FDB ${what} only supported for Ethernet devices`);
  return dev;
}

function vlanInvalid(vlan: number | undefined): boolean {
  return vlan !== undefined && (vlan === 0 || vlan >= 0xfff);
}

/** @kernel net/core/rtnetlink.c ndo_dflt_fdb_add */
function defaultAdd(dev: NetDevice, request: FdbRequest, nlmFlags: number): Ack {
  const state = request.state ?? 0;
  if (state !== 0 && (state & NUD_PERMANENT) === 0) return refuse(EINVAL);
  if (request.vlan !== undefined) return refuse(EINVAL);
  const { lladdr } = request;
  const unicast = !isMulticastMac(lladdr) || isLinkLocal(lladdr);
  const refused = unicast ? devUcAddExcl(dev, lladdr) : devMcAddExcl(dev, lladdr);
  // A duplicate matters only to those who ask.
  return (nlmFlags & NLM_F_EXCL) === 0 ? undefined : refused;
}

/** @kernel net/core/rtnetlink.c rtnl_fdb_add */
export function rtnlFdbAdd(net: NetNamespace, request: FdbRequest, nlmFlags: number): Ack {
  const dev = deviceOf(net, request.ifindex, 'add');
  if (isRefusal(dev)) return dev;
  if (vlanInvalid(request.vlan)) return refuse(EINVAL, 'invalid vlan id');
  const flags = request.flags ?? 0;
  let ack: Ack = refuse(EOPNOTSUPP);
  if ((flags === 0 || (flags & NTF_MASTER) !== 0) && isBridgePort(dev)) {
    ack = bridgeOps(dev)!.add(dev, request, nlmFlags);
    if (ack !== undefined) return ack;
  }
  if ((flags & NTF_SELF) === 0) return ack;
  if (isBridge(dev)) return bridgeOps(dev)!.add(dev, request, nlmFlags);
  if (dev.ops.fdbAdd !== undefined) {
    return dev.ops.fdbAdd(dev, request.lladdr, request.vlan ?? 0, request.state ?? 0, flags, nlmFlags);
  }
  return defaultAdd(dev, request, nlmFlags);
}

/** @kernel net/core/rtnetlink.c ndo_dflt_fdb_del */
function defaultDel(dev: NetDevice, request: FdbRequest): Ack {
  if (((request.state ?? 0) & NUD_PERMANENT) === 0) return refuse(EINVAL);
  const { lladdr } = request;
  return !isMulticastMac(lladdr) || isLinkLocal(lladdr) ? devUcDel(dev, lladdr) : devMcDel(dev, lladdr);
}

/** @kernel net/core/rtnetlink.c rtnl_fdb_del */
export function rtnlFdbDel(net: NetNamespace, request: FdbRequest): Ack {
  const dev = deviceOf(net, request.ifindex, 'delete');
  if (isRefusal(dev)) return dev;
  if (vlanInvalid(request.vlan)) return refuse(EINVAL, 'invalid vlan id');
  const flags = request.flags ?? 0;
  const { lladdr, vlan = 0 } = request;
  let ack: Ack = refuse(EOPNOTSUPP);
  if ((flags === 0 || (flags & NTF_MASTER) !== 0) && isBridgePort(dev)) {
    ack = bridgeOps(dev)!.del(dev, lladdr, vlan);
    if (ack !== undefined) return ack;
  }
  if ((flags & NTF_SELF) === 0) return ack;
  if (isBridge(dev)) return bridgeOps(dev)!.del(dev, lladdr, vlan);
  return dev.ops.fdbDel !== undefined ? dev.ops.fdbDel(dev, lladdr, vlan) : defaultDel(dev, request);
}

/** RTM_DELNEIGH with NLM_F_BULK. */
export function rtnlFdbFlush(net: NetNamespace, ifindex: number, filter: FdbFlushFilter): Ack {
  const dev = deviceOf(net, ifindex, 'delete');
  if (isRefusal(dev)) return dev;
  if (vlanInvalid(filter.vlan)) return refuse(EINVAL, 'invalid vlan id');
  const flags = filter.flags ?? 0;
  let ack: Ack = refuse(EOPNOTSUPP);
  if ((flags === 0 || (flags & NTF_MASTER) !== 0) && isBridgePort(dev)) {
    ack = bridgeOps(dev)!.flush(dev, filter);
    if (ack !== undefined) return ack;
  }
  if ((flags & NTF_SELF) === 0) return ack;
  return isBridge(dev) ? bridgeOps(dev)!.flush(dev, filter) : refuse(EOPNOTSUPP);
}

/** The device's own lists. @kernel net/core/rtnetlink.c ndo_dflt_fdb_dump */
function defaultDump(dev: NetDevice, messages: FdbMessage[]): void {
  if (dev.type !== ARPHRD_ETHER) return;
  for (const list of [dev.uc, dev.mc]) {
    for (const { address } of list) {
      messages.push({ ifindex: dev.ifindex, lladdr: address, state: NUD_PERMANENT, flags: NTF_SELF });
    }
  }
}

/** @kernel net/core/rtnetlink.c rtnl_fdb_dump */
export function rtnlFdbDump(net: NetNamespace, filter: FdbDump = {}): FdbMessage[] {
  const messages: FdbMessage[] = [];
  const bridge = filter.bridge === undefined ? undefined : net.devByIndex(filter.bridge);
  if (filter.bridge !== undefined && bridge === undefined) return messages;
  const devices = [...net.devices.values()].sort((a, b) => a.ifindex - b.ifindex);
  for (const dev of devices) {
    if (filter.brport !== undefined && dev.ifindex !== filter.brport) continue;
    if (bridge !== undefined && dev !== bridge && !isBridgePort(dev)) continue;
    if (bridge !== undefined && dev.master !== bridge && !isBridge(dev)) continue;
    if (isBridgePort(dev)) messages.push(...bridgeOps(dev)!.dump(dev.master!, dev));
    defaultDump(dev, messages);
    if (isBridge(dev)) messages.push(...bridgeOps(dev)!.dump(dev, undefined));
  }
  return messages;
}

/** @kernel net/core/rtnetlink.c rtnl_fdb_get */
export function rtnlFdbGet(
  net: NetNamespace,
  request: { lladdr: Mac; brport?: number; bridge?: number; vlan?: number; flags?: number },
): FdbMessage | Refusal {
  if (vlanInvalid(request.vlan)) return refuse(EINVAL, 'invalid vlan id');
  let dev: NetDevice | undefined;
  if (request.brport !== undefined) {
    dev = net.devByIndex(request.brport);
    if (dev === undefined) return refuse(ENODEV, 'Unknown device ifindex');
  }
  let bridge: NetDevice | undefined;
  if (request.bridge !== undefined) {
    if (dev !== undefined) return refuse(EINVAL, 'Master and device are mutually exclusive');
    bridge = net.devByIndex(request.bridge);
    if (bridge === undefined) return refuse(EINVAL, 'Invalid master ifindex');
  }
  if (dev !== undefined) {
    const flags = request.flags ?? 0;
    if (flags !== 0 && (flags & NTF_MASTER) === 0) bridge = dev;
    else if (!isBridgePort(dev)) return refuse(EINVAL, 'Device is not a bridge port');
    else bridge = dev.master;
  }
  if (bridge === undefined) return refuse(ENODEV, 'No device specified');
  if (!isBridge(bridge)) return refuse(EOPNOTSUPP, 'Fdb get operation not supported by device');
  return bridgeOps(bridge)!.get(bridge, request.lladdr, request.vlan ?? 0);
}
