/** The rtnetlink socket of a process: each request goes to the part of the stack that answers it. */

import type { MdbMessage } from '../uapi/bridge-mdb.ts';
import type { BridgeVlanMessage, BridgeVlanOptions, BridgeVlanRequest } from '../uapi/bridge-vlan.ts';
import { EEXIST, EINVAL } from '../uapi/errno.ts';
import type { RuleMessage } from '../uapi/fib-rules.ts';
import type { NetnsRef, NsidMessage } from '../uapi/netns.ts';
import { type Ack, isRefusal, type Refusal, refuse } from '../uapi/result.ts';
import type { RouteGetRequest } from '../uapi/route-get.ts';
import type {
  AddrMessage,
  AddrRequest,
  BridgeLinkMessage,
  BridgePortData,
  FdbDump,
  FdbMessage,
  FdbRequest,
  LinkMessage,
  LinkRequest,
  NeighDump,
  NeighMessage,
  NeighRequest,
  RouteMessage,
  RouteRequest,
  Rtnetlink,
} from '../uapi/rtnetlink.ts';
import type { Ipv4 } from '../wire/addr.ts';
import { brMdbDump } from './bridge/br-mdb.ts';
import { brDumpLinks, brSetlink } from './bridge/br-netlink.ts';
import {
  brVlanDellink,
  brVlanDumpLinks,
  brVlanRtmDump,
  brVlanSetlink,
  brVlanSetOptions,
} from './bridge/br-vlan-netlink.ts';
import { neighAdd, neighDelete, neighDumpInfo, neighGet } from './core/neighbour.ts';
import type { NetNamespace } from './core/net-namespace.ts';
import { Nsids } from './core/nsids.ts';
import { rtnlFdbAdd, rtnlFdbDel, rtnlFdbDump, rtnlFdbFlush, rtnlFdbGet } from './core/rtnl-fdb.ts';
import {
  namespaceOf,
  rtnlDellink,
  rtnlDumpIfinfo,
  rtnlGetlink,
  rtnlLinkprop,
  rtnlNewlink,
  rtnlSetlink,
} from './core/rtnl-link.ts';
import { inetDumpIfaddr, inetRtmDeladdr, inetRtmNewaddr } from './ipv4/devinet.ts';
import { inetDumpFib, inetRtmDelroute, inetRtmNewroute } from './ipv4/fib-frontend.ts';
import { fibNlDelrule, fibNlDumprule, fibNlNewrule } from './ipv4/fib-rules.ts';
import { inetRtmGetroute } from './ipv4/route.ts';

/** A netlink socket of one namespace: every process in it can use the same. */
export class RtnetlinkSocket implements Rtnetlink {
  private readonly net: NetNamespace;

  constructor(net: NetNamespace) {
    this.net = net;
  }

  newLink(request: LinkRequest, flags: number): Ack {
    return rtnlNewlink(this.net, request, flags);
  }
  setLink(request: LinkRequest): Ack {
    return rtnlSetlink(this.net, request);
  }
  setBridgeLink(ifindex: number, port: BridgePortData, flags: { self?: boolean; master?: boolean }): Ack {
    return brSetlink(this.net, ifindex, port, flags);
  }
  delLink(request: LinkRequest): Ack {
    return rtnlDellink(this.net, request);
  }
  getLink(request: { ifindex?: number; ifname?: string }): LinkMessage | Refusal {
    return rtnlGetlink(this.net, request);
  }
  dumpLinks(filter?: { master?: number; kind?: string }): LinkMessage[] {
    return rtnlDumpIfinfo(this.net, filter);
  }
  dumpBridgeLinks(): BridgeLinkMessage[] {
    return brDumpLinks(this.net);
  }
  setBridgeVlan(ifindex: number, request: BridgeVlanRequest, flags: { self?: boolean; master?: boolean }): Ack {
    return brVlanSetlink(this.net, ifindex, request, flags);
  }
  delBridgeVlan(ifindex: number, request: BridgeVlanRequest, flags: { self?: boolean; master?: boolean }): Ack {
    return brVlanDellink(this.net, ifindex, request, flags);
  }
  dumpBridgeVlans(): BridgeVlanMessage[] {
    return brVlanDumpLinks(this.net);
  }
  dumpVlandb(): BridgeVlanMessage[] | Refusal {
    return brVlanRtmDump(this.net);
  }
  setVlanOptions(ifindex: number, options: BridgeVlanOptions): Ack {
    return brVlanSetOptions(this.net, ifindex, options);
  }
  linkProp(ifindex: number, altnames: readonly string[], add: boolean): Ack {
    return rtnlLinkprop(this.net, ifindex, altnames, add);
  }

  newAddr(request: AddrRequest, flags: number): Ack {
    return inetRtmNewaddr(this.net, request, flags);
  }
  delAddr(request: AddrRequest): Ack {
    return inetRtmDeladdr(this.net, request);
  }
  dumpAddrs(filter?: { ifindex?: number }): AddrMessage[] {
    return inetDumpIfaddr(this.net, filter);
  }

  newNeigh(request: NeighRequest, flags: number): Ack {
    return neighAdd(this.net, request, flags);
  }
  delNeigh(request: NeighRequest): Ack {
    return neighDelete(this.net, request);
  }
  dumpNeighs(filter?: NeighDump): NeighMessage[] {
    return neighDumpInfo(this.net, filter);
  }
  getNeigh(ifindex: number, dst: Ipv4): NeighMessage | Refusal {
    return neighGet(this.net, ifindex, dst);
  }

  newFdb(request: FdbRequest, flags: number): Ack {
    return rtnlFdbAdd(this.net, request, flags);
  }
  delFdb(request: FdbRequest): Ack {
    return rtnlFdbDel(this.net, request);
  }
  flushFdb(ifindex: number, filter: Parameters<Rtnetlink['flushFdb']>[1]): Ack {
    return rtnlFdbFlush(this.net, ifindex, filter);
  }
  dumpFdb(filter?: FdbDump): FdbMessage[] {
    return rtnlFdbDump(this.net, filter);
  }
  getFdb(request: Parameters<Rtnetlink['getFdb']>[0]): FdbMessage | Refusal {
    return rtnlFdbGet(this.net, request);
  }
  dumpMdb(): MdbMessage[] {
    return brMdbDump(this.net);
  }

  newRoute(request: RouteRequest, flags: number): Ack {
    return inetRtmNewroute(this.net, request, flags);
  }
  delRoute(request: RouteRequest): Ack {
    return inetRtmDelroute(this.net, request);
  }
  dumpRoutes(filter?: { table?: number; cloned?: boolean }): RouteMessage[] | Refusal {
    return inetDumpFib(this.net, filter);
  }
  getRoute(request: RouteGetRequest): RouteMessage | Refusal {
    return inetRtmGetroute(this.net, request);
  }

  newRule(request: RuleMessage, exclusive: boolean): Ack {
    return fibNlNewrule(this.net, request, exclusive);
  }
  delRule(request: RuleMessage): Ack {
    return fibNlDelrule(this.net, request);
  }
  dumpRules(): RuleMessage[] {
    return fibNlDumprule(this.net);
  }

  getNsid(ref: NetnsRef | { pid: number }): number {
    const peer = this.peerOf(ref);
    return peer === undefined ? -1 : this.net.peernet2id(peer);
  }
  setNsid(ref: NetnsRef | { pid: number }, nsid: number): Ack {
    const { net } = this;
    const peer = this.peerOf(ref);
    if (peer === undefined) return refuse(EINVAL, 'Peer netns reference is invalid');
    if (net.peernet2id(peer) >= 0) return refuse(EEXIST, 'Peer netns already has a nsid assigned');
    if (nsid < 0) net.peernet2idAlloc(peer);
    else {
      net.nsids ??= new Nsids(net);
      if (net.nsids.peerOf(nsid) !== undefined) return refuse(EEXIST, 'The specified nsid is already used');
      net.nsids.set(peer, nsid);
    }
    return undefined;
  }
  /** @kernel net/core/net_namespace.c rtnl_net_dumpid */
  dumpNsids(targetNsid?: number): NsidMessage[] | Refusal {
    const target = this.targetOf(targetNsid);
    if (isRefusal(target)) return target;
    return [...(target.nsids?.entries() ?? [])]
      .sort(([a], [b]) => a - b)
      .map(([nsid, peer]) => this.nsidMessage(nsid, peer, targetNsid));
  }
  /** @kernel net/core/net_namespace.c rtnl_net_getid */
  getNsidMessage(nsid: number, targetNsid?: number): NsidMessage | Refusal {
    const peer = this.net.nsids?.peerOf(nsid);
    if (peer === undefined) return refuse(EINVAL, 'Peer netns reference is invalid');
    const target = this.targetOf(targetNsid);
    if (isRefusal(target)) return refuse(EINVAL, 'Target netns reference is invalid');
    return this.nsidMessage(target.peernet2id(peer), peer, targetNsid);
  }

  private targetOf(nsid: number | undefined): NetNamespace | Refusal {
    if (nsid === undefined) return this.net;
    return this.net.nsids?.peerOf(nsid) ?? refuse(EINVAL, 'Invalid target network namespace id');
  }

  private nsidMessage(nsid: number, peer: NetNamespace, targetNsid: number | undefined): NsidMessage {
    return targetNsid === undefined ? { nsid } : { nsid, currentNsid: this.net.peernet2id(peer) };
  }

  private peerOf(ref: NetnsRef | { pid: number }): NetNamespace | undefined {
    return 'pid' in ref ? this.net.kernel.namespaceOfPid?.(ref.pid) : namespaceOf(ref);
  }
}
