/** SIOCSARP and SIOCDARP: what `arp -s` and `arp -d` use. */
import { EINVAL, ENOBUFS, ENODEV, ENOENT, ENXIO } from '../../uapi/errno.ts';
import { type Ack, isRefusal, type Refusal, refuse } from '../../uapi/result.ts';
import { NUD_PERMANENT, NUD_STALE, RT_SCOPE_LINK } from '../../uapi/rtnetlink.ts';
import type { Ipv4, Mac } from '../../wire/addr.ts';
import { neighUpdate } from '../core/neighbour-nud.ts';
import { NEIGH_UPDATE_F_ADMIN, NEIGH_UPDATE_F_OVERRIDE } from '../core/neighbour-states.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { arpInvalidate, arpTable } from './arp-table.ts';
import { Flowi4 } from './fib.ts';
import { ipv4Of } from './ipv4-net.ts';
import { ipRouteOutputKey } from './route-output.ts';

const ARPHRD_ETHER = 1;

/** The device named, or the one by which the address is reached. */
function deviceFor(net: NetNamespace, address: Ipv4, ifname: string): NetDevice | Refusal {
  if (ifname !== '') return net.devByName(ifname) ?? refuse(ENODEV);
  const flow = new Flowi4();
  flow.daddr = address;
  flow.scope = RT_SCOPE_LINK;
  const rt = ipRouteOutputKey(ipv4Of(net), flow);
  return typeof rt === 'number' ? refuse(rt) : rt.dev;
}

/** @kernel net/ipv4/arp.c arp_req_set */
export function arpIoctlSet(
  net: NetNamespace,
  entry: { address: Ipv4; lladdr: Mac; ifname: string; permanent: boolean; published: boolean },
): Ack {
  const table = arpTable(net.kernel);
  if (entry.published) {
    // arp_req_set_public()
    const dev = entry.ifname === '' ? byAddress(net, entry.lladdr) : net.devByName(entry.ifname);
    if (dev === undefined) return refuse(ENODEV);
    if (table.proxyLookup(net, entry.address, dev) === undefined) {
      table.proxies.unshift({ net, key: entry.address, dev, flags: 0, permanent: false, protocol: 0 });
    }
    return undefined;
  }
  const dev = deviceFor(net, entry.address, entry.ifname);
  if (isRefusal(dev)) return dev;
  if (dev.type !== ARPHRD_ETHER) return refuse(EINVAL);
  const neigh = table.lookup(entry.address, dev) ?? table.create(entry.address, dev);
  if (neigh === undefined) return refuse(ENOBUFS);
  const state = entry.permanent ? NUD_PERMANENT : NUD_STALE;
  return neighUpdate(neigh, entry.lladdr, state, NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_ADMIN);
}

/** @kernel net/core/dev.c dev_getbyhwaddr */
function byAddress(net: NetNamespace, lladdr: Mac): NetDevice | undefined {
  for (const dev of net.devices.values()) if (dev.type === ARPHRD_ETHER && dev.addr === lladdr) return dev;
  return undefined;
}

/** @kernel net/ipv4/arp.c arp_req_delete */
export function arpIoctlDelete(net: NetNamespace, entry: { address: Ipv4; ifname: string; published: boolean }): Ack {
  if (entry.published) {
    const dev = entry.ifname === '' ? undefined : net.devByName(entry.ifname);
    if (entry.ifname !== '' && dev === undefined) return refuse(ENODEV);
    const { proxies } = arpTable(net.kernel);
    const at = proxies.findIndex((other) => other.net === net && other.key === entry.address && other.dev === dev);
    if (at < 0) return refuse(ENOENT);
    proxies.splice(at, 1);
    return undefined;
  }
  const dev = deviceFor(net, entry.address, entry.ifname);
  if (isRefusal(dev)) return dev;
  return arpInvalidate(dev, entry.address, true) ? undefined : refuse(ENXIO);
}
