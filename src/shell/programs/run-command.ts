/** Programs that run another: env, timeout, nohup, setsid, stdbuf, sudo, nice, unshare. */
import { EACCES, EISDIR, ENOENT, strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { basename } from '../fs/path.ts';
import type { Proc } from '../process/proc.ts';
import { SIGCONT, SIGHUP, SIGKILL, SIGTERM, signalNumber } from '../process/signals.ts';
import { complain, programName, readOptions, tryHelp } from './options.ts';
import { parseDuration } from './sleep.ts';

/** exec with coreutils' words when it fails: 127 when there is no such program, 126 otherwise. */
async function execute(proc: Proc, argv: readonly string[], failure = 'failed to run command ‘%’'): Promise<number> {
  const name = argv[0]!;
  const result = await proc.exec(argv);
  if (!isRefusal(result)) return result;
  const errno = result.errno === EISDIR ? EACCES : result.errno;
  complain(proc, `${failure.replace('%', name)}: ${strerror(errno)}`);
  return errno === ENOENT ? 127 : 126;
}

export async function env(proc: Proc): Promise<number> {
  const given = readOptions(proc, '+iu:0C:S:v', [
    { name: 'ignore-environment', value: 'i' },
    { name: 'unset', argument: 'required', value: 'u' },
    { name: 'null', value: '0' },
    { name: 'chdir', argument: 'required', value: 'C' },
    { name: 'split-string', argument: 'required', value: 'S' },
  ]);
  if (given === undefined) return 125;
  const { flags, operands } = given;
  const names = new Map(flags.has('i') ? [] : proc.env);
  for (const { option, argument } of given.all) if (option === 'u') names.delete(argument);
  let rest = flags.has('S') ? [...flags.get('S')!.trim().split(/\s+/), ...operands] : [...operands];
  if (rest[0] === '-') {
    names.clear();
    rest = rest.slice(1);
  }
  while (/^[^=]+=/.test(rest[0] ?? '')) {
    const sign = rest[0]!.indexOf('=');
    names.set(rest[0]!.slice(0, sign), rest[0]!.slice(sign + 1));
    rest.shift();
  }
  if (flags.has('C')) proc.cwd = flags.get('C')!;
  if (rest.length === 0) {
    const end = flags.has('0') ? '\0' : '\n';
    for (const [name, value] of names) proc.stdout.write(`${name}=${value}${end}`);
    return 0;
  }
  proc.env = names;
  return execute(proc, rest, '‘%’');
}

export async function timeout(proc: Proc): Promise<number> {
  const given = readOptions(proc, '+k:s:v', [
    { name: 'kill-after', argument: 'required', value: 'k' },
    { name: 'signal', argument: 'required', value: 's' },
    { name: 'preserve-status', value: 'p' },
    { name: 'foreground', value: 'f' },
    { name: 'verbose', value: 'v' },
  ]);
  if (given === undefined) return 125;
  const { flags, operands } = given;
  const duration = (text: string) => {
    const seconds = parseDuration(text);
    if (seconds === undefined) complain(proc, `invalid time interval ‘${text}’`);
    return seconds;
  };
  if (operands.length < 2) {
    tryHelp(proc);
    return 125;
  }
  const signal = signalNumber(flags.get('s') ?? 'TERM');
  if (signal === undefined) {
    complain(proc, `‘${flags.get('s')}’: invalid signal`);
    tryHelp(proc);
    return 125;
  }
  const limit = duration(operands[0]!);
  const killAfter = flags.has('k') ? duration(flags.get('k')!) : 0;
  if (limit === undefined || killAfter === undefined) {
    tryHelp(proc);
    return 125;
  }
  return guard(proc, operands.slice(1), { signal, limit, killAfter, flags });
}

interface Guard {
  signal: number;
  limit: number;
  killAfter: number;
  flags: ReadonlyMap<string, string>;
}

async function guard(proc: Proc, argv: readonly string[], { signal, limit, killAfter, flags }: Guard): Promise<number> {
  const { system } = proc;
  const foreground = flags.has('f');
  if (!foreground) proc.pgid = proc.pid;
  const found = system.findProgram(proc, argv[0]!, proc.env);
  if (isRefusal(found)) {
    complain(proc, `failed to run command ‘${argv[0]}’: ${strerror(found.errno)}`);
    return found.errno === ENOENT ? 127 : 126;
  }
  const child = system.fork(proc);
  let timedOut = false;
  let killed = false;
  const send = (number: number) => {
    system.signal(child, number);
    if (foreground) return;
    for (const other of [...system.table.values()]) {
      if (other.pgid === proc.pgid && other !== proc && other !== child) system.signal(other, number);
    }
    if (number !== SIGKILL && number !== SIGCONT) system.signal(child, SIGCONT);
  };
  const timers: { cancel(): void }[] = [];
  const strike = (number: number) => {
    if (flags.has('v'))
      proc.stderr.write(
        `timeout: sending signal ${flags.get('s') ?? (number === SIGKILL ? 'KILL' : 'TERM')} to command ‘${argv[0]}’\n`,
      );
    send(number);
    if (number === SIGKILL) killed = true;
    else if (killAfter > 0) timers.push(system.queue.after(killAfter * 1e9, 'timeout -k', () => strike(SIGKILL)));
  };
  for (const number of [SIGHUP, 2, 3, SIGTERM]) proc.setDisposition(number, () => strike(number));
  if (limit > 0 && Number.isFinite(limit)) {
    timers.push(
      system.queue.after(limit * 1e9, 'timeout', () => {
        timedOut = true;
        strike(signal);
      }),
    );
  }
  system.runProgram(child, found, argv, proc.env);
  try {
    await proc.waitFor(child);
  } finally {
    for (const timer of timers) timer.cancel();
  }
  if (!timedOut) return child.status;
  if (killed || (signal === SIGKILL && child.exitSignal === SIGKILL)) {
    proc.setDisposition(SIGKILL, undefined);
    system.scheduler.kill(proc, SIGKILL);
    throw proc.fatal;
  }
  return flags.has('p') ? child.status : 124;
}

export async function nohup(proc: Proc): Promise<number> {
  const argv = proc.argv.slice(proc.argv[1] === '--' ? 2 : 1);
  if (argv.length === 0) {
    complain(proc, 'missing operand');
    tryHelp(proc);
    return 125;
  }
  proc.setDisposition(SIGHUP, 'ignore');
  return execute(proc, argv);
}

export async function setsid(proc: Proc): Promise<number> {
  const given = readOptions(proc, '+cfw', [
    { name: 'ctty', value: 'c' },
    { name: 'fork', value: 'f' },
    { name: 'wait', value: 'w' },
  ]);
  if (given === undefined) return 1;
  const argv = given.operands;
  if (argv.length === 0) {
    complain(proc, 'no command specified');
    tryHelp(proc);
    return 1;
  }
  const { system } = proc;
  const found = system.findProgram(proc, argv[0]!, proc.env);
  if (isRefusal(found)) {
    complain(proc, `failed to execute ${argv[0]}: ${strerror(found.errno)}`);
    return found.errno === ENOENT ? 127 : 126;
  }
  if (given.flags.has('f') || proc.pgid === proc.pid) {
    const child = system.fork(proc);
    child.pgid = child.pid;
    child.sid = child.pid;
    system.runProgram(child, found, argv, proc.env);
    if (!given.flags.has('w')) return 0;
    await proc.waitFor(child);
    return child.status;
  }
  proc.pgid = proc.pid;
  proc.sid = proc.pid;
  return execute(proc, argv, 'failed to execute %');
}

/** stdbuf: the program gets the buffering asked for. */
export async function stdbuf(proc: Proc): Promise<number> {
  const given = readOptions(proc, '+i:o:e:', [
    { name: 'input', argument: 'required', value: 'i' },
    { name: 'output', argument: 'required', value: 'o' },
    { name: 'error', argument: 'required', value: 'e' },
  ]);
  if (given === undefined) return 125;
  if (given.operands.length === 0 || given.flags.size === 0) {
    complain(proc, given.operands.length === 0 ? 'missing operand' : 'you must specify a buffering mode option');
    tryHelp(proc);
    return 125;
  }
  const mode = given.flags.get('o');
  if (mode !== undefined) proc.buffering = mode === 'L' ? 'line' : mode === '0' ? 'none' : 'full';
  return execute(proc, given.operands);
}

export async function sudo(proc: Proc): Promise<number> {
  const given = readOptions(proc, '+EHnSkbu:g:C:', [
    { name: 'preserve-env', argument: 'optional', value: 'E' },
    { name: 'user', argument: 'required', value: 'u' },
    { name: 'non-interactive', value: 'n' },
    { name: 'set-home', value: 'H' },
  ]);
  if (given === undefined) return 1;
  let argv = given.operands;
  const env = new Map(proc.env);
  while (/^\w+=/.test(argv[0] ?? '')) {
    const sign = argv[0]!.indexOf('=');
    env.set(argv[0]!.slice(0, sign), argv[0]!.slice(sign + 1));
    argv = argv.slice(1);
  }
  proc.env = env;
  if (argv.length === 0) {
    proc.stderr.write('usage: sudo [-EHnSk] [-u user] [VAR=value] command [arg ...]\n');
    return 1;
  }
  const result = await proc.exec(argv);
  if (!isRefusal(result)) return result;
  complain(proc, `${argv[0]}: ${result.errno === ENOENT ? 'command not found' : strerror(result.errno)}`);
  return 1;
}

export async function nice(proc: Proc): Promise<number> {
  const given = readOptions(proc, '+n:', [{ name: 'adjustment', argument: 'required', value: 'n' }]);
  if (given === undefined) return 125;
  if (given.operands.length === 0) {
    proc.stdout.write('0\n');
    return 0;
  }
  return execute(proc, given.operands);
}

export async function unshare(proc: Proc): Promise<number> {
  const given = readOptions(proc, '+nmpufiUrCTR:w:S:G:', [
    { name: 'net', argument: 'optional', value: 'n' },
    { name: 'mount', argument: 'optional', value: 'm' },
    { name: 'pid', argument: 'optional', value: 'p' },
    { name: 'uts', argument: 'optional', value: 'u' },
    { name: 'ipc', argument: 'optional', value: 'i' },
    { name: 'user', argument: 'optional', value: 'U' },
    { name: 'cgroup', argument: 'optional', value: 'C' },
    { name: 'fork', value: 'f' },
    { name: 'map-root-user', value: 'r' },
    { name: 'mount-proc', argument: 'optional', value: 'M' },
    { name: 'kill-child', argument: 'optional', value: 'K' },
    { name: 'wd', argument: 'required', value: 'w' },
  ]);
  if (given === undefined) return 1;
  const { flags, operands } = given;
  for (const letter of ['p', 'T', 'R', 'S', 'G'] as const) {
    if (flags.has(letter) && letter !== 'p') {
      complain(proc, `-${letter} is not supported here`);
      return 1;
    }
  }
  if (flags.has('m') || flags.has('M') || flags.has('p')) proc.mounts = proc.mounts.clone();
  if (flags.has('n')) {
    const refused = proc.task.unshareNet();
    if (refused !== undefined) {
      complain(proc, `unshare failed: ${strerror(refused.errno)}`);
      return 1;
    }
    const place = flags.get('n');
    if (place !== undefined && place !== '') proc.files.bindNetns(place);
  }
  if (flags.has('w')) proc.cwd = flags.get('w')!;
  const argv = operands.length > 0 ? operands : [proc.env.get('SHELL') ?? '/bin/sh'];
  if (!flags.has('f') && !flags.has('p')) return execute(proc, argv, 'failed to execute %');
  const found = proc.system.findProgram(proc, argv[0]!, proc.env);
  if (isRefusal(found)) {
    complain(proc, `failed to execute ${argv[0]}: ${strerror(found.errno)}`);
    return found.errno === ENOENT ? 127 : 126;
  }
  const child = proc.system.fork(proc);
  if (flags.has('K')) proc.atExit(() => proc.system.signal(child, SIGKILL));
  proc.system.runProgram(child, found, argv, proc.env);
  await proc.waitFor(child);
  return child.status;
}

/** which(1) of debianutils. */
export async function which(proc: Proc): Promise<number> {
  let all = false;
  let status = 0;
  const names: string[] = [];
  for (const arg of proc.argv.slice(1)) {
    if (arg === '-a') all = true;
    else if (arg === '-s') continue;
    else if (/^-./.test(arg)) {
      proc.stderr.write(
        `Illegal option ${arg.slice(0, 2)}\nUsage: /usr/bin/${basename(programName(proc))} [-a] args\n`,
      );
      return 2;
    } else names.push(arg);
  }
  if (names.length === 0) return 1;
  for (const name of names) {
    const paths = name.includes('/') ? [name] : (proc.env.get('PATH') ?? '').split(':').map((dir) => `${dir}/${name}`);
    let found = false;
    for (const path of paths) {
      if (isRefusal(proc.system.loadProgram(proc, path))) continue;
      proc.stdout.write(`${path}\n`);
      found = true;
      if (!all) break;
    }
    if (!found) status = 1;
  }
  return status;
}
