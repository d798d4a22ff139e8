/** The C library's stdio over descriptors: what programs read and write through. */
import { EPIPE } from '../../uapi/errno.ts';
import type { InputStream, OutputStream } from '../../uapi/process.ts';
import { isRefusal } from '../../uapi/result.ts';
import { concat, decode, encode } from './bytes.ts';
import type { OpenFile } from './open-file.ts';
import type { Proc } from './proc.ts';
import { SIGPIPE } from './signals.ts';

/** BUFSIZ of glibc for pipes and files: st_blksize. */
const BLOCK = 4096;
const NEWLINE = 10;

export class Output implements OutputStream {
  readonly isTty: boolean;
  private readonly proc: Proc;
  private readonly file: OpenFile;
  private mode: 'full' | 'line' | 'none';
  private chunks: Uint8Array[] = [];
  private size = 0;
  /** The reader is gone and SIGPIPE is ignored: what is written is lost. */
  failed = false;

  constructor(proc: Proc, file: OpenFile, mode?: 'full' | 'line' | 'none') {
    this.proc = proc;
    this.file = file;
    this.isTty = file.isTty;
    this.mode = mode ?? (file.isTty ? 'line' : 'full');
  }

  write(data: string | Uint8Array): void {
    const bytes = typeof data === 'string' ? encode(data) : data;
    if (bytes.length === 0) return;
    this.chunks.push(bytes);
    this.size += bytes.length;
    if (this.mode === 'none') this.push(this.size);
    else if (this.mode === 'line') this.pushLines(bytes);
    else if (this.size > BLOCK) this.push(this.size - (this.size % BLOCK));
  }

  setBuffering(mode: 'full' | 'line' | 'none'): void {
    this.mode = mode;
  }

  async flush(): Promise<void> {
    while (this.size > 0 && !this.push(this.size)) {
      this.file.writers.add(this.proc);
      await this.proc.block();
    }
  }

  /** Flush without waiting; what a full pipe does not take stays. */
  flushNow(): boolean {
    return this.push(this.size);
  }

  /** Whether a full pipe holds up what should be out by now. */
  get backlog(): boolean {
    return this.size > 0 && (this.mode !== 'full' || this.size > BLOCK);
  }

  private pushLines(bytes: Uint8Array): void {
    const last = bytes.lastIndexOf(NEWLINE);
    if (last >= 0) this.push(this.size - (bytes.length - 1 - last));
    else if (this.size > BLOCK) this.push(this.size);
  }

  /** Hand over the first `count` bytes of the buffer. False if some did not fit. */
  private push(count: number): boolean {
    if (count === 0) return true;
    if (this.file.full) return false;
    const data = concat(this.chunks);
    const taken = this.file.write(count === data.length ? data : data.subarray(0, count));
    if (isRefusal(taken)) {
      this.chunks = [];
      this.size = 0;
      this.failed = true;
      if (taken.errno === EPIPE) this.proc.raise(SIGPIPE);
      if (this.proc.fatal !== undefined) throw this.proc.fatal;
      return true;
    }
    this.chunks = taken === data.length ? [] : [data.subarray(taken)];
    this.size = data.length - taken;
    return taken === count;
  }
}

export class Input implements InputStream {
  readonly isTty: boolean;
  onReadable: (() => void) | undefined = undefined;
  private readonly proc: Proc;
  private readonly file: OpenFile;
  private pending: Uint8Array | undefined = undefined;

  constructor(proc: Proc, file: OpenFile) {
    this.proc = proc;
    this.file = file;
    this.isTty = file.isTty;
  }

  get readable(): boolean {
    return this.pending !== undefined || this.file.readable;
  }

  /** Arrange for `onReadable`; poll calls it. */
  watch(): void {
    this.file.onReadable = () => this.onReadable?.();
  }

  async read(max = 65536): Promise<Uint8Array> {
    const pending = this.pending;
    if (pending !== undefined) {
      this.pending = pending.length > max ? pending.subarray(max) : undefined;
      return pending.length > max ? pending.subarray(0, max) : pending;
    }
    return this.proc.readFile(this.file, max);
  }

  async readLine(): Promise<string | undefined> {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const data = await this.read();
      if (data.length === 0) return chunks.length === 0 ? undefined : decode(concat(chunks));
      const end = data.indexOf(NEWLINE);
      if (end < 0) {
        chunks.push(data);
        continue;
      }
      chunks.push(data.subarray(0, end));
      if (end + 1 < data.length) this.pending = data.subarray(end + 1);
      return decode(concat(chunks));
    }
  }

  async readAll(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const data = await this.read();
      if (data.length === 0) return concat(chunks);
      chunks.push(data);
    }
  }
}
