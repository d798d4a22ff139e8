/** A process without a kernel behind it, for programs that only read and print. */
import { ENOENT } from '../../../src/uapi/errno.ts';
import type { OutputStream, Process } from '../../../src/uapi/process.ts';
import { refuse } from '../../../src/uapi/result.ts';
import type { Rtnetlink } from '../../../src/uapi/rtnetlink.ts';

export interface Run {
  status: number;
  stdout: string;
  stderr: string;
}

/** Run `program` with `rtnl` as its rtnetlink socket and `files` as all the files there are. */
export async function runWith(
  program: (process: Process) => Promise<number>,
  argv: readonly string[],
  rtnl: Partial<Rtnetlink>,
  files: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const run: Run = { status: 0, stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr'): OutputStream => ({
    isTty: false,
    write: (data) => {
      run[name] += typeof data === 'string' ? data : new TextDecoder().decode(data);
    },
    flush: async () => {},
    setBuffering: () => {},
  });
  const names = Object.keys(files);
  const process = {
    argv,
    env: new Map(),
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    task: { rtnl, netns: { inode: 1 } },
    files: {
      readText: (path: string) => files[path] ?? refuse(ENOENT),
      stat: () => refuse(ENOENT),
      list: (path: string) => {
        const found = names.filter((name) => name.startsWith(`${path}/`)).map((name) => name.slice(path.length + 1));
        return found.length > 0 ? found : refuse(ENOENT);
      },
      openNetns: (path: string) => (path in files ? { inode: Number(files[path]) } : refuse(ENOENT)),
    },
  } as unknown as Process;
  run.status = await program(process);
  return run;
}
