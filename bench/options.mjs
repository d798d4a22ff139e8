// The command line of the benchmarks.
import { parseArgs } from 'node:util';

export const SECTIONS = ['frames', 'curves', 'setup', 'latency'];

export const HELP = `Usage: npm run bench -- [OPTION]...

Measures the twin and, where they are, this machine's kernel and ns-3; prints ratios and writes JSON.

  --only SECTION   one of ${SECTIONS.join(', ')}; may be given more than once
  --quick          fewer and shorter runs: about a minute, for a first impression
  --write          write docs/performance.md and its pictures (needs all sections)
  --record         write bench/anchors.json: what the kernel and ns-3 reached here (needs them, and all sections)
  --json FILE      where to write the figures (default .hairpin/bench.json)
  --twin-only      leave out the kernel and ns-3
  -h, --help       this text

The exit status is 1 when a path is below its floor or a curve grows faster than the work, 2 for wrong usage.
`;

/** What is wrong with the command line, for the person who typed it. */
export class UsageError extends Error {}

export function parseOptions(argv) {
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        only: { type: 'string', multiple: true },
        quick: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        record: { type: 'boolean', default: false },
        json: { type: 'string' },
        'twin-only': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(error.message);
  }
  const only = values.only ?? SECTIONS;
  const unknown = only.find((name) => !SECTIONS.includes(name));
  if (unknown !== undefined) throw new UsageError(`no section ${unknown}: there are ${SECTIONS.join(', ')}`);
  const whole = SECTIONS.every((name) => only.includes(name));
  for (const name of ['write', 'record']) {
    if (values[name] && !whole) throw new UsageError(`--${name} needs all sections: leave out --only`);
  }
  if (values.record && values['twin-only'])
    throw new UsageError('--record needs the kernel and ns-3: leave out --twin-only');
  if (values.record && values.quick) throw new UsageError('--record needs the long runs: leave out --quick');
  const { quick, write, record, json, help } = values;
  return {
    sections: SECTIONS.filter((name) => only.includes(name)),
    quick,
    write,
    record,
    json,
    help,
    twinOnly: values['twin-only'],
  };
}
