/** Asking which way a packet would take. */
import type { Ipv4 } from '../wire/addr.ts';

/** RTM_GETROUTE without NLM_F_DUMP: `ip route get`. */
export interface RouteGetRequest {
  dst: Ipv4;
  src?: Ipv4;
  iif?: number;
  oif?: number;
  tos?: number;
  mark?: number;
  uid?: number;
  /** What rules may look at; without a protocol, UDP. */
  ipproto?: number;
  sport?: number;
  dport?: number;
  /** RTM_F_FIB_MATCH: show the route matched, not the result. */
  fibMatch?: boolean;
}
