/** `$name` and `${...}` with all its operations. */
import { arithmetic, assignElement, assignScalar, readElement, unbound } from './assign.ts';
import { Abort } from './error.ts';
import type { Eval } from './expand.ts';
import type { Sink } from './fields.ts';
import { OperandSink, TextSink } from './fields.ts';
import type { ParamOp, ParamPart, Part, Word } from './ir.ts';
import { matchPrefix, matchSuffix, patternRegExp, replacePattern } from './pattern.ts';
import type { Shell } from './shell.ts';
import { transform, transformList } from './transform.ts';
import type { Variable } from './variable.ts';

/** Expansion of operands, handed in by expand.ts. */
export interface Operands {
  /** Where an unquoted operand of `-` or `+` goes: it is split like an expansion. */
  evaluate(sh: Shell, parts: readonly Part[], sink: Sink): Eval<void>;
  text(sh: Shell, word: Word): Eval<string>;
  pattern(sh: Shell, word: Word): Eval<string>;
  /** The replacement of `${x/a/b}`, its quoted `&` escaped. */
  replacement(sh: Shell, word: Word): Eval<string>;
}

/** What a parameter refers to. */
interface Reference {
  name: string;
  subscript: string | undefined;
  variable: Variable | undefined;
  /** Undefined for a list. */
  value: string | undefined;
  /** Values of `@` and `*` forms. */
  list: string[] | undefined;
  star: boolean;
}

export function simpleParameter(sh: Shell, name: string, quoted: boolean, sink: Sink): void {
  if (name === '@' || name === '*') {
    sink.list(sh.args, quoted, name === '*');
    return;
  }
  const value = sh.parameter(name);
  if (value === undefined) {
    if (sh.options.has('nounset')) unbound(sh, /^\d+$/.test(name) || name === '!' ? `$${name}` : name);
    sink.expansion('', quoted);
  } else sink.expansion(value, quoted);
}

export function* parameterPart(sh: Shell, part: ParamPart, sink: Sink, operands: Operands): Eval<void> {
  const { op } = part;
  if (op?.kind === 'bad' || !validName(part.name)) bad(sh, part);
  if (op?.kind === 'names') {
    sink.list(sh.vars.names(part.name), part.quoted, op.operator === '*');
    return;
  }
  const subscript = part.index === undefined ? undefined : yield* subscriptText(sh, part.index, operands);
  if (part.prefix === '!' && (subscript === '@' || subscript === '*') && op === undefined) {
    sink.list(sh.lookup(part.name)?.keys ?? [], part.quoted, subscript === '*');
    return;
  }
  let reference = resolve(sh, part.name, subscript);
  if (part.prefix === '!') {
    const indirect = indirection(sh, part, reference);
    if (typeof indirect === 'string') {
      sink.expansion(indirect, part.quoted);
      return;
    }
    reference = indirect;
  }
  if (part.prefix === '#') {
    sink.expansion(String(lengthOf(sh, part, reference)), part.quoted);
    return;
  }
  if (op === undefined) {
    checkBound(sh, part, reference);
    give(reference.list ?? reference.value, reference, part, sink);
    return;
  }
  yield* operate(sh, part, op, reference, sink, operands);
}

function validName(name: string): boolean {
  return /^(?:[A-Za-z_]\w*|\d+|[@*#?$!_-])$/.test(name);
}

function bad(sh: Shell, part: ParamPart): never {
  void sh.complain(`${part.text}: bad substitution`);
  throw new Abort('discard');
}

function give(value: string | string[] | undefined, reference: Reference, part: ParamPart, sink: Sink): void {
  if (Array.isArray(value)) sink.list(value, part.quoted, reference.star);
  else sink.expansion(value ?? '', part.quoted);
}

function* subscriptText(sh: Shell, index: Word, operands: Operands): Eval<string> {
  if (index.text === '@' || index.text === '*') return index.text;
  return yield* operands.text(sh, index);
}

function resolve(sh: Shell, name: string, subscript: string | undefined): Reference {
  if (name === '@' || name === '*') {
    return { name, subscript, variable: undefined, value: undefined, list: sh.args, star: name === '*' };
  }
  if (subscript === undefined) {
    const variable = /^[A-Za-z_]/.test(name) && name !== '_' ? sh.lookup(name) : undefined;
    return { name, subscript, variable, value: sh.parameter(name), list: undefined, star: false };
  }
  const variable = sh.lookup(name);
  if (subscript === '@' || subscript === '*') {
    return { name, subscript, variable, value: undefined, list: variable?.values ?? [], star: subscript === '*' };
  }
  const value = variable === undefined ? undefined : readElement(sh, variable, subscript);
  if (variable === undefined) arithmetic(sh, subscript);
  return { name, subscript, variable, value, list: undefined, star: false };
}

/** `${!name}`: what `name` names. A text is the result itself. */
function indirection(sh: Shell, part: ParamPart, reference: Reference): Reference | string {
  const own = sh.vars.get(part.name);
  if (own?.nameref === true && part.index === undefined) return own.value ?? '';
  const target = reference.list === undefined ? reference.value : reference.list.join(' ');
  if (target === undefined || target === '') {
    void sh.complain(`${target === undefined ? part.name : ''}: invalid indirect expansion`);
    throw new Abort('discard');
  }
  const match = /^([A-Za-z_]\w*|\d+|[@*#?$!_-])(?:\[(.*)\])?$/s.exec(target);
  if (match === null) {
    void sh.complain(`${target}: invalid variable name`);
    throw new Abort('discard');
  }
  return resolve(sh, match[1]!, match[2]);
}

function lengthOf(sh: Shell, part: ParamPart, reference: Reference): number {
  if (reference.list !== undefined) return reference.list.length;
  checkBound(sh, part, reference);
  const value = reference.value ?? '';
  return /[\ud800-\udbff]/.test(value) ? [...value].length : value.length;
}

function checkBound(sh: Shell, part: ParamPart, reference: Reference): void {
  if (reference.list !== undefined || reference.value !== undefined || !sh.options.has('nounset')) return;
  unbound(sh, label(part, reference));
}

function label(part: ParamPart, reference: Reference): string {
  const name = part.prefix === '!' ? `!${part.name}` : reference.name;
  return part.index === undefined ? name : `${name}[${part.index.text}]`;
}

function* operate(
  sh: Shell,
  part: ParamPart,
  op: ParamOp,
  reference: Reference,
  sink: Sink,
  operands: Operands,
): Eval<void> {
  const options = { extglob: sh.shopts.get('extglob') === true };
  switch (op.kind) {
    case 'default':
      yield* defaults(sh, part, op, reference, sink, operands);
      return;
    case 'remove': {
      checkBound(sh, part, reference);
      const pattern = yield* operands.pattern(sh, op.pattern);
      const longest = op.operator.length === 2;
      const remove = (text: string) => {
        if (op.operator[0] === '#') {
          const length = matchPrefix(text, pattern, longest, options);
          return length < 0 ? text : text.slice(length);
        }
        const start = matchSuffix(text, pattern, longest, options);
        return start < 0 ? text : text.slice(0, start);
      };
      give(mapValue(reference, remove), reference, part, sink);
      return;
    }
    case 'replace': {
      checkBound(sh, part, reference);
      const pattern = yield* operands.pattern(sh, op.pattern);
      const ampersand = sh.shopts.get('patsub_replacement') === true;
      const replacement = ampersand
        ? yield* operands.replacement(sh, op.replacement)
        : yield* operands.text(sh, op.replacement);
      const make = (match: string) => (ampersand ? substituteMatch(replacement, match) : replacement);
      const ignoreCase = sh.shopts.get('nocasematch') === true;
      const replace = (text: string) =>
        replacePattern(text, pattern, op.operator as '/', { ...options, ignoreCase }, make);
      give(mapValue(reference, replace), reference, part, sink);
      return;
    }
    case 'slice':
      checkBound(sh, part, reference);
      yield* slice(sh, part, op, reference, sink, operands);
      return;
    case 'case': {
      checkBound(sh, part, reference);
      const pattern = op.pattern === undefined ? '?' : yield* operands.pattern(sh, op.pattern);
      const regexp = patternRegExp(pattern === '' ? '?' : pattern, options);
      give(
        mapValue(reference, (text) => changeCase(text, op.operator, regexp)),
        reference,
        part,
        sink,
      );
      return;
    }
    case 'transform': {
      if (!/^[QEPAaKkuUL]$/.test(op.operator)) bad(sh, part);
      if (reference.list === undefined && reference.value === undefined && op.operator !== 'a' && op.operator !== 'A') {
        checkBound(sh, part, reference);
        sink.expansion('', part.quoted);
        return;
      }
      if (reference.list !== undefined) {
        const values = transformList(sh, op.operator, part.name, reference.variable, reference.list);
        sink.list(values, part.quoted, reference.star);
      } else
        sink.expansion(transform(sh, op.operator, reference.name, reference.variable, reference.value), part.quoted);
      return;
    }
  }
}

/** The replacement of `${x/a/b}`: an unquoted `&` is what matched. */
function substituteMatch(replacement: string, match: string): string {
  return replacement.replace(/\\([\\&])|&/g, (_found, escaped?: string) => escaped ?? match);
}

function mapValue(reference: Reference, change: (text: string) => string): string | string[] {
  if (reference.list !== undefined) return reference.list.map(change);
  return change(reference.value ?? '');
}

function changeCase(text: string, operator: string, pattern: RegExp): string {
  const all = operator.length === 2;
  let done = false;
  return [...text]
    .map((char, index) => {
      if ((!all && index > 0) || done || !pattern.test(char)) return char;
      if (!all) done = true;
      if (operator[0] === '^') return char.toUpperCase();
      if (operator[0] === ',') return char.toLowerCase();
      return char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase();
    })
    .join('');
}

function* defaults(
  sh: Shell,
  part: ParamPart,
  op: ParamOp & { kind: 'default' },
  reference: Reference,
  sink: Sink,
  operands: Operands,
): Eval<void> {
  const nullCounts = op.operator.startsWith(':');
  const { list } = reference;
  let isSet = list === undefined ? reference.value !== undefined : list.length > 0;
  if (isSet && nullCounts) {
    const text = list === undefined ? reference.value! : list.join(reference.star ? (sh.ifs[0] ?? '') : ' ');
    isSet = text !== '';
  }
  const kind = op.operator.at(-1);
  if (kind === '+') {
    if (isSet) yield* operands.evaluate(sh, op.operand.parts, new OperandSink(sink));
    else if (list === undefined || reference.star) sink.expansion('', part.quoted);
    return;
  }
  if (isSet) {
    give(list ?? reference.value, reference, part, sink);
    return;
  }
  if (kind === '-') {
    yield* operands.evaluate(sh, op.operand.parts, new OperandSink(sink));
    if (op.operand.parts.length === 0 && part.quoted) sink.expansion('', true);
    return;
  }
  const text = new TextSink(sh.ifs);
  yield* operands.evaluate(sh, op.operand.parts, text);
  if (kind === '?') {
    const message = text.text === '' ? (nullCounts ? 'parameter null or not set' : 'parameter not set') : text.text;
    void sh.complain(`${label(part, reference)}: ${message}`);
    throw new Abort('exit', sh.commandString ? 127 : 1);
  }
  if (!/^[A-Za-z_]/.test(reference.name)) {
    void sh.complain(`$${reference.name}: cannot assign in this way`);
    throw new Abort('discard');
  }
  if (reference.subscript === undefined) assignScalar(sh, reference.name, text.text, false);
  else assignElement(sh, reference.name, reference.subscript, text.text, false);
  sink.expansion(text.text, part.quoted);
}

function* slice(
  sh: Shell,
  part: ParamPart,
  op: ParamOp & { kind: 'slice' },
  reference: Reference,
  sink: Sink,
  operands: Operands,
): Eval<void> {
  const offset = Number(arithmetic(sh, yield* operands.text(sh, op.offset)));
  const lengthText = op.length === undefined ? undefined : yield* operands.text(sh, op.length);
  const length = lengthText === undefined ? undefined : Number(arithmetic(sh, lengthText));
  if (reference.list !== undefined) {
    sink.list(sliceList(sh, part, reference, offset, length, lengthText), part.quoted, reference.star);
    return;
  }
  const chars = /[\ud800-\udfff]/.test(reference.value ?? '') ? [...reference.value!] : undefined;
  const size = chars?.length ?? (reference.value ?? '').length;
  const start = offset < 0 ? size + offset : offset;
  if (start < 0 || start > size) {
    sink.expansion('', part.quoted);
    return;
  }
  let end = length === undefined ? size : length < 0 ? size + length : Math.min(size, start + length);
  if (end < start) {
    if (length !== undefined && length < 0) {
      void sh.complain(`${lengthText}: substring expression < 0`);
      throw new Abort('discard');
    }
    end = start;
  }
  sink.expansion(
    chars === undefined ? (reference.value ?? '').slice(start, end) : chars.slice(start, end).join(''),
    part.quoted,
  );
}

function sliceList(
  sh: Shell,
  part: ParamPart,
  reference: Reference,
  offset: number,
  length: number | undefined,
  lengthText: string | undefined,
): string[] {
  if (length !== undefined && length < 0) {
    void sh.complain(`${lengthText}: substring expression < 0`);
    throw new Abort('discard');
  }
  if (reference.variable === undefined || part.name === '@' || part.name === '*') {
    const values = [sh.name, ...sh.args];
    const start = offset < 0 ? values.length + offset : offset;
    if (start < 0) return [];
    const from = offset === 0 ? 0 : start;
    return values.slice(from, length === undefined ? undefined : from + length);
  }
  const { variable } = reference;
  if (variable.array === undefined) {
    const values = reference.list!;
    const start = offset < 0 ? values.length + offset : offset;
    const from = variable.assoc !== undefined && start > 0 ? start - 1 : start;
    return start < 0 ? [] : values.slice(from, length === undefined ? undefined : from + length);
  }
  const start = offset < 0 ? variable.array.length + offset : offset;
  if (start < 0) return [];
  const out: string[] = [];
  variable.array.forEach((value, index) => {
    if (value !== undefined && index >= start && (length === undefined || out.length < length)) out.push(value);
  });
  return out;
}
