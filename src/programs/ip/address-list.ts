import { strerror } from '../../uapi/errno.ts';
import { IFF_UP } from '../../uapi/if.ts';
import { isRefusal } from '../../uapi/result.ts';
import { type AddrMessage, AF_PACKET, AF_UNSPEC, type LinkMessage, RT_SCOPE_NOWHERE } from '../../uapi/rtnetlink.ts';
import { filterByFlag } from './address-flags.ts';
import { flushAddresses } from './address-flush.ts';
import { matchAddress, printAddrinfo } from './address-print.ts';
import { addressUsage } from './address-usage.ts';
import type { Args } from './args.ts';
import type { Ip } from './context.ts';
import { EXIT_FAILURE, Exit } from './exit.ts';
import { getPrefix } from './inet-prefix.ts';
import { talkError } from './libnetlink.ts';
import { type LinkFilter, newFilter } from './link-filter.ts';
import { printLinkinfo } from './link-print.ts';
import { printStats } from './link-stats.ts';
import { linkUsage } from './link-usage.ts';

/** The words of `show` and `flush`; gives the device's name, if one is named. */
function parseFilter(ip: Ip, args: Args, filter: LinkFilter, doLink: boolean): string | undefined {
  let device: string | undefined;
  while (args.left > 0) {
    const word = args.word;
    if (word === 'to') {
      filter.prefix = getPrefix(args, args.next(), filter.family);
      if (filter.family === AF_UNSPEC) filter.family = filter.prefix.family;
    } else if (word === 'scope') {
      const value = args.next();
      const scope = ip.names.scopeId(value);
      filter.scopeMask = -1;
      if (scope === undefined) {
        if (value !== 'all') args.invarg('invalid "scope"\n', value);
        filter.scopeMask = 0;
      }
      filter.scope = scope ?? RT_SCOPE_NOWHERE;
    } else if (word === 'up') filter.up = true;
    else if (filterByFlag(filter, word)) {
      // The filter took it.
    } else if (word === 'label') filter.label = args.next();
    else if (word === 'group') {
      const value = args.next();
      filter.group = ip.names.groupId(value) ?? args.invarg('Invalid "group" value\n', value);
    } else if (word === 'master') {
      const value = args.next();
      filter.master = ip.links.index(value) || args.invarg('Device does not exist\n', value);
    } else if (word === 'vrf') args.invarg('Not a valid VRF name\n', args.next());
    else if (word === 'nomaster') filter.master = -1;
    else if (word === 'type') {
      const value = args.next();
      if (value.endsWith('_slave')) filter.slaveKind = value.slice(0, -'_slave'.length);
      else filter.kind = value;
    } else {
      if (word === 'dev') args.next();
      else if (args.matches('help')) {
        if (doLink) linkUsage(ip.process);
        addressUsage(ip.process);
      }
      if (device !== undefined) args.duparg2('dev', args.word);
      device = args.word;
    }
    args.shift();
  }
  if (device !== undefined) filter.ifindex = ip.links.index(device);
  return device;
}

/** iplink_get(): `ip link show dev NAME` asks for one device by name. */
function showOne(ip: Ip, filter: LinkFilter, name: string): void {
  const { out } = ip;
  const link = ip.rtnl.getLink({ ifname: name });
  if (isRefusal(link)) {
    talkError(ip.process, link);
    ip.process.stderr.write(`Cannot send link get request: ${strerror(link.errno)}\n`);
    out.deleteJson();
    throw new Exit(EXIT_FAILURE);
  }
  out.openObject();
  printLinkinfo(ip, filter, link, true);
  out.closeObject();
}

/** The devices asked for, remembered; undefined after the complaint about one that is gone. */
function fetchLinks(ip: Ip, filter: LinkFilter): LinkMessage[] | undefined {
  let links: LinkMessage[];
  if (filter.ifindex) {
    const link = ip.rtnl.getLink({ ifindex: filter.ifindex });
    if (isRefusal(link)) {
      talkError(ip.process, link);
      ip.process.stderr.write(`Cannot send link request: ${strerror(link.errno)}\n`);
      return undefined;
    }
    links = [link];
  } else {
    links = ip.rtnl.dumpLinks({
      ...(filter.master ? { master: filter.master } : {}),
      ...(filter.kind === undefined ? {} : { kind: filter.kind }),
    });
  }
  for (const link of links) ip.links.remember(link);
  return links;
}

/** ipaddr_filter(): devices without an address that passes are left out, those without any are kept. */
function hasAddress(filter: LinkFilter, link: LinkMessage, addresses: readonly AddrMessage[]): boolean {
  const own = addresses.filter((address) => address.ifindex === link.ifindex);
  if (own.length === 0) return filter.family === AF_UNSPEC || filter.family === AF_PACKET;
  return own.some((address) => matchAddress(filter, address));
}

/** ipaddr_list_flush_or_save(IPADD_LIST): `ip link show` and `ip address show`. */
async function list(ip: Ip, args: Args, doLink: boolean): Promise<number> {
  const { out, options, rtnl } = ip;
  const filter = newFilter(options.family, options.oneline);
  const device = parseFilter(ip, args, filter, doLink);
  if (device !== undefined && filter.ifindex <= 0) {
    args.complain(`Device "${device}" does not exist.`);
    return EXIT_FAILURE;
  }
  out.newJson();
  if (device !== undefined && filter.group === -1 && doLink) {
    showOne(ip, filter, device);
    out.deleteJson();
    await out.flush();
    return 0;
  }
  let links = fetchLinks(ip, filter) ?? [];
  let addresses: AddrMessage[] = [];
  if (filter.family !== AF_PACKET) {
    addresses = rtnl.dumpAddrs(filter.ifindex ? { ifindex: filter.ifindex } : {});
    if (filter.family) addresses = addresses.filter((address) => address.family === filter.family);
    links = links.filter((link) => hasAddress(filter, link, addresses));
  }
  const noLink = filter.family !== AF_PACKET && filter.oneline;
  for (const link of links) {
    out.openObject();
    let shown = 0;
    if (options.brief || !noLink) shown = printLinkinfo(ip, filter, link, doLink);
    if (shown >= 0 && filter.family !== AF_PACKET) {
      out.openArray('addr_info');
      for (const address of addresses) {
        if (address.ifindex !== link.ifindex || (filter.up && !(link.flags & IFF_UP))) continue;
        out.openObject();
        if (matchAddress(filter, address)) printAddrinfo(ip, address, filter.oneline);
        out.closeObject();
      }
      out.closeArray();
      if (options.brief) out.text('\n');
    }
    if (shown > 0 && !doLink && options.stats) {
      printStats(ip, link);
      out.nl();
    }
    out.closeObject();
  }
  out.deleteJson();
  await out.flush();
  return 0;
}

/** `ip link show`. */
export function listLinks(ip: Ip, args: Args): Promise<number> {
  ip.options.family = AF_PACKET;
  return list(ip, args, true);
}

/** `ip address show`. */
export function listAddresses(ip: Ip, args: Args): Promise<number> {
  return list(ip, args, false);
}

/** `ip address flush`. */
export async function flush(ip: Ip, args: Args): Promise<number> {
  const filter = newFilter(ip.options.family, ip.options.oneline);
  if (args.left <= 0 || filter.family === AF_PACKET) {
    args.complain(args.left <= 0 ? 'Flush requires arguments.' : 'Cannot flush link addresses.');
    return EXIT_FAILURE;
  }
  const device = parseFilter(ip, args, filter, false);
  if (device !== undefined && filter.ifindex <= 0) {
    args.complain(`Device "${device}" does not exist.`);
    return EXIT_FAILURE;
  }
  return flushAddresses(ip, filter);
}
