/** The system-call layer: what the kernel does for processes (uapi/task.ts). */

import type { Ctnetlink } from '../uapi/conntrack.ts';
import { EINVAL, ENODEV, EPROTONOSUPPORT } from '../uapi/errno.ts';
import { IFNAMSIZ } from '../uapi/if.ts';
import type { NetnsRef } from '../uapi/netns.ts';
import { type Ack, isRefusal, type Refusal, refuse } from '../uapi/result.ts';
import type { Rtnetlink } from '../uapi/rtnetlink.ts';
import type { Socket, SocketOrRefusal, SocketType } from '../uapi/socket.ts';
import type { Ioctl, KernelFiles, Machine, Task } from '../uapi/task.ts';
import type { Xtables } from '../uapi/xtables.ts';
import type { Mac } from '../wire/addr.ts';
import { brAddBridge, brAddIf, brDelBridge, brDelIf, brIoctlFdb } from './bridge/br-ioctl.ts';
import { devMcAddGlobal, devMcDelGlobal } from './core/dev-rx-mode.ts';
import type { Kernel } from './core/kernel.ts';
import type { NetNamespace } from './core/net-namespace.ts';
import type { NetDevice } from './core/netdevice.ts';
import { getNet, putNet } from './core/netns-cleanup.ts';
import { namespaceOf } from './core/rtnl-link.ts';
import { inetCreate } from './ipv4/af-inet.ts';
import { arpIoctlDelete, arpIoctlSet } from './ipv4/arp-ioctl.ts';
import { NamespaceFiles } from './kernel-files.ts';
import { CtnetlinkSocket } from './netfilter/nf-conntrack-netlink.ts';
import { XtablesSocket } from './netfilter/xtables-uapi.ts';
import { packetCreate } from './packet/af-packet.ts';
import { RtnetlinkSocket } from './rtnetlink.ts';

/** Date at boot unless a run says otherwise: 2026-01-01 00:00:00 UTC, nanoseconds since the epoch. */
const BOOT_TIME = 1_767_225_600e9;

/** The device of a request about multicast addresses. @kernel net/core/dev_ioctl.c dev_ifsioc */
function multicastDevice(net: NetNamespace, ifname: string): NetDevice | Refusal {
  const dev = net.devByName(ifname);
  if (dev === undefined) return refuse(ENODEV);
  return dev.ops.setRxMode === undefined ? refuse(EINVAL) : dev;
}

class Ioctls implements Ioctl {
  private readonly net: NetNamespace;

  constructor(net: NetNamespace) {
    this.net = net;
  }

  addBridge(name: string): Ack {
    return name.length >= IFNAMSIZ ? refuse(EINVAL) : brAddBridge(this.net, name);
  }
  delBridge(name: string): Ack {
    return brDelBridge(this.net, name);
  }
  addBridgeInterface(bridge: string, ifindex: number): Ack {
    return brAddIf(this.net, bridge, ifindex);
  }
  delBridgeInterface(bridge: string, ifindex: number): Ack {
    return brDelIf(this.net, bridge, ifindex);
  }
  bridgeFdb(bridge: string): ReturnType<Ioctl['bridgeFdb']> {
    return brIoctlFdb(this.net, bridge);
  }
  addMulticast(ifname: string, address: Mac): Ack {
    const dev = multicastDevice(this.net, ifname);
    if (isRefusal(dev)) return dev;
    devMcAddGlobal(dev, address);
    return undefined;
  }
  deleteMulticast(ifname: string, address: Mac): Ack {
    const dev = multicastDevice(this.net, ifname);
    return isRefusal(dev) ? dev : devMcDelGlobal(dev, address);
  }
  setArp(entry: Parameters<Ioctl['setArp']>[0]): Ack {
    return arpIoctlSet(this.net, entry);
  }
  deleteArp(entry: Parameters<Ioctl['deleteArp']>[0]): Ack {
    return arpIoctlDelete(this.net, entry);
  }
  ifIndexToName(ifindex: number): string | undefined {
    return this.net.devByIndex(ifindex)?.name;
  }
  ifNameToIndex(name: string): number {
    return this.net.devByName(name)?.ifindex ?? 0;
  }
}

class KernelTask implements Task {
  readonly pid: number;
  readonly files: KernelFiles;
  private readonly machine: KernelMachine;
  private net: NetNamespace;
  private readonly sockets = new Set<Socket>();
  private exited = false;

  constructor(machine: KernelMachine, pid: number, net: NetNamespace) {
    this.machine = machine;
    this.pid = pid;
    this.net = net;
    this.files = new NamespaceFiles(this);
    getNet(net);
    machine.tasks.set(pid, this);
  }

  get netns(): NetNamespace {
    return this.net;
  }

  get rtnl(): Rtnetlink {
    return new RtnetlinkSocket(this.net);
  }

  get xtables(): Xtables {
    return new XtablesSocket(this.net);
  }

  get ctnetlink(): Ctnetlink {
    return new CtnetlinkSocket(this.net);
  }

  get ioctl(): Ioctl {
    return new Ioctls(this.net);
  }

  socket(type: SocketType, protocol: number): SocketOrRefusal {
    const socket =
      type === 'packet-raw' || type === 'packet-dgram'
        ? packetCreate(this.net, type, protocol)
        : type === 'udp' || type === 'tcp' || type === 'ping' || type === 'raw'
          ? inetCreate(this.net, type, protocol)
          : refuse(EPROTONOSUPPORT);
    if (isRefusal(socket)) return socket;
    this.sockets.add(socket);
    return socket;
  }

  setns(target: NetnsRef): Ack {
    const net = namespaceOf(target);
    if (net === undefined) return refuse(EINVAL);
    this.enter(net);
    return undefined;
  }

  unshareNet(): Ack {
    this.enter(this.machine.kernel.createNamespace());
    return undefined;
  }

  fork(pid: number): Task {
    return new KernelTask(this.machine, pid, this.net);
  }

  exit(): void {
    if (this.exited) return;
    this.exited = true;
    for (const socket of this.sockets) socket.close();
    this.sockets.clear();
    this.machine.tasks.delete(this.pid);
    putNet(this.net);
  }

  private enter(net: NetNamespace): void {
    getNet(net);
    putNet(this.net);
    this.net = net;
  }
}

/** A booted kernel and its processes. */
export class KernelMachine implements Machine {
  readonly kernel: Kernel;
  readonly bootTime: number = BOOT_TIME;
  readonly hostname: string = 'hairpin';
  readonly osRelease: string = '6.18.0';
  readonly tasks: Map<number, KernelTask> = new Map();
  private readonly userRandom: () => number;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    const random = kernel.random.stream('getrandom');
    this.userRandom = () => random.u32();
    kernel.namespaceOfPid = (pid) => this.tasks.get(pid)?.netns;
    kernel.sysctl.table('kernel', () => ({
      hostname: { mode: 0o444, read: () => this.hostname },
      osrelease: { mode: 0o444, read: () => this.osRelease },
      ostype: { mode: 0o444, read: () => 'Linux' },
    }));
  }

  now(): number {
    return this.kernel.queue.now;
  }

  init(pid: number): Task {
    return new KernelTask(this, pid, this.kernel.namespaces[0]!);
  }

  hold(ref: NetnsRef): void {
    const net = namespaceOf(ref);
    if (net !== undefined) getNet(net);
  }

  release(ref: NetnsRef): void {
    const net = namespaceOf(ref);
    if (net !== undefined) putNet(net);
  }

  random(): number {
    return this.userRandom();
  }
}
