/** VLAN devices over rtnetlink (net/8021q/vlan_netlink.c). */
import { EADDRNOTAVAIL, EEXIST, EINVAL, ENODEV, EOPNOTSUPP, EPROTONOSUPPORT, ERANGE } from '../../uapi/errno.ts';
import { ARPHRD_ETHER, ETH_P_8021AD, ETH_P_8021Q } from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { LinkRequest, VlanData } from '../../uapi/rtnetlink.ts';
import { isValidMac, type Mac } from '../../wire/addr.ts';
import {
  netdevUpperDevLink,
  netdevUpperDevUnlink,
  registerNetdevice,
  unregisterNetdeviceMany,
} from '../core/dev-config.ts';
import { devMcAdd, devMcDel } from '../core/dev-rx-mode.ts';
import { linkwatchFireEvent, netifStackedTransferOperstate } from '../core/link-watch.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import { NETIF_F_VLAN_CHALLENGED, type NetDevice, type RtnlLinkOps } from '../core/netdevice.ts';
import {
  VLAN_FLAG_BRIDGE_BINDING,
  VLAN_FLAG_REORDER_HDR,
  VLAN_PRIO_SHIFT,
  VLAN_VID_MASK,
  type VlanDevPriv,
  vlanDevices,
  vlanFindDev,
  vlanGroupSetDevice,
  vlanOf,
  vlanVidAdd,
  vlanVidDel,
} from './vlan-core.ts';
import { vlanDevChangeFlags, vlanDevSetEgressPriority, vlanDevSetIngressPriority, vlanSetup } from './vlan-dev.ts';

/** The group of GVRP, and that of MVRP: the same. */
const APPLICANT_GROUPS: readonly Mac[] = [0x0180_c200_0021, 0x0180_c200_0021];

function dataOf(request: LinkRequest): VlanData | undefined {
  return request.linkinfo?.data as VlanData | undefined;
}

/** @kernel net/8021q/vlan_netlink.c vlan_validate */
function vlanValidate(request: LinkRequest): Ack {
  if (request.address !== undefined && !isValidMac(request.address)) {
    return refuse(EADDRNOTAVAIL, '8021q: Invalid link address');
  }
  const data = dataOf(request);
  if (data === undefined) return refuse(EINVAL, '8021q: VLAN properties not specified');
  const { protocol, id, flags } = data;
  if (protocol !== undefined && protocol !== ETH_P_8021Q && protocol !== ETH_P_8021AD) {
    return refuse(EPROTONOSUPPORT, '8021q: Invalid VLAN protocol');
  }
  if (id !== undefined && id >= VLAN_VID_MASK) return refuse(ERANGE, '8021q: Invalid VLAN id');
  if (flags !== undefined && (flags.flags & flags.mask & ~0x1f) !== 0) {
    return refuse(EINVAL, '8021q: Invalid VLAN flags');
  }
  return undefined;
}

/** @kernel net/8021q/vlan.c vlan_check_real_dev */
function vlanCheckRealDev(realDev: NetDevice, proto: number, id: number): Ack {
  if ((realDev.features & NETIF_F_VLAN_CHALLENGED) !== 0 || realDev.type !== ARPHRD_ETHER) {
    return refuse(EOPNOTSUPP, '8021q: VLANs not supported on device');
  }
  if (vlanFindDev(realDev, proto, id) !== undefined) return refuse(EEXIST, '8021q: VLAN device already exists');
  return undefined;
}

/** @kernel net/8021q/vlan_netlink.c vlan_changelink */
function vlanChangelink(dev: NetDevice, request: LinkRequest): Ack {
  const data = dataOf(request);
  if (data?.flags !== undefined) {
    const refused = vlanDevChangeFlags(dev, data.flags.flags, data.flags.mask);
    if (refused !== undefined) return refused;
  }
  for (const { from, to } of data?.ingressQos ?? []) vlanDevSetIngressPriority(dev, to, from);
  for (const { from, to } of data?.egressQos ?? []) vlanDevSetEgressPriority(dev, from, to);
  return undefined;
}

/** @kernel net/8021q/vlan_netlink.c vlan_newlink */
function vlanNewlink(src: NetNamespace, dev: NetDevice, request: LinkRequest): Ack {
  const data = dataOf(request);
  if (data?.id === undefined) return refuse(EINVAL, '8021q: VLAN id not specified');
  if (request.link === undefined) return refuse(EINVAL, '8021q: link not specified');
  const realDev = src.devByIndex(request.link);
  if (realDev === undefined) return refuse(ENODEV, '8021q: link does not exist');
  const vlan: VlanDevPriv = {
    proto: data.protocol ?? ETH_P_8021Q,
    id: data.id,
    realDev,
    realDevAddr: 0,
    flags: VLAN_FLAG_REORDER_HDR,
    ingress: new Uint32Array(8),
    egress: [],
  };
  dev.priv = vlan;
  const unfit = vlanCheckRealDev(realDev, vlan.proto, vlan.id);
  if (unfit !== undefined) return unfit;
  if (request.mtu === undefined) dev.mtu = realDev.mtu;
  else if (dev.mtu > realDev.mtu) return refuse(EINVAL);
  return vlanChangelink(dev, request) ?? registerVlanDev(dev);
}

/** @kernel net/8021q/vlan.c register_vlan_dev */
function registerVlanDev(dev: NetDevice): Ack {
  const { realDev, proto, id } = vlanOf(dev);
  const first = vlanDevices(realDev).length === 0;
  let refused = vlanVidAdd(realDev, proto, id);
  if (refused !== undefined) return refused;
  if (first) initApplicants(realDev);
  refused = registerNetdevice(dev);
  if (refused === undefined) {
    refused = netdevUpperDevLink(realDev, dev);
    if (refused !== undefined) unregisterNetdeviceMany([dev]);
  }
  if (refused !== undefined) {
    if (first) uninitApplicants(realDev);
    vlanVidDel(realDev, proto, id);
    return refused;
  }
  vlanStackedTransferOperstate(realDev, dev);
  linkwatchFireEvent(dev);
  vlanGroupSetDevice(realDev, proto, id, dev);
  return undefined;
}

/** A device that carries VLANs listens to GVRP and MVRP. @kernel net/8021q/vlan_gvrp.c vlan_gvrp_init_applicant #P[the protocol] */
function initApplicants(realDev: NetDevice): void {
  for (const group of APPLICANT_GROUPS) devMcAdd(realDev, group);
}

/** @kernel net/8021q/vlan_gvrp.c vlan_gvrp_uninit_applicant */
function uninitApplicants(realDev: NetDevice): void {
  for (const group of APPLICANT_GROUPS) devMcDel(realDev, group);
}

/** @kernel net/8021q/vlan.c vlan_stacked_transfer_operstate */
export function vlanStackedTransferOperstate(realDev: NetDevice, dev: NetDevice): void {
  if ((vlanOf(dev).flags & VLAN_FLAG_BRIDGE_BINDING) === 0) netifStackedTransferOperstate(realDev, dev);
}

/** @kernel net/8021q/vlan.c unregister_vlan_dev */
export function unregisterVlanDev(dev: NetDevice, unlist: NetDevice[]): void {
  const { realDev, proto, id } = vlanOf(dev);
  vlanGroupSetDevice(realDev, proto, id, undefined);
  netdevUpperDevUnlink(realDev, dev);
  unlist.push(dev);
  if (vlanDevices(realDev).length === 0) uninitApplicants(realDev);
  vlanVidDel(realDev, proto, id);
}

/** @kernel net/8021q/vlan_netlink.c vlan_fill_info */
function vlanFillInfo(dev: NetDevice): VlanData {
  const vlan = vlanOf(dev);
  const data: VlanData = { protocol: vlan.proto, id: vlan.id };
  if (vlan.flags !== 0) data.flags = { flags: vlan.flags, mask: 0xffff_ffff };
  const ingress = [...vlan.ingress].map((to, from) => ({ from, to })).filter(({ to }) => to !== 0);
  if (ingress.length > 0) data.ingressQos = ingress;
  const egress = vlan.egress.filter(({ qos }) => qos !== 0);
  if (egress.length > 0) {
    data.egressQos = egress.map(({ priority, qos }) => ({ from: priority, to: qos >> VLAN_PRIO_SHIFT }));
  }
  return data;
}

export const vlanLinkOps: RtnlLinkOps = {
  kind: 'vlan',
  setup: vlanSetup,
  validate: vlanValidate,
  newLink: vlanNewlink,
  changeLink: vlanChangelink,
  delLink: unregisterVlanDev,
  fillInfo: vlanFillInfo,
  getLinkNet: (dev) => vlanOf(dev).realDev.net,
};
