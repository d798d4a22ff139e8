/** cat(1): passes on what comes as it comes. */
import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { DirectoryFile } from '../fs/regular-file.ts';
import type { OpenFile } from '../process/open-file.ts';
import type { Proc } from '../process/proc.ts';

export async function cat(proc: Proc): Promise<number> {
  const names = proc.argv.slice(1).filter((arg) => arg !== '-u' && arg !== '--');
  proc.stdout.setBuffering('none');
  let status = 0;
  for (const name of names.length === 0 ? ['-'] : names) {
    const opened = name === '-' ? proc.fds[0]?.dup() : await proc.system.vfs.open(proc, name, { read: true });
    if (opened === undefined || isRefusal(opened)) {
      proc.stderr.write(`cat: ${name}: ${strerror(opened?.errno ?? 9)}\n`);
      status = 1;
      continue;
    }
    if (opened instanceof DirectoryFile) {
      proc.stderr.write(`cat: ${name}: Is a directory\n`);
      status = 1;
      continue;
    }
    await copy(proc, opened);
    opened.close();
  }
  return status;
}

async function copy(proc: Proc, file: OpenFile): Promise<void> {
  for (let data = await proc.readFile(file); data.length > 0; data = await proc.readFile(file)) {
    proc.stdout.write(data);
    await proc.stdout.flush();
  }
}
