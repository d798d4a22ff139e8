/** What the timers of the spanning tree protocol do (net/bridge/br_stp_timer.c). */
import { IFF_UP } from '../../uapi/if.ts';
import { formatMac } from '../../wire/addr.ts';
import { netifCarrierOn } from '../core/link-watch.ts';
import {
  BR_KERNEL_STP,
  BR_STATE_DISABLED,
  BR_STATE_FORWARDING,
  BR_STATE_LEARNING,
  BR_STATE_LISTENING,
  BrTimer,
  brInfo,
  compareBridgeIds,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';
import {
  brBecomeDesignatedPort,
  brBecomeRootBridge,
  brConfigBpduGeneration,
  brConfigurationUpdate,
  brIsRootBridge,
  brPortStateSelection,
  brSetState,
  brSetTopologyChange,
  brTopologyChangeDetection,
  brTransmitConfig,
  brTransmitTcn,
} from './br-stp.ts';

/** @kernel net/bridge/br_stp_timer.c br_hello_timer_expired */
function helloTimerExpired(br: NetBridge): void {
  if ((br.dev.flags & IFF_UP) === 0) return;
  brConfigBpduGeneration(br);
  if (br.stpEnabled === BR_KERNEL_STP) br.helloTimer.modRounded(br.helloTime);
}

/** @kernel net/bridge/br_stp_timer.c br_message_age_timer_expired */
function messageAgeTimerExpired(p: NetBridgePort): void {
  const { br } = p;
  if (p.state === BR_STATE_DISABLED) return;
  const { priority, address } = p.designatedBridge;
  const id = `${priority.toString(16).padStart(4, '0')}.${formatMac(address)}`;
  brInfo(br, `port ${p.portNo}(${p.dev.name}) neighbor ${id} lost`);
  const wasRoot = brIsRootBridge(br);
  brBecomeDesignatedPort(p);
  brConfigurationUpdate(br);
  brPortStateSelection(br);
  if (brIsRootBridge(br) && !wasRoot) brBecomeRootBridge(br);
}

/** @kernel net/bridge/br_stp_timer.c br_forward_delay_timer_expired */
function forwardDelayTimerExpired(p: NetBridgePort): void {
  const { br } = p;
  if (p.state === BR_STATE_LISTENING) {
    brSetState(p, BR_STATE_LEARNING);
    p.forwardDelayTimer.mod(br.forwardDelay);
  } else if (p.state === BR_STATE_LEARNING) {
    brSetState(p, BR_STATE_FORWARDING);
    const designated = br.ports.some(
      (other) => other.state !== BR_STATE_DISABLED && compareBridgeIds(other.designatedBridge, br.bridgeId) === 0,
    );
    if (designated) brTopologyChangeDetection(br);
    netifCarrierOn(br.dev);
  }
}

/** @kernel net/bridge/br_stp_timer.c br_tcn_timer_expired */
function tcnTimerExpired(br: NetBridge): void {
  if (brIsRootBridge(br) || (br.dev.flags & IFF_UP) === 0) return;
  brTransmitTcn(br);
  br.tcnTimer.mod(br.bridgeHelloTime);
}

/** @kernel net/bridge/br_stp_timer.c br_stp_timer_init */
export function brStpTimerInit(br: NetBridge): void {
  const { queue } = br.dev.net.kernel;
  br.helloTimer = new BrTimer(queue, 'bridge hello', () => helloTimerExpired(br));
  br.tcnTimer = new BrTimer(queue, 'bridge topology notice', () => tcnTimerExpired(br));
  br.topologyChangeTimer = new BrTimer(queue, 'bridge topology change', () => {
    br.topologyChangeDetected = 0;
    brSetTopologyChange(br, 0);
  });
}

/** @kernel net/bridge/br_stp_timer.c br_stp_port_timer_init */
export function brStpPortTimerInit(p: NetBridgePort): void {
  const { queue } = p.dev.net.kernel;
  p.messageAgeTimer = new BrTimer(queue, 'bridge message age', () => messageAgeTimerExpired(p));
  p.forwardDelayTimer = new BrTimer(queue, 'bridge forward delay', () => forwardDelayTimerExpired(p));
  p.holdTimer = new BrTimer(queue, 'bridge hold', () => {
    if (p.configPending !== 0) brTransmitConfig(p);
  });
}
