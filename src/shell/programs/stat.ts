/** stat (coreutils 9.1). */
import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { type Inode, LinkInode } from '../fs/inode.ts';
import type { Proc } from '../process/proc.ts';
import { blocks, modeText, sizeOf } from './ls.ts';
import { complain, readOptions, tryHelp } from './options.ts';
import { strftime } from './strftime.ts';

const TIME_FORMAT = '%Y-%m-%d %H:%M:%S.%N %z';

export async function stat(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'Lc:t', [
    { name: 'dereference', value: 'L' },
    { name: 'format', argument: 'required', value: 'c' },
    { name: 'printf', argument: 'required', value: 'printf' },
    { name: 'terse', value: 't' },
  ]);
  if (given === undefined) return 1;
  const { flags, operands } = given;
  if (operands.length === 0) {
    complain(proc, 'missing operand');
    tryHelp(proc);
    return 1;
  }
  let status = 0;
  for (const path of operands) {
    const found = proc.system.vfs.resolve(proc, path, flags.has('L'));
    if (isRefusal(found)) {
      complain(proc, `cannot statx '${path}': ${strerror(found.errno)}`);
      status = 1;
      continue;
    }
    const format = flags.get('printf') ?? flags.get('c');
    const { inode, path: place } = found;
    if (format === undefined) proc.stdout.write(filled(proc, defaultFormat(inode), path, inode, place));
    else if (flags.has('printf')) proc.stdout.write(filled(proc, unescaped(format), path, inode, place));
    else proc.stdout.write(`${filled(proc, format, path, inode, place)}\n`);
  }
  return status;
}

function defaultFormat(inode: Inode): string {
  const name = inode instanceof LinkInode ? '%N' : '%n';
  return (
    `  File: ${name}\n  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\nDevice: 0,1\tInode: %-11i Links: %h\n` +
    'Access: (%04a/%10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\nAccess: %x\nModify: %y\nChange: %z\n Birth: %w\n'
  );
}

function unescaped(text: string): string {
  const letters: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\', '"': '"' };
  return text.replace(/\\([nt"\\])/g, (_, letter: string) => letters[letter]!);
}

/** @param place the canonical path */
function filled(proc: Proc, format: string, path: string, inode: Inode, place: string): string {
  return format.replace(/%([-0]?)(\d*)([a-zA-Z%])/g, (found, flag: string, width: string, letter: string) => {
    const text = field(proc, letter, path, inode, place);
    if (text === undefined) return found;
    const columns = Number(width);
    return flag === '-' ? text.padEnd(columns) : text.padStart(columns, flag === '0' ? '0' : ' ');
  });
}

function field(proc: Proc, letter: string, path: string, inode: Inode, place: string): string | undefined {
  const time = inode.mtime === 0 ? proc.realtime() : inode.mtime;
  switch (letter) {
    case '%':
      return '%';
    case 'n':
      return path;
    case 'N':
      return inode instanceof LinkInode ? `'${path}' -> '${inode.target(proc)}'` : `'${path}'`;
    case 's':
      return String(sizeOf({ inode, path: place }));
    case 'b':
      return String(blocks(inode) * 2);
    case 'B':
      return '512';
    case 'o':
      return '4096';
    case 'F':
      return typeText(inode);
    case 'a':
      return (inode.mode & 0o7777).toString(8);
    case 'A':
      return modeText(inode);
    case 'f':
      return ((TYPE_BITS[inode.kind] ?? 0) | (inode.mode & 0o7777)).toString(16);
    case 'i':
      return String(proc.system.vfs.number(inode));
    case 'h':
      return String(inode.nlink);
    case 'u':
    case 'g':
      return '0';
    case 'U':
    case 'G':
      return 'root';
    case 'x':
    case 'y':
    case 'z':
      return strftime(TIME_FORMAT, time, proc.utcOffset);
    case 'X':
    case 'Y':
    case 'Z':
      return String(Math.floor(time / 1e9));
    case 'w':
      return '-';
    case 'W':
      return '0';
  }
  return undefined;
}

/** S_IFREG ... */
const TYPE_BITS: Readonly<Record<string, number>> = { '-': 0x8000, d: 0x4000, l: 0xa000, c: 0x2000, p: 0x1000 };

function typeText(inode: Inode): string {
  if (inode.kind === 'd') return 'directory';
  if (inode.kind === 'l') return 'symbolic link';
  if (inode.kind === 'c') return 'character special file';
  if (inode.kind === 'p') return 'fifo';
  return inode.size === 0 ? 'regular empty file' : 'regular file';
}
