/**
 * A network namespace: its devices, its hooks, and a slot for what each protocol keeps per namespace.
 */
import type { NetnsRef } from '../../uapi/netns.ts';
import type { Kernel } from './kernel.ts';
import type { NetDevice } from './netdevice.ts';
import { NfHooks } from './netfilter.ts';
import { Nsids } from './nsids.ts';
import { NO_TAPS, type PacketTap } from './packet-type.ts';

export class NetNamespace implements NetnsRef {
  declare readonly kernel: Kernel;
  declare readonly inode: number;
  /** Order of creation, from 1: the first is the host's. */
  declare readonly number: number;
  /** Holds: processes in it, mounts of it, open sockets. It dies with the last. */
  users = 0;
  dead = false;
  /** Devices by name and by index; the list is in order of registration, as dumps show it. */
  readonly devices = new Map<number, NetDevice>();
  readonly names = new Map<string, NetDevice>();
  /** For patterns of names (`veth%d`): all numbers below are taken. */
  takenNumbers: Map<string, number> | undefined;
  /** Last index given. */
  lastIfindex = 0;
  loopback!: NetDevice;
  readonly nfHooks = new NfHooks();
  /** Taps of packet sockets that listen to all devices. */
  ptypeAll: readonly PacketTap[] = NO_TAPS;
  ptypeSpecific: readonly PacketTap[] = NO_TAPS;
  /** Ids of other namespaces in this one, once one has been given. */
  nsids: Nsids | undefined;
  /** The ids of this one in others, by the other. */
  idsElsewhere: Map<NetNamespace, number> | undefined;
  /** State of protocols, by the number of its {@link PerNet}. */
  readonly generic: unknown[] = [];

  constructor(kernel: Kernel, inode: number, number: number) {
    this.kernel = kernel;
    this.inode = inode;
    this.number = number;
  }

  /** @kernel net/core/dev.c dev_get_by_index */
  devByIndex(ifindex: number): NetDevice | undefined {
    return this.devices.get(ifindex);
  }

  /** @kernel net/core/dev.c __dev_get_by_name */
  devByName(name: string): NetDevice | undefined {
    return this.names.get(name);
  }

  /** A name is free again. */
  forgetName(name: string): void {
    this.names.delete(name);
    this.takenNumbers = undefined;
  }

  /** The lowest id not in use for a namespace that has none yet (alloc_netid); given on demand. */
  peernet2idAlloc(peer: NetNamespace): number {
    const id = peer.idsElsewhere?.get(this);
    if (id !== undefined) return id;
    this.nsids ??= new Nsids(this);
    return this.nsids.allocate(peer);
  }

  /** -1 when `peer` has no id here. */
  peernet2id(peer: NetNamespace): number {
    return peer.idsElsewhere?.get(this) ?? -1;
  }
}

let slots = 0;

/** State that a module keeps for each namespace (register_pernet_subsys), made when first asked for. */
export class PerNet<T> {
  private readonly slot = slots++;
  private readonly make: (net: NetNamespace) => T;

  constructor(make: (net: NetNamespace) => T) {
    this.make = make;
  }

  of(net: NetNamespace): T {
    const state = net.generic[this.slot] as T | undefined;
    if (state !== undefined) return state;
    const made = this.make(net);
    net.generic[this.slot] = made;
    return made;
  }

  /** The state if it was ever asked for. */
  peek(net: NetNamespace): T | undefined {
    return net.generic[this.slot] as T | undefined;
  }
}
