/**
 * glibc's getopt_long(): short options in clusters, long options with unambiguous abbreviations,
 * operands permuted behind the options unless the list of short options begins with `+`.
 */
import { complain, type Process } from '../uapi/process.ts';

export interface LongOption {
  readonly name: string;
  /** Absent: the option takes no argument. */
  readonly argument?: 'required' | 'optional';
  /** What `next` returns for it: usually the short option's letter. */
  readonly value: string;
}

export interface ParsedOption {
  /** The short letter, the long option's value, or `?` after an error that has been reported. */
  readonly option: string;
  readonly argument: string | undefined;
}

export class Getopt {
  readonly #process: Process;
  readonly #argv: readonly string[];
  readonly #shorts: string;
  readonly #longs: readonly LongOption[];
  readonly #posix: boolean;
  readonly #skipped: string[] = [];
  #index = 1;
  #cluster = '';

  /** `shorts` as for getopt(3): `ab:c::`, with a leading `+` to stop at the first operand. */
  constructor(process: Process, shorts: string, longs: readonly LongOption[] = [], argv = process.argv) {
    this.#process = process;
    this.#argv = argv;
    this.#posix = shorts.startsWith('+');
    this.#shorts = this.#posix ? shorts.slice(1) : shorts;
    this.#longs = longs;
  }

  /** The arguments that are not options; complete when `next` has returned undefined. */
  get operands(): readonly string[] {
    return [...this.#skipped, ...this.#argv.slice(this.#index)];
  }

  next(): ParsedOption | undefined {
    if (this.#cluster !== '') return this.#short();
    const argv = this.#argv;
    for (; this.#index < argv.length; this.#index++) {
      const word = argv[this.#index]!;
      if (word === '--') {
        this.#index++;
        return undefined;
      }
      if (word.startsWith('--')) {
        this.#index++;
        return this.#long(word.slice(2));
      }
      if (word.length > 1 && word.startsWith('-')) {
        this.#index++;
        this.#cluster = word.slice(1);
        return this.#short();
      }
      if (this.#posix) return undefined;
      this.#skipped.push(word);
    }
    return undefined;
  }

  #error(text: string): ParsedOption {
    complain(this.#process, `${this.#process.argv[0]}: ${text}\n`);
    return { option: '?', argument: undefined };
  }

  #short(): ParsedOption {
    const letter = this.#cluster[0]!;
    this.#cluster = this.#cluster.slice(1);
    const at = letter === ':' ? -1 : this.#shorts.indexOf(letter);
    if (at < 0) return this.#error(`invalid option -- '${letter}'`);
    if (this.#shorts[at + 1] !== ':') return { option: letter, argument: undefined };
    const attached = this.#cluster === '' ? undefined : this.#cluster;
    this.#cluster = '';
    if (attached !== undefined || this.#shorts[at + 2] === ':') return { option: letter, argument: attached };
    const argument = this.#argv[this.#index];
    if (argument === undefined) return this.#error(`option requires an argument -- '${letter}'`);
    this.#index++;
    return { option: letter, argument };
  }

  #long(word: string): ParsedOption {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const attached = equals < 0 ? undefined : word.slice(equals + 1);
    const candidates = this.#longs.filter((long) => long.name.startsWith(name));
    const long = candidates.find((candidate) => candidate.name === name) ?? candidates[0];
    if (long === undefined) return this.#error(`unrecognized option '--${word}'`);
    const differs = (other: LongOption) => other.value !== long.value || other.argument !== long.argument;
    if (long.name !== name && candidates.some(differs)) {
      const possibilities = candidates.map((candidate) => ` '--${candidate.name}'`).join('');
      return this.#error(`option '--${word}' is ambiguous; possibilities:${possibilities}`);
    }
    if (long.argument === undefined) {
      if (attached !== undefined) return this.#error(`option '--${long.name}' doesn't allow an argument`);
      return { option: long.value, argument: undefined };
    }
    if (attached !== undefined || long.argument === 'optional') return { option: long.value, argument: attached };
    const argument = this.#argv[this.#index];
    if (argument === undefined) return this.#error(`option '--${long.name}' requires an argument`);
    this.#index++;
    return { option: long.value, argument };
  }
}
