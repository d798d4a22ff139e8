/** The kernel's side of iptables, for the processes of a namespace. */
import type { Xtables } from '../../uapi/xtables.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import { iptGetTable, iptReplaceTable, iptTableNames } from './ip-tables-replace.ts';
import { nftCommit, nftGetTable } from './nf-tables.ts';

export function xtablesSocket(net: NetNamespace): Xtables {
  return {
    getTable: (name) => iptGetTable(net, name),
    replaceTable: (table) => iptReplaceTable(net, table),
    tableNames: () => iptTableNames(net),
    nft: {
      getTable: (name) => nftGetTable(net, name),
      commit: (batch) => nftCommit(net, batch),
    },
  };
}
