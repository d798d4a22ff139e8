/** What is remembered of other hosts: how many ICMP errors and redirects they were sent (struct inet_peer). */
import type { Ipv4 } from '../../wire/addr.ts';

export interface InetPeer {
  /** Nanoseconds of credit. */
  rateTokens: number;
  /** Nanoseconds since boot. */
  rateLast: number;
  /** Redirects sent since it last fell silent. */
  nRedirects: number;
}

const LIMIT = 4096;

export class InetPeers {
  private readonly peers = new Map<Ipv4, InetPeer>();

  /** @kernel net/ipv4/inetpeer.c inet_getpeer #P[the oldest goes when there are too many] */
  get(address: Ipv4, now: number): InetPeer {
    const { peers } = this;
    let peer = peers.get(address);
    if (peer === undefined) {
      if (peers.size >= LIMIT) peers.delete(peers.keys().next().value!);
      // The kernel lets a new peer send a full burst at once.
      peer = { rateTokens: 0, rateLast: now - 60e9, nRedirects: 0 };
      peers.set(address, peer);
    }
    return peer;
  }
}

const XRLIM_BURST_FACTOR = 6;

/**
 * A token bucket: one error per `timeout`, six in a burst.
 * @kernel net/ipv4/inetpeer.c inet_peer_xrlim_allow
 * @param timeout nanoseconds; 0 for no limit
 */
export function inetPeerXrlimAllow(peer: InetPeer, timeout: number, now: number): boolean {
  if (timeout === 0) return true;
  let token = peer.rateTokens + now - peer.rateLast;
  peer.rateLast = now;
  token = Math.min(token, XRLIM_BURST_FACTOR * timeout);
  const allowed = token >= timeout;
  if (allowed) token -= timeout;
  peer.rateTokens = token;
  return allowed;
}

/** Take `cost` nanoseconds of a peer's credit, of which it saves up `burst` at most; false when it has not enough. */
export function inetPeerTake(peer: InetPeer, cost: number, burst: number, now: number): boolean {
  peer.rateTokens = Math.min(peer.rateTokens + now - peer.rateLast, burst);
  peer.rateLast = now;
  if (peer.rateTokens < cost) return false;
  peer.rateTokens -= cost;
  return true;
}
