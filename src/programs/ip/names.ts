import type { Files } from '../../uapi/process.ts';
import { isRefusal } from '../../uapi/result.ts';
import { strtol } from './numbers.ts';

/** One name database of /etc/iproute2: the built-in names, then the file's, then those of `FILE.d`. */
class NameTable {
  readonly #files: Files;
  readonly #path: string;
  readonly #builtin: readonly (readonly [number, string])[];
  #names: Map<number, string> | undefined;

  constructor(files: Files, path: string, builtin: readonly (readonly [number, string])[]) {
    this.#files = files;
    this.#path = path;
    this.#builtin = builtin;
  }

  name(id: number): string | undefined {
    return this.#table().get(id);
  }

  /** The number with this very name; an abbreviation is not taken. */
  id(name: string): number | undefined {
    for (const [id, known] of this.#table()) if (known === name) return id;
    return undefined;
  }

  #table(): Map<number, string> {
    if (!this.#names) {
      this.#names = new Map(this.#builtin);
      this.#read(this.#path);
      const more = this.#files.list(`${this.#path}.d`);
      if (!isRefusal(more)) {
        for (const entry of more) if (/^[^.].*\.conf$/.test(entry)) this.#read(`${this.#path}.d/${entry}`);
      }
    }
    return this.#names;
  }

  #read(path: string): void {
    const text = this.#files.readText(path);
    if (isRefusal(text)) return;
    for (const line of text.split('\n')) {
      const match = /^[ \t]*(0x[0-9a-fA-F]+|\d+)\s+([^\s#]\S*)/.exec(line);
      if (match) this.#names!.set(Number(match[1]), match[2]!);
    }
  }
}

const SCOPES = [
  [0, 'global'],
  [255, 'nowhere'],
  [254, 'host'],
  [253, 'link'],
  [200, 'site'],
] as const;

/** rt_protos. */
export const PROTOCOLS = [
  [0, 'unspec'],
  [1, 'redirect'],
  [2, 'kernel'],
  [3, 'boot'],
  [4, 'static'],
  [8, 'gated'],
  [9, 'ra'],
  [10, 'mrt'],
  [11, 'zebra'],
  [12, 'bird'],
  [13, 'dnrouted'],
  [14, 'xorp'],
  [15, 'ntk'],
  [16, 'dhcp'],
  [18, 'keepalived'],
  [42, 'babel'],
  [99, 'openr'],
  [186, 'bgp'],
  [187, 'isis'],
  [188, 'ospf'],
  [189, 'rip'],
  [192, 'eigrp'],
] as const;

const DSFIELDS = [
  [0x00, 'default'],
  [0x28, 'AF11'],
  [0x30, 'AF12'],
  [0x38, 'AF13'],
  [0x48, 'AF21'],
  [0x50, 'AF22'],
  [0x58, 'AF23'],
  [0x68, 'AF31'],
  [0x70, 'AF32'],
  [0x78, 'AF33'],
  [0x88, 'AF41'],
  [0x90, 'AF42'],
  [0x98, 'AF43'],
  [0x20, 'CS1'],
  [0x40, 'CS2'],
  [0x60, 'CS3'],
  [0x80, 'CS4'],
  [0xa0, 'CS5'],
  [0xc0, 'CS6'],
  [0xe0, 'CS7'],
  [0xb8, 'EF'],
] as const;

/** The databases of /etc/iproute2, by the names of their files. */
const BUILT_IN = {
  rt_scopes: SCOPES,
  rt_protos: PROTOCOLS,
  rt_tables: [
    [255, 'local'],
    [254, 'main'],
    [253, 'default'],
    [0, 'unspec'],
  ],
  rt_dsfield: DSFIELDS,
  group: [[0, 'default']],
  rt_realms: [[0, 'unknown']],
} satisfies Record<string, readonly (readonly [number, string])[]>;

type Database = keyof typeof BUILT_IN;

/**
 * Names of numbers, as lib/rt_names.c: Debian's databases are built in, files of the same name in
 * /etc/iproute2 add to them. With -Numeric only numbers are shown; names are still read.
 */
export class RtNames {
  readonly #files: Files;
  readonly #numeric: boolean;
  readonly #tables: Partial<Record<Database, NameTable>> = {};

  constructor(files: Files, numeric: boolean) {
    this.#files = files;
    this.#numeric = numeric;
  }

  #table(database: Database): NameTable {
    this.#tables[database] ??= new NameTable(this.#files, `/etc/iproute2/${database}`, BUILT_IN[database]);
    return this.#tables[database];
  }

  #show(database: Database, id: number): string {
    return (this.#numeric ? undefined : this.#table(database).name(id)) ?? String(id);
  }

  #read(database: Database, text: string, max: number, base = 0): number | undefined {
    const named = this.#table(database).id(text);
    if (named !== undefined) return named;
    const { value, end } = strtol(text, base);
    return end === 0 || end !== text.length || value < 0 || value > max ? undefined : value;
  }

  scope(id: number): string {
    return this.#show('rt_scopes', id);
  }

  scopeId(text: string): number | undefined {
    return this.#read('rt_scopes', text, 255);
  }

  protocol(id: number): string {
    return this.#show('rt_protos', id);
  }

  protocolId(text: string): number | undefined {
    return this.#read('rt_protos', text, 255);
  }

  table(id: number): string {
    return this.#show('rt_tables', id);
  }

  tableId(text: string): number | undefined {
    return this.#read('rt_tables', text, 0xffff_ffff);
  }

  /** The TOS byte: a name, or two hexadecimal digits. */
  dsfield(id: number): string {
    return (this.#numeric ? undefined : this.#table('rt_dsfield').name(id)) ?? `0x${id.toString(16).padStart(2, '0')}`;
  }

  dsfieldId(text: string): number | undefined {
    return this.#read('rt_dsfield', text, 255, 16);
  }

  group(id: number): string {
    return this.#show('group', id);
  }

  groupId(text: string): number | undefined {
    return this.#read('group', text, 0x7fff_ffff);
  }

  realm(id: number): string {
    return this.#show('rt_realms', id);
  }

  realmId(text: string): number | undefined {
    return this.#read('rt_realms', text, 255);
  }
}
