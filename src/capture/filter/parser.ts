/**
 * The grammar of filter expressions. Code is made while the text is read, from left to right, as
 * `vlan` and its like change what later primitives mean.
 *
 * The hard part is `(`: it may open an expression, a list of names for the qualifiers before it
 * (`host (a or b)`), an arithmetic value or a bare number, and only what follows decides. So
 * {@link Parser.item} says what it found, and the place where it stands says what may be there.
 */
import { type Arithmetic, combined, lengthValue, negated, numberValue, packetValue, relation } from './arithmetic.ts';
import { and, type Block, not, or } from './block.ts';
import {
  ALU_ADD_X,
  ALU_AND_X,
  ALU_DIV_X,
  ALU_LSH_X,
  ALU_MOD_X,
  ALU_MUL_X,
  ALU_OR_X,
  ALU_RSH_X,
  ALU_SUB_X,
  ALU_XOR_X,
  JGE_X,
  JGT_X,
} from './bpf.ts';
import { FilterError } from './error.ts';
import type { Generator } from './generator.ts';
import { Lexer, type Token } from './lexer.ts';
import { addressBlock, arcnetBlock, etherBlock, nameBlock, network6Block, networkBlock, numberBlock } from './names.ts';
import { otherBlock } from './other.ts';
import { protocolBlock } from './protocols.ts';
import {
  type AddressType,
  type Direction,
  PROTOCOL_WORDS,
  type Protocol,
  type Qualifier,
  UNDEFINED_QUALIFIER,
} from './qualifier.ts';

/** What stands at a place: a test with the qualifiers that a bare name after it inherits, or a value. */
type Item =
  | { kind: 'term'; block: Block; q: Qualifier }
  /** A name or number under inherited qualifiers; `plain` as long as it is neither negated nor in parentheses. */
  | { kind: 'id'; block: Block; q: Qualifier; plain: boolean }
  | { kind: 'value'; value: Arithmetic }
  | { kind: 'number'; number: number };

/** What a place allows besides a value. */
interface Allowed {
  term: boolean;
  /** Names and numbers under the qualifiers at hand. */
  id: boolean;
  /** `!` and `(` before such names too. */
  compoundId: boolean;
}

const TERM: Allowed = { term: true, id: false, compoundId: false };
const EITHER: Allowed = { term: true, id: true, compoundId: true };
const ID: Allowed = { term: false, id: true, compoundId: true };
const VALUE: Allowed = { term: false, id: false, compoundId: false };

interface Operator {
  op: number;
  /** Undefined: the grammar gives none, so whatever follows binds first. */
  precedence: number | undefined;
}

const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['|', { op: ALU_OR_X, precedence: 1 }],
  ['&', { op: ALU_AND_X, precedence: 2 }],
  ['<<', { op: ALU_LSH_X, precedence: 3 }],
  ['>>', { op: ALU_RSH_X, precedence: 3 }],
  ['+', { op: ALU_ADD_X, precedence: 4 }],
  ['-', { op: ALU_SUB_X, precedence: 4 }],
  ['*', { op: ALU_MUL_X, precedence: 5 }],
  ['/', { op: ALU_DIV_X, precedence: 5 }],
  ['%', { op: ALU_MOD_X, precedence: undefined }],
  ['^', { op: ALU_XOR_X, precedence: undefined }],
]);
const UNARY_PRECEDENCE = 6;

const RELATIONS: ReadonlyMap<string, { op: number | 'equal'; reversed: boolean }> = new Map<
  string,
  { op: number | 'equal'; reversed: boolean }
>([
  ['>', { op: JGT_X, reversed: false }],
  ['>=', { op: JGE_X, reversed: false }],
  ['=', { op: 'equal', reversed: false }],
  ['<=', { op: JGT_X, reversed: true }],
  ['<', { op: JGE_X, reversed: true }],
  ['!=', { op: 'equal', reversed: true }],
]);

const DIRECTIONS: ReadonlySet<string> = new Set(['src', 'dst', 'addr1', 'addr2', 'addr3', 'addr4', 'ra', 'ta']);
const TYPES: ReadonlySet<string> = new Set(['host', 'net', 'port', 'portrange']);

/** Nesting of parentheses and negations before the parser's stack counts as full. */
const MAX_DEPTH = 1500;

export class Parser {
  private readonly g: Generator;
  private readonly lexer: Lexer;
  private token: Token | undefined;
  private depth = 0;

  constructor(g: Generator, text: string) {
    this.g = g;
    this.lexer = new Lexer(text);
  }

  /** The whole expression; undefined when it is empty. */
  parse(): Block | undefined {
    if (this.peek().kind === 'end') return undefined;
    const { block } = this.expression(this.term(UNDEFINED_QUALIFIER));
    if (this.peek().kind !== 'end') this.fail();
    return block;
  }

  private peek(): Token {
    this.token ??= this.lexer.next();
    return this.token;
  }

  private take(): Token {
    const token = this.peek();
    this.token = undefined;
    return token;
  }

  /** The keyword or operator that comes next. */
  private word(): string | undefined {
    const token = this.peek();
    return token.kind === 'word' ? token.word : undefined;
  }

  private accept(word: string): boolean {
    if (this.word() !== word) return false;
    this.take();
    return true;
  }

  private expect(word: string): void {
    if (!this.accept(word)) this.fail();
  }

  private expectNumber(): number {
    const token = this.take();
    return token.kind === 'number' ? token.value : this.fail();
  }

  private fail(): never {
    throw new FilterError("can't parse filter expression: syntax error");
  }

  private deeper<T>(what: () => T): T {
    if (++this.depth > MAX_DEPTH) throw new FilterError("can't parse filter expression: memory exhausted");
    const result = what();
    this.depth--;
    return result;
  }

  /** A term where only a term may be. */
  private term(q: Qualifier): { block: Block; q: Qualifier } {
    const item = this.item(TERM, q);
    return item.kind === 'term' ? item : this.fail();
  }

  /** `and` and `or` have one precedence and bind from the left. */
  private expression(first: { block: Block; q: Qualifier }): { block: Block; q: Qualifier } {
    let { block, q } = first;
    for (let word = this.word(); word === 'and' || word === 'or'; word = this.word()) {
      this.take();
      const right = this.termOrId(EITHER, q);
      block = word === 'and' ? and(block, right.block) : or(block, right.block);
      q = right.q;
    }
    return { block, q };
  }

  /** A term or a name, as `allowed` says; a bare number is a name here. */
  private termOrId(allowed: Allowed, q: Qualifier): { block: Block; q: Qualifier } {
    const item = this.item(allowed, q);
    if (item.kind === 'number' && allowed.id) return { block: numberBlock(this.g, item.number, q), q };
    return item.kind === 'term' || item.kind === 'id' ? item : this.fail();
  }

  /** Whatever comes next, with all of an arithmetic comparison if it is one. */
  private item(allowed: Allowed, q: Qualifier): Item {
    const token = this.peek();
    switch (token.kind) {
      case 'id':
      case 'eid':
      case 'hid':
      case 'hid6':
      case 'aid':
        if (!allowed.id) this.fail();
        this.take();
        return { kind: 'id', block: this.identifier(token, q), q, plain: true };
      case 'number':
        this.take();
        return this.continued({ kind: 'number', number: token.value }, allowed);
      case 'word':
        return this.wordItem(token.word, allowed, q);
      default:
        return this.fail();
    }
  }

  private wordItem(word: string, allowed: Allowed, q: Qualifier): Item {
    if (word === '!') {
      if (!allowed.term && !allowed.compoundId) this.fail();
      this.take();
      const inner: Allowed = { term: allowed.term, id: allowed.compoundId, compoundId: allowed.compoundId };
      const item = this.deeper(() => this.item(inner, q));
      if (item.kind === 'number' && inner.id) {
        return { kind: 'id', block: not(numberBlock(this.g, item.number, q)), q, plain: false };
      }
      if (item.kind === 'term') return { ...item, block: not(item.block) };
      return item.kind === 'id' ? { ...item, block: not(item.block), plain: false } : this.fail();
    }
    if (word === '(') {
      this.take();
      return this.continued(
        this.deeper(() => this.parenthesized(allowed, q)),
        allowed,
      );
    }
    if (word === '-') {
      this.take();
      const operand = this.deeper(() => this.operand());
      return this.continued({ kind: 'value', value: negated(this.operators(operand, UNARY_PRECEDENCE)) }, allowed);
    }
    if (word === 'len') {
      this.take();
      return this.continued({ kind: 'value', value: lengthValue(this.g) }, allowed);
    }
    if (PROTOCOL_WORDS.has(word)) {
      this.take();
      if (this.word() === '[') {
        return this.continued({ kind: 'value', value: this.packetBytes(word as Protocol) }, allowed);
      }
      if (!allowed.term) this.fail();
      return this.qualified(word as Protocol);
    }
    return allowed.term ? this.qualified(undefined) : this.fail();
  }

  /** Behind `(`, up to and with `)`. */
  private parenthesized(allowed: Allowed, q: Qualifier): Item {
    const inner: Allowed = { term: allowed.term, id: allowed.id && allowed.compoundId, compoundId: false };
    const first = this.item(inner, q);
    if (first.kind === 'term') {
      const { block } = this.expression(first);
      this.expect(')');
      return { kind: 'term', block, q };
    }
    const isList = this.word() === 'and' || this.word() === 'or';
    if (first.kind === 'id' || (first.kind === 'number' && isList && inner.id)) {
      const block = this.list(first, q);
      this.expect(')');
      return { kind: 'id', block, q, plain: false };
    }
    this.expect(')');
    return first;
  }

  /** Names joined by `and` and `or` in parentheses behind qualifiers. */
  private list(first: Item & { kind: 'id' | 'number' }, q: Qualifier): Block {
    if (first.kind === 'id' && !first.plain) this.fail();
    let block = first.kind === 'id' ? first.block : numberBlock(this.g, first.number, q);
    for (let word = this.word(); word === 'and' || word === 'or'; word = this.word()) {
      this.take();
      const right = this.termOrId(ID, q);
      block = word === 'and' ? and(block, right.block) : or(block, right.block);
    }
    return block;
  }

  private identifier(token: Token & { text: string }, q: Qualifier): Block {
    switch (token.kind) {
      case 'id':
        return nameBlock(this.g, token.text, q);
      case 'eid':
        return etherBlock(this.g, token.text, q);
      case 'aid':
        return arcnetBlock();
      case 'hid6':
        return network6Block(this.g, token.text, this.accept('/') ? this.expectNumber() : 128, q);
      default:
        if (this.accept('/')) return networkBlock(this.g, token.text, this.expectNumber(), q);
        if (this.accept('mask')) {
          const mask = this.take();
          return mask.kind === 'hid' ? networkBlock(this.g, token.text, mask.text, q) : this.fail();
        }
        return addressBlock(this.g, token.text, q);
    }
  }

  /** A primitive behind an optional protocol keyword. */
  private qualified(protocol: Protocol | undefined): Item {
    const q: Qualifier = { protocol: protocol ?? 'default', direction: 'default', type: 'default' };
    const word = this.word();
    if (word !== undefined && DIRECTIONS.has(word)) {
      q.direction = this.direction();
      if (TYPES.has(this.word() ?? '')) q.type = this.typeWord();
      return this.qualifiedId(q);
    }
    if (word !== undefined && (TYPES.has(word) || word === 'proto' || word === 'protochain' || word === 'gateway')) {
      q.type = this.typeWord();
      return this.qualifiedId(q);
    }
    const other = otherBlock(this.g, protocol, word, {
      take: () => this.take(),
      peek: () => this.peek(),
      fail: () => this.fail(),
      number: () => this.bareNumber(),
    });
    if (other !== undefined) return { kind: 'term', block: other, q: UNDEFINED_QUALIFIER };
    if (protocol === undefined) this.fail();
    return { kind: 'term', block: protocolBlock(this.g, protocol), q: UNDEFINED_QUALIFIER };
  }

  private typeWord(): AddressType {
    const token = this.take();
    return token.kind === 'word' ? (token.word as AddressType) : this.fail();
  }

  private qualifiedId(q: Qualifier): Item {
    const { block } = this.termOrId(ID, q);
    return { kind: 'term', block, q };
  }

  private direction(): Direction {
    const first = this.take();
    const word = first.kind === 'word' ? first.word : '';
    const joint = this.word();
    if ((word === 'src' || word === 'dst') && (joint === 'and' || joint === 'or')) {
      this.take();
      this.expect(word === 'src' ? 'dst' : 'src');
      return joint;
    }
    return word as Direction;
  }

  /** A number, in parentheses or not, if one comes next. */
  private bareNumber(): number | undefined {
    if (this.peek().kind === 'number') return this.expectNumber();
    if (!this.accept('(')) return undefined;
    const number = this.deeper(() => this.bareNumber());
    if (number === undefined) this.fail();
    this.expect(')');
    return number;
  }

  // ---- arithmetic

  /** Go on after a value or number: operators and the comparison, if they are there. */
  private continued(item: Item, allowed: Allowed): Item {
    if (item.kind !== 'number' && item.kind !== 'value') return item;
    const word = this.word() ?? '';
    if (!OPERATORS.has(word) && !RELATIONS.has(word)) return item;
    const value = this.operators(this.asValue(item), 0);
    const compared = RELATIONS.get(this.word() ?? '');
    if (compared === undefined || !allowed.term) return { kind: 'value', value };
    this.take();
    const right = this.operators(this.operand(), 0);
    const block = relation(this.g, compared.op, value, right, compared.reversed);
    return { kind: 'term', block, q: UNDEFINED_QUALIFIER };
  }

  private asValue(item: Item): Arithmetic {
    if (item.kind === 'number') return numberValue(this.g, item.number);
    return item.kind === 'value' ? item.value : this.fail();
  }

  /** One operand, without operators behind it. */
  private operand(): Arithmetic {
    const token = this.take();
    if (token.kind === 'number') return numberValue(this.g, token.value);
    if (token.kind !== 'word') return this.fail();
    if (token.word === 'len') return lengthValue(this.g);
    if (token.word === '-') {
      const of = this.deeper(() => this.operand());
      return negated(this.operators(of, UNARY_PRECEDENCE));
    }
    if (token.word === '(') return this.asValue(this.deeper(() => this.parenthesized(VALUE, UNDEFINED_QUALIFIER)));
    if (PROTOCOL_WORDS.has(token.word) && this.word() === '[') return this.packetBytes(token.word as Protocol);
    return this.fail();
  }

  /** Operators behind `left` that bind more tightly than `limit`; undefined: all of them. */
  private operators(left: Arithmetic, limit: number | undefined): Arithmetic {
    let value = left;
    for (;;) {
      const operator = OPERATORS.get(this.word() ?? '');
      if (operator === undefined) return value;
      const { op, precedence } = operator;
      if (precedence !== undefined && limit !== undefined && precedence <= limit) return value;
      this.take();
      const right = this.deeper(() => this.operators(this.operand(), precedence));
      value = combined(this.g, op, value, right);
    }
  }

  /** `[INDEX]` or `[INDEX:SIZE]` behind a protocol keyword. */
  private packetBytes(protocol: Protocol): Arithmetic {
    this.expect('[');
    const index = this.deeper(() => this.operators(this.operand(), 0));
    const size = this.accept(':') ? this.expectNumber() : 1;
    this.expect(']');
    return packetValue(this.g, protocol, index, size);
  }
}
