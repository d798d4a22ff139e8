/** Command lines: node:util's parser, with complaints that name the option and the command. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Target } from '../lab/replay.ts';
import { COMMANDS } from './usage.ts';

/** Wrong usage: one sentence for standard error, then status 2. */
export class UsageError extends Error {
  readonly command: string | undefined;
  constructor(message: string, command?: string) {
    super(message);
    this.command = command;
  }
}

/** What a run may use before it is stopped. */
export interface Budget {
  /** Virtual seconds. */
  time: number;
  events: number;
  processes: number;
  bytes: number;
  /** Builtin shell commands. */
  commands: number;
}

export const DEFAULT_BUDGET: Budget = {
  time: 3600,
  events: 5_000_000,
  processes: 4096,
  bytes: 512 * 1024 * 1024,
  commands: 20_000_000,
};

/** Where labs run. */
export type BackendName = 'twin' | 'kernel' | 'uml';
const BACKENDS: readonly BackendName[] = ['twin', 'kernel', 'uml'];

export interface RunOptions {
  file: string;
  on: BackendName;
  /** Where else to run, to see how far they agree. */
  against: readonly BackendName[];
  /** By name `both`: on User-Mode Linux where this machine's kernel lacks a device of the lab. */
  both: boolean;
  args: readonly string[];
  seed: number;
  speed: 'max' | 'real';
  pcap: string | undefined;
  trace: string | undefined;
  out: string | undefined;
  json: boolean;
  update: boolean;
  quiet: boolean;
  budget: Budget;
}

export interface TestOptions {
  on: BackendName;
  /** Where else to run, to see how far they agree. */
  against: readonly BackendName[];
  paths: readonly string[];
  jobs: number | undefined;
  reporter: 'text' | 'junit' | 'json' | 'tap';
  seed: number;
  update: boolean;
  budget: Budget;
}

export interface ShellOptions {
  on: BackendName;
  file: string | undefined;
  args: readonly string[];
  seed: number;
  speed: 'max' | 'real';
  pcap: string | undefined;
  trace: string | undefined;
  out: string | undefined;
}

export interface FuzzOptions {
  against: 'kernel' | 'uml';
  /** Of the first lab; the others have the numbers that follow. */
  seed: number;
  labs: number;
  /** Time after which no new lab is begun. */
  seconds: number;
  /** Labs that run at a time. */
  workers: number;
  /** Folder for the labs that differ. */
  out: string;
  /** Leave labs that differ as large as they are. */
  whole: boolean;
  /** Begin from the start, also when a search was interrupted. */
  restart: boolean;
  /** Print the labs in place of running them. */
  show: boolean;
  /** A saved lab to look at again, in place of random ones. */
  again: string | undefined;
}

/** What `replay` and `inject` have in common. */
export interface ReplayOptions {
  command: 'replay' | 'inject';
  lab: string;
  args: readonly string[];
  on: BackendName;
  against: readonly BackendName[];
  target: Target;
  /** Options of tcpreplay. */
  tcpreplay: readonly string[];
  /** Seconds that answers get. */
  settle: number;
  seed: number;
  pcap: string | undefined;
  trace: string | undefined;
  out: string | undefined;
  budget: Budget;
}

type Options = NonNullable<ParseArgsConfig['options']>;
type Values = Record<string, string | boolean | undefined>;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;
const COMMON: Options = { seed: TEXT, on: TEXT, help: { type: 'boolean', short: 'h' } };
const BUDGET: Options = {
  'max-time': TEXT,
  'max-events': TEXT,
  'max-processes': TEXT,
  'max-bytes': TEXT,
  'max-commands': TEXT,
};
const ARTIFACTS: Options = { speed: TEXT, pcap: TEXT, trace: TEXT, out: TEXT };

/** Asked for help in place of running. */
export const HELP = Symbol('help');

export function parseRun(argv: readonly string[]): RunOptions | typeof HELP {
  const { values, positionals } = parse('run', argv, {
    ...COMMON,
    ...BUDGET,
    ...ARTIFACTS,
    json: FLAG,
    update: FLAG,
    quiet: { type: 'boolean', short: 'q' },
  });
  if (values['help'] === true) return HELP;
  const [file, ...args] = positionals;
  if (file === undefined) throw new UsageError('what is to be run? Give a FILE, or - for standard input', 'run');
  const options = {
    file,
    args,
    ...common('run', values, 'max'),
    json: values['json'] === true,
    update: values['update'] === true,
    quiet: values['quiet'] === true,
    budget: budget('run', values),
  };
  if (options.update && file === '-') throw new UsageError('--update needs a file to write to', 'run');
  return options;
}

export function parseTest(argv: readonly string[]): TestOptions | typeof HELP {
  const { values, positionals } = parse('test', argv, {
    ...COMMON,
    ...BUDGET,
    jobs: { type: 'string', short: 'j' },
    reporter: TEXT,
    update: FLAG,
  });
  if (values['help'] === true) return HELP;
  const { seed, on, against } = common('test', values, 'max');
  const reporter = oneOf('test', values, 'reporter', ['text', 'junit', 'json', 'tap'] as const);
  const jobs = values['jobs'] === undefined ? undefined : whole('test', values, 'jobs', 1, 1024);
  return {
    on,
    against,
    paths: positionals,
    jobs,
    reporter,
    seed,
    update: values['update'] === true,
    budget: budget('test', values),
  };
}

export function parseShell(argv: readonly string[]): ShellOptions | typeof HELP {
  const { values, positionals } = parse('shell', argv, { ...COMMON, ...ARTIFACTS });
  if (values['help'] === true) return HELP;
  const [file, ...args] = positionals;
  return { file, args, ...common('shell', values, 'real') };
}

const SENDING: Options = { dev: TEXT, direction: TEXT, settle: TEXT, pcap: TEXT, trace: TEXT };

export function parseReplay(argv: readonly string[]): (ReplayOptions & { capture: string }) | typeof HELP {
  const { values, positionals } = parse('replay', argv, {
    ...COMMON,
    ...BUDGET,
    ...SENDING,
    multiplier: { type: 'string', short: 'x' },
    pps: { type: 'string', short: 'p' },
    topspeed: { type: 'boolean', short: 't' },
    loop: { type: 'string', short: 'l' },
    limit: { type: 'string', short: 'L' },
  });
  if (values['help'] === true) return HELP;
  const [capture, lab, ...args] = positionals;
  if (capture === undefined || lab === undefined) {
    throw new UsageError('what is to be sent, and where? Give a capture FILE and a LAB', 'replay');
  }
  const speeds = ['multiplier', 'pps', 'topspeed'].filter((name) => values[name] !== undefined);
  if (speeds.length > 1) throw new UsageError(`--${speeds[0]} and --${speeds[1]}: one of them`, 'replay');
  const tcpreplay = [
    ...['multiplier', 'pps']
      .filter((name) => values[name] !== undefined)
      .map((name) => `--${name}=${positive(values, name)}`),
    ...(values['topspeed'] === true ? ['--topspeed'] : []),
    ...['loop', 'limit']
      .filter((name) => values[name] !== undefined)
      .map((name) => `--${name}=${whole('replay', values, name, 1, 1_000_000)}`),
  ];
  return { ...sending('replay', values), capture, lab, args, tcpreplay };
}

export function parseInject(
  argv: readonly string[],
): (ReplayOptions & { frames: readonly Uint8Array[]; interval: number }) | typeof HELP {
  const { values, positionals } = parse('inject', argv, {
    ...COMMON,
    ...BUDGET,
    ...SENDING,
    interval: TEXT,
    count: TEXT,
  });
  if (values['help'] === true) return HELP;
  const [lab, ...texts] = positionals;
  if (lab === undefined || texts.length === 0) {
    throw new UsageError('what is to be sent, and where? Give a LAB and frames in hexadecimal digits', 'inject');
  }
  const frames = texts.map(frameOf);
  const count = values['count'] === undefined ? 1 : whole('inject', values, 'count', 1, 1_000_000);
  const interval = values['interval'] === undefined ? 0 : positive(values, 'interval', 'inject');
  return {
    ...sending('inject', values),
    lab,
    args: [],
    tcpreplay: [],
    frames: Array.from({ length: count }, () => frames).flat(),
    interval,
  };
}

const SHORTEST_FRAME = 14;

/** A frame in hexadecimal digits, with or without blanks, colons and dots between them. */
function frameOf(text: string): Uint8Array {
  const digits = text.replace(/[\s:.-]/g, '');
  if (!/^([0-9a-fA-F]{2})+$/.test(digits)) {
    const shown = text.length > 40 ? `${text.slice(0, 40)}...` : text;
    throw new UsageError(`${shown}: a frame is pairs of hexadecimal digits`, 'inject');
  }
  if (digits.length < 2 * SHORTEST_FRAME) {
    throw new UsageError(`${text}: a frame has an Ethernet header of ${SHORTEST_FRAME} octets at least`, 'inject');
  }
  return Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16));
}

function sending(command: 'replay' | 'inject', values: Values) {
  const dev = values['dev'];
  if (typeof dev !== 'string')
    throw new UsageError('--dev [NETNS/]INTERFACE is needed: where frames are sent', command);
  const slash = dev.lastIndexOf('/');
  const device = dev.slice(slash + 1);
  if (device === '' || slash === 0) throw new UsageError(`--dev ${dev}: give INTERFACE or NETNS/INTERFACE`, command);
  const direction = oneOf(command, values, 'direction', ['out', 'in'] as const);
  const [on, ...against] = backends(command, values['on'] as string | undefined);
  if (on !== 'twin' && values['trace'] !== undefined) throw new UsageError('--trace works on the twin only', command);
  if (against.length > 0 && values['pcap'] !== undefined) {
    throw new UsageError('--pcap needs one backend, not several', command);
  }
  return {
    command,
    on,
    against,
    target: { ...(slash < 0 ? {} : { namespace: dev.slice(0, slash) }), device, direction },
    settle: values['settle'] === undefined ? 1 : positive(values, 'settle', command),
    seed: values['seed'] === undefined ? 1 : whole(command, values, 'seed', 0, 0xffff_ffff),
    pcap: values['pcap'] as string | undefined,
    trace: values['trace'] as string | undefined,
    out: undefined,
    budget: budget(command, values),
  };
}

function positive(values: Values, name: string, command = 'replay'): number {
  const text = String(values[name]);
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && value <= 1e9)) throw new UsageError(`--${name} ${text}: a number above 0 is needed`, command);
  return value;
}

export function parseKernels(argv: readonly string[]): { json: boolean } | typeof HELP {
  const { values, positionals } = parse('kernels', argv, { json: FLAG, help: { type: 'boolean', short: 'h' } });
  if (values['help'] === true) return HELP;
  if (positionals.length > 0) throw new UsageError(`kernels takes no argument: ${positionals[0]}`, 'kernels');
  return { json: values['json'] === true };
}

export function parseFuzz(argv: readonly string[]): FuzzOptions | typeof HELP {
  const { values, positionals } = parse('fuzz', argv, {
    against: TEXT,
    seed: TEXT,
    labs: TEXT,
    time: TEXT,
    workers: { type: 'string', short: 'w' },
    out: TEXT,
    whole: FLAG,
    restart: FLAG,
    show: FLAG,
    again: TEXT,
    help: { type: 'boolean', short: 'h' },
  });
  if (values['help'] === true) return HELP;
  if (positionals.length > 0) throw new UsageError(`fuzz takes no argument: ${positionals[0]}`, 'fuzz');
  const against = oneOf('fuzz', values, 'against', ['kernel', 'uml'] as const);
  const number = (name: string, fallback: number, least: number, most: number) =>
    values[name] === undefined ? fallback : whole('fuzz', values, name, least, most);
  return {
    against,
    seed: number('seed', 1, 0, 0xffff_ffff),
    labs: number('labs', 100, 1, 10_000_000),
    seconds: values['time'] === undefined ? Number.POSITIVE_INFINITY : duration('fuzz', String(values['time'])),
    workers: number('workers', against === 'uml' ? 2 : 6, 1, 64),
    out: (values['out'] as string | undefined) ?? '.hairpin/fuzz',
    whole: values['whole'] === true,
    restart: values['restart'] === true,
    show: values['show'] === true,
    again: values['again'] as string | undefined,
  };
}

/** Seconds: `90`, `90s`, `10m`, `2h`. */
function duration(command: string, text: string): number {
  const [, count, unit] = /^(\d+)([smh]?)$/.exec(text) ?? [];
  const seconds = Number(count) * ({ m: 60, h: 3600 }[unit ?? ''] ?? 1);
  if (!(seconds > 0)) throw new UsageError(`--time ${text}: a time such as 90s, 10m or 2h is needed`, command);
  return seconds;
}

function parse(command: string, argv: readonly string[], options: Options): { values: Values; positionals: string[] } {
  try {
    const parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
    return { values: parsed.values as Values, positionals: parsed.positionals };
  } catch (error) {
    throw new UsageError(complaint(error, Object.keys(options)), command);
  }
}

/** node's sentence, without its advice, and with the option that may have been meant. */
function complaint(error: unknown, known: readonly string[]): string {
  const { code, message } = error as { code?: string; message: string };
  const option = /'(-[^' =]*)/.exec(message)?.[1] ?? '';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const start = option.replace(/^-+/, '').slice(0, 2);
    const near = known.find((name) => option.length > 3 && name.startsWith(start));
    return `unknown option ${option}${near === undefined ? '' : `; did you mean --${near}?`}`;
  }
  return /argument missing|ambiguous/.test(message)
    ? `option ${option} needs a value`
    : `option ${option} takes no value`;
}

function common(command: string, values: Values, speed: 'max' | 'real') {
  const [on, ...against] = backends(command, values['on'] as string | undefined);
  if (on !== 'twin' || against.length > 0) {
    const capturing = command === 'run' && against.length === 0 ? [] : ['pcap'];
    const foreign = ['speed', ...capturing, 'trace', 'out', ...(on === 'twin' ? [] : ['seed'])].find(
      (name) => values[name] !== undefined,
    );
    if (foreign !== undefined) throw new UsageError(`--${foreign} works on the twin only`, command);
    if (against.length > 0 && values['update'] === true) {
      throw new UsageError('--update needs one backend, not several', command);
    }
  }
  return {
    on,
    against,
    both: values['on'] === 'both',
    seed: values['seed'] === undefined ? 1 : whole(command, values, 'seed', 0, 0xffff_ffff),
    speed: values['speed'] === undefined ? speed : oneOf(command, values, 'speed', ['max', 'real'] as const),
    pcap: values['pcap'] as string | undefined,
    trace: values['trace'] as string | undefined,
    out: values['out'] as string | undefined,
  };
}

/** The backends that `--on` names; `both` are the twin and this machine's kernel. */
function backends(command: string, value = 'twin'): [BackendName, ...BackendName[]] {
  const allowed = command === 'shell' ? BACKENDS.filter((name) => name !== 'uml') : BACKENDS;
  const names = (value === 'both' ? 'twin,kernel' : value).split(',');
  const found = names.map((name) => allowed.find((backend) => backend === name));
  const wrong = found.indexOf(undefined);
  if (wrong >= 0) {
    throw new UsageError(
      `--on ${names[wrong]}: there is no such backend; choose among ${allowed.join(', ')}${command === 'shell' ? '' : ', both'}`,
      command,
    );
  }
  if (new Set(names).size < names.length) throw new UsageError(`--on ${value}: each backend once`, command);
  if (command === 'shell' && names.length > 1) throw new UsageError('--on: a shell runs on one backend', command);
  return found as [BackendName, ...BackendName[]];
}

function budget(command: string, values: Values): Budget {
  const limit = (name: keyof Budget) =>
    values[`max-${name}`] === undefined
      ? DEFAULT_BUDGET[name]
      : whole(command, values, `max-${name}`, 1, Number.MAX_SAFE_INTEGER);
  return {
    time: limit('time'),
    events: limit('events'),
    processes: limit('processes'),
    bytes: limit('bytes'),
    commands: limit('commands'),
  };
}

function whole(command: string, values: Values, name: string, least: number, most: number): number {
  const text = String(values[name]);
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new UsageError(`--${name} ${text}: a whole number from ${least} to ${most} is needed`, command);
  }
  return value;
}

function oneOf<T extends string>(command: string, values: Values, name: string, choices: readonly [T, ...T[]]): T {
  const text = values[name] ?? choices[0];
  const found = choices.find((choice) => choice === text);
  if (found === undefined) {
    throw new UsageError(`--${name} ${String(text)}: choose one of ${choices.join(', ')}`, command);
  }
  return found;
}

/** The command among the arguments, or what is wrong with it. */
export function checkCommand(command: string): string {
  if (COMMANDS.includes(command)) return command;
  if (command.startsWith('-')) throw new UsageError(`unknown option ${command}`);
  const near = COMMANDS.find((name) => name.startsWith(command[0] ?? ' '));
  throw new UsageError(`unknown command ${command}${near === undefined ? '' : `; did you mean ${near}?`}`);
}
