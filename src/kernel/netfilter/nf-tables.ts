/** nf_tables, as far as iptables-nft uses it: family ip, base chains with the names and places of iptables. */
import { EBUSY, EEXIST, EINVAL, EMLINK, ENOENT, EOPNOTSUPP } from '../../uapi/errno.ts';
import type { NftChain, NftMessage, XtRule } from '../../uapi/xtables.ts';
import { type NetNamespace, PerNet } from '../core/net-namespace.ts';
import { countConntrackUsers } from './conntrack-users.ts';
import { Chain, Rule } from './ip-tables.ts';
import { ruleOf } from './ip-tables-replace.ts';
import { hookChain } from './table-hooks.ts';
import { BUILTIN_CHAINS, type BuiltinChain, nftPriority } from './tables.ts';
import { countRecentUsers } from './xt-recent.ts';

/** How deep jumps may nest: NFT_JUMP_STACK_SIZE. */
const JUMP_STACK = 16;

class NftTable {
  readonly name: string;
  /** In order of creation. */
  chains: Chain[] = [];
  lastHandle = 0;

  constructor(name: string) {
    this.name = name;
  }

  find(name: string): Chain | undefined {
    return this.chains.find((chain) => chain.name === name);
  }

  /** The place of a base chain. */
  builtin({ name, policy }: Chain): BuiltinChain | undefined {
    return policy === undefined ? undefined : BUILTIN_CHAINS[this.name]!.find((builtin) => builtin.name === name);
  }
}

class NftNet {
  readonly net: NetNamespace;
  tables = new Map<string, NftTable>();
  /** Base chains that packets reach, with what takes them off their hook. */
  readonly hooked = new Map<Chain, () => void>();

  constructor(net: NetNamespace) {
    this.net = net;
  }
}

const nftNet: PerNet<NftNet> = new PerNet((net) => new NftNet(net));

/** The chains of a table: base chains by hook, then the others. */
export function nftGetTable(net: NetNamespace, name: string): NftChain[] | undefined {
  const table = nftNet.peek(net)?.tables.get(name);
  if (table === undefined) return undefined;
  const base = BUILTIN_CHAINS[name]!.flatMap((builtin) => table.find(builtin.name) ?? []);
  const user = table.chains.filter((chain) => chain.policy === undefined);
  return [...base, ...user].map((chain): NftChain => {
    const shown: NftChain = {
      name: chain.name,
      rules: chain.rules.map((rule) => ({ ...ruleOf(rule), handle: rule.handle })),
    };
    if (chain.policy !== undefined) shown.policy = chain.policy;
    if (chain.counters !== undefined) shown.counters = { ...chain.counters };
    return shown;
  });
}

/** What a table was before the batch, to go back to. */
interface Snapshot {
  table: NftTable;
  chains: Chain[];
  states: { chain: Chain; name: string; policy: Chain['policy']; counters: Chain['counters']; rules: Rule[] }[];
}

function snapshotOf(table: NftTable): Snapshot {
  const states = table.chains.map((chain) => {
    const { name, policy, counters, rules } = chain;
    return { chain, name, policy, counters, rules };
  });
  return { table, chains: table.chains, states };
}

function restore({ table, chains, states }: Snapshot): void {
  table.chains = chains;
  for (const { chain, name, policy, counters, rules } of states)
    Object.assign(chain, { name, policy, counters, rules });
}

/** One batch at work. */
class Batch {
  readonly #state: NftNet;
  /** Handles of rules by the ids that the batch gave them. */
  readonly #handles = new Map<number, number>();

  constructor(state: NftNet) {
    this.#state = state;
  }

  /** The error number of a message, 0 if it was done. Lists are replaced, never changed, so that they can be restored. */
  run(message: NftMessage): number {
    const { tables } = this.#state;
    if (message.type === 'TABLE_ADD') {
      if (!tables.has(message.table)) tables.set(message.table, new NftTable(message.table));
      return 0;
    }
    const table = tables.get(message.table);
    if (table === undefined) return ENOENT;
    switch (message.type) {
      case 'TABLE_FLUSH':
        tables.delete(message.table);
        return 0;
      case 'CHAIN_ADD':
      case 'CHAIN_UPDATE':
      case 'CHAIN_ZERO':
        return this.#setChain(table, message);
      case 'CHAIN_USER_ADD':
        if (table.find(message.chain) !== undefined) return EEXIST;
        table.chains = [...table.chains, new Chain(message.chain, undefined, undefined)];
        return 0;
      case 'CHAIN_DEL':
        return this.#deleteChain(table, message.chain);
      case 'CHAIN_RENAME': {
        const chain = table.find(message.chain);
        if (chain === undefined) return ENOENT;
        if (chain.policy !== undefined) return EINVAL;
        if (table.find(message.newname) !== undefined) return EEXIST;
        chain.name = message.newname;
        return 0;
      }
      default:
        return this.#rule(table, message);
    }
  }

  #setChain(
    table: NftTable,
    message: Extract<NftMessage, { type: 'CHAIN_ADD' | 'CHAIN_UPDATE' | 'CHAIN_ZERO' }>,
  ): number {
    const builtin = BUILTIN_CHAINS[table.name]!.find(({ name }) => name === message.chain);
    if (builtin === undefined) return ENOENT;
    let chain = table.find(message.chain);
    if (chain === undefined) {
      if (message.type === 'CHAIN_ZERO') return ENOENT;
      chain = new Chain(message.chain, 'ACCEPT', undefined);
      table.chains = [...table.chains, chain];
    }
    if (message.policy !== undefined) chain.policy = message.policy;
    if (message.counters !== undefined) chain.counters = { ...message.counters };
    return 0;
  }

  #deleteChain(table: NftTable, name: string): number {
    const chain = table.find(name);
    if (chain === undefined) return ENOENT;
    const used = table.chains.some(({ rules }) => rules.some((rule) => rule.chain === chain));
    if (used || chain.rules.length > 0) return EBUSY;
    table.chains = table.chains.filter((other) => other !== chain);
    return 0;
  }

  #rule(table: NftTable, message: Extract<NftMessage, { type: `RULE_${string}` }>): number {
    if (message.type === 'RULE_FLUSH') {
      if (message.chain !== undefined && table.find(message.chain) === undefined) return ENOENT;
      for (const chain of table.chains)
        if (message.chain === undefined || chain.name === message.chain) chain.rules = [];
      return 0;
    }
    const chain = table.find(message.chain);
    if (chain === undefined) return ENOENT;
    const index = (handle: number) => {
      const known = handle < 0 ? this.#handles.get(handle) : handle;
      return chain.rules.findIndex((rule) => rule.handle === known);
    };
    if (message.type === 'RULE_DELETE') {
      const at = index(message.handle);
      if (at < 0) return ENOENT;
      chain.rules = chain.rules.toSpliced(at, 1);
      return 0;
    }
    const made = this.#makeRule(table, chain, message.rule, message.id);
    if (typeof made === 'number') return made;
    if (message.type === 'RULE_APPEND') chain.rules = [...chain.rules, made];
    else if (message.type === 'RULE_INSERT') {
      const at = message.position === undefined ? 0 : index(message.position);
      if (at < 0) return ENOENT;
      chain.rules = chain.rules.toSpliced(at, 0, made);
    } else {
      const at = index(message.handle);
      if (at < 0) return ENOENT;
      chain.rules = chain.rules.with(at, made);
    }
    return validate(this.#state.net, table);
  }

  /** @kernel net/netfilter/nf_tables_api.c nf_tables_newrule */
  #makeRule(table: NftTable, chain: Chain, spec: XtRule, id: number): Rule | number {
    // There is no target of that name to be found: nf_tables has a queue of its own.
    if (spec.target.name === 'QUEUE') return ENOENT;
    const rule = new Rule(spec, ++table.lastHandle);
    this.#handles.set(id, rule.handle);
    const builtin = table.builtin(chain);
    const place = placeOf(this.#state.net, table, spec, builtin === undefined ? 0 : 1 << builtin.hook);
    const errno = rule.check(place);
    if (errno !== 0) return errno;
    if (rule.jumpsTo !== undefined) {
      rule.chain = table.find(rule.jumpsTo);
      if (rule.chain === undefined) return ENOENT;
      if (rule.chain.policy !== undefined) return EOPNOTSUPP;
    }
    rule.compile(place);
    return rule;
  }
}

function placeOf(net: NetNamespace, table: NftTable, { proto, protoInvert }: XtRule, hooks: number) {
  return { net, table: table.name, hooks, proto, protoInvert, nft: true };
}

/**
 * From each base chain, every rule within reach must be allowed at that hook, and jumps must not nest
 * too deep: a loop does.
 * @kernel net/netfilter/nf_tables_api.c nft_table_validate
 */
function validate(net: NetNamespace, table: NftTable): number {
  const walk = (chain: Chain, hook: number, level: number): number => {
    if (level === JUMP_STACK) return EMLINK;
    for (const rule of chain.rules) {
      const errno =
        rule.chain === undefined
          ? rule.check(placeOf(net, table, rule.rule, 1 << hook))
          : walk(rule.chain, hook, level + 1);
      if (errno !== 0) return errno;
    }
    return 0;
  };
  for (const chain of table.chains) {
    const builtin = table.builtin(chain);
    const errno = builtin === undefined ? 0 : walk(chain, builtin.hook, 0);
    if (errno !== 0) return errno;
  }
  return 0;
}

/** Put base chains on their hooks, and take those that are gone off them. */
function syncHooks(state: NftNet): void {
  const wanted = new Map<Chain, { table: NftTable; builtin: BuiltinChain }>();
  for (const table of state.tables.values()) {
    for (const chain of table.chains) {
      const builtin = table.builtin(chain);
      if (builtin !== undefined) wanted.set(chain, { table, builtin });
    }
  }
  for (const [chain, unhook] of state.hooked) {
    if (wanted.has(chain)) continue;
    unhook();
    state.hooked.delete(chain);
  }
  for (const [chain, { table, builtin }] of wanted) {
    if (state.hooked.has(chain)) continue;
    const priority = nftPriority(table.name, builtin);
    state.hooked.set(
      chain,
      hookChain(state.net, table.name, builtin, priority, () => chain),
    );
  }
}

/**
 * All messages or none. The failures, in order.
 * @kernel net/netfilter/nf_tables_api.c nf_tables_commit
 */
export function nftCommit(net: NetNamespace, messages: readonly NftMessage[]): { index: number; errno: number }[] {
  if (messages.length === 0) return [];
  const state = nftNet.of(net);
  const before = new Map(state.tables);
  const snapshots = [...before.values()].map(snapshotOf);
  const batch = new Batch(state);
  const failures: { index: number; errno: number }[] = [];
  messages.forEach((message, index) => {
    const errno = batch.run(message);
    if (errno !== 0) failures.push({ index, errno });
  });
  if (failures.length > 0) {
    state.tables = before;
    for (const snapshot of snapshots) restore(snapshot);
    return failures;
  }
  syncHooks(state);
  const chains = [...state.tables.values()].flatMap((table) => table.chains);
  countConntrackUsers(net, 'nf_tables', chains);
  countRecentUsers(net, 'nf_tables', chains);
  return failures;
}

/** The namespace goes. */
export function nftExit(net: NetNamespace): void {
  const state = nftNet.peek(net);
  if (state === undefined) return;
  state.tables.clear();
  syncHooks(state);
}
