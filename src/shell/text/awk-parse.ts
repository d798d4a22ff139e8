/** The language of awk: programs to trees. */
import { AwkSyntaxError, Lexer, type Token } from './awk-lex.ts';
import type { AwkProgram, Expression, FunctionTree, Rule, Statement, Target } from './awk-tree.ts';

export function parseAwk(source: string): AwkProgram {
  return new Parser(source).program();
}

class Parser {
  private readonly lexer: Lexer;
  private token: Token;
  private readonly functions: Map<string, FunctionTree> = new Map();
  private depth = 0;
  /** Inside the parentheses-free list of print: `>` redirects. */
  private noGreater = false;
  private noIn = false;

  constructor(source: string) {
    this.lexer = new Lexer(source);
    this.token = this.lexer.scan(true);
  }

  // ------------------------------------------------------------ tokens

  private fail(): never {
    const { token } = this;
    const where =
      token.kind === 'end'
        ? this.depth > 0
          ? 'missing } near end of file'
          : 'syntax error at or near end of file'
        : `syntax error at or near ${token.kind === 'newline' ? 'end of line' : token.text}`;
    const line = token.kind === 'end' ? token.line + (this.lexer.source.endsWith('\n') ? 0 : 1) : token.line;
    throw new AwkSyntaxError(`line ${line}: ${where}`);
  }

  private next(valueExpected?: boolean): void {
    const { token } = this;
    const ends =
      token.kind === 'number' ||
      token.kind === 'string' ||
      token.kind === 'regex' ||
      token.kind === 'name' ||
      token.kind === 'builtin' ||
      token.text === ')' ||
      token.text === ']' ||
      token.text === '$';
    this.token = this.lexer.scan(valueExpected ?? !ends);
  }

  private is(text: string): boolean {
    return (this.token.kind === 'op' || this.token.kind === 'keyword') && this.token.text === text;
  }

  private accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.next();
    return true;
  }

  private expect(text: string): void {
    if (!this.is(text)) this.fail();
    this.next();
  }

  private newlines(): void {
    while (this.token.kind === 'newline') this.next(true);
  }

  private terminators(): void {
    while (this.token.kind === 'newline' || this.is(';')) this.next(true);
  }

  // ------------------------------------------------------------ program

  program(): AwkProgram {
    const rules: Rule[] = [];
    this.terminators();
    while (this.token.kind !== 'end') {
      if (this.is('function') || this.is('func')) this.functionDefinition();
      else rules.push(this.rule());
      this.terminators();
    }
    return { rules, functions: this.functions };
  }

  private functionDefinition(): void {
    this.next();
    const name = this.token.text;
    if (this.token.kind !== 'name' && this.token.kind !== 'function-name') this.fail();
    this.next();
    this.expect('(');
    const params: string[] = [];
    while (!this.is(')')) {
      if (this.token.kind !== 'name') this.fail();
      params.push(this.token.text);
      this.next();
      if (!this.accept(',')) break;
      this.newlines();
    }
    this.expect(')');
    this.newlines();
    this.functions.set(name, { params, body: this.block() });
  }

  private rule(): Rule {
    const rule: Rule = { kind: 'always', pattern: undefined, until: undefined, active: false, action: undefined };
    if (this.accept('BEGIN')) rule.kind = 'begin';
    else if (this.accept('END')) rule.kind = 'end';
    else if (!this.is('{')) {
      rule.kind = 'pattern';
      rule.pattern = this.expression();
      if (this.accept(',')) {
        this.newlines();
        rule.kind = 'range';
        rule.until = this.expression();
      }
    }
    if (this.is('{')) rule.action = this.block();
    else if (rule.kind === 'begin' || rule.kind === 'end') this.fail();
    return rule;
  }

  // ------------------------------------------------------------ statements

  private block(): Statement {
    if (!this.is('{')) this.fail();
    this.depth++;
    this.next(true);
    const body: Statement[] = [];
    this.terminators();
    while (!this.is('}')) {
      if (this.token.kind === 'end') this.fail();
      body.push(this.statement());
      this.terminators();
    }
    this.depth--;
    this.next(true);
    return { op: 'block', body };
  }

  /** The body of if, while and for: newlines may come first, and `;` alone is an empty one. */
  private body(): Statement {
    this.newlines();
    if (this.accept(';')) return { op: 'block', body: [] };
    return this.statement();
  }

  private get atEnding(): boolean {
    return this.token.kind === 'newline' || this.token.kind === 'end' || this.is(';') || this.is('}');
  }

  private ending(): void {
    if (this.token.kind === 'newline' || this.is(';')) this.next(true);
    else if (!this.is('}') && this.token.kind !== 'end') this.fail();
  }

  private statement(): Statement {
    if (this.is('{')) return this.block();
    if (this.token.kind !== 'keyword') {
      const statement = this.simple();
      this.ending();
      return statement;
    }
    switch (this.token.text) {
      case 'if':
        return this.ifStatement();
      case 'while': {
        const test = this.condition();
        if (this.accept(';')) return { op: 'while', test, body: { op: 'block', body: [] } };
        return { op: 'while', test, body: this.body() };
      }
      case 'do': {
        this.next(true);
        const body = this.body();
        this.terminators();
        if (!this.is('while')) this.fail();
        const test = this.condition();
        this.ending();
        return { op: 'do', test, body };
      }
      case 'for':
        return this.forStatement();
      case 'next':
      case 'nextfile':
      case 'break':
      case 'continue': {
        const op = this.token.text;
        this.next();
        this.ending();
        return { op };
      }
      case 'exit':
      case 'return': {
        const op = this.token.text;
        this.next(true);
        const value = this.atEnding ? undefined : this.expression();
        this.ending();
        return { op, value };
      }
      default: {
        const statement = this.simple();
        this.ending();
        return statement;
      }
    }
  }

  private condition(): Expression {
    this.next();
    this.expect('(');
    const test = this.free(() => this.expression());
    if (!this.is(')')) this.fail();
    this.next(true);
    return test;
  }

  private ifStatement(): Statement {
    const test = this.condition();
    const yes = this.body();
    const { token } = this;
    const { at, line } = this.lexer;
    this.terminators();
    if (this.accept('else')) return { op: 'if', test, yes, no: this.body() };
    this.lexer.at = at;
    this.lexer.line = line;
    this.token = token;
    return { op: 'if', test, yes, no: undefined };
  }

  private forStatement(): Statement {
    this.next();
    this.expect('(');
    let init: Statement | undefined;
    if (!this.is(';')) {
      this.noIn = true;
      const first = this.simple();
      this.noIn = false;
      if (this.is('in') && first.op === 'expression' && isTarget(first.value)) {
        this.next();
        const array = this.token.text;
        if (this.token.kind !== 'name') this.fail();
        this.next();
        if (!this.is(')')) this.fail();
        this.next(true);
        return { op: 'forin', variable: first.value, array, body: this.body() };
      }
      init = first;
    }
    this.expect(';');
    this.newlines();
    const test = this.is(';') ? undefined : this.expression();
    this.expect(';');
    this.newlines();
    const update = this.is(')') ? undefined : this.simple();
    if (!this.is(')')) this.fail();
    this.next(true);
    if (this.accept(';')) return { op: 'for', init, test, update, body: { op: 'block', body: [] } };
    return { op: 'for', init, test, update, body: this.body() };
  }

  private simple(): Statement {
    if (this.is('print') || this.is('printf')) return this.print();
    if (this.is('delete')) {
      this.next();
      const name = this.token.text;
      if (this.token.kind !== 'name') this.fail();
      this.next();
      if (!this.accept('[')) return { op: 'delete', name, keys: undefined };
      const keys = this.free(() => this.list(']'));
      this.expect(']');
      return { op: 'delete', name, keys };
    }
    return { op: 'expression', value: this.expression() };
  }

  private print(): Statement {
    const op = this.token.text as 'print' | 'printf';
    this.next(true);
    let args: Expression[] = [];
    const stops = () =>
      this.token.kind === 'newline' ||
      this.token.kind === 'end' ||
      this.is(';') ||
      this.is('}') ||
      this.is('>') ||
      this.is('>>') ||
      this.is('|');
    if (!stops()) {
      this.noGreater = true;
      args = [this.expression()];
      while (this.accept(',')) {
        this.newlines();
        args.push(this.expression());
      }
      this.noGreater = false;
      const only = args[0]!;
      if (args.length === 1 && only.op === 'group' && 'list' in only)
        args = (only as unknown as { list: Expression[] }).list;
    }
    if (!this.is('>') && !this.is('>>') && !this.is('|')) return { op, args, redirect: '', to: undefined };
    const redirect = this.token.text as '>' | '>>' | '|';
    this.next(true);
    this.noGreater = true;
    const to = redirect === '|' ? this.concatenation(true) : this.expression();
    this.noGreater = false;
    return { op, args, redirect, to };
  }

  // ------------------------------------------------------------ expressions

  /** Inside parentheses and brackets `>` and `in` are operators again. */
  private free<T>(parse: () => T): T {
    const { noGreater, noIn } = this;
    this.noGreater = false;
    this.noIn = false;
    const result = parse();
    this.noGreater = noGreater;
    this.noIn = noIn;
    return result;
  }

  private list(close: string): Expression[] {
    const out: Expression[] = [];
    this.newlines();
    while (!this.is(close)) {
      out.push(this.expression());
      this.newlines();
      if (!this.accept(',')) break;
      this.newlines();
    }
    return out;
  }

  expression(): Expression {
    const left = this.conditional();
    if (this.token.kind === 'op' && /^[-+*/%^]?=$/.test(this.token.text) && isTarget(left)) {
      const operator = this.token.text.slice(0, -1);
      this.next(true);
      this.newlines();
      return { op: 'assign', operator, target: left, value: this.expression() };
    }
    return left;
  }

  private conditional(): Expression {
    const test = this.or();
    if (!this.is('?')) return test;
    this.next(true);
    this.newlines();
    const yes = this.expression();
    this.newlines();
    this.expect(':');
    this.newlines();
    return { op: 'cond', test, yes, no: this.expression() };
  }

  private or(): Expression {
    let left = this.and();
    while (this.is('||')) {
      this.next(true);
      this.newlines();
      left = { op: 'or', left, right: this.and() };
    }
    return left;
  }

  private and(): Expression {
    let left = this.membership();
    while (this.is('&&')) {
      this.next(true);
      this.newlines();
      left = { op: 'and', left, right: this.membership() };
    }
    return left;
  }

  private membership(): Expression {
    let left = this.matching();
    while (this.is('in') && !this.noIn) {
      this.next();
      const name = this.token.text;
      if (this.token.kind !== 'name') this.fail();
      this.next();
      left = { op: 'in', name, keys: 'list' in left ? (left as unknown as { list: Expression[] }).list : [left] };
    }
    return left;
  }

  private matching(): Expression {
    let left = this.comparison();
    while (this.is('~') || this.is('!~')) {
      const negate = this.token.text === '!~';
      this.next(true);
      left = { op: 'match', negate, left, right: this.comparison() };
    }
    return left;
  }

  private comparison(): Expression {
    let left = this.concatenation(false);
    for (;;) {
      const text = this.token.kind === 'op' ? this.token.text : '';
      if (/^(?:<|<=|==|!=|>=)$/.test(text) || (text === '>' && !this.noGreater)) {
        this.next(true);
        left = { op: 'binary', operator: text, left, right: this.concatenation(false) };
      } else if (text === '|' && this.peekGetline()) left = this.commandGetline(left);
      else return left;
    }
  }

  private peekGetline(): boolean {
    return /^\|\s*getline\b/.test(`|${this.lexer.source.slice(this.lexer.at)}`);
  }

  private commandGetline(from: Expression): Expression {
    this.next(true);
    this.next(true);
    return { op: 'getline', target: this.optionalTarget(), source: 'command', from };
  }

  private concatenation(single: boolean): Expression {
    let left = this.additive();
    while (this.startsValue()) {
      const right = this.additive();
      left = { op: 'concat', left, right };
    }
    while (!single && this.is('|') && this.peekGetline()) left = this.commandGetline(left);
    return left;
  }

  private startsValue(): boolean {
    const { kind, text } = this.token;
    if (
      kind === 'number' ||
      kind === 'string' ||
      kind === 'regex' ||
      kind === 'name' ||
      kind === 'function-name' ||
      kind === 'builtin'
    )
      return true;
    if (kind === 'op')
      return (
        text === '$' || text === '!' || text === '(' || text === '-' || text === '+' || text === '++' || text === '--'
      );
    return false;
  }

  private additive(): Expression {
    let left = this.term();
    while (this.is('+') || this.is('-')) {
      const operator = this.token.text;
      this.next(true);
      left = { op: 'binary', operator, left, right: this.term() };
    }
    return left;
  }

  private term(): Expression {
    let left = this.unary();
    while (this.is('*') || this.is('/') || this.is('%')) {
      const operator = this.token.text;
      this.next(true);
      left = { op: 'binary', operator, left, right: this.unary() };
    }
    return left;
  }

  private unary(): Expression {
    if (this.is('!') || this.is('-') || this.is('+')) {
      const operator = this.token.text as '!' | '-' | '+';
      this.next(true);
      return { op: 'unary', operator, operand: this.unary() };
    }
    return this.power();
  }

  private power(): Expression {
    const left = this.postfix();
    if (!this.is('^')) return left;
    this.next(true);
    const right = this.is('-') || this.is('+') || this.is('!') ? this.unary() : this.power();
    return { op: 'binary', operator: '^', left, right };
  }

  private postfix(): Expression {
    const operand = this.primary();
    if (isTarget(operand) && (this.is('++') || this.is('--'))) {
      const delta = this.token.text === '++' ? 1 : -1;
      this.next(false);
      return { op: 'step', delta, prefix: false, target: operand };
    }
    return operand;
  }

  private primary(): Expression {
    const { token } = this;
    switch (token.kind) {
      case 'number':
        this.next();
        return { op: 'number', value: Number(token.text) };
      case 'string':
        this.next();
        return { op: 'string', value: token.text };
      case 'regex':
        this.next();
        return { op: 'regex', source: token.text };
      case 'name':
        return this.named(token.text);
      case 'function-name': {
        this.next();
        this.expect('(');
        const args = this.free(() => this.list(')'));
        this.closing(')');
        return { op: 'call', name: token.text, args };
      }
      case 'builtin':
        return this.builtin(token.text);
      case 'keyword':
        if (token.text === 'getline') return this.simpleGetline();
        return this.fail();
      default:
        return token.kind === 'op' ? this.operatorPrimary(token.text) : this.fail();
    }
  }

  /** Take a closing bracket; what follows is an operator. */
  private closing(text: string): void {
    if (!this.is(text)) this.fail();
    this.next(false);
  }

  private named(name: string): Expression {
    this.next();
    if (!this.is('[')) return { op: 'variable', name };
    this.next(true);
    const keys = this.free(() => this.list(']'));
    this.closing(']');
    return { op: 'element', name, keys };
  }

  private builtin(name: string): Expression {
    this.next();
    if (!this.is('(')) {
      if (name !== 'length') this.fail();
      return { op: 'builtin', name, args: [] };
    }
    this.next(true);
    const args = this.free(() => this.list(')'));
    this.closing(')');
    return { op: 'builtin', name, args };
  }

  private operatorPrimary(text: string): Expression {
    if (text === '(') {
      this.next(true);
      const list = this.free(() => this.list(')'));
      this.closing(')');
      if (list.length === 1) return { op: 'group', inner: list[0]! };
      if (list.length === 0) this.fail();
      return { op: 'group', inner: list[0]!, list } as Expression;
    }
    if (text === '$') {
      this.next(true);
      const index = this.is('++') || this.is('--') ? this.prefixStep() : this.is('-') ? this.unary() : this.primary();
      return { op: 'field', index };
    }
    if (text === '++' || text === '--') return this.prefixStep();
    if (text === '-' || text === '+' || text === '!') return this.unary();
    return this.fail();
  }

  private prefixStep(): Expression {
    const delta = this.token.text === '++' ? 1 : -1;
    this.next(true);
    const target = this.primary();
    if (!isTarget(target)) this.fail();
    return { op: 'step', delta, prefix: true, target };
  }

  private optionalTarget(): Target | undefined {
    if (this.token.kind !== 'name' && !this.is('$')) return undefined;
    const target = this.primary();
    return isTarget(target) ? target : this.fail();
  }

  private simpleGetline(): Expression {
    this.next(false);
    const target = this.optionalTarget();
    if (!this.is('<')) return { op: 'getline', target, source: 'main', from: undefined };
    this.next(true);
    return { op: 'getline', target, source: 'file', from: this.postfix() };
  }
}

function isTarget(expression: Expression): expression is Target {
  return expression.op === 'variable' || expression.op === 'field' || expression.op === 'element';
}
