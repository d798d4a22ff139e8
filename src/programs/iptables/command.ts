/** A parsed command line: what do_parse() of iptables leaves behind. */
import type { AddrMatch, IfaceMatch, XtCounters, XtMatch, XtRule, XtTarget } from '../../uapi/xtables.ts';

export type CommandName =
  | 'append'
  | 'check'
  | 'delete'
  | 'delete-num'
  | 'replace'
  | 'insert'
  | 'flush'
  | 'new-chain'
  | 'delete-chain'
  | 'rename-chain'
  | 'policy'
  | 'none';

/** Two of these can come with -Z or -Z n. */
export type ListName = 'list' | 'list-rules';

export interface Listing {
  numeric: boolean;
  verbose: boolean;
  exact: boolean;
  lineNumbers: boolean;
}

/** A rule without its addresses: one is made for each pair of source and destination. */
export interface RuleSpec {
  inIface?: IfaceMatch;
  outIface?: IfaceMatch;
  proto: number;
  protoInvert: boolean;
  fragment?: { invert: boolean };
  matches: XtMatch[];
  /** Undefined: -j names what may be a chain, or nothing at all. */
  target: XtTarget | undefined;
  jumpto: string;
  goto: boolean;
  counters: XtCounters;
  sources: readonly (AddrMatch | undefined)[];
  destinations: readonly (AddrMatch | undefined)[];
}

export interface Command {
  table: string;
  name: CommandName | ListName | 'zero' | 'zero-num';
  /** -Z along with -L or -S. */
  alsoZero: 'zero' | 'zero-num' | undefined;
  chain: string | undefined;
  /** From 1; 0 for none. */
  ruleNumber: number;
  newName: string;
  policy: string;
  /** How many -v. */
  verbose: number;
  listing: Listing;
  /** -c was given. */
  setCounters: boolean;
  rule: RuleSpec;
}

/** The rules a specification stands for, in the order iptables adds them. `target` is resolved already. */
export function* rulesOf(spec: RuleSpec, target: XtTarget): Generator<XtRule> {
  for (const src of spec.sources) {
    for (const dst of spec.destinations) {
      yield {
        ...(src === undefined ? {} : { src }),
        ...(dst === undefined ? {} : { dst }),
        ...(spec.inIface === undefined ? {} : { inIface: spec.inIface }),
        ...(spec.outIface === undefined ? {} : { outIface: spec.outIface }),
        proto: spec.proto,
        protoInvert: spec.protoInvert,
        ...(spec.fragment === undefined ? {} : { fragment: spec.fragment }),
        matches: spec.matches,
        target,
        counters: { ...spec.counters },
      };
    }
  }
}
