/** Matches on the transport header: icmp, tcp, udp, multiport. */
import type { PortMatch, PortRange, XtMatch } from '../../uapi/xtables.ts';
import { serviceOfPort } from '../../wire/services.ts';
import type { XtablesContext } from './context.ts';
import { type Extension, type ExtensionOption, not, type OptionCall, type PrintStyle } from './extension.ts';
import { ICMP_NAMES, icmpTypesHelp } from './icmp-types.ts';
import { parsePort } from './names.ts';
import { strtoui, strtoul } from './numbers.ts';

type Match<Name extends XtMatch['name']> = Extract<XtMatch, { name: Name }>;

/** `3` or `3:5`, at the start of a text. */
function icmpRange(text: string): { from: number; to: number; rest: string } | undefined {
  const from = strtoul(text);
  if (from === undefined || from.value > 255) return undefined;
  if (!from.rest.startsWith(':')) return { from: from.value, to: from.value, rest: from.rest };
  const to = strtoul(from.rest.slice(1));
  return to === undefined || to.value > 255 ? undefined : { from: from.value, to: to.value, rest: to.rest };
}

function parseIcmpType(ctx: XtablesContext, text: string, data: Match<'icmp'>): void {
  const named = ICMP_NAMES.filter((entry) => entry.name.toLowerCase().startsWith(text.toLowerCase()));
  if (named.length > 1) {
    const [first, second] = named;
    ctx.bad(`Ambiguous ICMP type \`${text}': \`${first!.name}' or \`${second!.name}'?`);
  }
  const [name] = named;
  if (name !== undefined) {
    data.type = name.type;
    data.codeFrom = name.codeMin;
    data.codeTo = name.codeMax;
    return;
  }
  const type = icmpRange(text) ?? ctx.bad(`Unknown ICMP type \`${text}'`);
  data.codeFrom = 0;
  data.codeTo = 255;
  let rest = type.rest;
  if (rest.startsWith('/')) {
    const code = icmpRange(rest.slice(1)) ?? ctx.bad(`Unknown ICMP code \`${text}'`);
    data.codeFrom = code.from;
    data.codeTo = code.to;
    rest = code.rest;
  }
  if (rest !== '') ctx.bad(`unknown character ${rest[0]}`);
  if (type.from !== type.to) ctx.bad('ICMP type range not supported');
  data.type = type.from;
}

export const icmpMatch: Extension<Match<'icmp'>> = {
  name: 'icmp',
  options: [{ name: 'icmp-type', id: 'type', type: 'string', mandatory: true, invert: true }],
  help:
    'icmp match options:\n[!] --icmp-type typename\tmatch icmp type\n' +
    `[!] --icmp-type type[/code]\t(or numeric type or type/code)\nValid ICMP Types:${icmpTypesHelp()}`,
  init: () => ({ name: 'icmp', type: 255, codeFrom: 0, codeTo: 255, invert: false }),
  parse({ ctx, argument, invert }, data) {
    parseIcmpType(ctx, argument, data);
    data.invert = invert;
  },
  print({ type, codeFrom, codeTo, invert }, { numeric }) {
    if (!numeric) {
      const known = ICMP_NAMES.find((e) => e.type === type && e.codeMin === codeFrom && e.codeMax === codeTo);
      if (known !== undefined) return ` icmp ${invert ? '!' : ''}${known.name}`;
    }
    const codes = codeFrom === codeTo ? ` code ${codeFrom}` : ` codes ${codeFrom}-${codeTo}`;
    return ` icmp${not(invert)}type ${type}${codeFrom === 0 && codeTo === 255 ? '' : codes}`;
  },
  save({ type, codeFrom, codeTo, invert }) {
    const code = codeFrom === 0 && codeTo === 255 ? '' : `/${codeFrom}`;
    return `${not(invert)} --icmp-type ${type === 255 ? 'any' : `${type}${code}`}`;
  },
};

const anyPort = (): PortMatch => ({ from: 0, to: 0xffff, invert: false });

function portText(port: number, protocol: string, numeric: boolean): string {
  return (numeric ? undefined : serviceOfPort(port, protocol)) ?? String(port);
}

function printPorts(label: string, { from, to, invert }: PortMatch, protocol: string, numeric: boolean): string {
  if (from === 0 && to === 0xffff && !invert) return '';
  const mark = invert ? '!' : '';
  const low = portText(from, protocol, numeric);
  return from === to ? ` ${label}:${mark}${low}` : ` ${label}s:${mark}${low}:${portText(to, protocol, numeric)}`;
}

function savePorts(option: string, { from, to, invert }: PortMatch): string {
  if (from === 0 && to === 0xffff) return '';
  return `${not(invert)} --${option} ${from === to ? from : `${from}:${to}`}`;
}

const PORT_HELP =
  '[!] --source-port port[:port]\n --sport ...\n\t\t\t\tmatch source port(s)\n' +
  '[!] --destination-port port[:port]\n --dport ...\n\t\t\t\tmatch destination port(s)\n';

const portOptions = (type: 'portrc' | 'string'): ExtensionOption[] => [
  { name: 'source-port', id: 'sport', type, invert: true },
  { name: 'sport', id: 'sport', type, invert: true },
  { name: 'destination-port', id: 'dport', type, invert: true },
  { name: 'dport', id: 'dport', type, invert: true },
];

export const udpMatch: Extension<Match<'udp'>> = {
  name: 'udp',
  options: portOptions('portrc'),
  help: `udp match options:\n${PORT_HELP}`,
  init: () => ({ name: 'udp', sport: anyPort(), dport: anyPort() }),
  parse({ option, value: { from, to }, invert }, data) {
    data[option.id as 'sport' | 'dport'] = { from, to, invert };
  },
  print: ({ sport, dport }, { numeric }) =>
    ` udp${printPorts('spt', sport, 'udp', numeric)}${printPorts('dpt', dport, 'udp', numeric)}`,
  save: ({ sport, dport }) => savePorts('sport', sport) + savePorts('dport', dport),
};

const TCP_FLAGS: readonly (readonly [string, number])[] = [
  ['FIN', 0x01],
  ['SYN', 0x02],
  ['RST', 0x04],
  ['PSH', 0x08],
  ['ACK', 0x10],
  ['URG', 0x20],
  ['ALL', 0x3f],
  ['NONE', 0],
];

function parseTcpFlags(ctx: XtablesContext, text: string): number {
  return text
    .split(',')
    .filter((word) => word !== '')
    .reduce((flags, word) => {
      const known = TCP_FLAGS.find(([name]) => name === word.toUpperCase());
      return known === undefined ? ctx.bad(`Unknown TCP flag \`${word}'`) : flags | known[1];
    }, 0);
}

function tcpFlagsText(flags: number): string {
  const names = TCP_FLAGS.slice(0, 6).flatMap(([name, bit]) => (flags & bit ? [name] : []));
  return names.length > 0 ? names.join(',') : 'NONE';
}

function parseTcpPorts(ctx: XtablesContext, text: string): PortRange {
  const colon = text.indexOf(':');
  if (colon < 0) {
    const port = parsePort(ctx, text, 'tcp');
    return { from: port, to: port };
  }
  const from = colon === 0 ? 0 : parsePort(ctx, text.slice(0, colon), 'tcp');
  const to = colon + 1 === text.length ? 0xffff : parsePort(ctx, text.slice(colon + 1), 'tcp');
  if (from > to) ctx.bad('invalid portrange (min > max)');
  return { from, to };
}

const hex2 = (value: number) => `0x${value.toString(16).toUpperCase().padStart(2, '0')}`;

const used = new WeakMap<object, Set<string>>();

/** tcp's options may come once each, `--syn` and `--tcp-flags` once together. */
function once({ ctx }: OptionCall, data: object, what: string, message: string): void {
  const seen = used.get(data) ?? new Set();
  used.set(data, seen.has(what) ? ctx.bad(message) : seen.add(what));
}

export const tcpMatch: Extension<Match<'tcp'>> = {
  name: 'tcp',
  plain: true,
  options: [
    ...portOptions('string'),
    { name: 'syn', id: 'syn' },
    { name: 'tcp-flags', id: 'flags', type: 'string' },
    { name: 'tcp-option', id: 'option', type: 'string' },
  ],
  help:
    'tcp match options:\n' +
    '[!] --tcp-flags mask comp\tmatch when TCP flags & mask == comp\n' +
    '\t\t\t\t(Flags: SYN ACK FIN RST URG PSH ALL NONE)\n' +
    '[!] --syn\t\t\tmatch when only SYN flag set\n' +
    '\t\t\t\t(equivalent to --tcp-flags SYN,RST,ACK,FIN SYN)\n' +
    `${PORT_HELP}[!] --tcp-option number        match if TCP option set\n`,
  init: () => ({ name: 'tcp', sport: anyPort(), dport: anyPort() }),
  parse(call, data) {
    const { ctx, option, argument, invert } = call;
    switch (option.id) {
      case 'sport':
        once(call, data, 'sport', "Only one `--source-port' allowed");
        data.sport = { ...parseTcpPorts(ctx, argument), invert };
        break;
      case 'dport':
        once(call, data, 'dport', "Only one `--destination-port' allowed");
        data.dport = { ...parseTcpPorts(ctx, argument), invert };
        break;
      case 'syn':
      case 'flags': {
        once(call, data, 'flags', "Only one of `--syn' or `--tcp-flags'  allowed");
        if (option.id === 'syn') {
          data.flags = { mask: 0x17, set: 0x02, invert };
          break;
        }
        const comp = call.scanner.takeArgument() ?? ctx.bad('--tcp-flags requires two args.');
        data.flags = { mask: parseTcpFlags(ctx, argument), set: parseTcpFlags(ctx, comp), invert };
        break;
      }
      default: {
        once(call, data, 'option', "Only one `--tcp-option' allowed");
        const kind = strtoui(argument, 1, 255) ?? ctx.bad(`Bad TCP option "${argument}"`);
        data.option = { kind, invert };
      }
    }
  },
  print({ sport, dport, flags, option }, { numeric }) {
    let text = ` tcp${printPorts('spt', sport, 'tcp', numeric)}${printPorts('dpt', dport, 'tcp', numeric)}`;
    if (option !== undefined) text += ` option=${option.invert ? '!' : ''}${option.kind}`;
    if (flags !== undefined && (flags.mask !== 0 || flags.invert)) {
      const style = numeric ? hex2 : tcpFlagsText;
      text += ` flags:${flags.invert ? '!' : ''}${style(flags.mask)}/${style(flags.set)}`;
    }
    return text;
  },
  save({ sport, dport, flags, option }) {
    let text = savePorts('sport', sport) + savePorts('dport', dport);
    if (option !== undefined) text += `${not(option.invert)} --tcp-option ${option.kind}`;
    if (flags !== undefined && (flags.mask !== 0 || flags.invert)) {
      text += `${not(flags.invert)} --tcp-flags ${tcpFlagsText(flags.mask)} ${tcpFlagsText(flags.set)}`;
    }
    return text;
  },
};

const MULTIPORT_PROTOCOLS: Readonly<Record<number, string>> = {
  6: 'tcp',
  17: 'udp',
  136: 'udplite',
  132: 'sctp',
  33: 'dccp',
};
const MULTIPORT_SLOTS = 15;
const ONLY_WITH = 'multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP';
const MULTIPORT_IDS = ['source', 'destination', 'either'] as const;

function multiportProtocol({ ctx, proto, protoInvert }: OptionCall): string {
  if (protoInvert) ctx.bad(ONLY_WITH);
  const name = MULTIPORT_PROTOCOLS[proto];
  if (name !== undefined) return name;
  const needs = "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'";
  return ctx.bad(proto === 0 ? needs : ONLY_WITH);
}

function multiportPorts(call: OptionCall, protocol: string): PortRange[] {
  const { ctx, argument } = call;
  let slots = 0;
  return argument.split(',').map((part) => {
    if (slots >= MULTIPORT_SLOTS) ctx.bad('too many ports specified');
    const colon = part.indexOf(':');
    if (colon < 0) {
      slots++;
      const port = parsePort(ctx, part, protocol);
      return { from: port, to: port };
    }
    if (slots === MULTIPORT_SLOTS - 1) ctx.bad('too many ports specified');
    slots += 2;
    const range = {
      from: parsePort(ctx, part.slice(0, colon), protocol),
      to: parsePort(ctx, part.slice(colon + 1), protocol),
    };
    if (range.from >= range.to) ctx.bad('invalid portrange specified');
    return range;
  });
}

const multiportOption = (name: string, id: string): ExtensionOption => ({
  name,
  id,
  type: 'string',
  invert: true,
  exclusive: MULTIPORT_IDS,
});

const multiportText = (ports: readonly PortRange[], text: (port: number) => string): string =>
  ports.map(({ from, to }) => (from === to ? text(from) : `${text(from)}:${text(to)}`)).join(',');

export const multiportMatch: Extension<Match<'multiport'>> = {
  name: 'multiport',
  options: [
    multiportOption('source-ports', 'source'),
    multiportOption('sports', 'source'),
    multiportOption('destination-ports', 'destination'),
    multiportOption('dports', 'destination'),
    multiportOption('ports', 'either'),
  ],
  help:
    'multiport match options:\n' +
    '[!] --source-ports port[,port:port,port...]\n --sports ...\n\t\t\t\tmatch source port(s)\n' +
    '[!] --destination-ports port[,port:port,port...]\n --dports ...\n\t\t\t\tmatch destination port(s)\n' +
    '[!] --ports port[,port:port,port]\n\t\t\t\tmatch both source and destination port(s)\n',
  init: () => ({ name: 'multiport', which: 'source', ports: [], invert: false }),
  parse(call, data) {
    data.ports = multiportPorts(call, multiportProtocol(call));
    data.which = call.option.id as (typeof MULTIPORT_IDS)[number];
    data.invert ||= call.invert;
  },
  check(ctx, ids) {
    if (ids.size === 0) ctx.bad('multiport expection an option');
  },
  print({ which, ports, invert }, { numeric, proto }: PrintStyle) {
    const label = which === 'source' ? 'sports' : which === 'destination' ? 'dports' : 'ports';
    const text = multiportText(ports, (port) => portText(port, MULTIPORT_PROTOCOLS[proto] ?? 'tcp', numeric));
    return ` multiport ${label} ${not(invert)}${text}`;
  },
  save({ which, ports, invert }) {
    const option = which === 'source' ? 'sports' : which === 'destination' ? 'dports' : 'ports';
    return `${not(invert)} --${option} ${multiportText(ports, String)}`;
  },
};
