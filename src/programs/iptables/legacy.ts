/** iptables-legacy: a table is read whole, changed here, and replaced whole (libiptc). */
import {
  E2BIG,
  EEXIST,
  EINVAL,
  EMLINK,
  ENOENT,
  ENOMEM,
  ENOPROTOOPT,
  ENOTEMPTY,
  EPERM,
  strerror,
} from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import type { XtChain, XtRule, XtTable, XtTarget } from '../../uapi/xtables.ts';
import { type Command, rulesOf } from './command.ts';
import { sameRule } from './compare.ts';
import { PARAMETER_PROBLEM, VERSION_PROBLEM, type XtablesContext } from './context.ts';
import { isStandardTarget } from './extensions.ts';
import { CHANGED_RULE, formatHeader, formatRule, saveRule } from './print.ts';

/** Functions of libiptc whose errors have texts of their own. */
type IptcFunction =
  | ''
  | 'init'
  | 'create-chain'
  | 'insert'
  | 'replace'
  | 'delete-num'
  | 'zero-counter'
  | 'delete-entry'
  | 'set-policy';

const MESSAGES: readonly { fn: IptcFunction; errno: number; text: string }[] = [
  { fn: 'init', errno: EPERM, text: 'Permission denied (you must be root)' },
  { fn: 'init', errno: EINVAL, text: 'Module is wrong version' },
  { fn: 'init', errno: ENOENT, text: 'Table does not exist (do you need to insmod?)' },
  { fn: 'create-chain', errno: EEXIST, text: 'Chain already exists' },
  { fn: 'insert', errno: E2BIG, text: 'Index of insertion too big' },
  { fn: 'replace', errno: E2BIG, text: 'Index of replacement too big' },
  { fn: 'delete-num', errno: E2BIG, text: 'Index of deletion too big' },
  { fn: 'zero-counter', errno: E2BIG, text: 'Index of counter too big' },
  { fn: 'delete-entry', errno: ENOENT, text: 'Bad rule (does a matching rule exist in that chain?)' },
  { fn: 'set-policy', errno: ENOENT, text: 'Bad built-in chain name' },
  { fn: 'set-policy', errno: EINVAL, text: 'Bad policy name' },
];

const GENERAL: Readonly<Record<number, string>> = {
  0: 'Incompatible with this kernel',
  [ENOPROTOOPT]: 'iptables who? (do you need to insmod?)',
  [ENOMEM]: 'Memory allocation problem',
  [ENOENT]: 'No chain/target/match by that name',
};

/** struct xtc_handle: the copy of a table that is being changed, with the last error. */
export class IptcHandle {
  readonly table: XtTable;
  changed = false;
  errno = 0;
  fn: IptcFunction = '';

  /** Built-in chains whose policy was set: with their counters. */
  private readonly counted = new Set<string>();

  constructor(table: XtTable) {
    this.table = table;
  }

  /** iptc_strerror() */
  message(): string {
    const own = MESSAGES.find(({ fn, errno }) => fn === this.fn && errno === this.errno);
    return own?.text ?? GENERAL[this.errno] ?? strerror(this.errno);
  }

  chain(name: string): XtChain | undefined {
    return this.table.chains.find((chain) => chain.name === name);
  }

  fail(fn: IptcFunction, errno: number): false {
    this.fn = fn;
    this.errno = errno;
    return false;
  }

  /**
   * iptcc_map_target(): a built-in chain cannot be jumped to. Looking whether it is one hides which
   * function failed, so that errors of -D with such a target read differently.
   */
  mapTarget(target: XtTarget, fn: IptcFunction): IptcFunction | undefined {
    if (target.name === '' || isStandardTarget(target.name)) return fn;
    if ('chain' in target && this.chain(target.chain)?.policy !== undefined) {
      this.fail('', EINVAL);
      return undefined;
    }
    return '';
  }

  references(name: string): number {
    const jumps = this.table.chains.flatMap(({ rules }) => rules);
    return jumps.filter(({ target }) => 'chain' in target && target.chain === name).length;
  }

  insertRule(name: string, rule: XtRule, at: number | undefined): boolean {
    const chain = this.chain(name);
    const fn = at === undefined ? '' : 'insert';
    if (chain === undefined) return this.fail(fn, ENOENT);
    if (at !== undefined && at > chain.rules.length) return this.fail(fn, E2BIG);
    if (this.mapTarget(rule.target, fn) === undefined) return false;
    chain.rules.splice(at ?? chain.rules.length, 0, rule);
    this.changed = true;
    return true;
  }

  replaceRule(name: string, rule: XtRule, at: number): boolean {
    const chain = this.chain(name);
    if (chain === undefined) return this.fail('replace', ENOENT);
    if (at >= chain.rules.length) return this.fail('replace', E2BIG);
    if (this.mapTarget(rule.target, 'replace') === undefined) return false;
    chain.rules[at] = rule;
    this.changed = true;
    return true;
  }

  deleteRule(name: string, rule: XtRule, dry: boolean): boolean {
    const chain = this.chain(name);
    if (chain === undefined) return this.fail('delete-entry', ENOENT);
    const fn = this.mapTarget(rule.target, 'delete-entry');
    if (fn === undefined) return false;
    const index = chain.rules.findIndex((other) => sameRule(rule, other));
    if (index < 0) return this.fail(fn, ENOENT);
    if (dry) return true;
    chain.rules.splice(index, 1);
    this.changed = true;
    return true;
  }

  deleteNumber(name: string, at: number): boolean {
    const chain = this.chain(name);
    if (chain === undefined) return this.fail('delete-num', ENOENT);
    if (at >= chain.rules.length) return this.fail('delete-num', E2BIG);
    chain.rules.splice(at, 1);
    this.changed = true;
    return true;
  }

  flush(name: string): boolean {
    const chain = this.chain(name);
    if (chain === undefined) return this.fail('', ENOENT);
    chain.rules = [];
    this.changed = true;
    return true;
  }

  zero(name: string): boolean {
    const chain = this.chain(name);
    if (chain === undefined) return this.fail('', ENOENT);
    chain.counters = { packets: 0, bytes: 0 };
    for (const rule of chain.rules) rule.counters = { packets: 0, bytes: 0 };
    this.changed = true;
    return true;
  }

  zeroNumber(name: string, number: number): boolean {
    const chain = this.chain(name);
    if (chain === undefined) return this.fail('zero-counter', ENOENT);
    const rule = chain.rules[number - 1];
    if (rule === undefined) return this.fail('zero-counter', E2BIG);
    rule.counters = { packets: 0, bytes: 0 };
    this.changed = true;
    return true;
  }

  createChain(name: string): boolean {
    if (this.chain(name) !== undefined || isStandardTarget(name)) return this.fail('create-chain', EEXIST);
    this.#insertSorted({ name, counters: { packets: 0, bytes: 0 }, rules: [] });
    this.changed = true;
    return true;
  }

  #insertSorted(chain: XtChain): void {
    const { chains } = this.table;
    const at = chains.findIndex((other) => other.policy === undefined && chain.name <= other.name);
    chains.splice(at < 0 ? chains.length : at, 0, chain);
  }

  deleteChain(name: string): boolean {
    const chain = this.chain(name);
    if (chain === undefined) return this.fail('', ENOENT);
    if (chain.policy !== undefined) return this.fail('', EINVAL);
    if (this.references(name) > 0) return this.fail('', EMLINK);
    if (chain.rules.length > 0) return this.fail('', ENOTEMPTY);
    this.table.chains.splice(this.table.chains.indexOf(chain), 1);
    this.changed = true;
    return true;
  }

  renameChain(name: string, newName: string): boolean {
    if (this.chain(newName) !== undefined || isStandardTarget(newName)) return this.fail('', EEXIST);
    const chain = this.chain(name);
    if (chain === undefined || chain.policy !== undefined) return this.fail('', ENOENT);
    this.table.chains.splice(this.table.chains.indexOf(chain), 1);
    chain.name = newName;
    this.#insertSorted(chain);
    for (const { rules } of this.table.chains) {
      for (const rule of rules) {
        if ('chain' in rule.target && rule.target.chain === name) rule.target = { ...rule.target, chain: newName };
      }
    }
    this.changed = true;
    return true;
  }

  setPolicy(name: string, policy: string, counters: { packets: number; bytes: number } | undefined): boolean {
    const chain = this.chain(name);
    if (chain?.policy === undefined) return this.fail('set-policy', ENOENT);
    if (policy !== 'ACCEPT' && policy !== 'DROP') return this.fail('set-policy', EINVAL);
    chain.policy = policy;
    chain.counters = counters ?? { packets: 0, bytes: 0 };
    this.counted.add(name);
    this.changed = true;
    return true;
  }

  /** What goes to the kernel: counters of policies begin anew with every change, unless they were given. */
  replacement(): XtTable {
    const chains = this.table.chains.map((chain) =>
      chain.policy === undefined || this.counted.has(chain.name)
        ? chain
        : { ...chain, counters: { packets: 0, bytes: 0 } },
    );
    return { ...this.table, chains };
  }
}

/** iptc_init(): undefined, with the error's text, when there is no such table. */
export function openTable(ctx: XtablesContext, name: string): IptcHandle | { message: string } {
  const table = ctx.process.task.xtables.getTable(name);
  if (!isRefusal(table)) {
    // libiptc sorts user chains, whatever the kernel's order is.
    const builtin = table.chains.filter(({ policy }) => policy !== undefined);
    const user = table.chains.filter(({ policy }) => policy === undefined);
    user.sort((a, b) => (a.name < b.name ? -1 : 1));
    return new IptcHandle({ name, chains: [...builtin, ...user] });
  }
  const handle = new IptcHandle({ name, chains: [] });
  handle.fail('init', table.errno);
  return { message: handle.message() };
}

/** iptc_commit() */
export function commitTable(ctx: XtablesContext, handle: IptcHandle): boolean {
  if (!handle.changed) return true;
  const refused = ctx.process.task.xtables.replaceTable(handle.replacement());
  if (refused === undefined) return true;
  return handle.fail('', refused.errno);
}

/** What -j stands for: a verdict, an extension, or a chain of this table. */
function resolveTarget(ctx: XtablesContext, { rule }: Command, handle: IptcHandle): XtTarget {
  const { target, jumpto, goto } = rule;
  const isChain = handle.chain(jumpto) !== undefined;
  if (target !== undefined && isChain) ctx.complain(`Warning: using chain ${jumpto}, not extension\n`);
  if (isChain) return { name: goto ? 'goto' : 'jump', chain: jumpto };
  if (target !== undefined) return target;
  if (jumpto === '') return { name: '' };
  if (goto) ctx.bad(`goto '${jumpto}' is not a chain`);
  return ctx.error(PARAMETER_PROBLEM, `Couldn't load target \`${jumpto}':No such file or directory\n`);
}

function eachChain(handle: IptcHandle, builtin: boolean, fn: (name: string) => boolean): boolean {
  const names = handle.table.chains.filter(({ policy }) => builtin || policy === undefined).map(({ name }) => name);
  return names.map(fn).every((ok) => ok);
}

export function flushChains(
  ctx: XtablesContext,
  handle: IptcHandle,
  chain: string | undefined,
  verbose: boolean,
): boolean {
  if (chain === undefined) return eachChain(handle, true, (name) => flushChains(ctx, handle, name, verbose));
  if (verbose) ctx.print(`Flushing chain \`${chain}'\n`);
  return handle.flush(chain);
}

export function deleteChains(
  ctx: XtablesContext,
  handle: IptcHandle,
  chain: string | undefined,
  verbose: boolean,
): boolean {
  if (chain === undefined) return eachChain(handle, false, (name) => deleteChains(ctx, handle, name, verbose));
  if (verbose) ctx.print(`Deleting chain \`${chain}'\n`);
  return handle.deleteChain(chain);
}

function zeroChains(ctx: XtablesContext, handle: IptcHandle, chain: string | undefined, verbose: boolean): boolean {
  if (chain === undefined) return eachChain(handle, true, (name) => zeroChains(ctx, handle, name, verbose));
  if (verbose) ctx.print(`Zeroing chain \`${chain}'\n`);
  return handle.zero(chain);
}

function list(ctx: XtablesContext, { chain: wanted, ruleNumber, listing }: Command, handle: IptcHandle): boolean {
  let found = false;
  for (const chain of handle.table.chains) {
    if (wanted !== undefined && chain.name !== wanted) continue;
    if (found) ctx.print('\n');
    if (ruleNumber === 0) {
      const { policy, counters } = chain;
      const head = policy === undefined ? { references: handle.references(chain.name) } : { policy, counters };
      ctx.print(formatHeader(chain.name, head, listing));
    }
    chain.rules.forEach((rule, i) => {
      if (ruleNumber !== 0 && ruleNumber !== i + 1) return;
      const { numeric, verbose, exact, lineNumbers } = listing;
      const line = lineNumbers ? i + 1 : 0;
      ctx.print(formatRule(ctx, rule, { numeric, counters: verbose, interfaces: verbose, exact, line, table: true }));
    });
    found = true;
  }
  return found || handle.fail('', ENOENT);
}

function listRules(ctx: XtablesContext, { chain: wanted, ruleNumber, listing }: Command, handle: IptcHandle): boolean {
  const { verbose } = listing;
  const chains = handle.table.chains.filter(({ name }) => wanted === undefined || name === wanted);
  for (const { name, policy, counters } of ruleNumber === 0 ? chains : []) {
    const counts = verbose ? ` -c ${counters.packets} ${counters.bytes}` : '';
    ctx.print(policy === undefined ? `-N ${name}\n` : `-P ${name} ${policy}${counts}\n`);
  }
  for (const { name, rules } of chains) {
    rules.forEach((rule, i) => {
      if (ruleNumber === 0 || ruleNumber === i + 1) ctx.print(saveRule(name, rule, verbose ? 'option' : 'none'));
    });
  }
  return chains.length > 0 || handle.fail('', ENOENT);
}

/** Do one command on an open table; false leaves the error in the handle. */
export function runLegacy(ctx: XtablesContext, command: Command, handle: IptcHandle): boolean {
  const { name, ruleNumber } = command;
  const chain = command.chain ?? '';
  const verbose = command.listing.verbose;
  switch (name) {
    case 'append':
    case 'insert':
    case 'replace':
    case 'delete':
    case 'check': {
      let ok = true;
      for (const rule of rulesOf(command.rule, resolveTarget(ctx, command, handle))) {
        if (verbose) ctx.print(formatRule(ctx, rule, CHANGED_RULE));
        if (name === 'append') ok = handle.insertRule(chain, rule, undefined) && ok;
        else if (name === 'insert') ok = handle.insertRule(chain, rule, ruleNumber - 1) && ok;
        else if (name === 'replace') ok = handle.replaceRule(chain, rule, ruleNumber - 1) && ok;
        else ok = handle.deleteRule(chain, rule, name === 'check') && ok;
      }
      return ok;
    }
    case 'delete-num':
      return handle.deleteNumber(chain, ruleNumber - 1);
    case 'flush':
      return flushChains(ctx, handle, command.chain, verbose);
    case 'zero':
      return zeroChains(ctx, handle, command.chain, verbose);
    case 'zero-num':
      return handle.zeroNumber(chain, ruleNumber);
    case 'list':
    case 'list-rules': {
      const ok = name === 'list' ? list(ctx, command, handle) : listRules(ctx, command, handle);
      if (ok && command.alsoZero === 'zero') return zeroChains(ctx, handle, command.chain, verbose);
      if (ok && command.alsoZero === 'zero-num') return handle.zeroNumber(chain, ruleNumber);
      return ok;
    }
    case 'new-chain':
      return handle.createChain(chain);
    case 'delete-chain':
      return deleteChains(ctx, handle, command.chain, verbose);
    case 'rename-chain':
      return handle.renameChain(chain, command.newName);
    case 'policy':
      return handle.setPolicy(chain, command.policy, command.setCounters ? command.rule.counters : undefined);
    case 'none':
      return true;
  }
}

/** iptc_init() for a command: the program ends when there is no such table. */
export function openTableOrExit(ctx: XtablesContext, name: string): IptcHandle {
  const handle = openTable(ctx, name);
  if (handle instanceof IptcHandle) return handle;
  return ctx.error(VERSION_PROBLEM, `can't initialize iptables table \`${name}': ${handle.message}`);
}
