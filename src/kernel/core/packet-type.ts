/**
 * Who gets a received frame: the protocols, one for each EtherType, and the taps of packet sockets.
 * A tap looks, and copies or holds the bytes; it never keeps, changes or ends the frame. A protocol takes the frame
 * over.
 */
import { ETH_P_ALL } from '../../uapi/if.ts';
import type { NetDevice } from './netdevice.ts';
import type { SkBuff } from './skbuff.ts';

/** A protocol's receive function. Takes the frame over; `data` stands behind the link-layer header. */
export type PacketHandler = (skb: SkBuff, dev: NetDevice, origDev: NetDevice) => void;

/** A packet socket's ear. `outgoing`: the frame is being sent, `data` stands at its link-layer header. */
export interface PacketTap {
  /** ETH_P_ALL or one protocol. */
  readonly protocol: number;
  /** The device it is bound to; undefined for all. */
  readonly dev: NetDevice | undefined;
  /** The socket, so that it does not hear what it said itself. */
  readonly sk: object;
  readonly ignoreOutgoing: boolean;
  /** It is not on the machine but looks at it: nothing may change because of it. */
  readonly isObserver?: true;
  receive(skb: SkBuff, dev: NetDevice, outgoing: boolean): void;
}

export const NO_TAPS: readonly PacketTap[] = [];

/** A device or a namespace. */
interface Tapped {
  ptypeAll: readonly PacketTap[];
  ptypeSpecific: readonly PacketTap[];
}

function headOf(tap: PacketTap): keyof Tapped {
  return tap.protocol === ETH_P_ALL ? 'ptypeAll' : 'ptypeSpecific';
}

/** From now on the tap hears. @kernel net/core/dev.c dev_add_pack */
export function devAddPack(owner: Tapped, tap: PacketTap): void {
  const head = headOf(tap);
  owner[head] = owner[head].concat(tap);
}

/** @kernel net/core/dev.c dev_remove_pack */
export function devRemovePack(owner: Tapped, tap: PacketTap): void {
  const head = headOf(tap);
  owner[head] = owner[head].filter((other) => other !== tap);
}
