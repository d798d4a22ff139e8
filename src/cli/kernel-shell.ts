/** `hairpin shell --on kernel`: bash itself, at this terminal, on this machine's kernel. */
import { basename, dirname } from 'node:path';
import { parseDocument, stepsOf } from '../lab/document.ts';
import { isComplete } from '../lab/is-complete.ts';
import { quote } from '../linux/driver.ts';
import { interactiveShell } from '../linux/kernel-shell.ts';
import { BackendUnavailable } from '../linux/unavailable.ts';
import { hostFolder } from './folder.ts';
import { isDocument } from './lab.ts';
import { type ShellOptions, UsageError } from './options.ts';

export async function kernelShell({ file, args }: ShellOptions, text: string | undefined): Promise<number> {
  const folder = hostFolder(file === undefined ? process.cwd() : dirname(file)).path;
  try {
    return await interactiveShell(folder, text === undefined ? '' : startUp(file!, args, text));
  } catch (error) {
    if (error instanceof BackendUnavailable) throw new UsageError(`--on kernel: ${error.message}`, 'shell');
    throw error;
  }
}

/** What bash runs before its first prompt. */
function startUp(file: string, args: readonly string[], text: string): string {
  if (!isDocument(file, text)) return `source ${[`./${basename(file)}`, ...args].map(quote).join(' ')}\n`;
  const document = parseDocument(text, isComplete);
  const fault = document.errors[0];
  if (fault !== undefined) throw new UsageError(`${file}:${fault.line}: ${fault.message}`, 'shell');
  return stepsOf(document)
    .map(({ command, prompt }) => `printf '%s %s\\n' '${prompt}' ${quote(command)}\n${command}\n`)
    .join('');
}
