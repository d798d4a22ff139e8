/** The patterns of grep as one regular expression. */
import { regexSource } from '../bash/regex.ts';

export type Syntax = 'G' | 'E' | 'F' | 'P';

const TRANSLATE: Readonly<Record<Syntax, (pattern: string) => string>> = {
  F: (pattern) => pattern.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'),
  E: regexSource,
  G: (pattern) => regexSource(basicToExtended(pattern)),
  P: perlSource,
};

export function grepPattern(
  patterns: readonly string[],
  syntax: Syntax,
  how: { ignoreCase: boolean; word: boolean; line: boolean },
): RegExp {
  const sources = patterns.map(TRANSLATE[syntax]);
  let source = sources.length === 1 ? sources[0]! : sources.map((each) => `(?:${each})`).join('|');
  if (how.line) source = `^(?:${source})$`;
  else if (how.word) source = `(?<!\\w)(?:${source})(?!\\w)`;
  return new RegExp(source, `g${how.ignoreCase ? 'i' : ''}${syntax === 'P' ? '' : 'u'}`);
}

/** Basic regular expressions: `\(`, `\|`, `\+` have the meanings that `(`, `|`, `+` have in extended ones. */
export function basicToExtended(pattern: string): string {
  let out = '';
  let i = 0;
  let atStart = true;
  while (i < pattern.length) {
    const char = pattern[i]!;
    const next = pattern[i + 1];
    const begins = atStart;
    atStart = false;
    if (char === '\\' && next !== undefined) {
      if ('(){}|+?'.includes(next)) {
        out += next;
        atStart = next === '(' || next === '|';
      } else out += `\\${next}`;
      i += 2;
      continue;
    }
    if (char === '[') {
      const end = bracketEnd(pattern, i);
      out += pattern.slice(i, end);
      i = end;
      continue;
    }
    if ('(){}|+?'.includes(char)) out += `\\${char}`;
    else if (char === '*' && begins) out += '\\*';
    else if (char === '^' && !begins) out += '\\^';
    else if (
      char === '$' &&
      next !== undefined &&
      !pattern.startsWith('\\)', i + 1) &&
      !pattern.startsWith('\\|', i + 1)
    )
      out += '\\$';
    else {
      out += char;
      if (char === '^') atStart = true;
    }
    i++;
  }
  return out;
}

function bracketEnd(pattern: string, open: number): number {
  let i = open + 1;
  if (pattern[i] === '^') i++;
  if (pattern[i] === ']') i++;
  while (i < pattern.length && pattern[i] !== ']') {
    if (pattern[i] === '[' && /[:.=]/.test(pattern[i + 1] ?? '')) {
      const end = pattern.indexOf(`${pattern[i + 1]}]`, i + 2);
      i = end < 0 ? pattern.length : end + 2;
    } else i++;
  }
  return i + 1;
}

/** Perl's: JavaScript's, with `\K`, `\h`, `(?i)` and possessive quantifiers made over. */
function perlSource(pattern: string): string {
  let source = pattern
    .replace(/\\h/g, '[ \\t]')
    .replace(/\\R/g, '(?:\\r\\n|\\n|\\r)')
    .replace(/\\A/g, '^')
    .replace(/\\[zZ]/g, '$')
    .replace(/([*+?}])\+/g, '$1')
    .replace(/\(\?P</g, '(?<')
    .replace(/\[\[:(\w+):\]\]/g, (_found, name: string) => regexSource(`[[:${name}:]]`));
  const keep = source.lastIndexOf('\\K');
  if (keep >= 0) source = `(?<=${source.slice(0, keep)})${source.slice(keep + 2)}`;
  return source.replace(/^\(\?i\)/, '');
}
