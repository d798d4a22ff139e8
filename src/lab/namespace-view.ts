/** A network namespace as a program that uses the library sees it: what `ip` and `bridge` would list, as data. */
import type { NetNamespace } from '../kernel/core/net-namespace.ts';
import { NamespaceFiles } from '../kernel/kernel-files.ts';
import { RtnetlinkSocket } from '../kernel/rtnetlink.ts';
import { isRefusal } from '../uapi/result.ts';
import type { AddrMessage, FdbMessage, LinkMessage, NeighMessage, RouteMessage, Rtnetlink } from '../uapi/rtnetlink.ts';
import { RT_TABLE_MAIN } from '../uapi/rtnetlink.ts';
import type { NftChain, Xtables, XtChain } from '../uapi/xtables.ts';

export class NamespaceView {
  /** Its name in /run/netns; undefined for the first namespace, the host's own. */
  readonly name: string | undefined;
  /** A netlink socket in it: anything that rtnetlink can be asked. */
  readonly rtnetlink: Rtnetlink;
  readonly #net: NetNamespace;
  readonly #xtables: Xtables;

  /** @internal Made by `Twin.namespace`. */
  constructor(net: NetNamespace, name: string | undefined, xtables: Xtables) {
    this.#net = net;
    this.name = name;
    this.rtnetlink = new RtnetlinkSocket(net);
    this.#xtables = xtables;
  }

  /** Inode number of the namespace, as in `ip netns identify` and /proc/PID/ns/net. */
  get inode(): number {
    return this.#net.inode;
  }

  /** `ip link`: devices in the order of their indices. */
  links(): LinkMessage[] {
    return this.rtnetlink.dumpLinks();
  }

  /** One device by name. */
  link(name: string): LinkMessage | undefined {
    const found = this.rtnetlink.getLink({ ifname: name });
    return isRefusal(found) ? undefined : found;
  }

  /** `ip address`, of one device or all. */
  addresses(device?: string): AddrMessage[] {
    return this.rtnetlink.dumpAddrs(this.#only(device));
  }

  /** `ip neigh`, of one device or all. */
  neighbours(device?: string): NeighMessage[] {
    return this.rtnetlink.dumpNeighs(this.#only(device));
  }

  /** `ip route`: of the main table, or another by its number. */
  routes(table: number = RT_TABLE_MAIN): RouteMessage[] {
    const routes = this.rtnetlink.dumpRoutes({ table });
    return isRefusal(routes) ? [] : routes;
  }

  /** `bridge fdb`. */
  fdb(): FdbMessage[] {
    return this.rtnetlink.dumpFdb();
  }

  /**
   * The chains of an iptables table (`filter`, `nat` ...) with rules and counters: those that
   * `iptables` sees, or `iptables-legacy`. None when nothing was ever put there.
   */
  chains(table: string, variant: 'nf_tables' | 'legacy' = 'nf_tables'): readonly (NftChain | XtChain)[] {
    if (variant === 'nf_tables') return this.#xtables.nft.getTable(table) ?? [];
    if (!this.#xtables.tableNames().includes(table)) return [];
    const found = this.#xtables.getTable(table);
    return isRefusal(found) ? [] : found.chains;
  }

  /** A kernel file below /proc or /sys, without its last newline: `/proc/sys/net/ipv4/ip_forward`. */
  file(path: string): string | undefined {
    const text = new NamespaceFiles({ netns: this.#net }).read(path);
    return isRefusal(text) ? undefined : text.replace(/\n$/, '');
  }

  #only(device: string | undefined): { ifindex?: number } {
    if (device === undefined) return {};
    return { ifindex: this.link(device)?.ifindex ?? -1 };
  }
}
