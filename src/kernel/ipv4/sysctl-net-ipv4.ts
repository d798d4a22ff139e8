/** net.ipv4.* and net.ipv4.route.*: settings of a namespace. */
import { EINVAL } from '../../uapi/errno.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { Kernel } from '../core/kernel.ts';
import { PerNet } from '../core/net-namespace.ts';
import { intSysctl, type SysctlEntries, type SysctlEntry } from '../core/sysctl.ts';
import { FORWARDING } from './devconf.ts';
import { inetForwardChange, registerDevinetSysctls } from './devinet-sysctl.ts';
import { fibInfosOf } from './fib-semantics.ts';
import { type Ipv4Net, ipv4Of } from './ipv4-net.ts';

type NumberKey = {
  [K in keyof Ipv4Net]: Ipv4Net[K] extends number ? K : never;
}[keyof Ipv4Net];

/** Plain whole numbers: file, property, least and greatest value. */
const NUMBERS: readonly (readonly [name: string, key: NumberKey, min: number, max: number])[] = [
  ['ip_default_ttl', 'ipDefaultTtl', 1, 255],
  ['ip_forward_use_pmtu', 'ipForwardUsePmtu', 0, 255],
  ['ip_forward_update_priority', 'ipForwardUpdatePriority', 0, 1],
  ['ip_nonlocal_bind', 'ipNonlocalBind', 0, 1],
  ['ip_no_pmtu_disc', 'ipNoPmtuDisc', 0, 255],
  ['ip_dynaddr', 'ipDynaddr', 0, 255],
  ['ip_autobind_reuse', 'ipAutobindReuse', 0, 1],
  ['ip_early_demux', 'ipEarlyDemux', 0, 255],
  ['ip_unprivileged_port_start', 'ipUnprivilegedPortStart', 0, 65535],
  ['fwmark_reflect', 'fwmarkReflect', 0, 255],
  ['raw_l3mdev_accept', 'rawL3mdevAccept', 0, 1],
  ['udp_l3mdev_accept', 'udpL3mdevAccept', 0, 1],
  ['udp_early_demux', 'udpEarlyDemux', 0, 255],
  ['fib_multipath_hash_policy', 'fibMultipathHashPolicy', 0, 3],
  ['fib_multipath_hash_fields', 'fibMultipathHashFields', 1, 4095],
  ['fib_multipath_hash_seed', 'fibMultipathHashSeed', 0, 0xffff_ffff],
  ['fib_multipath_use_neigh', 'fibMultipathUseNeigh', 0, 1],
  ['fib_notify_on_flag_change', 'fibNotifyOnFlagChange', 0, 2],
  ['nexthop_compat_mode', 'nexthopCompatMode', 0, 1],
  ['icmp_echo_ignore_all', 'icmpEchoIgnoreAll', 0, 1],
  ['icmp_echo_ignore_broadcasts', 'icmpEchoIgnoreBroadcasts', 0, 1],
  ['icmp_echo_enable_probe', 'icmpEchoEnableProbe', 0, 1],
  ['icmp_ignore_bogus_error_responses', 'icmpIgnoreBogusErrorResponses', 0, 1],
  ['icmp_errors_use_inbound_ifaddr', 'icmpErrorsUseInboundIfaddr', 0, 1],
  ['icmp_ratelimit', 'icmpRatelimit', -0x8000_0000, 0x7fff_ffff],
  ['icmp_ratemask', 'icmpRatemask', -0x8000_0000, 0x7fff_ffff],
  ['icmp_msgs_per_sec', 'icmpMsgsPerSec', 0, 0x7fff_ffff],
  ['icmp_msgs_burst', 'icmpMsgsBurst', 0, 0x7fff_ffff],
  ['igmp_max_memberships', 'igmpMaxMemberships', -0x8000_0000, 0x7fff_ffff],
  ['igmp_max_msf', 'igmpMaxMsf', -0x8000_0000, 0x7fff_ffff],
  ['igmp_qrv', 'igmpQrv', 1, 0x7fff_ffff],
  ['igmp_link_local_mcast_reports', 'igmpLinkLocalMcastReports', 0, 1],
  ['ipfrag_high_thresh', 'ipfragHighThresh', 0, 0x7fff_ffff],
  ['ipfrag_low_thresh', 'ipfragLowThresh', 0, 0x7fff_ffff],
  ['ipfrag_max_dist', 'ipfragMaxDist', 0, 0x7fff_ffff],
];

/**
 * Settings of parts that are not modelled (TCP sockets, hash sizes, IPsec), with their values on 6.18: what is
 * written can be read, and changes nothing.
 */
const UNMODELLED: Readonly<Record<string, string>> = {
  tcp_abort_on_overflow: '0',
  tcp_adv_win_scale: '1',
  tcp_app_win: '31',
  tcp_autocorking: '1',
  tcp_backlog_ack_defer: '1',
  tcp_base_mss: '1024',
  tcp_challenge_ack_limit: '2147483647',
  tcp_child_ehash_entries: '0',
  tcp_comp_sack_delay_ns: '1000000',
  tcp_comp_sack_nr: '44',
  tcp_comp_sack_slack_ns: '100000',
  tcp_congestion_control: 'cubic',
  tcp_dsack: '1',
  tcp_early_demux: '1',
  tcp_early_retrans: '3',
  tcp_ecn: '2',
  tcp_ecn_fallback: '1',
  tcp_ecn_option: '2',
  tcp_ecn_option_beacon: '3',
  tcp_fack: '0',
  tcp_fastopen: '1',
  tcp_fastopen_blackhole_timeout_sec: '0',
  tcp_fin_timeout: '60',
  tcp_frto: '2',
  tcp_fwmark_accept: '0',
  tcp_invalid_ratelimit: '500',
  tcp_keepalive_intvl: '75',
  tcp_keepalive_probes: '9',
  tcp_keepalive_time: '7200',
  tcp_l3mdev_accept: '0',
  tcp_limit_output_bytes: '4194304',
  tcp_max_reordering: '300',
  tcp_max_syn_backlog: '2048',
  tcp_max_tw_buckets: '131072',
  tcp_migrate_req: '0',
  tcp_min_rtt_wlen: '300',
  tcp_min_snd_mss: '48',
  tcp_min_tso_segs: '2',
  tcp_moderate_rcvbuf: '1',
  tcp_mtu_probe_floor: '48',
  tcp_mtu_probing: '0',
  tcp_no_metrics_save: '0',
  tcp_no_ssthresh_metrics_save: '1',
  tcp_notsent_lowat: '4294967295',
  tcp_orphan_retries: '0',
  tcp_pacing_ca_ratio: '120',
  tcp_pacing_ss_ratio: '200',
  tcp_pingpong_thresh: '1',
  tcp_plb_cong_thresh: '128',
  tcp_plb_enabled: '0',
  tcp_plb_idle_rehash_rounds: '3',
  tcp_plb_rehash_rounds: '12',
  tcp_plb_suspend_rto_sec: '60',
  tcp_probe_interval: '600',
  tcp_probe_threshold: '8',
  tcp_recovery: '1',
  tcp_reflect_tos: '0',
  tcp_reordering: '3',
  tcp_retrans_collapse: '1',
  tcp_retries1: '3',
  tcp_retries2: '15',
  tcp_rfc1337: '0',
  tcp_rmem: '4096\t131072\t33554432',
  tcp_rto_max_ms: '120000',
  tcp_rto_min_us: '200000',
  tcp_sack: '1',
  tcp_shrink_window: '0',
  tcp_slow_start_after_idle: '1',
  tcp_stdurg: '0',
  tcp_syn_linear_timeouts: '4',
  tcp_syn_retries: '6',
  tcp_synack_retries: '5',
  tcp_syncookies: '1',
  tcp_thin_linear_timeouts: '0',
  tcp_timestamps: '1',
  tcp_tso_rtt_log: '9',
  tcp_tso_win_divisor: '3',
  tcp_tw_reuse: '2',
  tcp_tw_reuse_delay: '1000',
  tcp_window_scaling: '1',
  tcp_wmem: '4096\t16384\t4194304',
  tcp_workaround_signed_windows: '0',
  udp_child_hash_entries: '0',
  udp_rmem_min: '4096',
  udp_wmem_min: '4096',
  xfrm4_gc_thresh: '32768',
};

/** Those of them that cannot be written. */
const READ_ONLY: Readonly<Record<string, string>> = {
  tcp_allowed_congestion_control: 'reno cubic',
  tcp_available_congestion_control: 'reno cubic',
  tcp_ehash_entries: '-262144',
  udp_hash_entries: '-16384',
};

const kept = new PerNet(() => new Map<string, string>());

function textSysctl(values: Map<string, string>, name: string, initial: string): SysctlEntry {
  return {
    mode: 0o644,
    read: () => values.get(name) ?? initial,
    write(text) {
      const words = text.trim().split(/\s+/);
      const numeric = /^[-\d\t]+$/.test(initial);
      if (numeric && (words.length !== initial.split('\t').length || words.some((word) => !/^-?\d+$/.test(word)))) {
        return refuse(EINVAL);
      }
      values.set(name, words.join('\t'));
      return undefined;
    },
  };
}

/** Two numbers with a tabulator between. */
function pairSysctl(get: () => readonly [number, number], set: (low: number, high: number) => Ack): SysctlEntry {
  return {
    mode: 0o644,
    read: () => get().join('\t'),
    write(text) {
      const words = text.trim().split(/\s+/);
      if (words.length !== 2 || words.some((word) => !/^\d+$/.test(word))) return refuse(EINVAL);
      return set(Number(words[0]), Number(words[1]));
    },
  };
}

/** `8080,9000-9010` */
function parsePorts(text: string): (readonly [number, number])[] | undefined {
  const ranges: [number, number][] = [];
  for (const part of text.trim().split(',')) {
    if (part === '') continue;
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (match === null) return undefined;
    const from = Number(match[1]);
    const to = Number(match[2] ?? match[1]);
    if (from > to || to > 65535) return undefined;
    ranges.push([from, to]);
  }
  return ranges;
}

function entries(ipv4: Ipv4Net): SysctlEntries {
  const files: SysctlEntries = {};
  for (const [name, key, min, max] of NUMBERS) {
    const set = (value: number): void => {
      ipv4[key] = value;
      if (name.startsWith('fib_multipath'))
        for (const fi of fibInfosOf(ipv4)) for (const nh of fi.nhs) nh.rthInput = undefined;
    };
    files[name] = intSysctl(() => ipv4[key], set, { min, max });
  }
  const { devconfAll } = ipv4;
  files['ip_forward'] = intSysctl(
    () => devconfAll.data[FORWARDING]!,
    (value) => {
      const old = devconfAll.data[FORWARDING];
      devconfAll.put(FORWARDING, value);
      if (value === old) return;
      inetForwardChange(ipv4);
      ipv4.rtCacheFlush();
    },
  );
  files['ipfrag_time'] = intSysctl(
    () => ipv4.ipfragTime / 1e9,
    (value) => {
      ipv4.ipfragTime = value * 1e9;
    },
  );
  files['ip_local_port_range'] = pairSysctl(
    () => ipv4.localPortRange,
    (low, high) => {
      if (high < low || low < 1 || high > 65535) return refuse(EINVAL);
      ipv4.localPortRange = [low, high];
      return undefined;
    },
  );
  files['ping_group_range'] = pairSysctl(
    () => ipv4.pingGroupRange,
    (low, high) => {
      // A range that is none lets nobody in.
      ipv4.pingGroupRange = high < low ? [1, 0] : [low, high];
      return undefined;
    },
  );
  files['ip_local_reserved_ports'] = {
    mode: 0o644,
    // An empty list is an empty line, not an empty file.
    read: () => `${ipv4.localReservedPorts.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(',')}\n`,
    write(text) {
      const ranges = parsePorts(text);
      if (ranges === undefined) return refuse(EINVAL);
      ipv4.localReservedPorts = ranges;
      return undefined;
    },
  };
  const values = kept.of(ipv4.net);
  for (const [name, initial] of Object.entries(UNMODELLED)) files[name] = textSysctl(values, name, initial);
  for (const [name, text] of Object.entries(READ_ONLY)) files[name] = { mode: 0o444, read: () => text };
  return files;
}

function routeEntries(ipv4: Ipv4Net): SysctlEntries {
  return {
    flush: {
      mode: 0o200,
      read: () => '',
      write() {
        ipv4.rtCacheFlush();
        ipv4.fnheGenid++;
        return undefined;
      },
    },
    min_adv_mss: intSysctl(
      () => ipv4.routeMinAdvMss,
      (value) => {
        ipv4.routeMinAdvMss = value;
      },
    ),
    min_pmtu: intSysctl(
      () => ipv4.routeMinPmtu,
      (value) => {
        ipv4.routeMinPmtu = value;
      },
      { min: 68 },
    ),
    mtu_expires: intSysctl(
      () => ipv4.routeMtuExpires / 1e9,
      (value) => {
        ipv4.routeMtuExpires = value * 1e9;
      },
    ),
  };
}

/** @kernel net/ipv4/sysctl_net_ipv4.c sysctl_ipv4_init #P[settings of what is not modelled are only kept] */
export function registerIpv4Sysctls(kernel: Kernel): void {
  kernel.sysctl.table('net/ipv4', (net) => entries(ipv4Of(net)));
  kernel.sysctl.table('net/ipv4/route', (net) => routeEntries(ipv4Of(net)));
  registerDevinetSysctls(kernel);
}
