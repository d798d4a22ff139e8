/** Matches and targets on the packet's connection. */
import {
  type AddrMatch,
  type PortMatch,
  XT_STATE_DNAT,
  XT_STATE_INVALID,
  XT_STATE_SNAT,
  XT_STATE_UNTRACKED,
  type XtConnmarkTarget,
  type XtConntrackMatch,
  type XtMatch,
  type XtTarget,
} from '../../uapi/xtables.ts';
import { IPPROTO_ICMP } from '../../wire/ipv4.ts';
import type { SkBuff } from '../core/skbuff.ts';
import {
  ctinfo2dir,
  destinationOf,
  IP_CT_ESTABLISHED_REPLY,
  IP_CT_RELATED_REPLY,
  IP_CT_UNTRACKED,
  IPS_DST_NAT,
  IPS_SRC_NAT,
  sourceOf,
  type Tuple,
} from './nf-conn.ts';
import { nfCtGet } from './nf-conntrack-core.ts';
import { IPCT_MARK, nfConntrackEventCache } from './nf-conntrack-ecache.ts';
import { XT_CONTINUE, type XtMatchFn, type XtTargetFn } from './xt-action.ts';

/** XT_CONNTRACK_STATE_BIT() of what the packet is to its connection. */
function stateBit(skb: SkBuff): number {
  if (skb.nfct === undefined) return skb.nfctInfo === IP_CT_UNTRACKED ? XT_STATE_UNTRACKED : XT_STATE_INVALID;
  const info = skb.nfctInfo;
  // ESTABLISHED, RELATED, NEW are 0, 1, 2; 3 and 4 are the first two in the other direction.
  const plain = info === IP_CT_ESTABLISHED_REPLY || info === IP_CT_RELATED_REPLY ? info - 3 : info;
  return 1 << (plain + 1);
}

const inPorts = (port: number, { from, to, invert }: PortMatch) => (port >= from && port <= to) !== invert;
const inNet = (value: number, { address, mask, invert }: AddrMatch) => (((value ^ address) & mask) === 0) !== invert;

/** @kernel net/netfilter/xt_conntrack.c ct_proto_port_check */
function portsFit(match: XtConntrackMatch, original: Tuple, reply: Tuple): boolean {
  const { origSrcPort, origDstPort, replSrcPort, replDstPort } = match;
  if (origSrcPort !== undefined && !inPorts(sourceOf(original.ports), origSrcPort)) return false;
  if (origDstPort !== undefined && !inPorts(destinationOf(original.ports), origDstPort)) return false;
  if (replSrcPort !== undefined && !inPorts(sourceOf(reply.ports), replSrcPort)) return false;
  return replDstPort === undefined || inPorts(destinationOf(reply.ports), replDstPort);
}

/** @kernel net/netfilter/xt_conntrack.c conntrack_mt */
export function conntrackMatch(match: XtConntrackMatch): XtMatchFn {
  const { state, proto, origSrc, origDst, replSrc, replDst, status, expire, direction } = match;
  return ({ skb }) => {
    const ct = nfCtGet(skb);
    if (state !== undefined) {
      let bits = stateBit(skb);
      if (ct !== undefined) {
        if ((ct.status & IPS_SRC_NAT) !== 0) bits |= XT_STATE_SNAT;
        if ((ct.status & IPS_DST_NAT) !== 0) bits |= XT_STATE_DNAT;
      }
      if (((bits & state.mask) !== 0) === state.invert) return false;
    }
    // Without a connection only its state can be asked for.
    if (ct === undefined) return state !== undefined;
    const { original, reply } = ct;
    if (direction !== undefined && (ctinfo2dir(skb.nfctInfo) === 0) !== (direction === 'ORIGINAL')) return false;
    if (origSrc !== undefined && !inNet(original.src, origSrc)) return false;
    if (origDst !== undefined && !inNet(original.dst, origDst)) return false;
    if (replSrc !== undefined && !inNet(reply.src, replSrc)) return false;
    if (replDst !== undefined && !inNet(reply.dst, replDst)) return false;
    if (proto !== undefined && (ct.proto === proto.number) === proto.invert) return false;
    if (ct.proto !== IPPROTO_ICMP && !portsFit(match, original, reply)) return false;
    if (status !== undefined && ((status.mask & ct.status) !== 0) === status.invert) return false;
    if (expire === undefined) return true;
    const left = ct.confirmed ? Math.max(0, Math.floor((ct.timeout - ct.net.kernel.queue.now) / 1e9)) : 0;
    return inPorts(left, expire);
  };
}

/** conntrack under its old name. */
export function stateMatch({ mask, invert }: { mask: number; invert: boolean }): XtMatchFn {
  return ({ skb }) => ((stateBit(skb) & mask) !== 0) !== invert;
}

/** @kernel net/netfilter/xt_connmark.c connmark_mt */
export function connmarkMatch({ mark, mask, invert }: Extract<XtMatch, { name: 'connmark' }>): XtMatchFn {
  return ({ skb }) => {
    const ct = nfCtGet(skb);
    return ct !== undefined && ((ct.mark & mask) >>> 0 === mark) !== invert;
  };
}

/** @kernel net/netfilter/xt_connmark.c connmark_tg_shift */
export function connmarkTarget({ mode, ctmark, ctmask, nfmask, shift }: XtConnmarkTarget): XtTargetFn {
  // A shift by 32 leaves the mark as it is, as the processor does.
  const shifted = (mark: number) => (shift < 0 ? mark >>> -shift : mark << shift);
  return ({ skb }) => {
    const ct = nfCtGet(skb);
    if (ct === undefined) return XT_CONTINUE;
    const before = ct.mark;
    if (mode === 'set') ct.mark = shifted((ct.mark & ~ctmask) ^ ctmark) >>> 0;
    else if (mode === 'save') ct.mark = ((ct.mark & ~ctmask) ^ shifted(skb.mark & nfmask)) >>> 0;
    else skb.mark = ((skb.mark & ~nfmask) ^ shifted(ct.mark & ctmask)) >>> 0;
    if (ct.mark !== before) nfConntrackEventCache(ct, IPCT_MARK);
    return XT_CONTINUE;
  };
}

/** @kernel net/netfilter/xt_CT.c xt_ct_target #P[only --notrack] */
export function ctTarget({ notrack }: Extract<XtTarget, { name: 'CT' }>): XtTargetFn {
  return ({ skb }) => {
    if (notrack && skb.nfct === undefined) skb.nfctInfo = IP_CT_UNTRACKED;
    return XT_CONTINUE;
  };
}
