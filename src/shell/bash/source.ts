/** Lines of a parsed text. */
import type { Source } from './ir.ts';

/** The line that holds the character at `pos`. */
export function lineAt(source: Source, pos: number): number {
  source.lines ??= lineStarts(source.text);
  const lines = source.lines;
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (lines[middle]! <= pos) low = middle;
    else high = middle - 1;
  }
  return source.firstLine + low;
}

/** Column of the character at `pos`, from 1. */
export function columnAt(source: Source, pos: number): number {
  return pos - (source.text.lastIndexOf('\n', pos - 1) + 1) + 1;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
