/**
 * A lab document: Markdown whose ```console blocks hold commands, behind a prompt `# ` or `$ `, and
 * under each the output it is expected to print. All else is prose for people.
 *
 * A command goes on over further lines for as long as the shell's parser says it is incomplete (a
 * backslash, an open quote, a here-document, `if` without `fi`); such lines may begin with the
 * secondary prompt `> `. In the expected output `...` alone on a line stands for any lines, and
 * `[..]` within a line for any text. Blank lines at the end of an output and blanks at the end of a
 * line count for nothing.
 */

/** Whether the shell would run this text, and not wait for another line. */
export type IsComplete = (text: string) => boolean;

/** A command and what is expected of it. */
export interface Step {
  /** As the shell gets it: without prompts, lines joined by newlines. */
  command: string;
  prompt: '#' | '$';
  /** Number of the command's first line in the document, from 1. */
  line: number;
  /** Lines of the document with the expected output: `[outputFrom, outputTo)`, indices from 0. */
  outputFrom: number;
  outputTo: number;
  /** Those lines without the block's indentation. */
  expected: readonly string[];
  /** The blanks in front of the block's fence. */
  indent: string;
}

/** A piece of a document, in order: lines for people, or one command. */
export type Part = { kind: 'prose'; lines: readonly string[]; line: number } | { kind: 'step'; step: Step };

/** What is wrong with a document, and where (line from 1). */
export interface DocumentError {
  line: number;
  message: string;
}

export interface LabDocument {
  lines: readonly string[];
  parts: readonly Part[];
  errors: readonly DocumentError[];
}

const FENCE = /^([ \t]*)(`{3,}|~{3,})[ \t]*([^`]*)$/;
const PROMPT = /^([#$]) (.*)$/s;

/** Read a document. It is never refused: what cannot be understood is listed in `errors`. */
export function parseDocument(text: string, isComplete: IsComplete): LabDocument {
  const lines = text.replace(/\r\n/g, '\n').split('\n');
  const parts: Part[] = [];
  const errors: DocumentError[] = [];
  let prose: string[] = [];
  const flush = (next: number) => {
    if (prose.length > 0) parts.push({ kind: 'prose', lines: prose, line: next - prose.length + 1 });
    prose = [];
  };
  for (let at = 0; at < lines.length; ) {
    const fence = FENCE.exec(lines[at]!);
    if (fence === null) {
      prose.push(lines[at++]!);
      continue;
    }
    const end = closingFence(lines, at + 1, fence[2]!);
    const language = fence[3]!.trim().split(/\s+/)[0];
    if (language !== 'console') {
      prose.push(...lines.slice(at, end + 1));
      at = end + 1;
      continue;
    }
    flush(at);
    if (end >= lines.length) errors.push({ line: at + 1, message: 'this block has no end' });
    readBlock(lines, at + 1, Math.min(end, lines.length), fence[1]!, isComplete, parts, errors);
    at = end + 1;
  }
  flush(lines.length);
  return { lines, parts, errors };
}

/** The commands of a document, in order. */
export function stepsOf(document: LabDocument): Step[] {
  return document.parts.flatMap((part) => (part.kind === 'step' ? [part.step] : []));
}

/** A document of nothing but these commands. */
export function documentOf(commands: readonly string[]): LabDocument {
  const parts = commands.map((command): Part => {
    const step: Step = { command, prompt: '#', line: 1, outputFrom: 0, outputTo: 0, expected: [], indent: '' };
    return { kind: 'step', step };
  });
  return { lines: [], parts, errors: [] };
}

/** Index of the line that closes a fence, or the number of lines. */
function closingFence(lines: readonly string[], from: number, opening: string): number {
  for (let at = from; at < lines.length; at++) {
    const text = lines[at]!.trim();
    if (text.length >= opening.length && text === opening[0]!.repeat(text.length)) return at;
  }
  return lines.length;
}

function readBlock(
  lines: readonly string[],
  from: number,
  to: number,
  indent: string,
  isComplete: IsComplete,
  parts: Part[],
  errors: DocumentError[],
): void {
  const line = (at: number) => withoutIndent(lines[at]!, indent);
  let at = from;
  while (at < to) {
    const prompt = PROMPT.exec(line(at));
    if (prompt === null) {
      if (line(at).trim() !== '')
        errors.push({ line: at + 1, message: 'output without a command: a prompt is missing' });
      at++;
      continue;
    }
    const first = at++;
    let command = prompt[2]!;
    while (at < to && !isComplete(command)) command += `\n${withoutContinuation(line(at++))}`;
    if (!isComplete(command)) errors.push({ line: first + 1, message: 'the command has no end in its block' });
    const outputFrom = at;
    while (at < to && !PROMPT.test(line(at))) at++;
    let outputTo = at;
    while (outputTo > outputFrom && line(outputTo - 1).trim() === '') outputTo--;
    const expected = Array.from({ length: outputTo - outputFrom }, (_, i) => line(outputFrom + i));
    parts.push({
      kind: 'step',
      step: { command, prompt: prompt[1] as '#' | '$', line: first + 1, outputFrom, outputTo, expected, indent },
    });
  }
}

function withoutIndent(line: string, indent: string): string {
  let at = 0;
  while (at < indent.length && (line[at] === ' ' || line[at] === '\t')) at++;
  return line.slice(at);
}

function withoutContinuation(line: string): string {
  return line === '>' ? '' : line.startsWith('> ') ? line.slice(2) : line;
}
