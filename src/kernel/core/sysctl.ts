/** The sysctl tree: /proc/sys, as each namespace sees it. */
import { EINVAL, ERANGE } from '../../uapi/errno.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { NetNamespace } from './net-namespace.ts';

/** One file: its text without the newline, and what a write does. */
export interface SysctlEntry {
  mode: number;
  read(): string;
  /** Reading is refused with this error number now. */
  unreadable?: number;
  /** Absent: read-only. */
  write?(text: string): Ack;
}

export type SysctlEntries = Record<string, SysctlEntry>;

interface Instances {
  names(net: NetNamespace): readonly string[];
  build(net: NetNamespace, name: string): SysctlEntries | undefined;
}

/**
 * What files there are, for all namespaces: entries are made when they are asked for, so that a
 * namespace costs nothing until somebody looks.
 */
export class SysctlRegistry {
  private readonly tables = new Map<string, ((net: NetNamespace) => SysctlEntries)[]>();
  private readonly instanced = new Map<string, Instances>();

  /** Files in one directory, such as `net/ipv4`; several modules may add to it. */
  table(path: string, build: (net: NetNamespace) => SysctlEntries): void {
    const builders = this.tables.get(path);
    if (builders === undefined) this.tables.set(path, [build]);
    else builders.push(build);
  }

  /** Directories that come and go, such as `net/ipv4/conf/<interface>`. */
  instances(path: string, names: Instances['names'], build: Instances['build']): void {
    this.instanced.set(path, { names, build });
  }

  /** The file at `path` below /proc/sys. */
  get(net: NetNamespace, path: string): SysctlEntry | undefined {
    const cut = path.lastIndexOf('/');
    const directory = path.slice(0, cut);
    const file = path.slice(cut + 1);
    for (const build of this.tables.get(directory) ?? []) {
      const entry = build(net)[file];
      if (entry !== undefined) return entry;
    }
    const up = directory.lastIndexOf('/');
    const name = directory.slice(up + 1);
    const instances = this.instanced.get(directory.slice(0, up));
    return instances?.build(net, name)?.[file];
  }

  /** Sorted names in a directory ('' is the root); undefined when there is no such directory. */
  list(net: NetNamespace, path: string): string[] | undefined {
    const names = new Set<string>();
    const prefix = path === '' ? '' : `${path}/`;
    for (const key of [...this.tables.keys(), ...this.instanced.keys()]) {
      if (key.startsWith(prefix)) names.add(key.slice(prefix.length).split('/', 1)[0]!);
    }
    for (const build of this.tables.get(path) ?? []) for (const name of Object.keys(build(net))) names.add(name);
    for (const name of this.instanced.get(path)?.names(net) ?? []) names.add(name);
    const up = path.lastIndexOf('/');
    const entries = this.instanced.get(path.slice(0, up))?.build(net, path.slice(up + 1));
    for (const name of Object.keys(entries ?? {})) names.add(name);
    return names.size > 0 ? [...names].sort() : undefined;
  }
}

/**
 * A sysctl that is a whole number held by `get` and `set`.
 * @kernel kernel/sysctl.c proc_dointvec_minmax
 */
export function intSysctl(
  get: () => number,
  set: ((value: number) => Ack | void) | undefined,
  range: { min?: number; max?: number } = {},
): SysctlEntry {
  const entry: SysctlEntry = { mode: set === undefined ? 0o444 : 0o644, read: () => String(get()) };
  if (set !== undefined) {
    entry.write = (text) => {
      const word = text.trim().split(/\s+/, 1)[0] ?? '';
      if (!/^[-+]?(0x[0-9a-f]+|\d+)$/i.test(word)) return refuse(EINVAL);
      const value = Number.parseInt(word, /0x/i.test(word) ? 16 : word.length > 1 && word.startsWith('0') ? 8 : 10);
      if (value > 0x7fff_ffff || value < -0x8000_0000) return refuse(range.max === undefined ? EINVAL : ERANGE);
      if (value < (range.min ?? -0x8000_0000) || value > (range.max ?? 0x7fff_ffff)) return refuse(EINVAL);
      return set(value) ?? undefined;
    };
  }
  return entry;
}

/**
 * Whether a device may have this name: settings of all devices and for new ones are kept under these two.
 * @kernel include/net/ip.h sysctl_dev_name_is_allowed
 */
export function sysctlDevNameIsAllowed(name: string): boolean {
  return name !== 'all' && name !== 'default';
}
