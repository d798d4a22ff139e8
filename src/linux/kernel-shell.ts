/** Bash at the user's own terminal, in throwaway namespaces. */
import { spawn } from 'node:child_process';
import { driverScript } from './driver.ts';
import { enterNamespaces, labEnvironment, whyUnavailable } from './kernel-backend.ts';
import { BackendUnavailable } from './unavailable.ts';

/**
 * Run an interactive bash that begins in `folder` and runs `startUp` before its first prompt. Returns
 * its exit status.
 */
export async function interactiveShell(folder: string, startUp: string): Promise<number> {
  const why = whyUnavailable();
  if (why !== undefined) throw new BackendUnavailable(`labs cannot run on this machine's kernel: ${why}`);
  const script = `${driverScript({ folder })}
printf '%s' "PS1='# '; PS2='> '
unset HAIRPIN_START BASH_ENV
$HAIRPIN_START" > /run/hairpin/start
if [ -t 0 ] && command -v script > /dev/null; then
  # The terminal belongs to processes outside of these namespaces: a new one for those inside.
  SHELL=/bin/bash script -qec 'exec bash --rcfile /run/hairpin/start -i' /dev/null
else
  BASH_ENV=/run/hairpin/start bash -s
fi
exit $?
`;
  const [command, ...args] = [...enterNamespaces(), 'bash', '--norc', '-c', script, 'bash'];
  const env = { ...labEnvironment({}), HAIRPIN_START: startUp };
  // Ctrl-C is for the command in the foreground.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  const child = spawn(command!, args, { stdio: 'inherit', env });
  const status = await new Promise<number>((done) => {
    child.once('close', (code, signal) => done(code ?? (signal === null ? 255 : 137)));
  });
  process.off('SIGINT', ignore);
  return status;
}
