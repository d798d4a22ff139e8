/**
 * Rules in the form in which packets meet them, and the walk through them. ip_tables and nf_tables keep
 * their tables differently (ip-tables-replace.ts, nf-tables.ts), but what a rule does to a packet is the same.
 */
import type { XtCounters, XtRule } from '../../uapi/xtables.ts';
import { u16At } from '../../wire/addr.ts';
import { IP_OFFSET } from '../../wire/ipv4.ts';
import { NF_ACCEPT, NF_DROP, type NfHookState } from '../core/netfilter.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { XT_CONTINUE, type XtMatchFn, XtPacket, type XtTargetFn } from './xt-action.ts';
import { checkMatch, compileMatch, ifaceMatches, type XtPlace } from './xt-matches.ts';
import { checkTarget, compileTarget } from './xt-targets.ts';

/** What a rule does once it matches; verdicts are NF_ACCEPT and NF_DROP themselves. */
const VERDICT_RETURN = -2;
const VERDICT_JUMP = -3;
const VERDICT_GOTO = -4;
const VERDICT_TARGET = -5;

/** How deep jumps may nest before the packet is dropped; loops have been refused before. */
const MAX_DEPTH = 1024;

/** A rule in force: the rule as user space gave it, its counters, and what it compiles to. */
export class Rule {
  declare readonly rule: XtRule;
  declare packets: number;
  declare bytes: number;
  /** nf_tables' handle; 0 in ip_tables. */
  declare readonly handle: number;
  /** The chain of a jump. */
  chain: Chain | undefined;
  private matches: readonly XtMatchFn[] = [];
  private target: XtTargetFn | undefined;
  declare readonly verdict: number;
  declare private readonly src: number;
  declare private readonly srcMask: number;
  declare private readonly srcInvert: boolean;
  declare private readonly dst: number;
  declare private readonly dstMask: number;
  declare private readonly dstInvert: boolean;

  constructor(rule: XtRule, handle = 0) {
    this.rule = rule;
    this.handle = handle;
    this.packets = rule.counters.packets;
    this.bytes = rule.counters.bytes;
    this.src = rule.src?.address ?? 0;
    this.srcMask = rule.src?.mask ?? 0;
    this.srcInvert = rule.src?.invert ?? false;
    this.dst = rule.dst?.address ?? 0;
    this.dstMask = rule.dst?.mask ?? 0;
    this.dstInvert = rule.dst?.invert ?? false;
    this.verdict = verdictOf(rule);
  }

  /** Name of the chain it jumps to. */
  get jumpsTo(): string | undefined {
    const { target } = this.rule;
    return 'chain' in target ? target.chain : undefined;
  }

  /** No condition at all, and an end: nothing behind it is ever looked at. */
  get endsChain(): boolean {
    const { src, dst, inIface, outIface, proto, fragment, matches } = this.rule;
    const open = src === undefined && dst === undefined && inIface === undefined && outIface === undefined;
    if (!open || proto !== 0 || fragment !== undefined || matches.length > 0) return false;
    return this.verdict === NF_ACCEPT || this.verdict === NF_DROP || this.verdict === VERDICT_RETURN;
  }

  /** Error number for what cannot stand in `place`, 0 if all can. */
  check(place: XtPlace): number {
    for (const match of this.rule.matches) {
      const errno = checkMatch(match, place);
      if (errno !== 0) return errno;
    }
    return checkTarget(this.rule.target, place);
  }

  compile(place: XtPlace): void {
    this.matches = this.rule.matches.map((match) => compileMatch(match, place));
    this.target = compileTarget(this.rule.target);
  }

  /** @kernel net/ipv4/netfilter/ip_tables.c ip_packet_match */
  fits(packet: XtPacket): boolean {
    const { skb, state } = packet;
    const { bytes } = skb;
    const ip = skb.networkHeader;
    const { rule } = this;
    if (this.srcMask !== 0 || this.srcInvert) {
      const src = (bytes[ip + 12]! << 24) | (bytes[ip + 13]! << 16) | (bytes[ip + 14]! << 8) | bytes[ip + 15]!;
      if ((((src ^ this.src) & this.srcMask) !== 0) !== this.srcInvert) return false;
    }
    if (this.dstMask !== 0 || this.dstInvert) {
      const dst = (bytes[ip + 16]! << 24) | (bytes[ip + 17]! << 16) | (bytes[ip + 18]! << 8) | bytes[ip + 19]!;
      if ((((dst ^ this.dst) & this.dstMask) !== 0) !== this.dstInvert) return false;
    }
    if (rule.inIface !== undefined && !ifaceMatches(state.in, rule.inIface)) return false;
    if (rule.outIface !== undefined && !ifaceMatches(state.out, rule.outIface)) return false;
    if (rule.proto !== 0 && (bytes[ip + 9] === rule.proto) === rule.protoInvert) return false;
    if (rule.fragment !== undefined) {
      const isFragment = (u16At(bytes, ip + 6) & IP_OFFSET) !== 0;
      if (isFragment === rule.fragment.invert) return false;
    }
    for (const match of this.matches) if (!match(packet)) return false;
    return true;
  }

  run(packet: XtPacket): number {
    return this.target === undefined ? XT_CONTINUE : this.target(packet);
  }
}

function verdictOf({ target }: XtRule): number {
  switch (target.name) {
    case 'ACCEPT':
      return NF_ACCEPT;
    case 'DROP':
      return NF_DROP;
    case 'RETURN':
      return VERDICT_RETURN;
    case 'jump':
      return VERDICT_JUMP;
    case 'goto':
      return VERDICT_GOTO;
    default:
      return VERDICT_TARGET;
  }
}

/** A chain: built-in ones have a policy and, if they count, counters of it. */
export class Chain {
  declare name: string;
  declare policy: 'ACCEPT' | 'DROP' | undefined;
  declare counters: XtCounters | undefined;
  rules: Rule[] = [];

  constructor(name: string, policy: 'ACCEPT' | 'DROP' | undefined, counters: XtCounters | undefined) {
    this.name = name;
    this.policy = policy;
    this.counters = counters;
  }

  /** The packet has run through, or come back: what the policy says. */
  end(length: number): number {
    if (this.counters !== undefined) {
      this.counters.packets++;
      this.counters.bytes += length;
    }
    return this.policy === 'DROP' ? NF_DROP : NF_ACCEPT;
  }
}

/**
 * Take the packet through a built-in chain and all it jumps to: a verdict of the hook.
 * @kernel net/ipv4/netfilter/ip_tables.c ipt_do_table
 * @kernel net/netfilter/nf_tables_core.c nft_do_chain
 */
export function ipDoTable(base: Chain, skb: SkBuff, state: NfHookState): number {
  // A hook may change the packet's length, but not before the rules have counted it.
  const length = skb.len;
  if (base.rules.length === 0) return base.end(length);
  const packet = new XtPacket(skb, state);
  const stack: { chain: Chain; index: number }[] = [];
  let chain = base;
  let index = 0;
  for (;;) {
    const rule = chain.rules[index++];
    if (rule === undefined) {
      const back = stack.pop();
      if (back === undefined) return base.end(length);
      chain = back.chain;
      index = back.index;
      continue;
    }
    if (!rule.fits(packet)) {
      if (packet.hotdrop) return NF_DROP;
      continue;
    }
    rule.packets++;
    rule.bytes += skb.len;
    switch (rule.verdict) {
      case NF_ACCEPT:
      case NF_DROP:
        return rule.verdict;
      case VERDICT_RETURN: {
        const back = stack.pop();
        if (back === undefined) return base.end(length);
        chain = back.chain;
        index = back.index;
        break;
      }
      case VERDICT_JUMP:
        if (stack.length >= MAX_DEPTH) return NF_DROP;
        stack.push({ chain, index });
        chain = rule.chain!;
        index = 0;
        break;
      case VERDICT_GOTO:
        chain = rule.chain!;
        index = 0;
        break;
      default: {
        const verdict = rule.run(packet);
        if (verdict !== XT_CONTINUE) return verdict;
      }
    }
  }
}
