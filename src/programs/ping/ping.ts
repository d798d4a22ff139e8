/** ping (iputils 20221126): ICMP echo requests over a ping socket or, where that is not allowed, a raw one. */
import { EACCES, EAFNOSUPPORT, EPERM, EPROTONOSUPPORT } from '../../uapi/errno.ts';
import { complain, type Process, type Program } from '../../uapi/process.ts';
import { isRefusal } from '../../uapi/result.ts';
import type { Socket, SocketOptions } from '../../uapi/socket.ts';
import { formatIpv4, type Ipv4, isMulticastIpv4, putU16 } from '../../wire/addr.ts';
import {
  ICMP_DEST_UNREACH,
  ICMP_ECHOREPLY,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
} from '../../wire/icmp.ts';
import { IPOPT_NOOP, IPOPT_RR, IPOPT_TIMESTAMP, IPPROTO_ICMP } from '../../wire/ipv4.ts';
import { hostName, inetAton } from '../hosts.ts';
import { die, error, isIpv6Literal, lookup, runProgram } from '../iputils.ts';
import { PingLoop } from './loop.ts';
import { type PingOptions, parseOptions, usage } from './options.ts';
import { blockAllBut } from './receive.ts';
import { PingSession } from './session.ts';

const PROBE_PORT = 1025;
const IPOPT_MINOFF = 4;
const IP_PMTUDISC_DO = 2;
const INT_MAX = 0x7fff_ffff;
const MAX_TARGETS = 10;

interface Target {
  hostname: string;
  address: Ipv4;
}

export const ping: Program = (process) => runProgram(() => main(process));

async function main(process: Process): Promise<number> {
  const options = await parseOptions(process);
  const socket = await createSocket(process, options);
  try {
    return await run(process, options, socket);
  } finally {
    socket.close();
  }
}

/** create_socket(): a ping socket if the user's group may have one, else a raw socket. */
async function createSocket(process: Process, options: PingOptions): Promise<Socket> {
  const { task } = process;
  if (options.ident === 0 && options.verbose) await error(process, 'WARNING: ident 0 => forcing raw socket');
  let socket = options.ident === 0 ? undefined : task.socket('ping', IPPROTO_ICMP);
  const forbidden = isRefusal(socket) && [EACCES, EAFNOSUPPORT, EPROTONOSUPPORT].includes(socket.errno);
  if (socket === undefined || forbidden) socket = task.socket('raw', IPPROTO_ICMP);
  if (isRefusal(socket)) return die(process, 2, 'socket', socket.errno);
  if (options.verbose) {
    const type = socket.type === 'ping' ? 'SOCK_DGRAM' : 'SOCK_RAW';
    const only4 = options.family === 4;
    const family = only4 ? 'AF_INET' : options.family === 6 ? 'AF_INET6' : 'AF_UNSPEC';
    const second = only4 ? 'sock6.fd: -1 (socktype: 0)' : `sock6.fd: 4 (socktype: ${type})`;
    await error(process, `sock4.fd: 3 (socktype: ${type}), ${second}, hints.ai_family: ${family}\n`);
  }
  return socket;
}

/** Where to: numeric addresses are shown as given, names as /etc/hosts spells them first. */
async function resolve(process: Process, options: PingOptions): Promise<Target> {
  const name = options.targets.at(-1)!;
  const literal = isIpv6Literal(name);
  if (literal && options.family !== 4) return die(process, 2, `${name}: IPv6 is not supported`);
  const address = lookup(process, name, 'any');
  if (typeof address === 'string') return die(process, 2, `${name}: ${address}`);
  if (options.family === 6) return die(process, 2, `${name}: Address family for hostname not supported`);
  const numeric = inetAton(name) !== undefined;
  const hostname = numeric ? name : (hostName(process, address) ?? name);
  if (options.verbose) process.stdout.write(`ai->ai_family: AF_INET, ai->ai_canonname: '${hostname}'\n`);
  if (numeric) options.numeric = true;
  return { hostname, address };
}

/** ping4_run(). */
async function run(process: Process, options: PingOptions, socket: Socket): Promise<number> {
  if (options.tos !== 0) await set(process, socket, 'tos', options.tos, 'setsockopt');
  const target = await resolve(process, options);
  const sourceRoute = options.targets.length > 1;
  if (sourceRoute && (options.recordRoute || options.timestampOption !== undefined)) usage(process);
  if (options.targets.length > MAX_TARGETS) usage(process);

  const source = await chooseSource(process, options, socket, target.address);
  const whereto = target.address === 0 ? source : target.address;
  const multicast = options.broadcast || isMulticastIpv4(whereto);
  const discover = options.pmtuDiscover ?? (multicast ? IP_PMTUDISC_DO : undefined);
  if (discover !== undefined) await set(process, socket, 'mtuDiscover', discover, 'IP_MTU_DISCOVER');
  await bindSource(process, options, socket, source);
  const optionLength = await setOptions(process, options, socket, sourceRoute);

  const via = options.device !== undefined || options.strictSource;
  const from = via ? `from ${formatIpv4(source)} ${options.device ?? ''}: ` : '';
  const length = options.size + 8 + optionLength + 20;
  process.stdout.write(
    `PING ${target.hostname} (${formatIpv4(whereto)}) ${from}${options.size}(${length}) bytes of data.\n`,
  );

  const ident = options.ident ?? process.pid & 0xffff;
  const session = new PingSession(process, socket, options, { hostname: target.hostname, whereto, multicast, ident });
  if (session.interval >= Math.trunc(INT_MAX / options.preload)) {
    await die(process, 2, `illegal preload and/or interval: ${session.interval}`);
  }
  if (options.dontRoute) socket.setOption('dontroute', true);
  if (options.mark !== undefined) socket.setOption('mark', options.mark);
  process.onSignal('INT', () => {
    session.exiting = true;
  });
  process.onSignal('ALRM', () => {
    session.exiting = true;
  });
  process.onSignal('QUIT', () => {
    session.statusWanted = true;
  });
  if (options.connect) {
    const refused = socket.connect({ family: 'inet', address: whereto, port: PROBE_PORT });
    if (refused !== undefined) await die(process, 2, 'connect failed', refused.errno);
  }
  return new PingLoop(session).run();
}

/** The source that the kernel chooses for a connected UDP socket; -I binds it, and the real one, to a device. */
async function chooseSource(process: Process, options: PingOptions, socket: Socket, whereto: Ipv4): Promise<Ipv4> {
  const { device } = options;
  if (options.source !== 0) {
    if (device !== undefined) await bindToDevice(process, socket, device, whereto);
    return options.source;
  }
  const probe = process.task.socket('udp', 0);
  if (isRefusal(probe)) return die(process, 2, 'socket', probe.errno);
  try {
    if (device !== undefined) {
      await bindToDevice(process, probe, device, whereto);
      await bindToDevice(process, socket, device, whereto);
    }
    if (options.tos !== 0) probe.setOption('tos', options.tos);
    if (options.mark !== undefined) probe.setOption('mark', options.mark);
    const address = { family: 'inet', address: whereto, port: PROBE_PORT } as const;
    let refused = probe.connect(address);
    if (refused?.errno === EACCES) {
      if (!options.broadcast) {
        const hint = 'Do you want to ping broadcast? Then -b. If not, check your local firewall rules';
        await die(process, 2, hint);
      }
      complain(process, 'WARNING: pinging broadcast address\n');
      await set(process, probe, 'broadcast', true, 'cannot set broadcasting');
      refused = probe.connect(address);
    }
    if (refused !== undefined) await die(process, 2, 'connect', refused.errno);
    const name = probe.getsockname();
    const source = name.family === 'inet' ? name.address : 0;
    if (device !== undefined && !hasAddress(process, device, source)) {
      await error(process, `Warning: source address might be selected on device other than: ${device}`);
    }
    return source;
  } finally {
    probe.close();
  }
}

/** getifaddrs(3) calls an address by its label. */
function hasAddress(process: Process, device: string, address: Ipv4): boolean {
  return process.task.rtnl.dumpAddrs({}).some(({ local, label }) => local === address && label === device);
}

async function bindToDevice(process: Process, socket: Socket, device: string, whereto: Ipv4): Promise<void> {
  const ifindex = process.task.ioctl.ifNameToIndex(device);
  if (ifindex !== 0) {
    await set(process, socket, 'bindToIfindex', ifindex, `SO_BINDTODEVICE ${device}`);
    return;
  }
  if (isMulticastIpv4(whereto)) await die(process, 2, `unknown iface: ${device}`);
  await die(process, 2, `SO_BINDTODEVICE ${device}: No such device`);
}

async function bindSource(process: Process, options: PingOptions, socket: Socket, source: Ipv4): Promise<void> {
  const ident = socket.type === 'ping' && options.ident !== undefined && options.ident > 0 ? options.ident : 0;
  if (!options.strictSource && ident === 0) return;
  const refused = socket.bind({ family: 'inet', address: source, port: ident });
  if (refused !== undefined) await die(process, 2, 'bind', refused.errno);
}

/** The socket options of ping4_run(). Returns the length of the IP options. */
async function setOptions(
  process: Process,
  options: PingOptions,
  socket: Socket,
  sourceRoute: boolean,
): Promise<number> {
  if (socket.type === 'raw') {
    const wanted = [
      ICMP_SOURCE_QUENCH,
      ICMP_DEST_UNREACH,
      ICMP_TIME_EXCEEDED,
      ICMP_PARAMETERPROB,
      ICMP_REDIRECT,
      ICMP_ECHOREPLY,
    ];
    socket.setOption('icmpFilter', blockAllBut(...wanted));
  }
  socket.setOption('recverr', true);
  const ipOptions = recordingOptions(options);
  if (ipOptions !== undefined) {
    await set(process, socket, 'ipOptions', ipOptions, options.recordRoute ? 'record route' : 'ts option');
  }
  // Source routes need CAP_NET_RAW to be effective, which ping has given up by now.
  if (sourceRoute) await die(process, 2, 'record route', EPERM);
  const optionLength = ipOptions === undefined ? 0 : 40;
  const estimate = options.size + 8;
  const alloc = estimate + Math.floor((estimate + 511) / 512) * (optionLength + 20 + 16 + 64 + 160);
  socket.setOption('sndbuf', options.sndbuf === 0 ? alloc : options.sndbuf);
  socket.setOption('rcvbuf', Math.max(65_536, alloc * options.preload));
  if (options.broadcast) await set(process, socket, 'broadcast', true, 'cannot set broadcasting');
  if (options.noLoop) await set(process, socket, 'multicastLoop', false, 'cannot disable multicast loopback');
  if (options.ttl !== undefined) {
    await set(process, socket, 'multicastTtl', options.ttl, 'cannot set multicast time-to-live');
    await set(process, socket, 'ttl', options.ttl, 'cannot set unicast time-to-live');
  }
  return optionLength;
}

/** -R and -T: the option that every router fills in. */
function recordingOptions(options: PingOptions): Uint8Array | undefined {
  if (options.recordRoute) {
    const bytes = new Uint8Array(40);
    bytes[0] = IPOPT_NOOP;
    bytes[1] = IPOPT_RR;
    putU16(bytes, 2, (39 << 8) | IPOPT_MINOFF);
    return bytes;
  }
  if (options.timestampOption === undefined) return undefined;
  const bytes = new Uint8Array(options.timestampOption === 0 ? 40 : 36);
  bytes[0] = IPOPT_TIMESTAMP;
  bytes[1] = bytes.length;
  bytes[2] = 5;
  bytes[3] = options.timestampOption;
  return bytes;
}

/** setsockopt(), with the end of the program and `complaint` when it fails. */
async function set<K extends keyof SocketOptions>(
  process: Process,
  socket: Socket,
  name: K,
  value: SocketOptions[K],
  complaint: string,
): Promise<void> {
  const refused = socket.setOption(name, value);
  if (refused !== undefined) await die(process, 2, complaint, refused.errno);
}
