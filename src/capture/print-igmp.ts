/** IGMP: queries, reports of all versions, leaves. */
import { igmpv3Time } from '../wire/igmp.ts';
import type { Dissection } from './dissection.ts';
import { relativeTime } from './print-time.ts';
import { type Names, named } from './tokens.ts';

const RECORD_TYPES: Names = new Map([
  [1, 'is_in'],
  [2, 'is_ex'],
  [3, 'to_in'],
  [4, 'to_ex'],
  [5, 'allow'],
  [6, 'block'],
]);

export function igmpPrint(d: Dissection, at: number, length: number): void {
  d.protocol = 'igmp';
  const { q, v } = d.options;
  if (q > 0) {
    d.print('igmp');
    return;
  }
  const type = d.u8(at);
  switch (type) {
    case 0x11:
      d.print('igmp query');
      if (length >= 12) queryPrint(d, at, length);
      else shortQueryPrint(d, at, length);
      break;
    case 0x12:
      d.print(`igmp v1 report ${d.ip(at + 4)}`);
      if (length !== 8) d.print(` [len ${length}]`);
      break;
    case 0x16:
      d.print(`igmp v2 report ${d.ip(at + 4)}`);
      break;
    case 0x17:
      d.print(`igmp leave ${d.ip(at + 4)}`);
      break;
    case 0x22:
      d.print('igmp v3 report');
      reportPrint(d, at, length);
      break;
    case 0x1e:
      tracePrint(d, at, length, 'mresp');
      break;
    case 0x1f:
      tracePrint(d, at, length, 'mtrace');
      break;
    default:
      d.print(`igmp-${type}`);
  }
  if (v > 0 && length >= 4 && d.has(at, length) && d.checksum(at, length) !== 0) {
    d.print(` bad igmp cksum ${d.u16(at + 2).toString(16)}!`);
  }
}

/** A query of version 1 or 2. */
function shortQueryPrint(d: Dissection, at: number, length: number): void {
  const time = d.u8(at + 1);
  if (time !== 0) {
    d.print(' v2');
    if (time !== 100) d.print(` [max resp time ${time}]`);
  } else {
    d.print(' v1');
  }
  if (d.u32(at + 4) !== 0) d.print(` [gaddr ${d.ip(at + 4)}]`);
  if (length !== 8) d.print(` [len ${length}]`);
}

function queryPrint(d: Dissection, at: number, length: number): void {
  d.print(' v3');
  if (length < 12 || (length & 3) !== 0) {
    d.print(` [invalid len ${length}]`);
    return;
  }
  const code = d.u8(at + 1);
  const time = igmpv3Time(code);
  if (code !== 100) {
    const text = time < 600 ? `${(time * 0.1).toFixed(1)}s` : relativeTime(Math.floor(time / 10));
    d.print(` [max resp time ${text}]`);
  }
  if (d.u32(at + 4) === 0) return;
  d.print(` [gaddr ${d.ip(at + 4)}`);
  const sources = d.u16(at + 10);
  if (sources > 0) {
    if (length < 12 + 4 * sources) d.print(' [invalid number of sources]');
    else if (d.options.v > 1) sourcesPrint(d, at + 12, sources);
    else d.print(`, ${sources} source(s)`);
  }
  d.print(']');
}

function sourcesPrint(d: Dissection, at: number, count: number): void {
  d.print(' {');
  for (let index = 0; index < count; index++) d.print(` ${d.ip(at + 4 * index)}`);
  d.print(' }');
}

function reportPrint(d: Dissection, at: number, length: number): void {
  if (length < 16 || (length & 3) !== 0) {
    d.print(` [invalid len ${length}]`);
    return;
  }
  const records = d.u16(at + 6);
  d.print(`, ${records} group record(s)`);
  const { v } = d.options;
  if (v === 0) return;
  let offset = 8;
  for (let index = 0; index < records; index++) {
    if (length < offset + 8) {
      d.print(' [invalid number of groups]');
      return;
    }
    const record = at + offset;
    d.print(` [gaddr ${d.ip(record + 4)}`);
    const type = d.u8(record);
    d.print(` ${named(RECORD_TYPES, type, ` [v3-report-#${type}]`)}`);
    const sources = d.u16(record + 2);
    if (length < offset + 8 + 4 * sources) {
      d.print(` [invalid number of sources ${sources}]`);
      return;
    }
    if (v === 1) d.print(`, ${sources} source(s)`);
    else sourcesPrint(d, record + 8, sources);
    offset += 8 + 4 * sources;
    d.print(']');
  }
}

/** A multicast traceroute query or answer. */
function tracePrint(d: Dissection, at: number, length: number, name: string): void {
  const query = at + 8;
  if (length < 8 + 16) {
    d.print(` [invalid len ${length}]`);
    return;
  }
  d.print(`${name} ${d.u24(query + 13)}: ${d.ip(query)} to ${d.ip(query + 4)} reply-to ${d.ip(query + 8)}`);
  if (d.u32(query + 8) >>> 28 === 0xe) d.print(` with-ttl ${d.u8(query + 12)}`);
}
