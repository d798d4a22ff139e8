/** Rules that choose a routing table, as rtnetlink carries them (include/uapi/linux/fib_rules.h). */
import type { Ipv4 } from '../wire/addr.ts';
import type { Ack } from './result.ts';

/** What a rule does with a packet that it matches: FR_ACT_*. */
export const FR_ACT_UNSPEC = 0;
export const FR_ACT_TO_TBL = 1;
export const FR_ACT_GOTO = 2;
export const FR_ACT_NOP = 3;
export const FR_ACT_BLACKHOLE = 6;
export const FR_ACT_UNREACHABLE = 7;
export const FR_ACT_PROHIBIT = 8;

/** The rule matches what its selector does not. */
export const FIB_RULE_INVERT = 2;
/** A goto whose target is not there. */
export const FIB_RULE_UNRESOLVED = 4;
/** No device has the name that the rule asks for. */
export const FIB_RULE_IIF_DETACHED = 8;
export const FIB_RULE_OIF_DETACHED = 16;

/** Both ends belong to it. */
export interface NumberRange {
  start: number;
  end: number;
}

/** A rule: fib_rule_hdr and its FRA_* attributes, in a request and in a dump. */
export interface RuleMessage {
  /** 0: any source. */
  srcLen: number;
  src?: Ipv4;
  dstLen: number;
  dst?: Ipv4;
  tos: number;
  /** 0: none. */
  table: number;
  action: number;
  /** FIB_RULE_* */
  flags: number;
  priority?: number;
  iifname?: string;
  oifname?: string;
  fwmark?: number;
  fwmask?: number;
  /** The priority of the rule to go on with. */
  goto?: number;
  /** A route with so long a prefix or a shorter one does not count; -1 for none. */
  suppressPrefixlen?: number;
  suppressIfgroup?: number;
  /** Who made it: RTPROT_*. */
  protocol?: number;
  l3mdev?: number;
  uidRange?: NumberRange;
  ipproto?: number;
  sport?: NumberRange;
  dport?: NumberRange;
}

/** The part of an rtnetlink socket that is about rules. */
export interface RuleRequests {
  /** `exclusive`: NLM_F_EXCL, refused when the very same rule exists. */
  newRule(request: RuleMessage, exclusive: boolean): Ack;
  delRule(request: RuleMessage): Ack;
  dumpRules(): RuleMessage[];
}
