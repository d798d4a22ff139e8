/** What command lines ask iptables-nft for. */
import type { XtCounters, XtMatch, XtTarget } from '../../uapi/xtables.ts';
import { type Command, type RuleSpec, rulesOf } from './command.ts';
import { VERSION_PROBLEM, type XtablesContext } from './context.ts';
import { limitRate } from './match-other.ts';
import { BUILTIN_TABLES, type NftHandle } from './nft.ts';
import { formatHeader, formatRule, saveRule } from './print.ts';

const ZERO: XtCounters = { packets: 0, bytes: 0 };

/** A rule as it comes back from nf_tables, where ports and rates are native expressions. */
function nativeMatch(match: XtMatch): XtMatch {
  if (match.name === 'limit') {
    const { rate, perUnit } = limitRate(match.avg);
    return { ...match, avg: Math.floor(perUnit / rate) };
  }
  if (match.name !== 'tcp' && match.name !== 'udp') return match;
  const native = { ...match };
  for (const field of ['sport', 'dport'] as const) {
    const { from, to, invert } = native[field];
    if (!invert || from === to) continue;
    if (from === 0) native[field] = { from: to === 0xffff ? 0 : to + 1, to: 0xffff, invert: false };
  }
  return native;
}

/** The checks that iptables-nft makes when it turns matches into native expressions. */
function checkNative(ctx: XtablesContext, { proto, matches }: RuleSpec): void {
  for (const match of matches) {
    if (match.name !== 'tcp' && match.name !== 'udp') continue;
    const { sport, dport } = match;
    const trivial = [sport, dport].every(({ from, to, invert }) => from === 0 && to === 0xffff && !invert);
    if (match.name === 'tcp' && (match.option !== undefined || (trivial && match.flags === undefined))) continue;
    if (match.name === 'udp' && trivial) continue;
    if (proto !== (match.name === 'tcp' ? 6 : 17)) {
      ctx.bad(`${match.name.toUpperCase()} match requires '-p ${match.name}'`);
    }
  }
}

function list(ctx: XtablesContext, handle: NftHandle, { table, chain: wanted, ruleNumber, listing }: Command): boolean {
  handle.fakeChains(table, wanted);
  handle.assertChainKnown(table, wanted);
  if (wanted === undefined) handle.sortChains(table);
  let found = false;
  for (const chain of handle.chains(table)) {
    if (wanted !== undefined && chain.name !== wanted) continue;
    if (wanted === undefined || ruleNumber === 0) {
      if (found) ctx.print('\n');
      const { policy, counters = ZERO } = chain;
      const head = policy === undefined ? { references: handle.references(table, chain.name) } : { policy, counters };
      ctx.print(formatHeader(chain.name, head, listing));
    }
    found = true;
    chain.rules.forEach((rule, i) => {
      if (ruleNumber !== 0 && ruleNumber !== i + 1) return;
      const { numeric, verbose, exact, lineNumbers } = listing;
      const line = lineNumbers ? i + 1 : 0;
      ctx.print(formatRule(ctx, rule, { numeric, counters: verbose, interfaces: verbose, exact, line, table: true }));
    });
  }
  return true;
}

function listRules(
  ctx: XtablesContext,
  handle: NftHandle,
  { table, chain: wanted, ruleNumber, listing }: Command,
): boolean {
  handle.fakeChains(table, wanted);
  handle.assertChainKnown(table, wanted);
  if (wanted === undefined) handle.sortChains(table);
  const { verbose } = listing;
  const chains = handle.chains(table).filter(({ name }) => wanted === undefined || name === wanted);
  for (const { name, policy, counters = ZERO } of wanted === undefined || ruleNumber === 0 ? chains : []) {
    const counts = verbose ? ` -c ${counters.packets} ${counters.bytes}` : '';
    ctx.print(policy === undefined ? `-N ${name}\n` : `-P ${name} ${policy}${counts}\n`);
  }
  for (const { name, rules } of chains) {
    rules.forEach((rule, i) => {
      if (ruleNumber === 0 || ruleNumber === i + 1) ctx.print(saveRule(name, rule, verbose ? 'option' : 'none'));
    });
  }
  return true;
}

/** nft_check_xt_legacy(): a reminder that the other packet filter has rules too. */
export function warnOfLegacy(ctx: XtablesContext, suffix: string): void {
  if (ctx.process.task.xtables.tableNames().length === 0) return;
  ctx.complain(`# Warning: iptables-legacy tables present, use iptables-legacy${suffix} to see them\n`);
}

function targetOf({ target, jumpto, goto }: RuleSpec): XtTarget {
  if (target !== undefined) return target;
  return jumpto === '' ? { name: '' } : { name: goto ? 'goto' : 'jump', chain: jumpto };
}

/** do_commandx(): queue what a command line asks for. */
export function queueNft(ctx: XtablesContext, handle: NftHandle, command: Command): void {
  const { table, name, ruleNumber, rule: spec } = command;
  if (BUILTIN_TABLES[table] === undefined) ctx.error(VERSION_PROBLEM, `table '${table}' does not exist`);
  const chain = command.chain ?? '';
  const verbose = command.listing.verbose;
  switch (name) {
    case 'append':
    case 'insert':
    case 'replace':
    case 'delete':
    case 'check': {
      checkNative(ctx, spec);
      const native = { ...spec, matches: spec.matches.map(nativeMatch) };
      // A lone `+` is no condition, and leaves no expression.
      if (native.inIface?.name === '+' && !native.inIface.invert) delete native.inIface;
      if (native.outIface?.name === '+' && !native.outIface.invert) delete native.outIface;
      for (const rule of rulesOf(native, targetOf(spec))) {
        handle.add(() => {
          handle.assertChainExists(table, spec);
          if (name === 'append') return handle.insertRule(table, chain, rule, undefined, verbose);
          if (name === 'insert') return handle.insertRule(table, chain, rule, ruleNumber - 1, verbose);
          if (name === 'replace') return handle.replaceRule(table, chain, rule, ruleNumber - 1, verbose);
          return handle.deleteRule(table, chain, rule, name === 'check', verbose);
        });
      }
      break;
    }
    case 'delete-num':
      handle.add(() => handle.deleteNumber(table, chain, ruleNumber - 1));
      break;
    case 'flush':
      handle.add(() => handle.flush(table, command.chain, verbose));
      break;
    case 'zero':
      handle.add(() => handle.zero(table, command.chain, verbose));
      break;
    case 'zero-num':
      handle.add(() => handle.zeroNumber(table, chain, ruleNumber - 1));
      break;
    case 'list':
    case 'list-rules':
      handle.add(() => (name === 'list' ? list(ctx, handle, command) : listRules(ctx, handle, command)));
      if (command.alsoZero === 'zero') handle.add(() => handle.zero(table, command.chain, verbose));
      if (command.alsoZero === 'zero-num') handle.add(() => handle.zeroNumber(table, chain, ruleNumber - 1));
      warnOfLegacy(ctx, '');
      break;
    case 'new-chain':
      handle.add(() => handle.addChain(table, chain));
      break;
    case 'delete-chain':
      handle.add(() => handle.deleteChain(table, command.chain, verbose));
      break;
    case 'rename-chain':
      handle.add(() => handle.renameChain(table, chain, command.newName));
      break;
    case 'policy':
      handle.add(() => handle.setPolicy(table, chain, command.policy, ZERO));
      break;
    case 'none':
      break;
  }
}
