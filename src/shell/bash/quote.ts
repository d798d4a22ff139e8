/** The ways in which bash writes a string so that it can be read back. */
import { encode } from '../process/bytes.ts';

/** Control characters, and bytes that are not characters, need $'...'. */
const UNPRINTABLE = /[\x00-\x1f\x7f\udc80-\udcff]/;

/** $'...' */
export function quoteAnsi(text: string): string {
  let out = "$'";
  for (const char of text) {
    const code = char.codePointAt(0)!;
    const named = NAMED[char];
    if (named !== undefined) out += named;
    else if (code < 0x20 || code === 0x7f) out += `\\${code.toString(8).padStart(3, '0')}`;
    else if (code >= 0xdc80 && code <= 0xdcff) for (const byte of encode(char)) out += `\\${byte.toString(8)}`;
    else out += char;
  }
  return `${out}'`;
}

const NAMED: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\x1b': '\\E',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  "'": "\\'",
};

/** 'text' */
export function quoteSingle(text: string): string {
  return text === "'" ? "\\'" : `'${text.replaceAll("'", "'\\''")}'`;
}

/** printf %q: backslashes. */
export function quoteBackslash(text: string): string {
  if (text === '') return "''";
  if (UNPRINTABLE.test(text)) return quoteAnsi(text);
  return text
    .replace(/[ \t\n!"$&'()*,;<>?[\\\]^`{|}]/g, '\\$&')
    .replace(/^[#~]/, '\\$&')
    .replace(/([:=])~/g, '$1\\~');
}

/** ${x@Q}: single quotes, or $'...'. */
export function quoteTransform(text: string): string {
  return UNPRINTABLE.test(text) ? quoteAnsi(text) : quoteSingle(text);
}

/** declare -p: double quotes, or $'...'. */
export function quoteDouble(text: string): string {
  return UNPRINTABLE.test(text) ? quoteAnsi(text) : `"${text.replace(/[\\"$`]/g, '\\$&')}"`;
}

/** set -x, `set`, `alias`: only when it is needed. */
export function quoteIfNeeded(text: string): string {
  if (text === '') return "''";
  if (UNPRINTABLE.test(text)) return quoteAnsi(text);
  return needsQuotes(text) ? quoteSingle(text) : text;
}

/** set -x: as {@link quoteIfNeeded}, but newlines and tabs stay themselves. */
export function quoteTrace(text: string): string {
  return UNPRINTABLE.test(text.replace(/[\n\t]/g, '')) || !/[\n\t]/.test(text)
    ? quoteIfNeeded(text)
    : quoteSingle(text);
}

function needsQuotes(text: string): boolean {
  return /[ \t\n!"$&'()*;<>?[\\\]^`{|}]/.test(text) || /^[#~]/.test(text) || /[:=]~/.test(text);
}
