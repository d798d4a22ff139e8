import type { OutputStream, Process } from '../../uapi/process.ts';

/** What is printed is coloured by its meaning (lib/color.c); undefined prints plainly. */
export type ColorAttr = 'ifname' | 'mac' | 'inet' | 'inet6' | 'operstate-up' | 'operstate-down';

const CLEAR = '\u001b[0m';
const LIGHT: Readonly<Record<ColorAttr, string>> = {
  ifname: '\u001b[36m',
  mac: '\u001b[33m',
  inet: '\u001b[35m',
  inet6: '\u001b[34m',
  'operstate-up': '\u001b[32m',
  'operstate-down': '\u001b[31m',
};
const DARK: Readonly<Record<ColorAttr, string>> = {
  ifname: '\u001b[1;36m',
  mac: '\u001b[1;33m',
  inet: '\u001b[1;35m',
  inet6: '\u001b[1;34m',
  'operstate-up': '\u001b[1;32m',
  'operstate-down': '\u001b[1;31m',
};

export type JsonValue = string | number | bigint | boolean | null;

const ESCAPES: Readonly<Record<string, string>> = {
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\f': '\\f',
  '\b': '\\b',
  '\\': '\\\\',
  '"': '\\"',
};

function quote(text: string): string {
  return `"${text.replace(/[\t\n\r\f\b\\"]/g, (char) => ESCAPES[char]!)}"`;
}

/**
 * Plain text or JSON from one description, as lib/json_print.c: `print` gives both forms at once,
 * `text` only the plain one, `field` only the JSON one. JSON is in force between
 * {@link newJson} and {@link deleteJson} when the option asks for it.
 */
export class Printer {
  /** _SL_: what ends a line within one record: a newline, or `\` with -oneline. */
  readonly sl: string;
  readonly #out: OutputStream;
  readonly #wanted: boolean;
  readonly #pretty: boolean;
  readonly #colors: Readonly<Record<ColorAttr, string>> | undefined;
  #json = false;
  #depth = 0;
  #separator = false;

  constructor(
    process: Process,
    options: { json: boolean; pretty: boolean; oneline: boolean; color: 'never' | 'auto' | 'always' },
  ) {
    this.#out = process.stdout;
    this.#wanted = options.json;
    this.#pretty = options.pretty;
    this.sl = options.oneline ? '\\' : '\n';
    const colored = !options.json && (options.color === 'always' || (options.color === 'auto' && process.stdout.isTty));
    const dark = /;[0-68]$/.test(process.env.get('COLORFGBG') ?? '');
    this.#colors = colored ? (dark ? DARK : LIGHT) : undefined;
  }

  /** is_json_context(). */
  get isJson(): boolean {
    return this.#json;
  }

  /** new_json_obj(): with -json, what follows is JSON, in an array unless `plain`. */
  newJson(array = true): void {
    if (!this.#wanted) return;
    this.#json = true;
    this.#depth = 0;
    this.#separator = false;
    if (array) this.#startArray();
  }

  /** delete_json_obj(). */
  deleteJson(array = true): void {
    if (!this.#json) return;
    if (array) this.#endArray();
    this.#out.write('\n');
    this.#json = false;
  }

  /** PRINT_ANY: `text` in plain form, `value` under `key` in JSON (without a key: an element of an array). */
  print(key: string | undefined, text: string, value: JsonValue): void {
    if (this.#json) this.#member(key, value);
    else this.#out.write(text);
  }

  /** As {@link print}, in colour. */
  color(attr: ColorAttr | undefined, key: string | undefined, text: string, value: JsonValue): void {
    if (this.#json) this.#member(key, value);
    else if (attr && this.#colors) this.#out.write(this.#colors[attr] + text + CLEAR);
    else this.#out.write(text);
  }

  /** A JSON value that is written as it stands (`json`), a number with a fixed number of digits. */
  raw(key: string, text: string, json: string): void {
    if (!this.#json) {
      this.#out.write(text);
      return;
    }
    this.#name(key);
    this.#comma();
    this.#out.write(json);
  }

  /** PRINT_FP: only in plain form. */
  text(text: string): void {
    if (!this.#json) this.#out.write(text);
  }

  /** PRINT_JSON: only in JSON. */
  field(key: string | undefined, value: JsonValue): void {
    if (this.#json) this.#member(key, value);
  }

  /** print_nl(). */
  nl(): void {
    this.text(this.sl);
  }

  /** open_json_object(): nothing in plain form. */
  openObject(key?: string): void {
    if (!this.#json) return;
    if (key !== undefined) this.#name(key);
    this.#begin('{');
  }

  closeObject(): void {
    if (this.#json) this.#end('}');
  }

  /** open_json_array(): in plain form prints `text`. */
  openArray(key: string | undefined, text = ''): void {
    if (!this.#json) {
      if (text !== '') this.#out.write(text);
      return;
    }
    if (key !== undefined) this.#name(key);
    this.#startArray();
  }

  closeArray(text = ''): void {
    if (this.#json) this.#endArray();
    else if (text !== '') this.#out.write(text);
  }

  /** fflush(stdout). */
  flush(): Promise<void> {
    return this.#out.flush();
  }

  #startArray(): void {
    this.#begin('[');
    if (this.#pretty) this.#out.write(' ');
  }

  #endArray(): void {
    if (this.#pretty && this.#separator) this.#out.write(' ');
    this.#separator = false;
    this.#end(']');
  }

  #member(key: string | undefined, value: JsonValue): void {
    if (key !== undefined) this.#name(key);
    this.#comma();
    this.#out.write(typeof value === 'string' ? quote(value) : String(value));
  }

  #name(key: string): void {
    this.#comma();
    this.#eol();
    this.#separator = false;
    this.#out.write(`${quote(key)}:${this.#pretty ? ' ' : ''}`);
  }

  #comma(): void {
    if (this.#separator) this.#out.write(',');
    this.#separator = true;
  }

  #begin(bracket: string): void {
    this.#comma();
    this.#out.write(bracket);
    this.#depth++;
    this.#separator = false;
  }

  #end(bracket: string): void {
    this.#depth--;
    if (this.#separator) this.#eol();
    this.#out.write(bracket);
    this.#separator = true;
  }

  #eol(): void {
    if (this.#pretty) this.#out.write(`\n${'    '.repeat(this.#depth)}`);
  }
}
