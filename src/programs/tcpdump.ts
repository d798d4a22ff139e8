/** tcpdump 4.99.3: print packets of a live capture or of a file, or write them to a file. */
import { type CompiledFilter, compileFilter, matchesPacket } from '../capture/filter/compile.ts';
import { DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, datalinkDescription, datalinkName } from '../capture/linktype.ts';
import type { Packet } from '../capture/packet.ts';
import { pcapHeader, pcapRecord } from '../capture/pcap.ts';
import { PacketPrinter } from '../capture/print.ts';
import { CaptureReader } from '../capture/reader.ts';
import { TcpConversations } from '../capture/tcp-conversations.ts';
import { strerror } from '../uapi/errno.ts';
import { complain, type OutputStream, type Process } from '../uapi/process.ts';
import { isRefusal } from '../uapi/result.ts';
import { deviceList, findDevices } from './tcpdump-devices.ts';
import { LiveCapture, type OpenError } from './tcpdump-live.ts';
import { Exit, fail, parseOptions, programName, type TcpdumpOptions } from './tcpdump-options.ts';

/** What the dynamic linker and libpcap need before the socket is there, measured on the reference machine. */
const STARTUP_TIME = 20_000_000;
const SECOND = 1_000_000_000;
/** How long a block of the ring stays open: as for a terminal or -l, and otherwise. */
const INTERACTIVE_BLOCK_TIME = SECOND / 10;
const BLOCK_TIME = SECOND;
const S_ERR_ND_WRITE_FILE = 14;

/** Where packets go: printed, written to a file, or only counted. */
class Sink {
  captured = 0;
  private readonly process: Process;
  private readonly options: TcpdumpOptions;
  private readonly printer: PacketPrinter | undefined;
  private readonly file: OutputStream | undefined;

  constructor(process: Process, options: TcpdumpOptions, dlt: number, file: OutputStream | undefined) {
    this.process = process;
    this.options = options;
    this.file = file;
    const prints = (file === undefined && !options.countOnly) || (file !== undefined && options.alsoPrint);
    if (!prints) return;
    const names = options.print.n > 0 ? new Map<string, string>() : hostNames(process);
    this.printer = new PacketPrinter(
      {
        options: options.print,
        hostName: (address) => names.get(address),
        interfaceName: (ifindex) => process.task.ioctl.ifIndexToName(ifindex),
        conversations: new TcpConversations(),
      },
      dlt,
    );
  }

  async take(packet: Packet): Promise<void> {
    this.captured++;
    if (this.file !== undefined) {
      this.file.write(pcapRecord(packet.seconds, packet.fraction, packet.length, packet.data));
      if (this.options.packetBuffered) await this.file.flush();
    }
    if (this.printer !== undefined) this.process.stdout.write(this.printer.print(packet, this.captured));
  }

  async flush(): Promise<void> {
    await this.file?.flush();
  }
}

/** /etc/hosts: names by address. */
function hostNames(process: Process): Map<string, string> {
  const names = new Map<string, string>();
  const text = process.files.readText('/etc/hosts');
  if (isRefusal(text)) return names;
  for (const line of text.split('\n')) {
    const [address, name] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address !== undefined && name !== undefined && !names.has(address)) names.set(address, name);
  }
  return names;
}

/** What stops a run: signals, or a reader of the output that went away. */
interface Interruption {
  stopped: boolean;
  brokenPipe: boolean;
  /** SIGUSR1: print the counts so far. */
  countsWanted: boolean;
  /** SIGUSR2: flush the file. */
  flushWanted: boolean;
}

function catchSignals(process: Process): Interruption {
  const interruption: Interruption = { stopped: false, brokenPipe: false, countsWanted: false, flushWanted: false };
  const stop = () => {
    interruption.stopped = true;
  };
  process.onSignal('INT', stop);
  process.onSignal('TERM', stop);
  process.onSignal('HUP', stop);
  process.onSignal('PIPE', () => {
    interruption.stopped = true;
    interruption.brokenPipe = true;
  });
  process.onSignal('USR1', () => {
    interruption.countsWanted = true;
  });
  process.onSignal('USR2', () => {
    interruption.flushWanted = true;
  });
  return interruption;
}

export async function tcpdump(process: Process): Promise<number> {
  const options = parseOptions(process);
  if (options instanceof Exit) return options.status;
  if (options.list === 'devices') {
    process.stdout.write(deviceList(process));
    return 0;
  }
  return options.readFile === undefined ? live(process, options) : offline(process, options, options.readFile);
}

/** The filter of the command line or of -F, compiled. */
function filterOf(
  process: Process,
  options: TcpdumpOptions,
  dlt: number,
  snaplen: number,
  isLive: boolean,
): CompiledFilter | Exit {
  let text = options.expression.join(' ');
  if (options.filterFile !== undefined) {
    const file = process.files.readText(options.filterFile);
    if (isRefusal(file)) return fail(process, `can't open ${options.filterFile}: ${strerror(file.errno)}`);
    text = file.replace(/#[^\n]*/g, ' ');
  }
  const compiled = compileFilter(text, { dlt, snaplen, live: isLive }, options.optimize);
  if ('error' in compiled) return fail(process, compiled.error);
  return compiled.program;
}

/** -Z: the user must exist; there are no privileges to give up. */
function checkUser(process: Process, user: string | undefined): Exit | undefined {
  if (user === undefined) return undefined;
  const passwd = process.files.readText('/etc/passwd');
  const known = isRefusal(passwd) ? [] : passwd.split('\n').map((line) => line.split(':')[0]);
  if (user === 'root' || user === 'tcpdump' || known.includes(user)) return undefined;
  return fail(process, `Couldn't find user '${user.slice(0, 32)}'`);
}

/** Open -w's file and write the header. */
function openOutput(
  process: Process,
  options: TcpdumpOptions,
  dlt: number,
  snaplen: number,
): OutputStream | undefined | Exit {
  const path = options.writeFile;
  if (path === undefined) return undefined;
  const file = path === '-' ? process.stdout : process.files.openWrite(path);
  if (isRefusal(file)) return fail(process, `${path}: ${strerror(file.errno)}`);
  file.write(pcapHeader(dlt, snaplen, options.print.precision));
  return file;
}

function linkTypeText(dlt: number): string {
  const name = datalinkName(dlt);
  return name === undefined ? `link-type ${dlt}` : `link-type ${name} (${datalinkDescription(dlt)})`;
}

function plural(count: number, what: string): string {
  return `${count} packet${count === 1 ? '' : 's'} ${what}`;
}

// ---------------------------------------------------------------- live

function openDevice(process: Process, options: TcpdumpOptions): { capture: LiveCapture; device: string } | Exit {
  const devices = findDevices(process);
  const device = options.device ?? devices[0]!.name;
  const first = openNamed(process, options, device);
  if (first instanceof LiveCapture) return { capture: first, device };
  if (!first.noSuchDevice || !/^\s*[+-]?[0-9]+$/.test(device)) return fail(process, first.error);
  const found = devices[Number(device) - 1];
  if (found === undefined) return fail(process, 'Invalid adapter index');
  const second = openNamed(process, options, found.name);
  return second instanceof LiveCapture ? { capture: second, device: found.name } : fail(process, second.error);
}

function openNamed(process: Process, options: TcpdumpOptions, device: string): LiveCapture | OpenError {
  if (/^(bluetooth-monitor|nflog|nfqueue|dbus-system|dbus-session)/.test(device)) {
    return { error: `${device}: capturing on this device is not supported`, noSuchDevice: false };
  }
  if (options.monitorMode && device !== 'any' && process.task.ioctl.ifNameToIndex(device) !== 0) {
    return { error: `${device}: That device doesn't support monitor mode`, noSuchDevice: false };
  }
  const prints = options.writeFile === undefined || options.alsoPrint;
  const interactive = prints && (process.stdout.isTty || options.lineBuffered);
  return LiveCapture.open(process, {
    device,
    dlt: device === 'any' ? (options.dlt?.value ?? DLT_LINUX_SLL) : DLT_EN10MB,
    snaplen: options.snaplen,
    promiscuous: options.promiscuous,
    immediate: options.immediate,
    blockTime: interactive ? INTERACTIVE_BLOCK_TIME : BLOCK_TIME,
    bufferSize: options.bufferSize,
    direction: options.direction,
    precision: options.print.precision,
  });
}

function datalinkList(device: string): string {
  const types =
    device === 'any'
      ? '  LINUX_SLL (Linux cooked v1)\n  LINUX_SLL2 (Linux cooked v2)\n'
      : '  EN10MB (Ethernet)\n  DOCSIS (DOCSIS) (printing not supported)\n';
  return `Data link types for ${device} (use option -y to set):\n${types}`;
}

/** -y: only the types that the device has. */
function checkDatalink(process: Process, options: TcpdumpOptions, device: string): Exit | undefined {
  if (options.dlt === undefined) return undefined;
  const { value, name } = options.dlt;
  const fits = device === 'any' ? value === DLT_LINUX_SLL || value === DLT_LINUX_SLL2 : value === DLT_EN10MB;
  if (!fits) return fail(process, `${datalinkName(value) ?? name} is not one of the DLTs supported by this device`);
  complain(process, `${programName(process)}: data link type ${datalinkName(value)}\n`);
  return undefined;
}

async function live(process: Process, options: TcpdumpOptions): Promise<number> {
  await process.sleep(STARTUP_TIME);
  if (options.list === 'timestamps') {
    const device = options.device ?? findDevices(process)[0]!.name;
    complain(process, `Time stamp types for ${device} (use option -j to set):\n  host (Host)\n`);
    return 0;
  }
  const opened = openDevice(process, options);
  if (opened instanceof Exit) return opened.status;
  const { capture, device } = opened;
  try {
    if (options.list === 'datalinks') {
      complain(process, datalinkList(device));
      return 0;
    }
    const exit = checkDatalink(process, options, device);
    if (exit !== undefined) return exit.status;
    const filter = filterOf(process, options, capture.dlt, capture.snaplen, true);
    if (filter instanceof Exit) return filter.status;
    const interruption = catchSignals(process);
    const unknownUser = checkUser(process, options.user);
    if (unknownUser !== undefined) return unknownUser.status;
    capture.setFilter(filter);
    const file = openOutput(process, options, capture.dlt, capture.snaplen);
    if (file instanceof Exit) return file.status;
    const sink = new Sink(process, options, capture.dlt, file);
    if (options.packetBuffered) await sink.flush();
    if (options.print.v === 0 && options.writeFile === undefined) {
      const hint = 'verbose output suppressed, use -v[v]... for full protocol decode';
      complain(process, `${programName(process)}: ${hint}\n`);
    } else {
      complain(process, `${programName(process)}: `);
    }
    complain(
      process,
      `listening on ${device}, ${linkTypeText(capture.dlt)}, snapshot length ${capture.snaplen} bytes\n`,
    );
    return await captureLoop(process, options, capture, sink, interruption);
  } finally {
    capture.close();
  }
}

/** The once-a-second count of `-v -w`: `Got N`, without a newline. */
class Progress {
  next: number;
  private shown = -1;
  private readonly process: Process;

  constructor(process: Process) {
    this.process = process;
    this.next = process.now() + SECOND + 1000;
  }

  show(captured: number): void {
    this.next += SECOND;
    if (captured !== this.shown) complain(this.process, `Got ${captured}\r`);
    this.shown = captured;
  }
}

async function captureLoop(
  process: Process,
  options: TcpdumpOptions,
  capture: LiveCapture,
  sink: Sink,
  interruption: Interruption,
): Promise<number> {
  const counted = options.print.v > 0 && options.writeFile !== undefined && !options.alsoPrint;
  const progress = counted ? new Progress(process) : undefined;
  let error: string | undefined;
  const enough = () => options.count !== undefined && sink.captured >= options.count;
  while (!interruption.stopped && !enough()) {
    const waited = await capture.wait(progress?.next);
    if (waited === 'timeout') progress?.show(sink.captured);
    if (waited === 'disappeared') {
      error = 'The interface disappeared';
      break;
    }
    if (interruption.countsWanted) {
      interruption.countsWanted = false;
      const { received, dropped } = capture.statistics();
      const counts = [plural(sink.captured, 'captured'), plural(received, 'received by filter')];
      complain(process, `${programName(process)}: ${counts.join(', ')}, ${plural(dropped, 'dropped by kernel')}\n`);
    }
    if (interruption.flushWanted) {
      interruption.flushWanted = false;
      await sink.flush();
    }
    if (waited !== 'packets') continue;
    for (let packet = capture.next(); packet !== 'end' && !interruption.stopped; packet = capture.next()) {
      if (packet !== 'unwanted') await sink.take(packet);
      if (enough()) break;
    }
  }
  const status = await finish(process, options, interruption, error);
  if (status === S_ERR_ND_WRITE_FILE) return status;
  const { received, dropped } = capture.statistics();
  complain(process, `${plural(sink.captured, 'captured')}\n`);
  complain(process, `${plural(received, 'received by filter')}\n`);
  complain(process, `${plural(dropped, 'dropped by kernel')}\n`);
  return status;
}

/** What stands at the end of any run: the rest of the output, and the error if there was one. */
async function finish(
  process: Process,
  options: TcpdumpOptions,
  interruption: Interruption,
  error: string | undefined,
): Promise<number> {
  if (interruption.brokenPipe && options.writeFile === undefined) {
    complain(process, `${programName(process)}: Unable to write output: Broken pipe\n`);
    return S_ERR_ND_WRITE_FILE;
  }
  if (options.writeFile === undefined) {
    // An interrupted line may not have been finished.
    if (interruption.stopped) process.stdout.write('\n');
    await process.stdout.flush();
  }
  if (error === undefined) return 0;
  complain(process, `${programName(process)}: pcap_loop: ${error}\n`);
  return 1;
}

// ---------------------------------------------------------------- files

/** The bytes of -r's file, pushed into a reader: all at once, or from standard input as they come. */
class FileInput {
  readonly reader: CaptureReader;
  private readonly process: Process;
  private readonly fromStdin: boolean;

  constructor(process: Process, options: TcpdumpOptions, path: string) {
    this.process = process;
    this.reader = new CaptureReader(options.print.precision);
    this.fromStdin = path === '-';
  }

  /** libpcap's text if the file cannot be read. */
  open(path: string): string | undefined {
    if (this.fromStdin) return undefined;
    const stat = this.process.files.stat(path);
    if (!isRefusal(stat) && stat.kind === 'directory') return 'error reading dump file: Is a directory';
    const bytes = this.process.files.read(path);
    if (isRefusal(bytes)) return `${path}: ${strerror(bytes.errno)}`;
    this.reader.push(bytes);
    this.reader.end();
    return undefined;
  }

  /** Wait for more of standard input. */
  async more(): Promise<void> {
    const chunk = await this.process.stdin.read();
    if (chunk.length === 0) this.reader.end();
    else this.reader.push(chunk);
  }
}

async function offline(process: Process, options: TcpdumpOptions, path: string): Promise<number> {
  const input = new FileInput(process, options, path);
  const unreadable = input.open(path);
  if (unreadable !== undefined) return fail(process, unreadable).status;
  let header = input.reader.header();
  while (header === 'more') {
    await input.more();
    header = input.reader.header();
  }
  if ('error' in header) return fail(process, header.error).status;
  const { dlt, snaplen } = header;
  complain(process, `reading from file ${path}, ${linkTypeText(dlt)}, snapshot length ${snaplen}\n`);
  if (dlt === DLT_LINUX_SLL2) complain(process, 'Warning: interface names might be incorrect\n');
  const filter = filterOf(process, options, dlt, snaplen, false);
  if (filter instanceof Exit) return filter.status;
  const interruption = catchSignals(process);
  const unknownUser = checkUser(process, options.user);
  if (unknownUser !== undefined) return unknownUser.status;
  const file = openOutput(process, options, dlt, snaplen);
  if (file instanceof Exit) return file.status;
  const sink = new Sink(process, options, dlt, file);
  let error: string | undefined;
  while (!interruption.stopped && (options.count === undefined || sink.captured < options.count)) {
    const result = input.reader.next();
    if (result === 'end') break;
    if (result === 'more') {
      await input.more();
    } else if ('error' in result) {
      error = result.error;
      break;
    } else if (matchesPacket(filter, result.packet.data, result.packet.length)) {
      await sink.take(result.packet);
    }
  }
  const status = await finish(process, options, interruption, error);
  if (options.countOnly) process.stdout.write(`${plural(sink.captured, '').trimEnd()}\n`);
  return status;
}
