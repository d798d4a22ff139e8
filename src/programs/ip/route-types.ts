/** Names of route types (ip/rtm_map.c) and of metrics (RTAX_*). */
import type { RouteMetrics } from '../../uapi/rtnetlink.ts';
import { matches } from './args.ts';
import { getU8 } from './numbers.ts';

const TYPES = [
  'none',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
  'xresolve',
];

/** rtnl_rtntype_n2a(). */
export function routeTypeName(type: number, numeric: boolean): string {
  return (numeric ? undefined : TYPES[type]) ?? String(type);
}

/** Types whose names may be abbreviated, in the order in which they are tried. */
const ABBREVIATED = [
  'broadcast',
  'anycast',
  'multicast',
  'prohibit',
  'unreachable',
  'blackhole',
  'xresolve',
  'unicast',
];

/** rtnl_rtntype_a2n(). */
export function routeTypeNumber(word: string): number | undefined {
  if (word === 'local' || word === 'nat' || word === 'throw') return TYPES.indexOf(word);
  if (word === 'brd') return TYPES.indexOf('broadcast');
  const name = ABBREVIATED.find((each) => matches(word, each));
  return name === undefined ? getU8(word) : TYPES.indexOf(name);
}

/** RTAX_* in numeric order: the number, the word, the property. */
export const METRICS: readonly (readonly [number, string, Exclude<keyof RouteMetrics, 'lock'>])[] = [
  [2, 'mtu', 'mtu'],
  [3, 'window', 'window'],
  [4, 'rtt', 'rtt'],
  [5, 'rttvar', 'rttvar'],
  [6, 'ssthresh', 'ssthresh'],
  [7, 'cwnd', 'cwnd'],
  [8, 'advmss', 'advmss'],
  [9, 'reordering', 'reordering'],
  [10, 'hoplimit', 'hoplimit'],
  [11, 'initcwnd', 'initcwnd'],
  [12, 'features', 'features'],
  [13, 'rto_min', 'rtoMin'],
  [14, 'initrwnd', 'initrwnd'],
  [15, 'quickack', 'quickack'],
  [17, 'fastopen_no_cookie', 'fastopenNoCookie'],
];

export const RTAX_FEATURE_ECN = 1;
