/** The kernel's side of iptables, for the processes of a namespace. */
import type { Ack, Refusal } from '../../uapi/result.ts';
import type { Nftables, Xtables, XtTable } from '../../uapi/xtables.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import { iptGetTable, iptReplaceTable, iptTableNames } from './ip-tables-replace.ts';
import { nftCommit, nftGetTable } from './nf-tables.ts';

export class XtablesSocket implements Xtables {
  private readonly net: NetNamespace;

  constructor(net: NetNamespace) {
    this.net = net;
  }

  getTable(name: string): XtTable | Refusal {
    return iptGetTable(this.net, name);
  }
  replaceTable(table: XtTable): Ack {
    return iptReplaceTable(this.net, table);
  }
  tableNames(): string[] {
    return iptTableNames(this.net);
  }
  get nft(): Nftables {
    const { net } = this;
    return { getTable: (name) => nftGetTable(net, name), commit: (batch) => nftCommit(net, batch) };
  }
}
