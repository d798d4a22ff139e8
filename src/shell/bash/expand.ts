/**
 * Word expansion: tilde, parameters, substitutions, arithmetic, then splitting, pathnames and quote
 * removal. Expansions are generators that yield only what must be waited for, so that words without
 * command substitutions, which are nearly all, are expanded without a promise.
 */
import { arithmetic } from './assign.ts';
import { Abort } from './error.ts';
import { type Field, FieldSink, PatternSink, type Sink, TextSink } from './fields.ts';
import { globPaths } from './glob.ts';
import type { Part, Word } from './ir.ts';
import { parameterPart, simpleParameter } from './parameter.ts';
import { hasPattern } from './pattern.ts';
import type { Shell } from './shell.ts';
import { tildeDirectory } from './tilde.ts';

/** A computation that may have to wait. */
export type Eval<T> = Generator<Promise<unknown>, T, unknown>;

/** Run to the end; a promise only if something had to be waited for. */
export function drive<T>(evaluation: Eval<T>): T | Promise<T> {
  const first = evaluation.next();
  return first.done === true ? first.value : driveOn(evaluation, first.value);
}

async function driveOn<T>(evaluation: Eval<T>, first: Promise<unknown>): Promise<T> {
  let pending = first;
  for (;;) {
    let step: IteratorResult<Promise<unknown>, T>;
    try {
      const value = await pending;
      step = evaluation.next(value);
    } catch (error) {
      step = evaluation.throw(error);
    }
    if (step.done === true) return step.value;
    pending = step.value;
  }
}

/** The fields that words give, for a command or a `for` loop. */
export function* expandWords(sh: Shell, words: readonly Word[]): Eval<string[]> {
  const out: string[] = [];
  for (const word of words) {
    if (word.literal !== undefined) out.push(word.literal);
    else if (!quickWord(sh, word, out)) yield* expandWord(sh, word, out);
  }
  return out;
}

/** Characters that neither split a word nor match a path. */
const PLAIN = /^[\w.:@%+=,/-]+$/;

/** Whether a part of a word is a parameter as such, which is looked up without any effect. */
function isPlainParameter(part: Part): part is Part & { kind: 'param' } {
  return part.kind === 'param' && part.simple && !SPECIAL.has(part.name);
}

const SPECIAL: ReadonlySet<string> = new Set(['@', '*', 'RANDOM', 'SRANDOM']);

/** A word of text and parameters that gives one field: `"$x"`, `10.0.0.$i`. False leaves it to {@link expandWord}. */
export function quickWord(sh: Shell, word: Word, out: string[]): boolean {
  let text = '';
  for (const part of word.parts) {
    if (part.kind === 'lit') {
      if (!part.quoted && /[*?[\\(]/.test(part.text)) return false;
      text += part.text;
    } else if (isPlainParameter(part)) {
      const value = sh.parameter(part.name);
      if (value === undefined && sh.options.has('nounset')) return false;
      if (!part.quoted && (value === undefined || !PLAIN.test(value) || sh.ifs !== ' \t\n')) return false;
      text += value ?? '';
    } else return false;
  }
  if (word.parts.length === 0) return false;
  out.push(text);
  return true;
}

function isPlainText(parts: readonly Part[]): boolean {
  for (const part of parts) {
    if (part.kind === 'lit' || isPlainParameter(part)) continue;
    if (part.kind !== 'arith' || !isPlainText(part.body.parts)) return false;
  }
  return true;
}

function plainText(sh: Shell, parts: readonly Part[]): string {
  let text = '';
  for (const part of parts) {
    if (part.kind === 'lit') text += part.text;
    else if (part.kind === 'param') text += sh.parameter(part.name) ?? '';
    else if (part.kind === 'arith') text += arithmetic(sh, plainText(sh, part.body.parts)).toString();
  }
  return text;
}

/** One text of literals, parameters and arithmetic; undefined for anything else, see {@link expandText}. */
export function quickText(sh: Shell, word: Word): string | undefined {
  if (word.literal !== undefined) return word.literal;
  return sh.options.has('nounset') || !isPlainText(word.parts) ? undefined : plainText(sh, word.parts);
}

export function* expandWord(sh: Shell, word: Word, out: string[]): Eval<void> {
  const sink = new FieldSink(sh.ifs);
  yield* evaluate(sh, word.parts, sink);
  for (const field of sink.finish()) globField(sh, field, out);
}

function globField(sh: Shell, field: Field, out: string[]): void {
  const extglob = sh.shopts.get('extglob') === true;
  if (sh.options.has('noglob') || !hasPattern(field.pattern, extglob)) {
    out.push(field.text);
    return;
  }
  const paths = globPaths(sh.proc, field.pattern, {
    extglob,
    dotglob: sh.shopts.get('dotglob') === true,
    globstar: sh.shopts.get('globstar') === true,
    skipDots: sh.shopts.get('globskipdots') === true,
    nocaseglob: sh.shopts.get('nocaseglob') === true,
  });
  if (paths.length > 0) out.push(...paths);
  else if (sh.shopts.get('failglob') === true) {
    void sh.complain(`no match: ${field.text}`);
    throw new Abort('discard');
  } else if (sh.shopts.get('nullglob') !== true) out.push(field.text);
}

/** One text, unsplit: assignments, redirections, here-documents. */
export function* expandText(sh: Shell, word: Word): Eval<string> {
  if (word.literal !== undefined) return word.literal;
  const sink = new TextSink(sh.ifs);
  yield* evaluate(sh, word.parts, sink);
  return sink.text;
}

/** A pattern with its quoted characters escaped. */
export function* expandPattern(sh: Shell, word: Word): Eval<string> {
  const sink = new PatternSink(sh.ifs);
  yield* evaluate(sh, word.parts, sink);
  return sink.text;
}

function* expandReplacement(sh: Shell, word: Word): Eval<string> {
  const sink = new PatternSink(sh.ifs, (text) => text.replace(/[\\&]/g, '\\$&'));
  yield* evaluate(sh, word.parts, sink);
  return sink.text;
}

/** A regular expression for `=~`: what is quoted stands for itself. */
export function* expandRegex(sh: Shell, word: Word): Eval<string> {
  const sink = new PatternSink(sh.ifs, (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  yield* evaluate(sh, word.parts, sink);
  return sink.text;
}

export function* evaluate(sh: Shell, parts: readonly Part[], sink: Sink): Eval<void> {
  for (const part of parts) {
    switch (part.kind) {
      case 'lit':
        sink.literal(part.text, part.quoted);
        break;
      case 'param':
        if (part.simple) simpleParameter(sh, part.name, part.quoted, sink);
        else
          yield* parameterPart(sh, part, sink, {
            evaluate,
            text: expandText,
            pattern: expandPattern,
            replacement: expandReplacement,
          });
        break;
      case 'command': {
        const text = (yield sh.exec.substitute(sh, part.body)) as string;
        sink.expansion(text, part.quoted);
        break;
      }
      case 'arith': {
        const text = yield* expandText(sh, part.body);
        sink.expansion(arithmetic(sh, text).toString(), part.quoted);
        break;
      }
      case 'procsub':
        sink.literal(sh.exec.processSubstitution(sh, part.body, part.direction), true);
        break;
      case 'tilde':
        sink.literal(tildeDirectory(sh, part.user), true);
        break;
    }
  }
}
