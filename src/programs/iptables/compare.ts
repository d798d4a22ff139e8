/** Whether two rules are the same, counters aside: what -D and -C look for. */
import type { XtRule } from '../../uapi/xtables.ts';

/** Deep equality of plain data; a property that is undefined is as good as absent. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => same(left[key], right[key]));
}

export function sameRule(a: XtRule, b: XtRule): boolean {
  return same({ ...a, counters: 0, handle: 0 }, { ...b, counters: 0, handle: 0 });
}
