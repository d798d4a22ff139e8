/** Looking up routes, and what kind of address an address is. */
import { EAGAIN, ENETUNREACH } from '../../uapi/errno.ts';
import {
  RT_TABLE_LOCAL,
  RTN_BROADCAST,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTNH_F_DEAD,
  RTNH_F_LINKDOWN,
} from '../../uapi/rtnetlink.ts';
import { type Ipv4, isMulticastIpv4, maskOf } from '../../wire/addr.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { FIB_PROPS, type FibAlias, type FibNh, FibResult, type FibTable, Flowi4 } from './fib.ts';
import { ipIgnoreLinkdown } from './in-device.ts';
import type { Ipv4Net } from './ipv4-net.ts';

/** A next hop without carrier is as good as any. */
export const FIB_LOOKUP_IGNORE_LINKSTATE = 2;

const MASKS: readonly number[] = Array.from({ length: 33 }, (_, plen) => maskOf(plen) | 0);

/**
 * The route of one table for a flow, into `res`: 0, EAGAIN when there is none, or the error of an
 * unreachable (blackhole, prohibit, throw) route.
 * @kernel net/ipv4/fib_trie.c fib_table_lookup
 */
export function fibTableLookup(table: FibTable, flow: Flowi4, res: FibResult, flags: number): number {
  const { trie } = table;
  const key = flow.daddr | 0;
  const { lengths } = trie;
  for (let i = 0; i < lengths.length; i++) {
    const plen = lengths[i]!;
    const list = trie.byLength[plen]!.get(key & MASKS[plen]!);
    if (list === undefined) continue;
    for (let j = 0; j < list.length; j++) {
      const alias = list[j]!;
      const fi = alias.info;
      if (alias.tos !== 0 && alias.tos !== flow.tos) continue;
      if (fi.scope < flow.scope) continue;
      const { error } = FIB_PROPS[alias.type]!;
      if (error !== 0) return error;
      if ((fi.flags & RTNH_F_DEAD) !== 0) continue;
      const { nhs } = fi;
      for (let sel = 0; sel < nhs.length; sel++) {
        const nh = nhs[sel]!;
        if (!goodNh(nh, flow, flags)) continue;
        assign(res, table, alias, nh, sel);
        return 0;
      }
    }
  }
  return EAGAIN;
}

/** @kernel net/ipv4/fib_trie.c fib_lookup_good_nhc */
function goodNh(nh: FibNh, flow: Flowi4, flags: number): boolean {
  if ((nh.flags & RTNH_F_DEAD) !== 0) return false;
  if ((nh.flags & RTNH_F_LINKDOWN) !== 0 && (flags & FIB_LOOKUP_IGNORE_LINKSTATE) === 0 && ipIgnoreLinkdown(nh.dev)) {
    return false;
  }
  return flow.oif === 0 || flow.oif === nh.oif;
}

function assign(res: FibResult, table: FibTable, alias: FibAlias, nh: FibNh, sel: number): void {
  res.prefixlen = alias.plen;
  res.nhSel = sel;
  res.nh = nh;
  res.type = alias.type;
  res.scope = alias.info.scope;
  res.fi = alias.info;
  res.alias = alias;
  res.table = table;
}

/**
 * The route for a flow by the fixed rules: local and main, then default. 0 or an error number.
 * @kernel include/net/ip_fib.h fib_lookup #P[rules]
 */
export function fibLookup(ipv4: Ipv4Net, flow: Flowi4, res: FibResult, flags = 0): number {
  let error = ENETUNREACH;
  if (ipv4.fibMain !== undefined) error = fibTableLookup(ipv4.fibMain, flow, res, flags);
  if (error === 0) return 0;
  if (ipv4.fibDefault !== undefined) error = fibTableLookup(ipv4.fibDefault, flow, res, flags);
  return error === EAGAIN ? ENETUNREACH : error;
}

const typeFlow = new Flowi4();
const typeResult = new FibResult();

/** 0.0.0.0/8 */
export function isZeronet(address: Ipv4): boolean {
  return address >>> 24 === 0;
}

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
  if (isZeronet(address) || address === INADDR_BROADCAST) return RTN_BROADCAST;
  if (isMulticastIpv4(address)) return RTN_MULTICAST;
  const table = ipv4.fibGetTable(tableId);
  if (table === undefined) return RTN_BROADCAST;
  typeFlow.daddr = address;
  if (fibTableLookup(table, typeFlow, typeResult, 0) !== 0) return RTN_UNICAST;
  return dev === undefined || typeResult.nh?.dev === dev ? typeResult.type : RTN_UNICAST;
}
