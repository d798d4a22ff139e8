/** The words of awk programs. */

export class AwkSyntaxError extends Error {}

const BUILTINS = new Set(
  'length substr index split sub gsub match sprintf sin cos atan2 exp log sqrt int rand srand tolower toupper system close fflush systime strftime mktime'.split(
    ' ',
  ),
);
const KEYWORDS = new Set(
  'BEGIN END function func if else while for do break continue next nextfile exit return delete in getline print printf'.split(
    ' ',
  ),
);

export interface Token {
  kind: 'number' | 'string' | 'regex' | 'name' | 'function-name' | 'builtin' | 'keyword' | 'op' | 'newline' | 'end';
  text: string;
  line: number;
}

const OPERATORS = [
  '**=',
  '&&',
  '||',
  '++',
  '--',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '^=',
  '==',
  '<=',
  '>=',
  '!=',
  '!~',
  '>>',
  '**',
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  ';',
  ',',
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  '!',
  '>',
  '<',
  '|',
  '?',
  ':',
  '~',
  '$',
  '=',
]; // prettier-ignore

export class Lexer {
  readonly source: string;
  at = 0;
  line = 1;

  constructor(source: string) {
    this.source = source;
  }

  /** The next token. A slash begins a regular expression where a value is expected. */
  scan(valueExpected: boolean): Token {
    const { source } = this;
    for (;;) {
      const char = source[this.at];
      if (char === ' ' || char === '\t' || char === '\r') this.at++;
      else if (char === '\\' && source[this.at + 1] === '\n') {
        this.at += 2;
        this.line++;
      } else if (char === '#') {
        const end = source.indexOf('\n', this.at);
        this.at = end < 0 ? source.length : end;
      } else break;
    }
    const { line } = this;
    const rest = source.slice(this.at);
    const make = (kind: Token['kind'], text: string, length = text.length): Token => {
      this.at += length;
      return { kind, text, line };
    };
    if (rest === '') return { kind: 'end', text: '', line };
    if (rest[0] === '\n') {
      this.line++;
      return make('newline', '\n');
    }
    const number = /^(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/.exec(rest);
    if (number !== null) return make('number', number[0]);
    const name = /^[A-Za-z_]\w*/.exec(rest);
    if (name !== null) {
      const text = name[0];
      if (KEYWORDS.has(text)) return make('keyword', text);
      if (BUILTINS.has(text)) return make('builtin', text);
      return make(rest[text.length] === '(' ? 'function-name' : 'name', text);
    }
    if (rest[0] === '"') return this.scanString(line);
    if (rest[0] === '/' && valueExpected) return this.scanRegex(line);
    const operator = OPERATORS.find((each) => rest.startsWith(each));
    if (operator === undefined) {
      throw new AwkSyntaxError(`${line}: unexpected character '${rest[0]}'`);
    }
    return make('op', operator === '**' ? '^' : operator === '**=' ? '^=' : operator, operator.length);
  }

  private scanString(line: number): Token {
    const { source } = this;
    let text = '';
    let i = this.at + 1;
    for (; i < source.length && source[i] !== '"'; i++) {
      if (source[i] === '\n') throw new AwkSyntaxError(`line ${line}: runaway string constant "${text} ...`);
      if (source[i] !== '\\') {
        text += source[i];
        continue;
      }
      const octal = /^[0-7]{1,3}/.exec(source.slice(i + 1, i + 4));
      if (octal !== null) {
        text += String.fromCharCode(Number.parseInt(octal[0], 8));
        i += octal[0].length;
        continue;
      }
      const next = source[++i];
      if (next === '\n') this.line++;
      else
        text +=
          (
            {
              n: '\n',
              t: '\t',
              r: '\r',
              '\\': '\\',
              '"': '"',
              '/': '/',
              a: '\x07',
              b: '\b',
              f: '\f',
              v: '\v',
            } as Record<string, string>
          )[next ?? ''] ?? `\\${next ?? ''}`;
    }
    if (i >= source.length) throw new AwkSyntaxError(`line ${line}: runaway string constant "${text} ...`);
    this.at = i + 1;
    return { kind: 'string', text, line };
  }

  private scanRegex(line: number): Token {
    const { source } = this;
    let i = this.at + 1;
    let inBracket = false;
    for (; i < source.length; i++) {
      const char = source[i]!;
      if (char === '\\') i++;
      else if (char === '\n') break;
      else if (inBracket) {
        if (char === ']') inBracket = false;
      } else if (char === '[') {
        inBracket = true;
        if (source[i + 1] === '^') i++;
        if (source[i + 1] === ']') i++;
      } else if (char === '/') {
        const text = source.slice(this.at + 1, i).replace(/\\\//g, '/');
        this.at = i + 1;
        return { kind: 'regex', text, line };
      }
    }
    throw new AwkSyntaxError(`line ${line}: regular expression compile failed (missing operand)`);
  }
}
