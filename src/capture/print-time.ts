/** Time stamps and durations. */
import type { PrintOptions } from './dissection.ts';

/** The part behind the second. */
function fractionText(fraction: number, options: PrintOptions): string {
  return `.${String(fraction).padStart(options.precision === 'nano' ? 9 : 6, '0')}`;
}

function clockText(
  seconds: number,
  fraction: number,
  options: PrintOptions,
  offset: number,
  withDate: boolean,
): string {
  // tcpdump takes the highest of 32 bits for a failed conversion.
  if ((seconds & 0x8000_0000) !== 0) return '[Error converting time]';
  const text = new Date((seconds + offset) * 1000).toISOString();
  const clock = text.slice(11, 19);
  return `${withDate ? `${text.slice(0, 10)} ` : ''}${clock}${fractionText(fraction, options)}`;
}

/** The reference of -ttt and -ttttt. */
export interface TimeReference {
  seconds: number;
  fraction: number;
}

/** The time of a packet and a blank, as -t asks; changes `reference` (ts_print). */
export function timeText(
  seconds: number,
  fraction: number,
  options: PrintOptions,
  reference: { last: TimeReference | undefined },
): string {
  switch (options.t) {
    case 1:
      return '';
    case 2:
      if ((seconds & 0x8000_0000) !== 0) return '[Error converting time] ';
      return `${seconds}${fractionText(fraction, options)} `;
    case 3:
    case 5: {
      const from = reference.last ?? { seconds, fraction };
      const unit = options.precision === 'nano' ? 1_000_000_000 : 1_000_000;
      const negative = seconds < from.seconds || (seconds === from.seconds && fraction < from.fraction);
      let wholes = negative ? from.seconds - seconds : seconds - from.seconds;
      let parts = negative ? from.fraction - fraction : fraction - from.fraction;
      if (parts < 0) {
        wholes -= 1;
        parts += unit;
      }
      reference.last = options.t === 3 ? { seconds, fraction } : from;
      return `${negative ? '-' : ' '}${clockText(wholes, parts, options, 0, false)} `;
    }
    case 4:
      return `${clockText(seconds, fraction, options, options.utcOffset, true)} `;
    default:
      return `${clockText(seconds, fraction, options, options.utcOffset, false)} `;
  }
}

const UNITS: readonly (readonly [number, string])[] = [
  [31536000, 'y'],
  [604800, 'w'],
  [86400, 'd'],
  [3600, 'h'],
  [60, 'm'],
  [1, 's'],
];

/** A duration as `1h5m1s` (unsigned_relts_print). */
export function relativeTime(seconds: number): string {
  if (seconds === 0) return '0s';
  let text = '';
  let left = seconds;
  for (const [length, unit] of UNITS) {
    if (left >= length) {
      text += Math.floor(left / length) + unit;
      left %= length;
    }
  }
  return text;
}
