/**
 * Comparing an output with what was expected of it, line by line, with the wildcards of a lab
 * document. The cheapest alignment of the two is found; it says what differs, and how to bring the
 * expectation up to date without giving up its wildcards.
 */

/** A line of the comparison. `kept` lines are as expected: `actual` is what matched them. */
export type Aligned =
  | { kind: 'kept'; expected: string; actual: readonly string[] }
  /** Expected, but not printed. */
  | { kind: 'missing'; expected: string }
  /** Printed, but not expected. */
  | { kind: 'extra'; actual: string };

/** A line that stands for any number of lines. */
const ANY_LINES = '...';
const ANY_TEXT = '[..]';
/** Above so many pairs of lines no alignment is looked for. */
const LARGEST = 4_000_000;

/** An output as lines; what follows the last newline is a line of its own. */
export function outputLines(output: string): string[] {
  const lines = output.split('\n');
  while (lines.length > 0 && lines.at(-1)!.trim() === '') lines.pop();
  return lines;
}

/** Whether a line matches an expectation: as it is, or with `[..]` for any text. */
export function lineMatches(expected: string, actual: string): boolean {
  const wanted = expected.trimEnd();
  const line = actual.trimEnd();
  if (wanted === line) return true;
  if (!wanted.includes(ANY_TEXT)) return false;
  const parts = wanted.split(ANY_TEXT);
  const first = parts[0]!;
  const last = parts.at(-1)!;
  if (!line.startsWith(first) || !line.endsWith(last) || line.length < first.length + last.length) return false;
  let at = first.length;
  const end = line.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = line.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return at <= end;
}

/** Whether every line is as expected. */
export function isAsExpected(alignment: readonly Aligned[]): boolean {
  return alignment.every((line) => line.kind === 'kept');
}

/** The alignment with the fewest missing and extra lines. */
export function align(expected: readonly string[], actual: readonly string[]): Aligned[] {
  const start: Aligned[] = [];
  const tail: Aligned[] = [];
  let from = 0;
  while (from < expected.length && from < actual.length && plainMatch(expected[from]!, actual[from]!)) {
    start.push({ kind: 'kept', expected: expected[from]!, actual: [actual[from]!] });
    from++;
  }
  let expectedTo = expected.length;
  let actualTo = actual.length;
  while (expectedTo > from && actualTo > from && plainMatch(expected[expectedTo - 1]!, actual[actualTo - 1]!)) {
    tail.push({ kind: 'kept', expected: expected[--expectedTo]!, actual: [actual[--actualTo]!] });
  }
  const middle = alignMiddle(expected.slice(from, expectedTo), actual.slice(from, actualTo));
  return [...start, ...middle, ...tail.reverse()];
}

/** The expectation that the output fulfils, with as much of the old one, wildcards included, as still holds. */
export function updated(alignment: readonly Aligned[]): string[] {
  const lines: string[] = [];
  for (const line of alignment) {
    if (line.kind === 'kept') lines.push(line.expected);
    else if (line.kind === 'extra') lines.push(line.actual.trimEnd());
  }
  return lines;
}

function plainMatch(expected: string, actual: string): boolean {
  return expected.trimEnd() !== ANY_LINES && lineMatches(expected, actual);
}

function alignMiddle(expected: readonly string[], actual: readonly string[]): Aligned[] {
  const rows = expected.length;
  const columns = actual.length;
  if (rows * columns > LARGEST) {
    return [
      ...expected.map((line): Aligned => ({ kind: 'missing', expected: line })),
      ...actual.map((line): Aligned => ({ kind: 'extra', actual: line })),
    ];
  }
  const width = columns + 1;
  const wild = expected.map((line) => line.trimEnd() === ANY_LINES);
  const matches = new Uint8Array(rows * columns);
  // cost[i * width + j]: the fewest differences between expected[i...] and actual[j...].
  const cost = new Uint32Array((rows + 1) * width);
  for (let j = columns - 1; j >= 0; j--) cost[rows * width + j] = columns - j;
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = columns; j >= 0; j--) {
      const below = cost[(i + 1) * width + j]!;
      if (wild[i]) {
        cost[i * width + j] = j < columns ? Math.min(below, cost[i * width + j + 1]!) : below;
        continue;
      }
      let best = below + 1;
      if (j < columns) {
        best = Math.min(best, cost[i * width + j + 1]! + 1);
        if (lineMatches(expected[i]!, actual[j]!)) {
          matches[i * columns + j] = 1;
          best = Math.min(best, cost[(i + 1) * width + j + 1]!);
        }
      }
      cost[i * width + j] = best;
    }
  }
  const result: Aligned[] = [];
  let i = 0;
  let j = 0;
  while (i < rows || j < columns) {
    const here = cost[i * width + j]!;
    if (i < rows && wild[i]) {
      const from = j;
      while (j < columns && cost[(i + 1) * width + j]! > here) j++;
      result.push({ kind: 'kept', expected: expected[i++]!, actual: actual.slice(from, j) });
    } else if (i < rows && j < columns && matches[i * columns + j] === 1 && cost[(i + 1) * width + j + 1] === here) {
      result.push({ kind: 'kept', expected: expected[i++]!, actual: [actual[j++]!] });
    } else if (i < rows && cost[(i + 1) * width + j]! + 1 === here) {
      result.push({ kind: 'missing', expected: expected[i++]! });
    } else {
      result.push({ kind: 'extra', actual: actual[j++]! });
    }
  }
  return result;
}
