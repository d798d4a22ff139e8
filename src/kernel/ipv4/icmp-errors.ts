/** What ICMP errors mean to sockets. */
import {
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EMSGSIZE,
  ENETUNREACH,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPROTO,
} from '../../uapi/errno.ts';
import { ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, ICMP_PARAMETERPROB } from '../../wire/icmp.ts';
import { ipv4Destination, ipv4Protocol, ipv4Source, ipv4Tos } from '../../wire/ipv4.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { Flowi4 } from './fib.ts';
import type { InetSock } from './inet-sock.ts';
import { ipDoRedirect } from './ip-redirect.ts';
import type { Ipv4Net } from './ipv4-net.ts';
import { ipRtUpdatePmtu } from './route-exceptions.ts';
import { ipRouteOutputKey } from './route-output.ts';

const ENONET = 64;

/** By code of "destination unreachable": the error, and whether it ends a connection (icmp_err_convert). */
const UNREACHABLE: readonly (readonly [errno: number, fatal: boolean])[] = [
  [ENETUNREACH, false],
  [EHOSTUNREACH, false],
  [ENOPROTOOPT, true],
  [ECONNREFUSED, true],
  [EMSGSIZE, false],
  [EOPNOTSUPP, false],
  [ENETUNREACH, true],
  [EHOSTDOWN, true],
  [ENONET, true],
  [ENETUNREACH, true],
  [EHOSTUNREACH, true],
  [ENETUNREACH, false],
  [EHOSTUNREACH, false],
  [EHOSTUNREACH, true],
  [EHOSTUNREACH, true],
  [EHOSTUNREACH, true],
];

/** The error that an ICMP message is, and whether it ends a connection. */
export function icmpErrConvert(type: number, code: number): { errno: number; fatal: boolean } {
  if (type === ICMP_PARAMETERPROB) return { errno: EPROTO, fatal: true };
  if (type === ICMP_DEST_UNREACH && code < UNREACHABLE.length) {
    const [errno, fatal] = UNREACHABLE[code]!;
    return { errno, fatal };
  }
  return { errno: EHOSTUNREACH, fatal: false };
}

export function isFragNeeded(type: number, code: number): boolean {
  return type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED;
}

/** The flow of the packet of ours whose header stands at `data`. @kernel net/ipv4/route.c __build_flow_key */
function flowOfInner(skb: SkBuff, sk: InetSock | undefined): Flowi4 {
  const { bytes, data: at } = skb;
  const flow = new Flowi4();
  flow.daddr = ipv4Destination(bytes, at);
  flow.saddr = ipv4Source(bytes, at);
  flow.proto = ipv4Protocol(bytes, at);
  flow.tos = sk?.tos ?? ipv4Tos(bytes, at);
  flow.oif = sk?.boundDevIf ?? 0;
  flow.mark = sk?.mark ?? 0;
  return flow;
}

/** @kernel net/ipv4/route.c ipv4_sk_update_pmtu */
export function ipv4UpdatePmtu(skb: SkBuff, ipv4: Ipv4Net, mtu: number, sk?: InetSock): void {
  const flow = flowOfInner(skb, sk);
  const rt = ipRouteOutputKey(ipv4, flow);
  if (typeof rt !== 'number') ipRtUpdatePmtu(rt, flow, mtu);
}

/** @kernel net/ipv4/route.c ipv4_sk_redirect */
export function ipv4Redirect(skb: SkBuff, ipv4: Ipv4Net, sk?: InetSock): void {
  const flow = flowOfInner(skb, sk);
  const rt = ipRouteOutputKey(ipv4, flow);
  if (typeof rt !== 'number') ipDoRedirect(rt, skb, flow);
}
