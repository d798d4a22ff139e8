/** Choosing between the next hops of a route, and between default routes. */
import { NUD_INCOMPLETE, NUD_REACHABLE, RT_SCOPE_LINK, RTN_UNICAST, RTNH_F_DEAD } from '../../uapi/rtnetlink.ts';
import type { Ipv4 } from '../../wire/addr.ts';
import { u16At } from '../../wire/addr.ts';
import { ipv4Destination, ipv4HeaderLength, ipv4IsFragment, ipv4Protocol, ipv4Source } from '../../wire/ipv4.ts';
import { NUD_VALID } from '../core/neighbour-states.ts';
import type { NetDevice } from '../core/netdevice.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { arpTable } from './arp-table.ts';
import type { FibInfo, FibNh, FibResult, Flowi4 } from './fib.ts';
import { fibResultPrefsrc } from './fib-semantics.ts';
import type { Ipv4Net } from './ipv4-net.ts';

const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;

function neighState(dev: NetDevice | undefined, address: Ipv4): number | undefined {
  return dev === undefined ? undefined : arpTable(dev.net.kernel).lookup(address, dev)?.state;
}

function assign(res: FibResult, fi: FibInfo): void {
  res.fi = fi;
  res.nhSel = 0;
  res.nh = fi.nhs[0];
}

/** A keyed mix of words, standing for the kernel's siphash of the flow. */
function mix(seed: number, words: readonly number[]): number {
  let hash = seed | 0;
  for (const word of words) {
    hash = Math.imul(hash ^ word, 0x85eb_ca6b);
    hash ^= hash >>> 13;
    hash = Math.imul(hash, 0xc2b2_ae35);
    hash ^= hash >>> 16;
  }
  return hash >>> 0;
}

const seeds = new WeakMap<object, number>();

function seedOf(ipv4: Ipv4Net): number {
  if (ipv4.fibMultipathHashSeed !== 0) return ipv4.fibMultipathHashSeed;
  const { kernel } = ipv4;
  let seed = seeds.get(kernel);
  if (seed === undefined) {
    seed = kernel.random.stream('fib multipath').u32();
    seeds.set(kernel, seed);
  }
  return seed;
}

/**
 * 31 bits that say which next hop a flow takes: by addresses, or by ports too.
 * @kernel net/ipv4/route.c fib_multipath_hash #P[policies 2 and 3 hash as 0 does]
 */
function fibMultipathHash(ipv4: Ipv4Net, flow: Flowi4, skb: SkBuff | undefined): number {
  const words: number[] = [];
  if (skb === undefined) {
    words.push(flow.saddr, flow.daddr);
    if (ipv4.fibMultipathHashPolicy === 1) words.push(flow.proto, flow.sport, flow.dport);
  } else {
    const { bytes, networkHeader: at } = skb;
    words.push(ipv4Source(bytes, at), ipv4Destination(bytes, at));
    if (ipv4.fibMultipathHashPolicy === 1) {
      const protocol = ipv4Protocol(bytes, at);
      const ports = at + ipv4HeaderLength(bytes, at);
      const hasPorts = (protocol === IPPROTO_TCP || protocol === IPPROTO_UDP) && !ipv4IsFragment(bytes, at);
      words.push(protocol, hasPorts ? u16At(bytes, ports) : 0, hasPorts ? u16At(bytes, ports + 2) : 0);
    }
  }
  return mix(seedOf(ipv4), words) >>> 1;
}

/** @kernel net/ipv4/fib_semantics.c fib_good_nh */
function fibGoodNh(nh: FibNh): boolean {
  if (nh.scope !== RT_SCOPE_LINK) return true;
  return ((neighState(nh.dev, nh.gw) ?? NUD_REACHABLE) & NUD_VALID) !== 0;
}

/** @kernel net/ipv4/fib_semantics.c fib_select_multipath */
export function fibSelectMultipath(ipv4: Ipv4Net, res: FibResult, flow: Flowi4, skb: SkBuff | undefined): void {
  const hash = fibMultipathHash(ipv4, flow, skb);
  const { nhs } = res.fi!;
  const useNeigh = ipv4.fibMultipathUseNeigh !== 0;
  let first = false;
  for (const [i, nh] of nhs.entries()) {
    if (useNeigh) {
      if (!fibGoodNh(nh)) continue;
      if (!first) {
        res.nhSel = i;
        res.nh = nh;
        first = true;
      }
    }
    if (hash > nh.upperBound) continue;
    res.nhSel = i;
    res.nh = nh;
    return;
  }
}

interface LastResort {
  fi: FibInfo | undefined;
  index: number;
}

/**
 * Whether a gateway is not known to live.
 * @kernel net/ipv4/fib_semantics.c fib_detect_death
 */
function fibDetectDeath(fi: FibInfo, order: number, last: LastResort, preferred: number): boolean {
  const nh = fi.nhs[0]!;
  const state = neighState(nh.dev, nh.gw);
  if (state === undefined) return false;
  if (state === NUD_REACHABLE) return false;
  const valid = (state & NUD_VALID) !== 0;
  if (valid && order !== preferred) return false;
  if (valid || (last.index < 0 && order > preferred && state !== NUD_INCOMPLETE)) {
    last.fi = fi;
    last.index = order;
  }
  return true;
}

/**
 * Among several default routes of the same priority, one whose gateway lives.
 * @kernel net/ipv4/fib_semantics.c fib_select_default
 */
function fibSelectDefault(flow: Flowi4, res: FibResult): void {
  const table = res.table!;
  const first = res.alias!;
  const last: LastResort = { fi: undefined, index: -1 };
  let fi: FibInfo | undefined;
  let order = -1;
  let lastPriority = res.fi!.priority;
  let lastTos = 0;
  let chosen = first;
  for (const alias of table.trie.aliases(first.key, first.plen) ?? []) {
    const next = alias.info;
    if (alias.tos !== 0 && alias.tos !== flow.tos) continue;
    if (alias.tableId !== table.id) continue;
    if (next.priority > lastPriority && alias.tos === lastTos) {
      if (lastTos !== 0) continue;
      break;
    }
    if ((next.flags & RTNH_F_DEAD) !== 0) continue;
    lastTos = alias.tos;
    lastPriority = next.priority;
    if (next.scope !== res.scope || alias.type !== RTN_UNICAST) continue;
    const nh = next.nhs[0]!;
    if (nh.gw === 0 || nh.scope !== RT_SCOPE_LINK) continue;
    if (fi === undefined) {
      if (next !== res.fi) break;
      chosen = alias;
    } else if (!fibDetectDeath(fi, order, last, chosen.default)) {
      assign(res, fi);
      chosen.default = order;
      return;
    }
    fi = next;
    order++;
  }
  if (order <= 0 || fi === undefined) {
    if (fi !== undefined) chosen.default = -1;
    return;
  }
  if (!fibDetectDeath(fi, order, last, chosen.default)) {
    assign(res, fi);
    chosen.default = order;
    return;
  }
  if (last.fi !== undefined) assign(res, last.fi);
  chosen.default = last.index;
}

/**
 * The next hop, and the source address if the flow has none yet.
 * @kernel net/ipv4/fib_semantics.c fib_select_path
 */
export function fibSelectPath(ipv4: Ipv4Net, res: FibResult, flow: Flowi4, skb: SkBuff | undefined): void {
  if (flow.oif === 0) {
    if (res.fi!.nhs.length > 1) fibSelectMultipath(ipv4, res, flow, skb);
    else if (res.prefixlen === 0 && res.table!.numDefault > 1 && res.type === RTN_UNICAST) fibSelectDefault(flow, res);
  }
  if (flow.saddr === 0) flow.saddr = fibResultPrefsrc(res);
}
