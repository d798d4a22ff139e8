/** iptables-nft: commands become a batch of messages to nf_tables. */
import { E2BIG, EBUSY, EEXIST, EINVAL, ELOOP, ENOENT, ENOMEM, ENOPROTOOPT, EPERM, strerror } from '../../uapi/errno.ts';
import type { NftChain, NftMessage, NftRule, XtCounters, XtRule } from '../../uapi/xtables.ts';
import type { RuleSpec } from './command.ts';
import { sameRule } from './compare.ts';
import { OTHER_PROBLEM, RESOURCE_PROBLEM, type XtablesContext } from './context.ts';
import { CHANGED_RULE, formatRule } from './print.ts';

/** The tables that iptables-nft knows, and their base chains by hook. */
export const BUILTIN_TABLES: Readonly<Record<string, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  raw: ['PREROUTING', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
};
/** The order in which iptables-save shows tables (enum nft_table_type). */
export const TABLE_ORDER = ['mangle', 'security', 'raw', 'filter', 'nat'];

/** Functions of nft.c whose errors have texts of their own. */
type NftFunction =
  | ''
  | 'chain-del'
  | 'user-add'
  | 'user-rename'
  | 'insert'
  | 'check'
  | 'replace'
  | 'delete-num'
  | 'delete'
  | 'chain-set'
  | 'other';

const MESSAGES: readonly { fn: NftFunction; errno: number; text: string }[] = [
  { fn: 'chain-del', errno: EBUSY, text: 'Directory not empty' },
  { fn: 'user-add', errno: EEXIST, text: 'Chain already exists' },
  { fn: 'insert', errno: E2BIG, text: 'Index of insertion too big' },
  { fn: 'check', errno: ENOENT, text: 'Bad rule (does a matching rule exist in that chain?)' },
  { fn: 'replace', errno: E2BIG, text: 'Index of replacement too big' },
  { fn: 'delete-num', errno: E2BIG, text: 'Index of deletion too big' },
  { fn: 'delete', errno: ENOENT, text: 'Bad rule (does a matching rule exist in that chain?)' },
  { fn: 'chain-set', errno: ENOENT, text: 'Bad built-in chain name' },
  { fn: 'chain-set', errno: EINVAL, text: 'Bad policy name' },
];

const GENERAL: Readonly<Record<number, string>> = {
  0: 'Incompatible with this kernel',
  [ELOOP]: 'Loop found in table',
  [EPERM]: 'Permission denied (you must be root)',
  [ENOPROTOOPT]: 'iptables who? (do you need to insmod?)',
  [ENOMEM]: 'Memory allocation problem',
  [ENOENT]: 'No chain/target/match by that name',
};

/** A chain in the cache; `fake` ones are shown but do not exist. */
interface CachedChain {
  name: string;
  policy: 'ACCEPT' | 'DROP' | undefined;
  counters: XtCounters | undefined;
  rules: NftRule[];
}

interface CachedTable {
  exists: boolean;
  /** Base chains by name. */
  base: Map<string, CachedChain>;
  user: CachedChain[];
}

const ZERO: XtCounters = { packets: 0, bytes: 0 };

/** A command waiting for its turn; the line of iptables-restore it came from goes into messages. */
interface Pending {
  line: number;
  run: () => boolean;
}

/** struct nft_handle: the cache, the commands, the batch they make, and the last error. */
export class NftHandle {
  readonly #ctx: XtablesContext;
  readonly #tables = new Map<string, CachedTable>();
  #pending: Pending[] = [];
  #batch: { message: NftMessage; line: number; skip: boolean }[] = [];
  #nextId = -1;
  #line = 0;
  errno = 0;
  #fn: NftFunction = '';
  /** iptables-restore -n. */
  noflush = false;

  constructor(ctx: XtablesContext) {
    this.#ctx = ctx;
  }

  /** nft_strerror() */
  message(): string {
    const own = MESSAGES.find(({ fn, errno }) => fn === this.#fn && errno === this.errno);
    return own?.text ?? GENERAL[this.errno] ?? strerror(this.errno);
  }

  /** The line of the command that failed. */
  get line(): number {
    return this.#line;
  }

  #fail(errno: number, fn?: NftFunction): false {
    if (fn !== undefined) this.#fn = fn;
    this.errno = errno;
    return false;
  }

  /** Queue a command: it runs when the batch is made. */
  add(run: () => boolean): void {
    this.#pending.push({ line: Math.max(0, this.#ctx.line), run });
  }

  /** nft_abort(): forget what is queued. */
  abort(): boolean {
    this.#pending = [];
    this.#batch = [];
    return true;
  }

  /** nft_commit(): run the queued commands, then hand the batch to the kernel. */
  commit(): boolean {
    const pending = this.#pending;
    this.#pending = [];
    for (const { line, run } of pending) {
      this.#line = line;
      if (!run()) return false;
    }
    const batch = this.#batch.filter(({ skip }) => !skip);
    this.#batch = [];
    this.#tables.clear();
    const failures = this.#ctx.process.task.xtables.nft.commit(batch.map(({ message }) => message));
    if (failures.length === 0) return true;
    this.#reportFailures(batch, failures);
  }

  #reportFailures(
    batch: readonly { message: NftMessage; line: number }[],
    failures: readonly { index: number; errno: number }[],
  ): never {
    let text = '';
    for (const { index, errno } of failures) {
      const { message, line } = batch[index]!;
      const where = message.type.startsWith('TABLE')
        ? `table ${message.table}`
        : `${message.type.startsWith('RULE') ? 'rule in chain' : 'chain'} ${chainOf(message)}`;
      text += `${line > 0 ? `\nline ${line}:` : ''} ${message.type} failed (${strerror(errno)}): ${where}`;
      if (line === 0) break;
    }
    return this.#ctx.error(RESOURCE_PROBLEM, text);
  }

  table(name: string): CachedTable {
    let table = this.#tables.get(name);
    if (table === undefined) {
      const chains = this.#ctx.process.task.xtables.nft.getTable(name);
      table = { exists: chains !== undefined, base: new Map(), user: [] };
      for (const chain of chains ?? []) {
        const cached = cachedChain(chain);
        if (chain.policy !== undefined) table.base.set(chain.name, cached);
        else table.user.push(cached);
      }
      this.#tables.set(name, table);
    }
    return table;
  }

  /** Base chains by hook, then user chains: nft_chain_foreach(). */
  chains(name: string): CachedChain[] {
    const { base, user } = this.table(name);
    return [...BUILTIN_TABLES[name]!.flatMap((chain) => base.get(chain) ?? []), ...user];
  }

  #find(table: string, chain: string): CachedChain | undefined {
    const { base, user } = this.table(table);
    return base.get(chain) ?? user.find(({ name }) => name === chain);
  }

  #push(message: NftMessage, skip = false): void {
    this.#batch.push({ message, line: this.#line, skip });
  }

  #initTable(table: string): CachedTable {
    const cached = this.table(table);
    if (!cached.exists) {
      cached.exists = true;
      this.#push({ type: 'TABLE_ADD', table });
    }
    return cached;
  }

  /** nft_xt_builtin_init(): make the table and the base chain, or all of them. */
  #init(table: string, chain: string | undefined): void {
    this.#initTable(table);
    for (const name of BUILTIN_TABLES[table]!)
      if (chain === undefined || chain === name) this.#initChain(table, name, false);
  }

  #initChain(table: string, chain: string, fake: boolean): void {
    const { base } = this.table(table);
    if (base.has(chain)) return;
    if (!fake) this.#push({ type: 'CHAIN_ADD', table, chain, policy: 'ACCEPT' });
    base.set(chain, { name: chain, policy: 'ACCEPT', counters: undefined, rules: [] });
  }

  /** nft_xt_fake_builtin_chains(): base chains that do not exist yet are shown all the same. */
  fakeChains(table: string, chain: string | undefined): void {
    for (const name of BUILTIN_TABLES[table]!)
      if (chain === undefined || chain === name) this.#initChain(table, name, true);
  }

  #exists(table: string, chain: string): boolean {
    return BUILTIN_TABLES[table]!.includes(chain) || this.#find(table, chain) !== undefined;
  }

  /** nft_rule_append(), nft_rule_insert() of one rule; `at` counts from 0. */
  insertRule(table: string, name: string, rule: XtRule, at: number | undefined, verbose: boolean): boolean {
    this.#init(table, name);
    const chain = this.#find(table, name);
    let index = at;
    if (index !== undefined) {
      this.#fn = 'insert';
      if (chain === undefined) return this.#fail(ENOENT);
      if (index > chain.rules.length) return this.#fail(E2BIG);
      if (index > 0 && index === chain.rules.length) index = undefined;
    }
    const id = this.#nextId--;
    if (index === undefined) {
      this.#fn = 'other';
      this.#push({ type: 'RULE_APPEND', table, chain: name, rule, id });
    } else {
      const position = index > 0 ? { position: chain!.rules[index]!.handle } : {};
      this.#push({ type: 'RULE_INSERT', table, chain: name, rule, id, ...position });
    }
    if (verbose) this.#ctx.print(formatRule(this.#ctx, rule, CHANGED_RULE));
    if (chain === undefined) return this.#fail(ENOENT);
    chain.rules.splice(index ?? chain.rules.length, 0, { ...rule, handle: id });
    return true;
  }

  replaceRule(table: string, name: string, rule: XtRule, at: number, verbose: boolean): boolean {
    this.#fn = 'replace';
    const chain = this.#find(table, name);
    if (chain === undefined) return this.#fail(ENOENT);
    const old = chain.rules[at];
    if (old === undefined) return this.#fail(E2BIG);
    this.#replace(table, chain, old, rule);
    if (verbose) this.#ctx.print(formatRule(this.#ctx, rule, CHANGED_RULE));
    return true;
  }

  #replace(table: string, chain: CachedChain, old: NftRule, rule: XtRule): void {
    const id = this.#nextId--;
    this.#push({ type: 'RULE_REPLACE', table, chain: chain.name, rule, id, handle: old.handle });
    chain.rules[chain.rules.indexOf(old)] = { ...rule, handle: id };
  }

  /** nft_rule_delete(), nft_rule_check() */
  deleteRule(table: string, name: string, rule: XtRule, check: boolean, verbose: boolean): boolean {
    this.#fn = check ? 'check' : 'delete';
    const chain = this.#find(table, name);
    const found = chain?.rules.find((other) => sameRule(rule, other));
    if (chain === undefined || found === undefined) return this.#fail(ENOENT);
    if (!check) this.#delete(table, chain, found);
    if (verbose) this.#ctx.print(formatRule(this.#ctx, found, CHANGED_RULE));
    return true;
  }

  #delete(table: string, chain: CachedChain, rule: NftRule): void {
    chain.rules.splice(chain.rules.indexOf(rule), 1);
    this.#push({ type: 'RULE_DELETE', table, chain: chain.name, handle: rule.handle });
  }

  deleteNumber(table: string, name: string, at: number): boolean {
    this.#fn = 'delete-num';
    const chain = this.#find(table, name);
    if (chain === undefined) return this.#fail(ENOENT);
    const rule = chain.rules[at];
    if (rule === undefined) return this.#fail(E2BIG);
    this.#delete(table, chain, rule);
    return true;
  }

  /** nft_rule_flush() */
  flush(table: string, name: string | undefined, verbose: boolean): boolean {
    this.#fn = 'other';
    if (name !== undefined || verbose) this.#init(table, name);
    else if (!this.table(table).exists) return true;
    if (name !== undefined && this.#find(table, name) === undefined) return this.#fail(ENOENT);
    if (name === undefined && !verbose) {
      this.#flushRules(table, undefined);
      for (const chain of this.chains(table)) chain.rules = [];
      return true;
    }
    if (name === undefined) this.sortChains(table);
    for (const chain of this.chains(table)) {
      if (name !== undefined && chain.name !== name) continue;
      if (verbose) this.#ctx.print(`Flushing chain \`${chain.name}'\n`);
      this.#flushRules(table, chain.name);
      chain.rules = [];
    }
    return true;
  }

  /** Rules of the same batch that would be flushed are not sent at all (batch_chain_flush). */
  #flushRules(table: string, chain: string | undefined, skip = false): void {
    this.#batch = this.#batch.filter(({ message }) => {
      const ofRule = message.type.startsWith('RULE') && message.type !== 'RULE_FLUSH';
      return !(ofRule && message.table === table && (chain === undefined || chainOf(message) === chain));
    });
    this.#push({ type: 'RULE_FLUSH', table, ...(chain === undefined ? {} : { chain }) }, skip);
  }

  addChain(table: string, name: string): boolean {
    this.#fn = 'user-add';
    this.#initTable(table);
    if (this.#exists(table, name)) return this.#fail(EEXIST);
    this.#push({ type: 'CHAIN_USER_ADD', table, chain: name });
    this.table(table).user.push({ name, policy: undefined, counters: undefined, rules: [] });
    return true;
  }

  /** nft_chain_restore(): `:chain -` of iptables-restore makes the chain, or empties it. */
  restoreChain(table: string, name: string): boolean {
    this.#initTable(table);
    const known = this.#find(table, name);
    if (known === undefined) this.table(table).user.push({ name, policy: undefined, counters: undefined, rules: [] });
    this.#push({ type: 'RULE_FLUSH', table, chain: name }, known === undefined);
    this.#push({ type: 'CHAIN_USER_ADD', table, chain: name }, known !== undefined);
    if (known !== undefined) known.rules = [];
    return true;
  }

  /** nft_chain_del() */
  deleteChain(table: string, name: string | undefined, verbose: boolean): boolean {
    this.#fn = 'chain-del';
    if (name === undefined) {
      if (verbose) this.sortChains(table);
      for (const chain of this.chains(table)) this.#deleteChain(table, chain, false, verbose);
      return true;
    }
    const chain = this.#find(table, name);
    if (chain === undefined) return this.#fail(ENOENT);
    return this.#deleteChain(table, chain, true, verbose);
  }

  #deleteChain(table: string, chain: CachedChain, explicit: boolean, verbose: boolean): boolean {
    const { base, user } = this.table(table);
    const builtin = chain.policy !== undefined;
    if (verbose && !builtin) this.#ctx.print(`Deleting chain \`${chain.name}'\n`);
    // A built-in chain goes too, if nobody would notice. For one that is named no rules were fetched: the
    // kernel sees them.
    const skip = builtin && (chain.policy !== 'ACCEPT' || (!explicit && chain.rules.length > 0));
    this.#push({ type: 'CHAIN_DEL', table, chain: chain.name }, skip);
    if (builtin) base.delete(chain.name);
    else user.splice(user.indexOf(chain), 1);
    return skip && explicit ? this.#fail(EBUSY) : true;
  }

  renameChain(table: string, name: string, newname: string): boolean {
    this.#fn = 'user-rename';
    if (this.#exists(table, newname)) return this.#fail(EEXIST);
    const chain = this.#find(table, name);
    if (chain === undefined) return this.#fail(ENOENT);
    this.#push({ type: 'CHAIN_RENAME', table, chain: name, newname });
    return true;
  }

  /** nft_chain_set(): `-` leaves the policy alone. */
  setPolicy(table: string, name: string, policy: string, counters: XtCounters): boolean {
    this.#fn = 'chain-set';
    if (policy !== 'ACCEPT' && policy !== 'DROP' && policy !== '-') return this.#fail(EINVAL);
    this.#init(table, name);
    if (!BUILTIN_TABLES[table]!.includes(name)) return this.#fail(ENOENT);
    const verdict: 'ACCEPT' | 'DROP' | undefined = policy === '-' ? undefined : policy;
    const change = verdict === undefined ? { counters } : { policy: verdict, counters };
    this.#push({ type: 'CHAIN_UPDATE', table, chain: name, ...change });
    return true;
  }

  /** nft_chain_zero_counters() */
  zero(table: string, name: string | undefined, verbose: boolean): boolean {
    if (name !== undefined && this.#find(table, name) === undefined) return this.#fail(ENOENT);
    if (name === undefined && verbose) this.sortChains(table);
    for (const chain of this.chains(table)) {
      if (name !== undefined && chain.name !== name) continue;
      if (verbose) this.#ctx.print(`Zeroing chain \`${chain.name}'\n`);
      if (chain.policy !== undefined) {
        const { policy } = chain;
        this.#push({ type: 'CHAIN_ZERO', table, chain: chain.name, policy, counters: ZERO });
      }
      for (const rule of [...chain.rules]) {
        if (rule.counters.packets === 0 && rule.counters.bytes === 0) continue;
        this.#replace(table, chain, rule, { ...rule, counters: { ...ZERO } });
      }
    }
    return true;
  }

  /** nft_rule_zero_counters(): a rule that is not there is no error. */
  zeroNumber(table: string, name: string, at: number): boolean {
    const chain = this.#find(table, name);
    this.#fn = 'delete';
    if (chain === undefined) return this.#fail(ENOENT);
    const rule = chain.rules[at];
    if (rule !== undefined) this.#replace(table, chain, rule, { ...rule, counters: { ...ZERO } });
    return true;
  }

  /** nft_table_flush(): iptables-restore begins a table anew. */
  flushTable(table: string): boolean {
    const cached = this.table(table);
    this.#push({ type: 'TABLE_FLUSH', table }, !cached.exists);
    this.#tables.set(table, { exists: false, base: new Map(), user: [] });
    return true;
  }

  sortChains(table: string): void {
    this.table(table).user.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  references(table: string, name: string): number {
    const rules = this.chains(table).flatMap((chain) => chain.rules);
    return rules.filter(({ target }) => 'chain' in target && target.chain === name).length;
  }

  /** assert_chain_exists(): for a -j that is no extension. */
  assertChainExists(table: string, { target, jumpto }: RuleSpec): void {
    if (target === undefined && jumpto !== '' && !this.#exists(table, jumpto)) {
      this.#ctx.bad(`Chain '${jumpto}' does not exist`);
    }
  }

  /** nft_assert_table_compatible(): how a chain that does not exist is told. */
  assertChainKnown(table: string, chain: string | undefined): void {
    if (chain === undefined || this.#find(table, chain) !== undefined) return;
    this.#ctx.error(OTHER_PROBLEM, `chain \`${chain}' in table \`${table}' is incompatible, use 'nft' tool.`);
  }
}

function chainOf(message: NftMessage): string {
  // A rename is told under the new name.
  if (message.type === 'CHAIN_RENAME') return message.newname;
  return ('chain' in message ? message.chain : undefined) ?? '(null)';
}

function cachedChain({ name, policy, counters, rules }: NftChain): CachedChain {
  return { name, policy, counters, rules: [...rules] };
}
