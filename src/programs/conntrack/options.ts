/** The command line of conntrack 1.4.7: one command, and what limits it. */
import type { ConntrackEntry, ConntrackEventType } from '../../uapi/conntrack.ts';
import type { Process } from '../../uapi/process.ts';
import { type Ipv4, maskOf, parseIpv4 } from '../../wire/addr.ts';
import { protocolNumber } from '../../wire/protocols.ts';
import type { OutputFormat } from './output.ts';

export const VERSION = 'conntrack v1.4.7 (conntrack-tools)';

const PARAMETER_PROBLEM = 2;

/** exit_error(). */
export class ConntrackExit extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`exit ${status}`);
    this.status = status;
  }
}

export function parameterProblem(process: Process, text: string): never {
  process.stderr.write(`${VERSION}: ${text}\nTry \`conntrack -h' or 'conntrack --help' for more information.\n`);
  throw new ConntrackExit(PARAMETER_PROBLEM);
}

function notModelled(process: Process, what: string): never {
  process.stderr.write(`conntrack: "${what}" is not modelled\n`);
  throw new ConntrackExit(1);
}

export type Command = 'L' | 'D' | 'F' | 'C' | 'S' | 'E' | 'h' | 'V';

/** Short letters of commands, with their long names; capital letters are commands. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  L: ['dump'],
  I: ['create'],
  A: ['add'],
  D: ['delete'],
  U: ['update'],
  G: ['get'],
  F: ['flush'],
  E: ['event'],
  C: ['count'],
  S: ['stats'],
  h: ['help'],
  V: ['version'],
};

type Argument = 'none' | 'required' | 'optional';

/** Options by letter: names, the first of which is the one that complaints use. */
const OPTIONS: Readonly<Record<string, readonly [argument: Argument, ...names: string[]]>> = {
  s: ['required', 'orig-src', 'src'],
  d: ['required', 'orig-dst', 'dst'],
  r: ['required', 'reply-src'],
  q: ['required', 'reply-dst'],
  p: ['required', 'protonum'],
  t: ['required', 'timeout'],
  u: ['required', 'status'],
  e: ['required', 'event-mask'],
  z: ['none', 'zero'],
  m: ['required', 'mark'],
  f: ['required', 'family'],
  o: ['required', 'output'],
  n: ['optional', 'src-nat'],
  g: ['optional', 'dst-nat'],
  j: ['optional', 'any-nat'],
  b: ['required', 'buffer-size'],
  c: ['required', 'secmark'],
  w: ['required', 'zone'],
  l: ['required', 'label'],
};

/** Options of protocols, known behind -p only. */
const PORT_OPTIONS: Readonly<Record<string, string>> = {
  'orig-port-src': 'sport',
  sport: 'sport',
  'orig-port-dst': 'dport',
  dport: 'dport',
  'reply-port-src': 'replySport',
  'reply-port-dst': 'replyDport',
};
const ICMP_OPTIONS: Readonly<Record<string, string>> = {
  'icmp-type': 'icmpType',
  'icmp-code': 'icmpCode',
  'icmp-id': 'icmpId',
};

/** Which commands an option is for; others refuse it. Absent: all that look at connections. */
const ONLY: Readonly<Record<string, string>> = { t: '', e: 'E', z: 'L' };

interface Prefix {
  address: Ipv4;
  mask: Ipv4;
}

export interface ConntrackOptions {
  command: Command;
  table: string;
  filters: ((entry: ConntrackEntry) => boolean)[];
  events: ReadonlySet<ConntrackEventType>;
  zero: boolean;
  /** No IPv4 connection is meant. */
  otherFamily: boolean;
  output: OutputFormat;
}

const STATUS: Readonly<Record<string, number>> = {
  ASSURED: 1 << 2,
  SEEN_REPLY: 1 << 1,
  UNSET: 0,
  FIXED_TIMEOUT: 1 << 10,
  EXPECTED: 1 << 0,
  OFFLOAD: 1 << 14,
  HW_OFFLOAD: 1 << 15,
};

const SRC_NAT_DONE = 1 << 7;
const DST_NAT_DONE = 1 << 8;
const IPPROTO_ICMP = 1;

/** What has ports of its own is translated when they differ; the numbers of ICMP are not alike on both sides. */
function translatedSource({ status, protocol, original, reply }: ConntrackEntry): boolean {
  if ((status & SRC_NAT_DONE) === 0) return false;
  return reply.dst !== original.src || protocol === IPPROTO_ICMP || reply.dport !== original.sport;
}

function translatedDestination({ status, protocol, original, reply }: ConntrackEntry): boolean {
  if ((status & DST_NAT_DONE) === 0) return false;
  return reply.src !== original.dst || protocol === IPPROTO_ICMP || reply.sport !== original.dport;
}

class Reader {
  readonly #process: Process;
  readonly #words: string[];
  command: Command | undefined;
  table = 'conntrack';
  readonly seen: string[] = [];
  protocol: number | undefined;
  readonly filters: ConntrackOptions['filters'] = [];
  events: Set<ConntrackEventType> = new Set(['new', 'update', 'destroy']);
  otherFamily = false;
  readonly output: OutputFormat = { extended: false, id: false, timestamp: false, ktimestamp: false };

  constructor(process: Process) {
    this.#process = process;
    this.#words = process.argv.slice(1);
  }

  fail(text: string): never {
    return parameterProblem(this.#process, text);
  }

  read(): void {
    while (this.#words.length > 0) {
      const word = this.#words.shift()!;
      if (word.startsWith('--') && word.length > 2) this.#long(word);
      else if (word.startsWith('-') && word.length > 1) this.#short(word.slice(1));
      else this.fail(`Bad parameter \`${word}'`);
    }
  }

  #value(argument: Argument, attached: string | undefined, shown: string): string | undefined {
    if (argument === 'none') return undefined;
    if (attached !== undefined) return attached;
    const next = this.#words[0];
    if (argument === 'optional') return next !== undefined && /^[^-]/.test(next) ? this.#words.shift() : undefined;
    return this.#words.shift() ?? this.fail(`option \`${shown}' requires an argument`);
  }

  #short(cluster: string): void {
    const letter = cluster[0]!;
    const rest = cluster.slice(1);
    if (letter in COMMANDS) {
      this.#setCommand(letter);
      if (rest !== '') this.#short(rest);
      return;
    }
    const option = OPTIONS[letter];
    if (option === undefined) this.fail(`unknown option \`-${letter}'`);
    const value = this.#value(option[0], rest === '' || option[0] === 'none' ? undefined : rest, `-${letter}`);
    this.#option(letter, value);
    if (option[0] === 'none' && rest !== '') this.#short(rest);
  }

  #long(word: string): void {
    const [name = '', attached] = word.slice(2).split('=', 2);
    for (const [letter, names] of Object.entries(COMMANDS)) {
      if (!names.includes(name)) continue;
      this.#setCommand(letter);
      return;
    }
    for (const [letter, [argument, ...names]] of Object.entries(OPTIONS)) {
      if (!names.includes(name)) continue;
      this.#option(letter, this.#value(argument, attached, `--${name}`));
      return;
    }
    if (name === 'mask-src' || name === 'mask-dst') {
      const other = name.slice(5);
      if (!this.seen.includes(other[0]!)) this.fail(`Can't use --${name} without --${other}`);
      notModelled(this.#process, `--${name}`);
    }
    const { protocol } = this;
    const field =
      protocol === IPPROTO_ICMP
        ? ICMP_OPTIONS[name]
        : protocol === 6 || protocol === 17 || protocol === 33 || protocol === 132 || protocol === 136
          ? PORT_OPTIONS[name]
          : undefined;
    if (field !== undefined) {
      this.#number(field, Number(this.#value('required', attached, `--${name}`)));
    } else if (protocol === 6 && name === 'state') {
      const state = this.#value('required', attached, '--state');
      this.filters.push((entry) => entry.tcpState === state);
    } else this.fail(`unknown option \`${word}'`);
  }

  #number(field: string, wanted: number): void {
    const read = (entry: ConntrackEntry): number | undefined => {
      if (field === 'replySport') return entry.reply.sport;
      if (field === 'replyDport') return entry.reply.dport;
      return entry.original[field as 'sport' | 'dport' | 'icmpType' | 'icmpCode' | 'icmpId'];
    };
    this.filters.push((entry) => read(entry) === wanted);
  }

  #setCommand(letter: string): void {
    if (this.command !== undefined) this.fail('Invalid commands combination');
    if ('IAUG'.includes(letter)) notModelled(this.#process, `-${letter}`);
    this.command = letter as Command;
    if (!'LDFCE'.includes(letter)) return;
    const next = this.#words[0];
    if (next === undefined || next.startsWith('-')) return;
    if (!['conntrack', 'expect', 'dying', 'unconfirmed'].includes(next)) this.fail(`unknown type \`${next}'`);
    this.table = next;
    this.#words.shift();
  }

  #prefix(text: string): Prefix {
    const [host = '', length] = text.split('/', 2);
    const address = parseIpv4(host);
    const bits = length === undefined ? 32 : Number(length);
    if (address === undefined || !(bits >= 0 && bits <= 32)) this.fail(`Invalid IP address \`${text}'`);
    const mask = maskOf(bits);
    return { address: (address & mask) >>> 0, mask };
  }

  #address(text: string, of: (entry: ConntrackEntry) => Ipv4): void {
    const { address, mask } = this.#prefix(text);
    this.filters.push((entry) => (of(entry) & mask) >>> 0 === address);
  }

  #nat(text: string | undefined, source: boolean, destination: boolean): void {
    const wanted = text === undefined ? undefined : this.#prefix(text).address;
    this.filters.push((entry) => {
      const { original, reply } = entry;
      const from = wanted === undefined || (reply.dst === wanted && reply.dst !== original.src);
      const to = wanted === undefined || (reply.src === wanted && reply.src !== original.dst);
      return (source && from && translatedSource(entry)) || (destination && to && translatedDestination(entry));
    });
  }

  #option(letter: string, value = ''): void {
    this.seen.push(letter);
    const given = value === '' ? undefined : value;
    switch (letter) {
      case 's':
        this.#address(value, (entry) => entry.original.src);
        break;
      case 'd':
        this.#address(value, (entry) => entry.original.dst);
        break;
      case 'r':
        this.#address(value, (entry) => entry.reply.src);
        break;
      case 'q':
        this.#address(value, (entry) => entry.reply.dst);
        break;
      case 'p':
        this.#setProtocol(value);
        break;
      case 'n':
        this.#nat(given, true, false);
        break;
      case 'g':
        this.#nat(given, false, true);
        break;
      case 'j':
        this.#nat(given, true, true);
        break;
      case 'm':
        this.#mark(value);
        break;
      case 'u':
        this.#status(value);
        break;
      case 'f':
        if (value !== 'ipv4' && value !== 'ipv6') this.fail(`\`${value}' unsupported protocol`);
        this.otherFamily = value === 'ipv6';
        break;
      case 'w':
        this.filters.push(() => Number(value) === 0);
        break;
      case 'o':
        this.#setOutput(value);
        break;
      case 'e':
        this.#eventMask(value);
        break;
      case 't':
      case 'z':
      case 'b':
        break;
      default:
        notModelled(this.#process, `-${letter}`);
    }
  }

  #setProtocol(value: string): void {
    const number = /^\d+$/.test(value) ? Number(value) : protocolNumber(value);
    if (number === undefined || number > 255) this.fail(`\`${value}' unsupported protocol`);
    this.protocol = number;
    this.filters.push((entry) => entry.protocol === number);
  }

  #mark(value: string): void {
    const [text = '', maskText] = value.split('/', 2);
    const mark = Number(text) >>> 0;
    const mask = maskText === undefined ? 0xffff_ffff : Number(maskText) >>> 0;
    this.filters.push((entry) => (entry.mark & mask) >>> 0 === mark);
  }

  #status(value: string): void {
    let wanted = 0;
    for (const name of value.split(',')) {
      const bit = STATUS[name];
      if (bit === undefined) this.fail(`Bad parameter \`${name}'`);
      wanted |= bit;
    }
    this.filters.push((entry) => (entry.status & wanted) === wanted);
  }

  #setOutput(value: string): void {
    for (const name of value.split(',')) {
      if (name === 'extended' || name === 'id' || name === 'timestamp' || name === 'ktimestamp') {
        this.output[name] = true;
      } else if (name === 'xml' || name === 'save' || name === 'labels' || name === 'userspace') {
        notModelled(this.#process, `-o ${name}`);
      } else this.fail(`Bad parameter \`${name}'`);
    }
  }

  #eventMask(value: string): void {
    const known: Readonly<Record<string, readonly ConntrackEventType[]>> = {
      ALL: ['new', 'update', 'destroy'],
      NEW: ['new'],
      UPDATES: ['update'],
      DESTROY: ['destroy'],
    };
    if (!this.seen.slice(0, -1).includes('e')) this.events = new Set();
    for (const name of value.split(',')) {
      const types = known[name];
      if (types === undefined) this.fail(`Bad parameter \`${name}'`);
      for (const type of types) this.events.add(type);
    }
  }
}

/** The command line; no command at all is a wish for help. */
export function readOptions(process: Process): ConntrackOptions {
  const reader = new Reader(process);
  reader.read();
  const command = reader.command ?? 'h';
  for (const letter of reader.seen) {
    const allowed = ONLY[letter] ?? 'LDE';
    if (!allowed.includes(command)) reader.fail(`Illegal option \`--${OPTIONS[letter]![1]}' with this command`);
  }
  const { table, filters, events, otherFamily, output } = reader;
  return { command, table, filters, events, otherFamily, output, zero: reader.seen.includes('z') };
}
