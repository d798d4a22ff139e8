/** Protocol and ports of a received packet, where rules look at them. */
import { IPPROTO_TCP, IPPROTO_UDP, ipv4HeaderLength, ipv4Protocol } from '../../wire/ipv4.ts';
import type { SkBuff } from '../core/skbuff.ts';
import type { Flowi4 } from './fib.ts';
import type { Ipv4Net } from './ipv4-net.ts';

/**
 * Fill in what a rule may ask for; `back` for the way back to the sender. A fragment has no ports but the first one.
 * @kernel include/net/ip_fib.h fib4_rules_early_flow_dissect
 */
export function flowPorts(ipv4: Ipv4Net, skb: SkBuff, flow: Flowi4, back: boolean): void {
  flow.proto = 0;
  flow.sport = 0;
  flow.dport = 0;
  if (!ipv4.fibRulesRequireFldissect) return;
  const { bytes, networkHeader: at } = skb;
  flow.proto = ipv4Protocol(bytes, at);
  const ports = at + ipv4HeaderLength(bytes, at);
  const offset = ((bytes[at + 6]! & 0x1f) << 8) | bytes[at + 7]!;
  const hasPorts = flow.proto === IPPROTO_UDP || flow.proto === IPPROTO_TCP;
  if (!hasPorts || offset !== 0 || ports + 4 > skb.tail) return;
  const source = (bytes[ports]! << 8) | bytes[ports + 1]!;
  const destination = (bytes[ports + 2]! << 8) | bytes[ports + 3]!;
  flow.sport = back ? destination : source;
  flow.dport = back ? source : destination;
}
