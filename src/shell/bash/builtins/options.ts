/** Options of builtins: bash's internal getopt, its messages and usage lines. */
import type { Shell } from '../shell.ts';

const USAGE: Readonly<Record<string, string>> = {
  '.': '. filename [arguments]',
  alias: 'alias [-p] [name[=value] ... ]',
  bg: 'bg [job_spec ...]',
  break: 'break [n]',
  builtin: 'builtin [shell-builtin [arg ...]]',
  caller: 'caller [expr]',
  cd: 'cd [-L|[-P [-e]] [-@]] [dir]',
  command: 'command [-pVv] command [arg ...]',
  continue: 'continue [n]',
  declare: 'declare [-aAfFgiIlnrtux] [name[=value] ...] or declare -p [-aAfFilnrtux] [name ...]',
  dirs: 'dirs [-clpv] [+N] [-N]',
  disown: 'disown [-h] [-ar] [jobspec ... | pid ...]',
  echo: 'echo [-neE] [arg ...]',
  enable: 'enable [-a] [-dnps] [-f filename] [name ...]',
  eval: 'eval [arg ...]',
  exec: 'exec [-cl] [-a name] [command [argument ...]] [redirection ...]',
  exit: 'exit [n]',
  export: 'export [-fn] [name[=value] ...] or export -p',
  fg: 'fg [job_spec]',
  getopts: 'getopts optstring name [arg ...]',
  hash: 'hash [-lr] [-p pathname] [-dt] [name ...]',
  history: 'history [-c] [-d offset] [n] or history -anrw [filename] or history -ps arg [arg...]',
  jobs: 'jobs [-lnprs] [jobspec ...] or jobs -x command [args]',
  kill: 'kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]',
  let: 'let arg [arg ...]',
  local: 'local [option] name[=value] ...',
  mapfile: 'mapfile [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] [-c quantum] [array]',
  popd: 'popd [-n] [+N | -N]',
  printf: 'printf [-v var] format [arguments]',
  pushd: 'pushd [-n] [+N | -N | dir]',
  pwd: 'pwd [-LP]',
  read: 'read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]',
  readarray: 'readarray [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] [-c quantum] [array]',
  readonly: 'readonly [-aAf] [name[=value] ...] or readonly -p',
  return: 'return [n]',
  set: 'set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]',
  shift: 'shift [n]',
  shopt: 'shopt [-pqsu] [-o] [optname ...]',
  source: 'source filename [arguments]',
  test: 'test [expr]',
  times: 'times',
  trap: 'trap [-lp] [[arg] signal_spec ...]',
  type: 'type [-afptP] name [name ...]',
  typeset: 'typeset [-aAfFgiIlnrtux] name[=value] ... or typeset -p [-aAfFilnrtux] [name ...]',
  ulimit: 'ulimit [-SHabcdefiklmnpqrstuvxPRT] [limit]',
  umask: 'umask [-p] [-S] [mode]',
  unalias: 'unalias [-a] name [name ...]',
  unset: 'unset [-f] [-v] [-n] [name ...]',
  wait: 'wait [-fn] [-p var] [id ...]',
};

export interface Options {
  /** Letters in the order given, with the argument where one is taken. */
  flags: Map<string, string>;
  /** Index in argv of the first operand. */
  next: number;
}

/**
 * Read the options of `argv` as `spec` says (`ab:` - a is a flag, b takes an argument). Undefined
 * after an error, which has been printed: the builtin's status is 2.
 */
export function readOptions(sh: Shell, argv: readonly string[], spec: string, plus = ''): Options | undefined {
  const flags = new Map<string, string>();
  let i = 1;
  for (; i < argv.length; i++) {
    const arg = argv[i]!;
    if (arg === '--') {
      i++;
      break;
    }
    const sign = arg[0];
    if (arg.length < 2 || (sign !== '-' && !(sign === '+' && plus !== ''))) break;
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at]!;
      const known = sign === '+' ? plus : spec;
      const position = known.indexOf(letter);
      if (position < 0 || letter === ':') {
        invalidOption(sh, argv[0]!, `${sign}${letter}`);
        return undefined;
      }
      const key = sign === '+' ? `+${letter}` : letter;
      if (known[position + 1] !== ':') {
        flags.set(key, '');
        continue;
      }
      const rest = arg.slice(at + 1);
      const value = rest !== '' ? rest : argv[++i];
      if (value === undefined) {
        void sh.complainAs(argv[0]!, `-${letter}: option requires an argument`);
        usage(sh, argv[0]!);
        return undefined;
      }
      flags.set(key, value);
      break;
    }
  }
  return { flags, next: i };
}

export function invalidOption(sh: Shell, name: string, option: string): void {
  void sh.complainAs(name, `${option}: invalid option`);
  usage(sh, name);
}

/** The usage line; gives the status of a misused builtin. */
export function usage(sh: Shell, name: string): number {
  void sh.write(2, `${name}: usage: ${USAGE[name] ?? name}\n`);
  return 2;
}

/** A numeric argument: undefined after an error, which has been printed. */
export function numericArgument(sh: Shell, name: string, text: string): number | undefined {
  if (/^\s*[-+]?\d+\s*$/.test(text)) return Number(text);
  void sh.complainAs(name, `${text}: numeric argument required`);
  return undefined;
}

export function isIdentifier(text: string): boolean {
  return /^[A-Za-z_]\w*$/.test(text);
}

export function invalidIdentifier(sh: Shell, name: string, text: string): number {
  void sh.complainAs(name, `\`${text}': not a valid identifier`);
  return 1;
}
