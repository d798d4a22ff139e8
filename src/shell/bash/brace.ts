/** Brace expansion: textual, before everything else. */

/** The words that `text` becomes; undefined when there is nothing to expand. */
export function expandBraces(text: string): string[] | undefined {
  if (!text.includes('{')) return undefined;
  const words = expand(text);
  return words.length === 1 && words[0] === text ? undefined : words;
}

function expand(text: string): string[] {
  for (let open = findOpen(text, 0); open >= 0; open = findOpen(text, open + 1)) {
    const group = readGroup(text, open);
    if (group === undefined) continue;
    const prefix = text.slice(0, open);
    const suffixes = expand(text.slice(group.end));
    const out: string[] = [];
    for (const item of group.items) {
      const middles = group.sequence ? [item] : expand(item);
      for (const middle of middles) for (const suffix of suffixes) out.push(prefix + middle + suffix);
    }
    return out;
  }
  return [text];
}

/** Offset of the next `{` that is not quoted nor part of `${`. */
function findOpen(text: string, from: number): number {
  for (let i = from; i < text.length; ) {
    const next = skipQuoted(text, i);
    if (next > i) {
      i = next;
      continue;
    }
    if (text[i] === '{') return i;
    i++;
  }
  return -1;
}

/** Past the quoted piece, expansion or substitution that begins at `i`; `i` when none does. */
function skipQuoted(text: string, i: number): number {
  const char = text[i];
  if (char === '\\') return i + 2;
  if (char === "'") return closing(text, i + 1, "'");
  if (char === '"' || char === '`') {
    let at = i + 1;
    while (at < text.length && text[at] !== char)
      at = text[at] === '\\' ? at + 2 : text[at] === '$' ? skipDollar(text, at) : at + 1;
    return at + 1;
  }
  if (char === '$') {
    const end = skipDollar(text, i);
    return end > i + 1 ? end : i;
  }
  if ((char === '<' || char === '>') && text[i + 1] === '(') return skipNested(text, i + 2, '(', ')');
  return i;
}

function skipDollar(text: string, i: number): number {
  const next = text[i + 1];
  if (next === '{') return skipNested(text, i + 2, '{', '}');
  if (next === '(') return skipNested(text, i + 2, '(', ')');
  if (next === "'") {
    let at = i + 2;
    while (at < text.length && text[at] !== "'") at += text[at] === '\\' ? 2 : 1;
    return at + 1;
  }
  return i + 1;
}

function skipNested(text: string, from: number, open: string, close: string): number {
  let depth = 1;
  let i = from;
  while (i < text.length) {
    const char = text[i]!;
    if (char === open) depth++;
    else if (char === close && --depth === 0) return i + 1;
    const next = char === open || char === close ? i : skipQuoted(text, i);
    i = next > i ? next : i + 1;
  }
  return text.length;
}

function closing(text: string, from: number, quote: string): number {
  const end = text.indexOf(quote, from);
  return end < 0 ? text.length : end + 1;
}

/** The alternatives of the brace at `open`, or undefined when it is an ordinary character. */
function readGroup(text: string, open: number): { items: string[]; end: number; sequence: boolean } | undefined {
  const items: string[] = [];
  let depth = 0;
  let start = open + 1;
  for (let i = open + 1; i < text.length; ) {
    const next = skipQuoted(text, i);
    if (next > i) {
      i = next;
      continue;
    }
    const char = text[i]!;
    if (char === '{') depth++;
    else if (char === '}') {
      if (depth === 0) {
        if (items.length > 0) {
          items.push(text.slice(start, i));
          return { items, end: i + 1, sequence: false };
        }
        const sequence = readSequence(text.slice(open + 1, i));
        return sequence === undefined ? undefined : { items: sequence, end: i + 1, sequence: true };
      }
      depth--;
    } else if (char === ',' && depth === 0) {
      items.push(text.slice(start, i));
      start = i + 1;
    }
    i++;
  }
  return undefined;
}

const SEQUENCE_LIMIT = 1_000_000;

function readSequence(body: string): string[] | undefined {
  const match = /^(-?\d+|[a-zA-Z])\.\.(-?\d+|[a-zA-Z])(?:\.\.(-?\d+))?$/.exec(body);
  if (match === null) return undefined;
  const [, from, to, stepText] = match as unknown as [string, string, string, string | undefined];
  const numeric = /\d/.test(from);
  if (numeric !== /\d/.test(to)) return undefined;
  const first = numeric ? Number(from) : from.charCodeAt(0);
  const last = numeric ? Number(to) : to.charCodeAt(0);
  const step = Math.max(1, Math.abs(Number(stepText ?? 1)));
  if (Math.abs(last - first) / step > SEQUENCE_LIMIT) return undefined;
  const padded = numeric && (/^-?0\d/.test(from) || /^-?0\d/.test(to));
  const width = padded ? Math.max(from.length, to.length) : 0;
  const out: string[] = [];
  const up = last >= first;
  for (let n = first; up ? n <= last : n >= last; n += up ? step : -step) {
    out.push(numeric ? pad(n, width) : String.fromCharCode(n));
  }
  return out;
}

function pad(n: number, width: number): string {
  const digits = String(Math.abs(n));
  return n < 0 ? `-${digits.padStart(width - 1, '0')}` : digits.padStart(width, '0');
}
