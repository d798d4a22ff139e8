/** IEEE 802.2 LLC and SNAP headers. */
import { type Dissection, hex2, hex4 } from './dissection.ts';
import { ipxPrint } from './print-ipx.ts';
import { stpPrint } from './print-stp.ts';
import { ETHERTYPES, type Names, named, OUI } from './tokens.ts';

const SAP_8021D = 0x42;
const SAP_IP = 0x06;
const SAP_SNAP = 0xaa;
const SAP_GLOBAL = 0xff;
/** Unnumbered information, exchange identification. */
const UI = 0x03;
const XID = 0xaf;

const SAPS: Names = new Map([
  [0x00, 'Null'],
  [SAP_GLOBAL, 'Global'],
  [0x02, '802.1B I'],
  [0x03, '802.1B G'],
  [SAP_IP, 'IP'],
  [0x04, 'SNA'],
  [0x0e, 'ProWay NM'],
  [SAP_8021D, 'STP'],
  [0x4e, 'RS511'],
  [0x7e, 'ISO8208'],
  [0x8e, 'ProWay'],
  [SAP_SNAP, 'SNAP'],
  [0xe0, 'IPX'],
  [0xf0, 'NetBeui'],
  [0xfe, 'OSI'],
]);

const COMMANDS: Names = new Map([
  [UI, 'ui'],
  [0xe3, 'test'],
  [XID, 'xid'],
  [0x63, 'ua'],
  [0x43, 'disc'],
  [0x0f, 'dm'],
  [0x6f, 'sabme'],
  [0x87, 'frmr'],
]);

/** By the response bit of the source and the poll bit of the control field. */
const FLAGS: Names = new Map([
  [0x000, 'Command'],
  [0x001, 'Response'],
  [0x010, 'Poll'],
  [0x011, 'Final'],
  [0x100, 'Poll'],
  [0x101, 'Final'],
]);

const SUPERVISORY: Names = new Map([
  [0, 'Receiver Ready'],
  [1, 'Receiver not Ready'],
  [2, 'Reject'],
]);

const CISCO: Names = new Map([
  [0x2000, 'CDP'],
  [0x2003, 'VTP'],
  [0x2004, 'DTP'],
  [0x0111, 'UDLD'],
  [0x010b, 'PVST'],
  [0x010c, 'VLAN Bridge'],
]);

const BRIDGED: Names = new Map([
  [0x0001, 'Ethernet + FCS'],
  [0x0007, 'Ethernet w/o FCS'],
  [0x0002, '802.4 + FCS'],
  [0x0008, '802.4 w/o FCS'],
  [0x0003, 'Token Ring + FCS'],
  [0x0009, 'Token Ring w/o FCS'],
  [0x0004, 'FDDI + FCS'],
  [0x000a, 'FDDI w/o FCS'],
  [0x0005, '802.6 + FCS'],
  [0x000b, '802.6 w/o FCS'],
  [0x000e, 'BPDU'],
]);

const OUI_ETHERNET = 0x000000;
const OUI_CISCO = 0x00000c;
const OUI_CISCO_BRIDGED = 0x0000f8;
const OUI_BRIDGED = 0x0080c2;
const OUI_APPLETALK = 0x080007;

const NO_NAMES: Names = new Map();

/** What the protocol numbers of an organization mean. */
function protocolNames(oui: number): Names {
  switch (oui) {
    case OUI_ETHERNET:
    case OUI_CISCO_BRIDGED:
    case OUI_APPLETALK:
      return ETHERTYPES;
    case OUI_CISCO:
      return CISCO;
    case OUI_BRIDGED:
      return BRIDGED;
    default:
      return NO_NAMES;
  }
}

/** Where the MAC addresses of the frame stand, if it has any. */
export interface LinkAddresses {
  source: number;
  destination: number;
}

/** Prints what an EtherType stands for, as {@link llcPrint} needs it behind SNAP. */
export type EthertypePrinter = (d: Dissection, type: number, at: number, length: number, captured: number) => boolean;

/** Returns the length of the LLC and SNAP headers; negative when what follows is not printed yet. */
export function llcPrint(
  d: Dissection,
  start: number,
  wholeLength: number,
  wholeCaptured: number,
  addresses: LinkAddresses | undefined,
  ethertype: EthertypePrinter,
): number {
  d.protocol = 'llc';
  const tooShort = (octets: number): number | undefined => {
    if (wholeCaptured >= octets && wholeLength >= octets) return undefined;
    d.printTruncated();
    d.printDefault(start, wholeCaptured);
    return wholeCaptured < octets ? wholeCaptured : wholeLength;
  };
  const short = tooShort(3);
  if (short !== undefined) return short;
  const destinationField = d.u8(start);
  const sourceField = d.u8(start + 1);
  let control = d.u8(start + 2);
  const unnumbered = (control & 3) === 3;
  if (!unnumbered) {
    const shorter = tooShort(4);
    if (shorter !== undefined) return shorter;
    control = d.u16le(start + 2);
  }
  const headerLength = unnumbered ? 3 : 4;
  const { e } = d.options;
  if (sourceField === SAP_GLOBAL && destinationField === SAP_GLOBAL) {
    if (e > 0) d.print('IPX 802.3: ');
    ipxPrint(d, start, wholeLength);
    return 0;
  }
  const destination = destinationField & 0xfe;
  const source = sourceField & 0xfe;
  if (e > 0) {
    d.print(
      `LLC, dsap ${named(SAPS, destination, 'Unknown')} (0x${hex2(destination)}) ` +
        `${(destinationField & 1) !== 0 ? 'Group' : 'Individual'}, ssap ${named(SAPS, source, 'Unknown')} (0x${hex2(source)}) ` +
        `${(sourceField & 1) !== 0 ? 'Response' : 'Command'}`,
    );
    d.print(`, ctrl 0x${unnumbered ? hex2(control) : hex4(control)}: `);
  }
  const at = start + headerLength;
  const length = wholeLength - headerLength;
  const captured = wholeCaptured - headerLength;
  if (control === UI) {
    if (source === SAP_SNAP && destination === SAP_SNAP) {
      const printed = snapPrint(d, at, length, captured, addresses, ethertype);
      return printed ? headerLength + 5 : -(headerLength + 5);
    }
    if (source === SAP_8021D && destination === SAP_8021D) {
      stpPrint(d, at, length);
      return headerLength;
    }
    if (source === SAP_IP && destination === SAP_IP) {
      d.inner.ip(d, at, length);
      return headerLength;
    }
    if (source === 0xe0 && destination === 0xe0) {
      if (e > 0) d.print('IPX 802.2: ');
      ipxPrint(d, at, length);
      return headerLength;
    }
  }
  if (e === 0) sapsPrint(d, source, destination, addresses);
  return control === UI || unnumbered
    ? unnumberedPrint(d, at, length, captured, control, sourceField & 1, headerLength)
    : numberedPrint(d, length, control, sourceField & 1, headerLength);
}

function sapsPrint(d: Dissection, source: number, destination: number, addresses: LinkAddresses | undefined): void {
  const to = named(SAPS, destination, `Unknown DSAP 0x${hex2(destination)}`);
  const from = source === destination ? '' : `${named(SAPS, source, `Unknown SSAP 0x${hex2(source)}`)} `;
  if (addresses === undefined) {
    d.print(source === destination ? `${to} ` : `${from}> ${to} `);
    return;
  }
  d.print(`${d.mac(addresses.source)} ${from}> ${d.mac(addresses.destination)} ${to} `);
}

function unnumberedPrint(
  d: Dissection,
  at: number,
  length: number,
  captured: number,
  control: number,
  response: number,
  headerLength: number,
): number {
  const command = control & 0xef;
  d.print(
    `Unnumbered, ${named(COMMANDS, command, hex2(command))}, ` +
      `Flags [${named(FLAGS, response | (control & 0x10), '?')}], length ${length + headerLength}`,
  );
  if (command !== XID) return -headerLength;
  if (length === 0) return headerLength;
  if (captured < 1) {
    d.printTruncated();
    return headerLength;
  }
  if (d.u8(at) !== 0x81) return -headerLength;
  if (captured < 3 || length < 3) {
    d.printTruncated();
    d.printDefault(at, captured);
  } else {
    d.print(`: ${hex2(d.u8(at + 1))} ${hex2(d.u8(at + 2))}`);
  }
  return headerLength;
}

function numberedPrint(d: Dissection, length: number, control: number, response: number, headerLength: number): number {
  const flags = named(FLAGS, response | (control & 0x100), '?');
  const received = (control >>> 9) & 0x7f;
  const end = `rcv seq ${received}, Flags [${flags}], length ${length + headerLength}`;
  if ((control & 1) !== 0) {
    d.print(`Supervisory, ${named(SUPERVISORY, (control >>> 2) & 3, '?')}, ${end}`);
    return headerLength;
  }
  d.print(`Information, send seq ${(control >>> 1) & 0x7f}, ${end}`);
  return -headerLength;
}

/** Whether what the SNAP header announces was printed. */
function snapPrint(
  d: Dissection,
  start: number,
  wholeLength: number,
  wholeCaptured: number,
  addresses: LinkAddresses | undefined,
  ethertype: EthertypePrinter,
): boolean {
  d.protocol = 'snap';
  if (!d.has(start, 5) || wholeCaptured < 5 || wholeLength < 5) {
    d.printTruncated();
    return true;
  }
  const oui = d.u24(start);
  const type = d.u16(start + 3);
  const at = start + 5;
  const length = wholeLength - 5;
  const captured = wholeCaptured - 5;
  const organization = `oui ${named(OUI, oui, 'Unknown')} (0x${oui.toString(16).padStart(6, '0')})`;
  const protocol = `${named(protocolNames(oui), type, 'Unknown')} (0x${hex4(type)}), length ${length}: `;
  const { e } = d.options;
  if (e > 0) d.print(`${organization}, ${oui === OUI_ETHERNET ? 'ethertype' : 'pid'} ${protocol}`);
  if (oui === OUI_ETHERNET || oui === OUI_CISCO_BRIDGED) {
    if (ethertype(d, type, at, length, captured)) return true;
  } else if (oui === OUI_CISCO && (type === 0x010b || type === 0x010c)) {
    stpPrint(d, at, length);
    return true;
  } else if (oui === OUI_BRIDGED && (type === 0x0001 || type === 0x0007)) {
    if (!d.has(at, 2)) {
      d.printTruncated();
      return true;
    }
    d.inner.ethernet(d, at + 2, length - 2, captured - 2);
    return true;
  } else if (oui === OUI_BRIDGED && type === 0x000e) {
    stpPrint(d, at, length);
    return true;
  }
  if (e === 0) {
    if (addresses !== undefined) d.print(`${d.mac(addresses.source)} > ${d.mac(addresses.destination)} `);
    d.print(oui === OUI_ETHERNET ? `SNAP, ethertype ${protocol}` : `SNAP, ${organization}, pid ${protocol}`);
  }
  return false;
}
