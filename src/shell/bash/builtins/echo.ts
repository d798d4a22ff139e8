/** echo. */

import { EPIPE, strerror } from '../../../uapi/errno.ts';
import { isRefusal } from '../../../uapi/result.ts';
import { encode } from '../../process/bytes.ts';
import type { OpenFile } from '../../process/open-file.ts';
import { SIGPIPE } from '../../process/signals.ts';
import { decodeEcho } from '../ansi-c.ts';
import type { Builtin } from '../builtin.ts';
import type { Shell } from '../shell.ts';

export const echo: Builtin = (sh, argv) => {
  let newline = true;
  let escapes = sh.shopts.get('xpg_echo') === true;
  let i = 1;
  for (; i < argv.length; i++) {
    const arg = argv[i]!;
    if (arg[0] !== '-' || !/^-[neE]+$/.test(arg)) break;
    for (const letter of arg) {
      if (letter === 'n') newline = false;
      else if (letter === 'e') escapes = true;
      else if (letter === 'E') escapes = false;
    }
  }
  let text = i === argv.length - 1 ? argv[i]! : i === 1 ? joinFrom(argv) : argv.slice(i).join(' ');
  if (escapes) {
    const decoded = decodeEcho(text);
    text = decoded.text;
    if (decoded.stop) newline = false;
  }
  return print(sh, 'echo', newline ? `${text}\n` : text);
};

function joinFrom(argv: readonly string[]): string {
  let text = argv[1] ?? '';
  for (let i = 2; i < argv.length; i++) text += ` ${argv[i]!}`;
  return text;
}

/** Standard output of a builtin: status 1 and a message when it cannot be written. */
export function print(sh: Shell, name: string, text: string): number | Promise<number> {
  if (text === '') return 0;
  const file = sh.proc.fds[1];
  if (file === undefined) {
    void sh.complainAs(name, 'write error: Bad file descriptor');
    return 1;
  }
  if (file.lineBuffered) return printLines(sh, name, file, text);
  const bytes = encode(text);
  const taken = file.write(bytes);
  if (taken === bytes.length) return 0;
  if (!isRefusal(taken)) return rest(sh, name, bytes.subarray(taken));
  return refused(sh, name, taken.errno);
}

/** One write for each line, as the C library cuts bash's output: each is a datagram of its own. */
function printLines(sh: Shell, name: string, file: OpenFile, text: string): number {
  for (const line of text.match(/[^\n]*\n|[^\n]+/g) ?? []) {
    const taken = file.write(encode(line));
    if (isRefusal(taken)) return refused(sh, name, taken.errno);
  }
  return 0;
}

function refused(sh: Shell, name: string, errno: number): number {
  if (errno === EPIPE) {
    sh.proc.raise(SIGPIPE);
    if (sh.proc.fatal !== undefined) throw sh.proc.fatal;
  }
  void sh.complainAs(name, `write error: ${strerror(errno)}`);
  return 1;
}

async function rest(sh: Shell, name: string, bytes: Uint8Array): Promise<number> {
  const file = sh.proc.fds[1]!;
  let left = bytes;
  while (left.length > 0) {
    file.writers.add(sh.proc);
    await sh.proc.block();
    const taken = file.write(left);
    if (isRefusal(taken)) return refused(sh, name, taken.errno);
    left = left.subarray(taken);
  }
  return 0;
}
