/** From the parser's words to ours: quotes off, braces expanded, literal text found. */
import type { HereDocBody, ParameterExpansionPart, WordPart, Word as WordSyntax } from 'unbash';
import { parse } from 'unbash';
import { decodeAnsiC } from './ansi-c.ts';
import { expandBraces } from './brace.ts';
import type { ArrayElement, Body, Literal, ParamOp, Part, Source, Word } from './ir.ts';
import { lineAt } from './source.ts';

/** How text outside any quotes in this word is read. */
type Quoting = 'bare' | 'double' | 'here';

const GLOB = /[*?[\\(]/;

/** A word of a command: usually one, several after brace expansion. */
export function lowerWords(word: WordSyntax, source: Source, out: Word[]): void {
  if (word.text.includes('{')) {
    const texts = expandBraces(word.text);
    if (texts !== undefined) {
      const line = lineAt(source, word.pos);
      for (const text of texts) out.push(reparse(text, line));
      return;
    }
  }
  out.push(lowerWord(word, source));
}

/** A word made of text that was not in the source as it stands. */
function reparse(text: string, firstLine: number): Word {
  if (text === '') return { text, parts: [], literal: undefined };
  const script = parse(`: ${text}`);
  const command = script.commands[0]?.command;
  const word = command?.type === 'Command' ? command.suffix[0] : undefined;
  const source = { text: `: ${text}`, firstLine };
  if (word?.type === 'Word') return lowerWord(word, source);
  return literalWord(text);
}

export function literalWord(text: string): Word {
  return { text, parts: [{ kind: 'lit', text, quoted: true }], literal: text };
}

/** A word outside an assignment. */
export function lowerWord(word: WordSyntax, source: Source): Word {
  const parts = lowerParts(word, source, 'bare');
  if (/^[A-Za-z_]\w*=/.test(word.text) && word.text.includes('~')) tildeAfterEquals(parts);
  else tildeAtStart(parts);
  return finish(word.text, parts);
}

/** The value of an assignment: tildes after `:` too. */
export function lowerValue(word: WordSyntax, source: Source): Word {
  const parts = lowerParts(word, source, 'bare');
  tildeAtStart(parts, true);
  tildeAfterColons(parts);
  return finish(word.text, parts);
}

/** A word without tilde expansion: an operand, a subscript, a pattern, a regular expression. */
export function lowerPlain(word: WordSyntax, source: Source, quoting: Quoting = 'bare'): Word {
  return finish(word.text, lowerParts(word, source, quoting));
}

function finish(text: string, parts: Part[]): Word {
  let literal: string | undefined;
  if (parts.length === 1) {
    const only = parts[0]!;
    if (only.kind === 'lit' && (only.quoted || (!GLOB.test(only.text) && !/^[ \t\n]*$/.test(only.text))))
      literal = only.text;
  } else if (parts.length > 1 && parts.every((part) => part.kind === 'lit' && (part.quoted || !GLOB.test(part.text)))) {
    literal = parts.map((part) => (part as Literal).text).join('');
  }
  return { text, parts, literal };
}

function lowerParts(word: WordSyntax, source: Source, quoting: Quoting): Part[] {
  const out: Part[] = [];
  if (word.parts === undefined) bareText(word.text, quoting, out);
  else for (const part of word.parts) lowerPart(part, source, quoting, out);
  return out;
}

/** What a text must hold for expansion in a here-document or in arithmetic to change anything. */
const EXPANDED = /[$`\\]/;

/** The body of a here-document: expansions only, quotes are characters. */
export function lowerHere(body: HereDocBody, source: Source): Word {
  const out: Part[] = [];
  const { text } = body;
  // The parser finds the parts when first asked, character by character: not for a long plain text.
  const parts = EXPANDED.test(text) ? body.parts : undefined;
  if (parts === undefined) bareText(text, 'here', out);
  else for (const part of parts) lowerPart(part, source, 'here', out);
  return finish(text, out);
}

/** Text that undergoes expansion as in double quotes: the inside of `$(( ))`. */
export function lowerArithmetic(text: string, firstLine: number): Word {
  if (!EXPANDED.test(text)) return { text, parts: [{ kind: 'lit', text, quoted: true }], literal: text };
  const source = { text: `: <<E\n${text}\nE\n`, firstLine: firstLine - 1 };
  const command = parse(source.text).commands[0]?.command;
  const here = command?.type === 'Command' ? command.suffix[0] : undefined;
  if (here?.type !== 'HereDoc') return literalWord(text);
  const word = lowerHere(here.body, source);
  trimFinalNewline(word.parts as Part[]);
  return { ...word, text, literal: undefined };
}

function trimFinalNewline(parts: Part[]): void {
  const last = parts.at(-1);
  if (last?.kind === 'lit' && last.text.endsWith('\n'))
    parts[parts.length - 1] = { ...last, text: last.text.slice(0, -1) };
}

function push(out: Part[], text: string, quoted: boolean): void {
  const last = out.at(-1);
  if (last?.kind === 'lit' && last.quoted === quoted)
    out[out.length - 1] = { kind: 'lit', text: last.text + text, quoted };
  else out.push({ kind: 'lit', text, quoted });
}

/** Literal text with its backslashes. */
function bareText(text: string, quoting: Quoting, out: Part[]): void {
  if (!text.includes('\\')) {
    if (text !== '' || quoting !== 'bare') push(out, text, quoting !== 'bare');
    return;
  }
  let plain = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    const next = text[i + 1];
    if (char !== '\\' || next === undefined) {
      plain += char;
    } else if (next === '\n') {
      i++;
    } else if (quoting === 'bare') {
      if (plain !== '') push(out, plain, false);
      plain = '';
      push(out, next, true);
      i++;
    } else if (next === '$' || next === '`' || next === '\\' || (next === '"' && quoting === 'double')) {
      plain += next;
      i++;
    } else plain += char;
  }
  if (plain !== '' || out.length === 0) push(out, plain, quoting !== 'bare');
}

function lowerPart(part: WordPart, source: Source, quoting: Quoting, out: Part[]): void {
  const quoted = quoting !== 'bare';
  switch (part.type) {
    case 'Literal':
      bareText(part.text, quoting, out);
      break;
    case 'SingleQuoted':
      push(out, quoted ? part.text : part.value, true);
      break;
    case 'AnsiCQuoted':
      push(out, decodeAnsiC(part.text.slice(2, -1)), true);
      break;
    case 'DoubleQuoted':
    case 'LocaleString': {
      const before = out.length;
      for (const child of part.parts) lowerPart(child, source, 'double', out);
      if (out.length === before) push(out, '', true);
      break;
    }
    case 'SimpleExpansion':
      out.push({ kind: 'param', quoted, name: part.text.slice(1), simple: true });
      break;
    case 'ParameterExpansion':
      out.push(lowerParameter(part, source, quoting));
      break;
    case 'CommandExpansion':
      out.push({ kind: 'command', quoted, body: substitution(part, source) });
      break;
    case 'ArithmeticExpansion': {
      const text = part.text.startsWith('$[') ? part.text.slice(2, -1) : part.text.slice(3, -2);
      out.push({ kind: 'arith', quoted, body: lowerArithmetic(text, lineAt(source, part.pos)), text });
      break;
    }
    case 'ProcessSubstitution':
      out.push({ kind: 'procsub', direction: part.operator, body: substitution(part, source) });
      break;
    case 'Glob':
      if (part.kind === 'bracket') {
        push(out, '[', quoted);
        for (const child of part.parts) lowerPart(child, source, quoting, out);
        push(out, ']', quoted);
      } else push(out, part.text, quoted);
      break;
    case 'ExtendedGlob':
      push(out, `${part.operator}(`, quoted);
      if (part.parts === undefined) bareText(part.pattern, quoting, out);
      else for (const child of part.parts) lowerPart(child, source, quoting, out);
      push(out, ')', quoted);
      break;
    case 'BraceExpansion':
      if (part.parts === undefined) bareText(part.text, quoting, out);
      else {
        push(out, '{', quoted);
        for (const child of part.parts) lowerPart(child, source, quoting, out);
        push(out, '}', quoted);
      }
      break;
  }
}

function substitution(part: WordPart & { type: 'CommandExpansion' | 'ProcessSubstitution' }, source: Source): Body {
  const script = part.script;
  const syntax = script ?? parse('');
  const own = syntax.source;
  const from = own === undefined ? source : { text: own, firstLine: lineAt(source, part.pos) };
  return { syntax, source: from, list: undefined };
}

function lowerParameter(part: ParameterExpansionPart, source: Source, quoting: Quoting): Part {
  const quoted = quoting !== 'bare';
  const { operation } = part;
  if (part.prefix === '!' && !/^[\w@*#]/.test(part.parameter)) return lastBackground(part, source, quoting);
  const prefix = part.prefix ?? '';
  const name = part.parameter;
  if (operation === undefined && prefix === '' && part.index === undefined) {
    return { kind: 'param', quoted, name, simple: true };
  }
  const index = part.index === undefined ? undefined : lowerPlain(part.index, source);
  const operand = quoted ? 'double' : 'bare';
  const op = operation === undefined ? undefined : lowerOperation(operation, source, operand);
  return { kind: 'param', simple: false, quoted, name, prefix, index, op, text: part.text };
}

/** `${!-word}` and its like are about `$!`, where the parser sees an indirection. */
function lastBackground(part: ParameterExpansionPart, source: Source, quoting: Quoting): Part {
  const text = `: "\${x${part.text.slice(3)}"`;
  const command = parse(text).commands[0]?.command;
  const word = command?.type === 'Command' ? command.suffix[0] : undefined;
  const inner = word?.type === 'Word' && word.parts?.[0]?.type === 'DoubleQuoted' ? word.parts[0].parts[0] : undefined;
  if (inner?.type !== 'ParameterExpansion')
    return { kind: 'param', quoted: quoting !== 'bare', name: '!', simple: true };
  const lowered = lowerParameter(inner, { text, firstLine: lineAt(source, part.pos) }, quoting);
  return lowered.kind === 'param' ? { ...lowered, name: '!' } : lowered;
}

function lowerOperation(
  operation: NonNullable<ParameterExpansionPart['operation']>,
  source: Source,
  quoting: 'bare' | 'double',
): ParamOp {
  switch (operation.type) {
    case 'Default': {
      const operand = lowerPlain(operation.operand, source, quoting);
      if (quoting === 'bare') tildeAtStart(operand.parts as Part[]);
      return { kind: 'default', operator: operation.operator, operand: { ...operand, literal: undefined } };
    }
    case 'Remove':
      return { kind: 'remove', operator: operation.operator, pattern: lowerPlain(operation.operand, source) };
    case 'Replace': {
      const pattern = lowerPlain(operation.pattern, source);
      const replacement = lowerPlain(operation.replacement, source);
      return { kind: 'replace', operator: operation.operator, pattern, replacement };
    }
    case 'Slice': {
      const length = operation.length;
      return {
        kind: 'slice',
        offset: lowerArithmetic(operation.offset.text, lineAt(source, operation.pos)),
        length: length === undefined ? undefined : lowerArithmetic(length.text, lineAt(source, operation.pos)),
      };
    }
    case 'CaseModification': {
      const pattern = operation.operand === undefined ? undefined : lowerPlain(operation.operand, source);
      return { kind: 'case', operator: operation.operator, pattern };
    }
    case 'Transform':
      return { kind: 'transform', operator: operation.operand.text };
    case 'Names':
      return { kind: 'names', operator: operation.operator };
    default:
      return toggle(operation.operator) ?? { kind: 'bad' };
  }
}

/** `${x~pattern}` and `${x~~pattern}`, which change the case over: the parser does not know them. */
function toggle(text: string): ParamOp | undefined {
  if (!text.startsWith('~')) return undefined;
  const operator = text.startsWith('~~') ? '~~' : '~';
  const rest = text.slice(operator.length);
  return { kind: 'case', operator, pattern: rest === '' ? undefined : literalPattern(rest) };
}

function literalPattern(text: string): Word {
  return { text, parts: [{ kind: 'lit', text, quoted: false }], literal: undefined };
}

// ---------------------------------------------------------------- tildes

function tildeAtStart(parts: Part[], assignment = false): void {
  const first = parts[0];
  if (first?.kind !== 'lit' || first.quoted || !first.text.startsWith('~')) return;
  const match = (assignment ? /^~([^/:]*)/ : /^~([^/]*)/).exec(first.text)!;
  const rest = first.text.slice(match[0].length);
  if (rest === '' && parts.length > 1) return;
  const replacement: Part[] = [{ kind: 'tilde', user: match[1]! }];
  if (rest !== '') replacement.push({ ...first, text: rest });
  parts.splice(0, 1, ...replacement);
}

/** A word that looks like an assignment, though it is an argument. */
function tildeAfterEquals(parts: Part[]): void {
  const first = parts[0];
  if (first?.kind !== 'lit' || first.quoted) return;
  const at = first.text.indexOf('=') + 1;
  const value: Part[] = [];
  if (at < first.text.length) value.push({ ...first, text: first.text.slice(at) });
  value.push(...parts.slice(1));
  if (at < first.text.length) tildeAtStart(value, true);
  tildeAfterColons(value);
  parts.splice(0, parts.length, { ...first, text: first.text.slice(0, at) }, ...value);
}

function tildeAfterColons(parts: Part[]): void {
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (part.kind !== 'lit' || part.quoted || !part.text.includes(':~')) continue;
    const at = part.text.indexOf(':~') + 1;
    const match = /^~([^/:]*)/.exec(part.text.slice(at))!;
    const rest = part.text.slice(at + match[0].length);
    if (rest === '' && i + 1 < parts.length) continue;
    const replacement: Part[] = [
      { ...part, text: part.text.slice(0, at) },
      { kind: 'tilde', user: match[1]! },
    ];
    if (rest !== '') replacement.push({ ...part, text: rest });
    parts.splice(i, 1, ...replacement);
    i++;
  }
}

// ---------------------------------------------------------------- array literals

/** `value` or `[key]=value` between the parentheses of an array assignment. */
export function lowerElements(elements: readonly WordSyntax[], source: Source): ArrayElement[] {
  const out: ArrayElement[] = [];
  for (const element of elements) {
    const keyed = element.text.startsWith('[') ? lowerKeyed(element, source) : undefined;
    if (keyed !== undefined) {
      out.push(keyed);
      continue;
    }
    const words: Word[] = [];
    lowerWords(element, source, words);
    for (const value of words) out.push({ key: undefined, append: false, value });
  }
  return out;
}

function lowerKeyed(element: WordSyntax, source: Source): ArrayElement | undefined {
  const text = `a${element.text}`;
  const command = parse(text).commands[0]?.command;
  const assignment = command?.type === 'Command' ? command.prefix[0] : undefined;
  if (assignment?.type !== 'Assignment' || assignment.index === undefined || assignment.value.type !== 'Word')
    return undefined;
  const own = { text, firstLine: lineAt(source, element.pos) };
  return {
    key: lowerPlain(assignment.index, own),
    append: assignment.append === true,
    value: lowerValue(assignment.value, own),
  };
}
