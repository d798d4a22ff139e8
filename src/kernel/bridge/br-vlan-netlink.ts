/** `bridge vlan` in the kernel (net/bridge/br_netlink.c, br_vlan.c, br_vlan_options.c). */
import type { BridgeVlanMessage, BridgeVlanOptions, BridgeVlanRequest } from '../../uapi/bridge-vlan.ts';
import { EBUSY, EINVAL, ENODEV, ENOENT, EOPNOTSUPP } from '../../uapi/errno.ts';
import { type Ack, type Refusal, refuse } from '../../uapi/result.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { NetDevice } from '../core/netdevice.ts';
import {
  BR_KERNEL_STP,
  BR_STATE_BLOCKING,
  bridgeOf,
  brPortGet,
  isBridgeMaster,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';
import { brVlanAdd, brVlanDelete, nbpVlanAdd, nbpVlanDelete, wantVlanFiltering } from './br-vlan.ts';
import { BRIDGE_VLAN_INFO_PVID, BRIDGE_VLAN_INFO_UNTAGGED, type VlanGroup } from './br-vlan-group.ts';

const VLAN_VID_MASK = 0xfff;

interface Target {
  br: NetBridge;
  /** Undefined: the bridge itself. */
  p: NetBridgePort | undefined;
}

/**
 * Whom a request is for: the port, through its bridge, and then the device itself, as the flags say.
 * Only bridges keep VLANs of their own.
 */
function targets(dev: NetDevice, flags: { self?: boolean; master?: boolean }): (Target | undefined)[] {
  const found: (Target | undefined)[] = [];
  if (flags.self !== true || flags.master === true) {
    const p = brPortGet(dev);
    found.push(p && { br: p.br, p });
  }
  if (flags.self === true) found.push(isBridgeMaster(dev) ? { br: bridgeOf(dev), p: undefined } : undefined);
  return found;
}

type Change = (target: Target, request: BridgeVlanRequest) => Ack;

function forTargets(
  net: NetNamespace,
  ifindex: number,
  request: BridgeVlanRequest,
  flags: { self?: boolean; master?: boolean },
  change: Change,
): Ack {
  const dev = net.devByIndex(ifindex);
  if (dev === undefined) return refuse(ENODEV, 'unknown ifindex');
  for (const target of targets(dev, flags)) {
    const refused = target === undefined ? refuse(EOPNOTSUPP) : change(target, request);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

function isInvalid(vid: number): boolean {
  return vid <= 0 || vid >= VLAN_VID_MASK;
}

/** RTM_SETLINK with VLANs. @kernel net/bridge/br_netlink.c br_process_vlan_info */
function addRange({ br, p }: Target, request: BridgeVlanRequest): Ack {
  const { vid, vidEnd = vid } = request;
  if (isInvalid(vid) || isInvalid(vidEnd)) return refuse(EINVAL, 'bridge: Vlan id is invalid');
  if (request.tunnel === true) return refuse(EINVAL);
  if (!wantVlanFiltering(br.dev.net.kernel)) return refuse(EOPNOTSUPP);
  const flags =
    (request.pvid === true ? BRIDGE_VLAN_INFO_PVID : 0) | (request.untagged === true ? BRIDGE_VLAN_INFO_UNTAGGED : 0);
  for (let one = vid; one <= vidEnd; one++) {
    const refused = p === undefined ? brVlanAdd(br, one, flags) : nbpVlanAdd(p, one, flags);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

/** RTM_DELLINK with VLANs: those that are not there do not matter. @kernel net/bridge/br_netlink.c br_vlan_info */
function deleteRange({ br, p }: Target, { vid, vidEnd = vid }: BridgeVlanRequest): Ack {
  if (isInvalid(vid) || isInvalid(vidEnd)) return refuse(EINVAL);
  if (!wantVlanFiltering(br.dev.net.kernel)) return undefined;
  for (let one = vid; one <= vidEnd; one++) {
    if (p === undefined) brVlanDelete(br, one);
    else nbpVlanDelete(p, one);
  }
  return undefined;
}

export function brVlanSetlink(
  net: NetNamespace,
  ifindex: number,
  request: BridgeVlanRequest,
  flags: { self?: boolean; master?: boolean },
): Ack {
  return forTargets(net, ifindex, request, flags, addRange);
}

export function brVlanDellink(
  net: NetNamespace,
  ifindex: number,
  request: BridgeVlanRequest,
  flags: { self?: boolean; master?: boolean },
): Ack {
  return forTargets(net, ifindex, request, flags, deleteRange);
}

/** The VLANs of a bridge or a port, undefined for other devices. */
function groupOf(dev: NetDevice): VlanGroup | undefined {
  return isBridgeMaster(dev) ? bridgeOf(dev).vlgrp : brPortGet(dev)?.vlgrp;
}

/** @kernel net/bridge/br_vlan.c br_vlan_dump_dev */
function fillVlans(dev: NetDevice, group: VlanGroup): BridgeVlanMessage {
  const vlans = group.members.map(({ vid, flags, state, mcastRouter, stats }) => ({
    vid,
    pvid: vid === group.pvid,
    untagged: (flags & BRIDGE_VLAN_INFO_UNTAGGED) !== 0,
    state,
    mcastRouter,
    ...stats,
  }));
  return { ifindex: dev.ifindex, isBridge: isBridgeMaster(dev), vlans };
}

/** RTM_GETLINK with RTEXT_FILTER_BRVLAN: empty in a kernel without VLAN filtering. */
export function brVlanDumpLinks(net: NetNamespace): BridgeVlanMessage[] {
  if (!wantVlanFiltering(net.kernel)) return [];
  return [...net.devices.values()]
    .sort((a, b) => a.ifindex - b.ifindex)
    .flatMap((dev) => {
      const group = groupOf(dev);
      return group === undefined || group.count === 0 ? [] : [fillVlans(dev, group)];
    });
}

/** RTM_GETVLAN, which a kernel without VLAN filtering does not know. @kernel net/bridge/br_vlan.c br_vlan_rtm_dump */
export function brVlanRtmDump(net: NetNamespace): BridgeVlanMessage[] | Refusal {
  return wantVlanFiltering(net.kernel) ? brVlanDumpLinks(net) : refuse(EOPNOTSUPP);
}

/** RTM_NEWVLAN: options of VLANs. @kernel net/bridge/br_vlan_options.c br_vlan_process_options */
export function brVlanSetOptions(net: NetNamespace, ifindex: number, options: BridgeVlanOptions): Ack {
  if (!wantVlanFiltering(net.kernel)) return refuse(EOPNOTSUPP);
  const dev = net.devByIndex(ifindex);
  if (dev === undefined) return refuse(ENODEV);
  const group = groupOf(dev);
  if (group === undefined) return refuse(EINVAL, 'bridge: The device is not a valid bridge or bridge port');
  const { vid, vidEnd = vid } = options;
  const missing = (what: string) => refuse(ENOENT, `bridge: Vlan ${what} doesn't exist, can't process options`);
  if (isInvalid(vid) || isInvalid(vidEnd)) return refuse(EINVAL, 'bridge: Vlan id is invalid');
  if (group.member(vid) === undefined) return missing('range start');
  if (group.member(vidEnd) === undefined) return missing('range end');
  const br = isBridgeMaster(dev) ? bridgeOf(dev) : brPortGet(dev)!.br;
  for (let one = vid; one <= vidEnd; one++) {
    const vlan = group.member(one);
    if (vlan === undefined) return missing('in range');
    const { state, mcastRouter } = options;
    if (state !== undefined) {
      if (state > BR_STATE_BLOCKING) return refuse(EINVAL, 'bridge: Invalid vlan state');
      if (br.stpEnabled === BR_KERNEL_STP) {
        return refuse(EBUSY, "bridge: Can't modify vlan state when using kernel STP");
      }
      vlan.state = state;
    }
    if (mcastRouter === undefined) continue;
    if (mcastRouter > 2) return refuse(EINVAL);
    vlan.mcastRouter = mcastRouter;
  }
  return undefined;
}
