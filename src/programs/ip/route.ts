/** `ip route`: the routing tables (ip/iproute.c). */
import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  type RouteMessage,
  RT_TABLE_MAIN,
} from '../../uapi/rtnetlink.ts';
import { type Args, matches } from './args.ts';
import type { Ip, IpObject } from './context.ts';
import { EXIT_FAILURE, EXIT_REFUSED, EXIT_USAGE, Exit } from './exit.ts';
import { talkError } from './libnetlink.ts';
import { filterRoute, type RouteFilter, readRouteFilter } from './route-filter.ts';
import { getRoute } from './route-get.ts';
import { modifyRoute } from './route-modify.ts';
import { printRoute } from './route-print.ts';

const USAGE = `Usage: ip route { list | flush } SELECTOR
       ip route save SELECTOR
       ip route restore
       ip route showdump
       ip route get [ ROUTE_GET_FLAGS ] ADDRESS
                            [ from ADDRESS iif STRING ]
                            [ oif STRING ] [ tos TOS ]
                            [ mark NUMBER ] [ vrf NAME ]
                            [ uid NUMBER ] [ ipproto PROTOCOL ]
                            [ sport NUMBER ] [ dport NUMBER ]
       ip route { add | del | change | append | replace } ROUTE
SELECTOR := [ root PREFIX ] [ match PREFIX ] [ exact PREFIX ]
            [ table TABLE_ID ] [ vrf NAME ] [ proto RTPROTO ]
            [ type TYPE ] [ scope SCOPE ]
ROUTE := NODE_SPEC [ INFO_SPEC ]
NODE_SPEC := [ TYPE ] PREFIX [ tos TOS ]
             [ table TABLE_ID ] [ proto RTPROTO ]
             [ scope SCOPE ] [ metric METRIC ]
             [ ttl-propagate { enabled | disabled } ]
INFO_SPEC := { NH | nhid ID } OPTIONS FLAGS [ nexthop NH ]...
NH := [ encap ENCAPTYPE ENCAPHDR ] [ via [ FAMILY ] ADDRESS ]
      [ dev STRING ] [ weight NUMBER ] NHFLAGS
FAMILY := [ inet | inet6 | mpls | bridge | link ]
OPTIONS := FLAGS [ mtu NUMBER ] [ advmss NUMBER ] [ as [ to ] ADDRESS ]
           [ rtt TIME ] [ rttvar TIME ] [ reordering NUMBER ]
           [ window NUMBER ] [ cwnd NUMBER ] [ initcwnd NUMBER ]
           [ ssthresh NUMBER ] [ realms REALM ] [ src ADDRESS ]
           [ rto_min TIME ] [ hoplimit NUMBER ] [ initrwnd NUMBER ]
           [ features FEATURES ] [ quickack BOOL ] [ congctl NAME ]
           [ pref PREF ] [ expires TIME ] [ fastopen_no_cookie BOOL ]
TYPE := { unicast | local | broadcast | multicast | throw |
          unreachable | prohibit | blackhole | nat }
TABLE_ID := [ local | main | default | all | NUMBER ]
SCOPE := [ host | link | global | NUMBER ]
NHFLAGS := [ onlink | pervasive ]
RTPROTO := [ kernel | boot | static | NUMBER ]
PREF := [ low | medium | high ]
TIME := NUMBER[s|ms]
BOOL := [1|0]
FEATURES := ecn
ENCAPTYPE := [ mpls | ip | ip6 | seg6 | seg6local | rpl | ioam6 | xfrm ]
ENCAPHDR := [ MPLSLABEL | SEG6HDR | SEG6LOCAL | IOAM6HDR | XFRMINFO ]
SEG6HDR := [ mode SEGMODE ] segs ADDR1,ADDRi,ADDRn [hmac HMACKEYID] [cleanup]
SEGMODE := [ encap | encap.red | inline | l2encap | l2encap.red ]
SEG6LOCAL := action ACTION [ OPTIONS ] [ count ]
ACTION := { End | End.X | End.T | End.DX2 | End.DX6 | End.DX4 |
            End.DT6 | End.DT4 | End.DT46 | End.B6 | End.B6.Encaps |
            End.BM | End.S | End.AS | End.AM | End.BPF }
OPTIONS := OPTION [ OPTIONS ]
OPTION := { flavors FLAVORS | srh SEG6HDR | nh4 ADDR | nh6 ADDR | iif DEV | oif DEV |
            table TABLEID | vrftable TABLEID | endpoint PROGNAME }
FLAVORS := { FLAVOR[,FLAVOR] }
FLAVOR := { psp | usp | usd | next-csid }
IOAM6HDR := trace prealloc type IOAM6_TRACE_TYPE ns IOAM6_NAMESPACE size IOAM6_TRACE_SIZE
XFRMINFO := if_id IF_ID [ link_dev LINK ]
ROUTE_GET_FLAGS := [ fibmatch ]
`;

const ROUTE_FLUSH_PATH = '/proc/sys/net/ipv4/route/flush';

/** NLM_F_* of the commands that change routes; undefined deletes. In the order in which they are tried. */
const MODIFY: readonly (readonly [string, number | undefined])[] = [
  ['add', NLM_F_CREATE | NLM_F_EXCL],
  ['change', NLM_F_REPLACE],
  ['replace', NLM_F_CREATE | NLM_F_REPLACE],
  ['prepend', NLM_F_CREATE],
  ['append', NLM_F_CREATE | NLM_F_APPEND],
  ['test', NLM_F_EXCL],
  ['delete', undefined],
];

/** The routes that pass; undefined when the kernel refused the dump. Without a main table, `bare`, none pass. */
function dump(ip: Ip, filter: RouteFilter, bare: boolean): RouteMessage[] | undefined {
  const { family } = ip.options;
  if (family !== AF_UNSPEC && family !== AF_INET) return [];
  const routes = ip.rtnl.dumpRoutes({
    ...(filter.table === 0 ? {} : { table: filter.table }),
    ...(filter.cloned === true ? { cloned: true } : {}),
  });
  if (!isRefusal(routes)) return routes.filter((route) => filterRoute(filter, route));
  if (bare && filter.table === RT_TABLE_MAIN) return [];
  talkError(ip.process, routes);
  return undefined;
}

async function list(ip: Ip, args: Args, usage: () => never): Promise<number> {
  const filter = readRouteFilter(ip, args, usage);
  if (filter === undefined) return EXIT_FAILURE;
  ip.out.newJson();
  const routes = dump(ip, filter, true);
  if (routes === undefined) {
    args.complain('Dump terminated');
    return EXIT_REFUSED;
  }
  for (const route of routes) printRoute(ip, route, filter);
  ip.out.deleteJson();
  return 0;
}

function flushCache(ip: Ip, args: Args): void {
  const answer = ip.process.files.write(ROUTE_FLUSH_PATH, '-1');
  if (answer !== undefined) args.complain(`Cannot open "${ROUTE_FLUSH_PATH}": ${strerror(answer.errno)}`);
}

/** The request that deletes a route: the message itself, sent back. */
function deletion(route: RouteMessage) {
  const {
    family: _family,
    src: _src,
    srcLen: _srcLen,
    iif: _iif,
    uid: _uid,
    mark: _mark,
    expires: _expires,
    ...rest
  } = route;
  return rest;
}

async function flush(ip: Ip, args: Args, usage: () => never): Promise<number> {
  if (args.left === 0) {
    args.complain('"ip route flush" requires arguments.');
    return EXIT_FAILURE;
  }
  const filter = readRouteFilter(ip, args, usage);
  if (filter === undefined) return EXIT_FAILURE;
  const { family, stats } = ip.options;
  const say = (text: string) => {
    if (stats > 0) ip.process.stdout.write(text);
  };
  if (filter.cloned === true) {
    if (family !== AF_INET6) {
      flushCache(ip, args);
      say('*** IPv4 routing cache is flushed.\n');
    }
    if (family !== AF_INET6) return 0;
  }
  for (let round = 0; ; round++) {
    const routes = dump(ip, filter, false);
    if (routes === undefined) {
      args.complain('Flush terminated');
      return EXIT_REFUSED;
    }
    if (routes.length === 0) {
      say(
        round === 0 ? 'Nothing to flush.\n' : `*** Flush is complete after ${round} round${round > 1 ? 's' : ''} ***\n`,
      );
      return 0;
    }
    for (const route of routes) {
      if (stats > 1) printRoute(ip, route, filter);
      const answer = ip.rtnl.delRoute(deletion(route));
      if (answer === undefined) continue;
      args.complain(`Failed to send flush request: ${strerror(answer.errno)}`);
      return EXIT_REFUSED;
    }
    say(`\n*** Round ${round + 1}, deleting ${routes.length} entries ***\n`);
    await ip.out.flush();
  }
}

/** do_iproute(). */
export const doIproute: IpObject = async (ip, args) => {
  const usage = (): never => {
    ip.process.stderr.write(USAGE);
    throw new Exit(EXIT_USAGE);
  };
  if (args.left === 0) return list(ip, args, usage);
  const command = args.word;
  args.shift();
  for (const [name, flags] of MODIFY) {
    if (matches(command, name) || (name === 'change' && command === 'chg')) return modifyRoute(ip, args, flags, usage);
  }
  if (['list', 'show', 'lst'].some((name) => matches(command, name))) return list(ip, args, usage);
  if (matches(command, 'get')) return getRoute(ip, args, usage);
  if (matches(command, 'flush')) return flush(ip, args, usage);
  for (const name of ['save', 'restore', 'showdump']) if (matches(command, name)) args.notModelled(`route ${name}`);
  if (matches(command, 'help')) usage();
  return args.fail(`Command "${command}" is unknown, try "ip route help".`);
};
