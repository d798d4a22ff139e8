/** The parser's errors in bash's words. */
import type { Source } from './ir.ts';

export interface Described {
  message: string;
  pos: number;
  /** Bash repeats the line. */
  showLine: boolean;
  /** The text ended too early. */
  atEnd: boolean;
}

const OPERATOR = /^(?:;;&|;;|;&|&&|\|\||\|&|<<-|<<<|<<|>>|&>>|&>|>&|<&|<>|>\||[;&|()<>])/;

export function syntaxErrorToken(source: Source, error: { message: string; pos: number }): Described {
  const { text } = source;
  const quote = /unterminated|unclosed|unmatched|matching/i.test(error.message)
    ? openQuote(text, error.pos)
    : undefined;
  if (quote !== undefined) {
    return {
      message: `unexpected EOF while looking for matching \`${quote}'`,
      pos: error.pos,
      showLine: false,
      atEnd: false,
    };
  }
  let pos = error.pos;
  while (pos < text.length && (text[pos] === ' ' || text[pos] === '\t')) pos++;
  if (pos >= text.length || text.slice(pos).trim() === '') {
    return { message: 'syntax error: unexpected end of file', pos: text.length, showLine: false, atEnd: true };
  }
  const rest = text.slice(pos);
  if (rest.startsWith('\n'))
    return { message: "syntax error near unexpected token `newline'", pos, showLine: true, atEnd: false };
  const token = OPERATOR.exec(rest)?.[0] ?? /^[^\s;&|()<>]+/.exec(rest)?.[0] ?? rest[0]!;
  return { message: `syntax error near unexpected token \`${token}'`, pos, showLine: true, atEnd: false };
}

/** The quote or bracket that is never closed, from the place where it opens. */
function openQuote(text: string, pos: number): string | undefined {
  const char = text[pos];
  if (char === '"' || char === "'" || char === '`') return char;
  if (text.startsWith('$(', pos) || char === '(') return ')';
  if (text.startsWith('${', pos)) return '}';
  if (text.startsWith("$'", pos)) return "'";
  if (text.startsWith('$"', pos)) return '"';
  return undefined;
}
