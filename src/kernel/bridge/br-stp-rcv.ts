/** BPDUs that come in: the LLC service access point of STP (net/bridge/br_stp_bpdu.c br_stp_rcv). */
import { IFF_UP, PACKET_OTHERHOST } from '../../uapi/if.ts';
import { macAt } from '../../wire/addr.ts';
import { REASON } from '../core/drop-reason.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { consumeSkb, kfreeSkbReason, type SkBuff } from '../core/skbuff.ts';
import {
  BR_BPDU_GUARD,
  BR_KERNEL_STP,
  BR_STATE_DISABLED,
  brInfo,
  brPortGet,
  type NetBridgePort,
} from './br-private.ts';
import { brReceivedConfigBpdu, brReceivedTcnBpdu } from './br-stp.ts';
import { BPDU_TYPE_CONFIG, BPDU_TYPE_TCN, parseConfigBpdu } from './br-stp-bpdu.ts';
import { brStpDisablePort } from './br-stp-if.ts';

/** LLC_SAP_BSPAN. */
const SAP_BSPAN = 0x42;
const LLC_UI = 0x03;

/** @kernel net/llc/llc_input.c llc_rcv #P[service access points other than STP's] */
export function llcRcv(skb: SkBuff, dev: NetDevice): void {
  const { bytes, data } = skb;
  const p = brPortGet(dev);
  const isStp =
    skb.len >= 7 && bytes[data] === SAP_BSPAN && bytes[data + 1] === SAP_BSPAN && bytes[data + 2] === LLC_UI;
  if (skb.pktType === PACKET_OTHERHOST || !isStp || p === undefined) {
    kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'llc_rcv', 'nobody here listens to this LLC service access point');
    return;
  }
  stpRcv(p, skb, data + 3);
  consumeSkb(skb, 'br_stp_rcv');
}

/** @kernel net/bridge/br_stp_bpdu.c br_stp_rcv */
function stpRcv(p: NetBridgePort, skb: SkBuff, at: number): void {
  const { br } = p;
  const { bytes } = skb;
  if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 0) return;
  if (br.stpEnabled !== BR_KERNEL_STP || (br.dev.flags & IFF_UP) === 0 || p.state === BR_STATE_DISABLED) return;
  if (macAt(bytes, skb.macHeader) !== br.groupAddr) return;
  if ((p.flags & BR_BPDU_GUARD) !== 0) {
    brInfo(br, `BPDU received on blocked port ${p.portNo}(${p.dev.name})`);
    brStpDisablePort(p);
    return;
  }
  const type = bytes[at + 3];
  if (type === BPDU_TYPE_TCN) brReceivedTcnBpdu(p);
  else if (type === BPDU_TYPE_CONFIG && skb.tail - at >= 35) {
    const bpdu = parseConfigBpdu(bytes, at);
    if (bpdu.messageAge <= bpdu.maxAge) brReceivedConfigBpdu(p, bpdu);
  }
}
