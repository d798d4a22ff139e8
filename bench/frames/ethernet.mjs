// The frames that the benchmarks send, as bytes.
import { parseIpv4, putMac, putU16, putU32 } from '../../dist/wire/addr.js';

/** An EtherType for experiments (IEEE 802): no protocol takes it, so the frame ends at the receiver. */
const EXPERIMENT = 0x88b5;
const ETH_P_ARP = 0x0806;
const BROADCAST = 0xffffffffffff;

/** The link address of the host or device number `n`. */
export const mac = (n) => 0x020000000000 + n;

/** The address of host `n` among up to 65,534 on one network, 10.0.0.0/16. */
export const hostAddress = (n) => `10.0.${n >> 8}.${n & 255}`;

export function ethernet(size, dst, src, type = EXPERIMENT) {
  const frame = new Uint8Array(size);
  putMac(frame, 0, dst);
  putMac(frame, 6, src);
  putU16(frame, 12, type);
  return frame;
}

export const broadcast = (size, src) => ethernet(size, BROADCAST, src);

/** Who has the address of host `target`? Tell host `sender`. */
export function arpRequest(sender, target) {
  const frame = ethernet(60, BROADCAST, mac(sender), ETH_P_ARP);
  const ethernetIpv4 = [0, 1, 8, 0, 6, 4, 0, 1];
  frame.set(ethernetIpv4, 14);
  putMac(frame, 22, mac(sender));
  putU32(frame, 28, parseIpv4(hostAddress(sender)));
  putU32(frame, 38, parseIpv4(hostAddress(target)));
  return frame;
}

/** The frame in hexadecimal, without the zeros at its end. */
export function hexHeader(frame) {
  const end = frame.findLastIndex((byte) => byte !== 0) + 1;
  return Buffer.from(frame.subarray(0, end)).toString('hex');
}
