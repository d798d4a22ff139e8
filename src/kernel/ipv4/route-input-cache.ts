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

export class InputRouteCache {
  lookups = 0;
  private keys: Int32Array | undefined;
  private routes: (Rtable | undefined)[] | undefined;
  private flags: Int32Array | undefined;

  find(skb: SkBuff, slot: number, daddr: number, saddr: number, third: number): boolean {
    const { keys } = this;
    if (keys === undefined) return false;
    const at = slot * 3;
    if (keys[at] !== daddr || keys[at + 1] !== saddr || keys[at + 2] !== third) return false;
    const rt = this.routes![slot];
    if (rt?.valid !== true) return false;
    skb.dst = rt;
    skb.ipFlags |= this.flags![slot]!;
    return true;
  }

  store(rt: Rtable, flags: number, slot: number, daddr: number, saddr: number, third: number): void {
    if (this.keys === undefined) {
      if (++this.lookups < WARM_UP) return;
      this.keys = new Int32Array(SLOTS * 3);
      this.routes = new Array<Rtable | undefined>(SLOTS);
      this.flags = new Int32Array(SLOTS);
    }
    const at = slot * 3;
    this.keys[at] = daddr;
    this.keys[at + 1] = saddr;
    this.keys[at + 2] = third;
    this.routes![slot] = rt;
    this.flags![slot] = flags;
  }
}

function slotOf(daddr: Ipv4, saddr: Ipv4, ifindex: number): number {
  const mixed = Math.imul(daddr, 0x9e37_79b1) ^ Math.imul(saddr, 0x85eb_ca6b) ^ Math.imul(ifindex, 0xc2b2_ae35);
  return (mixed >>> 16) & (SLOTS - 1);
}

/** Put the route on the packet if it is known. */
export function routeCacheFind(inDev: InDevice, skb: SkBuff, daddr: Ipv4, saddr: Ipv4, tos: number): boolean {
  const cache = inDev.ipv4.inputCache;
  if (cache === undefined) return false;
  const { ifindex } = inDev.dev;
  return cache.find(skb, slotOf(daddr, saddr, ifindex), daddr | 0, saddr | 0, (ifindex << 8) | tos);
}

/** Remember the route that the packet got, unless it holds for this packet or this moment only. */
export function routeCacheStore(inDev: InDevice, skb: SkBuff, daddr: Ipv4, saddr: Ipv4, tos: number): void {
  const rt = skbRtable(skb);
  if (rt === undefined || rt.expires !== 0 || rt.error !== 0 || (skb.ipFlags & IPSKB_MULTIPATH) !== 0) return;
  const { ipv4 } = inDev;
  ipv4.inputCache ??= new InputRouteCache();
  const { ifindex } = inDev.dev;
  const flags = skb.ipFlags & IPSKB_DOREDIRECT;
  ipv4.inputCache.store(rt, flags, slotOf(daddr, saddr, ifindex), daddr | 0, saddr | 0, (ifindex << 8) | tos);
}
