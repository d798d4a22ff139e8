/** All extensions by name. */

import type { XtMatch, XtTarget } from '../../uapi/xtables.ts';
import { connmarkMatch, connmarkTarget, ctTarget, notrackTarget } from './connmark.ts';
import type { Extension } from './extension.ts';
import { conntrackMatch, stateMatch } from './match-conntrack.ts';
import { addrtypeMatch, commentMatch, limitMatch, macMatch, markMatch, physdevMatch } from './match-other.ts';
import { dscpMatch, iprangeMatch, lengthMatch, pkttypeMatch, statisticMatch, ttlMatch } from './match-packet.ts';
import { icmpMatch, multiportMatch, tcpMatch, udpMatch } from './match-proto.ts';
import { recentMatch } from './match-recent.ts';
import { dscpTarget, ttlTarget } from './target-packet.ts';
import {
  dnatTarget,
  logTarget,
  markTarget,
  masqueradeTarget,
  netmapTarget,
  redirectTarget,
  rejectTarget,
  snatTarget,
} from './targets.ts';

const MATCHES: ReadonlyMap<string, Extension<XtMatch>> = new Map(
  [
    icmpMatch,
    tcpMatch,
    udpMatch,
    multiportMatch,
    conntrackMatch,
    stateMatch,
    macMatch,
    commentMatch,
    physdevMatch,
    limitMatch,
    markMatch,
    addrtypeMatch,
    connmarkMatch,
    dscpMatch,
    iprangeMatch,
    lengthMatch,
    pkttypeMatch,
    recentMatch,
    statisticMatch,
    ttlMatch,
  ].map((extension): [string, Extension<XtMatch>] => [extension.name, extension as Extension<XtMatch>]),
);

const TARGETS: ReadonlyMap<string, Extension<XtTarget>> = new Map(
  [
    rejectTarget,
    masqueradeTarget,
    snatTarget,
    dnatTarget,
    redirectTarget,
    netmapTarget,
    logTarget,
    markTarget,
    connmarkTarget,
    ctTarget,
    notrackTarget,
    dscpTarget,
    ttlTarget,
  ].map((extension): [string, Extension<XtTarget>] => [extension.name, extension as Extension<XtTarget>]),
);

export function findMatch(name: string): Extension<XtMatch> | undefined {
  return MATCHES.get(name);
}

export function findTarget(name: string): Extension<XtTarget> | undefined {
  return TARGETS.get(name);
}

/** The verdicts that need no extension. */
export function isStandardTarget(name: string): name is 'ACCEPT' | 'DROP' | 'QUEUE' | 'RETURN' {
  return name === 'ACCEPT' || name === 'DROP' || name === 'QUEUE' || name === 'RETURN';
}

/** Targets that Debian's iptables has beside ours: a chain may not be called so. */
const OTHER_TARGETS = new Set(
  (
    'AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNSECMARK ECN HMARK IDLETIMER LED NFLOG NFQUEUE ' +
    'RATEEST SECMARK SET SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE ULOG standard'
  ).split(' '),
);

/** Matches that Debian's iptables has beside ours. */
const OTHER_MATCHES = new Set(
  (
    'ah bpf cgroup cluster connbytes connlabel connlimit cpu dccp devgroup ecn esp hashlimit helper ipcomp ipvs ' +
    'nfacct osf owner policy quota rateest realm rpfilter sctp set socket standard string tcpmss time tos u32'
  ).split(' '),
);

/** Whether iptables has such a match, or target, that is not modelled. */
export const isForeignMatch = (name: string): boolean => OTHER_MATCHES.has(name);
export const isForeignTarget = (name: string): boolean => name !== 'standard' && OTHER_TARGETS.has(name);

/** Whether a name is that of a target, so that no chain may have it. */
export function isTargetName(name: string): boolean {
  return name === '' || isStandardTarget(name) || TARGETS.has(name) || OTHER_TARGETS.has(name);
}
