/** Target extensions: REJECT, the NAT targets, LOG, MARK. */
import type { NatRange, XtTarget } from '../../uapi/xtables.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../wire/addr.ts';
import { portOfService } from '../../wire/services.ts';
import type { XtablesContext } from './context.ts';
import { type Extension, type ExtensionOption, type OptionCall, quote } from './extension.ts';
import { prefixLength } from './names.ts';
import { formatHex, strtoui, strtoul } from './numbers.ts';

type Target<Name extends XtTarget['name']> = Extract<XtTarget, { name: Name }>;

const REJECT_TYPES: readonly { name: string; alias: string; text: string }[] = [
  { name: 'icmp-net-unreachable', alias: 'net-unreach', text: 'ICMP network unreachable' },
  { name: 'icmp-host-unreachable', alias: 'host-unreach', text: 'ICMP host unreachable' },
  { name: 'icmp-proto-unreachable', alias: 'proto-unreach', text: 'ICMP protocol unreachable' },
  { name: 'icmp-port-unreachable', alias: 'port-unreach', text: 'ICMP port unreachable (default)' },
  { name: 'icmp-net-prohibited', alias: 'net-prohib', text: 'ICMP network prohibited' },
  { name: 'icmp-host-prohibited', alias: 'host-prohib', text: 'ICMP host prohibited' },
  { name: 'tcp-reset', alias: 'tcp-rst', text: 'TCP RST packet' },
  { name: 'icmp-admin-prohibited', alias: 'admin-prohib', text: 'ICMP administratively prohibited (*)' },
];

export const rejectTarget: Extension<Target<'REJECT'>> = {
  name: 'REJECT',
  options: [{ name: 'reject-with', id: 'with', type: 'string' }],
  help:
    'REJECT target options:\n--reject-with type              drop input packet and send back\n' +
    '                                a reply packet according to type:\nValid reject types:\n' +
    REJECT_TYPES.map(({ name, alias, text }) => {
      return `    ${name.padEnd(25)}\t${text}\n    ${alias.padEnd(25)}\talias\n`;
    }).join('') +
    '\n(*) See man page or read the INCOMPATIBILITES file for compatibility issues.\n',
  init: () => ({ name: 'REJECT', with: 'icmp-port-unreachable' }),
  parse({ ctx, argument }, data) {
    const word = argument.toLowerCase();
    const type = REJECT_TYPES.find(({ name, alias }) => name.startsWith(word) || alias.startsWith(word));
    if (type === undefined) {
      if ('echo-reply'.startsWith(word) || 'echoreply'.startsWith(word)) {
        ctx.complain('--reject-with echo-reply no longer supported\n');
      }
      return ctx.bad(`unknown reject type "${argument}"`);
    }
    data.with = type.name;
  },
  print: (data) => ` reject-with ${data.with}`,
  save: (data) => ` --reject-with ${data.with}`,
};

/** Protocols that have ports (or what NAT treats as ports). */
const PORT_PROTOCOLS = [6, 17, 132, 33, 1];

function parseNatPorts({ ctx, proto }: OptionCall, text: string, range: NatRange): void {
  if (!PORT_PROTOCOLS.includes(proto)) ctx.bad('Need TCP, UDP, SCTP or DCCP with port specification');
  const number = strtoul(text);
  const port = number !== undefined && number.value <= 0xffff ? number.value : portOfService(text);
  if (port === undefined) throw ctx.bad(`Port \`${text}' not valid`);
  range.portFrom = port;
  range.portTo = port;
  const rest = number?.rest ?? '';
  if (rest === '') return;
  if (rest.startsWith(':')) ctx.bad('Invalid port:port syntax - use dash');
  if (!rest.startsWith('-')) ctx.bad(`Garbage after port value: \`${rest}'`);
  const last = strtoul(rest.slice(1));
  if (last === undefined || last.value > 0xffff) throw ctx.bad(`Port \`${rest.slice(1)}' not valid`);
  if (last.value < port) ctx.bad(`Port range \`${rest.slice(1)}' funky`);
  range.portTo = last.value;
  if (last.rest === '') return;
  if (!last.rest.startsWith('/')) ctx.bad(`Garbage after port range: \`${last.rest}'`);
  const base = last.rest.slice(1);
  range.portBase = strtoui(base, 1, 0xffff) ?? portOfService(base) ?? ctx.bad(`Port \`${base}' not valid`);
}

/** `10.0.0.1-10.0.0.9:1000-2000` */
function parseNatTo(call: OptionCall, range: NatRange): void {
  const { ctx, argument } = call;
  if (argument.includes('[')) ctx.bad('Invalid address format');
  let colon = argument.indexOf(':');
  if (colon >= 0 && argument.indexOf(':', colon + 1) >= 0) colon = -1;
  if (colon >= 0) parseNatPorts(call, argument.slice(colon + 1), range);
  if (colon === 0) return;
  const addresses = colon < 0 ? argument : argument.slice(0, colon);
  const dash = addresses.indexOf('-');
  const parse = (text: string) => parseIpv4(text) ?? ctx.bad(`Bad IP address "${text}"`);
  range.addrFrom = parse(dash < 0 ? addresses : addresses.slice(0, dash));
  range.addrTo = dash < 0 ? range.addrFrom : parse(addresses.slice(dash + 1));
}

function rangeText({ addrFrom, addrTo, portFrom, portTo, portBase }: NatRange): string {
  let text = addrFrom === undefined ? '' : formatIpv4(addrFrom);
  if (addrTo !== undefined && addrTo !== addrFrom) text += `-${formatIpv4(addrTo)}`;
  if (portFrom === undefined) return text;
  text += `:${portFrom}`;
  if (portTo !== undefined && portTo !== portFrom) text += `-${portTo}`;
  return portBase === undefined ? text : `${text}/${portBase}`;
}

function natText(range: NatRange, option: string, flag: string, skipColon: boolean): string {
  const text = rangeText(range);
  let out = text === '' ? '' : ` ${option}${skipColon && text.startsWith(':') ? text.slice(1) : text}`;
  if (range.random) out += ` ${flag}random`;
  if (range.randomFully) out += ` ${flag}random-fully`;
  if (range.persistent) out += ` ${flag}persistent`;
  return out;
}

const random: ExtensionOption = { name: 'random', id: 'random' };
const randomFully: ExtensionOption = { name: 'random-fully', id: 'randomFully' };
const persistent: ExtensionOption = { name: 'persistent', id: 'persistent' };

/** The four NAT targets differ in options, words, and whether a shifted range is taken. */
function natTarget<Name extends 'SNAT' | 'DNAT' | 'MASQUERADE' | 'REDIRECT'>(
  name: Name,
  options: readonly ExtensionOption[],
  words: { print: string; save: string; ports: boolean; shift: boolean; help: string },
): Extension<{ name: Name; range: NatRange }> {
  return {
    name,
    options,
    help: `${name} target options:\n${words.help}`,
    init: () => ({ name, range: {} }),
    parse(call, { range }) {
      const { id } = call.option;
      if (id === 'to') parseNatTo(call, range);
      else if (id === 'ports') parseNatPorts(call, call.argument, range);
      else range[id as 'random' | 'randomFully' | 'persistent'] = true;
    },
    check(ctx: XtablesContext, _used, { range }) {
      if (range.portBase === undefined) return;
      // Only DNAT's newest revision knows them; SNAT and MASQUERADE forget the base.
      if (words.shift) return;
      if (name === 'REDIRECT') ctx.bad('Shifted portmap ranges not supported with this kernel');
      delete range.portBase;
    },
    print: ({ range }) => natText(range, words.print, '', words.ports),
    save: ({ range }) => natText(range, words.save, '--', words.ports),
  };
}

export const snatTarget: Extension<Target<'SNAT'>> = natTarget(
  'SNAT',
  [{ name: 'to-source', id: 'to', type: 'string', mandatory: true }, random, randomFully, persistent],
  {
    print: 'to:',
    save: '--to-source ',
    ports: false,
    shift: false,
    help:
      ' --to-source [<ipaddr>[-<ipaddr>]][:port[-port]]\n\t\t\t\tAddress to map source to.\n' +
      '[--random] [--random-fully] [--persistent]\n',
  },
);

export const dnatTarget: Extension<Target<'DNAT'>> = natTarget(
  'DNAT',
  [{ name: 'to-destination', id: 'to', type: 'string', mandatory: true }, random, persistent],
  {
    print: 'to:',
    save: '--to-destination ',
    ports: false,
    shift: true,
    help:
      ' --to-destination [<ipaddr>[-<ipaddr>]][:port[-port[/port]]]\n' +
      '\t\t\t\tAddress to map destination to.\n[--random] [--persistent]\n',
  },
);

export const masqueradeTarget: Extension<Target<'MASQUERADE'>> = natTarget(
  'MASQUERADE',
  [{ name: 'to-ports', id: 'ports', type: 'string' }, random, randomFully],
  {
    print: 'masq ports: ',
    save: '--to-ports ',
    ports: true,
    shift: false,
    help:
      ' --to-ports <port>[-<port>]\n\t\t\t\tPort (range) to map to.\n --random\n\t\t\t\tRandomize source port.\n' +
      ' --random-fully\n\t\t\t\tFully randomize source port.\n',
  },
);

export const redirectTarget: Extension<Target<'REDIRECT'>> = natTarget(
  'REDIRECT',
  [{ name: 'to-ports', id: 'ports', type: 'string' }, random],
  {
    print: 'redir ports ',
    save: '--to-ports ',
    ports: true,
    shift: false,
    help: ' --to-ports <port>[-<port>]\n\t\t\t\tPort (range) to map to.\n [--random]\n',
  },
);

export const netmapTarget: Extension<Target<'NETMAP'>> = {
  name: 'NETMAP',
  options: [{ name: 'to', id: 'to', type: 'hostmask', mandatory: true }],
  help: 'NETMAP target options:\n  --to address[/mask]\n\t\t\t\tNetwork address to map to.\n\n',
  init: () => ({ name: 'NETMAP', from: 0, to: 0 }),
  parse({ value: { address, mask } }, data) {
    data.from = (address & mask) >>> 0;
    data.to = (data.from | ~mask) >>> 0;
  },
  print: ({ from, to }) => ` to:${netText(from, to)}`,
  save: ({ from, to }) => ` --to ${netText(from, to)}`,
};

function netText(from: Ipv4, to: Ipv4): string {
  const mask = ~(from ^ to) >>> 0;
  return `${formatIpv4(from)}/${prefixLength(mask) ?? formatIpv4(mask)}`;
}

const LOG_FLAGS: readonly { option: string; bit: number; text: string }[] = [
  { option: 'log-tcp-sequence', bit: 1, text: 'tcp-sequence' },
  { option: 'log-tcp-options', bit: 2, text: 'tcp-options' },
  { option: 'log-ip-options', bit: 4, text: 'ip-options' },
  { option: 'log-uid', bit: 8, text: 'uid' },
  { option: 'log-macdecode', bit: 32, text: 'macdecode' },
];
const LOG_WARNING = 4;
const MAX_PREFIX = 29;
/** syslog.h's prioritynames, the first that fits. */
const PRIORITIES = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'];

export const logTarget: Extension<Target<'LOG'>> = {
  name: 'LOG',
  options: [
    { name: 'log-level', id: 'level', type: 'sysloglevel' },
    { name: 'log-prefix', id: 'prefix', type: 'string', min: 1 },
    ...LOG_FLAGS.map(({ option }): ExtensionOption => ({ name: option, id: option })),
  ],
  help:
    'LOG target options:\n --log-level level\t\tLevel of logging (numeric or see syslog.conf)\n' +
    ' --log-prefix prefix\t\tPrefix log messages with this prefix.\n' +
    ' --log-tcp-sequence\t\tLog TCP sequence numbers.\n --log-tcp-options\t\tLog TCP options.\n' +
    ' --log-ip-options\t\tLog IP options.\n --log-uid\t\t\tLog UID owning the local socket.\n' +
    ' --log-macdecode\t\tDecode MAC addresses and protocol.\n',
  init: () => ({ name: 'LOG', level: LOG_WARNING, prefix: '', flags: 0 }),
  parse({ ctx, option, argument, value }, data) {
    if (option.id === 'level') data.level = value.number;
    else if (option.id === 'prefix') {
      if (argument.includes('\n')) ctx.bad('Newlines not allowed in --log-prefix');
      data.prefix = argument.slice(0, MAX_PREFIX);
    } else data.flags |= LOG_FLAGS.find((flag) => flag.option === option.id)!.bit;
  },
  print({ level, prefix, flags }, { numeric }) {
    const names = LOG_FLAGS.flatMap(({ bit, text }) => (flags & bit ? [` ${text}`] : [])).join('');
    const text = numeric ? ` flags ${flags} level ${level}` : ` level ${PRIORITIES[level]}${names}`;
    return ` LOG${text}${prefix === '' ? '' : ` prefix "${prefix}"`}`;
  },
  save({ level, prefix, flags }) {
    let text = prefix === '' ? '' : ` --log-prefix${quote(prefix)}`;
    if (level !== LOG_WARNING) text += ` --log-level ${level}`;
    return text + LOG_FLAGS.flatMap(({ bit, option }) => (flags & bit ? [` --${option}`] : [])).join('');
  },
};

const MARK_IDS = ['set-xmark', 'set-mark', 'and-mark', 'or-mark', 'xor-mark'];

export const markTarget: Extension<Target<'MARK'>> = {
  name: 'MARK',
  options: MARK_IDS.map(
    (id): ExtensionOption => ({
      name: id,
      id,
      type: id.startsWith('set') ? 'markmask32' : 'uint32',
      exclusive: MARK_IDS,
    }),
  ),
  help:
    'MARK target options:\n  --set-xmark value[/mask]  Clear bits in mask and XOR value into nfmark\n' +
    '  --set-mark value[/mask]   Clear bits in mask and OR value into nfmark\n' +
    '  --and-mark bits           Binary AND the nfmark with bits\n' +
    '  --or-mark bits            Binary OR the nfmark with bits\n' +
    '  --xor-mark bits           Binary XOR the nfmark with bits\n',
  init: () => ({ name: 'MARK', mark: 0, mask: 0 }),
  parse({ option, value: { number, mask } }, data) {
    switch (option.id) {
      case 'set-xmark':
        data.mark = number;
        data.mask = mask;
        break;
      case 'set-mark':
        data.mark = number;
        data.mask = (number | mask) >>> 0;
        break;
      case 'and-mark':
        data.mark = 0;
        data.mask = ~number >>> 0;
        break;
      case 'or-mark':
        data.mark = number;
        data.mask = number;
        break;
      default:
        data.mark = number;
        data.mask = 0;
    }
  },
  check(ctx, used) {
    if (used.size === 0) ctx.bad('MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required');
  },
  print({ mark, mask }) {
    if (mark === 0) return ` MARK and ${formatHex(~mask)}`;
    if (mark === mask) return ` MARK or ${formatHex(mark)}`;
    if (mask === 0) return ` MARK xor ${formatHex(mark)}`;
    if (mask === 0xffff_ffff) return ` MARK set ${formatHex(mark)}`;
    return ` MARK xset ${formatHex(mark)}/${formatHex(mask)}`;
  },
  save: ({ mark, mask }) => ` --set-xmark ${formatHex(mark)}/${formatHex(mask)}`,
};
