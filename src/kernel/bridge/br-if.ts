/** Ports: making and unmaking them (net/bridge/br_if.c). */
import { EBUSY, EINVAL, ELOOP, ENOENT, EOPNOTSUPP, EXFULL } from '../../uapi/errno.ts';
import { ARPHRD_ETHER, ETH_DATA_LEN, IFF_LOOPBACK, IFF_PROMISC, IFF_UP } from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import { isValidMac } from '../../wire/addr.ts';
import {
  devSetMtu,
  netdevRxHandlerRegister,
  netdevRxHandlerUnregister,
  netdevUpperDevLink,
  netdevUpperDevUnlink,
  unregisterNetdeviceMany,
} from '../core/dev-config.ts';
import { devSetAllmulti, devSetPromiscuity } from '../core/dev-rx-mode.ts';
import { netifOperUp } from '../core/link-watch.ts';
import { IFF_BRIDGE_PORT, IFF_DONT_BRIDGE, IFF_UNICAST_FLT, NET_ADDR_SET, type NetDevice } from '../core/netdevice.ts';
import { brRecalculateNeighSuppressEnabled } from './br-arp-nd-proxy.ts';
import { brFdbAddLocal, brFdbDeleteByPort, brFdbGcStart, brFdbSyncStatic, brFdbUnsyncStatic } from './br-fdb.ts';
import { brHandleFrame } from './br-input.ts';
import { brMulticastDisablePort, brMulticastInitPort } from './br-multicast.ts';
import { MDB_RTR_TYPE_TEMP_QUERY } from './br-multicast-state.ts';
import {
  BR_ADMIN_COST,
  BR_AUTO_MASK,
  BR_BCAST_FLOOD,
  BR_FLOOD,
  BR_LEARNING,
  BR_MAX_PORTS,
  BR_MCAST_FLOOD,
  BR_NEIGH_SUPPRESS,
  BR_PORT_BITS,
  BR_PROMISC,
  BR_STATE_DISABLED,
  BROPT_MTU_SET_BY_USER,
  BROPT_VLAN_ENABLED,
  brOptGet,
  brOptToggle,
  brPortGet,
  isBridgeMaster,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';
import { brSetState } from './br-stp.ts';
import { brInitPort, brStpDisablePort, brStpEnablePort, brStpRecalculateBridgeId } from './br-stp-if.ts';
import { brStpPortTimerInit } from './br-stp-timer.ts';
import { hasVlanFiltering, nbpVlanFlush, nbpVlanInit } from './br-vlan.ts';

/** By the speed of the link (IEEE 802.1D-1998 table 8-5). @kernel net/bridge/br_if.c port_cost */
function portCost(dev: NetDevice): number {
  const speed = dev.ops.getLinkSettings?.(dev)?.speed;
  if (speed === undefined) return 100;
  if (speed > 10000) return 1;
  const costs: Record<number, number> = { 10000: 2, 5000: 3, 2500: 4, 1000: 5, 100: 19 };
  return costs[speed] ?? 100;
}

/** @kernel net/bridge/br_if.c br_port_carrier_check */
export function brPortCarrierCheck(p: NetBridgePort): void {
  const { dev, br } = p;
  const up = dev.running && netifOperUp(dev);
  if ((p.flags & BR_ADMIN_COST) === 0 && up) p.pathCost = portCost(dev);
  if (!br.dev.running) return;
  if (up) {
    if (p.state === BR_STATE_DISABLED) brStpEnablePort(p);
  } else if (p.state !== BR_STATE_DISABLED) brStpDisablePort(p);
}

/** @kernel net/bridge/br_if.c br_port_set_promisc */
function portSetPromisc(p: NetBridgePort): void {
  if ((p.flags & BR_PROMISC) !== 0) return;
  devSetPromiscuity(p.dev, 1);
  brFdbUnsyncStatic(p.br, p.dev);
  p.flags |= BR_PROMISC;
}

/** @kernel net/bridge/br_if.c br_port_clear_promisc */
function portClearPromisc(p: NetBridgePort): void {
  if ((p.flags & BR_PROMISC) === 0 || (p.dev.privFlags & IFF_UNICAST_FLT) === 0) return;
  brFdbSyncStatic(p.br, p.dev);
  p.flags &= ~BR_PROMISC;
  devSetPromiscuity(p.dev, -1);
}

/**
 * Every port hears everything, unless VLANs are filtered and it is known by other means what comes in:
 * where all other ports have fixed entries only.
 * @kernel net/bridge/br_if.c br_manage_promisc
 */
export function brManagePromisc(br: NetBridge): void {
  const all = (br.dev.flags & IFF_PROMISC) !== 0 || !brOptGet(br, BROPT_VLAN_ENABLED);
  for (const p of br.ports) {
    const known = br.autoCnt === 0 || (br.autoCnt === 1 && (p.flags & BR_AUTO_MASK) !== 0);
    if (!all && known && (p.dev.privFlags & IFF_UNICAST_FLT) !== 0) portClearPromisc(p);
    else portSetPromisc(p);
  }
}

/** @kernel net/bridge/br_if.c nbp_backup_change */
export function nbpBackupChange(p: NetBridgePort, dev: NetDevice | undefined): Ack {
  let backup: NetBridgePort | undefined;
  if (dev !== undefined) {
    backup = brPortGet(dev);
    if (backup === undefined) return refuse(ENOENT);
    if (backup.br !== p.br || backup === p) return refuse(EINVAL);
  }
  if (p.backupPort === backup) return undefined;
  if (p.backupPort !== undefined) p.backupPort.backupRedirectedCnt--;
  if (backup !== undefined) backup.backupRedirectedCnt++;
  p.backupPort = backup;
  return undefined;
}

/** @kernel net/bridge/br_if.c nbp_backup_clear */
function backupClear(p: NetBridgePort): void {
  nbpBackupChange(p, undefined);
  for (const other of p.br.ports) if (other.backupPort === p) nbpBackupChange(other, undefined);
}

/** @kernel net/bridge/br_if.c nbp_update_port_count */
function updatePortCount(br: NetBridge): void {
  const count = br.ports.filter((p) => (p.flags & BR_AUTO_MASK) !== 0).length;
  if (br.autoCnt === count) return;
  br.autoCnt = count;
  brManagePromisc(br);
}

/** @kernel net/bridge/br_if.c br_port_flags_change */
export function brPortFlagsChange(p: NetBridgePort, mask: number): void {
  if ((mask & BR_AUTO_MASK) !== 0) updatePortCount(p.br);
  if ((mask & BR_NEIGH_SUPPRESS) !== 0) brRecalculateNeighSuppressEnabled(p.br);
}

/** @kernel net/bridge/br_if.c del_nbp */
function delNbp(p: NetBridgePort): void {
  const { br, dev } = p;
  devSetAllmulti(dev, -1);
  if ((p.flags & BR_PROMISC) !== 0) devSetPromiscuity(dev, -1);
  else brFdbUnsyncStatic(br, dev);
  brStpDisablePort(p);
  br.ports = br.ports.filter((other) => other !== p);
  nbpVlanFlush(p);
  brFdbDeleteByPort(br, p, 0, true);
  backupClear(p);
  updatePortCount(br);
  netdevUpperDevUnlink(dev, br.dev);
  dev.privFlags &= ~IFF_BRIDGE_PORT;
  netdevRxHandlerUnregister(dev);
  brMulticastDisablePort(p);
}

/** What goes with a bridge; the device itself is pushed onto `unlist`. @kernel net/bridge/br_if.c br_dev_delete */
export function brDevDelete(br: NetBridge, unlist: NetDevice[]): void {
  for (const p of [...br.ports]) delNbp(p);
  brRecalculateNeighSuppressEnabled(br);
  brFdbDeleteByPort(br, undefined, 0, true);
  br.helloTimer.del();
  br.topologyChangeTimer.del();
  br.tcnTimer.del();
  brFdbGcStart(br, undefined);
  unlist.push(br.dev);
}

/** {@link brDevDelete}, and the device unregistered. */
export function brDeleteNow(br: NetBridge): void {
  const unlist: NetDevice[] = [];
  brDevDelete(br, unlist);
  unregisterNetdeviceMany(unlist);
}

/** The lowest free port number, 0 when there is none. @kernel net/bridge/br_if.c find_portno */
function findPortno(br: NetBridge): number {
  const used = new Set(br.ports.map((p) => p.portNo));
  for (let portNo = 1; portNo < BR_MAX_PORTS; portNo++) if (!used.has(portNo)) return portNo;
  return 0;
}

/** @kernel net/bridge/br_if.c new_nbp */
function newNbp(br: NetBridge, dev: NetDevice, portNo: number): NetBridgePort {
  const none = { priority: 0, address: 0 };
  const p = {
    br,
    dev,
    flags: BR_LEARNING | BR_FLOOD | BR_MCAST_FLOOD | BR_BCAST_FLOOD,
    backupPort: undefined,
    backupRedirectedCnt: 0,
    priority: 0x8000 >> BR_PORT_BITS,
    state: BR_STATE_DISABLED,
    portNo,
    topologyChangeAck: 0,
    configPending: 0,
    portId: 0,
    designatedPort: 0,
    designatedRoot: none,
    designatedBridge: none,
    pathCost: portCost(dev),
    designatedCost: 0,
    designatedAge: 0,
    groupFwdMask: 0,
    vlgrp: undefined,
    multicast: { router: MDB_RTR_TYPE_TEMP_QUERY, ownQuery: { startupSent: 0 }, ehtHostsLimit: 512 },
  } as unknown as NetBridgePort;
  brStpPortTimerInit(p);
  brMulticastInitPort(p);
  brInitPort(p);
  brSetState(p, BR_STATE_DISABLED);
  return p;
}

/** The lowest MTU of the ports. @kernel net/bridge/br_if.c br_mtu_min */
function mtuMin(br: NetBridge): number {
  return br.ports.length === 0 ? ETH_DATA_LEN : Math.min(...br.ports.map((p) => p.dev.mtu));
}

/** The bridge's MTU follows its ports until somebody sets it. @kernel net/bridge/br_if.c br_mtu_auto_adjust */
export function brMtuAutoAdjust(br: NetBridge): void {
  if (brOptGet(br, BROPT_MTU_SET_BY_USER)) return;
  devSetMtu(br.dev, mtuMin(br));
  brOptToggle(br, BROPT_MTU_SET_BY_USER, false);
}

/** @kernel net/bridge/br_if.c br_set_gso_limits */
function setGsoLimits(br: NetBridge): void {
  br.dev.tsoMaxSize = Math.min(524280, ...br.ports.map((p) => p.dev.tsoMaxSize));
  br.dev.tsoMaxSegs = Math.min(65535, ...br.ports.map((p) => p.dev.tsoMaxSegs));
}

/** @kernel net/bridge/br_if.c br_add_if */
export function brAddPort(br: NetBridge, dev: NetDevice): Ack {
  const { kernel } = dev.net;
  if ((dev.flags & IFF_LOOPBACK) !== 0 || dev.type !== ARPHRD_ETHER || !isValidMac(dev.addr)) return refuse(EINVAL);
  if (isBridgeMaster(dev)) return refuse(ELOOP, 'Can not enslave a bridge to a bridge');
  if (dev.master !== undefined) return refuse(EBUSY);
  if ((dev.privFlags & IFF_DONT_BRIDGE) !== 0) {
    return refuse(EOPNOTSUPP, 'Device does not allow enslaving to a bridge');
  }
  const portNo = findPortno(br);
  if (portNo === 0) return refuse(EXFULL);
  const p = newNbp(br, dev, portNo);
  kernel.notify('JOIN', dev);
  devSetAllmulti(dev, 1);
  const refused = netdevRxHandlerRegister(dev, brHandleFrame, p);
  if (refused !== undefined) {
    devSetAllmulti(dev, -1);
    return refused;
  }
  dev.privFlags |= IFF_BRIDGE_PORT;
  const unlinked = netdevUpperDevLink(dev, br.dev, true);
  if (unlinked !== undefined) {
    dev.privFlags &= ~IFF_BRIDGE_PORT;
    netdevRxHandlerUnregister(dev);
    devSetAllmulti(dev, -1);
    return unlinked;
  }
  br.ports = [p, ...br.ports];
  updatePortCount(br);
  brFdbAddLocal(br, p, dev.addr, 0);
  if (br.dev.addrAssignType !== NET_ADDR_SET) {
    const errno = kernel.notify('PRE_CHANGEADDR', br.dev, { address: dev.addr });
    if (errno !== 0) {
      delNbp(p);
      return refuse(errno);
    }
  }
  if (hasVlanFiltering(kernel)) {
    const refusedVlan = nbpVlanInit(p);
    if (refusedVlan !== undefined) {
      delNbp(p);
      return refusedVlan;
    }
  }
  const changed = brStpRecalculateBridgeId(br);
  if (dev.running && netifOperUp(dev) && (br.dev.flags & IFF_UP) !== 0) brStpEnablePort(p);
  if (changed) kernel.notify('CHANGEADDR', br.dev);
  brMtuAutoAdjust(br);
  setGsoLimits(br);
  return undefined;
}

/** @kernel net/bridge/br_if.c br_del_if */
export function brDelPort(br: NetBridge, dev: NetDevice): Ack {
  const p = brPortGet(dev);
  if (p === undefined || p.br !== br) return refuse(EINVAL);
  delNbp(p);
  brMtuAutoAdjust(br);
  setGsoLimits(br);
  if (brStpRecalculateBridgeId(br)) dev.net.kernel.notify('CHANGEADDR', br.dev);
  return undefined;
}

/** The bridge became promiscuous, or ceased to be. */
export function brChangeRxFlags(br: NetBridge, changed: number): void {
  if ((changed & IFF_PROMISC) !== 0) brManagePromisc(br);
}
