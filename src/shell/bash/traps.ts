/** Traps: commands that run when signals arrive, at exit, after failures and before commands. */
import { SIGINT, signalNumber } from '../process/signals.ts';
import type { Shell } from './shell.ts';

/** Make the process's handlers match the traps. */
export function installTrapHandlers(sh: Shell): void {
  for (const [name, text] of sh.traps) setTrapHandler(sh, name, text);
  if (!sh.traps.has('INT')) defaultInterrupt(sh);
}

/** The handler for one trap; undefined removes it. */
export function setTrapHandler(sh: Shell, name: string, text: string | undefined): void {
  const signal = signalNumber(name);
  if (signal === undefined || signal === 0) return;
  if (text === undefined) {
    sh.proc.setDisposition(signal, undefined);
    if (signal === SIGINT) defaultInterrupt(sh);
  } else if (text === '') sh.proc.setDisposition(signal, 'ignore');
  else sh.proc.setDisposition(signal, () => sh.pendingTraps.push(signal));
}

/** Without a trap, SIGINT ends the shell, but not before the command that it waits for has ended by it. */
function defaultInterrupt(sh: Shell): void {
  if (sh.proc.disposition(SIGINT) === 'ignore') return;
  sh.proc.setDisposition(SIGINT, () => {
    if (sh.typed || sh.waiting > 0) sh.interruptPending = true;
    else sh.system.scheduler.kill(sh.proc, SIGINT);
  });
}

/** Run the traps of the signals that have arrived. */
export async function runPendingTraps(sh: Shell): Promise<void> {
  while (sh.pendingTraps.length > 0 && sh.jump === 'none') {
    const signal = sh.pendingTraps.shift()!;
    for (const [name, text] of sh.traps) {
      if (signalNumber(name) === signal && name !== 'EXIT' && text !== '') {
        await runText(sh, text);
        break;
      }
    }
  }
}

/** ERR, DEBUG, RETURN: run it and keep `$?`. */
export async function runTrap(sh: Shell, name: 'ERR' | 'DEBUG' | 'RETURN'): Promise<void> {
  const text = sh.traps.get(name);
  if (text === undefined || text === '' || sh.trapsRunning.has(name)) return;
  sh.trapsRunning.add(name);
  try {
    await runText(sh, text, true);
  } finally {
    sh.trapsRunning.delete(name);
  }
}

async function runText(sh: Shell, text: string, ownLine = false): Promise<void> {
  const { status, line, pipeStatus, currentNode, trappedNode } = sh;
  sh.runningTrap++;
  sh.trappedNode ??= currentNode;
  try {
    await sh.exec.text(sh, text, { firstLine: ownLine ? line : 1 });
  } finally {
    sh.runningTrap--;
    sh.line = line;
    sh.currentNode = currentNode;
    sh.trappedNode = trappedNode;
  }
  if (sh.jump === 'none') {
    sh.status = status;
    sh.pipeStatus = pipeStatus;
  }
}

/** At the end of a shell. Gives the exit status, which the trap may change by `exit`. */
export async function runExitTrap(sh: Shell, status: number): Promise<number> {
  const text = sh.traps.get('EXIT');
  if (text === undefined || text === '') return status;
  sh.traps.delete('EXIT');
  sh.jump = 'none';
  sh.status = status;
  sh.loopDepth = 0;
  await sh.exec.text(sh, text, { firstLine: 1 });
  return (sh.jump as string) === 'exit' ? sh.status : status;
}
