/**
 * One machine's kernel: its clock, its namespaces, and the tables in which drivers and protocols
 * register themselves. It knows none of them; init.ts does.
 */
import { EventQueue } from '../../sim/queue.ts';
import { Random } from '../../sim/random.ts';
import { NetNamespace } from './net-namespace.ts';
import type { NetDevice, RtnlLinkOps } from './netdevice.ts';
import type { NetdevEvent, NetdevNotifier, NotifierInfo } from './notifier.ts';
import type { PacketHandler } from './packet-type.ts';
import { type SkBuff, SkbLedger } from './skbuff.ts';
import { SysctlRegistry } from './sysctl.ts';
import { Trace } from './trace.ts';

/** PROC_INIT inode numbers of nsfs on Linux begin here. */
const FIRST_NETNS_INODE = 4026531840;
const FURTHER_NETNS_INODE = 4026532200;

/** How the kernel is built, where that differs between kernels (CONFIG_*). */
export interface KernelConfig {
  /**
   * CONFIG_BRIDGE_VLAN_FILTERING. Left open: as without it, until somebody asks for VLANs of a bridge, and
   * with it from then on.
   */
  bridgeVlanFiltering?: boolean;
  /** CONFIG_RPS: devices have receive queues. Default: true. */
  rps?: boolean;
  /** Processors: veth has so many queues by default. Default: 2. */
  cpus?: number;
  /** Whether iptables can be had over nf_tables, so that `iptables` is iptables-nft. Default: true. */
  nfTables?: boolean;
}

export interface KernelOptions {
  seed: number;
  config?: KernelConfig;
}

/** A module's part in the life of namespaces (struct pernet_operations). */
export interface PernetOperations {
  name: string;
  init?(net: NetNamespace): void;
  /** Called in reverse order of registration when the namespace goes. */
  exit?(net: NetNamespace): void;
}

export class Kernel {
  readonly queue = new EventQueue();
  readonly trace = new Trace(this.queue);
  readonly skbs = new SkbLedger();
  declare readonly random: Random;
  declare readonly cpus: number;
  declare readonly config: KernelConfig;
  readonly sysctl = new SysctlRegistry();
  readonly namespaces: NetNamespace[] = [];
  readonly linkKinds = new Map<string, RtnlLinkOps>();
  /** The protocols' receive functions, by EtherType. */
  readonly packetHandlers = new Map<number, PacketHandler>();
  readonly notifiers: NetdevNotifier[] = [];
  readonly pernet: PernetOperations[] = [];
  /** Delivery of a frame that carries a VLAN tag: set by 8021q. True: look again, `skb.dev` has changed. */
  vlanDoReceive: ((skb: SkBuff) => boolean) | undefined;
  /** The namespace of a process, set by the system-call layer. */
  namespaceOfPid: ((pid: number) => NetNamespace | undefined) | undefined;
  /** Lines of the kernel's log (dmesg), with their times. */
  readonly log: { time: number; text: string }[] = [];
  /** net.core.netdev_max_backlog. */
  maxBacklog = 1000;
  /** Frames in the CPU's backlog. */
  backlog = 0;
  /** Frames dropped because the backlog was full. */
  backlogDrops = 0;
  /** Depth of nested transmissions. */
  xmitRecursion = 0;
  private lastUid = 0;
  private lastInode = 0;
  private lastNetNumber = 0;

  constructor(options: KernelOptions) {
    this.random = new Random(options.seed);
    this.cpus = options.config?.cpus ?? 2;
    this.config = { ...options.config };
  }

  nextUid(): number {
    return ++this.lastUid;
  }

  /** printk(): a line for dmesg. */
  printk(text: string): void {
    this.log.push({ time: this.queue.now, text });
  }

  /** @kernel net/core/dev.c call_netdevice_notifiers_info */
  notify(event: NetdevEvent, dev: NetDevice, info: NotifierInfo = {}): number {
    for (const notifier of this.notifiers) {
      const errno = notifier.call(event, dev, info);
      if (errno !== 0) return errno;
    }
    return 0;
  }

  registerNotifier(notifier: NetdevNotifier): void {
    let at = this.notifiers.findIndex((other) => other.priority < notifier.priority);
    if (at < 0) at = this.notifiers.length;
    this.notifiers.splice(at, 0, notifier);
  }

  /** @kernel net/core/net_namespace.c copy_net_ns */
  createNamespace(): NetNamespace {
    const first = this.lastNetNumber === 0;
    const inode = first ? FIRST_NETNS_INODE : FURTHER_NETNS_INODE + this.lastInode++ * 63;
    const net = new NetNamespace(this, inode, ++this.lastNetNumber);
    this.namespaces.push(net);
    for (const operations of this.pernet) operations.init?.(net);
    return net;
  }
}
