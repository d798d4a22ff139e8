/** ICMPv6: errors, echo, neighbour discovery, multicast listener discovery. */

import { formatIpv6 } from '../wire/ipv6.ts';
import { checksumShouldBe, type Dissection, hex2, hex4, type IpHeader } from './dissection.ts';
import { transportChecksum6 } from './print-ip6.ts';
import { bitNames, type Names, named } from './tokens.ts';

const DST_UNREACH = 1;
const PACKET_TOO_BIG = 2;
const TIME_EXCEEDED = 3;
const PARAM_PROB = 4;
const ECHO_REQUEST = 128;
const ECHO_REPLY = 129;
const LISTENER_QUERY = 130;
const LISTENER_REPORT = 131;
const LISTENER_DONE = 132;
const ROUTER_SOLICIT = 133;
const ROUTER_ADVERT = 134;
const NEIGHBOR_SOLICIT = 135;
const NEIGHBOR_ADVERT = 136;
const REDIRECT = 137;
const V2_LISTENER_REPORT = 143;
const HADISCOV_REQUEST = 144;
const HADISCOV_REPLY = 145;
const MOBILEPREFIX_SOLICIT = 146;
const MOBILEPREFIX_ADVERT = 147;

const TYPES: Names = new Map([
  [DST_UNREACH, 'destination unreachable'],
  [PACKET_TOO_BIG, 'packet too big'],
  [TIME_EXCEEDED, 'time exceeded in-transit'],
  [PARAM_PROB, 'parameter problem'],
  [ECHO_REQUEST, 'echo request'],
  [ECHO_REPLY, 'echo reply'],
  [LISTENER_QUERY, 'multicast listener query'],
  [LISTENER_REPORT, 'multicast listener report'],
  [LISTENER_DONE, 'multicast listener done'],
  [ROUTER_SOLICIT, 'router solicitation'],
  [ROUTER_ADVERT, 'router advertisement'],
  [NEIGHBOR_SOLICIT, 'neighbor solicitation'],
  [NEIGHBOR_ADVERT, 'neighbor advertisement'],
  [REDIRECT, 'redirect'],
  [138, 'router renumbering'],
  [141, 'inverse neighbor solicitation'],
  [142, 'inverse neighbor advertisement'],
  [V2_LISTENER_REPORT, 'multicast listener report v2'],
  [HADISCOV_REQUEST, 'ha discovery request'],
  [HADISCOV_REPLY, 'ha discovery reply'],
  [MOBILEPREFIX_SOLICIT, 'mobile router solicitation'],
  [MOBILEPREFIX_ADVERT, 'mobile router advertisement'],
]);

const UNREACHABLE: Names = new Map([
  [0, 'unreachable route'],
  [1, ' unreachable prohibited'],
  [2, 'beyond scope'],
  [3, 'unreachable address'],
  [4, 'unreachable port'],
]);

const PARAMETER_PROBLEMS: Names = new Map([
  [0, 'erroneous'],
  [1, 'next header'],
  [2, 'option'],
  [3, 'incomplete header chain'],
]);

const PREFIX_FLAGS: Names = new Map([
  [0x80, 'onlink'],
  [0x40, 'auto'],
  [0x20, 'router'],
]);

const ROUTER_FLAGS: Names = new Map([
  [0x80, 'managed'],
  [0x40, 'other stateful'],
  [0x20, 'home agent'],
  [0x02, 'ipv6 only'],
]);

const NEIGHBOR_FLAGS: Names = new Map([
  [0x8000_0000, 'router'],
  [0x4000_0000, 'solicited'],
  [0x2000_0000, 'override'],
]);

const OPTIONS: Names = new Map([
  [1, 'source link-address'],
  [2, 'destination link-address'],
  [3, 'prefix info'],
  [4, 'redirected header'],
  [5, 'mtu'],
  [7, 'advertisement interval'],
  [8, 'homeagent information'],
  [24, 'route info'],
  [25, 'rdnss'],
  [31, 'dnssl'],
]);

const RECORD_TYPES: Names = new Map([
  [1, 'is_in'],
  [2, 'is_ex'],
  [3, 'to_in'],
  [4, 'to_ex'],
  [5, 'allow'],
  [6, 'block'],
]);

/** Types whose length stands before their details. */
const LENGTH_FIRST: ReadonlySet<number> = new Set([
  ROUTER_SOLICIT,
  ROUTER_ADVERT,
  NEIGHBOR_ADVERT,
  NEIGHBOR_SOLICIT,
  REDIRECT,
  HADISCOV_REPLY,
  MOBILEPREFIX_ADVERT,
]);

export function icmp6Print(d: Dissection, at: number, length: number, ip: IpHeader): void {
  d.protocol = 'icmp6';
  if (length === 0) {
    d.print('ICMP6, length 0');
    d.printInvalid();
    return;
  }
  const { v } = d.options;
  if (v > 0 && !ip.fragmented && d.has(at, length)) {
    const field = d.u16(at + 2);
    const sum = transportChecksum6(d, ip.header, at, length, 58);
    if (sum !== 0) d.print(`[bad icmp6 cksum 0x${hex4(field)} -> 0x${hex4(checksumShouldBe(field, sum))}!] `);
    else d.print('[icmp6 sum ok] ');
  }
  const type = d.u8(at);
  d.print(`ICMP6, ${named(TYPES, type, `unknown icmp6 type (${type})`)}`);
  if (v > 0 && LENGTH_FIRST.has(type)) d.print(`, length ${length}`);
  const result = messagePrint(d, at, length, type, d.u8(at + 1));
  if (result === 'truncated') d.printTruncated();
  else if (result === undefined && v === 0) d.print(`, length ${length}`);
}

/** `done`: the message said its length itself or needs none. */
type Result = undefined | 'done' | 'truncated';

function messagePrint(d: Dissection, at: number, length: number, type: number, code: number): Result {
  const inner = at + 8;
  const { v } = d.options;
  switch (type) {
    case DST_UNREACH:
      return unreachablePrint(d, at, length, code);
    case PACKET_TOO_BIG:
      d.print(`, mtu ${d.u32(at + 4)}`);
      return undefined;
    case TIME_EXCEEDED:
      if (code === 0) d.print(` for ${d.ip6(inner + 24)}`);
      else d.print(code === 1 ? ' (reassembly)' : `, unknown code (${code})`);
      return undefined;
    case PARAM_PROB: {
      if (!d.has(inner + 24, 16)) return 'truncated';
      const problem = PARAMETER_PROBLEMS.get(code);
      d.print(problem === undefined ? `, code-#${code}` : `, ${problem} - octet ${d.u32(at + 4)}`);
      return undefined;
    }
    case ECHO_REQUEST:
    case ECHO_REPLY:
      d.print(`, id ${d.u16(at + 4)}, seq ${d.u16(at + 6)}`);
      return undefined;
    case LISTENER_QUERY:
      if (length === 24) {
        listenerPrint(d, at);
      } else if (length >= 28) {
        d.print(' v2');
        queryPrint(d, at, length);
      } else {
        d.print(` unknown-version (len ${length}) `);
      }
      return undefined;
    case LISTENER_REPORT:
    case LISTENER_DONE:
      listenerPrint(d, at);
      return undefined;
    case ROUTER_SOLICIT:
      return v > 0 ? optionsPrint(d, at + 8, length - 8) : undefined;
    case ROUTER_ADVERT:
      return v > 0 ? advertisementPrint(d, at, length) : undefined;
    case NEIGHBOR_SOLICIT:
      d.print(`, who has ${d.ip6(at + 8)}`);
      return v > 0 ? optionsPrint(d, at + 24, length - 24) : undefined;
    case NEIGHBOR_ADVERT:
      d.print(`, tgt is ${d.ip6(at + 8)}`);
      if (v === 0) return undefined;
      d.print(`, Flags [${neighborFlags(d.u32(at + 4))}]`);
      return optionsPrint(d, at + 24, length - 24);
    case REDIRECT:
      d.print(`, ${d.ip6(at + 24)}`);
      d.print(` to ${d.ip6(at + 8)}`);
      return v > 0 ? optionsPrint(d, at + 40, length - 40) : undefined;
    case 138:
    case 139:
    case 140:
    case 141:
    case 142:
      return undefined;
    case V2_LISTENER_REPORT:
      reportPrint(d, at, length);
      return undefined;
    case HADISCOV_REQUEST:
    case MOBILEPREFIX_SOLICIT:
      d.print(`, id 0x${hex4(d.u16(at + 4))}`);
      return undefined;
    case HADISCOV_REPLY:
      if (v > 0) {
        d.print(`, id 0x${hex4(d.u16(at + 4))}`);
        for (let address = at + 8; address < at + length; address += 16) d.print(`, ${d.ip6(address)}`);
      }
      return undefined;
    case MOBILEPREFIX_ADVERT: {
      if (v === 0) return undefined;
      d.print(`, id 0x${hex4(d.u16(at + 4))}`);
      const flags = d.u16(at + 6);
      if ((flags & 0xc000) !== 0) d.print(' ');
      if ((flags & 0x8000) !== 0) d.print('M');
      if ((flags & 0x4000) !== 0) d.print('O');
      return optionsPrint(d, at + 8, length - 8);
    }
    default:
      d.print(`, length ${length}`);
      if (v <= 1) d.printUnknown(at, '\n\t', length);
      return 'done';
  }
}

function neighborFlags(flags: number): string {
  const found = [...NEIGHBOR_FLAGS].filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  return found.length === 0 ? 'none' : found.join(', ');
}

function unreachablePrint(d: Dissection, at: number, length: number, code: number): Result {
  const inner = at + 8;
  d.print(`, ${named(UNREACHABLE, code, `unknown unreach code (${code})`)}`);
  switch (code) {
    case 0:
    case 1:
    case 3:
      d.print(` ${d.ip6(inner + 24)}`);
      return undefined;
    case 2:
      d.print(` ${d.ip6(inner + 24)}, source address ${d.ip6(inner + 8)}`);
      return undefined;
    case 4: {
      const upper = upperLayer(d, inner);
      if (upper === undefined) return 'truncated';
      const port = d.u16(upper.at + 2);
      const address = d.ip6(inner + 24);
      if (upper.protocol === 6) d.print(`, ${address} tcp port ${d.tcpPort(port)}`);
      else d.print(`, ${address} udp port ${d.udpPort(port)}`);
      return undefined;
    }
    default:
      if (d.options.v > 1) return undefined;
      d.printUnknown(at, '\n\t', length);
      return 'done';
  }
}

/** The TCP or UDP header behind the IPv6 header at `at`, if it was captured. */
function upperLayer(d: Dissection, at: number): { at: number; protocol: number } | undefined {
  if (!d.has(at + 6, 1)) return undefined;
  let next = d.u8(at + 6);
  let cp = at;
  let advance = 40;
  while (cp < d.snapEnd) {
    cp += advance;
    switch (next) {
      case 6:
      case 17:
        return d.has(cp + 2, 2) ? { at: cp, protocol: next } : undefined;
      case 0:
      case 43:
      case 60:
        if (!d.has(cp + 1, 1)) return undefined;
        next = d.u8(cp);
        advance = (d.u8(cp + 1) + 1) * 8;
        break;
      case 44:
        if (!d.has(cp + 2, 2) || (d.u16(cp + 2) & 0xfff8) !== 0) return undefined;
        next = d.u8(cp);
        advance = 8;
        break;
      case 51:
        if (!d.has(cp + 1, 1)) return undefined;
        next = d.u8(cp);
        advance = (d.u8(cp + 1) + 2) * 4;
        break;
      default:
        return undefined;
    }
  }
  return undefined;
}

function lifetime(seconds: number): string {
  return seconds === 0xffff_ffff ? 'infinity' : `${seconds}s`;
}

function preference(flags: number): string {
  return ['medium', 'high', 'rsv', 'low'][(flags & 0x18) >>> 3]!;
}

function advertisementPrint(d: Dissection, at: number, length: number): Result {
  const flags = d.u8(at + 5);
  d.print(
    `\n\thop limit ${d.u8(at + 4)}, Flags [${bitNames(ROUTER_FLAGS, flags, 'none')}], pref ${preference(flags)}` +
      `, router lifetime ${d.u16(at + 6)}s, reachable time ${d.u32(at + 8)}ms, retrans timer ${d.u32(at + 12)}ms`,
  );
  return optionsPrint(d, at + 16, length - 16);
}

/** Neighbour discovery options; `length` is what the message has left for them. */
function optionsPrint(d: Dissection, start: number, length: number): Result {
  let left = length;
  let size: number;
  for (let at = start; at < d.snapEnd; at += size, left -= size) {
    if (!d.has(at + 1, 1)) return 'truncated';
    if (left <= 0) return undefined;
    const type = d.u8(at);
    const units = d.u8(at + 1);
    size = units * 8;
    if (units === 0 || at + size > d.snapEnd) return 'truncated';
    d.print(`\n\t  ${named(OPTIONS, type, 'unknown')} option (${type}), length ${size} (${units}): `);
    const result = optionPrint(d, at, type, units, start);
    if (result === 'truncated') return result;
    if (result === 'done') return undefined;
    if (d.options.v > 1) d.printUnknown(at + 2, '\n\t    ', size - 2);
  }
  return undefined;
}

function optionPrint(d: Dissection, at: number, type: number, units: number, start: number): Result {
  const size = units * 8;
  switch (type) {
    case 1:
    case 2:
      d.print(Array.from(d.bytes.subarray(at + 2, at + size), hex2).join(':'));
      return undefined;
    case 3:
      d.print(
        `${d.ip6(at + 16)}/${d.u8(at + 2)}${units !== 4 ? 'badlen' : ''}` +
          `, Flags [${bitNames(PREFIX_FLAGS, d.u8(at + 3), 'none')}], valid time ${lifetime(d.u32(at + 4))}`,
      );
      d.print(`, pref. time ${lifetime(d.u32(at + 8))}`);
      return undefined;
    case 4:
      d.printUnknown(start, '\n\t    ', size);
      return undefined;
    case 5:
      d.print(` ${d.u32(at + 4)}${units !== 1 ? 'bad option length' : ''}`);
      return undefined;
    case 7:
      d.print(` ${d.u32(at + 4)}ms`);
      return undefined;
    case 8:
      d.print(` preference ${d.u16(at + 4)}, lifetime ${d.u16(at + 6)}`);
      return undefined;
    case 24: {
      if (!d.has(at + 4, 4) || units > 3) return 'truncated';
      const address = new Uint8Array(16);
      const given = (units - 1) * 8;
      d.need(at + 8, given);
      address.set(d.bytes.subarray(at + 8, at + 8 + given));
      d.print(` ${d.host(formatIpv6(address, 0))}/${d.u8(at + 2)}`);
      d.print(`, pref=${preference(d.u8(at + 3))}`);
      d.print(`, lifetime=${lifetime(d.u32(at + 4))}`);
      return undefined;
    }
    case 25:
      d.print(` lifetime ${d.u32(at + 4)}s,`);
      for (let index = 0; index < Math.floor((units - 1) / 2); index++) d.print(` addr: ${d.ip6(at + 8 + 16 * index)}`);
      return undefined;
    default:
      if (d.options.v > 1) return undefined;
      d.printUnknown(at + 2, '\n\t  ', size - 2);
      return 'done';
  }
}

function listenerPrint(d: Dissection, at: number): void {
  if (at + 24 > d.snapEnd) return;
  d.print(`max resp delay: ${d.u16(at + 4)} `);
  d.print(`addr: ${d.ip6(at + 8)}`);
}

function sourcesPrint(d: Dissection, at: number, count: number): void {
  d.print(' {');
  for (let index = 0; index < count; index++) d.print(` ${d.ip6(at + 16 * index)}`);
  d.print(' }');
}

function reportPrint(d: Dissection, at: number, length: number): void {
  if (length < 8) {
    d.print(` [invalid len ${length}]`);
    return;
  }
  const records = d.u16(at + 6);
  d.print(`, ${records} group record(s)`);
  const { v } = d.options;
  if (v === 0) return;
  let offset = 8;
  for (let index = 0; index < records; index++) {
    if (length < offset + 20) {
      d.print(' [invalid number of groups]');
      return;
    }
    const record = at + offset;
    d.print(` [gaddr ${d.ip6(record + 4)}`);
    const type = d.u8(record);
    d.print(` ${named(RECORD_TYPES, type, ` [v2-report-#${type}]`)}`);
    const sources = d.u16(record + 2);
    if (length < offset + 20 + 16 * sources) {
      d.print(` [invalid number of sources ${sources}]`);
      return;
    }
    if (v === 1) d.print(`, ${sources} source(s)`);
    else sourcesPrint(d, record + 20, sources);
    offset += 20 + 16 * sources;
    d.print(']');
  }
}

function queryPrint(d: Dissection, at: number, length: number): void {
  const { v } = d.options;
  const code = d.u16(at + 4);
  if (v > 0) {
    const delay = code < 32768 ? code : ((code & 0x0fff) | 0x1000) << (((code & 0x7000) >>> 12) + 3);
    d.print(` [max resp delay=${delay}]`);
  }
  d.print(` [gaddr ${d.ip6(at + 8)}`);
  if (v > 0) {
    const flags = d.u8(at + 24);
    if ((flags & 0x08) !== 0) d.print(' sflag');
    if ((flags & 0x07) !== 0) d.print(` robustness=${flags & 7}`);
    const interval = d.u8(at + 25);
    d.print(` qqi=${interval < 128 ? interval : ((interval & 15) | 16) << (((interval & 0x70) >>> 4) + 3)}`);
  }
  const sources = d.u16(at + 26);
  if (sources > 0) {
    if (length < 28 + 16 * sources) d.print(' [invalid number of sources]');
    else if (v > 1) sourcesPrint(d, at + 28, sources);
    else d.print(`, ${sources} source(s)`);
  }
  d.print(']');
}
