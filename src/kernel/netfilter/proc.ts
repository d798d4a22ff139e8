/** Netfilter's files under /proc/net. */
import type { NetNamespace } from '../core/net-namespace.ts';
import { iptTableNames } from './ip-tables-replace.ts';
import { procConntrack } from './nf-conntrack-standalone.ts';

export const NETFILTER_PROC_FILES: Readonly<Record<string, (net: NetNamespace) => string>> = {
  ip_tables_names: (net) =>
    iptTableNames(net)
      .map((name) => `${name}\n`)
      .join(''),
  nf_conntrack: procConntrack,
};
