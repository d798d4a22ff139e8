/** The forwarding database over rtnetlink: `bridge fdb` (net/bridge/br_fdb.c). */
import { EEXIST, EINVAL, ENODEV, ENOENT, EPERM } from '../../uapi/errno.ts';
import { type Ack, isRefusal, type Refusal, refuse } from '../../uapi/result.ts';
import {
  type FdbMessage,
  type FdbRequest,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NTF_EXT_LEARNED,
  NTF_MASTER,
  NTF_OFFLOADED,
  NTF_SELF,
  NTF_STICKY,
  NTF_USE,
  NUD_NOARP,
  NUD_PERMANENT,
  NUD_REACHABLE,
} from '../../uapi/rtnetlink.ts';
import { MAC_ZERO, type Mac } from '../../wire/addr.ts';
import { devUcAdd, devUcDel } from '../core/dev-rx-mode.ts';
import type { NetDevice } from '../core/netdevice.ts';
import type { BridgeFdbOps, FdbFlushFilter } from '../core/rtnl-fdb.ts';
import { brFdbFlush, brFdbUpdate, type FdbFlushDesc, fdbCreate, fdbDelete, fdbToNud } from './br-fdb.ts';
import {
  BR_FDB_ADDED_BY_EXT_LEARN,
  BR_FDB_ADDED_BY_USER,
  BR_FDB_DYNAMIC_LEARNED,
  BR_FDB_LOCAL,
  BR_FDB_OFFLOADED,
  BR_FDB_STATIC,
  BR_FDB_STICKY,
  type FdbEntry,
} from './br-fdb-table.ts';
import {
  BR_PROMISC,
  bridgeOf,
  brPortGet,
  isBridgeMaster,
  type NetBridge,
  type NetBridgePort,
  nbpStateShouldLearn,
} from './br-private.ts';
import { wantVlanFiltering } from './br-vlan.ts';
import type { VlanGroup } from './br-vlan-group.ts';

/** FDB_FLUSH_ALLOWED_NDM_STATES and _FLAGS. */
const FLUSH_STATES = NUD_PERMANENT | NUD_NOARP;
const FLUSH_FLAGS = NTF_USE | NTF_EXT_LEARNED | NTF_STICKY | NTF_OFFLOADED;

interface Target {
  br: NetBridge;
  p: NetBridgePort | undefined;
}

/** The bridge that a request to `dev` is about, and the port that it is. */
function bridgeAndPort(dev: NetDevice): Target | undefined {
  if (isBridgeMaster(dev)) return { br: bridgeOf(dev), p: undefined };
  const p = brPortGet(dev);
  return p === undefined ? undefined : { br: p.br, p };
}

function secondsSince(br: NetBridge, time: number): number {
  return Math.floor((br.dev.net.kernel.queue.now - time) / 1e9);
}

/** @kernel net/bridge/br_fdb.c fdb_fill_info */
function fillInfo(br: NetBridge, entry: FdbEntry): FdbMessage {
  let flags = 0;
  if ((entry.flags & BR_FDB_OFFLOADED) !== 0) flags |= NTF_OFFLOADED;
  if ((entry.flags & BR_FDB_ADDED_BY_EXT_LEARN) !== 0) flags |= NTF_EXT_LEARNED;
  if ((entry.flags & BR_FDB_STICKY) !== 0) flags |= NTF_STICKY;
  const message: FdbMessage = {
    ifindex: (entry.dst?.dev ?? br.dev).ifindex,
    lladdr: entry.address,
    master: br.dev.ifindex,
    state: fdbToNud(br, entry),
    flags,
    used: secondsSince(br, entry.used),
    updated: secondsSince(br, entry.updated),
  };
  if (entry.vid !== 0) message.vlan = entry.vid;
  return message;
}

/** @kernel net/bridge/br_fdb.c br_fdb_dump @param port only its entries; undefined: the bridge's own */
function brFdbDump(dev: NetDevice, port: NetDevice | undefined): FdbMessage[] {
  const br = bridgeOf(dev);
  const messages: FdbMessage[] = [];
  for (let entry = br.fdb.head; entry !== undefined; entry = entry.next) {
    if (entry.dst?.dev === port) messages.push(fillInfo(br, entry));
  }
  return messages;
}

/** @kernel net/bridge/br_fdb.c br_fdb_get */
function brFdbGet(dev: NetDevice, address: Mac, vid: number): FdbMessage | Refusal {
  const br = bridgeOf(dev);
  const entry = br.fdb.findMac(address, vid);
  return entry === undefined ? refuse(ENOENT, 'Fdb entry not found') : fillInfo(br, entry);
}

/** @kernel net/bridge/br_fdb.c fdb_add_entry */
function addEntry(
  br: NetBridge,
  source: NetBridgePort | undefined,
  request: FdbRequest,
  nlmFlags: number,
  vid: number,
): Ack {
  const sticky = ((request.flags ?? 0) & NTF_STICKY) !== 0;
  const state = request.state ?? 0;
  const address = request.lladdr;
  if (source !== undefined && (state & (NUD_PERMANENT | NUD_NOARP)) === 0 && !nbpStateShouldLearn(source)) {
    return refuse(EPERM);
  }
  if (source === undefined && (state & NUD_PERMANENT) === 0) return refuse(EINVAL);
  if (sticky && (state & NUD_PERMANENT) !== 0) return refuse(EINVAL);
  const { now } = br.dev.net.kernel.queue;
  let entry = br.fdb.findMac(address, vid);
  let modified = false;
  if (entry === undefined) {
    if ((nlmFlags & NLM_F_CREATE) === 0) return refuse(ENOENT);
    entry = fdbCreate(br, source, address, vid, BR_FDB_ADDED_BY_USER)!;
    modified = true;
  } else {
    if ((nlmFlags & NLM_F_EXCL) !== 0) return refuse(EEXIST);
    if (entry.dst !== source) {
      entry.dst = source;
      modified = true;
    }
    br.fdb.setFlags(entry, (entry.flags | BR_FDB_ADDED_BY_USER) & ~BR_FDB_DYNAMIC_LEARNED);
  }
  if (fdbToNud(br, entry) !== state) {
    setState(br, entry, state);
    modified = true;
  }
  if (sticky !== ((entry.flags & BR_FDB_STICKY) !== 0)) {
    br.fdb.setFlags(entry, entry.flags ^ BR_FDB_STICKY);
    modified = true;
  }
  entry.used = now;
  if (modified) entry.updated = now;
  return undefined;
}

/** Local, static or dynamic; ports that filter addresses are told. */
function setState(br: NetBridge, entry: FdbEntry, state: number): void {
  const wasStatic = (entry.flags & BR_FDB_STATIC) !== 0;
  const flags = entry.flags & ~(BR_FDB_LOCAL | BR_FDB_STATIC);
  const filtering = br.ports.filter((p) => (p.flags & BR_PROMISC) === 0);
  if ((state & (NUD_PERMANENT | NUD_NOARP)) === 0) {
    br.fdb.setFlags(entry, flags);
    if (wasStatic) for (const p of filtering) devUcDel(p.dev, entry.address);
    return;
  }
  br.fdb.setFlags(entry, flags | BR_FDB_STATIC | ((state & NUD_PERMANENT) !== 0 ? BR_FDB_LOCAL : 0));
  if (!wasStatic) for (const p of filtering) devUcAdd(p.dev, entry.address);
}

/** @kernel net/bridge/br_fdb.c br_fdb_external_learn_add */
function externalLearnAdd(br: NetBridge, p: NetBridgePort | undefined, address: Mac, vid: number): void {
  const entry = br.fdb.findMac(address, vid);
  const { now } = br.dev.net.kernel.queue;
  const flags = BR_FDB_ADDED_BY_EXT_LEARN | BR_FDB_ADDED_BY_USER | (p === undefined ? BR_FDB_LOCAL : 0);
  if (entry === undefined) {
    fdbCreate(br, p, address, vid, flags);
    return;
  }
  entry.updated = now;
  entry.dst = p;
  if ((entry.flags & BR_FDB_ADDED_BY_EXT_LEARN) !== 0) entry.used = now;
  br.fdb.setFlags(entry, (entry.flags | flags) & ~BR_FDB_DYNAMIC_LEARNED);
}

/** @kernel net/bridge/br_fdb.c __br_fdb_add */
function addInVlan({ br, p }: Target, request: FdbRequest, nlmFlags: number, vid: number): Ack {
  const flags = request.flags ?? 0;
  if ((flags & NTF_USE) !== 0) {
    if (p === undefined) return refuse(EINVAL);
    if (nbpStateShouldLearn(p)) brFdbUpdate(br, p, request.lladdr, vid, BR_FDB_ADDED_BY_USER);
    return undefined;
  }
  if ((flags & NTF_EXT_LEARNED) !== 0) {
    if (p === undefined && ((request.state ?? 0) & NUD_PERMANENT) === 0) {
      return refuse(EINVAL, 'bridge: FDB entry towards bridge must be permanent');
    }
    externalLearnAdd(br, p, request.lladdr, vid);
    return undefined;
  }
  return addEntry(br, p, request, nlmFlags, vid);
}

/**
 * Without a VLAN the entry is made outside of VLANs, and in each of which the port is a member.
 * @kernel net/bridge/br_fdb.c br_fdb_add
 */
function brFdbAdd(dev: NetDevice, request: FdbRequest, nlmFlags: number): Ack {
  const state = request.state ?? 0;
  if ((state & (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE)) === 0) return refuse(EINVAL);
  if (request.lladdr === MAC_ZERO) return refuse(EINVAL);
  const found = bridgeAndPort(dev);
  if (found === undefined) return refuse(EINVAL);
  const { vlan = 0 } = request;
  const group = vlanGroupOf(found, vlan);
  if (vlan !== 0) {
    if (group?.member(vlan) !== undefined) return addInVlan(found, request, nlmFlags, vlan);
    if (group !== undefined)
      dev.net.kernel.printk(`bridge: RTM_NEWNEIGH with unconfigured vlan ${vlan} on ${dev.name}`);
    return refuse(EINVAL);
  }
  const refused = addInVlan(found, request, nlmFlags, 0);
  if (refused !== undefined) return refused;
  for (const { vid } of group?.members ?? []) {
    const refusedThere = addInVlan(found, request, nlmFlags, vid);
    if (refusedThere !== undefined) return refusedThere;
  }
  return undefined;
}

/** The VLANs of the port or bridge, when it has some or one is asked for. */
function vlanGroupOf({ br, p }: Target, vlan: number): VlanGroup | undefined {
  if (vlan !== 0) wantVlanFiltering(br.dev.net.kernel);
  return p === undefined ? br.vlgrp : p.vlgrp;
}

function deleteInVlan({ br, p }: Target, address: Mac, vid: number): Ack {
  const entry = br.fdb.findMac(address, vid);
  if (entry === undefined || entry.dst !== p) return refuse(ENOENT);
  fdbDelete(br, entry);
  return undefined;
}

/** @kernel net/bridge/br_fdb.c br_fdb_delete */
function brFdbDelete(dev: NetDevice, address: Mac, vid: number): Ack {
  const found = bridgeAndPort(dev);
  if (found === undefined) return refuse(EINVAL);
  // Entries can be left over from a VLAN that the port is no longer in.
  if (vid !== 0) return deleteInVlan(found, address, vid);
  const group = vlanGroupOf(found, 0);
  const answers = [0, ...(group?.members ?? []).map((vlan) => vlan.vid)].map((one) =>
    deleteInVlan(found, address, one),
  );
  return answers.includes(undefined) ? undefined : answers[0];
}

function stateToFlags(state: number): number {
  return ((state & NUD_PERMANENT) !== 0 ? BR_FDB_LOCAL : 0) | ((state & NUD_NOARP) !== 0 ? BR_FDB_STATIC : 0);
}

function ndmFlagsToFlags(flags: number): number {
  return (
    ((flags & NTF_USE) !== 0 ? BR_FDB_ADDED_BY_USER : 0) |
    ((flags & NTF_EXT_LEARNED) !== 0 ? BR_FDB_ADDED_BY_EXT_LEARN : 0) |
    ((flags & NTF_OFFLOADED) !== 0 ? BR_FDB_OFFLOADED : 0) |
    ((flags & NTF_STICKY) !== 0 ? BR_FDB_STICKY : 0)
  );
}

/** @kernel net/bridge/br_fdb.c __fdb_flush_validate_ifindex */
function flushPort(br: NetBridge, ifindex: number): number | Refusal {
  const dev = br.dev.net.devByIndex(ifindex);
  if (dev === undefined) return refuse(ENODEV, 'bridge: Unknown flush device ifindex');
  const p = brPortGet(dev);
  if (isBridgeMaster(dev)) {
    if (dev === br.dev) return ifindex;
    return refuse(EINVAL, 'bridge: Flush bridge device does not match target bridge device');
  }
  if (p === undefined) return refuse(EINVAL, 'bridge: Flush device is not a bridge or bridge port');
  return p.br === br ? ifindex : refuse(EINVAL, 'bridge: Port belongs to a different bridge device');
}

/** @kernel net/bridge/br_fdb.c br_fdb_delete_bulk */
function brFdbDeleteBulk(dev: NetDevice, filter: FdbFlushFilter): Ack {
  const found = bridgeAndPort(dev);
  if (found === undefined) return refuse(EINVAL, 'bridge: Device is not a bridge port');
  const { br, p } = found;
  const flags = (filter.flags ?? 0) & ~(NTF_MASTER | NTF_SELF);
  if ((flags & ~FLUSH_FLAGS) !== 0) return refuse(EINVAL, 'Unsupported fdb flush ndm flag bits set');
  if (((filter.state ?? 0) & ~FLUSH_STATES) !== 0) return refuse(EINVAL, 'Unsupported fdb flush ndm state bits set');
  const desc: FdbFlushDesc = {
    flags: stateToFlags(filter.state ?? 0) | ndmFlagsToFlags(flags),
    flagsMask: stateToFlags(filter.stateMask ?? 0) | ndmFlagsToFlags(filter.flagsMask ?? 0),
    portIfindex: p?.dev.ifindex ?? 0,
    vid: filter.vlan ?? 0,
  };
  if (filter.brport !== undefined) {
    const ifindex = flushPort(br, filter.brport);
    if (isRefusal(ifindex)) return ifindex;
    desc.portIfindex = ifindex;
  }
  brFdbFlush(br, desc);
  return undefined;
}

export const bridgeFdbOps: BridgeFdbOps = {
  add: brFdbAdd,
  del: brFdbDelete,
  flush: brFdbDeleteBulk,
  dump: brFdbDump,
  get: brFdbGet,
};
