/** /proc/net files of IPv4. */
import {
  NUD_NOARP,
  NUD_PERMANENT,
  RTN_BROADCAST,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_UNREACHABLE,
} from '../../uapi/rtnetlink.ts';
import { formatIpv4, formatMac, type Ipv4, maskOf } from '../../wire/addr.ts';
import { NUD_VALID } from '../core/neighbour-states.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import { arpTable } from './arp-table.ts';
import { FORWARDING } from './devconf.ts';
import { igmpVersion } from './igmp-report.ts';
import { inDevGet } from './in-device.ts';
import type { InetSocket } from './inet-socket.ts';
import { fragStatistics } from './ip-fragment.ts';
import { ipv4Of } from './ipv4-net.ts';
import { SNMP_NAMES } from './snmp.ts';
import { socketTables } from './socket-tables.ts';

/** An address as the kernel's %08X shows it on a little-endian machine. */
function hexAddress(address: Ipv4): string {
  const swapped = ((address & 0xff) << 24) | ((address & 0xff00) << 8) | ((address >>> 8) & 0xff00) | (address >>> 24);
  return (swapped >>> 0).toString(16).toUpperCase().padStart(8, '0');
}

function hex4(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, '0');
}

/** @kernel net/ipv4/arp.c arp_seq_show */
export function procNetArp(net: NetNamespace): string {
  const table = arpTable(net.kernel);
  const lines = ['IP address       HW type     Flags       HW address            Mask     Device'];
  const line = (address: Ipv4, type: number, flags: number, mac: string, name: string): void => {
    const columns = `${formatIpv4(address).padEnd(16)} 0x${type.toString(16).padEnd(10)}0x${flags.toString(16).padEnd(10)}`;
    lines.push(`${columns}${mac.padEnd(17)}     *        ${name}`);
  };
  for (const dev of net.devices.values()) {
    for (const neigh of table.entriesOf(dev)?.values() ?? []) {
      if ((neigh.state & ~NUD_NOARP) === 0) continue;
      const flags = (neigh.state & NUD_PERMANENT) !== 0 ? 6 : (neigh.state & NUD_VALID) !== 0 ? 2 : 0;
      line(neigh.key, dev.type, flags, formatMac(neigh.ha), dev.name);
    }
  }
  for (const entry of table.proxies) {
    if (entry.net === net) line(entry.key, entry.dev?.type ?? 0, 0xc, '00:00:00:00:00:00', entry.dev?.name ?? '*');
  }
  return lines.map((text) => `${text}\n`).join('');
}

const RTF_UP = 1;
const RTF_GATEWAY = 2;
const RTF_HOST = 4;
const RTF_REJECT = 0x200;

/** The main table. @kernel net/ipv4/fib_trie.c fib_route_seq_show */
export function procNetRoute(net: NetNamespace): string {
  const lines = ['Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'];
  const { fibMain } = ipv4Of(net);
  if (fibMain === undefined) return '';
  for (const alias of fibMain.trie.all()) {
    if (alias.type === RTN_BROADCAST || alias.type === RTN_MULTICAST || alias.tableId !== fibMain.id) continue;
    const { info } = alias;
    const nh = info.nhs[0]!;
    let flags = RTF_UP;
    if (alias.type === RTN_UNREACHABLE || alias.type === RTN_PROHIBIT) flags = RTF_REJECT;
    if (nh.gw !== 0) flags |= RTF_GATEWAY;
    if (alias.plen === 32) flags |= RTF_HOST;
    flags |= RTF_UP;
    const mask = hexAddress(maskOf(alias.plen));
    const advmss = info.metrics?.advmss ?? 0;
    const mtu = advmss === 0 ? 0 : advmss + 40;
    const tail = `0\t0\t${info.priority}\t${mask}\t${mtu}\t${info.metrics?.window ?? 0}\t${(info.metrics?.rtt ?? 0) >>> 3}`;
    lines.push(`${nh.dev?.name ?? '*'}\t${hexAddress(alias.key)}\t${hexAddress(nh.gw)}\t${hex4(flags)}\t${tail}`);
  }
  return lines.map((text) => `${text.padEnd(127)}\n`).join('');
}

/** Two lines: names and values. */
function pair(name: string, names: string, values: readonly (number | string)[]): string {
  return `${name}: ${names}\n${name}: ${values.join(' ')}\n`;
}

/** @kernel net/ipv4/proc.c snmp_seq_show */
export function procNetSnmp(net: NetNamespace): string {
  const ipv4 = ipv4Of(net);
  const { mib } = ipv4;
  const forwarding = ipv4.devconfAll.data[FORWARDING] !== 0 ? 1 : 2;
  let text = pair('Ip', `Forwarding DefaultTTL ${SNMP_NAMES.Ip}`, [
    forwarding,
    ipv4.ipDefaultTtl,
    ...Object.values(mib.ip),
  ]);
  text += pair('Icmp', SNMP_NAMES.Icmp, Object.values(mib.icmp));
  const types = [
    ...[...mib.icmpIn].sort((a, b) => a[0] - b[0]).map(([type, count]) => [`InType${type}`, count] as const),
    ...[...mib.icmpOut].sort((a, b) => a[0] - b[0]).map(([type, count]) => [`OutType${type}`, count] as const),
  ];
  if (types.length > 0) {
    text += `IcmpMsg: ${types.map(([name]) => name).join(' ')}\nIcmpMsg: ${types.map(([, count]) => count).join(' ')}\n`;
  }
  const { tcp } = mib;
  text += pair(
    'Tcp',
    'RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors',
    [
      ...[1, 200, 120000, -1, tcp.ActiveOpens, 0, tcp.AttemptFails, 0, 0],
      ...[tcp.InSegs, tcp.OutSegs, tcp.RetransSegs, tcp.InErrs, tcp.OutRsts, tcp.InCsumErrors],
    ],
  );
  text += pair('Udp', SNMP_NAMES.Udp, Object.values(mib.udp));
  text += pair(
    'UdpLite',
    SNMP_NAMES.Udp,
    Object.values(mib.udp).map(() => 0),
  );
  return text;
}

/** @kernel net/ipv4/proc.c netstat_seq_show #P[TCP's counters are left out] */
export function procNetNetstat(net: NetNamespace): string {
  const { mib } = ipv4Of(net);
  return (
    pair('TcpExt', SNMP_NAMES.TcpExt, Object.values(mib.tcpExt)) +
    pair('IpExt', SNMP_NAMES.IpExt, Object.values(mib.ipExt))
  );
}

/** @kernel net/ipv4/udp.c udp4_format_sock */
function formatSocket(socket: InetSocket, bucket: number, state: number, width: number): string {
  const local = `${hexAddress(socket.rcvSaddr)}:${hex4(socket.num)}`;
  const remote = `${hexAddress(socket.daddr)}:${hex4(socket.dport)}`;
  const rx = socket.rmemAlloc.toString(16).toUpperCase().padStart(8, '0');
  const st = state.toString(16).toUpperCase().padStart(2, '0');
  const head = `${String(bucket).padStart(width)}: ${local} ${remote} ${st} 00000000:${rx} 00:00000000 00000000`;
  return `${head}     0        0 ${socket.inode} 2 0000000000000000 ${socket.drops}`;
}

const SOCKET_HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops';

function sockets(header: string, list: readonly InetSocket[], width: number): string {
  const ordered = [...list].sort((a, b) => a.num - b.num);
  const lines = ordered.map((socket) => formatSocket(socket, socket.num, socket.connected ? 1 : 7, width));
  return [header, ...lines].map((text) => `${text.padEnd(127)}\n`).join('');
}

/** @kernel net/ipv4/udp.c udp4_seq_show */
export function procNetUdp(net: NetNamespace): string {
  return sockets(SOCKET_HEADER.replace('  sl', '   sl'), [...socketTables.of(net).udp.values()].flat(), 5);
}

/** @kernel net/ipv4/raw.c raw_seq_show */
export function procNetRaw(net: NetNamespace): string {
  const text = sockets(SOCKET_HEADER, socketTables.of(net).raw, 4);
  return text.replace(/ +\n/, '\n');
}

/** @kernel net/ipv4/ping.c ping_v4_seq_show */
export function procNetIcmp(net: NetNamespace): string {
  return sockets(SOCKET_HEADER, [...socketTables.of(net).ping.values()].flat(), 5);
}

/** @kernel net/ipv4/igmp.c igmp_mc_seq_show */
export function procNetIgmp(net: NetNamespace): string {
  let text = 'Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n';
  const { now } = net.kernel.queue;
  for (const dev of net.devices.values()) {
    const inDev = inDevGet(dev);
    if (inDev === undefined || inDev.mc.list.length === 0) continue;
    const { list } = inDev.mc;
    text += `${dev.ifindex}\t${dev.name.padEnd(10)}: ${String(list.length).padStart(5)} ${igmpVersion(inDev).padStart(7)}\n`;
    for (const group of list) {
      const left = group.timerRunning ? Math.max(0, Math.floor(((group.timer?.expires ?? now) - now) / 1e7)) : 0;
      const clock = left.toString(16).toUpperCase().padStart(8, '0');
      const flags = `${group.timerRunning ? 1 : 0}:${clock}`;
      text += `\t\t\t\t${hexAddress(group.address)} ${String(group.users).padStart(5)} ${flags}\t\t${group.reporter ? 1 : 0}\n`;
    }
  }
  return text;
}

/** @kernel net/ipv4/proc.c sockstat_seq_show */
export function procNetSockstat(net: NetNamespace): string {
  const tables = socketTables.of(net);
  const udp = [...tables.udp.values()].flat().length;
  const { raw } = tables;
  const used = udp + raw.length + [...tables.ping.values()].flat().length;
  const { inuse, memory } = fragStatistics(ipv4Of(net));
  return (
    `sockets: used ${used}\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\nUDP: inuse ${udp} mem 0\n` +
    `UDPLITE: inuse 0\nRAW: inuse ${raw.length}\nFRAG: inuse ${inuse} memory ${memory}\n`
  );
}

/** What the kernel's file system asks for, by file name. */
export const INET_PROC_FILES: Readonly<Record<string, (net: NetNamespace) => string>> = {
  arp: procNetArp,
  icmp: procNetIcmp,
  igmp: procNetIgmp,
  netstat: procNetNetstat,
  raw: procNetRaw,
  route: procNetRoute,
  snmp: procNetSnmp,
  sockstat: procNetSockstat,
  udp: procNetUdp,
};
