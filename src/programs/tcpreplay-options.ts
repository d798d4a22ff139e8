/** The command line of tcpreplay 4.4.3, read as GNU AutoOpts does. */
import { complain, type Process } from '../uapi/process.ts';

const USAGE = `tcpreplay (tcpreplay) - Replay network traffic stored in pcap files
Usage:  tcpreplay [ -<flag> [<val>] | --<name>[{=| }<val>] ]... \\
		<pcap_file(s)> | <pcap_dir(s)>

   -d, --dbug=num             Enable debugging output
   -q, --quiet                Quiet mode
   -T, --timer=str            Select packet timing mode: select, ioport, gtod, nano
       --maxsleep=num         Sleep for no more then X milliseconds between packets
   -v, --verbose              Print decoded packets via tcpdump to STDOUT
   -A, --decode=str           Arguments passed to tcpdump decoder
   -K, --preload-pcap         Preloads packets into RAM before sending
   -c, --cachefile=str        Split traffic via a tcpprep cache file
   -2, --dualfile             Replay two files at a time from a network tap
   -i, --intf1=str            Client to server/RX/primary traffic output interface
   -I, --intf2=str            Server to client/TX/secondary traffic output interface
       --listnics             List available network interfaces and exit
   -l, --loop=num             Loop through the capture file X times
       --loopdelay-ms=num     Delay between loops in milliseconds
       --pktlen               Override the snaplen and use the actual packet len
   -L, --limit=num            Limit the number of packets to send
       --duration=num         Limit the number of seconds to send
   -x, --multiplier=str       Modify replay speed to a given multiple
   -p, --pps=str              Replay packets at a given packets/sec
   -M, --mbps=str             Replay packets at a given Mbps
   -t, --topspeed             Replay packets as fast as possible
   -o, --oneatatime           Replay one packet at a time for each user input
       --pps-multi=num        Number of packets to send for each time interval
       --unique-ip            Modify IP addresses each loop iteration to generate unique flows
       --unique-ip-loops=str  Number of times to loop before assigning new unique ip
       --no-flow-stats        Suppress printing and tracking flow count, rates and expirations
       --flow-expiry=num      Number of inactive seconds before a flow is considered expired
   -P, --pid                  Print the PID of tcpreplay at startup
       --stats=num            Print statistics every X seconds, or every loop if '0'
   -V, --version              Print version information
   -h, --less-help            Display less usage information and exit
   -H, --help                 display extended usage information and exit
   -!, --more-help            extended usage information passed thru pager
       --save-opts[=arg]      save the option state to a config file
       --load-opts=str        load options from a config file

Options are specified by doubled hyphens and their name or by a single
hyphen and the flag character.
tcpreplay is a tool for replaying network traffic from files saved with
tcpdump or other tools which write pcap(3) files.

Please send bug reports to:  <tcpreplay-users@lists.sourceforge.net>
`;

/** How fast frames go out. */
export type Speed =
  | { by: 'time'; factor: number }
  | { by: 'packets'; perSecond: number }
  | { by: 'bits'; perSecond: number }
  | { by: 'top' };

export interface Options {
  device: string;
  files: readonly string[];
  speed: Speed;
  /** How often the files are sent; 0 is for ever. */
  loops: number;
  /** Nanoseconds between two of these. */
  loopDelay: number;
  /** Frames sent at most. */
  limit: number;
  /** Nanoseconds: no longer wait between two frames. */
  longestWait: number;
  preload: boolean;
  flowStatistics: boolean;
  printPid: boolean;
}

/** Name, letter, kind of argument, and whether the twin has it. */
const OPTIONS: readonly (readonly [
  name: string,
  letter: string,
  argument: 'none' | 'text' | 'number',
  modelled: boolean,
])[] = [
  ['dbug', 'd', 'number', false],
  ['quiet', 'q', 'none', true],
  ['timer', 'T', 'text', true],
  ['maxsleep', '', 'number', true],
  ['verbose', 'v', 'none', false],
  ['decode', 'A', 'text', false],
  ['preload-pcap', 'K', 'none', true],
  ['cachefile', 'c', 'text', false],
  ['dualfile', '2', 'none', false],
  ['intf1', 'i', 'text', true],
  ['intf2', 'I', 'text', false],
  ['listnics', '', 'none', false],
  ['loop', 'l', 'number', true],
  ['loopdelay-ms', '', 'number', true],
  ['pktlen', '', 'none', false],
  ['limit', 'L', 'number', true],
  ['duration', '', 'number', false],
  ['multiplier', 'x', 'text', true],
  ['pps', 'p', 'text', true],
  ['mbps', 'M', 'text', true],
  ['topspeed', 't', 'none', true],
  ['oneatatime', 'o', 'none', false],
  ['pps-multi', '', 'number', false],
  ['unique-ip', '', 'none', false],
  ['unique-ip-loops', '', 'text', false],
  ['no-flow-stats', '', 'none', true],
  ['flow-expiry', '', 'number', false],
  ['pid', 'P', 'none', true],
  ['stats', '', 'number', false],
  ['version', 'V', 'none', false],
  ['less-help', 'h', 'none', false],
  ['help', 'H', 'none', false],
  ['more-help', '!', 'none', false],
  ['save-opts', '', 'none', false],
  ['load-opts', '', 'text', false],
];

const LEAST: Readonly<Record<string, number>> = { limit: 1, loop: 0, 'loopdelay-ms': 0, maxsleep: 0 };
/** Each of them says how fast; two at once conflict, and are named in this order. */
const SPEEDS: readonly string[] = ['multiplier', 'pps', 'mbps', 'topspeed'];
const TIMERS: readonly string[] = ['select', 'ioport', 'gtod', 'nano'];
const MILLISECOND = 1_000_000;
const WRONG_USAGE = 1;
export const FATAL = 255;

/** The options, or the exit status of a command line that is no use. */
export function parseOptions(process: Process): Options | number {
  const given = new Map<string, string>();
  const words = process.argv.slice(1);
  while (words.length > 0 && words[0]!.startsWith('-') && words[0] !== '-') {
    const word = words.shift()!;
    if (word === '--') break;
    const status = word.startsWith('--')
      ? takeLong(process, word.slice(2), words, given)
      : takeShort(process, word, words, given);
    if (status !== undefined) return status;
  }
  return optionsOf(process, given, words);
}

type Given = Map<string, string>;

function takeLong(process: Process, text: string, words: string[], given: Given): number | undefined {
  const equals = text.indexOf('=');
  const start = equals < 0 ? text : text.slice(0, equals);
  const found = OPTIONS.find(([name]) => name === start) ?? OPTIONS.filter(([name]) => name.startsWith(start))[0];
  if (found === undefined || start === '') return wrong(process, `${programOf(process)}: illegal option -- ${start}`);
  const [name, , argument] = found;
  if (argument === 'none') return take(process, name, '', given);
  const value = equals >= 0 ? text.slice(equals + 1) : words.shift();
  if (value === undefined) return wrong(process, `${programOf(process)}: The '${name}' option requires an argument.`);
  return take(process, name, value, given);
}

function takeShort(process: Process, word: string, words: string[], given: Given): number | undefined {
  for (let at = 1; at < word.length; at++) {
    const found = OPTIONS.find(([, letter]) => letter === word[at]);
    if (found === undefined) return wrong(process, `${programOf(process)}: illegal option -- ${word[at]}`);
    const [name, , argument] = found;
    if (argument === 'none') {
      const status = take(process, name, '', given);
      if (status !== undefined) return status;
      continue;
    }
    const value = at + 1 < word.length ? word.slice(at + 1) : words.shift();
    if (value === undefined) return wrong(process, `${programOf(process)}: The '${name}' option requires an argument.`);
    return take(process, name, value, given);
  }
  return undefined;
}

/** The path that a shell would find it by. */
const programOf = (process: Process) =>
  process.argv[0]!.includes('/') ? process.argv[0]! : `/usr/bin/${process.argv[0]}`;

function take(process: Process, name: string, value: string, given: Given): number | undefined {
  const [, letter, argument, modelled] = OPTIONS.find(([other]) => other === name)!;
  if (!modelled) {
    complain(process, `tcpreplay: option ${letter === '' ? `--${name}` : `-${letter}`} is not modelled\n`);
    return WRONG_USAGE;
  }
  if (given.has(name)) return wrong(process, `tcpreplay error:  only one ${name} option allowed`);
  if (argument === 'number') {
    if (!/^[+-]?\d+$/.test(value)) return wrong(process, `tcpreplay error:  '${value}' is not a recognizable number.`);
    if (Number(value) < LEAST[name]!) {
      const range = `it must be in the range:\n\tgreater than or equal to ${LEAST[name]}`;
      return wrong(process, `tcpreplay error:  ${name} option value ${value} is out of range.\n${range}`);
    }
  }
  given.set(name, value);
  return undefined;
}

function wrong(process: Process, message: string): number {
  complain(process, `${message}\n${USAGE}`);
  return WRONG_USAGE;
}

function optionsOf(process: Process, given: Given, files: readonly string[]): Options | number {
  const speeds = SPEEDS.filter((name) => given.has(name));
  if (speeds.length > 1) {
    return wrong(process, `tcpreplay error:  the '${speeds[0]}' and '${speeds[1]}' options conflict`);
  }
  const device = given.get('intf1');
  if (device === undefined) return wrong(process, 'tcpreplay error:  The intf1 option is required');
  if (files.length === 0) return wrong(process, 'tcpreplay: Command line arguments required');
  const speed = speedOf(given, speeds[0]);
  if (typeof speed === 'string') return badArguments(process, 182, speed);
  const timer = given.get('timer');
  if (timer !== undefined && !TIMERS.includes(timer))
    return badArguments(process, 313, `Unsupported timer mode: ${timer}`);
  const number = (name: string, otherwise: number) => Number(given.get(name) ?? otherwise);
  return {
    device,
    files,
    speed,
    loops: number('loop', 1),
    loopDelay: number('loopdelay-ms', 0) * MILLISECOND,
    limit: number('limit', Number.POSITIVE_INFINITY),
    longestWait: number('maxsleep', Number.POSITIVE_INFINITY) * MILLISECOND,
    preload: given.has('preload-pcap'),
    flowStatistics: !given.has('no-flow-stats'),
    printPid: given.has('pid'),
  };
}

/** What the library below the program refuses. */
export function badArguments(process: Process, line: number, message: string): number {
  const where = `From tcpreplay_api.c:tcpreplay_post_args() line ${line}:`;
  complain(process, `\nFatal Error in tcpreplay.c:main() line 79:\n Unable to parse args: ${where}\n${message}\n`);
  return FATAL;
}

/** Numbers are read as atof() does: what is none is zero. */
function speedOf(given: Given, name: string | undefined): Speed | string {
  const text = given.get(name ?? '') ?? '';
  const value = Number.parseFloat(text) || 0;
  if (name === 'pps') return value > 0 ? { by: 'packets', perSecond: value } : `invalid pps value '${text}'`;
  if (name === 'mbps') return value > 0 ? { by: 'bits', perSecond: value * 1e6 } : { by: 'top' };
  if (name === 'topspeed') return { by: 'top' };
  return { by: 'time', factor: value > 0 ? value : 1 };
}
