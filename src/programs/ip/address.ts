import { EACCES, EADDRNOTAVAIL, EOPNOTSUPP } from '../../uapi/errno.ts';
import { refuse } from '../../uapi/result.ts';
import {
  type AddrRequest,
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  INFINITY_LIFE_TIME,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RT_SCOPE_HOST,
} from '../../uapi/rtnetlink.ts';
import { isLoopbackIpv4, isMulticastIpv4, maskOf } from '../../wire/addr.ts';
import { addressFlag, IFA_F_MCAUTOJOIN } from './address-flags.ts';
import { flush, listAddresses } from './address-list.ts';
import { addressUsage } from './address-usage.ts';
import { type Args, matching } from './args.ts';
import type { Ip, IpObject } from './context.ts';
import { EXIT_FAILURE } from './exit.ts';
import { getAddr, getPrefix, type InetPrefix } from './inet-prefix.ts';
import { talk } from './libnetlink.ts';
import { getUnsigned } from './numbers.ts';

type Command = 'new' | 'delete';

/** set_lifetime(). */
function lifetime(args: Args, option: string, word: string): number {
  if (word === 'forever') return INFINITY_LIFE_TIME;
  return getUnsigned(word) ?? args.invarg(`${option} value`, word);
}

/** default_scope(): host for 127/8, else global. */
function defaultScope(local: InetPrefix | undefined): number {
  return local?.family === AF_INET && isLoopbackIpv4(local.address) ? RT_SCOPE_HOST : 0;
}

/** ipaddr_modify(): read the address and its options, send the request. */
function modify(ip: Ip, args: Args, command: Command, flags: number): number {
  if (ip.options.echo) args.notModelled('-echo');
  const request: AddrRequest = { ifindex: 0, prefixlen: 0 };
  let { family } = ip.options;
  let dev: string | undefined;
  let local: InetPrefix | undefined;
  let localWord = '';
  let peer: InetPrefix | undefined;
  let broadcast: '+' | '-' | 'given' | undefined;
  let anycast = false;
  let addressFlags = 0;
  const adopt = (prefix: InetPrefix): InetPrefix => {
    if (family === AF_UNSPEC) family = prefix.family;
    return prefix;
  };

  while (args.left > 0) {
    const word = args.word;
    const is = matching(word);
    const flag = addressFlag(word);
    if (word === 'peer' || word === 'remote') {
      const value = args.next();
      if (peer) args.duparg('peer', value);
      peer = adopt(getPrefix(args, value, family));
      request.prefixlen = peer.bitlen;
    } else if (is('broadcast') || word === 'brd') {
      const value = args.next();
      if (broadcast) args.duparg('broadcast', value);
      if (value === '+' || value === '-') broadcast = value;
      else {
        request.broadcast = adopt(getAddr(args, value, family)).address;
        broadcast = 'given';
      }
    } else if (word === 'anycast') {
      const value = args.next();
      if (anycast) args.duparg('anycast', value);
      adopt(getAddr(args, value, family));
      anycast = true;
    } else if (word === 'scope') {
      const value = args.next();
      request.scope = ip.names.scopeId(value) ?? args.invarg('invalid scope value.', value);
    } else if (word === 'dev') dev = args.next();
    else if (word === 'label') request.label = args.next();
    else if (is('metric') || is('priority') || is('preference')) {
      const value = args.next();
      request.metric = getUnsigned(value) ?? args.invarg('"metric" value is invalid\n', value);
    } else if (is('valid_lft')) {
      if (request.validLft !== undefined) args.duparg('valid_lft', word);
      request.validLft = lifetime(args, 'valid_lft', args.next());
    } else if (is('preferred_lft')) {
      if (request.preferredLft !== undefined) args.duparg('preferred_lft', word);
      request.preferredLft = lifetime(args, 'preferred_lft', args.next());
    } else if (flag) {
      if (flag.readonly) args.complain(`Warning: ${flag.name} option is not mutable from userspace`);
      else if (flag.v6only && family !== AF_INET6) {
        args.complain(`Warning: ${flag.name} option can be set only for IPv6 addresses`);
      } else addressFlags |= flag.mask;
    } else {
      const value = word === 'local' ? args.next() : word;
      if (args.matches('help')) addressUsage(ip.process);
      if (local) args.duparg2('local', value);
      localWord = value;
      local = adopt(getPrefix(args, value, family));
      request.local = local.address;
    }
    args.shift();
  }
  if (addressFlags) request.flags = addressFlags;
  if (dev === undefined) {
    args.complain('Not enough information: "dev" argument is required.');
    return EXIT_FAILURE;
  }
  if (!peer && local) {
    if (command === 'delete' && local.family === AF_INET && !local.prefixlenSpecified) {
      args.complain(
        'Warning: Executing wildcard deletion to stay compatible with old scripts.\n' +
          `         Explicitly specify the prefix length (${localWord}/32) to avoid this warning.\n` +
          '         This special behaviour is likely to disappear in further releases,\n' +
          '         fix your scripts!',
      );
    } else peer = local;
  }
  if (peer) request.address = peer.address;
  if (request.prefixlen === 0 && local) request.prefixlen = local.bitlen;

  if ((broadcast === '+' || broadcast === '-') && command !== 'delete') {
    if (family !== AF_INET) {
      args.complain('Broadcast can be set only for IPv4 addresses');
      return EXIT_FAILURE;
    }
    const bitlen = peer?.bitlen ?? 0;
    if (peer && bitlen <= 30) {
      const mask = maskOf(bitlen);
      request.broadcast = broadcast === '+' ? (peer.address | ~mask) >>> 0 : (peer.address & mask) >>> 0;
    }
  }
  if (request.scope === undefined && command !== 'delete') request.scope = defaultScope(local);

  request.ifindex = ip.links.index(dev);
  if (!request.ifindex) return args.nodev(dev);

  if (request.validLft !== undefined || request.preferredLft !== undefined) {
    request.validLft ??= INFINITY_LIFE_TIME;
    request.preferredLft ??= INFINITY_LIFE_TIME;
    if (request.validLft === 0) {
      args.complain('valid_lft is zero');
      return EXIT_FAILURE;
    }
    if (request.validLft < request.preferredLft) {
      args.complain('preferred_lft is greater than valid_lft');
      return EXIT_FAILURE;
    }
  }
  if (addressFlags & IFA_F_MCAUTOJOIN && !(local && isMulticastIpv4(local.address))) {
    args.complain('autojoin needs multicast address');
    return EXIT_FAILURE;
  }
  if (family === AF_INET6) {
    // What a kernel with net.ipv6.conf.*.disable_ipv6=1 answers.
    const refusal =
      command === 'new'
        ? refuse(EACCES, 'ipv6: IPv6 is disabled on this device')
        : refuse(EADDRNOTAVAIL, 'ipv6: address not found');
    return talk(ip.process, refusal);
  }
  // No address and no -4: the request is for a family without addresses.
  if (family !== AF_INET) return talk(ip.process, refuse(EOPNOTSUPP));
  if (anycast) args.notModelled('address anycast');
  return talk(ip.process, command === 'new' ? ip.rtnl.newAddr(request, flags) : ip.rtnl.delAddr(request));
}

/** `ip address`. */
export const doIpaddr: IpObject = async (ip, args) => {
  if (args.left < 1) return listAddresses(ip, args);
  const command = args.word;
  args.shift();
  const is = matching(command);
  if (is('add')) return modify(ip, args, 'new', NLM_F_CREATE | NLM_F_EXCL);
  if (is('change') || command === 'chg') return modify(ip, args, 'new', NLM_F_REPLACE);
  if (is('replace')) return modify(ip, args, 'new', NLM_F_CREATE | NLM_F_REPLACE);
  if (is('delete')) return modify(ip, args, 'delete', 0);
  if (is('list') || is('show') || is('lst')) return listAddresses(ip, args);
  if (is('flush')) return flush(ip, args);
  for (const known of ['save', 'showdump', 'restore']) if (is(known)) args.notModelled(`address ${known}`);
  if (is('help')) addressUsage(ip.process);
  return args.fail(`Command "${command}" is unknown, try "ip address help".`);
};
