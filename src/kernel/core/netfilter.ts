/**
 * Netfilter's hook points: lists of functions per namespace, protocol family and point, in order of
 * priority.
 */
import { EPERM } from '../../uapi/errno.ts';
import { REASON } from './drop-reason.ts';
import type { NetNamespace } from './net-namespace.ts';
import type { NetDevice } from './netdevice.ts';
import { kfreeSkbReason, type SkBuff, traceStep } from './skbuff.ts';
import { TRACE_HOOK } from './trace.ts';

export const NFPROTO_IPV4 = 2;
export const NFPROTO_ARP = 3;
export const NFPROTO_BRIDGE = 7;
export const NFPROTO_IPV6 = 10;

export const NF_INET_PRE_ROUTING = 0;
export const NF_INET_LOCAL_IN = 1;
export const NF_INET_FORWARD = 2;
export const NF_INET_LOCAL_OUT = 3;
export const NF_INET_POST_ROUTING = 4;
/** The bridge family has a sixth: NF_BR_BROUTING. */
const HOOKS = 6;

export const NF_DROP = 0;
export const NF_ACCEPT = 1;
export const NF_STOLEN = 2;
export const NF_REPEAT = 4;
/** The verdict itself; above it stands an error number for the sender. */
const NF_VERDICT_MASK = 0xff;
const NF_VERDICT_QBITS = 16;

/** To drop, with an error number for the sender other than EPERM. @kernel include/uapi/linux/netfilter.h NF_DROP_ERR */
export function nfDropErr(errno: number): number {
  return (errno << NF_VERDICT_QBITS) | NF_DROP;
}

/** What the sender of the frame that was dropped last hears. */
export const dropStatus = { errno: EPERM };

/** Priorities of the IPv4 hooks (enum nf_ip_hook_priorities). */
export const NF_IP_PRI_FIRST = -0x8000_0000;
export const NF_IP_PRI_CONNTRACK_DEFRAG = -400;
export const NF_IP_PRI_RAW = -300;
export const NF_IP_PRI_CONNTRACK = -200;
export const NF_IP_PRI_MANGLE = -150;
export const NF_IP_PRI_NAT_DST = -100;
export const NF_IP_PRI_FILTER = 0;
export const NF_IP_PRI_NAT_SRC = 100;
export const NF_IP_PRI_LAST = 0x7fff_ffff;

export type OkFn = (skb: SkBuff) => void;

/** struct nf_hook_state. */
export interface NfHookState {
  pf: number;
  hook: number;
  in: NetDevice | undefined;
  out: NetDevice | undefined;
  net: NetNamespace;
  okfn: OkFn;
}

/** A hook's function: NF_ACCEPT, NF_DROP or {@link nfDropErr} (the caller ends the frame) or NF_STOLEN (the hook took it). */
export type NfHookFn = (skb: SkBuff, state: NfHookState) => number;

export interface NfHookOps {
  name: string;
  pf: number;
  hook: number;
  priority: number;
  fn: NfHookFn;
}

/** Shared by the namespaces that have no hooks at all. */
const NO_LISTS: readonly (NfHookOps[] | undefined)[] = new Array((NFPROTO_IPV6 + 1) * HOOKS).fill(undefined);

/** The hooks of one namespace; a point without any is undefined and costs one test. */
export class NfHooks {
  private lists = NO_LISTS;
  /** Called after a hook has come or gone. */
  onChange: (() => void) | undefined;

  /** @kernel net/netfilter/core.c nf_register_net_hook */
  register(ops: NfHookOps): void {
    const slot = ops.pf * HOOKS + ops.hook;
    // A list is replaced, never changed: a frame on its way keeps the one it began with.
    const list = [...(this.lists[slot] ?? [])];
    let at = list.findIndex((other) => ops.priority < other.priority);
    if (at < 0) at = list.length;
    list.splice(at, 0, ops);
    this.lists = this.lists.with(slot, list);
    this.onChange?.();
  }

  unregister(ops: NfHookOps): void {
    const slot = ops.pf * HOOKS + ops.hook;
    const list = (this.lists[slot] ?? []).filter((other) => other !== ops);
    this.lists = this.lists.with(slot, list.length > 0 ? list : undefined);
    this.onChange?.();
  }

  list(pf: number, hook: number): readonly NfHookOps[] | undefined {
    return this.lists[pf * HOOKS + hook];
  }
}

/**
 * Pass the frame through a hook point. True: it goes on, and the caller calls `okfn`; otherwise a hook has
 * dropped it or keeps it.
 * @kernel include/linux/netfilter.h nf_hook
 */
export function nfHook(
  pf: number,
  hook: number,
  net: NetNamespace,
  skb: SkBuff,
  inDev: NetDevice | undefined,
  outDev: NetDevice | undefined,
  okfn: OkFn,
): boolean {
  const list = net.nfHooks.list(pf, hook);
  return list === undefined || nfHookSlow(list, skb, { pf, hook, in: inDev, out: outDev, net, okfn });
}

/** @kernel net/netfilter/core.c nf_hook_slow */
function nfHookSlow(list: readonly NfHookOps[], skb: SkBuff, state: NfHookState): boolean {
  for (let i = 0; i < list.length; i++) {
    const ops = list[i]!;
    let verdict = ops.fn(skb, state);
    while (verdict === NF_REPEAT) verdict = ops.fn(skb, state);
    if (skb.kernel.trace.on && !skb.ended) {
      const step = (state.pf << 16) | (state.hook << 8) | (verdict & NF_VERDICT_MASK);
      traceStep(skb, TRACE_HOOK, skb.dev, step, ops.name);
    }
    if (verdict === NF_STOLEN) return false;
    if ((verdict & NF_VERDICT_MASK) === NF_DROP) {
      const errno = verdict >>> NF_VERDICT_QBITS;
      dropStatus.errno = errno === 0 ? EPERM : errno;
      kfreeSkbReason(skb, REASON.NETFILTER_DROP, 'nf_hook_slow', ops.name);
      return false;
    }
  }
  return true;
}
