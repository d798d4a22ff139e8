/** Neighbours as `ip neigh` selects and prints them (print_neigh() of ip/ipneigh.c). */
import {
  type NeighMessage,
  NTF_EXT_LEARNED,
  NTF_OFFLOADED,
  NTF_PROXY,
  NTF_ROUTER,
  NUD_DELAY,
  NUD_FAILED,
  NUD_INCOMPLETE,
  NUD_NOARP,
  NUD_NONE,
  NUD_PERMANENT,
  NUD_PROBE,
  NUD_REACHABLE,
  NUD_STALE,
} from '../../uapi/rtnetlink.ts';
import { formatIpv4, formatMac } from '../../wire/addr.ts';
import { hostName } from '../hosts.ts';
import { matches } from './args.ts';
import type { Ip } from './context.ts';
import { addrMatch, type InetPrefix } from './inet-prefix.ts';
import { getUnsigned } from './numbers.ts';

/** Stands in a filter's states for entries that have none. */
export const STATE_NONE = 0x100;

export interface NeighFilter {
  family: number;
  index: number;
  /** NUD_* and STATE_NONE. */
  state: number;
  unusedOnly: boolean;
  protocol: number;
  prefix: InetPrefix | undefined;
}

/** States as they are printed, in this order. */
const STATES: readonly (readonly [number, string])[] = [
  [NUD_INCOMPLETE, 'INCOMPLETE'],
  [NUD_REACHABLE, 'REACHABLE'],
  [NUD_STALE, 'STALE'],
  [NUD_DELAY, 'DELAY'],
  [NUD_PROBE, 'PROBE'],
  [NUD_FAILED, 'FAILED'],
  [NUD_NOARP, 'NOARP'],
  [NUD_PERMANENT, 'PERMANENT'],
];

/** nud_state_a2n(): three names may be abbreviated, the others not; a number must be one bit. */
export function nudState(word: string): number | undefined {
  for (const [state, name] of [
    [NUD_PERMANENT, 'permanent'],
    [NUD_REACHABLE, 'reachable'],
    [NUD_FAILED, 'failed'],
  ] as const) {
    if (matches(word, name)) return state;
  }
  if (word === 'none') return NUD_NONE;
  const named = STATES.find(([, name]) => name.toLowerCase() === word);
  if (named !== undefined) return named[0];
  const number = getUnsigned(word);
  return number === undefined || number >= 0x100 || (number & (number - 1)) !== 0 ? undefined : number;
}

/** Whether an entry passes the filter. */
export function filterNeigh(filter: NeighFilter, neigh: NeighMessage): boolean {
  if (filter.family !== 0 && filter.family !== neigh.family) return false;
  if (filter.index !== 0 && filter.index !== neigh.ifindex) return false;
  if (
    (filter.state & neigh.state) === 0 &&
    (neigh.flags & (NTF_PROXY | NTF_EXT_LEARNED)) === 0 &&
    (neigh.state !== 0 || (filter.state & STATE_NONE) === 0)
  ) {
    return false;
  }
  const { prefix } = filter;
  if (prefix !== undefined && prefix.family !== 0 && prefix.bitlen > 0) {
    if (!addrMatch(neigh.dst, prefix.address, prefix.bitlen)) return false;
  }
  if (filter.protocol !== 0 && filter.protocol !== (neigh.protocol ?? 0)) return false;
  return !filter.unusedOnly || neigh.refcnt === 0 || (neigh.flags & NTF_PROXY) !== 0;
}

/** Whole seconds. */
function printCacheInfo(ip: Ip, neigh: NeighMessage): void {
  const { out } = ip;
  const [used, confirmed, updated] = [neigh.used, neigh.confirmed, neigh.updated].map(Math.floor) as [
    number,
    number,
    number,
  ];
  if (neigh.refcnt !== 0) out.print('refcnt', ` ref ${neigh.refcnt}`, neigh.refcnt);
  out.print('used', ` used ${used}`, used);
  out.print('confirmed', `/${confirmed}`, confirmed);
  out.print('updated', `/${updated}`, updated);
}

/** print_neigh(), for an entry that passed; `index` is the device that the filter fixes, 0 for none. */
export function printNeigh(ip: Ip, neigh: NeighMessage, index: number): void {
  const { out, options } = ip;
  const brief = options.brief;
  out.openObject();
  const name = options.resolve ? hostName(ip.process, neigh.dst) : undefined;
  const dst = name ?? formatIpv4(neigh.dst);
  out.color('inet', 'dst', brief ? `${dst.padEnd(39)} ` : `${dst} `, dst);
  if (index === 0 && neigh.ifindex !== 0) {
    const dev = ip.links.name(neigh.ifindex);
    if (!brief) out.text('dev ');
    out.color('ifname', 'dev', brief ? `${dev.padEnd(16)} ` : `${dev} `, dev);
  }
  if (neigh.lladdr !== undefined) {
    const lladdr = formatMac(neigh.lladdr);
    if (!brief) out.text('lladdr ');
    out.color('mac', 'lladdr', brief ? lladdr : `${lladdr} `, lladdr);
  }
  if (!brief) printDetails(ip, neigh);
  out.text('\n');
  out.closeObject();
}

function printDetails(ip: Ip, neigh: NeighMessage): void {
  const { out, options, names } = ip;
  for (const [flag, name] of [
    [NTF_ROUTER, 'router'],
    [NTF_PROXY, 'proxy'],
    [NTF_EXT_LEARNED, 'extern_learn'],
    [NTF_OFFLOADED, 'offload'],
  ] as const) {
    if ((neigh.flags & flag) !== 0) out.print(name, `${name} `, null);
  }
  // Proxy entries carry no NDA_CACHEINFO.
  if (options.stats > 0 && (neigh.flags & NTF_PROXY) === 0) {
    printCacheInfo(ip, neigh);
    out.print('probes', `probes ${neigh.probes} `, neigh.probes);
  }
  if (neigh.state !== 0) {
    out.openArray('state');
    for (const [state, name] of STATES) if ((neigh.state & state) !== 0) out.print(undefined, `${name} `, name);
    out.closeArray();
  }
  if (neigh.protocol !== undefined && neigh.protocol !== 0) {
    const protocol = names.protocol(neigh.protocol);
    out.print('protocol', `proto ${protocol} `, protocol);
  }
}
