/** iptables-restore in both variants: whole tables from standard input or a file. */
import { strerror } from '../../uapi/errno.ts';
import type { Program } from '../../uapi/process.ts';
import { isRefusal } from '../../uapi/result.ts';
import type { XtCounters } from '../../uapi/xtables.ts';
import { Getopt } from '../getopt.ts';
import { OTHER_PROBLEM, type Variant, XtablesContext, XtablesExit } from './context.ts';
import { untilExit } from './iptables.ts';
import { commitTable, deleteChains, flushChains, IptcHandle, openTable, runLegacy } from './legacy.ts';
import { BUILTIN_TABLES, NftHandle } from './nft.ts';
import { queueNft } from './nft-commands.ts';
import { assertValidChainName, CommandParser } from './parse.ts';

interface RestoreOptions {
  counters: boolean;
  verbose: number;
  test: boolean;
  noflush: boolean;
  table: string | undefined;
  file: string | undefined;
}

const LEGACY_USAGE = `Usage: NAME [-c] [-v] [-V] [-t] [-h] [-n] [-w secs] [-W usecs] [-T table] [-M command] [file]
	   [ --counters ]
	   [ --verbose ]
	   [ --version]
	   [ --test ]
	   [ --help ]
	   [ --noflush ]
	   [ --wait=<seconds>
	   [ --table=<TABLE> ]
	   [ --modprobe=<command> ]
`;

const NFT_USAGE = `Usage: NAME [-c] [-v] [-V] [-t] [-h] [-n] [-T table] [-M command] [-4] [-6] [file]
	   [ --counters ]
	   [ --verbose ]
	   [ --version]
	   [ --test ]
	   [ --help ]
	   [ --noflush ]
	   [ --table=<TABLE> ]
	   [ --modprobe=<command> ]
	   [ --ipv4 ]
	   [ --ipv6 ]
`;

function parseOptions(ctx: XtablesContext): RestoreOptions {
  const options: RestoreOptions = {
    counters: false,
    verbose: 0,
    test: false,
    noflush: false,
    table: undefined,
    file: undefined,
  };
  const getopt = new Getopt(ctx.process, ctx.variant === 'legacy' ? 'bcvVthnwWM:T:' : 'bcvVthnM:T:wW', [
    { name: 'counters', value: 'c' },
    { name: 'verbose', value: 'v' },
    { name: 'version', value: 'V' },
    { name: 'test', value: 't' },
    { name: 'help', value: 'h' },
    { name: 'noflush', value: 'n' },
    { name: 'modprobe', argument: 'required', value: 'M' },
    { name: 'table', argument: 'required', value: 'T' },
    { name: 'wait', argument: 'optional', value: 'w' },
    { name: 'wait-interval', argument: 'optional', value: 'W' },
  ]);
  for (let found = getopt.next(); found !== undefined; found = getopt.next()) {
    switch (found.option) {
      case 'b':
        ctx.complain('-b/--binary option is not implemented\n');
        break;
      case 'c':
        options.counters = true;
        break;
      case 'v':
        options.verbose++;
        break;
      case 'V':
        ctx.print(`${ctx.programName} v${ctx.version}\n`);
        throw new XtablesExit(0);
      case 't':
        options.test = true;
        break;
      case 'h':
        ctx.complain((ctx.variant === 'legacy' ? LEGACY_USAGE : NFT_USAGE).replace('NAME', ctx.programName));
        throw new XtablesExit(0);
      case 'n':
        options.noflush = true;
        break;
      case 'T':
        options.table = found.argument;
        break;
      case 'M':
      case 'w':
      case 'W':
        break;
      default:
        ctx.complain(`Try \`${ctx.programName} -h' for more information.\n`);
        throw new XtablesExit(1);
    }
  }
  const { operands } = getopt;
  if (operands.length > 1) {
    ctx.complain('Unknown arguments found on commandline\n');
    throw new XtablesExit(1);
  }
  options.file = operands[0];
  return options;
}

/** add_param_to_argv(): words, with double quotes and backslashes inside of them. */
function splitWords(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (quoted) {
      if (char === '\\') word += line[++i] ?? '';
      else if (char === '"') {
        quoted = false;
        // The closing quote ends the word, as a blank would.
        words.push(word);
        word = '';
      } else word += char;
    } else if (char === '"') quoted = true;
    else if (char === ' ' || char === '\t') {
      if (word !== '') words.push(word);
      word = '';
    } else word += char;
  }
  if (word !== '') words.push(word);
  return words;
}

/** `[packets:bytes]` in front of a rule. */
function takeCounters(ctx: XtablesContext, line: string): { counters: XtCounters | undefined; rest: string } {
  if (!line.startsWith('[')) return { counters: undefined, rest: line };
  const close = line.indexOf(']');
  if (close < 0) ctx.bad(`Bad line ${ctx.line}: need ]`);
  const [packets, bytes] = line.slice(1, close).split(':');
  if (bytes === undefined) ctx.bad(`Bad line ${ctx.line}: need :`);
  return { counters: { packets: Number(packets), bytes: Number(bytes) }, rest: line.slice(close + 1) };
}

function policyCounters(ctx: XtablesContext, chain: string, text: string | undefined): XtCounters {
  const match = /^\[(\d+):(\d+)/.exec(text ?? '');
  if (match === null) return ctx.bad(`invalid policy counters for chain '${chain}'`);
  return { packets: Number(match[1]), bytes: Number(match[2]) };
}

/** What the two variants do with each kind of line; false means the line failed. */
interface Restorer {
  begin(table: string): void;
  chain(name: string, policy: string, counters: XtCounters): void;
  rule(argv: readonly string[], table: string): boolean;
  commit(test: boolean): boolean;
  /** What follows `line N failed`. */
  failure(): string;
}

function legacyRestorer(ctx: XtablesContext, { noflush, verbose }: RestoreOptions): Restorer {
  let handle: IptcHandle;
  return {
    begin(table) {
      const opened = openTable(ctx, table);
      if (!(opened instanceof IptcHandle)) {
        return ctx.bad(`${ctx.programName}: unable to initialize table '${table}'`);
      }
      handle = opened;
      if (noflush) return;
      flushChains(ctx, handle, undefined, verbose > 0);
      deleteChains(ctx, handle, undefined, verbose > 0);
    },
    chain(name, policy, counters) {
      if (name.length >= 29) ctx.bad(`Invalid chain name \`${name}' (28 chars max)`);
      const known = handle.chain(name);
      if (known?.policy === undefined) {
        const ok = noflush && known !== undefined ? handle.flush(name) : handle.createChain(name);
        if (!ok) ctx.bad(`error creating chain '${name}':${strerror(handle.errno)}`);
      }
      if (policy !== '-' && !handle.setPolicy(name, policy, counters)) {
        const where = `Can't set policy \`${policy}' on \`${name}' line ${ctx.line}`;
        ctx.error(OTHER_PROBLEM, `${where}: ${handle.message()}`);
      }
    },
    rule(argv, table) {
      const command = new CommandParser(ctx, argv, { restore: true, table }).parse();
      return command === undefined || runLegacy(ctx, command, handle);
    },
    commit: (test) => test || commitTable(ctx, handle),
    failure: () => `line ${ctx.line} failed\n`,
  };
}

function nftRestorer(ctx: XtablesContext, { noflush, verbose }: RestoreOptions): Restorer {
  const handle = new NftHandle(ctx);
  let table = '';
  handle.noflush = noflush;
  return {
    begin(name) {
      if (BUILTIN_TABLES[name] === undefined) {
        ctx.bad(`${ctx.programName}: line ${ctx.line} table name '${name}' invalid`);
      }
      table = name;
      if (noflush) return;
      if (verbose > 0) {
        handle.add(() => handle.flush(name, undefined, true));
        handle.add(() => handle.deleteChain(name, undefined, true));
      } else handle.add(() => handle.flushTable(name));
    },
    chain(name, policy, counters) {
      const current = table;
      assertValidChainName(ctx, name);
      if (BUILTIN_TABLES[current]!.includes(name)) handle.add(() => handle.setPolicy(current, name, policy, counters));
      else handle.add(() => handle.restoreChain(current, name));
    },
    rule(argv, name) {
      const command = new CommandParser(ctx, argv, { restore: true, table: name }).parse();
      if (command !== undefined) queueNft(ctx, handle, command);
      return true;
    },
    commit: (test) => (test ? handle.abort() : handle.commit()),
    failure: () =>
      handle.errno === 0 ? `line ${ctx.line} failed\n` : `line ${handle.line} failed: ${handle.message()}.\n`,
  };
}

function restore(ctx: XtablesContext, input: string, options: RestoreOptions): number {
  const restorer = ctx.variant === 'legacy' ? legacyRestorer(ctx, options) : nftRestorer(ctx, options);
  let current: string | undefined;
  const lines = input.split('\n');
  if (lines.at(-1) === '') lines.pop();
  ctx.line = 0;
  for (const text of lines) {
    ctx.line++;
    let ok = true;
    if (text === '') continue;
    if (text.startsWith('#')) {
      if (options.verbose > 0) ctx.print(`${text}\n`);
      continue;
    }
    const skipped = options.table !== undefined && current !== undefined && current !== options.table;
    if (text === 'COMMIT' && current !== undefined) {
      ok = skipped || restorer.commit(options.test);
      current = undefined;
    } else if (text.startsWith('*') && current === undefined) {
      const table = text
        .slice(1)
        .split(/[ \t]/)
        .find((word) => word !== '');
      if (table === undefined) return ctx.bad(`${ctx.programName}: line ${ctx.line} table name invalid`);
      current = table;
      if (options.table === undefined || options.table === table) restorer.begin(table);
    } else if (skipped) continue;
    else if (text.startsWith(':') && current !== undefined) {
      const [chain, policy, counters] = text
        .slice(1)
        .split(/[ \t]+/)
        .filter((word) => word !== '');
      if (chain === undefined) return ctx.bad(`${ctx.programName}: line ${ctx.line} chain name invalid`);
      if (policy === undefined) return ctx.bad(`${ctx.programName}: line ${ctx.line} policy invalid`);
      const count =
        options.counters && policy !== '-' ? policyCounters(ctx, chain, counters) : { packets: 0, bytes: 0 };
      restorer.chain(chain, policy, count);
    } else if (current !== undefined) {
      const { counters, rest } = takeCounters(ctx, text);
      const argv = ['iptables-restore', '-t', current];
      if (!options.noflush) for (let i = 0; i < options.verbose; i++) argv.push('-v');
      if (options.counters && counters !== undefined) {
        argv.push('--set-counters', String(counters.packets), String(counters.bytes));
      }
      ok = restorer.rule([...argv, ...splitWords(rest)], current);
    } else ok = false;
    if (!ok) {
      ctx.complain(`${ctx.programName}: ${restorer.failure()}`);
      return 1;
    }
  }
  if (current === undefined) return 0;
  ctx.complain(`${ctx.programName}: COMMIT expected at line ${ctx.line + 1}\n`);
  return 1;
}

const program =
  (variant: Variant): Program =>
  (process) => {
    const called = process.argv[0]?.split('/').at(-1) ?? 'iptables-restore';
    const ctx = new XtablesContext(process, variant === 'legacy' ? 'iptables-restore' : called, variant);
    return untilExit(process, async () => {
      const options = parseOptions(ctx);
      let input: string;
      if (options.file === undefined) input = new TextDecoder().decode(await process.stdin.readAll());
      else {
        const text = process.files.readText(options.file);
        if (isRefusal(text)) {
          ctx.complain(`Can't open ${options.file}: ${strerror(text.errno)}\n`);
          return 1;
        }
        input = text;
      }
      return restore(ctx, input, options);
    });
  };

/** `iptables-restore`, `iptables-nft-restore`. */
export const iptablesRestore: Program = program('nf_tables');
/** `iptables-legacy-restore`. */
export const iptablesLegacyRestore: Program = program('legacy');
