/**
 * Network address translation: which tuple a new connection gets. The tables say the range; here a
 * free tuple in it is found, and every later packet is rewritten alike.
 */
import type { Ipv4 } from '../../wire/addr.ts';
import { IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../../wire/ipv4.ts';
import { type NetNamespace, PerNet } from '../core/net-namespace.ts';
import { NF_ACCEPT, NF_INET_LOCAL_IN, NF_INET_POST_ROUTING } from '../core/netfilter.ts';
import {
  destinationOf,
  IPS_DST_NAT,
  IPS_DST_NAT_DONE,
  IPS_SRC_NAT,
  IPS_SRC_NAT_DONE,
  type NfConn,
  nfCtInvertTuple,
  portsOf,
  sameTuple,
  sourceOf,
  type Tuple,
} from './nf-conn.ts';
import { conntrackNet } from './nf-conntrack-state.ts';
import { NF_NAT_MANIP_DST, NF_NAT_MANIP_SRC } from './nf-nat-proto.ts';

/** struct nf_nat_range2: absent parts are not to be mapped. */
export interface NatRange2 {
  addr?: { min: Ipv4; max: Ipv4 };
  proto?: { min: number; max: number };
  /** First port of a shifted range (NF_NAT_RANGE_PROTO_OFFSET). */
  base?: number;
  /** NF_NAT_RANGE_PROTO_RANDOM or _FULLY: the port is always a new one. */
  random?: boolean;
  persistent?: boolean;
}

/** HOOK2MANIP() */
export function hook2manip(hook: number): number {
  return hook === NF_INET_POST_ROUTING || hook === NF_INET_LOCAL_IN ? NF_NAT_MANIP_SRC : NF_NAT_MANIP_DST;
}

/** Whether the tables have decided about this side of the connection. */
export function nfNatInitialized(ct: NfConn, manip: number): boolean {
  return (ct.status & (manip === NF_NAT_MANIP_SRC ? IPS_SRC_NAT_DONE : IPS_DST_NAT_DONE)) !== 0;
}

/** Connections by their original source, so that one source keeps one mapping. */
class BySource {
  readonly #map = new Map<number, NfConn[]>();

  #key({ src, ports }: Tuple): number {
    return src * 0x1_0000 + sourceOf(ports);
  }

  add(ct: NfConn): void {
    const key = this.#key(ct.original);
    const list = this.#map.get(key);
    if (list === undefined) this.#map.set(key, [ct]);
    else {
      // What never reached the table is forgotten here.
      const live = list.filter((other) => other.confirmed);
      live.unshift(ct);
      this.#map.set(key, live);
    }
  }

  remove(ct: NfConn): void {
    const key = this.#key(ct.original);
    const left = this.#map.get(key)?.filter((other) => other !== ct) ?? [];
    if (left.length > 0) this.#map.set(key, left);
    else this.#map.delete(key);
  }

  /** Confirmed connections of the tuple's source and protocol, newest first. */
  of(tuple: Tuple): readonly NfConn[] {
    const list = this.#map.get(this.#key(tuple)) ?? [];
    return list.filter((ct) => ct.confirmed && ct.proto === tuple.proto);
  }
}

class NatNet {
  readonly bySource = new BySource();
  readonly random: () => number;

  constructor(net: NetNamespace) {
    const random = net.kernel.random.stream(`nat ${net.number}`);
    this.random = () => random.u32() >>> 16;
    conntrackNet.of(net).table.onRemove = (ct) => this.bySource.remove(ct);
  }
}

const natNet: PerNet<NatNet> = new PerNet((net) => new NatNet(net));

/** Whether an answer to `tuple` would be taken for that of another connection. @kernel net/netfilter/nf_nat_core.c nf_nat_used_tuple */
function usedTuple(tuple: Tuple, ct: NfConn): boolean {
  const reply = nfCtInvertTuple(tuple);
  if (reply === undefined) return false;
  const h = conntrackNet.of(ct.net).table.findTuple(reply, ct.net.kernel.queue.now);
  return h !== undefined && h.ct !== ct;
}

const hasPorts = (proto: number) =>
  proto === IPPROTO_TCP || proto === IPPROTO_UDP || proto === IPPROTO_SCTP || proto === 33 || proto === 136;

/** @kernel net/netfilter/nf_nat_core.c l4proto_in_range */
function protoInRange({ proto, ports }: Tuple, manip: number, { min, max }: { min: number; max: number }): boolean {
  if (proto !== IPPROTO_ICMP && !hasPorts(proto)) return true;
  const source = proto === IPPROTO_ICMP || manip === NF_NAT_MANIP_SRC;
  const port = source ? sourceOf(ports) : destinationOf(ports);
  return port >= min && port <= max;
}

/** @kernel net/netfilter/nf_nat_core.c nf_in_range */
function inRange(tuple: Tuple, { addr, proto }: NatRange2): boolean {
  if (addr !== undefined && (tuple.src < addr.min || tuple.src > addr.max)) return false;
  return proto === undefined || protoInRange(tuple, NF_NAT_MANIP_SRC, proto);
}

/** @kernel net/netfilter/nf_nat_core.c find_appropriate_src */
function findAppropriateSrc(net: NetNamespace, tuple: Tuple, range: NatRange2): Tuple | undefined {
  for (const ct of natNet.of(net).bySource.of(tuple)) {
    const mapped = nfCtInvertTuple(ct.reply);
    if (mapped === undefined) continue;
    const result = {
      src: mapped.src,
      dst: tuple.dst,
      ports: ((mapped.ports & 0xffff_0000) | (tuple.ports & 0xffff)) >>> 0,
      proto: tuple.proto,
    };
    if (inRange(result, range)) return result;
  }
  return undefined;
}

const rol = (x: number, k: number) => (x << k) | (x >>> (32 - k));
const swap32 = (x: number) => (x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);

/** The kernel's hash of an IPv4 address in a sixteen-byte union. @kernel include/linux/jhash.h jhash2 */
function hashAddress(address: Ipv4, seed: number): number {
  let a = (0xdead_beef + (4 << 2) + seed) | 0;
  let b = a;
  let c = a;
  a = (a + swap32(address)) | 0;
  a = (a - c) | 0;
  a ^= rol(c, 4);
  c = (c + b) | 0;
  b = (b - a) | 0;
  b ^= rol(a, 6);
  a = (a + c) | 0;
  c = (c - b) | 0;
  c ^= rol(b, 8);
  b = (b + a) | 0;
  a = (a - c) | 0;
  a ^= rol(c, 16);
  c = (c + b) | 0;
  b = (b - a) | 0;
  b ^= rol(a, 19);
  a = (a + c) | 0;
  c = (c - b) | 0;
  c ^= rol(b, 4);
  b = (b + a) | 0;
  c = ((c ^ b) - rol(b, 14)) | 0;
  a = ((a ^ c) - rol(c, 11)) | 0;
  b = ((b ^ a) - rol(a, 25)) | 0;
  c = ((c ^ b) - rol(b, 16)) | 0;
  a = ((a ^ c) - rol(c, 4)) | 0;
  b = ((b ^ a) - rol(a, 14)) | 0;
  return ((c ^ b) - rol(b, 24)) >>> 0;
}

/** One client keeps one address of a range. @kernel net/netfilter/nf_nat_core.c find_best_ips_proto */
function findBestIp(tuple: Tuple, { addr, persistent }: NatRange2, manip: number): Tuple {
  if (addr === undefined) return tuple;
  let address = addr.min;
  if (addr.min !== addr.max) {
    const hash = hashAddress(tuple.src, persistent ? 0 : swap32(tuple.dst));
    address = addr.min + Math.floor((hash * (addr.max - addr.min + 1)) / 0x1_0000_0000);
  }
  return manip === NF_NAT_MANIP_SRC ? { ...tuple, src: address } : { ...tuple, dst: address };
}

const MAX_ATTEMPTS = 128;

/** The ports (or identifiers) to choose from: the first, and how many; undefined when there is no choice. */
function portChoice(
  { proto, ports }: Tuple,
  range: NatRange2,
  manip: number,
): { min: number; size: number } | undefined {
  if (proto === IPPROTO_ICMP) {
    return range.proto === undefined
      ? { min: 0, size: 65_536 }
      : { min: range.proto.min, size: range.proto.max - range.proto.min + 1 };
  }
  if (!hasPorts(proto)) return undefined;
  if (range.proto !== undefined) {
    const [min, max] = [Math.min(range.proto.min, range.proto.max), Math.max(range.proto.min, range.proto.max)];
    return { min, size: max - min + 1 };
  }
  if (manip === NF_NAT_MANIP_DST) return undefined;
  const port = sourceOf(ports);
  if (port < 512) return { min: 1, size: 511 };
  return port < 1024 ? { min: 600, size: 424 } : { min: 1024, size: 64_512 };
}

/** @kernel net/netfilter/nf_nat_core.c nf_nat_l4proto_unique_tuple */
function uniqueProto(tuple: Tuple, range: NatRange2, manip: number, ct: NfConn): Tuple {
  const choice = portChoice(tuple, range, manip);
  if (choice === undefined) return tuple;
  const { random } = natNet.of(ct.net);
  const source = tuple.proto === IPPROTO_ICMP || manip === NF_NAT_MANIP_SRC;
  const old = source ? sourceOf(tuple.ports) : destinationOf(tuple.ports);
  let offset: number;
  if (range.base !== undefined) offset = (old - range.base) & 0xffff;
  else if (range.random || manip === NF_NAT_MANIP_SRC) offset = random();
  else offset = 0;
  let candidate = tuple;
  for (let attempts = Math.min(choice.size, MAX_ATTEMPTS); ; attempts = Math.floor(attempts / 2)) {
    for (let i = 0; i < attempts; i++, offset = (offset + 1) & 0xffff) {
      const port = choice.min + (offset % choice.size);
      const ports = source ? portsOf(port, destinationOf(tuple.ports)) : portsOf(sourceOf(tuple.ports), port);
      candidate = { ...tuple, ports };
      if (!usedTuple(candidate, ct)) return candidate;
    }
    if (attempts >= choice.size || attempts < 16) return candidate;
    offset = random();
  }
}

/** @kernel net/netfilter/nf_nat_core.c get_unique_tuple */
function uniqueTuple(original: Tuple, range: NatRange2, ct: NfConn, manip: number): Tuple {
  if (manip === NF_NAT_MANIP_SRC && !range.random) {
    if (inRange(original, range)) {
      if (!usedTuple(original, ct)) return original;
    } else {
      const known = findAppropriateSrc(ct.net, original, range);
      if (known !== undefined && !usedTuple(known, ct)) return known;
    }
  }
  const tuple = findBestIp(original, range, manip);
  if (!range.random) {
    const { proto, base } = range;
    if (proto === undefined) {
      if (!usedTuple(tuple, ct)) return tuple;
    } else if (base === undefined && protoInRange(tuple, manip, proto)) {
      if (proto.min === proto.max || !usedTuple(tuple, ct)) return tuple;
    }
  }
  return uniqueProto(tuple, range, manip, ct);
}

/**
 * Decide what one side of a new connection is mapped to. Once only: NF_ACCEPT.
 * @kernel net/netfilter/nf_nat_core.c nf_nat_setup_info
 */
export function nfNatSetupInfo(ct: NfConn, range: NatRange2, manip: number): number {
  if (ct.confirmed) return NF_ACCEPT;
  const current = nfCtInvertTuple(ct.reply);
  if (current === undefined) return NF_ACCEPT;
  const tuple = uniqueTuple(current, range, ct, manip);
  if (!sameTuple(tuple, current)) {
    const reply = nfCtInvertTuple(tuple)!;
    ct.reply.src = reply.src;
    ct.reply.dst = reply.dst;
    ct.reply.ports = reply.ports;
    ct.status |= manip === NF_NAT_MANIP_SRC ? IPS_SRC_NAT : IPS_DST_NAT;
  }
  if (manip === NF_NAT_MANIP_SRC) natNet.of(ct.net).bySource.add(ct);
  ct.status |= manip === NF_NAT_MANIP_SRC ? IPS_SRC_NAT_DONE : IPS_DST_NAT_DONE;
  return NF_ACCEPT;
}

/**
 * No rule matched: the connection keeps its addresses, but may need another port so as not to clash.
 * @kernel net/netfilter/nf_nat_core.c nf_nat_alloc_null_binding
 */
export function nfNatAllocNullBinding(ct: NfConn, hook: number): number {
  const manip = hook2manip(hook);
  const address = manip === NF_NAT_MANIP_SRC ? ct.reply.dst : ct.reply.src;
  return nfNatSetupInfo(ct, { addr: { min: address, max: address } }, manip);
}
