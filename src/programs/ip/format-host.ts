import { formatIpv4, type Ipv4 } from '../../wire/addr.ts';
import { hostName } from '../hosts.ts';
import type { Ip } from './context.ts';

/** format_host(): the address, or with -resolve the name that /etc/hosts has for it. */
export function formatHost(ip: Ip, address: Ipv4): string {
  const name = ip.options.resolve ? hostName(ip.process, address) : undefined;
  return name ?? formatIpv4(address);
}
