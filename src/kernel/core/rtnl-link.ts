/** RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK, RTM_GETLINK: links over rtnetlink (net/core/rtnetlink.c). */
import { EEXIST, EINVAL, ENODEV, ENOENT, EOPNOTSUPP, ERANGE, ESRCH } from '../../uapi/errno.ts';
import { ARPHRD_LOOPBACK, IFF_ALLMULTI, IFF_PROMISC, IFNAMSIZ } from '../../uapi/if.ts';
import type { NetnsRef } from '../../uapi/netns.ts';
import { type Ack, isRefusal, type Refusal, refuse } from '../../uapi/result.ts';
import { type LinkMessage, type LinkRequest, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../../uapi/rtnetlink.ts';
import {
  deleteLink,
  devChangeFlags,
  devChangeName,
  devChangeNetNamespace,
  devChangeTxQueueLen,
  devSetMacAddress,
  devSetMtu,
  devValidateMtu,
  netdevStateChange,
  registerNetdevice,
  rtnlCreateLink,
} from './dev-config.ts';
import {
  devGetFlags,
  devGetIflink,
  linkwatchSyncDev,
  netifCarrierOff,
  netifCarrierOn,
  reportedOperstate,
} from './link-watch.ts';
import { NetNamespace } from './net-namespace.ts';
import { NET_ADDR_SET, NETIF_F_NETNS_LOCAL, type NetDevice, type RtnlLinkOps } from './netdevice.ts';

/** A device with a smaller MTU has no IPv6 state (include/uapi/linux/ipv6.h). */
const IPV6_MIN_MTU = 1280;
/** IFLA_GRO_MAX_SIZE, which nothing changes here. */
const GRO_LEGACY_MAX_SIZE = 65536;

/** The namespace that a request names, or `net` when it names none. @kernel net/core/rtnetlink.c rtnl_link_get_net */
export function linkDestination(net: NetNamespace, request: LinkRequest): NetNamespace | Refusal {
  if (request.netns !== undefined) return namespaceOf(request.netns) ?? refuse(EINVAL);
  if (request.netnsPid !== undefined) return net.kernel.namespaceOfPid?.(request.netnsPid) ?? refuse(ESRCH);
  return net;
}

/** The namespace behind a reference that user space holds. */
export function namespaceOf(ref: NetnsRef): NetNamespace | undefined {
  return ref instanceof NetNamespace ? ref : undefined;
}

/** Attributes that any new device takes from the request (the second half of rtnl_create_link). */
export function applyLinkAttributes(dev: NetDevice, request: LinkRequest): Ack {
  if (request.mtu !== undefined) {
    const invalid = devValidateMtu(dev, request.mtu);
    if (invalid !== undefined) return invalid;
    dev.mtu = request.mtu;
  }
  const { numTxQueues, numRxQueues } = request;
  if (numTxQueues !== undefined) {
    if (numTxQueues < 1 || numTxQueues > 4096) return refuse(EINVAL, 'Invalid number of transmit queues');
    dev.numTxQueues = numTxQueues;
  }
  if (numRxQueues !== undefined) {
    if (numRxQueues < 1 || numRxQueues > 4096) return refuse(EINVAL, 'Invalid number of receive queues');
    dev.numRxQueues = numRxQueues;
  }
  if (request.address !== undefined) {
    dev.addr = request.address;
    dev.addrAssignType = NET_ADDR_SET;
  }
  if (request.broadcast !== undefined) dev.broadcast = request.broadcast;
  if (request.txqlen !== undefined) dev.txQueueLen = request.txqlen;
  if (request.linkmode !== undefined) dev.linkMode = request.linkmode;
  if (request.operstate !== undefined) dev.operstate = request.operstate;
  if (request.group !== undefined) dev.group = request.group;
  if (request.gsoMaxSize !== undefined) dev.gsoMaxSize = request.gsoMaxSize;
  if (request.gsoMaxSegs !== undefined) dev.gsoMaxSegs = request.gsoMaxSegs;
  return undefined;
}

/** @kernel net/core/rtnetlink.c rtnl_configure_link */
export function configureLink(dev: NetDevice, request: LinkRequest): Ack {
  if ((request.flags ?? 0) === 0 && (request.change ?? 0) === 0) return undefined;
  return devChangeFlags(dev, combineFlags(dev, request));
}

/** @kernel net/core/rtnetlink.c rtnl_dev_combine_flags */
function combineFlags(dev: NetDevice, request: LinkRequest): number {
  const flags = request.flags ?? 0;
  const change = request.change ?? 0;
  if (change === 0) return flags;
  const now = (dev.flags & ~(IFF_PROMISC | IFF_ALLMULTI)) | (dev.gflags & (IFF_PROMISC | IFF_ALLMULTI));
  return (flags & change) | (now & ~change);
}

/** Checks of nla_policy that any link request passes first. */
function validatePolicy(request: LinkRequest): Ack {
  const tooLong = (name: string | undefined, size: number) => name !== undefined && name.length >= size;
  if (tooLong(request.ifname, IFNAMSIZ)) return refuse(ERANGE, 'Attribute failed policy validation');
  if (request.altnames?.some((name) => tooLong(name, 128))) return refuse(ERANGE, 'Attribute failed policy validation');
  return undefined;
}

/** The device that a request is about: by index, else by name. */
function deviceOf(net: NetNamespace, request: { ifindex?: number; ifname?: string }): NetDevice | undefined {
  if ((request.ifindex ?? 0) !== 0) return net.devByIndex(request.ifindex!);
  return request.ifname === undefined ? undefined : net.devByName(request.ifname);
}

/** @kernel net/core/rtnetlink.c rtnl_newlink */
export function rtnlNewlink(net: NetNamespace, request: LinkRequest, flags: number): Ack {
  const invalid = validatePolicy(request);
  if (invalid !== undefined) return invalid;
  const creating = (flags & NLM_F_CREATE) !== 0;
  // What is to be new must be so where it is to be.
  const lookupNet = creating && (flags & NLM_F_EXCL) !== 0 ? linkDestination(net, request) : net;
  if (isRefusal(lookupNet)) return lookupNet;
  const dev = deviceOf(lookupNet, request);
  const info = request.linkinfo;
  const kind = info?.kind === undefined ? undefined : net.kernel.linkKinds.get(info.kind);
  const refused = kind?.validate?.(request);
  if (refused !== undefined) return refused;
  if (dev !== undefined) return changeExisting(net, dev, kind, request, flags);
  if (!creating) {
    if (request.ifindex === undefined && request.ifname === undefined && request.group !== undefined) {
      return changeGroup(net, request.group, request);
    }
    return refuse(ENODEV);
  }
  if (kind === undefined) return refuse(EOPNOTSUPP, 'Unknown device type');
  return createLink(net, kind, request);
}

function changeExisting(
  net: NetNamespace,
  dev: NetDevice,
  kind: RtnlLinkOps | undefined,
  request: LinkRequest,
  flags: number,
): Ack {
  if ((flags & NLM_F_EXCL) !== 0) return refuse(EEXIST);
  if ((flags & NLM_F_REPLACE) !== 0) return refuse(EOPNOTSUPP);
  const info = request.linkinfo;
  let changed = false;
  if (info?.data !== undefined) {
    if (kind === undefined || kind !== dev.rtnlLinkOps || kind.changeLink === undefined) return refuse(EOPNOTSUPP);
    const refused = kind.changeLink(dev, request);
    if (refused !== undefined) return refused;
    changed = true;
  }
  if (info?.slaveData !== undefined) {
    const master = dev.master;
    if (master?.rtnlLinkOps?.changeSlave === undefined) return refuse(EOPNOTSUPP);
    const refused = master.rtnlLinkOps.changeSlave(master, dev, info.slaveData);
    if (refused !== undefined) return refused;
    changed = true;
  }
  return doSetlink(net, dev, request, changed);
}

function changeGroup(net: NetNamespace, group: number, request: LinkRequest): Ack {
  for (const dev of [...net.devices.values()]) {
    if (dev.group !== group) continue;
    const refused = doSetlink(net, dev, request);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

/** @kernel net/core/rtnetlink.c rtnl_newlink_create */
function createLink(net: NetNamespace, kind: RtnlLinkOps, request: LinkRequest): Ack {
  const destination = linkDestination(net, request);
  if (isRefusal(destination)) return destination;
  let linkNet: NetNamespace | undefined;
  if (request.linkNetnsid !== undefined) {
    linkNet = destination.nsids?.peerOf(request.linkNetnsid);
    if (linkNet === undefined) return refuse(EINVAL, 'Unknown network namespace id');
  }
  const dev = rtnlCreateLink(linkNet ?? destination, request.ifname ?? `${kind.kind}%d`, kind);
  const invalid = applyLinkAttributes(dev, request);
  if (invalid !== undefined) return invalid;
  if (request.ifindex !== undefined) dev.ifindex = request.ifindex;
  const refused = kind.newLink === undefined ? registerNetdevice(dev) : kind.newLink(linkNet ?? net, dev, request);
  if (refused !== undefined) return refused;
  const late = finishLink(destination, linkNet, dev, request);
  if (late !== undefined) deleteLink(dev);
  else net.kernel.notify('CHANGE', dev, { flagsChanged: 0 });
  return late;
}

function finishLink(
  destination: NetNamespace,
  linkNet: NetNamespace | undefined,
  dev: NetDevice,
  request: LinkRequest,
): Ack {
  const refused = configureLink(dev, request);
  if (refused !== undefined) return refused;
  if (linkNet !== undefined) {
    const moved = devChangeNetNamespace(dev, destination, request.ifname);
    if (moved !== undefined) return moved;
  }
  return request.master === undefined ? undefined : doSetMaster(dev, request.master);
}

/** @kernel net/core/rtnetlink.c rtnl_setlink */
export function rtnlSetlink(net: NetNamespace, request: LinkRequest): Ack {
  const invalid = validatePolicy(request);
  if (invalid !== undefined) return invalid;
  const dev = deviceOf(net, request);
  return dev === undefined ? refuse(ENODEV) : doSetlink(net, dev, request);
}

/**
 * Some changes are told to all who watch the device, whether they concern them or not: a bridge then
 * enables a port that was disabled.
 * @kernel net/core/rtnetlink.c do_setlink #P[IFLA_MAP, virtual functions, XDP]
 * @param changed something was changed before that is to be told
 */
function doSetlink(net: NetNamespace, dev: NetDevice, request: LinkRequest, changed = false): Ack {
  const newName = (request.ifindex ?? 0) > 0 ? request.ifname : undefined;
  let told = changed;
  const steps: (() => Ack)[] = [
    () => (request.netns !== undefined || request.netnsPid !== undefined ? moveDevice(net, dev, request) : undefined),
    () => (request.address === undefined ? undefined : devSetMacAddress(dev, request.address)),
    () => (request.mtu === undefined ? undefined : devSetMtu(dev, request.mtu)),
    () => {
      if (request.group !== undefined) {
        dev.group = request.group;
        told = true;
      }
      return undefined;
    },
    () => (newName === undefined || newName === '' ? undefined : devChangeName(dev, newName)),
    () => {
      if (request.alias !== undefined) {
        dev.alias = request.alias;
        told = true;
      }
      if (request.broadcast !== undefined) {
        dev.broadcast = request.broadcast;
        net.kernel.notify('CHANGEADDR', dev);
      }
      return undefined;
    },
    () => configureLink(dev, request),
    () => (request.master === undefined ? undefined : doSetMaster(dev, request.master)),
    () => {
      if (request.carrier === undefined) return undefined;
      return (
        dev.ops.changeCarrier?.(dev, request.carrier !== 0) ?? (dev.ops.changeCarrier ? undefined : refuse(EOPNOTSUPP))
      );
    },
    () => (request.txqlen === undefined ? undefined : devChangeTxQueueLen(dev, request.txqlen)),
    () => {
      if (request.gsoMaxSize !== undefined) dev.gsoMaxSize = request.gsoMaxSize;
      if (request.gsoMaxSegs !== undefined) dev.gsoMaxSegs = request.gsoMaxSegs;
      if (request.operstate !== undefined) setOperstate(dev, request.operstate);
      if (request.linkmode !== undefined) {
        if (dev.linkMode !== request.linkmode) told = true;
        dev.linkMode = request.linkmode;
      }
      if (request.addrGenMode !== undefined) {
        dev.addrGenMode = request.addrGenMode;
        told = true;
      }
      return undefined;
    },
    () => {
      if (request.protoDown === undefined) return undefined;
      if (dev.rtnlLinkOps?.kind !== 'macvlan' && dev.rtnlLinkOps?.kind !== 'vxlan') {
        return refuse(EOPNOTSUPP, 'Protodown not supported by device');
      }
      dev.protoDown = request.protoDown !== 0;
      if (dev.protoDown) netifCarrierOff(dev);
      else netifCarrierOn(dev);
      told = true;
      return undefined;
    },
  ];
  let refused: Ack;
  for (const step of steps) {
    refused = step();
    if (refused !== undefined) break;
  }
  if (told) netdevStateChange(dev);
  return refused;
}

function moveDevice(net: NetNamespace, dev: NetDevice, request: LinkRequest): Ack {
  const target = linkDestination(net, request);
  if (isRefusal(target)) return target;
  if (target === dev.net) return undefined;
  if ((dev.features & NETIF_F_NETNS_LOCAL) !== 0) return refuse(EINVAL, 'The interface netns is immutable');
  return devChangeNetNamespace(dev, target, request.ifname, request.newIfindex);
}

/** @kernel net/core/rtnetlink.c set_operstate */
function setOperstate(dev: NetDevice, transition: number): void {
  const old = dev.operstate;
  if (transition === 6 && (dev.operstate === 5 || dev.operstate === 4 || dev.operstate === 0)) dev.operstate = 6;
  else if (transition === 4 && dev.operstate === 6) dev.operstate = 4;
  else if (transition === 5 && (dev.operstate === 6 || dev.operstate === 0)) dev.operstate = 5;
  if (dev.operstate !== old) netdevStateChange(dev);
}

/** @kernel net/core/rtnetlink.c do_set_master */
export function doSetMaster(dev: NetDevice, ifindex: number): Ack {
  const master = dev.master;
  if (master !== undefined) {
    if (master.ifindex === ifindex) return undefined;
    if (master.ops.delSlave === undefined) return refuse(EOPNOTSUPP);
    const refused = master.ops.delSlave(master, dev);
    if (refused !== undefined) return refused;
  }
  if (ifindex === 0) return undefined;
  const next = dev.net.devByIndex(ifindex);
  if (next === undefined) return refuse(EINVAL);
  if (next.ops.addSlave === undefined) return refuse(EOPNOTSUPP);
  return next.ops.addSlave(next, dev);
}

/** @kernel net/core/rtnetlink.c rtnl_dellink */
export function rtnlDellink(net: NetNamespace, request: LinkRequest): Ack {
  if (request.ifindex === undefined && request.ifname === undefined && request.group !== undefined) {
    if (request.group === 0) return refuse(1);
    const members = [...net.devices.values()].filter((dev) => dev.group === request.group);
    if (members.length === 0) return refuse(ENODEV);
    if (members.some((dev) => dev.rtnlLinkOps?.delLink === undefined)) return refuse(EOPNOTSUPP);
    for (const dev of members) if (net.devByIndex(dev.ifindex) === dev) deleteLink(dev);
    return undefined;
  }
  const dev = deviceOf(net, request);
  return dev === undefined ? refuse(ENODEV) : deleteLink(dev);
}

/** Alternative names: RTM_NEWLINKPROP and RTM_DELLINKPROP. */
export function rtnlLinkprop(net: NetNamespace, ifindex: number, altnames: readonly string[], add: boolean): Ack {
  const dev = net.devByIndex(ifindex);
  if (dev === undefined) return refuse(ENODEV);
  for (const name of altnames) {
    if (add) {
      if (net.names.has(name)) return refuse(EEXIST);
      dev.altnames = [...dev.altnames, name];
      net.names.set(name, dev);
    } else {
      if (!dev.altnames.includes(name)) return refuse(ENOENT);
      dev.altnames = dev.altnames.filter((altname) => altname !== name);
      net.forgetName(name);
    }
  }
  return undefined;
}

/** @kernel net/core/rtnetlink.c rtnl_getlink */
export function rtnlGetlink(net: NetNamespace, request: { ifindex?: number; ifname?: string }): LinkMessage | Refusal {
  const dev = deviceOf(net, request);
  if (dev === undefined) return refuse(ENODEV);
  // Dumps show the state that link watch left, a question about one device brings it up to date.
  linkwatchSyncDev(dev);
  return linkMessage(net, dev);
}

/** @kernel net/core/rtnetlink.c rtnl_dump_ifinfo */
export function rtnlDumpIfinfo(net: NetNamespace, filter: { master?: number; kind?: string } = {}): LinkMessage[] {
  const messages: LinkMessage[] = [];
  // A kind that the kernel does not know filters nothing.
  const kind = filter.kind === undefined ? undefined : net.kernel.linkKinds.get(filter.kind);
  for (const dev of sortedDevices(net)) {
    // -1 asks for devices without a master.
    if (filter.master !== undefined && (dev.master?.ifindex ?? -1) !== filter.master) continue;
    if (kind !== undefined && dev.rtnlLinkOps !== kind) continue;
    messages.push(linkMessage(net, dev));
  }
  return messages;
}

/** Devices in the order of their indices: dumps walk the namespace's index since 6.7. */
export function sortedDevices(net: NetNamespace): NetDevice[] {
  return [...net.devices.values()].sort((a, b) => a.ifindex - b.ifindex);
}

/** One device as user space sees it. @kernel net/core/rtnetlink.c rtnl_fill_ifinfo */
export function linkMessage(net: NetNamespace, dev: NetDevice): LinkMessage {
  const kind = dev.rtnlLinkOps;
  const message: LinkMessage = {
    ifindex: dev.ifindex,
    ifname: dev.name,
    type: dev.type,
    flags: devGetFlags(dev),
    mtu: dev.mtu,
    minMtu: dev.minMtu,
    maxMtu: dev.maxMtu,
    qdisc: dev.qdisc,
    operstate: reportedOperstate(dev),
    linkmode: dev.linkMode,
    group: dev.group,
    txqlen: dev.txQueueLen,
    address: dev.addr,
    broadcast: dev.broadcast,
    promiscuity: dev.promiscuity,
    allmulti: dev.allmulti,
    numTxQueues: dev.numTxQueues,
    ...(dev.net.kernel.config.rps === false ? {} : { numRxQueues: dev.numRxQueues }),
    gsoMaxSize: dev.gsoMaxSize,
    gsoMaxSegs: dev.gsoMaxSegs,
    tsoMaxSize: dev.tsoMaxSize,
    tsoMaxSegs: dev.tsoMaxSegs,
    groMaxSize: GRO_LEGACY_MAX_SIZE,
    carrier: dev.carrier ? 1 : 0,
    carrierChanges: dev.carrierUpCount + dev.carrierDownCount,
    protoDown: dev.protoDown ? 1 : 0,
    stats: { ...(dev.ops.getStats?.(dev) ?? dev.stats) },
  };
  if (dev.mtu >= IPV6_MIN_MTU || dev.type === ARPHRD_LOOPBACK) message.addrGenMode = dev.addrGenMode;
  if (dev.master !== undefined) message.master = dev.master.ifindex;
  const iflink = devGetIflink(dev);
  if (iflink !== dev.ifindex || dev.ops.getIflink !== undefined) message.link = iflink;
  const linkNet = kind?.getLinkNet?.(dev);
  if (linkNet !== undefined && linkNet !== dev.net) message.linkNetnsid = net.peernet2idAlloc(linkNet);
  if (dev.alias !== '') message.alias = dev.alias;
  if (dev.permAddr !== 0) message.permAddress = dev.permAddr;
  if (dev.altnames.length > 0) message.altnames = [...dev.altnames];
  if (kind !== undefined) {
    message.kind = kind.kind;
    if (kind.fillInfo !== undefined) message.data = kind.fillInfo(dev);
  }
  const masterKind = dev.master?.rtnlLinkOps;
  if (dev.master !== undefined && masterKind?.fillSlaveInfo !== undefined) {
    message.slaveKind = masterKind.kind;
    message.slaveData = masterKind.fillSlaveInfo(dev.master, dev);
  }
  return message;
}

/**
 * The kernel sends RTM_NEWLINK to listeners at many changes; filling one in gives the namespaces in it
 * their ids, which dumps then show. This does that part.
 * @kernel net/core/rtnetlink.c rtnetlink_event
 */
export function allocateEventNsids(dev: NetDevice): void {
  const linkNet = dev.rtnlLinkOps?.getLinkNet?.(dev);
  if (linkNet !== undefined && linkNet !== dev.net && !linkNet.dead) dev.net.peernet2idAlloc(linkNet);
}
