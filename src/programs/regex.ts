/** POSIX extended regular expressions, as regcomp(3) with REG_EXTENDED takes them. */

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  print: ' -~',
  graph: '!-~',
  cntrl: '\\x00-\\x1f\\x7f',
  xdigit: '0-9A-Fa-f',
};

/** The expression, or undefined where regcomp() would fail. */
export function compileRegex(pattern: string): RegExp | undefined {
  const source = pattern.replace(/\\[\s\S]|\[\^?\]?(?:\[:\w+:\]|[^\]])*\]/g, (piece) => {
    if (piece.startsWith('\\')) return /[A-Za-z0-9]/.test(piece[1]!) ? piece[1]! : piece;
    const negated = piece.startsWith('[^');
    const inner = piece
      .slice(negated ? 2 : 1, -1)
      .replace(/\[:(\w+):\]|[\\[\]^]/g, (found, name?: string) =>
        name === undefined ? `\\${found}` : (CLASSES[name] ?? ''),
      );
    return `[${negated ? '^' : ''}${inner}]`;
  });
  try {
    return new RegExp(source);
  } catch {
    return undefined;
  }
}
