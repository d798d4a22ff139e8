import {
  MACVLAN_FLAG_NODST,
  MACVLAN_FLAG_NOPROMISC,
  MACVLAN_MACADDR_ADD,
  MACVLAN_MACADDR_DEL,
  MACVLAN_MACADDR_FLUSH,
  MACVLAN_MACADDR_SET,
  MACVLAN_MODE_BRIDGE,
  MACVLAN_MODE_PASSTHRU,
  MACVLAN_MODE_PRIVATE,
  MACVLAN_MODE_SOURCE,
  MACVLAN_MODE_VEPA,
} from '../../uapi/if.ts';
import type { OutputStream } from '../../uapi/process.ts';
import type { MacvlanData } from '../../uapi/rtnetlink.ts';
import { formatMac, type Mac } from '../../wire/addr.ts';
import type { Args } from './args.ts';
import type { Ip } from './context.ts';
import { EXIT_FAILURE } from './exit.ts';
import type { LinkKind } from './link-kind.ts';
import { llAddrA2n, macOf } from './ll-addr.ts';
import { getUnsigned } from './numbers.ts';

const MODES: Readonly<Record<string, number>> = {
  private: MACVLAN_MODE_PRIVATE,
  vepa: MACVLAN_MODE_VEPA,
  bridge: MACVLAN_MODE_BRIDGE,
  passthru: MACVLAN_MODE_PASSTHRU,
  source: MACVLAN_MODE_SOURCE,
};

const MACADDR_MODES: Readonly<Record<string, number>> = {
  add: MACVLAN_MACADDR_ADD,
  del: MACVLAN_MACADDR_DEL,
  set: MACVLAN_MACADDR_SET,
  flush: MACVLAN_MACADDR_FLUSH,
};

function usage(id: string): string {
  return `Usage: ... ${id} mode MODE [flag MODE_FLAG] MODE_OPTS [bcqueuelen BC_QUEUE_LEN]

MODE: private | vepa | bridge | passthru | source
MODE_FLAG: null | nopromisc | nodst
MODE_OPTS: for mode "source":
	macaddr { { add | del } <macaddr> | set [ <macaddr> [ <macaddr>  ... ] ] | flush }
BC_QUEUE_LEN: Length of the rx queue for broadcast/multicast: [0-4294967295]
`;
}

/** A MAC address of six octets and no more; otherwise the word has been cut at its first colon. */
function readMac(args: Args): Mac | undefined {
  const octets = llAddrA2n(args, args.word, 6);
  const mac = octets === undefined || args.word.split(':').length > 6 ? undefined : macOf(octets);
  if (mac === undefined && !args.word.includes('.')) args.replace(args.word.split(':')[0]!);
  return mac;
}

/** `macaddr add|del MAC`, `macaddr set MAC...`, `macaddr flush`: false after a complaint. */
function parseMacaddr(id: string, args: Args, data: MacvlanData): boolean {
  const mode = MACADDR_MODES[args.next()];
  if (mode === undefined) {
    args.process.stderr.write(usage(id));
    return false;
  }
  data.macaddrMode = mode;
  if (mode === MACVLAN_MACADDR_ADD || mode === MACVLAN_MACADDR_DEL) {
    args.next();
    const mac = readMac(args);
    if (mac === undefined) return false;
    data.macaddr = mac;
  } else if (mode === MACVLAN_MACADDR_SET) {
    const list: Mac[] = [];
    while (args.hasNext) {
      args.shift();
      const mac = readMac(args);
      if (mac === undefined) {
        args.back();
        break;
      }
      list.push(mac);
    }
    data.macaddrData = list;
  }
  return true;
}

function parse(id: string, args: Args): MacvlanData | number {
  const data: MacvlanData = {};
  let flags: number | undefined;
  const { stderr } = args.process;
  while (args.left > 0) {
    if (args.matches('mode')) {
      const word = args.next();
      const mode = MODES[word];
      if (mode === undefined) {
        args.complain(
          `Error: argument of "mode" must be "private", "vepa", "bridge", "passthru" or "source", not "${word}"`,
        );
        return EXIT_FAILURE;
      }
      data.mode = mode;
    } else if (args.matches('flag')) {
      const word = args.next();
      if (word === 'nopromisc') flags = (flags ?? 0) | MACVLAN_FLAG_NOPROMISC;
      else if (word === 'nodst') flags = (flags ?? 0) | MACVLAN_FLAG_NODST;
      else if (word === 'null') flags ??= 0;
      else {
        args.complain(`Error: argument of "flag" must be "nopromisc", "nodst" or "null", not "${word}"`);
        return EXIT_FAILURE;
      }
    } else if (args.matches('macaddr')) {
      if (!parseMacaddr(id, args, data)) return EXIT_FAILURE;
    } else if (args.matches('nopromisc')) flags = (flags ?? 0) | MACVLAN_FLAG_NOPROMISC;
    else if (args.matches('nodst')) flags = (flags ?? 0) | MACVLAN_FLAG_NODST;
    else if (args.matches('bcqueuelen')) {
      const word = args.next();
      const length = getUnsigned(word);
      if (length === undefined) {
        args.complain(`Error: argument of "bcqueuelen" must be a positive integer [0-4294967295], not "${word}"`);
        return EXIT_FAILURE;
      }
      data.bcQueueLen = length;
    } else {
      if (!args.matches('help')) args.complain(`${id}: unknown option "${args.word}"?`);
      stderr.write(usage(id));
      return EXIT_FAILURE;
    }
    args.shift();
  }
  if (flags !== undefined) {
    if (flags & MACVLAN_FLAG_NOPROMISC && data.mode !== MACVLAN_MODE_PASSTHRU) {
      args.complain(`${id}: nopromisc flag only valid in passthru mode`);
      stderr.write(usage(id));
      return EXIT_FAILURE;
    }
    data.flags = flags;
  }
  return data;
}

function print(ip: Ip, data: MacvlanData): void {
  const { out } = ip;
  if (data.mode === undefined) return;
  const mode = Object.keys(MODES).find((name) => MODES[name] === data.mode) ?? 'unknown';
  out.print('mode', `mode ${mode} `, mode);
  const flags = data.flags ?? 0;
  if (flags & MACVLAN_FLAG_NOPROMISC) out.print('nopromisc', 'nopromisc ', true);
  if (flags & MACVLAN_FLAG_NODST) out.print('nodst', 'nodst ', true);
  if (data.bcQueueLen !== undefined) out.print('bcqueuelen', `bcqueuelen ${data.bcQueueLen} `, data.bcQueueLen);
  if (data.bcQueueLenUsed !== undefined) {
    out.print('usedbcqueuelen', `usedbcqueuelen ${data.bcQueueLenUsed} `, data.bcQueueLenUsed);
  }
  if (data.mode !== MACVLAN_MODE_SOURCE || data.macaddrCount === undefined) return;
  out.print('macaddr_count', `remotes (${data.macaddrCount}) `, data.macaddrCount);
  if (!data.macaddrData) return;
  out.openArray('macaddr_data');
  for (const mac of data.macaddrData) out.print(undefined, `${formatMac(mac)} `, formatMac(mac));
  out.closeArray();
}

function kind(id: string): LinkKind {
  return {
    id,
    parse: (_ip, args) => parse(id, args),
    print,
    help: (out: OutputStream) => out.write(usage(id)),
  };
}

/** `type macvlan`. */
export const macvlanKind = kind('macvlan');
/** `type macvtap`: the same options. */
export const macvtapKind = kind('macvtap');
