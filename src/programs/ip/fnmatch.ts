/** fnmatch(3) without flags: `*`, `?`, `[...]` and `\` over the whole text, slashes included. */
export function fnmatch(pattern: string, text: string): boolean {
  const source = pattern.replace(/\\[\s\S]|\[[!^]?\]?[^\]]*\]|[\s\S]/g, (piece) => {
    if (piece === '*') return '[\\s\\S]*';
    if (piece === '?') return '[\\s\\S]';
    if (piece.length > 2 && piece.startsWith('[')) return piece.replace(/^\[!/, '[^').replace(/\\/g, '\\\\');
    const char = piece.length > 1 ? piece.slice(1) : piece;
    return char.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
  });
  return new RegExp(`^${source}$`, 'u').test(text);
}
