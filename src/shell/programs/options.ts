/** Options of the small GNU programs. */
import { Getopt, type LongOption } from '../../programs/getopt.ts';
import type { Proc } from '../process/proc.ts';

export interface Given {
  /** The last argument given for each option, '' where it takes none. */
  flags: Map<string, string>;
  /** Every option in order, for those that may be repeated. */
  all: { option: string; argument: string }[];
  operands: readonly string[];
}

/** Undefined after an error, which has been printed. */
export function readOptions(proc: Proc, shorts: string, longs: readonly LongOption[] = []): Given | undefined {
  const getopt = new Getopt(proc, shorts, longs);
  const given: Given = { flags: new Map(), all: [], operands: [] };
  for (let next = getopt.next(); next !== undefined; next = getopt.next()) {
    if (next.option === '?') {
      tryHelp(proc);
      return undefined;
    }
    given.flags.set(next.option, next.argument ?? '');
    given.all.push({ option: next.option, argument: next.argument ?? '' });
  }
  given.operands = getopt.operands;
  return given;
}

export function programName(proc: Proc): string {
  return proc.argv[0] ?? '';
}

export function tryHelp(proc: Proc): void {
  const name = programName(proc);
  proc.stderr.write(`Try '${name} --help' for more information.\n`);
}

/** `name: text` on standard error. */
export function complain(proc: Proc, text: string): void {
  proc.stderr.write(`${programName(proc)}: ${text}\n`);
}
