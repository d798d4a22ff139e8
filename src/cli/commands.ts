/** Finding the command that is meant. */

import { fuzz } from './fuzz.ts';
import { kernels } from './kernels.ts';
import { checkCommand, UsageError } from './options.ts';
import { inject, replay } from './replay.ts';
import { run } from './run.ts';
import { shell } from './shell.ts';
import { test } from './test.ts';
import { usageText } from './usage.ts';
import { VERSION } from './version.ts';

const USAGE_STATUS = 2;
const STOPPED = 3;
const INTERNAL_ERROR = 70;
/** What V8 says when a text or an array grows too large. */
const TOO_LARGE = /^(Invalid (string|typed array|array) length|Array buffer allocation)/;

/** Run the program with these arguments. Returns the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(argv);
  } catch (error) {
    if (error instanceof UsageError) {
      const about = error.command === undefined ? 'hairpin help' : `hairpin help ${error.command}`;
      process.stderr.write(`hairpin: ${error.message}\nTry '${about}'.\n`);
      return USAGE_STATUS;
    }
    if (error instanceof RangeError && TOO_LARGE.test(error.message)) {
      process.stderr.write('hairpin: stopped: a value grew beyond the memory there is\n');
      return STOPPED;
    }
    const detail =
      process.env['HAIRPIN_DEBUG'] === undefined ? String(error) : ((error as Error).stack ?? String(error));
    process.stderr.write(`hairpin: internal error, please report it: ${detail}\n`);
    return INTERNAL_ERROR;
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const [word, ...rest] = argv;
  if (word === undefined) {
    process.stderr.write(usageText()!);
    return USAGE_STATUS;
  }
  if (word === '--version' || word === '-V') {
    process.stdout.write(`hairpin ${VERSION}\n`);
    return 0;
  }
  if (word === '--help' || word === '-h') return help(rest);
  switch (checkCommand(word)) {
    case 'run':
      return run(rest);
    case 'test':
      return test(rest);
    case 'shell':
      return shell(rest);
    case 'fuzz':
      return fuzz(rest);
    case 'replay':
      return replay(rest);
    case 'inject':
      return inject(rest);
    case 'kernels':
      return kernels(rest);
    default:
      return help(rest);
  }
}

function help([command]: readonly string[]): number {
  const text = usageText(command);
  if (text === undefined) throw new UsageError(`unknown command ${command}`);
  process.stdout.write(text);
  return 0;
}
