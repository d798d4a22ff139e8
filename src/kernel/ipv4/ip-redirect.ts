/** Redirects (RFC 792): telling hosts of a better gateway, and believing routers that do. */
import { RTN_UNICAST } from '../../uapi/rtnetlink.ts';
import { formatIpv4, type Ipv4, isMulticastIpv4, isZeronetIpv4 } from '../../wire/addr.ts';
import { ICMP_REDIR_HOST, ICMP_REDIRECT, icmpCode, icmpRest } from '../../wire/icmp.ts';
import { ipv4Destination, ipv4Source } from '../../wire/ipv4.ts';
import { neighEventSend } from '../core/neighbour-nud.ts';
import { NUD_VALID } from '../core/neighbour-states.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { LOG_MARTIANS, SECURE_REDIRECTS, SEND_REDIRECTS } from './devconf.ts';
import { FibResult, type Flowi4 } from './fib.ts';
import { fibLookup, INADDR_BROADCAST, inetAddrType } from './fib-lookup.ts';
import { fibSelectPath } from './fib-select.ts';
import { ipFibCheckDefault } from './fib-semantics.ts';
import { icmpSend } from './icmp.ts';
import { inDevGet } from './in-device.ts';
import { inetAddrOnlink } from './inet-addr.ts';
import { updateOrCreateFnhe } from './route-exceptions.ts';
import { type Rtable, skbRtable } from './rtable.ts';

/** HZ / 50, with which the waits between redirects begin; they double with each. */
const REDIRECT_LOAD = 20e6;
const REDIRECT_NUMBER = 9;
const REDIRECT_SILENCE = 20.48e9;
/** ip_rt_gc_timeout */
const GC_TIMEOUT = 300e9;

/**
 * The packet goes out the way it came in: its sender could reach the next hop itself.
 * @kernel net/ipv4/route.c ip_rt_send_redirect
 */
export function ipRtSendRedirect(skb: SkBuff): void {
  const rt = skbRtable(skb)!;
  const inDev = inDevGet(rt.dev);
  if (inDev === undefined || !inDev.orConf(SEND_REDIRECTS)) return;
  const { ipv4 } = rt;
  const { now } = ipv4.kernel.queue;
  const { bytes, networkHeader: at } = skb;
  const source = ipv4Source(bytes, at);
  const peer = ipv4.peers.get(source, now);
  if (now > peer.rateLast + REDIRECT_SILENCE) {
    peer.rateTokens = 0;
    peer.nRedirects = 0;
  }
  if (peer.nRedirects >= REDIRECT_NUMBER) {
    peer.rateLast = now;
    return;
  }
  if (peer.nRedirects !== 0 && now <= peer.rateLast + REDIRECT_LOAD * 2 ** peer.nRedirects) return;
  const destination = ipv4Destination(bytes, at);
  const gw = rt.gw === 0 ? destination : rt.gw;
  icmpSend(skb, ICMP_REDIRECT, ICMP_REDIR_HOST, gw);
  peer.rateLast = now;
  peer.nRedirects++;
  if (inDev.orConf(LOG_MARTIANS) && peer.nRedirects === REDIRECT_NUMBER) {
    ipv4.kernel.printk(
      `IPv4: host ${formatIpv4(source)}/if${skb.skbIif} ignores redirects for ${formatIpv4(destination)} to ${formatIpv4(gw)}`,
    );
  }
}

/**
 * A router says that there is a better gateway. `data` stands at the header of the packet that it is about,
 * the ICMP header lies at `transportHeader`.
 * @kernel net/ipv4/route.c __ip_do_redirect
 */
export function ipDoRedirect(rt: Rtable, skb: SkBuff, flow: Flowi4): void {
  const { bytes, transportHeader: icmp } = skb;
  if ((icmpCode(bytes, icmp) & 7) > 3) return;
  const newGw: Ipv4 = icmpRest(bytes, icmp);
  const oldGw = ipv4Source(bytes, skb.networkHeader);
  if (!rt.usesGateway || rt.gw !== oldGw) return;
  const dev = skb.dev!;
  const inDev = inDevGet(dev);
  if (inDev === undefined) return;
  const { ipv4 } = inDev;
  const usable =
    newGw !== oldGw &&
    inDev.rxRedirects &&
    !isMulticastIpv4(newGw) &&
    newGw !== INADDR_BROADCAST &&
    !isZeronetIpv4(newGw) &&
    (inDev.sharedMedia
      ? inetAddrType(ipv4, newGw) === RTN_UNICAST
      : inetAddrOnlink(inDev, newGw, oldGw) && !(inDev.orConf(SECURE_REDIRECTS) && !ipFibCheckDefault(newGw, dev)));
  if (!usable) {
    if (inDev.orConf(LOG_MARTIANS)) logRejected(skb, oldGw, newGw, dev.name);
    return;
  }
  const neigh = inDevGet(rt.dev)?.arp.lookup(newGw, rt.dev) ?? inDevGet(rt.dev)?.arp.create(newGw, rt.dev);
  if (neigh === undefined) return;
  if ((neigh.state & NUD_VALID) === 0) {
    neighEventSend(neigh, undefined);
    return;
  }
  const res = new FibResult();
  if (fibLookup(ipv4, flow, res) === 0) {
    fibSelectPath(ipv4, res, flow, undefined);
    updateOrCreateFnhe(ipv4, res.nh!, flow.daddr, newGw, 0, false, ipv4.kernel.queue.now + GC_TIMEOUT);
  }
  rt.obsolete = true;
}

function logRejected(skb: SkBuff, oldGw: Ipv4, newGw: Ipv4, name: string): void {
  const saddr = formatIpv4(ipv4Source(skb.bytes, skb.data));
  const daddr = formatIpv4(ipv4Destination(skb.bytes, skb.data));
  skb.kernel.printk(`IPv4: Redirect from ${formatIpv4(oldGw)} on ${name} about ${formatIpv4(newGw)} ignored`);
  skb.kernel.printk(`  Advised path = ${saddr} -> ${daddr}`);
}
