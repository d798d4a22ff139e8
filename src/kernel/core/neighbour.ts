/** Neighbour tables as rtnetlink sees them: RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH. */
import { EAFNOSUPPORT, EEXIST, EINVAL, ENOBUFS, ENODEV, ENOENT } from '../../uapi/errno.ts';
import { type Ack, type Refusal, refuse } from '../../uapi/result.ts';
import {
  AF_INET,
  type NeighDump,
  type NeighMessage,
  type NeighRequest,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NTF_EXT_LEARNED,
  NTF_PROXY,
  NTF_ROUTER,
  NTF_USE,
  NUD_FAILED,
  NUD_NONE,
  NUD_PERMANENT,
} from '../../uapi/rtnetlink.ts';
import type { Ipv4 } from '../../wire/addr.ts';
import type { Kernel } from './kernel.ts';
import { neighEventSend, neighUpdate } from './neighbour-nud.ts';
import {
  NEIGH_UPDATE_F_ADMIN,
  NEIGH_UPDATE_F_EXT_LEARNED,
  NEIGH_UPDATE_F_ISROUTER,
  NEIGH_UPDATE_F_OVERRIDE,
  NEIGH_UPDATE_F_OVERRIDE_ISROUTER,
  NEIGH_UPDATE_F_USE,
  NUD_IN_TIMER,
  NUD_VALID,
} from './neighbour-states.ts';
import type { Neighbour, NeighTable, PneighEntry } from './neighbour-table.ts';
import type { NetNamespace } from './net-namespace.ts';
import type { NetDevice } from './netdevice.ts';

const RTN_UNICAST = 1;

const tables = new WeakMap<Kernel, Map<number, NeighTable<Ipv4>>>();

/** @kernel net/core/neighbour.c neigh_table_init */
export function neighTableRegister(table: NeighTable<Ipv4>): void {
  let byFamily = tables.get(table.kernel);
  if (byFamily === undefined) {
    byFamily = new Map();
    tables.set(table.kernel, byFamily);
  }
  byFamily.set(table.ops.family, table);
}

/** @kernel net/core/neighbour.c neigh_find_table */
export function neighFindTable(kernel: Kernel, family: number): NeighTable<Ipv4> | undefined {
  return tables.get(kernel)?.get(family);
}

/** @kernel net/core/neighbour.c neigh_add */
export function neighAdd(net: NetNamespace, request: NeighRequest, flags: number): Ack {
  const dev = request.ifindex === 0 ? undefined : net.devByIndex(request.ifindex);
  if (request.ifindex !== 0 && dev === undefined) return refuse(ENODEV);
  const table = neighFindTable(net.kernel, AF_INET);
  if (table === undefined) return refuse(EAFNOSUPPORT);
  const ndmFlags = request.flags ?? 0;
  const state = request.state ?? NUD_NONE;
  const permanent = (state & NUD_PERMANENT) !== 0;
  if ((ndmFlags & NTF_PROXY) !== 0) {
    proxyAdd(table, net, request.dst, dev, ndmFlags, permanent);
    return undefined;
  }
  if (dev === undefined) return refuse(EINVAL, 'Device not specified');
  let update = NEIGH_UPDATE_F_ADMIN | NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_OVERRIDE_ISROUTER;
  let neigh = table.lookup(request.dst, dev);
  if (neigh === undefined) {
    if ((flags & NLM_F_CREATE) === 0) return refuse(ENOENT);
    const exempt = permanent || (ndmFlags & NTF_EXT_LEARNED) !== 0;
    if (table.parmsOf(dev) === undefined) return refuse(EINVAL);
    neigh = table.create(request.dst, dev, ndmFlags & NTF_EXT_LEARNED, exempt);
    if (neigh === undefined) return refuse(ENOBUFS);
  } else {
    if ((flags & NLM_F_EXCL) !== 0) return refuse(EEXIST);
    if ((flags & NLM_F_REPLACE) === 0) update &= ~(NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_OVERRIDE_ISROUTER);
  }
  if ((ndmFlags & NTF_EXT_LEARNED) !== 0) update |= NEIGH_UPDATE_F_EXT_LEARNED;
  if ((ndmFlags & NTF_ROUTER) !== 0) update |= NEIGH_UPDATE_F_ISROUTER;
  if ((ndmFlags & NTF_USE) !== 0) update |= NEIGH_UPDATE_F_USE;
  if (request.protocol !== undefined && request.protocol !== 0) neigh.protocol = request.protocol;
  const refused = neighUpdate(neigh, request.lladdr, state, update);
  if (refused !== undefined) return refused;
  if ((update & NEIGH_UPDATE_F_OVERRIDE_ISROUTER) !== 0) {
    neigh.flags = (update & NEIGH_UPDATE_F_ISROUTER) !== 0 ? neigh.flags | NTF_ROUTER : neigh.flags & ~NTF_ROUTER;
  }
  if ((ndmFlags & NTF_USE) !== 0) neighEventSend(neigh, undefined);
  return undefined;
}

/** @kernel net/core/neighbour.c pneigh_lookup */
function proxyAdd(
  table: NeighTable<Ipv4>,
  net: NetNamespace,
  key: Ipv4,
  dev: NetDevice | undefined,
  flags: number,
  permanent: boolean,
): void {
  let entry: PneighEntry<Ipv4> | undefined = table.proxies.find(
    (other) => other.key === key && other.net === net && (other.dev === dev || other.dev === undefined),
  );
  if (entry === undefined) {
    entry = { net, key, dev, flags, permanent, protocol: 0 };
    table.proxies.unshift(entry);
  }
  entry.flags = flags;
  entry.permanent = permanent;
}

/** @kernel net/core/neighbour.c neigh_delete */
export function neighDelete(net: NetNamespace, request: NeighRequest): Ack {
  const dev = request.ifindex === 0 ? undefined : net.devByIndex(request.ifindex);
  if (request.ifindex !== 0 && dev === undefined) return refuse(ENODEV);
  const table = neighFindTable(net.kernel, AF_INET);
  if (table === undefined) return refuse(EAFNOSUPPORT);
  if (((request.flags ?? 0) & NTF_PROXY) !== 0) {
    const at = table.proxies.findIndex((entry) => entry.key === request.dst && entry.dev === dev && entry.net === net);
    if (at < 0) return refuse(ENOENT);
    table.proxies.splice(at, 1);
    return undefined;
  }
  if (dev === undefined) return refuse(EINVAL);
  const neigh = table.lookup(request.dst, dev);
  if (neigh === undefined) return refuse(ENOENT);
  const refused = neighUpdate(neigh, undefined, NUD_FAILED, NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_ADMIN);
  // Telling the senders of what waited may have brought the entry into use again: then it stays.
  if (!neigh.dead && neigh.timer?.pending !== true) table.remove(neigh);
  return refused;
}

/** @kernel net/core/neighbour.c neigh_fill_info */
function fillInfo(neigh: Neighbour<Ipv4>): NeighMessage {
  const { now } = neigh.table.kernel.queue;
  const message: NeighMessage = {
    family: neigh.table.ops.family,
    ifindex: neigh.dev.ifindex,
    dst: neigh.key,
    state: neigh.state,
    flags: neigh.flags,
    type: neigh.type,
    probes: neigh.probes,
    confirmed: ticks(now - neigh.confirmed),
    used: ticks(now - neigh.used),
    updated: ticks(now - neigh.updated),
    refcnt: (neigh.state & NUD_IN_TIMER) !== 0 && neigh.timer?.pending === true ? 1 : 0,
  };
  if ((neigh.state & NUD_VALID) !== 0 && neigh.dev.addrLen > 0) message.lladdr = neigh.ha;
  if (neigh.protocol !== 0) message.protocol = neigh.protocol;
  return message;
}

/** Nanoseconds as seconds, in whole hundredths. */
function ticks(time: number): number {
  return Math.floor(time / 1e7) / 100;
}

function proxyInfo(table: NeighTable<Ipv4>, entry: PneighEntry<Ipv4>): NeighMessage {
  return {
    family: table.ops.family,
    ifindex: entry.dev?.ifindex ?? 0,
    dst: entry.key,
    state: NUD_NONE,
    flags: entry.flags | NTF_PROXY,
    type: RTN_UNICAST,
    probes: 0,
    confirmed: 0,
    used: 0,
    updated: 0,
    refcnt: 0,
  };
}

/**
 * The entries of a namespace, device by device in order of their creation; the kernel gives them in the
 * order of a hash whose seed is random.
 * @kernel net/core/neighbour.c neigh_dump_info
 */
export function neighDumpInfo(net: NetNamespace, filter: NeighDump = {}): NeighMessage[] {
  const table = neighFindTable(net.kernel, AF_INET);
  if (table === undefined) return [];
  const wanted = (dev: NetDevice | undefined): boolean =>
    (filter.ifindex === undefined || filter.ifindex === 0 || dev?.ifindex === filter.ifindex) &&
    (filter.master === undefined || filter.master === 0 || (dev?.master?.ifindex ?? -1) === filter.master);
  if (filter.proxy === true) {
    return table.proxies
      .filter((entry) => entry.net === net && wanted(entry.dev))
      .map((entry) => proxyInfo(table, entry));
  }
  const messages: NeighMessage[] = [];
  for (const dev of net.devices.values()) {
    if (!wanted(dev)) continue;
    for (const neigh of table.entriesOf(dev)?.values() ?? []) messages.push(fillInfo(neigh));
  }
  return messages;
}

/** @kernel net/core/neighbour.c neigh_get */
export function neighGet(net: NetNamespace, ifindex: number, dst: Ipv4): NeighMessage | Refusal {
  const dev = net.devByIndex(ifindex);
  if (ifindex !== 0 && dev === undefined) return refuse(ENODEV);
  if (dev === undefined) return refuse(EINVAL, 'No device specified');
  const neigh = neighFindTable(net.kernel, AF_INET)?.lookup(dst, dev);
  return neigh === undefined ? refuse(ENOENT, 'Neighbour entry not found') : fillInfo(neigh);
}
