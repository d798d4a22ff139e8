/** What well-known UDP ports carry, where there is a printer for it. */
import { type Dissection, hex2 } from './dissection.ts';
import { bootpPrint } from './print-bootp.ts';
import { domainPrint } from './print-domain.ts';
import { ntpPrint } from './print-ntp.ts';
import { syslogPrint } from './print-syslog.ts';
import { tftpPrint } from './print-tftp.ts';

const RX_PORT_LOW = 7000;
const RX_PORT_HIGH = 7009;
const RX_HEADER_LENGTH = 28;

type PayloadPrinter = (d: Dissection, at: number, length: number) => void;

/** In the order in which tcpdump asks for them: either port may be the one. */
const PRINTERS: readonly (readonly [ports: readonly number[], printer: PayloadPrinter])[] = [
  [[53], (d, at, length) => domainPrint(d, at, length, false)],
  [[5353], (d, at, length) => domainPrint(d, at, length, true)],
  [[69], tftpPrint],
  [[67, 68], bootpPrint],
  [[123], ntpPrint],
  [[514], syslogPrint],
  [[4789], vxlanPrint],
];

/** Print a datagram's data; false when its ports say nothing. */
export function udpPayload(d: Dissection, at: number, length: number, source: number, destination: number): boolean {
  const found = PRINTERS.find(([ports]) => ports.includes(source) || ports.includes(destination));
  found?.[1](d, at, length);
  if (found !== undefined) return true;
  const isAfs = (port: number) => port >= RX_PORT_LOW && port <= RX_PORT_HIGH;
  if (!(isAfs(source) || isAfs(destination)) || d.has(at, RX_HEADER_LENGTH)) return false;
  d.protocol = 'rx';
  d.printTruncated();
  d.print(` (${length})`);
  return true;
}

/** VXLAN (RFC 7348): flags, network identifier, an Ethernet frame. */
function vxlanPrint(d: Dissection, at: number, length: number): void {
  d.protocol = 'vxlan';
  d.print('VXLAN');
  if (length < 8) {
    d.printInvalid();
    return;
  }
  const flags = d.u8(at);
  d.print(`, flags [${(flags & 0x08) !== 0 ? 'I' : 'invalid'}] (0x${hex2(flags)}), `);
  d.print(`vni ${d.u24(at + 4)}\n`);
  d.need(at + 7, 1);
  d.inner.ethernet(d, at + 8, length - 8, d.available(at + 8));
}
