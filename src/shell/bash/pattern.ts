/** Shell patterns (glob(7), extglob) as regular expressions. A backslash takes the meaning of the next character away. */

const CLASSES: Readonly<Record<string, string>> = {
  alpha: '\\p{L}',
  digit: '0-9',
  alnum: '\\p{L}\\p{N}',
  upper: '\\p{Lu}',
  lower: '\\p{Ll}',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  print: ' -~\\u00a0-\\u{10ffff}',
  graph: '!-~\\u00a1-\\u{10ffff}',
  cntrl: '\\x00-\\x1f\\x7f',
  xdigit: '0-9A-Fa-f',
  word: '\\p{L}\\p{N}_',
};

export interface PatternOptions {
  extglob?: boolean;
  ignoreCase?: boolean;
}

interface Compiled {
  source: string;
  /** Has extended patterns: regular expression semantics do not give the longest match. */
  extended: boolean;
}

const cache = new Map<string, RegExp>();

/** A regular expression that matches exactly the strings that the pattern matches. */
export function patternRegExp(pattern: string, options: PatternOptions = {}): RegExp {
  const key = `${options.extglob === true ? 'x' : '-'}${options.ignoreCase === true ? 'i' : '-'}${pattern}`;
  let regexp = cache.get(key);
  if (regexp === undefined) {
    const flags = options.ignoreCase === true ? 'sui' : 'su';
    regexp = new RegExp(`^(?:${compile(pattern, options, false).source})$`, flags);
    if (cache.size > 2000) cache.clear();
    cache.set(key, regexp);
  }
  return regexp;
}

/** Whether the text has a character that makes it a pattern. */
export function hasPattern(pattern: string, extglob: boolean): boolean {
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (char === '\\') i++;
    else if (char === '*' || char === '?') return true;
    else if (char === '[' && pattern.indexOf(']', i + 2) > 0) return true;
    else if (extglob && pattern[i + 1] === '(' && /[@+!]/.test(char)) return true;
  }
  return false;
}

/** The pattern without its backslashes: the text it stands for when it has no special characters. */
export function unescapePattern(pattern: string): string {
  return pattern.includes('\\') ? pattern.replace(/\\([\s\S])/g, '$1') : pattern;
}

/** Text with a backslash before every character that a pattern gives a meaning to. */
export function escapePattern(text: string): string {
  return text.replace(/[\\*?[\]()|@+!^-]/g, '\\$&');
}

function compile(pattern: string, options: PatternOptions, lazy: boolean): Compiled {
  let extended = false;
  const star = lazy ? '.*?' : '.*';
  const parse = (from: number, inGroup: boolean): { source: string; end: number } => {
    let source = '';
    let i = from;
    while (i < pattern.length) {
      const char = pattern[i]!;
      if (inGroup && (char === '|' || char === ')')) return { source, end: i };
      if (options.extglob === true && pattern[i + 1] === '(' && /[?*+@!]/.test(char) && closes(pattern, i + 1)) {
        extended = true;
        const alternatives: string[] = [];
        let at = i + 2;
        for (;;) {
          const inner = parse(at, true);
          alternatives.push(inner.source);
          at = inner.end + 1;
          if (pattern[inner.end] !== '|') break;
        }
        const group = alternatives.join('|');
        if (char === '!') {
          const rest = parse(at, inGroup);
          return {
            source: `${source}(?!(?:${group})${rest.source}${inGroup ? '' : '$'})${star}${rest.source}`,
            end: rest.end,
          };
        }
        source += `(?:${group})${char === '@' ? '' : char}`;
        i = at;
        continue;
      }
      if (char === '*') {
        while (pattern[i + 1] === '*') i++;
        source += star;
      } else if (char === '?') source += '.';
      else if (char === '[') {
        const bracket = compileBracket(pattern, i);
        if (bracket === undefined) source += '\\[';
        else {
          source += bracket.source;
          i = bracket.end;
          continue;
        }
      } else if (char === '\\' && i + 1 < pattern.length) {
        const symbol = String.fromCodePoint(pattern.codePointAt(i + 1)!);
        source += quote(symbol);
        i += symbol.length;
      } else source += quote(char);
      i++;
    }
    return { source, end: i };
  };
  const { source } = parse(0, false);
  return { source, extended };
}

function quote(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}

function closes(pattern: string, open: number): boolean {
  let depth = 0;
  for (let i = open; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (char === '\\') i++;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return true;
  }
  return false;
}

function compileBracket(pattern: string, open: number): { source: string; end: number } | undefined {
  let i = open + 1;
  let source = '[';
  if (pattern[i] === '!' || pattern[i] === '^') {
    source += '^';
    i++;
  }
  const start = i;
  for (; i < pattern.length; i++) {
    let char = pattern[i]!;
    if (char === ']' && i > start) return { source: source === '[^' ? '.' : `${source}]`, end: i + 1 };
    if (char === '[' && /[:.=]/.test(pattern[i + 1] ?? '')) {
      const kind = pattern[i + 1]!;
      const end = pattern.indexOf(`${kind}]`, i + 2);
      if (end > 0) {
        const name = pattern.slice(i + 2, end);
        source += kind === ':' ? (CLASSES[name] ?? '') : quoteInBracket(name);
        i = end + 1;
        continue;
      }
    }
    if (char === '/') return undefined;
    if (char === '\\' && i + 1 < pattern.length) char = pattern[++i]!;
    else if (char === '-' && i > start && pattern[i + 1] !== ']' && i + 1 < pattern.length) {
      const previous = pattern[i - 1]!;
      let last = pattern[i + 1]!;
      if (last === '\\') last = pattern[i + 2] ?? '\\';
      if (previous <= last) {
        source += '-';
        continue;
      }
      return { source: '[^\\s\\S]', end: pattern.indexOf(']', i) + 1 };
    }
    source += quoteInBracket(char);
  }
  return undefined;
}

function quoteInBracket(text: string): string {
  return text.replace(/[\\\]^[-]/g, '\\$&');
}

/** Length of the shortest or longest prefix that matches; -1 when none does. */
export function matchPrefix(text: string, pattern: string, longest: boolean, options: PatternOptions): number {
  const compiled = compile(pattern, options, !longest);
  if (!compiled.extended) {
    const match = new RegExp(`^(?:${compiled.source})`, 'su').exec(text);
    return match === null ? -1 : match[0].length;
  }
  const whole = patternRegExp(pattern, options);
  for (let n = 0; n <= text.length; n++) {
    const length = longest ? text.length - n : n;
    if (whole.test(text.slice(0, length))) return length;
  }
  return -1;
}

/** Where the shortest or longest matching suffix begins; -1 when none does. */
export function matchSuffix(text: string, pattern: string, longest: boolean, options: PatternOptions): number {
  const whole = patternRegExp(pattern, options);
  for (let n = 0; n <= text.length; n++) {
    const start = longest ? n : text.length - n;
    if (whole.test(text.slice(start))) return start;
  }
  return -1;
}

/** `${text/pattern/replacement}`: `replace` makes the new text of each match. */
export function replacePattern(
  text: string,
  pattern: string,
  how: '/' | '//' | '/#' | '/%',
  options: PatternOptions,
  replace: (match: string) => string,
): string {
  if (how === '/#') {
    const length = matchPrefix(text, pattern, true, options);
    return length < 0 ? text : replace(text.slice(0, length)) + text.slice(length);
  }
  if (how === '/%') {
    const start = matchSuffix(text, pattern, true, options);
    return start < 0 ? text : text.slice(0, start) + replace(text.slice(start));
  }
  if (pattern === '') return text;
  let out = '';
  let at = 0;
  while (at <= text.length) {
    const found = findFrom(text, at, pattern, options);
    if (found === undefined || (found.length === 0 && found.index >= text.length && text.length > 0)) break;
    out += text.slice(at, found.index) + replace(text.slice(found.index, found.index + found.length));
    at = found.index + found.length;
    if (found.length === 0) {
      out += text.slice(at, at + 1);
      at++;
    }
    if (how === '/') break;
  }
  return out + text.slice(at);
}

function findFrom(
  text: string,
  from: number,
  pattern: string,
  options: PatternOptions,
): { index: number; length: number } | undefined {
  const compiled = compile(pattern, options, false);
  const regexp = new RegExp(compiled.source, options.ignoreCase === true ? 'sugi' : 'sug');
  regexp.lastIndex = from;
  const match = regexp.exec(text);
  if (match === null) return undefined;
  if (!compiled.extended) return { index: match.index, length: match[0].length };
  return { index: match.index, length: matchPrefix(text.slice(match.index), pattern, true, options) };
}
