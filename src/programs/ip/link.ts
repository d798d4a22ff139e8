import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../../uapi/rtnetlink.ts';
import { listLinks } from './address-list.ts';
import { type Args, matching } from './args.ts';
import type { Ip, IpObject } from './context.ts';
import { EXIT_FAILURE } from './exit.ts';
import { talk } from './libnetlink.ts';
import { isForeignKind, linkKind } from './link-kinds.ts';
import { parseLink, refuseAddress } from './link-parse.ts';
import { property } from './link-property.ts';
import { linkUsage } from './link-usage.ts';

type Command = 'new' | 'delete';

/** iplink_modify(): read the device and its kind's options, send the request. */
function modify(ip: Ip, args: Args, command: Command, flags: number): number {
  if (ip.options.echo) args.notModelled('-echo');
  const create = (flags & NLM_F_CREATE) !== 0;
  const parsed = parseLink(ip, args, create);
  if (typeof parsed === 'number') return parsed;
  const { request, type } = parsed;
  if (type !== undefined) {
    request.linkinfo = { kind: type };
    const kind = linkKind(type);
    if (args.left > 0) {
      if (kind?.parse) {
        const data = kind.parse(ip, args, create);
        if (typeof data === 'number') return data;
        if (/^[^_]*_slave$/.test(type)) request.linkinfo.slaveData = data;
        else request.linkinfo.data = data;
      } else if (!kind) {
        if (isForeignKind(type)) args.notModelled(`type ${type}`);
        if (args.matches('help')) linkUsage(ip.process);
        args.complain(`Garbage instead of arguments "${args.word} ...". Try "ip link help".`);
        return EXIT_FAILURE;
      }
    }
  } else if (create) {
    args.complain('Not enough information: "type" argument is required');
    return EXIT_FAILURE;
  }
  if (parsed.badAddress) return refuseAddress(args);
  const answer = command === 'new' ? ip.rtnl.newLink(request, flags) : ip.rtnl.delLink(request);
  const status = talk(ip.process, answer);
  if (status === 0) ip.links.drop(request.ifindex ?? 0);
  return status;
}

/** `ip link help [TYPE]`. */
function help(ip: Ip, args: Args): number {
  const kind = args.left > 0 ? linkKind(args.word) : undefined;
  if (!kind?.help) {
    if (args.left > 0 && isForeignKind(args.word)) args.notModelled(`link help ${args.word}`);
    linkUsage(ip.process);
  }
  kind.help(ip.process.stdout);
  return 0;
}

/** `ip link`. */
export const doIplink: IpObject = async (ip, args) => {
  if (args.left < 1) return listLinks(ip, args);
  const command = args.word;
  args.shift();
  const is = matching(command);
  if (is('add')) return modify(ip, args, 'new', NLM_F_CREATE | NLM_F_EXCL);
  if (is('set') || is('change')) return modify(ip, args, 'new', 0);
  if (is('replace')) return modify(ip, args, 'new', NLM_F_CREATE | NLM_F_REPLACE);
  if (is('delete')) return modify(ip, args, 'delete', 0);
  if (is('show') || is('lst') || is('list')) return listLinks(ip, args);
  for (const known of ['xstats', 'afstats']) if (is(known)) args.notModelled(`link ${known}`);
  if (is('property')) return property(ip, args);
  if (is('help')) return help(ip, args);
  return args.fail(`Command "${command}" is unknown, try "ip link help".`);
};
