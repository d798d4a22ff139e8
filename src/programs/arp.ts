/** arp (net-tools 2.10): shows /proc/net/arp, changes entries with SIOCSARP and SIOCDARP. */
import { EINVAL, ENOENT, ENXIO, strerror } from '../uapi/errno.ts';
import { ARPHRD_LOOPBACK } from '../uapi/if.ts';
import { complain, type Process } from '../uapi/process.ts';
import { type Ack, isRefusal, refuse } from '../uapi/result.ts';
import { formatIpv4, formatMac, type Ipv4, type Mac, parseIpv4 } from '../wire/addr.ts';
import { readEther } from './ether.ts';
import { Getopt, type LongOption } from './getopt.ts';
import { hostName, resolveError, resolveHost } from './hosts.ts';

const PROC_NET_ARP = '/proc/net/arp';
const ATF_COM = 0x02;
const ATF_PERM = 0x04;
const ATF_PUBL = 0x08;
const ATF_USETRAILERS = 0x10;
const ATF_NETMASK = 0x20;
const ATF_DONTPUB = 0x40;
const ATF_MAGIC = 0x80;
const USAGE_ERROR = 3;

const USAGE = `Usage:
  arp [-vn]  [<HW>] [-i <if>] [-a] [<hostname>]             <-Display ARP cache
  arp [-v]          [-i <if>] -d  <host> [pub]               <-Delete ARP entry
  arp [-vnD] [<HW>] [-i <if>] -f  [<filename>]            <-Add entry from file
  arp [-v]   [<HW>] [-i <if>] -s  <host> <hwaddr> [temp]            <-Add entry
  arp [-v]   [<HW>] [-i <if>] -Ds <host> <if> [netmask <nm>] pub          <-''-

        -a                       display (all) hosts in alternative (BSD) style
        -e                       display (all) hosts in default (Linux) style
        -s, --set                set a new ARP entry
        -d, --delete             delete a specified entry
        -v, --verbose            be verbose
        -n, --numeric            don't resolve names
        -i, --device             specify network interface (e.g. eth0)
        -D, --use-device         read <hwaddr> from given device
        -A, -p, --protocol       specify protocol family
        -f, --file               read new entries from file or from /etc/ethers

  <HW>=Use '-H <hw>' to specify hardware address type. Default: ether
  List of possible hardware types (which support ARP):
`;
const HARDWARE_LIST = `    ash (Ash) ether (Ethernet) ax25 (AMPR AX.25) 
    netrom (AMPR NET/ROM) rose (AMPR ROSE) arcnet (ARCnet) 
    dlci (Frame Relay DLCI) fddi (Fiber Distributed Data Interface) hippi (HIPPI) 
    irda (IrLAP) x25 (generic X.25) eui64 (Generic EUI-64) 
`;
const VERSION = `net-tools 2.10
+I18N +SELINUX
AF: (inet) +UNIX +INET +INET6 +IPX +AX25 +NETROM +X25 +ATALK +ECONET +ROSE -BLUETOOTH
HW: (ether) +ETHER +ARC +SLIP +PPP +TUNNEL -TR +AX25 +NETROM +X25 +FR +ROSE +ASH +SIT +FDDI +HIPPI +HDLC/LAPB +EUI64 
`;

/** ARPHRD_* of the types that support ARP. */
const HARDWARE: Readonly<Record<string, number>> = {
  ash: 781,
  ether: 1,
  ax25: 3,
  netrom: 0,
  rose: 270,
  arcnet: 7,
  dlci: 15,
  fddi: 774,
  hippi: 780,
  irda: 783,
  x25: 271,
  eui64: 27,
};
const HARDWARE_WITHOUT_ARP = [
  'loop',
  'slip',
  'cslip',
  'slip6',
  'cslip6',
  'adaptive',
  'tunnel',
  'ppp',
  'hdlc',
  'lapb',
  'frad',
  'sit',
  'ec',
  'unspec',
];
const FAMILIES = ['unix', 'inet', 'inet6', 'ax25', 'netrom', 'rose', 'ipx', 'ddp', 'ec', 'x25', 'unspec'];

const LONG_OPTIONS: readonly LongOption[] = [
  { name: 'verbose', value: 'v' },
  { name: 'version', value: 'V' },
  { name: 'all', value: 'a' },
  { name: 'delete', value: 'd' },
  { name: 'file', value: 'f' },
  { name: 'numeric', value: 'n' },
  { name: 'set', value: 's' },
  { name: 'protocol', argument: 'required', value: 'A' },
  { name: 'hw-type', argument: 'required', value: 'H' },
  { name: 'device', argument: 'required', value: 'i' },
  { name: 'help', value: 'h' },
  { name: 'use-device', value: 'D' },
  { name: 'symbolic', value: 'N' },
];

const FAILURE = -1;

/** Thrown where the program calls exit() in the middle of its arguments. */
class UsageError extends Error {}

interface Entry {
  ip: string;
  type: number;
  flags: number;
  hwa: string;
  mask: string;
  dev: string;
}

interface Modifiers {
  flags: number;
  /** Bit 0 of -d: delete the published entry, bit 1: the private one. */
  which: number;
  netmask: Ipv4 | undefined;
}

class Arp {
  readonly #process: Process;
  numeric = false;
  verbose = false;
  useDevice = false;
  linuxStyle = false;
  all = false;
  device = '';
  /** What -H chose. */
  hardware: string | undefined;

  constructor(process: Process) {
    this.#process = process;
  }

  #say(text: string): number {
    complain(this.#process, `${text}\n`);
    return FAILURE;
  }

  #trace(text: string): void {
    if (this.verbose) this.#say(text);
  }

  #print(text: string): void {
    this.#process.stdout.write(text);
  }

  #host(name: string): Ipv4 | undefined {
    if (name === 'default') return 0;
    const address = resolveHost(this.#process, name);
    if (address === undefined) this.#say(`${name}: ${resolveError(name)}`);
    return address;
  }

  /** The words behind the addresses; undefined after a complaint. */
  #modifiers(words: readonly string[], flags: number, deleting: boolean): Modifiers | undefined {
    const found: Modifiers = { flags, which: 0, netmask: undefined };
    for (let i = 0; i < words.length; i++) {
      if (deleting) this.#trace(`args=${words[i]}`);
      switch (words[i]) {
        case 'pub':
          found.which |= 1;
          if (!deleting) found.flags |= ATF_PUBL;
          break;
        case 'priv':
          found.which |= 2;
          if (!deleting) found.flags &= ~ATF_PUBL;
          break;
        case 'temp':
          found.flags &= ~ATF_PERM;
          break;
        case 'trail':
          found.flags |= ATF_USETRAILERS;
          break;
        case 'dontpub':
          found.flags |= ATF_DONTPUB;
          break;
        case 'auto':
          found.flags |= ATF_MAGIC;
          break;
        case 'dev':
          if (++i === words.length) throw new UsageError();
          this.device = words[i]!.slice(0, 15);
          break;
        case 'netmask': {
          if (++i === words.length) throw new UsageError();
          if (words[i] === '255.255.255.255') break;
          found.netmask = this.#host(words[i]!);
          if (found.netmask === undefined) return undefined;
          found.flags |= ATF_NETMASK;
          break;
        }
        default:
          throw new UsageError();
      }
    }
    return found;
  }

  delete(words: readonly string[]): number {
    const [host, ...rest] = words;
    if (host === undefined) return this.#say('arp: need host name');
    const address = this.#host(host);
    if (address === undefined) return FAILURE;
    const modifiers = this.#modifiers(rest, ATF_PERM, true);
    if (modifiers === undefined) return FAILURE;
    const which = modifiers.which === 0 ? 3 : modifiers.which;
    const missing = (answer: Ack) => answer?.errno === ENXIO || answer?.errno === ENOENT;
    const noEntry = () => {
      this.#print(`No ARP entry for ${host}\n`);
      return FAILURE;
    };
    if ((which & 2) !== 0) {
      this.#trace('arp: SIOCDARP(dontpub)');
      const answer = this.#change(modifiers, (ifname) =>
        this.#process.task.ioctl.deleteArp({ address, ifname, published: false }),
      );
      if (answer === undefined) return 0;
      if (!missing(answer)) return this.#say(`SIOCDARP(dontpub): ${strerror(answer.errno)}`);
      if ((which & 1) === 0) return noEntry();
    }
    modifiers.flags |= ATF_PUBL;
    this.#trace('arp: SIOCDARP(pub)');
    const answer = this.#change(modifiers, (ifname) =>
      this.#process.task.ioctl.deleteArp({ address, ifname, published: true }),
    );
    if (missing(answer)) return noEntry();
    return answer === undefined ? 0 : this.#say(`SIOCDARP(pub): ${strerror(answer.errno)}`);
  }

  /** Masks are only for published entries, and then only the whole address is one (arp_ioctl, arp_req_set_public). */
  #change({ flags, netmask }: Modifiers, ioctl: (ifname: string) => Ack): Ack {
    const refused = (flags & ATF_PUBL) === 0 ? (flags & (ATF_NETMASK | ATF_DONTPUB)) !== 0 : netmask !== undefined;
    return refused ? refuse(EINVAL) : ioctl(this.device);
  }

  /** The address of a device, for -D. */
  #deviceAddress(ifname: string): Mac | undefined {
    const link = this.#process.task.rtnl.getLink({ ifname });
    if (isRefusal(link)) {
      this.#say(`arp: cant get HW-Address for \`${ifname}': ${strerror(link.errno)}.`);
      return undefined;
    }
    if (this.hardware !== undefined && HARDWARE[this.hardware] !== link.type) {
      this.#say('arp: protocol type mismatch.');
      return undefined;
    }
    const address = link.address ?? 0;
    this.#trace(`arp: device \`${ifname}' has HW address ether \`${formatMac(address)}'.`);
    return address;
  }

  set(words: readonly string[]): number {
    const [host, hwaddr, ...rest] = words;
    if (host === undefined) return this.#say('arp: need host name');
    const address = this.#host(host);
    if (address === undefined) return FAILURE;
    if (hwaddr === undefined) return this.#say('arp: need hardware address');
    if (this.hardware !== undefined && this.hardware !== 'ether') {
      return this.#say(`arp: setting entries of hardware type "${this.hardware}" is not modelled`);
    }
    const lladdr = this.useDevice ? this.#deviceAddress(hwaddr) : readEther(hwaddr);
    if (lladdr === undefined) return this.useDevice ? FAILURE : this.#say('arp: invalid hardware address');
    const modifiers = this.#modifiers(rest, ATF_PERM | ATF_COM, false);
    if (modifiers === undefined) return FAILURE;
    if (modifiers.netmask === 0 && (modifiers.flags & ATF_PUBL) !== 0) {
      return this.#say('arp: "netmask 0.0.0.0 pub" is not modelled: set net.ipv4.conf.all.proxy_arp');
    }
    this.#trace('arp: SIOCSARP()');
    const permanent = (modifiers.flags & ATF_PERM) !== 0;
    const published = (modifiers.flags & ATF_PUBL) !== 0;
    const answer = this.#change(modifiers, (ifname) =>
      this.#process.task.ioctl.setArp({ address, lladdr, ifname, permanent, published }),
    );
    return answer === undefined ? 0 : this.#say(`SIOCSARP: ${strerror(answer.errno)}`);
  }

  file(name: string): number {
    const text = this.#process.files.readText(name);
    if (isRefusal(text)) return this.#say(`arp: cannot open etherfile ${name} !`);
    const lines = text.replace(/\n$/, '').split('\n');
    if (text === '') return 0;
    lines.forEach((line, index) => {
      this.#trace(`>> ${line}`);
      if (line === '' || line.startsWith('#')) return;
      const words = line.split(/[ \t]+/).filter((word) => word !== '');
      if (words.length < 2) {
        this.#say(`arp: format error on line ${index + 1} of etherfile ${name} !`);
        return;
      }
      const [first = '', second = '', ...rest] = words;
      const swapped = first.includes(':') ? [second, first, ...rest] : words;
      if (this.set(swapped) !== 0) this.#say(`arp: cannot set entry on line ${index + 1} of etherfile ${name} !`);
    });
    return 0;
  }

  show(name: string | undefined): number {
    const address = name === undefined ? undefined : this.#host(name);
    if (name !== undefined && address === undefined) return FAILURE;
    const host = address === undefined ? '' : formatIpv4(address);
    const text = this.#process.files.readText(PROC_NET_ARP);
    if (isRefusal(text)) return this.#say(`${PROC_NET_ARP}: ${strerror(text.errno)}`);
    const entries = readProcNetArp(text);
    const shown = entries.filter(
      ({ ip, type, dev }) =>
        (this.hardware === undefined || HARDWARE[this.hardware] === type) &&
        (host === '' || ip === host) &&
        (this.device === '' || dev === this.device),
    );
    shown.forEach((entry, index) => {
      const known = this.numeric ? undefined : hostName(this.#process, parseIpv4(entry.ip) ?? 0);
      this.#print(this.linuxStyle ? linuxLine(entry, known, index === 0) : bsdLine(entry, known));
    });
    if (this.verbose) {
      const skipped = entries.length - shown.length;
      this.#print(`Entries: ${entries.length}\tSkipped: ${skipped}\tFound: ${shown.length}\n`);
    }
    if (shown.length === 0) {
      if (host !== '' && !this.all) this.#print(`${name} (${host}) -- no entry\n`);
      else if (this.hardware !== undefined || host !== '' || this.device !== '') {
        this.#print(`arp: in ${entries.length} entries no match found.\n`);
      }
    }
    return 0;
  }
}

function readProcNetArp(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const line of text.split('\n').slice(1)) {
    const words = line.trim().split(/\s+/);
    if (words.length < 5) break;
    const [ip = '', type = '', flags = ''] = words;
    const [hwa = '', mask = '', dev = ''] = words.length === 5 ? ['', ...words.slice(3)] : words.slice(3);
    entries.push({ ip, type: Number(type), flags: Number(flags), hwa, mask, dev });
  }
  return entries;
}

function hardwareName(type: number): string {
  if (type === ARPHRD_LOOPBACK) return 'loop';
  return Object.entries(HARDWARE).find(([, number]) => number === type)?.[0] ?? 'ether';
}

/** A string in a column of exactly `width` characters (%-W.Ws). */
function column(text: string, width: number): string {
  return text.slice(0, width).padEnd(width);
}

const LINUX_HEADER = 'Address                  HWtype  HWaddress           Flags Mask            Iface\n';

function linuxLine(entry: Entry, known: string | undefined, first: boolean): string {
  const letters: readonly [number, string][] = [
    [ATF_COM, 'C'],
    [ATF_PERM, 'M'],
    [ATF_PUBL, 'P'],
    [ATF_MAGIC, 'A'],
    [ATF_DONTPUB, '!'],
    [ATF_USETRAILERS, 'T'],
  ];
  const flags = letters.map(([bit, letter]) => ((entry.flags & bit) !== 0 ? letter : '')).join('');
  const mask = (entry.flags & ATF_NETMASK) !== 0 ? entry.mask : '';
  const [type, address] =
    (entry.flags & ATF_COM) !== 0
      ? [hardwareName(entry.type), entry.hwa]
      : (entry.flags & ATF_PUBL) !== 0
        ? ['*', '<from_interface>']
        : ['', '(incomplete)'];
  const name = column(known ?? entry.ip, 23);
  const line = `${name}  ${column(type, 8)}${column(address, 20)}${column(flags, 6)}${column(mask, 15)} ${entry.dev}\n`;
  return first ? LINUX_HEADER + line : line;
}

function bsdLine(entry: Entry, known: string | undefined): string {
  const { flags } = entry;
  const address =
    (flags & ATF_COM) !== 0
      ? `${entry.hwa} [${hardwareName(entry.type)}] `
      : (flags & ATF_PUBL) !== 0
        ? '<from_interface> '
        : '<incomplete> ';
  const words: readonly [number, string][] = [
    [ATF_NETMASK, `netmask ${entry.mask} `],
    [ATF_PERM, 'PERM '],
    [ATF_PUBL, 'PUB '],
    [ATF_MAGIC, 'AUTO '],
    [ATF_DONTPUB, 'DONTPUB '],
    [ATF_USETRAILERS, 'TRAIL '],
  ];
  const marks = words.map(([bit, word]) => ((flags & bit) !== 0 ? word : '')).join('');
  return `${known ?? '?'} (${entry.ip}) at ${address}${marks}on ${entry.dev}\n`;
}

export async function arp(process: Process): Promise<number> {
  const program = new Arp(process);
  const usage = (status: number) => {
    (status === 0 ? process.stdout : process.stderr).write(USAGE);
    process.stderr.write(HARDWARE_LIST);
    return status;
  };
  const fail = (text: string) => {
    complain(process, `arp: ${text}\n`);
    return 255;
  };
  let what: 'show' | 'all' | 'file' | 'delete' | 'set' = 'show';
  let family = 'inet';
  const getopt = new Getopt(process, 'A:H:adfp:nsei:t:vh?DNV', LONG_OPTIONS);
  for (let parsed = getopt.next(); parsed !== undefined; parsed = getopt.next()) {
    const argument = parsed.argument ?? '';
    switch (parsed.option) {
      case 'a':
        what = 'all';
        program.all = true;
        break;
      case 'f':
        what = 'file';
        break;
      case 'd':
        what = 'delete';
        break;
      case 's':
        what = 'set';
        break;
      case 'e':
        program.linuxStyle = true;
        break;
      case 'n':
        program.numeric = true;
        break;
      case 'D':
        program.useDevice = true;
        break;
      case 'N':
        complain(process, 'arp: -N not yet supported.\n');
        break;
      case 'v':
        program.verbose = true;
        break;
      case 'A':
      case 'p':
        if (!FAMILIES.includes(argument)) return fail(`${argument}: unknown address family.`);
        family = argument;
        break;
      case 'H':
      case 't':
        if (!(argument in HARDWARE) && !HARDWARE_WITHOUT_ARP.includes(argument)) {
          return fail(`${argument}: unknown hardware type.`);
        }
        program.hardware = argument;
        break;
      case 'i':
        program.device = argument.slice(0, 15);
        break;
      case 'V':
        process.stdout.write(VERSION);
        return 0;
      default:
        return usage(parsed.option === 'h' ? 0 : USAGE_ERROR);
    }
  }
  if (family !== 'inet') return fail(`${family}: kernel only supports 'inet'.`);
  if (HARDWARE_WITHOUT_ARP.includes(program.hardware ?? '')) {
    return fail(`${program.hardware}: hardware type without ARP support.`);
  }
  const operands = getopt.operands;
  try {
    switch (what) {
      case 'show':
        program.linuxStyle = true;
        return program.show(operands[0]) & 0xff;
      case 'all':
        return program.show(operands[0]) & 0xff;
      case 'file':
        return program.file(operands[0] ?? '/etc/ethers') & 0xff;
      case 'delete':
        return program.delete(operands) & 0xff;
      case 'set':
        return program.set(operands) & 0xff;
    }
  } catch (error) {
    if (error instanceof UsageError) return usage(USAGE_ERROR);
    throw error;
  }
}
