/** /sys/class/net/<interface>: the attributes of a device (net/core/net-sysfs.c). */
import { EINVAL } from '../../uapi/errno.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import { formatMac } from '../../wire/addr.ts';
import { devChangeFlags, devChangeTxQueueLen, devSetMtu } from './dev-config.ts';
import { devGetIflink, linkwatchSyncDev, reportedOperstate } from './link-watch.ts';
import type { NetDevice } from './netdevice.ts';
import type { SysctlEntries, SysctlEntry } from './sysctl.ts';

const OPERSTATE_NAMES = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'] as const;

function readOnly(read: () => string | number): SysctlEntry {
  return { mode: 0o444, read: () => String(read()) };
}

function writable(read: () => string | number, write: (value: number) => Ack): SysctlEntry {
  return {
    mode: 0o644,
    read: () => String(read()),
    write(text) {
      const word = text.trim();
      if (!/^-?(0x[0-9a-f]+|\d+)$/i.test(word)) return refuse(EINVAL);
      return write(Number(word));
    },
  };
}

/** The files right in the device's directory. */
export function deviceAttributes(dev: NetDevice): SysctlEntries {
  const refusesWhenDown = (read: () => string | number): SysctlEntry => ({
    mode: 0o444,
    read: () => String(read()),
    ...(dev.running ? {} : { unreadable: EINVAL }),
  });
  linkwatchSyncDev(dev);
  return {
    addr_assign_type: readOnly(() => dev.addrAssignType),
    addr_len: readOnly(() => dev.addrLen),
    address: readOnly(() => formatMac(dev.addr)),
    broadcast: readOnly(() => formatMac(dev.broadcast)),
    carrier: {
      ...refusesWhenDown(() => (dev.carrier ? 1 : 0)),
      mode: 0o644,
      write: (text) =>
        dev.ops.changeCarrier?.(dev, text.trim() !== '0') ?? (dev.ops.changeCarrier ? undefined : refuse(95)),
    },
    carrier_changes: readOnly(() => dev.carrierUpCount + dev.carrierDownCount),
    carrier_down_count: readOnly(() => dev.carrierDownCount),
    carrier_up_count: readOnly(() => dev.carrierUpCount),
    dev_id: readOnly(() => '0x0'),
    dev_port: readOnly(() => 0),
    dormant: refusesWhenDown(() => (dev.dormant ? 1 : 0)),
    flags: writable(
      () => `0x${dev.flags.toString(16)}`,
      (flags) => devChangeFlags(dev, flags),
    ),
    gro_flush_timeout: readOnly(() => 0),
    ifalias: {
      mode: 0o644,
      read: () => dev.alias,
      write(text) {
        dev.alias = text.replace(/\n$/, '');
        return undefined;
      },
    },
    ifindex: readOnly(() => dev.ifindex),
    iflink: readOnly(() => devGetIflink(dev)),
    link_mode: readOnly(() => dev.linkMode),
    mtu: writable(
      () => dev.mtu,
      (mtu) => devSetMtu(dev, mtu),
    ),
    name_assign_type: readOnly(() => (dev.rtnlLinkOps === undefined ? 1 : 3)),
    napi_defer_hard_irqs: readOnly(() => 0),
    netdev_group: writable(
      () => dev.group,
      (group) => {
        dev.group = group;
        return undefined;
      },
    ),
    operstate: readOnly(() => OPERSTATE_NAMES[reportedOperstate(dev)] ?? 'unknown'),
    proto_down: readOnly(() => (dev.protoDown ? 1 : 0)),
    ...linkSettings(dev),
    testing: refusesWhenDown(() => (dev.testing ? 1 : 0)),
    threaded: readOnly(() => 0),
    tx_queue_len: writable(
      () => dev.txQueueLen,
      (length) => devChangeTxQueueLen(dev, length),
    ),
    type: readOnly(() => dev.type),
    uevent: {
      mode: 0o644,
      read: () => {
        const kind = dev.rtnlLinkOps?.kind;
        const devtype = kind === 'bridge' || kind === 'vlan' ? `DEVTYPE=${kind}\n` : '';
        return `${devtype}INTERFACE=${dev.name}\nIFINDEX=${dev.ifindex}`;
      },
    },
  };
}

/** `speed` and `duplex` are there for every device and can be read of one that is up and has such settings. */
function linkSettings(dev: NetDevice): SysctlEntries {
  const has = dev.running && dev.ops.getLinkSettings !== undefined;
  const settings = dev.ops.getLinkSettings?.(dev);
  const entry = (text: string, known: boolean): SysctlEntry => ({
    mode: 0o444,
    read: () => text,
    ...(known ? {} : { unreadable: EINVAL }),
  });
  return {
    duplex: entry(settings?.duplex ?? 'unknown', has),
    speed: entry(String(settings?.speed ?? -1), has),
  };
}

/** The files of the directory `statistics`. */
export function deviceStatistics(dev: NetDevice): SysctlEntries {
  const stats = dev.ops.getStats?.(dev) ?? dev.stats;
  const values: Record<string, number> = {
    collisions: stats.collisions,
    multicast: stats.multicast,
    rx_bytes: stats.rxBytes,
    rx_compressed: 0,
    rx_crc_errors: 0,
    rx_dropped: stats.rxDropped,
    rx_errors: stats.rxErrors,
    rx_fifo_errors: 0,
    rx_frame_errors: 0,
    rx_length_errors: 0,
    rx_missed_errors: 0,
    rx_nohandler: stats.rxNohandler,
    rx_over_errors: stats.rxOverErrors,
    rx_packets: stats.rxPackets,
    tx_aborted_errors: 0,
    tx_bytes: stats.txBytes,
    tx_carrier_errors: stats.txCarrierErrors,
    tx_compressed: 0,
    tx_dropped: stats.txDropped,
    tx_errors: stats.txErrors,
    tx_fifo_errors: 0,
    tx_heartbeat_errors: 0,
    tx_packets: stats.txPackets,
    tx_window_errors: 0,
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, readOnly(() => value)]));
}
