/** The databases of names in /etc/iproute2, as Debian's iproute2 6.1 installs them, for labs that read or add to them. */
import { PROTOCOLS } from './names.ts';

const RESERVED = '#\n# reserved values\n#\n';

const table = (entries: readonly (readonly [string | number, string])[]): string =>
  entries.map(([id, name]) => `${id}\t${name}\n`).join('');

const RT_TABLES = table([
  [255, 'local'],
  [254, 'main'],
  [253, 'default'],
  [0, 'unspec'],
]);

const RT_SCOPES = table([
  [0, 'global'],
  [255, 'nowhere'],
  [254, 'host'],
  [253, 'link'],
]);

/** Paths and contents. */
export const RT_FILES: readonly (readonly [string, string])[] = [
  ['/etc/iproute2/group', `# device group names\n${table([[0, 'default']])}`],
  ['/etc/iproute2/rt_protos', `#\n# Reserved protocols.\n#\n${table(PROTOCOLS)}`],
  ['/etc/iproute2/rt_realms', `${RESERVED}${table([[0, 'cosmos']])}#\n# local\n#\n`],
  ['/etc/iproute2/rt_scopes', `${RESERVED}${RT_SCOPES}#\n# pseudo-reserved\n#\n${table([[200, 'site']])}`],
  ['/etc/iproute2/rt_tables', `${RESERVED}${RT_TABLES}#\n# local\n#\n#1\tinr.ruhep\n`],
];
