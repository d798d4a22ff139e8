/** The transport protocols over IPv4: they put themselves in. */
import type { SkBuff } from '../core/skbuff.ts';

export interface NetProtocol {
  /** Takes the packet over; `data` stands at the transport header. */
  handler(skb: SkBuff): void;
  /**
   * An ICMP error about a packet of ours: `data` stands at the header of the packet that failed, the ICMP header
   * lies at `transportHeader`. Does not take the packet over.
   */
  errHandler?(skb: SkBuff, info: number): void;
}

/** By protocol number. */
export const inetProtos: (NetProtocol | undefined)[] = [];

/** Raw sockets, which get copies of all that is delivered and all errors; set by raw.ts. */
export const rawHooks: {
  /** Whether a socket got it. */
  localDeliver(skb: SkBuff, protocol: number): boolean;
  icmpError(skb: SkBuff, protocol: number, info: number): void;
} = {
  localDeliver: () => false,
  icmpError: () => {},
};
