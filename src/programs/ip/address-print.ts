import { type AddrMessage, AF_INET, AF_INET6, INFINITY_LIFE_TIME } from '../../uapi/rtnetlink.ts';
import { IFA_F_DEPRECATED, printAddressFlags } from './address-flags.ts';
import type { Ip } from './context.ts';
import { fnmatch } from './fnmatch.ts';
import { formatHost } from './format-host.ts';
import { addrMatch, familyName } from './inet-prefix.ts';
import type { ColorAttr } from './json-print.ts';
import type { LinkFilter } from './link-filter.ts';

/** Whether the filter lets an address through (the tests at the head of print_addrinfo). */
export function matchAddress(filter: LinkFilter, address: AddrMessage): boolean {
  if (filter.ifindex && filter.ifindex !== address.ifindex) return false;
  if ((filter.scope ^ address.scope) & filter.scopeMask) return false;
  if ((filter.flags ^ address.flags) & filter.flagMask) return false;
  if (filter.family && filter.family !== address.family) return false;
  if (filter.label !== undefined && !fnmatch(filter.label, address.label)) return false;
  const { prefix } = filter;
  if (!prefix || prefix.bitlen <= 0 || prefix.family === 0) return true;
  return prefix.family === address.family && addrMatch(address.local, prefix.address, prefix.bitlen);
}

function familyColor(family: number): ColorAttr | undefined {
  return family === AF_INET ? 'inet' : family === AF_INET6 ? 'inet6' : undefined;
}

function printLifetime(ip: Ip, key: string, seconds: number): void {
  ip.out.print(key, seconds === INFINITY_LIFE_TIME ? 'forever' : `${seconds}sec`, seconds);
}

/** print_addrinfo(), for an address that passed; `withDevice` puts `2: eth0` before it. */
export function printAddrinfo(ip: Ip, address: AddrMessage, withDevice: boolean): void {
  const { out, options, names } = ip;
  const color = familyColor(address.family);
  if (!options.brief) {
    if (withDevice) {
      const dev = ip.links.name(address.ifindex);
      out.text(`${address.ifindex}: ${dev}`);
      out.field('index', address.ifindex);
      out.field('dev', dev);
    }
    const family = familyName(address.family);
    out.print('family', `    ${family} `, family);
  }
  const local = formatHost(ip, address.local);
  out.color(color, 'local', local, local);
  if (address.address !== address.local) {
    out.text(' peer ');
    const peer = formatHost(ip, address.address);
    out.color(color, 'address', peer, peer);
  }
  out.print('prefixlen', `/${address.prefixlen} `, address.prefixlen);
  if (address.metric !== undefined) out.print('metric', `metric ${address.metric} `, address.metric);
  if (options.brief) return;

  if (address.broadcast !== undefined) {
    const broadcast = formatHost(ip, address.broadcast);
    out.text('brd ');
    out.color(color, 'broadcast', `${broadcast} `, broadcast);
  }
  const scope = names.scope(address.scope);
  out.print('scope', `scope ${scope} `, scope);
  printAddressFlags(ip, address.family, address.flags);
  if (address.label !== '') out.print('label', address.label, address.label);
  out.nl();
  out.text('       valid_lft ');
  printLifetime(ip, 'valid_life_time', address.validLft);
  out.text(' preferred_lft ');
  // A deprecated address counts on below zero, unless it has no end.
  const counts = (address.flags & IFA_F_DEPRECATED) !== 0 && address.preferredLft !== INFINITY_LIFE_TIME;
  const preferred = counts ? address.preferredLft | 0 : address.preferredLft;
  printLifetime(ip, 'preferred_life_time', preferred);
  out.text('\n');
}
