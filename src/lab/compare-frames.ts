/**
 * How far two machines sent the same frames over the same interfaces: as a multiset for each interface,
 * and in the same order among the frames between the same two addresses. Between conversations the order
 * is a matter of timing, and not compared.
 */
import { DEFAULT_PRINT_OPTIONS } from '../capture/dissection.ts';
import { DLT_EN10MB } from '../capture/linktype.ts';
import { PacketPrinter } from '../capture/print.ts';
import { TcpConversations } from '../capture/tcp-conversations.ts';
import { u16At } from '../wire/addr.ts';
import { frameKey, maskFrame } from './mask-frame.ts';
import { type InterfaceFrames, placeOf, type SeenFrame } from './observation.ts';
import type { RandomAddresses } from './random-address.ts';

/** The frames of a run, and what is needed to understand them. */
export interface FrameRun {
  interfaces: readonly InterfaceFrames[];
  addresses: RandomAddresses;
  /** When each command of the lab began, nanoseconds since the machine started. A script is one command. */
  commands: readonly number[];
}

export interface FrameDifference {
  /** `eth0 in ns1`. */
  place: string;
  /** Frames that only one of them has, or that came in another order there, oldest first. */
  lines: readonly { kind: 'first' | 'second' | 'order'; text: string; count: number }[];
}

export interface FrameAgreement {
  interfaces: number;
  /** Frames of the one with more, interface by interface. */
  frames: number;
  /** Frames that both have. */
  agreeing: number;
  /** Of these, in the same order within their conversation. */
  inOrder: number;
  /** Frames of the first that passed before the second one's capture listened, and so cannot be expected there. */
  unseen: number;
  differences: readonly FrameDifference[];
}

interface Entry {
  time: number;
  key: string;
  conversation: string;
  text: () => string;
}

/** Compare two runs; the first one's captures listened from the beginning. */
export function compareFrames(first: FrameRun, second: FrameRun): FrameAgreement {
  const places = new Map<string, [InterfaceFrames | undefined, InterfaceFrames | undefined]>();
  for (const one of first.interfaces) places.set(placeOf(one), [one, undefined]);
  for (const other of second.interfaces) places.set(placeOf(other), [places.get(placeOf(other))?.[0], other]);
  const total = { interfaces: 0, frames: 0, agreeing: 0, inOrder: 0, unseen: 0 };
  const differences: FrameDifference[] = [];
  for (const [place, [one, other]] of places) {
    const ours = entriesOf(one?.frames ?? [], first.addresses);
    const theirs = entriesOf(other?.frames ?? [], second.addresses);
    if (ours.length === 0 && theirs.length === 0) continue;
    total.interfaces++;
    const wanted = countsOf(theirs);
    const rest = new Map(wanted);
    const onlyOurs = ours.filter(({ key }) => !takeOne(rest, key));
    const have = countsOf(ours);
    const onlyTheirs = theirs.filter(({ key }) => !takeOne(have, key));
    const missed = missedBy(other?.since ?? [], first.commands, second.commands);
    const expected = onlyOurs.filter(({ time }) => !missed(time));
    const agreeing = ours.length - onlyOurs.length;
    const outOfOrder = disorder(ours, theirs);
    total.unseen += onlyOurs.length - expected.length;
    total.frames += agreeing + Math.max(expected.length, onlyTheirs.length);
    total.agreeing += agreeing;
    total.inOrder += agreeing - outOfOrder.length;
    const lines = [
      ...grouped(expected, 'first', first.addresses),
      ...grouped(onlyTheirs, 'second', second.addresses),
      ...grouped(outOfOrder, 'order', first.addresses),
    ];
    if (lines.length > 0) differences.push({ place, lines });
  }
  return { ...total, differences };
}

/**
 * Whether a frame of the first machine, at its time there, may be missing from a capture that began to
 * listen on the second machine at `since`: it was sent by a command that had begun by then. A script is
 * one command, and real time runs no faster than virtual time.
 */
function missedBy(since: readonly number[], ours: readonly number[], theirs: readonly number[]) {
  const windows = since.map((at, i) => {
    if (ours.length <= 1) return [i === 0 ? 0 : since[i - 1]! - (theirs[0] ?? 0), at - (theirs[0] ?? 0)] as const;
    const next = theirs.findIndex((begun) => begun >= at);
    const to = next < 0 ? Number.POSITIVE_INFINITY : (ours[next] ?? Number.POSITIVE_INFINITY);
    return [i === 0 ? 0 : (ours[next - 1] ?? 0), to] as const;
  });
  return (time: number) => windows.some(([from, to]) => time >= from && time < to);
}

function entriesOf(frames: readonly SeenFrame[], addresses: RandomAddresses): Entry[] {
  return frames.map(({ time, data }) => {
    const masked = maskFrame(data);
    return { time, key: frameKey(masked, addresses), conversation: conversationOf(data), text: () => textOf(masked) };
  });
}

function countsOf(entries: readonly Entry[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of entries) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function takeOne(counts: Map<string, number>, key: string): boolean {
  const left = counts.get(key) ?? 0;
  if (left > 0) counts.set(key, left - 1);
  return left > 0;
}

/** Where the addresses of sender and receiver are, from the field of the protocol on: IPv4, ARP, IPv6. */
const ENDS: Readonly<Record<number, { from: number; to: number; size: number }>> = {
  2048: { from: 14, to: 18, size: 4 },
  2054: { from: 16, to: 26, size: 4 },
  34525: { from: 10, to: 26, size: 16 },
};

/** The two ends of an exchange, whichever of them sends. */
function conversationOf(frame: Uint8Array): string {
  let at = 12;
  while (at + 4 <= frame.length && (u16At(frame, at) === 0x8100 || u16At(frame, at) === 0x88a8)) at += 4;
  if (at + 2 > frame.length) return '';
  const type = u16At(frame, at);
  const { from, to, size } = ENDS[type] ?? { from: -at, to: 6 - at, size: 6 };
  const end = (offset: number) => frame.subarray(at + offset, at + offset + size).join('.');
  return [type, ...[end(from), end(to)].sort()].join(' ');
}

/** Frames that both have, but not in the same order within their conversation: as few as explain it. */
function disorder(ours: readonly Entry[], theirs: readonly Entry[]): Entry[] {
  const found: Entry[] = [];
  const rest = countsOf(theirs);
  const shared = ours.filter(({ key }) => takeOne(rest, key));
  const have = countsOf(ours);
  const sharedTheirs = theirs.filter(({ key }) => takeOne(have, key));
  for (const conversation of new Set(shared.map((entry) => entry.conversation))) {
    const one = shared.filter((entry) => entry.conversation === conversation);
    const other = sharedTheirs.filter((entry) => entry.conversation === conversation);
    if (one.every(({ key }, i) => key === other[i]?.key)) continue;
    found.push(...notInCommon(one, other));
  }
  return found;
}

/** The entries of `one` that are not in a longest common subsequence with `other`. */
function notInCommon(one: readonly Entry[], other: readonly Entry[]): Entry[] {
  const width = other.length + 1;
  const longest = new Uint32Array((one.length + 1) * width);
  for (let i = one.length - 1; i >= 0; i--) {
    for (let j = other.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        one[i]!.key === other[j]!.key
          ? longest[(i + 1) * width + j + 1]! + 1
          : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
    }
  }
  const left: Entry[] = [];
  for (let i = 0, j = 0; i < one.length; ) {
    if (j < other.length && one[i]!.key === other[j]!.key) {
      i++;
      j++;
    } else if (j < other.length && longest[(i + 1) * width + j]! < longest[i * width + j + 1]!) j++;
    else left.push(one[i++]!);
  }
  return left;
}

/** Equal frames as one line. */
function grouped(entries: readonly Entry[], kind: 'first' | 'second' | 'order', addresses: RandomAddresses) {
  const lines = new Map<string, { kind: typeof kind; text: string; count: number }>();
  for (const { key, text } of entries) {
    const known = lines.get(key);
    if (known === undefined) lines.set(key, { kind, text: addresses.inText(text()), count: 1 });
    else known.count++;
  }
  return [...lines.values()];
}

/** As `tcpdump -tne` prints it. */
function textOf(data: Uint8Array): string {
  const context = {
    options: { ...DEFAULT_PRINT_OPTIONS, n: 1, t: 1, e: 1 },
    hostName: () => undefined,
    interfaceName: () => undefined,
    conversations: new TcpConversations(),
  };
  const printer = new PacketPrinter(context, DLT_EN10MB);
  return printer.print({ seconds: 0, fraction: 0, length: data.length, data }, 1).trimEnd();
}
