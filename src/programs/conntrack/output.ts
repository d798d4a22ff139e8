/** Connections as conntrack prints them (snprintf_default.c of libnetfilter_conntrack). */
import type { ConntrackCounters, ConntrackEntry, ConntrackTuple } from '../../uapi/conntrack.ts';
import { formatIpv4 } from '../../wire/addr.ts';

/** IPS_* of user space. */
export const IPS_SEEN_REPLY = 1 << 1;
export const IPS_ASSURED = 1 << 2;

const NAMES: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  47: 'gre',
  58: 'icmpv6',
  132: 'sctp',
  136: 'udplite',
};

export interface OutputFormat {
  extended: boolean;
  id: boolean;
  /** When the event came. */
  timestamp: boolean;
  /** When the connection began. */
  ktimestamp: boolean;
}

function tuple(of: ConntrackTuple): string {
  let text = `src=${formatIpv4(of.src)} dst=${formatIpv4(of.dst)} `;
  if (of.sport !== undefined) text += `sport=${of.sport} dport=${of.dport} `;
  if (of.icmpType !== undefined) text += `type=${of.icmpType} code=${of.icmpCode} id=${of.icmpId} `;
  return text;
}

const counters = (of: ConntrackCounters | undefined): string =>
  of === undefined ? '' : `packets=${of.packets} bytes=${of.bytes} `;

/** `Thu Nov 26 21:24:12 2026`, as asctime(3). */
function date(nanoseconds: number): string {
  const words = new Date(nanoseconds / 1e6).toUTCString().replaceAll(',', '').split(' ');
  const [weekday, day, month, year, time] = words;
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`;
}

/**
 * One connection in a line, without its end.
 * @param epoch what to add to times since boot, nanoseconds; undefined in an event
 */
export function connectionLine(entry: ConntrackEntry, format: OutputFormat, epoch?: number): string {
  let text = format.extended ? 'ipv4     2 ' : '';
  text += `${(NAMES[entry.protocol] ?? 'unknown').padEnd(8)} ${entry.protocol} ${entry.timeout} `;
  if (entry.tcpState !== undefined) text += `${entry.tcpState} `;
  text += tuple(entry.original) + counters(entry.counters?.[0]);
  if ((entry.status & IPS_SEEN_REPLY) === 0) text += '[UNREPLIED] ';
  text += tuple(entry.reply) + counters(entry.counters?.[1]);
  if ((entry.status & IPS_ASSURED) !== 0) text += '[ASSURED] ';
  if (epoch !== undefined || entry.mark !== 0) text += `mark=${entry.mark} `;
  if (entry.age !== undefined) text += `delta-time=${entry.age} `;
  if (format.ktimestamp && entry.start !== undefined) text += `[start=${date((epoch ?? 0) + entry.start)}] `;
  if (epoch !== undefined) text += 'use=1 ';
  if (format.id) text += `id=${entry.id} `;
  return text.trimEnd();
}
