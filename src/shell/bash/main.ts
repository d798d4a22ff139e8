/** The bash program. */
import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { basename } from '../fs/path.ts';
import { SnapshotFile } from '../fs/regular-file.ts';
import { decode, encode } from '../process/bytes.ts';
import type { Proc } from '../process/proc.ts';
import { interpreter, runText } from './interpreter.ts';
import { shellMain } from './job-control.ts';
import { SET_OPTIONS, type SetOption } from './options.ts';
import { BASH_VERSION, Shell } from './shell.ts';
import { initializeVariables } from './special.ts';
import { bodyTail } from './tail.ts';
import { installTrapHandlers } from './traps.ts';

const LONG = new Set([
  'norc',
  'noprofile',
  'posix',
  'login',
  'noediting',
  'restricted',
  'verbose',
  'debugger',
  'dump-strings',
]);

interface Invocation {
  command: boolean;
  fromStdin: boolean;
  on: Set<SetOption>;
  off: Set<SetOption>;
  shopts: [string, boolean][];
  args: readonly string[];
}

/** A shell on a process, with the variables and options that bash starts with. */
export function newShell(proc: Proc, name: string): Shell {
  const sh = new Shell(proc, name, interpreter);
  initializeVariables(sh);
  importFunctions(sh);
  return sh;
}

/** `bash [options] [file | -c text [name]] [args]`; also `sh`. */
export async function bash(proc: Proc): Promise<number> {
  const program = basename(proc.argv[0] ?? 'bash');
  const invocation = readInvocation(proc, program);
  if (typeof invocation === 'number') return invocation;
  const { args } = invocation;
  const sh = newShell(proc, proc.argv[0] ?? 'bash');
  for (const option of invocation.on) sh.options.add(option);
  for (const option of invocation.off) sh.options.delete(option);
  for (const [name, on] of invocation.shopts) sh.shopts.set(name, on);
  installTrapHandlers(sh);
  if (invocation.command) {
    const text = args[0];
    if (text === undefined) {
      await sh.write(2, `${sh.name}: -c: option requires an argument\n`);
      return 2;
    }
    sh.name = args[1] ?? sh.name;
    sh.args = args.slice(2);
    sh.commandString = true;
    sh.tailNode = bodyTail(text);
    return shellMain(sh, () => runText(sh, text));
  }
  const file = invocation.fromStdin ? undefined : args[0];
  if (file === undefined) {
    sh.args = [...args];
    return shellMain(sh, () => runStdin(sh));
  }
  const data = await proc.readWhole(file);
  if (isRefusal(data)) {
    await sh.write(2, `${sh.name}: ${file}: ${strerror(data.errno)}\n`);
    return data.errno === 2 ? 127 : 126;
  }
  if (data[0] === 0x7f) {
    await sh.write(2, `${file}: ${file}: cannot execute binary file\n`);
    return 126;
  }
  sh.name = file;
  sh.args = args.slice(1);
  return shellMain(sh, () => runText(sh, decode(data)));
}

function readInvocation(proc: Proc, program: string): Invocation | number {
  const letters = new Map<string, SetOption>(SET_OPTIONS.map(([letter, name]) => [letter, name]));
  const result: Invocation = { command: false, fromStdin: false, on: new Set(), off: new Set(), shopts: [], args: [] };
  const { argv } = proc;
  let i = 1;
  for (; i < argv.length; i++) {
    const arg = argv[i]!;
    if (arg === '--' || arg === '-') {
      i++;
      break;
    }
    if (arg === '--version') {
      proc.stdout.write(
        `GNU bash, version ${BASH_VERSION} (x86_64-pc-linux-gnu)\nCopyright (C) 2022 Free Software Foundation, Inc.\nLicense GPLv3+: GNU GPL version 3 or later <http://gnu.org/licenses/gpl.html>\n\nThis is free software; you are free to change and redistribute it.\nThere is NO WARRANTY, to the extent permitted by law.\n`,
      );
      return 0;
    }
    if (arg.startsWith('--')) {
      if (arg === '--rcfile' || arg === '--init-file') i++;
      else if (!LONG.has(arg.slice(2))) {
        proc.stderr.write(`${program}: ${arg}: invalid option\n`);
        return 2;
      } else if (arg === '--posix') result.on.add('posix');
      else if (arg === '--verbose') result.on.add('verbose');
      continue;
    }
    if (!/^[-+]./.test(arg)) break;
    const on = arg[0] === '-';
    for (const letter of arg.slice(1)) {
      if (letter === 'c') result.command = true;
      else if (letter === 's') result.fromStdin = true;
      else if (letter === 'i' || letter === 'l' || letter === 'r' || letter === 'D') continue;
      else if (letter === 'o' || letter === 'O') {
        const name = argv[++i] ?? '';
        if (letter === 'O') result.shopts.push([name, on]);
        else if (!SET_OPTIONS.some(([, each]) => each === name)) {
          proc.stderr.write(`${program}: ${name}: invalid option name\n`);
          return 2;
        } else (on ? result.on : result.off).add(name as SetOption);
      } else {
        const name = letters.get(letter);
        if (name === undefined) {
          proc.stderr.write(`${program}: ${arg[0]}${letter}: invalid option\n`);
          return 2;
        }
        (on ? result.on : result.off).add(name);
      }
    }
  }
  result.args = argv.slice(i);
  return result;
}

/** Commands from standard input, which the commands themselves may read on from. */
async function runStdin(sh: Shell): Promise<number> {
  const text = decode(await sh.proc.stdin.readAll());
  const file = new SnapshotFile('pipe:[stdin]', encode(text));
  sh.proc.setFd(0, file);
  let offset = 0;
  let firstLine = 1;
  let status = 0;
  for (;;) {
    const rest = text.slice(offset);
    if (rest.trim() === '' || sh.jump !== 'none') return status;
    let moved = rest.length;
    status = await runText(sh, rest, {
      firstLine,
      onLine: (end) => {
        const expected = encode(text.slice(0, offset + end)).length;
        if (file.position <= expected) return undefined;
        moved = decode(encode(text).subarray(0, file.position)).length - offset;
        return moved;
      },
      beforeLine: (end) => file.moveTo(encode(text.slice(0, offset + end)).length),
    });
    firstLine += rest.slice(0, moved).split('\n').length - 1;
    offset += moved;
  }
}

const EXPORTED_FUNCTION = /^BASH_FUNC_(.+)%%$/;

/** Functions that a parent shell exported. */
function importFunctions(sh: Shell): void {
  for (const [key, value] of sh.proc.env) {
    const name = EXPORTED_FUNCTION.exec(key)?.[1];
    if (name === undefined) continue;
    sh.exec.define(sh, `${name} ${value}`);
    const definition = sh.functions.get(name);
    if (definition !== undefined) definition.exported = true;
  }
}
