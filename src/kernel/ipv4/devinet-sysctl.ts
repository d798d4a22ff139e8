import type { Kernel } from '../core/kernel.ts';
import type { NeighParms } from '../core/neighbour-parms.ts';
import {
  NEIGH_VAR_ANYCAST_DELAY,
  NEIGH_VAR_APP_PROBES,
  NEIGH_VAR_BASE_REACHABLE_TIME,
  NEIGH_VAR_DELAY_PROBE_TIME,
  NEIGH_VAR_GC_STALETIME,
  NEIGH_VAR_INTERVAL_PROBE_TIME,
  NEIGH_VAR_LOCKTIME,
  NEIGH_VAR_MCAST_PROBES,
  NEIGH_VAR_MCAST_REPROBES,
  NEIGH_VAR_PROXY_DELAY,
  NEIGH_VAR_PROXY_QLEN,
  NEIGH_VAR_QUEUE_LEN_BYTES,
  NEIGH_VAR_RETRANS_TIME,
  NEIGH_VAR_UCAST_PROBES,
} from '../core/neighbour-parms.ts';
import type { NeighTable } from '../core/neighbour-table.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import { intSysctl, type SysctlEntries } from '../core/sysctl.ts';
import { arpTable } from './arp-table.ts';
import { ACCEPT_REDIRECTS, DEVCONF_NAMES, type Devconf, FORWARDING, MC_FORWARDING } from './devconf.ts';
import { type InDevice, inDevGet } from './in-device.ts';
import { type Ipv4Net, ipv4Of } from './ipv4-net.ts';

function* inDevices(net: NetNamespace): IterableIterator<InDevice> {
  for (const dev of net.devices.values()) {
    const inDev = inDevGet(dev);
    if (inDev !== undefined) yield inDev;
  }
}

/** @kernel net/ipv4/devinet.c inet_forward_change */
export function inetForwardChange(ipv4: Ipv4Net): void {
  const on = ipv4.devconfAll.data[FORWARDING]!;
  ipv4.devconfAll.put(ACCEPT_REDIRECTS, on === 0 ? 1 : 0);
  ipv4.devconfDflt.put(FORWARDING, on);
  for (const inDev of inDevices(ipv4.net)) {
    inDev.cnf.markSet(FORWARDING);
    inDev.cnf.put(FORWARDING, on);
  }
}

/** A setting of `all`, `default` or a device was written. */
function written(ipv4: Ipv4Net, conf: Devconf, index: number, value: number): void {
  const old = conf.data[index];
  conf.put(index, value);
  if (index === FORWARDING) {
    if (value !== old && conf === ipv4.devconfAll) inetForwardChange(ipv4);
  } else {
    conf.markSet(index);
    if (conf === ipv4.devconfDflt) {
      for (const inDev of inDevices(ipv4.net)) if (!inDev.cnf.isSet(index)) inDev.cnf.put(index, value);
    }
  }
  if (value !== old) ipv4.rtCacheFlush();
}

function confEntries(ipv4: Ipv4Net, conf: Devconf): SysctlEntries {
  const entries: SysctlEntries = {};
  for (const [index, name] of DEVCONF_NAMES.entries()) {
    const write = index === MC_FORWARDING ? undefined : (value: number) => written(ipv4, conf, index, value);
    entries[name] = intSysctl(() => conf.data[index]!, write);
  }
  return entries;
}

function confOf(net: NetNamespace, name: string): Devconf | undefined {
  const ipv4 = ipv4Of(net);
  if (name === 'all') return ipv4.devconfAll;
  if (name === 'default') return ipv4.devconfDflt;
  const dev = net.devByName(name);
  return dev === undefined || dev.name !== name ? undefined : inDevGet(dev)?.cnf;
}

function deviceNames(net: NetNamespace): string[] {
  return [...inDevices(net)].map((inDev) => inDev.dev.name);
}

const SECOND = 1e9;

/** Files of a neighbour table's directory: the setting, and nanoseconds (or whatever it counts) per unit. */
const NEIGH_FILES: readonly (readonly [name: string, index: number, unit: number])[] = [
  ['mcast_solicit', NEIGH_VAR_MCAST_PROBES, 1],
  ['ucast_solicit', NEIGH_VAR_UCAST_PROBES, 1],
  ['app_solicit', NEIGH_VAR_APP_PROBES, 1],
  ['mcast_resolicit', NEIGH_VAR_MCAST_REPROBES, 1],
  ['retrans_time', NEIGH_VAR_RETRANS_TIME, SECOND / 100],
  ['base_reachable_time', NEIGH_VAR_BASE_REACHABLE_TIME, SECOND],
  ['delay_first_probe_time', NEIGH_VAR_DELAY_PROBE_TIME, SECOND],
  ['interval_probe_time_ms', NEIGH_VAR_INTERVAL_PROBE_TIME, 1e6],
  ['gc_stale_time', NEIGH_VAR_GC_STALETIME, SECOND],
  ['unres_qlen_bytes', NEIGH_VAR_QUEUE_LEN_BYTES, 1],
  ['proxy_qlen', NEIGH_VAR_PROXY_QLEN, 1],
  ['anycast_delay', NEIGH_VAR_ANYCAST_DELAY, SECOND / 100],
  ['proxy_delay', NEIGH_VAR_PROXY_DELAY, SECOND / 100],
  ['locktime', NEIGH_VAR_LOCKTIME, SECOND / 100],
  ['retrans_time_ms', NEIGH_VAR_RETRANS_TIME, 1e6],
  ['base_reachable_time_ms', NEIGH_VAR_BASE_REACHABLE_TIME, 1e6],
];

/** What a full Ethernet frame counts for: unres_qlen is in such frames. */
const FRAME_TRUESIZE = 2090;

function neighEntries(table: NeighTable<number>, parms: NeighParms): SysctlEntries {
  const entries: SysctlEntries = {};
  const set = (index: number, value: number): void => {
    parms.put(index, value);
    parms.set |= 1 << index;
    if (parms === table.parms) {
      for (const other of table.allParms()) if ((other.set & (1 << index)) === 0) other.put(index, value);
    }
    if (index === NEIGH_VAR_BASE_REACHABLE_TIME) parms.redraw();
  };
  for (const [name, index, unit] of NEIGH_FILES) {
    entries[name] = intSysctl(
      () => Math.floor(parms.data[index]! / unit),
      (value) => set(index, value * unit),
      { min: 0 },
    );
  }
  entries['unres_qlen'] = intSysctl(
    () => Math.floor(parms.queueLenBytes / FRAME_TRUESIZE),
    (value) => set(NEIGH_VAR_QUEUE_LEN_BYTES, value * FRAME_TRUESIZE),
    { min: 0 },
  );
  return entries;
}

/** @kernel net/ipv4/devinet.c devinet_sysctl_register */
export function registerDevinetSysctls(kernel: Kernel): void {
  kernel.sysctl.instances(
    'net/ipv4/conf',
    (net) => ['all', 'default', ...deviceNames(net)],
    (net, name) => {
      const conf = confOf(net, name);
      return conf === undefined ? undefined : confEntries(ipv4Of(net), conf);
    },
  );
  // The defaults of a table belong to the whole machine: only the initial namespace of Linux has them,
  // and a lab never runs there.
  kernel.sysctl.instances('net/ipv4/neigh', deviceNames, (net, name) => {
    const table = arpTable(kernel);
    const dev = net.devByName(name);
    const parms = dev === undefined || dev.name !== name ? undefined : table.parmsOf(dev);
    return parms === undefined ? undefined : neighEntries(table, parms);
  });
}
