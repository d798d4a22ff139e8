/** What Tab offers in the interactive shell. */

/** Names that could be meant, from the machine. */
export interface Candidates {
  commands: readonly string[];
  interfaces: readonly string[];
  namespaces: readonly string[];
  files(folder: string): readonly { name: string; directory: boolean }[];
}

/** Words after which a command begins. */
const BEFORE_COMMAND = /(^|[|&;(){}!]|\b(?:then|do|else|time))\s*(?:(?:exec|sudo)\s+)?$/;
/** The namespace that a command is run in: the command follows. */
const NETNS_EXEC = /\bnetns\s+exec\s+\S+\s+$|\bnsenter\s+--net=\S+\s+$/;

/** Commands whose arguments are devices and namespaces rather than files. */
const NETWORK_COMMAND =
  /(?:^|[|&;({])\s*(?:ip|bridge|brctl|ping|arping|arp|route|ifconfig|tcpdump|iptables\S*)\s[^|&;]*$/;
const BEFORE_FILE = /\s-[rwFb]\s+$|[<>]\s*$/;

/** The completions of the last word of `line`, and that word: readline's contract. */
export function complete(line: string, from: Candidates): [string[], string] {
  const word = /[^\s;|&()<>'"=]*$/.exec(line)![0];
  const before = line.slice(0, line.length - word.length);
  const matching = (names: readonly string[]) =>
    names.filter((name) => name.startsWith(word)).map((name) => `${name} `);
  const isCommand = BEFORE_COMMAND.test(before) || NETNS_EXEC.test(before);
  if (isCommand && !word.includes('/')) return [unique(matching(from.commands)), word];
  const names = word.includes('/') ? [] : [...matching(from.interfaces), ...matching(from.namespaces)];
  const files = !NETWORK_COMMAND.test(before) || BEFORE_FILE.test(before) || word.includes('/');
  return [unique(files ? [...names, ...paths(word, from)] : names), word];
}

function paths(word: string, from: Candidates): string[] {
  const slash = word.lastIndexOf('/') + 1;
  const folder = word.slice(0, slash);
  const start = word.slice(slash);
  return from
    .files(folder === '' ? '.' : folder)
    .filter(({ name }) => name.startsWith(start) && (start !== '' || !name.startsWith('.')))
    .map(({ name, directory }) => `${folder}${name}${directory ? '/' : ' '}`);
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
