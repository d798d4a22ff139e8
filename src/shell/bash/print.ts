/** Commands as bash writes them: in job lists, BASH_COMMAND, `declare -f`. */
import type {
  Assignment,
  CommandNode,
  CompoundList,
  Redirection,
  Statement,
  SyntaxNode,
  TestExpression,
  Word,
} from 'unbash';
import type { Node } from './ir.ts';

/** A command on (mostly) one line. */
export function commandText(node: Node): string {
  const printer = new Printer(false);
  printer.command(node.syntax);
  return printer.text;
}

/** `declare -f`: the definition of a function. */
export function functionText(name: string, body: Node): string {
  const printer = new Printer(true);
  printer.text = `${name} () \n`;
  printer.functionBody(body.syntax);
  return `${printer.text}\n`;
}

const STEP = 4;

class Printer {
  text = '';
  private indentation = 0;
  private insideFunction: boolean;
  /** The next indent is left out: the text goes on in the same line. */
  private skipIndent = 0;
  private hereDocs: { body: string; end: string }[] = [];

  constructor(insideFunction: boolean) {
    this.insideFunction = insideFunction;
  }

  functionBody(node: SyntaxNode): void {
    const redirected = node.type === 'Redirected' ? node : undefined;
    const body = redirected?.command ?? node;
    if (body.type === 'BraceGroup' || body.type === 'CompoundList') {
      this.text += '{ \n';
      this.indentation += STEP;
      this.list(body.type === 'BraceGroup' ? body.body : body);
      this.flushHereDocs();
      this.indentation -= STEP;
      this.text += '\n';
      this.indent();
      this.text += '}';
    } else {
      this.text += '{ \n';
      this.indentation += STEP;
      this.command(body);
      this.indentation -= STEP;
      this.text += '\n}';
    }
    if (redirected !== undefined) for (const each of redirected.redirects) this.redirection(each);
  }

  command(node: SyntaxNode): void {
    if (this.skipIndent > 0) this.skipIndent--;
    else this.indent();
    this.inline(node);
  }

  private indent(): void {
    this.text += ' '.repeat(this.indentation);
  }

  private newline(text: string): void {
    this.text += '\n';
    this.indent();
    this.text += text;
  }

  private semicolon(): void {
    if (!/[&\n]$/.test(this.text)) this.text += ';';
  }

  private here(node: SyntaxNode): void {
    this.skipIndent++;
    this.command(node);
  }

  private listHere(list: CompoundList): void {
    this.skipIndent++;
    this.list(list);
  }

  private list(list: CompoundList): void {
    this.statements(list.commands);
  }

  private statements(list: readonly Statement[]): void {
    list.forEach((statement, i) => {
      if (i > 0) {
        const before = list[i - 1]!;
        if (this.hereDocs.length > 0) this.flushHereDocs();
        else if (!before.background) this.text += ';';
        if (this.insideFunction) this.text += before.background ? ' ' : '\n';
        else this.text += ' ';
        if (!this.insideFunction || before.background) this.skipIndent++;
      }
      this.command(statement.command);
      if (statement.background === true) this.text += ' &';
    });
  }

  private body(list: CompoundList): void {
    this.indentation += STEP;
    this.list(list);
    this.flushHereDocs();
    this.indentation -= STEP;
    this.semicolon();
  }

  private inline(node: SyntaxNode): void {
    switch (node.type) {
      case 'Command':
        this.simple(node);
        break;
      case 'Pipeline':
        for (const prefix of node.prefixes)
          this.text += prefix.type === 'Negation' ? '! ' : prefix.posix === undefined ? 'time ' : 'time -p ';
        node.commands.forEach((command, i) => {
          if (i > 0) this.text += node.operators[i - 1] === '|&' ? ' 2>&1 | ' : ' | ';
          this.here(command);
        });
        break;
      case 'AndOr':
        node.commands.forEach((command, i) => {
          if (i > 0) this.text += ` ${node.operators[i - 1]} `;
          this.here(command);
        });
        break;
      case 'Statement':
        this.inline(node.command);
        break;
      case 'CompoundList':
        this.skipIndent++;
        this.list(node);
        break;
      case 'Redirected':
        this.inline(node.command);
        for (const each of node.redirects) this.redirection(each);
        break;
      default:
        this.compound(node as CommandNode);
    }
  }

  private compound(node: CommandNode): void {
    switch (node.type) {
      case 'Subshell':
        this.text += '( ';
        this.listHere(node.body);
        this.flushHereDocs();
        this.text += ' )';
        break;
      case 'BraceGroup':
        this.group(node.body);
        break;
      case 'If':
        this.text += 'if ';
        this.listHere(node.clause);
        this.semicolon();
        this.text += ' then\n';
        this.body(node.then);
        this.elseParts(node.elif, 0, node.else);
        this.newline('fi');
        break;
      case 'For':
      case 'Select': {
        const words = node.wordlist === undefined ? '"$@"' : node.wordlist.map((word) => word.text).join(' ');
        this.text += `${node.type === 'For' ? 'for' : 'select'} ${node.name.text} in ${words};`;
        this.newline('do\n');
        this.body(node.body);
        this.newline('done');
        break;
      }
      case 'ArithmeticFor': {
        this.text += `for ((${clause(node.initialize)}; ${clause(node.test)}; ${clause(node.update)}))`;
        this.newline('do\n');
        this.body(node.body);
        this.newline('done');
        break;
      }
      case 'While':
        this.text += `${node.kind} `;
        this.listHere(node.clause);
        this.semicolon();
        this.text += ' do\n';
        this.body(node.body);
        this.newline('done');
        break;
      case 'Case':
        this.text += `case ${node.word.text} in `;
        this.indentation += STEP;
        for (const item of node.items) {
          this.newline('');
          this.text += `${item.pattern.map((pattern) => pattern.text).join(' | ')})\n`;
          this.indentation += STEP;
          if (item.body.commands.length > 0) this.list(item.body);
          this.flushHereDocs();
          this.indentation -= STEP;
          this.newline(item.terminator ?? ';;');
        }
        this.indentation -= STEP;
        this.newline('esac');
        break;
      case 'ArithmeticCommand':
        this.text += `((${node.body}))`;
        break;
      case 'TestCommand':
        this.text += `[[ ${testText(node.expression)} ]]`;
        break;
      case 'Function': {
        this.text += `function ${node.name.text} () \n`;
        const outer = this.insideFunction;
        this.insideFunction = true;
        this.indent();
        this.functionBody(node.body);
        this.insideFunction = outer;
        break;
      }
      case 'Coproc':
        this.text += `coproc ${node.name?.text ?? 'COPROC'} `;
        this.here(node.body);
        break;
    }
  }

  private group(body: CompoundList): void {
    this.text += '{ ';
    if (!this.insideFunction) {
      this.listHere(body);
      this.flushHereDocs();
      this.semicolon();
      this.text += ' }';
      return;
    }
    this.text += '\n';
    this.indentation += STEP;
    this.list(body);
    this.flushHereDocs();
    this.indentation -= STEP;
    this.newline('}');
  }

  private elseParts(
    elif: readonly { clause: CompoundList; then: CompoundList }[],
    at: number,
    last: CompoundList | undefined,
  ): void {
    const next = elif[at];
    if (next === undefined) {
      if (last === undefined) return;
      this.newline('else\n');
      this.body(last);
      return;
    }
    this.newline('else\n');
    this.indentation += STEP;
    this.indent();
    this.text += 'if ';
    this.listHere(next.clause);
    this.semicolon();
    this.text += ' then\n';
    this.body(next.then);
    this.elseParts(elif, at + 1, last);
    this.newline('fi');
    this.indentation -= STEP;
    this.semicolon();
  }

  private simple(node: CommandNode & { type: 'Command' }): void {
    const words: string[] = [];
    const redirections: Redirection[] = [];
    for (const item of [...node.prefix, ...(node.name === undefined ? [] : [node.name]), ...node.suffix]) {
      if (item.type === 'Word' || item.type === 'Assignment') words.push(wordText(item));
      else redirections.push(item);
    }
    this.text += words.join(' ');
    for (const [i, each] of redirections.entries()) this.redirection(each, i > 0 || words.length > 0);
  }

  private redirection(node: Redirection, space = true): void {
    if (space) this.text += ' ';
    const { descriptor } = node;
    const fd =
      descriptor === undefined
        ? ''
        : descriptor.type === 'FileDescriptor'
          ? String(descriptor.value)
          : `{${descriptor.name}}`;
    if (node.type === 'HereDoc') {
      this.text += `${fd}${node.operator}${node.delimiter?.quoted === true ? `'${node.delimiter.value}'` : (node.delimiter?.value ?? '')}`;
      this.hereDocs.push({ body: node.body.text, end: node.delimiter?.value ?? '' });
      return;
    }
    const target = node.target?.text ?? '';
    if (node.type === 'HereString') {
      this.text += `${fd}<<< ${target}`;
      return;
    }
    const { operator } = node;
    if (operator === '>&' || operator === '<&') {
      const number = fd === '' ? (operator === '>&' ? '1' : '0') : fd;
      if (operator === '>&' && fd === '' && !/^[\d$-]/.test(target)) this.text += `&> ${target}`;
      else this.text += `${number}${operator}${target}`;
      return;
    }
    this.text += `${fd === '1' && operator.startsWith('>') ? '' : fd === '0' && operator.startsWith('<') ? '' : fd}${operator} ${target}`;
  }

  private flushHereDocs(): void {
    if (this.hereDocs.length === 0) return;
    for (const { body, end } of this.hereDocs) this.text += `\n${body}${end}`;
    this.text += '\n';
    this.hereDocs = [];
  }
}

function clause(expression: SyntaxNode | undefined): string {
  return expression === undefined ? '1' : expressionText(expression);
}

/** Arithmetic as it was written, near enough: operators without spaces. */
function expressionText(node: SyntaxNode): string {
  switch (node.type) {
    case 'ArithmeticBinary':
      return `${expressionText(node.left)}${node.operator === ',' ? ', ' : node.operator}${expressionText(node.right)}`;
    case 'ArithmeticUnary':
      return node.prefix
        ? `${node.operator}${expressionText(node.operand)}`
        : `${expressionText(node.operand)}${node.operator}`;
    case 'ArithmeticTernary':
      return `${expressionText(node.test)}?${expressionText(node.consequent)}:${expressionText(node.alternate)}`;
    case 'ArithmeticGroup':
      return `(${expressionText(node.expression)})`;
    case 'ArithmeticWord':
      return node.value;
    case 'ArithmeticCommandExpansion':
      return node.text;
    default:
      return '';
  }
}

function wordText(word: Word | Assignment): string {
  return word.text;
}

function testText(node: TestExpression): string {
  switch (node.type) {
    case 'TestUnary':
      return `${node.operator} ${node.operand.text}`;
    case 'TestBinary':
      return `${node.left.text} ${node.operator} ${node.right.text}`;
    case 'TestLogical':
      return node.operands.map(testText).join(` ${node.operator} `);
    case 'TestNot':
      return `! ${testText(node.operand)}`;
    case 'TestGroup':
      return `( ${testText(node.expression)} )`;
  }
}
