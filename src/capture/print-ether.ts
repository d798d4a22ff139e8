/** Ethernet: addresses, VLAN tags, and what the type or length leads to. */
import { type Dissection, hex4 } from './dissection.ts';
import { arpPrint } from './print-arp.ts';
import { llcPrint } from './print-llc.ts';
import { ETHERTYPES, named } from './tokens.ts';

const MAX_LENGTH = 1500;
const JUMBO = 0x8870;

/** `vlan 11, p 0`: the fields of a tag. */
export function tagText(tci: number): string {
  return `vlan ${tci & 0x0fff}, p ${tci >>> 13}${(tci & 0x1000) !== 0 ? ', DEI' : ''}`;
}

export function isVlanType(type: number): boolean {
  return type === 0x8100 || type === 0x9100 || type === 0x9200 || type === 0x88a8;
}

function addressesPrint(d: Dissection, source: number, destination: number): void {
  d.print(`${d.mac(source)} > ${d.mac(destination)}, `);
}

function typePrint(d: Dissection, type: number): void {
  if (d.options.q === 0) d.print(`ethertype ${named(ETHERTYPES, type, 'Unknown')} (0x${hex4(type)})`);
  else d.print(named(ETHERTYPES, type, `Unknown Ethertype (0x${hex4(type)})`));
}

/** Data that no printer knows, unless -q, -x or -X stands in for it. */
export function defaultPrint(d: Dissection, at: number, length: number): void {
  const { q, x, X } = d.options;
  if (q === 0 && x === 0 && X === 0) d.printDefault(at, length);
}

/**
 * A frame of `length` octets of which `captured` are there. Returns the length of its link-layer
 * header.
 */
export function etherPrint(d: Dissection, start: number, length: number, captured: number): number {
  d.protocol = 'ether';
  if (length < captured) {
    d.print(`[length ${length} < caplen ${captured}]`);
    d.printInvalid();
    return length;
  }
  if (captured < 14) {
    d.printTruncated();
    return captured;
  }
  const { e } = d.options;
  const source = start + 6;
  const destination = start;
  if (e > 0) addressesPrint(d, source, destination);
  let type = d.u16(start + 12);
  let at = start + 14;
  let left = length - 14;
  let leftCaptured = captured - 14;
  let printedLength = false;
  while (isVlanType(type)) {
    if (leftCaptured < 4 || left < 4) {
      d.protocol = 'vlan';
      d.printTruncated();
      return at - start + Math.min(leftCaptured, left);
    }
    if (e > 0) {
      typePrint(d, type);
      d.print(printedLength ? ', ' : `, length ${length}: `);
      printedLength = true;
      d.print(`${tagText(d.u16(at))}, `);
    }
    type = d.u16(at + 2);
    at += 4;
    left -= 4;
    leftCaptured -= 4;
  }
  const headerLength = at - start;
  const addresses = { source, destination };
  if (type <= MAX_LENGTH) {
    if (type < left) {
      left = type;
      leftCaptured = Math.min(leftCaptured, left);
    }
    let llcLength = 0;
    d.within(at, left, () => {
      if (e > 0) {
        d.print('802.3');
        if (!printedLength) d.print(`, length ${left}: `);
      }
      llcLength = llcPrint(d, at, left, leftCaptured, addresses, ethertypePrint);
      if (llcLength < 0) {
        defaultPrint(d, at, leftCaptured);
        llcLength = -llcLength;
      }
    });
    return headerLength + llcLength;
  }
  if (type === JUMBO) {
    const llcLength = llcPrint(d, at, left, leftCaptured, addresses, ethertypePrint);
    if (llcLength < 0) defaultPrint(d, at, leftCaptured);
    return headerLength + Math.abs(llcLength);
  }
  if (e > 0) {
    typePrint(d, type);
    d.print(printedLength ? ', ' : `, length ${length}: `);
  }
  if (!ethertypePrint(d, type, at, left, leftCaptured)) {
    if (e === 0) {
      addressesPrint(d, source, destination);
      typePrint(d, type);
      d.print(`, length ${length}: `);
    }
    defaultPrint(d, at, leftCaptured);
  }
  return headerLength;
}

/** Print what an EtherType stands for; false when no printer knows it. */
export function ethertypePrint(d: Dissection, type: number, at: number, length: number, captured: number): boolean {
  switch (type) {
    case 0x0800:
      d.inner.ip(d, at, length);
      return true;
    case 0x86dd:
      d.inner.ip6(d, at, length);
      return true;
    case 0x0806:
    case 0x8035:
      arpPrint(d, at, length, captured);
      return true;
    default:
      return false;
  }
}
