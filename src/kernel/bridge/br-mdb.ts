/** The groups of bridges over rtnetlink: `bridge mdb show` (net/bridge/br_mdb.c). */
import type { MdbEntryMessage, MdbMessage } from '../../uapi/bridge-mdb.ts';
import { RTPROT_KERNEL } from '../../uapi/rtnetlink.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import type { MdbEntry } from './br-multicast-state.ts';
import { BROPT_MULTICAST_ENABLED, bridgeOf, brOptGet, isBridgeMaster, type NetBridge } from './br-private.ts';

/** @kernel net/bridge/br_mdb.c __mdb_fill_info #P[source lists] */
function fillInfo(br: NetBridge, entry: MdbEntry): MdbEntryMessage[] {
  const { group, vid } = entry;
  const messages: MdbEntryMessage[] = entry.ports.map(({ port, timer }) => ({
    ifindex: port.dev.ifindex,
    group,
    vid,
    permanent: false,
    timer: timer.value,
    protocol: RTPROT_KERNEL,
  }));
  if (entry.hostJoined) {
    messages.unshift({ ifindex: br.dev.ifindex, group, vid, permanent: false, timer: entry.timer.value });
  }
  return messages;
}

/** @kernel net/bridge/br_mdb.c br_mdb_dump */
export function brMdbDump(net: NetNamespace): MdbMessage[] {
  const bridges = [...net.devices.values()].filter(isBridgeMaster).sort((a, b) => a.ifindex - b.ifindex);
  return bridges.map((dev) => {
    const br = bridgeOf(dev);
    const { mdb, router, routerPorts } = br.multicast;
    // The newest group is at the head of the list.
    const groups = brOptGet(br, BROPT_MULTICAST_ENABLED) ? [...mdb.values()].reverse() : [];
    return {
      bridge: dev.ifindex,
      entries: groups.flatMap((entry) => fillInfo(br, entry)),
      routers:
        router === 0
          ? []
          : br.ports
              .filter((p) => routerPorts.includes(p))
              .map((p) => ({
                ifindex: p.dev.ifindex,
                type: p.multicast.router,
                timer: p.multicast.routerTimer.value,
              })),
    };
  });
}
