/**
 * IPv4 on a device (struct in_device): its addresses, settings, multicast groups and neighbours. It is
 * what `dev.ipPtr` points at while the device is registered and its MTU allows IPv4.
 */
import { IFF_LOOPBACK } from '../../uapi/if.ts';
import { type Ipv4, maskOf } from '../../wire/addr.ts';
import type { NeighParms } from '../core/neighbour-parms.ts';
import type { DeviceEntries, NeighTable } from '../core/neighbour-table.ts';
import type { NetDevice } from '../core/netdevice.ts';
import {
  ACCEPT_REDIRECTS,
  type Devconf,
  FORWARDING,
  IGNORE_ROUTES_WITH_LINKDOWN,
  MC_FORWARDING,
  PROMOTE_SECONDARIES,
  ROUTE_LOCALNET,
  SHARED_MEDIA,
} from './devconf.ts';
import type { IpMcState } from './ip-mc-list.ts';
import type { Ipv4Net } from './ipv4-net.ts';

/** One address (struct in_ifaddr). */
export class InIfaddr {
  declare readonly dev: InDevice;
  declare readonly local: Ipv4;
  /** The peer of a point-to-point address, otherwise `local`. */
  declare readonly address: Ipv4;
  declare readonly prefixlen: number;
  declare readonly mask: Ipv4;
  broadcast: Ipv4 = 0;
  scope = 0;
  declare label: string;
  flags = 0;
  rtPriority = 0;
  validLft = 0;
  preferredLft = 0;
  /** Nanoseconds since boot: made, and last changed. */
  cstamp = 0;
  tstamp = 0;

  constructor(dev: InDevice, local: Ipv4, address: Ipv4, prefixlen: number) {
    this.dev = dev;
    this.local = local;
    this.address = address;
    this.prefixlen = prefixlen;
    this.mask = maskOf(prefixlen);
    this.label = dev.dev.name;
  }
}

/** Whether an address lies in the subnet of one of ours. @kernel include/linux/inetdevice.h inet_ifa_match */
export function inetIfaMatch(address: Ipv4, ifa: InIfaddr): boolean {
  return ((address ^ ifa.address) & ifa.mask) === 0;
}

/** Not changed: the first address comes with a list of its own. */
const NO_ADDRESSES: InIfaddr[] = [];

export class InDevice {
  declare readonly dev: NetDevice;
  declare readonly ipv4: Ipv4Net;
  declare readonly cnf: Devconf;
  declare readonly arp: NeighTable<Ipv4>;
  declare readonly arpParms: NeighParms;
  /** The ARP entries of the device. */
  declare readonly neighbours: DeviceEntries<Ipv4>;
  /** Primary addresses by scope, each followed by nothing: secondary ones come at the end, in order of addition. */
  ifaList: InIfaddr[] = NO_ADDRESSES;
  declare readonly mc: IpMcState;
  dead = false;

  constructor(dev: NetDevice, ipv4: Ipv4Net, cnf: Devconf, arp: NeighTable<Ipv4>, mc: IpMcState) {
    this.dev = dev;
    this.ipv4 = ipv4;
    this.cnf = cnf;
    this.arp = arp;
    this.arpParms = arp.parmsAlloc(dev);
    this.neighbours = arp.entriesOf(dev)!;
    this.mc = mc;
  }

  /** IN_DEV_CONF_GET: the device's own value. */
  conf(index: number): number {
    return this.cnf.data[index]!;
  }

  /** IN_DEV_ANDCONF: `all` and the device must both say so. */
  andConf(index: number): boolean {
    return this.cnf.data[index] !== 0 && this.ipv4.devconfAll.data[index] !== 0;
  }

  /** IN_DEV_ORCONF: either says so. */
  orConf(index: number): boolean {
    return this.cnf.data[index] !== 0 || this.ipv4.devconfAll.data[index] !== 0;
  }

  /** IN_DEV_MAXCONF. */
  maxConf(index: number): number {
    return Math.max(this.cnf.data[index]!, this.ipv4.devconfAll.data[index]!);
  }

  /** IN_DEV_FORWARD */
  get forward(): boolean {
    return this.cnf.data[FORWARDING] !== 0;
  }
  /** IN_DEV_MFORWARD */
  get mforward(): boolean {
    return this.andConf(MC_FORWARDING);
  }
  /** IN_DEV_ROUTE_LOCALNET */
  get routeLocalnet(): boolean {
    return this.orConf(ROUTE_LOCALNET);
  }
  /** IN_DEV_PROMOTE_SECONDARIES */
  get promoteSecondaries(): boolean {
    return this.orConf(PROMOTE_SECONDARIES);
  }
  /** IN_DEV_SHARED_MEDIA */
  get sharedMedia(): boolean {
    return this.orConf(SHARED_MEDIA);
  }
  /** IN_DEV_RX_REDIRECTS: a router needs both switches, a host one of them. */
  get rxRedirects(): boolean {
    return this.forward ? this.andConf(ACCEPT_REDIRECTS) : this.orConf(ACCEPT_REDIRECTS);
  }
  get isLoopback(): boolean {
    return (this.dev.flags & IFF_LOOPBACK) !== 0;
  }
}

/** @kernel include/linux/inetdevice.h __in_dev_get_rcu */
export function inDevGet(dev: NetDevice): InDevice | undefined {
  return dev.ipPtr as InDevice | undefined;
}

/** @kernel net/ipv4/fib_semantics.c ip_ignore_linkdown */
export function ipIgnoreLinkdown(dev: NetDevice | undefined): boolean {
  return dev !== undefined && inDevGet(dev)?.orConf(IGNORE_ROUTES_WITH_LINKDOWN) === true;
}
