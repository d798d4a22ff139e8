/** Names of hosts, ports and protocols, in both directions, as iptables resolves them. */
import { isRefusal } from '../../uapi/result.ts';
import { formatIpv4, type Ipv4, maskOf, parseIpv4 } from '../../wire/addr.ts';
import { protocolName, protocolNumber } from '../../wire/protocols.ts';
import { portOfService } from '../../wire/services.ts';
import type { XtablesContext } from './context.ts';
import { strtoui } from './numbers.ts';

/** /etc/networks of Debian. */
const NETWORKS: Readonly<Record<string, Ipv4>> = { default: 0, loopback: 0x7f00_0000, 'link-local': 0xa9fe_0000 };

/** The lines of /etc/hosts: an address and its names. */
function hosts(ctx: XtablesContext): { address: Ipv4; names: string[] }[] {
  const text = ctx.process.files.readText('/etc/hosts');
  const lines = isRefusal(text) ? ['127.0.0.1 localhost'] : text.split('\n');
  return lines.flatMap((line) => {
    const [first, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const address = parseIpv4(first ?? '');
    return address === undefined ? [] : [{ address, names }];
  });
}

/** xtables_ipaddr_to_anyname(): the host's name, or the dotted quad. */
export function hostName(ctx: XtablesContext, address: Ipv4): string {
  return hosts(ctx).find((host) => host.address === address)?.names[0] ?? formatIpv4(address);
}

/** Addresses of a host by name, in the order of /etc/hosts; empty when it is unknown. */
export function hostAddresses(ctx: XtablesContext, name: string): Ipv4[] {
  return [...new Set(hosts(ctx).flatMap((host) => (host.names.includes(name) ? [host.address] : [])))];
}

/** One to four numbers with dots; `full` wants all four (masks do). */
function numericAddress(text: string, full: boolean): Ipv4 | undefined {
  const parts = text.split('.');
  if (parts.length > 4 || (full && parts.length !== 4)) return undefined;
  let address = 0;
  for (let i = 0; i < 4; i++) {
    const octet = i < parts.length ? strtoui(parts[i]!, 0, 255) : 0;
    if (octet === undefined) return undefined;
    address = address * 256 + octet;
  }
  return address;
}

/** parse_ipmask() */
export function parseMask(ctx: XtablesContext, text: string | undefined): Ipv4 {
  if (text === undefined) return 0xffff_ffff;
  const dotted = numericAddress(text, true);
  if (dotted !== undefined) return dotted;
  const bits = strtoui(text, 0, 32);
  if (bits === undefined) return ctx.bad(`invalid mask \`${text}' specified`);
  return maskOf(bits);
}

/** xtables_ipparse_multiple(): `10.0.0.1,10.1.0.0/16,host`, each address cut by its mask. */
export function parseAddresses(ctx: XtablesContext, text: string): { address: Ipv4; mask: Ipv4 }[] {
  return text.split(',').flatMap((part) => {
    const spec = part.trimStart();
    const slash = spec.lastIndexOf('/');
    const mask = parseMask(ctx, slash < 0 ? undefined : spec.slice(slash + 1));
    // Under an empty mask the name is not looked at: any/0.
    const name = mask === 0 ? '0.0.0.0' : slash < 0 ? spec : spec.slice(0, slash);
    const numeric = numericAddress(name, false) ?? NETWORKS[name];
    const addresses = numeric === undefined ? hostAddresses(ctx, name) : [numeric];
    if (addresses.length === 0) return ctx.bad(`host/network \`${name}' not found`);
    return addresses.map((address) => ({ address: (address & mask) >>> 0, mask }));
  });
}

const CHAIN_PROTOCOLS: readonly (readonly [string, number])[] = [
  ['tcp', 6],
  ['sctp', 132],
  ['udp', 17],
  ['udplite', 136],
  ['icmp', 1],
  ['ipv6-icmp', 58],
  ['icmpv6', 58],
  ['esp', 50],
  ['ah', 51],
  ['mobility-header', 135],
  ['ipv6-mh', 135],
  ['mh', 135],
  ['all', 0],
];

/** xtables_parse_protocol() */
export function parseProtocol(ctx: XtablesContext, text: string): number {
  const number = strtoui(text, 0, 255) ?? CHAIN_PROTOCOLS.find(([name]) => name === text)?.[1] ?? protocolNumber(text);
  return number ?? ctx.bad(`unknown protocol "${text}" specified`);
}

/** proto_to_name(): undefined when there is no name, or none without a look into /etc/protocols. */
export function nameOfProtocol(number: number, noLookup: boolean): string | undefined {
  const known = CHAIN_PROTOCOLS.find(([, value]) => value === number);
  if (known !== undefined) return known[0];
  return noLookup ? undefined : protocolName(number);
}

/** xtables_parse_port() */
export function parsePort(ctx: XtablesContext, text: string, protocol: string): number {
  const port = strtoui(text, 0, 0xffff) ?? portOfService(text, protocol);
  return port ?? ctx.bad(`invalid port/service \`${text}' specified`);
}

/** xtables_ipmask_to_numeric(): `/24`, `/255.0.255.0`, nothing for a whole address. */
export function formatMask(mask: Ipv4): string {
  const bits = prefixLength(mask);
  if (bits === undefined) return `/${formatIpv4(mask)}`;
  return bits === 32 ? '' : `/${bits}`;
}

/** The number of leading ones, if the mask has no others. */
export function prefixLength(mask: Ipv4): number | undefined {
  for (let bits = 0; bits <= 32; bits++) if (maskOf(bits) === mask) return bits;
  return undefined;
}
