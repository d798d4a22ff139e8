/** Where the pieces of a word go as they are expanded. */
import { escapePattern } from './pattern.ts';

export interface Sink {
  /** Literal text of the word. */
  literal(text: string, quoted: boolean): void;
  /** The result of an expansion. */
  expansion(text: string, quoted: boolean): void;
  /** Several values: `$@`, `$*`, `${a[@]}`. `star` is the kind that joins when quoted. */
  list(values: readonly string[], quoted: boolean, star: boolean): void;
}

/** No splitting, no patterns: assignments, redirections, here-documents. */
export class TextSink implements Sink {
  text = '';
  private readonly ifs: string;

  constructor(ifs: string) {
    this.ifs = ifs;
  }

  literal(text: string): void {
    this.text += text;
  }

  expansion(text: string): void {
    this.text += text;
  }

  list(values: readonly string[], _quoted: boolean, star: boolean): void {
    this.text += values.join(star ? (this.ifs[0] ?? '') : ' ');
  }
}

/** A pattern: quoted characters stand for themselves. */
export class PatternSink implements Sink {
  text = '';
  private readonly ifs: string;
  private readonly escape: (text: string) => string;

  constructor(ifs: string, escapeQuoted: (text: string) => string = escapePattern) {
    this.ifs = ifs;
    this.escape = escapeQuoted;
  }

  literal(text: string, quoted: boolean): void {
    this.text += quoted ? this.escape(text) : text;
  }

  expansion(text: string, quoted: boolean): void {
    this.literal(text, quoted);
  }

  list(values: readonly string[], quoted: boolean, star: boolean): void {
    this.literal(values.join(star ? (this.ifs[0] ?? '') : ' '), quoted);
  }
}

/** The operand of `${x-operand}`: its unquoted text is split as if it came from an expansion. */
export class OperandSink implements Sink {
  private readonly inner: Sink;

  constructor(inner: Sink) {
    this.inner = inner;
  }

  literal(text: string, quoted: boolean): void {
    if (quoted) this.inner.literal(text, true);
    else this.inner.expansion(text, false);
  }

  expansion(text: string, quoted: boolean): void {
    this.inner.expansion(text, quoted);
  }

  list(values: readonly string[], quoted: boolean, star: boolean): void {
    this.inner.list(values, quoted, star);
  }
}

export interface Field {
  text: string;
  /** With quoted characters escaped, for pathname expansion. */
  pattern: string;
}

/** Word splitting. */
export class FieldSink implements Sink {
  readonly fields: Field[] = [];
  private text = '';
  private pattern = '';
  /** The current field exists, even if it is empty. */
  private open = false;
  /** The last field ended with IFS white space: a following delimiter belongs to it. */
  private afterSpace = false;
  private readonly ifs: string;
  private readonly space: string;

  constructor(ifs: string) {
    this.ifs = ifs;
    this.space = ifs === ' \t\n' ? ifs : [...ifs].filter((char) => ' \t\n'.includes(char)).join('');
  }

  literal(text: string, quoted: boolean): void {
    this.add(text, quoted);
    if (quoted) this.open = true;
  }

  expansion(text: string, quoted: boolean): void {
    if (quoted) {
      this.add(text, true);
      this.open = true;
    } else this.split(text);
  }

  list(values: readonly string[], quoted: boolean, star: boolean): void {
    if (quoted && star) {
      this.expansion(values.join(this.ifs[0] ?? ''), true);
      return;
    }
    for (let i = 0; i < values.length; i++) {
      if (i > 0) this.end();
      if (quoted) {
        this.add(values[i]!, true);
        this.open = true;
      } else this.split(values[i]!);
    }
  }

  /** The word is complete. */
  finish(): Field[] {
    this.end();
    return this.fields;
  }

  private add(text: string, quoted: boolean): void {
    if (text === '') return;
    this.text += text;
    this.pattern += quoted ? escapePattern(text) : text;
    this.open = true;
    this.afterSpace = false;
  }

  private end(): void {
    if (this.open) this.fields.push({ text: this.text, pattern: this.pattern });
    this.text = '';
    this.pattern = '';
    this.open = false;
  }

  private split(text: string): void {
    const { ifs, space } = this;
    let start = 0;
    let i = 0;
    while (i < text.length) {
      const char = text[i]!;
      if (!ifs.includes(char)) {
        i++;
        continue;
      }
      if (i > start) this.add(text.slice(start, i), false);
      if (space.includes(char)) {
        if (this.open) {
          this.end();
          this.afterSpace = true;
        }
      } else if (this.open) this.end();
      else if (this.afterSpace) this.afterSpace = false;
      else this.fields.push({ text: '', pattern: '' });
      i++;
      start = i;
    }
    if (i > start) this.add(text.slice(start, i), false);
  }
}
