/** Open file descriptions (struct file): what descriptors of processes point to. */
import { EBADF } from '../../uapi/errno.ts';
import type { Refusal } from '../../uapi/result.ts';
import { refuse } from '../../uapi/result.ts';
import type { Scheduler } from './scheduler.ts';
import { WaitQueue } from './scheduler.ts';

export const END_OF_FILE = new Uint8Array(0);

export abstract class OpenFile {
  /** Descriptors that point here. */
  private references = 1;
  /** As /proc/PID/fd shows it. */
  readonly path: string;
  readonly isTty: boolean = false;
  /** Threads waiting to read or to write. */
  readonly readers: WaitQueue = new WaitQueue();
  readonly writers: WaitQueue = new WaitQueue();
  /** Called when there is something to read: `poll` sets it. */
  onReadable: (() => void) | undefined = undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** At most `max` bytes; an empty array at the end of the file; undefined if the reader must wait. */
  read(_max: number): Uint8Array | Refusal | undefined {
    return refuse(EBADF);
  }

  /** How many bytes were taken; fewer than given, or 0, if the writer must wait for the rest. */
  write(_data: Uint8Array): number | Refusal {
    return refuse(EBADF);
  }

  /** Whether `write` would take nothing now. */
  get full(): boolean {
    return false;
  }

  /** Whether `read` would not wait. */
  get readable(): boolean {
    return true;
  }

  /** Put back bytes that were read too far; false where that cannot be (a pipe), as with lseek(). */
  unread(_data: Uint8Array): boolean {
    return false;
  }

  /** Whether it shows how bash's standard output is cut: line by line. */
  get lineBuffered(): boolean {
    return false;
  }

  /** Whether reading byte by byte is needed to leave the rest to others: pipes and terminals. */
  get seekable(): boolean {
    return false;
  }

  dup(): this {
    this.references++;
    return this;
  }

  close(): void {
    if (--this.references === 0) this.release();
  }

  protected release(): void {}
}

/** /dev/null, /dev/zero, /dev/full. */
export class NullFile extends OpenFile {
  private readonly zero: boolean;

  constructor(path = '/dev/null') {
    super(path);
    this.zero = path === '/dev/zero';
  }

  override read(max: number): Uint8Array {
    return this.zero ? new Uint8Array(Math.min(max, 4096)) : END_OF_FILE;
  }

  override write(data: Uint8Array): number {
    return data.length;
  }
}

/** /dev/urandom: bytes of the run's seed. */
export class RandomFile extends OpenFile {
  private readonly random: () => number;

  constructor(path: string, random: () => number) {
    super(path);
    this.random = random;
  }

  override read(max: number): Uint8Array {
    const out = new Uint8Array(Math.min(max, 4096));
    for (let i = 0; i < out.length; i++) out[i] = this.random() >>> 24;
    return out;
  }

  override write(data: Uint8Array): number {
    return data.length;
  }
}

/** Standard output or error of a run: the bytes go to the host at once. */
export class HostOutput extends OpenFile {
  override readonly isTty: boolean;
  private readonly sink: (data: Uint8Array) => void;

  constructor(path: string, isTty: boolean, sink: (data: Uint8Array) => void) {
    super(path);
    this.isTty = isTty;
    this.sink = sink;
  }

  override write(data: Uint8Array): number {
    if (data.length > 0) this.sink(data);
    return data.length;
  }
}

/** Standard input of a run that the host fills while it goes on: a terminal. */
export class HostInput extends OpenFile {
  override readonly isTty: boolean;
  private readonly scheduler: Scheduler;
  private chunks: Uint8Array[] = [];
  private ended = false;
  private waiting = false;

  constructor(scheduler: Scheduler, isTty: boolean) {
    super(isTty ? '/dev/pts/0' : 'pipe:[0]');
    this.scheduler = scheduler;
    this.isTty = isTty;
  }

  /** From the host: bytes were typed. */
  push(data: Uint8Array): void {
    if (data.length > 0) this.chunks.push(data);
    this.notify();
  }

  /** From the host: end of input. On a terminal reading may go on after it (Ctrl-D). */
  end(): void {
    this.ended = true;
    this.notify();
  }

  private notify(): void {
    if (this.waiting) {
      this.waiting = false;
      this.scheduler.external--;
    }
    this.readers.wake(this.scheduler);
    this.onReadable?.();
    this.scheduler.kick();
  }

  override get readable(): boolean {
    const ready = this.chunks.length > 0 || this.ended;
    if (!ready && !this.waiting) {
      this.waiting = true;
      this.scheduler.external++;
    }
    return ready;
  }

  override read(max: number): Uint8Array | undefined {
    if (!this.readable) return undefined;
    const chunk = this.chunks[0];
    if (chunk === undefined) {
      if (this.isTty) this.ended = false;
      return END_OF_FILE;
    }
    if (chunk.length <= max) {
      this.chunks.shift();
      return chunk;
    }
    this.chunks[0] = chunk.subarray(max);
    return chunk.subarray(0, max);
  }

  override unread(data: Uint8Array): boolean {
    if (data.length > 0) this.chunks.unshift(data);
    return true;
  }
}
