/** The hooks through which packets reach the built-in chains of a table. */
import { ipv4At } from '../../wire/addr.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import {
  NF_ACCEPT,
  NF_INET_LOCAL_OUT,
  NFPROTO_IPV4,
  type NfHookFn,
  type NfHookOps,
  nfDropErr,
} from '../core/netfilter.ts';
import { ipRouteMeHarder } from './ip-route-me-harder.ts';
import { type Chain, ipDoTable } from './ip-tables.ts';
import { registerNatLookup, unregisterNatLookup } from './nf-nat-hooks.ts';
import type { BuiltinChain } from './tables.ts';

/**
 * mangle's OUTPUT: a packet whose mark, TOS or addresses were changed is routed anew.
 * @kernel net/ipv4/netfilter/iptable_mangle.c ipt_mangle_out
 */
function mangleOut(chain: () => Chain): NfHookFn {
  return (skb, state) => {
    const ip = skb.networkHeader;
    const [mark, tos] = [skb.mark, skb.bytes[ip + 1]];
    const [src, dst] = [ipv4At(skb.bytes, ip + 12), ipv4At(skb.bytes, ip + 16)];
    const verdict = ipDoTable(chain(), skb, state);
    if (verdict !== NF_ACCEPT) return verdict;
    const at = skb.networkHeader;
    const same = skb.mark === mark && skb.bytes[at + 1] === tos;
    if (same && ipv4At(skb.bytes, at + 12) === src && ipv4At(skb.bytes, at + 16) === dst) return verdict;
    const errno = ipRouteMeHarder(state.net, skb);
    return errno === 0 ? verdict : nfDropErr(errno);
  };
}

/** Registers a chain at its hook; returns what takes it away again. `chain` is asked at each packet: tables are replaced. */
export function hookChain(
  net: NetNamespace,
  table: string,
  builtin: BuiltinChain,
  priority: number,
  chain: () => Chain,
): () => void {
  const { hook } = builtin;
  const plain: NfHookFn = (skb, state) => ipDoTable(chain(), skb, state);
  if (table === 'nat') {
    const lookup = { priority, lookup: plain };
    registerNatLookup(net, hook, lookup);
    return () => unregisterNatLookup(net, hook, lookup);
  }
  const ops: NfHookOps = {
    name: `${table} ${builtin.name}`,
    pf: NFPROTO_IPV4,
    hook,
    priority,
    fn: table === 'mangle' && hook === NF_INET_LOCAL_OUT ? mangleOut(chain) : plain,
  };
  net.nfHooks.register(ops);
  return () => net.nfHooks.unregister(ops);
}
