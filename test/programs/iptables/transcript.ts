/** Transcripts of iptables: commands with what the real program printed, one after the other in one namespace. */
import { readFileSync } from 'node:fs';
import { Kernel } from '../../../src/kernel/core/kernel.ts';
import { xtablesSocket } from '../../../src/kernel/netfilter/xtables-uapi.ts';
import { PROGRAMS } from '../../../src/programs/registry.ts';
import { ENOENT } from '../../../src/uapi/errno.ts';
import type { OutputStream, Process } from '../../../src/uapi/process.ts';
import { refuse } from '../../../src/uapi/result.ts';
import type { Xtables } from '../../../src/uapi/xtables.ts';

export interface Command {
  argv: string[];
  input: string;
  output: string;
  status: number;
}

export interface Section {
  name: string;
  commands: Command[];
}

/** Words as bash's `printf %q` writes them. */
function words(line: string): string[] {
  const found = line.match(/(?:\\.|''|[^\s\\])+/g) ?? [];
  return found.map((word) => (word === "''" ? '' : word.replace(/\\(.)/g, '$1')));
}

/** Dates are those of the recording. */
export const withoutDates = (text: string): string =>
  text.replace(/(^# (?:Generated|Completed) .*? ?on ).*$/gm, '$1DATE');

/** `== section`, `$ command`, input between `<<X` and `X`, output, `=> status`. */
export function loadTranscript(name: string): Section[] {
  const text = readFileSync(new URL(`./${name}.txt`, import.meta.url), 'utf8');
  return text
    .split(/^== /m)
    .slice(1)
    .map((part) => {
      const [title, ...rest] = part.split('\n');
      const commands = rest
        .join('\n')
        .split(/^\$ /m)
        .slice(1)
        .map((chunk): Command => {
          const [first = '', ...lines] = chunk.split('\n');
          const end = lines.findLastIndex((line) => line.startsWith('=> '));
          const heredoc = first.endsWith(' <<X') ? lines.indexOf('X') + 1 : 0;
          const output = lines.slice(heredoc, end);
          return {
            argv: words(first.replace(/ <<X$/, '')),
            input: lines
              .slice(0, Math.max(0, heredoc - 1))
              .map((line) => `${line}\n`)
              .join(''),
            output: output.map((line) => `${line}\n`).join(''),
            status: Number(lines[end]!.slice(3)),
          };
        });
      return { name: title!, commands };
    });
}

/** A fresh namespace's packet filters. */
export function freshXtables(): Xtables {
  const kernel = new Kernel({ seed: 1 });
  return xtablesSocket(kernel.createNamespace());
}

/** Run one command; standard output and error come together, as they did when recorded. */
export async function run(xtables: Xtables, { argv, input }: Command): Promise<{ output: string; status: number }> {
  let output = '';
  let buffered = '';
  const text = (data: string | Uint8Array) => (typeof data === 'string' ? data : new TextDecoder().decode(data));
  const stdout: OutputStream = {
    isTty: false,
    write(data) {
      buffered += text(data);
    },
    async flush() {
      output += buffered;
      buffered = '';
    },
    setBuffering() {},
  };
  const stderr: OutputStream = {
    ...stdout,
    write(data) {
      output += text(data);
    },
  };
  const files = { readText: () => refuse(ENOENT) };
  const stdin = { readAll: async () => new TextEncoder().encode(input) };
  const task = { xtables };
  const now = { realtime: () => 0, utcOffset: 0 };
  const process = { argv, env: new Map(), stdout, stderr, stdin, files, task, ...now } as unknown as Process;
  const status = await PROGRAMS.get(argv[0]!)!(process);
  return { output: output + buffered, status };
}
