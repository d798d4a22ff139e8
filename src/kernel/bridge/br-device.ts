/** The bridge as a device of its own (net/bridge/br_device.c). */
import { EADDRNOTAVAIL, EBUSY } from '../../uapi/errno.ts';
import { ETH_HLEN, ETH_P_8021Q, ETH_P_ARP, IFF_BROADCAST, IFF_MULTICAST } from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import { isValidMac, MAC_BROADCAST, type Mac, macAt, u16At } from '../../wire/addr.ts';
import { ethRandomAddr } from '../core/dev-config.ts';
import { REASON } from '../core/drop-reason.ts';
import { netifOperUp } from '../core/link-watch.ts';
import {
  IFF_EBRIDGE,
  IFF_NO_QUEUE,
  NET_ADDR_RANDOM,
  NETDEV_TX_OK,
  NETIF_F_HW_CSUM,
  NETIF_F_HW_VLAN_CTAG_TX,
  NETIF_F_HW_VLAN_STAG_TX,
  NETIF_F_NETNS_LOCAL,
  NETREG_REGISTERED,
  type NetDevice,
  type NetDeviceOps,
} from '../core/netdevice.ts';
import { kfreeSkbReason, type SkBuff } from '../core/skbuff.ts';
import { brDoProxySuppressArp } from './br-arp-nd-proxy.ts';
import { brFdbFindAt } from './br-fdb.ts';
import { FdbTable } from './br-fdb-table.ts';
import {
  BR_PKT_BROADCAST,
  BR_PKT_MULTICAST,
  BR_PKT_UNICAST,
  brFlood,
  brForward,
  brMulticastFlood,
} from './br-forward.ts';
import { brAddPort, brChangeRxFlags, brDelPort } from './br-if.ts';
import {
  brMdbGet,
  brMulticastDevDel,
  brMulticastInit,
  brMulticastOpen,
  brMulticastQuerierExists,
  brMulticastRcv,
  brMulticastStop,
} from './br-multicast.ts';
import { MDB_RTR_TYPE_TEMP_QUERY } from './br-multicast-state.ts';
import { brNfDevXmit } from './br-netfilter.ts';
import {
  BR_NO_STP,
  BR_STATE_FORWARDING,
  BROPT_MTU_SET_BY_USER,
  BROPT_MULTICAST_ENABLED,
  BROPT_NEIGH_SUPPRESS_ENABLED,
  bridgeOf,
  brOptGet,
  brOptToggle,
  CB_MROUTERS_ONLY,
  HZ,
  type NetBridge,
} from './br-private.ts';
import { brJoinSnoopers, brLeaveSnoopers } from './br-snoopers.ts';
import { brStpChangeBridgeId, brStpDisableBridge, brStpEnableBridge } from './br-stp-if.ts';
import { brStpTimerInit } from './br-stp-timer.ts';
import { brAllowedIngress, brSkbVid, NOT_ALLOWED } from './br-vlan-filter.ts';

const BR_STP_ADDRESS: Mac = 0x0180_c200_0000;

/** The bridge's own host sends. @kernel net/bridge/br_device.c br_dev_xmit #P[IPv6 neighbour suppression] */
function brDevXmit(skb: SkBuff, dev: NetDevice): number {
  const br = dev.priv as NetBridge;
  if (skb.len < ETH_HLEN) {
    kfreeSkbReason(skb, REASON.PKT_TOO_SMALL, 'br_dev_xmit', 'no whole Ethernet header');
    return NETDEV_TX_OK;
  }
  skb.cb = 0;
  if (skb.nfBridge !== undefined && brNfDevXmit(skb)) return NETDEV_TX_OK;
  dev.stats.txPackets++;
  dev.stats.txBytes += skb.len;
  const { data: mac } = skb;
  skb.macHeader = mac;
  skb.pull(ETH_HLEN);
  if (brAllowedIngress(br, br.vlgrp, skb, BR_STATE_FORWARDING) === NOT_ALLOWED) return NETDEV_TX_OK;
  return sendFrame(br, skb);
}

function sendFrame(br: NetBridge, skb: SkBuff): number {
  const { bytes, macHeader: mac } = skb;
  const vid = brSkbVid(br, skb);
  if ((br.options & BROPT_NEIGH_SUPPRESS_ENABLED) !== 0 && u16At(bytes, mac + 12) === ETH_P_ARP) {
    brDoProxySuppressArp(skb, br, vid, undefined);
  }
  if ((bytes[mac]! & 1) === 0) {
    const dst = brFdbFindAt(br, bytes, mac, vid);
    if (dst === undefined) brFlood(br, skb, BR_PKT_UNICAST, false, true);
    else brForward(dst.dst, skb, false, true);
  } else if (macAt(bytes, mac) === MAC_BROADCAST) brFlood(br, skb, BR_PKT_BROADCAST, false, true);
  else sendMulticast(br, skb);
  return NETDEV_TX_OK;
}

function sendMulticast(br: NetBridge, skb: SkBuff): void {
  if (!brMulticastRcv(br, undefined, skb)) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'br_multicast_rcv', 'malformed IPv4 or IGMP');
    return;
  }
  const mdst = brMdbGet(br, skb);
  const restricted = mdst !== undefined || (skb.cb & CB_MROUTERS_ONLY) !== 0;
  if (restricted && brMulticastQuerierExists(br, skb)) brMulticastFlood(br, mdst, skb, false, true);
  else brFlood(br, skb, BR_PKT_MULTICAST, false, true);
}

/** @kernel net/bridge/br_device.c br_dev_open */
function brDevOpen(dev: NetDevice): Ack {
  const br = bridgeOf(dev);
  brStpEnableBridge(br);
  brMulticastOpen(br);
  if (brOptGet(br, BROPT_MULTICAST_ENABLED)) brJoinSnoopers(br);
  return undefined;
}

/** @kernel net/bridge/br_device.c br_dev_stop */
function brDevStop(dev: NetDevice): void {
  const br = bridgeOf(dev);
  brStpDisableBridge(br);
  brMulticastStop(br);
  if (brOptGet(br, BROPT_MULTICAST_ENABLED)) brLeaveSnoopers(br);
}

/** @kernel net/bridge/br_device.c br_change_mtu */
function brChangeMtu(dev: NetDevice, mtu: number): Ack {
  dev.mtu = mtu;
  brOptToggle(bridgeOf(dev), BROPT_MTU_SET_BY_USER, true);
  return undefined;
}

/** @kernel net/bridge/br_device.c br_set_mac_address */
function brSetMacAddress(dev: NetDevice, address: Mac): Ack {
  if (!isValidMac(address)) return refuse(EADDRNOTAVAIL);
  if (dev.regState !== NETREG_REGISTERED) return refuse(EBUSY);
  if (dev.addr !== address) brStpChangeBridgeId(bridgeOf(dev), address);
  return undefined;
}

/** The fastest of the ports. @kernel net/bridge/br_device.c br_get_link_ksettings */
function brGetLinkSpeed(dev: NetDevice): number | undefined {
  let speed: number | undefined;
  for (const { dev: port } of bridgeOf(dev).ports) {
    if (!port.running || !netifOperUp(port)) continue;
    const ports = port.ops.getLinkSettings?.(port)?.speed;
    if (ports !== undefined && (speed === undefined || speed < ports)) speed = ports;
  }
  return speed;
}

const bridgeOps: NetDeviceOps = {
  uninit: (dev) => brMulticastDevDel(bridgeOf(dev)),
  open: brDevOpen,
  stop: brDevStop,
  startXmit: brDevXmit,
  setRxMode() {},
  changeRxFlags: (dev, changed) => brChangeRxFlags(bridgeOf(dev), changed),
  setMacAddress: brSetMacAddress,
  changeMtu: brChangeMtu,
  addSlave: (dev, slave) => brAddPort(bridgeOf(dev), slave),
  delSlave: (dev, slave) => brDelPort(bridgeOf(dev), slave),
  getLinkSettings: (dev) => ({ speed: brGetLinkSpeed(dev), duplex: 'unknown' }),
};

/** @kernel net/bridge/br_device.c br_dev_setup */
export function brDevSetup(dev: NetDevice): void {
  dev.flags = IFF_BROADCAST | IFF_MULTICAST;
  dev.privFlags = IFF_EBRIDGE | IFF_NO_QUEUE;
  dev.ops = bridgeOps;
  dev.features = NETIF_F_HW_CSUM | NETIF_F_NETNS_LOCAL | NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_STAG_TX;
  dev.vlanFeatures = NETIF_F_HW_CSUM;
  dev.addr = ethRandomAddr(dev.net);
  dev.addrAssignType = NET_ADDR_RANDOM;
  const bridgeId = { priority: 0x8000, address: 0 };
  const br = {
    dev,
    options: BROPT_MULTICAST_ENABLED,
    fdb: new FdbTable(),
    ports: [],
    groupFwdMask: 0,
    groupFwdMaskRequired: 0,
    designatedRoot: bridgeId,
    bridgeId,
    topologyChange: 0,
    topologyChangeDetected: 0,
    rootPort: 0,
    maxAge: 20 * HZ,
    helloTime: 2 * HZ,
    forwardDelay: 15 * HZ,
    ageingTime: 300 * HZ,
    bridgeMaxAge: 20 * HZ,
    bridgeHelloTime: 2 * HZ,
    bridgeForwardDelay: 15 * HZ,
    bridgeAgeingTime: 300 * HZ,
    rootPathCost: 0,
    groupAddr: BR_STP_ADDRESS,
    stpEnabled: BR_NO_STP,
    autoCnt: 0,
    fdbMaxLearned: 0,
    vlgrp: undefined,
    vlanProto: ETH_P_8021Q,
    defaultPvid: 1,
    multicast: {
      lastMemberCount: 2,
      startupQueryCount: 2,
      querier: 0,
      igmpVersion: 2,
      mldVersion: 1,
      router: MDB_RTR_TYPE_TEMP_QUERY,
      lastMemberInterval: HZ,
      membershipInterval: 260 * HZ,
      querierInterval: 255 * HZ,
      queryInterval: 125 * HZ,
      queryResponseInterval: 10 * HZ,
      startupQueryInterval: Math.floor((125 * HZ) / 4),
      hashMax: 4096,
      routerPorts: [],
      querierAddress: 0,
      ownQuery: { startupSent: 0 },
      mdb: new Map(),
    },
  } as unknown as NetBridge;
  dev.priv = br;
  brStpTimerInit(br);
  brMulticastInit(br);
}
