/** Tables of a machine for tests: only what a test is about is given. */
import { type MachineTables, TABLE_NAMES, type TableEntry, type TableName } from '../../src/lab/observation.ts';

export function tablesOf({
  release = '6.18.0',
  links = [],
  ...others
}: { release?: string; links?: TableEntry[] } & Partial<Record<TableName, TableEntry[]>>): MachineTables {
  const empty = Object.fromEntries(TABLE_NAMES.map((name) => [name, []])) as unknown as Record<TableName, TableEntry[]>;
  return { release, namespaces: [{ tables: { ...empty, 'ip link': links, ...others } }] };
}
