/**
 * getopt_long() as iptables uses it: operands come in order as options of their own (optstring `-:`),
 * the list of long options grows while the arguments are read, and one step can be taken back.
 */

/** A long option of the program (`owner` undefined) or of an extension. */
export interface ScanOption<Owner> {
  readonly name: string;
  readonly argument: 'none' | 'required' | 'optional';
  /** The short letter, or the extension's own id. */
  readonly id: string;
  readonly owner: Owner | undefined;
}

export type Scanned<Owner> =
  | { kind: 'option'; id: string; owner: Owner | undefined; argument: string | undefined }
  | { kind: 'operand'; argument: string }
  /** A required argument is missing. */
  | { kind: 'missing' }
  | { kind: 'unknown' };

export class OptionScanner<Owner> {
  readonly argv: readonly string[];
  /** optind: the next word to look at. */
  index = 1;
  longs: readonly ScanOption<Owner>[];
  readonly #shorts: string;
  #cluster = '';

  constructor(argv: readonly string[], shorts: string, longs: readonly ScanOption<Owner>[]) {
    this.argv = argv;
    this.#shorts = shorts;
    this.longs = longs;
  }

  /** argv[optind - 1], which messages quote. */
  get previous(): string {
    return this.argv[this.index - 1] ?? '';
  }

  /** The next word, if it can be an argument (xs_has_arg). */
  takeArgument(): string | undefined {
    const word = this.argv[this.index];
    if (word === undefined || word.startsWith('-') || word.startsWith('!')) return undefined;
    this.index++;
    return word;
  }

  next(): Scanned<Owner> | undefined {
    if (this.#cluster !== '') return this.#short();
    const word = this.argv[this.index];
    if (word === undefined) return undefined;
    if (word === '--') {
      this.index++;
      return undefined;
    }
    if (!word.startsWith('-') || word === '-') {
      this.index++;
      return { kind: 'operand', argument: word };
    }
    if (word.startsWith('--')) return this.#long(word.slice(2));
    this.#cluster = word.slice(1);
    return this.#short();
  }

  #short(): Scanned<Owner> {
    const letter = this.#cluster[0]!;
    this.#cluster = this.#cluster.slice(1);
    if (this.#cluster === '') this.index++;
    const at = letter === ':' || letter === ';' ? -1 : this.#shorts.indexOf(letter);
    if (at < 0) return { kind: 'unknown' };
    if (this.#shorts[at + 1] !== ':') return { kind: 'option', id: letter, owner: undefined, argument: undefined };
    let argument: string | undefined;
    if (this.#cluster !== '') {
      argument = this.#cluster;
      this.#cluster = '';
      this.index++;
    } else if (this.#shorts[at + 2] !== ':') {
      argument = this.argv[this.index];
      if (argument === undefined) return { kind: 'missing' };
      this.index++;
    }
    return { kind: 'option', id: letter, owner: undefined, argument };
  }

  #long(word: string): Scanned<Owner> {
    this.index++;
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const attached = equals < 0 ? undefined : word.slice(equals + 1);
    let found = this.longs.find((long) => long.name === name);
    if (found === undefined) {
      const candidates = this.longs.filter((long) => long.name.startsWith(name));
      found = candidates[0];
      if (found === undefined) return { kind: 'unknown' };
      const { id, owner, argument } = found;
      if (candidates.some((other) => other.id !== id || other.owner !== owner || other.argument !== argument)) {
        return { kind: 'unknown' };
      }
    }
    const result = { kind: 'option', id: found.id, owner: found.owner } as const;
    if (found.argument === 'none')
      return attached === undefined ? { ...result, argument: undefined } : { kind: 'unknown' };
    if (attached !== undefined || found.argument === 'optional') return { ...result, argument: attached };
    const argument = this.argv[this.index];
    if (argument === undefined) return { kind: 'missing' };
    this.index++;
    return { ...result, argument };
  }
}
