/** net.ipv4.conf.{all,default,<device>}: the settings of IPv4 on a device, and how `all` and a device combine. */

/** Indices of {@link Devconf.data} (enum IPV4_DEVCONF_*), with the names of their files, in their order. */
export const DEVCONF_NAMES = [
  'forwarding',
  'mc_forwarding',
  'proxy_arp',
  'accept_redirects',
  'secure_redirects',
  'send_redirects',
  'shared_media',
  'rp_filter',
  'accept_source_route',
  'bootp_relay',
  'log_martians',
  'tag',
  'arp_filter',
  'medium_id',
  'disable_xfrm',
  'disable_policy',
  'force_igmp_version',
  'arp_announce',
  'arp_ignore',
  'promote_secondaries',
  'arp_accept',
  'arp_notify',
  'accept_local',
  'src_valid_mark',
  'proxy_arp_pvlan',
  'route_localnet',
  'igmpv2_unsolicited_report_interval',
  'igmpv3_unsolicited_report_interval',
  'ignore_routes_with_linkdown',
  'drop_unicast_in_l2_multicast',
  'drop_gratuitous_arp',
  'bc_forwarding',
  'arp_evict_nocarrier',
] as const;

export const FORWARDING = 0;
export const MC_FORWARDING = 1;
export const PROXY_ARP = 2;
export const ACCEPT_REDIRECTS = 3;
export const SECURE_REDIRECTS = 4;
export const SEND_REDIRECTS = 5;
export const SHARED_MEDIA = 6;
export const RP_FILTER = 7;
export const LOG_MARTIANS = 10;
export const ARP_FILTER = 12;
export const MEDIUM_ID = 13;
const NOXFRM = 14;
const NOPOLICY = 15;
export const FORCE_IGMP_VERSION = 16;
export const ARP_ANNOUNCE = 17;
export const ARP_IGNORE = 18;
export const PROMOTE_SECONDARIES = 19;
export const ARP_ACCEPT = 20;
export const ARP_NOTIFY = 21;
export const ACCEPT_LOCAL = 22;
export const SRC_VMARK = 23;
export const PROXY_ARP_PVLAN = 24;
export const ROUTE_LOCALNET = 25;
export const IGMPV2_UNSOLICITED_REPORT_INTERVAL = 26;
export const IGMPV3_UNSOLICITED_REPORT_INTERVAL = 27;
export const IGNORE_ROUTES_WITH_LINKDOWN = 28;
export const DROP_UNICAST_IN_L2_MULTICAST = 29;
export const DROP_GRATUITOUS_ARP = 30;
export const BC_FORWARDING = 31;
export const ARP_EVICT_NOCARRIER = 32;
const ACCEPT_SOURCE_ROUTE = 8;

export class Devconf {
  /** Shared with what it was made from until one of them is set. */
  private shared = true;
  declare private values: readonly number[];
  /** Indices that were set here: they no longer follow `default`. */
  private state: Set<number> | undefined;
  /** All are taken for set (an address was added): `default` does not reach this device any more. */
  stateAll = false;

  constructor(values: readonly number[]) {
    this.values = values;
  }

  /** One like this, which goes its own way from here on. */
  copy(): Devconf {
    this.shared = true;
    return new Devconf(this.values);
  }

  get data(): readonly number[] {
    return this.values;
  }

  /** Change a value; whether it still follows `default` is not touched. */
  put(index: number, value: number): void {
    if (this.shared) this.values = [...this.values];
    this.shared = false;
    (this.values as number[])[index] = value | 0;
  }

  isSet(index: number): boolean {
    return this.stateAll || this.state?.has(index) === true;
  }

  markSet(index: number): void {
    this.state ??= new Set();
    this.state.add(index);
  }
}

function initialValues(): number[] {
  const data: number[] = DEVCONF_NAMES.map(() => 0);
  data[ACCEPT_REDIRECTS] = 1;
  data[SEND_REDIRECTS] = 1;
  data[SECURE_REDIRECTS] = 1;
  data[SHARED_MEDIA] = 1;
  data[IGMPV2_UNSOLICITED_REPORT_INTERVAL] = 10_000;
  data[IGMPV3_UNSOLICITED_REPORT_INTERVAL] = 1000;
  data[ARP_EVICT_NOCARRIER] = 1;
  return data;
}

/** What a loopback device has instead of the defaults, by the defaults: one for all namespaces that kept them. */
const loopbackValues = new WeakMap<readonly number[], readonly number[]>();

/** For a loopback device: nothing on it is subject to IPsec. */
export function devconfLoopback(dflt: Devconf): Devconf {
  const conf = dflt.copy();
  let values = loopbackValues.get(conf.data);
  if (values === undefined) {
    values = conf.data.with(NOXFRM, 1).with(NOPOLICY, 1);
    loopbackValues.set(conf.data, values);
  }
  return new Devconf(values);
}

const ALL: readonly number[] = initialValues();
const DEFAULT: readonly number[] = ALL.with(ACCEPT_SOURCE_ROUTE, 1);

/** @kernel net/ipv4/devinet.c ipv4_devconf */
export function devconfAll(): Devconf {
  return new Devconf(ALL);
}

/** @kernel net/ipv4/devinet.c ipv4_devconf_dflt */
export function devconfDefault(): Devconf {
  return new Devconf(DEFAULT);
}
