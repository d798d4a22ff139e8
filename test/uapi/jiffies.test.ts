import { expect, test } from 'vitest';
import { JIFFY, timerExpiry } from '../../src/uapi/jiffies.ts';

const SECOND = 1_000_000_000;

test.each([
  // Armed at the start of a tick: the wheel waits until the bucket after the timeout.
  [0, 0.1 * SECOND, 26 * JIFFY],
  [0, 0.2 * SECOND, 51 * JIFFY],
  // From 63 ticks on, buckets of 8 ticks; from 504, of 64.
  [0, SECOND, 256 * JIFFY],
  [256 * JIFFY, SECOND, 512 * JIFFY],
  [5 * JIFFY + 1, SECOND, 256 * JIFFY],
  [6 * JIFFY, SECOND, 264 * JIFFY],
  [0, 5 * SECOND, 1280 * JIFFY],
])('a timer armed at %d ns for %d ns runs at %d ns', (now, timeout, expiry) => {
  expect(timerExpiry(now, timeout)).toBe(expiry);
});

test('repeated one-second timeouts settle at 1.024 s, as ping shows on Linux 6.18 at 250 Hz', () => {
  let now = 0.123 * SECOND;
  const gaps: number[] = [];
  for (let i = 0; i < 4; i++) {
    const next = timerExpiry(now, SECOND);
    gaps.push((next - now) / SECOND);
    now = next;
  }
  expect(gaps[0]).toBeGreaterThan(1);
  expect(gaps.slice(1)).toEqual([1.024, 1.024, 1.024]);
});
