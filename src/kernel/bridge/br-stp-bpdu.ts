/** BPDUs on the wire (net/bridge/br_stp_bpdu.c, IEEE 802.1D clause 9). */
import { ETH_P_802_2 } from '../../uapi/if.ts';
import type { BridgeId } from '../../uapi/rtnetlink.ts';
import { macAt, putMac, putU16, putU32, u16At, u32At } from '../../wire/addr.ts';
import { devQueueXmit } from '../core/dev-xmit.ts';
import { NF_INET_LOCAL_OUT, NFPROTO_BRIDGE, nfHook } from '../core/netfilter.ts';
import { type SkBuff, skbFromBytes } from '../core/skbuff.ts';
import { BR_KERNEL_STP, HZ, type NetBridgePort } from './br-private.ts';

/** Units of times in a BPDU, per second. */
const STP_HZ = 256;
export const BPDU_TYPE_CONFIG = 0;
export const BPDU_TYPE_TCN = 0x80;
/** Ethernet header and LLC. */
const HEADER = 14 + 3;
const CONFIG_LENGTH = 35;
const TCN_LENGTH = 4;

/** struct br_config_bpdu; times in jiffies. */
export interface ConfigBpdu {
  topologyChange: number;
  topologyChangeAck: number;
  root: BridgeId;
  rootPathCost: number;
  bridgeId: BridgeId;
  portId: number;
  messageAge: number;
  maxAge: number;
  helloTime: number;
  forwardDelay: number;
}

function sendFinish(skb: SkBuff): void {
  devQueueXmit(skb);
}

/** @kernel net/bridge/br_stp_bpdu.c br_send_bpdu */
function sendBpdu(p: NetBridgePort, frame: Uint8Array): void {
  putMac(frame, 0, p.br.groupAddr);
  putMac(frame, 6, p.dev.addr);
  putU16(frame, 12, frame.length - 14);
  frame[14] = 0x42;
  frame[15] = 0x42;
  frame[16] = 0x03;
  const skb = skbFromBytes(p.dev.net.kernel, frame, 'br_send_bpdu');
  skb.protocol = ETH_P_802_2;
  skb.dev = p.dev;
  if (nfHook(NFPROTO_BRIDGE, NF_INET_LOCAL_OUT, p.dev.net, skb, undefined, p.dev, sendFinish)) sendFinish(skb);
}

function putId(frame: Uint8Array, at: number, id: BridgeId): void {
  putU16(frame, at, id.priority);
  putMac(frame, at + 2, id.address);
}

/** @kernel net/bridge/br_stp_bpdu.c br_send_config_bpdu */
export function brSendConfigBpdu(p: NetBridgePort, bpdu: ConfigBpdu): void {
  if (p.br.stpEnabled !== BR_KERNEL_STP) return;
  const frame = new Uint8Array(HEADER + CONFIG_LENGTH);
  const at = HEADER;
  frame[at + 3] = BPDU_TYPE_CONFIG;
  frame[at + 4] = (bpdu.topologyChange !== 0 ? 0x01 : 0) | (bpdu.topologyChangeAck !== 0 ? 0x80 : 0);
  putId(frame, at + 5, bpdu.root);
  putU32(frame, at + 13, bpdu.rootPathCost);
  putId(frame, at + 17, bpdu.bridgeId);
  putU16(frame, at + 25, bpdu.portId);
  const times = [bpdu.messageAge, bpdu.maxAge, bpdu.helloTime, bpdu.forwardDelay];
  times.forEach((jiffies, i) => {
    putU16(frame, at + 27 + 2 * i, Math.floor((STP_HZ * jiffies) / HZ));
  });
  sendBpdu(p, frame);
}

/** @kernel net/bridge/br_stp_bpdu.c br_send_tcn_bpdu */
export function brSendTcnBpdu(p: NetBridgePort): void {
  if (p.br.stpEnabled !== BR_KERNEL_STP) return;
  const frame = new Uint8Array(HEADER + TCN_LENGTH);
  frame[HEADER + 3] = BPDU_TYPE_TCN;
  sendBpdu(p, frame);
}

/** The configuration BPDU whose flags are at `at` + 4. */
export function parseConfigBpdu(bytes: Uint8Array, at: number): ConfigBpdu {
  const id = (from: number): BridgeId => ({ priority: u16At(bytes, from), address: macAt(bytes, from + 2) });
  const time = (from: number) => Math.ceil((u16At(bytes, from) * HZ) / STP_HZ);
  return {
    topologyChange: bytes[at + 4]! & 0x01,
    topologyChangeAck: (bytes[at + 4]! & 0x80) >> 7,
    root: id(at + 5),
    rootPathCost: u32At(bytes, at + 13),
    bridgeId: id(at + 17),
    portId: u16At(bytes, at + 25),
    messageAge: time(at + 27),
    maxAge: time(at + 29),
    helloTime: time(at + 31),
    forwardDelay: time(at + 33),
  };
}
