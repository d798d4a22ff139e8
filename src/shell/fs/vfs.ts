/**
 * The file tree: path resolution over mounts and links, and opening files. Everybody is root, so
 * permission bits matter only where root minds them: to execute, and in the kernel's own files.
 */
import { EACCES, EBUSY, EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO } from '../../uapi/errno.ts';
import type { Ack, Refusal } from '../../uapi/result.ts';
import { isRefusal, refuse } from '../../uapi/result.ts';
import { encode } from '../process/bytes.ts';
import type { OpenFile } from '../process/open-file.ts';
import type { Proc } from '../process/proc.ts';
import type { Inode, Usage } from './inode.ts';
import {
  DeviceInode,
  DirectoryInode,
  FifoInode,
  FileInode,
  LinkInode,
  MagicLink,
  MemoryDirectory,
  NsfsInode,
  ProgramInode,
  unwritable,
  VirtualFile,
} from './inode.ts';
import { DirectoryFile, NsfsFile, RegularFile, SnapshotFile, WriteThroughFile } from './regular-file.ts';

/** One mount namespace: what is mounted on which inode, the latest on top. */
export class Mounts {
  readonly on: Map<Inode, Mount[]> = new Map();
  /** In the order of mounting: /proc/mounts. */
  readonly list: Mount[] = [];

  clone(): Mounts {
    const copy = new Mounts();
    for (const [inode, mounts] of this.on) copy.on.set(inode, [...mounts]);
    copy.list.push(...this.list);
    return copy;
  }

  add(mount: Mount): void {
    const stack = this.on.get(mount.covered);
    if (stack === undefined) this.on.set(mount.covered, [mount]);
    else stack.push(mount);
    this.list.push(mount);
  }

  remove(mount: Mount): void {
    const stack = this.on.get(mount.covered);
    if (stack === undefined) return;
    const rest = stack.filter((other) => other !== mount);
    if (rest.length === 0) this.on.delete(mount.covered);
    else this.on.set(mount.covered, rest);
    this.list.splice(this.list.indexOf(mount), 1);
  }
}

export interface Mount {
  covered: Inode;
  root: Inode;
  path: string;
  source: string;
  type: string;
  options: string;
}

/** Where a path leads. */
export interface Found {
  inode: Inode;
  /** Canonical path, links resolved. */
  path: string;
  parent: DirectoryInode;
  /** Name in `parent`; empty for the root. */
  name: string;
  /** The inode below what is mounted there, when something is. */
  mount: Mount | undefined;
}

/** A place on the way of a path, with the one before it. */
interface Step extends Found {
  up: Step | undefined;
}

/** A place in a directory where nothing is yet. */
export interface Vacant {
  inode: undefined;
  path: string;
  parent: DirectoryInode;
  name: string;
}

export interface OpenFlags {
  read?: boolean;
  write?: boolean;
  append?: boolean;
  create?: boolean;
  truncate?: boolean;
  exclusive?: boolean;
  /** Permission bits of a file made here, before the umask. */
  mode?: number;
}

const MAX_LINKS = 40;
/** What may follow the last name of a path. */
const NO_NAMES = /\/(\.?\/)*\.?$/;

/** Where the last name of a path ends. */
function endOfNames(path: string): number {
  const end = path.endsWith('/') || path.endsWith('.') ? path.search(NO_NAMES) : -1;
  return end < 0 ? path.length : end;
}

export class Vfs {
  readonly root: MemoryDirectory = new MemoryDirectory();
  readonly usage: Usage = { bytes: 0 };
  private lastIno = 100;

  /** Inode number, for stat and ls -i. */
  number(inode: Inode): number {
    if (inode.ino === 0) inode.ino = inode instanceof NsfsInode ? inode.ref.inode : ++this.lastIno;
    return inode.ino;
  }

  /** Follow a path. `follow` false stops at a link in the last place. */
  resolve(proc: Proc, path: string, follow = true): Found | Refusal {
    const found = this.walk(proc, path, follow);
    if (isRefusal(found)) return found;
    return found.inode === undefined ? refuse(ENOENT) : found;
  }

  /** Like {@link resolve}, but the last name may be missing. */
  walk(proc: Proc, path: string, follow = true): Found | Vacant | Refusal {
    if (path === '') return refuse(ENOENT);
    const mounts = proc.mounts;
    const mustBeDirectory = path.endsWith('/');
    const root: Step = { inode: this.root, path: '/', parent: this.root, name: '', mount: undefined, up: undefined };
    let last = root;
    let rest = path.startsWith('/') ? path : `${proc.cwd}/${path}`;
    let namesEnd = endOfNames(rest);
    let links = 0;
    for (let at = 0; at < rest.length; ) {
      const slash = rest.indexOf('/', at);
      const end = slash < 0 ? rest.length : slash;
      const name = rest.slice(at, end);
      at = end + 1;
      if (name === '' || name === '.') continue;
      const dir = last.inode;
      if (!(dir instanceof DirectoryInode)) return refuse(ENOTDIR);
      if (name === '..') {
        last = last.up ?? last;
        continue;
      }
      const isLast = end >= namesEnd;
      const here = last.up === undefined ? `/${name}` : `${last.path}/${name}`;
      let inode = dir.lookup(name, proc);
      if (inode === undefined) return isLast ? { inode: undefined, path: here, parent: dir, name } : refuse(ENOENT);
      let mount: Mount | undefined;
      for (let on = mounts.on.get(inode); on !== undefined; on = mounts.on.get(inode)) {
        mount = on.at(-1)!;
        inode = mount.root;
      }
      if (inode instanceof LinkInode && (!isLast || follow || mustBeDirectory)) {
        if (++links > MAX_LINKS) return refuse(ELOOP);
        if (inode instanceof MagicLink) {
          inode = inode.resolve(proc);
          if (inode === undefined) return refuse(ENOENT);
        } else {
          const target = inode.target(proc);
          if (target.startsWith('/')) last = root;
          rest = `${target}/${rest.slice(at)}`;
          namesEnd = endOfNames(rest);
          at = 0;
          continue;
        }
      }
      last = { inode, path: here, parent: dir, name, mount, up: last };
    }
    if (mustBeDirectory && !(last.inode instanceof DirectoryInode)) return refuse(ENOTDIR);
    return last;
  }

  /** open(2). A fifo opens later: a promise. */
  open(proc: Proc, path: string, flags: OpenFlags): OpenFile | Refusal | Promise<OpenFile> {
    const found = this.walk(proc, path);
    if (isRefusal(found)) return found;
    if (found.inode === undefined) {
      if (flags.create !== true) return refuse(ENOENT);
      const inode = new FileInode(this.usage, (flags.mode ?? 0o666) & ~proc.umask);
      inode.dirty = true;
      inode.mtime = proc.realtime();
      const refused = found.parent.insert(found.name, inode);
      if (refused !== undefined) return refuse(found.path.startsWith('/proc') ? ENOENT : EACCES);
      return new RegularFile(inode, found.path, flags, proc);
    }
    if (flags.exclusive === true && flags.create === true) return refuse(EEXIST);
    return this.openInode(proc, found.inode, found.path, flags);
  }

  private openInode(proc: Proc, inode: Inode, path: string, flags: OpenFlags): OpenFile | Refusal | Promise<OpenFile> {
    const writes = flags.write === true || flags.append === true;
    if (inode instanceof FileInode) {
      if (flags.truncate === true) {
        inode.truncate(0);
        inode.mtime = proc.realtime();
      }
      return new RegularFile(inode, path, flags, proc);
    }
    if (inode instanceof DeviceInode) return inode.open(proc);
    if (inode instanceof FifoInode) return inode.open(proc, writes);
    if (inode instanceof DirectoryInode) return writes ? refuse(EISDIR) : new DirectoryFile(path);
    if (inode instanceof VirtualFile) {
      if (writes) {
        if ((inode.mode & 0o222) === 0) return refuse(EACCES);
        return new WriteThroughFile(path, (text) => inode.write(proc, text));
      }
      const text = inode.read(proc);
      return isRefusal(text) ? text : new SnapshotFile(path, encode(text));
    }
    if (inode instanceof NsfsInode) return writes ? unwritable(inode) : new NsfsFile(path, inode.ref);
    if (inode instanceof ProgramInode) return writes ? unwritable(inode) : new SnapshotFile(path, PROGRAM_IMAGE);
    return refuse(ENXIO);
  }

  /** Whole contents of a file. */
  readFile(proc: Proc, path: string): Uint8Array | Refusal {
    const found = this.resolve(proc, path);
    if (isRefusal(found)) return found;
    const inode = found.inode;
    if (inode instanceof FileInode) return inode.data;
    if (inode instanceof VirtualFile) {
      const text = inode.read(proc);
      return isRefusal(text) ? text : encode(text);
    }
    if (inode instanceof DirectoryInode) return refuse(EISDIR);
    if (inode instanceof ProgramInode) return PROGRAM_IMAGE;
    return refuse(EINVAL);
  }

  /** Write a whole file, or add to its end. */
  writeFile(proc: Proc, path: string, data: Uint8Array, flags: { append?: boolean; exclusive?: boolean } = {}): Ack {
    const file = this.open(proc, path, { write: true, create: true, truncate: flags.append !== true, ...flags });
    if (file instanceof Promise) return refuse(ENXIO);
    if (isRefusal(file)) return file;
    const taken = file.write(data);
    file.close();
    return isRefusal(taken) ? taken : undefined;
  }

  mkdir(proc: Proc, path: string, mode = 0o777): Ack {
    const found = this.walk(proc, path.length > 1 ? path.replace(/\/+$/, '') : path, false);
    if (isRefusal(found)) return found;
    if (found.inode !== undefined) return refuse(EEXIST);
    const inode = new MemoryDirectory(mode & ~proc.umask);
    inode.mtime = proc.realtime();
    return found.parent.insert(found.name, inode);
  }

  /** mkdir -p, for the tree a machine starts with. */
  mkdirs(proc: Proc, path: string): MemoryDirectory {
    let at = '';
    for (const part of path.split('/')) {
      if (part === '') continue;
      at += `/${part}`;
      this.mkdir(proc, at);
    }
    const found = this.resolve(proc, path);
    if (isRefusal(found) || !(found.inode instanceof MemoryDirectory)) throw new Error(`cannot make ${path}`);
    return found.inode;
  }

  /** unlink(2). */
  unlink(proc: Proc, path: string): Ack {
    const found = this.resolve(proc, path, false);
    if (isRefusal(found)) return found;
    if (found.inode.kind === 'd') return refuse(EISDIR);
    if (found.mount !== undefined) return refuse(EBUSY);
    const refused = found.parent.remove(found.name);
    if (refused === undefined && --found.inode.nlink === 0 && found.inode instanceof FileInode) found.inode.forget();
    return refused;
  }

  /** mount(2): cover what `path` leads to with `root`. */
  mount(proc: Proc, path: string, root: Inode, how: { source: string; type: string; options?: string }): Ack {
    const found = this.resolve(proc, path);
    if (isRefusal(found)) return found;
    if ((root.kind === 'd') !== (found.inode.kind === 'd')) return refuse(ENOTDIR);
    const options = how.options ?? 'rw,relatime';
    proc.mounts.add({ covered: found.inode, root, path: found.path, source: how.source, type: how.type, options });
    if (root instanceof NsfsInode) proc.system.machine.hold(root.ref);
    return undefined;
  }

  /** umount2(2). */
  unmount(proc: Proc, path: string): Ack {
    const found = this.resolve(proc, path);
    if (isRefusal(found)) return found;
    if (found.mount === undefined) return refuse(EINVAL);
    proc.mounts.remove(found.mount);
    if (found.mount.root instanceof NsfsInode) proc.system.machine.release(found.mount.root.ref);
    return undefined;
  }
}

/** What a program's file begins with. */
const PROGRAM_IMAGE = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0);
