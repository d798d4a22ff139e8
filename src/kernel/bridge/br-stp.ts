/** The spanning tree protocol's decisions (net/bridge/br_stp.c, IEEE 802.1D-1998 clause 8). */
import { ERANGE } from '../../uapi/errno.ts';
import { IFF_UP } from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import { netifCarrierOff, netifCarrierOn } from '../core/link-watch.ts';
import { brFdbGcSettle, brFdbGcStart } from './br-fdb.ts';
import { brMulticastEnablePort } from './br-multicast.ts';
import {
  BR_KERNEL_STP,
  BR_NO_STP,
  BR_ROOT_BLOCK,
  BR_STATE_BLOCKING,
  BR_STATE_DISABLED,
  BR_STATE_FORWARDING,
  BR_STATE_LEARNING,
  BR_STATE_LISTENING,
  brInfo,
  clockToJiffies,
  compareBridgeIds,
  HZ,
  jiffiesToNs,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';
import { brSendConfigBpdu, brSendTcnBpdu, type ConfigBpdu } from './br-stp-bpdu.ts';

/** One tick of a BPDU's clock at least. */
const MESSAGE_AGE_INCR = Math.floor(HZ / 256) + 1;
const BR_HOLD_TIME = HZ;
const STATE_NAMES = ['disabled', 'listening', 'learning', 'forwarding', 'blocking'] as const;

const BR_MIN_HELLO_TIME = HZ;
const BR_MAX_HELLO_TIME = 10 * HZ;
const BR_MIN_MAX_AGE = 6 * HZ;
const BR_MAX_MAX_AGE = 40 * HZ;
export const BR_MIN_FORWARD_DELAY = 2 * HZ;
export const BR_MAX_FORWARD_DELAY = 30 * HZ;

/** @kernel net/bridge/br_stp.c br_set_state */
export function brSetState(p: NetBridgePort, state: number): void {
  p.state = state;
  brInfo(p.br, `port ${p.portNo}(${p.dev.name}) entered ${STATE_NAMES[state]} state`);
}

/** @kernel net/bridge/br_private_stp.h br_is_designated_port */
export function brIsDesignatedPort(p: NetBridgePort): boolean {
  return compareBridgeIds(p.designatedBridge, p.br.bridgeId) === 0 && p.designatedPort === p.portId;
}

/** @kernel net/bridge/br_private.h br_is_root_bridge */
export function brIsRootBridge(br: NetBridge): boolean {
  return compareBridgeIds(br.bridgeId, br.designatedRoot) === 0;
}

/** @kernel net/bridge/br_stp.c br_get_port */
function brGetPort(br: NetBridge, portNo: number): NetBridgePort | undefined {
  return br.ports.find((p) => p.portNo === portNo);
}

/** @kernel net/bridge/br_stp.c br_should_become_root_port */
function shouldBecomeRootPort(p: NetBridgePort, rootPort: number): boolean {
  const { br } = p;
  if (p.state === BR_STATE_DISABLED || brIsDesignatedPort(p)) return false;
  if (compareBridgeIds(br.bridgeId, p.designatedRoot) <= 0) return false;
  if (rootPort === 0) return true;
  const rp = brGetPort(br, rootPort)!;
  const better =
    compareBridgeIds(p.designatedRoot, rp.designatedRoot) ||
    p.designatedCost + p.pathCost - (rp.designatedCost + rp.pathCost) ||
    compareBridgeIds(p.designatedBridge, rp.designatedBridge) ||
    p.designatedPort - rp.designatedPort ||
    p.portId - rp.portId;
  return better < 0;
}

/** @kernel net/bridge/br_stp.c br_root_selection */
function rootSelection(br: NetBridge): void {
  let rootPort = 0;
  for (const p of br.ports) {
    if (!shouldBecomeRootPort(p, rootPort)) continue;
    if ((p.flags & BR_ROOT_BLOCK) === 0) rootPort = p.portNo;
    else {
      brInfo(br, `port ${p.portNo}(${p.dev.name}) tried to become root port (blocked)`);
      brSetState(p, BR_STATE_LISTENING);
      if (br.forwardDelay > 0) p.forwardDelayTimer.mod(br.forwardDelay);
    }
  }
  br.rootPort = rootPort;
  const p = brGetPort(br, rootPort);
  br.designatedRoot = p === undefined ? br.bridgeId : p.designatedRoot;
  br.rootPathCost = p === undefined ? 0 : p.designatedCost + p.pathCost;
}

/** @kernel net/bridge/br_stp.c br_become_root_bridge */
export function brBecomeRootBridge(br: NetBridge): void {
  br.maxAge = br.bridgeMaxAge;
  br.helloTime = br.bridgeHelloTime;
  br.forwardDelay = br.bridgeForwardDelay;
  brTopologyChangeDetection(br);
  br.tcnTimer.del();
  if ((br.dev.flags & IFF_UP) !== 0) {
    brConfigBpduGeneration(br);
    br.helloTimer.mod(br.helloTime);
  }
}

/** @kernel net/bridge/br_stp.c br_transmit_config */
export function brTransmitConfig(p: NetBridgePort): void {
  if (p.holdTimer.pending) {
    p.configPending = 1;
    return;
  }
  const { br } = p;
  let messageAge = 0;
  if (!brIsRootBridge(br)) {
    const root = brGetPort(br, br.rootPort);
    const age = root === undefined ? 0 : (br.dev.net.kernel.queue.now - root.designatedAge) / jiffiesToNs(1);
    messageAge = Math.floor(age) + MESSAGE_AGE_INCR;
  }
  if (messageAge >= br.maxAge) return;
  brSendConfigBpdu(p, {
    topologyChange: br.topologyChange,
    topologyChangeAck: p.topologyChangeAck,
    root: br.designatedRoot,
    rootPathCost: br.rootPathCost,
    bridgeId: br.bridgeId,
    portId: p.portId,
    messageAge,
    maxAge: br.maxAge,
    helloTime: br.helloTime,
    forwardDelay: br.forwardDelay,
  });
  p.topologyChangeAck = 0;
  p.configPending = 0;
  if (br.stpEnabled === BR_KERNEL_STP) p.holdTimer.modRounded(BR_HOLD_TIME);
}

/** @kernel net/bridge/br_stp.c br_record_config_information */
function recordConfigInformation(p: NetBridgePort, bpdu: ConfigBpdu): void {
  p.designatedRoot = bpdu.root;
  p.designatedCost = bpdu.rootPathCost;
  p.designatedBridge = bpdu.bridgeId;
  p.designatedPort = bpdu.portId;
  p.designatedAge = p.dev.net.kernel.queue.now - jiffiesToNs(bpdu.messageAge);
  p.messageAgeTimer.mod(bpdu.maxAge - bpdu.messageAge);
}

/** @kernel net/bridge/br_stp.c br_transmit_tcn */
export function brTransmitTcn(br: NetBridge): void {
  const p = brGetPort(br, br.rootPort);
  if (p !== undefined) brSendTcnBpdu(p);
  else brInfo(br, `root port ${br.rootPort} not found for topology notice`);
}

/** @kernel net/bridge/br_stp.c br_should_become_designated_port */
function shouldBecomeDesignatedPort(p: NetBridgePort): boolean {
  const { br } = p;
  if (brIsDesignatedPort(p)) return true;
  if (compareBridgeIds(p.designatedRoot, br.designatedRoot) !== 0) return true;
  const better =
    br.rootPathCost - p.designatedCost ||
    compareBridgeIds(br.bridgeId, p.designatedBridge) ||
    p.portId - p.designatedPort;
  return better < 0;
}

/** @kernel net/bridge/br_stp.c br_configuration_update */
export function brConfigurationUpdate(br: NetBridge): void {
  rootSelection(br);
  for (const p of br.ports) {
    if (p.state !== BR_STATE_DISABLED && shouldBecomeDesignatedPort(p)) brBecomeDesignatedPort(p);
  }
}

/** @kernel net/bridge/br_stp.c br_supersedes_port_info */
function supersedesPortInfo(p: NetBridgePort, bpdu: ConfigBpdu): boolean {
  const better =
    compareBridgeIds(bpdu.root, p.designatedRoot) ||
    bpdu.rootPathCost - p.designatedCost ||
    compareBridgeIds(bpdu.bridgeId, p.designatedBridge);
  if (better !== 0) return better < 0;
  return compareBridgeIds(bpdu.bridgeId, p.br.bridgeId) !== 0 || bpdu.portId <= p.designatedPort;
}

/** @kernel net/bridge/br_stp.c br_topology_change_detection */
export function brTopologyChangeDetection(br: NetBridge): void {
  if (br.stpEnabled !== BR_KERNEL_STP || (br.dev.flags & IFF_UP) === 0) return;
  const isRoot = brIsRootBridge(br);
  brInfo(br, `topology change detected, ${isRoot ? 'propagating' : 'sending tcn bpdu'}`);
  if (isRoot) {
    brSetTopologyChange(br, 1);
    br.topologyChangeTimer.mod(br.bridgeForwardDelay + br.bridgeMaxAge);
  } else if (br.topologyChangeDetected === 0) {
    brTransmitTcn(br);
    br.tcnTimer.mod(br.bridgeHelloTime);
  }
  br.topologyChangeDetected = 1;
}

/** @kernel net/bridge/br_stp.c br_config_bpdu_generation */
export function brConfigBpduGeneration(br: NetBridge): void {
  for (const p of br.ports) {
    if (p.state !== BR_STATE_DISABLED && brIsDesignatedPort(p)) brTransmitConfig(p);
  }
}

/** @kernel net/bridge/br_stp.c br_become_designated_port */
export function brBecomeDesignatedPort(p: NetBridgePort): void {
  const { br } = p;
  p.designatedRoot = br.designatedRoot;
  p.designatedCost = br.rootPathCost;
  p.designatedBridge = br.bridgeId;
  p.designatedPort = p.portId;
}

/** @kernel net/bridge/br_stp.c br_make_blocking */
function makeBlocking(p: NetBridgePort): void {
  if (p.state === BR_STATE_DISABLED || p.state === BR_STATE_BLOCKING) return;
  if (p.state === BR_STATE_FORWARDING || p.state === BR_STATE_LEARNING) brTopologyChangeDetection(p.br);
  brSetState(p, BR_STATE_BLOCKING);
  p.forwardDelayTimer.del();
}

/** @kernel net/bridge/br_stp.c br_make_forwarding */
function makeForwarding(p: NetBridgePort): void {
  const { br } = p;
  if (p.state !== BR_STATE_BLOCKING) return;
  if (br.stpEnabled === BR_NO_STP || br.forwardDelay === 0) {
    brSetState(p, BR_STATE_FORWARDING);
    brTopologyChangeDetection(br);
    p.forwardDelayTimer.del();
  } else brSetState(p, BR_STATE_LISTENING);
  if (br.forwardDelay !== 0) p.forwardDelayTimer.mod(br.forwardDelay);
}

/** Give every port its state, and the bridge its carrier. @kernel net/bridge/br_stp.c br_port_state_selection */
export function brPortStateSelection(br: NetBridge): void {
  let livePorts = 0;
  for (const p of br.ports) {
    if (p.state === BR_STATE_DISABLED) continue;
    if (p.portNo === br.rootPort) {
      p.configPending = 0;
      p.topologyChangeAck = 0;
      makeForwarding(p);
    } else if (brIsDesignatedPort(p)) {
      p.messageAgeTimer.del();
      makeForwarding(p);
    } else {
      p.configPending = 0;
      p.topologyChangeAck = 0;
      makeBlocking(p);
    }
    if (p.state !== BR_STATE_BLOCKING) brMulticastEnablePort(p);
    if (p.state === BR_STATE_FORWARDING) livePorts++;
  }
  if (livePorts === 0) netifCarrierOff(br.dev);
  else netifCarrierOn(br.dev);
}

/** @kernel net/bridge/br_stp.c br_received_config_bpdu */
export function brReceivedConfigBpdu(p: NetBridgePort, bpdu: ConfigBpdu): void {
  const { br } = p;
  const wasRoot = brIsRootBridge(br);
  if (!supersedesPortInfo(p, bpdu)) {
    if (brIsDesignatedPort(p)) brTransmitConfig(p);
    return;
  }
  recordConfigInformation(p, bpdu);
  brConfigurationUpdate(br);
  brPortStateSelection(br);
  if (!brIsRootBridge(br) && wasRoot) {
    br.helloTimer.del();
    if (br.topologyChangeDetected !== 0) {
      br.topologyChangeTimer.del();
      brTransmitTcn(br);
      br.tcnTimer.mod(br.bridgeHelloTime);
    }
  }
  if (p.portNo !== br.rootPort) return;
  br.maxAge = bpdu.maxAge;
  br.helloTime = bpdu.helloTime;
  br.forwardDelay = bpdu.forwardDelay;
  brSetTopologyChange(br, bpdu.topologyChange);
  brConfigBpduGeneration(br);
  if (bpdu.topologyChangeAck !== 0) {
    br.topologyChangeDetected = 0;
    br.tcnTimer.del();
  }
}

/** @kernel net/bridge/br_stp.c br_received_tcn_bpdu */
export function brReceivedTcnBpdu(p: NetBridgePort): void {
  if (!brIsDesignatedPort(p)) return;
  brInfo(p.br, `port ${p.portNo}(${p.dev.name}) received tcn bpdu`);
  brTopologyChangeDetection(p.br);
  p.topologyChangeAck = 1;
  brTransmitConfig(p);
}

/** Learned entries age fast while the topology changes. @kernel net/bridge/br_stp.c __br_set_topology_change */
export function brSetTopologyChange(br: NetBridge, value: number): void {
  brFdbGcSettle(br);
  if (br.stpEnabled === BR_KERNEL_STP && br.topologyChange !== value) {
    br.ageingTime = value !== 0 ? 2 * br.forwardDelay : br.bridgeAgeingTime;
  }
  br.topologyChange = value;
}

/** @kernel net/bridge/br_stp.c br_set_hello_time @param ticks USER_HZ */
export function brSetHelloTime(br: NetBridge, ticks: number): Ack {
  const t = clockToJiffies(ticks);
  if (t < BR_MIN_HELLO_TIME || t > BR_MAX_HELLO_TIME) return refuse(ERANGE);
  br.bridgeHelloTime = t;
  if (brIsRootBridge(br)) br.helloTime = t;
  return undefined;
}

/** @kernel net/bridge/br_stp.c br_set_max_age */
export function brSetMaxAge(br: NetBridge, ticks: number): Ack {
  const t = clockToJiffies(ticks);
  if (t < BR_MIN_MAX_AGE || t > BR_MAX_MAX_AGE) return refuse(ERANGE);
  br.bridgeMaxAge = t;
  if (brIsRootBridge(br)) br.maxAge = t;
  return undefined;
}

/** @kernel net/bridge/br_stp.c br_set_ageing_time */
export function brSetAgeingTime(br: NetBridge, ticks: number): Ack {
  const t = clockToJiffies(ticks);
  br.bridgeAgeingTime = t;
  br.ageingTime = t;
  brFdbGcStart(br, 0);
  return undefined;
}

/** @kernel net/bridge/br_stp.c __br_set_forward_delay @param jiffies */
export function brSetForwardDelayJiffies(br: NetBridge, jiffies: number): void {
  brFdbGcSettle(br);
  br.bridgeForwardDelay = jiffies;
  if (brIsRootBridge(br)) br.forwardDelay = jiffies;
}

/** @kernel net/bridge/br_stp.c br_set_forward_delay @param ticks USER_HZ */
export function brSetForwardDelay(br: NetBridge, ticks: number): Ack {
  const t = clockToJiffies(ticks);
  if (br.stpEnabled !== BR_NO_STP && (t < BR_MIN_FORWARD_DELAY || t > BR_MAX_FORWARD_DELAY)) return refuse(ERANGE);
  brSetForwardDelayJiffies(br, t);
  return undefined;
}
