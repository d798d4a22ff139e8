/** What matches and targets get to see of a packet, and how targets answer. */

import { u16At } from '../../wire/addr.ts';
import { IP_OFFSET, ipv4HeaderLength } from '../../wire/ipv4.ts';
import type { NfHookState } from '../core/netfilter.ts';
import type { SkBuff } from '../core/skbuff.ts';

/** A target's answer that lets the next rule have a look (XT_CONTINUE). */
export const XT_CONTINUE = -1;

/** struct xt_action_param: one packet on its way through one table. */
export class XtPacket {
  declare readonly skb: SkBuff;
  declare readonly state: NfHookState;
  /** Set by a match that finds the packet unfit to live. */
  hotdrop = false;

  constructor(skb: SkBuff, state: NfHookState) {
    this.skb = skb;
    this.state = state;
  }

  /** Offset of the IPv4 header. */
  get ip(): number {
    return this.skb.networkHeader;
  }

  get proto(): number {
    return this.skb.bytes[this.skb.networkHeader + 9]!;
  }

  /** Offset of the transport header. */
  get transport(): number {
    return this.skb.networkHeader + ipv4HeaderLength(this.skb.bytes, this.skb.networkHeader);
  }

  /** Fragment offset: not 0 for second and further fragments, which have no transport header. */
  get fragment(): number {
    return u16At(this.skb.bytes, this.skb.networkHeader + 6) & IP_OFFSET;
  }
}

export type XtMatchFn = (packet: XtPacket) => boolean;
/** A verdict of the hook (NF_ACCEPT, NF_DROP, NF_STOLEN) or XT_CONTINUE. */
export type XtTargetFn = (packet: XtPacket) => number;
