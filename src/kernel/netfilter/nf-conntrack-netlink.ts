/** Connection tracking over netlink: dumps, deletion, events. */
import type {
  ConntrackCounters,
  ConntrackEntry,
  ConntrackEvent,
  ConntrackEventType,
  ConntrackStats,
  ConntrackTuple,
  Ctnetlink,
} from '../../uapi/conntrack.ts';
import { IPPROTO_ICMP } from '../../wire/ipv4.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import { destinationOf, hasPorts, type NfConn, sourceOf, type Tuple } from './nf-conn.ts';
import { type ConntrackNet, conntrackNet } from './nf-conntrack-state.ts';
import { TCP_CONNTRACK_NAMES } from './nf-conntrack-tcp.ts';

/** @kernel net/netfilter/nf_conntrack_netlink.c ctnetlink_dump_tuples */
function tupleOf({ src, dst, ports, proto }: Tuple): ConntrackTuple {
  if (proto === IPPROTO_ICMP) {
    return { src, dst, icmpType: (ports >>> 8) & 0xff, icmpCode: ports & 0xff, icmpId: sourceOf(ports) };
  }
  return hasPorts(proto) ? { src, dst, sport: sourceOf(ports), dport: destinationOf(ports) } : { src, dst };
}

/** @kernel net/netfilter/nf_conntrack_netlink.c ctnetlink_fill_info */
function entryOf(ct: NfConn, now: number): ConntrackEntry {
  const entry: ConntrackEntry = {
    id: ct.id,
    protocol: ct.proto,
    original: tupleOf(ct.original),
    reply: tupleOf(ct.reply),
    status: ct.status,
    timeout: ct.expires(now),
    mark: ct.mark,
  };
  if (ct.tcp !== undefined) entry.tcpState = TCP_CONNTRACK_NAMES[ct.tcp.state]!;
  const { acct } = ct;
  if (acct !== undefined) {
    const counters = (dir: 0 | 1): ConntrackCounters => ({ packets: acct.packets[dir], bytes: acct.bytes[dir] });
    entry.counters = [counters(0), counters(1)];
  }
  if (ct.start >= 0) {
    entry.start = ct.start;
    entry.age = Math.floor((now - ct.start) / 1e9);
  }
  return entry;
}

export class CtnetlinkSocket implements Ctnetlink {
  readonly #net: NetNamespace;

  constructor(net: NetNamespace) {
    this.#net = net;
  }

  get #state(): ConntrackNet | undefined {
    return conntrackNet.peek(this.#net);
  }

  get #now(): number {
    return this.#net.kernel.queue.now;
  }

  #connections(): NfConn[] {
    const table = this.#state?.table;
    table?.sweep(this.#now);
    return table?.all().sort((a, b) => a.timeout - b.timeout) ?? [];
  }

  dump(zero = false): ConntrackEntry[] {
    return this.#connections().map((ct) => {
      const entry = entryOf(ct, this.#now);
      if (zero && ct.acct !== undefined) ct.acct = { packets: [0, 0], bytes: [0, 0] };
      return entry;
    });
  }

  delete(id: number, pid: number): boolean {
    const ct = this.#connections().find((each) => each.id === id);
    if (ct === undefined) return false;
    this.#state!.table.remove(ct, pid);
    return true;
  }

  flush(pid: number): void {
    for (const ct of this.#connections()) this.#state!.table.remove(ct, pid);
  }

  count(): number {
    return this.#state?.count ?? 0;
  }

  stats(): ConntrackStats {
    const { invalid = 0, insertFailed = 0, drop = 0 } = this.#state?.stats ?? {};
    return { invalid, insertFailed, drop };
  }

  listen(listener: (event: ConntrackEvent) => void): () => void {
    const { listeners } = conntrackNet.of(this.#net);
    const hear = (ct: NfConn, type: ConntrackEventType, pid: number): void => {
      const entry = entryOf(ct, this.#now);
      // Only a connection's end tells how much there was of it.
      if (type !== 'destroy') {
        delete entry.counters;
        delete entry.start;
        delete entry.age;
      }
      listener({ type, entry, time: this.#now, pid });
    };
    listeners.add(hear);
    return () => listeners.delete(hear);
  }
}
