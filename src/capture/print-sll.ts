/** Linux cooked captures, version 1 and 2: what `-i any` sees instead of an Ethernet header. */
import { type Dissection, hex4 } from './dissection.ts';
import { defaultPrint, ethertypePrint, tagText } from './print-ether.ts';
import { ipxPrint } from './print-ipx.ts';
import { llcPrint } from './print-llc.ts';
import { ETHERTYPES, type Names, named } from './tokens.ts';

const SLL_HEADER = 16;
const SLL2_HEADER = 20;
const P_802_3 = 1;
const P_802_2 = 4;
const MAX_LENGTH = 1500;

const PACKET_TYPES: Names = new Map([
  [0, 'In'],
  [1, 'B'],
  [2, 'M'],
  [3, 'P'],
  [4, 'Out'],
]);

/** Address and protocol, the same in both versions. */
function headerPrint(d: Dissection, addressLength: number, address: number, protocol: number, length: number): void {
  if (addressLength === 6) d.print(`${d.mac(address)} `);
  if (d.options.q > 0) return;
  if (protocol > MAX_LENGTH) d.print(`ethertype ${named(ETHERTYPES, protocol, 'Unknown')} (0x${hex4(protocol)})`);
  else if (protocol === P_802_3) d.print('802.3');
  else if (protocol === P_802_2) d.print('802.2');
  else d.print(`ethertype Unknown (0x${hex4(protocol)})`);
  d.print(`, length ${length}: `);
}

/** Version 1: type 0, hardware type 2, address length 4, address 6, protocol 14. */
export function sllPrint(d: Dissection, length: number, captured: number): void {
  d.protocol = 'sll';
  d.need(0, SLL_HEADER);
  const protocol = d.u16(14);
  const header = (whole: number) => {
    d.protocol = 'sll';
    d.print(`${named(PACKET_TYPES, d.u16(0), '?').padStart(3)} `);
    headerPrint(d, d.u16(4), 6, protocol, whole);
  };
  if (d.options.e > 0) header(length);
  payloadPrint(d, SLL_HEADER, length - SLL_HEADER, captured - SLL_HEADER, protocol, header);
}

/** Version 2: protocol 0, interface 4, hardware type 8, type 10, address length 11, address 12. */
export function sll2Print(d: Dissection, length: number, captured: number): void {
  d.protocol = 'sll2';
  d.need(0, SLL2_HEADER);
  const protocol = d.u16(0);
  const ifindex = d.u32(4);
  d.print(`${(d.context.interfaceName(ifindex) ?? '?').padEnd(5)} `);
  d.print(`${named(PACKET_TYPES, d.u8(10), '?').padEnd(3)} `);
  const header = (whole: number) => {
    d.protocol = 'sll2';
    d.print(`ifindex ${ifindex} `);
    headerPrint(d, d.u8(11), 12, protocol, whole);
  };
  if (d.options.e > 0) header(length);
  payloadPrint(d, SLL2_HEADER, length - SLL2_HEADER, captured - SLL2_HEADER, protocol, header);
}

function payloadPrint(
  d: Dissection,
  headerLength: number,
  wholeLength: number,
  wholeCaptured: number,
  firstType: number,
  header: (length: number) => void,
): void {
  let at = headerLength;
  let length = wholeLength;
  let captured = wholeCaptured;
  let type = firstType;
  while (type === 0x8100) {
    if (captured < 4) {
      d.protocol = 'vlan';
      d.printTruncated();
      d.linkHeaderLength += at + captured;
      return;
    }
    if (d.options.e > 0) d.print(`${tagText(d.u16(at))}, `);
    type = d.u16(at + 2);
    if (type <= MAX_LENGTH) type = P_802_2;
    if (d.options.q === 0) d.print(`ethertype ${named(ETHERTYPES, type, 'Unknown')}, `);
    at += 4;
    length -= 4;
    captured -= 4;
  }
  if (type > MAX_LENGTH) {
    if (!ethertypePrint(d, type, at, length, captured)) {
      if (d.options.e === 0) header(length + headerLength);
      defaultPrint(d, at, captured);
    }
  } else if (type === P_802_3) {
    ipxPrint(d, at, length);
  } else {
    const llcLength = type === P_802_2 ? llcPrint(d, at, length, captured, undefined, ethertypePrint) : -1;
    if (llcLength < 0) defaultPrint(d, at, captured);
    else at += llcLength;
  }
  d.linkHeaderLength += at;
}
