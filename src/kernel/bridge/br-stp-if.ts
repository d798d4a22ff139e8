/** Ports and bridges that go up and down, and their ids (net/bridge/br_stp_if.c). */
import { ERANGE } from '../../uapi/errno.ts';
import { IFF_UP } from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import { MAC_ZERO, type Mac } from '../../wire/addr.ts';
import { netifOperUp } from '../core/link-watch.ts';
import { NET_ADDR_SET } from '../core/netdevice.ts';
import { brFdbChangeMacAddress, brFdbDeleteByPort, brFdbGcStart } from './br-fdb.ts';
import { brMulticastDisablePort } from './br-multicast.ts';
import {
  BR_ADMIN_COST,
  BR_KERNEL_STP,
  BR_NO_STP,
  BR_PORT_BITS,
  BR_STATE_BLOCKING,
  BR_STATE_DISABLED,
  compareBridgeIds,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';
import {
  BR_MAX_FORWARD_DELAY,
  BR_MIN_FORWARD_DELAY,
  brBecomeDesignatedPort,
  brBecomeRootBridge,
  brConfigBpduGeneration,
  brConfigurationUpdate,
  brIsDesignatedPort,
  brIsRootBridge,
  brPortStateSelection,
  brSetForwardDelayJiffies,
  brSetState,
  brSetTopologyChange,
} from './br-stp.ts';

const BR_MAX_PORT_PRIORITY = 0xffff >> BR_PORT_BITS;
const BR_MIN_PATH_COST = 1;
const BR_MAX_PATH_COST = 65535;
/** Nanoseconds from a bridge's going up to its first look for old entries. */
const GC_FIRST = 100e6;

/** @kernel net/bridge/br_stp_if.c br_make_port_id */
function makePortId(priority: number, portNo: number): number {
  return ((priority << BR_PORT_BITS) | (portNo & ((1 << BR_PORT_BITS) - 1))) & 0xffff;
}

/** @kernel net/bridge/br_stp_if.c br_init_port */
export function brInitPort(p: NetBridgePort): void {
  p.portId = makePortId(p.priority, p.portNo);
  brBecomeDesignatedPort(p);
  brSetState(p, BR_STATE_BLOCKING);
  p.topologyChangeAck = 0;
  p.configPending = 0;
}

/** @kernel net/bridge/br_stp_if.c br_stp_enable_bridge */
export function brStpEnableBridge(br: NetBridge): void {
  if (br.stpEnabled === BR_KERNEL_STP) br.helloTimer.mod(br.helloTime);
  brFdbGcStart(br, GC_FIRST);
  brConfigBpduGeneration(br);
  for (const p of br.ports) if (p.dev.running && netifOperUp(p.dev)) brStpEnablePort(p);
}

/** @kernel net/bridge/br_stp_if.c br_stp_disable_bridge */
export function brStpDisableBridge(br: NetBridge): void {
  for (const p of br.ports) if (p.state !== BR_STATE_DISABLED) brStpDisablePort(p);
  brSetTopologyChange(br, 0);
  br.topologyChangeDetected = 0;
  br.helloTimer.del();
  br.topologyChangeTimer.del();
  br.tcnTimer.del();
  brFdbGcStart(br, undefined);
}

/** @kernel net/bridge/br_stp_if.c br_stp_enable_port */
export function brStpEnablePort(p: NetBridgePort): void {
  brInitPort(p);
  brPortStateSelection(p.br);
}

/** @kernel net/bridge/br_stp_if.c br_stp_disable_port */
export function brStpDisablePort(p: NetBridgePort): void {
  const { br } = p;
  const wasRoot = brIsRootBridge(br);
  brBecomeDesignatedPort(p);
  brSetState(p, BR_STATE_DISABLED);
  p.topologyChangeAck = 0;
  p.configPending = 0;
  p.messageAgeTimer.del();
  p.forwardDelayTimer.del();
  p.holdTimer.del();
  if (p.backupPort === undefined) brFdbDeleteByPort(br, p, 0, false);
  brMulticastDisablePort(p);
  brConfigurationUpdate(br);
  brPortStateSelection(br);
  if (brIsRootBridge(br) && !wasRoot) brBecomeRootBridge(br);
}

/** @kernel net/bridge/br_stp_if.c br_stp_set_enabled #P[STP in user space] */
export function brStpSetEnabled(br: NetBridge, on: boolean): void {
  if (!on) {
    br.stpEnabled = BR_NO_STP;
    return;
  }
  if (br.stpEnabled !== BR_NO_STP) return;
  if (br.bridgeForwardDelay < BR_MIN_FORWARD_DELAY) brSetForwardDelayJiffies(br, BR_MIN_FORWARD_DELAY);
  else if (br.bridgeForwardDelay > BR_MAX_FORWARD_DELAY) brSetForwardDelayJiffies(br, BR_MAX_FORWARD_DELAY);
  br.stpEnabled = BR_KERNEL_STP;
  if ((br.dev.flags & IFF_UP) !== 0) br.helloTimer.mod(br.helloTime);
  brPortStateSelection(br);
}

/** The bridge takes another address. @kernel net/bridge/br_stp_if.c br_stp_change_bridge_id */
export function brStpChangeBridgeId(br: NetBridge, address: Mac): void {
  const wasRoot = brIsRootBridge(br);
  brFdbChangeMacAddress(br, address);
  const old = br.bridgeId.address;
  br.bridgeId = { priority: br.bridgeId.priority, address };
  br.dev.addr = address;
  for (const p of br.ports) {
    if (p.designatedBridge.address === old) p.designatedBridge = { priority: p.designatedBridge.priority, address };
    if (p.designatedRoot.address === old) p.designatedRoot = { priority: p.designatedRoot.priority, address };
  }
  brConfigurationUpdate(br);
  brPortStateSelection(br);
  if (brIsRootBridge(br) && !wasRoot) brBecomeRootBridge(br);
}

/**
 * The lowest address of the ports, unless somebody has set one; true when it changed.
 * @kernel net/bridge/br_stp_if.c br_stp_recalculate_bridge_id
 */
export function brStpRecalculateBridgeId(br: NetBridge): boolean {
  if (br.dev.addrAssignType === NET_ADDR_SET) return false;
  let address = MAC_ZERO;
  for (const p of br.ports) if (address === MAC_ZERO || p.dev.addr < address) address = p.dev.addr;
  if (br.bridgeId.address === address) return false;
  brStpChangeBridgeId(br, address);
  return true;
}

/** @kernel net/bridge/br_stp_if.c br_stp_set_bridge_priority */
export function brStpSetBridgePriority(br: NetBridge, wanted: number): void {
  const priority = wanted & 0xffff;
  const wasRoot = brIsRootBridge(br);
  for (const p of br.ports) {
    if (p.state !== BR_STATE_DISABLED && brIsDesignatedPort(p)) {
      p.designatedBridge = { priority, address: p.designatedBridge.address };
    }
  }
  br.bridgeId = { priority, address: br.bridgeId.address };
  brConfigurationUpdate(br);
  brPortStateSelection(br);
  if (brIsRootBridge(br) && !wasRoot) brBecomeRootBridge(br);
}

/** @kernel net/bridge/br_stp_if.c br_stp_set_port_priority */
export function brStpSetPortPriority(p: NetBridgePort, priority: number): Ack {
  if (priority > BR_MAX_PORT_PRIORITY) return refuse(ERANGE);
  const portId = makePortId(priority, p.portNo);
  if (brIsDesignatedPort(p)) p.designatedPort = portId;
  p.portId = portId;
  p.priority = priority;
  if (compareBridgeIds(p.br.bridgeId, p.designatedBridge) === 0 && p.portId < p.designatedPort) {
    brBecomeDesignatedPort(p);
    brPortStateSelection(p.br);
  }
  return undefined;
}

/** @kernel net/bridge/br_stp_if.c br_stp_set_path_cost */
export function brStpSetPathCost(p: NetBridgePort, cost: number): Ack {
  if (cost < BR_MIN_PATH_COST || cost > BR_MAX_PATH_COST) return refuse(ERANGE);
  p.flags |= BR_ADMIN_COST;
  p.pathCost = cost;
  brConfigurationUpdate(p.br);
  brPortStateSelection(p.br);
  return undefined;
}
