/** Alias expansion: textual, line by line, as bash does it when it reads a command. */
import { forEachChild, parse, type SyntaxNode } from 'unbash';

/** `text` with its aliases put in; the same text when it uses none. */
export function expandAliases(text: string, aliases: ReadonlyMap<string, string>): string {
  return expand(text, aliases, new Set());
}

interface Span {
  text: string;
  pos: number;
  end: number;
}

function expand(text: string, aliases: ReadonlyMap<string, string>, seen: ReadonlySet<string>): string {
  const cuts: { pos: number; end: number; value: string }[] = [];
  const visit = (node: SyntaxNode): void => {
    if (node.type === 'Command' && node.name !== undefined) {
      let word: Span | undefined = node.name;
      let next = 0;
      while (word !== undefined) {
        const value = seen.has(word.text) ? undefined : aliases.get(word.text);
        if (value === undefined) break;
        cuts.push({ pos: word.pos, end: word.end, value: expand(value, aliases, new Set([...seen, word.text])) });
        if (!/[ \t]$/.test(value)) break;
        const following = node.suffix[next++];
        word = following !== undefined && 'text' in following ? following : undefined;
      }
    }
    forEachChild(node, visit);
  };
  visit(parse(text));
  let out = '';
  let at = 0;
  for (const cut of cuts.sort((a, b) => a.pos - b.pos)) {
    if (cut.pos < at) continue;
    out += text.slice(at, cut.pos) + cut.value;
    at = cut.end;
  }
  return out + text.slice(at);
}
