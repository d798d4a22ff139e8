/** set, shopt, shift, alias, unalias, type, umask, ulimit, times, caller, enable. */
import type { Builtin } from '../builtin.ts';
import { describe, files, meanings } from '../describe.ts';
import { SET_OPTIONS, type SetOption } from '../options.ts';
import { functionText } from '../print.ts';
import { quoteSingle } from '../quote.ts';
import type { Shell } from '../shell.ts';
import { setLine } from './declare.ts';
import { numericArgument, readOptions, usage } from './options.ts';

const NAMES = SET_OPTIONS.map(([, name]) => name as string).sort();
const LETTERS = new Map<string, SetOption>(
  SET_OPTIONS.filter(([letter]) => letter !== '').map(([letter, name]) => [letter, name]),
);

function setOption(sh: Shell, name: SetOption, on: boolean): void {
  if (on) sh.options.add(name);
  else sh.options.delete(name);
}

export const set: Builtin = (sh, argv) => {
  if (argv.length === 1) return listVariables(sh);
  let i = 1;
  for (; i < argv.length; i++) {
    const arg = argv[i]!;
    if (arg === '--') {
      sh.args = argv.slice(i + 1);
      return 0;
    }
    if (arg === '-') {
      setOption(sh, 'xtrace', false);
      setOption(sh, 'verbose', false);
      if (i + 1 < argv.length) sh.args = argv.slice(i + 1);
      return 0;
    }
    if (!/^[-+]./.test(arg)) break;
    const on = arg[0] === '-';
    for (const letter of arg.slice(1)) {
      if (letter === 'o') {
        const name = argv[++i];
        if (name === undefined) {
          listOptions(sh, on);
          return 0;
        }
        if (!NAMES.includes(name)) {
          void sh.complainAs('set', `${name}: invalid option name`);
          return 2;
        }
        setOption(sh, name as SetOption, on);
        continue;
      }
      const name = LETTERS.get(letter);
      if (name === undefined) {
        void sh.complainAs('set', `${arg[0]}${letter}: invalid option`);
        return usage(sh, 'set');
      }
      setOption(sh, name, on);
    }
  }
  if (i < argv.length) sh.args = argv.slice(i);
  return 0;
};

function listVariables(sh: Shell): number {
  let out = '';
  for (const name of [...sh.vars.table.keys()].sort()) {
    const variable = sh.vars.table.get(name)!;
    if (variable.isSet || variable.isArray) out += setLine(variable);
  }
  for (const name of [...sh.functions.keys()].sort()) out += functionText(name, sh.functions.get(name)!.body);
  void sh.write(1, out);
  return 0;
}

function listOptions(sh: Shell, table: boolean): void {
  let out = '';
  for (const name of NAMES) {
    const on =
      sh.options.has(name as SetOption) ||
      (name === 'interactive-comments' && sh.shopts.get('interactive_comments') === true);
    out += table ? `${name.padEnd(15)}\t${on ? 'on' : 'off'}\n` : `set ${on ? '-' : '+'}o ${name}\n`;
  }
  void sh.write(1, out);
}

export const shopt: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'psuqo');
  if (options === undefined) return 2;
  const { flags } = options;
  const names = argv.slice(options.next);
  const isSet = flags.has('o');
  const read = (name: string) => (isSet ? sh.options.has(name as SetOption) : sh.shopts.get(name) === true);
  const line = (name: string) =>
    isSet && flags.has('p')
      ? `set ${read(name) ? '-' : '+'}o ${name}\n`
      : flags.has('p')
        ? `shopt ${read(name) ? '-s' : '-u'} ${name}\n`
        : `${name.padEnd(15)}\t${read(name) ? 'on' : 'off'}\n`;
  if (flags.has('s') && flags.has('u')) {
    void sh.complainAs('shopt', 'cannot set and unset shell options simultaneously');
    return 1;
  }
  if (names.length === 0) {
    const all = isSet ? NAMES : [...sh.shopts.keys()].sort();
    void sh.write(
      1,
      all
        .filter((name) => (flags.has('s') ? read(name) : flags.has('u') ? !read(name) : true))
        .map(line)
        .join(''),
    );
    return 0;
  }
  let status = 0;
  for (const name of names) {
    if (!(isSet ? NAMES.includes(name) : sh.shopts.has(name))) {
      void sh.complainAs('shopt', `${name}: invalid ${isSet ? 'option name' : 'shell option name'}`);
      status = 1;
    } else if (flags.has('s') || flags.has('u')) {
      if (isSet) setOption(sh, name as SetOption, flags.has('s'));
      else sh.shopts.set(name, flags.has('s'));
    } else {
      if (!read(name)) status = 1;
      if (!flags.has('q')) void sh.write(1, line(name));
    }
  }
  return status;
};

export const shift: Builtin = (sh, argv) => {
  const first = argv[1] === '--' ? 2 : 1;
  let count = 1;
  if (argv[first] !== undefined) {
    const value = numericArgument(sh, 'shift', argv[first]);
    if (value === undefined) return sh.abort('discard', 1);
    if (argv.length > first + 1) {
      void sh.complainAs('shift', 'too many arguments');
      return sh.abort('discard', 1);
    }
    count = value;
  }
  if (count < 0) {
    void sh.complainAs('shift', `${argv[first]}: shift count out of range`);
    return 1;
  }
  if (count > sh.args.length) {
    if (sh.shopts.get('shift_verbose') === true)
      void sh.complainAs('shift', `${argv[first]}: shift count out of range`);
    return 1;
  }
  sh.args = sh.args.slice(count);
  return 0;
};

export const alias: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'p');
  if (options === undefined) return 2;
  const args = argv.slice(options.next);
  let status = 0;
  if (args.length === 0 || options.flags.has('p')) {
    void sh.write(
      1,
      [...sh.aliases.keys()]
        .sort()
        .map((name) => `alias ${name}=${quoteSingle(sh.aliases.get(name)!)}\n`)
        .join(''),
    );
  }
  for (const arg of args) {
    const sign = arg.indexOf('=');
    if (sign > 0) sh.aliases.set(arg.slice(0, sign), arg.slice(sign + 1));
    else if (sh.aliases.has(arg)) void sh.write(1, `alias ${arg}=${quoteSingle(sh.aliases.get(arg)!)}\n`);
    else {
      void sh.complainAs('alias', `${arg}: not found`);
      status = 1;
    }
  }
  return status;
};

export const unalias: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'a');
  if (options === undefined) return 2;
  if (options.flags.has('a')) {
    sh.aliases.clear();
    return 0;
  }
  let status = 0;
  for (const name of argv.slice(options.next)) {
    if (!sh.aliases.delete(name)) {
      void sh.complainAs('unalias', `${name}: not found`);
      status = 1;
    }
  }
  return status;
};

export const type: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'afptP');
  if (options === undefined) return 2;
  const { flags } = options;
  let status = 0;
  for (const name of argv.slice(options.next)) {
    const all = flags.has('a');
    const found = flags.has('P') ? files(sh, name, all) : meanings(sh, name, all, flags.has('f'));
    if (found.length === 0) {
      if (!flags.has('t') && !flags.has('p') && !flags.has('P')) void sh.complainAs('type', `${name}: not found`);
      status = 1;
      continue;
    }
    for (const meaning of found) {
      if (flags.has('t')) void sh.write(1, `${meaning.kind}\n`);
      else if (flags.has('p') || flags.has('P')) {
        if (meaning.kind === 'file') void sh.write(1, `${meaning.path}\n`);
      } else void sh.write(1, `${describe(sh, name, meaning, 'long')}\n`);
      if (!all) break;
    }
  }
  return status;
};

export const umask: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'pS');
  if (options === undefined) return 2;
  const mode = argv[options.next];
  const current = sh.proc.umask;
  if (mode === undefined) {
    const text = options.flags.has('S') ? symbolic(~current & 0o777) : current.toString(8).padStart(4, '0');
    const head = options.flags.has('p') ? (options.flags.has('S') ? 'umask -S ' : 'umask ') : '';
    void sh.write(1, `${head}${text}\n`);
    return 0;
  }
  if (/^\d+$/.test(mode)) {
    if (!/^[0-7]+$/.test(mode) || Number.parseInt(mode, 8) > 0o777) {
      void sh.complainAs('umask', `${mode}: octal number out of range`);
      return 1;
    }
    sh.proc.umask = Number.parseInt(mode, 8);
    return 0;
  }
  let allowed = ~current & 0o777;
  for (const clause of mode.split(',')) {
    const match = /^([ugoa]*)([-+=])([rwx]*)$/.exec(clause);
    if (match === null) {
      void sh.complainAs('umask', `\`${clause[0]}': invalid symbolic mode operator`);
      return 1;
    }
    let bits = 0;
    for (const letter of match[3]!) bits |= letter === 'r' ? 4 : letter === 'w' ? 2 : 1;
    for (const [who, shift] of [
      ['u', 6],
      ['g', 3],
      ['o', 0],
    ] as const) {
      if (match[1] !== '' && !match[1]!.includes(who) && !match[1]!.includes('a')) continue;
      if (match[2] === '+') allowed |= bits << shift;
      else if (match[2] === '-') allowed &= ~(bits << shift);
      else allowed = (allowed & ~(7 << shift)) | (bits << shift);
    }
  }
  sh.proc.umask = ~allowed & 0o777;
  return 0;
};

function symbolic(mode: number): string {
  const part = (bits: number) => `${bits & 4 ? 'r' : ''}${bits & 2 ? 'w' : ''}${bits & 1 ? 'x' : ''}`;
  return `u=${part(mode >> 6)},g=${part((mode >> 3) & 7)},o=${part(mode & 7)}`;
}

/** Limits are kept and shown, and bind nobody. */
const ULIMITS: readonly [string, string, string, string][] = [
  ['R', 'real-time non-blocking time', '(microseconds, -R)', 'unlimited'],
  ['c', 'core file size', '(blocks, -c)', '0'],
  ['d', 'data seg size', '(kbytes, -d)', 'unlimited'],
  ['e', 'scheduling priority', '(-e)', '0'],
  ['f', 'file size', '(blocks, -f)', 'unlimited'],
  ['i', 'pending signals', '(-i)', '63434'],
  ['l', 'max locked memory', '(kbytes, -l)', '8192'],
  ['m', 'max memory size', '(kbytes, -m)', 'unlimited'],
  ['n', 'open files', '(-n)', '1024'],
  ['p', 'pipe size', '(512 bytes, -p)', '8'],
  ['q', 'POSIX message queues', '(bytes, -q)', '819200'],
  ['r', 'real-time priority', '(-r)', '0'],
  ['s', 'stack size', '(kbytes, -s)', '8192'],
  ['t', 'cpu time', '(seconds, -t)', 'unlimited'],
  ['u', 'max user processes', '(-u)', '63434'],
  ['v', 'virtual memory', '(kbytes, -v)', 'unlimited'],
  ['x', 'file locks', '(-x)', 'unlimited'],
];

export const ulimit: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'SHabcdefiklmnpqrstuvxPRT');
  if (options === undefined) return 2;
  const value = argv[options.next];
  if (options.flags.has('a')) {
    for (const [letter, text, unit, initial] of ULIMITS) {
      const label = `${text.padEnd(Math.max(text.length + 1, 42 - unit.length))}${unit}`;
      void sh.write(1, `${label} ${sh.limits.get(letter) ?? initial}\n`);
    }
    return 0;
  }
  const letter = [...options.flags.keys()].find((each) => each !== 'S' && each !== 'H') ?? 'f';
  const entry = ULIMITS.find(([each]) => each === letter);
  if (value === undefined) {
    void sh.write(1, `${sh.limits.get(letter) ?? entry?.[3] ?? 'unlimited'}\n`);
    return 0;
  }
  if (!/^(?:\d+|unlimited|hard|soft)$/.test(value)) {
    void sh.complainAs('ulimit', `${value}: invalid number`);
    return 1;
  }
  if (/^\d|^unl/.test(value)) sh.limits.set(letter, value);
  return 0;
};

export const times: Builtin = (sh) => {
  void sh.write(1, '0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n');
  return 0;
};

export const caller: Builtin = (sh, argv) => {
  const level = Number(argv[1] ?? 0);
  const { frames } = sh;
  const frame = frames[frames.length - 1 - level];
  if (frame === undefined) {
    if (argv[1] !== undefined) return 1;
    void sh.write(1, '0 NULL\n');
    return 0;
  }
  const below = frames[frames.length - 2 - level];
  if (argv[1] === undefined) void sh.write(1, `${frame.callLine} ${below?.file ?? sh.name}\n`);
  else {
    if (below === undefined && level >= frames.length) return 1;
    void sh.write(1, `${frame.callLine} ${below?.name ?? 'main'} ${below?.file ?? sh.name}\n`);
  }
  return 0;
};

export const enable: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'adnpsf:');
  if (options === undefined) return 2;
  let status = 0;
  for (const name of argv.slice(options.next)) {
    if (!sh.exec.isBuiltin(name)) {
      void sh.complainAs('enable', `${name}: not a shell builtin`);
      status = 1;
    } else if (options.flags.has('n')) sh.disabledBuiltins.add(name);
    else sh.disabledBuiltins.delete(name);
  }
  if (options.next === argv.length) {
    for (const name of sh.exec.builtinNames()) {
      const off = sh.disabledBuiltins.has(name);
      if (off === options.flags.has('n')) void sh.write(1, `enable ${off ? '-n ' : ''}${name}\n`);
    }
  }
  return status;
};
