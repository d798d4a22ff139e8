/** Open files of the file system. */
import { EBADF, EISDIR } from '../../uapi/errno.ts';
import type { NetnsRef } from '../../uapi/netns.ts';
import type { Ack, Refusal } from '../../uapi/result.ts';
import { refuse } from '../../uapi/result.ts';
import { decode } from '../process/bytes.ts';
import { END_OF_FILE, OpenFile } from '../process/open-file.ts';
import type { Proc } from '../process/proc.ts';
import type { FileInode } from './inode.ts';
import type { OpenFlags } from './vfs.ts';

export class RegularFile extends OpenFile {
  readonly inode: FileInode;
  private readonly flags: OpenFlags;
  private readonly proc: Proc;
  private offset = 0;

  constructor(inode: FileInode, path: string, flags: OpenFlags, proc: Proc) {
    super(path);
    this.inode = inode;
    this.flags = flags;
    this.proc = proc;
  }

  override get seekable(): boolean {
    return true;
  }

  override read(max: number): Uint8Array | Refusal {
    if (this.flags.read !== true) return refuse(EBADF);
    if (this.offset >= this.inode.size) return END_OF_FILE;
    const end = Math.min(this.inode.size, this.offset + max);
    const data = this.inode.data.slice(this.offset, end);
    this.offset = end;
    return data;
  }

  override write(data: Uint8Array): number | Refusal {
    if (this.flags.write !== true && this.flags.append !== true) return refuse(EBADF);
    if (this.flags.append === true) this.offset = this.inode.size;
    this.inode.writeAt(this.offset, data);
    this.inode.mtime = this.proc.realtime();
    this.offset += data.length;
    this.proc.system.checkBytes();
    return data.length;
  }

  override unread(data: Uint8Array): boolean {
    this.offset -= data.length;
    return true;
  }

  seek(offset: number): void {
    this.offset = offset;
  }
}

/** A file of the kernel, read when it was opened. */
export class SnapshotFile extends OpenFile {
  private readonly data: Uint8Array;
  private offset = 0;

  get position(): number {
    return this.offset;
  }

  moveTo(offset: number): void {
    this.offset = offset;
  }

  constructor(path: string, data: Uint8Array) {
    super(path);
    this.data = data;
  }

  override get seekable(): boolean {
    return true;
  }

  override read(max: number): Uint8Array {
    const data = this.data.subarray(this.offset, this.offset + max);
    this.offset += data.length;
    return data;
  }

  override unread(data: Uint8Array): boolean {
    this.offset -= data.length;
    return true;
  }
}

/** A file of the kernel opened for writing: each write is handed over. */
export class WriteThroughFile extends OpenFile {
  private readonly sink: (text: string) => Ack;

  constructor(path: string, sink: (text: string) => Ack) {
    super(path);
    this.sink = sink;
  }

  override write(data: Uint8Array): number | Refusal {
    return this.sink(decode(data)) ?? data.length;
  }
}

export class DirectoryFile extends OpenFile {
  override read(): Refusal {
    return refuse(EISDIR);
  }
}

/** An open namespace: /proc/PID/ns/net, /run/netns/NAME. */
export class NsfsFile extends OpenFile {
  readonly ref: NetnsRef;

  constructor(path: string, ref: NetnsRef) {
    super(path);
    this.ref = ref;
  }

  override read(): Refusal {
    return refuse(EBADF);
  }
}
