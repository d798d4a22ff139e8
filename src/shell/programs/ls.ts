/** ls (coreutils 9.1): names sorted by their bytes, long lines, columns on a terminal. */
import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { DirectoryInode, FileInode, type Inode, LinkInode, ProgramInode, VirtualFile } from '../fs/inode.ts';
import type { Proc } from '../process/proc.ts';
import { complain, readOptions } from './options.ts';
import { strftime } from './strftime.ts';

interface Entry {
  name: string;
  path: string;
  inode: Inode;
}

/** Half of 365.2425 days: older times show the year, nanoseconds. */
const SIX_MONTHS = 15_778_476e9;
const DEFAULT_COLUMNS = 80;
const SYSFS_FILE_SIZE = 4096;
const TAB_SIZE = 8;

const LONGS = [
  { name: 'all', value: 'a' },
  { name: 'almost-all', value: 'A' },
  { name: 'directory', value: 'd' },
  { name: 'classify', argument: 'optional', value: 'F' },
  { name: 'human-readable', value: 'h' },
  { name: 'inode', value: 'i' },
  { name: 'numeric-uid-gid', value: 'n' },
  { name: 'no-group', value: 'G' },
  { name: 'reverse', value: 'r' },
  { name: 'recursive', value: 'R' },
  { name: 'color', argument: 'optional', value: 'color' },
  { name: 'full-time', value: 'full-time' },
] as const;

export async function ls(proc: Proc): Promise<number> {
  const given = readOptions(proc, '1aACdFgGhHilLmnopqrRStUvx', LONGS);
  if (given === undefined) return 2;
  return new Lister(proc, new Set(given.flags.keys()), given.all).run(given.operands);
}

class Lister {
  private readonly proc: Proc;
  private readonly flags: ReadonlySet<string>;
  private readonly long: boolean;
  private readonly columns: boolean;
  private status = 0;
  private first = true;

  constructor(proc: Proc, flags: ReadonlySet<string>, all: readonly { option: string }[]) {
    this.proc = proc;
    this.flags = flags;
    this.long = ['l', 'n', 'o', 'g', 'full-time'].some((flag) => flags.has(flag));
    const last = all.filter(({ option }) => '1Cx'.includes(option)).at(-1)?.option;
    this.columns = last === undefined ? proc.columns !== undefined : last !== '1';
  }

  async run(operands: readonly string[]): Promise<number> {
    const files: Entry[] = [];
    const folders: Entry[] = [];
    for (const operand of operands.length === 0 ? ['.'] : operands) {
      const entry = this.operand(operand);
      if (entry === undefined) continue;
      if (entry.inode instanceof DirectoryInode && !this.flags.has('d')) folders.push(entry);
      else files.push(entry);
    }
    if (files.length > 0) {
      this.print(this.sorted(files), false);
      this.first = false;
    }
    const headed = operands.length > 1 || this.flags.has('R');
    for (const folder of this.sorted(folders)) this.folder(folder, headed);
    await this.proc.stdout.flush();
    return this.status;
  }

  private operand(path: string): Entry | undefined {
    const { vfs } = this.proc.system;
    const stays = (this.long || this.flags.has('d') || this.flags.has('F')) && !this.flags.has('L');
    let found = vfs.resolve(this.proc, path, !stays || path.endsWith('/') || this.flags.has('H'));
    if (isRefusal(found) && !stays && !this.flags.has('L')) found = vfs.resolve(this.proc, path, false);
    if (!isRefusal(found)) return { name: path, path: found.path, inode: found.inode };
    complain(this.proc, `cannot access '${path}': ${strerror(found.errno)}`);
    this.status = 2;
    return undefined;
  }

  private folder({ name, path, inode }: Entry, headed: boolean): void {
    const directory = inode as DirectoryInode;
    const { stdout } = this.proc;
    if (!this.first) stdout.write('\n');
    this.first = false;
    if (headed) stdout.write(`${name}:\n`);
    const entries: Entry[] = [];
    for (const child of directory.list(this.proc)) {
      if (child.startsWith('.') && !this.flags.has('a') && !this.flags.has('A')) continue;
      const place = `${path === '/' ? '' : path}/${child}`;
      const found = this.proc.system.vfs.resolve(this.proc, place, this.flags.has('L'));
      if (!isRefusal(found)) entries.push({ name: child, path: place, inode: found.inode });
    }
    if (this.flags.has('a')) {
      for (const dots of ['.', '..']) {
        const found = this.proc.system.vfs.resolve(this.proc, `${path}/${dots}`);
        if (!isRefusal(found)) entries.push({ name: dots, path: `${path}/${dots}`, inode: found.inode });
      }
    }
    const sorted = this.sorted(entries);
    this.print(sorted, true);
    if (!this.flags.has('R')) return;
    for (const entry of sorted) {
      const below = entry.inode instanceof DirectoryInode && entry.name !== '.' && entry.name !== '..';
      if (below) this.folder({ ...entry, name: `${name}/${entry.name}` }, true);
    }
  }

  private sorted(entries: Entry[]): Entry[] {
    const { flags } = this;
    if (flags.has('U')) return entries;
    const byName = (a: Entry, b: Entry) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
    const order = flags.has('t')
      ? (a: Entry, b: Entry) => b.inode.mtime - a.inode.mtime || byName(a, b)
      : flags.has('S')
        ? (a: Entry, b: Entry) => sizeOf(b) - sizeOf(a) || byName(a, b)
        : byName;
    const sorted = entries.toSorted(order);
    return flags.has('r') ? sorted.reverse() : sorted;
  }

  private print(entries: readonly Entry[], total: boolean): void {
    const { stdout } = this.proc;
    if (this.long) {
      if (total)
        stdout.write(`total ${this.size(entries.reduce((sum, { inode }) => sum + blocks(inode), 0) * 1024, 1024)}\n`);
      this.printLong(entries);
      return;
    }
    const names = entries.map((entry) => this.numbered(entry) + entry.name + this.mark(entry));
    if (names.length === 0) return;
    if (this.flags.has('m')) stdout.write(`${names.join(', ')}\n`);
    else if (this.columns) stdout.write(inColumns(names, this.proc.columns ?? DEFAULT_COLUMNS, this.flags.has('x')));
    else stdout.write(names.map((name) => `${name}\n`).join(''));
  }

  private numbered({ inode }: Entry): string {
    return this.flags.has('i') ? `${this.proc.system.vfs.number(inode)} ` : '';
  }

  /** What -F and -p append. */
  private mark({ inode }: Entry): string {
    const all = this.flags.has('F');
    if (inode instanceof DirectoryInode) return all || this.flags.has('p') ? '/' : '';
    if (!all || inode.kind === 'c') return '';
    if (inode.kind === 'l') return this.long ? '' : '@';
    if (inode.kind === 'p') return '|';
    return (inode.mode & 0o111) !== 0 ? '*' : '';
  }

  /** A number of bytes, or of `unit`s of them, as -h shows it. */
  private size(bytes: number, unit = 1): string {
    if (!this.flags.has('h') || bytes < 1024) return String(Math.ceil(bytes / unit));
    let value = bytes;
    let power = -1;
    while (value >= 1024) {
      value /= 1024;
      power++;
    }
    const text = value < 10 ? (Math.ceil(value * 10) / 10).toFixed(1) : String(Math.ceil(value));
    return `${text}${'KMGT'[power]}`;
  }

  private printLong(entries: readonly Entry[]): void {
    const rows = entries.map((entry) => {
      const { inode } = entry;
      const owner = this.flags.has('n') ? '0' : 'root';
      const owners = [
        ...(this.flags.has('g') ? [] : [owner]),
        ...(this.flags.has('o') || this.flags.has('G') ? [] : [owner]),
      ];
      return {
        head: `${this.numbered(entry)}${modeText(inode)}`,
        links: String(inode.nlink),
        owner: owners.map((each) => `${each} `).join(''),
        size: this.size(sizeOf(entry)),
        tail: `${this.time(inode)} ${entry.name}${this.target(entry)}${this.mark(entry)}`,
      };
    });
    const links = Math.max(...rows.map((row) => row.links.length));
    const size = Math.max(...rows.map((row) => row.size.length));
    for (const row of rows) {
      const numbers = `${row.links.padStart(links)} ${row.owner}${row.size.padStart(size)}`;
      this.proc.stdout.write(`${row.head} ${numbers} ${row.tail}\n`);
    }
  }

  /** Where a link points to, marked as what is there. */
  private target({ inode, path }: Entry): string {
    if (!(inode instanceof LinkInode)) return '';
    const found = this.proc.system.vfs.resolve(this.proc, path);
    const mark = isRefusal(found) ? '' : this.mark({ name: '', path, inode: found.inode });
    return ` -> ${inode.target(this.proc)}${mark}`;
  }

  private time(inode: Inode): string {
    const now = this.proc.realtime();
    const time = inode.mtime === 0 ? now : inode.mtime;
    if (this.flags.has('full-time')) return strftime('%Y-%m-%d %H:%M:%S.%N %z', time, this.proc.utcOffset);
    const recent = time <= now && time > now - SIX_MONTHS;
    return strftime(recent ? '%b %e %H:%M' : '%b %e  %Y', time, this.proc.utcOffset);
  }
}

/** Of sysfs, whose files have a page each, no size is known to the tree. */
export function sizeOf({ inode, path }: Pick<Entry, 'inode' | 'path'>): number {
  if (inode instanceof VirtualFile && path.startsWith('/sys/')) return SYSFS_FILE_SIZE;
  return inode.size;
}

/** Kilobytes that a file takes. */
export function blocks(inode: Inode): number {
  return inode instanceof FileInode || inode instanceof ProgramInode ? Math.ceil(inode.size / 4096) * 4 : 0;
}

const TYPE_LETTERS: Readonly<Record<string, string>> = { p: 'p', c: 'c', d: 'd', l: 'l' };

/** `drwxr-xr-x`. */
export function modeText(inode: Inode): string {
  let text = TYPE_LETTERS[inode.kind] ?? '-';
  const { mode } = inode;
  for (let shift = 6; shift >= 0; shift -= 3) {
    const bits = mode >> shift;
    const special = (mode & (0o1000 << (shift / 3))) !== 0;
    const letter = shift === 0 ? 't' : 's';
    text += `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}`;
    text += special ? ((bits & 1) !== 0 ? letter : letter.toUpperCase()) : (bits & 1) !== 0 ? 'x' : '-';
  }
  return text;
}

/** As many columns as fit, down first, or across first with -x. */
function inColumns(names: readonly string[], width: number, across: boolean): string {
  const count = names.length;
  for (let columns = Math.min(count, Math.max(1, Math.floor(width / 3))); ; columns--) {
    const rows = Math.ceil(count / columns);
    const at = (row: number, column: number) => (across ? row * columns + column : column * rows + row);
    const widths = Array.from(
      { length: columns },
      (_, column) => Math.max(0, ...Array.from({ length: rows }, (_, row) => names[at(row, column)]?.length ?? -2)) + 2,
    );
    const used = across ? columns : Math.ceil(count / rows);
    const total = widths.slice(0, used).reduce((sum, each) => sum + each, 0) - 2;
    if (columns > 1 && (total >= width || used < columns)) continue;
    let out = '';
    for (let row = 0; row < rows; row++) {
      let end = 0;
      for (let column = 0; column < used && at(row, column) < count; column++) {
        const name = names[at(row, column)]!;
        const last = column === used - 1 || at(row, column + 1) >= count;
        out += last ? name : name + blanks(end + name.length, end + widths[column]!);
        end += widths[column]!;
      }
      out += '\n';
    }
    return out;
  }
}

/** From one column to another, with tabs where they reach. */
function blanks(from: number, to: number): string {
  let text = '';
  let at = from;
  while (at < to) {
    const stop = at - (at % TAB_SIZE) + TAB_SIZE;
    const tab = to - at > 1 && stop <= to;
    text += tab ? '\t' : ' ';
    at = tab ? stop : at + 1;
  }
  return text;
}
