/** The lab's own folder: read from the host on demand, written to in memory. */
import type { Inode, Usage } from './inode.ts';
import { LinkInode, MemoryDirectory, SourceFile } from './inode.ts';

/** What the host knows about a path. */
export interface SourceEntry {
  name: string;
  kind: 'file' | 'directory' | 'link';
  /** Permission bits. */
  mode: number;
  size: number;
  /** Target of a link. */
  target?: string;
}

/** A folder of the host, read only. Paths are relative to the folder, with `/`, and empty for itself. */
export interface FolderSource {
  list(path: string): readonly SourceEntry[];
  read(path: string): Uint8Array;
}

export class SourceDirectory extends MemoryDirectory {
  private readonly source: FolderSource;
  private readonly path: string;
  private readonly usage: Usage;
  private filled = false;

  constructor(usage: Usage, source: FolderSource, path: string, mode = 0o755) {
    super(mode);
    this.usage = usage;
    this.source = source;
    this.path = path;
  }

  override lookup(name: string): Inode | undefined {
    this.fill();
    return super.lookup(name);
  }

  override list(): string[] {
    this.fill();
    return super.list();
  }

  private fill(): void {
    if (this.filled) return;
    this.filled = true;
    for (const entry of this.source.list(this.path)) {
      const path = this.path === '' ? entry.name : `${this.path}/${entry.name}`;
      if (!this.entries.has(entry.name)) this.insert(entry.name, this.inode(entry, path));
    }
  }

  private inode({ kind, mode, size, target }: SourceEntry, path: string): Inode {
    if (kind === 'directory') return new SourceDirectory(this.usage, this.source, path, mode);
    if (kind === 'link') return new LinkInode(target ?? '');
    return new SourceFile(this.usage, mode, size, () => this.source.read(path));
  }
}
