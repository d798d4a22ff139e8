import { isRefusal } from '../../uapi/result.ts';
import type { LinkMessage, Rtnetlink } from '../../uapi/rtnetlink.ts';

interface Known {
  ifindex: number;
  ifname: string;
  type: number;
  flags: number;
}

/**
 * The program's memory of devices (lib/ll_map.c). It is filled by a dump or one question at a time and
 * never forgets by itself, so a batch file can meet names of devices that are gone: as in iproute2.
 */
export class LinkMap {
  readonly #rtnl: Rtnetlink;
  readonly #byIndex = new Map<number, Known>();
  readonly #byName = new Map<string, Known>();
  #initialized = false;

  constructor(rtnl: Rtnetlink) {
    this.#rtnl = rtnl;
  }

  /** ll_init_map(): one dump of all devices. */
  init(): void {
    if (this.#initialized) return;
    this.#initialized = true;
    for (const link of this.#rtnl.dumpLinks()) this.remember(link);
  }

  /** ll_remember_index(). */
  remember(link: LinkMessage): void {
    const old = this.#byIndex.get(link.ifindex);
    if (old) for (const [name, known] of this.#byName) if (known === old) this.#byName.delete(name);
    const known = { ifindex: link.ifindex, ifname: link.ifname, type: link.type, flags: link.flags };
    this.#byIndex.set(link.ifindex, known);
    this.#byName.set(link.ifname, known);
    for (const name of link.altnames ?? []) this.#byName.set(name, known);
  }

  /** ll_drop_by_index(). */
  drop(ifindex: number): void {
    const old = this.#byIndex.get(ifindex);
    if (!old) return;
    this.#byIndex.delete(ifindex);
    for (const [name, known] of this.#byName) if (known === old) this.#byName.delete(name);
  }

  /** ll_index_to_name(): `*` for 0, `if7` for a device that is not here. */
  name(ifindex: number): string {
    if (ifindex === 0) return '*';
    return this.#find(ifindex)?.ifname ?? `if${ifindex}`;
  }

  /** ll_index_to_flags(): -1 for a device never met. */
  flags(ifindex: number): number {
    return ifindex === 0 ? 0 : (this.#byIndex.get(ifindex)?.flags ?? -1);
  }

  /** ll_index_to_type(): -1 for a device never met. */
  type(ifindex: number): number {
    return this.#byIndex.get(ifindex)?.type ?? -1;
  }

  /** ll_name_to_index(): 0 when there is no such device; `if7` names index 7. */
  index(name: string): number {
    const known = this.#byName.get(name);
    if (known) return known.ifindex;
    const link = this.#rtnl.getLink({ ifname: name });
    if (!isRefusal(link)) {
      this.remember(link);
      return link.ifindex;
    }
    const numbered = /^if(\d+)/.exec(name);
    return numbered ? Number(numbered[1]) : 0;
  }

  #find(ifindex: number): Known | undefined {
    const known = this.#byIndex.get(ifindex);
    if (known) return known;
    const link = this.#rtnl.getLink({ ifindex });
    if (isRefusal(link)) return undefined;
    this.remember(link);
    return this.#byIndex.get(ifindex);
  }
}

/** ll_idx_n2a(): how a device that has no name here is shown. */
export function llIdxN2a(ifindex: number): string {
  return `if${ifindex}`;
}
