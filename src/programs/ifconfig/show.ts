/** How ifconfig shows interfaces: devices of /proc/net/dev and the aliases that addresses have. */
import {
  ARPHRD_ETHER,
  ARPHRD_LOOPBACK,
  IFF_ALLMULTI,
  IFF_BROADCAST,
  IFF_DEBUG,
  IFF_DYNAMIC,
  IFF_LOOPBACK,
  IFF_MASTER,
  IFF_MULTICAST,
  IFF_NOARP,
  IFF_NOTRAILERS,
  IFF_POINTOPOINT,
  IFF_PROMISC,
  IFF_RUNNING,
  IFF_SLAVE,
  IFF_UP,
} from '../../uapi/if.ts';
import { complain, type Process } from '../../uapi/process.ts';
import { isRefusal } from '../../uapi/result.ts';
import type { LinkMessage } from '../../uapi/rtnetlink.ts';
import { formatIpv4, formatMac, maskOf } from '../../wire/addr.ts';
import { addressOf, deviceOf } from './inet-ioctl.ts';

const LONG_FLAGS: readonly (readonly [number, string])[] = [
  [IFF_UP, 'UP'],
  [IFF_BROADCAST, 'BROADCAST'],
  [IFF_DEBUG, 'DEBUG'],
  [IFF_LOOPBACK, 'LOOPBACK'],
  [IFF_POINTOPOINT, 'POINTOPOINT'],
  [IFF_NOTRAILERS, 'NOTRAILERS'],
  [IFF_RUNNING, 'RUNNING'],
  [IFF_NOARP, 'NOARP'],
  [IFF_PROMISC, 'PROMISC'],
  [IFF_ALLMULTI, 'ALLMULTI'],
  [IFF_SLAVE, 'SLAVE'],
  [IFF_MASTER, 'MASTER'],
  [IFF_MULTICAST, 'MULTICAST'],
  [IFF_DYNAMIC, 'DYNAMIC'],
];
const SHORT_FLAGS: readonly (readonly [number, string])[] = [
  [IFF_ALLMULTI, 'A'],
  [IFF_BROADCAST, 'B'],
  [IFF_DEBUG, 'D'],
  [IFF_LOOPBACK, 'L'],
  [IFF_MULTICAST, 'M'],
  [IFF_DYNAMIC, 'd'],
  [IFF_PROMISC, 'P'],
  [IFF_NOTRAILERS, 'N'],
  [IFF_NOARP, 'O'],
  [IFF_POINTOPOINT, 'P'],
  [IFF_SLAVE, 's'],
  [IFF_MASTER, 'm'],
  [IFF_RUNNING, 'R'],
  [IFF_UP, 'U'],
];
const SHORT_HEADER = 'Iface      MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n';

/** nstrcmp(): names that end in numbers sort by the number; an alias behind its device. */
function compareNames(a: string, b: string): number {
  const split = (name: string) => {
    const [, stem = '', digits = '', alias = ''] = /^(.*?)(\d*)(?::(\d+))?$/.exec(name)!;
    return { stem, number: Number(digits), alias: alias === '' ? -1 : Number(alias) };
  };
  const [x, y] = [split(a), split(b)];
  if (x.stem !== y.stem) return x.stem < y.stem ? -1 : 1;
  return x.number - y.number || x.alias - y.alias;
}

/** The counters of a device in /proc/net/dev, in the order of the file. */
function readCounters(process: Process): Map<string, number[]> {
  const text = process.files.readText('/proc/net/dev');
  const counters = new Map<string, number[]>();
  if (isRefusal(text)) return counters;
  for (const line of text.split('\n').slice(2)) {
    const colon = line.indexOf(':');
    if (colon >= 0)
      counters.set(
        line.slice(0, colon).trim(),
        line
          .slice(colon + 1)
          .trim()
          .split(/\s+/)
          .map(Number),
      );
  }
  return counters;
}

/** Bytes with a unit of 1024 and one decimal, cut off. */
function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  while (unit < units.length - 1 && bytes > 1024 ** (unit + 1)) unit++;
  const tenths = Math.floor((bytes * 10) / 1024 ** unit);
  return `${Math.floor(tenths / 10)}.${tenths % 10} ${units[unit]}`;
}

function hardware({ type, address = 0 }: LinkMessage): { name: string; address: string; title: string } {
  if (type === ARPHRD_LOOPBACK) return { name: 'loop', address: '', title: 'Local Loopback' };
  if (type === ARPHRD_ETHER) return { name: 'ether', address: ` ${formatMac(address)}`, title: 'Ethernet' };
  const octets = formatMac(address).toUpperCase().replaceAll(':', '-');
  return { name: 'unspec', address: ` ${octets}${'-00'.repeat(10)}`, title: 'UNSPEC' };
}

function longText(process: Process, name: string, link: LinkMessage, counters: number[] | undefined): string {
  const flags = (link.flags << 16) >> 16;
  const words = LONG_FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, word]) => word);
  let text = `${name}: flags=${flags}<${words.join(',')}>  mtu ${link.mtu}\n`;
  const address = addressOf(process.task.rtnl, name, link);
  if (address !== undefined) {
    text += `        inet ${formatIpv4(address.local)}  netmask ${formatIpv4(maskOf(address.prefixlen))}`;
    if ((flags & IFF_BROADCAST) !== 0) text += `  broadcast ${formatIpv4(address.broadcast ?? 0)}`;
    if ((flags & IFF_POINTOPOINT) !== 0) text += `  destination ${formatIpv4(address.address)}`;
    text += '\n';
  }
  const hw = hardware(link);
  const queue = link.txqlen === -1 ? '' : `txqueuelen ${link.txqlen}  `;
  text += `        ${hw.name}${hw.address}  ${queue}(${hw.title})\n`;
  if (counters !== undefined) {
    const [rxBytes = 0, rxPackets = 0, rxErrors = 0, rxDropped = 0, rxFifo = 0, rxFrame = 0] = counters;
    const [txBytes = 0, txPackets = 0, txErrors = 0, txDropped = 0, txFifo = 0, collisions = 0, carrier = 0] =
      counters.slice(8);
    text +=
      `        RX packets ${rxPackets}  bytes ${rxBytes} (${formatBytes(rxBytes)})\n` +
      `        RX errors ${rxErrors}  dropped ${rxDropped}  overruns ${rxFifo}  frame ${rxFrame}\n` +
      `        TX packets ${txPackets}  bytes ${txBytes} (${formatBytes(txBytes)})\n` +
      `        TX errors ${txErrors}  dropped ${txDropped} overruns ${txFifo}  carrier ${carrier}  collisions ${collisions}\n`;
  }
  return `${text}\n`;
}

function shortText(name: string, link: LinkMessage, counters: number[] | undefined): string {
  const number = (index: number, width: number) => String(counters?.[index] ?? 0).padStart(width);
  const numbers =
    counters === undefined
      ? '     - no statistics available -'.padEnd(56)
      : `${number(1, 8)} ${number(2, 6)} ${number(3, 6)} ${String(counters[4] ?? 0).padEnd(6)} ` +
        `${number(9, 8)} ${number(10, 6)} ${number(11, 6)} ${number(12, 6)} `;
  const letters = SHORT_FLAGS.filter(([bit]) => (link.flags & bit) !== 0).map(([, letter]) => letter);
  const flags = (link.flags & 0xffff) === 0 ? '[NO FLAGS]' : letters.join('');
  return `${name.slice(0, 15).padEnd(15)} ${String(link.mtu).padStart(5)} ${numbers}${flags}\n`;
}

/** Show one interface, or those that are up, or with `all` every one; gives the exit status. */
export function show(process: Process, wanted: string | undefined, all: boolean, short: boolean): number {
  const { rtnl } = process.task;
  if (short) process.stdout.write(SHORT_HEADER);
  const counters = readCounters(process);
  const print = (name: string, link: LinkMessage) => {
    const own = counters.get(name);
    process.stdout.write(short ? shortText(name, link, own) : longText(process, name, link, own));
  };
  const missing = (name: string): number => {
    complain(process, `${name}: error fetching interface information: Device not found\n`);
    return 1;
  };
  if (wanted !== undefined) {
    const link = deviceOf(rtnl, wanted);
    if (link === undefined) return missing(wanted);
    print(wanted, link);
    return 0;
  }
  const names = new Set([...counters.keys(), ...rtnl.dumpAddrs().map((address) => address.label)]);
  for (const name of [...names].sort(compareNames)) {
    const link = deviceOf(rtnl, name);
    // A label that does not begin with its device's name leads nowhere, and ends the list.
    if (link === undefined) return missing(name);
    if (all || (link.flags & IFF_UP) !== 0) print(name, link);
  }
  return 0;
}
