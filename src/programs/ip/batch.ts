import { strerror } from '../../uapi/errno.ts';
import type { Process } from '../../uapi/process.ts';
import { isRefusal } from '../../uapi/result.ts';
import { EXIT_FAILURE, Exit } from './exit.ts';

/** makeargs(): words between blanks; a word may be quoted as a whole with ' or ". */
function makeArgs(process: Process, line: string): string[] {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && ' \t\r\n'.includes(line[at]!)) at++;
    if (at >= line.length) return words;
    const quote = line[at];
    if (quote === "'" || quote === '"') {
      const end = line.indexOf(quote, at + 1);
      if (end < 0) {
        process.stderr.write('Unterminated quoted string\n');
        throw new Exit(EXIT_FAILURE);
      }
      words.push(line.slice(at + 1, end));
      at = end + 1;
    } else {
      const start = at;
      while (at < line.length && !' \t\r\n'.includes(line[at]!)) at++;
      words.push(line.slice(start, at));
      at++;
    }
  }
}

function withoutComment(line: string): string {
  const hash = line.indexOf('#');
  return hash < 0 ? line : line.slice(0, hash);
}

/**
 * do_batch(): run each line of a file (`-` is standard input) as a command; `#` begins a comment
 * anywhere, a backslash at the end of a line continues it. Stops at the first that fails unless `force`.
 */
export async function doBatch(
  process: Process,
  name: string,
  force: boolean,
  command: (argv: readonly string[]) => Promise<number>,
): Promise<number> {
  let lines: string[] | undefined;
  if (name !== '-') {
    const text = process.files.readText(name);
    if (isRefusal(text)) {
      process.stderr.write(`Cannot open file "${name}" for reading: ${strerror(text.errno)}\n`);
      return EXIT_FAILURE;
    }
    lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
  }
  let lineNumber = 0;
  const readLine = async (): Promise<string | undefined> => {
    const line = lines ? lines[lineNumber] : await process.stdin.readLine();
    if (line !== undefined) lineNumber++;
    return line;
  };

  let status = 0;
  for (;;) {
    let line = await readLine();
    if (line === undefined) return status;
    line = withoutComment(line);
    while (line.endsWith('\\')) {
      const more = await readLine();
      if (more === undefined) {
        process.stderr.write('Missing continuation line\n');
        return status;
      }
      line = line.slice(0, -1) + withoutComment(more);
    }
    const argv = makeArgs(process, line);
    if (argv.length === 0) continue;
    const failed = (await command(argv)) !== 0;
    // What a command printed comes before the complaints of the next one.
    await process.stdout.flush();
    if (failed) {
      process.stderr.write(`Command failed ${name}:${lineNumber}\n`);
      status = EXIT_FAILURE;
      if (!force) return status;
    }
  }
}
