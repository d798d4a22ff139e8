/** /proc/net/vlan: which VLAN devices a namespace has, and each one's counters and priorities. */
import { IFF_LOOPBACK } from '../../uapi/if.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import {
  IFF_802_1Q_VLAN,
  IFF_BRIDGE_PORT,
  IFF_EBRIDGE,
  IFF_MACVLAN,
  IFF_MACVLAN_PORT,
  type NetDevice,
} from '../core/netdevice.ts';
import { sortedDevices } from '../core/rtnl-link.ts';
import { VLAN_FLAG_REORDER_HDR, VLAN_PRIO_SHIFT, vlanOf } from './vlan-core.ts';

const CONFIG = 'config';

/** Bits of dev->priv_flags as Linux numbers them: what each VLAN device has (IFF_802_1Q_VLAN, IFF_UNICAST_FLT, IFF_NO_QUEUE) ... */
const PRIV_FLAGS = 0x8_1001;
/** ... and what it may have. */
const XMIT_DST_RELEASE = 0x20;
const MACVLAN_PORT = 0x100;
const BRIDGE_PORT = 0x200;

function isVlan(dev: NetDevice): boolean {
  return (dev.privFlags & IFF_802_1Q_VLAN) !== 0;
}

/** Whether the device needs no route any more once it has a frame. */
function releasesDst(dev: NetDevice): boolean {
  if (isVlan(dev)) return releasesDst(vlanOf(dev).realDev);
  return (dev.privFlags & (IFF_MACVLAN | IFF_EBRIDGE)) === 0 && (dev.flags & IFF_LOOPBACK) === 0;
}

/** Files of the directory, with their contents. */
export function procNetVlan(net: NetNamespace): Record<string, () => string> {
  const devices = sortedDevices(net).filter(isVlan);
  const files: Record<string, () => string> = { [CONFIG]: () => vlanConfig(devices) };
  for (const dev of devices) files[dev.name] = () => vlandevShow(dev);
  return files;
}

/** @kernel net/8021q/vlanproc.c vlan_seq_show */
function vlanConfig(devices: readonly NetDevice[]): string {
  let text = 'VLAN Dev name\t | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD\n';
  for (const dev of devices) {
    const { id, realDev } = vlanOf(dev);
    text += `${dev.name.padEnd(15)}| ${id}  | ${realDev.name}\n`;
  }
  return text;
}

/** @kernel net/8021q/vlanproc.c vlandev_seq_show */
function vlandevShow(dev: NetDevice): string {
  const vlan = vlanOf(dev);
  const { stats } = dev;
  let flags = PRIV_FLAGS;
  if (releasesDst(vlan.realDev)) flags |= XMIT_DST_RELEASE;
  if ((dev.privFlags & IFF_MACVLAN_PORT) !== 0) flags |= MACVLAN_PORT;
  if ((dev.privFlags & IFF_BRIDGE_PORT) !== 0) flags |= BRIDGE_PORT;
  const counter = (what: string, value: number): string => `${what.padStart(30)} ${String(value).padStart(12)}\n`;
  const priorities = Array.from(vlan.ingress, (priority, tag) => `${tag}:${priority}`);
  const egress = vlan.egress.map(({ priority, qos }) => `${priority}:${(qos >> VLAN_PRIO_SHIFT) & 7} `);
  return [
    `${dev.name}  VID: ${vlan.id}\t REORDER_HDR: ${vlan.flags & VLAN_FLAG_REORDER_HDR}  `,
    `dev->priv_flags: ${flags.toString(16)}\n`,
    counter('total frames received', stats.rxPackets),
    counter('total bytes received', stats.rxBytes),
    counter('Broadcast/Multicast Rcvd', stats.multicast),
    '\n',
    counter('total frames transmitted', stats.txPackets),
    counter('total bytes transmitted', stats.txBytes),
    `Device: ${vlan.realDev.name}\n`,
    `INGRESS priority mappings: ${priorities.slice(0, 7).join('  ')} ${priorities[7]}\n`,
    ` EGRESS priority mappings: ${egress.join('')}\n`,
  ].join('');
}
