/**
 * What the kernel does for one process: its network namespace and the system calls on it. The
 * process layer (files, pipes, jobs) is the shell's; see process.ts for what a program sees.
 */
import type { Ipv4, Mac } from '../wire/addr.ts';
import type { Ctnetlink } from './conntrack.ts';
import type { NetnsRef } from './netns.ts';
import type { Ack, Refusal } from './result.ts';
import type { Rtnetlink } from './rtnetlink.ts';
import type { SocketOrRefusal, SocketType } from './socket.ts';
import type { Xtables } from './xtables.ts';

/** A virtual file system that the kernel fills: /proc/sys/net, /proc/net, /sys/class/net. Paths are absolute. */
export interface KernelFiles {
  /** The text of a file, a refusal (ENOENT, EISDIR, EACCES, EINVAL ...) otherwise. */
  read(path: string): string | Refusal;
  write(path: string, text: string): Ack;
  /** Names in a directory, in readdir order. */
  list(path: string): string[] | Refusal;
  /** `mode` is the permission bits; a link has its target. */
  stat(path: string): FileStat | Refusal;
}

export interface FileStat {
  kind: 'file' | 'directory' | 'link';
  mode: number;
  target?: string;
}

/** ioctls that net-tools, brctl and ping use and rtnetlink does not carry. */
export interface Ioctl {
  /** SIOCBRADDBR, SIOCBRDELBR. */
  addBridge(name: string): Ack;
  delBridge(name: string): Ack;
  /** SIOCBRADDIF, SIOCBRDELIF. */
  addBridgeInterface(bridge: string, ifindex: number): Ack;
  delBridgeInterface(bridge: string, ifindex: number): Ack;
  /** BRCTL_GET_FDB_ENTRIES, in the kernel's order: ageing in hundredths of a second. */
  bridgeFdb(bridge: string): { lladdr: Mac; portNo: number; isLocal: boolean; ageing: number }[] | Refusal;
  /** SIOCADDMULTI, SIOCDELMULTI. */
  addMulticast(ifname: string, address: Mac): Ack;
  deleteMulticast(ifname: string, address: Mac): Ack;
  /** SIOCSARP, SIOCDARP; `ifname` empty lets the routing decide. */
  setArp(entry: { address: Ipv4; lladdr: Mac; ifname: string; permanent: boolean; published: boolean }): Ack;
  deleteArp(entry: { address: Ipv4; ifname: string; published: boolean }): Ack;
  ifIndexToName(ifindex: number): string | undefined;
  ifNameToIndex(name: string): number;
}

/** The kernel's side of one process. */
export interface Task {
  readonly pid: number;
  /** The namespace the process is in. */
  readonly netns: NetnsRef;
  readonly rtnl: Rtnetlink;
  readonly xtables: Xtables;
  readonly ctnetlink: Ctnetlink;
  readonly files: KernelFiles;
  readonly ioctl: Ioctl;
  socket(type: SocketType, protocol: number): SocketOrRefusal;
  /** setns(fd, CLONE_NEWNET). */
  setns(target: NetnsRef): Ack;
  /** unshare(CLONE_NEWNET): a new namespace with a loopback device. */
  unshareNet(): Ack;
  /** fork(): a task of a new process in the same namespace. */
  fork(pid: number): Task;
  /** The process ended: its sockets are closed, its hold on the namespace ends. */
  exit(): void;
}

/** The machine: what the process layer gets to run programs on. */
export interface Machine {
  /** Nanoseconds since boot, virtual (CLOCK_MONOTONIC). */
  now(): number;
  /** Nanoseconds since the epoch at boot, added to `now` for CLOCK_REALTIME. */
  readonly bootTime: number;
  readonly hostname: string;
  /** uname -r. */
  readonly osRelease: string;
  /** The first task, in the initial namespace. */
  init(pid: number): Task;
  /** Keep a namespace alive by a name (a bind mount of its nsfs file), and let go of it. */
  hold(ref: NetnsRef): void;
  release(ref: NetnsRef): void;
  /** Random numbers for user space (getrandom), from the run's seed. */
  random(): number;
}
