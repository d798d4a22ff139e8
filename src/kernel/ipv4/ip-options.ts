/** IPv4 options: record route and timestamp are filled in on the way, source routes are not followed. */
import { RTN_UNICAST } from '../../uapi/rtnetlink.ts';
import { type Ipv4, ipv4At, putIpv4, putU32 } from '../../wire/addr.ts';
import {
  IPOPT_END,
  IPOPT_LSRR,
  IPOPT_NOOP,
  IPOPT_RA,
  IPOPT_RR,
  IPOPT_SSRR,
  IPOPT_TIMESTAMP,
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Source,
  ipv4Tos,
  putIpv4Checksum,
} from '../../wire/ipv4.ts';
import { type SkBuff, skbEnsureWritable } from '../core/skbuff.ts';
import { FibResult, Flowi4 } from './fib.ts';
import { fibLookup, inetAddrType } from './fib-lookup.ts';
import { fibResultPrefsrc } from './fib-semantics.ts';
import { fibComputeSpecDst } from './fib-validate.ts';
import { inetSelectAddr } from './inet-addr.ts';
import type { Ipv4Net } from './ipv4-net.ts';
import { type Rtable, skbRtable } from './rtable.ts';

const IPOPT_TS_TSONLY = 0;
const IPOPT_TS_TSANDADDR = 1;
const IPOPT_TS_PRESPEC = 3;
const DAY_MS = 86_400_000;

/** What options a packet has: offsets from its IP header, 0 for none (struct ip_options). */
export class IpOptions {
  optlen = 0;
  srr = 0;
  strictRoute = false;
  faddr: Ipv4 = 0;
  rr = 0;
  rrNeedaddr = false;
  ts = 0;
  tsNeedaddr = false;
  tsNeedtime = false;
  routerAlert = false;
  changed = false;
}

const compiled = new WeakMap<SkBuff, IpOptions>();

/** The options found in a received packet; undefined when it has none. */
export function ipcbOptions(skb: SkBuff): IpOptions | undefined {
  return compiled.get(skb);
}

/** Milliseconds since midnight. @kernel net/ipv4/af_inet.c inet_current_timestamp #P[counts from boot] */
export function inetCurrentTimestamp(ipv4: Ipv4Net): number {
  return Math.floor(ipv4.kernel.queue.now / 1e6) % DAY_MS;
}

/**
 * Check the options at `at + 20` and find their parts; for a received packet (`skb`), fill in what is ours to
 * fill in. The options, or the offset of what is wrong with them.
 * @kernel net/ipv4/ip_options.c __ip_options_compile #P[CIPSO]
 */
export function ipOptionsCompile(
  ipv4: Ipv4Net,
  bytes: Uint8Array,
  at: number,
  optlen: number,
  skb: SkBuff | undefined,
): IpOptions | number {
  const opt = new IpOptions();
  opt.optlen = optlen;
  const end = at + IPV4_HEADER_LENGTH + optlen;
  const rt = skb === undefined ? undefined : skbRtable(skb);
  let p = at + IPV4_HEADER_LENGTH;
  while (p < end) {
    const kind = bytes[p]!;
    if (kind === IPOPT_END) {
      for (p++; p < end; p++) {
        if (bytes[p] === IPOPT_END) continue;
        bytes[p] = IPOPT_END;
        opt.changed = true;
      }
      break;
    }
    if (kind === IPOPT_NOOP) {
      p++;
      continue;
    }
    const length = p + 1 < end ? bytes[p + 1]! : 0;
    if (length < 2 || p + length > end) return p - at;
    let wrong = -1;
    if (kind === IPOPT_SSRR || kind === IPOPT_LSRR) wrong = compileSrr(opt, bytes, at, p, length, skb);
    else if (kind === IPOPT_RR) wrong = compileRr(opt, bytes, at, p, length, skb, rt);
    else if (kind === IPOPT_TIMESTAMP) wrong = compileTs(ipv4, opt, bytes, at, p, length, skb, rt);
    else if (kind === IPOPT_RA) {
      if (length < 4) wrong = 1;
      else if (bytes[p + 2] === 0 && bytes[p + 3] === 0) opt.routerAlert = true;
    }
    if (wrong >= 0) return p + wrong - at;
    p += length;
  }
  return opt;
}

/** Each returns the offset in the option of what is wrong, or -1. */
function compileSrr(
  opt: IpOptions,
  bytes: Uint8Array,
  at: number,
  p: number,
  length: number,
  skb: SkBuff | undefined,
): number {
  if (length < 3) return 1;
  if (bytes[p + 2]! < 4) return 2;
  if (opt.srr !== 0) return 0;
  if (skb === undefined) {
    if (bytes[p + 2] !== 4 || length < 7 || ((length - 3) & 3) !== 0) return 1;
    opt.faddr = ipv4At(bytes, p + 3);
    if (length > 7) bytes.copyWithin(p + 3, p + 7, p + length);
  }
  opt.strictRoute = bytes[p] === IPOPT_SSRR;
  opt.srr = p - at;
  return -1;
}

function compileRr(
  opt: IpOptions,
  bytes: Uint8Array,
  at: number,
  p: number,
  length: number,
  skb: SkBuff | undefined,
  rt: Rtable | undefined,
): number {
  if (opt.rr !== 0) return 0;
  if (length < 3) return 1;
  const pointer = bytes[p + 2]!;
  if (pointer < 4) return 2;
  if (pointer <= length) {
    if (pointer + 3 > length) return 2;
    if (rt !== undefined) {
      putIpv4(bytes, p + pointer - 1, fibComputeSpecDst(skb!));
      opt.changed = true;
    }
    bytes[p + 2] = pointer + 4;
    opt.rrNeedaddr = true;
  }
  opt.rr = p - at;
  return -1;
}

function compileTs(
  ipv4: Ipv4Net,
  opt: IpOptions,
  bytes: Uint8Array,
  at: number,
  p: number,
  length: number,
  skb: SkBuff | undefined,
  rt: Rtable | undefined,
): number {
  if (opt.ts !== 0) return 0;
  if (length < 4) return 1;
  const pointer = bytes[p + 2]!;
  if (pointer < 5) return 2;
  const flag = bytes[p + 3]! & 15;
  if (pointer <= length) {
    if (pointer + 3 > length) return 2;
    let time = -1;
    if (flag === IPOPT_TS_TSONLY) {
      if (skb !== undefined) time = p + pointer - 1;
      opt.tsNeedtime = true;
      bytes[p + 2] = pointer + 4;
    } else if (flag === IPOPT_TS_TSANDADDR) {
      if (pointer + 7 > length) return 2;
      if (rt !== undefined) {
        putIpv4(bytes, p + pointer - 1, fibComputeSpecDst(skb!));
        time = p + pointer + 3;
      }
      opt.tsNeedaddr = true;
      opt.tsNeedtime = true;
      bytes[p + 2] = pointer + 8;
    } else if (flag === IPOPT_TS_PRESPEC) {
      if (pointer + 7 > length) return 2;
      if (inetAddrType(ipv4, ipv4At(bytes, p + pointer - 1)) !== RTN_UNICAST) {
        if (skb !== undefined) time = p + pointer + 3;
        opt.tsNeedtime = true;
        bytes[p + 2] = pointer + 8;
      }
    }
    if (time >= 0) {
      putU32(bytes, time, inetCurrentTimestamp(ipv4));
      opt.changed = true;
    }
  } else if (flag !== IPOPT_TS_PRESPEC) {
    const overflow = bytes[p + 3]! >>> 4;
    if (overflow === 15) return 3;
    if (skb !== undefined) {
      bytes[p + 3] = flag | ((overflow + 1) << 4);
      opt.changed = true;
    }
  }
  opt.ts = p - at;
  return -1;
}

/**
 * The options of a received packet: remembered with it, or the offset of what is wrong. `data` stands at the
 * IP header.
 */
export function ipOptionsReceive(ipv4: Ipv4Net, skb: SkBuff): IpOptions | number {
  skbEnsureWritable(skb);
  const at = skb.networkHeader;
  const optlen = ipv4HeaderLength(skb.bytes, at) - IPV4_HEADER_LENGTH;
  const opt = ipOptionsCompile(ipv4, skb.bytes, at, optlen, skb);
  if (typeof opt !== 'number') compiled.set(skb, opt);
  return opt;
}

/** A datagram put together has the options of its first fragment. */
export function ipOptionsInherit(whole: SkBuff, first: SkBuff): void {
  const opt = compiled.get(first);
  if (opt === undefined) compiled.delete(whole);
  else compiled.set(whole, opt);
}

/**
 * The address by which a packet leaves, for record route.
 * @kernel net/ipv4/route.c ip_rt_get_source
 */
function ipRtGetSource(skb: SkBuff, rt: Rtable): Ipv4 {
  const { bytes, networkHeader: at } = skb;
  if (!rt.isInput) return ipv4Source(bytes, at);
  const flow = new Flowi4();
  flow.daddr = ipv4Destination(bytes, at);
  flow.saddr = ipv4Source(bytes, at);
  flow.tos = ipv4Tos(bytes, at) & 0xfc;
  flow.oif = rt.dev.ifindex;
  flow.mark = skb.mark;
  const res = new FibResult();
  if (fibLookup(rt.ipv4, flow, res) === 0) return fibResultPrefsrc(res);
  return inetSelectAddr(rt.dev, rt.gw === 0 ? flow.daddr : rt.gw, 0);
}

/** @kernel net/ipv4/ip_options.c ip_forward_options #P[source routes] */
export function ipForwardOptions(skb: SkBuff): void {
  const opt = compiled.get(skb);
  const rt = skbRtable(skb)!;
  if (opt === undefined) return;
  skbEnsureWritable(skb);
  const { bytes, networkHeader: at } = skb;
  if (opt.rrNeedaddr) {
    const p = at + opt.rr;
    putIpv4(bytes, p + bytes[p + 2]! - 5, ipRtGetSource(skb, rt));
    opt.changed = true;
  }
  if (opt.tsNeedaddr) {
    const p = at + opt.ts;
    putIpv4(bytes, p + bytes[p + 2]! - 9, ipRtGetSource(skb, rt));
    opt.changed = true;
  }
  if (!opt.changed) return;
  opt.changed = false;
  putIpv4Checksum(bytes, at);
}

/** Options to send: their bytes, padded, and their parts at offsets from the IP header. */
export interface SendOptions {
  readonly bytes: Uint8Array;
  readonly opt: IpOptions;
}

/**
 * Put options into a header that is being built at `at`.
 * @kernel net/ipv4/ip_options.c ip_options_build
 */
export function ipOptionsBuild(skb: SkBuff, send: SendOptions, at: number, daddr: Ipv4, rt: Rtable): void {
  const { bytes } = skb;
  const { opt } = send;
  bytes.set(send.bytes, at + IPV4_HEADER_LENGTH);
  if (opt.srr !== 0) putIpv4(bytes, at + opt.srr + bytes[at + opt.srr + 1]! - 4, daddr);
  if (opt.rrNeedaddr) putIpv4(bytes, at + opt.rr + bytes[at + opt.rr + 2]! - 5, ipRtGetSource(skb, rt));
  if (opt.tsNeedaddr) putIpv4(bytes, at + opt.ts + bytes[at + opt.ts + 2]! - 9, ipRtGetSource(skb, rt));
  if (opt.tsNeedtime) putU32(bytes, at + opt.ts + bytes[at + opt.ts + 2]! - 5, inetCurrentTimestamp(rt.ipv4));
  compiled.set(skb, Object.assign(new IpOptions(), opt));
}

/**
 * The options of an answer to a received packet: record route and timestamp go back with room taken for us.
 * @kernel net/ipv4/ip_options.c __ip_options_echo #P[source routes]
 */
export function ipOptionsEcho(ipv4: Ipv4Net, skb: SkBuff): SendOptions | undefined {
  const sopt = compiled.get(skb);
  if (sopt === undefined || (sopt.rr === 0 && sopt.ts === 0)) return undefined;
  const { bytes, networkHeader: at } = skb;
  const opt = new IpOptions();
  const parts: number[] = [];
  if (sopt.rr !== 0) {
    const p = at + sopt.rr;
    const length = bytes[p + 1]!;
    const pointer = bytes[p + 2]!;
    const copy = Array.from(bytes.subarray(p, p + length));
    opt.rr = IPV4_HEADER_LENGTH + parts.length;
    if (sopt.rrNeedaddr && pointer <= length) {
      if (pointer + 3 > length) return undefined;
      copy[2] = pointer + 4;
      opt.rrNeedaddr = true;
    }
    parts.push(...copy);
  }
  if (sopt.ts !== 0) {
    const p = at + sopt.ts;
    const length = bytes[p + 1]!;
    let pointer = bytes[p + 2]!;
    const copy = Array.from(bytes.subarray(p, p + length));
    opt.ts = IPV4_HEADER_LENGTH + parts.length;
    if (pointer <= length) {
      if (sopt.tsNeedaddr) {
        if (pointer + 3 > length) return undefined;
        opt.tsNeedaddr = true;
        pointer += 4;
      }
      if (sopt.tsNeedtime) {
        if (pointer + 3 > length) return undefined;
        if ((copy[3]! & 15) !== IPOPT_TS_PRESPEC) {
          opt.tsNeedtime = true;
          pointer += 4;
        } else if (pointer + 7 <= length && inetAddrType(ipv4, ipv4At(bytes, p + pointer - 1)) !== RTN_UNICAST) {
          opt.tsNeedtime = true;
          pointer += 8;
        }
      }
      copy[2] = pointer;
    }
    parts.push(...copy);
  }
  while (parts.length % 4 !== 0) parts.push(IPOPT_END);
  opt.optlen = parts.length;
  return { bytes: Uint8Array.from(parts), opt };
}

/** Options that a socket sends with (IP_OPTIONS); undefined when they are not right. */
export function ipOptionsGet(ipv4: Ipv4Net, given: Uint8Array): SendOptions | undefined {
  if (given.length > 40) return undefined;
  const padded = new Uint8Array(IPV4_HEADER_LENGTH + ((given.length + 3) & ~3));
  padded.set(given, IPV4_HEADER_LENGTH);
  const opt = ipOptionsCompile(ipv4, padded, 0, padded.length - IPV4_HEADER_LENGTH, undefined);
  return typeof opt === 'number' ? undefined : { bytes: padded.subarray(IPV4_HEADER_LENGTH), opt };
}
