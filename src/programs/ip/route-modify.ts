/** `ip route add`, `change`, `replace`, `prepend`, `append`, `test` and `delete`. */
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  type RouteMetrics,
  type RouteNexthop,
  type RouteRequest,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_ANYCAST,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTN_UNSPEC,
  RTNH_F_ONLINK,
  RTPROT_BOOT,
  RTPROT_UNSPEC,
} from '../../uapi/rtnetlink.ts';
import type { Args } from './args.ts';
import type { Ip } from './context.ts';
import { EXIT_USAGE } from './exit.ts';
import { getAddr, getPrefix, type InetPrefix, readFamily } from './inet-prefix.ts';
import { talk } from './libnetlink.ts';
import { getUnsigned, strtol } from './numbers.ts';
import { METRICS, RTAX_FEATURE_ECN, routeTypeNumber } from './route-types.ts';

const RTN_NAT = 10;

/** Reads one command's words into a request. */
class RouteReader {
  readonly #ip: Ip;
  readonly #args: Args;
  readonly #usage: () => never;
  readonly request: RouteRequest;
  #family: number;
  #lock = 0;
  readonly #metrics: RouteMetrics = {};
  device: string | undefined;
  gateway = false;
  destination = false;
  scoped = false;
  tabled = false;

  constructor(ip: Ip, args: Args, usage: () => never, deleting: boolean) {
    this.#ip = ip;
    this.#args = args;
    this.#usage = usage;
    this.#family = ip.options.family;
    this.request = deleting
      ? { dst: 0, dstLen: 0, table: RT_TABLE_MAIN, protocol: RTPROT_UNSPEC, scope: RT_SCOPE_NOWHERE, type: RTN_UNSPEC }
      : { dst: 0, dstLen: 0, table: RT_TABLE_MAIN, protocol: RTPROT_BOOT, scope: RT_SCOPE_UNIVERSE, type: RTN_UNICAST };
  }

  get family(): number {
    return this.#family === AF_UNSPEC ? AF_INET : this.#family;
  }

  /** Take over the family of the first address; there is only IPv4. */
  #settle(prefix: InetPrefix): InetPrefix {
    if (this.#family === AF_UNSPEC) this.#family = prefix.family;
    if (prefix.family === AF_INET6) this.#args.notModelled('IPv6 route');
    return prefix;
  }

  #address(word: string): number {
    return this.#settle(getAddr(this.#args, word, this.#family)).address;
  }

  #via(): number {
    const args = this.#args;
    const named = readFamily(args.next());
    if (named !== AF_UNSPEC) args.next();
    const family = named === AF_UNSPEC ? this.#family : named;
    if (family !== AF_UNSPEC && family !== AF_INET)
      args.notModelled(`via ${args.argv[args.argv.length - args.left - 1]}`);
    return this.#settle(getAddr(args, args.word, family)).address;
  }

  /** The words up to `nexthop` or the end; whether nexthops follow. */
  read(): boolean {
    for (; this.#args.left > 0; this.#args.shift()) {
      if (this.#args.word === 'nexthop') return true;
      if (!this.#option() && !this.#metric()) this.#destination();
    }
    return false;
  }

  #option(): boolean {
    const args = this.#args;
    const { names } = this.#ip;
    const { request } = this;
    const word = args.word;
    if (word === 'src') request.prefsrc = this.#address(args.next());
    else if (word === 'as') args.notModelled('route as');
    else if (word === 'via') {
      if (this.gateway) args.invarg('use nexthop syntax to specify multiple via\n', word);
      this.gateway = true;
      request.gateway = this.#via();
    } else if (word === 'from') this.#settle(getPrefix(args, args.next(), this.#family));
    else if (word === 'tos' || args.matches('dsfield')) {
      request.tos = names.dsfieldId(args.next()) ?? args.invarg('"tos" value is invalid\n', args.word);
    } else if (word === 'expires') {
      // The kernel reads it for IPv6 only.
      this.#number('expires', args.next());
    } else if (args.matches('metric') || args.matches('priority') || word === 'preference') {
      request.priority = this.#number('metric', args.next());
    } else if (word === 'scope') {
      request.scope = names.scopeId(args.next()) ?? args.invarg('invalid "scope" value\n', args.word);
      this.scoped = true;
    } else return false;
    return true;
  }

  #number(name: string, word: string): number {
    return getUnsigned(word) ?? this.#args.invarg(`"${name}" value is invalid\n`, word);
  }

  /** Metrics and the words that iproute2 tries behind them. */
  #metric(): boolean {
    const args = this.#args;
    const word = args.word;
    const set = (name: string, value: number): true => {
      const [, , key] = METRICS.find(([, each]) => each === name)!;
      this.#metrics[key] = value;
      return true;
    };
    const value = (name: string): string => {
      if (args.next() === 'lock') {
        this.#lock |= 1 << METRICS.find(([, each]) => each === name)![0];
        args.next();
      }
      return args.word;
    };
    if (word === 'mtu') return set('mtu', this.#number('mtu', value('mtu')));
    if (word === 'hoplimit') {
      const limit = this.#number('hoplimit', value('hoplimit'));
      return set('hoplimit', limit > 255 ? args.invarg('"hoplimit" value is invalid\n', args.word) : limit);
    }
    if (word === 'advmss') return set('advmss', this.#number('mss', value('advmss')));
    if (args.matches('reordering')) return set('reordering', this.#number('reordering', value('reordering')));
    if (word === 'rtt') return set('rtt', this.#time('rtt', value('rtt'), 8));
    if (word === 'rto_min') {
      this.#lock |= 1 << 13;
      return set('rto_min', this.#time('rto_min', args.next(), 1));
    }
    if (args.matches('window')) return set('window', this.#number('window', value('window')));
    if (args.matches('cwnd')) return set('cwnd', this.#number('cwnd', value('cwnd')));
    if (args.matches('initcwnd')) return set('initcwnd', this.#number('initcwnd', value('initcwnd')));
    if (args.matches('initrwnd')) return set('initrwnd', this.#number('initrwnd', value('initrwnd')));
    if (args.matches('features')) {
      if (args.next() !== 'ecn') args.invarg('"features" value not valid\n', args.word);
      return set('features', RTAX_FEATURE_ECN);
    }
    if (args.matches('quickack')) return set('quickack', this.#bool('quickack', args.next()));
    if (args.matches('congctl')) args.notModelled('route congctl');
    if (args.matches('rttvar')) return set('rttvar', this.#time('rttvar', value('rttvar'), 4));
    if (args.matches('ssthresh')) return set('ssthresh', this.#number('ssthresh', value('ssthresh')));
    if (args.matches('realms')) args.notModelled('route realms');
    if (word === 'onlink') this.request.flags = (this.request.flags ?? 0) | RTNH_F_ONLINK;
    else if (word === 'nhid') args.notModelled('route nhid');
    else if (args.matches('protocol')) {
      const protocol = this.#ip.names.protocolId(args.next());
      this.request.protocol = protocol ?? args.invarg('"protocol" value is invalid\n', args.word);
    } else if (args.matches('table')) {
      const table = this.#ip.names.tableId(args.next());
      this.request.table = table ?? args.invarg('"table" value is invalid\n', args.word);
      this.tabled = true;
    } else if (args.matches('vrf')) args.invarg('Invalid VRF\n', args.next());
    else if (word === 'dev' || word === 'oif') this.device = args.next();
    else if (args.matches('pref')) {
      // Router preference: the kernel reads it for IPv6 only.
      if (!['low', 'medium', 'high'].includes(args.next())) this.#number('pref', args.word);
    } else if (word === 'encap') args.notModelled('route encap');
    else if (word === 'ttl-propagate') args.notModelled('route ttl-propagate');
    else if (args.matches('fastopen_no_cookie')) {
      return set('fastopen_no_cookie', this.#bool('fastopen_no_cookie', args.next()));
    } else return false;
    return true;
  }

  #bool(name: string, word: string): number {
    const value = this.#number(name, word);
    if (value > 1) this.#args.invarg(`"${name}" value should be 0 or 1\n`, word);
    return value;
  }

  /** get_time_rtt(): a bare number is the metric itself, with a unit it is a time in units of 1/`scale` ms. */
  #time(name: string, word: string, scale: number): number {
    const match = /^(\d+\.\d*|\.\d+|0[xX][0-9a-fA-F]+|\d+)(s|secs?|ms|msecs?)?$/i.exec(word);
    if (match === null) this.#args.invarg(`"${name}" value is invalid\n`, word);
    const [, number = '', unit] = match;
    const bare = number.includes('.') ? Number(number) : strtol(number).value;
    const milliseconds = Math.ceil(/^s/i.test(unit ?? '') ? bare * 1000 : bare);
    return unit === undefined ? milliseconds : milliseconds * scale;
  }

  #destination(): void {
    const args = this.#args;
    if (args.word === 'to') args.next();
    if (!/^[0-9]/.test(args.word)) {
      const type = routeTypeNumber(args.word);
      if (type !== undefined) {
        args.next();
        this.request.type = type;
      }
    }
    if (args.matches('help')) this.#usage();
    if (this.destination) args.duparg2('to', args.word);
    const prefix = this.#settle(getPrefix(args, args.word, this.#family));
    this.request.dst = prefix.address;
    this.request.dstLen = prefix.bitlen;
    this.destination = true;
  }

  /** The metrics read, if any. */
  takeMetrics(): void {
    if (Object.keys(this.#metrics).length === 0) return;
    this.request.metrics = this.#lock === 0 ? this.#metrics : { ...this.#metrics, lock: this.#lock };
  }

  /** parse_nexthops(). */
  readNexthops(): void {
    const args = this.#args;
    const hops: RouteNexthop[] = [];
    while (args.left > 0) {
      if (args.word !== 'nexthop') {
        args.fail(`Error: "nexthop" or end of line is expected instead of "${args.word}"`);
      }
      if (args.left <= 1) args.fail('Error: unexpected end of line after "nexthop"');
      args.shift();
      hops.push(this.#nexthop());
    }
    this.request.multipath = hops;
  }

  #nexthop(): RouteNexthop {
    const args = this.#args;
    const hop: RouteNexthop = { weight: 1, flags: 0 };
    for (; args.left > 0; args.shift()) {
      if (args.word === 'via') hop.gateway = this.#via();
      else if (args.word === 'dev') {
        hop.oif = this.#ip.links.index(args.next());
        if (hop.oif === 0) {
          args.nodev(args.word);
          args.fail('Error: cannot parse nexthop', EXIT_USAGE);
        }
      } else if (args.word === 'weight') {
        const weight = getUnsigned(args.next()) ?? 0;
        if (weight === 0 || weight > 256) args.invarg('"weight" is invalid\n', args.word);
        hop.weight = weight;
      } else if (args.word === 'onlink') hop.flags |= RTNH_F_ONLINK;
      else if (args.matches('realms')) args.notModelled('route realms');
      else if (args.word === 'encap' || args.word === 'as') args.notModelled(`route ${args.word}`);
      else break;
    }
    return hop;
  }

  /** The table and scope that follow from the type when they were not given. */
  complete(deleting: boolean): void {
    const { request } = this;
    const type = request.type ?? RTN_UNSPEC;
    if (!this.tabled && (type === RTN_LOCAL || type === RTN_BROADCAST || type === RTN_NAT || type === RTN_ANYCAST)) {
      request.table = RT_TABLE_LOCAL;
    }
    if (this.scoped) return;
    if (type === RTN_LOCAL || type === RTN_NAT) request.scope = RT_SCOPE_HOST;
    else if (type === RTN_BROADCAST || type === RTN_MULTICAST || type === RTN_ANYCAST) request.scope = RT_SCOPE_LINK;
    else if (type === RTN_UNICAST || type === RTN_UNSPEC) {
      if (deleting) request.scope = RT_SCOPE_NOWHERE;
      else if (!this.gateway && request.multipath === undefined) request.scope = RT_SCOPE_LINK;
    }
  }
}

/** iproute_modify(); `flags` are undefined for a deletion. */
export async function modifyRoute(ip: Ip, args: Args, flags: number | undefined, usage: () => never): Promise<number> {
  const deleting = flags === undefined;
  const reader = new RouteReader(ip, args, usage, deleting);
  const nexthops = reader.read();
  if (!reader.destination) usage();
  const { request } = reader;
  if (reader.device !== undefined) {
    const oif = ip.links.index(reader.device);
    if (oif === 0) return args.nodev(reader.device);
    request.oif = oif;
  }
  reader.takeMetrics();
  if (nexthops) reader.readNexthops();
  if (reader.family !== AF_INET) args.notModelled('route of a family other than inet');
  reader.complete(deleting);
  if (ip.options.echo) args.notModelled('-echo');
  return talk(ip.process, deleting ? ip.rtnl.delRoute(request) : ip.rtnl.newRoute(request, flags));
}
