/** The selector of `ip route list` and `flush`: what passes it, and what its fixed parts keep out of the print. */
import { AF_INET, type RouteMessage, RT_TABLE_MAIN, RTM_F_CLONED } from '../../uapi/rtnetlink.ts';
import type { Args } from './args.ts';
import type { Ip } from './context.ts';
import { addrMatch, getPrefix, type InetPrefix, readFamily } from './inet-prefix.ts';
import { getUnsigned } from './numbers.ts';
import { routeTypeNumber } from './route-types.ts';

export interface RouteFilter {
  /** 0: any table. */
  table: number;
  /** Routes of the cache; `either` for `ip route get`. */
  cloned: boolean | 'either';
  protocol?: number;
  scope?: number;
  type?: number;
  tos?: number;
  iif?: number;
  oif?: number;
  mark?: number;
  metric?: number;
  realm?: number;
  rprefsrc?: InetPrefix;
  rvia?: InetPrefix;
  rdst?: InetPrefix;
  mdst?: InetPrefix;
  rsrc?: InetPrefix;
  msrc?: InetPrefix;
}

const ANY_PREFIX: InetPrefix = { family: 0, bytelen: 0, bitlen: -1, address: 0, prefixlenSpecified: false };

/** Whether a prefix has anything to say: `any` has not. */
function selects(prefix: InetPrefix): boolean {
  return prefix.family !== 0 || prefix.prefixlenSpecified;
}

/** `address/length` lies in the tree below `root` and on the way down to `match`. */
function inRange(address: number, length: number, root = ANY_PREFIX, match = ANY_PREFIX): boolean {
  if (selects(root)) {
    if (root.family !== 0 && root.family !== AF_INET) return false;
    if (root.bitlen > length || !addrMatch(address, root.address, Math.max(root.bitlen, 0))) return false;
  }
  if (selects(match)) {
    if (match.family !== 0 && match.family !== AF_INET) return false;
    if (match.bitlen >= 0 && match.bitlen < length) return false;
    if (!addrMatch(address, match.address, length)) return false;
  }
  return true;
}

function inPrefix(address: number | undefined, prefix: InetPrefix | undefined): boolean {
  if (prefix === undefined || prefix.family === 0) return true;
  return prefix.family === AF_INET && addrMatch(address ?? 0, prefix.address, prefix.bitlen);
}

/** filter_nlmsg(): whether a route passes. */
export function filterRoute(filter: RouteFilter, route: RouteMessage): boolean {
  if (filter.cloned !== 'either' && filter.cloned !== ((route.flags & RTM_F_CLONED) !== 0)) return false;
  if (filter.table > 0 && filter.table !== route.table) return false;
  if (filter.protocol !== undefined && filter.protocol !== route.protocol) return false;
  if (filter.scope !== undefined && filter.scope !== route.scope) return false;
  if (filter.type !== undefined && filter.type !== route.type) return false;
  if (filter.tos !== undefined && filter.tos !== route.tos) return false;
  if (!inRange(route.dst, route.dstLen, filter.rdst, filter.mdst)) return false;
  if (!inRange(route.src ?? 0, route.srcLen ?? 0, filter.rsrc, filter.msrc)) return false;
  if (!inPrefix(route.gateway, filter.rvia) || !inPrefix(route.prefsrc, filter.rprefsrc)) return false;
  if (filter.realm !== undefined && filter.realm !== 0) return false;
  if (filter.iif !== undefined && filter.iif !== (route.iif ?? 0)) return false;
  if (filter.oif !== undefined && filter.oif !== (route.oif ?? 0)) return false;
  if (filter.mark !== undefined && filter.mark !== (route.mark ?? 0)) return false;
  return filter.metric === undefined || filter.metric === (route.priority ?? 0);
}

/** The words `root P`, `match P`, `exact P` or `P`. */
function readRange(args: Args, family: number): { root?: InetPrefix; match?: InetPrefix } {
  if (args.matches('root')) return { root: getPrefix(args, args.next(), family) };
  if (args.matches('match')) return { match: getPrefix(args, args.next(), family) };
  if (args.matches('exact')) args.next();
  const prefix = getPrefix(args, args.word, family);
  return { root: prefix, match: prefix };
}

/** The selector on the command line; undefined after a complaint about a device that is not there. */
export function readRouteFilter(ip: Ip, args: Args, usage: () => never): RouteFilter | undefined {
  const filter: RouteFilter = { table: RT_TABLE_MAIN, cloned: false };
  const family = ip.options.family;
  let idev: string | undefined;
  let odev: string | undefined;
  for (; args.left > 0; args.shift()) {
    const word = args.word;
    if (args.matches('table')) {
      const table = ip.names.tableId(args.next());
      if (table !== undefined) filter.table = table;
      else if (args.word === 'all') filter.table = 0;
      else if (args.word === 'cache') filter.cloned = true;
      else if (args.word === 'help') usage();
      else args.invarg('table id value is invalid\n', args.word);
    } else if (args.matches('vrf')) args.invarg('Invalid VRF\n', args.next());
    else if (args.matches('cached') || args.matches('cloned')) filter.cloned = true;
    else if (word === 'tos' || args.matches('dsfield')) {
      filter.tos = ip.names.dsfieldId(args.next()) ?? args.invarg('TOS value is invalid\n', args.word);
    } else if (args.matches('protocol')) {
      const protocol = ip.names.protocolId(args.next());
      if (protocol !== undefined) filter.protocol = protocol;
      else if (args.word === 'all') delete filter.protocol;
      else args.invarg('invalid "protocol"\n', args.word);
    } else if (args.matches('scope')) {
      const scope = ip.names.scopeId(args.next());
      if (scope !== undefined) filter.scope = scope;
      else if (args.word === 'all') delete filter.scope;
      else args.invarg('invalid "scope"\n', args.word);
    } else if (args.matches('type')) {
      filter.type = routeTypeNumber(args.next()) ?? args.invarg('node type value is invalid\n', args.word);
    } else if (word === 'dev' || word === 'oif') odev = args.next();
    else if (word === 'iif') idev = args.next();
    else if (word === 'mark') {
      filter.mark = getUnsigned(args.next()) ?? args.invarg('invalid mark value', args.word);
    } else if (args.matches('metric') || args.matches('priority') || word === 'preference') {
      filter.metric = getUnsigned(args.next()) ?? args.invarg('"metric" value is invalid\n', args.word);
    } else if (word === 'via') {
      const named = readFamily(args.next());
      if (named !== 0) args.next();
      filter.rvia = getPrefix(args, args.word, named === 0 ? family : named);
    } else if (word === 'src') filter.rprefsrc = getPrefix(args, args.next(), family);
    else if (args.matches('realms')) {
      filter.realm =
        ip.names.realmId(args.next()) ?? getUnsigned(args.word) ?? args.invarg('invalid realms\n', args.word);
    } else if (args.matches('from')) {
      args.next();
      const { root, match } = readRange(args, family);
      if (root !== undefined) filter.rsrc = root;
      if (match !== undefined) filter.msrc = match;
    } else {
      if (args.matches('to')) args.next();
      const { root, match } = readRange(args, family);
      if (root !== undefined) filter.rdst = root;
      if (match !== undefined) filter.mdst = match;
    }
  }
  for (const [name, key] of [
    [idev, 'iif'],
    [odev, 'oif'],
  ] as const) {
    if (name === undefined) continue;
    const index = ip.links.index(name);
    if (index === 0) {
      args.nodev(name);
      return undefined;
    }
    filter[key] = index;
  }
  return filter;
}
