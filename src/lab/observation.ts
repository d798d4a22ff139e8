/**
 * What can be seen of a machine from outside of the commands that a lab runs: the frames that passed its
 * interfaces, and its tables and counters at the end, as `ip -j` and `bridge -j` list them.
 */

/** A frame as a capture on an interface shows it. */
export interface SeenFrame {
  /** Nanoseconds since the machine started. */
  time: number;
  /** From the link-layer header on. */
  data: Uint8Array;
}

/** Frames of one interface in one namespace, oldest first. */
export interface InterfaceFrames {
  /** Its namespace's name in /run/netns; absent for the first namespace. */
  namespace?: string;
  /** The name that it had last. */
  device: string;
  /**
   * When a capture began to listen, nanoseconds since the machine started; a further time for each
   * further capture, after the interface had been somewhere else.
   */
  since: readonly number[];
  frames: readonly SeenFrame[];
}

/** What {@link TABLES_SCRIPT} printed. */
export interface MachineTables {
  /** Of the kernel, as `uname -r` prints it. */
  release: string;
  namespaces: readonly NamespaceTables[];
}

export interface NamespaceTables {
  /** Absent for the first namespace. */
  namespace?: string;
  /** Entries by table: what `ip -j` or `bridge -j` lists. */
  tables: Readonly<Record<TableName, readonly TableEntry[]>>;
}

export type TableEntry = Readonly<Record<string, unknown>>;

/** The tables, what changes by itself first, and the command that lists each; `%` is where the namespace is named. */
const TABLES = {
  'ip neigh': 'ip % -j neigh show',
  'ip link': 'ip % -j -s link show',
  'bridge fdb': 'bridge % -j fdb show',
  'ip addr': 'ip % -j addr show',
  'ip route': 'ip % -j route show table all',
  'bridge link': 'bridge % -j link show',
  'bridge vlan': 'bridge % -j vlan show',
} as const;

export type TableName = keyof typeof TABLES;
export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];

const HEAD = 'hairpin-table';
const RELEASE = 'release';

/** Lists the tables of all namespaces. Plain shell, the same for every backend. */
export const TABLES_SCRIPT: string = [
  'cd /',
  'list() {',
  '  table=$1; shift',
  `  for ns in "" $(ls /run/netns 2>/dev/null); do`,
  '    case $ns in "") where= ;; *) where="-n $ns" ;; esac',
  `    printf '\\n%s\\t%s\\t%s\\n' ${HEAD} "$ns" "$table"`,
  '    program=$1; shift; $program $where "$@"; set -- $program "$@"',
  '  done',
  '} 2>/dev/null',
  ...Object.entries(TABLES).map(([name, command]) => `list '${name}' ${command.replace('% ', '')}`),
  `printf '\\n%s\\t%s\\t%s\\n' ${HEAD} '' ${RELEASE}; uname -r`,
].join('\n');

/** Read what {@link TABLES_SCRIPT} printed. A table that could not be listed is empty. */
export function parseTables(text: string): MachineTables {
  let release = '';
  const found = new Map<string, Record<string, TableEntry[]>>();
  for (const part of text.split(`${HEAD}\t`).slice(1)) {
    const end = part.indexOf('\n');
    const [namespace = '', table = ''] = part.slice(0, end).trimEnd().split('\t');
    const rest = part.slice(end + 1);
    if (table === RELEASE) {
      release = rest.trim();
      continue;
    }
    const tables = found.get(namespace) ?? {};
    found.set(namespace, tables);
    tables[table] = entriesOf(rest);
  }
  const namespaces = [...found].map(([namespace, tables]) => ({
    ...(namespace === '' ? {} : { namespace }),
    tables: Object.fromEntries(TABLE_NAMES.map((name) => [name, tables[name] ?? []])) as Record<
      TableName,
      TableEntry[]
    >,
  }));
  return { release, namespaces };
}

function entriesOf(text: string): TableEntry[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter((entry) => Object.keys(entry as object).length > 0) : [];
  } catch {
    return [];
  }
}

/** How people name an interface: `eth0`, or `eth0 in ns1`. */
export function placeOf({ namespace, device }: { namespace?: string; device: string }): string {
  return namespace === undefined ? device : `${device} in ${namespace}`;
}
