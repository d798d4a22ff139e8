/** A document's run as people read it: prose dimmed, commands, their output, and what differs. */
import type { Aligned } from '../lab/compare.ts';
import { outputLines } from '../lab/compare.ts';
import type { LabDocument, Step } from '../lab/document.ts';
import type { StepResult } from '../lab/run.ts';
import type { Style } from './style.ts';

const FENCE = /^[ \t]*(```+|~~~+)/;

/** The lines of prose: headings stand out, drawings and other blocks are shown without their fences. */
export function proseText(lines: readonly string[], style: Style): string {
  let fence: string | undefined;
  let text = '';
  for (const line of lines) {
    const mark = FENCE.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || (mark.startsWith(fence) && line.trim() === mark))) {
      fence = fence === undefined ? mark : undefined;
    } else if (fence !== undefined) text += `${line}\n`;
    else text += `${/^#{1,6} /.test(line) ? style.bold(line) : style.dim(line)}\n`;
  }
  return text;
}

/** The command with its prompts, as it would be typed. */
export function commandLines(command: string, prompt: string, style: Style): string {
  return command
    .split('\n')
    .map((line, i) => `${style.green(i === 0 ? prompt : '>')} ${style.bold(line)}\n`)
    .join('');
}

/** The output; where it differs from the document, as a diff. */
export function resultText(result: StepResult, style: Style): string {
  if (result.asExpected)
    return outputLines(result.output)
      .map((line) => `${line}\n`)
      .join('');
  return diffText(result.comparison, style);
}

/** What was expected and what came: `-` and `+` in front of the lines that differ. */
export function diffText(comparison: readonly Aligned[], style: Style): string {
  return comparison
    .flatMap((line) => {
      switch (line.kind) {
        case 'kept':
          return line.actual.map((actual) => `  ${actual}\n`);
        case 'missing':
          return [style.red(`- ${line.expected}`), '\n'];
        default:
          return [style.green(`+ ${line.actual}`), '\n'];
      }
    })
    .join('');
}

/** A command that differs, with its place in the document. */
export function failureText(path: string, result: StepResult, style: Style): string {
  const place = `${path}:${result.step.line}`;
  return `${style.bold(place)}\n${commandLines(result.step.command, result.step.prompt, style)}${diffText(result.comparison, style)}`;
}

/** The parts of a document in order, each command followed by what `show` says. */
export class Transcript {
  readonly #document: LabDocument;
  readonly #style: Style;
  readonly #write: (text: string) => void;
  #at = 0;

  constructor(document: LabDocument, style: Style, write: (text: string) => void) {
    this.#document = document;
    this.#style = style;
    this.#write = write;
  }

  /** Prose up to the command, and the command. */
  before(step: Step): void {
    this.#prose((part) => part.kind === 'step' && part.step === step);
    this.#write(commandLines(step.command, step.prompt, this.#style));
  }

  after(result: StepResult): void {
    this.#write(resultText(result, this.#style));
  }

  /** The prose after the last command. */
  end(): void {
    this.#prose(() => false);
  }

  #prose(until: (part: LabDocument['parts'][number]) => boolean): void {
    const { parts } = this.#document;
    for (; this.#at < parts.length; this.#at++) {
      const part = parts[this.#at]!;
      if (until(part)) {
        this.#at++;
        return;
      }
      if (part.kind === 'prose') this.#write(proseText(part.lines, this.#style));
    }
  }
}
