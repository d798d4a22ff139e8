/** The rtnetlink socket of a process: each request goes to the part of the stack that answers it. */
import { EEXIST, EINVAL } from '../uapi/errno.ts';
import type { NetnsRef } from '../uapi/netns.ts';
import { refuse } from '../uapi/result.ts';
import type { Rtnetlink } from '../uapi/rtnetlink.ts';
import { brMdbDump } from './bridge/br-mdb.ts';
import { brDumpLinks, brSetlink } from './bridge/br-netlink.ts';
import { neighAdd, neighDelete, neighDumpInfo, neighGet } from './core/neighbour.ts';
import type { NetNamespace } from './core/net-namespace.ts';
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
import { inetRtmGetroute } from './ipv4/route.ts';

/** Bind the requests of rtnetlink to one namespace. */
export function rtnetlinkSocket(net: NetNamespace): Rtnetlink {
  const target = (ref: NetnsRef | { pid: number }) =>
    'pid' in ref ? net.kernel.namespaceOfPid?.(ref.pid) : namespaceOf(ref);
  return {
    newLink: (request, flags) => rtnlNewlink(net, request, flags),
    setLink: (request) => rtnlSetlink(net, request),
    setBridgeLink: (ifindex, port, flags) => brSetlink(net, ifindex, port, flags),
    delLink: (request) => rtnlDellink(net, request),
    getLink: (request) => rtnlGetlink(net, request),
    dumpLinks: (filter) => rtnlDumpIfinfo(net, filter),
    dumpBridgeLinks: () => brDumpLinks(net),
    linkProp: (ifindex, altnames, add) => rtnlLinkprop(net, ifindex, altnames, add),

    newAddr: (request, flags) => inetRtmNewaddr(net, request, flags),
    delAddr: (request) => inetRtmDeladdr(net, request),
    dumpAddrs: (filter) => inetDumpIfaddr(net, filter),

    newNeigh: (request, flags) => neighAdd(net, request, flags),
    delNeigh: (request) => neighDelete(net, request),
    dumpNeighs: (filter) => neighDumpInfo(net, filter),
    getNeigh: (ifindex, dst) => neighGet(net, ifindex, dst),

    newFdb: (request, flags) => rtnlFdbAdd(net, request, flags),
    delFdb: (request) => rtnlFdbDel(net, request),
    flushFdb: (ifindex, filter) => rtnlFdbFlush(net, ifindex, filter),
    dumpFdb: (filter) => rtnlFdbDump(net, filter),
    getFdb: (request) => rtnlFdbGet(net, request),
    dumpMdb: () => brMdbDump(net),

    newRoute: (request, flags) => inetRtmNewroute(net, request, flags),
    delRoute: (request) => inetRtmDelroute(net, request),
    dumpRoutes: (filter) => inetDumpFib(net, filter),
    getRoute: (request) => inetRtmGetroute(net, request),

    getNsid(ref) {
      const peer = target(ref);
      return peer === undefined ? -1 : net.peernet2id(peer);
    },
    setNsid(ref, nsid) {
      const peer = target(ref);
      if (peer === undefined) return refuse(EINVAL, 'Peer netns reference is invalid');
      if (net.peernet2id(peer) >= 0) return refuse(EEXIST, 'Peer netns already has a nsid assigned');
      if (nsid < 0) net.peernet2idAlloc(peer);
      else if ([...net.nsids.values()].includes(nsid)) return refuse(EEXIST, 'The specified nsid is already used');
      else net.nsids.set(peer, nsid);
      return undefined;
    },
    dumpNsids: () =>
      [...net.nsids].map(([peer, nsid]) => ({ nsid, inode: peer.inode })).sort((a, b) => a.nsid - b.nsid),
  };
}
