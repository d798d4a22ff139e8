/**
 * net.ipv6.conf.*: the settings of IPv6 by device, and the few of the whole namespace that scripts set
 * (net/ipv6/addrconf.c, sysctl_net_ipv6.c). IPv6 itself is not modelled yet; what is written is kept.
 */
import type { Kernel } from '../core/kernel.ts';
import { type NetNamespace, PerNet } from '../core/net-namespace.ts';
import type { NetDevice } from '../core/netdevice.ts';
import { intSysctl, type SysctlEntries } from '../core/sysctl.ts';

/** Defaults of struct ipv6_devconf (ipv6_devconf_dflt), Linux 6.18. */
const DEVCONF: Readonly<Record<string, number>> = {
  accept_dad: 1,
  accept_ra: 1,
  accept_ra_defrtr: 1,
  accept_ra_from_local: 0,
  accept_ra_min_hop_limit: 1,
  accept_ra_min_lft: 0,
  accept_ra_mtu: 1,
  accept_ra_pinfo: 1,
  accept_ra_rt_info_max_plen: 0,
  accept_ra_rt_info_min_plen: 0,
  accept_ra_rtr_pref: 1,
  accept_redirects: 1,
  accept_source_route: 0,
  accept_untracked_na: 0,
  addr_gen_mode: 0,
  autoconf: 1,
  dad_transmits: 1,
  disable_ipv6: 0,
  disable_policy: 0,
  drop_unicast_in_l2_multicast: 0,
  drop_unsolicited_na: 0,
  enhanced_dad: 1,
  force_forwarding: 0,
  force_mld_version: 0,
  force_tllao: 0,
  forwarding: 0,
  hop_limit: 64,
  ignore_routes_with_linkdown: 0,
  keep_addr_on_down: 0,
  max_addresses: 16,
  max_desync_factor: 600,
  mc_forwarding: 0,
  mldv1_unsolicited_report_interval: 10000,
  mldv2_unsolicited_report_interval: 1000,
  mtu: 1280,
  ndisc_evict_nocarrier: 1,
  ndisc_notify: 0,
  ndisc_tclass: 0,
  optimistic_dad: 0,
  proxy_ndp: 0,
  ra_defrtr_metric: 1024,
  ra_honor_pio_life: 0,
  ra_honor_pio_pflag: 0,
  regen_max_retry: 3,
  regen_min_advance: 2,
  router_probe_interval: 60,
  router_solicitation_delay: 1,
  router_solicitation_interval: 4,
  router_solicitation_max_interval: 3600,
  router_solicitations: -1,
  rpl_seg_enabled: 0,
  seg6_enabled: 0,
  seg6_require_hmac: 0,
  suppress_frag_ndisc: 1,
  temp_prefered_lft: 86400,
  temp_valid_lft: 604800,
  use_oif_addrs_only: 0,
  use_optimistic: 0,
  use_tempaddr: 0,
};

/** net.ipv6.*, Linux 6.18. */
const GLOBAL: Readonly<Record<string, number>> = {
  anycast_src_echo_reply: 0,
  auto_flowlabels: 1,
  bindv6only: 0,
  fib_multipath_hash_fields: 7,
  fib_multipath_hash_policy: 0,
  fib_notify_on_flag_change: 0,
  flowlabel_consistency: 1,
  flowlabel_reflect: 0,
  flowlabel_state_ranges: 0,
  fwmark_reflect: 0,
  idgen_delay: 1,
  idgen_retries: 3,
  ip_nonlocal_bind: 0,
  max_dst_opts_number: 8,
  max_hbh_opts_number: 8,
  seg6_flowlabel: 0,
};

/** Only what differs from the defaults is kept. */
type Settings = Map<string, number>;

interface Ipv6Net {
  readonly global: Settings;
  readonly all: Settings;
  readonly dflt: Settings;
  readonly devices: WeakMap<NetDevice, Settings>;
}

/** Made for a namespace when one of its settings is written. */
const ipv6Nets = new PerNet<Ipv6Net>(() => ({
  global: new Map(),
  all: new Map(),
  dflt: new Map(),
  devices: new WeakMap(),
}));

/** Settings that a write to `all` gives to every device and to `default`. */
const SPREADING = ['disable_ipv6', 'forwarding'];

/** Whether there are settings of that name: `all`, `default` or a device. */
function exists(net: NetNamespace, name: string): boolean {
  return name === 'all' || name === 'default' || net.devByName(name)?.name === name;
}

/** What was set under a name; undefined for nothing yet. */
function settingsOf(net: NetNamespace, name: string): Settings | undefined {
  const ipv6 = ipv6Nets.peek(net);
  if (name === 'all') return ipv6?.all;
  if (name === 'default') return ipv6?.dflt;
  const dev = net.devByName(name);
  return dev === undefined || dev.name !== name ? undefined : ipv6?.devices.get(dev);
}

function read(net: NetNamespace, name: string, file: string): number {
  if (file === 'mtu' && name !== 'all' && name !== 'default') return net.devByName(name)?.mtu ?? 0;
  return settingsOf(net, name)?.get(file) ?? DEVCONF[file]!;
}

function put(net: NetNamespace, name: string, file: string, value: number): void {
  const ipv6 = ipv6Nets.of(net);
  const dev = net.devByName(name);
  const known = settingsOf(net, name);
  if (known !== undefined) known.set(file, value);
  else if (dev?.name === name) ipv6.devices.set(dev, new Map([[file, value]]));
}

function write(net: NetNamespace, name: string, file: string, value: number): void {
  put(net, name, file, value);
  if (name !== 'all' || !SPREADING.includes(file)) return;
  for (const target of ['default', ...[...net.devices.values()].map((dev) => dev.name)]) {
    put(net, target, file, value);
  }
}

/** Make the files known. */
export function registerAddrconfSysctls(kernel: Kernel): void {
  kernel.sysctl.instances(
    'net/ipv6/conf',
    (net) => ['all', 'default', ...[...net.devices.values()].map((dev) => dev.name)],
    (net, name): SysctlEntries | undefined => {
      if (!exists(net, name)) return undefined;
      const entry = (file: string) =>
        intSysctl(
          () => read(net, name, file),
          (value) => write(net, name, file, value),
        );
      return Object.fromEntries(Object.keys(DEVCONF).map((file) => [file, entry(file)]));
    },
  );
  kernel.sysctl.table('net/ipv6', (net) => {
    const entry = (file: string) =>
      intSysctl(
        () => ipv6Nets.peek(net)?.global.get(file) ?? GLOBAL[file]!,
        (value) => {
          ipv6Nets.of(net).global.set(file, value);
        },
      );
    return Object.fromEntries(Object.keys(GLOBAL).map((file) => [file, entry(file)]));
  });
  // A device has the defaults of the moment when it came.
  kernel.registerNotifier({
    name: 'ipv6 settings',
    priority: 0,
    call(event, dev) {
      if (event === 'REGISTER') {
        const ipv6 = ipv6Nets.peek(dev.net);
        if (ipv6 !== undefined && ipv6.dflt.size > 0) ipv6.devices.set(dev, new Map(ipv6.dflt));
        else ipv6?.devices.delete(dev);
      }
      return 0;
    },
  });
}
