/**
 * Hardware addresses that no lab has set are random, and so is what follows from them: IPv6 addresses
 * made of them, and the groups that these join. Before two machines are compared, such an address is
 * named after the device that has it.
 */
import { FIXED_MAC } from './mask.ts';
import { type MachineTables, type NamespaceTables, placeOf } from './observation.ts';

/** Bytes that stand for a device, as hexadecimal digits, and its name. */
export interface RandomAddress {
  hex: string;
  label: string;
}

/** A device's name for an address that is not known at the end of a lab: the device is gone by then. */
const GONE = 'gone';
const MAC = /\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g;
const IPV6 = /\b(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}\b/g;

interface Device {
  namespace?: string;
  device: string;
  mac: string;
  isBridge: boolean;
  isPort: boolean;
}

export class RandomAddresses {
  readonly all: readonly RandomAddress[];
  readonly #macs = new Map<string, string>();
  /** Bridges and their ports with their addresses: which port lends its own to the bridge is a matter of chance. */
  readonly #bridged = new Map<string, string>();

  /** `machine` are the tables of the same machine that the addresses come from. */
  constructor(machine: MachineTables) {
    const devices = machine.namespaces.flatMap(devicesOf);
    for (const one of [...devices].sort((a, b) => Number(b.isBridge) - Number(a.isBridge))) {
      const { mac } = one;
      if (!this.#macs.has(mac)) this.#macs.set(mac, placeOf(one));
      if (one.isBridge || one.isPort) this.#bridged.set(placeOf(one), mac);
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

  /** Text with the names of devices in place of their addresses; `about` is the device that it tells about. */
  inText(text: string, about?: { namespace?: string; device: string }): string {
    const mac = about === undefined ? undefined : this.#bridged.get(placeOf(about));
    return (mac === undefined ? text : text.replaceAll(mac, '<own>'))
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

/** Devices with an address that no lab has set. */
function devicesOf({ namespace, tables }: NamespaceTables): Device[] {
  const links = tables['ip link'];
  const masters = new Set(links.map(({ master }) => master));
  return links.flatMap(({ ifname, address, master }) => {
    const mac = String(address);
    if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) || FIXED_MAC.test(mac)) return [];
    const device = String(ifname);
    const where = namespace === undefined ? {} : { namespace };
    return [{ ...where, device, mac, isBridge: masters.has(ifname), isPort: master !== undefined }];
  });
}

/** The modified EUI-64 of a hardware address (RFC 4291, appendix A), in hexadecimal digits. */
function interfaceIdentifier(hex: string): string {
  const first = (Number.parseInt(hex.slice(0, 2), 16) ^ 2).toString(16).padStart(2, '0');
  return `${first}${hex.slice(2, 6)}fffe${hex.slice(6)}`;
}
