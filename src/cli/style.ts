/** Colours: only on a terminal, and not when NO_COLOR is set (no-color.org). */
import type { WriteStream } from 'node:tty';

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

const RESET = '\x1b[0m';

function paint(on: boolean, code: number): (text: string) => string {
  return on ? (text) => (text === '' ? '' : `\x1b[${code}m${text}${RESET}`) : (text) => text;
}

/** A style that colours, or leaves all text as it is. */
export function makeStyle(on: boolean): Style {
  return {
    bold: paint(on, 1),
    dim: paint(on, 2),
    red: paint(on, 31),
    green: paint(on, 32),
    yellow: paint(on, 33),
    cyan: paint(on, 36),
  };
}

/** The style for what is written to `stream`. FORCE_COLOR turns colours on for pipes too. */
export function styleFor(stream: Pick<WriteStream, 'isTTY'>, env: NodeJS.ProcessEnv): Style {
  const refused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  const forced = (env['FORCE_COLOR'] ?? '') !== '' && env['FORCE_COLOR'] !== '0';
  return makeStyle(forced || (stream.isTTY === true && !refused));
}
