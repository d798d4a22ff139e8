/** UDP: addresses, checksum, and what the well-known ports carry. */
import { checksumShouldBe, type Dissection, hex4, type IpHeader } from './dissection.ts';
import { transportChecksum4 } from './print-ip.ts';
import { transportChecksum6 } from './print-ip6.ts';
import { udpPayload } from './print-udp-ports.ts';

/** `source.port > destination.port: `; without ports when they were not captured. */
function addressesPrint(d: Dissection, ip: IpHeader, source: number | undefined, destination: number): void {
  const { header } = ip;
  const carriesUdp = d.u8(header + (ip.version === 6 ? 6 : 9)) === 17;
  const from = source === undefined ? '' : d.udpPort(source);
  const to = source === undefined ? '' : d.udpPort(destination);
  if (!carriesUdp) {
    if (source !== undefined) d.print(`${from} > ${to}: `);
    return;
  }
  const address = (offset4: number, offset6: number) =>
    ip.version === 6 ? d.ip6(header + offset6) : d.ip(header + offset4);
  if (source === undefined) d.print(`${address(12, 8)} > ${address(16, 24)}: `);
  else d.print(`${address(12, 8)}.${from} > ${address(16, 24)}.${to}: `);
}

export function udpPrint(d: Dissection, at: number, length: number, ip: IpHeader): void {
  d.protocol = 'udp';
  if (!d.has(at + 2, 2)) {
    addressesPrint(d, ip, undefined, 0);
    d.printTruncated();
    return;
  }
  const source = d.u16(at);
  const destination = d.u16(at + 2);
  addressesPrint(d, ip, source, destination);
  if (length < 8) {
    d.print(`truncated-udp ${length}`);
    return;
  }
  if (!d.has(at + 4, 2)) {
    d.printTruncated();
    return;
  }
  let udpLength = d.u16(at + 4);
  if (udpLength === 0 && length > 65535) udpLength = length;
  if (udpLength < 8) {
    d.print(`truncated-udplength ${udpLength}`);
    return;
  }
  udpLength -= 8;
  const dataLength = Math.min(udpLength, length - 8);
  const data = at + 8;
  if (data > d.snapEnd) {
    d.printTruncated();
    return;
  }
  checksumPrint(d, at, dataLength, ip);
  if (d.options.q === 0 && udpPayload(d, data, dataLength, source, destination)) return;
  if (udpLength > dataLength && !ip.fragmented) d.print(`UDP, bad length ${udpLength} > ${dataLength}`);
  else d.print(`UDP, length ${udpLength}`);
}

function checksumPrint(d: Dissection, at: number, dataLength: number, ip: IpHeader): void {
  const { v, K } = d.options;
  if (v === 0 || K > 0 || ip.fragmented) return;
  // Over IPv4 it takes -vv; over IPv6 the checksum is mandatory, so -v is enough.
  if (ip.version === 4 && v < 2) return;
  const field = ip.version === 4 ? d.u16(at + 6) : undefined;
  if (field === 0) {
    d.print('[no cksum] ');
    return;
  }
  if (!d.has(at + 8, dataLength)) return;
  const sum = (ip.version === 4 ? transportChecksum4 : transportChecksum6)(d, ip.header, at, dataLength + 8, 17);
  const given = d.u16(at + 6);
  if (sum !== 0) d.print(`[bad udp cksum 0x${hex4(given)} -> 0x${hex4(checksumShouldBe(given, sum))}!] `);
  else d.print('[udp sum ok] ');
}
