/** ifconfig (net-tools 2.10): shows interfaces, sets their flags, addresses and sizes. */
import { EBUSY, EINVAL, ENODEV, strerror } from '../../uapi/errno.ts';
import {
  IFF_ALLMULTI,
  IFF_BROADCAST,
  IFF_DYNAMIC,
  IFF_MULTICAST,
  IFF_NOARP,
  IFF_POINTOPOINT,
  IFF_PROMISC,
  IFF_RUNNING,
  IFF_UP,
} from '../../uapi/if.ts';
import { complain, type Process } from '../../uapi/process.ts';
import { type Ack, refuse } from '../../uapi/result.ts';
import type { LinkRequest } from '../../uapi/rtnetlink.ts';
import { type Ipv4, maskOf } from '../../wire/addr.ts';
import { readEther } from '../ether.ts';
import { resolveError, resolveHost } from '../hosts.ts';
import { atoi, strtol } from '../ip/numbers.ts';
import {
  addressOf,
  deviceOf,
  removeAlias,
  setAddress,
  setBroadcast,
  setDestination,
  setNetmask,
} from './inet-ioctl.ts';
import { show } from './show.ts';
import { usage } from './usage.ts';

const E_OPTERR = 3;

/** Words for flags: what they do to which one, and what is said when it stays. */
const FLAG_WORDS: Readonly<Record<string, { flag: number; set: boolean; still?: string }>> = {
  arp: { flag: IFF_NOARP, set: false },
  '-arp': { flag: IFF_NOARP, set: true },
  promisc: { flag: IFF_PROMISC, set: true },
  '-promisc': {
    flag: IFF_PROMISC,
    set: false,
    still: 'promisc mode... maybe other application is running?',
  },
  multicast: { flag: IFF_MULTICAST, set: true },
  '-multicast': { flag: IFF_MULTICAST, set: false, still: 'MULTICAST mode.' },
  allmulti: { flag: IFF_ALLMULTI, set: true },
  '-allmulti': { flag: IFF_ALLMULTI, set: false, still: 'ALLMULTI mode.' },
  up: { flag: IFF_UP | IFF_RUNNING, set: true },
  down: { flag: IFF_UP, set: false },
  dynamic: { flag: IFF_DYNAMIC, set: true },
  '-dynamic': { flag: IFF_DYNAMIC, set: false, still: 'DYNAMIC mode.' },
  '-broadcast': { flag: IFF_BROADCAST, set: false, still: 'BROADCAST mode.' },
  '-pointopoint': { flag: IFF_POINTOPOINT, set: false, still: 'POINTOPOINT mode.' },
  '-pointtopoint': { flag: IFF_POINTOPOINT, set: false, still: 'POINTOPOINT mode.' },
};
const NOT_MODELLED = [
  'media',
  'port',
  'trailers',
  '-trailers',
  'keepalive',
  'outfill',
  'name',
  'mem_start',
  'io_addr',
  'irq',
  'tunnel',
];
const HARDWARE_WITHOUT_ADDRESS = ['loop', 'slip', 'cslip', 'slip6', 'cslip6', 'adaptive', 'ppp', 'hdlc', 'lapb', 'sit'];

/** exit() in the middle of the arguments. */
class Ended extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`exit ${status}`);
    this.status = status;
  }
}

class Ifconfig {
  readonly #process: Process;
  readonly #name: string;
  readonly #words: string[];
  #failed = 0;
  #netmaskGiven = false;
  #netmaskNeeded: Ipv4 | undefined;

  constructor(process: Process, name: string, words: readonly string[]) {
    this.#process = process;
    this.#name = name;
    this.#words = [...words];
  }

  #say(text: string): void {
    complain(this.#process, `${text}\n`);
  }

  /** An ioctl that is told about and remembered when it fails. */
  #try(ioctl: string, answer: Ack): void {
    if (answer === undefined) return;
    this.#say(`${ioctl}: ${strerror(answer.errno)}`);
    this.#failed |= 1;
  }

  #usage(): never {
    throw new Ended(usage(this.#process, E_OPTERR));
  }

  #value(): string {
    return this.#words.shift() ?? this.#usage();
  }

  #setLink(request: Omit<LinkRequest, 'ifindex'>): Ack {
    const link = deviceOf(this.#process.task.rtnl, this.#name);
    return link === undefined ? refuse(ENODEV) : this.#process.task.rtnl.setLink({ ifindex: link.ifindex, ...request });
  }

  /** set_flag() and clr_flag(). */
  #flag(flag: number, set: boolean): void {
    const { rtnl } = this.#process.task;
    const link = deviceOf(rtnl, this.#name);
    if (link === undefined) {
      this.#say(`${this.#name}: ERROR while getting interface flags: ${strerror(ENODEV)}`);
      this.#failed = -1;
      return;
    }
    const alias = this.#name.includes(':') && flag === IFF_UP && !set;
    const change = flag & ~IFF_RUNNING;
    const answer = alias
      ? removeAlias(rtnl, this.#name)
      : rtnl.setLink({ ifindex: link.ifindex, flags: set ? change : 0, change });
    if (answer === undefined) return;
    this.#say(`SIOCSIFFLAGS: ${strerror(answer.errno)}`);
    this.#failed = -1;
  }

  /** The address behind a word; undefined after the complaint. */
  #host(name: string): Ipv4 | undefined {
    const address = name === 'default' ? 0 : resolveHost(this.#process, name);
    if (address === undefined) {
      this.#say(`${name}: ${resolveError(name)}`);
      this.#failed |= 1;
    }
    return address;
  }

  run(): number {
    const family = this.#words[0];
    if (family === 'inet') this.#words.shift();
    else if (family === 'inet6') return this.#notModelled('inet6');
    while (this.#words.length > 0) this.#word(this.#words.shift()!);
    if (this.#netmaskNeeded !== undefined) {
      this.#try('SIOCSIFNETMASK', setNetmask(this.#process.task.rtnl, this.#name, this.#netmaskNeeded));
    }
    return this.#failed;
  }

  #notModelled(what: string): never {
    this.#say(`ifconfig: "${what}" is not modelled`);
    throw new Ended(1);
  }

  #word(word: string): void {
    const { rtnl } = this.#process.task;
    const known = FLAG_WORDS[word];
    if (known !== undefined) {
      this.#flag(known.flag, known.set);
      const link = deviceOf(rtnl, this.#name);
      if (known.still !== undefined && link === undefined) {
        this.#say(`${this.#name}: ERROR while testing interface flags: ${strerror(ENODEV)}`);
      } else if (known.still !== undefined && link !== undefined && (link.flags & known.flag) !== 0) {
        this.#say(`Warning: Interface ${this.#name} still in ${known.still}`);
      }
      return;
    }
    if (NOT_MODELLED.includes(word)) this.#notModelled(word);
    switch (word) {
      case 'mtu': {
        const mtu = atoi(this.#value());
        this.#try('SIOCSIFMTU', mtu < 0 ? refuse(EINVAL) : this.#setLink({ mtu }));
        break;
      }
      case 'txqueuelen':
        this.#try('SIOCSIFTXQLEN', this.#setLink({ txqlen: strtol(this.#value()).value }));
        break;
      case 'broadcast': {
        const value = this.#words.shift();
        const address = value === undefined ? undefined : this.#host(value);
        if (value !== undefined && address === undefined) return;
        if (address !== undefined) this.#try('SIOCSIFBRDADDR', setBroadcast(rtnl, this.#name, address));
        this.#flag(IFF_BROADCAST, true);
        break;
      }
      case 'pointopoint':
      case 'pointtopoint': {
        const value = this.#words.shift();
        const address = value === undefined ? undefined : this.#host(value);
        if (value !== undefined && address === undefined) return;
        if (address !== undefined) this.#try('SIOCSIFDSTADDR', setDestination(rtnl, this.#name, address));
        this.#flag(IFF_POINTOPOINT, true);
        break;
      }
      case 'dstaddr': {
        const address = this.#host(this.#value());
        if (address !== undefined) this.#try('SIOCSIFDSTADDR', setDestination(rtnl, this.#name, address));
        break;
      }
      case 'netmask': {
        const value = this.#value();
        if (this.#netmaskGiven) this.#usage();
        const mask = this.#host(value);
        if (mask === undefined) return;
        this.#netmaskGiven = true;
        this.#try('SIOCSIFNETMASK', setNetmask(rtnl, this.#name, mask));
        break;
      }
      case 'hw':
        this.#hardware(this.#value());
        break;
      case 'add':
      case 'del':
        this.#alias(word === 'add', this.#value());
        break;
      default:
        this.#address(word);
    }
  }

  #hardware(type: string): void {
    if (HARDWARE_WITHOUT_ADDRESS.includes(type)) {
      this.#say(`hw address type \`${type}' has no handler to set address. failed.`);
      this.#words.shift();
      this.#failed |= 1;
      return;
    }
    if (type !== 'ether') this.#usage();
    const text = this.#value();
    const address = readEther(text);
    if (address === undefined) {
      this.#say(`${text}: invalid ether address.`);
      this.#failed |= 1;
      return;
    }
    const answer = this.#setLink({ address });
    if (answer?.errno === EBUSY) {
      this.#say(`SIOCSIFHWADDR: ${strerror(EBUSY)} - you may need to down the interface`);
      this.#failed |= 1;
    } else this.#try('SIOCSIFHWADDR', answer);
  }

  /** `add` and `del`: an alias with the mask and broadcast address of the interface, under the first free number. */
  #alias(adding: boolean, text: string): void {
    if (text.includes(':')) this.#notModelled(`${adding ? 'add' : 'del'} of an IPv6 address`);
    const { rtnl } = this.#process.task;
    const address = this.#host(text);
    if (address === undefined) return;
    const link = deviceOf(rtnl, this.#name);
    if (link === undefined) {
      this.#say(`Interface ${this.#name} not initialized`);
      this.#failed |= 1;
      return;
    }
    const aliases = rtnl.dumpAddrs({ ifindex: link.ifindex }).filter(({ label }) => label.startsWith(`${this.#name}:`));
    const existing = aliases.find(({ local }) => local === address);
    if (existing !== undefined) {
      if (!adding) removeAlias(rtnl, existing.label);
      return;
    }
    const used = aliases.map(({ label }) => atoi(label.slice(this.#name.length + 1)));
    let number = 0;
    while (used.includes(number)) number++;
    const parent = addressOf(rtnl, this.#name, link);
    const alias = `${this.#name}:${number}`;
    if (setAddress(rtnl, alias, address) !== undefined) return;
    setNetmask(rtnl, alias, maskOf(parent?.prefixlen ?? 0));
    setBroadcast(rtnl, alias, parent?.broadcast ?? 0);
  }

  /** A word that is nothing else is an address; the interface comes up with it. */
  #address(word: string): void {
    const slash = word.indexOf('/');
    if (slash >= 0) {
      const { value, end } = strtol(word.slice(slash + 1));
      if (end !== word.length - slash - 1 || this.#netmaskGiven) this.#usage();
      // The shift count is taken modulo 32, as the processor does.
      this.#netmaskNeeded = ~(0xffff_ffff >>> (value & 31)) >>> 0;
    }
    const address = this.#host(slash < 0 ? word : word.slice(0, slash));
    if (address === undefined) {
      this.#say("ifconfig: `--help' gives usage information.");
      throw new Ended(1);
    }
    this.#try('SIOCSIFADDR', setAddress(this.#process.task.rtnl, this.#name, address));
    const gone = this.#name.includes(':') && (this.#name.endsWith('-') || address === 0);
    if (!gone) this.#flag(IFF_UP | IFF_RUNNING, true);
  }
}

/** The program `ifconfig`. */
export async function ifconfig(process: Process): Promise<number> {
  const words = process.argv.slice(1);
  let all = false;
  let short = false;
  let verbose = false;
  while (words[0]?.startsWith('-')) {
    const option = words.shift()!;
    if (option === '-a') all = true;
    else if (option === '-s') short = true;
    else if (option === '-v') verbose = true;
    else if (option === '-V' || option === '-version' || option === '--version') {
      process.stdout.write('net-tools 2.10\n');
      return 0;
    } else if (['-?', '-h', '-help', '--help'].includes(option)) return usage(process, 0);
    else {
      complain(process, `ifconfig: option \`${option}' not recognised.\n`);
      complain(process, "ifconfig: `--help' gives usage information.\n");
      return 1;
    }
  }
  const name = words.shift()?.slice(0, 15);
  if (name === undefined || words.length === 0) return show(process, name, all, short);
  try {
    const failed = new Ifconfig(process, name, words).run();
    if (verbose && failed !== 0) complain(process, `WARNING: at least one error occured. (${failed})\n`);
    return failed & 0xff;
  } catch (end) {
    if (end instanceof Ended) return end.status;
    throw end;
  }
}
