/** Addresses of devices, and the life of IPv4 on a device. */

import { EADDRNOTAVAIL, EEXIST, EINVAL, ENOBUFS, ENODEV, ERANGE } from '../../uapi/errno.ts';
import { IFF_LOOPBACK, IFF_UP, IFNAMSIZ } from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import {
  type AddrMessage,
  type AddrRequest,
  AF_INET,
  IFA_F_PERMANENT,
  IFA_F_SECONDARY,
  INFINITY_LIFE_TIME,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RT_SCOPE_HOST,
} from '../../uapi/rtnetlink.ts';
import { isMulticastIpv4 } from '../../wire/addr.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { NetDevice } from '../core/netdevice.ts';
import type { NetdevEvent } from '../core/notifier.ts';
import { sysctlDevNameIsAllowed } from '../core/sysctl.ts';
import { arpSend } from './arp.ts';
import { arpIfdown, arpTable } from './arp-table.ts';
import { ARP_NOTIFY, type Devconf, devconfLoopback } from './devconf.ts';
import { fibAddIfaddr, fibDelIfaddr, fibInetaddrEvent, fibModifyPrefixMetric } from './fib-frontend.ts';
import { scheduleLifetimes, setIfaLifetime } from './ifa-lifetime.ts';
import { ipMcDestroyDev, ipMcDown, ipMcInitDev, ipMcJoinGroup, ipMcLeaveGroup, ipMcUp } from './igmp.ts';
import { InDevice, InIfaddr, inDevGet, inetIfaMatch } from './in-device.ts';
import { IpMcState } from './ip-mc-list.ts';
import { ipv4Of } from './ipv4-net.ts';
import { nfCtHook } from './nf-ct-hook.ts';

/** The address is a group: join it (`autojoin`). */
const IFA_F_MCAUTOJOIN = 0x400;
const INADDR_LOOPBACK = 0x7f00_0001;
const ARPOP_REQUEST = 1;
/** IPv4 needs as much (ETH_MIN_MTU). */
const IPV4_MIN_MTU = 68;

/** @kernel net/ipv4/devinet.c inetdev_valid_mtu */
function inetdevValidMtu(mtu: number): boolean {
  return mtu >= IPV4_MIN_MTU;
}

/** @kernel net/ipv4/devinet.c inetdev_init */
function inetdevInit(dev: NetDevice, cnf: Devconf): InDevice {
  const ipv4 = ipv4Of(dev.net);
  const inDev = new InDevice(dev, ipv4, cnf, arpTable(ipv4.kernel), new IpMcState());
  inDev.mc.qrv = ipv4.igmpQrv;
  dev.ipPtr = inDev;
  ipMcInitDev(inDev);
  if ((dev.flags & IFF_UP) !== 0) ipMcUp(inDev);
  return inDev;
}

/** @kernel net/ipv4/devinet.c inetdev_destroy */
function inetdevDestroy(inDev: InDevice): void {
  const { dev } = inDev;
  inDev.dead = true;
  ipMcDestroyDev(inDev);
  while (inDev.ifaList.length > 0) inetDelIfa(inDev, inDev.ifaList[0]!);
  dev.ipPtr = undefined;
  arpIfdown(dev);
  arpTable(inDev.ipv4.kernel).parmsRelease(dev);
}

function hashInsert(ifa: InIfaddr): void {
  const { addresses } = ifa.dev.ipv4;
  const list = addresses.get(ifa.local);
  if (list === undefined) addresses.set(ifa.local, [ifa]);
  else list.unshift(ifa);
}

function hashRemove(ifa: InIfaddr): void {
  const { addresses } = ifa.dev.ipv4;
  const list = (addresses.get(ifa.local) ?? []).filter((other) => other !== ifa);
  if (list.length === 0) addresses.delete(ifa.local);
  else addresses.set(ifa.local, list);
}

/** Those who wait for it hear that an address is gone. */
function inetaddrDown(ifa: InIfaddr): void {
  fibInetaddrEvent(ifa, false);
  nfCtHook.addressDown(ifa);
}

/**
 * Take an address away, with its secondary ones or promoting the first of them.
 * @kernel net/ipv4/devinet.c __inet_del_ifa
 */
export function inetDelIfa(inDev: InDevice, ifa: InIfaddr): void {
  const list = inDev.ifaList;
  let promote: InIfaddr | undefined;
  const sameSubnet = (other: InIfaddr): boolean => other.mask === ifa.mask && inetIfaMatch(ifa.address, other);
  if (!inDev.dead && (ifa.flags & IFA_F_SECONDARY) === 0) {
    for (const other of list.slice(list.indexOf(ifa) + 1)) {
      if ((other.flags & IFA_F_SECONDARY) === 0 || !sameSubnet(other)) continue;
      if (inDev.promoteSecondaries) {
        promote = other;
        break;
      }
      hashRemove(other);
      list.splice(list.indexOf(other), 1);
      inetaddrDown(other);
    }
  }
  if (promote !== undefined) {
    // Their routes have the primary address as source: they are made again with the new one.
    for (const other of list.slice(list.indexOf(promote))) if (sameSubnet(other)) fibDelIfaddr(other, ifa);
  }
  // The promoted address goes behind the last primary one that has the scope of the old one, or wider.
  const at = list.indexOf(ifa);
  list.splice(at, 1);
  hashRemove(ifa);
  inetaddrDown(ifa);
  if (promote === undefined) return;
  const from = list.indexOf(promote);
  const rest = list.slice(from + 1);
  list.splice(from, 1);
  let to = at;
  for (let i = at; i < from; i++) {
    if ((list[i]!.flags & IFA_F_SECONDARY) === 0 && ifa.scope <= list[i]!.scope) to = i + 1;
  }
  list.splice(to, 0, promote);
  promote.flags &= ~IFA_F_SECONDARY;
  fibInetaddrEvent(promote, true);
  for (const other of rest) if (sameSubnet(other)) fibAddIfaddr(other);
}

/** @kernel net/ipv4/devinet.c __inet_insert_ifa */
function inetInsertIfa(ifa: InIfaddr): Ack {
  const inDev = ifa.dev;
  const list = inDev.ifaList;
  if (ifa.local === 0) return undefined;
  ifa.flags &= ~IFA_F_SECONDARY;
  let lastPrimary = 0;
  for (const [i, other] of list.entries()) {
    if ((other.flags & IFA_F_SECONDARY) === 0 && ifa.scope <= other.scope) lastPrimary = i + 1;
    if (other.mask !== ifa.mask || !inetIfaMatch(other.address, ifa)) continue;
    if (other.local === ifa.local) return refuse(EEXIST, 'ipv4: Address already assigned');
    if (other.scope !== ifa.scope) return refuse(EINVAL, 'ipv4: Invalid scope value');
    ifa.flags |= IFA_F_SECONDARY;
  }
  inDev.ifaList = list.toSpliced((ifa.flags & IFA_F_SECONDARY) !== 0 ? list.length : lastPrimary, 0, ifa);
  hashInsert(ifa);
  scheduleLifetimes(inDev.ipv4, inetDelIfa);
  fibInetaddrEvent(ifa, true);
  return undefined;
}

/** RTM_NEWADDR. @kernel net/ipv4/devinet.c inet_rtm_newaddr #P[IFA_PROTO] */
export function inetRtmNewaddr(net: NetNamespace, request: AddrRequest, flags: number): Ack {
  const { local } = request;
  if (request.label !== undefined && request.label.length >= IFNAMSIZ) {
    return refuse(ERANGE, 'Attribute failed policy validation');
  }
  if (request.prefixlen > 32) return refuse(EINVAL, 'ipv4: Invalid prefix length');
  if (local === undefined) return refuse(EINVAL, 'ipv4: Local address is not supplied');
  const dev = net.devByIndex(request.ifindex);
  if (dev === undefined) return refuse(ENODEV, 'ipv4: Device not found');
  const inDev = inDevGet(dev);
  if (inDev === undefined) return refuse(ENOBUFS);
  const valid = request.validLft ?? INFINITY_LIFE_TIME;
  const preferred = request.preferredLft ?? INFINITY_LIFE_TIME;
  inDev.cnf.stateAll = true;
  inDev.arpParms.set = -1;
  const ifa = new InIfaddr(inDev, local, request.address ?? local, request.prefixlen);
  ifa.flags = request.flags ?? 0;
  ifa.scope = request.scope ?? 0;
  ifa.broadcast = request.broadcast ?? 0;
  if (request.label !== undefined) ifa.label = request.label;
  ifa.rtPriority = request.metric ?? 0;
  if (valid === 0) return refuse(EINVAL, 'ipv4: address lifetime invalid');
  if (preferred > valid) return refuse(EINVAL, 'ipv4: preferred lifetime greater than valid lifetime');
  const existing =
    ifa.local === 0
      ? undefined
      : inDev.ifaList.find(
          (other) => other.mask === ifa.mask && inetIfaMatch(other.address, ifa) && other.local === ifa.local,
        );
  if (existing === undefined) {
    setIfaLifetime(ifa, valid, preferred);
    if ((ifa.flags & IFA_F_MCAUTOJOIN) !== 0) {
      if (!isMulticastIpv4(ifa.address)) return refuse(EINVAL, 'ipv4: Multicast auto join failed');
      ipMcJoinGroup(dev, ifa.address);
    }
    return inetInsertIfa(ifa);
  }
  if ((flags & NLM_F_EXCL) !== 0 || (flags & NLM_F_REPLACE) === 0) {
    return refuse(EEXIST, 'ipv4: Address already assigned');
  }
  if (existing.rtPriority !== ifa.rtPriority) {
    fibModifyPrefixMetric(existing, ifa.rtPriority);
    existing.rtPriority = ifa.rtPriority;
  }
  setIfaLifetime(existing, valid, preferred);
  scheduleLifetimes(inDev.ipv4, inetDelIfa);
  return undefined;
}

/** RTM_DELADDR. @kernel net/ipv4/devinet.c inet_rtm_deladdr */
export function inetRtmDeladdr(net: NetNamespace, request: AddrRequest): Ack {
  const dev = net.devByIndex(request.ifindex);
  const inDev = dev === undefined ? undefined : inDevGet(dev);
  if (inDev === undefined) return refuse(ENODEV, 'ipv4: Device not found');
  const ifa = inDev.ifaList.find((candidate) => {
    if (request.local !== undefined && candidate.local !== request.local) return false;
    if (request.label !== undefined && candidate.label !== request.label) return false;
    if (request.address === undefined) return true;
    return request.prefixlen === candidate.prefixlen && inetIfaMatch(request.address, candidate);
  });
  if (ifa === undefined) return refuse(EADDRNOTAVAIL, 'ipv4: Address not found');
  if (isMulticastIpv4(ifa.address)) ipMcLeaveGroup(inDev.dev, ifa.address);
  inetDelIfa(inDev, ifa);
  return undefined;
}

/** @kernel net/ipv4/devinet.c inet_fill_ifaddr */
function fillIfaddr(ifa: InIfaddr): AddrMessage {
  const { now } = ifa.dev.ipv4.kernel.queue;
  let valid = INFINITY_LIFE_TIME;
  let preferred = INFINITY_LIFE_TIME;
  if ((ifa.flags & IFA_F_PERMANENT) === 0) {
    preferred = ifa.preferredLft;
    valid = ifa.validLft;
    if (preferred !== INFINITY_LIFE_TIME) {
      const age = Math.floor((now - ifa.tstamp) / 1e9);
      preferred = Math.max(preferred - age, 0);
      if (valid !== INFINITY_LIFE_TIME) valid = Math.max(valid - age, 0);
    }
  }
  const message: AddrMessage = {
    family: AF_INET,
    ifindex: ifa.dev.dev.ifindex,
    prefixlen: ifa.prefixlen,
    local: ifa.local,
    address: ifa.address,
    label: ifa.label,
    scope: ifa.scope,
    flags: ifa.flags,
    validLft: valid,
    preferredLft: preferred,
    cstamp: Math.floor(ifa.cstamp / 1e7) / 100,
    tstamp: Math.floor(ifa.tstamp / 1e7) / 100,
  };
  if (ifa.broadcast !== 0) message.broadcast = ifa.broadcast;
  if (ifa.rtPriority !== 0) message.metric = ifa.rtPriority;
  return message;
}

/** RTM_GETADDR: device by device, by index. @kernel net/ipv4/devinet.c inet_dump_ifaddr */
export function inetDumpIfaddr(net: NetNamespace, filter: { ifindex?: number } = {}): AddrMessage[] {
  const wanted = filter.ifindex ?? 0;
  const devices = [...net.devices.values()].filter((dev) => wanted === 0 || dev.ifindex === wanted);
  devices.sort((a, b) => a.ifindex - b.ifindex);
  return devices.flatMap((dev) => (inDevGet(dev)?.ifaList ?? []).map(fillIfaddr));
}

/** @kernel net/ipv4/devinet.c inetdev_changename */
function inetdevChangename(dev: NetDevice, inDev: InDevice): void {
  let named = 0;
  for (const ifa of inDev.ifaList) {
    const old = ifa.label;
    ifa.label = dev.name;
    if (named++ === 0) continue;
    const colon = old.indexOf(':');
    const alias = colon < 0 ? `:${named}` : old.slice(colon);
    ifa.label =
      (dev.name + alias).length < IFNAMSIZ ? dev.name + alias : dev.name.slice(0, IFNAMSIZ - alias.length - 1) + alias;
  }
}

/** @kernel net/ipv4/devinet.c inetdev_send_gratuitous_arp */
function inetdevSendGratuitousArp(dev: NetDevice, inDev: InDevice): void {
  for (const ifa of inDev.ifaList) arpSend(ARPOP_REQUEST, ifa.local, dev, ifa.local, undefined, dev.addr, undefined);
}

function loopbackAddress(inDev: InDevice): void {
  const ifa = new InIfaddr(inDev, INADDR_LOOPBACK, INADDR_LOOPBACK, 8);
  ifa.scope = RT_SCOPE_HOST;
  setIfaLifetime(ifa, INFINITY_LIFE_TIME, INFINITY_LIFE_TIME);
  inDev.cnf.stateAll = true;
  inDev.arpParms.set = -1;
  inetInsertIfa(ifa);
}

/** @kernel net/ipv4/devinet.c inetdev_event */
export function inetdevEvent(event: NetdevEvent, dev: NetDevice): number {
  const inDev = inDevGet(dev);
  if (inDev === undefined) {
    const { devconfDflt } = ipv4Of(dev.net);
    if (event === 'REGISTER') {
      if (!sysctlDevNameIsAllowed(dev.name)) return EINVAL;
      inetdevInit(dev, (dev.flags & IFF_LOOPBACK) !== 0 ? devconfLoopback(devconfDflt) : devconfDflt.copy());
    } else if (event === 'CHANGEMTU' && inetdevValidMtu(dev.mtu)) inetdevInit(dev, devconfDflt.copy());
    return 0;
  }
  switch (event) {
    case 'UP':
      if (!inetdevValidMtu(dev.mtu)) break;
      if ((dev.flags & IFF_LOOPBACK) !== 0) loopbackAddress(inDev);
      ipMcUp(inDev);
      if (inDev.maxConf(ARP_NOTIFY) !== 0) inetdevSendGratuitousArp(dev, inDev);
      break;
    case 'CHANGEADDR':
      if (inDev.maxConf(ARP_NOTIFY) !== 0) inetdevSendGratuitousArp(dev, inDev);
      break;
    case 'NOTIFY_PEERS':
      inetdevSendGratuitousArp(dev, inDev);
      break;
    case 'DOWN':
      ipMcDown(inDev);
      break;
    case 'CHANGEMTU':
      if (!inetdevValidMtu(dev.mtu)) inetdevDestroy(inDev);
      break;
    case 'UNREGISTER':
      inetdevDestroy(inDev);
      break;
    case 'CHANGENAME':
      inetdevChangename(dev, inDev);
      break;
    default:
      break;
  }
  return 0;
}
