/**
 * Timeouts that Linux counts in clock ticks: socket receive timeouts, neighbour timers and the like
 * wait on the timer wheel, which rounds a timeout up and the more, the longer it is.
 */

/** CONFIG_HZ of the reference machine. */
export const HZ = 250;
/** Nanoseconds in a tick. */
export const JIFFY = 1_000_000_000 / HZ;

/** Ticks that a level of the wheel covers with one bucket each; a level's buckets are 8 times as long as the last one's. */
const FIRST_LEVEL = 63;
const LEVELS = 8;
const LEVEL_RATIO = 8;

/**
 * When a timer that is armed at `now` for `timeout` runs, in nanoseconds like both: at the first
 * bucket of the wheel that begins after the timeout. A second takes 1.004 s to 1.036 s.
 * @kernel kernel/time/timer.c calc_wheel_index
 */
export function timerExpiry(now: number, timeout: number): number {
  const delta = Math.ceil(timeout / JIFFY);
  const expires = Math.floor(now / JIFFY) + delta;
  let bucket = 1;
  for (let level = 1; level < LEVELS && delta >= FIRST_LEVEL * bucket; level++) bucket *= LEVEL_RATIO;
  return (Math.floor(expires / bucket) + 1) * bucket * JIFFY;
}
