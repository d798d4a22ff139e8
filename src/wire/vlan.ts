/**
 * The IEEE 802.1Q tag. In a frame it stands after the two addresses: TPID (the EtherType 0x8100 or
 * 0x88a8), then TCI = priority (3 bits), drop eligible (1), VLAN id (12).
 */
import { ETH_ALEN, putU16, u16At } from './addr.ts';
import { ETH_HEADER_LENGTH, ETH_TYPE_OFFSET } from './ethernet.ts';
import { truncated, VALID, type Validity } from './validity.ts';

export const VLAN_TAG_LENGTH = 4;
export const VLAN_VID_MASK = 0x0fff;
export const VLAN_PRIO_SHIFT = 13;
export const VLAN_PRIO_MASK = 0xe000;
export const VLAN_CFI_MASK = 0x1000;

export function vlanId(tci: number): number {
  return tci & VLAN_VID_MASK;
}

export function vlanPriority(tci: number): number {
  return (tci & VLAN_PRIO_MASK) >>> VLAN_PRIO_SHIFT;
}

export function vlanDropEligible(tci: number): boolean {
  return (tci & VLAN_CFI_MASK) !== 0;
}

/** The TCI of the tagged frame at `at`. */
export function vlanTci(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + ETH_HEADER_LENGTH);
}

/** The EtherType behind the tag of the frame at `at`. */
export function vlanEncapsulatedType(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + ETH_HEADER_LENGTH + 2);
}

/** Whether the tagged frame at `at` holds its whole tag. */
export function validateVlan(_bytes: Uint8Array, at: number, end: number): Validity {
  return end - at < ETH_HEADER_LENGTH + VLAN_TAG_LENGTH ? truncated(end) : VALID;
}

/**
 * Put a tag into a frame: the addresses at `at` move down by four octets, which must be free.
 * Returns the new start of the frame.
 * @kernel include/linux/if_vlan.h __vlan_insert_tag
 */
export function insertVlanTag(bytes: Uint8Array, at: number, tpid: number, tci: number): number {
  const start = at - VLAN_TAG_LENGTH;
  bytes.copyWithin(start, at, at + 2 * ETH_ALEN);
  putU16(bytes, start + ETH_TYPE_OFFSET, tpid);
  putU16(bytes, start + ETH_HEADER_LENGTH, tci);
  return start;
}

/**
 * Take the tag out of the frame at `at`: the addresses move up. Returns the new start of the frame.
 * @kernel include/linux/if_vlan.h vlan_remove_tag
 */
export function removeVlanTag(bytes: Uint8Array, at: number): number {
  bytes.copyWithin(at + VLAN_TAG_LENGTH, at, at + 2 * ETH_ALEN);
  return at + VLAN_TAG_LENGTH;
}
