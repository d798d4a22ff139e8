import type { Mac } from '../wire/addr.ts';

/**
 * An Ethernet address as net-tools reads it (in_ether() of lib/ether.c): one or two digits each, colons between
 * them optional; what is missing is zero, what is over is ignored.
 */
export function readEther(text: string): Mac | undefined {
  let mac = 0;
  let at = 0;
  for (let i = 0; i < 6; i++) {
    const octet = at < text.length ? /^([0-9a-fA-F])(?:([0-9a-fA-F]):?|::?|$)/.exec(text.slice(at)) : undefined;
    if (octet === null) return undefined;
    if (octet === undefined) {
      mac *= 256;
      continue;
    }
    mac = mac * 256 + Number.parseInt(octet[1]! + (octet[2] ?? ''), 16);
    at += octet[0].length;
  }
  return mac;
}
