/** The escapes of $'...', echo -e, printf and %b. */

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

export interface Escaped {
  text: string;
  /** `\c` was met: nothing more is to be printed. */
  stop: boolean;
}

/** $'...': quotes may be escaped, `\cx` is a control character. */
export function decodeAnsiC(text: string): string {
  return decodeWith(text, 'quote').text;
}

/** `echo -e` and `%b`: `\0nnn` is octal, `\c` ends the output. */
export function decodeEcho(text: string): Escaped {
  return decodeWith(text, 'echo');
}

/** The format of printf: octal without the leading zero. */
export function decodePrintf(text: string): Escaped {
  return decodeWith(text, 'printf');
}

function decodeWith(text: string, mode: 'quote' | 'echo' | 'printf'): Escaped {
  if (!text.includes('\\')) return { text, stop: false };
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    const next = text[i + 1];
    if (char !== '\\' || next === undefined) {
      out += char;
      continue;
    }
    i++;
    const simple = SIMPLE[next];
    if (simple !== undefined) {
      out += simple;
      continue;
    }
    const rest = text.slice(i);
    let match: RegExpExecArray | null = null;
    if (next === 'x') {
      match = /^x([0-9a-fA-F]{1,2})/.exec(rest);
      if (match !== null) out += byte(Number.parseInt(match[1]!, 16));
    } else if (next === 'u' || next === 'U') {
      match = (next === 'u' ? /^u([0-9a-fA-F]{1,4})/ : /^U([0-9a-fA-F]{1,8})/).exec(rest);
      if (match !== null) out += String.fromCodePoint(Math.min(0x10ffff, Number.parseInt(match[1]!, 16)));
    } else if (next >= '0' && next <= '7') {
      match = (mode === 'echo' && next === '0' ? /^0([0-7]{0,3})/ : /^([0-7]{1,3})/).exec(rest);
      if (mode === 'echo' && next !== '0') match = null;
      if (match !== null) out += byte(Number.parseInt(match[1]! || '0', 8) & 0xff);
    } else if (next === 'c') {
      if (mode === 'echo') return { text: out, stop: true };
      if (mode === 'quote' && rest.length > 1) {
        out += String.fromCharCode(rest.charCodeAt(1) & 0x1f);
        i++;
        continue;
      }
    } else if ((next === "'" || next === '"' || next === '?') && mode !== 'echo') {
      out += next;
      continue;
    }
    if (match === null) out += `\\${next}`;
    else i += match[0].length - 1;
  }
  return { text: /[\udc80-\udcff]/.test(out) ? joinBytes(out) : out, stop: false };
}

function byte(value: number): string {
  return value < 0x80 ? String.fromCharCode(value) : String.fromCharCode(0xdc00 + value);
}

/** Bytes written one by one may make up a character together. */
function joinBytes(text: string): string {
  return text.replace(/[\udc80-\udcff]{2,}/g, (run) => decode(encode(run)));
}

import { decode, encode } from '../process/bytes.ts';
