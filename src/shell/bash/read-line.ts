/** Reading one line from a descriptor, leaving what follows for others. */
import { isRefusal } from '../../uapi/result.ts';
import { concat, decode } from '../process/bytes.ts';
import type { Shell } from './shell.ts';

export interface Line {
  text: string;
  /** The delimiter was found. */
  ended: boolean;
  /** The time limit passed first. */
  timedOut: boolean;
  /** A trapped signal came first: its number. */
  signal: number;
}

export interface ReadOptions {
  delimiter?: string;
  /** At most so many characters; with `exact` the delimiter does not matter. */
  count?: number;
  exact?: boolean;
  /** Point of virtual time at which to give up. */
  deadline?: number;
}

/** Read up to a delimiter, a count, the end of the file or a time limit. */
export async function readLine(sh: Shell, fd: number, options: ReadOptions = {}): Promise<Line> {
  const file = sh.proc.fds[fd];
  const none = { text: '', ended: false, timedOut: false, signal: 0 };
  if (file === undefined) return none;
  const { proc, system } = sh;
  const delimiter = (options.delimiter ?? '\n').charCodeAt(0) || 0;
  const { count, deadline } = options;
  const chunks: Uint8Array[] = [];
  let size = 0;
  let expired = false;
  const timer =
    deadline === undefined
      ? undefined
      : system.queue.after(deadline - proc.now(), 'read -t', () => {
          expired = true;
          system.scheduler.wake(proc);
        });
  try {
    for (;;) {
      const data = file.read(4096);
      if (data === undefined) {
        if (expired) return { ...none, text: decode(concat(chunks)), timedOut: true };
        const signal = sh.pendingTraps.find((each) => each !== 17);
        if (signal !== undefined) return { ...none, text: decode(concat(chunks)), signal };
        file.readers.add(proc);
        await proc.block();
        continue;
      }
      if (isRefusal(data) || data.length === 0) return { ...none, text: decode(concat(chunks)) };
      const end = options.exact === true ? -1 : data.indexOf(delimiter);
      const upTo = end < 0 ? data.length : end;
      if (count !== undefined) {
        const taken = take(chunks, size, data.subarray(0, upTo), count);
        if (taken !== undefined) {
          file.unread(data.subarray(taken));
          return { ...none, text: decode(concat(chunks)), ended: true };
        }
      }
      if (end >= 0) {
        if (count === undefined) chunks.push(data.subarray(0, end));
        file.unread(data.subarray(end + 1));
        return { ...none, text: decode(concat(chunks)), ended: true };
      }
      if (count === undefined) chunks.push(data);
      size += data.length;
    }
  } finally {
    timer?.cancel();
  }
}

/** Add bytes up to `count` characters. How many bytes were taken, once that many characters are there. */
function take(chunks: Uint8Array[], _size: number, data: Uint8Array, count: number): number | undefined {
  const before = [...decode(concat(chunks))].length;
  let characters = before;
  for (let i = 0; i < data.length; i++) {
    const lead = (data[i]! & 0xc0) !== 0x80;
    if (lead && characters === count) {
      chunks.push(data.subarray(0, i));
      return i;
    }
    if (lead) characters++;
  }
  chunks.push(data);
  if (characters < count) return undefined;
  return data.length;
}
