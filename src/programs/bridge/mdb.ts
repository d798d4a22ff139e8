/**
 * `bridge mdb`: multicast groups (bridge/mdb.c). The twin's bridges flood multicast to every port and keep
 * no groups, so the list is empty and nothing can be added.
 */
import { type Args, matches } from '../ip/args.ts';
import type { Ip, IpObject } from '../ip/context.ts';
import { EXIT_USAGE, Exit } from '../ip/exit.ts';

const USAGE = `Usage: bridge mdb { add | del } dev DEV port PORT grp GROUP [src SOURCE] [permanent | temp] [vid VID]
       bridge mdb {show} [ dev DEV ] [ vid VID ]
`;

/** mdb_show(). */
function show(ip: Ip, args: Args): number {
  let device: string | undefined;
  let vid = false;
  for (; args.left > 0; args.shift()) {
    if (args.word === 'dev') {
      args.next();
      if (device !== undefined) args.duparg('dev', args.word);
      device = args.word;
    } else if (args.word === 'vid') {
      args.next();
      if (vid) args.duparg('vid', args.word);
      vid = true;
    }
  }
  if (device !== undefined && ip.links.index(device) === 0) {
    args.nodev(device);
    return EXIT_USAGE;
  }
  const { out } = ip;
  out.newJson();
  out.openObject();
  out.openArray('mdb');
  out.closeArray();
  out.openObject('router');
  out.closeObject();
  out.closeObject();
  out.deleteJson();
  return 0;
}

/** do_mdb(). */
export const doMdb: IpObject = async (ip, args) => {
  ip.links.init();
  if (args.left === 0) return show(ip, args);
  const command = args.word;
  args.shift();
  if (matches(command, 'add') || matches(command, 'delete')) args.notModelled(`mdb ${command}`);
  if (['show', 'lst', 'list'].some((name) => matches(command, name))) return show(ip, args);
  if (matches(command, 'help')) {
    ip.process.stderr.write(USAGE);
    throw new Exit(EXIT_USAGE);
  }
  return args.fail(`Command "${command}" is unknown, try "bridge mdb help".`);
};
