/** Running awk programs, as mawk 1.3.4 does. */

import type { Proc } from '../process/proc.ts';
import type { Output } from '../process/stdio.ts';
import { callBuiltin } from './awk-builtin.ts';
import { AwkFiles, RecordSource } from './awk-io.ts';
import { AwkError, arithmetic, COMPARE, regExp, splitRegExp, unescapeAssigned } from './awk-operation.ts';
import type { AwkProgram, Expression, FunctionTree, Statement, Target } from './awk-tree.ts';
import {
  AwkArray,
  awkRegExp,
  compareValues,
  FormatError,
  formatAwk,
  fromInput,
  isTrue,
  toNumber,
  toText,
  type Value,
} from './awk-value.ts';
import { openInput } from './line-source.ts';

/** A computation that may have to wait: for input, for a command. */
export type Eval<T> = Generator<Promise<unknown>, T, unknown>;

type Flow = 'next' | 'nextfile' | 'break' | 'continue' | 'exit' | 'return' | undefined;

/** A parameter or local of a function; what it is shows when it is first used. */
interface Local {
  value: Value;
  array: AwkArray | undefined;
  /** Of an untyped variable passed on: where an array that is made goes too. */
  origin: Local | undefined;
}

export class Interpreter {
  readonly proc: Proc;
  readonly files: AwkFiles;
  private readonly program: AwkProgram;
  private readonly globals: Map<string, Local> = new Map();
  private frame: Map<string, Local> | undefined = undefined;
  private returned: Value = undefined;
  exitCode = 0;
  private exiting = false;

  record = '';
  private fields: Value[] = [];
  private fieldsKnown = true;
  private recordKnown = true;
  private main: RecordSource | undefined = undefined;
  private argument = 0;
  private usedOperand = false;
  readonly random: { seed: number; previous: number };

  constructor(proc: Proc, program: AwkProgram, args: readonly string[]) {
    this.proc = proc;
    this.program = program;
    this.files = new AwkFiles(proc);
    this.random = { seed: proc.random(), previous: 0 };
    const initial: [string, Value][] = [
      ['FS', ' '],
      ['OFS', ' '],
      ['ORS', '\n'],
      ['RS', '\n'],
      ['CONVFMT', '%.6g'],
      ['OFMT', '%.6g'],
      ['SUBSEP', '\x1c'],
      ['NR', 0],
      ['FNR', 0],
      ['NF', 0],
      ['RSTART', 0],
      ['RLENGTH', -1],
      ['FILENAME', ''],
      ['ARGC', args.length],
    ];
    for (const [name, value] of initial) this.globals.set(name, { value, array: undefined, origin: undefined });
    const argv = this.array('ARGV');
    for (const [i, arg] of args.entries()) argv.set(String(i), fromInput(arg));
    const environment = this.array('ENVIRON');
    for (const [name, value] of proc.env) environment.set(name, fromInput(value));
  }

  // ------------------------------------------------------------ variables

  private local(name: string): Local {
    const own = this.frame?.get(name);
    if (own !== undefined) return own;
    let variable = this.globals.get(name);
    if (variable === undefined) {
      variable = { value: undefined, array: undefined, origin: undefined };
      this.globals.set(name, variable);
    }
    return variable;
  }

  array(name: string): AwkArray {
    const variable = this.local(name);
    if (variable.array === undefined) {
      variable.array = new AwkArray();
      for (let up = variable.origin; up !== undefined; up = up.origin) up.array = variable.array;
    }
    return variable.array;
  }

  isArray(name: string): boolean {
    return this.local(name).array !== undefined;
  }

  get(name: string): Value {
    if (name === 'NF') this.splitRecord();
    return this.local(name).value;
  }

  set(name: string, value: Value): void {
    this.local(name).value = value;
    if (name === 'NF') this.setFieldCount(Math.trunc(toNumber(value)));
  }

  text(name: string): string {
    return toText(this.local(name).value, '%.6g');
  }

  get convfmt(): string {
    return this.text('CONVFMT');
  }

  // ------------------------------------------------------------ fields

  setRecord(text: string): void {
    this.record = text;
    this.recordKnown = true;
    this.fieldsKnown = false;
  }

  private splitRecord(): void {
    if (this.fieldsKnown) return;
    this.fieldsKnown = true;
    const separator = this.text('FS');
    const paragraphs = this.text('RS') === '';
    this.fields = this.splitText(this.record, separator, paragraphs).map(fromInput);
    this.local('NF').value = this.fields.length;
  }

  splitText(text: string, separator: string, newlines = false): string[] {
    if (text === '') return [];
    if (separator === ' ') {
      const trimmed = text.replace(/^[ \t\n]+|[ \t\n]+$/g, '');
      return trimmed === '' ? [] : trimmed.split(/[ \t\n]+/);
    }
    if (separator === '') return [...text];
    if (newlines) return splitRegExp(text, awkRegExp(`(${separator.length === 1 ? `[${separator}]` : separator})|\n`));
    if (separator.length === 1 && separator !== '\\') return text.split(separator);
    return splitRegExp(text, awkRegExp(separator));
  }

  private joinRecord(): void {
    if (this.recordKnown) return;
    this.recordKnown = true;
    const format = this.convfmt;
    this.record = this.fields.map((value) => toText(value, format)).join(this.text('OFS'));
  }

  field(index: number): Value {
    if (index === 0) {
      this.joinRecord();
      return fromInput(this.record);
    }
    this.splitRecord();
    return this.fields[index - 1];
  }

  private setField(index: number, value: Value): void {
    if (index < 0) throw new AwkError(`negative field index $${index}`);
    if (index === 0) {
      this.setRecord(toText(value, this.convfmt));
      return;
    }
    this.splitRecord();
    while (this.fields.length < index) this.fields.push('');
    this.fields[index - 1] = value;
    this.local('NF').value = this.fields.length;
    this.recordKnown = false;
  }

  private setFieldCount(count: number): void {
    const wanted = this.local('NF').value;
    this.splitRecord();
    this.local('NF').value = wanted;
    this.fields.length = Math.min(this.fields.length, count);
    while (this.fields.length < count) this.fields.push('');
    this.recordKnown = false;
  }

  // ------------------------------------------------------------ input

  /** The next record of the program's input; undefined at its end. */
  async nextRecord(): Promise<string | undefined> {
    for (;;) {
      if (this.main === undefined && !(await this.openNext())) return undefined;
      const record = await this.main!.next(this.text('RS'));
      if (record !== undefined) {
        this.set('NR', toNumber(this.get('NR')) + 1);
        this.set('FNR', toNumber(this.get('FNR')) + 1);
        return record;
      }
      this.closeMain();
    }
  }

  private closeMain(): void {
    if (this.main !== undefined) this.proc.close(this.main.file);
    this.main = undefined;
  }

  private async openNext(): Promise<boolean> {
    const argv = this.array('ARGV');
    while (++this.argument < toNumber(this.get('ARGC'))) {
      const key = String(this.argument);
      if (!argv.has(key)) continue;
      const name = toText(argv.get(key), this.convfmt);
      if (name === '') continue;
      const assignment = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(name);
      if (assignment !== null) {
        this.set(assignment[1]!, fromInput(unescapeAssigned(assignment[2]!)));
        continue;
      }
      this.usedOperand = true;
      this.set('FILENAME', name);
      this.set('FNR', 0);
      const file = await openInput(this.proc, name, (each, reason) => `cannot open ${each} (${reason})`);
      if (file === undefined) {
        this.exitCode = 2;
        this.exiting = true;
        throw new AwkError('');
      }
      this.main = new RecordSource(this.proc, file);
      return true;
    }
    if (this.usedOperand) return false;
    this.usedOperand = true;
    const stdin = this.proc.fds[0];
    if (stdin === undefined) return false;
    this.main = new RecordSource(this.proc, stdin);
    return true;
  }

  // ------------------------------------------------------------ the program

  async run(): Promise<number> {
    const { rules } = this.program;
    try {
      for (const rule of rules) {
        if (rule.kind !== 'begin' || this.exiting) continue;
        await this.act(rule.action!);
      }
      if (!this.exiting && rules.some(({ kind }) => kind !== 'begin')) await this.loop();
      if (!this.exitedInEnd) await this.end();
    } catch (error) {
      if (!(error instanceof AwkError)) throw error;
      await this.files.flush();
      if (error.message !== '') {
        this.proc.stderr.write(
          `${this.proc.argv[0]}: run time error: ${error.message}\n\tFILENAME="${toText(this.get('FILENAME'), '%.6g')}" FNR=${toText(this.get('FNR'), '%.6g')} NR=${toText(this.get('NR'), '%.6g')}\n`,
        );
      }
      this.exitCode = 2;
    }
    await this.files.closeAll();
    return this.exitCode;
  }

  private exitedInEnd = false;

  private async end(): Promise<void> {
    this.exiting = false;
    for (const rule of this.program.rules) {
      if (rule.kind !== 'end' || this.exiting) continue;
      await this.act(rule.action!);
    }
  }

  private async loop(): Promise<void> {
    for (let record = await this.nextRecord(); record !== undefined; record = await this.nextRecord()) {
      this.setRecord(record);
      for (const rule of this.program.rules) {
        if (rule.kind === 'begin' || rule.kind === 'end' || !(await this.applies(rule))) continue;
        const flow = rule.action === undefined ? this.printRecord() : await this.act(rule.action);
        if (flow === 'next') break;
        if (flow === 'nextfile') {
          this.closeMain();
          break;
        }
        if (flow === 'exit') return;
      }
    }
  }

  private async applies(rule: AwkProgram['rules'][number]): Promise<boolean> {
    if (rule.kind === 'always') return true;
    if (rule.kind === 'pattern') return isTrue(await drive(this.value(rule.pattern!)));
    if (!rule.active) {
      if (!isTrue(await drive(this.value(rule.pattern!)))) return false;
      rule.active = true;
    }
    if (isTrue(await drive(this.value(rule.until!)))) rule.active = false;
    return true;
  }

  private printRecord(): undefined {
    this.joinRecord();
    this.proc.stdout.write(this.record + this.text('ORS'));
  }

  private async act(statement: Statement): Promise<Flow> {
    const flow = await drive(this.execute(statement));
    if (flow === 'exit') this.exiting = true;
    return flow;
  }

  // ------------------------------------------------------------ statements

  private *execute(statement: Statement): Eval<Flow> {
    switch (statement.op) {
      case 'block':
        for (const each of statement.body) {
          const flow = yield* this.execute(each);
          if (flow !== undefined) return flow;
        }
        return undefined;
      case 'expression':
        yield* this.value(statement.value);
        return undefined;
      case 'print':
      case 'printf':
        yield* this.print(statement);
        return undefined;
      case 'if':
        if (isTrue(yield* this.value(statement.test))) return yield* this.execute(statement.yes);
        return statement.no === undefined ? undefined : yield* this.execute(statement.no);
      case 'while':
        while (isTrue(yield* this.value(statement.test))) {
          const flow = yield* this.execute(statement.body);
          if (flow === 'break') break;
          if (flow !== undefined && flow !== 'continue') return flow;
        }
        return undefined;
      case 'do':
        do {
          const flow = yield* this.execute(statement.body);
          if (flow === 'break') break;
          if (flow !== undefined && flow !== 'continue') return flow;
        } while (isTrue(yield* this.value(statement.test)));
        return undefined;
      case 'for':
        if (statement.init !== undefined) yield* this.execute(statement.init);
        while (statement.test === undefined || isTrue(yield* this.value(statement.test))) {
          const flow = yield* this.execute(statement.body);
          if (flow === 'break') break;
          if (flow !== undefined && flow !== 'continue') return flow;
          if (statement.update !== undefined) yield* this.execute(statement.update);
        }
        return undefined;
      case 'forin':
        for (const key of this.array(statement.array).keys()) {
          yield* this.assign(statement.variable, fromInput(key));
          const flow = yield* this.execute(statement.body);
          if (flow === 'break') break;
          if (flow !== undefined && flow !== 'continue') return flow;
        }
        return undefined;
      case 'delete':
        if (statement.keys === undefined) this.array(statement.name).clear();
        else this.array(statement.name).delete(yield* this.key(statement.keys));
        return undefined;
      case 'exit':
        if (statement.value !== undefined)
          this.exitCode = Math.trunc(toNumber(yield* this.value(statement.value))) & 0xff;
        return 'exit';
      case 'return':
        this.returned = statement.value === undefined ? undefined : yield* this.value(statement.value);
        return 'return';
      default:
        return statement.op;
    }
  }

  private *print(statement: Statement & { op: 'print' | 'printf' }): Eval<void> {
    let text: string;
    if (statement.op === 'print') {
      if (statement.args.length === 0) {
        this.joinRecord();
        text = this.record + this.text('ORS');
      } else {
        const format = this.text('OFMT');
        const parts: string[] = [];
        for (const arg of statement.args) parts.push(toText(yield* this.value(arg), format));
        text = parts.join(this.text('OFS')) + this.text('ORS');
      }
    } else {
      const values: Value[] = [];
      for (const arg of statement.args) values.push(yield* this.value(arg));
      text = this.format(values, 'printf');
    }
    let output = this.proc.stdout as Output | undefined;
    if (statement.redirect !== '') {
      const name = toText(yield* this.value(statement.to!), this.convfmt);
      output = (yield this.files.sink(statement.redirect, name)) as Output | undefined;
      if (output === undefined) {
        this.proc.stderr.write(`${this.proc.argv[0]}: cannot open "${name}" for output (No such file or directory)\n`);
        throw new AwkError('');
      }
    }
    output!.write(text);
    if (output!.backlog) yield output!.flush();
  }

  format(values: readonly Value[], caller: 'printf' | 'sprintf'): string {
    const format = toText(values[0], this.convfmt);
    try {
      return formatAwk(format, values.slice(1), this.convfmt);
    } catch (error) {
      if (error instanceof FormatError) throw new AwkError(`${error.message}${caller}("${format}")`);
      throw error;
    }
  }

  // ------------------------------------------------------------ expressions

  *key(keys: readonly Expression[]): Eval<string> {
    const parts: string[] = [];
    for (const key of keys) parts.push(toText(yield* this.value(key), this.convfmt));
    return parts.length === 1 ? parts[0]! : parts.join(this.text('SUBSEP'));
  }

  *assign(target: Target, value: Value): Eval<void> {
    if (target.op === 'variable') this.set(target.name, value);
    else if (target.op === 'field') this.setField(Math.trunc(toNumber(yield* this.value(target.index))), value);
    else this.array(target.name).set(yield* this.key(target.keys), value);
  }

  *value(node: Expression): Eval<Value> {
    switch (node.op) {
      case 'number':
      case 'string':
        return node.value;
      case 'regex':
        return this.matches(this.recordText(), node.source) ? 1 : 0;
      case 'variable':
        return this.get(node.name);
      case 'field': {
        const index = Math.trunc(toNumber(yield* this.value(node.index)));
        if (index < 0) throw new AwkError(`negative field index $${index}`);
        return this.field(index);
      }
      case 'element': {
        const key = yield* this.key(node.keys);
        return this.array(node.name).get(key);
      }
      case 'in': {
        const key = yield* this.key(node.keys);
        return this.array(node.name).has(key) ? 1 : 0;
      }
      case 'group':
        return yield* this.value(node.inner);
      case 'assign': {
        let value = yield* this.value(node.value);
        if (node.operator !== '')
          value = arithmetic(node.operator, toNumber(yield* this.value(node.target)), toNumber(value));
        yield* this.assign(node.target, value);
        return value;
      }
      case 'step': {
        const before = toNumber(yield* this.value(node.target));
        yield* this.assign(node.target, before + node.delta);
        return node.prefix ? before + node.delta : before;
      }
      case 'unary': {
        const operand = yield* this.value(node.operand);
        if (node.operator === '!') return isTrue(operand) ? 0 : 1;
        return node.operator === '-' ? -toNumber(operand) : toNumber(operand);
      }
      case 'binary':
        return this.binary(node.operator, yield* this.value(node.left), yield* this.value(node.right));
      case 'match': {
        const text = toText(yield* this.value(node.left), this.convfmt);
        const source =
          node.right.op === 'regex' ? node.right.source : toText(yield* this.value(node.right), this.convfmt);
        return this.matches(text, source) !== node.negate ? 1 : 0;
      }
      case 'and':
        return isTrue(yield* this.value(node.left)) && isTrue(yield* this.value(node.right)) ? 1 : 0;
      case 'or':
        return isTrue(yield* this.value(node.left)) || isTrue(yield* this.value(node.right)) ? 1 : 0;
      case 'cond':
        return yield* this.value(isTrue(yield* this.value(node.test)) ? node.yes : node.no);
      case 'concat': {
        const left = toText(yield* this.value(node.left), this.convfmt);
        return left + toText(yield* this.value(node.right), this.convfmt);
      }
      case 'builtin':
        return yield* callBuiltin(this, node.name, node.args);
      case 'call':
        return yield* this.call(node.name, node.args);
      case 'getline':
        return yield* this.getline(node);
    }
  }

  private recordText(): string {
    this.joinRecord();
    return this.record;
  }

  private matches(text: string, source: string): boolean {
    return regExp(source).test(text);
  }

  private binary(operator: string, left: Value, right: Value): Value {
    switch (operator) {
      case '<':
      case '<=':
      case '==':
      case '!=':
      case '>':
      case '>=': {
        const order = compareValues(left, right, this.convfmt);
        return COMPARE[operator]!(order) ? 1 : 0;
      }
      default:
        return arithmetic(operator, toNumber(left), toNumber(right));
    }
  }

  private *call(name: string, args: readonly Expression[]): Eval<Value> {
    const definition: FunctionTree | undefined = this.program.functions.get(name);
    if (definition === undefined) throw new AwkError(`function ${name} never defined`);
    const frame = new Map<string, Local>();
    for (let i = 0; i < Math.max(args.length, definition.params.length); i++) {
      const arg = args[i];
      let local: Local = { value: undefined, array: undefined, origin: undefined };
      if (arg?.op === 'variable') {
        const passed = this.local(arg.name);
        const untyped = passed.array === undefined && passed.value === undefined;
        local = { value: this.get(arg.name), array: passed.array, origin: untyped ? passed : undefined };
      } else if (arg !== undefined) local.value = yield* this.value(arg);
      const param = definition.params[i];
      if (param !== undefined) frame.set(param, local);
    }
    const outer = this.frame;
    if (this.depth > 1000) throw new AwkError('function call nested too deeply');
    this.depth++;
    this.frame = frame;
    const flow = yield* this.execute(definition.body);
    this.frame = outer;
    this.depth--;
    const result = this.returned;
    this.returned = undefined;
    if (flow === 'exit' || flow === 'next' || flow === 'nextfile')
      throw new AwkError(`${flow} used in function ${name}`);
    return result;
  }

  private depth = 0;

  private *getline(node: Expression & { op: 'getline' }): Eval<Value> {
    let record: string | undefined;
    if (node.source === 'main') record = (yield this.nextRecord()) as string | undefined;
    else {
      const name = toText(yield* this.value(node.from!), this.convfmt);
      const source = (yield this.files.source(node.source, name)) as RecordSource | undefined;
      if (source === undefined) return -1;
      record = (yield source.next(this.text('RS'))) as string | undefined;
      if (record !== undefined && node.source === 'command') this.set('NR', toNumber(this.get('NR')) + 1);
    }
    if (record === undefined) return 0;
    if (node.target === undefined) this.setRecord(record);
    else yield* this.assign(node.target, fromInput(record));
    return 1;
  }
}

/** Run an evaluation; a promise only when something is waited for. */
async function drive<T>(evaluation: Eval<T>): Promise<T> {
  let step = evaluation.next();
  while (step.done !== true) {
    let value: unknown;
    try {
      value = await step.value;
    } catch (error) {
      step = evaluation.throw(error);
      continue;
    }
    step = evaluation.next(value);
  }
  return step.value;
}
