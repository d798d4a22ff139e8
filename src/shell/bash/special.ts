/** The variables that bash sets, and those that it computes. */
import { currentCommand } from './current.ts';
import { BASH_VERSION, type Shell } from './shell.ts';
import { Variable } from './variable.ts';

/** What bash was built with. */
const DEFAULT_PATH = '/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin:.';

/** Start a shell's variables from the environment of its process. */
export function initializeVariables(sh: Shell): void {
  const { vars, proc, system } = sh;
  for (const [name, value] of proc.env) {
    if (!/^[A-Za-z_]\w*$/.test(name)) continue;
    const variable = vars.ensure(name);
    variable.value = value;
    variable.exported = true;
  }
  const initial: [string, string][] = [
    ['IFS', ' \t\n'],
    ['PS4', '+ '],
    ['OPTIND', '1'],
    ['OPTERR', '1'],
    ['BASH', '/usr/bin/bash'],
    ['BASH_VERSION', BASH_VERSION],
    ['HOSTNAME', system.machine.hostname],
    ['HOSTTYPE', 'x86_64'],
    ['MACHTYPE', 'x86_64-pc-linux-gnu'],
    ['OSTYPE', 'linux-gnu'],
    [
      'BASH_LOADABLES_PATH',
      '/usr/local/lib/bash:/usr/lib/bash:/opt/local/lib/bash:/usr/pkg/lib/bash:/opt/pkg/lib/bash:.',
    ],
  ];
  for (const [name, value] of initial) {
    if (name === 'PS4' && vars.get('PS4') !== undefined) continue;
    vars.assign(name, value);
  }
  if (vars.get('PATH') === undefined) vars.assign('PATH', DEFAULT_PATH);
  if (vars.get('TERM') === undefined) vars.assign('TERM', 'dumb');
  exported(sh, 'PWD', proc.cwd);
  const oldPwd = vars.ensure('OLDPWD');
  oldPwd.exported = true;
  const level = Number(vars.get('SHLVL')?.value ?? 0);
  exported(sh, 'SHLVL', String((Number.isFinite(level) ? level : 0) + 1));
  for (const [name, value] of [
    ['UID', '0'],
    ['EUID', '0'],
    ['PPID', String(proc.parent?.pid ?? 0)],
  ] as const) {
    const variable = vars.ensure(name);
    variable.value = value;
    variable.integer = true;
    variable.readonly = true;
  }
  const info = vars.ensure('BASH_VERSINFO');
  info.array = ['5', '2', '15', '1', 'release', 'x86_64-pc-linux-gnu'];
  info.readonly = true;
  vars.ensure('BASH_REMATCH').array = [];
  installDynamic(sh);
  vars.touchEnvironment();
}

function exported(sh: Shell, name: string, value: string): void {
  const variable = sh.vars.ensure(name);
  variable.value = value;
  variable.exported = true;
}

const RANDOM_LIMIT = 0x7fff;

/** One step of the Park and Miller generator, which bash's RANDOM is: the same seed, the same numbers. */
function nextRandom(sh: Shell): number {
  const last = sh.randomState === 0 ? 123459876 : sh.randomState;
  const high = Math.floor(last / 127773);
  const low = last - high * 127773;
  const next = 16807 * low - 2836 * high;
  sh.randomState = (next < 0 ? next + 0x7fffffff : next) >>> 0;
  return ((sh.randomState >>> 16) ^ (sh.randomState & 0xffff)) & RANDOM_LIMIT;
}

/** Computed variables, bound to this shell: done again in each subshell. */
export function installDynamic(sh: Shell, fresh = true): void {
  const { proc, vars } = sh;
  const define = (name: string, get: () => string, set: (value: string) => void = () => {}, integer = false) => {
    const old = vars.get(name);
    if (!fresh && old?.get === undefined) return;
    const variable = new Variable(name);
    variable.get = get;
    variable.set = set;
    variable.integer = integer;
    variable.exported = old?.exported === true;
    vars.table.set(name, variable);
  };
  const defineArray = (name: string, getArray: () => string[]) => {
    const old = vars.get(name);
    if (!fresh && old?.getArray === undefined) return;
    const variable = new Variable(name);
    variable.getArray = getArray;
    vars.table.set(name, variable);
  };
  define(
    'RANDOM',
    () => String(nextRandom(sh)),
    (value) => {
      sh.randomState = Number(sh.exec.arithmetic(sh, value) & 0xffffffffn);
    },
    true,
  );
  define('SRANDOM', () => String(proc.random()), undefined, true);
  define(
    'SECONDS',
    () => String(Math.floor(proc.realtime() / 1e9) - sh.secondsBase),
    (value) => {
      sh.secondsBase = Math.floor(proc.realtime() / 1e9) - Number(sh.exec.arithmetic(sh, value));
    },
    true,
  );
  define('EPOCHSECONDS', () => String(Math.floor(proc.realtime() / 1e9)));
  define('EPOCHREALTIME', () => {
    const microseconds = Math.floor(proc.realtime() / 1000);
    return `${Math.floor(microseconds / 1e6)}.${String(microseconds % 1e6).padStart(6, '0')}`;
  });
  define('LINENO', () => String(sh.lineNumber), undefined, true);
  define('BASHPID', () => String(proc.pid), undefined, true);
  define('BASH_SUBSHELL', () => String(sh.subshellLevel));
  define('BASH_COMMAND', () => currentCommand(sh));
  define('SHELLOPTS', () => [...sh.options].sort().join(':'));
  define('BASHOPTS', () =>
    [...sh.shopts]
      .filter(([, on]) => on)
      .map(([name]) => name)
      .join(':'),
  );
  define(
    'BASH_ARGV0',
    () => sh.name,
    (value) => {
      sh.name = value;
    },
  );
  defineArray('PIPESTATUS', () => sh.pipeStatus.map(String));
  defineArray('DIRSTACK', () => [proc.cwd, ...sh.dirStack]);
  defineArray('GROUPS', () => ['0']);
  defineArray('FUNCNAME', () => {
    if (!sh.frames.some((frame) => frame.isFunction)) return [];
    return [...sh.frames.map((frame) => frame.name).reverse(), ...(sh.commandString ? [] : ['main'])];
  });
  defineArray('BASH_SOURCE', () => {
    const files = sh.frames.map((frame) => frame.file).reverse();
    return sh.commandString || sh.interactive ? files : [...files, sh.name];
  });
  defineArray('BASH_LINENO', () => {
    const lines = sh.frames.map((frame) => String(frame.callLine)).reverse();
    return sh.commandString || sh.interactive ? lines : [...lines, '0'];
  });
}
