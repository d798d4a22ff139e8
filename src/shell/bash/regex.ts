/** POSIX extended regular expressions as JavaScript's (flag u). */

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: ' \\t\\n\\v\\f\\r',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`\\{-~',
  print: ' -~',
  graph: '!-~',
  cntrl: '\\x00-\\x1f\\x7f',
  xdigit: '0-9A-Fa-f',
};

/** The source of the equivalent expression; throws SyntaxError for one that regcomp refuses. */
export function regexSource(pattern: string): string {
  let out = '';
  let i = 0;
  let depth = 0;
  let atStart = true;
  while (i < pattern.length) {
    const char = pattern[i]!;
    const begins = atStart;
    atStart = false;
    if (char === '\\') {
      out += escaped(pattern[i + 1]);
      i += 2;
    } else if (char === '[') {
      const end = bracketEnd(pattern, i);
      if (end < 0) throw new SyntaxError('Invalid regular expression');
      out += bracket(pattern.slice(i + 1, end));
      i = end + 1;
    } else if (char === '(') {
      depth++;
      out += '(';
      atStart = true;
      i++;
    } else if (char === ')') {
      if (depth === 0) out += '\\)';
      else {
        depth--;
        out += ')';
      }
      i++;
    } else if (char === '|') {
      out += '|';
      atStart = true;
      i++;
    } else if (char === '*' || char === '+' || char === '?') {
      if (begins) {
        if (char !== '*') throw new SyntaxError('Invalid preceding regular expression');
        out += '\\*';
      } else if (!/[*+?]$/.test(out) || /\\[*+?]$/.test(out)) out += char;
      i++;
    } else if (char === '{') {
      const interval = /^\{\d*(?:,\d*)?\}/.exec(pattern.slice(i));
      if (interval === null || begins) out += '\\{';
      else {
        out += interval[0].replace('{,', '{0,');
        i += interval[0].length - 1;
      }
      i++;
    } else {
      if (char === '^') atStart = true;
      out += char === '}' || char === ']' || char === '/' ? `\\${char}` : char;
      i++;
    }
  }
  if (depth > 0) throw new SyntaxError('Unmatched ( or \\(');
  return out;
}

function escaped(char: string | undefined): string {
  if (char === undefined) throw new SyntaxError('Trailing backslash');
  if (char === '<') return '\\b(?=\\w)';
  if (char === '>') return '\\b(?<=\\w)';
  if ('wWsSbB'.includes(char) || /[1-9]/.test(char)) return `\\${char}`;
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}

function bracketEnd(pattern: string, open: number): number {
  let i = open + 1;
  if (pattern[i] === '^') i++;
  if (pattern[i] === ']') i++;
  for (; i < pattern.length; i++) {
    if (pattern[i] === '[' && /[:.=]/.test(pattern[i + 1] ?? '')) {
      const end = pattern.indexOf(`${pattern[i + 1]}]`, i + 2);
      if (end < 0) return -1;
      i = end + 1;
    } else if (pattern[i] === ']') return i;
  }
  return -1;
}

function bracket(body: string): string {
  const negated = body.startsWith('^');
  const inner = (negated ? body.slice(1) : body).replace(
    /\[:(\w+):\]|\[[.=](.+?)[.=]\]|[\\[\]^]/g,
    (found, name?: string, symbol?: string) => {
      if (name !== undefined) {
        const set = CLASSES[name];
        if (set === undefined) throw new SyntaxError('Invalid character class name');
        return set;
      }
      return `\\${symbol ?? found}`;
    },
  );
  return `[${negated ? '^' : ''}${inner.replace(/^-|-$/g, '\\-')}]`;
}
