// The CPU time of whole commands, with everything that they start.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { throwaway } from '../peers.mjs';

const hairpin = fileURLToPath(new URL('../../bin/hairpin.js', import.meta.url));
const againWorker = fileURLToPath(new URL('again-worker.mjs', import.meta.url));

/** Runs its arguments as a command and then writes, to descriptor 3, the CPU times of it and all it started. */
const TIMED = `"$@" 3>&-
status=$?
times >&3
exit $status`;

/** Seconds from what the shell's \`times\` prints: a line for itself, a line for its children. */
function childSeconds(times) {
  const [, children] = times.trim().split('\n');
  return children
    .split(' ')
    .map((time) => /^(\d+)m([\d.]+)s$/.exec(time))
    .reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

/**
 * Runs a command: the CPU seconds of it and of all that it started and waited for, user and system, and its
 * output. It must end with status 0 and write nothing to its standard error.
 */
export function timed(command, { input = '', cwd = undefined } = {}) {
  const stdio = ['pipe', 'pipe', 'pipe', 'pipe'];
  const options = { cwd, input, stdio, encoding: 'utf8', maxBuffer: 1 << 28 };
  // Without --norc bash takes Node's socket for a remote shell and runs the user's .bashrc, whose time would count.
  const { status, output } = spawnSync('bash', ['--norc', '-c', TIMED, 'bash', ...command], options);
  const [, stdout, stderr, times] = output ?? [];
  if (status !== 0 || stderr !== '') throw new Error(`${command.slice(0, 3).join(' ')} failed: ${stderr}`);
  return { cpu: childSeconds(times), stdout };
}

/** Calls `use` with the path of a file that has this text, and removes it. */
export function withFile(text, use) {
  const folder = mkdtempSync(join(tmpdir(), 'hairpin-bench-'));
  try {
    const file = join(folder, 'lab.sh');
    writeFileSync(file, text);
    return use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `hairpin run` on a script: CPU seconds, the start of the process included, and what it printed. */
export function twinRun(text) {
  return withFile(text, (file) => timed([process.execPath, hairpin, 'run', '--max-events', '1000000000', file]));
}

/**
 * The script on new twins one after the other, in one process: CPU and wall seconds of each run after the first
 * `warmUp`.
 */
export function againRuns(text, warmUp, rounds) {
  const input = JSON.stringify({ text, warmUp, rounds });
  const options = { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'] };
  const { status, stdout } = spawnSync(process.execPath, [againWorker], options);
  if (status !== 0) throw new Error('the lab failed');
  return JSON.parse(stdout);
}

/** The same script under bash on this machine's kernel, in throwaway namespaces. */
export function kernelRun(text) {
  const prepare = 'mount -t tmpfs none /run && mkdir /run/netns && exec bash "$1"';
  return withFile(text, (file) => timed(throwaway('-c', prepare, 'bash', file)));
}

export { hairpin };
