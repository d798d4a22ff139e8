/**
 * Sending the frames of a capture file into an interface of a lab: commands for the lab's shell, the same
 * on every backend. The machine's tcpreplay does the sending.
 */
import { DLT_EN10MB, datalinkName } from '../capture/linktype.ts';
import type { Packet } from '../capture/packet.ts';
import { pcapHeader, pcapRecord } from '../capture/pcap.ts';
import { readCapture } from '../capture/reader.ts';
import { concat } from './bytes.ts';

/** An interface, and which way frames pass it. */
export interface Target {
  namespace?: string;
  device: string;
  /** Out of it as if its machine sent them, or into it as if they came over the wire: from a veth's other end. */
  direction: 'out' | 'in';
}

/** What is wrong with a capture file, or its frames as a file that tcpreplay takes. */
export type FileCheck = { error: string } | { frames: number; file: Uint8Array; warning?: string };

const FILE = '/run/replay.pcap';
const SNAPLEN = 262_144;
const CHUNK = 48 * 1024;
const LINE = 76;
const MICROSECONDS = 1_000_000;

/** Read the whole file once, so that what is wrong with it is said before the lab runs. */
export function checkCapture(file: Uint8Array): FileCheck {
  const capture = readCapture(file);
  if (!('packets' in capture)) return { error: `not a capture file: ${capture.error}` };
  const { packets, dlt, error } = capture;
  if (dlt !== DLT_EN10MB) {
    return { error: `its frames are of type ${datalinkName(dlt) ?? dlt}; Ethernet (EN10MB) is needed` };
  }
  if (packets.length === 0) return { error: error ?? 'there is no frame in it' };
  const cut = packets.filter(({ data, length }) => data.length < length).length;
  const warnings = [
    ...(error === undefined ? [] : [`only the first ${packets.length} frames can be read: ${error}`]),
    ...(cut === 0 ? [] : [`${cut} of ${packets.length} frames were captured in part and are sent so`]),
  ];
  const earliest = Math.min(...packets.map(timeOf));
  const sendable = encode(packets.map((packet) => ({ time: timeOf(packet) - earliest, data: packet.data })));
  return { frames: packets.length, file: sendable, ...(warnings.length === 0 ? {} : { warning: warnings.join('; ') }) };
}

/** A capture file of frames that follow each other by `interval` seconds. */
export function captureOf(frames: readonly Uint8Array[], interval: number): Uint8Array {
  return encode(frames.map((data, i) => ({ time: Math.round(i * interval * MICROSECONDS), data })));
}

const timeOf = ({ seconds, fraction }: Packet): number => seconds * MICROSECONDS + fraction;

/** Times are microseconds; they are counted from one second on, as tcpreplay takes a time of zero for none. */
function encode(frames: readonly { time: number; data: Uint8Array }[]): Uint8Array {
  const records = frames.map(({ time, data }) => {
    const at = time + MICROSECONDS;
    return pcapRecord(Math.floor(at / MICROSECONDS), at % MICROSECONDS, data.length, data);
  });
  return concat([pcapHeader(DLT_EN10MB, SNAPLEN), ...records]);
}

/** Commands that put the file on the lab's machine. */
export function putCommands(file: Uint8Array): string[] {
  const commands: string[] = [];
  for (let at = 0; at < file.length; at += CHUNK) {
    const lines = base64(file.subarray(at, at + CHUNK)).match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
    commands.push(`base64 -d ${at === 0 ? '>' : '>>'} ${FILE} <<'END'\n${lines.join('\n')}\nEND`);
  }
  return commands;
}

/** The command that sends the file's frames; `options` are tcpreplay's. */
export function sendCommand({ namespace, device, direction }: Target, options: readonly string[]): string {
  const enter = namespace === undefined ? '' : `ip netns exec ${quote(namespace)} `;
  const words = options.map(quote).join(' ');
  const send = (where: string, name: string) =>
    `${where}tcpreplay ${words}${words === '' ? '' : ' '}-i ${name} ${FILE}`;
  if (direction === 'out') return send(enter, quote(device));
  return `${PEER}
peer ${quote(namespace ?? '')} ${quote(device)} && ${send('$PEER_ENTER ', '"$PEER"')}`;
}

/**
 * The other end of a veth pair, wherever it is: the one whose link has the first one's index, and the other
 * way round.
 */
const PEER = `peer() {
  local ns enter name index link own= all=
  for ns in "" $(ls /run/netns 2>/dev/null); do
    enter=\${ns:+ip netns exec $ns}
    for name in $($enter ip -o link show type veth | sed 's/^[0-9]*: //; s/@.*//'); do
      index=$($enter cat /sys/class/net/$name/ifindex)
      link=$($enter cat /sys/class/net/$name/iflink)
      if [ "$ns/$name" = "$1/$2" ]; then own="$link $index"; else all+="$ns/$name/$index $link"$'\n'; fi
    done
  done
  [ -n "$own" ] || { echo "$2 is no end of a veth pair: frames can only go out of it" >&2; return 1; }
  all=$(grep "/$own$" <<< "$all")
  case $all in
    "") echo "the other end of $2 is in no namespace that has a name" >&2; return 1 ;;
    *$'\n'*) echo "the other end of $2 cannot be told: name it, with --direction out" >&2; return 1 ;;
  esac
  ns=\${all%%/*} all=\${all#*/}
  PEER=\${all%/*} PEER_ENTER=\${ns:+ip netns exec $ns}
}`;

function quote(text: string): string {
  return /^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const bits = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += DIGITS[bits >>> 18]! + DIGITS[(bits >>> 12) & 63]!;
    text += left > 1 ? DIGITS[(bits >>> 6) & 63]! : '=';
    text += left > 2 ? DIGITS[bits & 63]! : '=';
  }
  return text;
}
