/** The kernel's files as a process sees them: /proc/sys, /proc/net, /sys/class/net. */

import { EACCES, EISDIR, ENOENT, ENOTDIR } from '../uapi/errno.ts';
import { type Ack, type Refusal, refuse } from '../uapi/result.ts';
import type { FileStat, KernelFiles } from '../uapi/task.ts';
import { formatMac } from '../wire/addr.ts';
import { procNetVlan } from './8021q/vlanproc.ts';
import { brifNames, brportSysfsFiles, brSysfsFiles } from './bridge/br-sysfs.ts';
import type { NetNamespace } from './core/net-namespace.ts';
import { deviceAttributes, deviceStatistics } from './core/net-sysfs.ts';
import type { NetDevice } from './core/netdevice.ts';
import { sortedDevices } from './core/rtnl-link.ts';
import type { SysctlEntries, SysctlEntry } from './core/sysctl.ts';
import { INET_PROC_FILES } from './ipv4/proc.ts';
import { procNetIgmp6 } from './ipv6/mcast.ts';
import { NETFILTER_PROC_FILES } from './netfilter/proc.ts';
import { procRecent } from './netfilter/xt-recent.ts';

type Node =
  | { kind: 'directory'; names: string[] }
  | { kind: 'file'; entry: SysctlEntry }
  | { kind: 'link'; target: string };

const SYS = '/proc/sys';
const CLASS_NET = '/sys/class/net';
const DEVICES = '/sys/devices/virtual/net';

/** Who looks, and from which namespace: a process may change it. */
interface Viewer {
  readonly netns: NetNamespace;
}

/** The files of the namespace that the viewer is in. */
export class NamespaceFiles implements KernelFiles {
  private readonly viewer: Viewer;

  constructor(viewer: Viewer) {
    this.viewer = viewer;
  }

  private find(path: string): Node | undefined {
    return lookup(this.viewer.netns, path.replace(/\/+$/, '') || '/');
  }

  read(path: string): string | Refusal {
    const node = this.find(path);
    if (node === undefined) return refuse(ENOENT);
    if (node.kind !== 'file') return refuse(EISDIR);
    if (node.entry.unreadable !== undefined) return refuse(node.entry.unreadable);
    if ((node.entry.mode & 0o444) === 0) return refuse(EACCES);
    const text = node.entry.read();
    return text === '' || text.endsWith('\n') ? text : `${text}\n`;
  }

  write(path: string, text: string): Ack {
    const node = this.find(path);
    if (node === undefined) return refuse(path.startsWith(SYS) || path.startsWith('/sys') ? EACCES : ENOENT);
    if (node.kind !== 'file') return refuse(EISDIR);
    return node.entry.write === undefined ? refuse(EACCES) : node.entry.write(text);
  }

  list(path: string): string[] | Refusal {
    const node = this.find(path);
    if (node === undefined) return refuse(ENOENT);
    if (node.kind === 'link') return this.list(joined(path, node.target));
    return node.kind === 'directory' ? node.names : refuse(ENOTDIR);
  }

  stat(path: string): FileStat | Refusal {
    const node = this.find(path);
    if (node === undefined) return refuse(ENOENT);
    if (node.kind === 'link') return { kind: 'link', mode: 0o777, target: node.target };
    return node.kind === 'directory' ? { kind: 'directory', mode: 0o555 } : { kind: 'file', mode: node.entry.mode };
  }
}

function lookup(net: NetNamespace, path: string): Node | undefined {
  if (path === '/proc/self/net') return lookup(net, '/proc/net');
  if (path.startsWith('/proc/self/net/')) return lookup(net, `/proc/net/${path.slice(15)}`);
  if (path === SYS) return { kind: 'directory', names: ['net'] };
  if (path.startsWith(`${SYS}/`)) return sysctlNode(net, path.slice(SYS.length + 1));
  if (path === '/proc/net')
    return { kind: 'directory', names: [...Object.keys(procNet(net)), 'vlan', 'xt_recent'].sort() };
  if (path === '/proc/net/xt_recent') return { kind: 'directory', names: Object.keys(procRecent(net)) };
  if (path.startsWith('/proc/net/xt_recent/')) {
    const entry = procRecent(net)[path.slice(20)];
    return entry === undefined ? undefined : { kind: 'file', entry };
  }
  if (path === '/proc/net/vlan') return { kind: 'directory', names: Object.keys(procNetVlan(net)) };
  if (path.startsWith('/proc/net/vlan/')) return fileNode(procNetVlan(net)[path.slice(15)], 0o600);
  if (path.startsWith('/proc/net/')) return fileNode(procNet(net)[path.slice(10)]);
  if (path === '/sys/class' || path === '/sys/devices/virtual') return { kind: 'directory', names: ['net'] };
  if (path === '/sys/devices') return { kind: 'directory', names: ['virtual'] };
  if (path === CLASS_NET || path === DEVICES) return { kind: 'directory', names: deviceNames(net) };
  if (path.startsWith(`${DEVICES}/`)) return deviceNode(net, path.slice(DEVICES.length + 1));
  if (path.startsWith(`${CLASS_NET}/`)) {
    const rest = path.slice(CLASS_NET.length + 1);
    if (rest.includes('/')) return deviceNode(net, rest);
    return net.devByName(rest) === undefined
      ? undefined
      : { kind: 'link', target: `../../devices/virtual/net/${rest}` };
  }
  return undefined;
}

function deviceNames(net: NetNamespace): string[] {
  return sortedDevices(net)
    .map((dev) => dev.name)
    .sort();
}

function sysctlNode(net: NetNamespace, path: string): Node | undefined {
  const entry = net.kernel.sysctl.get(net, path);
  if (entry !== undefined) return { kind: 'file', entry };
  const names = net.kernel.sysctl.list(net, path);
  return names === undefined ? undefined : { kind: 'directory', names };
}

function fileNode(read: (() => string) | undefined, mode = 0o444): Node | undefined {
  return read === undefined ? undefined : { kind: 'file', entry: { mode, read } };
}

function deviceNode(net: NetNamespace, path: string): Node | undefined {
  const [name = '', directory, ...rest] = path.split('/');
  const dev = net.devByName(name);
  if (dev === undefined || dev.name !== name) return undefined;
  const attributes = deviceAttributes(dev);
  const directories = deviceDirectories(dev);
  if (directory === undefined) {
    return {
      kind: 'directory',
      names: [...Object.keys(attributes), ...Object.keys(directories), ...links(dev)].sort(),
    };
  }
  const entries = directories[directory];
  if (entries === undefined) {
    if (rest.length > 0) return undefined;
    const entry = attributes[directory];
    if (entry !== undefined) return { kind: 'file', entry };
    return linkNode(dev, directory);
  }
  if (rest.length === 0) {
    const names = Object.keys(entries);
    return { kind: 'directory', names: (directory === 'brport' ? [...names, 'bridge'] : names).sort() };
  }
  if (rest.length === 1 && directory === 'brif' && entries[rest[0]!] !== undefined)
    return { kind: 'link', target: `../../${rest[0]}/brport` };
  if (rest.length === 1 && directory === 'brport' && rest[0] === 'bridge')
    return { kind: 'link', target: `../../${dev.master!.name}` };
  const entry = rest.length === 1 ? entries[rest[0]!] : undefined;
  return entry === undefined ? undefined : { kind: 'file', entry };
}

/** Directories of a device, with their files. */
function deviceDirectories(dev: NetDevice): Record<string, SysctlEntries> {
  const directories: Record<string, SysctlEntries> = { statistics: deviceStatistics(dev) };
  const bridge = brSysfsFiles(dev);
  if (bridge !== undefined) {
    directories.bridge = bridge;
    directories.brif = Object.fromEntries(
      brifNames(dev).map((name) => [name, { mode: 0o444, read: () => '', unreadable: EISDIR }]),
    );
  }
  const port = brportSysfsFiles(dev);
  if (port !== undefined) directories.brport = port;
  return directories;
}

/** Symbolic links to the devices above and below. */
function links(dev: NetDevice): string[] {
  return [
    'subsystem',
    ...dev.lower.filter((lower) => lower.net === dev.net).map((lower) => `lower_${lower.name}`),
    ...dev.upper.filter((upper) => upper.net === dev.net).map((upper) => `upper_${upper.name}`),
    ...(dev.master === undefined ? [] : ['master']),
  ];
}

function linkNode(dev: NetDevice, name: string): Node | undefined {
  if (!links(dev).includes(name)) return undefined;
  if (name === 'subsystem') return { kind: 'link', target: '../../../../class/net' };
  const target = name === 'master' ? dev.master!.name : name.slice(6);
  return { kind: 'link', target: `../${target}` };
}

/** Where a link's target leads, from the folder in which the link lies. */
function joined(link: string, target: string): string {
  const parts = link.replace(/\/+$/, '').split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

function procNet(net: NetNamespace): Record<string, () => string> {
  const files: Record<string, () => string> = {
    dev: () => procNetDev(net),
    dev_mcast: () => procNetDevMcast(net),
    igmp6: () => procNetIgmp6(net),
  };
  for (const [name, read] of Object.entries({ ...INET_PROC_FILES, ...NETFILTER_PROC_FILES }))
    files[name] = () => read(net);
  return files;
}

/** @kernel net/core/net-procfs.c dev_mc_seq_show */
function procNetDevMcast(net: NetNamespace): string {
  let text = '';
  for (const dev of sortedDevices(net)) {
    for (const { address, refcount, global } of dev.mc) {
      const mac = formatMac(address).replaceAll(':', '');
      const counts = `${String(refcount).padEnd(5)} ${String(Number(global)).padEnd(5)}`;
      text += `${String(dev.ifindex).padEnd(4)} ${dev.name.padEnd(15)} ${counts} ${mac}\n`;
    }
  }
  return text;
}

/** @kernel net/core/net-procfs.c dev_seq_show */
function procNetDev(net: NetNamespace): string {
  const lines = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
  ];
  for (const dev of sortedDevices(net)) {
    const s = dev.ops.getStats?.(dev) ?? dev.stats;
    const rx = [s.rxBytes, s.rxPackets, s.rxErrors, s.rxDropped, 0, 0, 0, s.multicast];
    const tx = [s.txBytes, s.txPackets, s.txErrors, s.txDropped, 0, s.collisions, s.txCarrierErrors, 0];
    const widths = [7, 7, 4, 4, 4, 5, 10, 9, 8, 7, 4, 4, 4, 5, 7, 10];
    const columns = [...rx, ...tx].map((value, i) => String(value).padStart(widths[i]!));
    lines.push(`${dev.name.padStart(6)}: ${columns.join(' ')}`);
  }
  return `${lines.join('\n')}\n`;
}
