/**
 * Hardware addresses that no lab has set are random, and so is what follows from them: IPv6 addresses
 * made of them, and the groups that these join. Before two machines are compared, such an address is
 * named after the device that has it.
 */
import { FIXED_MAC } from './mask.ts';
import { type NamespaceTables, placeOf } from './observation.ts';

/** Bytes that stand for a device, as hexadecimal digits, and its name. */
export interface RandomAddress {
  hex: string;
  label: string;
}

/** A device's name for an address that is not known at the end of a lab: the device is gone by then. */
const GONE = 'gone';
const MAC = /\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g;
const IPV6 = /\b(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}\b/g;

export class RandomAddresses {
  /** Longest first. */
  readonly all: readonly RandomAddress[];
  readonly #macs = new Map<string, string>();

  /** `machine` are the tables of the same machine that the addresses come from. */
  constructor(machine: readonly NamespaceTables[]) {
    for (const { namespace, tables } of machine) {
      for (const { ifname, address } of tables['ip link']) {
        if (typeof address !== 'string' || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(address)) continue;
        if (FIXED_MAC.test(address) || this.#macs.has(address)) continue;
        this.#macs.set(address, placeOf({ ...(namespace === undefined ? {} : { namespace }), device: String(ifname) }));
      }
    }
    this.all = [...this.#macs].flatMap(([mac, label]) => {
      const hex = mac.replaceAll(':', '');
      return [
        { hex: interfaceIdentifier(hex), label: `<EUI-64 of ${label}>` },
        { hex, label: `<${label}>` },
        { hex: `3333ff${hex.slice(6)}`, label: `<group of ${label}>` },
        { hex: `000000000001ff${hex.slice(6)}`, label: `000000000001<group of ${label}>` },
      ];
    });
  }

  /** Text with the names of devices in place of their addresses. */
  inText(text: string): string {
    return text
      .replace(MAC, (mac) => {
        if (mac.startsWith('33:33:ff:')) {
          const owner = [...this.#macs].find(([own]) => own.endsWith(mac.slice(9)));
          return owner === undefined ? mac : `<group of ${owner[1]}>`;
        }
        if (FIXED_MAC.test(mac)) return mac;
        return `<${this.#macs.get(mac) ?? GONE}>`;
      })
      .replace(IPV6, (address) => {
        for (const [mac, label] of this.#macs) {
          const words = interfaceIdentifier(mac.replaceAll(':', '')).match(/.{4}/g)!;
          const tail = words.map((word) => Number.parseInt(word, 16).toString(16)).join(':');
          if (address.endsWith(`:${tail}`)) return `${address.slice(0, -tail.length)}<EUI-64 of ${label}>`;
        }
        return address;
      });
  }
}

/** The modified EUI-64 of a hardware address (RFC 4291, appendix A), in hexadecimal digits. */
function interfaceIdentifier(hex: string): string {
  const first = (Number.parseInt(hex.slice(0, 2), 16) ^ 2).toString(16).padStart(2, '0');
  return `${first}${hex.slice(2, 6)}fffe${hex.slice(6)}`;
}
