/** Programs about processes: ps, pgrep, pkill, killall, pidof, kill. */
import { strerror } from '../../uapi/errno.ts';
import { basename } from '../fs/path.ts';
import { stateLetter } from '../fs/procfs.ts';
import type { Proc } from '../process/proc.ts';
import { signalName, signalNumber } from '../process/signals.ts';
import { complain, programName } from './options.ts';

function commandLine(target: Proc): string {
  return target.argv.join(' ');
}

function all(proc: Proc): Proc[] {
  return [...proc.system.table.values()].sort((a, b) => a.pid - b.pid);
}

// ---------------------------------------------------------------- pgrep, pkill

interface Criteria {
  signal: number;
  full: boolean;
  exact: boolean;
  invert: boolean;
  ignoreCase: boolean;
  newest: boolean;
  oldest: boolean;
  count: boolean;
  list: '' | 'name' | 'full';
  delimiter: string;
  echo: boolean;
  parents: Set<number> | undefined;
  groups: Set<number> | undefined;
  sessions: Set<number> | undefined;
  netnsOf: number | undefined;
  pattern: string | undefined;
}

const ARGUMENT_OPTIONS = new Set(['d', 'P', 'g', 's', 'u', 'U', 't', 'G', 'F', 'r', 'O', 'ns', 'nslist', 'signal']);
const LONG: Readonly<Record<string, string>> = {
  full: 'f',
  exact: 'x',
  inverse: 'v',
  'ignore-case': 'i',
  newest: 'n',
  oldest: 'o',
  count: 'c',
  'list-name': 'l',
  'list-full': 'a',
  delimiter: 'd',
  echo: 'e',
  parent: 'P',
  pgroup: 'g',
  session: 's',
  euid: 'u',
  uid: 'U',
  ns: 'ns',
  nslist: 'nslist',
  signal: 'signal',
};

function numbers(text: string): Set<number> {
  return new Set(text.split(',').map(Number));
}

function readCriteria(proc: Proc, kills: boolean): Criteria | number {
  const criteria: Criteria = {
    signal: 15,
    full: false,
    exact: false,
    invert: false,
    ignoreCase: false,
    newest: false,
    oldest: false,
    count: false,
    list: '',
    delimiter: '\n',
    echo: false,
    parents: undefined,
    groups: undefined,
    sessions: undefined,
    netnsOf: undefined,
    pattern: undefined,
  };
  const name = basename(programName(proc));
  const operands: string[] = [];
  const args = proc.argv.slice(1);
  let selective = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--') {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (!/^-./.test(arg)) {
      operands.push(arg);
      continue;
    }
    if (kills && !arg.startsWith('--')) {
      const number = signalNumber(arg.slice(1));
      if (number !== undefined) {
        criteria.signal = arg === '-0' ? 0 : number;
        continue;
      }
    }
    const letters: { key: string; value: string | undefined }[] = [];
    if (arg.startsWith('--')) {
      const [word, value] = arg.slice(2).split(/=(.*)/s);
      const matches = Object.keys(LONG).filter((each) => each === word || each.startsWith(word!));
      const key = LONG[word!] ?? (matches.length === 1 ? LONG[matches[0]!] : undefined);
      if (key === undefined) return usage(proc, name, `unrecognized option '${arg}'`);
      letters.push({ key, value: ARGUMENT_OPTIONS.has(key) ? (value ?? args[++i] ?? '') : undefined });
    } else {
      for (let at = 1; at < arg.length; at++) {
        const key = arg[at]!;
        if (!ARGUMENT_OPTIONS.has(key)) letters.push({ key, value: undefined });
        else {
          const rest = arg.slice(at + 1);
          letters.push({ key, value: rest !== '' ? rest : (args[++i] ?? '') });
          break;
        }
      }
    }
    for (const { key, value } of letters) {
      const bad = setCriterion(criteria, key, value);
      if (bad) return usage(proc, name, `invalid option -- '${key}'`);
      if ('PgsuUnons'.includes(key)) selective = true;
    }
  }
  criteria.pattern = operands[0];
  if (operands.length > 1) {
    proc.stderr.write(`${name}: only one pattern can be provided\nTry \`${name} --help' for more information.\n`);
    return 2;
  }
  if (criteria.pattern === undefined && !selective) {
    proc.stderr.write(`${name}: no matching criteria specified\nTry \`${name} --help' for more information.\n`);
    return 2;
  }
  return criteria;
}

function usage(proc: Proc, name: string, text: string): number {
  proc.stderr.write(`${name}: ${text}\n\nUsage:\n ${name} [options] <pattern>\n`);
  return 2;
}

function setCriterion(criteria: Criteria, key: string, value: string | undefined): boolean {
  switch (key) {
    case 'f':
      criteria.full = true;
      break;
    case 'x':
      criteria.exact = true;
      break;
    case 'v':
      criteria.invert = true;
      break;
    case 'i':
      criteria.ignoreCase = true;
      break;
    case 'n':
      criteria.newest = true;
      break;
    case 'o':
      criteria.oldest = true;
      break;
    case 'c':
      criteria.count = true;
      break;
    case 'l':
      criteria.list = 'name';
      break;
    case 'a':
      criteria.list = 'full';
      break;
    case 'd':
      criteria.delimiter = value!;
      break;
    case 'e':
      criteria.echo = true;
      break;
    case 'P':
      criteria.parents = numbers(value!);
      break;
    case 'g':
      criteria.groups = numbers(value!);
      break;
    case 's':
      criteria.sessions = numbers(value!);
      break;
    case 'ns':
      criteria.netnsOf = Number(value);
      break;
    case 'signal':
      criteria.signal = signalNumber(value!) ?? 15;
      break;
    case 'u':
    case 'U':
    case 'nslist':
      break;
    default:
      return true;
  }
  return false;
}

function select(proc: Proc, criteria: Criteria): Proc[] | undefined {
  let regexp: RegExp | undefined;
  if (criteria.pattern !== undefined) {
    try {
      const source = criteria.exact ? `^(?:${criteria.pattern})$` : criteria.pattern;
      regexp = new RegExp(source, criteria.ignoreCase ? 'i' : '');
    } catch {
      return undefined;
    }
  }
  const reference = criteria.netnsOf === undefined ? undefined : proc.system.table.get(criteria.netnsOf);
  let found = all(proc).filter((target) => {
    if (target === proc || target.ended) return false;
    let fits = true;
    if (regexp !== undefined) fits = regexp.test(criteria.full ? commandLine(target) : target.comm);
    if (criteria.parents !== undefined && !criteria.parents.has(target.parent?.pid ?? 0)) fits = false;
    if (criteria.groups !== undefined && !criteria.groups.has(target.pgid)) fits = false;
    if (criteria.sessions !== undefined && !criteria.sessions.has(target.sid)) fits = false;
    if (reference !== undefined && target.task.netns.inode !== reference.task.netns.inode) fits = false;
    return fits !== criteria.invert;
  });
  if (criteria.newest) found = found.slice(-1);
  if (criteria.oldest) found = found.slice(0, 1);
  return found;
}

export async function pgrep(proc: Proc): Promise<number> {
  const criteria = readCriteria(proc, false);
  if (typeof criteria === 'number') return criteria;
  const found = select(proc, criteria);
  if (found === undefined) {
    complain(proc, `${criteria.pattern}: invalid regular expression`);
    return 2;
  }
  if (criteria.count) proc.stdout.write(`${found.length}\n`);
  else if (found.length > 0) {
    const lines = found.map((target) =>
      criteria.list === ''
        ? `${target.pid}`
        : `${target.pid} ${criteria.list === 'name' ? target.comm : commandLine(target)}`,
    );
    proc.stdout.write(`${lines.join(criteria.delimiter)}\n`);
  }
  return found.length > 0 ? 0 : 1;
}

export async function pkill(proc: Proc): Promise<number> {
  const criteria = readCriteria(proc, true);
  if (typeof criteria === 'number') return criteria;
  const found = select(proc, criteria);
  if (found === undefined) {
    complain(proc, `${criteria.pattern}: invalid regular expression`);
    return 2;
  }
  for (const target of found) {
    proc.system.signal(target, criteria.signal);
    if (criteria.echo) proc.stdout.write(`${target.comm} killed (pid ${target.pid})\n`);
  }
  if (criteria.count) proc.stdout.write(`${found.length}\n`);
  return found.length > 0 ? 0 : 1;
}

// ---------------------------------------------------------------- killall, pidof, kill

export async function killall(proc: Proc): Promise<number> {
  let signal = 15;
  let quiet = false;
  let wait = false;
  let regexp = false;
  const names: string[] = [];
  const args = proc.argv.slice(1);
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '-q' || arg === '--quiet') quiet = true;
    else if (arg === '-w' || arg === '--wait') wait = true;
    else if (arg === '-r' || arg === '--regexp') regexp = true;
    else if (arg === '-e' || arg === '-v' || arg === '-I' || arg === '-g') continue;
    else if (arg === '-s' || arg === '--signal') signal = signalNumber(args[++i] ?? '') ?? 15;
    else if (/^-./.test(arg)) {
      const number = signalNumber(arg.slice(1));
      if (number === undefined) {
        proc.stderr.write(`${arg.slice(1)}: unknown signal; killall -l lists signals.\n`);
        return 1;
      }
      signal = arg === '-0' ? 0 : number;
    } else names.push(arg);
  }
  let status = 0;
  for (const name of names) {
    const fits = (target: Proc) =>
      regexp ? new RegExp(name).test(target.comm) : target.comm === basename(name).slice(0, 15);
    const found = all(proc).filter((target) => target !== proc && !target.ended && fits(target));
    if (found.length === 0) {
      if (!quiet) proc.stderr.write(`${name}: no process found\n`);
      status = 1;
    }
    for (const target of found) proc.system.signal(target, signal);
    while (wait && found.some((target) => !target.ended)) await proc.sleep(100_000_000);
  }
  return status;
}

export async function pidof(proc: Proc): Promise<number> {
  let single = false;
  let separator = ' ';
  const names: string[] = [];
  const omit = new Set<number>();
  const args = proc.argv.slice(1);
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '-s') single = true;
    else if (arg === '-o')
      for (const pid of (args[++i] ?? '').split(',')) omit.add(pid === '%PPID' ? (proc.parent?.pid ?? 0) : Number(pid));
    else if (arg === '-S' || arg === '-d') separator = args[++i] ?? ' ';
    else if (!/^-./.test(arg)) names.push(basename(arg));
  }
  let pids = all(proc)
    .filter((target) => target !== proc && !target.ended && !omit.has(target.pid))
    .filter((target) =>
      names.some(
        (name) =>
          basename(target.argv[0] ?? '') === name ||
          (basename(target.argv[1] ?? '') === name && target.comm === 'bash'),
      ),
    )
    .map((target) => target.pid)
    .reverse();
  if (single) pids = pids.slice(0, 1);
  if (pids.length === 0) return 1;
  proc.stdout.write(`${pids.join(separator)}\n`);
  return 0;
}

/** /bin/kill of procps. */
export async function killProgram(proc: Proc): Promise<number> {
  let signal = 15;
  const targets: string[] = [];
  const args = proc.argv.slice(1);
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '-l' || arg === '-L') {
      const names: string[] = [];
      for (let n = 1; n <= 31; n++) names.push(signalName(n)!);
      proc.stdout.write(`${names.join(' ')}\n`);
      return 0;
    }
    if (arg === '-s' || arg === '--signal') signal = signalNumber(args[++i] ?? '') ?? 15;
    else if (arg === '--') targets.push(...args.slice(i + 1).splice(0, args.length));
    else if (/^-[A-Za-z0-9]/.test(arg) && targets.length === 0 && signalNumber(arg.slice(1)) !== undefined) {
      signal = arg === '-0' ? 0 : signalNumber(arg.slice(1))!;
    } else targets.push(arg);
    if (arg === '--') break;
  }
  let status = 0;
  for (const target of targets) {
    if (!/^-?\d+$/.test(target)) {
      proc.stderr.write(`kill: failed to parse argument: '${target}'\n`);
      status = 1;
      continue;
    }
    const refused = proc.system.kill(proc, Number(target), signal);
    if (refused !== undefined) {
      proc.stderr.write(`kill: (${target}): ${strerror(refused.errno)}\n`);
      status = 1;
    }
  }
  return status;
}

// ---------------------------------------------------------------- ps

const COLUMNS: Readonly<
  Record<string, { title: string; width: number; right: boolean; value: (target: Proc) => string }>
> = {
  pid: { title: 'PID', width: 7, right: true, value: (target) => String(target.pid) },
  ppid: { title: 'PPID', width: 7, right: true, value: (target) => String(target.parent?.pid ?? 0) },
  pgid: { title: 'PGID', width: 7, right: true, value: (target) => String(target.pgid) },
  sid: { title: 'SID', width: 7, right: true, value: (target) => String(target.sid) },
  tty: { title: 'TTY', width: 8, right: false, value: () => '?' },
  tt: { title: 'TT', width: 8, right: false, value: () => '?' },
  time: { title: 'TIME', width: 8, right: true, value: () => '00:00:00' },
  etime: {
    title: 'ELAPSED',
    width: 11,
    right: true,
    value: (target) => elapsed((target.now() - target.startTime) / 1e9),
  },
  stat: { title: 'STAT', width: 4, right: false, value: (target) => stateLetter(target) },
  s: { title: 'S', width: 1, right: false, value: (target) => stateLetter(target) },
  state: { title: 'S', width: 1, right: false, value: (target) => stateLetter(target) },
  user: { title: 'USER', width: 8, right: false, value: () => 'root' },
  uid: { title: 'UID', width: 5, right: true, value: () => '0' },
  comm: { title: 'COMMAND', width: 15, right: false, value: (target) => target.comm },
  cmd: { title: 'CMD', width: 27, right: false, value: commandLine },
  args: { title: 'COMMAND', width: 27, right: false, value: commandLine },
  command: { title: 'COMMAND', width: 27, right: false, value: commandLine },
  ucmd: { title: 'CMD', width: 15, right: false, value: (target) => target.comm },
  netns: { title: 'NETNS', width: 10, right: true, value: (target) => String(target.task.netns.inode) },
};

function elapsed(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const whole = Math.floor(seconds);
  const hours = Math.floor(whole / 3600);
  return `${hours > 0 ? `${two(hours)}:` : ''}${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

export async function ps(proc: Proc): Promise<number> {
  let columns = [['pid'], ['tty'], ['time'], ['ucmd', 'CMD']];
  let headers = true;
  let chosen: ((target: Proc) => boolean) | undefined;
  let everyone = false;
  const args = proc.argv.slice(1);
  const format: string[][] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const value = () => args[++i] ?? '';
    if (/^-?(?:o|O)$|^--format$/.test(arg) || /^-o./.test(arg)) {
      for (const each of (/^-o./.test(arg) ? arg.slice(2) : value()).split(/[, ]+/))
        if (each !== '') format.push(each.split('='));
    } else if (arg === '-p' || arg === '--pid' || arg === 'p' || /^-?p\d/.test(arg)) {
      const wanted = numbers((/\d/.test(arg) ? arg.replace(/^-?p/, '') : value()).replaceAll(' ', ','));
      chosen = (target) => wanted.has(target.pid);
    } else if (arg === '--ppid') {
      const wanted = numbers(value());
      chosen = (target) => wanted.has(target.parent?.pid ?? 0);
    } else if (arg === '-C') {
      const wanted = value().split(',');
      chosen = (target) => wanted.includes(target.comm);
    } else if (arg === '--no-headers' || arg === '--no-heading' || arg === 'h') headers = false;
    else if (/^-[eAfljFwH]+$/.test(arg)) {
      if (/[eA]/.test(arg)) everyone = true;
      if (/[fF]/.test(arg)) columns = [['user', 'UID'], ['pid'], ['ppid'], ['time'], ['cmd']];
    } else if (/^[auxwfel]+$/.test(arg)) {
      if (/[ax]/.test(arg)) everyone = true;
      columns = arg.includes('u')
        ? [['user'], ['pid'], ['tty'], ['stat'], ['time'], ['command']]
        : [['pid'], ['tty'], ['stat'], ['time'], ['command']];
    } else if (/^\d+$/.test(arg)) {
      const wanted = numbers(arg);
      chosen = (target) => wanted.has(target.pid);
    } else {
      proc.stderr.write(`error: unsupported option: ${arg}\n`);
      return 1;
    }
  }
  if (format.length > 0) columns = format;
  const unknown = columns.find(([name]) => COLUMNS[name!] === undefined);
  if (unknown !== undefined) {
    proc.stderr.write(`error: unknown user-defined format specifier "${unknown[0]}"\n`);
    return 1;
  }
  const found = all(proc).filter((target) => chosen?.(target) ?? (everyone || target.sid === proc.sid));
  const titles = columns.map(([name, title]) => title ?? COLUMNS[name!]!.title);
  const row = (cells: readonly string[]) =>
    `${cells
      .map((cell, i) => {
        const { width, right } = COLUMNS[columns[i]![0]!]!;
        if (right) return cell.padStart(width);
        return i === cells.length - 1 ? cell : cell.padEnd(width);
      })
      .join(' ')}\n`;
  if (headers && titles.some((title) => title !== '')) proc.stdout.write(row(titles));
  for (const target of found) proc.stdout.write(row(columns.map(([name]) => COLUMNS[name!]!.value(target))));
  return found.length > 0 ? 0 : 1;
}
