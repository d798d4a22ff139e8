/** Lines of a file, taken one by one as they come. */
import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { DirectoryFile } from '../fs/regular-file.ts';
import { concat, decode } from '../process/bytes.ts';
import type { OpenFile } from '../process/open-file.ts';
import type { Proc } from '../process/proc.ts';

const EMPTY = new Uint8Array(0);

export class LineSource {
  private readonly proc: Proc;
  readonly file: OpenFile;
  private readonly end: number;
  private buffer: Uint8Array = EMPTY;
  private at = 0;
  private ended = false;
  /** The line taken last had its newline. */
  complete = true;

  constructor(proc: Proc, file: OpenFile, end = 10) {
    this.proc = proc;
    this.file = file;
    this.end = end;
  }

  /** A line that is there already; undefined when more must be read first, or at the end. */
  take(): string | undefined {
    const found = this.buffer.indexOf(this.end, this.at);
    if (found >= 0) {
      const line = decode(this.buffer.subarray(this.at, found));
      this.at = found + 1;
      this.complete = true;
      return line;
    }
    if (!this.ended || this.at >= this.buffer.length) return undefined;
    const line = decode(this.buffer.subarray(this.at));
    this.at = this.buffer.length;
    this.complete = false;
    return line;
  }

  /** The next line, waiting for it; undefined at the end. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const line = this.take();
      if (line !== undefined) return line;
      if (this.ended) return undefined;
      await this.fill();
    }
  }

  private async fill(): Promise<void> {
    const data = await this.proc.readFile(this.file);
    if (data.length === 0) this.ended = true;
    else if (this.at >= this.buffer.length) this.buffer = data;
    else this.buffer = concat([this.buffer.subarray(this.at), data]);
    if (data.length > 0) this.at = 0;
  }

  /** Give what was read too far back to the file, where that can be. */
  giveBack(): void {
    if (this.file.seekable && this.at < this.buffer.length) this.file.unread(this.buffer.subarray(this.at));
  }
}

/** Open an input by name, `-` being standard input; undefined after a message made by `words`. */
export async function openInput(
  proc: Proc,
  name: string,
  words: (name: string, reason: string) => string = (each, reason) => `${each}: ${reason}`,
): Promise<OpenFile | undefined> {
  const program = proc.argv[0]!;
  const file = name === '-' ? proc.fds[0] : await proc.open(name, { read: true });
  if (file === undefined || isRefusal(file)) {
    proc.stderr.write(`${program}: ${words(name, strerror(file?.errno ?? 9))}\n`);
    return undefined;
  }
  if (file instanceof DirectoryFile) {
    proc.stderr.write(`${program}: ${name}: Is a directory\n`);
    return undefined;
  }
  return file;
}

/** Everything that several inputs hold, as lines without their newlines; `status` counts what cannot be read. */
export async function allLines(
  proc: Proc,
  names: readonly string[],
  end = 10,
  words?: (name: string, reason: string) => string,
): Promise<{ lines: string[]; failed: boolean }> {
  const lines: string[] = [];
  let failed = false;
  for (const name of names.length === 0 ? ['-'] : names) {
    const file = await openInput(proc, name, words);
    if (file === undefined) {
      failed = true;
      continue;
    }
    const source = new LineSource(proc, file, end);
    for (let line = await source.next(); line !== undefined; line = await source.next()) lines.push(line);
    proc.close(file);
  }
  return { lines, failed };
}
