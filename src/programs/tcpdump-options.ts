/** tcpdump's command line. */

import { DEFAULT_PRINT_OPTIONS, type PrintOptions } from '../capture/dissection.ts';
import { DLT_LINUX_SLL2, datalinkValue } from '../capture/linktype.ts';
import { MAXIMUM_SNAPLEN, type Precision } from '../capture/packet.ts';
import { complain, type Process } from '../uapi/process.ts';
import { Getopt, type LongOption } from './getopt.ts';

export interface TcpdumpOptions {
  print: PrintOptions;
  /** -i. */
  device: string | undefined;
  /** -r. */
  readFile: string | undefined;
  /** -w. */
  writeFile: string | undefined;
  /** -F. */
  filterFile: string | undefined;
  /** -c; undefined without end. */
  count: number | undefined;
  snaplen: number;
  /** -B in bytes; 0 for the default. */
  bufferSize: number;
  direction: 'in' | 'out' | 'inout' | undefined;
  promiscuous: boolean;
  optimize: boolean;
  immediate: boolean;
  /** -l. */
  lineBuffered: boolean;
  /** -U. */
  packetBuffered: boolean;
  /** --print: print although packets are written to a file. */
  alsoPrint: boolean;
  /** --count. */
  countOnly: boolean;
  /** -y. */
  dlt: { value: number; name: string } | undefined;
  /** -Z. */
  user: string | undefined;
  monitorMode: boolean;
  list: 'devices' | 'datalinks' | 'timestamps' | undefined;
  expression: readonly string[];
  /** Options that tcpdump has and this one does not, by letter; the run ends with the first of them. */
  refused: string[];
}

const SHORT_OPTIONS = 'aAbB:c:C:dDeE:fF:G:hHi:Ij:JKlLm:M:nNOpqQ:r:s:StT:uUvV:w:W:xXy:Yz:Z:#';

const LONG_OPTIONS: readonly LongOption[] = [
  { name: 'buffer-size', argument: 'required', value: 'B' },
  { name: 'list-interfaces', value: 'D' },
  { name: 'help', value: 'h' },
  { name: 'interface', argument: 'required', value: 'i' },
  { name: 'monitor-mode', value: 'I' },
  { name: 'time-stamp-type', argument: 'required', value: 'j' },
  { name: 'list-time-stamp-types', value: 'J' },
  { name: 'micro', value: 'micro' },
  { name: 'nano', value: 'nano' },
  { name: 'time-stamp-precision', argument: 'required', value: 'precision' },
  { name: 'dont-verify-checksums', value: 'K' },
  { name: 'list-data-link-types', value: 'L' },
  { name: 'no-optimize', value: 'O' },
  { name: 'no-promiscuous-mode', value: 'p' },
  { name: 'direction', argument: 'required', value: 'Q' },
  { name: 'snapshot-length', argument: 'required', value: 's' },
  { name: 'absolute-tcp-sequence-numbers', value: 'S' },
  { name: 'packet-buffered', value: 'U' },
  { name: 'linktype', argument: 'required', value: 'y' },
  { name: 'immediate-mode', value: 'immediate' },
  { name: 'debug-filter-parser', value: 'Y' },
  { name: 'relinquish-privileges', argument: 'required', value: 'Z' },
  { name: 'count', value: 'count' },
  { name: 'fp-type', value: 'fp-type' },
  { name: 'number', value: '#' },
  { name: 'print', value: 'print' },
  { name: 'version', value: 'version' },
];

const VERSION = `tcpdump version 4.99.3
libpcap version 1.10.3 (with TPACKET_V3)
OpenSSL 3.0.19 27 Jan 2026
`;

const USAGE = `Usage: tcpdump [-AbdDefhHIJKlLnNOpqStuUvxX#] [ -B size ] [ -c count ] [--count]
\t\t[ -C file_size ] [ -E algo:secret ] [ -F file ] [ -G seconds ]
\t\t[ -i interface ] [ --immediate-mode ] [ -j tstamptype ]
\t\t[ -M secret ] [ --number ] [ --print ] [ -Q in|out|inout ]
\t\t[ -r file ] [ -s snaplen ] [ -T type ] [ --version ]
\t\t[ -V file ] [ -w file ] [ -W filecount ] [ -y datalinktype ]
\t\t[ --time-stamp-precision precision ] [ --micro ] [ --nano ]
\t\t[ -z postrotate-command ] [ -Z user ] [ expression ]
`;

/** Packet types that -T knows; none has a printer here. */
const PACKET_TYPES: ReadonlySet<string> = new Set(
  'vat wb rpc rtp rtcp snmp cnfp tftp aodv carp radius zmtp1 vxlan pgm pgm_zmtp1 lmp resp ptp someip domain'.split(' '),
);

/** A run that ends with the command line: what it leaves behind. */
export class Exit {
  readonly status: number;
  constructor(status: number) {
    this.status = status;
  }
}

/** `tcpdump: TEXT` on standard error, and the status of a failed run. */
export function fail(process: Process, text: string): Exit {
  complain(process, `${programName(process)}: ${text}\n`);
  return new Exit(1);
}

export function programName(process: Process): string {
  const name = process.argv[0] ?? 'tcpdump';
  return name.slice(name.lastIndexOf('/') + 1);
}

/** atoi(): what a number begins with; 0 for none. */
function atoi(text: string): number {
  const value = Number.parseInt(text, 10);
  return Number.isNaN(value) ? 0 : value | 0;
}

/** strtol() with base 0 over the whole text; undefined if something else stands there. */
function strtol(text: string): number | undefined {
  const match = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.exec(text);
  if (match === null) return undefined;
  const digits = match[2]!;
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return match[1] === '-' ? -value : value;
}

/** Read the command line, or end the run with what it asks for: help, a version, an error. */
export function parseOptions(process: Process): TcpdumpOptions | Exit {
  const print: PrintOptions = { ...DEFAULT_PRINT_OPTIONS, utcOffset: process.utcOffset };
  const options: TcpdumpOptions = {
    print,
    device: undefined,
    readFile: undefined,
    writeFile: undefined,
    filterFile: undefined,
    count: undefined,
    snaplen: 0,
    bufferSize: 0,
    direction: undefined,
    promiscuous: true,
    optimize: true,
    immediate: false,
    lineBuffered: false,
    packetBuffered: false,
    alsoPrint: false,
    countOnly: false,
    dlt: undefined,
    user: undefined,
    monitorMode: false,
    list: undefined,
    expression: [],
    refused: [],
  };
  const getopt = new Getopt(process, SHORT_OPTIONS, LONG_OPTIONS);
  for (let parsed = getopt.next(); parsed !== undefined; parsed = getopt.next()) {
    const exit = applyOption(process, options, parsed.option, parsed.argument ?? '');
    if (exit !== undefined) return exit;
  }
  options.expression = getopt.operands;
  if (options.dlt === undefined && options.device?.startsWith('any') === true && options.list !== 'devices') {
    options.dlt = { value: DLT_LINUX_SLL2, name: 'LINUX_SLL2' };
  }
  if (print.t > 5) return fail(process, 'only -t, -tt, -ttt, -tttt and -ttttt are supported');
  const { refused } = options;
  if (refused.includes('f') && (refused.includes('V') || options.readFile !== undefined)) {
    return fail(process, '-f can not be used with -V or -r');
  }
  if (refused.includes('V') && options.readFile !== undefined) {
    return fail(process, '-V and -r are mutually exclusive.');
  }
  const [first] = refused;
  if (first !== undefined) {
    return fail(process, `option ${first.length === 1 ? '-' : '--'}${first} is not supported`);
  }
  if (options.snaplen === 0) options.snaplen = MAXIMUM_SNAPLEN;
  return options;
}

function applyOption(process: Process, options: TcpdumpOptions, option: string, argument: string): Exit | undefined {
  const { print } = options;
  switch (option) {
    case 'a':
    case 'b':
    case 'H':
    case 'u':
      return undefined;
    case 'A':
    case 'e':
    case 'K':
    case 'n':
    case 'N':
    case 'q':
    case 'S':
    case 't':
    case 'v':
    case 'x':
    case 'X':
      print[option]++;
      return undefined;
    case '#':
      print.number = true;
      return undefined;
    case 'B':
      options.bufferSize = atoi(argument) * 1024;
      return options.bufferSize <= 0 ? fail(process, `invalid packet buffer size ${argument}`) : undefined;
    case 'c':
      options.count = atoi(argument);
      return options.count <= 0 ? fail(process, `invalid packet count ${argument}`) : undefined;
    case 'D':
      options.list = 'devices';
      return undefined;
    case 'F':
      options.filterFile = argument;
      return undefined;
    case 'h':
      process.stdout.write(VERSION + USAGE);
      return new Exit(0);
    case 'i':
      options.device = argument;
      return undefined;
    case 'I':
      options.monitorMode = true;
      return undefined;
    case 'j':
      return argument === 'host' ? undefined : fail(process, `invalid time stamp type ${argument}`);
    case 'J':
      options.list ??= 'timestamps';
      return undefined;
    case 'l':
      process.stdout.setBuffering('line');
      options.lineBuffered = true;
      return undefined;
    case 'L':
      options.list ??= 'datalinks';
      return undefined;
    case 'm':
      complain(process, `${programName(process)}: ignoring option \`-m ${argument}' (no libsmi support)\n`);
      return undefined;
    case 'O':
      options.optimize = false;
      return undefined;
    case 'p':
      options.promiscuous = false;
      return undefined;
    case 'Q': {
      const direction = argument.toLowerCase();
      if (direction !== 'in' && direction !== 'out' && direction !== 'inout') {
        return fail(process, `unknown capture direction \`${argument}'`);
      }
      options.direction = direction;
      return undefined;
    }
    case 'r':
      options.readFile = argument;
      return undefined;
    case 's': {
      const snaplen = strtol(argument);
      if (snaplen === undefined || snaplen < 0 || snaplen > MAXIMUM_SNAPLEN) {
        return fail(process, `invalid snaplen ${argument} (must be >= 0 and <= ${MAXIMUM_SNAPLEN})`);
      }
      options.snaplen = snaplen;
      return undefined;
    }
    case 'T': {
      const known = PACKET_TYPES.has(argument.toLowerCase());
      return fail(process, known ? `option -T ${argument} is not supported` : `unknown packet type \`${argument}'`);
    }
    case 'U':
      options.packetBuffered = true;
      return undefined;
    case 'w':
      options.writeFile = argument;
      return undefined;
    case 'y': {
      const value = datalinkValue(argument);
      if (value === undefined) return fail(process, `invalid data link type ${argument}`);
      options.dlt = { value, name: argument };
      return undefined;
    }
    case 'Z':
      options.user = argument;
      return undefined;
    default:
      return applyLongOption(process, options, option, argument);
  }
}

/** Options without a letter, and those that are refused once the command line was read. */
function applyLongOption(
  process: Process,
  options: TcpdumpOptions,
  option: string,
  argument: string,
): Exit | undefined {
  switch (option) {
    case 'micro':
    case 'nano':
      options.print.precision = option;
      return undefined;
    case 'precision': {
      const precision: Precision | undefined = argument.startsWith('nano')
        ? 'nano'
        : argument.startsWith('micro')
          ? 'micro'
          : undefined;
      if (precision === undefined) return fail(process, 'unsupported time stamp precision');
      options.print.precision = precision;
      return undefined;
    }
    case 'immediate':
      options.immediate = true;
      return undefined;
    case 'print':
      options.alsoPrint = true;
      return undefined;
    case 'count':
      options.countOnly = true;
      return undefined;
    case 'version':
      process.stdout.write(VERSION);
      return new Exit(0);
    case '?':
      complain(process, VERSION + USAGE);
      return new Exit(1);
    case 'C':
      if (!(Number(/^\s*[+-]?\d+$/.exec(argument)?.[0]) > 0)) return fail(process, `invalid file size ${argument}`);
      break;
    case 'G':
      if (atoi(argument) < 0) return fail(process, `invalid number of seconds ${argument}`);
      break;
    case 'W':
      if (atoi(argument) <= 0) return fail(process, `invalid number of output files ${argument}`);
  }
  options.refused.push(option);
  return undefined;
}
