/** What well-known UDP ports carry, where tcpdump has a printer for it. */
import { type Dissection, hex2, type IpHeader } from './dissection.ts';

const NAMESERVER_PORT = 53;
const MULTICASTDNS_PORT = 5353;
const DNS_HEADER_LENGTH = 12;

/** Print a datagram's data; false when its ports say nothing. */
export function udpPayload(
  d: Dissection,
  at: number,
  length: number,
  source: number,
  destination: number,
  _ip: IpHeader,
): boolean {
  const port = (wanted: number) => source === wanted || destination === wanted;
  if (port(4789)) {
    vxlanPrint(d, at, length);
    return true;
  }
  if ((port(NAMESERVER_PORT) || port(MULTICASTDNS_PORT)) && length < DNS_HEADER_LENGTH) {
    d.protocol = 'domain';
    d.print(`domain [length ${length} < ${DNS_HEADER_LENGTH}]`);
    d.printInvalid();
    return true;
  }
  return false;
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
