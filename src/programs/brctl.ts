/** brctl (bridge-utils 1.7.1): bridges through ioctls and the files under /sys/class/net. */
import { EBUSY, EEXIST, EINVAL, ELOOP, ENODEV, ENOENT, ENXIO, EOPNOTSUPP, strerror } from '../uapi/errno.ts';
import { IFNAMSIZ } from '../uapi/if.ts';
import { complain, type Process } from '../uapi/process.ts';
import { isRefusal } from '../uapi/result.ts';
import { formatMac } from '../wire/addr.ts';
import { Getopt } from './getopt.ts';
import { strtol } from './ip/numbers.ts';

const CLASS_NET = '/sys/class/net';
const PORT_STATES = ['disabled', 'listening', 'learning', 'forwarding', 'blocking'];

type Run = (process: Process, args: readonly string[]) => number;

interface Command {
  name: string;
  /** How many arguments it needs at least. */
  nargs: number;
  help: string;
  run: Run;
}

function fail(process: Process, text: string): 1 {
  complain(process, `${text}\n`);
  return 1;
}

/** A name as struct ifreq carries it. */
function ifrName(name: string): string {
  return name.slice(0, IFNAMSIZ - 1);
}

/** `on`, `yes`, `1` and their opposites. */
function onOff(word: string): 0 | 1 | undefined {
  if (word === 'on' || word === 'yes' || word === '1') return 1;
  if (word === 'off' || word === 'no' || word === '0') return 0;
  return undefined;
}

/** sscanf("%i"). */
function readInt(word: string): number | undefined {
  const { value, end } = strtol(word);
  return end === 0 ? undefined : value;
}

/** Seconds with a fraction, as hundredths. */
function readCentiseconds(word: string): number | undefined {
  const match = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?/i.exec(word);
  if (match === null) return undefined;
  const seconds = Number(match[0]);
  const whole = Math.trunc(seconds);
  return Math.trunc((1_000_000 * whole + Math.trunc(1_000_000 * (seconds - whole))) / 10_000);
}

function exists(process: Process, path: string): boolean {
  return !isRefusal(process.files.stat(path));
}

/** The text of a file under /sys/class/net without its newline; '' if it cannot be read. */
function fetch(process: Process, path: string): string {
  const text = process.files.readText(`${CLASS_NET}/${path}`);
  return isRefusal(text) ? '' : text.trim();
}

function fetchInt(process: Process, path: string): number {
  return strtol(fetch(process, path)).value;
}

function fetchTime(process: Process, path: string): string {
  return formatTime(fetchInt(process, path));
}

/** Hundredths as `%4i.%.2i`. */
function formatTime(centiseconds: number): string {
  const whole = Math.floor(centiseconds / 100);
  return `${String(whole).padStart(4)}.${String(centiseconds - 100 * whole).padStart(2, '0')}`;
}

/** Why a device has no bridge settings: it is not there, or it is something else. */
function noBridge(process: Process, bridge: string): number {
  return process.task.ioctl.ifNameToIndex(ifrName(bridge)) === 0 ? ENODEV : EOPNOTSUPP;
}

function writeValue(process: Process, path: string, value: number) {
  return process.files.write(`${CLASS_NET}/${path}`, `${BigInt.asUintN(64, BigInt(value))}\n`);
}

/** Write a setting of a bridge; the error number, 0 for success. Without the file, the ioctl that stands in fails. */
function setBridge(process: Process, bridge: string, file: string, value: number): number {
  if (!exists(process, `${CLASS_NET}/${bridge}/bridge`)) return noBridge(process, bridge);
  return writeValue(process, `${bridge}/bridge/${file}`, value)?.errno ?? 0;
}

/** As {@link setBridge}, for a port. */
function setPort(process: Process, bridge: string, port: string, file: string, value: number): number {
  const answer = writeValue(process, `${port}/brport/${file}`, value);
  if (answer === undefined) return 0;
  if (process.task.ioctl.ifNameToIndex(port) === 0) return ENODEV;
  if (!exists(process, `${CLASS_NET}/${bridge}/bridge`)) return noBridge(process, bridge);
  return exists(process, `${CLASS_NET}/${port}/brport`) ? answer.errno : ENOENT;
}

const addbr: Run = (process, [bridge = '']) => {
  const answer = process.task.ioctl.addBridge(ifrName(bridge));
  if (answer === undefined) return 0;
  if (answer.errno === EEXIST) {
    return fail(process, `device ${bridge} already exists; can't create bridge with the same name`);
  }
  return fail(process, `add bridge failed: ${strerror(answer.errno)}`);
};

const delbr: Run = (process, [bridge = '']) => {
  const answer = process.task.ioctl.delBridge(ifrName(bridge));
  switch (answer?.errno) {
    case undefined:
      return 0;
    case ENXIO:
      return fail(process, `bridge ${bridge} doesn't exist; can't delete it`);
    case EBUSY:
      return fail(process, `bridge ${bridge} is still up; can't delete it`);
    default:
      return fail(process, `can't delete bridge ${bridge}: ${strerror(answer?.errno ?? 0)}`);
  }
};

const addif: Run = (process, [bridge = '', ...devices]) => {
  const { ioctl } = process.task;
  for (const device of devices) {
    const ifindex = ioctl.ifNameToIndex(device);
    const errno = ifindex === 0 ? ENODEV : ioctl.addBridgeInterface(ifrName(bridge), ifindex)?.errno;
    switch (errno) {
      case undefined:
        continue;
      case ENODEV:
        return fail(
          process,
          ifindex === 0 ? `interface ${device} does not exist!` : `bridge ${bridge} does not exist!`,
        );
      case EBUSY:
        return fail(process, `device ${device} is already a member of a bridge; can't add it to bridge ${bridge}.`);
      case ELOOP:
        return fail(
          process,
          `device ${device} is a bridge device itself; can't add a bridge device to a bridge device.`,
        );
      default:
        return fail(process, `can't add ${device} to bridge ${bridge}: ${strerror(errno)}`);
    }
  }
  return 0;
};

const delif: Run = (process, [bridge = '', ...devices]) => {
  const { ioctl } = process.task;
  for (const device of devices) {
    const ifindex = ioctl.ifNameToIndex(device);
    const errno = ifindex === 0 ? ENODEV : ioctl.delBridgeInterface(ifrName(bridge), ifindex)?.errno;
    switch (errno) {
      case undefined:
        continue;
      case ENODEV:
        return fail(
          process,
          ifindex === 0 ? `interface ${device} does not exist!` : `bridge ${bridge} does not exist!`,
        );
      case EINVAL:
        return fail(process, `device ${device} is not a port of ${bridge}`);
      default:
        return fail(process, `can't delete ${device} from ${bridge}: ${strerror(errno)}`);
    }
  }
  return 0;
};

/** A command that sets a time of a bridge: `what` for a bad value, `failed` for a refused one. */
function timeSetter(file: string, what: string, failed: string): Run {
  return (process, [bridge = '', time = '']) => {
    const value = readCentiseconds(time);
    if (value === undefined) return fail(process, `bad ${what} value`);
    const errno = setBridge(process, bridge, file, value);
    return errno === 0 ? 0 : fail(process, `set ${failed} failed: ${strerror(errno)}`);
  };
}

const setbridgeprio: Run = (process, [bridge = '', word = '']) => {
  const priority = readInt(word);
  if (priority === undefined) return fail(process, 'bad priority');
  const errno = setBridge(process, bridge, 'priority', priority);
  return errno === 0 ? 0 : fail(process, `set bridge priority failed: ${strerror(errno)}`);
};

function portSetter(file: string, what: string, failed: string): Run {
  return (process, [bridge = '', port = '', word = '']) => {
    const value = readInt(word);
    if (value === undefined) return fail(process, `bad ${what} value`);
    const errno = setPort(process, bridge, port, file, value);
    return errno === 0 ? 0 : fail(process, `set ${failed} failed: ${strerror(errno)}`);
  };
}

const stp: Run = (process, [bridge = '', word = '']) => {
  const state = onOff(word);
  if (state === undefined) return fail(process, 'expect on/off for argument');
  const errno = setBridge(process, bridge, 'stp_state', state);
  return errno === 0 ? 0 : fail(process, `set stp status failed: ${strerror(errno)}`);
};

const hairpin: Run = (process, [bridge = '', port = '', word = '']) => {
  const mode = onOff(word);
  if (mode === undefined) return fail(process, 'expect on/off for argument');
  if (process.task.ioctl.ifNameToIndex(port) === 0) return fail(process, `interface ${port} does not exist!`);
  if (process.task.ioctl.ifNameToIndex(bridge) === 0) return fail(process, `bridge ${bridge} does not exist!`);
  const errno = setPort(process, bridge, port, 'hairpin_mode', mode);
  return errno === 0 ? 0 : fail(process, `can't set ${port} to hairpin on bridge ${bridge}: ${strerror(errno)}`);
};

/** Names in a directory under /sys/class/net, sorted as scandir() with alphasort gives them. */
function sysfsNames(process: Process, path: string): string[] {
  const names = process.files.list(path);
  return isRefusal(names) ? [] : names.filter((name) => name !== '.' && name !== '..').sort();
}

/** Complains and says no if `bridge` is not a bridge. */
function checkBridge(process: Process, bridge: string): boolean {
  if (exists(process, `${CLASS_NET}/${bridge}/bridge`)) return true;
  const missing = noBridge(process, bridge) === ENODEV;
  fail(process, missing ? `bridge ${bridge} does not exist!` : `device ${bridge} is not a bridge!`);
  return false;
}

const show: Run = (process, bridges) => {
  const isBridge = (name: string) => exists(process, `${CLASS_NET}/${name}/bridge`);
  const wanted = bridges.length > 0 ? bridges : sysfsNames(process, CLASS_NET).filter(isBridge);
  let errors = 0;
  let header = true;
  for (const bridge of wanted) {
    if (!checkBridge(process, bridge)) {
      errors++;
      continue;
    }
    if (header) process.stdout.write('bridge name\tbridge id\t\tSTP enabled\tinterfaces\n');
    header = false;
    const id = fetch(process, `${bridge}/bridge/bridge_id`);
    const enabled = fetchInt(process, `${bridge}/bridge/stp_state`) !== 0 ? 'yes' : 'no';
    const ports = sysfsNames(process, `${CLASS_NET}/${bridge}/brif`).join('\n\t\t\t\t\t\t\t');
    process.stdout.write(`${bridge}\t\t${id}\t${enabled}\t\t${ports}\n`);
  }
  return errors > 0 ? 1 : 0;
};

const showmacs: Run = (process, [bridge = '']) => {
  const entries = process.task.ioctl.bridgeFdb(ifrName(bridge));
  if (isRefusal(entries)) return fail(process, `read of forward table failed: ${strerror(entries.errno)}`);
  process.stdout.write('port no\tmac addr\t\tis local?\tageing timer\n');
  for (const { lladdr, portNo, isLocal, ageing } of [...entries].sort((a, b) => a.lladdr - b.lladdr)) {
    const local = isLocal ? 'yes' : 'no';
    process.stdout.write(`${String(portNo).padStart(3)}\t${formatMac(lladdr)}\t${local}\t\t${formatTime(ageing)}\n`);
  }
  return 0;
};

const showstp: Run = (process, [bridge = '']) => {
  if (!checkBridge(process, bridge)) return 1;
  const text = (file: string) => fetch(process, `${bridge}/bridge/${file}`);
  const int = (file: string) => String(fetchInt(process, `${bridge}/bridge/${file}`)).padStart(4);
  const time = (file: string) => fetchTime(process, `${bridge}/bridge/${file}`);
  const flag = (file: string, name: string) => (fetchInt(process, `${bridge}/bridge/${file}`) !== 0 ? name : '');
  process.stdout.write(
    `${bridge}\n bridge id\t\t${text('bridge_id')}\n designated root\t${text('root_id')}\n` +
      ` root port\t\t${int('root_port')}\t\t\tpath cost\t\t${int('root_path_cost')}\n` +
      ` max age\t\t${time('max_age')}\t\t\tbridge max age\t\t${time('max_age')}\n` +
      ` hello time\t\t${time('hello_time')}\t\t\tbridge hello time\t${time('hello_time')}\n` +
      ` forward delay\t\t${time('forward_delay')}\t\t\tbridge forward delay\t${time('forward_delay')}\n` +
      ` ageing time\t\t${time('ageing_time')}\n` +
      ` hello timer\t\t${time('hello_timer')}\t\t\ttcn timer\t\t${time('tcn_timer')}\n` +
      ` topology change timer\t${time('topology_change_timer')}\t\t\tgc timer\t\t${time('gc_timer')}\n` +
      ` flags\t\t\t${flag('topology_change', 'TOPOLOGY_CHANGE ')}` +
      `${flag('topology_change_detected', 'TOPOLOGY_CHANGE_DETECTED ')}\n\n\n`,
  );
  for (const port of sysfsNames(process, `${CLASS_NET}/${bridge}/brif`)) showPort(process, port);
  return 0;
};

function showPort(process: Process, port: string): void {
  const text = (file: string) => fetch(process, `${port}/brport/${file}`);
  const number = (file: string) => fetchInt(process, `${port}/brport/${file}`);
  const int = (file: string) => String(number(file)).padStart(4);
  const hex = (file: string) => number(file).toString(16).padStart(4, '0');
  const time = (file: string) => fetchTime(process, `${port}/brport/${file}`);
  const flag = (file: string, name: string) => (number(file) !== 0 ? name : '');
  const state = (PORT_STATES[number('state')] ?? '<INVALID STATE>').padStart(15);
  const hairpinMode = number('hairpin_mode');
  process.stdout.write(
    `${port} (${number('port_no')})\n port id\t\t${hex('port_id')}\t\t\tstate\t\t${state}\n` +
      ` designated root\t${text('designated_root')}\tpath cost\t\t${int('path_cost')}\n` +
      ` designated bridge\t${text('designated_bridge')}\tmessage age timer\t${time('message_age_timer')}\n` +
      ` designated port\t${hex('designated_port')}\t\t\tforward delay timer\t${time('forward_delay_timer')}\n` +
      ` designated cost\t${int('designated_cost')}\t\t\thold timer\t\t${time('hold_timer')}\n` +
      ` flags\t\t\t${flag('config_pending', 'CONFIG_PENDING ')}${flag('change_ack', 'TOPOLOGY_CHANGE_ACK ')}` +
      `${hairpinMode !== 0 ? `\n hairpin mode\t\t${String(hairpinMode).padStart(4)}` : ''}\n\n`,
  );
}

const COMMANDS: readonly Command[] = [
  { nargs: 1, name: 'addbr', run: addbr, help: '<bridge>\t\tadd bridge' },
  { nargs: 1, name: 'delbr', run: delbr, help: '<bridge>\t\tdelete bridge' },
  { nargs: 2, name: 'addif', run: addif, help: '<bridge> <device>\tadd interface to bridge' },
  { nargs: 2, name: 'delif', run: delif, help: '<bridge> <device>\tdelete interface from bridge' },
  { nargs: 3, name: 'hairpin', run: hairpin, help: '<bridge> <port> {on|off}\tturn hairpin on/off' },
  {
    nargs: 2,
    name: 'setageing',
    run: timeSetter('ageing_time', 'ageing time', 'ageing time'),
    help: '<bridge> <time>\t\tset ageing time',
  },
  { nargs: 2, name: 'setbridgeprio', run: setbridgeprio, help: '<bridge> <prio>\t\tset bridge priority' },
  {
    nargs: 2,
    name: 'setfd',
    run: timeSetter('forward_delay', 'forward delay', 'forward delay'),
    help: '<bridge> <time>\t\tset bridge forward delay',
  },
  {
    nargs: 2,
    name: 'sethello',
    run: timeSetter('hello_time', 'hello timer', 'hello timer'),
    help: '<bridge> <time>\t\tset hello time',
  },
  {
    nargs: 2,
    name: 'setmaxage',
    run: timeSetter('max_age', 'max age', 'max age'),
    help: '<bridge> <time>\t\tset max message age',
  },
  {
    nargs: 3,
    name: 'setpathcost',
    run: portSetter('path_cost', 'path cost', 'path cost'),
    help: '<bridge> <port> <cost>\tset path cost',
  },
  {
    nargs: 3,
    name: 'setportprio',
    run: portSetter('priority', 'path priority', 'port priority'),
    help: '<bridge> <port> <prio>\tset port priority',
  },
  { nargs: 0, name: 'show', run: show, help: '[ <bridge> ]\t\tshow a list of bridges' },
  { nargs: 1, name: 'showmacs', run: showmacs, help: '<bridge>\t\tshow a list of mac addrs' },
  { nargs: 1, name: 'showstp', run: showstp, help: '<bridge>\t\tshow bridge stp info' },
  { nargs: 2, name: 'stp', run: stp, help: '<bridge> {on|off}\tturn stp on/off' },
];

function help(process: Process): void {
  const lines = COMMANDS.map((command) => `\t${command.name.padEnd(10)}\t${command.help}\n`);
  process.stdout.write(`Usage: brctl [commands]\ncommands:\n${lines.join('')}`);
}

export async function brctl(process: Process): Promise<number> {
  const getopt = new Getopt(process, 'Vh', [
    { name: 'help', value: 'h' },
    { name: 'version', value: 'V' },
  ]);
  const parsed = getopt.next();
  if (parsed?.option === 'V') {
    process.stdout.write('bridge-utils, 1.7\n');
    return 0;
  }
  if (parsed !== undefined) {
    if (parsed.option !== 'h') complain(process, `Unknown option '${parsed.option}'\n`);
    help(process);
    return parsed.option === 'h' ? 0 : 1;
  }
  const [name, ...args] = getopt.operands;
  const command = COMMANDS.find((each) => each.name === name);
  if (name === undefined || command === undefined) {
    if (name !== undefined) complain(process, `never heard of command [${name}]\n`);
    help(process);
    return 1;
  }
  if (args.length < command.nargs) {
    process.stdout.write(`Incorrect number of arguments for command\nUsage: brctl ${command.name} ${command.help}\n`);
    return 1;
  }
  return command.run(process, args);
}
