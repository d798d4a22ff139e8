/** Processes of a shell: subshells, pipelines, background jobs, waiting, and what bash says about deaths. */
import { NullFile } from '../process/open-file.ts';
import { openPipe } from '../process/pipe.ts';
import type { Proc } from '../process/proc.ts';
import { SIGCHLD, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, signalName, signalText } from '../process/signals.ts';
import { Abort } from './error.ts';
import type { List, Node } from './ir.ts';
import type { Job } from './jobs.ts';
import { commandText } from './print.ts';
import { Shell } from './shell.ts';
import { installDynamic } from './special.ts';
import { installTrapHandlers, runExitTrap, runPendingTraps } from './traps.ts';

/** fork() of a shell: a copy with its own process, traps reset. */
export function forkShell(sh: Shell): Shell {
  const proc = sh.system.fork(sh.proc);
  const child = new Shell(proc, sh.name, sh.exec, sh);
  child.commandString = sh.commandString;
  installDynamic(child, false);
  resetTraps(child);
  installTrapHandlers(child);
  proc.onEnd = () => sh.proc.reap(proc);
  return child;
}

/** A subshell keeps the signals that are ignored, and loses the traps that run something. */
function resetTraps(sh: Shell): void {
  for (const [name, text] of sh.traps) {
    if (name === 'ERR' && sh.options.has('errtrace')) continue;
    if ((name === 'DEBUG' || name === 'RETURN') && sh.options.has('functrace')) continue;
    if (text !== '') {
      sh.inheritedTraps.set(name, text);
      sh.traps.delete(name);
    }
  }
}

/** Descriptors of coprocesses are not for subshells: a coprocess ends when nobody can write to it. */
function closeHidden(sh: Shell): void {
  for (const fd of sh.hiddenFds) sh.proc.setFd(fd, undefined);
  sh.hiddenFds.clear();
}

/** Put a forked shell on the run queue. */
export function runSubshell(sh: Shell, run: () => number | Promise<number>, syntax?: Node): void {
  if (syntax?.kind === 'subshell') {
    sh.tailNode = tailOf(syntax.body);
    closeHidden(sh);
  }
  sh.system.start(sh.proc, () => shellMain(sh, run));
}

/** Everything a shell does: the commands, then the EXIT trap. Gives the exit status. */
export async function shellMain(sh: Shell, run: () => number | Promise<number>): Promise<number> {
  let status: number;
  try {
    status = await run();
    if (sh.jump === 'exit') status = sh.status;
  } catch (error) {
    if (!(error instanceof Abort)) throw error;
    status = error.status;
    sh.status = status;
  }
  if (sh.replaced) return status;
  sh.status = status;
  if (sh.pendingTraps.length > 0) {
    sh.jump = 'none';
    await runPendingTraps(sh);
  }
  if (sh.proc.fatal !== undefined) throw sh.proc.fatal;
  return runExitTrap(sh, status);
}

/** The simple command that may run in the subshell's own process: its last. */
export function tailOf(list: List): Node | undefined {
  const last = list.statements.at(-1);
  if (last === undefined || last.background) return undefined;
  return tailNode(last.node);
}

function tailNode(node: Node): Node | undefined {
  if (node.kind === 'simple') return node;
  return node.kind === 'andor' ? tailNode(node.commands.at(-1)!) : undefined;
}

// ---------------------------------------------------------------- pipelines

/** Start every command of a pipeline in a process of its own. */
function startPipeline(sh: Shell, node: Node & { kind: 'pipeline' }, background: boolean): Proc[] {
  const procs: Proc[] = [];
  const { commands } = node;
  let input: ReturnType<typeof openPipe>['reader'] | undefined;
  const lastInShell = usesLastPipe(sh, background);
  const count = lastInShell ? commands.length - 1 : commands.length;
  for (let i = 0; i < count; i++) {
    const command = commands[i]!;
    const child = forkShell(sh);
    const debug = sh.traps.get('DEBUG');
    if (debug !== undefined && command.kind === 'simple') child.traps.set('DEBUG', debug);
    const { proc } = child;
    if (background) prepareBackground(child, i === 0);
    if (input !== undefined) proc.setFd(0, input);
    input = undefined;
    if (i < commands.length - 1) {
      const pipe = openPipe(sh.system.scheduler, sh.system.nextPipe());
      proc.setFd(1, pipe.writer);
      if (node.both[i]) proc.setFd(2, pipe.writer.dup());
      input = pipe.reader;
    }
    if (!background && runsOneCommand(sh, command)) child.jobs.inherit(sh.jobs);
    startMember(child, command);
    procs.push(proc);
  }
  if (input !== undefined) sh.pipelineInput = input;
  return procs;
}

/** A command that is no function and nothing compound: only such members of a pipeline keep the list of jobs. */
function runsOneCommand(sh: Shell, command: Node): boolean {
  return command.kind === 'simple' && !sh.functions.has(command.words[0]?.text ?? '');
}

function usesLastPipe(sh: Shell, background: boolean): boolean {
  return !background && sh.shopts.get('lastpipe') === true && !sh.options.has('monitor');
}

/** One command of a pipeline or a background command: a program takes the process over. */
function startMember(child: Shell, command: Node): void {
  child.tailNode = command.kind === 'simple' ? command : command.kind === 'subshell' ? tailOf(command.body) : undefined;
  if (command.kind !== 'simple') {
    child.subshellLevel++;
    closeHidden(child);
  }
  const run =
    command.kind === 'subshell' ? () => child.exec.list(child, command.body) : () => child.exec.node(child, command);
  runSubshell(child, run);
}

export async function runPipeline(sh: Shell, node: Node & { kind: 'pipeline' }): Promise<number> {
  const ignored = sh.errexitIgnored;
  const procs = startPipeline(sh, node, false);
  let lastStatus: number | undefined;
  if (sh.pipelineInput !== undefined) lastStatus = await runLastInShell(sh, node.commands.at(-1)!, sh.pipelineInput);
  sh.errexitIgnored = ignored;
  await waitForeground(sh, procs, node);
  const statuses = procs.map((proc) => proc.status);
  if (lastStatus !== undefined) statuses.push(lastStatus);
  sh.pipeStatus = statuses;
  if (!sh.options.has('pipefail')) return statuses.at(-1)!;
  return statuses.findLast((status) => status !== 0) ?? 0;
}

async function runLastInShell(sh: Shell, command: Node, input: NonNullable<Shell['pipelineInput']>): Promise<number> {
  sh.pipelineInput = undefined;
  const saved = sh.proc.fds[0]?.dup();
  sh.proc.setFd(0, input);
  sh.errexitIgnored++;
  try {
    return await sh.exec.node(sh, command);
  } finally {
    sh.errexitIgnored--;
    sh.proc.setFd(0, saved);
  }
}

// ---------------------------------------------------------------- background

/** Without job control, what runs in the background ignores the keyboard's signals and reads nothing. */
function prepareBackground(child: Shell, first: boolean): void {
  if (child.options.has('monitor')) {
    child.proc.pgid = child.proc.pid;
    return;
  }
  child.proc.setDisposition(SIGINT, 'ignore');
  child.proc.setDisposition(SIGQUIT, 'ignore');
  if (first) child.proc.setFd(0, new NullFile());
}

export function placeInBackground(sh: Shell, node: Node): number | Promise<number> {
  let procs: Proc[];
  if (node.kind === 'pipeline' && node.commands.length > 1 && !node.negate && node.time === 'no') {
    procs = startPipeline(sh, node, true);
    if (sh.options.has('monitor')) for (const proc of procs) proc.pgid = procs[0]!.pid;
  } else {
    const child = forkShell(sh);
    prepareBackground(child, true);
    startMember(child, node);
    procs = [child.proc];
  }
  const shown = node.kind === 'pipeline' && node.negate && node.commands.length === 1 ? node.commands[0]! : node;
  addJob(sh, procs, commandText(shown));
  sh.status = 0;
  const job = sh.jobs.current!;
  return sh.interactive ? announce(sh, job) : 0;
}

async function announce(sh: Shell, job: Job): Promise<number> {
  await sh.write(2, `[${job.number}] ${job.procs.at(-1)!.pid}\n`);
  return 0;
}

/** Enter a background pipeline into the job table. */
export function addJob(sh: Shell, procs: Proc[], command: string): Job {
  const job = sh.jobs.add(procs, command);
  sh.lastBackground = procs.at(-1)!.pid;
  for (const proc of procs) {
    proc.onEnd = () => {
      sh.jobs.ended.set(proc.pid, proc.status);
      sh.proc.reap(proc);
      if (job.procs.every((member) => member.ended)) job.state = 'done';
      sh.jobs.finished.push(proc);
    };
  }
  return job;
}

/** `coproc NAME command`. */
export async function startCoproc(sh: Shell, node: Node & { kind: 'coproc' }): Promise<number> {
  const { scheduler } = sh.system;
  const toChild = openPipe(scheduler, sh.system.nextPipe());
  const fromChild = openPipe(scheduler, sh.system.nextPipe());
  const child = forkShell(sh);
  child.proc.setFd(0, toChild.reader);
  child.proc.setFd(1, fromChild.writer);
  startMember(child, node.body);
  addJob(sh, [child.proc], commandText(node));
  const readFd = freeFd(sh.proc, 63);
  sh.proc.fds[readFd] = fromChild.reader;
  const writeFd = freeFd(sh.proc, readFd - 3);
  sh.proc.fds[writeFd] = toChild.writer;
  sh.hiddenFds.add(readFd).add(writeFd);
  const variable = sh.vars.ensure(node.name);
  variable.array = [String(readFd), String(writeFd)];
  sh.vars.assign(`${node.name}_PID`, String(child.proc.pid));
  sh.status = 0;
  return sh.interactive ? announce(sh, sh.jobs.current!) : 0;
}

/** The highest free descriptor up to `from`. */
export function freeFd(proc: Proc, from: number): number {
  let fd = from;
  while (proc.fds[fd] !== undefined) fd--;
  return fd;
}

// ---------------------------------------------------------------- waiting

/** Wait for the processes of a foreground command; the status of the last. */
export async function waitForeground(sh: Shell, procs: readonly Proc[], node: Node): Promise<number> {
  sh.waiting++;
  try {
    for (const proc of procs) {
      while (!proc.ended) {
        sh.proc.childEnd.add(sh.proc);
        await sh.proc.block();
      }
      if (sh.proc.children?.has(proc) === true) sh.proc.reap(proc);
    }
  } finally {
    sh.waiting--;
  }
  const last = procs.at(-1);
  if (last === undefined) return 0;
  if (last.exitSignal !== 0) reportDeath(sh, procs, last.exitSignal, node);
  if (sh.interruptPending) {
    sh.interruptPending = false;
    if (last.exitSignal === SIGINT) {
      if (sh.typed) throw new Abort('discard', 128 + SIGINT);
      sh.system.scheduler.kill(sh.proc, SIGINT);
      throw sh.proc.fatal;
    }
  }
  if (sh.jobs.finished.length > 0) notifyJobs(sh);
  return last.status;
}

function reportDeath(sh: Shell, procs: readonly Proc[], signal: number, node: Node): void {
  if (signal === SIGINT || signal === SIGPIPE || sh.inSubstitution) return;
  if (signal === SIGTERM || sh.traps.has(signalName(signal) ?? '') || sh.interactive) {
    void sh.write(2, `${signalText(signal)}\n`);
    return;
  }
  const texts = node.kind === 'pipeline' && procs.length > 1 ? node.commands.map(commandText) : [commandText(node)];
  void sh.write(2, `${outerPrefix(sh)}${pipelineReport(procs, texts)}`);
}

/** Bash names the line of the enclosing command here, not of the simple command. */
function outerPrefix(sh: Shell): string {
  return `${sh.currentFile}: line ${sh.outerLine > 0 ? sh.outerLine : sh.line}: `;
}

/** `  123 Killed                  sleep 5`, a line for each member of a pipeline. */
function pipelineReport(procs: readonly Proc[], texts: readonly string[]): string {
  let out = '';
  procs.forEach((proc, i) => {
    const indent = i === 0 ? '' : '     ';
    out += `${indent}${String(proc.pid).padStart(5)} ${stateText(proc).padEnd(23)} ${i === 0 ? '' : '| '}${texts[i] ?? ''}\n`;
  });
  return out;
}

/** Done, Exit 1, Killed. */
export function stateText(proc: Proc): string {
  if (!proc.ended) return proc.stopped ? 'Stopped' : 'Running';
  if (proc.exitSignal !== 0) return signalText(proc.exitSignal);
  return proc.exitCode === 0 ? 'Done' : `Exit ${proc.exitCode}`;
}

/**
 * Say what bash says about background jobs that have ended, and forget them. A script keeps those that
 * ended by themselves until `jobs` shows them or `wait` asks for them.
 */
export function notifyJobs(sh: Shell, waited: (job: Job) => boolean = () => false): void {
  sh.jobs.finished.length = 0;
  for (const job of sh.jobs.all) if (job.state === 'done') notifyJob(sh, job, waited(job));
}

/** The same for one job. */
export function notifyJob(sh: Shell, job: Job, waited: boolean): void {
  const last = job.procs.at(-1)!;
  if (sh.interactive) void sh.write(2, jobLine(sh, job, false));
  else if (reportable(sh, last.exitSignal)) {
    void sh.write(2, `${outerPrefix(sh)}${pipelineReport(job.procs, job.command.split(' | '))}`);
  } else if (last.exitSignal === 0 && !waited && !sh.commandString) return;
  sh.jobs.remove(job);
}

function reportable(sh: Shell, signal: number): boolean {
  if (signal === 0 || signal === SIGINT || signal === SIGTERM || signal === SIGPIPE) return false;
  return !sh.traps.has(signalName(signal) ?? '') && !sh.inSubstitution;
}

/** `[1]+  Running                 sleep 5 &` */
export function jobLine(sh: Shell, job: Job, long: boolean): string {
  const last = job.procs.at(-1)!;
  const state = job.state === 'running' ? (last.stopped ? 'Stopped' : 'Running') : stateText(last);
  const tail = job.state === 'running' && !last.stopped ? ' &' : '';
  const head = `[${job.number}]${sh.jobs.mark(job)} `;
  if (!long) return `${head} ${state.padEnd(23)} ${job.command}${tail}\n`;
  const commands = job.command.split(' | ');
  if (commands.length !== job.procs.length)
    return `${head}${String(last.pid).padStart(5)} ${state.padEnd(23)} ${job.command}${tail}\n`;
  let out = '';
  job.procs.forEach((proc, i) => {
    const text = proc === last ? state : stateText(proc);
    const prefix = i === 0 ? head : '     ';
    out += `${prefix}${String(proc.pid).padStart(5)} ${text.padEnd(23)} ${i === 0 ? '' : '| '}${commands[i]}${proc === last ? tail : ''}\n`;
  });
  return out;
}

/** Wait until `ready`, or a trapped signal (its number), for the `wait` builtin. */
export async function waitUntil(sh: Shell, ready: () => boolean): Promise<number> {
  for (;;) {
    const trapped = sh.pendingTraps.find((signal) => signal !== SIGCHLD || sh.traps.has('CHLD'));
    if (trapped !== undefined) return trapped;
    if (ready()) return 0;
    sh.proc.childEnd.add(sh.proc);
    await sh.proc.block();
  }
}
