/** The ioctls of brctl (net/bridge/br_ioctl.c). */
import { EBUSY, EINVAL, ENODEV, ENXIO, EOPNOTSUPP, EPERM } from '../../uapi/errno.ts';
import { IFF_UP } from '../../uapi/if.ts';
import { type Ack, isRefusal, type Refusal, refuse } from '../../uapi/result.ts';
import type { Mac } from '../../wire/addr.ts';
import { registerNetdevice, rtnlCreateLink } from '../core/dev-config.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import { brFdbFillbuf } from './br-fdb.ts';
import { brAddPort, brDeleteNow, brDelPort } from './br-if.ts';
import { brLinkOps } from './br-netlink.ts';
import { bridgeOf, isBridgeMaster, type NetBridge } from './br-private.ts';

/** SIOCBRADDBR. @kernel net/bridge/br_if.c br_add_bridge */
export function brAddBridge(net: NetNamespace, name: string): Ack {
  return registerNetdevice(rtnlCreateLink(net, name, brLinkOps));
}

/** SIOCBRDELBR. @kernel net/bridge/br_if.c br_del_bridge */
export function brDelBridge(net: NetNamespace, name: string): Ack {
  const dev = net.devByName(name);
  if (dev === undefined) return refuse(ENXIO);
  if (!isBridgeMaster(dev)) return refuse(EPERM);
  if ((dev.flags & IFF_UP) !== 0) return refuse(EBUSY);
  brDeleteNow(bridgeOf(dev));
  return undefined;
}

function bridgeByName(net: NetNamespace, name: string): NetBridge | Refusal {
  const dev = net.devByName(name);
  if (dev === undefined) return refuse(ENODEV);
  return isBridgeMaster(dev) ? bridgeOf(dev) : refuse(EOPNOTSUPP);
}

/** SIOCBRADDIF. @kernel net/bridge/br_ioctl.c add_del_if */
export function brAddIf(net: NetNamespace, bridge: string, ifindex: number): Ack {
  const br = bridgeByName(net, bridge);
  if (isRefusal(br)) return br;
  const dev = net.devByIndex(ifindex);
  return dev === undefined ? refuse(EINVAL) : brAddPort(br, dev);
}

/** SIOCBRDELIF. */
export function brDelIf(net: NetNamespace, bridge: string, ifindex: number): Ack {
  const br = bridgeByName(net, bridge);
  if (isRefusal(br)) return br;
  const dev = net.devByIndex(ifindex);
  return dev === undefined ? refuse(EINVAL) : brDelPort(br, dev);
}

/** BRCTL_GET_FDB_ENTRIES. @kernel net/bridge/br_ioctl.c get_fdb_entries */
export function brIoctlFdb(
  net: NetNamespace,
  bridge: string,
): { lladdr: Mac; portNo: number; isLocal: boolean; ageing: number }[] | Refusal {
  const br = bridgeByName(net, bridge);
  return isRefusal(br) ? br : brFdbFillbuf(br);
}
