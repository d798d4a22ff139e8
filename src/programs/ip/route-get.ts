/** `ip route get`: asks the kernel which way a packet would take. */
import { isRefusal } from '../../uapi/result.ts';
import type { RouteGetRequest } from '../../uapi/route-get.ts';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../../uapi/rtnetlink.ts';
import type { Args } from './args.ts';
import type { Ip } from './context.ts';
import { EXIT_FAILURE, EXIT_REFUSED } from './exit.ts';
import { getPrefix } from './inet-prefix.ts';
import { talkError } from './libnetlink.ts';
import { getU16, getUnsigned, inetProtoA2n } from './numbers.ts';
import type { RouteFilter } from './route-filter.ts';
import { printRoute } from './route-print.ts';

/** iproute_get(). */
export async function getRoute(ip: Ip, args: Args, usage: () => never): Promise<number> {
  const request: RouteGetRequest = { dst: 0 };
  let family = ip.options.family;
  let found = false;
  let connected = false;
  let idev: string | undefined;
  let odev: string | undefined;
  const prefix = (word: string) => {
    const read = getPrefix(args, word, family);
    if (family === AF_UNSPEC) family = read.family;
    if (read.family === AF_INET6) args.notModelled('IPv6 route');
    return read;
  };
  for (; args.left > 0; args.shift()) {
    const word = args.word;
    if (word === 'tos' || args.matches('dsfield')) {
      request.tos = ip.names.dsfieldId(args.next()) ?? args.invarg('TOS value is invalid\n', args.word);
    } else if (args.matches('from')) {
      args.next();
      if (args.matches('help')) usage();
      const source = prefix(args.word);
      if (source.bytelen > 0) request.src = source.address;
    } else if (args.matches('iif')) idev = args.next();
    else if (args.matches('mark')) {
      request.mark = getUnsigned(args.next()) ?? args.invarg('invalid mark value', args.word);
    } else if (args.matches('oif') || word === 'dev') odev = args.next();
    else if (args.matches('notify')) args.notModelled('route get notify');
    else if (args.matches('connected')) connected = true;
    else if (args.matches('vrf')) args.invarg('Invalid VRF\n', args.next());
    else if (args.matches('uid')) {
      request.uid = getUnsigned(args.next()) ?? args.invarg('invalid UID\n', args.word);
    } else if (args.matches('fibmatch')) request.fibMatch = true;
    else if (word === 'as') args.notModelled('route get as');
    else if (args.matches('sport') || args.matches('dport')) {
      const port = args.matches('sport') ? 'sport' : 'dport';
      request[port] = getU16(args.next()) ?? args.invarg(`invalid ${port}\n`, args.word);
    } else if (args.matches('ipproto')) {
      request.ipproto = inetProtoA2n(args.next()) ?? args.invarg('Invalid "ipproto" value\n', args.word);
    } else {
      if (word === 'to') args.next();
      if (args.matches('help')) usage();
      const destination = prefix(args.word);
      request.dst = destination.address;
      if (family === AF_INET && destination.bitlen !== 32) {
        args.complain(`Warning: /${destination.bitlen} as prefix is invalid, only /32 (or none) is supported.`);
      }
      found = true;
    }
  }
  if (!found) {
    args.complain('need at least a destination address');
    return EXIT_FAILURE;
  }
  if (idev !== undefined) {
    request.iif = ip.links.index(idev);
    if (request.iif === 0) return args.nodev(idev);
  }
  if (odev !== undefined) {
    request.oif = ip.links.index(odev);
    if (request.oif === 0) return args.nodev(odev);
  }
  const filter: RouteFilter = { table: 0, cloned: 'either' };
  // `connected` prints the answer and asks once more; the second question is the first one again.
  for (const _round of connected && request.src === undefined ? [1, 2] : [1]) {
    const answer = ip.rtnl.getRoute(request);
    if (isRefusal(answer)) {
      talkError(ip.process, answer);
      return EXIT_REFUSED;
    }
    ip.out.newJson();
    printRoute(ip, answer, filter);
    ip.out.deleteJson();
  }
  return 0;
}
