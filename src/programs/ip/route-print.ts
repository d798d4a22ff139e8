/** One route as `ip route` prints it (print_route() of ip/iproute.c). */
import {
  AF_INET,
  type RouteMessage,
  type RouteMetrics,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTM_F_CLONED,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTNH_F_DEAD,
  RTNH_F_LINKDOWN,
  RTNH_F_OFFLOAD,
  RTNH_F_ONLINK,
  RTNH_F_PERVASIVE,
  RTPROT_BOOT,
} from '../../uapi/rtnetlink.ts';
import { formatIpv4, type Ipv4 } from '../../wire/addr.ts';
import { hostName } from '../hosts.ts';
import type { Ip } from './context.ts';
import type { RouteFilter } from './route-filter.ts';
import { METRICS, RTAX_FEATURE_ECN, routeTypeName } from './route-types.ts';

const FLAGS: readonly (readonly [number, string])[] = [
  [RTNH_F_DEAD, 'dead'],
  [RTNH_F_ONLINK, 'onlink'],
  [RTNH_F_PERVASIVE, 'pervasive'],
  [RTNH_F_OFFLOAD, 'offload'],
  [0x40, 'trap'],
  [0x100, 'notify'],
  [RTNH_F_LINKDOWN, 'linkdown'],
  [0x20, 'unresolved'],
  [0x4000, 'rt_offload'],
  [0x8000, 'rt_trap'],
  // The same bit says RTCF_MULTICAST in the answer to `ip route get`.
  [0x2000_0000, 'rt_offload_failed'],
];

/** RTCF_*, in the order of print_cache_flags(). */
const CACHE_FLAGS: readonly (readonly [number, string])[] = [
  [0x8000_0000, 'local'],
  [0x4000_0000, 'reject'],
  [0x2000_0000, 'mc'],
  [0x1000_0000, 'brd'],
  [0x0800_0000, 'dst-nat'],
  [0x0080_0000, 'src-nat'],
  [0x0040_0000, 'masq'],
  [0x0002_0000, 'dst-direct'],
  [0x0400_0000, 'src-direct'],
  [0x0004_0000, 'redirected'],
  [0x0100_0000, 'redirect'],
  [0x0020_0000, 'fastroute'],
  [0x0001_0000, 'notify'],
  [0x0008_0000, 'proxy'],
];

/** print_rt_flags(). */
export function printRtFlags(ip: Ip, flags: number): void {
  ip.out.openArray('flags');
  for (const [bit, name] of FLAGS) if ((flags & bit) !== 0) ip.out.print(undefined, `${name} `, name);
  ip.out.closeArray();
}

function formatHost(ip: Ip, address: Ipv4): string {
  const name = ip.options.resolve ? hostName(ip.process, address) : undefined;
  return name ?? formatIpv4(address);
}

function printDevice(ip: Ip, key: 'dev' | 'iif', ifindex: number): void {
  const name = ip.links.name(ifindex);
  ip.out.text(`${key} `);
  ip.out.color('ifname', key, `${name} `, name);
}

function printGateway(ip: Ip, gateway: Ipv4): void {
  const name = formatHost(ip, gateway);
  ip.out.text('via ');
  ip.out.color('inet', 'gateway', `${name} `, name);
}

function printCacheFlags(ip: Ip, flags: number): void {
  const { out } = ip;
  const high = (flags & ~0xffff) >>> 0;
  out.openArray('cache', `${out.sl}    cache `);
  if (high !== 0 || out.isJson) {
    out.text('<');
    let left = high;
    for (const [bit, name] of CACHE_FLAGS) {
      if ((left & bit) === 0) continue;
      left = (left & ~bit) >>> 0;
      out.print(undefined, name + (left !== 0 ? ',' : '> '), name);
    }
    if (left !== 0) out.print('flags', `${left.toString(16)}>`, left);
  }
  out.closeArray();
}

/** Milliseconds, from a second on in seconds as %g. */
function formatTime(milliseconds: number): string {
  return milliseconds >= 1000 ? `${Number((milliseconds / 1000).toPrecision(6))}s ` : `${milliseconds}ms `;
}

function printMetrics(ip: Ip, metrics: RouteMetrics): void {
  const { out } = ip;
  const lock = metrics.lock ?? 0;
  out.openArray('metrics');
  out.openObject();
  for (const [number, name, key] of METRICS) {
    const locked = (lock & (1 << number)) !== 0;
    const value = metrics[key];
    if (value === undefined && !locked) continue;
    let val = value ?? 0;
    if (name === 'hoplimit' && val === 0xffff_ffff) continue;
    out.text(`${name} ${locked ? 'lock ' : ''}`);
    switch (name) {
      case 'features':
        if ((val & RTAX_FEATURE_ECN) !== 0) out.print('ecn', 'ecn ', null);
        if ((val & ~RTAX_FEATURE_ECN) !== 0) out.print('features', `0x${val.toString(16)} `, `0x${val.toString(16)}`);
        break;
      case 'rtt':
      case 'rttvar':
      case 'rto_min':
        val = name === 'rtt' ? Math.floor(val / 8) : name === 'rttvar' ? Math.floor(val / 4) : val;
        out.print(name, formatTime(val), val);
        break;
      default:
        out.print(name, `${val} `, val);
    }
  }
  out.closeObject();
  out.closeArray();
}

function printMultipath(ip: Ip, route: RouteMessage): void {
  const { out } = ip;
  out.openArray('nexthops');
  const multicast = (route.flags & RTM_F_CLONED) !== 0 && route.type === RTN_MULTICAST;
  for (const [index, hop] of (route.multipath ?? []).entries()) {
    const dev = ip.links.name(hop.oif ?? 0);
    out.openObject();
    if (multicast) out.text(index === 0 ? 'Oifs: ' : ' ');
    else out.text(`${out.sl}\tnexthop `);
    if (hop.gateway !== undefined) printGateway(ip, hop.gateway);
    if (multicast) {
      out.print('dev', dev, dev);
      if (hop.weight !== 2) out.print('ttl', `(ttl>${hop.weight - 1})`, hop.weight - 1);
      out.text(' ');
    } else {
      out.print('dev', `dev ${dev} `, dev);
      out.print('weight', `weight ${hop.weight} `, hop.weight);
    }
    printRtFlags(ip, hop.flags);
    out.closeObject();
  }
  out.closeArray();
}

function printPrefix(ip: Ip, key: 'dst' | 'from', before: string, address: Ipv4, length: number): void {
  const text = length === 32 ? formatHost(ip, address) : `${formatIpv4(address)}/${length}`;
  ip.out.color('inet', key, `${before}${text} `, text);
}

/** print_route(), for a route that passed the filter; what the filter fixes is not repeated. */
export function printRoute(ip: Ip, route: RouteMessage, filter: RouteFilter): void {
  const { out, names, options } = ip;
  out.openObject();
  if (route.type !== RTN_UNICAST || options.details > 0) {
    const type = routeTypeName(route.type, options.numeric);
    out.print('type', `${type} `, type);
  }
  if (route.dstLen === 0) out.print('dst', 'default ', 'default');
  else printPrefix(ip, 'dst', '', route.dst, route.dstLen);
  if (route.src !== undefined && (route.srcLen ?? 0) > 0) printPrefix(ip, 'from', 'from ', route.src, route.srcLen!);
  if (route.tos !== 0 && filter.tos === undefined) {
    const tos = names.dsfield(route.tos);
    out.print('tos', `tos ${tos} `, tos);
  }
  if (route.gateway !== undefined && filter.rvia?.bitlen !== 32) printGateway(ip, route.gateway);
  if (route.oif !== undefined && filter.oif === undefined) printDevice(ip, 'dev', route.oif);
  if (route.table !== 0 && (route.table !== RT_TABLE_MAIN || options.details > 0) && filter.table === 0) {
    const table = names.table(route.table);
    out.print('table', `table ${table} `, table);
  }
  const cloned = (route.flags & RTM_F_CLONED) !== 0;
  if (!cloned) {
    if ((route.protocol !== RTPROT_BOOT || options.details > 0) && filter.protocol === undefined) {
      const protocol = names.protocol(route.protocol);
      out.print('protocol', `proto ${protocol} `, protocol);
    }
    if ((route.scope !== RT_SCOPE_UNIVERSE || options.details > 0) && filter.scope === undefined) {
      const scope = names.scope(route.scope);
      out.print('scope', `scope ${scope} `, scope);
    }
  }
  if (route.prefsrc !== undefined && filter.rprefsrc?.bitlen !== 32) {
    const source = formatIpv4(route.prefsrc);
    out.text('src ');
    out.color('inet', 'prefsrc', `${source} `, source);
  }
  if (route.priority !== undefined && filter.metric === undefined) {
    out.print('metric', `metric ${route.priority} `, route.priority);
  }
  printRtFlags(ip, route.flags);
  if (route.mark !== undefined && route.mark !== 0) {
    const mark = route.mark >= 16 ? `0x${route.mark.toString(16)}` : String(route.mark);
    out.print('mark', `mark ${mark} `, route.mark);
  }
  if (route.uid !== undefined) out.print('uid', `uid ${route.uid} `, route.uid);
  if (route.family === AF_INET && cloned) printCacheFlags(ip, route.flags);
  if (route.expires !== undefined && route.expires !== 0) {
    out.print('expires', `expires ${route.expires}sec `, route.expires);
  }
  if (route.metrics !== undefined) printMetrics(ip, route.metrics);
  if (route.iif !== undefined && filter.iif === undefined) printDevice(ip, 'iif', route.iif);
  if (route.multipath !== undefined) printMultipath(ip, route);
  out.text('\n');
  out.closeObject();
}
