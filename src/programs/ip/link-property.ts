import { type Args, checkAltIfname } from './args.ts';
import type { Ip } from './context.ts';
import { talk } from './libnetlink.ts';
import { linkUsage } from './link-usage.ts';

/** iplink_prop(): `ip link property { add | del } dev DEVICE altname NAME...`. */
export function property(ip: Ip, args: Args): number {
  if (args.left <= 0) linkUsage(ip.process);
  const add = args.matches('add');
  if (!add && !args.matches('del')) {
    if (args.matches('help')) linkUsage(ip.process);
    args.fail('Operator required');
  }
  args.shift();
  const altnames: string[] = [];
  let dev: string | undefined;
  while (args.left > 0) {
    if (args.matches('altname')) {
      const name = args.next();
      if (!checkAltIfname(name)) args.invarg('not a valid altname', name);
      altnames.push(name);
    } else if (args.matches('help')) linkUsage(ip.process);
    else {
      const name = args.word === 'dev' ? args.next() : args.word;
      if (dev !== undefined) args.duparg2('dev', name);
      if (!checkAltIfname(name)) args.invarg('"dev" not a valid ifname', name);
      dev = name;
    }
    args.shift();
  }
  if (dev === undefined) return args.fail('Not enough of information: "dev" argument is required.');
  const ifindex = ip.links.index(dev);
  return ifindex ? talk(ip.process, ip.rtnl.linkProp(ifindex, altnames, add)) : args.nodev(dev);
}
