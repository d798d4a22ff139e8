import type { Mac } from '../../wire/addr.ts';
import type { Args } from './args.ts';
import { readAddr } from './inet-prefix.ts';

/**
 * ll_addr_a2n(): the octets of a link-layer address, up to `max`; undefined after the complaint. Groups
 * are read as sscanf("%x") does, so what follows the digits of a group is not looked at; with a dot in it
 * the word is an IPv4 address.
 */
export function llAddrA2n(args: Args, word: string, max = 32): number[] | undefined {
  if (word.includes('.')) {
    const address = readAddr(word, 2);
    if (!address) {
      args.complain(`"${word}" is invalid lladdr.`);
      return undefined;
    }
    return [24, 16, 8, 0].map((shift) => (address.address >>> shift) & 255);
  }
  const octets: number[] = [];
  for (const group of word.split(':')) {
    const digits = /^\s*(?:0[xX](?=[0-9a-fA-F]))?([0-9a-fA-F]+)/.exec(group);
    const value = digits ? Number.parseInt(digits[1]!, 16) : -1;
    if (value < 0 || value > 255) {
      args.complain(`"${group}" is invalid lladdr.`);
      return undefined;
    }
    octets.push(value);
    if (octets.length === max) break;
  }
  return octets;
}

/** Six octets as an address; undefined for any other number of them. */
export function macOf(octets: readonly number[]): Mac | undefined {
  return octets.length === 6 ? octets.reduce((mac, octet) => mac * 256 + octet, 0) : undefined;
}
