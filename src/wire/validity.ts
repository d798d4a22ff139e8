/**
 * The verdict of a codec on bytes from outside. A codec never throws: it says that a header can be
 * read, that the bytes end too early, or that a field contradicts the format, and where.
 */
export type Validity =
  | { readonly verdict: 'ok' }
  /** The bytes end at `at`, before the header or what its lengths promise does. */
  | { readonly verdict: 'truncated'; readonly at: number }
  /** The field at `at` cannot have that value. */
  | { readonly verdict: 'malformed'; readonly at: number; readonly field: string };

export const VALID: Validity = { verdict: 'ok' };

export function truncated(at: number): Validity {
  return { verdict: 'truncated', at };
}

export function malformed(at: number, field: string): Validity {
  return { verdict: 'malformed', at, field };
}
