/** What a script prints, on its way to the host's streams. */
import type { Sink, StreamName } from '../lab/backend.ts';

/** As much is handed on at once, even if more is to come. */
const ENOUGH = 1 << 16;

export interface LiveOutput {
  sink: Sink;
  /** Hand on what waits: before anything else is printed. */
  flush(): void;
}

/**
 * Hands on together what is printed while the host gets no turn: to write to the host takes longer than most
 * commands of a lab. What goes to one stream never passes what went to the other before it.
 */
export function liveOutput(write: (stream: StreamName, data: Uint8Array) => void): LiveOutput {
  let waiting: Uint8Array[] = [];
  let size = 0;
  let current: StreamName = 'stdout';
  const flush = () => {
    if (size === 0) return;
    const data = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
    waiting = [];
    size = 0;
    write(current, data);
  };
  const sink: Sink = (stream, data) => {
    if (stream !== current) flush();
    current = stream;
    if (size === 0) setImmediate(flush);
    waiting.push(data);
    size += data.length;
    if (size >= ENOUGH) flush();
  };
  return { sink, flush };
}
