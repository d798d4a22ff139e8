import type { Process } from '../../uapi/process.ts';
import { EXIT_FAILURE, EXIT_USAGE, Exit } from './exit.ts';

/** iproute2's matches(): `word` is a non-empty prefix of `keyword` (or all of it). */
export function matches(word: string, keyword: string): boolean {
  return word !== '' && keyword.startsWith(word);
}

/** matches() for one word and many keywords. */
export function matching(word: string): (keyword: string) => boolean {
  return word === '' ? () => false : (keyword) => keyword.startsWith(word);
}

/**
 * The command line from one word on, with iproute2's complaints. The current word is {@link word};
 * {@link next} steps to the value that must follow, {@link shift} over a word that is done.
 */
export class Args {
  readonly process: Process;
  argv: readonly string[];
  /** The current word (*argv); '' behind the end. */
  word: string;
  /** How many words are left, the current one included (argc). */
  left: number;
  #at: number;

  constructor(process: Process, argv: readonly string[], at = 0) {
    this.process = process;
    this.argv = argv;
    this.#at = at;
    this.word = argv[at] ?? '';
    this.left = argv.length - at;
  }

  /** The word after the current one, undefined at the end. */
  get following(): string | undefined {
    return this.argv[this.#at + 1];
  }

  /** The words from the current one on. */
  get rest(): readonly string[] {
    return this.argv.slice(this.#at);
  }

  /** NEXT_ARG(): step to the next word, which must exist, and give it. */
  next(): string {
    this.shift();
    if (this.left <= 0) this.incomplete();
    return this.word;
  }

  /** NEXT_ARG_OK(): whether a word follows the current one. */
  get hasNext(): boolean {
    return this.left > 1;
  }

  /** Step over the current word (argc--, argv++). */
  shift(count = 1): void {
    this.#at += count;
    this.word = this.argv[this.#at] ?? '';
    this.left = this.argv.length - this.#at;
  }

  /** Another word in place of the current one: iproute2 writes into its command line as it reads. */
  replace(word: string): void {
    this.argv = this.argv.with(this.#at, word);
    this.word = word;
  }

  /** PREV_ARG(). */
  back(): void {
    this.shift(-1);
  }

  /** The current word is the keyword, or an abbreviation of it. */
  matches(keyword: string): boolean {
    return this.word !== '' && keyword.startsWith(this.word);
  }

  /** A line to standard error. */
  complain(text: string): void {
    this.process.stderr.write(`${text}\n`);
  }

  /** Complain and end the program. */
  fail(text: string, status: number = EXIT_USAGE): never {
    this.complain(text);
    throw new Exit(status);
  }

  incomplete(): never {
    this.fail('Command line is not complete. Try option "help"');
  }

  missarg(key: string): never {
    this.fail(`Error: argument "${key}" is required`);
  }

  invarg(message: string, arg: string): never {
    this.fail(`Error: argument "${arg}" is wrong: ${message}`);
  }

  duparg(key: string, arg: string): never {
    this.fail(`Error: duplicate "${key}": "${arg}" is the second value.`);
  }

  duparg2(key: string, arg: string): never {
    this.fail(`Error: either "${key}" is duplicate, or "${arg}" is a garbage.`);
  }

  /** nodev(): says it and gives the status that -1 becomes where the caller returns it. */
  nodev(name: string): number {
    this.complain(`Cannot find device "${name}"`);
    return EXIT_FAILURE;
  }

  /** An option or command that Linux has and Hairpin has not: refused by name. */
  notModelled(what: string): never {
    this.fail(`${this.process.argv[0] ?? 'ip'}: "${what}" is not modelled`, EXIT_FAILURE);
  }

  /** parse_one_of(): the index of the entry that the word abbreviates; undefined after the complaint. */
  oneOf(option: string, word: string, list: readonly string[]): number | undefined {
    const index = list.findIndex((entry) => matches(word, entry));
    if (index >= 0) return index;
    const all = list.map((entry) => `"${entry}", `).join('');
    this.complain(`Error: argument of "${option}" must be one of ${all}not "${word}"`);
    return undefined;
  }

  /** parse_on_off(). */
  onOff(option: string, word: string): number | undefined {
    return this.oneOf(option, word, ['off', 'on']);
  }
}

/** check_ifname(): a name that dev_valid_name() accepts, as far as iproute2 checks. */
export function checkIfname(name: string): boolean {
  return name.length < 16 && checkAltIfname(name);
}

/** check_altifname(). */
export function checkAltIfname(name: string): boolean {
  return name !== '' && !/[/\s]/.test(name);
}
