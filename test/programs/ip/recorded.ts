/**
 * Devices and addresses as messages of rtnetlink, from what the real `ip -d -s -s -j link` and
 * `ip -j -d addr` reported.
 */
import type { AddrMessage, BridgePortData, LinkMessage, Rtnetlink } from '../../../src/uapi/rtnetlink.ts';
import { parseIpv4, parseMac } from '../../../src/wire/addr.ts';

type Json = Record<string, unknown>;

export interface Recording {
  links: Json[];
  addrs: Json[];
  netns: { name: string; id?: number }[];
  commands: Record<string, string>;
}

const FLAGS: Readonly<Record<string, number>> = {
  UP: 0x1,
  BROADCAST: 0x2,
  LOOPBACK: 0x8,
  NOARP: 0x80,
  PROMISC: 0x100,
  ALLMULTI: 0x200,
  MULTICAST: 0x1000,
  LOWER_UP: 0x10000,
};
const OPERSTATES = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP'];
const VLAN_FLAGS: Readonly<Record<string, number>> = { REORDER_HDR: 1, GVRP: 2, LOOSE_BINDING: 4, MVRP: 8 };
const MODES: Readonly<Record<string, number>> = { private: 1, vepa: 2, bridge: 4, passthru: 8, source: 16 };
const GEN_MODES = ['eui64', 'none', 'stable_secret', 'random'];
const PORT_STATES = ['disabled', 'listening', 'learning', 'forwarding', 'blocking'];

const camel = (key: string): string => key.replace(/_(.)/g, (_all, letter: string) => letter.toUpperCase());
const ticks = (seconds: unknown): number => Math.round(Number(seconds) * 100);
const mac = (text: unknown): number | undefined => (typeof text === 'string' ? parseMac(text) : undefined);

function bridgeId(text: string): { priority: number; address: number } {
  const dot = text.indexOf('.');
  return { priority: Number.parseInt(text.slice(0, dot), 16), address: parseMac(text.slice(dot + 1))! };
}

const RENAMED: Readonly<Record<string, string>> = {
  mcast_last_member_cnt: 'mcastLastMemberCount',
  mcast_startup_query_cnt: 'mcastStartupQueryCount',
  hairpin: 'mode',
  root_block: 'protect',
  fastleave: 'fastLeave',
  flood: 'unicastFlood',
  proxy_arp: 'proxyarp',
  proxy_arp_wifi: 'proxyarpWifi',
  mcast_to_unicast: 'mcastToUcast',
};

function kindData(json: Json): object {
  const data: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(json)) {
    const name = RENAMED[key] ?? camel(key.replace(/_intvl$/, '_interval'));
    if (key === 'bridge_id' || key === 'root_id') data[name] = bridgeId(String(value));
    else if (key === 'group_addr') data[name] = mac(value);
    else if (key === 'group_fwd_mask' || key === 'id' || key === 'no') data[name] = Number(value);
    else if (key === 'vlan_protocol') data[name] = 0x8100;
    else if (key.endsWith('_timer')) data[name] = ticks(value);
    else if (key === 'state') data[name] = PORT_STATES.indexOf(String(value));
    else data[name] = typeof value === 'boolean' ? Number(value) : value;
  }
  return data;
}

function macvlanData(json: Json): object {
  return {
    mode: MODES[String(json['mode'])],
    flags: (json['nopromisc'] ? 1 : 0) | (json['nodst'] ? 2 : 0),
    bcQueueLen: json['bcqueuelen'],
    bcQueueLenUsed: json['usedbcqueuelen'],
    macaddrCount: json['macaddr_count'],
    macaddrData: (json['macaddr_data'] as string[] | undefined)?.map((text) => parseMac(text)!),
  };
}

function vlanData(json: Json): object {
  const flags = (json['flags'] as string[]).reduce((sum, flag) => sum | VLAN_FLAGS[flag]!, 0);
  const protocol = json['protocol'] === '802.1ad' ? 0x88a8 : 0x8100;
  const data = { id: json['id'], protocol, flags: { flags, mask: 0 } };
  const maps = { ingressQos: json['ingress_qos'], egressQos: json['egress_qos'] };
  return { ...data, ...Object.fromEntries(Object.entries(maps).filter(([, map]) => map !== undefined)) };
}

const DATA: Readonly<Record<string, (json: Json) => object>> = {
  bridge: kindData,
  macvlan: macvlanData,
  vlan: vlanData,
  ipvlan: (json) => ({ mode: ['l2', 'l3', 'l3s'].indexOf(String(json['mode'])), flags: json['private'] ? 1 : 0 }),
};

function link(json: Json, all: readonly Json[]): LinkMessage {
  const number = (key: string): number => Number(json[key] ?? 0);
  const indexOf = (name: unknown): number => Number(all.find((other) => other['ifname'] === name)!['ifindex']);
  const flags = json['flags'] as string[];
  const noCarrier = flags.includes('NO-CARRIER');
  let bits = flags.reduce((sum, flag) => sum | (FLAGS[flag] ?? 0), 0);
  if (bits & 1 && !noCarrier) bits |= 0x40;
  const info = (json['linkinfo'] ?? {}) as Json;
  const infoData = info['info_data'] as Json | undefined;
  const stats = json['stats64'] as { rx: Json; tx: Json };
  const message = {
    ifindex: number('ifindex'),
    ifname: String(json['ifname']),
    type: json['link_type'] === 'loopback' ? 772 : 1,
    flags: bits,
    mtu: number('mtu'),
    minMtu: number('min_mtu'),
    maxMtu: number('max_mtu'),
    qdisc: String(json['qdisc']),
    master: json['master'] === undefined ? undefined : indexOf(json['master']),
    operstate: OPERSTATES.indexOf(String(json['operstate'])),
    linkmode: 0,
    group: json['group'] === 'default' ? 0 : Number(json['group']),
    txqlen: number('txqlen'),
    address: mac(json['address']),
    broadcast: mac(json['broadcast']),
    permAddress: mac(json['permaddr']),
    link: json['link_index'] ?? (json['link'] === undefined ? undefined : indexOf(json['link'])),
    linkNetnsid: json['link_netnsid'],
    alias: json['ifalias'],
    promiscuity: number('promiscuity'),
    allmulti: number('allmulti'),
    numTxQueues: number('num_tx_queues'),
    numRxQueues: json['num_rx_queues'],
    gsoMaxSize: number('gso_max_size'),
    gsoMaxSegs: number('gso_max_segs'),
    tsoMaxSize: number('tso_max_size'),
    tsoMaxSegs: number('tso_max_segs'),
    groMaxSize: number('gro_max_size'),
    carrier: Number(flags.includes('LOWER_UP')),
    carrierChanges: Number(stats.tx['carrier_changes']),
    protoDown: Number(json['proto_down'] ?? 0),
    stats: {
      rxPackets: stats.rx['packets'],
      txPackets: stats.tx['packets'],
      rxBytes: stats.rx['bytes'],
      txBytes: stats.tx['bytes'],
      rxErrors: stats.rx['errors'],
      txErrors: stats.tx['errors'],
      rxDropped: stats.rx['dropped'],
      txDropped: stats.tx['dropped'],
      multicast: stats.rx['multicast'],
      collisions: stats.tx['collisions'],
      rxOverErrors: stats.rx['over_errors'],
      rxNohandler: Number(stats.rx['nohandler'] ?? 0),
      txCarrierErrors: stats.tx['carrier_errors'],
    },
    addrGenMode: GEN_MODES.indexOf(String(json['inet6_addr_gen_mode'])),
    kind: info['info_kind'],
    data: infoData && DATA[String(info['info_kind'])]?.(infoData),
    slaveKind: info['info_slave_kind'],
    slaveData: info['info_slave_data'] && (kindData(info['info_slave_data'] as Json) as BridgePortData),
    altnames: json['altnames'],
  };
  return Object.fromEntries(
    Object.entries(message).filter(([, value]) => value !== undefined),
  ) as unknown as LinkMessage;
}

const IFA_FLAGS: Readonly<Record<string, number>> = { secondary: 1, noprefixroute: 0x200 };

function addresses(json: Json): AddrMessage[] {
  return ((json['addr_info'] ?? []) as Json[]).map((info) => {
    const message = {
      family: 2,
      ifindex: Number(json['ifindex']),
      prefixlen: Number(info['prefixlen']),
      local: parseIpv4(String(info['local']))!,
      address: parseIpv4(String(info['address'] ?? info['local']))!,
      broadcast: info['broadcast'] === undefined ? undefined : parseIpv4(String(info['broadcast'])),
      label: String(info['label']),
      scope: { global: 0, link: 253, host: 254 }[String(info['scope'])],
      flags: Object.keys(IFA_FLAGS).reduce(
        (sum, flag) => sum | (info[flag] ? IFA_FLAGS[flag]! : 0),
        info['dynamic'] ? 0 : 0x80,
      ),
      metric: info['metric'],
      validLft: Number(info['valid_life_time']),
      preferredLft: Number(info['preferred_life_time']),
      cstamp: 0,
      tstamp: 0,
    };
    return Object.fromEntries(
      Object.entries(message).filter(([, value]) => value !== undefined),
    ) as unknown as AddrMessage;
  });
}

/** A socket that answers what was recorded. */
export function recordedRtnetlink(recording: Recording): Partial<Rtnetlink> {
  const links = recording.links.map((json) => link(json, recording.links));
  const addrs = recording.addrs.flatMap(addresses);
  return {
    dumpLinks: ({ master, kind } = {}) =>
      links.filter((each) => {
        if (master === -1 ? each.master !== undefined : master !== undefined && each.master !== master) return false;
        return kind === undefined || each.kind === kind;
      }),
    getLink: ({ ifindex, ifname }) =>
      links.find(
        (each) => each.ifindex === ifindex || each.ifname === ifname || each.altnames?.includes(ifname ?? ''),
      ) ?? {
        errno: 19,
      },
    dumpAddrs: ({ ifindex } = {}) => addrs.filter((each) => ifindex === undefined || each.ifindex === ifindex),
    getNsid: (target) => ('inode' in target ? (recording.netns[target.inode]?.id ?? -1) : -1),
  };
}
