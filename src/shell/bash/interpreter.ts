/** The executor as one object, and running texts: scripts, `eval`, `source`, traps, -c. */

import { ENOEXEC } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { expandAliases } from './alias.ts';
import { arithmetic } from './assign.ts';
import { builtins } from './builtins/table.ts';
import { Abort } from './error.ts';
import { afterCommand, callFunction, runList, runNode, runStatement } from './exec.ts';
import type { Source } from './ir.ts';
import { type Parsed, parseScript } from './lower.ts';
import { quoteSingle } from './quote.ts';
import type { Executor, Shell } from './shell.ts';
import { replaceShell, runWords } from './simple.ts';
import { columnAt, lineAt } from './source.ts';
import { processSubstitution, substitute } from './substitution.ts';
import { syntaxErrorToken } from './syntax-error.ts';

export const interpreter: Executor = {
  list: runList,
  node: runNode,
  text: runText,
  callFunction,
  command: runWords,
  replace: replaceShell,
  after: afterCommand,
  define: (sh, text) => {
    const node = parseScript(text).list.statements[0]?.node;
    if (node?.kind === 'function') void runNode(sh, node);
  },
  isBuiltin: (name) => builtins.has(name),
  builtinNames: () => [...builtins.keys()],
  isExecutable: (sh, path) => {
    const found = sh.system.loadProgram(sh.proc, path);
    return !isRefusal(found) || found.errno === ENOEXEC;
  },
  arithmetic: (sh, text) => arithmetic(sh, text),
  quote: quoteSingle,
  substitute,
  processSubstitution,
};

/** Where a run of statements is stopped by a syntax error. */
interface Trouble {
  message: string;
  pos: number;
}

/** Run a text in this shell, line by line as bash reads it. */
export async function runText(
  sh: Shell,
  text: string,
  options: {
    firstLine?: number;
    label?: string;
    onLine?: (end: number) => number | undefined;
    beforeLine?: (end: number) => void;
  } = {},
): Promise<number> {
  const parsed = parseScript(text, options.firstLine ?? 1);
  const { source, spans, error } = parsed;
  const stop = error === undefined ? spans.length : firstBroken(spans, source, error);
  let status = 0;
  let shown = 0;
  for (let i = 0; i < stop; ) {
    const end = lineGroup(spans, source, i, stop);
    const last = spans[end - 1]!.end;
    sh.outerLine = lineAt(source, Math.max(last - 1, 0));
    if (sh.options.has('verbose')) shown = await showInput(sh, source, shown, last);
    options.beforeLine?.(endOfLine(source, last));
    const result = await (aliased(sh) ? runAliased(sh, parsed, i, end) : runGroup(sh, parsed, i, end));
    if (result !== undefined) status = result;
    if (sh.jump !== 'none') return status;
    i = end;
    const next = options.onLine?.(endOfLine(source, last));
    if (next !== undefined) return status;
  }
  if (error === undefined) return status;
  await reportSyntaxError(sh, source, error, options.label);
  sh.status = 2;
  if (options.label === undefined && !sh.interactive && sh.frames.length === 0 && sh.runningTrap === 0)
    sh.jump = 'exit';
  return 2;
}

function aliased(sh: Shell): boolean {
  return sh.aliases.size > 0 && sh.shopts.get('expand_aliases') === true;
}

/** Run a line after putting its aliases in. */
async function runAliased(sh: Shell, written: Parsed, from: number, to: number): Promise<number | undefined> {
  const { source, spans } = written;
  const start = spans[from]!.pos;
  const text = source.text.slice(start, endOfLine(source, spans[to - 1]!.end));
  const expanded = expandAliases(text, sh.aliases);
  if (expanded === text) return runGroup(sh, written, from, to);
  const parsed = parseScript(expanded, lineAt(source, start));
  if (parsed.error !== undefined) {
    await reportSyntaxError(sh, parsed.source, parsed.error, undefined);
    return 2;
  }
  return runGroup(sh, parsed, 0, parsed.spans.length);
}

function endOfLine(source: Source, pos: number): number {
  const newline = source.text.indexOf('\n', pos);
  return newline < 0 ? source.text.length : newline + 1;
}

function hasNewline(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text.charCodeAt(i) === 10) return true;
  return false;
}

/** One past the last statement of the line (or lines) that bash parses as a whole. */
function lineGroup(spans: Parsed['spans'], source: Source, from: number, stop: number): number {
  let end = from + 1;
  while (end < stop && !hasNewline(source.text, spans[end - 1]!.end, spans[end]!.pos)) end++;
  return end;
}

/** Run the statements of one line; an error in an expansion gives up the rest of the line. */
async function runGroup(sh: Shell, parsed: Parsed, from: number, to: number): Promise<number | undefined> {
  let status: number | undefined;
  for (let i = from; i < to; i++) {
    if (sh.options.has('noexec')) return status;
    try {
      const result = runStatement(sh, parsed.statement(i));
      status = typeof result === 'number' ? result : await result;
    } catch (error) {
      if (!(error instanceof Abort) || error.kind === 'exit' || sh.forked) throw error;
      sh.status = error.status;
      sh.pipeStatus = [error.status];
      sh.errexitIgnored = 0;
      return error.status;
    }
    if (sh.jump !== 'none') return status;
  }
  return status;
}

async function showInput(sh: Shell, source: Source, from: number, pos: number): Promise<number> {
  const end = endOfLine(source, pos);
  if (end <= from) return from;
  await sh.write(2, source.text.slice(from, end));
  return end;
}

/** The first statement that bash would not have run before it met the error. */
function firstBroken(statements: Parsed['spans'], source: Source, error: Trouble): number {
  const { text } = source;
  if (text.slice(error.pos).trim() === '') return Math.max(0, groupStart(statements, text, statements.length - 1));
  const found = statements.findIndex((statement) => statement.end > error.pos);
  const index = found < 0 ? statements.length : found;
  const start = Math.min(error.pos, statements[index]?.pos ?? error.pos);
  if (index === 0 || text.slice(statements[index - 1]!.end, start).includes('\n')) return index;
  return groupStart(statements, text, index - 1);
}

/** The first statement on the line of statement `index`. */
function groupStart(statements: Parsed['spans'], text: string, index: number): number {
  let first = index;
  while (first > 0 && !text.slice(statements[first - 1]!.end, statements[first]!.pos).includes('\n')) first--;
  return first;
}

/** Bash counts one line more at the end of a text that has no newline there. */
function lastLine(source: Source): number {
  const { text } = source;
  return source.firstLine + text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

async function reportSyntaxError(sh: Shell, source: Source, error: Trouble, label: string | undefined): Promise<void> {
  const found = syntaxErrorToken(source, error);
  const line = found.atEnd ? lastLine(source) : lineAt(source, found.pos);
  const name = sh.commandString && sh.frames.length === 0 && label === undefined ? `${sh.name}: -c` : sh.currentFile;
  const prefix = label === undefined ? `${name}: line ${line}: ` : `${sh.currentFile}: ${label}: line ${line}: `;
  let text = `${prefix}${found.message}\n`;
  if (found.showLine) {
    const start = source.text.lastIndexOf('\n', found.pos - 1) + 1;
    const end = source.text.indexOf('\n', start);
    text += `${prefix}\`${source.text.slice(start, end < 0 ? undefined : end)}'\n`;
  }
  text += `${sh.currentFile}:${line}:${columnAt(source, found.pos)}: ${error.message}\n`;
  await sh.write(2, text);
}
