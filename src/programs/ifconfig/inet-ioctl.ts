/**
 * The IPv4 address ioctls of an interface name (devinet_ioctl() of net/ipv4/devinet.c), made of rtnetlink
 * requests: an address is known by its label, and changing one takes it out and puts it back.
 */
import { EADDRNOTAVAIL, EINVAL, ENODEV } from '../../uapi/errno.ts';
import { IFF_BROADCAST, IFF_POINTOPOINT } from '../../uapi/if.ts';
import { type Ack, isRefusal, refuse } from '../../uapi/result.ts';
import {
  type AddrMessage,
  type AddrRequest,
  type LinkMessage,
  NLM_F_CREATE,
  NLM_F_EXCL,
  type Rtnetlink,
} from '../../uapi/rtnetlink.ts';
import { type Ipv4, isMulticastIpv4, maskOf } from '../../wire/addr.ts';

/** The device of an interface name: the name without its alias. */
export function deviceOf(rtnl: Rtnetlink, name: string): LinkMessage | undefined {
  const link = rtnl.getLink({ ifname: name.replace(/:.*/, '') });
  return isRefusal(link) ? undefined : link;
}

/** The first address with that label. */
export function addressOf(rtnl: Rtnetlink, name: string, link: LinkMessage): AddrMessage | undefined {
  return rtnl.dumpAddrs({ ifindex: link.ifindex }).find((address) => address.label === name);
}

/** inet_abc_len(): the prefix length of an address's class; undefined for groups. */
function classLength(address: Ipv4): number | undefined {
  if (address >>> 24 === 0 || address === 0xffff_ffff) return 0;
  if (isMulticastIpv4(address)) return undefined;
  const top = address >>> 28;
  return top < 8 ? 8 : top < 12 ? 16 : top < 14 ? 24 : 32;
}

function isMask(mask: Ipv4): boolean {
  const holes = ~mask >>> 0;
  return (holes & (holes + 1)) === 0;
}

function requestOf({ ifindex, prefixlen, local, address, broadcast, label, scope }: AddrMessage): AddrRequest {
  return { ifindex, prefixlen, local, address, label, scope, ...(broadcast === undefined ? {} : { broadcast }) };
}

/** Take an address out and put its changed form in. */
function exchange(rtnl: Rtnetlink, old: AddrMessage, changed: AddrRequest): Ack {
  return rtnl.delAddr(requestOf(old)) ?? rtnl.newAddr(changed, NLM_F_CREATE | NLM_F_EXCL);
}

/** SIOCSIFADDR: the address of a name, with the mask of its class; 0.0.0.0 takes it away. */
export function setAddress(rtnl: Rtnetlink, name: string, address: Ipv4): Ack {
  const link = deviceOf(rtnl, name);
  if (link === undefined) return refuse(ENODEV);
  const length = classLength(address);
  if (length === undefined) return refuse(EINVAL);
  const old = addressOf(rtnl, name, link);
  if (old?.local === address) return undefined;
  if (old !== undefined) rtnl.delAddr(requestOf(old));
  if (address === 0) return undefined;
  const prefixlen = (link.flags & IFF_POINTOPOINT) !== 0 ? 32 : length;
  const request: AddrRequest = { ifindex: link.ifindex, prefixlen, local: address, address, label: name, scope: 0 };
  if ((link.flags & IFF_BROADCAST) !== 0 && prefixlen < 31) request.broadcast = (address | ~maskOf(prefixlen)) >>> 0;
  return rtnl.newAddr(request, NLM_F_CREATE | NLM_F_EXCL);
}

/** The address that a name has, for a change of one of its parts. */
function existing(rtnl: Rtnetlink, name: string): { link: LinkMessage; old: AddrMessage } | { errno: number } {
  const link = deviceOf(rtnl, name);
  if (link === undefined) return refuse(ENODEV);
  const old = addressOf(rtnl, name, link);
  return old === undefined ? refuse(EADDRNOTAVAIL) : { link, old };
}

/** SIOCSIFNETMASK: a broadcast address that belonged to the old mask follows. */
export function setNetmask(rtnl: Rtnetlink, name: string, mask: Ipv4): Ack {
  const found = existing(rtnl, name);
  if ('errno' in found) return found;
  const { link, old } = found;
  if (!isMask(mask)) return refuse(EINVAL);
  const prefixlen = 32 - (~mask >>> 0).toString(2).replaceAll('0', '').length;
  if (old.prefixlen === prefixlen) return undefined;
  const changed: AddrRequest = { ...requestOf(old), prefixlen };
  const follows = old.broadcast === (old.local | ~maskOf(old.prefixlen)) >>> 0;
  if ((link.flags & IFF_BROADCAST) !== 0 && old.prefixlen < 31 && follows) {
    changed.broadcast = (old.local | ~mask) >>> 0;
  }
  return exchange(rtnl, old, changed);
}

/** SIOCSIFBRDADDR. */
export function setBroadcast(rtnl: Rtnetlink, name: string, broadcast: Ipv4): Ack {
  const found = existing(rtnl, name);
  if ('errno' in found) return found;
  const { old } = found;
  return (old.broadcast ?? 0) === broadcast ? undefined : exchange(rtnl, old, { ...requestOf(old), broadcast });
}

/** SIOCSIFDSTADDR. */
export function setDestination(rtnl: Rtnetlink, name: string, address: Ipv4): Ack {
  const found = existing(rtnl, name);
  if ('errno' in found) return found;
  const { old } = found;
  if (old.address === address) return undefined;
  return classLength(address) === undefined ? refuse(EINVAL) : exchange(rtnl, old, { ...requestOf(old), address });
}

/** SIOCSIFFLAGS with an alias and without IFF_UP: the alias goes. */
export function removeAlias(rtnl: Rtnetlink, name: string): Ack {
  const found = existing(rtnl, name);
  return 'errno' in found ? found : rtnl.delAddr(requestOf(found.old));
}
