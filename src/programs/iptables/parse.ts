/** Reading the arguments of iptables: do_parse() of iptables 1.8.9, shared by both variants. */
import type { AddrMatch, XtMatch, XtTarget } from '../../uapi/xtables.ts';
import type { Command, RuleSpec } from './command.ts';
import type { XtablesContext } from './context.ts';
import { XtablesExit } from './context.ts';
import { checkExtension, type Extension, type Instance, parseExtensionOption } from './extension.ts';
import {
  findMatch,
  findTarget,
  isForeignMatch,
  isForeignTarget,
  isStandardTarget,
  isTargetName,
} from './extensions.ts';
import { helpText } from './help.ts';
import { parseInterface } from './match-other.ts';
import { nameOfProtocol, parseAddresses, parseProtocol } from './names.ts';
import { scanDecimal, strtoui } from './numbers.ts';
import { OptionScanner, type ScanOption } from './scanner.ts';

type AnyExtension = Extension<XtMatch> | Extension<XtTarget>;

const SHORTS = 'A:C:D:E:F::I:L::M:N:P:VX::Z::c:d:i:j:o:p:s:t:R:S::W::46bfg:h::m:nvw::x';

const long = (name: string, argument: 'none' | 'required' | 'optional', id: string): ScanOption<AnyExtension> => ({
  name,
  argument,
  id,
  owner: undefined,
});

const LONGS: readonly ScanOption<AnyExtension>[] = [
  long('append', 'required', 'A'),
  long('delete', 'required', 'D'),
  long('check', 'required', 'C'),
  long('insert', 'required', 'I'),
  long('replace', 'required', 'R'),
  long('list', 'optional', 'L'),
  long('list-rules', 'optional', 'S'),
  long('flush', 'optional', 'F'),
  long('zero', 'optional', 'Z'),
  long('new-chain', 'required', 'N'),
  long('delete-chain', 'optional', 'X'),
  long('rename-chain', 'required', 'E'),
  long('policy', 'required', 'P'),
  long('source', 'required', 's'),
  long('destination', 'required', 'd'),
  long('src', 'required', 's'),
  long('dst', 'required', 'd'),
  long('protocol', 'required', 'p'),
  long('in-interface', 'required', 'i'),
  long('jump', 'required', 'j'),
  long('table', 'required', 't'),
  long('match', 'required', 'm'),
  long('numeric', 'none', 'n'),
  long('out-interface', 'required', 'o'),
  long('verbose', 'none', 'v'),
  long('wait', 'optional', 'w'),
  long('wait-interval', 'optional', 'W'),
  long('exact', 'none', 'x'),
  long('fragments', 'none', 'f'),
  long('version', 'none', 'V'),
  long('help', 'optional', 'h'),
  long('line-numbers', 'none', '0'),
  long('modprobe', 'required', 'M'),
  long('set-counters', 'required', 'c'),
  long('goto', 'required', 'g'),
  long('ipv4', 'none', '4'),
  long('ipv6', 'none', '6'),
];

/** Which options a command takes: the letters not listed are illegal with it (commands_v_options). */
const RULE_OPTIONS = 'sdpjviof';
const COMMAND_OPTIONS: Readonly<Record<string, string>> = {
  I: `${RULE_OPTIONS}c`,
  D: RULE_OPTIONS,
  R: `${RULE_OPTIONS}c`,
  A: `${RULE_OPTIONS}c`,
  C: RULE_OPTIONS,
  L: 'nvx0',
  P: 'vc',
};
/** The order in which options are checked. */
const OPTION_ORDER = 'nsdpjvxio0cf';
const INVERTIBLE = 'sdpiof';
const MAX_NAME = 29;

const COMMAND_NAMES: Readonly<Record<string, Command['name']>> = {
  A: 'append',
  C: 'check',
  D: 'delete',
  R: 'replace',
  I: 'insert',
  L: 'list',
  S: 'list-rules',
  F: 'flush',
  Z: 'zero',
  N: 'new-chain',
  X: 'delete-chain',
  E: 'rename-chain',
  P: 'policy',
};

/** assert_valid_chain_name() */
export function assertValidChainName(ctx: XtablesContext, name: string): void {
  if (name.length >= MAX_NAME) ctx.bad(`chain name \`${name}' too long (must be under ${MAX_NAME} chars)`);
  if (name.startsWith('-') || name.startsWith('!')) ctx.bad(`chain name not allowed to start with \`${name[0]}'`);
  if (isTargetName(name)) ctx.bad('chain name may not clash with target name');
  if (/\s/.test(name)) ctx.bad(`Invalid chain name \`${name}'`);
}

export interface ParseOptions {
  /** Inside of iptables-restore: -w, -W and a second -t are refused. */
  restore: boolean;
  table: string;
}

export class CommandParser {
  readonly #ctx: XtablesContext;
  readonly #scanner: OptionScanner<AnyExtension>;
  readonly #restore: boolean;
  #table: string;
  #tableSet = false;
  /** The letter of the command, and of a -Z beside it. */
  #command = '';
  #zero: '' | 'Z' | 'z' = '';
  #deleteNumber = false;
  #chain: string | undefined;
  #ruleNumber = 0;
  #newName = '';
  #policy: string | undefined;
  #verbose = 0;
  #wait = 0;
  #waitInterval = false;
  #ignored = false;
  readonly #options = new Set<string>();
  readonly #inverted = new Set<string>();
  #invert = false;
  #protocol: string | undefined;
  #protoUsed = false;
  #proto = 0;
  #source: string | undefined;
  #destination: string | undefined;
  #jumpto = '';
  #goto = false;
  #in = '';
  #out = '';
  #packets = 0;
  #bytes = 0;
  readonly #matches: Instance<XtMatch>[] = [];
  #target: Instance<XtTarget> | undefined;

  constructor(ctx: XtablesContext, argv: readonly string[], { restore, table }: ParseOptions) {
    this.#ctx = ctx;
    this.#scanner = new OptionScanner(argv, SHORTS, LONGS);
    this.#restore = restore;
    this.#table = table;
  }

  /** Read all arguments; ends the program on an error. Undefined when the line is for the other family. */
  parse(): Command | undefined {
    const scanner = this.#scanner;
    for (let found = scanner.next(); found !== undefined; found = scanner.next()) {
      if (found.kind === 'operand') {
        if (found.argument === '!') {
          if (this.#invert) this.#ctx.bad('multiple consecutive ! not allowed');
          this.#invert = true;
          continue;
        }
        this.#ctx.complain(`Bad argument \`${found.argument}'\n`);
        return this.#ctx.exitTryHelp(2);
      }
      if (found.kind === 'option' && found.owner === undefined) this.#option(found.id, found.argument);
      else if (!this.#extensionOption(found.kind === 'option' ? found : undefined)) {
        if (this.#loadProtocol()) {
          scanner.index--;
          continue;
        }
        const word = scanner.previous;
        if (found.kind === 'missing') this.#ctx.bad(`option "${word}" requires an argument`);
        this.#ctx.bad(`unknown option "${word}"`);
      }
      if (this.#ignored) return undefined;
      this.#invert = false;
    }
    return this.#finish();
  }

  #setOption(letter: string): void {
    if (this.#options.has(letter)) this.#ctx.bad(`multiple -${letter} flags not allowed`);
    this.#options.add(letter);
    if (!this.#invert) return;
    if (!INVERTIBLE.includes(letter)) this.#ctx.bad(`cannot have ! before -${letter}`);
    this.#inverted.add(letter);
  }

  #addCommand(letter: string): void {
    if (this.#invert) this.#ctx.bad("unexpected '!' flag");
    const other = this.#command !== '' ? this.#command : this.#zero.toUpperCase();
    const together = letter === 'Z' ? other === 'L' || other === 'S' : 'LS'.includes(letter) && other === 'Z';
    if (other !== '' && !together) this.#ctx.bad(`Cannot use -${letter} with -${other}`);
    if (letter === 'Z') this.#zero = 'Z';
    else this.#command = letter;
  }

  #number(word: string): number {
    return strtoui(word, 1, 0x7fff_ffff) ?? this.#ctx.bad(`Invalid rule number \`${word}'`);
  }

  #option(letter: string, argument: string | undefined): void {
    if (letter in COMMAND_NAMES) {
      this.#commandOption(letter, argument);
      return;
    }
    const text = argument ?? '';
    // For these iptables takes the last word read, so `--source=x` and `-sx` do not do what they seem to.
    const word = this.#scanner.previous;
    switch (letter) {
      case 'p':
        this.#setOption('p');
        this.#protocol = word.toLowerCase();
        this.#proto = parseProtocol(this.#ctx, this.#protocol);
        if (this.#proto === 0 && this.#inverted.has('p')) this.#ctx.bad('rule would never match protocol');
        break;
      case 's':
        this.#setOption('s');
        this.#source = word;
        break;
      case 'd':
        this.#setOption('d');
        this.#destination = word;
        break;
      case 'g':
        this.#setOption('j');
        this.#goto = true;
        this.#jumpto = this.#targetName(text);
        break;
      case 'j':
        this.#setOption('j');
        this.#jump(word);
        break;
      case 'i':
      case 'o':
        if (text === '') this.#ctx.bad('Empty interface is likely to be undesired');
        this.#setOption(letter);
        if (letter === 'i') this.#in = parseInterface(this.#ctx, word);
        else this.#out = parseInterface(this.#ctx, word);
        break;
      case 'm':
        this.#match(text);
        break;
      case 'v':
        if (this.#verbose++ === 0) this.#setOption('v');
        break;
      case 'f':
      case 'n':
      case 'x':
      case '0':
        this.#setOption(letter);
        break;
      case 'c':
        this.#counters(text);
        break;
      case 't':
        if (this.#invert) this.#ctx.bad('unexpected ! flag before --table');
        if (this.#restore && this.#tableSet) {
          this.#ctx.bad(`The -t option cannot be used in ${this.#ctx.programName}.\n`);
        }
        this.#table = text;
        this.#tableSet = true;
        break;
      default:
        this.#programOption(letter, argument);
    }
  }

  /** Options that are about the program, not about a rule. */
  #programOption(letter: string, argument: string | undefined): void {
    const ctx = this.#ctx;
    switch (letter) {
      case 'V':
        ctx.print(this.#invert ? `Not ${ctx.version} ;-)\n` : `${ctx.programName} v${ctx.version}\n`);
        throw new XtablesExit(0);
      case 'h': {
        // iptables -p icmp -h
        if (this.#matches.length === 0 && this.#protocol !== undefined) this.#addMatch(this.#protocol);
        ctx.print(helpText(ctx, this.#target?.extension, this.#matches));
        throw new XtablesExit(0);
      }
      case 'w': {
        if (this.#restore) ctx.bad("You cannot use `-w' from iptables-restore");
        const word = argument ?? this.#scanner.takeArgument();
        const seconds = word === undefined ? -1 : /^\s*[-+]?\d/.test(word) ? Number.parseInt(word, 10) : undefined;
        this.#wait = seconds ?? ctx.bad('wait seconds not numeric');
        break;
      }
      case 'W': {
        if (this.#restore) ctx.bad("You cannot use `-W' from iptables-restore");
        const word = argument ?? this.#scanner.takeArgument() ?? ctx.bad('wait interval value required');
        const interval = scanDecimal(word) ?? ctx.bad('wait interval not numeric');
        if (interval > 999_999) ctx.bad(`too long usec wait ${interval} > 999999 usec`);
        ctx.complain('Ignoring deprecated --wait-interval option.\n');
        this.#waitInterval = true;
        break;
      }
      case 'M':
        break;
      case '4':
        break;
      case '6':
        if (this.#restore) this.#ignored = true;
        else ctx.exitTryHelp(2);
        break;
      default:
        if (this.#loadProtocol()) return;
        ctx.bad(`Unknown arg "${argument ?? '(null)'}"`);
    }
  }

  #commandOption(letter: string, argument: string | undefined): void {
    const ctx = this.#ctx;
    const scanner = this.#scanner;
    if (letter === 'N') assertValidChainName(ctx, argument!);
    this.#addCommand(letter);
    const chain = argument ?? scanner.takeArgument();
    if (chain !== undefined) this.#chain = chain;
    const number = 'DRILSZ'.includes(letter) ? scanner.takeArgument() : undefined;
    if (number !== undefined) this.#ruleNumber = this.#number(number);
    switch (letter) {
      case 'D':
        this.#deleteNumber = number !== undefined;
        break;
      case 'R':
        if (number === undefined) ctx.bad('-R requires a rule number');
        break;
      case 'I':
        if (number === undefined) this.#ruleNumber = 1;
        break;
      case 'Z':
        if (number !== undefined) {
          // -Z with a number takes the place of what was before it.
          this.#zero = 'z';
          this.#command = '';
        }
        break;
      case 'E':
        this.#newName = scanner.takeArgument() ?? ctx.bad('-E requires old-chain-name and new-chain-name');
        break;
      case 'P':
        this.#policy = scanner.takeArgument() ?? ctx.bad('-P requires a chain and a policy');
        break;
    }
  }

  #counters(text: string): void {
    this.#setOption('c');
    const comma = text.indexOf(',', 1);
    const bytes = comma < 0 ? this.#scanner.takeArgument() : text.slice(comma + 1);
    if (bytes === undefined) this.#ctx.bad('-c requires packet and byte counter');
    this.#packets = scanDecimal(text) ?? this.#ctx.bad('-c packet counter not numeric');
    this.#bytes = scanDecimal(bytes) ?? this.#ctx.bad('-c byte counter not numeric');
  }

  #targetName(name: string): string {
    if (name === '') this.#ctx.bad('Invalid target name (too short)');
    if (name.length >= MAX_NAME) this.#ctx.bad(`Invalid target name \`${name}' (${MAX_NAME - 1} chars max)`);
    if (/\s/.test(name)) this.#ctx.bad(`Invalid target name \`${name}'`);
    return name;
  }

  /** command_jump() */
  #jump(name: string): void {
    this.#jumpto = this.#targetName(name);
    if (isForeignTarget(name)) this.#ctx.bad(`"-j ${name}" is not modelled`);
    const extension = findTarget(name);
    if (extension === undefined) return;
    this.#target = { extension, data: extension.init(), used: new Set(), completed: false };
    this.#mergeOptions(extension);
  }

  /** command_match() */
  #match(name: string): void {
    if (this.#invert) this.#ctx.bad('unexpected ! flag before --match');
    if (name.length >= MAX_NAME) this.#ctx.bad(`Invalid match name "${name}" (${MAX_NAME - 1} chars max)`);
    if (isForeignMatch(name)) this.#ctx.bad(`"-m ${name}" is not modelled`);
    if (!this.#addMatch(name)) this.#ctx.bad(`Couldn't load match \`${name}':No such file or directory\n`);
  }

  #addMatch(name: string): boolean {
    const extension = findMatch(name);
    if (extension === undefined) return false;
    const known = this.#matches.filter((instance) => instance.extension === extension);
    for (const instance of known) instance.completed = true;
    this.#matches.push({ extension, data: extension.init(), used: new Set(), completed: false });
    if (known.length === 0) this.#mergeOptions(extension);
    return true;
  }

  /** The program's own options keep their precedence, then come the newest extension's. */
  #mergeOptions(extension: AnyExtension): void {
    const added = extension.options.map((option): ScanOption<AnyExtension> => {
      return {
        name: option.name,
        argument: option.type === undefined ? 'none' : 'required',
        id: option.id,
        owner: extension,
      };
    });
    this.#scanner.longs = [...LONGS, ...added, ...this.#scanner.longs.slice(LONGS.length)];
  }

  /** load_proto(): `-p tcp --dport 80` loads the match on demand. */
  #loadProtocol(): boolean {
    if (this.#protocol === undefined) return false;
    const number = strtoui(this.#protocol, 0, 255);
    const name = number === undefined ? this.#protocol : nameOfProtocol(number, this.#options.has('n'));
    if (name === undefined || this.#protoUsed || !this.#addMatch(name)) return false;
    this.#protoUsed = true;
    return true;
  }

  #extensionOption(
    found: { id: string; owner: AnyExtension | undefined; argument: string | undefined } | undefined,
  ): boolean {
    if (found === undefined) return false;
    const rule = { proto: this.#proto, protoInvert: this.#inverted.has('p') };
    const { id, argument } = found;
    if (this.#target?.extension === found.owner) {
      parseExtensionOption(this.#ctx, this.#target!, id, argument, this.#invert, rule, this.#scanner);
      return true;
    }
    const match = this.#matches.find((instance) => !instance.completed && instance.extension === found.owner);
    if (match === undefined) return false;
    parseExtensionOption(this.#ctx, match, id, argument, this.#invert, rule, this.#scanner);
    return true;
  }

  #finish(): Command {
    const ctx = this.#ctx;
    if (this.#table === 'nat' && (this.#policy === 'DROP' || this.#jumpto === 'DROP')) {
      ctx.bad('\nThe "nat" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n');
    }
    if (this.#wait === 0 && this.#waitInterval) ctx.bad('--wait-interval only makes sense with --wait\n');
    for (const match of this.#matches) checkExtension(ctx, match);
    if (this.#target !== undefined) checkExtension(ctx, this.#target);
    if (this.#scanner.index < this.#scanner.argv.length) ctx.bad('unknown arguments found on commandline');
    if (this.#command === '' && this.#zero === '') ctx.bad('no command specified');
    if (this.#invert) ctx.bad('nothing appropriate following !');

    const letter = this.#command !== '' ? this.#command : 'Z';
    const takesRule = 'AIRC'.includes(letter) || (letter === 'D' && !this.#deleteNumber);
    const sources = this.#addresses('s', this.#source, takesRule);
    const destinations = this.#addresses('d', this.#destination, takesRule);
    if ((sources.length > 1 || destinations.length > 1) && (this.#inverted.has('s') || this.#inverted.has('d'))) {
      ctx.bad('! not allowed with multiple source or destination IP addresses');
    }
    if (letter === 'R' && (sources.length !== 1 || destinations.length !== 1)) {
      ctx.bad('Replacement rule does not specify a unique address');
    }
    this.#checkOptions(letter);
    const chain = this.#chain;
    if (chain !== undefined && chain.length >= MAX_NAME) {
      ctx.bad(`chain name \`${chain}' too long (must be under ${MAX_NAME} chars)`);
    }
    if ('AIRCD'.includes(letter)) this.#checkInterfaces(chain ?? '');
    return this.#build(letter, sources, destinations);
  }

  /** ipv4_post_parse() */
  #addresses(letter: 's' | 'd', text: string | undefined, takesRule: boolean): (AddrMatch | undefined)[] {
    if (text === undefined) return takesRule ? [undefined] : [];
    const invert = this.#inverted.has(letter);
    return parseAddresses(this.#ctx, text).map(({ address, mask }) =>
      mask === 0 && !invert ? undefined : { address, mask, invert },
    );
  }

  /** generic_opt_check() */
  #checkOptions(letter: string): void {
    const commands = [...(this.#command === '' ? [] : [letter]), ...(this.#zero === '' ? [] : ['Z'])];
    for (const option of OPTION_ORDER) {
      if (!this.#options.has(option)) continue;
      const legal = commands.some((command) => {
        if (command === 'D' && this.#deleteNumber) return option === 'v';
        return (COMMAND_OPTIONS[command] ?? 'v').includes(option);
      });
      if (!legal) this.#ctx.bad(`Illegal option \`-${option}' with this command`);
    }
  }

  #checkInterfaces(chain: string): void {
    if ((chain === 'PREROUTING' || chain === 'INPUT') && this.#options.has('o')) {
      this.#ctx.bad(`Can't use -o with ${chain}\n`);
    }
    if ((chain === 'POSTROUTING' || chain === 'OUTPUT') && this.#options.has('i')) {
      this.#ctx.bad(`Can't use -i with ${chain}\n`);
    }
  }

  #build(letter: string, sources: RuleSpec['sources'], destinations: RuleSpec['destinations']): Command {
    const zero = this.#zero === '' ? undefined : this.#zero === 'z' ? 'zero-num' : 'zero';
    let name = COMMAND_NAMES[letter]!;
    if (letter === 'D' && this.#deleteNumber) name = 'delete-num';
    if (letter === 'Z') name = zero!;
    const iface = (text: string, option: string) => ({ name: text, invert: this.#inverted.has(option) });
    const standard = isStandardTarget(this.#jumpto) && !this.#goto;
    const target: XtTarget | undefined = standard ? { name: this.#jumpto as 'ACCEPT' } : this.#target?.data;
    return {
      table: this.#table,
      name,
      alsoZero: letter === 'Z' ? undefined : zero,
      chain: this.#chain,
      ruleNumber: this.#ruleNumber,
      newName: this.#newName,
      policy: this.#policy ?? '',
      verbose: this.#verbose,
      listing: {
        numeric: this.#options.has('n'),
        verbose: this.#options.has('v'),
        exact: this.#options.has('x'),
        lineNumbers: this.#options.has('0'),
      },
      setCounters: this.#options.has('c'),
      rule: {
        ...(this.#in === '' ? {} : { inIface: iface(this.#in, 'i') }),
        ...(this.#out === '' ? {} : { outIface: iface(this.#out, 'o') }),
        proto: this.#proto,
        protoInvert: this.#inverted.has('p'),
        ...(this.#options.has('f') ? { fragment: { invert: this.#inverted.has('f') } } : {}),
        matches: this.#matches.map((instance) => instance.data),
        target,
        jumpto: this.#jumpto,
        goto: this.#goto,
        counters: { packets: this.#packets, bytes: this.#bytes },
        sources,
        destinations,
      },
    };
  }
}
