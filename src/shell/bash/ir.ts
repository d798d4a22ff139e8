/**
 * The tree that the executor runs: the parser's tree with everything decided that can be decided
 * before a command runs (quotes taken off, braces expanded, lines counted).
 */
import type { Script, SyntaxNode } from 'unbash';

/** A text that was parsed: for line numbers and for printing commands. */
export interface Source {
  text: string;
  /** Line of the first character, from 1. */
  firstLine: number;
  /** Offsets at which lines begin; made when needed. */
  lines?: number[];
}

export type Part =
  | Literal
  | { kind: 'param'; quoted: boolean; name: string; simple: true }
  | ParamPart
  | CommandPart
  | { kind: 'arith'; quoted: boolean; body: Word; text: string }
  | { kind: 'procsub'; direction: '<' | '>'; body: Body }
  | { kind: 'tilde'; user: string };

export interface Literal {
  kind: 'lit';
  text: string;
  /** Quoted text is never split, and never a pattern. */
  quoted: boolean;
}

/** `${...}` with an index, a prefix or an operation. */
export interface ParamPart {
  kind: 'param';
  simple: false;
  quoted: boolean;
  name: string;
  /** `#` length, `!` indirection or keys. */
  prefix: '' | '#' | '!';
  /** Subscript; `@` and `*` are their own texts. */
  index: Word | undefined;
  op: ParamOp | undefined;
  /** The source, for "bad substitution". */
  text: string;
}

export type ParamOp =
  | { kind: 'default'; operator: string; operand: Word }
  | { kind: 'remove'; operator: string; pattern: Word }
  | { kind: 'replace'; operator: string; pattern: Word; replacement: Word }
  | { kind: 'slice'; offset: Word; length: Word | undefined }
  | { kind: 'case'; operator: string; pattern: Word | undefined }
  | { kind: 'transform'; operator: string }
  | { kind: 'names'; operator: string }
  | { kind: 'bad' };

export interface CommandPart {
  kind: 'command';
  quoted: boolean;
  body: Body;
}

/** Statements that run in a process of their own; lowered when first run (`bodyList`). */
export interface Body {
  syntax: Script;
  source: Source;
  list: List | undefined;
}

export interface Word {
  /** As written. */
  text: string;
  parts: readonly Part[];
  /** The one field it always gives, when nothing in it needs expanding. */
  literal: string | undefined;
}

export interface Assign {
  kind: 'assign';
  name: string;
  index: Word | undefined;
  append: boolean;
  value: Word | readonly ArrayElement[];
  text: string;
}

/** An element of `a=(...)`: a word, or `[key]=value`. */
export interface ArrayElement {
  key: Word | undefined;
  append: boolean;
  value: Word;
}

export type Redir =
  | {
      kind: 'file';
      op: '>' | '>>' | '<' | '<>' | '>|' | '&>' | '&>>';
      fd: number | undefined;
      fdVar: string | undefined;
      target: Word;
    }
  | { kind: 'dup'; op: '<&' | '>&'; fd: number | undefined; fdVar: string | undefined; target: Word }
  | { kind: 'here'; fd: number | undefined; fdVar: string | undefined; body: Word; string: boolean };

export interface Simple {
  kind: 'simple';
  line: number;
  assigns: readonly Assign[];
  words: readonly (Word | Assign)[];
  redirs: readonly Redir[];
  /** Every word literal and nothing else to do: the arguments, ready. */
  argv: readonly string[] | undefined;
  syntax: SyntaxNode;
}

export type Test =
  | { kind: 'unary'; op: string; operand: Word }
  | { kind: 'binary'; op: string; left: Word; right: Word }
  | { kind: 'logical'; op: '&&' | '||'; operands: readonly Test[] }
  | { kind: 'not'; operand: Test };

export type Node =
  | Simple
  | {
      kind: 'pipeline';
      line: number;
      commands: readonly Node[];
      /** For each `|`: whether it is `|&`. */
      both: readonly boolean[];
      negate: boolean;
      time: 'no' | 'bash' | 'posix';
      syntax: SyntaxNode;
    }
  | { kind: 'andor'; line: number; commands: readonly Node[]; operators: readonly string[]; syntax: SyntaxNode }
  | {
      kind: 'if';
      line: number;
      arms: readonly { test: List; body: List }[];
      otherwise: List | undefined;
      syntax: SyntaxNode;
    }
  | { kind: 'for'; line: number; name: string; words: readonly Word[] | undefined; body: List; syntax: SyntaxNode }
  | { kind: 'select'; line: number; name: string; words: readonly Word[] | undefined; body: List; syntax: SyntaxNode }
  | {
      kind: 'cfor';
      line: number;
      init: Word | undefined;
      test: Word | undefined;
      update: Word | undefined;
      body: List;
      syntax: SyntaxNode;
    }
  | { kind: 'while'; line: number; until: boolean; test: List; body: List; syntax: SyntaxNode }
  | { kind: 'case'; line: number; word: Word; items: readonly CaseItem[]; syntax: SyntaxNode }
  | { kind: 'subshell'; line: number; body: List; syntax: SyntaxNode }
  | { kind: 'group'; line: number; body: List; syntax: SyntaxNode }
  | { kind: 'test'; line: number; test: Test; syntax: SyntaxNode }
  | { kind: 'arith'; line: number; body: Word; text: string; syntax: SyntaxNode }
  | { kind: 'function'; line: number; name: string; body: Node; source: Source; syntax: SyntaxNode }
  | { kind: 'coproc'; line: number; name: string; body: Node; syntax: SyntaxNode }
  | { kind: 'redirected'; line: number; body: Node; redirs: readonly Redir[]; syntax: SyntaxNode };

export interface CaseItem {
  patterns: readonly Word[];
  body: List;
  end: ';;' | ';&' | ';;&';
}

export interface Statement {
  node: Node;
  background: boolean;
  line: number;
  /** Range in the source. */
  pos: number;
  end: number;
}

/** Statements, made from the parser's when first run. */
export interface List {
  readonly statements: readonly Statement[];
}
