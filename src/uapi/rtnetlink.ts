/**
 * rtnetlink as user space sees it: requests and dumps with the kernel's attributes, as typed objects.
 *
 * An absent attribute is an absent property. A request is answered by a {@link Refusal} or by its
 * value; a dump is an array in the kernel's order. Names follow include/uapi/linux/rtnetlink.h,
 * if_link.h, if_addr.h, neighbour.h, without the IFLA_/IFA_/NDA_/RTA_ prefix.
 */
import type { Ipv4, Mac } from '../wire/addr.ts';
import type { MdbMessage } from './bridge-mdb.ts';
import type { BridgeVlanRtnetlink } from './bridge-vlan.ts';
import type { RuleRequests } from './fib-rules.ts';
import type { NetnsRef, NsidMessage } from './netns.ts';
import type { Ack, Refusal } from './result.ts';
import type { RouteGetRequest } from './route-get.ts';

export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_BRIDGE = 7;
export const AF_INET6 = 10;
export const AF_PACKET = 17;

export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

/** Counters of IFLA_STATS64, in the order of struct rtnl_link_stats64. */
export interface LinkStats {
  rxPackets: number;
  txPackets: number;
  rxBytes: number;
  txBytes: number;
  rxErrors: number;
  txErrors: number;
  rxDropped: number;
  txDropped: number;
  multicast: number;
  collisions: number;
  rxOverErrors: number;
  rxNohandler: number;
  txCarrierErrors: number;
  /** Unicast to another host's link-layer address that reached ip_rcv() (promiscuous mode). */
  rxOtherhostDropped: number;
}

export interface VethData {
  /** VETH_INFO_PEER: the other end, with its own name, address, namespace. */
  peer?: LinkRequest;
}

export interface VlanData {
  id?: number;
  /** 0x8100 or 0x88a8. */
  protocol?: number;
  /** VLAN_FLAG_*: reorder_hdr 1, gvrp 2, loose_binding 4, mvrp 8, bridge_binding 16. */
  flags?: { flags: number; mask: number };
  ingressQos?: readonly { from: number; to: number }[];
  egressQos?: readonly { from: number; to: number }[];
}

export interface MacvlanData {
  mode?: number;
  flags?: number;
  macaddrMode?: number;
  macaddr?: Mac;
  macaddrData?: readonly Mac[];
  /** In a dump: how many addresses `macaddrData` has. */
  macaddrCount?: number;
  bcQueueLen?: number;
  /** In a dump only: the length in force on the port. */
  bcQueueLenUsed?: number;
  bcCutoff?: number;
}

/** IFLA_BR_*: times in clock ticks of 1/100 s (USER_HZ), as on the wire. */
export interface BridgeData {
  forwardDelay?: number;
  helloTime?: number;
  maxAge?: number;
  ageingTime?: number;
  stpState?: number;
  priority?: number;
  vlanFiltering?: number;
  vlanProtocol?: number;
  groupFwdMask?: number;
  rootId?: BridgeId;
  bridgeId?: BridgeId;
  rootPort?: number;
  rootPathCost?: number;
  topologyChange?: number;
  topologyChangeDetected?: number;
  helloTimer?: number;
  tcnTimer?: number;
  topologyChangeTimer?: number;
  gcTimer?: number;
  groupAddr?: Mac;
  fdbFlush?: true;
  fdbNLearned?: number;
  fdbMaxLearned?: number;
  vlanDefaultPvid?: number;
  vlanStatsEnabled?: number;
  vlanStatsPerPort?: number;
  mcastRouter?: number;
  mcastSnooping?: number;
  mcastQueryUseIfaddr?: number;
  mcastQuerier?: number;
  mcastHashElasticity?: number;
  mcastHashMax?: number;
  mcastLastMemberCount?: number;
  mcastStartupQueryCount?: number;
  mcastLastMemberInterval?: number;
  mcastMembershipInterval?: number;
  mcastQuerierInterval?: number;
  mcastQueryInterval?: number;
  mcastQueryResponseInterval?: number;
  mcastStartupQueryInterval?: number;
  mcastStatsEnabled?: number;
  mcastIgmpVersion?: number;
  mcastMldVersion?: number;
  nfCallIptables?: number;
  nfCallIp6tables?: number;
  nfCallArptables?: number;
  /** IFLA_BR_MULTI_BOOLOPT. */
  noLinklocalLearn?: number;
  mcastVlanSnooping?: number;
}

export interface BridgeId {
  priority: number;
  address: Mac;
}

/** IFLA_BRPORT_*: switches are 0 or 1. */
export interface BridgePortData {
  state?: number;
  priority?: number;
  cost?: number;
  /** IFLA_BRPORT_MODE: hairpin. */
  mode?: number;
  guard?: number;
  protect?: number;
  fastLeave?: number;
  learning?: number;
  unicastFlood?: number;
  mcastFlood?: number;
  bcastFlood?: number;
  mcastToUcast?: number;
  proxyarp?: number;
  proxyarpWifi?: number;
  neighSuppress?: number;
  neighVlanSuppress?: number;
  isolated?: number;
  locked?: number;
  mab?: number;
  vlanTunnel?: number;
  groupFwdMask?: number;
  multicastRouter?: number;
  flush?: true;
  backupPort?: number;
  /** In a dump only, from here on. */
  rootId?: BridgeId;
  bridgeId?: BridgeId;
  designatedPort?: number;
  designatedCost?: number;
  id?: number;
  no?: number;
  topologyChangeAck?: number;
  configPending?: number;
  messageAgeTimer?: number;
  forwardDelayTimer?: number;
  holdTimer?: number;
  mcastEhtHostsLimit?: number;
  mcastEhtHostsCnt?: number;
  mcastNGroups?: number;
  mcastMaxGroups?: number;
}

/** IFLA_LINKINFO, by kind. */
export interface LinkKindData {
  veth: VethData;
  vlan: VlanData;
  macvlan: MacvlanData;
  macvtap: MacvlanData;
  bridge: BridgeData;
  dummy: Record<string, never>;
  ipvlan: Record<string, unknown>;
}

export interface LinkInfoRequest {
  /** IFLA_INFO_KIND; any name may be asked for, the kernel refuses what it does not know. */
  kind?: string;
  /** IFLA_INFO_DATA, of the shape that {@link LinkKindData} gives for the kind. */
  data?: object;
  /** IFLA_INFO_SLAVE_KIND and IFLA_INFO_SLAVE_DATA: settings of a port of its master. */
  slaveKind?: string;
  slaveData?: BridgePortData;
}

/** RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK, RTM_GETLINK: ifinfomsg and its attributes. */
export interface LinkRequest {
  /** 0 or absent: by name. */
  ifindex?: number;
  /** The device to act on, or the name of a new one; with `ifindex`, the new name. */
  ifname?: string;
  flags?: number;
  /** Which bits of `flags` are meant. */
  change?: number;
  address?: Mac;
  broadcast?: Mac;
  mtu?: number;
  txqlen?: number;
  link?: number;
  linkNetnsid?: number;
  /** 0 takes it out of its master. */
  master?: number;
  group?: number;
  operstate?: number;
  linkmode?: number;
  alias?: string;
  /** IFLA_NET_NS_FD. */
  netns?: NetnsRef;
  /** IFLA_NET_NS_PID. */
  netnsPid?: number;
  /** IFLA_NEW_IFINDEX: the index in the namespace that the device moves to. A new device takes `ifindex`. */
  newIfindex?: number;
  numTxQueues?: number;
  numRxQueues?: number;
  gsoMaxSize?: number;
  gsoMaxSegs?: number;
  protoDown?: number;
  carrier?: number;
  addrGenMode?: number;
  linkinfo?: LinkInfoRequest;
  altnames?: readonly string[];
}

/** One device, as RTM_NEWLINK of a dump carries it. */
export interface LinkMessage {
  ifindex: number;
  ifname: string;
  /** ARPHRD_*. */
  type: number;
  /** IFF_* as dev_get_flags() gives them: with RUNNING, LOWER_UP, DORMANT worked out. */
  flags: number;
  mtu: number;
  minMtu: number;
  maxMtu: number;
  qdisc: string;
  /** Absent when IFLA_MASTER is. */
  master?: number;
  operstate: number;
  linkmode: number;
  group: number;
  txqlen: number;
  address?: Mac;
  broadcast?: Mac;
  permAddress?: Mac;
  /** IFLA_LINK: index of the lower device or peer, 0 when it is absent there. */
  link?: number;
  /** IFLA_LINK_NETNSID: `link` is an index in that namespace; -1 when it has no id here. */
  linkNetnsid?: number;
  /** IFLA_NEW_NETNSID etc. are not carried. */
  alias?: string;
  promiscuity: number;
  allmulti: number;
  numTxQueues: number;
  /** Absent in a kernel built without CONFIG_RPS. */
  numRxQueues?: number;
  gsoMaxSize: number;
  gsoMaxSegs: number;
  tsoMaxSize: number;
  tsoMaxSegs: number;
  groMaxSize: number;
  carrier: number;
  carrierChanges: number;
  protoDown: number;
  stats: LinkStats;
  /** IFLA_INET6_ADDR_GEN_MODE; absent when the device has no IPv6 state. */
  addrGenMode?: number;
  kind?: string;
  data?: object;
  slaveKind?: string;
  slaveData?: BridgePortData;
  altnames?: readonly string[];
}

export const IFA_F_SECONDARY = 0x01;
export const IFA_F_NODAD = 0x02;
export const IFA_F_PERMANENT = 0x80;
export const IFA_F_NOPREFIXROUTE = 0x200;
export const INFINITY_LIFE_TIME = 0xffff_ffff;

/** RTM_NEWADDR, RTM_DELADDR (IPv4). */
export interface AddrRequest {
  ifindex: number;
  prefixlen: number;
  local?: Ipv4;
  /** The peer of a point-to-point address; otherwise equal to `local`. */
  address?: Ipv4;
  broadcast?: Ipv4;
  label?: string;
  scope?: number;
  flags?: number;
  metric?: number;
  /** Seconds; INFINITY_LIFE_TIME for ever. */
  validLft?: number;
  preferredLft?: number;
}

export interface AddrMessage {
  family: number;
  ifindex: number;
  prefixlen: number;
  local: Ipv4;
  address: Ipv4;
  broadcast?: Ipv4;
  label: string;
  scope: number;
  flags: number;
  metric?: number;
  validLft: number;
  preferredLft: number;
  /** Seconds since boot, hundredths. */
  cstamp: number;
  tstamp: number;
}

export const NUD_INCOMPLETE = 0x01;
export const NUD_REACHABLE = 0x02;
export const NUD_STALE = 0x04;
export const NUD_DELAY = 0x08;
export const NUD_PROBE = 0x10;
export const NUD_FAILED = 0x20;
export const NUD_NOARP = 0x40;
export const NUD_PERMANENT = 0x80;
export const NUD_NONE = 0x00;

export const NTF_USE = 0x01;
export const NTF_SELF = 0x02;
export const NTF_MASTER = 0x04;
export const NTF_PROXY = 0x08;
export const NTF_EXT_LEARNED = 0x10;
export const NTF_OFFLOADED = 0x20;
export const NTF_STICKY = 0x40;
export const NTF_ROUTER = 0x80;

/** RTM_NEWNEIGH, RTM_DELNEIGH of family AF_INET. */
export interface NeighRequest {
  ifindex: number;
  dst: Ipv4;
  lladdr?: Mac;
  state?: number;
  flags?: number;
  /** NDA_PROTOCOL: RTPROT_*, who made the entry. */
  protocol?: number;
}

export interface NeighMessage {
  family: number;
  ifindex: number;
  dst: Ipv4;
  lladdr?: Mac;
  state: number;
  flags: number;
  /** RTN_UNICAST, RTN_BROADCAST ... */
  type: number;
  probes: number;
  /** NDA_CACHEINFO, seconds since: confirmed, used, updated; and the reference count. */
  confirmed: number;
  used: number;
  updated: number;
  refcnt: number;
  protocol?: number;
}

/** RTM_NEWNEIGH, RTM_DELNEIGH of family AF_BRIDGE. */
export interface FdbRequest {
  ifindex: number;
  lladdr: Mac;
  /** NUD_NOARP: static; NUD_PERMANENT: local; NUD_REACHABLE: dynamic. */
  state?: number;
  flags?: number;
  vlan?: number;
  dst?: Ipv4;
}

export interface FdbMessage {
  ifindex: number;
  lladdr: Mac;
  /** NDA_MASTER: the bridge, when the entry is of a port. */
  master?: number;
  vlan?: number;
  state: number;
  flags: number;
  /** NDA_CACHEINFO in seconds; absent for entries of a device's own lists. */
  used?: number;
  updated?: number;
}

/** `bridge link`: one port, from RTM_GETLINK of family AF_BRIDGE. */
export interface BridgeLinkMessage {
  ifindex: number;
  ifname: string;
  flags: number;
  mtu: number;
  master: number;
  operstate: number;
  link?: number;
  linkNetnsid?: number;
  address?: Mac;
  port: BridgePortData;
}

export const RT_TABLE_UNSPEC = 0;
export const RT_TABLE_DEFAULT = 253;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

export const RTN_UNSPEC = 0;
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_ANYCAST = 4;
export const RTN_MULTICAST = 5;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;
export const RTN_PROHIBIT = 8;
export const RTN_THROW = 9;

export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_SITE = 200;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RT_SCOPE_NOWHERE = 255;

export const RTPROT_UNSPEC = 0;
export const RTPROT_REDIRECT = 1;
export const RTPROT_KERNEL = 2;
export const RTPROT_BOOT = 3;
export const RTPROT_STATIC = 4;
export const RTPROT_DHCP = 16;

export const RTNH_F_DEAD = 1;
export const RTNH_F_PERVASIVE = 2;
export const RTNH_F_ONLINK = 4;
export const RTNH_F_OFFLOAD = 8;
export const RTNH_F_LINKDOWN = 16;
export const RTM_F_CLONED = 0x200;

/** RTM_NEWROUTE, RTM_DELROUTE (IPv4). */
export interface RouteRequest {
  dst: Ipv4;
  dstLen: number;
  table?: number;
  type?: number;
  scope?: number;
  protocol?: number;
  tos?: number;
  gateway?: Ipv4;
  oif?: number;
  prefsrc?: Ipv4;
  priority?: number;
  /** RTNH_F_ONLINK and others. */
  flags?: number;
  metrics?: RouteMetrics;
  multipath?: readonly RouteNexthop[];
}

/** RTAX_*; `lock` is a bit mask of 1 << RTAX_x. */
export interface RouteMetrics {
  mtu?: number;
  advmss?: number;
  window?: number;
  rtt?: number;
  initcwnd?: number;
  initrwnd?: number;
  hoplimit?: number;
  rttvar?: number;
  ssthresh?: number;
  cwnd?: number;
  reordering?: number;
  features?: number;
  rtoMin?: number;
  quickack?: number;
  fastopenNoCookie?: number;
  lock?: number;
}

export interface RouteNexthop {
  oif?: number;
  gateway?: Ipv4;
  /** 1 to 256. */
  weight: number;
  flags: number;
}

export interface RouteMessage {
  family: number;
  dst: Ipv4;
  dstLen: number;
  srcLen?: number;
  src?: Ipv4;
  tos: number;
  table: number;
  type: number;
  scope: number;
  protocol: number;
  gateway?: Ipv4;
  oif?: number;
  iif?: number;
  prefsrc?: Ipv4;
  priority?: number;
  flags: number;
  metrics?: RouteMetrics;
  multipath?: readonly RouteNexthop[];
  /** `ip route get`: the user id it was asked for. */
  uid?: number;
  mark?: number;
  /** RTA_CACHEINFO of an exception, seconds. */
  expires?: number;
}

/** Filters that the kernel applies to a dump of neighbours. */
export interface NeighDump {
  ifindex?: number;
  master?: number;
  proxy?: boolean;
}

export interface FdbDump {
  /** Only the entries of this port, of this bridge. */
  brport?: number;
  bridge?: number;
}

/** A NETLINK_ROUTE socket in one network namespace. */
export interface Rtnetlink extends BridgeVlanRtnetlink, RuleRequests {
  newLink(request: LinkRequest, flags: number): Ack;
  /** RTM_SETLINK (iproute2's `ip link set` sends RTM_NEWLINK without CREATE). */
  setLink(request: LinkRequest): Ack;
  /** RTM_SETLINK of family AF_BRIDGE: `bridge link set`. */
  setBridgeLink(ifindex: number, port: BridgePortData, flags: { self?: boolean; master?: boolean }): Ack;
  delLink(request: LinkRequest): Ack;
  getLink(request: { ifindex?: number; ifname?: string }): LinkMessage | Refusal;
  /** IFLA_MASTER and IFLA_LINKINFO kind filter, as `ip link show master X type Y` sends them. */
  dumpLinks(filter?: { master?: number; kind?: string }): LinkMessage[];
  dumpBridgeLinks(): BridgeLinkMessage[];
  /** RTM_NEWLINKPROP, RTM_DELLINKPROP: alternative names. */
  linkProp(ifindex: number, altnames: readonly string[], add: boolean): Ack;

  newAddr(request: AddrRequest, flags: number): Ack;
  delAddr(request: AddrRequest): Ack;
  dumpAddrs(filter?: { ifindex?: number }): AddrMessage[];

  newNeigh(request: NeighRequest, flags: number): Ack;
  delNeigh(request: NeighRequest): Ack;
  dumpNeighs(filter?: NeighDump): NeighMessage[];
  getNeigh(ifindex: number, dst: Ipv4): NeighMessage | Refusal;

  newFdb(request: FdbRequest, flags: number): Ack;
  delFdb(request: FdbRequest): Ack;
  /** NLM_F_BULK delete: `bridge fdb flush`; NTF_SELF or NTF_MASTER in `flags` says whose entries. */
  flushFdb(
    ifindex: number,
    filter: { vlan?: number; brport?: number; state?: number; stateMask?: number; flags?: number; flagsMask?: number },
  ): Ack;
  dumpFdb(filter?: FdbDump): FdbMessage[];
  /** `flags`: NTF_SELF or NTF_MASTER, which of the two to ask about `brport`. */
  getFdb(request: {
    lladdr: Mac;
    brport?: number;
    bridge?: number;
    vlan?: number;
    flags?: number;
  }): FdbMessage | Refusal;
  dumpMdb(): MdbMessage[];

  newRoute(request: RouteRequest, flags: number): Ack;
  delRoute(request: RouteRequest): Ack;
  /** ENOENT, "ipv4: FIB table does not exist", for a table never made. `cloned`: exceptions of single destinations. */
  dumpRoutes(filter?: { table?: number; cloned?: boolean }): RouteMessage[] | Refusal;
  getRoute(request: RouteGetRequest): RouteMessage | Refusal;

  /** RTM_NEWNSID / RTM_GETNSID: the id of another namespace in this one; -1 when it has none. */
  getNsid(target: NetnsRef | { pid: number }): number;
  setNsid(target: NetnsRef | { pid: number }, nsid: number): Ack;
  /** The namespace's ids, for `ip netns list` and `ip netns list-id`. */
  dumpNsids(targetNsid?: number): NsidMessage[] | Refusal;
  /** One of them, by its id here. */
  getNsidMessage(nsid: number, targetNsid?: number): NsidMessage | Refusal;
}
