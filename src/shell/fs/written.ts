/** The files that a run has written. */
import type { System } from '../process/system.ts';
import { FileInode, type Inode, MemoryDirectory } from './inode.ts';

export interface WrittenFile {
  /** Absolute path in the twin. */
  path: string;
  data: Uint8Array;
  mode: number;
}

export function writtenFiles(system: System): WrittenFile[] {
  const out: WrittenFile[] = [];
  const { mounts } = system.init;
  const visit = (inode: Inode, path: string) => {
    const mounted = mounts.on.get(inode)?.at(-1)?.root ?? inode;
    if (mounted instanceof FileInode) {
      if (mounted.dirty) out.push({ path, data: mounted.data.slice(), mode: mounted.mode });
    } else if (mounted instanceof MemoryDirectory) {
      for (const [name, child] of mounted.entries) visit(child, `${path}/${name}`);
    }
  };
  visit(system.vfs.root, '');
  return out;
}
