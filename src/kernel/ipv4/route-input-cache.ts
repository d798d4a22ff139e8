/**
 * Input routes found lately, by the addresses of their packets. The kernel looks each packet up in its
 * trie; this remembers what came out, until anything about routing changes.
 */
import type { Ipv4 } from '../../wire/addr.ts';
import type { SkBuff } from '../core/skbuff.ts';
import type { InDevice } from './in-device.ts';
import { IPSKB_DOREDIRECT, IPSKB_MULTIPATH, type Rtable, skbRtable } from './rtable.ts';

const SLOTS = 256;
/** Packets looked up before the memory is worth it. */
const WARM_UP = 32;

/** The route of packets from one address to another that came by one device with one TOS. */
interface InputRoute {
  daddr: number;
  saddr: number;
  tos: number;
  inDev: InDevice;
  rt: Rtable;
  /** What the route puts into the packet's flags. */
  ipFlags: number;
}

export class InputRouteCache {
  lookups = 0;
  readonly slots: (InputRoute | undefined)[] = [];
}

function slotOf(daddr: Ipv4, saddr: Ipv4, ifindex: number): number {
  const mixed = Math.imul(daddr, 0x9e37_79b1) ^ Math.imul(saddr, 0x85eb_ca6b) ^ Math.imul(ifindex, 0xc2b2_ae35);
  return (mixed >>> 16) & (SLOTS - 1);
}

/** Put the route on the packet if it is known. */
export function routeCacheFind(inDev: InDevice, skb: SkBuff, daddr: Ipv4, saddr: Ipv4, tos: number): boolean {
  const cache = inDev.ipv4.inputCache;
  if (cache === undefined || cache.lookups < WARM_UP) return false;
  const found = cache.slots[slotOf(daddr, saddr, inDev.dev.ifindex)];
  if (found === undefined || found.daddr !== (daddr | 0) || found.saddr !== (saddr | 0)) return false;
  const { rt } = found;
  if (found.inDev !== inDev || found.tos !== tos || !rt.valid) return false;
  skb.dst = rt;
  skb.ipFlags |= found.ipFlags;
  return true;
}

/** Remember the route that the packet got, unless it holds for this packet or this moment only. */
export function routeCacheStore(inDev: InDevice, skb: SkBuff, daddr: Ipv4, saddr: Ipv4, tos: number): void {
  const rt = skbRtable(skb);
  if (rt === undefined || rt.expires !== 0 || rt.error !== 0 || (skb.ipFlags & IPSKB_MULTIPATH) !== 0) return;
  const { ipv4 } = inDev;
  ipv4.inputCache ??= new InputRouteCache();
  const { inputCache: cache } = ipv4;
  if (++cache.lookups < WARM_UP) return;
  if (cache.slots.length === 0) for (let i = 0; i < SLOTS; i++) cache.slots.push(undefined);
  const ipFlags = skb.ipFlags & IPSKB_DOREDIRECT;
  const route: InputRoute = { daddr: daddr | 0, saddr: saddr | 0, tos, inDev, rt, ipFlags };
  cache.slots[slotOf(daddr, saddr, inDev.dev.ifindex)] = route;
}
