import { AF_INET, AF_UNSPEC } from '../../uapi/rtnetlink.ts';
import { matches } from './args.ts';
import type { IpObject } from './context.ts';
import { EXIT_USAGE, Exit } from './exit.ts';

const USAGE = `Usage: ip rule { add | del } SELECTOR ACTION
       ip rule { flush | save | restore }
       ip rule [ list [ SELECTOR ]]
SELECTOR := [ not ] [ from PREFIX ] [ to PREFIX ] [ tos TOS ]
            [ fwmark FWMARK[/MASK] ]
            [ iif STRING ] [ oif STRING ] [ pref NUMBER ] [ l3mdev ]
            [ uidrange NUMBER-NUMBER ]
            [ ipproto PROTOCOL ]
            [ sport [ NUMBER | NUMBER-NUMBER ]
            [ dport [ NUMBER | NUMBER-NUMBER ] ]
ACTION := [ table TABLE_ID ]
          [ protocol PROTO ]
          [ nat ADDRESS ]
          [ realms [SRCREALM/]DSTREALM ]
          [ goto NUMBER ]
          SUPPRESSOR
SUPPRESSOR := [ suppress_prefixlength NUMBER ]
              [ suppress_ifgroup DEVGROUP ]
TABLE_ID := [ local | main | default | NUMBER ]
`;

/** The rules that every namespace begins with (fib_default_rules_init): priority and table. */
const DEFAULT_RULES = [
  [0, 255],
  [32766, 254],
  [32767, 253],
] as const;

/** `ip rule`: the rules every namespace has; there are no others. */
export const doIprule: IpObject = async (ip, args) => {
  const { out, options, names } = ip;
  const command = args.left > 0 ? args.word : 'list';
  if (matches(command, 'list') || matches(command, 'lst') || matches(command, 'show')) {
    args.shift();
    if (args.left > 0) args.notModelled(`rule ${command} ${args.word}`);
    out.newJson();
    if (options.family === AF_UNSPEC || options.family === AF_INET) {
      for (const [priority, table] of DEFAULT_RULES) {
        out.openObject();
        out.print('priority', `${priority}:\t`, priority);
        out.print('src', 'from all', 'all');
        out.print('table', ` lookup ${names.table(table)}`, names.table(table));
        if (options.details > 0) out.print('protocol', ` proto ${names.protocol(2)}`, names.protocol(2));
        out.text('\n');
        out.closeObject();
      }
    }
    out.deleteJson();
    return 0;
  }
  for (const known of ['save', 'restore', 'add', 'delete', 'flush']) {
    if (matches(command, known)) args.notModelled(`rule ${known}`);
  }
  if (matches(command, 'help')) {
    ip.process.stderr.write(USAGE);
    throw new Exit(EXIT_USAGE);
  }
  return args.fail(`Command "${command}" is unknown, try "ip rule help".`);
};
