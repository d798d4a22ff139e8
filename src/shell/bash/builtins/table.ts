/** The builtins by name. */
import type { Builtin } from '../builtin.ts';
import { declare, exportBuiltin, local, readonlyBuiltin, unset } from './declare.ts';
import { cd, dirs, popd, pushd, pwd } from './directories.ts';
import { echo } from './echo.ts';
import {
  breakLoop,
  builtin,
  command,
  continueLoop,
  evalBuiltin,
  exec,
  exit,
  getopts,
  hash,
  letBuiltin,
  returnBuiltin,
  source,
} from './flow.ts';
import { bg, disown, fg, jobs, kill, trap, wait } from './jobs.ts';
import { printf } from './printf.ts';
import { mapfile, read } from './read.ts';
import { alias, caller, enable, set, shift, shopt, times, type, ulimit, umask, unalias } from './settings.ts';
import { test } from './test.ts';

const succeed: Builtin = () => 0;
const fail: Builtin = () => 1;

export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ['.', source],
  [':', succeed],
  ['[', test],
  ['alias', alias],
  ['bg', bg],
  ['break', breakLoop],
  ['builtin', builtin],
  ['caller', caller],
  ['cd', cd],
  ['command', command],
  ['continue', continueLoop],
  ['declare', declare],
  ['dirs', dirs],
  ['disown', disown],
  ['echo', echo],
  ['enable', enable],
  ['eval', evalBuiltin],
  ['exec', exec],
  ['exit', exit],
  ['export', exportBuiltin],
  ['false', fail],
  ['fg', fg],
  ['getopts', getopts],
  ['hash', hash],
  ['jobs', jobs],
  ['kill', kill],
  ['let', letBuiltin],
  ['local', local],
  ['mapfile', mapfile],
  ['popd', popd],
  ['printf', printf],
  ['pushd', pushd],
  ['pwd', pwd],
  ['read', read],
  ['readarray', mapfile],
  ['readonly', readonlyBuiltin],
  ['return', returnBuiltin],
  ['set', set],
  ['shift', shift],
  ['shopt', shopt],
  ['source', source],
  ['test', test],
  ['times', times],
  ['trap', trap],
  ['true', succeed],
  ['type', type],
  ['typeset', declare],
  ['ulimit', ulimit],
  ['umask', umask],
  ['unalias', unalias],
  ['unset', unset],
  ['wait', wait],
]);

/** `exec` without a command keeps its redirections. */
export const RESTORES_NOTHING: ReadonlySet<string> = new Set(['exec']);
