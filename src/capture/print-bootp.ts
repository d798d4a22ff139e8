/** BOOTP (RFC 951) and DHCP (RFC 2131), with the options of RFC 2132 and others. */
import type { Dissection } from './dissection.ts';
import { hex2, hex8 } from './dissection.ts';
import { type Names, named } from './tokens.ts';

const REQUEST = 1;
const OPERATIONS: Names = new Map([
  [REQUEST, 'Request'],
  [2, 'Reply'],
]);
const SECS = 8;
const FLAGS = 10;
const CHADDR = 28;
const SNAME = 44;
const FILE = 108;
const VENDOR = 236;
const COOKIE_RFC1048 = 0x63825363;
const COOKIE_CMU = 0x434d5500;
const ETHERNET = 1;
const MAC_LENGTH = 6;

const TAG_PAD = 0;
const TAG_NETBIOS_NODE = 46;
const TAG_OPT_OVERLOAD = 52;
const TAG_DHCP_MESSAGE = 53;
const TAG_PARM_REQUEST = 55;
const TAG_CLIENT_ID = 61;
const TAG_USER_CLASS = 77;
const TAG_CLIENT_FQDN = 81;
const TAG_AGENT_CIRCUIT = 82;
const TAG_CLASSLESS_STATIC_RT = 121;
const TAG_CLASSLESS_STA_RT_MS = 249;
const TAG_END = 255;

/**
 * Options by number. The first character says what the data is: `i` addresses, `p` pairs of them, `l`
 * and `L` unsigned and signed words, `s` shorts, `b` octets, `a` text, `B` booleans, `$` something else.
 */
const TAGS: Names = new Map([
  [TAG_PAD, ' PAD'],
  [1, 'iSubnet-Mask'],
  [2, 'LTime-Zone'],
  [3, 'iDefault-Gateway'],
  [4, 'iTime-Server'],
  [5, 'iIEN-Name-Server'],
  [6, 'iDomain-Name-Server'],
  [7, 'iLOG'],
  [8, 'iCS'],
  [9, 'iLPR-Server'],
  [10, 'iIM'],
  [11, 'iRL'],
  [12, 'aHostname'],
  [13, 'sBS'],
  [14, 'aDP'],
  [15, 'aDomain-Name'],
  [16, 'iSS'],
  [17, 'aRP'],
  [18, 'aEP'],
  [19, 'BIPF'],
  [20, 'BSRT'],
  [21, 'pPF'],
  [22, 'sRSZ'],
  [23, 'bTTL'],
  [24, 'lMTU-Timeout'],
  [25, 'sMTU-Table'],
  [26, 'sMTU'],
  [27, 'BLSN'],
  [28, 'iBR'],
  [29, 'BMD'],
  [30, 'BMS'],
  [31, 'BRouter-Discovery'],
  [32, 'iRSA'],
  [33, 'pStatic-Route'],
  [34, 'BUT'],
  [35, 'lAT'],
  [36, 'BIE'],
  [37, 'bTT'],
  [38, 'lKI'],
  [39, 'BKG'],
  [40, 'aYD'],
  [41, 'iYS'],
  [42, 'iNTP'],
  [43, 'bVendor-Option'],
  [44, 'iNetbios-Name-Server'],
  [45, 'iWDD'],
  [TAG_NETBIOS_NODE, '$Netbios-Node'],
  [47, 'aNetbios-Scope'],
  [48, 'iXFS'],
  [49, 'iXDM'],
  [50, 'iRequested-IP'],
  [51, 'lLease-Time'],
  [TAG_OPT_OVERLOAD, '$OO'],
  [TAG_DHCP_MESSAGE, ' DHCP-Message'],
  [54, 'iServer-ID'],
  [TAG_PARM_REQUEST, 'bParameter-Request'],
  [56, 'aMSG'],
  [57, 'sMSZ'],
  [58, 'lRN'],
  [59, 'lRB'],
  [60, 'aVendor-Class'],
  [TAG_CLIENT_ID, '$Client-ID'],
  [64, 'sN+D'],
  [65, 'iN+S'],
  [66, 'aTFTP'],
  [67, 'aBF'],
  [68, 'iMH'],
  [69, 'iSMTP'],
  [70, 'iPOP3'],
  [71, 'iNNTP'],
  [72, 'iWWW'],
  [73, 'iFG'],
  [74, 'iIRC'],
  [75, 'iSTS'],
  [76, 'iSTDA'],
  [TAG_USER_CLASS, '$User-Class'],
  [78, 'bSLP-DA'],
  [79, 'bSLP-SCOPE'],
  [80, 'aSLP-NA'],
  [TAG_CLIENT_FQDN, '$FQDN'],
  [TAG_AGENT_CIRCUIT, '$Agent-Information'],
  [83, 'bARMT'],
  [88, 'aTZSTR'],
  [89, 'bFQDNS'],
  [90, 'bAUTH'],
  [91, 'LLast-Transaction-Time'],
  [92, 'iAssociated-IP'],
  [93, 'sARCH'],
  [94, 'bNDI'],
  [95, 'aLDAP'],
  [97, 'bGUID'],
  [98, 'aUAP'],
  [100, 'aPOSIX-TZ'],
  [101, 'aTZ-Name'],
  [112, 'iNI'],
  [113, 'aNITAG'],
  [114, 'aURL'],
  [116, 'BNOAUTO'],
  [117, 'sNSSEARCH'],
  [118, 'iSUBNET'],
  [TAG_CLASSLESS_STATIC_RT, '$Classless-Static-Route'],
  [150, 'iTFTP-Server-Address'],
  [161, 'aMUD-URL'],
  [TAG_CLASSLESS_STA_RT_MS, '$Classless-Static-Route-Microsoft'],
  [TAG_END, ' END'],
]);
const UNKNOWN_TAG = '?Unknown';
const MESSAGES: Names = new Map([
  [1, 'Discover'],
  [2, 'Offer'],
  [3, 'Request'],
  [4, 'Decline'],
  [5, 'ACK'],
  [6, 'NACK'],
  [7, 'Release'],
  [8, 'Inform'],
  [10, 'LeaseQuery'],
  [11, 'LeaseUnassigned'],
  [12, 'LeaseUnknown'],
  [13, 'LeaseActive'],
]);
const OVERLOADS: Names = new Map([
  [1, 'file'],
  [2, 'sname'],
  [3, 'file+sname'],
]);
const NETBIOS_NODES: Names = new Map([
  [1, 'b-node'],
  [2, 'p-node'],
  [4, 'm-node'],
  [8, 'h-node'],
]);
const HARDWARE: Names = new Map([
  [0x1, 'ether'],
  [0x6, 'ieee802'],
  [0x7, 'arcnet'],
  [0xf, 'frelay'],
  [0x17, 'strip'],
  [0x18, 'ieee1394'],
]);
const AGENT_OPTIONS: Names = new Map([
  [1, 'Circuit-ID'],
  [2, 'Remote-ID'],
  [6, 'Subscriber-ID'],
]);

export function bootpPrint(d: Dissection, at: number, length: number): void {
  d.protocol = 'bootp';
  const operation = d.u8(at);
  d.print(`BOOTP/DHCP, ${named(OPERATIONS, operation, `unknown (0x${hex2(operation)})`)}`);
  const hardwareType = d.u8(at + 1);
  const hardwareLength = d.u8(at + 2);
  const isEthernet = hardwareType === ETHERNET && hardwareLength === MAC_LENGTH;
  if (isEthernet && operation === REQUEST) d.print(` from ${d.mac(at + CHADDR)}`);
  d.print(`, length ${length}`);
  if (d.options.v === 0) return;
  if (!d.has(at + SECS, 2)) {
    d.printTruncated();
    return;
  }
  if (hardwareType !== ETHERNET) d.print(`, htype ${hardwareType}`);
  if (!isEthernet) d.print(`, hlen ${hardwareLength}`);
  const hops = d.u8(at + 3);
  if (hops !== 0) d.print(`, hops ${hops}`);
  const transaction = d.u32(at + 4);
  if (transaction !== 0) d.print(`, xid 0x${transaction.toString(16)}`);
  const seconds = d.u16(at + SECS);
  if (seconds !== 0) d.print(`, secs ${seconds}`);
  const flags = d.u16(at + FLAGS);
  d.print(`, Flags [${flags & 0x8000 ? 'Broadcast' : 'none'}]`);
  if (d.options.v > 1) d.print(` (0x${flags.toString(16).padStart(4, '0')})`);
  for (const [offset, title] of [
    [12, 'Client-IP'],
    [16, 'Your-IP'],
    [20, 'Server-IP'],
    [24, 'Gateway-IP'],
  ] as const) {
    if (d.u32(at + offset) !== 0) d.print(`\n\t  ${title} ${d.ip(at + offset)}`);
  }
  if (isEthernet) d.print(`\n\t  Client-Ethernet-Address ${d.mac(at + CHADDR)}`);
  if (!namePrint(d, 'sname', at + SNAME, FILE - SNAME) || !namePrint(d, 'file', at + FILE, VENDOR - FILE)) {
    d.printTruncated();
    return;
  }
  if (!d.has(at + VENDOR, 4)) {
    d.printTruncated();
    return;
  }
  const cookie = d.u32(at + VENDOR);
  if (cookie === COOKIE_RFC1048) {
    d.print(`\n\t  Vendor-rfc1048 Extensions\n\t    Magic Cookie 0x${hex8(cookie)}`);
    if (!optionsPrint(d, at + VENDOR + 4)) d.printTruncated();
  } else if (cookie === COOKIE_CMU) {
    if (!cmuPrint(d, at + VENDOR)) d.printTruncated();
  } else if (cookie !== 0) d.print(`\n\t  Vendor-#0x${cookie.toString(16)}`);
}

function namePrint(d: Dissection, title: string, at: number, length: number): boolean {
  if (d.u8(at) === 0) return true;
  d.print(`\n\t  ${title} "`);
  const taken = d.printToZero(at, length);
  d.print('"');
  return taken !== 0;
}

/** False when the packet ends within an option. */
function optionsPrint(d: Dissection, start: number): boolean {
  const { v } = d.options;
  for (let at = start; d.has(at, 1); ) {
    const tag = d.u8(at++);
    if (tag === TAG_PAD && v < 3) continue;
    if (tag === TAG_END && v < 3) return true;
    const text = named(TAGS, tag, UNKNOWN_TAG);
    const length = tag === TAG_PAD || tag === TAG_END ? 0 : d.u8(at++);
    d.print(`\n\t    ${text.slice(1)} (${tag}), length ${length}${length > 0 ? ': ' : ''}`);
    if (tag === TAG_PAD) {
      let times = 1;
      for (; d.has(at, 1) && d.u8(at) === TAG_PAD; at++) times++;
      if (times > 1) d.print(`, occurs ${times}`);
    }
    if (!d.has(at, length)) return false;
    const left = optionPrint(d, tag, text[0]!, at, length);
    if (left > 0) d.print(`\n\t  trailing data length ${left}`);
    at += length;
  }
  return true;
}

/** Print an option's data; how much of it was not. */
function optionPrint(d: Dissection, tag: number, form: string, at: number, length: number): number {
  if (tag === TAG_DHCP_MESSAGE && length === 1) {
    const message = d.u8(at);
    d.print(named(MESSAGES, message, `Unknown (${message})`));
    return 0;
  }
  if (tag === TAG_PARM_REQUEST) {
    for (let index = 0; index < length; index++) {
      const wanted = d.u8(at + index);
      d.print(`${index % 4 === 0 ? '\n\t      ' : ', '}${named(TAGS, wanted, UNKNOWN_TAG).slice(1)} (${wanted})`);
    }
    return 0;
  }
  const list = (size: number, separator: string, text: (at: number) => string): number => {
    const parts: string[] = [];
    for (let offset = 0; offset + size <= length; offset += size) parts.push(text(at + offset));
    d.print(parts.join(separator));
    return length % size;
  };
  const known = form === '?' ? (length & 1 ? 'b' : length & 2 ? 's' : 'l') : form;
  switch (known) {
    case 'a':
      quoted(d, at, length);
      return 0;
    case 'i':
      return list(4, ',', (one) => d.ip(one));
    case 'L':
      return list(4, ',', (one) => String(d.u32(one) | 0));
    case 'l':
      return list(4, ',', (one) => String(d.u32(one)));
    case 'p':
      return list(8, ',', (one) => `(${d.ip(one)}:${d.ip(one + 4)})`);
    case 's':
      return list(2, ',', (one) => String(d.u16(one)));
    case 'B':
      return list(1, ',', (one) => ['N', 'Y'][d.u8(one)] ?? `${d.u8(one)}?`);
    case '$':
      return specialPrint(d, tag, at, length);
    default:
      return list(1, '.', (one) => String(d.u8(one)));
  }
}

function quoted(d: Dissection, at: number, length: number): void {
  d.print('"');
  d.printCharacters(at, length);
  d.print('"');
}

function specialPrint(d: Dissection, tag: number, at: number, length: number): number {
  switch (tag) {
    case TAG_NETBIOS_NODE:
    case TAG_OPT_OVERLOAD: {
      if (tooShort(d, length, 1)) return length;
      const value = d.u8(at);
      d.print(named(tag === TAG_OPT_OVERLOAD ? OVERLOADS : NETBIOS_NODES, value, `#${value}`));
      return length - 1;
    }
    case TAG_CLIENT_FQDN:
      fullNamePrint(d, at, length);
      return 0;
    case TAG_CLIENT_ID: {
      if (tooShort(d, length, 1)) return length;
      const type = d.u8(at);
      if (type === 0) quoted(d, at + 1, length - 1);
      else {
        d.print(`${named(HARDWARE, type, `hardware-type ${type},`)} `);
        d.print(Array.from(d.bytes.subarray(at + 1, at + length), hex2).join(':'));
      }
      return 0;
    }
    case TAG_AGENT_CIRCUIT:
      return agentPrint(d, at, length);
    case TAG_USER_CLASS:
      userClassPrint(d, at, length);
      return 0;
    default:
      routesPrint(d, at, length);
      return 0;
  }
}

function tooShort(d: Dissection, length: number, least: number): boolean {
  if (length < least) d.print(`[ERROR: length < ${least} bytes]`);
  return length < least;
}

/** The client's name (RFC 4702). */
function fullNamePrint(d: Dissection, at: number, length: number): void {
  if (tooShort(d, length, 3)) return;
  const flags = d.u8(at);
  if ((flags & 0xf0) !== 0) d.print(`[ERROR: MBZ nibble 0x${(flags >> 4).toString(16)} != 0] `);
  const letters = [...'SOEN'].filter((_, bit) => (flags & (1 << bit)) !== 0).join('');
  if (letters !== '') d.print(`[${letters}] `);
  if (d.u8(at + 1) !== 0 || d.u8(at + 2) !== 0) d.print(`${d.u8(at + 1)}/${d.u8(at + 2)} `);
  quoted(d, at + 3, length - 3);
}

/** What a relay adds (RFC 3046). */
function agentPrint(d: Dissection, start: number, length: number): number {
  let at = start;
  let left = length;
  while (left >= 2) {
    const option = d.u8(at);
    const size = d.u8(at + 1);
    at += 2;
    left -= 2;
    const name = AGENT_OPTIONS.get(option);
    d.print(`\n\t      ${name ?? 'Unknown'} SubOption ${option}, length ${size}: `);
    if (size > left) {
      d.print('length goes past end of option');
      return 0;
    }
    if (name === undefined) d.printUnknown(at, '\n\t\t', size);
    else d.printCharacters(at, size);
    at += size;
    left -= size;
  }
  return left;
}

/** Classes of users (RFC 3004). */
function userClassPrint(d: Dissection, start: number, length: number): void {
  if (tooShort(d, length, 2)) return;
  const end = start + length;
  let number = 1;
  for (let at = start; at < end; number++) {
    const size = d.u8(at++);
    d.print(`\n\t      instance#${number}: `);
    if (size === 0) {
      d.print('[ERROR: suboption length must be non-zero]');
      return;
    }
    if (end - at < size) {
      d.print('[ERROR: invalid option]');
      return;
    }
    quoted(d, at, size);
    d.print(`, length ${size}`);
    at += size;
  }
}

/** Routes with prefixes of any length (RFC 3442). */
function routesPrint(d: Dissection, start: number, length: number): void {
  if (tooShort(d, length, 5)) return;
  const end = start + length;
  for (let at = start; at < end; ) {
    if (at !== start) d.print(',');
    const width = d.u8(at++);
    if (width > 32) {
      d.print(`[ERROR: Mask width (${width}) > 32]`);
      return;
    }
    const octets = (width + 7) >> 3;
    if (end - at < octets + 4) {
      d.print(`[ERROR: Remaining length (${end - at}) < ${octets + 4} bytes]`);
      return;
    }
    const prefix = Array.from({ length: 4 }, (_, index) => (index < octets ? d.u8(at + index) : 0)).join('.');
    d.print(`(${width === 0 ? 'default' : `${prefix}/${width}`}:${d.ip(at + octets)})`);
    at += octets + 4;
  }
}

/** The vendor area of Carnegie Mellon's BOOTP. */
function cmuPrint(d: Dissection, at: number): boolean {
  d.print(' vend-cmu');
  if (!d.has(at + 4, 4)) return false;
  const flags = d.u8(at + 4);
  if ((flags & ~1) !== 0) d.print(` F:0x${flags.toString(16)}`);
  for (const [offset, title] of [
    [12, 'DG'],
    [8, flags & 1 ? 'SM' : 'SM*'],
    [16, 'NS1'],
    [20, 'NS2'],
    [24, 'IEN1'],
    [28, 'IEN2'],
    [32, 'TS1'],
    [36, 'TS2'],
  ] as const) {
    if (!d.has(at + offset, 4)) return false;
    if (d.u32(at + offset) !== 0) d.print(` ${title}:${d.ip(at + offset)}`);
  }
  return true;
}
