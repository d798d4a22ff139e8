/** /proc/sys/net/bridge: whether bridged frames are shown to iptables and arptables. */
import type { Kernel } from '../core/kernel.ts';
import { type NetNamespace, PerNet } from '../core/net-namespace.ts';
import { intSysctl, type SysctlEntry } from '../core/sysctl.ts';

/** struct brnf_net. */
export interface BrnfNet {
  /** The hooks stand in the bridge's points. */
  enabled: boolean;
  callIptables: number;
  callIp6tables: number;
  callArptables: number;
  filterVlanTagged: number;
  filterPppoeTagged: number;
  passVlanIndev: number;
}

const brnfNets = new PerNet<BrnfNet>(() => ({
  enabled: false,
  callIptables: 1,
  callIp6tables: 1,
  callArptables: 1,
  filterVlanTagged: 0,
  filterPppoeTagged: 0,
  passVlanIndev: 0,
}));

export function brnfOf(net: NetNamespace): BrnfNet {
  return brnfNets.of(net);
}

const FILES = {
  'bridge-nf-call-arptables': 'callArptables',
  'bridge-nf-call-ip6tables': 'callIp6tables',
  'bridge-nf-call-iptables': 'callIptables',
  'bridge-nf-filter-pppoe-tagged': 'filterPppoeTagged',
  'bridge-nf-filter-vlan-tagged': 'filterVlanTagged',
  'bridge-nf-pass-vlan-input-dev': 'passVlanIndev',
} as const;

/** Anything but zero is one. @kernel net/bridge/br_netfilter_hooks.c brnf_sysctl_call_tables */
function entry(net: NetNamespace, name: (typeof FILES)[keyof typeof FILES]): SysctlEntry {
  return intSysctl(
    () => brnfOf(net)[name],
    (value) => {
      brnfOf(net)[name] = value === 0 ? 0 : 1;
    },
  );
}

/** @kernel net/bridge/br_netfilter_hooks.c br_netfilter_sysctl_init_net */
export function registerBrnfSysctls(kernel: Kernel): void {
  kernel.sysctl.table('net/bridge', (net) =>
    Object.fromEntries(Object.entries(FILES).map(([file, name]) => [file, entry(net, name)])),
  );
}
