/** The `time` keyword: virtual time; processors are infinitely fast. */
import type { Node } from './ir.ts';
import type { Shell } from './shell.ts';

export async function timed(sh: Shell, node: Node & { kind: 'pipeline' }, run: () => Promise<number>): Promise<number> {
  const start = sh.proc.now();
  const status = await run();
  const seconds = (sh.proc.now() - start) / 1e9;
  const format =
    node.time === 'posix'
      ? 'real %2R\nuser %2U\nsys %2S'
      : (sh.parameter('TIMEFORMAT') ?? '\nreal\t%3lR\nuser\t%3lU\nsys\t%3lS');
  if (format !== '') await sh.write(2, `${timeText(format, seconds)}\n`);
  return status;
}

export function timeText(format: string, seconds: number): string {
  return format.replace(
    /%(%|(\d?)(l?)([RUS])|P)/g,
    (_found, all: string, digits: string, long: string, which: string) => {
      if (all === '%') return '%';
      if (all === 'P') return '0.00';
      return clock(which === 'R' ? seconds : 0, digits === '' ? 3 : Math.min(3, Number(digits)), long === 'l');
    },
  );
}

/** `0m1.002s`, or `1.002`. */
export function clock(seconds: number, digits: number, long: boolean): string {
  const scale = 10 ** digits;
  const whole = Math.floor(seconds * scale + 1e-6);
  if (!long) return (whole / scale).toFixed(digits);
  const minutes = Math.floor(whole / scale / 60);
  return `${minutes}m${(whole / scale - minutes * 60).toFixed(digits)}s`;
}
