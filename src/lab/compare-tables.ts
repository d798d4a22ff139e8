/** How far the tables and counters of two machines agree at the end of a lab. */
import {
  type MachineTables,
  type NamespaceTables,
  placeOf,
  TABLE_NAMES,
  type TableEntry,
  type TableName,
} from './observation.ts';
import { RandomAddresses } from './random-address.ts';

/** What is left out of tables before they are compared, each with its reason. */
export const TABLE_MASKS: readonly { reason: string; fields: readonly string[] }[] = [
  { reason: 'counters of interfaces are compared on their own', fields: ['stats64', 'stats'] },
  { reason: 'lifetimes that are not infinite run down with the clock', fields: ['expires'] },
];
/** Tables are compared as multisets: neighbours and forwarding entries are dumped in the order of a hash. */
export const TABLE_ORDER: { reason: string } = {
  reason:
    'entries of tables are compared in no order: neighbours and forwarding entries are dumped in the order of a hash with a random key',
};

/** What tells one entry from another of its table, for showing the two side by side. */
const IDENTITY: Readonly<Record<TableName, readonly string[]>> = {
  'ip link': ['ifname'],
  'ip addr': ['ifname'],
  'ip route': ['type', 'dst', 'dev', 'table'],
  'ip neigh': ['dst', 'dev'],
  'bridge link': ['ifname'],
  'bridge fdb': ['mac', 'ifname', 'vlan', 'flags'],
  'bridge vlan': ['ifname'],
};

/** A kernel built with VLAN filtering has VLAN 1 on every port, and lists a port's own address for it. */
const VLAN_FILTERING = {
  reason:
    'a kernel built with VLAN filtering has VLAN 1 on every bridge port: those entries are left out where the other kernel has none',
  has: (tables: Tables) => tables.some((one) => one.tables['bridge vlan'].length > 0),
  leavesOut: (table: TableName, entry: TableEntry) =>
    table === 'bridge vlan' || (table === 'bridge fdb' && entry['vlan'] === 1),
};

/** What is sent to a device that was never up meets the queue that takes nothing. */
const NOOP_DROPS = {
  reason: 'Linux 6.1 does not count as dropped what is sent to a device that was never up, Linux 6.18 does',
  leavesOut: (link: TableEntry, counter: string) => counter === 'tx dropped' && link['qdisc'] === 'noop',
};

export interface TableDifference {
  /** `ip neigh`, or `ip neigh in ns1`. */
  place: string;
  lines: readonly { kind: 'first' | 'second'; text: string }[];
}

/** Entries of tables, or single counters. */
export interface TableAgreement {
  entries: number;
  agreeing: number;
  differences: readonly TableDifference[];
}

/** What two kernels do differently, each with its reason: left out of both when only one of them has it. */
export const KERNEL_DIFFERENCES: readonly { reason: string }[] = [VLAN_FILTERING, NOOP_DROPS];

type Tables = readonly NamespaceTables[];

export function compareTables(first: MachineTables, second: MachineTables): TableAgreement {
  const differences: TableDifference[] = [];
  let entries = 0;
  let agreeing = 0;
  const addresses = [new RandomAddresses(first), new RandomAddresses(second)] as const;
  const oneFilters = VLAN_FILTERING.has(first.namespaces) !== VLAN_FILTERING.has(second.namespaces);
  for (const [namespace, one, other] of pairs(first.namespaces, second.namespaces)) {
    for (const table of TABLE_NAMES) {
      const [ours, theirs] = [one, other].map((machine, i) =>
        (machine?.tables[table] ?? [])
          .filter((entry) => !(oneFilters && VLAN_FILTERING.leavesOut(table, entry)))
          .map((entry) => masked(entry, addresses[i]!, namespace)),
      ) as [TableEntry[], TableEntry[]];
      const left = theirs.map(canonical);
      const take = (entry: TableEntry) => {
        const at = left.indexOf(canonical(entry));
        if (at >= 0) left.splice(at, 1);
        return at >= 0;
      };
      const onlyOurs = ours.filter((entry) => !take(entry));
      const onlyTheirs = theirs.filter(take);
      entries += ours.length - onlyOurs.length + Math.max(onlyOurs.length, onlyTheirs.length);
      agreeing += ours.length - onlyOurs.length;
      if (onlyOurs.length + onlyTheirs.length === 0) continue;
      const place = placeOf({ ...(namespace === undefined ? {} : { namespace }), device: table });
      differences.push({ place, lines: linesOf(table, onlyOurs, onlyTheirs) });
    }
  }
  return { entries, agreeing, differences };
}

/** The counters of every interface: octets, packets, errors, drops, multicast ... in both directions. */
export function compareCounters(first: MachineTables, second: MachineTables): TableAgreement {
  const differences: TableDifference[] = [];
  let entries = 0;
  let agreeing = 0;
  const differ = versionOf(first) !== versionOf(second);
  for (const [namespace, one, other] of pairs(first.namespaces, second.namespaces)) {
    const ours = countersOf(one, differ);
    const theirs = countersOf(other, differ);
    for (const device of new Set([...ours.keys(), ...theirs.keys()])) {
      const lines: { kind: 'first' | 'second'; text: string }[] = [];
      const here = ours.get(device);
      const there = theirs.get(device);
      for (const name of new Set([...(here?.keys() ?? []), ...(there?.keys() ?? [])])) {
        entries++;
        const [a, b] = [here?.get(name), there?.get(name)];
        if (a === b) {
          agreeing++;
          continue;
        }
        lines.push({ kind: 'first', text: `${name} ${a ?? '-'}` }, { kind: 'second', text: `${name} ${b ?? '-'}` });
      }
      const place = placeOf({ ...(namespace === undefined ? {} : { namespace }), device });
      if (lines.length > 0) differences.push({ place, lines });
    }
  }
  return { entries, agreeing, differences };
}

/** `6.18` of `6.18.44`. */
const versionOf = ({ release }: MachineTables) => /^\d+\.\d+/.exec(release)?.[0] ?? '';

function pairs(first: Tables, second: Tables) {
  const names = new Set([...first, ...second].map(({ namespace }) => namespace));
  const find = (tables: Tables, name: string | undefined) => tables.find(({ namespace }) => namespace === name);
  return [...names].map((name) => [name, find(first, name), find(second, name)] as const);
}

/** `rx packets` and the like, by interface. */
function countersOf(tables: NamespaceTables | undefined, releasesDiffer: boolean): Map<string, Map<string, unknown>> {
  const found = new Map<string, Map<string, unknown>>();
  for (const link of tables?.tables['ip link'] ?? []) {
    const counters = new Map<string, unknown>();
    const stats = (link['stats64'] ?? {}) as Record<string, Record<string, unknown>>;
    for (const [direction, values] of Object.entries(stats)) {
      for (const [name, value] of Object.entries(values)) {
        const counter = `${direction} ${name}`;
        if (!(releasesDiffer && NOOP_DROPS.leavesOut(link, counter))) counters.set(counter, value);
      }
    }
    found.set(String(link['ifname']), counters);
  }
  return found;
}

const LEFT_OUT = new Set(TABLE_MASKS.flatMap(({ fields }) => fields));

function masked(entry: TableEntry, addresses: RandomAddresses, namespace: string | undefined): TableEntry {
  const kept = Object.fromEntries(Object.entries(entry).filter(([name]) => !LEFT_OUT.has(name)));
  const device = String(entry['ifname'] ?? entry['dev'] ?? '');
  const about = { ...(namespace === undefined ? {} : { namespace }), device };
  return JSON.parse(addresses.inText(JSON.stringify(kept), about)) as TableEntry;
}

/** The same text for the same values, whatever the order of their fields. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, inner]) => `${name}:${canonical(inner)}`).join(',')}}`;
}

/** Entries that stand for the same thing are shown by what differs in them, others as a whole. */
function linesOf(table: TableName, ours: readonly TableEntry[], theirs: readonly TableEntry[]) {
  const lines: { kind: 'first' | 'second'; text: string }[] = [];
  const identity = (entry: TableEntry) => IDENTITY[table].map((name) => canonical(entry[name] ?? null)).join(' ');
  const rest = [...theirs];
  const show = (entry: TableEntry, but: TableEntry | undefined) => {
    const fields = Object.entries(entry).filter(
      ([name, value]) =>
        but === undefined || IDENTITY[table].includes(name) || canonical(value) !== canonical(but[name] ?? null),
    );
    return fields.map(([name, value]) => `${name} ${typeof value === 'string' ? value : canonical(value)}`).join(', ');
  };
  for (const one of ours) {
    const at = rest.findIndex((other) => identity(other) === identity(one));
    const other = at < 0 ? undefined : rest.splice(at, 1)[0];
    lines.push({ kind: 'first', text: show(one, other) });
    if (other !== undefined) lines.push({ kind: 'second', text: show(other, one) });
  }
  for (const other of rest) lines.push({ kind: 'second', text: show(other, undefined) });
  return lines;
}
