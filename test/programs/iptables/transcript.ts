/** Transcripts of iptables: commands with what the real program printed, one after the other in one namespace. */
import { readFileSync } from 'node:fs';

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
