/** What an IP header carries, by protocol number. */
import type { Dissection, IpHeader } from './dissection.ts';
import { icmpPrint } from './print-icmp.ts';
import { icmp6Print } from './print-icmp6.ts';
import { igmpPrint } from './print-igmp.ts';
import { protocolText } from './print-ip.ts';
import { tcpPrint } from './print-tcp.ts';
import { udpPrint } from './print-udp.ts';
import { IP_PROTOCOLS, named } from './tokens.ts';

/** A protocol that belongs to the other version of IP. */
function misplaced(d: Dissection, protocol: number, version: number): void {
  d.print(`[${named(IP_PROTOCOLS, protocol, 'unknown')} requires IPv${version}]`);
  d.printInvalid();
}

export function ipPayloadPrint(d: Dissection, at: number, length: number, ip: IpHeader): void {
  switch (ip.protocol) {
    case 1:
      if (ip.version === 4) icmpPrint(d, at, length, ip.fragmented);
      else misplaced(d, 1, 4);
      break;
    case 2:
      if (ip.version === 4) igmpPrint(d, at, length);
      else misplaced(d, 2, 4);
      break;
    case 4:
      d.inner.ip(d, at, length);
      break;
    case 6:
      tcpPrint(d, at, length, ip);
      break;
    case 17:
      udpPrint(d, at, length, ip);
      break;
    case 41:
      d.inner.ip6(d, at, length);
      break;
    case 58:
      if (ip.version === 6) icmp6Print(d, at, length, ip);
      else misplaced(d, 58, 6);
      break;
    case 59:
      d.print('no next header');
      break;
    case 77:
      d.print(` nd ${length}`);
      break;
    case 143:
      if (ip.version === 6) d.inner.ethernet(d, at, length, d.available(at));
      else misplaced(d, 143, 6);
      break;
    default:
      d.print(` ${protocolText(d, ip.protocol)} ${length}`);
  }
}
