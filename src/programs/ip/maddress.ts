import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { AF_INET, AF_INET6, AF_PACKET, AF_UNSPEC } from '../../uapi/rtnetlink.ts';
import { formatIpv4, type Mac } from '../../wire/addr.ts';
import { formatIpv6 } from '../../wire/ipv6.ts';
import { type Args, matches } from './args.ts';
import type { Ip, IpObject } from './context.ts';
import { EXIT_FAILURE, EXIT_USAGE, Exit } from './exit.ts';
import { llAddrA2n, macOf } from './ll-addr.ts';

const USAGE = `Usage: ip maddr [ add | del ] MULTIADDR dev STRING
       ip maddr show [ dev STRING ]
`;

interface MulticastAddress {
  family: 'link' | 'inet' | 'inet6';
  ifindex: number;
  ifname: string;
  address: string;
  users: number;
  isStatic: boolean;
}

/** The lines of a file under /proc/net; a kernel without it cannot be asked. */
function readLines(args: Args, path: string): string[] {
  const text = args.process.files.readText(path);
  if (isRefusal(text))
    return args.fail(`ip: "maddress" is not modelled: ${path}: ${strerror(text.errno)}`, EXIT_FAILURE);
  return text.split('\n').filter((line) => line !== '');
}

/** /proc/net/dev_mcast: index, name, users, static users, address. */
function readDevMcast(args: Args): MulticastAddress[] {
  return readLines(args, '/proc/net/dev_mcast').map((line) => {
    const [ifindex, ifname, users, isStatic, hex] = line.trim().split(/\s+/);
    return {
      family: 'link',
      ifindex: Number(ifindex),
      ifname: ifname!,
      address: hex!.replace(/..(?=.)/g, '$&:'),
      users: Number(users),
      isStatic: isStatic !== '0',
    };
  });
}

/** /proc/net/igmp: a line per device, then its groups, in the byte order of the machine. */
function readIgmp(args: Args): MulticastAddress[] {
  const found: MulticastAddress[] = [];
  let ifindex = 0;
  let ifname = '';
  for (const line of readLines(args, '/proc/net/igmp').slice(1)) {
    const words = line.trim().split(/\s+/);
    if (!line.startsWith('\t')) {
      ifindex = Number(words[0]);
      ifname = words[1]!.replace(/:$/, '');
      continue;
    }
    const octets = words[0]!.match(/../g)!.map((octet) => Number.parseInt(octet, 16));
    const address = octets.reduceRight((sum, octet) => sum * 256 + octet, 0);
    found.push({
      family: 'inet',
      ifindex,
      ifname,
      address: formatIpv4(address),
      users: Number(words[1]),
      isStatic: false,
    });
  }
  return found;
}

/** /proc/net/igmp6: index, name, address, users; a kernel without it has no IPv6. */
function readIgmp6(args: Args): MulticastAddress[] {
  const text = args.process.files.readText('/proc/net/igmp6');
  if (isRefusal(text)) return [];
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [ifindex, ifname, hex, users] = line.trim().split(/\s+/);
    const octets = Uint8Array.from(hex!.match(/../g)!, (octet) => Number.parseInt(octet, 16));
    return {
      family: 'inet6',
      ifindex: Number(ifindex),
      ifname: ifname!,
      address: formatIpv6(octets, 0),
      users: Number(users),
      isStatic: false,
    };
  });
}

function list(ip: Ip, args: Args): number {
  const { out, options } = ip;
  let device: string | undefined;
  while (args.left > 0) {
    if (args.word === 'dev') args.next();
    else if (args.matches('help')) usage(ip);
    if (device !== undefined) args.duparg2('dev', args.word);
    device = args.word;
    args.shift();
  }
  const any = options.family === AF_UNSPEC;
  const all = [
    ...(any || options.family === AF_PACKET ? readDevMcast(args) : []),
    ...(any || options.family === AF_INET ? readIgmp(args) : []),
    ...(any || options.family === AF_INET6 ? readIgmp6(args) : []),
  ]
    .filter((entry) => device === undefined || entry.ifname === device)
    .sort((a, b) => a.ifindex - b.ifindex);

  out.newJson();
  let current = 0;
  const closeDevice = (): void => {
    if (!current) return;
    out.closeArray();
    out.closeObject();
  };
  for (const entry of all) {
    if (entry.ifindex !== current || options.oneline) {
      closeDevice();
      out.openObject();
      out.print('ifindex', `${entry.ifindex}:`, entry.ifindex);
      out.color('ifname', 'ifname', `\t${entry.ifname}`, entry.ifname);
      out.nl();
      current = entry.ifindex;
      out.openArray('maddr');
    }
    out.text('\t');
    out.openObject();
    if (entry.family === 'link') {
      out.text('link  ');
      out.color('mac', 'link', entry.address, entry.address);
    } else {
      out.print('family', `${entry.family.padEnd(5)} `, entry.family);
      out.color('inet', 'address', entry.address, entry.address);
    }
    if (entry.users !== 1) out.print('users', ` users ${entry.users}`, entry.users);
    if (entry.isStatic) out.print('features', ' static', 'static');
    out.text('\n');
    out.closeObject();
  }
  closeDevice();
  out.deleteJson();
  return 0;
}

/** multiaddr_modify(): addresses of the link layer only. */
function modify(ip: Ip, args: Args, add: boolean): number {
  let dev: string | undefined;
  let address: Mac | undefined;
  for (; args.left > 0; args.shift()) {
    if (args.word === 'dev') {
      args.next();
      if (dev !== undefined) args.duparg('dev', args.word);
      dev = args.word;
      continue;
    }
    if (args.matches('address')) args.next();
    if (args.matches('help')) usage(ip);
    if (address !== undefined) args.duparg('address', args.word);
    const octets = llAddrA2n(args, args.word, 14);
    if (octets === undefined) return EXIT_FAILURE;
    address = macOf(octets);
    if (address === undefined) {
      args.complain(`Error: Invalid address length ${octets.length} - must be 6 bytes`);
      return EXIT_FAILURE;
    }
  }
  if (dev === undefined) return args.fail('Not enough information: "dev" is required.');
  const { ioctl } = ip.process.task;
  const refused = add ? ioctl.addMulticast(dev, address ?? 0) : ioctl.deleteMulticast(dev, address ?? 0);
  if (refused === undefined) return 0;
  args.complain(`ioctl: ${strerror(refused.errno)}`);
  return EXIT_FAILURE;
}

function usage(ip: Ip): never {
  ip.process.stderr.write(USAGE);
  throw new Exit(EXIT_USAGE);
}

/** `ip maddress`: the multicast addresses that devices listen to. */
export const doMultiaddr: IpObject = async (ip, args) => {
  if (args.left < 1) return list(ip, args);
  const command = args.word;
  args.shift();
  if (matches(command, 'add')) return modify(ip, args, true);
  if (matches(command, 'delete')) return modify(ip, args, false);
  if (matches(command, 'list') || matches(command, 'show') || matches(command, 'lst')) return list(ip, args);
  if (matches(command, 'help')) usage(ip);
  return args.fail(`Command "${command}" is unknown, try "ip maddr help".`);
};
