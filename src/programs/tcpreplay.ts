/** tcpreplay (4.4.3): frames of capture files out of an interface, at their times or faster. */
import { DLT_EN10MB, DLT_RAW } from '../capture/linktype.ts';
import type { Packet } from '../capture/packet.ts';
import { readCapture } from '../capture/reader.ts';
import { ENOENT, strerror } from '../uapi/errno.ts';
import { ARPHRD_ETHER, ETH_P_ALL, IFF_UP } from '../uapi/if.ts';
import { complain, type Process, type Program } from '../uapi/process.ts';
import { isRefusal } from '../uapi/result.ts';
import type { LinkMessage } from '../uapi/rtnetlink.ts';
import type { Socket } from '../uapi/socket.ts';
import { FlowTable } from './tcpreplay-flows.ts';
import { badArguments, FATAL, type Options, parseOptions } from './tcpreplay-options.ts';

const SECOND = 1_000_000_000;
const MICROSECOND = 1000;
/** What sending a frame takes; the figures printed at the end divide by it. */
const SENDING = MICROSECOND;
const STDIN = '-';
const ETHERNET_HEADER = 14;

export const tcpreplay: Program = async (process) => {
  const options = parseOptions(process);
  if (typeof options === 'number') return options;
  const link = process.task.rtnl.dumpLinks().find(({ ifname }) => ifname === options.device);
  if (link === undefined) return badArguments(process, 336, `Invalid interface name/alias: ${options.device}`);
  const socket = process.task.socket('packet-raw', 0);
  if (isRefusal(socket)) return cannotOpen(process, options.device, strerror(socket.errno));
  try {
    return await replay(process, options, link, socket);
  } finally {
    socket.close();
  }
};

async function replay(process: Process, options: Options, link: LinkMessage, socket: Socket): Promise<number> {
  const { device, files } = options;
  socket.bind({ family: 'packet', ifindex: link.ifindex, protocol: ETH_P_ALL });
  if ((link.flags & IFF_UP) === 0) return cannotOpen(process, device, 'Network is down');
  if (link.type !== ARPHRD_ETHER) {
    const type = link.type.toString(16).padStart(4, '0');
    complain(
      process,
      `Warning in sendpacket.c:sendpacket_open_pf() line 952:\nUnsupported physical layer type 0x${type} on ${device}.` +
        `  Maybe it works, maybe it won't.  See tickets #123/318\n`,
    );
  }
  for (const file of files) {
    const missing = file !== STDIN && isRefusal(process.files.stat(file));
    if (!missing) continue;
    const why = `Unable to retrieve information from file ${file}: ${strerror(ENOENT)}`;
    complain(process, `\nFatal Error in tcpreplay.c:main() line 122:\n ${why}\n`);
    return FATAL;
  }
  if (options.printPid) process.stdout.write(`PID: ${process.pid}\n`);
  if (options.preload) complain(process, 'File Cache is enabled\n');
  const sender = new Sender(process, options, socket, link.ifindex);
  for (let loop = 0; options.loops === 0 || loop < options.loops; loop++) {
    if (loop > 0 && options.loopDelay > 0) await process.sleep(options.loopDelay);
    for (const file of files) {
      const status = await sender.sendFile(file);
      if (status !== undefined) return status;
    }
    if (sender.isDone || sender.isIdle) break;
  }
  sender.report();
  return 0;
}

function cannotOpen(process: Process, device: string, why: string): number {
  const where = 'Fatal Error in sendpacket.c:sendpacket_open() line 554:';
  complain(process, `\n${where}\n failed to open device ${device}: error opening ${device}: ${why}\n`);
  return FATAL;
}

class Sender {
  readonly #process: Process;
  readonly #options: Options;
  readonly #socket: Socket;
  readonly #ifindex: number;
  readonly #flows = new FlowTable();
  readonly #startedAt: number;
  #endedAt: number;
  /** Frames taken from the files, whether they could be sent or not. */
  #tried = 0;
  #octetsTried = 0;
  #sent = 0;
  #octetsSent = 0;

  constructor(process: Process, options: Options, socket: Socket, ifindex: number) {
    this.#process = process;
    this.#options = options;
    this.#socket = socket;
    this.#ifindex = ifindex;
    this.#startedAt = process.now();
    this.#endedAt = this.#startedAt;
  }

  get isDone(): boolean {
    return this.#tried >= this.#options.limit;
  }

  /** There was nothing to send: another loop would not end. */
  get isIdle(): boolean {
    return this.#tried === 0;
  }

  /** Send a file's frames; returns the exit status when it is no capture file. */
  async sendFile(path: string): Promise<number | undefined> {
    const data = path === STDIN ? await this.#process.stdin.readAll() : this.#process.files.read(path);
    const capture = isRefusal(data) ? { error: strerror(data.errno) } : readCapture(data);
    if (!('packets' in capture)) {
      const where = 'Failed: From replay.c:replay_file() line 129:';
      complain(this.#process, `\n${where}\nError opening pcap file: ${capture.error}\n\n`);
      return FATAL;
    }
    const begun = this.#process.now();
    // A time of zero counts as none.
    const first = capture.packets.find((packet) => timeOf(packet) > 0) ?? capture.packets[0];
    for (const packet of capture.packets) {
      if (this.isDone) break;
      await this.#waitFor(packet, first!, begun);
      this.#count(packet, capture.dlt);
      this.#send(packet);
      await this.#process.sleep(SENDING);
      this.#endedAt = this.#process.now();
    }
    return undefined;
  }

  async #waitFor(packet: Packet, first: Packet, begun: number): Promise<void> {
    const { speed, longestWait } = this.#options;
    let due = begun;
    if (speed.by === 'time') due += (timeOf(packet) - timeOf(first)) / speed.factor;
    else if (speed.by === 'packets') due = this.#startedAt + (this.#tried / speed.perSecond) * SECOND;
    else if (speed.by === 'bits') {
      due = this.#startedAt + (((this.#octetsTried + packet.data.length) * 8) / speed.perSecond) * SECOND;
    }
    const wait = Math.min(due - this.#process.now(), longestWait);
    if (wait > 0) await this.#process.sleep(Math.round(wait));
  }

  #count({ data }: Packet, dlt: number): void {
    this.#tried++;
    this.#octetsTried += data.length;
    if (!this.#options.flowStatistics) return;
    const frame = dlt === DLT_RAW ? asEthernet(data) : data;
    if ((dlt !== DLT_EN10MB && dlt !== DLT_RAW) || this.#flows.count(frame) !== 'unsupported') return;
    complain(
      this.#process,
      'Warning in flows.c:flow_decode() line 199:\nUnable to process unsupported DLT type: Ethernet (0x1)\n',
    );
  }

  #send({ data }: Packet): void {
    const result = this.#socket.send(data, { family: 'packet', ifindex: this.#ifindex });
    if (result >= 0) {
      this.#sent++;
      this.#octetsSent += data.length;
      return;
    }
    const why = `Error with PF_PACKET send() [${this.#tried}]: ${strerror(-result)} (errno = ${-result})`;
    complain(this.#process, `Warning in send_packets.c:send_packets() line 489:\nUnable to send packet: ${why}\n`);
  }

  /** The figures at the end; none when nothing was sent. */
  report(): void {
    if (this.#sent === 0) return;
    const elapsed = Math.max(MICROSECOND, this.#endedAt - this.#startedAt) / SECOND;
    const perSecond = (count: number) => count / elapsed;
    const bits = perSecond(this.#octetsSent * 8) / 1e6;
    const { stdout } = this.#process;
    stdout.write(`Actual: ${this.#sent} packets (${this.#octetsSent} bytes) sent in ${secondsText(elapsed)} seconds\n`);
    stdout.write(
      `Rated: ${cut(perSecond(this.#octetsSent), 1)} Bps, ${cut(bits, bits < 1 ? 3 : 2)} Mbps, ${cut(perSecond(this.#sent), 2)} pps\n`,
    );
    const { flows, flowPackets, nonFlowPackets } = this.#flows;
    if (flows > 0) {
      stdout.write(
        `Flows: ${flows} flows, ${cut(perSecond(flows), 2)} fps, ${flowPackets} unique flow packets, ${nonFlowPackets} unique non-flow packets\n`,
      );
    }
    stdout.write(
      `Statistics for network device: ${this.#options.device}\n\tSuccessful packets:        ${this.#sent}\n` +
        `\tFailed packets:            ${this.#tried - this.#sent}\n\tTruncated packets:         0\n` +
        '\tRetried packets (ENOBUFS): 0\n\tRetried packets (EAGAIN):  0\n',
    );
  }
}

const timeOf = ({ seconds, fraction }: Packet): number => seconds * SECOND + fraction * MICROSECOND;

/** A bare datagram behind an Ethernet header, for counting flows. */
function asEthernet(datagram: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER + datagram.length);
  frame[12] = 0x08;
  frame.set(datagram, ETHERNET_HEADER);
  return frame;
}

function secondsText(seconds: number): string {
  return seconds < 1 ? seconds.toFixed(6) : cut(seconds, 2);
}

/** A number with so many decimals, the rest cut off. */
function cut(value: number, decimals: number): string {
  const unit = 10 ** decimals;
  return (Math.floor(value * unit + 1e-6) / unit).toFixed(decimals);
}
