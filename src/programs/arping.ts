/** arping (iputils 20221126): ARP requests over a packet socket. */
import { ENETDOWN } from '../uapi/errno.ts';
import {
  ETH_P_ARP,
  IFF_LOOPBACK,
  IFF_NOARP,
  IFF_UP,
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_MULTICAST,
} from '../uapi/if.ts';
import { complain, type Process, type Program } from '../uapi/process.ts';
import { isRefusal } from '../uapi/result.ts';
import type { LinkMessage } from '../uapi/rtnetlink.ts';
import type { Socket, SocketMessage } from '../uapi/socket.ts';
import { formatIpv4, formatMac, type Ipv4, MAC_BROADCAST, type Mac } from '../wire/addr.ts';
import {
  ARP_LENGTH,
  ARPOP_REPLY,
  ARPOP_REQUEST,
  arpOperation,
  arpSenderIp,
  arpSenderMac,
  arpTargetIp,
  arpTargetMac,
  putArp,
  validateArp,
} from '../wire/arp.ts';
import { Getopt } from './getopt.ts';
import { inetAton } from './hosts.ts';
import { die, Exit, error, IPUTILS_FEATURES, IPUTILS_VERSION, lookup, runProgram, strtolOrErr } from './iputils.ts';

const INT_MAX = 0x7fff_ffff;
const SECOND = 1_000_000_000;
const PROBE_PORT = 1025;

const USAGE = `
Usage:
  arping [options] <destination>

Options:
  -f            quit on first reply
  -q            be quiet
  -b            keep on broadcasting, do not unicast
  -D            duplicate address detection mode
  -U            unsolicited ARP mode, update your neighbours
  -A            ARP answer mode, update your neighbours
  -V            print version and exit
  -c <count>    how many packets to send
  -w <timeout>  how long to wait for a reply
  -i <interval> set interval between packets (default: 1 second)
  -I <device>   which ethernet device to use
  -s <source>   source ip address
  <destination> dns name or ip address

For more details see arping(8).
`;

interface Options {
  broadcastOnly: boolean;
  dad: boolean;
  unsolicited: boolean;
  advert: boolean;
  quiet: boolean;
  quitOnReply: boolean;
  /** -1: for ever. */
  count: number;
  /** Seconds; 0 is none. */
  timeout: number;
  interval: number;
  device: string | undefined;
  source: string | undefined;
  target: string;
}

/** The device and the addresses that probes go between. */
interface Path {
  link: LinkMessage;
  source: Ipv4;
  target: Ipv4;
}

export const arping: Program = (process) => runProgram(() => main(process));

async function main(process: Process): Promise<number> {
  const options = await parseOptions(process);
  const socket = process.task.socket('packet-dgram', 0);
  if (isRefusal(socket)) return die(process, 2, 'socket', socket.errno);
  try {
    const path = await choosePath(process, options);
    socket.bind({ family: 'packet', ifindex: path.link.ifindex, protocol: ETH_P_ARP });
    if (path.link.address === undefined) {
      if (!options.quiet) process.stdout.write(`Interface "${path.link.ifname}" is not ARPable (no ll address)\n`);
      throw new Exit(options.dad ? 0 : 2);
    }
    if (!options.quiet) {
      process.stdout.write(`ARPING ${formatIpv4(path.target)} from ${formatIpv4(path.source)} ${path.link.ifname}\n`);
    }
    if (options.source === undefined && path.source === 0 && !options.dad) {
      return die(process, 2, 'no source address in not-DAD mode');
    }
    return await new Arping(process, socket, options, path, path.link.address).run();
  } finally {
    socket.close();
  }
}

async function parseOptions(process: Process): Promise<Options> {
  const options: Options = {
    broadcastOnly: false,
    dad: false,
    unsolicited: false,
    advert: false,
    quiet: false,
    quitOnReply: false,
    count: -1,
    timeout: 0,
    interval: 1,
    device: undefined,
    source: undefined,
    target: '',
  };
  const getopt = new Getopt(process, 'h?bfDUAqc:w:i:s:I:V');
  for (let parsed = getopt.next(); parsed !== undefined; parsed = getopt.next()) {
    const argument = parsed.argument ?? '';
    switch (parsed.option) {
      case 'b':
        options.broadcastOnly = true;
        break;
      case 'D':
        options.dad = true;
        options.quitOnReply = true;
        break;
      case 'U':
        options.unsolicited = true;
        break;
      case 'A':
        options.advert = true;
        options.unsolicited = true;
        break;
      case 'q':
        options.quiet = true;
        break;
      case 'f':
        options.quitOnReply = true;
        break;
      case 'c':
        options.count = await strtolOrErr(process, argument, 1, INT_MAX);
        break;
      case 'w':
        options.timeout = await strtolOrErr(process, argument, 0, INT_MAX);
        break;
      case 'i':
        options.interval = await strtolOrErr(process, argument, 0, INT_MAX);
        break;
      case 'I':
        options.device = argument === '' ? undefined : argument;
        break;
      case 's':
        options.source = argument;
        break;
      case 'V':
        process.stdout.write(`arping from iputils ${IPUTILS_VERSION}\n${IPUTILS_FEATURES}\n`);
        throw new Exit(0);
      default:
        usage(process);
    }
  }
  if (getopt.operands.length !== 1) usage(process);
  options.target = getopt.operands[0]!;
  return options;
}

function usage(process: Process): never {
  complain(process, USAGE);
  throw new Exit(2);
}

async function choosePath(process: Process, options: Options): Promise<Path> {
  const target = inetAton(options.target) ?? lookup(process, options.target, 'inet');
  if (typeof target === 'string') return die(process, 2, `${options.target}: ${target}`);
  const device = options.device ?? (await outgoingDevice(process, target));
  const link = await checkDevice(process, options, device);
  let source = 0;
  if (options.source !== undefined) {
    const given = inetAton(options.source);
    if (given === undefined) return die(process, 2, `invalid source ${options.source}`);
    source = given;
  }
  if (!options.dad && options.unsolicited && options.source === undefined) source = target;
  if (!options.dad || options.source !== undefined) source = await checkSource(process, options, link, source, target);
  return { link, source, target };
}

/** guess_device(): where the route to the target leads. */
async function outgoingDevice(process: Process, target: Ipv4): Promise<string> {
  const route = process.task.rtnl.getRoute({ dst: target });
  if (isRefusal(route)) return die(process, 1, 'NETLINK_ROUTE unexpected iov element');
  const name = process.task.ioctl.ifIndexToName(route.oif ?? 0);
  return name ?? die(process, 1, 'if_indextoname failed: No such device or address');
}

/** check_device(): a device that is up and speaks ARP. */
async function checkDevice(process: Process, options: Options, device: string): Promise<LinkMessage> {
  const link = process.task.rtnl.dumpLinks().find((each) => each.ifname === device);
  if (link === undefined) return die(process, 2, `Device ${device} not available.`);
  if ((link.flags & IFF_UP) === 0) {
    if (!options.quiet) process.stdout.write(`Interface "${device}" is down\n`);
    throw new Exit(2);
  }
  if ((link.flags & (IFF_NOARP | IFF_LOOPBACK)) !== 0) {
    if (!options.quiet) process.stdout.write(`Interface "${device}" is not ARPable\n`);
    throw new Exit(options.dad ? 0 : 2);
  }
  return link;
}

/** The source must be an address of this host; without one the kernel chooses it. */
async function checkSource(
  process: Process,
  options: Options,
  link: LinkMessage,
  source: Ipv4,
  target: Ipv4,
): Promise<Ipv4> {
  const probe = process.task.socket('udp', 0);
  if (isRefusal(probe)) return die(process, 2, 'socket', probe.errno);
  try {
    const ignored = probe.setOption('bindToIfindex', link.ifindex);
    if (ignored !== undefined) await error(process, 'WARNING: interface is ignored', ignored.errno);
    if (options.source !== undefined || source !== 0) {
      const refused = probe.bind({ family: 'inet', address: source, port: 0 });
      return refused === undefined ? source : die(process, 2, 'bind', refused.errno);
    }
    if (options.unsolicited) return target;
    probe.setOption('dontroute', true);
    const refused = probe.connect({ family: 'inet', address: target, port: PROBE_PORT });
    if (refused !== undefined) return die(process, 2, 'connect', refused.errno);
    const name = probe.getsockname();
    return name.family === 'inet' ? name.address : 0;
  } finally {
    probe.close();
  }
}

/** Sending and receiving: event_loop(), send_pack(), recv_pack(), finish(). */
class Arping {
  readonly #process: Process;
  readonly #socket: Socket;
  readonly #options: Options;
  readonly #path: Path;
  readonly #me: Mac;
  #he: Mac;
  #unicasting = false;
  #sent = 0;
  #broadcastsSent = 0;
  #received = 0;
  #broadcastsReceived = 0;
  #requestsReceived = 0;
  #lastSentAt: number | undefined;
  #done = false;

  constructor(process: Process, socket: Socket, options: Options, path: Path, me: Mac) {
    this.#process = process;
    this.#socket = socket;
    this.#options = options;
    this.#path = path;
    this.#me = me;
    this.#he = path.link.broadcast ?? MAC_BROADCAST;
  }

  async run(): Promise<number> {
    const process = this.#process;
    const { count, interval, timeout } = this.#options;
    for (const signal of ['INT', 'QUIT', 'TERM'] as const) {
      process.onSignal(signal, () => {
        this.#done = true;
      });
    }
    const never = Number.POSITIVE_INFINITY;
    let nextAt = interval > 0 ? process.now() + interval * SECOND : never;
    const timeoutAt = timeout > 0 ? process.now() + timeout * SECOND : never;
    let expirations = 1;
    let networkDown = false;
    this.#send();
    while (!this.#done) {
      const until = Math.min(nextAt, timeoutAt);
      if (!this.#socket.readable) {
        const wait = until === never ? undefined : Math.max(0, until - process.now());
        await process.poll([this.#socket], wait);
        if (this.#done) break;
      }
      // What an answer to the packet that is sent now brings is seen by the next poll.
      const { readable } = this.#socket;
      const now = process.now();
      if (now >= nextAt) {
        nextAt += interval * SECOND;
        expirations++;
        if (count > 0 && count < expirations) this.#done = true;
        else this.#send();
      }
      if (now >= timeoutAt) this.#done = true;
      const errno = this.#socket.takeError();
      if (errno !== 0) {
        await error(process, 'recvfrom', errno);
        networkDown = errno === ENETDOWN;
        if (networkDown) break;
      }
      const message = readable ? this.#socket.recv() : undefined;
      if (message !== undefined && (await this.#receive(message))) this.#done = true;
    }
    const status = this.#finish();
    return networkDown ? 2 : status;
  }

  #send(): void {
    const { source, target, link } = this.#path;
    const { advert } = this.#options;
    const packet = new Uint8Array(ARP_LENGTH);
    putArp(packet, 0, advert ? ARPOP_REPLY : ARPOP_REQUEST, this.#me, source, advert ? this.#me : this.#he, target);
    const now = this.#process.now();
    const address = { ifindex: link.ifindex, protocol: ETH_P_ARP, address: this.#he };
    if (this.#socket.send(packet, { family: 'packet', ...address }) !== packet.length) return;
    this.#lastSentAt = now;
    this.#sent++;
    if (!this.#unicasting) this.#broadcastsSent++;
  }

  /** recv_pack(): true when this was the last packet that is waited for. */
  async #receive(message: SocketMessage): Promise<boolean> {
    const { from, data } = message;
    if (from.family !== 'packet' || !this.#isAnswer(data, from.pkttype)) return false;
    const unicast = from.pkttype === PACKET_HOST;
    if (!this.#options.quiet) {
      this.#process.stdout.write(this.#describe(data, unicast));
      await this.#process.stdout.flush();
    }
    this.#received++;
    const { timeout, count } = this.#options;
    if (timeout > 0 && this.#received === count) return true;
    if (!unicast) this.#broadcastsReceived++;
    if (arpOperation(data, 0) === ARPOP_REQUEST) this.#requestsReceived++;
    if (this.#options.quitOnReply || (count === 0 && this.#received === this.#sent)) return true;
    if (!this.#options.broadcastOnly) {
      this.#he = arpSenderMac(data, 0);
      this.#unicasting = true;
    }
    return false;
  }

  #isAnswer(data: Uint8Array, pkttype: number): boolean {
    const { source, target } = this.#path;
    if (pkttype !== PACKET_HOST && pkttype !== PACKET_BROADCAST && pkttype !== PACKET_MULTICAST) return false;
    if (validateArp(data, 0, data.length).verdict !== 'ok') return false;
    const operation = arpOperation(data, 0);
    if (operation !== ARPOP_REQUEST && operation !== ARPOP_REPLY) return false;
    if (arpSenderIp(data, 0) !== target) return false;
    if (this.#options.dad) {
      if (arpSenderMac(data, 0) === this.#me) return false;
      return source === 0 || arpTargetIp(data, 0) === source;
    }
    return arpTargetIp(data, 0) === source && arpTargetMac(data, 0) === this.#me;
  }

  #describe(data: Uint8Array, unicast: boolean): string {
    const mac = (address: Mac) => formatMac(address).toUpperCase();
    const kind = arpOperation(data, 0) === ARPOP_REPLY ? 'reply' : 'request';
    let text = `${unicast ? 'Unicast' : 'Broadcast'} ${kind} from ${formatIpv4(arpSenderIp(data, 0))}`;
    text += ` [${mac(arpSenderMac(data, 0))}] `;
    const forOther = arpTargetIp(data, 0) !== this.#path.source;
    if (forOther) text += `for ${formatIpv4(arpTargetIp(data, 0))} `;
    if (arpTargetMac(data, 0) !== this.#me) text += `${forOther ? '' : 'for '}[${mac(arpTargetMac(data, 0))}]`;
    if (this.#lastSentAt === undefined) return `${text} UNSOLICITED?\n`;
    const microseconds = Math.trunc((this.#process.now() - this.#lastSentAt + 500) / 1000);
    const milliseconds = Math.trunc((microseconds + 500) / 1000);
    const fraction = microseconds - milliseconds * 1000 + 500;
    return `${text} ${milliseconds}.${String(fraction).padStart(3, '0')}ms\n`;
  }

  #finish(): number {
    const { quiet, dad, unsolicited, timeout, count, quitOnReply } = this.#options;
    if (!quiet) {
      const { stdout } = this.#process;
      stdout.write(`Sent ${this.#sent} probes (${this.#broadcastsSent} broadcast(s))\n`);
      const parts: string[] = [];
      if (this.#requestsReceived > 0) parts.push(`${this.#requestsReceived} request(s)`);
      if (this.#broadcastsReceived > 0) parts.push(`${this.#broadcastsReceived} broadcast(s)`);
      stdout.write(`Received ${this.#received} response(s)${parts.length > 0 ? ` (${parts.join(', ')})` : ''}\n`);
    }
    if (dad) return this.#received > 0 ? 1 : 0;
    if (unsolicited) return 0;
    if (timeout > 0 && count > 0 && !quitOnReply) return count <= this.#received ? 0 : 1;
    return this.#received > 0 ? 0 : 1;
  }
}
