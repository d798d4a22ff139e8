/** Our file tree in the form in which the text utilities want one. */
import type { FsStat, IFileSystem } from '#just-bash';
import { EEXIST, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, strerror } from '../../uapi/errno.ts';
import type { Refusal } from '../../uapi/result.ts';
import { isRefusal } from '../../uapi/result.ts';
import { DirectoryInode, FifoInode, FileInode, type Inode, LinkInode, MemoryDirectory } from '../fs/inode.ts';
import { absolute } from '../fs/path.ts';
import { decode, encode } from '../process/bytes.ts';
import type { Proc } from '../process/proc.ts';

const CODES: Readonly<Record<number, string>> = {
  [ENOENT]: 'ENOENT: no such file or directory',
  [ENOTDIR]: 'ENOTDIR: not a directory',
  [EISDIR]: 'EISDIR: illegal operation on a directory',
  [EEXIST]: 'EEXIST: file already exists',
  [ENOTEMPTY]: 'ENOTEMPTY: directory not empty',
  1: 'EPERM: operation not permitted',
  13: 'EACCES: permission denied',
  16: 'EBUSY: resource busy or locked',
  30: 'EROFS: read-only file system',
};

/** An error as Node's file functions throw it, which is what the library understands. */
function fail(refusal: Refusal, call: string, path: string): never {
  const text = CODES[refusal.errno] ?? `EIO: ${strerror(refusal.errno)}`;
  throw Object.assign(new Error(`${text}, ${call} '${path}'`), { code: text.slice(0, text.indexOf(':')) });
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return text;
}

export { latin1 };

export class BridgeFs implements IFileSystem {
  private readonly proc: Proc;

  constructor(proc: Proc) {
    this.proc = proc;
  }

  private inode(path: string, call: string, follow = true): Inode {
    const found = this.proc.system.vfs.resolve(this.proc, path, follow);
    return isRefusal(found) ? fail(found, call, path) : found.inode;
  }

  private async bytes(path: string): Promise<Uint8Array> {
    const { proc } = this;
    const data = proc.system.vfs.readFile(proc, path);
    if (!isRefusal(data)) return data;
    const found = proc.system.vfs.resolve(proc, path);
    if (isRefusal(found) || found.inode instanceof DirectoryInode) fail(data, 'open', path);
    const file = await proc.open(path, { read: true });
    if (isRefusal(file)) fail(file, 'open', path);
    const chunks: number[] = [];
    for (let part = await proc.readFile(file); part.length > 0; part = await proc.readFile(file)) {
      for (const byte of part) chunks.push(byte);
    }
    proc.close(file);
    return Uint8Array.from(chunks);
  }

  async readFile(path: string): Promise<string> {
    return decode(await this.bytes(path));
  }

  async readFileBytes(path: string): Promise<string> {
    return latin1(await this.bytes(path));
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    return this.bytes(path);
  }

  async writeFile(path: string, content: string | Uint8Array, options?: unknown): Promise<void> {
    const refused = this.proc.system.vfs.writeFile(this.proc, path, contentBytes(content, options));
    if (refused !== undefined) fail(refused, 'open', path);
  }

  async appendFile(path: string, content: string | Uint8Array, options?: unknown): Promise<void> {
    const bytes = contentBytes(content, options);
    const refused = this.proc.system.vfs.writeFile(this.proc, path, bytes, { append: true });
    if (refused !== undefined) fail(refused, 'open', path);
  }

  async exists(path: string): Promise<boolean> {
    return !isRefusal(this.proc.system.vfs.resolve(this.proc, path));
  }

  async stat(path: string): Promise<FsStat> {
    return this.describe(this.inode(path, 'stat'));
  }

  async lstat(path: string): Promise<FsStat> {
    return this.describe(this.inode(path, 'lstat', false));
  }

  private describe(inode: Inode): FsStat {
    const ino = this.proc.system.vfs.number(inode);
    return {
      isFile: inode.kind !== 'd' && inode.kind !== 'l',
      isDirectory: inode.kind === 'd',
      isSymbolicLink: inode.kind === 'l',
      mode: inode.mode,
      size: inode.size,
      mtime: new Date(inode.mtime / 1e6),
      dev: 1,
      ino,
      identity: String(ino),
    };
  }

  async mkdir(path: string, options: { recursive?: boolean } = {}): Promise<void> {
    if (options.recursive === true) {
      let at = '';
      for (const part of absolute(this.proc.cwd, path).split('/').slice(1)) {
        at += `/${part}`;
        const refused = this.proc.system.vfs.mkdir(this.proc, at);
        if (refused !== undefined && refused.errno !== EEXIST) fail(refused, 'mkdir', path);
      }
      if (this.inode(path, 'mkdir').kind !== 'd') fail({ errno: EEXIST }, 'mkdir', path);
      return;
    }
    const refused = this.proc.system.vfs.mkdir(this.proc, path);
    if (refused !== undefined) fail(refused, 'mkdir', path);
  }

  async readdir(path: string): Promise<string[]> {
    const inode = this.inode(path, 'scandir');
    if (!(inode instanceof DirectoryInode)) fail({ errno: ENOTDIR }, 'scandir', path);
    return inode.list(this.proc).sort();
  }

  async readdirWithFileTypes(path: string) {
    const inode = this.inode(path, 'scandir');
    if (!(inode instanceof DirectoryInode)) fail({ errno: ENOTDIR }, 'scandir', path);
    return inode
      .list(this.proc)
      .sort()
      .map((name) => {
        const kind = inode.lookup(name, this.proc)?.kind;
        return { name, isFile: kind !== 'd' && kind !== 'l', isDirectory: kind === 'd', isSymbolicLink: kind === 'l' };
      });
  }

  async rm(path: string, options: { recursive?: boolean; force?: boolean } = {}): Promise<void> {
    const { proc } = this;
    const found = proc.system.vfs.resolve(proc, path, false);
    if (isRefusal(found)) {
      if (options.force === true) return;
      fail(found, 'rm', path);
    }
    if (found.inode instanceof DirectoryInode) {
      const names = found.inode.list(proc);
      if (names.length > 0 && options.recursive !== true) fail({ errno: ENOTEMPTY }, 'rm', path);
      for (const name of names) await this.rm(`${path}/${name}`, options);
      const refused = found.parent.remove(found.name);
      if (refused !== undefined) fail(refused, 'rm', path);
      return;
    }
    const refused = proc.system.vfs.unlink(proc, path);
    if (refused !== undefined) fail(refused, 'rm', path);
  }

  async cp(from: string, to: string, options: { recursive?: boolean } = {}): Promise<void> {
    const inode = this.inode(from, 'cp');
    if (inode instanceof DirectoryInode) {
      if (options.recursive !== true) fail({ errno: EISDIR }, 'cp', from);
      if (!(await this.exists(to))) await this.mkdir(to);
      for (const name of inode.list(this.proc)) await this.cp(`${from}/${name}`, `${to}/${name}`, options);
      return;
    }
    const existed = await this.exists(to);
    await this.writeFile(to, await this.bytes(from));
    if (!existed) await this.chmod(to, inode.mode & ~this.proc.umask);
  }

  async mv(from: string, to: string): Promise<void> {
    const { vfs } = this.proc.system;
    const source = vfs.resolve(this.proc, from, false);
    if (isRefusal(source)) fail(source, 'mv', from);
    const target = vfs.walk(this.proc, to, false);
    if (isRefusal(target)) fail(target, 'mv', to);
    if (source.mount !== undefined) fail({ errno: 16 }, 'mv', from);
    if (target.inode instanceof FileInode && target.inode !== source.inode) target.inode.forget();
    if (source.inode instanceof FileInode) source.inode.dirty = true;
    const refused = source.parent.remove(source.name) ?? target.parent.insert(target.name, source.inode);
    if (refused !== undefined) fail(refused, 'mv', to);
  }

  resolvePath(base: string, path: string): string {
    return absolute(base, path);
  }

  getAllPaths(): string[] {
    return [];
  }

  async chmod(path: string, mode: number): Promise<void> {
    this.inode(path, 'chmod').mode = mode & 0o7777;
  }

  async symlink(target: string, path: string): Promise<void> {
    this.insert(path, new LinkInode(target), 'symlink');
  }

  async link(existing: string, path: string): Promise<void> {
    const inode = this.inode(existing, 'link', false);
    if (inode instanceof MemoryDirectory) fail({ errno: 1 }, 'link', existing);
    inode.nlink++;
    this.insert(path, inode, 'link');
  }

  private insert(path: string, inode: Inode, call: string): void {
    const place = this.proc.system.vfs.walk(this.proc, path, false);
    if (isRefusal(place)) fail(place, call, path);
    if (place.inode !== undefined) fail({ errno: EEXIST }, call, path);
    inode.mtime = this.proc.realtime();
    const refused = place.parent.insert(place.name, inode);
    if (refused !== undefined) fail(refused, call, path);
  }

  async readlink(path: string): Promise<string> {
    const inode = this.inode(path, 'readlink', false);
    if (!(inode instanceof LinkInode)) fail({ errno: 22 }, 'readlink', path);
    return inode.target(this.proc);
  }

  async realpath(path: string): Promise<string> {
    const found = this.proc.system.vfs.resolve(this.proc, path);
    return isRefusal(found) ? fail(found, 'realpath', path) : found.path;
  }

  async utimes(path: string, _atime: Date, mtime: Date): Promise<void> {
    const inode = this.inode(path, 'utimes');
    inode.mtime = mtime.getTime() * 1e6;
    if (inode instanceof FifoInode) inode.mtime = this.proc.realtime();
  }
}

function contentBytes(content: string | Uint8Array, options: unknown): Uint8Array {
  if (typeof content !== 'string') return content;
  const encoding = typeof options === 'string' ? options : (options as { encoding?: string } | undefined)?.encoding;
  if (encoding !== 'binary' && encoding !== 'latin1') return encode(content);
  const out = new Uint8Array(content.length);
  for (let i = 0; i < out.length; i++) out[i] = content.charCodeAt(i);
  return out;
}
