/**
 * Captures on every interface of a lab on a real kernel, by the machine's own tcpdump. The observer is a
 * bash in the machine's first PID namespace, the lab runs in one of its own below it: it does not see the
 * captures among its processes, and cannot end them.
 *
 * A capture cannot begin before its interface is up, and listens about 10 ms after it was started. The
 * observer therefore looks around when it is asked to (between the commands of a document, which wait for
 * it), or all the time (while a script runs), and says for every capture when it began to listen. A
 * capture keeps its namespace alive: it ends as soon as the namespace's name is gone.
 */
import type { Artifact } from '../lab/interface-recorder.ts';
import type { InterfaceFrames, SeenFrame } from '../lab/observation.ts';
import { captureFile, type FileFrame, readFrames } from '../lab/read-frames.ts';

/** Descriptors of the observer: what it is asked, and what it answers. */
export const OBSERVER_REQUESTS = 5;
export const OBSERVER_REPLIES = 6;

/** Seconds between two looks while a script runs. */
const INTERVAL = 0.01;
/** Seconds that the last frames get to arrive. */
const LAST = 0.2;

/** The observer; needs bash, nsenter, mount, stat and tcpdump. Descriptors 62 and 63 are its requests and replies. */
export const OBSERVER: string = `
set -m
declare -A inode running name
ns=() ifindex=() pids=()
ending= wait=
trap ending=1 USR1
look() {
  local id path space root dev index flags key
  local -A seen=([/]=own) alive=()
  stat -Lc '%i %n' /run/netns/* > names 2>/dev/null
  while read -r id path; do seen[\${path##*/}]=$id; done < names
  for space in "\${!inode[@]}"; do
    [ "\${seen[$space]}" = "\${inode[$space]}" ] && continue
    for key in "\${!running[@]}"; do
      [ "\${key%/*}" = "$space" ] || continue
      kill -KILL -- -\${pids[\${running[$key]}]} 2>/dev/null
      unset "running[$key]"
    done
    umount "/run/hairpin.frames/sys-$space"
    unset "inode[$space]"
  done
  for space in "\${!seen[@]}"; do
    if [ "$space" = / ]; then root=/sys
    else
      root=/run/hairpin.frames/sys-$space
      if [ -z "\${inode[$space]}" ]; then
        mkdir -p "$root"
        nsenter "--net=/run/netns/$space" mount -t sysfs sysfs "$root" || continue
        inode[$space]=\${seen[$space]}
      fi
    fi
    for dev in "$root"/class/net/*; do
      { read -r index < "$dev/ifindex" && read -r flags < "$dev/flags"; } || continue
      key=$space/$index
      alive[$key]=1 name[$key]=\${dev##*/}
      [ -z "\${running[$key]}" ] && (( flags & 1 )) && listen "$space" $index "\${dev##*/}"
    done
  done
  for key in "\${!running[@]}"; do [ -n "\${alive[$key]}" ] || unset "running[$key]"; done
}
listen() {
  local n=\${#ns[@]} line enter=()
  [ "$1" = / ] || enter=(nsenter "--net=/run/netns/$1")
  ns[n]=$1 ifindex[n]=$2
  { "\${enter[@]}" tcpdump -pnU --immediate-mode --time-stamp-precision=nano -i "$3" -w - > $n.pcap 2>&9; echo "ended $n" >&9; } &
  pids[n]=$!
  while read -r line <&9; do
    case $line in
      *'listening on '*) running[$1/$2]=$n; printf 'listening\\t%s\\n' $n >&63; return ;;
      "ended $n") return ;;
    esac
  done
}
# Without a place for its files it sees nothing.
mkdir -p /run/hairpin.frames && cd /run/hairpin.frames && mkfifo ready && exec 9<> ready || look() { :; }
printf 'ready\\t%s\\n' $EPOCHREALTIME >&63
while [ -z "$ending" ]; do
  request=
  if [ -n "$wait" ]; then read -r -t $wait -u 62 request; else read -r -u 62 request || [ -n "$ending" ] || break; fi
  case $request in
    end) break ;;
    watch) wait=${INTERVAL} ;;
  esac
  look 2>/dev/null
  [ -z "$request" ] || printf 'looked\\n' >&63
done
sleep ${LAST}
printf 'ended\\t%s\\n' $EPOCHREALTIME >&63
for n in "\${!pids[@]}"; do kill -KILL -- -\${pids[n]}; done 2>/dev/null
for n in "\${!ns[@]}"; do
  space=\${ns[n]}
  printf 'frames\\t%s\\t%s\\t%s\\t%s\\n' $n "\${space#/}" "\${name[$space/\${ifindex[n]}]}" $(stat -c %s $n.pcap) >&63
  cat $n.pcap >&63
done
printf 'done\\n' >&63
`;

/** Puts together what the observer says. */
export class ObserverReplies {
  readonly #now: () => number;
  #pending: Uint8Array = new Uint8Array(0);
  #onReady: () => void = () => undefined;
  #onLooked: () => void = () => undefined;
  #onDone: () => void = () => undefined;
  #isDone = false;
  #heardUntil: number | undefined;
  /** Nanoseconds since the epoch when the machine's clock was zero. */
  #epoch = 0n;
  readonly #since = new Map<string, number>();
  readonly #captures: { id: string; namespace: string; device: string; data: Uint8Array }[] = [];

  /** `now` is the machine's clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Call `done` when the observer has started. */
  onReady(done: () => void): void {
    this.#onReady = done;
  }

  /** Call `done` when the observer has looked around. */
  onLooked(done: () => void): void {
    this.#onLooked = done;
  }

  /** Call `done` when all frames are here. */
  onDone(done: () => void): void {
    if (this.#isDone) done();
    else this.#onDone = done;
  }

  push(chunk: Uint8Array): void {
    const joined = new Uint8Array(this.#pending.length + chunk.length);
    joined.set(this.#pending);
    joined.set(chunk, this.#pending.length);
    let at = 0;
    for (;;) {
      const end = joined.indexOf(10, at);
      if (end < 0) break;
      const words = new TextDecoder().decode(joined.subarray(at, end)).split('\t');
      const size = words[0] === 'frames' ? Number(words[4]) : 0;
      if (joined.length < end + 1 + size) break;
      this.#take(words, joined.subarray(end + 1, end + 1 + size));
      at = end + 1 + size;
    }
    this.#pending = joined.slice(at);
  }

  /** When the captures ended, by the machine's clock. */
  get heardUntil(): number | undefined {
    return this.#heardUntil;
  }

  /** The frames of each interface, the captures of one under the same name together. */
  interfaces(): InterfaceFrames[] {
    const found = new Map<string, { namespace: string; device: string; since: number[]; frames: SeenFrame[] }>();
    for (const { id, namespace, device, data } of this.#captures) {
      const since = this.#since.get(id);
      if (since === undefined) continue;
      const key = `${namespace}/${device}`;
      const place = found.get(key) ?? { namespace, device, since: [], frames: [] };
      found.set(key, place);
      place.since.push(since);
      for (const { time, data: frame } of readFrames(data)) {
        place.frames.push({ time: Number(time - this.#epoch), data: frame });
      }
    }
    return [...found.values()].map(({ namespace, ...place }) => ({
      ...(namespace === '' ? {} : { namespace }),
      ...place,
    }));
  }

  /** The same as files. */
  files(): Artifact[] {
    const found = new Map<string, { namespace: string; device: string; frames: FileFrame[] }>();
    for (const { namespace, device, data } of this.#captures) {
      const key = `${namespace}/${device}`;
      const place = found.get(key) ?? { namespace, device, frames: [] };
      found.set(key, place);
      place.frames.push(...readFrames(data));
    }
    const heard = [...found.values()].filter(({ device, frames }) => device !== 'lo' || frames.length > 0);
    return heard.map(({ namespace, device, frames }) => captureFile(namespace, device, frames));
  }

  #take(words: readonly string[], data: Uint8Array): void {
    const [kind, id = '', namespace = '', device = ''] = words;
    if (kind === 'ready') {
      this.#onReady();
      this.#epoch = nanoseconds(id) - BigInt(Math.round(this.#now()));
    } else if (kind === 'listening') this.#since.set(id, this.#now());
    else if (kind === 'ended') this.#heardUntil = Number(nanoseconds(id) - this.#epoch);
    else if (kind === 'looked') this.#onLooked();
    else if (kind === 'frames') this.#captures.push({ id, namespace, device, data: data.slice() });
    else if (kind === 'done') {
      this.#isDone = true;
      this.#onDone();
    }
  }
}

/** Nanoseconds of bash's EPOCHREALTIME, which has six decimals. */
export function nanoseconds(epochRealtime: string): bigint {
  const [seconds = '0', micro = '0'] = epochRealtime.split('.');
  return BigInt(seconds) * 1_000_000_000n + BigInt(micro) * 1000n;
}
