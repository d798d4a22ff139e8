/** Choosing and checking local addresses. */
import { IFA_F_SECONDARY, RT_SCOPE_HOST, RT_SCOPE_LINK, RT_TABLE_LOCAL, RTN_LOCAL } from '../../uapi/rtnetlink.ts';
import type { Ipv4 } from '../../wire/addr.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { FibResult, Flowi4 } from './fib.ts';
import { fibTableLookup } from './fib-table-lookup.ts';
import { type InDevice, type InIfaddr, inDevGet, inetIfaMatch } from './in-device.ts';
import type { Ipv4Net } from './ipv4-net.ts';

/**
 * The source address for packets out of a device to `dst` (0 for any): the first primary one of a scope
 * not above `scope`, preferably in the subnet of `dst`; from another device if this one has none. 0 for none.
 * @kernel net/ipv4/devinet.c inet_select_addr
 */
export function inetSelectAddr(dev: NetDevice, dst: Ipv4, scope: number): Ipv4 {
  const inDev = inDevGet(dev);
  if (inDev !== undefined) {
    const localnetScope = inDev.routeLocalnet ? RT_SCOPE_LINK : RT_SCOPE_HOST;
    let address = 0;
    for (const ifa of inDev.ifaList) {
      if ((ifa.flags & IFA_F_SECONDARY) !== 0 || Math.min(ifa.scope, localnetScope) > scope) continue;
      if (dst === 0 || inetIfaMatch(dst, ifa)) return ifa.local;
      if (address === 0) address = ifa.local;
    }
    if (address !== 0) return address;
  }
  for (const other of dev.net.devices.values()) {
    const otherIn = inDevGet(other);
    if (otherIn === undefined) continue;
    for (const ifa of otherIn.ifaList) {
      if ((ifa.flags & IFA_F_SECONDARY) === 0 && ifa.scope !== RT_SCOPE_LINK && ifa.scope <= scope) return ifa.local;
    }
  }
  return 0;
}

/**
 * Whether `a` lies in a subnet of the device; with `b`, both in the same.
 * @kernel net/ipv4/devinet.c inet_addr_onlink
 */
export function inetAddrOnlink(inDev: InDevice, a: Ipv4, b: Ipv4): boolean {
  return inDev.ifaList.some((ifa) => inetIfaMatch(a, ifa) && (b === 0 || inetIfaMatch(b, ifa)));
}

/**
 * A local address that fits: `local` itself or any for 0, in a subnet with `dst` (0 for any), of a scope not
 * above `scope`; on `inDev`, or any device when that is undefined. 0 for none.
 * @kernel net/ipv4/devinet.c inet_confirm_addr
 */
export function inetConfirmAddr(
  net: NetNamespace,
  inDev: InDevice | undefined,
  dst: Ipv4,
  local: Ipv4,
  scope: number,
): Ipv4 {
  if (inDev !== undefined) return confirmAddrIndev(inDev, dst, local, scope);
  for (const dev of net.devices.values()) {
    const other = inDevGet(dev);
    const address = other === undefined ? 0 : confirmAddrIndev(other, dst, local, scope);
    if (address !== 0) return address;
  }
  return 0;
}

function confirmAddrIndev(inDev: InDevice, dst: Ipv4, local: Ipv4, scope: number): Ipv4 {
  const localnetScope = inDev.routeLocalnet ? RT_SCOPE_LINK : RT_SCOPE_HOST;
  let address = 0;
  let same = false;
  for (const ifa of inDev.ifaList) {
    const minScope = Math.min(ifa.scope, localnetScope);
    if (address === 0 && (local === ifa.local || local === 0) && minScope <= scope) {
      address = ifa.local;
      if (same) break;
    }
    if (same) continue;
    same = (local === 0 || inetIfaMatch(local, ifa)) && (dst === 0 || inetIfaMatch(dst, ifa));
    if (!same || address === 0) continue;
    if (local !== 0 || dst === 0 || inetIfaMatch(address, ifa)) break;
    // The address found is in another subnet than `dst`: take this one if its scope allows.
    if (minScope <= scope) {
      address = ifa.local;
      break;
    }
    same = false;
  }
  return same ? address : 0;
}

/** The first address in a subnet. @kernel net/ipv4/devinet.c inet_ifa_byprefix */
export function inetIfaByprefix(inDev: InDevice, prefix: Ipv4, mask: Ipv4): InIfaddr | undefined {
  return inDev.ifaList.find((ifa) => ifa.mask === mask && inetIfaMatch(prefix, ifa));
}

const local = new FibResult();
const localFlow = new Flowi4();

/**
 * The device that a local address is on; the local table knows of more than the addresses themselves, all of
 * 127.0.0.0/8 for one.
 * @kernel net/ipv4/devinet.c __ip_dev_find
 */
export function ipDevFind(ipv4: Ipv4Net, address: Ipv4): NetDevice | undefined {
  const known = ipv4.addresses.get(address)?.[0];
  if (known !== undefined) return known.dev.dev;
  const table = ipv4.fibGetTable(RT_TABLE_LOCAL);
  if (table === undefined) return undefined;
  localFlow.daddr = address;
  const found = fibTableLookup(table, localFlow, local, 0) === 0 && local.type === RTN_LOCAL;
  return found ? local.nh?.dev : undefined;
}
