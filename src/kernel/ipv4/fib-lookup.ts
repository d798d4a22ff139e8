/** Looking up routes, and what kind of address an address is. */
import { EAGAIN, ENETUNREACH } from '../../uapi/errno.ts';
import { RT_TABLE_LOCAL, RTN_BROADCAST, RTN_MULTICAST, RTN_UNICAST } from '../../uapi/rtnetlink.ts';
import { type Ipv4, isMulticastIpv4, isZeronetIpv4 } from '../../wire/addr.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { FibResult, Flowi4 } from './fib.ts';
import { fibRulesLookup } from './fib-rules.ts';
import { fibTableLookup } from './fib-table-lookup.ts';
import type { Ipv4Net } from './ipv4-net.ts';

/**
 * The route for a flow: by the rules, which by default mean local and main, then default. 0 or an error number.
 * @kernel include/net/ip_fib.h fib_lookup
 */
export function fibLookup(ipv4: Ipv4Net, flow: Flowi4, res: FibResult, flags = 0): number {
  if (ipv4.fibHasCustomRules) return fibRulesLookup(ipv4, flow, res, flags);
  let error = EAGAIN;
  if (ipv4.fibMain !== undefined) error = fibTableLookup(ipv4.fibMain, flow, res, flags);
  if (error !== EAGAIN) return error;
  if (ipv4.fibDefault !== undefined) error = fibTableLookup(ipv4.fibDefault, flow, res, flags);
  return error === EAGAIN ? ENETUNREACH : error;
}

const typeFlow = new Flowi4();
const typeResult = new FibResult();

/** 224.0.0.0/24 */
export function isLocalMulticast(address: Ipv4): boolean {
  return address >>> 8 === 0xe0_0000;
}

export const INADDR_BROADCAST: Ipv4 = 0xffff_ffff;

/**
 * RTN_*: what an address is to this namespace, as a table sees it; on `dev` only if that is given.
 * @kernel net/ipv4/fib_frontend.c __inet_dev_addr_type
 */
export function inetAddrType(ipv4: Ipv4Net, address: Ipv4, tableId = RT_TABLE_LOCAL, dev?: NetDevice): number {
  if (isZeronetIpv4(address) || address === INADDR_BROADCAST) return RTN_BROADCAST;
  if (isMulticastIpv4(address)) return RTN_MULTICAST;
  const table = ipv4.fibGetTable(tableId);
  if (table === undefined) return RTN_BROADCAST;
  typeFlow.daddr = address;
  if (fibTableLookup(table, typeFlow, typeResult, 0) !== 0) return RTN_UNICAST;
  return dev === undefined || typeResult.nh?.dev === dev ? typeResult.type : RTN_UNICAST;
}
