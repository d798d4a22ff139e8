/** ARP for IPv4 over Ethernet (RFC 826), with the kernel's rules on whom to answer and believe. */
import {
  ETH_P_ARP,
  ETH_P_IP,
  IFF_LOOPBACK,
  IFF_NOARP,
  IFF_POINTOPOINT,
  PACKET_HOST,
  PACKET_LOOPBACK,
  PACKET_OTHERHOST,
} from '../../uapi/if.ts';
import {
  AF_INET,
  NUD_NOARP,
  NUD_REACHABLE,
  NUD_STALE,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
} from '../../uapi/rtnetlink.ts';
import { type Ipv4, ipv4At, isLoopbackIpv4, isMulticastIpv4, type Mac, multicastMacOf } from '../../wire/addr.ts';
import {
  ARP_LENGTH,
  ARPOP_REPLY,
  ARPOP_REQUEST,
  arpHardwareLength,
  arpHardwareType,
  arpOperation,
  arpProtocolLength,
  arpProtocolType,
  arpSenderIp,
  arpSenderMac,
  arpTargetIp,
  arpTargetMac,
  putArp,
} from '../../wire/arp.ts';
import { devQueueXmit } from '../core/dev-xmit.ts';
import { REASON } from '../core/drop-reason.ts';
import { devHardHeader } from '../core/hard-header.ts';
import type { Kernel } from '../core/kernel.ts';
import { neighTableRegister } from '../core/neighbour.ts';
import { neighUpdate } from '../core/neighbour-nud.ts';
import { NEIGH_DEFAULTS } from '../core/neighbour-parms.ts';
import { LOCALLY_ENQUEUED, neighIfdown, pneighEnqueue } from '../core/neighbour-proxy.ts';
import { NEIGH_UPDATE_F_OVERRIDE } from '../core/neighbour-states.ts';
import { NEIGH_OUTPUT_DIRECT, type Neighbour, type NeighProtocol, NeighTable } from '../core/neighbour-table.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { NFPROTO_ARP, nfHook } from '../core/netfilter.ts';
import type { NetdevEvent, NotifierInfo } from '../core/notifier.ts';
import { allocSkb, consumeSkb, kfreeSkbReason, type SkBuff, skbPut } from '../core/skbuff.ts';
import {
  ARP_ACCEPT,
  ARP_ANNOUNCE,
  ARP_EVICT_NOCARRIER,
  ARP_FILTER,
  ARP_IGNORE,
  DROP_GRATUITOUS_ARP,
  MEDIUM_ID,
  PROXY_ARP,
  PROXY_ARP_PVLAN,
} from './devconf.ts';
import { Flowi4 } from './fib.ts';
import { inetAddrType } from './fib-lookup.ts';
import { type InDevice, inDevGet } from './in-device.ts';
import { inetAddrOnlink, inetConfirmAddr, inetSelectAddr } from './inet-addr.ts';
import { ipv4Of } from './ipv4-net.ts';
import { ipv4LinkFailure } from './link-failure.ts';
import { ipRouteInput } from './route-input.ts';
import { ipRouteOutputKey } from './route-output.ts';
import { type Rtable, skbRtable } from './rtable.ts';

const NF_ARP_IN = 0;
const NF_ARP_OUT = 1;
const ARPHRD_ETHER = 1;
const ARPHRD_IEEE802 = 6;

/** @kernel net/ipv4/arp.c arp_constructor #P[devices other than Ethernet] */
function arpConstructor(neigh: Neighbour<Ipv4>): boolean {
  const { dev } = neigh;
  if ((dev.flags & (IFF_LOOPBACK | IFF_POINTOPOINT)) !== 0) neigh.key = 0;
  const inDev = inDevGet(dev);
  if (inDev === undefined) return false;
  neigh.type = inetAddrType(inDev.ipv4, neigh.key);
  if (dev.hardHeaderLen === 0) {
    neigh.state = NUD_NOARP;
    neigh.output = NEIGH_OUTPUT_DIRECT;
    return true;
  }
  if (neigh.type === RTN_MULTICAST) {
    neigh.state = NUD_NOARP;
    neigh.ha = multicastMacOf(neigh.key);
  } else if ((dev.flags & (IFF_NOARP | IFF_LOOPBACK)) !== 0) {
    neigh.state = NUD_NOARP;
    neigh.ha = dev.addr;
  } else if (neigh.type === RTN_BROADCAST || (dev.flags & IFF_POINTOPOINT) !== 0) {
    neigh.state = NUD_NOARP;
    neigh.ha = dev.broadcast;
  }
  return true;
}

/** @kernel net/ipv4/arp.c arp_error_report */
function arpErrorReport(_neigh: Neighbour<Ipv4>, skb: SkBuff): void {
  ipv4LinkFailure(skb);
  kfreeSkbReason(skb, REASON.NEIGH_FAILED, 'arp_error_report', 'no answer to ARP requests');
}

/** @kernel net/ipv4/arp.c arp_solicit */
function arpSolicit(neigh: Neighbour<Ipv4>, skb: SkBuff | undefined): void {
  const { dev, key: target } = neigh;
  const inDev = inDevGet(dev);
  if (inDev === undefined) return;
  const source = skb === undefined ? 0 : ipv4At(skb.bytes, skb.networkHeader + 12);
  let saddr = 0;
  const announce = inDev.maxConf(ARP_ANNOUNCE);
  if (skb !== undefined && announce !== 2 && inetAddrType(inDev.ipv4, source) === RTN_LOCAL) {
    // 1: only what the target can know, an address in its subnet.
    if (announce !== 1 || inetAddrOnlink(inDev, target, source)) saddr = source;
  }
  if (saddr === 0) saddr = inetSelectAddr(dev, target, RT_SCOPE_LINK);
  const probes = neigh.probes - neigh.parms.ucastProbes;
  if (probes >= 0 && probes < neigh.parms.appProbes) return;
  arpSend(ARPOP_REQUEST, target, dev, saddr, probes < 0 ? neigh.ha : undefined, dev.addr, undefined);
}

/**
 * Send an ARP message; to everybody when `destHw` is undefined.
 * @kernel net/ipv4/arp.c arp_send
 * @param targetHw the target's address in the message, zero when undefined
 */
export function arpSend(
  operation: number,
  destIp: Ipv4,
  dev: NetDevice,
  srcIp: Ipv4,
  destHw: Mac | undefined,
  srcHw: Mac,
  targetHw: Mac | undefined,
): void {
  if ((dev.flags & IFF_NOARP) !== 0) return;
  const skb = allocSkb(dev.net.kernel, ARP_LENGTH, 'arp_send');
  skb.networkHeader = skbPut(skb, ARP_LENGTH);
  skb.dev = dev;
  skb.protocol = ETH_P_ARP;
  putArp(skb.bytes, skb.networkHeader, operation, srcHw, srcIp, targetHw ?? 0, destIp);
  devHardHeader(skb, dev, ETH_P_ARP, destHw ?? dev.broadcast, srcHw);
  skb.macHeader = skb.data;
  if (nfHook(NFPROTO_ARP, NF_ARP_OUT, dev.net, skb, undefined, dev, devQueueXmit)) devQueueXmit(skb);
}

/** Whether a request must not be answered. @kernel net/ipv4/arp.c arp_ignore */
function arpIgnore(inDev: InDevice, sip: Ipv4, tip: Ipv4): boolean {
  const { net } = inDev.ipv4;
  switch (inDev.maxConf(ARP_IGNORE)) {
    case 1:
      return inetConfirmAddr(net, inDev, 0, tip, RT_SCOPE_HOST) === 0;
    case 2:
      return inetConfirmAddr(net, inDev, sip, tip, RT_SCOPE_HOST) === 0;
    case 3:
      return inetConfirmAddr(net, undefined, 0, tip, RT_SCOPE_LINK) === 0;
    case 8:
      return true;
    default:
      return false;
  }
}

/** Whether gratuitous ARP may make a new entry. @kernel net/ipv4/arp.c arp_accept */
function arpAccept(inDev: InDevice, sip: Ipv4): boolean {
  switch (inDev.maxConf(ARP_ACCEPT)) {
    case 1:
      return true;
    case 2:
      return inetConfirmAddr(inDev.ipv4.net, inDev, sip, 0, RT_SCOPE_LINK) !== 0;
    default:
      return false;
  }
}

/** Whether the way back is not by this device. @kernel net/ipv4/arp.c arp_filter */
function arpFilter(inDev: InDevice, sip: Ipv4, tip: Ipv4): boolean {
  const flow = new Flowi4();
  flow.daddr = sip;
  flow.saddr = tip;
  const rt = ipRouteOutputKey(inDev.ipv4, flow);
  if (typeof rt === 'number') return true;
  if (rt.dev === inDev.dev) return false;
  inDev.ipv4.mib.tcpExt.ArpFilter++;
  return true;
}

/** @kernel net/ipv4/arp.c arp_fwd_proxy */
function arpFwdProxy(inDev: InDevice, rt: Rtable): boolean {
  if (rt.dev === inDev.dev || !inDev.orConf(PROXY_ARP)) return false;
  const medium = inDev.conf(MEDIUM_ID);
  if (medium === 0) return true;
  if (medium === -1) return false;
  const other = inDevGet(rt.dev)?.conf(MEDIUM_ID) ?? -1;
  return other !== medium && other !== -1;
}

/** Answering for hosts behind the same device (RFC 3069). @kernel net/ipv4/arp.c arp_fwd_pvlan */
function arpFwdPvlan(inDev: InDevice, rt: Rtable, sip: Ipv4, tip: Ipv4): boolean {
  return rt.dev === inDev.dev && sip !== tip && inDev.orConf(PROXY_ARP_PVLAN);
}

/** An ARP message said something about its sender. @kernel net/core/neighbour.c neigh_event_ns */
function neighEventNs(inDev: InDevice, sha: Mac, sip: Ipv4): Neighbour<Ipv4> | undefined {
  const neigh = inDev.arp.lookup(sip, inDev.dev) ?? inDev.arp.create(sip, inDev.dev);
  if (neigh !== undefined) neighUpdate(neigh, sha, NUD_STALE, NEIGH_UPDATE_F_OVERRIDE);
  return neigh;
}

function drop(skb: SkBuff, note: string): void {
  kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'arp_process', note);
}

/** Answer for `tip` with the device's own address. */
function arpReply(dev: NetDevice, sip: Ipv4, tip: Ipv4, sha: Mac): void {
  arpSend(ARPOP_REPLY, sip, dev, tip, sha, dev.addr, sha);
}

/** @kernel net/ipv4/arp.c arp_process */
function arpProcess(skb: SkBuff): void {
  const dev = skb.dev!;
  const inDev = inDevGet(dev);
  if (inDev === undefined) {
    drop(skb, 'IPv4 is off on the device');
    return;
  }
  const { ipv4 } = inDev;
  const { bytes, networkHeader: at } = skb;
  const hrd = arpHardwareType(bytes, at);
  const etherLike = dev.type === ARPHRD_ETHER && (hrd === ARPHRD_ETHER || hrd === ARPHRD_IEEE802);
  if (arpProtocolType(bytes, at) !== ETH_P_IP || !(etherLike || hrd === dev.type)) {
    drop(skb, 'hardware or protocol type');
    return;
  }
  const op = arpOperation(bytes, at);
  if (op !== ARPOP_REPLY && op !== ARPOP_REQUEST) {
    drop(skb, 'neither request nor reply');
    return;
  }
  const sha = arpSenderMac(bytes, at);
  const sip = arpSenderIp(bytes, at);
  const tha = arpTargetMac(bytes, at);
  const tip = arpTargetIp(bytes, at);
  if (isMulticastIpv4(tip) || (isLoopbackIpv4(tip) && !inDev.routeLocalnet)) {
    drop(skb, 'target address');
    return;
  }
  if (sip === tip && inDev.orConf(DROP_GRATUITOUS_ARP)) {
    drop(skb, 'drop_gratuitous_arp');
    return;
  }
  if (sip === 0) {
    // Somebody asks whether the address is taken (RFC 5227).
    if (op === ARPOP_REQUEST && inetAddrType(ipv4, tip) === RTN_LOCAL && !arpIgnore(inDev, sip, tip)) {
      arpReply(dev, sip, tip, sha);
    }
    consumeSkb(skb, 'arp_process');
    return;
  }
  if (op === ARPOP_REQUEST && ipRouteInput(skb, tip, sip, 0, dev) === 0) {
    const rt = skbRtable(skb)!;
    if (rt.type === RTN_LOCAL) {
      const silent = arpIgnore(inDev, sip, tip) || (inDev.orConf(ARP_FILTER) && arpFilter(inDev, sip, tip));
      if (!silent && neighEventNs(inDev, sha, sip) !== undefined) arpReply(dev, sip, tip, sha);
      consumeSkb(skb, 'arp_process');
      return;
    }
    if (inDev.forward && rt.type === RTN_UNICAST && proxied(inDev, rt, sip, tip)) {
      neighEventNs(inDev, sha, sip);
      if (skb.cb === LOCALLY_ENQUEUED || skb.pktType === PACKET_HOST || inDev.arpParms.proxyDelay === 0) {
        arpReply(dev, sip, tip, sha);
        consumeSkb(skb, 'arp_process');
      } else pneighEnqueue(inDev.arp, inDev.arpParms, skb);
      return;
    }
  }
  updateTable(inDev, skb, op, sip, tip, sha, tha);
  consumeSkb(skb, 'arp_process');
}

function proxied(inDev: InDevice, rt: Rtable, sip: Ipv4, tip: Ipv4): boolean {
  if (arpFwdProxy(inDev, rt) || arpFwdPvlan(inDev, rt, sip, tip)) return true;
  return rt.dev !== inDev.dev && inDev.arp.proxyLookup(inDev.ipv4.net, tip, inDev.dev) !== undefined;
}

/** Learn what a message that was not for us to answer says. */
function updateTable(inDev: InDevice, skb: SkBuff, op: number, sip: Ipv4, tip: Ipv4, sha: Mac, tha: Mac): void {
  const { ipv4, dev } = inDev;
  let neigh = inDev.arp.lookup(sip, dev);
  const accept = arpAccept(inDev, sip);
  let gratuitous = false;
  if (neigh !== undefined || accept) {
    gratuitous = tip === sip && (op !== ARPOP_REPLY || tha === sha) && inetAddrType(ipv4, sip) === RTN_UNICAST;
  }
  if (accept && neigh === undefined) {
    if (gratuitous || (op === ARPOP_REPLY && inetAddrType(ipv4, sip) === RTN_UNICAST))
      neigh = inDev.arp.create(sip, dev);
  }
  if (neigh === undefined) return;
  // Of several answers back to back, the first one counts.
  const override = ipv4.kernel.queue.now > neigh.updated + neigh.parms.locktime || gratuitous;
  // Broadcast replies and requests do not prove that the neighbour hears us.
  const state = op !== ARPOP_REPLY || skb.pktType !== PACKET_HOST ? NUD_STALE : NUD_REACHABLE;
  neighUpdate(neigh, sha, state, override ? NEIGH_UPDATE_F_OVERRIDE : 0);
}

/** The receive function of ETH_P_ARP. @kernel net/ipv4/arp.c arp_rcv */
export function arpRcv(skb: SkBuff, dev: NetDevice): void {
  if ((dev.flags & IFF_NOARP) !== 0 || skb.pktType === PACKET_OTHERHOST || skb.pktType === PACKET_LOOPBACK) {
    consumeSkb(skb, 'arp_rcv');
    return;
  }
  const at = skb.networkHeader;
  const whole = skb.len >= ARP_LENGTH;
  if (!whole || arpHardwareLength(skb.bytes, at) !== dev.addrLen || arpProtocolLength(skb.bytes, at) !== 4) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'arp_rcv', whole ? 'address lengths' : 'cut short');
    return;
  }
  skb.cb = 0;
  skb.ipFlags = 0;
  skb.dst = undefined;
  if (nfHook(NFPROTO_ARP, NF_ARP_IN, dev.net, skb, dev, undefined, arpProcess)) arpProcess(skb);
}

const ARP: NeighProtocol<Ipv4> = {
  family: AF_INET,
  protocol: ETH_P_IP,
  id: 'arp_cache',
  construct: arpConstructor,
  solicit: arpSolicit,
  errorReport: arpErrorReport,
  isMulticast: isMulticastIpv4,
  proxyRedo: arpProcess,
};

/** @kernel net/ipv4/arp.c arp_netdev_event */
export function arpNetdevEvent(table: NeighTable<Ipv4>, event: NetdevEvent, dev: NetDevice, info: NotifierInfo): void {
  if (event === 'CHANGEADDR') {
    table.flushDev(dev, false);
    ipv4Of(dev.net).rtCacheFlush();
  } else if (event === 'CHANGE') {
    if (((info.flagsChanged ?? 0) & IFF_NOARP) !== 0) table.flushDev(dev, false);
    const inDev = inDevGet(dev);
    const evict = inDev?.andConf(ARP_EVICT_NOCARRIER) ?? true;
    if (evict && !dev.carrier) neighIfdown(table, dev, true);
  }
}

/** Make the machine's ARP table. @kernel net/ipv4/arp.c arp_init */
export function arpInit(kernel: Kernel): NeighTable<Ipv4> {
  const table = new NeighTable<Ipv4>(kernel, ARP, NEIGH_DEFAULTS);
  neighTableRegister(table);
  return table;
}
