/** A machine without a network: what processes need and no more, for tests of the process layer. */

import { type FolderSource, Session, type SessionOptions, type Stop } from '../../src/shell/session.ts';
import { EventQueue } from '../../src/sim/queue.ts';
import { Random } from '../../src/sim/random.ts';
import { EINVAL, ENOENT } from '../../src/uapi/errno.ts';
import type { NetnsRef } from '../../src/uapi/netns.ts';
import type { Program } from '../../src/uapi/process.ts';
import { refuse } from '../../src/uapi/result.ts';
import type { Machine, Task } from '../../src/uapi/task.ts';

class BareTask implements Partial<Task> {
  readonly pid: number;
  netns: NetnsRef;
  private readonly machine: BareMachine;
  readonly files = {
    read: () => refuse(ENOENT),
    write: () => refuse(ENOENT),
    list: () => refuse(ENOENT),
    stat: () => refuse(ENOENT),
  };

  constructor(machine: BareMachine, pid: number, netns: NetnsRef) {
    this.machine = machine;
    this.pid = pid;
    this.netns = netns;
    this.machine.hold(netns);
  }

  setns(target: NetnsRef): undefined {
    this.machine.hold(target);
    this.machine.release(this.netns);
    this.netns = target;
    return undefined;
  }

  unshareNet(): undefined {
    return this.setns(this.machine.newNetns());
  }

  fork(pid: number): Task {
    return new BareTask(this.machine, pid, this.netns) as unknown as Task;
  }

  exit(): void {
    this.machine.release(this.netns);
  }

  socket() {
    return refuse(EINVAL);
  }
}

export class BareMachine implements Machine {
  readonly queue: EventQueue = new EventQueue();
  readonly bootTime = 1_700_000_000_000_000_000;
  readonly hostname = 'debian';
  readonly osRelease = '6.18.0';
  /** Holders of each namespace by its inode number. */
  readonly holders: Map<number, number> = new Map();
  private readonly rng: Random;
  private lastNetns = 4026531840;

  constructor(seed = 1) {
    this.rng = new Random(seed);
  }

  now(): number {
    return this.queue.now;
  }

  init(pid: number): Task {
    return new BareTask(this, pid, { inode: this.lastNetns }) as unknown as Task;
  }

  newNetns(): NetnsRef {
    return { inode: ++this.lastNetns };
  }

  hold(ref: NetnsRef): void {
    this.holders.set(ref.inode, (this.holders.get(ref.inode) ?? 0) + 1);
  }

  release(ref: NetnsRef): void {
    const left = (this.holders.get(ref.inode) ?? 0) - 1;
    if (left <= 0) this.holders.delete(ref.inode);
    else this.holders.set(ref.inode, left);
  }

  random(): number {
    return this.rng.u32();
  }
}

export interface Ran {
  stdout: string;
  stderr: string;
  status: number;
  stopped: Stop | undefined;
  /** Seconds of virtual time. */
  seconds: number;
  session: Session;
  machine: BareMachine;
}

/** A folder of the host with these files. */
export function folderOf(files: Readonly<Record<string, string>>): FolderSource {
  const encoder = new TextEncoder();
  return {
    list: (path) =>
      path !== ''
        ? []
        : Object.entries(files).map(([name, text]) => ({
            name,
            kind: 'file',
            mode: 0o644,
            size: encoder.encode(text).length,
          })),
    read: (path) => encoder.encode(files[path]),
  };
}

/** A session whose output is collected. */
export function openSession(options: SessionOptions & { programs?: ReadonlyMap<string, Program> } = {}) {
  const machine = new BareMachine();
  const decoder = () => new TextDecoder();
  const output = { stdout: '', stderr: '', both: '' };
  const out = decoder();
  const err = decoder();
  const session = new Session(machine, machine.queue, {
    ...options,
    onStdout: (data) => {
      const text = out.decode(data, { stream: true });
      output.stdout += text;
      output.both += text;
    },
    onStderr: (data) => {
      const text = err.decode(data, { stream: true });
      output.stderr += text;
      output.both += text;
    },
  });
  return { session, machine, output };
}

/** Run a script on a fresh machine. */
export async function runScript(
  script: string,
  options: SessionOptions & { name?: string; args?: readonly string[] } = {},
): Promise<Ran> {
  const { session, machine, output } = openSession(options);
  const { status, stopped } = await session.run(script, {
    name: options.name ?? 'x.sh',
    args: options.args ?? [],
  });
  const seconds = machine.queue.now / 1e9;
  await session.close();
  return { ...output, status, stopped, seconds, session, machine };
}
