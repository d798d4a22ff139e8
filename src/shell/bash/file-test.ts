/** The file operators of `test` and `[[`. */
import { isRefusal } from '../../uapi/result.ts';
import type { Inode } from '../fs/inode.ts';
import { readElement } from './assign.ts';
import type { Shell } from './shell.ts';

export function isFileUnary(op: string): boolean {
  return /^-[abcdefghkprstuwxGLNOS]$/.test(op);
}

export function isFileBinary(op: string): boolean {
  return op === '-nt' || op === '-ot' || op === '-ef';
}

function inodeOf(sh: Shell, path: string, follow = true): Inode | undefined {
  const found = sh.system.vfs.resolve(sh.proc, path, follow);
  return isRefusal(found) ? undefined : found.inode;
}

export function fileTest(sh: Shell, op: string, operand: string): boolean {
  if (op === '-t') return sh.proc.fds[Number(operand)]?.isTty === true;
  const inode = inodeOf(sh, operand, op !== '-L' && op !== '-h');
  if (inode === undefined) return false;
  switch (op) {
    case '-f':
      return inode.kind === '-';
    case '-d':
      return inode.kind === 'd';
    case '-L':
    case '-h':
      return inode.kind === 'l';
    case '-c':
      return inode.kind === 'c';
    case '-p':
      return inode.kind === 'p';
    case '-s':
      return inode.size > 0;
    case '-x':
      return inode.kind === 'd' || (inode.mode & 0o111) !== 0;
    case '-g':
      return (inode.mode & 0o2000) !== 0;
    case '-u':
      return (inode.mode & 0o4000) !== 0;
    case '-k':
      return (inode.mode & 0o1000) !== 0;
    case '-b':
    case '-S':
    case '-N':
      return false;
    default:
      return true;
  }
}

export function compareFiles(sh: Shell, op: string, left: string, right: string): boolean {
  const a = inodeOf(sh, left);
  const b = inodeOf(sh, right);
  if (op === '-ef') return a !== undefined && a === b;
  if (op === '-nt') return a !== undefined && (b === undefined || a.mtime > b.mtime);
  return b !== undefined && (a === undefined || a.mtime < b.mtime);
}

/** `-v name`, `-v name[index]`. */
export function variableIsSet(sh: Shell, text: string): boolean {
  const match = /^([A-Za-z_]\w*)(?:\[(.*)\])?$/s.exec(text);
  if (match === null) return /^\d+$/.test(text) && sh.parameter(text) !== undefined;
  const variable = sh.lookup(match[1]!);
  if (variable === undefined) return false;
  const subscript = match[2];
  if (subscript === undefined) return variable.isSet;
  if (subscript === '@' || subscript === '*') return variable.values.length > 0;
  return readElement(sh, variable, subscript) !== undefined;
}
