/** Target extensions: a rule's `-j` compiled to a function, and what the kernel checks of it first. */
import { EINVAL } from '../../uapi/errno.ts';
import type { NatRange, XtTarget } from '../../uapi/xtables.ts';
import { IPPROTO_TCP } from '../../wire/ipv4.ts';
import {
  NF_ACCEPT,
  NF_DROP,
  NF_INET_FORWARD,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
} from '../core/netfilter.ts';
import { rejectTarget } from './ipt-reject.ts';
import { nfCtGet } from './nf-conntrack-core.ts';
import { nfLogIpPacket } from './nf-log.ts';
import { type NatRange2, nfNatSetupInfo } from './nf-nat-core.ts';
import { netmapTarget, nfNatMasqueradeIpv4, nfNatRedirectIpv4 } from './nf-nat-masquerade.ts';
import { NF_NAT_MANIP_DST, NF_NAT_MANIP_SRC } from './nf-nat-proto.ts';
import { XT_CONTINUE, type XtTargetFn } from './xt-action.ts';
import { connmarkTarget, ctTarget } from './xt-conntrack.ts';
import type { XtPlace } from './xt-matches.ts';
import { dscpTarget, ttlTarget } from './xt-packet.ts';

const bit = (hook: number) => 1 << hook;
const SOURCE_HOOKS = bit(NF_INET_POST_ROUTING) | bit(NF_INET_LOCAL_IN);
const DESTINATION_HOOKS = bit(NF_INET_PRE_ROUTING) | bit(NF_INET_LOCAL_OUT);

/** Where a target may stand: its table, and the hooks. */
const RESTRICTIONS: Readonly<Record<string, { table: string; hooks: number }>> = {
  REJECT: { table: 'filter', hooks: bit(NF_INET_LOCAL_IN) | bit(NF_INET_FORWARD) | bit(NF_INET_LOCAL_OUT) },
  MASQUERADE: { table: 'nat', hooks: bit(NF_INET_POST_ROUTING) },
  SNAT: { table: 'nat', hooks: SOURCE_HOOKS },
  DNAT: { table: 'nat', hooks: DESTINATION_HOOKS },
  REDIRECT: { table: 'nat', hooks: DESTINATION_HOOKS },
  NETMAP: { table: 'nat', hooks: SOURCE_HOOKS | DESTINATION_HOOKS },
  CT: { table: 'raw', hooks: ~0 },
  DSCP: { table: 'mangle', hooks: ~0 },
  TTL: { table: 'mangle', hooks: ~0 },
};

/** Error number for a target that cannot stand there, 0 if it can. @kernel net/netfilter/x_tables.c xt_check_target */
export function checkTarget(target: XtTarget, { table, hooks, proto, protoInvert }: XtPlace): number {
  const limits = RESTRICTIONS[target.name];
  if (limits !== undefined && (limits.table !== table || (hooks & ~limits.hooks) !== 0)) return EINVAL;
  if (target.name === 'REJECT' && target.with === 'tcp-reset' && (proto !== IPPROTO_TCP || protoInvert)) return EINVAL;
  return 0;
}

/** Whether the target needs connection tracking. */
export function targetTracks(target: XtTarget): boolean {
  switch (target.name) {
    case 'MASQUERADE':
    case 'SNAT':
    case 'DNAT':
    case 'REDIRECT':
    case 'NETMAP':
    case 'CONNMARK':
      return true;
    case 'CT':
      return !target.notrack;
    default:
      return false;
  }
}

function natRange(range: NatRange): NatRange2 {
  const { addrFrom, addrTo, portFrom, portTo, portBase, random, randomFully, persistent } = range;
  const made: NatRange2 = {};
  if (addrFrom !== undefined) made.addr = { min: addrFrom, max: addrTo ?? addrFrom };
  if (portFrom !== undefined) made.proto = { min: portFrom, max: portTo ?? portFrom };
  if (portBase !== undefined) made.base = portBase;
  if (random || randomFully) made.random = true;
  if (persistent) made.persistent = true;
  return made;
}

/** @kernel net/netfilter/xt_nat.c xt_snat_target_v2 */
function natTarget(range: NatRange2, manip: number): XtTargetFn {
  return ({ skb }) => {
    const ct = nfCtGet(skb);
    return ct === undefined ? NF_ACCEPT : nfNatSetupInfo(ct, range, manip);
  };
}

/** @kernel net/netfilter/xt_mark.c mark_tg */
function markTarget(mark: number, mask: number): XtTargetFn {
  return ({ skb }) => {
    skb.mark = ((skb.mark & ~mask) ^ mark) >>> 0;
    return XT_CONTINUE;
  };
}

/** The function of a target extension; undefined for verdicts, jumps and rules that only count. */
export function compileTarget(target: XtTarget): XtTargetFn | undefined {
  switch (target.name) {
    case 'REJECT':
      return rejectTarget(target.with);
    case 'SNAT':
      return natTarget(natRange(target.range), NF_NAT_MANIP_SRC);
    case 'DNAT':
      return natTarget(natRange(target.range), NF_NAT_MANIP_DST);
    case 'MASQUERADE': {
      const range = natRange(target.range);
      return ({ skb, state }) => nfNatMasqueradeIpv4(skb, range, state.out!);
    }
    case 'REDIRECT': {
      const range = natRange(target.range);
      return ({ skb, state }) => nfNatRedirectIpv4(skb, range, state);
    }
    case 'LOG':
      return ({ skb, state }) => {
        nfLogIpPacket(skb, state, target);
        return XT_CONTINUE;
      };
    case 'MARK':
      return markTarget(target.mark, target.mask);
    case 'NETMAP':
      return ({ skb, state }) => netmapTarget(skb, target.from, target.to, state);
    case 'CONNMARK':
      return connmarkTarget(target);
    case 'CT':
      return ctTarget(target);
    case 'DSCP':
      return dscpTarget(target);
    case 'TTL':
      return ttlTarget(target);
    // No queue handler ever listens, and then a queued packet is dropped.
    case 'QUEUE':
      return () => NF_DROP;
    default:
      return undefined;
  }
}
