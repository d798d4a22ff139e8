/** ARP and RARP. */
import type { Dissection } from './dissection.ts';
import { ETHERTYPES, type Names, named } from './tokens.ts';

const ETHERTYPE_IP = 0x0800;
const ETHERTYPE_TRAIL = 0x1000;
const ARPHRD_ATM = 19;

const HARDWARE: Names = new Map([
  [1, 'Ethernet'],
  [6, 'TokenRing'],
  [7, 'ArcNet'],
  [15, 'FrameRelay'],
  [23, 'Strip'],
  [24, 'IEEE 1394'],
  [ARPHRD_ATM, 'ATM'],
  [32, 'InfiniBand'],
]);

const OPERATIONS: Names = new Map([
  [1, 'Request'],
  [2, 'Reply'],
  [3, 'Reverse Request'],
  [4, 'Reverse Reply'],
  [8, 'Inverse Request'],
  [9, 'Inverse Reply'],
  [10, 'NACK Reply'],
]);

export function arpPrint(d: Dissection, at: number, length: number, captured: number): void {
  d.protocol = 'arp';
  d.need(at, 8);
  const hardware = d.u16(at);
  const protocol = d.u16(at + 2);
  const hardwareLength = d.u8(at + 4);
  const protocolLength = d.u8(at + 5);
  const operation = d.u16(at + 6);
  const senderMac = at + 8;
  const senderIp = senderMac + hardwareLength;
  const targetMac = senderIp + protocolLength;
  const targetIp = targetMac + hardwareLength;
  d.need(targetIp, protocolLength);
  const { e, v } = d.options;
  if (e === 0) d.print('ARP, ');
  const isIp = protocol === ETHERTYPE_IP || protocol === ETHERTYPE_TRAIL;
  if (!isIp || protocolLength !== 4 || hardwareLength === 0 || v > 0) {
    const hardwareName = named(HARDWARE, hardware, `Unknown Hardware (${hardware})`);
    const unknown = `Unknown Protocol (0x${protocol.toString(16).padStart(4, '0')})`;
    d.print(`${hardwareName} (len ${hardwareLength}), ${named(ETHERTYPES, protocol, unknown)} (len ${protocolLength})`);
    if (v === 0) {
      d.print(`, length ${length}`);
      return;
    }
  }
  const ip = (address: number): string => {
    if (!isIp) return '<wrong proto type>';
    return protocolLength === 4 ? d.ip(address) : '<wrong len>';
  };
  const mac = (address: number) => d.linkAddress(address, hardwareLength);
  d.print(`${v > 0 ? ', ' : ''}${named(OPERATIONS, operation, `Unknown (${operation})`)} `);
  switch (operation) {
    case 1: {
      d.print(`who-has ${ip(targetIp)}`);
      d.need(targetMac, hardwareLength);
      const target = d.bytes.subarray(targetMac, targetMac + hardwareLength);
      if (target.some((octet) => octet !== 0)) d.print(` (${mac(targetMac)})`);
      d.print(` tell ${ip(senderIp)}`);
      break;
    }
    case 2:
      d.print(ip(senderIp));
      d.print(` is-at ${mac(senderMac)}`);
      break;
    case 3:
    case 8:
      d.print(`who-is ${mac(targetMac)}`);
      d.print(` tell ${mac(senderMac)}`);
      break;
    case 4:
      d.print(`${mac(targetMac)} at `);
      d.print(ip(targetIp));
      break;
    case 9:
      d.print(`${mac(senderMac)} at `);
      d.print(ip(senderIp));
      break;
    default:
      d.printDefault(at, captured);
      return;
  }
  d.print(`, length ${length}`);
}
