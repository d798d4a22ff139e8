/** What changed between two lists of lines: the shortest edit script (Myers, 1986). */

/** Lines [from, to) of the old text became lines [newFrom, newTo) of the new one. */
export interface Change {
  from: number;
  to: number;
  newFrom: number;
  newTo: number;
}

export function changes(a: readonly string[], b: readonly string[]): Change[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const kept = match(a.slice(start, a.length - end), b.slice(start, b.length - end));
  const out: Change[] = [];
  let x = 0;
  let y = 0;
  const add = (toX: number, toY: number) => {
    if (toX > x || toY > y) out.push({ from: x + start, to: toX + start, newFrom: y + start, newTo: toY + start });
  };
  for (const [i, j] of kept) {
    add(i, j);
    x = i + 1;
    y = j + 1;
  }
  add(a.length - end - start, b.length - end - start);
  return out;
}

/** Pairs of equal lines of a longest common subsequence. */
function match(a: readonly string[], b: readonly string[]): [number, number][] {
  const n = a.length;
  const m = b.length;
  const trace: Int32Array[] = [];
  const reach = n + m;
  const best = new Int32Array(2 * reach + 3);
  for (let d = 0; d <= reach; d++) {
    trace.push(best.slice());
    for (let k = -d; k <= d; k += 2) {
      const at = k + reach + 1;
      let x = k === -d || (k !== d && best[at - 1]! < best[at + 1]!) ? best[at + 1]! : best[at - 1]! + 1;
      let y = x - k;
      while (x < n && y < m && a[x] === b[y]) {
        x++;
        y++;
      }
      best[at] = x;
      if (x >= n && y >= m) return walkBack(trace, d, n, m, reach);
    }
  }
  return [];
}

function walkBack(
  trace: readonly Int32Array[],
  depth: number,
  n: number,
  m: number,
  reach: number,
): [number, number][] {
  const pairs: [number, number][] = [];
  let x = n;
  let y = m;
  for (let d = depth; d >= 0; d--) {
    const best = trace[d]!;
    const k = x - y;
    const at = k + reach + 1;
    const down = k === -d || (k !== d && best[at - 1]! < best[at + 1]!);
    const previousK = down ? k + 1 : k - 1;
    const previousX = d === 0 ? 0 : best[previousK + reach + 1]!;
    const previousY = previousX - previousK;
    const stopX = d === 0 ? 0 : down ? previousX : previousX + 1;
    while (x > stopX && x > 0 && y > 0) {
      x--;
      y--;
      pairs.push([x, y]);
    }
    x = previousX;
    y = previousY;
  }
  return pairs.reverse();
}
