/** Simple commands: assignments, then a function, a builtin or a program. */
import { isRefusal } from '../../uapi/result.ts';
import { EXEC_TIME } from '../process/proc.ts';
import type { Executable } from '../process/system.ts';
import { type ArrayAssignment, assignScalar, type ElementValue, performAssignment } from './assign.ts';
import type { Builtin } from './builtin.ts';
import { builtins, RESTORES_NOTHING } from './builtins/table.ts';
import { CommandFailure } from './error.ts';
import { drive, type Eval, expandText, expandWord, expandWords, quickText, quickWord } from './expand.ts';
import type { ArrayElement, Assign, Simple, Word } from './ir.ts';
import { waitForeground } from './job-control.ts';
import { locate } from './lookup.ts';
import { type Prepared, prepare, quickPrepare, redirect, redirectChild, restore, type Saved } from './redirect.ts';
import type { FunctionDefinition, Shell } from './shell.ts';
import { runTrap } from './traps.ts';
import { traceAssignment, traceCommand } from './xtrace.ts';

export function runSimple(sh: Shell, node: Simple): number | Promise<number> {
  sh.line = node.line;
  sh.currentNode = node;
  if (
    node.argv !== undefined &&
    node.assigns.length === 0 &&
    node.redirs.length === 0 &&
    sh.traps.size === 0 &&
    !sh.options.has('xtrace')
  ) {
    return runReady(sh, node, node.argv);
  }
  return runFully(sh, node);
}

/** A command whose words are known, without assignments, redirections or traps. */
function runReady(sh: Shell, node: Simple, argv: readonly string[]): number | Promise<number> {
  const name = argv[0]!;
  sh.lastArgument = argv[argv.length - 1]!;
  const definition = sh.functions.size > 0 ? sh.functions.get(name) : undefined;
  if (definition === undefined) {
    const builtin = sh.disabledBuiltins.has(name) ? undefined : builtins.get(name);
    if (builtin !== undefined) return runBuiltinBare(sh, builtin, argv);
    return runProgram(sh, node, argv, undefined, sh.environment);
  }
  return finishAsync(sh, callNamed(sh, definition, argv));
}

/** Call a function; afterwards `$_` is the last argument of the call. */
async function callNamed(sh: Shell, definition: FunctionDefinition, argv: readonly string[]): Promise<number> {
  const status = await sh.exec.callFunction(sh, definition, argv.slice(1));
  sh.lastArgument = argv[argv.length - 1]!;
  return status;
}

function runBuiltinBare(sh: Shell, builtin: Builtin, argv: readonly string[]): number | Promise<number> {
  let result: number | Promise<number>;
  try {
    result = builtin(sh, argv);
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    result = error.status;
  }
  if (typeof result === 'number') {
    sh.pipeStatus = [result];
    return sh.exec.after(sh, result);
  }
  return finishAsync(sh, result);
}

async function finishAsync(sh: Shell, running: Promise<number>): Promise<number> {
  let status: number;
  try {
    status = await running;
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    status = error.status;
  }
  sh.pipeStatus = [status];
  return sh.exec.after(sh, status);
}

async function runFully(sh: Shell, node: Simple): Promise<number> {
  const heldBefore = sh.procSubs.length;
  try {
    if (sh.traps.has('DEBUG')) await runTrap(sh, 'DEBUG');
    if (sh.jump !== 'none') return sh.status;
    return await runExpanded(sh, node);
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    sh.pipeStatus = [error.status];
    return sh.exec.after(sh, error.status);
  } finally {
    while (sh.procSubs.length > heldBefore) sh.procSubs.pop()!();
  }
}

async function runExpanded(sh: Shell, node: Simple): Promise<number> {
  sh.substitutionStatus = 0;
  const arrays: (ArrayAssignment | undefined)[] = [];
  let argv: readonly string[];
  if (node.argv !== undefined) argv = node.argv;
  else {
    const expanded = quickCommand(sh, node.words) ?? drive(expandCommand(sh, node.words, arrays));
    argv = expanded instanceof Promise ? await expanded : expanded;
  }
  if (argv.length === 0) return assignmentsOnly(sh, node);
  const assigned: ArrayAssignment[] = [];
  for (const assign of node.assigns) {
    const expanded = drive(expandAssign(sh, assign));
    assigned.push(expanded instanceof Promise ? await expanded : expanded);
  }
  if (sh.options.has('xtrace')) {
    for (const assign of assigned) await traceAssignment(sh, assign);
    await traceCommand(sh, argv, arrays);
  }
  const name = argv[0]!;
  sh.lastArgument = argv[argv.length - 1]!;
  const definition = sh.functions.get(name);
  const builtin = definition === undefined && !sh.disabledBuiltins.has(name) ? builtins.get(name) : undefined;
  if (definition === undefined && builtin === undefined) {
    const prepared =
      node.redirs.length === 0 ? undefined : (quickPrepare(sh, node.redirs) ?? (await drive(prepare(sh, node.redirs))));
    return runProgram(sh, node, argv, prepared, environmentWith(sh, assigned));
  }
  return runInShell(sh, node, argv, assigned, () =>
    definition === undefined ? builtin!(sh, argv, arrays) : callNamed(sh, definition, argv),
  );
}

/** A function or builtin, with its redirections and temporary variables around it. */
async function runInShell(
  sh: Shell,
  node: Simple,
  argv: readonly string[],
  assigned: readonly ArrayAssignment[],
  run: () => number | Promise<number>,
): Promise<number> {
  const saved: Saved = [];
  const temporary = assigned.length > 0;
  let status: number;
  let keep = false;
  try {
    if (node.redirs.length > 0) await redirect(sh, node.redirs, saved);
    if (temporary) {
      sh.vars.pushScope(true);
      for (const assign of assigned) assignTemporary(sh, assign);
    }
    try {
      status = await run();
      keep = RESTORES_NOTHING.has(argv[0]!) && argv.length === 1;
    } finally {
      if (temporary) sh.vars.popScope();
    }
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    status = error.status;
  } finally {
    if (keep) for (const entry of saved) entry.file?.close();
    else if (saved.length > 0) restore(sh.proc, saved);
  }
  sh.pipeStatus = [status];
  return sh.exec.after(sh, status);
}

function assignTemporary(sh: Shell, assign: ArrayAssignment): void {
  if (sh.vars.get(assign.name)?.readonly === true) {
    void sh.complain(`${assign.name}: readonly variable`);
    throw new CommandFailure();
  }
  const before = sh.vars.get(assign.name)?.scalar ?? '';
  const variable = sh.vars.makeLocal(assign.name, false, true);
  variable.exported = true;
  const value = typeof assign.value === 'string' ? assign.value : '';
  assignScalar(sh, assign.name, assign.append ? before + value : value, false);
}

function environmentWith(sh: Shell, assigned: readonly ArrayAssignment[]): ReadonlyMap<string, string> {
  if (assigned.length === 0) return sh.environment;
  const env = new Map(sh.environment);
  for (const assign of assigned) {
    if (typeof assign.value !== 'string' || assign.index !== undefined) continue;
    const before = assign.append ? (sh.parameter(assign.name) ?? '') : '';
    env.set(assign.name, before + assign.value);
  }
  return env;
}

async function assignmentsOnly(sh: Shell, node: Simple): Promise<number> {
  const saved: Saved = [];
  try {
    if (node.redirs.length > 0) await redirect(sh, node.redirs, saved);
    for (const assign of node.assigns) {
      const result = quickAssign(sh, assign) ?? drive(expandAssign(sh, assign));
      const expanded = result instanceof Promise ? await result : result;
      if (sh.options.has('xtrace')) await traceAssignment(sh, expanded);
      performAssignment(sh, expanded);
    }
  } catch (error) {
    if (error instanceof CommandFailure && node.assigns.length > 0 && node.redirs.length === 0) {
      sh.pipeStatus = [1];
      sh.status = 1;
      sh.abort('discard', 1);
    }
    throw error;
  } finally {
    restore(sh.proc, saved);
  }
  const status = sh.substitutionStatus;
  sh.pipeStatus = [status];
  return sh.exec.after(sh, status);
}

/** An assignment of nothing but text, parameters and arithmetic to a scalar. */
function quickAssign(sh: Shell, { name, index, append, value, text }: Assign): ArrayAssignment | undefined {
  if (index !== undefined || !('parts' in value)) return undefined;
  const result = quickText(sh, value);
  return result === undefined ? undefined : { name, index: undefined, append, value: result, text };
}

function* expandAssign(sh: Shell, assign: Assign): Eval<ArrayAssignment> {
  const index = assign.index === undefined ? undefined : yield* expandText(sh, assign.index);
  const value = 'parts' in assign.value ? yield* expandText(sh, assign.value) : yield* expandElements(sh, assign.value);
  return { name: assign.name, index, append: assign.append, value, text: assign.text };
}

function* expandElements(sh: Shell, elements: readonly ArrayElement[]): Eval<ElementValue[]> {
  const out: ElementValue[] = [];
  for (const element of elements) {
    if (element.key !== undefined) {
      const key = yield* expandText(sh, element.key);
      out.push({ key, append: element.append, value: yield* expandText(sh, element.value) });
      continue;
    }
    const values: string[] = [];
    if (element.value.literal !== undefined) values.push(element.value.literal);
    else yield* expandWord(sh, element.value, values);
    for (const value of values) out.push({ key: undefined, append: false, value });
  }
  return out;
}

/** The words of a command of nothing but text and parameters; undefined when there is more to it. */
function quickCommand(sh: Shell, words: readonly (Word | Assign)[]): string[] | undefined {
  const out: string[] = [];
  for (const word of words) {
    if ('kind' in word) return undefined;
    if (word.literal !== undefined) out.push(word.literal);
    else if (!quickWord(sh, word, out)) return undefined;
  }
  return out;
}

/** The words of a command; assignments among them are for `declare` and its like. */
function* expandCommand(
  sh: Shell,
  words: readonly (Word | Assign)[],
  arrays: (ArrayAssignment | undefined)[],
): Eval<string[]> {
  const out: string[] = [];
  for (const word of words) {
    if (!('kind' in word)) {
      if (word.literal !== undefined) out.push(word.literal);
      else out.push(...(yield* expandWords(sh, [word])));
      continue;
    }
    const expanded = yield* expandAssign(sh, word);
    if (typeof expanded.value === 'string' && expanded.index === undefined) {
      out.push(`${expanded.name}${expanded.append ? '+=' : '='}${expanded.value}`);
    } else {
      arrays[out.length] = expanded;
      out.push(word.text);
    }
  }
  return out;
}

// ---------------------------------------------------------------- programs

function runProgram(
  sh: Shell,
  node: Simple,
  argv: readonly string[],
  prepared: readonly Prepared[] | undefined,
  env: ReadonlyMap<string, string>,
): Promise<number> {
  const name = argv[0]!;
  const found = locate(sh, name);
  if (typeof found === 'object' && 'status' in found) return notFound(sh, argv, prepared, found);
  const main = found === 'script' ? scriptMain(sh) : found.main;
  const args = found === 'script' ? ['bash', sh.commandHash.get(name)?.path ?? name, ...argv.slice(1)] : argv;
  if (sh.tailNode === node) return runInPlace(sh, args, prepared, env, main);
  const child = sh.system.fork(sh.proc);
  sh.system.start(child, async () => {
    if (prepared !== undefined) {
      try {
        await redirectChild(sh, child, prepared);
      } catch (error) {
        if (error instanceof CommandFailure) return error.status;
        throw error;
      }
    }
    for (const fd of sh.hiddenFds) child.setFd(fd, undefined);
    child.becomes(args, env);
    await child.spend(EXEC_TIME);
    return main(child);
  });
  return waitProgram(sh, child, node);
}

async function waitProgram(sh: Shell, child: Parameters<typeof waitForeground>[1][0], node: Simple): Promise<number> {
  const status = await waitForeground(sh, [child], node);
  sh.pipeStatus = [status];
  return sh.exec.after(sh, status);
}

/** The process itself becomes the program: the last command of a subshell. */
async function runInPlace(
  sh: Shell,
  argv: readonly string[],
  prepared: readonly Prepared[] | undefined,
  env: ReadonlyMap<string, string>,
  main: Executable['main'],
): Promise<number> {
  const { proc } = sh;
  if (prepared !== undefined) await redirectChild(sh, proc, prepared);
  proc.becomes(argv, env);
  await proc.spend(EXEC_TIME);
  const status = await main(proc);
  await proc.flushAll();
  sh.replaced = true;
  sh.jump = 'exit';
  sh.status = status;
  return status;
}

function scriptMain(sh: Shell): Executable['main'] {
  const found = sh.system.findProgram(sh.proc, 'bash', sh.environment);
  return isRefusal(found) ? async () => 126 : found.main;
}

async function notFound(
  sh: Shell,
  argv: readonly string[],
  prepared: readonly Prepared[] | undefined,
  failure: { status: number; message: string },
): Promise<number> {
  const saved: Saved = [];
  let { status } = failure;
  try {
    if (prepared !== undefined) {
      for (const { redir } of prepared) await redirect(sh, [redir], saved);
    }
    const handler =
      failure.status === 127 && !argv[0]!.includes('/') ? sh.functions.get('command_not_found_handle') : undefined;
    if (handler === undefined) await sh.complain(failure.message);
    else status = await sh.exec.callFunction(sh, handler, argv);
  } finally {
    restore(sh.proc, saved);
  }
  sh.pipeStatus = [status];
  return sh.exec.after(sh, status);
}

/** `command NAME ...`: a builtin or a program, but no function. */
export function runWords(sh: Shell, argv: readonly string[]): number | Promise<number> {
  const builtin = builtins.get(argv[0]!);
  if (builtin !== undefined && !sh.disabledBuiltins.has(argv[0]!)) return builtin(sh, argv);
  const { currentNode } = sh;
  const node: Simple | undefined = currentNode?.kind === 'simple' ? currentNode : undefined;
  if (node === undefined) return 127;
  sh.errexitIgnored++;
  return runProgram(sh, node, argv, undefined, sh.environment).finally(() => {
    sh.errexitIgnored--;
  });
}

/** `exec NAME ...`. */
export async function replaceShell(
  sh: Shell,
  argv: readonly string[],
  env: ReadonlyMap<string, string>,
  argv0?: string,
): Promise<number> {
  const found = locate(sh, argv[0]!);
  if (typeof found === 'object' && 'status' in found) {
    const message = found.message.replace(/: command not found$/, ': not found');
    const cannot = found.status === 126 ? message.replace(/^([^:]*): (.*)$/, '$1: cannot execute: $2') : message;
    await sh.complainAs('exec', cannot);
    if (!sh.interactive && sh.shopts.get('execfail') !== true) {
      sh.jump = 'exit';
      sh.status = found.status;
    }
    return found.status;
  }
  const args = argv0 === undefined ? argv : [argv0, ...argv.slice(1)];
  if (found !== 'script') return runInPlace(sh, args, undefined, env, found.main);
  return runInPlace(sh, ['bash', ...args], undefined, env, scriptMain(sh));
}
