/** sleep(1) of coreutils. */
import type { Proc } from '../process/proc.ts';

/** `1.5`, `2m`, `infinity`: seconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|inf(?:inity)?)([smhd]?)$/i.exec(text);
  if (match === null) return undefined;
  const unit = { '': 1, s: 1, m: 60, h: 3600, d: 86400 }[match[2]!]!;
  return (match[1]!.toLowerCase().startsWith('inf') ? Number.POSITIVE_INFINITY : Number(match[1])) * unit;
}

export async function sleep(proc: Proc): Promise<number> {
  const args = proc.argv.slice(1).filter((arg, i, all) => !(arg === '--' && all.indexOf('--') === i));
  if (args.length === 0) {
    proc.stderr.write("sleep: missing operand\nTry 'sleep --help' for more information.\n");
    return 1;
  }
  let total = 0;
  let bad = false;
  for (const arg of args) {
    const seconds = parseDuration(arg);
    if (seconds === undefined) {
      if (/^-./.test(arg)) {
        const what = arg.startsWith('--') ? `unrecognized option '${arg}'` : `invalid option -- '${arg[1]}'`;
        proc.stderr.write(`sleep: ${what}\nTry 'sleep --help' for more information.\n`);
        return 1;
      }
      proc.stderr.write(`sleep: invalid time interval ‘${arg}’\n`);
      bad = true;
    } else total += seconds;
  }
  if (bad) {
    proc.stderr.write("Try 'sleep --help' for more information.\n");
    return 1;
  }
  if (total === Number.POSITIVE_INFINITY) for (;;) await proc.block();
  await proc.sleep(Math.round(total * 1e9));
  return 0;
}
