/** Running statements: lists, pipelines, compound commands, functions. */
import { arithmetic } from './assign.ts';
import { conditional } from './conditional.ts';
import { Abort, CommandFailure } from './error.ts';
import { drive, expandPattern, expandText, expandWords } from './expand.ts';
import type { List, Node, Statement } from './ir.ts';
import { forkShell, placeInBackground, runPipeline, runSubshell, startCoproc, waitForeground } from './job-control.ts';
import { patternRegExp } from './pattern.ts';
import { redirect, restore, type Saved } from './redirect.ts';
import { select } from './select.ts';
import type { FunctionDefinition, Shell } from './shell.ts';
import { runSimple } from './simple.ts';
import { timed } from './time.ts';
import { runPendingTraps, runTrap } from './traps.ts';
import { traceArithmetic, traceCase, traceFor } from './xtrace.ts';

/** Run statements one after the other. */
export async function runList(sh: Shell, list: List): Promise<number> {
  let status = 0;
  for (const statement of list.statements) {
    const result = runStatement(sh, statement);
    status = typeof result === 'number' ? result : await result;
    if (sh.jump !== 'none') break;
  }
  return status;
}

/** Run one statement; sets `$?`. */
export function runStatement(sh: Shell, statement: Statement): number | Promise<number> {
  const { proc } = sh;
  if (proc.fatal !== undefined) throw proc.fatal;
  if (sh.pendingTraps.length > 0 || sh.system.scheduler.spin(proc)) return betweenCommands(sh, statement);
  return statement.background ? placeInBackground(sh, statement.node) : runNode(sh, statement.node);
}

async function betweenCommands(sh: Shell, statement: Statement): Promise<number> {
  if (sh.pendingTraps.length > 0) await runPendingTraps(sh);
  else await sh.proc.spend(sh.system.scheduler.spinTick);
  if (sh.jump !== 'none') return sh.status;
  return statement.background ? placeInBackground(sh, statement.node) : runNode(sh, statement.node);
}

/** Run a command; sets `$?`. */
export function runNode(sh: Shell, node: Node): number | Promise<number> {
  switch (node.kind) {
    case 'simple':
      return runSimple(sh, node);
    case 'pipeline':
      return runPipelineNode(sh, node);
    case 'andor':
      return runAndOr(sh, node);
    case 'if':
      return runIf(sh, node);
    case 'for':
      return runFor(sh, node);
    case 'select':
      return select(sh, node);
    case 'cfor':
      return runCFor(sh, node);
    case 'while':
      return runWhile(sh, node);
    case 'case':
      return runCase(sh, node);
    case 'subshell':
      return runSubshellNode(sh, node);
    case 'group':
      return runList(sh, node.body);
    case 'test':
      return checked(sh, node, () => conditional(sh, node.test, node.line));
    case 'arith':
      return checked(sh, node, () => runArithmetic(sh, node));
    case 'function':
      return defineFunction(sh, node);
    case 'coproc':
      return startCoproc(sh, node);
    case 'redirected':
      return runRedirected(sh, node);
  }
}

/** After a command that may end the shell by `set -e`: its status, with ERR trap and exit. */
export function afterCommand(sh: Shell, status: number): number | Promise<number> {
  sh.status = status;
  if (status === 0 || sh.errexitIgnored > 0 || sh.jump !== 'none') return status;
  if (sh.traps.has('ERR') || sh.options.has('errexit')) return failed(sh, status);
  return status;
}

async function failed(sh: Shell, status: number): Promise<number> {
  if (sh.traps.has('ERR')) await runTrap(sh, 'ERR');
  if (sh.options.has('errexit') && sh.jump === 'none') {
    sh.jump = 'exit';
    sh.status = status;
  }
  return status;
}

async function checked(sh: Shell, node: Node, run: () => number | Promise<number>): Promise<number> {
  sh.line = node.line;
  sh.currentNode = node;
  if (sh.traps.has('DEBUG')) await runTrap(sh, 'DEBUG');
  let status: number;
  try {
    status = await run();
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    status = error.status;
  }
  sh.pipeStatus = [status];
  return afterCommand(sh, status);
}

async function runArithmetic(sh: Shell, node: Node & { kind: 'arith' }): Promise<number> {
  const text = await drive(expandText(sh, node.body));
  if (sh.options.has('xtrace')) await traceArithmetic(sh, text);
  try {
    return arithmetic(sh, text, '((: ') === 0n ? 1 : 0;
  } catch (error) {
    if (error instanceof Abort && error.kind === 'discard') return 1;
    throw error;
  }
}

async function runPipelineNode(sh: Shell, node: Node & { kind: 'pipeline' }): Promise<number> {
  if (node.time !== 'no') return timed(sh, node, () => runPipelineBody(sh, node));
  return runPipelineBody(sh, node);
}

async function runPipelineBody(sh: Shell, node: Node & { kind: 'pipeline' }): Promise<number> {
  let status: number;
  if (node.negate) sh.errexitIgnored++;
  try {
    if (node.commands.length === 0) status = 0;
    else if (node.commands.length === 1) status = await runNode(sh, node.commands[0]!);
    else {
      sh.line = node.line;
      status = await runPipeline(sh, node);
    }
  } finally {
    if (node.negate) sh.errexitIgnored--;
  }
  if (sh.jump !== 'none') return status;
  if (node.negate) {
    sh.status = status === 0 ? 1 : 0;
    return sh.status;
  }
  return node.commands.length > 1 ? afterCommand(sh, status) : status;
}

async function runAndOr(sh: Shell, node: Node & { kind: 'andor' }): Promise<number> {
  const last = node.commands.length - 1;
  let status = 0;
  for (let i = 0; i <= last; i++) {
    if (i > 0 && (node.operators[i - 1] === '&&') !== (status === 0)) continue;
    if (i === last) return runNode(sh, node.commands[i]!);
    sh.errexitIgnored++;
    try {
      const result = runNode(sh, node.commands[i]!);
      status = typeof result === 'number' ? result : await result;
    } finally {
      sh.errexitIgnored--;
    }
    sh.status = status;
    if (sh.jump !== 'none') return status;
  }
  return status;
}

async function runTest(sh: Shell, list: List): Promise<number> {
  sh.errexitIgnored++;
  try {
    return await runList(sh, list);
  } finally {
    sh.errexitIgnored--;
  }
}

async function runIf(sh: Shell, node: Node & { kind: 'if' }): Promise<number> {
  for (const arm of node.arms) {
    const status = await runTest(sh, arm.test);
    if (sh.jump !== 'none') return status;
    if (status === 0) return runList(sh, arm.body);
  }
  if (node.otherwise !== undefined) return runList(sh, node.otherwise);
  sh.status = 0;
  return 0;
}

/** After a turn of a loop: whether to leave it. Takes one level off `break` and `continue`. */
function leaves(sh: Shell): boolean {
  if (sh.jump === 'none') return false;
  if (sh.jump === 'continue') {
    if (--sh.jumpLevels > 0) return true;
    sh.jump = 'none';
    return false;
  }
  if (sh.jump === 'break' && --sh.jumpLevels === 0) sh.jump = 'none';
  return true;
}

/** The DEBUG trap before a compound command that is not run by way of its parts alone. */
async function debugTrap(sh: Shell, node: Node): Promise<void> {
  sh.line = node.line;
  sh.currentNode = node;
  await runTrap(sh, 'DEBUG');
}

async function runFor(sh: Shell, node: Node & { kind: 'for' }): Promise<number> {
  sh.line = node.line;
  const expanded = node.words === undefined ? [...sh.args] : drive(expandWords(sh, node.words));
  const words = expanded instanceof Promise ? await expanded : expanded;
  let status = 0;
  sh.status = 0;
  sh.loopDepth++;
  try {
    for (const word of words) {
      if (sh.traps.has('DEBUG')) await debugTrap(sh, node);
      sh.line = node.line;
      if (sh.options.has('xtrace')) await traceFor(sh, node);
      if (!bindLoopVariable(sh, node.name, word)) return afterCommand(sh, 1);
      status = await runList(sh, node.body);
      if (leaves(sh)) break;
    }
  } finally {
    sh.loopDepth--;
  }
  return status;
}

function bindLoopVariable(sh: Shell, name: string, word: string): boolean {
  const variable = sh.vars.get(name);
  if (variable?.nameref === true) {
    variable.value = word;
    return true;
  }
  try {
    sh.assign(name, word);
    return true;
  } catch (error) {
    if (error instanceof CommandFailure) return false;
    throw error;
  }
}

async function runCFor(sh: Shell, node: Node & { kind: 'cfor' }): Promise<number> {
  let status = 0;
  const clause = async (word: typeof node.init): Promise<bigint> => {
    sh.line = node.line;
    const text = word === undefined ? '1' : await drive(expandText(sh, word));
    if (sh.options.has('xtrace')) await traceArithmetic(sh, text.trimStart());
    return arithmetic(sh, text, '((: ');
  };
  sh.status = 0;
  sh.loopDepth++;
  try {
    await clause(node.init);
    while ((await clause(node.test)) !== 0n) {
      status = await runList(sh, node.body);
      if (leaves(sh)) break;
      await clause(node.update);
      if (sh.proc.fatal !== undefined) throw sh.proc.fatal;
      if (sh.system.scheduler.spin(sh.proc)) await sh.proc.spend(sh.system.scheduler.spinTick);
    }
  } catch (error) {
    if (!(error instanceof Abort) || error.kind !== 'discard') throw error;
    status = 1;
    sh.status = 1;
  } finally {
    sh.loopDepth--;
  }
  return status;
}

async function runWhile(sh: Shell, node: Node & { kind: 'while' }): Promise<number> {
  let status = 0;
  sh.loopDepth++;
  try {
    for (;;) {
      const test = await runTest(sh, node.test);
      if (sh.jump !== 'none') {
        if (leaves(sh)) return status;
        continue;
      }
      if ((test === 0) === node.until) break;
      status = await runList(sh, node.body);
      if (leaves(sh)) return status;
    }
  } finally {
    sh.loopDepth--;
  }
  sh.status = status;
  return status;
}

async function runCase(sh: Shell, node: Node & { kind: 'case' }): Promise<number> {
  if (sh.traps.has('DEBUG')) await debugTrap(sh, node);
  sh.line = node.line;
  const text = await drive(expandText(sh, node.word));
  if (sh.options.has('xtrace')) await traceCase(sh, node);
  const options = { extglob: sh.shopts.get('extglob') === true, ignoreCase: sh.shopts.get('nocasematch') === true };
  let status = 0;
  let fall = false;
  sh.status = 0;
  for (const item of node.items) {
    let matches = fall;
    for (const pattern of item.patterns) {
      if (matches) break;
      matches = patternRegExp(await drive(expandPattern(sh, pattern)), options).test(text);
    }
    if (!matches) continue;
    status = await runList(sh, item.body);
    if (sh.jump !== 'none' || item.end === ';;') return status;
    fall = item.end === ';&';
  }
  return status;
}

async function runSubshellNode(sh: Shell, node: Node & { kind: 'subshell' }): Promise<number> {
  sh.line = node.line;
  sh.currentNode = node;
  const child = forkShell(sh);
  child.subshellLevel++;
  runSubshell(child, () => runList(child, node.body), node);
  const status = await waitForeground(sh, [child.proc], node);
  sh.pipeStatus = [status];
  return afterCommand(sh, status);
}

function defineFunction(sh: Shell, node: Node & { kind: 'function' }): number {
  const old = sh.functions.get(node.name);
  if (sh.readonlyFunctions.has(node.name)) {
    sh.line = node.line;
    void sh.complain(`${node.name}: readonly function`);
    sh.status = 1;
    return 1;
  }
  sh.functions.set(node.name, {
    name: node.name,
    body: node.body,
    source: node.source,
    file: sh.frames.at(-1)?.file ?? (sh.commandString || sh.interactive ? 'environment' : sh.name),
    line: node.line,
    exported: old?.exported === true,
  });
  sh.status = 0;
  return 0;
}

async function runRedirected(sh: Shell, node: Node & { kind: 'redirected' }): Promise<number> {
  sh.line = node.line;
  const saved: Saved = [];
  try {
    await redirect(sh, node.redirs, saved);
  } catch (error) {
    restore(sh.proc, saved);
    if (!(error instanceof CommandFailure)) throw error;
    return afterCommand(sh, error.status);
  }
  try {
    return await runNode(sh, node.body);
  } finally {
    restore(sh.proc, saved);
  }
}

/** Call a function with arguments; redirections and temporary variables are the caller's. */
export async function callFunction(
  sh: Shell,
  definition: FunctionDefinition,
  args: readonly string[],
): Promise<number> {
  const limit = Number(sh.parameter('FUNCNEST') ?? 0) || MAX_NESTING;
  if (sh.frames.length >= limit) {
    void sh.complain(`${definition.name}: maximum function nesting level exceeded (${limit})`);
    throw new Abort('discard');
  }
  const { args: savedArgs, loopDepth, getoptsPosition } = sh;
  const traps = hideTraps(sh);
  sh.frames.push({ name: definition.name, file: definition.file, callLine: sh.line, isFunction: true });
  sh.vars.pushScope();
  sh.args = [...args];
  sh.loopDepth = 0;
  try {
    if (sh.traps.has('DEBUG')) await runTrap(sh, 'DEBUG');
    let status = await runNode(sh, definition.body);
    if (sh.jump === 'return') {
      sh.jump = 'none';
      status = sh.status;
    }
    if (sh.traps.has('RETURN')) await runTrap(sh, 'RETURN');
    return status;
  } finally {
    traps?.();
    sh.frames.pop();
    sh.vars.popScope();
    sh.args = savedArgs;
    sh.loopDepth = loopDepth;
    sh.getoptsPosition = getoptsPosition;
  }
}

const MAX_NESTING = 2000;

/** Functions do not inherit the ERR, DEBUG and RETURN traps, unless asked to; gives what brings them back. */
function hideTraps(sh: Shell): (() => void) | undefined {
  if (sh.traps.size === 0) return undefined;
  const hidden: [string, string][] = [];
  for (const name of ['ERR', 'DEBUG', 'RETURN']) {
    const text = sh.traps.get(name);
    if (text === undefined || sh.options.has(name === 'ERR' ? 'errtrace' : 'functrace')) continue;
    hidden.push([name, text]);
    sh.traps.delete(name);
  }
  if (hidden.length === 0) return undefined;
  return () => {
    for (const [name, text] of hidden) if (!sh.traps.has(name)) sh.traps.set(name, text);
  };
}
