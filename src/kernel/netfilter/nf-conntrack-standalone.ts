/** What user space sees of connection tracking: /proc/net/nf_conntrack and net.netfilter.*. */
import { formatIpv4 } from '../../wire/addr.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../wire/ipv4.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import { intSysctl, type SysctlEntries } from '../core/sysctl.ts';
import { destinationOf, IPS_ASSURED, IPS_SEEN_REPLY, type NfConn, sourceOf, type Tuple } from './nf-conn.ts';
import { type ConntrackNet, conntrackNet, NF_CONNTRACK_MAX } from './nf-conntrack-state.ts';
import { TCP_CONNTRACK_NAMES } from './nf-conntrack-tcp.ts';

/** @kernel net/netfilter/nf_conntrack_standalone.c print_tuple */
function tupleText({ src, dst, ports, proto }: Tuple): string {
  const text = `src=${formatIpv4(src)} dst=${formatIpv4(dst)} `;
  switch (proto) {
    case IPPROTO_ICMP:
      return `${text}type=${(ports >>> 8) & 0xff} code=${ports & 0xff} id=${sourceOf(ports)} `;
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case 132:
    case 136:
      return `${text}sport=${sourceOf(ports)} dport=${destinationOf(ports)} `;
    default:
      return text;
  }
}

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  [IPPROTO_ICMP]: 'icmp',
  [IPPROTO_TCP]: 'tcp',
  [IPPROTO_UDP]: 'udp',
  33: 'dccp',
  47: 'gre',
  132: 'sctp',
  136: 'udplite',
};

/** @kernel net/netfilter/nf_conntrack_standalone.c seq_print_acct */
function acctText({ acct }: NfConn, dir: 0 | 1): string {
  return acct === undefined ? '' : `packets=${acct.packets[dir]} bytes=${acct.bytes[dir]} `;
}

/** @kernel net/netfilter/nf_conntrack_standalone.c ct_seq_show */
function connectionText(ct: NfConn, now: number): string {
  const name = PROTOCOL_NAMES[ct.proto] ?? 'unknown';
  const left = ct.expires(now);
  let text = `ipv4     2 ${name.padEnd(8)} ${ct.proto} ${left} `;
  if (ct.tcp !== undefined) text += `${TCP_CONNTRACK_NAMES[ct.tcp.state]} `;
  text += tupleText(ct.original) + acctText(ct, 0);
  if ((ct.status & IPS_SEEN_REPLY) === 0) text += '[UNREPLIED] ';
  text += tupleText(ct.reply) + acctText(ct, 1);
  if ((ct.status & IPS_ASSURED) !== 0) text += '[ASSURED] ';
  const delta = ct.start < 0 ? '' : `delta-time=${Math.floor((now - ct.start) / 1e9)} `;
  return `${text}mark=${ct.mark} zone=0 ${delta}use=2\n`;
}

/** /proc/net/nf_conntrack. The order on Linux is that of a secret hash; here the oldest timeout comes first. */
export function procConntrack(net: NetNamespace): string {
  const cnet = conntrackNet.peek(net);
  if (cnet === undefined) return '';
  const { now } = net.kernel.queue;
  cnet.table.sweep(now);
  const list = cnet.table.all().sort((a, b) => a.timeout - b.timeout);
  return list.map((ct) => connectionText(ct, now)).join('');
}

type NumberField =
  | 'tcpLoose'
  | 'tcpBeLiberal'
  | 'tcpIgnoreInvalidRst'
  | 'tcpMaxRetrans'
  | 'acct'
  | 'events'
  | 'timestamp'
  | 'checksum'
  | 'logInvalid';

const FIELDS: readonly (readonly [string, NumberField, number])[] = [
  ['acct', 'acct', 1],
  ['checksum', 'checksum', 1],
  ['events', 'events', 2],
  ['log_invalid', 'logInvalid', 255],
  ['timestamp', 'timestamp', 1],
  ['tcp_loose', 'tcpLoose', 1],
  ['tcp_be_liberal', 'tcpBeLiberal', 1],
  ['tcp_ignore_invalid_rst', 'tcpIgnoreInvalidRst', 1],
  ['tcp_max_retrans', 'tcpMaxRetrans', 255],
];

/** TCP timeouts in the order of the states, from SYN_SENT on. */
const TCP_TIMEOUTS = [
  'syn_sent',
  'syn_recv',
  'established',
  'fin_wait',
  'close_wait',
  'last_ack',
  'time_wait',
  'close',
];

/** Timeouts of protocols that have no tracker of their own here: kept, not used. */
const OTHERS: Readonly<Record<string, number>> = {
  frag6_high_thresh: 4_194_304,
  frag6_low_thresh: 3_145_728,
  frag6_timeout: 60,
  gre_timeout: 30,
  gre_timeout_stream: 180,
  icmpv6_timeout: 30,
  sctp_timeout_closed: 10,
  sctp_timeout_cookie_echoed: 3,
  sctp_timeout_cookie_wait: 3,
  sctp_timeout_established: 210,
  sctp_timeout_heartbeat_sent: 30,
  sctp_timeout_shutdown_ack_sent: 3,
  sctp_timeout_shutdown_recd: 3,
  sctp_timeout_shutdown_sent: 3,
};

function timeoutEntries({ timeouts }: ConntrackNet): SysctlEntries {
  const entries: SysctlEntries = {};
  const simple = [
    ['generic_timeout', 'generic'],
    ['icmp_timeout', 'icmp'],
    ['udp_timeout', 'udp'],
    ['udp_timeout_stream', 'udpStream'],
    ['tcp_timeout_max_retrans', 'tcpMaxRetrans'],
    ['tcp_timeout_unacknowledged', 'tcpUnacknowledged'],
  ] as const;
  for (const [name, field] of simple) {
    entries[`nf_conntrack_${name}`] = intSysctl(
      () => timeouts[field],
      (value) => {
        timeouts[field] = value;
      },
    );
  }
  TCP_TIMEOUTS.forEach((name, i) => {
    entries[`nf_conntrack_tcp_timeout_${name}`] = intSysctl(
      () => timeouts.tcp[i + 1]!,
      (value) => {
        timeouts.tcp[i + 1] = value;
      },
    );
  });
  return entries;
}

/** Files of /proc/sys/net/netfilter. */
export function conntrackSysctls(net: NetNamespace): SysctlEntries {
  const cnet = conntrackNet.of(net);
  const entries: SysctlEntries = {
    nf_conntrack_buckets: intSysctl(() => NF_CONNTRACK_MAX, undefined),
    nf_conntrack_count: intSysctl(() => cnet.count, undefined),
    nf_conntrack_expect_max: intSysctl(() => 4096, undefined),
    nf_conntrack_max: intSysctl(() => NF_CONNTRACK_MAX, undefined),
    nf_hooks_lwtunnel: intSysctl(() => 0, undefined),
    ...timeoutEntries(cnet),
  };
  for (const [name, field, max] of FIELDS) {
    const range = { min: 0, max };
    entries[`nf_conntrack_${name}`] = intSysctl(
      () => cnet[field],
      (value) => {
        cnet[field] = value;
      },
      range,
    );
  }
  for (const [name, value] of Object.entries(OTHERS)) {
    entries[`nf_conntrack_${name}`] = intSysctl(
      () => cnet.others.get(name) ?? value,
      (next) => {
        cnet.others.set(name, next);
      },
    );
  }
  return entries;
}
