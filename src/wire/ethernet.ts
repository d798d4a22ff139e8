/** The Ethernet II header: destination 0, source 6, EtherType 12. */
import { ETH_ALEN, type Mac, macAt, putMac, putU16, putU32, u16At, u32At } from './addr.ts';
import { malformed, truncated, VALID, type Validity } from './validity.ts';

export const ETH_HEADER_LENGTH = 14;
/** Offset of the EtherType from the start of the frame. */
export const ETH_TYPE_OFFSET = 2 * ETH_ALEN;
/** EtherTypes begin here; a smaller value is an IEEE 802.3 length. */
export const ETH_P_802_3_MIN = 0x0600;

export function ethDestination(bytes: Uint8Array, at: number): Mac {
  return macAt(bytes, at);
}

export function ethSource(bytes: Uint8Array, at: number): Mac {
  return macAt(bytes, at + ETH_ALEN);
}

export function ethType(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + ETH_TYPE_OFFSET);
}

/** Whether the header at `at` fits before `end`, and a frame with an 802.3 length holds that many octets. */
export function validateEthernet(bytes: Uint8Array, at: number, end: number): Validity {
  if (end - at < ETH_HEADER_LENGTH) return truncated(end);
  const type = ethType(bytes, at);
  if (type > 1500 && type < ETH_P_802_3_MIN) return malformed(at + ETH_TYPE_OFFSET, 'type');
  if (type <= 1500 && end - at - ETH_HEADER_LENGTH < type) return truncated(end);
  return VALID;
}

/** An Ethernet header that is put before many frames (struct hh_cache): as words, which are quicker written than copied. */
export class HhCache {
  private readonly words: readonly [number, number, number];
  private readonly type: number;

  constructor(destination: Mac, source: Mac, type: number) {
    const header = new Uint8Array(ETH_HEADER_LENGTH);
    putEthernetHeader(header, 0, destination, source, type);
    this.words = [u32At(header, 0) | 0, u32At(header, 4) | 0, u32At(header, 8) | 0];
    this.type = type;
  }

  put(bytes: Uint8Array, at: number): void {
    putU32(bytes, at, this.words[0]);
    putU32(bytes, at + 4, this.words[1]);
    putU32(bytes, at + 8, this.words[2]);
    putU16(bytes, at + ETH_TYPE_OFFSET, this.type);
  }
}

/** @kernel net/ethernet/eth.c eth_header */
export function putEthernetHeader(bytes: Uint8Array, at: number, destination: Mac, source: Mac, type: number): void {
  putMac(bytes, at, destination);
  putMac(bytes, at + ETH_ALEN, source);
  putU16(bytes, at + ETH_TYPE_OFFSET, type);
}
