/** From the parser's tree to ours. */
import type {
  ArrayValue,
  Assignment,
  Command,
  CommandNode,
  CompoundList,
  PipelineNode,
  Redirection,
  Statement as StatementSyntax,
  TestExpression,
  Word as WordSyntax,
} from 'unbash';
import { parse } from 'unbash';
import type { Assign, Body, List, Node, Redir, Simple, Source, Statement, Test, Word } from './ir.ts';
import {
  literalWord,
  lowerArithmetic,
  lowerElements,
  lowerHere,
  lowerPlain,
  lowerValue,
  lowerWord,
  lowerWords,
} from './lower-word.ts';
import { lineAt } from './source.ts';

/** A list that is lowered when it is first run. */
class LazyList implements List {
  private made: readonly Statement[] | undefined = undefined;
  private readonly syntax: readonly StatementSyntax[];
  private readonly source: Source;

  constructor(syntax: readonly StatementSyntax[], source: Source) {
    this.syntax = syntax;
    this.source = source;
  }

  get statements(): readonly Statement[] {
    this.made ??= this.syntax.map((statement) => lowerStatement(statement, this.source));
    return this.made;
  }
}

export interface Parsed {
  source: Source;
  list: List;
  /** Where each statement is. */
  spans: readonly { pos: number; end: number }[];
  /** Statement `i`. A long text's are made when they are run and not kept: most run once. */
  statement(i: number): Statement;
  /** Where the parser gave up, with its reason. */
  error: { message: string; pos: number } | undefined;
}

const CACHE_LIMIT = 2000;
const CACHED_LENGTH = 4000;
const cache = new Map<string, Parsed>();
/** Texts parsed once: what is parsed a second time is worth keeping. */
const seen = new Set<string>();

/** Parse a text. The result is shared between those who parse the same text. */
export function parseScript(text: string, firstLine = 1): Parsed {
  const cacheable = firstLine === 1 && text.length < CACHED_LENGTH;
  const known = cacheable ? cache.get(text) : undefined;
  if (known !== undefined) return known;
  const script = parse(text);
  const source: Source = { text, firstLine };
  const error = script.errors?.[0];
  const list = new LazyList(script.commands, source);
  const statement = cacheable
    ? (i: number) => list.statements[i]!
    : (i: number) => lowerStatement(script.commands[i]!, source);
  const parsed = { source, list, spans: script.commands, statement, error };
  if (cacheable && seen.has(text)) {
    if (cache.size >= CACHE_LIMIT) cache.clear();
    cache.set(text, parsed);
  } else if (cacheable) {
    if (seen.size >= CACHE_LIMIT) seen.clear();
    seen.add(text);
  }
  return parsed;
}

/** The statements of a substitution. */
export function bodyList(body: Body): List {
  body.list ??= new LazyList(body.syntax.commands, body.source);
  return body.list;
}

function lowerList(list: CompoundList, source: Source): List {
  return new LazyList(list.commands, source);
}

function lowerStatement(statement: StatementSyntax, source: Source): Statement {
  const { command } = statement;
  const node =
    command.type === 'AndOr'
      ? ({
          kind: 'andor',
          line: lineAt(source, command.pos),
          commands: command.commands.map((each) => lowerPipeline(each, source)),
          operators: command.operators,
          syntax: command,
        } as const)
      : lowerPipeline(command, source);
  return {
    node,
    background: statement.background === true,
    line: node.line,
    pos: statement.pos,
    end: statement.end,
  };
}

function lowerPipeline(node: PipelineNode, source: Source): Node {
  if (node.type !== 'Pipeline') return lowerCommand(node, source);
  let negate = false;
  let time: 'no' | 'bash' | 'posix' = 'no';
  for (const prefix of node.prefixes) {
    if (prefix.type === 'Negation') negate = !negate;
    else time = prefix.posix === undefined ? 'bash' : 'posix';
  }
  return {
    kind: 'pipeline',
    line: lineAt(source, node.pos),
    commands: node.commands.map((each) => lowerCommand(each, source)),
    both: node.operators.map((operator) => operator === '|&'),
    negate,
    time,
    syntax: node,
  };
}

function lowerCommand(node: CommandNode, source: Source): Node {
  const line = lineAt(source, node.pos);
  switch (node.type) {
    case 'Command':
      return lowerSimple(node, source, line);
    case 'Redirected':
      return {
        kind: 'redirected',
        line,
        body: lowerCommand(node.command, source),
        redirs: node.redirects.map((each) => lowerRedir(each, source)),
        syntax: node,
      };
    case 'If': {
      const arms = [{ test: lowerList(node.clause, source), body: lowerList(node.then, source) }];
      for (const arm of node.elif)
        arms.push({ test: lowerList(arm.clause, source), body: lowerList(arm.then, source) });
      const otherwise = node.else === undefined ? undefined : lowerList(node.else, source);
      return { kind: 'if', line, arms, otherwise, syntax: node };
    }
    case 'For':
    case 'Select': {
      let words: Word[] | undefined;
      if (node.wordlist !== undefined) {
        words = [];
        for (const word of node.wordlist) lowerWords(word, source, words);
      }
      const kind = node.type === 'For' ? 'for' : 'select';
      return { kind, line, name: node.name.text, words, body: lowerList(node.body, source), syntax: node };
    }
    case 'ArithmeticFor': {
      // The blanks behind a clause are part of it: a trace shows them.
      const blanksTo = (end: number): number => end + /^[ \t]*/.exec(source.text.slice(end, end + 80))![0].length;
      const clause = (expression: { pos: number; end: number } | undefined) =>
        expression === undefined
          ? undefined
          : lowerArithmetic(
              source.text.slice(expression.pos, blanksTo(expression.end)),
              lineAt(source, expression.pos),
            );
      return {
        kind: 'cfor',
        line,
        init: clause(node.initialize),
        test: clause(node.test),
        update: clause(node.update),
        body: lowerList(node.body, source),
        syntax: node,
      };
    }
    case 'While':
      return {
        kind: 'while',
        line,
        until: node.kind === 'until',
        test: lowerList(node.clause, source),
        body: lowerList(node.body, source),
        syntax: node,
      };
    case 'Case':
      return {
        kind: 'case',
        line,
        word: lowerWord(node.word, source),
        items: node.items.map((item) => ({
          patterns: item.pattern.map((pattern) => lowerWord(pattern, source)),
          body: lowerList(item.body, source),
          end: item.terminator ?? ';;',
        })),
        syntax: node,
      };
    case 'Subshell':
      return { kind: 'subshell', line, body: lowerList(node.body, source), syntax: node };
    case 'BraceGroup':
      return { kind: 'group', line, body: lowerList(node.body, source), syntax: node };
    case 'TestCommand':
      return { kind: 'test', line, test: lowerTest(node.expression, source), syntax: node };
    case 'ArithmeticCommand':
      return { kind: 'arith', line, body: lowerArithmetic(node.body, line), text: node.body, syntax: node };
    case 'Function':
      return {
        kind: 'function',
        line,
        name: node.name.value,
        body: lowerFunctionBody(node.body, source),
        source,
        syntax: node,
      };
    case 'Coproc':
      return {
        kind: 'coproc',
        line,
        name: node.name?.text ?? 'COPROC',
        body: lowerFunctionBody(node.body, source),
        syntax: node,
      };
  }
}

function lowerFunctionBody(body: CommandNode | CompoundList, source: Source): Node {
  if (body.type !== 'CompoundList') return lowerCommand(body, source);
  return { kind: 'group', line: lineAt(source, body.pos), body: lowerList(body, source), syntax: body };
}

function lowerSimple(node: Command, source: Source, line: number): Simple {
  const assigns: Assign[] = [];
  const redirs: Redir[] = [];
  const words: (Word | Assign)[] = [];
  for (const item of node.prefix) {
    if (item.type === 'Assignment') assigns.push(lowerAssign(item, source));
    else redirs.push(lowerRedir(item, source));
  }
  if (node.name !== undefined) lowerWords(node.name, source, words as Word[]);
  for (const item of node.suffix) {
    if (item.type === 'Word') lowerWords(item, source, words as Word[]);
    else if (item.type === 'Assignment') words.push(lowerAssign(item, source));
    else redirs.push(lowerRedir(item, source));
  }
  let argv: string[] | undefined;
  if (words.length > 0) {
    argv = [];
    for (const word of words) {
      if ('kind' in word || word.literal === undefined) {
        argv = undefined;
        break;
      }
      argv.push(word.literal);
    }
  }
  return { kind: 'simple', line, assigns, words, redirs, argv, syntax: node };
}

function lowerAssign(node: Assignment, source: Source): Assign {
  return {
    kind: 'assign',
    name: node.name,
    index: node.index === undefined ? undefined : lowerPlain(node.index, source),
    append: node.append === true,
    value: lowerAssignValue(node.value, source),
    text: node.text,
  };
}

function lowerAssignValue(value: WordSyntax | ArrayValue, source: Source): Assign['value'] {
  return value.type === 'Word' ? lowerValue(value, source) : lowerElements(value.elements, source);
}

const EMPTY: Word = literalWord('');

function lowerRedir(node: Redirection, source: Source): Redir {
  const { descriptor } = node;
  const fd = descriptor?.type === 'FileDescriptor' ? descriptor.value : undefined;
  const fdVar = descriptor?.type === 'FileDescriptorVariable' ? descriptor.name : undefined;
  if (node.type === 'HereDoc') {
    const quoted = node.delimiter?.quoted === true;
    let body: Word;
    if (node.operator === '<<-') {
      const text = node.body.text.replace(/^\t+/gm, '');
      body = quoted ? literalWord(text) : lowerArithmetic(text, lineAt(source, node.body.pos));
    } else body = quoted ? literalWord(node.body.text) : lowerHere(node.body, source);
    return { kind: 'here', fd, fdVar, body, string: false };
  }
  const target = node.target === undefined ? EMPTY : lowerWord(node.target, source);
  if (node.type === 'HereString') return { kind: 'here', fd, fdVar, body: target, string: true };
  if (node.operator === '<&' || node.operator === '>&') return { kind: 'dup', op: node.operator, fd, fdVar, target };
  return { kind: 'file', op: node.operator, fd, fdVar, target };
}

function lowerTest(node: TestExpression, source: Source): Test {
  switch (node.type) {
    case 'TestUnary':
      return { kind: 'unary', op: node.operator, operand: lowerWord(node.operand, source) };
    case 'TestBinary':
      return {
        kind: 'binary',
        op: node.operator,
        left: lowerWord(node.left, source),
        right: lowerWord(node.right, source),
      };
    case 'TestLogical':
      return { kind: 'logical', op: node.operator, operands: node.operands.map((each) => lowerTest(each, source)) };
    case 'TestNot': {
      const operand = lowerTest(node.operand, source);
      return node.negations.length % 2 === 1 ? { kind: 'not', operand } : operand;
    }
    case 'TestGroup':
      return lowerTest(node.expression, source);
  }
}

/** A text that is expanded as a here-document is: PS4. */
export function lowerHereText(text: string): Word {
  return lowerArithmetic(text, 1);
}
