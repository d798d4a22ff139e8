import type { InetPrefix } from './inet-prefix.ts';

/** What `ip link show` and `ip address show` are asked to show (struct link_filter). */
export interface LinkFilter {
  /** AF_UNSPEC shows devices and all addresses, AF_PACKET devices only. */
  family: number;
  /** 0 for all. */
  ifindex: number;
  up: boolean;
  /** Of an address, with `*`, `?` and `[...]`. */
  label: string | undefined;
  /** -1 for all. */
  group: number;
  /** 0 for all, -1 for those without a master. */
  master: number;
  kind: string | undefined;
  slaveKind: string | undefined;
  scope: number;
  scopeMask: number;
  /** IFA_F_* wanted, among `flagMask`. */
  flags: number;
  flagMask: number;
  prefix: InetPrefix | undefined;
  oneline: boolean;
}

/** ipaddr_reset_filter(). */
export function newFilter(family: number, oneline: boolean): LinkFilter {
  return {
    family,
    ifindex: 0,
    up: false,
    label: undefined,
    group: -1,
    master: 0,
    kind: undefined,
    slaveKind: undefined,
    scope: 0,
    scopeMask: 0,
    flags: 0,
    flagMask: 0,
    prefix: undefined,
    oneline,
  };
}
