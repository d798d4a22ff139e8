/** The file interface that programs get. */
import { EINVAL, ENXIO } from '../../uapi/errno.ts';
import type { NetnsRef } from '../../uapi/netns.ts';
import type { Files, OutputStream } from '../../uapi/process.ts';
import type { Ack, Refusal } from '../../uapi/result.ts';
import { isRefusal, refuse } from '../../uapi/result.ts';
import type { FileStat } from '../../uapi/task.ts';
import { decode, encode } from '../process/bytes.ts';
import type { Proc } from '../process/proc.ts';
import { Output } from '../process/stdio.ts';
import { DirectoryInode, LinkInode, NsfsInode } from './inode.ts';

export class ProcFiles implements Files {
  private readonly proc: Proc;

  constructor(proc: Proc) {
    this.proc = proc;
  }

  read(path: string): Uint8Array | Refusal {
    return this.proc.system.vfs.readFile(this.proc, path);
  }

  readText(path: string): string | Refusal {
    const data = this.read(path);
    return isRefusal(data) ? data : decode(data);
  }

  write(path: string, data: Uint8Array | string, options: { append?: boolean; exclusive?: boolean } = {}): Ack {
    const bytes = typeof data === 'string' ? encode(data) : data;
    return this.proc.system.vfs.writeFile(this.proc, path, bytes, options);
  }

  list(path: string): string[] | Refusal {
    const found = this.proc.system.vfs.resolve(this.proc, path);
    if (isRefusal(found)) return found;
    return found.inode instanceof DirectoryInode ? found.inode.list(this.proc) : refuse(20);
  }

  stat(path: string): FileStat | Refusal {
    const found = this.proc.system.vfs.resolve(this.proc, path, false);
    if (isRefusal(found)) return found;
    const { inode } = found;
    const mode = inode.mode & 0o7777;
    if (inode instanceof LinkInode) return { kind: 'link', mode, target: inode.target(this.proc) };
    return { kind: inode.kind === 'd' ? 'directory' : 'file', mode };
  }

  mkdir(path: string): Ack {
    return this.proc.system.vfs.mkdir(this.proc, path);
  }

  unlink(path: string): Ack {
    return this.proc.system.vfs.unlink(this.proc, path);
  }

  openWrite(path: string): OutputStream | Refusal {
    const file = this.proc.system.vfs.open(this.proc, path, { write: true, create: true, truncate: true });
    if (file instanceof Promise) return refuse(ENXIO);
    if (isRefusal(file)) return file;
    this.proc.atExit(() => file.close());
    return this.proc.tracked(new Output(this.proc, file, 'full'));
  }

  openNetns(path: string): NetnsRef | Refusal {
    const found = this.proc.system.vfs.resolve(this.proc, path);
    if (isRefusal(found)) return found;
    return found.inode instanceof NsfsInode ? found.inode.ref : refuse(EINVAL);
  }

  bindNetns(path: string, ref?: NetnsRef): Ack {
    const root = new NsfsInode(ref ?? this.proc.task.netns);
    return this.proc.system.vfs.mount(this.proc, path, root, { source: 'nsfs', type: 'nsfs', options: 'rw' });
  }

  unmount(path: string): Ack {
    return this.proc.system.vfs.unmount(this.proc, path);
  }
}
