/** Files and commands that an awk program reads from and writes to. */
import { isRefusal } from '../../uapi/result.ts';
import { concat, decode } from '../process/bytes.ts';
import { NullFile, type OpenFile } from '../process/open-file.ts';
import { openPipe } from '../process/pipe.ts';
import type { Proc } from '../process/proc.ts';
import { Output } from '../process/stdio.ts';
import { awkRegExp } from './awk-value.ts';

/** Records of an input, separated as RS says at the time each is read. */
export class RecordSource {
  private readonly proc: Proc;
  readonly file: OpenFile;
  private text = '';
  private pending: Uint8Array[] = [];
  private ended = false;

  constructor(proc: Proc, file: OpenFile) {
    this.proc = proc;
    this.file = file;
  }

  async next(separator: string): Promise<string | undefined> {
    for (;;) {
      const record = this.split(separator);
      if (record !== undefined) return record;
      if (this.ended) return undefined;
      const data = await this.proc.readFile(this.file);
      if (data.length === 0) {
        this.ended = true;
        this.absorb(new Uint8Array(0), true);
      } else this.absorb(data, false);
    }
  }

  /** Decode whole characters only. */
  private absorb(data: Uint8Array, last: boolean): void {
    this.pending.push(data);
    const bytes = concat(this.pending);
    let end = bytes.length;
    if (!last) while (end > 0 && end > bytes.length - 4 && bytes[end - 1]! >= 0x80) end--;
    this.text += decode(bytes.subarray(0, end));
    this.pending = end < bytes.length ? [bytes.subarray(end)] : [];
  }

  private split(separator: string): string | undefined {
    if (separator === '') return this.paragraph();
    const cut = this.find(separator);
    if (cut !== undefined) {
      const record = this.text.slice(0, cut.index);
      this.text = this.text.slice(cut.index + cut.length);
      return record;
    }
    if (!this.ended || this.text === '') return undefined;
    const record = this.text;
    this.text = '';
    return record;
  }

  private find(separator: string): { index: number; length: number } | undefined {
    if (separator.length === 1) {
      const index = this.text.indexOf(separator);
      return index < 0 ? undefined : { index, length: 1 };
    }
    const match = awkRegExp(separator).exec(this.text);
    if (match === null || (!this.ended && match.index + match[0].length === this.text.length)) return undefined;
    return { index: match.index, length: match[0].length };
  }

  /** RS = "": records are separated by empty lines. */
  private paragraph(): string | undefined {
    this.text = this.text.replace(/^\n+/, '');
    const match = /\n\n+/.exec(this.text);
    if (match !== null && (this.ended || match.index + match[0].length < this.text.length)) {
      const record = this.text.slice(0, match.index);
      this.text = this.text.slice(match.index + match[0].length);
      return record;
    }
    if (!this.ended || this.text === '') return undefined;
    const record = this.text.replace(/\n+$/, '');
    this.text = '';
    return record;
  }
}

interface Sink {
  output: Output;
  file: OpenFile | undefined;
  child: Proc | undefined;
}

export class AwkFiles {
  private readonly proc: Proc;
  private readonly sinks: Map<string, Sink> = new Map();
  private readonly sources: Map<string, { records: RecordSource; child: Proc | undefined }> = new Map();

  constructor(proc: Proc) {
    this.proc = proc;
  }

  /** Where `print > name` and `print | name` go; undefined when the file cannot be opened. */
  async sink(kind: '>' | '>>' | '|', name: string): Promise<Output | undefined> {
    const known = this.sinks.get(name);
    if (known !== undefined) return known.output;
    const { proc } = this;
    if (kind !== '|' && (name === '/dev/stdout' || name === '-')) return proc.stdout as Output;
    if (kind !== '|' && name === '/dev/stderr') return proc.stderr as Output;
    if (kind === '|') {
      await proc.stdout.flush();
      const pipe = openPipe(proc.system.scheduler, proc.system.nextPipe());
      const child = this.run(name, (each) => each.setFd(0, pipe.reader));
      const output = proc.tracked(new Output(proc, pipe.writer, 'full'));
      this.sinks.set(name, { output, file: pipe.writer, child });
      proc.atExit(() => pipe.writer.close());
      return output;
    }
    const append = kind === '>>';
    const file = await proc.open(name, { write: true, create: true, append, truncate: !append });
    if (isRefusal(file)) return undefined;
    const output = proc.tracked(new Output(proc, file, 'full'));
    this.sinks.set(name, { output, file, child: undefined });
    return output;
  }

  /** Records of a file or a command; undefined when it cannot be read. */
  async source(kind: 'file' | 'command', name: string): Promise<RecordSource | undefined> {
    const known = this.sources.get(name);
    if (known !== undefined) return known.records;
    const { proc } = this;
    if (kind === 'command') {
      await this.flush();
      const pipe = openPipe(proc.system.scheduler, proc.system.nextPipe());
      const child = this.run(name, (each) => each.setFd(1, pipe.writer));
      const records = new RecordSource(proc, pipe.reader);
      this.sources.set(name, { records, child });
      proc.atExit(() => pipe.reader.close());
      return records;
    }
    const file = name === '-' || name === '/dev/stdin' ? proc.fds[0] : await proc.open(name, { read: true });
    if (file === undefined || isRefusal(file)) return undefined;
    const records = new RecordSource(proc, file);
    this.sources.set(name, { records, child: undefined });
    return records;
  }

  /** close(): the status of a command, 0 for a file, -1 when nothing of that name is open. */
  async close(name: string): Promise<number> {
    let status = -1;
    const sink = this.sinks.get(name);
    if (sink !== undefined) {
      this.sinks.delete(name);
      await sink.output.flush();
      if (sink.child === undefined) this.proc.close(sink.file!);
      else sink.file!.close();
      status = await this.finish(sink.child);
    }
    const source = this.sources.get(name);
    if (source !== undefined) {
      this.sources.delete(name);
      if (source.child === undefined) this.proc.close(source.records.file);
      status = await this.finish(source.child);
    }
    return status;
  }

  private async finish(child: Proc | undefined): Promise<number> {
    if (child === undefined) return 0;
    await this.proc.waitFor(child);
    return child.exitSignal === 0 ? child.exitCode : child.exitSignal;
  }

  async flush(): Promise<void> {
    await this.proc.stdout.flush();
    for (const { output } of this.sinks.values()) await output.flush();
  }

  /** At the end: what was written goes out, and commands that read it may finish. */
  async closeAll(): Promise<void> {
    await this.proc.stdout.flush();
    for (const name of [...this.sinks.keys()]) await this.close(name);
  }

  async system(text: string): Promise<number> {
    await this.flush();
    const child = this.run(text, () => {});
    await this.proc.waitFor(child);
    return child.exitSignal === 0 ? child.exitCode : child.exitSignal;
  }

  private run(text: string, prepare: (child: Proc) => void): Proc {
    const { proc } = this;
    const child = proc.system.fork(proc);
    prepare(child);
    const shell = proc.system.findProgram(proc, '/bin/sh', proc.env);
    if (isRefusal(shell)) {
      child.setFd(0, new NullFile());
      proc.system.start(child, async () => 127);
    } else proc.system.runProgram(child, shell, ['sh', '-c', text], proc.env);
    return child;
  }
}
