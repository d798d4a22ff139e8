import {
  ARPHRD_ETHER,
  ARPHRD_LOOPBACK,
  ARPHRD_NONE,
  IF_OPER_DOWN,
  IF_OPER_UP,
  IFF_ALLMULTI,
  IFF_AUTOMEDIA,
  IFF_BROADCAST,
  IFF_DEBUG,
  IFF_DORMANT,
  IFF_DYNAMIC,
  IFF_ECHO,
  IFF_LOOPBACK,
  IFF_LOWER_UP,
  IFF_MASTER,
  IFF_MULTICAST,
  IFF_NOARP,
  IFF_NOTRAILERS,
  IFF_POINTOPOINT,
  IFF_PORTSEL,
  IFF_PROMISC,
  IFF_RUNNING,
  IFF_SLAVE,
  IFF_UP,
} from '../../uapi/if.ts';
import { AF_PACKET, type LinkMessage } from '../../uapi/rtnetlink.ts';
import { formatMac } from '../../wire/addr.ts';
import type { Ip } from './context.ts';
import type { LinkFilter } from './link-filter.ts';
import { linkKind } from './link-kinds.ts';
import { printStats } from './link-stats.ts';
import { llIdxN2a } from './ll-map.ts';
import { nameFromNsid } from './netns.ts';
import { OPERSTATES } from './operstate.ts';

/** In the order in which they are printed. */
const FLAGS: readonly (readonly [number, string])[] = [
  [IFF_LOOPBACK, 'LOOPBACK'],
  [IFF_BROADCAST, 'BROADCAST'],
  [IFF_POINTOPOINT, 'POINTOPOINT'],
  [IFF_MULTICAST, 'MULTICAST'],
  [IFF_NOARP, 'NOARP'],
  [IFF_ALLMULTI, 'ALLMULTI'],
  [IFF_PROMISC, 'PROMISC'],
  [IFF_MASTER, 'MASTER'],
  [IFF_SLAVE, 'SLAVE'],
  [IFF_DEBUG, 'DEBUG'],
  [IFF_DYNAMIC, 'DYNAMIC'],
  [IFF_AUTOMEDIA, 'AUTOMEDIA'],
  [IFF_PORTSEL, 'PORTSEL'],
  [IFF_NOTRAILERS, 'NOTRAILERS'],
  [IFF_UP, 'UP'],
  [IFF_LOWER_UP, 'LOWER_UP'],
  [IFF_DORMANT, 'DORMANT'],
  [IFF_ECHO, 'ECHO'],
];

const LINK_MODES = ['DEFAULT', 'DORMANT'];
const ADDR_GEN_MODES = ['eui64', 'none', 'stable_secret', 'random'];

/** print_link_flags(): `<NO-CARRIER,BROADCAST,...> `; `mdown` adds M-DOWN. */
export function printFlags(ip: Ip, flags: number, mdown: boolean): void {
  const { out } = ip;
  out.openArray('flags', '<');
  if (flags & IFF_UP && !(flags & IFF_RUNNING)) out.print(undefined, 'NO-CARRIER,', 'NO-CARRIER');
  let left = flags & ~IFF_RUNNING;
  for (const [bit, name] of FLAGS) {
    if (!(left & bit)) continue;
    left &= ~bit;
    out.print(undefined, left ? `${name},` : name, name);
  }
  if (left) out.print(undefined, left.toString(16), left.toString(16));
  if (mdown) out.print(undefined, ',M-DOWN', 'M-DOWN');
  out.closeArray('> ');
}

/** print_name_and_link(): `name@lower`; gives whether the lower device, if it is here, is down. */
export function printNameAndLink(
  ip: Ip,
  link: Pick<LinkMessage, 'ifname' | 'link' | 'linkNetnsid'>,
  format: (name: string) => string,
): boolean {
  const { out, links } = ip;
  let name = link.ifname;
  let mdown = false;
  if (link.link !== undefined) {
    let lower: string | undefined;
    if (!link.link) {
      if (out.isJson) out.field('link', null);
      else lower = 'NONE';
    } else if (link.linkNetnsid !== undefined) {
      if (out.isJson) out.field('link_index', link.link);
      else lower = llIdxN2a(link.link);
    } else {
      lower = links.name(link.link);
      if (out.isJson) {
        out.field('link', lower);
        lower = undefined;
      }
      mdown = !(links.flags(link.link) & IFF_UP);
    }
    if (lower !== undefined) name = `${name}@${lower}`;
  }
  out.color('ifname', 'ifname', format(name), name);
  return mdown;
}

/** print_operstate(). */
function printOperstate(ip: Ip, state: number): void {
  const { out, options } = ip;
  const name = OPERSTATES[state];
  const color = state === IF_OPER_UP ? 'operstate-up' : state === IF_OPER_DOWN ? 'operstate-down' : undefined;
  if (name === undefined) {
    out.text(`state 0x${state.toString(16)}`);
    out.field('operstate_index', state);
  } else if (options.brief) out.color(color, 'operstate', `${name.padEnd(14)} `, name);
  else {
    out.text('state ');
    out.color(color, 'operstate', `${name} `, name);
  }
}

/** ll_type_n2a(). */
function linkType(type: number, numeric: boolean): string {
  if (numeric) return `[${type}]`;
  if (type === ARPHRD_ETHER) return 'ether';
  if (type === ARPHRD_LOOPBACK) return 'loopback';
  return type === ARPHRD_NONE ? 'none' : `[${type}]`;
}

/** print_linktype(): the kind's own lines of -details. */
function printKind(ip: Ip, link: LinkMessage): void {
  const { out } = ip;
  if (link.kind === undefined && link.slaveKind === undefined) return;
  out.openObject('linkinfo');
  if (link.kind !== undefined) {
    out.nl();
    out.print('info_kind', `    ${link.kind} `, link.kind);
    const kind = linkKind(link.kind);
    if (kind?.print) {
      out.openObject('info_data');
      if (link.data) kind.print(ip, link.data);
      out.closeObject();
    }
  }
  if (link.slaveKind !== undefined) {
    out.nl();
    out.print('info_slave_kind', `    ${link.slaveKind}_slave `, link.slaveKind);
    const kind = linkKind(`${link.slaveKind}_slave`);
    if (kind?.print) {
      out.openObject('info_slave_data');
      if (link.slaveData) kind.print(ip, link.slaveData);
      out.closeObject();
    }
  }
  out.closeObject();
}

function printAddresses(ip: Ip, link: LinkMessage): void {
  const { out, options } = ip;
  out.nl();
  const type = linkType(link.type, options.numeric);
  out.print('link_type', `    link/${type} `, type);
  if (link.address !== undefined) out.color('mac', 'address', formatMac(link.address), formatMac(link.address));
  if (link.broadcast !== undefined) {
    if (link.flags & IFF_POINTOPOINT) {
      out.text(' peer ');
      out.field('link_pointtopoint', true);
    } else out.text(' brd ');
    out.color('mac', 'broadcast', formatMac(link.broadcast), formatMac(link.broadcast));
  }
  if (link.permAddress !== undefined && link.permAddress !== link.address) {
    out.text(' permaddr ');
    out.color('mac', 'permaddr', formatMac(link.permAddress), formatMac(link.permAddress));
  }
}

function printLinkNetnsid(ip: Ip, nsid: number): void {
  const { out } = ip;
  out.field('link_netnsid', nsid);
  if (out.isJson) return;
  const name = nameFromNsid(ip, nsid);
  if (name !== undefined) out.text(` link-netns ${name}`);
  else out.text(` link-netnsid ${nsid >= 0 ? nsid : 'unknown'}`);
}

function printDetails(ip: Ip, link: LinkMessage, doLink: boolean): void {
  const { out } = ip;
  const number = (key: string, text: string, value: number | undefined): void => {
    if (value !== undefined) out.print(key, text, value);
  };
  number('promiscuity', ` promiscuity ${link.promiscuity} `, link.promiscuity);
  number('allmulti', ` allmulti ${link.allmulti} `, link.allmulti);
  number('min_mtu', `minmtu ${link.minMtu} `, link.minMtu);
  number('max_mtu', `maxmtu ${link.maxMtu} `, link.maxMtu);
  printKind(ip, link);
  if (doLink && link.addrGenMode !== undefined) {
    const mode = ADDR_GEN_MODES[link.addrGenMode] ?? `0x${link.addrGenMode.toString(16).padStart(2, '0')}`;
    out.print('inet6_addr_gen_mode', `addrgenmode ${mode} `, mode);
  }
  number('num_tx_queues', `numtxqueues ${link.numTxQueues} `, link.numTxQueues);
  number('num_rx_queues', `numrxqueues ${link.numRxQueues} `, link.numRxQueues);
  number('gso_max_size', `gso_max_size ${link.gsoMaxSize} `, link.gsoMaxSize);
  number('gso_max_segs', `gso_max_segs ${link.gsoMaxSegs} `, link.gsoMaxSegs);
  number('tso_max_size', `tso_max_size ${link.tsoMaxSize} `, link.tsoMaxSize);
  number('tso_max_segs', `tso_max_segs ${link.tsoMaxSegs} `, link.tsoMaxSegs);
  number('gro_max_size', `gro_max_size ${link.groMaxSize} `, link.groMaxSize);
}

/**
 * print_linkinfo(): one device. Gives 1 when it was printed whole, 0 when what was asked for leaves the
 * rest to the addresses, -1 when the filter passes it over. `doLink` tells `ip link` from `ip address`.
 */
export function printLinkinfo(ip: Ip, filter: LinkFilter, link: LinkMessage, doLink: boolean): number {
  const { out, options, links, names } = ip;
  if (filter.ifindex && link.ifindex !== filter.ifindex) return -1;
  if (filter.up && !(link.flags & IFF_UP)) return -1;
  if (filter.label !== undefined) return 0;
  if (filter.group !== -1 && link.group !== filter.group) return -1;
  if (filter.master > 0 && link.master !== filter.master) return -1;
  if (filter.kind !== undefined && link.kind !== filter.kind) return -1;
  if (filter.slaveKind !== undefined && link.slaveKind !== filter.slaveKind) return -1;

  if (options.brief) {
    const mdown = printNameAndLink(ip, link, (name) => `${name.padEnd(16)} `);
    printOperstate(ip, link.operstate);
    if (filter.family === AF_PACKET) {
      const { address } = link;
      if (address !== undefined) out.color('mac', 'address', `${formatMac(address)} `, formatMac(address));
      printFlags(ip, link.flags, mdown);
      out.text('\n');
    }
    return 0;
  }

  out.print('ifindex', `${link.ifindex}: `, link.ifindex);
  const mdown = printNameAndLink(ip, link, (name) => `${name}: `);
  printFlags(ip, link.flags, mdown);
  out.print('mtu', `mtu ${link.mtu} `, link.mtu);
  out.print('qdisc', `qdisc ${link.qdisc} `, link.qdisc);
  if (link.master !== undefined) {
    const master = links.name(link.master);
    out.print('master', `master ${master} `, master);
  }
  printOperstate(ip, link.operstate);
  if (doLink) {
    const mode = LINK_MODES[link.linkmode];
    if (mode) out.print('linkmode', `mode ${mode} `, mode);
    else out.print('linkmode_index', `mode ${link.linkmode} `, link.linkmode);
  }
  const group = names.group(link.group);
  out.print('group', `group ${group} `, group);
  if (link.txqlen) out.print('txqlen', `qlen ${link.txqlen}`, link.txqlen);

  if (!filter.family || filter.family === AF_PACKET || options.details) printAddresses(ip, link);
  if (link.linkNetnsid !== undefined) printLinkNetnsid(ip, link.linkNetnsid);
  if (link.protoDown) out.print('proto_down', ' protodown on ', true);
  if (options.details) printDetails(ip, link, doLink);
  if ((doLink || options.details) && link.alias !== undefined) {
    out.text(`${out.sl}    `);
    out.print('ifalias', `alias ${link.alias}`, link.alias);
  }
  if (doLink && options.stats) {
    out.nl();
    printStats(ip, link);
  }
  if (link.altnames) {
    out.openArray('altnames');
    for (const name of link.altnames) {
      out.text(`${out.sl}    altname `);
      out.print(undefined, name, name);
    }
    out.closeArray();
  }
  out.text('\n');
  return 1;
}
