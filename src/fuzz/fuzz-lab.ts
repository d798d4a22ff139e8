/**
 * A lab of the fuzzer: commands that run one after the other, each shown with its output and status.
 * As a script it stands for itself: `hairpin run FILE --on twin,kernel` shows how it differs.
 */
import type { RanCommand } from '../lab/agreement.ts';

export interface FuzzLab {
  /** What it was generated from. */
  seed: number;
  commands: readonly string[];
}

/**
 * Helpers that the commands use. `t` shows a command, runs it and shows its status; `listen` and
 * `heard` are a capture: it begins when tcpdump says that it listens, not when some time has passed.
 * Its ring has room for a hundred frames of the greatest length, so that none of a burst is lost.
 * Nothing of the lab may read standard input, which is the script itself.
 */
const PRELUDE = String.raw`exec 2>&1
t() { printf '\n$ %s\n' "$1"; eval "$1" </dev/null; local s=$?; [ $s = 0 ] || printf '\n[%s]\n' $s; }
quiet6() { sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1; }
ns() { ip netns add "$1" && ip netns exec "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 && ip -n "$1" link set lo up; }
# One ARP request, and no answer within a tenth of a second is none; what is known is not asked for again soon.
hasty() { local d; for d; do sysctl -qw net/ipv4/neigh/$d/mcast_solicit=1 net/ipv4/neigh/$d/retrans_time_ms=100 net/ipv4/neigh/$d/delay_first_probe_time=60; done; }
hasty_in() { local n=$1 d; shift; for d; do ip netns exec $n sysctl -qw net/ipv4/neigh/$d/mcast_solicit=1 net/ipv4/neigh/$d/retrans_time_ms=100 net/ipv4/neigh/$d/delay_first_probe_time=60; done; }
listen() { local n=$1 d=$2 i; shift 2; : > /tmp/heard.err.$d; $([ $n = - ] || echo ip netns exec $n) tcpdump -lnne -t --immediate-mode -B 32768 -i $d "$@" > /tmp/heard.$d 2> /tmp/heard.err.$d & LISTENERS="$LISTENERS $!"; for i in {1..60}; do grep -q 'listening\|tcpdump: ' /tmp/heard.err.$d && break; sleep 0.05; done; }
heard() { sleep 0.3; kill $LISTENERS 2>/dev/null; wait $LISTENERS 2>/dev/null; LISTENERS=; local d; for d; do echo "-- $d"; cat /tmp/heard.$d; done; }
quiet6
`;

/** Ends the output of the last command. */
const END = '\n$ :\n';

/** The lab as a script. Commands have no single quotes. */
export function fuzzScript(lab: FuzzLab): string {
  return `${PRELUDE}${lab.commands.map((command) => `t '${command}'\n`).join('')}t :\n`;
}

/** The commands of a script that {@link fuzzScript} made. */
export function commandsOf(script: string): string[] {
  const commands = [...script.matchAll(/^t '(.*)'$/gm)];
  return commands.map((match) => match[1]!);
}

/** Line of the script on which the first command stands. */
export const FIRST_LINE: number = PRELUDE.split('\n').length;

/** The output of {@link fuzzScript} taken apart: what each command printed. A command that never ran is missing. */
export function ranCommands(lab: FuzzLab, output: string): RanCommand[] {
  const ran: RanCommand[] = [];
  let rest = output;
  for (const [index, command] of lab.commands.entries()) {
    const head = `\n$ ${command}\n`;
    const start = rest.indexOf(head);
    if (start < 0) break;
    rest = rest.slice(start + head.length);
    const next = lab.commands[index + 1];
    const end = rest.indexOf(next === undefined ? END : `\n$ ${next}\n`);
    const text = end < 0 ? rest : rest.slice(0, end);
    if (end >= 0) rest = rest.slice(end);
    const status = /\n\[(\d+)\]\n$/.exec(text);
    ran.push({
      command,
      line: FIRST_LINE + index,
      output: status === null ? text : text.slice(0, status.index),
      status: status === null ? 0 : Number(status[1]),
      expected: [],
    });
  }
  return ran;
}
