import type { VlanData } from '../../uapi/rtnetlink.ts';
import type { Args } from './args.ts';
import type { Ip } from './context.ts';
import { EXIT_FAILURE } from './exit.ts';
import type { LinkKind } from './link-kind.ts';
import { llProtoA2n, llProtoN2a } from './ll-proto.ts';
import { getU16, getUnsigned } from './numbers.ts';

const USAGE = `Usage: ... vlan id VLANID
		[ protocol VLANPROTO ]
		[ reorder_hdr { on | off } ]
		[ gvrp { on | off } ]
		[ mvrp { on | off } ]
		[ loose_binding { on | off } ]
		[ bridge_binding { on | off } ]
		[ ingress-qos-map QOS-MAP ]
		[ egress-qos-map QOS-MAP ]

VLANID := 0-4095
VLANPROTO: [ 802.1Q | 802.1ad ]
QOS-MAP := [ QOS-MAP ] QOS-MAPPING
QOS-MAPPING := FROM:TO
`;

/** VLAN_FLAG_* (if_vlan.h), in the order in which iproute2 tries and prints them. */
const FLAGS: readonly (readonly [string, number])[] = [
  ['reorder_hdr', 1],
  ['gvrp', 2],
  ['mvrp', 8],
  ['loose_binding', 4],
  ['bridge_binding', 16],
];

type QosMap = NonNullable<VlanData['ingressQos']>;

/** parse_mapping(): FROM:TO words up to the first word without a colon; undefined if one is wrong. */
function parseQosMap(args: Args): QosMap | undefined {
  const map: { from: number; to: number }[] = [];
  args.next();
  while (args.left > 0 && args.word.includes(':')) {
    const [key, ...value] = args.word.split(':');
    const from = getUnsigned(key);
    const to = getUnsigned(value.join(':'));
    if (from === undefined || to === undefined) return undefined;
    map.push({ from, to });
    args.shift();
  }
  return map;
}

function parse(_ip: Ip, args: Args): VlanData | number {
  const data: VlanData = {};
  const flags = { flags: 0, mask: 0 };
  while (args.left > 0) {
    const flag = FLAGS.find(([name]) => args.matches(name));
    if (args.matches('protocol')) {
      const word = args.next();
      const protocol = llProtoA2n(word);
      if (protocol === undefined) return args.invarg('protocol is invalid', word);
      data.protocol = protocol;
    } else if (args.matches('id')) {
      const word = args.next();
      const id = getU16(word);
      if (id === undefined) return args.invarg('id is invalid', word);
      data.id = id;
    } else if (flag) {
      const [name, bit] = flag;
      const word = args.next();
      flags.mask |= bit;
      if (word === 'on') flags.flags |= bit;
      else if (word === 'off') flags.flags &= ~bit;
      else {
        args.complain(`Error: argument of "${name}" must be "on" or "off", not "${word}"`);
        return EXIT_FAILURE;
      }
    } else if (args.matches('ingress-qos-map') || args.matches('egress-qos-map')) {
      const ingress = args.matches('ingress-qos-map');
      const map = parseQosMap(args);
      if (!map) return args.invarg(`invalid ${ingress ? 'ingress' : 'egress'}-qos-map`, args.word.split(':')[0]!);
      if (ingress) data.ingressQos = map;
      else data.egressQos = map;
      continue;
    } else {
      if (!args.matches('help')) args.complain(`vlan: unknown command "${args.word}"?`);
      args.process.stderr.write(USAGE);
      return EXIT_FAILURE;
    }
    args.shift();
  }
  if (flags.mask) data.flags = flags;
  return data;
}

function printMap(ip: Ip, key: string, title: string, map: QosMap): void {
  const { out } = ip;
  out.openArray(key);
  out.nl();
  out.text(`      ${title} { `);
  for (const { from, to } of map) {
    out.openObject();
    out.text(`${from}:${to} `);
    out.field('from', from);
    out.field('to', to);
    out.closeObject();
  }
  out.closeArray();
  out.text('} ');
}

function printFlags(ip: Ip, bits: number): void {
  const { out } = ip;
  let left = bits;
  out.openArray('flags', '<');
  for (const [name, bit] of FLAGS) {
    if (!(left & bit)) continue;
    left &= ~bit;
    const text = name.toUpperCase();
    out.print(undefined, left ? `${text},` : text, text);
  }
  if (left) out.print(undefined, left.toString(16), left.toString(16));
  out.closeArray('> ');
}

function print(ip: Ip, data: VlanData): void {
  const { out, options } = ip;
  if (data.id === undefined) return;
  const protocol = llProtoN2a(data.protocol ?? 0x8100, options.numeric);
  out.print('protocol', `protocol ${protocol} `, protocol);
  out.print('id', `id ${data.id} `, data.id);
  if (data.flags) printFlags(ip, data.flags.flags);
  if (data.ingressQos) printMap(ip, 'ingress_qos', 'ingress-qos-map', data.ingressQos);
  if (data.egressQos) printMap(ip, 'egress_qos', 'egress-qos-map', data.egressQos);
}

/** `type vlan`. */
export const vlanKind: LinkKind = { id: 'vlan', parse, print, help: (out) => out.write(USAGE) };
