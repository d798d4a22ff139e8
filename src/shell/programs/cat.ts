/** cat(1): passes on what comes as it comes. */
import { EBADF, strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { DirectoryFile } from '../fs/regular-file.ts';
import type { OpenFile } from '../process/open-file.ts';
import type { Proc } from '../process/proc.ts';
import { readOptions } from './options.ts';

interface Marks {
  number: boolean;
  numberNonBlank: boolean;
  squeeze: boolean;
  ends: boolean;
  tabs: boolean;
  unprintable: boolean;
}

export async function cat(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'AbeEnstTuv', [
    { name: 'show-all', value: 'A' },
    { name: 'number-nonblank', value: 'b' },
    { name: 'show-ends', value: 'E' },
    { name: 'number', value: 'n' },
    { name: 'squeeze-blank', value: 's' },
    { name: 'show-tabs', value: 'T' },
    { name: 'show-nonprinting', value: 'v' },
  ]);
  if (given === undefined) return 1;
  const has = (letters: string) => [...letters].some((letter) => given.flags.has(letter));
  const marks: Marks = {
    number: has('n'),
    numberNonBlank: has('b'),
    squeeze: has('s'),
    ends: has('AeE'),
    tabs: has('AtT'),
    unprintable: has('Aetv'),
  };
  const filter = Object.values(marks).includes(true) ? new Filter(marks) : undefined;
  proc.stdout.setBuffering('none');
  let status = 0;
  for (const name of given.operands.length === 0 ? ['-'] : given.operands) {
    const opened = name === '-' ? proc.fds[0] : await proc.open(name, { read: true });
    if (opened === undefined || isRefusal(opened)) {
      proc.stderr.write(`cat: ${name}: ${strerror(opened?.errno ?? EBADF)}\n`);
      status = 1;
      continue;
    }
    if (opened instanceof DirectoryFile) {
      proc.stderr.write(`cat: ${name}: Is a directory\n`);
      status = 1;
      continue;
    }
    await copy(proc, opened, filter);
    proc.close(opened);
  }
  return status;
}

async function copy(proc: Proc, file: OpenFile, filter: Filter | undefined): Promise<void> {
  for (let data = await proc.readFile(file); data.length > 0; data = await proc.readFile(file)) {
    proc.stdout.write(filter === undefined ? data : filter.apply(data));
    await proc.stdout.flush();
  }
}

/** The options that change what is shown. */
class Filter {
  private readonly marks: Marks;
  private line = 0;
  private atStart = true;
  private blanks = 0;

  constructor(marks: Marks) {
    this.marks = marks;
  }

  apply(data: Uint8Array): string {
    const { marks } = this;
    let out = '';
    for (const byte of data) {
      if (this.atStart) {
        const blank = byte === 10;
        this.blanks = blank ? this.blanks + 1 : 0;
        if (marks.squeeze && this.blanks > 1) continue;
        if (marks.numberNonBlank ? !blank : marks.number) out += `${String(++this.line).padStart(6)}\t`;
      }
      this.atStart = byte === 10;
      if (byte === 10) out += marks.ends ? '$\n' : '\n';
      else if (byte === 9) out += marks.tabs ? '^I' : '\t';
      else if (marks.unprintable) out += visible(byte);
      else out += byte < 0x80 ? String.fromCharCode(byte) : String.fromCharCode(0xdc00 + byte);
    }
    return out;
  }
}

function visible(byte: number): string {
  if (byte >= 0x80) return `M-${visible(byte - 0x80)}`;
  if (byte < 0x20) return `^${String.fromCharCode(byte + 0x40)}`;
  return byte === 0x7f ? '^?' : String.fromCharCode(byte);
}
