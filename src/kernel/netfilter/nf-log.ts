/** LOG: a line about the packet in the kernel's log. */
import { ENOENT } from '../../uapi/errno.ts';
import { refuse } from '../../uapi/result.ts';
import { formatIpv4, formatMac, ipv4At, macAt, u16At, u32At } from '../../wire/addr.ts';
import {
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_FRAG_NEEDED,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
} from '../../wire/icmp.ts';
import { IP_CE, IP_DF, IP_MF, IP_OFFSET, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../wire/ipv4.ts';
import { type NetNamespace, PerNet } from '../core/net-namespace.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { NFPROTO_IPV4, type NfHookState } from '../core/netfilter.ts';
import { nfBridgeInfoOf } from '../core/netfilter-bridge.ts';
import type { SkBuff } from '../core/skbuff.ts';
import type { SysctlEntries } from '../core/sysctl.ts';

/** XT_LOG_*: what else to show. */
const LOG_TCPSEQ = 1;
const LOG_TCPOPT = 2;
const LOG_IPOPT = 4;
const LOG_MACDECODE = 32;

export interface LogInfo {
  prefix: string;
  flags: number;
}

const hex2 = (value: number) => value.toString(16).padStart(2, '0');

function hexBytes(bytes: Uint8Array, from: number, to: number, separator: string): string {
  return Array.from(bytes.subarray(from, to), hex2).join(separator);
}

/** @kernel net/netfilter/nf_log_syslog.c dump_mac_header */
function macHeader({ bytes, macHeader: mac, networkHeader }: SkBuff, dev: NetDevice, flags: number): string {
  if (mac < 0 || dev.hardHeaderLen === 0 || mac === networkHeader) return 'MAC= ';
  if ((flags & LOG_MACDECODE) !== 0) {
    const [source, destination] = [formatMac(macAt(bytes, mac + 6)), formatMac(macAt(bytes, mac))];
    return `MACSRC=${source} MACDST=${destination} MACPROTO=${hex2(bytes[mac + 12]!)}${hex2(bytes[mac + 13]!)} `;
  }
  return `MAC=${hexBytes(bytes, mac, mac + dev.hardHeaderLen, ':')} `;
}

const TCP_FLAG_NAMES: readonly (readonly [number, string])[] = [
  [0x80, 'CWR '],
  [0x40, 'ECE '],
  [0x20, 'URG '],
  [0x10, 'ACK '],
  [0x08, 'PSH '],
  [0x04, 'RST '],
  [0x02, 'SYN '],
  [0x01, 'FIN '],
];

/** @kernel net/netfilter/nf_log_syslog.c nf_log_dump_tcp_header */
function tcpHeader(bytes: Uint8Array, at: number, end: number, flags: number): string {
  if (end - at < 20) return `INCOMPLETE [${end - at} bytes] `;
  let text = `SPT=${u16At(bytes, at)} DPT=${u16At(bytes, at + 2)} `;
  if ((flags & LOG_TCPSEQ) !== 0) text += `SEQ=${u32At(bytes, at + 4)} ACK=${u32At(bytes, at + 8)} `;
  text += `WINDOW=${u16At(bytes, at + 14)} RES=0x${hex2(((bytes[at + 12]! & 0xf) << 2) | (bytes[at + 13]! >>> 6))} `;
  for (const [bit, name] of TCP_FLAG_NAMES) if ((bytes[at + 13]! & bit) !== 0) text += name;
  text += `URGP=${u16At(bytes, at + 18)} `;
  const length = (bytes[at + 12]! >>> 4) * 4;
  if ((flags & LOG_TCPOPT) === 0 || length <= 20) return text;
  return `${text}OPT (${hexBytes(bytes, at + 20, Math.min(end, at + length), '').toUpperCase()}) `;
}

/** @kernel net/netfilter/nf_log_syslog.c dump_ipv4_packet */
function ipv4Packet(bytes: Uint8Array, ip: number, end: number, flags: number, inner: boolean): string {
  if (end - ip < 20) return 'TRUNCATED';
  const headerLength = (bytes[ip]! & 15) * 4;
  const tos = bytes[ip + 1]!;
  const word = u16At(bytes, ip + 6);
  let text = `SRC=${formatIpv4(ipv4At(bytes, ip + 12))} DST=${formatIpv4(ipv4At(bytes, ip + 16))} `;
  text += `LEN=${u16At(bytes, ip + 2)} TOS=0x${hex2(tos & 0x1e).toUpperCase()} PREC=0x${hex2(tos & 0xe0).toUpperCase()} `;
  text += `TTL=${bytes[ip + 8]} ID=${u16At(bytes, ip + 4)} `;
  if ((word & IP_CE) !== 0) text += 'CE ';
  if ((word & IP_DF) !== 0) text += 'DF ';
  if ((word & IP_MF) !== 0) text += 'MF ';
  const offset = word & IP_OFFSET;
  if (offset !== 0) text += `FRAG:${offset} `;
  if ((flags & LOG_IPOPT) !== 0 && headerLength > 20) {
    text += `OPT (${hexBytes(bytes, ip + 20, Math.min(end, ip + headerLength), '').toUpperCase()}) `;
  }
  const at = ip + headerLength;
  switch (bytes[ip + 9]) {
    case IPPROTO_TCP:
      return `${text}PROTO=TCP ${offset === 0 ? tcpHeader(bytes, at, end, flags) : ''}`;
    case IPPROTO_UDP:
      if (offset !== 0) return `${text}PROTO=UDP `;
      if (end - at < 8) return `${text}PROTO=UDP INCOMPLETE [${end - at} bytes] `;
      return `${text}PROTO=UDP SPT=${u16At(bytes, at)} DPT=${u16At(bytes, at + 2)} LEN=${u16At(bytes, at + 4)} `;
    case IPPROTO_ICMP:
      return `${text}PROTO=ICMP ${offset === 0 ? icmpHeader(bytes, at, end, flags, inner) : ''}`;
    default:
      return `${text}PROTO=${bytes[ip + 9]} `;
  }
}

function icmpHeader(bytes: Uint8Array, at: number, end: number, flags: number, inner: boolean): string {
  if (end - at < 8) return `INCOMPLETE [${end - at} bytes] `;
  const [type, code] = [bytes[at]!, bytes[at + 1]!];
  let text = `TYPE=${type} CODE=${code} `;
  switch (type) {
    case ICMP_ECHO:
    case ICMP_ECHOREPLY:
      return `${text}ID=${u16At(bytes, at + 4)} SEQ=${u16At(bytes, at + 6)} `;
    case ICMP_PARAMETERPROB:
      return `${text}PARAMETER=${bytes[at + 4]} `;
    case ICMP_REDIRECT:
    case ICMP_DEST_UNREACH:
    case ICMP_SOURCE_QUENCH:
    case ICMP_TIME_EXCEEDED:
      if (type === ICMP_REDIRECT) text += `GATEWAY=${formatIpv4(ipv4At(bytes, at + 4))} `;
      if (!inner) text += `[${ipv4Packet(bytes, at + 8, end, flags, true)}] `;
      if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) text += `MTU=${u16At(bytes, at + 6)} `;
      return text;
    default:
      return text;
  }
}

/** The loggers of protocol families, by number (nfproto): the syslog ones where there are such. */
const LOGGERS = ['', '', 'ipv4', 'arp', '', 'netdev', '', 'bridge', '', '', 'ipv6'].map((family) =>
  family === '' ? 'NONE' : `nf_log_${family}`,
);
const loggers: PerNet<string[]> = new PerNet(() => [...LOGGERS]);

/** Files of /proc/sys/net/netfilter/nf_log. @kernel net/netfilter/nf_log.c nf_log_proc_dostring */
export function nfLogSysctls(net: NetNamespace): SysctlEntries {
  const bound = loggers.of(net);
  const entries: SysctlEntries = {};
  LOGGERS.forEach((own, family) => {
    entries[String(family)] = {
      mode: 0o644,
      read: () => bound[family]!,
      write(text) {
        const name = text.trim();
        if (name !== 'NONE' && name !== own && name !== 'nfnetlink_log') return refuse(ENOENT);
        bound[family] = name;
        return undefined;
      },
    };
  });
  return entries;
}

/**
 * One line for dmesg. As on Linux only packets of the first namespace are logged.
 * @kernel net/netfilter/nf_log_syslog.c nf_log_ip_packet #P[no user ids; nf_log_all_netns is always 0]
 */
export function nfLogIpPacket(skb: SkBuff, { net, in: inDev, out }: NfHookState, { prefix, flags }: LogInfo): void {
  if (net.number !== 1 || loggers.of(net)[NFPROTO_IPV4] !== 'nf_log_ipv4') return;
  let text = `${prefix}IN=${inDev?.name ?? ''} OUT=${out?.name ?? ''} `;
  const bridge = nfBridgeInfoOf(skb);
  if (bridge?.physindev !== undefined && bridge.physindev !== inDev) text += `PHYSIN=${bridge.physindev.name} `;
  if (bridge?.physoutdev !== undefined && bridge.physoutdev !== out) text += `PHYSOUT=${bridge.physoutdev.name} `;
  if (inDev !== undefined) text += macHeader(skb, skb.dev ?? inDev, flags);
  text += ipv4Packet(skb.bytes, skb.networkHeader, skb.tail, flags, false);
  if (skb.mark !== 0) text += `MARK=0x${skb.mark.toString(16)} `;
  net.kernel.printk(text);
}
