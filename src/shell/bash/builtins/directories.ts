/** cd, pwd and the directory stack. */
import { ENOTDIR, strerror } from '../../../uapi/errno.ts';
import { isRefusal } from '../../../uapi/result.ts';
import { absolute } from '../../fs/path.ts';
import type { Builtin } from '../builtin.ts';
import type { Shell } from '../shell.ts';
import { readOptions } from './options.ts';

/** Change directory: undefined, or the reason it cannot be. */
function change(sh: Shell, path: string, physical: boolean): string | undefined {
  const found = sh.system.vfs.resolve(sh.proc, path === '' ? '.' : path);
  if (isRefusal(found)) return strerror(found.errno);
  if (found.inode.kind !== 'd') return strerror(ENOTDIR);
  sh.assign('OLDPWD', sh.parameter('PWD') ?? sh.proc.cwd);
  sh.proc.cwd = physical ? found.path : absolute(sh.proc.cwd, path);
  sh.assign('PWD', sh.proc.cwd);
  return undefined;
}

export const cd: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'LPe@');
  if (options === undefined) return 2;
  const rest = argv.slice(options.next);
  if (rest.length > 1) {
    void sh.complainAs('cd', 'too many arguments');
    return 1;
  }
  const physical = options.flags.has('P') || sh.options.has('physical');
  let target = rest[0];
  let show = false;
  if (target === undefined) {
    target = sh.parameter('HOME');
    if (target === undefined) {
      void sh.complainAs('cd', 'HOME not set');
      return 1;
    }
    if (target === '') return 0;
  } else if (target === '-') {
    target = sh.parameter('OLDPWD');
    if (target === undefined) {
      void sh.complainAs('cd', 'OLDPWD not set');
      return 1;
    }
    show = true;
  } else if (!/^\.{0,2}(?:\/|$)/.test(target)) {
    for (const dir of (sh.parameter('CDPATH') ?? '').split(':')) {
      if (dir === '') continue;
      const candidate = `${dir.replace(/\/$/, '')}/${target}`;
      const found = sh.system.vfs.resolve(sh.proc, candidate);
      if (!isRefusal(found) && found.inode.kind === 'd') {
        target = candidate;
        show = true;
        break;
      }
    }
  }
  const reason = change(sh, target, physical);
  if (reason !== undefined) {
    void sh.complainAs('cd', `${rest[0] === '-' ? target : (rest[0] ?? target)}: ${reason}`);
    return 1;
  }
  if (show) void sh.write(1, `${sh.proc.cwd}\n`);
  return 0;
};

export const pwd: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'LP');
  if (options === undefined) return 2;
  let path = sh.proc.cwd;
  if (options.flags.has('P')) {
    const found = sh.system.vfs.resolve(sh.proc, '.');
    if (!isRefusal(found)) path = found.path;
  }
  void sh.write(1, `${path}\n`);
  return 0;
};

function tilded(sh: Shell, path: string): string {
  const home = sh.parameter('HOME') ?? '';
  return home !== '' && home !== '/' && (path === home || path.startsWith(`${home}/`))
    ? `~${path.slice(home.length)}`
    : path;
}

function showStack(sh: Shell, flags: ReadonlyMap<string, string> = new Map()): void {
  const full = flags.has('l');
  const entries = [sh.proc.cwd, ...sh.dirStack].map((path) => (full ? path : tilded(sh, path)));
  if (flags.has('v')) void sh.write(1, entries.map((path, i) => `${String(i).padStart(2)}  ${path}\n`).join(''));
  else if (flags.has('p')) void sh.write(1, entries.map((path) => `${path}\n`).join(''));
  else void sh.write(1, `${entries.join(' ')}\n`);
}

/** `+2`, `-0`: an index in the stack, which begins with the current directory. */
function stackIndex(sh: Shell, text: string): number | undefined {
  const match = /^([+-])(\d+)$/.exec(text);
  if (match === null) return undefined;
  const n = Number(match[2]);
  return match[1] === '+' ? n : sh.dirStack.length - n;
}

export const dirs: Builtin = (sh, argv) => {
  const flags = new Map<string, string>();
  for (const arg of argv.slice(1)) {
    const index = stackIndex(sh, arg);
    if (index !== undefined) {
      const entry = [sh.proc.cwd, ...sh.dirStack][index];
      if (entry === undefined) {
        void sh.complainAs('dirs', `${arg.slice(1)}: directory stack index out of range`);
        return 1;
      }
      void sh.write(1, `${tilded(sh, entry)}\n`);
      return 0;
    }
    for (const letter of arg.slice(1)) flags.set(letter, '');
  }
  if (flags.has('c')) sh.dirStack = [];
  else showStack(sh, flags);
  return 0;
};

export const pushd: Builtin = (sh, argv) => {
  const stay = argv[1] === '-n';
  const arg = argv[stay ? 2 : 1];
  const stack = [sh.proc.cwd, ...sh.dirStack];
  let next: string[];
  if (arg === undefined) {
    if (sh.dirStack.length === 0) {
      void sh.complainAs('pushd', 'no other directory');
      return 1;
    }
    next = [stack[1]!, stack[0]!, ...stack.slice(2)];
  } else {
    const index = stackIndex(sh, arg);
    if (index !== undefined) {
      if (stack[index] === undefined) {
        if (sh.dirStack.length === 0) void sh.complainAs('pushd', 'directory stack empty');
        else void sh.complainAs('pushd', `${arg}: directory stack index out of range`);
        return 1;
      }
      next = [...stack.slice(index), ...stack.slice(0, index)];
    } else next = [arg, ...stack];
  }
  if (stay) {
    sh.dirStack = [next[0]!, ...sh.dirStack];
  } else {
    const reason = change(sh, next[0]!, false);
    if (reason !== undefined) {
      void sh.complainAs('pushd', `${next[0]}: ${reason}`);
      return 1;
    }
    sh.dirStack = next.slice(1);
  }
  showStack(sh);
  return 0;
};

export const popd: Builtin = (sh, argv) => {
  const stay = argv[1] === '-n';
  const arg = argv[stay ? 2 : 1];
  if (sh.dirStack.length === 0) {
    void sh.complainAs('popd', 'directory stack empty');
    return 1;
  }
  const index = arg === undefined ? (stay ? 1 : 0) : stackIndex(sh, arg);
  if (index === undefined || index < 0 || index > sh.dirStack.length) {
    void sh.complainAs('popd', `${arg}: directory stack index out of range`);
    return 1;
  }
  if (index === 0) {
    const reason = change(sh, sh.dirStack[0]!, false);
    if (reason !== undefined) {
      void sh.complainAs('popd', `${sh.dirStack[0]}: ${reason}`);
      return 1;
    }
    sh.dirStack = sh.dirStack.slice(1);
  } else sh.dirStack.splice(index - 1, 1);
  showStack(sh);
  return 0;
};
