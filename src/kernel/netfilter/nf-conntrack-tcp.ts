/** The TCP tracker: states by the flags that pass, in both directions. */
import { u16At, u32At } from '../../wire/addr.ts';
import { IPPROTO_TCP } from '../../wire/ipv4.ts';
import { TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from '../../wire/tcp.ts';
import { NF_ACCEPT, NF_DROP, NF_INET_PRE_ROUTING, NF_REPEAT, type NfHookState } from '../core/netfilter.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { ctinfo2dir, IPS_ASSURED, IPS_CONFIRMED, IPS_SEEN_REPLY, type NfConn, type TcpTrack } from './nf-conn.ts';
import { IPCT_ASSURED, IPCT_PROTOINFO, nfConntrackEventCache } from './nf-conntrack-ecache.ts';
import { nfCtAcctAdd, nfCtRefresh, nfIpChecksumBad } from './nf-conntrack-proto.ts';
import { type ConntrackNet, conntrackNet } from './nf-conntrack-state.ts';

/** enum tcp_conntrack */
export const TCP_CONNTRACK_SYN_SENT = 1;
export const TCP_CONNTRACK_SYN_RECV = 2;
export const TCP_CONNTRACK_ESTABLISHED = 3;
const FIN_WAIT = 4;
export const TCP_CONNTRACK_TIME_WAIT = 7;
export const TCP_CONNTRACK_CLOSE = 8;
const SYN_SENT2 = 9;
const INVALID = 10;
const IGNORE = 11;

export const TCP_CONNTRACK_NAMES = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SYN_SENT2',
] as const;

/** What of RST, SYN, FIN, ACK is set. */
const SYN_SET = 0;
const SYNACK_SET = 1;
const FIN_SET = 2;
const ACK_SET = 3;
const RST_SET = 4;
const NONE_SET = 5;

/** The table's letters, in order of the states; V is invalid, G is to be ignored. */
const LETTERS = 'NSREFCLTX2VG';
const row = (states: string): number[] => [...states].map((letter) => LETTERS.indexOf(letter));
const NOTHING = row('VVVVVVVVVV');

/** tcp_conntracks[direction][flags][old state] */
const TRANSITIONS: readonly (readonly (readonly number[])[])[] = [
  // In order of the old state: NONE, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT, CLOSE, SYN_SENT2.
  [
    row('SSGGGGGSS2'), // SYN
    row('VVRVVVVVVR'), // SYN, ACK
    row('VVFFLLLTXV'), // FIN
    row('EVEECCTTXV'), // ACK
    row('VXXXXXXXXX'), // RST
    NOTHING,
  ],
  [
    row('V2VVVVVSV2'), // SYN
    row('VRGGGGGGGR'), // SYN, ACK
    row('VVFFLLLTXV'), // FIN
    row('VGRECCTTXG'), // ACK
    row('VXXXXXXXXX'), // RST
    NOTHING,
  ],
];

const VALID_FLAGS = new Set([
  TCP_SYN,
  TCP_SYN | TCP_URG,
  TCP_SYN | TCP_ACK,
  TCP_RST,
  TCP_RST | TCP_ACK,
  TCP_FIN | TCP_ACK,
  TCP_FIN | TCP_ACK | TCP_URG,
  TCP_ACK,
  TCP_ACK | TCP_URG,
]);

/** @kernel net/netfilter/nf_conntrack_proto_tcp.c get_conntrack_index */
function conntrackIndex(flags: number): number {
  if (flags & TCP_RST) return RST_SET;
  if (flags & TCP_SYN) return flags & TCP_ACK ? SYNACK_SET : SYN_SET;
  if (flags & TCP_FIN) return FIN_SET;
  return flags & TCP_ACK ? ACK_SET : NONE_SET;
}

/** @kernel net/netfilter/nf_conntrack_proto_tcp.c tcp_error */
function tcpError(skb: SkBuff, at: number, cnet: ConntrackNet, state: NfHookState): boolean {
  const length = (skb.bytes[at + 12]! >>> 4) * 4;
  if (length < 20 || skb.tail - at < length) return true;
  if (state.hook === NF_INET_PRE_ROUTING && cnet.checksum !== 0 && nfIpChecksumBad(skb, at, IPPROTO_TCP)) return true;
  return !VALID_FLAGS.has(skb.bytes[at + 13]! & ~(TCP_ECE | TCP_CWR | TCP_PSH));
}

/** Sequence number after the segment. @kernel net/netfilter/nf_conntrack_proto_tcp.c segment_seq_plus_len */
function segmentEnd(skb: SkBuff, at: number): number {
  const flags = skb.bytes[at + 13]!;
  const length = skb.tail - at - (skb.bytes[at + 12]! >>> 4) * 4;
  return (u32At(skb.bytes, at + 4) + length + (flags & TCP_SYN ? 1 : 0) + (flags & TCP_FIN ? 1 : 0)) >>> 0;
}

/**
 * The first packet of a connection. False: nothing that could begin one.
 * @kernel net/netfilter/nf_conntrack_proto_tcp.c tcp_new
 */
function tcpNew(ct: NfConn, cnet: ConntrackNet, index: number): boolean {
  const state = TRANSITIONS[0]![index]![0]!;
  if (state >= INVALID || (state !== TCP_CONNTRACK_SYN_SENT && cnet.tcpLoose === 0)) return false;
  ct.tcp = {
    state: 0,
    lastDir: 0,
    lastIndex: NONE_SET,
    lastEnd: 0,
    retrans: 0,
    lastSeq: 0,
    lastAck: 0,
    lastWin: 0,
    closeInit: [false, false],
    unacknowledged: [false, false],
    end: [0, 0],
  };
  return true;
}

/** How long the connection lives in its new state, seconds. */
function timeoutOf(tcp: TcpTrack, cnet: ConntrackNet, index: number): number {
  const { tcp: byState, tcpMaxRetrans, tcpUnacknowledged } = cnet.timeouts;
  const timeout = byState[tcp.state]!;
  if (tcp.retrans >= cnet.tcpMaxRetrans && timeout > tcpMaxRetrans) return tcpMaxRetrans;
  if (index === RST_SET) return byState[TCP_CONNTRACK_CLOSE]!;
  const waiting = tcp.unacknowledged[0] || tcp.unacknowledged[1];
  return waiting && timeout > tcpUnacknowledged ? tcpUnacknowledged : timeout;
}

/** A segment that is not taken as the connection's: remembered, for what answers it. */
function remember(tcp: TcpTrack, skb: SkBuff, at: number, dir: number, index: number): void {
  tcp.lastIndex = index;
  tcp.lastDir = dir;
  tcp.lastSeq = u32At(skb.bytes, at + 4);
  tcp.lastEnd = segmentEnd(skb, at);
  tcp.lastWin = u16At(skb.bytes, at + 14);
}

/**
 * A verdict above zero, or the negative of one for a packet that is not part of the connection.
 * @kernel net/netfilter/nf_conntrack_proto_tcp.c nf_conntrack_tcp_packet #P[no window tracking: sequence numbers are not checked]
 */
export function nfConntrackTcpPacket(
  ct: NfConn,
  skb: SkBuff,
  at: number,
  ctinfo: number,
  cnet: ConntrackNet,
  state: NfHookState,
): number {
  if (tcpError(skb, at, cnet, state)) return -NF_ACCEPT;
  const index = conntrackIndex(skb.bytes[at + 13]!);
  if (!ct.confirmed && !tcpNew(ct, cnet, index)) return -NF_ACCEPT;
  const tcp = ct.tcp!;
  const dir = ctinfo2dir(ctinfo);
  const old = tcp.state;
  let next = TRANSITIONS[dir]![index]![old]!;

  if (next === INVALID) return -NF_ACCEPT;
  const reopens = next === TCP_CONNTRACK_SYN_SENT && old >= TCP_CONNTRACK_TIME_WAIT;
  if (reopens && (tcp.closeInit[0] || tcp.closeInit[1] || (tcp.lastDir === dir && tcp.lastIndex === RST_SET))) {
    // A closed connection is opened again: forget it and look once more.
    if ((ct.status & IPS_CONFIRMED) === 0) return -NF_DROP;
    cnet.table.remove(ct);
    return -NF_REPEAT;
  }
  if (reopens || next === IGNORE) {
    const answersIgnored = index === SYNACK_SET && tcp.lastIndex === SYN_SET && tcp.lastDir !== dir;
    if (!answersIgnored || u32At(skb.bytes, at + 8) !== tcp.lastEnd) {
      remember(tcp, skb, at, dir, index);
      return NF_ACCEPT;
    }
    next = TCP_CONNTRACK_SYN_RECV;
  }
  if (next === SYN_SENT2) tcp.lastIndex = SYN_SET;

  trackSegment(tcp, skb, at, dir, index);
  tcp.lastIndex = index;
  tcp.lastDir = dir;
  tcp.state = next;
  if (old !== next) nfConntrackEventCache(ct, IPCT_PROTOINFO);
  if (old !== next && next === FIN_WAIT) tcp.closeInit[dir] = true;

  const timeout = timeoutOf(tcp, cnet, index);
  if ((ct.status & IPS_SEEN_REPLY) === 0) {
    // Nothing but a RST came back: the connection is over.
    if (index === RST_SET) {
      if (ct.acct !== undefined) nfCtAcctAdd(ct.acct, skb);
      cnet.table.remove(ct);
      return NF_ACCEPT;
    }
    // A SYN sent once more does not keep the entry alive.
    if (index === SYN_SET && old === TCP_CONNTRACK_SYN_SENT) return NF_ACCEPT;
    const early = next === TCP_CONNTRACK_ESTABLISHED && timeout > cnet.timeouts.tcpUnacknowledged;
    nfCtRefresh(ct, early ? cnet.timeouts.tcpUnacknowledged : timeout);
    return NF_ACCEPT;
  }
  const answered = old === TCP_CONNTRACK_SYN_RECV || old === TCP_CONNTRACK_ESTABLISHED;
  if (answered && next === TCP_CONNTRACK_ESTABLISHED && (ct.status & IPS_ASSURED) === 0) {
    ct.status |= IPS_ASSURED;
    nfConntrackEventCache(ct, IPCT_ASSURED);
  }
  nfCtRefresh(ct, timeout);
  return NF_ACCEPT;
}

/** Retransmissions and data that waits for its acknowledgement shorten the life of a connection. */
function trackSegment(tcp: TcpTrack, skb: SkBuff, at: number, dir: 0 | 1, index: number): void {
  const { bytes } = skb;
  const [seq, ack, win, end] = [u32At(bytes, at + 4), u32At(bytes, at + 8), u16At(bytes, at + 14), segmentEnd(skb, at)];
  if ((end - tcp.end[dir]) | 0) {
    if (((end - tcp.end[dir]) | 0) > 0 || tcp.end[dir] === 0) {
      tcp.end[dir] = end;
      tcp.unacknowledged[dir] = true;
    }
  }
  const other = dir === 0 ? 1 : 0;
  if ((bytes[at + 13]! & TCP_ACK) !== 0 && ack === tcp.end[other]) tcp.unacknowledged[other] = false;
  if (index !== ACK_SET) return;
  const again = tcp.lastDir === dir && tcp.lastSeq === seq && tcp.lastAck === ack && tcp.lastEnd === end;
  tcp.retrans = again && tcp.lastWin === win ? tcp.retrans + 1 : 0;
  tcp.lastSeq = seq;
  tcp.lastAck = ack;
  tcp.lastEnd = end;
  tcp.lastWin = win;
}

/**
 * We answered with a RST: the connection will not go on.
 * @kernel net/netfilter/nf_conntrack_proto_tcp.c nf_conntrack_tcp_set_closing
 */
export function nfConntrackTcpSetClosing(ct: NfConn): void {
  if (!ct.confirmed || ct.tcp === undefined || ct.tcp.state === TCP_CONNTRACK_CLOSE) return;
  ct.tcp.state = TCP_CONNTRACK_CLOSE;
  nfCtRefresh(ct, conntrackNet.of(ct.net).timeouts.tcp[TCP_CONNTRACK_CLOSE]!);
}
