/** Entries of forwarding databases as `bridge fdb` selects and prints them (print_fdb() of bridge/fdb.c). */
import {
  type FdbMessage,
  NTF_EXT_LEARNED,
  NTF_MASTER,
  NTF_OFFLOADED,
  NTF_ROUTER,
  NTF_SELF,
  NTF_STICKY,
  NUD_NOARP,
  NUD_PERMANENT,
  NUD_REACHABLE,
  NUD_STALE,
} from '../../uapi/rtnetlink.ts';
import { formatMac, type Mac } from '../../wire/addr.ts';
import { matches } from '../ip/args.ts';
import type { Ip } from '../ip/context.ts';
import { getUnsigned } from '../ip/numbers.ts';

export interface FdbFilter {
  index: number;
  state: number;
  vlan: number;
  dynamic: boolean;
}

const FLAGS: readonly (readonly [number, string])[] = [
  [NTF_SELF, 'self'],
  [NTF_ROUTER, 'router'],
  [NTF_EXT_LEARNED, 'extern_learn'],
  [NTF_OFFLOADED, 'offload'],
  [NTF_MASTER, 'master'],
  [NTF_STICKY, 'sticky'],
];

/** state_a2n(): `all` is every state. */
export function fdbState(word: string): number | undefined {
  const is = (...names: string[]) => names.some((name) => matches(word, name));
  if (is('permanent')) return NUD_PERMANENT;
  if (is('static', 'temp')) return NUD_NOARP;
  if (is('stale')) return NUD_STALE;
  if (is('reachable', 'dynamic')) return NUD_REACHABLE;
  return word === 'all' ? 0xffff : getUnsigned(word);
}

/** sscanf("%hhx:%hhx:%hhx:%hhx:%hhx:%hhx"): six groups, what follows them is not looked at. */
export function scanMac(word: string): Mac | undefined {
  let rest = word;
  let mac = 0;
  for (let i = 0; i < 6; i++) {
    const group = /^\s*(?:0[xX])?([0-9a-fA-F]+)/.exec(rest);
    if (group === null) return undefined;
    mac = mac * 256 + (Number.parseInt(group[1]!.slice(-2), 16) & 0xff);
    rest = rest.slice(group[0].length);
    if (i < 5 && !rest.startsWith(':')) return undefined;
    rest = rest.slice(1);
  }
  return mac;
}

export function filterFdb(filter: FdbFilter, entry: FdbMessage): boolean {
  if (filter.index !== 0 && filter.index !== entry.ifindex) return false;
  if (filter.state !== 0 && (entry.state & filter.state) === 0) return false;
  if (filter.vlan !== 0 && filter.vlan !== (entry.vlan ?? 0)) return false;
  return !filter.dynamic || (entry.state & NUD_PERMANENT) === 0;
}

function stateName(state: number, json: boolean): string {
  if ((state & NUD_PERMANENT) !== 0) return 'permanent';
  if ((state & NUD_NOARP) !== 0) return 'static';
  if ((state & NUD_STALE) !== 0) return 'stale';
  if ((state & NUD_REACHABLE) !== 0) return '';
  const number = state === 0 ? '0' : `0x${state.toString(16)}`;
  return json ? number : `state=${number}`;
}

/** print_fdb(), for an entry that passed; `index` is the device that the filter fixes, 0 for none. */
export function printFdb(ip: Ip, entry: FdbMessage, index: number): void {
  const { out, links } = ip;
  out.openObject();
  const lladdr = formatMac(entry.lladdr);
  out.color('mac', 'mac', `${lladdr} `, lladdr);
  if (index === 0) {
    const name = links.name(entry.ifindex);
    out.text('dev ');
    out.color('ifname', 'ifname', `${name} `, name);
  }
  if (entry.vlan !== undefined && entry.vlan !== 0) out.print('vlan', `vlan ${entry.vlan} `, entry.vlan);
  if (ip.options.stats > 0 && entry.used !== undefined) {
    out.text(`used ${entry.used}/${entry.updated ?? 0} `);
    out.field('used', entry.used);
    out.field('updated', entry.updated ?? 0);
  }
  out.openArray('flags');
  for (const [bit, name] of FLAGS) if ((entry.flags & bit) !== 0) out.print(undefined, `${name} `, name);
  out.closeArray();
  if (entry.master !== undefined) {
    const master = links.name(entry.master);
    out.print('master', `master ${master} `, master);
  }
  const state = stateName(entry.state, out.isJson);
  out.print('state', `${state}\n`, state);
  out.closeObject();
}
