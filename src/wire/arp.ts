/** ARP for IPv4 over Ethernet (RFC 826): 28 octets after the Ethernet header. */
import { type Ipv4, ipv4At, type Mac, macAt, putIpv4, putMac, putU16, u16At } from './addr.ts';
import { malformed, truncated, VALID, type Validity } from './validity.ts';

export const ARP_HEADER_LENGTH = 8;
/** Header and the four addresses of the Ethernet and IPv4 form. */
export const ARP_LENGTH = 28;
export const ARPOP_REQUEST = 1;
export const ARPOP_REPLY = 2;
export const ARPOP_RREQUEST = 3;
export const ARPOP_RREPLY = 4;
export const ARPOP_INREQUEST = 8;
export const ARPOP_INREPLY = 9;
const ARPHRD_ETHER = 1;
const ETH_P_IP = 0x0800;

export function arpHardwareType(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at);
}

export function arpProtocolType(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 2);
}

export function arpHardwareLength(bytes: Uint8Array, at: number): number {
  return bytes[at + 4]!;
}

export function arpProtocolLength(bytes: Uint8Array, at: number): number {
  return bytes[at + 5]!;
}

export function arpOperation(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 6);
}

export function arpSenderMac(bytes: Uint8Array, at: number): Mac {
  return macAt(bytes, at + 8);
}

export function arpSenderIp(bytes: Uint8Array, at: number): Ipv4 {
  return ipv4At(bytes, at + 14);
}

export function arpTargetMac(bytes: Uint8Array, at: number): Mac {
  return macAt(bytes, at + 18);
}

export function arpTargetIp(bytes: Uint8Array, at: number): Ipv4 {
  return ipv4At(bytes, at + 24);
}

/** Whether the message at `at` is the Ethernet and IPv4 form, whole. */
export function validateArp(bytes: Uint8Array, at: number, end: number): Validity {
  if (end - at < ARP_HEADER_LENGTH) return truncated(end);
  if (arpHardwareType(bytes, at) !== ARPHRD_ETHER) return malformed(at, 'hardware type');
  if (arpProtocolType(bytes, at) !== ETH_P_IP) return malformed(at + 2, 'protocol type');
  if (arpHardwareLength(bytes, at) !== 6) return malformed(at + 4, 'hardware length');
  if (arpProtocolLength(bytes, at) !== 4) return malformed(at + 5, 'protocol length');
  return end - at < ARP_LENGTH ? truncated(end) : VALID;
}

/** Write the 28 octets of a message. */
export function putArp(
  bytes: Uint8Array,
  at: number,
  operation: number,
  senderMac: Mac,
  senderIp: Ipv4,
  targetMac: Mac,
  targetIp: Ipv4,
): void {
  putU16(bytes, at, ARPHRD_ETHER);
  putU16(bytes, at + 2, ETH_P_IP);
  bytes[at + 4] = 6;
  bytes[at + 5] = 4;
  putU16(bytes, at + 6, operation);
  putMac(bytes, at + 8, senderMac);
  putIpv4(bytes, at + 14, senderIp);
  putMac(bytes, at + 18, targetMac);
  putIpv4(bytes, at + 24, targetIp);
}
