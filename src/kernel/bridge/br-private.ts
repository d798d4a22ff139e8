/** What a bridge and its ports keep (net/bridge/br_private.h). */
import type { EventQueue, Timer } from '../../sim/queue.ts';
import type { BridgeId } from '../../uapi/rtnetlink.ts';
import type { Mac } from '../../wire/addr.ts';
import { IFF_BRIDGE_PORT, IFF_EBRIDGE, type NetDevice } from '../core/netdevice.ts';
import type { DstEntry } from '../core/skbuff.ts';
import type { FdbTable } from './br-fdb-table.ts';
import type { BridgeMulticast, PortMulticast } from './br-multicast-state.ts';
import type { VlanGroup } from './br-vlan-group.ts';

/** CONFIG_HZ of the reference kernel: settings are kept in its ticks, as they are rounded to them. */
export const HZ = 250;
const JIFFY = 1e9 / HZ;

export const BR_STATE_DISABLED = 0;
export const BR_STATE_LISTENING = 1;
export const BR_STATE_LEARNING = 2;
export const BR_STATE_FORWARDING = 3;
export const BR_STATE_BLOCKING = 4;

/** Port flags (include/linux/if_bridge.h). */
export const BR_HAIRPIN_MODE = 1 << 0;
export const BR_BPDU_GUARD = 1 << 1;
export const BR_ROOT_BLOCK = 1 << 2;
export const BR_MULTICAST_FAST_LEAVE = 1 << 3;
export const BR_ADMIN_COST = 1 << 4;
export const BR_LEARNING = 1 << 5;
export const BR_FLOOD = 1 << 6;
export const BR_AUTO_MASK = BR_FLOOD | BR_LEARNING;
export const BR_PROMISC = 1 << 7;
export const BR_PROXYARP = 1 << 8;
export const BR_PROXYARP_WIFI = 1 << 10;
export const BR_MCAST_FLOOD = 1 << 11;
export const BR_MULTICAST_TO_UNICAST = 1 << 12;
export const BR_VLAN_TUNNEL = 1 << 13;
export const BR_BCAST_FLOOD = 1 << 14;
export const BR_NEIGH_SUPPRESS = 1 << 15;
export const BR_ISOLATED = 1 << 16;
export const BR_PORT_LOCKED = 1 << 21;
export const BR_PORT_MAB = 1 << 22;
export const BR_NEIGH_VLAN_SUPPRESS = 1 << 23;

/** enum net_bridge_opts, as bits. */
export const BROPT_VLAN_ENABLED = 1 << 0;
export const BROPT_VLAN_STATS_ENABLED = 1 << 1;
export const BROPT_NF_CALL_IPTABLES = 1 << 2;
export const BROPT_NF_CALL_IP6TABLES = 1 << 3;
export const BROPT_NF_CALL_ARPTABLES = 1 << 4;
export const BROPT_GROUP_ADDR_SET = 1 << 5;
export const BROPT_MULTICAST_ENABLED = 1 << 6;
export const BROPT_MULTICAST_QUERY_USE_IFADDR = 1 << 7;
export const BROPT_MULTICAST_STATS_ENABLED = 1 << 8;
export const BROPT_VLAN_STATS_PER_PORT = 1 << 9;
export const BROPT_NEIGH_SUPPRESS_ENABLED = 1 << 10;
export const BROPT_MTU_SET_BY_USER = 1 << 11;
export const BROPT_NO_LL_LEARN = 1 << 13;

export const BR_NO_STP = 0;
export const BR_KERNEL_STP = 1;

export const BR_PORT_BITS = 10;
export const BR_MAX_PORTS = 1 << BR_PORT_BITS;

/** Never forwarded by group_fwd_mask: STP, MAC pause, LACP. */
export const BR_GROUPFWD_RESTRICTED = 0x7;
export const BR_GROUPFWD_MACPAUSE = 0x2;
/** What a provider bridge forwards without being asked (IEEE 802.1ad). */
export const BR_GROUPFWD_8021AD = 0xb801;

/** Bits of skb.cb while a bridge has the frame (struct br_input_skb_cb); the IGMP type lies above them. */
export const CB_MROUTERS_ONLY = 1 << 0;
export const CB_PROXYARP_REPLIED = 1 << 1;
export const CB_SRC_PORT_ISOLATED = 1 << 2;
export const CB_PROMISC = 1 << 3;
export const CB_IGMP_SHIFT = 8;

/** A timer of a bridge, set in jiffies. */
export class BrTimer {
  private readonly queue: EventQueue;
  private readonly label: string;
  private readonly expire: () => void;
  private timer: Timer | undefined;

  constructor(queue: EventQueue, label: string, expire: () => void) {
    this.queue = queue;
    this.label = label;
    this.expire = expire;
  }

  /** mod_timer(): run in `jiffies` from now. */
  mod(jiffies: number): void {
    if (this.timer === undefined) this.timer = this.queue.after(jiffies * JIFFY, this.label, this.expire);
    else this.queue.rearm(this.timer, jiffies * JIFFY);
  }

  /** {@link mod}, at a whole second since boot: timers that need not be exact run together. @kernel kernel/time/timer.c round_jiffies */
  modRounded(jiffies: number): void {
    const now = Math.floor(this.queue.now / JIFFY);
    const due = now + jiffies;
    const rest = due % HZ;
    const rounded = due - rest + (rest < HZ / 4 ? 0 : HZ);
    this.mod((rounded > now ? rounded : due) - this.queue.now / JIFFY);
  }

  del(): void {
    this.timer?.cancel();
  }

  get pending(): boolean {
    return this.timer?.pending === true;
  }

  /** Clock ticks left, 0 when it is not running. @kernel net/bridge/br_stp_timer.c br_timer_value */
  get value(): number {
    if (this.timer?.pending !== true) return 0;
    const jiffies = Math.floor(this.timer.expires / JIFFY) - Math.floor(this.queue.now / JIFFY);
    return jiffiesToClock(Math.max(0, jiffies));
  }
}

/** struct net_bridge_port. */
export interface NetBridgePort {
  /** Undefined once the port has been taken out. */
  br: NetBridge;
  readonly dev: NetDevice;
  flags: number;
  backupPort: NetBridgePort | undefined;
  backupRedirectedCnt: number;
  priority: number;
  state: number;
  readonly portNo: number;
  topologyChangeAck: number;
  configPending: number;
  portId: number;
  designatedPort: number;
  designatedRoot: BridgeId;
  designatedBridge: BridgeId;
  pathCost: number;
  designatedCost: number;
  /** When the information of the designated bridge was new, nanoseconds. */
  designatedAge: number;
  forwardDelayTimer: BrTimer;
  holdTimer: BrTimer;
  messageAgeTimer: BrTimer;
  groupFwdMask: number;
  /** Undefined in a kernel without VLAN filtering. */
  vlgrp: VlanGroup | undefined;
  readonly multicast: PortMulticast;
}

/** struct net_bridge. Times are in jiffies. */
export interface NetBridge {
  readonly dev: NetDevice;
  options: number;
  readonly fdb: FdbTable;
  /** Newest first: the order in which frames are flooded. */
  ports: NetBridgePort[];
  groupFwdMask: number;
  groupFwdMaskRequired: number;
  designatedRoot: BridgeId;
  bridgeId: BridgeId;
  topologyChange: number;
  topologyChangeDetected: number;
  rootPort: number;
  maxAge: number;
  helloTime: number;
  forwardDelay: number;
  ageingTime: number;
  bridgeMaxAge: number;
  bridgeHelloTime: number;
  bridgeForwardDelay: number;
  bridgeAgeingTime: number;
  rootPathCost: number;
  groupAddr: Mac;
  stpEnabled: number;
  helloTimer: BrTimer;
  tcnTimer: BrTimer;
  topologyChangeTimer: BrTimer;
  /** Ports that learn or are flooded. */
  autoCnt: number;
  fdbMaxLearned: number;
  /** Undefined in a kernel without VLAN filtering. */
  vlgrp: VlanGroup | undefined;
  /** The protocol of the tags that are filtered: 802.1Q or 802.1ad. */
  vlanProto: number;
  defaultPvid: number;
  readonly multicast: BridgeMulticast;
  /** The route that br_netfilter puts on bridged frames. */
  fakeRtable: DstEntry | undefined;
}

export function brOptGet(br: NetBridge, option: number): boolean {
  return (br.options & option) !== 0;
}

export function brOptToggle(br: NetBridge, option: number, on: boolean): void {
  if (on) br.options |= option;
  else br.options &= ~option;
}

export function isBridgeMaster(dev: NetDevice): boolean {
  return (dev.privFlags & IFF_EBRIDGE) !== 0;
}

export function bridgeOf(dev: NetDevice): NetBridge {
  return dev.priv as NetBridge;
}

/** The bridge port that a device is. @kernel net/bridge/br_private.h br_port_get_rtnl */
export function brPortGet(dev: NetDevice): NetBridgePort | undefined {
  return (dev.privFlags & IFF_BRIDGE_PORT) !== 0 ? (dev.rxHandlerData as NetBridgePort) : undefined;
}

/** memcmp() of two bridge ids: negative when `a` is the better one. */
export function compareBridgeIds(a: BridgeId, b: BridgeId): number {
  return a.priority - b.priority || a.address - b.address;
}

/** USER_HZ to jiffies and back, with the kernel's rounding. @kernel kernel/time/time.c clock_t_to_jiffies */
export function clockToJiffies(ticks: number): number {
  return Math.floor((ticks * HZ) / 100);
}

/** @kernel kernel/time/time.c jiffies_to_clock_t */
export function jiffiesToClock(jiffies: number): number {
  return Math.floor((jiffies * 100) / HZ);
}

export function jiffiesToNs(jiffies: number): number {
  return jiffies * JIFFY;
}

/** A line of the kernel's log about a bridge, and one about its port. */
export function brInfo(br: NetBridge, text: string): void {
  br.dev.net.kernel.printk(`${br.dev.name}: ${text}`);
}

/** Why a port must not learn from what it receives. @kernel net/bridge/br_private.h nbp_state_should_learn */
export function nbpStateShouldLearn(p: NetBridgePort): boolean {
  return p.state === BR_STATE_LEARNING || p.state === BR_STATE_FORWARDING;
}
