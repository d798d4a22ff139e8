/** Inodes of the in-memory file system, and the trees that are made up on demand (/proc, /sys). */
import { EACCES, EINVAL, EISDIR, EPERM, EROFS } from '../../uapi/errno.ts';
import type { NetnsRef } from '../../uapi/netns.ts';
import type { Ack, Refusal } from '../../uapi/result.ts';
import { refuse } from '../../uapi/result.ts';
import type { OpenFile } from '../process/open-file.ts';
import type { Proc } from '../process/proc.ts';

/** Bytes held in all files of one machine, for the memory budget. */
export interface Usage {
  bytes: number;
}

export abstract class Inode {
  /** Given by the file system when somebody first asks. */
  ino = 0;
  mode: number;
  nlink = 1;
  /** Nanoseconds since the epoch. */
  mtime = 0;

  constructor(mode: number) {
    this.mode = mode;
  }

  /** Letter of `ls -l`. */
  abstract readonly kind: '-' | 'd' | 'l' | 'c' | 'p';

  get size(): number {
    return 0;
  }
}

const NO_BYTES = new Uint8Array(0);

export class FileInode extends Inode {
  readonly kind = '-';
  private buffer: Uint8Array;
  private length: number;
  private readonly usage: Usage;
  /** Written since the run began. */
  dirty = false;

  constructor(usage: Usage, mode = 0o644, data: Uint8Array = NO_BYTES) {
    super(mode);
    this.usage = usage;
    this.buffer = data;
    this.length = data.length;
  }

  override get size(): number {
    return this.length;
  }

  get data(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  truncate(size: number): void {
    this.dirty = true;
    if (size > this.length) this.writeAt(this.length, new Uint8Array(size - this.length));
    this.usage.bytes -= this.length - size;
    this.length = size;
    if (size === 0) this.buffer = NO_BYTES;
  }

  writeAt(offset: number, data: Uint8Array): void {
    this.dirty = true;
    const end = offset + data.length;
    if (end > this.buffer.length) {
      const grown = new Uint8Array(Math.max(end, this.buffer.length * 2, 256));
      grown.set(this.data);
      this.buffer = grown;
    }
    if (offset > this.length) this.buffer.fill(0, this.length, offset);
    this.buffer.set(data, offset);
    if (end > this.length) {
      this.usage.bytes += end - this.length;
      this.length = end;
    }
  }

  /** The file was removed: its bytes no longer count. */
  forget(): void {
    this.usage.bytes -= this.length;
  }
}

/** A file of the lab's folder: read from the host when first looked at. */
export class SourceFile extends FileInode {
  private readonly load: () => Uint8Array;
  private readonly sourceSize: number;
  private loaded = false;

  constructor(usage: Usage, mode: number, size: number, load: () => Uint8Array) {
    super(usage, mode);
    this.sourceSize = size;
    this.load = load;
  }

  override get size(): number {
    return this.loaded ? super.size : this.sourceSize;
  }

  override get data(): Uint8Array {
    this.fetch();
    return super.data;
  }

  override writeAt(offset: number, data: Uint8Array): void {
    this.fetch();
    super.writeAt(offset, data);
  }

  override truncate(size: number): void {
    if (size === 0) this.loaded = true;
    else this.fetch();
    super.truncate(size);
  }

  private fetch(): void {
    if (this.loaded) return;
    this.loaded = true;
    super.writeAt(0, this.load());
    this.dirty = false;
  }
}

export abstract class DirectoryInode extends Inode {
  readonly kind = 'd';

  abstract lookup(name: string, proc: Proc): Inode | undefined;
  abstract list(proc: Proc): string[];
  /** Put an entry in, or take it out. */
  insert(_name: string, _inode: Inode): Ack {
    return refuse(EPERM);
  }
  remove(_name: string): Ack {
    return refuse(EPERM);
  }

  override get size(): number {
    return 4096;
  }
}

export class MemoryDirectory extends DirectoryInode {
  readonly entries: Map<string, Inode> = new Map();

  constructor(mode = 0o755) {
    super(mode);
    this.nlink = 2;
  }

  lookup(name: string, _proc?: Proc): Inode | undefined {
    return this.entries.get(name);
  }

  /** Newest first, as tmpfs lists a directory: `ip netns` shows namespaces in this order. */
  list(): string[] {
    return [...this.entries.keys()].reverse();
  }

  override insert(name: string, inode: Inode): Ack {
    this.entries.set(name, inode);
    if (inode.kind === 'd') this.nlink++;
    return undefined;
  }

  override remove(name: string): Ack {
    if (this.entries.get(name)?.kind === 'd') this.nlink--;
    this.entries.delete(name);
    return undefined;
  }
}

export class LinkInode extends Inode {
  readonly kind = 'l';
  private readonly to: string | ((proc: Proc) => string);

  constructor(target: string | ((proc: Proc) => string)) {
    super(0o777);
    this.to = target;
  }

  target(proc: Proc): string {
    return typeof this.to === 'string' ? this.to : this.to(proc);
  }

  override get size(): number {
    return typeof this.to === 'string' ? this.to.length : 0;
  }
}

/** A link of /proc that leads straight to an open file or a namespace, whatever its text says. */
export class MagicLink extends LinkInode {
  readonly resolve: (proc: Proc) => Inode | undefined;

  constructor(text: (proc: Proc) => string, resolve: (proc: Proc) => Inode | undefined) {
    super(text);
    this.resolve = resolve;
  }
}

/** A character device, or /dev/fd/N: opening it runs a function. */
export class DeviceInode extends Inode {
  readonly kind: 'c' | '-' | 'p';
  readonly open: (proc: Proc) => OpenFile | Refusal;

  constructor(open: (proc: Proc) => OpenFile | Refusal, mode = 0o666, kind: 'c' | '-' | 'p' = 'c') {
    super(mode);
    this.open = open;
    this.kind = kind;
  }
}

/** mkfifo. */
export class FifoInode extends Inode {
  readonly kind = 'p';
  /** Opens one end, waiting for the other as fifo(7) says. */
  readonly open: (proc: Proc, forWriting: boolean) => Promise<OpenFile>;

  constructor(open: (proc: Proc, forWriting: boolean) => Promise<OpenFile>, mode = 0o644) {
    super(mode);
    this.open = open;
  }
}

/** An installed program. */
export class ProgramInode extends Inode {
  readonly kind = '-';
  readonly program: string;

  constructor(program: string) {
    super(0o755);
    this.program = program;
  }

  override get size(): number {
    return 65536;
  }
}

/** A file whose text is made when it is read, and whose writes go to a function. */
export class VirtualFile extends Inode {
  readonly kind = '-';
  readonly read: (proc: Proc) => string | Refusal;
  readonly write: (proc: Proc, text: string) => Ack;

  constructor(
    mode: number,
    read: (proc: Proc) => string | Refusal,
    write: (proc: Proc, text: string) => Ack = () => refuse(EACCES),
  ) {
    super(mode);
    this.read = read;
    this.write = write;
  }
}

/** A directory whose entries are made on demand. */
export class VirtualDirectory extends DirectoryInode {
  readonly lookup: (name: string, proc: Proc) => Inode | undefined;
  readonly list: (proc: Proc) => string[];

  constructor(lookup: (name: string, proc: Proc) => Inode | undefined, list: (proc: Proc) => string[], mode = 0o555) {
    super(mode);
    this.lookup = lookup;
    this.list = list;
  }

  override get size(): number {
    return 0;
  }
}

/** A file of nsfs: a network namespace. */
export class NsfsInode extends Inode {
  readonly kind = '-';
  readonly ref: NetnsRef;

  constructor(ref: NetnsRef) {
    super(0o444);
    this.ref = ref;
  }
}

/** Why a file of this kind cannot be written to as a whole. */
export function unwritable(inode: Inode): Refusal {
  if (inode.kind === 'd') return refuse(EISDIR);
  return inode instanceof NsfsInode ? refuse(EINVAL) : refuse(EROFS);
}
