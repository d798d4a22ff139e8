/** IPv4: the header, its options, and the way to what it carries. */
import { pseudoHeaderSum } from '../wire/checksum.ts';
import { checksumShouldBe, type Dissection } from './dissection.ts';
import { bitNames, IP_PROTOCOLS, ipProtocolName, type Names, named } from './tokens.ts';

const IP_OFFMASK = 0x1fff;
const IP_MF = 0x2000;

const IPOPT_EOL = 0;
const IPOPT_NOP = 1;
const IPOPT_RR = 7;
const IPOPT_TS = 68;
const IPOPT_LSRR = 131;
const IPOPT_SSRR = 137;
const IPOPT_RA = 148;

const OPTIONS: Names = new Map([
  [IPOPT_EOL, 'EOL'],
  [IPOPT_NOP, 'NOP'],
  [IPOPT_TS, 'timestamp'],
  [130, 'security'],
  [IPOPT_RR, 'RR'],
  [IPOPT_SSRR, 'SSRR'],
  [IPOPT_LSRR, 'LSRR'],
  [IPOPT_RA, 'RA'],
  [82, 'traceroute'],
]);

const FLAGS: Names = new Map([
  [IP_MF, '+'],
  [0x4000, 'DF'],
  [0x8000, 'rsvd'],
]);

const ECN = ['', ',ECT(1)', ',ECT(0)', ',CE'];

/** Version 4 of an IP header: high half of its first octet. */
export function ipVersion(d: Dissection, at: number): number {
  return d.u8(at) >>> 4;
}

export function ipPrint(d: Dissection, at: number, length: number): void {
  d.protocol = 'ip';
  const version = ipVersion(d, at);
  if (version !== 4) {
    d.print(version === 6 ? 'IP6, wrong link-layer encapsulation' : `IP${version}`);
    d.printInvalid();
    return;
  }
  const { e, v } = d.options;
  if (e === 0) d.print('IP ');
  if (!d.has(at, 20)) {
    d.printTruncated();
    return;
  }
  if (length < 20) {
    d.print(`truncated-ip ${length}`);
    return;
  }
  const headerLength = (d.u8(at) & 15) * 4;
  if (headerLength < 20) {
    d.print(`bad-hlen ${headerLength}`);
    return;
  }
  let total = d.u16(at + 2);
  if (length < total) d.print(`truncated-ip - ${total - length} bytes missing! `);
  if (total < headerLength) {
    if (total !== 0) {
      d.print(`bad-len ${total}`);
      return;
    }
    // A length of zero is that of a packet larger than the field can say.
    total = length;
  }
  d.within(at, total, () => {
    let truncatedOption = false;
    if (v > 0) truncatedOption = headerPrint(d, at, headerLength);
    if (truncatedOption) {
      d.print(`${d.ip(at + 12)} > ${d.ip(at + 16)}: `);
      d.printTruncated();
      return;
    }
    bodyPrint(d, at, headerLength, total - headerLength);
  });
}

function bodyPrint(d: Dissection, at: number, headerLength: number, length: number): void {
  const fragment = d.u16(at + 6);
  const protocol = d.u8(at + 9);
  if ((fragment & IP_OFFMASK) !== 0) {
    if (d.options.q > 1) return;
    d.print(`${d.ip(at + 12)} > ${d.ip(at + 16)}:`);
    d.print(` ${protocolText(d, protocol)}`);
    return;
  }
  if (protocol !== 6 && protocol !== 17 && protocol !== 132 && protocol !== 33) {
    d.print(`${d.ip(at + 12)} > ${d.ip(at + 16)}: `);
  }
  if (!d.has(at, headerLength)) {
    d.print(` [remaining caplen(${d.available(at)}) < header length(${headerLength})]`);
    d.truncate();
  }
  d.inner.ipPayload(d, at + headerLength, length, {
    version: 4,
    fragmented: (fragment & IP_MF) !== 0,
    protocol,
    header: at,
  });
}

/** A protocol without a printer. */
export function protocolText(d: Dissection, protocol: number): string {
  return (d.options.n === 0 ? ipProtocolName(protocol) : undefined) ?? `ip-proto-${protocol}`;
}

/** The details of -v. Returns whether an option was cut off. */
function headerPrint(d: Dissection, at: number, headerLength: number): boolean {
  const tos = d.u8(at + 1);
  d.print(`(tos 0x${tos.toString(16)}${ECN[tos & 3]}`);
  const ttl = d.u8(at + 8);
  if (ttl >= 1) d.print(`, ttl ${ttl}`);
  const fragment = d.u16(at + 6);
  const protocol = d.u8(at + 9);
  d.print(
    `, id ${d.u16(at + 4)}, offset ${(fragment & IP_OFFMASK) * 8}, flags [${bitNames(FLAGS, fragment & 0xe000, 'none')}]` +
      `, proto ${named(IP_PROTOCOLS, protocol, 'unknown')} (${protocol})`,
  );
  d.print(`, length ${d.u16(at + 2)}`);
  let truncated = false;
  if (headerLength > 20) {
    d.print(', options (');
    truncated = !optionsPrint(d, at + 20, headerLength - 20);
    if (truncated) d.print(' [truncated-option]');
    d.print(')');
  }
  if (d.options.K === 0 && at + headerLength <= d.snapEnd) {
    const sum = d.checksum(at, headerLength);
    if (sum !== 0) {
      const field = d.u16(at + 10);
      d.print(`, bad cksum ${field.toString(16)} (->${checksumShouldBe(field, sum).toString(16)})!`);
    }
  }
  d.print(')\n    ');
  return truncated;
}

/** False when the captured bytes end within an option. */
function optionsPrint(d: Dissection, start: number, length: number): boolean {
  let separator = '';
  let optionLength: number;
  for (let [at, left] = [start, length]; left > 0; at += optionLength, left -= optionLength) {
    d.print(separator);
    separator = ',';
    const code = d.u8(at);
    d.print(named(OPTIONS, code, `unknown ${code}`));
    if (code === IPOPT_NOP || code === IPOPT_EOL) {
      optionLength = 1;
    } else {
      optionLength = d.u8(at + 1);
      if (optionLength < 2) {
        d.print(` [bad length ${optionLength}]`);
        return true;
      }
    }
    if (optionLength > left) {
      d.print(` [bad length ${optionLength}]`);
      return true;
    }
    if (!d.has(at, optionLength)) return false;
    if (code === IPOPT_EOL) return true;
    if (code === IPOPT_TS) {
      if (!timestampPrint(d, at, optionLength)) return false;
    } else if (code === IPOPT_RR || code === IPOPT_SSRR || code === IPOPT_LSRR) {
      if (!routePrint(d, at, optionLength)) return false;
    } else if (code === IPOPT_RA) {
      if (optionLength < 4) d.print(` [bad length ${optionLength}]`);
      else if (d.u16(at + 2) !== 0) d.print(` value ${d.u16(at + 2)}`);
    }
  }
  return true;
}

function routePrint(d: Dissection, at: number, length: number): boolean {
  if (length < 3) {
    d.print(` [bad length ${length}]`);
    return true;
  }
  if (((length + 1) & 3) !== 0) d.print(` [bad length ${length}]`);
  const pointer = (d.u8(at + 2) - 1) >>> 0;
  if (pointer < 3 || ((pointer + 1) & 3) !== 0 || pointer > length + 1) d.print(` [bad ptr ${d.u8(at + 2)}]`);
  for (let offset = 3; offset < length; offset += 4) {
    if (!d.has(at + offset, 4)) return false;
    d.print(` ${d.ip(at + offset)}`);
    if (pointer > offset) d.print(',');
  }
  return true;
}

const TIMESTAMP_KINDS: Names = new Map([
  [0, 'TSONLY'],
  [1, 'TS+ADDR'],
  [3, 'PRESPEC'],
]);

function timestampPrint(d: Dissection, at: number, length: number): boolean {
  if (length < 4) {
    d.print(`[bad length ${length}]`);
    return true;
  }
  d.print(' TS{');
  const kind = d.u8(at + 3) & 15;
  const hop = kind === 0 ? 4 : 8;
  if (((length - 4) & (hop - 1)) !== 0) d.print(`[bad length ${length}]`);
  const pointer = (d.u8(at + 2) - 1) >>> 0;
  let offset = 0;
  if (pointer < 4 || ((pointer - 4) & (hop - 1)) !== 0 || pointer > length + 1) d.print(`[bad ptr ${d.u8(at + 2)}]`);
  const name = TIMESTAMP_KINDS.get(kind);
  if (name === undefined) {
    d.print(`[bad ts type ${kind}]`);
  } else {
    d.print(name);
    let separator = ' ';
    for (offset = 4; offset < length; offset += hop) {
      if (pointer === offset) separator = ' ^ ';
      if (!d.has(at + offset, hop)) return false;
      d.print(`${separator}${d.u32(at + offset + hop - 4)}@${hop !== 8 ? '' : d.ip(at + offset)}`);
      separator = ' ';
    }
  }
  if (pointer === offset) d.print(' ^ ');
  const missed = d.u8(at + 3) >>> 4;
  d.print(missed !== 0 ? ` [${missed} hops not recorded]} ` : '}');
  return true;
}

/** The destination of a pseudo header: the last hop of a source route, if there is one (ip_finddst). */
function finalDestination(d: Dissection, header: number): number {
  let left = (d.u8(header) & 15) * 4 - 20;
  let optionLength: number;
  for (let at = header + 20; left > 0; at += optionLength, left -= optionLength) {
    const code = d.u8(at);
    if (code === IPOPT_EOL) break;
    optionLength = code === IPOPT_NOP ? 1 : d.u8(at + 1);
    if ((code !== IPOPT_NOP && optionLength < 2) || left < optionLength || !d.has(at, optionLength)) break;
    if ((code === IPOPT_SSRR || code === IPOPT_LSRR) && optionLength >= 7) return d.u32(at + optionLength - 4);
  }
  return d.u32(header + 16);
}

/** The checksum of a transport header under the IPv4 header at `header`: zero when it is right (nextproto4_cksum). */
export function transportChecksum4(
  d: Dissection,
  header: number,
  at: number,
  length: number,
  protocol: number,
): number {
  const sum = pseudoHeaderSum(d.u32(header + 12), finalDestination(d, header), protocol, length & 0xffff);
  return d.checksum(at, length, sum);
}

/** Raw IP of either version. */
export function rawIpPrint(d: Dissection, at: number, length: number): void {
  d.protocol = 'ipn';
  if (length < 1) {
    d.print(`truncated-ip ${length}`);
    return;
  }
  const version = d.u8(at) >>> 4;
  if (version === 4) ipPrint(d, at, length);
  else if (version === 6) d.inner.ip6(d, at, length);
  else d.print(`unknown ip ${version}`);
}
