/** What well-known UDP ports carry, where tcpdump has a printer for it. */
import { type Dissection, hex2, type IpHeader } from './dissection.ts';

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
