/**
 * Extensions: matches (`-m`) and targets (`-j`). Each has options; most describe them in a table, from
 * which the checks that all extensions share are made (libxtables' "x6" options).
 */
import { isRefusal } from '../../uapi/result.ts';
import type { AddrMatch } from '../../uapi/xtables.ts';
import { type Ipv4, type Mac, maskOf } from '../../wire/addr.ts';
import { portOfService } from '../../wire/services.ts';
import type { XtablesContext } from './context.ts';
import { hostAddresses, parseProtocol, prefixLength } from './names.ts';
import { strtoui, strtoul } from './numbers.ts';
import type { OptionScanner } from './scanner.ts';

const INADDR_LOOPBACK = 0x7f00_0001;

export interface ExtensionOption {
  readonly name: string;
  /** Options with one id are synonyms. */
  readonly id: string;
  /** What the argument must look like; absent: there is no argument. `string` is left to the extension. */
  readonly type?:
    | 'string'
    | 'uint32'
    | 'uint32rc'
    | 'double'
    | 'portrc'
    | 'markmask32'
    | 'sysloglevel'
    | 'ethermac'
    | 'hostmask'
    | 'protocol';
  readonly invert?: boolean;
  readonly mandatory?: boolean;
  /** Ids that must not come together with this one; its own makes it once only, as is the rule anyway. */
  readonly exclusive?: readonly string[];
  /** Ids that must come with this one. */
  readonly also?: readonly string[];
  readonly min?: number;
  readonly max?: number;
}

/** The number or range an argument stands for, as its option's type has it. */
export interface OptionValue {
  /** uint32, double, sysloglevel, protocol, markmask32's value. */
  number: number;
  mask: number;
  /** uint32rc, portrc: how many were given, and the two ends. */
  count: number;
  from: number;
  to: number;
  mac: Mac;
  address: Ipv4;
}

/** One use of an option. */
export interface OptionCall {
  readonly ctx: XtablesContext;
  readonly option: ExtensionOption;
  readonly argument: string;
  readonly invert: boolean;
  readonly value: OptionValue;
  /** -p, as far as it has been read. */
  readonly proto: number;
  readonly protoInvert: boolean;
  /** For an option with a second argument. */
  readonly scanner: { takeArgument(): string | undefined };
}

/** How names are to be printed. */
export interface PrintStyle {
  readonly ctx: XtablesContext;
  readonly numeric: boolean;
  /** The rule's -p. */
  readonly proto: number;
}

/** What a match and a target have in common. Methods, so that an extension of one kind fits into a table of all. */
export interface Extension<Data> {
  readonly name: string;
  readonly options: readonly ExtensionOption[];
  /** The option table is for getopt only: `parse` checks all by itself (libxtables' old interface). */
  readonly plain?: boolean;
  readonly help: string;
  init(): Data;
  /** Take an option that passed the checks of the table. */
  parse(call: OptionCall, data: Data): void;
  /** After all options; `used` has their ids. */
  check?(ctx: XtablesContext, used: ReadonlySet<string>, data: Data): void;
  /** For -L, with a blank in front. */
  print(data: Data, style: PrintStyle): string;
  /** For -S and iptables-save, with a blank in front. */
  save(data: Data): string;
}

/** An extension in use in the rule being read. */
export interface Instance<Data> {
  readonly extension: Extension<Data>;
  readonly data: Data;
  readonly used: Set<string>;
  /** A later instance of the same extension gets the options from here on. */
  completed: boolean;
}

const SYSLOG_LEVELS: Readonly<Record<string, number>> = {
  alert: 1,
  crit: 2,
  debug: 7,
  emerg: 0,
  error: 3,
  info: 6,
  notice: 5,
  panic: 0,
  warning: 4,
};

/** Give `instance` an option: the checks of xtables_option_parse(), then the extension's own parser. */
export function parseExtensionOption<Data>(
  ctx: XtablesContext,
  instance: Instance<Data>,
  id: string,
  argument: string | undefined,
  invert: boolean,
  rule: { proto: number; protoInvert: boolean },
  scanner: OptionScanner<unknown>,
): void {
  const { extension, used, data } = instance;
  const option = extension.options.find((candidate) => candidate.id === id)!;
  const text = argument ?? '';
  const value = { number: 0, mask: 0, count: 1, from: 0, to: 0, mac: 0, address: 0 };
  const { proto, protoInvert } = rule;
  if (!extension.plain) {
    const named = `${extension.name}: option "--${option.name}"`;
    if (used.has(id)) ctx.bad(`${named} can only be used once.\n`);
    if (invert && !option.invert) ctx.bad(`${named} cannot be inverted.\n`);
    parseValue(ctx, extension.name, option, text, value);
    used.add(id);
  }
  extension.parse({ ctx, option, argument: text, invert, value, proto, protoInvert, scanner }, data);
  used.add(id);
}

/** xtables_option_mfcall(), xtables_option_tfcall() */
export function checkExtension<Data>(ctx: XtablesContext, { extension, used, data }: Instance<Data>): void {
  extension.check?.(ctx, used, data);
  if (extension.plain) return;
  for (const option of extension.options) {
    if (option.mandatory && !used.has(option.id)) {
      ctx.bad(`${extension.name}: option "--${option.name}" must be specified\n`);
    }
    if (!used.has(option.id)) continue;
    const named = `${extension.name}: option "--${option.name}"`;
    for (const { id, name } of extension.options) {
      if (id === option.id) continue;
      if (option.also?.includes(id) && !used.has(id)) ctx.bad(`${named} also requires "--${name}".\n`);
      if (option.exclusive?.includes(id) && used.has(id))
        ctx.bad(`${named} cannot be used together with "--${name}".\n`);
    }
  }
}

function parseValue(
  ctx: XtablesContext,
  name: string,
  option: ExtensionOption,
  text: string,
  value: OptionValue,
): void {
  switch (option.type) {
    case 'string':
      if (option.min !== undefined && text.length < option.min) {
        ctx.bad(`Argument must have a minimum length of ${option.min} characters\n`);
      }
      break;
    case 'uint32': {
      const [min, max] = [option.min ?? 0, option.max ?? 0xffff_ffff];
      const number = strtoui(text, min, max);
      if (number === undefined) {
        ctx.bad(`${name}: bad value for option "--${option.name}", or out of range (${min}-${max}).\n`);
      }
      value.number = number;
      break;
    }
    case 'uint32rc':
      parseIntRange(ctx, name, option, text, value);
      break;
    case 'double': {
      const [min, max] = [option.min ?? 0, option.max ?? 0];
      value.number = Number(text);
      if (text.trim() === '' || !(value.number >= min && value.number <= max)) {
        ctx.bad(`${name}: bad value for option "--${option.name}", or out of range (${min}-${max}).\n`);
      }
      break;
    }
    case 'portrc':
      parsePortRange(ctx, name, option.name, text, value);
      break;
    case 'markmask32':
      parseMarkMask(ctx, name, option.name, text, value);
      break;
    case 'sysloglevel':
      value.number = strtoui(text, 0, 7) ?? SYSLOG_LEVELS[text] ?? ctx.bad(`log level "${text}" unknown\n`);
      break;
    case 'ethermac':
      if (!/^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i.test(text)) ctx.bad('Invalid MAC address specified.');
      value.mac = text.split(':').reduce((mac, octet) => mac * 256 + Number.parseInt(octet, 16), 0);
      break;
    case 'hostmask':
      parseHostMask(ctx, name, option.name, text, value);
      break;
    case 'protocol':
      value.number = parseProtocol(ctx, text);
      break;
    case undefined:
      break;
  }
}

function parseIntRange(
  ctx: XtablesContext,
  name: string,
  { name: option, max = 0xffff_ffff }: ExtensionOption,
  text: string,
  value: OptionValue,
): void {
  const ends: number[] = [];
  for (let rest = text; ; ) {
    if (ends.length === 2) ctx.bad(`${name}: Too many components for option "--${option}" (max: 2)\n`);
    if (rest === '' || rest.startsWith(':')) ends.push(ends.length === 1 ? max : 0);
    else {
      const number = strtoul(rest);
      if (number === undefined || number.value > max) {
        ctx.bad(`${name}: bad value for option "--${option}" near "${rest}", or out of range (0-${max}).\n`);
      }
      if (number.rest !== '' && !number.rest.startsWith(':')) {
        ctx.bad(`${name}: Argument to "--${option}" has unexpected characters near "${number.rest}".\n`);
      }
      ends.push(number.value);
      rest = number.rest;
    }
    if (rest === '') break;
    rest = rest.slice(1);
  }
  value.count = ends.length;
  value.from = ends[0]!;
  value.to = ends[1] ?? 0;
}

/** A number that is no port is cut to sixteen bits, as getaddrinfo(3) does that is asked in the end. */
function parsePortRange(ctx: XtablesContext, name: string, option: string, text: string, value: OptionValue): void {
  const parts = text.split(':');
  if (parts.length > 2) ctx.bad(`${name}: Too many components for option "--${option}" (max: 2)\n`);
  const ports = parts.map((part, i) => {
    if (part === '') return i === 0 ? 0 : 0xffff;
    const port = /^\d+$/.test(part) ? Number(part) % 0x1_0000 : portOfService(part);
    if (port === undefined) return ctx.bad(`Port "${part}" does not resolve to anything.\n`);
    probeLoopback(ctx, port);
    return port;
  });
  value.count = 2;
  value.from = ports[0]!;
  value.to = ports[1] ?? ports[0]!;
}

/**
 * getaddrinfo(3) connects to the addresses that it has found, to put those that can be reached first: counters show it.
 * With an IPv4 address beside the loopback's, and none of IPv6, it finds only one and does not.
 */
function probeLoopback(ctx: XtablesContext, port: number): void {
  if (ctx.process.task.rtnl.dumpAddrs({}).some(({ local }) => local !== INADDR_LOOPBACK)) return;
  const probe = ctx.process.task.socket('udp', 0);
  if (isRefusal(probe)) return;
  probe.connect({ family: 'inet', address: INADDR_LOOPBACK, port });
  probe.close();
}

/** xtables_parse_val_mask() */
function parseMarkMask(ctx: XtablesContext, name: string, option: string, text: string, value: OptionValue): void {
  const bad = () => ctx.bad(`${name}: bad integer value for option "--${option}", or out of range.\n`);
  const garbage = () => ctx.bad(`${name}: trailing garbage after value for option "--${option}".\n`);
  const mark = strtoul(text);
  if (mark === undefined || mark.value > 0xffff_ffff) throw bad();
  value.number = mark.value;
  value.mask = 0xffff_ffff;
  if (mark.rest === '') return;
  if (!mark.rest.startsWith('/')) throw garbage();
  const mask = strtoul(mark.rest.slice(1));
  if (mask === undefined || mask.value > 0xffff_ffff) throw bad();
  if (mask.rest !== '') throw garbage();
  value.mask = mask.value;
}

function parseHostMask(ctx: XtablesContext, name: string, option: string, text: string, value: OptionValue): void {
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const address = numericHost(host) ?? hostAddresses(ctx, host)[0];
  if (address === undefined) throw ctx.bad('getaddrinfo: Temporary failure in name resolution\n');
  value.address = address;
  value.mask = 0xffff_ffff;
  if (slash < 0) return;
  const plen = text.slice(slash + 1);
  const dotted = numericHost(plen);
  const bits = strtoui(plen, 0, 32) ?? (dotted === undefined ? undefined : prefixLength(dotted));
  if (bits === undefined) {
    const limits = 'neither a valid network mask nor valid CIDR (0-32).';
    throw ctx.bad(`${name}: bad value for option "--${option}", ${limits}\n`);
  }
  value.mask = maskOf(bits);
}

/** inet_aton() as far as four parts go. */
function numericHost(text: string): Ipv4 | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const octets = parts.map((part) => strtoui(part, 0, 255));
  return octets.some((octet) => octet === undefined)
    ? undefined
    : octets.reduce<number>((sum, octet) => sum * 256 + octet!, 0);
}

/** An address with its mask from a `hostmask` option. */
export function addressOf({ value, invert }: OptionCall): AddrMatch {
  return { address: value.address, mask: value.mask, invert };
}

/** `!` in front of what is inverted. */
export const not = (invert: boolean): string => (invert ? ' !' : '');

/** xtables_save_string(): quoted unless it is one plain word. */
export function quote(text: string): string {
  return /^[-_0-9A-Za-z]+$/.test(text) ? ` ${text}` : ` "${text.replace(/["\\']/g, '\\$&')}"`;
}
