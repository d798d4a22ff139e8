/** pipe(7): 64 KiB between a read end and a write end, and fifos. */
import { EPIPE } from '../../uapi/errno.ts';
import type { Refusal } from '../../uapi/result.ts';
import { refuse } from '../../uapi/result.ts';
import { END_OF_FILE, OpenFile } from './open-file.ts';
import type { Scheduler } from './scheduler.ts';
import { WaitQueue } from './scheduler.ts';

const CAPACITY = 65536;

/** What the two ends share. */
export class Pipe {
  readonly scheduler: Scheduler;
  readonly chunks: Uint8Array[] = [];
  size = 0;
  readEnds = 0;
  writeEnds = 0;
  readonly readers: WaitQueue = new WaitQueue();
  readonly writers: WaitQueue = new WaitQueue();
  /** Threads waiting for the other end of a fifo to be opened. */
  readonly openers: WaitQueue = new WaitQueue();
  /** How often each end has been opened. */
  readonly opened: { readers: number; writers: number } = { readers: 0, writers: 0 };
  readonly pollers: Set<PipeReader> = new Set();

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  changed(): void {
    this.readers.wake(this.scheduler);
    for (const reader of this.pollers) reader.onReadable?.();
  }
}

export class PipeReader extends OpenFile {
  override readonly readers: WaitQueue;
  private readonly pipe: Pipe;

  constructor(pipe: Pipe, path: string) {
    super(path);
    this.pipe = pipe;
    this.readers = pipe.readers;
    pipe.readEnds++;
    pipe.pollers.add(this);
  }

  override get readable(): boolean {
    return this.pipe.size > 0 || this.pipe.writeEnds === 0;
  }

  override read(max: number): Uint8Array | undefined {
    const pipe = this.pipe;
    if (pipe.size === 0) return pipe.writeEnds === 0 ? END_OF_FILE : undefined;
    if (max === 0) return END_OF_FILE;
    const chunk = pipe.chunks[0]!;
    const data = chunk.length <= max ? chunk : chunk.subarray(0, max);
    if (data === chunk) pipe.chunks.shift();
    else pipe.chunks[0] = chunk.subarray(max);
    pipe.size -= data.length;
    pipe.writers.wake(pipe.scheduler);
    return data;
  }

  /** For readers inside the shell only, which on Linux read pipes byte by byte. */
  override unread(data: Uint8Array): boolean {
    if (data.length > 0) {
      this.pipe.chunks.unshift(data);
      this.pipe.size += data.length;
    }
    return true;
  }

  protected override release(): void {
    this.pipe.readEnds--;
    this.pipe.pollers.delete(this);
    this.pipe.writers.wake(this.pipe.scheduler);
  }
}

export class PipeWriter extends OpenFile {
  override readonly writers: WaitQueue;
  private readonly pipe: Pipe;

  constructor(pipe: Pipe, path: string) {
    super(path);
    this.pipe = pipe;
    this.writers = pipe.writers;
    pipe.writeEnds++;
  }

  override get full(): boolean {
    return this.pipe.readEnds > 0 && this.pipe.size >= CAPACITY;
  }

  override write(data: Uint8Array): number | Refusal {
    const pipe = this.pipe;
    if (pipe.readEnds === 0) return refuse(EPIPE);
    const room = CAPACITY - pipe.size;
    if (room <= 0) return 0;
    const taken = data.length <= room ? data : data.subarray(0, room);
    if (taken.length > 0) {
      pipe.chunks.push(taken);
      pipe.size += taken.length;
      pipe.changed();
    }
    return taken.length;
  }

  protected override release(): void {
    if (--this.pipe.writeEnds === 0) this.pipe.changed();
  }
}

/** pipe(2). */
export function openPipe(scheduler: Scheduler, ino: number): { reader: PipeReader; writer: PipeWriter } {
  const pipe = new Pipe(scheduler);
  const path = `pipe:[${ino}]`;
  return { reader: new PipeReader(pipe, path), writer: new PipeWriter(pipe, path) };
}
