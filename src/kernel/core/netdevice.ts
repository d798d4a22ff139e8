/**
 * The network device: what every kind has. Kinds differ by their {@link NetDeviceOps} and by what they
 * keep in `priv`; protocols keep their state in the slots that struct net_device has for them.
 */

import { ARPHRD_ETHER, ETH_DATA_LEN, IF_OPER_UNKNOWN } from '../../uapi/if.ts';
import type { Ack } from '../../uapi/result.ts';
import type { BridgePortData, LinkRequest, LinkStats } from '../../uapi/rtnetlink.ts';
import { MAC_BROADCAST, MAC_ZERO, type Mac } from '../../wire/addr.ts';
import type { HwAddrList } from './dev-addr-lists.ts';
import type { NetNamespace } from './net-namespace.ts';
import { NO_TAPS, type PacketTap } from './packet-type.ts';
import type { SkBuff } from './skbuff.ts';

/** Results of an rx handler (rx_handler_result_t). */
export const RX_HANDLER_CONSUMED = 0;
export const RX_HANDLER_ANOTHER = 1;
export const RX_HANDLER_EXACT = 2;
export const RX_HANDLER_PASS = 3;
export type RxHandler = (skb: SkBuff) => number;

/** Results of ndo_start_xmit and dev_queue_xmit. */
export const NETDEV_TX_OK = 0;
export const NET_XMIT_DROP = 1;
/** Dropped, but to the sender it counts as sent (congestion notification). */
export const NET_XMIT_CN = 2;

/** dev->priv_flags that other parts of the kernel test. */
export const IFF_EBRIDGE = 1 << 0;
export const IFF_BRIDGE_PORT = 1 << 1;
export const IFF_802_1Q_VLAN = 1 << 2;
export const IFF_MACVLAN = 1 << 3;
export const IFF_MACVLAN_PORT = 1 << 4;
/** The device filters unicast addresses itself: no promiscuity is needed for secondary ones. */
export const IFF_UNICAST_FLT = 1 << 5;
/** The address may be changed while the device is up. */
export const IFF_LIVE_ADDR_CHANGE = 1 << 6;
/** No qdisc: frames go to the driver at once. */
export const IFF_NO_QUEUE = 1 << 7;
export const IFF_DONT_BRIDGE = 1 << 8;

/** dev->features: VLAN tags stay beside the frame on transmit. */
export const NETIF_F_HW_VLAN_CTAG_TX = 1 << 0;
export const NETIF_F_HW_VLAN_STAG_TX = 1 << 1;
/** The device fills in transport checksums. */
export const NETIF_F_HW_CSUM = 1 << 2;
/** The device cannot be moved to another namespace (netns_immutable). */
export const NETIF_F_NETNS_LOCAL = 1 << 3;
export const NETIF_F_LOOPBACK = 1 << 4;
/** VLAN devices may not be stacked on it. */
export const NETIF_F_VLAN_CHALLENGED = 1 << 5;
export const NETIF_F_HW_VLAN_CTAG_FILTER = 1 << 6;
export const NETIF_F_HW_VLAN_CTAG_RX = 1 << 7;

/** How dev->addr came about (NET_ADDR_*), as /sys/class/net/X/addr_assign_type shows it. */
export const NET_ADDR_PERM = 0;
export const NET_ADDR_RANDOM = 1;
export const NET_ADDR_STOLEN = 2;
export const NET_ADDR_SET = 3;

/** struct net_device_ops: what a kind of device does. All are called with the device in hand. */
export interface NetDeviceOps {
  init?(dev: NetDevice): Ack;
  uninit?(dev: NetDevice): void;
  /** Before it goes up: whether its address will do. A bridge without ports has none, and may. */
  validateAddr?(dev: NetDevice): Ack;
  open?(dev: NetDevice): Ack;
  stop?(dev: NetDevice): void;
  /** Takes the frame over, always; `data` stands at the link-layer header. NETDEV_TX_OK or NET_XMIT_DROP. */
  startXmit(skb: SkBuff, dev: NetDevice): number;
  /** The unicast or multicast list, or promiscuity, changed. */
  setRxMode?(dev: NetDevice): void;
  changeRxFlags?(dev: NetDevice, changed: number): void;
  /** Absent: the address cannot be changed. */
  setMacAddress?(dev: NetDevice, address: Mac): Ack;
  changeMtu?(dev: NetDevice, mtu: number): Ack;
  /** Counters, if they are not simply `dev.stats`. */
  getStats?(dev: NetDevice): LinkStats;
  /** The index that `ip link` shows after `@`: IFLA_LINK. Default: the device's own index, not shown. */
  getIflink?(dev: NetDevice): number;
  addSlave?(dev: NetDevice, slave: NetDevice): Ack;
  delSlave?(dev: NetDevice, slave: NetDevice): Ack;
  /** Forwarding database of a device (AF_BRIDGE neighbours with NTF_SELF or of a bridge's port). */
  fdbAdd?(dev: NetDevice, address: Mac, vlan: number, state: number, flags: number, nlmFlags: number): Ack;
  fdbDel?(dev: NetDevice, address: Mac, vlan: number): Ack;
  vlanRxAddVid?(dev: NetDevice, proto: number, vid: number): Ack;
  vlanRxKillVid?(dev: NetDevice, proto: number, vid: number): void;
  /** What ethtool tells of the link; absent when the kind has no such settings. */
  getLinkSettings?(dev: NetDevice): LinkSettings | undefined;
  changeCarrier?(dev: NetDevice, on: boolean): Ack;
}

/** struct ethtool_link_settings. */
export interface LinkSettings {
  /** Mb/s; undefined: unknown. */
  speed: number | undefined;
  duplex: 'full' | 'unknown';
}

/** struct header_ops. */
export interface HeaderOps {
  /** Put the header before `data`. `saddr` absent: the device's own address. */
  create(skb: SkBuff, dev: NetDevice, type: number, daddr: Mac, saddr: Mac | undefined): void;
  /** Whether neighbours keep a header that they have made (header_ops.cache). */
  cached: boolean;
}

/** struct rtnl_link_ops: how a kind of link is made, changed, shown and unmade. */
export interface RtnlLinkOps {
  kind: string;
  /** Fill in a fresh device: type, flags, ops. */
  setup(dev: NetDevice): void;
  /** Checks of attributes before anything is made. `request.linkinfo.data` has the kind's shape. */
  validate?(request: LinkRequest): Ack;
  /**
   * Make it. `dev` is set up, named and addressed, not registered: register it here (registerNetdevice).
   * `src` is the namespace in which IFLA_LINK is to be looked up.
   */
  newLink?(src: NetNamespace, dev: NetDevice, request: LinkRequest): Ack;
  changeLink?(dev: NetDevice, request: LinkRequest): Ack;
  /** Unregister it and what goes with it: pushes onto `unlist`. */
  delLink?(dev: NetDevice, unlist: NetDevice[]): void;
  /** IFLA_INFO_DATA of a dump. */
  fillInfo?(dev: NetDevice): object;
  /** Namespace of the device that IFLA_LINK points at. */
  getLinkNet?(dev: NetDevice): NetNamespace | undefined;
  /** A link of this kind in a namespace that goes away is deleted rather than moved to the first namespace. */
  netnsRefund?: boolean;
  changeSlave?(master: NetDevice, slave: NetDevice, data: BridgePortData): Ack;
  fillSlaveInfo?(master: NetDevice, slave: NetDevice): BridgePortData;
  /** Default number of queues (get_num_tx_queues); 1 when absent. */
  numTxQueues?: number;
}

export function emptyStats(): LinkStats {
  return {
    rxPackets: 0,
    txPackets: 0,
    rxBytes: 0,
    txBytes: 0,
    rxErrors: 0,
    txErrors: 0,
    rxDropped: 0,
    txDropped: 0,
    multicast: 0,
    collisions: 0,
    rxOverErrors: 0,
    rxNohandler: 0,
    txCarrierErrors: 0,
    rxOtherhostDropped: 0,
  };
}

const NO_DEVICES: readonly NetDevice[] = [];
const NO_NAMES: readonly string[] = [];

/** Registration states (dev->reg_state). */
export const NETREG_UNINITIALIZED = 0;
export const NETREG_REGISTERED = 1;
export const NETREG_UNREGISTERING = 2;
export const NETREG_RELEASED = 3;

export class NetDevice {
  /** Number of the device in the whole machine, for the trace; ifindex is per namespace. */
  declare readonly uid: number;
  declare net: NetNamespace;
  declare name: string;
  ifindex = 0;
  alias = '';
  altnames: readonly string[] = NO_NAMES;
  type: number = ARPHRD_ETHER;
  /** The hardware address; kinds without one have 0 and `addrLen` 0. */
  addr: Mac = MAC_ZERO;
  addrLen = 6;
  addrAssignType = NET_ADDR_PERM;
  permAddr: Mac = MAC_ZERO;
  broadcast: Mac = MAC_BROADCAST;
  hardHeaderLen = 14;
  /** How its link-layer headers are made. Undefined: they are Ethernet's, and neighbours keep them. */
  headerOps: HeaderOps | undefined = undefined;
  /** IFF_* that are settings; RUNNING, LOWER_UP and DORMANT are worked out by devGetFlags(). */
  flags = 0;
  /** The IFF_PROMISC and IFF_ALLMULTI that user space asked for. */
  gflags = 0;
  privFlags = 0;
  features = 0;
  vlanFeatures = 0;
  mtu: number = ETH_DATA_LEN;
  minMtu = 68;
  maxMtu = 65535;
  txQueueLen = 1000;
  numTxQueues = 1;
  numRxQueues = 1;
  group = 0;
  operstate: number = IF_OPER_UNKNOWN;
  linkMode = 0;
  /** IN6_ADDR_GEN_MODE_*, kept for IFLA_AF_SPEC. */
  addrGenMode = 0;
  /** __LINK_STATE_NOCARRIER is clear. */
  carrier = true;
  dormant = false;
  testing = false;
  carrierUpCount = 0;
  carrierDownCount = 0;
  protoDown = false;
  /** __LINK_STATE_START: open() succeeded. */
  running = false;
  /** The qdisc's name as dumps show it: noop until first up, then noqueue or pfifo_fast. */
  qdisc = 'noop';
  /** dev_activate() has run and the carrier is there: frames reach the driver. */
  active = false;
  regState = NETREG_UNINITIALIZED;
  promiscuity = 0;
  allmulti = 0;
  ucPromisc = false;
  declare readonly uc: HwAddrList;
  declare readonly mc: HwAddrList;
  readonly stats: LinkStats = emptyStats();
  declare ops: NetDeviceOps;
  rtnlLinkOps: RtnlLinkOps | undefined;
  rxHandler: RxHandler | undefined;
  rxHandlerData: unknown;
  /** Taps of packet sockets bound to this device and to ETH_P_ALL. */
  ptypeAll: readonly PacketTap[] = NO_TAPS;
  /** Taps of packet sockets bound to this device and one protocol. */
  ptypeSpecific: readonly PacketTap[] = NO_TAPS;
  /** The master (bridge, bond ...) this device is a port of. */
  master: NetDevice | undefined;
  /** Devices stacked on this one, and those it is stacked on (netdev_adjacent), in order of linking; master links included. */
  upper: readonly NetDevice[] = NO_DEVICES;
  lower: readonly NetDevice[] = NO_DEVICES;
  /** Slots of the protocols: dev->ip_ptr, dev->vlan_info, dev->br_port (with rxHandlerData). */
  ipPtr: unknown;
  vlanInfo: unknown;
  /** dev->fib_nh_head: next hops of routes over it. */
  fibNhHead: unknown;
  /** netdev_priv(): the kind's own state. */
  priv: unknown;
  gsoMaxSize = 65536;
  gsoMaxSegs = 65535;
  tsoMaxSize = 65536;
  tsoMaxSegs = 65535;
  /** Whether linkwatch has this device in its list. */
  linkwatchPending = false;

  /** Use allocNetdev(). */
  constructor(net: NetNamespace, uid: number, name: string, ops: NetDeviceOps, uc: HwAddrList, mc: HwAddrList) {
    this.net = net;
    this.uid = uid;
    this.name = name;
    this.ops = ops;
    this.uc = uc;
    this.mc = mc;
  }
}
