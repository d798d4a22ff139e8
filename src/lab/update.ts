/** Rewriting a document's expected output to what its commands printed. */
import { align, outputLines, updated } from './compare.ts';
import { type LabDocument, stepsOf } from './document.ts';

/**
 * The document's text with new expectations: `outputs` has one output for each command, in order.
 * Prose, commands, and the wildcards that still match stay as they are.
 */
export function updateDocument(document: LabDocument, outputs: readonly string[]): string {
  const lines: string[] = [];
  let copied = 0;
  stepsOf(document).forEach((step, index) => {
    const output = outputs[index];
    if (output === undefined) return;
    lines.push(...document.lines.slice(copied, step.outputFrom));
    copied = step.outputTo;
    const fresh = updated(align(step.expected, outputLines(output)));
    lines.push(...fresh.map((line) => (line === '' ? '' : step.indent + line)));
  });
  lines.push(...document.lines.slice(copied));
  return lines.join('\n');
}
