/** Promiscuity, allmulti, and the address lists of a device, with their hand-down to lower devices. */

import { EEXIST, ENOENT, EOVERFLOW } from '../../uapi/errno.ts';
import { IFF_ALLMULTI, IFF_PROMISC, IFF_UP } from '../../uapi/if.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { Mac } from '../../wire/addr.ts';
import { IFF_UNICAST_FLT, type NetDevice } from './netdevice.ts';

/**
 * Change a count and the flag that says that it is not 0. The count is unsigned: what is taken from 0 leaves the
 * flag set, and cannot be given back.
 */
function changeCount(dev: NetDevice, which: 'promiscuity' | 'allmulti', flag: number, inc: number): Ack {
  const count = (dev[which] + inc) >>> 0;
  dev.flags |= flag;
  if (count === 0) {
    if (inc > 0) return refuse(EOVERFLOW);
    dev.flags &= ~flag;
  }
  dev[which] = count;
  return undefined;
}

/** @kernel net/core/dev.c __dev_set_promiscuity */
function changePromiscuity(dev: NetDevice, inc: number): Ack {
  const old = dev.flags;
  const refused = changeCount(dev, 'promiscuity', IFF_PROMISC, inc);
  if (refused === undefined && dev.flags !== old) {
    dev.net.kernel.printk(`${dev.name}: ${(dev.flags & IFF_PROMISC) !== 0 ? 'entered' : 'left'} promiscuous mode`);
    dev.ops.changeRxFlags?.(dev, IFF_PROMISC);
  }
  return refused;
}

/**
 * Add to or take from the count of those who want all frames.
 * @kernel net/core/dev.c dev_set_promiscuity
 */
export function devSetPromiscuity(dev: NetDevice, inc: number): Ack {
  const old = dev.flags;
  const refused = changePromiscuity(dev, inc);
  if (refused === undefined && dev.flags !== old) devSetRxMode(dev);
  return refused;
}

/** @kernel net/core/dev.c dev_set_allmulti */
export function devSetAllmulti(dev: NetDevice, inc: number): Ack {
  const old = dev.flags;
  const refused = changeCount(dev, 'allmulti', IFF_ALLMULTI, inc);
  if (refused === undefined && dev.flags !== old) {
    dev.ops.changeRxFlags?.(dev, IFF_ALLMULTI);
    devSetRxMode(dev);
  }
  return refused;
}

/**
 * Tell the driver of changed lists; a device without a unicast filter becomes promiscuous instead.
 * @kernel net/core/dev.c __dev_set_rx_mode
 */
export function devSetRxMode(dev: NetDevice): void {
  if ((dev.flags & IFF_UP) === 0) return;
  if ((dev.privFlags & IFF_UNICAST_FLT) === 0) {
    if (dev.uc.count > 0 && !dev.ucPromisc) {
      changePromiscuity(dev, 1);
      dev.ucPromisc = true;
    } else if (dev.uc.count === 0 && dev.ucPromisc) {
      changePromiscuity(dev, -1);
      dev.ucPromisc = false;
    }
  }
  dev.ops.setRxMode?.(dev);
}

/** @kernel net/core/dev_addr_lists.c dev_uc_add */
export function devUcAdd(dev: NetDevice, address: Mac): void {
  dev.uc.add(address);
  devSetRxMode(dev);
}

/** @kernel net/core/dev_addr_lists.c dev_uc_add_excl */
export function devUcAddExcl(dev: NetDevice, address: Mac): Ack {
  if (dev.uc.has(address)) return refuse(EEXIST);
  dev.uc.add(address);
  dev.uc.get(address)!.global = true;
  devSetRxMode(dev);
  return undefined;
}

/** @kernel net/core/dev_addr_lists.c dev_uc_del */
export function devUcDel(dev: NetDevice, address: Mac): Ack {
  if (dev.uc.del(address) === undefined) return refuse(ENOENT);
  devSetRxMode(dev);
  return undefined;
}

/** @kernel net/core/dev_addr_lists.c dev_mc_add */
export function devMcAdd(dev: NetDevice, address: Mac): void {
  dev.mc.add(address);
  devSetRxMode(dev);
}

/** @kernel net/core/dev_addr_lists.c dev_mc_add_excl */
export function devMcAddExcl(dev: NetDevice, address: Mac): Ack {
  if (dev.mc.has(address)) return refuse(EEXIST);
  dev.mc.add(address);
  dev.mc.get(address)!.global = true;
  devSetRxMode(dev);
  return undefined;
}

/** An address that user space asks for; once more is no mistake. @kernel net/core/dev_addr_lists.c dev_mc_add_global */
export function devMcAddGlobal(dev: NetDevice, address: Mac): void {
  if (dev.mc.get(address)?.global === true) return;
  dev.mc.add(address);
  dev.mc.get(address)!.global = true;
  devSetRxMode(dev);
}

/** @kernel net/core/dev_addr_lists.c dev_mc_del_global */
export function devMcDelGlobal(dev: NetDevice, address: Mac): Ack {
  const entry = dev.mc.get(address);
  if (entry?.global !== true) return refuse(ENOENT);
  entry.global = false;
  dev.mc.del(address);
  devSetRxMode(dev);
  return undefined;
}

/** @kernel net/core/dev_addr_lists.c dev_mc_del */
export function devMcDel(dev: NetDevice, address: Mac): Ack {
  if (dev.mc.del(address) === undefined) return refuse(ENOENT);
  devSetRxMode(dev);
  return undefined;
}

/** @kernel net/core/dev_addr_lists.c dev_uc_sync */
export function devUcSync(to: NetDevice, from: NetDevice): void {
  to.uc.sync(from.uc);
  devSetRxMode(to);
}

/** @kernel net/core/dev_addr_lists.c dev_mc_sync */
export function devMcSync(to: NetDevice, from: NetDevice): void {
  to.mc.sync(from.mc);
  devSetRxMode(to);
}

/** @kernel net/core/dev_addr_lists.c dev_uc_unsync */
export function devUcUnsync(to: NetDevice, from: NetDevice): void {
  to.uc.unsync(from.uc);
  devSetRxMode(to);
}

/** @kernel net/core/dev_addr_lists.c dev_mc_unsync */
export function devMcUnsync(to: NetDevice, from: NetDevice): void {
  to.mc.unsync(from.mc);
  devSetRxMode(to);
}
