/** Builtins that change what runs next: break, continue, return, exit, eval, source, exec, command, builtin. */

import { strerror } from '../../../uapi/errno.ts';
import { isRefusal } from '../../../uapi/result.ts';
import { decode } from '../../process/bytes.ts';
import { arithmetic } from '../assign.ts';
import type { Builtin } from '../builtin.ts';
import { describeCommand } from '../describe.ts';
import { Abort } from '../error.ts';
import { searchPath } from '../lookup.ts';
import type { Shell } from '../shell.ts';
import { runTrap } from '../traps.ts';
import { isIdentifier, numericArgument, readOptions } from './options.ts';

function loopJump(kind: 'break' | 'continue'): Builtin {
  return (sh, argv) => {
    if (sh.loopDepth === 0) {
      void sh.complainAs(kind, "only meaningful in a `for', `while', or `until' loop");
      return 0;
    }
    const first = argv[1] === '--' ? 2 : 1;
    let levels = 1;
    if (argv[first] !== undefined) {
      const count = numericArgument(sh, kind, argv[first]);
      if (count === undefined) return exitShell(sh, 128);
      if (argv.length > first + 1) {
        void sh.complainAs(kind, 'too many arguments');
        return sh.abort('discard', 1);
      }
      if (count < 1) {
        void sh.complainAs(kind, `${argv[first]}: loop count out of range`);
        sh.jump = 'break';
        sh.jumpLevels = sh.loopDepth;
        return 1;
      }
      levels = count;
    }
    sh.jump = kind;
    sh.jumpLevels = Math.min(levels, sh.loopDepth);
    return 0;
  };
}

export const breakLoop: Builtin = loopJump('break');
export const continueLoop: Builtin = loopJump('continue');

export const returnBuiltin: Builtin = (sh, argv) => {
  const first = argv[1] === '--' ? 2 : 1;
  let status = sh.status;
  if (argv[first] !== undefined) {
    const value = numericArgument(sh, 'return', argv[first]);
    if (value !== undefined && argv.length > first + 1) {
      void sh.complainAs('return', 'too many arguments');
      return sh.abort('discard', 1);
    }
    status = value === undefined ? 2 : value & 0xff;
  }
  if (!sh.canReturn) {
    void sh.complainAs('return', "can only `return' from a function or sourced script");
    return 2;
  }
  sh.jump = 'return';
  sh.status = status;
  return status;
};

function exitShell(sh: Shell, status: number): number {
  sh.jump = 'exit';
  sh.status = status;
  return status;
}

export const exit: Builtin = (sh, argv) => {
  const first = argv[1] === '--' ? 2 : 1;
  if (argv[first] === undefined) return exitShell(sh, sh.status);
  const value = numericArgument(sh, 'exit', argv[first]);
  if (value === undefined) return exitShell(sh, 2);
  if (argv.length > first + 1) {
    void sh.complainAs('exit', 'too many arguments');
    return sh.abort('discard', 1);
  }
  return exitShell(sh, value & 0xff);
};

export const evalBuiltin: Builtin = async (sh, argv) => {
  const first = argv[1] === '--' ? 2 : 1;
  const text = argv.slice(first).join(' ');
  if (text.trim() === '') return 0;
  sh.traceLevel++;
  try {
    return await sh.exec.text(sh, text, { firstLine: sh.line, label: 'eval' });
  } finally {
    sh.traceLevel--;
  }
};

export const source: Builtin = async (sh, argv) => {
  const options = readOptions(sh, argv, '');
  if (options === undefined) return 2;
  const name = argv[options.next];
  if (name === undefined) {
    void sh.complainAs(argv[0]!, 'filename argument required');
    void sh.write(2, `${argv[0]}: usage: ${argv[0]} filename [arguments]\n`);
    return 2;
  }
  let path = name;
  if (!name.includes('/')) path = findSourced(sh, name) ?? name;
  const data = await sh.proc.readWhole(path);
  if (isRefusal(data)) {
    const reason = strerror(data.errno).replace('Is a directory', 'is a directory');
    await (reason === 'is a directory'
      ? sh.complainAs(argv[0]!, `${name}: ${reason}`)
      : sh.complain(`${name}: ${reason}`));
    return 1;
  }
  const args = argv.slice(options.next + 1);
  const savedArgs = sh.args;
  if (args.length > 0) sh.args = args;
  sh.frames.push({ name: 'source', file: path, callLine: sh.line, isFunction: false });
  const { loopDepth, outerLine } = sh;
  sh.traceLevel++;
  try {
    let status = await sh.exec.text(sh, decode(data), { firstLine: 1 });
    if (sh.jump === 'return') {
      sh.jump = 'none';
      status = sh.status;
    }
    if (sh.traps.has('RETURN')) await runTrap(sh, 'RETURN');
    return status;
  } finally {
    sh.traceLevel--;
    sh.frames.pop();
    sh.loopDepth = loopDepth;
    sh.outerLine = outerLine;
    if (args.length > 0) sh.args = savedArgs;
  }
};

function findSourced(sh: Shell, name: string): string | undefined {
  const dirs = sh.shopts.get('sourcepath') === true ? (sh.parameter('PATH') ?? '').split(':') : [];
  for (const dir of dirs) {
    const path = `${dir === '' ? '.' : dir}/${name}`;
    const found = sh.system.vfs.resolve(sh.proc, path);
    if (!isRefusal(found) && found.inode.kind === '-') return path;
  }
  return undefined;
}

export const exec: Builtin = async (sh, argv) => {
  const options = readOptions(sh, argv, 'cla:');
  if (options === undefined) return 2;
  const command = argv.slice(options.next);
  if (command.length === 0) return 0;
  const env = options.flags.has('c') ? new Map<string, string>() : sh.environment;
  return sh.exec.replace(sh, command, env, options.flags.get('a'));
};

export const command: Builtin = async (sh, argv) => {
  const options = readOptions(sh, argv, 'pvV');
  if (options === undefined) return 2;
  const rest = argv.slice(options.next);
  if (rest.length === 0) return 0;
  if (!options.flags.has('v') && !options.flags.has('V')) return sh.exec.command(sh, rest);
  let status = 1;
  for (const name of rest) {
    const found = describeCommand(sh, name, options.flags.has('V') ? 'long' : 'short');
    if (found !== undefined) {
      status = 0;
      await sh.write(1, `${found}\n`);
    } else if (options.flags.has('V')) await sh.complainAs('command', `${name}: not found`);
  }
  return status;
};

export const builtin: Builtin = (sh, argv) => {
  const rest = argv.slice(argv[1] === '--' ? 2 : 1);
  if (rest.length === 0) return 0;
  if (!sh.exec.isBuiltin(rest[0]!)) {
    void sh.complainAs('builtin', `${rest[0]}: not a shell builtin`);
    return 1;
  }
  return sh.exec.command(sh, rest);
};

export const letBuiltin: Builtin = (sh, argv) => {
  const first = argv[1] === '--' ? 2 : 1;
  if (argv.length <= first) {
    void sh.complainAs('let', 'expression expected');
    return 1;
  }
  let value = 0n;
  try {
    for (const text of argv.slice(first)) value = arithmetic(sh, text, 'let: ');
  } catch (error) {
    if (error instanceof Abort && error.kind === 'discard') return 1;
    throw error;
  }
  return value === 0n ? 1 : 0;
};

export const hash: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'lrp:dt');
  if (options === undefined) return 2;
  const names = argv.slice(options.next);
  if (options.flags.has('r')) sh.commandHash.clear();
  let status = 0;
  let out = '';
  if (names.length === 0 && !options.flags.has('r')) {
    if (sh.commandHash.size === 0) out = 'hash: hash table empty\n';
    else if (options.flags.has('l'))
      for (const [name, { path }] of sh.commandHash) out += `builtin hash -p ${path} ${name}\n`;
    else {
      out = 'hits\tcommand\n';
      for (const { path, hits } of sh.commandHash.values()) out += `${String(hits).padStart(4)}\t${path}\n`;
    }
  }
  for (const name of names) {
    const known = sh.commandHash.get(name);
    if (options.flags.has('d')) {
      if (!sh.commandHash.delete(name)) status = 1;
    } else if (options.flags.has('p')) sh.commandHash.set(name, { path: options.flags.get('p')!, hits: 0 });
    else if (options.flags.has('t') && known !== undefined)
      out += names.length > 1 ? `${name}\t${known.path}\n` : `${known.path}\n`;
    else {
      const path = options.flags.has('t') ? undefined : searchPath(sh, name);
      if (path === undefined) {
        void sh.complainAs('hash', `${name}: not found`);
        status = 1;
      } else sh.commandHash.get(name)!.hits = 0;
    }
  }
  void sh.write(1, out);
  return status;
};

/** getopts: one option a call, through OPTIND, OPTARG and the name. */
export const getopts: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, '');
  if (options === undefined) return 2;
  const [spec, name, ...given] = argv.slice(options.next);
  if (spec === undefined || name === undefined) {
    void sh.write(2, 'getopts: usage: getopts optstring name [arg ...]\n');
    return 2;
  }
  const args = given.length > 0 ? given : sh.args;
  const silent = spec.startsWith(':');
  let index = Number(sh.parameter('OPTIND') ?? 1) || 1;
  const finish = (value: string, status: number, argument: string | undefined): number => {
    sh.vars.assign('OPTIND', String(index));
    if (argument === undefined) sh.vars.unset('OPTARG');
    else sh.vars.assign('OPTARG', argument);
    if (!isIdentifier(name)) {
      void sh.complainAs('getopts', `\`${name}': not a valid identifier`);
      return 1;
    }
    sh.assign(name, value);
    return status;
  };
  const word = args[index - 1];
  if (sh.getoptsPosition === 0) {
    if (word === undefined || word.length < 2 || word[0] !== '-') return finish('?', 1, undefined);
    if (word === '--') {
      index++;
      return finish('?', 1, undefined);
    }
    sh.getoptsPosition = 1;
  }
  const letter = word?.[sh.getoptsPosition++] ?? '?';
  const position = spec.indexOf(letter, silent ? 1 : 0);
  const ended = sh.getoptsPosition >= (word?.length ?? 0);
  const advance = () => {
    index++;
    sh.getoptsPosition = 0;
  };
  const complain = (text: string) => {
    if (!silent && sh.parameter('OPTERR') !== '0') void sh.write(2, `${sh.name}: ${text} -- ${letter}\n`);
  };
  if (letter === ':' || position < 0) {
    if (ended) advance();
    complain('illegal option');
    return finish('?', 0, silent ? letter : undefined);
  }
  if (spec[position + 1] !== ':') {
    if (ended) advance();
    return finish(letter, 0, undefined);
  }
  if (!ended) {
    const argument = word!.slice(sh.getoptsPosition);
    advance();
    return finish(letter, 0, argument);
  }
  const argument = args[index];
  advance();
  if (argument === undefined) {
    complain('option requires an argument');
    return finish(silent ? ':' : '?', 0, silent ? letter : undefined);
  }
  index++;
  return finish(letter, 0, argument);
};
